//! What the compiler said of a project whose files are as they were then: it is not asked again.
//!
//! Invariant: an answer is used only if every file that the compiler read outside of the packages has the content that it
//! had, no file has come or gone, and the projects' settings and npm's record of the packages are the same.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::event::TypeProblem;
use workshop_base::files;
use workshop_base::private_dir::OURS;

/// Directories that hold nothing of a project's own.
const NOT_OWN: [&str; 4] = ["node_modules", "cdk.out", ".git", OURS];
/// The files whose coming or going may change what a name means.
const SOURCES: [&str; 9] = ["ts", "tsx", "mts", "cts", "js", "jsx", "mjs", "cjs", "json"];
const PACKAGES: &str = "node_modules/.package-lock.json";
/// Projects of more than this are always looked at.
const MOST_FILES: usize = 2_000;
const MOST_BYTES: u64 = 16 << 20;
/// Answers that are kept of a project in the same surroundings, newest first.
const ANSWERS: usize = 16;

/// The sources of a working directory at one moment: digests by path.
#[derive(Debug, PartialEq, Eq)]
pub struct Sources {
    files: BTreeMap<String, String>,
    packages: String,
}

impl Sources {
    /// Looks at a working directory. None where links, or too many files, make the look worthless.
    pub fn of(workdir: &Path) -> Option<Sources> {
        let mut files = BTreeMap::new();
        let mut bytes = 0;
        let mut dirs = vec![PathBuf::new()];
        while let Some(dir) = dirs.pop() {
            for entry in fs::read_dir(workdir.join(&dir)).ok()? {
                let entry = entry.ok()?;
                let (name, kind) = (entry.file_name(), entry.file_type().ok()?);
                let path = dir.join(&name);
                if NOT_OWN.iter().any(|not| name == *not) {
                    continue;
                }
                if kind.is_dir() {
                    dirs.push(path);
                    continue;
                }
                if !path.extension().is_some_and(|extension| SOURCES.iter().any(|source| extension == *source)) {
                    continue;
                }
                bytes += entry.metadata().ok()?.len();
                if !kind.is_file() || files.len() == MOST_FILES || bytes > MOST_BYTES {
                    return None;
                }
                files.insert(path.to_str()?.to_owned(), digest(&fs::read(workdir.join(&path)).ok()?));
            }
        }
        let packages = digest(&fs::read(workdir.join(PACKAGES)).ok()?);
        Some(Sources { files, packages })
    }

    /// Names all that decides which files a project's compiler reads: their names, and the settings' content.
    fn surroundings(&self, project: &str) -> String {
        let mut hash = Sha256::new();
        let mut put = |text: &str| {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        };
        put(project);
        put(&self.packages);
        for (path, digest) in &self.files {
            put(path);
            let name = path.rsplit('/').next().unwrap_or_default();
            if name.starts_with("tsconfig") || name.starts_with("package") {
                put(digest);
            }
        }
        hex::encode(hash.finalize())
    }
}

/// The answers of the compiler in a directory of the cache.
pub struct KnownTypes(PathBuf);

#[derive(Serialize, Deserialize)]
struct KnownAnswer {
    /// The digests of the files that the compiler read, by path.
    files: BTreeMap<String, String>,
    problems: Vec<TypeProblem>,
}

impl KnownTypes {
    /// Names the answers in a cache; makes nothing yet.
    pub fn new(cache: &Path) -> KnownTypes {
        KnownTypes(cache.join("types"))
    }

    /// Returns what the compiler says of a project with these sources, if it was asked before.
    pub fn answer(&self, project: &str, sources: &Sources) -> Option<Vec<TypeProblem>> {
        let is_same = |(path, digest): (&String, &String)| sources.files.get(path) == Some(digest);
        let known = self.read(project, sources).into_iter().find(|known| known.files.iter().all(is_same))?;
        Some(known.problems)
    }

    /// Keeps what the compiler has said of a project with these sources; `read` are the files that it read. Where they are
    /// not all known, nothing is kept, and neither where the disk does not let it.
    pub fn keep(&self, project: &str, sources: &Sources, read: &[String], problems: &[TypeProblem]) {
        let digest = |path: &String| Some((path.clone(), sources.files.get(path)?.clone()));
        let Some(files) = read.iter().map(digest).collect::<Option<BTreeMap<_, _>>>() else { return };
        let mut all = self.read(project, sources);
        all.insert(0, KnownAnswer { files, problems: problems.to_vec() });
        all.truncate(ANSWERS);
        let write = || {
            fs::create_dir_all(&self.0)?;
            files::replace(&self.place(project, sources), &serde_json::to_vec(&all)?)
        };
        // It is asked again next time.
        let _ = write();
    }

    fn read(&self, project: &str, sources: &Sources) -> Vec<KnownAnswer> {
        let text = fs::read(self.place(project, sources)).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    fn place(&self, project: &str, sources: &Sources) -> PathBuf {
        self.0.join(format!("{}.json", sources.surroundings(project)))
    }
}

/// Reads from the compiler's own record which files it read, as paths below the working directory: those of packages and
/// its own library left out. None when one of them is elsewhere.
pub fn files_read(record: &Path, workdir: &Path) -> Option<Vec<String>> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct BuildInfo {
        file_names: Vec<String>,
    }
    let BuildInfo { file_names } = serde_json::from_slice(&fs::read(record).ok()?).ok()?;
    let from = record.parent()?;
    let own = file_names.iter().filter(|name| !name.contains("node_modules/") && !is_library(name));
    own.map(|name| Some(plain(&from.join(name)).strip_prefix(workdir).ok()?.to_str()?.to_owned())).collect()
}

/// The compiler's own library has no place: `lib.es5.d.ts`.
fn is_library(name: &str) -> bool {
    name.starts_with("lib.") && name.ends_with(".d.ts") && !name.contains('/')
}

/// Takes `..` out of a path by its words.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => _ = plain.pop(),
            Component::CurDir => {}
            Component::Normal(_) | Component::RootDir | Component::Prefix(_) => plain.push(part),
        }
    }
    plain
}

fn digest(bytes: &[u8]) -> String {
    hex::encode(&Sha256::digest(bytes)[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem() -> TypeProblem {
        super::super::types::read(&["a/x.ts(1,2): error TS1: No.".to_owned()]).remove(0)
    }

    #[test]
    fn an_answer_holds_as_long_as_nothing_that_was_read_has_changed() {
        let (dir, cache) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let put = |path: &str, text: &str| {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        for path in ["a/x.ts", "b/y.ts", "a/tsconfig.json", PACKAGES] {
            put(path, path);
        }
        let known = KnownTypes::new(cache.path());
        let answer = || known.answer("a", &Sources::of(dir.path()).unwrap());
        assert_eq!(answer(), None);
        known.keep("a", &Sources::of(dir.path()).unwrap(), &["a/x.ts".to_owned()], &[problem()]);
        assert_eq!(answer(), Some(vec![problem()]));
        assert_eq!(known.answer("b", &Sources::of(dir.path()).unwrap()), None, "another project's");
        put("b/y.ts", "what it has not read");
        assert_eq!(answer(), Some(vec![problem()]));
        for (path, text) in [("a/x.ts", "other"), ("a/tsconfig.json", "other"), (PACKAGES, "other"), ("c.ts", "new")] {
            put(path, text);
            assert_eq!(answer(), None, "{path}");
            match path {
                "c.ts" => fs::remove_file(dir.path().join(path)).unwrap(),
                _ => put(path, path),
            }
            assert_eq!(answer(), Some(vec![problem()]), "{path} is as it was");
        }
        std::os::unix::fs::symlink("x.ts", dir.path().join("a/z.ts")).unwrap();
        assert_eq!(Sources::of(dir.path()), None, "a link's content is elsewhere");
    }

    #[test]
    fn the_compilers_record_says_what_it_read() {
        let dir = tempfile::tempdir().unwrap();
        let record = dir.path().join(".workshop/log/types.tsbuildinfo");
        fs::create_dir_all(record.parent().unwrap()).unwrap();
        let write =
            |names: &str| fs::write(&record, format!(r#"{{"version":"7.0.2","fileNames":[{names}]}}"#)).unwrap();
        write(r#""lib.es5.d.ts","../../node_modules/a/index.d.ts","../../cdk/lib/a.ts","../../shared/b.ts""#);
        assert_eq!(files_read(&record, dir.path()), Some(vec!["cdk/lib/a.ts".to_owned(), "shared/b.ts".to_owned()]));
        write(r#""../../../elsewhere/b.ts""#);
        assert_eq!(files_read(&record, dir.path()), None);
        assert_eq!(files_read(&dir.path().join("none"), dir.path()), None);
    }
}
