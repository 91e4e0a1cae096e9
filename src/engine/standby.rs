//! What a standby has to do to be where a talk is, and the files that it does it with.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::event::StepRef;
use super::progress::Progress;
use workshop_base::private_dir::PrivateDir;
use workshop_base::problem::{Problem, Result};
use workshop_course::code::tree::{IGNORED, SourceFile, Tree};
use workshop_course::lesson::model::{Chapter, Course, Step, StepAction};

/// A file larger than this is none of a project's sources.
const LARGEST: u64 = 8 * 1024 * 1024;
/// As much of a project is kept in memory for each step that the standby has not come to.
const MOST: usize = 64 * 1024 * 1024;

/// Tells whether a standby does this step, too. What is served stands on this machine and holds its port; conditions are
/// the sandbox's alone, which no talk in an account is under; and the files come along by themselves.
pub(super) fn follows(step: &Step) -> bool {
    match step.action {
        StepAction::Deploy(_)
        | StepAction::Sql(_)
        | StepAction::Shell(_)
        | StepAction::Invoke(_)
        | StepAction::Check(_)
        | StepAction::Load(_) => true,
        StepAction::Read
        | StepAction::Edit(_)
        | StepAction::Serve(_)
        | StepAction::Stop(_)
        | StepAction::Simulate(_) => false,
    }
}

/// Returns the steps that are done in the account and not on the standby, in the order of the course. `again` are done there
/// once more since.
pub(super) fn behind(course: &Course, account: &Progress, there: &Progress, again: &BTreeSet<StepRef>) -> Vec<StepRef> {
    let missing = |(chapter, step): &(&Chapter, &Step)| {
        let at_step = at(chapter, step);
        counts_as_done(account, chapter, step) && (!there.has_effect(&at_step) || again.contains(&at_step))
    };
    followed(course).filter(missing).map(|(chapter, step)| at(chapter, step)).collect()
}

/// Returns the steps that are done on the standby and not in the account, in the order of the course.
pub(super) fn ahead(course: &Course, account: &Progress, there: &Progress) -> Vec<StepRef> {
    let missing = |(chapter, step): &(&Chapter, &Step)| {
        there.is_done(&at(chapter, step)) && !counts_as_done(account, chapter, step)
    };
    followed(course).filter(missing).map(|(chapter, step)| at(chapter, step)).collect()
}

/// Tells whether a step is done in the account: it was, or the talk was begun behind its chapter.
fn counts_as_done(account: &Progress, chapter: &Chapter, step: &Step) -> bool {
    let here = account.position.as_ref().map_or(0, |position| position.chapter);
    let known = chapter.steps.iter().any(|step| follows(step) && account.steps.contains_key(&at(chapter, step)));
    let left_out = step.optional || (chapter.on_stage && !step.on_stage);
    account.is_done(&at(chapter, step)) || chapter.number < here && !known && !left_out
}

fn followed(course: &Course) -> impl Iterator<Item = (&Chapter, &Step)> {
    let steps = course.chapters.iter().flat_map(|chapter| chapter.steps.iter().map(move |step| (chapter, step)));
    steps.filter(|(_, step)| follows(step))
}

fn at(chapter: &Chapter, step: &Step) -> StepRef {
    StepRef { chapter: chapter.number, step: step.id.clone() }
}

/// The sources of a project as they were at a time: text and mode by path.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct ProjectFiles(BTreeMap<String, (Vec<u8>, u32)>);

impl ProjectFiles {
    /// Reads the sources in a directory, as far as they can be read: no packages, nothing that was built by the CDK, no
    /// links, nothing that is too large to be a source.
    pub(super) fn read(dir: &Path) -> ProjectFiles {
        let (mut files, mut size) = (BTreeMap::new(), 0);
        let mut dirs = VecDeque::from([String::new()]);
        while let Some(below) = dirs.pop_front() {
            for entry in fs::read_dir(dir.join(&below)).into_iter().flatten().flatten() {
                let Ok(name) = entry.file_name().into_string() else { continue };
                let Ok(about) = entry.metadata() else { continue };
                let path = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
                if about.is_dir() && !IGNORED.contains(&name.as_str()) {
                    dirs.push_back(path);
                } else if about.is_file() && about.len() <= LARGEST && size < MOST {
                    let Ok(bytes) = fs::read(entry.path()) else { continue };
                    size += bytes.len();
                    files.insert(path, (bytes, about.permissions().mode() & 0o777));
                }
            }
        }
        ProjectFiles(files)
    }

    /// Makes a directory's sources these: what is not among them goes. What is the same already is not touched.
    ///
    /// # Errors
    /// When it cannot be written, or would be written through a link.
    pub(super) fn write(&self, dir: &Path) -> Result<()> {
        let there = ProjectFiles::read(dir);
        let writing = || -> io::Result<()> {
            let root = PrivateDir::named(dir)?;
            for (path, file) in self.0.iter().filter(|(path, file)| there.0.get(*path) != Some(file)) {
                let Some((holder, name)) = root.holder(path, true)? else { continue };
                holder.replace(name, &file.0)?;
                fs::set_permissions(holder.path().join(name), Permissions::from_mode(file.1))?;
            }
            for path in there.0.keys().filter(|path| !self.0.contains_key(*path)) {
                if let Some((holder, name)) = root.holder(path, false)? {
                    holder.remove(name)?;
                }
            }
            Ok(())
        };
        writing().map_err(|error| {
            Problem::environment(format!("the standby's files in {}: {error}", dir.display()))
                .hint("free some disk space, or make it writable for you")
        })
    }

    /// Returns these with the course's own in place of what the course has: `tracked` are its paths.
    pub(super) fn with(mut self, tracked: &BTreeSet<&str>, files: &Tree) -> ProjectFiles {
        self.0.retain(|path, _| !tracked.contains(path.as_str()));
        let mode = |file: &SourceFile| if file.executable { 0o755 } else { 0o644 };
        self.0.extend(files.iter().map(|(path, file)| (path.clone(), (file.bytes().to_vec(), mode(file)))));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_comes_along_as_it_is_without_packages_and_links() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        for (path, text) in [("a/x.ts", "x"), ("run.sh", "#!"), ("node_modules/p/index.js", "p"), (".workshop/s", "s")]
        {
            fs::create_dir_all(from.join(path).parent().unwrap()).unwrap();
            fs::write(from.join(path), text).unwrap();
        }
        fs::set_permissions(from.join("run.sh"), Permissions::from_mode(0o755)).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", from.join("link")).unwrap();
        fs::create_dir_all(to.join("b")).unwrap();
        fs::write(to.join("b/gone.ts"), "gone").unwrap();
        let files = ProjectFiles::read(&from);
        files.write(&to).unwrap();
        assert_eq!(ProjectFiles::read(&to), files);
        assert_eq!(files.0.keys().collect::<Vec<_>>(), ["a/x.ts", "run.sh"]);
        assert_eq!(fs::metadata(to.join("run.sh")).unwrap().permissions().mode() & 0o777, 0o755);
        assert!(!to.join("b/gone.ts").exists() && !to.join("link").exists());
    }

    #[test]
    fn nothing_is_written_through_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to, outside) = (dir.path().join("from"), dir.path().join("to"), dir.path().join("outside"));
        for made in [&from.join("a"), &to, &outside] {
            fs::create_dir_all(made).unwrap();
        }
        fs::write(from.join("a/x.ts"), "x").unwrap();
        std::os::unix::fs::symlink(&outside, to.join("a")).unwrap();
        ProjectFiles::read(&from).write(&to).unwrap_err();
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    }
}
