//! API Gateway's HTTP APIs, as stacks make them: routes to functions, payload format 2.0.
//!
//! An API is a port of its own on loopback, as a function's URL is. Invariant: which route a request takes is decided
//! here, from plain values (API Gateway developer guide, "Routes for HTTP APIs", 2026-11).

use serde_json::{Map, Value, json};
use workshop_base::encoding::decode;

use super::http::HttpRequest;
use super::records::{HttpApiRecord, RouteRecord};

/// The route that a request takes.
#[derive(Debug, PartialEq)]
pub(crate) struct Routed<'a> {
    pub route: &'a RouteRecord,
    /// `$default`, or the stage that the path begins with.
    pub stage: String,
    /// Without the stage.
    pub path: String,
    pub parameters: Map<String, Value>,
}

/// Finds the stage and the route: a full match before one with variables, that before one with `{proxy+}`, a method
/// before `ANY`, `$default` last.
pub(crate) fn route<'a>(api: &'a HttpApiRecord, request: &HttpRequest) -> Option<Routed<'a>> {
    let first = request.path.split('/').nth(1).unwrap_or_default();
    let named = api.stages.contains_key(first) && first != DEFAULT_STAGE;
    let (stage, path) = match named {
        true => (first.to_owned(), request.path[1 + first.len()..].to_owned()),
        false if api.stages.contains_key(DEFAULT_STAGE) => (DEFAULT_STAGE.to_owned(), request.path.clone()),
        false => return None,
    };
    let path = if path.is_empty() { "/".to_owned() } else { path };
    let mut best: Option<(Rank, &RouteRecord, Map<String, Value>)> = None;
    for route in api.routes.values() {
        let Some((rank, parameters)) = matches(&route.key, &request.method, &path) else { continue };
        if best.as_ref().is_none_or(|(known, ..)| rank < *known) {
            best = Some((rank, route, parameters));
        }
    }
    best.map(|(_, route, parameters)| Routed { route, stage, path, parameters })
}

/// The stage that has no name in the path.
pub(crate) const DEFAULT_STAGE: &str = "$default";

/// How well a route fits; the least is taken: the kind of its path, its variables, then the method.
type Rank = (u8, usize, bool);

fn matches(key: &str, method: &str, path: &str) -> Option<(Rank, Map<String, Value>)> {
    if key == "$default" {
        return Some(((3, 0, true), Map::new()));
    }
    let (wanted, pattern) = key.split_once(' ')?;
    let any = wanted == "ANY";
    if !any && wanted != method {
        return None;
    }
    let parts: Vec<&str> = pattern.split('/').filter(|part| !part.is_empty()).collect();
    let given: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let mut parameters = Map::new();
    let mut variables = 0;
    for (at, part) in parts.iter().enumerate() {
        let name = part.strip_prefix('{').and_then(|part| part.strip_suffix('}'));
        match (name, given.get(at)) {
            (Some(name), Some(_)) if name.ends_with('+') => {
                let rest = decode(&given[at..].join("/"));
                parameters.insert(name.trim_end_matches('+').to_owned(), rest.into());
                return Some(((2, usize::MAX - at, any), parameters));
            }
            (Some(name), Some(value)) => {
                variables += 1;
                parameters.insert(name.to_owned(), decode(value).into());
            }
            (None, Some(value)) if decode(value) == **part => {}
            _ => return None,
        }
    }
    if parts.len() != given.len() {
        return None;
    }
    Some(((u8::from(variables > 0), variables, any), parameters))
}

/// Returns the ARN that API Gateway is the source by, for the conditions of a function's permissions: those of the
/// console have a route's `{id}` as it is, those of the CDK a star in its place.
pub(crate) fn source_arn(region: &str, account: &str, api: &str, method: &str, routed: &Routed<'_>) -> String {
    let way = match routed.route.key.split_once(' ') {
        Some((_, path)) => format!("{method}{path}"),
        None => "$default".to_owned(),
    };
    format!("arn:aws:execute-api:{region}:{account}:{api}/{}/{way}", routed.stage)
}

/// Adds to a URL's event what an API's has besides.
pub(crate) fn complete(event: &mut Value, api: &str, record: &HttpApiRecord, routed: &Routed<'_>) {
    event["routeKey"] = routed.route.key.as_str().into();
    event["rawPath"] = match routed.stage.as_str() {
        DEFAULT_STAGE => routed.path.clone(),
        stage => format!("/{stage}{}", routed.path),
    }
    .into();
    if !routed.parameters.is_empty() {
        event["pathParameters"] = routed.parameters.clone().into();
    }
    let variables = &record.stages[&routed.stage];
    if variables.as_object().is_some_and(|variables| !variables.is_empty()) {
        event["stageVariables"] = variables.clone();
    }
    let path = event["rawPath"].clone();
    let context = &mut event["requestContext"];
    context["accountId"] = record.account.as_str().into();
    context["apiId"] = api.into();
    context["domainPrefix"] = api.into();
    context["routeKey"] = routed.route.key.as_str().into();
    context["stage"] = routed.stage.as_str().into();
    context["http"]["path"] = path;
}

/// Words an API's refusal.
pub(crate) fn message(text: &str) -> String {
    json!({ "message": text }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn api(keys: &[&str], stages: &[&str]) -> HttpApiRecord {
        let route =
            |key: &&str| ((*key).to_owned(), RouteRecord { key: (*key).to_owned(), target: "integrations/i".into() });
        HttpApiRecord {
            name: "n".into(),
            account: "123456789012".into(),
            port: None,
            cors: Value::Null,
            integrations: BTreeMap::new(),
            routes: keys.iter().map(route).collect(),
            stages: stages.iter().map(|stage| ((*stage).to_owned(), json!({}))).collect(),
        }
    }

    fn taken(api: &HttpApiRecord, method: &str, path: &str) -> Option<(String, Value)> {
        let request = HttpRequest {
            method: method.into(),
            path: path.into(),
            query: String::new(),
            headers: Vec::new(),
            body: bytes::Bytes::new(),
        };
        route(api, &request).map(|routed| (routed.route.key.clone(), routed.parameters.into()))
    }

    #[test]
    fn the_closest_route_is_taken() {
        let api = api(
            &[
                "$default",
                "ANY /items/{id}",
                "GET /items/{id}",
                "GET /items/top",
                "GET /{proxy+}",
                "GET /items/{proxy+}",
            ],
            &["$default", "beta"],
        );
        for (method, path, key, parameters) in [
            ("GET", "/items/top", "GET /items/top", json!({})),
            ("GET", "/items/7", "GET /items/{id}", json!({"id": "7"})),
            ("PUT", "/items/a%20b", "ANY /items/{id}", json!({"id": "a b"})),
            ("GET", "/items/7/8", "GET /items/{proxy+}", json!({"proxy": "7/8"})),
            ("GET", "/x/y", "GET /{proxy+}", json!({"proxy": "x/y"})),
            ("POST", "/x", "$default", json!({})),
            ("GET", "/beta/items/7", "GET /items/{id}", json!({"id": "7"})),
        ] {
            assert_eq!(taken(&api, method, path), Some((key.to_owned(), parameters)), "{method} {path}");
        }
    }

    #[test]
    fn without_a_route_or_a_stage_there_is_nothing() {
        assert_eq!(taken(&api(&["GET /a"], &["$default"]), "GET", "/b"), None);
        assert_eq!(taken(&api(&["GET /a"], &["prod"]), "GET", "/a"), None);
        assert!(taken(&api(&["GET /a"], &["prod"]), "GET", "/prod/a").is_some());
        assert!(taken(&api(&["GET /"], &["prod"]), "GET", "/prod").is_some());
    }
}
