//! Intrinsic functions: a template's values become plain values.
//!
//! The same evaluation serves deploys and change sets; for a change set, values of resources that do not
//! exist yet are [`KNOWN_AFTER_APPLY`], as AWS prints them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use base64::Engine as _;
use serde_json::{Map, Value};

use super::conditions::{self, Evaluation};
use super::model::{Resource, StackExport, StackParameter};
use super::template::{SubPiece, call, get_att, sub_argument, sub_pieces};

pub(crate) const KNOWN_AFTER_APPLY: &str = "{{changeSet:KNOWN_AFTER_APPLY}}";

/// The meaning of names while a stack's template is evaluated.
pub(crate) struct Scope<'a> {
    pub template: &'a Value,
    pub parameters: &'a BTreeMap<String, StackParameter>,
    pub resources: &'a BTreeMap<String, Resource>,
    /// Logical ids whose values will only be known once they are made, and `ID.Attribute` where it is one attribute's.
    pub unknown: &'a BTreeSet<String>,
    /// Values by export name, of all stacks.
    pub exports: &'a BTreeMap<String, StackExport>,
    /// Values of SSM parameters by name, for dynamic references.
    pub ssm: &'a BTreeMap<String, String>,
    pub stack_name: &'a str,
    pub stack_id: &'a str,
    pub account: &'a str,
    pub region: &'a str,
    pub evaluation: &'a Evaluation,
}

impl Scope<'_> {
    /// A value with every function evaluated; None for `AWS::NoValue`.
    ///
    /// # Errors
    /// CloudFormation's sentence for what cannot be evaluated, or comes to too much text.
    pub(crate) fn resolve(&self, value: &Value) -> Result<Option<Value>, String> {
        if let Some((name, argument)) = call(value) {
            let made = self.function(name, argument)?;
            self.evaluation.spend(made.as_ref().map_or(0, text_bytes))?;
            return Ok(made);
        }
        Ok(Some(match value {
            Value::Array(items) => {
                let mut out = Vec::with_capacity(items.len());
                for item in items {
                    out.extend(self.resolve(item)?);
                }
                Value::Array(out)
            }
            Value::Object(map) => {
                let mut out = Map::new();
                for (name, value) in map {
                    if let Some(value) = self.resolve(value)? {
                        out.insert(name.clone(), value);
                    }
                }
                Value::Object(out)
            }
            Value::String(text) => Value::String(self.dynamic(text)?),
            Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
        }))
    }

    /// A value that has to be a string in the end.
    ///
    /// # Errors
    /// As [`Scope::resolve`], and for a list or a map.
    pub(crate) fn text(&self, value: &Value) -> Result<String, String> {
        let value = self.resolve(value)?.unwrap_or(Value::Null);
        scalar(&value).ok_or_else(|| format!("Template error: a string is needed where {value} is given"))
    }

    /// Evaluates a condition of the template, and those that it rests on, once.
    ///
    /// # Errors
    /// CloudFormation's sentence for a condition that is not there, goes in a circle, or is no condition function.
    pub(crate) fn condition(&self, name: &str) -> Result<bool, String> {
        if let Some(holds) = self.evaluation.holds(name) {
            return Ok(holds);
        }
        let known = |name: &str| self.evaluation.holds(name).is_some();
        let mut holds = false;
        for one in conditions::order(self.template, name, known)? {
            holds = self.truth(&self.template["Conditions"][&one])?;
            self.evaluation.found(one, holds);
        }
        Ok(holds)
    }

    /// Tells that a resource or an output is wanted: its condition holds, or it has none.
    ///
    /// # Errors
    /// As [`Scope::condition`].
    pub(crate) fn included(&self, member: &Value) -> Result<bool, String> {
        member.get("Condition").and_then(Value::as_str).map_or(Ok(true), |name| self.condition(name))
    }

    /// Evaluates a condition function.
    pub(crate) fn truth(&self, value: &Value) -> Result<bool, String> {
        let Some((name, argument)) = call(value) else {
            return match value {
                Value::Bool(value) => Ok(*value),
                Value::String(text) if text == "true" || text == "false" => Ok(text == "true"),
                _ => Err("Template format error: Every Condition member must be a condition function".into()),
            };
        };
        let parts = argument.as_array().map(Vec::as_slice).unwrap_or_default();
        match (name, parts) {
            ("Condition", _) => self.condition(argument.as_str().unwrap_or_default()),
            ("Fn::Equals", [left, right]) => {
                let side = |value| self.resolve(value).map(|v| v.map(comparable));
                Ok(side(left)? == side(right)?)
            }
            ("Fn::Not", [one]) => Ok(!self.truth(one)?),
            ("Fn::And", all) if !all.is_empty() => {
                all.iter().try_fold(true, |so_far, one| Ok(so_far && self.truth(one)?))
            }
            ("Fn::Or", any) if !any.is_empty() => {
                any.iter().try_fold(false, |so_far, one| Ok(so_far || self.truth(one)?))
            }
            ("Fn::Contains", [Value::Array(list), one]) => {
                let one = self.text(one)?;
                list.iter().try_fold(false, |so_far, item| Ok(so_far || self.text(item)? == one))
            }
            ("Fn::EachMemberEquals", [list, one]) => {
                let (list, one) = (self.list(list)?, self.text(one)?);
                Ok(list.iter().all(|item| scalar(item).as_deref() == Some(&one)))
            }
            ("Fn::EachMemberIn", [list, allowed]) => {
                let (list, allowed) = (self.list(list)?, self.list(allowed)?);
                Ok(list.iter().all(|item| allowed.contains(item)))
            }
            _ => Err(format!("Template error: {name} is not a condition function with these arguments")),
        }
    }

    fn function(&self, name: &str, argument: &Value) -> Result<Option<Value>, String> {
        let parts = argument.as_array().map(Vec::as_slice).unwrap_or_default();
        Ok(Some(match (name, parts) {
            ("Ref", _) => return self.reference(argument.as_str().unwrap_or_default()),
            ("Condition", _) => {
                // Not a function where a plain value stands: IAM statements have a member of this name.
                let inner = self.resolve(argument)?;
                return Ok(inner.map(|value| Value::Object(Map::from_iter([("Condition".to_owned(), value)]))));
            }
            ("Fn::GetAtt", _) => {
                let (resource, attribute) = match parts {
                    // The attribute may be a Ref (CloudFormation user guide, "Fn::GetAtt", 2026-11).
                    [Value::String(resource), attribute @ Value::Object(_)] => (resource.clone(), self.text(attribute)?),
                    _ => get_att(argument)
                        .ok_or("Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource attribute")?,
                };
                self.attribute(&resource, &attribute)?
            }
            ("Fn::Sub", _) => Value::String(self.sub(argument)?),
            ("Fn::Join", [Value::String(delimiter), list]) => {
                let mut texts = Vec::new();
                for item in self.list(list)? {
                    texts.push(scalar(&item).ok_or("Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings to be joined")?);
                }
                // What is to be looked up may have been put together.
                Value::String(self.dynamic(&texts.join(delimiter))?)
            }
            ("Fn::Split", [Value::String(delimiter), text]) => {
                let text = self.text(text)?;
                if awaits_apply(&text) {
                    return Ok(Some(KNOWN_AFTER_APPLY.into()));
                }
                text.split(delimiter.as_str()).map(str::to_owned).collect()
            }
            ("Fn::Select", [index, list]) => {
                let (index, list) = (self.text(index)?, self.list(list)?);
                if awaits_apply(&index) || list == [Value::from(KNOWN_AFTER_APPLY)] {
                    return Ok(Some(KNOWN_AFTER_APPLY.into()));
                }
                let index: usize = index.parse().map_err(|_| "Template error: Fn::Select index must be a number")?;
                list.into_iter().nth(index).ok_or_else(|| {
                    format!("Template error: Fn::Select cannot select nonexistent value at index {index}")
                })?
            }
            ("Fn::If", [Value::String(condition), yes, no]) => {
                return self.resolve(if self.condition(condition)? { yes } else { no });
            }
            ("Fn::FindInMap", [map, first, second, ..]) => self.find_in_map(map, first, second, parts.get(3))?,
            ("Fn::ImportValue", _) => {
                let name = self.text(argument)?;
                match self.exports.get(&name) {
                    _ if awaits_apply(&name) => Value::from(KNOWN_AFTER_APPLY),
                    Some(export) => Value::String(export.value.clone()),
                    None => return Err(format!("No export named {name} found.")),
                }
            }
            ("Fn::Base64", _) => match self.text(argument)? {
                text if awaits_apply(&text) => Value::from(KNOWN_AFTER_APPLY),
                text => Value::String(base64::engine::general_purpose::STANDARD.encode(text)),
            },
            ("Fn::GetAZs", _) => {
                let region = Some(self.text(argument)?).filter(|r| !r.is_empty()).unwrap_or_else(|| self.region.into());
                ["a", "b", "c"].iter().map(|zone| Value::String(format!("{region}{zone}"))).collect()
            }
            ("Fn::Cidr", [block, count, bits]) => self.cidr(block, count, bits)?,
            ("Fn::Equals" | "Fn::Not" | "Fn::And" | "Fn::Or", _) => {
                return Err(format!("Template error: {name} may only be used in the Conditions section"));
            }
            ("Fn::Join" | "Fn::Split" | "Fn::Select" | "Fn::If" | "Fn::FindInMap" | "Fn::Cidr", _) => {
                return Err(format!("Template error: {name} does not have the arguments it needs"));
            }
            _ => return Err(format!("Template error: the workshop sandbox does not have the function {name}")),
        }))
    }

    fn cidr(&self, block: &Value, count: &Value, bits: &Value) -> Result<Value, String> {
        let (block, numbers) = (self.text(block)?, [self.text(count)?, self.text(bits)?]);
        if awaits_apply(&block) || numbers.iter().any(|text| awaits_apply(text)) {
            return Ok(Value::from(KNOWN_AFTER_APPLY));
        }
        let [Ok(count), Ok(bits)] = numbers.map(|text| text.parse::<u32>()) else { return Err(CIDR.into()) };
        blocks(&block, count, bits)
    }

    fn reference(&self, name: &str) -> Result<Option<Value>, String> {
        let text = |text: &str| Ok(Some(Value::String(text.to_owned())));
        match name {
            "AWS::NoValue" => Ok(None),
            "AWS::Region" => text(self.region),
            "AWS::AccountId" => text(self.account),
            "AWS::Partition" => text("aws"),
            "AWS::URLSuffix" => text("amazonaws.com"),
            "AWS::StackName" => text(self.stack_name),
            "AWS::StackId" => text(self.stack_id),
            "AWS::NotificationARNs" => Ok(Some(Value::Array(Vec::new()))),
            _ => match (self.parameters.get(name), self.resources.get(name)) {
                (Some(parameter), _) => Ok(Some(parameter.value())),
                _ if self.unknown.contains(name) => text(KNOWN_AFTER_APPLY),
                (None, Some(resource)) => text(resource.physical_id.as_deref().unwrap_or_default()),
                (None, None) => Err(format!(
                    "Template format error: Unresolved resource dependencies [{name}] in the Resources block of the template"
                )),
            },
        }
    }

    fn attribute(&self, resource: &str, attribute: &str) -> Result<Value, String> {
        if self.unknown.contains(resource) || self.unknown.contains(&format!("{resource}.{attribute}")) {
            return Ok(Value::String(KNOWN_AFTER_APPLY.into()));
        }
        let found = self.resources.get(resource).ok_or_else(|| {
            format!("Template error: instance of Fn::GetAtt references undefined resource {resource}")
        })?;
        found.attributes.get(attribute).cloned().ok_or_else(|| {
            format!("Template error: resource {resource} does not support attribute type {attribute} in Fn::GetAtt")
        })
    }

    fn sub(&self, argument: &Value) -> Result<String, String> {
        let (text, variables) = sub_argument(argument);
        let mut given = BTreeMap::new();
        for (name, value) in variables.into_iter().flatten() {
            given.insert(name.as_str(), self.resolve(value)?);
        }
        let mut out = String::new();
        for piece in sub_pieces(text) {
            match piece {
                SubPiece::Text(text) => out.push_str(text),
                SubPiece::Name(name) => {
                    let value = match (given.get(name), name.split_once('.')) {
                        (Some(value), _) => value.clone(),
                        (None, Some((resource, attribute))) => Some(self.attribute(resource, attribute)?),
                        (None, None) => self.reference(name)?,
                    };
                    let value = value.unwrap_or(Value::Null);
                    let text = scalar(&value).ok_or_else(|| {
                        format!("Template error: variable {name} in Fn::Sub expression does not resolve to a string")
                    })?;
                    self.evaluation.spend(text.len())?;
                    out.push_str(&text);
                }
            }
        }
        self.dynamic(&out)
    }

    fn list(&self, value: &Value) -> Result<Vec<Value>, String> {
        match self.resolve(value)? {
            Some(Value::Array(items)) => Ok(items),
            // A value that is not known yet may turn out to be a list.
            Some(Value::String(text)) if text == KNOWN_AFTER_APPLY => Ok(vec![Value::String(text)]),
            Some(other) => Err(format!("Template error: a list is needed where {other} is given")),
            None => Ok(Vec::new()),
        }
    }

    fn find_in_map(
        &self,
        map: &Value,
        first: &Value,
        second: &Value,
        fallback: Option<&Value>,
    ) -> Result<Value, String> {
        let (map, first, second) = (self.text(map)?, self.text(first)?, self.text(second)?);
        if [&map, &first, &second].into_iter().any(|key| awaits_apply(key)) {
            return Ok(Value::from(KNOWN_AFTER_APPLY));
        }
        let found = self.template["Mappings"].get(&map).and_then(|m| m.get(&first)).and_then(|m| m.get(&second));
        match (found, fallback.and_then(|f| f.get("DefaultValue"))) {
            (Some(value), _) => Ok(value.clone()),
            (None, Some(fallback)) => Ok(self.resolve(fallback)?.unwrap_or(Value::Null)),
            (None, None) if self.template["Mappings"].get(&map).is_none() => Err(format!(
                "Template error: Mapping named '{map}' is not present in the 'Mappings' section of template."
            )),
            (None, None) => Err(format!("Template error: Unable to get mapping for {map}::{first}::{second}")),
        }
    }

    /// Replaces `{{resolve:ssm:name}}`. Secrets Manager and secure strings are not served.
    fn dynamic(&self, text: &str) -> Result<String, String> {
        const BEGINS: &str = "{{resolve:";
        if text.contains(BEGINS) && awaits_apply(text) {
            return Ok(KNOWN_AFTER_APPLY.to_owned());
        }
        let mut out = String::new();
        let mut rest = text;
        while let Some(start) = rest.find(BEGINS) {
            let Some(length) = rest[start..].find("}}") else { break };
            let reference = &rest[start + BEGINS.len()..start + length];
            let Some(name) = reference.strip_prefix("ssm:") else {
                return Err(format!("the workshop sandbox does not have dynamic references to {reference}"));
            };
            let name = name.split_once(':').map_or(name, |(name, _version)| name);
            let value = self.ssm.get(name).ok_or_else(|| format!("Parameters: [{name}] could not be found in SSM"))?;
            self.evaluation.spend(value.len())?;
            out.push_str(&rest[..start]);
            out.push_str(value);
            rest = &rest[start + length + 2..];
        }
        Ok(out + rest)
    }
}

/// Tells that a value, or a part of it, is only known once something is made: nothing can be picked out of it before.
fn awaits_apply(text: &str) -> bool {
    text.contains(KNOWN_AFTER_APPLY)
}

const CIDR: &str =
    "Template error: every Fn::Cidr object requires an address block, a count and the bits of each, as numbers";

/// Cuts `count` blocks of IPv4 addresses, each with `bits` bits for its hosts, from the beginning of one:
/// `192.168.0.0/27` and what follows it of `192.168.0.0/24` for 5.
///
/// # Errors
/// When the block is none, or has not so many.
fn blocks(block: &str, count: u32, bits: u32) -> Result<Value, String> {
    let (address, prefix) = block.split_once('/').ok_or(CIDR)?;
    let (address, prefix) = (address.parse::<Ipv4Addr>().map_err(|_| CIDR)?, prefix.parse::<u32>().map_err(|_| CIDR)?);
    let hosts = 32_u32.checked_sub(prefix).ok_or(CIDR)?;
    let there = hosts.checked_sub(bits).map_or(0, |bits| 1_u64 << bits);
    if u64::from(count) > there || count > 256 {
        return Err(format!("Template error: Fn::Cidr has no {count} blocks of {bits} bits in {block}"));
    }
    let first = u64::from(u32::from(address)) >> hosts << hosts;
    let of = |nth: u32| {
        let begins = u32::try_from(first + (u64::from(nth) << bits)).unwrap_or(u32::MAX);
        Value::String(format!("{}/{}", Ipv4Addr::from(begins), 32 - bits))
    };
    Ok((0..count).map(of).collect())
}

/// Counts the text that a value holds, in bytes.
fn text_bytes(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(text_bytes).sum(),
        Value::Object(map) => map.iter().map(|(name, value)| name.len() + text_bytes(value)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

/// A plain value as text, the way CloudFormation writes it.
pub(crate) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// CloudFormation does not tell 1 from "1" nor true from "true".
pub(crate) fn comparable(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(comparable).collect(),
        Value::Object(map) => map.into_iter().map(|(name, value)| (name, comparable(value))).collect(),
        other => scalar(&other).map_or(Value::Null, Value::String),
    }
}

#[cfg(test)]
#[path = "resolve_tests.rs"]
mod tests;
