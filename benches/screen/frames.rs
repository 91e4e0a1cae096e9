//! From a message to the bytes of its frame, in this process: no terminal, no engine, no thread.

use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use workshop::tui::rehearsal::Rehearsal;
use workshop_engine::command::{Command, Request};

use crate::common::{Goal, figure, heading, ms, quantile};
use crate::told;

/// Frames drawn for one figure.
const FRAMES: usize = 300;

pub fn frames() {
    let course = told::course();
    for size in [(80, 24), (120, 40), (200, 60)] {
        let (columns, rows) = size;
        heading(&format!("Frames of {columns}x{rows} in this process, 10,000 lines of log, a difference of 2,000"));
        let mut screen = Rehearsal::new(course.clone(), size, told::NOW).unwrap();
        let asked = screen.tell(told::beginning(&course));
        answer(&mut screen, asked);
        let (ctrl, none) = (KeyModifiers::CONTROL, KeyModifiers::NONE);
        let key = |c, modifiers| KeyEvent::new(KeyCode::Char(c), modifiers);
        let panels = [
            ("scroll the log by a line", '7', [key('k', none), key('j', none)]),
            ("page through the log", '7', [key('u', ctrl), key('d', ctrl)]),
            ("scroll the difference by a line", '3', [key('j', none), key('k', none)]),
            ("page through the difference", '3', [key('d', ctrl), key('u', ctrl)]),
            ("next and previous hunk", '3', [key(']', none), key('[', none)]),
            ("side by side and back", '3', [key('s', none); 2]),
            ("zoom and back", '3', [key('z', none); 2]),
            ("hide identities and show them", '3', [key('x', none); 2]),
            ("next panel", '3', [KeyEvent::new(KeyCode::Tab, none); 2]),
        ];
        for (what, panel, keys) in panels {
            press(&mut screen, key(panel, none));
            screen.draw().unwrap();
            tell(what, keys.iter().cycle(), |key| {
                press(&mut screen, *key);
                screen.draw().unwrap()
            });
        }
        for (what, panel, made, goes_on) in told::pictures(&course) {
            let asked = screen.tell(made);
            answer(&mut screen, asked);
            press(&mut screen, key(panel, none));
            screen.draw().unwrap();
            let scrolls = [key('k', none), key('j', none)];
            tell(&format!("{what}: key"), scrolls.iter().cycle(), |key| {
                press(&mut screen, *key);
                screen.draw().unwrap()
            });
            tell(&format!("{what}: event"), goes_on.iter().cycle(), |event| {
                let asked = screen.tell(vec![event.clone()]);
                answer(&mut screen, asked);
                screen.draw().unwrap()
            });
        }
    }
}

fn press(screen: &mut Rehearsal, key: KeyEvent) {
    let asked = screen.press(key);
    answer(screen, asked);
}

fn answer(screen: &mut Rehearsal, asked: Vec<Request>) {
    for request in asked {
        if let Command::ShowDiff { of } = request.command {
            screen.tell(vec![told::difference(of)]);
        }
    }
}

/// Times the work on each of these; it answers its frame's bytes.
fn tell<T>(what: &str, each: impl Iterator<Item = T>, mut work: impl FnMut(T) -> usize) {
    let mut bytes = Vec::new();
    let one = |of| {
        let begun = Instant::now();
        bytes.push(work(of));
        begun.elapsed()
    };
    let mut times: Vec<Duration> = each.take(FRAMES).map(one).collect();
    times.sort_unstable();
    let most = bytes.iter().max().copied().unwrap_or_default();
    figure(&format!("{what}, median"), "ms", ms(quantile(&times, 0.5)), None, &Goal::None);
    figure(&format!("{what}, p99"), "ms", ms(quantile(&times, 0.99)), None, &Goal::AtMost(2.0));
    figure(&format!("{what}, largest frame"), "bytes", most as f64, None, &Goal::None);
}
