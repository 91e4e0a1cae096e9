//! What must hold between the parts of a chapter and of a course: sums, names, hunks, captures.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::build::{Owner, Use};
use super::kinds;
use super::lens::Lens;
use super::model::*;
use crate::code::tree::{Tree, is_inside};
use workshop_base::problem::Problem;

/// Sums of minutes may differ by what rounding does, and not more.
const ROUNDING: Duration = Duration::from_millis(500);

/// `doubtful`: the files of whose changes it is not known which the steps mean; None when a snapshot could not be read,
/// so that the diff means nothing.
pub fn check_chapter(
    chapter: &Chapter,
    lens: Lens<'_>,
    uses: &[Use],
    doubtful: Option<&BTreeSet<String>>,
    problems: &mut Vec<Problem>,
) {
    unique_ids(chapter, lens, problems);
    minutes_add_up(chapter, lens, problems);
    repairs_come_later(chapter, lens, problems);
    captures_come_first(chapter, uses, problems);
    if let Some(doubtful) = doubtful {
        each_hunk_in_one_step(chapter, lens, doubtful, problems);
        paths_are_in_the_snapshot(chapter, lens, problems);
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
        let name = used.capture.as_str();
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
            let telling = hunk.lines.iter().rev().map(|line| line.text()).find(|line| !line.trim().is_empty());
            let problem = Problem::failed(format_args!(
                "no step makes change {} of `{}` (line {})",
                index + 1,
                file.path,
                hunk.after_start + 1
            ))
            .expected("each change of the chapter in exactly one step")
            .hint(format!(
                "add `{{file: {}, match: '{}'}}` to the `edit` of a step",
                file.path,
                telling.unwrap_or_default().trim().replace('\'', "''")
            ));
            lens.key("snapshot").report(problems, problem);
        }
    }
}

fn paths_are_in_the_snapshot(chapter: &Chapter, lens: Lens<'_>, problems: &mut Vec<Problem>) {
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
            CheckKind::File { path, is } => can_pass(&chapter.snapshot, path, is, lens.key("file"), problems),
            CheckKind::Lambda { .. } | CheckKind::Sql { .. } | CheckKind::Stack { .. } | CheckKind::Plan { .. } => {}
        }
    }
}

fn directory_exists(snapshot: &Tree, cwd: &str, lens: Lens<'_>, problems: &mut Vec<Problem>) {
    if !cwd.is_empty() && !is_inside(cwd) {
        lens.report(problems, Problem::course(format_args!("`{cwd}` is not below the working directory")));
    } else if !cwd.is_empty() && !snapshot.keys().any(|path| path.strip_prefix(cwd).is_some_and(|p| p.starts_with('/')))
    {
        lens.report(problems, Problem::course(format_args!("the chapter's snapshot has no directory `{cwd}`")));
    }
}

/// A file check that fails on the chapter's own snapshot can never pass.
fn can_pass(snapshot: &Tree, path: &str, is: &FileIs, lens: Lens<'_>, problems: &mut Vec<Problem>) {
    if !is_inside(path) {
        let problem = Problem::course(format_args!("`{path}` is not below the working directory"));
        return lens.key("path").report(problems, problem);
    }
    let text = snapshot.get(path);
    let (key, fault) = match (is, text) {
        (FileIs::EqualsSnapshot | FileIs::Contains(_), None) => {
            let paths: Vec<&str> = snapshot.keys().map(String::as_str).collect();
            let mut problem = Problem::failed(format_args!("the chapter's snapshot has no file `{path}`"));
            problem.hint = kinds::did_you_mean(path, &paths);
            return lens.key("path").report(problems, problem);
        }
        (FileIs::Contains(wanted), Some(text)) if !text.contains(wanted.as_str()) => ("contains", "lacks"),
        (FileIs::Lacks(unwanted), Some(text)) if text.contains(unwanted.as_str()) => ("lacks", "contains"),
        (_, _) => return,
    };
    let problem = Problem::failed(format_args!("`{path}` {fault} this text in the chapter's own snapshot"));
    lens.key(key).report(problems, problem.hint("the check could never pass: correct the text or the snapshot"));
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
