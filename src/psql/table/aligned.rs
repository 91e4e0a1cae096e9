//! The aligned form: columns side by side. Pure.

use super::model::{Pieces, ResultTable, TableLayout, TableOptions, TablePart};
use super::style::{Rule, TableStyle, pad, put, repeat, style};
use super::width::{Cell, Medium, cell, widest};
use crate::report::SqlLine;

/// Prints a part of a table with the widths of its layout.
pub fn print(options: &TableOptions, table: &ResultTable, part: &TablePart, layout: &TableLayout, out: &mut Pieces) {
    let grid =
        Grid { edges: options.edges(), widths: &layout.widths, style: style(options.style), medium: options.medium };
    if let Some(title) = super::edges::title(options, table, part) {
        let text = out.of(SqlLine::Header);
        let total = frame_width(options, layout.widths.len()) + layout.widths.iter().sum::<usize>();
        pad(text, total.saturating_sub(widest(title.as_bytes(), options.medium)) / 2);
        put(text, title);
        text.push(b'\n');
    }
    if part.starts && !options.tuples_only {
        grid.head(table, out.of(SqlLine::Header));
    }
    let mut cells = Vec::with_capacity(table.columns.len());
    let text = out.of(SqlLine::Row);
    for row in table.rows.iter() {
        cells.extend(row.map(|value| cell(value.unwrap_or(options.null.as_bytes()), options.medium)));
        grid.row(table, &cells, text);
        cells.clear();
    }
    if part.ends {
        if options.edges() == 2 {
            grid.rule(&grid.style.bottom, out.of(SqlLine::Row));
        }
        super::edges::close(&super::edges::footers(options, table, part), out.of(SqlLine::Footer));
    }
}

/// Screen columns of the whole table.
pub fn total_width(options: &TableOptions, table: &ResultTable) -> usize {
    frame_width(options, table.columns.len()) + widths(options, table).iter().sum::<usize>()
}

fn frame_width(options: &TableOptions, columns: usize) -> usize {
    match options.edges() {
        0 => columns,
        1 => (columns * 3).saturating_sub(1),
        _ => columns * 3 + 1,
    }
}

/// The width of each column, its heading included.
pub fn widths(options: &TableOptions, table: &ResultTable) -> Vec<usize> {
    let mut widths: Vec<usize> = table.columns.iter().map(|c| widest(c.name.as_bytes(), options.medium)).collect();
    let null = widest(options.null.as_bytes(), options.medium);
    for row in table.rows.iter() {
        for (width, value) in widths.iter_mut().zip(row) {
            *width = (*width).max(value.map_or(null, |value| widest(value, options.medium)));
        }
    }
    widths
}

/// The means that the lines of a table are drawn with.
struct Grid<'a> {
    edges: u8,
    widths: &'a [usize],
    style: &'static TableStyle,
    medium: Medium,
}

impl Grid<'_> {
    fn head(&self, table: &ResultTable, out: &mut Vec<u8>) {
        if self.edges == 2 {
            self.rule(&self.style.top, out);
        }
        let names: Vec<Cell> = table.columns.iter().map(|c| cell(c.name.as_bytes(), self.medium)).collect();
        let last = names.len().saturating_sub(1);
        for n in 0..height(&names) {
            self.edge(out);
            for (i, (name, &width)) in names.iter().zip(self.widths).enumerate() {
                self.gap(out);
                match name.line(n) {
                    Some((text, wide)) => {
                        let space = width - wide;
                        pad(out, space / 2);
                        out.extend_from_slice(text);
                        pad(out, space.div_ceil(2));
                    }
                    None => pad(out, width),
                }
                put(out, if n + 1 < name.height() { self.style.more } else { " " });
                self.bar(i < last, out);
            }
            self.edge(out);
            out.push(b'\n');
        }
        self.rule(&self.style.middle, out);
    }

    fn row(&self, table: &ResultTable, cells: &[Cell], out: &mut Vec<u8>) {
        let last = cells.len().saturating_sub(1);
        for n in 0..height(cells) {
            self.edge(out);
            for (i, (cell, &width)) in cells.iter().zip(self.widths).enumerate() {
                let filled = self.edges == 2 || i < last;
                let more = n + 1 < cell.height();
                self.gap(out);
                match cell.line(n) {
                    // A later part of a table may hold what is wider than the first part's widths.
                    Some((text, wide)) => {
                        let space = width.saturating_sub(wide);
                        if table.columns[i].right {
                            pad(out, space);
                            out.extend_from_slice(text);
                        } else {
                            out.extend_from_slice(text);
                            if filled || more {
                                pad(out, space);
                            }
                        }
                    }
                    None if filled => pad(out, width),
                    None => {}
                }
                if more {
                    put(out, self.style.more);
                } else if filled {
                    out.push(b' ');
                }
                self.bar(i < last, out);
            }
            self.edge(out);
            out.push(b'\n');
        }
    }

    /// The line around everything.
    fn edge(&self, out: &mut Vec<u8>) {
        if self.edges == 2 {
            put(out, self.style.vertical);
        }
    }

    fn gap(&self, out: &mut Vec<u8>) {
        if self.edges != 0 {
            out.push(b' ');
        }
    }

    /// The line between two columns.
    fn bar(&self, between: bool, out: &mut Vec<u8>) {
        if self.edges != 0 && between {
            put(out, self.style.vertical);
        }
    }

    fn rule(&self, rule: &Rule, out: &mut Vec<u8>) {
        if self.edges > 1 {
            put(out, rule.left);
        }
        if self.edges > 0 {
            put(out, rule.line);
        }
        for (i, &width) in self.widths.iter().enumerate() {
            repeat(out, rule.line, width);
            if i + 1 < self.widths.len() {
                match self.edges {
                    0 => out.push(b' '),
                    _ => {
                        put(out, rule.line);
                        put(out, rule.cross);
                        put(out, rule.line);
                    }
                }
            }
        }
        if self.edges > 0 {
            put(out, rule.line);
        }
        if self.edges > 1 {
            put(out, rule.right);
        }
        out.push(b'\n');
    }
}

fn height(cells: &[Cell]) -> usize {
    cells.iter().map(Cell::height).max().unwrap_or(0)
}
