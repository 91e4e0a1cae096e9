//! A client's template and parameters, checked, and the stack that they are to become.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::aws::cloudformation::changes;
use crate::aws::cloudformation::conditions::Evaluation;
use crate::aws::cloudformation::model::{ResourceChange, Stack, StackDefinition};
use crate::aws::cloudformation::parameters::{self, GivenParameter};
use crate::aws::cloudformation::resolve::Scope;
use crate::aws::cloudformation::template::{self, section};
use crate::aws::cloudformation::{resource_types, validate};
use crate::aws::error::{AwsError, AwsResult};
use crate::aws::s3;
use crate::aws::service::{Call, flag, items, text};
use crate::aws::tags;

/// The template of a request: its text and its value.
pub(super) fn submitted(
    call: &Call<'_>,
    input: &Value,
    previous: Option<&StackDefinition>,
) -> AwsResult<(String, Value)> {
    if text(input, "TemplateBody").is_some() && text(input, "TemplateURL").is_some() {
        // Worded after the API reference, CreateStack (2026-11).
        return Err(AwsError::validation(
            "You must specify either the TemplateBody or the TemplateURL parameter, but not both.",
        ));
    }
    let body = match (text(input, "TemplateBody"), text(input, "TemplateURL"), flag(input, "UsePreviousTemplate")) {
        (Some(body), _, _) if body.len() > template::MAX_INLINE => {
            return Err(AwsError::validation(format!(
                "1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must have length less than or equal to {}",
                template::MAX_INLINE
            )));
        }
        (Some(body), _, _) => body.to_owned(),
        (None, Some(url), _) => fetched(call, url)?,
        (None, None, true) => match previous {
            Some(target) => target.text.clone(),
            None => return Err(AwsError::validation("There is no previous template to use")),
        },
        (None, None, false) => {
            return Err(AwsError::validation("Either Template URL or Template Body must be specified."));
        }
    };
    let value = template::parse(&body).map_err(AwsError::validation)?;
    Ok((body, value))
}

fn fetched(call: &Call<'_>, url: &str) -> AwsResult<String> {
    let refused = |why: &str| AwsError::validation(format!("S3 error: {why}"));
    let (bucket, key) = s3::locate(url).ok_or_else(|| AwsError::validation("TemplateURL must be a supported URL."))?;
    call.allow("s3:GetObject", &format!("arn:aws:s3:::{bucket}/{key}")).map_err(|_| refused("Access Denied"))?;
    let found = call.world.state.buckets.get(&bucket).and_then(|bucket| bucket.objects.get(&key));
    let object = found.ok_or_else(|| refused("The specified key does not exist."))?;
    if object.size as usize > template::MAX_STORED {
        return Err(AwsError::validation(format!("Template may not exceed {} bytes in size.", template::MAX_STORED)));
    }
    let body = call.world.store.get(&object.blob).map_err(|_| refused("The specified key does not exist."))?;
    String::from_utf8(body.to_vec()).map_err(|_| AwsError::validation("Template format error: not a text"))
}

/// Checks a request's template and parameters, and makes them what the stack is to become.
pub(super) fn target(call: &Call<'_>, input: &Value, old: Option<&Stack>) -> AwsResult<StackDefinition> {
    let (text_body, template) = submitted(call, input, old.map(|stack| &stack.target))?;
    validate::template(&template)?;
    allowed_types(&template, input)?;
    if let Some(old) = old {
        same_types(&template, old)?;
    }
    let given = items(input, "Parameters").iter().filter_map(|p| {
        let value = match flag(p, "UsePreviousValue") {
            true => GivenParameter::Previous,
            false => GivenParameter::Value(p["ParameterValue"].as_str().unwrap_or_default().to_owned()),
        };
        Some((p["ParameterKey"].as_str()?.to_owned(), value))
    });
    let empty = BTreeMap::new();
    let previous = old.map_or(&empty, |stack| &stack.target.parameters);
    let ssm = call.world.state.ssm_values();
    let parameters = parameters::bind(&template, &given.collect(), previous, &ssm).map_err(AwsError::validation)?;
    let capabilities: Vec<String> =
        items(input, "Capabilities").iter().filter_map(Value::as_str).map(str::to_owned).collect();
    validate::capabilities(&template, &capabilities)?;
    let role_arn =
        text(input, "RoleARN").map(str::to_owned).or_else(|| old.and_then(|stack| stack.target.role_arn.clone()));
    if let Some(arn) = &role_arn {
        service_role(call, arn)?;
    }
    let tags = match input.get("Tags") {
        Some(Value::Array(_)) => tags::map(&input["Tags"]).unwrap_or_default(),
        // An empty list, as the query protocol writes it, takes all tags away (API reference, UpdateStack, 2026-11).
        Some(Value::String(none)) if none.is_empty() => BTreeMap::new(),
        _ => old.map(|stack| stack.target.tags.clone()).unwrap_or_default(),
    };
    let target = StackDefinition { text: text_body, template, parameters, role_arn, capabilities, tags };
    let nothing = BTreeSet::new();
    let none = BTreeMap::new();
    let exports = call.world.state.exports();
    validate::with_parameters(&Scope {
        template: &target.template,
        parameters: &target.parameters,
        resources: &none,
        unknown: &nothing,
        exports: &exports,
        ssm: &ssm,
        stack_name: "",
        stack_id: "",
        account: &call.world.state.account,
        region: &call.world.state.region,
        evaluation: &Evaluation::default(),
    })?;
    Ok(target)
}

/// Holds a template to the resource types that the caller lets it have: `AWS::*`, `AWS::S3::*`, `AWS::S3::Bucket`.
fn allowed_types(template: &Value, input: &Value) -> AwsResult<()> {
    let allowed: Vec<&str> = items(input, "ResourceTypes").iter().filter_map(Value::as_str).collect();
    if allowed.is_empty() {
        return Ok(());
    }
    let fits = |kind: &str| {
        allowed.iter().any(|pattern| match pattern.strip_suffix("::*") {
            Some(prefix) => kind.strip_prefix(prefix).is_some_and(|rest| rest.starts_with("::")),
            None => *pattern == kind,
        })
    };
    let kinds = section(template, "Resources").filter_map(|(_, resource)| resource["Type"].as_str());
    match kinds.into_iter().find(|kind| !fits(kind)) {
        None => Ok(()),
        // Recorded in localstack/localstack, test_update_with_resource_types.
        Some(kind) => Err(AwsError::validation(format!(
            "Resource type {kind} is not allowed by parameter ResourceTypes [{}]",
            allowed.join(", ")
        ))),
    }
}

fn same_types(template: &Value, old: &Stack) -> AwsResult<()> {
    let changed: Vec<&str> = section(template, "Resources")
        .filter(|(name, r)| old.resources.get(*name).is_some_and(|o| o.exists() && r["Type"] != o.kind.as_str()))
        .map(|(name, _)| name.as_str())
        .collect();
    match changed.is_empty() {
        true => Ok(()),
        false => Err(AwsError::validation(format!(
            "Update of resource type is not permitted. The new template modifies resource type of the following resources: [{}]",
            changed.join(", ")
        ))),
    }
}

/// The role that CloudFormation works with.
fn service_role(call: &Call<'_>, arn: &str) -> AwsResult<()> {
    call.allow("iam:PassRole", arn)?;
    let iam = &call.world.state.iam;
    let usable = iam.role_by_arn(arn).is_some_and(|(_, role)| iam.trusts_service(role, "cloudformation.amazonaws.com"));
    match usable {
        true => Ok(()),
        false => Err(AwsError::validation(format!("Role {arn} is invalid or cannot be assumed"))),
    }
}

/// Returns the definition of a stack that is only being reviewed.
pub(super) fn empty_target() -> StackDefinition {
    StackDefinition {
        text: String::new(),
        template: Value::Object(Map::new()),
        parameters: BTreeMap::new(),
        role_arn: None,
        capabilities: Vec::new(),
        tags: BTreeMap::new(),
    }
}

/// Compares a stack with a definition. `import`: take over buckets that exist already.
pub(super) fn plan(
    call: &Call<'_>,
    target: &StackDefinition,
    stack: &Stack,
    import: bool,
) -> AwsResult<Vec<ResourceChange>> {
    let nothing = BTreeSet::new();
    let (exports, ssm) = (call.world.state.exports(), call.world.state.ssm_values());
    let scope = Scope {
        template: &target.template,
        parameters: &target.parameters,
        resources: &stack.resources,
        unknown: &nothing,
        exports: &exports,
        ssm: &ssm,
        stack_name: &stack.name,
        stack_id: &stack.id,
        account: &call.world.state.account,
        region: &call.world.state.region,
        evaluation: &Evaluation::default(),
    };
    let importable = |kind: &str, properties: &Value| {
        let name = resource_types::kind(kind).and_then(|k| k.named_by).and_then(|name| properties[name].as_str());
        import && kind == "AWS::S3::Bucket" && name.is_some_and(|name| call.world.state.buckets.contains_key(name))
    };
    changes::plan(target, &stack.target, &stack.resources, &scope, &importable).map_err(AwsError::validation)
}

/// Tells that the outputs' definitions make a difference by themselves.
pub(super) fn outputs_differ(target: &StackDefinition, stack: &Stack) -> bool {
    target.template.get("Outputs") != stack.target.template.get("Outputs")
}
