//! Texts of a course in several languages.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use tempfile::TempDir;
use workshop_base::copy_tree::copy_tree;
use workshop_base::problem::Problem;
use workshop_course::lesson::load;
use workshop_course::lesson::locale::{self, Translation};

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

/// Lists what the German texts lack.
fn missing(lessons: &Path, snapshots: &Path) -> Vec<Problem> {
    let mut texts = Translation::new("de".to_owned());
    load::load_each(lessons, snapshots, |course| texts.take(course)).unwrap();
    texts.missing(Some("de"))
}

const COURSE: &str = "title: Ein kleiner Kurs\nprerequisites: {Node.js: Installiere Node.js 20 oder neuer.}\n";
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
    let gaps: Vec<String> = missing(&lessons, &snapshots)
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
    let known = ["de", "pt-BR", "zh_TW"].map(str::to_owned);
    let found = ["de_AT.UTF-8", "de", "DE", "pt_BR", "pt-br", "pt", "C.UTF-8", "", "en_US.UTF-8", "zh_TW", "zh-tw"]
        .map(|wanted| locale::nearest(wanted, &known));
    let (de, br, tw) = (Some("de"), Some("pt-BR"), Some("zh_TW"));
    assert_eq!(found, [de, de, de, br, br, None, None, None, None, tw, tw]);
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
    say: 'In ${region} an ${output.Url}, {{outputs.Url}}.'
    hints: ['![](images/gone.png)']
    notes: Keine.
    minutes: 2
checks:
  answers:
    hints: [Eins, Zwei]
";
    let dir = course(&[("ch01.yaml", wrong), ("ch02.yaml", "title: Zu viel\n"), (".#ch01.yaml", "")]);
    let lesson = dir.path().join("lessons/ch01.yaml");
    fs::write(&lesson, fs::read_to_string(&lesson).unwrap().replace("    edit:", "    hints: [Look]\n    edit:"))
        .unwrap();
    let (code, said) = run(dir.path(), &["lint", "--format", "plain"], "C.UTF-8");
    assert_eq!(code, 2, "{said}");
    for line in [
        "ch01.yaml:1:8: `title` is a number; expected some text (put it in quotes to make it text)",
        "ch01.yaml:2:8: `goals` has 1 texts; expected 0, as in the lesson",
        "ch01.yaml:4:10: chapter 1 has no step `chnge`; expected `change` (did you mean `change`?)",
        "ch01.yaml:6:14: the text in the lesson does not refer to `${region}`",
        "ch01.yaml:6:27: `${output.Url}` names nothing (did you mean `outputs.Url`?",
        "ch01.yaml:6:42: `{{outputs.Url}}` is no reference, and stays as it stands",
        "ch01.yaml:7:14: there is no ",
        "ch01.yaml:8:12: the course itself has no `notes` here",
        "ch01.yaml:9:5: a step's texts has no key `minutes`",
        "ch01.yaml:12:12: `hints` has 2 texts; expected 0, as in the lesson",
        "ch02.yaml:1:1: the course has no lesson file ch02.yaml",
    ] {
        assert!(said.contains(&format!("lessons/locales/de/{line}")), "{line}\n{said}");
    }
}

/// A step of two actions, of which the second has words of its own.
const ACTIONS: &str = "\
snapshot: ch01
title: First steps
minutes: 2
steps:
  - id: change
    title: Change everything
    minutes: 2
    say: Change it in ${region}.
    after: It is over.
    hints: [Look]
    actions:
      - {edit: all}
      - {title: Say hello, notes: Aloud., shell: {run: echo hello}}
";

#[test]
fn several_actions_have_the_texts_of_their_step_and_their_own() {
    let texts =
        "steps:\n  change: {title: \"Alles $${region}\", say: Ändere es., after: Es ist vorbei., hints: [Schau]}\n";
    let own = "  change-2: {title: Sag hallo, say: \"Sag es ${region}.\", notes: Laut.}\n";
    for (texts, last, said) in
        [(texts.to_owned() + own, "Sag hallo", "Sag es ${region}."), (texts.to_owned(), "Say hello", "Ändere es.")]
    {
        let dir = course(&[("ch01.yaml", &texts)]);
        let (lessons, snapshots) = (dir.path().join("lessons"), dir.path().join("snapshots"));
        fs::write(lessons.join("ch01.yaml"), ACTIONS).unwrap();
        let read = load::load_in(&lessons, &snapshots, &BTreeMap::new(), Some("de")).unwrap();
        let [first, second] = read.chapters[1].steps.as_slice() else { panic!("two actions") };
        assert_eq!((first.title.as_str(), second.title.as_str()), ("Alles ${region} (1 of 2)", last));
        assert_eq!((first.say.as_str(), second.say.as_str()), ("Ändere es.", said));
        assert_eq!((first.after.as_deref(), second.after.as_deref()), (None, Some("Es ist vorbei.")));
        assert_eq!((&first.hints, &second.hints), (&vec!["Schau".to_owned()], &vec!["Schau".to_owned()]));
        let lacks = missing(&lessons, &snapshots);
        let lacks: Vec<&str> =
            lacks.iter().map(|gap| gap.message.as_str()).filter(|gap| gap.contains("step")).collect();
        match last {
            "Sag hallo" => assert_eq!(lacks, [""; 0]),
            _ => assert_eq!(
                lacks,
                ["title", "notes"].map(|key| format!("step `change-2` has no `{key}` in this language"))
            ),
        }
    }
}

/// A step that only another option has is translated as all are: what of it is misspelt is told, and what it lacks.
#[test]
fn the_texts_of_every_option_are_looked_at() {
    let texts = COURSE.to_owned() + "choices: {language: {title: Sprache, options: {js: JS, py: Py}}}\n";
    let dir = course(&[
        ("course.yaml", &texts),
        ("ch00.yaml", CH00),
        (
            "ch01.yaml",
            "title: Erste Schritte\nsteps:\n  change: {title: Alles, say: Alles.}\n  python: {title: P, say: \"${region}\"}\n  pyhton: {say: x}\nchecks: {answers: {title: Ja}}\n",
        ),
    ]);
    let file = dir.path().join("lessons/course.yaml");
    let choice = "choices: [{id: language, title: L, options: [{id: js, title: J}, {id: py, title: P}]}]\n";
    fs::write(&file, fs::read_to_string(&file).unwrap() + choice).unwrap();
    let file = dir.path().join("lessons/ch01.yaml");
    let step = "  - {id: python, title: P, minutes: 0, say: P., notes: N., when: {language: py}}\nchecks:\n";
    fs::write(&file, fs::read_to_string(&file).unwrap().replace("checks:\n", step)).unwrap();
    let (code, said) = run(dir.path(), &["lint", "--locale", "de", "--format", "plain"], "C");
    assert_eq!(code, 2, "{said}");
    let lines: Vec<&str> = said.lines().filter(|line| line.starts_with("lessons/")).collect();
    let told = ["refer to `${region}`", "has no step `pyhton`", "step `python` has no `notes` in this language"];
    assert!(told.iter().all(|told| lines.iter().filter(|line| line.contains(told)).count() == 1), "{said}");
    assert_eq!(lines.len(), 3, "{said}");
}

/// Texts that are read beside the steps: notes on changes, what is chosen, what to do about what is missing.
#[test]
fn notes_choices_and_advice_have_texts_in_a_language() {
    let changes = "    edit: [{file: src/index.js, note: In the middle., match: log(event)}, {file: src/index.js, match: NAME}, \
                   {file: src/index.js, note: Below., match: name}, {file: src/log.js, note: New.}, {file: README.md}]";
    let choice = "choices: [{id: language, title: L, options: [{id: js, title: J}, {id: py, title: P}]}]\n";
    let with = |course_texts: &str, texts: &str| {
        let dir = course(&[("course.yaml", course_texts), ("ch00.yaml", CH00), ("ch01.yaml", texts)]);
        let lessons = dir.path().join("lessons");
        let change = |name: &str, from: &str, to: &str| {
            let text = fs::read_to_string(lessons.join(name)).unwrap();
            fs::write(lessons.join(name), text.replace(from, to)).unwrap();
        };
        change("ch01.yaml", "    edit: all", changes);
        change("course.yaml", "chapters:", &format!("{choice}chapters:"));
        dir
    };
    let texts = CH01.replace(
        "    say: Ändere es.\n",
        "    say: Ändere es.\n    changes: {src/index.js: [Mitten drin., Unten.], src/log.js: [Neu.]}\n",
    );
    let chosen = "choices: {language: {title: Sprache, options: {js: JS, py: Py}}}\n";
    let dir = with(&(COURSE.to_owned() + chosen), &texts);
    let (code, said) = run(dir.path(), &["lint", "--locale", "de"], "C.UTF-8");
    assert_eq!(code, 0, "{said}");
    let (lessons, snapshots) = (dir.path().join("lessons"), dir.path().join("snapshots"));
    let read = load::load_in(&lessons, &snapshots, &BTreeMap::new(), Some("de")).unwrap();
    let notes: Vec<&str> =
        read.chapters[1].diff.iter().flat_map(|file| &file.hunks).filter_map(|hunk| hunk.note.as_deref()).collect();
    assert_eq!(notes, ["Mitten drin.", "Unten.", "Neu."]);
    let titles: Vec<&str> = read.choices[0].options.iter().map(|option| option.title.as_str()).collect();
    assert_eq!((read.choices[0].title.as_str(), titles), ("Sprache", vec!["JS", "Py"]));
    assert_eq!(locale::choices(load::load(&lessons, &snapshots).unwrap().choices, &lessons, "de"), read.choices);
    assert_eq!(read.prerequisites[0].fix, "Installiere Node.js 20 oder neuer.");

    let dir = with("title: Ein Kurs\n", CH01);
    let (code, said) = run(dir.path(), &["lint", "--locale", "de", "--format", "plain"], "C.UTF-8");
    assert_eq!(code, 1, "{said}");
    for lacks in [
        "choice `language` has no `title`",
        "choice `language` has no `py`",
        "the advice on prerequisites has no `Node.js`",
        "step `change` has no `changes: src/index.js`",
        "step `change` has no `changes: src/log.js`",
    ] {
        assert!(said.contains(&format!("{lacks} in this language")), "{lacks}\n{said}");
    }

    let wrong = texts.replace(", Unten.", "").replace("src/log.js: [Neu.]", "src/log.jss: [Neu.]");
    let chosen = "choices: {langage: {title: x}, language: {options: {jss: x}}}\nprerequisites: {Node: x}\n";
    let dir = with(&format!("title: Ein Kurs\n{chosen}"), &wrong);
    let (code, said) = run(dir.path(), &["lint", "--format", "plain"], "C.UTF-8");
    assert_eq!(code, 2, "{said}");
    for line in [
        "course.yaml:2:20: the course has no choice `langage`; expected `language` (did you mean `language`?)",
        "course.yaml:2:58: choice `language` has no option `jss`; expected `js` or `py` (did you mean `js`?)",
        "course.yaml:3:23: the course has no prerequisite `Node`; expected `Node.js`",
        "ch01.yaml:6:29: `src/index.js` has 1 texts; expected 2, a note of the lesson each",
        "ch01.yaml:6:58: step `change` has no note on `src/log.jss`; expected `src/index.js` or `src/log.js` (did you mean `src/log.js`?)",
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
