//! What a statement is, from its tokens alone: enough to decide whether DSQL would refuse it, how it
//! takes part in a transaction, and whether it must be rewritten for PostgreSQL.
//!
//! Invariant: a statement this module does not understand is passed on as it is, so that real syntax
//! errors are PostgreSQL's.

use std::sync::Arc;

use super::catalog_change::CatalogUse;
use super::catalog_names::locks_of;
use super::explain;
use super::order;
use super::rules;
use super::statement::{Catalogue, Explain, ProxyStep, Rewrite, SqlStatement, StatementKind, WriteEffects};
use super::texts::{Rule, SqlFailure};
use super::uses;
use super::words::Words;
use workshop_base::sql::{self, Token};

/// The statements of a query. Empty when it holds none.
pub fn classify(sql: &str, catalogue: &dyn Catalogue) -> Vec<SqlStatement> {
    let mut tokens = Vec::with_capacity(sql.len() / 4 + 4);
    sql::lex_into(sql, &mut tokens);
    let mut passed = (0, 0);
    let mut before = |at: usize| {
        passed = (at, passed.1 + sql[passed.0..at].chars().count());
        passed.1
    };
    let ranges = sql::statement_ranges(sql, &tokens).into_iter();
    ranges.map(|range| one(sql, &tokens[range.clone()], before(tokens[range.start].range().start), catalogue)).collect()
}

/// A text that PostgreSQL's grammar objects to as it does to the query, in the same place, and that can never be
/// prepared or run: to a Parse of several statements, PostgreSQL objects itself once it has read them all.
/// What is written for DSQL is left out.
pub fn grammar_probe(sql: &str, statements: &[Arc<SqlStatement>]) -> String {
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

/// What a statement is, behind so many characters of the query.
fn one(sql: &str, tokens: &[Token], before: usize, catalogue: &dyn Catalogue) -> SqlStatement {
    let range = tokens[0].range().start..tokens[tokens.len() - 1].range().end;
    let words = Words { sql, tokens };
    let (mut refusal, rewrite) = match rules::judge(words) {
        rules::RuleVerdict::Pass => (None, None),
        rules::RuleVerdict::Refuse(failure) => (Some(failure), None),
        rules::RuleVerdict::Rewrite(rewrite) => (None, Some(rewrite)),
    };
    if refusal.is_none() {
        refusal =
            rules::function_body(words).and_then(|body| body.map(|body| refused_inside(&body)).unwrap_or_else(Some));
    }
    refusal = refusal.or_else(|| rules::dropped_key_column(words, catalogue));
    let explain = explain::options::parse(words).map(|options| {
        let told = words.sql[range.start..tokens[options.body].range().start].chars().count();
        let body = one(sql, &tokens[options.body..], before + told, catalogue);
        // What cannot be run cannot be explained.
        if EXPLAINED.iter().any(|word| words.is(options.body, word)) || words.symbol(options.body, b'(') {
            refusal = refusal.take().or_else(|| body.refusal.clone());
        }
        Arc::new(Explain::new(options, words, Arc::new(body)))
    });
    let uses = uses::of(words, catalogue);
    let ordered = match &rewrite {
        _ if refusal.is_some() => None,
        None => order::by_primary_key(words, catalogue),
        // NOWAIT and SKIP LOCKED are blanked out, and make no other query of it.
        Some(Rewrite { sql, tag: None, step: ProxyStep::None, .. }) => {
            let tokens = sql::code_tokens(sql);
            order::by_primary_key(Words { sql, tokens: &tokens }, catalogue)
        }
        Some(_) => None,
    };
    SqlStatement {
        text: sql[range.clone()].into(),
        offset: range.start,
        before,
        kind: kind(words, catalogue, &uses),
        uses,
        ordered,
        refusal,
        rewrite,
        explain,
    }
}

/// The first refusal among what a function holds; where it stands is nowhere in what the client has sent. Its statements run
/// in one transaction, so what cannot stand together there cannot stand here, and nothing does for them what a session does
/// beside having a statement run: their names are PostgreSQL's (inferred: no refusal of a cluster is recorded).
fn refused_inside(body: &str) -> Option<SqlFailure> {
    let all = classify(body, &NoCatalogue);
    let refused = all.iter().find_map(|statement| match (&statement.refusal, &statement.rewrite) {
        (Some(failure), _) => Some(SqlFailure { position: None, ..failure.clone() }),
        (None, Some(rewrite)) => match rewrite.step {
            ProxyStep::SyncIndex { .. } => Some(Rule::SyncIndex.failure()),
            ProxyStep::IndexJob { .. } => Some(Rule::Statement.fill(&["Index"])),
            ProxyStep::DropRoles(_) => Some(Rule::Statement.fill(&["DropRole"])),
            ProxyStep::Analyzed(_) => Some(Rule::Statement.fill(&["Vacuum"])),
            ProxyStep::None => None,
        },
        (None, None) => None,
    });
    refused.or_else(|| {
        let defines = all.iter().filter(|statement| statement.kind == StatementKind::Ddl).count();
        let changes = all.iter().any(|statement| statement.writes());
        match defines {
            2.. => Some(Rule::MultipleDdl.failure()),
            1 if changes => Some(Rule::DdlAndDml.failure()),
            _ => None,
        }
    })
}

/// A catalogue in which nothing has been defined.
struct NoCatalogue;

impl Catalogue for NoCatalogue {}

/// What PostgreSQL explains; anything else is a syntax error.
const EXPLAINED: &[&str] =
    &["select", "insert", "update", "delete", "with", "values", "table", "execute", "declare", "create", "refresh"];

fn kind(w: Words, catalogue: &dyn Catalogue, uses: &CatalogUse) -> StatementKind {
    let first = w.text(0).to_ascii_lowercase();
    match first.as_str() {
        "begin" | "start" => {
            let read_only = (0..w.count()).any(|at| w.are(at, &["read", "only"]));
            let read_write = (0..w.count()).any(|at| w.are(at, &["read", "write"]));
            StatementKind::Begin { read_only, read_write }
        }
        "commit" | "end" => StatementKind::Commit,
        "rollback" | "abort" => StatementKind::Rollback,
        "set" | "reset" => StatementKind::Local,
        "deallocate" => StatementKind::Deallocate,
        "create" | "alter" | "drop" | "comment" | "grant" | "revoke" | "aws" | "reassign" | "security" | "import"
        | "refresh" => StatementKind::Ddl,
        "copy" if (0..w.count()).any(|at| w.is(at, "from") && w.is(at + 1, "stdin")) => StatementKind::CopyIn,
        "copy" if w.symbol(1, b'(') => {
            let end = w.closing(1).saturating_sub(1).max(2).min(w.count());
            match query(Words { sql: w.sql, tokens: &w.tokens[2.min(end)..end] }, catalogue, uses) {
                StatementKind::Write(write) => StatementKind::Write(write),
                _ => StatementKind::Other,
            }
        }
        "explain" => match explain::options::parse(w) {
            Some(o) if o.analyze => kind(Words { sql: w.sql, tokens: &w.tokens[o.body..] }, catalogue, uses),
            Some(_) | None => StatementKind::Read,
        },
        "insert" | "update" | "delete" => {
            let hides_rows = (1..w.count()).any(|at| begins_write(w, at));
            let write = WriteEffects { hides_rows, ..locks_of(w) }.and(hidden(w, catalogue, uses));
            StatementKind::Write(writes(w, catalogue, write))
        }
        "select" | "with" | "values" | "table" | "(" => query(w, catalogue, uses),
        "show" => StatementKind::Read,
        _ => StatementKind::Other,
    }
}

/// SELECT, VALUES, TABLE and WITH: reads, unless something in them writes or locks.
fn query(w: Words, catalogue: &dyn Catalogue, uses: &CatalogUse) -> StatementKind {
    let dml = (0..w.count()).any(|at| begins_write(w, at));
    let mut write = locks_of(w).and(hidden(w, catalogue, uses));
    if dml {
        write = writes(w, catalogue, WriteEffects { hides_rows: true, ..write });
    }
    if write == WriteEffects::default() { StatementKind::Read } else { StatementKind::Write(write) }
}

fn begins_write(w: Words, at: usize) -> bool {
    w.any(at, &["insert", "update", "delete"]) && begins(w, at)
}

/// Returns what functions of the client's do that the statement calls, `f(row)` or `row.f`, and views that it reads.
fn hidden(w: Words, catalogue: &dyn Catalogue, uses: &CatalogUse) -> WriteEffects {
    let called = |at: &usize| w.symbol(at + 1, b'(') || w.symbol(at.wrapping_sub(1), b'.');
    let calls = (0..w.count()).filter(called).filter_map(|at| w.name(at)).map(|name| catalogue.calls(&name));
    let reads = uses.names.iter().map(|used| catalogue.reads(&used.name));
    calls.chain(reads).fold(WriteEffects::default(), WriteEffects::and)
}

/// Returns what INSERT, UPDATE and DELETE do to keys, wherever they stand in the statement.
fn writes(w: Words, catalogue: &dyn Catalogue, write: WriteEffects) -> WriteEffects {
    let (insert, delete) = (w.has("insert"), w.has("delete"));
    // `FOR UPDATE` and a column's name are no update, but nothing is lost by thinking so.
    let update = w.has("update");
    let rekey = update && sets_key(w, catalogue);
    WriteEffects {
        dml: true,
        unkeys: write.unkeys || update || delete,
        takes_keys: write.takes_keys || delete || rekey,
        adds_keys: write.adds_keys || insert || rekey,
        ..write
    }
}

/// Returns whether an assignment of some SET may be to a column of some key.
fn sets_key(w: Words, catalogue: &dyn Catalogue) -> bool {
    let mut assigns = false;
    (0..w.count()).any(|at| {
        let key = assigns && w.name(at).is_some_and(|name| catalogue.in_key(&name));
        assigns = !w.any(at, &["where", "returning"]) && (assigns || w.is(at, "set"));
        key
    })
}

/// Returns whether the INSERT, UPDATE or DELETE at `at` begins a statement: at the head, in `AS (…`, or after
/// the last `)` of WITH; not the `UPDATE` of `FOR UPDATE`, not a column of that name.
fn begins(w: Words, at: usize) -> bool {
    match at.checked_sub(1) {
        None => true,
        Some(before) => w.symbol(before, b'(') || w.symbol(before, b')') && w.is(0, "with"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind_of(sql: &str) -> StatementKind {
        classify(sql, &["spend"]).remove(0).kind
    }

    fn write(sql: &str) -> WriteEffects {
        match kind_of(sql) {
            StatementKind::Write(write) => write,
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
            assert_eq!(kind_of(sql), StatementKind::Read, "{sql}");
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
        assert!(write("select t.spend from t").dml && write("select (t).spend from t").hides_rows);
        assert!(write("table spend").dml && write("select 1 from t, public.\"spend\" x").takes_keys);
        assert_eq!(kind_of("select spend from t"), StatementKind::Read);
        assert!(!write("insert into t values (1)").unkeys);
        assert!(!write("insert into t values (1)").hides_rows && !write("update t set a = 1 from u").hides_rows);
        for sql in [
            "select spend(1)",
            "insert into t select spend(1)",
            "insert into t with a as (delete from u returning *) select * from a",
            "with a as (delete from t returning *) insert into u select * from a",
        ] {
            assert!(write(sql).hides_rows, "{sql}");
        }
        assert!(write("insert into t values (1) on conflict (id) do update set a = 2").unkeys);
        assert!(write("insert into t select * from u for update").for_update && !write("delete from t").for_update);
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
        assert_eq!(kind_of("start transaction read only"), StatementKind::Begin { read_only: true, read_write: false });
        assert_eq!(kind_of("COMMIT"), StatementKind::Commit);
        assert_eq!(kind_of("abort and no chain"), StatementKind::Rollback);
        assert_eq!(kind_of("deallocate all"), StatementKind::Deallocate);
        assert_eq!(kind_of("copy t from stdin"), StatementKind::CopyIn);
        assert_eq!(kind_of("copy (select 1) to stdout"), StatementKind::Other);
        assert_eq!(kind_of("copy ("), StatementKind::Other);
        assert!(write("copy (insert into t values (1) returning a) to stdout").dml);
        assert_eq!(kind_of("grant select on t to myapp"), StatementKind::Ddl);
    }

    #[test]
    fn statements_know_where_they_stand() {
        let all = classify(" select 1 ; update t set a=1;", &[]);
        assert_eq!(
            all.iter().map(|s| (&*s.text, s.offset)).collect::<Vec<_>>(),
            [("select 1", 1), ("update t set a=1", 12)]
        );
        assert!(!all[0].uses.relations && all[1].uses.relations);
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

    #[test]
    fn a_body_holds_nothing_that_one_transaction_could_not() {
        let refused = |body: &str| {
            let sql = format!("create function f() returns void language sql as $$ {body} $$");
            classify(&sql, &["spend"]).remove(0).refusal.map(|failure| failure.message)
        };
        let told = |rule: SqlFailure| Some(rule.message);
        assert_eq!(refused("create table a (i int); create table b (i int)"), told(Rule::MultipleDdl.failure()));
        assert_eq!(refused("alter table a add c int; update a set i = 2"), told(Rule::DdlAndDml.failure()));
        assert_eq!(refused("create index async on a (i)"), told(Rule::Statement.fill(&["Index"])));
        assert_eq!(refused("analyze a"), told(Rule::Statement.fill(&["Vacuum"])));
        for body in ["update a set i = 1; update a set i = 2", "select 1", "create table a (i int)"] {
            assert_eq!(refused(body), None, "{body}");
        }
    }
}
