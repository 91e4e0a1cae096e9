//! What the files of this room share: the errors, the configuration, and the names of what every server holds.

use std::path::{Path, PathBuf};

use crate::launch::Spawner;
use crate::state;
use workshop_base::problem::Problem;

/// The bootstrap superuser, as Amazon's managed databases call theirs.
pub const SUPERUSER: &str = "rdsadmin";
pub const DATABASE: &str = "postgres";
/// Only part of the socket's name: each server has a directory of its own.
pub const PORT: u16 = 5432;

#[derive(Debug, thiserror::Error)]
pub enum PgError {
    #[error("no PostgreSQL 16 to be had ({0})")]
    NoBinaries(String),
    #[error("PostgreSQL does not run as root, and there is no unprivileged account to run it as")]
    NoAccount,
    #[error("PostgreSQL's account cannot reach {}", .0.display())]
    Unreachable(PathBuf),
    #[error("PostgreSQL could not be initialised: {0}")]
    Initdb(String),
    #[error("PostgreSQL did not start: {0}")]
    Start(String),
    #[error("{}: {source}", .path.display())]
    Io { path: PathBuf, source: std::io::Error },
    #[error("PostgreSQL could not be saved: {0}")]
    Save(String),
    #[error("the sandbox is stopping")]
    Stopping,
}

impl PgError {
    /// Makes the error of a file or directory.
    pub(super) fn io(path: &Path, source: std::io::Error) -> Self {
        PgError::Io { path: path.to_path_buf(), source }
    }
}

impl From<PgError> for Problem {
    fn from(error: PgError) -> Problem {
        let full = error.to_string().contains("No space left on device");
        let hint = match &error {
            _ if full => "free some disk space and try again".into(),
            PgError::NoBinaries(_) => {
                "check the network and that `npm ping` works, then try again; or install PostgreSQL 16 or newer".into()
            }
            PgError::NoAccount => "run as an ordinary user, or add a user called `postgres`".into(),
            PgError::Unreachable(_) => "set WORKSHOP_CACHE to a directory that every user can enter".into(),
            PgError::Initdb(said) if said.contains("look up effective user") => {
                "give the current user an entry in /etc/passwd".into()
            }
            PgError::Initdb(_) | PgError::Start(_) => {
                "look at .workshop/sandbox/log/postgres.log; `workshop sandbox reset` starts anew".into()
            }
            PgError::Io { source, .. } => state::io_hint(source).into(),
            PgError::Save(_) => "try again".into(),
            PgError::Stopping => "start it again".to_string(),
        };
        Problem::environment(error).hint(hint)
    }
}

/// Says where the servers of a sandbox live and what starts them.
#[derive(Debug, Clone)]
pub struct PostgresConfig {
    /// Shared by all sandboxes of the machine.
    pub cache: PathBuf,
    /// Data of this sandbox's clusters.
    pub data: PathBuf,
    /// Short enough for sockets (some 90 characters at most), reachable by every account.
    pub run: PathBuf,
    /// The servers' log.
    pub log: PathBuf,
    pub spawner: Spawner,
}
