//! Lessons' texts for a terminal that is narrower than their lines: paragraphs are broken anew, at words. A terminal breaks
//! where its edge is, and what the author broke is broken twice.

use std::ops::Range;

use pulldown_cmark::{Event, Options, Parser, Tag};
use ratatui::text::Span;

use crate::tui::wrap;

/// Returns a text's lines. Those of paragraphs and lists are made to fit into `width` columns where one does not; code,
/// tables, quotes and headings stay as they are, and so does all of it where there is no width.
pub fn lines(text: &str, width: Option<usize>) -> Vec<String> {
    let width = width.filter(|width| text.lines().any(|line| wrap::width(line) > *width));
    let Some(width) = width else { return text.lines().map(str::to_owned).collect() };
    let mut joins = Vec::new();
    let mut fixed: Vec<Range<usize>> = Vec::new();
    for (event, at) in Parser::new_ext(text, Options::ENABLE_TABLES).into_offset_iter() {
        match event {
            Event::SoftBreak if fixed.iter().all(|range| !range.contains(&at.start)) => joins.push(at.start),
            Event::Start(
                Tag::CodeBlock(_) | Tag::Table(_) | Tag::BlockQuote(_) | Tag::Heading { .. } | Tag::HtmlBlock,
            ) => fixed.push(at),
            _ => {}
        }
    }
    let mut out = Vec::new();
    let mut held = String::new();
    let mut begun = 0;
    for line in text.split_inclusive('\n') {
        let (start, end) = (begun, begun + line.len());
        begun = end;
        let line = line.trim_end_matches(['\n', '\r']);
        if held.is_empty() {
            held.push_str(line);
        } else {
            held.push(' ');
            held.push_str(line.trim_start());
        }
        if joins.iter().any(|at| (start..end).contains(at)) {
            continue;
        }
        let whole = std::mem::take(&mut held);
        match fixed.iter().any(|range| range.contains(&start)) {
            true => out.push(whole),
            false => out.extend(fitted(&whole, width)),
        }
    }
    out.extend(Some(held).filter(|held| !held.is_empty()));
    out
}

/// Breaks a line at words; what follows the first row stands below the first word of a list's item.
fn fitted(line: &str, width: usize) -> Vec<String> {
    let own = line.len() - line.trim_start().len();
    let rest = &line[own..];
    let marker = rest.split_once(' ').map_or("", |(first, _)| first);
    let number =
        marker.strip_suffix(['.', ')']).is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    let is_item = matches!(marker, "-" | "*" | "+") || number;
    let hang = own + if is_item { marker.len() + 1 } else { 0 };
    let (first, below) = (Span::raw(" ".repeat(own)), Span::raw(" ".repeat(hang)));
    wrap::words(&[Span::raw(rest)], width, &first, &below)
        .iter()
        .map(|row| row.to_string().trim_end().to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "A first line of a paragraph that the author broke\nhere, and goes on.\n\n- an item that is \
                        longer than the terminal is wide\n- short\n\n> a quote of\n> two lines\n\n```sql\nSELECT code_that_is_as_long_as_it_is FROM \
                        somewhere;\n```\n\n| a | table that is wider than the terminal |\n|---|---|\n| 1 | 2 |";

    #[test]
    fn paragraphs_fit_and_what_has_a_form_keeps_it() {
        let shown = lines(TEXT, Some(30));
        assert_eq!(
            shown,
            [
                "A first line of a paragraph",
                "that the author broke here,",
                "and goes on.",
                "",
                "- an item that is longer than",
                "  the terminal is wide",
                "- short",
                "",
                "> a quote of",
                "> two lines",
                "",
                "```sql",
                "SELECT code_that_is_as_long_as_it_is FROM somewhere;",
                "```",
                "",
                "| a | table that is wider than the terminal |",
                "|---|---|",
                "| 1 | 2 |",
            ]
        );
    }

    #[test]
    fn a_log_and_a_wide_terminal_have_the_authors_lines() {
        let own: Vec<&str> = TEXT.lines().collect();
        assert_eq!(lines(TEXT, None), own);
        assert_eq!(lines(TEXT, Some(200)), own);
    }

    #[test]
    fn words_of_every_lesson_stay_as_they_are() {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        for step in crate::tui::fixture::course().chapters.iter().flat_map(|chapter| &chapter.steps) {
            let shown = lines(&step.say, Some(40));
            assert_eq!(words(&shown.join("\n")), words(&step.say), "{}", step.id);
        }
    }
}
