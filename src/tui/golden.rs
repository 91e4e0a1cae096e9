//! Scripts of keys and events against screens, in `tests/golden/tui`.
//!
//! A line is a word and its argument: `key space`, `type select 1;`, `paste TEXT`, `event {JSON}`,
//! `wait SECONDS`, `flood LINES`, `looks ascii|mono|full`, `keys key.COMMAND = KEYS`, `frame 80x24`. Below a line
//! stands what came of it: commands and other effects after `=`, rows of the screen after `|`. `UPDATE_GOLDEN=1` writes
//! them anew.

use std::fs;
use std::path::Path;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;

use super::fixture;
use super::model::*;
use super::remapping;
use super::settings::ScreenSettings;
use super::theme::Looks;
use super::update::{arrange, update};
use super::view::view;
use workshop_engine::event::{Event, EventKind};

/// 2026-11-30 10:00:00 UTC
pub const START: u64 = 1_796_032_800_000;

pub struct Player {
    pub model: Model,
    seq: u64,
}

impl Player {
    pub fn new(width: u16, height: u16) -> Player {
        let options = ScreenOptions {
            looks: Looks::FULL,
            workdir: "/home/my-dsql-app".into(),
            utc_offset: 3600,
            history: vec!["select 1;".into(), "\\d".into()],
            settings: ScreenSettings { clock: true, ..ScreenSettings::default() },
            keymap: Default::default(),
            vi: false,
        };
        let mut model = Model::new(fixture::course(), options, (width, height), START);
        arrange(&mut model);
        Player { model, seq: 0 }
    }

    pub fn send(&mut self, msg: Msg) -> Vec<Effect> {
        update(&mut self.model, msg)
    }

    pub fn key(&mut self, name: &str) -> Vec<Effect> {
        self.send(Msg::Key(key(name)))
    }

    pub fn event(&mut self, kind: EventKind) -> Vec<Effect> {
        self.seq += 1;
        let event = Event { seq: self.seq, at: self.model.now, kind };
        self.send(Msg::Events(vec![event]))
    }

    pub fn json(&mut self, json: &str) -> Vec<Effect> {
        let kind = serde_json::from_str(json).unwrap_or_else(|e| panic!("{e} in {json}"));
        self.event(kind)
    }

    pub fn frame(&self) -> Buffer {
        let (width, height) = self.model.size;
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| view(&self.model, frame)).unwrap();
        terminal.backend().buffer().clone()
    }

    pub fn screen(&self) -> Vec<String> {
        let buffer = self.frame();
        let row = |y| (0..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
        (0..buffer.area.height).map(row).collect()
    }

    pub fn play(&mut self, line: &str) -> Vec<String> {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        let effects = match verb {
            "key" => rest.split(' ').flat_map(|name| self.key(name)).collect(),
            "type" => rest.chars().flat_map(|c| self.send(Msg::Key(KeyEvent::from(KeyCode::Char(c))))).collect(),
            "paste" => self.send(Msg::Paste(rest.replace("\\n", "\n"))),
            "event" => self.json(rest),
            "flood" => {
                let lines: Vec<String> = (1..=rest.parse::<u64>().unwrap()).map(|n| format!("\"line {n}\"")).collect();
                let lines = lines.join(",");
                self.json(&format!(r#"{{"event":"output","at_step":null,"stream":"stdout","lines":[{lines}]}}"#))
            }
            "wait" => {
                self.model.now += rest.parse::<u64>().unwrap() * 1000;
                self.send(Msg::Tick)
            }
            "looks" => {
                self.model.options.looks = match rest {
                    "ascii" => Looks { colour: false, unicode: false, ..Looks::FULL },
                    "mono" => Looks { colour: false, ..Looks::FULL },
                    _ => Looks::FULL,
                };
                Vec::new()
            }
            "keys" => {
                let (name, keys) = rest.strip_prefix("key.").unwrap().split_once(" = ").unwrap();
                remapping::set(&mut self.model.options.keymap, name, keys).unwrap();
                Vec::new()
            }
            "frame" => {
                let (width, height) = rest.split_once('x').unwrap();
                self.send(Msg::Resize(width.parse().unwrap(), height.parse().unwrap()));
                return self.screen().into_iter().map(|row| format!("|{row}")).collect();
            }
            other => panic!("no such word: {other}"),
        };
        let shown =
            effects.iter().filter(|e| !matches!(e, Effect::Colour(_) | Effect::Window(_))).map(|effect| match effect {
                Effect::Send(request) => format!("= Send({:?})", request.command),
                effect => format!("= {effect:?}"),
            });
        shown.collect()
    }
}

/// `space`, `ctrl-c`, `alt-enter`, `a`
pub fn key(name: &str) -> KeyEvent {
    let (modifiers, name) = match name.split_once('-') {
        Some(("ctrl", rest)) => (KeyModifiers::CONTROL, rest),
        Some(("alt", rest)) => (KeyModifiers::ALT, rest),
        _ => (KeyModifiers::NONE, name),
    };
    let code = match name {
        "space" => KeyCode::Char(' '),
        "enter" => KeyCode::Enter,
        "esc" => KeyCode::Esc,
        "tab" => KeyCode::Tab,
        "backtab" => KeyCode::BackTab,
        "backspace" => KeyCode::Backspace,
        "delete" => KeyCode::Delete,
        "pgup" => KeyCode::PageUp,
        "pgdn" => KeyCode::PageDown,
        "home" => KeyCode::Home,
        "end" => KeyCode::End,
        "up" => KeyCode::Up,
        "down" => KeyCode::Down,
        "left" => KeyCode::Left,
        "right" => KeyCode::Right,
        key if key.len() > 1 && key.starts_with('f') => KeyCode::F(key[1..].parse().unwrap()),
        one => KeyCode::Char(one.chars().next().unwrap()),
    };
    KeyEvent::new(code, modifiers)
}

/// Compares screens that no script plays with `tests/golden/tui/NAME`.
pub fn compare(name: &str, now: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/tui").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, now).unwrap();
        return;
    }
    let before = fs::read_to_string(&path).unwrap_or_default();
    assert!(before == now, "{}\nwant\n{before}\ngot\n{now}", path.display());
}

#[test]
fn scripts() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/tui");
    let mut failed = Vec::new();
    let mut count = 0;
    for entry in fs::read_dir(&dir).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "txt") {
            continue;
        }
        count += 1;
        let script = fs::read_to_string(&path).unwrap();
        let mut player = Player::new(80, 24);
        let mut played = String::new();
        for line in script.lines().filter(|line| !line.starts_with(['=', '|'])) {
            played.push_str(line);
            played.push('\n');
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            for out in player.play(line) {
                played.push_str(&out);
                played.push('\n');
            }
        }
        if played != script {
            if std::env::var_os("UPDATE_GOLDEN").is_some() {
                fs::write(&path, &played).unwrap();
                continue;
            }
            let at = played.lines().zip(script.lines()).position(|(a, b)| a != b).unwrap_or(0);
            let near = |text: &str| text.lines().skip(at.saturating_sub(2)).take(6).collect::<Vec<_>>().join("\n");
            failed.push(format!("{}:{}\nwant\n{}\ngot\n{}", path.display(), at + 1, near(&script), near(&played)));
        }
    }
    assert!(count > 5, "the scripts are there");
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}
