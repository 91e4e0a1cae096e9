//! Pointing a statement at a transaction's private copies.
//!
//! Invariant: pure, and by tokens: what is inside of strings and comments stays as it is.

use std::collections::HashSet;
use std::ops::Range;
use workshop_base::sql::{self, TokenKind as T};

/// The schema that private copies are in.
const COPIES: &str = "pg_temp";

/// The statement with every `schema.table` that has a private copy replaced by `pg_temp.table`. An
/// unqualified name needs nothing: PostgreSQL looks among temporary tables first.
pub fn redirect(sql: &str, shadows: &[(String, String)]) -> String {
    let mut out = String::with_capacity(sql.len() + 16);
    let mut last = 0;
    for schema in schemas(sql, shadows) {
        out.push_str(&sql[last..schema.start]);
        out.push_str(COPIES);
        last = schema.end;
    }
    out.push_str(&sql[last..]);
    out
}

/// Returns where in the statement something stands, in characters from 1, that stands at `position` once it is redirected.
pub fn position(sql: &str, shadows: &[(String, String)], mut position: usize) -> usize {
    for schema in schemas(sql, shadows) {
        if position > sql[..schema.start].chars().count() + COPIES.len() {
            position = position - COPIES.len() + sql[schema].chars().count();
        }
    }
    position
}

/// Returns where the schemas stand that `redirect` replaces.
fn schemas(sql: &str, shadows: &[(String, String)]) -> Vec<Range<usize>> {
    let tokens = sql::code_tokens(sql);
    let copied = |at: usize| {
        let (schema, table) = (tokens[at].name(sql)?, tokens[at + 2].name(sql)?);
        let dotted = tokens[at + 1].kind == T::Symbol(b'.');
        (dotted && shadows.iter().any(|(s, t)| *s == schema && *t == table)).then(|| tokens[at].range())
    };
    (0..tokens.len().saturating_sub(2)).filter_map(copied).collect()
}

/// Every name in the statement that could be a table's, or that of a function which uses some, quoted, as
/// `to_regclass` takes them.
pub fn names(sql: &str) -> HashSet<String> {
    let tokens = sql::code_tokens(sql);
    let mut out = HashSet::new();
    for at in 0..tokens.len() {
        let Some(name) = tokens[at].name(sql) else { continue };
        if tokens[at].kind == T::Word && sql::is_reserved(&name) {
            continue;
        }
        let second = match tokens.get(at + 1).map(|t| t.kind) {
            Some(T::Symbol(b'.')) => tokens.get(at + 2).and_then(|t| t.name(sql)),
            _ => None,
        };
        if let Some(second) = second {
            out.insert(format!("{}.{}", quote(&name), quote(&second)));
        }
        out.insert(quote(&name));
    }
    out
}

fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn qualified_names_reach_the_copy() {
        let shadows = [("public".to_owned(), "t".to_owned()), ("s".to_owned(), "My T".to_owned())];
        let to = |sql| redirect(sql, &shadows);
        assert_eq!(
            to("update public.t set a = 1 where public.t.id = 1"),
            "update pg_temp.t set a = 1 where pg_temp.t.id = 1"
        );
        assert_eq!(
            to("select 'public.t', PUBLIC . T from S.\"My T\""),
            "select 'public.t', pg_temp . T from pg_temp.\"My T\""
        );
        assert_eq!(to("select * from other.t, t"), "select * from other.t, t");
    }

    #[test]
    fn positions_are_those_of_what_the_client_wrote() {
        let shadows = [("public".to_owned(), "t".to_owned()), ("s".to_owned(), "My T".to_owned())];
        for sql in
            ["select 'ü', * from s.\"My T\", public.t where nope = 1", "select nope from s.\"My T\" where public.t.a"]
        {
            let place = |text: &str| text[..text.find("nope").unwrap()].chars().count() + 1;
            assert_eq!(position(sql, &shadows, place(&redirect(sql, &shadows))), place(sql), "{sql}");
        }
    }

    #[test]
    fn names_that_may_be_tables() {
        let mut found: Vec<_> =
            names("insert into s.t(a) select max(b) from \"U\" where c > 'x'").into_iter().collect();
        found.sort();
        assert_eq!(
            found,
            ["\"U\"", "\"a\"", "\"b\"", "\"c\"", "\"insert\"", "\"max\"", "\"s\"", "\"s\".\"t\"", "\"t\""]
        );
    }

    #[test]
    fn a_word_that_is_not_reserved_may_be_a_table() {
        let found = names("update key set share = values.conflict from \"left\" join public.order on true");
        for name in ["key", "share", "values", "conflict", "left", "set", "update"] {
            assert!(found.contains(&quote(name)), "{name}");
        }
        assert!(found.contains("\"public\".\"order\"") && !found.contains("\"from\"") && !found.contains("\"join\""));
    }
}
