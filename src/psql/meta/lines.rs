//! Lines below a `\d name`, and the cells they are made of.

use crate::table::TextRow;

/// Adds a heading and its lines, when there are any.
pub(super) fn section(out: &mut Vec<String>, heading: &str, lines: Vec<String>) {
    if !lines.is_empty() {
        out.push(heading.to_owned());
        out.extend(lines.into_iter().map(|line| format!("    {line}")));
    }
}

/// Returns a cell; NULL is empty.
pub(super) fn text(row: &TextRow, i: usize) -> &str {
    row[i].as_deref().unwrap_or_default()
}

/// Tells whether a cell is a true Boolean.
pub(super) fn on(row: &TextRow, i: usize) -> bool {
    row[i].as_deref() == Some("t")
}

/// Adds a list whose lines stand below each other: `Inherits: a,` / `          b`.
pub(super) fn listed(out: &mut Vec<String>, heading: &str, lines: Vec<String>) {
    let last = lines.len().saturating_sub(1);
    for (i, line) in lines.into_iter().enumerate() {
        let comma = if i < last { "," } else { "" };
        out.push(match i {
            0 => format!("{heading}: {line}{comma}"),
            _ => format!("{:width$}  {line}{comma}", "", width = heading.len()),
        });
    }
}
