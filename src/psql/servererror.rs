//! Errors and notices as the server sends them, and psql's way of writing them down. Pure.

use crate::report::SqlError;
use crate::table::char_width;

/// Every field of an ErrorResponse or NoticeResponse (PostgreSQL protocol, "Error and Notice Message Fields").
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ServerMessage {
    /// The severity in the server's language; falls back on the one that is never translated.
    pub severity: String,
    pub sqlstate: String,
    pub message: String,
    pub detail: Option<String>,
    pub hint: Option<String>,
    /// Character position in the statement as sent, from 1.
    pub position: Option<usize>,
    /// Character position in `internal_query`, from 1.
    pub internal_position: Option<usize>,
    pub internal_query: Option<String>,
    pub context: Option<String>,
    pub schema: Option<String>,
    pub table: Option<String>,
    pub column: Option<String>,
    pub datatype: Option<String>,
    pub constraint: Option<String>,
    pub file: Option<String>,
    pub line: Option<String>,
    pub routine: Option<String>,
}

/// The amount of an error that is written (`\set VERBOSITY`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verbosity {
    #[default]
    Default,
    Verbose,
    Terse,
    Sqlstate,
}

/// When the CONTEXT line is written (`\set SHOW_CONTEXT`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ShowContext {
    Never,
    #[default]
    Errors,
    Always,
}

impl ServerMessage {
    /// An error of ours, in the shape of the server's.
    pub fn own(sqlstate: &str, message: impl Into<String>) -> Self {
        ServerMessage {
            severity: "ERROR".to_owned(),
            sqlstate: sqlstate.to_owned(),
            message: message.into(),
            ..ServerMessage::default()
        }
    }

    /// Takes the fields from the body of the message: a type byte and a zero-terminated text each.
    pub fn parse(body: &[u8]) -> Self {
        let mut out = ServerMessage::default();
        let mut rest = body;
        while let Some((&kind, tail)) = rest.split_first() {
            if kind == 0 {
                break;
            }
            let end = tail.iter().position(|&b| b == 0).unwrap_or(tail.len());
            let text = String::from_utf8_lossy(&tail[..end]).into_owned();
            rest = tail.get(end + 1..).unwrap_or_default();
            match kind {
                b'S' => out.severity = text,
                b'V' if out.severity.is_empty() => out.severity = text,
                b'C' => out.sqlstate = text,
                b'M' => out.message = text,
                b'D' => out.detail = Some(text),
                b'H' => out.hint = Some(text),
                b'P' => out.position = text.parse().ok(),
                b'p' => out.internal_position = text.parse().ok(),
                b'q' => out.internal_query = Some(text),
                b'W' => out.context = Some(text),
                b's' => out.schema = Some(text),
                b't' => out.table = Some(text),
                b'c' => out.column = Some(text),
                b'd' => out.datatype = Some(text),
                b'n' => out.constraint = Some(text),
                b'F' => out.file = Some(text),
                b'L' => out.line = Some(text),
                b'R' => out.routine = Some(text),
                _ => {}
            }
        }
        out
    }

    /// Tells whether the server ends the session with it.
    pub fn is_fatal(&self) -> bool {
        self.severity == "FATAL" || self.severity == "PANIC"
    }

    /// The part of it that leaves this module.
    pub fn to_report(&self) -> SqlError {
        SqlError {
            severity: self.severity.clone(),
            sqlstate: self.sqlstate.clone(),
            message: self.message.clone(),
            detail: self.detail.clone(),
            hint: self.hint.clone(),
            position: self.position.and_then(|p| u32::try_from(p).ok()),
        }
    }
}

/// The message as psql writes it, with a newline at the end. `query` is the text that was sent; an error's
/// position points into it.
pub fn render(m: &ServerMessage, query: &str, verbosity: Verbosity, context: ShowContext, is_error: bool) -> String {
    let mut out = format!("{}:  ", m.severity);
    if verbosity == Verbosity::Sqlstate {
        out.push_str(&m.sqlstate);
        out.push('\n');
        return out;
    }
    if verbosity == Verbosity::Verbose {
        out.push_str(&m.sqlstate);
        out.push_str(": ");
    }
    out.push_str(&m.message);
    let terse = matches!(verbosity, Verbosity::Terse | Verbosity::Sqlstate);
    let place = match (m.position, m.internal_position, &m.internal_query) {
        (Some(at), _, _) => Some((query, at)),
        (None, Some(at), Some(internal)) => Some((internal.as_str(), at)),
        _ => None,
    };
    if let (true, Some((_, at))) = (terse, place) {
        out.push_str(&format!(" at character {at}"));
    }
    out.push('\n');
    if terse {
        return out;
    }
    if let Some((text, at)) = place {
        out.push_str(&excerpt(text, at));
    }
    let mut field = |name: &str, value: &Option<String>| {
        if let Some(value) = value {
            out.push_str(&format!("{name}:  {value}\n"));
        }
    };
    field("DETAIL", &m.detail);
    field("HINT", &m.hint);
    field("QUERY", &m.internal_query);
    let with_context = match context {
        ShowContext::Never => false,
        ShowContext::Errors => is_error,
        ShowContext::Always => true,
    };
    if with_context {
        field("CONTEXT", &m.context);
    }
    if verbosity == Verbosity::Verbose {
        field("SCHEMA NAME", &m.schema);
        field("TABLE NAME", &m.table);
        field("COLUMN NAME", &m.column);
        field("DATATYPE NAME", &m.datatype);
        field("CONSTRAINT NAME", &m.constraint);
        if m.routine.is_some() || m.file.is_some() {
            let routine = m.routine.as_ref().map(|r| format!("{r}, ")).unwrap_or_default();
            let place = match (&m.file, &m.line) {
                (Some(file), Some(line)) => format!("{file}:{line}"),
                _ => String::new(),
            };
            out.push_str(&format!("LOCATION:  {routine}{place}\n"));
        }
    }
    out
}

/// Screen columns of a query line that are shown around an error.
const SHOWN: usize = 60;
/// Columns kept to the right of the error when a long line is cut.
const KEPT_RIGHT: usize = 10;

/// `LINE n: …` and the caret below it. `at` counts characters from 1; a position outside gives nothing.
/// Columns are what a terminal shows, so a wide character moves the caret by two; tabs count as one.
fn excerpt(query: &str, at: usize) -> String {
    let Some(loc) = at.checked_sub(1) else { return String::new() };
    let mut chars: Vec<char> = query.chars().collect();
    let (mut line, mut begin, mut end) = (1, 0, None);
    let mut columns = Vec::with_capacity(chars.len() + 1);
    let mut column = 0;
    for i in 0..chars.len() {
        columns.push(column);
        match chars[i] {
            '\t' => chars[i] = ' ',
            '\r' | '\n' if i < loc => {
                if chars[i] == '\r' || i == 0 || chars[i - 1] != '\r' {
                    line += 1;
                }
                begin = i + 1;
            }
            '\r' | '\n' => {
                end = Some(i);
                break;
            }
            _ => {}
        }
        column += char_width(chars[i]).max(1);
    }
    if end.is_none() {
        columns.push(column);
    }
    let mut end = end.unwrap_or(chars.len());
    if loc > end {
        return String::new();
    }
    let (mut cut_left, mut cut_right) = (false, false);
    if columns[end] - columns[begin] > SHOWN {
        if columns[begin] + SHOWN >= columns[loc] + KEPT_RIGHT {
            while columns[end] - columns[begin] > SHOWN {
                end -= 1;
            }
            cut_right = true;
        } else {
            while columns[loc] + KEPT_RIGHT < columns[end] {
                end -= 1;
                cut_right = true;
            }
            while columns[end] - columns[begin] > SHOWN {
                begin += 1;
                cut_left = true;
            }
        }
    }
    let mut prefix = format!("LINE {line}: ");
    if cut_left {
        prefix.push_str("...");
    }
    let caret = prefix.len() + columns[loc] - columns[begin];
    let text: String = chars[begin..end].iter().collect();
    let tail = if cut_right { "..." } else { "" };
    format!("{prefix}{text}{tail}\n{:caret$}^\n", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(query: &str, position: usize) -> String {
        excerpt(query, position)
    }

    #[test]
    fn the_caret_counts_characters_not_bytes_and_columns_not_characters() {
        assert_eq!(at("select é x", 10), "LINE 1: select é x\n                 ^\n");
        assert_eq!(at("select '日本' x", 13), "LINE 1: select '日本' x\n                      ^\n");
        assert_eq!(at("a\n\tb", 4), "LINE 2:  b\n         ^\n");
    }

    #[test]
    fn a_long_line_is_cut_around_the_error() {
        let query = format!("select {} nope {}", "a,".repeat(60), "b,".repeat(60));
        let shown = at(&query, 129);
        let first = shown.lines().next().unwrap();
        assert!(first.starts_with("LINE 1: ...") && first.ends_with("..."), "{shown}");
        let caret = shown.lines().nth(1).unwrap().len() - 1;
        assert_eq!(&first[caret..caret + 4], "nope");
    }

    #[test]
    fn a_position_past_the_end_is_not_pointed_at() {
        assert_eq!(at("x", 9), "");
        assert_eq!(at("x", 0), "");
        assert_eq!(at("x", 2), "LINE 1: x\n         ^\n");
    }

    #[test]
    fn fields_come_in_psql_s_order() {
        let mut body = Vec::new();
        for (k, v) in
            [('S', "ERROR"), ('C', "42P01"), ('M', "no"), ('H', "try"), ('D', "why"), ('W', "here"), ('P', "1")]
        {
            body.push(k as u8);
            body.extend_from_slice(v.as_bytes());
            body.push(0);
        }
        body.push(0);
        let m = ServerMessage::parse(&body);
        assert_eq!(
            render(&m, "x", Verbosity::Default, ShowContext::Errors, true),
            "ERROR:  no\nLINE 1: x\n        ^\nDETAIL:  why\nHINT:  try\nCONTEXT:  here\n"
        );
        assert_eq!(render(&m, "x", Verbosity::Terse, ShowContext::Errors, true), "ERROR:  no at character 1\n");
        assert_eq!(render(&m, "x", Verbosity::Sqlstate, ShowContext::Errors, true), "ERROR:  42P01\n");
    }
}
