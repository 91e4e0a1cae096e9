//! The words of a replaced block of lines changed.

use similar::{Algorithm, DiffOp, capture_diff_slices};

use super::types::{DiffLine, Side};

/// More words than anyone compares by eye.
const MAX_WORDS: usize = 4000;

/// A block of which less than this is the same (by length of words) was rewritten rather than
/// changed: marks would only point at what the two happen to share.
const MIN_SHARED: f64 = 0.4;

/// A word, a run of blanks, or a sign.
#[derive(Clone, Copy)]
struct WordToken<'t> {
    /// Index of its line in the block.
    line: usize,
    text: &'t str,
    /// True when the other side lacks it.
    changed: bool,
}

/// The removed lines, then the added ones, with marks on the words that the other side lacks.
pub fn mark(old: &[&str], new: &[&str]) -> Vec<DiffLine> {
    let marked = compare(old, new);
    let side = |side, lines: &[&str], tokens: Option<&[WordToken<'_>]>| -> Vec<DiffLine> {
        match tokens {
            Some(tokens) => marked_lines(side, lines.len(), tokens),
            None => lines.iter().map(|line| plain_line(side, line)).collect(),
        }
    };
    let (before, after) = marked.as_ref().map(|(before, after)| (before.as_slice(), after.as_slice())).unzip();
    let mut lines = side(Side::Removed, old, before);
    lines.extend(side(Side::Added, new, after));
    lines
}

/// Returns a line without marks; its line end is taken away.
pub fn plain_line(side: Side, line: &str) -> DiffLine {
    let text = line.strip_suffix('\n').unwrap_or(line);
    let parts = if text.is_empty() { Vec::new() } else { vec![(false, text.to_owned())] };
    DiffLine { side, parts }
}

fn compare<'t>(old: &[&'t str], new: &[&'t str]) -> Option<(Vec<WordToken<'t>>, Vec<WordToken<'t>>)> {
    if old.is_empty() || new.is_empty() {
        return None;
    }
    let (mut old, mut new) = (tokens(old), tokens(new));
    if old.len() > MAX_WORDS || new.len() > MAX_WORDS {
        return None;
    }
    let texts = |tokens: &[WordToken<'t>]| -> Vec<&'t str> { tokens.iter().map(|token| token.text).collect() };
    let mut shared = 0;
    for op in capture_diff_slices(Algorithm::Myers, &texts(&old), &texts(&new)) {
        if let DiffOp::Equal { old_index, new_index, len } = op {
            for i in 0..len {
                old[old_index + i].changed = false;
                new[new_index + i].changed = false;
            }
            shared += weight(&old[old_index..old_index + len]);
        }
    }
    let whole = weight(&old) + weight(&new);
    (2.0 * shared as f64 >= MIN_SHARED * whole as f64).then_some((old, new))
}

/// Blanks are always alike and say nothing.
fn weight(tokens: &[WordToken<'_>]) -> usize {
    tokens.iter().filter(|token| !is_blank(token.text)).map(|token| token.text.len()).sum()
}

fn is_blank(text: &str) -> bool {
    text.chars().all(char::is_whitespace)
}

fn tokens<'t>(lines: &[&'t str]) -> Vec<WordToken<'t>> {
    #[derive(PartialEq)]
    enum Class {
        Word,
        Blank,
        Sign,
    }
    let class = |c: char| match c {
        c if c.is_alphanumeric() || c == '_' => Class::Word,
        // A line end of its own keeps the lines of the two sides together.
        '\n' => Class::Sign,
        c if c.is_whitespace() => Class::Blank,
        _ => Class::Sign,
    };
    let mut tokens = Vec::new();
    for (line, text) in lines.iter().enumerate() {
        let mut chars = text.char_indices().map(|(at, c)| (at, class(c))).peekable();
        while let Some((start, kind)) = chars.next() {
            while kind != Class::Sign && chars.next_if(|(_, next)| *next == kind).is_some() {}
            let end = chars.peek().map_or(text.len(), |(at, _)| *at);
            tokens.push(WordToken { line, text: &text[start..end], changed: true });
        }
    }
    tokens
}

fn marked_lines(side: Side, count: usize, tokens: &[WordToken<'_>]) -> Vec<DiffLine> {
    let mut rest = tokens;
    (0..count)
        .map(|line| {
            let (of_line, later) = rest.split_at(rest.iter().take_while(|token| token.line == line).count());
            rest = later;
            DiffLine { side, parts: parts(of_line) }
        })
        .collect()
}

/// One line's words joined into parts. Signs and blanks between two changed words count as changed, so
/// that marks do not fall apart. A line that changed as a whole needs no marks, and its indentation
/// needs one only when nothing else changed.
fn parts(tokens: &[WordToken<'_>]) -> Vec<(bool, String)> {
    let is_word = |token: &WordToken<'_>| token.text.starts_with(|c: char| c.is_alphanumeric() || c == '_');
    let whole = tokens.iter().all(|token| token.changed || is_blank(token.text));
    let only_blanks = tokens.iter().all(|token| !token.changed || is_blank(token.text));
    let is_marked = |at: usize| !whole && tokens[at].changed && (only_blanks || at > 0 || !is_blank(tokens[at].text));
    let mut parts: Vec<(bool, String)> = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        // As far as this token's mark reaches.
        let mut end = at + 1;
        let changed = is_marked(at);
        if changed {
            let words = tokens[at..].iter().position(|token| !token.changed && is_word(token));
            let reach = words.map_or(tokens.len(), |words| at + words);
            end = tokens[at..reach].iter().rposition(|token| token.changed).map_or(end, |last| at + last + 1);
        }
        let text: String = tokens[at..end].iter().map(|token| token.text).collect();
        at = end;
        let text = text.strip_suffix('\n').unwrap_or(&text);
        match parts.last_mut() {
            _ if text.is_empty() => {}
            Some((mark, joined)) if *mark == changed => joined.push_str(text),
            _ => parts.push((changed, text.to_owned())),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each line with `[…]` around what is marked.
    fn marked(old: &str, new: &str) -> Vec<String> {
        let lines = |text| crate::code::diff::split_lines(text);
        mark(&lines(old), &lines(new))
            .iter()
            .map(|line| line.parts.iter().map(|(m, t)| if *m { format!("[{t}]") } else { t.clone() }).collect())
            .collect()
    }

    #[test]
    fn only_the_words_that_differ_are_marked() {
        let lines = marked("set balance = balance - $1;\n", "set balance = balance + $1;\n");
        assert_eq!(lines, ["set balance = balance [-] $1;", "set balance = balance [+] $1;"]);
        assert_eq!(marked("f(a)\n", "f(a, b)\n"), ["f(a)", "f(a[, b])"]);
    }

    #[test]
    fn marks_do_not_fall_apart_at_signs() {
        let lines = marked("const a = old.name(x);\n", "const a = new.title(x);\n");
        assert_eq!(lines, ["const a = [old.name](x);", "const a = [new.title](x);"]);
    }

    #[test]
    fn rewritten_and_new_lines_carry_no_marks() {
        assert_eq!(marked("one two three\n", "four (five) six\n"), ["one two three", "four (five) six"]);
        assert_eq!(
            marked("  return x;\n", "  const y = 1;\n  return x + y;\n"),
            ["  return x;", "  const y = 1;", "  return x[ + y];"]
        );
        assert_eq!(marked("", "new\n"), ["new"]);
    }

    #[test]
    fn the_parts_are_the_line_also_without_a_line_end() {
        assert_eq!(marked("a b\n\nc", "a B\n\nc d"), ["a [b]", "", "c", "a [B]", "", "c[ d]"]);
        assert_eq!(marked("x\n", "x"), ["x", "x"]);
        assert_eq!(marked("a b\r\n", "a b\n"), ["a b[\r]", "a b"]);
    }
}
