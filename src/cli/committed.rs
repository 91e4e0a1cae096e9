//! The snapshots as git has them, for knowing what an author changed since.
//!
//! Invariant: git is only asked for objects that are there. Nothing that a repository configures is run by it: no hook,
//! no filter, no file system monitor, no transport.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use super::git_clone;
use workshop_base::problem::{Problem, Result};
use workshop_course::code::tree::{IGNORED, SourceFile, Tree};

/// Reads the trees below a directory as the commit has them, by the name of their topmost directory. `None` when the
/// directory is in no repository, has no commit, or there is no git.
///
/// # Errors
/// When git answers what it never should.
pub fn trees(directory: &Path) -> Result<Option<BTreeMap<String, Tree>>> {
    let Some(listing) = ask(directory, &["ls-tree", "-r", "-z", "HEAD", "."], "") else { return Ok(None) };
    let mut trees: BTreeMap<String, Tree> = BTreeMap::new();
    let mut files: BTreeMap<String, Vec<(String, String, bool)>> = BTreeMap::new();
    for entry in listing.split(|byte| *byte == 0).filter(|entry| !entry.is_empty()) {
        let entry = String::from_utf8_lossy(entry);
        let Some((head, path)) = entry.split_once('\t') else { continue };
        let mut head = head.split(' ');
        let (Some(mode), Some("blob"), Some(object)) = (head.next(), head.next(), head.next()) else { continue };
        let Some((top, path)) = path.split_once('/') else { continue };
        let is_file = mode.starts_with("100") && !path.split('/').any(|part| IGNORED.contains(&part));
        if is_file {
            files.entry(object.to_owned()).or_default().push((top.to_owned(), path.to_owned(), mode == "100755"));
        }
    }
    let wanted: String = files.keys().map(|object| format!("{object}\n")).collect();
    let Some(answer) = ask(directory, &["cat-file", "--batch"], &wanted) else { return Ok(None) };
    let mut rest = answer.as_slice();
    for (object, places) in files {
        let (bytes, after) =
            blob(rest, &object).ok_or_else(|| Problem::environment("git answers in a way of its own"))?;
        rest = after;
        for (top, path, executable) in places {
            trees.entry(top).or_default().insert(path, SourceFile::new(bytes.to_vec(), executable));
        }
    }
    Ok(Some(trees))
}

/// The path of what git leaves out, where that is the directory itself that was asked about, or one above it.
pub const ALL_OF_IT: &str = "./";

/// Returns what git leaves out of the repository below a directory, by its rules of what to ignore: files, and directories
/// with a slash at their end; [`ALL_OF_IT`] alone where it has nothing of the directory. Nothing where there is no repository.
pub fn left_out(directory: &Path) -> Vec<String> {
    let is_ignored = ask(directory, &["check-ignore", "-q", "."], "").is_some();
    if is_ignored && ask(directory, &["ls-files", "-z", "--", "."], "").is_some_and(|known| known.is_empty()) {
        return vec![ALL_OF_IT.to_owned()];
    }
    let args = ["ls-files", "--others", "--ignored", "--exclude-standard", "--directory", "-z", "--", "."];
    let listing = ask(directory, &args, "").unwrap_or_default();
    let paths = listing.split(|byte| *byte == 0).filter(|path| !path.is_empty());
    paths.map(|path| String::from_utf8_lossy(path).into_owned()).collect()
}

/// Returns the submodules that the commit has below a directory.
pub fn submodules(directory: &Path) -> Vec<String> {
    let listing = ask(directory, &["ls-tree", "-r", "-z", "HEAD", "."], "").unwrap_or_default();
    let entries = listing.split(|byte| *byte == 0).map(|entry| String::from_utf8_lossy(entry).into_owned());
    let path = |entry: String| entry.strip_prefix("160000 ")?.split_once('\t').map(|(_, path)| path.to_owned());
    entries.filter_map(path).collect()
}

/// The next object of a batch, `OBJECT blob SIZE` and its bytes, and what comes after it.
fn blob<'a>(answer: &'a [u8], object: &str) -> Option<(&'a [u8], &'a [u8])> {
    let end = answer.iter().position(|byte| *byte == b'\n')?;
    let head = std::str::from_utf8(&answer[..end]).ok()?;
    let size: usize = head.strip_prefix(object)?.strip_prefix(" blob ")?.parse().ok()?;
    let bytes = answer.get(end + 1..end + 1 + size)?;
    Some((bytes, answer.get(end + 2 + size..)?))
}

fn ask(directory: &Path, args: &[&str], input: &str) -> Option<Vec<u8>> {
    let mut child = git_clone::in_no_repository()
        .args(["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "-c", "protocol.allow=never"])
        .args(args)
        .current_dir(directory)
        .env("GIT_NO_LAZY_FETCH", "1")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut stdin = child.stdin.take()?;
    let input = input.to_owned();
    // Written beside the reading: both pipes are small.
    let writing = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().ok()?;
    let _ = writing.join();
    output.status.success().then_some(output.stdout)
}
