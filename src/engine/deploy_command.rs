//! The command lines that launch deploys.

use workshop_base::text::shell_word;
use workshop_course::lesson::model::{DeployAction, DeployStep};

/// The command that launches a deploy.
pub struct LaunchCommand {
    pub program: &'static str,
    pub args: Vec<String>,
    /// As a person types it.
    pub shown: String,
}

/// Returns the CDK's command line, or that of the AWS CLI for a template.
pub fn of(deploy: &DeployStep, stack: &str, parameters: &[(String, String)]) -> LaunchCommand {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<String>>();
    let mut args = match (&deploy.template, deploy.action) {
        (Some(_), DeployAction::Destroy) => words(&["cloudformation", "delete-stack", "--stack-name", stack]),
        (Some(template), _) => {
            let deploy = ["cloudformation", "deploy", "--stack-name", stack, "--template-file", &template.file];
            let mut args = words(&deploy);
            args.extend(words(&["--no-fail-on-empty-changeset", "--capabilities"]));
            args.extend(words(&["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]));
            if !parameters.is_empty() {
                args.push("--parameter-overrides".to_owned());
                args.extend(parameters.iter().map(|(name, value)| format!("{name}={value}")));
            }
            args
        }
        (None, DeployAction::Bootstrap) => words(&["cdk", "bootstrap"]),
        // `--progress events`: else it prints errors only when it takes its caller for an automaton. The others do not
        // know the option, and say so.
        (None, DeployAction::Deploy) => {
            words(&["cdk", "deploy", "--progress", "events", "--require-approval", "never"])
        }
        (None, DeployAction::Destroy) => words(&["cdk", "destroy", "--force"]),
    };
    let cdk = deploy.template.is_none();
    if let (true, Some(stack)) = (cdk, &deploy.stack) {
        args.push(stack.clone());
    }
    let program = if cdk { "npx" } else { "aws" };
    let typed = args.iter().map(|arg| shell_word(arg).to_string());
    let shown = [program.to_owned()].into_iter().chain(typed).collect::<Vec<_>>().join(" ");
    if cdk {
        // Where the packages are not installed, npx would fetch some other `cdk` from the registry.
        args.insert(0, "--no".to_owned());
    }
    LaunchCommand { program, args, shown }
}
