//! Policy documents and what they say about one action on one resource.
//!
//! Follows the order of AWS's own evaluation: a matching Deny wins, then a matching Allow, else nothing
//! allows it. Invariant: a condition we cannot evaluate never allows and always denies.

use std::collections::BTreeMap;

use serde_json::Value;

use super::operators;
pub(crate) use super::operators::wildcard;
use crate::interfaces::Decision;

/// Condition keys in lower case, with their values (`aws:principalarn`, …).
pub(crate) type Context = BTreeMap<String, Vec<String>>;

/// A question to a policy.
pub(crate) struct AccessRequest<'a> {
    /// `service:Action`
    pub action: &'a str,
    pub resource: &'a str,
    pub context: &'a Context,
}

/// Decides what several documents say together: a Deny wins, then an Allow.
pub(crate) fn evaluate<'a>(documents: impl IntoIterator<Item = &'a Value>, ask: &AccessRequest<'_>) -> Decision {
    let mut allowed = false;
    for statement in documents.into_iter().flat_map(statements) {
        let deny = statement["Effect"] == "Deny";
        if !matches_action(statement, ask.action) || !matches_resource(statement, ask) {
            continue;
        }
        match conditions(statement, ask.context) {
            Some(true) if deny => return Decision::ExplicitDeny,
            None if deny => return Decision::ExplicitDeny,
            Some(true) => allowed |= statement["Effect"] == "Allow",
            Some(false) | None => {}
        }
    }
    if allowed { Decision::Allow } else { Decision::NoPolicyAllows }
}

/// Asks a role's trust policy about `principals` (an ARN, an account, a service) take an action on it.
pub(crate) fn trusts(document: &Value, action: &str, principals: &[&str], context: &Context) -> bool {
    let mut allowed = false;
    for statement in statements(document) {
        if !matches_action(statement, action) || !matches_principals(statement, principals) {
            continue;
        }
        match (conditions(statement, context), statement["Effect"] == "Deny") {
            (Some(true) | None, true) => return false,
            (Some(true), false) => allowed |= statement["Effect"] == "Allow",
            (Some(false), _) | (None, false) => {}
        }
    }
    allowed
}

/// Checks a document; tells what is wrong in IAM's words, None when it is well-formed.
pub(crate) fn malformed(document: &Value, trust: bool) -> Option<String> {
    if !document.is_object() || statements(document).is_empty() {
        return Some("Syntax errors in policy.".into());
    }
    if !matches!(document["Version"].as_str(), None | Some("2012-10-17" | "2008-10-17")) {
        return Some("The policy must contain a valid version string".into());
    }
    for statement in statements(document) {
        if !matches!(statement["Effect"].as_str(), Some("Allow" | "Deny")) {
            return Some("Syntax error in policy: Effect must be Allow or Deny.".into());
        }
        let actions = [&statement["Action"], &statement["NotAction"]];
        if actions.iter().all(|a| a.is_null()) {
            return Some("Policy statement must contain actions.".into());
        }
        if let Some(bad) = actions.iter().flat_map(|a| strings(a)).find(|a| *a != "*" && !a.contains(':')) {
            return Some(format!("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc. ({bad})"));
        }
        if trust {
            if statement["Principal"].is_null() && statement["NotPrincipal"].is_null() {
                return Some("Missing required field Principal".into());
            }
            if !statement["Resource"].is_null() {
                return Some("Has prohibited field Resource".into());
            }
        } else {
            if !statement["Principal"].is_null() {
                return Some("Policy document should not specify a principal.".into());
            }
            let resources = [&statement["Resource"], &statement["NotResource"]];
            if resources.iter().all(|r| r.is_null()) {
                return Some("Policy statement must contain resources.".into());
            }
            if let Some(bad) = resources.iter().flat_map(|r| strings(r)).find(|r| *r != "*" && !r.starts_with("arn:")) {
                return Some(format!("Resource {bad} must be in ARN format or \"*\"."));
            }
        }
    }
    None
}

fn statements(document: &Value) -> Vec<&Value> {
    match &document["Statement"] {
        Value::Array(items) => items.iter().collect(),
        one @ Value::Object(_) => vec![one],
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

fn strings(value: &Value) -> Vec<&str> {
    match value {
        Value::String(one) => vec![one],
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
    }
}

fn matches_action(statement: &Value, action: &str) -> bool {
    let action = action.to_ascii_lowercase();
    let any = |value: &Value| strings(value).iter().any(|p| wildcard(&p.to_ascii_lowercase(), &action));
    match (&statement["Action"], &statement["NotAction"]) {
        (Value::Null, Value::Null) => false,
        (Value::Null, not) => !any(not),
        (actions, _) => any(actions),
    }
}

fn matches_resource(statement: &Value, ask: &AccessRequest<'_>) -> bool {
    let any =
        |value: &Value| strings(value).iter().any(|pattern| wildcard(&substitute(pattern, ask.context), ask.resource));
    match (&statement["Resource"], &statement["NotResource"]) {
        (Value::Null, Value::Null) => false,
        (Value::Null, not) => !any(not),
        (resources, _) => any(resources),
    }
}

fn matches_principals(statement: &Value, principals: &[&str]) -> bool {
    match (&statement["Principal"], &statement["NotPrincipal"]) {
        (Value::Null, Value::Null) => false,
        (Value::Null, not) => !matches_principal(not, principals),
        (some, _) => matches_principal(some, principals),
    }
}

fn matches_principal(principal: &Value, principals: &[&str]) -> bool {
    if principal == "*" {
        return true;
    }
    let Value::Object(kinds) = principal else { return false };
    kinds.values().flat_map(strings).any(|pattern| pattern == "*" || principals.contains(&pattern))
}

/// None when an operator is not known.
fn conditions(statement: &Value, context: &Context) -> Option<bool> {
    let Value::Object(operators) = &statement["Condition"] else { return Some(true) };
    let mut all = true;
    for (operator, keys) in operators {
        let Value::Object(keys) = keys else { return None };
        for (key, wanted) in keys {
            let wanted = scalars(wanted);
            all &= condition(operator, context.get(&key.to_ascii_lowercase()), &wanted, context)?;
        }
    }
    Some(all)
}

fn condition(operator: &str, actual: Option<&Vec<String>>, wanted: &[String], context: &Context) -> Option<bool> {
    let (operator, if_exists) = match operator.strip_suffix("IfExists") {
        Some(base) => (base, true),
        None => (operator, false),
    };
    let (operator, every) = match operator.split_once(':') {
        Some(("ForAllValues", base)) => (base, Some(true)),
        Some(("ForAnyValue", base)) => (base, Some(false)),
        _ => (operator, None),
    };
    if operator == "Null" {
        return Some(wanted.iter().any(|w| (w == "true") == actual.is_none()));
    }
    let negated = operator.contains("Not");
    let Some(actual) = actual else {
        return Some(if_exists || every.unwrap_or(negated));
    };
    let wanted: Vec<String> = wanted.iter().map(|w| substitute(w, context)).collect();
    let fits = |actual: &String| {
        let compared: Option<Vec<bool>> = wanted.iter().map(|w| operators::compares(operator, w, actual)).collect();
        Some(compared?.contains(&true) != negated)
    };
    let fitting: Vec<bool> = actual.iter().map(fits).collect::<Option<_>>()?;
    Some(if every.unwrap_or(negated) { !fitting.contains(&false) } else { fitting.contains(&true) })
}

fn scalars(value: &Value) -> Vec<String> {
    match value {
        Value::Array(items) => items.iter().flat_map(scalars).collect(),
        Value::String(text) => vec![text.clone()],
        Value::Null => Vec::new(),
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => vec![value.to_string()],
    }
}

/// Puts policy variables in: `${aws:username}`; an unknown one matches nothing.
fn substitute(pattern: &str, context: &Context) -> String {
    let mut out = String::new();
    let mut rest = pattern;
    while let Some(start) = rest.find("${") {
        let Some(length) = rest[start..].find('}') else { break };
        let name = rest[start + 2..start + length].to_ascii_lowercase();
        out.push_str(&rest[..start]);
        match (name.as_str(), context.get(&name).and_then(|v| v.first())) {
            ("*" | "?" | "$", _) => out.push_str(&name),
            (_, Some(value)) => out.push_str(value),
            (_, None) => out.push('\u{0}'),
        }
        rest = &rest[start + length + 1..];
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn decide(documents: &[Value], action: &str, resource: &str) -> Decision {
        let context = Context::from([("aws:username".into(), vec!["ann".into()])]);
        evaluate(documents, &AccessRequest { action, resource, context: &context })
    }

    const CLUSTER: &str = "arn:aws:dsql:us-east-1:123456789012:cluster/abc";

    #[test]
    fn nothing_allows_then_allow_then_deny() {
        let allow = json!({"Statement": [{"Effect": "Allow", "Action": "dsql:DbConnect*", "Resource": CLUSTER}]});
        let deny = json!({"Statement": {"Effect": "Deny", "Action": ["DSQL:dbconnectadmin"], "Resource": "*"}});
        assert_eq!(decide(&[], "dsql:DbConnect", CLUSTER), Decision::NoPolicyAllows);
        assert_eq!(decide(std::slice::from_ref(&allow), "dsql:DbConnectAdmin", CLUSTER), Decision::Allow);
        assert_eq!(
            decide(std::slice::from_ref(&allow), "dsql:DbConnectAdmin", "arn:aws:dsql:x"),
            Decision::NoPolicyAllows
        );
        assert_eq!(decide(&[allow, deny], "dsql:DbConnectAdmin", CLUSTER), Decision::ExplicitDeny);
    }

    #[test]
    fn connect_does_not_grant_connect_as_admin() {
        let allow = json!({"Statement": [{"Effect": "Allow", "Action": "dsql:DbConnect", "Resource": "*"}]});
        assert_eq!(decide(&[allow], "dsql:DbConnectAdmin", CLUSTER), Decision::NoPolicyAllows);
    }

    #[test]
    fn not_action_and_not_resource() {
        let document =
            json!({"Statement": [{"Effect": "Allow", "NotAction": "iam:*", "NotResource": "arn:aws:s3:::secret*"}]});
        assert_eq!(decide(std::slice::from_ref(&document), "s3:GetObject", "arn:aws:s3:::open/x"), Decision::Allow);
        assert_eq!(
            decide(std::slice::from_ref(&document), "s3:GetObject", "arn:aws:s3:::secret/x"),
            Decision::NoPolicyAllows
        );
        assert_eq!(decide(&[document], "iam:GetRole", "*"), Decision::NoPolicyAllows);
    }

    /// The tables of "Set operators for multivalued context keys" in AWS's user guide.
    #[test]
    fn keys_of_several_values() {
        let context = Context::from([("aws:tagkeys".into(), vec!["team".into(), "cost".into()])]);
        let with = |operator: &str, key: &str, wanted: Value| {
            let document = json!({"Statement": [{
                "Effect": "Allow", "Action": "a:B", "Resource": "*", "Condition": {operator: {key: wanted}}}]});
            evaluate([&document], &AccessRequest { action: "a:B", resource: "*", context: &context }) == Decision::Allow
        };
        for (operator, key, wanted, allows) in [
            ("ForAnyValue:StringEquals", "aws:TagKeys", json!("team"), true),
            ("ForAnyValue:StringNotEquals", "aws:TagKeys", json!("team"), true),
            ("ForAnyValue:StringNotEquals", "aws:TagKeys", json!(["team", "cost"]), false),
            ("ForAllValues:StringEquals", "aws:TagKeys", json!("team"), false),
            ("ForAllValues:StringEquals", "aws:TagKeys", json!(["cost", "team", "x"]), true),
            ("ForAllValues:StringNotEquals", "aws:TagKeys", json!("team"), false),
            ("ForAllValues:StringNotEquals", "aws:TagKeys", json!("x"), true),
            ("ForAllValues:StringNotEquals", "aws:Other", json!("x"), true),
            ("ForAnyValue:StringNotEquals", "aws:Other", json!("x"), false),
            ("ForAnyValue:StringEqualsIfExists", "aws:Other", json!("x"), true),
            ("StringNotEquals", "aws:TagKeys", json!("team"), false),
            ("StringNotEquals", "aws:Other", json!("x"), true),
        ] {
            assert_eq!(with(operator, key, wanted.clone()), allows, "{operator} {key} {wanted}");
        }
    }

    #[test]
    fn not_principal_is_everybody_else() {
        let document = json!({"Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": "*"},
            {"Effect": "Deny", "Action": "sts:AssumeRole", "NotPrincipal": {"AWS": "123456789012"}}]});
        assert!(trusts(&document, "sts:AssumeRole", &["123456789012"], &Context::new()));
        assert!(!trusts(&document, "sts:AssumeRole", &["210987654321"], &Context::new()));
    }

    #[test]
    fn conditions_and_variables() {
        let with = |operator: &str, key: &str, value: Value| {
            let document = json!({"Statement": [{
                "Effect": "Allow", "Action": "a:B", "Resource": "arn:aws:x:::${aws:username}/*",
                "Condition": {operator: {key: value}}}]});
            decide(&[document], "a:B", "arn:aws:x:::ann/1")
        };
        assert_eq!(with("StringEquals", "aws:UserName", json!(["bob", "ann"])), Decision::Allow);
        assert_eq!(with("StringNotEquals", "aws:username", json!("ann")), Decision::NoPolicyAllows);
        assert_eq!(with("StringLike", "aws:username", json!("a*")), Decision::Allow);
        assert_eq!(with("Null", "aws:TokenIssueTime", json!("true")), Decision::Allow);
        assert_eq!(with("StringEqualsIfExists", "aws:Other", json!("x")), Decision::Allow);
        assert_eq!(with("StringEquals", "aws:Other", json!("x")), Decision::NoPolicyAllows);
        assert_eq!(with("IpAddress", "aws:username", json!("10.0.0.0/8")), Decision::NoPolicyAllows);
    }

    #[test]
    fn a_condition_we_do_not_know_denies() {
        let deny = json!({"Statement": [
            {"Effect": "Allow", "Action": "*", "Resource": "*"},
            {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"IpAddress": {"aws:username": "x"}}}]});
        assert_eq!(decide(&[deny], "a:B", "*"), Decision::ExplicitDeny);
    }

    #[test]
    fn trust() {
        let document = json!({"Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": ["lambda.amazonaws.com"]}},
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "123456789012"},
             "Condition": {"Null": {"sts:ExternalId": "true"}}}]});
        let none = Context::new();
        assert!(trusts(&document, "sts:AssumeRole", &["lambda.amazonaws.com"], &none));
        assert!(trusts(&document, "sts:AssumeRole", &["arn:x", "123456789012"], &none));
        assert!(!trusts(&document, "sts:AssumeRole", &["999999999999"], &none));
        let external = Context::from([("sts:externalid".into(), vec!["x".into()])]);
        assert!(!trusts(&document, "sts:AssumeRole", &["123456789012"], &external));
    }

    #[test]
    fn wildcards() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("a*c", "abbc", true),
            ("a*c", "abcd", false),
            ("a?c", "abc", true),
            ("**a", "ba", true),
            ("a", "ab", false),
        ] {
            assert_eq!(wildcard(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn malformed_documents_say_why() {
        let bad = |document: Value| malformed(&document, false).unwrap();
        assert_eq!(bad(json!({})), "Syntax errors in policy.");
        let newer =
            json!({"Version": "2026-11-01", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]});
        assert_eq!(bad(newer), "The policy must contain a valid version string");
        assert!(
            bad(json!({"Statement": [{"Effect": "Allow", "Action": "GetObject", "Resource": "*"}]})).contains("vendor")
        );
        assert!(bad(json!({"Statement": [{"Effect": "Allow", "Action": "s3:Get*"}]})).contains("resources"));
        assert!(
            bad(json!({"Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "cluster"}]}))
                .contains("ARN")
        );
    }
}
