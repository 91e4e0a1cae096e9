//! One lesson file in both its readings: the values, and where they stand.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::Value as Schema;

use super::includes;
use super::lens::Lens;
use super::lesson_text::{read_text, top_of};
use super::shape;
use super::sound::Sound;
use workshop_base::problem::Problem;
use workshop_yaml::{self as yaml, Document, Node};

/// A lesson file in both its readings: the values, and where they stand.
pub struct LessonFile<T> {
    pub document: Document,
    pub root: Box<Node>,
    pub sound: Sound,
    pub raw: T,
}

impl<T> LessonFile<T> {
    /// Looks at the file from its root.
    pub fn lens(&self) -> Lens<'_> {
        Lens::new(&self.document, &self.sound, &self.root)
    }
}

/// Reads one lesson file in both readings; `None` when nothing can be made of it. All that is wrong with it is
/// reported.
pub fn read_lesson<T: DeserializeOwned>(
    file: &Path,
    format: &Schema,
    problems: &mut Vec<Problem>,
) -> Option<LessonFile<T>> {
    read(file, |document, root| shape::check(document, root, format), problems)
}

/// As [`read_lesson`], for who wants to know soon what it says: of what deviates from the format, only that is reported
/// which its types cannot hold.
pub fn read_lesson_unchecked<T: DeserializeOwned>(file: &Path, problems: &mut Vec<Problem>) -> Option<LessonFile<T>> {
    read(file, |_, root| shape::unchecked(root), problems)
}

/// As [`read_lesson_unchecked`], of a text that is only a part of the file's.
pub fn read_head<T: DeserializeOwned>(file: &Path, text: &str, problems: &mut Vec<Problem>) -> Option<LessonFile<T>> {
    understand(file, text, |_, root| shape::unchecked(root), problems)
}

fn read<T: DeserializeOwned>(
    file: &Path,
    check: impl FnOnce(&Document, &Node) -> Sound,
    problems: &mut Vec<Problem>,
) -> Option<LessonFile<T>> {
    match read_text(file) {
        Ok(text) => understand(file, &text, check, problems),
        Err(problem) => {
            problems.push(problem);
            None
        }
    }
}

fn understand<T: DeserializeOwned>(
    file: &Path,
    text: &str,
    check: impl FnOnce(&Document, &Node) -> Sound,
    problems: &mut Vec<Problem>,
) -> Option<LessonFile<T>> {
    let (mut document, root, found) = yaml::read(file.to_owned(), text);
    let plain = found.is_empty();
    problems.extend(found);
    let Some(root) = root else {
        if plain {
            let problem = Problem::course("the file is empty").hint("`workshop new DIR` writes a course to begin with");
            problems.push(problem.at(top_of(file)));
        }
        return None;
    };
    let mut root = root;
    let incomplete = includes::expand(&mut document, &mut root, problems);
    let mut sound = check(&document, &root);
    incomplete.iter().filter_map(|list| root.get(list)).for_each(|list| sound.lacks_items(list));
    problems.append(&mut sound.problems);
    // What cannot be read from values is read from the text once more, for the place of the mistake.
    let read = serde_yaml::from_value(std::mem::take(&mut sound.value))
        .or_else(|error| if plain && !sound.repaired { serde_yaml::from_str(text) } else { Err(error) });
    match read {
        Ok(raw) => Some(LessonFile { document, root, sound, raw }),
        Err(error) => {
            let at = error.location().map(|l| document.spot(yaml::point(l.line(), l.column())));
            let problem = Problem::course(&error).hint("schema/lesson.schema.json says what is expected where");
            problems.push(problem.at(at.unwrap_or_else(|| top_of(file))));
            None
        }
    }
}
