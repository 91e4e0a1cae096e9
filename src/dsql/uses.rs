//! What a statement uses of the catalogue, by its words: relations where they stand as such, functions that are called,
//! types that are named.
//!
//! Invariant: pure. A name that stands for something else (a column, an alias) is none where that can be seen; what is
//! no query and changes no rows uses every name in it.

use std::collections::HashSet;

use super::catalog_change::{self, CatalogUse, UsedName};
use super::statement::Catalogue;
use super::words::Words;
use workshop_base::sql::{self, TokenKind as T};

/// Returns what a statement uses.
pub fn of(w: Words, catalogue: &dyn Catalogue) -> CatalogUse {
    match w.text(0).to_ascii_lowercase().as_str() {
        "begin" | "start" | "commit" | "end" | "rollback" | "abort" | "set" | "reset" | "show" | "deallocate"
        | "savepoint" | "release" => CatalogUse::default(),
        "call" if w.is(1, "sys") => CatalogUse::default(),
        "select" | "with" | "values" | "table" | "(" | "insert" | "update" | "delete" | "copy" | "explain" => {
            QueryScan::new(w, catalogue).scan()
        }
        _ => CatalogUse { names: every_name(w), relations: true },
    }
}

/// Returns every name in a definition, but for that of what it makes: nothing of that name is looked at.
fn every_name(w: Words) -> Vec<UsedName> {
    let mut names = HashSet::new();
    for at in 0..w.count() {
        let Some(name) = w.name(at) else { continue };
        if w.symbol(at + 1, b'.')
            && let Some(second) = w.name(at + 2)
        {
            names.insert(UsedName { schema: Some(name.clone()), name: second });
        }
        if !w.symbol(at.wrapping_sub(1), b'.') {
            names.insert(UsedName { schema: None, name });
        }
    }
    let made = catalog_change::made(w);
    names.into_iter().filter(|used| made.as_ref() != Some(used)).collect()
}

/// What stands between two parentheses, or in none.
#[derive(Debug, Clone, Copy, Default)]
struct ScanLevel {
    /// A query or a part of FROM, rather than what a function is given or a list of columns.
    query: bool,
    /// In a list of relations.
    list: bool,
    /// `CAST (…)`.
    cast: bool,
}

struct QueryScan<'a> {
    w: Words<'a>,
    catalogue: &'a dyn Catalogue,
    levels: Vec<ScanLevel>,
    /// What stands next is a relation.
    expects: bool,
    found: CatalogUse,
}

/// Words that end a list of relations.
const ENDS: &[&str] = &[
    "where",
    "group",
    "order",
    "having",
    "limit",
    "offset",
    "fetch",
    "set",
    "values",
    "returning",
    "window",
    "union",
    "intersect",
    "except",
    "select",
    "for",
];

/// Words before a parenthesis that are no functions.
const NO_FUNCTIONS: &[&str] = &[
    "explain", "analyze", "cast", "using", "in", "and", "or", "not", "exists", "any", "all", "on", "over", "filter",
    "as", "conflict", "by", "explain", "when", "then", "else", "distinct", "like", "between", "is", "null", "order",
    "end",
];

impl<'a> QueryScan<'a> {
    fn new(w: Words<'a>, catalogue: &'a dyn Catalogue) -> Self {
        let outermost = ScanLevel { query: true, list: false, cast: false };
        QueryScan { w, catalogue, levels: vec![outermost], expects: w.is(0, "copy"), found: CatalogUse::default() }
    }

    fn scan(mut self) -> CatalogUse {
        let mut at = usize::from(self.expects);
        while at < self.w.count() {
            at = self.token(at);
        }
        self.found
    }

    /// Looks at one token, or at a name with its schema. Returns where the next one stands.
    fn token(&mut self, at: usize) -> usize {
        let w = self.w;
        match w.tokens[at].kind {
            T::Symbol(b'(') => self.open(at),
            T::Symbol(b')') => {
                if self.levels.len() > 1 {
                    self.levels.pop();
                }
                self.expects = false;
            }
            T::Symbol(b',') => self.expects = self.level().list,
            // `::type`
            T::Symbol(b':') if w.symbol(at + 1, b':') => {
                let (parts, end) = w.qualified(at + 2);
                self.add(parts, false);
                return end.max(at + 2);
            }
            T::Text => self.literal(at),
            T::Word => return self.word(at),
            T::QuotedName => return self.name(at),
            T::Symbol(_) | T::Number | T::Param | T::Space | T::LineComment | T::BlockComment => {}
        }
        at + 1
    }

    fn level(&self) -> ScanLevel {
        self.levels.last().copied().unwrap_or_default()
    }

    fn open(&mut self, at: usize) {
        let w = self.w;
        let begins = w.any(at + 1, &["select", "with", "values", "insert", "update", "delete", "table"])
            || w.symbol(at + 1, b'(');
        // A join in parentheses.
        let joined = self.expects && !begins;
        let cast = at > 0 && w.is(at - 1, "cast");
        self.levels.push(ScanLevel { query: begins || joined, list: joined, cast });
        self.expects = joined || self.expects && w.symbol(at + 1, b'(');
    }

    fn word(&mut self, at: usize) -> usize {
        let w = self.w;
        let level = self.level();
        let last = self.levels.len() - 1;
        if level.query && !w.symbol(at.wrapping_sub(1), b'.') {
            let clause = match () {
                // `IS DISTINCT FROM`
                () if w.is(at, "from") => !(at > 1 && w.is(at - 1, "distinct") && w.any(at - 2, &["is", "not"])),
                () if w.is(at, "join") => true,
                () if w.is(at, "using") => !w.symbol(at + 1, b'(') || w.any(at + 2, &["select", "values", "with"]),
                () => false,
            };
            if clause {
                self.levels[last].list = true;
                self.expects = true;
                return at + 1;
            }
            let target = w.is(at, "into")
                || w.is(at, "table")
                    && (at == 0 || w.symbol(at - 1, b'(') || w.any(at - 1, &["union", "all", "intersect", "except"]))
                || w.is(at, "update") && !(at > 0 && w.any(at - 1, &["for", "do", "key"]));
            if target {
                self.expects = true;
                return at + 1;
            }
            if ENDS.iter().any(|word| w.is(at, word)) {
                self.levels[last].list = false;
                self.expects = false;
                return at + 1;
            }
        }
        if self.expects && w.any(at, &["only", "lateral"]) {
            return at + 1;
        }
        if level.cast && w.is(at, "as") {
            let (parts, end) = w.qualified(at + 1);
            self.add(parts, false);
            return end.max(at + 1);
        }
        self.name(at)
    }

    fn name(&mut self, at: usize) -> usize {
        let w = self.w;
        let (parts, end) = w.qualified(at);
        let called = w.symbol(end, b'(') && !w.any(at, NO_FUNCTIONS) && !(at > 0 && w.is(at - 1, "as"));
        if std::mem::take(&mut self.expects) {
            self.add(parts, !called);
        } else if called {
            self.add(parts, false);
        }
        end.max(at + 1)
    }

    /// What `nextval`, `::regclass` and their like are given.
    fn literal(&mut self, at: usize) {
        let w = self.w;
        let named = at > 1 && w.symbol(at - 1, b'(') && w.any(at - 2, &["nextval", "currval", "setval"])
            || w.symbol(at + 1, b':') && w.symbol(at + 2, b':') && w.any(at + 3, &["regclass", "regproc", "regtype"]);
        let text = w.value(at);
        if named {
            let tokens = sql::code_tokens(&text);
            let parts = Words { sql: &text, tokens: &tokens }.qualified(0).0;
            self.add(parts, true);
        }
    }

    /// Takes note of a name. The service's own are always up to date.
    fn add(&mut self, mut parts: Vec<String>, relation: bool) {
        let Some(name) = parts.pop() else { return };
        let schema = parts.pop();
        let own = match &schema {
            Some(schema) => matches!(schema.as_str(), "pg_catalog" | "information_schema" | "sys"),
            None => name.starts_with("pg_"),
        };
        if own {
            return;
        }
        self.found.relations |= relation || self.catalogue.defines(&name);
        let used = UsedName { schema, name };
        if !self.found.names.contains(&used) {
            self.found.names.push(used);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn used(sql: &str) -> (Vec<String>, bool) {
        let tokens = sql::code_tokens(sql);
        let found = of(Words { sql, tokens: &tokens }, &["own_function"]);
        let mut names: Vec<_> = found
            .names
            .into_iter()
            .map(|used| used.schema.map_or(String::new(), |schema| format!("{schema}.")) + &used.name)
            .collect();
        names.sort();
        (names, found.relations)
    }

    #[test]
    fn relations_are_found_where_they_stand() {
        for (sql, names) in [
            ("select a, b from t", "t"),
            ("select x.a from s.t x, only u as y, lateral (select 1 from v) z", "s.t u v"),
            ("select 1 from (a join b on a.x = b.x) left join c using (d), e where f = (select g from h)", "a b c e h"),
            ("select 1 from ((a cross join b) join c on true)", "a b c"),
            ("select t.n from t where t.m is not distinct from t.k order by u, v", "t"),
            ("select extract(year from made), trim(both from x) from t", "extract t trim"),
            (
                "with q as (delete from a using b returning *) insert into c (d) select e from q, f on conflict (d) do update set g = 1",
                "a b c f q",
            ),
            ("update t set a = 1, b = 2 from u, v where c = d returning e, f", "t u v"),
            ("select 1 from t for update of t", "t"),
            ("table t union table u", "t u"),
            ("copy s.t (a, b) from stdin", "s.t stdin"),
            ("copy (select a, b from t) to stdout", "t"),
            ("insert into t values (1, 2), (3, 4)", "t"),
            ("explain (analyze, verbose) select a from t, u", "t u"),
            ("select * from t, pg_class c, pg_catalog.pg_namespace n where n.oid = c.relnamespace", "t"),
        ] {
            assert_eq!(used(sql), (names.split(' ').map(str::to_owned).collect(), true), "{sql}");
        }
    }

    #[test]
    fn functions_and_types_are_used_too() {
        for (sql, names, relations) in [
            ("select own_function(1)", "own_function", true),
            ("select s.own_function(1), now()", "now s.own_function", true),
            ("select now(), a.b from generate_series(1, 2) as a(b)", "generate_series now", false),
            ("select 1::d, cast(2 as s.e), null::\"T\"", "T d s.e", false),
            ("select nextval('s.q'), 'r'::regclass", "nextval r regclass s.q", true),
            ("select 1", "", false),
            ("select relname from pg_class", "", false),
            ("select * from sys.jobs", "", false),
            ("commit", "", false),
        ] {
            let names: Vec<_> = names.split(' ').filter(|name| !name.is_empty()).map(str::to_owned).collect();
            assert_eq!(used(sql), (names, relations), "{sql}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_makes_it_panic(sql in "((select|from|\\(|\\)|,|t|\\.|as|cast|::|'x'|join|using|table|only|update|copy) ?){0,24}") {
            used(&sql);
        }
    }
}
