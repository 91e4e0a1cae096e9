//! A deploy that failed, as it is met: in its panel, on a small screen, while it is being cancelled, and after it.

use super::leftover_tests::says;
use super::tests::{at, finished, started};
use crate::tui::golden::Player;
use crate::tui::model::*;
use workshop_course::lesson::model::ActionKind;
use workshop_engine::command::{Command, CommandKind};
use workshop_engine::event::{EventKind, Failure, RequestOutcome, StepRef, Verdict};

fn failed(failure: Failure) -> EventKind {
    let at_step = StepRef { chapter: 1, step: "deploy".into() };
    let verdict = Verdict::Fail;
    EventKind::StepFinished { at_step, attempt: 1, verdict, took_ms: 9_000, failure: Some(failure) }
}

fn of_deploy(player: &mut Player, json: &str) {
    let at_step = r#""at_step":{"chapter":1,"step":"deploy"}"#;
    player.json(&json.replace("@step", at_step));
}

#[test]
fn a_rollback_says_what_to_do_and_gives_its_reason_away() {
    let mut player = at(120, 40, 1, "deploy");
    player.event(started("deploy", ActionKind::Deploy));
    of_deploy(&mut player, r#"{"event":"root_cause",@step,"logical_id":"Bad","reason":"no such policy"}"#);
    player.event(failed(Failure {
        actual: "Bad: no such policy (the stack is UPDATE_ROLLBACK_COMPLETE)".into(),
        reproduce: Some("cd cdk && npx cdk deploy".into()),
        hints: vec!["look at lib/stack.ts:5:1".into(), "the stack is as it was before".into()],
        ..Failure::default()
    }));
    let panel: Vec<String> =
        crate::tui::present::deploy::lines(&player.model, 80).iter().map(|line| line.to_string()).collect();
    let told =
        ["✗ Root cause: Bad", "  no such policy", "  look at lib/stack.ts:5:1", "  the stack is as it was before"];
    assert_eq!(panel[2..6], told, "{panel:#?}");
    player.play("key 4 y");
    assert!(says(&player, "Why it failed") && says(&player, "The command that shows it by hand"));
}

#[test]
fn on_a_small_screen_paging_leaves_no_row_out() {
    let mut player = at(80, 24, 1, "deploy");
    player.event(started("deploy", ActionKind::Deploy));
    let output = (1..=40).map(|n| format!("reason number {n} of many")).collect::<Vec<_>>();
    player.event(failed(Failure { actual: output.join("\n"), ..Failure::default() }));
    player.play("key 4");
    let shown = |player: &Player| {
        let screen = player.screen();
        let number = |row: &String| row.trim().strip_prefix("reason number ")?.split(' ').next()?.parse::<u32>().ok();
        screen.iter().filter_map(number).collect::<Vec<u32>>()
    };
    let mut last = 0;
    for page in 0..8 {
        let rows = shown(&player);
        // The card has the first ones, too.
        let first = rows.iter().find(|n| **n + 3 > last).copied().unwrap_or(last + 1);
        assert!(first <= last + 1, "page {page}: {last} is followed by {first}");
        last = rows.iter().copied().max().unwrap_or(last).max(last);
        player.play("key ctrl-d");
    }
    assert_eq!(last, 40);
    player.play("key home /");
    player.play("type number 14 of");
    player.play("key enter");
    assert!(shown(&player).contains(&14), "what was found is not behind the card: {:#?}", player.screen());
}

#[test]
fn what_is_being_cancelled_says_so_until_it_has_ended() {
    let mut player = at(120, 40, 1, "deploy");
    player.event(started("deploy", ActionKind::Deploy));
    player.play("key ctrl-c");
    assert!(!player.model.is_cancelling());
    let effects = player.key("c");
    let asked = effects.iter().find_map(|effect| match effect {
        Effect::Send(request) if request.command == Command::Cancel => Some(request.id),
        _ => None,
    });
    assert!(says(&player, "It is being cancelled"), "{:#?}", player.screen());
    player.play("key space");
    assert!(says(&player, "still runs: it is being cancelled"), "{:#?}", player.screen());
    player.event(finished("deploy", Verdict::Fail));
    let outcome = RequestOutcome::Complete;
    player.event(EventKind::Done { id: asked.unwrap(), command: CommandKind::Cancel, outcome });
    assert!(!says(&player, "being cancelled"), "{:#?}", player.screen());
}

#[test]
fn a_deploy_that_did_not_come_to_the_stack_leaves_checks_as_they_were() {
    let mut player = at(120, 40, 1, "deploy");
    let check = r#""at_check":{"chapter":1,"check":"connects"},"title":"t""#;
    player.json(&format!(r#"{{"event":"check_started",{check},"attempt":1}}"#));
    player.json(&format!(r#"{{"event":"check_finished",{check},"verdict":"pass","attempts":1,"took_ms":8}}"#));
    let before = |player: &Player| {
        let state = player.model.progress.checks.values().next().unwrap();
        crate::tui::present::checks::from_before(&player.model, state)
    };
    player.model.now += 1_000;
    player.event(started("deploy", ActionKind::Deploy));
    assert!(before(&player).is_some());
    player.event(failed(Failure::default()));
    assert_eq!(before(&player), None);
    let stack = r#""logical_id":"S","resource_type":"AWS::CloudFormation::Stack","status":"UPDATE_ROLLBACK_COMPLETE""#;
    of_deploy(&mut player, &format!(r#"{{"event":"resource_changed",@step,"resource":{{{stack},"started":1}}}}"#));
    assert!(before(&player).is_some(), "it was changed, and taken back");
}

#[test]
fn outputs_of_a_deploy_that_was_broken_off_are_those_of_before() {
    let mut player = at(120, 40, 1, "deploy");
    player.json(r#"{"event":"stack_output","key":"Url","value":"https://x"}"#);
    player.event(started("deploy", ActionKind::Deploy));
    // Killed, and opened again.
    let progress = serde_json::to_string(&player.model.progress).unwrap();
    player.json(&format!(r#"{{"event":"restored","progress":{progress}}}"#));
    player.play("key 4");
    assert!(says(&player, "of the stack as it was before"), "{:#?}", player.screen());
}

#[test]
fn a_refusal_that_is_meant_is_no_alarm_in_the_log() {
    for expects_failure in [false, true] {
        let mut player = at(120, 40, 1, "refused");
        let at_step = StepRef { chapter: 1, step: "refused".into() };
        player.event(EventKind::StepStarted {
            at_step,
            attempt: 1,
            action: ActionKind::Check,
            expects_failure,
            usual_ms: None,
        });
        player.json(
            r#"{"event":"invoked","at_step":null,"payload":"{}","response":"access denied","function_error":"Unhandled",
                "log_tail":[],"took_ms":9}"#,
        );
        let line = player.model.log.lines().find(|line| line.text.contains("access denied")).unwrap();
        let wanted = if expects_failure { LogKind::Expected } else { LogKind::Bad };
        assert_eq!(line.kind, wanted, "expects failure: {expects_failure}");
    }
}

#[test]
fn of_a_step_walked_by_statements_the_footer_says_what_the_card_says() {
    let mut player = at(120, 40, 2, "conflict");
    let at_step = r#""at_step":{"chapter":2,"step":"conflict"},"index":0,"total":3"#;
    player.json(r#"{"event":"step_started","at_step":{"chapter":2,"step":"conflict"},"attempt":1,"action":"sql","expects_failure":false}"#);
    player.json(&format!(r#"{{"event":"statement_started",{at_step}}}"#));
    player.json(&format!(r#"{{"event":"statement_finished",{at_step}}}"#));
    assert!(says(&player, "r     runs the rest of them"), "{:#?}", player.screen());
    assert!(says(&player, "r run the rest") && !says(&player, "r run again"), "{:#?}", player.screen());
}
