//! The candidates for a word. Pure.

use workshop_base::sql::{quote_name, unquote};

use super::model::{Candidate, CandidateFit, CandidateKind, CompletionNames};
use super::statement::{self, CursorPlace, NamedRelation, place, relations_in};
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

fn candidates<'a>(kind: CandidateKind, texts: impl IntoIterator<Item = &'a str>, word: &str) -> Vec<Candidate> {
    let fitting = |text: &'a str| fit(text, word).map(|fit| Candidate { fit, kind, text: text.to_owned() });
    texts.into_iter().filter_map(fitting).collect()
}

/// Tells how a name fits a word, without regard to case and to the quotes that the name must have.
fn fit(text: &str, word: &str) -> Option<CandidateFit> {
    let bare = |text: &str| text.trim_start_matches('"').to_lowercase();
    let (name, typed) = (bare(text), bare(word));
    if starts_with(text, word) || !typed.is_empty() && name.starts_with(&typed) {
        return Some(CandidateFit::Begins);
    }
    // One letter says too little.
    if typed.chars().count() < 2 {
        return None;
    }
    if name.split(['_', '.', ' ']).any(|part| part.starts_with(&typed)) {
        return Some(CandidateFit::Part);
    }
    let mut rest = name.chars();
    typed.chars().all(|wanted| rest.any(|c| c == wanted)).then_some(CandidateFit::Scattered)
}

fn starts_with(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix))
}

/// `\d acc`, `\pset form`, `\set ECHO q`: `command` is the line up to the cursor, its backslash taken off.
fn command_words(command: &str, cursor: usize, names: &CompletionNames) -> (usize, Vec<Candidate>) {
    let Some((name, rest)) = command.split_once(char::is_whitespace) else {
        let found = COMMANDS.iter().filter(|n| n.starts_with(command));
        let found = found.map(|n| Candidate {
            fit: CandidateFit::Begins,
            kind: CandidateKind::Command,
            text: format!("\\{n}"),
        });
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

/// Relations of some kinds, by name or by schema and name, and the schemas that could begin one. Those of the catalog are
/// named, as in psql, only to a word that begins as they do.
fn relations(names: &CompletionNames, word: &str, wanted: impl Fn(char) -> bool) -> Vec<Candidate> {
    let kind = |k: char| match k {
        'v' | 'm' => CandidateKind::View,
        'i' | 'I' => CandidateKind::Index,
        'S' => CandidateKind::Sequence,
        _ => CandidateKind::Table,
    };
    let mut found: Vec<Candidate> = Vec::new();
    for relation in names.relations.iter().filter(|r| wanted(r.kind)) {
        let name = quote_name(&relation.name);
        let (text, typed) = match word.rsplit_once('.') {
            Some((schema, typed)) if unquote(schema) == relation.schema => {
                (format!("{}.{name}", quote_name(&relation.schema)), typed)
            }
            None if relation.visible && (relation.schema != "pg_catalog" || word.starts_with("pg_")) => {
                (name.clone(), word)
            }
            _ => continue,
        };
        if let Some(fit) = fit(&name, typed) {
            found.push(Candidate { fit, kind: kind(relation.kind), text });
        }
    }
    if !word.contains('.') {
        for schema in names.schemas.iter().filter(|s| starts_with(s, word)) {
            let text = format!("{}.", quote_name(schema));
            found.push(Candidate { fit: CandidateFit::Begins, kind: CandidateKind::Schema, text });
        }
    }
    found
}

/// Returns the conditions that could join the relation named last to those before it: by a foreign key, by a column of
/// the same name, or by one that is named after the other's (`account_id` and `accounts.id`).
fn joins(named: &[NamedRelation], names: &CompletionNames, word: &str) -> Vec<Candidate> {
    let Some((last, earlier)) = named.split_last() else { return Vec::new() };
    let columns = |of: &NamedRelation| {
        names.relations.iter().find(|r| r.name == of.name).map(|r| r.columns.as_slice()).unwrap_or_default()
    };
    let points = |from: &NamedRelation, column: &str, to: &NamedRelation, of: &str| {
        let key = names
            .keys
            .iter()
            .any(|k| k.table == from.name && k.column == column && k.of_table == to.name && k.of_column == of);
        let singular = to.name.strip_suffix('s').unwrap_or(&to.name);
        key || column.strip_suffix(of).and_then(|rest| rest.strip_suffix('_')) == Some(singular)
    };
    let mut found = Vec::new();
    for other in earlier {
        for mine in columns(last) {
            for theirs in columns(other) {
                // That two tables have an `id` each says nothing.
                let same = mine == theirs && mine != "id";
                if same || points(last, mine, other, theirs) || points(other, theirs, last, mine) {
                    let side = |of: &NamedRelation, column: &str| {
                        format!("{}.{}", quote_name(of.alias.as_deref().unwrap_or(&of.name)), quote_name(column))
                    };
                    found.push(format!("{} = {}", side(last, mine), side(other, theirs)));
                }
            }
        }
    }
    candidates(CandidateKind::Join, found.iter().map(String::as_str), word)
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
        let mut found = relations(names, word, |k| matches!(k, 'r' | 'p' | 'v' | 'm' | 'f'));
        let own = statement::queries_in(&text[range]);
        found.extend(candidates(CandidateKind::View, own.iter().map(String::as_str), word));
        return (from, found);
    }
    if matches!(place, CursorPlace::Role) {
        return (from, candidates(CandidateKind::Role, names.roles.iter().map(String::as_str), word));
    }
    if place == CursorPlace::JoinCondition {
        found.extend(joins(&named, names, word));
    }
    if matches!(place, CursorPlace::Expression | CursorPlace::JoinCondition) {
        for relation in &names.relations {
            if named.iter().any(|n| n.name == relation.name) {
                let columns: Vec<String> = relation.columns.iter().map(|c| quote_name(c)).collect();
                found.extend(candidates(CandidateKind::Column, columns.iter().map(String::as_str), word));
            }
        }
        let own = statement::queries_in(&text[range]);
        for named in &named {
            // A name that there is not is a mistake, which is not made a second time.
            let is_there = names.relations.iter().any(|r| r.name == named.name) || own.contains(&named.name);
            let texts = named.alias.as_deref().or(is_there.then_some(named.name.as_str()));
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
            found.push(Candidate { fit: CandidateFit::Begins, kind: CandidateKind::Keyword, text });
        }
    }
    (from, found)
}

#[cfg(test)]
mod tests {
    use super::super::model::{KnownKey, KnownRelation};
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
                table("transfers", 'r', &["id", "account_id", "balance", "order"]),
                KnownRelation { schema: "pg_catalog".to_owned(), ..table("pg_accounting", 'r', &[]) },
            ],
            functions: vec!["balance_of".to_owned()],
            roles: vec!["admin".to_owned(), "myapp".to_owned()],
            keys: vec![KnownKey {
                table: "audit".to_owned(),
                column: "Who".to_owned(),
                of_table: "accounts".to_owned(),
                of_column: "id".to_owned(),
            }],
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
        assert_eq!(at("select * from pg_acc|"), ["pg_accounting"], "the catalog's own when it is asked for");
        assert_eq!(at("select * from public.a|"), ["public.accounts", "public.audit"]);
        assert_eq!(at("select ba| from accounts"), ["balance", "balance_of"]);
        assert_eq!(at("select a.| from accounts a"), ["balance", "id"]);
        assert_eq!(at("select * from audit where \"|"), ["\"Who\""]);
        assert_eq!(at("update accounts set bal|"), ["balance", "balance_of"]);
        assert_eq!(at("insert into acc|"), ["accounts"]);
    }

    #[test]
    fn what_does_not_begin_with_the_word_may_still_be_meant() {
        assert_eq!(at("select * from cnts|"), ["accounts"]);
        assert_eq!(at("select * from pkey|"), [""; 0]);
        assert_eq!(at("\\di pkey|"), ["accounts_pkey"]);
        assert_eq!(at("select t.id| from transfers t"), ["id", "account_id"]);
        assert_eq!(at("select wh| from audit"), ["\"Who\"", "when", "where"]);
        assert_eq!(at("select t.or| from transfers t"), ["\"order\""]);
        assert_eq!(at("select acou| from acounts"), [""; 0], "a mistake is not offered again");
        assert_eq!(at("with sums as (select 1) select su| from sums"), ["sums", "sum"]);
        assert_eq!(at("with sums as (select 1), more as materialized (select 2) select * from su|"), ["sums"]);
    }

    #[test]
    fn a_join_is_offered_its_conditions() {
        let found = at("select * from accounts a join transfers t on |");
        assert_eq!(found[..2], ["t.account_id = a.id", "t.balance = a.balance"]);
        assert_eq!(at("select * from accounts join audit on audit.|")[..], ["\"Who\"", "at"]);
        assert_eq!(at("select * from accounts join audit on a|")[0], "audit.\"Who\" = accounts.id");
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
