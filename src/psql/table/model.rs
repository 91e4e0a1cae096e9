//! The data of tables: what `\pset` sets, columns and rows, and the pieces that come out.

use super::rows::Rows;
use super::width::Medium;
use crate::report::SqlLine;

/// `\pset format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TableFormat {
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
pub struct TableOptions {
    pub format: TableFormat,
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
    /// The medium that it is written to, for what a terminal must not see.
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

impl Default for TableOptions {
    fn default() -> Self {
        TableOptions {
            format: TableFormat::Aligned,
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

impl TableOptions {
    /// Screen columns that a table may take before `\x auto` expands it.
    pub fn room(&self) -> Option<usize> {
        if self.target_columns > 0 { Some(self.target_columns) } else { self.columns }
    }

    /// Returns the border as far as it is drawn: 0, 1 or 2.
    pub(super) fn edges(&self) -> u8 {
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
    /// Makes a column whose values keep to the left.
    pub fn left(name: impl Into<String>) -> Column {
        Column { name: name.into(), right: false }
    }

    /// A column of a result: numbers keep to the right, as psql has it (int2, int4, int8, float4, float8,
    /// numeric, oid, xid, xid8, cid, money).
    pub fn of_type(name: String, oid: u32) -> Column {
        Column { name, right: matches!(oid, 20 | 21 | 23 | 26 | 28 | 29 | 700 | 701 | 790 | 1700 | 5069) }
    }
}

/// Rows with what stands above and below them.
#[derive(Debug, Clone, Default)]
pub struct ResultTable {
    pub title: Option<String>,
    pub columns: Vec<Column>,
    pub rows: Rows,
    /// Lines below the table. When there is none, the number of rows is said.
    pub footers: Vec<String>,
}

/// The part of a table that is printed.
#[derive(Debug, Clone, Default)]
pub struct TablePart {
    /// The headings come first.
    pub starts: bool,
    /// The footer comes last.
    pub ends: bool,
    /// Rows printed before this part.
    pub before: u64,
    /// Widths that earlier parts have used: this one keeps to them.
    pub layout: Option<TableLayout>,
}

impl TablePart {
    /// Makes the part that is the whole table.
    pub fn whole() -> TablePart {
        TablePart { starts: true, ends: true, ..TablePart::default() }
    }
}

/// The widths of a table, in screen columns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableLayout {
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
