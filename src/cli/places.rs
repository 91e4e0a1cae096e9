//! Places: the course's files, and the directory that the learner works in.

use std::path::{Path, PathBuf};

use super::args::CommonOptions;
use super::{fetched, shipped, target};
use workshop_base::problem::{Problem, Result};
use workshop_course::lesson::chain;

/// The learner's directory when nothing else is said, as the course names it.
pub const WORKDIR: &str = "my-dsql-app";
/// Marks a directory as ours.
pub const MARK: &str = ".workshop";

/// The directories of a course.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CourseDirs {
    pub lessons: PathBuf,
    pub snapshots: PathBuf,
    /// The address that it was fetched from.
    pub fetched: Option<String>,
}

impl CourseDirs {
    fn new(lessons: PathBuf, common: &CommonOptions) -> CourseDirs {
        let beside = || lessons.parent().unwrap_or(Path::new(".")).join("snapshots");
        let snapshots = common.snapshots.clone().unwrap_or_else(beside);
        CourseDirs { lessons, snapshots, fetched: None }
    }
}

/// Finds the course: as told, else in the current directory or one above it, else the one that the program ships.
///
/// # Errors
/// When there is none where it was told to be, and when the shipped one cannot be laid out.
pub fn course(common: &CommonOptions) -> Result<CourseDirs> {
    if let Some(found) = own_course(common)? {
        return Ok(found);
    }
    match shipped::lay_out(&target::cache()?)? {
        Some(home) => Ok(CourseDirs::new(home.join("lessons"), common)),
        None => Err(nowhere()),
    }
}

/// Finds the course that its author works on: as [`course`], but never the one that the program ships.
///
/// # Errors
/// When there is none.
pub fn authors_course(common: &CommonOptions) -> Result<CourseDirs> {
    own_course(common)?.ok_or_else(nowhere)
}

fn own_course(common: &CommonOptions) -> Result<Option<CourseDirs>> {
    if let Some(named) = &common.course {
        return named_course(common, named).map(Some);
    }
    let lessons = match &common.lessons {
        Some(dir) if is_lessons(dir) => Some(dir.clone()),
        Some(dir) => {
            return Err(Problem::usage(format!("there is no course.yaml in {}", dir.display()))
                .hint("pass --lessons with the directory that holds course.yaml"));
        }
        None => std::env::current_dir().ok().and_then(|here| lessons_above(&here)),
    };
    Ok(lessons.map(|lessons| CourseDirs::new(lessons, common)))
}

/// The course that `--course` names: a directory, its `course.yaml`, or an address that git fetches from.
fn named_course(common: &CommonOptions, named: &str) -> Result<CourseDirs> {
    let (home, fetched) = match fetched::is_url(named) {
        true => (fetched::fetch(named, &target::cache()?)?, Some(named.to_owned())),
        false => (PathBuf::from(named), None),
    };
    let home = if home.is_file() { home.parent().unwrap_or(Path::new("")).to_owned() } else { home };
    let home = if home.as_os_str().is_empty() { PathBuf::from(".") } else { home };
    let lessons = [home.join("lessons"), home.clone()].into_iter().find(|dir| is_lessons(dir)).ok_or_else(|| {
        Problem::usage(format!("there is no course in {named}"))
            .expected("a lessons/course.yaml or a course.yaml there")
            .hint("name the directory that holds lessons/ and snapshots/, or an address that git fetches from")
    })?;
    Ok(CourseDirs { fetched, ..CourseDirs::new(lessons, common) })
}

fn nowhere() -> Problem {
    Problem::usage("no course was found here")
        .hint("run it where the course is, or pass --lessons with the directory that holds course.yaml")
}

fn is_lessons(dir: &Path) -> bool {
    dir.join("course.yaml").is_file()
}

/// In the current directory it goes by its short name, by which every problem then names it.
fn lessons_above(here: &Path) -> Option<PathBuf> {
    if is_lessons(&here.join("lessons")) {
        return Some(PathBuf::from("lessons"));
    }
    here.ancestors().map(|dir| dir.join("lessons")).find(|lessons| is_lessons(lessons))
}

/// Returns true for a directory that holds a workshop's work.
pub fn is_ours(dir: &Path) -> bool {
    dir.join(MARK).is_dir()
}

/// Returns the learner's directory: as told, else this one if it is ours, else one below it with the name that the course
/// gives it, unless that is not yet ours and one above is: whoever works in `my-dsql-app/cdk` is still in the workshop. Absolute.
///
/// # Errors
/// When the current directory is gone.
pub fn workdir(common: &CommonOptions) -> Result<PathBuf> {
    let here = std::env::current_dir().map_err(|e| {
        Problem::environment(format!("the current directory cannot be read: {e}")).hint("change to another directory")
    })?;
    Ok(match &common.workdir {
        Some(dir) => here.join(dir),
        None => nearest(here, &workdir_name(common)),
    })
}

/// The name that the course gives to its learners' directory; the shipped course's where there is no other.
fn workdir_name(common: &CommonOptions) -> String {
    // An address is not fetched from for a name.
    if common.course.as_deref().is_some_and(fetched::is_url) {
        return WORKDIR.to_owned();
    }
    let dirs = own_course(common).ok().flatten();
    dirs.and_then(|dirs| chain::workdir_name(&dirs.lessons)).unwrap_or_else(|| WORKDIR.to_owned())
}

fn nearest(here: PathBuf, name: &str) -> PathBuf {
    let below = here.join(name);
    if is_ours(&here) {
        return here;
    }
    let above = || here.ancestors().skip(1).find(|dir| was_begun(dir)).map(Path::to_owned);
    let above = if is_ours(&below) { None } else { above() };
    above.unwrap_or(below)
}

/// Returns true when a workshop or a sandbox was begun in a directory. Only the mark, in a home or a temporary directory say, does
/// not make everything below it ours.
fn was_begun(dir: &Path) -> bool {
    ["session.json", "sandbox", "database"].iter().any(|begun| dir.join(MARK).join(begun).exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workshop_is_found_from_beside_it_from_within_and_from_further_in() {
        let root = tempfile::tempdir().expect("a directory");
        let work = root.path().join(WORKDIR);
        std::fs::create_dir_all(work.join("cdk/lib")).expect("made");
        std::fs::create_dir_all(root.path().join("elsewhere")).expect("made");
        assert_eq!(nearest(root.path().to_owned(), WORKDIR), work, "nothing was begun: it will be, below");
        std::fs::create_dir(work.join(MARK)).expect("made");
        assert_eq!(nearest(root.path().to_owned(), WORKDIR), work, "from beside it");
        std::fs::create_dir_all(root.path().join(MARK)).expect("made");
        std::fs::create_dir_all(work.join(MARK).join("sandbox")).expect("made");
        for here in [work.clone(), work.join("cdk"), work.join("cdk/lib")] {
            assert_eq!(nearest(here.clone(), WORKDIR), work, "from {}", here.display());
        }
        let elsewhere = root.path().join("elsewhere");
        assert_eq!(nearest(elsewhere.clone(), WORKDIR), elsewhere.join(WORKDIR), "another's is not taken");
    }
}
