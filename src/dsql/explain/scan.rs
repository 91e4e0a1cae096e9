//! How DSQL would read a table where PostgreSQL scans it: through which index, which columns storage sends
//! back, and who evaluates which condition.
//!
//! There is no heap: the primary key's index is the table, so reading by the primary key is an Index Only
//! Scan. A secondary index holds its columns and the primary key; what else is needed is looked up.

use super::facts::{CatalogFacts, IndexFacts, TableFacts};
use super::filter;
use super::tree::PlanNode;

#[derive(Debug, Clone, PartialEq)]
pub struct Scan<'a> {
    pub table: &'a TableFacts,
    pub access: Access<'a>,
    /// Conditions of the node's filter by their number, by who evaluates them: storage while it reads the
    /// index or the table, storage while it looks rows up, the query processor.
    pub storage: Vec<usize>,
    pub lookup: Vec<usize>,
    pub processor: Vec<usize>,
    /// The table's columns that storage sends back.
    pub columns: Vec<usize>,
    /// The same conditions as SQL, for questions to the database.
    pub index_condition: Option<String>,
    pub conditions: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Access<'a> {
    /// `Full Scan (btree-table)`
    Full,
    /// `Index Only Scan`
    Only(&'a IndexFacts),
    /// `Index Scan`, with lookups in the table.
    Lookup(&'a IndexFacts),
}

/// For every node of a verbose plan, in the order of its lines: how DSQL would read it, if it reads a table.
pub fn scans<'a>(plan: &PlanNode, facts: &'a CatalogFacts) -> Vec<Option<Scan<'a>>> {
    let mut all = Vec::new();
    plan.each(&mut |node| all.push(node));
    let mut out = Vec::new();
    let mut above = Vec::new();
    walk(plan, facts, &all, &mut above, &mut out);
    out
}

fn walk<'a, 'p>(
    node: &'p PlanNode,
    facts: &'a CatalogFacts,
    all: &[&'p PlanNode],
    above: &mut Vec<&'p PlanNode>,
    out: &mut Vec<Option<Scan<'a>>>,
) {
    out.push(scan(node, facts, all, above));
    above.push(node);
    for child in &node.plans {
        walk(child, facts, all, above, out);
    }
    above.pop();
}

fn scan<'a>(node: &PlanNode, facts: &'a CatalogFacts, all: &[&PlanNode], above: &[&PlanNode]) -> Option<Scan<'a>> {
    if !matches!(node.kind(), "Seq Scan" | "Index Scan" | "Index Only Scan") {
        return None;
    }
    let table = facts.table(node.text("Schema"), node.text("Relation Name"))?;
    let alias = node.alias();
    let conditions = match node.text("Filter") {
        "" => Vec::new(),
        filter => filter::conjuncts(filter),
    };
    let lone = all.iter().filter(|n| n.get("Alias").is_some() && !is_write(n)).count() == 1;
    let pushed: Vec<bool> = conditions.iter().map(|c| filter::pushed(c, table, alias)).collect();
    let numbers = |which: bool| (0..conditions.len()).filter(|n| pushed[*n] == which).collect::<Vec<_>>();
    let (storage, processor) = (numbers(true), numbers(false));

    let mut columns = sent(node, table, lone, all, above);
    let joined = above.last().is_some_and(|p| p.kind() == "Nested Loop") && node.text("Parent Relationship") == "Inner";
    if let Some(condition) = node.get("Index Cond").and_then(|v| v.text()).filter(|_| joined) {
        // A batched join compares what comes back with its outer rows.
        columns.extend(filter::columns(condition, table, alias, false));
    }
    for n in &processor {
        columns.extend(filter::columns(&conditions[*n], table, alias, true));
    }
    columns.sort_unstable();
    columns.dedup();

    let mut scan = Scan {
        table,
        access: Access::Full,
        storage,
        lookup: Vec::new(),
        processor,
        columns,
        index_condition: node.get("Index Cond").and_then(|v| v.text()).map(str::to_owned),
        conditions,
    };
    match table.index(node.text("Index Name")) {
        Some(index) => scan.through(index, node.kind() == "Index Only Scan", alias),
        // Without a condition for storage, the table is as well read in the order of its key.
        None if scan.storage.is_empty() => {
            if let Some(primary) = table.primary() {
                scan.access = Access::Only(primary);
            }
        }
        None => {}
    }
    Some(scan)
}

impl<'a> Scan<'a> {
    fn through(&mut self, index: &'a IndexFacts, only: bool, alias: &str) {
        let held = self.table.held_by(index);
        let holds = |columns: &[usize]| columns.iter().all(|c| held.contains(c));
        let looks_at = |n: &usize| filter::columns(&self.conditions[*n], self.table, alias, true);
        if only || holds(&self.columns) && self.storage.iter().all(|n| holds(&looks_at(n))) {
            self.access = Access::Only(index);
            // As the index has them.
            self.columns.sort_by_key(|c| held.iter().position(|h| h == c));
            return;
        }
        self.access = Access::Lookup(index);
        let (storage, lookup) = self.storage.iter().partition(|n| holds(&looks_at(n)));
        (self.storage, self.lookup) = (storage, lookup);
    }

    /// Returns who evaluates anything, from storage up.
    pub fn layers(&self) -> [&[usize]; 3] {
        [&self.storage, &self.lookup, &self.processor]
    }

    /// `FROM table WHERE …` with the first conditions of its layers; None if they cannot be asked alone.
    pub fn part(&self, alias: &str, layers: usize) -> Option<String> {
        let parts: Vec<&String> = self
            .index_condition
            .iter()
            .chain(self.layers().into_iter().take(layers).flatten().map(|n| &self.conditions[*n]))
            .collect();
        if !parts.iter().all(|part| filter::stands_alone(part, alias)) {
            return None;
        }
        let quote = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
        let mut sql = format!(" FROM {}.{} AS {}", quote(&self.table.found_in), quote(&self.table.name), quote(alias));
        for (n, part) in parts.iter().enumerate() {
            sql.push_str(if n == 0 { " WHERE " } else { " AND " });
            sql.push_str(part);
        }
        Some(sql)
    }
}

/// Fields that hold names rather than expressions.
const NAMES: &[&str] = &["Alias", "Relation Name", "Index Name", "Schema", "CTE Name", "Subplan Name"];

fn is_write(node: &PlanNode) -> bool {
    node.kind() == "ModifyTable"
}

/// Positions of the columns that a scan's parents want.
fn sent(node: &PlanNode, table: &TableFacts, lone: bool, all: &[&PlanNode], above: &[&PlanNode]) -> Vec<usize> {
    let alias = node.alias();
    let output = node.get("Output").map(|v| v.texts()).unwrap_or_default();
    let find = |text: &str| filter::columns(text, table, alias, lone);
    let row = output.iter().any(|o| *o == "ctid" || *o == format!("{alias}.ctid"));
    let write = above.iter().rev().find(|n| is_write(n)).filter(|n| row && n.text("Relation Name") == table.name);
    let mut own: Vec<usize> = output.iter().flat_map(|text| find(text)).collect();
    // What it hands down to its subplans.
    for child in &node.plans {
        child.each(&mut |below| {
            let texts =
                below.fields.iter().filter(|(key, _)| !NAMES.contains(&key.as_str())).flat_map(|(_, v)| v.texts());
            own.extend(texts.flat_map(|text| filter::columns(text, table, alias, false)));
        });
    }
    own.sort_unstable();
    own.dedup();
    match write.map(|n| n.text("Operation")) {
        // The whole row is written anew.
        Some("Update") => return (0..table.columns.len()).collect(),
        Some("Delete") => {
            let key = table.primary().into_iter().flat_map(|p| p.columns.iter().flatten());
            own.extend(key.filter_map(|c| table.position(c)));
            let returned = write.and_then(|n| n.get("Output")).map(|v| v.texts()).unwrap_or_default();
            own.extend(returned.iter().flat_map(|text| find(text)));
            return own;
        }
        _ => {}
    }
    // PostgreSQL hands on more than is wanted where that costs it nothing: then its readers tell. Some take
    // what they read by its place and name nothing.
    let by_place = matches!(node.text("Parent Relationship"), "InitPlan" | "SubPlan" | "Subquery" | "Member");
    if by_place || above.last().is_none_or(|parent| parent.get("Output").is_none()) {
        return own;
    }
    let mut wanted: Vec<usize> = Vec::new();
    for other in all {
        let parent = above.iter().any(|n| std::ptr::eq(*n, *other));
        if std::ptr::eq(*other, node) {
            continue;
        }
        for (key, value) in &other.fields {
            if key == "Output" && !parent || NAMES.contains(&key.as_str()) {
                continue;
            }
            for text in value.texts() {
                wanted.extend(find(text));
            }
        }
    }
    own.retain(|c| wanted.contains(c));
    own
}
