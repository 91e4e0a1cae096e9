//! The chapters' snapshots in their order, read from lessons that need not be valid: who carries a change through them
//! is in the middle of making them so.

use std::path::Path;

use super::choices::{self, Chosen};
use super::format::{ChapterYaml, CourseYaml};
use super::kinds;
use super::lesson_file::read_lesson;
use super::model::Choice;
use super::schema;
use crate::code::tree::{self, Tree, TreeError};
use workshop_base::problem::{Kind, Problem};

/// Returns the names of the snapshots that the chapters end at, in order of teaching.
///
/// # Errors
/// When `course.yaml` or a chapter file cannot be read at all; other faults of theirs do not matter here.
pub fn snapshots_in_order(lessons: &Path) -> Result<Vec<String>, Problem> {
    let mut problems = Vec::new();
    let unread = |problems: Vec<Problem>, what: &str| {
        problems.into_iter().next().unwrap_or_else(|| Problem::new(Kind::Course, format!("{what} cannot be read")))
    };
    let Some(course) = read_lesson::<CourseYaml>(&lessons.join("course.yaml"), &schema::COURSE, &mut problems) else {
        return Err(unread(problems, "course.yaml"));
    };
    let mut snapshots = Vec::new();
    for chapter in &course.raw.chapters {
        let mut problems = Vec::new();
        let file = lessons.join(format!("{}.yaml", chapter.0));
        match read_lesson::<ChapterYaml>(&file, &schema::CHAPTER, &mut problems) {
            Some(lesson) => snapshots.push(lesson.raw.snapshot.0),
            None => return Err(unread(problems, &chapter.0)),
        }
    }
    Ok(snapshots)
}

/// Finds a chapter among [`snapshots_in_order`] by its number, or as its snapshot is named.
pub fn position(names: &[String], chapter: &str) -> Option<usize> {
    let named = names.iter().position(|name| name == chapter);
    named.or_else(|| chapter.parse().ok().filter(|number| *number < names.len()))
}

/// Reads a snapshot as who has chosen these options has it; of a choice that is not among them, the first.
///
/// # Errors
/// When there is no such directory, or it cannot be listed.
pub fn snapshot(lessons: &Path, directory: &Path, chosen: &Chosen) -> Result<Tree, TreeError> {
    let mut files = tree::read(directory)?.files;
    let choices = choices_of(lessons);
    choices::keep_chosen(&mut files, &choices, &choices::resolved(&choices, Some(chosen)));
    Ok(files)
}

/// Returns what a course lets one choose; nothing when its `course.yaml` cannot be read.
pub fn choices_of(lessons: &Path) -> Vec<Choice> {
    let mut problems = Vec::new();
    let course = read_lesson::<CourseYaml>(&lessons.join("course.yaml"), &schema::COURSE, &mut problems);
    course.map(|course| choices::choices(&course.raw, course.lens(), &mut problems)).unwrap_or_default()
}

/// Returns the name that a course gives to its learners' directory; `None` when its `course.yaml` cannot be read.
pub fn workdir_name(lessons: &Path) -> Option<String> {
    let course = read_lesson::<CourseYaml>(&lessons.join("course.yaml"), &schema::COURSE, &mut Vec::new())?.raw;
    let name = course.workdir.map(|name| name.0).filter(|name| kinds::check("directory", name, "", "").is_empty());
    Some(name.unwrap_or_else(|| usual_workdir(&course.code.0)))
}

/// Returns the title of a course; `None` when its `course.yaml` cannot be read.
pub fn title(lessons: &Path) -> Option<String> {
    let course = read_lesson::<CourseYaml>(&lessons.join("course.yaml"), &schema::COURSE, &mut Vec::new())?.raw;
    Some(course.title.0).filter(|title| !title.is_empty())
}

/// Returns the name of the learners' directory of a course that gives it none, `my-dat401`.
pub(super) fn usual_workdir(code: &str) -> String {
    let word: String =
        code.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let word = word.trim_matches('-');
    if word.is_empty() { "my-workshop".to_owned() } else { format!("my-{word}") }
}
