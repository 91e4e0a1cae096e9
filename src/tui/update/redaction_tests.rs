//! Identities are hidden as a whole wherever they are cut or broken, on the screen and in what is taken home.

use super::tests::at;
use crate::tui::diffrows::Arrangement;
use crate::tui::model::*;

/// The name in it, and its account: parts of it that say nothing of themselves.
const ARN: &str = "arn:aws:iam::123456789012:role/TransfersOfTheNightlyReconciliationForAuditorsAndTheirAssistants";

/// Tells whether a text has six letters of the identity's name behind one another, or six digits of its account.
fn tells(text: &str) -> bool {
    let parts = |of: &'static str| (0..=of.len() - 6).map(move |from| &of[from..from + 6]);
    let name = ARN.rsplit('/').next().unwrap_or_default();
    parts(name).chain(parts("123456789012")).any(|part| text.contains(part))
}

#[test]
fn an_identity_that_rows_break_is_hidden_in_the_diff() {
    for (size, split) in [((80, 24), false), ((120, 40), false), ((200, 60), true)] {
        let mut player = at(size.0, size.1, 1, "cluster");
        player.key("3");
        player.key("m");
        player.key("m");
        if split {
            player.model.settings.diff = Arrangement::SideBySide;
        }
        let line = format!("const role = '{ARN}';");
        player.json(&format!(
            r#"{{"event":"diff","of":{{"mine":{{"chapter":1}}}},"files":[{{"path":"cdk/stack.ts","status":"changed",
            "before":"{line}\n","after":"const role = undefined;\n{line}\n","hunks":[{{"before_start":0,"before_len":1,
            "after_start":0,"after_len":1,"lines":[{{"side":"removed","parts":[[false,"const role = '"],[true,"{ARN}"],
            [false,"';"]]}},{{"side":"added","parts":[[false,"const role = undefined;"]]}}]}}]}}]}}"#
        ));
        assert!(tells(&player.screen().join("\n")), "{size:?}: it is there");
        player.key("x");
        let screen = player.screen();
        assert!(screen.iter().any(|row| row.contains("•••")) && !tells(&screen.join("\n")), "{size:?}: {screen:#?}");
    }
}

#[test]
fn an_identity_that_is_cut_is_hidden_in_what_the_history_finds() {
    let mut player = at(80, 24, 2, "conflict");
    player.model.console.history = vec![format!("aws iam grant reporter to '{ARN}' -- and then what was looked for")];
    player.play("key x i ctrl-r");
    for query in ["grant", "looked"] {
        player.play(&format!("type {query}"));
        let screen = player.screen().join("\n");
        assert!(screen.contains("(history)") && !tells(&screen), "{query}: {screen}");
        player.play("key ctrl-g ctrl-r");
    }
}

#[test]
fn the_record_hides_what_its_lanes_and_its_reasons_cut() {
    let mut player = at(120, 40, 2, "conflict");
    player.json(
        r#"{"event":"step_started","at_step":{"chapter":2,"step":"conflict"},"attempt":1,"action":"sql","expects_failure":false}"#,
    );
    for session in ["A", "B"] {
        player.json(&format!(
            r#"{{"event":"sql_started","id":0,"session":"{session}","text":"AWS IAM GRANT reporter TO '{ARN}';"}}"#
        ));
        player.json(&format!(
            r#"{{"event":"sql_finished","id":0,"session":"{session}","tx":"idle","rows":0,"took_ms":1}}"#
        ));
    }
    let actual = format!("the function says that it is not allowed to: {ARN}");
    player.json(&format!(
        r#"{{"event":"step_finished","at_step":{{"chapter":2,"step":"conflict"}},"attempt":1,"verdict":"fail","took_ms":5,
        "failure":{{"expected":"an answer","actual":"{actual}"}}}}"#
    ));
    let effects = player.key("W");
    let Some(Effect::TakeHome(record)) = effects.first() else { panic!("{effects:?}") };
    assert!(record.contains("## Sessions of chapter 2") && record.contains("not allowed to"), "{record}");
    assert!(!tells(record), "{record}");
    assert!(!player.model.settings.redact, "the screen stays as it was");
}
