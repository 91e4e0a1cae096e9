//! Where things are: the course's files, the directory the learner works in.

use std::path::{Path, PathBuf};

use super::args::Common;
use crate::problem::{Problem, Result};

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

/// The learner's directory: as told, else this one if it is ours, else `my-dsql-app` below it. Absolute.
///
/// # Errors
/// When the current directory is gone.
pub fn workdir(common: &Common) -> Result<PathBuf> {
    let here = std::env::current_dir().map_err(|e| {
        Problem::environment(format!("the current directory cannot be read: {e}")).hint("change to another directory")
    })?;
    Ok(match &common.workdir {
        Some(dir) => here.join(dir),
        None if is_ours(&here) => here,
        None => here.join(WORKDIR),
    })
}
