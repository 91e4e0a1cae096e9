//! `workshop propagate`: carries what an author changed in one chapter's snapshot through all later ones.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::args::CommonOptions;
use super::output::say;
use super::{committed, places};
use crate::tui::user_editor;
use workshop_base::files;
use workshop_base::problem::{Problem, Result, Spot};
use workshop_base::text::{counted, sanitize};
use workshop_course::code::merge::{self, Carried, FileConflict};
use workshop_course::code::tree::{self, Tree};
use workshop_course::lesson::chain;
use workshop_course::lesson::model::{Chapter, Course};

/// Carries the change of a chapter, given by its number or its snapshot's name, into those after it. `old` holds the
/// snapshots as they were; without it, git's last commit does. With `edit`, what meets a change of a later chapter's own is
/// opened in the author's editor, and what they leave there is carried on. Answers the exit code: 1 when something is left
/// to settle.
///
/// # Errors
/// When there is no such chapter, the old snapshots are not known, or a file cannot be written.
pub fn run(common: &CommonOptions, chapter: &str, old: Option<&Path>, edit: bool) -> Result<u8> {
    let places = places::course_to_write(common)?;
    let names = chain::snapshots_in_order(&places.lessons)?;
    let mut from = chain::position(&names, chapter).ok_or_else(|| {
        Problem::usage(format!("there is no chapter `{chapter}`"))
            .hint("name it by its number or its snapshot: 0, ch00")
    })?;
    let named = old.is_some();
    let old = match old {
        Some(directory) => read_all(directory, &names)?,
        None => {
            let old = in_order(committed::trees(&places.snapshots)?, &names)?;
            all_committed(&names, &old, from)?;
            old
        }
    };
    let labels: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut any = false;
    loop {
        let mut now = read_all(&places.snapshots, &names)?;
        if !named {
            without_what_git_leaves_out(&places.snapshots, &names, &mut now);
        }
        refuse_marks(&names, &now)?;
        let carried = merge::carry(&old, &now, &labels, from);
        for one in &carried {
            write(&places.snapshots.join(&names[one.index]), &now[one.index], &one.files)?;
            say(&told(&names[one.index], &now[one.index], one))?;
        }
        any |= !carried.is_empty();
        let Some(stopped) = carried.last().filter(|last| !last.conflicts.is_empty()) else {
            if !any {
                say("nothing to carry: the later chapters have it already\n")?;
            }
            return Ok(0);
        };
        let name = &names[stopped.index];
        if !(edit && settle(&places.snapshots.join(name), &stopped.conflicts)?) {
            say(&format!("settle what is marked in {name}, then go on with `workshop propagate {name}`\n"))?;
            return Ok(1);
        }
        from = stopped.index;
    }
}

/// Opens each file with marks in the author's editor, at the first of them. False when marks are left, or a conflict is
/// one of those that have none.
fn settle(directory: &Path, conflicts: &[FileConflict]) -> Result<bool> {
    let mut settled = true;
    for conflict in conflicts {
        let Some(line) = conflict.line else {
            settled = false;
            continue;
        };
        let path = tree::locate(directory, &conflict.path).map_err(Problem::usage)?;
        open_editor(&path, line)?;
        let text = fs::read_to_string(&path).unwrap_or_default();
        settled &= merge::holds_markers(&text).is_none();
    }
    Ok(settled)
}

/// Runs the editor that `VISUAL` or `EDITOR` names, a command line of its own, and waits for its end.
fn open_editor(path: &Path, line: usize) -> Result<()> {
    let named =
        ["VISUAL", "EDITOR"].into_iter().find_map(|name| std::env::var(name).ok().filter(|v| !v.trim().is_empty()));
    let editor = named.unwrap_or_else(|| user_editor::EDITOR.to_owned());
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("exec {editor} \"$@\"")).arg(&editor);
    command.args(user_editor::editor_arguments(&editor, path, line));
    let failed = |why: String| {
        Problem::environment(format!("{} {why}", sanitize(&editor)))
            .hint("set VISUAL or EDITOR to an editor that you have")
    };
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(failed(format!("ended with {status}"))),
        Err(error) => Err(failed(format!("cannot be run: {error}"))),
    }
}

/// Returns a problem for each snapshot that lacks what the one before it gained since git's last commit; none where git
/// knows nothing.
pub fn forgotten(lessons: &Path, snapshots: &Path) -> Vec<Problem> {
    let found = || -> Option<Vec<Problem>> {
        let names = chain::snapshots_in_order(lessons).ok()?;
        let old = in_order(committed::trees(snapshots).ok()?, &names).ok()?;
        let mut now = read_all(snapshots, &names).ok()?;
        without_what_git_leaves_out(snapshots, &names, &mut now);
        let problem = |(index, path): (usize, String)| {
            let (this, before) = (&names[index], &names[index - 1]);
            Problem::failed(format!("{this}/{path} lacks what {before}/{path} gained since the last commit"))
                .hint(format!("`workshop propagate {before}` carries it through all later chapters"))
                .at(top_of(snapshots.join(this).join(&path)))
        };
        Some(merge::forgotten(&old, &now).into_iter().map(problem).collect())
    };
    found().unwrap_or_default()
}

/// Returns a warning for each file or directory of a snapshot that git leaves out, and for each submodule: who clones the course
/// does not have it.
pub fn unshared(course: &Course) -> Vec<Problem> {
    // With what is for any option.
    let of = |chapter: &Chapter| {
        let read = tree::read(&course.snapshots.join(&chapter.id)).map(|read| read.files);
        (chapter.id.clone(), read.unwrap_or_else(|_| chapter.snapshot.clone()))
    };
    let snapshots: Vec<(String, Tree)> = course.chapters.iter().map(of).collect();
    let is_part = |path: &&String| {
        let within = |name: &str| path.strip_prefix(name).and_then(|rest| rest.strip_prefix('/'));
        let holds = |files: &Tree, path: &str| files.keys().any(|file| is_of(file, path));
        *path == committed::ALL_OF_IT
            || snapshots.iter().any(|(name, files)| within(name).is_some_and(|path| holds(files, path)))
    };
    let warning = |path: &String| {
        let file = match path.as_str() {
            committed::ALL_OF_IT => course.snapshots.clone(),
            path => course.snapshots.join(path.trim_end_matches('/')),
        };
        Problem::course(format!("git leaves {} out, and it is part of the course", file.display()))
            .hint(
                "whoever clones the course lacks it: add it with `git add --force`, or name it in the snapshot's own \
                 `.gitignore`",
            )
            .at(top_of(file))
    };
    let submodule = |path: &String| {
        let file = course.snapshots.join(path);
        Problem::course(format!("{} is a submodule", file.display()))
            .hint("whoever opens the course by its address finds it empty: copy its files into the snapshot")
            .at(top_of(file))
    };
    let (left_out, submodules) = (committed::left_out(&course.snapshots), committed::submodules(&course.snapshots));
    left_out.iter().filter(is_part).map(warning).chain(submodules.iter().map(submodule)).collect()
}

/// Tells whether a file is what git left out: the file itself, or one below a directory, which ends in a slash.
fn is_of(file: &str, left_out: &str) -> bool {
    file == left_out || (left_out.is_empty() || left_out.ends_with('/')) && file.starts_with(left_out)
}

/// The first place of a file, for what concerns all of it.
fn top_of(file: PathBuf) -> Spot {
    Spot { file, line: 1, column: 1, excerpt: String::new(), length: 1 }
}

/// Takes the files out of snapshots that git leaves out: no commit has them, whatever they were.
fn without_what_git_leaves_out(snapshots: &Path, names: &[String], trees: &mut [Tree]) {
    for path in committed::left_out(snapshots) {
        if path == committed::ALL_OF_IT {
            trees.iter_mut().for_each(Tree::clear);
        }
        for (name, tree) in names.iter().zip(&mut *trees) {
            if let Some(path) = path.strip_prefix(name.as_str()).and_then(|rest| rest.strip_prefix('/')) {
                tree.retain(|file, _| !is_of(file, path));
            }
        }
    }
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

/// Refuses to carry the change of a snapshot that no commit has, or through one: against nothing all of it would be new, and
/// meet all that the next chapter has. What the last chapter was is asked by nobody.
fn all_committed(names: &[String], old: &[Tree], from: usize) -> Result<()> {
    let asked = names.iter().zip(old).take(names.len().saturating_sub(1)).skip(from);
    let unknown: Vec<&str> = asked.filter(|(_, tree)| tree.is_empty()).map(|(name, _)| name.as_str()).collect();
    match unknown.first() {
        None => Ok(()),
        Some(first) => Err(Problem::usage(format!(
            "it is not known what {} was before: git's last commit does not have it",
            unknown.join(", ")
        ))
        .hint(format!("commit {first} as it was, then change it, or name a copy of the snapshots with --old DIR"))),
    }
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

fn write(directory: &Path, before: &Tree, after: &Tree) -> Result<()> {
    for path in before.keys().filter(|path| !after.contains_key(*path)) {
        let full = tree::locate(directory, path).map_err(Problem::usage)?;
        fs::remove_file(&full).map_err(|e| unwritable(&full, &e))?;
    }
    for (path, file) in after.iter().filter(|(path, file)| before.get(*path) != Some(file)) {
        let full = tree::locate(directory, path).map_err(Problem::usage)?;
        let made = full.parent().map_or(Ok(()), fs::create_dir_all);
        let made = made.and_then(|()| match full.exists() {
            true => files::rewrite(&full, file.bytes()),
            false => fs::write(&full, file.bytes()),
        });
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
