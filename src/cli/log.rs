//! The program's own log: into a file of the working directory while a screen or lines are up, never to them.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use workshop_base::log::{self, LevelFilter};
use workshop_base::private_dir::{OURS, PrivateDir};

/// Logs warnings (or what `WORKSHOP_LOG` says: a level, also for single parts) below the working directory,
/// from when it is a workshop's.
pub fn to_file(workdir: &Path) {
    log::write_to(Later::In(workdir.to_owned()), LevelFilter::WARN);
}

/// A file that is opened with the first line, since its directory comes after the first frame.
enum Later {
    In(PathBuf),
    Open(File),
}

impl Write for Later {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Later::In(workdir) = self {
            let Some(ours) = PrivateDir::existing(workdir, OURS)? else { return Ok(bytes.len()) };
            *self = Later::Open(ours.below("log")?.append("workshop.log")?);
        }
        match self {
            Later::Open(file) => file.write(bytes),
            Later::In(_) => Ok(bytes.len()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Later::Open(file) => file.flush(),
            Later::In(_) => Ok(()),
        }
    }
}
