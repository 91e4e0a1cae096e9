//! The candidates for a word. Pure.

use workshop_base::sql::quote_name;

use super::model::{Candidate, CandidateKind, CompletionNames};
use super::statement::{self, CursorPlace, place, relations_in};
use super::words;
use crate::meta::model::COMMANDS;
use crate::meta::settings;
use crate::vars::{KNOWN, Takes};

/// Candidates shown at most: more say nothing.
const MOST: usize = 200;

/// Returns where the word at the cursor begins (a byte offset) and what it could become, the likeliest kind first.
pub fn complete(text: &str, cursor: usize, names: &CompletionNames) -> (usize, Vec<Candidate>) {
    let mut cursor = cursor.min(text.len());
    while !text.is_char_boundary(cursor) {
        cursor -= 1;
    }
    let before = &text[..cursor];
    let line_at = before.rfind('\n').map_or(0, |at| at + 1);
    let (from, mut found) = match before[line_at..].trim_start().strip_prefix('\\') {
        Some(command) => command_words(command, cursor, names),
        None => sql_words(text, before, cursor, names),
    };
    found.sort();
    found.dedup_by(|a, b| a.text == b.text);
    found.truncate(MOST);
    (from, found)
}

fn candidates<'a>(kind: CandidateKind, texts: impl IntoIterator<Item = &'a str>, prefix: &str) -> Vec<Candidate> {
    let fits = |text: &&str| starts_with(text, prefix);
    texts.into_iter().filter(fits).map(|text| Candidate { kind, text: text.to_owned() }).collect()
}

fn starts_with(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix))
}

/// `\d acc`, `\pset form`, `\set ECHO q`: `command` is the line up to the cursor, its backslash taken off.
fn command_words(command: &str, cursor: usize, names: &CompletionNames) -> (usize, Vec<Candidate>) {
    let Some((name, rest)) = command.split_once(char::is_whitespace) else {
        let found = COMMANDS.iter().filter(|n| n.starts_with(command));
        let found = found.map(|n| Candidate { kind: CandidateKind::Command, text: format!("\\{n}") });
        return (cursor - command.len() - 1, found.collect());
    };
    let word = rest.rsplit(char::is_whitespace).next().unwrap_or_default();
    let from = cursor - word.len();
    let earlier: Vec<&str> = rest[..rest.len() - word.len()].split_whitespace().collect();
    let found = match (name.trim_end_matches('+'), earlier.as_slice()) {
        ("pset", []) => candidates(CandidateKind::Setting, settings::NAMES.iter().copied(), word),
        ("pset", ["format"]) => candidates(CandidateKind::Setting, ["aligned", "unaligned", "csv"], word),
        ("pset", ["linestyle"]) => candidates(CandidateKind::Setting, ["ascii", "unicode"], word),
        ("pset", ["expanded"]) | ("x", []) => candidates(CandidateKind::Setting, ["on", "off", "auto"], word),
        ("t" | "timing", []) => candidates(CandidateKind::Setting, ["on", "off"], word),
        ("set", []) => {
            let known = KNOWN.iter().map(|(name, _)| *name).chain(names.variables.iter().map(String::as_str));
            candidates(CandidateKind::Variable, known, word)
        }
        ("set", [variable]) => match KNOWN.iter().find(|(name, _)| name == variable).map(|(_, takes)| *takes) {
            Some(Takes::OneOf(choices)) => candidates(CandidateKind::Setting, choices.iter().copied(), word),
            Some(Takes::Bool) => candidates(CandidateKind::Setting, ["on", "off"], word),
            Some(Takes::Number | Takes::Text) | None => Vec::new(),
        },
        ("unset" | "echo", _) => candidates(CandidateKind::Variable, names.variables.iter().map(String::as_str), word),
        ("?", []) => candidates(CandidateKind::Setting, ["commands", "variables", "settings"], word),
        ("c" | "connect", [_]) | ("du" | "dg", []) => {
            candidates(CandidateKind::Role, names.roles.iter().map(String::as_str), word)
        }
        ("dn", []) => candidates(CandidateKind::Schema, names.schemas.iter().map(String::as_str), word),
        ("df" | "sf", []) => candidates(CandidateKind::Function, names.functions.iter().map(String::as_str), word),
        ("dt", []) => relations(names, word, |k| matches!(k, 'r' | 'p')),
        ("dv" | "sv", []) => relations(names, word, |k| k == 'v'),
        ("di", []) => relations(names, word, |k| k == 'i'),
        ("ds", []) => relations(names, word, |k| k == 'S'),
        ("d" | "dS" | "dp" | "z" | "copy", []) => relations(names, word, |_| true),
        _ => Vec::new(),
    };
    (from, found)
}

/// Relations of some kinds, by name or by schema and name, and the schemas that could begin one.
fn relations(names: &CompletionNames, word: &str, wanted: impl Fn(char) -> bool) -> Vec<Candidate> {
    let kind = |k: char| match k {
        'v' | 'm' => CandidateKind::View,
        'i' | 'I' => CandidateKind::Index,
        'S' => CandidateKind::Sequence,
        _ => CandidateKind::Table,
    };
    let mut found: Vec<Candidate> = Vec::new();
    for relation in names.relations.iter().filter(|r| wanted(r.kind)) {
        let text = match word.contains('.') {
            true => format!("{}.{}", quote_name(&relation.schema), quote_name(&relation.name)),
            false if relation.visible => quote_name(&relation.name),
            false => continue,
        };
        if starts_with(&text, word) {
            found.push(Candidate { kind: kind(relation.kind), text });
        }
    }
    if !word.contains('.') {
        for schema in names.schemas.iter().filter(|s| starts_with(s, word)) {
            found.push(Candidate { kind: CandidateKind::Schema, text: format!("{}.", quote_name(schema)) });
        }
    }
    found
}

fn sql_words(text: &str, before: &str, cursor: usize, names: &CompletionNames) -> (usize, Vec<Candidate>) {
    let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '"' | '$');
    let from = before.char_indices().rev().take_while(|(_, c)| part(*c)).last().map_or(cursor, |(at, _)| at);
    let word = &before[from..];
    if before[..from].ends_with(':') && !before[..from].ends_with("::") {
        return (from, candidates(CandidateKind::Variable, names.variables.iter().map(String::as_str), word));
    }
    let range = statement::around(text, cursor);
    let named = relations_in(&text[range.clone()]);
    // `alias.col`, `table.col`: the columns of just that one.
    if let Some((qualifier, column)) = word.rsplit_once('.') {
        let qualifier = qualifier.trim_matches('"');
        let meant = named.iter().find(|n| n.alias.as_deref() == Some(qualifier)).map_or(qualifier, |n| n.name.as_str());
        if let Some(relation) = names.relations.iter().find(|r| r.name == meant && !r.columns.is_empty()) {
            let columns: Vec<String> = relation.columns.iter().map(|c| quote_name(c)).collect();
            let found = candidates(CandidateKind::Column, columns.iter().map(String::as_str), column);
            return (cursor - column.len(), found);
        }
    }
    let mut found = Vec::new();
    let place = place(&before[..from], range.start);
    if matches!(place, CursorPlace::Relation) {
        return (from, relations(names, word, |k| matches!(k, 'r' | 'p' | 'v' | 'm' | 'f')));
    }
    if matches!(place, CursorPlace::Role) {
        return (from, candidates(CandidateKind::Role, names.roles.iter().map(String::as_str), word));
    }
    if matches!(place, CursorPlace::Expression) {
        for relation in &names.relations {
            if named.iter().any(|n| n.name == relation.name) {
                let columns: Vec<String> = relation.columns.iter().map(|c| quote_name(c)).collect();
                found.extend(candidates(CandidateKind::Column, columns.iter().map(String::as_str), word));
            }
        }
        for named in &named {
            let texts = named.alias.as_deref().or(Some(named.name.as_str()));
            found.extend(candidates(CandidateKind::Table, texts, word));
        }
        if !word.is_empty() {
            found.extend(candidates(CandidateKind::Function, names.functions.iter().map(String::as_str), word));
        }
    }
    let keywords = if matches!(place, CursorPlace::Start) { words::STATEMENTS } else { words::KEYWORDS };
    if !word.is_empty() || matches!(place, CursorPlace::Start) {
        let lower = word.chars().any(|c| c.is_ascii_lowercase());
        for keyword in keywords.iter().filter(|k| starts_with(k, word)) {
            let text = if lower { keyword.to_ascii_lowercase() } else { (*keyword).to_owned() };
            found.push(Candidate { kind: CandidateKind::Keyword, text });
        }
    }
    (from, found)
}

#[cfg(test)]
mod tests {
    use super::super::model::KnownRelation;
    use super::*;

    fn names() -> CompletionNames {
        let table = |name: &str, kind, columns: &[&str]| KnownRelation {
            schema: "public".to_owned(),
            name: name.to_owned(),
            kind,
            visible: true,
            columns: columns.iter().map(|c| (*c).to_owned()).collect(),
        };
        CompletionNames {
            schemas: vec!["public".to_owned(), "sys".to_owned()],
            relations: vec![
                table("accounts", 'r', &["id", "balance"]),
                table("audit", 'v', &["at", "Who"]),
                table("accounts_pkey", 'i', &[]),
            ],
            functions: vec!["balance_of".to_owned()],
            roles: vec!["admin".to_owned(), "myapp".to_owned()],
            variables: vec!["cluster".to_owned()],
            pending: String::new(),
        }
    }

    /// The candidates at the `|`.
    fn at(text: &str) -> Vec<String> {
        let cursor = text.find('|').unwrap();
        let (from, found) = complete(&text.replace('|', ""), cursor, &names());
        assert!(from <= cursor);
        found.into_iter().map(|c| c.text).collect()
    }

    #[test]
    fn relations_come_after_from_and_columns_where_they_are_meant() {
        assert_eq!(at("select * from acc|"), ["accounts"]);
        assert_eq!(at("select * from public.a|"), ["public.accounts", "public.audit"]);
        assert_eq!(at("select ba| from accounts"), ["balance", "balance_of"]);
        assert_eq!(at("select a.| from accounts a"), ["balance", "id"]);
        assert_eq!(at("select * from audit where \"|"), ["\"Who\""]);
        assert_eq!(at("update accounts set bal|"), ["balance", "balance_of"]);
        assert_eq!(at("insert into acc|"), ["accounts"]);
    }

    #[test]
    fn keywords_keep_the_case_that_was_begun() {
        assert_eq!(at("sel|"), ["select"]);
        assert_eq!(at("SEL|"), ["SELECT"]);
        assert_eq!(at("AWS IA|"), ["IAM"]);
        assert!(at("select 1; ins|").contains(&"insert into".to_owned()));
    }

    #[test]
    fn commands_and_settings() {
        assert_eq!(at("\\conni|"), ["\\conninfo"]);
        assert_eq!(at("\\d acc|"), ["accounts", "accounts_pkey"]);
        assert_eq!(at("\\dt a|"), ["accounts"]);
        assert_eq!(at("\\pset form|"), ["format"]);
        assert_eq!(at("\\pset format |"), ["aligned", "csv", "unaligned"]);
        assert_eq!(at("\\set ECHO q|"), ["queries"]);
        assert_eq!(at("grant select on accounts to m|"), ["myapp"]);
        assert_eq!(at("select :cl|"), ["cluster"]);
    }

    #[test]
    fn a_cursor_inside_a_character_or_behind_the_end_does_no_harm() {
        complete("é", 1, &names());
        complete("é", 99, &names());
        complete("", 0, &names());
    }
}
