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
        return Err(Problem::course("the file is larger than 1 MiB")
            .hint("make several chapters of it, and put long texts into files of the snapshot")
            .at(top_of(file)));
    }
    let bytes = fs::read(file).map_err(unreadable)?;
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        let problem =
            Problem::course("the file is UTF-16 text").expected("UTF-8").hint("save it as UTF-8 in the editor");
        return Err(problem.at(top_of(file)));
    }
    String::from_utf8(bytes).map_err(|error| not_utf8(file, &error))
}

/// Says where text in another encoding begins: at its first byte that no UTF-8 has.
fn not_utf8(file: &Path, error: &std::string::FromUtf8Error) -> Problem {
    let (bytes, at) = (error.as_bytes(), error.utf8_error().valid_up_to());
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let begin = bytes[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let end = bytes[at..].iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |end| at + end);
    let line = bytes[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
    let column = String::from_utf8_lossy(&bytes[begin..at]).chars().count() + 1;
    let excerpt = String::from_utf8_lossy(&bytes[begin..end]).trim_end().to_owned();
    let spot = Spot { line: number(line), column: number(column), excerpt, ..top_of(file) };
    let byte = bytes.get(at).copied().unwrap_or_default();
    Problem::course(format_args!("the file is not UTF-8 text: byte 0x{byte:02X}"))
        .hint(format!("save it as UTF-8 in the editor; in Latin-1 this would be `{}`", char::from(byte)))
        .at(spot)
}

/// Returns the first place of a file, for what concerns all of it.
pub fn top_of(file: &Path) -> Spot {
    Spot { file: file.to_owned(), line: 1, column: 1, excerpt: String::new(), length: 1 }
}
