//! PostgreSQL's plan turned into DSQL's: scans become accesses to storage, nested loops over an index
//! become batched joins, and what only PostgreSQL has (heap fetches, buffers, ctid) goes.

use super::cost;
use super::facts::CatalogFacts;
use super::filter;
use super::scan::{Access, Scan};
use super::text;
use super::tree::{PlanNode, PlanTree, PlanValue};

/// What was asked of the database about a scan beside its plan.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Probe {
    /// How many rows the planner thinks are read, and how many storage sends.
    pub read: Option<f64>,
    pub sent: Option<f64>,
    /// How many rows there are after each layer of conditions: read, after storage, after lookups.
    pub counts: Option<[f64; 3]>,
}

/// How a statement is explained.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PlanSetting {
    pub analyze: bool,
    /// `dsql.enable_batched_nestloop`
    pub batched: bool,
    /// The statement's own ORDER BY: a batched join would not keep the order.
    pub ordered: bool,
    /// The statement's own LIMIT with its OFFSET.
    pub limit: Option<u64>,
}

/// The plan as DSQL has it. `scans` and `probes` have an entry for each node, in the order of the lines.
pub fn translate_plan(
    plan: &PlanTree,
    scans: &[Option<Scan>],
    probes: &[Probe],
    facts: &CatalogFacts,
    setting: &PlanSetting,
) -> PlanTree {
    let mut translator = PlanTranslator { scans, probes, setting, next: 0 };
    let limit = setting.limit.filter(|_| setting.analyze);
    let mut root = translator.node(&plan.root, setting.ordered, limit);
    if let Some(PlanValue::Text(_)) = root.get("Parent Relationship") {
        root.remove("Parent Relationship");
    }
    let rest = plan.rest.iter().filter_map(|(key, value)| match (key.as_str(), value) {
        ("Planning" | "Triggers" | "JIT", _) => None,
        ("Query Identifier", PlanValue::Integer(n)) => Some((key.clone(), PlanValue::Text(identifier(*n as u64)))),
        // Only what the client has set itself.
        ("Settings", PlanValue::Object(settings)) => {
            let own: Vec<_> = settings.iter().filter(|(name, _)| facts.chosen.contains(name)).cloned().collect();
            (!own.is_empty()).then_some((key.clone(), PlanValue::Object(own)))
        }
        _ => Some((key.clone(), value.clone())),
    });
    PlanTree { root, rest: rest.collect() }
}

/// Thirteen letters and digits, as DSQL has them.
fn identifier(n: u64) -> String {
    let digits = b"0123456789abcdefghijklmnopqrstuvwxyz";
    // Thirteen digits hold a little more than 64 bits: the number is spread over them.
    let mut n = u128::from(n).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835) >> 60;
    let mut next = || {
        let digit = digits[(n % 36) as usize];
        n /= 36;
        char::from(digit)
    };
    (0..13).map(|_| next()).collect()
}

struct PlanTranslator<'a> {
    scans: &'a [Option<Scan<'a>>],
    probes: &'a [Probe],
    setting: &'a PlanSetting,
    next: usize,
}

impl PlanTranslator<'_> {
    /// `ordered`: somebody above relies on the order of its rows. `limit`: so many rows are enough.
    fn node(&mut self, from: &PlanNode, ordered: bool, limit: Option<u64>) -> PlanNode {
        let at = self.next;
        self.next += 1;
        let before: Vec<_> = from.plans.iter().map(cost::of).collect();
        let mut node = PlanNode { fields: from.fields.clone(), ..PlanNode::default() };
        let inner_ordered = match from.kind() {
            "Sort" | "Hash" | "SetOp" => false,
            "Aggregate" => from.text("Strategy") == "Sorted",
            "Merge Join" | "Unique" | "Merge Append" | "Incremental Sort" | "WindowAgg" => true,
            _ => ordered,
        };
        let enough = match from.kind() {
            "Limit" => limit,
            "Result" | "Subquery Scan" if from.get("Filter").is_none() && at > 0 => limit,
            _ => None,
        };
        let first = self.next;
        for child in &from.plans {
            let inner = child.text("Parent Relationship") == "Inner" && from.kind() == "Nested Loop";
            let child = self.node(child, inner_ordered && !inner, enough);
            node.plans.push(child);
        }
        strip(&mut node);
        match self.scans.get(at).and_then(Option::as_ref) {
            // A scan below the root may use what is above it.
            Some(scan) => {
                let limit = limit.filter(|_| at > 0);
                access(&mut node, scan, self.probes.get(at).copied().unwrap_or_default(), limit, self.setting.analyze);
            }
            None => {
                let batched = from.kind() == "Nested Loop" && self.setting.batched && !ordered;
                let batched = batched && self.batch(&mut node, from, first);
                cost::above(&mut node, &before, batched);
            }
        }
        node
    }

    /// Makes a batched join of a nested loop whose inner side is found by keys from the outer side.
    fn batch(&self, node: &mut PlanNode, from: &PlanNode, first: usize) -> bool {
        let role = |r: &str| from.plans.iter().position(|c| c.text("Parent Relationship") == r);
        let (Some(outer), Some(inner)) = (role("Outer"), role("Inner")) else { return false };
        let count = |node: &PlanNode| {
            let mut n = 0;
            node.each(&mut |_| n += 1);
            n
        };
        let at = first + from.plans[..inner].iter().map(count).sum::<usize>();
        let Some(scan) = self.scans.get(at).and_then(Option::as_ref) else { return false };
        let alias = from.plans[inner].alias().to_owned();
        if scan.index_condition.as_ref().is_none_or(|c| filter::stands_alone(c, &alias)) {
            return false;
        }
        let keys = from.plans[outer].number("Plan Rows").unwrap_or(1.0);
        let condition = node.plans[inner].text("Index Cond").to_owned();
        once(&mut node.plans[inner], keys, scan);
        node.set("Node Type", "Nested Loop (Batched Join)");
        let join = node.remove("Join Type");
        let mut tail = Vec::new();
        node.remove("Inner Unique");
        let mut take = |node: &mut PlanNode, keys: [&str; 2]| {
            for key in keys {
                if let Some(value) = node.remove(key) {
                    tail.push((key.to_owned(), value));
                }
            }
        };
        take(node, ["Filter", "Rows Removed by Filter"]);
        let mut join_filter = Vec::new();
        for key in ["Join Filter", "Rows Removed by Join Filter"] {
            join_filter.extend(node.remove(key).map(|value| (key.to_owned(), value)));
        }
        if let Some(join) = join.filter(|j| j.text() != Some("Inner")) {
            tail.push(("Join Type".into(), join));
        }
        tail.push(("Recheck Cond".into(), PlanValue::Text(condition)));
        tail.extend(join_filter);
        node.fields.extend(tail);
        true
    }
}

/// The inner side of a batched join is read once, for all keys.
fn once(node: &mut PlanNode, keys: f64, scan: &Scan) {
    let loops = node.number("Actual Loops").unwrap_or(0.0);
    let rows = node.number("Plan Rows").map(|rows| (rows * keys).round().max(1.0));
    let figures = |node: &mut PlanNode| {
        if let Some(rows) = rows {
            node.set("Plan Rows", rows);
        }
        if loops > 1.0 {
            for key in ["Actual Rows", "Actual Startup Time", "Actual Total Time", "Rows Filtered"] {
                if let Some(n) = node.number(key) {
                    node.set(key, n * loops);
                }
            }
            if let Some(n) = node.number("Rows Removed by Filter") {
                node.set("Rows Removed by Filter", n * loops);
            }
            node.set("Actual Loops", 1.0);
        }
    };
    fn each(node: &mut PlanNode, figures: &dyn Fn(&mut PlanNode)) {
        figures(node);
        node.storage.iter_mut().for_each(|child| each(child, figures));
    }
    each(node, &figures);
    if let (Some(rows), Some(_)) = (rows, cost::of(node)) {
        let lookup = matches!(scan.access, Access::Lookup(_));
        let is = cost::access(rows, keys, scan.conditions.len() + 1, lookup);
        each(node, &|n| cost::set(n, is));
    }
}

const LOCAL: &[&str] =
    &["Heap Fetches", "Rows Removed by Index Recheck", "Workers", "Workers Planned", "Workers Launched"];

/// What DSQL does not have.
fn strip(node: &mut PlanNode) {
    node.fields.retain(|(key, _)| {
        let figures = key.ends_with(" Blocks") || key.starts_with("I/O ") || key.starts_with("WAL ");
        let times = key.ends_with("I/O Read Time") || key.ends_with("I/O Write Time");
        !(figures || times || LOCAL.contains(&key.as_str()))
    });
    if let Some((_, PlanValue::List(output))) = node.fields.iter_mut().find(|(k, _)| k == "Output") {
        output.retain(|o| o.text().is_none_or(|t| t != "ctid" && !t.ends_with(".ctid") && t != "tableoid"));
        if output.is_empty() {
            node.remove("Output");
        }
    }
}

/// Makes a scan an access to storage.
fn access(node: &mut PlanNode, scan: &Scan, probe: Probe, limit: Option<u64>, analyze: bool) {
    let table = scan.table;
    let shown = match node.remove("Filter") {
        Some(PlanValue::Text(filter)) => match filter::conjuncts(&filter) {
            same if same.len() == scan.conditions.len() => same,
            _ => scan.conditions.clone(),
        },
        _ => scan.conditions.clone(),
    };
    let some = |numbers: &[usize]| filter::all(&numbers.iter().map(|n| shown[*n].clone()).collect::<Vec<_>>());
    let removed = node.remove("Rows Removed by Filter").and_then(|v| v.number()).unwrap_or(0.0);
    let loops = node.number("Actual Loops").unwrap_or(0.0);
    let actual = node.number("Actual Rows").filter(|_| analyze);
    let rows = node.number("Plan Rows");
    let split = split(scan, probe, removed, loops);

    if node.get("Schema").is_some() {
        node.set("Schema", table.schema.as_str());
    }
    let (kind, index) = match scan.access {
        Access::Full => ("Full Scan (btree-table)", None),
        Access::Only(index) => ("Index Only Scan", Some(index)),
        Access::Lookup(index) => ("Index Scan", Some(index)),
    };
    node.set("Node Type", kind);
    if let Some(index) = index {
        name_index(node, &index.name);
    }
    let index_condition = node.get("Index Cond").cloned();

    if let Some(filter) = some(&scan.processor) {
        let at = node.fields.iter().position(|(k, _)| k == "Order By" || k == "Index Cond").map(|at| at + 1);
        let at = at.unwrap_or(node.fields.len());
        node.fields.insert(at, ("Filter".into(), PlanValue::Text(filter)));
        if analyze {
            node.fields.insert(at + 1, ("Rows Removed by Filter".into(), PlanValue::Number(split[2])));
        }
    }

    // Estimates: what is read, what storage sends.
    let read = probe.read.or(match scan.access {
        Access::Full if index_condition.is_none() => Some(table.rows.max(1.0)),
        Access::Only(index) if index_condition.is_none() => Some(index.rows.unwrap_or(table.rows).max(1.0)),
        Access::Lookup(index) if index_condition.is_none() => index.rows.map(|rows| rows.max(1.0)),
        _ => None,
    });
    let read = rows.map(|rows| read.unwrap_or(rows).max(rows));
    let sent = match scan.processor.is_empty() {
        true => rows,
        false => probe.sent.or(if scan.storage.is_empty() && scan.lookup.is_empty() { read } else { rows }),
    };
    if cost::of(node).is_some() {
        let conditions = scan.conditions.len() + usize::from(index_condition.is_some());
        let lookup = matches!(scan.access, Access::Lookup(_));
        cost::set(node, cost::access(read.unwrap_or(1.0), 1.0, conditions, lookup));
    }

    let looks_up = matches!(scan.access, Access::Lookup(_));
    let part = |what: &str, of_table: bool, estimate: Option<f64>, actual: Option<f64>| {
        let mut part = PlanNode::default();
        part.set("Node Type", what);
        match index.filter(|_| !of_table) {
            Some(index) => part.set("Index Name", index.name.as_str()),
            None => {
                for key in ["Relation Name", "Schema", "Alias"] {
                    if let Some(value) = node.get(key) {
                        part.set(key, value.clone());
                    }
                }
            }
        }
        for key in ["Startup Cost", "Total Cost"] {
            if let Some(value) = node.get(key) {
                part.set(key, value.clone());
            }
        }
        if let Some(rows) = estimate.filter(|_| node.get("Plan Rows").is_some()) {
            part.set("Plan Rows", rows);
            part.set("Plan Width", node.number("Plan Width").unwrap_or(0.0));
        }
        if let Some(rows) = actual {
            part.set("Actual Rows", rows);
            part.set("Actual Loops", loops);
        }
        part
    };
    let projections = |columns: &[usize]| {
        let names = columns.iter().map(|c| text::quoted(&table.columns[*c].name)).collect::<Vec<_>>();
        (!names.is_empty()).then(|| PlanValue::strings(names))
    };
    let filters = |part: &mut PlanNode, numbers: &[usize], filtered: f64| {
        if let Some(text) = some(numbers) {
            part.set("Filters", text.as_str());
            if analyze {
                part.set("Rows Filtered", filtered);
            }
        }
    };

    let sent_actual = actual.map(|rows| rows + split[2]);
    let scanned_actual = sent_actual.map(|rows| if looks_up { rows + split[1] } else { rows });
    let read_actual = scanned_actual.map(|rows| rows + split[0]);

    let mut leaf = part("B-Tree Scan", false, read, read_actual);
    if let Some(condition) = &index_condition {
        leaf.set("Index Cond", condition.clone());
    }
    let through = if looks_up { read.filter(|_| scan.storage.is_empty()).or(sent) } else { sent };
    let mut storage = part("Storage Scan", false, through, scanned_actual);
    if !looks_up && let Some(names) = projections(&scan.columns) {
        storage.set("Projections", names);
    }
    filters(&mut storage, &scan.storage, split[0]);
    // Known only when the statement runs; a filter above may need more rows.
    if let Some(limit) = limit.filter(|_| !looks_up && scan.processor.is_empty()) {
        storage.set("Limit", limit as f64);
    }
    storage.storage.push(leaf);
    let mut children = vec![storage];
    if looks_up {
        let leaf = part("B-Tree Lookup", true, through, scanned_actual);
        let mut lookup = part("Storage Lookup", true, sent, sent_actual);
        if let Some(names) = projections(&scan.columns) {
            lookup.set("Projections", names);
        }
        filters(&mut lookup, &scan.lookup, split[1]);
        lookup.storage.push(leaf);
        children.push(lookup);
    }
    node.storage = children;
}

/// Gives the index its name, where PostgreSQL has it or would have it.
fn name_index(node: &mut PlanNode, name: &str) {
    if node.get("Index Name").is_some() {
        return node.set("Index Name", name);
    }
    let at = node.fields.iter().position(|(k, _)| k == "Relation Name").unwrap_or(0);
    node.fields.insert(at, ("Index Name".into(), PlanValue::Text(name.to_owned())));
    node.fields.insert(at, ("Scan Direction".into(), PlanValue::Text("Forward".into())));
}

/// Returns how many rows each layer has removed, in each loop. PostgreSQL knows the sum only.
fn split(scan: &Scan, probe: Probe, removed: f64, loops: f64) -> [f64; 3] {
    let mut out = [0.0; 3];
    let layers = scan.layers();
    let Some(last) = layers.iter().rposition(|l| !l.is_empty()) else { return out };
    let several = layers.iter().filter(|l| !l.is_empty()).count() > 1;
    match probe.counts.filter(|_| several && loops == 1.0) {
        Some([read, stored, looked]) => {
            out[0] = (read - stored).max(0.0).min(removed);
            out[1] = (stored - looked).max(0.0).min(removed - out[0]);
            out[2] = removed - out[0] - out[1];
        }
        None => out[last] = removed,
    }
    out
}
