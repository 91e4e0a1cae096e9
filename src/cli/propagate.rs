//! `workshop propagate`: carries what an author changed in one chapter's snapshot through all later ones.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::args::CommonOptions;
use super::output::say;
use super::{committed, places};
use workshop_base::problem::{Problem, Result};
use workshop_base::text::{counted, sanitize};
use workshop_course::code::merge::{self, Carried, FileConflict};
use workshop_course::code::tree::{self, Tree};
use workshop_course::lesson::chain;

/// Carries the change of a chapter, given by its number or its snapshot's name, into those after it. `old` holds the
/// snapshots as they were; without it, git's last commit does. Answers the exit code: 1 when something is left to settle.
///
/// # Errors
/// When there is no such chapter, the old snapshots are not known, or a file cannot be written.
pub fn run(common: &CommonOptions, chapter: &str, old: Option<&Path>) -> Result<u8> {
    let places = places::authors_course(common)?;
    let names = chain::snapshots_in_order(&places.lessons)?;
    let from = names
        .iter()
        .position(|name| name == chapter)
        .or_else(|| chapter.parse().ok().filter(|number| *number < names.len()))
        .ok_or_else(|| {
            Problem::usage(format!("there is no chapter `{chapter}`"))
                .hint("name it by its number or its snapshot: 0, ch00")
        })?;
    let now = read_all(&places.snapshots, &names)?;
    let old = match old {
        Some(directory) => read_all(directory, &names)?,
        None => in_order(committed::trees(&places.snapshots)?, &names)?,
    };
    refuse_marks(&names, &now)?;
    let labels: Vec<&str> = names.iter().map(String::as_str).collect();
    let carried = merge::carry(&old, &now, &labels, from);
    for one in &carried {
        write(&places.snapshots.join(&names[one.index]), &now[one.index], &one.files)?;
        say(&told(&names[one.index], &now[one.index], one))?;
    }
    match carried.last().filter(|last| !last.conflicts.is_empty()) {
        None if carried.is_empty() => say("nothing to carry: the later chapters have it already\n").map(|()| 0),
        None => Ok(0),
        Some(stopped) => {
            let name = &names[stopped.index];
            say(&format!("settle what is marked in {name}, then go on with `workshop propagate {name}`\n"))?;
            Ok(1)
        }
    }
}

/// Returns a problem for each snapshot that lacks what the one before it gained since git's last commit; none where git
/// knows nothing.
pub fn forgotten(lessons: &Path, snapshots: &Path) -> Vec<Problem> {
    let found = || -> Option<Vec<Problem>> {
        let names = chain::snapshots_in_order(lessons).ok()?;
        let old = in_order(committed::trees(snapshots).ok()?, &names).ok()?;
        let now = read_all(snapshots, &names).ok()?;
        let problem = |(index, path): (usize, String)| {
            let (this, before) = (&names[index], &names[index - 1]);
            Problem::failed(format!("{this}/{path} lacks what {before}/{path} gained since the last commit"))
                .hint(format!("`workshop propagate {before}` carries it through all later chapters"))
        };
        Some(merge::forgotten(&old, &now).into_iter().map(problem).collect())
    };
    found().unwrap_or_default()
}

fn read_all(snapshots: &Path, names: &[String]) -> Result<Vec<Tree>> {
    let read = |name: &String| tree::read(&snapshots.join(name)).map(|reading| reading.files).map_err(Problem::usage);
    names.iter().map(read).collect()
}

/// The committed trees in the order of the chapters; a chapter that is not committed yet was nothing.
fn in_order(trees: Option<std::collections::BTreeMap<String, Tree>>, names: &[String]) -> Result<Vec<Tree>> {
    let mut trees = trees.ok_or_else(|| {
        Problem::usage("it is not known what the snapshots were before: they are in no commit of a git repository")
            .hint("commit them before you change one, or name a copy of them with --old DIR")
    })?;
    Ok(names.iter().map(|name| trees.remove(name).unwrap_or_default()).collect())
}

fn refuse_marks(names: &[String], now: &[Tree]) -> Result<()> {
    for (name, files) in names.iter().zip(now) {
        for (path, file) in files {
            if let Some(line) = file.text().and_then(merge::holds_markers) {
                let message = format!("{name}/{path}:{line} holds the marks of a conflict");
                return Err(Problem::failed(message)
                    .hint("settle it first: keep the lines that are right, take the marks away"));
            }
        }
    }
    Ok(())
}

fn told(name: &str, before: &Tree, one: &Carried) -> String {
    let changed = before.keys().chain(one.files.keys().filter(|path| !before.contains_key(*path)));
    let changed = changed.filter(|path| before.get(*path) != one.files.get(*path)).count();
    let mut text = format!("{name}: {} changed", counted(changed, "file"));
    for FileConflict { path, line, what } in &one.conflicts {
        let line = line.map(|line| format!(":{line}")).unwrap_or_default();
        text.push_str(&sanitize(&format!("\n  {name}/{path}{line} {what}")));
    }
    text.push('\n');
    text
}

fn write(directory: &Path, before: &Tree, files: &Tree) -> Result<()> {
    for path in before.keys().filter(|path| !files.contains_key(*path)) {
        let full = tree::locate(directory, path).map_err(Problem::usage)?;
        fs::remove_file(&full).map_err(|e| unwritable(&full, &e))?;
    }
    for (path, file) in files.iter().filter(|(path, file)| before.get(*path) != Some(file)) {
        let full = tree::locate(directory, path).map_err(Problem::usage)?;
        let made = full.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| fs::write(&full, file.bytes()));
        made.map_err(|e| unwritable(&full, &e))?;
        let mode = fs::metadata(&full).map_err(|e| unwritable(&full, &e))?.permissions().mode();
        let wanted = if file.executable { mode | ((mode & 0o444) >> 2) } else { mode & !0o111 };
        if wanted != mode {
            fs::set_permissions(&full, fs::Permissions::from_mode(wanted)).map_err(|e| unwritable(&full, &e))?;
        }
    }
    Ok(())
}

fn unwritable(path: &Path, error: &std::io::Error) -> Problem {
    Problem::environment(format!("{} cannot be written: {error}", path.display()))
        .hint("what was written so far is whole: mend the cause and run it again")
}
