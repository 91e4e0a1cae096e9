//! Results as text, byte for byte as psql writes them. Pure: no connection, no terminal, no clock.
//!
//! [`print()`] writes a table or a part of one; a part that is not the first keeps the first one's widths, so
//! that a result too large to hold is still one table. [`stream::Stream`] writes the formats that need no
//! widths row by row, straight from the wire.

pub mod aligned;
pub mod expanded;
pub mod rows;
pub mod stream;
pub mod style;
pub mod width;

pub use rows::Rows;
pub use width::Medium;

use super::report::SqlLine;

/// `\pset format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    #[default]
    Aligned,
    Unaligned,
    Csv,
}

/// `\x`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Expanded {
    #[default]
    Off,
    On,
    /// On when a row is wider than the screen.
    Auto,
}

/// `\pset linestyle`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LineStyle {
    #[default]
    Ascii,
    Unicode,
}

/// Everything that `\pset` sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    pub format: Format,
    pub expanded: Expanded,
    pub style: LineStyle,
    /// 0, 1 or 2: none, between columns, around everything; more counts as 2.
    pub border: u16,
    pub tuples_only: bool,
    /// The `(n rows)` line.
    pub footer: bool,
    pub null: String,
    pub field_separator: String,
    pub record_separator: String,
    pub csv_separator: char,
    pub title: Option<String>,
    /// Screen columns, for `\x auto`; unknown when the output is not a screen.
    pub columns: Option<usize>,
    /// `\pset columns`: counts instead of the screen's, unless it is 0.
    pub target_columns: usize,
    /// `\pset pager`.
    pub pager: Pager,
    /// `\pset pager_min_lines`: no pager for less.
    pub pager_least: usize,
    /// `\pset numericlocale`: kept and told, without a locale to follow.
    pub numeric_locale: bool,
    /// What it is written to, for what a terminal must not see.
    pub medium: Medium,
    /// Expanded records are as wide as their heading, as psql has them since version 16.
    pub wide_records: bool,
}

/// `\pset pager`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Pager {
    Off,
    /// For what does not fit the screen.
    #[default]
    On,
    Always,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            format: Format::Aligned,
            expanded: Expanded::Off,
            style: LineStyle::Ascii,
            border: 1,
            tuples_only: false,
            footer: true,
            null: String::new(),
            field_separator: "|".to_owned(),
            record_separator: "\n".to_owned(),
            csv_separator: ',',
            title: None,
            columns: None,
            target_columns: 0,
            pager: Pager::On,
            pager_least: 0,
            numeric_locale: false,
            medium: Medium::File,
            wide_records: true,
        }
    }
}

impl Options {
    /// Screen columns that a table may take before `\x auto` expands it.
    pub fn room(&self) -> Option<usize> {
        if self.target_columns > 0 { Some(self.target_columns) } else { self.columns }
    }

    fn edges(&self) -> u8 {
        self.border.min(2) as u8
    }
}

/// A column's heading and the side that its values keep to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Column {
    pub name: String,
    pub right: bool,
}

impl Column {
    pub fn left(name: impl Into<String>) -> Column {
        Column { name: name.into(), right: false }
    }

    /// A column of a result: numbers keep to the right, as psql has it (int2, int4, int8, float4, float8,
    /// numeric, oid, xid, xid8, cid, money).
    pub fn of_type(name: String, oid: u32) -> Column {
        Column { name, right: matches!(oid, 20 | 21 | 23 | 26 | 28 | 29 | 700 | 701 | 790 | 1700 | 5069) }
    }
}

/// A row: `None` is NULL.
pub type Row = Vec<Option<String>>;

/// Rows with what stands above and below them.
#[derive(Debug, Clone, Default)]
pub struct Table {
    pub title: Option<String>,
    pub columns: Vec<Column>,
    pub rows: Rows,
    /// Lines below the table. When there is none, the number of rows is said.
    pub footers: Vec<String>,
}

/// Which part of a table is printed.
#[derive(Debug, Clone, Default)]
pub struct Part {
    /// The headings come first.
    pub starts: bool,
    /// The footer comes last.
    pub ends: bool,
    /// Rows printed before this part.
    pub before: u64,
    /// Widths that earlier parts have used: this one keeps to them.
    pub layout: Option<Layout>,
}

impl Part {
    pub fn whole() -> Part {
        Part { starts: true, ends: true, ..Part::default() }
    }
}

/// The widths of a table, in screen columns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Layout {
    pub expanded: bool,
    /// Of each column, heading included; for the expanded form, of the headings and of the values.
    pub widths: Vec<usize>,
}

/// Text in pieces of one kind, each of whole lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pieces(pub Vec<(SqlLine, Vec<u8>)>);

impl Pieces {
    /// The text so far of this kind, to append to.
    pub fn of(&mut self, kind: SqlLine) -> &mut Vec<u8> {
        if self.0.last().is_none_or(|(last, _)| *last != kind) {
            self.0.push((kind, Vec::new()));
        }
        &mut self.0.last_mut().expect("a piece was just made sure of").1
    }
}

/// The layout that a table would be printed with, seen as a whole; only the aligned format has one.
pub fn layout(options: &Options, table: &Table) -> Layout {
    let expanded = match options.expanded {
        Expanded::Off => false,
        Expanded::On => true,
        Expanded::Auto => options.room().is_some_and(|room| aligned::total_width(options, table) > room),
    };
    let widths = if expanded { expanded::widths(options, table) } else { aligned::widths(options, table) };
    Layout { expanded, widths }
}

/// Prints a table, or a part of it, and says with which layout.
pub fn print(options: &Options, table: &Table, part: &Part) -> (Pieces, Layout) {
    let mut out = Pieces::default();
    match options.format {
        Format::Unaligned | Format::Csv => {
            let mut stream = stream::Stream::new(options, &table.columns, part.starts, part.before);
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
        Format::Aligned => {
            let layout = part.layout.clone().unwrap_or_else(|| layout(options, table));
            match layout.expanded {
                true => expanded::print(options, table, part, &layout, &mut out),
                false => aligned::print(options, table, part, &layout, &mut out),
            }
            (out, layout)
        }
    }
}

/// A title of its own, or the one that was set, above the headings.
fn title<'a>(options: &'a Options, table: &'a Table, part: &Part) -> Option<&'a str> {
    if !part.starts || options.tuples_only {
        return None;
    }
    table.title.as_deref().or(options.title.as_deref())
}

/// The last lines, and the empty one behind every table.
fn close(footers: &[String], out: &mut Vec<u8>) {
    for footer in footers {
        out.extend_from_slice(footer.as_bytes());
        out.push(b'\n');
    }
    out.push(b'\n');
}

/// The lines below a table: its own, or the number of rows.
fn footers(options: &Options, table: &Table, part: &Part) -> Vec<String> {
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

#[cfg(test)]
mod tests;
