use proptest::prelude::*;

use super::*;
use crate::code::tree::{SourceFile, Tree};

const LABELS: MergeLabels<'static> = MergeLabels { ours: "ch02", base: "ch01 before", theirs: "ch01" };

fn merged(base: &str, ours: &str, theirs: &str) -> MergedText {
    merge_text(base, ours, theirs, LABELS)
}

#[test]
fn changes_of_both_sides_stand_beside_each_other() {
    let base = "one\ntwo\nthree\nfour\nfive\n";
    let all = merged(base, "ONE\ntwo\nthree\nfour\nfive\nsix\n", "one\ntwo\nthree\n4\nfive\n");
    assert_eq!(all.text, "ONE\ntwo\nthree\n4\nfive\nsix\n");
    assert!(all.conflicts.is_empty());
    // The same change on both sides is made once; lines that one side takes away are away.
    let same = merged(base, "one\n2\nthree\nfour\nfive\n", "one\n2\nthree\nfour\n");
    assert_eq!((same.text.as_str(), same.conflicts.len()), ("one\n2\nthree\nfour\n", 0));
}

#[test]
fn lines_that_both_changed_are_a_conflict_with_all_three_versions() {
    let conflict = merged("a\nx\nz\n", "a\nours\nz\n", "a\ntheirs\nz\n");
    let marked = "a\n<<<<<<< ch02\nours\n||||||| ch01 before\nx\n=======\ntheirs\n>>>>>>> ch01\nz\n";
    assert_eq!(conflict.text, marked);
    assert_eq!(conflict.conflicts.len(), 1);
    assert_eq!((conflict.conflicts[0].line, conflict.conflicts[0].theirs.as_str()), (2, "theirs\n"));
    assert_eq!(holds_markers(marked), Some(2));
    assert_eq!(holds_markers("a\n=======\n<<<<<<<<\n"), None, "a heading is no mark");
    // Two additions at one place, and a change beside another, too: which comes first is not ours to say.
    assert_eq!(merged("a\nb\n", "a\n1\nb\n", "a\n2\nb\n").conflicts.len(), 1);
    assert_eq!(merged("a\nb\nc\n", "A\nb\nc\n", "a\nB\nc\n").conflicts.len(), 1);
    // A last line without its end.
    let ends = merged("a\nb", "a\nb\nc", "A\nb");
    assert_eq!(ends.conflicts.len(), 1, "{}", ends.text);
    assert!(ends.text.ends_with(">>>>>>> ch01\n"), "{}", ends.text);
}

fn tree(files: &[(&str, &str)]) -> Tree {
    files.iter().map(|(path, text)| ((*path).to_owned(), SourceFile::plain(*text))).collect()
}

#[test]
fn files_come_go_and_change_on_either_side() {
    let base = tree(&[("kept", "1\n"), ("gone", "1\n"), ("both", "a\nb\nc\n"), ("fought", "1\n")]);
    let ours = tree(&[("kept", "1\n"), ("gone", "1\n"), ("both", "A\nb\nc\n"), ("fought", "2\n"), ("own", "o\n")]);
    let mut theirs = tree(&[("kept", "2\n"), ("both", "a\nb\nC\n"), ("new", "n\n")]);
    let all = merge_trees(&base, &ours, &theirs, LABELS);
    assert_eq!(
        all.files,
        tree(&[("both", "A\nb\nC\n"), ("fought", "2\n"), ("kept", "2\n"), ("new", "n\n"), ("own", "o\n")])
    );
    let said: Vec<String> = all.conflicts.iter().map(|c| format!("{} {}", c.path, c.what)).collect();
    assert_eq!(said, ["fought is changed in ch02, and ch01 takes it away"]);

    // A mode and the lines are merged each by itself.
    theirs = base.clone();
    theirs.get_mut("both").unwrap().executable = true;
    let all = merge_trees(&base, &ours, &theirs, LABELS);
    assert!(all.files["both"].executable && all.files["both"].text() == Some("A\nb\nc\n"));
    assert!(all.conflicts.is_empty());
    let png = |n: u8| Tree::from([("p".to_owned(), SourceFile::new(vec![0, n], false))]);
    assert_eq!(merge_trees(&png(1), &png(1), &png(2), LABELS).files, png(2));
    assert_eq!(merge_trees(&png(1), &png(2), &png(3), LABELS).conflicts.len(), 1);
}

#[test]
fn a_change_is_carried_through_every_later_chapter_and_stops_where_it_meets_another() {
    let chapter = |memory: u32, lines: &str| tree(&[("stack.ts", &format!("memorySize: {memory}\nmiddle\n{lines}"))]);
    let old =
        [chapter(128, ""), chapter(128, "a\n"), chapter(128, "a\nb\n"), chapter(256, "a\nb\n"), chapter(256, "c\n")];
    let mut now = old.clone();
    now[0] = chapter(512, "");
    let names = ["ch00", "ch01", "ch02", "ch03", "ch04"];
    assert_eq!(forgotten(&old, &now), [(1, "stack.ts".to_owned())]);
    let carried = carry(&old, &now, &names, 0);
    assert_eq!(carried.iter().map(|c| c.index).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(carried[0].files, chapter(512, "a\n"));
    assert_eq!(carried[1].files, chapter(512, "a\nb\n"));
    assert_eq!(carried[2].conflicts.len(), 1, "chapter 3 sets another value itself");
    // Settled by the author, and carried on from there; the second time nothing is left to do.
    for one in &carried[..2] {
        now[one.index] = one.files.clone();
    }
    now[3] = chapter(1024, "a\nb\n");
    assert_eq!(forgotten(&old, &now), [(4, "stack.ts".to_owned())]);
    let rest = carry(&old, &now, &names, 3);
    assert_eq!((rest.len(), &rest[0].files), (1, &chapter(1024, "c\n")));
    now[4] = rest[0].files.clone();
    assert!(forgotten(&old, &now).is_empty() && carry(&old, &now, &names, 3).is_empty());
}

#[test]
fn a_change_beside_one_of_the_chapters_own_is_forgotten_until_it_is_there() {
    let stack =
        |memory: u32, more: &str| tree(&[("stack.ts", &format!("f({{\n  memorySize: {memory},\n{more}}});\n"))]);
    let old = [stack(512, ""), stack(512, "  environment: {},\n")];
    let found = [(1, "stack.ts".to_owned())];
    assert_eq!(forgotten(&old, &[stack(1024, ""), old[1].clone()]), found);
    assert_eq!(carry(&old, &[stack(1024, ""), old[1].clone()], &["ch00", "ch01"], 0)[0].conflicts.len(), 1);
    for settled in [stack(1024, "  environment: {},\n"), stack(2048, "  environment: {},\n")] {
        assert_eq!(forgotten(&old, &[stack(1024, ""), settled]), []);
    }
}

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec("[abc]", 0..12).prop_map(|lines| lines.iter().map(|line| format!("{line}\n")).collect())
}

proptest! {
    #[test]
    fn a_side_that_changed_nothing_takes_the_other((base, side) in (text(), text())) {
        prop_assert_eq!(merged(&base, &base, &side), MergedText { text: side.clone(), conflicts: Vec::new() });
        prop_assert_eq!(merged(&base, &side, &base), MergedText { text: side.clone(), conflicts: Vec::new() });
        prop_assert_eq!(merged(&base, &side, &side), MergedText { text: side, conflicts: Vec::new() });
    }

    #[test]
    fn who_is_ours_and_who_is_theirs_decides_nothing((base, ours, theirs) in (text(), text(), text())) {
        let (one, other) = (merged(&base, &ours, &theirs), merged(&base, &theirs, &ours));
        prop_assert_eq!(one.conflicts.len(), other.conflicts.len());
        if one.conflicts.is_empty() {
            prop_assert_eq!(one.text, other.text);
        }
    }

    /// Changes that stand apart, as most authors' do: all of them are there afterwards.
    #[test]
    fn changes_that_stand_apart_are_all_kept(mine in prop::collection::vec(0..3u8, 1..20)) {
        let line = |i: usize, who: &str| format!("line {i}{who}\nsame {i}\n");
        let side = |me: u8, who: &str| mine.iter().enumerate().map(|(i, w)| line(i, if *w == me { who } else { "" })).collect::<String>();
        let all: String = mine.iter().enumerate().map(|(i, w)| line(i, ["", " ours", " theirs"][usize::from(*w)])).collect();
        let found = merged(&side(9, ""), &side(1, " ours"), &side(2, " theirs"));
        prop_assert_eq!(found, MergedText { text: all, conflicts: Vec::new() });
    }
}
