//! Templates as text become JSON values in the long form of every intrinsic function.
//!
//! JSON and YAML go in; `!Ref x` and its like come out as `{"Ref": "x"}`. Whether a template makes sense is
//! [`super::validate`]'s business.

use serde_json::{Map, Number, Value};
use serde_yaml::Value as Yaml;

/// Largest template in a request body, in bytes, and the largest by URL: CloudFormation's limits.
pub const MAX_INLINE: usize = 51_200;
pub const MAX_STORED: usize = 1_048_576;

/// Parses a template; the error is CloudFormation's sentence.
pub fn parse(text: &str) -> Result<Value, String> {
    let value = if text.trim_start().starts_with('{') {
        serde_json::from_str(text).map_err(|error| {
            format!("Template format error: JSON not well-formed. (line {}, column {})", error.line(), error.column())
        })?
    } else {
        let yaml: Yaml = serde_yaml::from_str(text).map_err(|error| match error.location() {
            Some(at) => {
                format!("Template format error: YAML not well-formed. (line {}, column {})", at.line(), at.column())
            }
            None => format!("Template format error: YAML not well-formed. ({error})"),
        })?;
        json(yaml)?
    };
    match value {
        Value::Object(_) => Ok(value),
        _ => Err("Template format error: unsupported structure.".into()),
    }
}

fn json(yaml: Yaml) -> Result<Value, String> {
    Ok(match yaml {
        Yaml::Null => Value::Null,
        Yaml::Bool(value) => Value::Bool(value),
        Yaml::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(n), _, _) => n.into(),
            (_, Some(n), _) => n.into(),
            (_, _, f) => f.and_then(Number::from_f64).map_or(Value::Null, Value::Number),
        },
        Yaml::String(text) => Value::String(text),
        Yaml::Sequence(items) => Value::Array(items.into_iter().map(json).collect::<Result<_, _>>()?),
        Yaml::Mapping(entries) => {
            let mut map = Map::new();
            for (name, value) in entries {
                map.insert(key(&name)?, json(value)?);
            }
            Value::Object(map)
        }
        Yaml::Tagged(tagged) => {
            let tag = tagged.tag.to_string();
            long_form(tag.trim_start_matches('!'), json(tagged.value)?)
        }
    })
}

fn key(yaml: &Yaml) -> Result<String, String> {
    match yaml {
        Yaml::String(text) => Ok(text.clone()),
        Yaml::Number(number) => Ok(number.to_string()),
        Yaml::Bool(value) => Ok(value.to_string()),
        Yaml::Null | Yaml::Sequence(_) | Yaml::Mapping(_) | Yaml::Tagged(_) => {
            Err("Template format error: map keys must be strings; received a structure instead".into())
        }
    }
}

fn long_form(tag: &str, value: Value) -> Value {
    let (name, value) = match (tag, value) {
        ("Ref" | "Condition" | "Rain::Embed", value) => (tag.to_owned(), value),
        ("GetAtt", Value::String(path)) => {
            let (resource, attribute) = path.split_once('.').unwrap_or((&path, ""));
            ("Fn::GetAtt".to_owned(), Value::from(vec![resource, attribute]))
        }
        (_, value) => (format!("Fn::{tag}"), value),
    };
    Value::Object(Map::from_iter([(name, value)]))
}

/// A section of a template, empty when it is missing.
pub fn section<'a>(template: &'a Value, name: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    template.get(name).and_then(Value::as_object).into_iter().flatten()
}

/// The single function call that a value is, if it is one: `("Fn::Sub", argument)`.
pub fn call(value: &Value) -> Option<(&str, &Value)> {
    let map = value.as_object().filter(|map| map.len() == 1)?;
    let (name, argument) = map.iter().next()?;
    (name == "Ref" || name == "Condition" || name.starts_with("Fn::")).then_some((name.as_str(), argument))
}

/// `Resource` and `Attribute.With.Dots` of a GetAtt's argument.
pub fn get_att(argument: &Value) -> Option<(String, String)> {
    match argument {
        Value::String(path) => path.split_once('.').map(|(r, a)| (r.to_owned(), a.to_owned())),
        Value::Array(parts) => {
            let [resource, attribute] = parts.as_slice() else { return None };
            Some((resource.as_str()?.to_owned(), attribute.as_str()?.to_owned()))
        }
        _ => None,
    }
}

/// A piece of a Sub's text: literal, or the name between `${` and `}`.
#[derive(Debug, PartialEq)]
pub enum Piece<'a> {
    Text(&'a str),
    Name(&'a str),
}

/// Takes a Sub's text apart; `${!x}` is the literal `${x}`.
pub fn sub_pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let Some(length) = rest[start..].find('}') else { break };
        let name = &rest[start + 2..start + length];
        match name.strip_prefix('!') {
            Some(_) => {
                pieces.push(Piece::Text(&rest[..start]));
                pieces.push(Piece::Text("${"));
                pieces.push(Piece::Text(&rest[start + 3..start + length + 1]));
            }
            None => {
                pieces.push(Piece::Text(&rest[..start]));
                pieces.push(Piece::Name(name.trim()));
            }
        }
        rest = &rest[start + length + 1..];
    }
    pieces.push(Piece::Text(rest));
    pieces.retain(|piece| *piece != Piece::Text(""));
    pieces
}

/// What a value refers to: names of parameters, resources, pseudo parameters; with the attribute for a GetAtt.
pub fn references(value: &Value) -> Vec<(String, Option<String>)> {
    let mut found = Vec::new();
    collect(value, &mut found);
    found
}

fn collect(value: &Value, found: &mut Vec<(String, Option<String>)>) {
    match call(value) {
        Some(("Ref", Value::String(name))) => found.push((name.clone(), None)),
        Some(("Fn::GetAtt", argument)) => {
            if let Some((resource, attribute)) = get_att(argument) {
                found.push((resource, Some(attribute)));
            }
        }
        Some(("Fn::Sub", argument)) => {
            let (text, variables) = sub_argument(argument);
            for piece in sub_pieces(text) {
                if let Piece::Name(name) = piece
                    && !variables.is_some_and(|map| map.contains_key(name))
                {
                    match name.split_once('.') {
                        Some((resource, attribute)) => found.push((resource.into(), Some(attribute.into()))),
                        None => found.push((name.into(), None)),
                    }
                }
            }
            variables.into_iter().flat_map(|map| map.values()).for_each(|value| collect(value, found));
        }
        _ => match value {
            Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
            Value::Object(map) => map.values().for_each(|value| collect(value, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        },
    }
}

/// The text and the variables of a Sub.
pub fn sub_argument(argument: &Value) -> (&str, Option<&Map<String, Value>>) {
    match argument {
        Value::Array(parts) => {
            (parts.first().and_then(Value::as_str).unwrap_or(""), parts.get(1).and_then(Value::as_object))
        }
        _ => (argument.as_str().unwrap_or(""), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn tags_become_the_long_form() {
        let template = parse(
            "Resources:\n  A:\n    Type: AWS::S3::Bucket\n    Version: 2012-10-17\n    P: !Sub '${B.Arn}-x'\n    \
             G: !GetAtt B.Endpoint.Address\n    I: !If [C, !Ref X, !Ref 'AWS::NoValue']\n    D: {'Fn::Join': ['', [1, true]]}\n",
        )
        .unwrap();
        assert_eq!(
            template["Resources"]["A"],
            json!({"Type": "AWS::S3::Bucket", "Version": "2012-10-17", "P": {"Fn::Sub": "${B.Arn}-x"},
                   "G": {"Fn::GetAtt": ["B", "Endpoint.Address"]},
                   "I": {"Fn::If": ["C", {"Ref": "X"}, {"Ref": "AWS::NoValue"}]},
                   "D": {"Fn::Join": ["", [1, true]]}})
        );
    }

    #[test]
    fn broken_texts_say_where() {
        assert_eq!(parse("{\"a\": }").unwrap_err(), "Template format error: JSON not well-formed. (line 1, column 7)");
        assert!(
            parse("a:\n  - b\n c: d").unwrap_err().starts_with("Template format error: YAML not well-formed. (line 3")
        );
        assert_eq!(parse("just words").unwrap_err(), "Template format error: unsupported structure.");
        assert!(parse("").is_err());
    }

    #[test]
    fn sub_texts_come_apart() {
        use Piece::{Name, Text};
        assert_eq!(
            sub_pieces("a${B}c${!D}${E.F}"),
            [Text("a"), Name("B"), Text("c"), Text("${"), Text("D}"), Name("E.F")]
        );
        assert_eq!(sub_pieces("${open"), [Text("${open")]);
    }

    #[test]
    fn references_are_found_everywhere() {
        let value = json!({"a": [{"Ref": "P"}, {"Fn::Sub": ["${X}${Y.Z}", {"X": {"Fn::GetAtt": ["R", "Arn"]}}]}], "Ref": "not a call", "b": 1});
        let mut found = references(&value);
        found.sort();
        assert_eq!(found, [("P".into(), None), ("R".into(), Some("Arn".into())), ("Y".into(), Some("Z".into()))]);
    }
}
