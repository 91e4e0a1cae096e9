//! The life of one session: its messages, one by one, until the client goes, its hour is over, or the proxy shuts down.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures::FutureExt as _;
use futures::StreamExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::names::ClientNames;
use super::types::{
    BackendPipeline, Frontend, KNOWN, KNOWN_LEN, ProxySession, SessionEnd, SessionPhase, SessionSetup, StatementCache,
    TransactionControl, protocol, shutting_down,
};
use crate::backend::{self, Backend, Message};
use crate::classify;
use crate::client::Client;
use crate::cluster::DatabaseCluster;
use crate::conflict_state::SessionRequest;
use crate::limits;
use crate::statement::SqlStatement;
use crate::texts::Rule;
use crate::wire;

/// How often a session looks whether its hour is over.
const LOOKS: Duration = Duration::from_secs(15);

/// The time that a session may be about something once it has to end.
const LAST: Duration = Duration::from_millis(500);

/// What happens to a session now and then.
enum SeldomEvent {
    Shutdown,
    /// The clock was moved: a timer for the hour alone would not notice that it is over.
    Moved,
    Look,
}

impl<S: AsyncRead + AsyncWrite + Unpin> ProxySession<S> {
    /// Serves the client until it goes, the hour is over, or the proxy shuts down.
    ///
    /// # Errors
    /// How it has ended, unless its hour was over or the client has left in good order.
    pub async fn serve(client: Client<S>, server: Backend, setting: SessionSetup) -> Result<(), SessionEnd> {
        let SessionSetup { cluster, user, authority, time, shutdown } = setting;
        let clock = time.now;
        let (entry, requests) = cluster.entry(server.pid, server.key);
        let _leave = Leave(cluster.clone(), server.pid);
        let (born, seen) = (clock(), cluster.catalog());
        let (stopped, gone) = (shutdown.clone(), cluster.jobs.gone.clone());
        let mut session = ProxySession {
            frontend: Frontend {
                client,
                names: ClientNames::default(),
                skip: false,
                wanted: 0,
                complete: Bytes::new(),
                copied: None,
                planner_own: true,
                untold: false,
                estimate_told: false,
            },
            pipeline: BackendPipeline {
                server,
                expected: VecDeque::new(),
                outcomes: Vec::new(),
                answered: 0,
                failed_at: None,
                edited: Vec::new(),
                unsynced: false,
                preempted: false,
                yielding: false,
                watch: None,
                patience: Box::pin(tokio::time::sleep(Duration::ZERO)),
            },
            control: TransactionControl { phase: SessionPhase::Idle, seen, change: None, entry, requests },
            texts: StatementCache { known_at: seen, ..StatementCache::default() },
            cluster,
            conditions: authority.conditions(),
            authority,
            clock,
            user,
        };
        // One that runs a statement, reads data, or waits for its client to read does not hear that it has to end.
        let late = async move {
            tokio::select! {
                () = stopped.cancelled() => {}
                () = gone.cancelled() => {}
            }
            tokio::time::sleep(LAST).await;
        };
        let mut late: FuturesUnordered<_> = std::iter::once(late).collect();
        let ended = tokio::select! {
            biased;
            result = session.event_loop(born, time.moved, shutdown) => Some(result),
            _ = late.next() => None,
        };
        let result = match ended {
            Some(Err(SessionEnd::Server(error))) => {
                Err(backend::starved(&session.cluster.server).map_or(SessionEnd::Server(error), SessionEnd::Refused))
            }
            Some(result) => result,
            None => {
                session.cancel_own().await;
                Err(shutting_down())
            }
        };
        if let SessionPhase::Open(txn) = &session.control.phase {
            txn.conflict.over();
        }
        if let Err(SessionEnd::Refused(failure)) = &result {
            let _ = tokio::time::timeout(LAST, session.frontend.client.refuse(failure)).await;
        }
        result
    }

    pub(super) async fn event_loop(
        &mut self,
        born: SystemTime,
        moved: Arc<Notify>,
        shutdown: CancellationToken,
    ) -> Result<(), SessionEnd> {
        // Polled when one of them has come, and not for every message: all sessions wait for the same two.
        let mut seldom: FuturesUnordered<BoxFuture<'_, SeldomEvent>> = FuturesUnordered::new();
        seldom.push(Box::pin(shutdown.cancelled().map(|()| SeldomEvent::Shutdown)));
        seldom.push(Box::pin(moved.notified().map(|()| SeldomEvent::Moved)));
        seldom.push(Box::pin(tokio::time::sleep(LOOKS).map(|()| SeldomEvent::Look)));
        loop {
            self.check_lifetime(born)?;
            // What has come together is taken together, unless somebody waits for our rows.
            while self.control.requests.is_empty()
                && let Some(message) = self.frontend.client.ready().map_err(SessionEnd::Client)?
            {
                self.message(message).await?;
            }
            if !self.frontend.client.waiting() {
                self.frontend.client.flush().await.map_err(SessionEnd::Client)?;
            }
            tokio::select! {
                biased;
                Some(ask) = self.control.requests.recv() => Box::pin(self.ask(ask)).await?,
                filled = self.frontend.client.fill(), if !self.frontend.client.waiting() => if !filled.map_err(SessionEnd::Client)? {
                    return Err(SessionEnd::Goodbye);
                },
                filled = self.pipeline.server.fill() => {
                    filled.map_err(SessionEnd::Server)?;
                    self.unasked().await?;
                }
                Some(event) = seldom.next() => match event {
                    SeldomEvent::Shutdown => return Err(shutting_down()),
                    SeldomEvent::Moved => seldom.push(Box::pin(moved.notified().map(|()| SeldomEvent::Moved))),
                    SeldomEvent::Look => seldom.push(Box::pin(tokio::time::sleep(LOOKS).map(|()| SeldomEvent::Look))),
                },
            }
        }
    }

    /// Ends the session when its hour is over and nothing goes on: the service closes such a connection without a word.
    pub(super) fn check_lifetime(&self, born: SystemTime) -> Result<(), SessionEnd> {
        let over = || (self.clock)().duration_since(born).unwrap_or_default() > limits::CONNECTION_LIFE;
        if matches!(self.control.phase, SessionPhase::Idle) && over() { Err(SessionEnd::Goodbye) } else { Ok(()) }
    }

    pub(super) async fn ask(&mut self, ask: SessionRequest) -> Result<(), SessionEnd> {
        match ask {
            SessionRequest::Park(conflict) => match &self.control.phase {
                SessionPhase::Open(txn) if Arc::ptr_eq(&txn.conflict, &conflict) => {
                    self.pump().await?;
                    self.park().await
                }
                SessionPhase::Open(_) | SessionPhase::Idle | SessionPhase::Failed => Ok(()),
            },
            SessionRequest::End => Err(shutting_down()),
        }
    }

    pub(super) async fn message(&mut self, message: Message) -> Result<(), SessionEnd> {
        if self.frontend.skip && !matches!(message.kind, b'S' | b'X') {
            return Ok(());
        }
        match message.kind {
            b'Q' => {
                self.pump().await?;
                match self.frontend.skip {
                    // After an error in the extended protocol only a Sync is heard.
                    true => Ok(()),
                    false => self.simple(message).await,
                }
            }
            b'B' if let Some(len) = self.plain_execution(&message) => self.pass_execution(&message, len).await,
            b'P' | b'B' | b'D' | b'E' | b'C' | b'H' | b'S' => match self.extended(message).await {
                Err(SessionEnd::Client(e)) if e.kind() == io::ErrorKind::InvalidInput => {
                    self.malformed(&e.to_string()).await
                }
                other => other,
            },
            b'X' => Err(SessionEnd::Goodbye),
            // What is left of a COPY that the server has ended.
            b'd' | b'c' | b'f' => Ok(()),
            b'F' => {
                self.pump().await?;
                Box::pin(self.fail(Rule::Statement.fill(&["FunctionCall"]))).await?;
                self.ready_for_query();
                Ok(())
            }
            other => Err(SessionEnd::Refused(protocol(&format!("invalid frontend message type {other}")))),
        }
    }

    pub(super) async fn malformed(&mut self, what: &str) -> Result<(), SessionEnd> {
        Err(SessionEnd::Refused(protocol(what)))
    }

    pub(super) fn ready_for_query(&mut self) {
        self.tell_parameters();
        let status = self.control.phase.status();
        wire::put_ready(&mut self.frontend.client.out, status);
    }

    /// Tells the client what holds of its session's parameters, where the server has said so between the lines.
    pub(super) fn tell_parameters(&mut self) {
        let reported = &mut self.pipeline.server.reported;
        self.frontend.client.out.extend_from_slice(reported);
        reported.clear();
    }

    /// The statements of a query, from memory if they were seen before.
    pub(super) fn classified(&mut self, sql: &str) -> Arc<[Arc<SqlStatement>]> {
        let version = self.cluster.catalog();
        if self.texts.known_at != version || self.texts.known.len() > KNOWN {
            self.texts.known.clear();
            self.texts.plain.clear();
            self.texts.sound.clear();
            self.texts.known_at = version;
        }
        if let Some(known) = self.texts.known.get(sql) {
            return known.clone();
        }
        let all = classify::classify(sql, &*self.cluster);
        let all: Arc<[_]> = all.into_iter().map(Arc::new).collect();
        if sql.len() <= KNOWN_LEN {
            self.texts.known.insert(sql.into(), all.clone());
        }
        all
    }
}

/// Leaves the cluster's list of sessions however the session ends.
struct Leave(Arc<DatabaseCluster>, i32);

impl Drop for Leave {
    fn drop(&mut self) {
        self.0.leave(self.1);
    }
}
