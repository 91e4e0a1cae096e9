//! `\d name`: one relation in full, as psql lays it out.
//!
//! The parts that Aurora DSQL does not have (row security, triggers, rules, inheritance, partitions, storage of
//! TOAST) are not asked for there.

use super::ask::{ListError, check, is_dsql};
use super::footers::footers;
use super::model::ListingKind;
use super::pattern::conditions;
use super::relation::DescribedRelation;
use crate::console::Console;
use crate::out::RunContext;
use crate::table::{Column, ResultTable, TextRow};

/// Shows the relations that a pattern names, each in full.
///
/// # Errors
/// When there is none, or the server cannot be asked.
pub(super) async fn describe(
    c: &mut Console,
    wanted: &str,
    more: bool,
    cx: &mut RunContext<'_>,
) -> Result<(), ListError> {
    check(c, ListingKind::Any, wanted)?;
    let found = find(c, wanted, cx).await?;
    if found.is_empty() {
        return Err(ListError::Nothing(format!("Did not find any relation named \"{wanted}\".")));
    }
    let dsql = is_dsql(c, cx).await?;
    for row in found {
        let relation = DescribedRelation::of(&row, more, dsql);
        if relation.kind == 'S' {
            sequence(c, &relation, cx).await?;
        } else {
            one(c, &relation, cx).await?;
        }
    }
    Ok(())
}

async fn find(c: &mut Console, wanted: &str, cx: &mut RunContext<'_>) -> Result<Vec<TextRow>, ListError> {
    let sql = format!(
        "SELECT c.oid, n.nspname, c.relname, c.relkind, c.relpersistence, am.amname, \
         (SELECT s.spcname FROM pg_catalog.pg_tablespace s WHERE s.oid = c.reltablespace), \
         pg_catalog.array_to_string(c.reloptions, ', '), c.relreplident, c.relispartition, c.relrowsecurity, \
         c.relforcerowsecurity, (SELECT i.indnkeyatts FROM pg_catalog.pg_index i WHERE i.indexrelid = c.oid), \
         CASE WHEN c.reloftype <> 0 THEN pg_catalog.format_type(c.reloftype, NULL) END \
         FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         LEFT JOIN pg_catalog.pg_am am ON am.oid = c.relam WHERE true{} ORDER BY 2, 3",
        conditions(Some(wanted), Some("n.nspname"), "c.relname", Some("pg_catalog.pg_table_is_visible(c.oid)"))
    );
    c.ask(&sql, cx).await
}

/// The columns of a relation and everything that hangs on it.
async fn one(c: &mut Console, r: &DescribedRelation, cx: &mut RunContext<'_>) -> Result<(), ListError> {
    let compression =
        r.more && matches!(r.kind, 'r' | 'p' | 'm') && !c.settings.vars.on("HIDE_TOAST_COMPRESSION") && !r.dsql;
    let statistics = r.more && matches!(r.kind, 'r' | 'i' | 'I' | 'm' | 'f' | 'p');
    let comments = r.more && matches!(r.kind, 'r' | 'v' | 'm' | 'f' | 'c' | 'p');
    let rows = c.ask(&columns_query(r), cx).await?;
    let mut headings = vec!["Column", "Type"];
    if r.has_defaults() {
        headings.extend(["Collation", "Nullable", "Default"]);
    }
    if r.is_index() {
        headings.extend(["Key?", "Definition"]);
    }
    for (shown, heading) in
        [(r.more, "Storage"), (compression, "Compression"), (statistics, "Stats target"), (comments, "Description")]
    {
        if shown {
            headings.push(heading);
        }
    }
    let mut table = ResultTable { title: Some(r.title()), ..ResultTable::default() };
    table.columns = headings.into_iter().map(Column::left).collect();
    for (at, row) in rows.iter().enumerate() {
        let is = |i: usize, value: &str| row[i].as_deref() == Some(value);
        let mut cells = vec![row[0].clone(), row[1].clone()];
        if r.has_defaults() {
            cells.push(row[4].clone().or(Some(String::new())));
            cells.push(Some(if is(3, "t") { "not null" } else { "" }.to_owned()));
            cells.push(Some(default(row)));
        }
        if r.is_index() {
            cells.push(Some(if at < r.key_columns { "yes" } else { "no" }.to_owned()));
            cells.push(row[11].clone());
        }
        if r.more {
            let storage = match row[7].as_deref() {
                Some("p") => "plain",
                Some("m") => "main",
                Some("x") => "extended",
                Some("e") => "external",
                _ => "???",
            };
            cells.push(Some(storage.to_owned()));
        }
        if compression {
            cells.push(Some(
                if is(8, "p") {
                    "pglz"
                } else if is(8, "l") {
                    "lz4"
                } else {
                    ""
                }
                .to_owned(),
            ));
        }
        if statistics {
            cells.push(row[9].clone().or(Some(String::new())));
        }
        if comments {
            cells.push(row[10].clone().or(Some(String::new())));
        }
        table.rows.push(&cells);
    }
    table.footers = footers(c, r, cx).await?;
    // Columns side by side whatever \x says: expanded, this would only confuse.
    let expanded = std::mem::take(&mut c.settings.table.expanded);
    c.print_uncounted(&table, cx).await;
    c.settings.table.expanded = expanded;
    Ok(())
}

/// A column's default, or how its value comes about.
fn default(row: &TextRow) -> String {
    let expression = row[2].clone().unwrap_or_default();
    match (row[5].as_deref(), row[6].as_deref()) {
        (Some("a"), _) => "generated always as identity".to_owned(),
        (Some("d"), _) => "generated by default as identity".to_owned(),
        (_, Some("s")) => format!("generated always as ({expression}) stored"),
        _ => expression,
    }
}

/// name, type, default, not null, collation, identity, generated, storage, compression, statistics, comment,
/// definition of an index column
fn columns_query(r: &DescribedRelation) -> String {
    let compression = if r.dsql { "''" } else { "a.attcompression" };
    let definition = match r.is_index() {
        true => "pg_catalog.pg_get_indexdef(a.attrelid, a.attnum, true)",
        false => "NULL",
    };
    format!(
        "SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod), \
         (SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid, true) FROM pg_catalog.pg_attrdef d \
         WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.atthasdef), a.attnotnull, \
         (SELECT co.collname FROM pg_catalog.pg_collation co, pg_catalog.pg_type t WHERE co.oid = a.attcollation \
         AND t.oid = a.atttypid AND a.attcollation <> t.typcollation), a.attidentity, a.attgenerated, a.attstorage, \
         {compression}, CASE WHEN a.attstattarget = -1 THEN NULL ELSE a.attstattarget END, \
         pg_catalog.col_description(a.attrelid, a.attnum), {definition} \
         FROM pg_catalog.pg_attribute a WHERE a.attrelid = {} AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
        r.oid
    )
}

async fn sequence(c: &mut Console, r: &DescribedRelation, cx: &mut RunContext<'_>) -> Result<(), ListError> {
    let sql = format!(
        "SELECT pg_catalog.format_type(seqtypid, NULL), seqstart, seqmin, seqmax, seqincrement, \
         CASE WHEN seqcycle THEN 'yes' ELSE 'no' END, seqcache FROM pg_catalog.pg_sequence WHERE seqrelid = {}",
        r.oid
    );
    let rows = c.ask(&sql, cx).await?;
    let numbers = |name: &str| Column { name: name.to_owned(), right: true };
    let columns = vec![
        Column::left("Type"),
        numbers("Start"),
        numbers("Minimum"),
        numbers("Maximum"),
        numbers("Increment"),
        Column::left("Cycles?"),
        numbers("Cache"),
    ];
    let sql = format!(
        "SELECT pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(t.relname) || '.' || \
         pg_catalog.quote_ident(a.attname), d.deptype FROM pg_catalog.pg_depend d \
         JOIN pg_catalog.pg_class t ON t.oid = d.refobjid JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace \
         JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid \
         WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass \
         AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = {} AND d.objsubid = 0 \
         AND d.deptype IN ('a', 'i')",
        r.oid
    );
    let owner = c.ask(&sql, cx).await?;
    let footers = owner.iter().map(|row| {
        let column = row[0].as_deref().unwrap_or_default();
        match row[1].as_deref() {
            Some("i") => format!("Sequence for identity column: {column}"),
            _ => format!("Owned by: {column}"),
        }
    });
    let unlogged = if r.persistence == 'u' { "Unlogged sequence" } else { "Sequence" };
    let title = Some(format!("{unlogged} \"{}.{}\"", r.schema, r.name));
    let table = ResultTable { title, columns, rows: rows.into(), footers: footers.collect() };
    c.print_uncounted(&table, cx).await;
    Ok(())
}
