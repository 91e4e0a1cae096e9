//! Processes that are known by a variable which every process below them inherits: what of them outlives who started them can
//! be found and ended later; who has started the one that looks is left alone. Linux only: elsewhere none is found.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

/// A process may have forked while we looked.
const ROUNDS: usize = 50;

/// Kills every process of ours that has `marker` with `place`, or a path below it, until there is none; false when there is
/// still one. Blocking.
pub fn kill(marker: &str, place: &Path) -> bool {
    for _ in 0..ROUNDS {
        let left = marked(marker, place);
        if left.is_empty() {
            return true;
        }
        for pid in left {
            // It may have ended by itself.
            let _ = kill_process(pid, Signal::KILL);
        }
    }
    false
}

/// Returns this process and those that it was started from: whoever runs us within what is to end, a terminal of its own for
/// one, is not ended below us.
fn lineage() -> Vec<i32> {
    let mut pids = vec![std::process::id().cast_signed()];
    let parent = |pid: &i32| {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        status.lines().find_map(|line| line.strip_prefix("PPid:"))?.trim().parse::<i32>().ok()
    };
    while let Some(pid) = pids.last().and_then(parent).filter(|pid| *pid > 0 && !pids.contains(pid)) {
        pids.push(pid);
    }
    pids
}

/// The processes that carry the mark. Those of other users cannot be read, and carry none of ours.
fn marked(marker: &str, place: &Path) -> Vec<Pid> {
    let ours = lineage();
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let carries = |pid: &i32| {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|variable| {
            let value = variable.strip_prefix(marker.as_bytes()).and_then(|rest| rest.strip_prefix(b"="));
            value.is_some_and(|value| Path::new(OsStr::from_bytes(value)).starts_with(place))
        })
    };
    pids.filter(|pid| !ours.contains(pid) && carries(pid)).filter_map(Pid::from_raw).collect()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    const MARKER: &str = "WORKSHOP_TEST_MARK";

    #[test]
    fn what_carries_the_mark_ends_and_nothing_else() {
        let place = format!("/nowhere/{}", std::process::id());
        let sleeper = |value: &str| {
            let mut command = std::process::Command::new("sleep");
            command.arg("600").env(MARKER, value).spawn().expect("started")
        };
        let (mut ours, mut theirs) = (sleeper(&format!("{place}/one")), sleeper(&format!("{place}0/one")));
        // Until it has become its program it has our environment.
        while marked(MARKER, Path::new(&place)).is_empty() {
            std::thread::yield_now();
        }
        assert!(kill(MARKER, Path::new(&place)));
        assert!(!ours.wait().expect("ended").success());
        assert!(theirs.try_wait().expect("looked").is_none(), "it runs on");
        theirs.kill().expect("killed");
        theirs.wait().expect("ended");
    }
}
