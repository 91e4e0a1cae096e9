//! Measures text on a screen, and writes as psql does what a screen cannot show. Pure.

use unicode_width::UnicodeWidthChar;

use workshop_base::text;

/// Screen columns of a character: 0 for combining marks, 2 for wide ones. Control characters have none.
pub fn char_width(c: char) -> usize {
    c.width().unwrap_or(0)
}

/// The medium that a table is written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Medium {
    /// A file or a pipe: everything goes as it is, and is as wide as its characters are one by one, as in psql.
    #[default]
    File,
    /// A screen: what it would obey or show nothing of is written out, and the rest is as wide as it is drawn.
    Screen,
}

/// A value ready to be laid out.
pub enum Cell<'a> {
    /// One line of printable ASCII, as most are: as wide as it has bytes.
    Plain(&'a [u8]),
    Lines(Vec<CellLine>),
}

/// Takes a value for laying out. What is no UTF-8 is shown with replacement characters.
pub fn cell(value: &[u8], medium: Medium) -> Cell<'_> {
    if is_plain(value) { Cell::Plain(value) } else { Cell::Lines(lines(&String::from_utf8_lossy(value), medium)) }
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
pub struct CellLine {
    pub text: String,
    pub width: usize,
}

/// A value in lines, as psql shows it: tabs become spaces up to the next multiple of eight, carriage returns
/// `\r`, other controls `\x1B` or `\u0085`.
pub fn lines(value: &str, medium: Medium) -> Vec<CellLine> {
    value.split('\n').map(|text| line(text, medium)).collect()
}

fn line(value: &str, medium: Medium) -> CellLine {
    if is_plain(value.as_bytes()) {
        return CellLine { text: value.to_owned(), width: value.len() };
    }
    let mut out = CellLine { text: String::with_capacity(value.len()), width: 0 };
    for c in value.chars() {
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
            c if medium == Medium::Screen && text::is_unsafe(c) => {
                let shown = text::escaped(c);
                out.width += shown.len();
                out.text.push_str(&shown);
            }
            c => {
                out.text.push(c);
                out.width += char_width(c);
            }
        }
    }
    if medium == Medium::Screen {
        out.width = text::width(&out.text);
    }
    out
}

/// The columns of the widest line.
pub fn widest(value: &[u8], medium: Medium) -> usize {
    if is_plain(value) {
        return value.len();
    }
    lines(&String::from_utf8_lossy(value), medium).iter().map(|l| l.width).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_are_written_out_and_counted() {
        let shown = lines("a\tb\u{1b}[0m\r\n日本e\u{301}\u{85}", Medium::File);
        assert_eq!(shown[0].text, "a       b\\x1B[0m\\r");
        assert_eq!(shown[0].width, 18);
        assert_eq!((shown[1].text.as_str(), shown[1].width), ("日本e\u{301}\\u0085", 11));
        assert_eq!(widest(b"ab\nabc", Medium::File), 3);
    }

    #[test]
    fn a_screen_gets_what_it_shows_and_a_file_gets_what_there_is() {
        let cases = [
            ("a\u{200b}b", 2, "a<U+200B>b", 10),
            ("a\u{202e}b", 2, "a<U+202E>b", 10),
            ("\u{feff}x", 1, "<U+FEFF>x", 9),
            ("👩\u{200d}🚀", 4, "👩<U+200D>🚀", 12),
            ("e\u{301}", 1, "e\u{301}", 1),
            ("👍🏽", 4, "👍🏽", 2),
            ("❤\u{fe0f}", 1, "❤\u{fe0f}", 2),
            ("日本", 4, "日本", 4),
        ];
        for (value, width, shown, columns) in cases {
            assert_eq!(lines(value, Medium::File), [CellLine { text: value.to_owned(), width }]);
            assert_eq!(lines(value, Medium::Screen), [CellLine { text: shown.to_owned(), width: columns }]);
            // The last guard before the terminal finds nothing left to do.
            assert_eq!(text::sanitize(shown), shown);
        }
    }
}
