//! A stack's parameters: what the caller gave, what the template allows, and what `Ref` makes of them.

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::Value;

use super::model::StackParameter;
use super::resolve::scalar;
use super::template::section;

/// A caller's word on one parameter.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum GivenParameter {
    Value(String),
    Previous,
}

/// Checks what is given against the template. The error is CloudFormation's sentence.
///
/// # Errors
/// CloudFormation's sentence: a parameter that is unknown, has no value, or breaks a constraint.
pub(crate) fn bind(
    template: &Value,
    given: &BTreeMap<String, GivenParameter>,
    previous: &BTreeMap<String, StackParameter>,
    ssm: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, StackParameter>, String> {
    let declared: BTreeMap<&String, &Value> = section(template, "Parameters").collect();
    let unknown: Vec<&str> = given.keys().filter(|name| !declared.contains_key(name)).map(String::as_str).collect();
    if !unknown.is_empty() {
        return Err(format!("Parameters: [{}] do not exist in the template", unknown.join(", ")));
    }
    let mut bound = BTreeMap::new();
    let mut missing = Vec::new();
    for (name, declaration) in declared {
        let value = match given.get(name) {
            Some(GivenParameter::Value(value)) => Some(value.clone()),
            Some(GivenParameter::Previous) => Some(
                previous
                    .get(name)
                    .map(|p| p.given.clone())
                    .ok_or_else(|| format!("Invalid input for parameter key {name}. Cannot specify usePreviousValue as true for a parameter key not in the previous template"))?,
            ),
            None => declaration.get("Default").and_then(scalar),
        };
        match value {
            Some(value) => {
                bound.insert(name.clone(), check(name, declaration, value, ssm)?);
            }
            None => missing.push(name.as_str()),
        }
    }
    if !missing.is_empty() {
        return Err(format!("Parameters: [{}] must have values", missing.join(", ")));
    }
    Ok(bound)
}

fn check(
    name: &str,
    declaration: &Value,
    given: String,
    ssm: &BTreeMap<String, String>,
) -> Result<StackParameter, String> {
    let kind = declaration["Type"].as_str().unwrap_or("String");
    let inner = kind.strip_prefix("AWS::SSM::Parameter::Value<").and_then(|rest| rest.strip_suffix('>'));
    let list = matches!(inner.unwrap_or(kind), "CommaDelimitedList") || inner.unwrap_or(kind).starts_with("List<");
    let values: Vec<&str> = if list { given.split(',').map(str::trim).collect() } else { vec![&given] };
    // The words are those of field reports of 2023 to 2026; of MaxLength they are inferred from MinLength's.
    let constraint = |must: String| match declaration["ConstraintDescription"].as_str() {
        Some(described) => format!("Parameter '{name}' failed to satisfy constraint: {described}"),
        None => format!("Parameter '{name}' must {must}"),
    };
    let bound = |key: &str| declaration.get(key).and_then(scalar).and_then(|text| text.parse::<f64>().ok());
    if let Some(Value::Array(allowed)) = declaration.get("AllowedValues") {
        let allowed: Vec<String> = allowed.iter().filter_map(scalar).collect();
        if values.iter().any(|value| !allowed.iter().any(|a| a == value)) {
            return Err(format!("Parameter '{name}' must be one of AllowedValues"));
        }
    }
    if let Some(pattern) = declaration["AllowedPattern"].as_str()
        && let Ok(regex) = Regex::new(&format!("^(?:{pattern})$"))
        && values.iter().any(|value| !regex.is_match(value))
    {
        return Err(constraint(format!("match pattern {pattern}")));
    }
    if inner.unwrap_or(kind) == "Number" {
        let number: f64 = given.parse().map_err(|_| format!("Parameter '{name}' must be a number."))?;
        if let Some(min) = bound("MinValue").filter(|min| number < *min) {
            return Err(constraint(format!("be a number not less than {min}")));
        }
        if let Some(max) = bound("MaxValue").filter(|max| number > *max) {
            return Err(constraint(format!("be a number not greater than {max}")));
        }
    }
    let length = given.chars().count() as f64;
    if let Some(min) = bound("MinLength").filter(|min| length < *min) {
        return Err(constraint(format!("contain at least {min} characters")));
    }
    if let Some(max) = bound("MaxLength").filter(|max| length > *max) {
        return Err(constraint(format!("contain at most {max} characters")));
    }
    let resolved = match inner {
        None => None,
        Some(_) => Some(ssm.get(&given).cloned().ok_or_else(|| {
            format!(
                "Unable to fetch parameters [{given}] from parameter store for this account.{}",
                // The CDK's own, which bootstrapping makes.
                if given.starts_with("/cdk-bootstrap/") { " Bootstrap it first: npx cdk bootstrap" } else { "" }
            )
        })?),
    };
    let no_echo = declaration.get("NoEcho").and_then(scalar).is_some_and(|text| text == "true");
    Ok(StackParameter { given, resolved, list, no_echo })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn bound(declaration: Value, given: Option<&str>) -> Result<StackParameter, String> {
        let template = json!({"Parameters": {"P": declaration}});
        let given = given.map(|g| ("P".to_owned(), GivenParameter::Value(g.to_owned()))).into_iter().collect();
        let ssm = BTreeMap::from([("/version".to_owned(), "30".to_owned())]);
        bind(&template, &given, &BTreeMap::new(), &ssm).map(|mut all| all.remove("P").unwrap())
    }

    #[test]
    fn defaults_lists_and_ssm() {
        assert_eq!(bound(json!({"Type": "Number", "Default": 3}), None).unwrap().value(), json!("3"));
        let list = json!({"Type": "CommaDelimitedList", "Default": ""});
        assert_eq!(bound(list.clone(), None).unwrap().value(), json!([]));
        assert_eq!(bound(list, Some("a, b")).unwrap().value(), json!(["a", "b"]));
        let ssm = json!({"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/version"});
        let version = bound(ssm.clone(), None).unwrap();
        assert_eq!((version.shown(), version.value()), ("/version", json!("30")));
        let said = |name: &str| bound(ssm.clone(), Some(name)).unwrap_err();
        assert_eq!(said("/other"), "Unable to fetch parameters [/other] from parameter store for this account.");
        assert!(said("/cdk-bootstrap/hnb659fds/version").ends_with("Bootstrap it first: npx cdk bootstrap"));
    }

    #[test]
    fn refusals() {
        let text = json!({"Type": "String"});
        assert_eq!(bound(text.clone(), None).unwrap_err(), "Parameters: [P] must have values");
        let allowed = json!({"Type": "String", "AllowedValues": ["true", false]});
        assert!(bound(allowed.clone(), Some("false")).is_ok());
        assert_eq!(bound(allowed, Some("no")).unwrap_err(), "Parameter 'P' must be one of AllowedValues");
        let pattern = json!({"Type": "String", "AllowedPattern": "[a-z]+", "ConstraintDescription": "letters"});
        assert_eq!(bound(pattern, Some("a1")).unwrap_err(), "Parameter 'P' failed to satisfy constraint: letters");
        for (declaration, given, must) in [
            (json!({"Type": "Number", "MaxValue": 5}), "6", "be a number not greater than 5"),
            (json!({"Type": "Number", "MinValue": "1"}), "0", "be a number not less than 1"),
            (json!({"Type": "String", "AllowedPattern": "[a-z]+"}), "A1", "match pattern [a-z]+"),
            (json!({"Type": "String", "MinLength": 3}), "ab", "contain at least 3 characters"),
            (json!({"Type": "String", "MaxLength": "3"}), "abcd", "contain at most 3 characters"),
        ] {
            assert_eq!(bound(declaration, Some(given)).unwrap_err(), format!("Parameter 'P' must {must}"));
        }
        let template = json!({"Parameters": {}});
        let given = BTreeMap::from([("Q".to_owned(), GivenParameter::Previous)]);
        let error = bind(&template, &given, &BTreeMap::new(), &BTreeMap::new()).unwrap_err();
        assert_eq!(error, "Parameters: [Q] do not exist in the template");
    }

    #[test]
    fn previous_values_are_taken_over() {
        let template = json!({"Parameters": {"P": {"Type": "String", "NoEcho": true}}});
        let given = BTreeMap::from([("P".to_owned(), GivenParameter::Previous)]);
        let old = StackParameter { given: "x".into(), resolved: None, list: false, no_echo: false };
        let bound = bind(&template, &given, &BTreeMap::from([("P".to_owned(), old)]), &BTreeMap::new()).unwrap();
        assert_eq!((bound["P"].value(), bound["P"].shown()), (json!("x"), "****"));
        assert!(bind(&template, &given, &BTreeMap::new(), &BTreeMap::new()).is_err());
    }
}
