//! Guesses what a half-typed statement is about: which relations it names, and what is meant at the cursor. Pure, and
//! deliberately crude: it looks at words, and a wrong guess costs a candidate, nothing else.

use std::ops::Range;

use workshop_base::sql::{self, TokenKind};

/// A relation that a statement names, and what it calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedRelation {
    pub name: String,
    pub alias: Option<String>,
}

/// The kind of thing that is meant at the cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CursorPlace {
    /// The beginning of a statement.
    Start,
    Relation,
    /// Columns, functions.
    Expression,
    /// The same, right behind the ON of a join.
    JoinCondition,
    Role,
    Other,
}

/// Returns the bytes of the statement at the cursor: between the semicolons that are neither text nor comment.
pub fn around(text: &str, cursor: usize) -> Range<usize> {
    let mut range = 0..text.len();
    for token in sql::Lexer::new(text).filter(|token| token.kind == TokenKind::Symbol(b';')) {
        if token.range().end <= cursor {
            range.start = token.range().end;
        } else {
            range.end = token.range().start;
            break;
        }
    }
    range
}

/// Guesses what a word that follows this text would be. The statement begins at `start`.
pub fn place(before: &str, start: usize) -> CursorPlace {
    let words = words(before.get(start..).unwrap_or_default());
    let Some(last) = words.last() else { return CursorPlace::Start };
    let first = words.first().map(|w| w.to_ascii_uppercase()).unwrap_or_default();
    let granting = first == "GRANT" || first == "REVOKE" || first == "AWS";
    for word in words.iter().rev() {
        let near = std::ptr::eq(word, last);
        match word.to_ascii_uppercase().as_str() {
            "FROM" | "TO" if granting && near => return CursorPlace::Role,
            "ROLE" | "USER" | "OWNER" if near => return CursorPlace::Role,
            "FROM" | "JOIN" | "INTO" | "UPDATE" | "TABLE" | "VIEW" | "REFERENCES" | "ANALYZE" | "COPY" | "TRUNCATE"
                if near =>
            {
                return CursorPlace::Relation;
            }
            // A list of tables goes on behind a comma.
            "FROM" if *last == "," => return CursorPlace::Relation,
            "ON" if near && (granting || first == "CREATE" || first == "COMMENT") => return CursorPlace::Relation,
            "ON" if near && words.iter().any(|word| word.eq_ignore_ascii_case("join")) => {
                return CursorPlace::JoinCondition;
            }
            "SELECT" | "WHERE" | "ON" | "AND" | "OR" | "NOT" | "BY" | "HAVING" | "SET" | "RETURNING" | "WHEN"
            | "THEN" | "ELSE" | "CALL" | "USING" | "FROM" | "INTO" | "UPDATE" | "VALUES" | "DISTINCT" => {
                return CursorPlace::Expression;
            }
            _ => {}
        }
    }
    CursorPlace::Other
}

/// Returns the names that a statement gives to queries of its own: `WITH name AS (…)`.
pub fn queries_in(statement: &str) -> Vec<String> {
    let words = words(statement);
    if !words.first().is_some_and(|word| word.eq_ignore_ascii_case("with")) {
        return Vec::new();
    }
    let is = |at: usize, wanted: &str| words.get(at).is_some_and(|word| word.eq_ignore_ascii_case(wanted));
    let begins = |at: usize| {
        is(at, "as")
            && (is(at + 1, "(")
                || is(at + 1, "materialized") && is(at + 2, "(")
                || is(at + 1, "not") && is(at + 3, "("))
    };
    let names = (1..words.len()).filter(|&at| is_name(words[at]) && begins(at + 1));
    names.map(|at| words[at].to_owned()).collect()
}

/// Returns the relations that a statement names after FROM, JOIN, INTO, UPDATE and commas between them.
pub fn relations_in(statement: &str) -> Vec<NamedRelation> {
    let words = words(statement);
    let mut found = Vec::new();
    let mut i = 0;
    let mut listing = false;
    while i < words.len() {
        let upper = words[i].to_ascii_uppercase();
        let introduces = matches!(upper.as_str(), "FROM" | "JOIN" | "INTO" | "UPDATE");
        listing = introduces || (listing && upper == ",");
        if !listing {
            i += 1;
            continue;
        }
        let Some(name) = words.get(i + 1).filter(|w| is_name(w)) else {
            i += 1;
            continue;
        };
        let mut next = i + 2;
        if words.get(next).is_some_and(|w| w.eq_ignore_ascii_case("as")) {
            next += 1;
        }
        let alias = words.get(next).filter(|w| is_name(w) && !is_clause(w));
        let bare = name.rsplit('.').next().unwrap_or(name).trim_matches('"').to_owned();
        found.push(NamedRelation { name: bare, alias: alias.map(|a| a.trim_matches('"').to_owned()) });
        i = next + usize::from(alias.is_some());
        listing = words.get(i).is_some_and(|w| *w == ",");
    }
    found
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '"')
}

/// Words that follow a table and are not its alias.
fn is_clause(word: &str) -> bool {
    let clauses = [
        "where",
        "set",
        "on",
        "using",
        "join",
        "left",
        "right",
        "inner",
        "full",
        "cross",
        "natural",
        "group",
        "order",
        "limit",
        "offset",
        "having",
        "union",
        "except",
        "intersect",
        "values",
        "select",
        "returning",
        "for",
        "window",
        "fetch",
        "default",
    ];
    clauses.iter().any(|c| c.eq_ignore_ascii_case(word))
}

/// Returns words, names with their dots and quotes, and signs; texts in quotes and comments are left out.
fn words(text: &str) -> Vec<&str> {
    let mut out: Vec<&str> = Vec::new();
    let (mut start, mut end, mut open) = (0, 0, false);
    for token in sql::Lexer::new(text) {
        let part = match token.kind {
            TokenKind::Word | TokenKind::QuotedName | TokenKind::Number | TokenKind::Param => true,
            // Between two parts of a name.
            TokenKind::Symbol(b'.') => open,
            _ => false,
        };
        let range = token.range();
        if part && open && range.start == end {
            end = range.end;
            continue;
        }
        if open {
            out.push(&text[start..end]);
        }
        (start, end, open) = (range.start, range.end, part);
        if matches!(token.kind, TokenKind::Symbol(_)) && !part {
            out.push(token.text(text));
        }
    }
    if open {
        out.push(&text[start..end]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(statement: &str) -> Vec<(String, Option<String>)> {
        relations_in(statement).into_iter().map(|n| (n.name, n.alias)).collect()
    }

    #[test]
    fn tables_and_their_aliases() {
        let some = |a: &str, b: Option<&str>| (a.to_owned(), b.map(str::to_owned));
        assert_eq!(
            named("select * from public.a x, \"B c\" join c as y on x.i = y.i where 1=1"),
            [some("a", Some("x")), some("B c", None), some("c", Some("y"))]
        );
        assert_eq!(named("update t set a = 1"), [some("t", None)]);
        assert_eq!(named("select 'from x' -- from y"), []);
        assert_eq!(named("select /* from x */ e'\\'' from z"), [some("z", None)]);
    }

    #[test]
    fn a_statement_ends_at_semicolons_of_its_own_only() {
        let text = "select 1; select ';' /* ; */; select 3";
        assert_eq!(&text[around(text, 15)], " select ';' /* ; */");
        assert_eq!(&text[around(text, text.len())], " select 3");
        assert_eq!(around(text, 3), 0..8);
    }

    #[test]
    fn places() {
        assert_eq!(place("select a, ", 0), CursorPlace::Expression);
        assert_eq!(place("select a from ", 0), CursorPlace::Relation);
        assert_eq!(place("select a from x, ", 0), CursorPlace::Relation);
        assert_eq!(place("select 1; ", 9), CursorPlace::Start);
        assert_eq!(place("grant select on ", 0), CursorPlace::Relation);
        assert_eq!(place("drop table ", 0), CursorPlace::Relation);
        assert_eq!(place("call ", 0), CursorPlace::Expression);
    }
}
