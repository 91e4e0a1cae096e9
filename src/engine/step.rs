//! One step's action, from its start to its outcome. Edits are not here: they belong to the driver, which
//! owns the journal.

use std::ops::Range;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::attempt;
use super::by_hand;
use super::captures;
use super::checks::{self, Expectation};
use super::cloud::millis;
use super::config::Mode;
use super::context::{StepContext, timed_out};
use super::deploy;
use super::event::{EventKind, Failure, StepRef};
use super::expect::{self, ActionOutcome};
use super::install::{self, Layout};
use super::load_run;
use super::output::{CapturedOutput, OutputForwarder};
use super::serve;
use super::sessions;
use super::types;
use super::values::{Values, database_site};
use super::waking;
use workshop_base::conflict;
use workshop_base::duration;
use workshop_base::problem::{Kind, Problem, Result};
use workshop_base::process::ExitCause;
use workshop_course::lesson::model::{
    Chapter, Check, CourseDatabase, DeployStep, InvokeAction, ShellAction, SimulateAction, SqlStatement, Step,
    StepAction, StepExpect,
};
use workshop_course::lesson::template::TemplateSyntax;

/// The tries of a statement that met a conflict, and the pause before each.
const CONFLICT_RETRIES: u32 = 3;
const CONFLICT_PAUSE: Duration = Duration::from_millis(100);
/// A server of the course's own that does not answer may have been started just now; longer it is waited for by `ready`.
const OWN_SERVER_PATIENCE: Duration = Duration::from_secs(5);

/// Runs a step's action; of one with statements, those of `part`. Conditions that the target is under last as long as
/// their step of the lesson.
pub async fn run(ctx: &StepContext, chapter: &Chapter, step: &Step, part: Range<usize>) -> ActionOutcome {
    let in_lesson = StepRef::in_lesson(chapter.number, step);
    ctx.end_conditions(Some(&in_lesson)).await;
    // Walked statement by statement, it is over with its last.
    let is_last = match &step.action {
        StepAction::Sql(sql) => part.end >= sql.statements.len(),
        _ => true,
    };
    let outcome = act(ctx, chapter, step, part).await;
    if is_last && step.part.as_ref().is_none_or(|part| part.number == part.of) {
        ctx.end_conditions(None).await;
    }
    outcome
}

async fn act(ctx: &StepContext, chapter: &Chapter, step: &Step, part: Range<usize>) -> ActionOutcome {
    let done = match &step.action {
        StepAction::Read | StepAction::Edit(_) => Ok(()),
        // Of a person's deploy the driver has the types looked at, beside it and behind it.
        StepAction::Deploy(what)
            if step.action.deploys() && matches!(ctx.setup.mode, Mode::Scratch | Mode::CheckOnly) =>
        {
            return deploy_and_check(ctx, step, what).await;
        }
        StepAction::Deploy(what) => return deploy::run(ctx, step, what).await,
        StepAction::Sql(sql) => {
            let anew = part.start == 0;
            run_sql(ctx, step, sql.statements.get(part).unwrap_or_default(), anew).await
        }
        StepAction::Shell(shell) => run_shell(ctx, step, shell).await,
        StepAction::Invoke(invoke) => run_invoke(ctx, chapter.number, step, invoke).await,
        StepAction::Check(ids) => return run_checks(ctx, chapter, step, ids).await,
        StepAction::Serve(serve) => serve::run(ctx, step, serve).await,
        StepAction::Stop(names) => serve::stop(ctx, step, names).await,
        StepAction::Load(load) => load_run::run(ctx, step, load).await,
        StepAction::Simulate(simulate) => {
            simulate_conditions(ctx, step, simulate, StepRef::in_lesson(chapter.number, step)).await
        }
    };
    done.map_or_else(|outcome| outcome, |()| ActionOutcome::Done)
}

/// Deploys, and looks at the types meanwhile: the deploy does not, and a proof wants to know. What does not fit may be
/// why a deploy failed.
async fn deploy_and_check(ctx: &StepContext, step: &Step, what: &DeployStep) -> ActionOutcome {
    let deploying = deploy::run(ctx, step, what);
    let looking = types::check(ctx);
    tokio::pin!(deploying, looking);
    let (mut outcome, problems) = tokio::select! {
        outcome = &mut deploying => match outcome {
            ActionOutcome::Done | ActionOutcome::Failed { .. } => (outcome, looking.await),
            ActionOutcome::FailedAsDeclared(_)
            | ActionOutcome::Broken(_)
            | ActionOutcome::Cancelled
            | ActionOutcome::Detached => return outcome,
        },
        problems = &mut looking => (deploying.await, problems),
    };
    if let (ActionOutcome::Failed { failure, .. }, Some(first)) = (&mut outcome, problems.first()) {
        failure.hints.push(format!("the types do not fit either: {first}"));
    }
    outcome
}

/// Not done: why.
type StepResult = Result<(), ActionOutcome>;

async fn run_checks(ctx: &StepContext, chapter: &Chapter, step: &Step, ids: &[String]) -> ActionOutcome {
    let chosen: Vec<&Check> = ids.iter().filter_map(|id| chapter.check(id)).collect();
    let wanted = match &step.expect {
        StepExpect::Success => Expectation::Pass,
        StepExpect::Failure(failure) => Expectation::Declared(failure.clone()),
    };
    let ends = checks::run_all(ctx, chapter, &chosen, &wanted).await;
    if ctx.cancel.is_cancelled() {
        return ActionOutcome::Cancelled;
    }
    // All failed as declared: the first record is the step's.
    let all_good = ends.iter().all(|(_, verdict, _)| verdict.is_good());
    if let (StepExpect::Failure(wanted), true, Some((_, _, Some(failure)))) = (&step.expect, all_good, ends.first()) {
        let failure = Failure { expected: expect::describe(wanted), ..failure.clone() };
        return ActionOutcome::FailedAsDeclared(Box::new(failure));
    }
    // The step's own verdict follows from the first check that is not as wanted.
    let bad = ends.iter().find(|(_, verdict, _)| !verdict.is_good());
    let told = match (&step.expect, bad) {
        (StepExpect::Success, None) => return ActionOutcome::Done,
        (StepExpect::Failure(_), None) => None,
        (StepExpect::Success | StepExpect::Failure(_), Some(bad)) => Some(bad),
    };
    match told {
        Some((_, super::event::Verdict::PassedUnexpectedly, _)) | None => ActionOutcome::Done,
        Some((_, super::event::Verdict::Error, Some(failure))) => {
            let mut problem = Problem::new(failure.kind, &failure.actual);
            problem.hint = failure.advice(chapter).next().map(str::to_owned);
            ActionOutcome::Broken(problem)
        }
        Some((_, _, Some(failure))) => ActionOutcome::failed(failure.clone()),
        Some((id, _, None)) => {
            ActionOutcome::failed(Failure { actual: format!("check `{id}` failed"), ..Failure::default() })
        }
    }
}

/// Runs statements of a step, one after the other. `anew`: from its first on.
async fn run_sql(ctx: &StepContext, step: &Step, statements: &[SqlStatement], anew: bool) -> StepResult {
    let world = ctx.within(step.timeout, ctx.world()).await??;
    if anew {
        roll_back_what_is_left(ctx, step.timeout).await?;
    }
    for statement in statements {
        let begun = Instant::now();
        let expected = attempt::expected_of_sql(&statement.expect);
        let texts: Vec<&str> = std::iter::once(statement.run.0.as_str()).chain(expected).collect();
        let values = ctx.within(step.timeout, ctx.values(texts)).await??;
        let text = values.fill(&statement.run, TemplateSyntax::Sql)?;
        let site = ctx.within(step.timeout, database_site(world.as_ref(), &ctx.setup.course)).await??;
        let role = statement.role.as_deref().unwrap_or(&site.role);
        ctx.sessions.ensure(world.as_ref(), &statement.session, &site, Some(role))?;
        let left = step.timeout.saturating_sub(begun.elapsed());
        let by_hand = by_hand::sql_line(role, &site.role, &text);
        run_statement(ctx, left, (statement, by_hand), &text, &values).await?;
    }
    Ok(())
}

/// Rolls back the transactions that this step, or one behind it, has begun and left open: the lesson does not expect them
/// when it comes here again. Those of the steps before it, and a person's own, go on.
async fn roll_back_what_is_left(ctx: &StepContext, limit: Duration) -> StepResult {
    let Some(here) = ctx.at_step.as_ref() else { return Ok(()) };
    let course = &ctx.setup.course;
    let place = |at: &StepRef| {
        let steps = course.chapter(at.chapter).map(|chapter| &chapter.steps);
        (at.chapter, steps.and_then(|steps| steps.iter().position(|step| step.id == at.step)))
    };
    for (name, by) in ctx.sessions.left_open().into_iter().filter(|(_, by)| place(by) >= place(here)) {
        let title = by.of(course).map_or(by.step.as_str(), |step| step.title.as_str());
        ctx.note(format!("session {name} had a transaction of “{title}” open: it is rolled back first"));
        ctx.within(limit, ctx.sessions.run(&name, None, "ROLLBACK;".to_owned())).await?;
    }
    Ok(())
}

async fn run_statement(
    ctx: &StepContext,
    limit: Duration,
    (statement, by_hand): (&SqlStatement, String),
    text: &str,
    values: &Values,
) -> StepResult {
    let mut retries = 0;
    let until = Instant::now() + limit;
    let patience = match ctx.setup.course.database {
        CourseDatabase::Cluster => until,
        CourseDatabase::Postgres | CourseDatabase::Url(_) | CourseDatabase::UrlFrom(_) => {
            Instant::now() + OWN_SERVER_PATIENCE
        }
    };
    loop {
        let run = ctx.sessions.run(&statement.session, ctx.at_step.clone(), text.to_owned());
        // Given up, it is cancelled, and so it is where it waits behind another's.
        let end = ctx.within(until.saturating_duration_since(Instant::now()), run).await?;
        let end = end.unwrap_or_else(sessions::closed);
        if let Some(problem) = end.problem {
            return Err(ActionOutcome::Broken(problem));
        }
        let mut result = end.results.into_iter().last().unwrap_or_default();
        if result.error.is_none() {
            result.error = end.error;
        }
        let Some(mismatch) = expect::sql(&statement.expect, &result, &end.printed, values)? else {
            ctx.keep(&statement.capture, |column| Ok(attempt::cell(&result, column)))?;
            return ctx.keep(&statement.capture_printed, |pattern| captures::group(pattern, &end.printed));
        };
        let stale = result.error.as_ref().is_some_and(|e| e.is_conflict() && e.message.contains(conflict::SCHEMA));
        if result.error.as_ref().is_some_and(waking::is_asleep) && waking::waits_again(until.min(patience)) {
            ctx.note(waking::NOTE.to_owned());
            ctx.within(limit, tokio::time::sleep(waking::PAUSE)).await?;
            continue;
        }
        // Only outside a transaction: inside one, everything before it would have to be repeated too.
        if stale && retries < CONFLICT_RETRIES && end.tx == super::event::TxState::Idle {
            retries += 1;
            ctx.note(STALE.to_owned());
            ctx.within(limit, tokio::time::sleep(CONFLICT_PAUSE)).await?;
            continue;
        }
        let failure = Failure {
            expected: mismatch.expected,
            actual: mismatch.actual,
            sqlstate: result.error.as_ref().map(|e| e.sqlstate.clone()),
            reproduce: Some(by_hand),
            ..Failure::default()
        };
        return Err(ActionOutcome::failed(failure));
    }
}

async fn run_shell(ctx: &StepContext, step: &Step, shell: &ShellAction) -> StepResult {
    let begun = Instant::now();
    let stdin = shell.stdin.as_ref();
    let texts = [shell.run.0.as_str()].into_iter().chain(stdin.map(|text| text.0.as_str()));
    let values = ctx.within(step.timeout, ctx.values(texts)).await??;
    let line = values.fill(&shell.run, TemplateSyntax::Shell)?;
    let world = ctx.within(step.timeout, ctx.world()).await??;
    let cwd = super::files::below(&ctx.setup.workdir, &shell.cwd)?;
    let log = ctx.at_step.as_ref().map_or_else(|| "shell.log".to_owned(), |s| format!("{}-{}.log", s.chapter, s.step));
    let mut pump = ctx.pump(&world, &log);
    let mut job = ctx.command(&line, cwd, step.timeout.saturating_sub(begun.elapsed()));
    job.stdin = stdin.map(|text| values.plain(text)).transpose()?;
    if shell.installs {
        prepare_packages(ctx, &mut pump).await?;
        job.env.extend(install::QUIET.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())));
    }
    let (sent, mut received) = mpsc::unbounded_channel();
    let lines = Box::new(move |pipe, batch| {
        let _ = sent.send((pipe, batch));
    });
    let child = world.child(job, ctx.cancel.clone(), lines);
    tokio::pin!(child);
    let mut kept = CapturedOutput::default();
    let mut take = |pump: &mut OutputForwarder, (pipe, batch): (_, Vec<String>)| {
        batch.iter().for_each(|line| kept.line(line.clone()));
        pump.child(pipe, batch);
    };
    let ended = loop {
        tokio::select! {
            biased;
            Some(batch) = received.recv() => take(&mut pump, batch),
            ended = &mut child => break ended?,
        }
    };
    while let Ok(batch) = received.try_recv() {
        take(&mut pump, batch);
    }
    let failed = |expected: String, actual: String| {
        let output = pump.tail();
        // A failure that the lesson declares may be named long before the end.
        let text = format!("{actual}\n{}\n{}", kept.text, output.join("\n"));
        let reproduce = Some(by_hand::in_directory(&shell.cwd, &line));
        let failure = Failure { expected, actual, reproduce, output, ..Failure::default() };
        Err(ActionOutcome::Failed { failure: Box::new(failure), text })
    };
    match ended.cause {
        ExitCause::Exited(0) => {}
        ExitCause::Exited(code) => return failed("exit code 0".to_owned(), format!("exit code {code}")),
        ExitCause::Signaled(signal) => return failed("exit code 0".to_owned(), format!("ended by signal {signal}")),
        ExitCause::TimedOut => return Err(ActionOutcome::Broken(timed_out(step.timeout))),
        ExitCause::Cancelled => return Err(ActionOutcome::Cancelled),
    }
    match &shell.matches {
        Some(pattern) if expect::matches(pattern, &kept.text)?.is_some() => {
            failed(format!("output that matches /{pattern}/"), "other output".to_owned())
        }
        Some(_) | None => ctx.keep(&shell.capture, |source| captures::captured(source, &kept.text)),
    }
}

/// Lays the packages out that the command is about to install.
async fn prepare_packages(ctx: &StepContext, pump: &mut OutputForwarder) -> StepResult {
    let project = super::files::current(&ctx.setup.course, &ctx.setup.workdir);
    let sink = ctx.sink.clone();
    let report = super::cloud::Report::new(move |kind| sink.emit(kind));
    // Fetching has a deadline of its own; a step's time begins when its command can.
    let installation = tokio::select! {
        () = ctx.cancel.cancelled() => return Err(ActionOutcome::Cancelled),
        found = ctx.packages.ensure(&project, &report, &ctx.cancel) => found?,
    };
    let Some(installation) = installation else { return Ok(()) };
    let layout = if matches!(ctx.setup.mode, Mode::Scratch | Mode::Standby) { Layout::Links } else { Layout::Copies };
    let begun = Instant::now();
    let laid = install::lay_out(installation, ctx.setup.workdir.clone(), layout, &ctx.cancel).await;
    if ctx.cancel.is_cancelled() {
        return Err(ActionOutcome::Cancelled);
    }
    let laid = laid?;
    if laid {
        pump.note(format!("packages laid out from the cache in {}", duration::took(millis(begun.elapsed()))));
    }
    Ok(())
}

/// Puts the target under conditions, in place of those that the step has set before.
async fn simulate_conditions(
    ctx: &StepContext,
    step: &Step,
    simulate: &SimulateAction,
    in_lesson: StepRef,
) -> StepResult {
    let world = ctx.within(step.timeout, ctx.world()).await??;
    let controls = world.controls().ok_or_else(|| {
        Problem::usage("only the sandbox on this machine can be put under conditions").hint("go on with the next step")
    })?;
    ctx.end_conditions(None).await;
    let held = ctx.within(step.timeout, controls.simulate(simulate.clone())).await??;
    *ctx.conditions.lock().await = Some((in_lesson, held));
    ctx.sink.emit(EventKind::Simulated { conditions: simulate.says() });
    Ok(())
}

async fn run_invoke(ctx: &StepContext, chapter: u32, step: &Step, invoke: &InvokeAction) -> StepResult {
    let texts: Vec<String> = std::iter::once(invoke.payload.0.clone())
        .chain(expect::expectations(&invoke.expect))
        .chain([ctx.setup.course.function_of(invoke.function.as_ref())?.0.clone()])
        .collect();
    let values = ctx.within(step.timeout, ctx.values(texts.iter().map(String::as_str))).await??;
    let payload = values.fill(&invoke.payload, TemplateSyntax::Json)?;
    let world = ctx.within(step.timeout, ctx.world()).await??;
    let function = values.plain(ctx.setup.course.function_of(invoke.function.as_ref())?)?;
    let invoked = ctx.waiting("the function's answer", world.invoke(function.clone(), payload.clone()));
    let came = ctx.within(step.timeout, invoked).await??;
    ctx.sink.emit(attempt::invoked(ctx, payload.clone(), &came));
    let Some(mismatch) = expect::lambda(&invoke.expect, &came, &values)? else {
        let document = serde_json::from_str(&came.response).unwrap_or_default();
        return ctx.keep(&invoke.capture, |path| expect::at_path(path, &document));
    };
    let text = format!("{}\n{}\n{}", mismatch.actual, came.response, came.log_tail.join("\n"));
    let failure = Failure {
        expected: mismatch.expected,
        actual: mismatch.actual,
        reproduce: Some(by_hand::invoke_line(&function, &payload)),
        output: came.log_tail,
        hints: ctx.undeployed(chapter).await.into_iter().collect(),
        ..Failure::default()
    };
    Err(ActionOutcome::Failed { failure: Box::new(failure), text })
}

const STALE: &str = "OC001: the schema has changed since this connection looked; trying again, as DSQL asks";

/// A problem that ends a run from outside.
pub fn interrupted() -> Problem {
    Problem::new(Kind::Interrupted, "the workshop was stopped")
}
