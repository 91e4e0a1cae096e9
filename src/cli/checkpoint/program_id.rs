//! The identity of this program's own file: another build may come to another state.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use workshop_base::files;
use workshop_base::problem::{Problem, Result};

const KNOWN: &str = "program.json";

/// A hash, and the file that it was made of: hashing takes longer than asking whether that is still the same.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct KnownProgram {
    path: String,
    bytes: u64,
    /// Nanoseconds since 1970-01-01 UTC.
    changed: i128,
    hash: String,
}

/// Returns the version and a hash of this program's file, which is remembered in a directory.
///
/// # Errors
/// When the file cannot be found or read.
pub fn program_id(dir: &Path) -> Result<String> {
    let unread = |e: std::io::Error| Problem::environment(format!("this program's own file cannot be read: {e}"));
    let exe = std::env::current_exe().map_err(unread)?;
    let meta = fs::metadata(&exe).map_err(unread)?;
    let changed = i128::from(meta.mtime()) * 1_000_000_000 + i128::from(meta.mtime_nsec());
    let seen = KnownProgram { path: exe.display().to_string(), bytes: meta.len(), changed, hash: String::new() };
    let known = fs::read(dir.join(KNOWN)).ok().and_then(|text| serde_json::from_slice::<KnownProgram>(&text).ok());
    let same =
        known.filter(|known| (&known.path, known.bytes, known.changed) == (&seen.path, seen.bytes, seen.changed));
    let hash = match same {
        Some(known) => known.hash,
        None => {
            let mut file = fs::File::open(&exe).map_err(unread)?;
            let (mut hash, mut piece) = (Sha256::new(), vec![0; 1 << 20]);
            loop {
                match file.read(&mut piece).map_err(unread)? {
                    0 => break,
                    count => hash.update(&piece[..count]),
                }
            }
            let hash: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
            let known = KnownProgram { hash: hash.clone(), ..seen };
            // Only remembered: where it cannot be, it is made again.
            let text = serde_json::to_vec(&known).unwrap_or_default();
            let _ = fs::create_dir_all(dir).and_then(|()| files::replace(&dir.join(KNOWN), &text));
            hash
        }
    };
    Ok(format!("{} {hash}", env!("CARGO_PKG_VERSION")))
}
