//! The record to take home: what was done and what came of it, as Markdown. Identities are always hidden in it.

use std::fmt::Write;

use super::outline::step_verdict;
use super::spans::display_text;
use super::{timeline, words};
use crate::tui::model::*;
use crate::tui::{clock, theme};
use workshop_base::{secret, text};
use workshop_course::lesson::model::{Chapter, Check, Step, StepAction};
use workshop_engine::event::{CheckRef, StepRef, Verdict};

/// Returns the figures of the whole workshop in a line or two, for the end of it. What is for learners by themselves is no part
/// of what one who presents has to do.
pub fn summary(m: &Model) -> Vec<String> {
    let checks = m.course.chapters.iter().flat_map(|chapter| chapter.checks.iter().map(move |check| (chapter, check)));
    let came_to: Vec<Option<Verdict>> = checks.map(|(chapter, check)| verdict(m, chapter, check)).collect();
    let not_run = match came_to.iter().filter(|verdict| verdict.is_none()).count() {
        0 => String::new(),
        count => format!(", {count} not run"),
    };
    let steps = m.course.chapters.iter().flat_map(|chapter| chapter.steps.iter().map(move |step| (chapter, step)));
    let (own, others): (Vec<_>, Vec<_>) = steps.partition(|(_, step)| step.on_stage || !m.settings.clock);
    let is_done = |(chapter, step): &&(&Chapter, &Step)| of_step(m, chapter, step).is_some_and(Verdict::is_good);
    let (all, done) = (own.len(), own.iter().filter(is_done).count());
    let on_stage = if others.is_empty() { "" } else { " on stage" };
    let mut out = vec![
        format!("Checks: {}{not_run}", words::passed(came_to.into_iter())),
        format!("Steps: {done} of {all} done{on_stage}"),
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

/// Returns the whole record. Identities are hidden in it before anything is cut or broken: a part of one is not known for
/// what it is.
pub fn record(m: &mut Model) -> String {
    let shown = std::mem::replace(&mut m.settings.redact, true);
    let record = written(m);
    m.settings.redact = shown;
    record
}

fn written(m: &Model) -> String {
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
        (Some(Verdict::PassedUnexpectedly), "passed, and was meant to fail"),
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
            let why = why.map(|why| format!(": {}", text::shortened(&display_text(m, &m.progress.in_project(why)))));
            let why = why.unwrap_or_default();
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
    for (chapter, lines) in timeline::of_chapters(m, 110) {
        let _ = write!(out, "\n## Sessions of chapter {chapter}\n\n```text\n");
        for line in lines {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::golden::Player;

    #[test]
    fn the_record_has_the_sessions_of_every_chapter() {
        let mut player = Player::new(120, 40);
        let mut ask = |chapter: u32, step: &str, session: &str, text: &str| {
            player.json(&format!(r#"{{"event":"moved","position":{{"chapter":{chapter},"step":"{step}"}}}}"#));
            player.json(&format!(r#"{{"event":"sql_started","id":0,"session":"{session}","text":"{text}"}}"#));
            let end = r#""tx":"idle","rows":1,"took_ms":1}"#;
            player.json(&format!(r#"{{"event":"sql_finished","id":0,"session":"{session}",{end}"#));
        };
        ask(1, "grant", "A", "select 11;");
        ask(1, "grant", "B", "select 12;");
        ask(2, "conflict", "A", "select 21;");
        ask(2, "conflict", "B", "select 22;");
        let record = record(&mut player.model);
        let parts: Vec<&str> = record.split("## Sessions of chapter ").skip(1).collect();
        assert_eq!(parts.len(), 2, "{record}");
        for (part, (number, own, other)) in
            parts.iter().zip([("1", "select 11", "21"), ("2", "select 22", "select 12")])
        {
            assert!(part.starts_with(number) && part.contains(own) && !part.contains(other), "{part}");
        }
    }

    #[test]
    fn what_is_for_learners_by_themselves_is_not_missing_to_who_presents() {
        let mut player = Player::new(120, 40);
        let course = std::sync::Arc::make_mut(&mut player.model.course);
        course.chapters[1].steps[2].on_stage = false;
        player.json(
            r#"{"event":"opened","title":"c","target":"local","workdir":"w","position":{"chapter":2,"step":"load"}}"#,
        );
        let all = player.model.course.chapters.iter().map(|chapter| chapter.steps.len()).sum::<usize>();
        let told = |player: &Player| summary(&player.model).join("\n");
        player.model.settings.clock = false;
        assert!(told(&player).contains(&format!("Steps: 0 of {all} done")), "{}", told(&player));
        player.model.settings.clock = true;
        let own = all - 1;
        assert!(told(&player).contains(&format!("Steps: 0 of {own} done on stage")), "{}", told(&player));
        assert!(told(&player).contains("Checks: 0 of 2 passed, 2 not run"), "{}", told(&player));
    }
}
