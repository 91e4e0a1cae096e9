//! Which of the large tables lie in the order of their keys, so that reading them so costs nothing. A table is looked
//! through once nobody writes to it any more, and laid in that order if it is not too large; whoever writes to it says so
//! before and at the end.
//!
//! Invariant: a table is said to be in order only if it was when nobody had written to it since. What a transaction has
//! written itself it must look at otherwise.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use super::backend::{Backend, BackendError, Rows};
use super::catalog_change::UsedName;
use crate::interfaces::PgServer;
use workshop_base::files;

/// How often the tables' sizes are looked at, while anybody reads them in the order of their keys.
const EVERY: Duration = Duration::from_secs(1);

/// A table larger than this, in bytes, is not laid anew: nobody is to wait for its rows longer than moments.
const LAID: u64 = 64 << 20;
/// The longest time that this may take; a table for which it does not suffice is left as it lies.
const LAYING: &str = "3s";
/// How much of the disk must be free for that, in sizes of the table.
const SPARE: u64 = 8;

/// Tables of more than 2 MiB with a primary key: schema, name, both quoted, the key's index and columns quoted, and the
/// size in bytes.
const LARGE: &str = "SELECT n.nspname, c.relname, format('%I.%I', n.nspname, c.relname), (SELECT quote_ident(x.relname) FROM pg_class x WHERE x.oid = i.indexrelid), \
    (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY k.n) FROM unnest(i.indkey::int2[]) WITH ORDINALITY k(num, n), pg_attribute a \
     WHERE k.n <= i.indnkeyatts AND a.attrelid = c.oid AND a.attnum = k.num), pg_relation_size(c.oid)::text \
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary \
    WHERE c.relkind = 'r' AND c.oid >= 16384 AND pg_relation_size(c.oid) > 2097152";

/// PostgreSQL's `lock_not_available`.
const LOCK_NOT_AVAILABLE: &str = "55P03";

/// What is known of one large table.
#[derive(Debug, Default)]
struct LargeTable {
    in_order: AtomicBool,
    /// Counts what may have changed it.
    changes: AtomicU64,
    /// How many there were when it was looked at last, and when it was looked through.
    glanced: AtomicU64,
    checked: AtomicU64,
    /// How many there were when there was nothing more to be done for its order.
    settled: AtomicU64,
}

impl LargeTable {
    /// Keeps what was found when there had been so many changes.
    fn found(&self, changes: u64, good: bool) {
        self.checked.store(changes, Ordering::SeqCst);
        self.in_order.store(good, Ordering::SeqCst);
        // Somebody may have written meanwhile, and said so before this was stored.
        if self.changes.load(Ordering::SeqCst) != changes {
            self.in_order.store(false, Ordering::SeqCst);
        }
    }
}

/// A large table that nobody has written to since it was looked at last.
struct QuietTable {
    known: Arc<LargeTable>,
    changes: u64,
    /// As SQL has them: the table, the index and the columns of its key.
    table: String,
    index: String,
    key: String,
    /// In bytes.
    size: u64,
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
            let Ok([Some(schema), Some(name), Some(table), Some(index), Some(key), Some(size)]) =
                <[_; 6]>::try_from(row)
            else {
                continue;
            };
            let known = self.meant(Some(&schema), &name).pop();
            let known =
                known.unwrap_or_else(|| Arc::new(LargeTable { changes: AtomicU64::new(1), ..LargeTable::default() }));
            let changes = known.changes.load(Ordering::SeqCst);
            if known.glanced.swap(changes, Ordering::SeqCst) == changes
                && known.settled.load(Ordering::SeqCst) != changes
            {
                let size = size.parse().unwrap_or(u64::MAX);
                quiet.push(QuietTable { known: known.clone(), changes, table, index, key, size });
            }
            tables.insert((schema, name), known);
        }
        *self.tables.write().unwrap_or_else(|e| e.into_inner()) = tables;
        for table in quiet {
            settle(backend, &table, server).await?;
        }
        Ok(())
    }
}

/// Looks through a table, and lays it in the order of its key where that can be done without anybody noticing.
async fn settle(backend: &mut Backend, table: &QuietTable, server: &PgServer) -> Result<(), BackendError> {
    let QuietTable { known, changes, .. } = table;
    if known.checked.load(Ordering::SeqCst) != *changes {
        known.found(*changes, holds(&backend.query(&in_order(table)).await?));
    }
    let room = files::free_in(&server.data).is_none_or(|free| free / SPARE > table.size);
    if !known.in_order.load(Ordering::SeqCst) && table.size <= LAID && room {
        match backend.query(&lay(table)).await {
            Ok(_) => known.found(*changes, holds(&backend.query(&in_order(table)).await?)),
            Err(BackendError::Io(error)) => return Err(error.into()),
            Err(error) => {
                backend.query("ROLLBACK").await?;
                // Somebody is at it: another time.
                if error.code() == LOCK_NOT_AVAILABLE {
                    return Ok(());
                }
                tracing::debug!(%error, table = table.table, "a table is not laid in the order of its key");
            }
        }
    }
    known.settled.store(*changes, Ordering::SeqCst);
    Ok(())
}

fn holds(rows: &Rows) -> bool {
    rows.iter().flatten().flatten().next().is_some_and(|value| value == "t")
}

/// Returns a query for whether the rows come by their key as they lie.
fn in_order(QuietTable { table, key, .. }: &QuietTable) -> String {
    let row = if key.contains(", ") { format!("ROW({key})") } else { key.clone() };
    format!(
        "BEGIN; SET LOCAL enable_indexscan = off; SET LOCAL enable_indexonlyscan = off; SET LOCAL enable_bitmapscan = off; \
         SELECT NOT EXISTS (SELECT FROM (SELECT {row} < lag({row}) OVER () AS down FROM ONLY {table}) x WHERE x.down); COMMIT"
    )
}

/// Returns statements that write a table anew in the order of its key. What transactions that go on may still see of it
/// is kept, and so is who has written a row: a rewrite by CLUSTER is not one by a transaction
/// (`src/backend/access/heap/rewriteheap.c`). The mark that it leaves on the index, which `\d` would show, is taken off.
fn lay(QuietTable { table, index, .. }: &QuietTable) -> String {
    format!(
        "BEGIN; SET LOCAL session_replication_role = replica; LOCK TABLE ONLY {table} IN ACCESS EXCLUSIVE MODE NOWAIT; \
         SET LOCAL statement_timeout = '{LAYING}'; CLUSTER {table} USING {index}; ALTER TABLE {table} SET WITHOUT CLUSTER; COMMIT"
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
