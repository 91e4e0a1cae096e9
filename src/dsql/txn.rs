//! A transaction as the proxy sees it: what it has done, what it may still do, and how it stands to the
//! others.
//!
//! Invariant: pure; the time is an argument. The session carries out what is decided here.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;

use super::cluster::KeysTaken;
use super::conflict_state::ConflictState;
use super::limits;
use super::own_names::INTERNAL;
use super::statement::{SqlStatement, StatementKind, WriteEffects};
use super::texts::{Rule, SqlFailure};
use super::wire;

/// Where the transaction's writes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WriteMode {
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
pub struct LogEntry {
    pub statement: Arc<SqlStatement>,
    /// It was run in the order of its table's key.
    pub ordered: bool,
    pub params: Option<BoundParams>,
    /// The data of COPY FROM STDIN.
    pub copy: Option<Vec<Bytes>>,
    /// Of the rows and the tag that the client was shown.
    pub digest: u64,
    /// The client was shown no rows.
    pub only_tag: bool,
}

impl LogEntry {
    /// Returns what a replay gives PostgreSQL.
    pub fn text(&self) -> Cow<'_, str> {
        match &self.statement.ordered {
            Some(query) if self.ordered => query.sql.as_str().into(),
            Some(_) | None => self.statement.rerun(),
        }
    }
}

/// The parameters of an extended-protocol statement, as on the wire.
#[derive(Debug, Clone)]
pub struct BoundParams {
    pub types: Bytes,
    pub bind: Bytes,
}

#[derive(Debug)]
pub struct Txn {
    /// Not begun by the client: ends with the query or at Sync.
    pub implicit: bool,
    /// Has a savepoint to go back to.
    pub has_savepoint: bool,
    pub mode: WriteMode,
    pub log: Vec<LogEntry>,
    pub conflict: Arc<ConflictState>,
    pub began: SystemTime,
    /// The catalogue's version that the session had when it began, and the newest.
    pub catalog: (u64, u64),
    /// No statement of it has been answered: nobody would notice another snapshot.
    pub unanswered: bool,
    /// When its snapshot had been taken, in seconds since 1970 by the database's clock; empty without a savepoint.
    pub taken_at: String,
    /// Where it stands among the commits that share keys.
    pub shares: u64,
    /// Where it stands among the commits that take keys away.
    pub taken: KeysTaken,
    /// Rows changed.
    pub rows: u64,
    /// What it has done so far.
    pub ddl: bool,
    pub dml: bool,
    pub locks: WriteEffects,
    /// The client has read something since it wrote: it may know what its rows hold.
    pub looked: bool,
    /// A digest of the rows that it had written when it went back to its savepoint, if the client may know them.
    pub seen: Option<String>,
    /// The tables that have private copies, as (schema, name).
    pub shadows: Vec<(String, String)>,
    /// Names that were looked at for copies, for writing and for reading.
    pub copied_names: HashSet<(String, bool)>,
}

impl Txn {
    /// Begins one now, on the catalogue that the session has, and the newest.
    pub fn new(implicit: bool, has_savepoint: bool, now: SystemTime, catalog: (u64, u64)) -> Self {
        Txn {
            implicit,
            has_savepoint,
            mode: WriteMode::Direct,
            log: Vec::new(),
            conflict: Arc::default(),
            began: now,
            catalog,
            unanswered: true,
            taken_at: String::new(),
            shares: 0,
            taken: KeysTaken::default(),
            rows: 0,
            ddl: false,
            dml: false,
            locks: WriteEffects::default(),
            looked: false,
            seen: None,
            shadows: Vec::new(),
            copied_names: HashSet::new(),
        }
    }

    /// Older than a transaction may be.
    pub fn too_old(&self, now: SystemTime) -> Option<SqlFailure> {
        let age = now.duration_since(self.began).unwrap_or_default();
        let detail = || format!("Current transaction age {}s exceeds 300s", age.as_secs());
        (age > limits::TRANSACTION_LIFE).then(|| Rule::AgeLimit.failure().detail(detail()))
    }

    /// Returns whether it could have written more than a transaction may, so that it is worth looking.
    pub fn worth_measuring(&self) -> bool {
        if self.rows < LEAST_ROWS {
            return false;
        }
        let told = |e: &LogEntry| {
            let copy = e.copy.iter().flatten().map(Bytes::len).sum::<usize>();
            e.statement.text.len() + copy + e.params.as_ref().map_or(0, |p| p.bind.len())
        };
        // What a statement makes out of nothing says nothing of its size.
        let makes = |e: &LogEntry| {
            let text = e.statement.text.to_ascii_lowercase();
            ["select", "repeat", "pad(", "||"].iter().any(|word| text.contains(word))
        };
        self.log.iter().map(told).sum::<usize>() > TOLD || self.log.iter().any(makes)
    }

    /// Takes note of a statement whose answer the client gets, and no replay compares.
    pub fn answered(&mut self, kind: &StatementKind) {
        self.unanswered = false;
        self.looked |= self.dml && matches!(kind, StatementKind::Read | StatementKind::Other);
    }

    /// Returns whether its log may give other rows when it is run again: by a sequence, maybe that of a column, by chance
    /// or by the clock. What a digest cannot tell is judged by this.
    pub fn varies(&self) -> bool {
        self.locks.adds_keys || self.log.iter().any(|entry| names_any(&entry.statement.text, VARYING))
    }

    /// Its rows are lost and cannot be compared any more: what the client may know of them must be what will be committed.
    pub fn doom_if_varying(&self) {
        if self.looked && self.varies() {
            self.conflict.doom();
        }
    }

    /// One DDL statement, and no rows changed beside it.
    ///
    /// # Errors
    /// 0A000 for a second definition, or rows and a definition together.
    pub fn check_allowed(&self, kind: &StatementKind) -> Result<(), SqlFailure> {
        let dml = matches!(kind, StatementKind::Write(_) | StatementKind::CopyIn);
        match (kind == &StatementKind::Ddl, dml) {
            (true, _) if self.ddl => Err(Rule::MultipleDdl.failure()),
            (true, _) if self.dml => Err(Rule::DdlAndDml.failure()),
            (_, true) if self.ddl => Err(Rule::DdlAndDml.failure()),
            _ => Ok(()),
        }
    }

    /// Returns whether a conflict at the statement may be PostgreSQL's alone: to share the key of a row that was
    /// changed, but not in its key, is no conflict for DSQL; a newer snapshot shows the row. An explicit transaction has
    /// had its own since BEGIN.
    pub fn may_look_again(&self, kind: &StatementKind) -> bool {
        let only_shares = matches!(kind, StatementKind::Write(w) if !w.unkeys && !w.for_update);
        self.implicit && self.unanswered && self.log.is_empty() && self.mode == WriteMode::Direct && only_shares
    }

    /// Takes note of a statement that has run.
    ///
    /// # Errors
    /// 54000 once more than 3,000 rows have changed.
    pub fn record(&mut self, kind: &StatementKind, rows: u64) -> Result<(), SqlFailure> {
        match kind {
            StatementKind::Ddl => self.ddl = true,
            StatementKind::CopyIn => {
                self.dml = true;
                self.locks.adds_keys = true;
            }
            StatementKind::Write(write) => {
                self.dml = true;
                self.locks.for_update |= write.for_update;
                self.locks.for_key_share |= write.for_key_share;
                self.locks.unkeys |= write.unkeys;
                self.locks.takes_keys |= write.takes_keys;
                self.locks.adds_keys |= write.adds_keys;
            }
            StatementKind::Read
            | StatementKind::Local
            | StatementKind::Other
            | StatementKind::Begin { .. }
            | StatementKind::Commit => return Ok(()),
            StatementKind::Rollback | StatementKind::Deallocate => return Ok(()),
        }
        self.rows += rows;
        if self.rows > limits::ROWS { Err(Rule::RowLimit.failure()) } else { Ok(()) }
    }
}

/// Functions of PostgreSQL's own that give something else each time.
const VARYING: &[&str] =
    &["nextval", "currval", "lastval", "random", "clock_timestamp", "statement_timestamp", "timeofday"];

/// Returns whether a text may name one of these functions.
pub fn names_any(text: &str, functions: &[&str]) -> bool {
    let text = text.to_ascii_lowercase();
    functions.iter().any(|function| text.contains(function))
}

/// Fewer rows cannot reach 10 MiB, at 2 MiB a row.
const LEAST_ROWS: u64 = 6;
/// Statements and parameters shorter than this, in bytes, cannot either, unless they make data.
const TOLD: usize = 64 * 1024;

/// What an error of PostgreSQL means for a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorMeaning {
    /// Another transaction was first, or may have been: go on in private, and see.
    Conflict,
    /// PostgreSQL ended a circle of waits with this transaction: go on in private, undecided.
    Deadlock,
    /// Unique or foreign key: another's row, or one that the client can see.
    Key,
    /// Another transaction has changed the same part of the catalogue meanwhile, which PostgreSQL tells by its own tables.
    Catalog,
    /// The client's own.
    Genuine,
}

/// Tells a conflict from the client's own errors: by the fields of an ErrorResponse.
pub fn meaning_of(error: &[u8]) -> ErrorMeaning {
    let field = |code| wire::field(error, code).unwrap_or_default();
    // Of a row of the catalogue that another has written or taken away (`simple_heap_update` and `SearchSysCache` of
    // PostgreSQL's sources).
    const LOST: &[&str] = &[
        "tuple concurrently ",
        "could not find tuple for ",
        "cache lookup failed for ",
        "could not open relation with OID ",
    ];
    match field(b'C') {
        "40001" => ErrorMeaning::Conflict,
        "40P01" => ErrorMeaning::Deadlock,
        // Some of the catalogue's tables are kept elsewhere.
        "23505" if matches!(field(b's'), "pg_catalog" | INTERNAL) => ErrorMeaning::Catalog,
        "23505" | "23503" | "23P01" => ErrorMeaning::Key,
        "XX000" if LOST.iter().any(|start| field(b'M').starts_with(start)) => ErrorMeaning::Catalog,
        _ => ErrorMeaning::Genuine,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn txn() -> Txn {
        Txn::new(false, true, SystemTime::UNIX_EPOCH, (1, 1))
    }

    #[test]
    fn one_ddl_and_no_rows_beside_it() {
        let write = StatementKind::Write(WriteEffects { dml: true, ..WriteEffects::default() });
        let mut t = txn();
        assert!(t.check_allowed(&StatementKind::Ddl).is_ok() && t.check_allowed(&write).is_ok());
        t.record(&StatementKind::Ddl, 0).unwrap();
        assert_eq!(
            t.check_allowed(&StatementKind::Ddl).unwrap_err().message,
            "multiple ddl statements not supported in a transaction"
        );
        assert_eq!(
            t.check_allowed(&write).unwrap_err().message,
            "ddl and dml are not supported in the same transaction"
        );
        assert!(t.check_allowed(&StatementKind::Read).is_ok());
        let mut t = txn();
        t.record(&write, 1).unwrap();
        assert_eq!(t.check_allowed(&StatementKind::Ddl).unwrap_err().code, "0A000");
    }

    #[test]
    fn what_is_read_before_anything_is_written_is_no_matter() {
        let mut t = txn();
        t.answered(&StatementKind::Read);
        t.record(&StatementKind::Write(WriteEffects::UNKNOWN), 1).unwrap();
        t.answered(&StatementKind::Local);
        assert!(!t.looked && !t.unanswered);
        t.answered(&StatementKind::Other);
        assert!(t.looked && t.varies());
        assert!(names_any("select pg_catalog.Nextval('q')", VARYING) && !names_any("select now()", VARYING));
    }

    #[test]
    fn a_catalogue_that_another_has_changed_is_told_by_its_errors() {
        let meaning = |code: &str, schema: &str, message: &str| {
            let mut error = bytes::BytesMut::new();
            wire::put_fields(&mut error, b'E', [(b'C', code), (b's', schema), (b'M', message)]);
            meaning_of(&error[5..])
        };
        let duplicate = "duplicate key value violates unique constraint \"x\"";
        assert_eq!(meaning("23505", "public", duplicate), ErrorMeaning::Key);
        assert_eq!(meaning("23505", "pg_catalog", duplicate), ErrorMeaning::Catalog);
        assert_eq!(meaning("23505", INTERNAL, duplicate), ErrorMeaning::Catalog);
        for message in ["tuple concurrently updated", "could not find tuple for role 17297"] {
            assert_eq!(meaning("XX000", "", message), ErrorMeaning::Catalog, "{message}");
        }
        assert_eq!(meaning("XX000", "", "invalid page"), ErrorMeaning::Genuine);
        assert_eq!(meaning("40P01", "", "deadlock detected"), ErrorMeaning::Deadlock);
    }

    #[test]
    fn three_thousand_rows_and_not_one_more() {
        let write = StatementKind::Write(WriteEffects::default());
        let mut t = txn();
        assert!(t.record(&write, 2_999).is_ok() && t.record(&write, 1).is_ok());
        assert_eq!(t.record(&write, 1).unwrap_err().code, "54000");
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
