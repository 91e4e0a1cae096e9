//! Deploys, and the functions and stacks that are not the course's only ones.

use super::builder::Builder;
use super::convert::directory;
use crate::lesson::format::*;
use crate::lesson::lens::Lens;
use crate::lesson::model::*;
use workshop_base::problem::Problem;

impl Builder<'_> {
    /// Builds a deploy; what does not go together is reported.
    pub(super) fn deploy(&mut self, lens: Lens<'_>, raw: &DeployYaml) -> DeployStep {
        let raw = match raw {
            DeployYaml::Word(action) => return DeployStep::from(*action),
            DeployYaml::Step(raw) => raw,
        };
        let action = raw.action.unwrap_or(DeployAction::Deploy);
        if action == DeployAction::Bootstrap && (raw.stack.is_some() || raw.template.is_some()) {
            let problem = Problem::course("a bootstrap is of an account, not of a stack");
            lens.key("action").report(self.problems, problem.expected("`deploy: bootstrap`, and nothing else"));
        }
        if raw.template.is_none() && !raw.parameters.is_empty() {
            let problem = Problem::course("the CDK's stacks take no parameters here");
            let problem = problem.expected("`template` beside `parameters`");
            lens.key("parameters").report(self.problems, problem);
        }
        let template = raw.template.as_ref().map(|file| {
            let parameters = raw.parameters.iter().map(|(name, value)| {
                let lens = lens.key("parameters").key(name);
                (name.clone(), self.template(lens, &value.0))
            });
            let parameters = parameters.collect();
            TemplateDeploy { file: file.0.clone(), parameters }
        });
        for name in raw.parameters.keys().filter(|name| !name.chars().all(|c| c.is_ascii_alphanumeric())) {
            let problem = Problem::course(format_args!("`{name}` is not the name of a parameter"));
            lens.key("parameters").key(name).report(self.problems, problem.expected("letters and digits"));
        }
        DeployStep {
            action,
            stack: raw.stack.as_ref().map(|stack| stack.0.clone()),
            cwd: raw.cwd.as_ref().map(|cwd| directory(Some(cwd))),
            template,
        }
    }

    /// Returns the function that is named in the place of the course's.
    pub(super) fn function(&mut self, lens: Lens<'_>, raw: Option<&FunctionTemplate>) -> Option<Template> {
        raw.map(|function| self.template(lens.key("function"), &function.0))
    }
}
