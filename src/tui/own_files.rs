//! Files that the screen writes where the workshop keeps its own: the project stays as the course leaves it.

use std::io;
use std::path::Path;

use workshop_base::private_dir::{OURS, PrivateDir};

/// The record to take home.
const TAKE_HOME: &str = "take-home.md";

/// Writes the record to take home, and says where it is, or, with `true`, why it is not.
pub fn write_take_home(workdir: &Path, record: &str) -> (String, bool) {
    let written = match PrivateDir::existing(workdir, OURS) {
        Ok(Some(own)) => own.replace(TAKE_HOME, record.as_bytes()).map(|()| own.path().join(TAKE_HOME)),
        Ok(None) => Err(io::Error::other("the workshop has no directory of its own here yet")),
        Err(error) => Err(error),
    };
    match written {
        Ok(path) => (format!("Written to {}", path.display()), false),
        Err(error) => (format!("The record could not be written: {error}"), true),
    }
}
