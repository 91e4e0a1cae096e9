//! What stacks make of resources, as it was recorded from the services; where no other source is named, in
//! localstack/localstack, tests/aws/services/cloudformation.

use super::*;

/// A function, a cluster and a parameter without a name, with a tag of the cluster's own.
fn tagged(own: &str) -> Value {
    let mut wanted = template("1", None);
    wanted["Resources"]["Cluster"]["Properties"]["Tags"] = json!([{"Key": "own", "Value": own}]);
    wanted["Resources"]["P"] = json!({"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "v"}});
    wanted["Outputs"]["Name"] = json!({"Value": {"Ref": "P"}});
    wanted
}

async fn with_tags(bench: &Bench, action: &str, wanted: &Value, tags: &[(&str, &str)]) -> String {
    let text = wanted.to_string();
    let mut members: Vec<(String, &str)> = vec![
        ("Action".into(), action),
        ("StackName".into(), "app"),
        ("TemplateBody".into(), &text),
        ("Capabilities.member.1".into(), "CAPABILITY_NAMED_IAM"),
    ];
    for (number, (key, value)) in (1..).zip(tags) {
        members.push((format!("Tags.member.{number}.Key"), key));
        members.push((format!("Tags.member.{number}.Value"), value));
    }
    let members: Vec<(&str, &str)> = members.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    let (status, begun) = bench.query("cloudformation", &members).await;
    assert_eq!(status, 200, "{begun}");
    bench.query("cloudformation", &[("Action", "DescribeStacks"), ("StackName", "app")]).await.1
}

/// test_cfn_lambda_permissions: the three tags of CloudFormation's own. That a stack's tags are its resources', too: user
/// guide, "Resource tag", 2026-11.
#[tokio::test]
async fn resources_have_the_tags_of_their_stack() {
    let bench = Bench::new().await;
    bench.deploy("CreateStack", "storage", &storage()).await;
    bench.upload("code.zip", b"PK one").await;
    with_tags(&bench, "CreateStack", &tagged("1"), &[("team", "a"), ("own", "stack")]).await;
    let tags = async || {
        let id = bench.cloud.clusters().remove(0).identifier;
        let function = bench.rest("lambda", "GET", "/2015-03-31/functions/f", Value::Null).await.1["Tags"].clone();
        let cluster = bench.rest("dsql", "GET", &format!("/cluster/{id}"), Value::Null).await.1["tags"].clone();
        (function, cluster)
    };
    let (function, cluster) = tags().await;
    assert_eq!(function["aws:cloudformation:logical-id"], "Function");
    assert_eq!(function["aws:cloudformation:stack-name"], "app");
    assert!(
        function["aws:cloudformation:stack-id"].as_str().is_some_and(|id| id.contains(":stack/app/")),
        "{function}"
    );
    assert_eq!((&function["team"], &function["own"]), (&json!("a"), &json!("stack")));
    assert_eq!((&cluster["own"], &cluster["aws:cloudformation:logical-id"]), (&json!("1"), &json!("Cluster")));
    let roles = [("Action", "ListRoleTags"), ("RoleName", "fn")];
    let role = bench.query("iam", &roles).await.1;
    assert!(role.contains("<Key>team</Key>") && !role.contains("aws:cloudformation"), "{role}");

    // They change with the stack's, and go back with them.
    let text = with_tags(&bench, "UpdateStack", &tagged("1"), &[("team", "b")]).await;
    assert!(text.contains("<StackStatus>UPDATE_COMPLETE<"), "{text}");
    assert_eq!(tags().await.0["team"], "b");
    let mut bad = tagged("1");
    bad["Resources"]["Bad"] = json!({"Type": "AWS::SSM::Parameter", "DependsOn": ["Cluster", "Function", "Role"],
        "Properties": {"Type": "String", "Value": ""}});
    let text = with_tags(&bench, "UpdateStack", &bad, &[("team", "c")]).await;
    assert!(text.contains("<StackStatus>UPDATE_ROLLBACK_COMPLETE<"), "{text}");
    assert_eq!((&tags().await.0["team"], &tags().await.1["team"]), (&json!("b"), &json!("b")));

    // None of it is drift.
    bench.query("cloudformation", &[("Action", "DetectStackDrift"), ("StackName", "app")]).await;
    let text = bench.query("cloudformation", &[("Action", "DescribeStacks"), ("StackName", "app")]).await.1;
    assert!(text.contains("<StackDriftStatus>IN_SYNC<"), "{text}");
}

/// test_stack_deploy_order
#[tokio::test]
async fn a_parameter_without_a_name_gets_the_one_that_cloudformation_makes_up() {
    let bench = Bench::new().await;
    let wanted = json!({"Resources": {"Par": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "v"}}},
        "Outputs": {"Name": {"Value": {"Ref": "Par"}}}});
    let text = bench.deploy("CreateStack", "s", &wanted).await.1;
    assert!(text.contains("<OutputValue>CFN-Par-"), "{text}");
}

/// They would take rights away from the role's; without them the session would have all of these.
#[tokio::test]
async fn policies_of_a_session_are_refused_by_name() {
    let bench = deployed().await;
    for (member, value, name) in [
        ("Policy", "{}", "Policy"),
        ("PolicyArns.member.1.arn", "arn:aws:iam::aws:policy/ReadOnlyAccess", "PolicyArns"),
    ] {
        let asked = [("Action", "AssumeRole"), ("RoleArn", ROLE), ("RoleSessionName", "session"), (member, value)];
        let (status, text) = bench.query("sts", &asked).await;
        assert!(status == 400 && text.contains(&format!("does not serve {name} of sts")), "{text}");
    }
}

#[tokio::test]
async fn what_would_change_a_resource_and_is_not_here_is_refused_by_name() {
    let bench = Bench::new().await;
    let told =
        json!({"LambdaConfigurations": [{"Event": "s3:ObjectCreated:*", "Function": "arn:aws:lambda:us-east-1:1:f"}]});
    let template = json!({"Resources": {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": {
        "CorsConfiguration": {"CorsRules": []}, "NotificationConfiguration": told}}}});
    let (_, text) = bench.deploy("CreateStack", "app", &template).await;
    assert!(text.contains("<StackStatus>ROLLBACK_COMPLETE<"), "{text}");
    let (_, events) = bench.query("cloudformation", &[("Action", "DescribeStackEvents"), ("StackName", "app")]).await;
    assert!(events.contains("does not have NotificationConfiguration of AWS::S3::Bucket"), "{events}");
}

async fn asked(bench: &Bench, service: &str, target: &str, input: Value) -> (u16, Value) {
    let headers = [("x-amz-target", target), ("content-type", "application/x-amz-json-1.1")];
    let answer = bench.send(service, "POST", "/", &headers, input.to_string().as_bytes()).await;
    (answer.status, serde_json::from_slice(&answer.body).unwrap_or_default())
}

/// AWS Systems Manager API reference, GetParameter, GetParametersByPath: ten at most at once, versions by `name:version`.
#[tokio::test]
async fn parameters_are_listed_in_pages_and_asked_for_by_version() {
    let bench = Bench::new().await;
    let parameter = |name: String| {
        json!({"Type": "AWS::SSM::Parameter", "Properties": {
        "Type": "String", "Name": name, "Value": "v"}})
    };
    let all: serde_json::Map<String, Value> =
        (0..12).map(|number| (format!("P{number}"), parameter(format!("/a/{number:02}")))).collect();
    let (_, text) = bench.deploy("CreateStack", "app", &json!({"Resources": all})).await;
    assert!(text.contains("<StackStatus>CREATE_COMPLETE<"), "{text}");
    let (_, first) = asked(&bench, "ssm", "AmazonSSM.GetParametersByPath", json!({"Path": "/a"})).await;
    assert_eq!(first["Parameters"].as_array().map(Vec::len), Some(10));
    let next = json!({"Path": "/a", "NextToken": first["NextToken"]});
    let (_, second) = asked(&bench, "ssm", "AmazonSSM.GetParametersByPath", next).await;
    assert_eq!((second["Parameters"].as_array().map(Vec::len), &second["NextToken"]), (Some(2), &Value::Null));
    let get = async |name: &str| asked(&bench, "ssm", "AmazonSSM.GetParameter", json!({"Name": name})).await;
    let (_, known) = get("/a/01:1").await;
    assert_eq!((&known["Parameter"]["Value"], &known["Parameter"]["Selector"]), (&json!("v"), &json!(":1")));
    let (status, gone) = get("/a/01:2").await;
    assert_eq!((status, &gone["__type"]), (400, &json!("ParameterVersionNotFound")));
    // AWS says no more of it.
    assert_eq!(get("/b").await, (400, json!({"__type": "ParameterNotFound", "message": ""})));
}

#[tokio::test]
async fn a_log_group_is_found_by_its_arn_and_listed_in_pages() {
    let bench = Bench::new().await;
    let groups: serde_json::Map<String, Value> = (0..3)
        .map(|number| {
            (
                format!("G{number}"),
                json!({"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": format!("g{number}")}}),
            )
        })
        .collect();
    bench.deploy("CreateStack", "app", &json!({"Resources": groups})).await;
    let list = async |input: Value| asked(&bench, "logs", "Logs_20140328.DescribeLogGroups", input).await.1;
    let first = list(json!({"limit": 2})).await;
    let rest = list(json!({"limit": 2, "nextToken": first["nextToken"]})).await;
    assert_eq!(first["logGroups"].as_array().map(Vec::len), Some(2));
    assert_eq!((&rest["logGroups"][0]["logGroupName"], &rest["nextToken"]), (&json!("g2"), &Value::Null));
    let arn = &rest["logGroups"][0]["logGroupArn"];
    let events = asked(&bench, "logs", "Logs_20140328.FilterLogEvents", json!({"logGroupIdentifier": arn})).await;
    assert_eq!((events.0, &events.1["events"]), (200, &json!([])), "{}", events.1);
}

/// Lambda API reference, GetAccountSettings; IAM API reference, GetRole, GetPolicy.
#[tokio::test]
async fn accounts_roles_and_policies_are_described_whole() {
    let bench = Bench::new().await;
    let boundary = "arn:aws:iam::123456789012:policy/team/bound";
    let trust = json!({"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}]});
    let document = json!({"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]});
    let template = json!({"Resources": {
        "Bound": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {
            "ManagedPolicyName": "bound", "Path": "/team/", "PolicyDocument": document}},
        "Role": {"Type": "AWS::IAM::Role", "DependsOn": "Bound", "Properties": {"RoleName": "r", "AssumeRolePolicyDocument": trust,
            "PermissionsBoundary": boundary, "ManagedPolicyArns": [boundary]}}}});
    let (_, text) = bench.deploy("CreateStack", "app", &template).await;
    assert!(text.contains("<StackStatus>CREATE_COMPLETE<"), "{text}");
    let (_, role) = bench.query("iam", &[("Action", "GetRole"), ("RoleName", "r")]).await;
    assert!(role.contains(&format!("<PermissionsBoundaryArn>{boundary}<")), "{role}");
    let (_, policy) = bench.query("iam", &[("Action", "GetPolicy"), ("PolicyArn", boundary)]).await;
    for member in ["<PolicyName>bound<", "<Path>/team/<", "<AttachmentCount>1<", "<PermissionsBoundaryUsageCount>1<"] {
        assert!(policy.contains(member), "{member}: {policy}");
    }
    let (_, settings) = bench.rest("lambda", "GET", "/2016-08-19/account-settings", Value::Null).await;
    assert_eq!(settings["AccountLimit"]["UnreservedConcurrentExecutions"], 1_000);
    assert_eq!(settings["AccountUsage"], json!({"TotalCodeSize": 0, "FunctionCount": 0}));
}

/// To give a creation up is to delete the stack.
#[tokio::test]
async fn a_stack_that_is_being_made_can_be_deleted() {
    let bench = Bench::new().await;
    bench.deploy("CreateStack", "storage", &storage()).await;
    bench.upload("code.zip", b"PK one").await;
    let mut wanted = template("1", None);
    wanted["Resources"]["Function"]["Properties"]["FunctionName"] = json!("slow");
    let ask = async |action: &str, members: &[(&str, &str)]| {
        bench.query("cloudformation", &[&[("Action", action)][..], members].concat()).await
    };
    let capable = ("Capabilities.member.1", "CAPABILITY_NAMED_IAM");
    let made = ask("CreateStack", &[("StackName", "app"), ("TemplateBody", &wanted.to_string()), capable]).await.1;
    let id = between(&made, "<StackId>", "<").to_owned();
    for _ in 0..200 {
        if !ask("DescribeStackEvents", &[("StackName", "app")]).await.1.contains(">Function<") {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    assert_eq!(ask("DeleteStack", &[("StackName", "app")]).await.0, 200);
    let mut described = String::new();
    for _ in 0..100 {
        described = ask("DescribeStacks", &[("StackName", &id)]).await.1;
        if !described.contains("_IN_PROGRESS<") {
            break;
        }
    }
    assert!(described.contains("<StackStatus>DELETE_COMPLETE<"), "{described}");
    let events = ask("DescribeStackEvents", &[("StackName", &id)]).await.1;
    assert!(events.contains("Resource creation cancelled") && !events.contains("ROLLBACK"), "{events}");
    assert!(bench.fakes.functions.lock().unwrap().is_empty());
}
