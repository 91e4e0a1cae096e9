//! Texts of a course in several languages.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use tempfile::TempDir;
use workshop_base::copy_tree::copy_tree;
use workshop_course::lesson::{load, locale};

use crate::support::{command, exe};

/// The small course with texts in German.
fn course(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    copy_tree(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lessons/base"), dir.path(), &|_| true).unwrap();
    for (name, text) in files {
        let file = dir.path().join("lessons/locales/de").join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }
    dir
}

fn run(at: &Path, args: &[&str], lang: &str) -> (i32, String) {
    let out = command(exe()).args(args).current_dir(at).env("LANG", lang).output().unwrap();
    let text = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
    (out.status.code().unwrap(), text)
}

const COURSE: &str = "title: Ein kleiner Kurs\n";
const CH00: &str = "title: Vorbereitung\nsteps:\n  copy: {title: Das Projekt holen, say: Hier ist es.}\n";
const CH01: &str = "\
title: Erste Schritte
steps:
  change:
    title: Alles ändern
    say: Ändere es.
checks:
  answers:
    title: Die Funktion antwortet
";

#[test]
fn texts_are_put_in_and_what_is_left_out_stays() {
    let dir = course(&[("course.yaml", COURSE), ("ch01.yaml", "steps:\n  change: {say: Ändere es.}\n")]);
    let (lessons, snapshots) = (dir.path().join("lessons"), dir.path().join("snapshots"));
    let read = load::load_in(&lessons, &snapshots, &BTreeMap::new(), Some("de")).unwrap();
    assert_eq!(read.title, "Ein kleiner Kurs");
    let step = &read.chapters[1].steps[0];
    assert_eq!((step.say.as_str(), step.title.as_str()), ("Ändere es.", "Change everything"));
    assert_eq!(read.chapters[0].title, "Preparations");
    assert_eq!(load::load_in(&lessons, &snapshots, &BTreeMap::new(), None).unwrap().title, "A small course");
    let gaps: Vec<String> = locale::missing(&load::load(&lessons, &snapshots).unwrap(), "de")
        .iter()
        .map(|problem| problem.message.replace(&format!("{}/", dir.path().display()), ""))
        .collect();
    assert_eq!(
        gaps,
        [
            "there is no lessons/locales/de/ch00.yaml: chapter 0 stays in the course's own language",
            "chapter 1 has no `title` in this language",
            "step `change` has no `title` in this language",
            "check `answers` has no `title` in this language",
        ]
    );
}

#[test]
fn a_language_is_found_as_shells_and_people_name_it() {
    let known = ["de".to_owned(), "pt-BR".to_owned()];
    let found = ["de_AT.UTF-8", "de", "DE", "pt_BR", "pt-br", "pt", "C.UTF-8", "", "en_US.UTF-8"]
        .map(|wanted| locale::nearest(wanted, &known));
    let (de, br) = (Some("de"), Some("pt-BR"));
    assert_eq!(found, [de, de, de, br, br, None, None, None, None]);
}

#[test]
fn lint_tells_what_a_language_lacks_when_it_is_asked_for() {
    let whole = [("course.yaml", COURSE), ("ch00.yaml", CH00), ("ch01.yaml", CH01)];
    let dir = course(&whole);
    let (code, said) = run(dir.path(), &["lint", "--locale", "de"], "C.UTF-8");
    assert_eq!(code, 0, "{said}");
    let dir = course(&whole[..2]);
    assert_eq!(run(dir.path(), &["lint"], "de_DE.UTF-8").0, 0, "what is not translated is no fault of the course");
    let (code, said) = run(dir.path(), &["lint", "--locale", "de", "--format", "plain"], "C.UTF-8");
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("lessons/locales/de/ch01.yaml:1:1: there is no"), "{said}");
    let (code, said) = run(dir.path(), &["lint", "--locale", "fr"], "C.UTF-8");
    assert!(code == 2 && said.contains("no texts in `fr`") && said.contains("it has de"), "{said}");
}

#[test]
fn what_is_wrong_with_a_translation_is_told_with_its_place() {
    let wrong = "\
title: 3
goals: [Eins]
steps:
  chnge: {title: Falsch}
  change:
    say: In ${region}.
    notes: Keine.
    minutes: 2
checks:
  answers:
    hints: [Eins, Zwei]
";
    let dir = course(&[("ch01.yaml", wrong), ("ch02.yaml", "title: Zu viel\n")]);
    let (code, said) = run(dir.path(), &["lint", "--format", "plain"], "C.UTF-8");
    assert_eq!(code, 2, "{said}");
    for line in [
        "ch01.yaml:1:8: `title` is a number; expected some text (put it in quotes to make it text)",
        "ch01.yaml:2:8: `goals` has 1 texts; expected 0, as in the lesson",
        "ch01.yaml:4:10: chapter 1 has no step `chnge`; expected `change` (did you mean `change`?)",
        "ch01.yaml:6:13: the text in the lesson does not refer to `${region}`",
        "ch01.yaml:7:12: the course itself has no `notes` here",
        "ch01.yaml:8:5: a step's texts has no key `minutes`",
        "ch01.yaml:11:12: `hints` has 2 texts; expected 0, as in the lesson",
        "ch02.yaml:1:1: the course has no lesson file ch02.yaml",
    ] {
        assert!(said.contains(&format!("lessons/locales/de/{line}")), "{line}\n{said}");
    }
}

#[test]
fn the_plain_lines_speak_the_language_of_the_shell() {
    let dir = course(&[("course.yaml", COURSE), ("ch00.yaml", CH00)]);
    let plain = |lang: &str| {
        let mut program = command(exe());
        program.args(["--plain", "--agree"]).current_dir(dir.path()).env("LANG", lang);
        let out = program.stdin(std::process::Stdio::null()).output().unwrap();
        String::from_utf8_lossy(&out.stdout).into_owned()
    };
    let said = plain("de_DE.UTF-8");
    assert!(said.contains("Vorbereitung") && said.contains("Hier ist es."), "{said}");
    assert!(plain("fr_FR.UTF-8").contains("Here it is."));
}
