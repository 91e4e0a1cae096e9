//! The loop around `update` and `view`, and the effects.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tokio::process::{Child, Command as Process};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::clipboard::{self, Clipboard};
use super::config::ScreenConfig;
use super::desktop::Desktop;
use super::frame::Pacer;
use super::highlight;
use super::images::{ImageProtocol, ImageShow};
use super::input::Input;
use super::leaving::{Exit, GRACE, to_its_end};
use super::model::{Effect, Model, Msg, ScreenOptions};
use super::notes::publish::Publisher;
use super::own_files::write_take_home;
use super::own_shell::{self, ShellTarget};
use super::present::window;
use super::settings::KeptSettings;
use super::signals::{Caught, Signals, ctrl_c};
use super::terminal::{self, Screen, lost};
use super::timer::{now, received, sleep, sleep_until};
use super::update::{arrange, update};
use super::user_editor::{EDITOR, editor_arguments, temporary};
use super::view::{marked_text, view};
use workshop_base::private_dir::{OURS, PrivateDir};
use workshop_base::problem::Problem;
use workshop_base::text;
use workshop_course::lesson::model::StepAction;
use workshop_engine::command::{Command, Request};
use workshop_engine::event::{Event, EventKind};
use workshop_psql::history::{self, History};

/// Draws the workshop until it is left. The first frame does not wait for anything but the course.
///
/// # Errors
/// When there is no terminal, or it is gone in the middle of a frame.
pub async fn run(setup: ScreenConfig) -> Result<Exit, Problem> {
    terminal::require_terminal()?;
    let ScreenConfig { course, uses, mut whole, first_frame, requests, mut events, workdir, looks, .. } = setup;
    let ScreenConfig { editor, redact, shell_target, standby_shell, user, recording, .. } = setup;
    let looks = user.dress(looks);
    // Before the terminal is claimed: a signal must never find it claimed and nobody listening.
    let mut signals = Signals::listen().map_err(lost)?;
    let mut screen = Screen::claim().map_err(lost)?;
    if let Some(to) = recording {
        screen.record(to, &course.title, now() / 1000).map_err(|e| {
            Problem::usage(format!("the recording cannot be written: {e}")).hint("name a file on a disk with room")
        })?;
    }
    let (settings, kept_settings) = KeptSettings::open(&workdir, user.settings, redact);
    let options = ScreenOptions {
        looks,
        workdir: workdir.clone(),
        utc_offset: 0,
        history: Vec::new(),
        settings,
        keymap: user.keymap,
        vi: user.vi,
    };
    let mut model = Model::new(course, options, screen.size(), now());
    model.use_panels(uses);
    arrange(&mut model);
    let (messages, mut inbox) = unbounded_channel();
    let mut shell = ScreenLoop {
        model,
        screen,
        requests,
        messages,
        jobs: None,
        input: Input::default(),
        child_on_terminal: None,
        editor,
        publisher: None,
        history: History::default(),
        kept_settings,
        clipboard: Clipboard::from_environment(|name| std::env::var(name).ok()),
        copying: tokio::task::JoinSet::new(),
        desktop: Desktop::from_environment(|name| std::env::var(name).ok()),
        shell_target,
        standby_shell,
        images: ImageShow::new(ImageProtocol::from_environment(|name| std::env::var(name).ok())),
    };
    shell.draw()?;

    // What takes time comes after the first frame.
    if let Some(first_frame) = first_frame {
        let _ = first_frame.send(());
    }
    if looks.asks_backdrop {
        terminal::ask_background().map_err(lost)?;
    }
    shell.claim_extras()?;
    shell.input = Input::open().map_err(lost)?;
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
        let free = shell.child_on_terminal.is_none() && !shell.images.has_screen();
        let frame = pacer.due(Instant::now()).filter(|_| free);
        let message = tokio::select! {
            biased;
            signal = signals.next() => match signal {
                Caught::End(number) => {
                    leaving = Some((number, Instant::now()));
                    shell.close_for_good();
                    terminal::restore();
                    continue;
                }
                Caught::Stop => {
                    if shell.child_on_terminal.is_none() && leaving.is_none() {
                        shell.suspend()?;
                        pacer.changed();
                    }
                    continue;
                }
                Caught::Interrupt if shell.child_on_terminal.is_none() => Msg::Key(ctrl_c()),
                Caught::Interrupt => continue,
                Caught::Continue => {
                    if shell.child_on_terminal.is_none() && leaving.is_none() {
                        shell.screen.modes_again().map_err(lost)?;
                        shell.claim_extras()?;
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
            // Before what is told of it.
            course = received(&mut whole) => Msg::Course(course),
            status = wait(&mut shell.child_on_terminal) => shell.take_back(status)?,
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
        if matches!(message, Msg::Key(_)) && shell.images.has_screen() {
            shell.images.go_on(&mut shell.screen, &shell.messages).map_err(lost)?;
            pacer.changed();
            continue;
        }
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
            publisher.publish(&shell.model.progress, shell.model.settings.clock);
        }
        pacer.changed();
        // A key is answered at once: the frame does not wait for another turn of the loop.
        let free = shell.child_on_terminal.is_none() && !shell.images.has_screen();
        if pacer.is_due(Instant::now()) && free && leaving.is_none() {
            shell.draw()?;
            pacer.drawn(Instant::now());
        }
    }
}

const HANGUP: i32 = 1;
/// Events taken in before the keyboard is looked at again.
const BATCH: usize = 256;

/// A child that owns the terminal for as long as it runs.
#[derive(Debug, Clone)]
enum OnTerminal {
    /// The editor, and the file whose text it shall give back.
    Editor(Option<PathBuf>),
    /// The learner's shell, or what opens it in a pane of its own.
    Shell { is_beside: bool },
}

struct ScreenLoop {
    model: Model,
    screen: Screen,
    requests: UnboundedSender<Request>,
    messages: UnboundedSender<Msg>,
    jobs: Option<std::sync::mpsc::Sender<highlight::HighlightJob>>,
    input: Input,
    child_on_terminal: Option<(Child, OnTerminal)>,
    editor: Option<String>,
    /// For the second terminal, from when the working directory is there.
    publisher: Option<Publisher>,
    history: History,
    kept_settings: KeptSettings,
    clipboard: Clipboard,
    /// Texts on their way to the multiplexer.
    copying: tokio::task::JoinSet<()>,
    desktop: Desktop,
    shell_target: ShellTarget,
    standby_shell: Option<ShellTarget>,
    images: ImageShow,
}

impl ScreenLoop {
    /// Once the engine has opened the working directory, the notes can be published in it.
    fn opened(&mut self, batch: &[Event]) {
        if self.publisher.is_some() || !batch.iter().any(|e| matches!(e.kind, EventKind::Opened { .. })) {
            return;
        }
        self.kept_settings.opened(&self.model.options.workdir, self.model.settings);
        self.publisher = Publisher::of(&self.model.options.workdir, self.messages.clone());
    }

    /// Draws a frame of the model, which has the screen's size by then, whoever was told of a new one first.
    fn draw(&mut self) -> Result<(), Problem> {
        let (width, height) = self.screen.size();
        if self.model.size != (width, height) {
            for effect in update(&mut self.model, Msg::Resize(width, height)) {
                self.carry_out(effect)?;
            }
        }
        let model = &self.model;
        self.screen.mark(|| window::step_name(model));
        self.screen.draw(|frame| view(model, frame)).map_err(lost)?;
        if let Some(error) = self.screen.recording_ended() {
            self.tell(format!("The recording ends here, and what is recorded until now stays: {error}"));
        }
        Ok(())
    }

    fn carry_out(&mut self, effect: Effect) -> Result<(), Problem> {
        match effect {
            // The engine may be gone; its last event says so.
            Effect::Send(request) => drop(self.requests.send(request)),
            Effect::Colour(job) => drop(self.jobs.as_ref().map(|jobs| jobs.send(job))),
            Effect::Copy(text) => self.copy(text).map_err(lost)?,
            Effect::CopyMarked(marked) => self.copy(marked_text(&self.model, &marked)).map_err(lost)?,
            Effect::Keep(settings) => self.kept_settings.keep(&self.model.options.workdir, settings),
            Effect::EditText(text) => match temporary(&text) {
                Ok(file) => self.suspend_for_child(&file.clone(), 1, Some(file))?,
                Err(error) => self.tell(format!("The editor could not be given the text: {error}")),
            },
            Effect::EditFile { path, line } => self.suspend_for_child(&path, line, None)?,
            Effect::Remember(text) => self.history.add(&text),
            Effect::Suspend => self.suspend()?,
            Effect::Window(state) => {
                if self.desktop.progress {
                    terminal::shows_progress();
                }
                terminal::say(&self.desktop.window(&state)).map_err(lost)?;
            }
            Effect::Announce(text) => terminal::say(&self.desktop.announce(&text)).map_err(lost)?,
            Effect::Mouse(wanted) => terminal::use_mouse(wanted).map_err(lost)?,
            Effect::TakeHome(record) => {
                let (text, bad) = write_take_home(&self.model.options.workdir, &record);
                let _ = self.messages.send(Msg::Told { text, bad });
            }
            Effect::OwnShell => self.open_shell()?,
            Effect::ShowImages(images) => {
                self.images.begin(images);
                self.images.go_on(&mut self.screen, &self.messages).map_err(lost)?;
            }
            Effect::Redraw => self.screen.draw_anew(),
            Effect::Leave => {}
        }
        Ok(())
    }

    fn tell(&self, text: String) {
        let _ = self.messages.send(Msg::Told { text, bad: true });
    }

    fn copy(&mut self, text: String) -> io::Result<()> {
        if self.clipboard != Clipboard::Tmux {
            return self.clipboard.write(&text);
        }
        let messages = self.messages.clone();
        while self.copying.try_join_next().is_some() {}
        self.copying.spawn(async move {
            if let Err(error) = clipboard::to_tmux(text).await {
                let text = format!("tmux did not take it: {error}");
                let _ = messages.send(Msg::Told { text, bad: true });
            }
        });
        Ok(())
    }

    fn suspend_for_child(&mut self, path: &Path, line: usize, text_of: Option<PathBuf>) -> Result<(), Problem> {
        let editor = self.editor.clone().unwrap_or_else(|| EDITOR.to_owned());
        let mut command = Process::new("sh");
        command.arg("-c").arg(format!("exec {editor} \"$@\"")).arg(&editor).args(editor_arguments(&editor, path, line));
        self.give_terminal_to(command, &editor, OnTerminal::Editor(text_of))
    }

    /// The learner's own shell, with the target's environment.
    fn open_shell(&mut self) -> Result<(), Problem> {
        let (shell, program) = (own_shell::shell_of_user(), own_shell::this_program());
        let on_standby = self.model.progress.on_standby;
        let target = self.standby_shell.as_ref().filter(|_| on_standby).unwrap_or(&self.shell_target);
        let opened = own_shell::command(&shell, &program, &self.model.options.workdir, target);
        match opened.map(|command| own_shell::beside(self.clipboard, command, self.model.size, target)) {
            Ok(command) => {
                let is_beside = own_shell::is_beside(&command);
                self.give_terminal_to(command, &shell, OnTerminal::Shell { is_beside })
            }
            Err(error) => {
                self.tell(format!("A shell cannot be set up: {error}"));
                Ok(())
            }
        }
    }

    fn give_terminal_to(&mut self, mut command: Process, name: &str, what: OnTerminal) -> Result<(), Problem> {
        self.input.close();
        terminal::restore();
        if matches!(what, OnTerminal::Shell { is_beside: false }) {
            terminal::say(own_shell::LEADS_BACK.as_bytes()).map_err(lost)?;
        }
        let child = command.stdin(Stdio::inherit()).stdout(Stdio::inherit()).stderr(Stdio::inherit()).spawn();
        match child {
            Ok(child) => self.child_on_terminal = Some((child, what)),
            Err(error) => {
                if let OnTerminal::Editor(Some(file)) = what {
                    // A left-over in the temporary directory harms nobody.
                    let _ = std::fs::remove_file(file);
                }
                self.resume()?;
                self.tell(format!("{name} could not be started: {error}"));
            }
        }
        Ok(())
    }

    /// Gives the terminal back and stops; goes on when the shell says so.
    fn suspend(&mut self) -> Result<(), Problem> {
        if !terminal::can_stop() {
            self.tell("There is no shell below the workshop in this terminal to go back to".to_owned());
            return Ok(());
        }
        self.input.close();
        terminal::restore();
        terminal::stop();
        self.resume()
    }

    /// The terminal is ours again, perhaps in another size.
    fn resume(&mut self) -> Result<(), Problem> {
        self.screen.reclaim().map_err(lost)?;
        self.input = Input::open().map_err(lost)?;
        self.claim_extras()
    }

    /// The mouse, when it is wanted, and the window's title: whoever had the terminal meanwhile had its own.
    fn claim_extras(&mut self) -> Result<(), Problem> {
        if self.model.settings.mouse {
            terminal::use_mouse(true).map_err(lost)?;
        }
        terminal::say(&self.desktop.window(&self.model.window)).map_err(lost)
    }

    /// The child that had the terminal has ended.
    fn take_back(&mut self, (status, what): (io::Result<ExitStatus>, OnTerminal)) -> Result<Msg, Problem> {
        self.child_on_terminal = None;
        self.resume()?;
        let file = match what {
            OnTerminal::Editor(file) => file,
            OnTerminal::Shell { is_beside } => {
                let told = status.ok().and_then(|status| own_shell::trouble(status.code(), is_beside));
                return Ok(told.map_or(Msg::Tick, |text| Msg::Told { text: text.to_owned(), bad: true }));
            }
        };
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

async fn wait(child_on_terminal: &mut Option<(Child, OnTerminal)>) -> (io::Result<ExitStatus>, OnTerminal) {
    match child_on_terminal {
        Some((child, what)) => (child.wait().await, what.clone()),
        None => std::future::pending().await,
    }
}
