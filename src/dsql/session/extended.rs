//! The extended protocol: Parse, Bind, Describe, Execute, Close, Flush, Sync, pipelined or not.
//!
//! Messages are passed on as they come and answered when the client flushes, syncs, or executes something
//! whose result decides what comes next. After a failure the backend's transaction has failed, too, so that
//! it says itself what may still be done.

use std::io;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};

use super::gate::wants_transaction;
use super::names::{Portal, PortalProgress, Prepared};
use super::run::StatementSource;
use super::types::{ExpectedReply, ProxySession, ReplySink, SessionEnd, SessionPhase, StatementOutcome};
use crate::backend::Message;
use crate::classify;
use crate::statement::StatementKind;
use crate::texts::{Rule, SqlFailure};
use crate::txn::{BoundParams, WriteMode};
use crate::wire::{self, WireError};

/// How much may wait for the backend before it is made to answer, in bytes: more than fits into the
/// socket could leave both sides writing.
const PIPELINE: usize = 32 * 1024;

impl From<WireError> for SessionEnd {
    fn from(error: WireError) -> Self {
        SessionEnd::Client(io::Error::new(io::ErrorKind::InvalidInput, error))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> ProxySession<S> {
    pub(super) async fn extended(&mut self, message: Message) -> Result<(), SessionEnd> {
        if !self.pipeline.expected.is_empty() && self.pipeline.server.out.len() + message.raw.len() > PIPELINE {
            self.pump().await?;
            if self.frontend.skip && message.kind != b'S' {
                return Ok(());
            }
        }
        match message.kind {
            b'P' => self.on_parse(message).await,
            b'B' => self.on_bind(message).await,
            b'D' => self.on_describe(message).await,
            b'E' => self.on_execute(message).await,
            b'C' => self.on_close(message),
            b'H' => {
                self.pump().await?;
                self.frontend.client.flush().await.map_err(SessionEnd::Client)
            }
            _ => self.on_sync().await,
        }
    }

    /// Passes a message on; its answer is shown.
    fn pass(&mut self, message: &Message) {
        self.pipeline.server.out.extend_from_slice(&message.raw);
        self.pipeline.expected.push_back(ExpectedReply::Part(message.kind, ReplySink::Show));
    }

    /// Has everything that was passed on answered.
    pub(super) async fn pump(&mut self) -> Result<(), SessionEnd> {
        if self.pipeline.expected.is_empty() {
            return Ok(());
        }
        wire::put_empty(&mut self.pipeline.server.out, b'H');
        let outcomes = self.receive().await?;
        match outcomes.into_iter().find_map(|o| o.error) {
            Some(error) => Box::pin(self.broken(&error)).await,
            None => Ok(()),
        }
    }

    /// A message that was passed on has failed.
    async fn broken(&mut self, error: &[u8]) -> Result<(), SessionEnd> {
        self.resync().await?;
        self.frontend.skip = true;
        self.fail_raw(error).await
    }

    async fn refuse(&mut self, failure: SqlFailure) -> Result<(), SessionEnd> {
        self.pump().await?;
        if self.frontend.skip {
            return Ok(());
        }
        self.frontend.skip = true;
        Box::pin(self.fail(failure)).await
    }

    fn failed(&self) -> bool {
        matches!(self.control.phase, SessionPhase::Failed)
    }

    async fn on_parse(&mut self, message: Message) -> Result<(), SessionEnd> {
        if let Some(bytes) = wire::invalid_utf8(message.kind, message.body()) {
            return self.refuse(Rule::Encoding.fill(&[&bytes])).await;
        }
        let parse = wire::parse(message.body())?;
        let statements = self.classified(parse.sql);
        let (name, types) = (parse.name.to_owned(), message.raw.slice_ref(parse.types));
        let statement = match &statements[..] {
            [] => None,
            [one] => Some(one.clone()),
            several => {
                if several.iter().any(|s| s.foreign()) {
                    return self.refuse_parse(&name, Rule::MultiPrepared.failure()).await;
                }
                // PostgreSQL finds a syntax error before it finds that these are several.
                let at = self.pipeline.expected.len();
                wire::put_parse(
                    &mut self.pipeline.server.out,
                    &name,
                    &classify::grammar_probe(parse.sql, several),
                    &types,
                );
                self.pipeline.expected.push_back(ExpectedReply::Part(b'P', ReplySink::Show));
                self.frontend.names.parsed(at, name, Arc::new(Prepared { statement: None, types }));
                return Ok(());
            }
        };
        if let Some(statement) = &statement {
            if self.failed() && statement.foreign() {
                return self.refuse_parse(&name, Rule::Aborted.failure()).await;
            }
            if let Some(failure) = &statement.refusal {
                return self.refuse_parse(&name, failure.clone()).await;
            }
            // PostgreSQL looks for what it names while it parses it.
            if let Err(failure) = self.has_its_catalog(statement) {
                return self.refuse_parse(&name, failure).await;
            }
        }
        let kind = statement.as_ref().map_or(StatementKind::Read, |s| s.kind.clone());
        let wants = statement.as_ref().is_some_and(|s| wants_transaction(s, &kind));
        if name.is_empty() && matches!(self.control.phase, SessionPhase::Idle) && wants {
            // It will be executed at once, and what opens the transaction would drop it.
            self.pump().await?;
            if self.frontend.skip {
                return Ok(());
            }
            Box::pin(self.open(true, false, "")).await?;
        }
        let at = self.pipeline.expected.len();
        if !statement.as_ref().is_some_and(|statement| self.prepare(&name, statement, &types)) {
            self.pass(&message);
        }
        self.frontend.names.parsed(at, name, Arc::new(Prepared { statement, types }));
        Ok(())
    }

    /// Refuses a Parse, which has dropped the unnamed statement by then.
    async fn refuse_parse(&mut self, name: &str, failure: SqlFailure) -> Result<(), SessionEnd> {
        self.pump().await?;
        if !self.frontend.skip && name.is_empty() {
            self.frontend.names.statements.remove("");
        }
        self.refuse(failure).await
    }

    fn no_statement(name: &str) -> SqlFailure {
        match name {
            "" => Rule::NoUnnamed.failure(),
            name => Rule::NoStatement.fill(&[name]),
        }
    }

    async fn on_bind(&mut self, message: Message) -> Result<(), SessionEnd> {
        let bind = wire::bind(message.body())?;
        let Some(prepared) = self.frontend.names.statements.get(bind.statement).cloned() else {
            return self.refuse(Self::no_statement(bind.statement)).await;
        };
        // In a transaction that has failed PostgreSQL has something else to say first.
        let bindable = !self.failed() || prepared.ends();
        if bindable && !bind.portal.is_empty() && self.frontend.names.portals.get(bind.portal).is_some_and(|p| !p.alive)
        {
            return self.refuse(Rule::PortalExists.fill(&[bind.portal])).await;
        }
        if let Some(statement) = prepared.statement.as_ref().filter(|_| !self.failed() && !prepared.controls()) {
            let kind = statement.kind.clone();
            // Before PostgreSQL can object to what it binds.
            if let Err(failure) = self.gate(statement, &kind) {
                return self.refuse(failure).await;
            }
            if matches!(self.control.phase, SessionPhase::Idle) && wants_transaction(statement, &kind) {
                self.pump().await?;
                if self.frontend.skip {
                    return Ok(());
                }
                Box::pin(self.open(true, false, "")).await?;
            }
        }
        if bind.statement.is_empty() {
            self.revive_unnamed(&prepared);
        }
        let (name, rest) = (bind.portal.to_owned(), message.raw.slice_ref(bind.rest));
        let at = self.pipeline.expected.len();
        self.pass(&message);
        self.frontend.names.bound(
            at,
            name,
            Portal { prepared, bind: rest, alive: true, taken: PortalProgress::Nothing },
        );
        Ok(())
    }

    /// Our own queries drop the client's unnamed statement: it is parsed again.
    fn revive_unnamed(&mut self, prepared: &Prepared) {
        if !self.frontend.names.unnamed_live {
            self.frontend.names.revived(self.pipeline.expected.len());
            self.prepare_again(prepared);
        }
    }

    /// The same in a failed transaction, where PostgreSQL parses nothing: in another one, which then fails as
    /// well. Whether it could be parsed.
    async fn revive_in_failure(&mut self, prepared: &Prepared) -> Result<bool, SessionEnd> {
        self.frontend.names.lose_portals();
        self.query_internal("ROLLBACK; BEGIN").await?.ok();
        self.revive_unnamed(prepared);
        self.fail_backend().await?;
        Ok(self.frontend.names.unnamed_live)
    }

    async fn on_describe(&mut self, message: Message) -> Result<(), SessionEnd> {
        let (kind, name) = wire::target(message.body(), "Describe")?;
        if kind == b'S' {
            match self.frontend.names.statements.get(name).cloned() {
                None => return self.refuse(Self::no_statement(name)).await,
                Some(prepared) if name.is_empty() && prepared.controls() && !self.frontend.names.unnamed_live => {
                    // Known without the backend, which may not parse it in a failed transaction.
                    self.pump().await?;
                    if !self.frontend.skip {
                        wire::put(&mut self.frontend.client.out, b't', |out| out.extend_from_slice(&[0, 0]));
                        wire::put_empty(&mut self.frontend.client.out, b'n');
                    }
                    return Ok(());
                }
                Some(prepared) if name.is_empty() && self.failed() && !self.frontend.names.unnamed_live => {
                    self.pump().await?;
                    if self.frontend.skip {
                        return Ok(());
                    }
                    if !self.revive_in_failure(&prepared).await? {
                        return self.refuse(Rule::Aborted.failure()).await;
                    }
                }
                Some(prepared) if name.is_empty() => self.revive_unnamed(&prepared),
                Some(_) => {}
            }
        } else {
            match self.frontend.names.portals.get(name) {
                None if name.is_empty() => return self.refuse(Rule::NoPortal.fill(&[name])).await,
                Some(portal) if !portal.alive && self.failed() => {
                    // Only what has columns needs a transaction that goes on.
                    if !portal.prepared.controls() {
                        return self.refuse(Rule::Aborted.failure()).await;
                    }
                    self.pump().await?;
                    if !self.frontend.skip {
                        wire::put_empty(&mut self.frontend.client.out, b'n');
                    }
                    return Ok(());
                }
                Some(portal) if !portal.alive => {
                    let name = name.to_owned();
                    self.pump().await?;
                    if !self.frontend.skip {
                        Box::pin(self.drain_unnamed_portal()).await?;
                        self.describe_lost(&name);
                    }
                    return Ok(());
                }
                // PostgreSQL knows.
                None | Some(_) => {}
            }
        }
        self.pass(&message);
        Ok(())
    }

    async fn on_execute(&mut self, message: Message) -> Result<(), SessionEnd> {
        let (name, rows) = wire::execute(message.body())?;
        let Some(portal) = self.frontend.names.portals.get(name) else {
            return self.refuse(Rule::NoPortal.fill(&[name])).await;
        };
        let (prepared, alive) = (portal.prepared.clone(), portal.alive);
        let asked = match &portal.taken {
            PortalProgress::Nothing if self.failed() && !prepared.ends() => ExecuteRequest::Backend,
            PortalProgress::Nothing => ExecuteRequest::First,
            PortalProgress::Some => ExecuteRequest::Backend,
            PortalProgress::Rest(_) => ExecuteRequest::Rest,
            PortalProgress::All { .. } if alive || self.failed() => ExecuteRequest::Backend,
            PortalProgress::All { .. } => ExecuteRequest::Again,
        };
        let statement = match (asked, prepared.statement.clone()) {
            (ExecuteRequest::Backend, _) | (_, None) if alive => {
                self.pass(&message);
                return Ok(());
            }
            // The rows that are left were lost with the snapshot that the portal read: there are none to go on with.
            (ExecuteRequest::Backend, _) => {
                let rule = if self.failed() { Rule::Aborted } else { Rule::Conflict };
                return self.refuse(rule.failure()).await;
            }
            (ExecuteRequest::First, Some(statement)) => statement,
            (asked, _) => {
                let name = name.to_owned();
                self.pump().await?;
                match asked {
                    _ if self.frontend.skip => {}
                    ExecuteRequest::Rest => Box::pin(self.serve_rest(&name, rows)).await?,
                    ExecuteRequest::Again => Box::pin(self.again(&name)).await?,
                    ExecuteRequest::First | ExecuteRequest::Backend => {
                        wire::put_empty(&mut self.frontend.client.out, b'I')
                    }
                }
                return Ok(());
            }
        };
        let params = BoundParams { types: prepared.types.clone(), bind: portal.bind.clone() };
        let kind = statement.kind.clone();
        let direct = match &self.control.phase {
            SessionPhase::Idle => true,
            SessionPhase::Open(txn) => txn.mode == WriteMode::Direct,
            SessionPhase::Failed => false,
        };
        if kind == StatementKind::Read && direct && alive && statement.rewrite.is_none() && statement.explain.is_none()
        {
            return match self.gate(&statement, &kind) {
                Ok(()) => {
                    if let SessionPhase::Open(txn) = &mut self.control.phase {
                        txn.answered(&kind);
                    }
                    if let Some(portal) = self.frontend.names.portals.get_mut(name) {
                        portal.taken = match rows {
                            0 => PortalProgress::All { tag: "SELECT 0".into() },
                            _ => PortalProgress::Some,
                        };
                    }
                    self.pass(&message);
                    Ok(())
                }
                Err(failure) => self.refuse(failure).await,
            };
        }
        let name = name.to_owned();
        self.pump().await?;
        if self.frontend.skip {
            return Ok(());
        }
        if prepared.controls()
            && let Some(portal) = self.frontend.names.portals.get_mut(&name)
        {
            // We do it in the backend's place, and its portal has not been run.
            (portal.alive, portal.taken) = (false, PortalProgress::All { tag: "".into() });
        }
        self.frontend.wanted = rows;
        let source = StatementSource::Extended { portal: name, params };
        if !Box::pin(self.step(&statement, &source)).await? {
            self.frontend.skip = true;
        }
        self.frontend.wanted = 0;
        self.frontend.untold |= kind == StatementKind::Local;
        Ok(())
    }

    fn on_close(&mut self, message: Message) -> Result<(), SessionEnd> {
        let (kind, name) = wire::target(message.body(), "Close")?;
        let at = self.pipeline.expected.len();
        match kind {
            b'S' => {
                self.frontend.names.close_statement(at, name);
            }
            _ => self.frontend.names.close_portal(at, name),
        }
        self.pass(&message);
        Ok(())
    }

    async fn on_sync(&mut self) -> Result<(), SessionEnd> {
        let untold = std::mem::take(&mut self.frontend.untold);
        if matches!(self.control.phase, SessionPhase::Idle) {
            let outcomes = self.synced().await?;
            // The end of an implicit transaction on the backend: what it bound is gone.
            self.frontend.names.portals.clear();
            if let Some(error) = outcomes.into_iter().find_map(|o| o.error) {
                self.frontend.client.push(&error).await.map_err(SessionEnd::Client)?;
            }
            self.frontend.skip = false;
        } else {
            self.pump().await?;
            if !std::mem::take(&mut self.frontend.skip) {
                Box::pin(self.end_implicit()).await?;
            }
            if untold && matches!(self.control.phase, SessionPhase::Open(_)) {
                self.synced().await?;
            }
        }
        self.ready_for_query();
        Ok(())
    }

    /// Has PostgreSQL be ready for the next query.
    pub(super) async fn synced(&mut self) -> Result<Vec<StatementOutcome>, SessionEnd> {
        wire::put_empty(&mut self.pipeline.server.out, b'S');
        self.pipeline.expected.push_back(ExpectedReply::Sync(ReplySink::Drop));
        self.receive().await
    }
}

/// What an Execute asks for.
#[derive(Clone, Copy)]
enum ExecuteRequest {
    /// To run the statement.
    First,
    /// What PostgreSQL knows better: more rows of its portal, or what it says in a failed transaction.
    Backend,
    /// More rows of those kept here.
    Rest,
    /// What is not there: everything has been taken already.
    Again,
}
