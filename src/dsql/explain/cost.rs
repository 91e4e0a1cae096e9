//! What DSQL's planner would say a plan costs, so that of several plans of PostgreSQL's the one is shown
//! that DSQL would choose, with figures as DSQL has them.
//!
//! Fitted to plans of real clusters (2025-11 to 2026-10): a trip to storage costs 100 before the first row;
//! each row that comes back an eighth; each further key of a batch one; a page four, at nine pages for a
//! thousand rows; a lookup in the table is another trip. Everything above the scans is PostgreSQL's own.

use super::tree::PlanNode;

const TRIP: f64 = 100.0;
const ROW: f64 = 0.125;
const KEY: f64 = 1.0;
const PAGE: f64 = 4.0;
const PAGES_A_ROW: f64 = 0.009;
/// PostgreSQL's `cpu_tuple_cost` and `cpu_operator_cost`.
const TUPLE: f64 = 0.01;
const OPERATOR: f64 = 0.0025;

/// Before the first row, and to the last.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    pub startup: f64,
    pub total: f64,
}

/// One access to storage that reads `rows`, by `keys` keys, with so many conditions, and looks each row up
/// in the table or not.
pub fn access(rows: f64, keys: f64, conditions: usize, lookup: bool) -> Cost {
    let rows = rows.max(1.0);
    let trips = if lookup { 2.0 } else { 1.0 };
    let startup = trips * (TRIP + ROW * rows) + KEY * (keys - 1.0).max(0.0);
    let pages = (rows * PAGES_A_ROW).ceil().max(1.0);
    let run = trips * PAGE * pages + rows * (TUPLE + OPERATOR * conditions as f64);
    Cost { startup, total: startup + run }
}

/// Returns what PostgreSQL says that a node costs; None for what has no cost.
pub fn of(node: &PlanNode) -> Option<Cost> {
    Some(Cost { startup: node.number("Startup Cost")?, total: node.number("Total Cost")? })
}

/// Writes a cost into a node's fields.
pub fn set(node: &mut PlanNode, cost: Cost) {
    node.set("Startup Cost", cost.startup);
    node.set("Total Cost", cost.total);
}

/// Gives a node that is no scan its cost, after its children had theirs. `before`: what these had cost.
pub fn above(node: &mut PlanNode, before: &[Option<Cost>], batched: bool) {
    let Some(mut cost) = of(node) else { return };
    let old = cost;
    let children: Vec<_> = node.plans.iter().zip(before).filter_map(|(c, b)| Some((c, (*b)?, of(c)?))).collect();
    if node.kind() == "Limit" && children.len() == 1 {
        let (_, was, is) = children[0];
        let part = |at: f64| match was.total - was.startup {
            span if span > 0.0 => is.startup + (at - was.startup).max(0.0) / span * (is.total - is.startup),
            _ => is.total,
        };
        cost = Cost { startup: part(old.startup), total: part(old.total) };
        return set(node, cost);
    }
    let outer_rows = children
        .iter()
        .find(|(c, ..)| c.text("Parent Relationship") == "Outer")
        .and_then(|(c, ..)| c.number("Plan Rows"))
        .unwrap_or(1.0);
    // Those that are read one after another: the first row is the first one's.
    let in_turn = matches!(node.kind(), "Append" | "Recursive Union");
    for (at, (child, was, is)) in children.into_iter().enumerate() {
        let again = node_is_loop(node.kind()) && child.text("Parent Relationship") == "Inner";
        if again && !child.storage.is_empty() {
            // PostgreSQL has counted the inner scan once for each outer row.
            let times = if batched { 1.0 } else { outer_rows };
            cost.startup += is.startup - was.startup;
            cost.total += is.total * times - was.total * outer_rows;
            continue;
        }
        let (startup, total) = (is.startup - was.startup, is.total - was.total);
        let waits = old.startup >= was.total || child.text("Parent Relationship") == "InitPlan";
        cost.startup += match () {
            () if in_turn && at > 0 => 0.0,
            () if waits => total,
            () => startup,
        };
        cost.total += total;
    }
    cost.total = cost.total.max(cost.startup);
    set(node, cost);
}

fn node_is_loop(kind: &str) -> bool {
    kind.starts_with("Nested Loop")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Figures of real plans.
    #[test]
    fn accesses_cost_what_they_cost_on_a_cluster() {
        let near = |cost: Cost, startup: f64, total: f64| {
            let off = |is: f64, should: f64| (is - should).abs() / should;
            assert!(off(cost.startup, startup) < 0.005 && off(cost.total, total) < 0.02, "{cost:?} {startup}..{total}");
        };
        near(access(1.0, 1.0, 0, false), 100.12, 104.13);
        near(access(6.0, 1.0, 1, false), 100.76, 104.84);
        near(access(1_000_000.0, 1.0, 0, false), 125_100.05, 171_100.05);
        near(access(767_026.0, 1.0, 1, false), 95_978.27, 133_181.99);
        near(access(869.0, 1.0, 5, true), 417.28, 505.53);
        near(access(6.0, 1.0, 5, true), 201.53, 209.64);
        near(access(64.0, 64.0, 1, false), 171.03, 177.14);
    }

    #[test]
    fn what_is_read_in_turn_begins_with_the_first() {
        let scan = |startup: f64, total: f64| {
            let mut node = PlanNode::default();
            set(&mut node, Cost { startup, total });
            node
        };
        let mut append = scan(1e10, 2e10 + 30.0);
        append.set("Node Type", "Append");
        let was = [scan(1e10, 1e10 + 10.0), scan(1e10, 1e10 + 20.0)].map(|node| of(&node));
        append.plans = vec![scan(225.0, 271.0), scan(100.0, 104.0)];
        above(&mut append, &was, false);
        assert_eq!(of(&append), Some(Cost { startup: 225.0, total: 375.0 }));
    }
}
