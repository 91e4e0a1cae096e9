//! Everything the endpoint remembers, and how it gets to the disk and back.
//!
//! One JSON file, replaced atomically, and one file per upload, named by its hash. A directory copied while
//! nothing is under way is a complete state. Invariant: what a client was told is on disk before it is told.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::cloudformation::stack::{Stack, Status};
use super::dsql::Cluster;
use super::ids::{Ids, sha256_hex};
use super::lambda::Function;
use super::s3::Bucket;
use super::ssm::Parameter;
use super::time::Instant;
use crate::iam::Iam;
use workshop_base::files::replace;
use workshop_base::problem::Problem;

/// Raised when the layout changes in a way that an older reader would misread.
const FORMAT: u32 = 1;
/// Deleted stacks that can still be described.
const MOST_DELETED: usize = 10;
const FILE: &str = "cloud.json";
const BLOBS: &str = "blobs";

#[derive(Serialize, Deserialize)]
pub struct State {
    format: u32,
    pub account: String,
    pub region: String,
    pub iam: Iam,
    pub parameters: BTreeMap<String, Parameter>,
    pub buckets: BTreeMap<String, Bucket>,
    pub functions: BTreeMap<String, Function>,
    pub clusters: BTreeMap<String, Cluster>,
    /// By id.
    pub stacks: BTreeMap<String, Stack>,
    pub log_groups: BTreeMap<String, LogGroup>,
    /// Keys, aliases, repositories: there to be named, not to be used. By kind and physical id.
    pub inert: BTreeMap<String, Value>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogGroup {
    pub created: Instant,
    pub retention_days: Option<u64>,
}

impl State {
    pub fn new(account: &str, region: &str, ids: &mut Ids) -> Self {
        State {
            format: FORMAT,
            account: account.into(),
            region: region.into(),
            iam: Iam::new(account, region, ids),
            parameters: BTreeMap::new(),
            buckets: BTreeMap::new(),
            functions: BTreeMap::new(),
            clusters: BTreeMap::new(),
            stacks: BTreeMap::new(),
            log_groups: BTreeMap::new(),
            inert: BTreeMap::new(),
        }
    }

    /// Forgets the oldest of the deleted stacks: AWS does so after 90 days, here a number must do.
    pub fn forget_deleted_stacks(&mut self) {
        let mut deleted: Vec<(Instant, String)> =
            self.stacks.values().filter_map(|stack| Some((stack.deleted?, stack.id.clone()))).collect();
        deleted.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        for (_, id) in deleted.into_iter().skip(MOST_DELETED) {
            self.stacks.remove(&id);
        }
    }

    /// A live stack by name, or any stack by id.
    pub fn stack(&self, name_or_id: &str) -> Option<&Stack> {
        self.stacks.get(name_or_id).or_else(|| {
            self.stacks.values().find(|stack| stack.name == name_or_id && stack.status != Status::DeleteComplete)
        })
    }

    /// Values by export name, of all live stacks.
    pub fn exports(&self) -> BTreeMap<String, String> {
        let outputs = self.stacks.values().filter(|s| s.status != Status::DeleteComplete).flat_map(|s| &s.outputs);
        outputs.filter_map(|output| Some((output.export.clone()?, output.value.clone()))).collect()
    }

    pub fn ssm_values(&self) -> BTreeMap<String, String> {
        self.parameters.iter().map(|(name, parameter)| (name.clone(), parameter.value.clone())).collect()
    }

    fn blobs(&self) -> BTreeSet<&str> {
        let objects =
            self.buckets.values().flat_map(|bucket| bucket.objects.values()).map(|object| object.blob.as_str());
        objects.chain(self.functions.values().map(|function| function.blob.as_str())).collect()
    }
}

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

/// The directory a state lives in.
#[derive(Debug, Clone)]
pub struct Store {
    dir: PathBuf,
}

impl Store {
    pub fn open(dir: &Path) -> Result<Self, StateError> {
        let blobs = dir.join(BLOBS);
        fs::create_dir_all(&blobs).map_err(io_error("make", &blobs))?;
        Ok(Store { dir: dir.to_path_buf() })
    }

    /// None when there is no state yet.
    pub fn load(&self) -> Result<Option<State>, StateError> {
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
        let state: State = serde_json::from_slice(&text).map_err(damaged)?;
        self.sweep(&state);
        Ok(Some(state))
    }

    /// Replaces the file by a whole new one, readable by the owner only: there are secrets in it. `text` is [`Store::text`] of the state.
    pub fn save(&self, text: &[u8]) -> Result<(), StateError> {
        let path = self.dir.join(FILE);
        replace(&path, text).map_err(io_error("write", &path))
    }

    pub fn text(state: &State) -> Vec<u8> {
        serde_json::to_vec(state).expect("a state is maps with text keys and plain values")
    }

    /// Keeps an upload and answers the name to find it by.
    pub fn put(&self, body: &[u8]) -> Result<String, StateError> {
        let name = sha256_hex(body);
        let path = self.dir.join(BLOBS).join(&name);
        if !path.exists() {
            replace(&path, body).map_err(io_error("write", &path))?;
        }
        Ok(name)
    }

    pub fn get(&self, name: &str) -> Result<Bytes, StateError> {
        let path = self.dir.join(BLOBS).join(name);
        fs::read(&path).map(Bytes::from).map_err(io_error("read", &path))
    }

    /// Removes uploads that nothing refers to. Failing to is not worth a word: the next start tries again.
    fn sweep(&self, state: &State) {
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
        let state = State::new("123456789012", "us-east-1", &mut Ids::seeded(1));
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
