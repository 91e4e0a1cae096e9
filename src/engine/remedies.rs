//! Advice for a course whose packages or whose account are not prepared: the step of it that does that, by name.

use std::fs;
use std::path::Path;

use workshop_course::lesson::model::{Course, StepAction};

/// Advises on a working directory that is not where it was.
pub const GONE: &str =
    "it was deleted or moved while the workshop runs there: leave, and start the workshop where it is now, or anew";

/// Advises on an account that the CDK has not been prepared in.
pub fn bootstrap(course: &Course) -> String {
    let step = step_that(course, StepAction::bootstraps).map(|step| format!("run {step}, or ")).unwrap_or_default();
    format!("{step}`npx cdk bootstrap` where cdk.json is; is it the region that you mean? (--region)")
}

/// Advises on packages that are missing.
pub fn install(course: &Course) -> String {
    let installs = |action: &StepAction| matches!(action, StepAction::Shell(shell) if shell.installs);
    let step = step_that(course, installs).map(|step| format!("run {step}, or ")).unwrap_or_default();
    format!("{step}`npm install` in the project's root")
}

/// Advises on a package that is missing: one that npm's own record of the project does not have, no installation brings.
pub fn package(course: &Course, workdir: &Path, name: &str) -> String {
    let record = fs::read_to_string(workdir.join("package-lock.json")).unwrap_or_default();
    if record.is_empty() || record.contains(&format!("node_modules/{name}\"")) {
        return install(course);
    }
    format!("`{name}` is not among the project's packages: mend its name, or add it with `npm install {name}`")
}

/// The first step with such an action: "“Install” (0.3)".
fn step_that(course: &Course, has: impl Fn(&StepAction) -> bool) -> Option<String> {
    let steps =
        course.chapters.iter().flat_map(|chapter| (1..).zip(&chapter.steps).map(move |(at, step)| (chapter, at, step)));
    let (chapter, at, step) = steps.into_iter().find(|(_, _, step)| has(&step.action))?;
    Some(format!("“{}” ({}.{at})", step.title, chapter.number))
}
