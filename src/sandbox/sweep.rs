//! Ends what functions leave behind: a child of theirs may have left its group, and outlive everything that is tied to the
//! sandbox. What knows it is a variable that every process below an environment inherits.
//!
//! Beside a sandbox stands one process, its sweeper, that does nothing but hold one end of a pipe: when the sandbox is gone,
//! however it ended, the sweeper ends what its functions have left, and itself. Linux only: elsewhere a function's group
//! ends with it, and what has left its group does not.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::ExitCode;

use rustix::process::{Pid, Signal, kill_process};

/// The variable that holds which environment a process belongs to: a path below its sandbox's run directory.
pub(crate) const MARKER: &str = "WORKSHOP_ENVIRONMENT";
/// A process may have forked while we looked.
const ROUNDS: usize = 50;

/// Kills every process of ours whose environment is `place` or lies below it, until there is none. Blocking.
pub(crate) fn sweep(place: &Path) {
    for _ in 0..ROUNDS {
        let left = marked(place);
        if left.is_empty() {
            return;
        }
        for pid in left {
            // It may have ended by itself.
            let _ = kill_process(pid, Signal::KILL);
        }
    }
    tracing::warn!(place = %place.display(), "what functions have started does not end");
}

/// The processes that carry the mark. Those of other users cannot be read, and carry none of ours.
fn marked(place: &Path) -> Vec<Pid> {
    let us = std::process::id();
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let carries = |pid: &i32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| {
            let value = variable.strip_prefix(MARKER.as_bytes()).and_then(|rest| rest.strip_prefix(b"="));
            value.is_some_and(|value| Path::new(OsStr::from_bytes(value)).starts_with(place))
        })
    };
    pids.filter(|pid| pid.unsigned_abs() != us && carries(pid)).filter_map(Pid::from_raw).collect()
}

/// Becomes a sweeper: waits for the end of stdin, which is the sandbox's, and ends what it left.
pub(crate) fn main(mut args: impl Iterator<Item = OsString>) -> ExitCode {
    let Some(run) = args.next() else { return ExitCode::from(2) };
    let mut sink = [0_u8; 64];
    let mut stdin = std::io::stdin();
    while matches!(stdin.read(&mut sink), Ok(read) if read > 0) {}
    sweep(Path::new(&run));
    ExitCode::SUCCESS
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn what_carries_the_mark_ends_and_nothing_else() {
        let place = format!("/nowhere/{}", std::process::id());
        let sleeper = |value: &str| {
            let mut command = std::process::Command::new("sleep");
            command.arg("600").env(MARKER, value).spawn().expect("started")
        };
        let (mut ours, mut theirs) = (sleeper(&format!("{place}/one")), sleeper(&format!("{place}0/one")));
        // Until it has become its program it has our environment.
        while marked(Path::new(&place)).is_empty() {
            std::thread::yield_now();
        }
        sweep(Path::new(&place));
        assert!(!ours.wait().expect("ended").success());
        assert!(theirs.try_wait().expect("looked").is_none(), "it runs on");
        theirs.kill().expect("killed");
        theirs.wait().expect("ended");
    }
}
