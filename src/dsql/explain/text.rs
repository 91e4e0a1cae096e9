//! A plan in the text format: PostgreSQL's lines and indents for its own nodes, DSQL's for storage.
//!
//! Layout of storage nodes: plans of real clusters, 2026-02 to 2026-10. An arrow with one space where
//! PostgreSQL's has two; four columns deeper for each level where PostgreSQL has six; `loops=1` among the
//! estimates; no times.

use super::tree::{PlanNode, PlanTree, PlanValue};

/// The lines of the plan and of what is told after it. `costs`, `verbose`: as the statement has asked.
pub fn lines(plan: &PlanTree, verbose: bool) -> Vec<String> {
    let mut out = Vec::new();
    node(&plan.root, 0, verbose, &mut out);
    for (key, value) in &plan.rest {
        match (key.as_str(), value) {
            ("Settings", PlanValue::Object(settings)) => {
                let all = settings.iter().map(|(k, v)| format!("{k} = '{}'", v.text().unwrap_or_default()));
                out.push(format!("Settings: {}", all.collect::<Vec<_>>().join(", ")));
            }
            ("Planning Time" | "Execution Time", value) => {
                out.push(format!("{key}: {:.3} ms", value.number().unwrap_or(0.0)));
            }
            (_, PlanValue::Text(text)) => out.push(format!("{key}: {text}")),
            _ => {}
        }
    }
    out
}

fn node(node: &PlanNode, mut indent: usize, verbose: bool, out: &mut Vec<String>) {
    if !node.text("Subplan Name").is_empty() {
        out.push(format!("{}{}", pad(indent), node.text("Subplan Name")));
        indent += 1;
    }
    let arrow = if indent > 0 { "->  " } else { "" };
    out.push(format!("{}{arrow}{}{}", pad(indent), title(node), figures(node)));
    indent += if indent > 0 { 3 } else { 1 };
    for line in properties(node, verbose) {
        out.push(format!("{}{line}", pad(indent)));
    }
    for child in &node.storage {
        storage(child, indent, out);
    }
    for child in &node.plans {
        self::node(child, indent, verbose, out);
    }
}

fn storage(node: &PlanNode, indent: usize, out: &mut Vec<String>) {
    out.push(format!("{}-> {} on {}{}", pad(indent), node.kind(), target(node), figures(node)));
    for line in properties(node, false) {
        out.push(format!("{}{line}", pad(indent + 2)));
    }
    for child in &node.storage {
        storage(child, indent + 2, out);
    }
}

fn pad(indent: usize) -> String {
    "  ".repeat(indent)
}

/// An identifier as PostgreSQL quotes it.
pub fn quoted(name: &str) -> String {
    let plain = name.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

fn title(node: &PlanNode) -> String {
    let kind = node.kind();
    let join = node.text("Join Type");
    let mut text = match kind {
        "ModifyTable" => node.text("Operation").to_owned(),
        "Aggregate" => {
            let name = match node.text("Strategy") {
                "Sorted" => "GroupAggregate",
                "Hashed" => "HashAggregate",
                "Mixed" => "MixedAggregate",
                _ => "Aggregate",
            };
            match node.text("Partial Mode") {
                "" | "Simple" => name.to_owned(),
                mode => format!("{mode} {name}"),
            }
        }
        "SetOp" => {
            let name = if node.text("Strategy") == "Hashed" { "HashSetOp" } else { "SetOp" };
            format!("{name} {}", node.text("Command"))
        }
        "Hash Join" | "Merge Join" if !matches!(join, "" | "Inner") => {
            format!("{} {join} Join", kind.trim_end_matches(" Join"))
        }
        "Nested Loop" if !matches!(join, "" | "Inner") => format!("{kind} {join} Join"),
        other => other.to_owned(),
    };
    if !node.text("Index Name").is_empty() {
        let on = match kind {
            "Bitmap Index Scan" => return format!("{kind} on {}", quoted(node.text("Index Name"))),
            _ if node.text("Scan Direction") == "Backward" => " Backward using ",
            _ => " using ",
        };
        text.push_str(on);
        text.push_str(&quoted(node.text("Index Name")));
    }
    let on = target(node);
    if !on.is_empty() && !matches!(kind, "Hash" | "Sort") {
        text.push_str(" on ");
        text.push_str(&on);
    }
    text
}

/// Returns what a node scans or changes: `schema.table alias`.
fn target(node: &PlanNode) -> String {
    let names = ["Relation Name", "Function Name", "Table Function Name", "CTE Name", "Tuplestore Name"];
    let name = names.iter().map(|key| node.text(key)).find(|name| !name.is_empty()).unwrap_or_default();
    let mut text = String::new();
    if !name.is_empty() {
        if !node.text("Schema").is_empty() {
            text = format!("{}.", quoted(node.text("Schema")));
        }
        text.push_str(&quoted(name));
    } else if node.get("Alias").is_none() {
        return match node.text("Index Name") {
            "" => text,
            index => quoted(index),
        };
    }
    let alias = node.text("Alias");
    if !alias.is_empty() && alias != name {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&quoted(alias));
    }
    text
}

fn figures(node: &PlanNode) -> String {
    let mut text = String::new();
    let of = |key: &str| node.number(key);
    let storage = is_storage(node);
    if let (Some(startup), Some(total), Some(rows), Some(width)) =
        (of("Startup Cost"), of("Total Cost"), of("Plan Rows"), of("Plan Width"))
    {
        let loops = if storage { " loops=1" } else { "" };
        text = format!("  (cost={startup:.2}..{total:.2} rows={rows:.0} width={width:.0}{loops})");
    }
    match (of("Actual Rows"), of("Actual Loops")) {
        (Some(_), Some(0.0)) => text.push_str(" (never executed)"),
        (Some(rows), Some(loops)) => {
            let time = match (of("Actual Startup Time"), of("Actual Total Time")) {
                (Some(startup), Some(total)) if !storage => format!("time={startup:.3}..{total:.3} "),
                _ => String::new(),
            };
            text.push_str(&format!(" (actual {time}rows={rows:.0} loops={loops:.0})"));
        }
        _ => {}
    }
    text
}

fn is_storage(node: &PlanNode) -> bool {
    matches!(node.kind(), "Storage Scan" | "Storage Lookup" | "B-Tree Scan" | "B-Tree Lookup")
}

/// Fields that are in the title, the figures, or another field's line.
const TOLD: &[&str] = &[
    "Node Type",
    "Strategy",
    "Partial Mode",
    "Operation",
    "Command",
    "Parent Relationship",
    "Subplan Name",
    "Parallel Aware",
    "Async Capable",
    "Scan Direction",
    "Index Name",
    "Relation Name",
    "Schema",
    "Alias",
    "Function Name",
    "Table Function Name",
    "CTE Name",
    "Tuplestore Name",
    "Startup Cost",
    "Total Cost",
    "Plan Rows",
    "Plan Width",
    "Actual Startup Time",
    "Actual Total Time",
    "Actual Rows",
    "Actual Loops",
    "Sort Space Used",
    "Sort Space Type",
    "Original Hash Buckets",
    "Hash Batches",
    "Original Hash Batches",
    "Peak Memory Usage",
    "Disk Usage",
    "Cache Misses",
    "Cache Evictions",
    "Cache Overflows",
    "Lossy Heap Blocks",
    "Target Tables",
    "Single Copy",
];

fn properties(node: &PlanNode, verbose: bool) -> Vec<String> {
    let mut out = Vec::new();
    let n = |key: &str| node.number(key).unwrap_or(0.0);
    for (key, value) in &node.fields {
        if TOLD.contains(&key.as_str()) {
            continue;
        }
        match (key.as_str(), value) {
            ("Join Type", _) if node.kind() != "Nested Loop (Batched Join)" => {}
            ("Inner Unique", value) => {
                if verbose && *value == PlanValue::Bool(true) {
                    out.push("Inner Unique: true".into());
                }
            }
            ("Sort Method", PlanValue::Text(method)) => {
                out.push(format!(
                    "Sort Method: {method}  {}: {:.0}kB",
                    node.text("Sort Space Type"),
                    n("Sort Space Used")
                ));
            }
            ("Hash Buckets", _) => {
                let changed = |now: &str, was: &str| match n(now) == n(was) {
                    true => format!("{:.0}", n(now)),
                    false => format!("{:.0} (originally {:.0})", n(now), n(was)),
                };
                out.push(format!(
                    "Buckets: {}  Batches: {}  Memory Usage: {:.0}kB",
                    changed("Hash Buckets", "Original Hash Buckets"),
                    changed("Hash Batches", "Original Hash Batches"),
                    n("Peak Memory Usage")
                ));
            }
            ("Planned Partitions", _) => {
                let mut parts = Vec::new();
                if n("Planned Partitions") > 0.0 {
                    parts.push(format!("Planned Partitions: {:.0}", n("Planned Partitions")));
                }
                parts.extend(batches(node));
                if !parts.is_empty() {
                    out.push(parts.join("  "));
                }
            }
            ("HashAgg Batches", _) => {
                if node.get("Planned Partitions").is_none() {
                    out.extend(batches(node));
                }
            }
            ("Cache Hits", _) => out.push(format!(
                "Hits: {:.0}  Misses: {:.0}  Evictions: {:.0}  Overflows: {:.0}  Memory Usage: {:.0}kB",
                n("Cache Hits"),
                n("Cache Misses"),
                n("Cache Evictions"),
                n("Cache Overflows"),
                n("Peak Memory Usage")
            )),
            ("Full-sort Groups" | "Pre-sorted Groups", PlanValue::Object(group)) => out.push(groups(key, group)),
            ("Grouping Sets", PlanValue::List(sets)) => sets.iter().for_each(|set| grouping(set, &mut out)),
            (key, PlanValue::Number(_) | PlanValue::Integer(_))
                if key.starts_with("Rows Removed") || key == "Subplans Removed" =>
            {
                if n(key).round() > 0.0 {
                    out.push(format!("{key}: {:.0}", n(key)));
                }
            }
            ("Exact Heap Blocks", _) => {}
            (key, value) => out.push(format!("{key}: {}", plain(value))),
        }
    }
    out
}

fn batches(node: &PlanNode) -> Option<String> {
    let batches = node.number("HashAgg Batches").filter(|b| *b > 0.0)?;
    let memory = node.number("Peak Memory Usage").unwrap_or(0.0);
    let disk = match node.number("Disk Usage") {
        Some(disk) if batches > 1.0 => format!("  Disk Usage: {disk:.0}kB"),
        _ => String::new(),
    };
    Some(format!("Batches: {batches:.0}  Memory Usage: {memory:.0}kB{disk}"))
}

fn groups(key: &str, group: &[(String, PlanValue)]) -> String {
    let get = |of: &[(String, PlanValue)], key: &str| of.iter().find(|(k, _)| k == key).map(|(_, v)| v.clone());
    let number = |v: Option<PlanValue>| v.and_then(|v| v.number()).unwrap_or(0.0);
    let methods = get(group, "Sort Methods Used");
    let methods = methods.as_ref().map(PlanValue::texts).unwrap_or_default();
    let plural = if methods.len() > 1 { "s" } else { "" };
    let mut text =
        format!("{key}: {:.0}  Sort Method{plural}: {}", number(get(group, "Group Count")), methods.join(", "));
    for (space, word) in [("Sort Space Memory", "Memory"), ("Sort Space Disk", "Disk")] {
        if let Some(PlanValue::Object(space)) = get(group, space) {
            let (average, peak) = (get(&space, "Average Sort Space Used"), get(&space, "Peak Sort Space Used"));
            text.push_str(&format!("  Average {word}: {:.0}kB  Peak {word}: {:.0}kB", number(average), number(peak)));
        }
    }
    text
}

fn grouping(set: &PlanValue, out: &mut Vec<String>) {
    let PlanValue::Object(set) = set else { return };
    for (key, value) in set {
        let one = match key.as_str() {
            "Group Keys" => "Group Key",
            "Hash Keys" => "Hash Key",
            other => other,
        };
        match value {
            PlanValue::List(keys) if key != one => {
                for list in keys {
                    let names = list.texts().join(", ");
                    out.push(format!("{one}: {}", if names.is_empty() { "()" } else { &names }));
                }
            }
            other => out.push(format!("{one}: {}", plain(other))),
        }
    }
}

fn plain(value: &PlanValue) -> String {
    match value {
        PlanValue::Null => String::new(),
        PlanValue::Bool(b) => b.to_string(),
        PlanValue::Number(n) => format!("{n:.0}"),
        PlanValue::Integer(n) => n.to_string(),
        PlanValue::Text(text) => text.clone(),
        PlanValue::List(list) => list.iter().map(plain).collect::<Vec<_>>().join(", "),
        PlanValue::Object(fields) => {
            fields.iter().map(|(k, v)| format!("{k}: {}", plain(v))).collect::<Vec<_>>().join(", ")
        }
    }
}
