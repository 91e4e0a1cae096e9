//! The names in a cluster's catalogue that statements are classified by: functions, columns of keys, tables.
//!
//! Invariant: what is here was read after the last change of the catalogue that was committed through the proxy.

use std::collections::{HashMap, HashSet};

use super::backend::Rows;
use super::statement::Catalogue;

/// What statements are classified by.
#[derive(Default)]
pub struct CatalogNames {
    /// The client's own functions, and whether one of that name may write.
    functions: HashMap<String, bool>,
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
}

/// What [`CatalogNames::of_rows`] is made of.
pub const QUERIES: [&str; 3] = [FUNCTIONS, KEYS, TABLES];

const FUNCTIONS: &str = "SELECT proname, bool_or(provolatile = 'v') FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace \
    WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'sys') GROUP BY proname";

const KEYS: &str = "SELECT DISTINCT attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid \
    AND a.attnum = ANY (i.indkey) JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
    WHERE i.indisunique AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'sys')";

/// Every relation of the client's, with the columns of its primary key, and those that are not computed; none where a
/// column has privileges of its own, as whoever may not read the key may still read the rest.
const TABLES: &str = "SELECT n.nspname, c.relname, (SELECT string_agg(a.attname, chr(31) ORDER BY k.n) \
    FROM pg_index i, unnest(i.indkey::int2[]) WITH ORDINALITY k(num, n), pg_attribute a \
    WHERE i.indrelid = c.oid AND i.indisprimary AND k.n <= i.indnkeyatts AND a.attrelid = c.oid AND a.attnum = k.num \
      AND NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attacl IS NOT NULL)), \
    (SELECT string_agg(attname, chr(31) ORDER BY attnum) FROM pg_attribute \
     WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = '') \
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
    WHERE c.relkind IN ('r', 'v') AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'sys')";

impl CatalogNames {
    /// Makes it of what the [`QUERIES`] have found.
    pub fn of_rows(functions: Rows, keys: Rows, tables: Rows) -> CatalogNames {
        let functions = functions.into_iter().filter_map(|row| match <[_; 2]>::try_from(row) {
            Ok([Some(name), Some(writes)]) => Some((name, writes == "t")),
            _ => None,
        });
        CatalogNames {
            functions: functions.collect(),
            keys: keys.into_iter().flatten().flatten().collect(),
            tables: by_name(tables),
        }
    }
}

impl Catalogue for CatalogNames {
    fn may_write(&self, function: &str) -> bool {
        self.functions.get(function).is_some_and(|writes| *writes)
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
}

/// Tables by schema and name, and by the name alone where only one relation has it.
fn by_name(rows: Rows) -> HashMap<Vec<String>, TableColumns> {
    let mut tables = HashMap::new();
    let mut named: HashMap<String, usize> = HashMap::new();
    let rows: Vec<_> = rows.into_iter().filter_map(|row| <[_; 4]>::try_from(row).ok()).collect();
    for [_, name, ..] in &rows {
        *named.entry(name.clone().unwrap_or_default()).or_default() += 1;
    }
    for row in rows {
        let [Some(schema), Some(name), Some(key), copied] = row else { continue };
        let list = |columns: &str| columns.split('\u{1f}').map(str::to_owned).collect();
        let columns = TableColumns { key: list(&key), copied: copied.as_deref().map(list).unwrap_or_default() };
        if named.get(&name) == Some(&1) {
            tables.insert(vec![name.clone()], columns.clone());
        }
        tables.insert(vec![schema, name], columns);
    }
    tables
}
