//! Portals whose results the client takes in slices, and such as the backend has lost.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite};

use super::names::{Portal, PortalProgress};
use super::types::{ExpectedReply, ProxySession, ReplySink, SessionEnd, SessionPhase, StatementOutcome};
use crate::texts::Rule;
use crate::txn::WriteMode;
use crate::wire;

/// How many bytes of an open portal are taken over when the backend is about to lose it.
const DRAIN: usize = 64 * 1024 * 1024;
/// A portal of ours, gone again with the batch that makes it.
const OURS: &str = "_dsql";

impl<S: AsyncRead + AsyncWrite + Unpin> ProxySession<S> {
    /// Shows as much of a portal's result as the client wants now, and keeps the rest.
    pub(super) async fn show_portal(&mut self, name: &str, mut outcome: StatementOutcome) -> Result<bool, SessionEnd> {
        let wanted = std::mem::take(&mut self.frontend.wanted);
        let all = wanted == 0 || outcome.shown;
        if let Some(portal) = self.frontend.names.portals.get_mut(name) {
            portal.taken = match all {
                true => PortalProgress::All { tag: outcome.tag.into() },
                false => PortalProgress::Rest(messages(outcome.held.split())),
            };
        }
        match all {
            true => self.frontend.client.push(&outcome.held).await.map_err(SessionEnd::Client)?,
            false => self.serve_rest(name, wanted).await?,
        }
        Ok(true)
    }

    /// Shows the next rows of what was kept: all of it, or as many as are wanted.
    pub(super) async fn serve_rest(&mut self, name: &str, wanted: u32) -> Result<(), SessionEnd> {
        let mut rows = 0;
        while let Some(portal) = self.frontend.names.portals.get_mut(name)
            && let PortalProgress::Rest(rest) = &mut portal.taken
            && let Some(next) = rest.pop_front()
        {
            match next[0] {
                // As many as were wanted: PostgreSQL does not look whether there is one more.
                b'D' => {
                    rows += 1;
                    self.frontend.client.push(&next).await.map_err(SessionEnd::Client)?;
                    if rows == wanted {
                        wire::put_empty(&mut self.frontend.client.out, b's');
                        return Ok(());
                    }
                }
                b'C' => {
                    let tag = wire::cstr(&mut &next[5..]).unwrap_or_default().to_owned();
                    portal.taken = PortalProgress::All { tag: tag.clone().into() };
                    // The last slice counts its own rows, as PostgreSQL has it.
                    let tag = if returns(portal, &tag) { wire::recount(&tag, rows) } else { tag };
                    wire::put_complete(&mut self.frontend.client.out, &tag);
                    return Ok(());
                }
                _ => self.frontend.client.push(&next).await.map_err(SessionEnd::Client)?,
            }
        }
        Ok(())
    }

    /// Executes a portal again that has been run to its end, and that the backend does not know.
    pub(super) async fn again(&mut self, name: &str) -> Result<(), SessionEnd> {
        let Some(portal) = self.frontend.names.portals.get(name) else { return Ok(()) };
        match &portal.taken {
            PortalProgress::All { tag } if returns(portal, tag) => {
                let tag = wire::recount(tag, 0);
                wire::put_complete(&mut self.frontend.client.out, &tag);
                Ok(())
            }
            PortalProgress::All { .. } | PortalProgress::Nothing | PortalProgress::Some | PortalProgress::Rest(_) => {
                self.frontend.skip = true;
                self.fail(Rule::PortalRun.fill(&[name])).await
            }
        }
    }

    /// Describes a portal that the backend has lost, by another one like it.
    pub(super) fn describe_lost(&mut self, name: &str) {
        let Some(portal) = self.frontend.names.portals.get(name) else { return };
        let (prepared, bind) = (portal.prepared.clone(), portal.bind.clone());
        self.prepare_again(&prepared);
        let out = &mut self.pipeline.server.out;
        wire::put_bind(out, OURS, "", &bind);
        wire::put_target(out, b'D', b'P', OURS);
        wire::put_target(out, b'C', b'P', OURS);
        self.frontend.names.unnamed_live = false;
        for (part, sink) in [(b'B', ReplySink::Drop), (b'D', ReplySink::Show), (b'C', ReplySink::Drop)] {
            self.pipeline.expected.push_back(ExpectedReply::Part(part, sink));
        }
    }

    /// Takes over what is left of portals that going back to the base would lose.
    pub(super) async fn drain_portals(&mut self) -> Result<(), SessionEnd> {
        let open =
            self.frontend.names.portals.iter().filter(|(_, p)| p.alive && matches!(p.taken, PortalProgress::Some));
        for name in open.map(|(name, _)| name.clone()).collect::<Vec<_>>() {
            self.drain(&name).await?;
        }
        Ok(())
    }

    /// Our own queries use the unnamed portal: what is left of the client's is taken over.
    pub(super) async fn drain_unnamed_portal(&mut self) -> Result<(), SessionEnd> {
        if self.frontend.names.portals.get("").is_some_and(|p| p.alive && matches!(p.taken, PortalProgress::Some)) {
            self.drain("").await?;
        }
        self.frontend.names.lose_portal("");
        Ok(())
    }

    async fn drain(&mut self, name: &str) -> Result<(), SessionEnd> {
        wire::put_execute(&mut self.pipeline.server.out, name, 0);
        wire::put_empty(&mut self.pipeline.server.out, b'H');
        self.pipeline.expected.push_back(ExpectedReply::Part(b'E', ReplySink::Hold));
        let outcome = self.receive().await?.pop().unwrap_or_default();
        self.resync().await?;
        let lost = outcome.error.is_some() || outcome.held.len() > DRAIN;
        if let (true, SessionPhase::Open(txn)) = (lost, &mut self.control.phase) {
            txn.mode = WriteMode::Lost;
        }
        if let Some(portal) = self.frontend.names.portals.get_mut(name) {
            portal.taken = PortalProgress::Rest(messages(outcome.held));
        }
        Ok(())
    }
}

/// Returns whether a portal that ended with this tag returns rows, which can be asked for again.
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
