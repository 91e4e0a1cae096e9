//! SSM Parameter Store: reading what stacks put there.

use serde_json::{Value, json};

use super::error::{AwsError, AwsResult};
use super::records::SsmParameter;
use super::service::{Call, Response, items, page, text};

/// The most parameters that one answer has.
const PAGE: usize = 10;

/// Answers an operation of Parameter Store, if IAM allows it.
pub(crate) fn call(call: &mut Call<'_>, operation: &str) -> AwsResult<Response> {
    let input = call.json()?;
    match operation {
        "GetParameter" => {
            let name = text(&input, "Name").unwrap_or_default();
            call.allow("ssm:GetParameter", &arn(call, name))?;
            Ok(Response::Json(200, json!({"Parameter": selected(call, name)?})))
        }
        "GetParameters" => {
            let names: Vec<&str> = items(&input, "Names").iter().filter_map(Value::as_str).collect();
            for name in &names {
                call.allow("ssm:GetParameters", &arn(call, name))?;
            }
            let (mut known, mut unknown) = (Vec::new(), Vec::new());
            for name in names {
                match selected(call, name) {
                    Ok(parameter) => known.push(parameter),
                    Err(_) => unknown.push(name),
                }
            }
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
            let size = input["MaxResults"].as_u64().map_or(PAGE, |most| PAGE.min(most as usize).max(1));
            let (found, next) = page(found, text(&input, "NextToken"), size)
                .map_err(|_| AwsError::new(400, "InvalidNextToken", "The specified token isn't valid."))?;
            Ok(Response::Json(200, json!({"Parameters": found, "NextToken": next})))
        }
        _ => Err(call.not_served(operation)),
    }
}

/// Shows a parameter, which may be asked for with its version (`/p:2`). Each has its newest alone.
///
/// # Errors
/// `ParameterNotFound`, of which AWS says no more; `ParameterVersionNotFound`.
fn selected(call: &Call<'_>, asked: &str) -> AwsResult<Value> {
    let parameters = &call.world.state.parameters;
    let whole = bare(call, asked);
    let (name, version) = match whole.rsplit_once(':') {
        Some((name, version)) if !parameters.contains_key(whole) => (name, Some(version)),
        _ => (whole, None),
    };
    let found = parameters.get(name).ok_or_else(|| AwsError::new(400, "ParameterNotFound", ""))?;
    let mut parameter = shown(call, name, found);
    match version {
        Some(version) if version != found.version.to_string() => {
            let message = format!(
                "Systems Manager could not find version {version} of {name}. Verify the version and try again."
            );
            return Err(AwsError::new(400, "ParameterVersionNotFound", message));
        }
        Some(version) => parameter["Selector"] = format!(":{version}").into(),
        None => {}
    }
    Ok(parameter)
}

/// Names may come as ARNs.
fn bare<'a>(call: &Call<'_>, name: &'a str) -> &'a str {
    let prefix = call.arn("ssm", "parameter");
    name.strip_prefix(prefix.as_str()).unwrap_or(name)
}

fn arn(call: &Call<'_>, name: &str) -> String {
    let name = bare(call, name).split(':').next().unwrap_or_default();
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
