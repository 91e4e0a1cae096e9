//! The lines of a panel as they are searched: plain text, one for each row of it.

use crate::tui::diffrows::DiffRow;
use crate::tui::model::*;

/// Returns a panel's rows; those that begin nothing of their own are empty. The log and the console search themselves.
pub fn rows(m: &Model, panel: Panel) -> Vec<String> {
    match panel {
        Panel::Outline => m.outline.rows.iter().map(|row| row.line.to_string()).collect(),
        Panel::Page => m.page.rendered.lines.iter().map(ToString::to_string).collect(),
        Panel::Diff => m.diff.rows.iter().map(|row| diff_row(m, row)).collect(),
        Panel::Deploy => m.deploy.lines.iter().map(ToString::to_string).collect(),
        Panel::Load => m.load.lines.iter().map(ToString::to_string).collect(),
        Panel::Checks => {
            let list = m.checks.list.iter().map(|row| row.line.to_string());
            list.chain(m.checks.detail.iter().map(ToString::to_string)).collect()
        }
        Panel::Sql | Panel::Log => Vec::new(),
    }
}

fn diff_row(m: &Model, row: &DiffRow) -> String {
    let file = |at: usize| &m.diff.files[at];
    match row {
        DiffRow::File(at) => file(*at).diff.path.clone(),
        DiffRow::Note(_, line) => line.to_string(),
        DiffRow::Same { file: at, after, part: 0, .. } => {
            file(*at).after.get(*after).map(|range| file(*at).diff.after[range.clone()].to_owned()).unwrap_or_default()
        }
        DiffRow::Changed { at, removed, added, part: 0 } => {
            let lines = &file(at.file).hunk(*at).lines;
            let text = |place: &Option<usize>| place.map(|place| lines[place].text()).unwrap_or_default();
            format!("{} {}", text(removed), text(added))
        }
        DiffRow::Same { .. } | DiffRow::Changed { .. } | DiffRow::Gap { .. } | DiffRow::Head(_) | DiffRow::Blank => {
            String::new()
        }
    }
}
