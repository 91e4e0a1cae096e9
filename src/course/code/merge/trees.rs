//! Merging two versions of a project that have one origin.

use std::collections::BTreeSet;

use super::text::{MergeLabels, merge_text};
use crate::code::tree::{SourceFile, Tree};

/// Two versions of a project merged.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MergedTree {
    /// All files; those in conflict as they can be settled: texts with marks, else our version.
    pub files: Tree,
    pub conflicts: Vec<FileConflict>,
}

/// A file that both sides changed in ways that do not go together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileConflict {
    pub path: String,
    /// Its line in the merged text, from 1; None for a file that conflicts as a whole.
    pub line: Option<usize>,
    /// The conflict, as a sentence without its subject.
    pub what: String,
}

/// Merges what two versions made of a project.
pub fn merge_trees(base: &Tree, ours: &Tree, theirs: &Tree, labels: MergeLabels<'_>) -> MergedTree {
    let mut merged = MergedTree::default();
    let paths: BTreeSet<&String> = base.keys().chain(ours.keys()).chain(theirs.keys()).collect();
    for path in paths {
        let (was, our, their) = (base.get(path), ours.get(path), theirs.get(path));
        let file = if our == was {
            their.cloned()
        } else if their == was || our == their {
            our.cloned()
        } else {
            merged.both(path, (was, our, their), labels)
        };
        merged.files.extend(file.map(|file| (path.clone(), file)));
    }
    merged
}

type Versions<'a> = (Option<&'a SourceFile>, Option<&'a SourceFile>, Option<&'a SourceFile>);

impl MergedTree {
    fn both(&mut self, path: &str, (was, our, their): Versions<'_>, labels: MergeLabels<'_>) -> Option<SourceFile> {
        let mut conflict = |line, what: String| self.conflicts.push(FileConflict { path: path.to_owned(), line, what });
        let (our, their) = match (our, their) {
            (Some(our), Some(their)) => (our, their),
            (None, _) => {
                conflict(None, format!("is gone in {}, and {} changes it", labels.ours, labels.theirs));
                return None;
            }
            (Some(our), None) => {
                conflict(None, format!("is changed in {}, and {} takes it away", labels.ours, labels.theirs));
                return Some(our.clone());
            }
        };
        let executable = if was.is_some_and(|was| was.executable == our.executable) { their } else { our }.executable;
        let texts = (was.map_or(Some(""), SourceFile::text), our.text(), their.text());
        let (Some(was_text), Some(our_text), Some(their_text)) = texts else {
            if our.content == their.content || was.is_some_and(|was| was.content == their.content) {
                return Some(SourceFile { executable, ..our.clone() });
            }
            if was.is_some_and(|was| was.content == our.content) {
                return Some(SourceFile { executable, ..their.clone() });
            }
            conflict(None, "is no text, and both versions differ from what it was".to_owned());
            return Some(our.clone());
        };
        let text = merge_text(was_text, our_text, their_text, labels);
        for one in &text.conflicts {
            conflict(Some(one.line), "has lines that both versions changed".to_owned());
        }
        Some(SourceFile { executable, ..SourceFile::plain(text.text) })
    }
}
