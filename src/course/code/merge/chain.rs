//! Carrying a change of one chapter's snapshot through those after it, and finding one that was not carried.

use super::text::{MergeLabels, merge_text};
use super::trees::{FileConflict, merge_trees};
use crate::code::tree::{SourceFile, Tree};

/// One chapter's snapshot with the change of the one before in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    /// Its place among the snapshots.
    pub index: usize,
    pub files: Tree,
    pub conflicts: Vec<FileConflict>,
}

/// Carries what snapshot `from` gained into all later ones, each from the one before. `old` are the snapshots as they
/// were, `now` as they are, `names` what conflict marks call them. Ends with the first that has conflicts: what comes
/// after it follows from how they are settled. Snapshots that stay as they are are left out.
pub fn carry(old: &[Tree], now: &[Tree], names: &[&str], from: usize) -> Vec<Carried> {
    let mut carried = Vec::new();
    let Some(mut before) = now.get(from).cloned() else { return carried };
    for index in from + 1..now.len().min(old.len()).min(names.len()) {
        let base = format!("{} before", names[index - 1]);
        let labels = MergeLabels { ours: names[index], base: &base, theirs: names[index - 1] };
        let merged = merge_trees(&old[index - 1], &now[index], &before, labels);
        let stop = !merged.conflicts.is_empty();
        if stop || merged.files != now[index] {
            carried.push(Carried { index, files: merged.files.clone(), conflicts: merged.conflicts });
        }
        if stop {
            break;
        }
        before = merged.files;
    }
    carried
}

/// Returns the files of snapshots that lack what the snapshot before them gained: by the place of the snapshot, and
/// path. Where a snapshot changed the same lines itself, it lacks what still has the lines that are gone before it, and
/// none of those that are new.
pub fn forgotten(old: &[Tree], now: &[Tree]) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for index in 1..now.len().min(old.len()) {
        let (base, theirs, ours) = (&old[index - 1], &now[index - 1], &now[index]);
        // A chapter that was not there before gained nothing.
        if base == theirs || base.is_empty() {
            continue;
        }
        let merged = merge_trees(base, ours, theirs, MergeLabels { ours: "", base: "", theirs: "" });
        let paths = merged.files.keys().chain(ours.keys().filter(|path| !merged.files.contains_key(*path)));
        let lacks = |path: &&String| {
            let text = |tree: &Tree| tree.get(*path).and_then(SourceFile::text).unwrap_or_default().to_owned();
            match merged.conflicts.iter().any(|conflict| conflict.path == **path) {
                true => lacks_lines(&text(base), &text(ours), &text(theirs)),
                false => merged.files.get(*path) != ours.get(*path),
            }
        };
        found.extend(paths.filter(lacks).map(|path| (index, path.clone())));
    }
    found
}

fn lacks_lines(base: &str, ours: &str, theirs: &str) -> bool {
    let merged = merge_text(base, ours, theirs, MergeLabels { ours: "", base: "", theirs: "" });
    merged.conflicts.iter().any(|conflict| {
        let lines = |text: &'_ str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        let (was, own, new) = (lines(&conflict.base), lines(&conflict.ours), lines(&conflict.theirs));
        let kept = was.iter().filter(|line| !new.contains(line)).all(|line| own.contains(line));
        let taken = new.iter().filter(|line| !was.contains(line)).any(|line| own.contains(line));
        kept && !taken
    })
}
