//! The lines above and below a table.

use super::model::{ResultTable, TableOptions, TablePart};

/// A title of its own, or the one that was set, above the headings.
pub(super) fn title<'a>(options: &'a TableOptions, table: &'a ResultTable, part: &TablePart) -> Option<&'a str> {
    if !part.starts || options.tuples_only {
        return None;
    }
    table.title.as_deref().or(options.title.as_deref())
}

/// The last lines, and the empty one behind every table.
pub(super) fn close(footers: &[String], out: &mut Vec<u8>) {
    for footer in footers {
        out.extend_from_slice(footer.as_bytes());
        out.push(b'\n');
    }
    out.push(b'\n');
}

/// The lines below a table: its own, or the number of rows.
pub(super) fn footers(options: &TableOptions, table: &ResultTable, part: &TablePart) -> Vec<String> {
    if options.tuples_only {
        return Vec::new();
    }
    if !table.footers.is_empty() {
        return table.footers.clone();
    }
    match options.footer {
        true => vec![row_count(part.before + table.rows.len())],
        false => Vec::new(),
    }
}

/// `(1 row)`, `(5 rows)`.
pub fn row_count(rows: u64) -> String {
    if rows == 1 { "(1 row)".to_owned() } else { format!("({rows} rows)") }
}
