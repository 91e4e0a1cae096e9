//! The working directory against the course: what must be written to be somewhere, and what is there.
//!
//! Invariant: only files that some chapter's snapshot has are looked at or written; everything else in the
//! directory is the learner's.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sha2::{Digest as _, Sha256};

use super::event::{ChapterMatch, EventKind, Likeness, OwnHunk, Position, StepRef};
use super::journal::DesiredFiles;
use workshop_base::problem::{Problem, Result};
use workshop_course::code::apply::{self, HunkState};
use workshop_course::code::diff::{self, BinarySides, FileDiff, FileStatus, Hunk, HunkSubject, TreeDiff};
use workshop_course::code::meaning;
use workshop_course::code::merge;
use workshop_course::code::tree::{self, SourceFile, Tree};
use workshop_course::lesson::manifest;
use workshop_course::lesson::model::{Chapter, Course, Step, StepAction};

/// All paths that the course ever has.
pub fn tracked(course: &Course) -> BTreeSet<&str> {
    course.chapters.iter().flat_map(|c| c.snapshot.keys().map(String::as_str)).collect()
}

/// Returns the directories that hold files of the course, from the working directory on, as far as they are told by its
/// paths; nobody has looked whether they are there.
pub fn directories(course: &Course, workdir: &Path) -> BTreeSet<PathBuf> {
    let mut found = BTreeSet::from([workdir.to_owned()]);
    for path in tracked(course) {
        let parents = Path::new(path).ancestors().skip(1).filter(|dir| !dir.as_os_str().is_empty());
        found.extend(parents.map(|dir| workdir.join(dir)));
    }
    found
}

/// Where the CDK writes what it deploys, in the directory of its `cdk.json`.
pub const ASSEMBLY: &str = "cdk.out";

/// Returns when the CDK last wrote what it deploys, whoever asked it to.
pub fn synthesized_at(course: &Course, workdir: &Path) -> Option<SystemTime> {
    let written = |dir: PathBuf| dir.join(ASSEMBLY).join("manifest.json").metadata().and_then(|m| m.modified()).ok();
    directories(course, workdir).into_iter().filter_map(written).max()
}

/// Returns what every tracked file must be for the project to be exactly this tree.
pub fn wanted(course: &Course, files: &Tree) -> DesiredFiles {
    tracked(course).into_iter().map(|path| (path.to_owned(), files.get(path).cloned())).collect()
}

/// The files where a position starts.
///
/// # Errors
/// When there is no such position.
pub fn at(course: &Course, position: &Position) -> Result<Tree> {
    manifest::before_step(course, position.chapter, &position.step).ok_or_else(|| no_step(position))
}

/// Returns the files that a chapter begins with; None when there is no such chapter.
pub fn start(course: &Course, chapter: u32) -> Option<Tree> {
    manifest::at_start(course, chapter)
}

/// The files after a step.
///
/// # Errors
/// When there is no such step.
pub fn after(course: &Course, step: &StepRef) -> Result<Tree> {
    manifest::after_step(course, step.chapter, &step.step)
        .ok_or_else(|| no_step(&Position { chapter: step.chapter, step: step.step.clone() }))
}

fn no_step(position: &Position) -> Problem {
    Problem::usage(format!("the course has no step `{}` in chapter {}", position.step, position.chapter))
}

/// Returns a short digest of each file's text, to say later which have changed.
pub fn digests(files: &Tree) -> BTreeMap<String, String> {
    let digest = |file: &SourceFile| hex::encode(&Sha256::digest(file.bytes())[..8]);
    files.iter().map(|(path, file)| (path.clone(), digest(file))).collect()
}

/// Returns the paths whose digests differ.
pub fn changed(before: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> Vec<String> {
    let paths: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    paths.into_iter().filter(|path| before.get(*path) != now.get(*path)).cloned().collect()
}

/// The tracked files as they are in the working directory now. What cannot be read counts as not there.
pub fn current(course: &Course, workdir: &Path) -> Tree {
    let read = |path: &str| tree::read_file(workdir, path).ok().flatten().map(|file| (path.to_owned(), file));
    tracked(course).into_iter().filter_map(read).collect()
}

/// How a learner's text of a file goes with what the course has there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merging {
    /// There is nothing of theirs in it: it is a text of the course.
    Nothing,
    /// Both sides in one.
    Together(String),
    /// Their lines meet the course's own changes.
    Collide,
}

/// Brings a learner's text of a file to where the course is now: their own lines in what stands there. `stands_for` is
/// the course's text that theirs was brought to last.
pub fn merging(course: &Course, path: &str, kept: &str, now: &str, stands_for: Option<&str>) -> Merging {
    let Some(base) = base_of(course, path, kept, now, stands_for) else { return Merging::Nothing };
    let merged = || {
        let own = diff::diff_file(path, Some(&base), Some(kept))?;
        let add = |file: SourceFile, hunk| apply::apply(&own, Some(&file), hunk).ok().flatten();
        let merged = (0..own.hunks.len()).try_fold(SourceFile::plain(now), add)?;
        merged.text().map(str::to_owned)
    };
    merged().map_or(Merging::Collide, Merging::Together)
}

/// The same where the two meet: with the learner's own lines there, and the course's changes everywhere else.
pub fn own_first(course: &Course, path: &str, kept: &str, now: &str, stands_for: Option<&str>) -> String {
    match base_of(course, path, kept, now, stands_for) {
        Some(base) => merge::merge_ours_first(&base, kept, now),
        None => kept.to_owned(),
    }
}

/// Finds the text of the course that a learner's began with: the one that it is nearest to, and none from before that
/// which theirs was brought to, unless the course goes back. None when theirs is the course's.
fn base_of(course: &Course, path: &str, kept: &str, now: &str, stands_for: Option<&str>) -> Option<String> {
    let steps = course.chapters.iter().flat_map(|c| c.steps.iter().map(move |s| (c.number, &s.id)));
    let files = steps.filter_map(|(chapter, step)| manifest::after_step(course, chapter, step)?.remove(path));
    let texts: Vec<String> = files.filter_map(|file| file.text().map(str::to_owned)).collect();
    let place = |wanted: &str| texts.iter().position(|text| text == wanted);
    let last = texts.iter().rposition(|text| text == now);
    let from = stands_for.and_then(place).filter(|from| last.is_none_or(|last| *from <= last)).unwrap_or(0);
    let apart = |text: &&String| {
        let hunks = diff::diff_text(text, kept);
        hunks.iter().map(|hunk| hunk.before_range().len() + hunk.after_range().len()).sum::<usize>()
    };
    texts[from..].iter().min_by_key(apart).filter(|base| *base != kept).cloned()
}

/// Returns how far the working directory is from a chapter's end, as events.
pub fn distance(chapter: &Chapter, now: &Tree) -> [EventKind; 2] {
    let (mut applied, mut own) = (Vec::new(), Vec::new());
    let mut hunks_to_go = 0;
    for diff in &chapter.diff {
        for (index, state) in hunk_states(diff, now.get(&diff.path)).into_iter().enumerate() {
            let file = diff.path.clone();
            if state.is_there() {
                applied.push((file.clone(), index));
            } else {
                hunks_to_go += 1;
            }
            if let OwnState::Own(likeness) = state {
                own.push(OwnHunk { file, index, likeness });
            }
        }
    }
    let differs = |path: &&String| chapter.snapshot.get(*path) != now.get(*path);
    let paths: BTreeSet<&String> = chapter.snapshot.keys().chain(now.keys()).collect();
    let files = paths.into_iter().filter(differs).cloned().collect();
    [
        EventKind::Distance { chapter: chapter.number, hunks_to_go, files },
        EventKind::HunksApplied { chapter: chapter.number, hunks: applied, own },
    ]
}

/// The state of a hunk in a learner's file, by what it means.
enum OwnState {
    There,
    NotThere,
    /// The learner's own lines are in its place.
    Own(Option<Likeness>),
}

impl OwnState {
    /// Tells whether it is there, in whatever words.
    fn is_there(&self) -> bool {
        match self {
            OwnState::There => true,
            OwnState::NotThere => false,
            OwnState::Own(likeness) => likeness.as_ref().is_some_and(Likeness::is_same),
        }
    }
}

fn hunk_states(diff: &FileDiff, now: Option<&SourceFile>) -> Vec<OwnState> {
    let text = now.and_then(SourceFile::text);
    let likeness = |index| text.and_then(|text| meaning::hunk_likeness(diff, index, text));
    let states = apply::states(diff, now);
    // Lines that stand elsewhere too may seem to be those from before; not in a file that is the course's, letter by letter.
    let is_course = apply::compose(diff, |index| states[index] == HunkState::Applied).as_ref() == now;
    let unsure = |index| !is_course && meaning::hunk_has_meaning(diff, index);
    let same = |index| Some(index).filter(|index| unsure(*index)).and_then(likeness).filter(Likeness::is_same);
    let state = |(index, state)| match state {
        HunkState::Applied => OwnState::There,
        HunkState::Pending => same(index).map_or(OwnState::NotThere, |own| OwnState::Own(Some(own))),
        HunkState::Conflict => OwnState::Own(likeness(index)),
    };
    states.iter().copied().enumerate().map(state).collect()
}

/// Returns the files of an edit step in which the learner has written the same in other words, and in which nothing of the
/// step is missing: they pass as they are.
pub fn done_in_other_words(course: &Course, workdir: &Path, at_step: &StepRef) -> Vec<String> {
    let known = at_step.with_chapter(course);
    let Some((chapter, Step { action: StepAction::Edit(edit), .. })) = known else { return Vec::new() };
    let passes = |diff: &&FileDiff| {
        let own: BTreeSet<usize> = edit.hunks.iter().filter(|h| h.file == diff.path).map(|h| h.index).collect();
        let states = hunk_states(diff, tree::read_file(workdir, &diff.path).ok().flatten().as_ref());
        let mut of_step = states.iter().enumerate().filter(|(index, _)| own.contains(index)).map(|(_, state)| state);
        let other_words = states.iter().any(|state| matches!(state, OwnState::Own(_)));
        !own.is_empty() && other_words && of_step.all(OwnState::is_there)
    };
    chapter.diff.iter().filter(passes).map(|diff| diff.path.clone()).collect()
}

/// Tells whether all that a step writes is in the files already, in whatever words.
pub fn is_written(chapter: &Chapter, step: &Step, now: &Tree) -> bool {
    let StepAction::Edit(edit) = &step.action else { return true };
    chapter.diff.iter().all(|diff| {
        let states = hunk_states(diff, now.get(&diff.path));
        let mut own = edit.hunks.iter().filter(|hunk| hunk.file == diff.path);
        own.all(|hunk| states.get(hunk.index).is_some_and(OwnState::is_there))
    })
}

/// Returns what the files of a step become when its hunks are put in place; None where the learner's own lines are in the
/// way of one.
pub fn with_step(chapter: &Chapter, step: &Step, workdir: &Path) -> Option<DesiredFiles> {
    let StepAction::Edit(edit) = &step.action else { return None };
    let mut wanted = DesiredFiles::new();
    for diff in &chapter.diff {
        let mut hunks = edit.hunks.iter().filter(|hunk| hunk.file == diff.path).peekable();
        if hunks.peek().is_some() {
            let mut now = tree::read_file(workdir, &diff.path).ok()?;
            for hunk in hunks {
                now = apply::apply(diff, now.as_ref(), hunk.index).ok()?;
            }
            wanted.insert(diff.path.clone(), now);
        }
    }
    Some(wanted)
}

/// Finds which chapter's files these are, or the nearest.
pub fn place(course: &Course, now: &Tree) -> ChapterMatch {
    if now.is_empty() {
        return ChapterMatch::Nothing;
    }
    let differs = |chapter: &Chapter| {
        let paths: BTreeSet<&String> = chapter.snapshot.keys().chain(now.keys()).collect();
        paths.into_iter().filter(|path| chapter.snapshot.get(*path) != now.get(*path)).count()
    };
    // Of two that are equally near, the later: chapters may share a snapshot.
    let nearest = course.chapters.iter().rev().map(|c| (differs(c), c.number)).min_by_key(|(count, _)| *count);
    match nearest {
        None => ChapterMatch::Unknown,
        Some((0, chapter)) => ChapterMatch::Chapter(chapter),
        Some((count, chapter)) => ChapterMatch::Near { chapter, differs: u32::try_from(count).unwrap_or(u32::MAX) },
    }
}

/// Returns what an edit step changes: the chapter's own hunks, with their notes, where they stand in the files before and
/// after the step. They are not looked for anew, so that each stays the one that the lesson means; of a file they come in
/// the order of their indices.
///
/// # Errors
/// When there is no such step.
pub fn step_diff(course: &Course, at_step: &StepRef) -> Result<TreeDiff> {
    let position = Position { chapter: at_step.chapter, step: at_step.step.clone() };
    let known = course.chapter(at_step.chapter).and_then(|chapter| Some((chapter, chapter.step(&at_step.step)?)));
    let (chapter, step) = known.ok_or_else(|| no_step(&position))?;
    let StepAction::Edit(edit) = &step.action else { return Ok(TreeDiff::new()) };
    let done = manifest::hunks_until(chapter, &step.id).unwrap_or_default();
    let of_file = |diff: &FileDiff| {
        let own: BTreeSet<usize> = edit.hunks.iter().filter(|h| h.file == diff.path).map(|h| h.index).collect();
        let after = done.get(diff.path.as_str())?;
        let before: BTreeSet<usize> = after.difference(&own).copied().collect();
        (!own.is_empty()).then(|| hunks_of(diff, &before, &own))
    };
    Ok(chapter.diff.iter().filter_map(of_file).collect())
}

/// A file's difference by these hunks alone, on top of those that are in place before.
fn hunks_of(diff: &FileDiff, before: &BTreeSet<usize>, own: &BTreeSet<usize>) -> FileDiff {
    let old = apply::compose(diff, |hunk| before.contains(&hunk));
    let new = apply::compose(diff, |hunk| before.contains(&hunk) || own.contains(&hunk));
    // How far what stands above has moved a line, in the text before the step and in that after it.
    let (mut down_before, mut down_after) = (0, 0);
    let mut hunks = Vec::new();
    for (index, hunk) in diff.hunks.iter().enumerate() {
        let lines = hunk.subject == HunkSubject::Lines;
        let grows = if lines { hunk.after_len.cast_signed() - hunk.before_len.cast_signed() } else { 0 };
        if own.contains(&index) {
            hunks.push(Hunk {
                before_start: hunk.before_start.saturating_add_signed(down_before),
                after_start: hunk.before_start.saturating_add_signed(down_after),
                ..hunk.clone()
            });
            down_after += grows;
        } else if before.contains(&index) {
            down_before += grows;
            down_after += grows;
        }
    }
    let status = match (&old, &new) {
        (None, _) => FileStatus::Added,
        (_, None) => FileStatus::Deleted,
        (Some(_), Some(_)) => FileStatus::Changed,
    };
    let text = |file: &Option<SourceFile>| file.as_ref().and_then(SourceFile::text).unwrap_or_default().to_owned();
    let runs = |file: &Option<SourceFile>| file.as_ref().is_some_and(|file| file.executable);
    FileDiff {
        path: diff.path.clone(),
        status,
        hunks,
        before: text(&old),
        after: text(&new),
        before_executable: runs(&old),
        after_executable: runs(&new),
        binary: diff.binary.as_ref().map(|_| BinarySides { before: old, after: new }),
    }
}

/// Finds the step of a chapter that a hunk belongs to.
pub fn step_of<'a>(chapter: &'a Chapter, file: &str, index: usize) -> Option<&'a str> {
    let holds = |action: &StepAction| match action {
        StepAction::Edit(edit) => edit.hunks.iter().any(|h| h.file == file && h.index == index),
        StepAction::Read
        | StepAction::Deploy(_)
        | StepAction::Sql(_)
        | StepAction::Shell(_)
        | StepAction::Invoke(_)
        | StepAction::Check(_)
        | StepAction::Load(_)
        | StepAction::Serve(_)
        | StepAction::Stop(_)
        | StepAction::Simulate(_) => false,
    };
    chapter.steps.iter().find(|s| holds(&s.action)).map(|s| s.id.as_str())
}

/// Returns what a file becomes with one hunk in place, or taken back. The learner's text around it stays.
///
/// # Errors
/// When there is no such hunk, or the learner's own lines are in its place.
pub fn with_hunk(chapter: &Chapter, workdir: &Path, file: &str, index: usize, on: bool) -> Result<DesiredFiles> {
    let diff = chapter
        .diff
        .iter()
        .find(|d| d.path == file && index < d.hunks.len())
        .ok_or_else(|| Problem::usage(format!("chapter {} has no such change in {file}", chapter.number)))?;
    let now = tree::read_file(workdir, file).map_err(Problem::usage)?;
    let file_after = match on {
        true => apply::apply(diff, now.as_ref(), index),
        false => apply::undo(diff, now.as_ref(), index),
    };
    let file_after = file_after.map_err(|conflict| Problem::failed(conflict).hint(OWN_LINES))?;
    Ok(BTreeMap::from([(file.to_owned(), file_after)]))
}

/// Returns what the files of a step become when its hunks are taken back. Where the learner's own lines are in the
/// way, the whole file goes back to where the step starts.
///
/// # Errors
/// When there is no such step.
pub fn without_step(course: &Course, workdir: &Path, step: &StepRef) -> Result<(DesiredFiles, DesiredFiles)> {
    let position = Position { chapter: step.chapter, step: step.step.clone() };
    let chapter = course.chapter(step.chapter).ok_or_else(|| no_step(&position))?;
    let Some(StepAction::Edit(edit)) = chapter.step(&step.step).map(|s| &s.action) else {
        return Ok((DesiredFiles::new(), DesiredFiles::new()));
    };
    let start = at(course, &position)?;
    let (mut in_place, mut whole) = (DesiredFiles::new(), DesiredFiles::new());
    let files: BTreeSet<&str> = edit.hunks.iter().map(|h| h.file.as_str()).collect();
    for diff in chapter.diff.iter().filter(|d| files.contains(d.path.as_str())) {
        let mut now = tree::read_file(workdir, &diff.path).map_err(Problem::usage)?;
        let hunks = edit.hunks.iter().filter(|h| h.file == diff.path);
        let mut conflict = false;
        for hunk in hunks {
            match apply::undo(diff, now.as_ref(), hunk.index) {
                Ok(undone) => now = undone,
                Err(_) => conflict = true,
            }
        }
        if conflict {
            whole.insert(diff.path.clone(), start.get(&diff.path).cloned());
        } else {
            in_place.insert(diff.path.clone(), now);
        }
    }
    Ok((in_place, whole))
}

/// A directory below the working directory.
///
/// # Errors
/// When it is not below, or leads through a link.
pub fn below(workdir: &Path, cwd: &str) -> Result<PathBuf> {
    if cwd.is_empty() || cwd == "." {
        return Ok(workdir.to_owned());
    }
    let path = tree::locate(workdir, cwd).map_err(Problem::usage)?;
    if path.is_dir() {
        Ok(path)
    } else {
        Err(Problem::failed(format!("there is no directory {cwd} in the working directory"))
            .hint("take the chapter's edit steps first: they make it"))
    }
}

const OWN_LINES: &str =
    "run the edit step instead: it writes the whole file, and puts your own edit aside where it can be had back";
