//! A workshop that is driven by plain lines and watched by its record of events, and what its processes take. Linux only:
//! the processor's time is read from `/proc`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support;

/// The pause between two looks at what a run has recorded.
pub const LOOK: Duration = Duration::from_millis(5);
/// What a run may need for one thing, packages and servers fetched included.
pub const PATIENCE: Duration = Duration::from_secs(600);
/// The kernel's ticks in a second, as `/proc` counts on every Linux.
pub const TICKS: f64 = 100.0;

/// A workshop that runs, by plain lines.
pub struct Session {
    /// The program, and the checkout that it is of.
    program: (PathBuf, PathBuf),
    /// Its working directory.
    pub dir: tempfile::TempDir,
    child: Child,
    words: ChildStdin,
    /// Events read so far.
    seen: Vec<Value>,
    /// The newest deploy step of the chapter.
    pub deploy: String,
}

impl Session {
    /// Starts this build in an empty directory and walks to the chapter's end, as a clicker does.
    pub fn ours(chapter: u64) -> Session {
        Session::start(&support::exe(), Path::new(env!("CARGO_MANIFEST_DIR")), chapter)
    }

    /// Starts another build, that stands in `target/release` or `target/debug` of its checkout, with the course of that.
    pub fn other(exe: &Path, chapter: u64) -> Session {
        Session::start(exe, exe.ancestors().nth(3).unwrap(), chapter)
    }

    fn start(exe: &Path, root: &Path, chapter: u64) -> Session {
        let dir = tempfile::tempdir().unwrap();
        let mut command = support::command(exe);
        command.args(["--plain", "--target", "local", "--workdir"]).arg(dir.path());
        command.arg("--lessons").arg(root.join("lessons")).arg("--snapshots").arg(root.join("snapshots"));
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let words = child.stdin.take().unwrap();
        let program = (exe.to_owned(), root.to_owned());
        let mut session = Session { program, dir, child, words, seen: Vec::new(), deploy: String::new() };
        session.until(|event| event["event"] == "prepared" && event["task"] == "sandbox");
        while !session.seen.iter().any(|event| event["event"] == "chapter_finished" && event["chapter"] == chapter) {
            session.say("");
            let event = session.until(|event| is_one(event, &["step_finished", "moved", "refused"]));
            let passed = ["pass", "failed_as_expected", "skipped"].map(Value::from);
            assert!(event["event"] != "step_finished" || passed.contains(&event["verdict"]), "{event}");
        }
        let deploys =
            session.seen.iter().filter(|event| event["event"] == "step_started" && event["action"] == "deploy");
        let here = deploys.rev().find(|event| event["at_step"]["chapter"] == chapter).unwrap();
        session.deploy = here["at_step"]["step"].as_str().unwrap().to_owned();
        session
    }

    /// Says a line to it.
    pub fn say(&mut self, words: &str) {
        writeln!(self.words, "{words}").unwrap();
    }

    /// Returns the events that are new.
    pub fn read(&mut self) -> Vec<Value> {
        let text = fs::read_to_string(self.dir.path().join(".workshop/events.jsonl")).unwrap_or_default();
        // The last line may be half a line.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let new: Vec<Value> =
            whole.lines().skip(self.seen.len()).map(|line| serde_json::from_str(line).unwrap()).collect();
        self.seen.extend(new.iter().cloned());
        new
    }

    /// Waits for an event, and returns it.
    pub fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            if let Some(found) = self.read().into_iter().find(&wanted) {
                return found;
            }
            assert!(self.child.try_wait().unwrap().is_none(), "the workshop has ended");
            assert!(begun.elapsed() < PATIENCE, "the last event was {:?}", self.seen.last());
            std::thread::sleep(LOOK);
        }
    }

    /// Sums up the processor's seconds of the workshop, its sandbox and all that they started.
    pub fn processor(&self) -> f64 {
        self.processor_of(|_| true)
    }

    /// Sums up the processor's seconds of those of them whose program has such a name.
    pub fn processor_of(&self, named: impl Fn(&str) -> bool) -> f64 {
        let all = processes();
        let wanted = self.own(&all).into_iter().filter_map(|pid| all.get(&pid)).filter(|process| named(&process.name));
        wanted.map(|process| process.ticks).sum::<u64>() as f64 / TICKS
    }

    /// Sums up the memory of the same processes, each page once however many share it, in MiB.
    pub fn memory(&self) -> f64 {
        let pss = |pid: &u32| {
            let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
            let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"))?;
            line.split_whitespace().next()?.parse::<f64>().ok()
        };
        self.own(&processes()).iter().filter_map(pss).sum::<f64>() / 1024.0
    }

    /// Returns the workshop, its sandbox and all that they started.
    fn own(&self, all: &BTreeMap<u32, Process>) -> BTreeSet<u32> {
        let place = self.dir.path().to_string_lossy().into_owned();
        let is_ours = |pid: &u32| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            *pid == self.child.id() || String::from_utf8_lossy(&line).contains(&place)
        };
        let mut ours: BTreeSet<u32> = all.keys().copied().filter(is_ours).collect();
        loop {
            let more: Vec<u32> = all
                .iter()
                .filter(|(pid, of)| ours.contains(&of.parent) && !ours.contains(pid))
                .map(|(pid, _)| *pid)
                .collect();
            if more.is_empty() {
                return ours;
            }
            ours.extend(more);
        }
    }

    /// Returns its program.
    pub fn exe(&self) -> &Path {
        &self.program.0
    }

    /// Ends it; gives its program and the checkout that it is of.
    pub fn end(mut self) -> (PathBuf, PathBuf) {
        self.say("quit");
        drop(self.words);
        self.child.wait().unwrap();
        self.program
    }
}

/// Returns whether an event has one of these names.
pub fn is_one(event: &Value, names: &[&str]) -> bool {
    names.iter().any(|name| event["event"] == *name)
}

struct Process {
    name: String,
    parent: u32,
    /// Its own and those of its children that have ended.
    ticks: u64,
}

fn processes() -> BTreeMap<u32, Process> {
    let pids = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let look = |pid: u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // Behind the name, which may hold anything: state, parent, … user, system, children's user, children's system.
        let (begin, end) = (stat.find('(')?, stat.rfind(')')?);
        let fields: Vec<&str> = stat[end + 2..].split(' ').collect();
        let ticks = fields.get(11..15)?.iter().filter_map(|field| field.parse::<u64>().ok()).sum();
        let name = stat[begin + 1..end].to_owned();
        Some((pid, Process { name, parent: fields.get(1)?.parse().ok()?, ticks }))
    };
    pids.filter_map(look).collect()
}
