//! What the second terminal shows.

use super::*;
use crate::tui::{fixture, golden};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use workshop_engine::event::{Event, EventKind};

fn text(n: &Notes) -> String {
    let mut terminal = Terminal::new(TestBackend::new(n.size.0, n.size.1)).unwrap();
    terminal.draw(|frame| view(n, frame)).unwrap();
    let buffer = terminal.backend().buffer();
    let row = |y| (0..n.size.0).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
    (0..n.size.1).map(|y| row(y) + "\n").collect()
}

/// A progress after these events, all of them at the start.
fn told(kinds: &[&str]) -> Progress {
    let mut progress = Progress::default();
    for (seq, json) in (1..).zip(kinds) {
        let kind: EventKind = serde_json::from_str(json).unwrap_or_else(|e| panic!("{e} in {json}"));
        progress.apply(&Event { seq, at: golden::START, kind });
    }
    progress
}

/// The same as it is published.
fn shown(kinds: &[&str]) -> Published {
    Published { progress: told(kinds), presents: false }
}

const OPENED: &str =
    r#"{"event":"opened","title":"DSQL","target":"local","workdir":"/w","position":{"chapter":1,"step":"deploy"}}"#;
const DEPLOYS: &str = r#"{"event":"step_started","at_step":{"chapter":1,"step":"deploy"},"attempt":1,"action":"deploy","expects_failure":false,"usual_ms":95000}"#;
const GONE: &str = r#"{"event":"moved","position":{"chapter":1,"step":"new"}}"#;
const MOVED: &str = r#"{"event":"moved","position":{"chapter":1,"step":"refused"}}"#;

#[test]
fn notes_next_clock_and_checks() {
    let workdir = PathBuf::from("/home/my-dsql-app");
    let mut n = Notes::new(fixture::course(), workdir, Looks::FULL, (80, 24), golden::START);
    let mut screens = String::new();
    let mut shoot = |what: &str, n: &Notes| {
        let _ = write!(screens, "# {what}\n{}\n", text(n));
    };
    shoot("before the workshop has begun", &n);
    n.take(shown(&[OPENED]));
    n.now += 200_000;
    shoot("at a step that has not run, behind its budget", &n);
    n.take(shown(&[OPENED, DEPLOYS]));
    shoot("while it runs", &n);
    n.take(shown(&[OPENED, MOVED]));
    shoot("meant to fail", &n);
    n.size = (120, 40);
    shoot("with more room", &n);
    n.size = (44, 14);
    n.scroll(3);
    shoot("with less", &n);
    n.size = (80, 24);
    n.silent();
    n.now += 60_000;
    shoot("the workshop was left: its clock stands", &n);
    n.take(shown(&[OPENED, GONE]));
    shoot("at a step that its author has added since", &n);
    n.size = (20, 5);
    text(&n);
    golden::compare("notes.screens", &screens);
}

#[test]
fn scrolling_ends_with_the_text() {
    let mut n = Notes::new(fixture::course(), PathBuf::from("/w"), Looks::FULL, (40, 12), golden::START);
    n.take(shown(&[OPENED]));
    let first = text(&n);
    n.scroll(1000);
    let last = text(&n);
    assert_ne!(first, last);
    n.scroll(-1);
    assert_ne!(text(&n), last, "one row up shows at once");
    n.scroll(-1000);
    assert_eq!(text(&n), first);
}

#[test]
fn what_comes_next_is_what_the_key_of_who_presents_leads_to() {
    let mut course = std::sync::Arc::unwrap_or_clone(fixture::course());
    course.chapters[1].steps[2].on_stage = false;
    let mut n = Notes::new(course.into(), PathBuf::from("/w"), Looks::FULL, (80, 24), golden::START);
    for (presents, next) in [(false, "See the refusal"), (true, "Grant the permission")] {
        n.take(Published { progress: told(&[OPENED]), presents });
        assert!(text(&n).lines().any(|row| row.contains("next") && row.contains(next)), "{presents}: {}", text(&n));
    }
}

#[test]
fn what_was_cancelled_is_told_as_that_and_colours_follow_the_background() {
    const CANCELLED: &str = r#"{"event":"step_finished","at_step":{"chapter":1,"step":"deploy"},"attempt":1,"verdict":"error","took_ms":5,"failure":{"kind":"interrupted","expected":"it runs to its end","actual":"it was cancelled"}}"#;
    let mut n = Notes::new(fixture::course(), PathBuf::from("/w"), Looks::FULL, (80, 24), golden::START);
    n.take(shown(&[OPENED, DEPLOYS, CANCELLED]));
    assert!(text(&n).contains("! cancelled") && !text(&n).contains("could not run"), "{}", text(&n));
    n.stand_on([255, 255, 255]);
    assert_eq!(n.looks.backdrop, Backdrop::Light);
    n.looks.asks_backdrop = false;
    n.stand_on([0, 0, 0]);
    assert_eq!(n.looks.backdrop, Backdrop::Light, "a person has chosen it");
}

#[test]
fn what_is_on_its_way_and_what_could_not_be_made_ready_are_told() {
    const BRINGING: &str = r#"{"event":"bringing","to":{"chapter":2},"done":1,"total":4}"#;
    const BROKEN: &str =
        r#"{"event":"prepare_failed","task":"packages","problem":{"kind":"environment","message":"no network"}}"#;
    let mut n = Notes::new(fixture::course(), PathBuf::from("/w"), Looks::FULL, (80, 24), golden::START);
    n.take(shown(&[OPENED, BRINGING]));
    assert!(text(&n).contains("now      Bringing everything to chapter 2 0:00 · 1 of 4 steps"), "{}", text(&n));
    n.take(shown(&[OPENED, BROKEN]));
    assert!(text(&n).contains("now      ✗ packages: no network"), "{}", text(&n));
}

#[test]
fn the_key_that_leads_on_is_the_one_that_the_first_terminal_has() {
    const FOLLOWS: &str = r#"{"event":"standby","state":{"is_ready":true,"behind":[]}}"#;
    const GONE: &str = r#"{"event":"account_gone","problem":{"kind":"environment","message":"AWS does not answer: the network is gone"}}"#;
    let opened = OPENED.replace("local", "aws");
    let mut n = Notes::new(fixture::course(), PathBuf::from("/w"), Looks::FULL, (120, 40), golden::START);
    n.take(shown(&[&opened, FOLLOWS, GONE]));
    assert!(text(&n).contains("F moves the talk"), "{}", text(&n));
    remapping::set(&mut n.keymap, "failover", "f9").unwrap();
    assert!(text(&n).contains("f9 moves the talk"), "{}", text(&n));
}

#[test]
fn checks_of_the_stack_before_are_not_counted() {
    let mut n = Notes::new(fixture::course(), "/w".into(), Looks::FULL, (80, 24), golden::START);
    let passed = r#"{"event":"check_finished","at_check":{"chapter":1,"check":"connects"},"title":"t","verdict":"pass","attempts":1,"took_ms":8}"#;
    let mut progress = told(&[OPENED, passed]);
    n.take(Published { progress: progress.clone(), presents: false });
    assert!(text(&n).contains("1 of 2 passed"), "{}", text(&n));
    let kind = serde_json::from_str(DEPLOYS).unwrap();
    progress.apply(&Event { seq: 9, at: golden::START + 9_000, kind });
    n.take(Published { progress, presents: false });
    assert!(text(&n).contains("0 of 2 passed"), "{}", text(&n));
}

#[test]
fn a_failure_names_files_by_their_place_and_a_killed_workshop_runs_nothing() {
    let mut n = Notes::new(fixture::course(), PathBuf::from("/w"), Looks::FULL, (90, 24), golden::START);
    n.take(shown(&[OPENED, DEPLOYS]));
    assert!(text(&n).contains("now      running 0:00"), "{}", text(&n));
    n.silent();
    assert!(text(&n).contains("now      was running when the workshop was left: 0:00"), "{}", text(&n));
    let failed = r#"{"event":"step_finished","at_step":{"chapter":1,"step":"deploy"},"attempt":1,"verdict":"fail","took_ms":9,
        "failure":{"expected":"x","actual":"/w/cdk/lib/a.ts:3:1: no"}}"#;
    n.take(shown(&[OPENED, DEPLOYS, failed]));
    assert!(text(&n).contains("failed: cdk/lib/a.ts:3:1: no"), "{}", text(&n));
}
