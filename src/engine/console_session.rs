//! A console session of a run: the console of `workshop sql`, whose output becomes events.

use std::path::PathBuf;
use std::sync::Arc;

use super::cloud::{BoxFuture, SessionNews, SessionSink, SqlEnd, SqlSession};
use super::model::{SqlCandidate, SqlPrompts};
use workshop_psql::cancel::Canceller;
use workshop_psql::complete::Candidate;
use workshop_psql::console::{Console, ConsoleOptions, ConsoleOutcome};
use workshop_psql::report::{SessionEvent, Sink, SqlLine};
use workshop_psql::session::Connector;

pub struct ConsoleSession {
    console: Console,
    canceller: Canceller,
}

impl ConsoleSession {
    /// Makes a session that connects at its first input. Where file names begin is `directory`; `hints` explain errors as
    /// DSQL means them.
    pub fn new(connector: Connector, role: String, directory: PathBuf, hints: bool) -> ConsoleSession {
        // A front end owns the terminal: nothing that the console starts may write to it.
        let options = ConsoleOptions { shell: false, directory, hints, ..ConsoleOptions::default() };
        let console = Console::new(connector, role, options);
        ConsoleSession { canceller: console.canceller(), console }
    }
}

impl SqlSession for ConsoleSession {
    fn run<'a>(&'a mut self, input: &'a str, sink: SessionSink) -> BoxFuture<'a, SqlEnd> {
        Box::pin(async move {
            let mut lines = ToSession(sink);
            let outcome = self.console.run(input, &mut lines).await;
            self.ended(outcome, lines).await
        })
    }

    fn retry(&mut self, sink: SessionSink) -> BoxFuture<'_, SqlEnd> {
        Box::pin(async move {
            let mut lines = ToSession(sink);
            match self.console.retry_transaction(&mut lines).await {
                Some(outcome) => self.ended(outcome, lines).await,
                None => {
                    lines.lines(vec![(SqlLine::Hint, NOTHING_TO_RETRY.to_owned())]).await;
                    SqlEnd { tx: self.console.tx(), ..SqlEnd::default() }
                }
            }
        })
    }

    fn complete<'a>(
        &'a mut self,
        text: &'a str,
        cursor: usize,
        sink: SessionSink,
    ) -> BoxFuture<'a, (usize, Vec<SqlCandidate>)> {
        Box::pin(async move {
            let (from, found) = self.console.candidates(text, cursor, &mut ToSession(sink)).await;
            let candidate = |c: Candidate| SqlCandidate { text: c.text, kind: c.kind.word().to_owned() };
            (from, found.into_iter().map(candidate).collect())
        })
    }

    fn set_columns(&mut self, columns: Option<usize>) {
        self.console.set_columns(columns);
    }

    fn canceller(&self) -> Arc<dyn Fn() + Send + Sync> {
        let canceller = self.canceller.clone();
        Arc::new(move || {
            let canceller = canceller.clone();
            // Its own task: who cancels must not wait for a second connection. If that fails, the console
            // gives its connection up by itself.
            tokio::spawn(async move {
                let _ = canceller.cancel().await;
            });
        })
    }
}

impl ConsoleSession {
    async fn ended(&mut self, outcome: ConsoleOutcome, mut lines: ToSession) -> SqlEnd {
        if outcome.edit.is_some() {
            lines.lines(vec![(SqlLine::Hint, NO_EDITOR.to_owned())]).await;
        }
        let (first, more) = self.console.prompts();
        SqlEnd {
            results: outcome.results,
            tx: outcome.tx,
            error: outcome.error,
            prompts: Some(SqlPrompts { first, more }),
            ..SqlEnd::default()
        }
    }
}

struct ToSession(SessionSink);

impl ToSession {
    async fn send(&mut self, news: SessionNews) {
        // The session's task ends when nobody listens any more.
        let _ = self.0.0.send(news).await;
    }
}

impl Sink for ToSession {
    async fn lines(&mut self, lines: Vec<(SqlLine, String)>) {
        self.send(SessionNews::Lines(lines)).await;
    }

    async fn event(&mut self, event: SessionEvent) {
        let news = match event {
            SessionEvent::Opened { role, host } => SessionNews::Opened { role, host },
            SessionEvent::Lost { loss, reason } => SessionNews::Lost { loss, reason },
        };
        self.send(news).await;
    }
}

const NOTHING_TO_RETRY: &str = "there is no transaction that ended in a conflict";
const NO_EDITOR: &str = "\\e needs a console of its own: workshop sql";
