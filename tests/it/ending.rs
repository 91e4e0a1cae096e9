//! Runs by themselves in surroundings that others have made: signals that are ignored, variables that are no text.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{command, exe};

/// A course of one step, which takes a second.
fn write_course(home: &Path) {
    let put = |path: &str, text: &str| {
        let path = home.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    put("lessons/course.yaml", "title: Short\ncode: S1\nslot: 10\nchapters: [ch00]\n");
    put(
        "lessons/ch00.yaml",
        "snapshot: ch00\ntitle: All of it\nminutes: 1\nsteps:\n  - {id: copy, title: Copy, minutes: 1, say: x, edit: all}\n  \
         - {id: wait, title: Wait, minutes: 0, say: x, shell: {run: sleep 1}}\n",
    );
    put("snapshots/ch00/note.txt", "hello\n");
}

#[test]
fn a_hangup_that_is_ignored_as_under_nohup_ends_no_run() {
    for (ignored, code) in [("trap '' HUP;", 0), ("", 130)] {
        let home = tempfile::tempdir().unwrap();
        write_course(home.path());
        let line = format!("{ignored} exec \"$0\" --check");
        let mut run = command("sh")
            .args(["-c", &line])
            .arg(exe())
            .current_dir(home.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(run.stdout.take().unwrap()).lines().map(Result::unwrap);
        assert!(lines.any(|line| line.contains("Copy")));
        kill_process(Pid::from_child(&run), Signal::HUP).unwrap();
        let said: Vec<String> = lines.collect();
        assert_eq!(run.wait().unwrap().code(), Some(code), "{said:?}");
    }
}

#[test]
fn a_variable_that_is_no_text_ends_no_command() {
    let home = tempfile::tempdir().unwrap();
    let out = command(exe())
        .args(["sql", "--target", "aws", "-h", "abcdefghijklmnopqrstuvwxy1.dsql.us-east-1.on.aws", "-c", "select 1"])
        .current_dir(home.path())
        .env("STRANGE", OsStr::from_bytes(b"caf\xe9"))
        .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
        .env("AWS_SECRET_ACCESS_KEY", "sesame")
        .env("PGHOSTADDR", "127.0.0.1")
        .env("PGPORT", "9")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(2), "as psql ends where nothing answers: {said}");
    assert!(said.contains("refused"), "{said}");
}
