//! YAML as CloudFormation takes it, read into JSON values with intrinsic functions in their long form.
//!
//! The parser is asked for one event after another, so that a text's depth is known before it is read to its
//! end. Aliases are refused, as CloudFormation does: what is read is no larger than what was written.

use saphyr_parser::{Event, Parser, ScalarStyle, Span, StrInput, Tag};
use serde_json::{Map, Number, Value};

/// The deepest that a template's lists and maps may be nested. CloudFormation does not tell its own bound; what the CDK
/// writes is some twenty deep. All that walks over templates recurses as deep as this.
pub(super) const MAX_DEPTH: usize = 100;

/// Words the refusal of a template that is nested too deep.
pub(super) fn too_deep() -> String {
    format!("Template format error: lists and maps are nested more than {MAX_DEPTH} deep")
}

/// Reads the first document of a text; `Null` when there is none.
///
/// # Errors
/// CloudFormation's sentence, with the place (both from 1), for what is no YAML, holds an alias or a second
/// document, gives a key twice, or is nested deeper than [`MAX_DEPTH`].
pub(super) fn read(text: &str) -> Result<Value, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader { events: Parser::new_from_str(text), depth: 0 };
    let mut root = None;
    loop {
        match reader.next()? {
            (Event::StreamEnd, _) => return Ok(root.unwrap_or(Value::Null)),
            (Event::DocumentStart(_), span) if root.is_some() => return Err(malformed(span)),
            (Event::DocumentStart(_), _) => {
                let first = reader.next()?;
                root = Some(reader.value(first)?);
            }
            _ => {}
        }
    }
}

type At<'a> = (Event<'a>, Span);

struct Reader<'a> {
    events: Parser<'a, StrInput<'a>>,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<At<'a>, String> {
        match self.events.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => Err(malformed(Span::new(*error.marker(), *error.marker()))),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn value(&mut self, (event, span): At<'a>) -> Result<Value, String> {
        let (value, tag) = match event {
            Event::Scalar(text, style, _, tag) => (scalar(&text, style, tag.as_deref()), tag),
            Event::SequenceStart(_, tag) => (self.within(Self::list)?, tag),
            Event::MappingStart(_, tag) => (self.within(Self::map)?, tag),
            Event::Alias(_) => {
                return Err("Template error: YAML aliases are not allowed in CloudFormation templates".into());
            }
            _ => return Err(malformed(span)),
        };
        Ok(match tag.filter(|tag| tag.handle == "!" && !tag.suffix.is_empty()) {
            Some(tag) => long_form(&tag.suffix, value),
            None => value,
        })
    }

    fn within(&mut self, read: impl Fn(&mut Self) -> Result<Value, String>) -> Result<Value, String> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(too_deep());
        }
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn list(&mut self) -> Result<Value, String> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Value::Array(items)),
                event => items.push(self.value(event)?),
            }
        }
    }

    fn map(&mut self) -> Result<Value, String> {
        let mut entries = Map::new();
        loop {
            let (name, span) = match self.next()? {
                (Event::MappingEnd, _) => return Ok(Value::Object(entries)),
                (Event::Scalar(name, ..), span) => (name.into_owned(), span),
                _ => {
                    return Err("Template format error: map keys must be strings; received a structure instead".into());
                }
            };
            let event = self.next()?;
            let value = self.value(event)?;
            if entries.insert(name, value).is_some() {
                return Err(malformed(span));
            }
        }
    }
}

fn malformed(span: Span) -> String {
    let at = span.start;
    format!("Template format error: YAML not well-formed. (line {}, column {})", at.line(), at.col() + 1)
}

/// Reads a scalar: a text, unless it has no quotes and reads as null, a truth value or a number.
fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Value {
    let texted = tag.is_some_and(|tag| tag.is_yaml_core_schema() && tag.suffix == "str");
    if style != ScalarStyle::Plain || texted {
        return Value::String(text.to_owned());
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => number(text).map_or_else(|| Value::String(text.to_owned()), Value::Number),
    }
}

fn number(text: &str) -> Option<Number> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return None;
    }
    for (prefix, radix) in [("0x", 16), ("0o", 8)] {
        if let Some(rest) = digits.strip_prefix(prefix) {
            let negative = text.starts_with('-');
            return i64::from_str_radix(rest, radix).ok().map(|n| if negative { -n } else { n }.into());
        }
    }
    // An account's number may begin with a zero: that is its name, and no number.
    if digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let whole = text.strip_prefix('+').unwrap_or(text);
    if let Ok(number) = whole.parse::<i64>() {
        return Some(number.into());
    }
    if let Ok(number) = whole.parse::<u64>() {
        return Some(number.into());
    }
    let fraction = digits.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte))
        && digits.bytes().any(|byte| byte.is_ascii_digit());
    whole.parse().ok().filter(|_| fraction).and_then(Number::from_f64)
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn scalars_mean_what_they_mean_in_a_template() {
        let text = "[~, , true, False, 'true', 12, -3, +4, 0x1f, 0o17, 012345678901, 1.5, .5, 1e3, 1.2.3, 2012-10-17, \
                    99999999999999999999x, \"7\", !!str 8, a: b]";
        let items = read(&text.replace(", ,", ", null,")).unwrap();
        assert_eq!(
            items,
            json!([
                null, null, true, false, "true", 12, -3, 4, 31, 15, "012345678901", 1.5, 0.5, 1000.0, "1.2.3", "2012-10-17",
                "99999999999999999999x", "7", "8", {"a": "b"}
            ])
        );
    }

    #[test]
    fn what_a_template_may_not_hold_is_refused_in_its_words() {
        assert_eq!(
            read("a: &x [1]\nb: *x").unwrap_err(),
            "Template error: YAML aliases are not allowed in CloudFormation templates"
        );
        assert_eq!(read("a: 1\na: 2").unwrap_err(), "Template format error: YAML not well-formed. (line 2, column 1)");
        assert!(read("a: 1\n---\nb: 2").unwrap_err().contains("not well-formed"));
        assert!(read("[a]: 1").unwrap_err().contains("map keys must be strings"));
    }

    #[test]
    fn depth_is_known_before_the_end() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(read(&nested(MAX_DEPTH)).is_ok());
        assert!(read(&nested(MAX_DEPTH + 1)).unwrap_err().contains("nested"));
        // Never closed, and in blocks.
        assert!(read(&"[".repeat(60_000)).is_err());
        assert!(read(&"- ".repeat(2_000)).is_err());
    }
}
