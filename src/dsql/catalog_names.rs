//! The names in a cluster's catalogue that statements are classified by: functions, columns of keys, tables.
//!
//! Invariant: what is here was read after the last change of the catalogue that was committed through the proxy.

use std::collections::{HashMap, HashSet};

use super::backend::Rows;
use super::statement::{Catalogue, WriteEffects};
use super::words::Words;
use workshop_base::sql;

/// What statements are classified by.
#[derive(Default)]
pub struct CatalogNames {
    /// The client's own functions, and what those of that name may do.
    functions: HashMap<String, WriteEffects>,
    /// The client's views that do more than read.
    views: HashMap<String, WriteEffects>,
    /// Columns of unique indexes.
    keys: HashSet<String>,
    /// By schema and name, and by the name alone where only one relation has it.
    tables: HashMap<Vec<String>, TableColumns>,
}

/// The columns of a table with a primary key.
#[derive(Debug, Clone)]
struct TableColumns {
    key: Vec<String>,
    /// Those that a COPY without a list has.
    copied: Vec<String>,
    all: Vec<String>,
}

/// What [`CatalogNames::of_rows`] is made of.
pub const QUERIES: [&str; 3] = [PROGRAMS, KEYS, TABLES];

/// The client's functions and views. A function: its name, whether it may write, its body. A view: its name, whether its
/// query locks rows FOR UPDATE and FOR KEY SHARE (`LockClauseStrength` in PostgreSQL's `nodes/lockoptions.h`; braces in
/// names are escaped there), the functions and relations that it uses.
const PROGRAMS: &str = "SELECT 'f', proname, provolatile = 'v', NULL, coalesce(pg_get_function_sqlbody(p.oid), prosrc) \
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace \
    WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'sys') \
    UNION ALL SELECT 'v', c.relname, v.ev_action::text ~ '[^\\\\]\\{ROWMARKCLAUSE :rti \\d+ :strength 4 ', \
      v.ev_action::text ~ '[^\\\\]\\{ROWMARKCLAUSE :rti \\d+ :strength 1 ', \
      (SELECT string_agg(DISTINCT quote_ident(coalesce(p.proname, r.relname)), ' ') FROM pg_depend d \
       LEFT JOIN pg_proc p ON d.refclassid = 'pg_proc'::regclass AND p.oid = d.refobjid \
       LEFT JOIN pg_class r ON d.refclassid = 'pg_class'::regclass AND r.oid = d.refobjid AND r.oid <> c.oid \
       WHERE d.classid = 'pg_rewrite'::regclass AND d.objid = v.oid) \
    FROM pg_rewrite v JOIN pg_class c ON c.oid = v.ev_class AND c.relkind = 'v' JOIN pg_namespace n ON n.oid = c.relnamespace \
    WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'sys')";

const KEYS: &str = "SELECT DISTINCT attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid \
    AND a.attnum = ANY (i.indkey) JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
    WHERE i.indisunique AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'sys')";

/// Every relation of the client's, with the columns of its primary key, those that are not computed, and all; no key where
/// a column has privileges of its own, as whoever may not read the key may still read the rest.
const TABLES: &str = "SELECT n.nspname, c.relname, (SELECT string_agg(a.attname, chr(31) ORDER BY k.n) \
    FROM pg_index i, unnest(i.indkey::int2[]) WITH ORDINALITY k(num, n), pg_attribute a \
    WHERE i.indrelid = c.oid AND i.indisprimary AND k.n <= i.indnkeyatts AND a.attrelid = c.oid AND a.attnum = k.num \
      AND NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attacl IS NOT NULL)), \
    (SELECT string_agg(attname, chr(31) ORDER BY attnum) FROM pg_attribute \
     WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = ''), \
    (SELECT string_agg(attname, chr(31) ORDER BY attnum) FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) \
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
    WHERE c.relkind IN ('r', 'v') AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'sys')";

impl CatalogNames {
    /// Makes it of what the [`QUERIES`] have found.
    pub fn of_rows(programs: Rows, keys: Rows, tables: Rows) -> CatalogNames {
        let mut names = CatalogNames {
            keys: keys.into_iter().flatten().flatten().collect(),
            tables: by_name(tables),
            ..CatalogNames::default()
        };
        names.take_programs(programs.into_iter().filter_map(Program::of_row).collect());
        names
    }

    /// Finds out what functions and views do by way of each other: one that cannot write can call one that does.
    fn take_programs(&mut self, programs: Vec<Program>) {
        for program in &programs {
            self.keep(program, program.effects);
        }
        let mut changed = true;
        while std::mem::take(&mut changed) {
            for program in &programs {
                let all = |effects: WriteEffects, name: &String| effects.and(self.calls(name)).and(self.reads(name));
                changed |= self.keep(program, program.uses.iter().fold(program.effects, all));
            }
        }
    }

    /// Takes note of what a program does; whether that is news.
    fn keep(&mut self, program: &Program, effects: WriteEffects) -> bool {
        let all = if program.is_view { &mut self.views } else { &mut self.functions };
        if program.is_view && effects == WriteEffects::default() {
            return false;
        }
        let known = all.entry(program.name.clone()).or_default();
        let before = std::mem::replace(known, known.and(effects));
        before != *known
    }
}

/// A function or a view of the client's.
struct Program {
    is_view: bool,
    name: String,
    /// What it does itself.
    effects: WriteEffects,
    /// Whatever it names.
    uses: HashSet<String>,
}

impl Program {
    fn of_row(row: Vec<Option<String>>) -> Option<Program> {
        let [Some(kind), Some(name), first, second, text] = <[_; 5]>::try_from(row).ok()? else { return None };
        let (is_view, text) = (kind == "v", text.unwrap_or_default());
        let is = |flag: &Option<String>| flag.as_deref() == Some("t");
        let tokens = sql::code_tokens(&text);
        let effects = match is_view {
            true => WriteEffects { for_update: is(&first), for_key_share: is(&second), ..WriteEffects::default() },
            false if is(&first) => locks_of(Words { sql: &text, tokens: &tokens }).and(WriteEffects::UNKNOWN),
            false => WriteEffects::default(),
        };
        Some(Program { is_view, name, effects, uses: tokens.iter().filter_map(|token| token.name(&text)).collect() })
    }
}

/// Returns what the locking clauses in a text lock.
pub fn locks_of(w: Words) -> WriteEffects {
    let locks = |words: &[&str]| (0..w.count()).any(|at| w.is(at, "for") && w.are(at + 1, words));
    WriteEffects { for_update: locks(&["update"]), for_key_share: locks(&["key", "share"]), ..WriteEffects::default() }
}

impl Catalogue for CatalogNames {
    fn calls(&self, function: &str) -> WriteEffects {
        self.functions.get(function).copied().unwrap_or_default()
    }

    fn reads(&self, view: &str) -> WriteEffects {
        self.views.get(view).copied().unwrap_or_default()
    }

    fn in_key(&self, column: &str) -> bool {
        self.keys.contains(column)
    }

    fn defines(&self, function: &str) -> bool {
        self.functions.contains_key(function)
    }

    fn primary_key(&self, relation: &[String]) -> Option<Vec<String>> {
        self.tables.get(relation).map(|table| table.key.clone())
    }

    fn copied_columns(&self, relation: &[String]) -> Option<Vec<String>> {
        self.tables.get(relation).map(|table| table.copied.clone())
    }

    fn columns(&self, relation: &[String]) -> Option<Vec<String>> {
        self.tables.get(relation).map(|table| table.all.clone())
    }
}

/// Tables by schema and name, and by the name alone where only one relation has it.
fn by_name(rows: Rows) -> HashMap<Vec<String>, TableColumns> {
    let mut tables = HashMap::new();
    let mut named: HashMap<String, usize> = HashMap::new();
    let rows: Vec<_> = rows.into_iter().filter_map(|row| <[_; 5]>::try_from(row).ok()).collect();
    for [_, name, ..] in &rows {
        *named.entry(name.clone().unwrap_or_default()).or_default() += 1;
    }
    for row in rows {
        let [Some(schema), Some(name), Some(key), copied, all] = row else { continue };
        let list = |columns: &str| columns.split('\u{1f}').map(str::to_owned).collect();
        let (copied, all) = (copied.as_deref().map(list), all.as_deref().map(list));
        let columns =
            TableColumns { key: list(&key), copied: copied.unwrap_or_default(), all: all.unwrap_or_default() };
        if named.get(&name) == Some(&1) {
            tables.insert(vec![name.clone()], columns.clone());
        }
        tables.insert(vec![schema, name], columns);
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: [&str; 5]) -> Vec<Option<String>> {
        cells.iter().map(|cell| Some((*cell).to_owned())).collect()
    }

    #[test]
    fn who_calls_or_reads_does_what_is_called_and_read() {
        let names = CatalogNames::of_rows(
            vec![
                row(["f", "asks", "f", "", "select adds(1)"]),
                row(["f", "adds", "t", "", "update \"T\" set n = n + 1"]),
                row(["f", "holds", "t", "", "select n from t for /* all */ Update"]),
                row(["f", "shares", "t", "", "select holds_not from t for key share"]),
                row(["f", "harmless", "f", "", "select 1"]),
                row(["v", "Outer View", "f", "f", "\"inner\" harmless"]),
                row(["v", "inner", "f", "f", "asks t"]),
                row(["v", "locking", "t", "f", "t"]),
                row(["v", "sharing", "f", "t", "t"]),
                row(["v", "plain", "f", "f", "t"]),
            ],
            Vec::new(),
            Vec::new(),
        );
        let (update, share) = (
            WriteEffects { for_update: true, ..WriteEffects::default() },
            WriteEffects { for_key_share: true, ..WriteEffects::default() },
        );
        for (function, effects) in [
            ("asks", WriteEffects::UNKNOWN),
            ("adds", WriteEffects::UNKNOWN),
            ("holds", WriteEffects::UNKNOWN.and(update)),
            ("shares", WriteEffects::UNKNOWN.and(share)),
            ("harmless", WriteEffects::default()),
            ("now", WriteEffects::default()),
        ] {
            assert_eq!(names.calls(function), effects, "{function}");
        }
        for (view, effects) in [
            ("Outer View", WriteEffects::UNKNOWN),
            ("inner", WriteEffects::UNKNOWN),
            ("locking", update),
            ("sharing", share),
            ("plain", WriteEffects::default()),
        ] {
            assert_eq!(names.reads(view), effects, "{view}");
        }
        assert!(names.defines("harmless") && !names.defines("plain"));
    }
}
