//! CloudFormation's and CloudWatch Logs' refusals and answers as they were recorded from the services: the sentences are
//! those of localstack/localstack, tests/aws/services/cloudformation, where no other source is named.

use super::*;

/// Two parameters; the second one's value is the first one's.
fn pair(value: &str) -> Value {
    json!({"Resources": {
        "A": {"Type": "AWS::SSM::Parameter", "Properties": {"Name": "a", "Type": "String", "Value": value}},
        "B": {"Type": "AWS::SSM::Parameter", "Properties": {"Name": "b", "Type": "String", "Value": {"Fn::GetAtt": ["A", "Value"]}}}}})
}

async fn change_set(bench: &Bench, kind: &str, stack: &str, set: &str, template: &Value) -> (u16, String) {
    let text = template.to_string();
    let members = [
        ("Action", "CreateChangeSet"),
        ("StackName", stack),
        ("ChangeSetName", set),
        ("ChangeSetType", kind),
        ("TemplateBody", text.as_str()),
    ];
    bench.query("cloudformation", &members).await
}

async fn of_set(bench: &Bench, action: &str, stack: &str, set: &str) -> (u16, String) {
    let members = [("Action", action), ("StackName", stack), ("ChangeSetName", set), ("IncludePropertyValues", "true")];
    bench.query("cloudformation", &members).await
}

#[tokio::test]
async fn a_change_set_of_a_stack_that_was_changed_since_is_obsolete() {
    let bench = Bench::new().await;
    bench.deploy("CreateStack", "s", &pair("1")).await;
    assert_eq!(change_set(&bench, "UPDATE", "s", "old", &pair("2")).await.0, 200);
    assert!(bench.deploy("UpdateStack", "s", &pair("3")).await.1.contains("<StackStatus>UPDATE_COMPLETE<"));
    let shown = of_set(&bench, "DescribeChangeSet", "s", "old").await.1;
    assert!(shown.contains("<ExecutionStatus>OBSOLETE<") && shown.contains("<Status>CREATE_COMPLETE<"), "{shown}");
    // The sentence: github.com/aws/amazon-chime-sdk-js/issues/1089.
    let (status, text) = of_set(&bench, "ExecuteChangeSet", "s", "old").await;
    assert!(status == 400 && text.contains("<Code>InvalidChangeSetStatus<"), "{text}");
    assert!(text.contains("cannot be executed in its current execution status of [OBSOLETE]"), "{text}");

    // test_create_while_in_review
    assert_eq!(change_set(&bench, "CREATE", "new", "first", &storage()).await.0, 200);
    assert!(bench.deploy("CreateStack", "new", &storage()).await.1.contains("<StackStatus>CREATE_COMPLETE<"));
    let shown = of_set(&bench, "DescribeChangeSet", "new", "first").await.1;
    assert!(shown.contains("<ExecutionStatus>OBSOLETE<"), "{shown}");
    assert_eq!(of_set(&bench, "ExecuteChangeSet", "new", "first").await.0, 400);
}

/// test_name_conflicts, test_create_change_set_update_without_parameters, test_direct_update.
#[tokio::test]
async fn a_change_set_that_was_executed_is_described_by_its_arn() {
    let bench = Bench::new().await;
    let described =
        async |who: &str| bench.query("cloudformation", &[("Action", "DescribeStacks"), ("StackName", who)]).await.1;
    let made = change_set(&bench, "CREATE", "s", "set", &pair("1")).await.1;
    let within = |text: &str, tag: &str| {
        let (_, rest) = text.split_once(&format!("<{tag}>")).unwrap_or_else(|| panic!("{tag}: {text}"));
        rest.split('<').next().unwrap().to_owned()
    };
    let (set, stack) = (within(&made, "Id"), within(&made, "StackId"));
    assert!(!described("s").await.contains("<ChangeSetId>"));
    assert_eq!(of_set(&bench, "ExecuteChangeSet", "s", "set").await.0, 200);
    let text = described("s").await;
    assert_eq!((within(&text, "ChangeSetId"), within(&text, "StackStatus")), (set.clone(), "CREATE_COMPLETE".into()));
    assert!(
        text.contains("<LastUpdatedTime>") && !text.contains("<Outputs>") && !text.contains("<Capabilities>"),
        "{text}"
    );
    let by_arn =
        async || bench.query("cloudformation", &[("Action", "DescribeChangeSet"), ("ChangeSetName", &set)]).await;
    assert_eq!(within(&by_arn().await.1, "ExecutionStatus"), "EXECUTE_COMPLETE");
    let (status, text) =
        bench.query("cloudformation", &[("Action", "ExecuteChangeSet"), ("ChangeSetName", &set)]).await;
    assert!(status == 400 && text.contains("in its current execution status of [EXECUTE_COMPLETE]"), "{text}");
    // Its name is free, and lists have those alone that can be executed.
    assert_eq!(of_set(&bench, "DescribeChangeSet", "s", "set").await.0, 404);
    assert_eq!(of_set(&bench, "DeleteChangeSet", "s", "set").await.0, 200);
    let listed = bench.query("cloudformation", &[("Action", "ListChangeSets"), ("StackName", "s")]).await.1;
    assert!(!listed.contains("<ChangeSetId>"), "{listed}");
    assert_eq!(change_set(&bench, "UPDATE", "s", "set", &pair("2")).await.0, 200);
    bench.query("cloudformation", &[("Action", "DeleteStack"), ("StackName", "s")]).await;
    let text = described(&stack).await;
    assert!(text.contains("<DeletionTime>") && !text.contains("<ChangeSetId>"), "{text}");
    assert!(!text.contains("<EnableTerminationProtection>"), "{text}");
    assert_eq!(within(&by_arn().await.1, "ExecutionStatus"), "EXECUTE_COMPLETE", "after its stack");
}

/// test_delete_change_set_exception, test_describe_change_set_nonexisting, test_get_template_missing_resources_change_set.
#[tokio::test]
async fn a_change_set_is_named_with_its_stack_or_by_its_arn() {
    let bench = Bench::new().await;
    let made = change_set(&bench, "CREATE", "s", "set", &pair("1")).await.1;
    let arn = made.split("<Id>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let alone = "StackName must be specified if ChangeSetName is not specified as an ARN.";
    for (action, members, sentence) in [
        ("DescribeChangeSet", vec![("ChangeSetName", "set")], alone),
        ("DeleteChangeSet", vec![("ChangeSetName", "set")], alone),
        ("DeleteChangeSet", vec![("ChangeSetName", "set"), ("StackName", "no")], ">Stack [no] does not exist<"),
        ("DescribeChangeSet", vec![("ChangeSetName", "set"), ("StackName", "no")], ">Stack [no] does not exist<"),
        ("GetTemplate", vec![("ChangeSetName", "set")], "StackName is a required parameter."),
        ("GetTemplateSummary", vec![("StackName", "s")], "cannot be called on REVIEW_IN_PROGRESS stacks."),
    ] {
        let members: Vec<(&str, &str)> = [("Action", action)].into_iter().chain(members).collect();
        let (status, text) = bench.query("cloudformation", &members).await;
        assert!(status == 400 && text.contains(sentence), "{action}: {text}");
    }
    let (status, text) = bench.query("cloudformation", &[("Action", "GetTemplate"), ("ChangeSetName", &arn)]).await;
    assert!(status == 200 && text.contains("AWS::SSM::Parameter"), "{text}");
}

/// test_stack_deploy_order, test_blocked_stack_deletion.
#[tokio::test]
async fn every_event_of_a_resource_tells_its_properties() {
    let bench = Bench::new().await;
    bench.deploy("CreateStack", "s", &pair("1")).await;
    bench.deploy("UpdateStack", "s", &pair("2")).await;
    let events = bench.query("cloudformation", &[("Action", "DescribeStackEvents"), ("StackName", "s")]).await.1;
    let of: Vec<&str> = events.split("<member>").filter(|event| event.contains("<LogicalResourceId>A<")).collect();
    assert_eq!(of.len(), 5, "{events}");
    for (event, value) in of.iter().zip(["2", "2", "1", "1", "1"]) {
        assert!(event.contains(&format!("\"Value\":\"{value}\"")), "{event}");
    }
}

/// test_change_set_fn_get_attr: what an attribute will be is known once its property is changed.
#[tokio::test]
async fn a_value_made_of_what_changes_is_known_after_apply() {
    let bench = Bench::new().await;
    bench.deploy("CreateStack", "s", &pair("1")).await;
    change_set(&bench, "UPDATE", "s", "set", &pair("2")).await;
    let shown = of_set(&bench, "DescribeChangeSet", "s", "set").await.1;
    assert!(shown.contains("<AfterValue>{{changeSet:KNOWN_AFTER_APPLY}}</AfterValue>"), "{shown}");
    assert!(shown.contains("<CausingEntity>A.Value</CausingEntity>"), "{shown}");
    assert!(shown.contains("<AfterValue>2</AfterValue>"), "{shown}");
}

#[tokio::test]
async fn what_is_asked_of_a_stack_and_cannot_be_is_refused() {
    let bench = Bench::new().await;
    bench.deploy("CreateStack", "s", &pair("1")).await;
    let members = [("Action", "DeleteStack"), ("StackName", "s"), ("RetainResources.member.1", "A")];
    let (status, text) = bench.query("cloudformation", &members).await;
    let sentence =
        "When you delete a stack, specify which resources to retain only when the stack is in the DELETE_FAILED state.";
    assert!(status == 400 && text.contains(sentence) && text.contains("Invalid operation on stack [arn:"), "{text}");
    let body = storage().to_string();
    for (more, sentence) in [
        (vec![("StackPolicyBody", "{}")], "does not serve StackPolicyBody of cloudformation"),
        (vec![("StackPolicyURL", "http://x")], "does not serve StackPolicyURL of cloudformation"),
        (
            vec![("OnFailure", "DELETE"), ("DisableRollback", "true")],
            "Either DisableRollback or OnFailure can be specified, not both.",
        ),
        (vec![("TemplateURL", "http://x")], "either the TemplateBody or the TemplateURL parameter, but not both."),
        (
            vec![("ResourceTypes.member.1", "AWS::EC2::*")],
            "Resource type AWS::S3::Bucket is not allowed by parameter ResourceTypes [AWS::EC2::*]",
        ),
    ] {
        let mut members = vec![("Action", "CreateStack"), ("StackName", "new"), ("TemplateBody", body.as_str())];
        members.extend(more);
        let (status, text) = bench.query("cloudformation", &members).await;
        assert!(status == 400 && text.contains(sentence), "{sentence}: {text}");
    }
    for allowed in ["AWS::*", "AWS::S3::*", "AWS::S3::Bucket"] {
        let members = [
            ("Action", "CreateChangeSet"),
            ("ChangeSetType", "CREATE"),
            ("StackName", "new"),
            ("ChangeSetName", &allowed.replace([':', '*'], "")),
            ("TemplateBody", body.as_str()),
            ("ResourceTypes.member.1", allowed),
        ];
        assert_eq!(bench.query("cloudformation", &members).await.0, 200, "{allowed}");
    }
}

/// engine/test_conditions, engine/test_mappings.
#[tokio::test]
async fn what_the_parameters_make_of_a_template_is_checked_at_the_call() {
    let bench = Bench::new().await;
    let mut wanted = pair("1");
    wanted["Conditions"] = json!({"Never": {"Fn::Equals": ["a", "b"]}});
    wanted["Resources"]["A"]["Condition"] = json!("Never");
    let (status, text) = bench.deploy("CreateStack", "s", &wanted).await;
    let sentence = "Template format error: Unresolved resource dependencies [A] in the Resources block of the template";
    assert!(status == 400 && text.contains(sentence), "{text}");
    // What no condition chooses is not asked for.
    let chosen = json!({"Fn::If": ["Never", {"Fn::GetAtt": ["A", "Value"]}, "x"]});
    wanted["Resources"]["B"]["Properties"]["Value"] = chosen.clone();
    wanted["Outputs"] = json!({"O": {"Value": {"Fn::Sub": "${A}"}}});
    let (status, text) = bench.deploy("CreateStack", "s", &wanted).await;
    assert!(
        status == 400 && text.contains("<Message>Unresolved resource dependencies [A] in the Outputs block"),
        "{text}"
    );
    wanted["Outputs"] = json!({"O": {"Value": chosen}, "P": {"Condition": "Never", "Value": {"Ref": "A"}}});
    assert!(bench.deploy("CreateStack", "s", &wanted).await.1.contains("<StackStatus>CREATE_COMPLETE<"));

    let mapped = json!({"Mappings": {"M": {"a": {"k": "v"}}}, "Parameters": {"P": {"Type": "String", "Default": "zz"}},
        "Resources": {"A": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String",
            "Value": {"Fn::FindInMap": ["M", {"Ref": "P"}, "k"]}}}}});
    let (status, text) = change_set(&bench, "CREATE", "m", "set", &mapped).await;
    assert!(status == 400 && text.contains("Template error: Unable to get mapping for M::zz::k"), "{text}");
}

#[tokio::test]
async fn parameters_of_systems_manager_have_their_length() {
    let bench = Bench::new().await;
    for (value, sentence) in [(String::new(), "greater than or equal to 1"), ("x".repeat(4097), "4096 characters")] {
        let mut wanted = pair(&value);
        wanted["Resources"].as_object_mut().unwrap().remove("B");
        bench.deploy("CreateStack", "s", &wanted).await;
        let events = bench.query("cloudformation", &[("Action", "DescribeStackEvents"), ("StackName", "s")]).await.1;
        assert!(events.contains(sentence), "{events}");
        bench.query("cloudformation", &[("Action", "DeleteStack"), ("StackName", "s")]).await;
        bench.query("cloudformation", &[("Action", "DescribeStacks"), ("StackName", "s")]).await;
    }
}

#[tokio::test]
async fn a_summary_tells_the_values_that_a_parameter_may_have() {
    let bench = Bench::new().await;
    let mut template = storage();
    template["Parameters"] = json!({"P": {"Type": "String", "AllowedValues": ["one", 2]}});
    let body = template.to_string();
    let (_, text) = bench.query("cloudformation", &[("Action", "GetTemplateSummary"), ("TemplateBody", &body)]).await;
    let values = "<ParameterConstraints><AllowedValues><member>one</member><member>2</member></AllowedValues></ParameterConstraints>";
    assert!(text.contains(values), "{text}");
}

#[tokio::test]
async fn logs_are_chosen_ordered_and_limited() {
    let bench = deployed().await;
    for _ in 0..2 {
        bench.send("lambda", "POST", "/2015-03-31/functions/f/invocations", &[], b"{}").await;
    }
    let ask = async |operation: &str, more: Value| {
        let mut body = json!({"logGroupName": "/aws/lambda/f"});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let headers =
            [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", &*format!("Logs_20140328.{operation}"))];
        let answer = bench.send("logs", "POST", "/", &headers, body.to_string().as_bytes()).await;
        (answer.status, serde_json::from_slice::<Value>(&answer.body).unwrap())
    };
    let count = |answer: &(u16, Value), list: &str| answer.1[list].as_array().map(Vec::len);
    let streams = ask("DescribeLogStreams", json!({"orderBy": "LastEventTime", "descending": true, "limit": 1})).await;
    assert_eq!(count(&streams, "logStreams"), Some(1), "{streams:?}");
    let stream = streams.1["logStreams"][0]["logStreamName"].clone();
    let prefixed = ask("DescribeLogStreams", json!({"orderBy": "LastEventTime", "logStreamNamePrefix": "2"})).await;
    assert_eq!(prefixed.0, 400);
    let newest = ask("GetLogEvents", json!({"logStreamName": stream, "limit": 1})).await;
    assert_eq!((count(&newest, "events"), &newest.1["events"][0]["message"]), (Some(1), &json!("END")));
    let missing = ask("GetLogEvents", json!({"logStreamName": "none"})).await;
    assert!(missing.1.to_string().contains("The specified log stream does not exist."), "{missing:?}");
    for (pattern, expected) in [("START", 2), ("?START ?END", 4), ("-END", 4), ("%^E.D$%", 2), ("\"EN D\"", 0)] {
        let found = ask("FilterLogEvents", json!({"filterPattern": pattern})).await;
        assert_eq!(count(&found, "events"), Some(expected), "{pattern}: {found:?}");
    }
    for refused in ["{ $.level = \"ERROR\" }", "[a, b]"] {
        let answer = ask("FilterLogEvents", json!({"filterPattern": refused})).await;
        assert!(answer.0 == 400 && answer.1.to_string().contains("does not serve a filter pattern"), "{answer:?}");
    }
}

#[tokio::test]
async fn a_part_of_what_is_not_there_yet_is_known_after_apply() {
    let bench = Bench::new().await;
    let mut wanted = storage();
    wanted["Resources"]["P"] = json!({"Type": "AWS::SSM::Parameter", "Properties": {"Name": "p", "Type": "String",
        "Value": {"Fn::Select": [5, {"Fn::Split": [":", {"Fn::GetAtt": ["Assets", "Arn"]}]}]}}});
    wanted["Outputs"] = json!({"O": {"Value": {"Fn::GetAtt": ["P", "Value"]}}});
    let (status, text) = change_set(&bench, "CREATE", "s", "set", &wanted).await;
    assert_eq!(status, 200, "{text}");
    of_set(&bench, "ExecuteChangeSet", "s", "set").await;
    let (_, text) = bench.query("cloudformation", &[("Action", "DescribeStacks"), ("StackName", "s")]).await;
    assert!(text.contains("<StackStatus>CREATE_COMPLETE<"), "{text}");
    assert!(text.contains("<OutputValue>assets<"), "{text}");
}

/// API reference, UpdateStack: no tags given leaves them, an empty list takes them away.
#[tokio::test]
async fn an_empty_list_of_tags_takes_them_away() {
    let bench = Bench::new().await;
    let ask = async |action: &str, value: &str, tags: &[(&str, &str)]| {
        let text = pair(value).to_string();
        let mut members = vec![("Action", action), ("StackName", "s"), ("TemplateBody", text.as_str())];
        members.extend(tags);
        bench.query("cloudformation", &members).await;
        bench.query("cloudformation", &[("Action", "DescribeStacks"), ("StackName", "s")]).await.1
    };
    let tagged = [("Tags.member.1.Key", "team"), ("Tags.member.1.Value", "one")];
    assert!(ask("CreateStack", "1", &tagged).await.contains("<Key>team<"));
    assert!(ask("UpdateStack", "2", &[]).await.contains("<Key>team<"));
    assert!(!ask("UpdateStack", "3", &[("Tags", "")]).await.contains("<Key>team<"));
}

/// API reference, CreateChangeSet: `OnStackFailure`.
#[tokio::test]
async fn a_change_set_may_have_its_stack_deleted_when_it_fails() {
    let bench = Bench::new().await;
    let wanted = pair("").to_string();
    let ask = async |kind: &str, set: &str, wanted: &str| {
        let members = [
            ("Action", "CreateChangeSet"),
            ("StackName", "s"),
            ("ChangeSetName", set),
            ("ChangeSetType", kind),
            ("TemplateBody", wanted),
            ("OnStackFailure", "DELETE"),
        ];
        bench.query("cloudformation", &members).await
    };
    assert_eq!(ask("CREATE", "set", &wanted).await.0, 200);
    let shown = of_set(&bench, "DescribeChangeSet", "s", "set").await.1;
    assert!(shown.contains("<OnStackFailure>DELETE<"), "{shown}");
    let id = between(&shown, "<StackId>", "<").to_owned();
    of_set(&bench, "ExecuteChangeSet", "s", "set").await;
    let (_, text) = bench.query("cloudformation", &[("Action", "DescribeStacks"), ("StackName", &id)]).await;
    assert!(text.contains("<StackStatus>DELETE_COMPLETE<"), "{text}");
    bench.deploy("CreateStack", "s", &pair("1")).await;
    assert_eq!(ask("UPDATE", "later", &pair("2").to_string()).await.0, 400);
}

#[tokio::test]
async fn what_a_service_does_not_take_fails_in_a_stack_as_well() {
    let bench = Bench::new().await;
    let cluster =
        |properties: Value| json!({"Resources": {"A": {"Type": "AWS::DSQL::Cluster", "Properties": properties}}});
    let bucket = json!({"Resources": {"A": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "MyBucket"}}}});
    for (wanted, sentence) in [
        (cluster(json!({"PolicyDocument": "{"})), "policy is not valid JSON"),
        (bucket, "Bucket name should not contain uppercase characters"),
    ] {
        let (_, text) = bench.deploy("CreateStack", "s", &wanted).await;
        assert!(text.contains("<StackStatus>ROLLBACK_COMPLETE<"), "{sentence}: {text}");
        let events = bench.query("cloudformation", &[("Action", "DescribeStackEvents"), ("StackName", "s")]).await.1;
        assert!(events.contains(sentence), "{events}");
        bench.query("cloudformation", &[("Action", "DeleteStack"), ("StackName", "s")]).await;
        bench.query("cloudformation", &[("Action", "DescribeStacks"), ("StackName", "s")]).await;
    }
    // The name that stands for AWS's own key is no customer's key, and no drift either.
    bench.deploy("CreateStack", "s", &cluster(json!({"KmsEncryptionKey": "AWS_OWNED_KMS_KEY"}))).await;
    let id = bench.cloud.clusters().remove(0).identifier;
    let (_, shown) = bench.rest("dsql", "GET", &format!("/cluster/{id}"), Value::Null).await;
    assert_eq!(shown["encryptionDetails"]["encryptionType"], "AWS_OWNED_KMS_KEY", "{shown}");
    bench.query("cloudformation", &[("Action", "DetectStackDrift"), ("StackName", "s")]).await;
    let (_, text) = bench.query("cloudformation", &[("Action", "DescribeStacks"), ("StackName", "s")]).await;
    assert!(text.contains("<StackDriftStatus>IN_SYNC<"), "{text}");
}

#[tokio::test]
async fn a_log_group_takes_its_lines_with_it() {
    let bench = deployed().await;
    let group =
        json!({"Resources": {"G": {"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "/aws/lambda/f"}}}});
    bench.deploy("CreateStack", "logs", &group).await;
    bench.send("lambda", "POST", "/2015-03-31/functions/f/invocations", &[], b"{}").await;
    let groups = async || {
        let headers =
            [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", "Logs_20140328.DescribeLogGroups")];
        String::from_utf8(bench.send("logs", "POST", "/", &headers, b"{}").await.body.to_vec()).unwrap()
    };
    assert!(groups().await.contains("/aws/lambda/f"));
    bench.query("cloudformation", &[("Action", "DeleteStack"), ("StackName", "logs")]).await;
    bench.query("cloudformation", &[("Action", "DescribeStacks"), ("StackName", "logs")]).await;
    assert!(!groups().await.contains("/aws/lambda/f"), "it is gone with its stack");
}

/// CloudFormation user guide, "Validate stack deployments" (2026-11).
#[tokio::test]
async fn a_change_set_that_can_come_to_nothing_fails_early() {
    let bench = Bench::new().await;
    bench.deploy("CreateStack", "s", &pair("1")).await;
    let wanted = json!({"Resources": {
        "Taken": {"Type": "AWS::SSM::Parameter", "Properties": {"Name": "a", "Type": "String", "Value": "1"}},
        "Wrong": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Vaule": "1"}}}});
    let made = change_set(&bench, "CREATE", "new", "set", &wanted).await.1;
    let id = between(&made, "<Id>", "<").to_owned();
    let shown = of_set(&bench, "DescribeChangeSet", "new", "set").await.1;
    for expected in [
        "<Status>FAILED<",
        "<ExecutionStatus>UNAVAILABLE<",
        "The following hook(s)/validation failed: [AWS::EarlyValidation::PropertyValidation, \
         AWS::EarlyValidation::ResourceExistenceCheck]. To troubleshoot Early Validation errors, use the DescribeEvents API",
        "<Action>Add<",
    ] {
        assert!(shown.contains(expected), "{expected}: {shown}");
    }
    assert_eq!(of_set(&bench, "ExecuteChangeSet", "new", "set").await.0, 400);
    // As the CDK asks for them.
    let failed = [("Action", "DescribeEvents"), ("ChangeSetName", &*id), ("Filters.FailedEvents", "true")];
    let events = bench.query("cloudformation", &failed).await.1;
    for expected in [
        "<ValidationName>NAME_CONFLICT_VALIDATION<",
        "<ValidationPath>/Resources/Taken<",
        "Resource of type 'AWS::SSM::Parameter' with identifier 'a' already exists.",
        "<ValidationName>PROPERTY_VALIDATION<",
        "<ValidationPath>/Resources/Wrong/Properties/Vaule<",
        "Unsupported property [Vaule]",
        "Required property [Value] not found",
    ] {
        assert!(events.contains(expected), "{expected}: {events}");
    }
    // A stack's own names are not taken.
    change_set(&bench, "UPDATE", "s", "next", &pair("2")).await;
    let shown = of_set(&bench, "DescribeChangeSet", "s", "next").await.1;
    assert!(shown.contains("<Status>CREATE_COMPLETE<"), "{shown}");
}

/// API reference, DeleteStack (2026-11): what cannot be deleted is left, once a stack is stuck in DELETE_FAILED.
#[tokio::test]
async fn a_stack_that_is_stuck_can_be_deleted_by_force() {
    let bench = deployed().await;
    let delete = async |more: &[(&str, &str)]| {
        let members = [&[("Action", "DeleteStack"), ("StackName", "storage")], more].concat();
        let answer = bench.query("cloudformation", &members).await;
        bench.query("cloudformation", &[("Action", "DescribeStacks"), ("StackName", "storage")]).await;
        answer
    };
    let force = [("DeletionMode", "FORCE_DELETE_STACK")];
    let (status, text) = delete(&force).await;
    assert!(status == 400 && text.contains("only when the stack is in the DELETE_FAILED state."), "{text}");
    delete(&[]).await;
    let (_, text) = bench.query("cloudformation", &[("Action", "DescribeStacks"), ("StackName", "storage")]).await;
    assert!(
        text.contains("<StackStatus>DELETE_FAILED<") && !text.contains("DeletionMode"),
        "its bucket is not empty: {text}"
    );
    let id = between(&text, "<StackId>", "</").to_owned();
    assert_eq!(delete(&force).await.0, 200);
    let (_, text) = bench.query("cloudformation", &[("Action", "DescribeStacks"), ("StackName", &id)]).await;
    assert!(
        text.contains("<StackStatus>DELETE_COMPLETE<") && text.contains("<DeletionMode>FORCE_DELETE_STACK<"),
        "{text}"
    );
    bench.upload("more.zip", b"PK").await;
}
