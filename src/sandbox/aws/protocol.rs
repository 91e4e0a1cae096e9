//! The four wire protocols that AWS clients speak to us: which one a request is in, its operation and
//! input, and how answers and errors look.
//!
//! Every answer is a JSON value until the last moment; XML is written from the same value. Invariant: an
//! operation that is not served is named in its error, in the shape that the service's clients can read.

use quick_xml::escape::escape;
use serde_json::{Map, Value};

use super::error::AwsError;
use super::http::{self, Request, Response};
use super::sigv4::Refusal;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// Form in, XML out: STS, IAM, CloudFormation.
    Query,
    /// `X-Amz-Target` and JSON: SSM, CloudWatch Logs, CloudTrail.
    Json,
    /// Paths and JSON: Lambda, DSQL.
    RestJson,
    /// Paths and XML: S3.
    RestXml,
}

/// The protocol that a service's clients speak; for services we do not know, what the request looks like.
pub fn of(service: &str, request: &Request) -> Protocol {
    match service {
        "sts" | "iam" | "cloudformation" => Protocol::Query,
        "ssm" | "logs" | "cloudtrail" | "cloudcontrolapi" => Protocol::Json,
        "lambda" | "dsql" => Protocol::RestJson,
        "s3" => Protocol::RestXml,
        _ if request.header("x-amz-target").is_some() => Protocol::Json,
        _ if is_form(request) => Protocol::Query,
        _ => Protocol::RestJson,
    }
}

fn is_form(request: &Request) -> bool {
    request.header("content-type").is_some_and(|t| t.starts_with("application/x-www-form-urlencoded"))
}

/// Form members as a tree: `Tags.member.1.Key=x` becomes `{"Tags": [{"Key": "x"}]}`. Every leaf is a string.
pub fn query_input(request: &Request) -> Value {
    let body = String::from_utf8_lossy(&request.body);
    let pairs = if request.method == "GET" { request.query_pairs() } else { http::form(&body) };
    let mut root = Value::Object(Map::new());
    for (name, value) in pairs {
        let parts: Vec<&str> = name.split('.').collect();
        plant(&mut root, &parts, value);
    }
    lists(root)
}

fn plant(node: &mut Value, path: &[&str], value: String) {
    if !node.is_object() {
        *node = Value::Object(Map::new());
    }
    let Value::Object(map) = node else { return };
    match path {
        [] => {}
        [last] => {
            map.entry(*last).or_insert(Value::String(value));
        }
        [first, rest @ ..] => plant(map.entry(*first).or_insert_with(|| Value::Object(Map::new())), rest, value),
    }
}

fn lists(node: Value) -> Value {
    let Value::Object(mut map) = node else { return node };
    if map.len() == 1
        && let Some(Value::Object(members)) = map.remove("member").or_else(|| map.remove("entry"))
    {
        let mut numbered: Vec<(u32, Value)> =
            members.into_iter().map(|(n, v)| (n.parse().unwrap_or(u32::MAX), lists(v))).collect();
        numbered.sort_by_key(|(n, _)| *n);
        return Value::Array(numbered.into_iter().map(|(_, v)| v).collect());
    }
    Value::Object(map.into_iter().map(|(name, value)| (name, lists(value))).collect())
}

/// The name of the operation as far as the request tells it, for logs and refusals.
pub fn operation_hint(protocol: Protocol, request: &Request) -> String {
    match protocol {
        Protocol::Query => query_input(request)["Action"].as_str().unwrap_or("an operation without a name").to_owned(),
        Protocol::Json => match request.header("x-amz-target") {
            Some(target) => target.rsplit('.').next().unwrap_or(target).to_owned(),
            None => "an operation without a name".into(),
        },
        Protocol::RestJson | Protocol::RestXml => match request.query.is_empty() {
            true => format!("{} {}", request.method, request.path),
            false => format!("{} {}?{}", request.method, request.path, request.query),
        },
    }
}

/// A service, an operation, or a variant of one that the sandbox does not have.
pub fn not_served(service: &str, protocol: Protocol, operation: &str) -> AwsError {
    let message = format!("the workshop sandbox does not serve {operation} of {service}");
    match protocol {
        Protocol::Query => AwsError::new(400, "InvalidAction", message),
        Protocol::Json => AwsError::new(400, "UnknownOperationException", message),
        Protocol::RestJson => AwsError::new(404, "UnknownOperationException", message),
        Protocol::RestXml => AwsError::new(400, "NotImplemented", message),
    }
}

/// What each protocol's services say to a request whose signature is not accepted.
pub fn refused(protocol: Protocol, refusal: &Refusal) -> AwsError {
    let message = refusal.to_string();
    let (status, code) = match (refusal, protocol) {
        (Refusal::Missing, Protocol::RestXml) => (403, "AccessDenied"),
        (Refusal::Missing, Protocol::RestJson | Protocol::Json) => (403, "MissingAuthenticationTokenException"),
        (Refusal::Missing, Protocol::Query) => (403, "MissingAuthenticationToken"),
        (Refusal::Mechanism, _) => (400, "InvalidRequest"),
        (Refusal::Incomplete(_), Protocol::RestXml) => (400, "AuthorizationHeaderMalformed"),
        (Refusal::Incomplete(_), Protocol::Query) => (400, "IncompleteSignature"),
        (Refusal::Incomplete(_), Protocol::RestJson | Protocol::Json) => (403, "IncompleteSignatureException"),
        (Refusal::UnknownKey, Protocol::RestXml) => (403, "InvalidAccessKeyId"),
        (Refusal::UnknownKey, Protocol::Query) => (403, "InvalidClientTokenId"),
        (Refusal::UnknownKey, Protocol::RestJson | Protocol::Json) => (403, "UnrecognizedClientException"),
        (Refusal::Expired, Protocol::RestXml) => (400, "ExpiredToken"),
        (Refusal::Expired, Protocol::Query) => (403, "ExpiredToken"),
        (Refusal::Expired, Protocol::RestJson | Protocol::Json) => (403, "ExpiredTokenException"),
        (Refusal::Skewed { .. } | Refusal::LinkExpired, Protocol::RestXml) => match refusal {
            Refusal::LinkExpired => (403, "AccessDenied"),
            _ => (403, "RequestTimeTooSkewed"),
        },
        (Refusal::Digest, Protocol::RestXml) => (400, "XAmzContentSHA256Mismatch"),
        (Refusal::Checksum(_), Protocol::RestXml) => (400, "BadDigest"),
        (Refusal::WrongRegion { .. }, Protocol::RestXml) => (400, "AuthorizationHeaderMalformed"),
        (_, Protocol::RestXml | Protocol::Query) => (403, "SignatureDoesNotMatch"),
        (_, Protocol::RestJson | Protocol::Json) => (403, "InvalidSignatureException"),
    };
    AwsError::new(status, code, message)
}

/// A successful answer of the query protocol.
pub fn query_response(service: &str, operation: &str, result: &Value, request_id: &str) -> Response {
    let mut xml = format!("<{operation}Response xmlns=\"{}\">", namespace(service));
    element(&mut xml, &format!("{operation}Result"), result, false);
    xml.push_str(&format!(
        "<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation}Response>"
    ));
    Response::new(200, "text/xml", xml)
}

pub fn json_response(status: u16, protocol: Protocol, body: &Value) -> Response {
    let content_type = match protocol {
        Protocol::Json => "application/x-amz-json-1.1",
        Protocol::Query | Protocol::RestJson | Protocol::RestXml => "application/json",
    };
    let text = if body.is_null() { String::new() } else { body.to_string() };
    Response::new(status, content_type, text)
}

/// An S3 answer: lists are repeated elements, not `member`s.
pub fn s3_response(root: &str, body: &Value) -> Response {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    xml.push_str(&format!("<{root} xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"));
    content(&mut xml, body, true);
    xml.push_str(&format!("</{root}>"));
    Response::new(200, "application/xml", xml)
}

/// An error in the shape that the service's clients parse.
pub fn error_response(service: &str, protocol: Protocol, error: &AwsError, request_id: &str) -> Response {
    let AwsError { code, status, message, members } = error;
    match protocol {
        Protocol::Query => {
            let xml = format!(
                "<ErrorResponse xmlns=\"{}\"><Error><Type>Sender</Type><Code>{}</Code><Message>{}</Message></Error>\
                 <RequestId>{request_id}</RequestId></ErrorResponse>",
                namespace(service),
                escape(code),
                escape(message),
            );
            Response::new(*status, "text/xml", xml)
        }
        Protocol::Json => {
            let mut body = members.clone();
            body.insert("__type".into(), code.clone().into());
            body.insert("message".into(), message.clone().into());
            json_response(*status, protocol, &Value::Object(body))
        }
        Protocol::RestJson => {
            let mut body = members.clone();
            if service == "lambda" {
                body.insert("Message".into(), message.clone().into());
                body.entry("Type").or_insert_with(|| "User".into());
            }
            body.insert("message".into(), message.clone().into());
            json_response(*status, protocol, &Value::Object(body)).with("x-amzn-errortype", code.clone())
        }
        Protocol::RestXml => {
            let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>");
            element(&mut xml, "Code", &Value::String(code.clone()), true);
            element(&mut xml, "Message", &Value::String(message.clone()), true);
            content(&mut xml, &Value::Object(members.clone()), true);
            element(&mut xml, "RequestId", &Value::String(request_id.into()), true);
            xml.push_str("</Error>");
            Response::new(*status, "application/xml", xml)
        }
    }
}

fn namespace(service: &str) -> &'static str {
    match service {
        "sts" => "https://sts.amazonaws.com/doc/2011-06-15/",
        "iam" => "https://iam.amazonaws.com/doc/2010-05-08/",
        "cloudformation" => "http://cloudformation.amazonaws.com/doc/2010-05-15/",
        _ => "https://workshop.invalid/",
    }
}

fn element(xml: &mut String, name: &str, value: &Value, flat: bool) {
    match value {
        Value::Null => {}
        Value::Array(items) if flat => items.iter().for_each(|item| element(xml, name, item, flat)),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            xml.push_str(&format!("<{name}>"));
            content(xml, value, flat);
            xml.push_str(&format!("</{name}>"));
        }
    }
}

fn content(xml: &mut String, value: &Value, flat: bool) {
    match value {
        Value::Null => {}
        Value::Bool(value) => xml.push_str(&value.to_string()),
        Value::Number(value) => xml.push_str(&value.to_string()),
        Value::String(text) => xml.push_str(&escape(printable(text).as_str())),
        Value::Array(items) => items.iter().for_each(|item| element(xml, "member", item, flat)),
        Value::Object(members) => members.iter().for_each(|(name, value)| element(xml, name, value, flat)),
    }
}

/// XML 1.0 has no control characters; a literal carriage return would be read back as a line feed.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || matches!(c, '\t' | '\n')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn form(body: &str) -> Request {
        Request {
            method: "POST".into(),
            path: "/".into(),
            query: String::new(),
            headers: vec![("content-type".into(), "application/x-www-form-urlencoded; charset=utf-8".into())],
            body: body.to_owned().into(),
        }
    }

    #[test]
    fn form_members_become_lists_in_order() {
        let input = query_input(&form("Action=X&T.member.2.K=b&T.member.10.K=c&T.member.1.K=a&C.Mode=S&Empty="));
        assert_eq!(
            input,
            json!({"Action": "X", "T": [{"K": "a"}, {"K": "b"}, {"K": "c"}], "C": {"Mode": "S"}, "Empty": ""})
        );
    }

    #[test]
    fn a_form_that_contradicts_itself_does_not_panic() {
        query_input(&form("A=1&A.member.1=2&A.member=3&.=4&=5"));
    }

    #[test]
    fn query_answers_have_members_and_escapes() {
        let result = json!({"Stacks": [{"Name": "a<b", "On": true, "Not": null}], "None": []});
        let response = query_response("sts", "Do", &result, "id");
        let text = String::from_utf8(response.body.to_vec()).unwrap();
        assert!(
            text.contains(
                "<DoResult><None></None><Stacks><member><Name>a&lt;b</Name><On>true</On></member></Stacks></DoResult>"
            ),
            "{text}"
        );
    }

    #[test]
    fn s3_lists_are_repeated() {
        let response = s3_response("ListBucketResult", &json!({"Contents": [{"Key": "a"}, {"Key": "b"}]}));
        let text = String::from_utf8(response.body.to_vec()).unwrap();
        assert!(text.contains("<Contents><Key>a</Key></Contents><Contents><Key>b</Key></Contents>"), "{text}");
    }

    #[test]
    fn what_is_not_served_is_named_and_never_a_server_error() {
        for (service, protocol) in [
            ("ec2", Protocol::Query),
            ("sqs", Protocol::Json),
            ("lambda", Protocol::RestJson),
            ("s3", Protocol::RestXml),
        ] {
            let error = not_served(service, protocol, "DoThings");
            let response = error_response(service, protocol, &error, "id");
            assert!((400..500).contains(&response.status));
            let text = String::from_utf8(response.body.to_vec()).unwrap();
            assert!(text.contains("DoThings") && text.contains(service), "{text}");
        }
    }
}
