//! Edit to green: from the save of the function's source to the chapter's checks passed on the local target, deploy and
//! checks included; and the whole of `--chapter 3 --check`. Beside another build of the workshop in the same run.
//!
//! `cargo bench --bench edit -- OTHER/target/release/workshop` takes about ten minutes: each walks to chapter 3 first,
//! by plain lines, and then the two take turns; with `once` before it each does everything once, which says enough where the
//! machine is busy and the processor's time is what counts. The other one runs with the course of its own checkout. Linux only: the
//! processor's time is read from `/proc`.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on stops where it is")]

mod common;
#[path = "../tests/it/support.rs"]
#[allow(dead_code, reason = "shared with the tests, which use all of it")]
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Stdio};
use std::time::{Duration, Instant};

use common::{Goal, figure, heading};
use serde_json::Value;

const CHAPTER: u64 = 3;
const PAIRS: usize = 5;
const WALKS: usize = 3;
/// The source that is edited; each edit changes what the function does.
const SOURCE: &str = "lambda/src/index.ts";
/// The pause between two looks at what a run has recorded.
const LOOK: Duration = Duration::from_millis(5);
/// What a run may need for one thing, packages and servers fetched included.
const PATIENCE: Duration = Duration::from_secs(600);
/// The silence after which the checks are over.
const QUIET: Duration = Duration::from_millis(500);
/// The kernel's ticks in a second, as `/proc` counts on every Linux.
const TICKS: f64 = 100.0;
/// What goes on behind the last check counts as well.
const AFTERWARDS: Duration = Duration::from_secs(2);

fn main() {
    let (once, named): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).partition(|word| word == "once");
    let (pairs, walk_pairs) = if once.is_empty() { (PAIRS, WALKS) } else { (1, 1) };
    let named = named.into_iter().next();
    let other: Option<PathBuf> = named.map(|program| fs::canonicalize(program).unwrap());
    heading("from a save to green checks");
    let mut ours = Session::start(&support::exe(), Path::new(env!("CARGO_MANIFEST_DIR")));
    // PROGRAM stands in target/release or target/debug of its checkout.
    let mut other = other.map(|exe| Session::start(&exe, exe.ancestors().nth(3).unwrap()));
    let (mut our_cycles, mut other_cycles) = (Vec::new(), Vec::new());
    for round in 0..pairs {
        our_cycles.push(ours.cycle(round));
        other_cycles.extend(other.as_mut().map(|other| other.cycle(round)));
    }
    table("save to green", &our_cycles, &other_cycles);
    let programs: Vec<(PathBuf, PathBuf)> = [Some(ours), other].into_iter().flatten().map(Session::end).collect();

    // Whatever a walk leaves is ours to wait for, so that its time is known.
    rustix::process::set_child_subreaper(Some(rustix::process::getpid())).unwrap();
    // The first of each fetches what the cache lacks.
    if once.is_empty() {
        programs.iter().for_each(|(exe, root)| {
            walk(exe, root);
        });
    }
    let mut walks = vec![Vec::new(); programs.len()];
    for _ in 0..walk_pairs {
        programs.iter().zip(&mut walks).for_each(|((exe, root), walks)| walks.push(walk(exe, root)));
    }
    table("--chapter 3 --check", &walks[0], walks.get(1).map_or(&[], Vec::as_slice));
}

fn table(what: &str, ours: &[Cycle], other: &[Cycle]) {
    for (measure, of) in [("wall", Cycle::wall as fn(&Cycle) -> f64), ("processor", Cycle::processor)] {
        let beside = (!other.is_empty()).then(|| ("the other build", median(other, of)));
        figure(&format!("{what}, {measure}, median"), "s", median(ours, of), beside, &Goal::Ratio(0.5));
    }
}

/// The whole of a chapter's proof in a directory of its own, from its command to the end of all that it started.
fn walk(exe: &Path, root: &Path) -> Cycle {
    let checkpoints = tempfile::tempdir().unwrap();
    let before = waited_for();
    let begun = Instant::now();
    let mut command = support::command(exe);
    command.args(["--chapter", &CHAPTER.to_string(), "--check", "--target", "local"]).current_dir(root);
    // Some of them keep none yet, and know no word for that.
    command.env("WORKSHOP_CHECKPOINTS", checkpoints.path());
    assert!(command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success());
    let took = begun.elapsed();
    while rustix::process::wait(rustix::process::WaitOptions::empty()).is_ok() {}
    Cycle { took, processor: waited_for() - before }
}

/// Returns the processor's seconds of all children that have ended and were waited for.
fn waited_for() -> f64 {
    let own = fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = own[own.rfind(')').unwrap() + 2..].split(' ').collect();
    fields[13..15].iter().map(|field| field.parse::<f64>().unwrap()).sum::<f64>() / TICKS
}

/// One edit until its checks have passed, or one walk.
#[derive(Clone)]
struct Cycle {
    took: Duration,
    /// Of all processes together, in seconds.
    processor: f64,
}

impl Cycle {
    fn wall(&self) -> f64 {
        self.took.as_secs_f64()
    }
    fn processor(&self) -> f64 {
        self.processor
    }
}

fn median(cycles: &[Cycle], of: fn(&Cycle) -> f64) -> f64 {
    let mut all: Vec<f64> = cycles.iter().map(of).collect();
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

/// A workshop that is driven by plain lines and watched by its record of events.
struct Session {
    /// The program, and the checkout that it is of.
    program: (PathBuf, PathBuf),
    dir: tempfile::TempDir,
    child: Child,
    words: ChildStdin,
    /// Events read so far.
    seen: Vec<Value>,
    /// The newest deploy step of the chapter.
    deploy: String,
}

impl Session {
    /// Starts in an empty directory and walks to the chapter's end, as a clicker does.
    fn start(exe: &Path, root: &Path) -> Session {
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
        while !session.seen.iter().any(|event| event["event"] == "chapter_finished" && event["chapter"] == CHAPTER) {
            session.say("");
            let event = session.until(|event| is_one(event, &["step_finished", "moved", "refused"]));
            let passed = ["pass", "failed_as_expected", "skipped"].map(Value::from);
            assert!(event["event"] != "step_finished" || passed.contains(&event["verdict"]), "{event}");
        }
        let deploys =
            session.seen.iter().filter(|event| event["event"] == "step_started" && event["action"] == "deploy");
        let here = deploys.rev().find(|event| event["at_step"]["chapter"] == CHAPTER).unwrap();
        session.deploy = here["at_step"]["step"].as_str().unwrap().to_owned();
        session
    }

    fn cycle(&mut self, round: usize) -> Cycle {
        let step = self.deploy.clone();
        self.say(&format!("go {CHAPTER}.{step}"));
        std::thread::sleep(Duration::from_secs(1));
        self.read();
        let (before, begun) = (self.processor(), Instant::now());
        let source = self.dir.path().join(SOURCE);
        let code = fs::read_to_string(&source).unwrap();
        fs::write(&source, format!("{code}\nconsole.log('edit {round}');\n")).unwrap();
        self.say("run");
        let finished = self.until(|event| is_one(event, &["step_finished", "refused"]));
        assert_eq!(finished["verdict"], "pass", "{finished}");
        self.say("check");
        let (mut newest, mut took) = (None::<Instant>, Duration::ZERO);
        while newest.is_none_or(|newest| newest.elapsed() < QUIET) {
            for event in self.read() {
                if event["event"] == "check_finished" {
                    assert_eq!(event["verdict"], "pass", "{event}");
                    (newest, took) = (Some(Instant::now()), begun.elapsed());
                } else if event["event"] == "check_started" {
                    newest = None;
                }
            }
            assert!(begun.elapsed() < PATIENCE, "no check comes to its end");
            std::thread::sleep(LOOK);
        }
        std::thread::sleep(AFTERWARDS);
        Cycle { took, processor: self.processor() - before }
    }

    fn say(&mut self, words: &str) {
        writeln!(self.words, "{words}").unwrap();
    }

    /// Returns the events that are new.
    fn read(&mut self) -> Vec<Value> {
        let text = fs::read_to_string(self.dir.path().join(".workshop/events.jsonl")).unwrap_or_default();
        // The last line may be half a line.
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let new: Vec<Value> =
            whole.lines().skip(self.seen.len()).map(|line| serde_json::from_str(line).unwrap()).collect();
        self.seen.extend(new.iter().cloned());
        new
    }

    fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
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
    fn processor(&self) -> f64 {
        let place = self.dir.path().to_string_lossy().into_owned();
        let all = processes();
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
                break;
            }
            ours.extend(more);
        }
        let ticks: u64 = ours.iter().filter_map(|pid| all.get(pid)).map(|process| process.ticks).sum();
        ticks as f64 / TICKS
    }

    /// Ends it; gives its program and the checkout that it is of.
    fn end(mut self) -> (PathBuf, PathBuf) {
        self.say("quit");
        drop(self.words);
        self.child.wait().unwrap();
        self.program
    }
}

fn is_one(event: &Value, names: &[&str]) -> bool {
    names.iter().any(|name| event["event"] == *name)
}

struct Process {
    parent: u32,
    /// Its own and those of its children that have ended.
    ticks: u64,
}

fn processes() -> BTreeMap<u32, Process> {
    let pids = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let look = |pid: u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // Behind the name, which may hold anything: state, parent, … user, system, children's user, children's system.
        let fields: Vec<&str> = stat[stat.rfind(')')? + 2..].split(' ').collect();
        let ticks = fields.get(11..15)?.iter().filter_map(|field| field.parse::<u64>().ok()).sum();
        Some((pid, Process { parent: fields.get(1)?.parse().ok()?, ticks }))
    };
    pids.filter_map(look).collect()
}
