//! The difference between what a stack is and what it is to become, property by property.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::model::{ChangeAction, PropertyChange, Resource, ResourceChange, StackDefinition};
use super::resolve::{KNOWN_AFTER_APPLY, Scope, comparable};
use super::resource_types;
use super::schema;
use super::template::{references, section};
use super::validate::dependencies;

/// The parts of a resource besides its properties that can change.
const ATTRIBUTES: [&str; 3] = ["Metadata", "DeletionPolicy", "UpdateReplacePolicy"];

/// Compares a stack with what it is to become, resource by resource. `scope` is of the target, its `unknown` empty.
///
/// # Errors
/// CloudFormation's sentence for a value that cannot be evaluated.
pub(crate) fn plan(
    target: &StackDefinition,
    old: &StackDefinition,
    resources: &BTreeMap<String, Resource>,
    scope: &Scope<'_>,
    import_existing: &dyn Fn(&str, &Value) -> bool,
) -> Result<Vec<ResourceChange>, String> {
    let mut wanted = BTreeSet::new();
    for (name, member) in section(&target.template, "Resources") {
        if scope.included(member)? {
            wanted.insert(name.clone());
        }
    }
    let needs = dependencies(&target.template, &wanted);
    let mut unknown = BTreeSet::new();
    let mut changes = Vec::new();
    let mut waiting: BTreeSet<&String> = wanted.iter().collect();
    while let Some(name) = waiting.iter().find(|n| needs[**n].iter().all(|need| !waiting.contains(need))).copied() {
        waiting.remove(name);
        let definition = &target.template["Resources"][name];
        let here = Scope { unknown: &unknown, ..*scope };
        let properties =
            here.resolve(&definition["Properties"])?.filter(|p| !p.is_null()).unwrap_or(Value::Object(Map::new()));
        let change = match resources.get(name).filter(|r| r.exists()) {
            None => Some(added(name, definition, &properties, import_existing)),
            Some(resource) => {
                let retags = target.tags != old.tags;
                let old = &old.template["Resources"][name];
                let cause = Cause { old, new: definition, target, unknown: &unknown, retags };
                modified(name, definition, resource, &properties, &cause)
            }
        };
        if let Some(change) = change {
            if matches!(change.action, ChangeAction::Add | ChangeAction::Import)
                || change.replacement.as_deref() == Some("True")
            {
                unknown.insert(name.clone());
            }
            // An attribute that has the name of a changed property is what the change will make of it
            // (localstack/localstack, test_change_set_fn_get_attr).
            unknown.extend(change.details.iter().filter_map(|d| Some(format!("{name}.{}", d.name.as_ref()?))));
            changes.push(change);
        }
    }
    for (name, resource) in resources.iter().filter(|(name, r)| r.exists() && !wanted.contains(*name)) {
        changes.push(ResourceChange {
            action: ChangeAction::Remove,
            policy: Some(resource.deletion_policy.clone().unwrap_or_else(|| "Delete".into())),
            physical_id: resource.physical_id.clone(),
            before: Some(context(&resource.properties)),
            ..blank(name, &resource.kind)
        });
    }
    changes.sort_by(|a, b| a.logical_id.cmp(&b.logical_id));
    Ok(changes)
}

fn blank(name: &str, kind: &str) -> ResourceChange {
    ResourceChange {
        action: ChangeAction::Add,
        logical_id: name.into(),
        physical_id: None,
        kind: kind.into(),
        replacement: None,
        scope: Vec::new(),
        details: Vec::new(),
        policy: None,
        before: None,
        after: None,
    }
}

fn added(
    name: &str,
    definition: &Value,
    properties: &Value,
    importable: &dyn Fn(&str, &Value) -> bool,
) -> ResourceChange {
    let kind = definition["Type"].as_str().unwrap_or_default();
    let action = if importable(kind, properties) { ChangeAction::Import } else { ChangeAction::Add };
    ResourceChange { action, after: Some(context(properties)), ..blank(name, kind) }
}

struct Cause<'a> {
    old: &'a Value,
    new: &'a Value,
    target: &'a StackDefinition,
    unknown: &'a BTreeSet<String>,
    /// The stack's own tags change.
    retags: bool,
}

fn modified(
    name: &str,
    definition: &Value,
    resource: &Resource,
    properties: &Value,
    cause: &Cause<'_>,
) -> Option<ResourceChange> {
    let mut details = Vec::new();
    let (before, after) = (comparable(resource.properties.clone()), comparable(properties.clone()));
    let keys: BTreeSet<&String> =
        [&before, &after].into_iter().filter_map(Value::as_object).flat_map(Map::keys).collect();
    let kind = resource_types::kind(&resource.kind);
    for key in keys {
        let recreation = match kind.and_then(|k| k.property(key)).map(|p| p.replaces) {
            Some(schema::UpdateBehavior::Always) => "Always",
            Some(schema::UpdateBehavior::Never) | None => "Never",
        };
        walk(&format!("/Properties/{key}"), before.get(key), after.get(key), &mut |path, old, new| {
            details.push(cause.detail(key, path, recreation, old, new));
        });
    }
    if cause.retags && resource_types::keeps_tags(&resource.kind) {
        details.push(of_attribute("Tags", None, None));
    }
    for attribute in ATTRIBUTES {
        let old = match attribute {
            "Metadata" => resource.metadata.clone(),
            "DeletionPolicy" => resource.deletion_policy.clone().into(),
            _ => resource.replace_policy.clone().into(),
        };
        let new = definition.get(attribute).cloned().unwrap_or(Value::Null);
        if old != new {
            let change = verb(old.is_null(), new.is_null()).into();
            details.push(PropertyChange { change, ..of_attribute(attribute, shown(&old), shown(&new)) });
        }
    }
    if details.is_empty() {
        return None;
    }
    let mut scope: Vec<String> = details.iter().map(|d| d.attribute.clone()).collect();
    scope.sort();
    scope.dedup();
    let forced = details.iter().filter(|d| d.recreation == "Always");
    let replacement = forced.map(|d| if d.evaluation == "Dynamic" { "Conditional" } else { "True" }).max();
    Some(ResourceChange {
        action: ChangeAction::Modify,
        physical_id: resource.physical_id.clone(),
        replacement: Some(replacement.unwrap_or("False").into()),
        policy: replacement.map(|_| match resource.replace_policy.as_deref() {
            Some("Retain") => "ReplaceAndRetain".to_owned(),
            _ => "ReplaceAndDelete".to_owned(),
        }),
        scope,
        details,
        before: Some(context(&resource.properties)),
        after: Some(context(properties)),
        ..blank(name, &resource.kind)
    })
}

/// The change of a part of a resource that is none of its properties.
fn of_attribute(attribute: &str, before: Option<String>, after: Option<String>) -> PropertyChange {
    PropertyChange {
        attribute: attribute.into(),
        name: None,
        path: format!("/{attribute}"),
        recreation: "Never".into(),
        before,
        after,
        change: "Modify".into(),
        evaluation: "Static".into(),
        source: "DirectModification".into(),
        cause: None,
    }
}

impl Cause<'_> {
    fn detail(
        &self,
        key: &str,
        path: &str,
        recreation: &str,
        old: Option<&Value>,
        new: Option<&Value>,
    ) -> PropertyChange {
        let (raw_old, raw_new) = (&self.old["Properties"][key], &self.new["Properties"][key]);
        let later = new.is_some_and(|value| value.to_string().contains(KNOWN_AFTER_APPLY));
        let referred = references(raw_new);
        let unknown = |(name, attribute): &&(String, Option<String>)| {
            let of = |attribute: &String| self.unknown.contains(&format!("{name}.{attribute}"));
            self.unknown.contains(name) || attribute.as_ref().is_some_and(of)
        };
        let resource = referred.iter().find(unknown).filter(|_| later);
        let parameter = referred.iter().find(|(name, _)| self.target.parameters.contains_key(name));
        let (source, cause) = match (resource, parameter) {
            (Some((name, Some(attribute))), _) => ("ResourceAttribute", Some(format!("{name}.{attribute}"))),
            (Some((name, None)), _) => ("ResourceReference", Some(name.clone())),
            (None, Some((name, _))) if raw_old == raw_new => ("ParameterReference", Some(name.clone())),
            (None, _) => ("DirectModification", None),
        };
        PropertyChange {
            attribute: "Properties".into(),
            name: Some(key.into()),
            path: path.into(),
            recreation: recreation.into(),
            before: old.and_then(shown),
            after: new.and_then(shown),
            change: verb(old.is_none(), new.is_none()).into(),
            evaluation: if later { "Dynamic" } else { "Static" }.into(),
            source: source.into(),
            cause,
        }
    }
}

/// Gets a place where two values differ, and what stands there in each.
type FoundDifference<'a> = dyn FnMut(&str, Option<&Value>, Option<&Value>) + 'a;

/// Calls `found` for every place where two values differ, as deep as both are maps.
fn walk(path: &str, old: Option<&Value>, new: Option<&Value>, found: &mut FoundDifference<'_>) {
    match (old, new) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                walk(&format!("{path}/{key}"), a.get(key), b.get(key), found);
            }
        }
        (old, new) if old == new => {}
        (old, new) => found(path, old, new),
    }
}

fn verb(from_nothing: bool, to_nothing: bool) -> &'static str {
    match (from_nothing, to_nothing) {
        (true, _) => "Add",
        (false, true) => "Remove",
        (false, false) => "Modify",
    }
}

fn shown(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => Some(value.to_string()),
    }
}

fn context(properties: &Value) -> String {
    serde_json::json!({ "Properties": properties }).to_string()
}

/// Tells that applying the target would do nothing at all.
pub(crate) fn nothing_changes(
    changes: &[ResourceChange],
    target: &StackDefinition,
    old: &StackDefinition,
    outputs_differ: bool,
) -> bool {
    changes.is_empty() && !outputs_differ && target.tags == old.tags && target.parameters == old.parameters
}
