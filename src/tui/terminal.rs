//! The terminal: claimed, drawn on, lent, given back.
//!
//! Invariant: however the program ends (return, error, panic, signal, stop), the terminal is as it was:
//! [`restore`] undoes every mode, may be called any number of times, and carries on after an error.

use std::cell::{Ref, RefCell};
use std::io::{self, IsTerminal, Write};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crossterm::event::{
    DisableBracketedPaste, DisableFocusChange, DisableMouseCapture, EnableBracketedPaste, EnableFocusChange,
};
use crossterm::terminal::{BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen};
use crossterm::{cursor, execute, queue, style, terminal};
use ratatui::backend::{Backend, CrosstermBackend};
use ratatui::layout::Rect;
use ratatui::{Frame, Terminal, TerminalOptions, Viewport};

use super::recording::Recording;
use workshop_base::problem::Problem;

/// True while the modes are set. A panic hook has nothing else to look at.
static CLAIMED: AtomicBool = AtomicBool::new(false);

/// Progress was drawn on the window's tab: it is to be taken away at the end.
static PROGRESS: AtomicBool = AtomicBool::new(false);

/// The claimed terminal; dropping it restores.
pub struct Screen {
    canvas: Canvas,
    /// The recording that is being made, and when it began.
    recording: Option<(Recording, Instant)>,
    /// Why it has ended before the screen, until that is told.
    recording_ended: Option<io::Error>,
}

/// Frames as the bytes that make a terminal show them.
pub struct Canvas {
    terminal: Terminal<CrosstermBackend<Page>>,
    page: Page,
    size: (u16, u16),
    /// Draw every cell at the next frame.
    anew: bool,
    /// The bytes that end the cells of every frame.
    reset: Vec<u8>,
    /// The bytes of the last frame about the cursor.
    cursor: Vec<u8>,
}

/// A frame's bytes until it is whole: the terminal gets it at once, or nothing when nothing on it has changed.
#[derive(Clone, Default)]
struct Page(Rc<RefCell<Vec<u8>>>);

impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Refuses when there is nobody to draw for.
///
/// # Errors
/// When standard input or output is no terminal: usage, with the ways that need none.
pub fn require_terminal() -> Result<(), Problem> {
    if io::stdin().is_terminal() && io::stdout().is_terminal() {
        return Ok(());
    }
    Err(Problem::usage("the workshop's screen needs a terminal for its input and its output")
        .hint("use --plain for lines that can be piped and read aloud, or --check to run without anybody"))
}

/// Makes a problem of an error of the terminal: it is gone.
pub fn lost(error: io::Error) -> Problem {
    Problem::environment(format!("the terminal is gone: {error}"))
}

impl Canvas {
    /// Makes a canvas of this many columns and rows; nothing is written to a terminal.
    ///
    /// # Errors
    /// Those of the backend; a buffer has none.
    pub fn new(size: (u16, u16)) -> io::Result<Canvas> {
        let options = TerminalOptions { viewport: Viewport::Fixed(area(size)) };
        let page = Page::default();
        let terminal = Terminal::with_options(CrosstermBackend::new(page.clone()), options)?;
        let mut reset = Vec::new();
        CrosstermBackend::new(&mut reset).draw(std::iter::empty())?;
        Ok(Canvas { terminal, page, size, anew: false, reset, cursor: Vec::new() })
    }

    /// The next frame has this size.
    pub fn resize(&mut self, size: (u16, u16)) {
        self.anew |= size != self.size;
        self.size = size;
    }

    /// One frame, in one piece, shown at once by terminals that know how; nothing when it is the last one again.
    ///
    /// # Errors
    /// Those of the backend; a buffer has none.
    pub fn frame(&mut self, view: impl FnOnce(&mut Frame<'_>)) -> io::Result<Ref<'_, [u8]>> {
        self.page.0.borrow_mut().clear();
        queue!(self.page, BeginSynchronizedUpdate)?;
        let begin = self.page.0.borrow().len();
        let anew = std::mem::take(&mut self.anew);
        if anew {
            self.terminal.resize(area(self.size))?;
        }
        self.terminal.draw(view)?;
        let mut page = self.page.0.borrow_mut();
        let frame = &page[begin..];
        let cells = frame.windows(self.reset.len()).rposition(|part| part == self.reset).unwrap_or(frame.len());
        let cursor = frame.get(cells + self.reset.len()..).unwrap_or_default();
        if cells == 0 && !anew && cursor == self.cursor {
            page.clear();
        } else {
            self.cursor = cursor.to_vec();
            queue!(page, EndSynchronizedUpdate)?;
        }
        drop(page);
        Ok(Ref::map(self.page.0.borrow(), Vec::as_slice))
    }
}

impl Screen {
    /// Sets the modes of the terminal and takes its size.
    ///
    /// # Errors
    /// When the terminal refuses a mode or is gone; then it is as it was.
    pub fn claim() -> io::Result<Screen> {
        set_modes()?;
        chain_panic_hook();
        let canvas = Canvas::new(terminal::size().unwrap_or((80, 24)));
        canvas.map(Screen::on).inspect_err(|_| restore())
    }

    fn on(canvas: Canvas) -> Screen {
        Screen { canvas, recording: None, recording_ended: None }
    }

    /// Takes why the recording has ended, once; None while it goes on, and where there is none.
    pub fn recording_ended(&mut self) -> Option<io::Error> {
        self.recording_ended.take()
    }

    /// Returns the columns and rows of the next frame.
    pub fn size(&self) -> (u16, u16) {
        self.canvas.size
    }

    /// The next frame has this size.
    pub fn resize(&mut self, size: (u16, u16)) {
        self.canvas.resize(size);
    }

    /// Draws every cell at the next frame, whatever is thought to be there.
    pub fn draw_anew(&mut self) {
        self.canvas.anew = true;
    }

    /// Shows a frame.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn draw(&mut self, view: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        let size = self.canvas.size;
        let frame = self.canvas.frame(view)?;
        if frame.is_empty() {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        out.write_all(&frame)?;
        out.flush()?;
        let kept = self.recording.as_mut().map(|(to, begun)| to.frame(begun.elapsed(), size, &frame));
        drop(frame);
        self.kept(kept);
        Ok(())
    }

    /// Marks the part of the recording that begins now, if there is a recording and this is another part than the last.
    pub fn mark(&mut self, label: impl FnOnce() -> String) {
        let kept = self.recording.as_mut().map(|(to, begun)| to.mark(begun.elapsed(), &label()));
        self.kept(kept);
    }

    fn kept(&mut self, kept: Option<io::Result<()>>) {
        if let Some(Err(error)) = kept {
            // The talk goes on; what was recorded until here stays.
            tracing::warn!("the recording ends here: {error}");
            (self.recording, self.recording_ended) = (None, Some(error));
        }
    }

    /// Records every frame from now on; `at` is now in seconds since 1970-01-01 UTC.
    ///
    /// # Errors
    /// When the recording cannot be begun.
    pub fn record(&mut self, to: Box<dyn Write + Send>, title: &str, at: u64) -> io::Result<()> {
        self.recording = Some((Recording::begin(to, self.canvas.size, title, at)?, Instant::now()));
        Ok(())
    }

    /// Sets the modes again after the terminal was lent or the program was stopped.
    ///
    /// # Errors
    /// When the terminal refuses a mode or is gone.
    pub fn reclaim(&mut self) -> io::Result<()> {
        set_modes()?;
        // What was typed for the other program is not for us.
        let _ = rustix::termios::tcflush(io::stdin(), rustix::termios::QueueSelector::IFlush);
        self.modes_again()
    }

    /// After a stop, which may have been our own: then what was typed since is for us.
    ///
    /// # Errors
    /// When the terminal refuses a mode or is gone.
    pub fn modes_again(&mut self) -> io::Result<()> {
        set_modes()?;
        self.canvas.size = terminal::size().unwrap_or(self.canvas.size);
        self.canvas.anew = true;
        Ok(())
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
    }
}

fn area((width, height): (u16, u16)) -> Rect {
    Rect::new(0, 0, width, height)
}

fn set_modes() -> io::Result<()> {
    // We decide about colour ourselves (`theme::Looks`): crossterm would drop it half-heartedly.
    style::force_color_output(true);
    terminal::enable_raw_mode()?;
    // After a stop that was not our own it is ours still, and so is the title that stands there.
    let was_claimed = CLAIMED.swap(true, Ordering::SeqCst);
    let mut out = io::stdout();
    let entered = execute!(out, EnterAlternateScreen, cursor::Hide);
    // Whoever was killed has left the terminal in the other screen, which is not empty then when it is entered.
    let _ = execute!(out, style::ResetColor, terminal::Clear(terminal::ClearType::All));
    // A terminal without bracketed paste is still a terminal.
    let _ = execute!(out, EnableBracketedPaste, EnableFocusChange);
    if !was_claimed {
        // The title that stands there comes back at the end.
        let _ = out.write_all(SAVE_TITLE).and_then(|()| out.flush());
    }
    if entered.is_err() {
        restore();
    }
    entered
}

/// XTWINOPS 22 and 23: the window's title is put on a stack and taken from it.
const SAVE_TITLE: &[u8] = b"\x1b[22;2t";
const RESTORE_TITLE: &[u8] = b"\x1b[23;2t";
/// OSC 11: what is the background?
const ASK_BACKGROUND: &[u8] = b"\x1b]11;?\x1b\\";
/// Presses, releases, the wheel, and where the pointer goes while a button is down, in the spelling that has no limits.
const MOUSE: &[u8] = b"\x1b[?1002h\x1b[?1006h";

/// Remembers that the window's tab shows progress.
pub fn shows_progress() {
    PROGRESS.store(true, Ordering::SeqCst);
}

/// OSC 9;4;0: no progress.
const NO_PROGRESS: &[u8] = b"\x1b]9;4;0\x1b\\";

/// Asks the terminal for its background; the answer comes as input, or not at all.
///
/// # Errors
/// When the terminal is gone.
pub fn ask_background() -> io::Result<()> {
    say(ASK_BACKGROUND)
}

/// Takes the mouse, or gives it back.
///
/// # Errors
/// When the terminal is gone.
pub fn use_mouse(wanted: bool) -> io::Result<()> {
    match wanted {
        true => say(MOUSE),
        false => execute!(io::stdout(), DisableMouseCapture),
    }
}

/// Writes a sequence that draws nothing.
///
/// # Errors
/// When the terminal is gone.
pub fn say(sequence: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(sequence)?;
    out.flush()
}

/// Gives the terminal back. Raw mode goes first: if anything fails, the shell must be able to type.
pub fn restore() {
    if !CLAIMED.swap(false, Ordering::SeqCst) {
        return;
    }
    let _ = terminal::disable_raw_mode();
    let mut out = io::stdout();
    let _ = queue!(out, EndSynchronizedUpdate);
    let _ = queue!(out, DisableMouseCapture);
    let _ = queue!(out, DisableFocusChange);
    let _ = queue!(out, DisableBracketedPaste);
    let _ = out.write_all(RESTORE_TITLE);
    if PROGRESS.swap(false, Ordering::SeqCst) {
        let _ = out.write_all(NO_PROGRESS);
    }
    let _ = queue!(out, LeaveAlternateScreen);
    let _ = queue!(out, cursor::Show);
    let _ = out.flush();
}

/// A panic of the thread that draws gives the terminal back before it is reported. One of another thread
/// must not scribble over the screen: it goes to the log.
fn chain_panic_hook() {
    static CHAINED: AtomicBool = AtomicBool::new(false);
    if CHAINED.swap(true, Ordering::SeqCst) {
        return;
    }
    let drawing = std::thread::current().id();
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let ours = std::thread::current().id() == drawing;
        if ours || !CLAIMED.load(Ordering::SeqCst) {
            restore();
            before(info);
        } else {
            tracing::error!("{info}");
        }
    }));
}

/// Tells whether somebody could let the program go on after a stop: nobody continues the leader of a session.
pub fn can_stop() -> bool {
    !rustix::process::getsid(None).is_ok_and(|leader| leader == rustix::process::getpid())
}

/// Stops the program, as ctrl-z does; returns when it goes on. Restore before, reclaim after.
pub fn stop() {
    if !can_stop() {
        return;
    }
    let _ = rustix::process::kill_current_process_group(rustix::process::Signal::STOP);
    // Another thread may take the signal: this one must not set the modes again in the moment before all
    // are stopped. The rest of the pause passes after the program goes on.
    std::thread::sleep(Duration::from_millis(50));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk with room for so many bytes.
    struct Disk(usize);

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_recording_that_finds_no_room_ends_and_says_why_once() {
        let mut screen = Screen::on(Canvas::new((80, 24)).unwrap());
        screen.record(Box::new(Disk(300)), "talk", 0).unwrap();
        screen.mark(|| "1.1".to_owned());
        assert!(screen.recording_ended().is_none());
        (0..20).for_each(|step| screen.mark(|| format!("1.{step} A step with a title")));
        assert_eq!(screen.recording_ended().map(|error| error.kind()), Some(io::ErrorKind::StorageFull));
        screen.mark(|| "2.1".to_owned());
        assert!(screen.recording_ended().is_none());
    }
}
