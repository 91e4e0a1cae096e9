//! What the catalogue knows of the tables in a plan: asked of `pg_dsql.explain_facts`.

use serde::Deserialize;

#[derive(Debug, Clone, PartialEq, Default)]
pub struct CatalogFacts {
    pub tables: Vec<TableFacts>,
    /// Planner settings that the client has made itself: they are not to be overruled.
    pub chosen: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct TableFacts {
    /// Where PostgreSQL has found it: the temporary schema for a private copy.
    pub found_in: String,
    pub schema: String,
    pub name: String,
    pub columns: Vec<ColumnFacts>,
    pub indexes: Vec<IndexFacts>,
    /// How many rows the planner believes in.
    pub rows: f64,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct ColumnFacts {
    pub name: String,
    /// As `format_type` has it, without a length.
    pub kind: String,
    /// Average of what is stored, in bytes; 0 when it was not asked for.
    #[serde(default)]
    pub bytes: f64,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct IndexFacts {
    /// As PostgreSQL knows it: a private copy has names of its own.
    pub found: String,
    pub name: String,
    pub primary: bool,
    /// Key columns, then included ones; None for an expression.
    pub columns: Vec<Option<String>>,
    /// How many rows it has, if it is an index of some rows and they were counted.
    #[serde(default)]
    pub rows: Option<f64>,
}

impl CatalogFacts {
    /// Finds a table by where PostgreSQL has found it: a private copy's schema is the temporary one.
    pub fn table(&self, schema: &str, name: &str) -> Option<&TableFacts> {
        self.tables.iter().find(|t| t.found_in == schema && t.name == name)
    }
}

impl TableFacts {
    /// Finds an index by the name that PostgreSQL knows.
    pub fn index(&self, found: &str) -> Option<&IndexFacts> {
        self.indexes.iter().find(|i| i.found == found)
    }

    /// Returns the primary key's index.
    pub fn primary(&self) -> Option<&IndexFacts> {
        self.indexes.iter().find(|i| i.primary)
    }

    /// Returns the place of a column, from 0, dropped ones left out.
    pub fn position(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.name == column)
    }

    /// Positions of the columns that an index holds: its own, and the primary key, by which DSQL finds
    /// the row. The primary key's own index holds the whole row.
    pub fn held_by(&self, index: &IndexFacts) -> Vec<usize> {
        if index.primary {
            return (0..self.columns.len()).collect();
        }
        let key = self.primary().into_iter().flat_map(|p| &p.columns);
        let mut held: Vec<usize> = Vec::new();
        for at in index.columns.iter().chain(key).flatten().filter_map(|c| self.position(c)) {
            if !held.contains(&at) {
                held.push(at);
            }
        }
        held
    }

    /// Bytes of these columns in an average row.
    pub fn bytes(&self, columns: impl IntoIterator<Item = usize>) -> f64 {
        columns.into_iter().filter_map(|at| self.columns.get(at)).map(|c| c.bytes).sum()
    }
}
