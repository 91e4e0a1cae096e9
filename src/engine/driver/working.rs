//! The working directory: writing it, taking back, bringing back, and its distance from where it should be.
//! The journal keeps whatever is written over.

use super::state::Driver;
use crate::command::Scope;
use crate::event::{DiffOf, EventKind, Position, StepRef};
use crate::files;
use crate::journal::{self, DesiredFiles, Journal};
use workshop_base::problem::{Problem, Result};
use workshop_course::code::diff;
use workshop_course::lesson::model::Course;

impl Driver {
    pub(super) fn edit(&mut self, at_step: &StepRef) -> Result<()> {
        let course = self.setup.course.clone();
        let files = files::after(&course, at_step)?;
        self.write(Some(at_step), &files::wanted(&course, &files))
    }

    pub(super) fn journal(&mut self) -> Result<(&mut Journal, u64)> {
        let at = self.setup.clock.now();
        let journal = self.journal.as_mut().ok_or_else(|| Problem::usage("this run only looks: it changes nothing"))?;
        Ok((journal, at))
    }

    pub(super) fn write(&mut self, at_step: Option<&StepRef>, wanted: &DesiredFiles) -> Result<()> {
        let (journal, at) = self.journal()?;
        let written = journal.write(at, at_step, wanted)?;
        self.tell_written(at_step, written);
        Ok(())
    }

    pub(super) fn tell_written(&mut self, at_step: Option<&StepRef>, written: journal::Written) {
        if let Some((journal, files)) = written.kept {
            self.emit(EventKind::EditsKept { files, journal });
        }
        if let Some((journal, files)) = written.written {
            self.emit(EventKind::FilesWritten { at_step: at_step.cloned(), files, journal });
        }
    }

    /// Writes the files as a step or a chapter leaves them.
    pub(super) fn apply(&mut self, scope: &Scope) -> Result<()> {
        let course = self.setup.course.clone();
        match scope {
            Scope::Step(step) => self.edit(step)?,
            Scope::Chapter(number) => {
                let chapter = course.chapter(*number).ok_or_else(|| no_chapter(*number))?;
                self.write(None, &files::wanted(&course, &chapter.snapshot))?;
            }
        }
        self.tell_distance();
        Ok(())
    }

    pub(super) fn undo(&mut self, scope: &Scope) -> Result<()> {
        let course = self.setup.course.clone();
        match scope {
            Scope::Step(step) => {
                let (in_place, whole) = files::without_step(&course, &self.setup.workdir, step)?;
                let (journal, at) = self.journal()?;
                let edited = journal.edit(at, Some(step), &in_place)?;
                let written = journal.write(at, Some(step), &whole)?;
                self.tell_written(Some(step), edited);
                self.tell_written(Some(step), written);
            }
            Scope::Chapter(number) => {
                let start = files::at(&course, &self.start_of(*number)?)?;
                self.write(None, &files::wanted(&course, &start))?;
            }
        }
        self.tell_distance();
        Ok(())
    }

    pub(super) fn hunk(&mut self, file: &str, index: usize, on: bool) -> Result<()> {
        let course = self.setup.course.clone();
        let here = self.progress.position.as_ref().and_then(|p| course.chapter(p.chapter));
        let Some(chapter) = here else { return Ok(()) };
        let at_step =
            files::step_of(chapter, file, index).map(|step| StepRef { chapter: chapter.number, step: step.to_owned() });
        let wanted = files::with_hunk(chapter, &self.setup.workdir, file, index, on)?;
        let (journal, at) = self.journal()?;
        let written = journal.edit(at, at_step.as_ref(), &wanted)?;
        self.tell_written(at_step.as_ref(), written);
        self.tell_distance();
        Ok(())
    }

    pub(super) fn restore(&mut self, id: u64) -> Result<()> {
        let course = self.setup.course.clone();
        let merge = |path: &str, kept: &str, now: &str| files::merged(&course, path, kept, now);
        let (journal, at) = self.journal()?;
        let (written, whole) = journal.restore(at, id, merge)?;
        let files = written.written.as_ref().map(|(_, files)| files.keys().cloned().collect());
        self.tell_written(None, written);
        self.emit(EventKind::EditsRestored { files: files.unwrap_or_default(), whole, journal: id });
        self.tell_distance();
        Ok(())
    }

    pub(super) fn tell_distance(&mut self) {
        let course = self.setup.course.clone();
        let Some(chapter) = self.progress.position.as_ref().and_then(|p| course.chapter(p.chapter)) else { return };
        if let Some(watch) = &mut self.watch {
            watch.follow(&course, &self.setup.workdir);
        }
        let now = files::current(&course, &self.setup.workdir);
        for kind in files::distance(chapter, &now) {
            self.emit(kind);
        }
        self.told = Some(now);
    }

    pub(super) fn show_diff(&mut self, of: DiffOf) -> Result<()> {
        let course = self.setup.course.clone();
        let snapshot = |number: u32| course.chapter(number).map(|c| &c.snapshot);
        let files = match &of {
            DiffOf::Step(step) => {
                let position = Position { chapter: step.chapter, step: step.step.clone() };
                files::at(&course, &position)
                    .and_then(|before| Ok(diff::diff_trees(&before, &files::after(&course, step)?)))
                    .map(|files| with_notes(&course, step, files))
            }
            DiffOf::Chapters { from, to } => match (snapshot(*from), snapshot(*to)) {
                (Some(from), Some(to)) => Ok(diff::diff_trees(from, to)),
                (None, _) => Err(no_chapter(*from)),
                (_, None) => Err(no_chapter(*to)),
            },
            DiffOf::Mine { chapter } => match snapshot(*chapter) {
                Some(target) => Ok(diff::diff_trees(&files::current(&course, &self.setup.workdir), target)),
                None => Err(no_chapter(*chapter)),
            },
        };
        self.emit(EventKind::Diff { of, files: files? });
        Ok(())
    }
}

fn no_chapter(number: u32) -> Problem {
    Problem::usage(format!("there is no chapter {number}"))
}

/// The authors' notes stand on the chapter's hunks: bring them to the step's, which are the same lines.
fn with_notes(course: &Course, step: &StepRef, mut files: Vec<diff::FileDiff>) -> Vec<diff::FileDiff> {
    let Some(chapter) = course.chapter(step.chapter) else { return files };
    for file in &mut files {
        let Some(of_chapter) = chapter.diff.iter().find(|d| d.path == file.path) else { continue };
        for hunk in &mut file.hunks {
            let text = |h: &diff::Hunk| h.lines.iter().map(|l| (l.side, l.text())).collect::<Vec<_>>();
            let lines = text(hunk);
            let same = of_chapter.hunks.iter().find(|h| text(h) == lines);
            hunk.note = same.and_then(|h| h.note.clone());
        }
    }
    files
}
