//! Courses from elsewhere: `--course URL` clones a repository into the cache, once.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::digest::{self, digest};
use workshop_base::problem::{Problem, Result};
use workshop_base::text::sanitize;

/// The ways by which git may fetch: what a name could be made to run is not among them (git's `ext::`).
const SCHEMES: [&str; 4] = ["https://", "ssh://", "git://", "file://"];

/// Returns true for what names a repository elsewhere, not a path here.
pub fn is_url(name: &str) -> bool {
    let scp =
        name.split_once(':').is_some_and(|(host, path)| host.contains('@') && !host.contains('/') && !path.is_empty());
    name.contains("://") || name.contains("::") || scp && !Path::new(name).exists()
}

/// Returns the directory that holds a repository's newest commit, fetching it when it is not in the cache. It stays
/// that commit until it is deleted there.
///
/// # Errors
/// When the name is of no scheme that is known, and when git is missing or fails.
pub fn fetch(url: &str, cache: &Path) -> Result<PathBuf> {
    let scp = !url.contains("://") && !url.contains("::");
    if url.starts_with('-') || !scp && !SCHEMES.iter().any(|scheme| url.starts_with(scheme)) {
        return Err(Problem::usage(format!("`{url}` is no address that a course is fetched from"))
            .expected("https://…, ssh://…, git://…, file://… or user@host:path")
            .hint("or clone it yourself, and pass its directory"));
    }
    let courses = cache.join("courses");
    let home = courses.join(folder(url));
    if home.is_dir() {
        return Ok(home);
    }
    let unmade = |e: std::io::Error| {
        Problem::environment(format!("{} cannot be made: {e}", courses.display()))
            .hint("set WORKSHOP_CACHE to a directory that can be written")
    };
    std::fs::create_dir_all(&courses).map_err(unmade)?;
    let beside = courses.join(format!(".new-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&beside);
    let fetched = Command::new("git")
        .args(["clone", "--quiet", "--depth", "1", "--no-recurse-submodules", "--", url])
        .arg(&beside)
        .env("GIT_ALLOW_PROTOCOL", "https:ssh:git:file")
        .stdin(Stdio::inherit())
        .status();
    let failed = match fetched {
        Ok(status) if status.success() => None,
        Ok(status) => Some(
            Problem::environment(format!("git could not fetch {}: {status}", sanitize(url)))
                .hint("look at what git says above; without a network, pass the directory of a clone"),
        ),
        Err(e) => Some(
            Problem::environment(format!("git cannot be run: {e}"))
                .hint("install git, or pass the directory of a course that is here"),
        ),
    };
    let renamed = if failed.is_none() { std::fs::rename(&beside, &home) } else { Ok(()) };
    let _ = std::fs::remove_dir_all(&beside);
    match failed {
        Some(problem) => Err(problem),
        // Another start may have been faster.
        None if home.is_dir() => Ok(home),
        None => renamed.map(|()| home).map_err(unmade),
    }
}

/// A folder's name for an address: its readable end, and a number that tells it from others.
fn folder(url: &str) -> String {
    let last = url.trim_end_matches('/').trim_end_matches(".git").rsplit(['/', ':']).next().unwrap_or_default();
    let plain: String = last.chars().filter(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).take(40).collect();
    format!("{plain}-{:016x}", digest(digest::BASIS, url.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_told_from_a_path_and_what_would_run_something_is_refused() {
        for url in
            ["https://x.example/a.git", "ssh://git@x/a", "git@x.example:a/b.git", "file:///srv/a", "ext::sh -c x"]
        {
            assert!(is_url(url), "{url}");
        }
        for path in ["course", "./a/b", "/srv/a", "a:b"] {
            assert!(!is_url(path), "{path}");
        }
        let cache = tempfile::tempdir().unwrap();
        for refused in ["ext::sh -c x", "http+x://a", "-uhttps://x"] {
            assert_eq!(fetch(refused, cache.path()).unwrap_err().kind.exit_code(), 2, "{refused}");
        }
    }

    #[test]
    fn a_repository_is_fetched_once() {
        let dir = tempfile::tempdir().unwrap();
        let repository = dir.path().join("mine");
        std::fs::create_dir_all(repository.join("lessons")).unwrap();
        std::fs::write(repository.join("lessons/course.yaml"), "title: x\n").unwrap();
        let git = |args: &[&str]| {
            let identity = ["-c", "user.name=x", "-c", "user.email=x@example.invalid"];
            let out = Command::new("git").args(identity).args(args).current_dir(&repository).output().unwrap();
            assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        };
        git(&["init", "--quiet"]);
        git(&["add", "."]);
        git(&["commit", "--quiet", "-m", "x"]);
        let url = format!("file://{}", repository.display());
        let home = fetch(&url, dir.path()).unwrap();
        assert!(home.join("lessons/course.yaml").is_file());
        std::fs::remove_dir_all(&repository).unwrap();
        assert_eq!(fetch(&url, dir.path()).unwrap(), home, "and then no network is needed");
        assert_eq!(fetch("file:///nowhere/at/all", dir.path()).unwrap_err().kind.exit_code(), 3);
    }
}
