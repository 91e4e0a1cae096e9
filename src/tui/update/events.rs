//! What the engine says, taken in: the fold first, then what a screen makes of it.

use super::{console, diff, drive};
use crate::tui::clock;
use crate::tui::model::*;
use crate::tui::theme;
use crate::tui::view::words;
use workshop_base::problem::Problem;
use workshop_course::lesson::model::{StepAction, Target};
use workshop_engine::command::{Command, CommandKind};
use workshop_engine::event::{Event, EventKind, Place, RequestOutcome, Stream, Verdict};
use workshop_engine::progress::{Progress, is_in_progress};

pub fn take(m: &mut Model, event: Event, effects: &mut Vec<Effect>) {
    let before = m.progress.position.as_ref().map(|position| position.chapter);
    m.progress.apply(&event);
    m.requests.take(&event.kind);
    let kind = event.kind;
    match &kind {
        EventKind::Opened { .. } => arrived(m, effects),
        EventKind::Moved { position } => {
            arrived(m, effects);
            // After a leap the stack and the database may be elsewhere: look, rather than believe.
            if before.is_some_and(|before| before.abs_diff(position.chapter) > 1 || before > position.chapter) {
                effects.push(m.ask(Command::Locate));
            }
        }
        EventKind::Restored { .. } => {
            arrived(m, effects);
            m.log.push_prose(LogKind::Note, &words::welcome(&m.progress));
        }
        EventKind::Reached { here, before: None } => {
            m.log.push_prose(LogKind::Note, &format!("working in {here}"));
        }
        EventKind::Reached { here, before: Some(before) } => {
            let text = here.instead_of(before);
            m.log.push_prose(LogKind::Note, &text);
            m.toast = Some((text, Mood::Warn));
        }
        EventKind::Located { files, stack, database } => {
            let text = format!("files: {}, stack: {}, database: {}", place(files), place(stack), place(database));
            m.log.push_prose(LogKind::Note, &text);
            m.located_at = m.here();
        }
        EventKind::DeployFound { status } => {
            let text = match is_in_progress(status) {
                true => format!("The stack is changing without us ({status}): r attaches to it"),
                false => format!("The deploy came to its end without us: {status}"),
            };
            m.log.push_prose(LogKind::Note, &text);
            m.toast = Some((text, Mood::Warn));
        }
        EventKind::Preparing { .. } => {}
        EventKind::Prepared { task, took_ms } => {
            let text = format!("{}: ready after {}", task_name(*task, &m.progress), clock::took(*took_ms));
            m.log.push_prose(LogKind::Note, &text);
        }
        EventKind::PrepareFailed { task, problem } => {
            m.log.push_prose(LogKind::Bad, &format!("{}: {problem}", task_name(*task, &m.progress)));
            if let Some(hint) = &problem.hint {
                m.log.push_prose(LogKind::Note, &format!("hint: {hint}"));
            }
        }
        EventKind::Preflight { name, verdict, found, fix } => {
            let (mark, _) = theme::verdict(Some(*verdict));
            let kind = if verdict.is_good() { LogKind::Note } else { LogKind::Bad };
            m.log.push(kind, &format!("{mark} {name}: {found}"), true);
            if let (false, Some(fix)) = (verdict.is_good(), fix) {
                m.log.push_prose(LogKind::Note, &format!("  {fix}"));
            }
        }
        EventKind::StepStarted { at_step, attempt, .. } => {
            let title = m.step_of(at_step).map_or(at_step.step.clone(), |s| s.title.clone());
            let again = if *attempt > 1 { format!(", attempt {attempt}") } else { String::new() };
            m.located_at = None;
            m.log.push_prose(LogKind::Note, &format!("── {title}{again}"));
            if let Some(StepAction::Check(checks)) = m.step_of(at_step).map(|step| step.action.clone()) {
                select(m, checks.first());
            }
            drive::reveal(m, effects);
            m.deploy_top = 0;
        }
        EventKind::StepFinished { at_step, verdict, took_ms, failure, .. } => {
            let title = m.step_of(at_step).map_or(at_step.step.clone(), |s| s.title.clone());
            let kind = if verdict.is_good() { LogKind::Good } else { LogKind::Bad };
            let text = format!("── {title}: {} after {}", theme::verdict_word(*verdict), clock::took(*took_ms));
            m.log.push(kind, &text, true);
            if let Some(failure) = failure
                && !verdict.is_good()
            {
                m.log.push_prose(LogKind::Bad, &format!("   expected: {}", failure.expected));
                for line in failure.actual.lines() {
                    m.log.push_prose(LogKind::Bad, &format!("   got: {line}"));
                }
            }
            console::settled(m, at_step);
            // What was said about its running is no longer so.
            if matches!(m.toast, Some((_, Mood::Warn))) {
                m.toast = None;
            }
            idle(m, effects);
        }
        EventKind::TypesChecked { problems, .. } => {
            for problem in problems {
                for (i, line) in problem.to_string().lines().enumerate() {
                    let lead = if i == 0 { "types: " } else { "  " };
                    m.log.push_prose(LogKind::Bad, &format!("{lead}{line}"));
                }
            }
        }
        EventKind::Detached { .. } => {
            m.log.push_prose(LogKind::Note, "the deploy goes on without us; run the step again to attach to it");
            idle(m, effects);
        }
        EventKind::Output { stream, lines, .. } => {
            let kind = match stream {
                Stream::Stdout => LogKind::Out,
                Stream::Stderr => LogKind::Err,
                Stream::Log => LogKind::Function,
                Stream::Note => LogKind::Note,
            };
            for line in lines {
                m.log.push(kind, line, true);
            }
        }
        EventKind::OutputDropped { count } => {
            m.log.push_prose(LogKind::Note, &format!("… {count} lines came too fast; the log file has them"));
        }
        EventKind::FilesWritten { files, .. } => {
            for (file, change) in files {
                let sign = match change {
                    workshop_engine::event::FileChange::Added => "+",
                    workshop_engine::event::FileChange::Changed => "~",
                    workshop_engine::event::FileChange::Deleted => "-",
                };
                m.log.push_prose(LogKind::Note, &format!("{sign} {file}"));
            }
            diff::refresh(m, effects);
        }
        EventKind::EditsKept { files, .. } => {
            let text = match files.as_slice() {
                [one] => format!("Your edits of {one} were put aside: E brings them back"),
                many => format!("Your edits of {} files were put aside: E brings them back", many.len()),
            };
            m.log.push_prose(LogKind::Note, &text);
            m.toast = Some((text, Mood::Warn));
        }
        EventKind::EditsRestored { files, whole, .. } => {
            let text = edits_are_back(files, whole);
            m.toast = Some((text, if whole.is_empty() { Mood::Good } else { Mood::Warn }));
            diff::refresh(m, effects);
        }
        EventKind::Distance { .. } | EventKind::HunksApplied { .. } => diff::refresh(m, effects),
        EventKind::PhaseStarted { .. }
        | EventKind::PhaseFinished { .. }
        | EventKind::StackOutput { .. }
        | EventKind::LoadProgress { .. }
        | EventKind::Captured { .. } => {}
        EventKind::ResourceChanged { resource, .. } => {
            let reason = resource.reason.as_deref().map(|r| format!(": {r}")).unwrap_or_default();
            let kind = if resource.is_failed() { LogKind::Bad } else { LogKind::Out };
            m.log.push(kind, &format!("{} {}{reason}", resource.status, resource.logical_id), true);
        }
        EventKind::RootCause { logical_id, reason, .. } => {
            m.log.push_prose(LogKind::Bad, &format!("root cause: {logical_id}: {reason}"));
        }
        EventKind::SessionOpened { .. }
        | EventKind::SessionLost { .. }
        | EventKind::SqlStarted { .. }
        | EventKind::SqlText { .. }
        | EventKind::SqlFinished { .. }
        | EventKind::Completions { .. } => console::take(m, &kind),
        EventKind::Invoked { payload, response, function_error, log_tail, took_ms, .. } => {
            m.log.push_prose(LogKind::Note, &format!("→ {payload}"));
            let (kind, word) = match function_error {
                Some(error) => (LogKind::Bad, format!(" ({error})")),
                None => (LogKind::Good, String::new()),
            };
            m.log.push(kind, &format!("← {response}{word} · {}", clock::took(*took_ms)), true);
            for line in log_tail {
                m.log.push(LogKind::Function, line, true);
            }
        }
        EventKind::CheckStarted { .. } | EventKind::Accepted { .. } => {}
        EventKind::CheckFinished { at_check, title, verdict, attempts, took_ms, failure } => {
            let (mark, _) = theme::verdict(Some(*verdict));
            let again = if *attempts > 1 { format!(", {attempts} attempts") } else { String::new() };
            let kind = if verdict.is_good() { LogKind::Good } else { LogKind::Bad };
            m.log.push(kind, &format!("{mark} {title} ({}{again})", clock::took(*took_ms)), true);
            // The first one that has something to tell is what one wants to read.
            if failure.is_some() && !m.checks.chosen {
                let current = m.chapter().and_then(|c| c.checks.get(m.checks.cursor)).and_then(|check| {
                    let at = workshop_engine::event::CheckRef { chapter: at_check.chapter, check: check.id.clone() };
                    m.progress.checks.get(&at).and_then(|state| state.verdict)
                });
                if current.is_none_or(Verdict::is_good) {
                    select(m, Some(&at_check.check));
                }
            }
        }
        EventKind::Diff { .. } => diff::take(m, kind, effects),
        EventKind::Paused => m.toast = Some(("The stage clock is paused: p lets it run on".to_owned(), Mood::Plain)),
        EventKind::ClockRestarted => {
            m.toast = Some(("The stage clock begins again".to_owned(), Mood::Plain));
        }
        EventKind::Resumed => m.toast = Some(("The stage clock runs".to_owned(), Mood::Plain)),
        EventKind::Refused { command, reason, .. } => {
            m.toast = Some((format!("Not now: {reason}"), Mood::Warn));
            // Who is refused is asked again, rather than put out of the door later.
            if matches!(command, CommandKind::Quit | CommandKind::Cancel | CommandKind::Detach) {
                m.closing = None;
                m.leave_when_idle = false;
            }
        }
        EventKind::Done { outcome: RequestOutcome::Failed(problem), command, .. }
            if *command != CommandKind::Prepare =>
        {
            undone(m, problem);
        }
        EventKind::Done { .. } => {}
        EventKind::Trouble { problem } => undone(m, problem),
        EventKind::ChapterFinished { chapter, verdict, took_ms } => {
            let word = theme::verdict_word(*verdict);
            m.log.push_prose(LogKind::Note, &format!("chapter {chapter}: {word} after {}", clock::took(*took_ms)));
        }
        EventKind::Closed { .. } => effects.push(Effect::Leave),
    }
}

/// Something did not work, and no step or check shows it.
fn undone(m: &mut Model, problem: &Problem) {
    m.log.push_prose(LogKind::Bad, &problem.to_string());
    let hint = problem.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
    m.toast = Some((format!("{problem}{hint}"), Mood::Bad));
}

/// Selects the check of the chapter with this id, if it is there.
pub fn select(m: &mut Model, check: Option<&String>) {
    let at = m.chapter().and_then(|c| c.checks.iter().position(|known| Some(&known.id) == check));
    if let Some(at) = at {
        m.checks = ChecksView { cursor: at, top: 0, chosen: false };
    }
}

/// At another step: its page from the top, its panel beside it.
fn arrived(m: &mut Model, effects: &mut Vec<Effect>) {
    let Some(here) = m.here() else { return };
    m.page.of = None;
    m.page.top = 0;
    m.outline.opened.clear();
    m.outline.cursor = crate::tui::view::outline::items(m)
        .iter()
        .position(|item| item.chapter == here.chapter && item.step.as_ref() == Some(&here.step))
        .unwrap_or(0);
    m.checks.cursor = m.checks.cursor.min(m.chapter().map_or(0, |c| c.checks.len().saturating_sub(1)));
    m.checks.top = 0;
    m.diff.choice = DiffChoice::Step;
    let action = m.step().map(|step| step.action.clone());
    if let Some(panel) = action.as_ref().and_then(Panel::of)
        && m.mode != Mode::Entry
    {
        m.shown = panel;
        if m.companion == m.shown {
            m.companion = if m.shown == Panel::Log { Panel::Checks } else { Panel::Log };
        }
        if panel == Panel::Sql {
            console::ensure_session(m);
        }
    }
    if (m.layout.slots.len() <= 1 || m.focus.is_tool()) && m.mode != Mode::Entry {
        m.focus = Panel::Page;
    }
    // Its hunks are needed to step through them, wherever one looks.
    if matches!(action, Some(StepAction::Edit(_))) || m.shown == Panel::Diff {
        diff::ask(m, effects);
    }
}

/// Nothing runs any more: leave, if that was the wish.
fn idle(m: &mut Model, effects: &mut Vec<Effect>) {
    if matches!(&m.mode, Mode::Leave(leave) if !matches!(leave.what, Running::Sql(_))) {
        m.mode = Mode::Walking;
    }
    if m.leave_when_idle {
        drive::close(m, effects);
    }
}

/// Own edits that were brought back, and where they did not go together with the course's.
pub fn edits_are_back(files: &[String], whole: &[String]) -> String {
    let back = format!("Your edits are back: {}", files.join(", "));
    match whole {
        [] => back,
        [one] => format!("{back}. The chapter changes the same lines of {one}: that file is as you had it"),
        many => format!("{back}. The chapter changes the same lines of {}: these are as you had them", many.join(", ")),
    }
}

pub fn place(place: &Place) -> String {
    match place {
        Place::Chapter(n) => format!("chapter {n}"),
        // Someone else's deploy that looks like it.
        Place::Near { chapter, differs: 0 } => format!("like chapter {chapter}"),
        Place::Near { chapter, differs: 1 } => format!("chapter {chapter}, one difference"),
        Place::Near { chapter, differs } => format!("chapter {chapter}, {differs} differences"),
        Place::Nothing => "nothing yet".to_owned(),
        Place::Unknown => "unknown".to_owned(),
    }
}

/// What is being made ready; of a target that is an account, the account.
pub fn task_name(task: workshop_engine::event::Task, progress: &Progress) -> &'static str {
    use workshop_engine::event::Task;
    match task {
        Task::Preflight => "prerequisites",
        Task::Packages => "packages",
        Task::Sandbox if progress.target == Some(Target::Aws) => "AWS account",
        Task::Sandbox => "sandbox",
    }
}
