//! How wide text is on a screen, and how psql writes what a screen cannot show. Pure.

use unicode_width::UnicodeWidthChar;

/// Screen columns of a character: 0 for combining marks, 2 for wide ones. Control characters have none.
pub fn char_width(c: char) -> usize {
    c.width().unwrap_or(0)
}

/// A value ready to be laid out.
pub enum Cell<'a> {
    /// One line of printable ASCII, as most are: as wide as it has bytes.
    Plain(&'a [u8]),
    Lines(Vec<Line>),
}

/// Takes a value for laying out. What is no UTF-8 is shown with replacement characters.
pub fn cell(value: &[u8]) -> Cell<'_> {
    if is_plain(value) { Cell::Plain(value) } else { Cell::Lines(lines(&String::from_utf8_lossy(value))) }
}

impl Cell<'_> {
    /// Lines that it takes.
    pub fn height(&self) -> usize {
        match self {
            Cell::Plain(_) => 1,
            Cell::Lines(lines) => lines.len(),
        }
    }

    /// One of its lines: what is written, and how many columns that takes.
    pub fn line(&self, n: usize) -> Option<(&[u8], usize)> {
        match self {
            Cell::Plain(text) => (n == 0).then_some((*text, text.len())),
            Cell::Lines(lines) => lines.get(n).map(|line| (line.text.as_bytes(), line.width)),
        }
    }
}

fn is_plain(value: &[u8]) -> bool {
    value.iter().all(|b| (0x20..0x7f).contains(b))
}

/// One line of a value, as it is written, and its screen columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub text: String,
    pub width: usize,
}

/// A value in lines, as psql shows it: tabs become spaces up to the next multiple of eight, carriage returns
/// `\r`, other controls `\x1B` or `\u0085`.
pub fn lines(value: &str) -> Vec<Line> {
    value.split('\n').map(line).collect()
}

fn line(text: &str) -> Line {
    if is_plain(text.as_bytes()) {
        return Line { text: text.to_owned(), width: text.len() };
    }
    let mut out = Line { text: String::with_capacity(text.len()), width: 0 };
    for c in text.chars() {
        match c {
            '\t' => {
                let spaces = 8 - out.width % 8;
                out.text.extend(std::iter::repeat_n(' ', spaces));
                out.width += spaces;
            }
            '\r' => {
                out.text.push_str("\\r");
                out.width += 2;
            }
            c if c.is_ascii_control() => {
                out.text.push_str(&format!("\\x{:02X}", u32::from(c)));
                out.width += 4;
            }
            c if c.is_control() => {
                out.text.push_str(&format!("\\u{:04X}", u32::from(c)));
                out.width += 6;
            }
            c => {
                out.text.push(c);
                out.width += char_width(c);
            }
        }
    }
    out
}

/// The columns of the widest line.
pub fn widest(value: &[u8]) -> usize {
    if is_plain(value) {
        return value.len();
    }
    lines(&String::from_utf8_lossy(value)).iter().map(|l| l.width).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_are_written_out_and_counted() {
        let shown = lines("a\tb\u{1b}[0m\r\n日本e\u{301}\u{85}");
        assert_eq!(shown[0].text, "a       b\\x1B[0m\\r");
        assert_eq!(shown[0].width, 18);
        assert_eq!((shown[1].text.as_str(), shown[1].width), ("日本e\u{301}\\u0085", 11));
        assert_eq!(widest(b"ab\nabc"), 3);
    }
}
