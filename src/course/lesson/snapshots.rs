//! The chapters' snapshots: reading them, and how each differs from the one before.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::kinds;
use super::lens::Lens;
use super::lesson_text::top_of;
use crate::code::diff::{TreeDiff, diff_trees};
use crate::code::tree::{self, Reading, Tree, TreeError};
use workshop_base::problem::{Problem, Spot};

const GONE: &str = "make it, or bring it back from where the course came from";

/// Files that a project cannot do without being valid JSON.
const JSON_FILES: [&str; 3] = ["package.json", "package-lock.json", "cdk.json"];

/// `None` when it is not there at all. Damage in it is reported as well.
pub fn read_snapshot(snapshots: &Path, id: &str, lens: Lens<'_>, problems: &mut Vec<Problem>) -> Option<Reading> {
    if lens.is_broken() {
        return None;
    }
    let reading = match tree::read(&snapshots.join(id)) {
        Ok(reading) => reading,
        Err(error @ (TreeError::Missing(_) | TreeError::NotADirectory(_))) => {
            let present = directories(snapshots);
            let present: Vec<&str> = present.iter().map(String::as_str).filter(|name| !is_another(name, id)).collect();
            let other_case = present.iter().find(|name| name.to_lowercase() == id);
            let hint = match other_case {
                Some(name) => format!("the directory is called `{name}`: rename it to `{id}`"),
                None => kinds::did_you_mean(id, &present).unwrap_or_else(|| GONE.to_owned()),
            };
            let problem = Problem::course(&error).expected("the project as it is after the chapter");
            lens.report(problems, problem.hint(hint));
            return None;
        }
        Err(error) => {
            lens.report(problems, Problem::course(&error).hint("whoever runs the workshop must be able to read it"));
            return None;
        }
    };
    for (path, why) in &reading.skipped {
        let problem = Problem::course(format_args!("{} {why}", snapshots.join(id).join(path).display()));
        lens.report(
            problems,
            problem
                .expected("files that a snapshot can hold: copy what a link points to, leave large files to a step")
                .hint("what a tool has made there is named in the snapshot's own `.gitignore`"),
        );
    }
    for (one, other) in alike(reading.files.keys()) {
        let problem =
            Problem::course(format_args!("snapshot `{id}` has `{one}` and `{other}`, which differ only in case"));
        let hint = "where case does not count, as on macOS, only one of them is there: give one of them another name";
        lens.report(problems, problem.expected("names that differ in more than case").hint(hint));
    }
    if reading.files.is_empty() {
        let problem = Problem::course(format_args!("snapshot `{id}` holds no files"));
        lens.report(problems, problem.expected("the project as it is after the chapter"));
    }
    for (path, file) in &reading.files {
        let name = path.rsplit('/').next().unwrap_or(path);
        let Some(text) = file.text().filter(|_| JSON_FILES.contains(&name)) else { continue };
        if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(text) {
            let spot = Spot {
                line: u32::try_from(error.line()).unwrap_or(1).max(1),
                column: u32::try_from(error.column()).unwrap_or(1).max(1),
                excerpt: text.lines().nth(error.line().saturating_sub(1)).unwrap_or_default().to_owned(),
                ..top_of(&snapshots.join(id).join(path))
            };
            let problem = Problem::course(format_args!("not valid JSON: {error}"));
            problems
                .push(problem.hint("tools read this file as plain JSON: no comments, no comma at the end").at(spot));
        }
    }
    Some(reading)
}

/// The files and directories of paths that are one and the same where case does not count, each with the first like it.
pub fn alike<'p>(paths: impl Iterator<Item = &'p String>) -> BTreeSet<(&'p str, &'p str)> {
    let mut first: BTreeMap<String, &str> = BTreeMap::new();
    let mut found = BTreeSet::new();
    for path in paths {
        let ends = path.match_indices('/').map(|(end, _)| end).chain([path.len()]);
        for named in ends.map(|end| &path[..end]) {
            let one = *first.entry(named.to_lowercase()).or_insert(named);
            // What is in two directories that are alike is alike, too.
            let above = |path: &'p str| path.rsplit_once('/').map_or("", |(above, _)| above);
            if one != named && above(one) == above(named) {
                found.insert((one, named));
            }
        }
    }
    found
}

/// Each chapter's snapshot, and how it differs from the one before; no difference where one of the two cannot be
/// known. They are compared on a thread, ahead of the chapters that are built with them.
pub fn diffs<'scope, 'a: 'scope>(
    scope: &'scope std::thread::Scope<'scope, 'a>,
    trees: &'a [Option<Tree>],
) -> impl Iterator<Item = (Tree, Option<TreeDiff>)> {
    static NOTHING: Option<Tree> = Some(Tree::new());
    let compare = move || {
        let before = std::iter::once(&NOTHING).chain(trees);
        before.zip(trees).map(|(before, after)| {
            let diff = before.as_ref().zip(after.as_ref()).map(|(before, after)| diff_trees(before, after));
            (after.clone().unwrap_or_default(), diff)
        })
    };
    let (send, receive) = std::sync::mpsc::channel();
    let ahead = move || compare().try_for_each(|one| send.send(one)).unwrap_or_default();
    let thread = std::thread::Builder::new().spawn_scoped(scope, ahead);
    // A machine that gives no thread gets them compared here.
    let here = thread.is_err().then(compare).into_iter().flatten();
    receive.into_iter().chain(here)
}

/// Reports snapshots that no chapter ends at: their chapter was forgotten.
pub fn unlisted_snapshots(
    snapshots: &Path,
    used: &BTreeMap<String, String>,
    lens: Lens<'_>,
    problems: &mut Vec<Problem>,
) {
    let mut names = directories(snapshots);
    names.sort_unstable();
    names.retain(|name| kinds::is_id(name) && !tree::IGNORED.contains(&name.as_str()) && !used.contains_key(name));
    for name in names {
        let problem = Problem::course(format_args!("no chapter ends at {}", snapshots.join(&name).display()));
        lens.key("chapters").report(problems, problem.hint("write its chapter, or move the snapshot away"));
    }
}

/// Returns whether two names that end in numbers are those of two chapters: `ch01` and `ch02`, and not `ch01` and `ch1`.
fn is_another(name: &str, id: &str) -> bool {
    let cut = |name: &str| {
        let series = name.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
        let number = name[series.len()..].parse::<u32>().ok();
        (series, number)
    };
    let ((series, number), (wanted, which)) = (cut(name), cut(id));
    series == wanted && number != which
}

fn directories(parent: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(parent) else { return Vec::new() };
    entries.filter_map(|entry| entry.ok().filter(|e| e.path().is_dir())?.file_name().into_string().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_in_case_alone_are_found_once() {
        let paths =
            ["A.md", "Src/one.js", "Src/two.js", "a.md", "b/ONE.js", "b/one.js", "src/one.js"].map(str::to_owned);
        let found: Vec<(&str, &str)> = alike(paths.iter()).into_iter().collect();
        assert_eq!(found, [("A.md", "a.md"), ("Src", "src"), ("b/ONE.js", "b/one.js")]);
        assert!(alike(["a.md", "b/a.md"].map(str::to_owned).iter()).is_empty());
    }
}
