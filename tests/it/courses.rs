//! Courses of other shapes than the shipped one, written from the README: each is valid, and the cheap ones are proved.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{command, exe};

fn courses() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/courses");
    let mut all: Vec<PathBuf> = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    all.sort();
    all
}

fn run(course: &Path, args: &[&str]) -> (i32, String) {
    let out = command(exe()).arg("--course").arg(course).args(args).output().unwrap();
    let text = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
    (out.status.code().unwrap(), text)
}

#[test]
fn each_is_valid() {
    let all = courses();
    assert!(all.len() >= 2, "{all:?}");
    for course in all {
        let (code, said) = run(&course, &["lint"]);
        assert_eq!(code, 0, "{}: {said}", course.display());
    }
}

#[test]
fn express_is_proved() {
    let course = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/courses/express");
    let (code, said) = run(&course, &["prove", "--fresh"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("proved: 25 passed, 8 failed as expected"), "{said}");
}

/// Its database is the course's own: nothing is installed or deployed.
#[test]
fn postgres_is_proved() {
    let course = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/courses/postgres");
    let (code, said) = run(&course, &["prove", "--fresh"]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("proved: 16 passed, 6 failed as expected"), "{said}");
}

/// Deploys twice; by hand: `cargo test --test it two_functions -- --ignored`.
#[test]
#[ignore = "installs the CDK and deploys"]
fn two_functions_is_proved() {
    let course = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/courses/two-functions");
    let (code, said) = run(&course, &["prove", "--fresh"]);
    assert_eq!(code, 0, "{said}");
}

/// A hook of git has its repository in variables, and runs the course, say before a push. What a learner keeps in git is the
/// project, and nothing of the workshop's.
#[test]
fn a_course_of_git_leaves_the_repository_alone_whose_hook_proves_it() {
    let home = tempfile::tempdir().unwrap();
    let put = |path: &str, text: &str| {
        let path = home.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    put("lessons/course.yaml", "title: Git\ncode: GIT1\nslot: 1\nchapters: [ch00]\n");
    put(
        "lessons/ch00.yaml",
        "snapshot: ch00\ntitle: Begin\nminutes: 0\nsteps:\n- {id: copy, title: Copy, minutes: 0, say: Copy it., edit: all}\n\
         - id: init\n  title: Begin\n  minutes: 0\n  say: A repository.\n  \
         shell: {run: git init -q . && git add . && git ls-files | tr '\\n' ' ', matches: ^note.txt $}\n",
    );
    put("snapshots/ch00/note.txt", "hello\n");
    let theirs = home.path().join(".git");
    assert!(command("git").args(["init", "-q"]).current_dir(home.path()).status().unwrap().success());
    let mut program = command(exe());
    program.arg("--check").current_dir(home.path()).env("GIT_DIR", &theirs).env("GIT_INDEX_FILE", theirs.join("index"));
    let out = program.output().unwrap();
    let said = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(0), "{said}");
    assert!(!theirs.join("index").exists(), "nothing was added there");
}
