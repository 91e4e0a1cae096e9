//! The diff panel: which difference, which hunk, what is open, what is applied.

use super::asking;
use crate::tui::bindings::KeyAction;
use crate::tui::diffrows::{self, Arrangement, DiffRow, FileView, SPLIT_FROM};
use crate::tui::model::*;
use crate::tui::present::diff::{heading, of_chapter, own_hunk};
use crate::tui::present::room::body_height;
use crate::tui::present::spans::shown;
use workshop_course::lesson::model::StepAction;
use workshop_engine::command::Command;
use workshop_engine::event::{DiffOf, EventKind, Likeness};

/// Asks for the difference that the panel should show now.
pub fn ask(m: &mut Model, effects: &mut Vec<Effect>) {
    let Some(here) = m.here() else { return };
    let edits = m.step().is_some_and(|s| matches!(s.action, StepAction::Edit(_)));
    let of = match m.diff.choice {
        DiffChoice::Step if edits => DiffOf::Step(here),
        DiffChoice::Mine => DiffOf::Mine { chapter: here.chapter },
        DiffChoice::Collision => DiffOf::Collision,
        DiffChoice::Step | DiffChoice::Chapter => of_chapter(&m.course, here.chapter),
    };
    // What a step or a chapter changes stays the same for as long as the course is open; the learner's files do not.
    let known = m.diff.of.as_ref() == Some(&of) && !matches!(of, DiffOf::Mine { .. } | DiffOf::Collision);
    m.diff.asked = Some(of.clone());
    if !known {
        effects.push(m.ask(Command::ShowDiff { of }));
    }
}

/// Asks again after files changed, if that shows.
pub fn refresh(m: &mut Model, effects: &mut Vec<Effect>) {
    if matches!(m.diff.choice, DiffChoice::Mine | DiffChoice::Collision) && m.layout.shows(Panel::Diff) {
        ask(m, effects);
    }
}

/// Takes in a difference, if it is the newest that was asked for.
pub fn take(m: &mut Model, kind: EventKind, effects: &mut Vec<Effect>) {
    let EventKind::Diff { of, files } = kind else { return };
    if m.diff.asked.as_ref() != Some(&of) {
        return;
    }
    let same = m.diff.of.as_ref() == Some(&of);
    m.diff.files = files
        .into_iter()
        .map(|diff| {
            let indices = indices(m, &of, &diff.path, diff.hunks.len());
            FileView::new(diff, indices)
        })
        .collect();
    m.diff.hunks = diffrows::hunks(&m.diff.files);
    for file in &m.diff.files {
        effects.extend(file.wanted(&m.known).into_iter().map(Effect::Colour));
    }
    if !same {
        m.diff.opened.clear();
        // Where the hunks of the one before began says nothing about these.
        m.diff.starts.clear();
        m.diff.hunk = 0;
        m.diff.top = 0;
    }
    m.diff.hunk = m.diff.hunk.min(m.diff.hunks.len().saturating_sub(1));
    m.diff.of = Some(of);
    m.diff.rows.clear();
}

/// The indices of a file's hunks in the chapter's diff: that is how they are applied.
fn indices(m: &Model, of: &DiffOf, path: &str, count: usize) -> Vec<usize> {
    match of {
        DiffOf::Step(step) => match m.step_of(step).map(|s| &s.action) {
            Some(StepAction::Edit(edit)) => {
                let mut own: Vec<usize> = edit.hunks.iter().filter(|h| h.file == path).map(|h| h.index).collect();
                own.sort_unstable();
                own
            }
            _ => Vec::new(),
        },
        DiffOf::Chapters { to, .. } if m.here().is_some_and(|here| here.chapter == *to) => (0..count).collect(),
        DiffOf::Chapters { .. } | DiffOf::Mine { .. } | DiffOf::Collision => Vec::new(),
    }
}

/// Lays the rows anew when the width or the layout has changed.
pub fn lay(m: &mut Model) {
    let Some(slot) = m.layout.slot(Panel::Diff) else { return };
    let width = usize::from(slot.body.width);
    let arrangement = m.settings.diff;
    let d = &mut m.diff;
    let split = match arrangement {
        Arrangement::ByWidth => width >= SPLIT_FROM,
        Arrangement::Unified => false,
        Arrangement::SideBySide => true,
    };
    if d.rows.is_empty() || d.width != width || d.split != split {
        // What was at the top stays near the top.
        let anchor = d.starts.iter().rfind(|(_, row)| **row <= d.top).map(|(at, row)| (*at, d.top - row));
        (d.rows, d.starts) = diffrows::rows(&d.files, &d.opened, split, width);
        if let Some((at, below)) = anchor {
            d.top = d.starts.get(&at).copied().unwrap_or(0) + below;
        }
        (d.width, d.split) = (width, split);
    }
}

/// Finds how many of the rows show, above the card of this moment.
pub fn fit(m: &mut Model) {
    let Some(slot) = m.layout.slot(Panel::Diff) else { return };
    let heading = usize::from(heading(m).is_some());
    let height = body_height(m, slot).saturating_sub(heading).max(1);
    let d = &mut m.diff;
    // Where not all of it shows, a row says how much there is besides.
    d.height = shown(d.rows.len(), height);
    d.top = d.top.min(d.rows.len().saturating_sub(d.height));
}

/// Scrolls by rows; the hunk in the middle becomes the one at hand.
pub fn scroll(m: &mut Model, by: i64) {
    let d = &mut m.diff;
    let last = d.rows.len().saturating_sub(d.height);
    d.top = (d.top as i64).saturating_add(by).clamp(0, last as i64) as usize;
    // The current hunk is the one being looked at.
    let middle = d.top + d.height / 2;
    let at_end = d.top == last && by > 0;
    let near = d.starts.iter().rfind(|(_, row)| **row <= middle || at_end).map(|(at, _)| *at);
    if let Some(near) = near
        && let Some(hunk) = d.hunks.iter().position(|at| *at == near)
    {
        d.hunk = hunk;
    }
}

/// Further down the hunk at hand, which stays at hand.
pub fn read_on(m: &mut Model) {
    let d = &mut m.diff;
    let by = d.height.saturating_sub(2).max(1);
    d.top = (d.top + by).min(d.rows.len().saturating_sub(d.height));
}

/// To the next hunk or the one before.
pub fn step(m: &mut Model, by: i64) {
    let d = &mut m.diff;
    let count = d.hunks.len();
    if count == 0 {
        return;
    }
    let next = (d.hunk as i64 + by).clamp(0, count as i64 - 1) as usize;
    if next == d.hunk && count > 1 {
        let word = if by > 0 { "That was the last hunk" } else { "This is the first hunk" };
        m.toast = Some((word.to_owned(), Mood::Plain));
    }
    m.diff.hunk = next;
    to_hunk(&mut m.diff);
}

fn to_hunk(d: &mut DiffView) {
    let Some(row) = d.hunks.get(d.hunk).and_then(|at| d.starts.get(at)) else { return };
    // A third from the top: what is before it is part of the story.
    d.top = row.saturating_sub(d.height / 4).min(d.rows.len().saturating_sub(d.height));
}

/// The current hunk's file and index in the chapter.
fn current(m: &Model) -> Option<(String, usize)> {
    let at = m.diff.hunks.get(m.diff.hunk)?;
    let file = m.diff.files.get(at.file)?;
    Some((file.diff.path.clone(), *file.indices.get(at.hunk)?))
}

/// Asks for the hunk at hand to be written or taken back.
pub fn apply(m: &mut Model, apply: bool, effects: &mut Vec<Effect>) {
    let Some((file, index)) = current(m) else {
        let text =
            format!("A hunk of this step or chapter can be applied: {} switches to it", m.key(KeyAction::DiffOf));
        m.toast = Some((text, Mood::Plain));
        return;
    };
    let own = m.diff.hunks.get(m.diff.hunk).and_then(|at| own_hunk(m, *at));
    if let Some(own) = own.filter(|own| !own.likeness.as_ref().is_some_and(Likeness::is_same)) {
        let is_done = m.here().is_some_and(|here| m.progress.is_done(&here));
        let then = match is_done {
            true => "they stay, as you have said".to_owned(),
            false => format!("{} shows both sides, and asks which to go on with", m.key(KeyAction::Run)),
        };
        let text = format!("Your own lines are there, in {}: {then}", own.file);
        m.toast = Some((text, Mood::Warn));
        return;
    }
    let there = m.progress.hunks.contains(&(file.clone(), index))
        && m.progress.hunks_chapter == m.here().map(|here| here.chapter);
    if there == apply {
        let word = if apply { "This hunk is already there" } else { "This hunk is not there" };
        m.toast = Some((word.to_owned(), Mood::Plain));
        return;
    }
    let command = if apply { Command::ApplyHunk { file, index } } else { Command::UndoHunk { file, index } };
    asking::send(m, effects, command);
    if apply && m.diff.hunk + 1 < m.diff.hunks.len() {
        step(m, 1);
    }
}

/// Shows the next of: this step, the chapter, own files against it.
pub fn choose(m: &mut Model, effects: &mut Vec<Effect>) {
    let edits = m.step().is_some_and(|s| matches!(s.action, StepAction::Edit(_)));
    m.diff.choice = match m.diff.choice {
        DiffChoice::Step if edits => DiffChoice::Chapter,
        // A step that changes nothing has shown the chapter.
        DiffChoice::Step | DiffChoice::Chapter => DiffChoice::Mine,
        DiffChoice::Mine | DiffChoice::Collision if edits => DiffChoice::Step,
        DiffChoice::Mine | DiffChoice::Collision => DiffChoice::Chapter,
    };
    ask(m, effects);
}

/// Switches between unified, side by side and by width.
pub fn arrangement(m: &mut Model) {
    let (next, word) = match m.settings.diff {
        Arrangement::ByWidth if m.diff.split => (Arrangement::Unified, "Unified"),
        Arrangement::ByWidth | Arrangement::Unified => (Arrangement::SideBySide, "Side by side"),
        Arrangement::SideBySide => (Arrangement::ByWidth, "By width"),
    };
    m.settings.diff = next;
    m.toast = Some((word.to_owned(), Mood::Plain));
}

/// Opens or closes collapsed lines: those nearest to the current hunk, or all.
pub fn open(m: &mut Model, all: bool) {
    let d = &mut m.diff;
    let gaps: Vec<(usize, (usize, usize))> = d
        .rows
        .iter()
        .enumerate()
        .filter_map(|(row, r)| match r {
            DiffRow::Gap { file, gap, .. } => Some((row, (*file, *gap))),
            DiffRow::File(_)
            | DiffRow::Same { .. }
            | DiffRow::Head(_)
            | DiffRow::Note(..)
            | DiffRow::Changed { .. }
            | DiffRow::Blank => None,
        })
        .collect();
    let hunk_row = d.hunks.get(d.hunk).and_then(|at| d.starts.get(at)).copied().unwrap_or(d.top);
    if all {
        if d.opened.is_empty() {
            d.opened = gaps.into_iter().map(|(_, gap)| gap).collect();
        } else {
            d.opened.clear();
        }
    } else if let Some((_, gap)) = gaps.into_iter().min_by_key(|(row, _)| row.abs_diff(hunk_row))
        && !d.opened.remove(&gap)
    {
        d.opened.insert(gap);
    }
    let width = d.width;
    (d.rows, d.starts) = diffrows::rows(&d.files, &d.opened, d.split, width);
    to_hunk(d);
}

/// Opens the file of the current hunk in the user's editor. A difference that is not on the screen, left from another step,
/// names none.
pub fn edit(m: &mut Model, effects: &mut Vec<Effect>) {
    let edits = matches!(m.step().map(|step| &step.action), Some(StepAction::Edit(_)));
    let at_hand = edits || m.layout.shows(Panel::Diff);
    let shown = m.diff.hunks.get(m.diff.hunk).filter(|_| at_hand).map(|at| {
        let file = &m.diff.files[at.file];
        let hunk = file.hunk(*at);
        // One's own lines are the side before in what they are compared with.
        let own = matches!(m.diff.of, Some(DiffOf::Mine { .. } | DiffOf::Collision));
        (file.diff.path.clone(), if own { hunk.before_start } else { hunk.after_start } + 1)
    });
    let of_step = || match m.step().map(|s| &s.action) {
        Some(StepAction::Edit(edit)) => edit.hunks.first().map(|hunk| (hunk.file.clone(), 1)),
        _ => None,
    };
    let workdir = m.progress.workdir.clone().unwrap_or_else(|| m.options.workdir.clone());
    match shown.or_else(of_step) {
        Some((file, line)) => effects.push(Effect::EditFile { path: workdir.join(file), line }),
        None => {
            m.toast = Some(("No file belongs to this step: the diff has those of the chapter".to_owned(), Mood::Plain))
        }
    }
}
