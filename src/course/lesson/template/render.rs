//! Checking templates, and putting values in the place of their references.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::context::{self, Quoting};
use super::parse::{Part, parse};
use super::types::{Reference, TemplateError, TemplateSyntax};
use crate::lesson::model::Template;

/// What of a value is encoded in an address: all but what RFC 3986 calls unreserved.
const PART: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Everything that is wrong with a template before any value is known.
pub fn check(text: &str, syntax: TemplateSyntax) -> Vec<TemplateError> {
    let (parts, mut errors) = parse(text);
    let well_formed = errors.is_empty();
    errors.extend(misplaced(&parts, syntax));
    if syntax == TemplateSyntax::Json && well_formed && errors.is_empty() {
        let sample = fill(&parts, syntax, |_| Some(Value::from(0)));
        if let Some(error) = sample.ok().and_then(|json| serde_json::from_str::<Value>(&json).err()) {
            errors.push(not_json(text, &error));
        }
    }
    errors
}

/// The text with every reference replaced by its value, quoted for the place it goes to.
///
/// # Errors
/// When a reference names nothing, stands where no value can, has no value, or one that cannot be quoted for its
/// place.
pub fn render(
    template: &Template,
    syntax: TemplateSyntax,
    lookup: impl Fn(&Reference) -> Option<Value>,
) -> Result<String, TemplateError> {
    let (parts, errors) = parse(&template.0);
    match errors.into_iter().next() {
        Some(error) => Err(error),
        None => fill(&parts, syntax, lookup),
    }
}

impl Template {
    /// Returns the text for a person to read before it is sent: what is known quoted as it will be, what is not known yet
    /// by its name, `'<KEY>'` in SQL.
    pub fn shown(&self, syntax: TemplateSyntax, known: impl Fn(&Reference) -> Option<Value>) -> String {
        let named = |reference: &Reference| match reference {
            Reference::Output(key) => format!("<{key}>"),
            other => format!("<{other}>"),
        };
        let lookup = |reference: &Reference| Some(known(reference).unwrap_or_else(|| named(reference).into()));
        render(self, syntax, lookup).unwrap_or_else(|_| self.0.clone())
    }
}

/// Returns a text for people with the references in it filled in: one without a value yet by its name, `<Url>`. Any
/// other `${…}` is left as it stands, a shell's or a language's own; `$${region}` is the text `${region}`.
pub fn in_prose(text: &str, lookup: impl Fn(&Reference) -> Option<String>) -> Cow<'_, str> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let inner = &rest[at + 2..];
        let end = inner.find(['}', '\n']).filter(|&end| inner[end..].starts_with('}'));
        let found = end.and_then(|end| Some((end, Reference::parse(&inner[..end])?)));
        let Some((end, reference)) = found else {
            out.push_str(&rest[..at + 2]);
            rest = inner;
            continue;
        };
        match rest[..at].strip_suffix('$') {
            Some(before) => {
                out.push_str(before);
                out.push_str(&rest[at..=at + 2 + end]);
            }
            None => {
                out.push_str(&rest[..at]);
                let name = &inner[..end];
                let short = name.rsplit_once('.').map_or(name, |(_, short)| short);
                out.push_str(&lookup(&reference).unwrap_or_else(|| format!("<{short}>")));
            }
        }
        rest = &inner[end + 1..];
    }
    if rest.len() == text.len() {
        return Cow::Borrowed(text);
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// A JSON value with the references in its strings replaced. A string that is nothing but one
/// reference takes the value's own type.
///
/// # Errors
/// As [`render`].
pub fn render_value(value: &Value, lookup: &impl Fn(&Reference) -> Option<Value>) -> Result<Value, TemplateError> {
    Ok(match value {
        Value::String(text) => match parse(text).0.as_slice() {
            [Part::Value { name, reference }] => {
                lookup(reference).ok_or_else(|| TemplateError::NoValue((*name).to_owned()))?
            }
            _ => Value::String(render(&Template(text.clone()), TemplateSyntax::Plain, lookup)?),
        },
        Value::Array(items) => items.iter().map(|v| render_value(v, lookup)).collect::<Result<_, _>>()?,
        Value::Object(map) => {
            let entries = map.iter().map(|(k, v)| Ok((k.clone(), render_value(v, lookup)?)));
            Value::Object(entries.collect::<Result<_, _>>()?)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    })
}

fn not_json(text: &str, error: &serde_json::Error) -> TemplateError {
    let why = error.to_string();
    let why = match error.is_eof() {
        true => "it ends too early".to_owned(),
        false => why.split(" at line ").next().unwrap_or(&why).to_owned(),
    };
    // With references filled in, columns are no longer the template's.
    let line = text.lines().nth(error.line().saturating_sub(1)).filter(|_| !text.contains("${"));
    let near = line.and_then(|line| line.get(error.column().saturating_sub(1)..));
    TemplateError::NotJson { why, near: near.filter(|near| !near.is_empty()).map(str::to_owned) }
}

/// The references that stand where no value can, each by which of its name it is.
fn misplaced(parts: &[Part<'_>], syntax: TemplateSyntax) -> Vec<TemplateError> {
    let names = parts.iter().filter_map(|part| match part {
        Part::Value { name, .. } => Some(*name),
        Part::Text(_) => None,
    });
    let names: Vec<&str> = names.collect();
    let errors = places(parts, syntax).into_iter().enumerate().filter_map(|(at, place)| {
        let mut error = place.err()?;
        if let TemplateError::BadPlace { name, nth, .. } = &mut error {
            *nth = names.iter().take(at).filter(|earlier| **earlier == name.as_str()).count();
        }
        Some(error)
    });
    errors.collect()
}

/// Returns how each reference of a template is to be quoted, in order.
fn places(parts: &[Part<'_>], syntax: TemplateSyntax) -> Vec<Result<Quoting, TemplateError>> {
    let pieces = parts.iter().map(|part| match part {
        Part::Text(text) => Ok(text.as_ref()),
        Part::Value { name, .. } => Err(*name),
    });
    let pieces: Vec<_> = pieces.collect();
    match syntax {
        TemplateSyntax::Plain => pieces.iter().filter(|p| p.is_err()).map(|_| Ok(Quoting::Bare)).collect(),
        TemplateSyntax::Sql => context::sql(&pieces),
        TemplateSyntax::Shell => context::shell(&pieces),
        TemplateSyntax::Json => context::json(&pieces),
        TemplateSyntax::Url => context::url(&pieces),
    }
}

fn fill(
    parts: &[Part<'_>],
    syntax: TemplateSyntax,
    lookup: impl Fn(&Reference) -> Option<Value>,
) -> Result<String, TemplateError> {
    let mut quotings = places(parts, syntax).into_iter();
    let mut out = String::new();
    // A whole-string reference takes the quotes around it with it.
    let mut drop_quote = false;
    for part in parts {
        match part {
            Part::Text(text) => out.push_str(&text[usize::from(std::mem::take(&mut drop_quote))..]),
            Part::Value { name, reference } => {
                let quoting = quotings.next().unwrap_or(Ok(Quoting::Bare))?;
                let value = lookup(reference).ok_or_else(|| TemplateError::NoValue((*name).to_owned()))?;
                if quoting == Quoting::JsonWhole {
                    out.pop();
                    drop_quote = true;
                }
                let quoted = quote(&value, quoting);
                out.push_str(&quoted.map_err(|why| TemplateError::Unfit { name: (*name).to_owned(), why })?);
            }
        }
    }
    Ok(out)
}

fn quote(value: &Value, quoting: Quoting) -> Result<String, &'static str> {
    if matches!(quoting, Quoting::JsonValue | Quoting::JsonWhole) {
        return Ok(value.to_string());
    }
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        Value::Null => return Err("is null"),
        Value::Array(_) | Value::Object(_) => return Err("is not a single value"),
    };
    if text.contains('\0') {
        return Err("holds a NUL character");
    }
    match quoting {
        Quoting::Bare => Ok(text),
        Quoting::SqlLiteral => Ok(workshop_base::sql::quote_literal(&text)),
        Quoting::CommandArgument if text.contains(['\n', '\r', '\\']) => {
            Err("holds a line break or a backslash, which a backslash command cannot take")
        }
        Quoting::CommandArgument => Ok(format!("'{}'", text.replace('\'', "''"))),
        Quoting::ShellWord => Ok(workshop_base::text::shell_quoted(&text)),
        Quoting::UrlBase => match text.strip_prefix("https://").or(text.strip_prefix("http://")) {
            Some(rest) if !rest.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control()) => {
                Ok(text.trim_end_matches('/').to_owned())
            }
            _ => Err("is not a web address"),
        },
        Quoting::UrlHost if text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-')) => Ok(text),
        Quoting::UrlHost => Err("is neither a host nor a port"),
        Quoting::UrlPart => Ok(utf8_percent_encode(&text, PART).to_string()),
        Quoting::JsonString => {
            let quoted = Value::String(text).to_string();
            Ok(quoted[1..quoted.len() - 1].to_owned())
        }
        Quoting::JsonValue | Quoting::JsonWhole => Ok(value.to_string()),
    }
}
