//! What stands around the panels: header, tabs, titles, status, keys.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::activity::Activity;
use super::{both_ends, ink, row, span, words};
use crate::engine::event::{CheckRef, Verdict};
use crate::lesson::model::{Action, Target};
use crate::tui::layout::Slot;
use crate::tui::model::*;
use crate::tui::{clock, keymap, theme, wrap};

pub fn header(m: &Model, buffer: &mut Buffer, area: Rect) {
    let mut left = vec![span(format!(" {} ", m.course.code), theme::FOCUS)];
    left.push(span(ink(m, &m.course.title), theme::TEXT));
    let mut parts: Vec<Span<'static>> = Vec::new();
    let mut say = |text: String, style| {
        if !parts.is_empty() {
            parts.push(span(" · ", theme::DIM));
        }
        parts.push(span(text, style));
    };
    if m.redact {
        say("hidden".to_owned(), theme::WARN);
    }
    match m.progress.target {
        Some(Target::Local) => say("sandbox".to_owned(), theme::DIM),
        Some(Target::Aws) => say("AWS".to_owned(), theme::WARN),
        None => {}
    }
    let narrow = area.width < 70;
    if let Some(pace) = clock::pace(&m.course, &m.progress, m.now) {
        if pace.paused {
            say("clock paused".to_owned(), theme::WARN);
        }
        if pace.on_stage {
            if !narrow {
                say(format!("{} of {} min", pace.slot_spent / 60_000, pace.slot / 60_000), theme::TEXT);
            }
            let style = match pace.behind / 60_000 {
                0 => theme::GOOD,
                late if late > 0 => theme::BAD,
                _ => theme::WAIT,
            };
            say(clock::behind_in_words(pace.behind), style);
            say(format!("ends {}", clock::time_of_day(pace.ends_at, m.options.utc_offset)), theme::TEXT);
        } else {
            say("before the talk".to_owned(), theme::DIM);
        }
    }
    parts.push(Span::raw(" "));
    row(buffer, area, area.y, &both_ends(left, parts, area.width.into()));
}

pub fn tabs(m: &Model, buffer: &mut Buffer, area: Rect) {
    let mut spans = vec![Span::raw(" ")];
    for (number, panel) in Panel::ALL.iter().enumerate() {
        let here = *panel == m.focus;
        let label = if here { format!("[{}]", panel.title()) } else { format!(" {} ", panel.title()) };
        spans.push(span(format!("{}", number + 1), theme::DIM));
        spans.push(span(label, if here { theme::FOCUS } else { theme::TEXT }));
        spans.extend(mark(m, *panel));
        spans.push(Span::raw(" "));
    }
    if m.zoom {
        spans.push(span(" zoomed: z goes back", theme::DIM));
    }
    row(buffer, area, area.y, &Line::from(spans));
}

/// A sign behind a panel's name: it works, or something in it failed.
fn mark(m: &Model, panel: Panel) -> Option<Span<'static>> {
    let running = m.progress.running.as_ref().and_then(|s| m.step_of(s)).and_then(|s| Panel::of(&s.action));
    let checking = m.progress.checks.values().any(|c| c.verdict.is_none());
    if running == Some(panel) || (panel == Panel::Checks && checking) {
        return Some(span(theme::spinner(m.now), theme::WAIT));
    }
    if panel == Panel::Checks {
        let failed = failed_checks(m);
        return (failed > 0).then(|| span(format!("✗{failed}"), theme::BAD));
    }
    None
}

fn failed_checks(m: &Model) -> usize {
    let Some(chapter) = m.chapter() else { return 0 };
    let failed = |id: &String| {
        let at = CheckRef { chapter: chapter.number, check: id.clone() };
        m.progress.checks.get(&at).and_then(|c| c.verdict).is_some_and(|v| !v.is_good())
    };
    chapter.checks.iter().filter(|check| failed(&check.id)).count()
}

/// The rule above a panel, with its name; heavy where the keyboard is.
pub fn title(m: &Model, buffer: &mut Buffer, slot: &Slot) {
    let Some(area) = slot.title else { return };
    let here = slot.panel == m.focus;
    let (line, style) = if here { ("━", theme::FOCUS) } else { ("─", theme::DIM) };
    let name = if here { theme::FOCUS } else { theme::STRONG };
    let mut spans = vec![span(line, style), Span::raw(" ")];
    if slot.panel == m.shown {
        for (i, panel) in Panel::TOOLS.into_iter().enumerate() {
            if i > 0 {
                spans.push(Span::raw(" "));
            }
            match panel == slot.panel {
                true => spans.push(span(format!("[{}]", panel.title()), name)),
                false => spans.push(span(panel.title(), theme::DIM)),
            }
            spans.extend(mark(m, panel));
        }
    } else {
        spans.push(span(slot.panel.title(), name));
        spans.extend(mark(m, slot.panel));
    }
    spans.push(Span::raw(" "));
    let used: usize = spans.iter().map(Span::width).sum();
    let note = about(m, slot.panel).filter(|note| used + wrap::width(note) + 6 <= usize::from(area.width));
    let note_width = note.as_ref().map_or(0, |note| wrap::width(note) + 4);
    let rule = usize::from(area.width).saturating_sub(used + note_width);
    spans.push(span(line.repeat(rule), style));
    if let Some(note) = note {
        spans.push(span(format!(" {note} "), theme::DIM));
        spans.push(span(line.repeat(2), style));
    }
    row(buffer, area, area.y, &Line::from(spans));
}

/// A word about a panel, in its title.
fn about(m: &Model, panel: Panel) -> Option<String> {
    match panel {
        Panel::Outline => None,
        Panel::Page => {
            let position = m.progress.position.as_ref()?;
            let chapter = m.chapter()?;
            let at = chapter.steps.iter().position(|s| s.id == position.step)?;
            Some(format!("chapter {} · step {} of {}", chapter.number, at + 1, chapter.steps.len()))
        }
        Panel::Diff => {
            let distance = m.progress.distance.as_ref()?;
            Some(match distance.hunks_to_go {
                0 => "nothing to go".to_owned(),
                n => format!("{} to go", words::counted(n as usize, "hunk")),
            })
        }
        Panel::Deploy => {
            let deploy = m.progress.deploy.as_ref()?;
            deploy.stack.as_ref().map(|stack| stack.status.to_lowercase().replace('_', " "))
        }
        Panel::Sql => None,
        Panel::Checks => {
            let chapter = m.chapter()?;
            let good = chapter.checks.iter().filter(|check| {
                let at = CheckRef { chapter: chapter.number, check: check.id.clone() };
                m.progress.checks.get(&at).and_then(|c| c.verdict).is_some_and(Verdict::is_good)
            });
            Some(format!("{} of {} passed", good.count(), chapter.checks.len()))
        }
        Panel::Log => (m.log.below() > 0).then(|| format!("{} rows below: f follows", m.log.below())),
    }
}

/// What happens, or a word for the person at the keyboard.
pub fn status(m: &Model, buffer: &mut Buffer, area: Rect) {
    let width = usize::from(area.width);
    let line = if let Some((text, mood)) = &m.toast {
        let (mark, style) = match mood {
            Mood::Plain => ("›", theme::STRONG),
            Mood::Good => ("✓", theme::GOOD),
            Mood::Warn => ("!", theme::WARN),
            Mood::Bad => ("✗", theme::BAD),
        };
        let text = ink(m, text).replace('\n', " ");
        Line::from(vec![span(format!(" {mark} "), style), span(wrap::fit(&text, width.saturating_sub(4)), style)])
    } else if m.closing.is_some() {
        Line::from(span(format!(" {} Closing in order; q again leaves at once", theme::spinner(m.now)), theme::WAIT))
    } else if let Some(running) = running(m) {
        running
    } else {
        idle(m, width)
    };
    row(buffer, area, area.y, &line);
}

fn running(m: &Model) -> Option<Line<'static>> {
    let turn = span(format!(" {} ", theme::spinner(m.now)), theme::WAIT);
    let activity = Activity::of(m)?;
    let mut spans = vec![turn, span(ink(m, &activity.title).into_owned(), theme::STRONG)];
    if let Some(started) = activity.started {
        spans.push(span(format!(" · {}", clock::minutes(m.now.saturating_sub(started))), theme::TEXT));
    }
    if let Some(usual) = activity.usual_ms {
        spans.push(span(format!(" of usually {}", clock::minutes(usual)), theme::DIM));
    }
    if let Some(detail) = activity.detail {
        spans.push(span(format!(" · {detail}"), theme::TEXT));
    }
    Some(Line::from(spans))
}

fn idle(m: &Model, width: usize) -> Line<'static> {
    if m.mode == Mode::Entry {
        return session(m);
    }
    let (Some(position), Some(chapter), Some(step)) = (m.progress.position.as_ref(), m.chapter(), m.step()) else {
        return Line::from(span(format!(" {} Opening the workshop", theme::spinner(m.now)), theme::WAIT));
    };
    let at = chapter.steps.iter().position(|s| s.id == position.step).unwrap_or(0) + 1;
    let left = vec![
        span(format!(" {}.{at} ", chapter.number), theme::DIM),
        span(ink(m, &step.title).into_owned(), theme::STRONG),
    ];
    // The card says what this step does; without one, this line does.
    let here = m.here();
    let untouched = here.as_ref().is_some_and(|here| !m.progress.steps.contains_key(here));
    let right = if m.page.card.is_empty() && untouched && step.action != Action::Read {
        vec![span(format!("space {} ", ink(m, &words::does(step))), theme::DIM)]
    } else {
        match m.next_step() {
            Some((_, next)) => vec![span(format!("next: {} ", ink(m, &next.title)), theme::DIM)],
            None => vec![span("this is the last step ", theme::DIM)],
        }
    };
    let room = width.saturating_sub(left.iter().map(Span::width).sum::<usize>() + 3);
    let right = super::fit_spans(right, room);
    both_ends(left, right, width)
}

/// Whom one is talking to.
fn session(m: &Model) -> Line<'static> {
    let name = m.session().map_or(String::new(), |s| s.name.clone());
    let mut spans = vec![span(format!(" {}", ink(m, &name)), theme::STRONG)];
    match m.progress.sessions.get(&name) {
        Some(state) if state.open => {
            spans.push(span(format!(" · {} at {}", ink(m, &state.role), ink(m, &state.host)), theme::DIM));
        }
        Some(_) | None => spans.push(span(" · the first statement connects", theme::DIM)),
    }
    Line::from(spans)
}

/// The keys that matter most here, as many as fit.
pub fn footer(m: &Model, buffer: &mut Buffer, area: Rect) {
    let width = usize::from(area.width);
    let mut spans = vec![Span::raw(" ")];
    let mut used = 1;
    let repairs = m.step().is_some_and(|s| matches!(s.expect, crate::lesson::model::Expect::Failure(_)));
    let hints = m.step().is_some_and(|s| !s.hints.is_empty()) || m.focus == Panel::Checks;
    let mut seen = Vec::new();
    for binding in keymap::footer(&m.mode, m.focus) {
        let Some(short) = binding.short else { continue };
        let useless = (binding.does == keymap::Do::Repair && !repairs) || (binding.does == keymap::Do::Hint && !hints);
        let Some(key) = binding.keys.first() else { continue };
        if useless || seen.contains(key) {
            continue;
        }
        seen.push(*key);
        let name = key.name();
        let wide = wrap::width(&name) + wrap::width(short) + 4;
        if used + wide > width + 2 {
            continue;
        }
        spans.push(span(name, theme::KEY));
        spans.push(span(format!(" {short}   "), theme::DIM));
        used += wide;
    }
    row(buffer, area, area.y, &Line::from(spans));
}
