//! The order of rows that nobody has asked for: DSQL keeps a table by its primary key, and reads it so (AWS user guide,
//! explain plans, read 2026-10; recorded). A query of one table is given that order in words.
//!
//! Invariant: what is not plainly such a query stays as it is.

use super::lex::TokenKind as T;
use super::statement::{Catalogue, OrderedQuery};
use super::words::Words;

/// Words that end the list of tables or conditions, at the level of the query itself.
const TAILS: &[&str] = &["limit", "offset", "fetch", "for"];
/// Words that make it another query than one of rows of a table.
const OTHERS: &[&str] =
    &["order", "group", "having", "union", "intersect", "except", "into", "window", "join", "cross", "natural"];

/// Returns the query with an ORDER BY, where it is one of a single table with a primary key, and has none.
pub fn by_primary_key(w: Words, catalogue: &dyn Catalogue) -> Option<OrderedQuery> {
    if !w.is(0, "select") || w.any(1, &["distinct", "all"]) {
        return None;
    }
    let level = level_of(w)?;
    let at_level =
        |at: usize, words: &[&str]| level[at] == 0 && w.any(at, words) && !w.symbol(at.wrapping_sub(1), b'.');
    if (0..w.count()).any(|at| at_level(at, OTHERS)) {
        return None;
    }
    let from = (0..w.count()).find(|at| at_level(*at, &["from"]))?;
    if (1..from).any(|at| w.symbol(at + 1, b'(') && w.name(at).is_some_and(|name| is_aggregate(&name))) {
        return None;
    }
    let (parts, mut at) = w.qualified(from + 1);
    let called = match (parts.as_slice(), w.is(at, "as")) {
        ([.., _], true) => {
            at += 2;
            w.text(at - 1)
        }
        ([.., _], false) if at < w.count() && is_name(w, at) => {
            at += 1;
            w.text(at - 1)
        }
        ([.., _], false) => w.text(at - 1),
        ([], _) => return None,
    };
    let rest = at;
    let ends = at == w.count() || w.is(at, "where") || w.any(at, TAILS);
    if parts.len() > 2 || !ends || w.is(from + 1, "only") {
        return None;
    }
    let key = catalogue.primary_key(&parts)?;
    // A row that is asked for by its key has no order.
    let asked =
        |column: &String| (rest..w.count()).any(|at| w.name(at).as_ref() == Some(column) && w.symbol(at + 1, b'='));
    if key.iter().all(asked) && !w.has("or") {
        return None;
    }
    let end = (rest..w.count()).find(|at| at_level(*at, TAILS)).unwrap_or(w.count());
    let columns: Vec<_> = key.iter().map(|column| format!("{called}.\"{}\"", column.replace('"', "\"\""))).collect();
    let (head, tail) = (w.source(0..end), w.source(end..w.count()));
    let sql = format!("{head} ORDER BY {}{}{tail}", columns.join(", "), if tail.is_empty() { "" } else { " " });
    Some(OrderedQuery { sql, relation: parts })
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

/// Whether a word behind a table is what it is called here.
fn is_name(w: Words, at: usize) -> bool {
    let ends =
        w.any(at, TAILS) || w.any(at, &["where", "on", "using", "tablesample", "left", "right", "inner", "full"]);
    matches!(w.tokens[at].kind, T::Word | T::Quoted) && !ends
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
    use super::super::lex;
    use super::*;

    struct Keyed;

    impl Catalogue for Keyed {
        fn may_write(&self, _: &str) -> bool {
            false
        }

        fn in_key(&self, _: &str) -> bool {
            false
        }

        fn primary_key(&self, relation: &[String]) -> Option<Vec<String>> {
            match relation.last()?.as_str() {
                "t" => Some(vec!["id".into()]),
                "two" => Some(vec!["a".into(), "B".into()]),
                _ => None,
            }
        }
    }

    #[test]
    fn a_query_of_one_table_has_its_keys_order() {
        for (sql, ordered) in [
            ("select * from t", Some("select * from t ORDER BY t.\"id\"")),
            (
                "select n from public.t as x where n > 1",
                Some("select n from public.t as x where n > 1 ORDER BY x.\"id\""),
            ),
            ("select n from t x limit 2 offset 1", Some("select n from t x ORDER BY x.\"id\" limit 2 offset 1")),
            ("select n from t for update", Some("select n from t ORDER BY t.\"id\" for update")),
            ("select * from two where a = 1", Some("select * from two where a = 1 ORDER BY two.\"a\", two.\"B\"")),
            ("select (select count(*) from u) from t", None),
            ("select extract(year from at) from t", Some("select extract(year from at) from t ORDER BY t.\"id\"")),
            ("select n from t where id = 1", None),
            (
                "select n from t where id = 1 or id = 2",
                Some("select n from t where id = 1 or id = 2 ORDER BY t.\"id\""),
            ),
            ("select * from t order by n", None),
            ("select count(*) from t", None),
            ("select n, sum(n) from t group by n", None),
            ("select distinct n from t", None),
            ("select * from t, u", None),
            ("select * from t left join u on true", None),
            ("select * from t(1)", None),
            ("select * from (select 1) t", None),
            ("select 1 from t union select 2", None),
            ("select * from u", None),
            ("select 1", None),
            ("select * from", None),
            ("select a) from t", None),
        ] {
            let mut tokens = Vec::new();
            lex::lex(sql, &mut tokens);
            let found = by_primary_key(Words { sql, tokens: &tokens }, &Keyed).map(|query| query.sql);
            assert_eq!(found.as_deref(), ordered, "{sql}");
        }
    }
}
