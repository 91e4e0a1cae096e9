//! What several areas of the integration tests share.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use workshop_base::surroundings::GIT_REPOSITORY;
use workshop_sandbox::launch::Spawner;
use workshop_sandbox::{postgres, progress::ProgressSink, state};

/// The binary under test.
pub fn exe() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_workshop"))
}

/// What a shell may have set, by its beginning and by its whole name, that would decide what a program does here:
/// accounts and databases (`eval "$(workshop sandbox env)"`), languages, colours, sizes, editors, a build server's marks.
const DECIDING: [&[&str]; 2] = [
    &["AWS_", "CDK_", "LC_", "NODE_", "PG", "PSQL"],
    &[
        "CI",
        "CLICOLOR",
        "CLICOLOR_FORCE",
        "COLUMNS",
        "EDITOR",
        "FORCE_COLOR",
        "GITHUB_ACTIONS",
        "LANG",
        "LANGUAGE",
        "LESS",
        "LINES",
        "NO_COLOR",
        "PAGER",
        "TERM",
        "TZ",
        "VISUAL",
        "WORKSHOP_CHECKPOINTS",
        "WORKSHOP_COURSE",
        "WORKSHOP_LESSONS",
        "WORKSHOP_LOCALE",
        "WORKSHOP_LOG",
        "WORKSHOP_NO_STANDBY",
        "WORKSHOP_SNAPSHOTS",
        "WORKSHOP_TARGET",
        "WORKSHOP_TIME_LIMIT",
    ],
];

/// Those of them that are set. The ways to the cache and to the network are not among them.
pub fn deciding() -> Vec<String> {
    let [beginnings, names] = DECIDING;
    let decides = |name: &String| names.contains(&name.as_str()) || beginnings.iter().any(|b| name.starts_with(b));
    std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).filter(decides).collect()
}

/// A program, started as on a machine where nothing is set: whoever runs the tests may have set anything.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    let of_a_hook = GIT_REPOSITORY.map(str::to_owned);
    for name in deciding().into_iter().chain(of_a_hook) {
        command.env_remove(name);
    }
    command.env("LANG", "C.UTF-8");
    command
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
    let config = postgres::PostgresConfig {
        cache: cache(),
        data: dir.join("data"),
        run: dir.join("run"),
        log: dir.join("postgres.log"),
        spawner: spawner(),
    };
    postgres::Servers::open(config, &ProgressSink::silent()).await.expect("PostgreSQL")
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
