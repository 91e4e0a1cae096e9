//! Completion of keywords, names, backslash commands and settings. Pure, but for reading the names.

mod statement;
mod words;

use super::console::Console;
use super::meta::{parse, settings};
use super::out::Io;
use super::report::{Loss, TxState};
use super::session::collect;
use super::vars::{KNOWN, Takes};
use super::wire::WireError;
use statement::{Place, place, relations_in};
use workshop_base::sql::quote_name;

/// The names in the database that completion knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    pub schemas: Vec<String>,
    pub relations: Vec<Relation>,
    pub functions: Vec<String>,
    pub roles: Vec<String>,
    /// The variables that are set.
    pub variables: Vec<String>,
    /// The earlier lines of the statement that is being typed.
    pub pending: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relation {
    pub schema: String,
    pub name: String,
    /// `pg_class.relkind`: r, v, i, S, …
    pub kind: char,
    /// Found without its schema's name.
    pub visible: bool,
    pub columns: Vec<String>,
}

/// Something that the word could become.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    pub kind: Kind,
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Column,
    Table,
    View,
    Index,
    Sequence,
    Schema,
    Function,
    Role,
    Keyword,
    Command,
    Setting,
    Variable,
}

/// Candidates shown at most: more say nothing.
const MOST: usize = 200;

/// Where the word at the cursor begins (a byte offset) and what it could become, the likeliest kind first.
pub fn complete(text: &str, cursor: usize, names: &Names) -> (usize, Vec<Candidate>) {
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

fn candidates<'a>(kind: Kind, texts: impl IntoIterator<Item = &'a str>, prefix: &str) -> Vec<Candidate> {
    let fits = |text: &&str| starts_with(text, prefix);
    texts.into_iter().filter(fits).map(|text| Candidate { kind, text: text.to_owned() }).collect()
}

fn starts_with(text: &str, prefix: &str) -> bool {
    text.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix))
}

/// `\d acc`, `\pset form`, `\set ECHO q`: `command` is the line up to the cursor, its backslash taken off.
fn command_words(command: &str, cursor: usize, names: &Names) -> (usize, Vec<Candidate>) {
    let Some((name, rest)) = command.split_once(char::is_whitespace) else {
        let found = parse::NAMES.iter().filter(|n| n.starts_with(command));
        let found = found.map(|n| Candidate { kind: Kind::Command, text: format!("\\{n}") });
        return (cursor - command.len() - 1, found.collect());
    };
    let word = rest.rsplit(char::is_whitespace).next().unwrap_or_default();
    let from = cursor - word.len();
    let earlier: Vec<&str> = rest[..rest.len() - word.len()].split_whitespace().collect();
    let found = match (name.trim_end_matches('+'), earlier.as_slice()) {
        ("pset", []) => candidates(Kind::Setting, settings::NAMES.iter().copied(), word),
        ("pset", ["format"]) => candidates(Kind::Setting, ["aligned", "unaligned", "csv"], word),
        ("pset", ["linestyle"]) => candidates(Kind::Setting, ["ascii", "unicode"], word),
        ("pset", ["expanded"]) | ("x", []) => candidates(Kind::Setting, ["on", "off", "auto"], word),
        ("t" | "timing", []) => candidates(Kind::Setting, ["on", "off"], word),
        ("set", []) => {
            let known = KNOWN.iter().map(|(name, _)| *name).chain(names.variables.iter().map(String::as_str));
            candidates(Kind::Variable, known, word)
        }
        ("set", [variable]) => match KNOWN.iter().find(|(name, _)| name == variable).map(|(_, takes)| *takes) {
            Some(Takes::OneOf(choices)) => candidates(Kind::Setting, choices.iter().copied(), word),
            Some(Takes::Bool) => candidates(Kind::Setting, ["on", "off"], word),
            Some(Takes::Number | Takes::Text) | None => Vec::new(),
        },
        ("unset" | "echo", _) => candidates(Kind::Variable, names.variables.iter().map(String::as_str), word),
        ("?", []) => candidates(Kind::Setting, ["commands", "variables", "settings"], word),
        ("c" | "connect", [_]) | ("du" | "dg", []) => {
            candidates(Kind::Role, names.roles.iter().map(String::as_str), word)
        }
        ("dn", []) => candidates(Kind::Schema, names.schemas.iter().map(String::as_str), word),
        ("df" | "sf", []) => candidates(Kind::Function, names.functions.iter().map(String::as_str), word),
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
fn relations(names: &Names, word: &str, wanted: impl Fn(char) -> bool) -> Vec<Candidate> {
    let kind = |k: char| match k {
        'v' | 'm' => Kind::View,
        'i' | 'I' => Kind::Index,
        'S' => Kind::Sequence,
        _ => Kind::Table,
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
            found.push(Candidate { kind: Kind::Schema, text: format!("{}.", quote_name(schema)) });
        }
    }
    found
}

fn sql_words(text: &str, before: &str, cursor: usize, names: &Names) -> (usize, Vec<Candidate>) {
    let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '"' | '$');
    let from = before.char_indices().rev().take_while(|(_, c)| part(*c)).last().map_or(cursor, |(at, _)| at);
    let word = &before[from..];
    if before[..from].ends_with(':') && !before[..from].ends_with("::") {
        return (from, candidates(Kind::Variable, names.variables.iter().map(String::as_str), word));
    }
    let range = statement::around(text, cursor);
    let named = relations_in(&text[range.clone()]);
    // `alias.col`, `table.col`: the columns of just that one.
    if let Some((qualifier, column)) = word.rsplit_once('.') {
        let qualifier = qualifier.trim_matches('"');
        let meant = named.iter().find(|n| n.alias.as_deref() == Some(qualifier)).map_or(qualifier, |n| n.name.as_str());
        if let Some(relation) = names.relations.iter().find(|r| r.name == meant && !r.columns.is_empty()) {
            let columns: Vec<String> = relation.columns.iter().map(|c| quote_name(c)).collect();
            let found = candidates(Kind::Column, columns.iter().map(String::as_str), column);
            return (cursor - column.len(), found);
        }
    }
    let mut found = Vec::new();
    let place = place(&before[..from], range.start);
    if matches!(place, Place::Relation) {
        return (from, relations(names, word, |k| matches!(k, 'r' | 'p' | 'v' | 'm' | 'f')));
    }
    if matches!(place, Place::Role) {
        return (from, candidates(Kind::Role, names.roles.iter().map(String::as_str), word));
    }
    if matches!(place, Place::Expression) {
        for relation in &names.relations {
            if named.iter().any(|n| n.name == relation.name) {
                let columns: Vec<String> = relation.columns.iter().map(|c| quote_name(c)).collect();
                found.extend(candidates(Kind::Column, columns.iter().map(String::as_str), word));
            }
        }
        for named in &named {
            let texts = named.alias.as_deref().or(Some(named.name.as_str()));
            found.extend(candidates(Kind::Table, texts, word));
        }
        if !word.is_empty() {
            found.extend(candidates(Kind::Function, names.functions.iter().map(String::as_str), word));
        }
    }
    let keywords = if matches!(place, Place::Start) { words::STATEMENTS } else { words::KEYWORDS };
    if !word.is_empty() || matches!(place, Place::Start) {
        let lower = word.chars().any(|c| c.is_ascii_lowercase());
        for keyword in keywords.iter().filter(|k| starts_with(k, word)) {
            let text = if lower { keyword.to_ascii_lowercase() } else { (*keyword).to_owned() };
            found.push(Candidate { kind: Kind::Keyword, text });
        }
    }
    (from, found)
}

/// Names read at most.
const NAMES_READ: usize = 5_000;

impl Console {
    /// Reads the names anew where they may have changed. Never inside a transaction, where an error would end
    /// it and a change of the schema would make it a conflict.
    pub(super) async fn refresh_names(&mut self, io: &mut Io<'_>) {
        if let Ok(mut names) = self.names.write() {
            names.variables = self.vars.iter().map(|(name, _)| name.to_owned()).collect();
        }
        let idle = self.link.is_some() && self.tx() == TxState::Idle;
        if !self.options.names || !self.names_stale || !idle {
            return;
        }
        // One attempt for a change: a refusal (OC001 just after DDL) is taken up at the next one.
        self.names_stale = false;
        let Some(link) = &mut self.link else { return };
        let read = async {
            let relations = collect(link, RELATIONS, NAMES_READ).await?.rows;
            Ok((relations, collect(link, OTHERS, NAMES_READ).await?.rows))
        };
        let (relations, others) = match read.await {
            Ok(read) => read,
            Err(WireError::Lost(error)) => return self.lose(&error, Loss::Nothing, io).await,
            Err(_) => return,
        };
        let Ok(mut names) = self.names.write() else { return };
        names.relations = relations.into_iter().filter_map(relation).collect();
        let of = |kind: &str| -> Vec<String> {
            others.iter().filter(|row| row[0].as_deref() == Some(kind)).filter_map(|row| row[1].clone()).collect()
        };
        (names.schemas, names.functions, names.roles) = (of("schema"), of("function"), of("role"));
    }

    /// Takes note of a command tag that may have changed the names.
    pub(super) fn note_tag(&mut self, tag: &str) {
        if ["CREATE", "ALTER", "DROP"].iter().any(|word| tag.starts_with(word)) {
            self.names_stale = true;
        }
    }
}

/// Relations with their columns; of the system's, the columns are left out.
const RELATIONS: &str = "SELECT n.nspname, c.relname, c.relkind, pg_catalog.pg_table_is_visible(c.oid), \
    CASE WHEN c.relkind IN ('r','p','v','m','f') AND n.nspname NOT IN ('pg_catalog', 'information_schema') THEN \
    pg_catalog.array_to_string(ARRAY(SELECT a.attname FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid \
    AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum), E'\\n') END \
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
    WHERE c.relkind IN ('r','p','v','m','f','i','S') AND n.nspname !~ '^pg_toast' LIMIT 5000";

const OTHERS: &str = "SELECT 'schema', nspname FROM pg_catalog.pg_namespace WHERE nspname !~ '^pg_(toast|temp)' \
    UNION ALL SELECT 'role', rolname FROM pg_catalog.pg_roles WHERE rolname !~ '^pg_' \
    UNION ALL SELECT DISTINCT 'function', CASE WHEN pg_catalog.pg_function_is_visible(p.oid) THEN '' ELSE \
    pg_catalog.quote_ident(n.nspname) || '.' END || p.proname FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n \
    ON n.oid = p.pronamespace WHERE n.nspname <> 'pg_catalog' AND n.nspname <> 'information_schema'";

fn relation(row: Vec<Option<String>>) -> Option<Relation> {
    let [schema, name, kind, visible, columns] = <[Option<String>; 5]>::try_from(row).ok()?;
    Some(Relation {
        schema: schema?,
        name: name?,
        kind: kind?.chars().next()?,
        visible: visible.as_deref() == Some("t"),
        columns: columns.map(|c| c.lines().map(str::to_owned).collect()).unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let table = |name: &str, kind, columns: &[&str]| Relation {
            schema: "public".to_owned(),
            name: name.to_owned(),
            kind,
            visible: true,
            columns: columns.iter().map(|c| (*c).to_owned()).collect(),
        };
        Names {
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
