//! Keys that are told do what is told of them, and pointers point at what is drawn.

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use super::leftover_tests::says;
use super::tests::{at, finished, sent, started};
use crate::tui::golden::Player;
use crate::tui::model::*;
use workshop_course::lesson::model::ActionKind;
use workshop_engine::command::Command;
use workshop_engine::event::{EventKind, Verdict};

/// The first place on the screen where a text stands.
fn place(player: &Player, text: &str) -> (u16, u16) {
    let found = player.screen().iter().zip(0..).find_map(|(row, y)| Some((row[..row.find(text)?].chars().count(), y)));
    let (x, y) = found.unwrap_or_else(|| panic!("{text} is not in {:#?}", player.screen()));
    (x as u16, y)
}

fn mouse(player: &mut Player, kind: MouseEventKind, (column, row): (u16, u16)) -> Vec<Effect> {
    player.send(Msg::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }))
}

const CLICK: MouseEventKind = MouseEventKind::Down(MouseButton::Left);

fn check_failed(check: &str) -> String {
    format!(
        r#"{{"event":"check_finished","at_check":{{"chapter":1,"check":"{check}"}},"title":"t","verdict":"fail",
            "attempts":1,"took_ms":8,"failure":{{"expected":"a row","actual":"permission denied for table x"}}}}"#
    )
}

#[test]
fn the_repair_is_one_key_away_in_the_log_too() {
    let mut player = at(80, 24, 1, "refused");
    player.event(started("refused", ActionKind::Check));
    player.event(finished("refused", Verdict::FailedAsExpected));
    player.key("7");
    assert!(says(&player, "f repair"), "{:#?}", player.screen());
    assert_eq!(sent(&player.key("f")), [&Command::GoTo { chapter: 1, step: Some("grant".into()) }]);
    player.play("flood 90");
    player.play("key g");
    assert!(says(&player, "f follow"));
    assert!(player.key("f").is_empty() && player.model.log.below() == 0);
}

#[test]
fn the_keys_of_the_checks_are_told_where_they_hold() {
    let mut player = at(120, 40, 1, "prove");
    player.event(started("prove", ActionKind::Check));
    player.json(&check_failed("connects"));
    player.event(finished("prove", Verdict::Fail));
    assert_eq!((player.model.focus, says(&player, "enter runs it again")), (Panel::Page, false));
    player.key("6");
    assert!(says(&player, "enter runs it again   h gives a hint"));
    player.play("key down h");
    assert!(says(&player, "Hint 1 of 2"), "of one that has not run: {:#?}", player.screen());
}

#[test]
fn keys_are_told_where_they_do_something() {
    let mut player = at(80, 24, 1, "deploy");
    player.event(started("deploy", ActionKind::Deploy));
    player.event(finished("deploy", Verdict::Fail));
    assert!(says(&player, "n goes on without it") && !says(&player, "esc n"));
    player.play("key /");
    player.play("type deploy");
    player.play("key enter");
    assert!(says(&player, "esc n goes on without it"), "n is the next match: {:#?}", player.screen());
    let mut player = at(120, 40, 2, "conflict");
    player.key("6");
    assert!(!says(&player, "enter run this"), "the chapter has no checks");
    player.key("5");
    assert!(!says(&player, "] session"));
    player.key("+");
    player.key("esc");
    assert!(says(&player, "] session"));
}

#[test]
fn a_long_statement_leaves_room_for_its_time() {
    let mut player = at(80, 24, 2, "conflict");
    let text = "select first_column_of_it, second_column_of_it, third_column_of_it from a_table where id = 1;";
    player.json(&format!(r#"{{"event":"sql_started","id":3,"session":"A","text":"{text}"}}"#));
    player.play("wait 65");
    assert!(says(&player, "A: select first_column_of_it") && says(&player, "… · 1:05"), "{:#?}", player.screen());
}

#[test]
fn the_session_with_the_keyboard_is_named_however_many_there_are() {
    let mut player = at(80, 24, 2, "conflict");
    for session in ["first", "second", "third", "fourth"] {
        player.json(&format!(
            r#"{{"event":"session_opened","session":"{session}","role":"a_long_role_name","host":"h"}}"#
        ));
    }
    player.play("key 5");
    assert!(says(&player, "▸ A") && says(&player, "›"), "{:#?}", player.screen());
    player.play("key ] ] ] ]");
    assert!(says(&player, "▸ fourth a_long_role_name") && says(&player, "‹"), "{:#?}", player.screen());
}

#[test]
fn a_click_selects_the_check_that_is_under_it() {
    let mut player = at(80, 24, 1, "prove");
    let course = std::sync::Arc::make_mut(&mut player.model.course);
    let checks = &mut course.chapters[1].checks;
    for n in 0..14 {
        checks.push(workshop_course::lesson::model::Check {
            id: format!("c{n}"),
            title: format!("Check {n}"),
            ..checks[0].clone()
        });
    }
    player.json(&check_failed("c13"));
    player.key("6");
    (0..15).for_each(|_| drop(player.key("down")));
    assert!(!player.model.page.card.is_empty() && says(&player, "Check 12"));
    let at = place(&player, "Check 12");
    mouse(&mut player, CLICK, at);
    assert_eq!(player.model.checks.cursor, 14);
    let card = player.model.layout.slots[0].body.bottom() - 1;
    mouse(&mut player, CLICK, (5, card));
    assert_eq!(player.model.checks.cursor, 14, "the card is no check");
}

#[test]
fn a_first_click_on_the_outline_gives_it_the_keyboard_and_a_second_goes_there() {
    let mut player = at(120, 40, 1, "cluster");
    player.play("key 1 down 2");
    let at = place(&player, "Deploy the cluster");
    assert!(sent(&mouse(&mut player, CLICK, at)).is_empty());
    assert_eq!(sent(&mouse(&mut player, CLICK, at)), [&Command::GoTo { chapter: 1, step: Some("deploy".into()) }]);
}

#[test]
fn the_pointer_is_for_the_session_under_it() {
    let mut player = at(200, 40, 2, "conflict");
    for session in ["A", "B"] {
        player.json(&format!(r#"{{"event":"sql_started","id":0,"session":"{session}","text":"select '{session}';"}}"#));
        let lines: Vec<String> = (0..90).map(|n| format!(r#"["status","{session}{n}"]"#)).collect();
        let lines = lines.join(",");
        player.json(&format!(r#"{{"event":"sql_text","id":0,"session":"{session}","lines":[{lines}]}}"#));
        player.json(&format!(
            r#"{{"event":"sql_finished","id":0,"session":"{session}","tx":"idle","rows":1,"took_ms":1}}"#
        ));
    }
    player.play("key 5");
    player.model.console.picture = SqlPicture::None;
    player.send(Msg::Tick);
    assert_eq!((player.model.console.split, player.model.console.current), (SessionLayout::SideBySide, 1));
    let of_a = place(&player, "A89");
    let follow = |player: &Player| player.model.console.sessions.iter().map(|s| s.back.follow).collect::<Vec<_>>();
    mouse(&mut player, MouseEventKind::ScrollUp, of_a);
    assert_eq!(follow(&player), [false, true]);
    mouse(&mut player, MouseEventKind::ScrollDown, of_a);
    // Who marks in one of them copies nothing of the other.
    mouse(&mut player, CLICK, (of_a.0, of_a.1 - 1));
    mouse(&mut player, MouseEventKind::Drag(MouseButton::Left), (199, of_a.1));
    let effects = mouse(&mut player, MouseEventKind::Up(MouseButton::Left), (199, of_a.1));
    let marked = effects.iter().find_map(|e| if let Effect::CopyMarked(marked) = e { Some(*marked) } else { None });
    assert_eq!(crate::tui::view::marked_text(&player.model, &marked.expect("marked")), "A88\nA89");
    assert_eq!(player.model.console.current, 0, "the click has chosen it");
    player.play("key i");
    mouse(&mut player, MouseEventKind::ScrollUp, of_a);
    assert_eq!((follow(&player)[0], player.model.mode == InputMode::Entry), (false, true));
}

#[test]
fn a_click_on_the_prompt_types_wherever_it_stands() {
    let mut player = at(120, 40, 2, "conflict");
    player.json(r#"{"event":"sql_started","id":3,"session":"A","text":"select 1;"}"#);
    player.play("key 5");
    let prompt = place(&player, "types SQL here");
    assert!(prompt.1 < 20);
    mouse(&mut player, CLICK, prompt);
    assert_eq!(player.model.mode, InputMode::Entry);
    // What is marked in a place that is gone is nothing.
    mouse(&mut player, CLICK, (100, 30));
    mouse(&mut player, MouseEventKind::Drag(MouseButton::Left), (110, 35));
    player.send(Msg::Resize(80, 24));
    let up = mouse(&mut player, MouseEventKind::Up(MouseButton::Left), (110, 35));
    assert!(!up.iter().any(|effect| matches!(effect, Effect::CopyMarked(_))));
}

#[test]
fn own_files_open_at_ones_own_lines() {
    let mut player = at(120, 40, 1, "cluster");
    let file = r#"{"path":"a.ts","status":"changed","before":"1\n2\n3\nold\n","after":"1\nnew\n","hunks":[{"before_start":3,"before_len":1,"after_start":1,"after_len":1,"lines":[]}]}"#;
    for (of, line) in
        [(r#"{"mine":{"chapter":1}}"#, 4), (r#"{"step":{"chapter":1,"step":"cluster"}}"#, 2), (r#""collision""#, 4)]
    {
        let of = serde_json::from_str(of).expect("a difference");
        player.key("3");
        player.model.diff.asked = Some(of);
        let kind = EventKind::Diff {
            of: player.model.diff.asked.clone().expect("it was set"),
            files: vec![serde_json::from_str(file).expect("a file")],
        };
        player.event(kind);
        let opened = player.key("e");
        assert!(matches!(&opened[..], [Effect::EditFile { line: at, .. }] if *at == line), "{opened:?}");
    }
}

#[test]
fn the_last_statement_is_copied_whole_whatever_the_prompt() {
    let mut player = at(120, 40, 2, "conflict");
    let own = r#"{"event":"sql_finished","id":1,"session":"A","tx":"idle","rows":1,"took_ms":1,"prompts":{"first":"db=# ","more":"db-# "}}"#;
    player.json(r#"{"event":"sql_started","id":1,"session":"A","text":"\\set PROMPT1 x"}"#);
    player.json(own);
    player.json(r#"{"event":"sql_started","id":2,"session":"A","text":"select a\nfrom t where a > 1;"}"#);
    player.play("key 5 y");
    let effects = player.key("enter");
    assert!(effects.contains(&Effect::Copy("select a\nfrom t where a > 1;\n".into())), "{effects:?}");
    let mut player = at(120, 40, 1, "deploy");
    player.play("key 7");
    assert!(player.key("Y").is_empty() && says(&player, "There is nothing in Log to copy yet"));
}

#[test]
fn texts_of_the_lesson_have_their_references_filled_in() {
    let mut player = at(120, 40, 1, "deploy");
    let course = std::sync::Arc::make_mut(&mut player.model.course);
    let deploy = &mut course.chapters[1].steps[1];
    deploy.while_running = Some("Meanwhile: ${outputs.Url}".into());
    deploy.notes = Some("Say ${outputs.Url}".into());
    let check = &mut course.chapters[1].checks[0];
    (check.hints, check.on_fail) = (vec!["Open ${outputs.Url}".into()], Some("Not at ${outputs.Url}".into()));
    player.json(r#"{"event":"stack_output","key":"Url","value":"https://x"}"#);
    player.key("N");
    assert!(says(&player, "Say https://x") && says(&player, "While it runs: Meanwhile: https://x"));
    player.key("esc");
    player.event(started("deploy", ActionKind::Deploy));
    assert!(says(&player, "Meanwhile: https://x"));
    player.event(finished("deploy", Verdict::Pass));
    let failed = check_failed("connects").replace(r#""expected""#, r#""on_fail":"Not at ${outputs.Url}","expected""#);
    player.json(&failed);
    player.play("key 6 home h");
    assert!(says(&player, "Not at https://x") && says(&player, "Open https://x"), "{:#?}", player.screen());
}

#[test]
fn beside_checks_only_those_keys_are_told_that_are_not_refused() {
    let mut player = at(80, 24, 1, "deploy");
    player.json(&check_failed("connects"));
    let asked = player.key("c");
    let [Effect::Send(request), ..] = &asked[..] else { panic!("{asked:?}") };
    let free = ["space deploy", "space runs", "enter run", "pgup back", "runs it again"];
    let told = |player: &Player| free.iter().filter(|words| says(player, words)).copied().collect::<Vec<_>>();
    assert_eq!(told(&player), Vec::<&str>::new(), "{:#?}", player.screen());
    player.json(r#"{"event":"check_started","at_check":{"chapter":1,"check":"grants"},"title":"t","attempt":1}"#);
    assert_eq!(told(&player), Vec::<&str>::new(), "{:#?}", player.screen());
    assert!(says(&player, "ctrl-c interrupt") && says(&player, "h gives a hint"), "{:#?}", player.screen());
    for key in ["space", "r", "c", "enter", "pgup"] {
        assert!(sent(&player.key(key)).is_empty() && says(&player, "The checks still run: ctrl-c"), "{key}");
    }
    // Between two of them, too.
    player.json(r#"{"event":"check_finished","at_check":{"chapter":1,"check":"grants"},"title":"t","verdict":"pass","attempts":1,"took_ms":1}"#);
    assert_eq!(told(&player), Vec::<&str>::new(), "{:#?}", player.screen());
    let outcome = workshop_engine::event::RequestOutcome::Complete;
    player.event(EventKind::Done { id: request.id, command: request.command.kind(), outcome });
    assert!(!says(&player, "still run") && sent(&player.key("space")) == [&Command::Run]);
    // What only shows something else goes on beside them.
    let mut player = at(80, 10, 1, "cluster");
    player.play("key c 2");
    assert!(says(&player, "space read on") && says(&player, "space reads on"), "{:#?}", player.screen());
    let top = player.model.page.top;
    player.key("space");
    assert!(player.model.page.top > top && !says(&player, "still run"), "{:#?}", player.screen());
}

#[test]
fn at_the_ends_of_the_course_no_key_leads_beyond_them() {
    let mut player = at(80, 24, 2, "storm");
    let step = r#""at_step":{"chapter":2,"step":"storm"},"attempt":1"#;
    player.json(&format!(r#"{{"event":"step_started",{step},"action":"load","expects_failure":false}}"#));
    player.json(&format!(r#"{{"event":"step_finished",{step},"verdict":"fail","took_ms":9}}"#));
    assert!(says(&player, "r runs it again") && !says(&player, "goes on without it"), "{:#?}", player.screen());
    for _ in 0..2 {
        assert!(sent(&player.key("space")).is_empty());
        assert!(says(&player, "did not work out: r runs it again") && !says(&player, "once more"));
    }
    assert!(says(&player, "pgup back"));
    let player = at(80, 24, 0, "intro");
    assert!(!says(&player, "pgup back"), "{:#?}", player.screen());
    let mut player = at(80, 10, 0, "intro");
    player.key("space");
    assert!(says(&player, "pgup back"), "there is more of the page above: {:#?}", player.screen());
}

#[test]
fn what_may_be_left_out_says_by_which_key() {
    let mut player = at(80, 24, 1, "deploy");
    assert!(!says(&player, "leaves it out"));
    let course = std::sync::Arc::make_mut(&mut player.model.course);
    course.chapters[1].steps[1].optional = true;
    player.send(Msg::Tick);
    assert!(says(&player, "n     leaves it out"), "{:#?}", player.screen());
    assert_eq!(sent(&player.key("n")), [&Command::Next]);
}

#[test]
fn what_makes_itself_ready_again_with_its_step_leaves_the_keys_of_the_step() {
    let broken = |task: &str| {
        format!(
            r#"{{"event":"prepare_failed","task":"{task}","problem":{{"kind":"environment","message":"it has stopped","hint":"the next step that needs it starts it again"}}}}"#
        )
    };
    let mut player = at(80, 24, 1, "deploy");
    player.json(&broken("sandbox"));
    assert!(says(&player, "it has stopped") && says(&player, "space runs npx cdk deploy"), "{:#?}", player.screen());
    assert!(!says(&player, "tries again") && sent(&player.key("r")) == [&Command::Run]);
    let mut player = at(80, 24, 1, "deploy");
    player.json(&broken("packages"));
    assert!(says(&player, "r tries again") && !says(&player, "space runs"), "{:#?}", player.screen());
    assert_eq!(sent(&player.key("r")), [&Command::Prepare]);
    // Something else is being made ready still: until then the key does not do it.
    let mut player = at(80, 24, 0, "intro");
    player.json(r#"{"event":"preparing","task":"sandbox","label":"","done":0,"unit":""}"#);
    player.json(&broken("packages"));
    assert!(says(&player, "it has stopped") && !says(&player, "tries again"), "{:#?}", player.screen());
    player.json(r#"{"event":"prepared","task":"sandbox","took_ms":5}"#);
    assert!(says(&player, "r tries again"), "{:#?}", player.screen());
}

#[test]
fn the_repair_is_told_once_there_is_something_to_repair() {
    let mut player = at(80, 24, 1, "refused");
    assert!(!says(&player, "f repair"), "{:#?}", player.screen());
    player.event(started("refused", ActionKind::Check));
    player.event(finished("refused", Verdict::PassedUnexpectedly));
    assert!(says(&player, "f repair"), "{:#?}", player.screen());
}

#[test]
fn the_help_says_how_it_is_searched_wherever_one_was() {
    for panel in ["1", "2", "7"] {
        let mut player = at(80, 24, 1, "deploy");
        player.play(&format!("key {panel} ?"));
        assert!(says(&player, "/ find"), "{panel}: {:#?}", player.screen());
    }
}

#[test]
fn a_chapter_is_opened_where_it_is_not_open() {
    let mut player = at(80, 24, 1, "deploy");
    player.key("1");
    assert!(says(&player, "enter go there") && !says(&player, "→ open"), "a step: {:#?}", player.screen());
    player.play("key up up");
    assert!(!says(&player, "→ open"), "its steps show: {:#?}", player.screen());
    player.play("key up");
    assert!(says(&player, "→ open"), "{:#?}", player.screen());
    player.play("key right");
    assert!(says(&player, "Welcome") && !says(&player, "→ open"), "{:#?}", player.screen());
}
