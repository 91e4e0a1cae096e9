//! Statements that take away more than their author may have meant. Pure.

use workshop_base::sql::{Token, TokenKind, code_tokens, statement_ranges};

/// Returns what the first statement of a text takes away as a whole, in words; None when no statement does: a DROP, a
/// TRUNCATE, an ALTER that drops, a DELETE or an UPDATE of every row.
pub(super) fn destructive(sql: &str) -> Option<&'static str> {
    let tokens = code_tokens(sql);
    statement_ranges(sql, &tokens).into_iter().find_map(|range| takes_away(sql, &tokens[range]))
}

fn takes_away(sql: &str, tokens: &[Token]) -> Option<&'static str> {
    let is = |at: usize, word: &str| tokens.get(at).is_some_and(|token| token.is(sql, word));
    let has = |tokens: &[Token], word: &str| tokens.iter().any(|token| token.is(sql, word));
    if is(0, "truncate") {
        return Some("empties a table");
    }
    if is(0, "drop") {
        return Some("drops what it names, with all that is in it");
    }
    if is(0, "alter") && has(tokens, "drop") {
        return Some("drops a part, with all that is in it");
    }
    // Explained or in a query of WITH, it is what it is.
    (0..tokens.len()).find_map(|at| {
        let own = within(&tokens[at..]);
        let every = !has(own, "where");
        // Not the one of SELECT … FOR UPDATE, or of ON CONFLICT DO UPDATE.
        let is_other = at > 0 && ["for", "do", "key"].iter().any(|word| is(at - 1, word));
        match () {
            () if every && is(at, "delete") && is(at + 1, "from") => Some("deletes every row"),
            () if every && is(at, "update") && !is_other && has(own, "set") => Some("changes every row"),
            () => None,
        }
    })
}

/// Returns the tokens up to the parenthesis that closes what they stand in.
fn within(tokens: &[Token]) -> &[Token] {
    let mut depth = 0u32;
    let end = tokens.iter().position(|token| match token.kind {
        TokenKind::Symbol(b'(') => {
            depth += 1;
            false
        }
        TokenKind::Symbol(b')') if depth == 0 => true,
        TokenKind::Symbol(b')') => {
            depth -= 1;
            false
        }
        _ => false,
    });
    &tokens[..end.unwrap_or(tokens.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_away_everything_is_known() {
        let cases = [
            ("delete from t", Some("deletes every row")),
            ("select 1; /* so */ DELETE FROM t returning *;", Some("deletes every row")),
            ("with x as (delete from t returning *) select * from x", Some("deletes every row")),
            ("explain analyze update t set a = 'where'", Some("changes every row")),
            ("truncate t", Some("empties a table")),
            ("drop table if exists t", Some("drops what it names, with all that is in it")),
            ("alter table t drop column a", Some("drops a part, with all that is in it")),
            ("delete from t where id = 1", None),
            ("update t set a = 1 where id = 1", None),
            ("select * from t for update", None),
            ("insert into t values (1) on conflict (id) do update set a = 1", None),
            ("grant delete on t to r", None),
            ("select 'drop table t'", None),
            ("alter table t add column a int", None),
            ("", None),
        ];
        for (sql, expected) in cases {
            assert_eq!(destructive(sql), expected, "{sql}");
        }
    }
}
