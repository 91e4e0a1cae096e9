//! Edit to green: from the save of the function's source to the chapter's checks passed on the local target, deploy and
//! checks included; and the whole of `--chapter 3 --check`. Beside another build of the workshop in the same run.
//!
//! `cargo bench --bench edit -- OTHER/target/release/workshop` takes about ten minutes: each walks to chapter 3 first,
//! by plain lines, and then the two take turns; with `once` before it each does everything once, which says enough where the
//! machine is busy and the processor's time is what counts. The other one runs with the course of its own checkout. Linux only: the
//! processor's time is read from `/proc`.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on stops where it is")]

mod common;
#[path = "common/session.rs"]
#[allow(dead_code, reason = "shared with the benchmark of storms, which uses all of it")]
mod session;
#[path = "../tests/it/support.rs"]
#[allow(dead_code, reason = "shared with the tests, which use all of it")]
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use common::{Goal, figure, heading};
use session::{LOOK, PATIENCE, Session, TICKS, is_one};

const CHAPTER: u64 = 3;
const PAIRS: usize = 5;
const WALKS: usize = 3;
/// The source that is edited; each edit changes what the function does.
const SOURCE: &str = "lambda/src/index.ts";
/// The silence after which the checks are over.
const QUIET: Duration = Duration::from_millis(500);
/// What goes on behind the last check counts as well.
const AFTERWARDS: Duration = Duration::from_secs(2);

fn main() {
    let (once, named): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).partition(|word| word == "once");
    let (pairs, walk_pairs) = if once.is_empty() { (PAIRS, WALKS) } else { (1, 1) };
    let named = named.into_iter().next();
    let other: Option<PathBuf> = named.map(|program| fs::canonicalize(program).unwrap());
    heading("from a save to green checks");
    let mut ours = Session::ours(CHAPTER);
    let mut other = other.map(|exe| Session::other(&exe, CHAPTER));
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

impl Session {
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
}
