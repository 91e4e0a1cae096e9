//! The four wire protocols that AWS clients speak to us: which one a request is in, its operation and
//! input, and how answers and errors look.
//!
//! Every answer is a JSON value until the last moment; XML is written from the same value. Invariant: an
//! operation that is not served is named in its error, in the shape that the service's clients can read.

use quick_xml::escape::escape;
use serde_json::{Map, Value};

use super::error::AwsError;
use super::http::{HttpRequest, HttpResponse};
use super::signature_error::SignatureError;
use workshop_base::encoding::form;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
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
pub(crate) fn of(service: &str, request: &HttpRequest) -> Protocol {
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

fn is_form(request: &HttpRequest) -> bool {
    request.header("content-type").is_some_and(|t| t.starts_with("application/x-www-form-urlencoded"))
}

/// Bounds of a form: its members, how deep one may lie, and how long its name may be, in bytes. A stack's 200
/// parameters are 400 members; the deepest member of an operation that is served has five parts.
const MOST_MEMBERS: usize = 2_000;
const DEEPEST_MEMBER: usize = 16;
const LONGEST_NAME: usize = 512;

/// Reads form members as a tree: `Tags.member.1.Key=x` becomes `{"Tags": [{"Key": "x"}]}`. Every leaf is a string.
///
/// # Errors
/// `MalformedInput` when there are too many members, or one lies too deep.
pub(crate) fn query_input(request: &HttpRequest) -> Result<Value, AwsError> {
    let pairs = form_pairs(request);
    let malformed = |what: String| AwsError::new(400, "MalformedInput", what);
    if pairs.len() > MOST_MEMBERS {
        return Err(malformed(format!("the request has {} members; {MOST_MEMBERS} are the most", pairs.len())));
    }
    let mut root = Value::Object(Map::new());
    for (name, value) in pairs {
        let parts: Vec<&str> = name.split('.').take(DEEPEST_MEMBER + 1).collect();
        if parts.len() > DEEPEST_MEMBER || name.len() > LONGEST_NAME {
            let shown: String = name.chars().take(60).collect();
            return Err(malformed(format!(
                "a member's name has at most {DEEPEST_MEMBER} parts and {LONGEST_NAME} bytes: {shown}…"
            )));
        }
        plant(&mut root, &parts, value);
    }
    Ok(lists(root))
}

fn form_pairs(request: &HttpRequest) -> Vec<(String, String)> {
    match request.method.as_str() {
        "GET" => request.query_pairs(),
        _ => form(&request.body),
    }
}

/// Sets a leaf; what stands in its way and is no map gives way.
fn plant(root: &mut Value, path: &[&str], value: String) {
    let Some((last, above)) = path.split_last() else { return };
    let mut node = root;
    for part in above {
        node = object(node).entry(*part).or_insert_with(|| Value::Object(Map::new()));
    }
    object(node).entry(*last).or_insert(Value::String(value));
}

fn object(node: &mut Value) -> &mut Map<String, Value> {
    if !node.is_object() {
        *node = Value::Object(Map::new());
    }
    node.as_object_mut().expect("it was made an object if it was none")
}

/// Numbered members become lists. As deep as [`DEEPEST_MEMBER`] at most.
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
pub(crate) fn operation_hint(protocol: Protocol, request: &HttpRequest) -> String {
    match protocol {
        Protocol::Query => {
            let action = form_pairs(request).into_iter().find(|(name, _)| name == "Action");
            action.map_or_else(|| "an operation without a name".into(), |(_, action)| action)
        }
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
pub(crate) fn not_served(service: &str, protocol: Protocol, operation: &str) -> AwsError {
    let message = format!("the workshop sandbox does not serve {operation} of {service}");
    match protocol {
        Protocol::Query => AwsError::new(400, "InvalidAction", message),
        Protocol::Json => AwsError::new(400, "UnknownOperationException", message),
        Protocol::RestJson => AwsError::new(404, "UnknownOperationException", message),
        Protocol::RestXml => AwsError::new(400, "NotImplemented", message),
    }
}

/// Words the refusal of a signature as each protocol's services do.
pub(crate) fn refused(protocol: Protocol, refusal: &SignatureError) -> AwsError {
    let message = match (refusal, protocol) {
        (SignatureError::Unsigned(loose), Protocol::Query | Protocol::Json | Protocol::RestJson) => {
            format!("'{}' must be a 'SignedHeader' in the AWS Authorization.", loose.join(", "))
        }
        _ => refusal.to_string(),
    };
    let (status, code) = match (refusal, protocol) {
        (SignatureError::Missing, Protocol::RestXml) => (403, "AccessDenied"),
        (SignatureError::Missing, Protocol::RestJson | Protocol::Json) => (403, "MissingAuthenticationTokenException"),
        (SignatureError::Missing, Protocol::Query) => (403, "MissingAuthenticationToken"),
        (SignatureError::Mechanism, _) => (400, "InvalidRequest"),
        (SignatureError::Incomplete(_), Protocol::RestXml) => (400, "AuthorizationHeaderMalformed"),
        (SignatureError::Incomplete(_), Protocol::Query) => (400, "IncompleteSignature"),
        (SignatureError::Incomplete(_), Protocol::RestJson | Protocol::Json) => (403, "IncompleteSignatureException"),
        (SignatureError::UnknownKey, Protocol::RestXml) => (403, "InvalidAccessKeyId"),
        (SignatureError::UnknownKey, Protocol::Query) => (403, "InvalidClientTokenId"),
        (SignatureError::UnknownKey, Protocol::RestJson | Protocol::Json) => (403, "UnrecognizedClientException"),
        (SignatureError::Expired, Protocol::RestXml) => (400, "ExpiredToken"),
        (SignatureError::Expired, Protocol::Query) => (403, "ExpiredToken"),
        (SignatureError::Expired, Protocol::RestJson | Protocol::Json) => (403, "ExpiredTokenException"),
        (SignatureError::Skewed { .. } | SignatureError::LinkExpired, Protocol::RestXml) => match refusal {
            SignatureError::LinkExpired => (403, "AccessDenied"),
            _ => (403, "RequestTimeTooSkewed"),
        },
        (SignatureError::Digest, Protocol::RestXml) => (400, "XAmzContentSHA256Mismatch"),
        (SignatureError::Checksum(_), Protocol::RestXml) => (400, "BadDigest"),
        (SignatureError::WrongRegion { .. }, Protocol::RestXml) => (400, "AuthorizationHeaderMalformed"),
        (SignatureError::Unsigned(_), Protocol::RestXml) => (403, "AccessDenied"),
        (_, Protocol::RestXml | Protocol::Query) => (403, "SignatureDoesNotMatch"),
        (_, Protocol::RestJson | Protocol::Json) => (403, "InvalidSignatureException"),
    };
    let error = AwsError::new(status, code, message);
    match (refusal, protocol) {
        (SignatureError::Unsigned(loose), Protocol::RestXml) => error.member("HeadersNotSigned", loose.join(", ")),
        _ => error,
    }
}

/// A request that a fault of the sandbox's own broke off, in the words of each protocol's services.
pub(crate) fn broken_off(service: &str, protocol: Protocol) -> AwsError {
    let code = match (protocol, service) {
        (Protocol::Query, _) => "InternalFailure",
        (Protocol::Json, _) => "InternalServerError",
        (Protocol::RestJson, "lambda") => "ServiceException",
        (Protocol::RestJson, _) => "InternalServerException",
        (Protocol::RestXml, _) => "InternalError",
    };
    AwsError::new(500, code, "a fault of the workshop sandbox broke this request off; its log says where")
}

/// A request that is larger than any that the service takes.
pub(crate) fn too_large(protocol: Protocol, what: &str) -> AwsError {
    let (status, code) = match protocol {
        Protocol::RestXml => (400, "EntityTooLarge"),
        Protocol::Query => (413, "RequestEntityTooLarge"),
        Protocol::Json | Protocol::RestJson => (413, "RequestEntityTooLargeException"),
    };
    AwsError::new(status, code, what)
}

/// A successful answer of the query protocol.
pub(crate) fn query_response(service: &str, operation: &str, result: &Value, request_id: &str) -> HttpResponse {
    let mut xml = format!("<{operation}Response xmlns=\"{}\">", namespace(service));
    element(&mut xml, &format!("{operation}Result"), result, false);
    xml.push_str(&format!(
        "<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation}Response>"
    ));
    HttpResponse::new(200, "text/xml", xml)
}

/// Returns a JSON answer in a protocol's content type; null is an empty body.
pub(crate) fn json_response(status: u16, protocol: Protocol, body: &Value) -> HttpResponse {
    let content_type = match protocol {
        Protocol::Json => "application/x-amz-json-1.1",
        Protocol::Query | Protocol::RestJson | Protocol::RestXml => "application/json",
    };
    let text = if body.is_null() { String::new() } else { body.to_string() };
    HttpResponse::new(status, content_type, text)
}

/// An S3 answer: lists are repeated elements, not `member`s.
pub(crate) fn s3_response(root: &str, body: &Value) -> HttpResponse {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    xml.push_str(&format!("<{root} xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"));
    content(&mut xml, body, true);
    xml.push_str(&format!("</{root}>"));
    HttpResponse::new(200, "application/xml", xml)
}

/// An error in the shape that the service's clients parse.
pub(crate) fn error_response(service: &str, protocol: Protocol, error: &AwsError, request_id: &str) -> HttpResponse {
    let AwsError { code, status, message, members } = error;
    match protocol {
        Protocol::Query => {
            let whose = if *status < 500 { "Sender" } else { "Receiver" };
            let xml = format!(
                "<ErrorResponse xmlns=\"{}\"><Error><Type>{whose}</Type><Code>{}</Code><Message>{}</Message></Error>\
                 <RequestId>{request_id}</RequestId></ErrorResponse>",
                namespace(service),
                escape(code),
                escape(message),
            );
            HttpResponse::new(*status, "text/xml", xml)
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
            HttpResponse::new(*status, "application/xml", xml)
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

    fn form(body: &str) -> HttpRequest {
        HttpRequest {
            method: "POST".into(),
            path: "/".into(),
            query: String::new(),
            headers: vec![("content-type".into(), "application/x-www-form-urlencoded; charset=utf-8".into())],
            body: body.to_owned().into(),
        }
    }

    #[test]
    fn form_members_become_lists_in_order() {
        let input =
            query_input(&form("Action=X&T.member.2.K=b&T.member.10.K=c&T.member.1.K=a&C.Mode=S&Empty=")).unwrap();
        assert_eq!(
            input,
            json!({"Action": "X", "T": [{"K": "a"}, {"K": "b"}, {"K": "c"}], "C": {"Mode": "S"}, "Empty": ""})
        );
    }

    #[test]
    fn a_form_that_contradicts_itself_does_not_panic() {
        query_input(&form("A=1&A.member.1=2&A.member=3&.=4&=5")).unwrap();
    }

    #[test]
    fn a_form_is_measured_before_it_is_a_tree() {
        let deep = |parts: usize| query_input(&form(&format!("Action=X&{}=1", vec!["A"; parts].join("."))));
        assert!(deep(DEEPEST_MEMBER).is_ok());
        for parts in [DEEPEST_MEMBER + 1, 5_000] {
            let error = deep(parts).unwrap_err();
            assert_eq!((error.status, error.code.as_str()), (400, "MalformedInput"));
        }
        let wide = |members: usize| query_input(&form(&vec!["A=1"; members].join("&")));
        assert!(wide(MOST_MEMBERS).is_ok() && wide(MOST_MEMBERS + 1).is_err());
        assert!(query_input(&form(&format!("{}=1", "a".repeat(LONGEST_NAME + 1)))).is_err());
    }

    #[test]
    fn query_answers_have_members_and_escapes() {
        let result = json!({"Stacks": [{"Name": "a<b", "On": true, "Not": null}], "None": []});
        let response = query_response("sts", "Do", &result, "id");
        let text = String::from_utf8(response.body.to_vec()).unwrap();
        assert!(
            text.contains(
                "<DoResult><Stacks><member><Name>a&lt;b</Name><On>true</On></member></Stacks><None></None></DoResult>"
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
