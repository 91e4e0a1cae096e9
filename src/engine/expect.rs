//! Holds what came against what the lesson wants. Pure: no clock, no world.
//!
//! Every answer that does not hold is told as two lines: what was expected and what came.

use serde_json::Value;

use super::event::{Attempt, Failure, SUCCESS, Verdict};
pub use super::mismatch::Mismatch;
use super::mismatch::compile;
use super::numbers;
use super::values::Values;
use crate::aws::invoke::Invocation;
use workshop_base::problem::{Kind, Problem, Result};
use workshop_course::code::tree::SourceFile;
use workshop_course::lesson::model::{
    ExpectedFailure, FileIs, JsonExpect, JsonIs, LambdaExpect, NumberInText, SqlExpect, StepExpect,
};
use workshop_course::lesson::{file_check, json_path};
use workshop_psql::report::{SqlError, StatementResult};

/// The way that an action came out, before the lesson's `expect` has its say.
#[derive(Debug, Clone, PartialEq)]
pub enum ActionOutcome {
    Done,
    /// It ran and did not come out as it should. `text` is all that an expected failure may match:
    /// message, DETAIL, HINT, output.
    Failed {
        failure: Box<Failure>,
        text: String,
    },
    /// It failed as the lesson declares, as was judged where all of its text was at hand.
    FailedAsDeclared(Box<Failure>),
    /// It could not be run: says nothing about the learner's work.
    Broken(Problem),
    /// The user stopped it.
    Cancelled,
    /// A deploy goes on without us.
    Detached,
}

impl ActionOutcome {
    /// Makes the outcome of a failure that can match by its message and its output.
    pub fn failed(failure: Failure) -> ActionOutcome {
        let text = format!("{}\n{}", failure.actual, failure.output.join("\n"));
        ActionOutcome::Failed { failure: Box::new(failure), text }
    }
}

/// The verdict on an outcome, with the record of what was not as it should be.
/// `None` for a deploy that goes on by itself.
pub fn judge(outcome: ActionOutcome, expect: &StepExpect) -> Option<(Verdict, Option<Failure>)> {
    Some(match (outcome, expect) {
        (ActionOutcome::Detached, _) => return None,
        (ActionOutcome::Done, StepExpect::Success) => (Verdict::Pass, None),
        (ActionOutcome::Done, StepExpect::Failure(wanted)) => {
            let failure = Failure {
                expected: describe(wanted),
                actual: "it succeeded".to_owned(),
                hints: vec![
                    "something is more open than the lesson wants: undo the chapter and take its steps again".into(),
                ],
                ..Failure::default()
            };
            (Verdict::PassedUnexpectedly, Some(failure))
        }
        (ActionOutcome::Failed { failure, text }, StepExpect::Success) => undeclared(*failure, &text),
        (ActionOutcome::Failed { mut failure, text }, StepExpect::Failure(wanted)) => {
            let as_declared = is_declared(wanted, failure.sqlstate.as_deref(), &text);
            failure.expected = describe(wanted);
            if !as_declared {
                return Some(undeclared(*failure, &text));
            }
            tell_declared(&mut failure, &text, wanted);
            (Verdict::FailedAsExpected, Some(*failure))
        }
        (ActionOutcome::FailedAsDeclared(failure), _) => (Verdict::FailedAsExpected, Some(*failure)),
        (ActionOutcome::Broken(problem), _) => (Verdict::Error, Some(record(&problem))),
        (ActionOutcome::Cancelled, _) => (Verdict::Error, Some(given_up(Vec::new()))),
    })
}

/// Records what somebody stopped, after these attempts at it.
pub fn given_up(attempts: Vec<Attempt>) -> Failure {
    Failure {
        kind: Kind::Interrupted,
        expected: "it runs to its end".to_owned(),
        actual: "it was cancelled".to_owned(),
        attempts,
        ..Failure::default()
    }
}

/// Puts the line that the lesson announced first, where what came does not say it: it stands somewhere in the output.
pub fn tell_declared(failure: &mut Failure, text: &str, wanted: &ExpectedFailure) {
    let Ok(pattern) = compile(&wanted.matches) else { return };
    if pattern.is_match(&failure.actual) {
        return;
    }
    if let Some(line) = text.lines().find(|line| pattern.is_match(line)) {
        failure.actual = format!("{}\n{}", line.trim(), failure.actual);
    }
}

/// A failure that no lesson has declared. Where the disk is full, it says nothing about the learner's work.
fn undeclared(mut failure: Failure, text: &str) -> (Verdict, Option<Failure>) {
    if failure.kind != Kind::Failed || !disk_is_full(failure.sqlstate.as_deref(), text) {
        return (Verdict::Fail, Some(failure));
    }
    failure.kind = Kind::Environment;
    failure.hints = vec![FREE_SPACE.to_owned()];
    (Verdict::Error, Some(failure))
}

/// Tells whether an error, or what a program printed before it failed, tells of a full disk: in Node's words, the system's,
/// the database's.
pub fn disk_is_full(sqlstate: Option<&str>, text: &str) -> bool {
    const SAID: [&str; 5] =
        ["ENOSPC", "EDQUOT", "no space left on device", "No space left on device", "Disk quota exceeded"];
    sqlstate == Some("53100") || SAID.iter().any(|said| text.contains(said)) || text.contains(SANDBOX)
}

/// Said by the sandbox's database where PostgreSQL does not give the reason.
const SANDBOX: &str = "the disk that holds the sandbox is full";
/// Advice for it.
pub const FREE_SPACE: &str = "the disk is full: free some space, then run it again; nothing is lost";

/// A problem as the record of a failure.
pub fn record(problem: &Problem) -> Failure {
    Failure {
        kind: problem.kind,
        expected: problem.expected.clone().unwrap_or_else(|| "it can be run".to_owned()),
        actual: problem.message.clone(),
        hints: problem.hint.clone().into_iter().collect(),
        spot: problem.spot.clone(),
        ..Failure::default()
    }
}

/// Tells whether a failure is the one that the lesson declares.
pub fn is_declared(wanted: &ExpectedFailure, sqlstate: Option<&str>, text: &str) -> bool {
    let matches = compile(&wanted.matches).is_ok_and(|r| r.is_match(text));
    // An error that comes through a function carries its SQLSTATE, if at all, somewhere in its text.
    let state = match (&wanted.sqlstate, sqlstate) {
        (None, _) => true,
        (Some(wanted), Some(came)) => wanted == came,
        (Some(wanted), None) => text.contains(wanted.as_str()),
    };
    matches && state
}

/// A declared failure, as what was expected.
pub fn describe(wanted: &ExpectedFailure) -> String {
    match &wanted.sqlstate {
        Some(state) => format!("a failure with SQLSTATE {state} that matches /{}/", wanted.matches),
        None => format!("a failure that matches /{}/", wanted.matches),
    }
}

/// The text of a plan, as `EXPLAIN` prints it.
pub fn plan_text(result: &StatementResult) -> String {
    let lines: Vec<&str> = result.rows.iter().filter_map(|row| row.first()?.as_deref()).collect();
    lines.join("\n")
}

/// What a plan must and must not hold, and the numbers in it.
pub struct ExpectedPlan<'a> {
    pub must: &'a [String],
    pub must_not: &'a [String],
    pub numbers: &'a [NumberInText],
}

/// A plan, as `EXPLAIN` prints it, against what it must be.
///
/// # Errors
/// When a pattern is none, or a reference has no value.
pub fn plan(result: &StatementResult, expected: &ExpectedPlan<'_>, values: &Values) -> Result<Option<Mismatch>> {
    if let Some(error) = &result.error {
        return Ok(Some(Mismatch::new("a plan".to_owned(), error_text(error))));
    }
    let ExpectedPlan { must, must_not, numbers: all } = expected;
    let text = plan_text(result);
    if let Some(mismatch) = numbers::in_text(all, &text, values)? {
        return Ok(Some(mismatch));
    }
    for pattern in *must {
        if let Some(mismatch) = matches(pattern, &text)? {
            return Ok(Some(Mismatch::new(format!("a plan that matches /{pattern}/"), mismatch.actual)));
        }
    }
    for pattern in *must_not {
        if matches(pattern, &text)?.is_none() {
            return Ok(Some(Mismatch::new(format!("a plan without /{pattern}/"), text)));
        }
    }
    Ok(None)
}

/// A statement's result against what it must be. `printed` is what the console showed of it.
///
/// # Errors
/// When a reference in the expectation has no value.
pub fn sql(expect: &SqlExpect, result: &StatementResult, printed: &str, values: &Values) -> Result<Option<Mismatch>> {
    match (&expect.sqlstate, &result.error) {
        (None, None) => {}
        (Some(state), Some(error)) if *state == error.sqlstate => {}
        (Some(state), Some(error)) => {
            return Ok(Some(Mismatch::new(format!("an error with SQLSTATE {state}"), error_text(error))));
        }
        (Some(state), None) => {
            return Ok(Some(Mismatch::new(format!("an error with SQLSTATE {state}"), result.tag.clone())));
        }
        (None, Some(error)) => return Ok(Some(Mismatch::new(SUCCESS, error_text(error)))),
    }
    if let Some(rows) = &expect.rows {
        let mut wanted = Vec::with_capacity(rows.len());
        for (at, row) in rows.iter().enumerate() {
            let came = |column: usize| result.rows.get(at)?.get(column)?.as_deref();
            let cells = row.iter().enumerate().map(|(column, cell)| {
                cell.as_ref().map(|cell| numbers::as_it_came(cell, came(column), values)).transpose()
            });
            wanted.push(cells.collect::<Result<Vec<_>>>()?);
        }
        if wanted != result.rows {
            return Ok(Some(Mismatch::new(table(&wanted), table(&result.rows))));
        }
    }
    if let Some(count) = expect.count
        && count != result.row_count
    {
        return Ok(Some(Mismatch::new(rows_of(count), rows_of(result.row_count))));
    }
    if let Some(pattern) = &expect.matches {
        let mut text = printed.to_owned();
        if let Some(error) = &result.error {
            text.push_str(&error_text(error));
        }
        if let Some(mismatch) = matches(pattern, &text)? {
            return Ok(Some(mismatch));
        }
    }
    numbers::in_text(&expect.numbers, printed, values)
}

/// A function's answer against what it must be.
///
/// # Errors
/// When a reference has no value, or a path or pattern is not valid.
pub fn lambda(expect: &LambdaExpect, came: &Invocation, values: &Values) -> Result<Option<Mismatch>> {
    match (&expect.error, came.error_message()) {
        (None, None) => {}
        (None, Some(error)) => {
            return Ok(Some(Mismatch::new("an answer without an error", format!("the function failed: {error}"))));
        }
        (Some(pattern), None) => {
            return Ok(Some(Mismatch::new(
                format!("an error that matches /{pattern}/"),
                format!("the function answered {}", came.response),
            )));
        }
        (Some(pattern), Some(error)) => {
            let all = format!("{error}\n{}\n{}", came.response, came.log_tail.join("\n"));
            if !compile(pattern)?.is_match(&all) {
                return Ok(Some(Mismatch::new(format!("an error that matches /{pattern}/"), error)));
            }
        }
    }
    if expect.response.is_empty() {
        return Ok(None);
    }
    let Ok(document) = serde_json::from_str(&came.response) else {
        return Ok(Some(Mismatch::new("an answer in JSON", came.response.clone())));
    };
    for one in &expect.response {
        if let Some(mismatch) = json(one, &document, values)? {
            return Ok(Some(mismatch));
        }
    }
    Ok(None)
}

/// A JSON document against one assertion.
///
/// # Errors
/// When a reference has no value, or a path or pattern is not valid.
pub fn json(expect: &JsonExpect, document: &Value, values: &Values) -> Result<Option<Mismatch>> {
    let path = &expect.path;
    let found = at_path(path, document)?;
    let actual = || match &found {
        Some(value) => format!("{path} is {value} in {document}"),
        None => format!("there is no {path} in {document}"),
    };
    let (holds, wanted) = match &expect.is {
        JsonIs::Exists(true) => (found.is_some(), format!("{path} is there")),
        JsonIs::Exists(false) => (found.is_none(), format!("{path} is not there")),
        JsonIs::Equals(value) => {
            let value = values.json_value(value)?;
            (found.as_ref().is_some_and(|f| file_check::same(f, &value)), format!("{path} is {value}"))
        }
        JsonIs::Matches(pattern) => {
            let regex = compile(pattern)?;
            let text = found.as_ref().map(|f| f.as_str().map_or_else(|| f.to_string(), str::to_owned));
            (text.is_some_and(|t| regex.is_match(&t)), format!("{path} matches /{pattern}/"))
        }
        JsonIs::Number { equals, plus } => {
            let base = numbers::amount(equals, values)?;
            #[expect(clippy::cast_precision_loss, reason = "lesson figures are far below 2^53")]
            let wanted = base + *plus as f64;
            let came = found.as_ref().and_then(as_number);
            (came.is_some_and(|c| (c - wanted).abs() < 1e-9), format!("{path} is {wanted}"))
        }
    };
    Ok(if holds { None } else { Some(Mismatch::new(wanted, actual())) })
}

/// The value at a JSONPath: the only one, the list of several, or none.
///
/// # Errors
/// When the path is not one, or asks for more than can be answered.
pub fn at_path(path: &str, document: &Value) -> Result<Option<Value>> {
    let cannot = |why| Problem::course(format!("the JSONPath `{path}` cannot be asked: {why}"));
    json_path::value_at(path, document).map_err(cannot)
}

/// Reads the number that a JSON value is, or has as its text: as databases answer what is exact.
pub fn as_number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str().and_then(|s| s.parse().ok()))
}

/// A file against a condition. `snapshot` is the file in the chapter's snapshot.
pub fn file(path: &str, is: &FileIs, now: Option<&SourceFile>, snapshot: Option<&SourceFile>) -> Option<Mismatch> {
    file_check::judge(path, is, now, snapshot).map(|fault| Mismatch::new(fault.expected, fault.actual))
}

/// The texts of a function's expectation that may hold references.
pub fn expectations(expect: &LambdaExpect) -> impl Iterator<Item = String> + '_ {
    assertions(&expect.response)
}

/// The texts of assertions that may hold references.
pub fn assertions(all: &[JsonExpect]) -> impl Iterator<Item = String> + '_ {
    all.iter().filter_map(|one| match &one.is {
        JsonIs::Number { equals, .. } => Some(equals.0.clone()),
        JsonIs::Equals(value) => Some(value.to_string()),
        JsonIs::Matches(_) | JsonIs::Exists(_) => None,
    })
}

/// A text against a pattern that must match.
///
/// # Errors
/// When the pattern is not valid.
pub fn matches(pattern: &str, text: &str) -> Result<Option<Mismatch>> {
    Ok(if compile(pattern)?.is_match(text) {
        None
    } else {
        Some(Mismatch::new(format!("output that matches /{pattern}/"), text.trim_end().to_owned()))
    })
}

/// A result as text, a row a line, where no console has printed it.
pub fn print(result: &StatementResult) -> String {
    let mut text = String::new();
    for line in std::iter::once(result.columns.join(" | "))
        .chain(result.rows.iter().map(|r| cells(r)))
        .chain(std::iter::once(result.tag.clone()))
        .filter(|line| !line.is_empty())
    {
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// `ERROR:  42501: permission denied …`, with DETAIL and HINT.
pub fn error_text(error: &SqlError) -> String {
    let mut text = format!("{}: {} (SQLSTATE {})", error.severity, error.message, error.sqlstate);
    if let Some(detail) = &error.detail {
        text.push_str(&format!("\nDETAIL: {detail}"));
    }
    if let Some(hint) = &error.hint {
        text.push_str(&format!("\nHINT: {hint}"));
    }
    text
}

fn rows_of(count: u64) -> String {
    if count == 1 { "1 row".to_owned() } else { format!("{count} rows") }
}

const ROWS_SHOWN: usize = 20;

fn table(rows: &[Vec<Option<String>>]) -> String {
    if rows.is_empty() {
        return "no rows".to_owned();
    }
    let mut lines: Vec<String> = rows.iter().take(ROWS_SHOWN).map(|row| cells(row)).collect();
    if rows.len() > ROWS_SHOWN {
        lines.push(format!("… and {} more", rows_of((rows.len() - ROWS_SHOWN) as u64)));
    }
    lines.join("\n")
}

fn cells(row: &[Option<String>]) -> String {
    row.iter().map(|c| c.as_deref().unwrap_or("null")).collect::<Vec<_>>().join(" | ")
}
