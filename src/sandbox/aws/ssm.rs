//! SSM Parameter Store: reading what stacks put there.

use serde_json::{Value, json};

use super::error::{AwsError, AwsResult};
use super::records::SsmParameter;
use super::service::{Call, Response, items, text};

/// Answers an operation of Parameter Store, if IAM allows it.
pub(crate) fn call(call: &mut Call<'_>, operation: &str) -> AwsResult<Response> {
    let input = call.json()?;
    match operation {
        "GetParameter" => {
            let name = text(&input, "Name").unwrap_or_default();
            call.allow("ssm:GetParameter", &arn(call, name))?;
            let found = call
                .world
                .state
                .parameters
                .get(bare(call, name))
                .ok_or_else(|| AwsError::new(400, "ParameterNotFound", format!("Parameter {name} not found.")))?;
            Ok(Response::Json(200, json!({"Parameter": shown(call, bare(call, name), found)})))
        }
        "GetParameters" => {
            let names: Vec<&str> = items(&input, "Names").iter().filter_map(Value::as_str).collect();
            for name in &names {
                call.allow("ssm:GetParameters", &arn(call, name))?;
            }
            let parameters = &call.world.state.parameters;
            let (known, unknown): (Vec<&str>, Vec<&str>) =
                names.into_iter().partition(|name| parameters.contains_key(bare(call, name)));
            let known: Vec<Value> = known
                .into_iter()
                .map(|name| bare(call, name))
                .map(|name| shown(call, name, &parameters[name]))
                .collect();
            Ok(Response::Json(200, json!({"Parameters": known, "InvalidParameters": unknown})))
        }
        "GetParametersByPath" => {
            let path = text(&input, "Path").unwrap_or("/").trim_end_matches('/');
            call.allow("ssm:GetParametersByPath", &arn(call, path))?;
            let deep = input["Recursive"] == true;
            let below = |name: &str| {
                name.strip_prefix(path)
                    .and_then(|rest| rest.strip_prefix('/'))
                    .is_some_and(|rest| deep || !rest.contains('/'))
            };
            let found: Vec<Value> = call
                .world
                .state
                .parameters
                .iter()
                .filter(|(name, _)| below(name))
                .map(|(name, parameter)| shown(call, name, parameter))
                .collect();
            Ok(Response::Json(200, json!({"Parameters": found})))
        }
        _ => Err(call.not_served(operation)),
    }
}

/// Names may come as ARNs.
fn bare<'a>(call: &Call<'_>, name: &'a str) -> &'a str {
    let prefix = call.arn("ssm", "parameter");
    name.strip_prefix(prefix.as_str()).unwrap_or(name)
}

fn arn(call: &Call<'_>, name: &str) -> String {
    let name = bare(call, name);
    let slash = if name.starts_with('/') { "" } else { "/" };
    call.arn("ssm", &format!("parameter{slash}{name}"))
}

fn shown(call: &Call<'_>, name: &str, parameter: &SsmParameter) -> Value {
    json!({
        "Name": name,
        "Type": parameter.kind,
        "Value": parameter.value,
        "Version": parameter.version,
        "LastModifiedDate": parameter.modified.seconds(),
        "ARN": arn(call, name),
        "DataType": "text",
    })
}
