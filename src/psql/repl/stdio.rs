//! Standard input and output as a feed and a sink.

use std::io::{BufWriter, IsTerminal, Write};

use futures::future::BoxFuture;

use crate::cancel::Canceller;
use crate::console::{InputLine, LineSource, TextLines, without_mark};
use crate::report::{Paging, Sink, SqlLine};
use workshop_base::text::sanitize;

use super::pager::PagerText;

/// Results to the standard output, the rest to the standard error; byte for byte, unless it is a terminal.
pub struct Stdio {
    out: BufWriter<std::io::Stdout>,
    out_is_screen: bool,
    err_is_screen: bool,
    color: bool,
    canceller: Canceller,
    /// Nobody reads the output any more.
    closed: bool,
    /// The program that long output is read in, on a screen.
    pager: Option<String>,
    /// The output that it may get.
    page: Option<PagerText>,
}

/// Bytes gathered before the operating system is called.
const GATHERED: usize = 256 * 1024;

impl Stdio {
    /// Makes a sink that cancels what runs when nobody reads its output any more.
    pub fn new(canceller: Canceller, color: bool) -> Stdio {
        Stdio {
            out: BufWriter::with_capacity(GATHERED, std::io::stdout()),
            out_is_screen: std::io::stdout().is_terminal(),
            err_is_screen: std::io::stderr().is_terminal(),
            color,
            canceller,
            closed: false,
            pager: None,
            page: None,
        }
    }

    /// Gives long output to a pager, where the output is a screen.
    pub fn page_through(&mut self, pager: Option<String>) {
        self.pager = pager.filter(|_| self.out_is_screen);
    }

    /// Tells whether nobody reads the output any more.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// A message of the command itself.
    pub fn complain(&mut self, text: &str) {
        self.say(SqlLine::Error, &format!("workshop sql: {text}\n"));
    }

    /// Writes a text where its kind goes, safe for a terminal where that is one.
    pub fn say(&mut self, kind: SqlLine, text: &str) {
        match kind {
            SqlLine::Echo | SqlLine::Header | SqlLine::Row | SqlLine::Footer | SqlLine::Status => {
                let safe = if self.out_is_screen { sanitize(text) } else { text.into() };
                if self.out.write_all(safe.as_bytes()).is_err() {
                    self.closed = true;
                }
                if self.out_is_screen {
                    Sink::flush(self);
                }
            }
            // Cancelled because nobody reads: that is no news to anybody.
            SqlLine::Notice | SqlLine::Error | SqlLine::Hint if self.closed => {}
            SqlLine::Notice | SqlLine::Error | SqlLine::Hint => {
                // What came before stands before.
                Sink::flush(self);
                let safe = if self.err_is_screen { sanitize(text) } else { text.into() };
                let safe = if kind == SqlLine::Hint { format!("Note: {safe}").into() } else { safe };
                let painted = match (self.color && self.err_is_screen, kind) {
                    (true, SqlLine::Error) => paint(&safe, "31"),
                    (true, SqlLine::Hint) => paint(&safe, "36"),
                    _ => safe.into_owned(),
                };
                std::io::stderr().write_all(painted.as_bytes()).ok();
            }
        }
    }
}

/// Colours whole lines, with one of the terminal's own sixteen colours.
fn paint(text: &str, color: &str) -> String {
    text.lines().map(|line| format!("\x1b[{color}m{line}\x1b[0m\n")).collect()
}

impl Sink for Stdio {
    async fn lines(&mut self, lines: Vec<(SqlLine, String)>) {
        for (kind, line) in lines {
            self.say(kind, &format!("{line}\n"));
        }
    }

    fn is_screen(&self) -> bool {
        self.out_is_screen
    }

    fn flush(&mut self) {
        if self.out.flush().is_err() {
            self.closed = true;
        }
    }

    fn begin_page(&mut self, page: Paging) {
        let (rows, columns) = rustix::termios::tcgetwinsize(std::io::stdout())
            .map_or((0, 0), |size| (usize::from(size.ws_row), usize::from(size.ws_col)));
        if self.pager.is_some() && (rows > 0 || page.always) {
            // As in psql, the line of the next prompt has to fit too.
            let room = if page.always { 0 } else { (rows.max(page.least)).saturating_sub(1) };
            self.page = Some(PagerText::new(room, (page.wide && columns > 0).then_some(columns)));
        }
    }

    async fn end_page(&mut self) {
        if let Some(page) = self.page.take() {
            let rest = page.rest().await;
            self.say(SqlLine::Row, &rest);
        }
    }

    async fn text(&mut self, kind: SqlLine, text: &str) {
        if let (Some(page), Some(pager)) = (&mut self.page, &self.pager)
            && !matches!(kind, SqlLine::Notice | SqlLine::Error | SqlLine::Hint)
        {
            if let Err(error) = page.write(&sanitize(text), pager).await {
                self.complain(&format!("the pager {pager} could not be started: {error}"));
                self.pager = None;
                Sink::end_page(self).await;
            }
            return;
        }
        self.say(kind, text);
        if self.closed && !self.canceller.is_wanted() {
            // `workshop sql … | head` has what it wanted.
            self.canceller.cancel().await.ok();
        }
    }
}

/// Lines of a standard input that is no terminal, read as they are needed.
#[derive(Default)]
pub struct StdinLines {
    begun: bool,
}

impl LineSource for StdinLines {
    fn line<'a>(&'a mut self, _prompt: &'a str) -> BoxFuture<'a, InputLine> {
        Box::pin(async {
            let read = tokio::task::spawn_blocking(|| {
                let mut line = Vec::new();
                std::io::BufRead::read_until(&mut std::io::stdin().lock(), b'\n', &mut line).map(|n| (n, line))
            });
            match read.await {
                Ok(Ok((n, mut line))) if n > 0 => {
                    if line.last() == Some(&b'\n') {
                        line.pop();
                    }
                    let begun = std::mem::replace(&mut self.begun, true);
                    InputLine::of(if begun { line } else { without_mark(line) })
                }
                _ => InputLine::End,
            }
        })
    }
}

/// The lines of a `-f` or a `-c`, beside which the standard input holds what they ask for.
pub struct ScriptLines {
    lines: TextLines,
    standard: StdinLines,
    /// The data of a COPY stand in the standard input, too.
    is_command: bool,
}

impl ScriptLines {
    /// Takes the text of a file, which holds the data of its COPY.
    pub fn file(text: Vec<u8>) -> ScriptLines {
        ScriptLines { lines: TextLines::new(text), standard: StdinLines::default(), is_command: false }
    }

    /// Takes a command.
    pub fn command(text: &str) -> ScriptLines {
        ScriptLines { is_command: true, ..ScriptLines::file(text.into()) }
    }
}

impl LineSource for ScriptLines {
    fn line<'a>(&'a mut self, prompt: &'a str) -> BoxFuture<'a, InputLine> {
        self.lines.line(prompt)
    }

    fn data<'a>(&'a mut self, prompt: &'a str) -> BoxFuture<'a, InputLine> {
        if self.is_command { self.standard.line(prompt) } else { self.lines.line(prompt) }
    }

    fn ask<'a>(&'a mut self, prompt: &'a str) -> BoxFuture<'a, InputLine> {
        let mut out = std::io::stdout();
        // Nobody may be there to read it.
        out.write_all(sanitize(prompt).as_bytes()).and_then(|()| out.flush()).ok();
        self.standard.line(prompt)
    }
}
