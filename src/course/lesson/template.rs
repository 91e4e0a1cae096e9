//! `${…}` references: finding them, and putting values in their place so that no value can be
//! anything but a value there.
//!
//! Invariant: whatever a value holds, the SQL, JSON or shell line around it means the same. A place
//! where that cannot be promised (inside quotes, in a here-document) is an error of the lesson, found
//! before anything runs, and not a matter of the value.

use serde_json::Value;

use super::model::Template;
use workshop_base::problem::Problem;

use context::Quoting;

mod context;

/// What a template becomes, and so how its values are quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// SQL: a value becomes a literal, `'it''s'`.
    Sql,
    /// JSON: a value becomes a JSON value; inside a string, part of it. A string that is nothing but
    /// one reference takes the value's own type: `"${capture.n}"` can become `90`.
    Json,
    /// A `sh -c` line: a value becomes a quoted word.
    Shell,
    /// Text that nothing interprets.
    Plain,
}

/// What a reference names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reference {
    /// An output of the stack, `outputs.KEY`.
    Output(String),
    ClusterEndpoint,
    ClusterIdentifier,
    Region,
    Account,
    Stack,
    Function,
    /// Something that a check kept, `capture.NAME`.
    Capture(String),
}

/// All names that a reference can have, as written for people.
pub const NAMES: [&str; 8] =
    ["outputs.KEY", "cluster.endpoint", "cluster.identifier", "region", "account", "stack", "function", "capture.NAME"];

/// What is wrong with a template, or with putting a value into it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// With the rest of its line.
    #[error("`${{` is never closed")]
    Unclosed(String),
    #[error("`${{{0}}}` names nothing")]
    Unknown(String),
    #[error("`${{{name}}}` stands {place}")]
    BadPlace { name: String, place: &'static str, fix: &'static str },
    #[error("`${{{0}}}` has no value yet")]
    NoValue(String),
    #[error("the value of `${{{name}}}` {why}")]
    Unfit { name: String, why: &'static str },
    /// With the text where reading stopped, when it is part of the template.
    #[error("the payload is not JSON: {why}")]
    NotJson { why: String, near: Option<String> },
}

impl TemplateError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        match self {
            TemplateError::Unclosed(_) => "close it with `}`, or write `$${` for a literal `${`".into(),
            TemplateError::Unknown(name) => match suggestion(name) {
                Some(near) => format!("did you mean `{near}`? A literal `${{` is written `$${{`"),
                None => format!("there are {}; a literal `${{` is written `$${{`", NAMES.join(", ")),
            },
            TemplateError::BadPlace { fix, .. } => (*fix).into(),
            TemplateError::NoValue(name) if name.starts_with("outputs.") => {
                "deploy the stack first, and see that its template has this output".into()
            }
            TemplateError::NoValue(name) if name.starts_with("capture.") => {
                "run the check that captures it first".into()
            }
            TemplateError::NoValue(_) => "deploy the stack first".into(),
            TemplateError::Unfit { .. } => "look at where the value comes from".into(),
            TemplateError::NotJson { .. } => "write the payload as JSON; references may stand for whole values".into(),
        }
    }

    /// The piece of the template that it is about, as written.
    pub fn snippet(&self) -> Option<String> {
        match self {
            TemplateError::Unclosed(rest) => Some(rest.clone()),
            TemplateError::Unknown(name)
            | TemplateError::NoValue(name)
            | TemplateError::BadPlace { name, .. }
            | TemplateError::Unfit { name, .. } => Some(format!("${{{name}}}")),
            TemplateError::NotJson { near, .. } => near.clone(),
        }
    }
}

impl From<TemplateError> for Problem {
    fn from(error: TemplateError) -> Problem {
        Problem::failed(&error).hint(error.hint())
    }
}

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part<'t> {
    Text(std::borrow::Cow<'t, str>),
    Value { name: &'t str, reference: Reference },
}

/// The references of a template, in order. Malformed ones are left out: `check` reports them.
pub fn references(text: &str) -> Vec<Reference> {
    let (parts, _) = parse(text);
    parts
        .into_iter()
        .filter_map(|part| match part {
            Part::Value { reference, .. } => Some(reference),
            Part::Text(_) => None,
        })
        .collect()
}

/// Everything that is wrong with a template before any value is known.
pub fn check(text: &str, place: Place) -> Vec<TemplateError> {
    let (parts, mut errors) = parse(text);
    let well_formed = errors.is_empty();
    errors.extend(places(&parts, place).into_iter().filter_map(Result::err));
    if place == Place::Json && well_formed && errors.is_empty() {
        let sample = fill(&parts, place, |_| Some(Value::from(0)));
        if let Some(error) = sample.ok().and_then(|json| serde_json::from_str::<Value>(&json).err()) {
            errors.push(not_json(text, &error));
        }
    }
    errors
}

/// The text with every reference replaced by its value, quoted for the place it goes to.
pub fn render(
    template: &Template,
    place: Place,
    lookup: impl Fn(&Reference) -> Option<Value>,
) -> Result<String, TemplateError> {
    let (parts, errors) = parse(&template.0);
    match errors.into_iter().next() {
        Some(error) => Err(error),
        None => fill(&parts, place, lookup),
    }
}

impl Template {
    /// SQL for a person to read before it is sent: the stack's outputs quoted as they will be, one that is not known
    /// yet by its name, `'<KEY>'`. With any other reference in it, it is shown as it is written.
    pub fn shown_as_sql(&self, output: impl Fn(&str) -> Option<String>) -> String {
        let lookup = |reference: &Reference| match reference {
            Reference::Output(key) => Some(output(key).unwrap_or_else(|| format!("<{key}>")).into()),
            _ => None,
        };
        render(self, Place::Sql, lookup).unwrap_or_else(|_| self.0.clone())
    }
}

/// A JSON value with the references in its strings replaced. A string that is nothing but one
/// reference takes the value's own type.
pub fn render_value(value: &Value, lookup: &impl Fn(&Reference) -> Option<Value>) -> Result<Value, TemplateError> {
    Ok(match value {
        Value::String(text) => match parse(text).0.as_slice() {
            [Part::Value { name, reference }] => {
                lookup(reference).ok_or_else(|| TemplateError::NoValue((*name).to_owned()))?
            }
            _ => Value::String(render(&Template(text.clone()), Place::Plain, lookup)?),
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

fn parse(text: &str) -> (Vec<Part<'_>>, Vec<TemplateError>) {
    let mut parts = Vec::new();
    let mut errors = Vec::new();
    let mut rest = text;
    let mut literal = String::new();
    while let Some(at) = rest.find("${") {
        if rest[..at].ends_with('$') {
            literal.push_str(&rest[..at]);
            literal.push('{');
            rest = &rest[at + 2..];
            continue;
        }
        literal.push_str(&rest[..at]);
        let inner = &rest[at + 2..];
        let Some(end) = inner.find(['}', '\n']).filter(|&end| inner[end..].starts_with('}')) else {
            let line = rest[at..].lines().next().unwrap_or("${");
            errors.push(TemplateError::Unclosed(line.to_owned()));
            literal.push_str("${");
            rest = inner;
            continue;
        };
        let name = &inner[..end];
        match Reference::parse(name) {
            Some(reference) => {
                if !literal.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut literal).into()));
                }
                parts.push(Part::Value { name, reference });
            }
            None => errors.push(TemplateError::Unknown(name.to_owned())),
        }
        rest = &inner[end + 1..];
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        parts.push(Part::Text(literal.into()));
    }
    (parts, errors)
}

impl Reference {
    /// What a name between `${` and `}` refers to.
    pub fn parse(name: &str) -> Option<Reference> {
        let word = |s: &str| !s.is_empty() && s.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        Some(match name {
            "cluster.endpoint" => Reference::ClusterEndpoint,
            "cluster.identifier" => Reference::ClusterIdentifier,
            "region" => Reference::Region,
            "account" => Reference::Account,
            "stack" => Reference::Stack,
            "function" => Reference::Function,
            _ => match name.split_once('.')? {
                ("outputs", key) if word(key) => Reference::Output(key.to_owned()),
                ("capture", key) if word(key) => Reference::Capture(key.to_owned()),
                _ => return None,
            },
        })
    }
}

fn suggestion(name: &str) -> Option<String> {
    let (head, tail) = name.split_once('.').unwrap_or((name, ""));
    let known = NAMES.map(|n| n.split_once('.').map_or((n, ""), |(head, tail)| (head, tail)));
    known
        .iter()
        .map(|&(known_head, known_tail)| match known_tail {
            "KEY" | "NAME" => format!("{known_head}.{}", if tail.is_empty() { known_tail } else { tail }),
            "" => known_head.to_owned(),
            _ => format!("{known_head}.{known_tail}"),
        })
        .map(|near| (strsim::damerau_levenshtein(&near, name), near))
        .filter(|(distance, _)| *distance <= 3.max(head.len() / 3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, near)| near)
}

/// How each reference of a template is to be quoted, in order.
fn places(parts: &[Part<'_>], place: Place) -> Vec<Result<Quoting, TemplateError>> {
    let pieces = parts.iter().map(|part| match part {
        Part::Text(text) => Ok(text.as_ref()),
        Part::Value { name, .. } => Err(*name),
    });
    let pieces: Vec<_> = pieces.collect();
    match place {
        Place::Plain => pieces.iter().filter(|p| p.is_err()).map(|_| Ok(Quoting::Bare)).collect(),
        Place::Sql => context::sql(&pieces),
        Place::Shell => context::shell(&pieces),
        Place::Json => context::json(&pieces),
    }
}

fn fill(
    parts: &[Part<'_>],
    place: Place,
    lookup: impl Fn(&Reference) -> Option<Value>,
) -> Result<String, TemplateError> {
    let mut quotings = places(parts, place).into_iter();
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
        Quoting::JsonString => {
            let quoted = Value::String(text).to_string();
            Ok(quoted[1..quoted.len() - 1].to_owned())
        }
        Quoting::JsonValue | Quoting::JsonWhole => Ok(value.to_string()),
    }
}

#[cfg(test)]
mod tests;
