//! The lines below a `\d name`: indexes, constraints, references, and the rest that hangs on a relation.

use super::ask::ListError;
use super::lines::{FooterLines, on, text};
use super::relation::DescribedRelation;
use crate::console::Console;
use crate::out::RunContext;
use crate::table::TextRow;

/// Returns the lines below the columns, in psql's order.
///
/// # Errors
/// When the server cannot be asked or refuses.
pub(super) async fn footers(
    console: &mut Console,
    relation: &DescribedRelation,
    run: &mut RunContext<'_>,
) -> Result<Vec<String>, ListError> {
    let mut footers = FooterLines { console, relation, run, lines: Vec::new() };
    footers.all().await?;
    Ok(footers.lines)
}

impl FooterLines<'_, '_> {
    async fn all(&mut self) -> Result<(), ListError> {
        let r = self.relation;
        match r.kind {
            'i' | 'I' => self.index().await?,
            'v' if r.more => self.view().await?,
            _ => {}
        }
        if matches!(r.kind, 'r' | 'm' | 'f' | 'p' | 't') {
            if !r.dsql && r.is_partition {
                self.partition_of().await?;
            }
            if !r.dsql && r.kind == 'p' {
                self.partition_key().await?;
            }
            self.indexes().await?;
            self.checks().await?;
            self.foreign_keys().await?;
            if !r.dsql {
                self.policies().await?;
            }
            self.statistics().await?;
            if r.kind == 'm' && r.more {
                self.view().await?;
            }
            if !r.dsql {
                self.rules().await?;
                self.publications().await?;
            }
        }
        if !r.dsql && matches!(r.kind, 'r' | 'm' | 'f' | 'p' | 'v') {
            self.triggers().await?;
        }
        if matches!(r.kind, 'r' | 'm' | 'f' | 'p' | 't') {
            if !r.dsql {
                self.inheritance().await?;
            }
            if let Some(kind) = &r.of_type {
                self.lines.push(format!("Typed table of type: {kind}"));
            }
            let usual = if r.schema == "pg_catalog" { 'n' } else { 'd' };
            if r.more && matches!(r.kind, 'r' | 'm') && r.replica_identity != usual {
                match r.replica_identity {
                    'f' => self.lines.push("Replica Identity: FULL".to_owned()),
                    'n' => self.lines.push("Replica Identity: NOTHING".to_owned()),
                    _ => {}
                }
            }
            if let Some(tablespace) = &r.tablespace {
                self.lines.push(format!("Tablespace: \"{tablespace}\""));
            }
            if let (true, false, Some(method)) =
                (r.more, self.console.settings.vars.on("HIDE_TABLEAM"), &r.access_method)
                && r.kind != 't'
            {
                self.lines.push(format!("Access method: {method}"));
            }
        }
        if let (true, Some(options)) = (r.more, &r.options) {
            self.lines.push(format!("Options: {options}"));
        }
        Ok(())
    }

    async fn policies(&mut self) -> Result<(), ListError> {
        let r = self.relation;
        let sql = format!(
            "SELECT p.polname, p.polpermissive, CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' \
         WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' END, CASE WHEN p.polroles <> '{{0}}' THEN \
         pg_catalog.array_to_string(ARRAY(SELECT a.rolname FROM pg_catalog.pg_roles a WHERE a.oid = ANY (p.polroles) \
         ORDER BY 1), ',') END, pg_catalog.pg_get_expr(p.polqual, p.polrelid), \
         pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) FROM pg_catalog.pg_policy p WHERE p.polrelid = {} ORDER BY 1",
            r.oid
        );
        let rows = self.ask(&sql).await?;
        let heading = match (r.security, rows.is_empty()) {
            ((true, false), false) => "Policies:",
            ((true, true), false) => "Policies (forced row security enabled):",
            ((true, false), true) => "Policies (row security enabled): (none)",
            ((true, true), true) => "Policies (forced row security enabled): (none)",
            ((false, _), false) => "Policies (row security disabled):",
            ((false, _), true) => return Ok(()),
        };
        self.lines.push(heading.to_owned());
        for row in &rows {
            let mut line = format!("    POLICY \"{}\"", text(row, 0));
            if !on(row, 1) {
                line.push_str(" AS RESTRICTIVE");
            }
            for (i, before, after) in [
                (2, " FOR ", ""),
                (3, "\n      TO ", ""),
                (4, "\n      USING (", ")"),
                (5, "\n      WITH CHECK (", ")"),
            ] {
                if let Some(value) = &row[i] {
                    line.push_str(&format!("{before}{value}{after}"));
                }
            }
            self.lines.push(line);
        }
        Ok(())
    }

    async fn statistics(&mut self) -> Result<(), ListError> {
        let r = self.relation;
        let sql = format!(
            "SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(s.stxname), \
         pg_catalog.array_to_string(ARRAY(SELECT CASE k WHEN 'd' THEN 'ndistinct' WHEN 'f' THEN 'dependencies' \
         WHEN 'm' THEN 'mcv' END FROM pg_catalog.unnest(s.stxkind) k WHERE k <> 'e' \
         ORDER BY pg_catalog.strpos('dfm', k::pg_catalog.text)), ', '), \
         pg_catalog.pg_get_statisticsobjdef_columns(s.oid), s.stxrelid::pg_catalog.regclass, \
         pg_catalog.cardinality(s.stxkind), CASE WHEN s.stxstattarget = -1 THEN NULL ELSE s.stxstattarget END \
         FROM pg_catalog.pg_statistic_ext s JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace \
         WHERE s.stxrelid = {} ORDER BY n.nspname, s.stxname",
            r.oid
        );
        let rows = self.ask(&sql).await?;
        let lines = rows.iter().map(|row| {
            let kinds = text(row, 1);
            // All kinds, or expressions alone, go without saying.
            let all = kinds.split(", ").count() == 3 || kinds.is_empty();
            let kinds = if all { String::new() } else { format!(" ({kinds})") };
            let target = row[5].as_ref().map(|t| format!("; STATISTICS {t}")).unwrap_or_default();
            format!("\"{}\"{kinds} ON {} FROM {}{target}", text(row, 0), text(row, 2), text(row, 3))
        });
        self.section("Statistics objects:", lines.collect());
        Ok(())
    }

    async fn rules(&mut self) -> Result<(), ListError> {
        let r = self.relation;
        if r.kind == 'm' {
            return Ok(());
        }
        let sql = format!(
            "SELECT pg_catalog.pg_get_ruledef(oid, true), ev_enabled FROM pg_catalog.pg_rewrite \
         WHERE ev_class = {} AND rulename <> '_RETURN' ORDER BY rulename",
            r.oid
        );
        let rows = self.ask(&sql).await?;
        let headings = ["Rules:", "Disabled rules:", "Rules firing always:", "Rules firing on replica only:"];
        self.sections_by_state(&rows, headings, |definition| {
            definition.strip_prefix("CREATE RULE ").unwrap_or(definition).trim_end_matches(';')
        });
        Ok(())
    }

    /// Adds definitions (the first column) in a section for each state (the second, a letter as `pg_trigger.tgenabled` has
    /// it): on, off, always, on a replica.
    fn sections_by_state(&mut self, rows: &[TextRow], headings: [&str; 4], shorten: impl Fn(&str) -> &str) {
        for (state, heading) in ["O", "D", "A", "R"].into_iter().zip(headings) {
            let lines = rows.iter().filter(|row| text(row, 1) == state).map(|row| shorten(text(row, 0)).to_owned());
            self.section(heading, lines.collect());
        }
    }

    async fn publications(&mut self) -> Result<(), ListError> {
        let r = self.relation;
        // Columns and rows of a publication came with PostgreSQL 15.
        let (columns, condition) =
            match self.console.settings.psql_version().min(self.console.settings.server_version_number()) {
                150_000.. => (
                    "(SELECT pg_catalog.string_agg(a.attname, ', ' ORDER BY a.attnum) FROM pg_catalog.pg_attribute a \
             WHERE a.attrelid = l.prrelid AND a.attnum = ANY (l.prattrs))",
                    "pg_catalog.pg_get_expr(l.prqual, l.prrelid)",
                ),
                _ => ("NULL", "NULL"),
            };
        let sql = format!(
            "SELECT p.pubname, {columns}, {condition} FROM pg_catalog.pg_publication p \
         JOIN pg_catalog.pg_publication_rel l ON l.prpubid = p.oid WHERE l.prrelid = {0} \
         UNION SELECT p.pubname, NULL, NULL FROM pg_catalog.pg_publication p WHERE p.puballtables \
         AND pg_catalog.pg_relation_is_publishable({0}) ORDER BY 1",
            r.oid
        );
        let rows = self.ask(&sql).await?;
        let lines = rows.iter().map(|row| {
            let part = |i: usize, before: &str, after: &str| match &row[i] {
                Some(text) => format!("{before}{text}{after}"),
                None => String::new(),
            };
            format!("\"{}\"{}{}", text(row, 0), part(1, " (", ")"), part(2, " WHERE ", ""))
        });
        self.section("Publications:", lines.collect());
        Ok(())
    }

    async fn triggers(&mut self) -> Result<(), ListError> {
        let r = self.relation;
        let sql = format!(
            "SELECT pg_catalog.pg_get_triggerdef(oid, true), tgenabled FROM pg_catalog.pg_trigger \
         WHERE tgrelid = {} AND NOT tgisinternal ORDER BY tgname",
            r.oid
        );
        let rows = self.ask(&sql).await?;
        let headings =
            ["Triggers:", "Disabled user triggers:", "Triggers firing always:", "Triggers firing on replica only:"];
        self.sections_by_state(&rows, headings, |definition| {
            definition.find(" TRIGGER ").map_or(definition, |at| &definition[at + " TRIGGER ".len()..])
        });
        Ok(())
    }

    async fn partition_of(&mut self) -> Result<(), ListError> {
        let r = self.relation;
        let sql = format!(
            "SELECT i.inhparent::pg_catalog.regclass, pg_catalog.pg_get_expr(c.relpartbound, c.oid), \
         pg_catalog.pg_get_partition_constraintdef(c.oid) FROM pg_catalog.pg_class c \
         JOIN pg_catalog.pg_inherits i ON i.inhrelid = c.oid WHERE c.oid = {}",
            r.oid
        );
        for row in self.ask(&sql).await? {
            self.lines.push(format!("Partition of: {} {}", text(&row, 0), text(&row, 1)));
            if r.more {
                self.lines.push(match &row[2] {
                    Some(constraint) => format!("Partition constraint: {constraint}"),
                    None => "No partition constraint".to_owned(),
                });
            }
        }
        Ok(())
    }

    async fn partition_key(&mut self) -> Result<(), ListError> {
        let r = self.relation;
        let rows = self.ask(&format!("SELECT pg_catalog.pg_get_partkeydef({})", r.oid)).await?;
        self.lines.extend(rows.iter().map(|row| format!("Partition key: {}", text(row, 0))));
        Ok(())
    }

    async fn inheritance(&mut self) -> Result<(), ListError> {
        let r = self.relation;
        let sql = format!(
            "SELECT c.oid::pg_catalog.regclass FROM pg_catalog.pg_class c JOIN pg_catalog.pg_inherits i ON c.oid = i.inhparent \
         WHERE i.inhrelid = {} AND c.relkind <> 'p' AND c.relkind <> 'I' ORDER BY i.inhseqno",
            r.oid
        );
        let parents = self.ask(&sql).await?;
        self.list("Inherits", parents.iter().map(|row| text(row, 0).to_owned()).collect());
        let sql = format!(
            "SELECT c.oid::pg_catalog.regclass, c.relkind, pg_catalog.pg_get_expr(c.relpartbound, c.oid) \
         FROM pg_catalog.pg_class c JOIN pg_catalog.pg_inherits i ON c.oid = i.inhrelid WHERE i.inhparent = {} \
         ORDER BY pg_catalog.pg_get_expr(c.relpartbound, c.oid) = 'DEFAULT', c.oid::pg_catalog.regclass::pg_catalog.text",
            r.oid
        );
        let children = self.ask(&sql).await?;
        let partitions = r.kind == 'p';
        if partitions && (children.is_empty() || !r.more) {
            let hint = if children.is_empty() { "" } else { " (Use \\d+ to list them.)" };
            self.lines.push(format!("Number of partitions: {}{hint}", children.len()));
        } else if !r.more {
            if !children.is_empty() {
                self.lines.push(format!("Number of child tables: {} (Use \\d+ to list them.)", children.len()));
            }
        } else {
            let lines = children.iter().map(|row| {
                let kind = match text(row, 1) {
                    "p" => ", PARTITIONED",
                    "f" => ", FOREIGN",
                    _ => "",
                };
                let bound = row[2].as_ref().map(|b| format!(" {b}")).unwrap_or_default();
                format!("{}{bound}{kind}", text(row, 0))
            });
            self.list(if partitions { "Partitions" } else { "Child tables" }, lines.collect());
        }
        Ok(())
    }

    async fn view(&mut self) -> Result<(), ListError> {
        let r = self.relation;
        let rows = self.ask(&format!("SELECT pg_catalog.pg_get_viewdef({}, true)", r.oid)).await?;
        if let Some(text) = rows.into_iter().flatten().flatten().next() {
            self.lines.push("View definition:".to_owned());
            self.lines.push(text);
        }
        if !r.dsql && r.kind == 'v' {
            self.rules().await?;
        }
        Ok(())
    }
}
