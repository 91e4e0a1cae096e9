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
    for (pattern, expected) in [("START", 2), ("?START ?END", 4), ("-END", 2), ("%^E.D$%", 2), ("\"EN D\"", 0)] {
        let found = ask("FilterLogEvents", json!({"filterPattern": pattern})).await;
        assert_eq!(count(&found, "events"), Some(expected), "{pattern}: {found:?}");
    }
    for refused in ["{ $.level = \"ERROR\" }", "[a, b]"] {
        let answer = ask("FilterLogEvents", json!({"filterPattern": refused})).await;
        assert!(answer.0 == 400 && answer.1.to_string().contains("does not serve a filter pattern"), "{answer:?}");
    }
}
