//! What a statement is: how it takes part in a transaction, what becomes of it, and what an EXPLAIN asks.
//!
//! Invariant: data alone; `classify` and `rules` find it out.

use std::borrow::Cow;
use std::sync::Arc;

use super::catalog_change::CatalogUse;
use super::edits::Edits;
use super::texts::SqlFailure;

/// How a statement takes part in a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StatementKind {
    /// Changes nothing and locks nothing.
    Read,
    /// Changes or locks rows, or calls something that may.
    Write(WriteEffects),
    /// Changes the catalogue: DDL, GRANT, REVOKE, AWS IAM.
    Ddl,
    Begin {
        read_only: bool,
        /// It says READ WRITE, whatever the session's default is.
        read_write: bool,
    },
    Commit,
    Rollback,
    /// SET, RESET, SET CONSTRAINTS: no rows change, but the transaction's later statements depend on it.
    Local,
    /// DEALLOCATE ALL, of the statements that the protocol has prepared: there is no PREPARE.
    Deallocate,
    /// COPY … FROM STDIN.
    CopyIn,
    /// CALL, ANALYZE, LOCK, and whatever else runs as a transaction of its own but is no DML.
    Other,
}

/// What a writing statement does to rows, for the conflict matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WriteEffects {
    /// SELECT … FOR UPDATE.
    pub for_update: bool,
    /// SELECT … FOR KEY SHARE.
    pub for_key_share: bool,
    /// INSERT, UPDATE, DELETE anywhere in it.
    pub dml: bool,
    /// DELETE anywhere in it, or UPDATE: can take away or change a key that others share.
    pub unkeys: bool,
    /// DELETE, or an UPDATE of a key's column: others could add the key that it takes away.
    pub takes_keys: bool,
    /// INSERT, or an UPDATE of a key's column: can add a key that others have taken away.
    pub adds_keys: bool,
    /// Changes more rows than its tag tells of: those of WITH, and of functions.
    pub hides_rows: bool,
}

impl WriteEffects {
    /// Of what changes rows in ways that are not known.
    pub const UNKNOWN: WriteEffects = WriteEffects {
        for_update: false,
        for_key_share: false,
        dml: true,
        unkeys: true,
        takes_keys: true,
        adds_keys: true,
        hides_rows: true,
    };

    /// Returns what two of them do together.
    pub fn and(self, other: WriteEffects) -> WriteEffects {
        WriteEffects {
            for_update: self.for_update | other.for_update,
            for_key_share: self.for_key_share | other.for_key_share,
            dml: self.dml | other.dml,
            unkeys: self.unkeys | other.unkeys,
            takes_keys: self.takes_keys | other.takes_keys,
            adds_keys: self.adds_keys | other.adds_keys,
            hides_rows: self.hides_rows | other.hides_rows,
        }
    }
}

/// What the classifier asks of a cluster's catalogue; of one in which nothing has been defined, unless it says otherwise.
pub trait Catalogue {
    /// Returns what a call of a function of this name may do to rows: nothing, unless it is one of the client's own that
    /// may change or lock any.
    fn calls(&self, _function: &str) -> WriteEffects {
        WriteEffects::default()
    }
    /// Returns what reading from a view of this name may do to rows: what its query calls and locks.
    fn reads(&self, _view: &str) -> WriteEffects {
        WriteEffects::default()
    }
    /// Returns whether a column of this name is in some unique index.
    fn in_key(&self, _column: &str) -> bool {
        false
    }
    /// Returns whether a function of this name is one of the client's own.
    fn defines(&self, _function: &str) -> bool {
        false
    }
    /// Returns the columns of such a table that a COPY without a list has.
    fn copied_columns(&self, _relation: &[String]) -> Option<Vec<String>> {
        None
    }
    /// Returns all columns of such a table, in their order.
    fn columns(&self, _relation: &[String]) -> Option<Vec<String>> {
        None
    }
    /// Returns the columns of the primary key of the table that this name (with its schema, or alone) can only mean.
    fn primary_key(&self, _relation: &[String]) -> Option<Vec<String>> {
        None
    }
}

/// These names are both, and no other is any.
#[cfg(test)]
impl<const N: usize> Catalogue for [&str; N] {
    fn calls(&self, function: &str) -> WriteEffects {
        if self.contains(&function) { WriteEffects::UNKNOWN } else { WriteEffects::default() }
    }

    fn reads(&self, view: &str) -> WriteEffects {
        self.calls(view)
    }

    fn in_key(&self, column: &str) -> bool {
        self.contains(&column)
    }

    fn defines(&self, function: &str) -> bool {
        self.contains(&function)
    }
}

/// What goes to PostgreSQL in the statement's place.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rewrite {
    pub sql: String,
    /// What of it is not the client's.
    pub edits: Edits,
    /// The command tag that the client sees, when PostgreSQL's differs.
    pub tag: Option<&'static str>,
    pub step: ProxyStep,
}

/// What the session has to do about a statement beside having it run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ProxyStep {
    #[default]
    None,
    /// CREATE INDEX ASYNC: runs `create` instead, which makes a job of it, and answers with that.
    IndexJob { create: String, unique: bool },
    /// CREATE INDEX without ASYNC, of a table as the client names it: only where the session allows it, and the table
    /// is empty. `refusal` is what else DSQL has against it, which it says afterwards (order measured, 2026-08).
    SyncIndex { table: String, refusal: Option<Box<SqlFailure>> },
    /// DROP ROLE: not while an IAM role is mapped to one of them.
    DropRoles(Vec<String>),
    /// ANALYZE of a table, as the client names it: leaves a row among the jobs.
    Analyzed(String),
}

/// A query that has the order of its tables' primary keys in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderedQuery {
    pub sql: String,
    /// The tables' names, each with its schema or alone.
    pub relations: Vec<Vec<String>>,
    /// Rows of several tables are put in one order.
    pub joins: bool,
    /// What of it is not the client's.
    pub edits: Edits,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqlStatement {
    /// As the client wrote it, without the semicolon.
    pub text: Arc<str>,
    /// Bytes of the whole query before it.
    pub offset: usize,
    /// The same in characters, as positions count.
    pub before: usize,
    pub kind: StatementKind,
    /// What it uses of the catalogue, whose changes it notices.
    pub uses: CatalogUse,
    /// DSQL refuses it.
    pub refusal: Option<SqlFailure>,
    pub rewrite: Option<Rewrite>,
    /// The query with the order that its table's key gives it.
    pub ordered: Option<OrderedQuery>,
    /// It is an EXPLAIN: answered from PostgreSQL's plan rather than by PostgreSQL.
    pub explain: Option<Arc<Explain>>,
}

impl SqlStatement {
    /// CALL of a procedure of the service's own: afterwards the session knows the catalogue as it is.
    pub fn calls_the_service(&self) -> bool {
        !self.uses.relations && self.kind == StatementKind::Other
    }

    /// Adds, changes or deletes rows, and so looks at what foreign keys tie to them.
    pub fn writes(&self) -> bool {
        matches!(self.kind, StatementKind::Write(WriteEffects { dml: true, .. }) | StatementKind::CopyIn)
    }

    /// Written for DSQL: PostgreSQL would not understand it, or not alike.
    pub fn foreign(&self) -> bool {
        self.refusal.is_some() || self.rewrite.is_some()
    }

    /// Returns a text in the statement's place, as far from the query's beginning: errors point into the whole query.
    pub fn placed<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.before {
            0 => text.into(),
            before => format!("{}{text}", " ".repeat(before)).into(),
        }
    }

    /// Returns what PostgreSQL is given.
    pub fn sql(&self) -> &str {
        self.rewrite.as_ref().map_or(&self.text, |r| &r.sql)
    }

    /// Returns what the session has to do beside running it.
    pub fn step(&self) -> &ProxyStep {
        self.rewrite.as_ref().map_or(&ProxyStep::None, |r| &r.step)
    }

    /// Returns what PostgreSQL is given when the statement is run again.
    pub fn rerun(&self) -> Cow<'_, str> {
        match self.step() {
            ProxyStep::IndexJob { create, unique } => format!("{};{create}", ask_for_index(*unique)).into(),
            ProxyStep::SyncIndex { .. } => format!("{ASK_FOR_SYNC};{}", self.sql()).into(),
            ProxyStep::None | ProxyStep::DropRoles(_) | ProxyStep::Analyzed(_) => self.sql().into(),
        }
    }
}

/// Tells the database what an index that is made next is to become; see `pg_dsql.on_index`.
pub fn ask_for_index(unique: bool) -> &'static str {
    if unique { "SET LOCAL dsql.index = 'unique'" } else { "SET LOCAL dsql.index = 'plain'" }
}

/// The same, for one that is to be there at once.
pub const ASK_FOR_SYNC: &str = "SET LOCAL dsql.index = 'sync'";

/// What an EXPLAIN statement asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explain {
    pub options: ExplainOptions,
    /// The statement that is explained.
    pub body: Arc<SqlStatement>,
    /// It says in which order it wants its rows.
    pub ordered: bool,
    pub limit: Option<u64>,
    /// The columns that it sets, if it is an UPDATE.
    pub changed: Vec<String>,
}

/// In which form a plan is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ExplainFormat {
    #[default]
    Text,
    Json,
    Yaml,
    Xml,
}

/// An EXPLAIN statement, taken apart. Which values an option takes is PostgreSQL's to check.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ExplainOptions {
    pub analyze: bool,
    pub verbose: bool,
    /// None: not said.
    pub costs: Option<bool>,
    pub timing: Option<bool>,
    pub format: ExplainFormat,
    /// All options but FORMAT and ANALYZE, as PostgreSQL's option list has them.
    pub others: Vec<String>,
    /// The first token of the statement that is explained.
    pub body: usize,
}
