//! Which of the large tables lie in the order of their keys, so that reading them so costs nothing. A table is looked
//! through once nobody writes to it any more; whoever writes to it says so before and at the end.
//!
//! Invariant: a table is said to be in order only if it was when nobody had written to it since. What a transaction has
//! written itself it must look at otherwise.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use super::backend::{Backend, BackendError};
use super::catalog_change::UsedName;
use crate::interfaces::PgServer;

/// How often the tables' sizes are looked at, while anybody reads them in the order of their keys.
const EVERY: Duration = Duration::from_secs(1);

/// Tables of more than 2 MiB with a primary key: schema, name, both quoted, and the key's columns quoted.
const LARGE: &str = "SELECT n.nspname, c.relname, format('%I.%I', n.nspname, c.relname), \
    (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY k.n) FROM unnest(i.indkey::int2[]) WITH ORDINALITY k(num, n), pg_attribute a \
     WHERE k.n <= i.indnkeyatts AND a.attrelid = c.oid AND a.attnum = k.num) \
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary \
    WHERE c.relkind = 'r' AND c.oid >= 16384 AND pg_relation_size(c.oid) > 2097152";

/// What is known of one large table.
#[derive(Debug, Default)]
struct LargeTable {
    in_order: AtomicBool,
    /// Counts what may have changed it.
    changes: AtomicU64,
    /// How many there were when it was looked at last, and when it was looked through.
    glanced: AtomicU64,
    checked: AtomicU64,
}

/// The large tables of a cluster.
#[derive(Debug, Default)]
pub struct TableOrder {
    tables: RwLock<HashMap<(String, String), Arc<LargeTable>>>,
    /// Something was asked in an order since the sizes were looked at.
    asked: AtomicBool,
}

impl TableOrder {
    /// Returns what is known of the tables that this name, with its schema or alone, may mean.
    fn meant(&self, schema: Option<&str>, name: &str) -> Vec<Arc<LargeTable>> {
        let tables = self.tables.read().unwrap_or_else(|e| e.into_inner());
        let meant = tables.iter().filter(|((s, n), _)| n == name && schema.is_none_or(|schema| s == schema));
        meant.map(|(_, table)| table.clone()).collect()
    }

    fn of(&self, relation: &[String]) -> Vec<Arc<LargeTable>> {
        self.asked.store(true, Ordering::Relaxed);
        match relation {
            [schema, name] => self.meant(Some(schema), name),
            [name] => self.meant(None, name),
            _ => Vec::new(),
        }
    }

    /// Returns whether a table of this name is too large for its rows to be sorted with others'.
    pub fn is_large(&self, relation: &[String]) -> bool {
        !self.of(relation).is_empty()
    }

    /// Returns whether the table is large and its rows lie in the order of its key.
    pub fn lies_in_order(&self, relation: &[String]) -> bool {
        let tables = self.of(relation);
        !tables.is_empty() && tables.iter().all(|table| table.in_order.load(Ordering::SeqCst))
    }

    /// Takes note of a statement that writes, or of its commit. `all`: it may write to others than it names.
    pub fn written(&self, names: &[UsedName], all: bool) {
        let mark = |table: &LargeTable| {
            table.changes.fetch_add(1, Ordering::SeqCst);
            table.in_order.store(false, Ordering::SeqCst);
        };
        if all {
            let tables = self.tables.read().unwrap_or_else(|e| e.into_inner());
            return tables.values().for_each(|table| mark(table));
        }
        for used in names {
            self.meant(used.schema.as_deref(), &used.name).iter().for_each(|table| mark(table));
        }
    }

    /// Runs as long as the cluster: looks for large tables, and through those that nobody has written to for a while.
    pub async fn watch(&self, server: &PgServer) {
        let mut backend: Option<Backend> = None;
        loop {
            tokio::time::sleep(EVERY).await;
            if !self.asked.swap(false, Ordering::SeqCst) {
                continue;
            }
            if let Err(error) = self.look(server, &mut backend).await {
                tracing::debug!(%error, "the order of large tables is not known");
                backend = None;
            }
        }
    }

    async fn look(&self, server: &PgServer, backend: &mut Option<Backend>) -> Result<(), BackendError> {
        let backend = match backend {
            Some(backend) => backend,
            None => backend.insert(Backend::connect_as_owner(server).await?),
        };
        let mut tables = HashMap::new();
        let mut quiet = Vec::new();
        for row in backend.query(LARGE).await? {
            let Ok([Some(schema), Some(name), Some(table), Some(key)]) = <[_; 4]>::try_from(row) else { continue };
            let known = self.meant(Some(&schema), &name).pop();
            let large =
                known.unwrap_or_else(|| Arc::new(LargeTable { changes: AtomicU64::new(1), ..LargeTable::default() }));
            let changes = large.changes.load(Ordering::SeqCst);
            if large.glanced.swap(changes, Ordering::SeqCst) == changes
                && large.checked.load(Ordering::SeqCst) != changes
            {
                quiet.push((large.clone(), changes, table, key));
            }
            tables.insert((schema, name), large);
        }
        *self.tables.write().unwrap_or_else(|e| e.into_inner()) = tables;
        for (large, changes, table, key) in quiet {
            let rows = backend.query(&in_order(&table, &key)).await?;
            let good = rows.into_iter().flatten().flatten().next().is_some_and(|good| good == "t");
            large.checked.store(changes, Ordering::SeqCst);
            large.in_order.store(good, Ordering::SeqCst);
            // Somebody may have written meanwhile, and said so before this was stored.
            if large.changes.load(Ordering::SeqCst) != changes {
                large.in_order.store(false, Ordering::SeqCst);
            }
        }
        Ok(())
    }
}

/// Returns a query for whether the rows come by their key as they lie.
fn in_order(table: &str, key: &str) -> String {
    let row = if key.contains(", ") { format!("ROW({key})") } else { key.to_owned() };
    format!(
        "BEGIN; SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off; SET LOCAL enable_bitmapscan = off; \
         SELECT NOT EXISTS (SELECT FROM (SELECT {row} < lag({row}) OVER () AS down FROM ONLY {table}) x WHERE x.down); COMMIT"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_writes_takes_the_order_away() {
        let order = TableOrder::default();
        let table = |in_order| Arc::new(LargeTable { in_order: AtomicBool::new(in_order), ..LargeTable::default() });
        let name = |name: &str| vec![name.to_owned()];
        order.tables.write().unwrap().insert(("public".into(), "t".into()), table(true));
        order.tables.write().unwrap().insert(("s".into(), "u".into()), table(true));
        assert!(order.lies_in_order(&name("t")) && order.is_large(&name("u")) && !order.is_large(&name("v")));
        let used = |schema: Option<&str>, name: &str| UsedName { schema: schema.map(str::to_owned), name: name.into() };
        order.written(&[used(None, "v"), used(Some("other"), "t")], false);
        assert!(order.lies_in_order(&name("t")));
        order.written(&[used(None, "t")], false);
        assert!(!order.lies_in_order(&name("t")) && order.lies_in_order(&name("u")));
        order.written(&[], true);
        assert!(!order.lies_in_order(&["s".to_owned(), "u".to_owned()]));
    }
}
