//! The parts of a chapter: ids, minutes, repairs, captures.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::facts::ChapterFacts;
use super::hunks::each_hunk_in_one_step;
use super::paths::{directories_stay_directories, names_change_in_more_than_case, paths_are_in_the_snapshot};
use super::references::{outputs_are_somewhere, what_is_used_is_named};
use super::sums::{ROUNDING, in_minutes};
use crate::lesson::build::{Owner, Use};
use crate::lesson::kinds;
use crate::lesson::lens::Lens;
use crate::lesson::model::*;
use crate::lesson::template::Reference;
use workshop_base::problem::Problem;

/// Proves what must hold between the parts of a chapter.
pub fn check_chapter(chapter: &Chapter, lens: Lens<'_>, facts: &ChapterFacts<'_>, problems: &mut Vec<Problem>) {
    few_enough_steps(chapter, lens, problems);
    unique_ids(chapter, facts, problems);
    minutes_add_up(chapter, lens, facts, problems);
    waits_are_waited_for(chapter, facts, problems);
    repairs_come_later(chapter, facts, problems);
    captures_come_first(chapter, facts.uses, problems);
    what_is_used_is_named(chapter, facts, problems);
    what_is_optional_is_needed_by_nothing(chapter, facts, problems);
    what_is_stopped_was_started(chapter, facts, problems);
    what_runs_on_one_target_is_told_on_the_other(chapter, facts, problems);
    something_happens_in_a_simulation(chapter, facts, problems);
    if let Some(doubtful) = facts.doubtful {
        each_hunk_in_one_step(chapter, lens, facts, doubtful, problems);
        paths_are_in_the_snapshot(chapter, facts, problems);
        directories_stay_directories(chapter, lens, problems);
        names_change_in_more_than_case(chapter, lens, problems);
        if facts.cloud.stack {
            outputs_are_somewhere(chapter, facts.uses, problems);
        }
    }
}

/// More steps than anybody walks through in one chapter.
const MOST_STEPS: usize = 200;

fn few_enough_steps(chapter: &Chapter, lens: Lens<'_>, problems: &mut Vec<Problem>) {
    if chapter.steps.len() > MOST_STEPS {
        let problem = Problem::course(format_args!("the chapter has {} steps", chapter.steps.len()));
        lens.key("steps")
            .report(problems, problem.expected(format!("at most {MOST_STEPS}: make several chapters of them")));
    }
}

fn unique_ids(chapter: &Chapter, facts: &ChapterFacts<'_>, problems: &mut Vec<Problem>) {
    let steps = chapter.steps.iter().map(|step| (step.id.as_str(), &step.origin));
    let checks = chapter.checks.iter().map(|check| (check.id.as_str(), &check.origin));
    twice("step", |i| facts.steps.get(i).copied(), steps, problems);
    twice("check", |i| facts.checks.get(i).copied(), checks, problems);
}

fn twice<'c, 'l>(
    what: &str,
    written: impl Fn(usize) -> Option<Lens<'l>>,
    ids: impl Iterator<Item = (&'c str, &'c Origin)>,
    problems: &mut Vec<Problem>,
) {
    let mut seen: BTreeMap<&str, &Origin> = BTreeMap::new();
    for (i, (id, origin)) in ids.enumerate() {
        match seen.get(id) {
            Some(first) => {
                let file = first.file.file_name().unwrap_or_default().display();
                let place = if first.file == origin.file { String::new() } else { format!(" of {file}") };
                let problem = Problem::course(format_args!("there are two {what}s `{id}` in this chapter"))
                    .hint(format!("the first one is on line {}{place}: give one of them another id", first.line));
                if let Some(lens) = written(i) {
                    lens.key("id").report(problems, problem);
                }
            }
            None => {
                seen.insert(id, origin);
            }
        }
    }
}

fn minutes_add_up(chapter: &Chapter, lens: Lens<'_>, facts: &ChapterFacts<'_>, problems: &mut Vec<Problem>) {
    let steps = lens.key("steps");
    let unsure = !facts.options_are_known
        || steps.is_broken()
        || steps.is_incomplete()
        || facts.steps.iter().any(|step| step.key("minutes").is_broken());
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

/// What is planned as a wait is an action's, where that runs, and over before it is given up.
fn waits_are_waited_for(chapter: &Chapter, facts: &ChapterFacts<'_>, problems: &mut Vec<Problem>) {
    for (step, lens) in chapter.steps.iter().zip(facts.steps) {
        let lens = lens.key("wait");
        if step.wait == PlannedWait::default() || lens.is_broken() {
            continue;
        }
        if step.action == StepAction::Read {
            let problem = Problem::course(format_args!("step `{}` has no action to wait for", step.id));
            lens.report(problems, problem.expected("minutes that are long enough for what is said, and no `wait`"));
            continue;
        }
        for (target, key) in [(Target::Local, "local"), (Target::Aws, "aws")] {
            let Some(wait) = step.wait.on(target) else { continue };
            // A wait for all targets has no keys: then it is told of once.
            let lens = lens.entry(key).unwrap_or(lens);
            if !step.runs_on(target) {
                let problem = Problem::course(format_args!("step `{}` does not run on the target `{key}`", step.id));
                lens.report(problems, problem.hint("plan the wait for the target where it runs"));
            } else if wait > step.timeout {
                let problem = Problem::course(format_args!("the action of step `{}` is given up before that", step.id));
                lens.report(problems, problem.expected("a shorter wait, or a longer `timeout`"));
            } else {
                continue;
            }
            break;
        }
    }
}

fn repairs_come_later(chapter: &Chapter, facts: &ChapterFacts<'_>, problems: &mut Vec<Problem>) {
    for (i, (step, lens)) in chapter.steps.iter().zip(facts.steps).enumerate() {
        let StepExpect::Failure(failure) = &step.expect else { continue };
        let lens = lens.key("expect");
        if let StepAction::Serve(ServeAction { ready: None, .. }) = &step.action {
            let problem = Problem::course(format_args!("step `{}` waits for nothing that could fail", step.id));
            lens.report(problems, problem.expected("`ready` in its `serve`"));
        }
        if step.action == StepAction::Read {
            let problem = Problem::course(format_args!("step `{}` has no action that could fail", step.id));
            lens.report(problems, problem.expected(format!("one of {}", kinds::list(&crate::lesson::format::ACTIONS))));
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
        walked.extend(step.action.captures());
        let StepAction::Check(ids) = &step.action else { continue };
        for id in ids {
            before_check.entry(id).or_insert_with(|| walked.clone());
            walked.extend(captured_by(id));
        }
    }
    let mut everywhere: Vec<&str> = chapter.checks.iter().flat_map(|c| captured_by(&c.id)).collect();
    everywhere.extend(chapter.steps.iter().flat_map(|step| step.action.captures()));
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
            Problem::course(format_args!("`{name}` is not captured yet here")).expected(
                "an earlier step that captures it or runs a check that does, or such a check above in the list",
            )
        } else {
            let mut problem = Problem::course(format_args!("nothing in this chapter captures `{name}`"));
            problem.hint = kinds::did_you_mean(name, &everywhere);
            problem.expected("the name of a `capture`")
        };
        problems.push(problem.at(used.spot.clone()));
    }
}

/// Returns the values that a step keeps, those of the checks that it runs among them.
fn kept_by<'c>(chapter: &'c Chapter, step: &'c Step) -> Vec<&'c str> {
    let mut names = step.action.captures();
    if let StepAction::Check(ids) = &step.action {
        let checks = ids.iter().filter_map(|id| chapter.check(id));
        names.extend(checks.flat_map(|check| check.capture.iter().map(|(name, _)| name.as_str())));
    }
    names
}

/// Says who needs a value that the step `at` keeps and, of the steps before, none that is `there` when this one is not.
fn kept_for_others(chapter: &Chapter, uses: &[Use], at: usize, there: impl Fn(&Step) -> bool) -> Option<String> {
    let kept = kept_by(chapter, &chapter.steps[at]);
    uses.iter().find_map(|used| {
        let Reference::Capture(name) = &used.reference else { return None };
        let name = name.as_str();
        let keeps = |check: &Check| check.capture.iter().any(|(own, _)| own == name);
        let (by, user) = match used.owner {
            Owner::Step(by) => (by, chapter.steps.get(by).filter(|user| there(user)).map(|step| ("step", &step.id))?),
            Owner::Check(number) => {
                let check = chapter.checks.get(number).filter(|_| !chapter.checks[..number].iter().any(keeps))?;
                let runs = |step: &Step| matches!(&step.action, StepAction::Check(ids) if ids.contains(&check.id));
                let by = chapter.steps.iter().position(runs).unwrap_or(chapter.steps.len());
                (by, ("check", &check.id))
            }
        };
        let another = |step: &Step| there(step) && kept_by(chapter, step).contains(&name);
        let lacks = by > at && kept.contains(&name) && !chapter.steps[..by].iter().any(another);
        lacks.then(|| format!("{} `{}` uses `${{capture.{name}}}`", user.0, user.1))
    })
}

/// A process is started before it is stopped, in the same chapter: it ends with that.
fn what_is_stopped_was_started(chapter: &Chapter, facts: &ChapterFacts<'_>, problems: &mut Vec<Problem>) {
    let mut started: Vec<&str> = Vec::new();
    for (step, lens) in chapter.steps.iter().zip(facts.steps) {
        let lens = lens.key("stop");
        match &step.action {
            StepAction::Serve(serve) => started.push(&serve.name),
            StepAction::Stop(names) if names.is_empty() && started.is_empty() => {
                let problem = Problem::course("no step before this one starts a process");
                lens.report(problems, problem.expected("a step with `serve` before it, in the same chapter"));
            }
            StepAction::Stop(names) => {
                for (i, name) in names.iter().enumerate().filter(|(_, name)| !started.contains(&name.as_str())) {
                    let mut problem = Problem::course(format_args!("no step before this one starts `{name}`"));
                    problem.hint = kinds::did_you_mean(name, &started).or_else(|| {
                        Some(
                            "a process ends with its chapter by itself: only what this chapter starts is stopped"
                                .into(),
                        )
                    });
                    lens.item(i).report(problems, problem);
                }
            }
            _ => {}
        }
    }
}

/// Reports optional steps that something needs: who leaves one out must still come to the chapter's end.
fn what_is_optional_is_needed_by_nothing(chapter: &Chapter, facts: &ChapterFacts<'_>, problems: &mut Vec<Problem>) {
    for (at, (step, lens)) in chapter.steps.iter().zip(facts.steps).enumerate().filter(|(_, (step, _))| step.optional) {
        let repairs = |other: &&Step| match &other.expect {
            StepExpect::Failure(failure) => failure.repaired_by == step.id && !other.optional,
            StepExpect::Success => false,
        };
        let repaired = || chapter.steps.iter().find(repairs).map(|other| format!("it repairs step `{}`", other.id));
        let why = if matches!(step.action, StepAction::Edit(_)) {
            Some("its changes are part of the chapter's snapshot".to_owned())
        } else {
            repaired().or_else(|| kept_for_others(chapter, facts.uses, at, |other| !other.optional))
        };
        if let Some(why) = why {
            let problem = Problem::course(format_args!("step `{}` cannot be optional: {why}", step.id));
            lens.key("optional").report(problems, problem.hint("take `optional` away"));
        }
    }
}

/// On a target where its action cannot run, a step still has something to say, and nothing is missing that others need.
fn what_runs_on_one_target_is_told_on_the_other(
    chapter: &Chapter,
    facts: &ChapterFacts<'_>,
    problems: &mut Vec<Problem>,
) {
    for (at, (step, lens)) in chapter.steps.iter().zip(facts.steps).enumerate() {
        let whole = step.part.as_ref().is_none_or(|part| part.number == 1);
        // Where the course does not run, nothing is missing.
        let runs = |target| step.runs_on(target) || !facts.cloud.runs_on(target);
        let everywhere = runs(Target::Local) && runs(Target::Aws);
        if lens.key("targets").is_broken() {
            continue;
        }
        let in_an_account = step.runs_on(Target::Aws) && facts.cloud.runs_on(Target::Aws);
        if let (StepAction::Simulate(_), true) = (&step.action, in_an_account) {
            let problem = Problem::course("no account can be put under conditions: only the local target can");
            lens.key("simulate").report(problems, problem.expected("`targets: [local]` on the step"));
        }
        if everywhere {
            if step.elsewhere.is_some() && whole {
                let problem = Problem::course("this text never shows: the action runs on both targets");
                lens.key("elsewhere").report(problems, problem.expected("`targets:` beside it, or no `elsewhere`"));
            }
            continue;
        }
        if step.elsewhere.is_none() && whole {
            let problem = Problem::course(format_args!("step `{}` says nothing on the other target", step.id));
            let problem = problem
                .expected("`elsewhere:` with a text for it")
                .hint("say what one would see there, and why it cannot be shown");
            lens.key("targets").report(problems, problem);
        }
        let needed = match &step.action {
            StepAction::Edit(_) => Some("its changes are part of the chapter's snapshot".to_owned()),
            StepAction::Deploy(_) => Some("what it deploys is needed later".to_owned()),
            _ => [Target::Local, Target::Aws]
                .into_iter()
                .filter(|target| !runs(*target))
                .find_map(|target| kept_for_others(chapter, facts.uses, at, |other| other.runs_on(target))),
        };
        if let Some(why) = needed {
            let problem = Problem::course(format_args!("step `{}` has to run on both targets: {why}", step.id));
            lens.key("targets").report(problems, problem.hint("take `targets` away"));
        }
    }
}

/// Conditions end with the step that has them: something must run in it after them.
fn something_happens_in_a_simulation(chapter: &Chapter, facts: &ChapterFacts<'_>, problems: &mut Vec<Problem>) {
    for (step, lens) in chapter.steps.iter().zip(facts.steps) {
        let last = step.part.as_ref().is_none_or(|part| part.number == part.of);
        if matches!(step.action, StepAction::Simulate(_)) && last {
            let problem = Problem::course("nothing runs under these conditions: they end with their step");
            lens.key("simulate")
                .report(problems, problem.expected("`actions:` with `simulate` first and what is to be seen after it"));
        }
    }
}
