//! Updates of functions, and what of them Lambda's clients are told.

use super::*;

const FUNCTIONS: &str = "/2015-03-31/functions";

/// A package as the API takes it: `text` in base64.
fn package(text: &str) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text)
}

async fn create(bench: &Bench, name: &str) {
    let made = json!({"FunctionName": name, "Runtime": "nodejs22.x", "Handler": "index.handler", "Role": ROLE,
        "Code": {"ZipFile": package("PK one")}});
    assert_eq!(bench.rest("lambda", "POST", FUNCTIONS, made).await.0, 201);
}

#[tokio::test]
async fn new_code_may_be_for_another_architecture() {
    let bench = deployed().await;
    let arm = json!({"S3Bucket": "assets", "S3Key": "code.zip", "Architectures": ["arm64"]});
    let mut dry = arm.clone();
    dry["DryRun"] = true.into();
    for (input, kept) in [(dry, "x86_64"), (arm, "arm64"), (json!({"ZipFile": package("PK two")}), "arm64")] {
        let (status, shown) = bench.rest("lambda", "PUT", &format!("{FUNCTIONS}/f/code"), input).await;
        assert_eq!((status, &shown["Architectures"]), (200, &json!(["arm64"])), "{shown}");
        let (_, shown) = bench.rest("lambda", "GET", &format!("{FUNCTIONS}/f/configuration"), Value::Null).await;
        assert_eq!(shown["Architectures"], json!([kept]));
    }
}

#[tokio::test]
async fn an_objects_version_that_is_not_there_is_no_code() {
    let bench = deployed().await;
    let input = json!({"S3Bucket": "assets", "S3Key": "code.zip", "S3ObjectVersion": "none"});
    let (status, refusal) = bench.rest("lambda", "PUT", &format!("{FUNCTIONS}/f/code"), input).await;
    assert!(status == 400 && refusal.to_string().contains("S3 Error Code: NoSuchVersion"), "{refusal}");
}

/// While one change is under way, another would be lost with it, or take its place.
#[tokio::test]
async fn two_changes_at_once_are_told_apart() {
    let bench = deployed().await;
    create(&bench, "slow").await;
    let base = format!("{FUNCTIONS}/slow");
    bench.upload("bad.zip", b"broken").await;
    let code = json!({"S3Bucket": "assets", "S3Key": "bad.zip"});
    let late = async |method: &'static str, path: String, input: Value| {
        tokio::time::sleep(Duration::from_millis(100)).await;
        bench.rest("lambda", method, &path, input).await
    };
    let address = format!("{base}/code");
    let (first, second, third) = tokio::join!(
        bench.rest("lambda", "PUT", &address, code),
        late("PUT", format!("{base}/configuration"), json!({"Timeout": 9})),
        late("POST", format!("{base}/versions"), json!({})),
    );
    assert_eq!(first.0, 400, "{first:?}");
    for refused in [second, third] {
        assert_eq!((refused.0, &refused.1["Type"]), (409, &json!("User")), "{refused:?}");
        let message = refused.1["message"].as_str().or(refused.1["Message"].as_str()).unwrap();
        assert_eq!(
            message,
            "The operation cannot be performed at this time. An update is in progress for resource: \
             arn:aws:lambda:us-east-1:123456789012:function:slow"
        );
    }
    let (status, shown) = bench.rest("lambda", "PUT", &format!("{base}/configuration"), json!({"Timeout": 9})).await;
    assert_eq!((status, &shown["Timeout"]), (200, &json!(9)), "{shown}");
    assert_eq!(&bench.fakes.functions.lock().unwrap()["slow"].code[..], b"PK one");
}

/// CloudWatch Logs has all of a log, where the invocation's answer has its end, under the stream that its context names.
#[tokio::test]
async fn a_log_group_has_whole_logs_by_environment() {
    let bench = deployed().await;
    for _ in 0..2 {
        bench.send("lambda", "POST", &format!("{FUNCTIONS}/f/invocations"), &[], b"{}").await;
    }
    let asked = async |operation: &str, input: Value| -> Value {
        let target = format!("Logs_20140328.{operation}");
        let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", &target)];
        let answer = bench.send("logs", "POST", "/", &headers, input.to_string().as_bytes()).await;
        serde_json::from_slice(&answer.body).unwrap()
    };
    let group = json!("/aws/lambda/f");
    let streams = asked("DescribeLogStreams", json!({"logGroupName": group})).await;
    let names: Vec<&Value> = streams["logStreams"].as_array().unwrap().iter().map(|s| &s["logStreamName"]).collect();
    assert_eq!(names, ["2026/12/01/[$LATEST]0"]);
    let input = json!({"logGroupName": group, "logStreamName": names[0], "startFromHead": true});
    let events = asked("GetLogEvents", input).await;
    let lines: Vec<&Value> = events["events"].as_array().unwrap().iter().map(|event| &event["message"]).collect();
    assert_eq!(lines, ["START", "more", "END", "START", "more", "END"]);
}
