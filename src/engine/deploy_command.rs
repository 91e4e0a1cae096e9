//! The command lines that launch deploys.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::kept::{AppLine, KeptCommand};
use workshop_base::text::shell_word;
use workshop_course::lesson::model::{DeployAction, DeployStep};

/// The command that launches a deploy.
pub struct LaunchCommand {
    pub program: &'static str,
    pub args: Vec<String>,
    /// As a person types it.
    pub shown: String,
}

impl LaunchCommand {
    /// Returns the program and the arguments that start it in `project`, a directory in `workdir`: for the CDK what npx
    /// would find, without the half second in which it looks; npx itself where that is not found.
    pub fn start(&self, project: &Path, workdir: &Path) -> (OsString, Vec<OsString>) {
        let args = self.args.iter().map(OsString::from);
        let installed = self.installed(project, workdir);
        let path = installed.and_then(|(program, bins)| Some((program, std::env::join_paths(bins).ok()?)));
        let Some((program, path)) = path else { return (self.program.into(), args.collect()) };
        let before: [OsString; 5] = ["-c".into(), START.into(), "sh".into(), path, program.into()];
        ("sh".into(), before.into_iter().chain(args.skip(BEFORE_CDK)).collect())
    }

    /// Returns the same command for a CDK that is kept in memory; None where that is not one that is known here.
    pub fn kept(&self, project: &Path, workdir: &Path) -> Option<KeptCommand> {
        let (program, bins) = self.installed(project, workdir)?;
        let text = fs::read_to_string(&program).ok()?;
        if !KNOWN.iter().all(|known| text.contains(known)) {
            return None;
        }
        let args = self.args.iter().skip(BEFORE_CDK).cloned().collect();
        let app = fs::read_to_string(project.join("cdk.json")).ok().and_then(|text| AppLine::of(&text));
        Some(KeptCommand { program, bins, args, app })
    }

    fn installed(&self, project: &Path, workdir: &Path) -> Option<(PathBuf, Vec<PathBuf>)> {
        (self.program == "npx").then(|| installed(project, workdir)).flatten()
    }
}

/// npx's own option and the program's name.
const BEFORE_CDK: usize = 2;
/// What the CDK's program does: the kept process does the same.
const KNOWN: [&str; 2] = ["require(\"../lib\")", "cli();"];

/// Starts the CDK as npx does, with the project's programs on PATH.
const START: &str = r#"PATH="$1:$PATH"; shift; exec node "$@""#;

/// Finds the CDK's program where npm lays it out, in the project or above it up to the working directory, and the
/// directories of programs on the way there, in the order of PATH. None where it is not installed.
fn installed(project: &Path, workdir: &Path) -> Option<(PathBuf, Vec<PathBuf>)> {
    let inside = project.ancestors().take_while(|dir| dir.starts_with(workdir));
    let places: Vec<PathBuf> = inside.map(|dir| dir.join("node_modules")).collect();
    let program = places.iter().map(|modules| modules.join("aws-cdk/bin/cdk")).find(|program| program.is_file())?;
    Some((program, places.iter().map(|modules| modules.join(".bin")).collect()))
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
