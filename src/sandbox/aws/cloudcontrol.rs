//! Cloud Control's GetResource: a stack's resource with its attributes. `cdk deploy --hotswap` asks for these.

use serde_json::{Value, json};

use super::cloudformation::model::StackStatus;
use super::error::{AwsError, AwsResult};
use super::service::{Call, Response, text};

/// Answers an operation of Cloud Control; GetResource alone is served.
pub(crate) fn call(call: &mut Call<'_>, operation: &str) -> AwsResult<Response> {
    if operation != "GetResource" {
        return Err(call.not_served(operation));
    }
    let input = call.json()?;
    let (kind, id) = (text(&input, "TypeName").unwrap_or_default(), text(&input, "Identifier").unwrap_or_default());
    call.allow("cloudformation:GetResource", &call.arn("cloudformation", "resource/*"))?;
    let live = call.world.state.stacks.values().filter(|stack| stack.status != StackStatus::DeleteComplete);
    let resource = live
        .flat_map(|stack| stack.resources.values())
        .find(|r| r.kind == kind && r.exists() && r.physical_id.as_deref() == Some(id))
        .ok_or_else(|| {
            let message = format!("Resource of type '{kind}' with identifier '{id}' was not found.");
            AwsError::new(400, "ResourceNotFoundException", message)
        })?;
    let mut properties = resource.properties.clone();
    if let Value::Object(map) = &mut properties {
        let whole = resource.attributes.iter().filter(|(name, _)| !name.contains('.'));
        map.extend(whole.map(|(name, value)| (name.clone(), value.clone())));
    }
    let description = json!({"Identifier": id, "Properties": properties.to_string()});
    Ok(Response::Json(200, json!({"TypeName": kind, "ResourceDescription": description})))
}
