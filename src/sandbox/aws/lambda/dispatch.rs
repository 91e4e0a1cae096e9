//! Operations by path.

use serde_json::json;

use super::names::allowed;
use super::{functions, invocation, permissions, urls, versions};
use crate::aws::error::AwsResult;
use crate::aws::service::{Call, Response};

/// Answers an operation of Lambda, if IAM allows it.
pub(crate) fn call(call: &mut Call<'_>) -> AwsResult<Response> {
    let segments = call.request.segments();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match (call.request.method.as_str(), segments.as_slice()) {
        ("GET", ["2015-03-31", "functions"]) => functions::list(call),
        ("POST", ["2015-03-31", "functions"]) => functions::create(call),
        ("GET", ["2015-03-31", "functions", name]) => functions::get(call, name),
        ("DELETE", ["2015-03-31", "functions", name]) => functions::delete(call, name),
        ("POST", ["2015-03-31", "functions", name, "invocations"]) => invocation::invoke(call, name),
        ("GET", ["2015-03-31", "functions", name, "configuration"]) => functions::get_configuration(call, name),
        ("GET", ["2015-03-31", "functions", name, "versions"]) => versions::list_versions(call, name),
        ("POST", ["2015-03-31", "functions", name, "versions"]) => versions::publish_version(call, name),
        ("GET", ["2015-03-31", "functions", name, "aliases"]) => versions::list_aliases(call, name),
        ("POST", ["2015-03-31", "functions", name, "aliases"]) => versions::create_alias(call, name),
        ("GET", ["2015-03-31", "functions", name, "aliases", alias]) => versions::get_alias(call, name, alias),
        ("PUT", ["2015-03-31", "functions", name, "aliases", alias]) => versions::update_alias(call, name, alias),
        ("DELETE", ["2015-03-31", "functions", name, "aliases", alias]) => versions::delete_alias(call, name, alias),
        ("GET", ["2015-03-31", "functions", name, "policy"]) => permissions::get(call, name),
        ("POST", ["2015-03-31", "functions", name, "policy"]) => permissions::add(call, name),
        ("DELETE", ["2015-03-31", "functions", name, "policy", sid]) => permissions::remove(call, name, sid),
        ("GET", ["2021-10-31", "functions", name, "url"]) => urls::get(call, name),
        ("POST", ["2021-10-31", "functions", name, "url"]) => urls::create(call, name),
        ("PUT", ["2021-10-31", "functions", name, "url"]) => urls::update(call, name),
        ("DELETE", ["2021-10-31", "functions", name, "url"]) => urls::delete(call, name),
        ("GET", ["2021-10-31", "functions", name, "urls"]) => urls::list(call, name),
        ("PUT", ["2015-03-31", "functions", name, "configuration"]) => functions::update_configuration(call, name),
        ("PUT", ["2015-03-31", "functions", name, "code"]) => functions::update_code(call, name),
        ("GET", ["2017-03-31", "tags", arn]) => {
            let (_, function) = allowed(call, arn, "lambda:ListTags")?;
            Ok(Response::Json(200, json!({"Tags": function.tags})))
        }
        ("GET", ["2019-09-30", "functions", name, "concurrency"]) => {
            allowed(call, name, "lambda:GetFunctionConcurrency")?;
            Ok(Response::Json(200, json!({})))
        }
        ("GET", ["2016-08-19", "account-settings"]) => {
            call.allow("lambda:GetAccountSettings", "*")?;
            Ok(Response::Json(200, functions::account(call)))
        }
        _ => Err(call.not_served_route()),
    }
}
