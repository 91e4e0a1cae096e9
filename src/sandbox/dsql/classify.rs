//! What a statement is, from its tokens alone: enough to decide whether DSQL would refuse it, how it
//! takes part in a transaction, and whether it must be rewritten for PostgreSQL.
//!
//! Invariant: a statement this module does not understand is passed on as it is, so that real syntax
//! errors are PostgreSQL's.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use super::explain::{self, Explain};
use super::lex::{self, Kind as T, Token};
use super::rules;
use super::texts::Failure;

/// How a statement takes part in a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Changes nothing and locks nothing.
    Read,
    /// Changes or locks rows, or calls something that may.
    Write(Write),
    /// Changes the catalogue: DDL, GRANT, REVOKE, AWS IAM.
    Ddl,
    Begin {
        read_only: bool,
        deferrable: bool,
    },
    Commit {
        chain: bool,
    },
    Rollback {
        chain: bool,
    },
    /// SET, RESET, SET CONSTRAINTS: no rows change, but the transaction's later statements depend on it.
    Local,
    /// DEALLOCATE, of a statement that the protocol has prepared: there is no PREPARE.
    Deallocate {
        name: Option<String>,
    },
    /// COPY … FROM STDIN.
    CopyIn,
    /// CALL, ANALYZE, LOCK, and whatever else runs as a transaction of its own but is no DML.
    Other,
}

/// What a writing statement does to rows, for the conflict matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Write {
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
}

/// What the classifier asks of a cluster's catalogue.
pub trait Catalogue {
    /// Whether a function of this name may write.
    fn may_write(&self, function: &str) -> bool;
    /// Whether a column of this name is in some unique index.
    fn in_key(&self, column: &str) -> bool;
}

/// These names are both, and no other is any.
#[cfg(test)]
impl<const N: usize> Catalogue for [&str; N] {
    fn may_write(&self, function: &str) -> bool {
        self.contains(&function)
    }

    fn in_key(&self, column: &str) -> bool {
        self.contains(&column)
    }
}

/// What goes to PostgreSQL in the statement's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewrite {
    pub sql: String,
    /// The command tag that the client sees, when PostgreSQL's differs.
    pub tag: Option<&'static str>,
    pub step: Step,
}

/// What the session has to do about a statement beside having it run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Step {
    #[default]
    None,
    /// CREATE INDEX ASYNC: runs `create` instead, which makes a job of it, and answers with that.
    IndexJob { create: String, unique: bool },
    /// CREATE INDEX without ASYNC, of a table as the client names it: only where the session allows it, and the table
    /// is empty.
    SyncIndex { table: String },
    /// DROP ROLE: not while an IAM role is mapped to one of them.
    DropRoles(Vec<String>),
    /// ANALYZE of a table, as the client names it: leaves a row among the jobs.
    Analyzed(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// As the client wrote it, without the semicolon.
    pub text: Arc<str>,
    /// Bytes of the whole query before it.
    pub offset: usize,
    pub kind: Kind,
    /// Reads or writes something of the catalogue: only such statements notice that it changed.
    pub relations: bool,
    /// DSQL refuses it.
    pub refusal: Option<Failure>,
    pub rewrite: Option<Rewrite>,
    /// It is an EXPLAIN: answered from PostgreSQL's plan rather than by PostgreSQL.
    pub explain: Option<Arc<Explain>>,
}

impl Statement {
    /// CALL of a procedure of the service's own: afterwards the session knows the catalogue as it is.
    pub fn calls_the_service(&self) -> bool {
        !self.relations && self.kind == Kind::Other
    }

    /// Written for DSQL: PostgreSQL would not understand it, or not alike.
    pub fn foreign(&self) -> bool {
        self.refusal.is_some() || self.rewrite.is_some()
    }

    /// What PostgreSQL is given.
    pub fn sql(&self) -> &str {
        self.rewrite.as_ref().map_or(&self.text, |r| &r.sql)
    }

    pub fn step(&self) -> &Step {
        self.rewrite.as_ref().map_or(&Step::None, |r| &r.step)
    }

    /// What PostgreSQL is given when the statement is run again.
    pub fn rerun(&self) -> Cow<'_, str> {
        match self.step() {
            Step::IndexJob { create, unique } => format!("{};{create}", ask_for_index(*unique)).into(),
            Step::SyncIndex { .. } => format!("{ASK_FOR_SYNC};{}", self.sql()).into(),
            Step::None | Step::DropRoles(_) | Step::Analyzed(_) => self.sql().into(),
        }
    }
}

/// Tells the database what an index that is made next is to become; see `pg_dsql.on_index`.
pub fn ask_for_index(unique: bool) -> &'static str {
    if unique { "SET LOCAL dsql.index = 'unique'" } else { "SET LOCAL dsql.index = 'plain'" }
}

/// The same, for one that is to be there at once.
pub const ASK_FOR_SYNC: &str = "SET LOCAL dsql.index = 'sync'";

/// The statements of a query. Empty when it holds none.
pub fn classify(sql: &str, catalogue: &dyn Catalogue) -> Vec<Statement> {
    let mut tokens = Vec::with_capacity(sql.len() / 4 + 4);
    lex::lex(sql, &mut tokens);
    lex::split(sql, &tokens).into_iter().map(|range| one(sql, &tokens[range], catalogue)).collect()
}

/// A text that PostgreSQL's grammar objects to as it does to the query, in the same place, and that can never be
/// prepared or run: to a Parse of several statements, PostgreSQL objects itself once it has read them all.
/// What is written for DSQL is left out.
pub fn grammar_probe(sql: &str, statements: &[Arc<Statement>]) -> String {
    let mut probe = String::with_capacity(sql.len() + 32);
    let mut at = 0;
    for statement in statements.iter().filter(|s| s.foreign()) {
        probe.push_str(&sql[at..statement.offset]);
        at = statement.offset + statement.text.len();
        // Positions count characters.
        probe.extend(statement.text.chars().map(|_| ' '));
    }
    probe.push_str(&sql[at..]);
    probe.push_str("\n;select 1;select 1");
    probe
}

fn one(sql: &str, tokens: &[Token], catalogue: &dyn Catalogue) -> Statement {
    let range = tokens[0].range().start..tokens[tokens.len() - 1].range().end;
    let words = Words { sql, tokens };
    let (mut refusal, rewrite) = match rules::judge(words) {
        rules::Verdict::Pass => (None, None),
        rules::Verdict::Refuse(failure) => (Some(failure), None),
        rules::Verdict::Rewrite(rewrite) => (None, Some(rewrite)),
    };
    let explain = explain::options::parse(words).map(|options| {
        let body = one(sql, &tokens[options.body..], catalogue);
        // What cannot be run cannot be explained.
        if EXPLAINED.iter().any(|word| words.is(options.body, word)) || words.symbol(options.body, b'(') {
            refusal = refusal.take().or_else(|| body.refusal.clone());
        }
        Arc::new(Explain::new(options, words, Arc::new(body)))
    });
    Statement {
        text: sql[range.clone()].into(),
        offset: range.start,
        kind: kind(words, catalogue),
        relations: relations(words),
        refusal,
        rewrite,
        explain,
    }
}

/// What PostgreSQL explains; anything else is a syntax error.
const EXPLAINED: &[&str] =
    &["select", "insert", "update", "delete", "with", "values", "table", "execute", "declare", "create", "refresh"];

/// A statement's tokens with their text.
#[derive(Clone, Copy)]
pub struct Words<'a> {
    pub sql: &'a str,
    pub tokens: &'a [Token],
}

impl<'a> Words<'a> {
    /// Whether what stands at `at` could hold another statement. PostgreSQL knows no such thing inside of EXPLAIN, and
    /// whoever followed it to its end would run out of stack.
    pub fn nests(&self, at: usize) -> bool {
        self.any(at, &["explain", "prepare"])
    }

    pub fn is(&self, at: usize, word: &str) -> bool {
        self.tokens.get(at).is_some_and(|t| t.is(self.sql, word))
    }

    /// Whether these words stand at `at`, one after another.
    pub fn are(&self, at: usize, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(n, word)| self.is(at + n, word))
    }

    pub fn any(&self, at: usize, words: &[&str]) -> bool {
        words.iter().any(|word| self.is(at, word))
    }

    pub fn symbol(&self, at: usize, symbol: u8) -> bool {
        self.tokens.get(at).is_some_and(|t| t.kind == T::Symbol(symbol))
    }

    pub fn text(&self, at: usize) -> &'a str {
        self.tokens.get(at).map_or("", |t| t.text(self.sql))
    }

    pub fn name(&self, at: usize) -> Option<String> {
        self.tokens.get(at).and_then(|t| t.name(self.sql))
    }

    pub fn count(&self) -> usize {
        self.tokens.len()
    }

    /// Whether the word stands anywhere in the statement.
    pub fn has(&self, word: &str) -> bool {
        (0..self.count()).any(|at| self.is(at, word))
    }

    /// The bytes of the source from one token to another.
    pub fn source(&self, range: Range<usize>) -> &'a str {
        match (self.tokens.get(range.start), range.end.checked_sub(1).and_then(|e| self.tokens.get(e))) {
            (Some(first), Some(last)) if range.start < range.end => &self.sql[first.range().start..last.range().end],
            _ => "",
        }
    }

    /// The index just behind the parenthesis that opens at `open`.
    pub fn closing(&self, open: usize) -> usize {
        let mut depth = 0usize;
        for at in open..self.count() {
            match self.tokens[at].kind {
                T::Symbol(b'(') => depth += 1,
                T::Symbol(b')') => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return at + 1;
                    }
                }
                _ => {}
            }
        }
        self.count()
    }

    /// A possibly qualified name at `at`: its parts, and the index behind it.
    pub fn qualified(&self, mut at: usize) -> (Vec<String>, usize) {
        let mut parts = Vec::new();
        while let Some(name) = self.name(at) {
            parts.push(name);
            at += 1;
            if !self.symbol(at, b'.') {
                break;
            }
            at += 1;
        }
        (parts, at)
    }
}

fn kind(w: Words, catalogue: &dyn Catalogue) -> Kind {
    let first = w.text(0).to_ascii_lowercase();
    match first.as_str() {
        "begin" | "start" => {
            let read_only = (0..w.count()).any(|at| w.are(at, &["read", "only"]));
            Kind::Begin { read_only, deferrable: w.has("deferrable") }
        }
        "commit" | "end" => Kind::Commit { chain: chain(w) },
        "rollback" | "abort" => Kind::Rollback { chain: chain(w) },
        "set" | "reset" => Kind::Local,
        "deallocate" => {
            let at = if w.is(1, "prepare") { 2 } else { 1 };
            Kind::Deallocate { name: if w.is(at, "all") { None } else { w.name(at) } }
        }
        "create" | "alter" | "drop" | "comment" | "grant" | "revoke" | "aws" | "reassign" | "security" | "import"
        | "refresh" => Kind::Ddl,
        "copy" if (0..w.count()).any(|at| w.is(at, "from") && w.is(at + 1, "stdin")) => Kind::CopyIn,
        "explain" => match explain::options::parse(w) {
            Some(o) if o.analyze => kind(Words { sql: w.sql, tokens: &w.tokens[o.body..] }, catalogue),
            Some(_) | None => Kind::Read,
        },
        "insert" | "update" | "delete" => Kind::Write(writes(w, catalogue, Write::default())),
        "select" | "with" | "values" | "table" | "(" => query(w, catalogue),
        "show" => Kind::Read,
        _ => Kind::Other,
    }
}

fn chain(w: Words) -> bool {
    (1..w.count()).any(|at| w.is(at, "chain") && !w.is(at - 1, "no"))
}

/// SELECT, VALUES, TABLE and WITH: reads, unless something in them writes or locks.
fn query(w: Words, catalogue: &dyn Catalogue) -> Kind {
    let mut write = Write::default();
    let mut calls = false;
    for at in 0..w.count() {
        if w.tokens[at].kind != T::Word && w.tokens[at].kind != T::Quoted {
            continue;
        }
        if w.is(at, "for") {
            write.for_update |= w.is(at + 1, "update");
            write.for_key_share |= w.are(at + 1, &["key", "share"]);
        } else if w.any(at, &["insert", "update", "delete"]) && begins(w, at) {
            write.dml = true;
        } else if w.symbol(at + 1, b'(') {
            calls |= w.name(at).is_some_and(|name| catalogue.may_write(&name));
        }
    }
    if calls {
        write = Write { dml: true, unkeys: true, takes_keys: true, adds_keys: true, ..write };
    } else if write.dml {
        write = writes(w, catalogue, write);
    }
    if write == Write::default() { Kind::Read } else { Kind::Write(write) }
}

/// What INSERT, UPDATE and DELETE do to keys, wherever they stand in the statement.
fn writes(w: Words, catalogue: &dyn Catalogue, write: Write) -> Write {
    let (insert, delete) = (w.has("insert"), w.has("delete"));
    // `FOR UPDATE` and a column's name are no update, but nothing is lost by thinking so.
    let update = w.has("update");
    let rekey = update && sets_key(w, catalogue);
    Write {
        dml: true,
        unkeys: write.unkeys || update || delete,
        takes_keys: write.takes_keys || delete || rekey,
        adds_keys: write.adds_keys || insert || rekey,
        ..write
    }
}

/// Whether an assignment of some SET may be to a column of some key.
fn sets_key(w: Words, catalogue: &dyn Catalogue) -> bool {
    let mut assigns = false;
    (0..w.count()).any(|at| {
        let key = assigns && w.name(at).is_some_and(|name| catalogue.in_key(&name));
        assigns = !w.any(at, &["where", "returning"]) && (assigns || w.is(at, "set"));
        key
    })
}

/// Whether the INSERT, UPDATE or DELETE at `at` begins a statement: at the head, in `AS (…`, or after
/// the last `)` of WITH; not the `UPDATE` of `FOR UPDATE`, not a column of that name.
fn begins(w: Words, at: usize) -> bool {
    match at.checked_sub(1) {
        None => true,
        Some(before) => w.symbol(before, b'(') || w.symbol(before, b')') && w.is(0, "with"),
    }
}

/// Whether the statement looks at anything that DDL could have changed. A look at the catalogue itself
/// is always up to date.
fn relations(w: Words) -> bool {
    let catalogue = |at| {
        let text = w.text(at);
        w.tokens[at].kind == T::Word
            && (text.get(..3).is_some_and(|p| p.eq_ignore_ascii_case("pg_"))
                || w.any(at, &["information_schema", "sys"]))
    };
    match w.text(0).to_ascii_lowercase().as_str() {
        "begin" | "start" | "commit" | "end" | "rollback" | "abort" | "set" | "reset" | "show" | "deallocate"
        | "savepoint" | "release" => false,
        "call" => !w.is(1, "sys"),
        "select" | "with" | "values" | "(" => {
            (w.has("from") || w.has("insert") || w.has("update")) && !(0..w.count()).any(catalogue)
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind_of(sql: &str) -> Kind {
        classify(sql, &["spend"]).remove(0).kind
    }

    fn write(sql: &str) -> Write {
        match kind_of(sql) {
            Kind::Write(write) => write,
            other => panic!("{sql}: {other:?}"),
        }
    }

    #[test]
    fn reads_are_reads() {
        for sql in [
            "select 'for update'",
            "SELECT 1",
            "values (1)",
            "table t",
            "with a as (select 1) select * from a",
            "select \"update\" from t",
            "explain update t set a = 1",
            "show timezone",
            "(select 1)",
            "select id, update from t",
            "select count(*) from t",
        ] {
            assert_eq!(kind_of(sql), Kind::Read, "{sql}");
        }
    }

    #[test]
    fn writes_are_found_wherever_they_hide() {
        assert!(write("with a as (delete from t returning *) select * from a").unkeys);
        assert!(write("with a as (select 1) insert into t select * from a").dml);
        assert!(write("explain analyze update t set a = 1").dml);
        assert!(write("explain (analyze, verbose) delete from t").unkeys);
        assert!(write("select * from t where id = 1 FOR UPDATE").for_update);
        assert!(!write("select * from t for update").dml);
        assert!(write("select * from t for key share").for_key_share);
        assert!(write("select spend(1)").dml);
        assert!(!write("insert into t values (1)").unkeys);
        assert!(write("insert into t values (1) on conflict (id) do update set a = 2").unkeys);
    }

    #[test]
    fn keys_are_added_and_taken_away() {
        let keys = |sql| (write(sql).takes_keys, write(sql).adds_keys);
        assert_eq!(keys("update t set a = 1 where spend = 2"), (false, false));
        assert_eq!(keys("update t set a = 1, \"spend\" = 2"), (true, true));
        assert_eq!(keys("update t set (a, spend) = (1, 2)"), (true, true));
        assert_eq!(keys("delete from t"), (true, false));
        assert_eq!(keys("insert into t values (1)"), (false, true));
        assert_eq!(keys("with a as (delete from t returning *) insert into u select * from a"), (true, true));
        assert_eq!(keys("select spend(1)"), (true, true));
        assert_eq!(keys("select 1 from t for update"), (false, false));
    }

    #[test]
    fn the_rest_is_told_apart() {
        assert_eq!(kind_of("start transaction read only"), Kind::Begin { read_only: true, deferrable: false });
        assert_eq!(kind_of("COMMIT AND CHAIN"), Kind::Commit { chain: true });
        assert_eq!(kind_of("abort and no chain"), Kind::Rollback { chain: false });
        assert_eq!(kind_of("deallocate all"), Kind::Deallocate { name: None });
        assert_eq!(kind_of("copy t from stdin"), Kind::CopyIn);
        assert_eq!(kind_of("grant select on t to myapp"), Kind::Ddl);
    }

    #[test]
    fn statements_know_where_they_stand() {
        let all = classify(" select 1 ; update t set a=1;", &[]);
        assert_eq!(
            all.iter().map(|s| (&*s.text, s.offset)).collect::<Vec<_>>(),
            [("select 1", 1), ("update t set a=1", 12)]
        );
        assert!(!all[0].relations && all[1].relations);
        let calls = classify("call sys.wait_for_job('x'); call mine()", &[]);
        assert!(calls[0].calls_the_service() && !calls[1].calls_the_service());
        assert!(classify(" ; -- x", &[]).is_empty());
    }

    #[test]
    fn the_grammar_is_asked_about_everything_but_what_is_dsqls_own() {
        let sql = "select 'é'; aws iam grant é to 'arn'; selec 1;";
        let statements: Vec<_> = classify(sql, &[]).into_iter().map(Arc::new).collect();
        let probe = grammar_probe(sql, &statements);
        assert_eq!(
            probe,
            format!("select 'é';{};  selec 1;\n;select 1;select 1", " ".repeat(25)).replace(";  selec", "; selec")
        );
        assert_eq!(probe.find("selec 1").map(|at| probe[..at].chars().count()), Some(38));
    }

    proptest::proptest! {
        #[test]
        fn nothing_makes_it_panic(sql in SQL) {
            for statement in classify(&sql, &["t", "constraint"]) {
                let _ = super::super::shadow::names(statement.sql());
                let _ = super::super::shadow::redirect(statement.sql(), &[("public".into(), "t".into())]);
            }
        }
    }

    /// Words and symbols that the rules look at, in any order.
    const SQL: &str = "((create|alter|drop|table|index|async|unique|on|t|public|\\.|\\(|\\)|,|;|add|column|constraint|\
        numeric|int|as|identity|generated|cache|with|select|from|for|update|insert|into|aws|iam|grant|to|'x'|\\$\\$|\"|\
        begin|atomic|end|case|set|transaction|isolation|level|read|prepare|execute|explain|analyze|type|é|\\[|\\]) ?){0,24}";
}
