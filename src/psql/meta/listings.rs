//! The queries behind the listings, and their headings.

use super::ask::ListError;
use super::model::FunctionKinds;
use super::pattern::conditions;
use crate::console::Console;
use crate::out::RunContext;
use crate::table::{Column, ResultTable, TextRow};

/// A listing: the query, its headings, and the query for Aurora DSQL where that has less.
pub(super) struct Listing {
    pub title: &'static str,
    pub headings: Vec<&'static str>,
    pub sql: String,
    pub fallback: Option<String>,
}

/// The schemas that a person has not made.
const NOT_SYSTEM: &str =
    " AND n.nspname <> 'pg_catalog' AND n.nspname !~ '^pg_toast' AND n.nspname <> 'information_schema'";

/// Privileges, a line each.
pub(super) fn acl(column: &str) -> String {
    format!("pg_catalog.array_to_string({column}, E'\\n')")
}

/// The name of a relation's kind.
pub(super) const KIND: &str = "CASE c.relkind WHEN 'r' THEN 'table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' \
     WHEN 'i' THEN 'index' WHEN 'S' THEN 'sequence' WHEN 't' THEN 'TOAST table' WHEN 'f' THEN 'foreign table' \
     WHEN 'p' THEN 'partitioned table' WHEN 'I' THEN 'partitioned index' END";

/// Lists relations of some kinds (letters of `pg_class.relkind`); `system` takes in those that nobody made.
pub(super) fn relations(wanted: Option<&str>, more: bool, system: bool, kinds: &[&str], c: &Console) -> Listing {
    let indexes = kinds.contains(&"i");
    let tables = kinds.iter().any(|k| matches!(*k, "r" | "m" | "i"));
    let mut headings = vec!["Schema", "Name", "Type", "Owner"];
    let mut fields = format!("n.nspname, c.relname, {KIND}, pg_catalog.pg_get_userbyid(c.relowner)");
    let mut smaller = fields.clone();
    let mut joins = String::new();
    if indexes {
        headings.push("Table");
        let table = ", (SELECT t.relname FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class t ON t.oid = i.indrelid \
                     WHERE i.indexrelid = c.oid)";
        fields.push_str(table);
        smaller.push_str(table);
    }
    if more {
        headings.push("Persistence");
        let persistence =
            ", CASE c.relpersistence WHEN 'p' THEN 'permanent' WHEN 't' THEN 'temporary' WHEN 'u' THEN 'unlogged' END";
        fields.push_str(persistence);
        smaller.push_str(persistence);
        if tables && !c.settings.vars.on("HIDE_TABLEAM") {
            headings.push("Access method");
            fields.push_str(", am.amname");
            smaller.push_str(", am.amname");
            joins.push_str(" LEFT JOIN pg_catalog.pg_am am ON am.oid = c.relam");
        }
        headings.extend(["Size", "Description"]);
        fields.push_str(
            ", pg_catalog.pg_size_pretty(pg_catalog.pg_table_size(c.oid)), pg_catalog.obj_description(c.oid, 'pg_class')",
        );
        // A server that keeps its data elsewhere has no sizes of tables.
        smaller.push_str(", NULL, pg_catalog.obj_description(c.oid, 'pg_class')");
    }
    let title = match (c.settings.psql_version(), kinds) {
        (180_000.., ["r", "p"] | ["r", "p", "t"]) => "List of tables",
        (180_000.., ["i", "I"]) => "List of indexes",
        (180_000.., ["v"]) => "List of views",
        (180_000.., ["m"]) => "List of materialized views",
        (180_000.., ["S"]) => "List of sequences",
        (180_000.., ["f"]) => "List of foreign tables",
        _ => "List of relations",
    };
    let listed: Vec<String> = kinds.iter().map(|k| format!("'{k}'")).collect();
    let hidden = if system || wanted.is_some() { "" } else { NOT_SYSTEM };
    let rest = format!(
        " FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace{joins} \
         WHERE c.relkind IN ({}){hidden}{} ORDER BY 1, 2",
        listed.join(","),
        conditions(wanted, Some("n.nspname"), "c.relname", Some("pg_catalog.pg_table_is_visible(c.oid)"))
    );
    Listing {
        title,
        headings,
        sql: format!("SELECT {fields}{rest}"),
        fallback: more.then(|| format!("SELECT {smaller}{rest}")),
    }
}

/// Lists schemas.
pub(super) fn schemas(wanted: Option<&str>, more: bool, system: bool) -> Listing {
    let mut headings = vec!["Name", "Owner"];
    let mut fields = "n.nspname, pg_catalog.pg_get_userbyid(n.nspowner)".to_owned();
    if more {
        headings.extend(["Access privileges", "Description"]);
        fields.push_str(&format!(", {}, pg_catalog.obj_description(n.oid, 'pg_namespace')", acl("n.nspacl")));
    }
    let hidden =
        if system || wanted.is_some() { "" } else { " AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'" };
    let sql = format!(
        "SELECT {fields} FROM pg_catalog.pg_namespace n WHERE true{hidden}{} ORDER BY 1",
        conditions(wanted, None, "n.nspname", None)
    );
    Listing { title: "List of schemas", headings, sql, fallback: None }
}

/// Lists functions of some kinds, laid out as the psql of this version does.
pub(super) fn functions(wanted: Option<&str>, kinds: FunctionKinds, more: bool, system: bool, version: u32) -> Listing {
    let mut headings = vec!["Schema", "Name", "Result data type", "Argument data types", "Type"];
    let mut fields = "n.nspname, p.proname, pg_catalog.pg_get_function_result(p.oid), \
        pg_catalog.pg_get_function_arguments(p.oid), \
        CASE p.prokind WHEN 'a' THEN 'agg' WHEN 'w' THEN 'window' WHEN 'p' THEN 'proc' ELSE 'func' END"
        .to_owned();
    if more {
        let (source_heading, source) = match version {
            160_000.. => ("Internal name", "CASE WHEN l.lanname IN ('internal', 'c') THEN p.prosrc END"),
            _ => ("Source code", "COALESCE(pg_catalog.pg_get_function_sqlbody(p.oid), p.prosrc)"),
        };
        headings.extend(["Volatility", "Parallel", "Owner", "Security"]);
        if version >= 180_000 {
            headings.push("Leakproof?");
        }
        headings.extend(["Access privileges", "Language"]);
        let leakproof = match version {
            180_000.. => ", CASE WHEN p.proleakproof THEN 'yes' ELSE 'no' END",
            _ => "",
        };
        headings.extend([source_heading, "Description"]);
        fields.push_str(&format!(
            ", CASE p.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' WHEN 'v' THEN 'volatile' END, \
             CASE p.proparallel WHEN 'r' THEN 'restricted' WHEN 's' THEN 'safe' WHEN 'u' THEN 'unsafe' END, \
             pg_catalog.pg_get_userbyid(p.proowner), CASE WHEN p.prosecdef THEN 'definer' ELSE 'invoker' END\
             {leakproof}, {}, l.lanname, {source}, pg_catalog.obj_description(p.oid, 'pg_proc')",
            acl("p.proacl")
        ));
    }
    let hidden = if system || wanted.is_some() {
        ""
    } else {
        " AND n.nspname <> 'pg_catalog' AND n.nspname <> 'information_schema'"
    };
    let sql = format!(
        "SELECT {fields} FROM pg_catalog.pg_proc p LEFT JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace \
         LEFT JOIN pg_catalog.pg_language l ON l.oid = p.prolang WHERE true{}{hidden}{} ORDER BY 1, 2, 4",
        kinds.condition(),
        conditions(wanted, Some("n.nspname"), "p.proname", Some("pg_catalog.pg_function_is_visible(p.oid)"))
    );
    Listing { title: "List of functions", headings, sql, fallback: None }
}

impl FunctionKinds {
    fn condition(self) -> String {
        let trigger = "p.prorettype = 'pg_catalog.trigger'::pg_catalog.regtype";
        let of = |letter: char| format!("p.prokind = '{letter}'");
        let mut wanted = Vec::new();
        if self.aggregate {
            wanted.push(of('a'));
        }
        if self.window {
            wanted.push(of('w'));
        }
        if self.procedure {
            wanted.push(of('p'));
        }
        if self.trigger {
            wanted.push(trigger.to_owned());
        }
        if self.normal {
            wanted.push(format!("({} AND NOT {trigger})", of('f')));
        }
        if wanted.is_empty() { String::new() } else { format!(" AND ({})", wanted.join(" OR ")) }
    }
}

/// Lists the privileges on relations.
pub(super) fn privileges(wanted: Option<&str>, system: bool) -> Listing {
    let hidden = if system || wanted.is_some() { "" } else { NOT_SYSTEM };
    let columns = "pg_catalog.array_to_string(ARRAY(SELECT a.attname || E':\\n  ' || \
         pg_catalog.array_to_string(a.attacl, E'\\n  ') FROM pg_catalog.pg_attribute a \
         WHERE a.attrelid = c.oid AND NOT a.attisdropped AND a.attacl IS NOT NULL ORDER BY a.attnum), E'\\n')";
    let rest = format!(
        " FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         WHERE c.relkind IN ('r','v','m','S','f','p'){hidden}{} ORDER BY 1, 2",
        conditions(wanted, Some("n.nspname"), "c.relname", Some("pg_catalog.pg_table_is_visible(c.oid)"))
    );
    let fields = format!("n.nspname, c.relname, {KIND}, {}, {columns}", acl("c.relacl"));
    let policies = "pg_catalog.array_to_string(ARRAY(SELECT p.polname || CASE WHEN NOT p.polpermissive THEN ' (RESTRICTIVE)' \
         ELSE '' END || CASE WHEN p.polcmd <> '*' THEN ' (' || p.polcmd::pg_catalog.text || '):' ELSE ':' END || \
         CASE WHEN p.polqual IS NOT NULL THEN E'\\n  (u): ' || pg_catalog.pg_get_expr(p.polqual, p.polrelid) ELSE '' END || \
         CASE WHEN p.polwithcheck IS NOT NULL THEN E'\\n  (c): ' || pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) \
         ELSE '' END || CASE WHEN p.polroles <> '{0}' THEN E'\\n  to: ' || pg_catalog.array_to_string(ARRAY(SELECT r.rolname \
         FROM pg_catalog.pg_roles r WHERE r.oid = ANY (p.polroles) ORDER BY 1), ', ') ELSE '' END \
         FROM pg_catalog.pg_policy p WHERE p.polrelid = c.oid), E'\\n')";
    Listing {
        title: "Access privileges",
        headings: vec!["Schema", "Name", "Type", "Access privileges", "Column privileges", "Policies"],
        sql: format!("SELECT {fields}, {policies}{rest}"),
        // Row security does not exist everywhere.
        fallback: Some(format!("SELECT {fields}, ''{rest}")),
    }
}

/// Lists types.
pub(super) fn types(wanted: Option<&str>, more: bool, system: bool) -> Listing {
    let mut headings = vec!["Schema", "Name"];
    let mut fields = "n.nspname, pg_catalog.format_type(t.oid, NULL)".to_owned();
    if more {
        headings.extend(["Internal name", "Size", "Elements", "Owner", "Access privileges"]);
        fields.push_str(&format!(
            ", t.typname, CASE WHEN t.typrelid <> 0 THEN 'tuple' WHEN t.typlen < 0 THEN 'var' ELSE t.typlen::text END, \
             pg_catalog.array_to_string(ARRAY(SELECT e.enumlabel FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid \
             ORDER BY e.enumsortorder), E'\\n'), pg_catalog.pg_get_userbyid(t.typowner), {}",
            acl("t.typacl")
        ));
    }
    headings.push("Description");
    fields.push_str(", pg_catalog.obj_description(t.oid, 'pg_type')");
    let hidden = if system || wanted.is_some() {
        ""
    } else {
        " AND n.nspname <> 'pg_catalog' AND n.nspname <> 'information_schema'"
    };
    // Types of tables and of arrays come with what they are made of.
    let sql = format!(
        "SELECT {fields} FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace \
         WHERE (t.typrelid = 0 OR (SELECT c.relkind = 'c' FROM pg_catalog.pg_class c WHERE c.oid = t.typrelid)) \
         AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_type el WHERE el.oid = t.typelem AND el.typarray = t.oid)\
         {hidden}{} ORDER BY 1, 2",
        conditions(wanted, Some("n.nspname"), "t.typname", Some("pg_catalog.pg_type_is_visible(t.oid)"))
    );
    Listing { title: "List of data types", headings, sql, fallback: None }
}

/// Lists domains.
pub(super) fn domains(wanted: Option<&str>, more: bool, system: bool) -> Listing {
    let mut headings = vec!["Schema", "Name", "Type", "Collation", "Nullable", "Default", "Check"];
    let mut fields = "n.nspname, t.typname, pg_catalog.format_type(t.typbasetype, t.typtypmod), \
        (SELECT co.collname FROM pg_catalog.pg_collation co, pg_catalog.pg_type b WHERE co.oid = t.typcollation \
        AND b.oid = t.typbasetype AND t.typcollation <> b.typcollation), CASE WHEN t.typnotnull THEN 'not null' END, \
        t.typdefault, pg_catalog.array_to_string(ARRAY(SELECT pg_catalog.pg_get_constraintdef(r.oid, true) \
        FROM pg_catalog.pg_constraint r WHERE t.oid = r.contypid AND r.contype = 'c' ORDER BY r.conname), ' ')"
        .to_owned();
    if more {
        headings.extend(["Access privileges", "Description"]);
        fields.push_str(&format!(", {}, pg_catalog.obj_description(t.oid, 'pg_type')", acl("t.typacl")));
    }
    let hidden = if system || wanted.is_some() {
        ""
    } else {
        " AND n.nspname <> 'pg_catalog' AND n.nspname <> 'information_schema'"
    };
    let sql = format!(
        "SELECT {fields} FROM pg_catalog.pg_type t LEFT JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace \
         WHERE t.typtype = 'd'{hidden}{} ORDER BY 1, 2",
        conditions(wanted, Some("n.nspname"), "t.typname", Some("pg_catalog.pg_type_is_visible(t.oid)"))
    );
    Listing { title: "List of domains", headings, sql, fallback: None }
}

/// Lists databases, laid out as the psql of this version does.
pub(super) fn databases(wanted: Option<&str>, more: bool, version: u32) -> Listing {
    let provider = "CASE d.datlocprovider WHEN 'b' THEN 'builtin' WHEN 'c' THEN 'libc' WHEN 'i' THEN 'icu' END";
    let (mut headings, mut fields) = match version {
        170_000.. => (
            vec!["Name", "Owner", "Encoding", "Locale Provider", "Collate", "Ctype", "Locale", "ICU Rules"],
            format!("{provider}, d.datcollate, d.datctype, d.datlocale, d.daticurules"),
        ),
        160_000.. => (
            vec!["Name", "Owner", "Encoding", "Locale Provider", "Collate", "Ctype", "ICU Locale", "ICU Rules"],
            format!("{provider}, d.datcollate, d.datctype, d.daticulocale, d.daticurules"),
        ),
        150_000.. => (
            vec!["Name", "Owner", "Encoding", "Collate", "Ctype", "ICU Locale", "Locale Provider"],
            format!("d.datcollate, d.datctype, d.daticulocale, {provider}"),
        ),
        _ => (vec!["Name", "Owner", "Encoding", "Collate", "Ctype"], "d.datcollate, d.datctype".to_owned()),
    };
    headings.push("Access privileges");
    let own = "d.datname, pg_catalog.pg_get_userbyid(d.datdba), pg_catalog.pg_encoding_to_char(d.encoding)";
    let plain: Vec<&str> = headings[3..headings.len() - 1]
        .iter()
        .map(|h| match *h {
            "Collate" => "d.datcollate",
            "Ctype" => "d.datctype",
            _ => "NULL",
        })
        .collect();
    let mut smaller = format!("{own}, {}, {}", plain.join(", "), acl("d.datacl"));
    fields = format!("{own}, {fields}, {}", acl("d.datacl"));
    if more {
        headings.extend(["Size", "Tablespace", "Description"]);
        fields.push_str(
            ", CASE WHEN pg_catalog.has_database_privilege(d.datname, 'CONNECT') \
             THEN pg_catalog.pg_size_pretty(pg_catalog.pg_database_size(d.datname)) ELSE 'No Access' END, \
             (SELECT t.spcname FROM pg_catalog.pg_tablespace t WHERE t.oid = d.dattablespace), \
             pg_catalog.shobj_description(d.oid, 'pg_database')",
        );
        smaller.push_str(", NULL, NULL, NULL");
    }
    let rest =
        format!(" FROM pg_catalog.pg_database d WHERE true{} ORDER BY 1", conditions(wanted, None, "d.datname", None));
    Listing {
        title: "List of databases",
        headings,
        sql: format!("SELECT {fields}{rest}"),
        fallback: Some(format!("SELECT {smaller}{rest}")),
    }
}

/// Shows the roles, laid out as the psql of this version does.
///
/// # Errors
/// When the server cannot be asked or refuses.
pub(super) async fn roles(
    c: &mut Console,
    wanted: Option<&str>,
    more: bool,
    system: bool,
    version: u32,
    cx: &mut RunContext<'_>,
) -> Result<(), ListError> {
    let hidden = if system || wanted.is_some() { "" } else { " AND r.rolname !~ '^pg_'" };
    let members = version < 160_000;
    let sql = format!(
        "SELECT r.rolname, r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcreatedb, r.rolcanlogin, r.rolreplication, \
         r.rolbypassrls, r.rolconnlimit, r.rolvaliduntil, ARRAY(SELECT b.rolname FROM pg_catalog.pg_auth_members m \
         JOIN pg_catalog.pg_roles b ON m.roleid = b.oid WHERE m.member = r.oid), \
         pg_catalog.shobj_description(r.oid, 'pg_authid') FROM pg_catalog.pg_roles r WHERE true{hidden}{} ORDER BY 1",
        conditions(wanted, None, "r.rolname", None)
    );
    let mut columns = vec![Column::left("Role name"), Column::left("Attributes")];
    if members {
        columns.push(Column::left("Member of"));
    }
    if more {
        columns.push(Column::left("Description"));
    }
    let rows = c.ask(&sql, cx).await?.into_iter().map(|row| {
        let mut out = vec![row[0].clone(), Some(attributes(&row))];
        if members {
            out.push(row[10].clone());
        }
        if more {
            out.push(row[11].clone());
        }
        out
    });
    let table =
        ResultTable { title: Some("List of roles".to_owned()), columns, rows: rows.collect(), footers: Vec::new() };
    c.print_uncounted(&table, cx).await;
    Ok(())
}

/// Returns what a role may do, in words; the columns are those of the query in `roles`.
pub(super) fn attributes(row: &TextRow) -> String {
    let is = |i: usize, value: &str| row[i].as_deref() == Some(value);
    let words = [
        (is(1, "t"), "Superuser"),
        (is(2, "f"), "No inheritance"),
        (is(3, "t"), "Create role"),
        (is(4, "t"), "Create DB"),
        (is(5, "f"), "Cannot login"),
        (is(6, "t"), "Replication"),
        (is(7, "t"), "Bypass RLS"),
    ];
    let words: Vec<&str> = words.iter().filter(|(on, _)| *on).map(|(_, word)| *word).collect();
    let mut out = words.join(", ");
    let mut line = |text: String| {
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(&text);
    };
    match row[8].as_deref().and_then(|v| v.parse::<i64>().ok()) {
        Some(0) => line("No connections".to_owned()),
        Some(1) => line("1 connection".to_owned()),
        Some(n) if n > 1 => line(format!("{n} connections")),
        _ => {}
    }
    if let Some(until) = &row[9] {
        line(format!("Password valid until {until}"));
    }
    out
}
