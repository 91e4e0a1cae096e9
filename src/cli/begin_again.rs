//! `workshop begin-again`: a chapter from its beginning, without the screen.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::args::CommonOptions;
use super::output::{say, warn, yes};
use super::runtime::{block_on, until_stopped};
use super::subcommands::EditsChoice;
use super::{course, places, target};
use workshop_base::problem::{Kind, Problem, Result};
use workshop_base::text::sanitize;
use workshop_engine::command::{BringTo, Command, Refusal, Request};
use workshop_engine::event::{Event, EventKind, RequestOutcome};
use workshop_engine::{Clock, EngineConfig, Handle, Mode};

/// Brings everything in the working directory back to how it was when a chapter was begun, and returns the exit code.
///
/// # Errors
/// When the course is not valid, nothing is saved from that beginning, another workshop runs there, or the sandbox
/// cannot be brought back.
pub fn run(common: &CommonOptions, chapter: Option<u32>, edits: Option<EditsChoice>) -> Result<u8> {
    let course = course::read_to_open(common, &places::course(common)?.in_the_shells_language())?;
    let workdir = places::workdir(common)?;
    if !places::is_ours(&workdir) {
        return Err(Problem::usage(format!("{} holds no workshop", workdir.display()))
            .hint("pass the --workdir that the workshop was begun in"));
    }
    let common = &target::remembered(common, &workdir)?;
    let target = target::of(common, &course);
    let chapter = chapter.unwrap_or(course.first_on_stage());
    course::chapter(&course, chapter)?;
    target::allowed(&course, target)?;
    let setup = EngineConfig {
        prepare: target::prepare(common, target, &workdir, &course)?,
        states: target::states(common, target, &workdir, &course)?,
        standby: None,
        course: Arc::new(course.on(target)),
        workdir: workdir.clone(),
        cache: target::cache()?,
        target,
        asked: target::asked(common, target),
        mode: Mode::Interactive,
        chapter: None,
        clock: Clock::system(),
        template_check: target::template_check(target),
    };
    let came = block_on(until_stopped(async move |stop| begin(setup, chapter, edits, &stop).await));
    say(&format!("{}\n", came?))?;
    Ok(0)
}

/// Asks the engine, and once more where own files are in the way and it is known what is to become of them. When `stop` is
/// cancelled, what runs is ended in order.
async fn begin(
    setup: EngineConfig,
    chapter: u32,
    edits: Option<EditsChoice>,
    stop: &CancellationToken,
) -> Result<String> {
    let (handle, mut events) = workshop_engine::start(setup);
    let mut engine = Some(BeginAgain { handle, asked: 0, bring: 0 });
    let bring = |engine: &mut Option<BeginAgain>| {
        if let Some(engine) = engine {
            engine.bring = engine.ask(Command::Bring { to: BringTo::Chapter(chapter) });
        }
    };
    bring(&mut engine);
    let mut came = Err(Problem::environment("the workshop ended before it was done").hint("run it again"));
    loop {
        let event = tokio::select! {
            biased;
            // Without its handle the engine ends what runs, then itself.
            () = stop.cancelled(), if engine.is_some() => {
                (engine, came) = (None, Err(Problem::new(Kind::Interrupted, "it was stopped on the way").hint(GOES_ON)));
                continue;
            }
            event = events.recv() => event,
        };
        let Some(Event { kind, .. }) = event else { return came };
        let bringing = engine.as_ref().map(|engine| engine.bring);
        match kind {
            EventKind::Refused {
                id, because: because @ (Refusal::OwnEdits | Refusal::StrangeFiles), reason, ..
            } if Some(id) == bringing => {
                let question = if because == Refusal::OwnEdits { OWN_LINES } else { STRANGE_FILES };
                let goes_on = match edits {
                    Some(edits) => question.answers.contains(&edits),
                    None => {
                        let asked = format!("{reason}.\n{}", question.asks);
                        let answer = tokio::task::spawn_blocking(move || yes(&asked));
                        match stop.run_until_cancelled(answer).await {
                            Some(answer) => answer.unwrap_or(Ok(false))?,
                            None => continue,
                        }
                    }
                };
                match &mut engine {
                    Some(engine) if goes_on => {
                        if because == Refusal::OwnEdits && edits == Some(EditsChoice::Course) {
                            engine.ask(Command::Settle { own: false });
                        }
                    }
                    _ => {
                        came = Err(Problem::usage(reason).hint(question.hint));
                        engine.iter_mut().for_each(BeginAgain::quit);
                        continue;
                    }
                }
                bring(&mut engine);
            }
            EventKind::Refused { id, reason, .. } if Some(id) == bringing => {
                came = Err(Problem::usage(reason));
                engine.iter_mut().for_each(BeginAgain::quit);
            }
            EventKind::Done { id, outcome, .. } if Some(id) == bringing => {
                came = ended(outcome, chapter);
                engine.iter_mut().for_each(BeginAgain::quit);
            }
            EventKind::EditsKept { files, .. } => warn(&sanitize(&format!(
                "your edits of {} were put aside: E in the workshop brings them back\n",
                files.join(", ")
            ))),
            EventKind::EditsRestored { files, .. } => {
                warn(&sanitize(&format!("your edits of {} are back\n", files.join(", "))));
            }
            EventKind::Trouble { problem } if came.is_err() && engine.is_some() => came = Err(problem),
            _ => {}
        }
    }
}

/// The engine, and what it was asked.
struct BeginAgain {
    handle: Handle,
    /// The newest request's id.
    asked: u64,
    /// That of the newest to begin again.
    bring: u64,
}

impl BeginAgain {
    fn ask(&mut self, command: Command) -> u64 {
        self.asked += 1;
        self.handle.send(Request { id: self.asked, command });
        self.asked
    }

    fn quit(&mut self) {
        self.ask(Command::Quit);
    }
}

/// What is asked where files of the learner's are in the way, and which of the answers on the command line go on.
struct EditsQuestion {
    asks: &'static str,
    answers: &'static [EditsChoice],
    hint: &'static str,
}

const OWN_LINES: EditsQuestion = EditsQuestion {
    asks: "Go on with yours?",
    answers: &[EditsChoice::Own, EditsChoice::Course],
    hint: "`--edits own` goes on with yours, `--edits course` puts yours aside and takes the course's",
};

/// Nothing is known that such a file could be brought along with.
const STRANGE_FILES: EditsQuestion = EditsQuestion {
    asks: "Put them aside and go on?",
    answers: &[EditsChoice::Course],
    hint: "`--edits course` puts them aside and takes the course's; or pass another --workdir",
};

/// Says what came of it.
fn ended(outcome: RequestOutcome, chapter: u32) -> Result<String> {
    match outcome {
        RequestOutcome::Complete => Ok(format!("everything is as chapter {chapter} begins")),
        RequestOutcome::Failed(problem) => Err(problem),
        RequestOutcome::Verdict(_) | RequestOutcome::Detached => {
            Err(Problem::failed(format!("a step on the way to chapter {chapter} did not work out"))
                .hint("open the workshop there: it says which, and goes on from it"))
        }
    }
}

const GOES_ON: &str = "run it again: it goes on from where it was stopped";
