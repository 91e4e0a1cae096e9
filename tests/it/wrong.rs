//! Typical mistakes of learners, each held against the shipped course: the chapter's checks must catch it, with words
//! that name the cause. The mistakes stand in `tests/course/wrong`, one a file.
//!
//! It walks the course and deploys each mistake for real, which takes minutes:
//! `cargo test --test it wrong:: -- --ignored`.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use serde::Deserialize;
use workshop_course::lesson::load;
use workshop_course::lesson::model::StepAction;

use crate::support;

/// One mistake: what a learner has written otherwise in the files of the finished chapter, or done otherwise in the
/// database.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Mistake {
    /// Its file, without `.yaml`.
    #[serde(skip)]
    name: String,
    title: String,
    chapter: u32,
    #[serde(default)]
    changes: Vec<MistypedText>,
    /// Statements for one console session of admin's.
    #[serde(default)]
    sql: Vec<String>,
    /// False where it shows without a deploy.
    #[serde(default = "yes")]
    deploy: bool,
    /// The check that must fail.
    check: String,
    /// What its report must say.
    says: String,
}

/// A text that stands once in a file, and what stands there instead.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MistypedText {
    file: PathBuf,
    replace: String,
    by: String,
}

fn yes() -> bool {
    true
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All mistakes, by chapter.
fn mistakes() -> BTreeMap<u32, Vec<Mistake>> {
    let mut all: BTreeMap<u32, Vec<Mistake>> = BTreeMap::new();
    let mut files: Vec<_> =
        fs::read_dir(root().join("tests/course/wrong")).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    for file in files {
        let mut mistake: Mistake = serde_yaml::from_str(&fs::read_to_string(&file).unwrap())
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        mistake.name = file.file_stem().unwrap().to_string_lossy().into_owned();
        all.entry(mistake.chapter).or_default().push(mistake);
    }
    all
}

#[test]
fn every_mistake_is_one_that_the_snapshots_allow() {
    for mistake in mistakes().into_values().flatten() {
        assert!(!mistake.changes.is_empty() || !mistake.sql.is_empty(), "{}: nothing is wrong", mistake.title);
        for change in &mistake.changes {
            let path = root().join(format!("snapshots/ch{:02}", mistake.chapter)).join(&change.file);
            let text = fs::read_to_string(&path).unwrap();
            assert_eq!(
                text.matches(&change.replace).count(),
                1,
                "{}: {:?} in {}",
                mistake.title,
                change.replace,
                path.display()
            );
        }
        let lesson = fs::read_to_string(root().join(format!("lessons/ch{:02}.yaml", mistake.chapter))).unwrap();
        assert!(
            lesson.contains(&format!("  - id: {}\n", mistake.check)),
            "{}: no check {}",
            mistake.title,
            mistake.check
        );
    }
}

pub fn workshop(workdir: &Path, args: &[&str]) -> Output {
    let mut command = support::command(support::exe());
    command.args(args).arg("--workdir").arg(workdir).current_dir(root()).output().unwrap()
}

pub fn text(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Makes a working directory whose sandbox stays between the walks, as for a learner who comes and goes.
pub fn with_sandbox() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let workdir = dir.path().join("my-dsql-app");
    fs::create_dir_all(&workdir).unwrap();
    let started = workshop(&workdir, &["sandbox", "start"]);
    assert!(started.status.success(), "{}", text(&started));
    (dir, workdir)
}

/// Walks by plain words through every step of a chapter.
pub fn walk(workdir: &Path, chapter: u32) {
    let course = load::load(&root().join("lessons"), &root().join("snapshots")).unwrap();
    let mut words = format!("go {chapter}.1\n");
    for (index, step) in course.chapter(chapter).unwrap().steps.iter().enumerate() {
        if index > 0 {
            words.push_str("next\n");
        }
        if !matches!(step.action, StepAction::Read) {
            words.push_str("run\n");
        }
    }
    let mut command = support::command(support::exe());
    command.args(["--plain", "--workdir"]).arg(workdir).current_dir(root());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(words.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "chapter {chapter}: {}", String::from_utf8_lossy(&output.stdout));
}

/// Deploys what is in the working directory, as a learner does.
pub fn deploy(workdir: &Path) -> Output {
    let script = r#"eval "$("$WORKSHOP" sandbox env --workdir "$PWD")" && cd cdk && npx cdk deploy --progress events"#;
    let mut command = support::command("sh");
    command.args(["-c", script]).env("WORKSHOP", support::exe()).current_dir(workdir).output().unwrap()
}

/// Makes a mistake in a working directory, and gives what the files were before.
fn make(mistake: &Mistake, workdir: &Path) -> Vec<(PathBuf, String)> {
    let mut right = Vec::new();
    for change in &mistake.changes {
        let file = workdir.join(&change.file);
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, text.replacen(&change.replace, &change.by, 1)).unwrap();
        right.push((file, text));
    }
    if !mistake.sql.is_empty() {
        // A line that ends in a backslash command needs no semicolon.
        let line = |sql: &String| if sql.contains('\\') { format!("{sql}\n") } else { format!("{sql};\n") };
        let script = workdir.join("mistake.sql");
        fs::write(&script, mistake.sql.iter().map(line).collect::<String>()).unwrap();
        let ran = workshop(workdir, &["sql", "-v", "ON_ERROR_STOP=1", "-f", script.to_str().unwrap()]);
        assert!(ran.status.success(), "{}: {}", mistake.title, text(&ran));
        fs::remove_file(script).unwrap();
    }
    right
}

#[test]
#[ignore = "deploys some ninety mistakes, for minutes; by hand: cargo test --test it wrong:: -- --ignored"]
fn every_mistake_is_caught_and_named() {
    let (_dir, workdir) = with_sandbox();
    // WRONG=ch04 or WRONG=ch04-no-pause tries these alone.
    let only = std::env::var("WRONG").unwrap_or_default();
    let mut mistakes = mistakes();
    mistakes.retain(|_, all| {
        all.retain(|mistake| mistake.name.starts_with(&only));
        !all.is_empty()
    });
    let mut escaped = Vec::new();
    let last = *mistakes.keys().next_back().unwrap();
    for chapter in 0..=last {
        walk(&workdir, chapter);
        for mistake in mistakes.get(&chapter).into_iter().flatten() {
            let saved = workshop(&workdir, &["sandbox", "save", "wrong"]);
            assert!(saved.status.success(), "{}", text(&saved));
            let right = make(mistake, &workdir);
            let deployed = mistake.deploy.then(|| deploy(&workdir).status);
            // A function that is warm keeps the connection that it was once allowed.
            for word in ["stop", "start"] {
                workshop(&workdir, &["sandbox", word]);
            }
            let checked = workshop(&workdir, &["--chapter", &chapter.to_string(), "--check", "--format", "plain"]);
            let said = text(&checked);
            // What was never deployed proves nothing.
            let runs = deployed.is_none_or(|status| status.success());
            let caught = runs && checked.status.code() == Some(1) && said.contains(&mistake.says);
            println!("{} {}: {}", if caught { "caught " } else { "ESCAPED" }, mistake.name, mistake.title);
            if !caught {
                escaped.push(format!("{} ({})\n  deployed: {deployed:?}\n  {said}", mistake.title, mistake.name));
            }
            for (file, text) in right.into_iter().rev() {
                fs::write(&file, text).unwrap();
            }
            let restored = workshop(&workdir, &["sandbox", "restore", "wrong"]);
            assert!(restored.status.success(), "{}", text(&restored));
        }
    }
    workshop(&workdir, &["sandbox", "reset"]);
    assert!(escaped.is_empty(), "{} escaped:\n{}", escaped.len(), escaped.join("\n"));
}
