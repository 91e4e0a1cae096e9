//! The loop around `update` and `view`, and the effects.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use tokio::process::{Child, Command as Process};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::frame::Pacer;
use super::highlight;
use super::input::Input;
use super::model::{Effect, Model, Msg, Options};
use super::notes::publish::Publisher;
use super::terminal::{self, Screen};
use super::theme::Looks;
use super::update::update;
use super::view::view;
use workshop_base::private_dir::{OURS, PrivateDir};
use workshop_base::problem::{Kind, Problem};
use workshop_base::text;
use workshop_course::lesson::model::{Course, StepAction};
use workshop_engine::command::{Command, CommandKind, Refusal, Request};
use workshop_engine::event::{Event, EventKind};
use workshop_psql::history::{self, History};

/// What the screen needs.
pub struct Setup {
    pub course: Arc<Course>,
    pub requests: UnboundedSender<Request>,
    pub events: UnboundedReceiver<Event>,
    pub workdir: PathBuf,
    pub looks: Looks,
    /// `$VISUAL` or `$EDITOR`; without one, `vi`.
    pub editor: Option<String>,
}

/// How the screen was left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// By the person at the keyboard; the engine has closed or was given its time to.
    Left,
    /// By a script whose words did not all come to a good end; the first reason why.
    Failed(Kind),
    /// By a signal of this number.
    Signal(i32),
}

/// The editor of a learner who named none.
const EDITOR: &str = "vi";

/// Draws the workshop until it is left. The first frame does not wait for anything but the course.
pub async fn run(setup: Setup) -> Result<Exit, Problem> {
    terminal::require_terminal()?;
    let Setup { course, requests, mut events, workdir, looks, editor } = setup;
    // Before the terminal is claimed: a signal must never find it claimed and nobody listening.
    let mut signals = Signals::listen().map_err(lost)?;
    let screen = Screen::claim().map_err(lost)?;
    let options = Options { looks, workdir: workdir.clone(), utc_offset: 0, history: Vec::new() };
    let model = Model::new(course, options, screen.size(), now());
    let (messages, mut inbox) = unbounded_channel();
    let mut shell = Shell {
        model,
        screen,
        requests,
        messages,
        jobs: None,
        input: Input::default(),
        lent: None,
        editor,
        publisher: None,
        history: History::default(),
    };
    shell.draw()?;

    // What takes time comes after the first frame.
    shell.input = Input::open();
    let coloured = shell.messages.clone();
    shell.jobs = Some(highlight::start(move |key, colours| {
        // The screen may be gone by then.
        let _ = coloured.send(Msg::Coloured(key, colours));
    }));
    shell.model.options.utc_offset = jiff::Zoned::now().offset().seconds();
    // In somebody else's project it may lead elsewhere: nothing is read there, and nothing written.
    let ours = match PrivateDir::existing(&workdir, OURS) {
        Ok(Some(ours)) => !ours.is_link(history::FILE),
        Ok(None) => true,
        Err(_) => false,
    };
    if ours {
        shell.history = History::open(workdir.join(OURS).join(history::FILE));
    }
    shell.model.console.history = shell.history.entries().to_vec();

    let mut batch = Vec::new();
    let mut pacer = Pacer::default();
    let mut leaving: Option<(i32, Instant)> = None;
    loop {
        let tick = shell.model.next_tick().map(Duration::from_millis);
        let frame = pacer.due(Instant::now()).filter(|_| shell.lent.is_none());
        let message = tokio::select! {
            biased;
            signal = signals.next() => match signal {
                Caught::End(number) => {
                    leaving = Some((number, Instant::now()));
                    shell.close_for_good();
                    terminal::restore();
                    continue;
                }
                Caught::Interrupt if shell.lent.is_none() => Msg::Key(ctrl_c()),
                Caught::Interrupt => continue,
                Caught::Continue => {
                    if shell.lent.is_none() && leaving.is_none() {
                        shell.screen.modes_again().map_err(lost)?;
                        pacer.changed();
                    }
                    continue;
                }
            },
            message = shell.input.next(), if leaving.is_none() => match message {
                Some(message) => message,
                None => {
                    // The terminal is gone, as with a hangup.
                    leaving = Some((HANGUP, Instant::now()));
                    shell.close_for_good();
                    continue;
                }
            },
            () = sleep_until(frame), if leaving.is_none() => {
                shell.draw()?;
                pacer.drawn(Instant::now());
                continue;
            }
            status = wait(&mut shell.lent) => shell.take_back(status)?,
            count = events.recv_many(&mut batch, BATCH) => match count {
                0 => Msg::EngineGone,
                _ => Msg::Events(std::mem::take(&mut batch)),
            },
            Some(message) = inbox.recv() => message,
            () = sleep(tick) => Msg::Tick,
            () = sleep(leaving.map(|_| GRACE)) => return Ok(leaving.map_or(Exit::Left, |(n, _)| Exit::Signal(n))),
        };
        if let Msg::Resize(width, height) = message {
            shell.screen.resize((width, height));
        }
        shell.model.now = now();
        match &message {
            Msg::Key(_) | Msg::Paste(_) => pacer.pressed(),
            Msg::Events(batch) => {
                shell.opened(batch);
                if leaving.is_some() {
                    batch.iter().filter_map(|event| to_its_end(&event.kind)).for_each(|command| shell.ask(command));
                }
            }
            _ => {}
        }
        let effects = update(&mut shell.model, message);
        for effect in effects {
            if let Effect::Leave = effect {
                return Ok(leaving.map_or(Exit::Left, |(number, _)| Exit::Signal(number)));
            }
            if leaving.is_none() {
                shell.carry_out(effect)?;
            }
        }
        if let Some(publisher) = &mut shell.publisher {
            publisher.publish(&shell.model.progress);
        }
        pacer.changed();
        // A key is answered at once: the frame does not wait for another turn of the loop.
        if pacer.is_due(Instant::now()) && shell.lent.is_none() && leaving.is_none() {
            shell.draw()?;
            pacer.drawn(Instant::now());
        }
    }
}

/// After a signal the engine gets this long to close.
pub const GRACE: Duration = Duration::from_secs(5);
const HANGUP: i32 = 1;
/// Events taken in before the keyboard is looked at again.
const BATCH: usize = 256;

struct Shell {
    model: Model,
    screen: Screen,
    requests: UnboundedSender<Request>,
    messages: UnboundedSender<Msg>,
    jobs: Option<std::sync::mpsc::Sender<highlight::Job>>,
    input: Input,
    /// The editor that owns the terminal now, and the file whose text it shall give back.
    lent: Option<(Child, Option<PathBuf>)>,
    editor: Option<String>,
    /// For the second terminal, from when the working directory is there.
    publisher: Option<Publisher>,
    history: History,
}

impl Shell {
    /// Once the engine has opened the working directory, the notes can be published in it.
    fn opened(&mut self, batch: &[Event]) {
        if self.publisher.is_some() || !batch.iter().any(|e| matches!(e.kind, EventKind::Opened { .. })) {
            return;
        }
        self.publisher = Publisher::of(&self.model.options.workdir, self.messages.clone());
    }

    fn draw(&mut self) -> Result<(), Problem> {
        let model = &self.model;
        self.screen.draw(|frame| view(model, frame)).map_err(lost)
    }

    fn carry_out(&mut self, effect: Effect) -> Result<(), Problem> {
        match effect {
            // The engine may be gone; its last event says so.
            Effect::Send(request) => drop(self.requests.send(request)),
            Effect::Colour(job) => drop(self.jobs.as_ref().map(|jobs| jobs.send(job))),
            Effect::Copy(text) => self.copy(&text).map_err(lost)?,
            Effect::EditText(text) => match temporary(&text) {
                Ok(file) => self.lend(&file.clone(), 1, Some(file))?,
                Err(error) => self.tell(format!("The editor could not be given the text: {error}")),
            },
            Effect::EditFile { path, line } => self.lend(&path, line, None)?,
            Effect::Remember(text) => self.history.add(&text),
            Effect::Suspend => {
                self.input.close();
                terminal::restore();
                terminal::stop();
                self.regain()?;
            }
            Effect::Redraw => self.screen.draw_anew(),
            Effect::Leave => {}
        }
        Ok(())
    }

    fn tell(&self, text: String) {
        let _ = self.messages.send(Msg::Told { text, bad: true });
    }

    /// OSC 52: the terminal puts it on the clipboard, through ssh as well.
    fn copy(&mut self, text: &str) -> io::Result<()> {
        use io::Write;
        let encoded = base64::engine::general_purpose::STANDARD.encode(text);
        let mut out = io::stdout();
        write!(out, "\x1b]52;c;{encoded}\x07")?;
        out.flush()
    }

    fn lend(&mut self, path: &Path, line: usize, text_of: Option<PathBuf>) -> Result<(), Problem> {
        let editor = self.editor.clone().unwrap_or_else(|| EDITOR.to_owned());
        self.input.close();
        terminal::restore();
        let child = Process::new("sh")
            .arg("-c")
            .arg(format!("exec {editor} \"$@\""))
            .arg(&editor)
            .args(editor_arguments(&editor, path, line))
            .stdin(Stdio::inherit())
            .stdout(Stdio::inherit())
            .stderr(Stdio::inherit())
            .spawn();
        match child {
            Ok(child) => self.lent = Some((child, text_of)),
            Err(error) => {
                if let Some(file) = text_of {
                    // A left-over in the temporary directory harms nobody.
                    let _ = std::fs::remove_file(file);
                }
                self.screen.reclaim().map_err(lost)?;
                self.input = Input::open();
                self.tell(format!("{editor} could not be started: {error}"));
            }
        }
        Ok(())
    }

    /// The terminal is ours again, perhaps in another size.
    fn regain(&mut self) -> Result<(), Problem> {
        self.screen.reclaim().map_err(lost)?;
        self.input = Input::open();
        let (width, height) = self.screen.size();
        let _ = self.messages.send(Msg::Resize(width, height));
        Ok(())
    }

    /// The editor has ended.
    fn take_back(&mut self, ended: (io::Result<std::process::ExitStatus>, Option<PathBuf>)) -> Result<Msg, Problem> {
        self.lent = None;
        self.regain()?;
        let (status, file) = ended;
        let unused = if file.is_some() { "; nothing was taken over" } else { "" };
        let text = file.as_ref().map(std::fs::read_to_string).transpose();
        if let Some(file) = file {
            // A left-over in the temporary directory harms nobody.
            let _ = std::fs::remove_file(file);
        }
        let not_run = status.as_ref().ok().and_then(|status| text::not_run(status.code()));
        Ok(Msg::Edited(match (status, text) {
            (Ok(_), _) if let Some(why) = not_run => {
                let editor = self.editor.as_deref().unwrap_or(EDITOR);
                Err(format!("{editor} {why}; set VISUAL or EDITOR to one you have"))
            }
            (Ok(status), _) if !status.success() => Err(format!("The editor ended with {status}{unused}")),
            (Ok(_), Ok(text)) => Ok(text),
            (Err(error), _) | (_, Err(error)) => Err(format!("The editor's text could not be read: {error}")),
        }))
    }

    /// After a signal: what runs in the cloud may go on, everything else ends, in order.
    fn close_for_good(&mut self) {
        let running = self.model.progress.running.as_ref().and_then(|step| self.model.step_of(step));
        let deploy = running.is_some_and(|step| matches!(step.action, StepAction::Deploy(_)));
        // Checks may run without a step. With nothing that runs, the one is refused and the other does it.
        self.ask(if deploy { Command::Detach } else { Command::Cancel });
        self.ask(Command::Quit);
        self.model.closing = Some(now());
    }

    fn ask(&mut self, command: Command) {
        // The engine may be gone; the end of its events says so.
        let _ = self.requests.send(self.model.requests.make(command));
    }
}

/// What is still to be asked of an engine that shall end, after it has told this: it refuses to quit while something
/// runs, and to let go of a deploy that has not reached the cloud.
pub fn to_its_end(told: &EventKind) -> Option<Command> {
    match told {
        EventKind::Done { command: CommandKind::Run | CommandKind::Check, .. } => Some(Command::Quit),
        EventKind::Refused { because: Refusal::NotInTheCloud, .. } => Some(Command::Cancel),
        _ => None,
    }
}

pub fn lost(error: io::Error) -> Problem {
    Problem::environment(format!("the terminal is gone: {error}"))
}

pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

async fn sleep(for_a_while: Option<Duration>) {
    match for_a_while {
        Some(duration) => tokio::time::sleep(duration).await,
        None => std::future::pending().await,
    }
}

pub async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

async fn wait(lent: &mut Option<(Child, Option<PathBuf>)>) -> (io::Result<std::process::ExitStatus>, Option<PathBuf>) {
    match lent {
        Some((child, file)) => (child.wait().await, file.clone()),
        None => std::future::pending().await,
    }
}

fn ctrl_c() -> crossterm::event::KeyEvent {
    use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
    KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL)
}

pub enum Caught {
    /// The program shall end.
    End(i32),
    Interrupt,
    /// Continued after a stop that we did not make ourselves.
    Continue,
}

pub struct Signals {
    term: Signal,
    hup: Signal,
    int: Signal,
    cont: Signal,
}

impl Signals {
    pub fn listen() -> io::Result<Signals> {
        Ok(Signals {
            term: signal(SignalKind::terminate())?,
            hup: signal(SignalKind::hangup())?,
            int: signal(SignalKind::interrupt())?,
            cont: signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?,
        })
    }

    pub async fn next(&mut self) -> Caught {
        tokio::select! {
            _ = self.term.recv() => Caught::End(SignalKind::terminate().as_raw_value()),
            _ = self.hup.recv() => Caught::End(SignalKind::hangup().as_raw_value()),
            _ = self.int.recv() => Caught::Interrupt,
            _ = self.cont.recv() => Caught::Continue,
        }
    }
}

/// How editors are told the line to stand on.
fn editor_arguments(editor: &str, path: &Path, line: usize) -> Vec<std::ffi::OsString> {
    let program = editor.split_whitespace().next().unwrap_or_default();
    let name = Path::new(program).file_name().and_then(|n| n.to_str()).unwrap_or_default();
    match name {
        "vi" | "vim" | "nvim" | "view" | "nano" | "emacs" | "emacsclient" | "micro" | "kak" | "joe" | "ed" | "mg" => {
            vec![format!("+{line}").into(), path.into()]
        }
        "hx" | "helix" | "zed" | "subl" => vec![with_line(path, line)],
        "code" | "codium" | "cursor" => vec!["--goto".into(), with_line(path, line)],
        _ => vec![path.into()],
    }
}

fn with_line(path: &Path, line: usize) -> std::ffi::OsString {
    let mut out = path.as_os_str().to_owned();
    out.push(format!(":{line}"));
    out
}

/// A file only we can read: what is typed may be nobody else's business.
fn temporary(text: &str) -> io::Result<PathBuf> {
    use io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let unique = now() ^ (u64::from(std::process::id()) << 32);
    let path = std::env::temp_dir().join(format!("workshop-{unique:x}.sql"));
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
    file.write_all(text.as_bytes())?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn editors_are_told_the_line_in_their_own_way() {
        let of = |editor| editor_arguments(editor, Path::new("a.ts"), 7);
        assert_eq!(of("/usr/bin/vim -u NONE"), ["+7", "a.ts"]);
        assert_eq!(of("hx"), ["a.ts:7"]);
        assert_eq!(of("code --wait"), ["--goto", "a.ts:7"]);
        assert_eq!(of("myeditor"), ["a.ts"]);
    }
}
