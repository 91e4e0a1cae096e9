//! The card below the page: what one waits for, how it came out, what comes next.
//!
//! One card at a time, the most pressing first. An expected failure is a scene of its own: announced
//! before, celebrated when it fails as declared, and an alarm when it does not.

use ratatui::text::{Line, Span};

use super::activity::Activity;
use super::intent::{Intent, intent, repair_of};
use super::json;
use super::record;
use super::spans::{display_text, fit_spans, span};
use super::take_home;
use super::words::{self, place, task_name};
use crate::tui::model::*;
use crate::tui::{clock, theme, wrap};
use workshop_base::problem::Kind;
use workshop_course::lesson::model::{Step, StepAction, StepExpect};
use workshop_engine::event::{StepRef, Verdict};
use workshop_engine::progress::{StepState, TaskState, is_in_progress};

/// Lines of a function's answer on the card; the log has all of it.
const ANSWER_ROWS: usize = 6;

/// The card's rows: first what there is to read, then the keys.
#[derive(Debug, Clone, Default)]
pub struct Card {
    pub body: Vec<Line<'static>>,
    pub keys: Vec<Line<'static>>,
}

impl Card {
    fn reading(body: Vec<Line<'static>>) -> Card {
        Card { body, keys: Vec::new() }
    }

    /// Returns at most so many rows. What does not fit is left out of the reading: the keys stay.
    pub fn rows(self, most: usize) -> Vec<Line<'static>> {
        let Card { mut body, mut keys } = self;
        if body.len() + keys.len() > most {
            keys.truncate(most);
            let room = most - keys.len();
            body.truncate(room.saturating_sub(1));
            if room > 0 {
                body.push(Line::styled("…", theme::DIM));
            }
        }
        body.extend(keys);
        body
    }
}

/// Returns the card of this moment, for a column of this width.
pub fn card(m: &Model, width: usize) -> Card {
    let (Some(here), Some(step)) = (m.here(), m.step()) else { return Card::reading(preparing(m, width)) };
    let broken = m.progress.tasks.iter().find(|(_, task)| task.problem.is_some());
    if let Some((task, state)) = broken {
        return could_not_prepare(m, task_name(*task, &m.progress), state, width);
    }
    if let Some(running) = m.progress.running.clone() {
        let mut body = waiting(m, &running, width);
        // What is being made ready is what one waits for then.
        let at = usize::from(!body.is_empty());
        body.splice(at..at, preparing(m, width));
        return Card::reading(body);
    }
    let over = |state: &&StepState| {
        state.verdict.is_some_and(|verdict| !verdict.is_good() || m.progress.is_settled(&here, step))
    };
    let mut card = match m.progress.steps.get(&here).filter(over) {
        Some(state) => outcome(m, &here, step, state, width),
        None => ahead(m, &here, step, width),
    };
    card.body.splice(0..0, preparing(m, width));
    if intent(m) == Intent::End {
        card.body.extend(the_end(m, width));
        card.keys.push(Line::from(vec![span("W", theme::KEY), span(" writes a record to take home", theme::TEXT)]));
    }
    card
}

/// Background work, with its progress.
fn preparing(m: &Model, width: usize) -> Vec<Line<'static>> {
    let mut out = Vec::new();
    let failed = m.progress.preflight.iter().filter(|p| !p.verdict.is_good());
    for missing in failed {
        let (mark, style) = theme::verdict(Some(missing.verdict));
        let text = format!("{}: {}", missing.name, missing.found);
        let (first, rest) = (span(format!("{mark} "), style), Span::raw("  "));
        out.extend(wrap::words(&[span(display_text(m, &text).into_owned(), theme::STRONG)], width, &first, &rest));
        if let Some(fix) = &missing.fix {
            out.extend(wrap::words(&[span(display_text(m, fix).into_owned(), theme::TEXT)], width, &rest, &rest));
        }
    }
    for (task, state) in m.progress.tasks.iter().filter(|(_, state)| state.is_running()) {
        out.push(bar(m, task_name(*task, &m.progress), state, width));
    }
    out
}

fn bar(m: &Model, name: &str, state: &TaskState, width: usize) -> Line<'static> {
    let mut spans =
        vec![span(format!("{} ", theme::spinner(m.now)), theme::WAIT), span(format!("{name:<9} "), theme::STRONG)];
    let share = state.total.filter(|total| *total > 0).map(|total| state.done.min(total) as f64 / total as f64);
    let figures = match state.total {
        Some(total) => format!("{} of {total} {}", state.done, state.unit),
        None if state.done > 0 => format!("{} {}", state.done, state.unit),
        None => String::new(),
    };
    if let Some(share) = share {
        let wide = (width.saturating_sub(12 + figures.len() + 2)).clamp(4, 24);
        let full = (share * wide as f64).round() as usize;
        spans.extend(meter(full, wide));
        spans.push(Span::raw(" "));
    }
    let elapsed = clock::minutes(m.now.saturating_sub(state.started));
    let label = if state.label.is_empty() { elapsed } else { format!("{} · {elapsed}", state.label) };
    let used = spans.iter().map(|s| s.width()).sum::<usize>() + figures.len();
    let rest = match () {
        () if figures.is_empty() => label,
        () if used + 3 + state.label.len() <= width && !state.label.is_empty() => {
            format!("{figures} · {}", state.label)
        }
        () => figures,
    };
    spans.push(span(display_text(m, &rest).into_owned(), theme::DIM));
    Line::from(fit_spans(spans, width))
}

/// So many of its cells full.
fn meter(full: usize, wide: usize) -> [Span<'static>; 2] {
    [span("█".repeat(full), theme::WAIT), span("░".repeat(wide - full), theme::DIM)]
}

fn could_not_prepare(m: &Model, name: &str, state: &TaskState, width: usize) -> Card {
    let Some(problem) = &state.problem else { return Card::default() };
    let (mut out, mut keys) = (Vec::new(), Vec::new());
    let (first, rest) = (span("✗ ", theme::BAD), Span::raw("  "));
    let text = format!("{name}: {problem}");
    out.extend(wrap::words(&[span(display_text(m, &text).into_owned(), theme::BAD)], width, &first, &rest));
    if let Some(hint) = &problem.hint {
        out.extend(wrap::words(&[span(display_text(m, hint).into_owned(), theme::TEXT)], width, &rest, &rest));
    }
    // What runs is answered first: the key would be refused.
    if m.progress.running.is_none() {
        keys.push(Line::from(vec![rest, span("r", theme::KEY), span(" tries again", theme::DIM)]));
    }
    Card { body: out, keys }
}

/// While a step runs: what there is to say.
fn waiting(m: &Model, running: &StepRef, width: usize) -> Vec<Line<'static>> {
    let mut out = Vec::new();
    // On a small screen the deploy's own panel stands right above, with its title and its clock.
    let told = m.layout.slots.len() == 1
        && m.focus == Panel::Deploy
        && m.progress.deploy.as_ref().is_some_and(|d| d.at_step == *running);
    if let Some(activity) = Activity::of(&m.course, &m.progress).filter(|_| !told) {
        let mut spans = vec![
            span(format!("{} ", theme::spinner(m.now)), theme::WAIT),
            span(display_text(m, &activity.title).into_owned(), theme::STRONG),
        ];
        if let Some(started) = activity.started {
            spans.push(span(format!(" · {}", clock::minutes(m.now.saturating_sub(started))), theme::TEXT));
        }
        if let Some(usual) = activity.usual_ms {
            spans.push(span(format!(" of usually {}", clock::minutes(usual)), theme::DIM));
        }
        out.push(Line::from(fit_spans(spans, width)));
    }
    out.extend(load(m, running, width));
    if let Some(text) = m.step_of(running).and_then(|s| s.while_running.as_ref()) {
        if !out.is_empty() {
            out.push(Line::default());
        }
        let text = display_text(m, text).into_owned();
        out.extend(m.prose.lines(&text, width, &m.known));
    }
    out
}

/// The figures of a load: how far, how many were lost, how fast.
fn load(m: &Model, at: &StepRef, width: usize) -> Vec<Line<'static>> {
    let Some(load) = m.progress.load.as_ref().filter(|load| load.at_step == *at) else { return Vec::new() };
    let lost = if load.failed > 0 { theme::WARN } else { theme::GOOD };
    let wide = width.saturating_sub(40).clamp(4, 24);
    let full = wide * load.done.min(load.total) as usize / load.total.max(1) as usize;
    let (p50, p99) = (clock::latency(load.p50_ms), clock::latency(load.p99_ms));
    let own = load.function_p50_ms.map(|own| format!(" · the function itself {}", clock::latency(own)));
    let speed = format!("{:.0} per second · p50 {p50} · p99 {p99}{}", load.per_second, own.unwrap_or_default());
    let [done, rest] = meter(full, wide);
    let spans = vec![
        Span::raw("  "),
        done,
        rest,
        span(format!(" {} of {} · ", load.done, load.total), theme::TEXT),
        span(format!("{} failed", load.failed), lost),
    ];
    let indent = Span::raw("  ");
    let mut out = vec![Line::from(fit_spans(spans, width))];
    out.extend(wrap::words(&[span(speed, theme::DIM)], width, &indent, &indent));
    out
}

fn outcome(m: &Model, here: &StepRef, step: &Step, state: &StepState, width: usize) -> Card {
    let Some(verdict) = state.verdict else { return Card::default() };
    let (mark, style) = theme::verdict(Some(verdict));
    // What takes no time needs no figure.
    let took = state.took_ms.filter(|ms| *ms >= 1000);
    let took = took.map(|ms| format!(" after {}", clock::took(ms))).unwrap_or_default();
    let (mut out, mut keys) = (Vec::new(), Vec::new());
    match verdict {
        Verdict::Pass | Verdict::Skipped => {
            let word = chapter_done(m, here).unwrap_or_else(|| format!("Done{took}"));
            let done = [span(word, theme::STRONG)];
            out.extend(wrap::words(&done, width, &span(format!("{mark} "), style), &Span::raw("  ")));
            out.extend(load(m, here, width));
            let invokes = matches!(step.action, StepAction::Invoke(_));
            let answer = m.progress.invoked.as_ref().filter(|answer| invokes && answer.at_step.as_ref() == Some(here));
            if let Some(answer) = answer {
                for (i, line) in json::lines(&answer.response).iter().take(ANSWER_ROWS).enumerate() {
                    let indent = (line.len() - line.trim_start().len()).min(width / 4);
                    let first = format!("{:<wide$}", if i == 0 { "←" } else { "" }, wide = 2 + indent);
                    let text = display_text(m, line.trim_start()).into_owned();
                    let rest = Span::raw(" ".repeat(2 + indent));
                    out.extend(wrap::words(&[span(text, theme::CODE)], width, &span(first, theme::DIM), &rest));
                }
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
            }
            let repair = repair_of(m, here);
            if repair.is_none_or(|repair| m.next_step().is_none_or(|(_, next)| next.id != repair.id)) {
                keys.extend(key_line(m, next_words(m), width));
            }
            keys.extend(repair.into_iter().flat_map(|repair| repair_line(m, repair, width)));
        }
        Verdict::PassedUnexpectedly => {
            out.push(Line::from(span(format!(" {mark} Passed unexpectedly{took} "), theme::ALARM)));
            let text = "This step was meant to fail, and it did not: something is further along than the lesson thinks. \
                        The state can be set right by going back a step.";
            out.extend(wrap::words(&[span(text, theme::TEXT)], width, &Span::raw("  "), &Span::raw("  ")));
            if let Some(repair) = repair_of(m, here) {
                keys.extend(repair_line(m, repair, width));
            }
        }
        Verdict::Fail | Verdict::Error => {
            // Who cancelled it knows why.
            let cancelled = state.failure.as_ref().is_some_and(|failure| failure.kind == Kind::Interrupted);
            let word = match verdict {
                _ if cancelled => "Cancelled",
                Verdict::Fail => "Failed",
                _ => "Could not run",
            };
            out.push(Line::from(span(format!("{mark} {word}{took}"), style.patch(theme::STRONG))));
            out.extend(load(m, here, width));
            if let Some(failure) = state.failure.as_ref().filter(|_| !cancelled) {
                out.extend(record::lines(m, failure, width, record::Tone::Failed, true));
            }
            let hint = (!step.hints.is_empty() && !cancelled).then_some(("h", " gives a hint"));
            let ways = [("r", " runs it again")].into_iter().chain(hint).chain([("n", " goes on without it")]);
            for (key, what) in ways {
                keys.push(Line::from(vec![span(key, theme::KEY), span(what, theme::DIM)]));
            }
        }
    }
    Card { body: out, keys }
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
    let key = if next { "space " } else { "f " };
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
    let what = display_text(m, &what).into_owned();
    wrap::words(&[span(what, theme::TEXT)], width, &span("space ", theme::KEY), &Span::raw("      "))
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
    if let Some(places) = elsewhere(m) {
        out.extend(wrap::words(&[span(places, theme::WARN)], width, &Span::raw(""), &Span::raw("")));
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
        _ => None,
    };
    if runs {
        let usual = m.progress.usual.get(&workshop_engine::progress::usual_key(here));
        let usual = usual.map(|ms| format!(" · usually {}", clock::took(*ms))).unwrap_or_default();
        let key = if first.is_some() { "r" } else { "space" };
        keys.extend(first.into_iter().flat_map(|first| key_line(m, first, width)));
        keys.extend(wrap::words(
            &[span(display_text(m, &words::does(step)).into_owned(), theme::TEXT), span(usual, theme::DIM)],
            width,
            &span(format!("{key:<5} "), theme::KEY),
            &Span::raw("      "),
        ));
    }
    Card { body: out, keys }
}

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
    Some(format!(
        "Found on arrival: files at {}, stack at {}, database at {}",
        place(&located.files),
        place(&located.stack),
        place(&located.database)
    ))
}
