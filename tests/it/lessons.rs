#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop where it stands")]

//! Lesson files, good and bad: `tests/lessons` holds one case a file or a folder.
//!
//! A file is laid over a small course that is valid (`base`): as its chapter 1, or, when it is called
//! `course-…`, as its course.yaml. A folder is laid over it whole. A bad file ends with what must be
//! said about it, a bad folder has it in `expected.txt`: one line each, `file:line:column: message`.
//! `UPDATE_LESSONS=1 cargo test lessons` writes down what is said now.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use workshop_base::problem::Problem;
use workshop_course::code::tree;
use workshop_course::lesson::choices::Chosen;
use workshop_course::lesson::model::{Chapter, Course, StepAction};
use workshop_course::lesson::{lint, load, manifest, outline};

const MARK: &str = "#! ";

fn cases(kind: &str) -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lessons").join(kind);
    let mut cases: Vec<PathBuf> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(!cases.is_empty());
    cases
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn lay_out(case: &Path, root: &Path) {
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lessons/base"), root);
    if case.is_dir() {
        copy(case, root);
    } else {
        let name = case.file_name().unwrap().to_str().unwrap();
        let target = if name.starts_with("course-") { "course.yaml" } else { "ch01.yaml" };
        let text = fs::read_to_string(case).unwrap();
        let lesson: String = text.split_inclusive('\n').filter(|line| !line.starts_with(MARK)).collect();
        fs::write(root.join("lessons").join(target), lesson).unwrap();
    }
}

/// The directory lives as long as what is loaded from it is looked at.
fn load_case(case: &Path) -> (TempDir, Result<Course, Vec<Problem>>) {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    lay_out(case, root);
    let mut loaded = load::load(&root.join("lessons"), &root.join("snapshots"));
    if let Err(problems) = &mut loaded {
        let prefix = format!("{}/", root.display());
        for problem in problems {
            problem.message = problem.message.replace(&prefix, "");
            if let Some(spot) = &mut problem.spot {
                spot.file = spot.file.strip_prefix(root).unwrap().to_owned();
            }
        }
    }
    (directory, loaded)
}

#[test]
fn valid_lessons_load_and_their_edits_make_their_snapshots() {
    for case in cases("valid") {
        let (_directory, loaded) = load_case(&case);
        match loaded {
            Ok(course) => {
                edits_make_snapshots(&course);
                is_outlined(&course);
            }
            Err(problems) => panic!("{}:\n{}", case.display(), lint::render(&problems, false)),
        }
    }
}

#[test]
fn invalid_lessons_are_told_all_their_problems_with_their_places() {
    let update = std::env::var_os("UPDATE_LESSONS").is_some();
    let mut wrong = Vec::new();
    for case in cases("invalid") {
        let (directory, loaded) = load_case(&case);
        if let Some(outline) = outline::read(&directory.path().join("lessons"), &Chosen::new(), None) {
            // Shown until the problems are told.
            assert!(!outline.course.chapters.is_empty(), "{}", case.display());
        }
        let problems = loaded.expect_err(&format!("{} is taken for valid", case.display()));
        let said = lint::plain(&problems);
        let own = if case.is_dir() { case.join("expected.txt") } else { case.clone() };
        let text = fs::read_to_string(&own).unwrap_or_default();
        let prefix = if case.is_dir() { "" } else { MARK };
        let is_ours = |line: &&str| !prefix.is_empty() && !line.starts_with(MARK);
        let lesson: String = text.split_inclusive('\n').filter(is_ours).collect();
        let whole = lesson + &said.lines().map(|line| format!("{prefix}{line}\n")).collect::<String>();
        if update {
            fs::write(&own, whole).unwrap();
        } else if whole != text {
            wrong.push(format!("{}: this is said:\n{said}", case.display()));
        }
        for problem in &problems {
            let spot = problem.spot.as_ref().unwrap_or_else(|| panic!("{}: {problem} has no place", case.display()));
            assert!(spot.line >= 1 && spot.column >= 1 && spot.length >= 1, "{problem}");
            let helps = problem.expected.is_some() || problem.hint.is_some();
            assert!(helps, "{}: {problem}: what to do is not said", case.display());
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What a course shows at once is what it shows once it is read; what needs a cloud without saying so is read first.
fn is_outlined(course: &Course) {
    let head = |course: &Course| {
        let chapters = course.chapters.iter();
        let of = |chapter: &Chapter| (chapter.title.clone(), chapter.budget, chapter.on_stage, chapter.goals.clone());
        (course.title.clone(), course.slot, course.needs_cloud(), chapters.map(of).collect::<Vec<_>>())
    };
    match outline::read(&course.lessons, &course.chosen, None) {
        Some(outline) => {
            assert_eq!(head(&outline.course), head(course));
            let (at_once, whole) = (outline.uses, course.uses());
            assert!(at_once.asks || !whole.asks, "{}", course.title);
            assert_eq!((at_once.deploys, at_once.checks), (whole.deploys, whole.checks), "{}", course.title);
        }
        None => assert!(course.stack.is_none(), "{}: a valid course", course.title),
    }
}

/// Each line taken out, and each doubled: the reader must say what is wrong, with a place, and go on.
#[test]
fn no_damage_to_a_lesson_makes_it_panic() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lessons/valid/every-action.yaml");
    lay_out(&case, root);
    let text = fs::read_to_string(&case).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    for damaged in 0..lines.len() {
        for copies in [0, 2] {
            let keep = |(i, line): (usize, &&str)| line.repeat(if i == damaged { copies } else { 1 });
            let lesson: String = lines.iter().enumerate().map(keep).collect();
            fs::write(root.join("lessons/ch01.yaml"), lesson).unwrap();
            outline::read(&root.join("lessons"), &Chosen::new(), None);
            let problems = load::load(&root.join("lessons"), &root.join("snapshots")).err().unwrap_or_default();
            for problem in problems {
                let spot = problem.spot.as_ref().unwrap_or_else(|| panic!("line {damaged}: {problem} has no place"));
                assert!(spot.file.ends_with("ch01.yaml") || spot.file.ends_with("course.yaml"), "{problem}");
            }
        }
    }
}

#[test]
fn the_real_course_is_valid_and_its_edits_make_its_snapshots() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    match load::load(&root.join("lessons"), &root.join("snapshots")) {
        Ok(course) => {
            edits_make_snapshots(&course);
            is_outlined(&course);
            let outline = outline::read(&course.lessons, &course.chosen, None).expect("an outline is enough for it");
            assert_eq!(outline.uses, course.uses());
        }
        Err(problems) => panic!("{}", lint::render(&problems, false)),
    }
}

fn edits_make_snapshots(course: &Course) {
    for chapter in &course.chapters {
        let mut on_disk = tree::read(&course.snapshot_dir(chapter)).unwrap().files;
        if !course.choices.is_empty() {
            // Those of other options are not this course's.
            on_disk.retain(|path, _| chapter.snapshot.contains_key(path));
        }
        assert_eq!(chapter.snapshot, on_disk);
        let last = chapter.steps.last().unwrap();
        assert!(
            manifest::after_step(course, chapter.number, &last.id).unwrap() == on_disk,
            "chapter {}",
            chapter.number
        );
        let mut before = manifest::at_start(course, chapter.number).unwrap();
        for step in &chapter.steps {
            assert!(manifest::before_step(course, chapter.number, &step.id).unwrap() == before);
            let after = manifest::after_step(course, chapter.number, &step.id).unwrap();
            assert_eq!(matches!(step.action, StepAction::Edit(_)), after != before, "{}", step.id);
            before = after;
        }
    }
}

#[test]
fn a_snapshot_that_is_not_what_its_lesson_says_can_be_tried_out_and_other_faults_cannot() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lessons/base"), root);
    let (lessons, snapshots) = (root.join("lessons"), root.join("snapshots"));
    let lesson = fs::read_to_string(lessons.join("ch01.yaml")).unwrap();
    let edits =
        "edit: [{file: src/log.js}, {file: src/index.js, match: log(event)}, {file: src/index.js, match: gone}]";
    fs::write(lessons.join("ch01.yaml"), lesson.replace("edit: all", edits)).unwrap();
    let (course, problems) = load::load_to_prove(&lessons, &snapshots, &Default::default());
    let said = lint::plain(&problems);
    assert!(said.contains("no change of `src/index.js` holds this text"), "{said}");
    assert!(said.contains("no step makes change"), "{said}");
    assert_eq!(load::load(&lessons, &snapshots).unwrap_err(), problems);
    // The edits that are left give what can be given.
    let files = manifest::after_step(&course.unwrap(), 1, "change").unwrap();
    assert!(
        files["src/index.js"].text().unwrap().contains("log(event)") && files.contains_key("src/log.js"),
        "{files:?}"
    );

    fs::write(lessons.join("ch01.yaml"), "snapshot: [").unwrap();
    let (course, problems) = load::load_to_prove(&lessons, &snapshots, &Default::default());
    assert!(course.is_none() && !problems.is_empty());
}

#[test]
fn a_chapter_of_more_steps_than_anybody_walks_through_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lessons/base"), root);
    let file = root.join("lessons/ch01.yaml");
    let lesson = fs::read_to_string(&file).unwrap();
    for (more, fits) in [(199, true), (200, false)] {
        let steps: String = (0..more).map(|i| format!("  - {{id: s{i}, title: S, minutes: 0, say: S.}}\n")).collect();
        fs::write(&file, lesson.replace("checks:\n", &format!("{steps}checks:\n"))).unwrap();
        let loaded = load::load(&root.join("lessons"), &root.join("snapshots"));
        assert_eq!(loaded.is_ok(), fits, "{loaded:?}");
        if let Err(problems) = loaded {
            let said = lint::plain(&problems);
            assert!(said.contains("the chapter has 201 steps; expected at most 200"), "{said}");
        }
    }
}

/// Where case does not count only one of the two is there; a repository cannot hold such a case everywhere.
#[cfg(target_os = "linux")]
#[test]
fn names_that_differ_in_case_alone_are_told() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lessons/base"), root);
    let said = || lint::plain(&load::load(&root.join("lessons"), &root.join("snapshots")).err().unwrap_or_default());
    fs::write(root.join("snapshots/ch01/readme.md"), "# Small\n").unwrap();
    assert!(said().contains("`README.md` becomes `readme.md`, which differs only in case"), "{}", said());
    fs::write(root.join("snapshots/ch01/README.md"), "# Small\n").unwrap();
    assert!(
        said().contains("snapshot `ch01` has `README.md` and `readme.md`, which differ only in case"),
        "{}",
        said()
    );
    fs::remove_file(root.join("snapshots/ch01/readme.md")).unwrap();
    assert_eq!(said(), "");
    fs::rename(root.join("snapshots/ch01"), root.join("snapshots/Ch01")).unwrap();
    assert!(said().contains("the directory is called `Ch01`: rename it to `ch01`"), "{}", said());
}

/// The program at a course of its own, which git knows.
struct Authored(TempDir);

impl Authored {
    fn new() -> Authored {
        let authored = Authored(tempfile::tempdir().unwrap());
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lessons/base"), authored.0.path());
        for args in [&["init", "-q"][..], &["add", "-A"], &["commit", "-q", "-m", "The course"]] {
            let mut git = crate::support::command("git");
            git.args(["-c", "user.name=Author", "-c", "user.email=author@example.org"]).args(args);
            assert!(git.current_dir(authored.0.path()).status().unwrap().success());
        }
        authored
    }

    fn run(&self, args: &[&str]) -> (i32, String) {
        let mut program = crate::support::command(crate::support::exe());
        let out = program.args(args).current_dir(self.0.path()).output().unwrap();
        let text = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
        (out.status.code().unwrap(), text)
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.0.path().join("snapshots").join(path)).unwrap()
    }

    fn edit(&self, path: &str, from: &str, to: &str) {
        let text = self.text(path);
        assert!(text.contains(from), "{text}");
        fs::write(self.0.path().join("snapshots").join(path), text.replace(from, to)).unwrap();
    }
}

#[test]
fn a_change_that_was_not_carried_on_is_found_and_carried_on() {
    let course = Authored::new();
    assert_eq!(course.run(&["lint"]).0, 0, "{}", course.run(&["lint"]).1);
    course.edit("ch00/package.json", "\"private\": true", "\"private\": false");
    course.edit("ch00/src/index.js", "// The end.", "// The very end.");
    let (code, said) = course.run(&["lint"]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("ch01/package.json lacks what ch00/package.json gained since the last commit"), "{said}");
    assert!(said.contains("`workshop propagate ch00`"), "{said}");
    let (code, said) = course.run(&["propagate", "ch00"]);
    assert_eq!((code, said.as_str()), (0, "ch01: 2 files changed\n"));
    assert!(course.text("ch01/package.json").contains("false"));
    let carried = course.text("ch01/src/index.js");
    assert!(carried.contains("// The very end.") && carried.contains("log(event)"), "{carried}");
    assert_eq!(course.run(&["lint"]).0, 0);
    assert_eq!(course.run(&["propagate", "0"]).1, "nothing to carry: the later chapters have it already\n");
}

#[test]
fn a_change_that_meets_another_is_marked_and_left_to_the_author() {
    let course = Authored::new();
    course.edit("ch00/src/index.js", "'Hello, ' + name", "'Hi, ' + name");
    let (code, said) = course.run(&["propagate", "ch00"]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("ch01/src/index.js:"), "{said}");
    assert!(said.contains("has lines that both versions changed"), "{said}");
    let marked = course.text("ch01/src/index.js");
    assert!(marked.contains("<<<<<<< ch01\n") && marked.contains("||||||| ch00 before\n"), "{marked}");
    let (code, said) = course.run(&["propagate", "ch00"]);
    assert_eq!(code, 1);
    assert!(said.contains("holds the marks of a conflict"), "{said}");
    let (code, said) = course.run(&["propagate", "ch07"]);
    assert_eq!(code, 2, "{said}");
}
