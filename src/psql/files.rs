//! Names of files as people give them.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

/// Returns the path that a name means, from a directory; `~` is the home of who types it, as in psql.
pub(crate) fn path(directory: &Path, name: &str) -> PathBuf {
    directory.join(at_home(name, std::env::var_os("HOME").map(PathBuf::from)))
}

fn at_home(name: &str, home: Option<PathBuf>) -> PathBuf {
    let below = match name.strip_prefix('~') {
        Some("") => Some(""),
        Some(rest) => rest.strip_prefix('/'),
        None => None,
    };
    match home.zip(below) {
        Some((home, below)) => home.join(below.trim_start_matches('/')),
        None => PathBuf::from(name),
    }
}

/// Opens a file to write, or makes it. What stands in it stays.
///
/// # Errors
/// When it cannot be written.
pub(crate) fn writable(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().write(true).create(true).truncate(false).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tilde_stands_for_the_home_of_who_types_it() {
        let at = |name| at_home(name, Some("/home/ann".into()));
        for (name, expected) in [
            ("~", "/home/ann"),
            ("~/a b.sql", "/home/ann/a b.sql"),
            ("~//a", "/home/ann/a"),
            ("~bob/a", "~bob/a"),
            ("a/~", "a/~"),
            ("/a", "/a"),
        ] {
            assert_eq!(at(name), Path::new(expected), "{name}");
        }
        assert_eq!(at_home("~/a", None), Path::new("~/a"));
    }
}
