//! Says what is wrong with the structure of a file that the parser gave up on: brackets that are not closed, keys without
//! a colon, lines that are indented as part of another.

use crate::types::{At, Open, line, point};
use workshop_base::problem::Problem;
use workshop_base::text::shortened;

/// Tells a parser's error about structure in the author's terms; None when nothing better is known than its own words.
pub fn explain(lines: &[String], here: At, info: &str, open: Option<&Open>) -> Option<(At, Problem)> {
    if info.contains("escape") {
        let problem = Problem::course(format_args!("not valid YAML: {info}"));
        let hint = "in double quotes `\\` begins an escape: write it twice, `\\\\`, or put the text in single quotes";
        return Some((here, problem.hint(hint)));
    }
    if let Some(found) = unclosed(lines, here, open) {
        return Some(found);
    }
    if info.starts_with("simple key expect") {
        return keyless(lines, here.line);
    }
    if info.starts_with("mapping values are not allowed") {
        return no_blank_after_dash(lines, here.line).or_else(|| part_of_another(lines, here));
    }
    None
}

/// A `[` or `{` that is not closed, or a comma that is missing after it.
fn unclosed(lines: &[String], here: At, open: Option<&Open>) -> Option<(At, Problem)> {
    let (_, begun) = open?;
    let opener = line(lines, begun.line)?.chars().nth(begun.column - 1)?;
    let closer = match opener {
        '[' => ']',
        '{' => '}',
        _ => return None,
    };
    let from = line(lines, begun.line)?.chars().skip(begun.column - 1);
    if here.line == begun.line || from.clone().any(|c| c == closer) {
        let problem =
            Problem::course(format_args!("not valid YAML: the `{opener}` before this does not end as it should"))
                .hint(format!(
                    "a comma stands between two items, `{closer}` at the end; text that holds a bracket, a brace or a comma goes \
                     in quotes"
                ));
        return Some((here, problem));
    }
    let end_column = line(lines, begun.line)?.trim_end().chars().count() + 1;
    let at = At { file: here.file, line: begun.line, column: begun.column, end_line: begun.line, end_column };
    let problem = Problem::course(format_args!("not valid YAML: `{opener}` is not closed"))
        .expected(format!("`{closer}` after its last item"));
    Some((at, problem))
}

/// A line that has no colon where its key should end, at the place where the parser gave up or above it.
fn keyless(lines: &[String], number: usize) -> Option<(At, Problem)> {
    let from = number.saturating_sub(3).max(1);
    (from..=number).rev().find_map(|number| {
        let text = line(lines, number)?;
        let content = text.trim();
        let key = content.trim_start_matches("- ");
        let is_key = key.contains(": ") || key.ends_with(':') || key.contains(":\t");
        if content.is_empty() || content.starts_with('#') || is_key {
            return None;
        }
        let column = text.chars().take_while(|c| *c == ' ').count() + 1;
        let at =
            At { file: 0, line: number, column, end_line: number, end_column: text.trim_end().chars().count() + 1 };
        let problem = Problem::course("not valid YAML: this line is neither a key with its value nor part of a text");
        let problem = match (key.split_once(':'), key.contains('\u{ff1a}')) {
            (_, true) => problem.hint("its colon is a full-width one: type `:` and a blank"),
            (Some((name, value)), _) if is_word(name) => {
                problem.hint(format!("a blank follows the colon: `{name}: {}`", shortened(value)))
            }
            (None, _) if is_word(key) => problem.hint(format!("a key ends with a colon: `{key}:`")),
            (_, _) => problem.hint("text of several lines stands below `|`, indented further than its key"),
        };
        Some((at, problem))
    })
}

/// A dash without the blank that makes an item of it, at the place or above it.
fn no_blank_after_dash(lines: &[String], number: usize) -> Option<(At, Problem)> {
    (number.saturating_sub(2).max(1)..=number).rev().find_map(|number| {
        let text = line(lines, number)?;
        let item = text.trim_start().strip_prefix('-')?;
        if !item.starts_with(|c: char| c.is_ascii_alphabetic()) || !item.contains(": ") {
            return None;
        }
        let column = text.chars().take_while(|c| *c == ' ').count() + 1;
        let problem = Problem::course("not valid YAML: a blank is missing after the dash");
        Some((point(number, column), problem.hint(format!("write `- {}`", shortened(item.trim_end())))))
    })
}

/// A key that is indented further than the key above it, and so goes on with that one's text.
fn part_of_another(lines: &[String], here: At) -> Option<(At, Problem)> {
    let text = line(lines, here.line)?;
    let column = text.chars().take_while(|c| *c == ' ').count() + 1;
    let (key, _) = text.trim_start().split_once(':')?;
    // The colon that is one too many is the line's first: then the line itself is what does not belong.
    if !is_word(key) || here.column > column + key.chars().count() + 1 {
        return None;
    }
    let above = (1..here.line).rev().filter_map(|number| line(lines, number)).find(|text| !text.trim().is_empty())?;
    let dashes = above.trim_start().len() - above.trim_start().trim_start_matches("- ").len();
    let wanted = above.chars().take_while(|c| *c == ' ').count() + dashes + 1;
    let at =
        At { file: here.file, line: here.line, column, end_line: here.line, end_column: column + key.chars().count() };
    let problem = Problem::course("not valid YAML: this line goes on with the text of the line above")
        .expected(format!("a key in column {wanted}, as the one above it"))
        .hint("keys that belong together begin in the same column");
    Some((at, problem))
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}
