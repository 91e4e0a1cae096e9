//! Ends what functions leave behind: a child of theirs may have left its group, and outlive everything that is tied to the
//! sandbox. What knows it is a variable that every process below an environment inherits.
//!
//! Beside a sandbox stands one process, its sweeper, that does nothing but hold one end of a pipe: when the sandbox is gone,
//! however it ended, the sweeper ends what its functions have left, and itself. Linux only: elsewhere a function's group
//! ends with it, and what has left its group does not.

use std::ffi::OsString;
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

use workshop_base::marked;

/// The variable that holds which environment a process belongs to: a path below its sandbox's run directory.
pub(crate) const MARKER: &str = "WORKSHOP_ENVIRONMENT";

/// Kills every process of ours whose environment is `place` or lies below it, until there is none. Blocking.
pub(crate) fn sweep(place: &Path) {
    if !marked::kill(MARKER, place) {
        tracing::warn!(place = %place.display(), "what functions have started does not end");
    }
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
