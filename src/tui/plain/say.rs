//! Events and state as lines that can be read aloud. Pure.
//!
//! Words instead of marks, one thing a line, nothing that moves.

use super::state::Plain;
use crate::record::{self, Advice, FieldRole, RecordField};
use crate::tui::present::standby;
use crate::tui::present::words::{self, edits_are_back, task_name};
use crate::tui::{clock, theme};
use workshop_base::problem::{Kind, Problem};
use workshop_course::code::diff::Side;
use workshop_course::lesson::images;
use workshop_course::lesson::model::{StepAction, StepExpect, Target};
use workshop_course::lesson::template::{Reference, TemplateSyntax};
use workshop_engine::command::{BringTo, CommandKind, Refusal};
use workshop_engine::event::{
    ACCOUNT_THROTTLED, EventKind, Failure, FileChange, RequestOutcome, SqlLine, StepRef, Stream, Verdict,
};
use workshop_engine::progress::is_in_progress;

/// Why a resource is said to be in progress a second time.
const BEGUN: &str = "Resource creation Initiated";

/// Says an event; empty when it is no news.
pub fn event(p: &Plain, kind: &EventKind) -> Vec<String> {
    let title = |at: &StepRef| p.title(at).to_owned();
    match kind {
        EventKind::Opened { title, workdir, .. } => {
            let mut out = vec![format!("{title}, in {}. help lists the commands.", workdir.display())];
            out.extend(step(p));
            out
        }
        EventKind::Restored { .. } => vec![format!("{}.", words::welcome(&p.progress))],
        EventKind::Moved { .. } => step(p),
        EventKind::Reached { here, before: None } => vec![format!("Working in {here}.")],
        EventKind::Reached { here, before: Some(before) } => vec![format!("{}.", here.instead_of(before))],
        EventKind::Located { files, stack, database } => {
            vec![format!("Found: {}.", words::found(&p.course, files, stack, database, " at "))]
        }
        EventKind::DeployFound { status } => {
            vec![match is_in_progress(status) {
                true => format!("The stack is changing without us, {status}: run attaches to it."),
                false => format!("The deploy came to its end without us: {status}. run makes sure of it."),
            }]
        }
        // Only the beginning and the end: a hundred percentages are noise.
        EventKind::Preparing { .. } => Vec::new(),
        EventKind::Prepared { task, took_ms } => {
            vec![format!("Ready: {}, after {}.", task_name(*task, &p.course, &p.progress), clock::took(*took_ms))]
        }
        EventKind::PrepareFailed { task, problem } => {
            vec![format!(
                "Not ready: {}: {problem}.{} prepare tries again.",
                task_name(*task, &p.course, &p.progress),
                hint(problem)
            )]
        }
        EventKind::Preflight { name, verdict, found, fix } => {
            let fix = fix.as_ref().filter(|_| !verdict.is_good()).map(|f| format!(". {f}")).unwrap_or_default();
            vec![format!("{name}: {}, {found}{fix}", theme::verdict_word(*verdict))]
        }
        EventKind::Bringing { to, done: 0, total: 0 } => vec![match to {
            BringTo::Chapter(chapter) => {
                format!("Bringing everything to where chapter {chapter} begins. cancel stops it.")
            }
            BringTo::Before => "Putting everything back to what it was before.".to_owned(),
            BringTo::Standby => "Moving the talk onto the local standby.".to_owned(),
            BringTo::Account => "Moving the talk back to the AWS account.".to_owned(),
        }],
        EventKind::Bringing { to: BringTo::Standby, done, total } => {
            let lacks = match total {
                1 => "The standby lacks one step and does it now".to_owned(),
                _ => format!("The standby lacks {total} steps and has done {done} of them"),
            };
            vec![format!("{lacks}. failover moves at once, without the rest.")]
        }
        EventKind::Bringing { done, total, .. } => vec![format!("Brought so far: {done} of {total} steps.")],
        // How far it is while it comes on, status says.
        EventKind::Standby { state } if state.problem.is_some() => vec![standby::how_far(&p.course, state)],
        EventKind::Standby { state } if state.is_level() => vec!["The local standby is at the same step.".to_owned()],
        EventKind::Standby { .. } => Vec::new(),
        EventKind::Switched { onto_standby, behind, .. } => {
            vec![format!("{}.", standby::switched(&p.course, *onto_standby, behind, "failback"))]
        }
        EventKind::AccountGone { problem } => {
            vec![format!("Trouble: {}.", standby::gone(&p.course, &p.progress, problem, "failover"))]
        }
        EventKind::AccountThrottled => vec![format!("{}.", ACCOUNT_THROTTLED)],
        EventKind::AccountBack => vec![format!("{}.", standby::back(&p.progress, "failback"))],
        EventKind::StateRestored { .. } => {
            words::put_back(p.course.uses()).map(|text| format!("{text}.")).into_iter().collect()
        }
        EventKind::StatementStarted { index, total, .. } => vec![format!("Statement {} of {total}.", index + 1)],
        EventKind::StatementFinished { index, total, .. } => {
            vec![format!(
                "{} to go: statement runs the next, run all of them.",
                words::counted(total - index - 1, "statement")
            )]
        }
        EventKind::StepStarted { at_step, usual_ms, .. } => {
            let usual = usual_ms.map(|ms| format!(", usually {}", clock::took(ms))).unwrap_or_default();
            let mut out = vec![format!("Running: {}{usual}.", title(at_step))];
            let said = at_step.of(&p.course);
            if let Some(text) = said.and_then(|s| s.while_running.as_ref()) {
                out.extend(p.prose(p.filled(text).trim()));
            }
            out
        }
        EventKind::StepFinished { at_step, verdict, took_ms, failure, .. } => {
            let word = words::came_to(*verdict, failure.as_ref());
            let mut out = vec![format!("{}: {word} after {}.", title(at_step), clock::took(*took_ms))];
            // What its checks came to, they have told themselves; who has stopped it knows why.
            let checks = at_step.of(&p.course).is_some_and(|step| matches!(step.action, StepAction::Check(_)));
            let cancelled = failure.as_ref().is_some_and(words::is_cancelled);
            out.extend(failure.iter().filter(|_| !checks && !cancelled).flat_map(|failure| record(p, failure)));
            out.extend(words::goes_on_without_us(&p.progress, at_step).filter(|_| !verdict.is_good()));
            if let Some(after) = at_step.of(&p.course).and_then(|s| s.after.as_ref()).filter(|_| verdict.is_good()) {
                out.extend(p.prose(p.filled(after).trim()));
            }
            match verdict {
                Verdict::FailedAsExpected => out.push("repair goes to the step that repairs it.".to_owned()),
                Verdict::PassedUnexpectedly => {
                    let back = match p.progress.target_in_use() {
                        Some(Target::Aws) | None => "What repairs it may have run already.",
                        Some(Target::Local) => "bring brings everything to where this chapter begins.",
                    };
                    out.push(format!("Alarm: it was meant to fail, and it did not. {back}"));
                }
                Verdict::Fail | Verdict::Error if cancelled => out.push("run runs it again.".to_owned()),
                Verdict::Fail | Verdict::Error => out.push(format!("run tries again{}.", p.hint_helps())),
                Verdict::Pass | Verdict::Skipped => {}
            }
            out
        }
        EventKind::Output { stream, lines, .. } => {
            let mark = match stream {
                Stream::Stdout | Stream::Stderr => "",
                Stream::Log => "log: ",
                Stream::Note => "note: ",
            };
            lines.iter().map(|line| format!("{mark}{line}")).collect()
        }
        EventKind::ProcessStarted { name, command, .. } => vec![format!("{name} is started: {command}")],
        EventKind::ProcessReady { name, took_ms, by } => {
            vec![format!("{name} is ready after {}: {by}.", clock::took(*took_ms))]
        }
        EventKind::ProcessOutput { name, lines, .. } => lines.iter().map(|line| format!("{name}: {line}")).collect(),
        EventKind::ProcessEnded { name, end } => vec![format!("{name} runs no more: {end}.")],
        EventKind::OutputDropped { count } => vec![format!("{count} lines came too fast; the log file has them.")],
        EventKind::FilesWritten { files, .. } => files
            .iter()
            .map(|(file, change)| {
                let word = match change {
                    FileChange::Added => "added",
                    FileChange::Changed => "changed",
                    FileChange::Deleted => "deleted",
                };
                format!("{word} {file}")
            })
            .collect(),
        EventKind::EditsKept { files, .. } => {
            vec![format!("Your own edits were put aside: {}. restore brings them back.", files.join(", "))]
        }
        EventKind::CourseReloaded { gone, .. } => {
            let said = "The course was read again.".to_owned();
            let here = p.here().map(|(_, _, step)| step.title.clone()).unwrap_or_default();
            let moved = gone.as_ref().map(|gone| format!("Step {gone} is not in it any more; this is “{here}” now."));
            std::iter::once(said).chain(moved).collect()
        }
        EventKind::CourseInvalid { problems } => {
            let said = problems.iter().map(|problem| match &problem.hint {
                Some(hint) => format!("{problem} ({hint})"),
                None => problem.to_string(),
            });
            said.chain(["The course is not valid as it is now: this goes on with it as it was.".to_owned()]).collect()
        }
        EventKind::EditsCollide { files } => vec![format!(
            "Your own lines in {} are where the course changes them next. diff own shows both; the same command again goes \
             on with yours, take course goes on with the course's.",
            files.join(", ")
        )],
        EventKind::EditsMerged { files } => {
            vec![format!("Your edits stay: {} went along with the course's change.", files.join(", "))]
        }
        EventKind::EditsRestored { files, whole, .. } => vec![format!("{}.", edits_are_back(files, whole))],
        EventKind::Distance { hunks_to_go, files, .. } => vec![match hunks_to_go {
            0 if files.is_empty() => "Your files are as this chapter leaves them.".to_owned(),
            0 => format!("Nothing to go in this chapter, and edits of your own in {}.", files.join(", ")),
            n => format!("{} to go in this chapter.", words::counted(*n as usize, "hunk")),
        }],
        EventKind::Simulated { conditions } if conditions.is_empty() => {
            vec!["the target is as always again".to_owned()]
        }
        EventKind::Simulated { conditions } => conditions.iter().map(|what| format!("for this step: {what}")).collect(),
        EventKind::HunksApplied { .. }
        | EventKind::Undeployed { .. }
        | EventKind::Captured { .. }
        | EventKind::OutputsListed(_)
        | EventKind::Completions { .. } => Vec::new(),
        EventKind::PhaseStarted { phase, .. } => vec![format!("{} …", words::phase(*phase))],
        EventKind::PhaseFinished { phase, took_ms, failed, .. } => {
            let failed = if *failed { "failed after " } else { "" };
            vec![format!("{}: {failed}{}", words::phase(*phase), clock::took(*took_ms))]
        }
        // Of what CloudFormation says twice at the beginning of each resource, once is enough.
        EventKind::ResourceChanged { resource, .. }
            if resource.is_in_progress() && resource.reason.as_deref() == Some(BEGUN) =>
        {
            Vec::new()
        }
        EventKind::ResourceChanged { resource, .. } => {
            let reason = resource.reason.as_ref().map(|r| format!(": {r}")).unwrap_or_default();
            let took =
                resource.ended.map(|end| format!(" after {}", clock::took(end.saturating_sub(resource.started))));
            vec![format!("{} {}{}{reason}", resource.logical_id, resource.status, took.unwrap_or_default())]
        }
        EventKind::RootCause { logical_id, reason, .. } => vec![format!("Root cause: {logical_id}: {reason}")],
        EventKind::StackOutput { key, value, .. } => vec![format!("output {key} = {value}")],
        EventKind::SessionOpened { session, role, host } => {
            vec![format!("session {session}: connected to {host} as {role}")]
        }
        EventKind::SessionLost { session, loss, reason } => {
            let lost = loss.text().map(|text| format!("; {text}")).unwrap_or_default();
            vec![format!("session {session}: connection ended, {reason}{lost}")]
        }
        EventKind::SessionClosed { session } => vec![format!("session {session}: closed")],
        // What a person typed stands there already.
        EventKind::SqlStarted { session, text, .. } if p.progress.running.is_some() => {
            let several = p.progress.sessions.len() > 1;
            let mark = if several { format!("{session}: ") } else { String::new() };
            text.trim_end().lines().map(|line| format!("{mark}sql: {line}")).collect()
        }
        EventKind::SqlStarted { .. } => Vec::new(),
        EventKind::SqlText { session, lines, .. } => {
            let several = p.progress.sessions.len() > 1;
            let mark = if several { format!("{session}: ") } else { String::new() };
            let said = lines.iter().filter(|(kind, _)| *kind != SqlLine::Echo || p.progress.running.is_some());
            said.flat_map(|(_, text)| text.split('\n').map(|line| format!("{mark}{line}")).collect::<Vec<_>>())
                .collect()
        }
        EventKind::SqlFinished { error, .. } => match error {
            // In a step it is what the lesson tells of.
            Some(error) if error.is_conflict() && p.progress.running.is_none() => {
                vec!["Another transaction won. retry runs the whole transaction again.".to_owned()]
            }
            Some(_) | None => Vec::new(),
        },
        EventKind::Invoked { payload, response, function_error, log_tail, took_ms, .. } => {
            let mut out = vec![format!("invoked with {payload}")];
            let error = function_error.as_ref().map(|e| format!(" (error {e})")).unwrap_or_default();
            out.push(format!("answered {response}{error} after {}", clock::took(*took_ms)));
            out.extend(log_tail.iter().map(|line| format!("log: {line}")));
            out
        }
        EventKind::LoadProgress {
            done,
            failed,
            total,
            per_second,
            p50_ms,
            p90_ms,
            p99_ms,
            max_ms,
            function_p50_ms,
            ..
        } => {
            let p50 = clock::latency(*p50_ms);
            let p99 = match *max_ms > 0.0 {
                true => format!(
                    "{}, p90 {}, slowest {}",
                    clock::latency(*p99_ms),
                    clock::latency(*p90_ms),
                    clock::latency(*max_ms)
                ),
                false => clock::latency(*p99_ms),
            };
            let own = function_p50_ms.map(|own| format!(", the function itself {}", clock::latency(own)));
            let own = own.unwrap_or_default();
            vec![format!("{done} of {total}, {failed} failed, {per_second:.0} per second, p50 {p50}, p99 {p99}{own}")]
        }
        EventKind::CheckStarted { .. } | EventKind::CheckTried { .. } => Vec::new(),
        EventKind::CheckFinished { title, verdict, attempts, took_ms, failure, .. } => {
            let again = if *attempts > 1 { format!(", {attempts} attempts") } else { String::new() };
            let word = words::came_to(*verdict, failure.as_ref());
            let mut out = vec![format!("check {word}: {title}, {}{again}", clock::took(*took_ms))];
            out.extend(failure.iter().filter(|f| !words::is_cancelled(f)).flat_map(|failure| record(p, failure)));
            out
        }
        EventKind::Diff { .. } => diff(p),
        EventKind::Paused => vec!["The stage clock is paused.".to_owned()],
        EventKind::ClockRestarted => vec!["The stage clock begins again.".to_owned()],
        EventKind::Resumed => vec!["The stage clock runs.".to_owned()],
        EventKind::Refused { because: Refusal::Already, reason, .. } => vec![format!("Nothing to do: {reason}.")],
        // What collides was told with the question.
        EventKind::Refused { because: Refusal::OwnEdits, .. } => Vec::new(),
        EventKind::Refused { because: Refusal::Costs, reason, .. } => vec![format!("Nothing has run yet: {reason}.")],
        EventKind::Refused { command, reason, .. } => vec![format!("Not now: {command}: {reason}.")],
        EventKind::Done { command, outcome: RequestOutcome::Failed(problem), .. } => {
            let hint = problem.hint.as_ref().map(|hint| format!(" {hint}.")).unwrap_or_default();
            vec![format!("Not done: {command}: {problem}.{hint}")]
        }
        EventKind::Done { command: CommandKind::Bring, outcome: RequestOutcome::Complete, .. } => match p.brought {
            Some(BringTo::Chapter(chapter)) => {
                vec![format!("Everything is as chapter {chapter} begins; bring back takes that back.")]
            }
            Some(BringTo::Before) => vec!["Everything is as it was before.".to_owned()],
            // What a move to another place came to was told with it.
            Some(BringTo::Standby | BringTo::Account) | None => Vec::new(),
        },
        EventKind::Accepted { .. } | EventKind::Done { .. } => Vec::new(),
        EventKind::Trouble { problem } => {
            vec![format!("Trouble: {problem}.{}", hint(problem))]
        }
        EventKind::TypesChecked { problems, .. } => {
            problems.iter().map(|problem| format!("The types do not fit: {problem}.")).collect()
        }
        EventKind::Detached { at_step } => vec![format!("{}: {}.", title(at_step), words::left_alone(&p.progress))],
        EventKind::ChapterFinished { chapter, verdict, took_ms } => {
            vec![format!("Chapter {chapter}: {}.", words::chapter_came_to(*verdict, *took_ms))]
        }
        // It could not even begin: there is nothing to be kept.
        EventKind::Closed { kind: Some(kind), .. } if *kind != Kind::Interrupted => vec!["Left.".to_owned()],
        EventKind::Closed { .. } => vec!["Left. Everything is kept for the next time.".to_owned()],
    }
}

/// Returns what a problem advises, as a sentence of its own.
fn hint(problem: &Problem) -> String {
    problem.hint.as_ref().map(|h| format!(" Hint: {}.", h.trim_end_matches('.'))).unwrap_or_default()
}

/// Returns where one is, what is said there, and what it does.
pub fn step(p: &Plain) -> Vec<String> {
    let Some((chapter, at, step)) = p.here() else { return vec!["Still starting.".to_owned()] };
    let mut out = vec![String::new()];
    let heading = format!(
        "Chapter {}: {}. Step {} of {}: {}",
        chapter.number,
        chapter.title,
        at + 1,
        chapter.steps.len(),
        step.title
    );
    out.extend(p.prose(&heading));
    if at == 0 && !chapter.goals.is_empty() {
        out.extend(p.prose(&format!("Afterwards you can: {}.", chapter.goals.join("; "))));
    }
    out.push(String::new());
    let said = p.filled(&step.say);
    let said = images::as_words(said.trim());
    out.extend(p.prose(&said));
    out.push(String::new());
    match &step.action {
        StepAction::Sql(sql) => out.extend(sql.statements.iter().map(|statement| {
            let value = |reference: &Reference| p.progress.value(&p.course, reference);
            format!("{}: {}", statement.session, statement.run.shown(TemplateSyntax::Sql, value).trim())
        })),
        StepAction::Read
        | StepAction::Serve(_)
        | StepAction::Stop(_)
        | StepAction::Edit(_)
        | StepAction::Deploy(_)
        | StepAction::Shell(_)
        | StepAction::Invoke(_)
        | StepAction::Check(_)
        | StepAction::Load(_)
        | StepAction::Simulate(_) => {}
    }
    if let StepExpect::Failure(failure) = &step.expect {
        out.push(format!("This step is meant to fail with “{}”.", words::pattern(&failure.matches)));
    }
    let is_settled = p.step_ref().is_some_and(|here| p.progress.is_settled(&here, step));
    out.push(match step.action {
        StepAction::Read => "enter goes on.".to_owned(),
        _ if is_settled => "This step is done: enter goes on, run does it again.".to_owned(),
        StepAction::Edit(_) => format!("enter {}; diff shows what it will be.", p.does(step)),
        _ => format!("enter {}.", p.does(step)),
    });
    out
}

fn record(p: &Plain, failure: &Failure) -> Vec<String> {
    // The function's log stands there already.
    let told = p.progress.invoked.as_ref().is_some_and(|invoked| invoked.log_tail == failure.output);
    let fields = record::fields(failure, Advice::Own(p.here().map(|(chapter, _, _)| chapter)));
    let shown = fields.iter().filter(|field| field.role != FieldRole::Output || !told);
    let text = |field: &RecordField<'_>| match field.role {
        FieldRole::Author => p.filled(&field.text).into_owned(),
        _ => p.progress.in_project(&field.text).into_owned(),
    };
    let lines = |field: &RecordField<'_>| -> Vec<String> {
        text(field).lines().map(|line| format!("  {}: {line}", field.name)).collect()
    };
    shown.flat_map(lines).collect()
}

/// Hunks with numbers, as `apply` counts them.
fn diff(p: &Plain) -> Vec<String> {
    let mut out = Vec::new();
    let mut number = 0;
    for file in p.files() {
        for hunk in &file.diff.hunks {
            number += 1;
            out.push(format!("hunk {number}: {}, line {}", file.diff.path, hunk.after_start + 1));
            out.extend(hunk.note.iter().map(|note| format!("note: {}", note.trim())));
            for line in &hunk.lines {
                let sign = if line.side == Side::Added { '+' } else { '-' };
                out.push(format!("{sign} {}", line.text()));
            }
        }
    }
    if out.is_empty() {
        out.push("There is no difference.".to_owned());
    }
    out
}
