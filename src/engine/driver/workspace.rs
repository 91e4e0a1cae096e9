//! The working directory: writing it, taking back, bringing back, and its distance from where it should be.
//! The journal keeps whatever is written over.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::position;
use crate::command::Scope;
use crate::config::{EngineConfig, Mode};
use crate::event::{DiffOf, EventKind, Position, StepRef};
use crate::files;
use crate::journal::{self, DesiredFiles, Journal};
use crate::messages::EventSink;
use crate::watch::FileWatch;
use workshop_base::problem::{Problem, Result};
use workshop_course::code::diff;
use workshop_course::code::tree::Tree;
use workshop_course::lesson::model::Chapter;

/// Owns the learner's files: nothing else writes them. What it does, it returns as events in their order.
pub(super) struct Workspace {
    pub(super) config: Arc<EngineConfig>,
    /// None where this run only looks.
    pub(super) journal: Option<Journal>,
    /// None where nobody edits beside the run.
    watch: Option<FileWatch>,
    /// The files whose distance was reported last.
    measured: Option<Tree>,
    /// The paths that the newest refusal named, as not written by the workshop.
    announced: Option<Vec<String>>,
    /// Own edits that meet the course's, as the newest refusal named them.
    pub(super) collision: Option<Collision>,
    /// With which side to go on where they meet, by a digest of both: true, with the learner's own.
    pub(super) settled: BTreeMap<String, bool>,
    /// The chapter that was written whole before its steps: on the way through it that stays.
    pub(super) applied_ahead: Option<u32>,
    /// Somebody has saved files, and not all checks of files have been looked at since.
    pub(super) is_unfollowed: bool,
    /// Lockfiles that were as the runner left them, when a step began that may rewrite them.
    lockfiles: Vec<String>,
}

/// Own edits that meet the course's next ones.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Collision {
    /// Where the two meet: each file, and a digest of both sides.
    pub(super) files: BTreeMap<String, String>,
    /// The course's side of these files.
    pub(super) course: Tree,
}

impl Workspace {
    /// Makes the workspace of a run; nothing is written before [`Workspace::open_journal`].
    pub(super) fn new(config: Arc<EngineConfig>) -> Workspace {
        Workspace {
            config,
            journal: None,
            watch: None,
            measured: None,
            announced: None,
            collision: None,
            settled: BTreeMap::new(),
            applied_ahead: None,
            is_unfollowed: false,
            lockfiles: Vec::new(),
        }
    }

    /// Goes on with another configuration: the course was written on.
    pub(super) fn set_config(&mut self, config: Arc<EngineConfig>) {
        self.config = config;
    }

    /// Brings along the files of the course that are as the runner left them; whatever else stands in a file is left as it
    /// is.
    ///
    /// # Errors
    /// As [`Workspace::write`].
    pub(super) fn follow(&mut self, files: &Tree) -> Result<Vec<EventKind>> {
        let mut wanted = files::wanted(&self.config.course, files);
        let (journal, _) = self.journal()?;
        wanted.retain(|path, _| journal.is_ours(path));
        self.write(None, &wanted)
    }

    /// Opens the journal: from now on files may be written.
    ///
    /// # Errors
    /// When it cannot be read or made.
    pub(super) fn open_journal(&mut self) -> Result<()> {
        self.journal = Some(Journal::open(&self.config.workdir)?);
        Ok(())
    }

    /// Returns what of the learner's was put aside after an entry of the journal.
    pub(super) fn kept_since(&self, id: u64) -> Vec<EventKind> {
        let kept = self.journal.iter().flat_map(|journal| journal.kept_since(id));
        kept.map(|(journal, files)| EventKind::EditsKept { files, journal }).collect()
    }

    /// Watches the files; the future returned sends `FilesChanged` as long as it runs.
    pub(super) fn watch(&mut self, sink: EventSink) -> impl Future<Output = ()> + Send + use<> {
        let (watch, gather) = FileWatch::start(sink);
        self.watch = Some(watch);
        gather
    }

    /// Returns the course's files as they are on the disk.
    pub(super) fn files(&self) -> Tree {
        files::current(&self.config.course, &self.config.workdir)
    }

    /// Returns the digests of the course's files as they are on the disk, by path.
    pub(super) fn digests(&self) -> BTreeMap<String, String> {
        files::digests(&self.files())
    }

    /// Tells whether the files are others than those whose distance was reported last.
    pub(super) fn has_changed(&self) -> bool {
        self.measured.as_ref() != Some(&self.files())
    }

    /// Measures how far the files are from the chapter's end and from what was deployed (its digests by path), and watches
    /// directories that are new. `undeployed` is what was told of the second last.
    pub(super) fn measure(
        &mut self,
        chapter: &Chapter,
        deployed: &BTreeMap<String, String>,
        undeployed: &[String],
    ) -> Vec<EventKind> {
        let unwatched = self.watch.as_mut().and_then(|watch| watch.follow(&self.config.course, &self.config.workdir));
        let mut events: Vec<EventKind> = unwatched.map(|problem| EventKind::Trouble { problem }).into_iter().collect();
        let now = self.files();
        events.extend(files::distance(chapter, &now));
        let changed = match deployed.is_empty() {
            true => Vec::new(),
            false => files::changed(deployed, &files::digests(&now)),
        };
        if changed != undeployed {
            events.push(EventKind::Undeployed { files: changed });
        }
        self.measured = Some(now);
        events
    }

    /// Returns, once, which files would change that the workshop has not written. Who asks for the same again has
    /// answered.
    pub(super) fn unannounced(&mut self, files: &Tree, at_hand: Option<&StepRef>) -> Option<Vec<String>> {
        if self.config.mode != Mode::Interactive {
            return None;
        }
        let wanted = files::wanted(&self.config.course, files);
        let strangers = self.journal.as_ref().and_then(|journal| journal.strangers(&wanted).ok());
        let mut strangers = strangers.filter(|files| !files.is_empty())?;
        // A new file that the learner has typed stays as it is.
        let stay = self.in_other_words(at_hand, &wanted);
        strangers.retain(|path| !stay.contains(path) && !self.is_own_file(path));
        if strangers.is_empty() {
            return None;
        }
        let announced = self.announced.replace(strangers.clone());
        (announced.as_ref() != Some(&strangers)).then_some(strangers)
    }

    /// Notes the lockfiles that a step may rewrite, and that are as the workshop left them.
    pub(super) fn note_lockfiles(&mut self) {
        if let Some(journal) = &self.journal {
            let lockfiles =
                files::tracked(&self.config.course).into_iter().filter(|p| p.ends_with("package-lock.json"));
            self.lockfiles = lockfiles.filter(|p| journal.is_ours(p)).map(str::to_owned).collect();
        }
    }

    /// Takes the noted lockfiles as the workshop's own: npm rewrites them in its own style, which is no edit of the
    /// learner's.
    pub(super) fn adopt_lockfiles(&mut self) {
        let lockfiles = std::mem::take(&mut self.lockfiles);
        if let Some(journal) = &mut self.journal {
            for path in lockfiles {
                journal.adopt(&path);
            }
        }
    }

    /// Writes the files as an edit step leaves them. Where a learner has written the same in other words, that stays.
    ///
    /// # Errors
    /// As [`Workspace::write`].
    pub(super) fn apply_step(&mut self, at_step: &StepRef) -> Result<Vec<EventKind>> {
        let course = self.config.course.clone();
        let ahead = at_step.with_chapter(&course).filter(|(chapter, _)| self.applied_ahead == Some(chapter.number));
        if ahead.is_some_and(|(chapter, step)| files::is_written(chapter, step, &self.files())) {
            return Ok(Vec::new());
        }
        let files = files::after(&self.config.course, at_step)?;
        let wanted = files::wanted(&self.config.course, &files);
        self.write_around(Some(at_step), None, &wanted)
    }

    /// Writes the files as a step or a chapter leaves them.
    ///
    /// # Errors
    /// When there is no such step or chapter, and as [`Workspace::write`].
    pub(super) fn apply(&mut self, scope: &Scope) -> Result<Vec<EventKind>> {
        let course = self.config.course.clone();
        match scope {
            Scope::Step(at_step) => {
                // What of later steps is there already stays.
                let place = at_step.with_chapter(&course);
                let in_place = place.and_then(|(chapter, step)| files::with_step(chapter, step, &self.config.workdir));
                let Some(in_place) = in_place else { return self.apply_step(at_step) };
                let (journal, at) = self.journal()?;
                let written = journal.edit(at, Some(at_step), &in_place)?;
                Ok(written_events(Some(at_step), written).collect())
            }
            Scope::Chapter(number) => {
                let chapter = course.chapter(*number).ok_or_else(|| no_chapter(*number))?;
                let written = self.write_around(None, None, &files::wanted(&course, &chapter.snapshot))?;
                self.applied_ahead = Some(*number);
                Ok(written)
            }
        }
    }

    /// Tells whether the files stay as they are on the way from one step to another: the chapter was written whole before, and
    /// it goes on in it.
    pub(super) fn stays_ahead(&self, from: Option<&Position>, to: &Position) -> bool {
        let course = &self.config.course;
        let ahead = course.chapter(to.chapter).filter(|chapter| self.applied_ahead == Some(chapter.number));
        let (Some(chapter), Some(from)) = (ahead, from.filter(|from| from.chapter == to.chapter)) else { return false };
        let index = |step: &str| chapter.steps.iter().position(|known| known.id == step);
        let (Some(begin), Some(end)) = (index(&from.step), index(&to.step)) else { return false };
        let now = self.files();
        begin <= end && chapter.steps[..end].iter().all(|step| files::is_written(chapter, step, &now))
    }

    /// Takes back what a step or a chapter has written.
    ///
    /// # Errors
    /// When there is no such step or chapter, and as [`Workspace::write`].
    pub(super) fn undo(&mut self, scope: &Scope) -> Result<Vec<EventKind>> {
        let course = self.config.course.clone();
        self.applied_ahead = None;
        match scope {
            Scope::Step(step) => {
                let (in_place, whole) = files::without_step(&course, &self.config.workdir, step)?;
                let (journal, at) = self.journal()?;
                let edited = journal.edit(at, Some(step), &in_place)?;
                let written = journal.write(at, Some(step), &whole)?;
                self.begins_anew(step, &in_place)?;
                Ok([edited, written].into_iter().flat_map(|w| written_events(Some(step), w)).collect())
            }
            Scope::Chapter(number) => {
                let start = files::at(&course, &position::chapter_start(&course, *number)?)?;
                let end = course.chapter(*number).map(|chapter| &chapter.snapshot);
                let mut wanted = files::wanted(&course, &start);
                // Only what the chapter writes: other files, and those of later chapters, are not its.
                wanted.retain(|path, want| end.is_some_and(|end| end.get(path) != want.as_ref()));
                self.write(None, &wanted)
            }
        }
    }

    /// Writes one hunk of a chapter, or takes it back, around the learner's own lines.
    ///
    /// # Errors
    /// When the learner's own lines are in its place, and as [`Workspace::write`].
    pub(super) fn set_hunk(&mut self, chapter: &Chapter, file: &str, index: usize, on: bool) -> Result<Vec<EventKind>> {
        let at_step =
            files::step_of(chapter, file, index).map(|step| StepRef { chapter: chapter.number, step: step.to_owned() });
        let wanted = files::with_hunk(chapter, &self.config.workdir, file, index, on)?;
        self.applied_ahead = self.applied_ahead.filter(|_| on);
        let (journal, at) = self.journal()?;
        let written = journal.edit(at, at_step.as_ref(), &wanted)?;
        if let Some(step) = at_step.as_ref().filter(|_| !on) {
            self.begins_anew(step, &wanted)?;
        }
        Ok(written_events(at_step.as_ref(), written).collect())
    }

    /// Takes these files for those that a step begins with: what was taken back of it is no edit of the learner's.
    fn begins_anew(&mut self, step: &StepRef, changed: &DesiredFiles) -> Result<()> {
        let position = Position { chapter: step.chapter, step: step.step.clone() };
        let start = files::at(&self.config.course, &position)?;
        let (journal, _) = self.journal()?;
        let text = |path: &String| start.get(path)?.text().map(str::to_owned);
        Ok(journal.now_stands_for(changed.keys().map(|path| (path.clone(), text(path))))?)
    }

    /// Brings back the learner's own edits of a journal entry, in what the course has there now.
    ///
    /// # Errors
    /// When there is no such entry or its copies are damaged, and as [`Workspace::write`].
    pub(super) fn restore(&mut self, id: u64) -> Result<Vec<EventKind>> {
        let course = self.config.course.clone();
        let merge = |path: &str, kept: &str, now: &str| match files::merging(&course, path, kept, now, None) {
            files::Merging::Together(both) => Some(both),
            files::Merging::Nothing | files::Merging::Collide => None,
        };
        let (journal, at) = self.journal()?;
        let (written, whole) = journal.restore(at, id, merge)?;
        let files = written.written.as_ref().map(|(_, files)| files.keys().cloned().collect());
        let mut events: Vec<EventKind> = written_events(None, written).collect();
        events.push(EventKind::EditsRestored { files: files.unwrap_or_default(), whole, journal: id });
        Ok(events)
    }

    /// Returns the files of the course that the workshop has written here.
    pub(super) fn written(&self) -> BTreeSet<String> {
        let is_written = |path: &&str| self.journal.as_ref().is_some_and(|journal| journal.has_written(path));
        files::tracked(&self.config.course).into_iter().filter(is_written).map(str::to_owned).collect()
    }

    /// Lets own edits of files that the workshop had `written` go along after all that were put aside on the way to where one is
    /// now; those that meet what the course has here stay aside.
    ///
    /// # Errors
    /// As [`Workspace::write`].
    pub(super) fn bring_along(&mut self, id: u64, written: &BTreeSet<String>) -> Result<Vec<EventKind>> {
        let kept = self.journal.as_ref().and_then(|journal| journal.kept_texts(id)).unwrap_or_default();
        let fits = |(path, kept): &(String, String)| {
            let now = self.journal.as_ref()?.workdir_text(path).filter(|_| written.contains(path))?;
            self.along(path, kept, &now)
        };
        let both: Option<BTreeMap<String, String>> =
            kept.iter().map(|kept| Some((kept.0.clone(), fits(kept)?))).collect();
        let Some(both) = both.filter(|both| !both.is_empty()) else { return Ok(Vec::new()) };
        let (journal, at) = self.journal()?;
        let (written, whole) = journal.restore(at, id, |path, _, _| both.get(path).cloned())?;
        let files = both.into_keys().collect();
        let restored = EventKind::EditsRestored { files, whole, journal: id };
        Ok(written_events(None, written).chain([restored]).collect())
    }

    /// Writes the files of the course, and lets the learner's own edits go along where the two do not meet. Where they
    /// do, the side that was chosen stays, and without a choice theirs are put aside. `at_hand` is the step where the
    /// learner is, for a move.
    ///
    /// # Errors
    /// As [`Workspace::write`].
    pub(super) fn write_around(
        &mut self,
        at_step: Option<&StepRef>,
        at_hand: Option<&StepRef>,
        wanted: &DesiredFiles,
    ) -> Result<Vec<EventKind>> {
        if self.config.mode != Mode::Interactive {
            return self.write(at_step, wanted);
        }
        let stay = self.in_other_words(at_step.or(at_hand), wanted);
        let mut others = wanted.clone();
        others.retain(|path, _| !stay.contains(path));
        let (whole, merged) = self.with_own_lines(&others);
        let (journal, at) = self.journal()?;
        let written = journal.write(at, at_step, &whole)?;
        let edited = journal.edit(at, at_step, &merged)?;
        let of_course = |path: &String| wanted.get(path)?.as_ref()?.text().map(str::to_owned);
        journal.now_stands_for(merged.keys().chain(&stay).map(|path| (path.clone(), of_course(path))))?;
        let mut events: Vec<EventKind> = written_events(at_step, written).collect();
        let edited_files = edited.written.iter().flat_map(|(_, files)| files.keys().cloned());
        let files: Vec<String> = stay.into_iter().filter(|_| at_step.is_some()).chain(edited_files).collect();
        if !files.is_empty() {
            events.push(EventKind::EditsMerged { files });
        }
        events.extend(written_events(at_step, edited));
        Ok(events)
    }

    /// Writes the files of the course; what the learner had in them is put aside.
    ///
    /// # Errors
    /// When this run only looks, when a path leads out or through a link, and those of the disk.
    fn write(&mut self, at_step: Option<&StepRef>, wanted: &DesiredFiles) -> Result<Vec<EventKind>> {
        let (journal, at) = self.journal()?;
        Ok(written_events(at_step, journal.write(at, at_step, wanted)?).collect())
    }

    /// Compares what was asked for.
    ///
    /// # Errors
    /// When the course has no such step or chapter.
    pub(super) fn diff(&self, of: DiffOf) -> Result<EventKind> {
        let course = &self.config.course;
        let snapshot = |number: u32| course.chapter(number).map(|c| &c.snapshot);
        let files = match &of {
            DiffOf::Step(step) => files::step_diff(course, step)?,
            DiffOf::Chapters { from, to } => match (snapshot(*from), course.chapter(*to)) {
                // What the chapter's own steps make, with their notes.
                (Some(from), Some(chapter)) if Some(from) == files::start(course, chapter.number).as_ref() => {
                    chapter.diff.clone()
                }
                (Some(from), Some(chapter)) => diff::diff_trees(from, &chapter.snapshot),
                (None, _) => return Err(no_chapter(*from)),
                (_, None) => return Err(no_chapter(*to)),
            },
            DiffOf::Mine { chapter } => {
                diff::diff_trees(&self.files(), snapshot(*chapter).ok_or_else(|| no_chapter(*chapter))?)
            }
            DiffOf::Collision => {
                let (paths, theirs) = self.collision();
                let mut now = self.files();
                now.retain(|path, _| paths.contains_key(path));
                diff::diff_trees(&now, &theirs)
            }
        };
        Ok(EventKind::Diff { of, files })
    }

    /// Returns the journal and the time of an entry.
    fn journal(&mut self) -> Result<(&mut Journal, u64)> {
        let at = self.config.clock.now();
        let journal = self.journal.as_mut().ok_or_else(|| Problem::usage("this run only looks: it changes nothing"))?;
        Ok((journal, at))
    }
}

/// Tells what was put aside and what was written.
fn written_events(at_step: Option<&StepRef>, written: journal::Written) -> impl Iterator<Item = EventKind> + use<> {
    let at_step = at_step.cloned();
    let kept = written.kept.map(|(journal, files)| EventKind::EditsKept { files, journal });
    let written = written.written.map(|(journal, files)| EventKind::FilesWritten { at_step, files, journal });
    kept.into_iter().chain(written)
}

fn no_chapter(number: u32) -> Problem {
    Problem::usage(format!("there is no chapter {number}"))
}
