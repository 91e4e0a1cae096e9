//! Whether the rows of a SELECT come in the order in which its tables are read.

use std::ops::Range;

use super::words::Words;
use workshop_base::sql::TokenKind as T;

/// Returns whether the list of a SELECT makes a row of each that is read, in their order: it has neither an aggregate nor
/// a window of its own order.
pub fn keeps_rows(w: Words, mut list: Range<usize>) -> bool {
    // Where a query in parentheses ends.
    let mut query = 0;
    list.all(|at| {
        if w.symbol(at, b'(') && w.is(at + 1, "select") {
            query = query.max(w.closing(at));
        }
        let window = w.is(at, "over") && w.symbol(at.wrapping_sub(1), b')');
        if window && !(w.symbol(at + 1, b'(') && w.symbol(at + 2, b')')) {
            // Windows are sorted, and their rows come so.
            return at < query;
        }
        if !w.symbol(at + 1, b'(') || !w.name(at).is_some_and(|name| AGGREGATES.contains(&name.as_str())) {
            return true;
        }
        let behind = w.closing(at + 1);
        let behind = if w.is(behind, "filter") { w.closing(behind + 1) } else { behind };
        // An aggregate in another query may be of this one's columns; its rows it can only count itself.
        w.is(behind, "over") || at < query && w.symbol(at + 2, b'*')
    })
}

/// Returns whether a WHERE asks for one row, by a value for each column of the key.
pub fn asks_for_one(w: Words, conditions: Range<usize>, key: &[String]) -> bool {
    let parts = if conditions.is_empty() { Vec::new() } else { conjuncts(w, conditions) };
    key.iter().all(|column| parts.iter().any(|part| equals_value(w, part, column)))
}

/// Returns what a WHERE ties together by AND, outside of parentheses; nothing where OR stands there.
fn conjuncts(w: Words, conditions: Range<usize>) -> Vec<Range<usize>> {
    let (mut parts, mut at) = (Vec::new(), conditions.start + 1);
    let mut start = at;
    while at < conditions.end {
        if w.is(at, "or") {
            return Vec::new();
        }
        if w.is(at, "and") {
            parts.push(start..at);
            start = at + 1;
        }
        at = if w.symbol(at, b'(') { w.closing(at) } else { at + 1 };
    }
    parts.push(start..conditions.end);
    parts
}

/// Tells whether this is `column = value`, with or without a cast: `= ANY (…)` has many, and so has another column.
fn equals_value(w: Words, part: &Range<usize>, column: &str) -> bool {
    let (names, at) = w.qualified(part.start);
    let value = w.tokens.get(at + 1).is_some_and(|t| matches!(t.kind, T::Text | T::Number | T::Param));
    names.last().is_some_and(|name| name == column)
        && w.symbol(at, b'=')
        && value
        && (at + 2 >= part.end || w.symbol(at + 2, b':'))
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
