//! `\d name`, `\sf`, `\sv`, `\gdesc`: one thing in full, as psql lays it out.
//!
//! The parts that Aurora DSQL does not have (row security, triggers, rules, inheritance, partitions, storage of
//! TOAST) are not asked for there.

use super::super::console::Console;
use super::super::out::Io;
use super::super::servererror::ServerMessage;
use super::super::table::{Column, Row, Table};
use super::super::wire;
use super::footers::footers;
use super::list::{ListError, check, is_dsql};
use super::parse::What;
use super::pattern::conditions;
use workshop_base::sql::quote_literal;

/// What `\sf` and `\sv` show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Definition {
    Function,
    View,
}

/// A relation that is being described.
#[derive(Debug, Clone)]
pub(super) struct Relation {
    pub oid: String,
    pub schema: String,
    pub name: String,
    /// `pg_class.relkind`
    pub kind: char,
    pub persistence: char,
    pub access_method: Option<String>,
    pub tablespace: Option<String>,
    pub options: Option<String>,
    pub replica_identity: char,
    pub is_partition: bool,
    /// Row security: on, and forced on the owner too.
    pub security: (bool, bool),
    /// Columns of an index that are its key, not only included.
    pub key_columns: usize,
    /// The composite type that gives a table its columns.
    pub of_type: Option<String>,
    pub more: bool,
    pub dsql: bool,
}

/// `\d name`
pub(super) async fn describe(
    c: &mut Console,
    wanted: &str,
    more: bool,
    _system: bool,
    io: &mut Io<'_>,
) -> Result<(), ListError> {
    check(c, What::Any, wanted)?;
    let found = find(c, wanted, io).await?;
    if found.is_empty() {
        return Err(ListError::Nothing(format!("Did not find any relation named \"{wanted}\".")));
    }
    let dsql = is_dsql(c, io).await?;
    for row in found {
        let relation = relation(&row, more, dsql);
        if relation.kind == 'S' {
            sequence(c, &relation, io).await?;
        } else {
            one(c, &relation, io).await?;
        }
    }
    Ok(())
}

async fn find(c: &mut Console, wanted: &str, io: &mut Io<'_>) -> Result<Vec<Row>, ListError> {
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
    c.ask(&sql, io).await
}

fn relation(row: &Row, more: bool, dsql: bool) -> Relation {
    let text = |i: usize| row[i].clone().unwrap_or_default();
    let letter = |i: usize| row[i].as_deref().and_then(|v| v.chars().next()).unwrap_or(' ');
    let on = |i: usize| row[i].as_deref() == Some("t");
    Relation {
        oid: text(0),
        schema: text(1),
        name: text(2),
        kind: letter(3),
        persistence: letter(4),
        access_method: row[5].clone(),
        tablespace: row[6].clone(),
        options: row[7].clone().filter(|o| !o.is_empty()),
        replica_identity: letter(8),
        is_partition: on(9),
        security: (on(10), on(11)),
        key_columns: text(12).parse().unwrap_or(0),
        of_type: row[13].clone(),
        more,
        dsql,
    }
}

impl Relation {
    fn title(&self) -> String {
        let unlogged = if self.persistence == 'u' { "Unlogged " } else { "" };
        let kind = match self.kind {
            'r' if unlogged.is_empty() => "Table",
            'r' => "table",
            'v' => "View",
            'm' if unlogged.is_empty() => "Materialized view",
            'm' => "materialized view",
            'i' if unlogged.is_empty() => "Index",
            'i' => "index",
            'I' => "Partitioned index",
            'p' => "Partitioned table",
            't' => "TOAST table",
            'c' => "Composite type",
            'f' => "Foreign table",
            _ => "Relation",
        };
        format!("{unlogged}{kind} \"{}.{}\"", self.schema, self.name)
    }

    fn is_index(&self) -> bool {
        matches!(self.kind, 'i' | 'I')
    }

    /// Kinds whose columns have defaults and may be empty.
    fn has_defaults(&self) -> bool {
        matches!(self.kind, 'r' | 'v' | 'm' | 'f' | 'c' | 'p')
    }
}

/// The columns of a relation and everything that hangs on it.
async fn one(c: &mut Console, r: &Relation, io: &mut Io<'_>) -> Result<(), ListError> {
    let compression = r.more && matches!(r.kind, 'r' | 'p' | 'm') && !c.vars.on("HIDE_TOAST_COMPRESSION") && !r.dsql;
    let statistics = r.more && matches!(r.kind, 'r' | 'i' | 'I' | 'm' | 'f' | 'p');
    let comments = r.more && matches!(r.kind, 'r' | 'v' | 'm' | 'f' | 'c' | 'p');
    let rows = c.ask(&columns_query(r), io).await?;
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
    let mut table = Table { title: Some(r.title()), ..Table::default() };
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
    table.footers = footers(c, r, io).await?;
    // Columns side by side whatever \x says: expanded, this would only confuse.
    let expanded = std::mem::take(&mut c.table.expanded);
    c.print_uncounted(&table, io).await;
    c.table.expanded = expanded;
    Ok(())
}

/// A column's default, or how its value comes about.
fn default(row: &Row) -> String {
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
fn columns_query(r: &Relation) -> String {
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

async fn sequence(c: &mut Console, r: &Relation, io: &mut Io<'_>) -> Result<(), ListError> {
    let sql = format!(
        "SELECT pg_catalog.format_type(seqtypid, NULL), seqstart, seqmin, seqmax, seqincrement, \
         CASE WHEN seqcycle THEN 'yes' ELSE 'no' END, seqcache FROM pg_catalog.pg_sequence WHERE seqrelid = {}",
        r.oid
    );
    let rows = c.ask(&sql, io).await?;
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
    let owner = c.ask(&sql, io).await?;
    let footers = owner.iter().map(|row| {
        let column = row[0].as_deref().unwrap_or_default();
        match row[1].as_deref() {
            Some("i") => format!("Sequence for identity column: {column}"),
            _ => format!("Owned by: {column}"),
        }
    });
    let unlogged = if r.persistence == 'u' { "Unlogged sequence" } else { "Sequence" };
    let title = Some(format!("{unlogged} \"{}.{}\"", r.schema, r.name));
    let table = Table { title, columns, rows: rows.into(), footers: footers.collect() };
    c.print_uncounted(&table, io).await;
    Ok(())
}

/// `\sf` and `\sv`
pub(super) async fn definition(
    c: &mut Console,
    name: Option<&str>,
    what: Definition,
    more: bool,
    io: &mut Io<'_>,
) -> Result<(), ListError> {
    let Some(name) = name else {
        return Err(ListError::Nothing(match what {
            Definition::Function => "function name is required".to_owned(),
            Definition::View => "view name is required".to_owned(),
        }));
    };
    let quoted = quote_literal(name.trim());
    let sql = match what {
        Definition::Function => {
            let kind = if name.contains('(') { "regprocedure" } else { "regproc" };
            format!("SELECT pg_catalog.pg_get_functiondef({quoted}::pg_catalog.{kind}::pg_catalog.oid)")
        }
        Definition::View => format!(
            "SELECT CASE WHEN c.relkind IN ('v', 'm') THEN 'CREATE OR REPLACE VIEW ' || pg_catalog.quote_ident(n.nspname) \
             || '.' || pg_catalog.quote_ident(c.relname) || E' AS\\n' || pg_catalog.pg_get_viewdef(c.oid, true) END, \
             n.nspname || '.' || c.relname FROM pg_catalog.pg_class c \
             JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
             WHERE c.oid = {quoted}::pg_catalog.regclass::pg_catalog.oid"
        ),
    };
    let rows = match c.ask(&sql, io).await {
        // The name is not found: psql says that in one line, for nobody wrote the query.
        Err(ListError::Server(message, _)) if message.sqlstate.starts_with("42") => {
            return Err(ListError::Nothing(format!("{}:  {}", message.severity, message.message)));
        }
        rows => rows?,
    };
    let row = rows.into_iter().next().unwrap_or_default();
    let Some(text) = row.first().cloned().flatten() else {
        let name = row.get(1).cloned().flatten().unwrap_or_else(|| name.to_owned());
        return Err(ListError::Nothing(format!("\"{name}\" is not a view")));
    };
    let text = text.trim_end_matches('\n').trim_end_matches(';');
    let text = if more { numbered(text, what) } else { format!("{text}\n") };
    c.print_status(&text, io).await;
    Ok(())
}

/// The text with the numbers of its body's lines, as the server counts them in errors.
fn numbered(text: &str, what: Definition) -> String {
    let mut number = 0;
    text.lines()
        .map(|line| {
            let body = match what {
                Definition::Function => ["AS ", "BEGIN ", "RETURN "].iter().any(|w| line.starts_with(w)),
                Definition::View => true,
            };
            if number > 0 || body {
                number += 1;
                format!("{number:<7} {line}\n")
            } else {
                format!("        {line}\n")
            }
        })
        .collect()
}

/// `\gdesc`
pub(super) async fn result_columns(c: &mut Console, sql: &str, io: &mut Io<'_>) -> Result<(), ListError> {
    let described = described(c, sql, io).await?;
    if described.is_empty() {
        c.print_status("The command has no result, or the result has no columns.\n", io).await;
        return Ok(());
    }
    let values: Vec<String> = described
        .iter()
        .enumerate()
        .map(|(i, (name, oid, modifier))| {
            format!("({i}, {}, pg_catalog.format_type({oid}, {modifier}))", quote_literal(name))
        })
        .collect();
    let sql = format!("SELECT c, t FROM (VALUES {}) AS v (n, c, t) ORDER BY n", values.join(", "));
    let rows = c.ask(&sql, io).await?;
    let columns = vec![Column::left("Column"), Column::left("Type")];
    c.print_table(&Table { columns, rows: rows.into(), ..Table::default() }, io).await;
    Ok(())
}

async fn described(c: &mut Console, sql: &str, io: &mut Io<'_>) -> Result<Vec<(String, u32, i32)>, ListError> {
    c.reach(io).await.map_err(|m| ListError::Server(Box::new(m), String::new()))?;
    let Some(link) = &mut c.link else { return Ok(Vec::new()) };
    let broken =
        |error: std::io::Error| ListError::Server(Box::new(wire::WireError::Lost(error).to_message()), sql.to_owned());
    link.describe(sql).await.map_err(broken)?;
    let (mut columns, mut error) = (Vec::new(), None);
    loop {
        let frame = link.next().await.map_err(broken)?;
        match frame.tag {
            b'T' => columns = wire::typed_columns(frame.body).map_err(broken)?,
            b'E' => error = Some(ServerMessage::parse(frame.body)),
            b'Z' => break,
            _ => {}
        }
    }
    match error {
        Some(message) => Err(ListError::Server(Box::new(message), sql.to_owned())),
        None => Ok(columns),
    }
}
