//! Runs that begin where an earlier one has come to.

use std::path::{Path, PathBuf};

use crate::support::{command, exe};

/// A small course of two chapters, and checkpoints of its own.
struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    fn new() -> Bench {
        let bench = Bench { dir: tempfile::tempdir().unwrap() };
        let made = bench.run("kept", bench.dir.path(), &["new", "mine"]);
        assert_eq!(made.0, 0, "{}", made.1);
        bench
    }

    fn course(&self) -> PathBuf {
        self.dir.path().join("mine")
    }

    /// The exit code and all that was said, with the checkpoints of this name.
    fn run(&self, kept: &str, at: &Path, args: &[&str]) -> (i32, String) {
        let mut program = command(exe());
        let out = program.args(args).current_dir(at).env("WORKSHOP_CHECKPOINTS", self.dir.path().join(kept)).output();
        let out = out.unwrap();
        let text = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
        (out.status.code().unwrap(), text)
    }

    fn prove(&self, args: &[&str]) -> String {
        let (code, said) = self.run("kept", &self.course(), &[&["prove"], args].concat());
        assert_eq!(code, 0, "{said}");
        said
    }
}

const RESUMED: &str = "from the checkpoint after chapter 0";
/// A step of chapter 0.
const EARLIER: &str = "Copy the starter project";

#[test]
fn a_chapter_is_proved_from_where_an_earlier_run_came_to_as_long_as_that_is_true() {
    let bench = Bench::new();
    let first = bench.prove(&["--chapter", "1"]);
    assert!(first.contains(EARLIER) && !first.contains(RESUMED), "{first}");
    let again = bench.prove(&["--chapter", "1"]);
    assert!(again.contains(RESUMED) && !again.contains(EARLIER), "{again}");
    assert!(again.contains("Demand it first"), "{again}");
    let (code, listed) = bench.run("kept", &bench.course(), &["checkpoint", "list"]);
    assert!(code == 0 && listed.contains("after chapter 0") && listed.contains("current"), "{listed}");
    let fresh = bench.prove(&["--chapter", "1", "--fresh"]);
    assert!(fresh.contains(EARLIER) && !fresh.contains(RESUMED), "{fresh}");

    // What the later chapter says does not matter to the state before it.
    let lesson = |name: &str| bench.course().join("lessons").join(name);
    let change = |name: &str, from: &str, to: &str| {
        let text = std::fs::read_to_string(lesson(name)).unwrap();
        assert!(text.contains(from), "{text}");
        std::fs::write(lesson(name), text.replace(from, to)).unwrap();
    };
    change("ch01.yaml", "Write it", "Write it now");
    assert!(bench.prove(&["--chapter", "1"]).contains(RESUMED));
    // What an earlier one does, does.
    change("ch00.yaml", "hello Ada\n      matches", "hello Bob\n      matches");
    change("ch00.yaml", "matches: Hello, Ada!\n\nchecks", "matches: Hello, Bob!\n\nchecks");
    let stale = bench.prove(&["--chapter", "1"]);
    assert!(stale.contains(EARLIER) && !stale.contains(RESUMED), "{stale}");
    assert!(bench.prove(&["--chapter", "1"]).contains(RESUMED), "and is kept anew");
}

#[test]
fn checkpoints_are_carried_to_another_machine_as_a_file() {
    let bench = Bench::new();
    let course = bench.course();
    let (code, said) = bench.run("kept", &course, &["checkpoint", "save", "state.tar.gz"]);
    assert!(code == 2 && said.contains("there is no current checkpoint of this course"), "{said}");
    let walked = bench.run("kept", &course, &["--check"]);
    assert_eq!(walked.0, 0, "{}", walked.1);
    let (code, said) = bench.run("kept", &course, &["checkpoint", "save", "state.tar.gz"]);
    assert!(code == 0 && said.contains("the state after chapter 0"), "{said}");

    let (code, said) = bench.run("another", &course, &["checkpoint", "restore", "state.tar.gz"]);
    assert!(code == 0 && said.contains("the state after chapter 0 of Mine") && !said.contains("not used"), "{said}");
    let (code, said) = bench.run("another", &course, &["--chapter", "1", "--check"]);
    assert!(code == 0 && said.contains(RESUMED) && !said.contains(EARLIER), "{said}");

    std::fs::write(course.join("other.tar.gz"), "no archive").unwrap();
    let (code, said) = bench.run("another", &course, &["checkpoint", "restore", "other.tar.gz"]);
    assert!(code == 2 && said.contains("cannot be unpacked"), "{said}");
    let (code, said) = bench.run("another", &course, &["checkpoint", "remove"]);
    assert!(code == 0 && said.contains("removed 1 checkpoint"), "{said}");
}

#[test]
fn a_checkpoint_that_is_damaged_is_told_and_not_used() {
    let bench = Bench::new();
    bench.prove(&["--chapter", "1"]);
    let kept = bench.dir.path().join("kept");
    let name =
        std::fs::read_dir(&kept).unwrap().flatten().map(|entry| entry.path()).find(|path| path.is_dir()).unwrap();
    std::fs::remove_dir_all(name.join("files")).unwrap();
    let said = bench.prove(&["--chapter", "1"]);
    assert!(said.contains("the checkpoint after chapter 0 cannot be used"), "{said}");
    assert!(said.contains(EARLIER), "{said}");
    assert!(bench.prove(&["--chapter", "1"]).contains(RESUMED), "a whole one is there again");
}
