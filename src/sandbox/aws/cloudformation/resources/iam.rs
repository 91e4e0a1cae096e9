//! Roles and policies.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::super::engine::{Job, Verb};
use super::{Handled, Place, Work, creates, made, named, physical, refusal, text};
use crate::aws::error::AwsError;
use crate::aws::tags;
use crate::iam::{ManagedPolicy, Role, policy};

const SERVICE: &str = "Iam";

fn refused(place: &mut Place<'_>, status: u16, message: String, code: &str) -> String {
    refusal(&mut place.world.ids, SERVICE, &AwsError::new(status, "", message), code)
}

fn well_formed(place: &mut Place<'_>, document: &Value, trust: bool) -> Result<(), String> {
    match policy::malformed(document, trust) {
        None => Ok(()),
        Some(why) => Err(refused(place, 400, why, "InvalidRequest")),
    }
}

fn list(properties: &Value, name: &str) -> Vec<String> {
    let items = properties[name].as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

pub fn role(place: &mut Place<'_>, job: &Job) -> Handled {
    if job.verb == Verb::Delete {
        place.world.state.iam.roles.remove(&physical(job));
        return Ok(Work::Done(made(physical(job), [])));
    }
    let properties = &job.properties;
    well_formed(place, &properties["AssumeRolePolicyDocument"], true)?;
    let mut inline = BTreeMap::new();
    for policy in properties["Policies"].as_array().into_iter().flatten() {
        well_formed(place, &policy["PolicyDocument"], false)?;
        inline.insert(text(policy, "PolicyName").unwrap_or_default(), policy["PolicyDocument"].clone());
    }
    let mut managed = list(properties, "ManagedPolicyArns");
    for arn in managed.iter().cloned().chain(text(properties, "PermissionsBoundary")) {
        if place.world.state.iam.document(&arn).is_none() {
            let message = format!(
                "Policy {arn} does not exist or is not attachable. The workshop sandbox knows few of AWS's own policies: add the statements to the role instead."
            );
            return Err(refused(place, 404, message, "NotFound"));
        }
    }
    let name = if creates(job) { named(place, job, "RoleName", 64) } else { physical(job) };
    let old = place.world.state.iam.roles.get(&name).cloned();
    if creates(job) && old.is_some() {
        return Err(refused(place, 409, format!("Role with name {name} already exists."), "AlreadyExists"));
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
    let path = text(properties, "Path").unwrap_or_else(|| "/".into());
    let iam = &place.world.state.iam;
    let role = Role {
        arn: iam.role_arn(&path, &name),
        id: old.as_ref().map_or_else(|| place.world.ids.unique("AROA"), |old| old.id.clone()),
        path,
        created: old.map_or(place.now, |old| old.created),
        trust: properties["AssumeRolePolicyDocument"].clone(),
        inline,
        managed,
        boundary: text(properties, "PermissionsBoundary"),
        description: text(properties, "Description"),
        max_session: text(properties, "MaxSessionDuration").and_then(|s| s.parse().ok()).unwrap_or(3600),
        tags: tags::map(&properties["Tags"]).unwrap_or_default(),
    };
    let made = made(&name, [("Arn", json!(role.arn)), ("RoleId", json!(role.id))]);
    place.world.state.iam.roles.insert(name, role);
    Ok(Work::Done(made))
}

/// `AWS::IAM::Policy` and `AWS::IAM::RolePolicy`: a document inside one or more roles.
pub fn inline_policy(place: &mut Place<'_>, job: &Job) -> Handled {
    let roles = |properties: &Value| match text(properties, "RoleName") {
        Some(one) => vec![one],
        None => list(properties, "Roles"),
    };
    let wanted = if job.verb == Verb::Delete { Vec::new() } else { roles(&job.properties) };
    let (name, document) = (text(&job.properties, "PolicyName").unwrap_or_default(), &job.properties["PolicyDocument"]);
    if job.verb != Verb::Delete {
        well_formed(place, document, false)?;
        for other in ["Groups", "Users"] {
            if !list(&job.properties, other).is_empty() {
                return Err(format!("the workshop sandbox has no IAM {}", other.to_lowercase()));
            }
        }
        if wanted.is_empty() {
            return Err(refused(
                place,
                400,
                "At least one of [Groups,Roles,Users] must be non-empty.".into(),
                "InvalidRequest",
            ));
        }
        if let Some(missing) = wanted.iter().find(|role| !place.world.state.iam.roles.contains_key(*role)) {
            return Err(refused(place, 404, format!("The role with name {missing} cannot be found."), "NotFound"));
        }
    }
    let all = &mut place.world.state.iam.roles;
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
    let id = if creates(job) { place.name(&job.logical_id, 128) } else { physical(job) };
    Ok(Work::Done(made(&id, [("Id", json!(id))])))
}

pub fn managed_policy(place: &mut Place<'_>, job: &Job) -> Handled {
    let detach = |place: &mut Place<'_>, arn: &str| {
        place.world.state.iam.roles.values_mut().for_each(|role| role.managed.retain(|one| one != arn));
    };
    if job.verb == Verb::Delete {
        detach(place, &physical(job));
        place.world.state.iam.policies.remove(&physical(job));
        return Ok(Work::Done(made(physical(job), [])));
    }
    let document = job.properties["PolicyDocument"].clone();
    well_formed(place, &document, false)?;
    let roles = list(&job.properties, "Roles");
    if let Some(missing) = roles.iter().find(|role| !place.world.state.iam.roles.contains_key(*role)) {
        return Err(refused(place, 404, format!("The role with name {missing} cannot be found."), "NotFound"));
    }
    let (arn, name) = if creates(job) {
        let name = named(place, job, "ManagedPolicyName", 128);
        let path = text(&job.properties, "Path").unwrap_or_else(|| "/".into());
        (format!("arn:aws:iam::{}:policy{path}{name}", place.world.state.account), name)
    } else {
        let arn = physical(job);
        let name = arn.rsplit('/').next().unwrap_or_default().to_owned();
        (arn, name)
    };
    if creates(job) && place.world.state.iam.policies.contains_key(&arn) {
        return Err(refused(
            place,
            409,
            format!("A policy called {name} already exists. Duplicate names are not allowed."),
            "AlreadyExists",
        ));
    }
    detach(place, &arn);
    for role in roles {
        if let Some(role) = place.world.state.iam.roles.get_mut(&role) {
            role.managed.push(arn.clone());
        }
    }
    let old = place.world.state.iam.policies.get(&arn).map(|p| p.id.clone());
    let id = old.unwrap_or_else(|| place.world.ids.unique("ANPA"));
    let made = made(&arn, [("PolicyArn", json!(arn)), ("PolicyId", json!(id))]);
    place.world.state.iam.policies.insert(arn, ManagedPolicy { name, id, document });
    Ok(Work::Done(made))
}
