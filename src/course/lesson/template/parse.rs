//! Finding the references of a template.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

use super::types::{Reference, TemplateError, suggestion};

/// A piece of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Part<'t> {
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

/// Counts the pieces of a text that are written alike, so that each is told of where it stands.
#[derive(Debug, Default)]
pub struct Occurrences {
    seen: BTreeMap<String, usize>,
}

impl Occurrences {
    /// Returns which of the pieces that are written so comes next, from 0.
    pub fn next(&mut self, text: &str, piece: &str) -> usize {
        let seen = self.seen.entry(piece.to_owned()).or_default();
        *seen += 1;
        counting(text, piece, *seen - 1)
    }

    /// Returns the piece of a text that an error is about, and which of those that are written so; None where it is about
    /// all of the text.
    pub fn of(&mut self, error: &TemplateError, text: &str) -> Option<(String, usize)> {
        let piece = error.snippet()?;
        let nth = if let TemplateError::BadPlace { nth, .. } = error {
            counting(text, &piece, *nth)
        } else {
            self.next(text, &piece)
        };
        Some((piece, nth))
    }
}

/// Returns which of the pieces that are written so is the `wanted`-th that counts, both from 0: one after a `$` is only text.
fn counting(text: &str, piece: &str, wanted: usize) -> usize {
    let all = text.match_indices(piece).enumerate();
    let mut counting = all.filter(|(_, (at, _))| !text[..*at].ends_with('$')).map(|(nth, _)| nth);
    counting.nth(wanted).unwrap_or(0)
}

/// Returns the names in a text for people that look like references and are none: such a text may hold any `${…}`,
/// a shell's or a language's own, so only what has a dot and nearly is a name counts.
pub fn misspelt(text: &str) -> Vec<String> {
    let (_, errors) = parse(text);
    let names = errors.into_iter().filter_map(|error| match error {
        TemplateError::Unknown(name) => Some(name),
        _ => None,
    });
    names.filter(|name| name.contains('.') && suggestion(name).is_some()).collect()
}

/// Returns what in a text was meant as a reference and is none: `$outputs.Url`, `{{outputs.Url}}`.
pub fn unmarked(text: &str) -> Vec<TemplateError> {
    static MEANT: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r"(?:^|[^$])(\$(?:outputs|capture|generate)\.\w+|\{\{ ?(?:outputs|capture|generate|cluster)\.\w+ ?\}\})",
        )
        .expect("tested")
    });
    // Most texts hold none, and the pattern takes longer to make than to read a whole course.
    if !["$outputs.", "$capture.", "$generate.", "{{"].iter().any(|begin| text.contains(begin)) {
        return Vec::new();
    }
    MEANT.captures_iter(text).map(|found| TemplateError::Unmarked(found[1].to_owned())).collect()
}

/// Parts a template into text and references; those that name nothing, or never end, are errors.
pub(super) fn parse(text: &str) -> (Vec<Part<'_>>, Vec<TemplateError>) {
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
