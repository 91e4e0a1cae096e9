//! The program's own log: into a file of the working directory while a screen or lines are up, never to them.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use tracing_subscriber::EnvFilter;

use super::places;

/// Logs warnings (or what `WORKSHOP_LOG` says, in `tracing`'s filter syntax) below the working directory,
/// from when it is a workshop's.
pub fn to_file(workdir: &Path) {
    let filter = EnvFilter::try_from_env("WORKSHOP_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
    let file = Mutex::new(Later::Path(workdir.join(places::MARK).join("log").join("workshop.log")));
    // A second call, as in tests, keeps the first.
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(file);
    // What cannot be logged (the disk is full) must not be said across the screen instead.
    let _ = log.log_internal_errors(false).try_init();
}

/// A file that is opened with the first line, since its directory comes after the first frame.
enum Later {
    Path(PathBuf),
    Open(File),
}

impl Write for Later {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Later::Path(path) = self {
            let dir = path.parent().unwrap_or(Path::new("."));
            if !dir.parent().is_some_and(Path::is_dir) {
                return Ok(bytes.len());
            }
            std::fs::create_dir_all(dir)?;
            *self = Later::Open(OpenOptions::new().create(true).append(true).open(path)?);
        }
        match self {
            Later::Open(file) => file.write(bytes),
            Later::Path(_) => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Later::Open(file) => file.flush(),
            Later::Path(_) => Ok(()),
        }
    }
}
