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
    n.take(told(&[OPENED]));
    n.now += 200_000;
    shoot("at a step that has not run, behind its budget", &n);
    n.take(told(&[OPENED, DEPLOYS]));
    shoot("while it runs", &n);
    n.take(told(&[OPENED, MOVED]));
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
    n.take(told(&[OPENED, GONE]));
    shoot("at a step that its author has added since", &n);
    n.size = (20, 5);
    text(&n);
    golden::compare("notes.screens", &screens);
}

#[test]
fn scrolling_ends_with_the_text() {
    let mut n = Notes::new(fixture::course(), PathBuf::from("/w"), Looks::FULL, (40, 12), golden::START);
    n.take(told(&[OPENED]));
    let first = text(&n);
    n.scroll(1000);
    let last = text(&n);
    assert_ne!(first, last);
    n.scroll(-1);
    assert_ne!(text(&n), last, "one row up shows at once");
    n.scroll(-1000);
    assert_eq!(text(&n), first);
}
