//! A query's plan, read from what EXPLAIN prints: nodes below nodes, what each returned and threw away. Pure.
//!
//! Two layouts are known: PostgreSQL's own and Aurora DSQL's, whose storage nodes stand below `-> ` with one blank and have no
//! time. What is not understood is left out; what has no node at all is no plan.

/// A plan, the topmost node first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct QueryPlan {
    pub nodes: Vec<PlanNode>,
    /// The lines of the estimate in DPU: `Read`, `0.00307`.
    pub dpu: Vec<(String, String)>,
}

/// The place where rows are filtered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlanLayer {
    Storage,
    QueryProcessor,
}

#[derive(Debug, Clone, PartialEq)]
pub struct PlanNode {
    /// 0 for the topmost.
    pub depth: usize,
    /// `Index Scan using t_pkey on t`
    pub title: String,
    pub layer: PlanLayer,
    /// Rows that it returned, all loops together; estimated, when it has not run.
    pub rows: u64,
    pub estimated: bool,
    /// Rows that it threw away.
    pub filtered: u64,
    /// Milliseconds until its last row, all loops together; storage has none.
    pub ms: Option<f64>,
    /// `Index Cond`, `(id = 1)`, and whatever else it says of conditions.
    pub conditions: Vec<(String, String)>,
}

impl QueryPlan {
    /// Reads the lines of an answer; None when they are no plan.
    pub fn read<'a>(lines: impl IntoIterator<Item = &'a str>) -> Option<QueryPlan> {
        let mut plan = QueryPlan::default();
        // The indents of the nodes that a line may stand below.
        let mut above: Vec<usize> = Vec::new();
        let mut in_dpu = false;
        for line in lines {
            let indent = line.len() - line.trim_start().len();
            let text = line.trim();
            if text == "Statement DPU Estimate:" {
                in_dpu = true;
            } else if in_dpu {
                let figure = text
                    .split_once(": ")
                    .map(|(name, rest)| (name, rest.split_once(" DPU").map_or(rest, |(figure, _)| figure)));
                plan.dpu.extend(figure.map(|(name, figure)| (name.to_owned(), figure.to_owned())));
            } else if let Some(mut node) = node(text) {
                while above.last().is_some_and(|last| *last >= indent && !plan.nodes.is_empty()) {
                    above.pop();
                }
                node.depth = above.len();
                above.push(indent);
                plan.nodes.push(node);
            } else if let (Some(node), Some((name, value))) = (plan.nodes.last_mut(), text.split_once(": ")) {
                match name {
                    "Rows Filtered" | "Rows Removed by Filter" | "Rows Removed by Index Recheck" => {
                        node.filtered += value.parse().unwrap_or(0);
                    }
                    "Index Cond" | "Filters" | "Filter" | "Recheck Cond" | "Hash Cond" | "Join Filter" | "Sort Key" => {
                        node.conditions.push((name.to_owned(), value.to_owned()));
                    }
                    _ => {}
                }
            }
        }
        (!plan.nodes.is_empty()).then_some(plan)
    }

    /// Returns the rows that were read: what the innermost nodes returned and threw away.
    pub fn read_rows(&self) -> u64 {
        let leaf = |(at, node): &(usize, &PlanNode)| self.nodes.get(at + 1).is_none_or(|next| next.depth <= node.depth);
        self.nodes.iter().enumerate().filter(leaf).map(|(_, node)| node.rows + node.filtered).sum()
    }

    /// Returns the rows that came out.
    pub fn returned(&self) -> u64 {
        self.nodes.first().map_or(0, |node| node.rows)
    }

    /// Returns the rows that a layer threw away.
    pub fn filtered_by(&self, layer: PlanLayer) -> u64 {
        self.nodes.iter().filter(|node| node.layer == layer).map(|node| node.filtered).sum()
    }
}

/// Tells whether a statement asks for a plan, and which query it is about: blanks made one, without what
/// EXPLAIN is told.
pub fn explained(statement: &str) -> Option<String> {
    let words: Vec<&str> = statement.trim().trim_end_matches(';').split_whitespace().collect();
    let (first, rest) = words.split_first()?;
    if !first.eq_ignore_ascii_case("explain") && !first.to_ascii_lowercase().starts_with("explain(") {
        return None;
    }
    let text = rest.join(" ");
    let small = text.to_ascii_lowercase();
    let begins = ["select", "with", "insert", "update", "delete", "table", "values"];
    let at = begins.iter().filter_map(|word| find_word(&small, word)).min()?;
    Some(text[at..].to_owned())
}

fn find_word(text: &str, word: &str) -> Option<usize> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).map(|(at, _)| at).find(|at| {
        let (before, after) = (&text[..*at], &text[at + word.len()..]);
        !before.ends_with(is_part) && !after.starts_with(is_part)
    })
}

/// `->  Seq Scan on t  (cost=0.00..1.01 rows=1 width=4) (actual time=0.01..0.02 rows=1 loops=1)`
fn node(text: &str) -> Option<PlanNode> {
    let arrow = text.strip_prefix("->");
    let at_storage = arrow.is_some_and(|rest| !rest.starts_with("  "));
    let text = arrow.unwrap_or(text).trim_start();
    let (title, rest) = text.split_once("  (cost=").or_else(|| text.split_once(" (cost="))?;
    let (cost, actual) = rest.split_once(')')?;
    let number = |from: &str, name: &str| -> Option<f64> {
        let (_, value) = from.split_once(name)?;
        value.split(|c: char| !c.is_ascii_digit() && c != '.').next()?.parse().ok()
    };
    let actual = actual.split_once("(actual ").map(|(_, actual)| actual);
    let ran = actual.and_then(|actual| Some((number(actual, "rows=")?, number(actual, "loops=").unwrap_or(1.0))));
    let rows = ran.map_or_else(|| number(cost, "rows="), |(rows, loops)| Some(rows * loops))?;
    let time = actual.and_then(|actual| {
        let (_, times) = actual.split_once("time=")?;
        number(times, "..")
    });
    Some(PlanNode {
        depth: 0,
        title: title.trim().to_owned(),
        layer: if at_storage { PlanLayer::Storage } else { PlanLayer::QueryProcessor },
        rows: rows.round() as u64,
        estimated: ran.is_none(),
        filtered: 0,
        ms: time.map(|ms| ms * ran.map_or(1.0, |(_, loops)| loops)),
        conditions: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a sandbox prints it for a table without an index.
    pub const FULL: &str = "\
Limit  (cost=265.75..265.76 rows=5 width=12) (actual time=3.1..3.2 rows=5 loops=1)
  ->  Sort  (cost=265.75..265.79 rows=6 width=12) (actual time=3.1..3.1 rows=5 loops=1)
        Sort Key: made_at DESC
        ->  Full Scan (btree-table) on transfers  (cost=200.00..265.67 rows=6 width=12) (actual time=0.4..3.0 rows=6 loops=1)
              -> Storage Scan on transfers  (cost=200.00..265.67 rows=6 width=12) (actual rows=6 loops=1)
                  Projections: amount, made_at
                  Filters: (payer_id = 7)
                  Rows Filtered: 2994
                  -> B-Tree Scan on transfers  (cost=200.00..265.67 rows=3000 width=12) (actual rows=3000 loops=1)
Query Identifier: abcdefghijklm
Statement DPU Estimate:
  Compute: 0.00310 DPU
  Read: 0.70312 DPU
  Total: 0.70622 DPU";

    #[test]
    fn a_plan_says_what_was_read_and_where_rows_were_thrown_away() {
        let plan = QueryPlan::read(FULL.lines()).unwrap();
        let nodes: Vec<(usize, &str, u64, u64)> =
            plan.nodes.iter().map(|n| (n.depth, n.title.split(' ').next().unwrap(), n.rows, n.filtered)).collect();
        assert_eq!(
            nodes,
            [(0, "Limit", 5, 0), (1, "Sort", 5, 0), (2, "Full", 6, 0), (3, "Storage", 6, 2994), (4, "B-Tree", 3000, 0)]
        );
        assert_eq!((plan.read_rows(), plan.returned()), (3000, 5));
        assert_eq!(plan.filtered_by(PlanLayer::Storage), 2994);
        assert_eq!(plan.filtered_by(PlanLayer::QueryProcessor), 0);
        assert_eq!(plan.nodes[3].conditions, [("Filters".to_owned(), "(payer_id = 7)".to_owned())]);
        assert_eq!(plan.dpu[1], ("Read".to_owned(), "0.70312".to_owned()));
        assert_eq!(plan.nodes[0].ms, Some(3.2));
        assert_eq!(plan.nodes[4].ms, None);
    }

    #[test]
    fn siblings_loops_and_estimates_are_understood_and_other_text_is_no_plan() {
        let text = "\
Index Scan using by_n on t  (cost=1.00..2.00 rows=3 width=8) (actual rows=2 loops=3)
  Filter: (lower(note) = 'x'::text)
  Rows Removed by Filter: 1
  -> Storage Scan on by_n  (cost=1.00..2.00 rows=3 width=8) (actual rows=3 loops=1)
      -> B-Tree Scan on by_n  (cost=1.00..2.00 rows=7 width=8) (actual rows=7 loops=1)
  -> Storage Lookup on t  (cost=1.00..2.00 rows=3 width=8) (actual rows=3 loops=1)
      -> B-Tree Lookup on t  (cost=1.00..2.00 rows=3 width=8) (actual rows=3 loops=1)";
        let plan = QueryPlan::read(text.lines()).unwrap();
        assert_eq!(plan.nodes.iter().map(|n| n.depth).collect::<Vec<_>>(), [0, 1, 2, 1, 2]);
        assert_eq!((plan.nodes[0].rows, plan.read_rows()), (6, 10));
        assert_eq!(plan.filtered_by(PlanLayer::QueryProcessor), 1);
        let estimate = QueryPlan::read(["Seq Scan on t  (cost=0.00..1.01 rows=12 width=4)"]).unwrap();
        assert!(estimate.nodes[0].estimated && estimate.returned() == 12);
        assert_eq!(QueryPlan::read(["id: 1", "a row"]), None);
    }

    #[test]
    fn the_query_of_a_plan_is_known_whatever_explain_is_told() {
        let query = Some("select 1 from t".to_owned());
        assert_eq!(explained("EXPLAIN ANALYZE VERBOSE\n SELECT 1  FROM T;"), Some("SELECT 1 FROM T".to_owned()));
        assert_eq!(explained("explain (analyze, buffers) select 1 from t"), query);
        assert_eq!(explained("explain(analyze) select 1 from t"), query);
        assert_eq!(explained("select 1"), None);
        assert_eq!(explained("explain"), None);
    }
}
