//! A table, or a part of it, in the format that its options name.

use super::model::{Expanded, Pieces, ResultTable, TableFormat, TableLayout, TableOptions, TablePart};
use super::stream::RowStream;
use super::{aligned, expanded};
use crate::report::SqlLine;

/// The layout that a table would be printed with, seen as a whole; only the aligned format has one.
pub fn layout(options: &TableOptions, table: &ResultTable) -> TableLayout {
    let expanded = match options.expanded {
        Expanded::Off => false,
        Expanded::On => true,
        // One column alone, a plan's say, would only grow wider.
        Expanded::Auto if table.columns.len() < 2 => false,
        Expanded::Auto => options.room().is_some_and(|room| aligned::total_width(options, table) > room),
    };
    let widths = if expanded { expanded::widths(options, table) } else { aligned::widths(options, table) };
    TableLayout { expanded, widths }
}

/// Prints a table, or a part of it, and says with which layout.
pub fn print(options: &TableOptions, table: &ResultTable, part: &TablePart) -> (Pieces, TableLayout) {
    let mut out = Pieces::default();
    match options.format {
        TableFormat::Unaligned | TableFormat::Csv => {
            let mut stream = RowStream::new(options, &table.columns, part.starts, part.before);
            let bytes = out.of(SqlLine::Row);
            if part.starts {
                stream.start(table.title.as_deref().or(options.title.as_deref()), bytes);
            }
            for row in table.rows.iter() {
                stream.row(row, bytes);
            }
            if part.ends {
                stream.end(&table.footers, bytes);
            }
            (out, part.layout.clone().unwrap_or_default())
        }
        TableFormat::Aligned => {
            let layout = part.layout.clone().unwrap_or_else(|| layout(options, table));
            match layout.expanded {
                true => expanded::print(options, table, part, &layout, &mut out),
                false => aligned::print(options, table, part, &layout, &mut out),
            }
            (out, layout)
        }
    }
}
