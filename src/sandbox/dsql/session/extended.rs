//! The extended protocol: Parse, Bind, Describe, Execute, Close, Flush, Sync, pipelined or not.
//!
//! Messages are passed on as they come and answered when the client flushes, syncs, or executes something
//! whose result decides what comes next.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite};

use super::gate::wants_transaction;
use super::receive::{Expect, Outcome, Sink};
use super::run::Source;
use super::{Phase, Session, Stop};
use crate::sandbox::dsql::backend::Message;
use crate::sandbox::dsql::classify::{Kind, Statement};
use crate::sandbox::dsql::texts::{Failure, Rule};
use crate::sandbox::dsql::txn::{Mode, Params};
use crate::sandbox::dsql::wire::{self, WireError};

/// A statement that the client has prepared.
#[derive(Debug)]
pub(super) struct Prepared {
    /// None: an empty query.
    statement: Option<Arc<Statement>>,
    types: Bytes,
    /// BEGIN, COMMIT and ROLLBACK never reach the backend.
    ours: bool,
}

/// A portal that the client has bound.
#[derive(Debug)]
pub(super) struct Portal {
    pub name: String,
    prepared: Arc<Prepared>,
    bind: Bytes,
    /// The backend has it, too.
    pub alive: bool,
    /// Rows have been taken from it on the backend, and more are there.
    suspended: bool,
    /// Its result as far as the client has not taken it: whole messages.
    rest: Option<VecDeque<Bytes>>,
}

/// How much may wait for the backend before it is made to answer, in bytes: more than fits into the
/// socket could leave both sides writing.
const PIPELINE: usize = 32 * 1024;
/// How many bytes of open portals are taken over when their transaction is parked.
const DRAIN: usize = 64 * 1024 * 1024;

impl From<WireError> for Stop {
    fn from(error: WireError) -> Self {
        Stop::Client(io::Error::new(io::ErrorKind::InvalidInput, error))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    pub(super) async fn extended(&mut self, message: Message) -> Result<(), Stop> {
        if !self.expected.is_empty() && self.server.out.len() + message.raw.len() > PIPELINE {
            self.pump().await?;
            if self.skip && message.kind != b'S' {
                return Ok(());
            }
        }
        match message.kind {
            b'P' => self.on_parse(message).await,
            b'B' => self.on_bind(message).await,
            b'D' => self.on_describe(message).await,
            b'E' => self.on_execute(message).await,
            b'C' => self.on_close(message).await,
            b'H' => {
                self.pump().await?;
                self.client.flush().await.map_err(Stop::Client)
            }
            _ => self.on_sync().await,
        }
    }

    /// Passes a message on; its answer is shown.
    fn pass(&mut self, message: &Message) {
        self.server.out.extend_from_slice(&message.raw);
        self.expected.push_back(Expect::Part(message.kind, Sink::Show));
    }

    /// Has everything that was passed on answered.
    pub(super) async fn pump(&mut self) -> Result<(), Stop> {
        if self.expected.is_empty() {
            return Ok(());
        }
        wire::put_empty(&mut self.server.out, b'H');
        let outcomes = self.receive().await?;
        match outcomes.into_iter().find_map(|o| o.error) {
            Some(error) => self.broken(&error).await,
            None => Ok(()),
        }
    }

    /// A message that was passed on has failed.
    async fn broken(&mut self, error: &[u8]) -> Result<(), Stop> {
        self.resync().await?;
        self.skip = true;
        self.fail_raw(error).await
    }

    async fn refuse(&mut self, failure: Failure) -> Result<(), Stop> {
        self.pump().await?;
        if self.skip {
            return Ok(());
        }
        self.skip = true;
        self.fail(failure).await
    }

    async fn on_parse(&mut self, message: Message) -> Result<(), Stop> {
        let parse = wire::parse(message.body())?;
        let statements = self.classified(parse.sql);
        let statement = match &statements[..] {
            [] => None,
            [one] => Some(one.clone()),
            _ => return self.refuse(Rule::MultiPrepared.failure()).await,
        };
        let kind = statement.as_ref().map_or(Kind::Read, |s| s.kind.clone());
        let ours = matches!(kind, Kind::Begin { .. } | Kind::Commit { .. } | Kind::Rollback { .. });
        let ends = matches!(kind, Kind::Commit { .. } | Kind::Rollback { .. });
        let allowed = statement.as_ref().is_none_or(|s| ends && s.refusal.is_none());
        if matches!(self.phase, Phase::Failed) && !allowed {
            return self.refuse(Rule::Aborted.failure()).await;
        }
        if let Some(failure) = statement.as_ref().and_then(|s| s.refusal.clone()) {
            return self.refuse(failure).await;
        }
        let name = parse.name.to_owned();
        let types = message.raw.slice_ref(parse.types);
        let prepared = Arc::new(Prepared { statement: statement.clone(), types: types.clone(), ours });
        if ours {
            return self
                .locally(b'1', |s| {
                    s.statements.insert(name, prepared);
                })
                .await;
        }
        if name.is_empty() {
            if matches!(self.phase, Phase::Idle) && statement.as_ref().is_some_and(|s| wants_transaction(s, &kind)) {
                // It will be executed at once, and what opens the transaction would drop it.
                self.pump().await?;
                if self.skip {
                    return Ok(());
                }
                self.open(true, false, "").await?;
            }
            self.unnamed_live = true;
        }
        match statement.as_ref().and_then(|s| s.rewrite.as_ref()) {
            Some(rewrite) => {
                wire::put_parse(&mut self.server.out, &name, &rewrite.sql, &types);
                self.expected.push_back(Expect::Part(b'P', Sink::Show));
            }
            None => self.pass(&message),
        }
        self.statements.insert(name, prepared);
        Ok(())
    }

    /// Answers with an empty message of ours, after everything that came before it.
    async fn locally(&mut self, answer: u8, then: impl FnOnce(&mut Self)) -> Result<(), Stop> {
        self.pump().await?;
        if !self.skip {
            wire::put_empty(&mut self.client.out, answer);
            then(self);
        }
        Ok(())
    }

    async fn on_bind(&mut self, message: Message) -> Result<(), Stop> {
        let bind = wire::bind(message.body())?;
        let Some(prepared) = self.statements.get(bind.statement).cloned() else {
            // SQL's PREPARE makes statements, too; PostgreSQL knows them.
            if self.prepared.contains_key(bind.statement) {
                return self.refuse(Rule::Statement.fill(&["Bind of an SQL PREPARE"])).await;
            }
            let failure = match bind.statement {
                "" => Rule::NoUnnamed.failure(),
                name => Rule::NoStatement.fill(&[name]),
            };
            return self.refuse(failure).await;
        };
        let portal = Portal {
            name: bind.portal.to_owned(),
            prepared: prepared.clone(),
            bind: message.raw.slice_ref(bind.rest),
            alive: !prepared.ours,
            suspended: false,
            rest: None,
        };
        if matches!(self.phase, Phase::Failed) && !prepared.ours {
            return self.refuse(Rule::Aborted.failure()).await;
        }
        if prepared.ours {
            return self
                .locally(b'2', |s| {
                    s.portals.insert(portal.name.clone(), portal);
                })
                .await;
        }
        let kind = prepared.statement.as_ref().map_or(Kind::Read, |s| self.kind_of(s));
        // Before PostgreSQL can object to what it binds.
        if let Some(Err(failure)) = prepared.statement.as_ref().map(|s| self.gate(s, &kind)) {
            return self.refuse(failure).await;
        }
        if matches!(self.phase, Phase::Idle) && prepared.statement.as_ref().is_some_and(|s| wants_transaction(s, &kind))
        {
            self.pump().await?;
            if self.skip {
                return Ok(());
            }
            self.open(true, false, "").await?;
        }
        if bind.statement.is_empty() {
            self.revive_unnamed(&prepared);
        }
        self.pass(&message);
        self.portals.insert(portal.name.clone(), portal);
        Ok(())
    }

    /// Our own queries drop the client's unnamed statement: it is parsed again.
    fn revive_unnamed(&mut self, prepared: &Prepared) {
        if !self.unnamed_live {
            let sql = prepared.statement.as_ref().map_or("", |s| s.sql());
            wire::put_parse(&mut self.server.out, "", sql, &prepared.types);
            self.expected.push_back(Expect::Part(b'P', Sink::Drop));
            self.unnamed_live = true;
        }
    }

    async fn on_describe(&mut self, message: Message) -> Result<(), Stop> {
        let (kind, name) = wire::target(message.body(), "Describe")?;
        let prepared = match kind {
            b'S' => self.statements.get(name).cloned(),
            _ => self.portals.get(name).map(|p| p.prepared.clone()),
        };
        let Some(prepared) = prepared else {
            let rule = if kind == b'S' { Rule::NoStatement } else { Rule::NoPortal };
            return self.refuse(rule.fill(&[name])).await;
        };
        if prepared.ours {
            return self
                .locally(b'n', |s| {
                    if kind == b'S' {
                        // No parameters, told before there are no columns.
                        let at = s.client.out.len() - 5;
                        let none = s.client.out.split_off(at);
                        wire::put(&mut s.client.out, b't', |out| out.extend_from_slice(&[0, 0]));
                        s.client.out.unsplit(none);
                    }
                })
                .await;
        }
        if matches!(self.phase, Phase::Failed) {
            return self.refuse(Rule::Aborted.failure()).await;
        }
        if kind == b'S' && name.is_empty() {
            self.revive_unnamed(&prepared);
        }
        if kind == b'P' && self.portals.get(name).is_some_and(|p| !p.alive) {
            self.rebind(name);
        }
        self.pass(&message);
        Ok(())
    }

    /// The backend has lost a portal that nothing was taken from yet: it is bound again.
    fn rebind(&mut self, name: &str) {
        let Some(portal) = self.portals.get_mut(name) else { return };
        portal.alive = true;
        let sql = portal.prepared.statement.as_ref().map_or("", |s| s.sql());
        wire::put_parse(&mut self.server.out, "", sql, &portal.prepared.types);
        wire::put_bind(&mut self.server.out, name, "", &portal.bind);
        self.unnamed_live = false;
        self.expected.push_back(Expect::Part(b'P', Sink::Drop));
        self.expected.push_back(Expect::Part(b'B', Sink::Drop));
    }

    async fn on_execute(&mut self, message: Message) -> Result<(), Stop> {
        let (name, rows) = wire::execute(message.body())?;
        let Some(portal) = self.portals.get_mut(name) else {
            return self.refuse(Rule::NoPortal.fill(&[name])).await;
        };
        if portal.rest.is_some() {
            let name = name.to_owned();
            self.pump().await?;
            return if self.skip { Ok(()) } else { self.serve_rest(&name, rows).await };
        }
        let (prepared, alive) = (portal.prepared.clone(), portal.alive);
        let params = Params { types: prepared.types.clone(), bind: portal.bind.clone() };
        let Some(statement) = prepared.statement.clone() else {
            self.pass(&message);
            return Ok(());
        };
        let kind = self.kind_of(&statement);
        let direct = match &self.phase {
            Phase::Idle => true,
            Phase::Open(txn) => txn.mode == Mode::Direct,
            Phase::Failed => false,
        };
        if kind == Kind::Read && direct && alive && statement.rewrite.is_none() && statement.explain.is_none() {
            return match self.gate(&statement, &kind) {
                Ok(()) => {
                    if let (Phase::Open(txn), Some(portal)) = (&mut self.phase, self.portals.get_mut(name)) {
                        txn.fresh = false;
                        portal.suspended = rows > 0;
                    }
                    self.pass(&message);
                    Ok(())
                }
                Err(failure) => self.refuse(failure).await,
            };
        }
        let name = name.to_owned();
        self.pump().await?;
        if self.skip {
            return Ok(());
        }
        self.wanted = rows;
        let source = Source::Extended { portal: name, params, bound: alive };
        if !self.step(&statement, &source).await? {
            self.skip = true;
        }
        Ok(())
    }

    pub(super) fn portal_lives(&self, name: &str) -> bool {
        self.portals.get(name).is_some_and(|p| p.alive)
    }

    /// Shows as much of a portal's result as the client wants now, and keeps the rest.
    pub(super) async fn show_portal(&mut self, name: &str, outcome: Outcome) -> Result<bool, Stop> {
        let wanted = std::mem::take(&mut self.wanted);
        if let Some(portal) = self.portals.get_mut(name) {
            portal.alive = false;
        }
        if wanted == 0 || outcome.shown {
            self.client.push(&outcome.held).await.map_err(Stop::Client)?;
            return Ok(true);
        }
        if let Some(portal) = self.portals.get_mut(name) {
            portal.rest = Some(messages(outcome.held));
        }
        self.serve_rest(name, wanted).await.map(|()| true)
    }

    async fn serve_rest(&mut self, name: &str, wanted: u32) -> Result<(), Stop> {
        let mut left = if wanted == 0 { u32::MAX } else { wanted };
        loop {
            let Some(next) = self.portals.get_mut(name).and_then(|p| p.rest.as_mut()).and_then(VecDeque::pop_front)
            else {
                return Ok(());
            };
            self.client.push(&next).await.map_err(Stop::Client)?;
            if next[0] == b'D' {
                left -= 1;
                // As many as were wanted: PostgreSQL does not look whether there is one more.
                if left == 0 {
                    wire::put_empty(&mut self.client.out, b's');
                    return Ok(());
                }
            }
        }
    }

    /// Takes over what is left of portals that a park would lose.
    pub(super) async fn drain_portals(&mut self) -> Result<(), Stop> {
        let open: Vec<String> =
            self.portals.values().filter(|p| p.alive && p.suspended).map(|p| p.name.clone()).collect();
        for name in open {
            wire::put_execute(&mut self.server.out, &name, 0);
            wire::put_empty(&mut self.server.out, b'S');
            self.expected.push_back(Expect::Part(b'E', Sink::Hold));
            self.expected.push_back(Expect::Sync(Sink::Drop));
            let outcome = self.receive().await?.pop().unwrap_or_default();
            let Some(portal) = self.portals.get_mut(&name) else { continue };
            if outcome.error.is_some() || outcome.held.len() > DRAIN {
                if let Phase::Open(txn) = &mut self.phase {
                    txn.mode = Mode::Lost;
                }
                continue;
            }
            portal.rest = Some(messages(outcome.held));
        }
        Ok(())
    }

    async fn on_close(&mut self, message: Message) -> Result<(), Stop> {
        let (kind, name) = wire::target(message.body(), "Close")?;
        let ours = match kind {
            b'S' => self.statements.remove(name).is_some_and(|p| p.ours),
            _ => self.portals.remove(name).is_some_and(|p| p.prepared.ours),
        };
        if ours || matches!(self.phase, Phase::Failed) && kind == b'P' {
            return self.locally(b'3', |_| {}).await;
        }
        self.pass(&message);
        Ok(())
    }

    async fn on_sync(&mut self) -> Result<(), Stop> {
        if matches!(self.phase, Phase::Open(_)) {
            self.pump().await?;
            if !std::mem::take(&mut self.skip) {
                self.end_implicit().await?;
            }
        } else {
            // The end of an implicit transaction on the backend: what it bound is gone.
            self.portals.clear();
            wire::put_empty(&mut self.server.out, b'S');
            self.expected.push_back(Expect::Sync(Sink::Drop));
            let outcomes = self.receive().await?;
            if let Some(error) = outcomes.into_iter().find_map(|o| o.error) {
                self.client.push(&error).await.map_err(Stop::Client)?;
            }
            self.skip = false;
        }
        self.ready_for_query();
        Ok(())
    }
}

fn messages(mut held: BytesMut) -> VecDeque<Bytes> {
    let mut out = VecDeque::new();
    while let Ok(Some(len)) = wire::frame_len(&held, usize::MAX) {
        if held.len() < len {
            break;
        }
        out.push_back(held.split_to(len).freeze());
    }
    out
}
