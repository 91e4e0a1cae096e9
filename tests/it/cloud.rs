//! The endpoint over a real socket, spoken to by AWS's own SDK clients.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_sdk_cloudformation::client::Waiters as _;
use aws_sdk_cloudformation::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_cloudformation::types::{Capability, ChangeAction, ChangeSetType};
use aws_sdk_dsql::client::Waiters as _;
use aws_sdk_lambda::types::LogType;
use tokio_util::sync::CancellationToken;
use workshop_sandbox::aws::Cloud;
use workshop_sandbox::interfaces::{
    BoxFuture, Credential, Databases, FunctionSpec, Functions, Invocation, InvokeResult, LambdaError, PgServer,
};

/// Functions that echo, databases that are always up.
struct Echo;

impl Functions for Echo {
    fn put(&self, _: FunctionSpec) -> BoxFuture<'_, Result<(), LambdaError>> {
        Box::pin(async { Ok(()) })
    }
    fn remove(&self, _: &str) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
    fn invoke(&self, _: &str, call: Invocation) -> BoxFuture<'_, Result<InvokeResult, LambdaError>> {
        Box::pin(async move {
            let Invocation { payload, request_id, .. } = call;
            let queued = std::time::Duration::ZERO;
            Ok(InvokeResult {
                request_id,
                payload,
                function_error: None,
                log_tail: "START\n".into(),
                log: "START\n".into(),
                log_stream: "2026/12/01/[$LATEST]0".into(),
                queued,
                streamed: None,
            })
        })
    }
}

impl Databases for Echo {
    fn ensure(&self, _: &str) -> BoxFuture<'_, Result<PgServer, String>> {
        Box::pin(async {
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
    fn delete(&self, _: &str) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(async { Ok(()) })
    }
}

struct Endpoint {
    url: String,
    who: Credential,
    stop: CancellationToken,
    served: tokio::task::JoinHandle<std::io::Result<()>>,
    _dir: tempfile::TempDir,
}

async fn endpoint() -> Endpoint {
    let dir = tempfile::tempdir().expect("a directory");
    let echo = Arc::new(Echo);
    let cloud = Cloud::open(dir.path(), "us-east-1", "123456789012", echo.clone(), echo, Arc::new(SystemTime::now))
        .await
        .expect("opened");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let stop = CancellationToken::new();
    let (who, shutdown) = (cloud.user_credential(), stop.clone());
    let served = tokio::spawn(async move { cloud.serve(listener, shutdown).await });
    Endpoint { url, who, stop, served, _dir: dir }
}

macro_rules! client {
    ($sdk:ident, $endpoint:expr) => {
        $sdk::Client::from_conf(
            $sdk::Config::builder()
                .behavior_version(BehaviorVersion::latest())
                .region(Region::new("us-east-1"))
                .endpoint_url(&$endpoint.url)
                .credentials_provider(Credentials::new(
                    &$endpoint.who.access_key_id,
                    &$endpoint.who.secret_access_key,
                    $endpoint.who.session_token.clone(),
                    None,
                    "test",
                ))
                .http_client(aws_smithy_http_client::Builder::new().build_http())
                .build(),
        )
    };
}

const TEMPLATE: &str = r#"
Parameters:
  Protected: {Type: String, Default: 'false', AllowedValues: ['true', 'false']}
Resources:
  Cluster:
    Type: AWS::DSQL::Cluster
    Properties: {DeletionProtectionEnabled: !Ref Protected}
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Statement: [{Effect: Allow, Action: 'sts:AssumeRole', Principal: {Service: lambda.amazonaws.com}}]
      Policies:
        - PolicyName: connect
          PolicyDocument: {Statement: [{Effect: Allow, Action: 'dsql:DbConnect', Resource: !GetAtt Cluster.ResourceArn}]}
  Function:
    Type: AWS::Lambda::Function
    Properties:
      FunctionName: echo
      Runtime: nodejs22.x
      Handler: index.handler
      Role: !GetAtt Role.Arn
      Code: {ZipFile: 'exports.handler = async (event) => event'}
      Environment: {Variables: {HOST: !Sub '${Cluster}.dsql.${AWS::Region}.on.aws'}}
Outputs:
  Endpoint: {Value: !GetAtt Cluster.Endpoint}
"#;

#[tokio::test]
async fn a_stack_lives_and_dies_by_the_sdk() {
    let endpoint = endpoint().await;
    let cfn = client!(aws_sdk_cloudformation, endpoint);
    let long = Duration::from_secs(60);
    cfn.create_stack()
        .stack_name("app")
        .template_body(TEMPLATE)
        .capabilities(Capability::CapabilityIam)
        .send()
        .await
        .expect("created");
    let done = cfn.wait_until_stack_create_complete().stack_name("app").wait(long).await.expect("complete");
    let stack = done.as_result().expect("described").stacks().first().expect("one stack").clone();
    let host = stack.outputs()[0].output_value().expect("a value").to_owned();
    assert!(host.ends_with(".dsql.us-east-1.on.aws"), "{host}");

    let changed = TEMPLATE.replace("FunctionName: echo", "FunctionName: echo2");
    cfn.create_change_set()
        .stack_name("app")
        .change_set_name("rename")
        .change_set_type(ChangeSetType::Update)
        .template_body(changed)
        .capabilities(Capability::CapabilityIam)
        .send()
        .await
        .expect("a change set");
    let set = cfn.describe_change_set().stack_name("app").change_set_name("rename").send().await.expect("described");
    let [change] = set.changes() else { panic!("{:?}", set.changes()) };
    let change = change.resource_change().expect("of a resource");
    assert_eq!(change.action(), Some(&ChangeAction::Modify));
    assert_eq!(change.replacement().map(|r| r.as_str()), Some("True"));
    cfn.execute_change_set().stack_name("app").change_set_name("rename").send().await.expect("executed");
    cfn.wait_until_stack_update_complete().stack_name("app").wait(long).await.expect("updated");

    let lambda = client!(aws_sdk_lambda, endpoint);
    let gone = lambda.get_function().function_name("echo").send().await.expect_err("replaced");
    assert!(gone.into_service_error().is_resource_not_found_exception());
    let answer = lambda
        .invoke()
        .function_name("echo2")
        .payload(aws_sdk_lambda::primitives::Blob::new(r#"{"a":1}"#))
        .log_type(LogType::Tail)
        .send()
        .await
        .expect("invoked");
    assert_eq!(answer.payload().map(|p| p.as_ref()), Some(&br#"{"a":1}"#[..]));
    assert_eq!(answer.log_result(), Some("U1RBUlQK"));

    let events = cfn.describe_stack_events().stack_name("app").send().await.expect("events");
    let times: Vec<_> = events.stack_events().iter().map(|e| *e.timestamp().expect("a time")).collect();
    assert!(times.windows(2).all(|pair| pair[0] > pair[1]), "newest first, none at the same time");

    cfn.delete_stack().stack_name("app").send().await.expect("deleted");
    let id = stack.stack_id().expect("an id");
    cfn.wait_until_stack_delete_complete().stack_name(id).wait(long).await.expect("gone");
    let missing = cfn.describe_stacks().stack_name("app").send().await.expect_err("gone").into_service_error();
    assert_eq!(missing.meta().message(), Some("Stack with id app does not exist"));
    endpoint.stop.cancel();
    endpoint.served.await.expect("joined").expect("served");
}

#[tokio::test]
async fn clusters_come_and_go_by_the_sdk() {
    let endpoint = endpoint().await;
    let dsql = client!(aws_sdk_dsql, endpoint);
    let made = dsql.create_cluster().deletion_protection_enabled(false).tags("Name", "x").send().await.expect("made");
    let id = made.identifier();
    let long = Duration::from_secs(30);
    let active = dsql.wait_until_cluster_active().identifier(id).wait(long).await.expect("active");
    let active = active.as_result().expect("described");
    assert_eq!((active.status().as_str(), active.endpoint()), ("ACTIVE", made.endpoint()));
    let all: Vec<_> =
        dsql.list_clusters().into_paginator().items().send().collect::<Result<Vec<_>, _>>().await.expect("listed");
    assert_eq!(all.iter().map(|c| c.identifier()).collect::<Vec<_>>(), [id]);
    let tags = dsql.list_tags_for_resource().resource_arn(made.arn()).send().await.expect("tags");
    assert_eq!(tags.tags().and_then(|t| t.get("Name")).map(String::as_str), Some("x"));
    dsql.delete_cluster().identifier(id).send().await.expect("deleting");
    dsql.wait_until_cluster_not_exists().identifier(id).wait(long).await.expect("gone");
    endpoint.stop.cancel();
    endpoint.served.await.expect("joined").expect("served");
}

#[tokio::test]
async fn strangers_are_refused() {
    let mut endpoint = endpoint().await;
    let identity = client!(aws_sdk_sts, endpoint).get_caller_identity().send().await.expect("known");
    assert_eq!(identity.arn(), Some("arn:aws:iam::123456789012:user/attendee"));
    endpoint.who.secret_access_key.push('x');
    let wrong = client!(aws_sdk_sts, endpoint).get_caller_identity().send().await.expect_err("refused");
    assert_eq!(wrong.into_service_error().meta().code(), Some("SignatureDoesNotMatch"));
    endpoint.who.access_key_id = "AKIANOBODY".into();
    let unknown = client!(aws_sdk_dsql, endpoint).list_clusters().send().await.expect_err("refused");
    assert_eq!(unknown.into_service_error().meta().code(), Some("UnrecognizedClientException"));
    endpoint.stop.cancel();
    endpoint.served.await.expect("joined").expect("served");
}

/// What a server answers to a request as it is written here.
async fn raw(endpoint: &Endpoint, request: &str) -> String {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let address = endpoint.url.trim_start_matches("http://");
    let mut stream = tokio::net::TcpStream::connect(address).await.expect("connected");
    stream.write_all(request.replace('\n', "\r\n").as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("answered");
    answer
}

#[tokio::test]
async fn web_pages_and_other_names_are_refused_before_anything_else() {
    let endpoint = endpoint().await;
    let host = endpoint.url.trim_start_matches("http://");
    let with = |headers: &str| format!("POST / HTTP/1.1\nConnection: close\nContent-Length: 0\n{headers}\n\n");
    let rebound = raw(&endpoint, &with("Host: evil.example:4000")).await;
    assert!(
        rebound.starts_with("HTTP/1.1 403 ") && rebound.contains("under the name 'evil.example:4000'"),
        "{rebound}"
    );
    let page = raw(&endpoint, &with(&format!("Host: {host}\nOrigin: http://{host}"))).await;
    assert!(page.starts_with("HTTP/1.1 403 ") && page.contains("has the header Origin"), "{page}");
    assert!(!page.to_lowercase().contains("access-control-allow"), "{page}");
    // The body, of any length, is not waited for.
    let large =
        raw(&endpoint, "PUT /x HTTP/1.1\nConnection: close\nContent-Length: 9999999\nHost: evil.example\n\n").await;
    assert!(large.starts_with("HTTP/1.1 403 "), "{large}");
    let image =
        format!("GET /?Action=DeleteStack HTTP/1.1\nConnection: close\nHost: {host}\nSec-Fetch-Site: cross-site\n\n");
    let image = raw(&endpoint, &image).await;
    assert!(image.starts_with("HTTP/1.1 403 ") && image.contains("has the header Sec-Fetch-Site"), "{image}");
    // Nor is that of a stranger, who is told before it comes.
    let stranger = format!("POST / HTTP/1.1\nConnection: close\nContent-Length: 9999999\nHost: {host}\n\n");
    let stranger = raw(&endpoint, &stranger).await;
    assert!(stranger.starts_with("HTTP/1.1 403 ") && stranger.contains("Missing Authentication Token"), "{stranger}");
    let own = raw(&endpoint, &with(&format!("Host: {host}"))).await;
    assert!(own.contains("Missing Authentication Token"), "{own}");
}
