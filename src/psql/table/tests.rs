//! The shapes of psql's output that need no server. The rest is compared with psql itself in `tests/it/console.rs`.

use super::model::*;
use super::*;

fn shown(options: &TableOptions, columns: &[(&str, bool)], rows: &[&[Option<&str>]]) -> String {
    let table = ResultTable {
        columns: columns.iter().map(|(n, right)| Column { name: (*n).to_owned(), right: *right }).collect(),
        rows: rows.iter().map(|r| r.iter().map(|v| v.map(str::to_owned)).collect()).collect(),
        ..ResultTable::default()
    };
    text(&print(options, &table, &TablePart::whole()).0)
}

fn text(pieces: &Pieces) -> String {
    String::from_utf8(pieces.0.iter().flat_map(|(_, text)| text.clone()).collect()).unwrap()
}

const COLUMNS: &[(&str, bool)] = &[("id", true), ("name", false)];
const ROWS: &[&[Option<&str>]] = &[&[Some("1"), Some("a\nbc")], &[Some("20"), None]];

#[test]
fn aligned_marks_lines_that_go_on() {
    assert_eq!(
        shown(&TableOptions::default(), COLUMNS, ROWS),
        " id | name \n----+------\n  1 | a   +\n    | bc\n 20 | \n(2 rows)\n\n"
    );
}

#[test]
fn borders_go_around() {
    let options = TableOptions { border: 2, null: "∅".to_owned(), ..TableOptions::default() };
    assert_eq!(
        shown(&options, COLUMNS, ROWS),
        "+----+------+\n| id | name |\n+----+------+\n|  1 | a   +|\n|    | bc   |\n| 20 | ∅    |\n+----+------+\n(2 rows)\n\n"
    );
}

#[test]
fn expanded_numbers_the_records() {
    let options = TableOptions { expanded: Expanded::On, ..TableOptions::default() };
    assert_eq!(
        shown(&options, COLUMNS, ROWS),
        "-[ RECORD 1 ]\nid   | 1\nname | a    +\n     | bc\n-[ RECORD 2 ]\nid   | 20\nname | \n\n"
    );
}

#[test]
fn unaligned_and_csv_stream() {
    let unaligned = TableOptions { format: TableFormat::Unaligned, ..TableOptions::default() };
    assert_eq!(shown(&unaligned, COLUMNS, ROWS), "id|name\n1|a\nbc\n20|\n(2 rows)\n");
    let csv = TableOptions { format: TableFormat::Csv, ..TableOptions::default() };
    assert_eq!(shown(&csv, &[("a,b", false)], &[&[Some("say \"x\"")], &[None]]), "\"a,b\"\n\"say \"\"x\"\"\"\n\n");
}

#[test]
fn a_later_part_keeps_the_widths_of_the_first_and_cuts_nothing() {
    let options = TableOptions::default();
    let part = |rows: &[&str]| ResultTable {
        columns: vec![Column::left("a"), Column::left("b")],
        rows: rows.iter().map(|v| vec![Some((*v).to_owned()), Some("x".to_owned())]).collect(),
        ..ResultTable::default()
    };
    let (first, layout) = print(&options, &part(&["ab"]), &TablePart { starts: true, ..TablePart::default() });
    let rest = TablePart { ends: true, before: 1, layout: Some(layout), ..TablePart::default() };
    let (second, _) = print(&options, &part(&["a", "abcdef"]), &rest);
    assert_eq!(text(&first) + &text(&second), " a  | b \n----+---\n ab | x\n a  | x\n abcdef | x\n(3 rows)\n\n");
}

#[test]
fn auto_expands_what_does_not_fit() {
    let options = TableOptions { expanded: Expanded::Auto, columns: Some(8), ..TableOptions::default() };
    assert!(shown(&options, COLUMNS, ROWS).starts_with("-[ RECORD 1 ]"));
    assert!(shown(&options, &[("one column", false)], &[&[Some("a long line")]]).starts_with(" one column"));
    let wide = TableOptions { columns: Some(80), ..options };
    assert!(shown(&wide, COLUMNS, ROWS).starts_with(" id | name"));
}
