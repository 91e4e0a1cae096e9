//! A failure's record as rows: the same for a step's card and for the checks.

use std::borrow::Cow;

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::json;
use super::spans::{display_text, span};
use crate::record::{self, Advice, FieldRole};
use crate::tui::model::Model;
use crate::tui::{theme, wrap};
use workshop_engine::event::{Failure, Verdict};

/// Rows of output shown of a record at most.
const OUTPUT: usize = 12;

/// The tone in which a record is told: a failure that was meant to be is no alarm, and has nothing to be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Failed,
    AsExpected,
}

impl Tone {
    /// Returns the tone for a verdict.
    pub fn of(verdict: Option<Verdict>) -> Tone {
        if verdict == Some(Verdict::FailedAsExpected) { Tone::AsExpected } else { Tone::Failed }
    }
}

/// What is told of a record: what was expected, what came and what to do; or the rest of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordPart {
    Brief,
    /// The first without what was expected.
    Came,
    Rest,
}

/// Returns the rows of a part of a record.
pub fn lines(m: &Model, failure: &Failure, width: usize, tone: Tone, part: RecordPart) -> Vec<Line<'static>> {
    let mut out = Vec::new();
    let told = |role: FieldRole| match part {
        RecordPart::Brief => role.is_brief(),
        RecordPart::Came => role.is_brief() && role != FieldRole::Expected,
        RecordPart::Rest => !role.is_brief(),
    };
    for field in record::fields(failure, Advice::Own(m.chapter())).iter().filter(|f| told(f.role)) {
        match field.role {
            // What is amiss when it fails by itself says nothing of a failure that was meant to be.
            FieldRole::Author if tone == Tone::AsExpected => {}
            FieldRole::Author => {
                let words = display_text(m, &m.progress.filled(&m.course, &field.text)).into_owned();
                out.push(Line::default());
                out.extend(m.prose.lines(&words, width, &m.known));
                out.push(Line::default());
            }
            FieldRole::Output => out.extend(output(m, width, &m.progress.in_project(&field.text))),
            FieldRole::Expected if tone == Tone::AsExpected => {
                out.extend(labelled(m, width, "wants", &field.text, theme::TEXT));
            }
            FieldRole::Actual => {
                let style = if tone == Tone::AsExpected { theme::EXPECTED } else { theme::BAD };
                out.extend(labelled(m, width, &field.name, &readable(&m.progress.in_project(&field.text)), style));
                // The database's own hint is in what the function has printed, far below.
                let hint = hint(failure).unwrap_or_default();
                out.extend(labelled(m, width, "hint", &hint, style));
            }
            FieldRole::Lesson => {
                out.extend(labelled(m, width, &field.name, in_course(m, &field.text), theme::TEXT));
            }
            role => out.extend(labelled(m, width, &field.name, &field.text, style(role))),
        }
    }
    out
}

fn style(role: FieldRole) -> Style {
    match role {
        FieldRole::Expected => theme::GOOD,
        FieldRole::Actual => theme::BAD,
        FieldRole::ByHand => theme::CODE,
        FieldRole::Advice | FieldRole::Author | FieldRole::Lesson | FieldRole::Attempt | FieldRole::Output => {
            theme::TEXT
        }
    }
}

/// Finds the hint that came with an error which the function passes on without it.
fn hint(failure: &Failure) -> Option<String> {
    let lines = failure.output.iter().flat_map(|line| json::log_lines(line));
    let hint = lines.filter_map(|line| line.trim().strip_prefix("hint: ").map(str::to_owned)).next_back()?;
    (!failure.actual.contains(hint.as_str())).then_some(hint)
}

/// A place in the lessons by its name in the course: where the course is kept says nothing to who takes it.
fn in_course<'a>(m: &Model, place: &'a str) -> &'a str {
    let course = m.course.lessons.parent().map(|dir| format!("{}/", dir.display()));
    course.filter(|dir| dir.len() > 1).and_then(|dir| place.strip_prefix(dir.as_str())).unwrap_or(place)
}

/// The last lines of the output, and how many stand before them.
fn output(m: &Model, width: usize, text: &str) -> Vec<Line<'static>> {
    let lines: Vec<String> = text.lines().flat_map(json::log_lines).collect();
    let skipped = lines.len().saturating_sub(OUTPUT);
    let before = format!("… {skipped} lines before; the log has them");
    let first = (skipped > 0).then(|| labelled(m, width, "output", &before, theme::DIM)).into_iter().flatten();
    let shown = lines.iter().skip(skipped).enumerate().flat_map(|(i, line)| {
        labelled(m, width, if i == 0 && skipped == 0 { "output" } else { "" }, line, theme::TEXT)
    });
    first.chain(shown).collect()
}

/// What came, with an answer in JSON as lines that can be read, its sentences first.
fn readable(text: &str) -> Cow<'_, str> {
    let document = text.find('{').filter(|at| serde_json::from_str::<serde_json::Value>(&text[*at..]).is_ok());
    match document {
        Some(at) => {
            let lines = json::lines(&text[at..]);
            let gap = if at > 0 && lines.len() > 1 { "\n" } else { "" };
            format!("{}{gap}{}", &text[..at], lines.join("\n")).into()
        }
        None => text.into(),
    }
}

/// One field of the record: its name before the first row, the others below its text.
fn labelled(m: &Model, width: usize, name: &str, text: &str, style: Style) -> Vec<Line<'static>> {
    let shown = display_text(m, text);
    let text = wrap::expand_tabs(&shown);
    let rows = text.lines().enumerate();
    rows.flat_map(|(i, line)| {
        // What is indented stays so, in all of its rows.
        let indent = (line.len() - line.trim_start().len()).min(width / 4);
        let first = span(format!("{:<wide$}", if i == 0 { name } else { "" }, wide = 10 + indent), theme::DIM);
        let rest = Span::raw(" ".repeat(10 + indent));
        wrap::words(&[span(line.trim_start(), style)], width, &first, &rest)
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::readable;

    #[test]
    fn an_answer_inside_what_came_is_read_from_its_sentence_on() {
        let came = r#"the function answered {"statusCode":500,"message":"access denied, and the reason for it","trace":["a","b"]}"#;
        let shown = readable(came);
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines[..2], ["the function answered ", "message: access denied, and the reason for it"]);
        assert!(lines.contains(&"  \"statusCode\": 500,"), "{lines:?}");
        assert_eq!(readable("exit code 1 {no json"), "exit code 1 {no json");
    }
}
