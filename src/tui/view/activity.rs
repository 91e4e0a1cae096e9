//! What runs now, in one line: the step, the checks, a statement, or preparations.

use super::words;
use crate::engine::progress::DeployState;
use crate::tui::model::Model;
use crate::tui::update::task_name;

pub struct Activity {
    pub title: String,
    pub started: Option<u64>,
    pub usual_ms: Option<u64>,
    pub detail: Option<String>,
}

impl Activity {
    pub fn of(m: &Model) -> Option<Activity> {
        step(m).or_else(|| check(m)).or_else(|| statement(m)).or_else(|| preparation(m))
    }
}

fn step(m: &Model) -> Option<Activity> {
    let running = m.progress.running.as_ref()?;
    let state = m.progress.steps.get(running);
    let deploy = m.progress.deploy.as_ref().filter(|d| d.at_step == *running);
    let load = m.progress.load.as_ref().filter(|l| l.at_step == *running);
    let detail = match (deploy, load) {
        (Some(deploy), _) => deploying(deploy),
        (None, Some(load)) => Some(format!("{} of {}, {} failed", load.done, load.total, load.failed)),
        (None, None) => check(m).map(|check| check.title),
    };
    Some(Activity {
        title: m.step_of(running).map_or(running.step.clone(), |s| s.title.clone()),
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

fn check(m: &Model) -> Option<Activity> {
    let check = m.progress.checks.values().find(|c| c.verdict.is_none())?;
    let again = if check.attempts > 1 { format!(", attempt {}", check.attempts) } else { String::new() };
    Some(Activity {
        title: format!("{}{again}", check.title),
        started: Some(check.started),
        usual_ms: None,
        detail: None,
    })
}

fn statement(m: &Model) -> Option<Activity> {
    let (name, running) = m.progress.sessions.iter().find_map(|(n, s)| Some((n, s.running.as_ref()?)))?;
    let text: String = running.text.split_whitespace().take(8).collect::<Vec<_>>().join(" ");
    Some(Activity { title: format!("{name}: {text}"), started: Some(running.started), usual_ms: None, detail: None })
}

fn preparation(m: &Model) -> Option<Activity> {
    let (task, state) = m.progress.tasks.iter().find(|(_, task)| task.is_running())?;
    let share = state.total.filter(|t| *t > 0).map(|total| format!("{} %", state.done.min(total) * 100 / total));
    let now = [state.label.clone(), share.unwrap_or_default()].into_iter().filter(|part| !part.is_empty());
    let detail: Vec<String> = now.chain(["you can read on".to_owned()]).collect();
    Some(Activity {
        title: format!("Preparing: {}", task_name(*task)),
        started: Some(state.started),
        usual_ms: None,
        detail: Some(detail.join(" · ")),
    })
}
