//! Programs in a terminal of their own, and how soon what they show is there.

use std::io::Write;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder};

use crate::opened::{Opened, open};

const COLUMNS: u16 = 120;
const ROWS: u16 = 40;
/// Keys pressed for one figure.
const KEYS: usize = 300;
/// A frame is whole when nothing comes for this long; longer than the 16 ms between two frames of the screen.
const QUIET: Duration = Duration::from_millis(25);
/// Set for this program inside the terminal: which panel it shows.
pub const INSIDE: &str = "WORKSHOP_BENCH_INSIDE";

/// A program in a terminal.
pub struct Tty {
    /// When the program was started, and when its newest bytes that were looked at came.
    pub begun: Instant,
    pub newest: Instant,
    writer: Box<dyn Write + Send>,
    output: Receiver<(Instant, Vec<u8>)>,
    parser: vt100::Parser,
    child: Box<dyn Child + Send + Sync>,
    _master: Box<dyn portable_pty::MasterPty + Send>,
    _dir: tempfile::TempDir,
}

impl Tty {
    pub fn start(mut command: CommandBuilder) -> Tty {
        let dir = tempfile::tempdir().unwrap();
        command.cwd(dir.path());
        let Opened { master, writer, output, child, begun } = open(command, ROWS, COLUMNS, &[]);
        let parser = vt100::Parser::new(ROWS, COLUMNS, 0);
        Tty { begun, newest: begun, writer, output, parser, child, _master: master, _dir: dir }
    }

    /// This program again, as the screen with an engine that has already said much.
    pub fn inside(panel: &str) -> Tty {
        let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
        command.env(INSIDE, panel);
        let mut tty = Tty::start(command);
        tty.until(|tty| tty.parser.screen().contents().contains("Outline"));
        tty.settle();
        tty.send(if panel == "log" { "7" } else { "3" });
        let shown = if panel == "log" { "line 9999" } else { "hunk 1 of" };
        tty.until(|tty| tty.parser.screen().contents().contains(shown));
        tty.settle();
        tty
    }

    fn send(&mut self, keys: &str) {
        self.writer.write_all(keys.as_bytes()).unwrap();
        self.writer.flush().unwrap();
    }

    pub fn glyphs(&self) -> usize {
        self.parser.screen().contents().chars().filter(|c| !c.is_whitespace()).count()
    }

    pub fn until(&mut self, holds: impl Fn(&Tty) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !holds(self) {
            assert!(Instant::now() < deadline, "waited in vain:\n{}", self.parser.screen().contents());
            if let Ok((at, bytes)) = self.output.recv_timeout(Duration::from_millis(50)) {
                self.newest = at;
                self.parser.process(&bytes);
            }
        }
    }

    /// Until nothing has come for a while.
    pub fn settle(&mut self) {
        while let Ok((_, bytes)) = self.output.recv_timeout(Duration::from_millis(400)) {
            self.parser.process(&bytes);
        }
    }

    /// Presses the keys in turn; the times from each to the last byte of its frame, in order of length.
    pub fn presses(&mut self, keys: &[&str]) -> Vec<Duration> {
        let mut times = Vec::new();
        for key in keys.iter().cycle().take(KEYS) {
            let pressed = Instant::now();
            self.send(key);
            let mut last = None;
            loop {
                let wait = if last.is_none() { Duration::from_secs(2) } else { QUIET };
                match self.output.recv_timeout(wait) {
                    Ok((at, bytes)) => {
                        last = Some(at);
                        self.parser.process(&bytes);
                    }
                    Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
                }
            }
            times.extend(last.map(|last| last - pressed));
        }
        assert!(times.len() * 10 >= KEYS * 9, "most keys change the screen: {} of {KEYS} did", times.len());
        times.sort_unstable();
        times
    }

    /// Bytes that come in this time.
    pub fn drain_for(&mut self, time: Duration) -> usize {
        let end = Instant::now() + time;
        let mut bytes = 0;
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            bytes += self.output.recv_timeout(left).map_or(0, |(_, bytes)| bytes.len());
        }
        bytes
    }

    /// Processor time of all its threads.
    pub fn cpu(&self) -> Duration {
        let tasks = format!("/proc/{}/task", self.child.process_id().unwrap());
        let of = |task: std::fs::DirEntry| -> Option<u64> {
            std::fs::read_to_string(task.path().join("schedstat")).ok()?.split(' ').next()?.parse().ok()
        };
        let all = std::fs::read_dir(tasks).into_iter().flatten().flatten();
        Duration::from_nanos(all.filter_map(of).sum())
    }

    /// Megabytes of memory in use.
    pub fn resident(&self) -> f64 {
        let status = format!("/proc/{}/status", self.child.process_id().unwrap());
        let text = std::fs::read_to_string(status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().next()).and_then(|n| n.parse::<f64>().ok());
        kilobytes.map_or(f64::NAN, |n| n / 1024.0)
    }
}

impl Drop for Tty {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
