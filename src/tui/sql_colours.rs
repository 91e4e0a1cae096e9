//! Colours of SQL, with psql's own commands: where it is typed, in lessons and in files.

use super::theme::{self, Pieces};
use workshop_base::sql::{Lexer, TokenKind, is_keyword};

/// Colours a text line by line.
pub fn paint(text: &str) -> Vec<Pieces> {
    let mut lines = vec![Pieces::new()];
    let mut start = 0;
    let mut command = false;
    for token in Lexer::new(text) {
        let range = token.range();
        let word = token.text(text);
        // A command reaches to the end of its line.
        command &= !word.contains('\n');
        let style = match token.kind {
            TokenKind::Symbol(b'\\') => {
                command = true;
                Some(theme::CODE_NAME)
            }
            TokenKind::Word if command => Some(theme::CODE_NAME),
            TokenKind::Word if reads_as_keyword(word) => Some(theme::CODE_KEYWORD),
            TokenKind::Text => Some(theme::CODE_STRING),
            TokenKind::Number | TokenKind::Param => Some(theme::CODE_NUMBER),
            TokenKind::LineComment | TokenKind::BlockComment => Some(theme::CODE_COMMENT),
            TokenKind::QuotedName => Some(theme::CODE_TYPE),
            TokenKind::Word | TokenKind::Space | TokenKind::Symbol(_) => None,
        };
        if token.kind != TokenKind::Word && !matches!(token.kind, TokenKind::Symbol(b'\\')) {
            command &= token.kind == TokenKind::Symbol(b'+');
        }
        let mut at = range.start;
        for part in text[range].split_inclusive('\n') {
            let length = part.trim_end_matches(['\n', '\r']).len();
            if let (Some(style), Some(line), true) = (style, lines.last_mut(), length > 0) {
                line.push((at - start..at - start + length, style));
            }
            at += part.len();
            if part.ends_with('\n') {
                lines.push(Pieces::new());
                start = at;
            }
        }
    }
    lines
}

/// Tells whether a word has a meaning of its own in SQL: the keywords that are no names, and those that begin and end
/// statements, which could be.
fn reads_as_keyword(word: &str) -> bool {
    const COMMON: &[&str] = &[
        "abort",
        "add",
        "alter",
        "async",
        "begin",
        "by",
        "cascade",
        "commit",
        "copy",
        "delete",
        "drop",
        "execute",
        "explain",
        "function",
        "identity",
        "if",
        "index",
        "insert",
        "isolation",
        "key",
        "level",
        "no",
        "owner",
        "prepare",
        "release",
        "revoke",
        "role",
        "rollback",
        "schema",
        "sequence",
        "set",
        "show",
        "start",
        "transaction",
        "truncate",
        "type",
        "update",
        "view",
    ];
    let lower = word.to_ascii_lowercase();
    is_keyword(&lower) || COMMON.binary_search(&lower.as_str()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_texts_and_comments_have_their_colours() {
        let colours = paint("select 'a\nb', 12 -- x\n\\d+ select");
        assert_eq!(colours[0], [(0..6, theme::CODE_KEYWORD), (7..9, theme::CODE_STRING)]);
        let second = [(0..2, theme::CODE_STRING), (4..6, theme::CODE_NUMBER), (7..11, theme::CODE_COMMENT)];
        assert_eq!(colours[1], second);
        assert_eq!(colours[2], [(0..1, theme::CODE_NAME), (1..2, theme::CODE_NAME), (4..10, theme::CODE_KEYWORD)]);
    }

    #[test]
    fn what_only_dsql_has_and_what_follows_a_comment_is_coloured_as_the_rest() {
        let colours = paint("BEGIN; -- b\nCREATE INDEX ASYNC i ON t (a);\r\nCOMMIT;");
        let first = [(0..5, theme::CODE_KEYWORD), (7..11, theme::CODE_COMMENT)];
        assert_eq!(colours[0], first);
        let keywords = [0..6, 7..12, 13..18, 21..23].map(|range| (range, theme::CODE_KEYWORD));
        assert_eq!(colours[1], keywords);
        assert_eq!(colours[2], [(0..6, theme::CODE_KEYWORD)]);
    }
}
