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
use super::http::{HttpRequest, HttpResponse};
use crate::interfaces::{
    Authority, BoxFuture, Credential, Databases, Decision, FunctionSpec, Functions, Invocation, InvokeResult, Issuer,
    LambdaError, PgServer,
};
use workshop_base::encoding::encode;

/// Functions and databases that keep a list of what was asked of them.
#[derive(Default)]
struct Fakes {
    functions: Mutex<BTreeMap<String, FunctionSpec>>,
    databases: Mutex<Vec<String>>,
    broken: AtomicBool,
    /// Panics instead of answering.
    breaking: AtomicBool,
    /// The calls of functions.
    invoked: Mutex<Vec<Invocation>>,
}

impl Functions for Fakes {
    fn put(&self, function: FunctionSpec) -> BoxFuture<'_, Result<(), LambdaError>> {
        Box::pin(async move {
            if function.name == "slow" {
                tokio::time::sleep(Duration::from_millis(300)).await;
            }
            if function.code.starts_with(b"broken") {
                return Err(LambdaError::BadCode("Could not unzip uploaded file.".into()));
            }
            self.functions.lock().unwrap().insert(function.key(), function);
            Ok(())
        })
    }
    fn remove(&self, name: &str) -> BoxFuture<'_, ()> {
        self.functions.lock().unwrap().remove(name);
        Box::pin(async {})
    }
    fn invoke(&self, name: &str, call: Invocation) -> BoxFuture<'_, Result<InvokeResult, LambdaError>> {
        let name = name.to_owned();
        self.invoked.lock().unwrap().push(call.clone());
        Box::pin(async move {
            let Invocation { payload, request_id, .. } = call;
            if payload.len() > 6 << 20 {
                return Err(LambdaError::TooLarge);
            }
            assert_ne!(&payload[..], br#"{"break":true}"#, "a fault, as the test asked for");
            // Who asks over HTTP may say what status the answer is to have.
            let event: Value = serde_json::from_slice(&payload).unwrap_or_default();
            let payload = match event["queryStringParameters"]["status"].as_str() {
                Some(status) => json!({"statusCode": status, "body": "the function's own"}).to_string().into(),
                None => payload,
            };
            Ok(InvokeResult {
                request_id,
                payload,
                function_error: (name == "throws").then(|| "Unhandled".into()),
                log_tail: "START\nEND\n".into(),
                log: "START\nmore\n\nEND\n".into(),
                log_stream: "2026/12/01/[$LATEST]0".into(),
                queued: std::time::Duration::ZERO,
                streamed: None,
            })
        })
    }
}

impl Databases for Fakes {
    fn ensure(&self, cluster: &str) -> BoxFuture<'_, Result<PgServer, String>> {
        let cluster = cluster.to_owned();
        Box::pin(async move {
            assert!(!self.breaking.load(Ordering::Relaxed), "a fault, as the test asked for");
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

    async fn send(
        &self,
        service: &str,
        method: &str,
        uri: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> HttpResponse {
        self.cloud.handle(signed(&self.who, service, method, uri, headers, body)).await
    }

    async fn rest(&self, service: &str, method: &str, uri: &str, body: Value) -> (u16, Value) {
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let response = self.send(service, method, uri, &[], &body).await;
        (response.status, serde_json::from_slice(&response.body).unwrap_or(Value::Null))
    }

    /// A call of the query protocol; the answer as text.
    async fn query(&self, service: &str, members: &[(&str, &str)]) -> (u16, String) {
        let form: Vec<String> = members.iter().map(|(name, value)| format!("{name}={}", encode(value))).collect();
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

fn signed(
    who: &Credential,
    service: &str,
    method: &str,
    uri: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> HttpRequest {
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
    HttpRequest {
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
                "Environment": {"Variables": {"VALUE": value, "HOST": {"Fn::GetAtt": ["Cluster", "Endpoint"]}}}}},
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
    assert_eq!((function.environment["VALUE"].as_str(), &function.code[..]), ("1", &b"PK one"[..]));
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
    assert_eq!(functions["f"].environment["VALUE"], "1");
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
        "<Path>/Properties/Environment/Variables/VALUE</Path>",
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
    assert_eq!(bench.fakes.functions.lock().unwrap()["f"].environment["VALUE"], "1");
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
        bench.rest("dsql", "POST", "/cluster", json!({"tags": {"Name": "x", "Of": "y"}, "clientToken": "t"})).await;
    assert_eq!((status, &made["status"], &made["deletionProtectionEnabled"]), (200, &json!("CREATING"), &json!(true)));
    let (_, again) =
        bench.rest("dsql", "POST", "/cluster", json!({"clientToken": "t", "tags": {"Of": "y", "Name": "x"}})).await;
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
    assert_eq!((&body["Timeout"], &body["Environment"]["Variables"]["VALUE"]), (&json!(5), &json!("1")));
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
    let (status, text) = bench.query("cloudformation", &[("Action", "CreateStackSet"), ("StackSetName", "x")]).await;
    assert!(status == 400 && text.contains("CreateStackSet"), "{text}");
    let target = [("x-amz-target", "CloudTrail_20131101.LookupEvents"), ("content-type", "application/x-amz-json-1.1")];
    let response = bench.send("cloudtrail", "POST", "/", &target, b"{}").await;
    assert!(response.status == 400 && String::from_utf8_lossy(&response.body).contains("LookupEvents"));
    let unsigned =
        HttpRequest { headers: vec![("host".into(), "h".into())], ..signed(&bench.who, "sts", "POST", "/", &[], b"") };
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
    exporter["Resources"]["Assets"]["Properties"]["BucketName"] = json!("others");
    bench.deploy("CreateStack", "three", &exporter).await;
    let (_, text) = bench.query("cloudformation", &[("Action", "DescribeStackEvents"), ("StackName", "three")]).await;
    assert!(text.contains("Export with name bucket is already exported by stack one."), "{text}");
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

/// Nobody vouches for these, and nothing of them is interpreted.
#[tokio::test]
async fn what_is_not_signed_is_refused_before_it_is_read() {
    let bench = Bench::new().await;
    let plain = |query: String, body: String| HttpRequest {
        method: if body.is_empty() { "GET" } else { "POST" }.into(),
        path: "/".into(),
        query,
        headers: vec![
            ("host".into(), "127.0.0.1:4000".into()),
            ("content-type".into(), "application/x-www-form-urlencoded".into()),
        ],
        body: body.into(),
    };
    let deep = format!("{}=1", vec!["A"; 1_000].join("."));
    for (query, body, status) in [
        (deep.clone(), String::new(), 403),
        (String::new(), deep.clone(), 403),
        (String::new(), "[".repeat(10_000), 403),
        ("q".repeat(20_000), String::new(), 413),
    ] {
        let response = bench.cloud.handle(plain(query, body)).await;
        assert_eq!(response.status, status, "{:?}", response.body);
    }
    // The same of somebody known: refused for what it is, in the service's shape.
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let refused = bench.send("sts", "POST", "/", &form, deep.as_bytes()).await;
    assert!(refused.status == 400 && String::from_utf8_lossy(&refused.body).contains("MalformedInput"));
    let nested = "[".repeat(300) + &"]".repeat(300);
    let target = [("x-amz-target", "AmazonSSM.GetParameter"), ("content-type", "application/x-amz-json-1.1")];
    for (service, method, uri, headers) in [
        ("ssm", "POST", "/", &target[..]),
        ("dsql", "POST", "/cluster", &[]),
        ("lambda", "POST", "/2015-03-31/functions", &[]),
    ] {
        let refused = bench.send(service, method, uri, headers, nested.as_bytes()).await;
        let text = String::from_utf8_lossy(&refused.body);
        assert!(refused.status == 400 && text.contains("Could not parse request body into json"), "{service}: {text}");
    }
}

#[tokio::test]
async fn a_fault_of_ours_is_one_requests_answer_and_one_resources_failure() {
    let bench = deployed().await;
    let path = "/2015-03-31/functions/f/invocations";
    let broken = bench.send("lambda", "POST", path, &[], br#"{"break":true}"#).await;
    assert_eq!(broken.status, 500);
    assert!(broken.headers.iter().any(|(n, v)| n == "x-amzn-errortype" && v == "ServiceException"));
    assert_eq!(bench.send("lambda", "POST", path, &[], b"{}").await.status, 200);
    bench.fakes.breaking.store(true, Ordering::Relaxed);
    let cluster = json!({"Resources": {"C": {"Type": "AWS::DSQL::Cluster"}}});
    let (_, text) = bench.deploy("CreateStack", "other", &cluster).await;
    assert!(text.contains("<StackStatus>ROLLBACK_COMPLETE<"), "{text}");
    let (_, events) = bench.query("cloudformation", &[("Action", "DescribeStackEvents"), ("StackName", "other")]).await;
    assert!(events.contains("Internal Failure"), "{events}");
}

#[tokio::test]
async fn a_damaged_state_is_put_aside_and_the_sandbox_starts() {
    let bench = deployed().await;
    bench.cloud.close().await;
    let file = bench.dir.path().join("cloud.json");
    let mut saved: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let id = saved["stacks"].as_object().unwrap().keys().find(|id| id.contains("/app/")).unwrap().clone();
    saved["stacks"][&id]["status"] = json!("NO_SUCH_STATUS");
    std::fs::write(&file, saved.to_string()).unwrap();
    let bench = bench.restarted().await;
    let aside = bench.cloud.aside().expect("something was put aside").clone();
    assert_eq!(aside.parts, [format!("stacks: {id}")]);
    assert_eq!(serde_json::from_slice::<Value>(&std::fs::read(&aside.path).unwrap()).unwrap(), saved);
    // The rest is there, the other stack too, and nothing is said the next time.
    assert_eq!(bench.cloud.clusters().len(), 1);
    let (status, _) = bench.query("cloudformation", &[("Action", "DescribeStacks"), ("StackName", "storage")]).await;
    assert_eq!(status, 200);
    let bench = bench.restarted().await;
    assert_eq!(bench.cloud.aside(), None);
    bench.cloud.close().await;
    std::fs::write(&file, "{ not json").unwrap();
    let bench = bench.restarted().await;
    assert!(bench.cloud.aside().is_some_and(|aside| aside.parts.is_empty()) && bench.cloud.clusters().is_empty());
}

/// A state as an older version left it, in its words: an update under way, with a condition that names itself.
#[tokio::test]
async fn a_saved_operation_that_goes_round_in_circles_ends() {
    let bench = Bench::new().await;
    bench.deploy("CreateStack", "storage", &storage()).await;
    bench.cloud.close().await;
    let file = bench.dir.path().join("cloud.json");
    let mut saved: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    for stack in saved["stacks"].as_object_mut().unwrap().values_mut() {
        let mut target = stack["target"].clone();
        target["template"]["Conditions"] = json!({"C": {"Fn::Not": [{"Condition": "C"}]}});
        target["template"]["Resources"]["Assets"]["Condition"] = json!("C");
        stack["status"] = json!("UPDATE_IN_PROGRESS");
        stack["operation"] = json!({
            "kind": "Update", "phase": "Apply", "token": null, "target": target, "before": stack["resources"],
            "running": {}, "next": 0, "done": [], "failed": {}, "doomed": [], "rolling_back": false, "cancelled": null,
            "on_failure": "Rollback", "express": false, "import_existing": false, "retain": [], "skip": []});
    }
    std::fs::write(&file, saved.to_string()).unwrap();
    let bench = bench.restarted().await;
    assert_eq!(bench.cloud.aside(), None);
    let (_, text) = bench.query("cloudformation", &[("Action", "DescribeStacks"), ("StackName", "storage")]).await;
    assert!(text.contains("<StackStatus>UPDATE_ROLLBACK_COMPLETE<"), "{text}");
    assert!(
        bench
            .query("cloudformation", &[("Action", "DescribeStackEvents"), ("StackName", "storage")])
            .await
            .1
            .contains("Found circular condition dependency between C and C")
    );
}

#[tokio::test]
async fn credentials_go_with_their_role() {
    let mut bench = deployed().await;
    bench.who = bench.cloud.assume(ROLE, "s", Duration::from_secs(900)).unwrap();
    assert_eq!(bench.query("sts", &[("Action", "GetCallerIdentity")]).await.0, 200);
    let role = std::mem::replace(&mut bench.who, bench.cloud.user_credential());
    bench.query("cloudformation", &[("Action", "DeleteStack"), ("StackName", "app")]).await;
    bench.query("cloudformation", &[("Action", "DescribeStacks"), ("StackName", "app")]).await;
    bench.who = role;
    let (status, text) = bench.query("sts", &[("Action", "GetCallerIdentity")]).await;
    assert!(status == 403 && text.contains("<Code>InvalidClientTokenId</Code>"), "{text}");
}

#[tokio::test]
async fn nothing_outside_the_signature_counts() {
    let bench = Bench::new().await;
    let sign = |service: &str, headers: &[(&str, &str)]| {
        signed(&bench.who, service, "GET", if service == "dsql" { "/cluster" } else { "/" }, headers, b"")
    };
    for (service, expected) in [
        ("dsql", "'x-amz-meta-x' must be a 'SignedHeader'"),
        ("s3", "<HeadersNotSigned>x-amz-meta-x</HeadersNotSigned>"),
    ] {
        let mut request = sign(service, &[]);
        request.headers.push(("x-amz-meta-x".into(), "1".into()));
        let response = bench.cloud.handle(request).await;
        let text = String::from_utf8_lossy(&response.body).into_owned();
        assert!(response.status == 403 && text.contains(expected), "{text}");
    }
    // The day of the scope is the day of the date.
    let mut request = sign("dsql", &[]);
    for (name, value) in &mut request.headers {
        if name == "authorization" {
            let (before, rest) = value.split_once('/').unwrap();
            let (_, after) = rest.split_once('/').unwrap();
            *value = format!("{before}/20200101/{after}");
        }
    }
    let response = bench.cloud.handle(request).await;
    assert!(String::from_utf8_lossy(&response.body).contains("Date in Credential scope does not match"));
}

#[tokio::test]
async fn drift_is_what_was_changed_beside_the_stack() {
    let bench = deployed().await;
    let drift = async || {
        let (status, text) =
            bench.query("cloudformation", &[("Action", "DetectStackDrift"), ("StackName", "app")]).await;
        assert_eq!(status, 200, "{text}");
        let id = between(&text, "<StackDriftDetectionId>", "</").to_owned();
        let (_, found) = bench
            .query("cloudformation", &[("Action", "DescribeStackDriftDetectionStatus"), ("StackDriftDetectionId", &id)])
            .await;
        let (_, resources) =
            bench.query("cloudformation", &[("Action", "DescribeStackResourceDrifts"), ("StackName", "app")]).await;
        (found, resources)
    };
    let (found, resources) = drift().await;
    assert!(found.contains("<StackDriftStatus>IN_SYNC<") && found.contains("DETECTION_COMPLETE"), "{found}");
    assert!(!resources.contains("MODIFIED"), "{resources}");
    bench
        .rest(
            "lambda",
            "PUT",
            "/2015-03-31/functions/f/configuration",
            json!({"Environment": {"Variables": {"VALUE": "9"}}, "Timeout": 9}),
        )
        .await;
    let (found, resources) = drift().await;
    assert!(found.contains("<StackDriftStatus>DRIFTED<") && found.contains("<DriftedStackResourceCount>1<"), "{found}");
    // The template says nothing of the time limit.
    for expected in ["<PropertyPath>/Environment/Variables/VALUE<", "<ExpectedValue>1<", "<ActualValue>9<", "NOT_EQUAL"]
    {
        assert!(resources.contains(expected), "{expected}: {resources}");
    }
    assert!(!resources.contains("/Timeout"), "{resources}");
    bench.rest("lambda", "DELETE", "/2015-03-31/functions/f", Value::Null).await;
    assert!(drift().await.1.contains("<StackResourceDriftStatus>DELETED<"));
    let (_, stack) = bench.query("cloudformation", &[("Action", "DescribeStacks"), ("StackName", "app")]).await;
    assert!(stack.contains("<StackDriftStatus>DRIFTED<"), "{stack}");
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let rest = text.split_once(before).unwrap_or_else(|| panic!("{before}: {text}")).1;
    rest.split_once(after).unwrap_or_else(|| panic!("{after}: {text}")).0
}

/// What the CDK asks after a change set that failed, and after a deploy that did.
#[tokio::test]
async fn failed_events_and_hooks_can_be_asked_for() {
    let bench = deployed().await;
    bench.upload("bad.zip", b"broken").await;
    let mut wanted = template("2", Some("dsql:DbConnectAdmin"));
    wanted["Resources"]["Function"]["Properties"]["Code"]["S3Key"] = json!("bad.zip");
    bench.deploy("UpdateStack", "app", &wanted).await;
    let failed = [("Action", "DescribeEvents"), ("StackName", "app"), ("Filters.FailedEvents", "true")];
    let (status, events) = bench.query("cloudformation", &failed).await;
    assert!(status == 200 && events.contains("<EventType>PROVISIONING_ERROR<"), "{events}");
    assert!(events.contains("Could not unzip uploaded file.") && !events.contains("UPDATE_COMPLETE<"), "{events}");
    let hooks = [("Action", "ListHookResults"), ("TargetType", "CHANGE_SET"), ("TargetId", "arn:x")];
    let (status, text) = bench.query("cloudformation", &hooks).await;
    assert!(status == 200 && text.contains("<HookResults></HookResults>"), "{text}");
}

#[tokio::test]
async fn requests_are_held_to_the_services_own_bounds() {
    let bench = Bench::new().await;
    for (method, uri, body, member) in [
        ("GET", "/cluster?max-results=0", Value::Null, "maxResults"),
        ("POST", "/cluster", json!({"clientToken": ""}), "clientToken"),
        ("POST", "/cluster", json!({"policy": ""}), "policy"),
        ("POST", "/cluster", json!({"metricGroups": [{"metricGroup": "OTHER"}]}), "metricGroups.1.member.metricGroup"),
        ("GET", "/cluster/short", Value::Null, "identifier"),
    ] {
        let (status, refusal) = bench.rest("dsql", method, uri, body).await;
        assert_eq!((status, &refusal["reason"]), (400, &json!("fieldValidationFailed")), "{member}: {refusal}");
        assert_eq!(refusal["fieldList"][0]["name"], member);
    }
    let (status, refusal) = bench.rest("lambda", "GET", "/2015-03-31/functions?MaxItems=99999", Value::Null).await;
    assert!(status == 400 && refusal["message"].as_str().unwrap().contains("at 'maxItems'"), "{refusal}");
    // A payload is no input: its members may be called as they like.
    let (status, _) =
        bench.rest("lambda", "POST", "/2015-03-31/functions/f/invocations", json!({"Qualifier": "!"})).await;
    assert_eq!(status, 404);
    let (status, text) = bench.query("cloudformation", &[("Action", "DescribeStacks"), ("StackName", "")]).await;
    assert_eq!(status, 200, "an empty name is none: {text}");
}

#[tokio::test]
async fn a_token_is_for_one_request_and_protection_is_on() {
    let bench = Bench::new().await;
    let first =
        json!({"clientToken": "t", "tags": {"a": "1"}, "metricGroups": [{"metricGroup": "STATEMENT_STATISTICS"}]});
    let (status, made) = bench.rest("dsql", "POST", "/cluster", first.clone()).await;
    assert_eq!((status, &made["metricGroups"]), (200, &json!([{"metricGroup": "STATEMENT_STATISTICS"}])));
    assert_eq!(bench.rest("dsql", "POST", "/cluster", first).await.1["identifier"], made["identifier"]);
    let (status, refusal) = bench.rest("dsql", "POST", "/cluster", json!({"clientToken": "t"})).await;
    assert_eq!((status, &refusal["resourceType"]), (409, &json!("cluster")), "{refusal}");
    assert_eq!(bench.rest("dsql", "POST", "/cluster", json!({"policy": "[1]"})).await.0, 400);
    let id = made["identifier"].as_str().unwrap();
    let policy = format!("/cluster/{id}/policy");
    assert_eq!(bench.rest("dsql", "DELETE", &policy, Value::Null).await.0, 404, "there is none");
    let put = bench.rest("dsql", "POST", &policy, json!({"policy": "{\"Version\": \"2012-10-17\"}"})).await;
    assert_eq!(put, (200, json!({"policyVersion": "1"})));
    let expects = |version: &str| format!("{policy}?expected-policy-version={version}");
    assert_eq!(bench.rest("dsql", "DELETE", &expects("9"), Value::Null).await.0, 409, "another one is there");
    assert_eq!(bench.rest("dsql", "DELETE", &expects("1"), Value::Null).await.0, 200);
    assert_eq!(bench.rest("dsql", "GET", &format!("/stream/{id}"), Value::Null).await, (200, json!({"streams": []})));
    let stream = json!({"targetDefinition": {"kinesis": {"streamArn": "arn:aws:kinesis:us-east-1:123456789012:stream/s", "roleArn": ROLE}},
        "ordering": "UNORDERED", "format": "JSON"});
    let (status, refusal) = bench.rest("dsql", "POST", &format!("/stream/{id}"), stream).await;
    assert_eq!((status, &refusal["reason"]), (400, &json!("unknownOperation")), "{refusal}");
    // By the template as by the API: protected where nothing is said, and left so where nothing more is said.
    let cluster = json!({"Resources": {"C": {"Type": "AWS::DSQL::Cluster"}}});
    assert!(bench.deploy("CreateStack", "app", &cluster).await.1.contains("CREATE_COMPLETE"));
    bench.query("cloudformation", &[("Action", "DeleteStack"), ("StackName", "app")]).await;
    let (_, text) = bench.query("cloudformation", &[("Action", "DescribeStacks"), ("StackName", "app")]).await;
    assert!(text.contains("<StackStatus>DELETE_FAILED<"), "{text}");
}

/// By a template as by the API, Lambda itself looks at what it is given.
#[tokio::test]
async fn a_template_is_held_to_the_bounds_of_the_service() {
    let bench = deployed().await;
    let mut wanted = template("1", None);
    wanted["Resources"]["Function"]["Properties"]["Environment"]["Variables"]["V"] = json!("x");
    bench.deploy("UpdateStack", "app", &wanted).await;
    let (_, events) = bench.query("cloudformation", &[("Action", "DescribeStackEvents"), ("StackName", "app")]).await;
    let expected = "at 'environment.variables' failed to satisfy constraint: Map keys must satisfy constraint: [Member must satisfy";
    assert!(events.contains(expected), "{events}");
}

#[tokio::test]
async fn a_function_that_is_refused_is_not_there() {
    let bench = deployed().await;
    bench.upload("bad.zip", b"broken").await;
    let wanted = json!({"FunctionName": "g", "Runtime": "nodejs22.x", "Handler": "index.handler", "Role": ROLE,
        "Code": {"S3Bucket": "assets", "S3Key": "bad.zip"}});
    assert_eq!(bench.rest("lambda", "POST", "/2015-03-31/functions", wanted).await.0, 400);
    assert_eq!(bench.rest("lambda", "GET", "/2015-03-31/functions/g", Value::Null).await.0, 404);
    let code = json!({"S3Bucket": "assets", "S3Key": "bad.zip"});
    let (_, before) = bench.rest("lambda", "GET", "/2015-03-31/functions/f/configuration", Value::Null).await;
    assert_eq!(bench.rest("lambda", "PUT", "/2015-03-31/functions/f/code", code).await.0, 400);
    assert_eq!(bench.rest("lambda", "GET", "/2015-03-31/functions/f/configuration", Value::Null).await.1, before);
}

#[tokio::test]
async fn versions_stay_as_they_were_and_aliases_point_to_them() {
    let bench = deployed().await;
    let base = "/2015-03-31/functions/f";
    let (status, one) =
        bench.rest("lambda", "POST", &format!("{base}/versions"), json!({"Description": "first"})).await;
    assert_eq!((status, &one["Version"], &one["Description"]), (201, &json!("1"), &json!("first")));
    assert_eq!(one["FunctionArn"], "arn:aws:lambda:us-east-1:123456789012:function:f:1");
    // Nothing has changed: no new one.
    let (_, again) = bench.rest("lambda", "POST", &format!("{base}/versions"), json!({})).await;
    assert_eq!(again["Version"], "1");
    bench
        .rest("lambda", "PUT", &format!("{base}/configuration"), json!({"Environment": {"Variables": {"VALUE": "2"}}}))
        .await;
    let (_, two) = bench.rest("lambda", "POST", &format!("{base}/versions"), json!({})).await;
    assert_eq!((&two["Version"], &two["Environment"]["Variables"]["VALUE"]), (&json!("2"), &json!("2")));
    let (_, old) = bench.rest("lambda", "GET", &format!("{base}/configuration?Qualifier=1"), Value::Null).await;
    assert_eq!(old["Environment"]["Variables"]["VALUE"], "1");
    let put: Vec<String> = bench.fakes.functions.lock().unwrap().keys().cloned().collect();
    assert_eq!(put, ["f", "f:1", "f:2"]);
    let (_, listed) = bench.rest("lambda", "GET", "/2015-03-31/functions?FunctionVersion=ALL", Value::Null).await;
    let listed = listed["Functions"].as_array().unwrap().iter().map(|f| f["Version"].as_str().unwrap());
    assert_eq!(listed.collect::<Vec<_>>(), ["$LATEST", "1", "2"]);

    let live = json!({"Name": "live", "FunctionVersion": "1"});
    let (status, alias) = bench.rest("lambda", "POST", &format!("{base}/aliases"), live.clone()).await;
    assert_eq!((status, &alias["AliasArn"]), (201, &json!("arn:aws:lambda:us-east-1:123456789012:function:f:live")));
    assert_eq!(bench.rest("lambda", "POST", &format!("{base}/aliases"), live).await.0, 409);
    assert_eq!(bench.rest("lambda", "DELETE", &format!("{base}?Qualifier=1"), Value::Null).await.0, 409, "in use");
    for (qualifier, executed) in [("live", "1"), ("2", "2"), ("$LATEST", "$LATEST")] {
        let uri = format!("{base}/invocations?Qualifier={}", qualifier.replace('$', "%24"));
        let response = bench.send("lambda", "POST", &uri, &[], b"{}").await;
        let version =
            response.headers.iter().find(|(name, _)| name == "x-amz-executed-version").map(|(_, v)| v.as_str());
        assert_eq!((response.status, version), (200, Some(executed)), "{qualifier}");
    }
    // A function is shown the alias, and not the version behind it.
    let invoked: Vec<String> = bench
        .fakes
        .invoked
        .lock()
        .unwrap()
        .iter()
        .map(|call| call.arn.replace("arn:aws:lambda:us-east-1:123456789012:function:", ""))
        .collect();
    assert_eq!(invoked, ["f:live", "f:2", "f:$LATEST"]);
    assert_eq!(bench.send("lambda", "POST", &format!("{base}:9/invocations"), &[], b"{}").await.status, 404);
    let moved = json!({"FunctionVersion": "2", "RoutingConfig": {"AdditionalVersionWeights": {"1": 1.0}},
        "RevisionId": alias["RevisionId"]});
    assert_eq!(bench.rest("lambda", "PUT", &format!("{base}/aliases/live"), moved.clone()).await.0, 200);
    assert_eq!(bench.rest("lambda", "PUT", &format!("{base}/aliases/live"), moved).await.0, 412, "it is another now");
    let late = json!({"RevisionId": "0"});
    assert_eq!(bench.rest("lambda", "POST", &format!("{base}/versions"), late).await.0, 412);
    let response = bench.send("lambda", "POST", &format!("{base}:live/invocations"), &[], b"{}").await;
    assert!(response.headers.iter().any(|(n, v)| n == "x-amz-executed-version" && v == "1"), "all go to the other");
    let bench = bench.restarted().await;
    let put: Vec<String> = bench.fakes.functions.lock().unwrap().keys().cloned().collect();
    assert_eq!(put, ["f", "f:1", "f:2"]);
    assert_eq!(bench.rest("lambda", "DELETE", base, Value::Null).await.0, 204);
    assert!(bench.fakes.functions.lock().unwrap().is_empty());
}

fn published(value: &str, version: &str) -> Value {
    let mut wanted = template(value, None);
    let reference = |name: &str| json!({"Ref": name});
    wanted["Resources"][version] = json!({"Type": "AWS::Lambda::Version", "Properties": {"FunctionName": reference("Function")}, "DeletionPolicy": "Delete"});
    wanted["Resources"]["Alias"] = json!({"Type": "AWS::Lambda::Alias", "Properties": {
        "FunctionName": reference("Function"), "Name": "live", "FunctionVersion": {"Fn::GetAtt": [version, "Version"]}}});
    wanted["Resources"]["Allow"] = json!({"Type": "AWS::Lambda::Permission", "Properties": {
        "Action": "lambda:InvokeFunctionUrl", "FunctionName": reference("Alias"), "Principal": "*", "FunctionUrlAuthType": "NONE"}});
    // New URLs need both (Lambda developer guide, "Control access to Lambda function URLs", 2025-10).
    wanted["Resources"]["AllowToo"] = json!({"Type": "AWS::Lambda::Permission", "Properties": {
        "Action": "lambda:InvokeFunction", "FunctionName": reference("Alias"), "Principal": "*", "InvokedViaFunctionUrl": true}});
    wanted["Resources"]["Url"] = json!({"Type": "AWS::Lambda::Url", "Properties": {
        "TargetFunctionArn": reference("Function"), "Qualifier": "live", "AuthType": "NONE",
        "Cors": {"AllowOrigins": ["https://a.example"]}}, "DependsOn": "Alias"});
    wanted["Outputs"]["Url"] = json!({"Value": {"Fn::GetAtt": ["Url", "FunctionUrl"]}});
    wanted["Outputs"]["Alias"] = json!({"Value": reference("Alias")});
    wanted
}

/// One request over a socket; the whole answer as text.
async fn ask(address: &str, request: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.write_all(request.replace('\n', "\r\n").as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_function_with_a_url_is_asked_over_http() {
    let bench = Bench::new().await;
    bench.deploy("CreateStack", "storage", &storage()).await;
    bench.upload("code.zip", b"PK one").await;
    let (_, text) = bench.deploy("CreateStack", "app", &published("1", "V1")).await;
    assert!(text.contains("<StackStatus>CREATE_COMPLETE<"), "{text}");
    let url = between(&text, "<OutputValue>http://", "/</").to_owned();
    assert!(text.contains(":function:f:live</OutputValue>"), "{text}");
    let get = format!("GET /a?b=1 HTTP/1.1\nHost: {url}\nConnection: close\nOrigin: https://a.example\n\n");
    let answer = ask(&url, &get).await;
    assert!(
        answer.starts_with("HTTP/1.1 200 ") && answer.contains("access-control-allow-origin: https://a.example"),
        "{answer}"
    );
    let event: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!((&event["rawPath"], &event["queryStringParameters"]["b"]), (&json!("/a"), &json!("1")));
    let rebound = ask(&url, "GET / HTTP/1.1\nHost: evil.example\nConnection: close\n\n").await;
    assert!(rebound.starts_with("HTTP/1.1 403 "), "{rebound}");

    // An update: another version under the same alias, the address stays.
    let mut closed = published("2", "V2");
    closed["Resources"]["Url"]["Properties"].as_object_mut().unwrap().remove("Cors");
    let (_, text) = bench.deploy("UpdateStack", "app", &closed).await;
    assert!(text.contains("<StackStatus>UPDATE_COMPLETE<") && text.contains(&url), "{text}");
    let answer = ask(&url, &get).await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && !answer.contains("access-control"), "no page is let in: {answer}");
    let keys: Vec<String> = bench.fakes.functions.lock().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["f", "f:2"], "the first version went with its resource");
    // Without the permission nobody gets in.
    let mut without = published("2", "V2");
    without["Resources"].as_object_mut().unwrap().remove("Allow");
    bench.deploy("UpdateStack", "app", &without).await;
    assert!(ask(&url, &get).await.starts_with("HTTP/1.1 403 "));
    let bench = bench.restarted().await;
    assert!(ask(&url, &get).await.starts_with("HTTP/1.1 403 "), "the address outlives a restart");
    bench.query("cloudformation", &[("Action", "DeleteStack"), ("StackName", "app")]).await;
    let (_, text) = bench.query("cloudformation", &[("Action", "DescribeStacks"), ("StackName", "app")]).await;
    assert!(!text.contains("DELETE_FAILED"), "{text}");
    bench.cloud.close().await;
    assert!(tokio::net::TcpStream::connect(&url).await.is_err(), "closed");
}

#[tokio::test]
async fn a_functions_own_policy_lets_others_in() {
    let mut bench = deployed().await;
    let invoke = "/2015-03-31/functions/f/invocations";
    let role = bench.cloud.assume(ROLE, "s", Duration::from_secs(900)).unwrap();
    let user = std::mem::replace(&mut bench.who, role);
    assert_eq!(bench.send("lambda", "POST", invoke, &[], b"{}").await.status, 403);
    let role = std::mem::replace(&mut bench.who, user);
    let permission = json!({"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": ROLE});
    let policy = "/2015-03-31/functions/f/policy";
    assert_eq!(bench.rest("lambda", "GET", policy, Value::Null).await.0, 404);
    let (status, added) = bench.rest("lambda", "POST", policy, permission.clone()).await;
    assert!(status == 201 && added["Statement"].as_str().unwrap().contains(ROLE), "{added}");
    assert_eq!(bench.rest("lambda", "POST", policy, permission).await.0, 409);
    let user = std::mem::replace(&mut bench.who, role);
    assert_eq!(bench.send("lambda", "POST", invoke, &[], b"{}").await.status, 200);
    bench.who = user;
    assert_eq!(bench.rest("lambda", "DELETE", &format!("{policy}/s"), Value::Null).await.0, 204);
    assert_eq!(bench.rest("lambda", "DELETE", &format!("{policy}/s"), Value::Null).await.0, 404);
}

#[tokio::test]
async fn an_http_api_routes_requests_to_functions_that_let_it() {
    let bench = Bench::new().await;
    bench.deploy("CreateStack", "storage", &storage()).await;
    bench.upload("code.zip", b"PK one").await;
    let stack = |allowed: bool| {
        let mut wanted = template("1", None);
        let resources = wanted["Resources"].as_object_mut().unwrap();
        let function = json!({"Fn::GetAtt": ["Function", "Arn"]});
        let api = json!({"Ref": "Api"});
        resources.insert("Api".into(), json!({"Type": "AWS::ApiGatewayV2::Api", "Properties": {
            "Name": "n", "ProtocolType": "HTTP", "CorsConfiguration": {"AllowOrigins": ["*"], "AllowMethods": ["GET"]}}}));
        resources.insert(
            "Stage".into(),
            json!({"Type": "AWS::ApiGatewayV2::Stage", "Properties": {
            "ApiId": api, "StageName": "$default", "AutoDeploy": true}}),
        );
        resources.insert(
            "Integration".into(),
            json!({"Type": "AWS::ApiGatewayV2::Integration", "Properties": {
            "ApiId": api, "IntegrationType": "AWS_PROXY", "IntegrationUri": function, "PayloadFormatVersion": "2.0"}}),
        );
        resources.insert(
            "Route".into(),
            json!({"Type": "AWS::ApiGatewayV2::Route", "Properties": {
            "ApiId": api, "RouteKey": "GET /items/{id}", "AuthorizationType": "NONE",
            "Target": {"Fn::Join": ["", ["integrations/", {"Ref": "Integration"}]]}}}),
        );
        if allowed {
            let source = "arn:aws:execute-api:us-east-1:123456789012:${Api}/*/*/items/{id}";
            resources.insert(
                "Allow".into(),
                json!({"Type": "AWS::Lambda::Permission", "Properties": {
                "Action": "lambda:InvokeFunction", "FunctionName": function, "Principal": "apigateway.amazonaws.com",
                "SourceArn": {"Fn::Sub": source}}}),
            );
        }
        wanted["Outputs"]["Url"] = json!({"Value": {"Fn::GetAtt": ["Api", "ApiEndpoint"]}});
        wanted
    };
    let (_, text) = bench.deploy("CreateStack", "app", &stack(true)).await;
    assert!(text.contains("<StackStatus>CREATE_COMPLETE<"), "{text}");
    let host = between(&text, "<OutputValue>http://", "<").to_owned();
    let get =
        |path: &str| format!("GET {path} HTTP/1.1\nHost: {host}\nConnection: close\nOrigin: https://a.example\n\n");
    let answer = ask(&host, &get("/items/7?x=1")).await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("access-control-allow-origin: *"), "{answer}");
    let event: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    assert_eq!((&event["routeKey"], &event["pathParameters"]), (&json!("GET /items/{id}"), &json!({"id": "7"})));
    assert_eq!(event["requestContext"]["stage"], "$default");
    assert!(ask(&host, &get("/other")).await.contains(r#"{"message":"Not Found"}"#));
    let answer = ask(&host, &get("/items/7?status=502")).await;
    assert!(answer.starts_with("HTTP/1.1 502 ") && answer.ends_with("the function's own"), "{answer}");
    assert!(ask(&host, &get("/items/7?status=none")).await.starts_with("HTTP/1.1 500 "), "that is no answer");
    let preflight = format!(
        "OPTIONS /items/7 HTTP/1.1\nHost: {host}\nConnection: close\nOrigin: https://a.example\nAccess-Control-Request-Method: GET\n\n"
    );
    let answer = ask(&host, &preflight).await;
    assert!(answer.starts_with("HTTP/1.1 204 ") && answer.contains("access-control-allow-methods: GET"), "{answer}");
    bench.deploy("UpdateStack", "app", &stack(false)).await;
    let answer = ask(&host, &get("/items/7")).await;
    assert!(answer.starts_with("HTTP/1.1 500 ") && answer.contains("Internal Server Error"), "{answer}");
    bench.query("cloudformation", &[("Action", "DeleteStack"), ("StackName", "app")]).await;
    bench.query("cloudformation", &[("Action", "DescribeStacks"), ("StackName", "app")]).await;
    let mut tries = 0;
    while tokio::net::TcpStream::connect(&host).await.is_ok() {
        tries += 1;
        assert!(tries < 200, "it closes with its stack");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[path = "faithful_lambda_tests.rs"]
mod faithful_lambda;
#[path = "faithful_resource_tests.rs"]
mod faithful_resources;

#[path = "faithful_stack_tests.rs"]
mod faithful_stack;
#[path = "fronts_tests.rs"]
mod fronts;
#[path = "lambda_updates_tests.rs"]
mod lambda_updates;
#[path = "s3_objects_tests.rs"]
mod s3_objects;
#[path = "s3_uploads_tests.rs"]
mod s3_uploads;
