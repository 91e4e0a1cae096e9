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
