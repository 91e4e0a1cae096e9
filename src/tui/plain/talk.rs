//! The loop of the plain mode: lines in, lines out.

use std::collections::VecDeque;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, BufReader, Lines};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::state::Plain;
use crate::tui::config::ScreenConfig;
use crate::tui::leaving::{Exit, GRACE, to_its_end};
use crate::tui::notes::publish::Publisher;
use crate::tui::settings::KeptSettings;
use crate::tui::signals::{Caught, Signals};
use crate::tui::terminal::lost;
use workshop_base::problem::Problem;
use workshop_engine::command::{Command, Request};
use workshop_engine::event::{Event, EventKind};

/// Runs the workshop over standard input and output until it is left.
///
/// # Errors
/// When the signals cannot be listened to, or the output is gone.
pub async fn run(setup: ScreenConfig) -> Result<Exit, Problem> {
    // What comes from a person is read at once; what comes from a file waits until each line is done.
    let patient = !io::stdin().is_terminal();
    let width = || {
        let size = io::stdout().is_terminal().then(|| crossterm::terminal::size().ok())??;
        Some(usize::from(size.0))
    };
    talk(setup, tokio::io::stdin(), io::stdout(), patient, width).await
}

/// So long nothing has come when the prompt does: never into the middle of what a step says.
const QUIET: Duration = Duration::from_millis(80);

async fn talk(
    setup: ScreenConfig,
    input: impl AsyncRead + Unpin,
    mut output: impl Write,
    patient: bool,
    width: impl Fn() -> Option<usize>,
) -> Result<Exit, Problem> {
    let ScreenConfig { course, requests, mut events, workdir, redact, user, .. } = setup;
    let mut signals = Signals::listen().map_err(lost)?;
    let mut lines = BufReader::new(input).lines();
    let mut plain = Plain::new(course);
    let (settings, mut kept_settings) = KeptSettings::open(&workdir, user.settings, redact);
    plain.redact = settings.redact;
    plain.by_hand = !patient;
    let mut at_prompt = false;
    let mut ended = false;
    // Lines that wait for the end of what runs.
    let mut held: VecDeque<String> = VecDeque::new();
    let mut quiet = false;
    // Notes in a second terminal follow lines as they follow the screen.
    let mut publisher: Option<Publisher> = None;
    let (wake, mut woken) = unbounded_channel();
    loop {
        plain.width = width();
        if let Some(publisher) = &mut publisher {
            // Lines lead through all of the course.
            publisher.publish(&plain.progress, false);
        }
        // The prompt comes when there is something to answer to, and nothing else to say.
        let reads = !ended && (!patient || plain.is_cut_off() || plain.is_idle() && held.is_empty());
        let listening = reads || plain.is_idle() && !held.is_empty();
        let prompts = listening && !at_prompt && events.is_empty() && plain.is_idle();
        // Several words that come one right after the other are answered to once.
        if prompts && (patient || quiet) {
            write!(output, "{}", plain.prompt()).map_err(lost)?;
            output.flush().map_err(lost)?;
            at_prompt = true;
        }
        if ended && held.is_empty() && plain.is_idle() && !plain.quitting {
            plain.quitting = true;
            send(&requests, plain.ask(Command::Quit));
        }
        let said = tokio::select! {
            biased;
            caught = signals.next() => match caught {
                Caught::End(number) => {
                    send(&requests, plain.break_off());
                    send(&requests, plain.ask(Command::Quit));
                    drain(&mut plain, &requests, &mut events, &mut output).await.map_err(lost)?;
                    return Ok(Exit::Signal(number));
                }
                Caught::Interrupt => {
                    let (asked, said) = plain.line("cancel");
                    asked.into_iter().for_each(|request| send(&requests, request));
                    said
                }
                Caught::Stop => {
                    crate::tui::terminal::stop();
                    continue;
                }
                Caught::Continue => continue,
            },
            event = events.recv() => match event {
                Some(event) => {
                    if publisher.is_none() && matches!(event.kind, EventKind::Opened { .. }) {
                        publisher = Publisher::of(&workdir, wake.clone());
                        kept_settings.opened(&workdir, settings);
                    }
                    plain.event(&event)
                }
                None => return Ok(plain.exit(patient)),
            },
            Some(_) = woken.recv() => continue,
            () = tokio::time::sleep(QUIET), if prompts && !at_prompt => {
                quiet = true;
                continue;
            }
            line = next_line(&mut lines, &mut held, plain.is_idle()), if listening => match line.map_err(lost)? {
                Some(line) if patient && !plain.is_idle() && !plain.leads_away(&line) => {
                    held.push_back(line);
                    continue;
                }
                Some(line) => {
                    at_prompt = false;
                    if patient {
                        // Nobody's terminal has shown what came through the pipe.
                        writeln!(output, "{}", workshop_base::text::sanitize(&line)).map_err(lost)?;
                    }
                    let (asked, said) = plain.line(&line);
                    asked.into_iter().for_each(|request| send(&requests, request));
                    said
                }
                None => {
                    ended = true;
                    continue;
                }
            },
        };
        quiet = false;
        if at_prompt && !said.is_empty() {
            writeln!(output).map_err(lost)?;
            at_prompt = false;
        }
        for line in said {
            writeln!(output, "{line}").map_err(lost)?;
        }
        if let Some(line) = plain.verdict().filter(|_| patient && plain.progress.closed.is_some()) {
            writeln!(output, "{line}").map_err(lost)?;
        }
        output.flush().map_err(lost)?;
        if plain.progress.closed.is_some() {
            return Ok(plain.exit(patient));
        }
    }
}

/// Returns the line that has waited longest, if it may come now, or the next one.
async fn next_line(
    lines: &mut Lines<impl AsyncBufRead + Unpin>,
    held: &mut VecDeque<String>,
    is_idle: bool,
) -> io::Result<Option<String>> {
    let waited = if is_idle { held.pop_front() } else { None };
    match waited {
        Some(line) => Ok(Some(line)),
        None => lines.next_line().await,
    }
}

/// Returns what the engine still says while it closes.
async fn drain(
    plain: &mut Plain,
    requests: &UnboundedSender<Request>,
    events: &mut UnboundedReceiver<Event>,
    output: &mut impl Write,
) -> io::Result<()> {
    let closing = async {
        while let Some(event) = events.recv().await {
            if let Some(command) = to_its_end(&event.kind) {
                send(requests, plain.ask(command));
            }
            for line in plain.event(&event) {
                writeln!(output, "{line}")?;
            }
            if plain.progress.closed.is_some() {
                break;
            }
        }
        Ok(())
    };
    tokio::time::timeout(GRACE, closing).await.unwrap_or(Ok(()))
}

fn send(requests: &UnboundedSender<Request>, request: Request) {
    // The engine may be gone; the end of its events says so.
    let _ = requests.send(request);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::settings::ScreenSettings;
    use crate::tui::{Looks, fixture};
    use tokio::sync::mpsc::unbounded_channel;
    use workshop_base::problem::Kind;
    use workshop_engine::command::CommandKind;
    use workshop_engine::event::{EventKind, Failure, Position, RequestOutcome, StepRef, Stream, Verdict};

    fn setup(requests: UnboundedSender<Request>, events: UnboundedReceiver<Event>) -> ScreenConfig {
        ScreenConfig {
            recording: None,
            whole: None,
            first_frame: None,
            uses: fixture::course().uses(),
            course: fixture::course(),
            requests,
            events,
            workdir: "work".into(),
            looks: Looks::from_environment(|_| None),
            editor: None,
            redact: false,
            shell_target: crate::tui::ShellTarget::Sandbox,
            standby_shell: None,
            user: Default::default(),
        }
    }

    #[tokio::test]
    async fn a_script_gets_away_from_an_account_that_is_gone_and_its_other_words_wait() {
        let (requests, mut asked) = unbounded_channel();
        let (tell, events) = unbounded_channel();
        let position = Position { chapter: 1, step: "deploy".into() };
        let engine = async move {
            let mut seq = 0;
            let mut tell = |kind| {
                seq += 1;
                let _ = tell.send(Event { seq, at: 0, kind });
            };
            tell(EventKind::Opened {
                title: "A course".into(),
                target: workshop_course::lesson::model::Target::Aws,
                workdir: "work".into(),
                position,
            });
            let mut seen = Vec::new();
            while let Some(Request { id, command }) = asked.recv().await {
                seen.push((id, command.kind()));
                let outcome = RequestOutcome::Complete;
                match command.kind() {
                    CommandKind::Run => tell(EventKind::AccountGone { problem: Problem::environment("gone") }),
                    CommandKind::Bring => {
                        let (run, command) = seen[0];
                        tell(EventKind::Done { id: run, command, outcome: RequestOutcome::Verdict(Verdict::Error) });
                        tell(EventKind::Done { id, command: CommandKind::Bring, outcome });
                    }
                    CommandKind::Quit => {
                        tell(EventKind::Closed { verdict: Verdict::Pass, kind: None });
                        break;
                    }
                    command => tell(EventKind::Done { id, command, outcome }),
                }
            }
            seen.into_iter().map(|(_, kind)| kind).collect::<Vec<_>>()
        };
        let mut output = Vec::new();
        let words = "run\nlocate\nfailover\nlocate\nquit\n".as_bytes();
        let talking = async { tokio::join!(talk(setup(requests, events), words, &mut output, true, || None), engine) };
        let (_, seen) =
            tokio::time::timeout(Duration::from_secs(10), talking).await.expect("it waits for what never ends");
        assert_eq!(
            seen,
            [CommandKind::Run, CommandKind::Bring, CommandKind::Locate, CommandKind::Locate, CommandKind::Quit]
        );
    }

    /// Runs words against an engine whose every step comes out like this.
    async fn spoken(words: &str, verdict: Verdict, patient: bool) -> (Exit, String) {
        let (requests, mut asked) = unbounded_channel();
        let (tell, events) = unbounded_channel();
        let position = Position { chapter: 1, step: "deploy".into() };
        let opened = EventKind::Opened {
            title: "A course".into(),
            target: workshop_course::lesson::model::Target::Local,
            workdir: "work".into(),
            position: position.clone(),
        };
        let engine = async move {
            let mut seq = 0;
            let mut tell = |kind| {
                seq += 1;
                let _ = tell.send(Event { seq, at: 0, kind });
            };
            tell(opened);
            while let Some(Request { id, command }) = asked.recv().await {
                match command {
                    Command::Run => {
                        tell(EventKind::StepFinished {
                            at_step: StepRef { chapter: 1, step: position.step.clone() },
                            attempt: 1,
                            verdict,
                            took_ms: 0,
                            failure: (!verdict.is_good()).then(Failure::default),
                        });
                        let outcome = RequestOutcome::Verdict(verdict);
                        tell(EventKind::Done { id, command: CommandKind::Run, outcome });
                    }
                    _ => return tell(EventKind::Closed { verdict: Verdict::Pass, kind: None }),
                }
            }
        };
        let mut output = Vec::new();
        let setup = setup(requests, events);
        let (exit, ()) = tokio::join!(talk(setup, words.as_bytes(), &mut output, patient, || None), engine);
        (exit.unwrap(), String::from_utf8(output).unwrap())
    }

    #[tokio::test]
    async fn a_script_is_told_that_a_step_failed_and_a_person_has_left() {
        let (exit, said) = spoken("run\nquit\n", Verdict::Fail, true).await;
        assert_eq!(exit, Exit::Failed(Kind::Failed));
        assert!(said.trim_end().lines().last().unwrap().starts_with("Not all went well: "), "{said}");
        assert_eq!(spoken("run\n", Verdict::Fail, true).await.0, Exit::Failed(Kind::Failed), "its input has ended");
        assert_eq!(spoken("rum\nquit\n", Verdict::Pass, true).await.0, Exit::Failed(Kind::Usage));
        assert_eq!(spoken("run\nquit\n", Verdict::Pass, true).await.0, Exit::Left);
        assert_eq!(spoken("quit\n", Verdict::Fail, true).await.0, Exit::Left, "nothing was run");
        assert_eq!(spoken("run\nquit\n", Verdict::Fail, false).await.0, Exit::Left, "someone saw it");
    }

    #[tokio::test]
    async fn what_a_person_has_set_to_be_hidden_is_hidden_in_lines_too() {
        for (everywhere, here, hidden) in [(false, false, false), (true, false, true), (false, true, true)] {
            let dir = tempfile::tempdir().unwrap();
            std::fs::create_dir(dir.path().join(".workshop")).unwrap();
            if here {
                ScreenSettings { redact: true, ..ScreenSettings::default() }
                    .write(dir.path(), ScreenSettings::default())
                    .unwrap();
            }
            let (requests, mut asked) = unbounded_channel();
            let (tell, events) = unbounded_channel();
            let mut setup = setup(requests, events);
            setup.workdir = dir.path().to_owned();
            setup.user.settings.redact = everywhere;
            let engine = async move {
                let said = EventKind::Output { at_step: None, stream: Stream::Stdout, lines: vec![ARN.to_owned()] };
                let _ = tell.send(Event { seq: 1, at: 0, kind: said });
                let position = Position { chapter: 1, step: "deploy".into() };
                let (title, target) = ("A course".into(), workshop_course::lesson::model::Target::Local);
                let opened = EventKind::Opened { title, target, workdir: "work".into(), position };
                let _ = tell.send(Event { seq: 2, at: 0, kind: opened });
                asked.recv().await;
                let _ =
                    tell.send(Event { seq: 3, at: 0, kind: EventKind::Closed { verdict: Verdict::Pass, kind: None } });
            };
            let mut output = Vec::new();
            let (exit, ()) = tokio::join!(talk(setup, "quit\n".as_bytes(), &mut output, true, || None), engine);
            exit.unwrap();
            let said = String::from_utf8(output).unwrap();
            assert_eq!(!said.contains("123456789012"), hidden, "{everywhere} {here}: {said}");
        }
    }

    const ARN: &str = "arn:aws:iam::123456789012:role/a";
}
