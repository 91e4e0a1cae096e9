//! The expanded form (`\x`): a line for each value, a block for each row. Pure.

use super::model::{Pieces, ResultTable, TableLayout, TableOptions, TablePart};
use super::style::{Rule, TableStyle, pad, put, repeat, style};
use super::width::{Medium, cell, widest};
use crate::report::SqlLine;

/// Prints a part of a table with the widths of its layout.
pub fn print(options: &TableOptions, table: &ResultTable, part: &TablePart, layout: &TableLayout, out: &mut Pieces) {
    let style = style(options.style);
    if (table.rows.is_empty() || table.columns.is_empty()) && part.starts && part.ends {
        return super::edges::close(&super::edges::footers(options, table, part), out.of(SqlLine::Footer));
    }
    if let Some(title) = super::edges::title(options, table, part) {
        let text = out.of(SqlLine::Header);
        put(text, title);
        text.push(b'\n');
    }
    for (n, row) in table.rows.iter().enumerate() {
        let first = n == 0 && part.starts;
        let line = if first { &style.top } else { &style.middle };
        if !options.tuples_only {
            record(options, layout, line, Some(part.before + n as u64 + 1), out.of(SqlLine::Header));
        } else if !first || options.edges() == 2 {
            record(options, layout, line, None, out.of(SqlLine::Header));
        }
        let text = out.of(SqlLine::Row);
        for (column, value) in table.columns.iter().zip(row) {
            field(options, layout, style, column.name.as_bytes(), value.unwrap_or(options.null.as_bytes()), text);
        }
    }
    if part.ends {
        if options.edges() == 2 {
            record(options, layout, &style.bottom, None, out.of(SqlLine::Row));
        }
        let text = out.of(SqlLine::Footer);
        let own = if options.tuples_only { &[][..] } else { &table.footers[..] };
        if !own.is_empty() && options.edges() < 2 {
            text.push(b'\n');
        }
        super::edges::close(own, text);
    }
}

/// The widths of the headings and of the values; whether any has several lines is kept beside them, because
/// the form depends on it.
pub fn widths(options: &TableOptions, table: &ResultTable) -> Vec<usize> {
    let names = || table.columns.iter().map(|c| c.name.as_bytes());
    let (head, head_lines) = measure(names(), options.medium);
    let (mut data, data_lines) =
        measure(table.rows.iter().flatten().map(|value| value.unwrap_or(options.null.as_bytes())), options.medium);
    if options.wide_records && !options.tuples_only && !table.rows.is_empty() {
        // A value's column reaches as far as the longest record heading, `[ RECORD 12 ]`, does.
        let digits = table.rows.len().to_string().len();
        let (frame, heading) = match options.edges() {
            0 => (1 + usize::from(head_lines), 9),
            1 => (3, 12),
            _ => (7, 15),
        };
        let marks = usize::from(options.edges() < 2 && data_lines);
        data = data.max((heading + digits).saturating_sub(head + frame + marks));
    }
    vec![head, data, usize::from(head_lines), usize::from(data_lines)]
}

/// The columns of the widest value, and whether any goes over more than one line.
fn measure<'a>(values: impl Iterator<Item = &'a [u8]>, medium: Medium) -> (usize, bool) {
    values.fold((0, false), |(wide, lines), value| (wide.max(widest(value, medium)), lines || value.contains(&b'\n')))
}

fn field(
    options: &TableOptions,
    layout: &TableLayout,
    style: &TableStyle,
    name: &[u8],
    value: &[u8],
    out: &mut Vec<u8>,
) {
    let [head_width, data_width, head_lines, data_lines] = layout.widths[..] else { return };
    let edges = options.edges();
    let (head, data) = (cell(name, options.medium), cell(value, options.medium));
    for n in 0..head.height().max(data.height()) {
        if edges == 2 {
            put(out, style.vertical);
        }
        match head.line(n) {
            Some((text, wide)) => {
                if edges == 2 {
                    out.push(b' ');
                }
                out.extend_from_slice(text);
                pad(out, head_width.saturating_sub(wide));
                if edges > 0 || head_lines > 0 {
                    put(out, if n + 1 < head.height() { style.more } else { " " });
                }
            }
            None => pad(out, (head_width + usize::from(edges) + usize::from(edges == 0 && head_lines > 0)).max(1)),
        }
        if edges > 0 {
            put(out, style.vertical);
        }
        match data.line(n) {
            Some((text, wide)) => {
                out.push(b' ');
                out.extend_from_slice(text);
                let space = data_width.saturating_sub(wide);
                if n + 1 < data.height() {
                    if edges > 1 || data_lines > 0 {
                        pad(out, space);
                        put(out, style.more);
                    }
                } else if edges > 1 {
                    pad(out, space + 1);
                }
            }
            None if edges > 1 => pad(out, data_width + 2),
            None => {}
        }
        if edges == 2 {
            put(out, style.vertical);
        }
        out.push(b'\n');
    }
}

/// The line above a record: `-[ RECORD 1 ]---+----`.
fn record(options: &TableOptions, layout: &TableLayout, rule: &Rule, number: Option<u64>, out: &mut Vec<u8>) {
    let [head, data, ..] = layout.widths[..] else { return };
    let edges = options.edges();
    let line = if edges > 0 { rule.line } else { " " };
    match edges {
        0 => {}
        1 => put(out, rule.line),
        _ => {
            put(out, rule.left);
            put(out, rule.line);
        }
    }
    let label = match (number, edges) {
        (None, _) => String::new(),
        (Some(n), 0) => format!("* Record {n}"),
        (Some(n), _) => format!("[ RECORD {n} ]"),
    };
    put(out, &label);
    // From here on the label uses up what would otherwise be drawn.
    let mut used = label.len() + usize::from(edges != 2);
    repeat(out, line, head.saturating_sub(used));
    used = used.saturating_sub(head);
    let mut step = |text: &str| {
        if used == 0 {
            put(out, text);
        } else {
            used -= 1;
        }
    };
    if edges > 0 {
        step(rule.line);
        step(rule.cross);
        step(rule.line);
    } else {
        step(" ");
    }
    repeat(out, line, data.saturating_sub(used));
    if edges == 2 {
        put(out, rule.line);
        put(out, rule.right);
    }
    out.push(b'\n');
}
