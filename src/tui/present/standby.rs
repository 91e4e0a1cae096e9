//! The local standby of a talk in an account, in words. `key` is what moves the talk: a key, or a word of the plain lines.

use super::words::{counted, listed};
use workshop_base::problem::Problem;
use workshop_course::lesson::model::Course;
use workshop_engine::event::{StandbyState, StepRef};
use workshop_engine::progress::Progress;

/// The number of steps that are named; of more it is said how many.
const NAMED: usize = 3;

/// Says how far a standby is.
pub fn how_far(course: &Course, state: &StandbyState) -> String {
    if let Some(problem) = &state.problem {
        let at = state.behind.first().map(|at| format!(" at “{}”", title(course, at))).unwrap_or_default();
        return format!("The local standby has stopped{at}: {}.", problem.to_string().trim_end_matches('.'));
    }
    if !state.is_ready {
        return "The local standby is being started.".to_owned();
    }
    match (&state.running, state.behind.len()) {
        (_, 0) => "The local standby has done all that was done in the account.".to_owned(),
        (Some(running), n) => {
            format!("The local standby is behind by {}; it is at “{}”.", counted(n, "step"), title(course, running))
        }
        (None, n) => {
            format!("The local standby is behind by {}: {}.", counted(n, "step"), named(course, &state.behind))
        }
    }
}

/// Advises what to do when the account cannot be reached; None where nothing follows.
pub fn advice(course: &Course, progress: &Progress, key: &str) -> Option<String> {
    let state = progress.standby.as_ref().filter(|_| !progress.on_standby)?;
    Some(match state.is_level() {
        true => format!("{key} moves the talk onto the local standby, at this step"),
        false => {
            format!("{key} moves the talk onto the local standby. {}", how_far(course, state).trim_end_matches('.'))
        }
    })
}

/// Says in a few words what is wrong with the account: what its problem begins with, before reasons and what follows.
pub fn trouble(problem: &Problem) -> &str {
    problem.message.split([':', '(']).next().unwrap_or_default().trim_end()
}

/// Says, while the talk is in an account that does not answer or does not work, which of these it is, and what leads on.
pub fn warning<'p>(course: &Course, progress: &'p Progress, key: &str) -> Option<(&'p str, String)> {
    let problem = progress.account_gone.as_ref().filter(|_| !progress.on_standby)?;
    Some((trouble(problem), advice(course, progress, key).unwrap_or_default()))
}

/// Says that the account cannot be reached, and what to do.
pub fn gone(course: &Course, progress: &Progress, problem: &Problem, key: &str) -> String {
    let own = problem.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default();
    match advice(course, progress, key) {
        Some(advice) => format!("{problem}. {advice}{own}"),
        None => format!("{problem}{own}"),
    }
}

/// Says that the account answers again, and how to go back to it.
pub fn back(progress: &Progress, key: &str) -> String {
    match progress.on_standby {
        true => format!("AWS answers again: {key} goes back to it"),
        false if progress.running.is_some() => {
            "AWS answers again; if what runs does not go on now, stop it and run it again".to_owned()
        }
        false => "AWS answers again".to_owned(),
    }
}

/// Says where the talk is now, and what was done where it was that is not here.
pub fn switched(course: &Course, onto_standby: bool, behind: &[StepRef], key: &str) -> String {
    let missing = match behind.len() {
        0 => String::new(),
        n => format!(". Not done here: {}, {}", counted(n, "step"), named(course, behind)),
    };
    match onto_standby {
        true => format!("The talk is on the local standby; {key} goes back when AWS answers again{missing}"),
        false => format!("The talk is in the AWS account again{missing}"),
    }
}

fn named(course: &Course, steps: &[StepRef]) -> String {
    let mut names: Vec<String> = steps.iter().take(NAMED).map(|at| format!("“{}”", title(course, at))).collect();
    if steps.len() > NAMED {
        names.push(format!("{} more", steps.len() - NAMED));
    }
    listed(&names.iter().map(String::as_str).collect::<Vec<_>>())
}

fn title<'a>(course: &'a Course, at: &'a StepRef) -> &'a str {
    at.of(course).map_or(at.step.as_str(), |step| step.title.as_str())
}
