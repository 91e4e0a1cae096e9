//! A plan as PostgreSQL's JSON tells it, with its fields in PostgreSQL's order.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// JSON that keeps the order of its objects, because the order of a node's fields is the order of its
/// lines in the text format.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Null,
    Bool(bool),
    Number(f64),
    /// Integers are kept whole: a query identifier has 64 bits.
    Integer(i64),
    Text(String),
    List(Vec<Value>),
    Object(Vec<(String, Value)>),
}

impl Value {
    pub fn text(&self) -> Option<&str> {
        match self {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn number(&self) -> Option<f64> {
        match self {
            Value::Number(n) => Some(*n),
            Value::Integer(n) => Some(*n as f64),
            _ => None,
        }
    }

    /// The texts of a list, or the one text.
    pub fn texts(&self) -> Vec<&str> {
        match self {
            Value::List(list) => list.iter().filter_map(Value::text).collect(),
            other => other.text().into_iter().collect(),
        }
    }

    pub fn strings(list: impl IntoIterator<Item = String>) -> Value {
        Value::List(list.into_iter().map(Value::Text).collect())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(text.to_owned())
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E>(self, b: bool) -> Result<Value, E> {
        Ok(Value::Bool(b))
    }
    fn visit_i64<E>(self, n: i64) -> Result<Value, E> {
        Ok(Value::Integer(n))
    }
    fn visit_u64<E>(self, n: u64) -> Result<Value, E> {
        Ok(i64::try_from(n).map_or(Value::Number(n as f64), Value::Integer))
    }
    fn visit_f64<E>(self, n: f64) -> Result<Value, E> {
        Ok(Value::Number(n))
    }
    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = seq.next_element()? {
            list.push(item);
        }
        Ok(Value::List(list))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut object = Vec::new();
        while let Some(entry) = map.next_entry()? {
            object.push(entry);
        }
        Ok(Value::Object(object))
    }
}

/// One node of a plan.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Node {
    /// Everything that is said about it but its children, in PostgreSQL's order.
    pub fields: Vec<(String, Value)>,
    /// What DSQL's storage does for it.
    pub storage: Vec<Node>,
    pub plans: Vec<Node>,
}

impl Node {
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.fields.iter().find(|(k, _)| k == key).map(|(_, v)| v)
    }

    pub fn text(&self, key: &str) -> &str {
        self.get(key).and_then(Value::text).unwrap_or_default()
    }

    pub fn number(&self, key: &str) -> Option<f64> {
        self.get(key).and_then(Value::number)
    }

    pub fn kind(&self) -> &str {
        self.text("Node Type")
    }

    /// Replaces the field, or adds it at the end.
    pub fn set(&mut self, key: &str, value: impl Into<Value>) {
        let value = value.into();
        match self.fields.iter_mut().find(|(k, _)| k == key) {
            Some((_, old)) => *old = value,
            None => self.fields.push((key.to_owned(), value)),
        }
    }

    pub fn remove(&mut self, key: &str) -> Option<Value> {
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
    pub fn each<'a>(&'a self, look: &mut dyn FnMut(&'a Node)) {
        look(self);
        self.plans.iter().for_each(|child| child.each(look));
    }
}

impl From<f64> for Value {
    fn from(n: f64) -> Value {
        Value::Number(n)
    }
}

/// What EXPLAIN says of one statement.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plan {
    pub root: Node,
    /// Settings, query identifier, times, triggers.
    pub rest: Vec<(String, Value)>,
}

impl Plan {
    /// Reads what `EXPLAIN (FORMAT JSON)` has answered. None for what has no plan, such as a utility
    /// statement that a rule produced.
    pub fn parse(json: &str) -> Option<Plan> {
        let Ok(Value::List(list)) = serde_json::from_str(json) else { return None };
        let Some(Value::Object(fields)) = list.into_iter().next() else { return None };
        let mut plan = Plan::default();
        let mut found = false;
        for (key, value) in fields {
            match (key.as_str(), value) {
                ("Plan", Value::Object(fields)) => {
                    plan.root = node(fields);
                    found = true;
                }
                (_, value) => plan.rest.push((key, value)),
            }
        }
        found.then_some(plan)
    }

    pub fn get(&self, key: &str) -> Option<&Value> {
        self.rest.iter().find(|(k, _)| k == key).map(|(_, v)| v)
    }
}

fn node(fields: Vec<(String, Value)>) -> Node {
    let mut out = Node::default();
    for (key, value) in fields {
        match (key.as_str(), value) {
            ("Plans", Value::List(list)) => {
                out.plans = list
                    .into_iter()
                    .filter_map(|child| match child {
                        Value::Object(fields) => Some(node(fields)),
                        _ => None,
                    })
                    .collect();
            }
            (_, value) => out.fields.push((key, value)),
        }
    }
    out
}
