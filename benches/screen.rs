//! The screen: from start to first frame, from key to frame, what it takes when nobody touches it, and differences.
//!
//! `cargo bench --bench screen` runs everything in about a minute, in a terminal of its own of 120x40, beside `vim`,
//! `less` and `git` where they are installed; `-- start`, `keys`, `idle` or `diff` one part of it.
//! Keys are pressed with 10,000 lines in the log and a difference of 2,000 lines open.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on stops where it is")]

mod common;

use std::fmt::Write as _;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command as Process, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use common::{Goal, figure, heading, ms, quantile, sorted_times};
use portable_pty::{Child, CommandBuilder, PtySize, native_pty_system};
use tokio::sync::mpsc::unbounded_channel;
use workshop::code::diff::{FileDiff, diff_file};
use workshop::engine::command::Command;
use workshop::engine::event::{Event, EventKind, Position, Stream};
use workshop::lesson::model::{Action, Course, Target};

const COLUMNS: u16 = 120;
const ROWS: u16 = 40;
/// How often each program is started.
const STARTS: usize = 15;
/// Keys pressed for one figure.
const KEYS: usize = 300;
/// A frame is whole when nothing comes for this long; longer than the 16 ms between two frames of the screen.
const QUIET: Duration = Duration::from_millis(25);
/// Set for the program inside the terminal: which panel it shows.
const INSIDE: &str = "WORKSHOP_BENCH_INSIDE";

fn main() {
    if let Ok(panel) = std::env::var(INSIDE) {
        inside(&panel);
        return;
    }
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let want = |part: &str| wanted.is_empty() || wanted.iter().any(|w| w == part);
    let text = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(text.path(), file(10_000, 0)).unwrap();
    if want("start") {
        start(text.path());
    }
    if want("keys") {
        keys(text.path());
    }
    if want("idle") {
        idle();
    }
    if want("diff") {
        diff();
    }
}

/// Programs that show the text, and how they are left.
fn others(text: &Path) -> Vec<(&'static str, CommandBuilder)> {
    let of = |program: &'static str, arguments: &[&str]| {
        let there = Process::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.arg(text);
        there.is_ok().then_some((program, command))
    };
    [of("vim", &["-u", "NONE", "-N"]), of("less", &[])].into_iter().flatten().collect()
}

fn start(text: &Path) {
    heading("Start to first frame, 120x40");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let home = tempfile::tempdir().unwrap();
    let ours = || {
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_workshop"));
        command.arg("--lessons");
        command.arg(root.join("lessons"));
        command.arg("--snapshots");
        command.arg(root.join("snapshots"));
        command.arg("--workdir");
        command.arg(home.path().join("work"));
        command
    };
    let median = |make: &dyn Fn() -> CommandBuilder| {
        let mut times: Vec<Duration> = (0..STARTS)
            .map(|_| {
                let begun = Instant::now();
                let mut tty = Tty::start(make());
                tty.until(|tty| tty.glyphs() >= 40);
                begun.elapsed()
            })
            .collect();
        times.sort_unstable();
        quantile(&times, 0.5)
    };
    let workshop = ms(median(&ours));
    figure("first frame, median", "ms", workshop, None, &Goal::AtMost(10.0));
    for (name, command) in others(text) {
        let other = ms(median(&|| command.clone()));
        figure("first frame, median", "ms", workshop, Some((name, other)), &Goal::None);
    }
    let mut stop = Process::new(env!("CARGO_BIN_EXE_workshop"));
    stop.args(["sandbox", "stop", "--workdir"]).arg(home.path().join("work"));
    let _ = stop.stdout(Stdio::null()).stderr(Stdio::null()).status();
}

fn keys(text: &Path) {
    heading("Key to whole frame, 10,000 lines of log and a difference of 2,000 lines");
    let mut beside = Vec::new();
    for (name, command) in others(text) {
        let mut tty = Tty::start(command);
        tty.until(|tty| tty.glyphs() >= 40);
        tty.settle();
        beside.push((name, tty.presses(&["j", "k"])));
    }
    let panels = [
        ("scroll the log by a line", "log", ["k", "j"]),
        ("page through the log", "log", ["\x15", "\x04"]),
        ("scroll the difference by a line", "diff", ["j", "k"]),
        ("page through the difference", "diff", ["\x04", "\x15"]),
        ("next and previous hunk", "diff", ["]", "["]),
        ("side by side and back", "diff", ["s", "s"]),
        ("next panel", "diff", ["\t", "\t"]),
    ];
    for (what, panel, keys) in panels {
        let mut tty = Tty::inside(panel);
        let times = tty.presses(&keys);
        figure(&format!("{what}, median"), "ms", ms(quantile(&times, 0.5)), None, &Goal::None);
        let p99 = ms(quantile(&times, 0.99));
        figure(&format!("{what}, p99"), "ms", p99, None, &Goal::AtMost(2.0));
        if what.starts_with("scroll the log") {
            for (name, other) in &beside {
                let other = ms(quantile(other, 0.99));
                figure(&format!("{what}, p99"), "ms", p99, Some((name, other)), &Goal::None);
            }
        }
    }
}

fn idle() {
    heading("Untouched, with 10,000 lines of log and a difference of 2,000 lines");
    const WATCHED: Duration = Duration::from_secs(5);
    let mut tty = Tty::inside("diff");
    let before = tty.cpu();
    let bytes = tty.drain_for(WATCHED);
    let spent = tty.cpu() - before;
    figure("processor time in 5 s", "ms", ms(spent), None, &Goal::AtMost(0.0));
    figure("written to the terminal in 5 s", "bytes", bytes as f64, None, &Goal::AtMost(0.0));
    figure("resident", "MB", tty.resident(), None, &Goal::AtMost(40.0));
}

fn diff() {
    heading("Difference of two files of 5,000 lines with 500 edits");
    let dir = tempfile::tempdir().unwrap();
    let (before, after) = (file(5_000, 0), file(5_000, 10));
    std::fs::write(dir.path().join("a.ts"), &before).unwrap();
    std::fs::write(dir.path().join("b.ts"), &after).unwrap();
    let ours = sorted_times(30, || {
        assert_eq!(diff_file("a.ts", Some(&before), Some(&after)).map(|d| d.hunks.len()), Some(500));
    });
    let git = |arguments: &[&str]| {
        let mut command = Process::new("git");
        command.current_dir(dir.path()).args(["diff", "--no-index"]).args(arguments).args(["a.ts", "b.ts"]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let ours = ms(quantile(&ours, 0.5));
    if git(&[]).status().is_err() {
        figure("with the words that differ, median", "ms", ours, None, &Goal::None);
        return;
    }
    for (name, arguments) in [("git diff", &[][..]), ("git diff --word-diff", &["--word-diff"][..])] {
        let theirs = sorted_times(30, || _ = git(arguments).status());
        let theirs = ms(quantile(&theirs, 0.5));
        figure("with the words that differ, median", "ms", ours, Some((name, theirs)), &Goal::Ratio(1.0));
    }
}

/// Code of this many lines; every `edited`th line reads otherwise (0: none).
fn file(lines: usize, edited: usize) -> String {
    let mut out = String::new();
    for i in 0..lines {
        let name = if edited > 0 && i % edited == edited / 2 { "changed" } else { "value" };
        writeln!(out, "const {name}{i} = compute({i}, '{}', {{ deep: true }});", i * 7919 % 1009).unwrap();
    }
    out
}

/// A program in a terminal. It is always drained, or the program would block on it.
struct Tty {
    writer: Box<dyn Write + Send>,
    output: Receiver<(Instant, Vec<u8>)>,
    parser: vt100::Parser,
    child: Box<dyn Child + Send + Sync>,
    _master: Box<dyn portable_pty::MasterPty + Send>,
    _dir: tempfile::TempDir,
}

impl Tty {
    fn start(mut command: CommandBuilder) -> Tty {
        let dir = tempfile::tempdir().unwrap();
        let size = PtySize { rows: ROWS, cols: COLUMNS, pixel_width: 0, pixel_height: 0 };
        let pty = native_pty_system().openpty(size).unwrap();
        command.cwd(dir.path());
        command.env("TERM", "xterm-256color");
        command.env("LANG", "C.UTF-8");
        command.env_remove("NO_COLOR");
        let child = pty.slave.spawn_command(command).unwrap();
        drop(pty.slave);
        let mut reader = pty.master.try_clone_reader().unwrap();
        let writer = pty.master.take_writer().unwrap();
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = vec![0; 65536];
            while let Ok(n) = reader.read(&mut buffer) {
                if n == 0 || sender.send((Instant::now(), buffer[..n].to_vec())).is_err() {
                    break;
                }
            }
        });
        let parser = vt100::Parser::new(ROWS, COLUMNS, 0);
        Tty { writer, output, parser, child, _master: pty.master, _dir: dir }
    }

    /// This program again, as the screen with an engine that has already said much.
    fn inside(panel: &str) -> Tty {
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

    fn glyphs(&self) -> usize {
        self.parser.screen().contents().chars().filter(|c| !c.is_whitespace()).count()
    }

    fn until(&mut self, holds: impl Fn(&Tty) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !holds(self) {
            assert!(Instant::now() < deadline, "waited in vain:\n{}", self.parser.screen().contents());
            if let Ok((_, bytes)) = self.output.recv_timeout(Duration::from_millis(50)) {
                self.parser.process(&bytes);
            }
        }
    }

    /// Until nothing has come for a while.
    fn settle(&mut self) {
        while let Ok((_, bytes)) = self.output.recv_timeout(Duration::from_millis(400)) {
            self.parser.process(&bytes);
        }
    }

    /// Presses the keys in turn; the times from each to the last byte of its frame, in order of length.
    fn presses(&mut self, keys: &[&str]) -> Vec<Duration> {
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
    fn drain_for(&mut self, time: Duration) -> usize {
        let end = Instant::now() + time;
        let mut bytes = 0;
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            bytes += self.output.recv_timeout(left).map_or(0, |(_, bytes)| bytes.len());
        }
        bytes
    }

    /// Processor time of all its threads.
    fn cpu(&self) -> Duration {
        let tasks = format!("/proc/{}/task", self.child.process_id().unwrap());
        let of = |task: std::fs::DirEntry| -> Option<u64> {
            std::fs::read_to_string(task.path().join("schedstat")).ok()?.split(' ').next()?.parse().ok()
        };
        let all = std::fs::read_dir(tasks).into_iter().flatten().flatten();
        Duration::from_nanos(all.filter_map(of).sum())
    }

    /// Megabytes of memory in use.
    fn resident(&self) -> f64 {
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

/// The screen itself, over the real course, with an engine that has already said all it will.
fn inside(_panel: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let course = Arc::new(workshop::lesson::load::load(&root.join("lessons"), &root.join("snapshots")).unwrap());
    let workdir = std::env::current_dir().unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (commands, mut inbox) = unbounded_channel();
    let (outbox, events) = unbounded_channel();
    let (chapter, step) = first_edit(&course);
    let position = Position { chapter, step };
    let opened = EventKind::Opened {
        title: course.title.clone(),
        target: Target::Local,
        workdir: workdir.clone(),
        position: position.clone(),
    };
    let lines = (0..10_000).map(|i| format!("line {i} of a child that has much to say about resource {}", i % 97));
    let output = EventKind::Output { at_step: None, stream: Stream::Stdout, lines: lines.collect() };
    let told = [opened, output, EventKind::Paused];
    let mut seq = 0;
    let mut tell = move |kind| {
        seq += 1;
        let _ = outbox.send(Event { seq, at: 1_796_032_800_000, kind });
    };
    told.into_iter().for_each(&mut tell);
    runtime.spawn(async move {
        while let Some(command) = inbox.recv().await {
            match command {
                Command::ShowDiff { of } => tell(EventKind::Diff { of, files: vec![long_difference()] }),
                Command::Quit => return,
                _ => {}
            }
        }
    });
    let setup =
        workshop::tui::Setup { course, commands, events, workdir, looks: workshop::tui::Looks::FULL, editor: None };
    let _ = runtime.block_on(workshop::tui::run(setup));
}

/// A step whose difference is walked through hunk by hunk, in a chapter that changes files.
fn first_edit(course: &Course) -> (u32, String) {
    let mut edits = course.chapters.iter().filter(|c| c.number > 0).flat_map(|c| {
        c.steps.iter().filter(|s| matches!(s.action, Action::Edit(_))).map(move |s| (c.number, s.id.clone()))
    });
    edits.next().unwrap()
}

/// 2,000 rows: 500 lines out, 500 in, and what is around them.
fn long_difference() -> FileDiff {
    diff_file("long.ts", Some(&file(2_000, 0)), Some(&file(2_000, 4))).unwrap()
}
