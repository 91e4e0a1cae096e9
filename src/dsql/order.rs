//! The order of rows that nobody has asked for: DSQL keeps a table by its primary key, and reads it so (AWS user guide,
//! explain plans, read 2026-10; recorded). A query of tables is given that order in words: by the key of its table, or
//! by those of the tables that it joins, one after another; and so is a query that it reads from alone, the one of an
//! INSERT, and a COPY.
//!
//! Invariant: what is not plainly such a query stays as it is.

use std::collections::HashMap;
use std::ops::Range;

use super::statement::{Catalogue, OrderedQuery};
use super::words::Words;
use workshop_base::sql::TokenKind as T;

/// Words that end the list of tables or conditions, at the level of the query itself.
const TAILS: &[&str] = &["limit", "offset", "fetch", "for"];
/// Words that make it another query than one of rows of tables.
const OTHERS: &[&str] =
    &["order", "group", "having", "union", "intersect", "except", "into", "window", "natural", "right", "full"];
/// Words that follow a table and are no name for it.
const NO_NAMES: &[&str] =
    &["where", "on", "using", "tablesample", "left", "right", "inner", "full", "cross", "join", "natural"];

/// Returns the statement with ORDER BY in its queries, where they are of tables with primary keys and have none.
pub fn by_primary_key(w: Words, catalogue: &dyn Catalogue) -> Option<OrderedQuery> {
    let level = level_of(w)?;
    let mut writer = OrderWriter {
        w,
        catalogue,
        level,
        ctes: HashMap::new(),
        insertions: Vec::new(),
        relations: Vec::new(),
        joins: false,
    };
    match w.text(0).to_ascii_lowercase().as_str() {
        "select" | "with" | "(" => writer.query(0..w.count()),
        "insert" => {
            let from = (1..w.count()).find(|at| writer.level[*at] == 0 && w.any(*at, &["select", "with"]))?;
            let ends =
                |at: &usize| writer.level[*at] == 0 && (w.is(*at, "returning") || w.are(*at, &["on", "conflict"]));
            let end = (from..w.count()).find(ends).unwrap_or(w.count());
            writer.query(from..end);
        }
        "copy" if w.symbol(1, b'(') => writer.query(2..w.closing(1).saturating_sub(1)),
        "copy" => return copied(w, catalogue),
        _ => return None,
    }
    let OrderWriter { mut insertions, relations, joins, .. } = writer;
    if insertions.is_empty() {
        return None;
    }
    insertions.sort_by_key(|(at, _)| *at);
    let start = w.tokens[0].range().start;
    let mut sql = String::with_capacity(w.source(0..w.count()).len() + 32);
    let mut last = start;
    for (at, text) in &insertions {
        sql.push_str(&w.sql[last..*at]);
        sql.push_str(text);
        last = *at;
    }
    sql.push_str(&w.sql[last..w.tokens[w.count() - 1].range().end]);
    Some(OrderedQuery { sql, relations, joins })
}

/// `COPY t (a, b) TO …` as a COPY of a query.
fn copied(w: Words, catalogue: &dyn Catalogue) -> Option<OrderedQuery> {
    let (parts, at) = w.qualified(1);
    let (key, columns) = (catalogue.primary_key(&parts)?, catalogue.copied_columns(&parts)?);
    let (asked, at) = match w.symbol(at, b'(') {
        false => (columns, at),
        true => {
            let end = w.closing(at);
            let names: Vec<_> = (at + 1..end.saturating_sub(1)).filter_map(|at| w.name(at)).collect();
            // PostgreSQL's words for a column that COPY does not have are others than a query's.
            (Some(names).filter(|names| names.iter().all(|name| columns.contains(name)))?, end)
        }
    };
    if !w.is(at, "to") || asked.is_empty() {
        return None;
    }
    let list = |names: &[String]| names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
    let name = w.source(1..w.qualified(1).1);
    let rest = w.source(at..w.count());
    let sql = format!("COPY (SELECT {} FROM {name} ORDER BY {}) {rest}", list(&asked), list(&key));
    Some(OrderedQuery { sql, relations: vec![parts], joins: false })
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// What a query reads from.
enum FromItem {
    /// A table, with its key, as it is called here.
    Table { relation: Vec<String>, key: Vec<String>, called: String },
    /// A query, by where it stands.
    Query(Range<usize>),
}

struct OrderWriter<'a> {
    w: Words<'a>,
    catalogue: &'a dyn Catalogue,
    level: Vec<u32>,
    /// The queries of WITH, by name.
    ctes: HashMap<String, Range<usize>>,
    /// Bytes of the source, and what is to stand there.
    insertions: Vec<(usize, String)>,
    relations: Vec<Vec<String>>,
    joins: bool,
}

impl OrderWriter<'_> {
    /// Gives the query in these tokens its order. One that refers to itself is never looked at.
    fn query(&mut self, range: Range<usize>) {
        let w = self.w;
        let (mut from, to) = (range.start, range.end);
        if w.is(from, "with") {
            match self.with(from + 1, to) {
                Some(main) => from = main,
                None => return,
            }
        }
        match () {
            () if from >= to => {}
            () if w.symbol(from, b'(') && w.closing(from) == to => self.query(from + 1..to - 1),
            () if w.is(from, "select") => self.select(from, to),
            () => {}
        }
    }

    /// Reads the queries of WITH; where the query itself begins. None where they are more than that.
    fn with(&mut self, mut at: usize, to: usize) -> Option<usize> {
        let w = self.w;
        loop {
            let name = w.name(at).filter(|_| !w.is(at, "recursive"))?;
            at += 1;
            if w.symbol(at, b'(') {
                at = w.closing(at);
            }
            at += [w.is(at, "as"), w.is(at + 1, "not"), w.is(at + 1, "materialized") || w.is(at + 2, "materialized")]
                .iter()
                .filter(|there| **there)
                .count();
            if !w.symbol(at, b'(') || at >= to {
                return None;
            }
            let end = w.closing(at);
            self.ctes.insert(name, at + 1..end - 1);
            match w.symbol(end, b',') {
                true => at = end + 1,
                false => return Some(end),
            }
        }
    }

    fn select(&mut self, from: usize, to: usize) {
        let w = self.w;
        let base = self.level[from];
        let here = |at: usize| self.level[at] == base && !w.symbol(at.wrapping_sub(1), b'.');
        if w.any(from + 1, &["distinct", "all"]) || (from..to).any(|at| here(at) && w.any(at, OTHERS)) {
            return;
        }
        let Some(list) = (from..to).find(|at| here(*at) && w.is(*at, "from")) else { return };
        if (from + 1..list).any(|at| w.symbol(at + 1, b'(') && w.name(at).is_some_and(|name| is_aggregate(&name))) {
            return;
        }
        let end = (list..to).find(|at| here(*at) && w.any(*at, TAILS)).unwrap_or(to);
        let conditions = (list..end).find(|at| here(*at) && w.is(*at, "where")).unwrap_or(end);
        let Some(items) = self.items(list + 1, conditions) else { return };
        let mut columns = Vec::new();
        for item in &items {
            match item {
                FromItem::Query(range) if items.len() == 1 => return self.query(range.clone()),
                FromItem::Query(_) => return,
                FromItem::Table { key, called, .. } => {
                    columns.extend(key.iter().map(|column| format!("{called}.{}", quoted(column))));
                }
            }
        }
        if let [FromItem::Table { key, .. }] = &items[..] {
            // A row that is asked for by its key has no order.
            let asked = |column: &String| {
                (conditions..end).any(|at| w.name(at).as_ref() == Some(column) && w.symbol(at + 1, b'='))
            };
            if key.iter().all(asked) && !(conditions..end).any(|at| w.is(at, "or")) {
                return;
            }
        }
        self.joins |= items.len() > 1;
        self.relations.extend(items.into_iter().filter_map(|item| match item {
            FromItem::Table { relation, .. } => Some(relation),
            FromItem::Query(_) => None,
        }));
        let blank = if end < to { " " } else { "" };
        let at = if end < to { w.tokens[end].range().start } else { w.tokens[end - 1].range().end };
        let before = if end < to { "" } else { " " };
        self.insertions.push((at, format!("{before}ORDER BY {}{blank}", columns.join(", "))));
    }

    /// Reads a list of tables, joined or not. None for anything else.
    fn items(&self, mut at: usize, to: usize) -> Option<Vec<FromItem>> {
        let w = self.w;
        let mut items = Vec::new();
        loop {
            let (item, behind) = self.item(at, to)?;
            items.push(item);
            at = behind;
            if w.is(at, "on") {
                let base = self.level[at];
                let joined = |at: &usize| {
                    self.level[*at] == base && (w.symbol(*at, b',') || w.any(*at, NO_NAMES) && !w.is(*at, "on"))
                };
                at = (at + 1..to).find(joined).unwrap_or(to);
            } else if w.is(at, "using") && w.symbol(at + 1, b'(') {
                at = w.closing(at + 1);
            }
            if at >= to {
                return (at == to).then_some(items);
            }
            at = match () {
                () if w.symbol(at, b',') => at + 1,
                () if w.is(at, "join") => at + 1,
                () if w.any(at, &["inner", "cross", "left"]) && w.is(at + 1, "join") => at + 2,
                () if w.are(at, &["left", "outer", "join"]) => at + 3,
                () => return None,
            };
        }
    }

    fn item(&self, at: usize, to: usize) -> Option<(FromItem, usize)> {
        let w = self.w;
        let (mut item, mut at) = match w.symbol(at, b'(') {
            true => (FromItem::Query(at + 1..w.closing(at).checked_sub(1)?), w.closing(at)),
            false => {
                let (relation, behind) = w.qualified(at);
                if relation.is_empty() || relation.len() > 2 || w.any(at, &["only", "lateral"]) {
                    return None;
                }
                match self.ctes.get(&relation[0]).filter(|_| relation.len() == 1) {
                    Some(range) => (FromItem::Query(range.clone()), behind),
                    None => {
                        let key = self.catalogue.primary_key(&relation)?;
                        let called = w.text(behind - 1).to_owned();
                        (FromItem::Table { relation, key, called }, behind)
                    }
                }
            }
        };
        if w.is(at, "as") {
            at += 1;
        }
        let named = at < to
            && matches!(w.tokens[at].kind, T::Word | T::QuotedName)
            && !w.any(at, TAILS)
            && !w.any(at, NO_NAMES);
        if named {
            if let FromItem::Table { called, .. } = &mut item {
                *called = w.text(at).to_owned();
            }
            at += 1;
        }
        // A list of columns gives the key another name.
        (!w.symbol(at, b'(') || at >= to).then_some((item, at))
    }
}

/// How deep in parentheses each token stands; None where they do not match.
fn level_of(w: Words) -> Option<Vec<u32>> {
    let mut depth = 0u32;
    let mut levels = Vec::with_capacity(w.count());
    for token in w.tokens {
        match token.kind {
            T::Symbol(b')') => depth = depth.checked_sub(1)?,
            T::Symbol(b'(') => {
                levels.push(depth);
                depth += 1;
                continue;
            }
            _ => {}
        }
        levels.push(depth);
    }
    (depth == 0).then_some(levels)
}

fn is_aggregate(name: &str) -> bool {
    AGGREGATES.contains(&name)
}

/// PostgreSQL's own; a client cannot define any.
const AGGREGATES: &[&str] = &[
    "any_value",
    "array_agg",
    "avg",
    "bit_and",
    "bit_or",
    "bit_xor",
    "bool_and",
    "bool_or",
    "corr",
    "count",
    "covar_pop",
    "covar_samp",
    "cume_dist",
    "dense_rank",
    "every",
    "json_agg",
    "json_agg_strict",
    "json_arrayagg",
    "json_object_agg",
    "json_object_agg_strict",
    "json_object_agg_unique",
    "json_object_agg_unique_strict",
    "json_objectagg",
    "jsonb_agg",
    "jsonb_agg_strict",
    "jsonb_object_agg",
    "jsonb_object_agg_strict",
    "jsonb_object_agg_unique",
    "jsonb_object_agg_unique_strict",
    "max",
    "min",
    "mode",
    "percent_rank",
    "percentile_cont",
    "percentile_disc",
    "range_agg",
    "range_intersect_agg",
    "rank",
    "regr_avgx",
    "regr_avgy",
    "regr_count",
    "regr_intercept",
    "regr_r2",
    "regr_slope",
    "regr_sxx",
    "regr_sxy",
    "regr_syy",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "string_agg",
    "sum",
    "var_pop",
    "var_samp",
    "variance",
    "xmlagg",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement::WriteEffects;
    use workshop_base::sql;

    struct Keyed;

    impl Catalogue for Keyed {
        fn calls(&self, _: &str) -> WriteEffects {
            WriteEffects::default()
        }

        fn in_key(&self, _: &str) -> bool {
            false
        }

        fn defines(&self, _: &str) -> bool {
            false
        }

        fn primary_key(&self, relation: &[String]) -> Option<Vec<String>> {
            match relation.last()?.as_str() {
                "t" => Some(vec!["id".into()]),
                "two" => Some(vec!["a".into(), "B".into()]),
                _ => None,
            }
        }

        fn copied_columns(&self, _: &[String]) -> Option<Vec<String>> {
            Some(vec!["id".into(), "n".into()])
        }
    }

    /// In the second, `|` stands for the order by the key of `t`.
    #[test]
    fn a_query_of_tables_has_its_keys_order() {
        for (sql, ordered) in [
            ("select * from t", "select * from t|"),
            ("select n from public.t as x where n > 1", "select n from public.t as x where n > 1 ORDER BY x.\"id\""),
            ("select n from t x limit 2 offset 1", "select n from t x ORDER BY x.\"id\" limit 2 offset 1"),
            ("select n from t for update", "select n from t| for update"),
            ("select * from two where a = 1", "select * from two where a = 1 ORDER BY two.\"a\", two.\"B\""),
            ("select extract(year from at) from t", "select extract(year from at) from t|"),
            ("select n from t where id = 1 or id = 2", "select n from t where id = 1 or id = 2|"),
            ("(select n from t)", "(select n from t|)"),
            ("select * from t, two x", "select * from t, two x ORDER BY t.\"id\", x.\"a\", x.\"B\""),
            (
                "select n from t a left join t b on a.n = b.n and (b.n > 1) join two using (n) where a.n > 1",
                "select n from t a left join t b on a.n = b.n and (b.n > 1) join two using (n) where a.n > 1 \
                 ORDER BY a.\"id\", b.\"id\", two.\"a\", two.\"B\"",
            ),
            ("select n from (select * from t where n > 1) x", "select n from (select * from t where n > 1|) x"),
            ("with x as (select n from t) select n from x", "with x as (select n from t|) select n from x"),
            (
                "with x as materialized (select n from t), y as (select n from x) select n from y limit 1",
                "with x as materialized (select n from t|), y as (select n from x) select n from y limit 1",
            ),
            ("insert into u select n from t returning *", "insert into u select n from t| returning *"),
            (
                "insert into u (n) select n from t on conflict do nothing",
                "insert into u (n) select n from t| on conflict do nothing",
            ),
            ("copy (select n from t) to stdout", "copy (select n from t|) to stdout"),
            ("copy t to stdout csv header", "COPY (SELECT \"id\", \"n\" FROM t ORDER BY \"id\") to stdout csv header"),
            ("copy public.t (n) to stdout", "COPY (SELECT \"n\" FROM public.t ORDER BY \"id\") to stdout"),
        ] {
            let space = |sql: &str| sql.replace("| ", " ORDER BY t.\"id\" ").replace('|', " ORDER BY t.\"id\"");
            assert_eq!(ordered_as(sql).as_deref(), Some(&*space(ordered)), "{sql}");
        }
    }

    #[test]
    fn other_queries_stay_as_they_are() {
        for sql in [
            "select (select count(*) from u) from t",
            "select n from t where id = 1",
            "select * from t order by n",
            "select count(*) from t",
            "select n, sum(n) from t group by n",
            "select distinct n from t",
            "select * from t, u",
            "select * from t right join two on true",
            "select * from t, (select 1) x",
            "select * from t, lateral (select 1) x",
            "select * from t(1)",
            "select * from t as x (a, b)",
            "select * from (select 1) t",
            "select 1 from t union select 2",
            "with t as (select 1) select * from t",
            "with recursive x as (select n from t) select n from x",
            "with x as (select n from t) select n from x, two",
            "with x as (select n from t) select count(*) from x",
            "with x as (delete from t returning n) select n from x",
            "insert into t values (1)",
            "copy t (nope) to stdout",
            "copy t from stdin",
            "select * from u",
            "select 1",
            "select * from",
            "select a) from t",
            "update t set n = 1",
        ] {
            assert_eq!(ordered_as(sql), None, "{sql}");
        }
    }

    fn ordered_as(sql: &str) -> Option<String> {
        let tokens = sql::code_tokens(sql);
        by_primary_key(Words { sql, tokens: &tokens }, &Keyed).map(|query| query.sql)
    }
}
