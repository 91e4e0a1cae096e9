//! The second terminal's loop: follow the socket, draw, and come back when the first one does.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyModifiers};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::UnixStream;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::screen::{Notes, view};
use super::socket::Published;
use crate::tui::bindings::Keymap;
use crate::tui::frame::Pacer;
use crate::tui::input::Input;
use crate::tui::leaving::Exit;
use crate::tui::model::Msg;
use crate::tui::signals::{Caught, Signals};
use crate::tui::terminal::{self, Screen, lost};
use crate::tui::theme::Looks;
use crate::tui::timer::{now, sleep_until};
use workshop_base::problem::Problem;
use workshop_course::lesson::model::Course;

pub struct NotesConfig {
    pub course: Arc<Course>,
    pub workdir: PathBuf,
    pub looks: Looks,
    /// Identities are hidden from the beginning.
    pub redact: bool,
    /// The keys that the first terminal has.
    pub keymap: Keymap,
}

/// News from the socket.
enum Heard {
    State(Box<Published>),
    Silence,
}

/// Between two attempts to reach the first terminal.
const AGAIN: Duration = Duration::from_secs(1);

/// Shows the notes until it is left.
///
/// # Errors
/// When there is no terminal, it is gone, or the path of the socket is too long for one.
pub async fn run(setup: NotesConfig) -> Result<Exit, Problem> {
    terminal::require_terminal()?;
    let socket = super::socket::path_in(&setup.workdir);
    std::os::unix::net::SocketAddr::from_pathname(&socket).map_err(|_| too_long(&socket))?;
    let mut signals = Signals::listen().map_err(lost)?;
    let mut screen = Screen::claim().map_err(lost)?;
    let mut notes = Notes::new(setup.course, setup.workdir.clone(), setup.looks, screen.size(), now());
    screen.draw(|frame| view(&notes, frame)).map_err(lost)?;
    notes.utc_offset = jiff::Zoned::now().offset().seconds();
    (notes.redact, notes.keymap) = (setup.redact, setup.keymap);
    if setup.looks.asks_backdrop {
        terminal::ask_background().map_err(lost)?;
    }
    let mut input = Input::open().map_err(lost)?;
    let (sender, mut heard) = unbounded_channel();
    let listening = tokio::spawn(listen(socket, sender));
    let mut pacer = Pacer::default();
    let exit = loop {
        let frame = pacer.due(Instant::now());
        // Here the seconds count.
        let tick = Duration::from_millis(1000 - now() % 1000);
        tokio::select! {
            biased;
            caught = signals.next() => match caught {
                Caught::End(number) => break Exit::Signal(number),
                Caught::Interrupt => break Exit::Left,
                Caught::Continue => screen.modes_again().map_err(lost)?,
                Caught::Stop => suspend(&mut screen, &mut input)?,
            },
            message = input.next() => match message {
                None => break Exit::Signal(1),
                Some(Msg::Resize(width, height)) => {
                    screen.resize((width, height));
                }
                Some(Msg::Key(key)) => {
                    let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
                    match key.code {
                        KeyCode::Char('q') | KeyCode::Esc => break Exit::Left,
                        KeyCode::Char('c') if ctrl => break Exit::Left,
                        KeyCode::Char('z') if ctrl => {
                            suspend(&mut screen, &mut input)?;
                        }
                        KeyCode::Char('l') if ctrl => screen.draw_anew(),
                        KeyCode::Char('x') => notes.redact = !notes.redact,
                        KeyCode::Down | KeyCode::Char('j') => notes.scroll(1),
                        KeyCode::Up | KeyCode::Char('k') => notes.scroll(-1),
                        KeyCode::PageDown | KeyCode::Char(' ') => notes.scroll(notes.page()),
                        KeyCode::PageUp => notes.scroll(-notes.page()),
                        _ => {}
                    }
                }
                Some(Msg::Background(rgb)) => notes.stand_on(rgb),
                Some(_) => {}
            },
            () = sleep_until(frame) => {
                screen.draw(|frame| view(&notes, frame)).map_err(lost)?;
                pacer.drawn(Instant::now());
                continue;
            }
            Some(heard) = heard.recv() => match heard {
                Heard::State(published) => notes.take(*published),
                Heard::Silence => notes.silent(),
            },
            () = tokio::time::sleep(tick) => {}
        }
        notes.size = screen.size();
        notes.now = now();
        pacer.changed();
    };
    listening.abort();
    Ok(exit)
}

/// Gives the terminal back and stops; goes on when the shell says so.
fn suspend(screen: &mut Screen, input: &mut Input) -> Result<(), Problem> {
    input.close();
    terminal::restore();
    terminal::stop();
    screen.reclaim().map_err(lost)?;
    *input = Input::open().map_err(lost)?;
    Ok(())
}

fn too_long(socket: &Path) -> Problem {
    let length = socket.as_os_str().len();
    Problem::usage(format!(
        "the path of the notes' socket is too long for a socket, {length} bytes: {}",
        socket.display()
    ))
    .hint("use a working directory with a shorter path; --workdir says which")
}

/// Follows the socket, for ever.
async fn listen(socket: PathBuf, heard: UnboundedSender<Heard>) {
    loop {
        // However it ended, the answer is the same: try again.
        let _ = follow(&socket, &heard).await;
        if heard.send(Heard::Silence).is_err() {
            return;
        }
        tokio::time::sleep(AGAIN).await;
    }
}

async fn follow(socket: &Path, heard: &UnboundedSender<Heard>) -> std::io::Result<()> {
    let stream = UnixStream::connect(socket).await?;
    let mut lines = BufReader::new(stream).lines();
    while let Some(line) = lines.next_line().await? {
        let published = serde_json::from_str(&line)?;
        if heard.send(Heard::State(Box::new(published))).is_err() {
            break;
        }
    }
    Ok(())
}
