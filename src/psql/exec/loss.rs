//! Connections that end: what went with them, and what may be sent after that.
//!
//! Invariants: a loss is told as what it is, or as not known; it stays until the person acknowledges it, whatever
//! happens to later connections; nothing is sent again.

use std::io;

use workshop_base::sql;

use super::options::ServerAnswer;
use crate::console::Console;
use crate::out::RunContext;
use crate::report::{Loss, SessionEvent, TxState};
use crate::servererror::ServerMessage;

impl Console {
    /// Makes sure of a connection for a statement of the person's own. After a loss nothing goes out until that is
    /// acknowledged.
    ///
    /// # Errors
    /// While a loss is not acknowledged, and when there is no connection to be had.
    pub(crate) async fn ready(&mut self, sql: &str, cx: &mut RunContext<'_>) -> Result<(), ServerMessage> {
        self.look(cx).await?;
        if let Some(refusal) = refusal(self.link.lost) {
            match sql::first_word(sql).to_ascii_lowercase().as_str() {
                "rollback" | "abort" | "begin" | "start" => self.link.lost = Loss::Nothing,
                _ => return Err(refusal),
            }
        }
        self.reach(cx).await
    }

    /// Makes sure of a connection. A connection that died while idle is replaced silently; with an open
    /// transaction it is not, because what comes next was meant for that transaction.
    ///
    /// # Errors
    /// When a transaction was lost, or there is no connection to be had.
    pub(crate) async fn reach(&mut self, cx: &mut RunContext<'_>) -> Result<(), ServerMessage> {
        self.look(cx).await?;
        if self.link.connection.is_none() {
            self.connect_now(cx).await?;
        }
        Ok(())
    }

    /// Looks whether the connection has died meanwhile.
    async fn look(&mut self, cx: &mut RunContext<'_>) -> Result<(), ServerMessage> {
        if let Some(link) = &mut self.link.connection
            && link.is_dead().await
        {
            let loss = Loss::of(link.tx);
            let error = io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed the connection");
            self.lose(&error, loss, cx).await;
            if loss == Loss::Transaction {
                return Err(message(&error, loss, None));
            }
        }
        Ok(())
    }

    /// Notes that the connection is gone.
    pub(crate) async fn lose(&mut self, error: &io::Error, loss: Loss, cx: &mut RunContext<'_>) {
        self.link.connection = None;
        self.link.lost = self.link.lost.max(loss);
        self.link.log.clear();
        cx.sink.event(SessionEvent::Lost { loss, reason: error.to_string() }).await;
    }

    /// The server ended the session with its error (an age limit, an administrator): what was open is gone.
    pub(crate) fn note_fatal(&mut self, answer: &mut ServerAnswer, before: TxState, sql: &str) {
        let loss = under(before, sql);
        self.link.fatal = Some(loss);
        if let (Some(error), Some(text)) = (&mut answer.error, still(loss)) {
            error.hint.get_or_insert_with(|| text.to_owned());
        }
    }

    /// The server has ended the session with its last error: the connection is of no use any more.
    pub(crate) async fn after_fatal(&mut self, cx: &mut RunContext<'_>) {
        if let Some(loss) = self.link.fatal.take() {
            self.lose(&io::Error::other("the server ended the session"), loss, cx).await;
        }
    }
}

/// Returns what is lost with a connection that breaks under a text, sent while the transaction stood as `before`.
pub(crate) fn under(before: TxState, sql: &str) -> Loss {
    let commits = |sql: &&str| ["commit", "end"].iter().any(|end| sql::first_word(sql).eq_ignore_ascii_case(end));
    match before {
        // Of an open transaction nothing is stored, unless its COMMIT was on its way.
        TxState::Open | TxState::Unknown if sql::statements(sql).iter().any(commits) => Loss::Outcome,
        _ => Loss::of(before),
    }
}

/// The error for a connection that broke, which says what that means for the work. `under` is how the transaction
/// stood when a text was sent; none when nothing was.
pub(crate) fn message(error: &io::Error, loss: Loss, under: Option<TxState>) -> ServerMessage {
    let mut message = ServerMessage::own("08006", format!("the connection was lost: {error}"));
    message.severity = "FATAL".to_owned();
    let (detail, hint) = match (loss, under) {
        (Loss::Transaction, None) => (LOST_BEFORE, STILL_LOST),
        (Loss::Transaction, Some(_)) => (LOST_TRANSACTION, STILL_LOST),
        (Loss::Outcome, _) => (LOST_AT_COMMIT, LOOK_FIRST),
        (Loss::Nothing, _) => (LOST_STATEMENT, LOOK_FIRST),
    };
    message.detail = Some(detail.to_owned());
    message.hint = Some(hint.to_owned());
    message
}

/// Returns what is said to a statement that follows a loss.
fn refusal(loss: Loss) -> Option<ServerMessage> {
    still(loss).map(|text| ServerMessage::own("25P02", text))
}

fn still(loss: Loss) -> Option<&'static str> {
    match loss {
        Loss::Nothing => None,
        Loss::Transaction => Some(STILL_LOST),
        Loss::Outcome => Some(STILL_UNKNOWN),
    }
}

const STILL_LOST: &str =
    "the transaction was lost with its connection, and nothing of it is stored; ROLLBACK, then run it again";
const STILL_UNKNOWN: &str = "the connection was lost during COMMIT, and whether the transaction is stored is not \
                             known; ROLLBACK, then look at the data before you run it again";
const LOST_BEFORE: &str = "A transaction was open. This statement was not sent.";
const LOST_TRANSACTION: &str = "A transaction was open. Nothing of it is stored.";
const LOST_AT_COMMIT: &str = "The connection broke during COMMIT: the transaction is stored whole, or not at all.";
const LOST_STATEMENT: &str = "The statement may have taken effect or not. It is not sent again by itself.";
const LOOK_FIRST: &str = "look at the data before you run it again";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_broken_connection_took_is_known_only_before_its_commit() {
        let cases = [
            (TxState::Idle, "insert into t values (1); commit", Loss::Nothing),
            (TxState::Open, "update t set n = 1", Loss::Transaction),
            (TxState::Open, "update t set n = case when true then 1 end", Loss::Transaction),
            (TxState::Open, "-- at last\nCommit", Loss::Outcome),
            (TxState::Open, "END", Loss::Outcome),
            (TxState::Open, "/* a /* b */ c */ commit", Loss::Outcome),
            (TxState::Open, "/* commit; /* */ commit */ select 1", Loss::Transaction),
            (TxState::Open, "update t set n = 1; commit; select 1", Loss::Outcome),
            (TxState::Failed, "commit", Loss::Transaction),
        ];
        for (before, sql, loss) in cases {
            assert_eq!(under(before, sql), loss, "{sql}");
        }
    }
}
