//! The screen: from start to first frame, from key to frame, what it takes when nobody touches it, and differences.
//!
//! `cargo bench --bench screen` runs everything in about a minute, in a terminal of its own of 120x40, beside `vim`,
//! `less` and `git` where they are installed; `-- start`, `keys`, `frames`, `idle` or `diff` one part of it.
//! Keys are pressed with 10,000 lines in the log and a difference of 2,000 lines open.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on stops where it is")]

#[path = "../common/mod.rs"]
mod common;
mod frames;
#[path = "../../tests/it/pty/opened.rs"]
mod opened;
#[path = "../../tests/it/support.rs"]
#[allow(dead_code, reason = "shared with the tests, which use all of it")]
mod support;
mod told;
mod tty;

use std::path::Path;
use std::process::{Command as Process, Stdio};
use std::time::Duration;

use common::{Goal, figure, heading, ms, quantile, sorted_times};
use portable_pty::CommandBuilder;
use told::file;
use tty::Tty;
use workshop_course::code::diff::diff_file;

/// How often each program is started.
const STARTS: usize = 30;

fn main() {
    if std::env::var(tty::INSIDE).is_ok() {
        told::inside();
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
    if want("frames") {
        frames::frames();
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
    let home = tempfile::tempdir().unwrap();
    let ours = || opened::workshop(Path::new(env!("CARGO_MANIFEST_DIR")), &home.path().join("work"));
    let median = |make: &dyn Fn() -> CommandBuilder| {
        let mut times: Vec<Duration> = (0..STARTS)
            .map(|_| {
                let mut tty = Tty::start(make());
                tty.until(|tty| tty.glyphs() >= 40);
                let first = tty.newest - tty.begun;
                // What comes after the first frame is not to take the processor from the next start.
                tty.settle();
                first
            })
            .collect();
        times.sort_unstable();
        quantile(&times, 0.5)
    };
    let workshop = ms(median(&ours));
    figure("first frame, median", "ms", workshop, None, &Goal::AtMost(10.0));
    for (name, command) in others(text) {
        let other = ms(median(&|| command.clone()));
        // What people know as immediate.
        let goal = if name == "vim" { Goal::Ratio(1.3) } else { Goal::None };
        figure("first frame, median", "ms", workshop, Some((name, other)), &goal);
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
