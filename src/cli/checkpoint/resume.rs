//! A run that begins with a checkpoint, and keeps those that it comes to.

use std::path::PathBuf;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::program_id::program_id;
use super::store::{AboutCheckpoint, CheckpointStore, StoredCheckpoint};
use crate::cli::args::CommonOptions;
use crate::cli::output::warn;
use crate::cli::target;
use workshop_base::problem::{Problem, Result};
use workshop_base::text::sanitize;
use workshop_course::code::tree::Tree;
use workshop_course::lesson::model::Course;
use workshop_engine::checkpoint;
use workshop_engine::cloud::Report;
use workshop_engine::install::Packages;
use workshop_engine::{Beginning, Keep};
use workshop_sandbox::control::{self, SandboxOptions};

/// The checkpoints of one run in the sandbox, in a directory of its own.
#[derive(Clone)]
pub struct RunCheckpoints {
    store: CheckpointStore,
    course: Arc<Course>,
    workdir: PathBuf,
    options: SandboxOptions,
    packages: Packages,
    /// What a state depends on besides the course: this program, and what it was told.
    program: String,
}

impl RunCheckpoints {
    /// Names the checkpoints of a course in the cache, for a run in a directory.
    ///
    /// # Errors
    /// When there is no cache, or this program's own file cannot be read.
    pub fn new(common: &CommonOptions, course: Arc<Course>, workdir: PathBuf) -> Result<RunCheckpoints> {
        let cache = target::cache()?;
        let store = CheckpointStore::of_user()?;
        let region = common.region.as_deref().unwrap_or_default();
        let program = format!("{} {region}", program_id(store.dir())?);
        let (options, packages) = (target::sandbox(common, None)?, Packages::new(&cache));
        Ok(RunCheckpoints { store, course, workdir, options, packages, program })
    }

    /// Returns the stored checkpoint after a chapter that is what a run would come to now.
    pub fn current(&self, chapter: u32) -> Option<StoredCheckpoint> {
        if !self.store.has_any(&self.course, chapter) {
            return None;
        }
        self.store.find(&self.course, chapter, &self.key(chapter))
    }

    /// Lays out the newest state before a chapter, and says from where the run goes on. What cannot be used is told, and
    /// the run begins with the first chapter.
    pub async fn resume(&self, before: u32) -> Option<u32> {
        let found = (0..before).rev().find_map(|chapter| self.current(chapter))?;
        let after = found.about.chapter;
        match self.lay_out(&found).await {
            Ok(()) => {
                warn(&format!(
                    "from the checkpoint after chapter {after}, kept {} (--fresh walks from the beginning)\n",
                    local(found.about.kept)
                ));
                Some(after)
            }
            Err(problem) => {
                let said = sanitize(&problem.to_string()).into_owned();
                warn(&format!("the checkpoint after chapter {after} cannot be used, and goes: {said}\n"));
                let _ = self.store.remove(&found);
                let _ = control::reset(&self.workdir, &self.options).await;
                let _ = std::fs::remove_dir_all(&self.workdir);
                None
            }
        }
    }

    async fn lay_out(&self, found: &StoredCheckpoint) -> Result<()> {
        let installation = match found.about.packages {
            true => {
                let (report, stop) = (Report::silent(), CancellationToken::new());
                self.packages.ensure(self.snapshot(found.about.chapter), &report, &stop).await?
            }
            false => None,
        };
        checkpoint::lay_out(&found.dir, &self.workdir, installation).await?;
        match found.about.sandbox {
            true => control::seed(&self.workdir, &self.options, &found.dir.join("sandbox")).await,
            false => Ok(()),
        }
    }

    /// Begins a walk after a chapter, which keeps the state at the end of each chapter that is wanted and has none. That
    /// one cannot be kept is told, and the walk goes on.
    pub fn beginning(
        &self,
        after: Option<u32>,
        wanted: impl Fn(u32) -> bool + Send + Sync + 'static,
    ) -> Beginning<'static> {
        let (mine, wanted) = (self.clone(), Arc::new(wanted));
        let keep: Keep<'static> = Box::new(move |chapter| {
            let (mine, wanted) = (mine.clone(), wanted.clone());
            Box::pin(async move {
                if wanted(chapter)
                    && let Err(problem) = mine.keep(chapter).await
                {
                    let said = sanitize(&problem.to_string()).into_owned();
                    warn(&format!("no checkpoint after chapter {chapter}: {said}\n"));
                }
            })
        });
        Beginning { after, keep: Some(keep) }
    }

    async fn keep(&self, chapter: u32) -> Result<()> {
        let key = self.key(chapter);
        if self.store.find(&self.course, chapter, &key).is_some() {
            return Ok(());
        }
        let draft = self.store.begin()?;
        let installation = self.packages.known(self.snapshot(chapter));
        let (workdir, to) = (self.workdir.clone(), draft.dir().to_owned());
        let taking = move || checkpoint::take(&workdir, installation.as_deref(), &to);
        let taken = tokio::task::spawn_blocking(taking).await;
        let taken = taken.map_err(|e| Problem::environment(format!("copying the files: {e}")))??;
        let sandbox = control::export(&self.workdir, &self.options, &draft.dir().join("sandbox")).await?;
        let about = AboutCheckpoint::new(&self.course, chapter, key);
        let about = AboutCheckpoint { packages: taken.packages, sandbox, ..about };
        self.store.put(&draft, &self.course.code, &about).map(drop)
    }

    fn key(&self, chapter: u32) -> String {
        checkpoint::key(&self.course, chapter, &self.program)
    }

    fn snapshot(&self, chapter: u32) -> &Tree {
        static NONE: Tree = Tree::new();
        self.course.chapter(chapter).map_or(&NONE, |chapter| &chapter.snapshot)
    }
}

/// A time, in seconds since 1970-01-01 UTC, as a person here reads it, to the minute.
pub fn local(seconds: i64) -> String {
    let time = jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    time.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string()
}
