//! The record to take home: what was done and what came of it, as Markdown. Identities are always hidden in it.

use std::fmt::Write;

use super::outline::step_verdict;
use super::words;
use crate::tui::model::*;
use crate::tui::{clock, theme};
use workshop_base::{secret, text};
use workshop_course::lesson::model::{Chapter, Check, Step, StepAction};
use workshop_engine::event::{CheckRef, StepRef, Verdict};

/// Returns the figures of the whole workshop in a line or two, for the end of it.
pub fn summary(m: &Model) -> Vec<String> {
    let checks = m.course.chapters.iter().flat_map(|chapter| chapter.checks.iter().map(move |check| (chapter, check)));
    let steps = m.course.chapters.iter().flat_map(|chapter| chapter.steps.iter().map(move |step| (chapter, step)));
    let is_done = |(chapter, step): &(&Chapter, &Step)| of_step(m, chapter, step).is_some_and(Verdict::is_good);
    let (all, done) = (steps.clone().count(), steps.filter(is_done).count());
    let mut out = vec![
        format!("Checks: {}", words::passed(checks.map(|(chapter, check)| verdict(m, chapter, check)))),
        format!("Steps: {done} of {all} done"),
    ];
    if m.shows_clock() {
        let spent: u64 = m.course.chapters.iter().map(|c| m.progress.spent_on_chapter(c.number, m.now)).sum();
        out.push(format!("Time: {}", clock::minutes(spent)));
    }
    out
}

/// The verdict on a step; the last one is done when one has come to it and there is nothing to do.
fn of_step(m: &Model, chapter: &Chapter, step: &Step) -> Option<Verdict> {
    let at = StepRef { chapter: chapter.number, step: step.id.clone() };
    let is_read = step.action == StepAction::Read && m.here().as_ref() == Some(&at);
    let skipped = |verdict: &Verdict| *verdict != Verdict::Skipped;
    step_verdict(&m.course, &m.progress, &at, step).filter(skipped).or(is_read.then_some(Verdict::Pass))
}

fn verdict(m: &Model, chapter: &Chapter, check: &Check) -> Option<Verdict> {
    m.progress.checks.get(&CheckRef { chapter: chapter.number, check: check.id.clone() })?.verdict
}

/// Returns the whole record.
pub fn record(m: &Model) -> String {
    let mut out = format!("# {}\n\n", m.course.title);
    let _ =
        writeln!(out, "Written on {}; the work was done {}.\n", clock::date(m.now, m.options.utc_offset), target(m));
    for line in summary(m) {
        let _ = writeln!(out, "- {line}");
    }
    let marks = [
        (Some(Verdict::Pass), "done"),
        (Some(Verdict::FailedAsExpected), "failed, as it was meant to"),
        (Some(Verdict::Fail), "failed"),
        (Some(Verdict::Error), "could not run"),
        (None, "not done"),
    ];
    let legend: Vec<String> = marks.iter().map(|(of, word)| format!("{} {word}", theme::verdict(*of).0)).collect();
    let _ = writeln!(out, "\n{}", legend.join(" · "));
    for chapter in &m.course.chapters {
        let _ = write!(out, "\n## {} {}\n\n", chapter.number, chapter.title);
        for goal in &chapter.goals {
            let _ = writeln!(out, "- {goal}");
        }
        out.push_str("\n| | step | took |\n|---|---|--:|\n");
        for step in &chapter.steps {
            let at = StepRef { chapter: chapter.number, step: step.id.clone() };
            let state = m.progress.steps.get(&at);
            let verdict = of_step(m, chapter, step);
            let (mark, _) = theme::verdict(verdict);
            let took = state.and_then(|state| state.took_ms).map(clock::took).unwrap_or_default();
            // Of what did not go well, why.
            let failure = state.filter(|_| verdict.is_some_and(|verdict| !verdict.is_good()));
            let why = failure.and_then(|state| state.failure.as_ref()?.actual.lines().next());
            let why = why.map(|why| format!(": {}", text::shortened(&m.progress.in_project(why)))).unwrap_or_default();
            let _ = writeln!(out, "| {mark} | {}{} | {took} |", cell(&step.title), cell(&why));
        }
        for check in &chapter.checks {
            let state = m.progress.checks.get(&CheckRef { chapter: chapter.number, check: check.id.clone() });
            let verdict = state.and_then(|state| state.verdict);
            let word = verdict.map_or("not run", |v| words::came_to(v, state.and_then(|s| s.failure.as_ref())));
            let _ = write!(out, "\n- {} {}: {word}", theme::verdict(verdict).0, check.title);
        }
        out.push('\n');
    }
    if !m.progress.outputs.is_empty() {
        out.push_str("\n## Outputs of the stack\n\n");
        for (key, output) in &m.progress.outputs {
            let _ = writeln!(out, "- {key}: `{}`", output.value);
        }
    }
    if !m.loads.is_empty() {
        out.push_str("\n## Loads\n\n| load | done | failed | per second | p50 | p99 |\n|---|--:|--:|--:|--:|--:|\n");
        for run in &m.loads {
            let Some(last) = run.samples.last() else { continue };
            let title = m.step_of(&run.at_step).map_or(run.at_step.step.as_str(), |step| step.title.as_str());
            let (p50, p99) = (clock::latency(last.p50_ms), clock::latency(last.p99_ms));
            let _ = writeln!(
                out,
                "| {} | {} of {} | {} | {:.0} | {p50} | {p99} |",
                cell(title),
                last.done,
                run.total,
                last.failed,
                last.per_second
            );
        }
    }
    if super::timeline::is_worth_it(m) {
        out.push_str("\n## Sessions\n\n```text\n");
        for line in super::timeline::lines(m, 110) {
            let _ = writeln!(out, "{}", line.to_string().trim_end());
        }
        out.push_str("```\n");
    }
    secret::redact(&text::sanitize(&out)).into_owned()
}

/// A text as it stands in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn target(m: &Model) -> &'static str {
    match m.progress.target {
        _ if !m.course.needs_cloud() => "on this machine",
        Some(_) if m.progress.on_standby => "in the sandbox, as the standby of an AWS account",
        Some(workshop_course::lesson::model::Target::Aws) => "in an AWS account",
        Some(workshop_course::lesson::model::Target::Local) | None => "in the sandbox on this machine",
    }
}
