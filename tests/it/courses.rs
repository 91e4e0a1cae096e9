//! Courses of other shapes than the shipped one, written from the README: each is valid, and the cheap ones are proved.

use std::path::{Path, PathBuf};

use crate::support::{command, exe};

fn courses() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/courses");
    let mut all: Vec<PathBuf> = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
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
