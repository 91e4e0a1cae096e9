//! The frame around the panels: header, tabs, titles, status, keys.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};

use super::paint::{self, row};
use crate::tui::bindings::KeyAction;
use crate::tui::layout::Slot;
use crate::tui::model::*;
use crate::tui::present::activity::Activity;
use crate::tui::present::chrome::{mark, panel_tabs};
use crate::tui::present::diff::is_applied;
use crate::tui::present::intent::{self, Intent, intent};
use crate::tui::present::spans::{both_ends, display_text, fit_spans, span};
use crate::tui::present::{checks, deploy, notice, outline, questions, words};
use crate::tui::{clock, keymap, remapping, theme, wrap};
use workshop_course::lesson::model::{Chapter, StepAction};
use workshop_engine::event::TxState;

/// Draws the names of the panels, when one fills the screen.
pub fn tabs(m: &Model, buffer: &mut Buffer, area: Rect) {
    let width = usize::from(area.width);
    let mut spans = vec![Span::raw(" ")];
    for tab in panel_tabs(m, m.panels(), m.focus, area.width, true) {
        let style = if tab.panel == m.focus { theme::FOCUS } else { theme::TEXT };
        spans.extend([span(tab.number, theme::DIM), span(tab.label, style)]);
        spans.push(tab.mark.unwrap_or_else(|| Span::raw(" ")));
        spans.extend(tab.gap.then(|| Span::raw(" ")));
    }
    if m.settings.zoom {
        let used: usize = spans.iter().map(Span::width).sum();
        let key = m.key(KeyAction::Zoom);
        let whole = format!(" zoomed: {key} goes back");
        let word = if used + wrap::width(&whole) <= width { whole } else { format!(" {key}: zoomed") };
        spans.push(span(word, theme::DIM));
    }
    row(buffer, area, area.y, &Line::from(fit_spans(spans, width)));
}

/// The rule above a panel, with its name; heavy where the keyboard is.
pub fn title(m: &Model, buffer: &mut Buffer, slot: &Slot) {
    let Some(area) = slot.title else { return };
    let here = slot.panel == m.focus;
    let (line, style) = if here { ("━", theme::FOCUS) } else { ("─", theme::DIM) };
    let name = if here { theme::FOCUS } else { theme::STRONG };
    let mut spans = vec![span(line, style), Span::raw(" ")];
    if slot.panel == m.shown {
        let mut ends_in_gap = false;
        for tab in panel_tabs(m, m.tools(), slot.panel, area.width.saturating_sub(4), false) {
            let style = if tab.panel == slot.panel { name } else { theme::TEXT };
            spans.extend([span(tab.number, theme::DIM), span(tab.label, style)]);
            spans.extend(tab.mark);
            spans.extend(tab.gap.then(|| Span::raw(" ")));
            ends_in_gap = tab.gap;
        }
        if ends_in_gap {
            spans.pop();
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
            // What the step at hand is about has not begun: what came of another is told as that, in the panel.
            let deploy = m.progress.deploy.as_ref().filter(|_| deploy::awaited(m).is_none())?;
            deploy.stack.as_ref().map(|stack| stack.status.to_lowercase().replace('_', " "))
        }
        Panel::Sql => {
            let session = m.session().and_then(|s| m.progress.sessions.get(&s.name)).filter(|s| s.open)?;
            // Hidden as a whole: its beginning alone would not be known for what it is.
            let (role, host) = (display_text(m, &session.role), display_text(m, &session.host));
            let name = host.split('.').next().unwrap_or_default();
            Some(format!("{role} at {}", wrap::fit(name, 9)))
        }
        Panel::Checks => {
            let chapter = m.chapter().filter(|chapter| !chapter.checks.is_empty())?;
            Some(words::passed(chapter.checks.iter().map(|check| checks::verdict_now(m, chapter.number, check))))
        }
        Panel::Load => m.loads.last().map(|run| format!("{} invocations", run.total)),
        Panel::Log => {
            let below = Some(m.log.below() as usize).filter(|below| *below > 0)?;
            // Elsewhere the key is about something else.
            let key = match m.focus == Panel::Log {
                true => format!(": {} follows", m.key(KeyAction::Follow)),
                false => String::new(),
            };
            Some(format!("{} below{key}", words::counted(below, "row")))
        }
    }
}

/// Draws what happens, or a word for the person at the keyboard.
pub fn status(m: &Model, buffer: &mut Buffer, area: Rect) -> Option<Position> {
    let width = usize::from(area.width);
    let notice = notice::lines(m);
    if !notice.is_empty() {
        paint::lines(buffer, area, &notice, 0);
        return None;
    }
    if let InputMode::Search { of, query } = &m.mode
        && !matches!(of, Panel::Sql | Panel::Log)
    {
        return Some(paint::prompt(buffer, area, &format!(" search in {}: ", of.title()), query));
    }
    let line = if m.closing.is_some() {
        let (turn, key) = (theme::spinner(m.now), m.key(KeyAction::Quit));
        Line::from(span(format!(" {turn} Closing in order; {key} again leaves at once"), theme::WAIT))
    } else if let Some(running) = running(m, width) {
        running
    } else {
        idle(m, width)
    };
    row(buffer, area, area.y, &line);
    None
}

fn running(m: &Model, width: usize) -> Option<Line<'static>> {
    let turn = span(format!(" {} ", theme::spinner(m.now)), theme::WAIT);
    let activity = Activity::of(&m.course, &m.progress)?;
    // The card and its panel say what runs, how far it is and since when: here is the time.
    if !m.page.card.is_empty() && m.progress.running.is_some() {
        return Some(both_ends(paced(m, m.chapter()?), next(m), width));
    }
    let mut rest = Vec::new();
    if let Some(started) = activity.started {
        rest.push(span(format!(" · {}", clock::minutes(m.now.saturating_sub(started))), theme::TEXT));
    }
    if let Some(usual) = activity.usual_ms {
        rest.push(span(format!(" of usually {}", clock::took(usual)), theme::DIM));
    }
    if let Some(detail) = activity.detail {
        rest.push(span(format!(" · {}", display_text(m, &detail)), theme::TEXT));
    }
    // How long it has been running is worth more than the end of its name.
    let used = turn.width() + rest.iter().map(Span::width).sum::<usize>();
    let title = display_text(m, &activity.title);
    let title = span(wrap::fit(&title, width.saturating_sub(used).max(SHORTEST)).into_owned(), theme::STRONG);
    Some(Line::from(fit_spans([vec![turn, title], rest].concat(), width)))
}

/// Columns that the name of what runs has at least.
const SHORTEST: usize = 16;

fn idle(m: &Model, width: usize) -> Line<'static> {
    if m.mode == InputMode::Entry {
        return Line::from(fit_spans(session(m), width));
    }
    let (Some(position), Some(chapter), Some(step)) = (m.progress.position.as_ref(), m.chapter(), m.step()) else {
        return Line::from(span(format!(" {} Opening the workshop", theme::spinner(m.now)), theme::WAIT));
    };
    let at = chapter.steps.iter().position(|s| s.id == position.step).unwrap_or(0) + 1;
    let left = match m.layout.shows(Panel::Page) {
        // The page has the title: here is the time.
        true => paced(m, chapter),
        false => vec![
            span(format!(" {}.{at} ", chapter.number), theme::DIM),
            span(display_text(m, &step.title).into_owned(), theme::STRONG),
        ],
    };
    let right = match intent(m) {
        // The card says it.
        Intent::Next | Intent::End if !m.page.card.is_empty() => Vec::new(),
        _ => next(m),
    };
    let room = width.saturating_sub(left.iter().map(Span::width).sum::<usize>() + 3);
    let right = fit_spans(right, room);
    both_ends(left, right, width)
}

fn next(m: &Model) -> Vec<Span<'static>> {
    let words = match m.next_step() {
        Some((_, next)) => format!("next: {} ", display_text(m, &next.title)),
        None => "this is the last step ".to_owned(),
    };
    vec![span(words, theme::DIM)]
}

/// Time spent and planned: whole minutes, for a screen that should stay calm.
fn paced(m: &Model, chapter: &Chapter) -> Vec<Span<'static>> {
    if !m.shows_clock() {
        let at = m.progress.position.as_ref().and_then(|p| chapter.steps.iter().position(|s| s.id == p.step));
        let text = format!(" chapter {} · step {} of {}", chapter.number, at.unwrap_or(0) + 1, chapter.steps.len());
        return vec![span(text, theme::DIM)];
    }
    let Some(pace) = clock::pace(&m.course, &m.progress, m.now) else { return Vec::new() };
    let mut spans = Vec::new();
    let mut say = |name: String, spent: u64, budget: u64| {
        let style = if spent > budget { theme::WARN } else { theme::DIM };
        spans.push(span(format!(" {name}: "), theme::DIM));
        spans.push(span(clock::of_budget(spent, budget), style));
        spans.push(Span::raw("  "));
    };
    say(format!("chapter {}", chapter.number), pace.chapter_spent, pace.chapter_budget);
    if pace.on_stage && m.size.0 >= 120 {
        spans.extend(slot_bar(&pace));
    }
    let mut say = |name: String, spent: u64, budget: u64| {
        let style = if spent > budget { theme::WARN } else { theme::DIM };
        spans.push(span(format!(" {name}: "), theme::DIM));
        spans.push(span(clock::of_budget(spent, budget), style));
        spans.push(Span::raw("  "));
    };
    if pace.step_budget > 0 && m.size.0 >= 100 {
        say("this step".to_owned(), pace.step_spent, pace.step_budget);
        let last = pace.step_last.map(|ms| format!("last time {}  ", clock::took(ms)));
        spans.extend(last.map(|last| span(last, theme::DIM)));
    }
    spans
}

/// Whom one is talking to.
fn session(m: &Model) -> Vec<Span<'static>> {
    let name = m.session().map_or(String::new(), |s| s.name.clone());
    let mut spans = vec![span(format!(" {}", display_text(m, &name)), theme::STRONG)];
    match m.progress.sessions.get(&name) {
        Some(state) if state.open => {
            spans.push(span(
                format!(" · {} at {}", display_text(m, &state.role), display_text(m, &state.host)),
                theme::DIM,
            ));
        }
        Some(state) if state.tx == TxState::Unknown => {
            spans.push(span(" · rollback acknowledges the loss and connects again", theme::WARN));
        }
        Some(_) => spans.push(span(" · the next statement connects", theme::DIM)),
        None => spans.push(span(" · the first statement connects", theme::DIM)),
    }
    spans
}

/// The keys that matter most here, as many as fit. What goes on comes first, help and the way out stand at the end.
pub fn footer(m: &Model, buffer: &mut Buffer, area: Rect) {
    if m.settings.audience && m.mode == InputMode::Walking {
        return;
    }
    let width = usize::from(area.width);
    let wide = |(name, word): &(String, String)| wrap::width(name) + wrap::width(word) + 4;
    // A question's keys are told in its own words, where all of them can be: one answer alone says too little.
    let asked = questions::answers(m).filter(|answers| answers.iter().map(wide).sum::<usize>() < width);
    let free = asked.is_none();
    let mut left: Vec<(String, String)> = asked.unwrap_or_default();
    let mut right: Vec<(String, String)> = Vec::new();
    if m.count.is_some() {
        left.push((m.key(KeyAction::Close), "no count".to_owned()));
    }
    for binding in keymap::footer(&m.mode, m.focus, m.search.is_some()).filter(|_| free) {
        let key = remapping::keys(&m.options.keymap, binding).first();
        let (Some(short), Some(key)) = (binding.short, key) else { continue };
        // While a count is typed, only what it repeats.
        if m.count.is_some() && !binding.does.repeats() {
            continue;
        }
        let Some(word) = word(m, binding.does, short) else { continue };
        let entry = (key.name(), word);
        if left.iter().chain(&right).any(|(name, _)| *name == entry.0) {
            continue;
        }
        match binding.does {
            KeyAction::GoOn => left.insert(0, entry),
            KeyAction::Interrupt if m.mode == InputMode::Walking => left.insert(0, entry),
            KeyAction::Help | KeyAction::Quit => right.push(entry),
            _ => left.push(entry),
        }
    }
    let mut room = width.saturating_sub(right.iter().map(wide).sum::<usize>() + 1);
    let mut fits = |entry: &(String, String)| {
        let fits = wide(entry) <= room;
        room = if fits { room - wide(entry) } else { 0 };
        fits
    };
    let spans = |entries: Vec<(String, String)>| -> Vec<Span<'static>> {
        entries
            .into_iter()
            .flat_map(|(name, word)| [span(format!(" {name}"), theme::KEY), span(format!(" {word}  "), theme::DIM)])
            .collect()
    };
    let left = spans(left.into_iter().filter(|entry| fits(entry)).collect());
    row(buffer, area, area.y, &both_ends(left, spans(right), width));
}

/// Returns whether the current hunk is in the working directory.
fn applied(m: &Model) -> Option<bool> {
    is_applied(m, *m.diff.hunks.get(m.diff.hunk)?)
}

/// The word for a key, when it does something here and now.
fn word(m: &Model, does: KeyAction, short: &'static str) -> Option<String> {
    let step = m.step();
    let useful = match does {
        KeyAction::GoOn => return intent::goes_on(m).map(str::to_owned),
        KeyAction::GoBack => !m.is_busy() && intent::leads_back(m),
        KeyAction::Run => {
            let again = m.here().is_some_and(|here| m.progress.steps.contains_key(&here));
            let free = !m.is_busy();
            let runs = step.is_some_and(|s| s.action != StepAction::Read) && free;
            if free && intent::prepares_again(m) {
                return (intent(m) != Intent::Run).then(|| "try again".to_owned());
            }
            if runs && again {
                // As the card has it: some of its statements have run.
                let begun = m.here().is_some_and(|here| intent::next_statement(m, &here) > 0);
                return Some(if begun { "run the rest" } else { "run again" }.to_owned());
            }
            runs && intent(m) != Intent::Run
        }
        KeyAction::Repair => !m.is_busy() && intent::repairs(m),
        KeyAction::Accept if m.mode == InputMode::Walking => !m.is_busy(),
        KeyAction::Hint => intent::has_hint(m),
        // Of a single hunk the key that goes on does it.
        KeyAction::ApplyHunk | KeyAction::UndoHunk if m.is_busy() => false,
        KeyAction::ApplyHunk => applied(m) == Some(false) && (intent(m) != Intent::Run || m.diff.hunks.len() > 1),
        KeyAction::CheckOne => {
            let is_one = m.chapter().is_some_and(|chapter| !chapter.checks.is_empty());
            is_one && !m.is_busy()
        }
        KeyAction::NextSession => m.console.sessions.len() > 1,
        KeyAction::UndoHunk => applied(m) == Some(true),
        // One key for it is enough to name.
        KeyAction::NextHunk => m.diff.hunk + 1 < m.diff.hunks.len() && !matches!(intent(m), Intent::NextHunk(_)),
        KeyAction::BackHunk => m.diff.hunk > 0,
        KeyAction::Interrupt => m.mode == InputMode::Entry || m.mode == InputMode::Walking && intent::interrupts(m),
        KeyAction::Follow => m.log.below() > 0,
        KeyAction::SqlPicture if m.console.picture != SqlPicture::None => return Some("other view".to_owned()),
        KeyAction::SqlPicture => {
            crate::tui::present::timeline::is_worth_it(m) || crate::tui::present::plan::is_worth_it(m)
        }
        KeyAction::Right => m.focus != Panel::Outline || outline::opens(m),
        // The outline shows all that there is; the help over it does not.
        KeyAction::Search => m.focus != Panel::Outline || matches!(m.mode, InputMode::Help { .. }),
        KeyAction::RetryTransaction => {
            let state = m.session().and_then(|s| m.progress.sessions.get(&s.name));
            let lost = state.and_then(|s| s.last_error.as_ref()).is_some_and(|error| error.is_conflict());
            // What a lesson's own statements lose, it goes on with itself.
            lost && !m.session().is_some_and(|session| is_of_lesson(m, &session.name))
        }
        _ => true,
    };
    useful.then(|| short.to_owned())
}

/// Tells whether a step of the lesson sent what a session ran last: those statements have no number of a request.
fn is_of_lesson(m: &Model, session: &str) -> bool {
    let last = m.console.exchanges.iter().rfind(|exchange| exchange.session == session);
    last.is_some_and(|exchange| exchange.id == 0)
}

/// Cells of the slot's bar.
const SLOT: u64 = 24;

/// The slot as a bar: what is spent of it, and a mark where the plan has the talk now.
fn slot_bar(pace: &clock::Pace) -> Vec<Span<'static>> {
    let cell = |ms: u64| (ms * SLOT).checked_div(pace.slot).unwrap_or(0).min(SLOT - 1);
    let (spent, planned) = (cell(pace.slot_spent), cell(pace.slot_spent.saturating_add_signed(-pace.behind)));
    let style = if pace.behind >= 60_000 { theme::BAD } else { theme::WAIT };
    let mut out = vec![Span::raw(" ")];
    out.extend((0..SLOT).map(|at| match at {
        at if at == planned => span("◆", theme::STRONG),
        at if at < spent => span("█", style),
        _ => span("░", theme::DIM),
    }));
    out.push(Span::raw("  "));
    out
}
