//! The courses in a directory.

use std::path::{Path, PathBuf};

use super::store::InstalledCourse;
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

/// Returns the courses of an installed one, by the names that the command line takes: its own where it is one.
pub fn choices_of(course: &InstalledCourse) -> Vec<CourseChoice> {
    let mut choices = courses_in(&course.home);
    if let [one] = choices.as_mut_slice() {
        one.name.clone_from(&course.name);
    }
    choices
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::library::store::AboutCourse;

    #[test]
    fn a_course_under_another_name_is_found_to_be_told() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!is_lessons(dir.path()));
        std::fs::write(dir.path().join("course.yml"), "").unwrap();
        assert!(is_lessons(dir.path()));
    }

    #[test]
    fn an_installed_course_goes_by_the_name_that_it_was_installed_under() {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("1b23cd793026b36d");
        std::fs::create_dir_all(home.join("lessons")).unwrap();
        std::fs::write(home.join("lessons/course.yaml"), "title: Queues by hand\n").unwrap();
        let about = AboutCourse { source: "x".into(), commit: None, hash: "1b23cd793026b36d".into(), installed: 0 };
        let course = InstalledCourse { name: "queues".into(), home: home.clone(), about };
        assert_eq!(choices_of(&course)[0].name, "queues");
        std::fs::rename(home.join("lessons"), home.join("one")).unwrap();
        std::fs::create_dir(home.join("two")).unwrap();
        std::fs::copy(home.join("one/course.yaml"), home.join("two/course.yaml")).unwrap();
        let names: Vec<String> = choices_of(&course).into_iter().map(|choice| choice.name).collect();
        assert_eq!(names, ["one", "two"], "of several each has its own");
    }
}
