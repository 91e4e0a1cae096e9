//! Portals whose results the client takes in slices, and such as the backend has lost.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite};

use super::names::{Portal, Taken};
use super::receive::{Expect, Outcome, Sink};
use super::{Phase, Session, Stop};
use crate::dsql::texts::Rule;
use crate::dsql::txn::Mode;
use crate::dsql::wire;

/// How many bytes of an open portal are taken over when the backend is about to lose it.
const DRAIN: usize = 64 * 1024 * 1024;
/// A portal of ours, gone again with the batch that makes it.
const OURS: &str = "_dsql";

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    /// Shows as much of a portal's result as the client wants now, and keeps the rest.
    pub(super) async fn show_portal(&mut self, name: &str, mut outcome: Outcome) -> Result<bool, Stop> {
        let wanted = std::mem::take(&mut self.wanted);
        let all = wanted == 0 || outcome.shown;
        if let Some(portal) = self.names.portals.get_mut(name) {
            portal.taken = match all {
                true => Taken::All { tag: outcome.tag },
                false => Taken::Rest(messages(outcome.held.split())),
            };
        }
        match all {
            true => self.client.push(&outcome.held).await.map_err(Stop::Client)?,
            false => self.serve_rest(name, wanted).await?,
        }
        Ok(true)
    }

    /// Shows the next rows of what was kept: all of it, or as many as are wanted.
    pub(super) async fn serve_rest(&mut self, name: &str, wanted: u32) -> Result<(), Stop> {
        let mut rows = 0;
        while let Some(portal) = self.names.portals.get_mut(name)
            && let Taken::Rest(rest) = &mut portal.taken
            && let Some(next) = rest.pop_front()
        {
            match next[0] {
                // As many as were wanted: PostgreSQL does not look whether there is one more.
                b'D' => {
                    rows += 1;
                    self.client.push(&next).await.map_err(Stop::Client)?;
                    if rows == wanted {
                        wire::put_empty(&mut self.client.out, b's');
                        return Ok(());
                    }
                }
                b'C' => {
                    let tag = wire::cstr(&mut &next[5..]).unwrap_or_default().to_owned();
                    portal.taken = Taken::All { tag: tag.clone() };
                    // The last slice counts its own rows, as PostgreSQL has it.
                    let tag = if returns(portal, &tag) { wire::recount(&tag, rows) } else { tag };
                    wire::put_complete(&mut self.client.out, &tag);
                    return Ok(());
                }
                _ => self.client.push(&next).await.map_err(Stop::Client)?,
            }
        }
        Ok(())
    }

    /// Executes a portal again that has been run to its end, and that the backend does not know.
    pub(super) async fn again(&mut self, name: &str) -> Result<(), Stop> {
        let Some(portal) = self.names.portals.get(name) else { return Ok(()) };
        match &portal.taken {
            Taken::All { tag } if returns(portal, tag) => {
                let tag = wire::recount(tag, 0);
                wire::put_complete(&mut self.client.out, &tag);
                Ok(())
            }
            Taken::All { .. } | Taken::Nothing | Taken::Some | Taken::Rest(_) => {
                self.skip = true;
                self.fail(Rule::PortalRun.fill(&[name])).await
            }
        }
    }

    /// Describes a portal that the backend has lost, by another one like it.
    pub(super) fn describe_lost(&mut self, name: &str) {
        let Some(portal) = self.names.portals.get(name) else { return };
        let sql = portal.prepared.statement.as_ref().map_or("", |s| s.sql());
        let out = &mut self.server.out;
        wire::put_parse(out, "", sql, &portal.prepared.types);
        wire::put_bind(out, OURS, "", &portal.bind);
        wire::put_target(out, b'D', b'P', OURS);
        wire::put_target(out, b'C', b'P', OURS);
        self.names.unnamed_live = false;
        for (part, sink) in [(b'P', Sink::Drop), (b'B', Sink::Drop), (b'D', Sink::Show), (b'C', Sink::Drop)] {
            self.expected.push_back(Expect::Part(part, sink));
        }
    }

    /// Takes over what is left of portals that going back to the base would lose.
    pub(super) async fn drain_portals(&mut self) -> Result<(), Stop> {
        let open = self.names.portals.iter().filter(|(_, p)| p.alive && matches!(p.taken, Taken::Some));
        for name in open.map(|(name, _)| name.clone()).collect::<Vec<_>>() {
            self.drain(&name).await?;
        }
        Ok(())
    }

    /// Our own queries use the unnamed portal: what is left of the client's is taken over.
    pub(super) async fn spare_unnamed(&mut self) -> Result<(), Stop> {
        if self.names.portals.get("").is_some_and(|p| p.alive && matches!(p.taken, Taken::Some)) {
            self.drain("").await?;
        }
        self.names.lose_portal("");
        Ok(())
    }

    async fn drain(&mut self, name: &str) -> Result<(), Stop> {
        wire::put_execute(&mut self.server.out, name, 0);
        wire::put_empty(&mut self.server.out, b'H');
        self.expected.push_back(Expect::Part(b'E', Sink::Hold));
        let outcome = self.receive().await?.pop().unwrap_or_default();
        self.resync().await?;
        let lost = outcome.error.is_some() || outcome.held.len() > DRAIN;
        if let (true, Phase::Open(txn)) = (lost, &mut self.phase) {
            txn.mode = Mode::Lost;
        }
        if let Some(portal) = self.names.portals.get_mut(name) {
            portal.taken = Taken::Rest(messages(outcome.held));
        }
        Ok(())
    }
}

/// Whether a portal that ended with this tag returns rows, which can be asked for again.
fn returns(portal: &Portal, tag: &str) -> bool {
    match tag.split(' ').next() {
        Some("SELECT" | "SHOW" | "EXPLAIN" | "FETCH") => true,
        Some("INSERT" | "UPDATE" | "DELETE") => {
            let text = portal.prepared.statement.as_ref().map(|s| s.text.to_ascii_lowercase());
            text.is_some_and(|text| text.contains("returning"))
        }
        _ => false,
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
