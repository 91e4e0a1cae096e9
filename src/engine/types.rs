//! Types, looked at beside a deploy: esbuild and tsx take the types off without reading them, so a deploy
//! never finds a type error by itself.
//!
//! Invariant: a person's deploy waits for nothing here, neither for its end nor for the processor, and nothing here
//! decides its verdict.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::time::Instant;

use super::cloud::{CloudTarget, millis};
use super::config::Mode;
use super::context::StepContext;
use super::event::{EventKind, TypeProblem};
use super::files;
use super::types_known::{KnownTypes, Sources, files_read};
use workshop_base::private_dir::{OURS, PrivateDir};
use workshop_base::process::{ExitCause, Priority};

/// The project's own compiler, as npm lays it out.
const COMPILER: &str = "node_modules/.bin/tsc";

/// Looks at every TypeScript project of the working directory and tells what does not fit. A project without a
/// compiler, or a compiler that cannot be run, is left alone: the deploy says what is missing.
pub async fn check(ctx: &StepContext) -> Vec<TypeProblem> {
    let Some(at_step) = ctx.at_step.clone() else { return Vec::new() };
    let compiler = ctx.setup.workdir.join(COMPILER);
    let Ok(world) = ctx.world().await else { return Vec::new() };
    if !compiler.is_file() {
        return Vec::new();
    }
    let begun = Instant::now();
    let known = KnownTypes::new(&ctx.setup.cache);
    let mut problems = Vec::new();
    for project in projects(files::tracked(&ctx.setup.course)) {
        if !ctx.setup.workdir.join(&project).join(CONFIG).is_file() {
            continue;
        }
        let sources = Sources::of(&ctx.setup.workdir);
        if let Some(found) = sources.as_ref().and_then(|sources| known.answer(&project, sources)) {
            problems.extend(found);
            continue;
        }
        let record = (ctx.setup.mode != Mode::CheckOnly).then(|| place_of_memory(&ctx.setup.workdir, &project));
        let record = record.flatten();
        let written = || record.as_ref()?.metadata().ok()?.modified().ok();
        let before = written();
        let Some(found) = compile(ctx, &world, &compiler, &project, record.as_deref()).await else {
            return Vec::new();
        };
        // A compiler that objects may have left its record as it was.
        let is_true = found.is_empty() || written() != before;
        let read = record.as_ref().filter(|_| is_true).and_then(|record| files_read(record, &ctx.setup.workdir));
        // What was saved meanwhile may have been read or not.
        if let (Some(sources), Some(read)) = (sources, read)
            && Sources::of(&ctx.setup.workdir).as_ref() == Some(&sources)
        {
            known.keep(&project, &sources, &read, &found);
        }
        problems.extend(found);
    }
    ctx.sink.emit(EventKind::TypesChecked { at_step, problems: problems.clone(), took_ms: millis(begun.elapsed()) });
    problems
}

/// Has a project compiled to nothing; None when the compiler could not be run to its end. It writes down what it knows of
/// the project in `record`.
async fn compile(
    ctx: &StepContext,
    world: &Arc<dyn CloudTarget>,
    compiler: &Path,
    project: &str,
    record: Option<&Path>,
) -> Option<Vec<TypeProblem>> {
    let mut job = ctx.command("", &ctx.setup.workdir, LIMIT);
    job.program = compiler.into();
    // The deploy is what everyone waits for.
    job.priority = Priority::Least;
    job.args = ["--noEmit", "--pretty", "false"].map(Into::into).to_vec();
    if let Some(record) = record {
        job.args.extend(["--incremental".into(), "--tsBuildInfoFile".into(), record.into()]);
    }
    job.args.extend(["--project".into(), project.into()]);
    let (sent, mut received) = tokio::sync::mpsc::unbounded_channel();
    let lines = Box::new(move |_, batch: Vec<String>| {
        let _ = sent.send(batch);
    });
    let ended = world.child(job, ctx.cancel.clone(), lines).await.ok()?;
    if ended.cause == ExitCause::TimedOut {
        let of = if project == "." { String::new() } else { format!(" of {project}") };
        let limit = LIMIT.as_secs();
        ctx.note(format!("The types{of} were not checked: the compiler took longer than {limit} s beside the deploy"));
    }
    if !matches!(ended.cause, ExitCause::Exited(_)) {
        return None;
    }
    let mut printed: Vec<String> = Vec::new();
    while let Ok(batch) = received.try_recv() {
        printed.extend(batch);
    }
    Some(read(&printed))
}

/// Returns where the compiler may write down what it knows of a project. It follows links: there must be none.
fn place_of_memory(workdir: &Path, project: &str) -> Option<PathBuf> {
    let name = format!("types-{}.tsbuildinfo", project.replace('/', "-"));
    let log = PrivateDir::open(workdir, OURS).and_then(|ours| ours.below("log")).ok()?;
    log.remove_link(&name).ok()?;
    Some(log.path().join(name))
}

/// The directories of the course that are TypeScript projects.
fn projects<'a>(paths: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let dir = |path: &'a str| match path.rsplit_once('/') {
        Some((dir, CONFIG)) => Some(dir.to_owned()),
        None if path == CONFIG => Some(".".to_owned()),
        _ => None,
    };
    paths.into_iter().filter_map(dir).collect()
}

/// Reads what a compiler without a terminal prints: `file(line,column): error TS1: message`, and below it, indented, what
/// explains it.
pub fn read(printed: &[String]) -> Vec<TypeProblem> {
    let mut problems: Vec<TypeProblem> = Vec::new();
    for line in printed {
        if let Some(problem) = read_line(line) {
            problems.push(problem);
        } else if let (true, Some(last)) = (line.starts_with(' '), problems.last_mut()) {
            last.message.push('\n');
            last.message.push_str(line.trim());
        }
    }
    problems
}

fn read_line(line: &str) -> Option<TypeProblem> {
    let (place, said) = line.split_once("): error TS")?;
    let (file, place) = place.rsplit_once('(')?;
    let (row, column) = place.split_once(',')?;
    let (number, message) = said.split_once(": ")?;
    Some(TypeProblem {
        file: file.to_owned(),
        line: row.parse().ok()?,
        column: column.parse().ok()?,
        code: format!("TS{number}"),
        message: message.to_owned(),
    })
}

const CONFIG: &str = "tsconfig.json";
/// A compiler that takes longer is of no use beside a deploy. On a full machine it has little of the processor.
const LIMIT: std::time::Duration = std::time::Duration::from_secs(180);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_compiler_prints_is_read_with_its_explanations() {
        // Printed by TypeScript 7.0.2.
        let printed = [
            "lambda/src/index.ts(15,21): error TS2339: Property 'name' does not exist on type 'Request'.",
            "cdk/lib/(x)/stack.ts(3,1): error TS2322: Type 'string' is not assignable to type 'Props'.",
            "  Type 'string' has no properties in common with type 'Props'.",
            "",
            "ProbeResults 2 errors.",
        ];
        let printed: Vec<String> = printed.iter().map(|l| (*l).to_owned()).collect();
        let problems = read(&printed);
        assert_eq!(
            problems[0].to_string(),
            "lambda/src/index.ts:15:21: Property 'name' does not exist on type 'Request'. (TS2339)"
        );
        assert_eq!((problems[1].file.as_str(), problems[1].line), ("cdk/lib/(x)/stack.ts", 3));
        assert!(problems[1].message.ends_with("\nType 'string' has no properties in common with type 'Props'."));
        assert_eq!(problems.len(), 2);
    }

    #[test]
    fn a_course_says_by_its_files_where_its_projects_are() {
        let paths = ["cdk/lib/a.ts", "cdk/tsconfig.json", "lambda/tsconfig.json", "tsconfig.json"];
        assert_eq!(projects(paths), ["cdk", "lambda", "."]);
    }
}
