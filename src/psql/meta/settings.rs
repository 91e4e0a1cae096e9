//! `\pset` and its short forms: what a table looks like. Pure.

use crate::table::{Expanded, LineStyle, Pager, TableFormat, TableOptions};
use crate::vars::boolean;

/// The settings there are, in psql's order, for `\pset` alone and for completion.
pub const NAMES: &[&str] = &[
    "border",
    "columns",
    "csv_fieldsep",
    "expanded",
    "fieldsep",
    "fieldsep_zero",
    "footer",
    "format",
    "linestyle",
    "null",
    "numericlocale",
    "pager",
    "pager_min_lines",
    "recordsep",
    "recordsep_zero",
    "tableattr",
    "title",
    "tuples_only",
    "unicode_border_linestyle",
    "unicode_column_linestyle",
    "unicode_header_linestyle",
    "xheader_width",
];

/// Sets one. A value that is left out switches, or takes the default.
///
/// # Errors
/// psql's text for a name or value that means nothing; ours for what psql has and we have not.
pub fn set(o: &mut TableOptions, name: &str, value: Option<&str>) -> Result<(), String> {
    let switch = |name: &str, now: bool| match value {
        None => Ok(!now),
        Some(v) => boolean(v).ok_or_else(|| format!("unrecognized value \"{v}\" for \"{name}\": Boolean expected")),
    };
    let wrong = |name: &str, value: &str, known: &str| {
        Err(format!("unrecognized value \"{value}\" for \"{name}\"\nAvailable values are: {known}."))
    };
    match name {
        "format" => {
            let Some(value) = value else { return Ok(()) };
            o.format = format(value)?;
        }
        "linestyle" => match value.map(str::to_ascii_lowercase).as_deref() {
            None => {}
            Some("") => return Err("\\pset: allowed line styles are ascii, old-ascii, unicode".to_owned()),
            Some(v) if "ascii".starts_with(v) => o.style = LineStyle::Ascii,
            Some(v) if "unicode".starts_with(v) => o.style = LineStyle::Unicode,
            Some(v) if "old-ascii".starts_with(v) => {
                return Err("\\pset: the line style old-ascii is not here; there are ascii and unicode".to_owned());
            }
            Some(_) => return Err("\\pset: allowed line styles are ascii, old-ascii, unicode".to_owned()),
        },
        "border" => {
            if let Some(value) = value {
                // As psql has it: a number as far as there is one, cut to 16 bits.
                o.border = (number(value) & 0xffff) as u16;
            }
        }
        "columns" => {
            if let Some(value) = value {
                o.target_columns = usize::try_from(number(value)).unwrap_or(0);
            }
        }
        "x" | "expanded" | "vertical" => {
            o.expanded = match (value, o.expanded) {
                (Some("auto"), _) => Expanded::Auto,
                (Some(v), _) => match boolean(v) {
                    Some(true) => Expanded::On,
                    Some(false) => Expanded::Off,
                    None => return wrong("expanded", v, "on, off, auto"),
                },
                (None, Expanded::Off) => Expanded::On,
                (None, Expanded::On | Expanded::Auto) => Expanded::Off,
            }
        }
        "csv_fieldsep" => match value.map(|v| v.chars().collect::<Vec<_>>()).as_deref() {
            None => {}
            Some(['"' | '\n' | '\r' | '\0']) => {
                return Err("\\pset: csv_fieldsep cannot be a double quote, a newline, or a carriage return".to_owned());
            }
            Some([c]) if c.is_ascii() => o.csv_separator = *c,
            Some(_) => return Err("\\pset: csv_fieldsep must be a single one-byte character".to_owned()),
        },
        "null" => o.null = value.unwrap_or(&o.null).to_owned(),
        "fieldsep" => o.field_separator = value.unwrap_or(&o.field_separator).to_owned(),
        "fieldsep_zero" => "\0".clone_into(&mut o.field_separator),
        "recordsep" => o.record_separator = value.unwrap_or(&o.record_separator).to_owned(),
        "recordsep_zero" => "\0".clone_into(&mut o.record_separator),
        "t" | "tuples_only" => o.tuples_only = switch("tuples_only", o.tuples_only)?,
        "title" | "C" => o.title = value.map(str::to_owned),
        "footer" => o.footer = switch("footer", o.footer)?,
        "numericlocale" => o.numeric_locale = switch("numericlocale", o.numeric_locale)?,
        "pager" => {
            o.pager = match (value, o.pager) {
                (None, Pager::On) => Pager::Off,
                (None, Pager::Off | Pager::Always) => Pager::On,
                (Some("always"), _) => Pager::Always,
                (Some(v), _) => match boolean(v) {
                    Some(true) => Pager::On,
                    Some(false) => Pager::Off,
                    None => return wrong("pager", v, "on, off, always"),
                },
            }
        }
        "pager_min_lines" => {
            if let Some(v) = value {
                o.pager_least = v
                    .parse()
                    .map_err(|_| format!("invalid value \"{v}\" for \"pager_min_lines\": integer expected"))?;
            }
        }
        "unicode_border_linestyle" | "unicode_column_linestyle" | "unicode_header_linestyle" => {
            let what = name.trim_start_matches("unicode_").trim_end_matches("_linestyle");
            match value {
                None => {}
                Some(v) if !v.is_empty() && "single".starts_with(&v.to_ascii_lowercase()) => {}
                Some(v) if !v.is_empty() && "double".starts_with(&v.to_ascii_lowercase()) => {
                    return Err("\\pset: double lines are not here; Unicode lines are single".to_owned());
                }
                Some(_) => return Err(format!("\\pset: allowed Unicode {what} line styles are single, double")),
            }
        }
        "xheader_width" => match value {
            None | Some("full") => {}
            Some(_) => return Err("\\pset: xheader_width is full here, and nothing else".to_owned()),
        },
        "T" | "tableattr" => {
            if value.is_some() {
                return Err("\\pset: HTML is not here, and so are no attributes of it".to_owned());
            }
        }
        _ => return Err(format!("\\pset: unknown option: {name}")),
    }
    Ok(())
}

/// psql's formats, in its order, and which of them are here.
const FORMATS: &[(&str, Option<TableFormat>)] = &[
    ("aligned", Some(TableFormat::Aligned)),
    ("asciidoc", None),
    ("csv", Some(TableFormat::Csv)),
    ("html", None),
    ("latex", None),
    ("latex-longtable", None),
    ("troff-ms", None),
    ("unaligned", Some(TableFormat::Unaligned)),
    ("wrapped", None),
];

/// A format by the beginning of its name.
fn format(value: &str) -> Result<TableFormat, String> {
    let wanted = value.to_ascii_lowercase();
    let exact = FORMATS.iter().filter(|(name, _)| *name == wanted);
    let beginning = FORMATS.iter().filter(|(name, _)| name.starts_with(&wanted) && !wanted.is_empty());
    let mut found = exact.chain(beginning);
    match (found.next(), found.find(|(name, _)| *name != wanted)) {
        (Some((name, format)), other) if *name == wanted || other.is_none() => format.ok_or_else(|| {
            format!(
                "\\pset: the format {name} is not here; there are aligned, csv and unaligned, each expanded with \\x"
            )
        }),
        (Some((a, _)), Some((b, _))) => {
            Err(format!("\\pset: ambiguous abbreviation \"{value}\" matches both \"{a}\" and \"{b}\""))
        }
        _ => {
            let names: Vec<&str> = FORMATS.iter().map(|(name, _)| *name).collect();
            Err(format!("\\pset: allowed formats are {}", names.join(", ")))
        }
    }
}

/// The number that a text begins with, as C reads it; 0 when there is none.
fn number(text: &str) -> i64 {
    let text = text.trim_start();
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let value = digits[..end].parse::<i64>().unwrap_or(0);
    if text.starts_with('-') { -value } else { value }
}

/// The sentence that confirms a setting.
pub fn say(o: &TableOptions, name: &str) -> Option<String> {
    let on = |what: &str, on: bool| Some(format!("{what} is {}.", if on { "on" } else { "off" }));
    match name {
        "format" => Some(format!("Output format is {}.", format_name(o.format))),
        "linestyle" => Some(format!("Line style is {}.", style_name(o.style))),
        "border" => Some(format!("Border style is {}.", o.border)),
        "columns" => Some(match o.target_columns {
            0 => "Target width is unset.".to_owned(),
            n => format!("Target width is {n}."),
        }),
        "x" | "expanded" | "vertical" => Some(match o.expanded {
            Expanded::Off => "Expanded display is off.".to_owned(),
            Expanded::On => "Expanded display is on.".to_owned(),
            Expanded::Auto => "Expanded display is used automatically.".to_owned(),
        }),
        "csv_fieldsep" => Some(format!("Field separator for CSV is \"{}\".", o.csv_separator)),
        "null" => Some(format!("Null display is \"{}\".", o.null)),
        "fieldsep" | "fieldsep_zero" => Some(match o.field_separator.as_str() {
            "\0" => "Field separator is zero byte.".to_owned(),
            other => format!("Field separator is \"{other}\"."),
        }),
        "recordsep" | "recordsep_zero" => Some(match o.record_separator.as_str() {
            "\0" => "Record separator is zero byte.".to_owned(),
            "\n" => "Record separator is <newline>.".to_owned(),
            other => format!("Record separator is \"{other}\"."),
        }),
        "t" | "tuples_only" => on("Tuples only", o.tuples_only),
        "title" | "C" => Some(match &o.title {
            Some(title) => format!("Title is \"{title}\"."),
            None => "Title is unset.".to_owned(),
        }),
        "footer" => on("Default footer", o.footer),
        "numericlocale" => on("Locale-adjusted numeric output", o.numeric_locale),
        "pager" => Some(
            match o.pager {
                Pager::Off => "Pager usage is off.",
                Pager::On => "Pager is used for long output.",
                Pager::Always => "Pager is always used.",
            }
            .to_owned(),
        ),
        "pager_min_lines" => {
            let lines = if o.pager_least == 1 { "line" } else { "lines" };
            Some(format!("Pager won't be used for less than {} {lines}.", o.pager_least))
        }
        "unicode_border_linestyle" => Some("Unicode border line style is \"single\".".to_owned()),
        "unicode_column_linestyle" => Some("Unicode column line style is \"single\".".to_owned()),
        "unicode_header_linestyle" => Some("Unicode header line style is \"single\".".to_owned()),
        "T" | "tableattr" => Some("Table attributes unset.".to_owned()),
        "xheader_width" => Some("Expanded header width is \"full\".".to_owned()),
        _ => None,
    }
}

/// `\pset` alone: every setting with its value.
pub fn all(o: &TableOptions) -> String {
    let on = |on: bool| if on { "on" } else { "off" }.to_owned();
    let quoted = |text: &str| format!("'{}'", text.replace('\n', "\\n").replace('\'', "\\'"));
    let value = |name: &str| match name {
        "border" => o.border.to_string(),
        "columns" => o.target_columns.to_string(),
        "csv_fieldsep" => quoted(&o.csv_separator.to_string()),
        "expanded" => match o.expanded {
            Expanded::Off => on(false),
            Expanded::On => on(true),
            Expanded::Auto => "auto".to_owned(),
        },
        "fieldsep" => quoted(&o.field_separator),
        "fieldsep_zero" => on(o.field_separator == "\0"),
        "footer" => on(o.footer),
        "format" => format_name(o.format).to_owned(),
        "linestyle" => style_name(o.style).to_owned(),
        "null" => quoted(&o.null),
        "numericlocale" => on(o.numeric_locale),
        "pager" => match o.pager {
            Pager::Off => "0",
            Pager::On => "1",
            Pager::Always => "2",
        }
        .to_owned(),
        "pager_min_lines" => o.pager_least.to_string(),
        "recordsep" => quoted(&o.record_separator),
        "recordsep_zero" => on(o.record_separator == "\0"),
        "title" => o.title.as_deref().map(quoted).unwrap_or_default(),
        "tuples_only" => on(o.tuples_only),
        "unicode_border_linestyle" | "unicode_column_linestyle" | "unicode_header_linestyle" => "single".to_owned(),
        "xheader_width" => "full".to_owned(),
        _ => String::new(),
    };
    // xheader_width came with psql 16.
    let names = NAMES.iter().filter(|name| **name != "xheader_width" || o.wide_records);
    names.map(|name| format!("{name:<24} {}\n", value(name))).collect()
}

fn format_name(format: TableFormat) -> &'static str {
    match format {
        TableFormat::Aligned => "aligned",
        TableFormat::Unaligned => "unaligned",
        TableFormat::Csv => "csv",
    }
}

fn style_name(style: LineStyle) -> &'static str {
    match style {
        LineStyle::Ascii => "ascii",
        LineStyle::Unicode => "unicode",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_and_confirmed() {
        let mut o = TableOptions::default();
        set(&mut o, "format", Some("un")).unwrap();
        assert_eq!(say(&o, "format").unwrap(), "Output format is unaligned.");
        set(&mut o, "x", None).unwrap();
        assert_eq!(say(&o, "x").unwrap(), "Expanded display is on.");
        set(&mut o, "x", Some("auto")).unwrap();
        assert_eq!(o.expanded, Expanded::Auto);
        assert!(set(&mut o, "border", Some("9")).is_ok() && o.border == 9);
        assert!(set(&mut o, "format", Some("latex")).unwrap_err().contains("latex is not here"));
        assert!(set(&mut o, "format", Some("a")).unwrap_err().contains("ambiguous"));
        assert!(set(&mut o, "format", Some("aligned")).is_ok());
        assert!(set(&mut o, "format", Some("html")).unwrap_err().contains("csv"));
        assert!(set(&mut o, "csv_fieldsep", Some("\"")).is_err());
        assert!(set(&mut o, "nope", None).is_err());
    }
}
