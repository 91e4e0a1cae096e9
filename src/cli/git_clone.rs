//! Courses from elsewhere: a repository fetched with git.

use std::path::Path;
use std::process::{Command, Stdio};

use workshop_base::problem::{Problem, Result};
use workshop_base::surroundings::GIT_REPOSITORY;
use workshop_base::text::sanitize;

/// The ways by which git may fetch: what a name could be made to run is not among them (git's `ext::`).
const SCHEMES: [&str; 4] = ["https://", "ssh://", "git://", "file://"];

/// Returns true for what names a repository elsewhere, not a path here.
pub fn is_url(name: &str) -> bool {
    let scp =
        name.split_once(':').is_some_and(|(host, path)| host.contains('@') && !host.contains('/') && !path.is_empty());
    name.contains("://") || name.contains("::") || scp && !Path::new(name).exists()
}

/// Parts an address from the tag or branch that stands behind it: `https://…/course.git#v2`.
pub fn with_tag(name: &str) -> (&str, Option<&str>) {
    match name.rsplit_once('#') {
        Some((url, tag)) if !url.is_empty() && !tag.is_empty() => (url, Some(tag)),
        _ => (name, None),
    }
}

/// Fetches a repository's newest commit, or that of a tag or branch, into a directory that is not there yet. Returns the
/// commit.
///
/// # Errors
/// When the address is of no scheme that is known, and when git is missing or fails.
pub fn clone(url: &str, tag: Option<&str>, to: &Path) -> Result<String> {
    let scp = !url.contains("://") && !url.contains("::");
    if url.starts_with('-') || !scp && !SCHEMES.iter().any(|scheme| url.starts_with(scheme)) {
        return Err(Problem::usage(format!("`{url}` is no address that a course is fetched from"))
            .expected("https://…, ssh://…, git://…, file://… or user@host:path")
            .hint("or clone it yourself, and pass its directory; of an archive, download it and pass the file"));
    }
    if tag.is_some_and(|tag| tag.starts_with('-')) {
        return Err(Problem::usage("a tag or branch does not begin with `-`").hint("write it as in `…/course.git#v2`"));
    }
    let branch = tag.into_iter().flat_map(|tag| ["--branch", tag]);
    let fetched = git()
        .args(["-c", "advice.detachedHead=false", "clone", "--quiet", "--depth", "1", "--no-recurse-submodules"])
        .args(branch)
        .args(["--", url])
        .arg(to)
        .stdin(Stdio::inherit())
        .status();
    let at = tag.map(|tag| format!(" at {}", sanitize(tag))).unwrap_or_default();
    match fetched {
        Ok(status) if status.success() => {}
        Ok(status) => {
            return Err(Problem::environment(format!("git could not fetch {}{at}: {status}", sanitize(url)))
                .hint("look at what git says above; without a network, pass the directory of a clone"));
        }
        Err(e) => {
            return Err(Problem::environment(format!("git cannot be run: {e}"))
                .hint("install git, or pass the directory of a course that is here"));
        }
    }
    let head = git().arg("-C").arg(to).args(["rev-parse", "HEAD"]).output();
    let head = head.map(|out| String::from_utf8_lossy(&out.stdout).trim().to_owned()).unwrap_or_default();
    Ok(head)
}

fn git() -> Command {
    let mut git = in_no_repository();
    git.env("GIT_ALLOW_PROTOCOL", "https:ssh:git:file");
    git
}

/// Begins a command of git that finds its repository by its directory. A hook's variables name the one that the hook is of,
/// and then take the directory for the top of it.
pub fn in_no_repository() -> Command {
    let mut git = Command::new("git");
    for name in GIT_REPOSITORY {
        git.env_remove(name);
    }
    git
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
        let dir = tempfile::tempdir().unwrap();
        for refused in ["ext::sh -c x", "http+x://a", "-uhttps://x"] {
            let problem = clone(refused, None, &dir.path().join("to")).unwrap_err();
            assert_eq!(problem.kind.exit_code(), 2, "{refused}");
        }
        let problem = clone("https://x.example/a", Some("-x"), &dir.path().join("to")).unwrap_err();
        assert_eq!(problem.kind.exit_code(), 2);
        assert_eq!(with_tag("https://x/a.git#v2"), ("https://x/a.git", Some("v2")));
        assert_eq!(with_tag("https://x/a.git"), ("https://x/a.git", None));
    }
}
