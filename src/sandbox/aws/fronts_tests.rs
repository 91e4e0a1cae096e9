//! What comes in at a function's URL, and what the function is told of it. Source: Lambda developer guide, "Control access to
//! Lambda function URLs" and "Invoking Lambda function URLs" (2026-11).

use super::*;

#[tokio::test]
async fn a_url_takes_signatures_for_lambda_alone_and_tells_who_signed() {
    let bench = deployed().await;
    let auth = json!({"AuthType": "AWS_IAM"});
    let (_, shown) = bench.rest("lambda", "POST", "/2021-10-31/functions/f/url", auth).await;
    let address = shown["FunctionUrl"].as_str().unwrap().trim_start_matches("http://").trim_end_matches('/');
    let sent = async |service: &str, more: &str| {
        let request = signed(&bench.who, service, "GET", "/", &[], b"");
        let headers: String = request.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
        ask(address, &format!("GET / HTTP/1.1\n{headers}{more}Connection: close\n\n")).await
    };
    let answer = sent("lambda", "").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let id = between(&answer, "x-amzn-requestid: ", "\r");
    assert!(answer.contains(&format!("\"requestId\":\"{id}\"")), "{answer}");
    assert_eq!(bench.fakes.invoked.lock().unwrap()[0].request_id, id);
    let user = between(&answer, "\"userId\":\"", "\"");
    assert!(user.starts_with("AIDA") && answer.contains(&format!("\"callerId\":\"{user}\"")), "{answer}");
    for service in ["s3", "dsql"] {
        let answer = sent(service, "").await;
        assert!(answer.starts_with("HTTP/1.1 403 ") && answer.contains("scoped to correct service"), "{answer}");
    }
    let large = format!("x-large: {}\n", "x".repeat(40_000));
    assert!(sent("lambda", &large).await.starts_with("HTTP/1.1 431 "));
}

#[tokio::test]
async fn a_url_whose_port_is_taken_is_named_with_its_new_one() {
    let bench = Bench::new().await;
    bench.deploy("CreateStack", "storage", &storage()).await;
    bench.upload("code.zip", b"PK one").await;
    let mut wanted = published("1", "V1");
    wanted["Resources"]["Told"] = json!({"Type": "AWS::SSM::Parameter", "Properties": {
        "Type": "String", "Name": "/url", "Value": {"Fn::GetAtt": ["Url", "FunctionUrl"]}}});
    let (_, text) = bench.deploy("CreateStack", "app", &wanted).await;
    let old = between(&text, "<OutputValue>http://", "/</").to_owned();
    let told = json!({"Environment": {"Variables": {"URL": format!("http://{old}/path"), "LONGER": format!("http://{old}0")}}});
    bench.rest("lambda", "PUT", "/2015-03-31/functions/f/configuration", told).await;
    bench.cloud.close().await;
    let _held = tokio::net::TcpListener::bind(&old).await.unwrap();
    let bench = bench.restarted().await;
    let described = [("Action", "DescribeStacks"), ("StackName", "app")];
    let (_, text) = bench.query("cloudformation", &described).await;
    let new = between(&text, "<OutputValue>http://", "/</").to_owned();
    assert_ne!(new, old);
    assert!(
        ask(&new, &format!("GET / HTTP/1.1\nHost: {new}\nConnection: close\n\n")).await.starts_with("HTTP/1.1 200 ")
    );
    let target = [("x-amz-target", "AmazonSSM.GetParameter"), ("content-type", "application/x-amz-json-1.1")];
    let parameter = bench.send("ssm", "POST", "/", &target, br#"{"Name":"/url"}"#).await;
    assert!(String::from_utf8_lossy(&parameter.body).contains(&format!("http://{new}/")), "{parameter:?}");
    let function = bench.fakes.functions.lock().unwrap()["f"].clone();
    let told = (function.environment["URL"].clone(), function.environment["LONGER"].clone());
    assert_eq!(told, (format!("http://{new}/path"), format!("http://{old}0")), "another port begins alike");
    // Nothing of it is a change of the stack's.
    let (_, text) = bench.deploy("UpdateStack", "app", &wanted).await;
    assert!(text.contains("No updates are to be performed."), "{text}");
    let bench = bench.restarted().await;
    let (_, text) = bench.query("cloudformation", &described).await;
    assert_eq!(between(&text, "<OutputValue>http://", "/</"), new, "it is saved");
}

/// The quota is of the event (Lambda developer guide, "Lambda quotas": 6 MB per request), in which a body may be larger than it
/// came.
#[tokio::test]
async fn a_body_that_is_too_large_in_base64_is_refused_as_any_other() {
    let bench = deployed().await;
    let url = "/2021-10-31/functions/f/url";
    let (_, shown) = bench.rest("lambda", "POST", url, json!({"AuthType": "NONE"})).await;
    for (sid, action) in [("a", "lambda:InvokeFunction"), ("b", "lambda:InvokeFunctionUrl")] {
        let mut permission = json!({"StatementId": sid, "Action": action, "Principal": "*"});
        match sid {
            "a" => permission["InvokedViaFunctionUrl"] = true.into(),
            _ => permission["FunctionUrlAuthType"] = "NONE".into(),
        }
        assert_eq!(bench.rest("lambda", "POST", "/2015-03-31/functions/f/policy", permission).await.0, 201);
    }
    let address = shown["FunctionUrl"].as_str().unwrap().trim_start_matches("http://").trim_end_matches('/').to_owned();
    let send = async |bytes: usize| {
        let kind = "Content-Type: application/octet-stream\n";
        let head = format!("POST / HTTP/1.1\nHost: {address}\n{kind}Content-Length: {bytes}\nConnection: close\n\n");
        ask(&address, &(head + &"x".repeat(bytes))).await
    };
    assert!(send(1000).await.starts_with("HTTP/1.1 200 "));
    let answer = send(5 << 20).await;
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("Request Too Large"), "{answer}");
}
