//! A program in a terminal of its own: typed at, watched, waited for.

use std::io::Write;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty};

use super::opened::{Opened, open};

/// Longer than anything takes on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Tty {
    pub master: Box<dyn MasterPty + Send>,
    pub writer: Box<dyn Write + Send>,
    output: Receiver<(Instant, Vec<u8>)>,
    pub parser: vt100::Parser,
    pub raw: Vec<u8>,
    pub child: Box<dyn Child + Send + Sync>,
    pub dir: tempfile::TempDir,
}

impl Tty {
    pub fn start(rows: u16, cols: u16, environment: &[(&str, &str)]) -> Tty {
        let exe = std::env::current_exe().unwrap();
        let mut command = CommandBuilder::new(exe);
        command.args(["pty::child", "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
        Tty::run(command, rows, cols, environment)
    }

    pub fn run(mut command: CommandBuilder, rows: u16, cols: u16, environment: &[(&str, &str)]) -> Tty {
        let dir = tempfile::tempdir().unwrap();
        command.env("WORKSHOP_TEST_DIR", dir.path());
        let Opened { master, writer, output, child, .. } = open(command, rows, cols, environment);
        let parser = vt100::Parser::new(rows, cols, 0);
        Tty { master, writer, output, parser, raw: Vec::new(), child, dir }
    }

    pub fn pid(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_raw(self.child.process_id().unwrap() as i32).unwrap()
    }

    pub fn send(&mut self, keys: &str) {
        self.writer.write_all(keys.as_bytes()).unwrap();
        self.writer.flush().unwrap();
    }

    /// Makes the window this large, for the program and for what is seen of it.
    pub fn resize(&mut self, rows: u16, cols: u16) {
        self.master.resize(portable_pty::PtySize { rows, cols, pixel_width: 0, pixel_height: 0 }).unwrap();
        self.parser.screen_mut().set_size(rows, cols);
    }

    pub fn feed(&mut self, wait: Duration) {
        if let Ok((_, bytes)) = self.output.recv_timeout(wait) {
            self.parser.process(&bytes);
            self.raw.extend(bytes);
        }
    }

    pub fn screen(&self) -> String {
        self.parser.screen().contents()
    }

    #[track_caller]
    pub fn until(&mut self, what: &str, holds: impl Fn(&Tty) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !holds(self) {
            assert!(Instant::now() < deadline, "waited for {what}; the screen:\n{}", self.screen());
            self.feed(Duration::from_millis(50));
        }
    }

    #[track_caller]
    pub fn sees(&mut self, text: &str) {
        self.until(text, |tty| tty.screen().contains(text));
    }

    /// Waits for the end, and that the terminal is as it was.
    #[track_caller]
    pub fn ends(&mut self) {
        let deadline = Instant::now() + PATIENCE;
        while self.child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < deadline, "it does not end; the screen:\n{}", self.screen());
            self.feed(Duration::from_millis(50));
        }
        while let Ok((_, bytes)) = self.output.recv_timeout(Duration::from_millis(300)) {
            self.parser.process(&bytes);
            self.raw.extend(bytes);
        }
        self.is_restored();
    }

    #[track_caller]
    pub fn is_restored(&self) {
        let screen = self.parser.screen();
        assert!(!screen.alternate_screen(), "the alternate screen is left");
        assert!(!screen.bracketed_paste(), "bracketed paste is off");
        assert!(!screen.hide_cursor(), "the cursor is shown");
        assert!(self.is_cooked(), "the terminal is not raw");
    }

    pub fn is_cooked(&self) -> bool {
        self.master.get_termios().is_some_and(|t| {
            let flags = format!("{:?}", t.local_flags);
            flags.contains("ICANON") && flags.contains("ECHO")
        })
    }

    pub fn says(&self, text: &str) -> bool {
        String::from_utf8_lossy(&self.raw).contains(text)
    }
}

impl Drop for Tty {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
