//! The courses in a directory.

use std::path::{Path, PathBuf};

use workshop_course::lesson::{chain, listing};

/// A course that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CourseChoice {
    /// What it is called.
    pub title: String,
    /// The word that names it on the command line.
    pub name: String,
    /// Where it lies; None for the one that the program ships.
    pub home: Option<PathBuf>,
}

/// Returns true for a directory that holds lesson files.
pub fn is_lessons(dir: &Path) -> bool {
    // One of another name is told when it is read.
    dir.join("course.yaml").is_file() || listing::misnamed(dir, "course").is_some()
}

/// Returns the directory of a course's lesson files: `lessons` in it, or itself.
pub fn lessons_of(home: &Path) -> Option<PathBuf> {
    [home.join("lessons"), home.to_owned()].into_iter().find(|dir| is_lessons(dir))
}

/// Finds the courses in a directory: its own, or those that lie in it, at most two levels deep, each with its title.
pub fn courses_in(home: &Path) -> Vec<CourseChoice> {
    let mut found = Vec::new();
    let mut level = vec![home.to_owned()];
    for _ in 0..3 {
        let mut next = Vec::new();
        for dir in level {
            match lessons_of(&dir) {
                Some(lessons) => found.push((dir, lessons)),
                None => {
                    let entries = std::fs::read_dir(&dir).into_iter().flatten().flatten();
                    let real = |entry: &std::fs::DirEntry| entry.file_type().is_ok_and(|kind| kind.is_dir());
                    let open = |entry: &std::fs::DirEntry| !entry.file_name().to_string_lossy().starts_with('.');
                    next.extend(entries.filter(|entry| real(entry) && open(entry)).map(|entry| entry.path()));
                }
            }
        }
        if !found.is_empty() {
            break;
        }
        level = next;
    }
    found.sort();
    let choice = |(dir, lessons): (PathBuf, PathBuf)| {
        let name = dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        CourseChoice { title: chain::title(&lessons).unwrap_or_else(|| name.clone()), name, home: Some(dir) }
    };
    found.into_iter().map(choice).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_course_under_another_name_is_found_to_be_told() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!is_lessons(dir.path()));
        std::fs::write(dir.path().join("course.yml"), "").unwrap();
        assert!(is_lessons(dir.path()));
    }
}
