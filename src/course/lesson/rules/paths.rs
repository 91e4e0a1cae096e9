//! Paths that steps and checks name are in the snapshot.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::ChapterFacts;
use crate::code::diff::{FileDiff, FileStatus};
use crate::code::tree::{IGNORED, Reading, Tree, is_inside};
use crate::lesson::lens::Lens;
use crate::lesson::model::*;
use crate::lesson::{file_check, kinds};
use workshop_base::problem::Problem;

/// Proves that directories are there to run in, and that checks of files can pass.
pub fn paths_are_in_the_snapshot(chapter: &Chapter, facts: &ChapterFacts<'_>, problems: &mut Vec<Problem>) {
    for (step, lens) in chapter.steps.iter().zip(facts.steps) {
        match &step.action {
            StepAction::Shell(shell) => {
                directory_exists(&chapter.snapshot, &shell.cwd, lens.key("shell").key("cwd"), problems);
            }
            StepAction::Serve(serve) => {
                directory_exists(&chapter.snapshot, &serve.cwd, lens.key("serve").key("cwd"), problems);
            }
            StepAction::Deploy(deploy) => deploy_has_its_files(chapter, deploy, lens.key("deploy"), problems),
            _ => {}
        }
    }
    for (check, lens) in chapter.checks.iter().zip(facts.checks) {
        match &check.kind {
            CheckKind::Command { cwd, .. } => {
                directory_exists(&chapter.snapshot, cwd, lens.key("command").key("cwd"), problems);
            }
            CheckKind::File { path, is } => {
                can_pass(&chapter.snapshot, facts.left_out, (path, is), lens.key("file"), problems)
            }
            CheckKind::Lambda { .. }
            | CheckKind::Sql { .. }
            | CheckKind::Stack { .. }
            | CheckKind::Http(_)
            | CheckKind::Plan { .. } => {}
        }
    }
}

/// Reports a file that is renamed in the case of its name alone: where case does not count, the new one would be taken away with
/// the old.
pub fn names_change_in_more_than_case(chapter: &Chapter, lens: Lens<'_>, problems: &mut Vec<Problem>) {
    let of = |status: FileStatus| chapter.diff.iter().filter(move |file| file.status == status).map(|file| &file.path);
    let added: BTreeMap<String, &String> = of(FileStatus::Added).map(|path| (path.to_lowercase(), path)).collect();
    for gone in of(FileStatus::Deleted) {
        let Some(new) = added.get(&gone.to_lowercase()) else { continue };
        let problem = Problem::failed(format_args!("`{gone}` becomes `{new}`, which differs only in case"));
        let hint = "where case does not count, as on macOS, both are one file: keep the name that it had";
        lens.key("snapshot").report(problems, problem.expected("names that differ in more than case").hint(hint));
    }
}

/// Reports a directory that becomes a file: what learners have put into it would be in the way.
pub fn directories_stay_directories(chapter: &Chapter, lens: Lens<'_>, problems: &mut Vec<Problem>) {
    for file in chapter.diff.iter().filter(|file| file.status == FileStatus::Added) {
        let is_in = |gone: &FileDiff| gone.path.strip_prefix(&file.path).is_some_and(|rest| rest.starts_with('/'));
        if chapter.diff.iter().any(|gone| gone.status == FileStatus::Deleted && is_in(gone)) {
            let problem = Problem::failed(format_args!("`{}` is a directory in the chapter before", file.path));
            let hint = "give the file another name: learners may have files of their own in the directory";
            lens.key("snapshot").report(problems, problem.expected("a directory here, too, or nothing").hint(hint));
        }
    }
}

/// A template is in the snapshot, and so is the project that a directory is named for.
fn deploy_has_its_files(chapter: &Chapter, deploy: &DeployStep, lens: Lens<'_>, problems: &mut Vec<Problem>) {
    let within = |file: &str| match deploy.cwd.as_deref() {
        None | Some("") => file.to_owned(),
        Some(cwd) => format!("{cwd}/{file}"),
    };
    if let Some(cwd) = &deploy.cwd {
        directory_exists(&chapter.snapshot, cwd, lens.key("cwd"), problems);
    }
    let (file, key) = match (&deploy.template, &deploy.cwd) {
        (Some(template), _) => (within(&template.file), "template"),
        (None, Some(_)) => (within("cdk.json"), "cwd"),
        (None, None) => return,
    };
    if !is_inside(&file) {
        lens.key(key).report(problems, not_below(&file));
    } else if !chapter.snapshot.contains_key(&file) {
        let paths: Vec<&str> = chapter.snapshot.keys().map(String::as_str).collect();
        let mut problem = Problem::course(format_args!("the chapter's snapshot has no file `{file}`"));
        problem.hint = kinds::did_you_mean(&file, &paths);
        lens.key(key).report(problems, problem.expected("a file that the chapter ends with"));
    }
}

fn directory_exists(snapshot: &Tree, cwd: &str, lens: Lens<'_>, problems: &mut Vec<Problem>) {
    if !cwd.is_empty() && !is_inside(cwd) {
        lens.report(problems, not_below(cwd));
    } else if let Some(own) = cwd.split('/').find(|part| matches!(*part, ".git" | ".workshop")) {
        let problem =
            Problem::course(format_args!("`{own}` is not part of the project: nothing of a lesson runs there"));
        lens.report(problems, problem.expected("a directory of the chapter's snapshot"));
    } else if cwd.split('/').any(|part| IGNORED.contains(&part)) {
        // What tools make there is not known before they have run.
    } else if !cwd.is_empty() && !snapshot.keys().any(|path| path.strip_prefix(cwd).is_some_and(|p| p.starts_with('/')))
    {
        let directories: BTreeSet<&str> = snapshot.keys().flat_map(|path| directories_of(path)).collect();
        let mut problem = Problem::course(format_args!("the chapter's snapshot has no directory `{cwd}`"));
        problem.hint = kinds::did_you_mean(cwd, &directories.into_iter().collect::<Vec<_>>());
        lens.report(problems, problem.expected("a directory that the chapter ends with"));
    }
}

/// The directories on the way to a file, `a` and `a/b` of `a/b/c.ts`.
fn directories_of(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(end, _)| &path[..end])
}

fn not_below(path: &str) -> Problem {
    let mut problem = Problem::course(format_args!("`{path}` is not below the working directory"))
        .expected("a path from the working directory on, without `..`");
    let bare = path.trim_start_matches("./").trim_start_matches('/');
    problem.hint = (bare != path && is_inside(bare)).then(|| format!("write it as `{bare}`"));
    problem
}

/// A file check that fails on the chapter's own snapshot can never pass.
fn can_pass(
    snapshot: &Tree,
    left_out: &Reading,
    (path, is): (&str, &FileIs),
    lens: Lens<'_>,
    problems: &mut Vec<Problem>,
) {
    if !is_inside(path) {
        return lens.key("path").report(problems, not_below(path));
    }
    let now = snapshot.get(path);
    if now.is_none() && !matches!(is, FileIs::Lacks(_) | FileIs::LacksMatch(_) | FileIs::Exists(false)) {
        let paths: Vec<&str> = snapshot.keys().map(String::as_str).collect();
        let mut problem = Problem::failed(format_args!("the chapter's snapshot has no file `{path}`"));
        problem.hint = match left_out.ignored_by(path) {
            Some(why) => Some(format!("the file is there and not part of the snapshot: {why}")),
            None if paths.iter().any(|known| known.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'))) => {
                Some(format!("`{path}` is a directory: name a file in it"))
            }
            None => kinds::did_you_mean(path, &paths),
        };
        return lens.key("path").report(problems, problem.expected("a file that the chapter ends with"));
    }
    let asked = |i: usize| lens.key("json").item(i).key("path");
    if let FileIs::Json(asserted) = is
        && (0..asserted.len()).any(|i| asked(i).is_broken())
    {
        return;
    }
    let Some(fault) = file_check::judge(path, is, now, now) else { return };
    let (key, problem) = match is {
        FileIs::Contains(_) => ("contains", format!("`{path}` lacks this text in the chapter's own snapshot")),
        FileIs::Lacks(_) => ("lacks", format!("`{path}` contains this text in the chapter's own snapshot")),
        FileIs::Matches(_) => ("matches", format!("`{path}` does not match this in the chapter's own snapshot")),
        FileIs::LacksMatch(_) => ("lacks_match", format!("`{path}` matches this in the chapter's own snapshot")),
        FileIs::Exists(_) => ("exists", format!("`{path}` is there in the chapter's own snapshot")),
        FileIs::Json(_) => {
            ("json", format!("`{}` does not hold in the chapter's own snapshot: {}", fault.expected, fault.actual))
        }
        FileIs::EqualsSnapshot => return,
    };
    let problem = Problem::failed(problem).hint("the check could never pass: correct it or the snapshot");
    lens.key(key).report(problems, problem);
}
