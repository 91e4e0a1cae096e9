use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{Conflict, HunkState};
use crate::code::diff::{FileDiff, diff_file, diff_sources, diff_text, diff_trees, part_hunk, split_lines};
use crate::code::tree::Tree;
use crate::code::tree::{FileContent, SourceFile};

fn plain(text: Option<&str>) -> Option<SourceFile> {
    text.map(SourceFile::plain)
}

fn text_of(file: Option<SourceFile>) -> Option<String> {
    file.map(|file| file.text().unwrap().to_owned())
}

fn compose(diff: &FileDiff, chosen: impl Fn(usize) -> bool) -> Option<String> {
    text_of(super::compose(diff, chosen))
}

fn states(diff: &FileDiff, current: Option<&str>) -> Vec<HunkState> {
    super::states(diff, plain(current).as_ref())
}

fn apply(diff: &FileDiff, current: Option<&str>, hunk: usize) -> Result<Option<String>, Conflict> {
    super::apply(diff, plain(current).as_ref(), hunk).map(text_of)
}

fn undo(diff: &FileDiff, current: Option<&str>, hunk: usize) -> Result<Option<String>, Conflict> {
    super::undo(diff, plain(current).as_ref(), hunk).map(text_of)
}

fn changed(before: &str, after: &str) -> FileDiff {
    diff_file("f", Some(before), Some(after)).unwrap()
}

const BEFORE: &str = "one\ntwo\nthree\nfour\nfive\nsix\nseven\n";
const AFTER: &str = "one\nTWO\nthree\nfour\nfour and a half\nfive\nseven\n";

#[test]
fn each_change_with_unchanged_lines_around_it_is_a_hunk() {
    let diff = changed(BEFORE, AFTER);
    let shape: Vec<_> = diff.hunks.iter().map(|h| (h.before_range(), h.after_range())).collect();
    assert_eq!(shape, [(1..2, 1..2), (4..4, 4..5), (5..6, 6..6)]);
}

#[test]
fn any_subset_in_any_order() {
    let diff = changed(BEFORE, AFTER);
    let mut text = Some(BEFORE.to_owned());
    for hunk in [2, 0, 1] {
        text = apply(&diff, text.as_deref(), hunk).unwrap();
    }
    assert_eq!(text.as_deref(), Some(AFTER));
    text = undo(&diff, text.as_deref(), 0).unwrap();
    assert_eq!(text.as_deref(), Some("one\ntwo\nthree\nfour\nfour and a half\nfive\nseven\n"));
    assert_eq!(states(&diff, text.as_deref()), [HunkState::Pending, HunkState::Applied, HunkState::Applied]);
}

#[test]
fn own_edits_elsewhere_stay() {
    let diff = changed(BEFORE, AFTER);
    let mine = "// mine\none\ntwo\nthree\nfour!\nfive\nsix\nseven\nmore of mine";
    assert_eq!(states(&diff, Some(mine)), [HunkState::Pending; 3]);
    let mut text = Some(mine.to_owned());
    for hunk in 0..3 {
        text = apply(&diff, text.as_deref(), hunk).unwrap();
    }
    let whole = "// mine\none\nTWO\nthree\nfour!\nfour and a half\nfive\nseven\nmore of mine";
    assert_eq!(text.as_deref(), Some(whole));
    for hunk in 0..3 {
        text = undo(&diff, text.as_deref(), hunk).unwrap();
    }
    assert_eq!(text.as_deref(), Some(mine));
}

#[test]
fn a_change_typed_by_hand_counts_as_applied() {
    let diff = changed(BEFORE, AFTER);
    let typed = "mine\none\nTWO\nthree\nfour\nfive\nsix\nseven\n";
    assert_eq!(states(&diff, Some(typed)), [HunkState::Applied, HunkState::Pending, HunkState::Pending]);
}

#[test]
fn an_edit_in_the_lines_of_a_hunk_is_a_conflict_and_changes_nothing() {
    let diff = changed(BEFORE, AFTER);
    let mine = "one\ntwo!\nthree\nfour\nsomething\nfive\nsix\nseven\n";
    assert_eq!(states(&diff, Some(mine)), [HunkState::Conflict, HunkState::Conflict, HunkState::Pending]);
    let error = apply(&diff, Some(mine), 0).unwrap_err();
    assert_eq!(error.to_string(), "`f` has other lines where change 1 belongs");
    assert!(undo(&diff, Some(mine), 0).is_err());
    assert!(apply(&diff, None, 0).is_err());
}

#[test]
fn a_repeated_line_is_not_mistaken_for_the_inserted_one() {
    let diff = changed("a\n}\nb\n", "a\n}\n}\nb\n");
    assert_eq!(states(&diff, Some("mine\na\n}\nb\n")), [HunkState::Pending]);
    assert_eq!(states(&diff, Some("mine\na\n}\n}\nb\n")), [HunkState::Applied]);
}

#[test]
fn a_missing_last_line_end_is_kept_and_changed_like_any_text() {
    for (a, b) in [("a\nb", "a\nb\n"), ("a\nb\n", "a\nb"), ("a", "a\nb"), ("a\nb", "a"), ("", "a"), ("a\n", "")] {
        let diff = changed(a, b);
        assert_eq!(apply(&diff, Some(a), 0).unwrap().as_deref(), Some(b), "{a:?} -> {b:?}");
        assert_eq!(undo(&diff, Some(b), 0).unwrap().as_deref(), Some(a), "{b:?} -> {a:?}");
    }
}

#[test]
fn crlf_files_stay_crlf() {
    let diff = changed(BEFORE, AFTER);
    let crlf = BEFORE.replace('\n', "\r\n");
    let mut text = Some(crlf);
    for hunk in 0..3 {
        text = apply(&diff, text.as_deref(), hunk).unwrap();
    }
    assert_eq!(text.as_deref(), Some(AFTER.replace('\n', "\r\n").as_str()));
}

#[test]
fn files_come_and_go_whole() {
    let added = diff_file("f", None, Some("new\n")).unwrap();
    assert_eq!(states(&added, None), [HunkState::Pending]);
    assert_eq!(apply(&added, None, 0).unwrap().as_deref(), Some("new\n"));
    assert_eq!(undo(&added, Some("new\n"), 0).unwrap(), None);
    assert_eq!(states(&added, Some("other")), [HunkState::Conflict]);
    assert!(apply(&added, Some("other"), 0).is_err());

    let deleted = diff_file("f", Some("old\n"), None).unwrap();
    assert_eq!(apply(&deleted, Some("old\n"), 0).unwrap(), None);
    assert_eq!(undo(&deleted, None, 0).unwrap().as_deref(), Some("old\n"));
    assert!(apply(&deleted, Some("old but edited\n"), 0).is_err());

    let empty = diff_file("f", None, Some("")).unwrap();
    assert_eq!((empty.hunks.len(), apply(&empty, None, 0).unwrap().as_deref()), (1, Some("")));
}

#[test]
fn words_are_marked_within_a_line() {
    let hunks = diff_text("set balance = balance - $1;\n", "set balance = balance + $1;\n");
    let marked: Vec<Vec<&str>> =
        hunks[0].lines.iter().map(|line| line.parts.iter().filter(|p| p.0).map(|p| p.1.as_str()).collect()).collect();
    assert_eq!(marked, [["-"], ["+"]]);
    assert_eq!(hunks[0].lines[1].text(), "set balance = balance + $1;");
}

fn script(text: &str, executable: bool) -> SourceFile {
    SourceFile { executable, ..SourceFile::plain(text) }
}

#[test]
fn a_mode_is_a_change_of_its_own_and_stays_when_lines_change() {
    let (before, after) = (script("one\ntwo\n", false), script("one\nTWO\n", true));
    let diff = diff_sources("gradlew", Some(&before), Some(&after)).unwrap();
    assert_eq!(diff.hunks.len(), 2);
    let said: Vec<String> = diff.hunks[1].lines.iter().map(|line| line.text()).collect();
    assert_eq!(said, ["old mode 100644", "new mode 100755"]);
    let lines_only = super::apply(&diff, Some(&before), 0).unwrap().unwrap();
    assert_eq!(lines_only, script("one\nTWO\n", false));
    let mode_only = super::apply(&diff, Some(&before), 1).unwrap().unwrap();
    assert_eq!(mode_only, script("one\ntwo\n", true));
    assert_eq!(super::states(&diff, Some(&mode_only)), [HunkState::Pending, HunkState::Applied]);
    assert_eq!(super::undo(&diff, Some(&after), 1).unwrap().unwrap(), script("one\nTWO\n", false));
    assert_eq!(super::compose(&diff, |hunk| hunk == 1).unwrap(), mode_only);
    // A learner who made it executable already, and one whose lines are their own.
    let mine = script("one\nmine\n", true);
    assert_eq!(super::states(&diff, Some(&mine)), [HunkState::Conflict, HunkState::Applied]);

    let only_mode = diff_sources("x", Some(&script("a\n", true)), Some(&script("a\n", false))).unwrap();
    assert_eq!(only_mode.hunks.len(), 1);
    assert_eq!(
        super::apply(&only_mode, Some(&script("a\nmine\n", true)), 0).unwrap(),
        Some(script("a\nmine\n", false))
    );
    let added = diff_sources("x", None, Some(&script("#!/bin/sh\n", true))).unwrap();
    assert_eq!(super::apply(&added, None, 0).unwrap(), Some(script("#!/bin/sh\n", true)));
    assert_eq!(super::states(&added, Some(&script("#!/bin/sh\n", false))), [HunkState::Pending]);
}

#[test]
fn a_file_that_is_no_text_comes_and_goes_whole() {
    let png = |last: u8| SourceFile { content: FileContent::Binary(vec![0x89, b'P', 0, last]), executable: false };
    let diff = diff_sources("logo.png", Some(&png(1)), Some(&png(2))).unwrap();
    assert_eq!(diff.hunks.len(), 1);
    assert_eq!(diff.hunks[0].lines[1].text(), "binary file, 4 bytes");
    assert_eq!(super::states(&diff, Some(&png(1))), [HunkState::Pending]);
    assert_eq!(super::apply(&diff, Some(&png(1)), 0).unwrap(), Some(png(2)));
    assert_eq!(super::undo(&diff, Some(&png(2)), 0).unwrap(), Some(png(1)));
    assert_eq!(super::states(&diff, Some(&png(3))), [HunkState::Conflict]);
    assert!(super::apply(&diff, Some(&png(3)), 0).is_err());
    assert!(super::apply(&diff, Some(&SourceFile::plain("text")), 0).is_err());
    let added = diff_sources("logo.png", None, Some(&png(1))).unwrap();
    assert_eq!(super::apply(&added, None, 0).unwrap(), Some(png(1)));
    let into_text = diff_sources("f", Some(&png(1)), Some(&SourceFile::plain("text"))).unwrap();
    assert_eq!(super::apply(&into_text, Some(&png(1)), 0).unwrap(), Some(SourceFile::plain("text")));
}

#[test]
fn a_new_file_that_is_parted_grows_and_shrinks_by_its_parts() {
    let mut diff = diff_file("f", None, Some("a\nb\nc\nd\n")).unwrap();
    let (first, rest) = part_hunk(&diff, 0, 2).unwrap();
    diff.hunks = vec![first, rest];
    assert!(part_hunk(&diff, 0, 2).is_none() && part_hunk(&diff, 0, 0).is_none());
    assert_eq!(states(&diff, None), [HunkState::Pending; 2]);
    let one = apply(&diff, None, 0).unwrap();
    assert_eq!(one.as_deref(), Some("a\nb\n"));
    assert_eq!(states(&diff, one.as_deref()), [HunkState::Applied, HunkState::Pending]);
    let both = apply(&diff, one.as_deref(), 1).unwrap();
    assert_eq!(both.as_deref(), Some("a\nb\nc\nd\n"));
    let second = undo(&diff, both.as_deref(), 0).unwrap();
    assert_eq!(second.as_deref(), Some("c\nd\n"));
    assert_eq!(undo(&diff, second.as_deref(), 1).unwrap(), None);
    assert_eq!(compose(&diff, |_| false), None);
    // All of it is there, and only the mode is to come.
    diff.after_executable = true;
    let whole = |executable| script("a\nb\nc\nd\n", executable);
    assert_eq!(super::apply(&diff, Some(&whole(false)), 1).unwrap(), Some(whole(true)));
}

#[test]
fn a_change_that_is_parted_is_made_in_order() {
    let mut diff = changed("top\nold\nend\n", "top\nnew 1\nnew 2\nnew 3\nend\n");
    let (first, rest) = part_hunk(&diff, 0, 1).unwrap();
    diff.hunks = vec![first, rest];
    let one = apply(&diff, Some("top\nold\nend\n"), 0).unwrap().unwrap();
    assert_eq!(one, "top\nnew 1\nend\n");
    assert_eq!(states(&diff, Some(&one)), [HunkState::Applied, HunkState::Pending]);
    assert_eq!(apply(&diff, Some(&one), 1).unwrap().as_deref(), Some(diff.after.as_str()));
    assert_eq!(undo(&diff, Some(&diff.after), 1).unwrap().unwrap(), one);
}

/// Lines from a small alphabet repeat often, which is what makes hunks hard to find.
fn text() -> impl Strategy<Value = String> {
    (prop::collection::vec("[ab }]?", 0..30), any::<bool>()).prop_map(|(lines, end)| {
        let joined = lines.join("\n");
        if end && !joined.is_empty() { joined + "\n" } else { joined }
    })
}

/// Lines that are all different, some of them replaced, removed, or followed by new ones.
fn edited() -> impl Strategy<Value = (String, String)> {
    prop::collection::vec(0..8u8, 1..40).prop_map(|plan| {
        let (mut before, mut after) = (String::new(), String::new());
        for (i, edit) in plan.into_iter().enumerate() {
            before += &format!("line {i}\n");
            match edit {
                0 => after += &format!("LINE {i}\n"),
                1 => {}
                2 => after += &format!("line {i}\nnew {i}\n"),
                _ => after += &format!("line {i}\n"),
            }
        }
        (before, after)
    })
}

fn tree() -> impl Strategy<Value = Tree> {
    let file = (text(), any::<bool>(), any::<bool>()).prop_map(|(text, executable, binary)| {
        let bytes = if binary { [text.as_bytes(), &[0, 0xff]].concat() } else { text.into_bytes() };
        SourceFile::new(bytes, executable)
    });
    prop::collection::btree_map("[a-c](/[a-c])?", file, 0..5)
}

proptest! {
    #[test]
    fn all_hunks_make_the_one_text_of_the_other((a, b) in (text(), text())) {
        if let Some(diff) = diff_file("f", Some(&a), Some(&b)) {
            prop_assert_eq!(compose(&diff, |_| true), Some(b.clone()));
            prop_assert_eq!(compose(&diff, |_| false), Some(a.clone()));
            let mut text = Some(a);
            for hunk in 0..diff.hunks.len() {
                text = apply(&diff, text.as_deref(), hunk).unwrap();
            }
            prop_assert_eq!(text, Some(b));
        } else {
            prop_assert_eq!(a, b);
        }
    }

    #[test]
    fn all_files_make_the_one_tree_of_the_other((a, b) in (tree(), tree())) {
        let mut files = a.clone();
        for diff in diff_trees(&a, &b) {
            prop_assert_ne!(a.get(&diff.path), b.get(&diff.path));
            prop_assert_eq!(super::compose(&diff, |_| false), a.get(&diff.path).cloned());
            for (hunk, state) in super::states(&diff, a.get(&diff.path)).into_iter().enumerate() {
                prop_assert_eq!(state, HunkState::Pending, "{}", hunk);
            }
            match super::compose(&diff, |_| true) {
                Some(file) => files.insert(diff.path, file),
                None => files.remove(&diff.path),
            };
        }
        prop_assert_eq!(files, b);
    }

    #[test]
    fn what_is_found_in_a_composed_file_composes_it_again(
        (a, b) in (text(), text()),
        chosen in prop::collection::btree_set(0..15usize, 0..15),
    ) {
        prop_assume!(a != b);
        let diff = changed(&a, &b);
        let now = compose(&diff, |hunk| chosen.contains(&hunk));
        let found = states(&diff, now.as_deref());
        prop_assert!(!found.contains(&HunkState::Conflict));
        prop_assert_eq!(compose(&diff, |hunk| found[hunk] == HunkState::Applied), now);
    }

    #[test]
    fn hunks_go_in_and_out_in_any_order_around_own_edits(
        (a, b) in edited(),
        order in Just((0..40usize).collect::<Vec<_>>()).prop_shuffle(),
        mine in prop::collection::btree_set(0..40usize, 0..4),
    ) {
        prop_assume!(a != b);
        let diff = changed(&a, &b);
        // The learner's own lines stand after lines that no hunk is next to.
        let before = split_lines(&diff.before);
        let near = |i: usize| diff.hunks.iter().any(|h| i + 1 >= h.before_start && i <= h.before_range().end);
        let with_mine = |text: &str| -> String {
            split_lines(text)
                .iter()
                .flat_map(|line| {
                    let own = before.iter().position(|l| l == line).filter(|i| mine.contains(i) && !near(*i));
                    [line.to_string(), own.map(|i| format!("mine {i}\n")).unwrap_or_default()]
                })
                .collect()
        };
        let start = with_mine(&a);
        let mut text = Some(start.clone());
        let mut on = BTreeSet::new();
        for &hunk in order.iter().filter(|&&hunk| hunk < diff.hunks.len()) {
            text = apply(&diff, text.as_deref(), hunk).unwrap();
            on.insert(hunk);
            let expected = with_mine(&compose(&diff, |h| on.contains(&h)).unwrap());
            prop_assert_eq!(text.as_deref(), Some(expected.as_str()));
        }
        for &hunk in order.iter().rev().filter(|&&hunk| hunk < diff.hunks.len()) {
            text = undo(&diff, text.as_deref(), hunk).unwrap();
        }
        prop_assert_eq!(text, Some(start));
    }

    #[test]
    fn no_edit_of_any_kind_makes_it_panic((a, b, mine) in (text(), text(), text())) {
        prop_assume!(a != b);
        let diff = changed(&a, &b);
        for (hunk, state) in states(&diff, Some(&mine)).into_iter().enumerate() {
            prop_assert_eq!(apply(&diff, Some(&mine), hunk).is_err(), state == HunkState::Conflict);
            prop_assert_eq!(undo(&diff, Some(&mine), hunk).is_err(), state == HunkState::Conflict);
        }
    }
}
