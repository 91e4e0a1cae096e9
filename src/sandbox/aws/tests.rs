//! The endpoint as its clients see it: signed requests in, answers out, in memory.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use aws_sigv4::http_request::{
    PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use bytes::Bytes;
use serde_json::{Value, json};

use super::Cloud;
use super::http::{Request, Response, encode};
use crate::interfaces::{
    Authority, BoxFuture, Credential, Databases, Decision, FunctionSpec, Functions, InvokeResult, Issuer, LambdaError,
    PgServer,
};

/// Functions and databases that keep a list of what was asked of them.
#[derive(Default)]
struct Fakes {
    functions: Mutex<BTreeMap<String, FunctionSpec>>,
    databases: Mutex<Vec<String>>,
    broken: AtomicBool,
}

impl Functions for Fakes {
    fn put(&self, function: FunctionSpec) -> BoxFuture<'_, Result<(), LambdaError>> {
        Box::pin(async move {
            if function.code.starts_with(b"broken") {
                return Err(LambdaError::BadCode("Could not unzip uploaded file.".into()));
            }
            self.functions.lock().unwrap().insert(function.name.clone(), function);
            Ok(())
        })
    }
    fn remove(&self, name: &str) -> BoxFuture<'_, ()> {
        self.functions.lock().unwrap().remove(name);
        Box::pin(async {})
    }
    fn invoke(&self, name: &str, payload: Bytes) -> BoxFuture<'_, Result<InvokeResult, LambdaError>> {
        let name = name.to_owned();
        Box::pin(async move {
            Ok(InvokeResult {
                request_id: "5e8c2a77-0000-4000-8000-000000000001".into(),
                payload,
                function_error: (name == "throws").then(|| "Unhandled".into()),
                log_tail: "START\nEND\n".into(),
                queued: std::time::Duration::ZERO,
            })
        })
    }
}

impl Databases for Fakes {
    fn ensure(&self, cluster: &str) -> BoxFuture<'_, Result<PgServer, String>> {
        let cluster = cluster.to_owned();
        Box::pin(async move {
            if self.broken.load(Ordering::Relaxed) {
                return Err("no room on the disk".into());
            }
            self.databases.lock().unwrap().push(cluster);
            let (directory, superuser) = (PathBuf::from("/"), "s".to_owned());
            Ok(PgServer {
                socket_dir: directory.clone(),
                port: 1,
                superuser,
                database: "postgres".into(),
                data: directory,
            })
        })
    }
    fn delete(&self, cluster: &str) -> BoxFuture<'_, Result<(), String>> {
        self.databases.lock().unwrap().retain(|c| c != cluster);
        Box::pin(async { Ok(()) })
    }
}

struct Bench {
    cloud: Arc<Cloud>,
    fakes: Arc<Fakes>,
    dir: tempfile::TempDir,
    who: Credential,
}

const ROLE: &str = "arn:aws:iam::123456789012:role/fn";

impl Bench {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let fakes = Arc::new(Fakes::default());
        let cloud = open(&dir, &fakes).await;
        let who = cloud.user_credential();
        Bench { cloud, fakes, dir, who }
    }

    async fn restarted(self) -> Self {
        self.cloud.close().await;
        let fakes = Arc::new(Fakes::default());
        let cloud = open(&self.dir, &fakes).await;
        Bench { cloud, fakes, ..self }
    }

    async fn send(&self, service: &str, method: &str, uri: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        self.cloud.handle(signed(&self.who, service, method, uri, headers, body)).await
    }

    async fn rest(&self, service: &str, method: &str, uri: &str, body: Value) -> (u16, Value) {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let response = self.send(service, method, uri, &[], &body).await;
        (response.status, serde_json::from_slice(&response.body).unwrap_or(Value::Null))
    }

    /// A call of the query protocol; the answer as text.
    async fn query(&self, service: &str, members: &[(&str, &str)]) -> (u16, String) {
        let form: Vec<String> =
            members.iter().map(|(name, value)| format!("{name}={}", encode(value, false))).collect();
        let kind = [("content-type", "application/x-www-form-urlencoded")];
        let response = self.send(service, "POST", "/", &kind, form.join("&").as_bytes()).await;
        let text = String::from_utf8(response.body.to_vec()).unwrap();
        (response.status, text.replace("&apos;", "'").replace("&quot;", "\""))
    }

    async fn deploy(&self, action: &str, name: &str, template: &Value) -> (u16, String) {
        let text = template.to_string();
        let members = [
            ("Action", action),
            ("StackName", name),
            ("TemplateBody", &text),
            ("Capabilities.member.1", "CAPABILITY_NAMED_IAM"),
        ];
        let begun = self.query("cloudformation", &members).await;
        if begun.0 != 200 {
            return begun;
        }
        self.query("cloudformation", &[("Action", "DescribeStacks"), ("StackName", name)]).await
    }

    async fn upload(&self, key: &str, body: &[u8]) {
        let response = self.send("s3", "PUT", &format!("/assets/{key}"), &[], body).await;
        assert_eq!(response.status, 200, "{:?}", response.body);
    }
}

async fn open(dir: &tempfile::TempDir, fakes: &Arc<Fakes>) -> Arc<Cloud> {
    let clock = Arc::new(SystemTime::now);
    Cloud::open(dir.path(), "us-east-1", "123456789012", fakes.clone(), fakes.clone(), clock).await.unwrap()
}

fn signed(who: &Credential, service: &str, method: &str, uri: &str, headers: &[(&str, &str)], body: &[u8]) -> Request {
    let identity = aws_sdk_sts::config::Credentials::new(
        &who.access_key_id,
        &who.secret_access_key,
        who.session_token.clone(),
        None::<SystemTime>,
        "test",
    )
    .into();
    let mut settings = SigningSettings::default();
    if service == "s3" {
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    }
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region("us-east-1")
        .name(service)
        .time(SystemTime::now())
        .settings(settings)
        .build()
        .unwrap()
        .into();
    let all: Vec<(&str, &str)> = [("host", "127.0.0.1:4000")].into_iter().chain(headers.iter().copied()).collect();
    let address = format!("http://127.0.0.1:4000{uri}");
    let signable = SignableRequest::new(method, &address, all.iter().copied(), SignableBody::Bytes(body)).unwrap();
    let (instructions, _) = sign(signable, &params).unwrap().into_parts();
    let mut headers: Vec<(String, String)> = all.iter().map(|(n, v)| ((*n).into(), (*v).into())).collect();
    headers.extend(instructions.into_parts().0.into_iter().map(|h| (h.name().to_owned(), h.value().to_owned())));
    let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
    Request {
        method: method.into(),
        path: path.into(),
        query: query.into(),
        headers,
        body: Bytes::copy_from_slice(body),
    }
}

/// A bucket, a role that Lambda may take, a function, a cluster.
fn template(value: &str, action: Option<&str>) -> Value {
    let mut policies = json!([]);
    if let Some(action) = action {
        policies = json!([{"PolicyName": "p", "PolicyDocument": {"Statement": [
            {"Effect": "Allow", "Action": action, "Resource": {"Fn::GetAtt": ["Cluster", "ResourceArn"]}}]}}]);
    }
    json!({
        "Resources": {
            "Cluster": {"Type": "AWS::DSQL::Cluster", "Properties": {"DeletionProtectionEnabled": false}},
            "Role": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "fn", "Policies": policies, "AssumeRolePolicyDocument": {"Statement": [
                {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}]}}},
            "Function": {"Type": "AWS::Lambda::Function", "Properties": {
                "FunctionName": "f", "Runtime": "nodejs22.x", "Handler": "index.handler", "Role": {"Fn::GetAtt": ["Role", "Arn"]},
                "Code": {"S3Bucket": "assets", "S3Key": "code.zip"},
                "Environment": {"Variables": {"V": value, "HOST": {"Fn::GetAtt": ["Cluster", "Endpoint"]}}}}},
        },
        "Outputs": {"Endpoint": {"Value": {"Fn::GetAtt": ["Cluster", "Endpoint"]}}},
    })
}

fn storage() -> Value {
    json!({"Resources": {"Assets": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "assets"}}}})
}

async fn deployed() -> Bench {
    let bench = Bench::new().await;
    assert!(bench.deploy("CreateStack", "storage", &storage()).await.1.contains("CREATE_COMPLETE"));
    bench.upload("code.zip", b"PK one").await;
    let (status, text) = bench.deploy("CreateStack", "app", &template("1", Some("dsql:DbConnectAdmin"))).await;
    assert!(status == 200 && text.contains("<StackStatus>CREATE_COMPLETE<"), "{text}");
    bench
}

fn role() -> crate::interfaces::Principal {
    crate::interfaces::Principal {
        arn: "arn:aws:sts::123456789012:assumed-role/fn/f".into(),
        role_arn: Some(ROLE.into()),
    }
}

#[tokio::test]
async fn a_stack_makes_real_things_and_the_proxy_sees_them() {
    let bench = deployed().await;
    let cluster = bench.cloud.clusters().remove(0);
    assert_eq!(cluster.status, "ACTIVE");
    assert_eq!(bench.cloud.cluster(&cluster.endpoint), Some(cluster.clone()));
    assert_eq!(bench.cloud.cluster("other.dsql.us-east-1.on.aws"), None);
    assert_eq!(*bench.fakes.databases.lock().unwrap(), std::slice::from_ref(&cluster.identifier));
    let function = bench.fakes.functions.lock().unwrap()["f"].clone();
    assert_eq!(
        (function.environment["HOST"].as_str(), &function.code[..]),
        (cluster.endpoint.as_str(), &b"PK one"[..])
    );
    assert!(bench.cloud.role_exists(ROLE));
    assert_eq!(bench.cloud.authorize(&role(), "dsql:DbConnectAdmin", &cluster.arn), Decision::Allow);
    assert_eq!(bench.cloud.authorize(&role(), "dsql:DbConnect", &cluster.arn), Decision::NoPolicyAllows);
}

#[tokio::test]
async fn a_policy_that_is_taken_away_counts_at_once() {
    let bench = deployed().await;
    let arn = bench.cloud.clusters().remove(0).arn;
    let (_, text) = bench.deploy("UpdateStack", "app", &template("1", None)).await;
    assert!(text.contains("UPDATE_COMPLETE"), "{text}");
    assert_eq!(bench.cloud.authorize(&role(), "dsql:DbConnectAdmin", &arn), Decision::NoPolicyAllows);
}

#[tokio::test]
async fn a_failed_update_puts_the_old_function_back() {
    let bench = deployed().await;
    bench.upload("bad.zip", b"broken").await;
    let mut wanted = template("2", Some("dsql:DbConnectAdmin"));
    wanted["Resources"]["Function"]["Properties"]["Code"]["S3Key"] = json!("bad.zip");
    let (_, text) = bench.deploy("UpdateStack", "app", &wanted).await;
    assert!(text.contains("<StackStatus>UPDATE_ROLLBACK_COMPLETE<"), "{text}");
    let (_, events) = bench.query("cloudformation", &[("Action", "DescribeStackEvents"), ("StackName", "app")]).await;
    assert!(events.contains("Could not unzip uploaded file."), "{events}");
    let function = bench.fakes.functions.lock().unwrap()["f"].clone();
    assert_eq!((function.environment["V"].as_str(), &function.code[..]), ("1", &b"PK one"[..]));
}

#[tokio::test]
async fn a_database_that_cannot_start_fails_the_create_and_leaves_nothing() {
    let bench = Bench::new().await;
    bench.deploy("CreateStack", "storage", &storage()).await;
    bench.upload("code.zip", b"PK").await;
    bench.fakes.broken.store(true, Ordering::Relaxed);
    let (_, text) = bench.deploy("CreateStack", "app", &template("1", None)).await;
    assert!(text.contains("<StackStatus>ROLLBACK_COMPLETE<"), "{text}");
    let (_, events) = bench.query("cloudformation", &[("Action", "DescribeStackEvents"), ("StackName", "app")]).await;
    assert!(events.contains("no room on the disk"), "{events}");
    assert!(bench.cloud.clusters().is_empty() && bench.fakes.functions.lock().unwrap().is_empty());
    assert!(!bench.cloud.role_exists(ROLE));
    // The way out of ROLLBACK_COMPLETE is to delete and create again.
    bench.fakes.broken.store(false, Ordering::Relaxed);
    let (status, refusal) = bench.deploy("UpdateStack", "app", &template("1", None)).await;
    assert!(status == 400 && refusal.contains("is in ROLLBACK_COMPLETE state and can not be updated."), "{refusal}");
    bench.query("cloudformation", &[("Action", "DeleteStack"), ("StackName", "app")]).await;
    bench.query("cloudformation", &[("Action", "DescribeStacks"), ("StackName", "app")]).await;
    let (_, text) = bench.deploy("CreateStack", "app", &template("1", None)).await;
    assert!(text.contains("<StackStatus>CREATE_COMPLETE<"), "{text}");
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let bench = deployed().await;
    let issued = bench.cloud.assume(ROLE, "s", Duration::from_secs(900)).unwrap();
    let before = bench.cloud.clusters();
    let bench = bench.restarted().await;
    assert_eq!(bench.cloud.clusters(), before);
    assert_eq!(bench.cloud.user_credential(), bench.who);
    assert_eq!(bench.cloud.credential(&issued.access_key_id), Some(issued));
    assert_eq!(&bench.fakes.functions.lock().unwrap()["f"].code[..], b"PK one");
    let (status, text) = bench.deploy("UpdateStack", "app", &template("1", Some("dsql:DbConnectAdmin"))).await;
    assert!(status == 400 && text.contains("No updates are to be performed."), "{text}");
}

#[tokio::test]
async fn a_state_put_back_is_taken_over_whole() {
    let bench = deployed().await;
    let copy = tempfile::tempdir().unwrap();
    for entry in walk(bench.dir.path()) {
        let to = copy.path().join(entry.strip_prefix(bench.dir.path()).unwrap());
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(&entry, to).unwrap();
    }
    let mut wanted = template("2", None);
    wanted["Resources"]["More"] = json!({"Type": "AWS::Lambda::Function", "Properties": {
        "FunctionName": "g", "Runtime": "nodejs22.x", "Handler": "index.handler", "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        "Code": {"ZipFile": "exports.handler = async () => 1"}}});
    assert!(bench.deploy("UpdateStack", "app", &wanted).await.1.contains("UPDATE_COMPLETE"));
    assert!(bench.fakes.functions.lock().unwrap().contains_key("g"));
    for entry in walk(copy.path()) {
        std::fs::copy(&entry, bench.dir.path().join(entry.strip_prefix(copy.path()).unwrap())).unwrap();
    }
    bench.cloud.reload().await.unwrap();
    let functions = bench.fakes.functions.lock().unwrap().clone();
    assert_eq!(functions.keys().collect::<Vec<_>>(), ["f"]);
    assert_eq!(functions["f"].environment["V"], "1");
}

fn walk(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

#[tokio::test]
async fn change_sets_tell_what_will_happen() {
    let bench = deployed().await;
    let text = template("2", Some("dsql:DbConnect")).to_string();
    let members = [
        ("Action", "CreateChangeSet"),
        ("StackName", "app"),
        ("ChangeSetName", "c"),
        ("ChangeSetType", "UPDATE"),
        ("TemplateBody", &text),
        ("Capabilities.member.1", "CAPABILITY_NAMED_IAM"),
    ];
    assert_eq!(bench.query("cloudformation", &members).await.0, 200);
    let describe = [
        ("Action", "DescribeChangeSet"),
        ("StackName", "app"),
        ("ChangeSetName", "c"),
        ("IncludePropertyValues", "true"),
    ];
    let (_, set) = bench.query("cloudformation", &describe).await;
    for expected in [
        "<Status>CREATE_COMPLETE</Status>",
        "<Action>Modify</Action>",
        "<Path>/Properties/Environment/Variables/V</Path>",
        "<BeforeValue>1</BeforeValue>",
        "<AfterValue>2</AfterValue>",
        "<RequiresRecreation>Never</RequiresRecreation>",
        "<Replacement>False</Replacement>",
        "<LogicalResourceId>Role</LogicalResourceId>",
    ] {
        assert!(set.contains(expected), "{expected}: {set}");
    }
    assert!(!set.contains("<LogicalResourceId>Cluster</LogicalResourceId>"), "{set}");
    // Nothing was done, and nothing is left once it is deleted.
    assert_eq!(bench.fakes.functions.lock().unwrap()["f"].environment["V"], "1");
    bench.query("cloudformation", &[("Action", "DeleteChangeSet"), ("StackName", "app"), ("ChangeSetName", "c")]).await;
    let (status, gone) = bench.query("cloudformation", &describe).await;
    assert!(status == 404 && gone.contains("<Code>ChangeSetNotFound</Code>"), "{gone}");
}

#[tokio::test]
async fn a_change_set_without_changes_says_so() {
    let bench = deployed().await;
    let text = template("1", Some("dsql:DbConnectAdmin")).to_string();
    let members = [
        ("Action", "CreateChangeSet"),
        ("StackName", "app"),
        ("ChangeSetName", "c"),
        ("TemplateBody", &text),
        ("Capabilities.member.1", "CAPABILITY_NAMED_IAM"),
    ];
    bench.query("cloudformation", &members).await;
    let (_, set) = bench
        .query("cloudformation", &[("Action", "DescribeChangeSet"), ("StackName", "app"), ("ChangeSetName", "c")])
        .await;
    assert!(
        set.contains("<Status>FAILED</Status>") && set.contains("The submitted information didn't contain changes."),
        "{set}"
    );
    let (status, text) = bench
        .query("cloudformation", &[("Action", "ExecuteChangeSet"), ("StackName", "app"), ("ChangeSetName", "c")])
        .await;
    assert!(status == 400 && text.contains("InvalidChangeSetStatus"), "{text}");
}

#[tokio::test]
async fn what_is_protected_is_not_deleted() {
    let bench = deployed().await;
    let mut protected = template("1", Some("dsql:DbConnectAdmin"));
    protected["Resources"]["Cluster"]["Properties"]["DeletionProtectionEnabled"] = json!(true);
    bench.deploy("UpdateStack", "app", &protected).await;
    bench
        .query(
            "cloudformation",
            &[("Action", "UpdateTerminationProtection"), ("StackName", "app"), ("EnableTerminationProtection", "true")],
        )
        .await;
    let (status, text) = bench.query("cloudformation", &[("Action", "DeleteStack"), ("StackName", "app")]).await;
    assert!(status == 400 && text.contains("cannot be deleted while TerminationProtection is enabled"), "{text}");
    bench
        .query(
            "cloudformation",
            &[
                ("Action", "UpdateTerminationProtection"),
                ("StackName", "app"),
                ("EnableTerminationProtection", "false"),
            ],
        )
        .await;
    bench.query("cloudformation", &[("Action", "DeleteStack"), ("StackName", "app")]).await;
    let (_, text) = bench.query("cloudformation", &[("Action", "DescribeStacks"), ("StackName", "app")]).await;
    assert!(text.contains("<StackStatus>DELETE_FAILED<") && text.contains("failed to delete: [Cluster]"), "{text}");
    assert_eq!(bench.cloud.clusters().len(), 1);
}

#[tokio::test]
async fn a_role_may_do_what_its_policies_say() {
    let mut bench = deployed().await;
    bench.who = bench.cloud.assume(ROLE, "s", Duration::from_secs(900)).unwrap();
    let (status, text) = bench.query("sts", &[("Action", "GetCallerIdentity")]).await;
    assert!(status == 200 && text.contains("assumed-role/fn/s"), "{text}");
    let (status, body) = bench.rest("dsql", "GET", "/cluster", Value::Null).await;
    assert_eq!(status, 403);
    let message = body["message"].as_str().unwrap();
    assert!(message.ends_with("because no identity-based policy allows the dsql:ListClusters action"), "{message}");
    // Trust is for Lambda only.
    bench.who = bench.cloud.user_credential();
    let (status, text) =
        bench.query("sts", &[("Action", "AssumeRole"), ("RoleArn", ROLE), ("RoleSessionName", "me")]).await;
    assert!(status == 403 && text.contains("<Code>AccessDenied</Code>"), "{text}");
}

#[tokio::test]
async fn dsql_clusters_by_the_api() {
    let bench = Bench::new().await;
    let (status, made) =
        bench.rest("dsql", "POST", "/cluster", json!({"tags": {"Name": "x"}, "clientToken": "t"})).await;
    assert_eq!((status, &made["status"], &made["deletionProtectionEnabled"]), (200, &json!("CREATING"), &json!(true)));
    let (_, again) = bench.rest("dsql", "POST", "/cluster", json!({"clientToken": "t"})).await;
    assert_eq!(again["identifier"], made["identifier"]);
    let id = made["identifier"].as_str().unwrap();
    let reserved = json!({"tags": {"aws:owner": "x"}});
    let tagging = format!("/tags/{}", made["arn"].as_str().unwrap().replace(':', "%3A").replace('/', "%2F"));
    for path in ["/cluster", &tagging] {
        let (status, refusal) = bench.rest("dsql", "POST", path, reserved.clone()).await;
        let message = json!("aws: prefixed tag key names are not allowed for external use.");
        assert_eq!((status, &refusal["message"]), (400, &message), "{path}");
    }
    let path = format!("/cluster/{id}");
    while bench.rest("dsql", "GET", &path, Value::Null).await.1["status"] != "ACTIVE" {
        tokio::task::yield_now().await;
    }
    let (status, refusal) = bench.rest("dsql", "DELETE", &path, Value::Null).await;
    assert_eq!((status, &refusal["reason"]), (400, &json!("deletionProtectionEnabled")));
    bench.rest("dsql", "POST", &path, json!({"deletionProtectionEnabled": false})).await;
    assert_eq!(bench.rest("dsql", "DELETE", &path, Value::Null).await.1["status"], "DELETING");
    let gone = loop {
        let (status, body) = bench.rest("dsql", "GET", &path, Value::Null).await;
        if status != 200 {
            break (status, body);
        }
        tokio::task::yield_now().await;
    };
    assert_eq!((gone.0, &gone.1["resourceId"], &gone.1["resourceType"]), (404, &json!(id), &json!("cluster")));
    for _ in 0..super::dsql::MAX_CLUSTERS {
        assert_eq!(bench.rest("dsql", "POST", "/cluster", json!({})).await.0, 200);
    }
    let (status, body) = bench.rest("dsql", "POST", "/cluster", json!({})).await;
    assert_eq!((status, &body["message"]), (402, &json!("You have reached the cluster limit.")));
}

#[tokio::test]
async fn functions_are_invoked_and_changed() {
    let bench = deployed().await;
    let path = "/2015-03-31/functions/f/invocations";
    let response = bench.send("lambda", "POST", path, &[("x-amz-log-type", "Tail")], br#"{"a":1}"#).await;
    assert_eq!((response.status, &response.body[..]), (200, &br#"{"a":1}"#[..]));
    assert!(response.headers.iter().any(|(n, v)| n == "x-amz-log-result" && v == "U1RBUlQKRU5ECg=="));
    assert_eq!(bench.rest("lambda", "POST", path, Value::Null).await.0, 200);
    assert_eq!(bench.send("lambda", "POST", path, &[("x-amz-invocation-type", "DryRun")], b"{}").await.status, 204);
    let bad = bench.send("lambda", "POST", path, &[], b"not json").await;
    assert_eq!(bad.status, 400);
    assert!(bad.headers.iter().any(|(n, v)| n == "x-amzn-errortype" && v == "InvalidRequestContentException"));
    bench.upload("two.zip", b"PK two").await;
    let (status, body) = bench
        .rest("lambda", "PUT", "/2015-03-31/functions/f/code", json!({"S3Bucket": "assets", "S3Key": "two.zip"}))
        .await;
    assert_eq!((status, &body["LastUpdateStatus"]), (200, &json!("Successful")));
    assert_eq!(&bench.fakes.functions.lock().unwrap()["f"].code[..], b"PK two");
    let (_, body) = bench.rest("lambda", "PUT", "/2015-03-31/functions/f/configuration", json!({"Timeout": 5})).await;
    assert_eq!((&body["Timeout"], &body["Environment"]["Variables"]["V"]), (&json!(5), &json!("1")));
    let (status, body) = bench.rest("lambda", "GET", "/2015-03-31/functions/nope", Value::Null).await;
    assert_eq!(
        (status, body["Message"].as_str().unwrap()),
        (404, "Function not found: arn:aws:lambda:us-east-1:123456789012:function:nope")
    );
}

#[tokio::test]
async fn what_nobody_serves_is_a_refusal_that_names_it() {
    let bench = Bench::new().await;
    let (status, text) = bench.query("ec2", &[("Action", "DescribeVpcs")]).await;
    assert!(status == 400 && text.contains("does not serve DescribeVpcs of ec2"), "{text}");
    let (status, text) = bench.query("cloudformation", &[("Action", "DetectStackDrift"), ("StackName", "x")]).await;
    assert!(status == 400 && text.contains("DetectStackDrift"), "{text}");
    let target = [("x-amz-target", "CloudTrail_20131101.LookupEvents"), ("content-type", "application/x-amz-json-1.1")];
    let response = bench.send("cloudtrail", "POST", "/", &target, b"{}").await;
    assert!(response.status == 400 && String::from_utf8_lossy(&response.body).contains("LookupEvents"));
    let unsigned =
        Request { headers: vec![("host".into(), "h".into())], ..signed(&bench.who, "sts", "POST", "/", &[], b"") };
    assert_eq!(bench.cloud.handle(unsigned).await.status, 403);
}

#[tokio::test]
async fn templates_that_cannot_work_are_refused_before_anything_is_made() {
    let bench = Bench::new().await;
    for (template, expected) in [
        (json!({"Resources": {"V": {"Type": "AWS::EC2::VPC"}}}), "Unrecognized resource types: [AWS::EC2::VPC]"),
        (
            json!({"Resources": {"B": {"Type": "AWS::S3::Bucket"}}, "Parameters": {"P": {"Type": "String"}}}),
            "Parameters: [P] must have values",
        ),
    ] {
        let (status, text) = bench.deploy("CreateStack", "x", &template).await;
        assert!(status == 400 && text.contains(expected), "{text}");
    }
    let (status, text) = bench.query("cloudformation", &[("Action", "DescribeStacks"), ("StackName", "x")]).await;
    assert!(status == 400 && text.contains("<Message>Stack with id x does not exist</Message>"), "{text}");
}

#[tokio::test]
async fn exports_in_use_hold_their_stack() {
    let bench = Bench::new().await;
    let mut exporter = storage();
    exporter["Outputs"] = json!({"O": {"Value": {"Ref": "Assets"}, "Export": {"Name": "bucket"}}});
    bench.deploy("CreateStack", "one", &exporter).await;
    let importer = json!({"Resources": {"P": {"Type": "AWS::SSM::Parameter", "Properties": {
        "Type": "String", "Name": "/p", "Value": {"Fn::ImportValue": "bucket"}}}}});
    let (_, text) = bench.deploy("CreateStack", "two", &importer).await;
    assert!(text.contains("CREATE_COMPLETE"), "{text}");
    let target = [("x-amz-target", "AmazonSSM.GetParameter"), ("content-type", "application/x-amz-json-1.1")];
    let response = bench.send("ssm", "POST", "/", &target, br#"{"Name":"/p"}"#).await;
    let body: Value = serde_json::from_slice(&response.body).unwrap();
    assert_eq!(body["Parameter"]["Value"], "assets");
    let (status, text) = bench.query("cloudformation", &[("Action", "DeleteStack"), ("StackName", "one")]).await;
    assert!(status == 400 && text.contains("in use by two"), "{text}");
}

/// What `cdk bootstrap` does after the stack was deleted: its bucket was kept.
#[tokio::test]
async fn a_bucket_left_behind_is_taken_over() {
    let bench = Bench::new().await;
    let mut kept = storage();
    kept["Resources"]["Assets"]["DeletionPolicy"] = json!("Retain");
    kept["Resources"]["Policy"] = json!({"Type": "AWS::S3::BucketPolicy", "Properties": {"Bucket": {"Ref": "Assets"},
        "PolicyDocument": {"Statement": [{"Effect": "Deny", "Action": "s3:*", "Principal": "*", "Resource": {"Fn::GetAtt": ["Assets", "Arn"]}}]}}});
    bench.deploy("CreateStack", "storage", &kept).await;
    bench.upload("kept", b"data").await;
    bench.query("cloudformation", &[("Action", "DeleteStack"), ("StackName", "storage")]).await;
    bench.query("cloudformation", &[("Action", "DescribeStacks"), ("StackName", "storage")]).await;
    let (_, text) = bench.deploy("CreateStack", "storage", &kept).await;
    assert!(text.contains("ROLLBACK_COMPLETE"), "without being asked to, it is not taken over: {text}");
    bench.query("cloudformation", &[("Action", "DeleteStack"), ("StackName", "storage")]).await;
    bench.query("cloudformation", &[("Action", "DescribeStacks"), ("StackName", "storage")]).await;
    let text = kept.to_string();
    let members = [
        ("Action", "CreateChangeSet"),
        ("StackName", "storage"),
        ("ChangeSetName", "c"),
        ("ChangeSetType", "CREATE"),
        ("TemplateBody", &text),
        ("ImportExistingResources", "true"),
    ];
    let (status, text) = bench.query("cloudformation", &members).await;
    assert_eq!(status, 200, "{text}");
    let named = [("StackName", "storage"), ("ChangeSetName", "c")];
    let (_, set) = bench.query("cloudformation", &[&[("Action", "DescribeChangeSet")], &named[..]].concat()).await;
    assert!(set.contains("<Action>Import</Action>"), "{set}");
    bench.query("cloudformation", &[&[("Action", "ExecuteChangeSet")], &named[..]].concat()).await;
    let (_, text) = bench.query("cloudformation", &[("Action", "DescribeStacks"), ("StackName", "storage")]).await;
    assert!(text.contains("CREATE_COMPLETE"), "{text}");
    assert_eq!(&bench.send("s3", "GET", "/assets/kept", &[], b"").await.body[..], b"data");
}
