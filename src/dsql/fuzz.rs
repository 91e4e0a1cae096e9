//! What must hold for whatever bytes a client or PostgreSQL sends: the properties that the fuzz targets and the
//! random tests here look for. Not part of the program.

use bytes::BytesMut;

use super::classify;
use super::statement::{Catalogue, SqlStatement, StatementKind, WriteEffects};
use super::{shadow, texts, token, wire};

/// The wire decoders: no panic, no length beyond what is there, and what is read is written back alike.
pub fn wire(bytes: &[u8]) {
    if let Ok(Some((len, _))) = wire::opening(bytes) {
        assert!((8..=bytes.len()).contains(&len));
    }
    let mut rest = bytes;
    while let Ok(Some(len)) = wire::frame_len(rest, wire::CLIENT_MESSAGE_LIMIT) {
        assert!((5..=wire::CLIENT_MESSAGE_LIMIT + 1).contains(&len));
        let Some(frame) = rest.get(..len) else { break };
        message(frame);
        rest = &rest[len..];
    }
}

fn message(frame: &[u8]) {
    let body = &frame[5..];
    let mut again = BytesMut::new();
    if let Ok(parse) = wire::parse(body) {
        wire::put_parse(&mut again, parse.name, parse.sql, parse.types);
        assert_eq!(&again.split()[5..], body);
    }
    if let Ok(bind) = wire::bind(body) {
        wire::put_bind(&mut again, bind.portal, bind.statement, bind.rest);
        assert_eq!(&again.split()[5..], body);
    }
    if let Ok((kind, name)) = wire::target(body, "Describe") {
        wire::put_target(&mut again, b'D', kind, name);
        assert!(body.starts_with(&again.split()[5..]));
    }
    if let Ok((portal, rows)) = wire::execute(body) {
        wire::put_execute(&mut again, portal, rows);
        assert!(body.starts_with(&again.split()[5..]));
    }
    let fields = wire::fields(body);
    wire::put_fields(&mut again, b'E', fields.iter().copied());
    assert_eq!(wire::fields(&again.split()[5..]), fields);
    let _ = texts::in_place_of(frame);
    let _ = wire::row(body);
    if let Some(tag) = wire::cstr(&mut &body[..]) {
        let _ = (wire::rows_of_tag(tag), wire::recount(tag, 7));
    }
}

/// A password: no panic, whatever it is; its parameters mean the same in any order; nobody else's secret proves it.
pub fn tokens(text: &str) {
    let Ok(read) = token::parse(text) else { return };
    assert!(read.check_signature("another's").is_err());
    let (host, query) = text.trim().split_once('?').unwrap_or_default();
    let turned: Vec<_> = query.split('&').rev().collect();
    // Blanks around the whole are no part of it: what has some at its end means another thing in the last place.
    if turned.iter().any(|part| part.trim() != *part) {
        return;
    }
    let turned = token::parse(&format!("{host}?{}", turned.join("&"))).ok();
    let claims =
        |token: &token::AuthToken| [&token.host, &token.action, &token.access_key_id, &token.region].map(String::clone);
    assert_eq!(turned.as_ref().map(claims), Some(claims(&read)));
    assert_eq!(turned.and_then(|token| token.session_token), read.session_token);
    let once = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_795_000_000);
    let _ = read.check_time(|signed| signed, once);
}

/// Functions whose name begins with `w` write, columns that begin with `k` are keys.
struct Named;

impl Catalogue for Named {
    fn calls(&self, function: &str) -> WriteEffects {
        if function.starts_with('w') { WriteEffects::UNKNOWN } else { WriteEffects::default() }
    }

    fn in_key(&self, column: &str) -> bool {
        column.starts_with('k')
    }

    fn defines(&self, function: &str) -> bool {
        function.starts_with('f')
    }
}

/// The classifier: no panic, statements in order and as they were written, and each is by itself what it is among
/// others.
pub fn statements(sql: &str) {
    // As on the wire, where a zero byte ends the text.
    let sql = sql.split('\0').next().unwrap_or_default();
    let all: Vec<_> = classify::classify(sql, &Named).into_iter().map(std::sync::Arc::new).collect();
    let mut end = 0;
    for statement in &all {
        assert!(statement.offset >= end);
        end = statement.offset + statement.text.len();
        assert_eq!(&sql[statement.offset..end], &*statement.text);
        let alone = classify::classify(&statement.text, &Named);
        assert_eq!(alone.iter().map(told).collect::<Vec<_>>(), [told(statement)], "{}", statement.text);
        assert_eq!(shadow::redirect(&statement.text, &[]), *statement.text);
        shadow::names(&statement.text);
    }
    let probe = classify::grammar_probe(sql, &all);
    assert!(probe.chars().count() > sql.chars().count());
}

/// Returns what is so of a statement wherever it stands.
fn told(of: &SqlStatement) -> (&StatementKind, bool, [bool; 3]) {
    (&of.kind, of.uses.relations, [of.refusal.is_some(), of.rewrite.is_some(), of.explain.is_some()])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    /// Words that mean something here, so that chance makes statements of them.
    const WORDS: &[&str] = &[
        "select",
        "insert",
        "into",
        "update",
        "delete",
        "set",
        "from",
        "where",
        "explain",
        "analyze",
        "verbose",
        "prepare",
        "execute",
        "deallocate",
        "as",
        "begin",
        "atomic",
        "end",
        "case",
        "commit",
        "and",
        "chain",
        "rollback",
        "to",
        "savepoint",
        "create",
        "unique",
        "index",
        "async",
        "on",
        "include",
        "table",
        "if",
        "not",
        "exists",
        "primary",
        "key",
        "alter",
        "add",
        "drop",
        "column",
        "constraint",
        "identity",
        "cache",
        "sequence",
        "domain",
        "function",
        "language",
        "sql",
        "grant",
        "revoke",
        "aws",
        "iam",
        "role",
        "schema",
        "copy",
        "stdin",
        "with",
        "values",
        "for",
        "share",
        "limit",
        "offset",
        "order",
        "by",
        "isolation",
        "level",
        "read",
        "only",
        "show",
        "server_version",
        "references",
        "check",
        "default",
        "generated",
        "always",
        "using",
        "btree",
        "nulls",
        "distinct",
        "wf",
        "kc",
        "t",
        "pg_dsql",
        "int",
        "numeric",
        "(",
        ")",
        ",",
        ";",
        ".",
        "=",
        "1",
        "65536",
        "18446744073709551615",
        "$1",
        "'a'",
        "\"b\"",
        "\"",
        "'",
        "$$",
        "$x$",
        "--\n",
        "/*",
        "*/",
        "::",
        "\u{fc}",
        "E'\\",
        "U&\"",
        "explain analyze",
        "prepare a as",
    ];

    proptest! {
        #[test]
        fn no_bytes_break_the_decoders(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            super::wire(&bytes);
        }

        #[test]
        fn no_message_breaks_the_decoders(
            kind in any::<u8>(),
            body in proptest::collection::vec(prop_oneof![Just(0), Just(b'S'), Just(b'P'), any::<u8>()], 0..60),
        ) {
            let mut frame = vec![kind];
            frame.extend((body.len() as u32 + 4).to_be_bytes());
            frame.extend(body);
            super::wire(&frame);
        }

        #[test]
        fn no_words_break_the_classifier(
            words in proptest::collection::vec((0..WORDS.len(), prop_oneof![Just(""), Just(" ")]), 0..30),
        ) {
            super::statements(&words.into_iter().flat_map(|(word, space)| [WORDS[word], space]).collect::<String>());
        }
    }

    /// Parts of a token, some of them no part of any.
    const PARTS: &[&str] = &[
        "X-Amz-Algorithm=AWS4-HMAC-SHA256",
        "X-Amz-Credential=AKID%2F20261123%2Fus-east-1%2Fdsql%2Faws4_request",
        "X-Amz-Date=20261123T064500Z",
        "X-Amz-Expires=900",
        "X-Amz-SignedHeaders=host",
        "X-Amz-Signature=00ff",
        "Action=DbConnect",
        "X-Amz-Security-Token=%2B",
        "X-Amz-Expires=604801",
        "X-Amz-Date=99991231T235959Z",
        "Action=",
        "more=%",
        "=",
        "",
    ];

    proptest! {
        #[test]
        fn no_password_breaks_the_reader(
            mut order in Just((0..PARTS.len()).collect::<Vec<_>>()).prop_shuffle(),
            length in 7..12usize,
            known in any::<bool>(),
        ) {
            order.retain(|part| *part < if known { 7 } else { PARTS.len() });
            order.truncate(length);
            let parts: Vec<_> = order.into_iter().map(|part| PARTS[part]).collect();
            super::tokens(&format!("h.dsql.us-east-1.on.aws/?{}", parts.join("&")));
        }

        #[test]
        fn no_text_breaks_the_reader(text in "[h?&=%/.X2F-]{0,60}") {
            super::tokens(&text);
        }
    }

    #[test]
    fn what_once_broke_the_classifier() {
        super::statements("explain select 1 limit 18446744073709551615 offset 18446744073709551615");
        // Each inside of the one before, deeper than any stack.
        for nested in ["explain ", "explain analyze ", "prepare a as ", "explain (analyze) "] {
            super::statements(&format!("{}select 1", nested.repeat(20_000)));
        }
        super::statements(&format!("update t {}", "set a = 1 ".repeat(20_000)));
    }
}
