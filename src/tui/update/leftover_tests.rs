//! What speaks of something goes with it: words, marks, questions, pictures, lists; and what is still so stays.

use super::tests::{at, finished, sent, started};
use crate::tui::golden::Player;
use crate::tui::model::*;
use workshop_course::lesson::model::ActionKind;
use workshop_engine::command::{BringTo, Command, CommandKind, Refusal};
use workshop_engine::event::{EventKind, Position, RequestOutcome, SqlCandidate, StepRef, TxState, Verdict};

pub(super) fn says(player: &Player, text: &str) -> bool {
    player.screen().iter().any(|row| row.contains(text))
}

fn refused(id: u64, command: CommandKind, because: Refusal) -> EventKind {
    EventKind::Refused { id, command, because, reason: "a check is running".into() }
}

fn done(id: u64, command: CommandKind) -> EventKind {
    EventKind::Done { id, command, outcome: RequestOutcome::Complete }
}

#[test]
fn what_was_said_of_a_run_goes_with_it_and_what_is_still_so_stays() {
    let kept = EventKind::EditsKept { files: vec!["a.ts".into()], journal: 3 };
    let at_step = || StepRef { chapter: 1, step: "deploy".into() };
    let busy = || refused(9, CommandKind::Run, Refusal::Busy);
    for (told, end, stays) in [
        (kept, finished("deploy", Verdict::Pass), Some("Your edits of a.ts were put aside: E brings them back")),
        (busy(), finished("deploy", Verdict::Pass), None),
        (busy(), done(8, CommandKind::Check), None),
        (busy(), EventKind::StatementFinished { at_step: at_step(), index: 0, total: 2 }, None),
        (
            refused(9, CommandKind::Next, Refusal::NoFurther),
            finished("deploy", Verdict::Pass),
            Some("Not now: a check is running"),
        ),
    ] {
        let mut player = at(120, 40, 1, "deploy");
        player.event(started("deploy", ActionKind::Deploy));
        player.event(told);
        player.event(end);
        assert_eq!(player.model.toast.as_ref().map(|(text, _)| text.as_str()), stays);
    }
    let mut player = at(120, 40, 1, "deploy");
    player.event(started("deploy", ActionKind::Deploy));
    player.key("space");
    assert!(says(&player, "still runs"));
    player.event(finished("deploy", Verdict::Pass));
    assert!(!says(&player, "still runs"));
}

#[test]
fn a_question_about_what_runs_goes_with_it() {
    let mut player = at(120, 40, 2, "conflict");
    player.json(r#"{"event":"session_opened","session":"A","role":"admin","host":"h"}"#);
    player.json(r#"{"event":"sql_started","id":7,"session":"A","text":"select pg_sleep(9);"}"#);
    player.key("ctrl-c");
    assert!(says(&player, "A statement runs."));
    assert!(player.key("d").is_empty() && says(&player, "Only a deploy can be left running"), "it was not offered");
    let end =
        |tx| EventKind::SqlFinished { id: 7, session: "A".into(), tx, rows: 0, took_ms: 1, error: None, prompts: None };
    player.event(end(TxState::Open));
    assert_eq!(player.model.mode, InputMode::Walking, "there is nothing to cancel");
    player.key("q");
    assert!(says(&player, "A transaction is open."));
    player.event(end(TxState::Idle));
    assert_eq!(player.model.mode, InputMode::Walking);
}

#[test]
fn what_was_not_taken_back_can_be_taken_back_still() {
    let mut player = at(120, 40, 1, "cluster");
    let back = |step: &str| Command::GoTo { chapter: 1, step: Some(step.into()) };
    let id = |effects: &[Effect]| match effects {
        [Effect::Send(request), ..] => request.id,
        other => panic!("{other:?}"),
    };
    for next in ["deploy", "refused"] {
        let asked = id(&player.key("n"));
        player.event(EventKind::Moved { position: Position { chapter: 1, step: next.into() } });
        player.event(done(asked, CommandKind::Next));
    }
    for because in [Refusal::Busy, Refusal::OwnEdits] {
        let asked = player.key("Z");
        assert_eq!(sent(&asked), [&back("deploy")], "the same as before");
        player.event(refused(id(&asked), CommandKind::GoTo, because));
    }
    let asked = player.key("Z");
    let problem = workshop_base::problem::Problem::environment("no space");
    let outcome = RequestOutcome::Failed(problem);
    player.event(EventKind::Done { id: id(&asked), command: CommandKind::GoTo, outcome });
    let asked = player.key("Z");
    assert_eq!(sent(&asked), [&back("deploy")]);
    player.event(done(id(&asked), CommandKind::GoTo));
    assert_eq!(sent(&player.key("Z")), [&back("cluster")]);

    player.model.retrace.done = vec![("as before".into(), Command::Bring { to: BringTo::Before })];
    player.event(started("refused", ActionKind::Check));
    player.key("Z");
    player.event(finished("refused", Verdict::Pass));
    player.key("Z");
    assert!(says(&player, "Put everything back"), "it ran when it was asked for first");
    let asked = player.key("y");
    player.event(refused(id(&asked), CommandKind::Bring, Refusal::Busy));
    player.key("Z");
    assert!(says(&player, "Put everything back"));
}

#[test]
fn no_leap_leads_to_where_one_is() {
    let mut player = at(120, 40, 1, "cluster");
    let go = |player: &mut Player, step: &str| {
        player.event(EventKind::Moved { position: Position { chapter: 1, step: step.into() } });
    };
    go(&mut player, "grant");
    ["refused", "deploy", "cluster"].iter().for_each(|step| go(&mut player, step));
    assert!(player.key("ctrl-o").is_empty() && says(&player, "No leap to go back over"));
    go(&mut player, "grant");
    player.key("ctrl-o");
    // It was given up; the next move is no jump.
    player.event(done(1, CommandKind::GoTo));
    go(&mut player, "prove");
    assert_eq!((player.model.retrace.back.len(), player.model.retrace.forward.len()), (1, 0));
}

#[test]
fn a_statement_that_was_typed_is_told_to_stay() {
    let mut player = at(120, 40, 2, "conflict");
    player.model.retrace.done = vec![("Back".into(), Command::Back)];
    player.play("key i");
    player.play("type delete from t;");
    player.play("key enter esc Z");
    assert!(says(&player, "A statement cannot be taken back; Z once more takes back what was before it"));
}

#[test]
fn marks_of_a_search_go_with_it() {
    let searched = |keys: &str| {
        let mut player = at(120, 40, 1, "deploy");
        player.json(r#"{"event":"output","at_step":null,"stream":"stdout","lines":["an error"]}"#);
        player.play("key 7 /");
        player.play("type error");
        player.play(keys);
        player
    };
    assert_eq!(searched("key enter").model.log.query, "error");
    for keys in ["key esc", "key enter esc", "key enter 2 /"] {
        assert_eq!(searched(keys).model.log.query, "", "{keys}");
    }
    let mut player = searched("key enter");
    player.event(EventKind::Moved { position: Position { chapter: 1, step: "refused".into() } });
    assert_eq!((player.model.log.query.as_str(), player.model.search.is_none()), ("", true));
}

#[test]
fn a_match_is_marked_where_it_stands_behind_wide_characters() {
    let mut player = at(80, 24, 1, "deploy");
    std::sync::Arc::make_mut(&mut player.model.course).chapters[1].steps[1].say = "世界 “Deploy” it".into();
    player.send(Msg::Tick);
    player.play("key /");
    player.play("type deploy”");
    let frame = player.frame();
    let lit = frame.content.iter().filter(|cell| cell.bg != ratatui::style::Color::Reset);
    let marked: String = lit.map(|cell| cell.symbol()).collect();
    assert_eq!(marked, "Deploy”");
}

#[test]
fn pictures_and_lists_are_of_what_there_is() {
    let mut player = at(120, 40, 2, "conflict");
    let ask = |player: &mut Player, session: &str| {
        player.json(&format!(r#"{{"event":"sql_started","id":0,"session":"{session}","text":"select 1;"}}"#));
        player.json(&format!(
            r#"{{"event":"sql_finished","id":0,"session":"{session}","tx":"idle","rows":1,"took_ms":1}}"#
        ));
    };
    ["A", "B", "C"].iter().for_each(|session| ask(&mut player, session));
    (0..60).for_each(|_| ask(&mut player, "A"));
    player.play("key 5 v g");
    assert!(player.model.console.picture == SqlPicture::Lanes && player.model.console.picture_off > 0, "to its top");
    player.key("G");
    assert_eq!(player.model.console.picture_off, 0, "to its end");
    let restored = EventKind::StateRestored { progress: Default::default() };
    player.event(restored);
    assert_eq!(player.model.console.picture, SqlPicture::None, "no lane is left");

    ["A", "B"].iter().for_each(|session| ask(&mut player, session));
    player.key("v");
    player.event(EventKind::SessionClosed { session: "A".into() });
    assert_eq!(player.model.console.picture, SqlPicture::None);
    let current = player.model.session().map(|session| session.name.as_str());
    assert_eq!(current, Some("B"), "who has the keyboard keeps it");
}

#[test]
fn what_is_open_in_the_entry_is_given_up_by_who_leaves_it() {
    let typing = || {
        let mut player = at(120, 40, 2, "conflict");
        player.play("key i s tab");
        let id = player.model.console.completion.as_ref().map_or(0, |completion| completion.id);
        let word = |text: &str| SqlCandidate { text: text.into(), kind: "word".into() };
        player.event(EventKind::Completions { id, from: 0, candidates: vec![word("select"), word("set")] });
        player
    };
    let mut player = typing();
    player.play("key ctrl-p esc");
    assert_eq!(player.model.mode, InputMode::Entry, "letters are text still");
    player.play("key ctrl-p");
    player.play("type zzz");
    player.play("key enter");
    assert_eq!(player.model.mode, InputMode::Entry);
    let mut player = typing();
    player.play("key alt-+ enter");
    assert_eq!(player.model.session().map(|session| session.editor.text()), Some(String::new()), "it was another's");
    let mut player = typing();
    player.model.mode = InputMode::Walking;
    player.play("key i");
    assert!(player.model.console.completion.is_none());
}

#[test]
fn a_course_that_is_read_again_has_the_panels_and_the_checks_that_it_has_now() {
    let mut player = at(120, 40, 1, "prove");
    player.play("key 6 down");
    assert_eq!(player.model.checks.cursor, 1);
    let mut course = (*player.model.course).clone();
    course.chapters[1].checks.truncate(1);
    course.chapters[2].steps.clear();
    let position = Position { chapter: 1, step: "prove".into() };
    let course = Some(std::sync::Arc::new(course));
    player.event(EventKind::CourseReloaded { position, gone: None, course });
    assert_eq!((player.model.checks.cursor, player.model.uses.asks), (0, false));
}

#[test]
fn what_a_layout_hides_is_not_said_to_be_shown() {
    let mut player = at(120, 40, 1, "deploy");
    player.play("key x x");
    assert!(says(&player, "Identities are shown"));
    player.play("key L x x");
    assert!(says(&player, "this layout is without them") && player.model.hides());
}

#[test]
fn who_comes_back_to_the_layout_for_an_audience_is_told_how_it_is_left() {
    let mut player = Player::new(200, 60);
    player.model.settings.audience = true;
    player.json(
        r#"{"event":"opened","title":"c","target":"local","workdir":"w","position":{"chapter":1,"step":"deploy"}}"#,
    );
    assert!(says(&player, "For an audience: L goes back"));
    player.key("space");
    assert!(!says(&player, "For an audience"), "until the next key");
}

#[test]
fn a_chapter_that_begins_again_has_no_hints_that_were_asked_for() {
    let mut player = at(120, 40, 1, "grant");
    player.key("h");
    assert!(says(&player, "Hint 1 of 2"));
    player.event(EventKind::Bringing { to: BringTo::Chapter(1), done: 0, total: 0 });
    player.event(done(1, CommandKind::Bring));
    assert!(!says(&player, "Hint 1 of 2") && says(&player, "Everything is as chapter 1 begins"));
}

#[test]
fn the_screen_changes_when_its_minutes_do() {
    let mut player = at(120, 40, 1, "cluster");
    player.model.now += 50_000;
    player.event(EventKind::Moved { position: Position { chapter: 1, step: "deploy".into() } });
    player.key("esc");
    assert_eq!(player.model.next_tick(), Some(10_000), "a minute of the slot is over then");
    player.model.settings.clock = false;
    assert_eq!(player.model.next_tick(), None);
    player.json(r#"{"event":"process_started","name":"web","at_step":{"chapter":1,"step":"deploy"},"command":"x"}"#);
    player.json(r#"{"event":"process_ready","name":"web","by":"it answers","took_ms":1}"#);
    player.model.now += 1_300;
    assert_eq!(player.model.next_tick(), Some(700), "the card counts its seconds");
}
