//! The card while one waits: preparations, what runs, everything on its way to a chapter.

use ratatui::text::{Line, Span};

use super::activity::Activity;
use super::card_rows::Card;
use super::intent;
use super::spans::{display_text, fit_spans, span};
use super::words::{self, task_name};
use crate::tui::bindings::KeyAction;
use crate::tui::model::*;
use crate::tui::{clock, theme, wrap};
use workshop_engine::command::BringTo;
use workshop_engine::event::StepRef;
use workshop_engine::progress::{BringState, TaskState};

/// Returns background work, with its progress.
pub fn preparing(m: &Model, width: usize) -> Vec<Line<'static>> {
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
        out.push(bar(m, task_name(*task, &m.course, &m.progress), state, width));
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

/// Says how far everything has been brought to a chapter, and which step runs.
pub fn bringing_everything(m: &Model, state: &BringState, width: usize) -> Card {
    let elapsed = clock::minutes(m.now.saturating_sub(state.started));
    let still = m.progress.running.as_ref().is_some_and(|running| turns(m, running));
    let mark = span(format!("{} ", if still { "●" } else { theme::spinner(m.now) }), theme::WAIT);
    let words = [span(words::bringing(state.to), theme::STRONG), span(format!(" · {elapsed}"), theme::TEXT)];
    let mut body = wrap::words(&words, width, &mark, &Span::raw("  "));
    if state.total > 0 {
        let wide = width.saturating_sub(24).clamp(4, 24);
        let full = wide * state.done.min(state.total) as usize / state.total as usize;
        let [done, rest] = meter(full, wide);
        let figures = span(format!(" {} of {} steps", state.done, state.total), theme::TEXT);
        body.push(Line::from(fit_spans(vec![Span::raw("  "), done, rest, figures], width)));
    }
    body.extend(preparing(m, width));
    if let (BringTo::Standby, Some(standby)) = (state.to, &m.progress.standby)
        && !standby.is_level()
    {
        let text = display_text(m, &super::standby::how_far(&m.course, standby)).into_owned();
        body.extend(wrap::words(&[span(text, theme::DIM)], width, &Span::raw("  "), &Span::raw("  ")));
        let words =
            [span(m.key(KeyAction::Failover), theme::KEY), span(" moves at once, without what is missing", theme::DIM)];
        body.extend(wrap::words(&words, width, &Span::raw("  "), &Span::raw("  ")));
    }
    if let Some(activity) = Activity::of(&m.course, &m.progress).filter(|_| m.progress.running.is_some()) {
        let detail = activity.detail.map(|detail| format!(" · {detail}")).unwrap_or_default();
        let text = display_text(m, &format!("{}{detail}", activity.title)).into_owned();
        body.extend(wrap::words(&[span(text, theme::DIM)], width, &Span::raw("  "), &Span::raw("  ")));
    }
    let keys =
        vec![Line::from(vec![span(m.key(KeyAction::Interrupt), theme::KEY), span(" stops where it is", theme::DIM)])];
    Card { body, keys }
}

/// Says what could not be made ready, if anything, and the key that tries again where it does that.
pub fn could_not_prepare(m: &Model, width: usize) -> Card {
    let mut broken = m.progress.tasks.iter().filter_map(|(task, state)| Some((*task, state.problem.as_ref()?)));
    let Some((task, problem)) = broken.next() else { return Card::default() };
    let (mut out, mut keys) = (Vec::new(), Vec::new());
    let (first, rest) = (span("✗ ", theme::BAD), Span::raw("  "));
    let text = format!("{}: {problem}", task_name(task, &m.course, &m.progress));
    out.extend(wrap::words(&[span(display_text(m, &text).into_owned(), theme::BAD)], width, &first, &rest));
    if let Some(hint) = &problem.hint {
        out.extend(wrap::words(&[span(display_text(m, hint).into_owned(), theme::TEXT)], width, &rest, &rest));
    }
    // What runs is answered first: the key would be refused.
    if !m.is_busy() && intent::prepares_again(m) {
        keys.push(Line::from(vec![rest, span(m.key(KeyAction::Run), theme::KEY), span(" tries again", theme::DIM)]));
    }
    Card { body: out, keys }
}

/// Tells whether a wheel turns for a step in its own panel, on the screen: one is enough.
fn turns(m: &Model, running: &StepRef) -> bool {
    match m.step_of(running).and_then(|step| Panel::of(&step.action)) {
        Some(Panel::Deploy) => {
            let deploy = m.progress.deploy.as_ref().filter(|deploy| deploy.at_step == *running);
            let under_way = deploy.is_some_and(|deploy| deploy.phases.iter().any(|phase| phase.took_ms.is_none()));
            m.layout.shows(Panel::Deploy) && under_way
        }
        Some(Panel::Checks) => {
            m.layout.shows(Panel::Checks) && m.progress.checks.values().any(|check| check.verdict.is_none())
        }
        _ => false,
    }
}

/// Tells whether what runs is named here: on a small screen the deploy's own panel stands right above, with its title and its
/// clock.
pub fn is_named(m: &Model, running: &StepRef) -> bool {
    let told = m.layout.slots.len() == 1
        && m.focus == Panel::Deploy
        && m.progress.deploy.as_ref().is_some_and(|d| d.at_step == *running);
    !told
}

/// Says what there is to say while a step runs.
pub fn waiting(m: &Model, running: &StepRef, width: usize) -> Vec<Line<'static>> {
    let mut out = Vec::new();
    if let Some(activity) = Activity::of(&m.course, &m.progress).filter(|_| is_named(m, running)) {
        let turns = turns(m, running);
        let mark = if turns { "●" } else { theme::spinner(m.now) };
        let mut spans = vec![
            span(format!("{mark} "), theme::WAIT),
            span(display_text(m, &activity.title).into_owned(), theme::STRONG),
        ];
        if let Some(started) = activity.started {
            spans.push(span(format!(" · {}", clock::minutes(m.now.saturating_sub(started))), theme::TEXT));
        }
        if let Some(usual) = activity.usual_ms {
            let usual = span(format!(" of usually {}", clock::took(usual)), theme::DIM);
            // Better left out than cut.
            let fits = spans.iter().map(Span::width).sum::<usize>() + usual.width() <= width;
            spans.extend(fits.then_some(usual));
        }
        // Who reads elsewhere meanwhile sees how far it is.
        if let Some(detail) = activity.detail.filter(|_| !turns && load(m, running, width).is_empty()) {
            spans.push(span(format!(" · {}", display_text(m, &detail)), theme::TEXT));
        }
        out.push(Line::from(fit_spans(spans, width)));
    }
    if m.is_cancelling() {
        let deploy = m.progress.deploy.as_ref().filter(|deploy| deploy.at_step == *running);
        let text = match deploy.is_some_and(|deploy| deploy.stack.is_some()) {
            true => "It is being cancelled; what the stack has begun is taken back first, where that can be.",
            false => "It is being cancelled.",
        };
        out.extend(wrap::words(&[span(text, theme::WARN)], width, &span("! ", theme::WARN), &Span::raw("  ")));
    }
    out.extend(load(m, running, width));
    if let Some(text) = m.step_of(running).and_then(|s| s.while_running.as_ref()) {
        if !out.is_empty() {
            out.push(Line::default());
        }
        let text = display_text(m, &m.progress.filled(&m.course, text)).into_owned();
        out.extend(m.prose.lines(&text, width, &m.known));
    }
    out
}

/// Returns the figures of a load: how far, how many were lost, how fast.
pub fn load(m: &Model, at: &StepRef, width: usize) -> Vec<Line<'static>> {
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
