//! A plan as PostgreSQL's JSON tells it, with its fields in PostgreSQL's order.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::filter;

/// JSON that keeps the order of its objects, because the order of a node's fields is the order of its
/// lines in the text format.
#[derive(Debug, Clone, PartialEq)]
pub enum PlanValue {
    Null,
    Bool(bool),
    Number(f64),
    /// Integers are kept whole: a query identifier has 64 bits.
    Integer(i64),
    Text(String),
    List(Vec<PlanValue>),
    Object(Vec<(String, PlanValue)>),
}

impl PlanValue {
    /// Returns a text; empty or None for anything else.
    pub fn text(&self) -> Option<&str> {
        match self {
            PlanValue::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Returns a number, whole or not.
    pub fn number(&self) -> Option<f64> {
        match self {
            PlanValue::Number(n) => Some(*n),
            PlanValue::Integer(n) => Some(*n as f64),
            _ => None,
        }
    }

    /// The texts of a list, or the one text.
    pub fn texts(&self) -> Vec<&str> {
        match self {
            PlanValue::List(list) => list.iter().filter_map(PlanValue::text).collect(),
            other => other.text().into_iter().collect(),
        }
    }

    /// Makes a list of texts.
    pub fn strings(list: impl IntoIterator<Item = String>) -> PlanValue {
        PlanValue::List(list.into_iter().map(PlanValue::Text).collect())
    }
}

impl From<&str> for PlanValue {
    fn from(text: &str) -> PlanValue {
        PlanValue::Text(text.to_owned())
    }
}

impl<'de> Deserialize<'de> for PlanValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<PlanValue, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = PlanValue;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_unit<E>(self) -> Result<PlanValue, E> {
        Ok(PlanValue::Null)
    }
    fn visit_bool<E>(self, b: bool) -> Result<PlanValue, E> {
        Ok(PlanValue::Bool(b))
    }
    fn visit_i64<E>(self, n: i64) -> Result<PlanValue, E> {
        Ok(PlanValue::Integer(n))
    }
    fn visit_u64<E>(self, n: u64) -> Result<PlanValue, E> {
        Ok(i64::try_from(n).map_or(PlanValue::Number(n as f64), PlanValue::Integer))
    }
    fn visit_f64<E>(self, n: f64) -> Result<PlanValue, E> {
        Ok(PlanValue::Number(n))
    }
    fn visit_str<E>(self, text: &str) -> Result<PlanValue, E> {
        Ok(PlanValue::Text(text.to_owned()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<PlanValue, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = seq.next_element()? {
            list.push(item);
        }
        Ok(PlanValue::List(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<PlanValue, A::Error> {
        let mut object = Vec::new();
        while let Some(entry) = map.next_entry()? {
            object.push(entry);
        }
        Ok(PlanValue::Object(object))
    }
}

/// One node of a plan.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PlanNode {
    /// Everything that is said about it but its children, in PostgreSQL's order.
    pub fields: Vec<(String, PlanValue)>,
    /// What DSQL's storage does for it.
    pub storage: Vec<PlanNode>,
    pub plans: Vec<PlanNode>,
}

impl PlanNode {
    /// Finds a field by PostgreSQL's name for it.
    pub fn get(&self, key: &str) -> Option<&PlanValue> {
        self.fields.iter().find(|(k, _)| k == key).map(|(_, v)| v)
    }

    /// Returns a text; empty or None for anything else.
    pub fn text(&self, key: &str) -> &str {
        self.get(key).and_then(PlanValue::text).unwrap_or_default()
    }

    /// Returns a number, whole or not.
    pub fn number(&self, key: &str) -> Option<f64> {
        self.get(key).and_then(PlanValue::number)
    }

    /// Returns PostgreSQL's name for the node's type.
    pub fn kind(&self) -> &str {
        self.text("Node Type")
    }

    /// Replaces the field, or adds it at the end.
    pub fn set(&mut self, key: &str, value: impl Into<PlanValue>) {
        let value = value.into();
        match self.fields.iter_mut().find(|(k, _)| k == key) {
            Some((_, old)) => *old = value,
            None => self.fields.push((key.to_owned(), value)),
        }
    }

    /// Takes a field away.
    pub fn remove(&mut self, key: &str) -> Option<PlanValue> {
        let at = self.fields.iter().position(|(k, _)| k == key)?;
        Some(self.fields.remove(at).1)
    }

    /// The name by which the statement's expressions know what it scans.
    pub fn alias(&self) -> &str {
        match self.text("Alias") {
            "" => self.text("Relation Name"),
            alias => alias,
        }
    }

    /// Looks at it and at everything below it, in the order of the lines; not at storage.
    pub fn each<'a>(&'a self, look: &mut dyn FnMut(&'a PlanNode)) {
        look(self);
        self.plans.iter().for_each(|child| child.each(look));
    }
}

impl From<f64> for PlanValue {
    fn from(n: f64) -> PlanValue {
        PlanValue::Number(n)
    }
}

/// What EXPLAIN says of one statement.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct PlanTree {
    pub root: PlanNode,
    /// Settings, query identifier, times, triggers.
    pub rest: Vec<(String, PlanValue)>,
}

impl PlanTree {
    /// Reads what `EXPLAIN (FORMAT JSON)` has answered. None for what has no plan, such as a utility
    /// statement that a rule produced.
    pub fn parse(json: &str) -> Option<PlanTree> {
        let Ok(PlanValue::List(list)) = serde_json::from_str(json) else { return None };
        let Some(PlanValue::Object(fields)) = list.into_iter().next() else { return None };
        let mut plan = PlanTree::default();
        let mut found = false;
        for (key, value) in fields {
            match (key.as_str(), value) {
                ("Plan", PlanValue::Object(fields)) => {
                    plan.root = node(fields);
                    found = true;
                }
                (_, value) => plan.rest.push((key, value)),
            }
        }
        found.then_some(plan)
    }

    /// Finds a field by PostgreSQL's name for it.
    pub fn get(&self, key: &str) -> Option<&PlanValue> {
        self.rest.iter().find(|(k, _)| k == key).map(|(_, v)| v)
    }
}

fn node(fields: Vec<(String, PlanValue)>) -> PlanNode {
    let mut out = PlanNode::default();
    for (key, value) in fields {
        match (key.as_str(), value) {
            ("Plans", PlanValue::List(list)) => {
                out.plans = list
                    .into_iter()
                    .filter_map(|child| match child {
                        PlanValue::Object(fields) => Some(node(fields)),
                        _ => None,
                    })
                    .collect();
            }
            (_, value) => out.fields.push((key, value)),
        }
    }
    compare_rows_above(&mut out);
    out
}

/// Takes a comparison of rows from the index's condition to the filter above.
fn compare_rows_above(node: &mut PlanNode) {
    let (rows, rest): (Vec<_>, Vec<_>) =
        filter::conjuncts(node.text("Index Cond")).into_iter().partition(|part| filter::compares_rows(part));
    if rows.is_empty() {
        return;
    }
    let mut conditions = match node.text("Filter") {
        "" => Vec::new(),
        filter => filter::conjuncts(filter),
    };
    conditions.extend(rows);
    match filter::all(&rest) {
        Some(condition) => node.set("Index Cond", condition.as_str()),
        None => drop(node.remove("Index Cond")),
    }
    if let Some(filter) = filter::all(&conditions) {
        node.set("Filter", filter.as_str());
    }
}
