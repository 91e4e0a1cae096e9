//! Keys and events against effects and styles: what a screen of text cannot show.

use crate::tui::golden::Player;
use crate::tui::model::*;
use crate::tui::scrollback;
use workshop_course::lesson::model::{ActionKind, StepExpect};
use workshop_engine::command::{BringTo, Command, Request};
use workshop_engine::event::{
    EventKind, Position, Preparation, RequestOutcome, SqlCandidate, StepRef, TxState, Verdict,
};

pub(super) fn at(width: u16, height: u16, chapter: u32, step: &str) -> Player {
    let mut player = Player::new(width, height);
    player.event(EventKind::Moved { position: Position { chapter, step: step.into() } });
    player
}

pub(super) fn started(step: &str, action: ActionKind) -> EventKind {
    let at_step = StepRef { chapter: 1, step: step.into() };
    EventKind::StepStarted { at_step, attempt: 1, action, expects_failure: false, usual_ms: None }
}

pub(super) fn finished(step: &str, verdict: Verdict) -> EventKind {
    let at_step = StepRef { chapter: 1, step: step.into() };
    EventKind::StepFinished { at_step, attempt: 1, verdict, took_ms: 5, failure: None }
}

pub(super) fn sent(effects: &[Effect]) -> Vec<&Command> {
    effects
        .iter()
        .filter_map(|e| match e {
            Effect::Send(request) if !matches!(request.command, Command::ShowDiff { .. }) => Some(&request.command),
            _ => None,
        })
        .collect()
}

#[test]
fn one_key_reads_runs_and_moves_on() {
    let mut player = at(120, 40, 1, "deploy");
    assert_eq!(sent(&player.key("space")), [&Command::Run]);
    player.event(started("deploy", ActionKind::Deploy));
    for key in ["space", "pgdn", "r", "c", "pgup"] {
        assert!(sent(&player.key(key)).is_empty(), "{key} while a step runs");
        assert!(player.model.toast.is_some(), "{key} is answered");
    }
    player.event(finished("deploy", Verdict::Pass));
    assert_eq!(sent(&player.key("space")), [&Command::Next]);
    player.event(started("deploy", ActionKind::Deploy));
    player.event(finished("deploy", Verdict::Fail));
    assert!(sent(&player.key("space")).is_empty(), "a failure is not walked over by accident");
    assert_eq!(sent(&player.key("n")), [&Command::Next]);
}

#[test]
fn who_presents_is_led_past_what_learners_take_by_themselves() {
    let mut player = at(120, 40, 1, "deploy");
    let course = std::sync::Arc::make_mut(&mut player.model.course);
    let chapter = course.chapters.iter_mut().find(|c| c.number == 1).unwrap();
    let here = chapter.steps.iter().position(|s| s.id == "deploy").unwrap();
    chapter.steps[here + 1].on_stage = false;
    let beyond = chapter.steps[here + 2].id.clone();
    player.event(started("deploy", ActionKind::Deploy));
    player.event(finished("deploy", Verdict::Pass));
    player.model.settings.clock = false;
    assert_eq!(sent(&player.key("space")), [&Command::Next], "a learner takes every step");
    player.event(EventKind::Done { id: 1, command: Command::Next.kind(), outcome: RequestOutcome::Complete });
    player.model.settings.clock = true;
    assert_eq!(sent(&player.key("space")), [&Command::GoTo { chapter: 1, step: Some(beyond) }]);
}

#[test]
fn what_the_lesson_says_afterwards_is_read_where_the_page_is_behind_a_panel() {
    let mut player = at(80, 24, 1, "deploy");
    let course = std::sync::Arc::make_mut(&mut player.model.course);
    course.chapters[1].steps[1].after = Some("It was there all the time.".to_owned());
    player.event(started("deploy", ActionKind::Deploy));
    player.event(finished("deploy", Verdict::Pass));
    let shows = |player: &Player| player.screen().iter().any(|row| row.contains("It was there all the time."));
    assert!(!shows(&player) && player.screen().iter().any(|row| row.contains("space reads what came of it")));
    assert!(sent(&player.key("space")).is_empty() && shows(&player), "{:#?}", player.screen());
    player.key("4");
    assert_eq!(sent(&player.key("space")), [&Command::Next], "once is enough");
}

#[test]
fn statements_are_shown_with_what_is_known_and_the_same_ones_once() {
    use workshop_course::lesson::model::{StepAction, Template};
    let mut player = at(80, 24, 2, "conflict");
    let course = std::sync::Arc::make_mut(&mut player.model.course);
    let StepAction::Sql(sql) = &mut course.chapters[2].steps[0].action else { panic!("it asks the database") };
    sql.statements.iter_mut().for_each(|statement| {
        (statement.session, statement.run) = ("A".to_owned(), Template("select ${capture.once};".to_owned()));
    });
    player.json(r#"{"event":"captured","name":"once","value":"an id"}"#);
    let screen = player.screen();
    let rows: Vec<&str> =
        screen.iter().map(|row| row.trim()).filter(|row| row.contains("select") || row.contains("--")).collect();
    assert_eq!(rows, ["-- 3 times", "select 'an id';"]);
}

#[test]
fn what_a_step_said_first_is_not_missed_when_it_has_scrolled_away() {
    let mut player = at(80, 24, 2, "conflict");
    let begun = r#"{"event":"step_started","at_step":{"chapter":2,"step":"conflict"},"attempt":1,"action":"sql","expects_failure":false}"#;
    player.json(begun);
    player.json(r#"{"event":"sql_started","id":0,"session":"A","text":"select 1;"}"#);
    player.model.console.picture = SqlPicture::None;
    let lines = vec![r#"["row","1"]"#; 40].join(",");
    player.json(&format!(r#"{{"event":"sql_text","id":0,"session":"A","lines":[{lines}]}}"#));
    let marked = |player: &Player| player.screen().iter().any(|row| row.contains("more lines of this step: "));
    assert!(marked(&player), "{:#?}", player.screen());
    player.json(begun);
    player.model.console.picture = SqlPicture::None;
    assert!(!marked(&player), "it is another run's");
}

#[test]
fn a_conflict_on_the_way_to_a_chapter_is_nobodys_to_retry() {
    let conflict = r#"{"event":"sql_finished","id":0,"session":"A","tx":"idle","rows":0,"took_ms":1,"error":{"severity":"ERROR","sqlstate":"40001","message":"change conflicts with another transaction (OC000)"}}"#;
    let begun = r#"{"event":"sql_started","id":0,"session":"A","text":"commit;"}"#;
    let told = |bringing: bool| {
        let mut player = at(80, 24, 2, "conflict");
        if bringing {
            player.event(EventKind::Bringing { to: BringTo::Chapter(2), done: 1, total: 9 });
        }
        player.json(begun);
        player.key("5");
        player.json(conflict);
        player.screen().iter().any(|row| row.contains("another transaction won"))
    };
    assert!(told(false) && !told(true));
}

#[test]
fn dragging_marks_text_within_one_panel_and_copies_it() {
    use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
    let mut player = at(120, 40, 1, "deploy");
    player.key("7");
    let lines = vec!["first line".to_owned(), "second line".to_owned()];
    player.event(EventKind::Output { at_step: None, stream: workshop_engine::event::Stream::Stdout, lines });
    let row = player.screen().iter().position(|row| row.contains("second line")).unwrap() as u16;
    let body = player.model.layout.slot(Panel::Log).unwrap().body;
    let mut mouse =
        |kind, column, row| player.send(Msg::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE }));
    let left = MouseButton::Left;
    assert!(mouse(MouseEventKind::Down(left), body.x + 7, row - 1).is_empty());
    mouse(MouseEventKind::Drag(left), 0, row);
    mouse(MouseEventKind::Drag(left), body.x + 6, row);
    let effects = mouse(MouseEventKind::Up(left), body.x + 6, row);
    let marked = effects.iter().find_map(|e| if let Effect::CopyMarked(marked) = e { Some(*marked) } else { None });
    assert_eq!(crate::tui::view::marked_text(&player.model, &marked.unwrap()), "line\n second");
    player.send(Msg::Mouse(MouseEvent {
        kind: MouseEventKind::Down(left),
        column: body.x + 7,
        row,
        modifiers: KeyModifiers::NONE,
    }));
    let click = MouseEvent { kind: MouseEventKind::Up(left), column: body.x + 7, row, modifiers: KeyModifiers::NONE };
    assert!(
        !player.send(Msg::Mouse(click)).iter().any(|e| matches!(e, Effect::CopyMarked(_))),
        "a click marks nothing"
    );
}

#[test]
fn one_key_runs_a_step_although_the_sandbox_is_gone() {
    let failed = |task| {
        let problem = workshop_base::problem::Problem::environment("it is gone");
        EventKind::PrepareFailed { task, problem }
    };
    let mut player = at(120, 40, 1, "deploy");
    player.event(failed(Preparation::Sandbox));
    assert_eq!(sent(&player.key("r")), [&Command::Run], "the step starts what it needs");
    player.event(failed(Preparation::Packages));
    assert_eq!(sent(&player.key("r")), [&Command::Prepare], "it cannot do without these");
}

#[test]
fn a_long_page_is_read_before_its_step_runs() {
    let mut player = at(60, 12, 0, "intro");
    let mut pages = 0;
    while sent(&player.key("space")).is_empty() {
        pages += 1;
        assert!(pages < 20);
    }
    assert!(pages > 1);
    player.key("home");
    assert_eq!(player.model.page.top, 0);
}

#[test]
fn the_end_of_a_page_stays_in_view_when_the_card_makes_room_and_takes_it() {
    let mut player = at(120, 18, 1, "deploy");
    let course = std::sync::Arc::make_mut(&mut player.model.course);
    course.chapters[1].steps[1].say = "A line.\n\n".repeat(9);
    player.send(Msg::Tick);
    while player.model.page.more_below() {
        player.key("space");
    }
    let at_its_end = |player: &Player| player.model.page.top == player.model.page.last_top();
    assert!(at_its_end(&player) && player.model.page.top > 0);
    player.event(started("deploy", ActionKind::Deploy));
    player.event(finished("deploy", Verdict::Pass));
    assert!(at_its_end(&player), "what was read is read on");
    player.key("home");
    player.event(started("deploy", ActionKind::Deploy));
    assert_eq!(player.model.page.top, 0);
}

#[test]
fn the_page_has_the_room_until_there_is_something_beside_it() {
    let mut player = at(120, 40, 2, "conflict");
    let width = |player: &Player| player.model.layout.slot(Panel::Page).unwrap().body.width;
    let wide = width(&player);
    player.json(r#"{"event":"sql_started","id":0,"session":"A","text":"begin;"}"#);
    assert!(width(&player) < wide && player.model.layout.slot(Panel::Sql).unwrap().body.width >= 80);
}

/// Two sessions have said something, and their lanes show.
pub(super) fn with_lanes() -> Player {
    let mut player = at(120, 40, 2, "conflict");
    for session in ["A", "B"] {
        player.json(&format!(r#"{{"event":"sql_started","id":0,"session":"{session}","text":"select 1;"}}"#));
        player.json(&format!(
            r#"{{"event":"sql_finished","id":0,"session":"{session}","tx":"idle","rows":1,"took_ms":1}}"#
        ));
    }
    player.play("key 5 v");
    player
}

#[test]
fn what_was_said_shows_where_it_is_searched_and_typed() {
    let mut player = with_lanes();
    assert_eq!(player.model.console.picture, SqlPicture::Lanes);
    player.play("key /");
    player.play("type select");
    assert_eq!(player.model.console.picture, SqlPicture::None, "else n and N would do nothing");
    player.play("key esc v i");
    player.play("type select 2;");
    player.play("key enter esc");
    assert_eq!(player.model.console.picture, SqlPicture::None);
}

#[test]
fn a_connection_that_has_ended_is_told_where_one_looks() {
    let mut player = at(120, 40, 2, "conflict");
    player.json(r#"{"event":"session_opened","session":"A","role":"admin","host":"h"}"#);
    player.json(r#"{"event":"session_lost","session":"A","loss":"nothing","reason":"the server closed it"}"#);
    let said = player.model.console.sessions[0].back.lines().map(|line| line.text.clone()).collect::<Vec<_>>();
    assert!(said.iter().any(|line| line.contains("the server closed it")), "{said:?}");
}

#[test]
fn leaving_asks_while_something_runs() {
    let mut player = at(120, 40, 1, "deploy");
    player.event(started("deploy", ActionKind::Deploy));
    assert!(player.key("q").is_empty());
    assert_eq!(sent(&player.key("c")), [&Command::Cancel]);
    assert_eq!(sent(&player.event(finished("deploy", Verdict::Error))), [&Command::Quit]);

    let mut player = at(120, 40, 1, "prove");
    player.event(started("prove", ActionKind::Check));
    player.key("q");
    assert!(player.key("d").is_empty(), "only a deploy can be left alone");
    player.key("esc");
    assert_eq!(player.model.mode, InputMode::Walking);
    assert!(sent(&player.event(finished("prove", Verdict::Pass))).is_empty(), "staying is staying");
    assert_eq!(sent(&player.key("q")), [&Command::Quit]);
    let gone = player.key("q");
    assert_eq!(gone, [Effect::Leave], "a second q does not wait");
}

#[test]
fn an_open_transaction_is_not_left_without_a_word() {
    let mut player = at(120, 40, 2, "conflict");
    let (role, host, session) = ("admin".to_owned(), "h".to_owned(), "A".to_owned());
    player.event(EventKind::SessionOpened { session: session.clone(), role, host });
    player.event(EventKind::SqlFinished {
        id: 1,
        session,
        tx: TxState::Open,
        rows: 0,
        took_ms: 1,
        error: None,
        prompts: None,
    });
    assert!(player.key("q").is_empty());
    assert!(matches!(player.model.mode, InputMode::Leave(_)));
    assert_eq!(sent(&player.key("c")), [&Command::CancelSql { session: "A".into() }, &Command::Quit]);
}

#[test]
fn a_stale_answer_is_dropped() {
    let mut player = at(120, 40, 2, "conflict");
    player.key("i");
    player.key("s");
    let asked = player.key("tab");
    let Effect::Send(Request { id, command: Command::Complete { .. } }) = asked[0] else { panic!("{asked:?}") };
    player.key("esc");
    player.event(EventKind::Completions { id, from: 0, candidates: ["select", "set"].map(keyword).into() });
    assert_eq!(player.model.console.completion, None);
    player
        .event(EventKind::Diff { of: workshop_engine::event::DiffOf::Chapters { from: 0, to: 9 }, files: Vec::new() });
    assert_eq!(player.model.diff.of, None);
}

#[test]
fn meaning_has_its_colour_and_its_sign() {
    let mut player = at(120, 40, 1, "prove");
    player.event(started("prove", ActionKind::Check));
    player.event(finished("prove", Verdict::PassedUnexpectedly));
    let frame = player.frame();
    let cells = frame.content.iter();
    let alarm: Vec<_> =
        cells.filter(|cell| cell.style().add_modifier.contains(ratatui::style::Modifier::REVERSED)).collect();
    assert!(alarm.iter().any(|cell| cell.symbol() == "‼" && cell.fg == ratatui::style::Color::LightRed));
    let allowed = |color: ratatui::style::Color| {
        use ratatui::style::Color::*;
        matches!(color, Reset | Black | Green | Cyan | LightRed | LightYellow | LightCyan)
    };
    assert!(frame.content.iter().all(|cell| allowed(cell.fg) && allowed(cell.bg)));
}

#[test]
fn every_panel_draws_at_every_size() {
    let mut player = at(120, 40, 1, "deploy");
    player.event(started("deploy", ActionKind::Deploy));
    for panel in Panel::ALL {
        let number = Panel::ALL.iter().position(|p| *p == panel).unwrap() + 1;
        player.key(&number.to_string());
        for (width, height) in
            [(1, 1), (20, 5), (40, 10), (41, 11), (80, 24), (96, 16), (112, 20), (170, 45), (250, 80)]
        {
            for mode in ["esc", "?", "N", ":"] {
                player.send(Msg::Resize(width, height));
                player.key(mode);
                player.frame();
                player.key("esc");
            }
        }
    }
    player.key("i");
    player.key("ctrl-r");
    player.send(Msg::Resize(40, 10));
    player.frame();
}

#[test]
fn redaction_covers_every_panel_and_the_clipboard() {
    let mut player = at(200, 60, 1, "deploy");
    let secret = "arn:aws:iam::123456789012:role/Secret";
    player.event(EventKind::StackOutput { key: "Role".into(), value: secret.into(), description: None });
    let lines = vec![format!("{}{secret}", "x".repeat(60))];
    player.event(EventKind::Output { at_step: None, stream: workshop_engine::event::Stream::Stdout, lines });
    let text = |player: &Player| player.screen().join("\n");
    player.key("4");
    assert!(text(&player).contains("123456789012"));
    player.key("x");
    for key in ["4", "7"] {
        player.key(key);
        for (width, height) in [(200, 60), (80, 24)] {
            player.send(Msg::Resize(width, height));
            assert!(!text(&player).contains("123456789012") && !text(&player).contains("Secret"));
        }
        let copied = player.key("Y");
        let Some(Effect::Copy(copied)) = copied.first() else { panic!("{copied:?}") };
        assert!(!copied.contains("123456789012"), "{copied}");
    }
}

/// Not a benchmark, but a guard: a frame must not depend on how much is held. The real figures are
/// measured under a PTY.
#[test]
fn a_frame_costs_what_it_shows() {
    let mut player = at(200, 60, 1, "deploy");
    // The best of several rounds: what else the machine does makes some of them slow, not all.
    let time = |player: &mut Player, key: &str| {
        player.key(key);
        let round = || {
            let begun = std::time::Instant::now();
            for _ in 0..5 {
                player.key("up");
                player.frame();
                player.key("down");
            }
            begun.elapsed()
        };
        std::iter::repeat_with(round).take(8).min().unwrap_or_default()
    };
    let empty = time(&mut player, "7");
    for n in 0..scrollback::KEPT as u64 + 100 {
        let lines = vec![format!("line {n} {}", "word ".repeat(40))];
        player.event(EventKind::Output { at_step: None, stream: workshop_engine::event::Stream::Stdout, lines });
    }
    let full = time(&mut player, "7");
    assert!(full < empty * 6, "{empty:?} empty, {full:?} full");
}

#[test]
fn a_repair_of_several_steps_begins_with_the_first_that_is_not_done() {
    let mut course = (*crate::tui::fixture::course()).clone();
    let StepExpect::Failure(failure) = &mut course.chapters[1].steps[2].expect else { panic!("it is meant to fail") };
    failure.repaired_by = "prove".into();
    course.chapters[1].steps[3].action = course.chapters[1].steps[0].action.clone();
    let chapter = &course.chapters[1];
    let mut player = at(120, 40, 1, "refused");
    let begins = |player: &Player| player.model.progress.repair(chapter, &chapter.steps[2]).map(|s| s.id.clone());
    assert_eq!(begins(&player).as_deref(), Some("grant"));
    player.event(started("grant", ActionKind::Edit));
    player.event(finished("grant", Verdict::Pass));
    assert_eq!(begins(&player).as_deref(), Some("prove"));
    // Going back has taken its change out of the files.
    player.event(EventKind::HunksApplied { chapter: 1, hunks: Vec::new(), own: Vec::new() });
    assert_eq!(begins(&player).as_deref(), Some("grant"));
    assert_eq!(player.model.progress.repair(chapter, &chapter.steps[1]), None);
}

fn keyword(text: &str) -> SqlCandidate {
    SqlCandidate { text: text.to_owned(), kind: "keyword".to_owned() }
}

#[test]
fn a_second_press_on_the_way_to_the_next_step_is_one_too_many() {
    let mut player = at(80, 24, 1, "deploy");
    player.event(started("deploy", ActionKind::Deploy));
    player.event(finished("deploy", Verdict::Pass));
    let asks = |effects: &[Effect]| -> Vec<Request> {
        let asked = |effect: &Effect| if let Effect::Send(request) = effect { Some(request.clone()) } else { None };
        effects.iter().filter_map(asked).collect()
    };
    let mut first = Vec::new();
    // What is to be read before it is read.
    for _ in 0..20 {
        first = asks(&player.key("space"));
        if !first.is_empty() {
            break;
        }
    }
    assert_eq!(first.iter().map(|request| &request.command).collect::<Vec<_>>(), [&Command::Next]);
    for _ in 0..3 {
        assert_eq!(asks(&player.key("space")), []);
    }
    let command = first[0].command.kind();
    player.event(EventKind::Done { id: first[0].id, command, outcome: RequestOutcome::Complete });
    assert!(!asks(&player.key("space")).is_empty(), "where it has led to");
}

#[test]
fn a_search_that_finds_nothing_says_so_when_it_is_typed() {
    let mut player = at(80, 24, 1, "deploy");
    player.key("7");
    player.event(EventKind::Output {
        at_step: None,
        stream: workshop_engine::event::Stream::Stdout,
        lines: vec!["a line".to_owned()],
    });
    for key in ["/", "z", "q", "enter"] {
        player.key(key);
    }
    assert!(player.screen().iter().any(|row| row.contains("Nothing in Log holds “zq”")), "{:#?}", player.screen());
}

#[test]
fn the_help_of_a_panel_has_each_key_once() {
    let mut player = at(120, 60, 1, "deploy");
    player.key("7");
    player.key("?");
    let rows = player.screen().join("\n");
    assert!(rows.contains("Follow the newest lines"), "{rows}");
    let of_f = |row: &&str| row.split_whitespace().next_back().is_some() && row.contains("  f  ");
    assert_eq!(rows.lines().filter(of_f).count(), 1, "{rows}");
}

#[test]
fn a_panel_that_was_chosen_while_it_starts_stays_and_nobody_is_told_that_it_still_starts() {
    let mut player = Player::new(80, 24);
    player.key("5");
    player.key("r");
    assert!(player.screen().iter().any(|row| row.contains("Still starting")), "{:#?}", player.screen());
    player.json(
        r#"{"event":"opened","title":"x","target":"local","workdir":"/w","position":{"chapter":0,"step":"intro"}}"#,
    );
    assert_eq!(player.model.focus, Panel::Sql);
    assert!(!player.screen().iter().any(|row| row.contains("Still starting")), "{:#?}", player.screen());
}
