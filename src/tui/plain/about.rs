//! Answers to who asks where things stand: the notes, the status, the outline, the outputs. Pure.

use super::state::Plain;
use crate::tui::clock;
use crate::tui::present::outline::step_verdict;
use crate::tui::present::{standby, words};
use workshop_course::lesson::model::StepAction;
use workshop_engine::event::{StepRef, TxState};

/// Says the presenter's notes of the step at hand.
pub fn notes(p: &Plain) -> Vec<String> {
    let notes = p.here().map(|(_, _, step)| words::notes(&p.course, &p.progress, step)).unwrap_or_default();
    p.prose(&notes)
}

/// Says where one is, how the clock stands and what is open.
pub fn status(p: &Plain) -> Vec<String> {
    let Some((chapter, at, step)) = p.here() else { return vec!["Still starting.".to_owned()] };
    let mut out =
        vec![format!("Step {} of {} in chapter {}: {}.", at + 1, chapter.steps.len(), chapter.number, step.title)];
    if let Some(pace) = p.pace() {
        let pair = |spent, budget| format!("{} of {}", clock::minutes(spent), clock::minutes(budget));
        out.push(format!(
            "Step {}, chapter {}.",
            pair(pace.step_spent, pace.step_budget),
            pair(pace.chapter_spent, pace.chapter_budget)
        ));
        if pace.on_stage {
            out.push(format!("Slot {}, {}.", pair(pace.slot_spent, pace.slot), clock::behind_exactly(pace.behind)));
        }
    }
    out.extend(words::chosen(&p.course).into_iter().map(|chosen| format!("{chosen}.")));
    if p.progress.on_standby {
        out.push("The talk is on the local standby: failback goes back to the AWS account.".to_owned());
    } else if let Some(state) = &p.progress.standby {
        out.push(standby::how_far(&p.course, state));
    }
    if let Some((trouble, advice)) = standby::warning(&p.course, &p.progress, "failover") {
        let advice = if advice.is_empty() { advice } else { format!(" {advice}.") };
        out.push(format!("Trouble: {trouble}.{advice}"));
    }
    if let Some(running) = &p.progress.running {
        out.push(format!("Running: {}.", p.title(running)));
    }
    for (name, served) in p.progress.served.iter().filter(|(_, served)| served.is_running()) {
        let by = served.ready.as_deref().unwrap_or("not ready yet");
        out.push(format!("{name} runs: {by}."));
    }
    if p.progress.pacing.paused {
        out.push("The stage clock is paused: resume lets it run on.".to_owned());
    }
    out.extend(p.progress.conditions.iter().map(|what| format!("For this step: {what}.")));
    if !p.progress.undeployed.is_empty() {
        out.push(format!("Not deployed as it is now: {}.", p.progress.undeployed.join(", ")));
    }
    for (name, session) in &p.progress.sessions {
        let state = if session.open { "open" } else { "closed" };
        let transaction = match (session.open, session.tx) {
            (true, TxState::Open) => ", in a transaction",
            (true, TxState::Failed) => ", in a transaction that has failed",
            (_, TxState::Unknown) => ", its transaction lost",
            (_, TxState::Idle) | (false, TxState::Open | TxState::Failed) => "",
        };
        out.push(format!("Session {name}: {state}, as {}{transaction}.", session.role));
    }
    out
}

/// Says every chapter and step and how they came out.
pub fn outline(p: &Plain) -> Vec<String> {
    let mut out = Vec::new();
    for chapter in &p.course.chapters {
        let planned = Some(clock::budget(chapter.budget.as_millis() as u64)).filter(|planned| !planned.is_empty());
        let planned = planned.map(|planned| format!(", {planned}")).unwrap_or_default();
        out.push(format!("{}  {}{planned}", chapter.number, chapter.title));
        for (i, step) in chapter.steps.iter().enumerate() {
            let at = StepRef { chapter: chapter.number, step: step.id.clone() };
            // What is only read has come to nothing that could be told.
            let verdict = step_verdict(&p.course, &p.progress, &at, step).filter(|_| step.action != StepAction::Read);
            let failure = p.progress.steps.get(&at).and_then(|state| state.failure.as_ref());
            let word = verdict.map(|v| format!(", {}", words::came_to(v, failure))).unwrap_or_default();
            let here = if p.progress.is_at(&at) { ", you are here" } else { "" };
            out.push(format!("{}.{}  {}{word}{here}", chapter.number, i + 1, step.title));
        }
    }
    out
}

/// Says what the stack gave out.
pub fn outputs(p: &Plain) -> Vec<String> {
    let mut out: Vec<String> = p.progress.outputs.iter().map(|(key, o)| format!("{key} = {}", o.value)).collect();
    if out.is_empty() {
        out.push("The stack has given nothing out yet.".to_owned());
    }
    out
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::tui::fixture;

    #[test]
    fn an_outline_tells_parts_of_minutes() {
        let mut course = Arc::unwrap_or_clone(fixture::course());
        course.chapters[1].budget = std::time::Duration::from_secs(225);
        let told = outline(&Plain::new(Arc::new(course)));
        assert!(told.iter().any(|line| line.starts_with("1  ") && line.ends_with(", 3:45")), "{told:?}");
    }
}
