//! The record to take home: what was done and what came of it, as Markdown. Identities are always hidden in it.

use std::fmt::Write;

use super::words;
use crate::tui::model::*;
use crate::tui::{clock, theme};
use workshop_base::{secret, text};
use workshop_course::lesson::model::{Chapter, Check};
use workshop_engine::event::{CheckRef, StepRef, Verdict};

/// Returns the figures of the whole workshop in a line or two, for the end of it.
pub fn summary(m: &Model) -> Vec<String> {
    let checks = m.course.chapters.iter().flat_map(|chapter| chapter.checks.iter().map(move |check| (chapter, check)));
    let done = m.progress.steps.values().filter(|step| step.verdict.is_some_and(Verdict::is_good)).count();
    let all: usize = m.course.chapters.iter().map(|chapter| chapter.steps.len()).sum();
    let mut out = vec![
        format!("Checks: {}", words::passed(checks.map(|(chapter, check)| verdict(m, chapter, check)))),
        format!("Steps: {done} of {all} run"),
    ];
    if m.shows_clock() {
        let spent: u64 = m.course.chapters.iter().map(|c| m.progress.spent_on_chapter(c.number, m.now)).sum();
        out.push(format!("Time: {}", clock::minutes(spent)));
    }
    out
}

fn verdict(m: &Model, chapter: &Chapter, check: &Check) -> Option<Verdict> {
    m.progress.checks.get(&CheckRef { chapter: chapter.number, check: check.id.clone() })?.verdict
}

/// Returns the whole record.
pub fn record(m: &Model) -> String {
    let mut out = format!("# {}\n\n", m.course.title);
    let _ = writeln!(out, "Written on {} in the {}.\n", clock::date(m.now, m.options.utc_offset), target(m));
    for line in summary(m) {
        let _ = writeln!(out, "- {line}");
    }
    for chapter in &m.course.chapters {
        let _ = write!(out, "\n## {} {}\n\n", chapter.number, chapter.title);
        for goal in &chapter.goals {
            let _ = writeln!(out, "- {goal}");
        }
        out.push_str("\n| | step | took |\n|---|---|--:|\n");
        for step in &chapter.steps {
            let at = StepRef { chapter: chapter.number, step: step.id.clone() };
            let state = m.progress.steps.get(&at);
            let (mark, _) = theme::verdict(state.and_then(|state| state.verdict));
            let took = state.and_then(|state| state.took_ms).map(clock::took).unwrap_or_default();
            let _ = writeln!(out, "| {mark} | {} | {took} |", step.title.replace('|', "\\|"));
        }
        for check in &chapter.checks {
            let verdict = verdict(m, chapter, check);
            let word = verdict.map_or("not run", theme::verdict_word);
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
                "| {title} | {} of {} | {} | {:.0} | {p50} | {p99} |",
                last.done, run.total, last.failed, last.per_second
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

fn target(m: &Model) -> &'static str {
    match m.progress.target {
        _ if !m.course.needs_cloud() => "learner's own machine",
        Some(_) if m.progress.on_standby => "sandbox, as the standby of the learner's AWS account",
        Some(workshop_course::lesson::model::Target::Aws) => "learner's AWS account",
        Some(workshop_course::lesson::model::Target::Local) | None => "sandbox",
    }
}
