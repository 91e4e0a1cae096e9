//! What the lanes of several sessions show.

use super::*;
use crate::tui::golden::Player;

#[test]
fn the_same_rows_are_known_however_they_are_written() {
    let one = written("UPDATE accounts SET balance = balance - 1\n WHERE id = 1;");
    assert_eq!(one, written("update  accounts set balance = 7 where id = 1 returning id"));
    assert_eq!(one, written("select * from accounts where id = 1 for update;"));
    assert_ne!(one, written("update accounts set balance = 0 where id = 2"));
    assert_eq!(written("select 1"), None);
}

#[test]
fn lanes_show_what_a_query_answered_and_time_begins_anew_after_a_pause() {
    let mut player = Player::new(120, 40);
    let mut ask = |session: &str, text: &str, rows: &str, after: u64| {
        player.model.now += after;
        player.json(&format!(r#"{{"event":"sql_started","id":0,"session":"{session}","text":"{text}"}}"#));
        player.json(&format!(r#"{{"event":"sql_text","id":0,"session":"{session}","lines":[{rows}]}}"#));
        let end = r#""tx":"idle","rows":1,"took_ms":1}"#;
        player.json(&format!(r#"{{"event":"sql_finished","id":0,"session":"{session}",{end}"#));
    };
    ask("A", "select 1;", r#"["header"," a | b"],["row"," 880 | x"]"#, 0);
    let many: Vec<String> = (0..9).map(|n| format!(r#"["row"," {n}"]"#)).collect();
    ask("B", "select n;", &many.join(","), 500);
    ask("A", "select 2;", "", QUIET + 1);
    let lines: Vec<String> = lines(&player.model, 80).iter().map(|l| l.to_string().trim_end().to_owned()).collect();
    assert!(lines[1].starts_with("  0 ms") && lines[2].trim() == "→ 880 · x", "{lines:#?}");
    let shown: Vec<&str> = lines[3..8].iter().map(|line| line.trim()).collect();
    assert_eq!(shown[1..], ["→ 0", "→ 1", "→ 2", "→ …"], "{lines:#?}");
    assert_eq!((lines[8].trim(), lines[9].starts_with("  0 ms")), ("···", true), "{lines:#?}");
}

#[test]
fn two_lanes_show_the_order_the_row_and_who_lost() {
    lanes_tell(true);
    // The statements of a lesson have no ids of their own.
    lanes_tell(false);
}

fn lanes_tell(ids: bool) {
    let mut player = Player::new(120, 40);
    let mut id = 0;
    let mut say = |player: &mut Player, session: &str, text: &str, tx: &str, error: &str| {
        id += usize::from(ids);
        player.json(&format!(r#"{{"event":"sql_started","id":{id},"session":"{session}","text":"{text}"}}"#));
        player.model.now += 100;
        let error = match error {
            "" => String::new(),
            code => {
                format!(r#","error":{{"severity":"ERROR","sqlstate":"{code}","message":"change conflicts (OC000)"}}"#)
            }
        };
        player.json(&format!(
            r#"{{"event":"sql_finished","id":{id},"session":"{session}","tx":"{tx}","rows":1,"took_ms":100{error}}}"#
        ));
    };
    let update = "update accounts set balance = 1 where id = 1;";
    for (session, text, tx, error) in [
        ("A", "begin;", "open", ""),
        ("B", "begin;", "open", ""),
        ("A", update, "open", ""),
        ("B", update, "open", ""),
        ("A", "commit;", "idle", ""),
        ("B", "commit;", "idle", "40001"),
    ] {
        say(&mut player, session, text, tx, error);
    }
    let lines: Vec<String> = lines(&player.model, 80).iter().map(|l| l.to_string().trim_end().to_owned()).collect();
    assert!(is_worth_it(&player.model));
    assert!(lines[1].contains("┌ ✓ begin;") && lines[2].contains("│") && lines[2].contains("┌ ✓ begin;"), "{lines:#?}");
    // A statement that is longer than its lane goes on below, within its transaction.
    assert!(lines[3].contains("│ ◆ ✓ update") && lines[5].contains("◆ ✓ update"), "{lines:#?}");
    assert!(lines[4].contains("│ 1 where id = 1;"), "{lines:#?}");
    assert!(lines[7].contains("└ ✓ commit;"), "{lines:#?}");
    assert!(lines[8].contains("└ ✗ commit;"), "{lines:#?}");
    let words: Vec<&str> = lines[9..].iter().flat_map(|line| line.split_whitespace()).collect();
    assert!(words.join(" ").contains("A committed first"), "{lines:#?}");
}
