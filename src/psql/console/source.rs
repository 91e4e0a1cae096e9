//! The source of a console's lines, and the data of a COPY among them.

use futures::future::BoxFuture;

use crate::out::RunContext;

/// A source of lines.
pub trait LineSource: Send {
    /// Reads the next line, without its newline.
    fn line<'a>(&'a mut self, prompt: &'a str) -> BoxFuture<'a, InputLine>;
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
    /// The person threw the line away (Ctrl-C).
    Interrupted,
    End,
}

/// Lines of a text.
pub struct TextLines {
    lines: std::vec::IntoIter<String>,
}

impl TextLines {
    /// Cuts a text into its lines.
    pub fn new(text: &str) -> TextLines {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        TextLines { lines: lines.into_iter() }
    }
}

impl LineSource for TextLines {
    fn line<'a>(&'a mut self, _prompt: &'a str) -> BoxFuture<'a, InputLine> {
        let line = self.lines.next().map_or(InputLine::End, InputLine::Line);
        Box::pin(std::future::ready(line))
    }
}

/// Reads the next line of the data of a COPY; none behind `\.` or at the end of the input.
pub(crate) async fn data_line(source: &mut dyn LineSource, prompt: &str, cx: &mut RunContext<'_>) -> InputLine {
    let line = source.line(prompt).await;
    if let (InputLine::Line(_), Some((_, n))) = (&line, &mut cx.place) {
        *n += 1;
    }
    match line {
        InputLine::Line(line) if line == "\\." => InputLine::End,
        line => line,
    }
}

/// Passes over the data of a COPY that nobody takes.
pub(crate) async fn skip_copy_data(source: &mut dyn LineSource, cx: &mut RunContext<'_>) {
    while let InputLine::Line(_) = data_line(source, "", cx).await {}
}
