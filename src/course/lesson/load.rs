//! Reads a course: `course.yaml`, its chapter files and their snapshots.
//!
//! Invariant: the answer is a course in which everything holds together, or all the problems that
//! keep it from being one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde::de::DeserializeOwned;
use serde_json::Value as Schema;

use super::build::{Builder, Owner, minutes};
use super::lens::Lens;
use super::model::*;
use super::schema;
use super::shape::{self, Sound};
use super::yaml::{self, Document, Node};
use super::{kinds, raw, rules};
use crate::code::diff::{TreeDiff, diff_trees};
use crate::code::tree::{self, Tree, TreeError};
use workshop_base::problem::{Kind, Problem, Spot};

/// No lesson that anyone reads on a stage is larger than this, in bytes.
const MAX_FILE: u64 = 1024 * 1024;

/// Reads and checks the course in `lessons`, whose snapshots are in `snapshots`. The problems are
/// sorted by place.
pub fn load(lessons: &Path, snapshots: &Path) -> Result<Course, Vec<Problem>> {
    match load_to_prove(lessons, snapshots) {
        (Some(course), problems) if problems.is_empty() => Ok(course),
        (_, problems) => Err(problems),
    }
}

/// As [`load`], for who is going to try the course out: the course is there also when its snapshots are not what
/// its lessons say, since trying shows what that comes to. Such problems are [`Kind::Failed`].
pub fn load_to_prove(lessons: &Path, snapshots: &Path) -> (Option<Course>, Vec<Problem>) {
    let mut problems = Vec::new();
    let course = read_course(lessons, snapshots, &mut problems);
    let place = |p: &Problem| p.spot.as_ref().map(|s| (s.file.clone(), s.line, s.column));
    problems.sort_by_cached_key(place);
    problems.dedup();
    (course.filter(|_| problems.iter().all(|p| p.kind == Kind::Failed)), problems)
}

/// A lesson file in both its readings: the values, and where they stand.
struct Lesson<T> {
    document: Document,
    root: Box<Node>,
    sound: Sound,
    raw: T,
}

impl<T> Lesson<T> {
    fn lens(&self) -> Lens<'_> {
        Lens::new(&self.document, &self.sound, &self.root)
    }
}

fn read_course(lessons: &Path, snapshots: &Path, problems: &mut Vec<Problem>) -> Option<Course> {
    let lesson: Lesson<raw::Course> = std::thread::scope(|scope| {
        let ahead = || LazyLock::force(&schema::CHAPTER);
        // Without a thread, the first chapter makes it.
        let _ = std::thread::Builder::new().spawn_scoped(scope, ahead);
        read_lesson(&lessons.join("course.yaml"), &schema::COURSE, problems)
    })?;
    let (raw, lens) = (&lesson.raw, lesson.lens());
    let files = chapter_files(raw, lens, lessons, problems);
    unlisted_files(lessons, raw, lens, problems);
    let mut read = read_chapters(&files, snapshots);
    let trees: Vec<Option<Tree>> = read.iter_mut().map(|read| read.snapshot.take()).collect();
    let mut chapters = Vec::new();
    let mut all_read = true;
    let mut ended_at: BTreeMap<String, String> = BTreeMap::new();
    std::thread::scope(|scope| {
        let mut diffs = diffs(scope, &trees);
        for (number, read) in (0..).zip(read) {
            problems.extend(read.problems);
            let (snapshot, diff) = diffs.next().unwrap_or_default();
            let Some(chapter) = read.lesson else {
                all_read = false;
                continue;
            };
            let (id, at) = (chapter.raw.snapshot.0.clone(), chapter.lens().key("snapshot"));
            all_read &= !at.is_broken();
            if let Some(first) = ended_at.insert(id.clone(), chapter.document.file.display().to_string()) {
                let problem = Problem::course(format_args!("{first} ends at snapshot `{id}` already"));
                at.report(problems, problem.expected("a snapshot of its own for each chapter"));
            }
            chapters.push(build_chapter(number, chapter, snapshot, diff, problems));
        }
    });
    if all_read {
        unlisted_snapshots(snapshots, &ended_at, lens, problems);
    }
    let course = Course {
        title: raw.title.0.clone(),
        code: raw.code.0.clone(),
        slot: minutes(&raw.slot),
        target: raw.target.unwrap_or(Target::Local),
        stack: raw.stack.0.clone(),
        function: raw.function.0.clone(),
        costs: raw.costs.as_ref().map(|costs| costs.0.clone()),
        prerequisites: raw.prerequisites.iter().map(prerequisite).collect(),
        chapters,
        lessons: lessons.to_owned(),
        snapshots: snapshots.to_owned(),
    };
    rules::check_course(&course, lens, problems);
    Some(course)
}

fn prerequisite(raw: &raw::Prerequisite) -> Prerequisite {
    Prerequisite {
        name: raw.name.0.clone(),
        command: raw.command.0.clone(),
        version: raw.version.0.clone(),
        targets: raw.targets.clone(),
        fix: raw.fix.0.clone(),
    }
}

/// A chapter's files as they are on the disk.
struct Read {
    lesson: Option<Lesson<raw::Chapter>>,
    /// None without a lesson, which names it.
    snapshot: Option<Tree>,
    problems: Vec<Problem>,
}

/// Reads every chapter on a thread of its own: the screen waits for the slowest of them, not for their sum.
fn read_chapters(files: &[Option<PathBuf>], snapshots: &Path) -> Vec<Read> {
    std::thread::scope(|scope| {
        let begun = files.iter().map(|file| {
            let read = move || read_chapter(file.as_deref(), snapshots);
            (std::thread::Builder::new().spawn_scoped(scope, read), read)
        });
        let begun: Vec<_> = begun.collect();
        let ended = begun.into_iter().map(|(thread, read)| match thread {
            Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            // A machine that gives no thread gets it read here.
            Err(_) => read(),
        });
        ended.collect()
    })
}

/// Each chapter's snapshot, and how it differs from the one before; no difference where one of the two cannot be
/// known. They are compared on a thread, ahead of the chapters that are built with them.
fn diffs<'scope, 'a: 'scope>(
    scope: &'scope std::thread::Scope<'scope, 'a>,
    trees: &'a [Option<Tree>],
) -> impl Iterator<Item = (Tree, Option<TreeDiff>)> {
    static NOTHING: Option<Tree> = Some(Tree::new());
    let compare = move || {
        let before = std::iter::once(&NOTHING).chain(trees);
        before.zip(trees).map(|(before, after)| {
            let diff = before.as_ref().zip(after.as_ref()).map(|(before, after)| diff_trees(before, after));
            (after.clone().unwrap_or_default(), diff)
        })
    };
    let (send, receive) = std::sync::mpsc::channel();
    let ahead = move || compare().try_for_each(|one| send.send(one)).unwrap_or_default();
    let thread = std::thread::Builder::new().spawn_scoped(scope, ahead);
    // A machine that gives no thread gets them compared here.
    let here = thread.is_err().then(compare).into_iter().flatten();
    receive.into_iter().chain(here)
}

fn read_chapter(file: Option<&Path>, snapshots: &Path) -> Read {
    let mut problems = Vec::new();
    let lesson = file.and_then(|file| read_lesson::<raw::Chapter>(file, &schema::CHAPTER, &mut problems));
    let snapshot = lesson.as_ref().and_then(|lesson| {
        read_snapshot(snapshots, &lesson.raw.snapshot.0, lesson.lens().key("snapshot"), &mut problems)
    });
    Read { lesson, snapshot, problems }
}

/// `diff` is `None` when a snapshot could not be read: then nothing is said about edits.
fn build_chapter(
    number: u32,
    chapter: Lesson<raw::Chapter>,
    snapshot: Tree,
    diff: Option<TreeDiff>,
    problems: &mut Vec<Problem>,
) -> Chapter {
    let Lesson { document, root, sound, raw } = chapter;
    let lens = Lens::new(&document, &sound, &root);
    let compared = diff.is_some();
    let mut diff = diff.unwrap_or_default();
    let mut unheard = Vec::new();
    let mut builder = Builder { problems, uses: Vec::new(), owner: Owner::Step(0), doubtful: BTreeSet::new() };
    let mut steps = Vec::new();
    for (i, mut step) in raw.steps.into_iter().enumerate() {
        builder.owner = Owner::Step(i);
        if !compared && step.edit.take().is_some() {
            unheard.push(i);
        }
        steps.push(builder.step(lens.key("steps").item(i), step, &diff, &raw.checks));
    }
    let mut checks = Vec::new();
    for (i, check) in raw.checks.into_iter().enumerate() {
        builder.owner = Owner::Check(i);
        checks.extend(builder.check(lens.key("checks").item(i), check));
    }
    let (uses, doubtful) = (builder.uses, builder.doubtful);
    put_notes(&steps, &mut diff);
    for i in unheard {
        steps[i].action = Action::Edit(Edit { hunks: Vec::new() });
    }
    let chapter = Chapter {
        number,
        id: raw.snapshot.0,
        title: raw.title.0,
        budget: minutes(&raw.minutes),
        on_stage: raw.on_stage.unwrap_or(true),
        goals: raw.goals.into_iter().map(|goal| goal.0).collect(),
        steps,
        checks,
        snapshot,
        diff,
        origin: lens.origin(),
    };
    rules::check_chapter(&chapter, lens, &uses, compared.then_some(&doubtful), problems);
    chapter
}

/// The authors' notes on the hunks they belong to, where the viewer looks for them.
fn put_notes(steps: &[Step], diff: &mut TreeDiff) {
    for step in steps {
        let Action::Edit(edit) = &step.action else { continue };
        for chosen in edit.hunks.iter().filter(|hunk| hunk.note.is_some()) {
            let file = diff.iter_mut().find(|file| file.path == chosen.file);
            if let Some(hunk) = file.and_then(|file| file.hunks.get_mut(chosen.index)) {
                hunk.note.clone_from(&chosen.note);
            }
        }
    }
}

/// The chapters' files in order; `None` for those that are not there, which are reported.
fn chapter_files(
    raw: &raw::Course,
    lens: Lens<'_>,
    lessons: &Path,
    problems: &mut Vec<Problem>,
) -> Vec<Option<PathBuf>> {
    let mut files = Vec::new();
    for (number, name) in raw.chapters.iter().enumerate() {
        let lens = lens.key("chapters").item(number);
        if raw.chapters[..number].iter().any(|earlier| earlier.0 == name.0) {
            lens.report(problems, Problem::course(format_args!("chapter `{}` is listed twice", name.0)));
            files.push(None);
            continue;
        }
        let counted = name.0.strip_prefix("ch").and_then(|digits| digits.parse::<usize>().ok());
        if counted.is_some_and(|counted| counted != number) {
            let problem = Problem::course(format_args!("`{}` is chapter {number} in this order", name.0))
                .expected(format!("`ch{number:02}`"))
                .hint("chapters are numbered from 0 in order; `--chapter` takes that number");
            lens.report(problems, problem);
        }
        let file = lessons.join(format!("{}.yaml", name.0));
        let present = file.is_file();
        if !present {
            let names = yaml_files(lessons);
            let names: Vec<&str> = names.iter().map(String::as_str).filter(|name| *name != "course").collect();
            let mut problem = Problem::course(format_args!("there is no {}", file.display()));
            problem.hint = kinds::did_you_mean(&name.0, &names);
            lens.report(problems, problem);
        }
        files.push(present.then_some(file));
    }
    files
}

/// A chapter that nobody teaches is a chapter that was forgotten.
fn unlisted_files(lessons: &Path, raw: &raw::Course, lens: Lens<'_>, problems: &mut Vec<Problem>) {
    for name in yaml_files(lessons) {
        if name != "course" && !raw.chapters.iter().any(|chapter| chapter.0 == name) {
            let problem = Problem::course(format_args!("{name}.yaml is not among the chapters"));
            let hint = format!("add `{name}` to `chapters`, or move the file away");
            lens.key("chapters").report(problems, problem.hint(hint));
        }
    }
}

fn unlisted_snapshots(snapshots: &Path, used: &BTreeMap<String, String>, lens: Lens<'_>, problems: &mut Vec<Problem>) {
    let mut names = directories(snapshots);
    names.sort_unstable();
    names.retain(|name| kinds::is_id(name) && !tree::IGNORED.contains(&name.as_str()) && !used.contains_key(name));
    for name in names {
        let problem = Problem::course(format_args!("no chapter ends at {}", snapshots.join(&name).display()));
        lens.key("chapters").report(problems, problem.hint("write its chapter, or move the snapshot away"));
    }
}

fn yaml_files(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".yaml").or(name.strip_suffix(".yml")).map(str::to_owned))
        .collect();
    names.sort_unstable();
    names
}

fn read_lesson<T: DeserializeOwned>(file: &Path, format: &Schema, problems: &mut Vec<Problem>) -> Option<Lesson<T>> {
    let text = match read_text(file) {
        Ok(text) => text,
        Err(problem) => {
            problems.push(problem);
            return None;
        }
    };
    let (document, root, found) = yaml::read(file.to_owned(), &text);
    let plain = found.is_empty();
    problems.extend(found);
    let Some(root) = root else {
        if plain {
            problems.push(Problem::course("the file is empty").at(top_of(file)));
        }
        return None;
    };
    let mut sound = shape::check(&document, &root, format);
    problems.append(&mut sound.problems);
    // What cannot be read from values is read from the text once more, for the place of the mistake.
    let read = serde_yaml::from_value(std::mem::take(&mut sound.value))
        .or_else(|error| if plain && !sound.repaired { serde_yaml::from_str(&text) } else { Err(error) });
    match read {
        Ok(raw) => Some(Lesson { document, root, sound, raw }),
        Err(error) => {
            let at = error.location().map(|l| document.spot(yaml::point(l.line(), l.column())));
            problems.push(Problem::course(&error).at(at.unwrap_or_else(|| top_of(file))));
            None
        }
    }
}

fn read_text(file: &Path) -> Result<String, Problem> {
    let unreadable = |error: std::io::Error| {
        Problem::course(format_args!("cannot read {}: {error}", file.display()))
            .hint("name the directory of the lessons with `--lessons`")
    };
    if fs::metadata(file).map_err(unreadable)?.len() > MAX_FILE {
        return Err(Problem::course("the file is larger than 1 MiB").at(top_of(file)));
    }
    let bytes = fs::read(file).map_err(unreadable)?;
    String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let spot = Spot { line: u32::try_from(line).unwrap_or(u32::MAX), ..top_of(file) };
        Problem::course("the file is not UTF-8 text").at(spot)
    })
}

fn top_of(file: &Path) -> Spot {
    Spot { file: file.to_owned(), line: 1, column: 1, excerpt: String::new(), length: 1 }
}

/// Whether two names that end in numbers are those of two chapters: `ch01` and `ch02`, and not `ch01` and `ch1`.
fn is_another(name: &str, id: &str) -> bool {
    let cut = |name: &str| {
        let series = name.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned();
        let number = name[series.len()..].parse::<u32>().ok();
        (series, number)
    };
    let ((series, number), (wanted, which)) = (cut(name), cut(id));
    series == wanted && number != which
}

const GONE: &str = "make it, or bring it back from where the course came from";

/// Files that a project cannot do without being valid JSON.
const JSON_FILES: [&str; 3] = ["package.json", "package-lock.json", "cdk.json"];

/// `None` when it is not there at all. Damage in it is reported as well.
fn read_snapshot(snapshots: &Path, id: &str, lens: Lens<'_>, problems: &mut Vec<Problem>) -> Option<Tree> {
    if lens.is_broken() {
        return None;
    }
    let reading = match tree::read(&snapshots.join(id)) {
        Ok(reading) => reading,
        Err(error @ (TreeError::Missing(_) | TreeError::NotADirectory(_))) => {
            let present = directories(snapshots);
            let present: Vec<&str> = present.iter().map(String::as_str).filter(|name| !is_another(name, id)).collect();
            let hint = kinds::did_you_mean(id, &present).unwrap_or_else(|| GONE.to_owned());
            let problem = Problem::course(&error).expected("the project as it is after the chapter");
            lens.report(problems, problem.hint(hint));
            return None;
        }
        Err(error) => {
            lens.report(problems, Problem::course(&error));
            return None;
        }
    };
    for (path, why) in &reading.skipped {
        let problem = Problem::course(format_args!("{} {why}", snapshots.join(id).join(path).display()));
        lens.report(problems, problem.expected("a snapshot of text files"));
    }
    if reading.files.is_empty() {
        lens.report(problems, Problem::course(format_args!("snapshot `{id}` holds no files")));
    }
    for (path, text) in &reading.files {
        let name = path.rsplit('/').next().unwrap_or(path);
        if !JSON_FILES.contains(&name) {
            continue;
        }
        if let Err(error) = serde_json::from_str::<serde::de::IgnoredAny>(text) {
            let spot = Spot {
                line: u32::try_from(error.line()).unwrap_or(1).max(1),
                column: u32::try_from(error.column()).unwrap_or(1).max(1),
                excerpt: text.lines().nth(error.line().saturating_sub(1)).unwrap_or_default().to_owned(),
                ..top_of(&snapshots.join(id).join(path))
            };
            problems.push(Problem::course(format_args!("not valid JSON: {error}")).at(spot));
        }
    }
    Some(reading.files)
}

fn directories(parent: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(parent) else { return Vec::new() };
    entries.filter_map(|entry| entry.ok().filter(|e| e.path().is_dir())?.file_name().into_string().ok()).collect()
}
