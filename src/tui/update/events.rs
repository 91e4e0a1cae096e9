//! The engine's events, taken in: the fold first, then what a screen makes of it.

use super::asking::STILL_STARTING;
use super::panels::{beside, select};
use super::{answers, author, bringing, console, diff, keys, loads, navigation, place, retrace, search};
use crate::tui::bindings::KeyAction;
use crate::tui::clock;
use crate::tui::model::*;
use crate::tui::present::words::{self, edits_are_back, task_name};
use crate::tui::present::{json, outline, window};
use crate::tui::theme;
use workshop_base::problem::Problem;
use workshop_course::lesson::model::StepAction;
use workshop_engine::command::{BringTo, Command, CommandKind, Refusal};
use workshop_engine::event::{Event, EventKind, RequestOutcome, Stream, Verdict};
use workshop_engine::progress::is_in_progress;

/// Folds an event, and does what a screen does about it: a line in the log, a word, a panel.
pub fn take(m: &mut Model, event: Event, effects: &mut Vec<Effect>) {
    let from = m.progress.position.clone();
    let before = from.as_ref().map(|position| position.chapter);
    let brought = m.progress.bringing.as_ref().map(|state| state.to);
    let before_standby = m.progress.standby.clone();
    m.progress.apply(&event);
    m.requests.take(&event.kind);
    retrace::answered(m, &event.kind);
    let kind = event.kind;
    match &kind {
        EventKind::Opened { .. } => opened(m, effects),
        EventKind::Moved { position } => {
            retrace::moved(m, from, position);
            arrived(m, effects);
            // After a leap the stack and the database may be elsewhere: look, rather than believe.
            let leaps = before.is_some_and(|before| before.abs_diff(position.chapter) > 1 || before > position.chapter);
            if leaps && m.progress.bringing.is_none() {
                effects.push(m.ask(Command::Locate));
            }
        }
        EventKind::CourseReloaded { gone, course, .. } => {
            author::reloaded(m, gone.as_deref(), course.clone());
            if gone.is_some() {
                arrived(m, effects);
            }
            author::show_difference(m, effects);
        }
        EventKind::CourseInvalid { problems } => author::invalid(m, problems),
        EventKind::Restored { .. } => {
            opened(m, effects);
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
            let text = words::found(&m.course, files, stack, database, ": ");
            m.log.push_prose(LogKind::Note, &text);
            m.located_at = m.here();
        }
        EventKind::DeployFound { status } => {
            let text = match is_in_progress(status) {
                true => {
                    format!("The stack is changing without us ({status}): {} attaches to it", m.key(KeyAction::Run))
                }
                false => format!("The deploy came to its end without us: {status}"),
            };
            m.log.push_prose(LogKind::Note, &text);
            m.toast = Some((text, Mood::Warn));
        }
        EventKind::Preparing { .. } => {}
        EventKind::Prepared { task, took_ms } => {
            let text = format!("{}: ready after {}", task_name(*task, &m.course, &m.progress), clock::took(*took_ms));
            m.log.push_prose(LogKind::Note, &text);
        }
        EventKind::PrepareFailed { task, problem } => {
            m.log.push_prose(LogKind::Bad, &format!("{}: {problem}", task_name(*task, &m.course, &m.progress)));
            if let Some(hint) = &problem.hint {
                m.log.push_prose(LogKind::Note, &format!("hint: {hint}"));
            }
        }
        EventKind::Preflight { name, verdict, found, fix } => {
            let (mark, _) = theme::verdict(Some(*verdict));
            let kind = if verdict.is_good() { LogKind::Note } else { LogKind::Bad };
            m.log.push_prose(kind, &format!("{mark} {name}: {found}"));
            if let (false, Some(fix)) = (verdict.is_good(), fix) {
                m.log.push_prose(LogKind::Note, &format!("  {fix}"));
            }
        }
        EventKind::Bringing { to: BringTo::Chapter(chapter), done: 0, total: 0 } => {
            m.log.push_prose(LogKind::Note, &format!("bringing everything to where chapter {chapter} begins"));
        }
        EventKind::Bringing { .. } => {}
        EventKind::StatementFinished { .. } => idle(m, effects),
        EventKind::StatementStarted { .. } => navigation::reveal(m, effects),
        EventKind::Standby { .. }
        | EventKind::Switched { .. }
        | EventKind::AccountGone { .. }
        | EventKind::AccountThrottled
        | EventKind::AccountBack => place::take(m, before_standby.as_ref(), &kind),
        EventKind::StateRestored { .. } => {
            console::forget_past(m);
            if let Some(text) = words::put_back(m.uses) {
                m.log.push_prose(LogKind::Note, text);
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
            let several = matches!(m.step_of(at_step).map(|step| &step.action), Some(StepAction::Sql(sql))
                if sql.statements.iter().any(|statement| statement.session != sql.statements[0].session));
            let sql = m.step_of(at_step).is_some_and(|step| matches!(step.action, StepAction::Sql(_)));
            if sql && m.console.lanes_chapter.replace(at_step.chapter) != Some(at_step.chapter) {
                m.console.lanes_from = m.console.exchanges.len();
            }
            // A step of one session goes on with what others began in this chapter.
            let own = m.step_of(at_step).and_then(|step| match &step.action {
                StepAction::Sql(sql) => sql.statements.first().map(|statement| statement.session.clone()),
                _ => None,
            });
            let meets = own.is_some_and(|own| {
                m.console.exchanges.iter().skip(m.console.lanes_from).any(|exchange| exchange.session != own)
            });
            for session in &mut m.console.sessions {
                session.step_from = sql.then(|| session.back.next_line());
            }
            // Pictures of other steps give their room back.
            console::draw_picture(m, if several || meets { SqlPicture::Lanes } else { SqlPicture::None });
            navigation::reveal(m, effects);
            m.deploy.top = 0;
            loads::step_began(m);
        }
        EventKind::StepFinished { at_step, verdict, took_ms, failure, .. } => {
            let title = m.step_of(at_step).map_or(at_step.step.clone(), |s| s.title.clone());
            let kind = LogKind::of(*verdict);
            let word = words::came_to(*verdict, failure.as_ref());
            m.log.push_prose(kind, &format!("── {title}: {word} after {}", clock::took(*took_ms)));
            if let Some(failure) = failure
                && !verdict.is_good()
                && !words::is_cancelled(failure)
            {
                m.log.push_prose(LogKind::Bad, &format!("   expected: {}", failure.expected));
                for line in m.progress.in_project(&failure.actual).lines() {
                    m.log.push_prose(LogKind::Bad, &format!("   got: {line}"));
                }
            }
            let asked_for = m.progress.bringing.is_none();
            let announced = window::announcement(m, at_step, *verdict, *took_ms).filter(|_| asked_for);
            effects.extend(announced.map(Effect::Announce));
            answers::settled(m, at_step);
            // Where own lines met the course's, that is decided now.
            if m.diff.choice == DiffChoice::Collision && verdict.is_good() {
                m.diff.choice = DiffChoice::Step;
                diff::ask(m, effects);
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
            m.log.push_prose(LogKind::Note, words::left_alone(&m.progress));
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
        EventKind::ProcessStarted { name, command, .. } => {
            m.log.push_prose(LogKind::Note, &format!("{name} is started: {command}"));
        }
        EventKind::ProcessReady { name, took_ms, by } => {
            m.log.push_prose(LogKind::Good, &format!("{name} is ready after {}: {by}", clock::took(*took_ms)));
        }
        EventKind::ProcessOutput { name, stream, lines } => {
            let kind = if *stream == Stream::Stderr { LogKind::Err } else { LogKind::Out };
            for line in lines {
                m.log.push(kind, &format!("{name} │ {line}"), true);
            }
        }
        EventKind::ProcessEnded { name, end } => {
            let text = format!("{name} runs no more: {end}");
            let kind = if end.is_unwanted() { LogKind::Bad } else { LogKind::Note };
            m.log.push_prose(kind, &text);
            // While its step runs, that says it.
            if end.is_unwanted() && m.progress.running.is_none() {
                m.toast = Some((text, Mood::Bad));
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
            let key = m.key(KeyAction::RestoreEdits);
            let text = match files.as_slice() {
                [one] => format!("Your edits of {one} were put aside: {key} brings them back"),
                many => format!("Your edits of {} files were put aside: {key} brings them back", many.len()),
            };
            m.log.push_prose(LogKind::Note, &text);
            m.toast = Some((text, Mood::Warn));
        }
        EventKind::EditsCollide { files } => {
            m.log.push_prose(LogKind::Note, &format!("Your lines in {} meet the course's", files.join(", ")));
            m.diff.choice = DiffChoice::Collision;
            super::panels::show(m, Panel::Diff, effects);
            diff::ask(m, effects);
        }
        EventKind::EditsMerged { files } => {
            let text = format!("Your edits stay: {} went along with the course's change", files.join(", "));
            m.log.push_prose(LogKind::Note, &text);
            m.add_toast(text, Mood::Good);
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
        | EventKind::OutputsListed(_)
        | EventKind::Undeployed { .. }
        | EventKind::Captured { .. } => {}
        EventKind::Simulated { conditions } => {
            for what in conditions {
                m.log.push_prose(LogKind::Note, &format!("for this step: {what}"));
            }
        }
        EventKind::LoadProgress { .. } => loads::went_on(m, &kind),
        EventKind::ResourceChanged { resource, .. } => {
            let reason = resource.reason.as_deref().map(|r| format!(": {r}")).unwrap_or_default();
            let kind = if resource.is_failed() { LogKind::Bad } else { LogKind::Out };
            m.log.push_prose(kind, &format!("{} {}{reason}", resource.status, resource.logical_id));
        }
        EventKind::RootCause { logical_id, reason, .. } => {
            m.log.push_prose(LogKind::Bad, &format!("root cause: {logical_id}: {reason}"));
        }
        EventKind::SessionOpened { .. }
        | EventKind::SessionLost { .. }
        | EventKind::SessionClosed { .. }
        | EventKind::SqlStarted { .. }
        | EventKind::SqlText { .. }
        | EventKind::SqlFinished { .. }
        | EventKind::Completions { .. } => {
            answers::take(m, &kind);
            navigation::withdraw_question(m);
        }
        EventKind::Invoked { payload, response, function_error, log_tail, took_ms, .. } => {
            m.log.push_prose(LogKind::Note, &format!("→ {payload}"));
            // A refusal that the lesson means is no alarm.
            let running = m.progress.running.as_ref().and_then(|step| m.progress.steps.get(step));
            let failed =
                if running.is_some_and(|step| step.expects_failure) { LogKind::Expected } else { LogKind::Bad };
            let (kind, word) = match function_error {
                Some(error) => (failed, format!(" ({error})")),
                None => (LogKind::Good, String::new()),
            };
            let took = clock::took(*took_ms);
            let lines = json::lines(response);
            for (i, line) in lines.iter().enumerate() {
                match i {
                    0 if lines.len() == 1 => m.log.push_prose(kind, &format!("← {line}{word} · {took}")),
                    0 => {
                        m.log.push_prose(kind, &format!("←{word} · {took}"));
                        m.log.push_prose(kind, &format!("  {line}"));
                    }
                    _ => m.log.push_prose(kind, &format!("  {line}")),
                }
            }
            for line in log_tail.iter().flat_map(|line| json::log_lines(line)) {
                m.log.push_prose(LogKind::Function, &line);
            }
        }
        EventKind::CheckStarted { .. } | EventKind::CheckTried { .. } | EventKind::Accepted { .. } => {}
        EventKind::CheckFinished { at_check, title, verdict, attempts, took_ms, failure } => {
            let (mark, _) = theme::verdict(Some(*verdict));
            let again = if *attempts > 1 { format!(", {attempts} attempts") } else { String::new() };
            let kind = LogKind::of(*verdict);
            m.log.push_prose(kind, &format!("{mark} {title} ({}{again})", clock::took(*took_ms)));
            // Of one that passed after all: why not at once. One that did not has all of it in its record.
            let tries = m.progress.checks.get(at_check).map(|check| check.tries.clone()).unwrap_or_default();
            for attempt in tries.iter().take(tries.len().saturating_sub(1)).filter(|_| verdict.is_good()) {
                m.log.push_prose(LogKind::Note, &format!("    attempt {}: {}", attempt.number, attempt.actual));
            }
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
        EventKind::Paused => {
            let text = format!("The stage clock is paused: {} lets it run on", m.key(KeyAction::PauseClock));
            m.toast = Some((text, Mood::Plain));
        }
        EventKind::ClockRestarted => {
            m.toast = Some(("The stage clock begins again".to_owned(), Mood::Plain));
        }
        EventKind::Resumed => m.toast = Some(("The stage clock runs".to_owned(), Mood::Plain)),
        EventKind::Refused { because: Refusal::OwnEdits, .. } => {
            // Whichever key it was that was asked back: not each of them goes on here.
            let take = m.key(KeyAction::TakeCourse);
            let text = format!(
                "Your own lines are where the course changes them next: the same key again goes on with yours, {take} takes \
                 the course's"
            );
            m.toast = Some((text, Mood::Warn));
        }
        // No refusal, but a question: the same key answers it.
        EventKind::Refused { because: Refusal::Costs, reason, .. } => {
            m.toast = Some((format!("Nothing has run yet: {reason}"), Mood::Warn));
        }
        EventKind::Refused { because: Refusal::Already, reason, .. } => {
            m.toast = Some((format!("Nothing to do: {reason}"), Mood::Plain));
        }
        EventKind::Refused { command, reason, because, .. } => {
            let mood = if *because == Refusal::Busy { Mood::Busy } else { Mood::Warn };
            m.toast = Some((format!("Not now: {reason}"), mood));
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
            if matches!(command, CommandKind::Bring | CommandKind::Check) {
                idle(m, effects);
            }
        }
        EventKind::Done { command: CommandKind::Check, .. } => idle(m, effects),
        EventKind::Done { command: CommandKind::Bring, outcome, .. } => {
            if let (RequestOutcome::Complete, Some(to)) = (outcome, brought) {
                bringing::brought(m, to);
            }
            idle(m, effects);
        }
        EventKind::Done { command: CommandKind::Settle, .. } => {
            let (on, back) = (m.key(KeyAction::GoOn), m.key(KeyAction::RestoreEdits));
            m.toast = Some((format!("{on} goes on with the course's text; {back} brings yours back"), Mood::Plain));
        }
        EventKind::Done { .. } => {}
        EventKind::Trouble { problem } => undone(m, problem),
        EventKind::ChapterFinished { chapter, verdict, took_ms } => {
            let text = format!("chapter {chapter}: {}", words::chapter_came_to(*verdict, *took_ms));
            m.log.push_prose(LogKind::Note, &text);
        }
        EventKind::Closed { .. } => effects.push(Effect::Leave),
    }
}

/// Tells that something did not work, and no step or check shows it.
fn undone(m: &mut Model, problem: &Problem) {
    m.log.push_prose(LogKind::Bad, &problem.to_string());
    let hint = problem.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
    m.toast = Some((format!("{problem}{hint}"), Mood::Bad));
}

/// Is at the first step of this run. A panel that somebody has chosen meanwhile stays, and that it is still starting is true
/// no longer.
fn opened(m: &mut Model, effects: &mut Vec<Effect>) {
    let chosen = (m.focus != Panel::Page).then_some((m.focus, m.shown, m.companion));
    if m.toast.as_ref().is_some_and(|(text, _)| text == STILL_STARTING) {
        m.toast = None;
    }
    arrived(m, effects);
    keys::remind_of_audience(m);
    if let Some((focus, shown, companion)) = chosen {
        (m.focus, m.shown, m.companion) = (focus, shown, companion);
    }
}

/// At another step: its page from the top, its panel beside it.
fn arrived(m: &mut Model, effects: &mut Vec<Effect>) {
    let Some(here) = m.here() else { return };
    m.console.arrived = m.progress.at;
    m.console.sessions.iter_mut().for_each(|session| session.step_from = None);
    // Lanes of another chapter are no part of this one.
    if m.console.lanes_chapter.is_some_and(|chapter| chapter != here.chapter) {
        console::draw_picture(m, SqlPicture::None);
    }
    m.page.of = None;
    m.page.top = 0;
    m.page.at_end = false;
    m.page.read = 0;
    m.page.told = false;
    search::forget(m);
    m.outline.opened.clear();
    m.outline.cursor = outline::items(m)
        .iter()
        .position(|item| item.chapter == here.chapter && item.step.as_ref() == Some(&here.step))
        .unwrap_or(0);
    m.checks.cursor = m.checks.cursor.min(m.chapter().map_or(0, |c| c.checks.len().saturating_sub(1)));
    m.checks.top = 0;
    m.diff.choice = DiffChoice::Step;
    let action = m.step().map(|step| step.action.clone());
    if let Some(panel) = action.as_ref().and_then(Panel::of)
        && m.mode != InputMode::Entry
    {
        m.shown = panel;
        if m.companion == m.shown {
            m.companion = beside(m);
        }
        if panel == Panel::Sql {
            console::ensure_session(m);
        }
    }
    if (m.layout.slots.len() <= 1 || m.focus.is_tool()) && m.mode != InputMode::Entry {
        m.focus = Panel::Page;
    }
    // Its hunks are needed to step through them, wherever one looks.
    if matches!(action, Some(StepAction::Edit(_))) || m.shown == Panel::Diff {
        diff::ask(m, effects);
    }
}

/// Nothing runs any more, and what was said of its running is no longer so: leave, if that was the wish.
fn idle(m: &mut Model, effects: &mut Vec<Effect>) {
    if m.progress.bringing.is_some() {
        return;
    }
    m.toast.take_if(|(_, mood)| *mood == Mood::Busy);
    if matches!(&m.mode, InputMode::Leave(leave) if !matches!(leave.what, Running::Sql(_))) {
        navigation::question_gone(m);
    }
    if m.leave_when_idle {
        navigation::close(m, effects);
    }
}
