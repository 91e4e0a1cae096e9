//! The second terminal's screen. Pure.

use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Arc;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::socket::Published;
use crate::tui::bindings::{KeyAction, Keymap};
use crate::tui::markdown::{self, KnownColours};
use crate::tui::present::activity::Activity;
use crate::tui::present::checks::is_of_older_stack;
use crate::tui::present::spans::{both_ends, fit_spans};
use crate::tui::present::{standby, words};
use crate::tui::theme::{self, Backdrop, Looks};
use crate::tui::{clock, model, remapping, wrap};
use workshop_base::{secret, text};
use workshop_course::lesson::model::{Chapter, Check, Course, Step, StepAction, StepExpect, Target};
use workshop_engine::event::{CheckRef, StepRef, Verdict};
use workshop_engine::progress::Progress;

pub struct Notes {
    course: Arc<Course>,
    workdir: PathBuf,
    looks: Looks,
    pub progress: Progress,
    /// Somebody presents in the first terminal.
    presents: bool,
    connected: bool,
    /// When the first terminal went silent.
    left_at: Option<u64>,
    pub size: (u16, u16),
    pub now: u64,
    pub utc_offset: i32,
    pub redact: bool,
    /// The keys of the first terminal.
    pub keymap: Keymap,
    top: usize,
}

impl Notes {
    /// Makes notes that have heard of no workshop yet; `now` in milliseconds since 1970.
    pub fn new(course: Arc<Course>, workdir: PathBuf, looks: Looks, size: (u16, u16), now: u64) -> Notes {
        Notes {
            course,
            workdir,
            looks,
            progress: Progress::default(),
            presents: false,
            connected: false,
            left_at: None,
            size,
            now,
            utc_offset: 0,
            redact: false,
            keymap: Keymap::default(),
            top: 0,
        }
    }

    /// Takes in the newest state; at another step the notes begin at their top.
    pub fn take(&mut self, Published { progress, presents }: Published) {
        self.presents = presents;
        if progress.position != self.progress.position {
            self.top = 0;
        }
        self.connected = true;
        self.left_at = None;
        self.progress = progress;
    }

    /// Takes the colours that can be read on this background, red, green and blue, unless a person has chosen.
    pub fn stand_on(&mut self, rgb: [u8; 3]) {
        if self.looks.asks_backdrop {
            self.looks.backdrop = Backdrop::of(rgb);
        }
    }

    /// The socket is silent: the first terminal was left. Its clock has stopped, and so does ours.
    pub fn silent(&mut self) {
        if self.connected {
            self.connected = false;
            self.left_at = Some(self.now);
        }
    }

    /// By rows; what lies beyond the end is not scrolled to.
    pub fn scroll(&mut self, by: isize) {
        let laid = lay(self);
        self.top = self.top.saturating_add_signed(by).min(laid.body.len().saturating_sub(laid.room));
    }

    /// A page less two rows, that the eye may find them again.
    pub fn page(&self) -> isize {
        isize::try_from(lay(self).room.saturating_sub(2).max(1)).unwrap_or(1)
    }

    /// Returns where the stage clock is: it stands still while nobody is on stage.
    fn stage(&self) -> u64 {
        self.left_at.unwrap_or(self.now)
    }

    fn here(&self) -> Option<(&Chapter, usize, &Step)> {
        let position = self.progress.position.as_ref()?;
        let chapter = self.course.chapter(position.chapter)?;
        let at = chapter.steps.iter().position(|s| s.id == position.step)?;
        Some((chapter, at, &chapter.steps[at]))
    }

    fn display_text(&self, text: &str) -> String {
        let clean = text::sanitize(text);
        if self.redact { secret::redact(&clean).into_owned() } else { clean.into_owned() }
    }
}

/// The three parts of the screen, and how many rows of the middle one show.
struct Laid {
    head: Vec<Line<'static>>,
    body: Vec<Line<'static>>,
    foot: Vec<Line<'static>>,
    room: usize,
}

fn lay(n: &Notes) -> Laid {
    let width = usize::from(n.size.0).saturating_sub(2);
    let head = head(n, width);
    let mut foot = foot(n, width);
    let body = body(n, width.min(MOST_WIDTH));
    let height = usize::from(n.size.1);
    // On a small screen the notes matter more than the keys, and what comes next more than the rest.
    if height < SMALL {
        foot.pop();
    }
    foot.truncate(height.saturating_sub(head.len() + 1).max(3));
    let room = height.saturating_sub(head.len() + foot.len() + 1);
    Laid { head, body, foot, room }
}

/// Said of a step that is not in the course as it was read.
const CHANGED: &str = "The course has changed since these notes were opened: leave them with q, and open them again";
/// Text wider than this is hard to read.
const MOST_WIDTH: usize = 96;
/// Below so many rows there is no row for the keys.
const SMALL: usize = 16;

/// Draws the whole second terminal.
pub fn view(n: &Notes, frame: &mut Frame<'_>) {
    let area = frame.area();
    let buffer = frame.buffer_mut();
    let Laid { head, body, foot, room } = lay(n);
    let inner = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
    let mut put = |y: usize, line: &Line<'static>| {
        if y < usize::from(area.height) {
            buffer.set_line(inner.x, area.y + y as u16, line, inner.width);
        }
    };
    for (y, line) in head.iter().enumerate() {
        put(y, line);
    }
    let top = n.top.min(body.len().saturating_sub(room));
    for (y, line) in body.iter().skip(top).take(room).enumerate() {
        put(head.len() + y, line);
    }
    let below = (head.len() + room).max(usize::from(area.height).saturating_sub(foot.len() + 1));
    if !foot.is_empty() {
        put(below, &rule(inner.width.into(), top, body.len().saturating_sub(top + room)));
    }
    for (y, line) in foot.iter().enumerate() {
        put(below + 1 + y, line);
    }
    n.looks.apply(buffer);
}

/// The rule below the notes says whether there is more of them.
fn rule(width: usize, above: usize, below: usize) -> Line<'static> {
    let more = match (above, below) {
        (0, 0) => String::new(),
        (_, 1..) => format!(" ↓ {} ─", words::counted(below, "more line")),
        (_, 0) => format!(" ↑ {} above ─", words::counted(above, "line")),
    };
    Line::styled(format!("{}{more}", "─".repeat(width.saturating_sub(wrap::width(&more)))), theme::DIM)
}

fn head(n: &Notes, width: usize) -> Vec<Line<'static>> {
    let time = clock::time_of_day(n.now, n.utc_offset);
    let seconds = n.now / 1000 % 60;
    let left = vec![Span::styled(format!("{} notes", n.course.code), theme::FOCUS)];
    let mut right = Vec::new();
    if n.progress.target == Some(Target::Aws) {
        let place = if n.progress.on_standby { words::STANDBY } else { "AWS" };
        right.push(Span::styled(format!("{place}  "), theme::WARN));
    }
    if n.redact {
        right.push(Span::styled("identities hidden  ", theme::WARN));
    }
    right.push(Span::styled(format!("{time}:{seconds:02}"), theme::STRONG));
    let mut out = vec![both_ends(left, right, width)];
    let Some((chapter, at, step)) = n.here() else {
        let words = match n.progress.position {
            Some(_) => CHANGED.to_owned(),
            None => format!("Waiting for the workshop in {}", n.display_text(&n.workdir.display().to_string())),
        };
        out.push(Line::default());
        out.extend(plain(&words, theme::TEXT, width));
        return out;
    };
    let title = [
        Span::styled(format!("{}.{} ", chapter.number, at + 1), theme::DIM),
        Span::styled(n.display_text(&step.title), theme::STRONG),
    ];
    let of = format!("  step {} of {} · {}", at + 1, chapter.steps.len(), n.display_text(&chapter.title));
    let room = width.saturating_sub(title.iter().map(Span::width).sum());
    let of = Span::styled(wrap::fit(&of, room).into_owned(), theme::DIM);
    out.push(Line::from(title.into_iter().chain([of]).collect::<Vec<_>>()));
    if let Some(pace) = clock::pace(&n.course, &n.progress, n.stage()) {
        out.extend(times(n, &pace, width));
    }
    if let Some(advice) = advice(n) {
        out.extend(plain(&advice, theme::BAD, width));
    }
    if !n.connected {
        out.extend(plain("! The workshop was left. It is followed again as soon as it is back.", theme::WARN, width));
    }
    out.push(rule(width, 0, 0));
    out
}

/// Says that the account cannot be reached, and what leads on, while the talk is in it.
fn advice(n: &Notes) -> Option<String> {
    let key = remapping::name(&n.keymap, KeyAction::Failover);
    let (trouble, advice) = standby::warning(&n.course, &n.progress, &key)?;
    Some(n.display_text(&format!("! {trouble}. {advice}")))
}

/// Rows of what is spent of what was planned; and how the talk stands, in a row of its own where one is too short.
fn times(n: &Notes, pace: &clock::Pace, width: usize) -> Vec<Line<'static>> {
    let pair = |name: &str, spent: u64, budget: u64| {
        let text = format!("{name} {} of {}", clock::minutes(spent), clock::minutes(budget));
        Span::styled(text, if spent > budget { theme::BAD } else { theme::TEXT })
    };
    let last = pace.step_last.map(|ms| format!(", last time {}", clock::minutes(ms))).unwrap_or_default();
    let mut step = pair("step", pace.step_spent, pace.step_budget);
    step.content.to_mut().push_str(&last);
    let mut spent = vec![step, pair("chapter", pace.chapter_spent, pace.chapter_budget)];
    let mut stands = Vec::new();
    if pace.on_stage {
        spent.push(pair("slot", pace.slot_spent, pace.slot));
        let style = if pace.behind >= 1000 { theme::BAD } else { theme::GOOD };
        stands.push(Span::styled(clock::behind_exactly(pace.behind), style));
        // The plan of who has given it before is how it went then.
        stands.extend(pace.behind_last.map(|behind| Span::styled(clock::beside_last_time(behind), theme::DIM)));
        stands.push(Span::styled(clock::end_in_words(pace, n.utc_offset), theme::TEXT));
    }
    if pace.paused {
        stands.push(Span::styled("clock paused", theme::WARN));
    }
    let dotted = |spans: &[Span<'static>]| -> Vec<Span<'static>> {
        let dot = Span::styled(" · ", theme::DIM);
        spans.iter().flat_map(|span| [dot.clone(), span.clone()]).skip(1).collect()
    };
    let one = dotted(&[spent.clone(), stands.clone()].concat());
    let rows = if one.iter().map(Span::width).sum::<usize>() <= width {
        vec![one]
    } else {
        vec![dotted(&spent), dotted(&stands)]
    };
    let none = Span::raw("");
    rows.iter().filter(|row| !row.is_empty()).flat_map(|row| wrap::words(row, width, &none, &none)).collect()
}

fn plain(text: &str, style: Style, width: usize) -> Vec<Line<'static>> {
    wrap::words(&[Span::styled(text, style)], width, &Span::raw(""), &Span::raw(""))
}

fn body(n: &Notes, width: usize) -> Vec<Line<'static>> {
    let Some((chapter, _, step)) = n.here() else { return Vec::new() };
    let mut out = vec![Line::default()];
    let mut say = |title: Option<&str>, text: &str| {
        let heading = |title: &str| [Line::default(), Line::styled(title.to_owned(), theme::HEADING)];
        out.extend(title.into_iter().flat_map(heading));
        let text = n.display_text(&n.progress.filled(&n.course, text));
        out.extend(markdown::render(&text, width, &KnownColours::new()).lines);
    };
    say(None, step.notes.as_deref().unwrap_or("*No notes for this step.*"));
    if let Some(text) = &step.while_running {
        say(Some("While it runs"), text);
    }
    if let StepExpect::Failure(failure) = &step.expect {
        let mut text = format!("It is meant to fail with “{}”.", words::pattern(&failure.matches));
        if let Some(repair) = n.progress.repair(chapter, step) {
            let _ = write!(text, " The repair begins with the step *{}*.", repair.title);
        }
        say(Some("Expected failure"), &text);
    }
    out
}

/// Returns what happens now, what comes next, how the checks stand, and the keys.
fn foot(n: &Notes, width: usize) -> Vec<Line<'static>> {
    let Some((chapter, _, step)) = n.here() else { return vec![keys(width)] };
    let here = StepRef { chapter: chapter.number, step: step.id.clone() };
    let mut out = labelled("now", now(n, &here, step), width);
    let next = match model::leads_to(&n.course, &here, n.presents) {
        Some((of, next)) => {
            let of = if of.number == chapter.number { String::new() } else { format!("chapter {}: ", of.number) };
            format!(
                "{of}{} ({})",
                n.display_text(&next.title),
                n.display_text(&words::does(&n.course, &n.progress, next))
            )
        }
        None => "this is the last step".to_owned(),
    };
    out.extend(labelled("next", vec![Span::raw(next)], width));
    out.extend(checks(n, chapter, width));
    out.push(keys(width));
    out
}

fn labelled(name: &str, text: Vec<Span<'static>>, width: usize) -> Vec<Line<'static>> {
    wrap::words(&text, width, &Span::styled(format!("{name:<8} "), theme::DIM), &Span::raw(" ".repeat(9)))
}

/// Returns what runs, how it came out, or what the step will do.
fn now(n: &Notes, here: &StepRef, step: &Step) -> Vec<Span<'static>> {
    let broken = n.progress.tasks.iter().find_map(|(task, state)| Some((*task, state.problem.as_ref()?)));
    if let Some((task, problem)) = broken {
        let text = format!("✗ {}: {problem}", words::task_name(task, &n.course, &n.progress));
        return vec![Span::styled(n.display_text(&text), theme::BAD)];
    }
    if let Some(state) = &n.progress.bringing {
        let spent = clock::minutes(n.stage().saturating_sub(state.started));
        let of = if state.total > 0 { format!(" · {} of {} steps", state.done, state.total) } else { String::new() };
        let what = Span::styled(words::bringing(state.to), theme::WAIT);
        return vec![what, Span::raw(format!(" {spent}{of}"))];
    }
    if let Some(activity) = Activity::of(&n.course, &n.progress) {
        let title = match n.progress.running.as_ref() == Some(here) {
            // Who was killed has not said how it ended.
            true if !n.connected => "was running when the workshop was left:".to_owned(),
            true => "running".to_owned(),
            false => n.display_text(&activity.title),
        };
        let spent = activity.started.map(|started| format!(" {}", clock::minutes(n.stage().saturating_sub(started))));
        let usual = activity.usual_ms.map(|ms| format!(" of usually {}", clock::took(ms)));
        let detail = activity.detail.map(|detail| format!(" · {}", n.display_text(&detail)));
        let rest: String = [spent, usual, detail].into_iter().flatten().collect();
        return vec![Span::styled(title, theme::WAIT), Span::raw(rest)];
    }
    let state = n.progress.steps.get(here);
    match state.and_then(|state| Some((state, state.verdict?))) {
        Some((state, verdict)) if !verdict.is_good() || n.progress.is_settled(here, step) => {
            let (mark, style) = theme::verdict(Some(verdict));
            let failure = state.failure.as_ref();
            let mut spans = vec![Span::styled(format!("{mark} {}", words::came_to(verdict, failure)), style)];
            let came = failure.filter(|failure| !words::is_cancelled(failure));
            let came = came.and_then(|failure| failure.actual.lines().next());
            spans.extend(came.map(|came| Span::raw(format!(": {}", n.display_text(&n.progress.in_project(came))))));
            let goes_on = words::goes_on_without_us(&n.progress, here).filter(|_| !verdict.is_good());
            spans.extend(goes_on.map(|goes_on| Span::raw(format!(". {goes_on}"))));
            spans
        }
        _ if step.action == StepAction::Read => vec![Span::styled("nothing to run", theme::DIM)],
        _ => vec![Span::raw(n.display_text(&words::does(&n.course, &n.progress, step)))],
    }
}

/// A mark for each check, how many have passed, and the names of those to speak of.
fn checks(n: &Notes, chapter: &Chapter, width: usize) -> Vec<Line<'static>> {
    if chapter.checks.is_empty() {
        return Vec::new();
    }
    let known = |check: &Check| n.progress.checks.get(&CheckRef { chapter: chapter.number, check: check.id.clone() });
    // What the stack was asked before it was deployed anew says nothing of what is there now.
    let state = |check: &Check| known(check).filter(|state| !is_of_older_stack(&n.course, &n.progress, state));
    let mut marks = Vec::new();
    let mut named = Vec::new();
    let mut verdicts = Vec::new();
    for check in &chapter.checks {
        let state = state(check);
        let verdict = state.and_then(|state| state.verdict);
        let (mark, style) = match state {
            Some(state) if state.verdict.is_none() => (theme::spinner(n.now), theme::WAIT),
            _ => theme::verdict(verdict),
        };
        verdicts.push(verdict);
        marks.push(Span::styled(format!("{mark} "), style));
        if state.is_some() && !verdict.is_some_and(Verdict::is_good) {
            named.push(Span::styled(format!(" · {}", n.display_text(&check.title)), style));
        }
    }
    marks.push(Span::raw(words::passed(verdicts.into_iter())));
    marks.extend(named);
    labelled("checks", marks, width)
}

/// The keys of this terminal.
fn keys(width: usize) -> Line<'static> {
    let all = [("space", "page down"), ("↑↓", "scroll"), ("x", "hide identities"), ("q", "quit")];
    let of = |(i, (key, what)): (usize, (&'static str, &'static str))| {
        let gap = if i == 0 { "" } else { "   " };
        [Span::raw(gap), Span::styled(key, theme::KEY), Span::styled(format!(" {what}"), theme::DIM)]
    };
    let spans: Vec<Span<'static>> = all.into_iter().enumerate().flat_map(of).collect();
    Line::from(fit_spans(spans, width))
}

#[cfg(test)]
#[path = "screen_tests.rs"]
mod tests;
