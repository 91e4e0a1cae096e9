//! Where a console's lines come from.

use futures::future::BoxFuture;

/// Where lines come from.
pub trait Feed: Send {
    /// The next line, without its newline.
    fn line<'a>(&'a mut self, prompt: &'a str) -> BoxFuture<'a, Fed>;
    /// What the next line goes on with; nothing, where it begins a statement.
    fn goes_on(&mut self, _statement: &str) {}
    /// A statement or a command is complete, as it was typed: for the history.
    fn remember(&mut self, _text: &str) {}
    /// Whether a last statement without its `;` runs too. Not where a person gives up with Ctrl-D.
    fn runs_rest(&self) -> bool {
        true
    }
    /// What has been remembered, newest last.
    fn history(&self) -> Vec<String> {
        Vec::new()
    }
}

/// What a feed gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fed {
    Line(String),
    /// The person threw the line away (Ctrl-C).
    Interrupted,
    End,
}

/// Lines of a text.
pub struct TextFeed {
    lines: std::vec::IntoIter<String>,
}

impl TextFeed {
    pub fn new(text: &str) -> TextFeed {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        TextFeed { lines: lines.into_iter() }
    }
}

impl Feed for TextFeed {
    fn line<'a>(&'a mut self, _prompt: &'a str) -> BoxFuture<'a, Fed> {
        let line = self.lines.next().map_or(Fed::End, Fed::Line);
        Box::pin(std::future::ready(line))
    }
}
