//! The source of a console's lines, and the data of a COPY among them.

use futures::future::BoxFuture;

use crate::out::RunContext;

/// A source of lines.
pub trait LineSource: Send {
    /// Reads the next line, without its newline.
    fn line<'a>(&'a mut self, prompt: &'a str) -> BoxFuture<'a, InputLine>;
    /// Reads the next line of the data of a COPY, which stand in the input itself, but for one that is no more than a command.
    fn data<'a>(&'a mut self, prompt: &'a str) -> BoxFuture<'a, InputLine> {
        self.line(prompt)
    }
    /// Asks whoever runs the input: the person, or the standard input, where the input itself is a file.
    fn ask<'a>(&'a mut self, prompt: &'a str) -> BoxFuture<'a, InputLine> {
        self.line(prompt)
    }
    /// Tells what the next line goes on with; nothing, where it begins a statement.
    fn goes_on(&mut self, _statement: &str) {}
    /// Takes a complete statement or command, as it was typed, into the history.
    fn remember(&mut self, _text: &str) {}
    /// Tells whether a last statement without its `;` runs too. Not where a person gives up with Ctrl-D.
    fn runs_rest(&self) -> bool {
        true
    }
    /// Returns what has been remembered, newest last.
    fn history(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A line, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InputLine {
    Line(String),
    /// A line that is not UTF-8, as it stands.
    NotText(Vec<u8>),
    /// The person threw the line away (Ctrl-C).
    Interrupted,
    End,
}

impl InputLine {
    /// Reads a line from its bytes, without its newline.
    pub fn of(bytes: Vec<u8>) -> InputLine {
        String::from_utf8(bytes).map_or_else(|error| InputLine::NotText(error.into_bytes()), InputLine::Line)
    }
}

/// Lines of a text.
pub struct TextLines {
    rest: Vec<u8>,
    at: usize,
}

/// The mark that some editors put at the head of a file. It is no part of the text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl TextLines {
    /// Takes the lines of a text, or of the bytes of a file, of which some may be no text.
    pub fn new(text: impl Into<Vec<u8>>) -> TextLines {
        let rest = text.into();
        let at = if rest.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
        TextLines { rest, at }
    }
}

impl LineSource for TextLines {
    fn line<'a>(&'a mut self, _prompt: &'a str) -> BoxFuture<'a, InputLine> {
        let rest = &self.rest[self.at..];
        let line = if rest.is_empty() {
            InputLine::End
        } else {
            let end = rest.iter().position(|&b| b == b'\n');
            self.at += end.map_or(rest.len(), |end| end + 1);
            InputLine::of(rest[..end.unwrap_or(rest.len())].to_vec())
        };
        Box::pin(std::future::ready(line))
    }
}

/// A file that is read in the middle of another input.
pub(crate) struct IncludedLines<'a> {
    pub lines: TextLines,
    /// The input that includes it.
    pub outer: &'a mut dyn LineSource,
}

impl LineSource for IncludedLines<'_> {
    fn line<'a>(&'a mut self, prompt: &'a str) -> BoxFuture<'a, InputLine> {
        self.lines.line(prompt)
    }

    fn ask<'a>(&'a mut self, prompt: &'a str) -> BoxFuture<'a, InputLine> {
        self.outer.ask(prompt)
    }

    fn history(&self) -> Vec<String> {
        self.outer.history()
    }
}

/// Takes a byte-order mark from the first line of an input.
pub(crate) fn without_mark(mut line: Vec<u8>) -> Vec<u8> {
    if line.starts_with(BYTE_ORDER_MARK) {
        line.drain(..BYTE_ORDER_MARK.len());
    }
    line
}

/// Reads the next line of the data of a COPY; none behind `\.` or at the end of the input.
pub(crate) async fn data_line(source: &mut dyn LineSource, prompt: &str, cx: &mut RunContext<'_>) -> InputLine {
    let line = source.data(prompt).await;
    note_line(&line, cx);
    until_mark(line)
}

/// Counts a line of a file.
fn note_line(line: &InputLine, cx: &mut RunContext<'_>) {
    if let (InputLine::Line(_) | InputLine::NotText(_), Some((_, n))) = (line, &mut cx.place) {
        *n += 1;
    }
}

/// Takes the mark that ends the data of a COPY for their end.
pub(crate) fn until_mark(line: InputLine) -> InputLine {
    match line {
        InputLine::Line(line) if line.strip_suffix('\r').unwrap_or(&line) == "\\." => InputLine::End,
        line => line,
    }
}

/// Passes over the data of a COPY that nobody takes.
pub(crate) async fn skip_copy_data(source: &mut dyn LineSource, cx: &mut RunContext<'_>) {
    // Not what a command alone would read: that is no part of the input.
    loop {
        let line = source.line("").await;
        note_line(&line, cx);
        if matches!(until_mark(line), InputLine::End | InputLine::Interrupted) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(text: &[u8]) -> Vec<InputLine> {
        let (mut source, mut out) = (TextLines::new(text), Vec::new());
        loop {
            match source.line("").await {
                InputLine::End => return out,
                line => out.push(line),
            }
        }
    }

    #[tokio::test]
    async fn lines_are_cut_at_newlines_and_nothing_of_them_is_lost() {
        let text = |line: &str| InputLine::Line(line.to_owned());
        assert_eq!(
            lines(b"\xef\xbb\xbfa\n\nb\r\n\xef\xbb\xbfc").await,
            [text("a"), text(""), text("b\r"), text("\u{feff}c")]
        );
        assert_eq!(lines(b"a\xff\nb").await, [InputLine::NotText(b"a\xff".to_vec()), text("b")]);
        assert_eq!(lines(b"").await, []);
    }
}
