//! The local standby of a talk in an account: where it is, and how its sandbox is reached.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::args::CommonOptions;
use super::target::{self, Place};
use workshop_base::private_dir::OURS;
use workshop_base::problem::{Problem, Result};
use workshop_course::lesson::model::{Course, CourseDatabase, Target};
use workshop_engine::StandbyConfig;
use workshop_engine::cloud::Prepare;

/// The standby's directory, below the workshop's own.
const DIR: &str = "standby";

/// Returns the directory where the standby of a working directory works.
pub fn workdir(workdir: &Path) -> PathBuf {
    workdir.join(OURS).join(DIR)
}

/// Returns the standby of a talk; None where it is not in an account, where none is wanted, and where the sandbox cannot
/// stand for the account: it does not have all that the course uses, or the course has a database elsewhere.
///
/// # Errors
/// When there is no place for the cache.
pub fn of(common: &CommonOptions, target: Target, workdir: &Path, course: &Course) -> Result<Option<StandbyConfig>> {
    let stands = course.needs_cloud() && course.runs_on(Target::Local) && course.database == CourseDatabase::Cluster;
    if target != Target::Aws || common.no_standby || !stands {
        return Ok(None);
    }
    let there = self::workdir(workdir);
    // The profile is the account's.
    let common = CommonOptions { profile: None, ..common.clone() };
    let place = |console: &Path, background| Place { sandbox: there.clone(), console: console.to_owned(), background };
    Ok(Some(StandbyConfig {
        start: workshop_engine::start,
        prepare: made(&there, target::prepare_at(&common, Target::Local, place(workdir, false), course)?),
        follow: made(&there, target::prepare_at(&common, Target::Local, place(&there, true), course)?),
        states: target::states(&common, Target::Local, &there, course)?,
        template_check: target::template_check(Target::Local),
        workdir: there,
    }))
}

/// Has the directory made before its sandbox is started.
fn made(there: &Path, prepare: Prepare) -> Prepare {
    let there = there.to_owned();
    Arc::new(move |report| {
        let made = std::fs::create_dir_all(&there).map_err(|error| {
            Problem::environment(format!("making {}: {error}", there.display())).hint("make it writable for you")
        });
        match made {
            Ok(()) => prepare(report),
            Err(problem) => Box::pin(std::future::ready(Err(problem))),
        }
    })
}

/// Says what a talk leaves of its standby, and how to get rid of it.
pub fn left_behind(workdir: &Path) -> String {
    let there = self::workdir(workdir);
    format!(
        "its local standby keeps its state in {}; when you are done with it: workshop sandbox reset --workdir {}",
        there.display(),
        workshop_base::text::shell_word(&there.display().to_string())
    )
}
