//! The text of a lesson file, before anything of it is understood.

use std::fs;
use std::path::Path;

use super::listing::misnamed;
use workshop_base::problem::{Problem, Spot};

/// The largest file that is read.
const MAX_FILE: u64 = 1024 * 1024;

/// Reads the text of a lesson file.
///
/// # Errors
/// When it cannot be read, is larger than a lesson may be, or is no text.
pub fn read_text(file: &Path) -> Result<String, Problem> {
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
