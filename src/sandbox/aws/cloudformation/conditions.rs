//! The template's conditions: which of them rest on which, and what has been found of them.
//!
//! Invariant: evaluating a condition never enters another one that is not known yet; [`order`] puts those that it
//! rests on before it, however long the chain, and refuses a circle.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::template::{call, section};

/// The state of one evaluation of a template: conditions found, text made.
#[derive(Debug, Default)]
pub(crate) struct Evaluation {
    held: RefCell<BTreeMap<String, bool>>,
    bytes: Cell<usize>,
}

/// The most text that an evaluation may make of a template, in bytes. The template has a megabyte at most; what it
/// names may be put in at many places.
const MOST_TEXT: usize = 16 << 20;

impl Evaluation {
    /// Returns what has been found of a condition.
    pub(super) fn holds(&self, name: &str) -> Option<bool> {
        self.held.borrow().get(name).copied()
    }

    /// Keeps what has been found of a condition.
    pub(super) fn found(&self, name: String, holds: bool) {
        self.held.borrow_mut().insert(name, holds);
    }

    /// Counts text that a function has made.
    ///
    /// # Errors
    /// A sentence, when all of it together is more than any template comes to.
    pub(super) fn spend(&self, bytes: usize) -> Result<(), String> {
        let all = self.bytes.get().saturating_add(bytes);
        self.bytes.set(all);
        match all > MOST_TEXT {
            true => Err(format!("Template error: the values of this template come to more than {MOST_TEXT} bytes")),
            false => Ok(()),
        }
    }
}

/// The conditions to evaluate for `wanted`, those that another rests on before it; `known` ones are left out.
///
/// # Errors
/// CloudFormation's sentence for a condition that is not there, and for a circle.
pub(super) fn order(template: &Value, wanted: &str, known: impl Fn(&str) -> bool) -> Result<Vec<String>, String> {
    let mut order = Vec::new();
    let mut done: BTreeSet<String> = BTreeSet::new();
    // What is on the way to `wanted`, with what each still waits for.
    let mut way: Vec<(String, Vec<String>)> = vec![(wanted.to_owned(), needs(template, wanted)?)];
    let mut open = BTreeSet::from([wanted.to_owned()]);
    while let Some((name, waits)) = way.last_mut() {
        match waits.pop() {
            Some(next) if done.contains(&next) || known(&next) => {}
            Some(next) => {
                if open.contains(&next) {
                    return Err(format!(
                        "Template format error: Found circular condition dependency between {name} and {next}"
                    ));
                }
                let needs = needs(template, &next)?;
                open.insert(next.clone());
                way.push((next, needs));
            }
            None => {
                open.remove(name);
                done.insert(name.clone());
                order.extend(way.pop().map(|(name, _)| name));
            }
        }
    }
    Ok(order)
}

/// Checks that every condition can be evaluated.
///
/// # Errors
/// As [`order`].
pub(super) fn check(template: &Value) -> Result<(), String> {
    let mut done = BTreeSet::new();
    for (name, _) in section(template, "Conditions") {
        if !done.contains(name) {
            let more = order(template, name, |name| done.contains(name))?;
            done.extend(more);
        }
    }
    Ok(())
}

fn needs(template: &Value, name: &str) -> Result<Vec<String>, String> {
    let missing = || {
        format!("Template format error: Unresolved condition dependency {name} in the Conditions block of the template")
    };
    let definition = template["Conditions"].get(name).ok_or_else(missing)?;
    let mut found = Vec::new();
    named(definition, &mut found);
    Ok(found)
}

/// The conditions that an expression names.
fn named(value: &Value, found: &mut Vec<String>) {
    match (call(value), value) {
        (Some(("Condition", Value::String(name))), _) => found.push(name.clone()),
        (Some(("Fn::If", Value::Array(parts))), _) => {
            found.extend(parts.first().and_then(Value::as_str).map(str::to_owned));
            parts.iter().skip(1).for_each(|part| named(part, found));
        }
        (_, Value::Array(items)) => items.iter().for_each(|item| named(item, found)),
        (_, Value::Object(map)) => map.values().for_each(|value| named(value, found)),
        (_, Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn those_that_another_rests_on_come_first() {
        let template = json!({"Conditions": {
            "A": {"Fn::And": [{"Condition": "B"}, {"Condition": "C"}]},
            "B": {"Fn::Not": [{"Condition": "C"}]},
            "C": {"Fn::Equals": ["x", {"Fn::If": ["D", "x", "y"]}]},
            "D": {"Fn::Equals": [1, 1]}}});
        assert_eq!(order(&template, "A", |_| false).unwrap(), ["D", "C", "B", "A"]);
        assert_eq!(order(&template, "A", |name| name == "C").unwrap(), ["B", "A"]);
        assert_eq!(check(&template), Ok(()));
    }

    #[test]
    fn circles_and_gaps_are_told() {
        let of = |conditions: Value| check(&json!({"Conditions": conditions})).unwrap_err();
        assert_eq!(
            of(json!({"A": {"Fn::Not": [{"Condition": "A"}]}})),
            "Template format error: Found circular condition dependency between A and A"
        );
        assert_eq!(
            of(json!({"A": {"Condition": "B"}, "B": {"Fn::Equals": [{"Fn::If": ["A", 1, 2]}, 1]}})),
            "Template format error: Found circular condition dependency between B and A"
        );
        assert_eq!(
            of(json!({"A": {"Condition": "B"}})),
            "Template format error: Unresolved condition dependency B in the Conditions block of the template"
        );
    }

    #[test]
    fn a_chain_of_any_length_is_put_in_order() {
        let mut conditions = serde_json::Map::new();
        conditions.insert("C0".into(), json!({"Fn::Equals": [1, 1]}));
        for number in 1..3_000 {
            let before = format!("C{}", number - 1);
            // Twice: what is known is not looked at again.
            let both = json!({"Fn::And": [{"Condition": before}, {"Condition": before}]});
            conditions.insert(format!("C{number}"), both);
        }
        let template = json!({"Conditions": conditions});
        assert_eq!(order(&template, "C2999", |_| false).unwrap().len(), 3_000);
        assert_eq!(check(&template), Ok(()));
    }
}
