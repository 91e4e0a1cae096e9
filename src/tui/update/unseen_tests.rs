//! What has no room says so; and what is told is so now: counts, marks, reasons, offers.

use super::leftover_tests::says;
use super::tests::{at, finished, started};
use crate::tui::golden::Player;
use crate::tui::model::*;
use workshop_course::lesson::model::ActionKind;
use workshop_engine::event::Verdict;

#[test]
fn lists_and_pictures_say_how_much_of_them_is_not_seen() {
    let mut player = at(80, 24, 1, "deploy");
    player.key(":");
    assert!(says(&player, "more lines"), "{:#?}", player.screen());
    player.play("type zoom");
    assert!(!says(&player, "more line"), "{:#?}", player.screen());
    let mut player = at(80, 24, 2, "conflict");
    for (number, session) in (0..24).zip(["A", "B"].into_iter().cycle()) {
        player.model.now += 1_000;
        player.json(&format!(r#"{{"event":"sql_started","id":0,"session":"{session}","text":"select {number};"}}"#));
        player.json(&format!(
            r#"{{"event":"sql_finished","id":0,"session":"{session}","tx":"idle","rows":1,"took_ms":1}}"#
        ));
    }
    player.play("key 5 v");
    assert!(says(&player, "A") && says(&player, "select 23;") && !says(&player, "select 0;"));
    assert!(says(&player, "lines above: ctrl-u goes back"), "{:#?}", player.screen());
    player.key("g");
    assert!(says(&player, "select 0;") && says(&player, "more lines: ctrl-d reads on"), "{:#?}", player.screen());
    player.key("G");
    assert!(says(&player, "select 23;") && says(&player, "lines above"), "{:#?}", player.screen());
    // All of a plan can be read.
    let node = |depth: usize| {
        let arrow = if depth > 0 { "->  " } else { "" };
        let indent = " ".repeat(1 + 6 * depth.saturating_sub(1) + if depth > 0 { 2 } else { 0 });
        format!(
            r#"["row","{indent}{arrow}Sort  (cost=1.0..2.0 rows=1 width=4) (actual time=0.1..0.2 rows={depth} loops=1)"]"#
        )
    };
    let rows = (0..30).map(node).collect::<Vec<_>>().join(",");
    player.json(r#"{"event":"sql_started","id":7,"session":"A","text":"explain analyze select 1;"}"#);
    player.json(&format!(r#"{{"event":"sql_text","id":7,"session":"A","lines":[{rows}]}}"#));
    player.json(r#"{"event":"sql_finished","id":7,"session":"A","tx":"idle","rows":1,"took_ms":1}"#);
    player.model.console.picture = SqlPicture::Plan;
    player.key("G");
    let last = player.model.console.picture_rows.last().map(ToString::to_string).unwrap_or_default();
    assert!(player.model.console.picture_rows.len() > 20 && says(&player, last.trim()), "{:#?}", player.screen());
    assert!(!says(&player, "more line"), "{:#?}", player.screen());
}

/// A file with so many lines, all of them added, as the difference of the step.
fn with_diff(width: u16, height: u16, lines: usize) -> Player {
    let mut player = at(width, height, 1, "cluster");
    let text = (1..=lines).map(|n| format!("line {n}\\n")).collect::<String>();
    let added = (1..=lines).map(|n| format!(r#"{{"side":"added","parts":[[false,"line {n}"]]}}"#));
    let added = added.collect::<Vec<_>>().join(",");
    let of = r#"{"step":{"chapter":1,"step":"cluster"}}"#;
    player.json(&format!(
        r#"{{"event":"diff","of":{of},"files":[{{"path":"cdk/stack.ts","status":"changed","before":"","after":"{text}",
            "hunks":[{{"before_start":0,"before_len":0,"after_start":0,"after_len":{lines},"lines":[{added}]}}]}}]}}"#
    ));
    player.key("3");
    player
}

#[test]
fn a_difference_says_how_much_of_it_is_not_seen_and_all_of_it_can_be() {
    let mut player = with_diff(80, 24, 40);
    assert!(says(&player, "more lines: ctrl-d reads on") && !says(&player, "line 40"), "{:#?}", player.screen());
    player.key("G");
    assert!(says(&player, "line 40") && says(&player, "lines above: ctrl-u goes back"), "{:#?}", player.screen());
    // The one key reads it to its end, too, and then there is no more to say than what lies above.
    let mut player = with_diff(80, 24, 40);
    for _ in 0..40 {
        if says(&player, "reads the hunk to its end") {
            player.key("space");
        }
    }
    assert!(says(&player, "line 40") && says(&player, "space applies"), "{:#?}", player.screen());
    let player = with_diff(80, 24, 5);
    assert!(says(&player, "line 5") && !says(&player, "lines above") && !says(&player, "more line"));
}

#[test]
fn what_is_in_the_files_already_is_not_said_to_be_applied() {
    let mut player = at(80, 24, 1, "cluster");
    assert!(says(&player, "applies 2 changes to cdk/stack.ts"), "{:#?}", player.screen());
    player.json(r#"{"event":"hunks_applied","chapter":1,"hunks":[["cdk/stack.ts",0]]}"#);
    assert!(says(&player, "applies one more change to cdk/stack.ts"), "{:#?}", player.screen());
    player.json(r#"{"event":"hunks_applied","chapter":1,"hunks":[["cdk/stack.ts",0],["cdk/stack.ts",1]]}"#);
    assert!(says(&player, "finds all of it written already"), "{:#?}", player.screen());
}

#[test]
fn what_was_cancelled_is_not_counted_among_what_failed() {
    let mut player = at(80, 24, 1, "prove");
    let told = |check: &str, verdict: &str| {
        format!(
            r#"{{"event":"check_finished","at_check":{{"chapter":1,"check":"{check}"}},"title":"t","verdict":"{verdict}","attempts":1,"took_ms":8}}"#
        )
    };
    player.json(&told("connects", "error"));
    assert!(says(&player, "6 Checks !1"), "{:#?}", player.screen());
    player.json(&told("grants", "fail"));
    assert!(says(&player, "6 Checks ✗1"), "{:#?}", player.screen());
}

#[test]
fn a_reason_is_told_once_and_without_what_lies_below_it() {
    let mut player = at(80, 24, 1, "deploy");
    player.model.progress.workdir = Some("/home/x/my-dsql-app".into());
    player.event(started("deploy", ActionKind::Deploy));
    player.json(r#"{"event":"phase_started","at_step":{"chapter":1,"step":"deploy"},"phase":"synth"}"#);
    player.json(
        r#"{"event":"step_finished","at_step":{"chapter":1,"step":"deploy"},"attempt":1,"verdict":"fail","took_ms":9,
            "failure":{"expected":"it deploys","actual":"cdk/lib/stack.ts:53:16: Unexpected \";\"\nexit code 1","output":[
            "/home/x/my-dsql-app/node_modules/tsx/dist/register-B1c7OH6V.cjs:22","Error: Transform failed with 1 error:",
            "/home/x/my-dsql-app/cdk/lib/stack.ts:53:15: ERROR: Unexpected \";\"","something else to know"]}}"#,
    );
    player.key("4");
    assert!(says(&player, "stack.ts:53:16") && says(&player, "something else to know"), "{:#?}", player.screen());
    for other in ["53:15", "node_modules", "Transform failed"] {
        assert!(!says(&player, other), "{other}: {:#?}", player.screen());
    }
}

#[test]
fn a_transaction_that_the_lesson_loses_is_not_offered_to_be_retried() {
    for (id, offered) in [(0, false), (7, true)] {
        let mut player = at(80, 24, 2, "conflict");
        player.json(&format!(r#"{{"event":"sql_started","id":{id},"session":"A","text":"commit;"}}"#));
        player.json(&format!(
            r#"{{"event":"sql_finished","id":{id},"session":"A","tx":"idle","rows":0,"took_ms":1,
                "error":{{"severity":"ERROR","sqlstate":"40001","message":"change conflicts (OC000)"}}}}"#
        ));
        player.key("5");
        assert_eq!(says(&player, "t retry transaction"), offered, "{id}: {:#?}", player.screen());
    }
}

#[test]
fn a_title_that_does_not_fit_is_cut_with_a_mark() {
    let mut player = at(80, 24, 1, "deploy");
    player.model.settings.clock = false;
    std::sync::Arc::make_mut(&mut player.model.course).title =
        "A title that is as long as that of many a course".into();
    player.json(
        r#"{"event":"opened","title":"t","target":"local","workdir":"w","position":{"chapter":1,"step":"deploy"}}"#,
    );
    player.json(r#"{"event":"undeployed","files":["cdk/lib/dat401-stack.ts"]}"#);
    let first = player.screen()[0].clone();
    assert!(
        first.contains("DAT401 A title that is as lon") && first.contains("… ") && first.ends_with("stack.ts"),
        "{first}"
    );
    player.send(Msg::Resize(52, 24));
    assert!(player.screen()[0].starts_with(" DAT401 …"), "{}", player.screen()[0]);
}

#[test]
fn what_is_asked_is_answered_in_its_own_words() {
    let mut player = at(80, 24, 2, "conflict");
    player.json(r#"{"event":"session_opened","session":"A","role":"admin","host":"h"}"#);
    player.json(r#"{"event":"sql_finished","id":1,"session":"A","tx":"open","rows":0,"took_ms":1}"#);
    player.key("q");
    let footer = player.screen().pop().unwrap_or_default();
    assert_eq!(footer.trim(), "c roll back and leave   esc stay");
}

#[test]
fn the_difference_of_a_whole_chapter_says_so_at_steps_that_change_nothing() {
    let mut player = at(80, 24, 1, "deploy");
    player.key("3");
    let of = workshop_engine::event::DiffOf::Chapters { from: 0, to: 1 };
    assert_eq!(player.model.diff.asked.as_ref(), Some(&of));
    player.json(
        r#"{"event":"diff","of":{"chapters":{"from":0,"to":1}},"files":[{"path":"cdk/stack.ts","status":"changed",
            "before":"","after":"x\n","hunks":[{"before_start":0,"before_len":0,"after_start":0,"after_len":1,
            "lines":[{"side":"added","parts":[[false,"x"]]}]}]}]}"#,
    );
    assert!(says(&player, "The whole of chapter 1"), "{:#?}", player.screen());
    player.key("m");
    let of = workshop_engine::event::DiffOf::Mine { chapter: 1 };
    assert_eq!(player.model.diff.asked.as_ref(), Some(&of), "the same again would be nothing");
}

#[test]
fn on_the_smallest_screen_a_card_says_what_it_came_to() {
    let mut player = at(40, 10, 1, "deploy");
    player.event(started("deploy", ActionKind::Deploy));
    player.json(
        r#"{"event":"step_finished","at_step":{"chapter":1,"step":"deploy"},"attempt":1,"verdict":"fail","took_ms":9,
            "failure":{"expected":"it deploys","actual":"one reason\nand another","reproduce":"npx cdk deploy"}}"#,
    );
    player.key("2");
    assert!(says(&player, "✗ Failed …") && says(&player, "r runs it again"), "{:#?}", player.screen());
    let mut player = at(40, 10, 1, "refused");
    let course = std::sync::Arc::make_mut(&mut player.model.course);
    course.chapters[1].steps[2].optional = true;
    player.send(Msg::Tick);
    while says(&player, "reads on") {
        player.key("space");
    }
    let first = player.screen().into_iter().find(|row| row.contains("! This one"));
    assert!(first.is_some_and(|row| row.matches('…').count() == 1), "{:#?}", player.screen());
}

#[test]
fn what_went_well_in_a_second_is_without_what_failed() {
    let mut player = at(80, 24, 2, "storm");
    let step = r#""at_step":{"chapter":2,"step":"storm"}"#;
    player.json(&format!(r#"{{"event":"step_started",{step},"attempt":1,"action":"load","expects_failure":false}}"#));
    player.json(&format!(
        r#"{{"event":"load_progress",{step},"done":300,"failed":200,"total":300,"per_second":60.0,"p50_ms":1.0,"p99_ms":2.0}}"#
    ));
    player.key("8");
    let row = player.screen().into_iter().find(|row| row.contains("went well") && row.contains("/ s"));
    assert!(row.is_some_and(|row| row.ends_with(" 20 / s")), "{:#?}", player.screen());
}

#[test]
fn a_panel_does_not_say_of_a_step_that_has_run_that_it_has_not() {
    let mut player = at(80, 24, 1, "deploy");
    player.event(started("deploy", ActionKind::Deploy));
    player.event(finished("deploy", Verdict::Pass));
    let other = |event: &str| {
        format!(
            r#"{{"event":"{event}","at_step":{{"chapter":2,"step":"later"}},"attempt":1,"action":"deploy","expects_failure":false,"verdict":"pass","took_ms":5}}"#
        )
    };
    player.json(&other("step_started"));
    player.json(&other("step_finished"));
    player.key("4");
    assert!(says(&player, "✓ Done") && says(&player, "Deploy the cluster has run"), "{:#?}", player.screen());
    assert!(says(&player, "Of another step:") && !says(&player, "has not run yet"), "{:#?}", player.screen());
    let mut player = at(80, 24, 2, "storm");
    for step in ["storm", "again"] {
        let at_step = format!(r#""at_step":{{"chapter":2,"step":"{step}"}}"#);
        player.json(&format!(
            r#"{{"event":"step_started",{at_step},"attempt":1,"action":"load","expects_failure":false}}"#
        ));
        player.json(&format!(r#"{{"event":"load_progress",{at_step},"done":3,"failed":0,"total":3,"per_second":6.0,"p50_ms":1.0,"p99_ms":2.0}}"#));
        player.json(&format!(r#"{{"event":"step_finished",{at_step},"attempt":1,"verdict":"pass","took_ms":5}}"#));
    }
    player.key("8");
    assert!(says(&player, "Many at once has run") && !says(&player, "has not run yet"), "{:#?}", player.screen());
}
