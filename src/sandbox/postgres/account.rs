//! Whom PostgreSQL runs as: it refuses to run as root.
//!
//! Invariant: whatever PostgreSQL is given lies where its account can reach it.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use super::types::PgError;

/// The accounts tried in this order when we are root.
const UNPRIVILEGED: [&str; 3] = ["postgres", "nobody", "daemon"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerAccount {
    pub uid: u32,
    pub gid: u32,
    /// It is another account than our own: then files must be given to it.
    pub other: bool,
}

impl ServerAccount {
    /// Our own account, or an unprivileged one when we are root.
    ///
    /// # Errors
    /// When we are root and the machine has no unprivileged account.
    pub fn choose() -> Result<ServerAccount, PgError> {
        let uid = rustix::process::geteuid().as_raw();
        let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
        if uid != 0 {
            return Ok(ServerAccount { uid, gid: rustix::process::getegid().as_raw(), other: false });
        }
        UNPRIVILEGED
            .iter()
            .find_map(|name| entry(&passwd, name))
            .map(|(uid, gid)| ServerAccount { uid, gid, other: true })
            .ok_or(PgError::NoAccount)
    }

    /// The pair to start a program as, when it is not our own.
    pub fn switch(self) -> Option<(u32, u32)> {
        self.other.then_some((self.uid, self.gid))
    }

    /// Tells if the account may pass through every directory above `path`, and `path` itself as far as
    /// it exists.
    pub fn reaches(self, path: &Path) -> bool {
        path.ancestors().filter(|dir| !dir.as_os_str().is_empty()).all(|dir| match fs::metadata(dir) {
            Ok(meta) => self.enters(&meta),
            Err(error) => error.kind() == std::io::ErrorKind::NotFound,
        })
    }

    fn enters(self, meta: &fs::Metadata) -> bool {
        let shift = if meta.uid() == self.uid {
            6
        } else if meta.gid() == self.gid {
            3
        } else {
            0
        };
        (meta.mode() >> shift) & 1 == 1
    }

    /// Gives one file or directory to the account.
    ///
    /// # Errors
    /// When the file is gone, or its file system has no owners.
    pub fn give(self, path: &Path) -> std::io::Result<()> {
        if self.other { chown(path, Some(self.uid), Some(self.gid)) } else { Ok(()) }
    }

    /// A directory that only the account (and root) can enter.
    ///
    /// # Errors
    /// When it cannot be made or given away.
    pub fn private_dir(self, path: &Path) -> std::io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
        self.give(path)
    }

    /// `wanted` if the account can reach it, else a place of ours that it can.
    ///
    /// # Errors
    /// When the account reaches none of the places that are ours to choose.
    pub fn reachable(self, wanted: &Path, name: &str) -> Result<PathBuf, PgError> {
        if self.reaches(wanted) {
            return Ok(wanted.to_path_buf());
        }
        let temporary = std::env::temp_dir().join(format!("workshop-{}", rustix::process::geteuid().as_raw()));
        [PathBuf::from("/var/lib/workshop"), temporary]
            .into_iter()
            .find(|base| self.reaches(base) && open_dir(base).is_ok())
            .map(|base| base.join(name))
            .ok_or_else(|| PgError::Unreachable(wanted.to_path_buf()))
    }
}

/// Makes a directory of ours that others may pass through but not list or write to.
///
/// # Errors
/// When it cannot be made, or somebody else owns what is there.
pub fn open_dir(path: &Path) -> std::io::Result<()> {
    fs::create_dir_all(path)?;
    let meta = fs::symlink_metadata(path)?;
    // In a directory that everyone can write to, someone else may have been there first.
    if !meta.is_dir() || meta.uid() != rustix::process::geteuid().as_raw() {
        return Err(std::io::Error::other(format!("{} belongs to someone else", path.display())));
    }
    fs::set_permissions(path, fs::Permissions::from_mode(0o711))
}

/// User and group id of `name` in the text of `/etc/passwd`.
fn entry(passwd: &str, name: &str) -> Option<(u32, u32)> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next() != Some(name) {
            return None;
        }
        Some((fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_an_account_by_its_whole_name() {
        let passwd = "root:x:0:0:root:/root:/bin/bash\npostgres2:x:7:7::/:\npostgres:x:101:104:,,,:/var:/bin/sh\n";
        assert_eq!(entry(passwd, "postgres"), Some((101, 104)));
        assert_eq!(entry(passwd, "nobody"), None);
    }

    #[test]
    fn a_closed_directory_stops_another_account() {
        let dir = tempfile::tempdir().expect("a directory");
        let closed = dir.path().join("closed");
        fs::create_dir(&closed).expect("made");
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).expect("opened");
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).expect("closed");
        let stranger = ServerAccount { uid: 4_000_000, gid: 4_000_000, other: true };
        assert!(stranger.reaches(&dir.path().join("new")));
        assert!(!stranger.reaches(&closed.join("new")));
    }
}
