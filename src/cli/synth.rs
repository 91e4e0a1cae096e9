//! What lint knows of templates: those that the course deploys as they are, and with `--synth` those that the CDK makes of
//! each chapter.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::locked_dir::scratch_dir;
use super::output::warn;
use super::runtime::{block_on, until_stopped};
use super::target;
use workshop_base::problem::{Kind, Problem, Result, Spot};
use workshop_base::process::{self, ProcessSpec};
use workshop_course::code::tree::Tree;
use workshop_course::lesson::model::{Chapter, Course, Origin, Step, StepAction, Target};
use workshop_engine::cloud::Report;
use workshop_engine::install::{self, Layout, Packages};

/// A synthesis may take so long.
const LIMIT: Duration = Duration::from_secs(300);

/// Finds what of the course's templates the sandbox does not have; nothing for a course that does not run there.
///
/// # Errors
/// With `synth`, when the CDK cannot be run, and when it is stopped.
pub fn unsupported(course: &Course, synth: bool) -> Result<Vec<Problem>> {
    let (mut problems, mut projects) = (Vec::new(), Vec::new());
    if !course.runs_on(Target::Local) {
        return Ok(problems);
    }
    for chapter in &course.chapters {
        for step in &chapter.steps {
            let StepAction::Deploy(deploy) = &step.action else { continue };
            let Some(template) = &deploy.template else { continue };
            let path = match deploy.cwd.as_deref() {
                None | Some("") => template.file.clone(),
                Some(cwd) => format!("{cwd}/{}", template.file),
            };
            let text = chapter.snapshot.get(&path).and_then(|file| file.text());
            problems.extend(text.and_then(target::unsupported).map(|problem| problem.at(spot(&step.origin))));
        }
        let with_cdk = |step: &&Step| {
            step.action.deploys() && matches!(&step.action, StepAction::Deploy(deploy) if deploy.template.is_none())
        };
        // Each project once, where it is deployed first.
        let mut seen = BTreeSet::new();
        for step in chapter.steps.iter().filter(with_cdk).filter(|_| synth) {
            let StepAction::Deploy(deploy) = &step.action else { continue };
            let project = deploy.cwd.as_deref().or(chapter.cdk_project()).unwrap_or_default();
            if seen.insert(project) {
                projects.push((chapter, project, &step.origin));
            }
        }
    }
    if !projects.is_empty() {
        problems.extend(block_on(until_stopped(async |stop| synthesise(&projects, &stop).await))?);
    }
    Ok(problems)
}

/// Makes the templates of projects, one after the other, and finds what the sandbox does not have of them.
async fn synthesise(projects: &[(&Chapter, &str, &Origin)], stop: &CancellationToken) -> Result<Vec<Problem>> {
    let mut problems = Vec::new();
    for (chapter, project, origin) in projects {
        warn(&format!("chapter {}: cdk synth\n", chapter.number));
        let found = synthesised(chapter, project, stop).await?;
        problems.extend(found.into_iter().map(|problem| problem.at(spot(origin))));
    }
    Ok(problems)
}

fn spot(origin: &Origin) -> Spot {
    let text = fs::read_to_string(&origin.file).unwrap_or_default();
    let excerpt = text.lines().nth(origin.line.saturating_sub(1) as usize).unwrap_or_default().to_owned();
    let lead = excerpt.chars().take_while(|c| c.is_whitespace()).count();
    let length = excerpt.trim().chars().count().max(1);
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Spot { file: origin.file.clone(), line: origin.line, column: number(lead + 1), length: number(length), excerpt }
}

/// Has the CDK make the templates of one of a chapter's projects, in a directory of its own, and looks through them.
async fn synthesised(chapter: &Chapter, project: &str, stop: &CancellationToken) -> Result<Vec<Problem>> {
    let interrupted = || Problem::new(Kind::Interrupted, "the synthesis was stopped");
    // Between two as well as within one.
    if stop.is_cancelled() {
        return Err(interrupted());
    }
    let cache = target::cache()?;
    let unmade = |e: std::io::Error| {
        Problem::environment(format!("the project cannot be laid out: {e}"))
            .hint("set WORKSHOP_CACHE to a directory that can be written")
    };
    let scratch = scratch_dir(&cache)?;
    let directory = scratch.path().join(&chapter.id);
    lay_out(&chapter.snapshot, &directory).map_err(unmade)?;
    let project = directory.join(project);
    let packages = Packages::new(&cache);
    if let Some(installation) = packages.ensure(&chapter.snapshot, &Report::silent(), stop).await? {
        install::lay_out(installation, directory.clone(), Layout::Links, stop).await?;
    }
    let mut job = ProcessSpec::shell("npx --no cdk synth --quiet", &project, LIMIT);
    for (name, value) in [("CDK_DEFAULT_ACCOUNT", "123456789012"), ("CDK_DEFAULT_REGION", "us-east-1")] {
        job.env.insert(name.to_owned(), value.to_owned());
    }
    // Dropped, it ends.
    let synthesis = stop.run_until_cancelled(process::output(job)).await.ok_or_else(interrupted)?;
    let (ended, out, err) = synthesis.map_err(Problem::environment)?;
    if !ended.success() {
        let said = err.iter().chain(&out).rev().find(|line| !line.trim().is_empty()).cloned().unwrap_or_default();
        return Err(Problem::environment(format!("chapter {} cannot be synthesised: {said}", chapter.number))
            .hint("see that `npx cdk synth` works in a copy of its snapshot"));
    }
    let templates = fs::read_dir(project.join("cdk.out")).into_iter().flatten().flatten();
    let texts = templates.filter(|entry| entry.file_name().to_string_lossy().ends_with(".template.json"));
    let found = texts.filter_map(|entry| target::unsupported(&fs::read_to_string(entry.path()).ok()?)).collect();
    drop(scratch);
    Ok(found)
}

fn lay_out(files: &Tree, directory: &Path) -> std::io::Result<()> {
    for (path, file) in files {
        let path = directory.join(path);
        fs::create_dir_all(path.parent().unwrap_or(directory))?;
        fs::write(&path, file.bytes())?;
        if file.executable {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        }
    }
    fs::create_dir_all(directory.join(".workshop"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::fixture;

    /// One is being laid out while no command runs.
    #[tokio::test]
    async fn what_is_stopped_between_two_chapters_begins_no_other() {
        let course = fixture::course();
        let chapter = &course.chapters[0];
        let stop = CancellationToken::new();
        stop.cancel();
        let stopped = synthesise(&[(chapter, "", &chapter.origin)], &stop).await.unwrap_err();
        assert_eq!((stopped.kind, stopped.message.as_str()), (Kind::Interrupted, "the synthesis was stopped"));
    }
}
