//! `\pset` and its short forms: what a table looks like. Pure.

use super::super::table::{Expanded, Format, LineStyle, Options};
use super::super::vars::boolean;

/// The settings there are, in psql's order, for `\pset` alone and for completion.
pub const NAMES: &[&str] = &[
    "border",
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
    "recordsep",
    "recordsep_zero",
    "title",
    "tuples_only",
];

/// Sets one. A value that is left out switches, or takes the default.
///
/// # Errors
/// psql's text for a name or value that means nothing.
pub fn set(o: &mut Options, name: &str, value: Option<&str>) -> Result<(), String> {
    let switch = |name: &str, now: bool| match value {
        None => Ok(!now),
        Some(v) => boolean(v).ok_or_else(|| format!("unrecognized value \"{v}\" for \"{name}\": Boolean expected")),
    };
    match name {
        "format" => {
            let Some(value) = value else { return Ok(()) };
            let known = [
                ("aligned", Some(Format::Aligned)),
                ("asciidoc", None),
                ("csv", Some(Format::Csv)),
                ("html", None),
                ("latex", None),
                ("latex-longtable", None),
                ("troff-ms", None),
                ("unaligned", Some(Format::Unaligned)),
                ("wrapped", None),
            ];
            let matching: Vec<_> = known.iter().filter(|(n, _)| n.starts_with(&value.to_ascii_lowercase())).collect();
            match matching[..] {
                [(_, Some(format))] => o.format = *format,
                [(name, None)] => {
                    return Err(format!(
                        "\\pset: the format {name} is not here; allowed formats are aligned, csv, unaligned"
                    ));
                }
                [] => return Err("\\pset: allowed formats are aligned, csv, unaligned".to_owned()),
                [(a, _), (b, _), ..] => {
                    return Err(format!("\\pset: ambiguous abbreviation \"{value}\" matches both \"{a}\" and \"{b}\""));
                }
            }
        }
        "linestyle" => match value.map(str::to_ascii_lowercase).as_deref() {
            None => {}
            Some("ascii") => o.style = LineStyle::Ascii,
            Some("unicode") => o.style = LineStyle::Unicode,
            Some(_) => return Err("\\pset: allowed line styles are ascii, unicode".to_owned()),
        },
        "border" => {
            if let Some(value) = value {
                o.border = value.parse::<u8>().unwrap_or(0).min(2);
            }
        }
        "x" | "expanded" | "vertical" => {
            o.expanded = match (value, o.expanded) {
                (Some("auto"), _) => Expanded::Auto,
                (Some(v), _) => match boolean(v) {
                    Some(true) => Expanded::On,
                    Some(false) => Expanded::Off,
                    None => {
                        return Err(format!(
                            "unrecognized value \"{v}\" for \"\\pset {name}\"\nAvailable values are: on, off, auto."
                        ));
                    }
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
        // Accepted for the scripts that set them: the front end scrolls, and numbers are shown as they are.
        "pager"
        | "numericlocale"
        | "pager_min_lines"
        | "columns"
        | "xheader_width"
        | "unicode_border_linestyle"
        | "unicode_column_linestyle"
        | "unicode_header_linestyle"
        | "tableattr"
        | "T" => {}
        _ => return Err(format!("\\pset: unknown option: {name}")),
    }
    Ok(())
}

/// The sentence that confirms a setting.
pub fn say(o: &Options, name: &str) -> Option<String> {
    let on = |what: &str, on: bool| Some(format!("{what} is {}.", if on { "on" } else { "off" }));
    match name {
        "format" => Some(format!("Output format is {}.", format_name(o.format))),
        "linestyle" => Some(format!("Line style is {}.", style_name(o.style))),
        "border" => Some(format!("Border style is {}.", o.border)),
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
        "pager" => Some("Pager usage is off.".to_owned()),
        "numericlocale" => Some("Locale-adjusted numeric output is off.".to_owned()),
        _ => None,
    }
}

/// `\pset` alone: every setting with its value.
pub fn all(o: &Options) -> String {
    let on = |on: bool| if on { "on" } else { "off" }.to_owned();
    let quoted = |text: &str| format!("'{}'", text.replace('\n', "\\n").replace('\'', "\\'"));
    let value = |name: &str| match name {
        "border" => o.border.to_string(),
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
        "recordsep" => quoted(&o.record_separator),
        "recordsep_zero" => on(o.record_separator == "\0"),
        "title" => o.title.as_deref().map(quoted).unwrap_or_default(),
        "tuples_only" => on(o.tuples_only),
        _ => on(false),
    };
    NAMES.iter().map(|name| format!("{name:<24} {}\n", value(name))).collect()
}

fn format_name(format: Format) -> &'static str {
    match format {
        Format::Aligned => "aligned",
        Format::Unaligned => "unaligned",
        Format::Csv => "csv",
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
        let mut o = Options::default();
        set(&mut o, "format", Some("un")).unwrap();
        assert_eq!(say(&o, "format").unwrap(), "Output format is unaligned.");
        set(&mut o, "x", None).unwrap();
        assert_eq!(say(&o, "x").unwrap(), "Expanded display is on.");
        set(&mut o, "x", Some("auto")).unwrap();
        assert_eq!(o.expanded, Expanded::Auto);
        assert!(set(&mut o, "border", Some("9")).is_ok() && o.border == 2);
        assert!(set(&mut o, "format", Some("html")).unwrap_err().contains("csv"));
        assert!(set(&mut o, "csv_fieldsep", Some("\"")).is_err());
        assert!(set(&mut o, "nope", None).is_err());
    }
}
