//! Handlers by type.

use super::handler::{HandlerResult, ResourceContext};
use super::{data, dsql, http_api, iam, lambda};
use crate::aws::cloudformation::left_out::left_out;
use crate::aws::cloudformation::model::{ResourceJob, Verb};

/// Does what can be done at once.
pub(crate) fn start(context: &mut ResourceContext<'_>, job: &ResourceJob) -> HandlerResult {
    context.world.dirty = true;
    // What a stack of an earlier version has by now stays in its template, and an update or its end must not stumble over it.
    let had = job.previous.as_ref().map(|previous| &previous.properties);
    let is_new = |name: &&str| had.is_none_or(|had| had[*name] != job.properties[*name]);
    let mut left_out = if job.verb == Verb::Delete { Vec::new() } else { left_out(&job.kind, &job.properties) };
    left_out.retain(is_new);
    if let Some(property) = left_out.first() {
        return Err(format!("the workshop sandbox does not have {property} of {}", job.kind));
    }
    match job.kind.as_str() {
        "AWS::ApiGatewayV2::Api" => http_api::http_api(context, job),
        "AWS::ApiGatewayV2::Deployment" => http_api::deployment(context, job),
        "AWS::ApiGatewayV2::Integration" => http_api::integration(context, job),
        "AWS::ApiGatewayV2::Route" => http_api::route(context, job),
        "AWS::ApiGatewayV2::Stage" => http_api::stage(context, job),
        "AWS::CDK::Metadata" => Ok(data::nameless(context, job)),
        "AWS::DSQL::Cluster" => dsql::cluster(context, job),
        "AWS::ECR::Repository" | "AWS::KMS::Key" | "AWS::KMS::Alias" => data::inert(context, job),
        "AWS::IAM::ManagedPolicy" => iam::managed_policy(context, job),
        "AWS::IAM::Policy" | "AWS::IAM::RolePolicy" => iam::inline_policy(context, job),
        "AWS::IAM::Role" => iam::role(context, job),
        "AWS::Lambda::Alias" => lambda::alias(context, job),
        "AWS::Lambda::Function" => lambda::function(context, job),
        "AWS::Lambda::Permission" => lambda::permission(context, job),
        "AWS::Lambda::Url" => lambda::url(context, job),
        "AWS::Lambda::Version" => lambda::version(context, job),
        "AWS::Logs::LogGroup" => data::log_group(context, job),
        "AWS::S3::Bucket" => data::bucket(context, job),
        "AWS::S3::BucketPolicy" => data::bucket_policy(context, job),
        "AWS::SSM::Parameter" => data::parameter(context, job),
        other => Err(format!("the workshop sandbox has no handler for {other}")),
    }
}
