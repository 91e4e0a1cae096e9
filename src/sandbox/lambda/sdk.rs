//! The AWS SDK that Lambda's Node.js runtime ships and that bundles therefore leave out.
//!
//! Functions are unpacked below a directory whose `node_modules` links to `@aws-sdk/*` packages, as
//! AWS has them beside the task directory; `require` and `import` both find them there, and nothing
//! else of the learner's. A package comes from the working directory's own installation if it has it,
//! else from one in the cache, fetched through npm when a function first needs it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::Command;

use crate::packages::forget_omissions;
use crate::state;

/// The major version that Lambda's runtimes ship.
const MAJOR: &str = "3";
const SCOPE: &str = "@aws-sdk";
const FETCH_LIMIT: Duration = Duration::from_secs(45);

#[derive(Debug, Clone)]
pub struct Sdk {
    /// The learner's project, if any.
    pub workdir: PathBuf,
    pub cache: PathBuf,
    /// The directory that the links are made in.
    pub node_modules: PathBuf,
}

impl Sdk {
    /// Makes the packages available. An error names what is missing and why.
    ///
    /// # Errors
    /// When neither the project nor the cache has a package and npm does not fetch it.
    pub async fn provide(&self, packages: &[String]) -> Result<(), String> {
        let installed = self.cache.join("lambda-sdk");
        let missing: Vec<&String> = packages.iter().filter(|package| !self.link(package, &installed)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let _lock = {
            fs::create_dir_all(&installed).map_err(|e| e.to_string())?;
            state::FileLock::wait(&installed.join("lock")).await.map_err(|e| e.to_string())?
        };
        let names = missing.iter().map(|name| format!("{name}@{MAJOR}"));
        let mut npm = Command::new("npm");
        forget_omissions(&mut npm);
        let install = npm
            .args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", "--prefix"])
            .arg(&installed)
            .args(names)
            .arg("--fetch-retries=1")
            .current_dir(&installed)
            .kill_on_drop(true)
            .output();
        // Without a network a deploy must not hang on it.
        let output = tokio::time::timeout(FETCH_LIMIT, install).await.map_err(|_| "npm does not answer".to_string())?;
        let output = output.map_err(|e| format!("npm: {e}"))?;
        let lost: Vec<&str> = missing.iter().filter(|name| !self.link(name, &installed)).map(|s| s.as_str()).collect();
        if lost.is_empty() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.lines().find(|line| !line.trim().is_empty()).unwrap_or("no reason given");
        Err(format!("{} could not be fetched: {said}", lost.join(", ")))
    }

    /// Links one package, from the project first; false when neither has it.
    fn link(&self, package: &str, installed: &Path) -> bool {
        let name = package.trim_start_matches(SCOPE).trim_start_matches('/');
        let link = self.node_modules.join(SCOPE).join(name);
        let sources = [self.workdir.join("node_modules"), self.workdir.join("lambda/node_modules")];
        let source = sources
            .iter()
            .map(|modules| modules.join(SCOPE).join(name))
            .chain([installed.join("node_modules").join(SCOPE).join(name)])
            .find(|dir| dir.join("package.json").exists());
        let Some(source) = source.and_then(|source| fs::canonicalize(source).ok()) else { return false };
        if fs::read_link(&link).is_ok_and(|target| target == source) {
            return true;
        }
        let _ = fs::remove_file(&link);
        fs::create_dir_all(self.node_modules.join(SCOPE)).is_ok() && symlink(&source, &link).is_ok()
    }
}
