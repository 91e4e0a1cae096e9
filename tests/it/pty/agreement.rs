//! A course that was not opened here before: nothing of it runs until somebody has agreed.

use std::path::Path;
use std::process::Command;

use portable_pty::CommandBuilder;

use super::tty::Tty;
use crate::support::{command, exe};

fn open(course: &Path) -> Tty {
    let mut command = CommandBuilder::new(exe());
    command.cwd(course);
    Tty::run(command, 24, 100, &[])
}

#[test]
fn a_strangers_commands_run_only_when_they_were_agreed_to() {
    let dir = tempfile::tempdir().unwrap();
    let ran = dir.path().join("ran");
    let made = |command: &mut Command| {
        let out = command.current_dir(dir.path()).env("WORKSHOP_CACHE", dir.path().join("another")).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    };
    made(command(exe()).args(["new", "theirs"]));
    let course = dir.path().join("theirs");
    let file = course.join("lessons/course.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    let touching = format!("command: touch {} && node --version", ran.display());
    std::fs::write(&file, text.replace("command: node --version", &touching)).unwrap();

    let chapter = course.join("lessons/ch01.yaml");
    let text = std::fs::read_to_string(&chapter).unwrap();
    let hidden = "run: |\n        true\n        echo second-line-of-a-check";
    assert!(text.contains("run: node greetings.js goodbye Ada"));
    std::fs::write(&chapter, text.replace("run: node greetings.js goodbye Ada", hidden)).unwrap();

    let mut tty = open(&course);
    tty.sees("Open it? [y/N]");
    assert!(tty.says("touch "), "{}", tty.screen());
    assert!(tty.says("second-line-of-a-check"), "what a check runs is shown whole: {}", tty.screen());
    tty.send("n\r");
    tty.ends();
    assert!(!ran.exists(), "it ran before anybody had agreed");

    let mut tty = open(&course);
    tty.sees("Open it? [y/N]");
    tty.send("y\r");
    tty.sees("What you are going to build");
    tty.until("its first command", |_| ran.exists());
    tty.send("q");
    tty.ends();

    // And is not asked about again.
    let mut tty = open(&course);
    tty.sees("What you are going to build");
    tty.send("q");
    tty.ends();
}
