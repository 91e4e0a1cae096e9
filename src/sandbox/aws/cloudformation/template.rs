//! Templates as text become JSON values in the long form of every intrinsic function.
//!
//! JSON and YAML go in; `!Ref x` and its like come out as `{"Ref": "x"}`. Whether a template makes sense is
//! [`super::validate`]'s business.

use serde_json::{Map, Value};

use super::yaml::{self, MAX_DEPTH, too_deep};

/// Largest template in a request body, in bytes, and the largest by URL: CloudFormation's limits.
pub(crate) const MAX_INLINE: usize = 51_200;
pub(crate) const MAX_STORED: usize = 1_048_576;

/// Parses a template.
///
/// # Errors
/// CloudFormation's sentence, with the place, for what is neither JSON nor YAML, no map, or deeper than [`MAX_DEPTH`].
pub(crate) fn parse(text: &str) -> Result<Value, String> {
    let value = if text.trim_start().starts_with('{') {
        let value = serde_json::from_str(text).map_err(|error| {
            format!("Template format error: JSON not well-formed. (line {}, column {})", error.line(), error.column())
        })?;
        if depth(&value) > MAX_DEPTH {
            return Err(too_deep());
        }
        value
    } else {
        yaml::read(text)?
    };
    match value {
        Value::Object(_) => Ok(value),
        _ => Err("Template format error: unsupported structure.".into()),
    }
}

/// Counts how deep lists and maps are nested; serde_json reads nothing deeper than 128.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(map) => 1 + map.values().map(depth).max().unwrap_or(0),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// A section of a template, empty when it is missing.
pub(crate) fn section<'a>(template: &'a Value, name: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    template.get(name).and_then(Value::as_object).into_iter().flatten()
}

/// The single function call that a value is, if it is one: `("Fn::Sub", argument)`.
pub(crate) fn call(value: &Value) -> Option<(&str, &Value)> {
    let map = value.as_object().filter(|map| map.len() == 1)?;
    let (name, argument) = map.iter().next()?;
    (name == "Ref" || name == "Condition" || name.starts_with("Fn::")).then_some((name.as_str(), argument))
}

/// `Resource` and `Attribute.With.Dots` of a GetAtt's argument.
pub(crate) fn get_att(argument: &Value) -> Option<(String, String)> {
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
pub(crate) enum SubPiece<'a> {
    Text(&'a str),
    Name(&'a str),
}

/// Takes a Sub's text apart; `${!x}` is the literal `${x}`.
pub(crate) fn sub_pieces(text: &str) -> Vec<SubPiece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let Some(length) = rest[start..].find('}') else { break };
        let name = &rest[start + 2..start + length];
        match name.strip_prefix('!') {
            Some(_) => {
                pieces.push(SubPiece::Text(&rest[..start]));
                pieces.push(SubPiece::Text("${"));
                pieces.push(SubPiece::Text(&rest[start + 3..start + length + 1]));
            }
            None => {
                pieces.push(SubPiece::Text(&rest[..start]));
                pieces.push(SubPiece::Name(name.trim()));
            }
        }
        rest = &rest[start + length + 1..];
    }
    pieces.push(SubPiece::Text(rest));
    pieces.retain(|piece| *piece != SubPiece::Text(""));
    pieces
}

/// Lists what a value refers to: names of parameters, resources, pseudo parameters; with the attribute for a GetAtt.
pub(crate) fn references(value: &Value) -> Vec<(String, Option<String>)> {
    let mut found = Vec::new();
    collect(value, &mut found);
    found
}

fn collect(value: &Value, found: &mut Vec<(String, Option<String>)>) {
    match call(value) {
        Some(("Ref", Value::String(name))) => found.push((name.clone(), None)),
        Some(("Fn::GetAtt", argument)) => match (get_att(argument), argument.as_array().map(Vec::as_slice)) {
            (Some((resource, attribute)), _) => found.push((resource, Some(attribute))),
            (None, Some([Value::String(resource), attribute])) => {
                found.push((resource.clone(), None));
                collect(attribute, found);
            }
            (None, _) => {}
        },
        Some(("Fn::Sub", argument)) => {
            let (text, variables) = sub_argument(argument);
            for piece in sub_pieces(text) {
                if let SubPiece::Name(name) = piece
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
pub(crate) fn sub_argument(argument: &Value) -> (&str, Option<&Map<String, Value>>) {
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
        let nested = |depth: usize| format!("{{\"a\": {}{}}}", "[".repeat(depth - 1), "]".repeat(depth - 1));
        assert!(parse(&nested(MAX_DEPTH)).is_ok());
        assert_eq!(parse(&nested(MAX_DEPTH + 1)).unwrap_err(), too_deep());
        assert!(parse(&nested(5_000)).unwrap_err().starts_with("Template format error: JSON not well-formed."));
        assert_eq!(parse("just words").unwrap_err(), "Template format error: unsupported structure.");
        assert!(parse("").is_err());
    }

    #[test]
    fn sub_texts_come_apart() {
        use SubPiece::{Name, Text};
        assert_eq!(
            sub_pieces("a${B}c${!D}${E.F}"),
            [Text("a"), Name("B"), Text("c"), Text("${"), Text("D}"), Name("E.F")]
        );
        assert_eq!(sub_pieces("${open"), [Text("${open")]);
    }

    #[test]
    fn references_are_found_everywhere() {
        let value = json!({"a": [{"Ref": "P"}, {"Fn::Sub": ["${X}${Y.Z}", {"X": {"Fn::GetAtt": ["R", "Arn"]}}]}], "Ref": "not a call",
                           "b": {"Fn::GetAtt": ["S", {"Ref": "Q"}]}});
        let mut found = references(&value);
        found.sort();
        let named = |name: &str, attribute: Option<&str>| (name.to_owned(), attribute.map(str::to_owned));
        assert_eq!(
            found,
            [named("P", None), named("Q", None), named("R", Some("Arn")), named("S", None), named("Y", Some("Z"))]
        );
    }
}
