//! The hunks that an edit step names.

use std::collections::BTreeSet;
use std::collections::btree_map::Entry;

use super::builder::{Builder, Owner};
use crate::code::diff::{FileDiff, Side, TreeDiff, part_hunk};
use crate::lesson::format::*;
use crate::lesson::kinds;
use crate::lesson::lens::Lens;
use crate::lesson::model::*;
use workshop_base::problem::{Problem, Spot};

impl Builder<'_> {
    /// Resolves an `edit` to hunks of the chapter, in the order of the difference.
    pub(super) fn edit(&mut self, lens: Lens<'_>, raw: &EditYaml, diff: &TreeDiff) -> EditAction {
        if lens.is_broken() {
            return EditAction { hunks: Vec::new() };
        }
        let mut hunks = Vec::new();
        match raw {
            EditYaml::All(AllYaml::All) => {
                for file in diff {
                    let of_file = |index| EditHunk { file: file.path.clone(), index, note: None };
                    hunks.extend((0..file.hunks.len()).map(of_file).filter_map(|hunk| self.first(lens, hunk)));
                }
            }
            EditYaml::Changes(changes) => {
                for (i, change) in changes.iter().enumerate() {
                    let of_change = self.change(lens.item(i), change, diff);
                    hunks.extend(of_change.into_iter().filter_map(|hunk| self.first(lens.item(i), hunk)));
                }
            }
        }
        // Applied in the order of the diff, whatever the order of the notes.
        hunks.sort_by_key(|hunk| (diff.iter().position(|f| f.path == hunk.file), hunk.index));
        EditAction { hunks }
    }

    /// Notes where a change is named. One that this step names already is reported, and left out.
    fn first(&mut self, lens: Lens<'_>, hunk: EditHunk) -> Option<EditHunk> {
        let Owner::Step(step) = self.owner else { return Some(hunk) };
        let spot = lens.spot();
        match self.named.entry((step, hunk.file.clone(), hunk.index)) {
            Entry::Vacant(place) => {
                place.insert(spot);
                Some(hunk)
            }
            Entry::Occupied(earlier) => {
                let (change, file, line) = (hunk.index + 1, &hunk.file, earlier.get().line);
                let problem = Problem::failed(format_args!("change {change} of `{file}` is named twice in this step"));
                let problem = problem.expected("each change of the chapter in exactly one step").hint(format!(
                    "the item on line {line} names it, too: lines that stand together are one change; keep one of the two"
                ));
                lens.report(self.problems, problem);
                None
            }
        }
    }

    /// Resolves one item of an `edit`; none when it is not clear what it means, which is reported.
    pub(super) fn change(&mut self, lens: Lens<'_>, change: &ChangeYaml, diff: &TreeDiff) -> Vec<EditHunk> {
        let Some(file) = diff.iter().find(|file| file.path == change.file.0) else {
            let paths: Vec<&str> = diff.iter().map(|file| file.path.as_str()).collect();
            let mut problem = Problem::failed(format_args!("the chapter does not change `{}`", change.file.0));
            problem.hint = match self.left_out.ignored_by(&change.file.0) {
                Some(why) => Some(format!("the file is there and not part of the snapshot: {why}")),
                None => hint_on_path(&change.file.0, &paths).or_else(|| kinds::did_you_mean(&change.file.0, &paths)),
            };
            let expected = if paths.is_empty() {
                "no edit: the snapshots before and after the chapter are the same".to_owned()
            } else {
                format!("a file that differs between the snapshots: {}", kinds::list(&paths))
            };
            lens.key("file").report(self.problems, problem.expected(expected));
            self.doubtful.extend(paths.into_iter().map(str::to_owned));
            return Vec::new();
        };
        let mut note = self.prose_option(lens.key("note"), change.note.as_ref());
        let mut hunk = |index| EditHunk { file: file.path.clone(), index, note: note.take() };
        if lens.key("match").is_broken() {
            self.doubtful.insert(file.path.clone());
            return Vec::new();
        }
        let (pattern, until) = (change.pattern.as_ref(), change.until.as_ref());
        let (key, text) = match (pattern, until) {
            // Which change a part is of is said by `match`, where there is one.
            (Some(pattern), Some(_)) if self.unclear.contains(&lens.key("match").spot()) => ("match", pattern),
            (_, Some(until)) => ("until", until),
            (Some(pattern), None) => ("match", pattern),
            (None, None) => return (0..file.hunks.len()).map(hunk).collect(),
        };
        let holds = |index: &usize| {
            let lines = &file.hunks[*index].lines;
            let ends = |until: &Text| key == "match" || lines.last().is_some_and(|line| line.text().contains(&until.0));
            let has = |pattern: &Text| lines.iter().any(|line| line.text().contains(&pattern.0));
            until.is_none_or(ends) && pattern.is_none_or(has)
        };
        let hits: Vec<usize> = (0..file.hunks.len()).filter(holds).collect();
        if hits.len() != 1 {
            self.doubtful.insert(file.path.clone());
        }
        match hits.as_slice() {
            [index] => vec![hunk(*index)],
            // Where it could not be cut was said then.
            [] if until.is_some() && pattern.is_some_and(|text| holding(file, &text.0).count() == 1) => Vec::new(),
            [] => {
                let problem = Problem::failed(format_args!("no change of `{}` holds this text", file.path))
                    .expected("text on a line that the chapter adds to the file or removes from it")
                    .hint(hint_on_text(file, &text.0));
                lens.key(key).report(self.problems, problem);
                Vec::new()
            }
            several => {
                let lines: Vec<String> =
                    several.iter().map(|&i| format!("line {}", file.hunks[i].after_start + 1)).collect();
                let problem =
                    Problem::failed(format_args!("{} changes of `{}` hold this text", several.len(), file.path))
                        .expected("text that only one of them holds")
                        .hint(format!("they are at {} of the new file", lines.join(" and ")));
                lens.key(key).report(self.problems, problem);
                Vec::new()
            }
        }
    }
}

/// Returns what to do about a path that is written otherwise than below the snapshot, or that stands for several.
fn hint_on_path(path: &str, paths: &[&str]) -> Option<String> {
    if path.contains(['*', '?']) {
        return Some("each file is named by itself; `edit: all` means all of them".to_owned());
    }
    let slashed = path.replace('\\', "/");
    let tail = |known: &&&str| slashed.strip_suffix(**known).is_some_and(|rest| rest.ends_with('/'));
    let known = paths.iter().find(|known| slashed == ***known).or_else(|| paths.iter().find(tail))?;
    Some(format!("paths begin in the snapshot's directory: `{known}`"))
}

/// Returns what to do about a text that no changed line holds.
fn hint_on_text(file: &FileDiff, text: &str) -> String {
    let lines = changed_lines(file);
    if text.trim_end().contains('\n') {
        return format!("it is looked for on one line at a time: {lines}");
    }
    let all = || file.hunks.iter().flat_map(|hunk| &hunk.lines).map(|line| line.text());
    if regex::Regex::new(text).is_ok_and(|pattern| all().any(|line| pattern.is_match(&line))) {
        return format!("it is a text and no pattern, each sign stands for itself: {lines}");
    }
    format!("see them with `workshop diff`; {lines}")
}

/// Parts the hunks of a chapter where its steps say so with `until`. What cannot be parted is reported, and stays whole. Returns
/// the places of each `match` that is not the text of one change alone.
pub fn part_hunks(
    diff: &mut TreeDiff,
    steps: &[(usize, StepYaml)],
    lens: Lens<'_>,
    problems: &mut Vec<Problem>,
) -> Vec<Spot> {
    let mut unclear = Vec::new();
    let mut cuts: BTreeSet<(usize, usize, usize)> = BTreeSet::new();
    let written = steps.iter().flat_map(|(i, step)| {
        let lens = lens.key("steps").item(*i);
        let parts = step.actions.iter().flatten().enumerate();
        let parts = parts.map(move |(i, part)| (part.edit.as_ref(), lens.key("actions").item(i)));
        parts.chain([(step.edit.as_ref(), lens)])
    });
    for (edit, lens) in written {
        let Some(EditYaml::Changes(changes)) = edit else { continue };
        for (j, change) in changes.iter().enumerate() {
            let lens = lens.key("edit").item(j);
            let Some(until) = &change.until else { continue };
            let Some(file) = diff.iter().position(|file| file.path == change.file.0) else { continue };
            match cut(&diff[file], change.pattern.as_ref().map(|text| text.0.as_str()), &until.0) {
                Ok((hunk, added)) => {
                    cuts.insert((file, hunk, added));
                }
                Err(Some(problem)) => lens.key("until").report(problems, problem),
                // Which change is meant is not clear: that is reported with the edit.
                Err(None) => unclear.push(lens.key("match").spot()),
            }
        }
    }
    // From the end on, so that the places of those before stay.
    for (file, hunk, added) in cuts.into_iter().rev() {
        if let Some((first, rest)) = part_hunk(&diff[file], hunk, added) {
            diff[file].hunks.splice(hunk..=hunk, [first, rest]);
        }
    }
    unclear
}

/// Puts the authors' notes on the hunks they belong to, where the viewer looks for them.
pub fn put_notes(steps: &[Step], diff: &mut TreeDiff) {
    for step in steps {
        let StepAction::Edit(edit) = &step.action else { continue };
        for chosen in edit.hunks.iter().filter(|hunk| hunk.note.is_some()) {
            let file = diff.iter_mut().find(|file| file.path == chosen.file);
            if let Some(hunk) = file.and_then(|file| file.hunks.get_mut(chosen.index)) {
                hunk.note.clone_from(&chosen.note);
            }
        }
    }
}

/// The hunks of a file that hold a text.
fn holding<'f>(file: &'f FileDiff, text: &'f str) -> impl Iterator<Item = usize> + 'f {
    (0..file.hunks.len()).filter(move |i| file.hunks[*i].lines.iter().any(|line| line.text().contains(text)))
}

/// The hunk that is meant, and after how many of its added lines it is cut.
fn cut(file: &FileDiff, pattern: Option<&str>, until: &str) -> Result<(usize, usize), Option<Problem>> {
    let mut meant = holding(file, pattern.unwrap_or(until));
    let (Some(index), None) = (meant.next(), meant.next()) else { return Err(None) };
    let lines = &file.hunks[index].lines;
    let added: Vec<String> = lines.iter().filter(|line| line.side == Side::Added).map(|line| line.text()).collect();
    let from = added.iter().position(|line| pattern.is_some_and(|pattern| line.contains(pattern))).unwrap_or(0);
    let Some(at) = added[from..].iter().position(|line| line.contains(until)) else {
        let problem = Problem::failed(format_args!("no line that this change of `{}` adds holds this text", file.path))
            .expected("text on an added line, from `match` on");
        return Err(Some(problem.hint(format!("see them with `workshop diff`; {}", changed_lines(file)))));
    };
    let count = from + at + 1;
    if count == added.len() {
        let problem = Problem::failed(format_args!("this is the last line of the change of `{}`", file.path))
            .expected("an earlier line that it adds")
            .hint("without `until`, the whole change is meant");
        return Err(Some(problem));
    }
    Ok((index, count))
}

fn changed_lines(file: &FileDiff) -> String {
    let lines: Vec<String> = file
        .hunks
        .iter()
        .filter_map(|h| h.lines.iter().rev().find(|l| !l.text().trim().is_empty()))
        .map(|l| format!("`{}`", l.text().trim()))
        .take(3)
        .collect();
    if lines.is_empty() {
        return "it has no lines: leave `match` and `until` away".to_owned();
    }
    format!("one of the changed lines is {}", lines.join(", another "))
}
