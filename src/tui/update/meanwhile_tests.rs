//! What the screen says and does at the worst moment: too small, while something is typed, asked, cancelled or begun anew.

use super::leftover_tests::says;
use super::tests::{at, finished, sent, started, with_lanes};
use crate::tui::golden::Player;
use crate::tui::model::*;
use workshop_course::lesson::model::ActionKind;
use workshop_engine::command::{BringTo, Command, CommandKind};
use workshop_engine::event::{EventKind, Failure, RequestOutcome, StepRef, Verdict};

fn step(id: &str) -> StepRef {
    StepRef { chapter: 1, step: id.into() }
}

/// The step was cancelled.
fn cancelled(id: &str) -> EventKind {
    let failure = Failure {
        kind: workshop_base::problem::Kind::Interrupted,
        expected: "it runs to its end".into(),
        actual: "it was cancelled".into(),
        ..Failure::default()
    };
    EventKind::StepFinished {
        at_step: step(id),
        attempt: 1,
        verdict: Verdict::Error,
        took_ms: 12_000,
        failure: Some(failure),
    }
}

/// A deploy that changes the stack, which says this of itself.
fn deploying(player: &mut Player, status: &str) {
    player.event(started("deploy", ActionKind::Deploy));
    let at_step = r#""at_step":{"chapter":1,"step":"deploy"}"#;
    player.json(&format!(r#"{{"event":"phase_started",{at_step},"phase":"resources"}}"#));
    player.json(&format!(
        r#"{{"event":"resource_changed",{at_step},"resource":{{"logical_id":"Stack","resource_type":"AWS::CloudFormation::Stack","status":"{status}","started":1}}}}"#
    ));
}

fn row_with(player: &Player, text: &str) -> String {
    let screen = player.screen();
    screen.iter().find(|row| row.contains(text)).unwrap_or_else(|| panic!("{text} is not in {screen:#?}")).clone()
}

#[test]
fn where_nothing_can_be_seen_no_key_drives() {
    let mut player = at(120, 40, 1, "deploy");
    player.send(Msg::Resize(39, 9));
    for key in ["tab", "backtab", "space", "r", "n", "A", "c", "?", ":", "B", "i"] {
        assert!(sent(&player.key(key)).is_empty() && player.model.mode == InputMode::Walking, "{key}");
    }
    assert!(player.key("ctrl-z").contains(&Effect::Suspend));
    player.event(started("deploy", ActionKind::Deploy));
    assert!(sent(&player.key("q")).is_empty() && player.model.mode == InputMode::Walking, "it could not be asked");
    player.event(finished("deploy", Verdict::Fail));
    assert_eq!(sent(&player.key("q")), [&Command::Quit]);
    for leads_to in ["i", "/", "?", ":"] {
        let mut player = at(120, 40, 2, "conflict");
        player.key(leads_to);
        player.send(Msg::Resize(39, 9));
        assert_eq!(sent(&player.key("ctrl-c")), [&Command::Quit], "behind {leads_to}");
    }
    let mut player = at(39, 9, 1, "deploy");
    player.send(Msg::Resize(120, 40));
    assert_eq!(sent(&player.key("space")), [&Command::Run]);
}

#[test]
fn keys_are_told_behind_what_leads_out_of_typing() {
    let mut player = at(120, 40, 2, "conflict");
    assert!(row_with(&player, "statement 1 of 3").contains("│ space statement"), "{:#?}", player.screen());
    player.key("i");
    assert!(row_with(&player, "statement 1 of 3").contains("│ esc space statement"), "{:#?}", player.screen());
    player.event(EventKind::EditsKept { files: vec!["a.ts".into()], journal: 3 });
    assert!(says(&player, "esc E brings them back"));
    player.play("key esc /");
    assert!(row_with(&player, "statement 1 of 3").contains("│ esc space statement"), "a search takes letters, too");
    player.key("esc");
    player.model.options.vi = true;
    player.key("i");
    assert!(says(&player, "esc esc space"), "the first leads to vi's commands: {:#?}", player.screen());
}

#[test]
fn a_deploy_that_nothing_stops_is_not_said_to_come_back() {
    let not = "returns";
    for (status, comes_back) in
        [("UPDATE_IN_PROGRESS", true), ("CREATE_IN_PROGRESS", false), ("DELETE_IN_PROGRESS", false)]
    {
        let mut player = at(80, 24, 1, "deploy");
        deploying(&mut player, status);
        player.key("ctrl-c");
        assert_eq!(says(&player, not), comes_back, "{status}: {:#?}", player.screen());
        assert_eq!(says(&player, status), !comes_back, "{status}: {:#?}", player.screen());
        player.key("c");
        if comes_back {
            continue;
        }
        player.event(cancelled("deploy"));
        player.key("2");
        assert!(says(&player, "Cancelled after 12 s") && says(&player, &format!("The stack was {status} by then")));
    }
}

#[test]
fn what_was_cancelled_is_not_said_to_have_been_out_of_order() {
    let mut player = at(120, 40, 1, "deploy");
    player.event(started("deploy", ActionKind::Deploy));
    let effects = player.event(cancelled("deploy"));
    assert!(effects.contains(&Effect::Announce("Deploy the cluster: cancelled".into())), "{effects:?}");
    player.key("7");
    assert!(says(&player, "Deploy the cluster: cancelled after 12.0 s") || says(&player, "cancelled after 12 s"));
    assert!(!says(&player, "could not run") && !says(&player, "it runs to its end"), "{:#?}", player.screen());
    player.play("key 2 space");
    assert!(says(&player, "This step was cancelled: r runs it again"));
    player.key("n");
    assert!(
        says(&player, "“Deploy the cluster” was cancelled: b goes back to it"),
        "it was run: {:#?}",
        player.screen()
    );
    let failure = r#"{"kind":"interrupted","expected":"it runs to its end","actual":"it was cancelled"}"#;
    player.json(&format!(
        r#"{{"event":"check_finished","at_check":{{"chapter":1,"check":"connects"}},"title":"t","verdict":"error",
            "attempts":1,"took_ms":8,"failure":{failure}}}"#
    ));
    player.key("6");
    assert!(says(&player, "The function connects: cancelled"), "{:#?}", player.screen());
}

#[test]
fn an_answer_that_comes_too_late_is_none_to_anything_else() {
    let mut player = at(120, 40, 1, "deploy");
    player.event(started("deploy", ActionKind::Deploy));
    player.key("ctrl-c");
    player.event(finished("deploy", Verdict::Pass));
    assert!(player.model.mode == InputMode::Walking && says(&player, "What was asked about has ended meanwhile"));
    assert!(sent(&player.key("c")).is_empty(), "it would run the checks");
    let asked = player.key("c");
    let [Effect::Send(request)] = &asked[..] else { panic!("who means them says so again: {asked:?}") };
    let (id, command) = (request.id, request.command.kind());
    player.event(EventKind::Done { id, command, outcome: RequestOutcome::Verdict(Verdict::Pass) });
    player.event(started("deploy", ActionKind::Deploy));
    player.key("ctrl-c");
    player.event(finished("deploy", Verdict::Pass));
    player.model.now += 5_000;
    assert_eq!(sent(&player.key("c")).len(), 1, "by then it is seen");
}

#[test]
fn a_plan_of_another_time_is_none_to_compare_with() {
    let explain = |player: &mut Player, rows: u32| {
        let text = "EXPLAIN ANALYZE SELECT 1 FROM t;";
        player.json(&format!(r#"{{"event":"sql_started","id":3,"session":"A","text":"{text}"}}"#));
        player.json(&format!(
            r#"{{"event":"sql_text","id":3,"session":"A","lines":[["row"," Seq Scan on t  (cost=0.00..1.01 rows={rows} width=4) (actual time=1.0..1.0 rows={rows} loops=1)"]]}}"#
        ));
        player.json(r#"{"event":"sql_finished","id":3,"session":"A","tx":"idle","rows":1,"took_ms":1}"#);
    };
    let restored = EventKind::StateRestored { progress: Default::default() };
    let brought = EventKind::Done { id: 1, command: CommandKind::Bring, outcome: RequestOutcome::Complete };
    for begins_again in [restored, brought] {
        let mut player = at(120, 40, 2, "conflict");
        player.key("5");
        explain(&mut player, 7);
        player.key("v");
        assert!(says(&player, "read 7 rows"), "{:#?}", player.screen());
        player.event(EventKind::Bringing { to: BringTo::Chapter(2), done: 0, total: 0 });
        player.event(begins_again);
        assert!(player.model.console.picture == SqlPicture::None && player.model.console.plans.is_empty());
        explain(&mut player, 9);
        player.key("v");
        assert!(says(&player, "read 9 rows") && !says(&player, "before 7"), "{:#?}", player.screen());
    }
}

#[test]
fn a_hint_that_there_is_is_told() {
    let mut player = at(120, 40, 1, "prove");
    player.event(started("prove", ActionKind::Check));
    player.json(
        r#"{"event":"check_finished","at_check":{"chapter":1,"check":"connects"},"title":"t","verdict":"fail",
            "attempts":1,"took_ms":8,"failure":{"expected":"a row","actual":"none"}}"#,
    );
    player.event(finished("prove", Verdict::Fail));
    assert!(says(&player, "h gives a hint"), "the step has none, its check has: {:#?}", player.screen());
    player.play("key h 2 h 2");
    assert!(!says(&player, "h gives a hint"), "both were told");
    assert!(player.key("h").is_empty() && says(&player, "There are no more hints here"));
}

#[test]
fn a_list_to_choose_from_stands_still_while_things_happen() {
    let mut player = at(120, 40, 2, "conflict");
    let ask = |player: &mut Player, text: &str| {
        player.json(&format!(r#"{{"event":"sql_started","id":1,"session":"A","text":"{text}"}}"#));
        player.json(r#"{"event":"sql_finished","id":1,"session":"A","tx":"idle","rows":1,"took_ms":1}"#);
    };
    ask(&mut player, "select 'first';");
    player.play("key 4 y");
    let chosen = |player: &Player| crate::tui::present::palette::entries(&player.model)[1].title.clone();
    let before = chosen(&player);
    player.json(r#"{"event":"stack_output","key":"Arn","value":"https://one"}"#);
    ask(&mut player, "select 'second';");
    assert_eq!(chosen(&player), before, "the cursor is on what it was on");
    player.key("esc");
    player.play("key 5 y");
    ask(&mut player, "select 'third';");
    let effects = player.key("enter");
    assert!(effects.contains(&Effect::Copy("select 'second';\n".into())), "{effects:?}");
}

#[test]
fn what_came_before_is_not_told_as_what_is_now() {
    let mut player = at(200, 60, 1, "refused");
    deploying(&mut player, "UPDATE_COMPLETE");
    player.event(finished("deploy", Verdict::Fail));
    player.key("4");
    assert!(says(&player, "update complete") && says(&player, "[Deploy]✗"), "{:#?}", player.screen());
    let course = std::sync::Arc::make_mut(&mut player.model.course);
    let mut later = course.chapters[1].steps[1].clone();
    later.id = "later".into();
    course.chapters[1].steps.push(later);
    let position = workshop_engine::event::Position { chapter: 1, step: "later".into() };
    player.event(EventKind::Moved { position });
    player.key("4");
    assert!(says(&player, "has not run yet.") && !says(&player, "update complete"), "{:#?}", player.screen());
    assert!(!says(&player, "[Deploy]✗"));

    let mut player = at(200, 60, 1, "prove");
    let check = |player: &mut Player, id: &str, verdict: &str| {
        let at_check = format!(r#""at_check":{{"chapter":1,"check":"{id}"}},"title":"t""#);
        player.json(&format!(r#"{{"event":"check_started",{at_check},"attempt":1}}"#));
        player.json(&format!(
            r#"{{"event":"check_finished",{at_check},"verdict":"{verdict}","attempts":1,"took_ms":8}}"#
        ));
    };
    check(&mut player, "connects", "pass");
    check(&mut player, "grants", "fail");
    player.key("6");
    assert!(says(&player, "1 of 2 passed") && says(&player, "[Checks]✗1"), "{:#?}", player.screen());
    player.model.now += 1_000;
    player.event(started("deploy", ActionKind::Deploy));
    player.event(finished("deploy", Verdict::Pass));
    assert!(says(&player, "0 of 2 passed") && !says(&player, "✗1"), "these are of before: {:#?}", player.screen());
}

#[test]
fn a_load_that_has_begun_is_not_the_one_before_it() {
    let mut player = at(120, 40, 2, "storm");
    let figures = |player: &mut Player, done: u32| {
        player.json(&format!(
            r#"{{"event":"load_progress","at_step":{{"chapter":2,"step":"storm"}},"done":{done},"failed":0,"total":300,"per_second":10.0,"p50_ms":1.0,"p99_ms":2.0}}"#
        ));
    };
    let begins = || EventKind::StepStarted {
        at_step: StepRef { chapter: 2, step: "storm".into() },
        attempt: 1,
        action: ActionKind::Load,
        expects_failure: false,
        usual_ms: None,
    };
    player.event(begins());
    figures(&mut player, 5);
    player.key("8");
    assert!(says(&player, "5 of 300"));
    // It was cancelled, and begins anew.
    player.event(begins());
    assert!(says(&player, "Many at once has begun") && says(&player, "Before it:"), "{:#?}", player.screen());
    figures(&mut player, 40);
    assert_eq!(player.model.loads.iter().map(|run| run.samples.len()).collect::<Vec<_>>(), [1, 1], "each its own");
}

#[test]
fn the_key_that_makes_ready_again_is_told_as_that() {
    let mut player = at(80, 24, 1, "deploy");
    assert!(says(&player, "space deploy"));
    player.json(
        r#"{"event":"prepare_failed","task":"packages","problem":{"kind":"environment","message":"no network"}}"#,
    );
    assert!(says(&player, "space try again"), "{:#?}", player.screen());
    assert_eq!(sent(&player.key("space")), [&Command::Prepare]);
}

#[test]
fn what_can_be_interrupted_is_said_to_be() {
    let mut player = at(80, 24, 1, "prove");
    assert!(!says(&player, "ctrl-c"));
    player.json(r#"{"event":"check_started","attempt":1,"at_check":{"chapter":1,"check":"connects"},"title":"t"}"#);
    assert!(says(&player, "ctrl-c interrupt"), "{:#?}", player.screen());
    player.key("ctrl-c");
    assert!(says(&player, "The checks"));
    let mut player = at(120, 40, 2, "conflict");
    player.json(r#"{"event":"sql_started","id":3,"session":"A","text":"select pg_sleep(9);"}"#);
    assert!(says(&player, "ctrl-c interrupt"));
    player.play("key 5 t");
    assert!(says(&player, "A still runs a statement"), "{:#?}", player.screen());
}

#[test]
fn what_is_pasted_where_nothing_is_typed_is_told_to_be_nowhere() {
    let mut player = at(80, 24, 1, "deploy");
    player.send(Msg::Paste("select 1;".into()));
    assert!(says(&player, "went nowhere") && says(&player, "i types SQL"), "{:#?}", player.screen());
    player.key("i");
    player.send(Msg::Paste("select 1;".into()));
    assert!(says(&player, "select 1;"));
}

#[test]
fn the_keys_that_answer_stand_on_the_smallest_screen() {
    let mut player = at(40, 10, 1, "deploy");
    player.key("B");
    assert!(says(&player, "y  do it") && says(&player, "esc  leave everything"), "{:#?}", player.screen());
    assert!(says(&player, "Bring everything"));
}

#[test]
fn who_comes_to_the_prompt_types_there() {
    let mut player = at(120, 40, 2, "conflict");
    player.model.options.vi = true;
    player.play("key i esc 3");
    player.model.mode = InputMode::Walking;
    player.play("key i s");
    let text = player.model.session().map(|session| session.editor.text());
    assert_eq!((text.as_deref(), player.model.count), (Some("s"), None));
}

#[test]
fn what_is_selected_stays_so_when_the_course_is_read_again() {
    let mut player = at(120, 40, 1, "prove");
    player.play("key 6 down 1 up up");
    let selected = |player: &Player| {
        crate::tui::present::outline::items(&player.model).into_iter().nth(player.model.outline.cursor)
    };
    let before = selected(&player);
    player.model.retrace.done = vec![("x".into(), Command::UndoHunk { file: "a".into(), index: 0 })];
    let mut course = (*player.model.course).clone();
    let (step, check) = (course.chapters[1].steps[0].clone(), course.chapters[1].checks[0].clone());
    course.chapters[1].steps.insert(0, workshop_course::lesson::model::Step { id: "new".into(), ..step });
    course.chapters[1].checks.insert(0, workshop_course::lesson::model::Check { id: "new".into(), ..check });
    let position = workshop_engine::event::Position { chapter: 1, step: "prove".into() };
    let course = Some(std::sync::Arc::new(course));
    player.event(EventKind::CourseReloaded { position, gone: None, course });
    assert_eq!(selected(&player), before);
    assert_eq!(player.model.chapter().unwrap().checks[player.model.checks.cursor].id, "grants");
    assert!(player.model.retrace.done.is_empty(), "that number may be another hunk's now");
}

#[test]
fn a_picture_that_shows_is_what_is_copied() {
    let mut player = with_lanes();
    let effects = player.key("Y");
    let copied = effects.iter().find_map(|e| if let Effect::Copy(text) = e { Some(text.as_str()) } else { None });
    assert!(copied.is_some_and(|text| text.contains("✓ select 1;") && !text.contains("=>")), "{copied:?}");
}

#[test]
fn a_picture_is_told_with_the_key_that_shows_it_where_there_is_one() {
    let mut player = at(200, 60, 1, "grant");
    let course = std::sync::Arc::make_mut(&mut player.model.course);
    let grant = &mut course.chapters[1].steps[3];
    grant.hints = vec!["So: ![The policy](images/policy.png)".into()];
    grant.notes = Some("![The queue](images/queue.png)".into());
    player.play("keys key.images = f9");
    assert!(sent(&player.key("f9")).is_empty() && says(&player, "This step has no pictures"));
    player.key("h");
    assert!(says(&player, "[picture: The policy] (f9 shows it)"), "{:#?}", player.screen());
    let effects = player.key("f9");
    assert!(matches!(&effects[..], [Effect::ShowImages(images), ..] if images.len() == 1), "{effects:?}");
    player.key("N");
    assert!(says(&player, "[picture: The queue]") && !says(&player, "The queue] ("), "it shows those of the page");
}
