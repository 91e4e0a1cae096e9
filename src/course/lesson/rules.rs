//! What must hold between the parts of a chapter and of a course: sums, names, hunks, captures.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::build::{Owner, Use};
use super::lens::Lens;
use super::model::*;
use super::template::Reference;
use super::{file_check, kinds};
use crate::code::diff::{FileDiff, Hunk, Side, split_lines};
use crate::code::tree::{IGNORED, Reading, Tree, is_inside};
use workshop_base::problem::Problem;

/// Sums of minutes may differ by what rounding does, and not more.
const ROUNDING: Duration = Duration::from_millis(500);

/// What is known of a chapter besides its model.
pub struct ChapterFacts<'a> {
    pub uses: &'a [Use],
    /// The files of whose changes it is not known which the steps mean; None when a snapshot could not be read, so that
    /// the diff means nothing.
    pub doubtful: Option<&'a BTreeSet<String>>,
    /// What stands in the snapshot's directory and is not part of it.
    pub left_out: &'a Reading,
}

/// Proves what must hold between the parts of a chapter.
pub fn check_chapter(chapter: &Chapter, lens: Lens<'_>, facts: &ChapterFacts<'_>, problems: &mut Vec<Problem>) {
    unique_ids(chapter, lens, problems);
    minutes_add_up(chapter, lens, problems);
    repairs_come_later(chapter, lens, problems);
    captures_come_first(chapter, facts.uses, problems);
    if let Some(doubtful) = facts.doubtful {
        each_hunk_in_one_step(chapter, lens, doubtful, problems);
        paths_are_in_the_snapshot(chapter, lens, facts.left_out, problems);
        outputs_are_somewhere(chapter, facts.uses, problems);
    }
}

fn unique_ids(chapter: &Chapter, lens: Lens<'_>, problems: &mut Vec<Problem>) {
    let steps = chapter.steps.iter().map(|step| (step.id.as_str(), &step.origin));
    let checks = chapter.checks.iter().map(|check| (check.id.as_str(), &check.origin));
    twice("step", lens.key("steps"), steps, problems);
    twice("check", lens.key("checks"), checks, problems);
}

fn twice<'c>(
    what: &str,
    lens: Lens<'_>,
    ids: impl Iterator<Item = (&'c str, &'c Origin)>,
    problems: &mut Vec<Problem>,
) {
    let mut seen: BTreeMap<&str, &Origin> = BTreeMap::new();
    for (i, (id, origin)) in ids.enumerate() {
        match seen.get(id) {
            Some(first) => {
                let problem = Problem::course(format_args!("there are two {what}s `{id}` in this chapter"))
                    .hint(format!("the first one is on line {}: give one of them another id", first.line));
                lens.item(i).key("id").report(problems, problem);
            }
            None => {
                seen.insert(id, origin);
            }
        }
    }
}

fn minutes_add_up(chapter: &Chapter, lens: Lens<'_>, problems: &mut Vec<Problem>) {
    let steps = lens.key("steps");
    let unsure = steps.is_broken() || (0..chapter.steps.len()).any(|i| steps.item(i).key("minutes").is_broken());
    let sum: Duration = chapter.steps.iter().map(Step::stage_budget).sum();
    if !unsure && sum.abs_diff(chapter.budget) > ROUNDING {
        let problem = Problem::course(format_args!(
            "the steps take {} minutes, the chapter {}",
            in_minutes(sum),
            in_minutes(chapter.budget)
        ));
        lens.key("minutes").report(problems, problem.expected("the sum of the steps' minutes"));
    }
}

pub fn in_minutes(duration: Duration) -> f64 {
    (duration.as_secs_f64() / 60.0 * 100.0).round() / 100.0
}

fn repairs_come_later(chapter: &Chapter, lens: Lens<'_>, problems: &mut Vec<Problem>) {
    for (i, step) in chapter.steps.iter().enumerate() {
        let StepExpect::Failure(failure) = &step.expect else { continue };
        let lens = lens.key("steps").item(i).key("expect");
        if step.action == StepAction::Read {
            let problem = Problem::course(format_args!("step `{}` has no action that could fail", step.id));
            lens.report(problems, problem.expected(format!("one of {}", kinds::list(&super::format::ACTIONS))));
        }
        let later: Vec<&str> = chapter.steps[i + 1..].iter().map(|step| step.id.as_str()).collect();
        if later.contains(&failure.repaired_by.as_str()) {
            continue;
        }
        let earlier = chapter.steps[..=i].iter().any(|step| step.id == failure.repaired_by);
        let mut problem = Problem::course(if earlier {
            format!("step `{}` comes before the failure it should repair", failure.repaired_by)
        } else {
            format!("the chapter has no step `{}`", failure.repaired_by)
        });
        problem.hint = kinds::did_you_mean(&failure.repaired_by, &later);
        let problem = problem.expected(match later.is_empty() {
            true => "a later step, and this is the last".to_owned(),
            false => format!("a later step: {}", kinds::list(&later)),
        });
        lens.key("failure").key("repaired_by").report(problems, problem);
    }
}

/// A capture must have been made when it is used: by a check that an earlier step runs, or, since
/// the checks of a chapter also run on their own, by a check above in the list.
fn captures_come_first(chapter: &Chapter, uses: &[Use], problems: &mut Vec<Problem>) {
    let captured_by =
        |id: &str| chapter.check(id).into_iter().flat_map(|c| c.capture.iter().map(|(name, _)| name.as_str()));
    let mut walked: BTreeSet<&str> = BTreeSet::new();
    let mut before_step: Vec<BTreeSet<&str>> = Vec::new();
    let mut before_check: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for step in &chapter.steps {
        before_step.push(walked.clone());
        let StepAction::Check(ids) = &step.action else { continue };
        for id in ids {
            before_check.entry(id).or_insert_with(|| walked.clone());
            walked.extend(captured_by(id));
        }
    }
    let everywhere: Vec<&str> = chapter.checks.iter().flat_map(|c| captured_by(&c.id)).collect();
    for used in uses {
        let Reference::Capture(name) = &used.reference else { continue };
        let name = name.as_str();
        let known = match used.owner {
            Owner::Step(i) => before_step.get(i).is_some_and(|before| before.contains(name)),
            Owner::Check(i) => {
                let above = chapter.checks[..i.min(chapter.checks.len())].iter();
                let own = chapter.checks.get(i).and_then(|check| before_check.get(check.id.as_str()));
                above.flat_map(|check| captured_by(&check.id)).any(|n| n == name)
                    || own.is_some_and(|before| before.contains(name))
            }
        };
        if known {
            continue;
        }
        let problem = if everywhere.contains(&name) {
            Problem::course(format_args!("`{name}` is not captured yet here"))
                .expected("a check that captures it, run by an earlier step or above in the list of checks")
        } else {
            let mut problem = Problem::course(format_args!("no check of this chapter captures `{name}`"));
            problem.hint = kinds::did_you_mean(name, &everywhere);
            problem.expected("the name of a `capture`")
        };
        problems.push(problem.at(used.spot.clone()));
    }
}

fn each_hunk_in_one_step(chapter: &Chapter, lens: Lens<'_>, doubtful: &BTreeSet<String>, problems: &mut Vec<Problem>) {
    let mut taken: BTreeMap<(&str, usize), &Step> = BTreeMap::new();
    let mut unsure = lens.key("steps").is_broken();
    for (i, step) in chapter.steps.iter().enumerate() {
        let lens = lens.key("steps").item(i);
        unsure |= lens.is_broken() || lens.key("edit").is_broken();
        let StepAction::Edit(edit) = &step.action else { continue };
        for hunk in &edit.hunks {
            if let Some(first) = taken.insert((&hunk.file, hunk.index), step) {
                let whose =
                    if first.id == step.id { "this step twice".into() } else { format!("step `{}` too", first.id) };
                let problem =
                    Problem::failed(format_args!("change {} of `{}` belongs to {whose}", hunk.index + 1, hunk.file));
                lens.key("edit").report(problems, problem.expected("each change of the chapter in exactly one step"));
            }
        }
    }
    if unsure {
        return;
    }
    for file in chapter.diff.iter().filter(|file| !doubtful.contains(&file.path)) {
        for (index, hunk) in file.hunks.iter().enumerate() {
            if taken.contains_key(&(file.path.as_str(), index)) {
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
                None => Problem::failed(format_args!(
                    "no step makes change {} of `{}` (line {})",
                    index + 1,
                    file.path,
                    hunk.after_start + 1
                ))
                .expected("each change of the chapter in exactly one step")
                .hint(format!("add `{}` to the `edit` of a step", edit_of(file, index))),
            };
            lens.key("snapshot").report(problems, problem);
        }
    }
}

/// How the line ends of a hunk's two sides differ, when nothing else does.
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

fn paths_are_in_the_snapshot(chapter: &Chapter, lens: Lens<'_>, left_out: &Reading, problems: &mut Vec<Problem>) {
    for (i, step) in chapter.steps.iter().enumerate() {
        if let StepAction::Shell(shell) = &step.action {
            directory_exists(
                &chapter.snapshot,
                &shell.cwd,
                lens.key("steps").item(i).key("shell").key("cwd"),
                problems,
            );
        }
    }
    for (i, check) in chapter.checks.iter().enumerate() {
        let lens = lens.key("checks").item(i);
        match &check.kind {
            CheckKind::Command { cwd, .. } => {
                directory_exists(&chapter.snapshot, cwd, lens.key("command").key("cwd"), problems);
            }
            CheckKind::File { path, is } => {
                can_pass(&chapter.snapshot, left_out, (path, is), lens.key("file"), problems)
            }
            CheckKind::Lambda { .. } | CheckKind::Sql { .. } | CheckKind::Stack { .. } | CheckKind::Plan { .. } => {}
        }
    }
}

fn directory_exists(snapshot: &Tree, cwd: &str, lens: Lens<'_>, problems: &mut Vec<Problem>) {
    if !cwd.is_empty() && !is_inside(cwd) {
        lens.report(problems, Problem::course(format_args!("`{cwd}` is not below the working directory")));
    } else if let Some(own) = cwd.split('/').find(|part| matches!(*part, ".git" | ".workshop")) {
        let problem =
            Problem::course(format_args!("`{own}` is not part of the project: nothing of a lesson runs there"));
        lens.report(problems, problem.expected("a directory of the chapter's snapshot"));
    } else if cwd.split('/').any(|part| IGNORED.contains(&part)) {
        // What tools make there is not known before they have run.
    } else if !cwd.is_empty() && !snapshot.keys().any(|path| path.strip_prefix(cwd).is_some_and(|p| p.starts_with('/')))
    {
        lens.report(problems, Problem::course(format_args!("the chapter's snapshot has no directory `{cwd}`")));
    }
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
        let problem = Problem::course(format_args!("`{path}` is not below the working directory"));
        return lens.key("path").report(problems, problem);
    }
    let now = snapshot.get(path);
    if now.is_none() && !matches!(is, FileIs::Lacks(_) | FileIs::LacksMatch(_) | FileIs::Exists(false)) {
        let paths: Vec<&str> = snapshot.keys().map(String::as_str).collect();
        let mut problem = Problem::failed(format_args!("the chapter's snapshot has no file `{path}`"));
        problem.hint = match left_out.ignored_by(path) {
            Some(why) => Some(format!("the file is there and not part of the snapshot: {why}")),
            None => kinds::did_you_mean(path, &paths),
        };
        return lens.key("path").report(problems, problem);
    }
    let Some(fault) = file_check::judge(path, is, now, now) else { return };
    let (key, problem) = match is {
        FileIs::Contains(_) => ("contains", format!("`{path}` lacks this text in the chapter's own snapshot")),
        FileIs::Lacks(_) => ("lacks", format!("`{path}` contains this text in the chapter's own snapshot")),
        FileIs::Matches(_) => ("matches", format!("`{path}` does not match this in the chapter's own snapshot")),
        FileIs::LacksMatch(_) => ("lacks_match", format!("`{path}` matches this in the chapter's own snapshot")),
        FileIs::Exists(_) => ("exists", format!("`{path}` is there in the chapter's own snapshot")),
        FileIs::Json(_) => ("json", format!("in the chapter's own snapshot, {}", fault.actual)),
        FileIs::EqualsSnapshot => return,
    };
    let problem = Problem::failed(problem).hint("the check could never pass: correct it or the snapshot");
    lens.key(key).report(problems, problem);
}

/// An output that nothing in the project names will never have a value. Names that the CDK makes end in a hash, and
/// those that a project puts together can be declared by a `stack` check.
fn outputs_are_somewhere(chapter: &Chapter, uses: &[Use], problems: &mut Vec<Problem>) {
    let declared: Vec<&str> = chapter
        .checks
        .iter()
        .filter_map(|check| match &check.kind {
            CheckKind::Stack { outputs, .. } => Some(outputs.iter().map(String::as_str)),
            _ => None,
        })
        .flatten()
        .collect();
    let hashed = |name: &str| {
        let tail = name.len().checked_sub(8).and_then(|from| name.get(from..)).unwrap_or_default();
        !tail.is_empty() && tail.chars().all(|c| c.is_ascii_digit() || ('A'..='F').contains(&c))
    };
    let texts =
        || chapter.snapshot.iter().filter(|(path, _)| !path.ends_with("-lock.json")).filter_map(|(_, f)| f.text());
    for used in uses {
        let Reference::Output(name) = &used.reference else { continue };
        if declared.contains(&name.as_str()) || hashed(name) || texts().any(|text| holds_word(text, name)) {
            continue;
        }
        let mut known: Vec<&str> = texts().flat_map(declared_outputs).chain(declared.iter().copied()).collect();
        known.sort_unstable();
        known.dedup();
        let mut problem = Problem::course(format_args!("nothing in the chapter's snapshot is called `{name}`"));
        problem.hint = kinds::did_you_mean(name, &known).or_else(|| {
            Some(
                "an output whose name is put together in code is listed in the `outputs` of a `stack` check".to_owned(),
            )
        });
        if !known.is_empty() {
            problem = problem.expected(format!("an output of the stack: {}", kinds::list(&known)));
        }
        problems.push(problem.at(used.spot.clone()));
    }
}

fn holds_word(text: &str, word: &str) -> bool {
    let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    text.match_indices(word)
        .any(|(at, _)| !part(text[..at].chars().next_back()) && !part(text[at + word.len()..].chars().next()))
}

/// The outputs that a text declares as the CDK does: `new CfnOutput(this, 'Name', …)`.
fn declared_outputs(text: &str) -> impl Iterator<Item = &str> {
    text.split("CfnOutput(").skip(1).filter_map(|rest| {
        let (_, after) = rest.split_once(',')?;
        let name = after.trim_start().strip_prefix(['\'', '"', '`'])?;
        let end = name.find(|c: char| !c.is_alphanumeric() && c != '_')?;
        Some(&name[..end])
    })
}

/// What must hold for the course as a whole.
pub fn check_course(course: &Course, lens: Lens<'_>, problems: &mut Vec<Problem>) {
    let on_stage: Duration = course.chapters.iter().filter(|c| c.on_stage).map(|c| c.budget).sum();
    if on_stage > course.slot + ROUNDING {
        let problem = Problem::course(format_args!(
            "the chapters on stage take {} minutes, the slot has {}",
            in_minutes(on_stage),
            in_minutes(course.slot)
        ));
        lens.key("slot")
            .report(problems, problem.hint("shorten chapters, or mark preparations with `on_stage: false`"));
    }
}
