//! What several areas of the integration tests share.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use workshop::sandbox::launch::Spawner;
use workshop::sandbox::{postgres, progress::Report, state};

/// The binary under test.
pub fn exe() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_workshop"))
}

/// The machine's cache: what one test fetched, no other fetches again.
pub fn cache() -> PathBuf {
    state::cache_dir().expect("a cache directory")
}

pub fn spawner() -> Spawner {
    Spawner::new(exe()).expect("a thread")
}

/// Real PostgreSQL servers below `dir`, none started yet. Keep `dir` until after the last use.
pub async fn servers(dir: &Path) -> postgres::Servers {
    // As root, PostgreSQL runs under another account.
    std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o711)).expect("opened");
    postgres::account::open_dir(&dir.join("run")).expect("made");
    let config = postgres::Config {
        cache: cache(),
        data: dir.join("data"),
        run: dir.join("run"),
        log: dir.join("postgres.log"),
        spawner: spawner(),
    };
    postgres::Servers::open(config, &Report::silent()).await.expect("PostgreSQL")
}

/// Whether a process exists (a zombie does not count).
pub fn alive(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

/// Waits, by looking, until `done` holds; panics after ten seconds with what it waited for.
pub async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while !done() {
        assert!(std::time::Instant::now() < deadline, "waited in vain until {what}");
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
}
