//! A relation as `\d` knows it.

use crate::table::TextRow;

/// A relation that is being described.
#[derive(Debug, Clone)]
pub(super) struct DescribedRelation {
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

impl DescribedRelation {
    /// Reads a row of the query that finds relations.
    pub fn of(row: &TextRow, more: bool, dsql: bool) -> DescribedRelation {
        let text = |i: usize| row[i].clone().unwrap_or_default();
        let letter = |i: usize| row[i].as_deref().and_then(|v| v.chars().next()).unwrap_or(' ');
        let on = |i: usize| row[i].as_deref() == Some("t");
        DescribedRelation {
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

    /// Returns the heading: its kind, schema and name.
    pub fn title(&self) -> String {
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

    /// Tells whether it is an index, of a partitioned table perhaps.
    pub fn is_index(&self) -> bool {
        matches!(self.kind, 'i' | 'I')
    }

    /// Kinds whose columns have defaults and may be empty.
    pub fn has_defaults(&self) -> bool {
        matches!(self.kind, 'r' | 'v' | 'm' | 'f' | 'c' | 'p')
    }
}
