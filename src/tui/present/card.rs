//! The card below the page: what one waits for, how it came out, what comes next.
//!
//! One card at a time, the most pressing first. An expected failure is a scene of its own: announced
//! before, celebrated when it fails as declared, and an alarm when it does not.

use ratatui::text::{Line, Span};

use super::card_rows::Card;
use super::intent::{Intent, has_hint, intent, next_statement, repair_of};
use super::json;
use super::locks;
use super::record;
use super::spans::{display_text, span};
use super::standby;
use super::take_home;
use super::waiting::{bringing_everything, could_not_prepare, is_named, load, preparing, waiting};
use super::words;
use crate::tui::bindings::{Context, KeyAction};
use crate::tui::model::*;
use crate::tui::{clock, theme, wrap};
use workshop_course::lesson::model::{Step, StepAction, StepExpect, Target};
use workshop_engine::event::{ProcessEnd, SUCCESS, StepRef, Verdict};
use workshop_engine::progress::{StepState, is_in_progress};

/// Lines of a function's answer on the card; the log has all of it.
const ANSWER_ROWS: usize = 6;
/// Rows that it may take when its members stand side by side.
const CLOSE_ROWS: usize = 3;

/// Returns the card of this moment, for a column of this width.
pub fn card(m: &Model, width: usize) -> Card {
    let (Some(here), Some(step)) = (m.here(), m.step()) else { return Card::reading(preparing(m, width)) };
    let broken = could_not_prepare(m, width);
    let under_way = m.progress.running.is_some() || m.progress.bringing.is_some();
    if !broken.body.is_empty() && (under_way || !broken.keys.is_empty()) {
        return broken;
    }
    if let Some(bringing) = &m.progress.bringing {
        return bringing_everything(m, bringing, width);
    }
    if let Some(running) = m.progress.running.clone() {
        let mut body = waiting(m, &running, width);
        // What is being made ready is what one waits for then.
        let at = usize::from(is_named(m, &running)).min(body.len());
        let first: Vec<_> = preparing(m, width).into_iter().chain(unreachable(m, width)).collect();
        body.splice(at..at, first);
        return Card::reading(body);
    }
    let over = |state: &&StepState| {
        state.verdict.is_some_and(|verdict| !verdict.is_good() || m.progress.is_settled(&here, step))
    };
    let mut card = match m.progress.steps.get(&here).filter(over) {
        Some(state) => outcome(m, &here, step, state, width),
        None => ahead(m, &here, step, width),
    };
    let first = unreachable(m, width).into_iter().chain(broken.body).chain(preparing(m, width)).chain(served(m, width));
    card.body.splice(0..0, first.collect::<Vec<_>>());
    if intent(m) == Intent::End {
        card.body.extend(the_end(m, width));
        card.keys.push(Line::from(vec![
            span(m.key(KeyAction::TakeHome), theme::KEY),
            span(" writes a record to take home", theme::TEXT),
        ]));
    }
    card
}

/// Says that the account cannot be reached, and the key that leads on, while the talk is in it.
fn unreachable(m: &Model, width: usize) -> Vec<Line<'static>> {
    let warning = standby::warning(&m.course, &m.progress, &m.key(KeyAction::Failover));
    let Some((trouble, advice)) = warning else { return Vec::new() };
    let (trouble, advice) = (display_text(m, trouble), display_text(m, &advice).into_owned());
    let words = [span(format!("{trouble}. "), theme::BAD), span(advice, theme::TEXT)];
    wrap::words(&words, width, &span("! ", theme::BAD), &Span::raw("  "))
}

/// The long-running processes of the chapter at hand, and those that have died.
fn served(m: &Model, width: usize) -> Vec<Line<'static>> {
    let here = m.here().map(|here| here.chapter);
    let mut out = Vec::new();
    for (name, served) in m.progress.served.iter().filter(|(_, served)| Some(served.at_step.chapter) == here) {
        let (mark, text) = match (&served.ended, &served.ready) {
            (None, Some(by)) => {
                let since = clock::minutes(m.now.saturating_sub(served.started));
                (span("● ", theme::GOOD), format!("{name} runs · {by} · {since}"))
            }
            (None, None) => (span(format!("{} ", theme::spinner(m.now)), theme::WAIT), format!("{name} starts")),
            (Some(end), _) if end.is_unwanted() || *end == ProcessEnd::Closed => {
                let title = m.step_of(&served.at_step).map_or(served.at_step.step.as_str(), |step| step.title.as_str());
                (span("✗ ", theme::BAD), format!("{name} runs no more: {end}; “{title}” starts it again"))
            }
            (Some(_), _) => continue,
        };
        let text = display_text(m, &text).into_owned();
        out.extend(wrap::words(&[span(text, theme::TEXT)], width, &mark, &Span::raw("  ")));
    }
    out
}

fn outcome(m: &Model, here: &StepRef, step: &Step, state: &StepState, width: usize) -> Card {
    let Some(verdict) = state.verdict else { return Card::default() };
    let (mark, style) = theme::verdict(Some(verdict));
    // What takes no time needs no figure.
    let took = state.took_ms.filter(|ms| *ms >= 1000);
    let took = took.map(|ms| format!(" after {}", clock::took(ms))).unwrap_or_default();
    let (mut out, mut keys) = (Vec::new(), Vec::new());
    // What is refused meanwhile is not told.
    let free = !m.checks_run();
    match verdict {
        Verdict::Pass | Verdict::Skipped => {
            let word = chapter_done(m, here).unwrap_or_else(|| format!("Done{took}"));
            let done = [span(word, theme::STRONG)];
            out.extend(wrap::words(&done, width, &span(format!("{mark} "), style), &Span::raw("  ")));
            out.extend(load(m, here, width));
            let invokes = matches!(step.action, StepAction::Invoke(_));
            let answer = m.progress.invoked.as_ref().filter(|answer| invokes && answer.at_step.as_ref() == Some(here));
            if let Some(answer) = answer {
                out.extend(answered(m, &answer.response, width));
            }
            keys.extend(key_line(m, next_words(m), width));
        }
        Verdict::FailedAsExpected => {
            out.push(Line::from(vec![span(format!("{mark} Failed as expected"), style), span(took, theme::DIM)]));
            if let Some(failure) = &state.failure {
                let rest = Span::raw("  ");
                let text = display_text(m, &failure.actual).into_owned();
                for line in text.lines().take(4) {
                    out.extend(wrap::words(&[span(line, theme::TEXT)], width, &rest, &rest));
                }
                out.extend(locks::lines(failure, width));
            }
            let repair = repair_of(m, here);
            if intent(m) == Intent::ReadAfter
                || repair.is_none_or(|repair| m.next_step().is_none_or(|(_, next)| next.id != repair.id))
            {
                keys.extend(key_line(m, next_words(m), width));
            }
            keys.extend(repair.filter(|_| free).into_iter().flat_map(|repair| repair_line(m, repair, width)));
        }
        Verdict::PassedUnexpectedly => {
            out.push(Line::from(span(format!(" {mark} Passed unexpectedly{took} "), theme::ALARM)));
            let back = match m.progress.target_in_use() {
                Some(Target::Aws) | None => "What repairs it may have run already.".to_owned(),
                Some(Target::Local) => {
                    format!("{} brings everything to where this chapter begins.", m.key(KeyAction::BringHere))
                }
            };
            let text = format!(
                "This step was meant to fail, and it did not: something is further along than the lesson thinks. {back}"
            );
            out.extend(wrap::words(&[span(text, theme::TEXT)], width, &Span::raw("  "), &Span::raw("  ")));
            if let Some(repair) = repair_of(m, here).filter(|_| free) {
                keys.extend(repair_line(m, repair, width));
            }
        }
        Verdict::Fail | Verdict::Error => {
            // Who cancelled it knows why.
            let cancelled = state.failure.as_ref().is_some_and(words::is_cancelled);
            let word = match verdict {
                _ if cancelled => "Cancelled",
                Verdict::Fail => "Failed",
                _ => "Could not run",
            };
            out.push(Line::from(span(format!("{mark} {word}{took}"), style.patch(theme::STRONG))));
            out.extend(load(m, here, width));
            if let Some(text) = words::goes_on_without_us(&m.progress, here) {
                let indent = Span::raw("  ");
                out.extend(wrap::words(&[span(text, theme::WARN)], width, &indent, &indent));
            }
            if let Some(failure) = state.failure.as_ref().filter(|_| !cancelled) {
                // That a deploy, or a statement, should succeed goes without saying; why it did not has the room.
                let deploys = matches!(step.action, StepAction::Deploy(_));
                let part = if deploys || failure.expected == SUCCESS {
                    record::RecordPart::Came
                } else {
                    record::RecordPart::Brief
                };
                out.extend(record::lines(m, failure, width, record::Tone::Failed, part));
                out.extend(locks::lines(failure, width));
                keys.extend(locks::key(m, failure, width).into_iter().filter(|_| free));
            }
            let again = free.then_some((KeyAction::Run, " runs it again"));
            let hint = (has_hint(m) && !cancelled).then_some((KeyAction::Hint, " gives a hint"));
            let leads_on = free && next_step(&m.course, here).is_some();
            let without = leads_on.then_some((KeyAction::NextStep, " goes on without it"));
            for (does, what) in again.into_iter().chain(hint).chain(without) {
                keys.push(Line::from(vec![span(key_name(m, does), theme::KEY), span(what, theme::DIM)]));
            }
        }
    }
    Card { body: out, keys }
}

/// A function's answer: as few rows as it takes, for the log has it a member a line.
fn answered(m: &Model, response: &str, width: usize) -> Vec<Line<'static>> {
    let row = |text: &str, first: bool| {
        let indent = (text.len() - text.trim_start().len()).min(width / 4);
        let first = format!("{:<wide$}", if first { "←" } else { "" }, wide = 2 + indent);
        let text = display_text(m, text.trim_start()).into_owned();
        let rest = Span::raw(" ".repeat(2 + indent));
        wrap::words(&[span(text, theme::CODE)], width, &span(first, theme::DIM), &rest)
    };
    if let Some(close) = json::close(response).map(|text| row(&text, true)).filter(|rows| rows.len() <= CLOSE_ROWS) {
        return close;
    }
    let lines = json::lines(response);
    lines.iter().take(ANSWER_ROWS).enumerate().flat_map(|(i, line)| row(line, i == 0)).collect()
}

/// At the end of a chapter that came out well: the whole of it.
fn chapter_done(m: &Model, here: &StepRef) -> Option<String> {
    let chapter = m.course.chapter(here.chapter)?;
    chapter.steps.last().filter(|last| last.id == here.step)?;
    let done = m.progress.chapters.get(&here.chapter).filter(|state| state.verdict.is_good())?;
    let budget = chapter.budget.as_millis() as u64;
    // It is over: what one does after it is not its time.
    let time = if done.took_ms < 60_000 {
        format!("{} of {}", clock::took(done.took_ms), clock::budget(budget))
    } else {
        clock::of_budget(done.took_ms, budget)
    };
    Some(match m.shows_clock() {
        true => format!("Chapter {} is done, in {time}", chapter.number),
        false => format!("Chapter {} is done", chapter.number),
    })
}

/// The repair is one key away: the one that goes on, when it is the next step.
fn repair_line(m: &Model, repair: &Step, width: usize) -> Vec<Line<'static>> {
    let next = m.next_step().is_some_and(|(_, next)| next.id == repair.id) && intent(m) == Intent::Next;
    let key = format!("{} ", m.key(if next { KeyAction::GoOn } else { KeyAction::Repair }));
    let indent = " ".repeat(key.len());
    wrap::words(
        &[span("goes to its repair: ", theme::DIM), span(display_text(m, &repair.title).into_owned(), theme::STRONG)],
        width,
        &span(key, theme::KEY),
        &Span::raw(indent),
    )
}

/// Says what the key does that goes on, after a step that came out well.
fn next_words(m: &Model) -> String {
    match (intent(m), m.next_step()) {
        (Intent::ReadOn, _) => "reads on".to_owned(),
        (Intent::ReadAfter, _) => "reads what came of it".to_owned(),
        (Intent::Wait, _) => String::new(),
        (_, Some((chapter, _))) if m.here().is_some_and(|here| here.chapter != chapter.number) => {
            format!("begins chapter {}: {}", chapter.number, chapter.title)
        }
        (_, Some((_, next))) => format!("goes on: {}", next.title),
        (_, None) => String::new(),
    }
}

/// `space` and what it does.
fn key_line(m: &Model, what: String, width: usize) -> Vec<Line<'static>> {
    if what.is_empty() {
        return Vec::new();
    }
    keyed(m, KeyAction::GoOn, vec![span(display_text(m, &what).into_owned(), theme::TEXT)], width)
}

/// Names a key. As long as a search can be gone on with, the key for the next step is its own.
fn key_name(m: &Model, does: KeyAction) -> String {
    let found = m.search.is_some() && does == KeyAction::NextStep;
    let close = if found { format!("{} ", m.key_in(Context::Walking, KeyAction::Close)) } else { String::new() };
    close + &m.key(does)
}

/// A key and what it does: the words of all keys of a card begin in the same column.
fn keyed(m: &Model, does: KeyAction, what: Vec<Span<'static>>, width: usize) -> Vec<Line<'static>> {
    let names = [KeyAction::GoOn, KeyAction::Run, KeyAction::BringHere].map(|does| m.key(does));
    let wide = names.iter().map(|name| wrap::width(name)).max().unwrap_or(0) + 1;
    let key = key_name(m, does);
    let wide = wide.max(wrap::width(&key) + 1);
    let key = format!("{key}{}", " ".repeat(wide.saturating_sub(wrap::width(&key))));
    wrap::words(&what, width, &span(key, theme::KEY), &Span::raw(" ".repeat(wide)))
}

/// After the last step: what it came to.
fn the_end(m: &Model, width: usize) -> Vec<Line<'static>> {
    let indent = Span::raw("  ");
    let mut out = vec![Line::styled("The workshop is done.", theme::STRONG)];
    for line in take_home::summary(m) {
        out.extend(wrap::words(&[span(line, theme::TEXT)], width, &indent, &indent));
    }
    out
}

/// Before a step runs: what it will do, and whether it is meant to fail.
fn ahead(m: &Model, here: &StepRef, step: &Step, width: usize) -> Card {
    let (mut out, mut keys) = (Vec::new(), Vec::new());
    let free = !m.checks_run();
    if let Some(places) = elsewhere(m) {
        out.extend(wrap::words(&[span(places, theme::WARN)], width, &Span::raw(""), &Span::raw("")));
        if free && m.progress.target_in_use() == Some(Target::Local) {
            let what = vec![span("brings everything here, as this chapter begins", theme::TEXT)];
            keys.extend(keyed(m, KeyAction::BringHere, what, width));
        }
    }
    if m.progress.is_broken_off(here) {
        let text = match (&step.action, &m.progress.deploy_found) {
            (StepAction::Deploy(_), Some(status)) if !is_in_progress(status) => {
                format!(
                    "This deploy came to its end without us: the stack is {status}. Running the step makes sure of it."
                )
            }
            (StepAction::Deploy(_), Some(status)) => {
                format!("This deploy goes on in the cloud ({status}). Running the step attaches to it.")
            }
            (StepAction::Deploy(_), None)
                if m.progress.deploy.as_ref().is_some_and(|d| d.detached && d.at_step == *here) =>
            {
                "This deploy was let go and goes on in the cloud. Running the step attaches to it.".to_owned()
            }
            _ => "This step was broken off before it was through.".to_owned(),
        };
        out.extend(wrap::words(
            &[span(display_text(m, &text).into_owned(), theme::WARN)],
            width,
            &Span::raw(""),
            &Span::raw(""),
        ));
    }
    if let StepExpect::Failure(failure) = &step.expect {
        let code = failure.sqlstate.as_ref().map(|code| format!(" (SQLSTATE {code})")).unwrap_or_default();
        let text = format!("This one is meant to fail: we expect “{}”{code}.", words::pattern(&failure.matches));
        let first = span("! ", theme::WARN);
        out.extend(wrap::words(
            &[span(display_text(m, &text).into_owned(), theme::WARN)],
            width,
            &first,
            &Span::raw("  "),
        ));
    }
    let runs = step.action != StepAction::Read;
    let first = match intent(m) {
        Intent::ReadOn if runs => Some("reads on".to_owned()),
        Intent::ShowDiff => Some("shows the change".to_owned()),
        Intent::ReadHunk => Some("reads the hunk to its end".to_owned()),
        Intent::NextHunk(number) => Some(format!("shows hunk {number} of {}", m.diff.hunks.len())),
        Intent::RunStatement(number) => statement_words(step, number, width),
        _ => None,
    };
    if runs {
        let usual = m.progress.usual_of(here, step);
        let usual = usual.map(|ms| format!(" · usually {}", clock::took(ms))).unwrap_or_default();
        let key = if first.is_some() { KeyAction::Run } else { KeyAction::GoOn };
        keys.extend(first.into_iter().flat_map(|first| key_line(m, first, width)));
        if free {
            let runs = display_text(m, &runs_all(m, here, step)).into_owned();
            keys.extend(keyed(m, key, vec![span(runs, theme::TEXT), span(usual, theme::DIM)], width));
        }
        if free && step.optional && next_step(&m.course, here).is_some() {
            keys.extend(keyed(m, KeyAction::NextStep, vec![span("leaves it out", theme::TEXT)], width));
        }
    }
    Card { body: out, keys }
}

/// Says what running the step does from here on.
fn runs_all(m: &Model, here: &StepRef, step: &Step) -> String {
    match next_statement(m, here) {
        0 => words::does(&m.course, &m.progress, step),
        _ => "runs the rest of them".to_owned(),
    }
}

/// Names the statement with this number, and the session that it goes to.
fn statement_words(step: &Step, number: usize, width: usize) -> Option<String> {
    let StepAction::Sql(sql) = &step.action else { return None };
    let next = sql.statements.get(number - 1)?;
    let text = next.run.0.split_whitespace().collect::<Vec<_>>().join(" ");
    let lead = format!("statement {number} of {}, {}: ", sql.statements.len(), next.session);
    // Two rows of the card, whose second one may end before a long word.
    let room = (2 * width).saturating_sub(wrap::width(&lead) + SLACK);
    Some(format!("{lead}{}", wrap::fit(&text, room)))
}

/// Columns of two rows that keys, margins and words that go on below take from a statement; the console shows all of it.
const SLACK: usize = 28;

/// Says where the probes found things, when that is not where this chapter begins or ends.
fn elsewhere(m: &Model) -> Option<String> {
    use workshop_engine::event::ChapterMatch;
    let located = m.progress.located.as_ref().filter(|_| m.located_at == m.here())?;
    let chapter = m.progress.position.as_ref()?.chapter;
    let fits = |place: &ChapterMatch| match place {
        ChapterMatch::Chapter(n) | ChapterMatch::Near { chapter: n, .. } => *n == chapter || n + 1 == chapter,
        ChapterMatch::Nothing => chapter <= 1,
        ChapterMatch::Unknown => true,
    };
    if fits(&located.files) && fits(&located.stack) && fits(&located.database) {
        return None;
    }
    let found = words::found(&m.course, &located.files, &located.stack, &located.database, " at ");
    Some(format!("Found on arrival: {found}"))
}
