//! A running step under a pseudo-terminal: the whole program, a sandbox and real children, however they behave and
//! however it is ended in their middle.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::process::{Signal, kill_process};
use tempfile::TempDir;
use workshop_engine::progress::Progress;
use workshop_sandbox::control::{self, Lease, SandboxOptions};

use super::opened;
use super::tty::Tty;
use crate::support::{alive, cache, exe};

/// More than the program takes while it works, unoptimised, and less than what the child prints.
const MEMORY_KB: u64 = 100_000;

/// A course of one edit and one command, the directory it is worked on in, and its sandbox: fetching what that needs
/// may take longer than a screen is waited for.
struct Course {
    dir: TempDir,
    runtime: tokio::runtime::Runtime,
    _sandbox: Lease,
}

impl Course {
    fn new(command: &str) -> Course {
        let dir = tempfile::tempdir().unwrap();
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let base = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lessons/base/snapshots/ch00/README.md");
        let snapshot = dir.path().join("snapshots/ch00");
        std::fs::create_dir_all(&snapshot).unwrap();
        std::fs::copy(base, snapshot.join("README.md")).unwrap();
        let lessons = dir.path().join("lessons");
        std::fs::create_dir_all(&lessons).unwrap();
        std::fs::write(lessons.join("course.yaml"), COURSE).unwrap();
        std::fs::write(lessons.join("ch00.yaml"), format!("{CHAPTER}{}\n", command.replace('\n', "\n        ")))
            .unwrap();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let options = SandboxOptions {
            exe: exe(),
            cache: cache(),
            region: None,
            port: None,
            database_port: None,
            kind: Default::default(),
            background: false,
        };
        let workdir = dir.path().join("work");
        std::fs::create_dir_all(&workdir).unwrap();
        let sandbox = runtime.block_on(control::ensure(&workdir, &options, |_| {})).unwrap();
        Course { dir, runtime, _sandbox: sandbox }
    }

    fn open(&self, rows: u16, cols: u16) -> Tty {
        let root = self.dir.path();
        Tty::run(opened::workshop(root, &root.join("work")), rows, cols, &[])
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join("work").join(name)
    }

    /// The processes that the command has written down are gone, or dying.
    fn is_alone(&self, tty: &mut Tty) {
        let text = std::fs::read_to_string(self.file("family")).unwrap();
        let family: Vec<i32> = text.split_whitespace().map(|pid| pid.parse().unwrap()).collect();
        tty.until("the end of its children", |_| !family.iter().any(|pid| alive(*pid)));
    }

    /// The saved session.
    fn saved(&self) -> Progress {
        let text = std::fs::read_to_string(self.file(".workshop/session.json")).unwrap();
        let saved: serde_json::Value = serde_json::from_str(&text).unwrap();
        serde_json::from_value(saved["progress"].clone()).unwrap()
    }
}

/// The sandbox goes with its lease, in its own time; its directory must not go before it.
impl Drop for Course {
    fn drop(&mut self) {
        let options = SandboxOptions {
            exe: exe(),
            cache: cache(),
            region: None,
            port: None,
            database_port: None,
            kind: Default::default(),
            background: false,
        };
        // It has stopped, or a failed test leaves more than a directory.
        let _ = self.runtime.block_on(control::stop(&self.file(""), &options));
    }
}

/// To the command, through the edit; and begins it.
fn begin(tty: &mut Tty) {
    tty.sees("Copy the project");
    tty.send("r");
    tty.sees("✓ Done");
    tty.send("n");
    tty.sees("The command");
    tty.send("r");
}

/// Asks for the running step's end in the leaving dialog.
fn interrupt(tty: &mut Tty) {
    tty.sees("ctrl-c interrupt");
    tty.send("\x03");
    tty.sees("Still running");
    tty.send("c");
    tty.sees("cancelled after");
}

fn peak_kb(pid: i32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_hundred_megabytes_of_a_child_are_taken_in_little_memory_with_the_keys_alive() {
    // In endless lines, in short ones, and then on without end: what is seen is seen while it prints.
    let course = Course::new(
        "echo $$ > family\n\
         head -c 50000000 /dev/zero | tr '\\0' x\n\
         yes 'a line as long as a build tool prints them, with a path/to/a/file.ts:12' | head -c 50000000\n\
         : > printed\n\
         yes 'and on it goes'",
    );
    let mut tty = course.open(24, 80);
    begin(&mut tty);
    tty.sees("xxxxxxxx");
    tty.send("?");
    tty.sees("Driving");
    tty.send("\x1b");
    tty.until("the log again", |tty| !tty.screen().contains("Driving"));
    tty.until("a hundred megabytes", |_| course.file("printed").exists());
    let peak = peak_kb(tty.pid().as_raw_nonzero().get());
    assert!(peak < MEMORY_KB, "{peak} kB");
    tty.send("?");
    tty.sees("Driving");
    tty.send("\x1b");
    tty.until("the log again", |tty| !tty.screen().contains("Driving"));
    tty.sees("earlier lines are not kept here");
    interrupt(&mut tty);
    course.is_alone(&mut tty);
    tty.send("q");
    tty.ends();
    for record in [".workshop/events.jsonl", ".workshop/log/0-command.log"] {
        let length = std::fs::metadata(course.file(record)).unwrap().len();
        assert!(length < 80_000_000, "{record} has {length} bytes");
    }
}

#[test]
fn a_signal_in_the_middle_of_a_step_ends_its_children_and_loses_nothing() {
    for (signal, code) in [(Signal::TERM, 143), (Signal::HUP, 129)] {
        // One that listens, and one further down that does not (and ends with its directory, should the test fail).
        let course = Course::new(
            "(trap '' TERM; while test -e README.md; do sleep 0.1; done) &\n\
             echo $! $$ > family\n\
             : > running\n\
             exec sleep 1000",
        );
        let mut tty = course.open(24, 80);
        begin(&mut tty);
        tty.until("the running step", |_| course.file("running").exists());
        kill_process(tty.pid(), signal).unwrap();
        tty.ends();
        assert_eq!(tty.child.wait().unwrap().exit_code(), code);
        course.is_alone(&mut tty);
        let saved = course.saved();
        assert!(saved.running.is_none() && saved.closed.is_some());
        assert_eq!(saved.position.map(|p| p.step), Some("command".to_owned()));
        assert_eq!(std::fs::read_to_string(course.file("README.md")).unwrap().lines().next(), Some("# Small"));
        // What went missing meanwhile is noticed, and the step is there to be run again.
        for file in ["README.md", "running"] {
            std::fs::remove_file(course.file(file)).unwrap();
        }
        let mut again = course.open(40, 120);
        again.sees("The command");
        again.send("3");
        again.sees("not applied");
        again.send("r");
        again.until("the running step", |_| course.file("running").exists());
        interrupt(&mut again);
        course.is_alone(&mut again);
        again.send("q");
        again.ends();
    }
}

const COURSE: &str = "title: A small course
code: DEV101
slot: 10
stack: SmallStack
function: small
prerequisites:
  - { name: A shell, command: echo 1.0, version: '>=1', fix: Install one. }
chapters: [ch00]
";

const CHAPTER: &str = "snapshot: ch00
title: Preparations
minutes: 2
on_stage: false
steps:
  - id: copy
    title: Copy the project
    minutes: 1
    say: Here it is.
    edit: all
  - id: command
    title: The command
    minutes: 1
    say: It runs.
    timeout: 5m
    shell:
      run: |
        ";
