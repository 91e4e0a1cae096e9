//! The runs that a front end asks for.

use super::options::{ConsoleOutcome, ReadEnd};
use super::source::{LineSource, TextLines};
use super::state::Console;
use crate::complete::Candidate;
use crate::exec::options::SendOptions;
use crate::meta;
use crate::out::{AnySink, RunContext};
use crate::report::{Sink, SqlError, SqlLine, TxState};
use crate::vars::Echo;

impl Console {
    /// Runs an input: statements and backslash commands, any number of them; a last statement without its `;`
    /// is run too. Output goes to the sink as it comes.
    pub async fn run(&mut self, input: &str, sink: &mut impl Sink) -> ConsoleOutcome {
        let interactive = self.settings.options.interactive;
        self.run_lines(&mut TextLines::new(input), sink, interactive, None).await
    }

    /// Runs everything that a feed gives, until its end or `\q`. `place` names the file it comes from.
    pub async fn run_lines(
        &mut self,
        source: &mut dyn LineSource,
        sink: &mut dyn AnySink,
        interactive: bool,
        place: Option<&str>,
    ) -> ConsoleOutcome {
        self.link.canceller.reset();
        let mut cx = RunContext::new(sink, interactive);
        cx.place = place.map(|file| (file.to_owned(), 0));
        let end = self.read(source, &mut cx).await;
        self.refresh_names(&mut cx).await;
        self.outcome(cx, end).await
    }

    /// Runs one `-c` argument: a backslash command, or a text that is sent as one message. `source` gives the lines of the
    /// text, and what a COPY in it reads.
    pub async fn run_command(
        &mut self,
        text: &str,
        source: &mut dyn LineSource,
        sink: &mut dyn AnySink,
    ) -> ConsoleOutcome {
        if text.trim_start().starts_with('\\') {
            return self.run_lines(source, sink, false, None).await;
        }
        self.link.canceller.reset();
        let mut cx = RunContext::new(sink, false);
        if self.settings.vars.echo() == Echo::All {
            cx.say(SqlLine::Echo, &format!("{text}\n")).await;
        }
        let ok = self.send_from(text, &SendOptions::default(), &mut Some(source), &mut cx).await;
        self.outcome(cx, if ok { ReadEnd::Over } else { ReadEnd::Failed }).await
    }

    /// Runs a statement of the front end's own. Nothing is printed but an error.
    pub async fn run_quietly(&mut self, sql: &str, sink: &mut impl Sink) -> bool {
        let mut cx = RunContext::new(sink, false);
        meta::quietly(self, sql, &mut cx).await
    }

    /// Connects now, rather than with the first statement.
    ///
    /// # Errors
    /// When there is no connection to be had: the server's refusal, or an error of class 08.
    pub async fn connect(&mut self, sink: &mut impl Sink) -> Result<(), SqlError> {
        let mut cx = RunContext::new(sink, self.settings.options.interactive);
        let connected = self.connect_now(&mut cx).await;
        if let Err(message) = connected {
            let error = message.to_report();
            self.fail(message, "", &mut cx).await;
            return Err(error);
        }
        self.refresh_names(&mut cx).await;
        Ok(())
    }

    /// Returns candidates for the word at the cursor, as [`complete`](Self::complete) does, and connects first where
    /// there has been no connection: before that no names are known. What stands in the way of one is shown.
    pub async fn candidates(&mut self, text: &str, cursor: usize, sink: &mut impl Sink) -> (usize, Vec<Candidate>) {
        if !self.is_connected() && self.tx() == TxState::Idle {
            self.connect(sink).await.ok();
        }
        self.complete(text, cursor)
    }

    /// Runs the transaction again that ended in a conflict: all its statements, in order, in a new transaction.
    /// `None` when there is no such transaction.
    pub async fn retry_transaction(&mut self, sink: &mut impl Sink) -> Option<ConsoleOutcome> {
        let statements = self.link.conflict.take()?;
        self.link.canceller.reset();
        let mut cx = RunContext::new(sink, self.settings.options.interactive);
        let mut ok = true;
        if self.tx() == TxState::Failed {
            ok = self.send("ROLLBACK", &SendOptions::default(), &mut cx).await;
        }
        for statement in &statements {
            ok = ok && self.send(statement, &SendOptions::default(), &mut cx).await;
        }
        Some(self.outcome(cx, if ok { ReadEnd::Over } else { ReadEnd::Failed }).await)
    }

    async fn outcome(&mut self, mut cx: RunContext<'_>, end: ReadEnd) -> ConsoleOutcome {
        self.after_fatal(&mut cx).await;
        ConsoleOutcome {
            results: cx.results,
            tx: self.tx(),
            error: cx.error.map(|m| m.to_report()),
            quit: end == ReadEnd::Quit,
            edit: self.input.edit.take(),
            failed: matches!(end, ReadEnd::Failed | ReadEnd::Stopped | ReadEnd::Cancelled | ReadEnd::Unreachable),
            stopped: matches!(end, ReadEnd::Stopped | ReadEnd::Cancelled | ReadEnd::Unreachable),
            unreachable: self.link.down,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repl::Stdio;

    /// Compiles only while a run can be carried from thread to thread, as every front end does.
    fn is_send<'a>(console: &'a mut Console, sink: &'a mut Stdio) -> impl Send + use<'a> {
        console.run("", sink)
    }

    #[test]
    fn a_run_can_be_carried_from_thread_to_thread() {
        let _: fn(&'static mut Console, &'static mut Stdio) -> _ = is_send;
    }
}
