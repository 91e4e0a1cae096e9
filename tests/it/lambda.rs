//! Functions in real Node processes, as a caller of Lambda sees them.

use std::collections::BTreeMap;
use std::io::{Cursor, Write};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use serde_json::{Value, json};
use workshop_sandbox::clock::SandboxClock;
use workshop_sandbox::interfaces::{Credential, FunctionSpec, Functions, InvokeResult, Issuer, LambdaError, Principal};
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

fn spec(files: &[(&str, &str)]) -> FunctionSpec {
    FunctionSpec {
        name: "f".into(),
        arn: "arn:aws:lambda:us-east-1:123456789012:function:f".into(),
        runtime: "nodejs22.x".into(),
        handler: "index.handler".into(),
        role_arn: "arn:aws:iam::123456789012:role/role".into(),
        memory_mb: 128,
        timeout: Duration::from_secs(3),
        environment: BTreeMap::from([("GREETING".into(), "hello".into()), ("AWS_REGION".into(), "no".into())]),
        code: zip(files),
    }
}

impl Fixture {
    async fn put(&self, files: &[(&str, &str)]) {
        self.lambda.put(spec(files)).await.expect("put");
    }

    async fn call(&self, payload: Value) -> InvokeResult {
        self.lambda.invoke("f", payload.to_string().into()).await.expect("invoked")
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
                 home: process.env.HOME, execution: process.env.AWS_EXECUTION_ENV };
             };",
        )])
        .await;
    let first = fixture.call(json!({"a": 1})).await;
    let answer: Value = serde_json::from_slice(&first.payload).expect("JSON");
    assert_eq!(
        answer,
        json!({"calls": 1, "event": {"a": 1}, "region": "us-east-1", "greeting": "hello", "name": "f",
            "left": true, "key": "ASIAEXAMPLE", "token": "token", "execution": "AWS_Lambda_nodejs22.x"})
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
    assert!(log.contains("ERROR\tInvoke Error \t{\"errorType\":\"Refused\",\"errorMessage\":\"permission denied\",\"code\":\"42501\",\"stack\":["), "{log}");
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
async fn bad_calls_are_refused() {
    let fixture = fixture().await;
    let invoke = |name: &'static str, payload: Bytes| fixture.lambda.invoke(name, payload);
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
async fn a_warm_call_is_quick() {
    let fixture = fixture().await;
    fixture.put(&[("index.js", "exports.handler = async () => 1;")]).await;
    fixture.answer(json!({})).await;
    let mut best = Duration::MAX;
    for _ in 0..50 {
        let begun = Instant::now();
        fixture.answer(json!({})).await;
        best = best.min(begun.elapsed());
    }
    // A loaded machine is slow; its best of fifty is not. The goal is 3 ms in a release build.
    assert!(best < Duration::from_millis(20), "{best:?}");
    eprintln!("warm: {best:?}");
    fixture.lambda.shutdown().await;
}
