//! The loop that reads an input: lines are gathered into statements, which are sent, and commands are obeyed.

use super::{Console, Fed, Feed};
use crate::exec::Shape;
use crate::meta::{self, After};
use crate::out::Io;
use crate::report::{Loss, SqlLine};
use crate::scan::{ScanLine, ScanStop, is_empty};
use crate::vars::Echo;

/// How reading came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Over,
    /// Something failed, and it went on.
    Failed,
    /// An error under ON_ERROR_STOP.
    Stopped,
    Cancelled,
    /// There is no connection, and nobody there to ask for another one.
    Unreachable,
    Quit,
}

impl Console {
    /// Reads until the feed ends, and runs what it reads.
    pub(crate) async fn read(&mut self, feed: &mut dyn Feed, io: &mut Io<'_>) -> End {
        let mut end = End::Over;
        'input: loop {
            if self.canceller.is_wanted() {
                self.forget_input();
                return End::Cancelled;
            }
            if io.interactive && self.buffer.is_empty() {
                self.refresh_names(io).await;
            }
            feed.goes_on(&self.buffer);
            let prompt = self.prompt();
            let text = match feed.line(&prompt).await {
                Fed::Line(text) => text,
                Fed::Interrupted => {
                    self.forget_input();
                    continue;
                }
                Fed::End => break,
            };
            if let Some((_, line)) = &mut io.place {
                *line += 1;
            }
            if self.vars.echo() == Echo::All && !io.interactive {
                io.say(SqlLine::Echo, &format!("{text}\n")).await;
            }
            if self.buffer.is_empty() {
                self.typed.clear();
            } else if !self.typed.is_empty() {
                self.typed.push('\n');
            }
            self.typed.push_str(&text);
            match self.read_line(text, feed, io).await {
                After::Go => {}
                After::Failed => {
                    end = End::Failed;
                    if self.stops(io) {
                        self.forget_input();
                        return self.stopped();
                    }
                }
                After::Quit => return End::Quit,
                After::Edit => break 'input,
            }
        }
        if !self.buffer.trim().is_empty() && self.conditions.active() && self.edit.is_none() && feed.runs_rest() {
            let ok = self.send_buffer(&Shape::default(), feed, io).await;
            if !ok {
                end = if self.stops(io) { self.stopped() } else { End::Failed };
            }
        }
        self.forget_input();
        end
    }

    /// Runs what is complete on a line; keeps the rest for the next.
    async fn read_line(&mut self, text: String, feed: &mut dyn Feed, io: &mut Io<'_>) -> After {
        let mut after = After::Go;
        let newline = (!self.buffer.is_empty()).then(|| {
            self.buffer.push('\n');
            self.buffer.len()
        });
        let mut line = ScanLine::new(text);
        loop {
            let active = self.conditions.active();
            let vars = &self.vars;
            let lookup = |name: &str, quoting| vars.quoted(name, quoting);
            let stop = self.scanner.scan(&mut line, &mut self.buffer, active.then_some(&lookup));
            let single = stop == ScanStop::EndOfLine
                && self.vars.on("SINGLELINE")
                && !self.buffer.trim().is_empty()
                && !self.scanner.inside();
            match stop {
                ScanStop::EndOfLine if !single => return after,
                _ => self.remember(feed),
            }
            match stop {
                ScanStop::Semicolon | ScanStop::EndOfLine => {
                    if active {
                        if !self.send_buffer(&Shape::default(), feed, io).await {
                            after = After::Failed;
                        }
                    } else {
                        self.buffer.clear();
                    }
                }
                ScanStop::Backslash => {
                    if newline == Some(self.buffer.len()) {
                        self.buffer.pop();
                    }
                    match meta::command(self, &mut line, feed, io).await {
                        After::Go => {}
                        After::Failed => after = After::Failed,
                        done @ (After::Quit | After::Edit) => return done,
                    }
                }
            }
            if after == After::Failed && self.stops(io) {
                return after;
            }
        }
    }

    /// Sends the statement that has been read, and begins a new one. An empty one stands for the one before,
    /// where a command sends it.
    pub(crate) async fn send_buffer(&mut self, shape: &Shape, feed: &mut dyn Feed, io: &mut Io<'_>) -> bool {
        let sql = std::mem::take(&mut self.buffer);
        self.scanner.reset();
        if is_empty(&sql) {
            return true;
        }
        let ok = self.send_from(&sql, shape, &mut Some(feed), io).await;
        self.previous = sql;
        self.after_fatal(io).await;
        ok
    }

    /// Whether an error ends what is being read. A script does not go on with another connection than the one that
    /// broke under it: what it would do there was meant to follow what is lost.
    pub(crate) fn stops(&self, io: &Io<'_>) -> bool {
        self.canceller.is_wanted() || !io.interactive && (self.vars.on("ON_ERROR_STOP") || self.is_gone())
    }

    fn is_gone(&self) -> bool {
        self.down || self.lost != Loss::Nothing
    }

    /// Why it ends.
    fn stopped(&self) -> End {
        match () {
            () if self.canceller.is_wanted() => End::Cancelled,
            () if self.is_gone() => End::Unreachable,
            () => End::Stopped,
        }
    }

    /// Puts what has been typed into the history, before it runs: what ends the program is found there too.
    fn remember(&mut self, feed: &mut dyn Feed) {
        let typed = std::mem::take(&mut self.typed);
        let spaced =
            typed.starts_with(' ') && matches!(self.vars.get("HISTCONTROL"), Some("ignorespace" | "ignoreboth"));
        if !typed.is_empty() && !spaced {
            feed.remember(&typed);
        }
    }

    pub(crate) fn forget_input(&mut self) {
        self.typed.clear();
        self.buffer.clear();
        self.scanner.reset();
    }
}

/// The next line of the data of a COPY; none behind `\.` or at the end of the input.
pub(crate) async fn data_line(feed: &mut dyn Feed, prompt: &str, io: &mut Io<'_>) -> Fed {
    let line = feed.line(prompt).await;
    if let (Fed::Line(_), Some((_, n))) = (&line, &mut io.place) {
        *n += 1;
    }
    match line {
        Fed::Line(line) if line == "\\." => Fed::End,
        line => line,
    }
}

/// Passes over the data of a COPY that nobody takes.
pub(crate) async fn gobble(feed: &mut dyn Feed, io: &mut Io<'_>) {
    while let Fed::Line(_) = data_line(feed, "", io).await {}
}
