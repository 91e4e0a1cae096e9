//! Conditions as PostgreSQL writes them: cut at their ANDs, and asked which columns they look at and
//! whether DSQL's storage would evaluate them.
//!
//! Storage compares columns of plain types with constants, joined by AND, OR and NOT. What calls a
//! function (`lower(…)`), matches a pattern (LIKE), compares rows or lists, or looks at a numeric is left
//! to the query processor. Sources: AWS user guide, "Reading Aurora DSQL EXPLAIN plans", read 2026-10;
//! plans of a real cluster of 2026-10-08 (rows); for IN lists and arithmetic it is inferred.

use super::facts::TableFacts;
use workshop_base::sql::{self, Token, TokenKind as T};

/// The conditions that must all hold: `((a = 1) AND (b > 2))` is two.
pub fn conjuncts(condition: &str) -> Vec<String> {
    let tokens = tokens(condition);
    let symbol = |at: usize, s: u8| tokens.get(at).is_some_and(|t: &Token| t.kind == T::Symbol(s));
    let mut cuts = Vec::new();
    let mut depth = 0usize;
    let last = tokens.len().saturating_sub(1);
    for (at, token) in tokens.iter().enumerate() {
        match token.kind {
            T::Symbol(b'(') => depth += 1,
            T::Symbol(b')') => {
                depth = depth.saturating_sub(1);
                // The first parenthesis does not enclose all of it.
                if depth == 0 && at != last {
                    return vec![condition.to_owned()];
                }
            }
            _ if depth == 1 && token.is(condition, "and") => cuts.push(at),
            _ if depth == 1 && token.is(condition, "or") => return vec![condition.to_owned()],
            _ => {}
        }
    }
    if cuts.is_empty() || !symbol(0, b'(') {
        return vec![condition.to_owned()];
    }
    let mut out = Vec::new();
    let mut from = 1;
    for cut in cuts.into_iter().chain([last]) {
        let (Some(first), Some(end)) = (tokens.get(from), tokens.get(cut.saturating_sub(1))) else { continue };
        out.push(condition[first.range().start..end.range().end].to_owned());
        from = cut + 1;
    }
    out
}

/// The opposite of [`conjuncts`]; None for no conditions.
pub fn all(conditions: &[String]) -> Option<String> {
    match conditions {
        [] => None,
        [one] => Some(one.clone()),
        more => Some(format!("({})", more.join(" AND "))),
    }
}

/// Returns whether it compares rows: `ROW(a, b) > ROW(1, 2)`, which is no condition of an index in DSQL (transcript of a
/// real cluster, 2026-10-08).
pub fn compares_rows(condition: &str) -> bool {
    condition.starts_with("(ROW(")
}

/// Returns whether storage evaluates it.
pub fn pushed(condition: &str, table: &TableFacts, alias: &str) -> bool {
    let tokens = tokens(condition);
    let mut at = 0;
    while at < tokens.len() {
        let token = tokens[at];
        match token.kind {
            T::Text | T::Number | T::Param | T::Space | T::LineComment | T::BlockComment => {}
            T::Symbol(b'(' | b')' | b'=' | b'<' | b'>' | b'!' | b'.') => {}
            T::Symbol(b':') => match cast(condition, &tokens, at) {
                Some(next) => {
                    at = next;
                    continue;
                }
                None => return false,
            },
            T::Symbol(_) => return false,
            T::Word if LOGIC.iter().any(|word| token.is(condition, word)) => {}
            T::Word | T::QuotedName => {
                let name = token.name(condition).unwrap_or_default();
                let follows = tokens.get(at + 1).map(|t| t.kind);
                if name == alias && follows == Some(T::Symbol(b'.')) {
                    at += 2;
                    continue;
                }
                let plain = table.position(&name).is_some_and(|c| PLAIN.contains(&table.columns[c].kind.as_str()));
                if !plain || follows == Some(T::Symbol(b'(')) {
                    return false;
                }
            }
        }
        at += 1;
    }
    true
}

/// The index behind a cast to a plain type.
fn cast(condition: &str, tokens: &[Token], mut at: usize) -> Option<usize> {
    let column = at.checked_sub(1).is_some_and(|b| tokens[b].kind == T::Symbol(b')'));
    at += 2;
    let from = at;
    while tokens.get(at).is_some_and(|t| t.kind == T::Word && !LOGIC.iter().any(|word| t.is(condition, word))) {
        at += 1;
    }
    let (first, last) = (tokens.get(from)?, tokens.get(at.checked_sub(1)?)?);
    if at == from || tokens.get(at).is_some_and(|t| matches!(t.kind, T::Symbol(b'[' | b'('))) {
        return None;
    }
    let kind = &condition[first.range().start..last.range().end];
    // A varchar that is compared as text is the same bytes; any other cast of a column is a computation.
    let allowed: &[&str] = if column { &["text", "character varying", "bpchar"] } else { PLAIN };
    allowed.contains(&kind).then_some(at)
}

const LOGIC: &[&str] = &["and", "or", "not", "is", "null", "true", "false"];

/// Types that storage compares.
const PLAIN: &[&str] = &[
    "smallint",
    "integer",
    "bigint",
    "real",
    "double precision",
    "text",
    "character varying",
    "character",
    "bpchar",
    "date",
    "time without time zone",
    "timestamp without time zone",
    "timestamp with time zone",
    "uuid",
    "boolean",
];

/// Positions of the table's columns that an expression mentions, in the table's order. `lone`: the
/// statement has one table, so that names are not qualified.
pub fn columns(expression: &str, table: &TableFacts, alias: &str, lone: bool) -> Vec<usize> {
    let tokens = tokens(expression);
    let mut found = Vec::new();
    for at in 0..tokens.len() {
        let Some(name) = tokens[at].name(expression) else { continue };
        let before = |n: usize| at.checked_sub(n).map(|b| tokens[b]);
        let qualified = before(1).is_some_and(|t| t.kind == T::Symbol(b'.'));
        let follows = tokens.get(at + 1).map(|t| t.kind);
        if qualified {
            if before(2).and_then(|t| t.name(expression)).as_deref() == Some(alias) {
                found.extend(table.position(&name));
            }
        } else if name == alias && follows == Some(T::Symbol(b'.')) {
            // The whole row.
            if tokens.get(at + 2).is_some_and(|t| t.kind == T::Symbol(b'*')) {
                found.extend(0..table.columns.len());
            }
        } else if lone
            && !matches!(follows, Some(T::Symbol(b'(' | b'.')))
            && before(1).is_none_or(|t| t.kind != T::Symbol(b':'))
        {
            found.extend(table.position(&name));
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Returns whether it can be evaluated with this table alone: no parameters, no other table's columns, no
/// subplans.
pub fn stands_alone(condition: &str, alias: &str) -> bool {
    let tokens = tokens(condition);
    (0..tokens.len()).all(|at| match tokens[at].kind {
        T::Param => false,
        T::Word | T::QuotedName => {
            let qualifies = tokens.get(at + 1).is_some_and(|t| t.kind == T::Symbol(b'.'));
            let plan = ["subplan", "initplan"].iter().any(|word| tokens[at].is(condition, word));
            !plan && (!qualifies || tokens[at].name(condition).as_deref() == Some(alias))
        }
        T::Text | T::Number | T::Symbol(_) | T::Space | T::LineComment | T::BlockComment => true,
    })
}

fn tokens(text: &str) -> Vec<Token> {
    sql::code_tokens(text)
}

#[cfg(test)]
mod tests {
    use super::super::facts::ColumnFacts;
    use super::*;

    fn table() -> TableFacts {
        let column = |(name, kind): (&str, &str)| ColumnFacts { name: name.into(), kind: kind.into(), bytes: 0.0 };
        let columns = [
            ("id", "integer"),
            ("name", "text"),
            ("status", "character varying"),
            ("balance", "numeric"),
            ("at", "timestamp without time zone"),
            ("ok", "boolean"),
        ];
        TableFacts {
            found_in: "public".into(),
            schema: "public".into(),
            name: "t".into(),
            columns: columns.into_iter().map(column).collect(),
            indexes: Vec::new(),
            rows: 0.0,
        }
    }

    #[test]
    fn conditions_are_cut_at_their_ands_only() {
        let cut = |c| conjuncts(c).join(" | ");
        assert_eq!(cut("((a = 1) AND (b = 'x AND y'::text))"), "(a = 1) | (b = 'x AND y'::text)");
        assert_eq!(cut("(ok AND (a = 1) AND (NOT b))"), "ok | (a = 1) | (NOT b)");
        assert_eq!(cut("((a = 1) OR ((b = 2) AND (c = 3)))"), "((a = 1) OR ((b = 2) AND (c = 3)))");
        assert_eq!(cut("(a = 1)"), "(a = 1)");
        assert_eq!(cut("ok"), "ok");
        assert_eq!(cut("((a = 1) AND (b = 2)) IS TRUE"), "((a = 1) AND (b = 2)) IS TRUE");
        let two = ["(a = 1)".to_owned(), "ok".to_owned()];
        assert_eq!(all(&two).as_deref(), Some("((a = 1) AND ok)"));
        assert_eq!(all(&[]), None);
    }

    #[test]
    fn storage_compares_and_does_not_compute() {
        let t = table();
        for yes in [
            "(id = 1)",
            "(t.id <> 1)",
            "((status)::text = 'pending'::text)",
            "(at > '2025-01-01 00:00:00'::timestamp without time zone)",
            "((id < 3) OR (name IS NOT NULL))",
            "ok",
            "(NOT ok)",
            "(id = $1)",
        ] {
            assert!(pushed(yes, &t, "t"), "{yes}");
        }
        for no in [
            "(name ~~ '%x%'::text)",
            "(lower(name) = 'x'::text)",
            "(balance > '100'::numeric)",
            "((id + 1) = 2)",
            "(id = ANY ('{1,2}'::integer[]))",
            "(ROW(id, name) > ROW(1, 'a'::text))",
            "((id)::numeric = 1.5)",
            "(other.id = t.id)",
            "(id = (SubPlan 1))",
        ] {
            assert!(!pushed(no, &t, "t"), "{no}");
        }
    }

    #[test]
    fn columns_are_found_by_name_and_not_in_strings_or_types() {
        let t = table();
        let names =
            |e, lone| columns(e, &t, "t", lone).into_iter().map(|c| t.columns[c].name.clone()).collect::<Vec<_>>();
        assert_eq!(names("(lower(name) = 'status'::text)", true), ["name"]);
        assert_eq!(names("(t.id = u.balance)", false), ["id"]);
        assert_eq!(names("t.*", false).len(), 6);
        assert!(names("name(1)", true).is_empty());
        assert!(
            stands_alone("(t.id = 1)", "t") && !stands_alone("(t.id = u.id)", "t") && !stands_alone("(id = $0)", "t")
        );
    }
}
