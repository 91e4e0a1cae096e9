//! The record of a failure, field by field: the names and the order that every front end shows it by.
//!
//! Invariant: the texts are as they came from outside; whoever shows them makes them safe for its medium.

use std::borrow::Cow;

use workshop_base::duration::took;
use workshop_course::lesson::model::Chapter;
use workshop_engine::event::{Attempt, Failure};

/// Tells what a field of the record is about; a front end colours it, or leaves it out, by this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldRole {
    /// The lesson wanted this.
    Expected,
    /// This came, with the SQLSTATE where the text does not name it.
    Actual,
    /// The next thing to do.
    Advice,
    /// A command line that shows the same.
    ByHand,
    /// The author's words, in Markdown.
    Author,
    /// The place in the lesson.
    Lesson,
    /// One attempt, or several in a row that ended the same way.
    Attempt,
    /// The last lines of output.
    Output,
}

impl FieldRole {
    /// Returns true for what a short record shows: what was expected, what came, what to do and how to see it by hand.
    pub fn is_brief(self) -> bool {
        match self {
            FieldRole::Expected | FieldRole::Actual | FieldRole::Advice | FieldRole::ByHand => true,
            FieldRole::Author | FieldRole::Lesson | FieldRole::Attempt | FieldRole::Output => false,
        }
    }
}

/// One field of the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordField<'a> {
    pub role: FieldRole,
    /// `expected`, `to do`, `tries 1-10`, …; several pieces of advice have the same.
    pub name: Cow<'static, str>,
    /// One line or more.
    pub text: Cow<'a, str>,
}

/// Selects the advice that a record carries.
#[derive(Debug, Clone, Copy)]
pub enum Advice<'a> {
    /// Everything: a report is read when nobody can ask for the next hint.
    All,
    /// The program's own words; the hints of this chapter's author are given one by one when asked for.
    Own(Option<&'a Chapter>),
}

/// Returns the fields of a failure in the order in which they are shown; none of them is empty.
pub fn fields<'a>(failure: &'a Failure, advice: Advice<'a>) -> Vec<RecordField<'a>> {
    let mut out = Vec::new();
    let mut put = |role, name: Cow<'static, str>, text: Cow<'a, str>| {
        if !text.trim().is_empty() {
            out.push(RecordField { role, name, text });
        }
    };
    put(FieldRole::Expected, "expected".into(), failure.expected.as_str().into());
    put(FieldRole::Actual, "got".into(), actual(failure));
    for words in advised(failure, advice) {
        put(FieldRole::Advice, "to do".into(), words.into());
    }
    put(FieldRole::ByHand, "by hand".into(), failure.reproduce.as_deref().unwrap_or_default().into());
    put(FieldRole::Author, "why".into(), failure.on_fail.as_deref().unwrap_or_default().trim().into());
    if let Some(spot) = &failure.spot {
        put(FieldRole::Lesson, "lesson".into(), format!("{}:{}", spot.file.display(), spot.line).into());
    }
    for (name, text) in attempts(&failure.attempts) {
        put(FieldRole::Attempt, name.into(), text.into());
    }
    put(FieldRole::Output, "output".into(), failure.output.join("\n").into());
    out
}

fn actual(failure: &Failure) -> Cow<'_, str> {
    match &failure.sqlstate {
        Some(state) if !failure.actual.contains(state.as_str()) => {
            format!("{} (SQLSTATE {state})", failure.actual).into()
        }
        _ => failure.actual.as_str().into(),
    }
}

fn advised<'a>(failure: &'a Failure, advice: Advice<'a>) -> Vec<&'a str> {
    match advice {
        Advice::All => failure.hints.iter().map(String::as_str).collect(),
        Advice::Own(Some(chapter)) => failure.advice(chapter).collect(),
        Advice::Own(None) => Vec::new(),
    }
}

/// Names and texts of the attempts, those in a row that ended the same way as one: `tries 1-10`. A single one says
/// nothing that the record does not.
fn attempts(attempts: &[Attempt]) -> Vec<(String, String)> {
    let Some(first) = attempts.first().filter(|_| attempts.len() > 1) else { return Vec::new() };
    let rows = attempts.chunk_by(|a, b| a.actual == b.actual).filter_map(|same| {
        let (from, to) = (same.first()?, same.last()?);
        let name = match same.len() {
            1 => format!("try {}", from.number),
            _ => format!("tries {}-{}", from.number, to.number),
        };
        Some((name, format!("after {}: {}", took(to.at.saturating_sub(first.at)), to.actual)))
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(number: u32, actual: &str) -> Attempt {
        Attempt { number, at: 1_000 * u64::from(number), took_ms: 12, actual: actual.into() }
    }

    #[test]
    fn every_field_is_named_once_and_equal_attempts_are_one() {
        let failure = Failure {
            expected: "balance 90".into(),
            actual: "balance 100".into(),
            sqlstate: Some("40001".into()),
            hints: vec!["deploy again".into(), "look at the UPDATE".into()],
            attempts: vec![attempt(1, "refused"), attempt(2, "refused"), attempt(3, "balance 100")],
            output: vec!["one".into(), "two".into()],
            ..Failure::default()
        };
        let all = fields(&failure, Advice::All);
        let said: Vec<(&str, &str)> = all.iter().map(|f| (&*f.name, &*f.text)).collect();
        let wanted = [
            ("expected", "balance 90"),
            ("got", "balance 100 (SQLSTATE 40001)"),
            ("to do", "deploy again"),
            ("to do", "look at the UPDATE"),
            ("tries 1-2", "after 1.0 s: refused"),
            ("try 3", "after 2.0 s: balance 100"),
            ("output", "one\ntwo"),
        ];
        assert_eq!(said, wanted);
        let brief: Vec<&str> = all.iter().filter(|f| f.role.is_brief()).map(|f| &*f.name).collect();
        assert_eq!(brief, ["expected", "got", "to do", "to do"]);
        assert!(fields(&failure, Advice::Own(None)).iter().all(|f| f.role != FieldRole::Advice));
    }
}
