//! Whatever is pressed, told, pasted and resized, in whatever order: the screen is drawn.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

use crate::tui::golden::Player;
use crate::tui::model::*;

/// Numbers that look drawn by lot, the same each time (the constants of Knuth's MMIX).
struct Lot(u64);

impl Lot {
    fn under(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % most
    }
}

/// The events of all scripts.
fn events() -> Vec<String> {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/tui");
    let mut files: Vec<_> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let texts = files.iter().map(|path| std::fs::read_to_string(path).unwrap());
    let lines: Vec<String> = texts
        .flat_map(|text| {
            text.lines().filter_map(|line| Some(line.strip_prefix("event ")?.to_owned())).collect::<Vec<_>>()
        })
        .collect();
    assert!(lines.len() > 100, "the scripts are there");
    lines
}

fn press(lot: &mut Lot) -> Msg {
    use KeyCode::*;
    const KEYS: [KeyCode; 14] =
        [Enter, Esc, Tab, BackTab, Backspace, Delete, PageUp, PageDown, Home, End, Up, Down, Left, Right];
    let code = match lot.under(3) {
        0 => KEYS[lot.under(KEYS.len())],
        _ => Char(char::from(b' ' + lot.under(95) as u8)),
    };
    let modifiers = match lot.under(8) {
        0 => KeyModifiers::CONTROL,
        1 => KeyModifiers::ALT,
        _ => KeyModifiers::NONE,
    };
    Msg::Key(KeyEvent::new(code, modifiers))
}

fn point(lot: &mut Lot) -> Msg {
    const KINDS: [MouseEventKind; 5] = [
        MouseEventKind::Down(MouseButton::Left),
        MouseEventKind::Drag(MouseButton::Left),
        MouseEventKind::Up(MouseButton::Left),
        MouseEventKind::ScrollUp,
        MouseEventKind::ScrollDown,
    ];
    let (column, row) = (lot.under(210) as u16, lot.under(70) as u16);
    Msg::Mouse(MouseEvent { kind: KINDS[lot.under(KINDS.len())], column, row, modifiers: KeyModifiers::NONE })
}

#[test]
fn nothing_brings_the_screen_down() {
    let events = events();
    let steps: usize = std::env::var("WORKSHOP_STORM").ok().and_then(|steps| steps.parse().ok()).unwrap_or(400);
    for seed in 0..8 {
        let mut lot = Lot(seed);
        let mut player = Player::new(120, 40);
        player.model.options.vi = seed % 2 == 1;
        for _ in 0..steps {
            match lot.under(20) {
                0..=11 => drop(player.send(press(&mut lot))),
                12..=16 => drop(player.json(&events[lot.under(events.len())])),
                17 => drop(player.send(Msg::Resize(lot.under(210) as u16 + 1, lot.under(70) as u16 + 1))),
                18 => drop(player.send(point(&mut lot))),
                _ => {
                    player.model.now += lot.under(20_000) as u64;
                    player.send(Msg::Paste("select '世界',\n\t1;".to_owned()));
                }
            }
            player.frame();
        }
    }
}
