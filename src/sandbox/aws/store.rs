//! The endpoint's state on its way to the disk and back.
//!
//! One JSON file, replaced atomically, and one file per upload, named by its hash. A directory copied while
//! nothing is under way is a complete state. Invariants: what a client was told is on disk before it is told; what
//! cannot be read is put aside and named, never overwritten.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::ids::Ids;
use super::state::{CloudState, FORMAT};
use super::time::Instant;
use workshop_base::encoding::sha256_hex;
use workshop_base::files::replace;
use workshop_base::problem::Problem;

const FILE: &str = "cloud.json";
const BLOBS: &str = "blobs";

#[derive(Debug, thiserror::Error)]
pub enum StateError {
    #[error("cannot {doing} {path}: {source}")]
    Io { doing: &'static str, path: PathBuf, source: io::Error },
    #[error("{path} is damaged: {source}")]
    Damaged { path: PathBuf, source: serde_json::Error },
    #[error("{path} was written by another version of the workshop (format {found}, this one reads {FORMAT})")]
    Format { path: PathBuf, found: u32 },
}

impl From<StateError> for Problem {
    fn from(error: StateError) -> Self {
        let hint = match &error {
            StateError::Io { .. } => "check that the disk has room and that the directory is yours",
            StateError::Damaged { .. } | StateError::Format { .. } => {
                "begin with an empty sandbox: workshop sandbox reset"
            }
        };
        Problem::environment(error).hint(hint)
    }
}

fn io_error(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StateError {
    let path = path.to_path_buf();
    move |source| StateError::Io { doing, path, source }
}

/// A state as far as it could be read.
pub(crate) struct Recovered {
    /// None when there was none, or nothing of it could be read.
    pub state: Option<CloudState>,
    pub aside: Option<Aside>,
}

/// A state that could not be read as it was.
#[derive(Debug, Clone, PartialEq)]
pub struct Aside {
    /// The place of the whole file now.
    pub path: PathBuf,
    pub why: String,
    /// The parts that the state that was taken up lacks, as `stacks: NAME`. Empty when all of it is lacking.
    pub parts: Vec<String>,
}

impl fmt::Display for Aside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Aside { path, why, parts } = self;
        match parts.as_slice() {
            [] => write!(f, "begun anew, as {why}; the file is kept as {}", path.display()),
            parts => write!(f, "begun without {}, as {why}; the file is kept as {}", parts.join(", "), path.display()),
        }
    }
}

/// The parts of a damaged state that can be read, and the names of those that cannot. None when that is nothing.
fn salvage(text: &[u8], ids: &mut Ids) -> Option<(CloudState, Vec<String>)> {
    let mut whole: Map<String, Value> = serde_json::from_slice(text).ok()?;
    let mut text = |name: &str| whole.remove(name)?.as_str().map(str::to_owned);
    let (account, region) = (text("account")?, text("region")?);
    let format = whole.get("format").and_then(Value::as_u64);
    if format != Some(u64::from(FORMAT)) {
        return None;
    }
    let mut lost = Vec::new();
    let iam = whole.remove("iam").and_then(|iam| serde_json::from_value(iam).ok());
    if iam.is_none() {
        lost.push("iam".to_owned());
    }
    let mut state = CloudState::new(&account, &region, ids);
    state.iam = iam.unwrap_or(state.iam);
    state.parameters = readable(&mut whole, "parameters", &mut lost);
    state.buckets = readable(&mut whole, "buckets", &mut lost);
    state.functions = readable(&mut whole, "functions", &mut lost);
    state.clusters = readable(&mut whole, "clusters", &mut lost);
    state.stacks = readable(&mut whole, "stacks", &mut lost);
    state.log_groups = readable(&mut whole, "log_groups", &mut lost);
    // Older states have none of these.
    if whole.contains_key("http_apis") {
        state.http_apis = readable(&mut whole, "http_apis", &mut lost);
    }
    if whole.contains_key("uploads") {
        state.uploads = readable(&mut whole, "uploads", &mut lost);
    }
    state.inert = readable(&mut whole, "inert", &mut lost);
    state.mend_function_names();
    Some((state, lost))
}

/// The entries of one part that can be read.
fn readable<T: serde::de::DeserializeOwned>(
    whole: &mut Map<String, Value>,
    part: &str,
    lost: &mut Vec<String>,
) -> BTreeMap<String, T> {
    let Some(Value::Object(entries)) = whole.remove(part) else {
        lost.push(part.to_owned());
        return BTreeMap::new();
    };
    let mut kept = BTreeMap::new();
    for (name, value) in entries {
        match serde_json::from_value(value) {
            Ok(value) => {
                kept.insert(name, value);
            }
            Err(error) => {
                tracing::error!(part, name, %error, "a part of the saved state cannot be read");
                lost.push(format!("{part}: {name}"));
            }
        }
    }
    kept
}

/// The directory a state lives in.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    dir: PathBuf,
}

impl Store {
    /// Opens a directory, making it if need be.
    ///
    /// # Errors
    /// [`StateError::Io`], when it cannot be made.
    pub(crate) fn open(dir: &Path) -> Result<Self, StateError> {
        let blobs = dir.join(BLOBS);
        fs::create_dir_all(&blobs).map_err(io_error("make", &blobs))?;
        Ok(Store { dir: dir.to_path_buf() })
    }

    /// Reads the state; None when there is none yet.
    ///
    /// # Errors
    /// [`StateError`], when the file cannot be read, is damaged, or is of another format.
    pub(crate) fn load(&self) -> Result<Option<CloudState>, StateError> {
        let path = self.dir.join(FILE);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io_error("read", &path)(error)),
        };
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let damaged = |source| StateError::Damaged { path: path.clone(), source };
        let format: Format = serde_json::from_slice(&text).map_err(damaged)?;
        if format.format != FORMAT {
            return Err(StateError::Format { path, found: format.format });
        }
        let mut state: CloudState = serde_json::from_slice(&text).map_err(damaged)?;
        state.mend_function_names();
        self.sweep(&state);
        Ok(Some(state))
    }

    /// Reads the state, and puts aside what of it cannot be read: the parts that are damaged, or the whole file.
    /// `at` becomes part of the name that it gets.
    ///
    /// # Errors
    /// [`StateError::Io`], when the file cannot be read or kept.
    pub(crate) fn recover(&self, at: Instant, ids: &mut Ids) -> Result<Recovered, StateError> {
        let error = match self.load() {
            Ok(state) => return Ok(Recovered { state, aside: None }),
            Err(error @ StateError::Io { .. }) => return Err(error),
            Err(error @ (StateError::Damaged { .. } | StateError::Format { .. })) => error,
        };
        let (file, aside) = (self.dir.join(FILE), self.dir.join(format!("{FILE}.unreadable-{}", at.basic())));
        let text = fs::read(&file).map_err(io_error("read", &file))?;
        // Kept under both names until the new one is written, so that a start which gets no further finds it again.
        match fs::hard_link(&file, &aside) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                fs::copy(&file, &aside).map_err(io_error("copy", &file))?;
            }
            Ok(()) | Err(_) => {}
        }
        // Uploads stay: what was put aside may name them.
        let salvaged = salvage(&text, ids);
        let parts = salvaged.as_ref().map(|(_, lost)| lost.clone()).unwrap_or_default();
        Ok(Recovered {
            state: salvaged.map(|(state, _)| state),
            aside: Some(Aside { path: aside, why: error.to_string(), parts }),
        })
    }

    /// Replaces the file by a whole new one, readable by the owner only: there are secrets in it. `text` is [`Store::text`] of the state.
    ///
    /// # Errors
    /// [`StateError::Io`], when it cannot be written; the old one is then still there.
    pub(crate) fn save(&self, text: &[u8]) -> Result<(), StateError> {
        let path = self.dir.join(FILE);
        replace(&path, text).map_err(io_error("write", &path))
    }

    /// Writes a state as it lies on the disk.
    pub(crate) fn text(state: &CloudState) -> Vec<u8> {
        serde_json::to_vec(state).expect("a state is maps with text keys and plain values")
    }

    /// Keeps an upload and answers the name to find it by.
    ///
    /// # Errors
    /// [`StateError::Io`], when it cannot be written.
    pub(crate) fn put(&self, body: &[u8]) -> Result<String, StateError> {
        let name = sha256_hex(body);
        let path = self.dir.join(BLOBS).join(&name);
        if !path.exists() {
            replace(&path, body).map_err(io_error("write", &path))?;
        }
        Ok(name)
    }

    /// Reads an upload.
    ///
    /// # Errors
    /// [`StateError::Io`], when it is gone.
    pub(crate) fn get(&self, name: &str) -> Result<Bytes, StateError> {
        let path = self.dir.join(BLOBS).join(name);
        fs::read(&path).map(Bytes::from).map_err(io_error("read", &path))
    }

    /// Removes uploads that nothing refers to. Failing to is not worth a word: the next start tries again.
    fn sweep(&self, state: &CloudState) {
        let used = state.blobs();
        for entry in fs::read_dir(self.dir.join(BLOBS)).into_iter().flatten().flatten() {
            if !entry.file_name().to_str().is_some_and(|name| used.contains(name)) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_comes_back_as_it_was_and_loose_blobs_go() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        assert!(store.load().unwrap().is_none());
        let state = CloudState::new("123456789012", "us-east-1", &mut Ids::seeded(1));
        store.save(&Store::text(&state)).unwrap();
        let loose = store.put(b"loose").unwrap();
        let back = store.load().unwrap().unwrap();
        assert_eq!(Store::text(&back), Store::text(&state));
        assert!(store.get(&loose).is_err());
    }

    #[test]
    fn damage_and_other_formats_are_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        store.save(b"{").unwrap();
        assert!(matches!(store.load(), Err(StateError::Damaged { .. })));
        store.save(b"{\"format\": 99}").unwrap();
        assert!(matches!(store.load(), Err(StateError::Format { found: 99, .. })));
    }

    #[test]
    fn what_cannot_be_read_is_put_aside_and_the_rest_is_taken_up() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        let (at, mut ids) = (Instant(1_795_416_140_000), Ids::seeded(1));
        let mut state = CloudState::new("123456789012", "us-east-1", &mut ids);
        state.log_groups.insert("/one".into(), crate::aws::records::LogGroup { created: at, retention_days: None });
        let blob = store.put(b"an upload").unwrap();
        let mut damaged: Value = serde_json::from_slice(&Store::text(&state)).unwrap();
        damaged["log_groups"]["/two"] = "no log group".into();
        store.save(damaged.to_string().as_bytes()).unwrap();
        let recovered = store.recover(at, &mut ids).unwrap();
        let (back, aside) = (recovered.state.unwrap(), recovered.aside.unwrap());
        assert_eq!(Store::text(&back), Store::text(&state));
        assert_eq!(aside.parts, ["log_groups: /two"]);
        assert!(aside.path.ends_with("cloud.json.unreadable-20261123T064220Z"), "{}", aside.path.display());
        assert_eq!(fs::read_to_string(&aside.path).unwrap(), damaged.to_string());
        assert!(store.get(&blob).is_ok(), "uploads stay");
        assert_eq!(fs::read_to_string(dir.path().join(FILE)).unwrap(), damaged.to_string(), "until the next save");

        for text in ["", "{", "[1]", "{\"format\": 99}", "{\"format\": 1}"] {
            store.save(text.as_bytes()).unwrap();
            let recovered = store.recover(at, &mut ids).unwrap();
            assert!(recovered.state.is_none(), "{text}");
            assert!(recovered.aside.unwrap().to_string().contains("begun anew"), "{text}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_reads_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(dir.path()).unwrap();
        store.save(b"{}").unwrap();
        let mode = fs::metadata(dir.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
