//! Requests beside AWS's own service models: which operation a path means, and whether its input is within bounds.
//!
//! The table beside this file is made from botocore by `tools/service_model.py`; it names the version. Sentences are
//! those of AWS's common framework (`1 validation error detected: …`), which all services here but DSQL are known
//! to answer with. Invariant: what the table does not bound is not looked at.

use std::collections::BTreeMap;
use std::sync::{LazyLock, Mutex};

use regex::Regex;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::error::AwsError;
use super::http::HttpRequest;
use super::protocol::Protocol;

static MODEL: LazyLock<ServiceModels> = LazyLock::new(|| {
    serde_json::from_str(include_str!("service_model.json")).expect("the table is checked in, and a test reads it")
});
/// Compiled once; None for a pattern that the regex crate does not take.
static PATTERNS: LazyLock<Mutex<BTreeMap<&'static str, Option<TextPattern>>>> = LazyLock::new(Mutex::default);

#[derive(Deserialize)]
struct ServiceModels {
    services: BTreeMap<String, ServiceModel>,
}

#[derive(Deserialize)]
struct ServiceModel {
    operations: BTreeMap<String, OperationModel>,
    shapes: BTreeMap<String, ShapeModel>,
}

#[derive(Deserialize)]
struct OperationModel {
    method: Option<String>,
    uri: Option<String>,
    input: Option<String>,
}

#[derive(Deserialize, PartialEq, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum ShapeKind {
    Structure,
    List,
    Map,
    String,
    Integer,
    Long,
    Float,
    Double,
    Boolean,
    Blob,
    Timestamp,
}

#[derive(Deserialize)]
struct ShapeModel {
    #[serde(rename = "type")]
    kind: ShapeKind,
    min: Option<f64>,
    max: Option<f64>,
    pattern: Option<String>,
    #[serde(rename = "enum", default)]
    values: Vec<String>,
    #[serde(default)]
    required: Vec<String>,
    /// The body is one member as it is, and no map of them.
    #[serde(default)]
    payload: bool,
    #[serde(default)]
    members: BTreeMap<String, MemberModel>,
    member: Option<String>,
    key: Option<String>,
    value: Option<String>,
}

#[derive(Deserialize)]
struct MemberModel {
    shape: Option<String>,
    /// `uri`, `querystring`, `header`: elsewhere than in the body.
    #[serde(rename = "in")]
    place: Option<String>,
    /// Its name there.
    #[serde(rename = "as")]
    name: Option<String>,
}

/// One member that is out of bounds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Violation {
    /// `tags.1.member.key`
    pub path: String,
    pub sentence: String,
}

/// The name of the operation that a path of a REST service means, served here or not.
pub(crate) fn operation(service: &str, request: &HttpRequest) -> Option<&'static str> {
    route(service, request).map(|(name, _, _)| name)
}

type Route = (&'static str, &'static OperationModel, Vec<(&'static str, String)>);

fn route(service: &str, request: &HttpRequest) -> Option<Route> {
    let segments = request.segments();
    let operations = MODEL.services.get(service)?.operations.iter();
    operations
        .filter(|(_, operation)| operation.method.as_deref() == Some(&request.method))
        .filter_map(|(name, operation)| {
            let uri = operation.uri.as_deref()?.split('?').next()?;
            let parts: Vec<&str> = uri.split('/').filter(|part| !part.is_empty()).collect();
            if parts.len() != segments.len() {
                return None;
            }
            let mut bound = Vec::new();
            for (part, segment) in parts.iter().zip(&segments) {
                match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
                    Some(label) => bound.push((label.trim_end_matches('+'), segment.clone())),
                    None if part == segment => {}
                    None => return None,
                }
            }
            Some((name.as_str(), operation, bound))
        })
        // A path that is spelt out comes before one that has a label in its place.
        .min_by_key(|(_, _, bound)| bound.len())
}

/// Checks a request of a REST service: its path, query, headers and body.
///
/// # Errors
/// The service's refusal when members are out of bounds.
pub(crate) fn check_rest(service: &str, request: &HttpRequest) -> Result<(), AwsError> {
    let Some((_, operation, bound)) = route(service, request) else { return Ok(()) };
    let Some(shape) = operation.input.as_deref().and_then(|name| shape(service, name)) else { return Ok(()) };
    let mut input = match serde_json::from_slice(&request.body) {
        _ if shape.payload || request.body.is_empty() => Map::new(),
        Ok(Value::Object(map)) => map,
        // Whoever reads the body says what is wrong with it.
        _ => return Ok(()),
    };
    for (member, model) in &shape.members {
        let name = model.name.as_deref().unwrap_or(member);
        let value = match model.place.as_deref() {
            Some("uri") => bound.iter().find(|(label, _)| *label == name).map(|(_, value)| Value::from(value.as_str())),
            Some("querystring") => queried(service, model, request, name),
            Some("header") => request.header(&name.to_ascii_lowercase()).map(Value::from),
            Some(_) | None => continue,
        };
        input.remove(member);
        input.extend(value.map(|value| (member.clone(), value)));
    }
    refusal(service, Protocol::RestJson, &violations(service, shape, &input))
}

fn queried(service: &str, model: &MemberModel, request: &HttpRequest, name: &str) -> Option<Value> {
    let given: Vec<String> =
        request.query_pairs().into_iter().filter(|(given, _)| given == name).map(|(_, value)| value).collect();
    let list = model.shape.as_deref().and_then(|name| shape(service, name)).is_some_and(|s| s.kind == ShapeKind::List);
    match list {
        true => Some(given.into()),
        false => given.into_iter().next().map(Value::from),
    }
}

/// Checks the input of an operation that is named, and not routed to.
///
/// # Errors
/// The service's refusal when members are out of bounds.
pub(crate) fn check(service: &str, protocol: Protocol, operation: &str, input: &Value) -> Result<(), AwsError> {
    let model = MODEL.services.get(service).and_then(|model| model.operations.get(operation));
    let shape = model.and_then(|operation| operation.input.as_deref()).and_then(|name| shape(service, name));
    match (shape, input) {
        (Some(shape), Value::Object(input)) => refusal(service, protocol, &violations(service, shape, input)),
        // Whoever reads the input says what is wrong with it.
        _ => Ok(()),
    }
}

fn shape(service: &str, name: &str) -> Option<&'static ShapeModel> {
    MODEL.services.get(service)?.shapes.get(name)
}

fn refusal(service: &str, protocol: Protocol, found: &[Violation]) -> Result<(), AwsError> {
    if found.is_empty() {
        return Ok(());
    }
    let sentences: Vec<&str> = found.iter().map(|violation| violation.sentence.as_str()).collect();
    let plural = if found.len() == 1 { "" } else { "s" };
    let message = format!("{} validation error{plural} detected: {}", found.len(), sentences.join("; "));
    let code = match (protocol, service) {
        (Protocol::Query, _) => "ValidationError",
        (Protocol::Json, "logs") => "InvalidParameterException",
        (Protocol::Json | Protocol::RestJson | Protocol::RestXml, _) => "ValidationException",
    };
    let error = AwsError::new(400, code, message);
    Err(match service {
        "dsql" => {
            let fields = found.iter().map(|v| serde_json::json!({"name": v.path, "message": v.sentence}));
            error.member("reason", "fieldValidationFailed").member("fieldList", fields.collect::<Vec<Value>>())
        }
        _ => error,
    })
}

/// The most that one refusal tells.
const MOST_TOLD: usize = 10;

fn violations(service: &str, shape: &ShapeModel, input: &Map<String, Value>) -> Vec<Violation> {
    let mut found = Vec::new();
    structure(service, shape, "", input, &mut found);
    found.truncate(MOST_TOLD);
    found
}

/// Shapes whose bounds the service answers for itself, in other words: service and shape. Of a runtime that is none,
/// localstack/localstack recorded it (test_create_lambda_exceptions).
const NOT_OF_THE_FRAMEWORK: [(&str, &str); 1] = [("lambda", "Runtime")];

/// Lists the values that a shape may have.
pub(crate) fn values(service: &str, name: &str) -> &'static [String] {
    shape(service, name).map_or(&[], |shape| &shape.values)
}

fn structure(service: &str, model: &ShapeModel, path: &str, input: &Map<String, Value>, found: &mut Vec<Violation>) {
    let at = |member: &str| {
        let mut name = member.to_owned();
        if let Some(first) = name.get_mut(..1) {
            first.make_ascii_lowercase();
        }
        if path.is_empty() { name } else { format!("{path}.{name}") }
    };
    for member in &model.required {
        if input.get(member).is_none_or(Value::is_null) {
            found.push(violation(&at(member), None, "Member must not be null"));
        }
    }
    for (member, about) in &model.members {
        let value = input.get(member).filter(|value| !value.is_null());
        let bounded = |name: &&str| !NOT_OF_THE_FRAMEWORK.contains(&(service, *name));
        let inner = about.shape.as_deref().filter(bounded).and_then(|name| shape(service, name));
        if let (Some(value), Some(inner)) = (value, inner) {
            walk(service, inner, &at(member), value, found);
        }
    }
}

fn walk(service: &str, model: &ShapeModel, path: &str, value: &Value, found: &mut Vec<Violation>) {
    match (model.kind, value) {
        (ShapeKind::Structure, Value::Object(input)) => structure(service, model, path, input, found),
        (ShapeKind::List, Value::Array(items)) => {
            if let Some(constraint) = length(model, items.len()) {
                found.push(violation(path, Some(value), &constraint));
            }
            let Some(inner) = model.member.as_deref().and_then(|name| shape(service, name)) else { return };
            if matches!(inner.kind, ShapeKind::Structure | ShapeKind::List | ShapeKind::Map) {
                for (number, item) in items.iter().enumerate() {
                    walk(service, inner, &format!("{path}.{}.member", number + 1), item, found);
                }
            } else if let Some(broken) =
                items.iter().map(|item| text_constraints(inner, item)).find(|broken| !broken.is_empty())
            {
                let sentence = format!("Member must satisfy constraint: [{}]", broken.join(", "));
                found.push(violation(path, Some(value), &sentence));
            }
        }
        (ShapeKind::Map, Value::Object(entries)) => {
            if let Some(constraint) = length(model, entries.len()) {
                found.push(violation(path, Some(value), &constraint));
            }
            let of = |name: &Option<String>| name.as_deref().and_then(|name| shape(service, name));
            for (key, item) in entries {
                let key = Value::from(key.as_str());
                for (part, inner, value) in [("keys", of(&model.key), &key), ("value", of(&model.value), item)] {
                    let broken = inner.map(|inner| text_constraints(inner, value)).unwrap_or_default();
                    if !broken.is_empty() {
                        let sentence = format!("Map {part} must satisfy constraint: [{}]", broken.join(", "));
                        found.push(violation(path, Some(value), &sentence));
                    }
                }
            }
        }
        (ShapeKind::Integer | ShapeKind::Long | ShapeKind::Float | ShapeKind::Double, value) => {
            let number = value.as_f64().or_else(|| value.as_str()?.parse().ok());
            if let Some(constraint) = number.and_then(|number| range(model, number)) {
                found.push(violation(path, Some(value), &constraint));
            }
        }
        (ShapeKind::String | ShapeKind::Blob, value) => {
            for constraint in text_constraints(model, value) {
                found.push(violation(path, Some(value), &constraint));
            }
        }
        _ => {}
    }
}

/// The longest value that a refusal repeats, in characters.
const LONGEST_SHOWN: usize = 256;

fn violation(path: &str, value: Option<&Value>, constraint: &str) -> Violation {
    let shown = match value {
        None => "null".to_owned(),
        Some(value) => format!("'{}'", shown(value).chars().take(LONGEST_SHOWN).collect::<String>()),
    };
    let sentence = format!("Value {shown} at '{path}' failed to satisfy constraint: {constraint}");
    Violation { path: path.to_owned(), sentence }
}

/// A value as the framework prints it: `[a, b]`, `{k=v}`.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => {
            let entries: Vec<String> = map.iter().map(|(key, value)| format!("{key}={}", shown(value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

fn length(model: &ShapeModel, length: usize) -> Option<String> {
    let length = length as f64;
    match (model.min, model.max) {
        (Some(min), _) if length < min => Some(format!("Member must have length greater than or equal to {min}")),
        (_, Some(max)) if length > max => Some(format!("Member must have length less than or equal to {max}")),
        _ => None,
    }
}

fn range(model: &ShapeModel, number: f64) -> Option<String> {
    match (model.min, model.max) {
        (Some(min), _) if number < min => Some(format!("Member must have value greater than or equal to {min}")),
        (_, Some(max)) if number > max => Some(format!("Member must have value less than or equal to {max}")),
        _ => None,
    }
}

/// Lists the bounds that a text breaks.
fn text_constraints(model: &ShapeModel, value: &Value) -> Vec<String> {
    let Some(text) = value.as_str() else { return Vec::new() };
    let mut broken = Vec::new();
    // A blob is sent in base64: three bytes to four characters.
    let size = if model.kind == ShapeKind::Blob { text.len() / 4 * 3 } else { text.chars().count() };
    broken.extend(length(model, size));
    if !model.values.is_empty() && !model.values.iter().any(|allowed| allowed == text) {
        broken.push(format!("Member must satisfy enum value set: [{}]", model.values.join(", ")));
    }
    if let Some(pattern) = &model.pattern
        && !fits(pattern, text)
    {
        broken.push(format!("Member must satisfy regular expression pattern: {pattern}"));
    }
    broken
}

fn fits(pattern: &str, text: &str) -> bool {
    let mut patterns = PATTERNS.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    if let Some(known) = patterns.get(pattern) {
        return known.as_ref().is_none_or(|known| known.fits(text));
    }
    let compiled = compile(pattern);
    let fits = compiled.as_ref().is_none_or(|compiled| compiled.fits(text));
    // The table lives as long as the program, and so do its patterns.
    if let Some(name) = every_pattern().find(|known| *known == pattern) {
        patterns.insert(name, compiled);
    }
    fits
}

fn every_pattern() -> impl Iterator<Item = &'static str> {
    MODEL.services.values().flat_map(|model| model.shapes.values()).filter_map(|shape| shape.pattern.as_deref())
}

/// A pattern of a service's model.
struct TextPattern {
    whole: Regex,
    /// The whole of a text matches none of these.
    but_not: Vec<Regex>,
}

impl TextPattern {
    fn fits(&self, text: &str) -> bool {
        self.whole.is_match(text) && !self.but_not.iter().any(|not| not.is_match(text))
    }
}

/// Compiles a pattern that the whole of a text must match. The regex crate takes nothing that is said of neighbours: what the
/// whole text is not (`(?!^…$)`) is asked by itself; the rest (`(?!…)`, `(?<!…)`) is left out: more is let through, and the
/// services themselves look closer.
fn compile(pattern: &str) -> Option<TextPattern> {
    let whole = |pattern: &str| Regex::new(&format!("^(?:{pattern})$")).ok();
    if let Some(whole) = whole(pattern) {
        return Some(TextPattern { whole, but_not: Vec::new() });
    }
    let (mut rest, mut but_not) = (pattern.to_owned(), Vec::new());
    while let Some(start) = rest.find("(?!").or_else(|| rest.find("(?<!")) {
        let end = start + rest[start..].find(')')?;
        let not = rest[start..end].strip_prefix("(?!").filter(|not| not.starts_with('^') && not.ends_with('$'));
        but_not.extend(not.and_then(|not| Regex::new(not).ok()));
        rest.replace_range(start..=end, "");
    }
    Some(TextPattern { whole: whole(&rest)?, but_not })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn request(method: &str, path: &str, query: &str, body: Value) -> HttpRequest {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        HttpRequest {
            method: method.into(),
            path: path.into(),
            query: query.into(),
            headers: Vec::new(),
            body: body.into(),
        }
    }

    #[test]
    fn a_number_is_no_alias() {
        let alias = compile("(?!^[0-9]+$)([a-zA-Z0-9-_]+)").unwrap();
        assert_eq!(["live", "v1", "1", "a b"].map(|name| alias.fits(name)), [true, true, false, false]);
    }

    #[test]
    fn every_pattern_of_the_table_can_be_asked() {
        let not: Vec<&str> = every_pattern().filter(|pattern| compile(pattern).is_none()).collect();
        assert_eq!(not, Vec::<&str>::new());
    }

    #[test]
    fn paths_name_their_operation() {
        for (service, method, path, expected) in [
            ("dsql", "POST", "/cluster", Some("CreateCluster")),
            ("dsql", "POST", "/cluster/abc", Some("UpdateCluster")),
            ("dsql", "GET", "/stream/abc", Some("ListStreams")),
            ("dsql", "DELETE", "/stream/abc/def", Some("DeleteStream")),
            ("lambda", "POST", "/2015-03-31/functions/f/invocations", Some("Invoke")),
            ("lambda", "GET", "/2015-03-31/functions/f/versions", Some("ListVersionsByFunction")),
            ("lambda", "POST", "/2015-03-31/event-source-mappings", Some("CreateEventSourceMapping")),
            ("dsql", "GET", "/nothing", None),
            ("s3", "GET", "/x", None),
        ] {
            assert_eq!(operation(service, &request(method, path, "", Value::Null)), expected, "{method} {path}");
        }
    }

    #[test]
    fn bounds_are_those_of_the_model() {
        let refused = |method: &str, path: &str, query: &str, body: Value| {
            check_rest("dsql", &request(method, path, query, body)).err().map(|error| error.message)
        };
        assert_eq!(refused("GET", "/cluster", "max-results=100", Value::Null), None);
        assert_eq!(
            refused("GET", "/cluster", "max-results=101", Value::Null).unwrap(),
            "1 validation error detected: Value '101' at 'maxResults' failed to satisfy constraint: Member must have \
             value less than or equal to 100"
        );
        assert!(refused("GET", "/cluster", "max-results=0", Value::Null).is_some());
        assert_eq!(refused("POST", "/cluster", "", json!({"tags": {"Name": "x"}, "clientToken": "t"})), None);
        let long = json!({"tags": {"k".repeat(129): "v"}});
        assert!(
            refused("POST", "/cluster", "", long).unwrap().contains("at 'tags' failed to satisfy constraint: Map keys")
        );
        assert!(refused("POST", "/cluster", "", json!({"tags": {"k": "ä"}})).unwrap().contains("Map value"));
        let many: Map<String, Value> = (0..201).map(|n| (format!("k{n}"), json!("v"))).collect();
        assert!(
            refused("POST", "/cluster", "", json!({"tags": many}))
                .unwrap()
                .contains("length less than or equal to 200")
        );
        for (member, bad) in [
            ("kmsEncryptionKey", json!("a key")),
            ("kmsEncryptionKey", json!("k".repeat(2_049))),
            ("policy", json!("p".repeat(20_481))),
            ("clientToken", json!("")),
            ("clientToken", json!("t".repeat(129))),
        ] {
            let message = refused("POST", "/cluster", "", json!({member: bad})).unwrap();
            assert!(message.contains(&format!("at '{member}'")), "{message}");
        }
        assert!(refused("POST", "/cluster/ABC", "", json!({})).unwrap().contains("at 'identifier'"));
    }

    #[test]
    fn what_is_missing_is_told_with_the_rest() {
        let error = check("sts", Protocol::Query, "AssumeRole", &json!({"RoleSessionName": "a b"})).unwrap_err();
        assert_eq!((error.status, error.code.as_str()), (400, "ValidationError"));
        assert_eq!(
            error.message,
            "2 validation errors detected: Value null at 'roleArn' failed to satisfy constraint: Member must not be null; \
             Value 'a b' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression \
             pattern: [\\w+=,.@-]*"
        );
        let tags = json!({"StackName": "s", "Tags": [{"Key": "k", "Value": "v"}, {"Key": "", "Value": "v"}]});
        let error = check("cloudformation", Protocol::Query, "CreateStack", &tags).unwrap_err();
        assert!(error.message.contains("at 'tags.2.member.key'"), "{}", error.message);
        let capabilities = json!({"StackName": "s", "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_X"]});
        let error = check("cloudformation", Protocol::Query, "CreateStack", &capabilities).unwrap_err();
        assert!(
            error.message.contains(
                "Value '[CAPABILITY_IAM, CAPABILITY_X]' at 'capabilities' failed to satisfy constraint: Member must \
                 satisfy constraint: [Member must satisfy enum value set: [CAPABILITY_IAM, "
            ),
            "{}",
            error.message
        );
        assert_eq!(check("cloudformation", Protocol::Query, "NoSuchOperation", &json!({})), Ok(()));
    }
}
