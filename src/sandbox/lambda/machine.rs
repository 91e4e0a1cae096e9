//! How many environments a machine carries.

use std::fs;

/// Kilobytes that a Node.js process with a small bundle takes.
const ONE_KIB: u64 = 96 * 1024;
/// Part of the free memory that functions may take.
const SHARE: u64 = 2;

/// Returns how many processes one function may have: two for each core, ten at least and 32 at most, and no more than half
/// of the free memory holds.
pub(super) fn environments() -> usize {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    bounded(cores, available_kib(&fs::read_to_string("/proc/meminfo").unwrap_or_default()))
}

fn bounded(cores: usize, available_kib: Option<u64>) -> usize {
    let by_cores = (2 * cores).clamp(10, 32);
    let by_memory = available_kib.map_or(by_cores as u64, |kib| kib / SHARE / ONE_KIB);
    by_cores.min(usize::try_from(by_memory).unwrap_or(by_cores)).max(2)
}

/// "MemAvailable:    1234 kB"
fn available_kib(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_machine_runs_few() {
        let meminfo = "MemTotal:       4000000 kB\nMemAvailable:    393216 kB\n";
        assert_eq!(bounded(2, available_kib(meminfo)), 2);
        assert_eq!(bounded(2, Some(16 << 20)), 10);
        assert_eq!(bounded(64, Some(64 << 20)), 32);
        assert_eq!(bounded(8, None), 16);
    }
}
