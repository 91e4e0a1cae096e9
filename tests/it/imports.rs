//! The import rules of the house: who may use whom. A module that is not named here may use nothing of ours.

use std::fs;
use std::path::{Path, PathBuf};

/// A module, and the modules of ours that it may use. `a::b` allows only that part of `a`.
const MAY_USE: &[(&str, &[&str])] = &[
    ("text", &[]),
    ("problem", &[]),
    ("process", &[]),
    ("code", &[]),
    ("lesson", &["code", "problem", "text"]),
    ("aws", &["problem"]),
    ("sql", &["aws::token", "problem", "text"]),
    ("engine", &["lesson", "code", "aws", "sql", "process", "problem", "text"]),
    ("sandbox", &["process", "problem"]),
    (
        "headless",
        &[
            "engine::command",
            "engine::event",
            "engine::progress",
            "lesson::model",
            "sql::report",
            "sql::table",
            "text",
            "problem",
        ],
    ),
    (
        "tui",
        &[
            "engine::command",
            "engine::event",
            "engine::progress",
            "lesson::model",
            "sql",
            "text",
            "problem",
            "code::diff",
        ],
    ),
];

/// What only one module may use from outside, and which.
const ALONE: &[(&str, &[&str])] = &[
    ("similar", &["code"]),
    ("serde_yaml", &["lesson", "sandbox"]),
    // The sandbox saves a running server through it.
    ("tokio_postgres", &["sql", "sandbox"]),
    ("ratatui", &["tui"]),
    ("crossterm", &["tui"]),
    ("clap", &["cli", "main"]),
    ("axum", &["sandbox"]),
    ("aws_sdk_lambda", &["aws"]),
    ("aws_sdk_cloudformation", &["aws"]),
    ("aws_sdk_dsql", &["aws"]),
    ("aws_sdk_sts", &["aws"]),
    ("sqlparser", &["sandbox"]),
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

/// The top module a file belongs to, `tui` for `src/tui/view/diff.rs`.
fn module(path: &Path, root: &Path) -> String {
    let first = path.strip_prefix(root).unwrap().components().next().unwrap();
    first.as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned()
}

/// Every path of ours that a line of code names, `engine::event` for `use crate::engine::event::Event`,
/// nested braces opened.
fn ours(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$') {
            continue;
        }
        expand("", &code[at + "crate::".len()..], &mut found);
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

/// Breaches of the rules in one file's text, as `line: what`.
fn breaches(module: &str, text: &str) -> Vec<String> {
    // Code without comments, statements kept on their lines.
    let code: String = text.lines().map(|l| l.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n");
    let mut found = Vec::new();
    let everything = ["main", "cli", "lib"].contains(&module);
    let rule = MAY_USE.iter().find(|(m, _)| *m == module).map_or(&[][..], |(_, a)| a);
    for used in ours(&code) {
        let own = used.split("::").next() == Some(module);
        if !own && !everything && !allowed(rule, &used) {
            found.push(format!("{module} uses crate::{used}"));
        }
    }
    for (library, users) in ALONE {
        let named = code.contains(&format!("{library}::")) || code.contains(&format!("use {library};"));
        if named && !users.contains(&module) {
            found.push(format!("{module} uses {library}"));
        }
    }
    found
}

#[test]
fn every_module_uses_only_what_it_may() {
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
        let module = module(&file, &root);
        for breach in breaches(&module, &fs::read_to_string(&file).unwrap()) {
            found.push(format!("{}: {breach}", file.strip_prefix(&root).unwrap().display()));
        }
    }
    assert!(found.is_empty(), "the import rules are broken:\n{}", found.join("\n"));
}

#[test]
fn a_breach_is_seen() {
    let seen = |module, text: &str| breaches(module, text);
    assert_eq!(seen("engine", "use crate::tui::model::Model;"), ["engine uses crate::tui::model"]);
    assert_eq!(seen("sandbox", "let x = crate::lesson::model::y();"), ["sandbox uses crate::lesson::model"]);
    assert_eq!(
        seen("tui", "use crate::{text::sanitize, engine::{driver::Driver}};"),
        ["tui uses crate::engine::driver"]
    );
    assert_eq!(seen("tui", "use crate::engine::driver::Driver;"), ["tui uses crate::engine::driver"]);
    assert_eq!(seen("headless", "use ratatui::Frame;"), ["headless uses ratatui"]);
    assert_eq!(seen("aws", "use crate::cli::Options;"), ["aws uses crate::cli::Options"]);
    assert!(seen("engine", "use crate::sql::report::TxState; // crate::tui").is_empty());
    assert!(seen("tui", "use crate::engine::event::{Event, EventKind};").is_empty());
    assert!(seen("tui", "use crate::{text::sanitize, code::diff::FileDiff};").is_empty());
    assert!(seen("tui", "use crate::engine::{event::Event, command::Command};").is_empty());
    assert!(seen("cli", "use crate::tui::run; use clap::Parser;").is_empty());
}
