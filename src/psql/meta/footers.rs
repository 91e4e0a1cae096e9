//! The lines below a `\d name`: indexes, constraints, references, and the rest that hangs on a relation.

use super::ask::ListError;
use super::constraints::{checks, foreign_keys, index, indexes};
use super::lines::{listed, on, section, text};
use super::relation::DescribedRelation;
use crate::console::Console;
use crate::out::RunContext;

/// Returns the lines below the columns, in psql's order.
///
/// # Errors
/// When the server cannot be asked or refuses.
pub(super) async fn footers(
    c: &mut Console,
    r: &DescribedRelation,
    cx: &mut RunContext<'_>,
) -> Result<Vec<String>, ListError> {
    let mut out = Vec::new();
    match r.kind {
        'i' | 'I' => index(c, r, &mut out, cx).await?,
        'v' if r.more => view(c, r, &mut out, cx).await?,
        _ => {}
    }
    if matches!(r.kind, 'r' | 'm' | 'f' | 'p' | 't') {
        if !r.dsql && r.is_partition {
            partition_of(c, r, &mut out, cx).await?;
        }
        if !r.dsql && r.kind == 'p' {
            partition_key(c, r, &mut out, cx).await?;
        }
        indexes(c, r, &mut out, cx).await?;
        checks(c, r, &mut out, cx).await?;
        foreign_keys(c, r, &mut out, cx).await?;
        if !r.dsql {
            policies(c, r, &mut out, cx).await?;
        }
        statistics(c, r, &mut out, cx).await?;
        if r.kind == 'm' && r.more {
            view(c, r, &mut out, cx).await?;
        }
        if !r.dsql {
            rules(c, r, &mut out, cx).await?;
            publications(c, r, &mut out, cx).await?;
        }
    }
    if !r.dsql && matches!(r.kind, 'r' | 'm' | 'f' | 'p' | 'v') {
        triggers(c, r, &mut out, cx).await?;
    }
    if matches!(r.kind, 'r' | 'm' | 'f' | 'p' | 't') {
        if !r.dsql {
            inheritance(c, r, &mut out, cx).await?;
        }
        if let Some(kind) = &r.of_type {
            out.push(format!("Typed table of type: {kind}"));
        }
        let usual = if r.schema == "pg_catalog" { 'n' } else { 'd' };
        if r.more && matches!(r.kind, 'r' | 'm') && r.replica_identity != usual {
            match r.replica_identity {
                'f' => out.push("Replica Identity: FULL".to_owned()),
                'n' => out.push("Replica Identity: NOTHING".to_owned()),
                _ => {}
            }
        }
        if let Some(tablespace) = &r.tablespace {
            out.push(format!("Tablespace: \"{tablespace}\""));
        }
        if let (true, false, Some(method)) = (r.more, c.settings.vars.on("HIDE_TABLEAM"), &r.access_method)
            && r.kind != 't'
        {
            out.push(format!("Access method: {method}"));
        }
    }
    if let (true, Some(options)) = (r.more, &r.options) {
        out.push(format!("Options: {options}"));
    }
    Ok(out)
}

async fn policies(
    c: &mut Console,
    r: &DescribedRelation,
    out: &mut Vec<String>,
    cx: &mut RunContext<'_>,
) -> Result<(), ListError> {
    let sql = format!(
        "SELECT p.polname, p.polpermissive, CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' \
         WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' END, CASE WHEN p.polroles <> '{{0}}' THEN \
         pg_catalog.array_to_string(ARRAY(SELECT a.rolname FROM pg_catalog.pg_roles a WHERE a.oid = ANY (p.polroles) \
         ORDER BY 1), ',') END, pg_catalog.pg_get_expr(p.polqual, p.polrelid), \
         pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) FROM pg_catalog.pg_policy p WHERE p.polrelid = {} ORDER BY 1",
        r.oid
    );
    let rows = c.ask(&sql, cx).await?;
    let heading = match (r.security, rows.is_empty()) {
        ((true, false), false) => "Policies:",
        ((true, true), false) => "Policies (forced row security enabled):",
        ((true, false), true) => "Policies (row security enabled): (none)",
        ((true, true), true) => "Policies (forced row security enabled): (none)",
        ((false, _), false) => "Policies (row security disabled):",
        ((false, _), true) => return Ok(()),
    };
    out.push(heading.to_owned());
    for row in &rows {
        let mut line = format!("    POLICY \"{}\"", text(row, 0));
        if !on(row, 1) {
            line.push_str(" AS RESTRICTIVE");
        }
        for (i, before, after) in
            [(2, " FOR ", ""), (3, "\n      TO ", ""), (4, "\n      USING (", ")"), (5, "\n      WITH CHECK (", ")")]
        {
            if let Some(value) = &row[i] {
                line.push_str(&format!("{before}{value}{after}"));
            }
        }
        out.push(line);
    }
    Ok(())
}

async fn statistics(
    c: &mut Console,
    r: &DescribedRelation,
    out: &mut Vec<String>,
    cx: &mut RunContext<'_>,
) -> Result<(), ListError> {
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
    let rows = c.ask(&sql, cx).await?;
    let lines = rows.iter().map(|row| {
        let kinds = text(row, 1);
        // All kinds, or expressions alone, go without saying.
        let all = kinds.split(", ").count() == 3 || kinds.is_empty();
        let kinds = if all { String::new() } else { format!(" ({kinds})") };
        let target = row[5].as_ref().map(|t| format!("; STATISTICS {t}")).unwrap_or_default();
        format!("\"{}\"{kinds} ON {} FROM {}{target}", text(row, 0), text(row, 2), text(row, 3))
    });
    section(out, "Statistics objects:", lines.collect());
    Ok(())
}

async fn rules(
    c: &mut Console,
    r: &DescribedRelation,
    out: &mut Vec<String>,
    cx: &mut RunContext<'_>,
) -> Result<(), ListError> {
    if r.kind == 'm' {
        return Ok(());
    }
    let sql = format!(
        "SELECT pg_catalog.pg_get_ruledef(oid, true), ev_enabled FROM pg_catalog.pg_rewrite \
         WHERE ev_class = {} AND rulename <> '_RETURN' ORDER BY rulename",
        r.oid
    );
    let rows = c.ask(&sql, cx).await?;
    let kinds = [
        ("O", "Rules:"),
        ("D", "Disabled rules:"),
        ("A", "Rules firing always:"),
        ("R", "Rules firing on replica only:"),
    ];
    for (state, heading) in kinds {
        let lines = rows.iter().filter(|row| text(row, 1) == state).map(|row| {
            let definition = text(row, 0);
            definition.strip_prefix("CREATE RULE ").unwrap_or(definition).trim_end_matches(';').to_owned()
        });
        section(out, heading, lines.collect());
    }
    Ok(())
}

async fn publications(
    c: &mut Console,
    r: &DescribedRelation,
    out: &mut Vec<String>,
    cx: &mut RunContext<'_>,
) -> Result<(), ListError> {
    // Columns and rows of a publication came with PostgreSQL 15.
    let (columns, condition) = match c.settings.psql_version().min(c.settings.server_version_number()) {
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
    let rows = c.ask(&sql, cx).await?;
    let lines = rows.iter().map(|row| {
        let part = |i: usize, before: &str, after: &str| match &row[i] {
            Some(text) => format!("{before}{text}{after}"),
            None => String::new(),
        };
        format!("\"{}\"{}{}", text(row, 0), part(1, " (", ")"), part(2, " WHERE ", ""))
    });
    section(out, "Publications:", lines.collect());
    Ok(())
}

async fn triggers(
    c: &mut Console,
    r: &DescribedRelation,
    out: &mut Vec<String>,
    cx: &mut RunContext<'_>,
) -> Result<(), ListError> {
    let sql = format!(
        "SELECT pg_catalog.pg_get_triggerdef(oid, true), tgenabled FROM pg_catalog.pg_trigger \
         WHERE tgrelid = {} AND NOT tgisinternal ORDER BY tgname",
        r.oid
    );
    let rows = c.ask(&sql, cx).await?;
    let kinds = [
        ("O", "Triggers:"),
        ("D", "Disabled user triggers:"),
        ("A", "Triggers firing always:"),
        ("R", "Triggers firing on replica only:"),
    ];
    for (state, heading) in kinds {
        let lines = rows.iter().filter(|row| text(row, 1) == state).map(|row| {
            let definition = text(row, 0);
            definition.find(" TRIGGER ").map_or(definition, |at| &definition[at + " TRIGGER ".len()..]).to_owned()
        });
        section(out, heading, lines.collect());
    }
    Ok(())
}

async fn partition_of(
    c: &mut Console,
    r: &DescribedRelation,
    out: &mut Vec<String>,
    cx: &mut RunContext<'_>,
) -> Result<(), ListError> {
    let sql = format!(
        "SELECT i.inhparent::pg_catalog.regclass, pg_catalog.pg_get_expr(c.relpartbound, c.oid), \
         pg_catalog.pg_get_partition_constraintdef(c.oid) FROM pg_catalog.pg_class c \
         JOIN pg_catalog.pg_inherits i ON i.inhrelid = c.oid WHERE c.oid = {}",
        r.oid
    );
    for row in c.ask(&sql, cx).await? {
        out.push(format!("Partition of: {} {}", text(&row, 0), text(&row, 1)));
        if r.more {
            out.push(match &row[2] {
                Some(constraint) => format!("Partition constraint: {constraint}"),
                None => "No partition constraint".to_owned(),
            });
        }
    }
    Ok(())
}

async fn partition_key(
    c: &mut Console,
    r: &DescribedRelation,
    out: &mut Vec<String>,
    cx: &mut RunContext<'_>,
) -> Result<(), ListError> {
    let rows = c.ask(&format!("SELECT pg_catalog.pg_get_partkeydef({})", r.oid), cx).await?;
    out.extend(rows.iter().map(|row| format!("Partition key: {}", text(row, 0))));
    Ok(())
}

async fn inheritance(
    c: &mut Console,
    r: &DescribedRelation,
    out: &mut Vec<String>,
    cx: &mut RunContext<'_>,
) -> Result<(), ListError> {
    let sql = format!(
        "SELECT c.oid::pg_catalog.regclass FROM pg_catalog.pg_class c JOIN pg_catalog.pg_inherits i ON c.oid = i.inhparent \
         WHERE i.inhrelid = {} AND c.relkind <> 'p' AND c.relkind <> 'I' ORDER BY i.inhseqno",
        r.oid
    );
    let parents = c.ask(&sql, cx).await?;
    listed(out, "Inherits", parents.iter().map(|row| text(row, 0).to_owned()).collect());
    let sql = format!(
        "SELECT c.oid::pg_catalog.regclass, c.relkind, pg_catalog.pg_get_expr(c.relpartbound, c.oid) \
         FROM pg_catalog.pg_class c JOIN pg_catalog.pg_inherits i ON c.oid = i.inhrelid WHERE i.inhparent = {} \
         ORDER BY pg_catalog.pg_get_expr(c.relpartbound, c.oid) = 'DEFAULT', c.oid::pg_catalog.regclass::pg_catalog.text",
        r.oid
    );
    let children = c.ask(&sql, cx).await?;
    let partitions = r.kind == 'p';
    if partitions && (children.is_empty() || !r.more) {
        let hint = if children.is_empty() { "" } else { " (Use \\d+ to list them.)" };
        out.push(format!("Number of partitions: {}{hint}", children.len()));
    } else if !r.more {
        if !children.is_empty() {
            out.push(format!("Number of child tables: {} (Use \\d+ to list them.)", children.len()));
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
        listed(out, if partitions { "Partitions" } else { "Child tables" }, lines.collect());
    }
    Ok(())
}

async fn view(
    c: &mut Console,
    r: &DescribedRelation,
    out: &mut Vec<String>,
    cx: &mut RunContext<'_>,
) -> Result<(), ListError> {
    let rows = c.ask(&format!("SELECT pg_catalog.pg_get_viewdef({}, true)", r.oid), cx).await?;
    if let Some(text) = rows.into_iter().flatten().flatten().next() {
        out.push("View definition:".to_owned());
        out.push(text);
    }
    if !r.dsql && r.kind == 'v' {
        rules(c, r, out, cx).await?;
    }
    Ok(())
}
