//! `workshop checkpoint …`: checkpoints listed, removed, and carried as a file.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::resume::{RunCheckpoints, local};
use super::store::{CheckpointStore, StoredCheckpoint};
use crate::cli::archive::{self, ArchiveLinks};
use crate::cli::args::CommonOptions;
use crate::cli::course;
use crate::cli::output::say;
use crate::cli::subcommands::CheckpointCommand;
use workshop_base::problem::{Problem, Result};
use workshop_base::text::{counted, sanitize};
use workshop_course::lesson::model::Course;

/// Carries out a command on the checkpoints, and returns the exit code.
///
/// # Errors
/// When the course is not valid, there is nothing to save, or a file cannot be read or written.
pub fn run(common: &CommonOptions, command: CheckpointCommand) -> Result<u8> {
    let store = CheckpointStore::of_user()?;
    match command {
        CheckpointCommand::List => list(common, &store),
        CheckpointCommand::Save { file, chapter } => save(common, &file, chapter),
        CheckpointCommand::Restore { file } => restore(common, &store, &file),
        CheckpointCommand::Remove => {
            let all = store.list();
            all.iter().try_for_each(|stored| store.remove(stored))?;
            say(&format!("removed {}\n", counted(all.len(), "checkpoint")))?;
            Ok(0)
        }
    }
}

/// The course and its checkpoints; the directory of a run is not asked for here.
fn of_course(common: &CommonOptions) -> Result<(Arc<Course>, RunCheckpoints)> {
    let course = Arc::new(course::read(common)?);
    let checkpoints = RunCheckpoints::new(common, course.clone(), PathBuf::new())?;
    Ok((course, checkpoints))
}

fn list(common: &CommonOptions, store: &CheckpointStore) -> Result<u8> {
    let all = store.list();
    if all.is_empty() {
        say("no checkpoints; `workshop prove` and `workshop --check` keep one after each chapter\n")?;
        return Ok(0);
    }
    let (course, checkpoints) = of_course(common)?;
    for stored in &all {
        let about = &stored.about;
        let known = course.title == about.course && course.chapter(about.chapter).is_some();
        let state = match known {
            true if checkpoints.current(about.chapter).as_ref() == Some(stored) => "current",
            true => "stale: the lessons, a snapshot or the program is another now",
            false => "of another course",
        };
        say(&format!(
            "after chapter {:<3} {}  {}  {state}\n",
            about.chapter,
            local(about.kept),
            sanitize(&about.course)
        ))?;
    }
    Ok(0)
}

fn save(common: &CommonOptions, file: &Path, chapter: Option<u32>) -> Result<u8> {
    let (course, checkpoints) = of_course(common)?;
    if let Some(number) = chapter {
        course::chapter(&course, number)?;
    }
    let wanted =
        course.chapters.iter().map(|one| one.number).filter(|number| chapter.is_none_or(|only| only == *number));
    let found: Vec<StoredCheckpoint> = wanted.filter_map(|number| checkpoints.current(number)).collect();
    if found.is_empty() {
        let after = chapter.map_or_else(|| "of this course".to_owned(), |number| format!("after chapter {number}"));
        return Err(Problem::usage(format!("there is no current checkpoint {after}")).hint(
            "run `workshop prove` or `workshop --check` first: each keeps one after each chapter that came out well",
        ));
    }
    let named = |stored: &StoredCheckpoint| {
        let name = stored.dir.file_name().unwrap_or_default().to_string_lossy().into_owned();
        (name, stored.dir.clone())
    };
    let dirs: Vec<_> = found.iter().map(named).collect();
    archive::pack(&dirs, file).map_err(|error| course::unwritable(file, &error))?;
    let chapters: Vec<String> = found.iter().map(|stored| stored.about.chapter.to_string()).collect();
    say(&format!("{}: the state after chapter {}\n", sanitize(&file.display().to_string()), chapters.join(", ")))?;
    Ok(0)
}

fn restore(common: &CommonOptions, store: &CheckpointStore, file: &Path) -> Result<u8> {
    let draft = store.begin()?;
    archive::unpack(file, draft.dir(), ArchiveLinks::Kept)?;
    let entries = std::fs::read_dir(draft.dir()).into_iter().flatten().flatten();
    let mut restored = Vec::new();
    for entry in entries {
        restored.push(store.adopt(&entry.path())?);
    }
    if restored.is_empty() {
        return Err(Problem::usage(format!("{} holds no checkpoint", file.display()))
            .hint("restore a file that `workshop checkpoint save` has written"));
    }
    restored.sort_by_key(|about| about.chapter);
    // Restored is what was asked for, be it of use here or not.
    let of_here = of_course(common).ok();
    for about in &restored {
        let current = of_here.as_ref().map(|(_, checkpoints)| {
            checkpoints.current(about.chapter).is_some_and(|stored| stored.about.key == about.key)
        });
        let state = match current {
            Some(true) => "",
            Some(false) => "; it is not used here, where the lessons, a snapshot or the program is another",
            None => "; there is no valid course here to use it with",
        };
        say(&format!("the state after chapter {} of {}{state}\n", about.chapter, sanitize(&about.course)))?;
    }
    Ok(0)
}
