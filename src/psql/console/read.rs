//! The loop that reads an input: lines are gathered into statements, which are sent, and commands are obeyed.

use super::options::ReadEnd;
use super::source::{InputLine, LineSource};
use super::state::Console;
use crate::exec::options::SendOptions;
use crate::meta::{self, Control};
use crate::out::RunContext;
use crate::report::SqlLine;
use crate::scan::{ScanLine, ScanStop, is_empty};
use crate::vars::Echo;

impl Console {
    /// Reads until the feed ends, and runs what it reads.
    pub(crate) async fn read(&mut self, source: &mut dyn LineSource, cx: &mut RunContext<'_>) -> ReadEnd {
        let mut end = ReadEnd::Over;
        let open = self.input.conditions.depth();
        'input: loop {
            if self.link.canceller.is_wanted() {
                self.input.forget();
                return ReadEnd::Cancelled;
            }
            if cx.interactive && self.input.buffer.is_empty() {
                self.refresh_names(cx).await;
            }
            source.goes_on(&self.input.buffer);
            let prompt = self.prompt();
            let text = match source.line(&prompt).await {
                InputLine::Line(text) => text,
                InputLine::NotText(bytes) => self.read_broken(bytes),
                InputLine::Interrupted => {
                    self.input.forget();
                    continue;
                }
                InputLine::End => break,
            };
            if let Some((_, line)) = &mut cx.place {
                *line += 1;
            }
            if self.settings.vars.echo() == Echo::All && !cx.interactive {
                cx.say(SqlLine::Echo, &format!("{text}\n")).await;
            }
            if self.input.buffer.is_empty() {
                self.input.typed.clear();
            } else if !self.input.typed.is_empty() {
                self.input.typed.push('\n');
            }
            self.input.typed.push_str(&text);
            match self.read_line(text, source, cx).await {
                Control::Continue => {}
                Control::Failed => {
                    end = ReadEnd::Failed;
                    if self.stops(cx) {
                        self.input.forget();
                        return self.stopped();
                    }
                }
                Control::Quit => return ReadEnd::Quit,
                Control::Edit => break 'input,
            }
        }
        if self.input.has_statement()
            && self.input.conditions.active()
            && self.input.edit.is_none()
            && source.runs_rest()
        {
            let ok = self.send_buffer(&SendOptions::default(), source, cx).await;
            if !ok {
                if self.stops(cx) {
                    self.input.forget();
                    return self.stopped();
                }
                end = ReadEnd::Failed;
            }
        }
        if !cx.interactive && self.input.conditions.depth() > open {
            cx.complain("reached EOF without finding closing \\endif(s)").await;
            self.input.conditions.truncate(open);
            end = if self.stops(cx) { self.stopped() } else { ReadEnd::Failed };
        }
        self.input.forget();
        end
    }

    /// Reads a line that is not text: its statement is not sent, but the bytes that are wrong in it, so that the server
    /// refuses it in its own words and with what that means for a transaction.
    fn read_broken(&mut self, bytes: Vec<u8>) -> String {
        let at = std::str::from_utf8(&bytes).map_or_else(|error| error.valid_up_to(), str::len);
        // The server names a character by as many bytes as its first one asks for.
        self.input.broken.get_or_insert_with(|| bytes[at..].iter().copied().chain([b'\n']).take(4).collect());
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Runs what is complete on a line; keeps the rest for the next.
    async fn read_line(&mut self, text: String, source: &mut dyn LineSource, cx: &mut RunContext<'_>) -> Control {
        let mut after = Control::Continue;
        let newline = (!self.input.buffer.is_empty()).then(|| {
            self.input.buffer.push('\n');
            self.input.buffer.len()
        });
        let mut line = ScanLine::new(text);
        loop {
            let active = self.input.conditions.active();
            let vars = &self.settings.vars;
            let lookup = |name: &str, quoting| vars.quoted(name, quoting);
            let stop = self.input.scanner.scan(&mut line, &mut self.input.buffer, active.then_some(&lookup));
            let single = stop == ScanStop::EndOfLine
                && self.settings.vars.on("SINGLELINE")
                && !self.input.buffer.trim().is_empty()
                && !self.input.scanner.inside();
            match stop {
                ScanStop::EndOfLine if !single => return after,
                _ => self.remember(source),
            }
            match stop {
                ScanStop::Semicolon | ScanStop::EndOfLine => {
                    if active {
                        if !self.send_buffer(&SendOptions::default(), source, cx).await {
                            after = Control::Failed;
                        }
                    } else {
                        self.input.buffer.clear();
                    }
                }
                ScanStop::Backslash => {
                    if newline == Some(self.input.buffer.len()) {
                        self.input.buffer.pop();
                    }
                    match meta::command(self, &mut line, source, cx).await {
                        Control::Continue => {}
                        Control::Failed => after = Control::Failed,
                        done @ (Control::Quit | Control::Edit) => return done,
                    }
                }
            }
            if after == Control::Failed && self.stops(cx) {
                return after;
            }
        }
    }

    /// Sends the statement that has been read, and begins a new one. An empty one stands for the one before,
    /// where a command sends it.
    pub(crate) async fn send_buffer(
        &mut self,
        how: &SendOptions,
        source: &mut dyn LineSource,
        cx: &mut RunContext<'_>,
    ) -> bool {
        let sql = std::mem::take(&mut self.input.buffer);
        self.input.scanner.reset();
        let broken = self.input.broken.take();
        if is_empty(&sql) {
            return true;
        }
        if let Some(bytes) = broken {
            let ok = self.send_broken(&bytes, cx).await;
            self.after_fatal(cx).await;
            return ok;
        }
        let ok = self.send_from(&sql, how, &mut Some(source), cx).await;
        self.input.previous = sql;
        self.after_fatal(cx).await;
        ok
    }

    /// Tells whether an error ends what is being read. A script does not go on with another connection than the one that
    /// broke under it: what it would do there was meant to follow what is lost.
    pub(crate) fn stops(&self, cx: &RunContext<'_>) -> bool {
        self.link.canceller.is_wanted()
            || !cx.interactive && (self.settings.vars.on("ON_ERROR_STOP") || self.link.is_gone())
    }

    /// Why it ends.
    fn stopped(&self) -> ReadEnd {
        match () {
            () if self.link.canceller.is_wanted() => ReadEnd::Cancelled,
            () if self.link.is_gone() => ReadEnd::Unreachable,
            () => ReadEnd::Stopped,
        }
    }

    /// Puts what has been typed into the history, before it runs: what ends the program is found there too.
    fn remember(&mut self, source: &mut dyn LineSource) {
        let typed = std::mem::take(&mut self.input.typed);
        let spaced = typed.starts_with(' ')
            && matches!(self.settings.vars.get("HISTCONTROL"), Some("ignorespace" | "ignoreboth"));
        if !typed.is_empty() && !spaced {
            source.remember(&typed);
        }
    }
}
