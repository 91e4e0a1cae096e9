//! Styled text broken into rows of a given width. Pure.
//!
//! Invariant: no row is wider than asked (in terminal columns), and no text is lost.

use ratatui::style::Style;
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthChar;

use workshop_base::text::{graphemes, is_plain};

pub use workshop_base::text::width;

fn char_width(c: char) -> usize {
    UnicodeWidthChar::width(c).unwrap_or(0)
}

pub const TAB: usize = 4;

/// Tabs as blanks, up to the next stop.
pub fn expand_tabs(text: &str) -> std::borrow::Cow<'_, str> {
    if !text.contains('\t') {
        return text.into();
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut column = 0;
    for c in text.chars() {
        if c == '\t' {
            let blanks = TAB - column % TAB;
            out.extend(std::iter::repeat_n(' ', blanks));
            column += blanks;
        } else {
            out.push(c);
            column += char_width(c);
        }
    }
    out.into()
}

/// Breaks at blanks where it can and inside a word where it must. The first row begins with `first`,
/// the others with `rest`.
pub fn words(spans: &[Span<'_>], width: usize, first: &Span<'static>, rest: &Span<'static>) -> Vec<Line<'static>> {
    let width = width.max(4);
    let mut rows: Vec<Vec<Span<'static>>> = Vec::new();
    let mut row: Vec<Span<'static>> = vec![first.clone()];
    let mut used = self::width(&first.content);
    let mut has_text = false;
    let indent = self::width(&rest.content).min(width - 1);
    for word in split(spans) {
        let wide = word.width;
        if word.blank {
            if has_text && used + wide <= width {
                push(&mut row, &word);
                used += wide;
            } else if has_text {
                // A blank at the end of a row is the break itself.
                finish(&mut rows, &mut row, rest);
                used = indent;
                has_text = false;
            }
            continue;
        }
        if used + wide > width && has_text {
            finish(&mut rows, &mut row, rest);
            used = indent;
        }
        if used + wide <= width {
            push(&mut row, &word);
            used += wide;
            has_text = true;
            continue;
        }
        // Longer than a row: cut, behind a sign where there is one.
        let characters: Vec<(Style, char)> =
            word.parts.iter().flat_map(|(style, text)| text.chars().map(|c| (*style, c))).collect();
        let mut left = characters.as_slice();
        while !left.is_empty() {
            let mut room = width.saturating_sub(used);
            let fits = left.iter().take_while(|(_, c)| {
                let w = char_width(*c);
                let fits = w <= room;
                room = room.saturating_sub(w);
                fits
            });
            let fits = fits.count().max(usize::from(used <= indent));
            let cut = if fits < left.len() { behind_sign(&left[..fits]).unwrap_or(fits) } else { fits };
            let (now, later) = left.split_at(cut);
            for same in now.chunk_by(|a, b| a.0 == b.0) {
                row.push(Span::styled(same.iter().map(|(_, c)| *c).collect::<String>(), same[0].0));
            }
            used += now.iter().map(|(_, c)| char_width(*c)).sum::<usize>();
            left = later;
            if !left.is_empty() {
                finish(&mut rows, &mut row, rest);
                used = indent;
            }
        }
        has_text = true;
    }
    rows.push(row);
    rows.into_iter().map(|spans| trimmed(Line::from(spans))).collect()
}

/// Returns where a part of a long word (an ARN, a path, an address) is cut: behind its last sign, unless that leaves more
/// than half of it for the next row.
fn behind_sign(part: &[(Style, char)]) -> Option<usize> {
    let at = part.iter().rposition(|(_, c)| SIGNS.contains(c))? + 1;
    (at * 2 > part.len()).then_some(at)
}

/// Signs behind which a word may go on in the next row.
const SIGNS: &[char] = &['/', '-', ':', '.', ',', '=', '_', '&', '?', ';'];

/// Breaks plain text at the width alone, as a terminal does. Byte ranges into `text`.
pub fn hard(text: &str, width: usize) -> Vec<std::ops::Range<usize>> {
    let width = width.max(1);
    if text.is_ascii() {
        if text.len() <= width {
            return std::iter::once(0..text.len()).collect();
        }
        return (0..text.len()).step_by(width).map(|at| at..(at + width).min(text.len())).collect();
    }
    let mut rows = Vec::new();
    let (mut start, mut used) = (0, 0);
    for (at, _, w) in graphemes(text) {
        if used + w > width && at > start {
            rows.push(start..at);
            start = at;
            used = 0;
        }
        used += w;
    }
    rows.push(start..text.len());
    rows
}

/// Breaks plain text behind its blanks, and inside a word where that is longer than a row. Byte ranges into `text`,
/// a blank that does not fit left out. Rows after the first are `hang` columns shorter.
pub fn soft(text: &str, width: usize, hang: usize) -> Vec<std::ops::Range<usize>> {
    let whole = width.max(1);
    let later = whole.saturating_sub(hang).max(1);
    let mut rows = Vec::new();
    let (mut start, mut used, mut blank, mut sign) = (0, 0, None, None);
    'text: for (at, c, w) in graphemes(text) {
        // What comes after the blank may be too long for a row of its own.
        while used + w > if rows.is_empty() { whole } else { later } && at > start {
            if c == " " {
                rows.push(start..at);
                (start, used, blank, sign) = (at + 1, 0, None, None);
                continue 'text;
            }
            // A sign that would leave most of the row empty is no place to break.
            let behind = sign.take().filter(|(_, column)| column * 2 > used).map(|(at, _)| at);
            let end = blank.take().or(behind).unwrap_or(at);
            rows.push(start..end);
            start = end;
            used = self::width(&text[end..at]);
        }
        used += w;
        if c.chars().all(|c| SIGNS.contains(&c)) {
            sign = Some((at + c.len(), used));
        }
        // The blanks that a line begins with are its indentation.
        if c == " " && !text[..at].trim_start().is_empty() {
            blank = Some(at + 1);
        }
    }
    rows.push(start..text.len());
    rows
}

/// Breaks a line of code that is too long: at a blank unless that leaves most of the row empty, else at the
/// width. What follows is indented like the line, and a little more. Depends on the text alone, not on its styles.
pub fn code(spans: Vec<Span<'static>>, width: usize) -> Vec<Vec<Span<'static>>> {
    let width = width.max(8);
    if spans.iter().map(|s| self::width(&s.content)).sum::<usize>() <= width {
        return vec![spans];
    }
    let text: String = spans.iter().map(|s| s.content.as_ref()).collect();
    let indent = code_indent(&text, width);
    let (mut rows, mut row, mut at) = (Vec::new(), Vec::new(), 0);
    let mut ends = code_breaks(&text, width, indent).into_iter();
    let mut end = ends.next().unwrap_or(text.len());
    for span in spans {
        let mut rest = span.content.as_ref();
        while at + rest.len() > end {
            let (here, after) = rest.split_at(end - at);
            row.push(Span::styled(here.to_owned(), span.style));
            rows.push(std::mem::replace(&mut row, vec![Span::raw(" ".repeat(indent))]));
            at = end;
            rest = after;
            end = ends.next().unwrap_or(text.len());
        }
        at += rest.len();
        row.push(Span::styled(rest.to_owned(), span.style));
    }
    rows.push(row);
    rows
}

/// Counts the rows that [`code`] makes of it.
pub fn code_rows(text: &str, width: usize) -> usize {
    let width = width.max(8);
    match is_plain(text) {
        true if text.len() <= width => 1,
        true => plain_breaks(text.as_bytes(), width, code_indent(text, width)).count() + 1,
        false if self::width(text) <= width => 1,
        false => wide_breaks(text, width, code_indent(text, width)).len() + 1,
    }
}

fn code_indent(text: &str, width: usize) -> usize {
    let own = text.chars().take_while(|c| *c == ' ').count();
    (own + 2).min(width / 3)
}

/// Finds where the rows of a long line end, all but the last: byte offsets.
fn code_breaks(text: &str, width: usize, indent: usize) -> Vec<usize> {
    match is_plain(text) {
        true => plain_breaks(text.as_bytes(), width, indent).collect(),
        false => wide_breaks(text, width, indent),
    }
}

fn plain_breaks(text: &[u8], width: usize, indent: usize) -> impl Iterator<Item = usize> {
    let (mut start, mut lead) = (0, 0);
    std::iter::from_fn(move || {
        let row = text[start..].get(..width - lead).filter(|row| start + row.len() < text.len())?;
        let blank = row.iter().rposition(|b| *b == b' ').filter(|at| lead + at + 1 > width / 4);
        start += blank.map_or(row.len(), |at| at + 1);
        lead = indent;
        Some(start)
    })
}

fn wide_breaks(text: &str, width: usize, indent: usize) -> Vec<usize> {
    let mut ends = Vec::new();
    let (mut start, mut used, mut blank) = (0, 0, None);
    for (at, c) in text.char_indices() {
        let w = char_width(c);
        // What comes after the blank may be too long for an indented row of its own.
        while used + w > width && at > start {
            let end = blank.filter(|end| *end > start).unwrap_or(at);
            ends.push(end);
            used = indent + self::width(&text[end..at]);
            (start, blank) = (end, None);
        }
        used += w;
        if c == ' ' && used > width / 4 {
            blank = Some(at + 1);
        }
    }
    ends
}

/// The part of `text` that shows when the first `skip` columns are scrolled away and `width` are left.
pub fn slice(text: &str, skip: usize, width: usize) -> &str {
    if text.is_ascii() {
        let start = skip.min(text.len());
        return &text[start..(start + width).min(text.len())];
    }
    let (mut column, mut start, mut end) = (0, text.len(), text.len());
    for (at, _, w) in graphemes(text) {
        if column >= skip && start == text.len() {
            start = at;
        }
        if column + w > skip + width {
            end = at;
            break;
        }
        column += w;
    }
    &text[start.min(end)..end]
}

/// At most `width` columns, cut in the middle: of names that begin alike, the end tells more.
pub fn fit_middle(text: &str, width: usize) -> std::borrow::Cow<'_, str> {
    let wide = self::width(text);
    if wide <= width || width < 8 {
        return fit(text, width);
    }
    let end = (width - 1) / 2;
    format!("{}…{}", slice(text, 0, width - 1 - end), slice(text, wide - end, end)).into()
}

/// At most `width` columns; a cut shows as `…`.
pub fn fit(text: &str, width: usize) -> std::borrow::Cow<'_, str> {
    if self::width(text) <= width {
        return text.into();
    }
    if width == 0 {
        return "".into();
    }
    format!("{}…", slice(text, 0, width - 1)).into()
}

struct Word {
    blank: bool,
    width: usize,
    parts: Vec<(Style, String)>,
}

/// Words and the blanks between them; a word may change its style inside.
fn split(spans: &[Span<'_>]) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let is_blank = |byte: u8| byte == b' ' || byte == b'\n';
    for span in spans {
        let mut rest = span.content.as_ref();
        while let Some(first) = rest.bytes().next() {
            let blank = is_blank(first);
            let end = rest.bytes().position(|byte| is_blank(byte) != blank).unwrap_or(rest.len());
            let (part, after) = rest.split_at(end);
            rest = after;
            let wide = match blank || is_plain(part) {
                true => part.len(),
                false => part.chars().map(char_width).sum(),
            };
            let text = if blank { " ".repeat(wide) } else { part.to_owned() };
            match words.last_mut() {
                Some(word) if word.blank == blank => {
                    word.width += wide;
                    word.parts.push((span.style, text));
                }
                _ => words.push(Word { blank, width: wide, parts: vec![(span.style, text)] }),
            }
        }
    }
    words
}

fn push(row: &mut Vec<Span<'static>>, word: &Word) {
    for (style, text) in &word.parts {
        match row.last_mut() {
            Some(last) if last.style == *style => last.content.to_mut().push_str(text),
            _ => row.push(Span::styled(text.clone(), *style)),
        }
    }
}

fn finish(rows: &mut Vec<Vec<Span<'static>>>, row: &mut Vec<Span<'static>>, rest: &Span<'static>) {
    rows.push(std::mem::replace(row, vec![rest.clone()]));
}

fn trimmed(mut line: Line<'static>) -> Line<'static> {
    if let Some(last) = line.spans.last_mut()
        && last.content.ends_with(' ')
        && line.style == Style::default()
    {
        let kept = last.content.trim_end_matches(' ').len();
        last.content.to_mut().truncate(kept);
    }
    line.spans.retain(|span| !span.content.is_empty());
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(text: &str, width: usize) -> Vec<String> {
        let rows = words(&[Span::raw(text.to_string())], width, &Span::raw("- "), &Span::raw("  "));
        rows.iter().map(|row| row.to_string()).collect()
    }

    #[test]
    fn breaks_at_blanks_and_indents_the_rest() {
        assert_eq!(wrapped("one two three four", 10), ["- one two", "  three", "  four"]);
    }

    #[test]
    fn cuts_a_word_that_is_longer_than_a_row() {
        assert_eq!(wrapped("abcdefghijkl", 6), ["- abcd", "  efgh", "  ijkl"]);
    }

    #[test]
    fn no_row_is_too_wide_for_wide_characters() {
        for row in wrapped("世界世界世界 a世界", 7) {
            assert!(width(&row) <= 7, "{row}");
        }
        for range in hard("世界世界a", 3) {
            assert!(width(&"世界世界a"[range]) <= 3);
        }
        for range in soft(" abc世", 4, 0) {
            assert!(width(&" abc世"[range]) <= 4);
        }
        // As wide as the row without the indent that it gets.
        assert_eq!(wide_breaks(" a aaaaaa ", 9, 3), [3, 9]);
    }

    #[test]
    fn prose_keeps_its_words_whole_where_they_fit() {
        let broken = |text: &'static str, width| soft(text, width, 0).into_iter().map(|r| &text[r]).collect::<Vec<_>>();
        assert_eq!(broken("run the whole again", 10), ["run the ", "whole ", "again"]);
        assert_eq!(broken("run the", 7), ["run the"]);
        let hung = soft("  run the whole again", 10, 4).into_iter().map(|r| &"  run the whole again"[r]);
        assert_eq!(hung.collect::<Vec<_>>(), ["  run the ", "whole ", "again"]);
        assert_eq!(broken("run the whole", 7), ["run the", "whole"]);
        assert_eq!(broken("abcdefgh ij", 3), ["abc", "def", "gh ", "ij"]);
        assert_eq!(broken("世界 世界世", 5), ["世界 ", "世界", "世"]);
        assert_eq!(broken("", 5), [""]);
    }

    #[test]
    fn a_slice_is_cut_at_both_ends() {
        assert_eq!(slice("abcdef", 2, 3), "cde");
        assert_eq!(slice("aé世x", 1, 3), "é世");
        assert_eq!(slice("ab", 5, 3), "");
        assert_eq!(fit("abcdef", 4), "abc…");
    }

    proptest::proptest! {
        #[test]
        fn text_of_one_column_a_byte_breaks_as_any_other(text in "[a-c ]{0,120}", width in 8_usize..60) {
            let indent = code_indent(&text, width);
            proptest::prop_assert_eq!(code_breaks(&text, width, indent), wide_breaks(&text, width, indent));
        }
    }

    #[test]
    fn a_word_that_is_too_long_is_cut_behind_a_sign() {
        let none = Span::raw("");
        let broken = |text: &'static str, width| -> Vec<String> {
            words(&[Span::raw(text)], width, &none, &none).iter().map(ToString::to_string).collect()
        };
        assert_eq!(broken("see arn:aws:iam::1:role/Some-Name", 12), ["see", "arn:aws:iam:", ":1:role/", "Some-Name"]);
        assert_eq!(broken("abcdefghijklmnop", 6), ["abcdef", "ghijkl", "mnop"]);
        assert_eq!(broken("a/bcdefghijklm", 8), ["a/bcdefg", "hijklm"], "not where a row would stay empty");
    }

    #[test]
    fn names_that_begin_alike_keep_their_ends() {
        assert_eq!(fit_middle("ReinventFunctionServiceRole", 15), "Reinven…iceRole");
        assert_eq!(fit_middle("short", 15), "short");
    }
}
