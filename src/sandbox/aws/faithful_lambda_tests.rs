//! Lambda's refusals and answers as they were recorded from the service: the sentences and statuses are those of
//! localstack/localstack, tests/aws/services/lambda_/test_lambda_api.snapshot.json, where no other source is named.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::io::AsyncWriteExt as _;
use tokio_util::sync::CancellationToken;
use workshop_dsql::conditions::{SandboxConditions, SandboxFault};

use super::*;

const FUNCTIONS: &str = "/2015-03-31/functions";
const OWN: &str = "arn:aws:lambda:us-east-1:123456789012:function";

/// A package as the API takes it: "PK one" in base64.
const PACKAGE: &str = "UEsgb25l";

fn function(name: &str, more: Value) -> Value {
    let mut body = json!({"FunctionName": name, "Runtime": "nodejs22.x", "Handler": "index.handler", "Role": ROLE,
        "Code": {"ZipFile": PACKAGE}});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

async fn create(bench: &Bench, name: &str, more: Value) -> (u16, Value) {
    bench.rest("lambda", "POST", FUNCTIONS, function(name, more)).await
}

fn said(answer: &(u16, Value)) -> (u16, &str) {
    (answer.0, answer.1["message"].as_str().or(answer.1["Message"].as_str()).unwrap_or_default())
}

/// As [`deployed`], with one more policy of the function's role, and a URL that asks for signatures.
async fn denied(action: &str) -> Bench {
    let bench = Bench::new().await;
    bench.deploy("CreateStack", "storage", &storage()).await;
    bench.upload("code.zip", b"PK one").await;
    let mut wanted = template("1", None);
    wanted["Resources"]["Role"]["Properties"]["Policies"] = json!([{"PolicyName": "no", "PolicyDocument": {"Statement": [
        {"Effect": "Deny", "Action": action, "Resource": "*"}]}}]);
    let (_, text) = bench.deploy("CreateStack", "app", &wanted).await;
    assert!(text.contains("<StackStatus>CREATE_COMPLETE<"), "{text}");
    bench
}

/// IAM user guide, "Policy evaluation logic": an explicit Deny in any policy wins.
#[tokio::test]
async fn a_deny_wins_over_what_the_functions_own_policy_allows() {
    for (denies, expected) in [("lambda:Invoke*", 403), ("s3:*", 200)] {
        let mut bench = denied(denies).await;
        let url = format!("/2021-10-31{}/f/url", FUNCTIONS.trim_start_matches("/2015-03-31"));
        let (_, shown) = bench.rest("lambda", "POST", &url, json!({"AuthType": "AWS_IAM"})).await;
        let address =
            shown["FunctionUrl"].as_str().unwrap().trim_start_matches("http://").trim_end_matches('/').to_owned();
        for (sid, action) in [("a", "lambda:InvokeFunction"), ("b", "lambda:InvokeFunctionUrl")] {
            let permission = json!({"StatementId": sid, "Action": action, "Principal": ROLE});
            assert_eq!(bench.rest("lambda", "POST", &format!("{FUNCTIONS}/f/policy"), permission).await.0, 201);
        }
        bench.who = bench.cloud.assume(ROLE, "s", Duration::from_secs(900)).unwrap();
        let answer = bench.send("lambda", "POST", &format!("{FUNCTIONS}/f/invocations"), &[], b"{}").await;
        assert_eq!(answer.status, expected, "{denies}");
        if expected == 403 {
            let text = String::from_utf8_lossy(&answer.body).into_owned();
            assert!(text.contains("with an explicit deny in an identity-based policy"), "{text}");
        }
        let request = signed(&bench.who, "lambda", "GET", "/", &[], b"");
        let headers: String = request.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
        let answer = ask(&address, &format!("GET / HTTP/1.1\n{headers}Connection: close\n\n")).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {expected} ")), "{denies}: {answer}");
        assert_eq!(answer.contains("x-amzn-errortype: AccessDeniedException"), expected == 403, "{answer}");
    }
}

#[tokio::test]
async fn a_function_is_made_under_the_name_that_an_arn_has() {
    let bench = deployed().await;
    for (given, name) in [(format!("{OWN}:by-arn"), "by-arn"), ("123456789012:function:partial".into(), "partial")] {
        let made = create(&bench, &given, json!({})).await;
        assert_eq!((made.0, &made.1["FunctionName"]), (201, &json!(name)), "{made:?}");
        assert_eq!(made.1["FunctionArn"], json!(format!("{OWN}:{name}")));
        assert_eq!(bench.rest("lambda", "DELETE", &format!("{FUNCTIONS}/{name}"), Value::Null).await.0, 204);
    }
    let elsewhere = OWN.replace("us-east-1", "ap-southeast-1");
    let refused = create(&bench, &format!("{elsewhere}:x"), json!({})).await;
    let sentence = "Functions from 'ap-southeast-1' are not reachable in this region ('us-east-1')";
    assert_eq!(said(&refused), (404, sentence));
    let others = OWN.replace("123456789012", "210987654321");
    assert_eq!(create(&bench, &format!("{others}:x"), json!({})).await.0, 403);
    let refused = create(&bench, "x:1", json!({})).await;
    assert!(refused.0 == 400 && said(&refused).1.contains("x:1"), "{refused:?}");
    let long = "a".repeat(65);
    let refused = create(&bench, &long, json!({})).await;
    assert_eq!(
        said(&refused),
        (
            400,
            format!(
                "1 validation error detected: Value '{long}' at 'functionName' failed to satisfy constraint: Member must \
                 have length less than or equal to 64"
            )
            .as_str()
        )
    );
    // Every operation heeds the account and the Region.
    for path in ["", "/configuration", "/policy", "/versions", "/aliases"] {
        for (arn, status) in [(&others, 403), (&elsewhere, 404)] {
            let address = format!("{FUNCTIONS}/{}:f{path}", arn.replace(':', "%3A"));
            assert_eq!(bench.rest("lambda", "GET", &address, Value::Null).await.0, status, "{arn} {path}");
        }
    }
    let long = json!({"Resources": {"F": {"Type": "AWS::Lambda::Function", "Properties": {
        "FunctionName": "b".repeat(65), "Runtime": "nodejs22.x", "Handler": "index.handler", "Role": ROLE,
        "Code": {"ZipFile": "exports.handler = async () => 1"}}}}});
    bench.deploy("CreateStack", "long", &long).await;
    let events = bench.query("cloudformation", &[("Action", "DescribeStackEvents"), ("StackName", "long")]).await.1;
    assert!(events.contains("Member must have length less than or equal to 64 (Service: Lambda"), "{events}");
}

#[tokio::test]
async fn a_state_with_functions_under_broken_names_is_taken_up() {
    let bench = deployed().await;
    create(&bench, "kept", json!({})).await;
    bench.cloud.close().await;
    // As older versions left it, when they were given an ARN, and a name with a version.
    let file = bench.dir.path().join("cloud.json");
    let mut state: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    let kept = state["functions"]["kept"].clone();
    state["functions"].as_object_mut().unwrap().remove("kept");
    for broken in [format!("{OWN}:kept"), "f:1".into()] {
        state["functions"][broken.as_str()] = kept.clone();
        state["functions"][broken.as_str()]["arn"] = json!(format!("{OWN}:{broken}"));
    }
    std::fs::write(&file, state.to_string()).unwrap();
    let bench = bench.restarted().await;
    let shown = bench.rest("lambda", "GET", &format!("{FUNCTIONS}/kept/configuration"), Value::Null).await;
    assert_eq!((shown.0, &shown.1["FunctionArn"]), (200, &json!(format!("{OWN}:kept"))));
    let keys: Vec<String> = bench.fakes.functions.lock().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["f", "kept"], "the other one's name is taken");
    assert_eq!(bench.rest("lambda", "DELETE", &format!("{FUNCTIONS}/kept"), Value::Null).await.0, 204);
}

#[tokio::test]
async fn settings_are_shown_as_given_or_refused_by_name() {
    let bench = deployed().await;
    let (status, bare) = create(&bench, "bare", json!({})).await;
    assert_eq!((status, bare.get("Environment"), &bare["TracingConfig"]["Mode"]), (201, None, &json!("PassThrough")));
    assert!(
        bare["RuntimeVersionConfig"]["RuntimeVersionArn"]
            .as_str()
            .unwrap()
            .starts_with("arn:aws:lambda:us-east-1::runtime:")
    );
    let given = json!({"TracingConfig": {"Mode": "Active"}, "EphemeralStorage": {"Size": 1024}, "KMSKeyArn": "arn:aws:kms:us-east-1:123456789012:key/k",
        "Environment": {"Variables": {}}, "VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []}, "Layers": []});
    let (status, made) = create(&bench, "full", given.clone()).await;
    assert_eq!(status, 201, "{made}");
    for setting in ["TracingConfig", "EphemeralStorage", "KMSKeyArn", "Environment"] {
        assert_eq!(made[setting], given[setting], "{setting}");
    }
    let update = json!({"Description": "d"});
    let (_, kept) = bench.rest("lambda", "PUT", &format!("{FUNCTIONS}/full/configuration"), update).await;
    assert_eq!(
        (&kept["TracingConfig"], &kept["EphemeralStorage"]),
        (&given["TracingConfig"], &given["EphemeralStorage"])
    );
    assert_eq!(create(&bench, "small", json!({"EphemeralStorage": {"Size": 1}})).await.0, 400);
    for (setting, value) in [
        ("Layers", json!([format!("{}:1", OWN.replace("function", "layer:l"))])),
        ("VpcConfig", json!({"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]})),
        ("DeadLetterConfig", json!({"TargetArn": "arn:aws:sqs:us-east-1:123456789012:q"})),
        ("SnapStart", json!({"ApplyOn": "PublishedVersions"})),
        ("ImageConfig", json!({"Command": ["x"]})),
        (
            "CodeSigningConfigArn",
            json!("arn:aws:lambda:us-east-1:123456789012:code-signing-config:csc-0123456789abcdefg"),
        ),
    ] {
        let refused = create(&bench, "refused", json!({setting: value})).await;
        assert_eq!(
            said(&refused),
            (400, format!("the workshop sandbox does not have {setting} of functions").as_str())
        );
    }
    let mut reserved = template("2", None);
    reserved["Resources"]["Function"]["Properties"]["ReservedConcurrentExecutions"] = json!(1);
    bench.deploy("UpdateStack", "app", &reserved).await;
    let events = bench.query("cloudformation", &[("Action", "DescribeStackEvents"), ("StackName", "app")]).await.1;
    assert!(events.contains("does not have ReservedConcurrentExecutions of AWS::Lambda::Function"), "{events}");
}

#[tokio::test]
async fn versions_and_aliases_answer_as_recorded() {
    let bench = deployed().await;
    let of = |path: &str| format!("{FUNCTIONS}/v{path}");
    let (status, made) = create(&bench, "v", json!({"Publish": true})).await;
    assert_eq!((status, &made["FunctionArn"], &made["Version"]), (201, &json!(format!("{OWN}:v")), &json!("1")));
    let update = |text: &str| json!({"Description": text});
    let publish = async |body: Value| bench.rest("lambda", "POST", &of("/versions"), body).await.1["Version"].clone();
    assert_eq!(publish(json!({})).await, "1", "nothing has changed");
    bench.rest("lambda", "PUT", &of("/configuration"), update("one")).await;
    let revision =
        async || bench.rest("lambda", "GET", &of("/configuration"), Value::Null).await.1["RevisionId"].clone();
    let before = revision().await;
    assert_eq!(publish(update("of its own")).await, "2");
    assert_ne!(revision().await, before, "test_function_revisions_version_and_alias");
    assert_eq!(publish(json!({})).await, "2");
    bench.rest("lambda", "PUT", &of("/configuration"), update("two")).await;
    assert_eq!(publish(json!({})).await, "3", "a description is a change");
    let (_, listed) = bench.rest("lambda", "GET", &of("/versions"), Value::Null).await;
    assert_eq!(listed["Versions"][0]["FunctionArn"], json!(format!("{OWN}:v:$LATEST")));
    assert_eq!((listed["Versions"][1].get("State"), listed["Versions"][1].get("RuntimeVersionConfig")), (None, None));

    let alias = json!({"Name": "live", "FunctionVersion": "1"});
    assert_eq!(bench.rest("lambda", "POST", &of("/aliases"), alias).await.0, 201);
    let by_alias = bench.rest("lambda", "GET", &of("/configuration?Qualifier=live"), Value::Null).await.1;
    assert_eq!((&by_alias["FunctionArn"], &by_alias["Version"]), (&json!(format!("{OWN}:v:live")), &json!("1")));
    let own = json!({"RoutingConfig": {"AdditionalVersionWeights": {"1": 0.5}}});
    let sentence = "Invalid function version 1. Function version 1 is already included in routing configuration.";
    assert_eq!(said(&bench.rest("lambda", "PUT", &of("/aliases/live"), own).await), (400, sentence));
    let missing = bench.rest("lambda", "PUT", &of("/aliases/none"), json!({})).await;
    assert_eq!(said(&missing), (404, format!("Alias not found: {OWN}:v:none").as_str()));
    let used = bench.rest("lambda", "DELETE", &of("?Qualifier=1"), Value::Null).await;
    assert_eq!(said(&used), (409, "Unable to delete version because the following aliases reference it: [live]"));
    // Measured: github.com/floci-io/floci/pull/2824.
    assert_eq!(bench.rest("lambda", "DELETE", &of("?Qualifier=99"), Value::Null).await.0, 204);
    let mismatch = "The derived qualifier from the function name does not match the specified qualifier.";
    for method in ["GET", "DELETE"] {
        let answer = bench.rest("lambda", method, &of(":1?Qualifier=%24LATEST"), Value::Null).await;
        assert_eq!(said(&answer), (400, mismatch), "{method}");
    }
    let newest = bench.rest("lambda", "GET", &of("?Qualifier=%24LATEST"), Value::Null).await.1;
    assert_eq!(newest["Configuration"]["FunctionArn"], json!(format!("{OWN}:v:$LATEST")));
}

#[tokio::test]
async fn permissions_are_refused_as_recorded() {
    let bench = deployed().await;
    let policy = format!("{FUNCTIONS}/f/policy");
    let permission =
        |principal: &str| json!({"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": principal});
    let add = async |query: &str, body: Value| bench.rest("lambda", "POST", &format!("{policy}{query}"), body).await;
    let sentence = "The provided principal was invalid. Please check the principal and try again.";
    for principal in ["invalid.nonaws.com", "12345", "me"] {
        assert_eq!(said(&add("", permission(principal)).await), (400, sentence), "{principal}");
    }
    let latest = add("?Qualifier=%24LATEST", permission("*")).await;
    assert_eq!(said(&latest), (400, "We currently do not support adding policies for $LATEST."));
    let alias = add("?Qualifier=none", permission("*")).await;
    assert_eq!(said(&alias), (404, format!("Cannot find alias arn: {OWN}:f:none").as_str()));
    let version = add("?Qualifier=42", permission("*")).await;
    assert_eq!(said(&version), (404, format!("Function not found: {OWN}:f:42").as_str()));
    let nothing = bench.rest("lambda", "DELETE", &format!("{policy}/s"), Value::Null).await;
    assert_eq!(said(&nothing), (404, "No policy is associated with the given resource."));
    let stale = "The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API to retrieve the \
                 latest Revision Id";
    let mut wrong = permission("s3.amazonaws.com");
    wrong["RevisionId"] = json!("00000000-0000-4000-8000-000000000000");
    assert_eq!(said(&add("", wrong.clone()).await), (412, stale));
    assert_eq!(add("", permission("s3.amazonaws.com")).await.0, 201);
    let revision = bench.rest("lambda", "GET", &policy, Value::Null).await.1["RevisionId"].clone();
    let shown = bench.rest("lambda", "GET", &format!("{FUNCTIONS}/f/configuration"), Value::Null).await.1;
    assert_eq!(shown["RevisionId"], revision, "test_function_revisions_permissions");
    wrong["StatementId"] = json!("t");
    assert_eq!(said(&add("", wrong.clone()).await), (412, stale));
    wrong["RevisionId"] = revision;
    assert_eq!(add("", wrong).await.0, 201);
    let absent = bench.rest("lambda", "DELETE", &format!("{policy}/absent"), Value::Null).await;
    assert_eq!(said(&absent), (404, "Statement absent is not found in resource policy."));
}

#[tokio::test]
async fn what_cannot_be_run_is_refused_in_the_services_words() {
    let bench = deployed().await;
    let answer = bench.send("lambda", "POST", &format!("{FUNCTIONS}/f/invocations"), &[], b"not json").await;
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    assert_eq!(answer.status, 400);
    assert!(text.contains("Could not parse payload into json: Unrecognized token 'not': was expecting"), "{text}");
    let unknown = create(&bench, "u", json!({"Runtime": "nodejs99.x"})).await;
    assert!(unknown.0 == 400 && said(&unknown).1.starts_with("Value nodejs99.x at 'runtime' failed"), "{unknown:?}");
}

#[tokio::test]
async fn a_url_tells_where_a_request_came_in() {
    let bench = deployed().await;
    let url = "/2021-10-31/functions/f/url";
    let (_, shown) =
        bench.rest("lambda", "POST", url, json!({"AuthType": "NONE", "InvokeMode": "RESPONSE_STREAM"})).await;
    let address = shown["FunctionUrl"].as_str().unwrap().trim_start_matches("http://").trim_end_matches('/').to_owned();
    let get = format!("GET / HTTP/1.1\nHost: {address}\nConnection: close\n\n");
    let answer = ask(&address, &get).await;
    assert!(
        answer.starts_with("HTTP/1.1 403 ") && answer.contains("x-amzn-errortype: AccessDeniedException"),
        "{answer}"
    );
    let open = json!({"StatementId": "s", "Action": "lambda:InvokeFunctionUrl", "Principal": "*", "FunctionUrlAuthType": "NONE"});
    assert_eq!(bench.rest("lambda", "POST", &format!("{FUNCTIONS}/f/policy"), open).await.0, 201);
    // New URLs need both (Lambda developer guide, "Control access to Lambda function URLs", 2025-10).
    assert!(ask(&address, &get).await.starts_with("HTTP/1.1 403 "));
    let too =
        json!({"StatementId": "t", "Action": "lambda:InvokeFunction", "Principal": "*", "InvokedViaFunctionUrl": true});
    assert_eq!(bench.rest("lambda", "POST", &format!("{FUNCTIONS}/f/policy"), too).await.0, 201);
    let answer = ask(&address, &get).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let event: Value = serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap();
    for (header, value) in
        [("x-forwarded-for", "127.0.0.1"), ("x-forwarded-port", "443"), ("x-forwarded-proto", "https")]
    {
        assert_eq!(event["headers"][header], value);
    }
    assert!(event["headers"]["x-amzn-trace-id"].as_str().unwrap().starts_with("Root=1-"));
    // What is taken away closes, and another one can be made.
    assert_eq!(bench.rest("lambda", "DELETE", url, Value::Null).await.0, 204);
    assert!(closed(&address).await, "the port of a URL that is gone");
    let (status, shown) = bench.rest("lambda", "POST", url, json!({"AuthType": "NONE"})).await;
    assert!(status == 201 && shown["FunctionUrl"].as_str().unwrap().starts_with("http://127.0.0.1:"), "{shown}");
}

/// After a restore the URL is where the restored state, and whoever was told of it, says.
#[tokio::test]
async fn a_url_is_where_the_state_that_was_brought_back_says() {
    let bench = deployed().await;
    let url = "/2021-10-31/functions/f/url";
    let address = |shown: &Value| {
        shown["FunctionUrl"].as_str().unwrap().trim_start_matches("http://").trim_end_matches('/').to_owned()
    };
    let made = async || address(&bench.rest("lambda", "POST", url, json!({"AuthType": "NONE"})).await.1);
    let first = made().await;
    let (file, kept) = (bench.dir.path().join("cloud.json"), bench.dir.path().join("kept.json"));
    std::fs::copy(&file, &kept).unwrap();
    bench.rest("lambda", "DELETE", url, Value::Null).await;
    assert!(closed(&first).await);
    let second = made().await;
    std::fs::copy(&kept, &file).unwrap();
    bench.cloud.reload().await.unwrap();
    assert_eq!(address(&bench.rest("lambda", "GET", url, Value::Null).await.1), first);
    assert!(tokio::net::TcpStream::connect(&first).await.is_ok(), "it is open there");
    assert!(first == second || closed(&second).await, "and nowhere else");
}

/// Waits for a port to close.
async fn closed(address: &str) -> bool {
    for _ in 0..100 {
        if tokio::net::TcpStream::connect(address).await.is_err() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    false
}

/// Lambda API reference, Invoke; developer guide, "Error handling for a function invoked asynchronously".
#[tokio::test]
async fn a_function_is_told_of_the_request_that_its_caller_made() {
    let bench = deployed().await;
    let invoke = async |headers: &[(&str, &str)]| {
        let answer = bench.send("lambda", "POST", &format!("{FUNCTIONS}/f/invocations"), headers, b"{}").await;
        let id = answer.headers.iter().find(|(name, _)| name == "x-amzn-requestid").map(|(_, id)| id.clone());
        (answer.status, id.unwrap_or_default(), String::from_utf8_lossy(&answer.body).into_owned())
    };
    let said = STANDARD.encode(r#"{"custom": {"who": "Jörg 🦀"}}"#);
    let busy = BTreeMap::from([(SandboxFault::Throttled, 1)]);
    assert!(bench.cloud.conditions().begin(&SandboxConditions { faults: busy, ..SandboxConditions::default() }));
    let event = invoke(&[("x-amz-invocation-type", "Event"), ("x-amz-client-context", &said)]).await;
    assert_eq!(event.0, 202);
    let invoked = || bench.fakes.invoked.lock().unwrap().clone();
    for _ in 0..100 {
        if invoked().is_empty() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    let waited = invoke(&[("x-amz-client-context", &said)]).await;
    let context = Some(r#"{"custom":{"who":"J\u00f6rg \ud83e\udd80"}}"#.to_owned());
    let known: Vec<_> = invoked().into_iter().map(|call| (call.request_id, call.client_context)).collect();
    assert_eq!(known, [(event.1, None), (waited.1, context)]);

    let refused = invoke(&[("x-amz-client-context", "string")]).await;
    assert_eq!(refused.0, 400);
    assert!(refused.2.contains("Client context must be a valid Base64-encoded JSON object."), "{}", refused.2);
    let long = STANDARD.encode(json!({"custom": "x".repeat(3_583)}).to_string());
    assert_eq!(invoke(&[("x-amz-client-context", &long)]).await.0, 400);
}

#[tokio::test]
async fn what_a_client_began_that_has_hung_up_is_ended() {
    let bench = deployed().await;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (cloud, stop) = (bench.cloud.clone(), CancellationToken::new());
    let serving = tokio::spawn({
        let stop = stop.clone();
        async move { cloud.serve(listener, stop).await }
    });
    let body = function("slow", json!({})).to_string();
    let request = signed(&bench.who, "lambda", "POST", FUNCTIONS, &[], body.as_bytes());
    let headers: String = request.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let text = format!("POST {FUNCTIONS} HTTP/1.1\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len());
    let mut client = tokio::net::TcpStream::connect(address).await.unwrap();
    client.write_all(text.as_bytes()).await.unwrap();
    let known = async || bench.rest("lambda", "GET", &format!("{FUNCTIONS}/slow"), Value::Null).await.0 == 200;
    for _ in 0..100 {
        if !known().await {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
    assert!(known().await);
    drop(client);
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert!(
        bench.fakes.functions.lock().unwrap().contains_key("slow"),
        "who asks for it finds it, and cannot invoke it"
    );
    stop.cancel();
    serving.await.unwrap().unwrap();
}
