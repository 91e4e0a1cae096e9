//! The expanded form (`\x`): a line for each value, a block for each row. Pure.

use super::style::{Rule, Style, pad, repeat, style};
use super::width::{lines, widest};
use super::{Layout, Options, Part, Pieces, Table};
use crate::sql::report::SqlLine;

/// Prints a part of a table and says with which widths.
pub fn print(options: &Options, table: &Table, part: &Part, out: &mut Pieces) -> Layout {
    let widths = part.layout.as_ref().map_or_else(|| widths(options, table), |l| l.widths.clone());
    let layout = Layout { expanded: true, widths };
    let style = style(options.style);
    if (table.rows.is_empty() || table.columns.is_empty()) && part.starts && part.ends {
        footer(&super::footers(options, table, part), out.of(SqlLine::Footer));
        return layout;
    }
    if let (true, false, Some(title)) =
        (part.starts, options.tuples_only, table.title.as_deref().or(options.title.as_deref()))
    {
        let text = out.of(SqlLine::Header);
        text.push_str(title);
        text.push('\n');
    }
    for (n, row) in table.rows.iter().enumerate() {
        let first = n == 0 && part.starts;
        let line = if first { &style.top } else { &style.middle };
        if !options.tuples_only {
            record(options, &layout, line, Some(part.before + n as u64 + 1), out.of(SqlLine::Header));
        } else if !first || options.border == 2 {
            record(options, &layout, line, None, out.of(SqlLine::Header));
        }
        let text = out.of(SqlLine::Row);
        for (column, value) in table.columns.iter().zip(row) {
            field(options, &layout, style, &column.name, value.as_deref().unwrap_or(&options.null), text);
        }
    }
    if part.ends {
        if options.border == 2 {
            record(options, &layout, &style.bottom, None, out.of(SqlLine::Row));
        }
        let text = out.of(SqlLine::Footer);
        let own = if options.tuples_only { &[][..] } else { &table.footers[..] };
        if !own.is_empty() && options.border < 2 {
            text.push('\n');
        }
        footer(own, text);
    }
    layout
}

fn footer(footers: &[String], out: &mut String) {
    for footer in footers {
        out.push_str(footer);
        out.push('\n');
    }
    out.push('\n');
}

/// The widths of the headings and of the values; whether any has several lines is kept beside them, because
/// the form depends on it.
fn widths(options: &Options, table: &Table) -> Vec<usize> {
    let head = table.columns.iter().map(|c| widest(&c.name)).max().unwrap_or(0);
    let head_lines = table.columns.iter().any(|c| c.name.contains('\n'));
    let values = || table.rows.iter().flatten().map(|v| v.as_deref().unwrap_or(&options.null));
    let data = values().map(widest).max().unwrap_or(0);
    let data_lines = values().any(|v| v.contains('\n'));
    vec![head, data, usize::from(head_lines), usize::from(data_lines)]
}

fn field(options: &Options, layout: &Layout, style: &Style, name: &str, value: &str, out: &mut String) {
    let [head_width, data_width, head_lines, data_lines] = layout.widths[..] else { return };
    let (head, data) = (lines(name), lines(value));
    for n in 0..head.len().max(data.len()) {
        if options.border == 2 {
            out.push_str(style.vertical);
        }
        match head.get(n) {
            Some(line) => {
                if options.border == 2 {
                    out.push(' ');
                }
                out.push_str(&line.text);
                pad(out, head_width.saturating_sub(line.width));
                if options.border > 0 || head_lines > 0 {
                    out.push_str(if n + 1 < head.len() { style.more } else { " " });
                }
            }
            None => pad(
                out,
                (head_width + usize::from(options.border) + usize::from(options.border == 0 && head_lines > 0)).max(1),
            ),
        }
        if options.border > 0 {
            out.push_str(style.vertical);
        }
        match data.get(n) {
            Some(line) => {
                out.push(' ');
                out.push_str(&line.text);
                let space = data_width.saturating_sub(line.width);
                if n + 1 < data.len() {
                    if options.border > 1 || data_lines > 0 {
                        pad(out, space);
                        out.push_str(style.more);
                    }
                } else if options.border > 1 {
                    pad(out, space + 1);
                }
            }
            None if options.border > 1 => pad(out, data_width + 2),
            None => {}
        }
        if options.border == 2 {
            out.push_str(style.vertical);
        }
        out.push('\n');
    }
}

/// The line above a record: `-[ RECORD 1 ]---+----`.
fn record(options: &Options, layout: &Layout, rule: &Rule, number: Option<u64>, out: &mut String) {
    let [head, data, ..] = layout.widths[..] else { return };
    let line = if options.border > 0 { rule.line } else { " " };
    match options.border {
        0 => {}
        1 => out.push_str(rule.line),
        _ => {
            out.push_str(rule.left);
            out.push_str(rule.line);
        }
    }
    let label = match (number, options.border) {
        (None, _) => String::new(),
        (Some(n), 0) => format!("* Record {n}"),
        (Some(n), _) => format!("[ RECORD {n} ]"),
    };
    out.push_str(&label);
    // From here on the label uses up what would otherwise be drawn.
    let mut used = label.len() + usize::from(options.border != 2);
    repeat(out, line, head.saturating_sub(used));
    used = used.saturating_sub(head);
    let mut step = |text: &str| {
        if used == 0 {
            out.push_str(text);
        } else {
            used -= 1;
        }
    };
    if options.border > 0 {
        step(rule.line);
        step(rule.cross);
        step(rule.line);
    } else {
        step(" ");
    }
    repeat(out, line, data.saturating_sub(used));
    if options.border == 2 {
        out.push_str(rule.line);
        out.push_str(rule.right);
    }
    out.push('\n');
}
