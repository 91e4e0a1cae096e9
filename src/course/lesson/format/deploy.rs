//! A deploy as it is written.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::scalars::{PlainTemplate, StackName, Text};
use crate::lesson::model::DeployAction;

/// What becomes of the course's stack with the CDK, or more about it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum DeployYaml {
    Word(DeployAction),
    Step(DeployStepYaml),
}

/// A deploy of a stack that is not the course's only one, of a project that is elsewhere, or of a template without the CDK.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "a deploy")]
pub struct DeployStepYaml {
    /// `deploy` by default.
    #[serde(default)]
    pub action: Option<DeployAction>,
    /// The stack; the course's by default.
    #[serde(default)]
    pub stack: Option<StackName>,
    /// Directory of the CDK's project, or of the template; by default that of the `cdk.json` nearest to the root.
    #[serde(default)]
    pub cwd: Option<Text>,
    /// A CloudFormation template, which `aws cloudformation deploy` deploys.
    #[serde(default)]
    pub template: Option<Text>,
    /// Parameters of the template, by name.
    #[serde(default)]
    pub parameters: BTreeMap<String, PlainTemplate>,
}
