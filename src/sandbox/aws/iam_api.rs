//! IAM's read operations: what is attached to whom. Roles and policies are made by stacks.

use serde_json::{Value, json};

use super::error::{AwsError, AwsResult};
use super::service::{Call, Response, page, text};
use crate::iam::{Role, USER};
use workshop_base::encoding::encode;

/// Answers an operation of IAM, if IAM allows it.
pub(crate) fn call(call: &mut Call<'_>, operation: &str, input: &Value) -> AwsResult<Response> {
    let result = match operation {
        "GetRole" => {
            let (name, role) = role(call, operation, input)?;
            json!({"Role": shown(&name, &role)})
        }
        "ListRoles" => {
            call.allow("iam:ListRoles", "*")?;
            let prefix = text(input, "PathPrefix").unwrap_or("/");
            let roles = call.world.state.iam.roles.iter().filter(|(_, role)| role.path.starts_with(prefix));
            let all: Vec<Value> = roles.map(|(name, role)| shown(name, role)).collect();
            let size = text(input, "MaxItems").and_then(|n| n.parse().ok()).unwrap_or(100).clamp(1, 1000);
            let (roles, marker) = page(all, text(input, "Marker"), size)?;
            json!({"Roles": roles, "IsTruncated": marker.is_some(), "Marker": marker})
        }
        "ListRolePolicies" => {
            let (_, role) = role(call, operation, input)?;
            let names: Vec<String> = role.inline.into_keys().collect();
            json!({"PolicyNames": names, "IsTruncated": false})
        }
        "GetRolePolicy" => {
            let (name, role) = role(call, operation, input)?;
            let policy = text(input, "PolicyName").unwrap_or_default();
            let document = role
                .inline
                .get(policy)
                .ok_or_else(|| no_such(format!("The role policy with name {policy} cannot be found.")))?;
            json!({"RoleName": name, "PolicyName": policy, "PolicyDocument": encode(&document.to_string())})
        }
        "ListAttachedRolePolicies" => {
            let (_, role) = role(call, operation, input)?;
            let attached: Vec<Value> = role
                .managed
                .iter()
                .map(|arn| json!({"PolicyName": arn.rsplit('/').next(), "PolicyArn": arn}))
                .collect();
            json!({"AttachedPolicies": attached, "IsTruncated": false})
        }
        "ListRoleTags" => {
            let (_, role) = role(call, operation, input)?;
            json!({"Tags": super::tags::list(&role.tags), "IsTruncated": false})
        }
        "GetPolicy" | "GetPolicyVersion" => {
            let arn = text(input, "PolicyArn").unwrap_or_default();
            call.allow(&format!("iam:{operation}"), arn)?;
            let document = call
                .world
                .state
                .iam
                .document(arn)
                .ok_or_else(|| no_such(format!("Policy {arn} does not exist or is not attachable.")))?;
            let own = call.world.state.iam.policies.get(arn);
            match operation {
                "GetPolicy" => json!({"Policy": policy(call, arn, own.map(|own| own.id.as_str()))}),
                _ => json!({"PolicyVersion": {
                    "VersionId": "v1", "IsDefaultVersion": true, "Document": encode(&document.to_string())}}),
            }
        }
        "GetUser" => {
            call.allow("iam:GetUser", "*")?;
            let iam = &call.world.state.iam;
            let arn = iam.user_credential().principal.arn;
            match text(input, "UserName").is_none_or(|name| name == USER) {
                true => json!({"User": {"UserName": USER, "Arn": arn, "UserId": iam.user_id, "Path": "/"}}),
                false => {
                    let name = text(input, "UserName").unwrap_or_default();
                    return Err(no_such(format!("The user with name {name} cannot be found.")));
                }
            }
        }
        _ => return Err(call.not_served(operation)),
    };
    Ok(Response::Query(result))
}

fn no_such(message: String) -> AwsError {
    AwsError::new(404, "NoSuchEntity", message)
}

fn role(call: &Call<'_>, operation: &str, input: &Value) -> AwsResult<(String, Role)> {
    let name = text(input, "RoleName").ok_or_else(|| AwsError::validation("RoleName is missing"))?;
    let iam = &call.world.state.iam;
    let found = iam.roles.get(name);
    let arn = found.map_or_else(|| iam.role_arn("/", name), |role| role.arn.clone());
    call.allow(&format!("iam:{operation}"), &arn)?;
    let role = found.ok_or_else(|| no_such(format!("The role with name {name} cannot be found.")))?;
    Ok((name.to_owned(), role.clone()))
}

fn shown(name: &str, role: &Role) -> Value {
    json!({
        "Path": role.path,
        "RoleName": name,
        "RoleId": role.id,
        "Arn": role.arn,
        "CreateDate": role.created.iso(),
        "AssumeRolePolicyDocument": encode(&role.trust.to_string()),
        "Description": role.description,
        "MaxSessionDuration": role.max_session,
        "Tags": super::tags::list(&role.tags),
        "PermissionsBoundary": role.boundary.as_ref().map(
            |arn| json!({"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn})),
    })
}

/// Shows a managed policy. `id`: that of a customer's own.
fn policy(call: &Call<'_>, arn: &str, id: Option<&str>) -> Value {
    let roles = &call.world.state.iam.roles;
    let (path, name) = arn.split_once(":policy").and_then(|(_, rest)| rest.rsplit_once('/')).unwrap_or_default();
    json!({
        "PolicyName": name,
        "Arn": arn,
        "Path": format!("{path}/"),
        "PolicyId": id,
        "DefaultVersionId": "v1",
        "AttachmentCount": roles.values().filter(|role| role.managed.iter().any(|managed| managed == arn)).count(),
        "PermissionsBoundaryUsageCount": roles.values().filter(|role| role.boundary.as_deref() == Some(arn)).count(),
        "IsAttachable": true,
    })
}
