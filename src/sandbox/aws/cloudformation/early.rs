//! What CloudFormation finds of a change set before it may be executed: properties that a type does not have or that are
//! missing, and names that are taken.
//!
//! Source: CloudFormation user guide, "Validate stack deployments" (2026-11); the sentences are those of answers of
//! DescribeEvents that were published.

use serde_json::Value;

use super::findings::ValidationFinding;
use super::model::{ChangeAction, ResourceChange};
use super::resolve::KNOWN_AFTER_APPLY;
use super::resource_types;
use crate::aws::state::CloudState;

/// Looks through the changes of a change set. Values that only its execution knows pass, and so do those of another shape,
/// which fail when it runs.
pub(crate) fn findings(changes: &[ResourceChange], state: &CloudState) -> Vec<ValidationFinding> {
    let mut found = Vec::new();
    for change in changes.iter().filter(|c| matches!(c.action, ChangeAction::Add | ChangeAction::Modify)) {
        let Some(kind) = resource_types::kind(&change.kind) else { continue };
        let after: Value =
            change.after.as_deref().and_then(|after| serde_json::from_str(after).ok()).unwrap_or_default();
        let properties = &after["Properties"];
        let mut tell = |taken: Option<String>, place: String, reason: String| {
            found.push(ValidationFinding {
                logical_id: change.logical_id.clone(),
                kind: change.kind.clone(),
                taken,
                path: format!("/Resources/{}{place}", change.logical_id),
                reason,
            });
        };
        let given = properties.as_object().into_iter().flatten().map(|(name, _)| name);
        for name in given.filter(|name| kind.property(name).is_none()) {
            tell(None, format!("/Properties/{name}"), format!("Unsupported property [{name}]"));
        }
        for property in kind.properties.iter().filter(|p| p.required && properties[p.name].is_null()) {
            tell(None, "/Properties".into(), format!("Required property [{}] not found", property.name));
        }
        let named = kind.named_by.and_then(|name| properties[name].as_str());
        let named = named.filter(|name| change.action == ChangeAction::Add && !name.contains(KNOWN_AFTER_APPLY));
        if let Some(name) = named.filter(|name| is_taken(state, &change.kind, name)) {
            let reason = format!("Resource of type '{}' with identifier '{name}' already exists.", change.kind);
            tell(Some(name.to_owned()), String::new(), reason);
        }
    }
    found
}

fn is_taken(state: &CloudState, kind: &str, name: &str) -> bool {
    match kind {
        "AWS::IAM::ManagedPolicy" => state.iam.policies.values().any(|policy| policy.name == name),
        "AWS::IAM::Role" => state.iam.roles.contains_key(name),
        "AWS::Lambda::Function" => state.functions.contains_key(name),
        "AWS::Logs::LogGroup" => state.log_groups.contains_key(name),
        "AWS::S3::Bucket" => state.buckets.contains_key(name),
        "AWS::SSM::Parameter" => state.parameters.contains_key(name),
        _ => state.inert.contains_key(&format!("{kind} {name}")),
    }
}

/// Says why a change set with such findings has failed; None without any.
pub(crate) fn reason(findings: &[ValidationFinding]) -> Option<String> {
    let any = |check: &str| findings.iter().any(|finding| finding.check() == check);
    let failed: Vec<&str> = [
        ("PROPERTY_VALIDATION", "AWS::EarlyValidation::PropertyValidation"),
        ("NAME_CONFLICT_VALIDATION", "AWS::EarlyValidation::ResourceExistenceCheck"),
    ]
    .into_iter()
    .filter(|(check, _)| any(check))
    .map(|(_, name)| name)
    .collect();
    (!failed.is_empty()).then(|| {
        format!(
            "The following hook(s)/validation failed: [{}]. To troubleshoot Early Validation errors, use the DescribeEvents \
             API for detailed failure information.",
            failed.join(", ")
        )
    })
}
