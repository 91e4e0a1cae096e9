//! Roles and policies.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::handler::{
    HandlerResult, ResourceContext, ResourceWork, SystemTags, created, creates, named, physical, refusal, text,
};
use crate::aws::cloudformation::model::{ResourceJob, Verb};
use crate::aws::error::AwsError;
use crate::iam::{ManagedPolicy, Role, policy};

const SERVICE: &str = "Iam";

fn refused(context: &mut ResourceContext<'_>, status: u16, message: String, code: &str) -> String {
    refusal(&mut context.world.ids, SERVICE, &AwsError::new(status, "", message), code)
}

fn well_formed(context: &mut ResourceContext<'_>, document: &Value, trust: bool) -> Result<(), String> {
    match policy::malformed(document, trust) {
        None => Ok(()),
        Some(why) => Err(refused(context, 400, why, "InvalidRequest")),
    }
}

/// IAM's quotas, in characters without white space: of a trust policy, of a role's inline policies together, of a
/// managed policy (IAM user guide, "IAM and AWS STS quotas", 2026-11).
const LONGEST_TRUST: usize = 2_048;
const LONGEST_INLINE: usize = 10_240;
const LONGEST_MANAGED: usize = 6_144;

/// A document's characters as IAM counts them.
fn size(document: &Value) -> usize {
    document.to_string().chars().filter(|c| !c.is_whitespace()).count()
}

fn within(context: &mut ResourceContext<'_>, size: usize, most: usize, refusal: String) -> Result<(), String> {
    if size > most { Err(refused(context, 409, refusal, "ServiceLimitExceeded")) } else { Ok(()) }
}

fn inline_within(
    context: &mut ResourceContext<'_>,
    role: &str,
    inline: &BTreeMap<String, Value>,
) -> Result<(), String> {
    let refusal = format!("Maximum policy size of {LONGEST_INLINE} bytes exceeded for role {role}");
    within(context, inline.values().map(size).sum(), LONGEST_INLINE, refusal)
}

fn list(properties: &Value, name: &str) -> Vec<String> {
    let items = properties[name].as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Handles roles. Policies that other resources put in one stay.
pub(crate) fn role(context: &mut ResourceContext<'_>, job: &ResourceJob) -> HandlerResult {
    if job.verb == Verb::Delete {
        context.world.state.iam.roles.remove(&physical(job));
        return Ok(ResourceWork::Done(created(physical(job), [])));
    }
    let properties = &job.properties;
    let trust = &properties["AssumeRolePolicyDocument"];
    well_formed(context, trust, true)?;
    within(context, size(trust), LONGEST_TRUST, format!("Cannot exceed quota for ACLSizePerRole: {LONGEST_TRUST}"))?;
    let mut inline = BTreeMap::new();
    for policy in properties["Policies"].as_array().into_iter().flatten() {
        well_formed(context, &policy["PolicyDocument"], false)?;
        inline.insert(text(policy, "PolicyName").unwrap_or_default(), policy["PolicyDocument"].clone());
    }
    let mut managed = list(properties, "ManagedPolicyArns");
    for arn in managed.iter().cloned().chain(text(properties, "PermissionsBoundary")) {
        if context.world.state.iam.document(&arn).is_none() {
            let message = format!(
                "Policy {arn} does not exist or is not attachable. The workshop sandbox knows few of AWS's own policies: add the statements to the role instead."
            );
            return Err(refused(context, 404, message, "NotFound"));
        }
    }
    let name = if creates(job) { named(context, job, "RoleName", 64) } else { physical(job) };
    let old = context.world.state.iam.roles.get(&name).cloned();
    if creates(job) && old.is_some() {
        return Err(refused(context, 409, format!("Role with name {name} already exists."), "AlreadyExists"));
    }
    if let (Some(old), Some(previous)) = (&old, &job.previous) {
        // What other resources attached to the role stays.
        let own: Vec<String> = previous.properties["Policies"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|p| text(p, "PolicyName"))
            .collect();
        let others = old.inline.iter().filter(|(name, _)| !own.contains(name));
        for (name, document) in others {
            inline.entry(name.clone()).or_insert_with(|| document.clone());
        }
        let own = list(&previous.properties, "ManagedPolicyArns");
        managed.extend(old.managed.iter().filter(|arn| !own.contains(arn)).cloned());
    }
    inline_within(context, &name, &inline)?;
    let path = text(properties, "Path").unwrap_or_else(|| "/".into());
    let iam = &context.world.state.iam;
    let role = Role {
        arn: iam.role_arn(&path, &name),
        id: old.as_ref().map_or_else(|| context.world.ids.unique("AROA"), |old| old.id.clone()),
        path,
        created: old.map_or(context.now, |old| old.created),
        trust: properties["AssumeRolePolicyDocument"].clone(),
        inline,
        managed,
        boundary: text(properties, "PermissionsBoundary"),
        description: text(properties, "Description"),
        max_session: text(properties, "MaxSessionDuration").and_then(|s| s.parse().ok()).unwrap_or(3600),
        tags: context.tags(job, SystemTags::None),
    };
    let created = created(&name, [("Arn", json!(role.arn)), ("RoleId", json!(role.id))]);
    context.world.state.iam.roles.insert(name, role);
    Ok(ResourceWork::Done(created))
}

/// `AWS::IAM::Policy` and `AWS::IAM::RolePolicy`: a document inside one or more roles.
pub(crate) fn inline_policy(context: &mut ResourceContext<'_>, job: &ResourceJob) -> HandlerResult {
    let roles = |properties: &Value| match text(properties, "RoleName") {
        Some(one) => vec![one],
        None => list(properties, "Roles"),
    };
    let wanted = if job.verb == Verb::Delete { Vec::new() } else { roles(&job.properties) };
    let (name, document) = (text(&job.properties, "PolicyName").unwrap_or_default(), &job.properties["PolicyDocument"]);
    if job.verb != Verb::Delete {
        well_formed(context, document, false)?;
        for other in ["Groups", "Users"] {
            if !list(&job.properties, other).is_empty() {
                return Err(format!("the workshop sandbox has no IAM {}", other.to_lowercase()));
            }
        }
        if wanted.is_empty() {
            return Err(refused(
                context,
                400,
                "At least one of [Groups,Roles,Users] must be non-empty.".into(),
                "InvalidRequest",
            ));
        }
        if let Some(missing) = wanted.iter().find(|role| !context.world.state.iam.roles.contains_key(*role)) {
            return Err(refused(context, 404, format!("The role with name {missing} cannot be found."), "NotFound"));
        }
        for role in &wanted {
            let mut inline =
                context.world.state.iam.roles.get(role).map(|role| role.inline.clone()).unwrap_or_default();
            inline.insert(name.clone(), document.clone());
            inline_within(context, role, &inline)?;
        }
    }
    let all = &mut context.world.state.iam.roles;
    if let Some(previous) = job.previous.as_ref().filter(|_| job.verb != Verb::Replace) {
        let old_name = text(&previous.properties, "PolicyName").unwrap_or_default();
        for role in roles(&previous.properties) {
            if let Some(role) = all.get_mut(&role) {
                role.inline.remove(&old_name);
            }
        }
    }
    for role in wanted {
        if let Some(role) = all.get_mut(&role) {
            role.inline.insert(name.clone(), document.clone());
        }
    }
    let id = if creates(job) { context.name(&job.logical_id, 128) } else { physical(job) };
    Ok(ResourceWork::Done(created(&id, [("Id", json!(id))])))
}

/// Handles customer managed policies, in one version.
pub(crate) fn managed_policy(context: &mut ResourceContext<'_>, job: &ResourceJob) -> HandlerResult {
    let detach = |context: &mut ResourceContext<'_>, arn: &str| {
        context.world.state.iam.roles.values_mut().for_each(|role| role.managed.retain(|one| one != arn));
    };
    if job.verb == Verb::Delete {
        detach(context, &physical(job));
        context.world.state.iam.policies.remove(&physical(job));
        return Ok(ResourceWork::Done(created(physical(job), [])));
    }
    let document = job.properties["PolicyDocument"].clone();
    well_formed(context, &document, false)?;
    let refusal = format!("Cannot exceed quota for PolicySize: {LONGEST_MANAGED}");
    within(context, size(&document), LONGEST_MANAGED, refusal)?;
    let roles = list(&job.properties, "Roles");
    if let Some(missing) = roles.iter().find(|role| !context.world.state.iam.roles.contains_key(*role)) {
        return Err(refused(context, 404, format!("The role with name {missing} cannot be found."), "NotFound"));
    }
    let (arn, name) = if creates(job) {
        let name = named(context, job, "ManagedPolicyName", 128);
        let path = text(&job.properties, "Path").unwrap_or_else(|| "/".into());
        (format!("arn:aws:iam::{}:policy{path}{name}", context.world.state.account), name)
    } else {
        let arn = physical(job);
        let name = arn.rsplit('/').next().unwrap_or_default().to_owned();
        (arn, name)
    };
    if creates(job) && context.world.state.iam.policies.contains_key(&arn) {
        return Err(refused(
            context,
            409,
            format!("A policy called {name} already exists. Duplicate names are not allowed."),
            "AlreadyExists",
        ));
    }
    detach(context, &arn);
    for role in roles {
        if let Some(role) = context.world.state.iam.roles.get_mut(&role) {
            role.managed.push(arn.clone());
        }
    }
    let old = context.world.state.iam.policies.get(&arn).map(|p| p.id.clone());
    let id = old.unwrap_or_else(|| context.world.ids.unique("ANPA"));
    let created = created(&arn, [("PolicyArn", json!(arn)), ("PolicyId", json!(id))]);
    context.world.state.iam.policies.insert(arn, ManagedPolicy { name, id, document });
    Ok(ResourceWork::Done(created))
}
