//! A directory copied with all that is in it.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

/// Copies a directory: directories, files with their modes, links as links. Passed over is what `wanted` does not want,
/// asked by its path below `from`, and what is none of the three: sockets, pipes. What is at `to` already is written over.
///
/// # Errors
/// When something cannot be read or written.
pub fn copy_tree(from: &Path, to: &Path, wanted: &dyn Fn(&Path) -> bool) -> io::Result<()> {
    let mut dirs = vec![from.to_owned()];
    while let Some(dir) = dirs.pop() {
        let below = dir.strip_prefix(from).map_err(io::Error::other)?.to_owned();
        fs::create_dir_all(to.join(&below))?;
        for entry in fs::read_dir(&dir)? {
            let entry = entry?;
            let below = below.join(entry.file_name());
            if !wanted(&below) {
                continue;
            }
            let (kind, target) = (entry.file_type()?, to.join(&below));
            if kind.is_dir() {
                dirs.push(entry.path());
            } else if kind.is_symlink() {
                symlink(fs::read_link(entry.path())?, target)?;
            } else if kind.is_file() {
                fs::copy(entry.path(), target)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn files_modes_and_links_come_along_and_what_is_not_wanted_stays() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        fs::create_dir_all(from.join("a/left")).unwrap();
        fs::write(from.join("a/run.sh"), "#!/bin/sh").unwrap();
        fs::set_permissions(from.join("a/run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(from.join("a/left/x"), "x").unwrap();
        symlink("a/run.sh", from.join("go")).unwrap();
        copy_tree(&from, &to, &|path| path != Path::new("a/left")).unwrap();
        assert_eq!(fs::metadata(to.join("a/run.sh")).unwrap().permissions().mode() & 0o777, 0o755);
        assert_eq!(fs::read_link(to.join("go")).unwrap(), Path::new("a/run.sh"));
        assert!(!to.join("a/left").exists());
    }
}
