//! Signals that whoever started this program has it ignore, as `nohup` does with the hangup.

use std::fs;

use rustix::process::Signal;

/// Tells whether a signal was ignored when this program began, and is to stay so. To be asked before anything listens to it.
/// Linux only: elsewhere none is known.
pub fn is_ignored(signal: Signal) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    ignored(&status).is_some_and(|mask| mask & (1 << (signal.as_raw() - 1)) != 0)
}

/// Reads the mask of a process's ignored signals from its status: bit 0 is signal 1.
fn ignored(status: &str) -> Option<u64> {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(mask.trim(), 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_is_read_from_the_status() {
        // Of `nohup sleep 9` on Linux 6.1.
        let status = "Name:\tsleep\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000001\nSigCgt:\t0000000000000000\n";
        assert_eq!(ignored(status), Some(1));
        assert_eq!(ignored("Name:\tsleep\n"), None);
        assert!(!is_ignored(Signal::TERM));
    }
}
