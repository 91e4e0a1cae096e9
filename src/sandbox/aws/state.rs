//! Everything the endpoint remembers.
//!
//! Invariant: plain data, and all of it in one value; [`store`](super::store) brings it to the disk and back.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::cloudformation::model::{Resource, Stack, StackExport, StackStatus};
use super::function_names;
use super::ids::Ids;
use super::records::{Bucket, ClusterRecord, FunctionRecord, HttpApiRecord, LogGroup, MultipartUpload, SsmParameter};
use super::time::Instant;
use crate::iam::Iam;

/// Raised when the layout changes in a way that an older reader would misread.
pub(crate) const FORMAT: u32 = 1;
/// Deleted stacks that can still be described.
const MOST_DELETED: usize = 10;

#[derive(Serialize, Deserialize)]
pub(crate) struct CloudState {
    pub format: u32,
    pub account: String,
    pub region: String,
    pub iam: Iam,
    pub parameters: BTreeMap<String, SsmParameter>,
    pub buckets: BTreeMap<String, Bucket>,
    pub functions: BTreeMap<String, FunctionRecord>,
    pub clusters: BTreeMap<String, ClusterRecord>,
    /// By id.
    pub stacks: BTreeMap<String, Stack>,
    pub log_groups: BTreeMap<String, LogGroup>,
    /// By id.
    #[serde(default)]
    pub http_apis: BTreeMap<String, HttpApiRecord>,
    /// By id.
    #[serde(default)]
    pub uploads: BTreeMap<String, MultipartUpload>,
    /// Keys, aliases, repositories: there to be named, not to be used. By kind and physical id.
    pub inert: BTreeMap<String, Value>,
}

impl CloudState {
    /// Returns an empty account with its one user.
    pub(crate) fn new(account: &str, region: &str, ids: &mut Ids) -> Self {
        CloudState::holding_nothing(account.into(), region.into(), Iam::new(account, region, ids))
    }

    /// Returns the same account with nothing in it but its user, whose credentials stay as they are.
    pub(crate) fn emptied(&self) -> Self {
        CloudState::holding_nothing(self.account.clone(), self.region.clone(), self.iam.emptied())
    }

    fn holding_nothing(account: String, region: String, iam: Iam) -> Self {
        CloudState {
            format: FORMAT,
            account,
            region,
            iam,
            parameters: BTreeMap::new(),
            buckets: BTreeMap::new(),
            functions: BTreeMap::new(),
            clusters: BTreeMap::new(),
            stacks: BTreeMap::new(),
            log_groups: BTreeMap::new(),
            http_apis: BTreeMap::new(),
            uploads: BTreeMap::new(),
            inert: BTreeMap::new(),
        }
    }

    /// Gives functions that stand under an ARN or under a name with a version, as until 2026-12 a request could make them,
    /// the name that was meant, so that they can be reached; one whose name another function has goes.
    pub(crate) fn mend_function_names(&mut self) {
        let broken: Vec<String> = self.functions.keys().filter(|name| name.contains(':')).cloned().collect();
        for given in broken {
            let Some(mut function) = self.functions.remove(&given) else { continue };
            let name = function_names::split(&given).0;
            if self.functions.contains_key(name) || name.contains(':') {
                tracing::warn!(function = given, "a function under a name that is none could not be kept");
                continue;
            }
            function.arn = function_names::arn(&self.account, &self.region, name);
            for version in function.versions.values_mut() {
                version.arn.clone_from(&function.arn);
            }
            self.functions.insert(name.to_owned(), function);
        }
    }

    /// Forgets the oldest of the deleted stacks: AWS does so after 90 days, here a number must do.
    pub(crate) fn forget_deleted_stacks(&mut self) {
        let gone = |stack: &&Stack| stack.status == StackStatus::DeleteComplete;
        let mut deleted: Vec<(Instant, String)> =
            self.stacks.values().filter(gone).filter_map(|stack| Some((stack.deleted?, stack.id.clone()))).collect();
        deleted.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        for (_, id) in deleted.into_iter().skip(MOST_DELETED) {
            self.stacks.remove(&id);
        }
    }

    /// A live stack by name, or any stack by id.
    pub(crate) fn stack(&self, name_or_id: &str) -> Option<&Stack> {
        self.stacks.get(name_or_id).or_else(|| {
            self.stacks.values().find(|stack| stack.name == name_or_id && stack.status != StackStatus::DeleteComplete)
        })
    }

    /// What all live stacks export, by name.
    pub(crate) fn exports(&self) -> BTreeMap<String, StackExport> {
        let live = self.stacks.values().filter(|stack| stack.status != StackStatus::DeleteComplete);
        let outputs = live.flat_map(|stack| stack.outputs.iter().map(|output| (output, stack.name.clone())));
        let exports = outputs.filter_map(|(output, stack)| {
            Some((output.export.clone()?, StackExport { value: output.value.clone(), stack }))
        });
        exports.collect()
    }

    /// Has all that names the old place of a front on loopback name its new one: what stacks keep of it, parameters, and the
    /// variables of functions.
    pub(crate) fn move_front(&mut self, from: u16, to: u16) {
        let [from, to] = [from, to].map(|port| format!("http://127.0.0.1:{port}"));
        let move_text = |text: &mut String| readdress(text, &from, &to);
        let move_resource = |resource: &mut Resource| {
            resource.attributes.values_mut().for_each(|value| each_text(value, &move_text));
            each_text(&mut resource.properties, &move_text);
        };
        for stack in self.stacks.values_mut() {
            stack.outputs.iter_mut().for_each(|output| move_text(&mut output.value));
            let operations = [&mut stack.operation, &mut stack.suspended].into_iter().flatten();
            let targets = operations.map(|operation| &mut operation.target).chain([&mut stack.target]);
            for parameter in targets.flat_map(|target| target.parameters.values_mut()) {
                move_text(&mut parameter.given);
                parameter.resolved.iter_mut().for_each(move_text);
            }
            let before = [&mut stack.operation, &mut stack.suspended].into_iter().flatten();
            let before = before.flat_map(|operation| operation.before.values_mut());
            stack.resources.values_mut().chain(before).for_each(move_resource);
        }
        self.parameters.values_mut().for_each(|parameter| move_text(&mut parameter.value));
        for function in self.functions.values_mut() {
            let versions = function.versions.values_mut().flat_map(|version| version.environment.values_mut());
            function.environment.values_mut().chain(versions).for_each(move_text);
        }
    }

    /// Returns the values of all SSM parameters by name.
    pub(crate) fn ssm_values(&self) -> BTreeMap<String, String> {
        self.parameters.iter().map(|(name, parameter)| (name.clone(), parameter.value.clone())).collect()
    }

    /// Names of the uploads that something refers to.
    pub(crate) fn blobs(&self) -> BTreeSet<&str> {
        let objects =
            self.buckets.values().flat_map(|bucket| bucket.objects.values()).map(|object| object.blob.as_str());
        let functions = self.functions.values();
        let versions = functions.clone().flat_map(|function| function.versions.values());
        let parts = self.uploads.values().flat_map(|upload| upload.parts.values()).map(|part| part.blob.as_str());
        objects.chain(parts).chain(functions.chain(versions).map(|function| function.blob.as_str())).collect()
    }
}

/// Replaces an address wherever it stands in a text; one that only begins like it stays.
fn readdress(text: &mut String, from: &str, to: &str) {
    let mut made = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find(from) {
        let after = &rest[at + from.len()..];
        made.push_str(&rest[..at]);
        made.push_str(if after.starts_with(|next: char| next.is_ascii_digit()) { from } else { to });
        rest = after;
    }
    *text = made + rest;
}

/// Changes every text within a value.
fn each_text(value: &mut Value, change: &impl Fn(&mut String)) {
    match value {
        Value::String(text) => change(text),
        Value::Array(items) => items.iter_mut().for_each(|item| each_text(item, change)),
        Value::Object(map) => map.values_mut().for_each(|value| each_text(value, change)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_replaced_where_it_stands_whole() {
        let mut text = "http://127.0.0.1:80/a http://127.0.0.1:8080 http://127.0.0.1:80".to_owned();
        readdress(&mut text, "http://127.0.0.1:80", "http://127.0.0.1:9");
        assert_eq!(text, "http://127.0.0.1:9/a http://127.0.0.1:8080 http://127.0.0.1:9");
    }
}
