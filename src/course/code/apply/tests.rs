use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::code::diff::{FileDiff, diff_file, diff_text, diff_trees, split_lines};
use crate::code::tree::Tree;

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
    prop::collection::btree_map("[a-c](/[a-c])?", text(), 0..5)
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
            match compose(&diff, |_| true) {
                Some(text) => files.insert(diff.path, text),
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
