//! Reads a course: `course.yaml`, its chapter files and their snapshots.
//!
//! Invariant: the answer is a course in which everything holds together, or all the problems that
//! keep it from being one.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use super::build::{Builder, CourseParts, Owner, Sessions, as_it_stands, minutes, part_hunks, put_notes};
use super::choices::{self, ChoiceProblems, Chosen};
use super::course_names::CourseNames;
use super::format::{ChapterYaml, CheckYaml, CourseYaml, DatabaseKindYaml, DatabaseYaml, PrerequisiteYaml, StepYaml};
use super::lens::Lens;
use super::lesson_file::{LessonFile, read_lesson};
use super::listing::{chapter_files, unlisted_files};
use super::model::*;
use super::rules::{self, ChapterFacts, Cloud};
use super::snapshots::{diffs, read_snapshot, unlisted_snapshots};
use super::{chain, facts, locale, schema};
use crate::code::diff::TreeDiff;
use crate::code::tree::{Reading, Tree};
use workshop_base::problem::{Kind, Problem};

/// The newest version of the format that this program reads.
const FORMAT_VERSION: u32 = 1;

/// Reads and checks the course in `lessons`, whose snapshots are in `snapshots`. The problems are
/// sorted by place. Where there is something to choose, every combination is checked, or of very many those of any two
/// options; the course is that of the first.
///
/// # Errors
/// With all that is wrong with the course, sorted by place, what is wrong with the first options before the rest.
pub fn load(lessons: &Path, snapshots: &Path) -> Result<Course, Vec<Problem>> {
    load_each(lessons, snapshots, |_| ())
}

/// As [`load`]; `each` gets the course of every combination that nothing is wrong with.
///
/// # Errors
/// As [`load`].
pub fn load_each(lessons: &Path, snapshots: &Path, mut each: impl FnMut(&Course)) -> Result<Course, Vec<Problem>> {
    let mut looked_at = |chosen: &Chosen| {
        let (course, problems) = load_to_prove(lessons, snapshots, chosen);
        course.iter().filter(|_| problems.is_empty()).for_each(&mut each);
        (course, problems)
    };
    let (course, problems) = looked_at(&Chosen::new());
    let mut found = ChoiceProblems::of_the_first(problems);
    for chosen in choices::besides_the_first(&chain::choices_of(lessons)) {
        let (_, problems) = looked_at(&chosen);
        found.add(chosen, problems);
    }
    let problems = found.told();
    match course {
        Some(course) if problems.is_empty() => Ok(course),
        _ => Err(problems),
    }
}

/// As [`load`], for these options alone: the first of each choice that is not among them.
///
/// # Errors
/// As [`load`].
pub fn load_chosen(lessons: &Path, snapshots: &Path, chosen: &Chosen) -> Result<Course, Vec<Problem>> {
    match load_to_prove(lessons, snapshots, chosen) {
        (Some(course), problems) if problems.is_empty() => Ok(course),
        (_, problems) => Err(problems),
    }
}

/// As [`load_chosen`], with the texts of a language in it as far as there are any.
///
/// # Errors
/// As [`load`], and with what is wrong with those texts.
pub fn load_in(
    lessons: &Path,
    snapshots: &Path,
    chosen: &Chosen,
    locale: Option<&str>,
) -> Result<Course, Vec<Problem>> {
    let mut course = load_chosen(lessons, snapshots, chosen)?;
    let Some(locale) = locale else { return Ok(course) };
    let mut problems = Vec::new();
    locale::translate(&mut course, locale, &mut problems);
    if problems.is_empty() { Ok(course) } else { Err(problems) }
}

/// As [`load_chosen`], for who is going to try the course out: the course is there also when its snapshots are not what
/// its lessons say, since trying shows what that comes to. Such problems are [`Kind::Failed`].
pub fn load_to_prove(lessons: &Path, snapshots: &Path, asked: &Chosen) -> (Option<Course>, Vec<Problem>) {
    let mut problems = Vec::new();
    let course = read_course(lessons, snapshots, Some(asked), &mut problems);
    let place = |p: &Problem| p.spot.as_ref().map(|s| (s.file.clone(), s.line, s.column));
    problems.iter_mut().for_each(Problem::shorten);
    problems.sort_by_cached_key(place);
    problems.dedup();
    (course.filter(|_| problems.iter().all(|p| p.kind == Kind::Failed)), problems)
}

/// Reads the course with what is for any option in it, to be looked through and never to be opened: it may contradict itself. None
/// when its own file cannot be read.
pub fn load_every_option(lessons: &Path, snapshots: &Path) -> Option<Course> {
    read_course(lessons, snapshots, None, &mut Vec::new())
}

/// Reads the course of these options; None: of every one.
fn read_course(
    lessons: &Path,
    snapshots: &Path,
    asked: Option<&Chosen>,
    problems: &mut Vec<Problem>,
) -> Option<Course> {
    let file: LessonFile<CourseYaml> = std::thread::scope(|scope| {
        let ahead = || LazyLock::force(&schema::CHAPTER);
        // Without a thread, the first chapter makes it.
        let _ = std::thread::Builder::new().spawn_scoped(scope, ahead);
        read_lesson(&lessons.join("course.yaml"), &schema::COURSE, problems)
    })?;
    let (raw, lens) = (&file.raw, file.lens());
    version_is_known(raw, lens, problems);
    let files = chapter_files(raw, lens, lessons, problems);
    unlisted_files(lessons, raw, lens, problems);
    let mut read = read_chapters(&files, snapshots);
    let files = |read: &mut Read| read.snapshot.as_mut().map(|reading| std::mem::take(&mut reading.files));
    let mut trees: Vec<Option<Tree>> = read.iter_mut().map(files).collect();
    let head = CourseHead::of(&file, asked, problems);
    choices::patterns_name_files(raw, lens, &trees, problems);
    trees.iter_mut().flatten().for_each(|tree| choices::keep_chosen(tree, &head.choices, &head.chosen));
    let mut own = CourseParts::of(raw, lens, &head.choices, problems);
    if raw.target.is_some_and(|target| !raw.targets.is_empty() && !raw.targets.contains(&target)) {
        let problem = Problem::course("the course does not run where it says that it does");
        lens.key("target").report(problems, problem.expected("one of its `targets`"));
    }
    let known = Known {
        cloud: cloud(raw, &head.database),
        names: std::mem::take(&mut own.names),
        choices: &head.choices,
        chosen: &head.chosen,
        usual_role: head.database.usual_role(),
    };
    let BuiltChapters { chapters, ended_at, all_read } = build_chapters(read, &trees, &known, problems);
    if all_read {
        unlisted_snapshots(snapshots, &ended_at, lens, problems);
    }
    let ids: Vec<&str> = chapters.iter().map(|chapter| chapter.id.as_str()).collect();
    let facts = if all_read { facts::read(lessons, &ids, problems) } else { Vec::new() };
    let course = Course { facts, snapshots: snapshots.to_owned(), ..head.course(own, chapters, lessons) };
    rules::check_course(&course, lens, problems);
    Some(course)
}

/// The file of the course itself, and the options that were chosen of it.
pub(super) struct CourseHead<'a> {
    raw: &'a CourseYaml,
    pub(super) choices: Vec<Choice>,
    chosen: Chosen,
    database: CourseDatabase,
}

impl<'a> CourseHead<'a> {
    /// Takes in what the file says.
    pub(super) fn of(file: &'a LessonFile<CourseYaml>, asked: Option<&Chosen>, problems: &mut Vec<Problem>) -> Self {
        let (raw, lens) = (&file.raw, file.lens());
        let choices = choices::choices(raw, lens, problems);
        let chosen = choices::resolved(&choices, asked);
        CourseHead { raw, choices, chosen, database: database(raw, lens, problems) }
    }

    /// Puts a course together; its snapshots and facts are others' to add.
    pub(super) fn course(self, own: CourseParts, chapters: Vec<Chapter>, lessons: &Path) -> Course {
        let CourseHead { raw, choices, chosen, database } = self;
        Course {
            title: as_it_stands(&raw.title),
            code: raw.code.0.clone(),
            slot: minutes(&raw.slot),
            target: raw.target.or(raw.targets.first().copied()).unwrap_or(Target::Local),
            targets: raw.targets.clone(),
            workdir: raw.workdir.as_ref().map_or_else(|| chain::usual_workdir(&raw.code.0), |name| name.0.clone()),
            stack: raw.stack.as_ref().map(|stack| stack.0.clone()),
            function: raw.function.as_ref().map(|function| Template(function.0.clone())),
            cloud: raw.cloud.unwrap_or(false),
            database,
            costs: raw.costs.as_ref().map(as_it_stands),
            prerequisites: raw.prerequisites.iter().map(prerequisite).collect(),
            variables: own.variables,
            setup: own.setup,
            teardown: own.teardown,
            choices,
            chosen,
            facts: Vec::new(),
            chapters,
            lessons: lessons.to_owned(),
            snapshots: PathBuf::new(),
        }
    }
}

/// Reports a course of a newer format than this program's.
fn version_is_known(raw: &CourseYaml, lens: Lens<'_>, problems: &mut Vec<Problem>) {
    let Some(version) = raw.format_version.filter(|version| *version > FORMAT_VERSION) else { return };
    let problem = Problem::course(format_args!("the course is written in version {version} of the format"))
        .expected(format!("version {FORMAT_VERSION}, which this program reads"))
        .hint("bring the program up to date");
    lens.key("format_version").report(problems, problem);
}

/// Returns what a course has of a cloud.
fn cloud(raw: &CourseYaml, database: &CourseDatabase) -> Cloud {
    let (stack, function) = (raw.stack.is_some(), raw.function.is_some());
    Cloud {
        stack,
        function,
        any: stack || function || raw.cloud == Some(true) || raw.target == Some(Target::Aws),
        own_database: *database != CourseDatabase::Cluster,
        targets: raw.targets.clone(),
    }
}

/// Returns the database of a course; what contradicts itself is reported.
fn database(raw: &CourseYaml, lens: Lens<'_>, problems: &mut Vec<Problem>) -> CourseDatabase {
    if raw.cloud == Some(false) && (raw.stack.is_some() || raw.function.is_some()) {
        let problem = Problem::course("the course names what it has in a cloud, and says that it has none");
        lens.key("cloud").report(problems, problem.hint("take `cloud: false` away, or the `stack` and the `function`"));
    }
    if lens.key("database").is_broken() {
        return CourseDatabase::Postgres;
    }
    match &raw.database {
        None | Some(DatabaseYaml::Kind(DatabaseKindYaml::Dsql)) => CourseDatabase::Cluster,
        Some(DatabaseYaml::Kind(DatabaseKindYaml::Postgres)) => CourseDatabase::Postgres,
        Some(DatabaseYaml::Address(address)) => match (&address.url, &address.url_from) {
            (Some(url), _) => CourseDatabase::Url(url.0.clone()),
            (None, from) => CourseDatabase::UrlFrom(from.as_ref().map(|name| name.0.clone()).unwrap_or_default()),
        },
    }
}

fn prerequisite(raw: &PrerequisiteYaml) -> Prerequisite {
    Prerequisite {
        name: as_it_stands(&raw.name),
        command: raw.command.0.clone(),
        version: raw.version.0.clone(),
        targets: raw.targets.clone(),
        fix: as_it_stands(&raw.fix),
    }
}

/// A chapter's files as they are on the disk.
struct Read {
    lesson: Option<LessonFile<ChapterYaml>>,
    /// None without a lesson, which names it.
    snapshot: Option<Reading>,
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

fn read_chapter(file: Option<&Path>, snapshots: &Path) -> Read {
    let mut problems = Vec::new();
    let lesson = file.and_then(|file| read_lesson::<ChapterYaml>(file, &schema::CHAPTER, &mut problems));
    let snapshot = lesson.as_ref().and_then(|lesson| {
        read_snapshot(snapshots, &lesson.raw.snapshot.0, lesson.lens().key("snapshot"), &mut problems)
    });
    Read { lesson, snapshot, problems }
}

/// What of the course a chapter can refer to.
struct Known<'a> {
    cloud: Cloud,
    names: CourseNames,
    choices: &'a [Choice],
    chosen: &'a Chosen,
    /// Who connects where no role is named.
    usual_role: Option<String>,
}

/// The chapters of a course.
struct BuiltChapters {
    chapters: Vec<Chapter>,
    /// The snapshots that chapters end at, with the file of the first that does.
    ended_at: BTreeMap<String, String>,
    /// Whether all could be read, each with the name of its snapshot.
    all_read: bool,
}

/// Builds the chapters in their order, each while the next one's snapshot is still compared.
fn build_chapters(
    read: Vec<Read>,
    trees: &[Option<Tree>],
    known: &Known<'_>,
    problems: &mut Vec<Problem>,
) -> BuiltChapters {
    let mut built = BuiltChapters { chapters: Vec::new(), ended_at: BTreeMap::new(), all_read: true };
    let mut sessions = Sessions::new();
    std::thread::scope(|scope| {
        let mut diffs = diffs(scope, trees);
        for (number, read) in (0..).zip(read) {
            problems.extend(read.problems);
            let (snapshot, diff) = diffs.next().unwrap_or_default();
            let Some(chapter) = read.lesson else {
                built.all_read = false;
                continue;
            };
            let (id, at) = (chapter.raw.snapshot.0.clone(), chapter.lens().key("snapshot"));
            built.all_read &= !at.is_broken();
            if let Some(first) = built.ended_at.insert(id.clone(), chapter.document.file.display().to_string()) {
                let problem = Problem::course(format_args!("{first} ends at snapshot `{id}` already"));
                at.report(problems, problem.expected("a snapshot of its own for each chapter"));
            }
            let left_out = read.snapshot.unwrap_or_default();
            let files = (snapshot, diff, &left_out);
            built.chapters.push(build_chapter(number, chapter, files, &mut sessions, known, problems));
        }
    });
    built
}

/// `diff` is `None` when a snapshot could not be read: then nothing is said about edits.
fn build_chapter(
    number: u32,
    chapter: LessonFile<ChapterYaml>,
    (snapshot, diff, left_out): (Tree, Option<TreeDiff>, &Reading),
    sessions: &mut Sessions,
    known: &Known<'_>,
    problems: &mut Vec<Problem>,
) -> Chapter {
    let LessonFile { document, root, sound, mut raw } = chapter;
    let lens = Lens::new(&document, &sound, &root);
    let compared = diff.is_some();
    let mut diff = diff.unwrap_or_default();
    let chosen = (known.choices, known.chosen);
    let (steps, checks) = (std::mem::take(&mut raw.steps), std::mem::take(&mut raw.checks));
    let (whole, before) = (steps.len(), problems.len());
    let raw_steps = choices::kept(steps, |step| &step.when, chosen, lens.key("steps"), problems);
    let is_broken = |i: usize| lens.key("steps").item(i).key("when").is_broken();
    let options_are_known = problems.len() == before && !(0..whole).any(is_broken);
    if options_are_known {
        choices::some_steps_are_kept(&raw_steps, whole, lens.key("steps"), problems);
    }
    let raw_checks = choices::kept(checks, |check| &check.when, chosen, lens.key("checks"), problems);
    let known_checks: Vec<&CheckYaml> = raw_checks.iter().map(|(_, check)| check).collect();
    let unclear = part_hunks(&mut diff, &raw_steps, lens, problems);
    let mut unheard = Vec::new();
    let mut builder = Builder {
        problems,
        lessons: document.file.parent().unwrap_or(Path::new("")),
        uses: Vec::new(),
        owner: Owner::Step(0),
        doubtful: BTreeSet::new(),
        named: BTreeMap::new(),
        unclear,
        left_out,
        sessions,
        usual_role: known.usual_role.clone(),
        captured: BTreeSet::new(),
    };
    let (mut steps, mut lenses) = (Vec::new(), Vec::new());
    for (i, mut step) in raw_steps {
        builder.owner = Owner::Step(steps.len());
        if !compared {
            unheard.extend(not_compared(&mut step, steps.len()));
        }
        for (step, lens) in builder.steps(lens.key("steps").item(i), step, &diff, &known_checks) {
            steps.push(step);
            lenses.push(lens);
        }
    }
    drop(known_checks);
    builder.title(lens.key("title"), &raw.title);
    for (i, goal) in raw.goals.iter().enumerate() {
        builder.title(lens.key("goals").item(i), goal);
    }
    let (mut checks, mut check_lenses) = (Vec::new(), Vec::new());
    for (i, check) in raw_checks {
        builder.owner = Owner::Check(checks.len());
        let lens = lens.key("checks").item(i);
        if let Some(check) = builder.check(lens, check) {
            checks.push(check);
            check_lenses.push(lens);
        }
    }
    let (uses, doubtful, named) = (builder.uses, builder.doubtful, builder.named);
    put_notes(&steps, &mut diff);
    for i in unheard {
        if let Some(step) = steps.get_mut(i) {
            step.action = StepAction::Edit(EditAction { hunks: Vec::new() });
        }
    }
    let chapter = Chapter { steps, checks, snapshot, diff, ..chapter_head(number, raw, lens.origin()) };
    let facts = ChapterFacts {
        steps: &lenses,
        checks: &check_lenses,
        names: &known.names,
        uses: &uses,
        named: &named,
        options_are_known,
        doubtful: compared.then_some(&doubtful),
        left_out,
        cloud: &known.cloud,
    };
    rules::check_chapter(&chapter, lens, &facts, problems);
    chapter
}

/// Makes a chapter of all but its steps, checks and files.
pub(super) fn chapter_head(number: u32, raw: ChapterYaml, origin: Origin) -> Chapter {
    Chapter {
        number,
        id: raw.snapshot.0,
        title: as_it_stands(&raw.title),
        budget: minutes(&raw.minutes),
        on_stage: raw.on_stage.unwrap_or(true),
        goals: raw.goals.iter().map(as_it_stands).collect(),
        steps: Vec::new(),
        checks: Vec::new(),
        snapshot: Tree::default(),
        diff: TreeDiff::default(),
        origin,
    }
}

/// Takes the edits out of a step whose chapter cannot be compared with the one before, and tells which of the chapter's
/// steps they are: nothing can be said about them.
fn not_compared(step: &mut StepYaml, index: usize) -> Vec<usize> {
    let whole = step.edit.take().map(|_| index);
    let parts = step.actions.iter_mut().flatten().enumerate();
    let parts = parts.filter_map(|(i, part)| part.edit.take().map(|_| index + i));
    whole.into_iter().chain(parts).collect()
}
