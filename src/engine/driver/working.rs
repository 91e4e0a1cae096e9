//! The working directory: writing it, taking back, bringing back, and its distance from where it should be.
//! The journal keeps whatever is written over.

use super::state::Driver;
use crate::command::Scope;
use crate::config::Mode;
use crate::event::{DiffOf, EventKind, StepRef};
use crate::files;
use crate::journal::{self, DesiredFiles, Journal};
use workshop_base::problem::{Problem, Result};
use workshop_course::code::diff;

impl Driver {
    /// Writes the files as an edit step leaves them. Where a learner has written the same in other words, that stays.
    ///
    /// # Errors
    /// As [`Driver::write`].
    pub(super) fn edit(&mut self, at_step: &StepRef) -> Result<()> {
        let course = self.setup.course.clone();
        let files = files::after(&course, at_step)?;
        let wanted = files::wanted(&course, &files);
        self.write_around(Some(at_step), &wanted)
    }

    /// Writes the files of the course, and lets the learner's own edits go along where the two do not meet. Where they
    /// do, the side that was chosen stays, and without a choice theirs are put aside.
    ///
    /// # Errors
    /// As [`Driver::write`].
    pub(super) fn write_around(&mut self, at_step: Option<&StepRef>, wanted: &DesiredFiles) -> Result<()> {
        if self.setup.mode != Mode::Interactive {
            return self.write(at_step, wanted);
        }
        let stay = self.in_other_words(at_step, wanted);
        let mut others = wanted.clone();
        others.retain(|path, _| !stay.contains(path));
        let (whole, merged) = self.with_own_lines(&others);
        let (journal, at) = self.journal()?;
        let written = journal.write(at, at_step, &whole)?;
        let edited = journal.edit(at, at_step, &merged)?;
        let of_course = |path: &String| wanted.get(path)?.as_ref()?.text().map(str::to_owned);
        journal.now_stands_for(merged.keys().chain(&stay).map(|path| (path.clone(), of_course(path))))?;
        self.tell_written(at_step, written);
        let edited_files = edited.written.iter().flat_map(|(_, files)| files.keys().cloned());
        let files: Vec<String> = stay.into_iter().filter(|_| at_step.is_some()).chain(edited_files).collect();
        if !files.is_empty() {
            self.emit(EventKind::EditsMerged { files });
        }
        self.tell_written(at_step, edited);
        Ok(())
    }

    /// Returns the journal and the time of an entry.
    ///
    /// # Errors
    /// When this run only looks.
    pub(super) fn journal(&mut self) -> Result<(&mut Journal, u64)> {
        let at = self.setup.clock.now();
        let journal = self.journal.as_mut().ok_or_else(|| Problem::usage("this run only looks: it changes nothing"))?;
        Ok((journal, at))
    }

    /// Writes the files of the course; what the learner had in them is put aside.
    ///
    /// # Errors
    /// When this run only looks, when a path leads out or through a link, and those of the disk.
    pub(super) fn write(&mut self, at_step: Option<&StepRef>, wanted: &DesiredFiles) -> Result<()> {
        let (journal, at) = self.journal()?;
        let written = journal.write(at, at_step, wanted)?;
        self.tell_written(at_step, written);
        Ok(())
    }

    /// Tells what was put aside and what was written.
    pub(super) fn tell_written(&mut self, at_step: Option<&StepRef>, written: journal::Written) {
        if let Some((journal, files)) = written.kept {
            self.emit(EventKind::EditsKept { files, journal });
        }
        if let Some((journal, files)) = written.written {
            self.emit(EventKind::FilesWritten { at_step: at_step.cloned(), files, journal });
        }
    }

    /// Writes the files as a step or a chapter leaves them.
    ///
    /// # Errors
    /// When there is no such step or chapter, and as [`Driver::write`].
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

    /// Takes back what a step or a chapter has written.
    ///
    /// # Errors
    /// When there is no such step or chapter, and as [`Driver::write`].
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

    /// Writes one hunk of the chapter at hand, or takes it back, around the learner's own lines.
    ///
    /// # Errors
    /// When the learner's own lines are in its place, and as [`Driver::write`].
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

    /// Brings back the learner's own edits of a journal entry, in what the course has there now.
    ///
    /// # Errors
    /// When there is no such entry or its copies are damaged, and as [`Driver::write`].
    pub(super) fn restore(&mut self, id: u64) -> Result<()> {
        let course = self.setup.course.clone();
        let merge = |path: &str, kept: &str, now: &str| match files::merging(&course, path, kept, now, None) {
            files::Merging::Together(both) => Some(both),
            files::Merging::Nothing | files::Merging::Collide => None,
        };
        let (journal, at) = self.journal()?;
        let (written, whole) = journal.restore(at, id, merge)?;
        let files = written.written.as_ref().map(|(_, files)| files.keys().cloned().collect());
        self.tell_written(None, written);
        self.emit(EventKind::EditsRestored { files: files.unwrap_or_default(), whole, journal: id });
        self.tell_distance();
        Ok(())
    }

    /// Tells how far the files are from the chapter's end, and sees to the watch on them.
    pub(super) fn tell_distance(&mut self) {
        let course = self.setup.course.clone();
        let Some(chapter) = self.progress.position.as_ref().and_then(|p| course.chapter(p.chapter)) else { return };
        let unwatched = self.watch.as_mut().and_then(|watch| watch.follow(&course, &self.setup.workdir));
        if let Some(problem) = unwatched {
            self.trouble(problem);
        }
        let now = files::current(&course, &self.setup.workdir);
        for kind in files::distance(chapter, &now) {
            self.emit(kind);
        }
        let undeployed = match self.deployed_files.is_empty() {
            true => Vec::new(),
            false => files::changed(&self.deployed_files, &files::digests(&now)),
        };
        if undeployed != self.progress.undeployed {
            self.emit(EventKind::Undeployed { files: undeployed });
        }
        self.told = Some(now);
    }

    /// Tells the difference that was asked for.
    ///
    /// # Errors
    /// When the course has no such step or chapter.
    pub(super) fn show_diff(&mut self, of: DiffOf) -> Result<()> {
        let course = self.setup.course.clone();
        let snapshot = |number: u32| course.chapter(number).map(|c| &c.snapshot);
        let files = match &of {
            DiffOf::Step(step) => files::step_diff(&course, step),
            DiffOf::Chapters { from, to } => match (snapshot(*from), course.chapter(*to)) {
                // What the chapter's own steps make, with their notes.
                (Some(from), Some(chapter)) if Some(from) == files::start(&course, chapter.number).as_ref() => {
                    Ok(chapter.diff.clone())
                }
                (Some(from), Some(chapter)) => Ok(diff::diff_trees(from, &chapter.snapshot)),
                (None, _) => Err(no_chapter(*from)),
                (_, None) => Err(no_chapter(*to)),
            },
            DiffOf::Mine { chapter } => match snapshot(*chapter) {
                Some(target) => Ok(diff::diff_trees(&files::current(&course, &self.setup.workdir), target)),
                None => Err(no_chapter(*chapter)),
            },
            DiffOf::Collision => {
                let collision = self.collision.clone().unwrap_or_default();
                let mut now = files::current(&course, &self.setup.workdir);
                now.retain(|path, _| collision.files.contains_key(path));
                Ok(diff::diff_trees(&now, &collision.course))
            }
        };
        self.emit(EventKind::Diff { of, files: files? });
        Ok(())
    }
}

fn no_chapter(number: u32) -> Problem {
    Problem::usage(format!("there is no chapter {number}"))
}
