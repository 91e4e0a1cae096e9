//! The documents say what is true: every path that they name is there, and every command.

use std::path::Path;

const DOCUMENTS: [&str; 4] = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"];

/// Paths of the repository, as documents write them: in backquotes, or as the target of a link.
fn paths(text: &str) -> Vec<String> {
    let named = regex::Regex::new(r"`((?:src|tests|benches|schema|fuzz|docs|\.ci|\.github)/[\w./-]+)`").unwrap();
    // An example of a link stands in backquotes.
    let linked = regex::Regex::new(r"\]\(([\w./-]+)\)[^`]").unwrap();
    let found = named.captures_iter(text).chain(linked.captures_iter(text));
    found.map(|found| found[1].trim_end_matches('/').to_owned()).collect()
}

#[test]
fn every_path_that_a_document_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut missing = Vec::new();
    let mut count = 0;
    for document in DOCUMENTS {
        let text = std::fs::read_to_string(root.join(document)).unwrap();
        for path in paths(&text) {
            count += 1;
            if !root.join(&path).exists() {
                missing.push(format!("{document}: {path}"));
            }
        }
    }
    assert!(count > 50, "the documents name few paths: {count}");
    assert!(missing.is_empty(), "these are not there:\n{}", missing.join("\n"));
}

/// Every command of the program stands in the README's table.
#[test]
fn the_readme_names_every_command() {
    let out = crate::support::command(crate::support::exe()).arg("--help").output().unwrap();
    let help = String::from_utf8(out.stdout).unwrap();
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let missing: Vec<&str> = commands
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help" && !readme.contains(&format!("`workshop {name}")))
        .collect();
    assert_eq!(missing, [""; 0]);
}
