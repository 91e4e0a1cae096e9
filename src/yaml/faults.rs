//! Says what an author did when the parser only says where it gave up.
//!
//! The parser's own sentence stays the message wherever nothing better is known; what is found here is looked for on
//! the lines around the place, since a parser notices late.

use std::borrow::Cow;

use crate::structure;
use crate::types::{At, Open, line, point};
use workshop_base::problem::Problem;

/// Tells a parser's error in the author's terms, at the place where the author would mend it.
pub fn explain(lines: &[String], here: At, info: &str, open: Option<&Open>) -> (At, Problem) {
    let near = || tab(lines, here.line).or_else(|| odd_blank(lines, here.line));
    if let Some(found) = near().or_else(|| shallow_block(lines, here.line)) {
        return found;
    }
    if let Some(found) = hidden(lines, here.line, open).filter(|_| info.contains("flow")) {
        return found;
    }
    if info.starts_with("comment intercepting") {
        let problem = Problem::course("not valid YAML: a comment in the middle of a text")
            .hint("text that holds ` #` goes in quotes, or below `|`; a comment stands above or below the text");
        return (comment_on(lines, here), problem);
    }
    if let Some(found) = structure::explain(lines, here, info, open) {
        return found;
    }
    let problem = Problem::course(format_args!("not valid YAML: {info}"));
    let hint = value_start(lines, here.line).and_then(quotes);
    let problem = match (hint, open) {
        (Some(hint), _) => problem.hint(hint),
        // `title: Run it: npx` is the commonest way to get there.
        (None, _) if info.starts_with("mapping values are not allowed") => problem.hint(COLON),
        (None, _) if info.contains("quoted scalar") => problem.hint(
            "its quote is not closed on this line: close it, or write text of several lines below `|`, without quotes",
        ),
        // What the parser says of a line that fits into no block: mostly its indentation is wrong.
        (None, Some((what, begun))) if info.starts_with("while parsing a block") => problem.hint(format!(
            "the {what} that begins on line {} has its lines in column {}: look whether this line, \
             or one above it, is indented too little or too far",
            begun.line, begun.column
        )),
        (None, _) => problem,
    };
    (here, problem)
}

/// Advice for text that holds what YAML takes for the end of a key.
pub const COLON: &str = "text that holds a colon and a space goes in quotes: `title: \"Test it: refused\"`";

/// The text with blanks for the tabs that separate: `title:<TAB>text` is YAML, and our parser refuses it. `None`
/// when there are none. Blocks of text and indentation stay as they are, and so do all places.
pub fn without_separating_tabs(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut block: Option<usize> = None;
    let mut changed = false;
    for line in text.split_inclusive('\n') {
        let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
        if block.is_some_and(|header| indent > header || line.trim().is_empty()) {
            out.push_str(line);
            continue;
        }
        block = opens_block(line).then_some(indent);
        let shown = separated(&line[indent..]);
        changed |= matches!(shown, Cow::Owned(_));
        out.push_str(&line[..indent]);
        out.push_str(&shown);
    }
    changed.then_some(out)
}

/// One line's text, with blanks for the tabs after a dash or a colon and before a comment; what is in quotes stays.
fn separated(text: &str) -> Cow<'_, str> {
    if !text.contains('\t') {
        return Cow::Borrowed(text);
    }
    let (mut quote, mut changed) = (None, false);
    // The last sign before: where a value may begin, a tab divides, and a quote opens.
    let mut sign = '-';
    let out = text.chars().map(|c| {
        let may_begin = quote.is_none() && matches!(sign, ':' | '-' | ',' | '?' | '[' | '{');
        match quote {
            Some(open) if open == c => quote = None,
            None if may_begin && matches!(c, '"' | '\'') => quote = Some(c),
            _ => {}
        }
        if !c.is_whitespace() {
            sign = c;
        }
        changed |= may_begin && c == '\t';
        if may_begin && c == '\t' { ' ' } else { c }
    });
    let out: String = out.collect();
    if changed { Cow::Owned(out) } else { Cow::Borrowed(text) }
}

/// A tab in the indentation of a line nearby.
fn tab(lines: &[String], number: usize) -> Option<(At, Problem)> {
    let near = [number, number + 1, number.saturating_sub(1)];
    near.into_iter().find_map(|number| {
        let text = line(lines, number)?;
        // After a dash the rest of the line is indentation, too.
        let lead = text.find(|c: char| !matches!(c, ' ' | '\t' | '-')).unwrap_or(text.len());
        let column = text[..lead].chars().position(|c| c == '\t')? + 1;
        let problem = Problem::course("a tab in the indentation")
            .expected("spaces")
            .hint("YAML is indented with spaces only: put spaces here, and let the editor insert them for the tab key");
        Some((point(number, column), problem))
    })
}

/// A blank in the indentation of a line nearby that looks like a space and is none, as copied from a web page.
fn odd_blank(lines: &[String], number: usize) -> Option<(At, Problem)> {
    let near = [number, number.saturating_sub(1), number.saturating_sub(2), number + 1];
    near.into_iter().find_map(|number| {
        let text = line(lines, number)?;
        let lead = text.chars().take_while(|c| c.is_whitespace() || ZERO_WIDTH.contains(c));
        let (column, odd) = lead.enumerate().find(|(_, c)| *c != ' ')?;
        let problem =
            Problem::course(format_args!("a blank in the indentation is no space but U+{:04X}", u32::from(odd)))
                .expected("spaces")
                .hint("it came with a copied text: type the indentation anew");
        Some((point(number, column + 1), problem))
    })
}

/// Signs that no one sees.
const ZERO_WIDTH: [char; 4] = ['\u{200b}', '\u{200c}', '\u{200d}', '\u{feff}'];

/// Returns where a text holds what YAML allows in no file: control characters, and carriage returns that end no line.
pub fn forbidden(lines: &[String]) -> Vec<(At, Problem)> {
    const MOST: usize = 5;
    let allowed = |c: &char| matches!(c, '\t' | '\u{85}') || !c.is_control();
    let found = lines.iter().enumerate().flat_map(|(row, text)| {
        let wrong = text.chars().enumerate().filter(move |(_, c)| !allowed(c));
        wrong.map(move |(column, c)| (row + 1, column + 1, c))
    });
    let told = found.take(MOST).map(|(row, column, c)| {
        let problem = match c {
            '\r' => Problem::course("a carriage return that ends no line")
                .expected("lines that end with LF or CRLF")
                .hint("save the file with the line ends of Unix or Windows"),
            c => {
                Problem::course(format_args!("a control character, U+{:04X}, which YAML does not allow", u32::from(c)))
                    .hint("delete it: it may have come with a copied text")
            }
        };
        (point(row, column), problem)
    });
    told.collect()
}

/// The comment on a line, to its end; the place itself where there is none.
fn comment_on(lines: &[String], here: At) -> At {
    let comment = line(lines, here.line).and_then(|text| Some((text, text.find(" #")?)));
    comment.map_or(here, |(text, at)| At {
        column: text[..at].chars().count() + 2,
        end_line: here.line,
        end_column: text.trim_end().chars().count() + 1,
        ..here
    })
}

/// A comment within `{…}` or `[…]`, which hides the closing bracket.
fn hidden(lines: &[String], number: usize, open: Option<&Open>) -> Option<(At, Problem)> {
    let (_, begun) = open?;
    (begun.line..=number.min(lines.len())).find_map(|number| {
        let text = line(lines, number)?;
        let at = text.find(" #")?;
        let column = text[..at].chars().count() + 2;
        let end_column = text.trim_end().chars().count() + 1;
        let problem =
            Problem::course("` #` begins a comment, which hides the rest of the line and its closing bracket")
                .hint("text that holds ` #` goes in quotes");
        Some((At { file: 0, line: number, column, end_line: number, end_column }, problem))
    })
}

/// Returns whether a block of text begins after this line, as after `say: |`.
fn opens_block(text: &str) -> bool {
    let text = text.split(" #").next().unwrap_or(text).trim_end();
    let Some(at) = text.rfind(['|', '>']) else { return false };
    let marks_only = text[at + 1..].chars().all(|c| matches!(c, '+' | '-' | '1'..='9'));
    marks_only && (text[..at].ends_with(": ") || text[..at].trim_start() == "- ")
}

/// The first line of a block of text that is not indented further than its key.
fn shallow_block(lines: &[String], number: usize) -> Option<(At, Problem)> {
    let indent = |text: &str| text.len() - text.trim_start().len();
    // The parser notices at the block's first line, or at a later one, where a key should be.
    let from = number.saturating_sub(3).max(1);
    (from..=number).rev().find_map(|above| {
        let header = line(lines, above).filter(|text| opens_block(text))?;
        let first = (above + 1..=number + 1).find(|n| line(lines, *n).is_some_and(|text| !text.trim().is_empty()))?;
        let text = line(lines, first)?;
        let key = header.trim_start().trim_start_matches("- ");
        let column = header.len() - key.len();
        let is_key = text.trim_start().split_once(':').is_some_and(|(name, rest)| {
            (rest.is_empty() || rest.starts_with(' ')) && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        });
        if indent(text) > column || is_key || text.trim_start().starts_with("- ") {
            return None;
        }
        let name = key.split(':').next().unwrap_or(key);
        let problem = Problem::course(format_args!("the text of `{name}` is not indented further than its key"))
            .expected(format!("lines of text that begin in column {} or further right", column + 3));
        let start = indent(text) + 1;
        let end = text.trim_end().chars().count() + 1;
        Some((At { file: 0, line: first, column: start, end_line: first, end_column: end }, problem))
    })
}

/// Returns what follows the key or the dash on a line.
fn value_start(lines: &[String], number: usize) -> Option<&str> {
    let mut text = line(lines, number)?.trim_start();
    while let Some(rest) = text.strip_prefix("- ") {
        text = rest.trim_start();
    }
    match text.split_once(": ") {
        Some((key, value)) if !key.contains(['"', '\'', '`', ' ']) => Some(value.trim_start()),
        _ => Some(text),
    }
}

/// Advice for a value that begins with a sign that means something else to YAML.
pub fn quotes(value: &str) -> Option<String> {
    let first = value.chars().next()?;
    match first {
        '`' | '@' | '%' | '*' | '&' | '!' | '|' | '>' | '[' | '{' | ']' | '}' | ',' => {
            let sign = if first == '`' { "a backquote".to_owned() } else { format!("`{first}`") };
            Some(format!("text that begins with {sign} goes in quotes: `title: \"{first}…\"`"))
        }
        // Whose quote is never closed has a better advice.
        '"' | '\'' if !value[1..].contains(first) => Some(format!("close the {first}, or put the text in none")),
        '\'' if value.trim_end().ends_with('\'') => {
            Some("within single quotes an apostrophe is written twice: `'it''s'`".to_owned())
        }
        '"' | '\'' => Some(format!(
            "when text begins with {first}, it ends with the next one: put the whole of it in quotes of the other kind"
        )),
        _ => None,
    }
}
