//! Lines below a `\d name`, and the cells they are made of.

use super::ask::ListError;
use super::relation::DescribedRelation;
use crate::console::Console;
use crate::out::RunContext;
use crate::table::TextRow;

/// The lines below a `\d name`, while they are gathered.
pub(super) struct FooterLines<'a, 'r> {
    pub(super) console: &'a mut Console,
    pub(super) relation: &'a DescribedRelation,
    pub(super) run: &'a mut RunContext<'r>,
    pub(super) lines: Vec<String>,
}

impl FooterLines<'_, '_> {
    /// Asks the server for rows about the relation.
    ///
    /// # Errors
    /// When the server cannot be asked or refuses.
    pub(super) async fn ask(&mut self, sql: &str) -> Result<Vec<TextRow>, ListError> {
        self.console.ask(sql, self.run).await
    }

    /// Adds a heading and its lines, when there are any.
    pub(super) fn section(&mut self, heading: &str, lines: Vec<String>) {
        if !lines.is_empty() {
            self.lines.push(heading.to_owned());
            self.lines.extend(lines.into_iter().map(|line| format!("    {line}")));
        }
    }

    /// Adds a list whose lines stand below each other: `Inherits: a,` / `          b`.
    pub(super) fn list(&mut self, heading: &str, lines: Vec<String>) {
        let last = lines.len().saturating_sub(1);
        for (i, line) in lines.into_iter().enumerate() {
            let comma = if i < last { "," } else { "" };
            self.lines.push(match i {
                0 => format!("{heading}: {line}{comma}"),
                _ => format!("{:width$}  {line}{comma}", "", width = heading.len()),
            });
        }
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
