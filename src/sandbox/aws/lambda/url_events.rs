//! Requests to a function's URL as events, and the function's answers as responses: payload format 2.0 (Lambda
//! developer guide, "Invoking Lambda function URLs", 2026-11).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::{Map, Value, json};
use workshop_base::encoding::decode;

use crate::aws::cloudformation::resolve::scalar;
use crate::aws::http::{HttpRequest, HttpResponse};
use crate::aws::time::Instant;

/// Who asked, where the URL wants to know.
pub(crate) struct UrlCaller<'a> {
    pub account: &'a str,
    /// None when the request was not signed.
    pub signed: Option<UrlSigner<'a>>,
    pub request_id: &'a str,
}

/// The signer of a request to a function's URL.
#[derive(Clone, Copy)]
pub(crate) struct UrlSigner<'a> {
    pub arn: &'a str,
    pub access_key: &'a str,
    /// As GetCallerIdentity's `UserId`.
    pub id: &'a str,
}

/// The TLS that a URL's own connection would have; ours has none.
const TLS: [(&str, &str); 2] =
    [("x-amzn-tls-version", "TLSv1.3"), ("x-amzn-tls-cipher-suite", "TLS_AES_128_GCM_SHA256")];

/// Makes the event of a request to a function's URL, with what AWS's own front adds to every request: the headers are
/// those recorded in localstack/localstack, `test_lambda_url_echo_http_fixture_default`.
pub(crate) fn url_event(id: &str, request: &HttpRequest, caller: &UrlCaller<'_>, now: Instant) -> Value {
    let mut event = event(id, request, caller, now);
    for (name, value) in TLS {
        event["headers"][name] = value.into();
    }
    event
}

/// Adds the headers by which a function learns where a request came in. They tell of HTTPS at port 443, as on AWS, where
/// nothing else is: what a function makes of them is the same here.
fn forwarded(headers: &mut Map<String, Value>, request_id: &str, now: Instant) {
    join(headers, "x-forwarded-for", "127.0.0.1");
    headers.insert("x-forwarded-port".into(), "443".into());
    headers.insert("x-forwarded-proto".into(), "https".into());
    let digits: String = request_id.chars().filter(char::is_ascii_hexdigit).take(24).collect();
    headers.insert("x-amzn-trace-id".into(), format!("Root=1-{:08x}-{digits}", now.0 / 1000).into());
}

/// Makes the event of a request to the URL, or the HTTP API, of an id.
pub(crate) fn event(id: &str, request: &HttpRequest, caller: &UrlCaller<'_>, now: Instant) -> Value {
    let host = request.header("host").unwrap_or("127.0.0.1");
    let mut headers = Map::new();
    for (name, value) in request.headers.iter().filter(|(name, _)| name != "cookie") {
        join(&mut headers, name, value);
    }
    forwarded(&mut headers, caller.request_id, now);
    let mut query = Map::new();
    for (name, value) in request.query_pairs() {
        join(&mut query, &name, &value);
    }
    let cookies: Vec<&str> = request
        .headers
        .iter()
        .filter(|(name, _)| name == "cookie")
        .flat_map(|(_, value)| value.split(';').map(str::trim))
        .filter(|cookie| !cookie.is_empty())
        .collect();
    let (body, encoded) = body(request);
    let mut event = json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": decode(&request.path),
        "rawQueryString": request.query,
        "headers": headers,
        "requestContext": {
            "accountId": caller.signed.map_or("anonymous", |_| caller.account),
            "apiId": id,
            "domainName": host,
            "domainPrefix": id,
            "http": {
                "method": request.method,
                "path": decode(&request.path),
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": request.header("user-agent").unwrap_or_default(),
            },
            "requestId": caller.request_id,
            "routeKey": "$default",
            "stage": "$default",
            "time": now.clf(),
            "timeEpoch": now.0,
        },
        "isBase64Encoded": encoded,
    });
    if let Some(UrlSigner { arn, access_key, id }) = caller.signed {
        event["requestContext"]["authorizer"] = json!({"iam": {
            "accessKey": access_key, "accountId": caller.account, "callerId": id, "cognitoIdentity": Value::Null,
            "principalOrgId": Value::Null, "userArn": arn, "userId": id}});
    }
    if !query.is_empty() {
        event["queryStringParameters"] = query.into();
    }
    if !cookies.is_empty() {
        event["cookies"] = cookies.into();
    }
    if let Some(body) = body {
        event["body"] = body.into();
    }
    event
}

/// Values of one name are joined by commas.
fn join(map: &mut Map<String, Value>, name: &str, value: &str) {
    match map.get_mut(name) {
        Some(Value::String(known)) => {
            known.push(',');
            known.push_str(value);
        }
        _ => {
            map.insert(name.to_owned(), value.into());
        }
    }
}

/// The body as text, or in base64 where its type is not one of text.
fn body(request: &HttpRequest) -> (Option<String>, bool) {
    if request.body.is_empty() {
        return (None, false);
    }
    let kind = request.header("content-type").unwrap_or("application/octet-stream");
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let textual = kind.starts_with("text/")
        || ["application/json", "application/javascript", "application/xml"].contains(&kind)
        || kind.ends_with("+json")
        || kind.ends_with("+xml");
    match std::str::from_utf8(&request.body) {
        Ok(text) if textual => (Some(text.to_owned()), false),
        _ => (Some(STANDARD.encode(&request.body)), true),
    }
}

/// Makes the response of a function's answer: a map with `statusCode`, or anything else as the body itself. None for what
/// is no response.
pub(crate) fn response(payload: &Bytes) -> Option<HttpResponse> {
    let value = serde_json::from_slice::<Value>(payload).ok()?;
    let Some(code) = value.get("statusCode") else {
        let body = match &value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        return Some(HttpResponse::new(200, "application/json", body));
    };
    let code = code.as_u64().or_else(|| code.as_str()?.parse().ok()).filter(|code| (100..600).contains(code));
    let status = code.and_then(|code| u16::try_from(code).ok())?;
    let text = match &value["body"] {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    let body = match value["isBase64Encoded"] == true {
        true => Bytes::from(STANDARD.decode(text).ok()?),
        false => Bytes::from(text),
    };
    let mut response = HttpResponse { status, headers: Vec::new(), body };
    response = with_headers(response, &value);
    if !response.headers.iter().any(|(name, _)| name == "content-type") {
        response = response.with("content-type", "application/json");
    }
    Some(response)
}

/// Headers that say how long the response is and how it is framed: the function does not know, and a wrong one would break
/// the connection.
const FRAMING: [&str; 2] = ["content-length", "transfer-encoding"];

/// Adds the headers and cookies that a function's answer has.
fn with_headers(mut response: HttpResponse, answer: &Value) -> HttpResponse {
    for (name, value) in answer["headers"].as_object().into_iter().flatten() {
        let name = name.to_ascii_lowercase();
        if FRAMING.contains(&name.as_str()) {
            continue;
        }
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        response = response.with(&name, value);
    }
    for cookie in answer["cookies"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        response = response.with("set-cookie", cookie);
    }
    response
}

/// The content type of what `awslambda.HttpResponseStream.from` streams, and what stands there between what it says of the
/// response and the body (npm aws-lambda-ric 4.0.2, `HttpResponseStream`).
const WITH_PRELUDE: &str = "application/vnd.awslambda.http-integration-response";
const END_OF_PRELUDE: [u8; 8] = [0; 8];

/// Makes the response of an answer that was streamed, under `RESPONSE_STREAM`: what was streamed is the body as it is, after
/// the prelude with status, headers and cookies, where there is one. `kind` is the stream's content type.
pub(crate) fn streamed(payload: &Bytes, kind: &str) -> HttpResponse {
    let ends = payload.windows(END_OF_PRELUDE.len()).position(|bytes| bytes == END_OF_PRELUDE);
    let prelude = ends.filter(|_| kind == WITH_PRELUDE).and_then(|ends| {
        Some((ends, Value::Object(serde_json::from_slice::<Map<String, Value>>(&payload[..ends]).ok()?)))
    });
    let Some((ends, prelude)) = prelude else {
        // Without a byte of its body, a stream's prelude was never written.
        let kind = if kind == WITH_PRELUDE { OCTETS } else { kind };
        return HttpResponse::new(200, kind, payload.clone());
    };
    let status = prelude["statusCode"].as_u64().and_then(|code| u16::try_from(code).ok());
    let status = status.filter(|code| (100..600).contains(code)).unwrap_or(200);
    let body = payload.slice(ends + END_OF_PRELUDE.len()..);
    let response = with_headers(HttpResponse { status, headers: Vec::new(), body }, &prelude);
    match response.headers.iter().any(|(name, _)| name == "content-type") {
        true => response,
        false => response.with("content-type", OCTETS),
    }
}

/// The content type of a stream that has none of its own.
const OCTETS: &str = "application/octet-stream";

/// The headers by which a CORS configuration lets a page of `origin` read the answer; none where it does not.
/// `preflight`: the page asks beforehand.
pub(crate) fn cors(configuration: &Value, origin: &str, preflight: bool) -> Vec<(&'static str, String)> {
    let list = |name: &str| -> Vec<String> {
        let items = configuration[name].as_array().into_iter().flatten();
        items.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let allowed = list("AllowOrigins");
    let fits = |pattern: &String| pattern == "*" || crate::iam::policy::wildcard(pattern, origin);
    if !allowed.iter().any(fits) {
        return Vec::new();
    }
    let credentials = configuration["AllowCredentials"] == true || configuration["AllowCredentials"] == "true";
    let shown = if allowed.iter().any(|one| one == "*") && !credentials { "*" } else { origin };
    let mut headers = vec![("access-control-allow-origin", shown.to_owned())];
    if credentials {
        headers.push(("access-control-allow-credentials", "true".into()));
    }
    let mut tell = |header: &'static str, values: Vec<String>| {
        if !values.is_empty() {
            headers.push((header, values.join(",")));
        }
    };
    if preflight {
        tell("access-control-allow-methods", list("AllowMethods"));
        tell("access-control-allow-headers", list("AllowHeaders"));
        // A template may have it as text, and has where it is a parameter's.
        if let Some(age) = configuration.get("MaxAge").and_then(scalar) {
            headers.push(("access-control-max-age", age));
        }
    } else {
        tell("access-control-expose-headers", list("ExposeHeaders"));
    }
    headers.push(("vary", "Origin".into()));
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(kind: &str, body: &'static [u8]) -> HttpRequest {
        let headers =
            [("host", "127.0.0.1:4000"), ("content-type", kind), ("cookie", "a=1; b=2"), ("x-a", "1"), ("x-a", "2")];
        HttpRequest {
            method: "POST".into(),
            path: "/a%20b".into(),
            query: "x=1&x=2&y=%20".into(),
            headers: headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            body: Bytes::from_static(body),
        }
    }

    #[test]
    fn a_request_is_an_event() {
        let caller = UrlCaller { account: "123456789012", signed: None, request_id: "r" };
        let made = event("u", &request("application/json; charset=utf-8", b"{}"), &caller, Instant(1_795_416_140_123));
        assert_eq!(made["rawPath"], "/a b");
        assert_eq!(made["rawQueryString"], "x=1&x=2&y=%20");
        assert_eq!(made["queryStringParameters"], json!({"x": "1,2", "y": " "}));
        assert_eq!((&made["headers"]["x-a"], &made["headers"]["cookie"]), (&json!("1,2"), &Value::Null));
        assert_eq!(made["cookies"], json!(["a=1", "b=2"]));
        let forwarded =
            ["x-forwarded-for", "x-forwarded-port", "x-forwarded-proto"].map(|name| made["headers"][name].as_str());
        assert_eq!(forwarded, [Some("127.0.0.1"), Some("443"), Some("https")]);
        assert!(
            made["headers"]["x-amzn-trace-id"].as_str().unwrap().starts_with("Root=1-6b03e04c-"),
            "{}",
            made["headers"]
        );
        assert_eq!(made["headers"]["x-amzn-tls-version"], Value::Null, "of a URL only");
        let url = url_event("u", &request("text/plain", b""), &caller, Instant(0));
        assert_eq!(url["headers"]["x-amzn-tls-version"], "TLSv1.3");
        assert_eq!((&made["body"], &made["isBase64Encoded"]), (&json!("{}"), &json!(false)));
        assert_eq!(made["requestContext"]["time"], "23/Nov/2026:06:42:20 +0000");
        assert_eq!(made["requestContext"]["accountId"], "anonymous");
        let made = event("u", &request("image/png", b"\x89P"), &caller, Instant(0));
        assert_eq!((&made["body"], &made["isBase64Encoded"]), (&json!("iVA="), &json!(true)));
    }

    #[test]
    fn an_answer_is_a_response() {
        let made = |payload: &str| response(&Bytes::from(payload.to_owned()));
        let of = |payload: &str| made(payload).unwrap();
        let plain = of(r#"{"message": "hi"}"#);
        assert_eq!((plain.status, &plain.body[..]), (200, &br#"{"message":"hi"}"#[..]));
        assert_eq!(&of("\"hi\"").body[..], b"hi");
        let full = of(
            r#"{"statusCode": 201, "headers": {"X-A": 1}, "cookies": ["a=1"], "body": "aGk=", "isBase64Encoded": true}"#,
        );
        assert_eq!((full.status, &full.body[..]), (201, &b"hi"[..]));
        for expected in [("x-a", "1"), ("set-cookie", "a=1"), ("content-type", "application/json")] {
            assert!(full.headers.iter().any(|(n, v)| (n.as_str(), v.as_str()) == expected), "{expected:?}");
        }
        for broken in [
            r#"{"statusCode": "many"}"#,
            r#"{"statusCode": 1000}"#,
            r#"{"statusCode": 200, "body": "%", "isBase64Encoded": true}"#,
            "no json",
        ] {
            assert_eq!(made(broken), None, "{broken}");
        }
    }

    #[test]
    fn what_is_streamed_is_the_body() {
        let of = |payload: &'static [u8], kind: &str| streamed(&Bytes::from_static(payload), kind);
        let kind = |response: &HttpResponse| {
            response.headers.iter().find(|(name, _)| name == "content-type").unwrap().1.clone()
        };
        let plain = of(b"hello", "text/plain");
        assert_eq!((plain.status, &plain.body[..], kind(&plain).as_str()), (200, &b"hello"[..], "text/plain"));
        let empty = of(b"", WITH_PRELUDE);
        assert_eq!((empty.status, empty.body.len(), kind(&empty).as_str()), (200, 0, OCTETS));
        let text = b"{\"statusCode\":418,\"headers\":{\"Content-Type\":\"text/html\",\"Content-Length\":\"9\"},\"cookies\":[\"a=1\"]}\0\0\0\0\0\0\0\0<p>\0";
        let whole = of(text, WITH_PRELUDE);
        assert_eq!((whole.status, &whole.body[..], kind(&whole).as_str()), (418, &b"<p>\0"[..], "text/html"));
        assert!(whole.headers.contains(&("set-cookie".into(), "a=1".into())));
        assert!(!whole.headers.iter().any(|(name, _)| name == "content-length"));
        // Bytes that only look like it are the answer itself.
        assert_eq!(of(text, OCTETS).body.len(), text.len());
    }

    #[test]
    fn a_functions_framing_does_not_count() {
        let made = response(&Bytes::from(
            r#"{"statusCode": 200, "headers": {"Transfer-Encoding": "chunked", "content-length": "99", "x-a": "1"}, "body": "b"}"#,
        ))
        .unwrap();
        let names: Vec<&str> = made.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["x-a", "content-type"]);
    }

    #[test]
    fn pages_are_let_in_as_the_configuration_says() {
        let open = json!({"AllowOrigins": ["*"], "AllowMethods": ["GET"], "ExposeHeaders": ["x-a"]});
        assert_eq!(cors(&open, "https://a.example", false)[0], ("access-control-allow-origin", "*".into()));
        assert!(cors(&open, "https://a.example", true).contains(&("access-control-allow-methods", "GET".into())));
        for age in [json!({"AllowOrigins": ["*"], "MaxAge": 60}), json!({"AllowOrigins": ["*"], "MaxAge": "60"})] {
            let told = cors(&age, "https://a.example", true);
            assert!(told.contains(&("access-control-max-age", "60".into())), "{told:?}");
        }
        let some = json!({"AllowOrigins": ["https://*.example"], "AllowCredentials": true});
        assert_eq!(cors(&some, "https://a.example", false)[0].1, "https://a.example");
        assert!(cors(&some, "https://evil.test", true).is_empty());
        assert!(cors(&Value::Null, "https://a.example", true).is_empty());
    }
}
