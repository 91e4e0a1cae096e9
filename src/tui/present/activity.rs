//! The activity of this moment, in one line: the step, the checks, a statement, or preparations.

use super::words::{self, task_name};
use workshop_course::lesson::model::Course;
use workshop_engine::progress::{DeployState, Progress};

pub struct Activity {
    pub title: String,
    pub started: Option<u64>,
    pub usual_ms: Option<u64>,
    pub detail: Option<String>,
}

impl Activity {
    /// Returns the most pressing activity: a step before checks, statements and preparations.
    pub fn of(course: &Course, p: &Progress) -> Option<Activity> {
        step(course, p).or_else(|| check(p)).or_else(|| statement(p)).or_else(|| preparation(course, p))
    }
}

fn step(course: &Course, p: &Progress) -> Option<Activity> {
    let running = p.running.as_ref()?;
    let state = p.steps.get(running);
    let deploy = p.deploy.as_ref().filter(|d| d.at_step == *running);
    let load = p.load.as_ref().filter(|l| l.at_step == *running);
    let detail = match (deploy, load) {
        (Some(deploy), _) => deploying(deploy),
        (None, Some(load)) => Some(format!("{} of {}, {} failed", load.done, load.total, load.failed)),
        (None, None) => check(p).map(|check| check.title),
    };
    Some(Activity {
        title: running.of(course).map_or(running.step.clone(), |s| s.title.clone()),
        started: state.map(|s| s.started),
        usual_ms: state.and_then(|s| s.usual_ms),
        detail,
    })
}

fn deploying(deploy: &DeployState) -> Option<String> {
    let phase = deploy.phases.iter().rev().find(|p| p.took_ms.is_none());
    if deploy.resources.is_empty() {
        return phase.map(|p| words::phase(p.phase).to_lowercase());
    }
    let done = deploy.resources.iter().filter(|r| !r.is_in_progress()).count();
    let waits = deploy.resources.iter().find(|r| r.is_in_progress()).map(|r| format!(", waiting for {}", r.logical_id));
    Some(format!("{done} of {} resources{}", deploy.resources.len(), waits.unwrap_or_default()))
}

fn check(p: &Progress) -> Option<Activity> {
    let check = p.checks.values().find(|c| c.verdict.is_none())?;
    let again = if check.attempts > 1 { format!(", attempt {}", check.attempts) } else { String::new() };
    Some(Activity {
        title: format!("{}{again}", check.title),
        started: Some(check.started),
        usual_ms: None,
        detail: None,
    })
}

fn statement(p: &Progress) -> Option<Activity> {
    let (name, running) = p.sessions.iter().find_map(|(n, s)| Some((n, s.running.as_ref()?)))?;
    let text: String = running.text.split_whitespace().take(8).collect::<Vec<_>>().join(" ");
    Some(Activity { title: format!("{name}: {text}"), started: Some(running.started), usual_ms: None, detail: None })
}

fn preparation(course: &Course, p: &Progress) -> Option<Activity> {
    let (task, state) = p.tasks.iter().find(|(_, task)| task.is_running())?;
    let share = state.total.filter(|t| *t > 0).map(|total| format!("{} %", state.done.min(total) * 100 / total));
    let detail: Vec<String> = share.into_iter().chain(["you can read on".to_owned()]).collect();
    // What is being done says what for, and has to fit into 80 columns.
    let doing = if state.label.is_empty() { task_name(*task, course, p) } else { &state.label };
    Some(Activity {
        title: format!("Preparing: {doing}"),
        started: Some(state.started),
        usual_ms: None,
        detail: Some(detail.join(" · ")),
    })
}
