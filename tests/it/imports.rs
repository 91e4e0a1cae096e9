//! The import rules of the house: who may use whom. A module that is not named here may use nothing of ours.

use std::fs;
use std::path::{Path, PathBuf};

/// The rooms whose walls Cargo does not hold, each with what of ours it may use beyond itself. Cargo holds the rest: a
/// crate has only the dependencies that its `Cargo.toml` names. `a::b` allows only that part of `a`.
const MAY_USE: &[(&str, &[&str])] = &[
    ("course/code", &[]),
    ("course/lesson", &["code", "workshop_yaml", "workshop_base"]),
    ("engine/aws", &["workshop_base", "workshop_psql::token"]),
    ("record", &["workshop_engine::event", "workshop_course::lesson", "workshop_base"]),
    (
        "headless",
        &[
            "record",
            "workshop_engine::command",
            "workshop_engine::event",
            "workshop_engine::progress",
            "workshop_course::lesson",
            "workshop_psql::report",
            "workshop_psql::table",
            "workshop_base",
        ],
    ),
    (
        "tui",
        &[
            "record",
            "workshop_engine::command",
            "workshop_engine::event",
            "workshop_engine::progress",
            "workshop_engine::requests",
            "workshop_course::lesson",
            "workshop_course::code",
            "workshop_psql",
            "workshop_base",
        ],
    ),
];

/// What only one room may use from outside, and which.
const ALONE: &[(&str, &[&str])] = &[
    ("similar", &["course/code"]),
    ("ratatui", &["tui"]),
    ("crossterm", &["tui"]),
    ("clap", &["cli"]),
    ("aws_sdk_lambda", &["engine/aws"]),
    ("aws_sdk_cloudformation", &["engine/aws"]),
    ("aws_sdk_dsql", &["engine/aws"]),
    ("aws_sdk_sts", &["engine/aws"]),
];

/// What a crate may depend on, of ours.
const CRATES: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("yaml", &["workshop-base"]),
    ("psql", &["workshop-base"]),
    ("dsql", &["workshop-base"]),
    ("sandbox", &["workshop-base", "workshop-dsql"]),
    ("course", &["workshop-base", "workshop-yaml"]),
    ("engine", &["workshop-base", "workshop-psql", "workshop-course"]),
];

fn sources(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs") {
            into.push(path);
        }
    }
}

/// The room a file belongs to: `tui` for `src/tui/view/diff.rs`, `engine/aws` for `src/engine/aws/stack.rs`.
fn room(path: &Path, root: &Path) -> String {
    let rest = path.strip_prefix(root).unwrap().with_extension("");
    let rest = rest.to_string_lossy().into_owned();
    let within = |room: &str| rest == room || rest.starts_with(&format!("{room}/"));
    let known = MAY_USE.iter().map(|(room, _)| *room).find(|room| within(room));
    known.unwrap_or_else(|| rest.split('/').next().unwrap_or_default()).to_owned()
}

/// Every path of ours that a line of code names, `workshop_engine::event` for `use workshop_engine::event::Event`,
/// nested braces opened; a path within its own crate without `crate::`.
fn ours(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    // A shell's function may be called `workshop_` something, too.
    let crates = CRATES.iter().map(|(name, _)| format!("workshop_{name}"));
    for start in crates.chain(["crate::".to_owned()]) {
        for (at, _) in code.match_indices(&start) {
            let before = code[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$') {
                continue;
            }
            // A name alone is no path: a shell's variable in a text, say.
            let rest = code[at..].trim_start_matches(|c: char| c.is_alphanumeric() || c == '_');
            if !rest.starts_with("::") {
                continue;
            }
            let from = if start == "crate::" { at + start.len() } else { at };
            expand("", &code[from..], &mut found);
        }
    }
    found
}

/// The first two segments of every path in a use tree.
fn expand(prefix: &str, tree: &str, found: &mut Vec<String>) {
    let end = tree.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(tree.len());
    let path = format!("{prefix}{}", &tree[..end]);
    match tree[end..].strip_prefix('{') {
        Some(group) if path.ends_with("::") || path.is_empty() => {
            parts(group).iter().for_each(|part| expand(&path, part, found));
        }
        _ => found.push(head(&path)),
    }
}

/// The comma-separated parts of a brace group, up to its end.
fn parts(group: &str) -> Vec<String> {
    let (mut depth, mut part, mut all) = (0, String::new(), Vec::new());
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                all.push(std::mem::take(&mut part));
                continue;
            }
            _ => {}
        }
        part.push(c);
    }
    all.push(part);
    all.iter().map(|p| p.trim().to_owned()).filter(|p| !p.is_empty()).collect()
}

/// The first two segments of a path.
fn head(path: &str) -> String {
    let mut segments = path.split("::").filter(|s| !s.is_empty());
    match (segments.next(), segments.next()) {
        (Some(a), Some(b)) => format!("{a}::{b}"),
        (Some(a), None) => a.to_owned(),
        (None, _) => String::new(),
    }
}

fn allowed(allowed: &[&str], used: &str) -> bool {
    let top = used.split("::").next().unwrap_or_default();
    allowed.iter().any(|a| *a == top || *a == used)
}

/// Breaches of the rules in one file's text, as `room uses what`.
fn breaches(room: &str, text: &str) -> Vec<String> {
    // Code without comments, statements kept on their lines.
    let code: String = text.lines().map(|l| l.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n");
    let mut found = Vec::new();
    if let Some((_, rule)) = MAY_USE.iter().find(|(r, _)| *r == room) {
        let own = room.rsplit('/').next().unwrap_or_default();
        for used in ours(&code) {
            if used.split("::").next() != Some(own) && !allowed(rule, &used) {
                found.push(format!("{room} uses {used}"));
            }
        }
    }
    for (library, users) in ALONE {
        let named = code.contains(&format!("{library}::")) || code.contains(&format!("use {library};"));
        if named && !users.contains(&room) {
            found.push(format!("{room} uses {library}"));
        }
    }
    found
}

#[test]
fn every_room_uses_only_what_it_may() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    assert!(files.len() > 20, "the sources were not found");
    let mut found = Vec::new();
    for file in files {
        // Tests may hold an SDK against the endpoint that answers it.
        let name = file.file_stem().unwrap().to_string_lossy().into_owned();
        if name == "tests" || name.ends_with("_tests") {
            continue;
        }
        for breach in breaches(&room(&file, &root), &fs::read_to_string(&file).unwrap()) {
            found.push(format!("{}: {breach}", file.strip_prefix(&root).unwrap().display()));
        }
    }
    assert!(found.is_empty(), "the import rules are broken:\n{}", found.join("\n"));
}

#[test]
fn every_crate_depends_only_on_what_it_may() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for (name, rule) in CRATES {
        let manifest = fs::read_to_string(root.join(name).join("Cargo.toml")).unwrap();
        let depends = manifest.lines().filter_map(|l| l.split(['.', ' ', '=']).next());
        let ours: Vec<&str> = depends.filter(|d| d.starts_with("workshop-")).collect();
        assert!(ours.iter().all(|d| rule.contains(d)), "{name} depends on {ours:?}, and may on {rule:?}");
    }
}

#[test]
fn a_breach_is_seen() {
    let seen = |room, text: &str| breaches(room, text);
    assert_eq!(seen("tui", "use crate::headless::report;"), ["tui uses headless::report"]);
    assert_eq!(
        seen("tui", "use workshop_engine::{event::Event, driver::Driver};"),
        ["tui uses workshop_engine::driver"]
    );
    assert_eq!(seen("headless", "use workshop_psql::console;"), ["headless uses workshop_psql::console"]);
    assert_eq!(seen("headless", "use ratatui::Frame;"), ["headless uses ratatui"]);
    assert_eq!(seen("engine/aws", "use crate::event::Event;"), ["engine/aws uses event::Event"]);
    assert_eq!(seen("course/code", "use crate::lesson::model;"), ["course/code uses lesson::model"]);
    assert_eq!(seen("engine", "use aws_sdk_lambda::Client;"), ["engine uses aws_sdk_lambda"]);
    assert!(seen("tui", "use workshop_engine::event::{Event, EventKind}; // crate::cli").is_empty());
    assert!(seen("tui", "use workshop_course::{lesson::model, code::diff::FileDiff};").is_empty());
    assert!(seen("cli", "use crate::tui::run; use clap::Parser;").is_empty());
}
