//! Any text, as a chapter of a course: it loads, or each of its problems says where.
#![no_main]

use std::fs;

const COURSE: &str = "title: Fuzz\ncode: F1\nslot: 10\nchapters: [ch00]\n";

libfuzzer_sys::fuzz_target!(|text: &str| {
    let course = tempfile::tempdir().expect("a temporary directory");
    let (lessons, snapshots) = (course.path().join("lessons"), course.path().join("snapshots"));
    fs::create_dir_all(&lessons).expect("a directory");
    fs::create_dir_all(snapshots.join("ch00")).expect("a directory");
    fs::write(lessons.join("course.yaml"), COURSE).expect("a file");
    fs::write(lessons.join("ch00.yaml"), text).expect("a file");
    fs::write(snapshots.join("ch00/readme.md"), "# A file\n").expect("a file");
    if let Err(problems) = workshop_course::lesson::load::load(&lessons, &snapshots) {
        assert!(!problems.is_empty());
        for problem in problems {
            let spot = problem.spot.expect("a problem of a file says where it is");
            assert!(spot.line > 0 && spot.column > 0 && !problem.message.is_empty());
        }
    }
});
