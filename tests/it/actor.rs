//! An engine that only plays: it answers commands with the events of a workshop that goes well, so that
//! the screen can be tested, and tried by hand, without a sandbox.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use workshop_base::problem::Problem;
use workshop_course::code::diff::FileDiff;
use workshop_course::lesson::model::{Course, StepAction, StepExpect, Target};
use workshop_engine::command::{Command, Request};
use workshop_engine::event::*;

/// What must not reach a terminal as it is: clears it, names its window, fills the clipboard, asks it who it is,
/// a C1 control, an overwritten line, and text that reads backwards.
pub const HOSTILE: &str =
    "\x1b[2J\x1b]0;taken over\x07\x1b]52;c;dGFrZW4=\x07\x1b[c\u{9b}31m secret\rpublic \u{202e}gnirts\u{202c} end";

pub struct Actor {
    pub course: Arc<Course>,
    pub workdir: PathBuf,
    pub events: UnboundedSender<Event>,
    /// How long a step takes.
    pub pace: Duration,
    /// Lines of output of every step.
    pub noise: usize,
    seq: u64,
    at: (u32, usize),
}

impl Actor {
    pub fn new(course: Arc<Course>, workdir: PathBuf, events: UnboundedSender<Event>) -> Actor {
        Actor { course, workdir, events, pace: Duration::from_millis(400), noise: 20, seq: 0, at: (0, 0) }
    }

    fn emit(&mut self, kind: EventKind) {
        self.seq += 1;
        let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
        // The screen may have left.
        let _ = self.events.send(Event { seq: self.seq, at, kind });
    }

    fn here(&self) -> StepRef {
        let chapter = self.course.chapter(self.at.0).unwrap();
        StepRef { chapter: self.at.0, step: chapter.steps[self.at.1].id.clone() }
    }

    fn position(&self) -> Position {
        let here = self.here();
        Position { chapter: here.chapter, step: here.step }
    }

    pub async fn play(mut self, mut requests: UnboundedReceiver<Request>) {
        self.emit(EventKind::Opened {
            title: self.course.title.clone(),
            target: Target::Local,
            workdir: self.workdir.clone(),
            position: self.position(),
        });
        for (done, task) in [(30, Preparation::Sandbox), (60, Preparation::Sandbox)] {
            let label = "fetching PostgreSQL 16".to_owned();
            self.emit(EventKind::Preparing { task, label, done, total: Some(90), unit: "packages".into() });
            tokio::time::sleep(self.pace / 4).await;
        }
        self.emit(EventKind::Prepared { task: Preparation::Sandbox, took_ms: 900 });
        while let Some(Request { id, command }) = requests.recv().await {
            let kind = command.kind();
            self.emit(EventKind::Accepted { id, command: kind });
            let mut outcome = RequestOutcome::Complete;
            match command {
                Command::Next => outcome = self.go(1),
                Command::Back => outcome = self.go(-1),
                Command::GoTo { chapter, step } => {
                    let place = self
                        .course
                        .chapter(chapter)
                        .map(|c| step.and_then(|id| c.steps.iter().position(|s| s.id == id)).unwrap_or(0));
                    if let Some(place) = place {
                        self.at = (chapter, place);
                        self.emit(EventKind::Moved { position: self.position() });
                    }
                }
                Command::Run | Command::RunStatement => outcome = RequestOutcome::Verdict(self.run().await),
                Command::Check { .. } => {
                    self.checks(None).await;
                    outcome = RequestOutcome::Verdict(Verdict::Pass);
                }
                Command::ShowDiff { of } => self.diff(of),
                Command::Sql { session, text, .. } => self.sql(id, session, text),
                Command::Complete { cursor, .. } => {
                    let candidates = [("accounts", "table"), ("accounts_pkey", "index"), ("account_id", "column")]
                        .map(|(text, kind)| SqlCandidate { text: text.to_owned(), kind: kind.to_owned() });
                    let candidates = candidates.to_vec();
                    self.emit(EventKind::Completions { id, from: cursor, candidates });
                }
                Command::Pause => self.emit(EventKind::Paused),
                Command::Resume => self.emit(EventKind::Resumed),
                Command::RestartClock => self.emit(EventKind::ClockRestarted),
                Command::Quit => {
                    self.emit(EventKind::Closed { verdict: Verdict::Pass, kind: None });
                    return;
                }
                _ => outcome = RequestOutcome::Failed(Problem::usage("this engine only plays")),
            }
            self.emit(EventKind::Done { id, command: kind, outcome });
        }
    }

    fn go(&mut self, by: i64) -> RequestOutcome {
        let all: Vec<(u32, usize)> =
            self.course.chapters.iter().flat_map(|c| (0..c.steps.len()).map(move |s| (c.number, s))).collect();
        let at = all.iter().position(|place| *place == self.at).unwrap() as i64 + by;
        match usize::try_from(at).ok().and_then(|at| all.get(at)) {
            Some(place) => {
                self.at = *place;
                self.emit(EventKind::Moved { position: self.position() });
                RequestOutcome::Complete
            }
            None => RequestOutcome::Failed(Problem::usage("there is nothing further")),
        }
    }

    async fn run(&mut self) -> Verdict {
        let here = self.here();
        let step = self.course.chapter(here.chapter).unwrap().step(&here.step).unwrap().clone();
        let expects_failure = matches!(step.expect, StepExpect::Failure(_));
        self.emit(EventKind::StepStarted {
            at_step: here.clone(),
            attempt: 1,
            action: step.action.kind(),
            expects_failure,
            usual_ms: Some(62_000),
        });
        match &step.action {
            StepAction::Deploy(_) => self.deploy(&here).await,
            StepAction::Check(_) => self.checks(Some(expects_failure)).await,
            StepAction::Edit(edit) => {
                let hunks = edit.hunks.iter().map(|h| (h.file.clone(), h.index)).collect();
                self.emit(EventKind::HunksApplied { chapter: here.chapter, hunks, own: Vec::new() });
            }
            StepAction::Sql(sql) => {
                for (i, statement) in sql.statements.iter().enumerate() {
                    self.sql(1000 + i as u64, statement.session.clone(), statement.run.0.clone());
                }
            }
            StepAction::Read
            | StepAction::Shell(_)
            | StepAction::Serve(_)
            | StepAction::Stop(_)
            | StepAction::Invoke(_)
            | StepAction::Load(_)
            | StepAction::Simulate(_) => {}
        }
        for line in 0..self.noise {
            let lines = vec![format!("line {line} of the output of {}", here.step)];
            self.emit(EventKind::Output { at_step: Some(here.clone()), stream: Stream::Stdout, lines });
        }
        let lines = vec![HOSTILE.to_owned()];
        self.emit(EventKind::Output { at_step: Some(here.clone()), stream: Stream::Stderr, lines });
        let verdict = if expects_failure { Verdict::FailedAsExpected } else { Verdict::Pass };
        let took_ms = self.pace.as_millis() as u64;
        self.emit(EventKind::StepFinished { at_step: here, attempt: 1, verdict, took_ms, failure: None });
        verdict
    }

    async fn deploy(&mut self, here: &StepRef) {
        let phases = [Phase::Synth, Phase::Assets, Phase::ChangeSet, Phase::Resources, Phase::Outputs];
        for phase in phases {
            self.emit(EventKind::PhaseStarted { at_step: here.clone(), phase });
            if phase == Phase::Resources {
                for (id, kind) in [("Role", "AWS::IAM::Role"), ("DsqlCluster", "AWS::DSQL::Cluster")] {
                    let started = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as u64;
                    let mut resource = Resource {
                        logical_id: id.into(),
                        physical_id: None,
                        resource_type: kind.into(),
                        status: "CREATE_IN_PROGRESS".into(),
                        reason: None,
                        started,
                        ended: None,
                        usual_ms: Some(45_000),
                    };
                    self.emit(EventKind::ResourceChanged { at_step: here.clone(), resource: resource.clone() });
                    tokio::time::sleep(self.pace).await;
                    resource.status = "CREATE_COMPLETE".into();
                    resource.ended = Some(started + self.pace.as_millis() as u64);
                    self.emit(EventKind::ResourceChanged { at_step: here.clone(), resource });
                }
            }
            tokio::time::sleep(self.pace).await;
            let took_ms = self.pace.as_millis() as u64;
            self.emit(EventKind::PhaseFinished { at_step: here.clone(), phase, took_ms, failed: false });
        }
        let value = "arn:aws:iam::123456789012:role/Stack-Role-AB12".to_owned();
        self.emit(EventKind::StackOutput { key: "LambdaRoleArn".into(), value, description: None });
    }

    async fn checks(&mut self, fails: Option<bool>) {
        let chapter = self.course.chapter(self.at.0).unwrap().clone();
        for check in &chapter.checks {
            let at_check = CheckRef { chapter: chapter.number, check: check.id.clone() };
            let title = check.title.clone();
            self.emit(EventKind::CheckStarted { at_check: at_check.clone(), title: title.clone(), attempt: 1 });
            tokio::time::sleep(self.pace).await;
            let fails = fails.unwrap_or(false);
            let verdict = if fails { Verdict::FailedAsExpected } else { Verdict::Pass };
            let failure = fails.then(|| Failure {
                expected: "a greeting".into(),
                actual: "unable to accept connection, access denied".into(),
                ..Failure::default()
            });
            let took_ms = self.pace.as_millis() as u64;
            self.emit(EventKind::CheckFinished { at_check, title, verdict, attempts: 1, took_ms, failure });
        }
    }

    fn diff(&mut self, of: DiffOf) {
        let all = |chapter: u32| self.course.chapter(chapter).map(|c| c.diff.clone()).unwrap_or_default();
        let files = match &of {
            DiffOf::Chapters { to, .. } | DiffOf::Mine { chapter: to } => all(*to),
            DiffOf::Step(step) => {
                let action = &self.course.chapter(step.chapter).unwrap().step(&step.step).unwrap().action;
                let StepAction::Edit(edit) = action else { return };
                let kept = |mut file: FileDiff| {
                    let mut index = 0;
                    file.hunks.retain(|_| {
                        index += 1;
                        edit.hunks.iter().any(|h| h.file == file.path && h.index + 1 == index)
                    });
                    (!file.hunks.is_empty()).then_some(file)
                };
                all(step.chapter).into_iter().filter_map(kept).collect()
            }
            DiffOf::Collision => Vec::new(),
        };
        self.emit(EventKind::Diff { of, files });
    }

    fn sql(&mut self, id: u64, session: String, text: String) {
        let (role, host) = ("admin".to_owned(), "abcde1fghij2klmno3pqrst4uv.dsql.us-east-1.on.aws".to_owned());
        self.emit(EventKind::SessionOpened { session: session.clone(), role, host });
        self.emit(EventKind::SqlStarted { id, session: session.clone(), text: text.clone() });
        let mut lines: Vec<(SqlLine, String)> = Vec::new();
        if text.contains("hostile") {
            lines.push((SqlLine::Row, format!(" {HOSTILE} | 1")));
        }
        lines.push((SqlLine::Header, " id | balance \n----+---------".into()));
        lines.extend((1..=3).map(|id| (SqlLine::Row, format!("  {id} |     100"))));
        lines.push((SqlLine::Footer, "(3 rows)".into()));
        self.emit(EventKind::SqlText { id, session: session.clone(), lines });
        self.emit(EventKind::SqlFinished {
            id,
            session,
            tx: TxState::Idle,
            rows: 3,
            took_ms: 2,
            error: None,
            prompts: None,
        });
    }
}
