//! The estimate below EXPLAIN ANALYZE VERBOSE, by the published formulas: how much of a Distributed
//! Processing Unit the statement would take, from the rows that it has really read and written.
//!
//! Source: AWS user guide, "How billing works in Aurora DSQL", read 2026-10. Compute is seconds of
//! processing, for which the sandbox has its own machine's; a table is one partition.

use super::facts::{CatalogFacts, TableFacts};
use super::scan::{Access, Scan};
use super::tree::{PlanNode, PlanTree, PlanValue};

const READ: f64 = 0.000_001_831_05;
const READ_MINIMUM: f64 = 2_048.0;
const WRITE: f64 = 0.000_048_83;
const WRITE_MINIMUM: f64 = 1_024.0;
/// A row, an index entry and a read of a partition count as so many bytes at least.
const PIECE: f64 = 128.0;

/// In DPU.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Estimate {
    pub compute: f64,
    pub read: f64,
    pub write: f64,
}

/// `plan`: as PostgreSQL tells it, after it has run. `changed`: the columns that UPDATE sets.
pub fn estimate(plan: &PlanTree, scans: &[Option<Scan>], facts: &CatalogFacts, changed: &[String]) -> Estimate {
    let mut bytes = (0.0, 0.0);
    let mut at = 0;
    plan.root.each(&mut |node| {
        if let Some(scan) = scans.get(at).and_then(Option::as_ref) {
            bytes.0 += read(node, scan);
        }
        if node.kind() == "ModifyTable" {
            let (read, write) = written(node, facts, changed);
            bytes.0 += read;
            bytes.1 += write;
        }
        at += 1;
    });
    let milliseconds = |key| plan.get(key).and_then(PlanValue::number).unwrap_or(0.0);
    let compute = (milliseconds("Planning Time") + milliseconds("Execution Time")) / 1_000.0;
    Estimate { compute, read: bytes.0 * READ, write: bytes.1 * WRITE }
}

/// The lines below the plan.
pub fn lines(estimate: Estimate) -> Vec<String> {
    let Estimate { compute, read, write } = estimate;
    vec![
        "Statement DPU Estimate:".into(),
        format!("  Compute: {compute:.5} DPU"),
        format!("  Read: {read:.5} DPU{}", minimum(read, READ_MINIMUM * READ)),
        format!("  Write: {write:.5} DPU{}", minimum(write, WRITE_MINIMUM * WRITE)),
        format!("  Total: {:.5} DPU", compute + read + write),
    ]
}

/// The same for the structured formats.
pub fn field(estimate: Estimate) -> (String, PlanValue) {
    let Estimate { compute, read, write } = estimate;
    let all =
        [("Compute DPU", compute), ("Read DPU", read), ("Write DPU", write), ("Total DPU", compute + read + write)];
    let all = all.into_iter().map(|(k, v)| (k.to_owned(), PlanValue::Number(v)));
    ("Statement DPU Estimate".into(), PlanValue::Object(all.collect()))
}

fn minimum(figure: f64, minimum: f64) -> String {
    match figure > 0.0 && figure < minimum {
        true => format!(" (Transaction minimum: {minimum:.5})"),
        false => String::new(),
    }
}

fn read(node: &PlanNode, scan: &Scan) -> f64 {
    let loops = node.number("Actual Loops").unwrap_or(0.0);
    if loops == 0.0 {
        return 0.0;
    }
    let sent = node.number("Actual Rows").unwrap_or(0.0);
    let rows = sent + node.number("Rows Removed by Filter").unwrap_or(0.0);
    let table = scan.table;
    let whole = table.bytes(0..table.columns.len());
    // All that is scanned counts, not what comes back.
    let piece = |rows: f64, row: f64| loops * (rows * row).max(PIECE);
    match scan.access {
        Access::Full => piece(rows, whole),
        Access::Only(index) => piece(rows, table.bytes(table.held_by(index))),
        Access::Lookup(index) => piece(rows, table.bytes(table.held_by(index))) + piece(rows, whole),
    }
}

/// Bytes read to find what is written, and bytes written.
fn written(node: &PlanNode, facts: &CatalogFacts, changed: &[String]) -> (f64, f64) {
    let Some(table) = facts.table(node.text("Schema"), node.text("Relation Name")) else { return (0.0, 0.0) };
    let rows = rows_of(node);
    if rows == 0.0 {
        return (0.0, 0.0);
    }
    let row = table.bytes(0..table.columns.len()).max(PIECE);
    let entry = |index: &super::facts::IndexFacts| table.bytes(table.held_by(index)).max(PIECE);
    let others = || table.indexes.iter().filter(|i| !i.primary);
    match node.text("Operation") {
        "Insert" => {
            let found = conflicts(node);
            (key_bytes(table, rows + found), rows * (row + others().map(entry).sum::<f64>()))
        }
        "Update" => {
            // An entry is taken away, and another is made.
            let touched = others().filter(|i| i.columns.iter().any(|c| c.as_ref().is_none_or(|c| changed.contains(c))));
            (0.0, rows * (row + 2.0 * touched.map(entry).sum::<f64>()))
        }
        _ => (0.0, rows * (row + others().map(entry).sum::<f64>())),
    }
}

fn key_bytes(table: &TableFacts, rows: f64) -> f64 {
    let key = table.primary().into_iter().flat_map(|p| p.columns.iter().flatten());
    let bytes = table.bytes(key.filter_map(|c| table.position(c)));
    (rows * bytes).max(PIECE)
}

fn conflicts(node: &PlanNode) -> f64 {
    node.number("Conflicting Tuples").unwrap_or(0.0)
}

/// Returns how many rows a writing node has written.
pub fn rows_of(node: &PlanNode) -> f64 {
    if let Some(inserted) = node.number("Tuples Inserted") {
        // DO UPDATE changes what it meets; DO NOTHING does not.
        let updates = node.text("Conflict Resolution") == "UPDATE";
        return inserted + if updates { conflicts(node) } else { 0.0 };
    }
    let sources = node.plans.iter().filter(|c| matches!(c.text("Parent Relationship"), "Outer" | "Member"));
    sources.map(|c| c.number("Actual Rows").unwrap_or(0.0) * c.number("Actual Loops").unwrap_or(0.0)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The figures of the user guide's example: three rows of an insert, 384 bytes.
    #[test]
    fn a_minimum_is_shown_when_a_figure_is_below_it() {
        let lines = lines(Estimate { compute: 0.0155, read: 0.00307, write: 384.0 * WRITE });
        assert_eq!(
            lines,
            [
                "Statement DPU Estimate:",
                "  Compute: 0.01550 DPU",
                "  Read: 0.00307 DPU (Transaction minimum: 0.00375)",
                "  Write: 0.01875 DPU (Transaction minimum: 0.05000)",
                "  Total: 0.03732 DPU"
            ]
        );
        assert_eq!(minimum(0.0, 0.05), "");
        assert_eq!(minimum(0.05, 0.05), "");
    }
}
