//! One attempt at a check, by its kind.
//!
//! Invariant: a check changes nothing but what its payload or command changes; a connection that it makes is
//! its own and ends with the attempt.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use tokio::time::Instant;

use super::by_hand;
use super::captures;
use super::cloud::{DatabaseSite, millis};
use super::config::EngineConfig;
use super::context::{StepContext, timed_out};
use super::event::{Attempt, EventKind, Failure};
use super::expect::{self, ExpectedPlan, Mismatch};
use super::http::HttpRequest;
use super::http_check;
use super::output::CapturedOutput;
use super::values::{Values, database_site};
use super::waking;
use workshop_base::conflict;
use workshop_base::problem::{Kind, Problem, Result};
use workshop_base::process::{ExitCause, ProcessSpec};
use workshop_base::text::shell_quoted;
use workshop_course::code::tree;
use workshop_course::lesson::model::{Chapter, Check, CheckKind, CourseDatabase, FileIs, HttpCheck, SqlExpect};
use workshop_course::lesson::template::TemplateSyntax;
use workshop_psql::report::StatementResult;

/// One attempt that did not pass.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct AttemptFailure {
    pub(super) mismatch: Mismatch,
    /// Advice, where it could not be tried.
    pub(super) advice: Option<String>,
    pub(super) sqlstate: Option<String>,
    pub(super) output: Vec<String>,
    /// All that a command printed, as far as it can be matched.
    pub(super) printed: String,
    pub(super) kind: Kind,
}

/// The answer of an attempt that passed: captures are taken from it.
pub(super) enum Observed {
    Json(Value),
    Rows(StatementResult),
    /// A plan, or what a command printed.
    Printed(String),
    Nothing,
}

/// Why an attempt ended without a pass.
pub(super) enum AttemptError {
    AttemptFailure(Box<AttemptFailure>),
    Broken(Problem),
}

impl From<Problem> for AttemptError {
    fn from(problem: Problem) -> AttemptError {
        AttemptError::Broken(problem)
    }
}

impl From<Mismatch> for AttemptError {
    fn from(mismatch: Mismatch) -> AttemptError {
        AttemptError::AttemptFailure(Box::new(AttemptFailure::failed(mismatch)))
    }
}

impl AttemptFailure {
    pub(super) fn failed(mismatch: Mismatch) -> AttemptFailure {
        AttemptFailure {
            mismatch,
            advice: None,
            sqlstate: None,
            output: Vec::new(),
            printed: String::new(),
            kind: Kind::Failed,
        }
    }

    pub(super) fn of(problem: Problem, check: &Check) -> AttemptFailure {
        let expected = problem.expected.clone().unwrap_or_else(|| check.title.clone());
        let mismatch = Mismatch::new(expected, problem.message);
        AttemptFailure { kind: problem.kind, advice: problem.hint, ..AttemptFailure::failed(mismatch) }
    }

    /// Takes a failure that a full disk has caused for the machine's: it says nothing about the learner's work.
    pub(super) fn unless_the_disk_is_full(mut self) -> AttemptFailure {
        let text = format!("{}\n{}", self.mismatch.actual, self.output.join("\n"));
        if self.kind == Kind::Failed && expect::disk_is_full(self.sqlstate.as_deref(), &text) {
            self.kind = Kind::Environment;
            self.advice = Some(expect::FREE_SPACE.to_owned());
        }
        self
    }

    /// Tells whether it was a conflict of DSQL's concurrency control, which a retry cures.
    pub(super) fn is_conflict(&self) -> bool {
        self.sqlstate.as_deref().is_some_and(conflict::is_conflict)
            || conflict::names_conflict(&self.mismatch.actual)
            || self.output.iter().any(|line| conflict::names_conflict(line))
    }

    pub(super) fn into_failure(self, check: &Check, attempts: Vec<Attempt>, reproduce: Option<String>) -> Failure {
        let mut hints: Vec<String> = self.advice.iter().cloned().collect();
        if self.kind != Kind::Environment {
            hints.extend(check.hints.iter().cloned());
        }
        if self.is_conflict() {
            hints.push(CONFLICT_HINT.to_owned());
        }
        Failure {
            kind: self.kind,
            expected: self.mismatch.expected,
            actual: self.mismatch.actual,
            sqlstate: self.sqlstate,
            reproduce,
            attempts,
            output: self.output,
            on_fail: check.on_fail.clone(),
            hints,
            spot: Some(check.origin.spot()),
        }
    }
}

/// One attempt. A database that does not answer yet is asked until `until`. `reproduce` gets the command line that shows the same
/// by hand, as soon as it is known.
pub(super) async fn attempt(
    ctx: &StepContext,
    chapter: &Chapter,
    check: &Check,
    until: Option<Instant>,
    reproduce: &mut Option<String>,
) -> Result<(), AttemptError> {
    let function = match &check.kind {
        CheckKind::Lambda { function, .. } => function.as_ref().or(ctx.setup.course.function.as_ref()),
        _ => None,
    };
    let texts = texts(&check.kind);
    let texts = texts.iter().map(String::as_str).chain(function.map(|name| name.0.as_str()));
    let values = ctx.values(texts).await?;
    let came = match &check.kind {
        CheckKind::Lambda { function, payload, expect } => {
            let world = ctx.world().await?;
            let payload = values.fill(payload, TemplateSyntax::Json)?;
            let function = values.plain(ctx.setup.course.function_of(function.as_ref())?)?;
            *reproduce = Some(by_hand::invoke_line(&function, &payload));
            let came = world.invoke(function, payload.clone()).await?;
            ctx.sink.emit(invoked(ctx, payload, &came));
            if let Some(mismatch) = expect::lambda(expect, &came, &values)? {
                return Err(AttemptError::AttemptFailure(Box::new(AttemptFailure {
                    output: came.log_tail,
                    ..AttemptFailure::failed(mismatch)
                })));
            }
            serde_json::from_str(&came.response).map_or(Observed::Nothing, Observed::Json)
        }
        CheckKind::Sql { role, query, expect } => {
            let sql = values.fill(query, TemplateSyntax::Sql)?;
            let world = ctx.world().await?;
            let site = database_site(world.as_ref(), &ctx.setup.course).await?;
            let role = role.as_deref().unwrap_or(&site.role);
            *reproduce = Some(by_hand::sql_line(role, &site.role, &sql));
            Observed::Rows(query_of(ctx, until, (&site, role), sql, (expect, &values)).await?)
        }
        CheckKind::Plan { query, analyze, matches, rejects, numbers } => {
            let query = values.fill(query, TemplateSyntax::Sql)?;
            let explain = if *analyze { "EXPLAIN (ANALYZE, VERBOSE) " } else { "EXPLAIN " };
            let sql = format!("{explain}{query}");
            let world = ctx.world().await?;
            let site = database_site(world.as_ref(), &ctx.setup.course).await?;
            *reproduce = Some(by_hand::sql_line(&site.role, &site.role, &sql));
            let expected = ExpectedPlan { must: matches, must_not: rejects, numbers };
            Observed::Printed(plan(ctx, until, &site, sql, (&expected, &values)).await?)
        }
        CheckKind::Stack { name, status, outputs, resources } => {
            let name = name.as_deref().map_or_else(|| ctx.setup.course.deployed_stack(), Ok)?;
            *reproduce = Some(format!("aws cloudformation describe-stacks --stack-name {name}"));
            stack(ctx, name, (status, outputs, resources)).await?;
            Observed::Nothing
        }
        CheckKind::File { path, is } => {
            *reproduce = Some(match is {
                FileIs::EqualsSnapshot => {
                    let snapshot = ctx.setup.course.snapshot_dir(chapter).join(path);
                    format!("diff {} {}", shell_quoted(&snapshot.to_string_lossy()), shell_quoted(path))
                }
                FileIs::Contains(text) | FileIs::Lacks(text) => {
                    format!("grep -nF {} {}", shell_quoted(text), shell_quoted(path))
                }
                FileIs::Matches(pattern) | FileIs::LacksMatch(pattern) => {
                    format!("grep -nE {} {}", shell_quoted(pattern), shell_quoted(path))
                }
                FileIs::Exists(_) => format!("ls -l {}", shell_quoted(path)),
                FileIs::Json(_) => format!("cat {}", shell_quoted(path)),
            });
            if let Some(mismatch) = file_now(&ctx.setup, chapter, check).flatten() {
                return Err(mismatch.into());
            }
            Observed::Nothing
        }
        CheckKind::Http(http) => {
            let request = http_check::request(http, &values)?;
            *reproduce = Some(by_hand::http_line(&request));
            Observed::Json(over_http(http, &request, &values).await?)
        }
        CheckKind::Command { run, cwd, exit_code, matches, stdin } => {
            let line = values.fill(run, TemplateSyntax::Shell)?;
            *reproduce = Some(by_hand::in_directory(cwd, &line));
            let stdin = stdin.as_ref().map(|text| values.plain(text)).transpose()?;
            let job = (line, cwd.as_str(), stdin);
            Observed::Printed(command(ctx, check, job, *exit_code, matches.as_deref()).await?)
        }
    };
    for (name, source) in &check.capture {
        let value = match &came {
            Observed::Json(document) => expect::at_path(source, document)?,
            Observed::Rows(result) => cell(result, source),
            Observed::Printed(text) => captures::captured(source, text)?,
            Observed::Nothing => None,
        };
        match value {
            Some(value) => ctx.capture(name, value),
            None => {
                return Err(Mismatch::not_there(source, name).into());
            }
        }
    }
    Ok(())
}

/// A check of a file, answered at once; None for any other check.
pub fn file_now(setup: &EngineConfig, chapter: &Chapter, check: &Check) -> Option<Option<Mismatch>> {
    let CheckKind::File { path, is } = &check.kind else { return None };
    let now = match tree::read_file(&setup.workdir, path) {
        Ok(now) => now,
        Err(error) => return Some(Some(Mismatch::new(format!("{path} can be read"), error.to_string()))),
    };
    Some(expect::file(path, is, now.as_ref(), chapter.snapshot.get(path)))
}

/// The record of a file check that was answered at once.
pub fn file_failure(check: &Check, mismatch: Mismatch, at: u64) -> Failure {
    let attempts = vec![Attempt { number: 1, at, took_ms: 0, actual: mismatch.actual.clone() }];
    AttemptFailure::failed(mismatch).into_failure(check, attempts, None)
}

/// The texts of a check that may hold references.
fn texts(kind: &CheckKind) -> Vec<String> {
    match kind {
        CheckKind::Lambda { payload, expect, .. } => {
            std::iter::once(payload.0.clone()).chain(expect::expectations(expect)).collect()
        }
        CheckKind::Sql { query, expect, .. } => {
            std::iter::once(query.0.as_str()).chain(expected_of_sql(expect)).map(str::to_owned).collect()
        }
        CheckKind::Plan { query, numbers, .. } => {
            let bounds = numbers.iter().flat_map(|one| one.bound.texts());
            std::iter::once(query.0.as_str()).chain(bounds).map(str::to_owned).collect()
        }
        CheckKind::Command { run, stdin, .. } => [run].into_iter().chain(stdin).map(|text| text.0.clone()).collect(),
        CheckKind::Http(http) => http_check::texts(http),
        CheckKind::Stack { .. } | CheckKind::File { .. } => Vec::new(),
    }
}

/// Sends a check's request; the answer as JSON, for what is captured from it.
async fn over_http(http: &HttpCheck, request: &HttpRequest, values: &Values) -> Result<Value, AttemptError> {
    let came = match request.send().await? {
        Ok(came) => came,
        Err(why) => {
            let expected = format!("an answer from {}", request.url);
            return Err(Mismatch::new(expected, format!("there is none: {why}")).into());
        }
    };
    match http_check::mismatch(http, &came, values)? {
        None => Ok(serde_json::from_str(&came.body).unwrap_or(Value::Null)),
        Some(mismatch) => Err(AttemptError::AttemptFailure(Box::new(AttemptFailure {
            output: http_check::shown(&came),
            printed: came.body.clone(),
            ..AttemptFailure::failed(mismatch)
        }))),
    }
}

/// The texts of a statement's expectation that may hold references.
pub fn expected_of_sql(expect: &SqlExpect) -> impl Iterator<Item = &str> {
    let rows = expect.rows.iter().flatten().flatten().flatten().map(|cell| cell.0.as_str());
    rows.chain(expect.numbers.iter().flat_map(|one| one.bound.texts()))
}

/// Returns the event of an invocation, with the payload that was sent.
pub fn invoked(ctx: &StepContext, payload: String, came: &crate::aws::invoke::Invocation) -> EventKind {
    EventKind::Invoked {
        at_step: ctx.at_step.clone(),
        payload,
        response: came.response.clone(),
        function_error: came.function_error.clone(),
        log_tail: came.log_tail.clone(),
        took_ms: millis(came.took),
    }
}

/// Asks a query; where the database does not answer yet, again until that time.
async fn query_of(
    ctx: &StepContext,
    until: Option<Instant>,
    (site, role): (&DatabaseSite, &str),
    sql: String,
    (expect, values): (&SqlExpect, &Values),
) -> Result<StatementResult, AttemptError> {
    let world = ctx.world().await?;
    // A server of the course's own is not started by whoever asks it.
    let until = until.filter(|_| ctx.setup.course.database == CourseDatabase::Cluster);
    loop {
        let result = world.query(site.host.clone(), role.to_owned(), sql.clone()).await?;
        let Some(mismatch) = expect::sql(expect, &result, &expect::print(&result), values)? else { return Ok(result) };
        if result.error.as_ref().is_some_and(waking::is_asleep) && until.is_some_and(waking::waits_again) {
            ctx.note(waking::NOTE.to_owned());
            tokio::time::sleep(waking::PAUSE).await;
            continue;
        }
        return Err(AttemptError::AttemptFailure(Box::new(AttemptFailure {
            sqlstate: result.error.as_ref().map(|e| e.sqlstate.clone()),
            ..AttemptFailure::failed(mismatch)
        })));
    }
}

async fn plan(
    ctx: &StepContext,
    until: Option<Instant>,
    site: &DatabaseSite,
    sql: String,
    (expected, values): (&ExpectedPlan<'_>, &Values),
) -> Result<String, AttemptError> {
    let success = SqlExpect::default();
    let result = query_of(ctx, until, (site, &site.role), sql, (&success, &Values::default())).await?;
    match expect::plan(&result, expected, values)? {
        Some(mismatch) => Err(mismatch.into()),
        None => Ok(expect::plan_text(&result)),
    }
}

async fn stack(
    ctx: &StepContext,
    name: &str,
    (status, outputs, resources): (&[String], &[String], &[String]),
) -> Result<(), AttemptError> {
    let world = ctx.world().await?;
    let Some(stack) = world.stack(name.to_owned()).await? else {
        return Err(Mismatch::new(format!("a stack {name}"), "there is none".to_owned()).into());
    };
    if !status.is_empty() && !status.contains(&stack.status) {
        return Err(Mismatch::new(format!("{name} is {}", status.join(" or ")), stack.status).into());
    }
    let missing = |wanted: &[String], there: &[String]| -> Vec<String> {
        wanted.iter().filter(|w| !there.contains(w)).cloned().collect()
    };
    let there: Vec<String> = stack.outputs.into_iter().map(|o| o.key).collect();
    let lacks = missing(outputs, &there);
    if !lacks.is_empty() {
        let actual = format!("it has {}, not {}", list(&there), list(&lacks));
        return Err(Mismatch::new(format!("outputs {}", list(outputs)), actual).into());
    }
    if resources.is_empty() {
        return Ok(());
    }
    let mut there: Vec<String> = world
        .stack_resources(name.to_owned())
        .await?
        .into_iter()
        .filter(|r| !r.status.starts_with("DELETE"))
        .map(|r| r.resource_type)
        .collect();
    there.sort();
    there.dedup();
    let lacks = missing(resources, &there);
    if !lacks.is_empty() {
        let actual = format!("it has {}, not {}", list(&there), list(&lacks));
        return Err(Mismatch::new(format!("resources {}", list(resources)), actual).into());
    }
    Ok(())
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

async fn command(
    ctx: &StepContext,
    check: &Check,
    (line, cwd, stdin): (String, &str, Option<String>),
    exit_code: i32,
    matches: Option<&str>,
) -> Result<String, AttemptError> {
    let world = ctx.world().await?;
    let cwd = crate::files::below(&ctx.setup.workdir, cwd)?;
    let job = ProcessSpec { stdin, ..ctx.command(&line, cwd, check.timeout) };
    let kept = Arc::new(Mutex::new(CapturedOutput::default()));
    let (keeper, masks) = (kept.clone(), world.clone());
    let lines = Box::new(move |_, batch: Vec<String>| {
        let mut kept = keeper.lock().unwrap_or_else(PoisonError::into_inner);
        batch.into_iter().for_each(|line| kept.line(masks.mask(line)));
    });
    let ended = world.child(job, ctx.cancel.clone(), lines).await?;
    let CapturedOutput { text, tail } = std::mem::take(&mut *kept.lock().unwrap_or_else(PoisonError::into_inner));
    let miss = |expected: String, actual: String| {
        let mismatch = Mismatch { expected, actual };
        Err(AttemptError::AttemptFailure(Box::new(AttemptFailure {
            output: tail.into(),
            printed: text.clone(),
            ..AttemptFailure::failed(mismatch)
        })))
    };
    match ended.cause {
        ExitCause::Exited(code) if code == exit_code => {}
        // As a shell tells of it that has started the command, in place of becoming it.
        ExitCause::Signaled(signal) if 128 + signal == exit_code => {}
        ExitCause::Exited(code) => return miss(format!("exit code {exit_code}"), format!("exit code {code}")),
        ExitCause::Signaled(signal) => return miss(format!("exit code {exit_code}"), format!("signal {signal}")),
        ExitCause::TimedOut => return Err(AttemptError::Broken(timed_out(check.timeout))),
        ExitCause::Cancelled => return Err(AttemptError::Broken(Problem::new(Kind::Interrupted, "it was cancelled"))),
    }
    if let Some(pattern) = matches
        && expect::matches(pattern, &text)?.is_some()
    {
        return miss(format!("output that matches /{pattern}/"), "other output".to_owned());
    }
    Ok(text)
}

/// A cell of the first row, by column name; a number stays a number.
pub fn cell(result: &StatementResult, column: &str) -> Option<Value> {
    let index = result.columns.iter().position(|c| c == column)?;
    Some(captures::of_cell(result.rows.first()?.get(index)?.as_ref()?))
}

const CONFLICT_HINT: &str = "DSQL answers a conflict with 40001 and leaves the retry to the client: the first call after a \
    DDL or GRANT may meet OC001, concurrent writes of one row meet OC000";
