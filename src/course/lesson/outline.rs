//! The heads of a course's files, above their steps and checks: shown before the course is read as a whole.
//!
//! The first frame needs titles and times, and no more; reading all that a course says takes several times as long. What is
//! wrong with a course is not looked for here.

use std::path::Path;

use super::build::CourseParts;
use super::choices::Chosen;
use super::format::{ChapterYaml, CourseYaml};
use super::lesson_file::{LessonFile, read_head, read_lesson_unchecked};
use super::lesson_text::read_text;
use super::listing::chapter_files;
use super::load::{CourseHead, chapter_head};
use super::locale;
use super::model::{Course, CourseDatabase, CourseUses};

/// A course without steps, checks and snapshots.
pub struct Outline {
    pub course: Course,
    /// As far as the words of its files tell, which nobody has understood yet.
    pub uses: CourseUses,
}

/// Reads the outline of a course, with the texts of a language in it as far as there are any. `None` when that is not enough
/// to begin with: something is seen to be wrong, or what the course needs is known by its steps alone.
pub fn read(lessons: &Path, asked: &Chosen, locale: Option<&str>) -> Option<Outline> {
    let mut problems = Vec::new();
    let file: LessonFile<CourseYaml> = read_lesson_unchecked(&lessons.join("course.yaml"), &mut problems)?;
    let files = chapter_files(&file.raw, file.lens(), lessons, &mut problems);
    let head = CourseHead::of(&file, Some(asked), &mut problems);
    let own = CourseParts::of(&file.raw, file.lens(), &head.choices, &mut problems);
    let (mut chapters, mut words) = (Vec::new(), Words::default());
    for (number, file) in (0..).zip(files) {
        let file = file?;
        let text = read_text(&file).ok()?;
        words.take(&text);
        let chapter = read_head::<ChapterYaml>(&file, &head_of(&text), &mut problems)?;
        let origin = chapter.lens().origin();
        chapters.push(chapter_head(number, chapter.raw, origin));
    }
    let mut course = head.course(own, chapters, lessons);
    if let Some(locale) = locale {
        locale::translate(&mut course, locale, &mut problems);
    }
    let known = course.needs_cloud() || !(words.deploys || words.includes);
    let uses = CourseUses {
        deploys: course.stack.is_some() || words.deploys,
        asks: course.database != CourseDatabase::Cluster || words.asks,
        checks: words.checks,
    };
    let enough = known && problems.is_empty() && !course.chapters.is_empty();
    enough.then_some(Outline { course, uses })
}

/// Words that the files of chapters have in them.
#[derive(Default)]
struct Words {
    deploys: bool,
    asks: bool,
    checks: bool,
    includes: bool,
}

impl Words {
    fn take(&mut self, text: &str) {
        self.deploys |= text.contains("deploy:");
        self.asks |= text.contains("sql:") || text.contains("plan:");
        self.checks |= text.lines().any(|line| key_of(line) == Some("checks"));
        self.includes |= text.contains("include:");
    }
}

/// Returns the text of a chapter's file with no steps and no checks in it. Whatever begins a line of its own is a key of the file
/// itself: all that belongs to a key is indented, or begins with the mark of a list.
fn head_of(text: &str) -> String {
    let mut is_head = true;
    let mut head = String::new();
    for line in text.split_inclusive('\n') {
        if let Some(key) = key_of(line) {
            is_head = !matches!(key, "steps" | "checks");
            head.push_str(if key == "steps" { "steps: []\n" } else { "" });
        }
        if is_head {
            head.push_str(line);
        }
    }
    head
}

/// Returns the key that a line begins with, if it is one of the file itself.
fn key_of(line: &str) -> Option<&str> {
    line.starts_with(|c: char| c.is_ascii_alphabetic() || matches!(c, '"' | '\''))
        .then(|| line.split(':').next().unwrap_or_default().trim().trim_matches(['"', '\'']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_all_but_steps_and_checks_wherever_they_stand() {
        let text = "# A chapter.\nsteps:\n- id: a\n  say: |\n    title: not this\n\n    more\ntitle: T\n\"checks\" :\n  - id: x\nminutes: 3\n";
        assert_eq!(head_of(text), "# A chapter.\nsteps: []\ntitle: T\nminutes: 3\n");
        assert_eq!(head_of("{title: T, steps: []}\n"), "{title: T, steps: []}\n");
    }
}
