//! The driver: one task that owns the truth. Commands and the news of its own tasks come in through one
//! channel, in one order; events go out.
//!
//! Invariant: only the driver touches the journal, the position and the record; whatever runs beside it only
//! tells. Nothing here waits for anything but the next message.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};

use futures::FutureExt as _;
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::checks::{self, Wanted};
use super::command::{Command, Scope};
use super::ctx::Ctx;
use super::event::*;
use super::expect::{self, Outcome};
use super::files;
use super::install::Packages;
use super::internal::{Internal, Tell};
use super::journal::{self, Journal, Wanted as WantedFiles};
use super::probes::{self, Found};
use super::progress::{Progress, usual_key};
use super::record::{self, Record};
use super::sessions::Sessions;
use super::setup::{Handle, Mode, Setup};
use super::step;
use super::values::cluster_host;
use super::watch::Watch;
use super::world::{Report, World, millis};
use crate::code::diff;
use crate::code::tree::Tree;
use crate::lesson::model::{Action, ActionKind, Chapter, Check, Deploy, Expect, Step};
use crate::problem::{Kind, Problem, Result};

/// Starts a run. The first event is `Opened`, the last `Closed`; after it the channel ends.
pub fn start(setup: Setup) -> (Handle, UnboundedReceiver<Event>) {
    let (events, received) = mpsc::unbounded_channel();
    let (messages, inbox) = mpsc::unbounded_channel();
    let alive = CancellationToken::new();
    let handle = Handle::new(messages.clone(), alive.clone());
    let driver = Driver::new(Arc::new(setup), events, messages);
    tokio::spawn(driver.run(inbox, alive));
    (handle, received)
}

/// What runs now. One thing at a time.
enum Busy {
    No,
    Step { at_step: StepRef, attempt: u32, begun: Instant, cancel: CancellationToken, detach: Arc<Notify> },
    Checks { cancel: CancellationToken },
}

struct Driver {
    setup: Arc<Setup>,
    events: UnboundedSender<Event>,
    tell: Tell,
    progress: Progress,
    /// When the first event is yet to come.
    seq: u64,
    journal: Option<Journal>,
    record: Option<Record>,
    unsaved: bool,
    busy: Busy,
    ready: watch::Sender<Option<Result<Arc<dyn World>>>>,
    preparing: bool,
    packages: Packages,
    sessions: Sessions,
    captures: Arc<Mutex<BTreeMap<String, serde_json::Value>>>,
    /// After which step the stack was deployed, and its newest event then.
    deployed: Option<(StepRef, String)>,
    tasks: JoinSet<()>,
    stop: CancellationToken,
    /// Lockfiles that are as the runner left them, when a step begins that may rewrite them.
    lockfiles: Vec<String>,
    watch: Option<Watch>,
    /// The files whose distance was told last.
    told: Option<Tree>,
    /// The first thing that was not good in this run.
    worst: Option<(Verdict, Kind)>,
    quit: bool,
}

impl Driver {
    fn new(setup: Arc<Setup>, events: UnboundedSender<Event>, messages: UnboundedSender<Internal>) -> Driver {
        let tell = Tell::new(messages);
        Driver {
            packages: Packages::new(&setup.cache),
            sessions: Sessions::new(tell.clone()),
            setup,
            events,
            tell,
            progress: Progress::default(),
            seq: 0,
            journal: None,
            record: None,
            unsaved: false,
            busy: Busy::No,
            ready: watch::channel(None).0,
            preparing: false,
            captures: Arc::default(),
            deployed: None,
            tasks: JoinSet::new(),
            stop: CancellationToken::new(),
            lockfiles: Vec::new(),
            watch: None,
            told: None,
            worst: None,
            quit: false,
        }
    }

    async fn run(mut self, mut inbox: UnboundedReceiver<Internal>, alive: CancellationToken) {
        match self.open() {
            Ok(()) => {
                self.prepare();
                self.serve(&mut inbox, &alive).await;
            }
            Err(problem) => {
                if self.progress.position.is_none() {
                    let position = self.first_position();
                    self.opened(position);
                }
                self.blame(Verdict::Error, problem.kind);
                self.event(EventKind::Trouble { problem });
            }
        }
        self.close(&mut inbox).await;
    }

    async fn serve(&mut self, inbox: &mut UnboundedReceiver<Internal>, alive: &CancellationToken) {
        let mut save = tokio::time::interval(SAVE_EVERY);
        save.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while !self.quit {
            tokio::select! {
                biased;
                () = alive.cancelled() => {
                    self.blame(Verdict::Error, Kind::Interrupted);
                    return;
                }
                Some(message) = inbox.recv() => self.take(message),
                Some(_) = self.tasks.join_next() => {}
                _ = save.tick(), if self.unsaved => self.save(),
            }
        }
    }

    /// Ends what runs, then connections, then tells the end. Children are ended by their own futures.
    async fn close(&mut self, inbox: &mut UnboundedReceiver<Internal>) {
        self.stop.cancel();
        self.ready.send_replace(Some(Err(step::interrupted())));
        while self.tasks.join_next().await.is_some() {}
        self.sessions.close().await;
        // What the tasks said last belongs to the run.
        while let Ok(message) = inbox.try_recv() {
            match message {
                Internal::Tell(kind) => self.event(kind),
                Internal::StepEnded { at_step, outcome } => self.step_ended(at_step, outcome),
                Internal::Command(_)
                | Internal::World(..)
                | Internal::ChecksEnded
                | Internal::Located(_)
                | Internal::FilesChanged
                | Internal::Deployed(..) => {}
            }
        }
        let (verdict, kind) = match self.worst {
            Some((verdict, kind)) => (verdict, Some(kind)),
            None => (Verdict::Pass, None),
        };
        self.event(EventKind::Closed { verdict, kind });
        self.save();
    }

    fn take(&mut self, message: Internal) {
        match message {
            Internal::Command(command) => self.command(command),
            Internal::Tell(kind) => self.event(kind),
            Internal::World(result, took) => self.world_ready(result, millis(took)),
            Internal::StepEnded { at_step, outcome } => self.step_ended(at_step, outcome),
            Internal::ChecksEnded => self.checks_ended(),
            Internal::Located(found) => self.located(found),
            Internal::FilesChanged => {
                let now = files::current(&self.setup.course, &self.setup.workdir);
                if self.told.as_ref() != Some(&now) {
                    self.tell_distance();
                    self.follow_file_checks();
                }
            }
            Internal::Deployed(step, event) => self.deployed = Some((step, event)),
        }
    }

    // --- telling ---

    fn event(&mut self, kind: EventKind) {
        if let EventKind::CheckFinished { verdict, failure, .. } = &kind {
            self.judge(*verdict, failure.as_ref());
        } else if let EventKind::PrepareFailed { problem, .. } | EventKind::Trouble { problem } = &kind
            && self.setup.mode != Mode::Interactive
        {
            // A person can repair it and go on; a run by itself cannot.
            self.blame(Verdict::Error, problem.kind);
        }
        self.seq += 1;
        let event = Event { seq: self.seq, at: self.setup.clock.now(), kind };
        self.progress.apply(&event);
        if let Some(record) = &mut self.record {
            record.event(&event);
            self.unsaved = true;
        }
        // The front end may have gone; then the run ends soon, and its record is complete all the same.
        let _ = self.events.send(event);
    }

    fn refuse(&mut self, command: &str, reason: impl Into<String>) {
        if self.setup.mode != Mode::Interactive && matches!(command, "run" | "next" | "check") {
            self.blame(Verdict::Error, Kind::Usage);
        }
        self.event(EventKind::Refused { command: command.to_owned(), reason: reason.into() });
    }

    fn trouble(&mut self, problem: impl Into<Problem>) {
        self.event(EventKind::Trouble { problem: problem.into() });
    }

    fn blame(&mut self, verdict: Verdict, kind: Kind) {
        self.worst.get_or_insert((verdict, kind));
    }

    /// What a run by itself comes to. A person's session is not judged by what they tried in it.
    fn judge(&mut self, verdict: Verdict, failure: Option<&Failure>) {
        if !verdict.is_good() && self.setup.mode != Mode::Interactive {
            self.blame(verdict, failure.map_or(Kind::Failed, |f| f.kind));
        }
    }

    fn save(&mut self) {
        self.unsaved = false;
        let Some(record) = &mut self.record else { return };
        if self.setup.mode == Mode::CheckOnly {
            return;
        }
        if let Err(problem) = record.save(&self.progress, self.deployed.as_ref()) {
            self.trouble(problem);
            self.unsaved = false;
        }
    }

    // --- opening ---

    fn open(&mut self) -> Result<()> {
        let setup = self.setup.clone();
        if setup.course.chapters.iter().all(|c| c.steps.is_empty()) {
            return Err(Problem::course("the course has no steps"));
        }
        let saved = match setup.mode {
            Mode::Scratch => None,
            Mode::Interactive | Mode::CheckOnly => record::saved(&setup.workdir)?,
        };
        if setup.mode != Mode::CheckOnly {
            self.record = Some(record::claim(&setup.workdir)?);
            self.journal = Some(Journal::open(&setup.workdir)?);
        } else if !setup.workdir.is_dir() {
            return Err(Problem::usage(format!("there is no directory {}", setup.workdir.display())));
        }
        let position = match setup.chapter {
            Some(number) => self.start_of(number)?,
            None => saved
                .as_ref()
                .and_then(|s| s.progress.position.clone())
                .filter(|p| self.step_at(p).is_some())
                .unwrap_or_else(|| self.first_position()),
        };
        if setup.mode == Mode::Interactive
            && let Some((watch, gather)) = Watch::start(self.tell.clone())
        {
            self.watch = Some(watch);
            let stop = self.stop.clone();
            self.tasks.spawn(async move {
                stop.run_until_cancelled(gather).await;
            });
        }
        self.opened(position.clone());
        if let Some(saved) = saved {
            if let Ok(mut captures) = self.captures.lock() {
                captures.clone_from(&saved.progress.captures);
            }
            self.deployed = saved.deployed;
            self.event(EventKind::Restored { progress: Box::new(saved.progress) });
        }
        // Going to a chapter by name is a move like any other: the files follow.
        if setup.chapter.is_some() && setup.mode != Mode::CheckOnly {
            self.move_to("go to", position);
        } else {
            self.tell_distance();
        }
        Ok(())
    }

    fn opened(&mut self, position: Position) {
        self.event(EventKind::Opened {
            title: self.setup.course.title.clone(),
            target: self.setup.target,
            workdir: self.setup.workdir.clone(),
            position,
        });
    }

    /// Makes everything ready in the background: nothing waits for it until it must.
    fn prepare(&mut self) {
        self.preparing = true;
        if matches!(*self.ready.borrow(), Some(Err(_))) {
            self.ready.send_replace(None);
        }
        let setup = self.setup.clone();
        let tell = self.tell.clone();
        let to_tell = tell.clone();
        let report = Report::new(move |kind| to_tell.event(kind));
        let stop = self.stop.clone();
        let packages = self.packages.clone();
        let project = self.progress.position.as_ref().and_then(|p| setup.course.chapter(p.chapter));
        let project = project.map(|c| c.snapshot.clone()).unwrap_or_default();

        let (flight, told, course, target) = (report.clone(), tell.clone(), setup.course.clone(), setup.target);
        self.tasks.spawn(async move {
            let begun = Instant::now();
            let result = probes::preflight(&course, target, &flight).await;
            finished(&told, Task::Preflight, result, begun);
        });
        let (world_report, told, world_stop) = (report.clone(), tell.clone(), stop.clone());
        let prepare = setup.prepare.clone();
        self.tasks.spawn(async move {
            let begun = Instant::now();
            let result = world_stop.run_until_cancelled(prepare(world_report)).await;
            let result = result.unwrap_or_else(|| Err(step::interrupted()));
            told.send(Internal::World(result, begun.elapsed()));
        });
        if self.setup.mode != Mode::CheckOnly {
            self.tasks.spawn(async move {
                let begun = Instant::now();
                let result = packages.ensure(&project, &report, &stop).await;
                if !matches!(result, Ok(None)) {
                    finished(&tell, Task::Packages, result.map(drop), begun);
                }
            });
        }
    }

    fn world_ready(&mut self, result: Result<Arc<dyn World>>, took_ms: u64) {
        self.preparing = false;
        let ended = match &result {
            Ok(_) => EventKind::Prepared { task: Task::Sandbox, took_ms },
            Err(problem) => EventKind::PrepareFailed { task: Task::Sandbox, problem: problem.clone() },
        };
        let ready = result.is_ok();
        self.ready.send_replace(Some(result));
        // Whoever prepared may have told its end already.
        let told = self.progress.tasks.get(&Task::Sandbox).is_some_and(|task| task.took_ms.is_some());
        if !(ready && told) {
            self.event(ended);
        }
        if ready && self.setup.mode == Mode::Interactive {
            self.locate();
        }
    }

    fn locate(&mut self) {
        let ctx = self.ctx(None, self.stop.child_token(), Arc::default());
        let (tell, deployed) = (self.tell.clone(), self.deployed.clone());
        self.tasks.spawn(async move {
            let stop = ctx.cancel.clone();
            if let Some(found) = stop.run_until_cancelled(probes::locate(&ctx, deployed)).await {
                tell.send(Internal::Located(found));
            }
        });
    }

    fn located(&mut self, found: Found) {
        let Found { files, stack, database, under_way } = found;
        self.event(EventKind::Located { files, stack, database });
        if let Some(status) = under_way
            && !matches!(self.busy, Busy::Step { .. })
        {
            self.event(EventKind::DeployFound { status });
        }
    }

    fn ctx(&self, at_step: Option<StepRef>, cancel: CancellationToken, detach: Arc<Notify>) -> Ctx {
        Ctx {
            setup: self.setup.clone(),
            tell: self.tell.clone(),
            ready: self.ready.subscribe(),
            packages: self.packages.clone(),
            sessions: self.sessions.clone(),
            cancel,
            detach,
            captures: self.captures.clone(),
            usual: Arc::new(self.progress.usual.clone()),
            at_step,
        }
    }

    // --- commands ---

    fn command(&mut self, command: Command) {
        match command {
            Command::Run => self.run_step(),
            Command::Next => self.next(),
            Command::Back => self.back(),
            Command::GoTo { chapter, step } => self.go_to(chapter, step),
            Command::Check { checks, must_fail } => self.check(&checks, must_fail),
            Command::Apply { scope } => self.apply(&scope),
            Command::Undo { scope } => self.undo(&scope),
            Command::ApplyHunk { file, index } => self.hunk("apply", &file, index, true),
            Command::UndoHunk { file, index } => self.hunk("undo", &file, index, false),
            Command::RestoreEdits { journal } => self.restore(journal),
            Command::Cancel => self.cancel(),
            Command::Detach => self.detach(),
            Command::Sql { id, session, text } => self.sql(id, session, Some(text)),
            Command::RetrySql { id, session } => self.sql(id, session, None),
            Command::CancelSql { session } => {
                if !self.sessions.cancel(&session) {
                    self.refuse("cancel", format!("there is no session `{session}`"));
                }
            }
            Command::Complete { id, session, text, cursor } => {
                if self.sessions.is_open(&session) {
                    self.sessions.complete(&session, id, text, cursor);
                } else {
                    self.event(EventKind::Completions { id, from: cursor, candidates: Vec::new() });
                }
            }
            Command::ShowDiff { of } => self.show_diff(of),
            Command::Prepare if self.preparing => self.refuse("prepare", "it is being made ready already"),
            Command::Prepare => self.prepare(),
            Command::Pause if self.progress.pacing.paused => self.refuse("pause", "the clock stands already"),
            Command::Pause => self.event(EventKind::Paused),
            Command::Resume if !self.progress.pacing.paused => self.refuse("resume", "the clock runs already"),
            Command::Resume => self.event(EventKind::Resumed),
            Command::Locate => self.locate(),
            Command::Quit => match self.busy_with() {
                Some(what) => self.refuse("quit", format!("{what} is running: cancel it or detach from it first")),
                None => self.quit = true,
            },
        }
    }

    /// What runs, for a person.
    fn busy_with(&self) -> Option<String> {
        match &self.busy {
            Busy::No => None,
            Busy::Step { at_step, .. } => {
                let title = self.setup.course.chapter(at_step.chapter).and_then(|c| c.step(&at_step.step));
                Some(format!("“{}”", title.map_or(at_step.step.as_str(), |s| s.title.as_str())))
            }
            Busy::Checks { .. } => Some("a check".to_owned()),
        }
    }

    /// Refuses when something runs, or when nothing may be written.
    fn is_free(&mut self, command: &str, writes: bool) -> bool {
        if let Some(what) = self.busy_with() {
            self.refuse(command, format!("{what} is running: wait for it, or cancel it"));
            return false;
        }
        if writes && self.setup.mode == Mode::CheckOnly {
            self.refuse(command, "this run only looks: it changes nothing");
            return false;
        }
        true
    }

    fn run_step(&mut self) {
        if !self.is_free("run", true) {
            return;
        }
        let setup = self.setup.clone();
        let Some((chapter, step)) = self.current() else { return };
        let at_step = StepRef { chapter: chapter.number, step: step.id.clone() };
        let attempt = self.progress.steps.get(&at_step).map_or(1, |s| s.attempt + 1);
        self.event(EventKind::StepStarted {
            at_step: at_step.clone(),
            attempt,
            action: step.action.kind(),
            expects_failure: matches!(step.expect, Expect::Failure(_)),
            usual_ms: self.progress.usual.get(&usual_key(&at_step)).copied(),
        });
        let cancel = self.stop.child_token();
        let detach = Arc::new(Notify::new());
        let begun = Instant::now();
        self.busy =
            Busy::Step { at_step: at_step.clone(), attempt, begun, cancel: cancel.clone(), detach: detach.clone() };
        if let Action::Edit(_) = step.action {
            let outcome = match self.edit(&at_step) {
                Ok(()) => Outcome::Done,
                Err(problem) => Outcome::Broken(problem),
            };
            self.step_ended(at_step, outcome);
            return;
        }
        if let (ActionKind::Shell, Some(journal)) = (step.action.kind(), &self.journal) {
            let lockfiles = files::tracked(&setup.course).into_iter().filter(|p| p.ends_with("package-lock.json"));
            self.lockfiles = lockfiles.filter(|p| journal.is_ours(p)).map(str::to_owned).collect();
        }
        let ctx = self.ctx(Some(at_step.clone()), cancel, detach);
        let (number, id) = (chapter.number, step.id.clone());
        self.tasks.spawn(async move {
            let course = setup.course.clone();
            let Some((chapter, step)) = course.chapter(number).and_then(|c| Some((c, c.step(&id)?))) else { return };
            // A fault of ours must not leave the step running for ever.
            let running = AssertUnwindSafe(step::run(&ctx, chapter, step)).catch_unwind();
            let outcome = running.await.unwrap_or_else(|_| Outcome::Broken(fault()));
            if step.action == Action::Deploy(Deploy::Deploy)
                && outcome == Outcome::Done
                && let Ok(world) = ctx.world().await
                && let Ok(Some(event)) = probes::newest_event(world.as_ref(), &course.stack).await
            {
                ctx.tell.send(Internal::Deployed(at_step.clone(), event));
            }
            ctx.tell.send(Internal::StepEnded { at_step, outcome });
        });
    }

    fn step_ended(&mut self, ended: StepRef, outcome: Outcome) {
        let Busy::Step { at_step, attempt, begun, .. } = &self.busy else { return };
        if *at_step != ended {
            return;
        }
        let (attempt, took_ms) = (*attempt, millis(begun.elapsed()));
        self.busy = Busy::No;
        let setup = self.setup.clone();
        let Some((chapter, step)) = setup.course.chapter(ended.chapter).and_then(|c| Some((c, c.step(&ended.step)?)))
        else {
            return;
        };
        let Some((verdict, failure)) = expect::judge(outcome, &step.expect) else {
            self.event(EventKind::Detached { at_step: ended });
            return;
        };
        let failure = failure.map(|mut failure| {
            failure.hints.extend(step.hints.iter().cloned());
            failure.spot.get_or_insert_with(|| crate::problem::Spot {
                file: step.origin.file.clone(),
                line: step.origin.line,
                column: 1,
                excerpt: String::new(),
                length: 1,
            });
            failure
        });
        self.judge(verdict, failure.as_ref());
        self.adopt_lockfiles();
        self.event(EventKind::StepFinished { at_step: ended, attempt, verdict, took_ms, failure });
        self.tell_distance();
        self.finish_chapter(chapter);
        self.save();
    }

    /// npm may rewrite its lockfile in its own style: that is not an edit of the learner's.
    fn adopt_lockfiles(&mut self) {
        let lockfiles = std::mem::take(&mut self.lockfiles);
        if let Some(journal) = &mut self.journal {
            for path in lockfiles {
                journal.adopt(&path);
            }
        }
    }

    /// Tells when all steps of a chapter have run and come out.
    fn finish_chapter(&mut self, chapter: &Chapter) {
        let verdicts: Option<Vec<Verdict>> = chapter
            .steps
            .iter()
            .map(|step| {
                let at_step = StepRef { chapter: chapter.number, step: step.id.clone() };
                let verdict = self.progress.steps.get(&at_step).and_then(|s| s.verdict);
                // What only is to be read counts as read.
                verdict.or((step.action == Action::Read).then_some(Verdict::Skipped))
            })
            .collect();
        let Some(verdicts) = verdicts else { return };
        let verdict = verdicts.into_iter().find(|v| !v.is_good()).unwrap_or(Verdict::Pass);
        if self.progress.chapters.get(&chapter.number).is_some_and(|c| c.verdict == verdict) {
            return;
        }
        let took_ms = self.progress.spent_on_chapter(chapter.number, self.setup.clock.now());
        self.event(EventKind::ChapterFinished { chapter: chapter.number, verdict, took_ms });
    }

    fn check(&mut self, checks: &[CheckRef], must_fail: bool) {
        if !self.is_free("check", false) {
            return;
        }
        let Some(position) = self.progress.position.clone() else { return };
        let course = self.setup.course.clone();
        let all = course
            .chapter(position.chapter)
            .map(|c| c.checks.iter().map(|check| CheckRef { chapter: c.number, check: check.id.clone() }).collect());
        let chosen = if checks.is_empty() { all.unwrap_or_default() } else { checks.to_vec() };
        let unknown = chosen.iter().find(|r| course.chapter(r.chapter).and_then(|c| c.check(&r.check)).is_none());
        if let Some(unknown) = unknown {
            self.refuse("check", format!("chapter {} has no check `{}`", unknown.chapter, unknown.check));
            return;
        }
        if chosen.is_empty() {
            self.refuse("check", format!("chapter {} has no checks", position.chapter));
            return;
        }
        let cancel = self.stop.child_token();
        self.busy = Busy::Checks { cancel: cancel.clone() };
        let ctx = self.ctx(None, cancel, Arc::default());
        self.tasks.spawn(async move {
            let wanted = if must_fail { Wanted::Fail } else { Wanted::Pass };
            for one in &chosen {
                let Some(chapter) = course.chapter(one.chapter) else { continue };
                let Some(check): Option<&Check> = chapter.check(&one.check) else { continue };
                let one = [check];
                let running = AssertUnwindSafe(checks::run_all(&ctx, chapter, &one, &wanted)).catch_unwind();
                if running.await.is_err() {
                    ctx.tell.event(EventKind::Trouble { problem: fault() });
                }
            }
            ctx.tell.send(Internal::ChecksEnded);
        });
    }

    /// Checks of files cost nothing: they follow each save.
    fn follow_file_checks(&mut self) {
        if !matches!(self.busy, Busy::No) {
            return;
        }
        let setup = self.setup.clone();
        let Some(chapter) = self.progress.position.as_ref().and_then(|p| setup.course.chapter(p.chapter)) else {
            return;
        };
        for check in &chapter.checks {
            let Some(mismatch) = checks::file_now(&setup, chapter, check) else { continue };
            let at_check = CheckRef { chapter: chapter.number, check: check.id.clone() };
            let verdict = if mismatch.is_none() { Verdict::Pass } else { Verdict::Fail };
            if self.progress.checks.get(&at_check).is_some_and(|c| c.verdict == Some(verdict)) {
                continue;
            }
            let (title, at) = (check.title.clone(), setup.clock.now());
            let failure = mismatch.map(|mismatch| checks::file_failure(check, mismatch, at));
            self.event(EventKind::CheckStarted { at_check: at_check.clone(), title: title.clone(), attempt: 1 });
            self.event(EventKind::CheckFinished { at_check, title, verdict, attempts: 1, took_ms: 0, failure });
        }
    }

    fn checks_ended(&mut self) {
        self.busy = Busy::No;
        self.event(EventKind::ChecksFinished);
        self.save();
    }

    fn cancel(&mut self) {
        match &self.busy {
            Busy::No => self.refuse("cancel", "nothing is running"),
            Busy::Step { cancel, .. } | Busy::Checks { cancel } => cancel.cancel(),
        }
    }

    fn detach(&mut self) {
        match &self.busy {
            Busy::Step { at_step, detach, .. } if self.is_deploy(at_step) => detach.notify_one(),
            Busy::No | Busy::Step { .. } | Busy::Checks { .. } => self.refuse("detach", "no deploy is running"),
        }
    }

    fn is_deploy(&self, at_step: &StepRef) -> bool {
        let step = self.setup.course.chapter(at_step.chapter).and_then(|c| c.step(&at_step.step));
        step.is_some_and(|s| s.action.kind() == ActionKind::Deploy)
    }

    /// An input for a console session; without a text, its transaction again. A session that is not open yet
    /// is opened, as admin.
    fn sql(&mut self, id: u64, session: String, text: Option<String>) {
        let ctx = self.ctx(None, self.stop.child_token(), Arc::default());
        let stack = self.setup.course.stack.clone();
        self.tasks.spawn(async move {
            let stop = ctx.cancel.clone();
            let run = async {
                let world = ctx.world().await?;
                let host = cluster_host(world.as_ref(), &stack).await?;
                ctx.sessions.ensure(world.as_ref(), &session, &host, crate::aws::token::ADMIN);
                match text {
                    Some(text) => ctx.sessions.run(&session, id, text).await,
                    None => ctx.sessions.retry(&session, id).await,
                };
                Ok::<(), Problem>(())
            };
            if let Some(Err(problem)) = stop.run_until_cancelled(run).await {
                ctx.tell.event(EventKind::Refused { command: "sql".to_owned(), reason: with_hint(&problem) });
            }
        });
    }

    // --- moving ---

    fn current(&self) -> Option<(Arc<Chapter>, Step)> {
        None.or_else(|| {
            let position = self.progress.position.as_ref()?;
            let chapter = self.setup.course.chapter(position.chapter)?;
            Some((Arc::new(chapter.clone()), chapter.step(&position.step)?.clone()))
        })
    }

    fn step_at(&self, position: &Position) -> Option<&Step> {
        self.setup.course.chapter(position.chapter)?.step(&position.step)
    }

    fn first_position(&self) -> Position {
        let first = self.setup.course.chapters.iter().find_map(|c| Some((c.number, c.steps.first()?)));
        first.map_or(Position { chapter: 0, step: String::new() }, |(chapter, step)| Position {
            chapter,
            step: step.id.clone(),
        })
    }

    fn start_of(&self, number: u32) -> Result<Position> {
        let course = &self.setup.course;
        match course.chapter(number).and_then(|c| c.steps.first()) {
            Some(step) => Ok(Position { chapter: number, step: step.id.clone() }),
            None => {
                let last = course.chapters.last().map_or(0, |c| c.number);
                Err(Problem::usage(format!("there is no chapter {number}")).hint(format!("chapters are 0 to {last}")))
            }
        }
    }

    /// All positions in order.
    fn positions(&self) -> Vec<Position> {
        let of = |c: &Chapter| {
            let number = c.number;
            c.steps.iter().map(move |s| Position { chapter: number, step: s.id.clone() }).collect::<Vec<_>>()
        };
        self.setup.course.chapters.iter().flat_map(of).collect()
    }

    fn next(&mut self) {
        let positions = self.positions();
        let now = positions.iter().position(|p| Some(p) == self.progress.position.as_ref());
        match now.and_then(|i| positions.get(i + 1)) {
            Some(next) => self.move_to("next", next.clone()),
            None => self.refuse("next", "this is the last step of the course"),
        }
    }

    fn back(&mut self) {
        let positions = self.positions();
        let now = positions.iter().position(|p| Some(p) == self.progress.position.as_ref());
        match now.and_then(|i| positions.get(i.checked_sub(1)?)) {
            Some(before) => self.move_to("back", before.clone()),
            None => self.refuse("back", "this is the first step of the course"),
        }
    }

    fn go_to(&mut self, chapter: u32, step: Option<String>) {
        let position = match step {
            Some(step) => Ok(Position { chapter, step }),
            None => self.start_of(chapter),
        };
        match position {
            Ok(position) if self.step_at(&position).is_some() => self.move_to("go to", position),
            Ok(position) => {
                self.refuse("go to", format!("chapter {} has no step `{}`", position.chapter, position.step));
            }
            Err(problem) => self.refuse("go to", with_hint(&problem)),
        }
    }

    fn move_to(&mut self, command: &str, position: Position) {
        if !self.is_free(command, true) {
            return;
        }
        let course = self.setup.course.clone();
        let files = match files::at(&course, &position) {
            Ok(files) => files,
            Err(problem) => return self.refuse(command, with_hint(&problem)),
        };
        if let Err(problem) = self.write(None, &files::wanted(&course, &files)) {
            self.trouble(problem);
            return;
        }
        if self.progress.position.as_ref() != Some(&position) {
            self.event(EventKind::Moved { position });
        }
        self.tell_distance();
        self.save();
    }

    // --- files ---

    fn edit(&mut self, at_step: &StepRef) -> Result<()> {
        let course = self.setup.course.clone();
        let files = files::after(&course, at_step)?;
        self.write(Some(at_step), &files::wanted(&course, &files))
    }

    fn journal(&mut self) -> Result<(&mut Journal, u64)> {
        let at = self.setup.clock.now();
        let journal = self.journal.as_mut().ok_or_else(|| Problem::usage("this run only looks: it changes nothing"))?;
        Ok((journal, at))
    }

    fn write(&mut self, at_step: Option<&StepRef>, wanted: &WantedFiles) -> Result<()> {
        let (journal, at) = self.journal()?;
        let written = journal.write(at, at_step, wanted)?;
        self.tell_written(at_step, written);
        Ok(())
    }

    fn tell_written(&mut self, at_step: Option<&StepRef>, written: journal::Written) {
        if let Some((journal, files)) = written.kept {
            self.event(EventKind::EditsKept { files, journal });
        }
        if let Some((journal, files)) = written.written {
            self.event(EventKind::FilesWritten { at_step: at_step.cloned(), files, journal });
        }
    }

    /// Writes the files as a step or a chapter leaves them.
    fn apply(&mut self, scope: &Scope) {
        if !self.is_free("apply", true) {
            return;
        }
        let course = self.setup.course.clone();
        let applied = match scope {
            Scope::Step(step) => self.edit(step),
            Scope::Chapter(number) => match course.chapter(*number) {
                Some(chapter) => self.write(None, &files::wanted(&course, &chapter.snapshot)),
                None => Err(Problem::usage(format!("there is no chapter {number}"))),
            },
        };
        match applied {
            Ok(()) => self.tell_distance(),
            Err(problem) => self.refuse("apply", with_hint(&problem)),
        }
    }

    fn undo(&mut self, scope: &Scope) {
        if !self.is_free("undo", true) {
            return;
        }
        let course = self.setup.course.clone();
        let undone = match scope {
            Scope::Step(step) => {
                files::without_step(&course, &self.setup.workdir, step).and_then(|(in_place, whole)| {
                    let (journal, at) = self.journal()?;
                    let edited = journal.edit(at, Some(step), &in_place)?;
                    let written = journal.write(at, Some(step), &whole)?;
                    self.tell_written(Some(step), edited);
                    self.tell_written(Some(step), written);
                    Ok(())
                })
            }
            Scope::Chapter(number) => self
                .start_of(*number)
                .and_then(|start| files::at(&course, &start))
                .and_then(|files| self.write(None, &files::wanted(&course, &files))),
        };
        match undone {
            Ok(()) => self.tell_distance(),
            Err(problem) => self.refuse("undo", with_hint(&problem)),
        }
    }

    fn hunk(&mut self, command: &str, file: &str, index: usize, on: bool) {
        if !self.is_free(command, true) {
            return;
        }
        let course = self.setup.course.clone();
        let Some(chapter) = self.progress.position.as_ref().and_then(|p| course.chapter(p.chapter)) else { return };
        let at_step =
            files::step_of(chapter, file, index).map(|step| StepRef { chapter: chapter.number, step: step.to_owned() });
        let done = files::with_hunk(chapter, &self.setup.workdir, file, index, on).and_then(|wanted| {
            let (journal, at) = self.journal()?;
            let written = journal.edit(at, at_step.as_ref(), &wanted)?;
            self.tell_written(at_step.as_ref(), written);
            Ok(())
        });
        match done {
            Ok(()) => self.tell_distance(),
            Err(problem) => self.refuse(command, with_hint(&problem)),
        }
    }

    fn restore(&mut self, id: u64) {
        if !self.is_free("restore", true) {
            return;
        }
        let restored = self.journal().and_then(|(journal, at)| Ok(journal.restore(at, id)?));
        match restored {
            Ok(written) => {
                let files = written.written.as_ref().map(|(_, files)| files.keys().cloned().collect());
                self.tell_written(None, written);
                self.event(EventKind::EditsRestored { files: files.unwrap_or_default(), journal: id });
                self.tell_distance();
            }
            Err(problem) => self.refuse("restore", with_hint(&problem)),
        }
    }

    fn tell_distance(&mut self) {
        let course = self.setup.course.clone();
        let Some(chapter) = self.progress.position.as_ref().and_then(|p| course.chapter(p.chapter)) else { return };
        if let Some(watch) = &mut self.watch {
            watch.follow(&course, &self.setup.workdir);
        }
        let now = files::current(&course, &self.setup.workdir);
        for kind in files::distance(chapter, &now) {
            self.event(kind);
        }
        self.told = Some(now);
    }

    fn show_diff(&mut self, of: DiffOf) {
        let course = self.setup.course.clone();
        let snapshot = |number: u32| course.chapter(number).map(|c| &c.snapshot);
        let files = match &of {
            DiffOf::Step(step) => {
                let position = Position { chapter: step.chapter, step: step.step.clone() };
                files::at(&course, &position)
                    .and_then(|before| Ok(diff::diff_trees(&before, &files::after(&course, step)?)))
                    .map(|files| with_notes(&course, step, files))
            }
            DiffOf::Chapters { from, to } => match (snapshot(*from), snapshot(*to)) {
                (Some(from), Some(to)) => Ok(diff::diff_trees(from, to)),
                (None, _) => Err(Problem::usage(format!("there is no chapter {from}"))),
                (_, None) => Err(Problem::usage(format!("there is no chapter {to}"))),
            },
            DiffOf::Mine { chapter } => match snapshot(*chapter) {
                Some(target) => Ok(diff::diff_trees(&files::current(&course, &self.setup.workdir), target)),
                None => Err(Problem::usage(format!("there is no chapter {chapter}"))),
            },
        };
        match files {
            Ok(files) => self.event(EventKind::Diff { of, files }),
            Err(problem) => self.refuse("diff", with_hint(&problem)),
        }
    }
}

/// The authors' notes stand on the chapter's hunks: bring them to the step's, which are the same lines.
fn with_notes(
    course: &crate::lesson::model::Course,
    step: &StepRef,
    mut files: Vec<diff::FileDiff>,
) -> Vec<diff::FileDiff> {
    let Some(chapter) = course.chapter(step.chapter) else { return files };
    for file in &mut files {
        let Some(of_chapter) = chapter.diff.iter().find(|d| d.path == file.path) else { continue };
        for hunk in &mut file.hunks {
            let text = |h: &diff::Hunk| h.lines.iter().map(|l| (l.side, l.text())).collect::<Vec<_>>();
            let lines = text(hunk);
            let same = of_chapter.hunks.iter().find(|h| text(h) == lines);
            hunk.note = same.and_then(|h| h.note.clone());
        }
    }
    files
}

fn finished(tell: &Tell, task: Task, result: Result<()>, begun: Instant) {
    tell.event(match result {
        Ok(()) => EventKind::Prepared { task, took_ms: millis(begun.elapsed()) },
        Err(problem) => EventKind::PrepareFailed { task, problem },
    });
}

/// What is said when the runner itself has failed.
fn fault() -> Problem {
    Problem::environment("the workshop made a mistake of its own")
        .hint("run it again; .workshop/events.jsonl shows what led to it")
}

fn with_hint(problem: &Problem) -> String {
    match &problem.hint {
        Some(hint) => format!("{problem}: {hint}"),
        None => problem.to_string(),
    }
}

/// How often the state is saved while things happen.
const SAVE_EVERY: std::time::Duration = std::time::Duration::from_secs(1);
