//! The one key of presenters, and what it does now: the same answer for the key itself and for whatever names it.

use super::checks::verdict_now;
use super::locks;
use crate::tui::diffrows;
use crate::tui::model::*;
use workshop_course::lesson::model::{Check, DeployAction, Step, StepAction};
use workshop_engine::event::{Preparation, StepRef, Verdict};

/// A change that is longer than this is not walked through hunk by hunk.
const STORY: usize = 12;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intent {
    /// The engine has not said yet where we are.
    Start,
    /// Something runs: the key is refused.
    Wait,
    /// Further down the page.
    ReadOn,
    /// To what the lesson says of it now that the step is over: the page is behind the step's own panel.
    ReadAfter,
    /// An edit is looked at before it is applied.
    ShowDiff,
    /// Further down the hunk at hand.
    ReadHunk,
    /// To the hunk with this number, counted from 1.
    NextHunk(usize),
    Run,
    /// The statement with this number, counted from 1, alone.
    RunStatement(usize),
    /// To the next step.
    Next,
    /// The step did not come out well: what now is for a person to say.
    Ask,
    /// There is no next step.
    End,
}

/// Returns what the key does at this moment.
pub fn intent(m: &Model) -> Intent {
    if m.progress.running.is_some() || m.progress.bringing.is_some() {
        return Intent::Wait;
    }
    match when_free(m) {
        // One can read on beside checks, and do nothing that the engine has to do.
        Intent::Run | Intent::RunStatement(_) | Intent::Next | Intent::Ask if m.checks_run() => Intent::Wait,
        intent => intent,
    }
}

fn when_free(m: &Model) -> Intent {
    if m.layout.shows(Panel::Page) && m.page.more_below() {
        return Intent::ReadOn;
    }
    let (Some(here), Some(step)) = (m.here(), m.step()) else { return Intent::Start };
    if m.progress.is_settled(&here, step) {
        if step.after.is_some() && !m.layout.shows(Panel::Page) && !m.page.told {
            return Intent::ReadAfter;
        }
        return if m.next_step().is_some() { Intent::Next } else { Intent::End };
    }
    if !m.progress.is_done(&here) && m.progress.steps.get(&here).is_some_and(|s| s.verdict.is_some()) {
        return Intent::Ask;
    }
    let told = || walks(m, step).then(|| Intent::RunStatement(next_statement(m, &here) + 1));
    story(m, step).or_else(told).unwrap_or(Intent::Run)
}

/// Returns whether a step is walked statement by statement: where several sessions take part in a chapter, what comes
/// before what is the lesson. Parts that learners take by themselves are a chapter of their own there.
fn walks(m: &Model, step: &Step) -> bool {
    let StepAction::Sql(own) = &step.action else { return false };
    let in_chapter = m.chapter().into_iter().flat_map(|chapter| &chapter.steps);
    let in_chapter = in_chapter.filter(|other| other.on_stage == step.on_stage);
    let mut sessions =
        in_chapter.filter_map(|step| if let StepAction::Sql(sql) = &step.action { Some(sql) } else { None });
    let first = own.statements.first().map(|statement| &statement.session);
    let several = sessions.any(|sql| sql.statements.iter().any(|statement| Some(&statement.session) != first));
    own.statements.len() > 1 && several
}

/// Returns the statement of a step that is run next, from 0.
pub fn next_statement(m: &Model, here: &StepRef) -> usize {
    m.progress.stepping.as_ref().filter(|stepping| stepping.at_step == *here).map_or(0, |stepping| stepping.next)
}

/// An edit is looked at hunk by hunk before it is applied; a whole new project is not.
fn story(m: &Model, step: &Step) -> Option<Intent> {
    let StepAction::Edit(_) = step.action else { return None };
    if !m.layout.shows(Panel::Diff) {
        return Some(Intent::ShowDiff);
    }
    let d = &m.diff;
    let tells =
        d.choice == DiffChoice::Step && d.hunks.len() <= STORY && d.files.iter().any(|file| !diffrows::is_new(file));
    if tells && d.hunk_end().is_some_and(|end| end >= d.top + d.height) {
        return Some(Intent::ReadHunk);
    }
    (tells && d.hunk + 1 < d.hunks.len()).then_some(Intent::NextHunk(d.hunk + 2))
}

/// Tells whether running the step at hand makes ready again first: something it needs could not be made ready.
pub fn prepares_again(m: &Model) -> bool {
    let tasks = &m.progress.tasks;
    let mut broken = tasks.iter().filter(|(_, task)| task.problem.is_some()).map(|(task, _)| *task).peekable();
    let reads = m.step().is_some_and(|step| step.action == StepAction::Read);
    broken.peek().is_some()
        && !tasks.values().any(|task| task.is_running())
        // A step that needs the sandbox starts it again by itself.
        && (reads || broken.any(|task| task != Preparation::Sandbox))
}

/// Returns what the key that goes on does now, in two words; None: nothing.
pub fn goes_on(m: &Model) -> Option<&'static str> {
    Some(match intent(m) {
        Intent::Run if prepares_again(m) => "try again",
        Intent::Start | Intent::Wait | Intent::Ask | Intent::End => return None,
        Intent::ReadOn | Intent::ReadAfter | Intent::ReadHunk => "read on",
        Intent::ShowDiff => "see the change",
        Intent::NextHunk(_) => "next hunk",
        Intent::Next => "next step",
        Intent::RunStatement(_) => "next statement",
        Intent::Run => match m.step().map(|step| &step.action) {
            Some(StepAction::Edit(_)) => "apply",
            Some(StepAction::Deploy(deploy)) if deploy.action == DeployAction::Destroy => "destroy",
            Some(StepAction::Deploy(_)) => "deploy",
            Some(StepAction::Check(_)) => "check",
            Some(StepAction::Invoke(_)) => "invoke",
            Some(StepAction::Serve(_)) => "start",
            Some(StepAction::Stop(_)) => "stop",
            _ => "run",
        },
    })
}

/// Tells whether the key that goes back does something here: there is more of the page above, or a step before.
pub fn leads_back(m: &Model) -> bool {
    let first = m.course.chapters.iter().find_map(|c| Some((c.number, c.steps.first()?)));
    let is_first = |here: StepRef| first.is_none_or(|(chapter, step)| here.chapter == chapter && here.step == step.id);
    m.layout.shows(Panel::Page) && m.page.top > 0 || m.here().is_some_and(|here| !is_first(here))
}

/// Tells whether something runs that a key interrupts: a step, everything on its way, checks by themselves, a statement.
pub fn interrupts(m: &Model) -> bool {
    let p = &m.progress;
    m.is_busy() || p.sessions.values().any(|session| session.running.is_some())
}

/// Returns where the repair of the given step begins.
pub fn repair_of<'a>(m: &'a Model, step: &StepRef) -> Option<&'a Step> {
    m.progress.repair(m.course.chapter(step.chapter)?, m.step_of(step)?)
}

/// Returns where the key leads that repairs: what opens the lock that refused the check in hand, the repair of a step that
/// is meant to fail, or what opens the lock that refused the step.
pub fn repair_at_hand(m: &Model) -> Option<StepRef> {
    let here = m.here()?;
    // What failed for another reason is not mended by what the lesson has for the one that it means.
    let verdict = m.progress.steps.get(&here).and_then(|state| state.verdict);
    let is_meant = !matches!(verdict, Some(Verdict::Fail | Verdict::Error));
    let repair = || {
        let step = repair_of(m, &here).filter(|_| is_meant)?;
        Some(StepRef { chapter: here.chapter, step: step.id.clone() })
    };
    match m.focus {
        Panel::Checks => locks::opened_at_hand(m).or_else(repair),
        _ => repair().or_else(|| locks::opened_at_hand(m)),
    }
}

/// Tells whether there is something to repair, and where: before a step has failed that is meant to, there is not.
pub fn repairs(m: &Model) -> bool {
    let came_out = |here: StepRef| m.progress.steps.get(&here).is_some_and(|state| state.verdict.is_some());
    let refused = || locks::opened_at_hand(m).is_some();
    repair_at_hand(m).is_some() && (m.here().is_some_and(came_out) || refused())
}

/// Tells whether there is one more hint: of the selected check in the panel of the checks, else of the step, and when that has
/// no more, of a check that failed.
pub fn has_hint(m: &Model) -> bool {
    if m.focus == Panel::Checks {
        let Some(chapter) = m.chapter() else { return false };
        let Some(check) = chapter.checks.get(m.checks.cursor) else { return false };
        let shown = m.check_hints.get(&(chapter.number, check.id.clone())).copied().unwrap_or(0);
        return shown < check.hints.len();
    }
    let shown = m.here().and_then(|here| m.hints.get(&here).copied()).unwrap_or(0);
    m.step().is_some_and(|step| shown < step.hints.len()) || check_with_hint(m).is_some()
}

/// Finds the chapter's first check that has failed, with what is there now, and has one more hint.
pub fn check_with_hint(m: &Model) -> Option<&Check> {
    let chapter = m.chapter()?;
    let helps = |check: &&Check| {
        let failed = verdict_now(m, chapter.number, check).is_some_and(|verdict| !verdict.is_good());
        let shown = m.check_hints.get(&(chapter.number, check.id.clone())).copied().unwrap_or(0);
        failed && shown < check.hints.len()
    };
    chapter.checks.iter().find(helps)
}
