//! The simple protocol: one message holds any number of statements, run as one transaction unless they
//! say otherwise.

use std::sync::Arc;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncWrite};

use super::run::StatementSource;
use super::types::{ExpectedReply, KNOWN, KNOWN_LEN, ProxySession, ReplySink, SessionEnd, SessionPhase};
use crate::backend::Message;
use crate::classify;
use crate::statement::{SqlStatement, StatementKind};
use crate::texts::Rule;
use crate::wire;

impl<S: AsyncRead + AsyncWrite + Unpin> ProxySession<S> {
    pub(super) async fn simple(&mut self, message: Message) -> Result<(), SessionEnd> {
        let Some(sql) = wire::cstr(&mut message.body()) else {
            let Some(bytes) = wire::invalid_utf8(message.kind, message.body()) else {
                return self.malformed("invalid string in message").await;
            };
            Box::pin(self.fail(Rule::Encoding.fill(&[&bytes]))).await?;
            self.ready_for_query();
            return Ok(());
        };
        if self.is_plain(sql) {
            self.frontend.names.statements.remove("");
            self.frontend.names.portals.remove("");
            return self.pass_query(&message).await;
        }
        let statements = self.classified(sql);
        // A query takes the place of the client's unnamed statement and portal, by the protocol.
        self.frontend.names.statements.remove("");
        if statements.is_empty() {
            wire::put_empty(&mut self.frontend.client.out, b'I');
            self.ready_for_query();
            return Ok(());
        }
        let unread = statements.len() > 1 || controls_in_words(&statements[0]);
        if unread && Box::pin(self.objected(sql, &statements)).await? {
            self.ready_for_query();
            return Ok(());
        }
        let failed = matches!(self.control.phase, SessionPhase::Failed);
        let before = self.frontend.names.portals.remove("");
        self.run_all(sql, &statements, &message).await?;
        if matches!(self.control.phase, SessionPhase::Failed) {
            self.frontend.names.unnamed_portal_after_failure(before, failed);
        }
        Ok(())
    }

    async fn run_all(
        &mut self,
        sql: &str,
        statements: &[Arc<SqlStatement>],
        message: &Message,
    ) -> Result<(), SessionEnd> {
        match statements {
            [one] if self.passes(one) => {
                if let Some(query) = self.order_of(one) {
                    let mut ordered = BytesMut::new();
                    wire::put_query(&mut ordered, &one.placed(&query.sql));
                    self.pipeline.edited.push((self.pipeline.expected.len(), one.before, query.edits.clone()));
                    return self.pass_query(&Message { kind: b'Q', raw: ordered.freeze() }).await;
                }
                self.remember_plain(sql, one);
                return self.pass_query(message).await;
            }
            _ => {}
        }
        let alone = statements.len() == 1;
        for (at, statement) in statements.iter().enumerate() {
            let source = StatementSource::Simple { alone, last: at + 1 == statements.len() };
            if !Box::pin(self.step(statement, &source)).await? {
                break;
            }
        }
        Box::pin(self.end_implicit()).await?;
        self.ready_for_query();
        Ok(())
    }

    /// Has PostgreSQL answer the client itself.
    async fn pass_query(&mut self, message: &Message) -> Result<(), SessionEnd> {
        self.tell_parameters();
        self.frontend.names.unnamed_live = false;
        self.pipeline.server.send_raw(&message.raw).await.map_err(SessionEnd::Server)?;
        self.pipeline.expected.push_back(ExpectedReply::Query(ReplySink::Raw));
        self.receive().await.map(drop)
    }

    /// Returns whether a text differs in numbers only from a read that was passed on as it was: what a plain read is does
    /// not depend on them.
    fn is_plain(&mut self, sql: &str) -> bool {
        let version = self.cluster.catalog();
        let current = self.texts.known_at == version && self.control.seen == version;
        current
            && matches!(self.control.phase, SessionPhase::Idle)
            && !self.texts.plain.is_empty()
            && without_numbers(sql, &mut self.texts.shape)
            && self.texts.plain.contains(self.texts.shape.as_str())
    }

    /// Remembers a read that was passed on as it was, whatever its numbers.
    fn remember_plain(&mut self, sql: &str, statement: &SqlStatement) {
        let plain = statement.kind == StatementKind::Read && statement.ordered.is_none() && statement.rewrite.is_none();
        if plain
            && matches!(self.control.phase, SessionPhase::Idle)
            && self.texts.plain.len() < KNOWN
            && without_numbers(sql, &mut self.texts.shape)
        {
            self.texts.plain.insert(self.texts.shape.as_str().into());
        }
    }

    /// PostgreSQL reads a whole query before it runs any of it: whether it objects, and has been heard.
    async fn objected(&mut self, sql: &str, statements: &[Arc<SqlStatement>]) -> Result<bool, SessionEnd> {
        if self.texts.sound.contains(sql) {
            return Ok(false);
        }
        match self.cluster.objection(&classify::grammar_probe(sql, statements)).await {
            Some(body) => {
                wire::put(&mut self.frontend.client.out, b'E', |out| out.extend_from_slice(&body));
                self.abort().await.map(|()| true)
            }
            None => {
                if sql.len() <= KNOWN_LEN {
                    self.texts.sound.insert(sql.into());
                }
                Ok(false)
            }
        }
    }

    /// A lone read outside of a transaction needs nothing from us: bytes in, bytes out. Nor does what
    /// PostgreSQL will not run in a transaction that has failed.
    pub(super) fn passes(&self, statement: &Arc<SqlStatement>) -> bool {
        if statement.foreign() {
            return false;
        }
        match self.control.phase {
            SessionPhase::Idle => {
                statement.kind == StatementKind::Read
                    && statement.explain.is_none()
                    && (statement.uses.names.is_empty() || self.control.seen == self.cluster.catalog())
            }
            SessionPhase::Failed => !matches!(statement.kind, StatementKind::Commit | StatementKind::Rollback),
            SessionPhase::Open(_) => false,
        }
    }
}

/// Returns whether it is a BEGIN, COMMIT or ROLLBACK with more than its word: we do those in the place of PostgreSQL, which
/// else would never read what follows.
fn controls_in_words(statement: &SqlStatement) -> bool {
    let controls =
        matches!(statement.kind, StatementKind::Begin { .. } | StatementKind::Commit | StatementKind::Rollback);
    controls && !statement.foreign() && !statement.text.bytes().all(|b| b.is_ascii_alphabetic())
}

/// Writes a text to `shape` with 0 in the place of each number. False where that is not plain: with quotes, comments or
/// letters beyond ASCII, or in a long text.
fn without_numbers(sql: &str, shape: &mut String) -> bool {
    shape.clear();
    if sql.len() > KNOWN_LEN {
        return false;
    }
    let (mut last, mut in_word, mut in_number) = (0, false, false);
    for byte in sql.bytes() {
        match byte {
            b'\'' | b'"' | b'$' | b'\\' | 0x80.. => return false,
            b'-' if last == b'-' => return false,
            b'*' if last == b'/' => return false,
            b'0'..=b'9' if !in_word => {
                if !in_number {
                    shape.push('0');
                }
                in_number = true;
            }
            _ => {
                in_word = byte.is_ascii_alphanumeric() || byte == b'_';
                in_number = false;
                shape.push(char::from(byte));
            }
        }
        last = byte;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_without_its_numbers_has_its_words() {
        let shape = |sql: &str| {
            let mut shape = String::new();
            without_numbers(sql, &mut shape).then_some(shape)
        };
        assert_eq!(shape("select a1 from t2 where id = 123").as_deref(), Some("select a1 from t2 where id = 0"));
        assert_eq!(shape("select 1.5+ 20,(3)").as_deref(), Some("select 0.0+ 0,(0)"));
        // Where a digit may be more than one of a number it stays.
        assert_eq!(shape("select 1e5, 0x1f, 1_0").as_deref(), Some("select 0e5, 0x1f, 0_0"));
        for odd in ["select '1'", "select \"a1\"", "select $1", "select 1 --2", "select 1 /*2*/", "select 1 as \u{e9}"]
        {
            assert_eq!(shape(odd), None, "{odd}");
        }
    }
}
