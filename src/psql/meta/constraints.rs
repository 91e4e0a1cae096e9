//! Below a `\d name`: indexes, checks and foreign keys.

use super::ask::ListError;
use super::lines::{FooterLines, on, text};

impl FooterLines<'_, '_> {
    /// Adds the indexes of a table, the primary key first.
    ///
    /// # Errors
    /// When the server cannot be asked or refuses.
    pub(super) async fn indexes(&mut self) -> Result<(), ListError> {
        let r = self.relation;
        let sql = format!(
            "SELECT x.relname, i.indisprimary, i.indisunique, i.indisclustered, i.indisvalid, \
         pg_catalog.pg_get_indexdef(i.indexrelid, 0, true), pg_catalog.pg_get_constraintdef(k.oid, true), k.contype, \
         k.condeferrable, k.condeferred, i.indisreplident, \
         (SELECT s.spcname FROM pg_catalog.pg_tablespace s WHERE s.oid = x.reltablespace) \
         FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid \
         LEFT JOIN pg_catalog.pg_constraint k ON k.conrelid = i.indrelid AND k.conindid = i.indexrelid \
         AND k.contype IN ('p', 'u', 'x') WHERE i.indrelid = {} ORDER BY i.indisprimary DESC, x.relname",
            r.oid
        );
        let rows = self.ask(&sql).await?;
        let lines = rows.iter().map(|row| {
            let mut line = format!("\"{}\"", text(row, 0));
            if text(row, 7) == "x" {
                line.push_str(&format!(" {}", text(row, 6)));
            } else {
                line.push_str(match (on(row, 1), on(row, 2), text(row, 7)) {
                    (true, _, _) => " PRIMARY KEY,",
                    (false, true, "u") => " UNIQUE CONSTRAINT,",
                    (false, true, _) => " UNIQUE,",
                    (false, false, _) => "",
                });
                let definition = text(row, 5);
                let shown = definition.find(" USING ").map_or(definition, |at| &definition[at + " USING ".len()..]);
                line.push_str(&format!(" {shown}"));
                if on(row, 8) {
                    line.push_str(" DEFERRABLE");
                }
                if on(row, 9) {
                    line.push_str(" INITIALLY DEFERRED");
                }
            }
            for (shown, mark) in
                [(on(row, 3), " CLUSTER"), (!on(row, 4), " INVALID"), (on(row, 10), " REPLICA IDENTITY")]
            {
                if shown {
                    line.push_str(mark);
                }
            }
            if let Some(tablespace) = &row[11] {
                line.push_str(&format!(", tablespace \"{tablespace}\""));
            }
            line
        });
        self.section("Indexes:", lines.collect());
        Ok(())
    }

    /// Adds the check constraints of a table.
    ///
    /// # Errors
    /// When the server cannot be asked or refuses.
    pub(super) async fn checks(&mut self) -> Result<(), ListError> {
        let r = self.relation;
        let sql = format!(
            "SELECT conname, pg_catalog.pg_get_constraintdef(oid, true) FROM pg_catalog.pg_constraint \
         WHERE conrelid = {} AND contype = 'c' ORDER BY 1",
            r.oid
        );
        let rows = self.ask(&sql).await?;
        self.section("Check constraints:", rows.iter().map(|k| format!("\"{}\" {}", text(k, 0), text(k, 1))).collect());
        Ok(())
    }

    /// Adds the foreign keys of a table, and those that point at it.
    ///
    /// # Errors
    /// When the server cannot be asked or refuses.
    pub(super) async fn foreign_keys(&mut self) -> Result<(), ListError> {
        let r = self.relation;
        // Partitions show the keys that they have from their parents, under their parents' names.
        let (own, others) = match r.dsql {
            true => (format!("conrelid = {}", r.oid), format!("confrelid = {}", r.oid)),
            false => (
                format!(
                    "conrelid IN (SELECT pg_catalog.pg_partition_ancestors({0}) UNION ALL VALUES ({0}::pg_catalog.regclass)) \
                 AND conparentid = 0",
                    r.oid
                ),
                format!(
                    "confrelid IN (SELECT pg_catalog.pg_partition_ancestors({0}) UNION ALL VALUES ({0}::pg_catalog.regclass)) \
                 AND conparentid = 0",
                    r.oid
                ),
            ),
        };
        let fields = "conname, conrelid::pg_catalog.regclass, pg_catalog.pg_get_constraintdef(oid, true), conrelid";
        let sql = format!(
            "SELECT DISTINCT {fields}, conrelid = {} AS here FROM pg_catalog.pg_constraint WHERE {own} AND contype = 'f' \
         ORDER BY here DESC, conname",
            r.oid
        );
        let rows = self.ask(&sql).await?;
        let lines = rows.iter().map(|k| match on(k, 4) {
            true => format!("\"{}\" {}", text(k, 0), text(k, 2)),
            false => format!("TABLE \"{}\" CONSTRAINT \"{}\" {}", text(k, 1), text(k, 0), text(k, 2)),
        });
        self.section("Foreign-key constraints:", lines.collect());
        let sql = format!(
            "SELECT DISTINCT {fields} FROM pg_catalog.pg_constraint WHERE {others} AND contype = 'f' ORDER BY conname"
        );
        let rows = self.ask(&sql).await?;
        let lines =
            rows.iter().map(|k| format!("TABLE \"{}\" CONSTRAINT \"{}\" {}", text(k, 1), text(k, 0), text(k, 2)));
        self.section("Referenced by:", lines.collect());
        Ok(())
    }

    /// Adds what there is to say of an index: its kind, its table, its predicate.
    ///
    /// # Errors
    /// When the server cannot be asked or refuses.
    pub(super) async fn index(&mut self) -> Result<(), ListError> {
        let r = self.relation;
        // Aurora DSQL documents the definition, and not the column.
        let distinct = match r.dsql {
            true => "pg_catalog.pg_get_indexdef(i.indexrelid) ~ '\\) NULLS NOT DISTINCT'",
            false => "i.indnullsnotdistinct",
        };
        let sql = format!(
            "SELECT i.indisprimary, i.indisunique, {distinct}, a.amname, pg_catalog.quote_ident(n.nspname), t.relname, \
         pg_catalog.pg_get_expr(i.indpred, i.indrelid, true), i.indisclustered, i.indisvalid, \
         (SELECT k.condeferrable FROM pg_catalog.pg_constraint k WHERE k.conindid = i.indexrelid \
         AND k.contype IN ('p', 'u', 'x') LIMIT 1), (SELECT k.condeferred FROM pg_catalog.pg_constraint k \
         WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x') LIMIT 1), i.indisreplident, n.nspname \
         FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid \
         JOIN pg_catalog.pg_class t ON t.oid = i.indrelid JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace \
         LEFT JOIN pg_catalog.pg_am a ON a.oid = x.relam WHERE i.indexrelid = {}",
            r.oid
        );
        for row in self.ask(&sql).await? {
            let mut line = match (on(&row, 0), on(&row, 1), on(&row, 2)) {
                (true, _, _) => "primary key, ".to_owned(),
                (false, true, false) => "unique, ".to_owned(),
                (false, true, true) => "unique nulls not distinct, ".to_owned(),
                (false, false, _) => String::new(),
            };
            line.push_str(&format!("{}, for table \"{}.{}\"", text(&row, 3), text(&row, 12), text(&row, 5)));
            if let Some(predicate) = &row[6] {
                line.push_str(&format!(", predicate ({predicate})"));
            }
            for (i, wanted, mark) in [
                (7, "t", ", clustered"),
                (8, "f", ", invalid"),
                (9, "t", ", deferrable"),
                (10, "t", ", initially deferred"),
                (11, "t", ", replica identity"),
            ] {
                if row[i].as_deref() == Some(wanted) {
                    line.push_str(mark);
                }
            }
            self.lines.push(line);
        }
        Ok(())
    }
}
