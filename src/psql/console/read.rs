//! The loop that reads an input: lines are gathered into statements, which are sent, and commands are obeyed.

use super::options::ReadEnd;
use super::source::{InputLine, LineSource};
use super::state::{Console, ConsoleInput};
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
            // The next line may be long in coming.
            cx.sink.flush();
            let canceller = self.canceller();
            let line = tokio::select! {
                line = source.line(&prompt) => line,
                // A pipe or a terminal may give none for long. Where a person types, the line editor has the key.
                () = canceller.wanted(), if !cx.interactive => continue,
            };
            if !matches!(line, InputLine::End) {
                self.input.ends = 0;
            }
            let text = match line {
                InputLine::Line(text) => text,
                InputLine::NotText(bytes) => self.read_broken(bytes),
                InputLine::Interrupted => {
                    self.input.forget();
                    self.escape(cx).await;
                    continue;
                }
                InputLine::End => {
                    if !source.runs_rest() && self.goes_on_behind_end(cx).await {
                        continue;
                    }
                    break;
                }
            };
            if let Some((_, line)) = &mut cx.place {
                *line += 1;
            }
            // As in psql, an empty line is no part of a statement, but within its quotes: errors count its lines without.
            if text.is_empty() && !self.input.scanner.inside() {
                continue;
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
                Control::Quit => {
                    end = ReadEnd::Quit;
                    break 'input;
                }
                Control::Edit => break 'input,
            }
        }
        // As in psql, a script's `\q` ends its last statement as its own end does.
        let quits = end == ReadEnd::Quit;
        let runs_rest = source.runs_rest() && !(quits && cx.interactive);
        if self.input.has_statement() && self.input.conditions.active() && self.input.edit.is_none() && runs_rest {
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
            if !quits {
                cx.complain("reached EOF without finding closing \\endif(s)").await;
                end = if self.stops(cx) { self.stopped() } else { ReadEnd::Failed };
            }
            self.input.conditions.truncate(open);
        }
        self.input.forget();
        end
    }

    /// Leaves the innermost `\if`, in which a person may not know to be.
    async fn escape(&mut self, cx: &mut RunContext<'_>) {
        let depth = self.input.conditions.depth();
        if cx.interactive && depth > 0 {
            self.input.conditions.truncate(depth - 1);
            cx.complain("\\if: escaped").await;
        }
    }

    /// Tells whether a person's Ctrl-D is passed over, as IGNOREEOF wants so many times, and says what to type instead.
    async fn goes_on_behind_end(&mut self, cx: &mut RunContext<'_>) -> bool {
        let most = self.settings.vars.get("IGNOREEOF").and_then(|n| n.parse::<u32>().ok()).unwrap_or(0);
        self.input.ends += 1;
        if !cx.interactive || self.input.ends >= most {
            return false;
        }
        if !self.settings.vars.on("QUIET") {
            cx.say(SqlLine::Status, "Use \"\\q\" to leave workshop sql.\n").await;
        }
        true
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
        let mut newline = (!self.input.buffer.is_empty()).then(|| {
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
                    // It went with its statement.
                    newline = None;
                    if active {
                        if !self.send_buffer(&SendOptions::default(), source, cx).await {
                            after = Control::Failed;
                        }
                    } else {
                        let ConsoleInput { conditions, buffer, scanner, .. } = &mut self.input;
                        conditions.rewind(buffer, &mut scanner.parens);
                        if cx.interactive {
                            cx.complain("query ignored; use \\endif to exit current \\if block").await;
                        }
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
            if stop == ScanStop::EndOfLine || after == Control::Failed && self.stops(cx) {
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
            // As in psql, a `;` alone is the statement that ran last: what ran before it is not run again by a `\g`.
            if sql.contains(';') {
                self.input.previous = sql;
            }
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
