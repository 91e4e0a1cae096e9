//! Runs without a person: a walk through the course, or its checks alone.
//!
//! A walk is a front end like any other: it sends commands and reads events. What to send next is a pure
//! function of the plan and the newest event.

use std::collections::VecDeque;

use tokio_util::sync::CancellationToken;

use super::command::Command;
use super::driver::start;
use super::event::{Attempt, CheckRef, Event, EventKind, Failure, Task as Preparation, TypeProblem, Verdict};
use super::files;
use super::internal::Internal;
use super::setup::{Handle, Mode, Setup};
use workshop_base::problem::Kind;
use workshop_course::lesson::model::{Chapter, Course};

/// What a run by itself does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// Every step up to and with a chapter, then that chapter's checks.
    Through(u32),
    /// Every step of every chapter, and each chapter's checks after it.
    All,
    /// The checks of these chapters against what is there. For [`Mode::CheckOnly`].
    Checks(Vec<u32>),
    /// The course proved: each chapter's checks fail before it, its steps come out as declared, its checks pass
    /// after it, the files equal its snapshot, its types fit, its minutes add up.
    Proof,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    pub verdict: Verdict,
    /// Why it is not good: decides the exit code. None when all is well.
    pub kind: Option<Kind>,
}

/// One thing to do and wait for.
#[derive(Debug, Clone, PartialEq)]
enum Task {
    /// Run the current step; ends with `StepFinished`.
    Run,
    /// Go on; ends with `Moved`.
    Next,
    /// Ends with `ChecksFinished`.
    Check { chapter: u32, must_fail: bool },
    /// Compare the working directory with the snapshot, and the minutes; ends at once.
    Compare { chapter: u32 },
}

/// Runs a plan to its end. `on_event` sees every event, `Closed` included. When `stop` is cancelled, what runs
/// is ended in order and the run with it.
pub async fn walk(setup: Setup, plan: &Plan, stop: &CancellationToken, mut on_event: impl FnMut(&Event)) -> Ended {
    let course = setup.course.clone();
    let workdir = setup.workdir.clone();
    let by_itself = setup.mode != Mode::Interactive;
    let (handle, mut events) = start(setup);
    let mut handle = Some(handle);
    let mut tasks = tasks(plan, &course);
    let mut doing: Option<Task> = None;
    let mut doomed = false;
    let mut begin = Beginning::default();
    let mut types: Option<Vec<TypeProblem>> = None;
    let mut ended = Ended { verdict: Verdict::Error, kind: Some(Kind::Interrupted) };
    loop {
        let event = tokio::select! {
            biased;
            // Without its handle the engine ends what runs, then itself, and says so.
            () = stop.cancelled(), if handle.is_some() => {
                handle = None;
                continue;
            }
            event = events.recv() => event,
        };
        let Some(event) = event else { return ended };
        on_event(&event);
        if let EventKind::TypesChecked { problems, .. } = &event.kind {
            types = Some(problems.clone());
        }
        let mut step = progress_of(doing.as_ref(), &event, by_itself);
        if doing.is_none() && matches!(step, Step::Wait | Step::GoOn) {
            step = if begin.take(&event) { Step::GoOn } else { Step::Wait };
        }
        if let EventKind::Closed { verdict, kind } = event.kind {
            ended = Ended { verdict, kind };
        }
        let Some(engine) = &handle else { continue };
        match step {
            Step::Wait => {}
            // What was told to stop has not ended yet.
            Step::Stop if doomed && is_running(doing.as_ref(), &event) => {}
            Step::GoOn | Step::Stop if doomed => engine.send(Command::Quit),
            Step::Stop => {
                doomed = true;
                // What runs ends first, and says so; then the run can.
                engine.send(if is_running(doing.as_ref(), &event) { Command::Cancel } else { Command::Quit });
            }
            Step::GoOn => loop {
                doing = tasks.pop_front();
                match &doing {
                    None => engine.send(Command::Quit),
                    Some(Task::Run) => engine.send(Command::Run),
                    Some(Task::Next) => engine.send(Command::Next),
                    Some(Task::Check { chapter, must_fail }) => {
                        let checks = all_checks(&course, *chapter);
                        if checks.is_empty() {
                            continue;
                        }
                        engine.send(Command::Check { checks, must_fail: *must_fail });
                    }
                    Some(Task::Compare { chapter }) => {
                        if let Some(chapter) = course.chapter(*chapter) {
                            let now = files::current(&course, &workdir);
                            tell(engine, chapter, "snapshot", COMPARED, event.at, snapshot_mismatch(chapter, &now));
                            tell(engine, chapter, "minutes", ADDED_UP, event.at, minutes_mismatch(chapter));
                            if let Some(problems) = &types {
                                tell(engine, chapter, "types", FITTING, event.at, types_mismatch(problems));
                            }
                        }
                        continue;
                    }
                }
                break;
            },
        }
    }
}

/// The tasks of a plan in order.
fn tasks(plan: &Plan, course: &Course) -> VecDeque<Task> {
    let mut tasks = VecDeque::new();
    let walked: Vec<&Chapter> = match plan {
        Plan::Through(last) => course.chapters.iter().filter(|c| c.number <= *last).collect(),
        Plan::All | Plan::Proof => course.chapters.iter().collect(),
        Plan::Checks(chapters) => {
            return chapters.iter().map(|chapter| Task::Check { chapter: *chapter, must_fail: false }).collect();
        }
    };
    let last_chapter = walked.last().map(|c| c.number);
    for chapter in walked {
        let number = chapter.number;
        if *plan == Plan::Proof {
            tasks.push_back(Task::Check { chapter: number, must_fail: true });
        }
        for index in 0..chapter.steps.len() {
            if index > 0 {
                tasks.push_back(Task::Next);
            }
            tasks.push_back(Task::Run);
        }
        if *plan == Plan::Proof {
            tasks.push_back(Task::Compare { chapter: number });
        }
        // Of a walk to a chapter only that chapter's checks are asked for; the others' own steps have run theirs.
        if !matches!(plan, Plan::Through(last) if *last != number) {
            tasks.push_back(Task::Check { chapter: number, must_fail: false });
        }
        if Some(number) != last_chapter {
            tasks.push_back(Task::Next);
        }
    }
    tasks
}

/// A walk begins when the files have been told of, what it needs is there and its target is ready: whatever is
/// missing is then said once, and not by the steps that would have needed it.
#[derive(Default)]
struct Beginning {
    opened: bool,
    fit: bool,
    ready: bool,
}

impl Beginning {
    /// Takes an event from before the first task; true when the walk can begin.
    fn take(&mut self, event: &Event) -> bool {
        match &event.kind {
            EventKind::HunksApplied { .. } => self.opened = true,
            EventKind::Prepared { task: Preparation::Preflight, .. } => self.fit = true,
            EventKind::Prepared { task: Preparation::Sandbox, .. } => self.ready = true,
            _ => return false,
        }
        self.opened && self.fit && self.ready
    }
}

enum Step {
    Wait,
    GoOn,
    Stop,
}

/// Whether something still runs after an event that ends the walk.
fn is_running(doing: Option<&Task>, event: &Event) -> bool {
    let over = matches!(event.kind, EventKind::StepFinished { .. } | EventKind::Detached { .. });
    !over && matches!(doing, Some(Task::Run | Task::Check { .. }))
}

/// What an event means for the walk.
fn progress_of(doing: Option<&Task>, event: &Event, by_itself: bool) -> Step {
    match (&event.kind, doing) {
        (EventKind::PrepareFailed { .. }, _) if by_itself => Step::Stop,
        (EventKind::Trouble { .. }, None | Some(Task::Next | Task::Compare { .. })) => Step::Stop,
        (EventKind::Refused { command, .. }, _) if matches!(command.as_str(), "run" | "next" | "check" | "cancel") => {
            Step::Stop
        }
        // The files are told of last when a run opens and when it moves.
        (EventKind::HunksApplied { .. }, None | Some(Task::Next)) => Step::GoOn,
        (EventKind::StepFinished { verdict, .. }, Some(Task::Run)) if verdict.is_good() => Step::GoOn,
        (EventKind::StepFinished { .. } | EventKind::Detached { .. }, Some(Task::Run)) => Step::Stop,
        (EventKind::ChecksFinished, Some(Task::Check { .. })) => Step::GoOn,
        _ => Step::Wait,
    }
}

fn all_checks(course: &Course, chapter: u32) -> Vec<CheckRef> {
    let of = |c: &Chapter| c.checks.iter().map(|check| CheckRef { chapter, check: check.id.clone() }).collect();
    course.chapter(chapter).map(of).unwrap_or_default()
}

/// Tells of something that only a proof looks at, as a check of the chapter.
fn tell(engine: &Handle, chapter: &Chapter, id: &str, title: &str, at: u64, mismatch: Option<(String, String)>) {
    let at_check = CheckRef { chapter: chapter.number, check: format!("proof-{id}") };
    let title = format!("{title} {}", chapter.number);
    let (verdict, failure) = match mismatch {
        None => (Verdict::Pass, None),
        Some((expected, actual)) => {
            let attempts = vec![Attempt { number: 1, at, took_ms: 0, actual: actual.clone() }];
            (Verdict::Fail, Some(Failure { kind: Kind::Course, expected, actual, attempts, ..Failure::default() }))
        }
    };
    engine.tell(Internal::Tell(EventKind::CheckStarted {
        at_check: at_check.clone(),
        title: title.clone(),
        attempt: 1,
    }));
    engine.tell(Internal::Tell(EventKind::CheckFinished {
        at_check,
        title,
        verdict,
        attempts: 1,
        took_ms: 0,
        failure,
    }));
}

fn snapshot_mismatch(chapter: &Chapter, now: &workshop_course::code::tree::Tree) -> Option<(String, String)> {
    let paths: std::collections::BTreeSet<&String> = chapter.snapshot.keys().chain(now.keys()).collect();
    let differs: Vec<&str> =
        paths.into_iter().filter(|p| chapter.snapshot.get(*p) != now.get(*p)).map(String::as_str).collect();
    let expected = format!("the files equal snapshot {}", chapter.id);
    (!differs.is_empty()).then(|| (expected, format!("these differ: {}", differs.join(", "))))
}

fn minutes_mismatch(chapter: &Chapter) -> Option<(String, String)> {
    let steps: std::time::Duration = chapter.steps.iter().map(|s| s.stage_budget()).sum();
    let minutes = |d: std::time::Duration| d.as_secs_f64() / 60.0;
    (steps != chapter.budget).then(|| {
        (format!("the steps take {} minutes", minutes(chapter.budget)), format!("they take {}", minutes(steps)))
    })
}

fn types_mismatch(problems: &[TypeProblem]) -> Option<(String, String)> {
    let said: Vec<String> = problems.iter().map(TypeProblem::to_string).collect();
    (!said.is_empty()).then(|| ("the compiler objects to nothing".to_owned(), said.join("\n")))
}

const COMPARED: &str = "The files equal the snapshot of chapter";
const FITTING: &str = "The types fit in chapter";
const ADDED_UP: &str = "The minutes add up in chapter";
