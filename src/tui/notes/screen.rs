//! What the second terminal shows. Pure.

use std::path::PathBuf;
use std::sync::Arc;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::engine::event::{CheckRef, Verdict};
use crate::engine::progress::Progress;
use crate::lesson::model::{Action, Chapter, Course, Expect, Step};
use crate::text;
use crate::tui::markdown::{self, Known};
use crate::tui::theme::{self, Looks};
use crate::tui::view::words;
use crate::tui::{clock, model, wrap};

pub struct Notes {
    course: Arc<Course>,
    workdir: PathBuf,
    looks: Looks,
    pub progress: Progress,
    pub connected: bool,
    pub size: (u16, u16),
    pub now: u64,
    pub utc_offset: i32,
    pub redact: bool,
    top: usize,
}

impl Notes {
    pub fn new(course: Arc<Course>, workdir: PathBuf, looks: Looks, size: (u16, u16), now: u64) -> Notes {
        let progress = Progress::default();
        Notes { course, workdir, looks, progress, connected: false, size, now, utc_offset: 0, redact: false, top: 0 }
    }

    pub fn take(&mut self, progress: Progress) {
        if progress.position != self.progress.position {
            self.top = 0;
        }
        self.connected = true;
        self.progress = progress;
    }

    pub fn scroll(&mut self, by: isize) {
        self.top = self.top.saturating_add_signed(by).min(500);
    }

    fn here(&self) -> Option<(&Chapter, usize, &Step)> {
        let position = self.progress.position.as_ref()?;
        let chapter = self.course.chapter(position.chapter)?;
        let at = chapter.steps.iter().position(|s| s.id == position.step)?;
        Some((chapter, at, &chapter.steps[at]))
    }

    fn ink(&self, text: &str) -> String {
        let clean = text::sanitize(text);
        if self.redact { text::redact(&clean).into_owned() } else { clean.into_owned() }
    }
}

pub fn view(n: &Notes, frame: &mut Frame<'_>) {
    let area = frame.area();
    let buffer = frame.buffer_mut();
    let width = usize::from(area.width).saturating_sub(2);
    let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
    let head = head(n, width);
    let foot = foot(n, width);
    let body = body(n, width.min(96));
    let room = usize::from(area.height).saturating_sub(head.len() + foot.len());
    let top = n.top.min(body.len().saturating_sub(room));
    let rows = head.iter().chain(body.iter().skip(top).take(room));
    for (y, line) in rows.enumerate().take(area.height.into()) {
        buffer.set_line(inner.x, area.y + y as u16, line, inner.width);
    }
    for (i, line) in foot.iter().enumerate() {
        let y = (usize::from(area.height) + i).saturating_sub(foot.len());
        if y >= head.len().min(area.height.into()) {
            buffer.set_line(inner.x, area.y + y as u16, line, inner.width);
        }
    }
    n.looks.apply(buffer);
}

fn head(n: &Notes, width: usize) -> Vec<Line<'static>> {
    let time = clock::time_of_day(n.now, n.utc_offset);
    let seconds = n.now / 1000 % 60;
    let state = if n.connected { Span::raw("") } else { Span::styled("not connected  ", theme::WARN) };
    let left = format!("{} notes", n.course.code);
    let right = format!("{time}:{seconds:02}");
    let blank = width.saturating_sub(wrap::width(&left) + state.width() + right.len());
    let mut out = vec![Line::from(vec![
        Span::styled(left, theme::FOCUS),
        Span::raw(" ".repeat(blank)),
        state,
        Span::styled(right, theme::STRONG),
    ])];
    let Some((chapter, at, step)) = n.here() else {
        out.push(Line::default());
        out.push(Line::raw(format!("Waiting for the workshop in {}", n.ink(&n.workdir.display().to_string()))));
        return out;
    };
    out.push(Line::from(vec![
        Span::styled(format!("{}.{} ", chapter.number, at + 1), theme::DIM),
        Span::styled(n.ink(&step.title), theme::STRONG),
        Span::styled(format!("  step {} of {} · {}", at + 1, chapter.steps.len(), n.ink(&chapter.title)), theme::DIM),
    ]));
    if let Some(pace) = clock::pace(&n.course, &n.progress, n.now) {
        out.extend(times(n, &pace, width));
    }
    out.push(Line::styled("─".repeat(width), theme::DIM));
    out
}

fn times(n: &Notes, pace: &clock::Pace, width: usize) -> Vec<Line<'static>> {
    let over = |spent: u64, budget: u64| if spent > budget { theme::BAD } else { theme::TEXT };
    let dot = || Span::styled(" · ", theme::DIM);
    let pair = |name: &str, spent: u64, budget: u64| {
        let text = format!("{name} {} of {}", clock::minutes(spent), clock::minutes(budget));
        Span::styled(text, over(spent, budget))
    };
    let mut spans = vec![
        pair("step", pace.step_spent, pace.step_budget),
        dot(),
        pair("chapter", pace.chapter_spent, pace.chapter_budget),
    ];
    if pace.on_stage {
        let style = if pace.behind >= 1000 { theme::BAD } else { theme::GOOD };
        spans.extend([dot(), pair("slot", pace.slot_spent, pace.slot), dot()]);
        spans.push(Span::styled(clock::behind_exactly(pace.behind), style));
        spans.push(Span::styled(format!(" · ends {}", clock::time_of_day(pace.ends_at, n.utc_offset)), theme::TEXT));
    }
    if pace.paused {
        spans.extend([dot(), Span::styled("clock paused", theme::WARN)]);
    }
    wrap::words(&spans, width, &Span::raw(""), &Span::raw(""))
}

fn body(n: &Notes, width: usize) -> Vec<Line<'static>> {
    let Some((_, _, step)) = n.here() else { return Vec::new() };
    let mut out = vec![Line::default()];
    let mut say = |title: Option<&str>, text: &str| {
        if let Some(title) = title {
            out.push(Line::default());
            out.push(Line::styled(title.to_owned(), theme::HEADING));
        }
        out.extend(markdown::render(&n.ink(text), width, &Known::new()).lines);
    };
    say(None, step.notes.as_deref().unwrap_or("*No notes for this step.*"));
    if let Some(text) = &step.while_running {
        say(Some("While it runs"), text);
    }
    if let Expect::Failure(failure) = &step.expect {
        let text = format!(
            "It is meant to fail with “{}”. The repair is the step `{}`.",
            words::pattern(&failure.matches),
            failure.repaired_by
        );
        say(Some("Expected failure"), &text);
    }
    out
}

/// What runs, what comes next, how the checks stand.
fn foot(n: &Notes, width: usize) -> Vec<Line<'static>> {
    let mut out = vec![Line::styled("─".repeat(width), theme::DIM)];
    let Some((chapter, _, step)) = n.here() else { return Vec::new() };
    let here = crate::engine::event::StepRef { chapter: chapter.number, step: step.id.clone() };
    let state = n.progress.steps.get(&here);
    let now = match (n.progress.running.as_ref(), state.and_then(|s| s.verdict)) {
        (Some(running), _) => {
            let begun = n.progress.steps.get(running).map_or(n.now, |s| s.started);
            let usual = n.progress.steps.get(running).and_then(|s| s.usual_ms);
            let usual = usual.map(|ms| format!(" of usually {}", clock::minutes(ms))).unwrap_or_default();
            Line::from(vec![
                Span::styled("running  ", theme::WAIT),
                Span::raw(format!("{}{usual}", clock::minutes(n.now.saturating_sub(begun)))),
            ])
        }
        (None, Some(verdict)) => {
            let (mark, style) = theme::verdict(Some(verdict));
            Line::from(Span::styled(format!("{mark} {}", theme::verdict_word(verdict)), style))
        }
        (None, None) if step.action == Action::Read => Line::from(Span::styled("nothing to run", theme::DIM)),
        (None, None) => Line::from(vec![Span::styled("space    ", theme::KEY), Span::raw(n.ink(&words::does(step)))]),
    };
    out.push(now);
    let next = match model::next_step(&n.course, &here) {
        Some((_, next)) => format!("{} ({})", n.ink(&next.title), n.ink(&words::does(next))),
        None => "this is the last step".to_owned(),
    };
    let (first, rest) = (Span::styled("next     ", theme::DIM), Span::raw(" ".repeat(9)));
    out.extend(wrap::words(&[Span::raw(next)], width, &first, &rest));
    if !chapter.checks.is_empty() {
        let mut spans = vec![Span::styled("checks   ", theme::DIM)];
        for check in &chapter.checks {
            let at = CheckRef { chapter: chapter.number, check: check.id.clone() };
            let state = n.progress.checks.get(&at);
            let (mark, style) = match state {
                Some(check) if check.verdict.is_none() => (theme::spinner(n.now), theme::WAIT),
                _ => theme::verdict(state.and_then(|s| s.verdict)),
            };
            spans.push(Span::styled(format!("{mark} "), style));
        }
        let failed = chapter.checks.iter().filter_map(|check| {
            let at = CheckRef { chapter: chapter.number, check: check.id.clone() };
            let bad = n.progress.checks.get(&at)?.verdict.is_some_and(|v: Verdict| !v.is_good());
            bad.then(|| n.ink(&check.title))
        });
        spans.push(Span::styled(failed.collect::<Vec<_>>().join(", "), theme::BAD));
        out.push(Line::from(spans));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::event::{Event, EventKind, Position};
    use crate::tui::{fixture, golden};
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    fn text(n: &Notes) -> String {
        let mut terminal = Terminal::new(TestBackend::new(n.size.0, n.size.1)).unwrap();
        terminal.draw(|frame| view(n, frame)).unwrap();
        let buffer = terminal.backend().buffer();
        let row = |y| (0..n.size.0).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
        (0..n.size.1).map(|y| row(y) + "\n").collect()
    }

    #[test]
    fn notes_next_clock_and_checks() {
        let workdir = PathBuf::from("/home/my-dsql-app");
        let mut n = Notes::new(fixture::course(), workdir, Looks::FULL, (80, 24), golden::START);
        assert!(text(&n).contains("Waiting for the workshop in /home/my-dsql-app"));
        let mut progress = Progress::default();
        let position = Position { chapter: 1, step: "deploy".into() };
        let kind = EventKind::Moved { position };
        progress.apply(&Event { seq: 1, at: golden::START, kind });
        n.take(progress);
        n.now += 200_000;
        let shown = text(&n);
        for part in ["Do not apologise", "how little", "step 3:20 of 1:30", "ends", "next     See the refusal", "○ ○"]
        {
            assert!(shown.contains(part), "{part} in\n{shown}");
        }
        n.size = (20, 5);
        text(&n);
    }
}
