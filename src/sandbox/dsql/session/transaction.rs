//! Beginning, parking, going private, replaying, committing.
//!
//! BEGIN takes the snapshot and sets a savepoint. When another session waits for one of our rows while
//! we are idle, we go back to the savepoint (parked): the rows are free, the snapshot stays. When we speak
//! again, the log is run on private copies (shadow). COMMIT runs it on the real tables, one transaction
//! at a time; whatever differs from what the client was shown is a conflict.
//!
//! Invariant: a replay that does not give exactly what the client has seen ends in OC000.

use std::collections::HashSet;

use rand::Rng;
use tokio::io::{AsyncRead, AsyncWrite};

use super::receive::{Expect, Sink};
use super::{Phase, Session, Stop};
use crate::dsql::backend::{BackendError, Rows};
use crate::dsql::classify::{Kind, Statement};
use crate::dsql::cluster::CatalogChange;
use crate::dsql::limits;
use crate::dsql::rules::{self, OURS};
use crate::dsql::shadow;
use crate::dsql::texts::{Failure, Rule};
use crate::dsql::txn::{Mode, Txn};
use crate::dsql::wire;

const TO_BASE: &str = "ROLLBACK TO SAVEPOINT _dsql";
/// A replay that keeps meeting deadlocks gives up, which the client sees as a conflict.
const TRIES: usize = 50;

impl<S: AsyncRead + AsyncWrite + Unpin> Session<S> {
    /// Runs one of our own statements on the session's backend.
    pub(super) async fn own(&mut self, sql: &str) -> Result<Result<Rows, BackendError>, Stop> {
        self.spare_unnamed().await?;
        self.names.unnamed_live = false;
        match self.server.query(sql).await {
            Err(BackendError::Io(e)) => Err(Stop::Server(e)),
            other => Ok(other),
        }
    }

    /// Calls one of our own functions that only the proxy can call, in the client's session. `arguments` follow the
    /// key, `$2` and so on; `{path}` stands for where the session looks for names.
    pub(super) async fn ours(
        &mut self,
        name: &str,
        arguments: &str,
        params: &[&str],
    ) -> Result<Result<Rows, BackendError>, Stop> {
        self.spare_unnamed().await?;
        self.names.unnamed_live = false;
        let arguments = arguments.replace("{path}", "pg_catalog.current_schemas(false)");
        let comma = if arguments.is_empty() { "" } else { ", " };
        let sql = format!("SELECT * FROM pg_catalog.{OURS}{name}($1{comma}{arguments})");
        let params: Vec<&str> = std::iter::once(self.cluster.key.as_str()).chain(params.iter().copied()).collect();
        match self.server.query_with(&sql, &params).await {
            Err(BackendError::Io(e)) => Err(Stop::Server(e)),
            other => Ok(other),
        }
    }

    /// Writes rows back that the transaction has locked FOR UPDATE, as the client: it has the right to, and what its
    /// tables compute runs with that.
    async fn touch(&mut self, names: &str) -> Result<Result<(), BackendError>, Stop> {
        let commands = match self.ours("touch", "$2::text[], {path}", &[names]).await? {
            Ok(rows) => rows,
            Err(error) => return Ok(Err(error)),
        };
        for command in commands.into_iter().flatten().flatten() {
            if let Err(error) = self.own(&command).await? {
                return Ok(Err(error));
            }
        }
        Ok(Ok(()))
    }

    /// BEGIN, COMMIT, ROLLBACK and their synonyms.
    pub(super) async fn control(&mut self, statement: &Statement, kind: &Kind) -> Result<bool, Stop> {
        match kind {
            Kind::Begin { read_only, deferrable } => {
                let options = match (read_only, deferrable) {
                    (true, true) => " READ ONLY DEFERRABLE",
                    (true, false) => " READ ONLY",
                    (false, _) => "",
                };
                self.begin(statement, options).await
            }
            Kind::Commit { chain } => {
                let (ended, good) = self.commit(statement).await?;
                if ended && *chain {
                    self.open(false, true, "").await?;
                }
                Ok(good)
            }
            Kind::Rollback { chain } => {
                let ended = self.rollback(statement).await?;
                if ended && *chain {
                    self.open(false, true, "").await?;
                }
                Ok(true)
            }
            _ => Ok(true),
        }
    }

    async fn begin(&mut self, statement: &Statement, options: &str) -> Result<bool, Stop> {
        let starts = statement.text.get(..5).is_some_and(|word| word.eq_ignore_ascii_case("start"));
        let tag = if starts { "START TRANSACTION" } else { "BEGIN" };
        match &mut self.phase {
            Phase::Idle => {
                self.open(false, true, options).await?;
                wire::put_complete(&mut self.client.out, tag);
                Ok(true)
            }
            Phase::Open(txn) if txn.implicit => {
                txn.implicit = false;
                wire::put_complete(&mut self.client.out, tag);
                Ok(true)
            }
            // PostgreSQL itself warns of a transaction in a transaction.
            Phase::Open(_) => self.as_it_is(&statement.text).await,
            Phase::Failed => Ok(true),
        }
    }

    /// Lets PostgreSQL answer, for its warnings.
    async fn as_it_is(&mut self, sql: &str) -> Result<bool, Stop> {
        self.spare_unnamed().await?;
        wire::put_query(&mut self.server.out, sql);
        self.names.unnamed_live = false;
        self.expected.push_back(Expect::Query(Sink::Show));
        let outcome = self.receive().await?.pop().unwrap_or_default();
        match outcome.error {
            Some(error) => self.fail_raw(&error).await.map(|()| false),
            None => self.client.push(&outcome.complete).await.map(|()| true).map_err(Stop::Client),
        }
    }

    /// Opens a transaction on the backend, where REPEATABLE READ is the default. `base`: it may be parked
    /// later.
    pub(super) async fn open(&mut self, implicit: bool, base: bool, options: &str) -> Result<(), Stop> {
        let mut txn = Box::new(Txn::new(implicit, base, (self.clock)(), self.seen));
        let sql = match base {
            true => {
                let seed: u64 = rand::rng().next_u64() >> 1;
                format!(
                    "BEGIN ISOLATION LEVEL REPEATABLE READ{options};SET LOCAL dsql.seed='{seed}';SET LOCAL dsql.n='0';\
                     SELECT pg_catalog.date_part('epoch',pg_catalog.clock_timestamp())::pg_catalog.numeric;SAVEPOINT _dsql"
                )
            }
            false => format!("BEGIN ISOLATION LEVEL REPEATABLE READ{options}"),
        };
        // Before the snapshot: whatever is committed after this may conflict.
        txn.shares = self.cluster.shares();
        txn.taken = self.cluster.taken();
        self.seat.set_current(Some(txn.fate.clone()));
        match self.own(&sql).await? {
            Ok(rows) => txn.taken_at = rows.into_iter().flatten().flatten().next().unwrap_or_default(),
            Err(error) => return Err(Stop::Refused(error.failure())),
        }
        self.phase = Phase::Open(txn);
        Ok(())
    }

    /// Another session waits for us while our client is silent: gives up the row locks.
    pub(super) async fn park(&mut self) -> Result<(), Stop> {
        let Phase::Open(txn) = &mut self.phase else { return Ok(()) };
        if txn.mode != Mode::Direct || !txn.base {
            return Ok(());
        }
        txn.mode = Mode::Parked;
        self.drain_portals().await?;
        self.go_to_base().await
    }

    async fn go_to_base(&mut self) -> Result<(), Stop> {
        self.names.lose_portals();
        match self.own(TO_BASE).await? {
            Ok(_) => Ok(()),
            Err(error) => Err(Stop::Refused(error.failure())),
        }
    }

    /// Before a statement runs: a parked transaction goes on, in private if it has written anything.
    /// False: it cannot, and the client was told.
    pub(super) async fn unpark(&mut self, statement: &Statement, kind: &Kind) -> Result<bool, Stop> {
        let Phase::Open(txn) = &mut self.phase else { return Ok(true) };
        match txn.mode {
            Mode::Direct => Ok(true),
            Mode::Parked if txn.log.is_empty() => {
                txn.mode = Mode::Direct;
                txn.fate.resumed();
                Ok(true)
            }
            // A definition has no private copy: it is made again, and waits for whoever is in its way.
            Mode::Parked if txn.ddl => {
                txn.mode = Mode::Direct;
                txn.fate.resumed();
                match self.rerun().await? {
                    Ok(true) => Ok(true),
                    Ok(false) | Err(_) => self.fail(Rule::SchemaChanged.failure()).await.map(|()| false),
                }
            }
            Mode::Parked => self.go_private(statement, false).await,
            Mode::Shadow => self.copies(statement, kind == &Kind::Read).await,
            Mode::Lost => self.fail(Rule::Conflict.failure()).await.map(|()| false),
        }
    }

    /// Makes private copies of every table that the transaction has written or is about to, and runs the
    /// log on them.
    pub(super) async fn go_private(&mut self, statement: &Statement, doomed: bool) -> Result<bool, Stop> {
        let Phase::Open(txn) = &mut self.phase else { return Ok(true) };
        if doomed {
            txn.fate.doom();
        }
        txn.mode = Mode::Shadow;
        txn.shadows.clear();
        txn.looked.clear();
        let texts: Vec<_> = txn.log.iter().map(|e| e.statement.text.clone()).collect();
        self.go_to_base().await?;
        let mut names: HashSet<String> = texts.iter().flat_map(|t| shadow::names(t)).collect();
        names.extend(shadow::names(&statement.text));
        if !self.copy_tables(names, false).await? {
            return Ok(false);
        }
        match self.rerun().await? {
            Ok(true) => {}
            // The client has seen something else: it may go on, but not commit.
            Ok(false) => {
                if let Phase::Open(txn) = &self.phase {
                    txn.fate.doom();
                }
            }
            Err(_) => return self.fail(Rule::Conflict.failure()).await.map(|()| false),
        }
        Ok(true)
    }

    /// Private copies of what one more statement names.
    async fn copies(&mut self, statement: &Statement, reading: bool) -> Result<bool, Stop> {
        if !statement.relations {
            return Ok(true);
        }
        let names = shadow::names(&statement.text);
        self.copy_tables(names, reading).await
    }

    async fn copy_tables(&mut self, names: HashSet<String>, reading: bool) -> Result<bool, Stop> {
        let Phase::Open(txn) = &mut self.phase else { return Ok(true) };
        let fresh: Vec<String> = names
            .into_iter()
            .filter(|name| {
                let known = txn.looked.contains(&(name.clone(), false));
                !known && txn.looked.insert((name.clone(), reading))
            })
            .collect();
        if fresh.is_empty() {
            return Ok(true);
        }
        let reading = if reading { "true" } else { "false" };
        match (self.ours("copy", "$2::text[], {path}, $3::bool", &[&array(&fresh), reading]).await?, &mut self.phase) {
            (Ok(rows), Phase::Open(txn)) => {
                txn.shadows = rows
                    .into_iter()
                    .filter_map(|row| match <[_; 2]>::try_from(row) {
                        Ok([Some(schema), Some(table)]) => Some((schema, table)),
                        _ => None,
                    })
                    .collect();
                Ok(true)
            }
            (Ok(_), _) => Ok(true),
            (Err(error), _) => {
                tracing::debug!(%error, "no private copy: the transaction ends in a conflict");
                self.fail(Rule::Conflict.failure()).await.map(|()| false)
            }
        }
    }

    /// Runs the log again where the transaction is now. Whether it gave what the client has seen, or the
    /// SQLSTATE that stopped it.
    async fn rerun(&mut self) -> Result<Result<bool, String>, Stop> {
        let Phase::Open(txn) = &self.phase else { return Ok(Ok(true)) };
        let private = txn.mode == Mode::Shadow;
        let (log, shadows) = (txn.log.clone(), if private { txn.shadows.clone() } else { Vec::new() });
        let mut same = true;
        let mut at = 0;
        while at < log.len() {
            // All at once, up to a COPY, which is a conversation.
            let start = at;
            while at < log.len() && (at == start || log[at].copy.is_none()) {
                let entry = &log[at];
                let sql = shadow::redirect(&entry.statement.rerun(), &shadows);
                match &entry.params {
                    Some(params) => self.put_bound(&sql, params, Sink::Drop),
                    None => {
                        wire::put_query(&mut self.server.out, &sql);
                        self.names.unnamed_live = false;
                        self.expected.push_back(Expect::Query(Sink::Drop));
                    }
                }
                at += 1;
                if entry.copy.is_some() {
                    break;
                }
            }
            let mut outcomes = self.receive().await?;
            if let Some(data) = &log[at - 1].copy
                && outcomes.last().is_some_and(|o| o.copy_in)
            {
                for message in data {
                    self.server.send_raw(message).await.map_err(Stop::Server)?;
                }
                self.after_data();
                outcomes.pop();
                outcomes.extend(self.receive().await?);
            }
            if outcomes.len() != at - start {
                outcomes.retain(|o| o.error.is_some());
            }
            for (n, outcome) in outcomes.iter().enumerate() {
                if outcome.error.is_some() {
                    return Ok(Err(outcome.sqlstate().to_owned()));
                }
                same &= log.get(start + n).is_some_and(|entry| entry.digest == outcome.digest_for(entry.only_tag));
            }
        }
        Ok(Ok(same))
    }

    /// COMMIT. Whether a transaction has ended, and whether well.
    async fn commit(&mut self, statement: &Statement) -> Result<(bool, bool), Stop> {
        match &self.phase {
            Phase::Idle => {
                let good = self.as_it_is(&statement.text).await?;
                self.names.portals.clear();
                return Ok((false, good));
            }
            Phase::Failed => {
                self.phase = Phase::Idle;
                self.names.portals.clear();
                self.own("ROLLBACK").await?.ok();
                wire::put_complete(&mut self.client.out, "ROLLBACK");
                return Ok((true, true));
            }
            Phase::Open(_) => {}
        }
        let done = self.try_commit().await?;
        self.phase = Phase::Idle;
        match done {
            Ok(()) => wire::put_complete(&mut self.client.out, "COMMIT"),
            Err(failure) => failure.put(&mut self.client.out),
        }
        Ok((true, true))
    }

    /// The end of what the client did not begin itself, and with it of a query whose tag waits for that.
    pub(super) async fn end_implicit(&mut self) -> Result<(), Stop> {
        if matches!(&self.phase, Phase::Open(txn) if txn.implicit) {
            let done = self.try_commit().await?;
            self.phase = Phase::Idle;
            let complete = std::mem::take(&mut self.complete);
            match done {
                Ok(()) => self.client.push(&complete).await.map_err(Stop::Client)?,
                Err(failure) => failure.put(&mut self.client.out),
            }
        }
        Ok(())
    }

    /// Commits on the backend, or rolls back and says why. Afterwards no transaction is open there.
    pub(super) async fn try_commit(&mut self) -> Result<Result<(), Failure>, Stop> {
        let Phase::Open(txn) = &self.phase else { return Ok(Ok(())) };
        let fate = txn.fate.clone();
        let (ddl, look) = (txn.ddl, txn.look);
        let done = match self.may_commit() {
            Ok(()) => self.commit_now().await?,
            Err(failure) => Err(failure),
        };
        self.names.portals.clear();
        self.seat.set_current(None);
        match &done {
            Ok(()) => {
                fate.won();
                if let Some(change) = self.change.take().filter(|_| ddl) {
                    self.seen = self.cluster.changed(change, look).await;
                    self.cluster.jobs.wake((self.clock)());
                }
            }
            Err(failure) => {
                fate.over();
                if failure.code == "40001" {
                    self.seen = self.cluster.catalog();
                }
                self.own("ROLLBACK").await?.ok();
            }
        }
        Ok(done)
    }

    fn may_commit(&self) -> Result<(), Failure> {
        let Phase::Open(txn) = &self.phase else { return Ok(()) };
        if let Some(failure) = txn.too_old((self.clock)()) {
            return Err(failure);
        }
        let texts = txn.log.iter().map(|entry| &*entry.statement.text);
        if (txn.ddl || txn.dml) && txn.catalog != self.cluster.catalog() && self.is_concerned(txn.catalog, texts) {
            return Err(Rule::SchemaChanged.failure());
        }
        // Nobody minds what a transaction has only read.
        if txn.mode == Mode::Lost || txn.fate.doomed() && (txn.dml || txn.ddl) {
            return Err(Rule::Conflict.failure());
        }
        Ok(())
    }

    async fn commit_now(&mut self) -> Result<Result<(), Failure>, Stop> {
        let Phase::Open(txn) = &self.phase else { return Ok(Ok(())) };
        let replay = txn.mode != Mode::Direct && !txn.log.is_empty();
        let cluster = self.cluster.clone();
        let _token = match replay {
            true => Some(cluster.token.lock().await),
            false => None,
        };
        if replay && !self.replay().await? {
            return Ok(Err(Rule::Conflict.failure()));
        }
        // Before the rows that are locked are written back, and look like others.
        if self.took_a_shared_key().await? {
            return Ok(Err(Rule::Conflict.failure()));
        }
        if let Some(failure) = self.before_commit().await? {
            return Ok(Err(failure));
        }
        let Ok(sharing) = self.share_keys().await? else { return Ok(Err(Rule::Conflict.failure())) };
        if matches!(&self.phase, Phase::Open(txn) if txn.ddl) {
            self.change = Some(self.catalog_change().await?);
        }
        let takes = matches!(&self.phase, Phase::Open(txn) if txn.locks.takes_keys);
        if takes {
            cluster.takes_now();
        }
        let done = self.own("COMMIT").await;
        if takes {
            cluster.has_taken();
        }
        if sharing {
            cluster.has_shared();
        }
        Ok(match done? {
            // A block that has failed ends in a rollback without an error.
            Ok(_) if self.server.tag != "COMMIT" => Err(Rule::Conflict.failure()),
            Ok(_) => Ok(()),
            Err(error) if error.code() == "40001" => Err(Rule::Conflict.failure()),
            Err(error) => Err(Failure { severity: "ERROR", ..error.failure() }),
        })
    }

    /// What the transaction has changed of the catalogue.
    async fn catalog_change(&mut self) -> Result<CatalogChange, Stop> {
        let members = match &self.phase {
            Phase::Open(txn) => txn.log.iter().flat_map(|entry| rules::members(&entry.statement.text)).collect(),
            Phase::Idle | Phase::Failed => Vec::new(),
        };
        Ok(match self.ours("changes", "", &[]).await? {
            Ok(rows) => {
                CatalogChange { names: rows.into_iter().flatten().flatten().collect(), members, everything: false }
            }
            Err(error) => {
                tracing::warn!(%error, "a change of the catalogue is not known");
                CatalogChange { everything: true, ..CatalogChange::default() }
            }
        })
    }

    /// Tells the cluster which keys this transaction relies on: PostgreSQL forgets such locks at COMMIT,
    /// but an older transaction that takes the key away later must fail.
    async fn share_keys(&mut self) -> Result<Result<bool, BackendError>, Stop> {
        let Phase::Open(txn) = &self.phase else { return Ok(Ok(false)) };
        let shares = txn.locks.for_key_share || txn.dml && self.cluster.may_share(&txn.fate);
        if !shares {
            return Ok(Ok(false));
        }
        let names = named(txn);
        let rows = match self.ours("shared", "$2::text[], {path}", &[&names]).await? {
            Ok(rows) => rows,
            Err(error) => {
                tracing::warn!(%error, "shared keys could not be read");
                return Ok(Err(error));
            }
        };
        let rows = rows.into_iter().filter_map(|row| match <[_; 3]>::try_from(row) {
            Ok([Some(relation), Some(key), Some(version)]) => Some([relation, key, version]),
            _ => None,
        });
        self.cluster.shares_now(rows);
        Ok(Ok(true))
    }

    /// Whether a transaction that was committed since this one began relies on a key that this one has
    /// taken away or locked.
    async fn took_a_shared_key(&mut self) -> Result<bool, Stop> {
        let Phase::Open(txn) = &self.phase else { return Ok(false) };
        if !txn.locks.takes_keys && !txn.locks.for_update {
            return Ok(false);
        }
        let shared = self.cluster.shared_since(txn.shares);
        if shared.is_empty() {
            return Ok(false);
        }
        let relations = array(shared.iter().map(|s| &s.relation));
        let keys = array(shared.iter().map(|s| &s.key));
        let versions = array(shared.iter().map(|s| &s.version));
        let locking = if txn.locks.for_update { "true" } else { "false" };
        let params = [&relations, &keys, &versions, locking, &txn.taken_at.clone()];
        match self.ours("took", "$2::oid[], $3::text[], $4::text[], $5::bool, nullif($6, '')::numeric", &params).await?
        {
            Ok(rows) => Ok(rows.into_iter().flatten().flatten().any(|took| took == "t")),
            Err(error) => {
                tracing::warn!(%error, "shared keys could not be compared");
                Ok(true)
            }
        }
    }

    /// Whether a statement that has just run on the real tables has added a key which the snapshot still
    /// shows: PostgreSQL lets it, once another transaction has taken the key away.
    pub(super) async fn key_was_taken(&mut self, statement: &Statement, kind: &Kind) -> Result<bool, Stop> {
        let adds = matches!(kind, Kind::CopyIn) || matches!(kind, Kind::Write(write) if write.adds_keys);
        match &self.phase {
            Phase::Open(txn) if adds && txn.base && txn.mode == Mode::Direct && !txn.ddl => {
                let names = shadow::names(&statement.text);
                self.shown_twice(names).await
            }
            Phase::Open(_) | Phase::Idle | Phase::Failed => Ok(false),
        }
    }

    /// The same for all that has been run again.
    async fn added_taken_keys(&mut self) -> Result<bool, Stop> {
        match &self.phase {
            Phase::Open(txn) if txn.locks.adds_keys => {
                let names = txn.log.iter().flat_map(|entry| shadow::names(&entry.statement.text)).collect();
                self.shown_twice(names).await
            }
            Phase::Open(_) | Phase::Idle | Phase::Failed => Ok(false),
        }
    }

    async fn shown_twice(&mut self, names: HashSet<String>) -> Result<bool, Stop> {
        let Phase::Open(txn) = &self.phase else { return Ok(false) };
        if !self.cluster.taken_since(txn.taken) {
            return Ok(false);
        }
        match self.ours("shown_twice", "$2::text[], {path}", &[&array(&names)]).await? {
            Ok(rows) => Ok(rows.into_iter().flatten().flatten().any(|twice| twice == "t")),
            Err(error) => {
                tracing::warn!(%error, "keys could not be compared");
                Ok(true)
            }
        }
    }

    /// Runs the log on the real tables. False: somebody was first.
    async fn replay(&mut self) -> Result<bool, Stop> {
        for _ in 0..TRIES {
            self.go_to_base().await?;
            if let Phase::Open(txn) = &mut self.phase {
                txn.mode = Mode::Direct;
                if txn.fate.doomed() {
                    return Ok(false);
                }
            }
            match self.rerun().await? {
                Ok(same) => return Ok(same && !self.added_taken_keys().await?),
                Err(code) if code == "40P01" => {}
                Err(_) => return Ok(false),
            }
        }
        Ok(false)
    }

    /// What must hold, and what must be left behind for others, before a COMMIT.
    async fn before_commit(&mut self) -> Result<Option<Failure>, Stop> {
        let Phase::Open(txn) = &self.phase else { return Ok(None) };
        let (touch, measure) = (txn.locks.for_update, txn.worth_measuring());
        if !touch && !measure {
            return Ok(None);
        }
        let names = named(txn);
        if touch && let Err(error) = self.touch(&names).await? {
            tracing::debug!(%error, "locked rows could not be written back");
            return Ok(Some(Rule::Conflict.failure()));
        }
        if measure {
            let rows = match self.ours("size", "$2::text[], {path}", &[&names]).await? {
                Ok(rows) => rows,
                Err(error) => return Ok(Some(Failure { severity: "ERROR", ..error.failure() })),
            };
            let size = rows.into_iter().flatten().flatten().next().and_then(|n| n.parse::<u64>().ok()).unwrap_or(0);
            if size > limits::BYTES {
                let detail = format!("Current transaction size {}mb > 10mb", size.div_ceil(1024 * 1024));
                return Ok(Some(Rule::SizeLimit.failure().detail(detail)));
            }
        }
        Ok(None)
    }

    /// ROLLBACK. Whether a transaction has ended.
    async fn rollback(&mut self, statement: &Statement) -> Result<bool, Stop> {
        match std::mem::replace(&mut self.phase, Phase::Idle) {
            Phase::Idle => {
                self.as_it_is(&statement.text).await?;
                self.names.portals.clear();
                return Ok(false);
            }
            Phase::Failed => {}
            Phase::Open(txn) => {
                txn.fate.over();
                self.seat.set_current(None);
            }
        }
        self.names.portals.clear();
        self.own("ROLLBACK").await?.ok();
        wire::put_complete(&mut self.client.out, "ROLLBACK");
        Ok(true)
    }
}

/// Every name in the transaction's statements that could be a table's, as an array of PostgreSQL's.
fn named(txn: &Txn) -> String {
    let names: HashSet<String> = txn.log.iter().flat_map(|entry| shadow::names(&entry.statement.text)).collect();
    array(&names)
}

/// Returns an array as PostgreSQL reads it from text.
pub(super) fn array<T: AsRef<str>>(items: impl IntoIterator<Item = T>) -> String {
    let quoted = |item: T| format!("\"{}\"", item.as_ref().replace('\\', "\\\\").replace('"', "\\\""));
    format!("{{{}}}", items.into_iter().map(quoted).collect::<Vec<_>>().join(","))
}
