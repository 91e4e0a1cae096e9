//! What PostgreSQL is given in a statement's place, and where in the client's own query its errors point.

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite};

use super::names::Prepared;
use super::types::{ExpectedReply, ProxySession, ReplySink, SessionPhase};
use crate::edits::{Edits, UNEDITED};
use crate::shadow;
use crate::statement::{OrderedQuery, ProxyStep, SqlStatement};
use crate::texts;
use crate::txn::WriteMode;
use crate::wire;

impl<S: AsyncRead + AsyncWrite + Unpin> ProxySession<S> {
    /// Returns the statement in the order of its tables, where that is known (not to a transaction that has defined
    /// something itself), and not how they lie.
    pub(super) fn order_of<'a>(&self, statement: &'a SqlStatement) -> Option<&'a OrderedQuery> {
        let query = statement.ordered.as_ref()?;
        let (defines, writes) = match &self.control.phase {
            SessionPhase::Open(txn) => (txn.ddl, txn.dml),
            SessionPhase::Idle | SessionPhase::Failed => (false, false),
        };
        let order = &self.cluster.table_order;
        let needless = match query.joins {
            true => query.relations.iter().any(|relation| order.is_large(relation)),
            false => !writes && query.relations.iter().all(|relation| order.lies_in_order(relation)),
        };
        (!defines && !needless).then_some(query)
    }

    /// Returns what PostgreSQL is given now.
    pub(super) fn text_of<'a>(&self, statement: &'a SqlStatement) -> &'a str {
        self.wording(statement).0
    }

    /// Returns what PostgreSQL is given now, and what of it is not the client's.
    fn wording<'a>(&self, statement: &'a SqlStatement) -> (&'a str, &'a Edits) {
        match (self.order_of(statement), &statement.rewrite) {
            (Some(query), _) => (&query.sql, &query.edits),
            (None, Some(rewrite)) => (&rewrite.sql, &rewrite.edits),
            (None, None) => (&statement.text, &UNEDITED),
        }
    }

    /// Has PostgreSQL prepare a statement as it is given now, or, under a name, when its table may lie otherwise.
    /// False: that is what the client has sent.
    pub(super) fn prepare(&mut self, name: &str, statement: &SqlStatement, types: &[u8]) -> bool {
        let defines = matches!(&self.control.phase, SessionPhase::Open(txn) if txn.ddl);
        let lasting = statement.ordered.as_ref().filter(|query| !name.is_empty() && !query.joins && !defines);
        let wording = lasting.map_or_else(|| self.wording(statement), |query| (query.sql.as_str(), &query.edits));
        let other = wording.0 != &*statement.text;
        if other {
            self.put_prepared(name, statement, wording, types, ReplySink::Show);
        }
        other
    }

    /// Has PostgreSQL prepare the unnamed statement once more, of which the client need not hear.
    pub(super) fn prepare_again(&mut self, prepared: &Prepared) {
        match &prepared.statement {
            Some(statement) => {
                let wording = self.wording(statement);
                self.put_prepared("", statement, wording, &prepared.types, ReplySink::Drop);
            }
            None => {
                wire::put_parse(&mut self.pipeline.server.out, "", "", &prepared.types);
                self.pipeline.expected.push_back(ExpectedReply::Part(b'P', ReplySink::Drop));
            }
        }
    }

    fn put_prepared(
        &mut self,
        name: &str,
        statement: &SqlStatement,
        (text, edits): (&str, &Edits),
        types: &[u8],
        sink: ReplySink,
    ) {
        wire::put_parse(&mut self.pipeline.server.out, name, &statement.placed(text), types);
        self.pipeline.edited.push((self.pipeline.expected.len(), statement.before, edits.clone()));
        self.pipeline.expected.push_back(ExpectedReply::Part(b'P', sink));
    }

    /// Returns an error of a query that was sent in other words than the client's, with its place in those.
    pub(super) fn as_written(&self, error: &[u8]) -> Option<Bytes> {
        let sent = self.pipeline.edited.iter().find(|(at, ..)| *at == self.pipeline.answered);
        let (_, before, edits) = sent?;
        texts::moved(error, |position| edits.position(position.saturating_sub(*before)) + before)
    }

    /// PostgreSQL's error with its position in the query that the client sent, and nothing of private copies. `whole`: what
    /// stands before the statement in that query has been sent, too.
    pub(super) fn located(&self, error: &Bytes, statement: &SqlStatement, whole: bool) -> Bytes {
        // What runs in the place of CREATE INDEX ASYNC has every word where the client has it.
        let elsewhere = statement.rewrite.as_ref().is_some_and(|r| r.tag.is_some())
            && !matches!(statement.step(), ProxyStep::IndexJob { .. });
        let shadows = match &self.control.phase {
            SessionPhase::Open(txn) if txn.mode == WriteMode::Shadow => &txn.shadows[..],
            SessionPhase::Open(_) | SessionPhase::Idle | SessionPhase::Failed => &[],
        };
        let (text, edits) = self.wording(statement);
        let before = statement.before;
        let sent_before = if whole { before } else { 0 };
        if before == sent_before && !elsewhere && shadows.is_empty() && edits.is_empty() {
            return error.clone();
        }
        let position = wire::field(&error[5..], b'P').and_then(|p| p.parse::<usize>().ok());
        let position = position.map(|position| {
            let position = shadow::position(text, shadows, position.saturating_sub(sent_before));
            (edits.position(position) + before).to_string()
        });
        let table = wire::field(&error[5..], b't');
        let schema = shadows.iter().find(|(_, copied)| table == Some(copied)).map(|(schema, _)| schema.as_str());
        let fields = wire::fields(&error[5..]).into_iter().filter_map(|(code, value)| match code {
            b'P' if elsewhere => None,
            b'P' => position.as_deref().map(|p| (code, p)),
            b's' => Some((code, schema.filter(|_| value.starts_with("pg_temp")).unwrap_or(value))),
            _ => Some((code, value)),
        });
        let mut out = BytesMut::with_capacity(error.len() + 8);
        wire::put_fields(&mut out, b'E', fields);
        out.freeze()
    }
}
