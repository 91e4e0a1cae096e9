//! Where things are: the course's files, the directory the learner works in.

use std::path::{Path, PathBuf};

use super::args::Common;
use workshop_base::problem::{Problem, Result};

/// The learner's directory when nothing else is said, as the course names it.
pub const WORKDIR: &str = "my-dsql-app";
/// Marks a directory as ours.
pub const MARK: &str = ".workshop";

/// The lesson files and the snapshots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Course {
    pub lessons: PathBuf,
    pub snapshots: PathBuf,
}

/// Finds the course: as told, else below the current directory or one above it, else beside the program
/// or above that (where `cargo run` puts it).
///
/// # Errors
/// When there is none.
pub fn course(common: &Common) -> Result<Course> {
    let lessons = match &common.lessons {
        Some(dir) if dir.join("course.yaml").is_file() => dir.clone(),
        Some(dir) => {
            return Err(Problem::usage(format!("there is no course.yaml in {}", dir.display()))
                .hint("pass --lessons with the directory that holds course.yaml"));
        }
        None => find_lessons().ok_or_else(|| {
            Problem::usage("no course was found here")
                .hint("run it where the course is, or pass --lessons with the directory that holds course.yaml")
        })?,
    };
    let snapshots = match &common.snapshots {
        Some(dir) => dir.clone(),
        None => lessons.parent().unwrap_or(Path::new(".")).join("snapshots"),
    };
    Ok(Course { lessons, snapshots })
}

fn find_lessons() -> Option<PathBuf> {
    let above =
        |dir: &Path| dir.ancestors().map(|d| d.join("lessons")).find(|lessons| lessons.join("course.yaml").is_file());
    let here = std::env::current_dir().ok().and_then(|dir| above(&dir));
    let program = || std::env::current_exe().ok().and_then(|exe| exe.parent().and_then(above));
    here.or_else(program)
}

/// Whether a directory holds a workshop's work.
pub fn is_ours(dir: &Path) -> bool {
    dir.join(MARK).is_dir()
}

/// The learner's directory: as told, else this one if it is ours, else `my-dsql-app` below it, unless that is not yet ours
/// and one above is: whoever works in `my-dsql-app/cdk` is still in the workshop. Absolute.
///
/// # Errors
/// When the current directory is gone.
pub fn workdir(common: &Common) -> Result<PathBuf> {
    let here = std::env::current_dir().map_err(|e| {
        Problem::environment(format!("the current directory cannot be read: {e}")).hint("change to another directory")
    })?;
    Ok(match &common.workdir {
        Some(dir) => here.join(dir),
        None => nearest(here),
    })
}

fn nearest(here: PathBuf) -> PathBuf {
    let below = here.join(WORKDIR);
    if is_ours(&here) {
        return here;
    }
    let above = || here.ancestors().skip(1).find(|dir| was_begun(dir)).map(Path::to_owned);
    let above = if is_ours(&below) { None } else { above() };
    above.unwrap_or(below)
}

/// Whether a workshop or a sandbox was begun in a directory. Only the mark, in a home or a temporary directory say, does
/// not make everything below it ours.
fn was_begun(dir: &Path) -> bool {
    ["session.json", "sandbox"].iter().any(|begun| dir.join(MARK).join(begun).exists())
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
        assert_eq!(nearest(root.path().to_owned()), work, "nothing was begun: it will be, below");
        std::fs::create_dir(work.join(MARK)).expect("made");
        assert_eq!(nearest(root.path().to_owned()), work, "from beside it");
        std::fs::create_dir_all(root.path().join(MARK)).expect("made");
        std::fs::create_dir_all(work.join(MARK).join("sandbox")).expect("made");
        for here in [work.clone(), work.join("cdk"), work.join("cdk/lib")] {
            assert_eq!(nearest(here.clone()), work, "from {}", here.display());
        }
        let elsewhere = root.path().join("elsewhere");
        assert_eq!(nearest(elsewhere.clone()), elsewhere.join(WORKDIR), "another's is not taken");
    }
}
