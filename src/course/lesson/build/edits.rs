//! The hunks that an edit step names.

use super::builder::Builder;
use super::convert::text;
use crate::code::diff::{FileDiff, TreeDiff};
use crate::lesson::format::*;
use crate::lesson::kinds;
use crate::lesson::lens::Lens;
use crate::lesson::model::*;
use workshop_base::problem::Problem;

impl Builder<'_> {
    pub(super) fn edit(&mut self, lens: Lens<'_>, raw: &EditYaml, diff: &TreeDiff) -> EditAction {
        if lens.is_broken() {
            return EditAction { hunks: Vec::new() };
        }
        let mut hunks = Vec::new();
        match raw {
            EditYaml::All(AllYaml::All) => {
                for file in diff {
                    let of_file = |index| EditHunk { file: file.path.clone(), index, note: None };
                    hunks.extend((0..file.hunks.len()).map(of_file));
                }
            }
            EditYaml::Changes(changes) => {
                for (i, change) in changes.iter().enumerate() {
                    hunks.extend(self.change(lens.item(i), change, diff));
                }
            }
        }
        // Applied in the order of the diff, whatever the order of the notes.
        hunks.sort_by_key(|hunk| (diff.iter().position(|f| f.path == hunk.file), hunk.index));
        EditAction { hunks }
    }

    pub(super) fn change(&mut self, lens: Lens<'_>, change: &ChangeYaml, diff: &TreeDiff) -> Vec<EditHunk> {
        let Some(file) = diff.iter().find(|file| file.path == change.file.0) else {
            let paths: Vec<&str> = diff.iter().map(|file| file.path.as_str()).collect();
            let mut problem = Problem::failed(format_args!("the chapter does not change `{}`", change.file.0));
            problem.hint = kinds::did_you_mean(&change.file.0, &paths);
            let expected = if paths.is_empty() {
                "no edit: the snapshots before and after the chapter are the same".to_owned()
            } else {
                format!("a file that differs between the snapshots: {}", kinds::list(&paths))
            };
            lens.key("file").report(self.problems, problem.expected(expected));
            self.doubtful.extend(paths.into_iter().map(str::to_owned));
            return Vec::new();
        };
        let mut note = text(change.note.clone());
        let mut hunk = |index| EditHunk { file: file.path.clone(), index, note: note.take() };
        if lens.key("match").is_broken() {
            self.doubtful.insert(file.path.clone());
            return Vec::new();
        }
        let Some(pattern) = &change.pattern else {
            return (0..file.hunks.len()).map(hunk).collect();
        };
        let holds = |index: &usize| file.hunks[*index].lines.iter().any(|line| line.text().contains(&pattern.0));
        let hits: Vec<usize> = (0..file.hunks.len()).filter(holds).collect();
        if hits.len() != 1 {
            self.doubtful.insert(file.path.clone());
        }
        match hits.as_slice() {
            [index] => vec![hunk(*index)],
            [] => {
                let problem = Problem::failed(format_args!("no change of `{}` holds this text", file.path))
                    .expected("text on a line that the chapter adds to the file or removes from it")
                    .hint(format!("see them with `workshop diff`; {}", changed_lines(file)));
                lens.key("match").report(self.problems, problem);
                Vec::new()
            }
            several => {
                let lines: Vec<String> =
                    several.iter().map(|&i| format!("line {}", file.hunks[i].after_start + 1)).collect();
                let problem =
                    Problem::failed(format_args!("{} changes of `{}` hold this text", several.len(), file.path))
                        .expected("text that only one of them holds")
                        .hint(format!("they are at {} of the new file", lines.join(" and ")));
                lens.key("match").report(self.problems, problem);
                Vec::new()
            }
        }
    }
}

fn changed_lines(file: &FileDiff) -> String {
    let lines: Vec<String> = file
        .hunks
        .iter()
        .filter_map(|h| h.lines.iter().rev().find(|l| !l.text().trim().is_empty()))
        .map(|l| format!("`{}`", l.text().trim()))
        .take(3)
        .collect();
    format!("one of the changed lines is {}", lines.join(", another "))
}
