//! Runs without a person: a walk through the course, or its checks alone.
//!
//! A walk is a front end like any other: it sends requests and reads events. One request at a time is under way, and
//! its end says how to go on.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;

use super::cloud::BoxFuture;
use super::command::{Command, CommandKind, Request, RequestId};
use super::config::{EngineConfig, Handle, Mode};
use super::driver::start;
use super::event::{Attempt, CheckRef, Event, EventKind, Failure, Preparation, RequestOutcome, TypeProblem, Verdict};
use super::files;
use super::messages::Internal;
use super::walk_limits::WalkClock;
pub use super::walk_limits::WalkLimits;
use workshop_base::problem::Kind;
use workshop_course::lesson::model::{Chapter, Course};

/// The things that a run by itself does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// Every step up to and with a chapter, then that chapter's checks.
    Through(u32),
    /// Every step of every chapter, and each chapter's checks after it.
    All,
    /// The checks of these chapters against what is there. For [`Mode::CheckOnly`].
    Checks(Vec<u32>),
    /// The course proved: each chapter's checks fail before it, its steps come out as declared, its checks pass
    /// after it, the files equal its snapshot, its types fit, its minutes add up. A chapter whose step does not come out
    /// is left there, and the next one proved all the same. With a chapter, that one alone, after the steps that lead
    /// to it.
    Proof(Option<u32>),
}

/// Where a walk begins, and who keeps what it comes to.
#[derive(Default)]
pub struct Beginning<'k> {
    /// The chapter whose end the working directory is at already; None: the walk begins with the first chapter.
    pub after: Option<u32>,
    /// Is called at the end of each chapter as long as all went well, with its number: nothing is under way then, and the
    /// session is saved.
    pub keep: Option<Keep<'k>>,
}

/// Keeps the state after a chapter.
pub type Keep<'k> = Box<dyn FnMut(u32) -> BoxFuture<'k, ()> + Send + 'k>;

/// The end of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    pub verdict: Verdict,
    /// Why it is not good: decides the exit code. None when all is well.
    pub kind: Option<Kind>,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq)]
enum PlanTask {
    Run,
    Next,
    Check {
        chapter: u32,
        must_fail: bool,
    },
    /// Compare the working directory with the snapshot, and the minutes.
    Compare {
        chapter: u32,
    },
    /// Keep the state, if all has been well.
    Keep {
        chapter: u32,
    },
}

/// Runs a plan to its end, or to a limit. `on_event` sees every event, `Closed` included.
pub async fn walk(
    mut setup: EngineConfig,
    plan: &Plan,
    beginning: Beginning<'_>,
    limits: &WalkLimits,
    mut on_event: impl FnMut(&Event),
) -> Ended {
    let Beginning { after, mut keep } = beginning;
    if after.is_some() {
        let chapters = setup.course.chapters.iter().filter(|chapter| Some(chapter.number) > after);
        setup.chapter = chapters.map(|chapter| chapter.number).next();
    }
    let mut walk = Walk {
        course: setup.course.clone(),
        workdir: setup.workdir.clone(),
        by_itself: setup.mode != Mode::Interactive,
        tasks: tasks(plan, &setup.course, after),
        asked: 0,
        under_way: Some(Awaited::Readiness(Readiness {
            fit: false,
            ready: !setup.course.needs_target(),
            // Who only looks makes nothing.
            set_up: setup.course.setup.is_empty() || setup.mode == Mode::CheckOnly,
        })),
        all_well: true,
        keeping: None,
        proving: None,
        types: None,
    };
    let (handle, mut events) = start(setup);
    let mut handle = Some(handle);
    let stop = &limits.stop;
    let mut ended = Ended { verdict: Verdict::Error, kind: Some(Kind::Interrupted) };
    let (mut clock, mut late) = (WalkClock::new(limits), false);
    let mut last = (0, 0);
    loop {
        let event = tokio::select! {
            biased;
            // Without its handle the engine ends what runs, then itself, and says so.
            () = stop.cancelled(), if handle.is_some() => {
                handle = None;
                continue;
            }
            () = clock.over() => match &handle {
                Some(engine) if !late => {
                    engine.post(Internal::Emit(EventKind::Trouble { problem: limits.too_long() }));
                    (late, ended.kind) = (true, Some(Kind::TimedOut));
                    clock.end();
                    continue;
                }
                // Not even its end comes to an end.
                Some(_) | None => {
                    let Ended { verdict, kind } = ended;
                    on_event(&Event { seq: last.0 + 1, at: last.1, kind: EventKind::Closed { verdict, kind } });
                    return ended;
                }
            },
            event = events.recv() => event,
        };
        let Some(mut event) = event else { return ended };
        last = (event.seq, event.at);
        if let EventKind::Closed { verdict, kind } = &mut event.kind {
            if late {
                *kind = Some(Kind::TimedOut);
            }
            ended = Ended { verdict: *verdict, kind: *kind };
        }
        on_event(&event);
        if late && matches!(&event.kind, EventKind::Trouble { problem } if problem.kind == Kind::TimedOut) {
            // It has been told, and now is so.
            handle = None;
        }
        if let Some(engine) = &handle {
            walk.take(engine, &event);
            while let Some(chapter) = walk.keeping.take() {
                if let (Some(keep), true) = (&mut keep, engine.saved().await) {
                    stop.run_until_cancelled(keep(chapter)).await;
                }
                walk.go_on(engine, event.at);
            }
        }
    }
}

/// A walk on its way.
struct Walk {
    course: Arc<Course>,
    workdir: PathBuf,
    by_itself: bool,
    tasks: VecDeque<PlanTask>,
    /// The newest request's id: so many were made.
    asked: RequestId,
    under_way: Option<Awaited>,
    /// Everything so far has come out as it should.
    all_well: bool,
    /// The chapter whose state is to be kept before the walk goes on.
    keeping: Option<u32>,
    /// The chapter that is being proved.
    proving: Option<u32>,
    types: Option<Vec<TypeProblem>>,
}

/// The thing that a walk waits for.
#[derive(Debug)]
enum Awaited {
    Readiness(Readiness),
    /// The end of a request that goes on with the plan.
    Task(RequestId),
    /// The end of what ran when it was told to stop.
    Stop(RequestId),
}

impl Walk {
    fn take(&mut self, engine: &Handle, event: &Event) {
        if let EventKind::StepFinished { verdict, .. } | EventKind::CheckFinished { verdict, .. } = &event.kind {
            self.all_well &= verdict.is_good();
        }
        let begins = match &mut self.under_way {
            Some(Awaited::Readiness(beginning)) => beginning.take(event),
            Some(Awaited::Task(_) | Awaited::Stop(_)) | None => false,
        };
        match (&event.kind, &self.under_way) {
            (EventKind::TypesChecked { problems, .. }, _) => self.types = Some(problems.clone()),
            (EventKind::PrepareFailed { .. }, Some(_)) if self.by_itself => self.stop(engine),
            (EventKind::Trouble { .. }, Some(Awaited::Readiness(_))) => self.stop(engine),
            _ if begins => self.go_on(engine, event.at),
            (EventKind::Done { id, command, outcome }, Some(Awaited::Task(asked))) if id == asked => {
                let is_wrong = matches!(outcome, RequestOutcome::Verdict(Verdict::Fail | Verdict::PassedUnexpectedly));
                if let (true, CommandKind::Run, Some(chapter)) = (is_wrong, *command, self.proving) {
                    self.leave_chapter(engine, chapter);
                    return self.go_on(engine, event.at);
                }
                let leads_on = match outcome {
                    RequestOutcome::Complete => true,
                    // Every check of the plan says what it has to say.
                    RequestOutcome::Verdict(verdict) => verdict.is_good() || *command == CommandKind::Check,
                    RequestOutcome::Detached | RequestOutcome::Failed(_) => false,
                };
                if leads_on { self.go_on(engine, event.at) } else { self.quit(engine) }
            }
            (EventKind::Refused { id, .. }, Some(Awaited::Task(asked))) if id == asked => self.quit(engine),
            (EventKind::Done { id, .. } | EventKind::Refused { id, .. }, Some(Awaited::Stop(asked))) if id == asked => {
                self.quit(engine);
            }
            _ => {}
        }
    }

    fn ask(&mut self, engine: &Handle, command: Command) -> RequestId {
        self.asked += 1;
        engine.send(Request { id: self.asked, command });
        self.asked
    }

    fn quit(&mut self, engine: &Handle) {
        self.under_way = None;
        self.ask(engine, Command::Quit);
    }

    /// Ends what runs, then the walk.
    fn stop(&mut self, engine: &Handle) {
        match self.under_way {
            Some(Awaited::Task(_)) => {
                let cancel = self.ask(engine, Command::Cancel);
                self.under_way = Some(Awaited::Stop(cancel));
            }
            Some(Awaited::Stop(_)) => {}
            Some(Awaited::Readiness(_)) | None => self.quit(engine),
        }
    }

    /// Moves on without running what is left of a chapter: its steps stand on the one that failed. Its checks are told
    /// as skipped.
    fn leave_chapter(&mut self, engine: &Handle, chapter: u32) {
        let of_next = |task: &PlanTask| matches!(task, PlanTask::Check { must_fail: true, .. });
        let rest = self.tasks.iter().position(of_next).unwrap_or(self.tasks.len());
        let later = self.tasks.split_off(rest);
        self.tasks.retain(|task| *task == PlanTask::Next && !later.is_empty());
        self.tasks.extend(later);
        for check in self.course.chapter(chapter).iter().flat_map(|chapter| &chapter.checks) {
            engine.post(Internal::Emit(EventKind::CheckFinished {
                at_check: CheckRef { chapter, check: check.id.clone() },
                title: check.title.clone(),
                verdict: Verdict::Skipped,
                attempts: 0,
                took_ms: 0,
                failure: None,
            }));
        }
    }

    /// Asks for the next task of the plan, or for the end.
    fn go_on(&mut self, engine: &Handle, at: u64) {
        while let Some(task) = self.tasks.pop_front() {
            let command = match task {
                PlanTask::Run => Command::Run,
                PlanTask::Next => Command::Next,
                PlanTask::Check { chapter, must_fail } => {
                    self.proving = if must_fail { Some(chapter) } else { self.proving };
                    match all_checks(&self.course, chapter) {
                        checks if checks.is_empty() => continue,
                        checks => Command::Check { checks, must_fail },
                    }
                }
                PlanTask::Compare { chapter } => {
                    self.all_well &= self.compare(engine, chapter, at);
                    continue;
                }
                PlanTask::Keep { chapter } if self.all_well => {
                    self.under_way = None;
                    self.keeping = Some(chapter);
                    return;
                }
                PlanTask::Keep { .. } => continue,
            };
            let id = self.ask(engine, command);
            self.under_way = Some(Awaited::Task(id));
            return;
        }
        self.quit(engine);
    }

    /// Tells what only a proof looks at; false when some of it is not as it should be.
    fn compare(&self, engine: &Handle, chapter: u32, at: u64) -> bool {
        let Some(chapter) = self.course.chapter(chapter) else { return true };
        let now = files::current(&self.course, &self.workdir);
        let looks = [
            Some(("snapshot", COMPARED, snapshot_mismatch(chapter, &now))),
            Some(("minutes", ADDED_UP, minutes_mismatch(chapter))),
            self.types.as_ref().map(|problems| ("types", FITTING, types_mismatch(problems))),
        ];
        let mut well = true;
        for (id, title, mismatch) in looks.into_iter().flatten() {
            well &= mismatch.is_none();
            report(engine, chapter, id, title, at, mismatch);
        }
        well
    }
}

/// The tasks of a plan in order, from after a chapter on.
fn tasks(plan: &Plan, course: &Course, after: Option<u32>) -> VecDeque<PlanTask> {
    let mut tasks = VecDeque::new();
    let walked: Vec<&Chapter> = match plan {
        Plan::Through(last) | Plan::Proof(Some(last)) => course.chapters.iter().filter(|c| c.number <= *last).collect(),
        Plan::All | Plan::Proof(None) => course.chapters.iter().collect(),
        Plan::Checks(chapters) => {
            return chapters.iter().map(|chapter| PlanTask::Check { chapter: *chapter, must_fail: false }).collect();
        }
    };
    let last_chapter = walked.last().map(|c| c.number);
    for chapter in walked.into_iter().filter(|chapter| Some(chapter.number) > after) {
        let number = chapter.number;
        let proved = match plan {
            Plan::Proof(only) => only.is_none_or(|only| only == number),
            Plan::Through(_) | Plan::All | Plan::Checks(_) => false,
        };
        if proved {
            tasks.push_back(PlanTask::Check { chapter: number, must_fail: true });
        }
        for index in 0..chapter.steps.len() {
            if index > 0 {
                tasks.push_back(PlanTask::Next);
            }
            tasks.push_back(PlanTask::Run);
        }
        if proved {
            tasks.push_back(PlanTask::Compare { chapter: number });
        }
        // Of a walk to a chapter only that chapter's checks are asked for; the others' own steps have run theirs.
        if !matches!(plan, Plan::Through(last) | Plan::Proof(Some(last)) if *last != number) {
            tasks.push_back(PlanTask::Check { chapter: number, must_fail: false });
        }
        tasks.push_back(PlanTask::Keep { chapter: number });
        if Some(number) != last_chapter {
            tasks.push_back(PlanTask::Next);
        }
    }
    tasks
}

/// A walk begins when what it needs is there and its target, if it needs one, is ready: whatever is missing is then said
/// once, and not by the steps that would have needed it.
#[derive(Debug)]
struct Readiness {
    fit: bool,
    ready: bool,
    /// The commands before the first step have been run.
    set_up: bool,
}

impl Readiness {
    /// Takes an event from before the first task; true when the walk can begin.
    fn take(&mut self, event: &Event) -> bool {
        match &event.kind {
            EventKind::Prepared { task: Preparation::Preflight, .. } => self.fit = true,
            EventKind::Prepared { task: Preparation::Sandbox, .. } => self.ready = true,
            EventKind::Prepared { task: Preparation::Setup, .. } => self.set_up = true,
            _ => return false,
        }
        self.fit && self.ready && self.set_up
    }
}

fn all_checks(course: &Course, chapter: u32) -> Vec<CheckRef> {
    let of = |c: &Chapter| c.checks.iter().map(|check| CheckRef { chapter, check: check.id.clone() }).collect();
    course.chapter(chapter).map(of).unwrap_or_default()
}

/// Tells of something that only a proof looks at, as a check of the chapter.
fn report(engine: &Handle, chapter: &Chapter, id: &str, title: &str, at: u64, mismatch: Option<(String, String)>) {
    let at_check = CheckRef { chapter: chapter.number, check: format!("proof-{id}") };
    let title = format!("{title} {}", chapter.number);
    let (verdict, failure) = match mismatch {
        None => (Verdict::Pass, None),
        Some((expected, actual)) => {
            let attempts = vec![Attempt { number: 1, at, took_ms: 0, actual: actual.clone() }];
            (Verdict::Fail, Some(Failure { kind: Kind::Failed, expected, actual, attempts, ..Failure::default() }))
        }
    };
    engine.post(Internal::Emit(EventKind::CheckStarted {
        at_check: at_check.clone(),
        title: title.clone(),
        attempt: 1,
    }));
    engine.post(Internal::Emit(EventKind::CheckFinished {
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
