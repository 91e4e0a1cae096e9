//! What holds for every snapshot of the shipped course, beyond what lint asks of any course.

use std::path::{Path, PathBuf};

use serde_json::Value;
use workshop_course::code::apply::{self, HunkState};
use workshop_course::code::meaning;
use workshop_course::code::tree::SourceFile;
use workshop_course::lesson::model::StepAction;
use workshop_course::lesson::{load, manifest};

fn snapshots() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("snapshots");
    let mut all: Vec<PathBuf> = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    all.sort();
    assert!(all.len() >= 4, "{all:?}");
    all
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn every_chapter_shares_one_installation_and_one_helper() {
    let all = snapshots();
    for file in ["package-lock.json", "package.json", "helper.js", ".npmrc", "cdk/cdk.json"] {
        let first = std::fs::read_to_string(all[0].join(file)).unwrap();
        for snapshot in &all[1..] {
            assert_eq!(std::fs::read_to_string(snapshot.join(file)).unwrap(), first, "{}/{file}", snapshot.display());
        }
    }
}

#[test]
fn every_dependency_is_pinned_and_no_lockfile_names_a_registry() {
    for snapshot in snapshots() {
        for package in ["package.json", "cdk/package.json", "lambda/package.json"] {
            let package = json(&snapshot.join(package));
            for kind in ["dependencies", "devDependencies"] {
                for (name, version) in package[kind].as_object().into_iter().flatten() {
                    let version = version.as_str().unwrap();
                    assert!(semver::Version::parse(version).is_ok(), "{name} is {version}");
                }
            }
        }
        let lock = json(&snapshot.join("package-lock.json"));
        for (path, package) in lock["packages"].as_object().unwrap() {
            let resolved = package["resolved"].as_str();
            // Links to the workspaces are the only addresses.
            assert_eq!(resolved.is_some(), package["link"] == true, "{path}: {resolved:?}");
        }
    }
}

#[test]
fn the_helper_says_how_it_is_used_and_what_it_needs() {
    for snapshot in snapshots() {
        // Outside the snapshot, where no packages can be found.
        let dir = tempfile::tempdir().unwrap();
        std::fs::copy(snapshot.join("helper.js"), dir.path().join("helper.js")).unwrap();
        let helper = |args: &[&str]| {
            let out =
                crate::support::command("node").arg("helper.js").args(args).current_dir(dir.path()).output().unwrap();
            (out.status.code(), String::from_utf8(out.stderr).unwrap())
        };
        for wrong in [&[][..], &["--test-chapter"], &["--test-chapter", "99"], &["--test-chapter", "x"], &["-h"]] {
            let (code, err) = helper(wrong);
            assert_eq!(code, Some(2), "{wrong:?}");
            assert!(err.starts_with("Usage: node helper.js --test-chapter N"), "{err}");
        }
        let (code, err) = helper(&["--test-chapter", "0"]);
        assert_eq!(code, Some(1));
        assert!(err.contains("npm install"), "{err}");
    }
}

/// What an editor with other settings makes of a text: four columns for two, the other quotes.
fn in_another_style(path: &str, text: &str) -> String {
    if !path.ends_with(".ts") {
        return text.to_owned();
    }
    let line = |line: &str| {
        let words = line.trim_start_matches(' ');
        let indent = line.len() - words.len();
        let quotes =
            if words.contains('"') || words.contains('`') { words.to_owned() } else { words.replace('\'', "\"") };
        let comment = words.starts_with('*') || words.starts_with("//");
        format!("{}{}", " ".repeat(indent * 2), if comment { words } else { quotes.as_str() })
    };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn who_types_the_course_in_another_style_has_written_each_change() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let course = load::load(&root.join("lessons"), &root.join("snapshots")).unwrap();
    let mut missed = Vec::new();
    for chapter in &course.chapters[1..] {
        for step in &chapter.steps {
            let StepAction::Edit(edit) = &step.action else { continue };
            let after = manifest::after_step(&course, chapter.number, &step.id).unwrap();
            for hunk in &edit.hunks {
                let diff = chapter.diff.iter().find(|diff| diff.path == hunk.file).unwrap();
                let Some(text) = after.get(&hunk.file).and_then(SourceFile::text) else { continue };
                let typed = SourceFile::plain(in_another_style(&hunk.file, text));
                let state = apply::states(diff, Some(&typed))[hunk.index];
                let likeness = meaning::hunk_likeness(diff, hunk.index, typed.text().unwrap());
                let written = state == HunkState::Applied || likeness.as_ref().is_some_and(meaning::Likeness::is_same);
                if !written {
                    missed.push(format!(
                        "{} {}: {} change {}: {state:?} {likeness:?}",
                        chapter.number,
                        step.id,
                        hunk.file,
                        hunk.index + 1
                    ));
                }
            }
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}
