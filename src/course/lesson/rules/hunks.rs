//! Each change of a chapter in exactly one step.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::ChapterFacts;
use crate::code::diff::{FileDiff, FileStatus, Hunk, HunkSubject, Side, split_lines};
use crate::code::merge::holds_markers;
use crate::lesson::lens::Lens;
use crate::lesson::model::*;
use workshop_base::problem::Problem;

/// Proves that every hunk belongs to a step, and none to two.
pub fn each_hunk_in_one_step(
    chapter: &Chapter,
    lens: Lens<'_>,
    facts: &ChapterFacts<'_>,
    doubtful: &BTreeSet<String>,
    problems: &mut Vec<Problem>,
) {
    let steps = lens.key("steps");
    let (taken, unsure) = taken(chapter, facts, problems);
    let unsure = unsure || !facts.options_are_known || steps.is_broken() || steps.is_incomplete();
    if unsure {
        return;
    }
    let new = new_directories(chapter, |file| taken.keys().any(|(path, _)| *path == file) || doubtful.contains(file));
    for (directory, files) in &new {
        let problem = Problem::failed(format_args!("no step makes any of the {files} files below `{directory}/`"))
            .expected("each change of the chapter in exactly one step")
            .hint(
                "add them to the `edit` of a step, or name the directory in the snapshot's `.gitignore` when a tool has \
                 made it",
            );
        lens.key("snapshot").report(problems, problem);
    }
    let is_told =
        |path: &str| new.keys().any(|above| path.strip_prefix(above).is_some_and(|rest| rest.starts_with('/')));
    for file in chapter.diff.iter().filter(|file| !doubtful.contains(&file.path) && !is_told(&file.path)) {
        let is_taken = |index: usize| taken.contains_key(&(file.path.as_str(), index));
        if (0..file.hunks.len()).all(is_taken) {
            continue;
        }
        // It is said where it is to be settled; what comes of it says nothing.
        if holds_markers(&file.before).is_some() {
            continue;
        }
        if let Some(line) = holds_markers(&file.after) {
            let problem =
                Problem::failed(format_args!("`{}` holds a conflict that is not settled (line {line})", file.path))
                    .expected("one version of the lines between the marks")
                    .hint(format!("settle it, then go on with `workshop propagate {}`", chapter.id));
            lens.key("snapshot").report(problems, problem);
            continue;
        }
        for (index, hunk) in file.hunks.iter().enumerate() {
            if is_taken(index) {
                continue;
            }
            let problem = match only_line_ends(file, hunk) {
                Some(ends) => Problem::failed(format_args!(
                    "`{}` differs from the chapter before only in its line ends ({ends})",
                    file.path
                ))
                .expected("the same line ends in every chapter, unless a step changes them")
                .hint(format!(
                    "save the file with the line ends it had, or add `{}` to the `edit` of a step",
                    whole_file(file)
                )),
                None => Problem::failed(match hunk.subject {
                    HunkSubject::Lines => {
                        format!("no step makes change {} of `{}` (line {})", index + 1, file.path, hunk.after_start + 1)
                    }
                    HunkSubject::Mode if hunk.lines.iter().any(|line| line.text() == "new mode 100755") => {
                        format!("no step makes `{}` executable", file.path)
                    }
                    HunkSubject::Mode => format!("no step makes `{}` a file that is not executable", file.path),
                    HunkSubject::Content => format!("no step changes `{}`, which is no text", file.path),
                })
                .expected("each change of the chapter in exactly one step")
                .hint(how_to_make(file, index)),
            };
            lens.key("snapshot").report(problems, problem);
        }
    }
}

/// Returns the step that makes each change, and whether a step could not be read, so that others may make more. One that two
/// steps make is reported.
fn taken<'c>(
    chapter: &'c Chapter,
    facts: &ChapterFacts<'_>,
    problems: &mut Vec<Problem>,
) -> (BTreeMap<(&'c str, usize), &'c Step>, bool) {
    let mut taken: BTreeMap<(&str, usize), &Step> = BTreeMap::new();
    let mut unsure = false;
    for (at, (step, lens)) in chapter.steps.iter().zip(facts.steps).enumerate() {
        unsure |= lens.is_broken() || lens.key("edit").is_broken();
        let StepAction::Edit(edit) = &step.action else { continue };
        for hunk in &edit.hunks {
            if let Some(first) = taken.insert((&hunk.file, hunk.index), step) {
                let (change, file) = (hunk.index + 1, &hunk.file);
                let mut problem =
                    Problem::failed(format_args!("change {change} of `{file}` belongs to step `{}` too", first.id));
                problem.hint = rest_of_file(chapter, step, file);
                let place = facts.named.get(&(at, file.clone(), hunk.index)).filter(|_| !lens.key("edit").is_broken());
                problems.extend(
                    place.map(|place| {
                        problem.expected("each change of the chapter in exactly one step").at(place.clone())
                    }),
                );
            }
        }
    }
    (taken, unsure)
}

/// So many files that no step makes are told of together.
const MANY: usize = 3;

/// The topmost directories that are new in a chapter with many files, none of which a step makes, and how many those are.
fn new_directories(chapter: &Chapter, is_made: impl Fn(&str) -> bool) -> BTreeMap<&str, usize> {
    let all = chapter.snapshot.keys().map(String::as_str);
    let new: BTreeSet<&str> = chapter
        .diff
        .iter()
        .filter(|file| file.status == FileStatus::Added)
        .map(|file| file.path.as_str())
        .filter(|path| !is_made(path))
        .collect();
    // Of each directory, how many files it has, and whether all of them are such.
    let mut directories: BTreeMap<&str, (usize, bool)> = BTreeMap::new();
    for path in all {
        for (end, _) in path.match_indices('/') {
            let (files, all_new) = directories.entry(&path[..end]).or_insert((0, true));
            *files += 1;
            *all_new &= new.contains(path);
        }
    }
    let whole = directories.into_iter().filter(|(_, (files, all_new))| *all_new && *files >= MANY);
    let mut topmost: BTreeMap<&str, usize> = BTreeMap::new();
    for (directory, (files, _)) in whole {
        let within =
            topmost.keys().any(|above| directory.strip_prefix(*above).is_some_and(|rest| rest.starts_with('/')));
        if !within {
            topmost.insert(directory, files);
        }
    }
    topmost
}

/// Says how a step makes a change that none makes yet.
fn how_to_make(file: &FileDiff, index: usize) -> String {
    let edit = edit_of(file, index);
    let alone = edit != whole_file(file) || file.hunks.len() == 1;
    match file.hunks[index].subject {
        HunkSubject::Content if file.status == FileStatus::Added => {
            format!(
                "add `{edit}` to the `edit` of a step, or name it in the snapshot's `.gitignore` when a tool has made it"
            )
        }
        HunkSubject::Lines if !alone => {
            format!("no line of it is its own, so it cannot be named: let one step take the whole file, `{edit}`")
        }
        HunkSubject::Content | HunkSubject::Lines | HunkSubject::Mode => {
            format!("add `{edit}` to the `edit` of a step")
        }
    }
}

/// Says how a step names what other steps leave of a file that it takes whole.
fn rest_of_file(chapter: &Chapter, step: &Step, path: &str) -> Option<String> {
    let of = |step: &Step| match &step.action {
        StepAction::Edit(edit) => edit.hunks.iter().filter(|hunk| hunk.file == path).map(|hunk| hunk.index).collect(),
        _ => BTreeSet::new(),
    };
    let others = chapter.steps.iter().filter(|other| other.id != step.id);
    let taken: BTreeSet<usize> = others.flat_map(of).collect();
    let file = chapter.diff.iter().find(|file| file.path == path)?;
    let left: Vec<String> = of(step).difference(&taken).map(|index| edit_of(file, *index)).collect();
    if file.hunks.len() > 1 && left.contains(&whole_file(file)) {
        return Some(
            "a change of it has no line of its own and cannot be named: let one step take the whole file".into(),
        );
    }
    (!left.is_empty()).then(|| format!("name what is left of it: `{}`", left.join("`, `")))
}

/// Returns how the line ends of a hunk's two sides differ, when nothing else does.
fn only_line_ends(file: &FileDiff, hunk: &Hunk) -> Option<&'static str> {
    let (before, after) = (split_lines(&file.before), split_lines(&file.after));
    let (old, new) = (&before[hunk.before_range()], &after[hunk.after_range()]);
    let text = |line: &str| line.trim_end_matches(['\r', '\n']).to_owned();
    let same = !old.is_empty() && old.iter().map(|line| text(line)).eq(new.iter().map(|line| text(line)));
    let crlf = |lines: &[&str]| lines.iter().any(|line| line.ends_with("\r\n"));
    same.then(|| match (crlf(old), crlf(new)) {
        (false, true) => "LF before, CRLF now",
        (true, false) => "CRLF before, LF now",
        (true, true) | (false, false) => "a line end at the end of the file",
    })
}

/// An item of `edit` that names one change, as it can be written into a lesson: by a line that only this change
/// holds, and by the file alone when that is enough.
fn edit_of(file: &FileDiff, index: usize) -> String {
    if file.hunks.len() == 1 {
        return whole_file(file);
    }
    let holds = |hunk: &Hunk, text: &str| hunk.lines.iter().any(|line| line.text().contains(text));
    let words = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).count();
    let unique = |text: &str| file.hunks.iter().filter(|hunk| holds(hunk, text)).count() == 1;
    let lines = file.hunks[index].lines.iter().rev().map(|line| (line.side, line.text().trim().to_owned()));
    // What a reader sees in the new file is better known than what is gone.
    let telling = lines
        .filter(|(_, text)| !text.is_empty() && unique(text))
        .max_by_key(|(side, text)| (words(text) >= 3, *side == Side::Added, words(text).min(12)))
        .map(|(_, text)| text);
    match telling {
        Some(text) => format!("{{file: {}, match: '{}'}}", in_flow(&file.path), text.replace('\'', "''")),
        None => whole_file(file),
    }
}

fn whole_file(file: &FileDiff) -> String {
    format!("{{file: {}}}", in_flow(&file.path))
}

/// A path as a value within braces.
fn in_flow(path: &str) -> String {
    let plain =
        path.chars().all(|c| c.is_alphanumeric() || matches!(c, '/' | '.' | '_' | '-')) && !path.starts_with('-');
    if plain { path.to_owned() } else { format!("'{}'", path.replace('\'', "''")) }
}
