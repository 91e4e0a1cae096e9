//! The aligned form: columns side by side. Pure.

use super::style::{Rule, Style, pad, repeat, style};
use super::width::{Line, lines, widest};
use super::{Layout, Options, Part, Pieces, Table};
use crate::sql::report::SqlLine;

/// Prints a part of a table and says with which widths.
pub fn print(options: &Options, table: &Table, part: &Part, out: &mut Pieces) -> Layout {
    let widths = match &part.layout {
        Some(layout) => layout.widths.clone(),
        None => widths(options, table),
    };
    let style = style(options.style);
    if part.starts && !options.tuples_only {
        head(options, table, &widths, style, out);
    } else if part.starts && options.border == 2 {
        rule(options, &widths, &style.top, out.of(SqlLine::Header));
    }
    for row in &table.rows {
        let cells: Vec<Vec<Line>> = row.iter().map(|value| lines(value.as_deref().unwrap_or(&options.null))).collect();
        row_lines(options, table, &widths, style, &cells, out.of(SqlLine::Row));
    }
    if part.ends {
        if options.border == 2 {
            rule(options, &widths, &style.bottom, out.of(SqlLine::Row));
        }
        let text = out.of(SqlLine::Footer);
        for footer in super::footers(options, table, part) {
            text.push_str(&footer);
            text.push('\n');
        }
        text.push('\n');
    }
    Layout { expanded: false, widths }
}

/// Screen columns of the whole table.
pub fn total_width(options: &Options, table: &Table) -> usize {
    frame_width(options, table.columns.len()) + widths(options, table).iter().sum::<usize>()
}

fn frame_width(options: &Options, columns: usize) -> usize {
    match options.border {
        0 => columns,
        1 => (columns * 3).saturating_sub(1),
        _ => columns * 3 + 1,
    }
}

fn widths(options: &Options, table: &Table) -> Vec<usize> {
    let mut widths: Vec<usize> = table.columns.iter().map(|c| widest(&c.name)).collect();
    let null = widest(&options.null);
    for row in &table.rows {
        for (width, value) in widths.iter_mut().zip(row) {
            *width = (*width).max(value.as_deref().map_or(null, widest));
        }
    }
    widths
}

fn head(options: &Options, table: &Table, widths: &[usize], style: &Style, out: &mut Pieces) {
    let text = out.of(SqlLine::Header);
    if let Some(title) = table.title.as_deref().or(options.title.as_deref()) {
        let total = frame_width(options, widths.len()) + widths.iter().sum::<usize>();
        pad(text, total.saturating_sub(widest(title)) / 2);
        text.push_str(title);
        text.push('\n');
    }
    if options.border == 2 {
        rule(options, widths, &style.top, text);
    }
    let names: Vec<Vec<Line>> = table.columns.iter().map(|c| lines(&c.name)).collect();
    let last = names.len().saturating_sub(1);
    for n in 0..names.iter().map(Vec::len).max().unwrap_or(0) {
        if options.border == 2 {
            text.push_str(style.vertical);
        }
        for (i, (name, &width)) in names.iter().zip(widths).enumerate() {
            if options.border != 0 {
                text.push(' ');
            }
            match name.get(n) {
                Some(line) => {
                    let space = width - line.width;
                    pad(text, space / 2);
                    text.push_str(&line.text);
                    pad(text, space.div_ceil(2));
                }
                None => pad(text, width),
            }
            text.push_str(if n + 1 < name.len() { style.more } else { " " });
            if options.border != 0 && i < last {
                text.push_str(style.vertical);
            }
        }
        if options.border == 2 {
            text.push_str(style.vertical);
        }
        text.push('\n');
    }
    rule(options, widths, &style.middle, text);
}

fn row_lines(options: &Options, table: &Table, widths: &[usize], style: &Style, cells: &[Vec<Line>], out: &mut String) {
    let last = cells.len().saturating_sub(1);
    for n in 0..cells.iter().map(Vec::len).max().unwrap_or(0) {
        if options.border == 2 {
            out.push_str(style.vertical);
        }
        for (i, (cell, &width)) in cells.iter().zip(widths).enumerate() {
            let filled = options.border == 2 || i < last;
            let more = n + 1 < cell.len();
            if options.border != 0 {
                out.push(' ');
            }
            match cell.get(n) {
                // A later part of a table may hold what is wider than the first part's widths.
                Some(line) => {
                    let space = width.saturating_sub(line.width);
                    if table.columns[i].right {
                        pad(out, space);
                        out.push_str(&line.text);
                    } else {
                        out.push_str(&line.text);
                        if filled || more {
                            pad(out, space);
                        }
                    }
                }
                None if filled => pad(out, width),
                None => {}
            }
            if more {
                out.push_str(style.more);
            } else if filled {
                out.push(' ');
            }
            if options.border != 0 && i < last {
                out.push_str(style.vertical);
            }
        }
        if options.border == 2 {
            out.push_str(style.vertical);
        }
        out.push('\n');
    }
}

fn rule(options: &Options, widths: &[usize], rule: &Rule, out: &mut String) {
    match options.border {
        0 => {}
        1 => out.push_str(rule.line),
        _ => {
            out.push_str(rule.left);
            out.push_str(rule.line);
        }
    }
    for (i, &width) in widths.iter().enumerate() {
        repeat(out, rule.line, width);
        if i + 1 < widths.len() {
            match options.border {
                0 => out.push(' '),
                _ => {
                    out.push_str(rule.line);
                    out.push_str(rule.cross);
                    out.push_str(rule.line);
                }
            }
        }
    }
    match options.border {
        0 => {}
        1 => out.push_str(rule.line),
        _ => {
            out.push_str(rule.line);
            out.push_str(rule.right);
        }
    }
    out.push('\n');
}
