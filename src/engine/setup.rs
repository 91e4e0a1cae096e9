//! The commands of a course outside its steps: before the first, and when it is over.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::cloud::{CloudTarget, Report};
use super::config::{EngineConfig, Mode};
use super::event::{EventKind, Preparation, Stream};
use super::messages::{EventSink, Internal};
use super::output::{OutputForwarder, OutputSource};
use super::values::Values;
use super::{processes, record};
use workshop_base::private_dir::{OURS, PrivateDir};
use workshop_base::problem::{Kind, Problem, Result};
use workshop_base::process::{ExitCause, ProcessSpec};
use workshop_course::lesson::model::CourseCommand;
use workshop_course::lesson::template::{self, Reference, TemplateSyntax};

/// The file that is there while commands around a course run: the number in their mark. One that is there at a start was left by a
/// run that was killed.
const UNDER_WAY: &str = "commands";

/// The commands around a course that run now, noted for a start after a crash.
struct NotedCommands {
    /// The path that they carry.
    mark: PathBuf,
    /// None where nothing can be written.
    dir: Option<PrivateDir>,
}

impl NotedCommands {
    fn note(setup: &EngineConfig) -> NotedCommands {
        // Those of an earlier run may have made servers, which are to stay.
        let number = setup.clock.now();
        let dir = PrivateDir::open(&setup.workdir, OURS).ok();
        let dir = dir.filter(|dir| dir.replace(UNDER_WAY, number.to_string().as_bytes()).is_ok());
        NotedCommands { mark: mark(&setup.workdir, number), dir }
    }
}

impl Drop for NotedCommands {
    fn drop(&mut self) {
        if let Some(dir) = &self.dir {
            // Left, it names what has ended.
            let _ = dir.remove(UNDER_WAY);
        }
    }
}

fn mark(workdir: &Path, number: u64) -> PathBuf {
    workdir.join(OURS).join(format!("{UNDER_WAY}-{number}"))
}

/// Ends what a run that was killed in a working directory has left of the commands around its course. Call it where no other run
/// can be. Blocking.
pub fn end_left_behind(workdir: &Path) {
    let Ok(Some(dir)) = PrivateDir::existing(workdir, OURS) else { return };
    let Ok(Some(noted)) = dir.read(UNDER_WAY) else { return };
    if let Some(number) = String::from_utf8(noted).ok().and_then(|text| text.parse().ok()) {
        processes::end_left_below(&mark(workdir, number));
    }
    let _ = dir.remove(UNDER_WAY);
}

/// Where commands run, and whom they tell.
pub struct CommandRun<'a> {
    pub setup: &'a EngineConfig,
    pub world: &'a Arc<dyn CloudTarget>,
    pub sink: &'a EventSink,
    pub cancel: &'a CancellationToken,
    /// Names the log: `setup`, `teardown`.
    pub what: &'static str,
}

impl CommandRun<'_> {
    /// Runs commands one after the other, each to its end: each may stand on those before it.
    ///
    /// # Errors
    /// At the first that fails, takes too long or is cancelled.
    pub async fn run(&self, commands: &[CourseCommand]) -> Result<()> {
        let noted = NotedCommands::note(self.setup);
        for (done, command) in commands.iter().enumerate() {
            self.tell(commands, command, done);
            self.one(command, &noted.mark).await?;
        }
        self.tell_done(commands);
        Ok(())
    }

    /// Runs all commands, also those after one that failed: what it should have taken away is all that is left.
    ///
    /// # Errors
    /// At the first that is cancelled; else the first that failed or took too long, once all were run. Of the others it is told
    /// in the log.
    pub async fn run_all(&self, commands: &[CourseCommand]) -> Result<()> {
        let (mut failed, noted) = (None, NotedCommands::note(self.setup));
        for (done, command) in commands.iter().enumerate() {
            self.tell(commands, command, done);
            match (self.one(command, &noted.mark).await, &failed) {
                (Ok(()), _) => {}
                (Err(problem), _) if problem.kind == Kind::Interrupted => return Err(problem),
                (Err(problem), None) => failed = Some(problem),
                (Err(problem), Some(_)) => {
                    let lines = vec![problem.to_string()];
                    self.sink.emit(EventKind::Output { at_step: None, stream: Stream::Note, lines });
                }
            }
        }
        self.tell_done(commands);
        failed.map_or(Ok(()), Err)
    }

    fn tell(&self, all: &[CourseCommand], now: &CourseCommand, done: usize) {
        let (label, unit) = (now.title.clone(), "commands".to_owned());
        let (done, total) = (done as u64, Some(all.len() as u64));
        self.sink.emit(EventKind::Preparing { task: Preparation::Setup, label, done, total, unit });
    }

    fn tell_done(&self, all: &[CourseCommand]) {
        all.last().into_iter().for_each(|last| self.tell(all, last, all.len()));
    }

    async fn one(&self, command: &CourseCommand, mark: &Path) -> Result<()> {
        let course = &self.setup.course;
        let mut values = Values::new(course, std::collections::BTreeMap::new());
        let needs = template::references(&command.run.0);
        if needs.iter().any(|need| matches!(need, Reference::Region | Reference::Account)) {
            values.ask(self.world.as_ref(), course.stack.as_deref(), &needs).await?;
        }
        let line = values.fill(&command.run, TemplateSyntax::Shell)?;
        let source = OutputSource::Step(None);
        let log = format!("{}.log", self.what);
        let mut forward = OutputForwarder::new(self.sink.clone(), source, self.setup, self.world.clone(), &log);
        let noted = format!("{}: {}", self.what, command.title);
        forward.lines(Stream::Note, vec![noted.clone()]);
        let (sent, mut received) = mpsc::unbounded_channel();
        let lines = Box::new(move |pipe, batch| {
            let _ = sent.send((pipe, batch));
        });
        let job = processes::with_mark(mark, ProcessSpec::shell(&line, &self.setup.workdir, command.timeout));
        let child = self.world.child(job, self.cancel.clone(), lines);
        tokio::pin!(child);
        let ended = loop {
            tokio::select! {
                biased;
                Some((pipe, batch)) = received.recv() => forward.child(pipe, batch),
                ended = &mut child => break ended?,
            }
        };
        while let Ok((pipe, batch)) = received.try_recv() {
            forward.child(pipe, batch);
        }
        let why = match ended.cause {
            ExitCause::Exited(0) => return Ok(()),
            ExitCause::Exited(code) => format!("exit code {code}"),
            ExitCause::Signaled(signal) => format!("ended by signal {signal}"),
            ExitCause::TimedOut => {
                return Err(Problem::new(
                    Kind::TimedOut,
                    format!("{}: no end after {} s", command.title, command.timeout.as_secs_f64()),
                )
                .hint("look at what it waits for; `timeout` in course.yaml sets the limit"));
            }
            ExitCause::Cancelled => return Err(super::step::interrupted()),
        };
        let mut said = forward.tail();
        said.retain(|line| *line != noted);
        // A directory that was made for this run goes with its log.
        if self.setup.mode == Mode::Scratch {
            let said: String = said.iter().map(|line| format!("\n  {line}")).collect();
            return Err(Problem::environment(format!("{}: {why}{said}", command.title))
                .hint("mend what it needs, then try again"));
        }
        let said = said.pop().map(|line| format!("; its last line: {line}")).unwrap_or_default();
        Err(Problem::environment(format!("{}: {why}{said}", command.title))
            .hint(format!("mend what it needs, then try again; .workshop/log/{log} has all that it printed")))
    }
}

/// Runs the commands that end a course, and tells what happens as events, how the target is made ready as well. When
/// `stop` is cancelled, what runs is ended in order.
///
/// # Errors
/// When the directory is another course's or another run is in it, the target cannot be reached, one of them fails, or it is
/// stopped.
pub async fn teardown(
    setup: &EngineConfig,
    stop: &CancellationToken,
    mut on_event: impl FnMut(EventKind),
) -> Result<()> {
    record::saved_of(&setup.workdir, &setup.course)?;
    let _alone = record::claim(&setup.workdir)?;
    end_left_behind(&setup.workdir);
    let (messages, mut inbox) = mpsc::unbounded_channel();
    let sink = EventSink::new(messages);
    let to_emit = sink.clone();
    let report = Report::new(move |kind| to_emit.emit(kind));
    let running = async {
        let world = stop.run_until_cancelled((setup.prepare)(report)).await;
        let world = world.unwrap_or_else(|| Err(super::step::interrupted()))?;
        let run = CommandRun { setup, world: &world, sink: &sink, cancel: stop, what: "teardown" };
        run.run_all(&setup.course.teardown).await
    };
    tokio::pin!(running);
    let ended = loop {
        tokio::select! {
            biased;
            Some(message) = inbox.recv() => if let Internal::Emit(kind) = message { on_event(kind) },
            ended = &mut running => break ended,
        }
    };
    while let Ok(message) = inbox.try_recv() {
        if let Internal::Emit(kind) = message {
            on_event(kind);
        }
    }
    ended
}
