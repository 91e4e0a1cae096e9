//! Reading the names in the database.

use super::model::{KnownKey, KnownRelation};
use crate::console::Console;
use crate::out::RunContext;
use crate::report::{Loss, TxState};
use crate::session::collect;
use crate::wire::WireError;

/// Names read at most.
const NAMES_READ: usize = 5_000;

impl Console {
    /// Reads the names anew where they may have changed. Never inside a transaction, where an error would end
    /// it and a change of the schema would make it a conflict.
    pub(crate) async fn refresh_names(&mut self, cx: &mut RunContext<'_>) {
        if let Ok(mut names) = self.names.known.write() {
            names.variables = self.settings.vars.iter().map(|(name, _)| name.to_owned()).collect();
        }
        let idle = self.link.connection.is_some() && self.tx() == TxState::Idle;
        if !self.settings.options.names || !self.names.stale || !idle {
            return;
        }
        // One attempt for a change: a refusal (OC001 just after DDL) is taken up at the next one.
        self.names.stale = false;
        let Some(link) = &mut self.link.connection else { return };
        let read = async {
            let relations = collect(link, RELATIONS, NAMES_READ).await?.rows;
            Ok((relations, collect(link, OTHERS, NAMES_READ).await?.rows))
        };
        let (relations, others) = match read.await {
            Ok(read) => read,
            Err(WireError::Lost(error)) => return self.lose(&error, Loss::Nothing, cx).await,
            Err(_) => return,
        };
        let Ok(mut names) = self.names.known.write() else { return };
        names.relations = relations.into_iter().filter_map(relation).collect();
        let of = |kind: &str| -> Vec<String> {
            others.iter().filter(|row| row[0].as_deref() == Some(kind)).filter_map(|row| row[1].clone()).collect()
        };
        (names.schemas, names.functions, names.roles) = (of("schema"), of("function"), of("role"));
        names.keys = of("key").iter().filter_map(|text| key(text)).collect();
    }

    /// Takes note of a command tag that may have changed the names.
    pub(crate) fn note_tag(&mut self, tag: &str) {
        if ["CREATE", "ALTER", "DROP"].iter().any(|word| tag.starts_with(word)) {
            self.names.stale = true;
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
    ON n.oid = p.pronamespace WHERE n.nspname <> 'pg_catalog' AND n.nspname <> 'information_schema' \
    UNION ALL SELECT 'key', pg_catalog.concat_ws(E'\\n', t.relname, a.attname, r.relname, b.attname) \
    FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class t ON t.oid = k.conrelid \
    JOIN pg_catalog.pg_class r ON r.oid = k.confrelid \
    JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1] \
    JOIN pg_catalog.pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = k.confkey[1] \
    WHERE k.contype = 'f' AND pg_catalog.array_length(k.conkey, 1) = 1";

/// Reads a foreign key from its four names, a line each.
fn key(text: &str) -> Option<KnownKey> {
    let mut names = text.lines().map(str::to_owned);
    let (table, column, of_table) = (names.next()?, names.next()?, names.next()?);
    Some(KnownKey { table, column, of_table, of_column: names.next()? })
}

fn relation(row: Vec<Option<String>>) -> Option<KnownRelation> {
    let [schema, name, kind, visible, columns] = <[Option<String>; 5]>::try_from(row).ok()?;
    Some(KnownRelation {
        schema: schema?,
        name: name?,
        kind: kind?.chars().next()?,
        visible: visible.as_deref() == Some("t"),
        columns: columns.map(|c| c.lines().map(str::to_owned).collect()).unwrap_or_default(),
    })
}
