//! The things that a run leaves in `.workshop`: its events, its state, and the lock that says that it is running.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use super::event::{AwsSelection, Event, EventKind, StepRef};
use super::progress::Progress;
use super::remedies;
use workshop_base::private_dir::{self, OURS, PrivateDir};
use workshop_base::problem::{Problem, Result};
use workshop_course::lesson::model::{Course, Target};

/// The format of `session.json`; an older one is read, a newer one is refused.
const VERSION: u32 = 1;
/// When the run record grows past this many bytes, a new one is begun and the last is kept beside it.
const RECORD_LIMIT: u64 = 16 * 1024 * 1024;

const EVENTS: &str = "events.jsonl";
const EVENTS_BEFORE: &str = "events.1.jsonl";
const SESSION: &str = "session.json";

/// The content of `session.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Saved {
    pub version: u32,
    pub progress: Progress,
    /// After which step the stack was last deployed, and the id of its newest event then: as long as that is
    /// still its newest, nobody has touched the stack since.
    #[serde(default)]
    pub deployed: Option<(StepRef, String)>,
    /// The files as they were then, each by a digest of its text.
    #[serde(default)]
    pub deployed_files: BTreeMap<String, String>,
    /// The account that this work is done in, as it was asked for.
    #[serde(default)]
    pub asked: AwsSelection,
    /// The options that were chosen, by choice.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub choices: BTreeMap<String, String>,
    /// The course that is worked through, by its code; empty where an older workshop has saved it.
    #[serde(default)]
    pub course: String,
}

/// The target where the work in a directory is done, for whoever goes on with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    pub target: Target,
    pub asked: AwsSelection,
    /// The options that were chosen, by choice.
    pub choices: BTreeMap<String, String>,
}

/// Reads what the session in a directory says of its target; None where nothing was begun.
///
/// # Errors
/// As [`saved`].
pub fn begun(workdir: &Path) -> Result<Option<Begun>> {
    Ok(saved(workdir)?
        .and_then(|saved| Some(Begun { target: saved.progress.target?, asked: saved.asked, choices: saved.choices })))
}

/// Returns the milliseconds that each step took when the talk was last given in a directory, pauses left out; None where
/// nothing was begun.
///
/// # Errors
/// As [`saved`].
pub fn spent(workdir: &Path) -> Result<Option<BTreeMap<StepRef, u64>>> {
    Ok(saved(workdir)?.map(|saved| saved.progress.last_given()))
}

/// A working directory that this run owns. The lock ends with it.
pub struct Record {
    dir: PrivateDir,
    events: Option<BufWriter<File>>,
    /// Bytes of the record so far.
    written: u64,
    _lock: File,
}

/// Names that may lie in a directory that is empty to its owner: a repository just begun, a file manager's notes.
const HARMLESS: &[&str] = &[".git", ".DS_Store"];
/// The looks at a lock, and the pause between two, before somebody is said to hold it.
const LOOKS: u32 = 30;
const PAUSE: Duration = Duration::from_millis(10);

/// Tells whether somebody's files are in a directory; one that does not exist holds none.
///
/// # Errors
/// When the directory cannot be read.
pub fn holds_files(dir: &Path) -> io::Result<bool> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(e) => return Err(e),
    };
    for entry in entries {
        if !entry?.file_name().to_str().is_some_and(|name| HARMLESS.contains(&name)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Makes a working directory ours, or finds that it is.
///
/// # Errors
/// When it holds someone's files and is not ours, when another run is in it, when it cannot be written, and when what is
/// to be written would go through a link.
pub fn claim(workdir: &Path) -> Result<Record> {
    let shown = workdir.display();
    let known = PrivateDir::existing(workdir, OURS).map_err(|e| unusable(workdir, "opening", &e))?;
    if known.is_none() {
        let taken = holds_files(workdir).map_err(|e| unusable(workdir, "reading", &e))?;
        if taken {
            return Err(Problem::usage(format!("{shown} holds files that are not the workshop's")).hint(format!(
                "choose a new or empty directory with --workdir; or, if the project in it is to be used: mkdir {shown}/{OURS} (what differs is kept)"
            )));
        }
    }
    fs::create_dir_all(workdir).map_err(|e| unusable(workdir, "making", &e))?;
    let dir = PrivateDir::open(workdir, OURS).map_err(|e| unusable(workdir, "making", &e))?;
    let lock = dir.append("lock").map_err(|e| unusable(workdir, "writing to", &e))?;
    if !locked(&lock) {
        return Err(Problem::environment(format!("another workshop is running in {shown}"))
            .hint("go on there, or close it, or give this one its own --workdir"));
    }
    let events = record_in(&dir).map_err(|e| unusable(workdir, "writing to", &e))?;
    let written = events.metadata().map(|known| known.len()).unwrap_or_default();
    Ok(Record { dir, events: Some(BufWriter::new(events)), written, _lock: lock })
}

/// Opens the record of events; one that has grown too long is put aside first.
fn record_in(dir: &PrivateDir) -> io::Result<File> {
    let mut events = dir.append(EVENTS)?;
    if events.metadata()?.len() > RECORD_LIMIT {
        dir.rename(EVENTS, EVENTS_BEFORE)?;
        events = dir.append(EVENTS)?;
    }
    cut_to_whole_lines(&mut events)?;
    Ok(events)
}

/// Cuts off the half of an event that a full disk or a power cut has left at the end: the next one is a line of its own.
fn cut_to_whole_lines(file: &mut File) -> io::Result<()> {
    let end = file.seek(SeekFrom::End(0))?;
    let mut last = [0];
    if end > 0 {
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
    }
    if end == 0 || last == *b"\n" {
        return Ok(());
    }
    let mut all = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut all)?;
    let kept = all.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    file.set_len(kept as u64)
}

/// Takes the lock. A process that is just being started holds a copy of every lock until it has become its program,
/// so that one refusal does not mean that anybody is there.
fn locked(lock: &File) -> bool {
    (0..LOOKS).any(|look| {
        if look > 0 {
            std::thread::sleep(PAUSE);
        }
        flock(lock, FlockOperation::NonBlockingLockExclusive).is_ok()
    })
}

/// The saved session of a working directory; None when there is none, or a damaged one. Changes nothing.
///
/// # Errors
/// When it was written by a newer workshop.
pub fn saved(workdir: &Path) -> Result<Option<Saved>> {
    let session = PrivateDir::existing(workdir, OURS).and_then(|dir| dir.map_or(Ok(None), |dir| dir.read(SESSION)));
    let Ok(Some(bytes)) = session else { return Ok(None) };
    match serde_json::from_slice::<Saved>(&bytes) {
        Ok(saved) if saved.version <= VERSION => Ok(Some(saved)),
        Ok(saved) => Err(newer(saved.version)),
        Err(_) => {
            let version = serde_json::from_slice::<serde_json::Value>(&bytes).ok();
            match version.and_then(|v| v.get("version")?.as_u64()) {
                Some(version) if version > u64::from(VERSION) => Err(newer(u32::try_from(version).unwrap_or(u32::MAX))),
                _ => Ok(None),
            }
        }
    }
}

/// Returns the saved session of a course in its working directory, as [`saved`].
///
/// # Errors
/// As [`saved`], and when another course is worked through there: its files and its ticks are none of this one's.
pub fn saved_of(workdir: &Path, course: &Course) -> Result<Option<Saved>> {
    let saved = saved(workdir)?;
    match &saved {
        Some(Saved { course: other, progress, .. }) if !other.is_empty() && *other != course.code => {
            let known = if progress.title.is_empty() { other } else { &progress.title };
            Err(Problem::usage(format!("{} holds the work on another course, “{known}” ({other})", workdir.display()))
                .hint(format!(
                    "give “{}” ({}) a directory of its own with --workdir; where it is the same course under another code, \
                     remove {OURS}/{SESSION} there: your files stay",
                    course.title, course.code
                )))
        }
        Some(_) | None => Ok(saved),
    }
}

fn newer(version: u32) -> Problem {
    Problem::usage(format!("the session here was saved by a newer workshop (format {version})"))
        .hint("update this program, or give it another --workdir")
}

impl Default for Saved {
    fn default() -> Self {
        Saved {
            version: VERSION,
            progress: Progress::default(),
            deployed: None,
            deployed_files: BTreeMap::new(),
            asked: AwsSelection::default(),
            choices: BTreeMap::new(),
            course: String::new(),
        }
    }
}

impl Record {
    /// Writes an event down. What is only an answer to a question is not kept.
    pub fn event(&mut self, event: &Event) {
        let answer = match &event.kind {
            EventKind::Diff { .. } | EventKind::Completions { .. } => true,
            EventKind::Accepted { command, .. } | EventKind::Done { command, .. } => command.only_looks(),
            _ => false,
        };
        if answer {
            return;
        }
        let Ok(mut line) = serde_json::to_vec(event) else { return };
        line.push(b'\n');
        if self.written + line.len() as u64 > RECORD_LIMIT {
            self.begin_anew();
        }
        self.written += line.len() as u64;
        if self.events.as_mut().is_some_and(|events| events.write_all(&line).is_err()) {
            // A full disk must not end the lesson; the journal reports it when it matters.
            self.events = None;
        }
    }

    /// Puts the record so far aside, in the place of the one that was put aside before.
    fn begin_anew(&mut self) {
        let flushed = self.events.take().is_some_and(|mut events| events.flush().is_ok());
        let begun = self.dir.rename(EVENTS, EVENTS_BEFORE).and_then(|()| self.dir.append(EVENTS));
        self.events = begun.ok().filter(|_| flushed).map(BufWriter::new);
        self.written = 0;
    }

    /// Saves the state, whole or not at all.
    ///
    /// # Errors
    /// When the disk is full or not writable.
    pub fn save(&mut self, saved: &Saved) -> Result<()> {
        if let Some(events) = &mut self.events
            && events.flush().is_err()
        {
            self.events = None;
        }
        let bytes = serde_json::to_vec(saved).map_err(|e| Problem::environment(format!("the session: {e}")))?;
        // A damaged session is kept for whoever wonders; where things are, the probes find again.
        let damaged = |old: Vec<u8>| serde_json::from_slice::<serde::de::IgnoredAny>(&old).is_err();
        if self.dir.read(SESSION).is_ok_and(|old| old.is_some_and(damaged)) {
            let _ = self.dir.rename(SESSION, "session.damaged.json");
        }
        let saved = self.dir.replace(SESSION, &bytes);
        saved.map_err(|e| unusable(&self.dir.path().join(SESSION), "saving the session in", &e))
    }
}

fn unusable(path: &Path, doing: &str, error: &io::Error) -> Problem {
    let hint = match error.kind() {
        _ if private_dir::refused(error).is_some() => {
            "someone else may have put it there: look at it, remove it, or choose another --workdir; nothing was changed"
        }
        io::ErrorKind::StorageFull => "free some disk space and try again; nothing is lost",
        io::ErrorKind::PermissionDenied => "make it writable for you, or choose another --workdir",
        io::ErrorKind::NotFound => remedies::GONE,
        _ => "choose another --workdir",
    };
    Problem::environment(format!("{doing} {}: {error}", path.display())).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_directory_is_made_ours_and_locked_until_the_record_goes() {
        let dir = tempfile::tempdir().unwrap();
        let workdir = dir.path().join("new");
        let first = claim(&workdir).unwrap();
        let second = claim(&workdir).err().unwrap();
        assert!(second.message.contains("another workshop is running"), "{second}");
        drop(first);
        claim(&workdir).unwrap();
    }

    #[test]
    fn a_long_record_is_put_aside_in_the_middle_of_a_run() {
        let dir = tempfile::tempdir().unwrap();
        let mut record = claim(&dir.path().join("new")).unwrap();
        let lines = vec!["x".repeat(1 << 20)];
        for seq in 0..40 {
            let kind = EventKind::Output { at_step: None, stream: crate::event::Stream::Note, lines: lines.clone() };
            record.event(&Event { seq, at: 0, kind });
        }
        drop(record);
        let size = |name: &str| fs::metadata(dir.path().join("new").join(OURS).join(name)).unwrap().len();
        assert!(size(EVENTS) <= RECORD_LIMIT && size(EVENTS_BEFORE) <= RECORD_LIMIT);
        assert!(size(EVENTS) + size(EVENTS_BEFORE) > RECORD_LIMIT, "the newest are kept");
    }

    #[test]
    fn someones_directory_is_not_taken() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("thesis.tex"), "").unwrap();
        let problem = claim(dir.path()).err().unwrap();
        assert!(problem.hint.unwrap().contains("--workdir"));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing was made in it");
        fs::create_dir(dir.path().join(OURS)).unwrap();
        claim(dir.path()).unwrap();
    }

    #[test]
    fn what_somebody_has_made_a_link_of_is_neither_written_nor_emptied() {
        for name in ["lock", "events.jsonl", "journal", "session.json.new"] {
            let dir = tempfile::tempdir().unwrap();
            let (outside, workdir) = (dir.path().join("mine"), dir.path().join("project"));
            fs::write(&outside, "mine").unwrap();
            fs::create_dir_all(workdir.join(OURS)).unwrap();
            std::os::unix::fs::symlink(&outside, workdir.join(OURS).join(name)).unwrap();
            let begun = claim(&workdir).and_then(|mut record| {
                record.save(&Saved::default())?;
                Ok(crate::journal::Journal::open(&workdir)?)
            });
            let problem = begun.err().unwrap_or_else(|| panic!("{name}"));
            assert!(problem.message.contains(name) && problem.message.contains("symbolic link"), "{problem}");
            assert!(problem.hint.is_some_and(|hint| hint.contains("remove it")), "{name}");
            assert_eq!(fs::read_to_string(&outside).unwrap(), "mine", "{name}");
        }
    }

    #[test]
    fn a_directory_of_ours_that_is_a_link_is_not_taken() {
        let dir = tempfile::tempdir().unwrap();
        let (outside, workdir) = (dir.path().join("mine"), dir.path().join("project"));
        fs::create_dir_all(&outside).unwrap();
        fs::create_dir_all(&workdir).unwrap();
        std::os::unix::fs::symlink(&outside, workdir.join(OURS)).unwrap();
        assert!(claim(&workdir).err().unwrap().message.contains("symbolic link"));
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    }

    #[test]
    fn a_repository_that_was_just_begun_is_as_good_as_an_empty_directory() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join(".git")).unwrap();
        claim(dir.path()).unwrap();
    }

    #[test]
    fn half_an_event_at_the_end_of_the_record_is_cut_off() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".workshop/events.jsonl");
        let event = Event { seq: 1, at: 1, kind: EventKind::Paused };
        for (left, kept) in [("", ""), ("{\"half", ""), ("{}\n", "{}\n"), ("{}\n{\"half", "{}\n")] {
            drop(claim(dir.path()).unwrap());
            fs::write(&path, left).unwrap();
            let mut record = claim(dir.path()).unwrap();
            record.event(&event);
            drop(record);
            let line = serde_json::to_string(&event).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), format!("{kept}{line}\n"), "{left}");
        }
    }

    #[test]
    fn a_session_is_saved_and_read_back_and_a_damaged_one_is_kept_beside() {
        let dir = tempfile::tempdir().unwrap();
        let mut record = claim(dir.path()).unwrap();
        assert_eq!(saved(dir.path()).unwrap(), None);
        let step = StepRef { chapter: 1, step: "deploy".into() };
        let progress = Progress { seq: 7, title: "t".into(), target: Some(Target::Aws), ..Progress::default() };
        let deployed = (step, "event-9".to_owned());
        let asked = AwsSelection { profile: Some("stage".into()), region: None };
        let deployed_files = BTreeMap::from([("a.ts".to_owned(), "01".to_owned())]);
        let whole =
            Saved { progress, deployed: Some(deployed), deployed_files, asked: asked.clone(), ..Saved::default() };
        record.save(&whole).unwrap();
        let back = saved(dir.path()).unwrap().unwrap();
        assert_eq!(back, whole);
        assert_eq!(begun(dir.path()).unwrap(), Some(Begun { target: Target::Aws, asked, choices: BTreeMap::new() }));

        fs::write(dir.path().join(".workshop/session.json"), "{\"version\":1,").unwrap();
        assert_eq!(saved(dir.path()).unwrap(), None);
        record.save(&Saved::default()).unwrap();
        assert!(dir.path().join(".workshop/session.damaged.json").exists());

        fs::write(dir.path().join(".workshop/session.json"), "{\"version\":99}").unwrap();
        assert!(saved(dir.path()).unwrap_err().message.contains("newer"));
    }
}
