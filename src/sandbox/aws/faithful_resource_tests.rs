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
