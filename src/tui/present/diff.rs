//! The difference in words: what it is between, what of it is in the working directory, its text.

use crate::tui::diffrows::HunkAt;
use crate::tui::model::*;
use workshop_course::code::diff::Side;
use workshop_engine::event::DiffOf;

/// Returns what the difference is between, unless it is what the step changes.
pub fn heading(m: &Model) -> Option<String> {
    match m.diff.of.as_ref().filter(|_| m.diff.choice != DiffChoice::Step)? {
        DiffOf::Mine { chapter } => Some(format!("From your files to the end of chapter {chapter}")),
        DiffOf::Chapters { to, .. } => Some(format!("The whole of chapter {to}")),
        DiffOf::Step(_) => None,
    }
}

/// Returns whether a hunk is in the working directory; None when that is not known for this difference.
pub fn is_applied(m: &Model, at: HunkAt) -> Option<bool> {
    let file = m.diff.files.get(at.file)?;
    let index = *file.indices.get(at.hunk)?;
    (m.progress.hunks_chapter == m.here().map(|here| here.chapter))
        .then(|| m.progress.hunks.contains(&(file.diff.path.clone(), index)))
}

/// The difference as text, for the clipboard: without numbers or marks, signs only.
pub fn text(m: &Model) -> String {
    let mut out = String::new();
    for file in &m.diff.files {
        out.push_str(&format!("{}\n", file.diff.path));
        for line in file.diff.hunks.iter().flat_map(|hunk| &hunk.lines) {
            let sign = if line.side == Side::Added { '+' } else { '-' };
            out.push_str(&format!("{sign}{}\n", line.text()));
        }
    }
    out
}

/// Returns the lines that the hunk at hand adds; those that it removes, when it adds none.
pub fn hunk_text(m: &Model) -> String {
    let Some(at) = m.diff.hunks.get(m.diff.hunk) else { return String::new() };
    let hunk = m.diff.files[at.file].hunk(*at);
    let of = |side: Side| -> String {
        hunk.lines.iter().filter(|line| line.side == side).map(|line| format!("{}\n", line.text())).collect()
    };
    Some(of(Side::Added)).filter(|text| !text.is_empty()).unwrap_or_else(|| of(Side::Removed))
}

/// Returns the path of the file that the hunk at hand is in.
pub fn hunk_file(m: &Model) -> String {
    m.diff.hunks.get(m.diff.hunk).map(|at| m.diff.files[at.file].diff.path.clone()).unwrap_or_default()
}
