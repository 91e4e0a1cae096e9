//! One lesson file in both its readings: the values, and where they stand.

use std::fs;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::Value as Schema;

use super::lens::Lens;
use super::listing::misnamed;
use super::shape::{self, Sound};
use super::yaml::{self, Document, Node};
use workshop_base::problem::{Problem, Spot};

/// No lesson that anyone reads on a stage is larger than this, in bytes.
const MAX_FILE: u64 = 1024 * 1024;

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
    let text = match read_text(file) {
        Ok(text) => text,
        Err(problem) => {
            problems.push(problem);
            return None;
        }
    };
    let (document, root, found) = yaml::read(file.to_owned(), &text);
    let plain = found.is_empty();
    problems.extend(found);
    let Some(root) = root else {
        if plain {
            problems.push(Problem::course("the file is empty").at(top_of(file)));
        }
        return None;
    };
    let mut sound = shape::check(&document, &root, format);
    problems.append(&mut sound.problems);
    // What cannot be read from values is read from the text once more, for the place of the mistake.
    let read = serde_yaml::from_value(std::mem::take(&mut sound.value))
        .or_else(|error| if plain && !sound.repaired { serde_yaml::from_str(&text) } else { Err(error) });
    match read {
        Ok(raw) => Some(LessonFile { document, root, sound, raw }),
        Err(error) => {
            let at = error.location().map(|l| document.spot(yaml::point(l.line(), l.column())));
            problems.push(Problem::course(&error).at(at.unwrap_or_else(|| top_of(file))));
            None
        }
    }
}

fn read_text(file: &Path) -> Result<String, Problem> {
    let unreadable = |error: std::io::Error| {
        let stem = file.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let hint = file.parent().and_then(|lessons| misnamed(lessons, stem));
        Problem::course(format_args!("cannot read {}: {error}", file.display()))
            .hint(hint.unwrap_or_else(|| "name the directory of the lessons with `--lessons`".to_owned()))
    };
    if fs::metadata(file).map_err(unreadable)?.len() > MAX_FILE {
        return Err(Problem::course("the file is larger than 1 MiB").at(top_of(file)));
    }
    let bytes = fs::read(file).map_err(unreadable)?;
    String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let spot = Spot { line: u32::try_from(line).unwrap_or(u32::MAX), ..top_of(file) };
        Problem::course("the file is not UTF-8 text").at(spot)
    })
}

/// Returns the first place of a file, for what concerns all of it.
pub fn top_of(file: &Path) -> Spot {
    Spot { file: file.to_owned(), line: 1, column: 1, excerpt: String::new(), length: 1 }
}
