//! The order of rows that nobody has asked for: DSQL keeps a table by its primary key, and reads it so (AWS user guide,
//! explain plans, read 2026-10; recorded). A query of tables is given that order in words: by the key of its table, or
//! by those of the tables that it joins, one after another; and so is a query that it reads from alone, the one of an
//! INSERT, and a COPY.
//!
//! Invariant: what is not plainly such a query stays as it is.

use std::collections::HashMap;
use std::ops::Range;

use super::edits::edited;
use super::rows_as_read;
use super::statement::{Catalogue, OrderedQuery};
use super::words::Words;
use workshop_base::sql::{self, TokenKind as T};

/// The one database that a cluster has.
const DATABASE: &str = "postgres";
/// Words that end the list of tables or conditions, at the level of the query itself.
const TAILS: &[&str] = &["limit", "offset", "fetch", "for"];
/// Words that make it another query than one of rows of tables.
const OTHERS: &[&str] =
    &["order", "group", "having", "union", "intersect", "except", "into", "window", "natural", "right", "full"];
/// Those that before a parenthesis are functions, as `right` is, or could be.
const FUNCTIONS: &[&str] = &["left", "right", "full", "inner", "cross", "natural"];
/// Words that follow a table and are no name for it.
const NO_NAMES: &[&str] =
    &["where", "on", "using", "tablesample", "left", "right", "inner", "full", "cross", "join", "natural"];

/// Returns the statement with ORDER BY in its queries, where they are of tables with primary keys and have none.
pub fn by_primary_key(w: Words, catalogue: &dyn Catalogue) -> Option<OrderedQuery> {
    let level = level_of(w)?;
    let mut writer = OrderWriter {
        w,
        catalogue,
        level,
        ctes: HashMap::new(),
        insertions: Vec::new(),
        relations: Vec::new(),
        joins: false,
    };
    match w.text(0).to_ascii_lowercase().as_str() {
        "select" | "table" | "with" | "(" => writer.query(0..w.count()),
        "insert" => {
            let from = (1..w.count()).find(|at| writer.level[*at] == 0 && w.any(*at, &["select", "table", "with"]))?;
            let ends =
                |at: &usize| writer.level[*at] == 0 && (w.is(*at, "returning") || w.are(*at, &["on", "conflict"]));
            let end = (from..w.count()).find(ends).unwrap_or(w.count());
            writer.query(from..end);
        }
        "copy" if w.symbol(1, b'(') => writer.query(2..w.closing(1).saturating_sub(1)),
        "copy" => return copied(w, catalogue),
        _ => return None,
    }
    let OrderWriter { mut insertions, relations, joins, .. } = writer;
    if insertions.is_empty() {
        return None;
    }
    insertions.sort_by_key(|(at, _)| *at);
    let (sql, edits) = edited(w, insertions.into_iter().map(|(at, text)| (at, at, text)));
    Some(OrderedQuery { sql, relations, joins, edits })
}

/// `COPY t (a, b) TO …` as a COPY of a query.
fn copied(w: Words, catalogue: &dyn Catalogue) -> Option<OrderedQuery> {
    let (parts, at) = w.qualified(1);
    let (key, columns) = (catalogue.primary_key(&parts)?, catalogue.copied_columns(&parts)?);
    let (asked, at) = match w.symbol(at, b'(') {
        false => (columns, at),
        true => {
            let end = w.closing(at);
            let names: Vec<_> = (at + 1..end.saturating_sub(1)).filter_map(|at| w.name(at)).collect();
            // PostgreSQL's words for a column that COPY does not have are others than a query's.
            (Some(names).filter(|names| names.iter().all(|name| columns.contains(name)))?, end)
        }
    };
    if !w.is(at, "to") || asked.is_empty() {
        return None;
    }
    let list = |names: &[String]| names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", ");
    let name = w.source(1..w.qualified(1).1);
    let query = format!("(SELECT {} FROM {name} ORDER BY {})", list(&asked), list(&key));
    let (sql, edits) = edited(w, [(w.tokens[1].range().start, w.tokens[at - 1].range().end, query)]);
    Some(OrderedQuery { sql, relations: vec![parts], joins: false, edits })
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// What a query reads from.
enum FromItem {
    /// A table, with its key, as it is called here.
    Table { relation: Vec<String>, key: Vec<String>, called: String },
    /// A query, by where it stands.
    Query(Range<usize>),
    /// A function of PostgreSQL's own, with the column that its rows are known to ascend by.
    Function(Option<String>),
}

struct OrderWriter<'a> {
    w: Words<'a>,
    catalogue: &'a dyn Catalogue,
    level: Vec<u32>,
    /// The queries of WITH, by name.
    ctes: HashMap<String, Range<usize>>,
    /// Bytes of the source, and what is to stand there.
    insertions: Vec<(usize, String)>,
    relations: Vec<Vec<String>>,
    joins: bool,
}

impl OrderWriter<'_> {
    /// Gives the query in these tokens its order. One that refers to itself is never looked at.
    fn query(&mut self, range: Range<usize>) {
        let w = self.w;
        let (mut from, to) = (range.start, range.end);
        if w.is(from, "with") {
            match self.with(from + 1, to) {
                Some(main) => from = main,
                None => return,
            }
        }
        match () {
            () if from >= to => {}
            () if w.symbol(from, b'(') && w.closing(from) == to => self.query(from + 1..to - 1),
            () if w.any(from, &["select", "table"]) => self.select(from, to),
            () => {}
        }
    }

    /// Reads the queries of WITH; where the query itself begins. None where they are more than that.
    fn with(&mut self, mut at: usize, to: usize) -> Option<usize> {
        let w = self.w;
        loop {
            let name = w.name(at).filter(|_| !w.is(at, "recursive"))?;
            at += 1;
            if w.symbol(at, b'(') {
                at = w.closing(at);
            }
            at += [w.is(at, "as"), w.is(at + 1, "not"), w.is(at + 1, "materialized") || w.is(at + 2, "materialized")]
                .iter()
                .filter(|there| **there)
                .count();
            if !w.symbol(at, b'(') || at >= to {
                return None;
            }
            let end = w.closing(at);
            self.ctes.insert(name, at + 1..end - 1);
            match w.symbol(end, b',') {
                true => at = end + 1,
                false => return Some(end),
            }
        }
    }

    /// Gives a SELECT its order, or a TABLE.
    fn select(&mut self, from: usize, to: usize) {
        let w = self.w;
        let base = self.level[from];
        let here = |at: usize| self.level[at] == base && !w.symbol(at.wrapping_sub(1), b'.');
        let other = |at: usize| here(at) && w.any(at, OTHERS) && !self.is_function(at);
        // To be told so by PostgreSQL, which has WITH TIES only where somebody has asked for an order.
        let ties = |at: usize| here(at) && w.are(at, &["with", "ties"]);
        if w.is(from + 1, "distinct") || (from..to).any(|at| other(at) || ties(at)) {
            return;
        }
        let list = match w.is(from, "table") {
            true => Some(from),
            false => (from..to).find(|at| here(*at) && w.is(*at, "from")),
        };
        let Some(list) = list else { return };
        if !rows_as_read::keeps_rows(w, from + 1..list) {
            return;
        }
        let end = (list..to).find(|at| here(*at) && w.any(*at, TAILS)).unwrap_or(to);
        let conditions = (list..end).find(|at| here(*at) && w.is(*at, "where")).unwrap_or(end);
        let Some(items) = self.items(list + 1, conditions) else { return };
        let mut columns = Vec::new();
        for item in &items {
            match item {
                FromItem::Query(range) if items.len() == 1 => return self.query(range.clone()),
                FromItem::Query(range) => self.chosen(range.clone()),
                FromItem::Function(column) => columns.extend(column.clone()),
                FromItem::Table { key, called, .. } => {
                    columns.extend(key.iter().map(|column| format!("{called}.{}", quoted(column))));
                }
            }
        }
        if !items.iter().any(|item| matches!(item, FromItem::Table { .. })) {
            return;
        }
        if let [FromItem::Table { key, .. }] = &items[..] {
            // One row has no order.
            if rows_as_read::asks_for_one(w, conditions..end, key) {
                return;
            }
        }
        self.joins |= items.len() > 1;
        self.relations.extend(items.into_iter().filter_map(|item| match item {
            FromItem::Table { relation, .. } => Some(relation),
            FromItem::Query(_) | FromItem::Function(_) => None,
        }));
        let blank = if end < to { " " } else { "" };
        let at = if end < to { w.tokens[end].range().start } else { w.tokens[end - 1].range().end };
        let before = if end < to { "" } else { " " };
        // The query of a WITH may be met twice.
        if self.insertions.iter().all(|(there, _)| *there != at) {
            self.insertions.push((at, format!("{before}ORDER BY {}{blank}", columns.join(", "))));
        }
    }

    /// Gives a query that is joined with others its order if that decides which rows it has.
    fn chosen(&mut self, range: Range<usize>) {
        let base = range.clone().map(|at| self.level[at]).min();
        if range.clone().any(|at| Some(self.level[at]) == base && self.w.any(at, &["limit", "offset", "fetch"])) {
            self.query(range);
        }
    }

    fn is_function(&self, at: usize) -> bool {
        self.w.any(at, FUNCTIONS) && self.w.symbol(at + 1, b'(')
    }

    /// Reads a list of tables, joined or not. None for anything else.
    fn items(&self, mut at: usize, to: usize) -> Option<Vec<FromItem>> {
        let w = self.w;
        let mut items = Vec::new();
        loop {
            let (item, behind) = self.item(at, to)?;
            items.push(item);
            at = behind;
            if w.is(at, "on") {
                let base = self.level[at];
                let word = |at: usize| w.any(at, NO_NAMES) && !w.is(at, "on") && !w.symbol(at - 1, b'.');
                let joined = |at: &usize| {
                    self.level[*at] == base && (w.symbol(*at, b',') || word(*at) && !self.is_function(*at))
                };
                at = (at + 1..to).find(joined).unwrap_or(to);
            } else if w.is(at, "using") && w.symbol(at + 1, b'(') {
                at = w.closing(at + 1);
            }
            if at >= to {
                return (at == to).then_some(items);
            }
            at = match () {
                () if w.symbol(at, b',') => at + 1,
                () if w.is(at, "join") => at + 1,
                () if w.any(at, &["inner", "cross", "left"]) && w.is(at + 1, "join") => at + 2,
                () if w.are(at, &["left", "outer", "join"]) => at + 3,
                () => return None,
            };
        }
    }

    fn item(&self, mut at: usize, to: usize) -> Option<(FromItem, usize)> {
        let w = self.w;
        at += usize::from(w.is(at, "lateral"));
        let (mut item, at) = match w.symbol(at, b'(') {
            // A join in parentheses is nothing that is looked into.
            true if !w.any(at + 1, &["select", "with", "values", "table"]) && !w.symbol(at + 1, b'(') => return None,
            true => (FromItem::Query(at + 1..w.closing(at).checked_sub(1)?), w.closing(at)),
            false => self.named(at)?,
        };
        let (alias, columns, at) = self.alias(at, to);
        match &mut item {
            FromItem::Table { relation, key, called } => {
                if !columns.is_empty() {
                    *key = self.renamed(relation, key, &columns)?;
                }
                *called = alias.map_or_else(|| called.clone(), |at| w.text(at).to_owned());
            }
            FromItem::Function(Some(column)) => {
                let called = alias.map_or_else(|| column.clone(), |at| w.text(at).to_owned());
                let column = columns.first().map_or_else(|| called.clone(), |column| quoted(column));
                item = FromItem::Function(Some(format!("{called}.{column}")));
            }
            FromItem::Function(None) | FromItem::Query(_) => {}
        }
        Some((item, at))
    }

    /// Reads a table, the query of a WITH or a function by its name, without the alias. Where it ends.
    fn named(&self, mut at: usize) -> Option<(FromItem, usize)> {
        let w = self.w;
        let only = w.is(at, "only");
        at += usize::from(only);
        let enclosed = only && w.symbol(at, b'(');
        at += usize::from(enclosed);
        let (mut relation, mut behind) = w.qualified(at);
        let last = behind.checked_sub(1)?;
        // What may stand behind a schema may not stand alone.
        let reserved = relation.last().filter(|name| sql::is_reserved(name));
        let called = reserved.map_or_else(|| w.text(last).to_owned(), |name| quoted(name));
        if relation.len() == 3 && relation[0] == DATABASE {
            relation.remove(0);
        }
        if relation.is_empty() || relation.len() > 2 {
            return None;
        }
        if w.symbol(behind, b'(') && !only {
            let name = relation.last().filter(|name| !self.catalogue.defines(name))?;
            behind = w.closing(behind);
            let counted = w.are(behind, &["with", "ordinality"]);
            behind += if counted { 2 } else { 0 };
            return Some((FromItem::Function((name == "generate_series" && !counted).then_some(called)), behind));
        }
        behind += usize::from(enclosed && w.symbol(behind, b')')) + usize::from(w.symbol(behind, b'*'));
        match self.ctes.get(&relation[0]).filter(|_| relation.len() == 1) {
            Some(range) => Some((FromItem::Query(range.clone()), behind)),
            None => {
                let key = self.catalogue.primary_key(&relation)?;
                Some((FromItem::Table { relation, key, called }, behind))
            }
        }
    }

    /// Reads what something is called in the list: where its name stands, its columns' names, and what follows.
    fn alias(&self, mut at: usize, to: usize) -> (Option<usize>, Vec<String>, usize) {
        let w = self.w;
        at += usize::from(w.is(at, "as"));
        let named = at < to
            && matches!(w.tokens[at].kind, T::Word | T::QuotedName)
            && !w.any(at, TAILS)
            && !w.any(at, NO_NAMES);
        let alias = named.then_some(at);
        at += usize::from(named);
        if !w.symbol(at, b'(') || at >= to {
            return (alias, Vec::new(), at);
        }
        let end = w.closing(at);
        (alias, (at + 1..end.saturating_sub(1)).filter_map(|at| w.name(at)).collect(), end)
    }

    /// Returns what the columns of a key are called in a list of columns' names; None where that could be another's.
    fn renamed(&self, relation: &[String], key: &[String], names: &[String]) -> Option<Vec<String>> {
        let all = self.catalogue.columns(relation)?;
        let called: Vec<_> = names.iter().chain(all.iter().skip(names.len())).collect();
        let new = |column: &String| {
            let name = called.get(all.iter().position(|other| other == column)?)?;
            (called.iter().filter(|other| *other == name).count() == 1).then(|| (*name).clone())
        };
        key.iter().map(new).collect()
    }
}

/// How deep in parentheses each token stands; None where they do not match.
fn level_of(w: Words) -> Option<Vec<u32>> {
    let mut depth = 0u32;
    let mut levels = Vec::with_capacity(w.count());
    for token in w.tokens {
        match token.kind {
            T::Symbol(b')') => depth = depth.checked_sub(1)?,
            T::Symbol(b'(') => {
                levels.push(depth);
                depth += 1;
                continue;
            }
            _ => {}
        }
        levels.push(depth);
    }
    (depth == 0).then_some(levels)
}

#[cfg(test)]
#[path = "order_tests.rs"]
mod tests;
