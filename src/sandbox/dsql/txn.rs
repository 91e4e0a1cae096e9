//! A transaction as the proxy sees it: what it has done, what it may still do, and how it stands to the
//! others.
//!
//! Invariant: pure; the time is an argument. The session carries out what is decided here.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;

use super::classify::{Kind, Statement, Write};
use super::cluster::{Fate, Taken};
use super::limits;
use super::texts::{Failure, Rule};

/// Where the transaction's writes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// On the real tables, with row locks.
    Direct,
    /// Nowhere: rolled back to the base, so that others need not wait. The log knows them.
    Parked,
    /// On private copies: nothing waits, nothing is seen by others. COMMIT replays the log.
    Shadow,
    /// Cannot be rebuilt: the next statement or COMMIT says OC000.
    Lost,
}

/// One statement that a replay must run again.
#[derive(Debug, Clone)]
pub struct Entry {
    pub statement: Arc<Statement>,
    pub params: Option<Params>,
    /// The data of COPY FROM STDIN.
    pub copy: Option<Vec<Bytes>>,
    /// Of the rows and the tag that the client was shown.
    pub digest: u64,
    /// The client was shown no rows.
    pub only_tag: bool,
}

/// The parameters of an extended-protocol statement, as on the wire.
#[derive(Debug, Clone)]
pub struct Params {
    pub types: Bytes,
    pub bind: Bytes,
}

#[derive(Debug)]
pub struct Txn {
    /// Not begun by the client: ends with the query or at Sync.
    pub implicit: bool,
    /// Has a savepoint to go back to.
    pub base: bool,
    pub mode: Mode,
    pub log: Vec<Entry>,
    pub fate: Arc<Fate>,
    pub began: SystemTime,
    /// The catalogue's version that it began with.
    pub catalog: u64,
    /// No statement of it has been answered: nobody would notice another snapshot.
    pub fresh: bool,
    /// When its snapshot had been taken, in seconds since 1970 by the database's clock; empty without a savepoint.
    pub taken_at: String,
    /// Where it stands among the commits that share keys.
    pub shares: u64,
    /// Where it stands among the commits that take keys away.
    pub taken: Taken,
    /// Rows changed.
    pub rows: u64,
    /// What it has done so far.
    pub ddl: bool,
    pub dml: bool,
    /// Functions, keys or foreign keys may have changed.
    pub look: bool,
    pub locks: Write,
    /// The tables that have private copies, as (schema, name).
    pub shadows: Vec<(String, String)>,
    /// Names that were looked at for copies, for writing and for reading.
    pub looked: HashSet<(String, bool)>,
}

impl Txn {
    pub fn new(implicit: bool, base: bool, now: SystemTime, catalog: u64) -> Self {
        Txn {
            implicit,
            base,
            mode: Mode::Direct,
            log: Vec::new(),
            fate: Arc::default(),
            began: now,
            catalog,
            fresh: true,
            taken_at: String::new(),
            shares: 0,
            taken: Taken::default(),
            rows: 0,
            ddl: false,
            dml: false,
            look: false,
            locks: Write::default(),
            shadows: Vec::new(),
            looked: HashSet::new(),
        }
    }

    /// Older than a transaction may be.
    pub fn too_old(&self, now: SystemTime) -> Option<Failure> {
        let age = now.duration_since(self.began).unwrap_or_default();
        let detail = || format!("Current transaction age {}s exceeds 300s", age.as_secs());
        (age > limits::TRANSACTION_LIFE).then(|| Rule::AgeLimit.failure().detail(detail()))
    }

    /// Whether it could have written more than a transaction may, so that it is worth looking.
    pub fn worth_measuring(&self) -> bool {
        if self.rows < LEAST_ROWS {
            return false;
        }
        let told = |e: &Entry| {
            let copy = e.copy.iter().flatten().map(Bytes::len).sum::<usize>();
            e.statement.text.len() + copy + e.params.as_ref().map_or(0, |p| p.bind.len())
        };
        // What a statement makes out of nothing says nothing of its size.
        let makes = |e: &Entry| {
            let text = e.statement.text.to_ascii_lowercase();
            ["select", "repeat", "pad(", "||"].iter().any(|word| text.contains(word))
        };
        self.log.iter().map(told).sum::<usize>() > TOLD || self.log.iter().any(makes)
    }

    /// One DDL statement, and no rows changed beside it.
    pub fn may(&self, kind: &Kind) -> Result<(), Failure> {
        let dml = matches!(kind, Kind::Write(_) | Kind::CopyIn);
        match (kind == &Kind::Ddl, dml) {
            (true, _) if self.ddl => Err(Rule::MultipleDdl.failure()),
            (true, _) if self.dml => Err(Rule::DdlAndDml.failure()),
            (_, true) if self.ddl => Err(Rule::DdlAndDml.failure()),
            _ => Ok(()),
        }
    }

    /// Whether a conflict at the statement may be PostgreSQL's alone: to share the key of a row that was
    /// changed, but not in its key, is no conflict for DSQL; a newer snapshot shows the row.
    pub fn may_look_again(&self, kind: &Kind) -> bool {
        let only_shares = matches!(kind, Kind::Write(w) if !w.unkeys && !w.for_update);
        self.fresh && self.log.is_empty() && self.mode == Mode::Direct && only_shares
    }

    /// Takes note of a statement that has run.
    pub fn did(&mut self, kind: &Kind, rows: u64) -> Result<(), Failure> {
        match kind {
            Kind::Ddl => self.ddl = true,
            Kind::CopyIn => {
                self.dml = true;
                self.locks.adds_keys = true;
            }
            Kind::Write(write) => {
                self.dml = true;
                self.locks.for_update |= write.for_update;
                self.locks.for_key_share |= write.for_key_share;
                self.locks.unkeys |= write.unkeys;
                self.locks.takes_keys |= write.takes_keys;
                self.locks.adds_keys |= write.adds_keys;
            }
            Kind::Read | Kind::Local | Kind::Other | Kind::Begin { .. } | Kind::Commit { .. } => return Ok(()),
            Kind::Rollback { .. } | Kind::Deallocate { .. } => return Ok(()),
        }
        self.rows += rows;
        if self.rows > limits::ROWS { Err(Rule::RowLimit.failure()) } else { Ok(()) }
    }
}

/// Fewer rows cannot reach 10 MiB, at 2 MiB a row.
const LEAST_ROWS: u64 = 6;
/// Statements and parameters shorter than this, in bytes, cannot either, unless they make data.
const TOLD: usize = 64 * 1024;

/// What an error of PostgreSQL means for a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// Another transaction was first, or may have been: go on in private, and see.
    Conflict,
    /// PostgreSQL ended a circle of waits with this transaction: go on in private, undecided.
    Deadlock,
    /// Unique or foreign key: another's row, or one that the client can see.
    Key,
    /// The client's own.
    Genuine,
}

pub fn meaning(sqlstate: &str) -> Meaning {
    match sqlstate {
        "40001" => Meaning::Conflict,
        "40P01" => Meaning::Deadlock,
        "23505" | "23503" | "23P01" => Meaning::Key,
        _ => Meaning::Genuine,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn txn() -> Txn {
        Txn::new(false, true, SystemTime::UNIX_EPOCH, 1)
    }

    #[test]
    fn one_ddl_and_no_rows_beside_it() {
        let write = Kind::Write(Write { dml: true, ..Write::default() });
        let mut t = txn();
        assert!(t.may(&Kind::Ddl).is_ok() && t.may(&write).is_ok());
        t.did(&Kind::Ddl, 0).unwrap();
        assert_eq!(t.may(&Kind::Ddl).unwrap_err().message, "multiple ddl statements not supported in a transaction");
        assert_eq!(t.may(&write).unwrap_err().message, "ddl and dml are not supported in the same transaction");
        assert!(t.may(&Kind::Read).is_ok());
        let mut t = txn();
        t.did(&write, 1).unwrap();
        assert_eq!(t.may(&Kind::Ddl).unwrap_err().code, "0A000");
    }

    #[test]
    fn three_thousand_rows_and_not_one_more() {
        let write = Kind::Write(Write::default());
        let mut t = txn();
        assert!(t.did(&write, 2_999).is_ok() && t.did(&write, 1).is_ok());
        assert_eq!(t.did(&write, 1).unwrap_err().code, "54000");
    }

    #[test]
    fn five_minutes() {
        let t = txn();
        let at = |s| SystemTime::UNIX_EPOCH + Duration::from_secs(s);
        assert_eq!(t.too_old(at(300)), None);
        let failure = t.too_old(at(311)).unwrap();
        assert_eq!(failure.detail.as_deref(), Some("Current transaction age 311s exceeds 300s"));
    }
}
