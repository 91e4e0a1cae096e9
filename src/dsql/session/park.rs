//! Parking: giving up what a transaction has written on the real tables, so that others need not wait for it, and knowing
//! afterwards whether what is written again is what the client may have read.
//!
//! Invariant: what was read of a row that is lost is what will be committed, or the transaction is doomed.

use tokio::io::{AsyncRead, AsyncWrite};

use super::commit::named;
use super::internal::CANCELS;
use super::transaction::with_savepoint;
use super::types::{ProxySession, SessionEnd, SessionPhase};
use crate::txn::WriteMode;

const TO_BASE: &str = "ROLLBACK TO SAVEPOINT _dsql";

impl<S: AsyncRead + AsyncWrite + Unpin> ProxySession<S> {
    /// Another session waits for us while our client is silent: gives up the row locks.
    ///
    /// # Errors
    /// When the session ends with it: client or server has gone. What the client is told is no error.
    pub(super) async fn park(&mut self) -> Result<(), SessionEnd> {
        let SessionPhase::Open(txn) = &mut self.control.phase else { return Ok(()) };
        // What the client has not begun itself is about to end.
        if txn.mode != WriteMode::Direct || !txn.has_savepoint && txn.implicit {
            return Ok(());
        }
        let (logged, has_savepoint) = (!txn.log.is_empty(), txn.has_savepoint);
        txn.mode = WriteMode::Parked;
        self.drain_portals().await?;
        if !has_savepoint {
            return self.park_without_savepoint().await;
        }
        if logged {
            self.note_written().await?;
        } else if self.has_written_unseen().await?
            && let SessionPhase::Open(txn) = &mut self.control.phase
        {
            txn.mode = WriteMode::Lost;
        }
        self.go_to_base().await
    }

    /// The same for a transaction whose first statement came before its BEGIN. Its snapshot is lost with it: it goes on
    /// with another, but cannot commit what it has written.
    async fn park_without_savepoint(&mut self) -> Result<(), SessionEnd> {
        self.frontend.names.lose_portals();
        self.roll_back().await?;
        let taken_at = self.begin_anew(&with_savepoint("")).await?;
        if let SessionPhase::Open(txn) = &mut self.control.phase {
            (txn.has_savepoint, txn.taken_at) = (true, taken_at);
            if !txn.log.is_empty() {
                txn.conflict.doom();
            }
        }
        Ok(())
    }

    /// PostgreSQL has ended a circle of waits with this transaction, at its COMMIT: gives everything up, to be replayed.
    ///
    /// # Errors
    /// When the session ends with it: client or server has gone.
    pub(super) async fn park_failed(&mut self) -> Result<(), SessionEnd> {
        if let SessionPhase::Open(txn) = &mut self.control.phase {
            txn.mode = WriteMode::Parked;
            txn.doom_if_varying();
        }
        self.go_to_base().await
    }

    /// Returns whether a transaction without a log has written, by what did not look like that.
    async fn has_written_unseen(&mut self) -> Result<bool, SessionEnd> {
        let rows = self.query_internal("SELECT pg_catalog.pg_current_xact_id_if_assigned()").await?;
        Ok(rows.unwrap_or_default().into_iter().flatten().flatten().next().is_some())
    }

    /// Remembers what the client may know of the rows that the transaction has written, before they are rolled back.
    pub(super) async fn note_written(&mut self) -> Result<(), SessionEnd> {
        let SessionPhase::Open(txn) = &self.control.phase else { return Ok(()) };
        if !txn.looked || txn.ddl || txn.conflict.doomed() {
            return Ok(());
        }
        let seen = self.written().await?;
        if let SessionPhase::Open(txn) = &mut self.control.phase {
            if seen.is_none() {
                txn.conflict.doom();
            }
            txn.seen = seen;
        }
        Ok(())
    }

    /// Returns whether the rows that the transaction has written again are those that the client may know.
    pub(super) async fn is_as_seen(&mut self) -> Result<bool, SessionEnd> {
        let seen = match &self.control.phase {
            SessionPhase::Open(txn) => txn.seen.clone(),
            SessionPhase::Idle | SessionPhase::Failed => None,
        };
        Ok(seen.is_none() || self.written().await? == seen)
    }

    /// Returns a digest of the rows that the transaction has written, if they can be read.
    async fn written(&mut self) -> Result<Option<String>, SessionEnd> {
        let SessionPhase::Open(txn) = &self.control.phase else { return Ok(None) };
        let names = named(txn);
        match self.call_internal("written", "$2::text[], {path}", &[&names]).await? {
            Ok(rows) => Ok(rows.into_iter().flatten().flatten().next()),
            Err(error) => {
                tracing::warn!(%error, "written rows could not be read");
                Ok(None)
            }
        }
    }

    pub(super) async fn go_to_base(&mut self) -> Result<(), SessionEnd> {
        self.frontend.names.lose_portals();
        let mut tries = 0;
        loop {
            tries += 1;
            match self.query_internal(TO_BASE).await? {
                Ok(_) => return Ok(()),
                // A client's cancel, which was meant for a statement of its own.
                Err(error) if tries < CANCELS && error.code() == "57014" => {}
                Err(error) => return Err(SessionEnd::Refused(error.failure())),
            }
        }
    }
}
