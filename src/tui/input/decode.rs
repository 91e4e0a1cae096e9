//! Bytes of a terminal as events. Sans-IO: bytes and the time in, events out.
//!
//! Invariant: a control sequence is one event or nothing, wherever its bytes were cut apart; no part of what a terminal
//! reports is ever taken for a key. The grammar is ECMA-48's (5.4 control sequences, 5.6 control strings).

use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};

/// One event of the terminal.
#[derive(Debug, Clone, PartialEq)]
pub enum TerminalInput {
    Key(KeyEvent),
    Paste(String),
    Mouse(MouseEvent),
    /// True when the terminal's window has got the keyboard, false when it has lost it.
    Focus(bool),
    /// The answer to OSC 11: the background's red, green and blue.
    Background([u8; 3]),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum DecoderState {
    Ground,
    Escape,
    /// After `ESC [`.
    Csi,
    /// After `ESC O`.
    Ss3,
    /// After `ESC [ [`: the Linux console's function keys.
    Console,
    /// The three bytes of the oldest mouse report.
    OldMouse,
    /// A control string, after this introducer.
    Text(u8),
    /// An escape inside one: the end, if a backslash follows.
    TextEscape(u8),
    Paste,
}

/// Makes events of bytes.
#[derive(Debug)]
pub struct Decoder {
    state: DecoderState,
    /// The sequence or the text that is being read, without its introducer.
    sequence: Vec<u8>,
    /// A character whose bytes have not all come.
    character: Vec<u8>,
    alt: bool,
    /// When an escape that stood alone was taken for the key.
    escaped: Option<Instant>,
    events: Vec<TerminalInput>,
}

/// An escape that nothing follows for so long is the key.
const ESCAPE: Duration = Duration::from_millis(30);
/// An introducer that nothing follows for so long is a key with Alt. Nobody waits for one of these.
const INTRODUCER: Duration = Duration::from_millis(300);
/// A sequence that began and does not end is dropped after so long a silence.
const SILENCE: Duration = Duration::from_secs(1);
/// Bytes that follow an escape key so soon, several at once, are the rest of a sequence that was cut.
const CUT: Duration = Duration::from_millis(300);
/// Bytes of a report that are looked at; the rest of it is read and dropped.
const LOOKED_AT: usize = 4096;

const PASTE_END: &[u8] = b"\x1b[201~";

impl Default for Decoder {
    fn default() -> Self {
        Decoder {
            state: DecoderState::Ground,
            sequence: Vec::new(),
            character: Vec::new(),
            alt: false,
            escaped: None,
            events: Vec::new(),
        }
    }
}

impl Decoder {
    /// Takes bytes as they came; returns the events that are complete with them.
    pub fn feed(&mut self, bytes: &[u8], now: Instant) -> Vec<TerminalInput> {
        let escaped = self.escaped.take().filter(|at| now.saturating_duration_since(*at) < CUT);
        let introduces = |byte: &u8| matches!(byte, b'[' | b'O' | b'P' | b'X' | b'^' | b'_' | b']');
        if escaped.is_some() && bytes.len() >= 3 && bytes.first().is_some_and(introduces) {
            self.state = DecoderState::Escape;
        }
        for &byte in bytes {
            self.byte(byte);
        }
        std::mem::take(&mut self.events)
    }

    /// Returns how long to wait for the rest of what has begun; None when nothing has.
    pub fn patience(&self) -> Option<Duration> {
        match self.state {
            DecoderState::Ground => (!self.character.is_empty()).then_some(SILENCE),
            DecoderState::Escape => Some(ESCAPE),
            DecoderState::Csi | DecoderState::Ss3 | DecoderState::Text(_) if self.sequence.is_empty() => {
                Some(INTRODUCER)
            }
            DecoderState::Csi
            | DecoderState::Ss3
            | DecoderState::Console
            | DecoderState::OldMouse
            | DecoderState::Text(_)
            | DecoderState::TextEscape(_) => Some(SILENCE),
            DecoderState::Paste => None,
        }
    }

    /// Ends what has begun, after the patience has passed: a key, or nothing.
    pub fn settle(&mut self, now: Instant) -> Vec<TerminalInput> {
        let alone = self.sequence.is_empty();
        match self.state {
            DecoderState::Escape => {
                self.key(KeyCode::Esc, KeyModifiers::NONE);
                self.escaped = Some(now);
            }
            DecoderState::Csi if alone => self.key(KeyCode::Char('['), KeyModifiers::ALT),
            DecoderState::Ss3 if alone => self.key(KeyCode::Char('O'), KeyModifiers::ALT),
            DecoderState::Text(introducer) if alone => self.key(KeyCode::Char(introducer.into()), KeyModifiers::ALT),
            _ => {}
        }
        self.ground();
        self.character.clear();
        std::mem::take(&mut self.events)
    }

    fn ground(&mut self) {
        self.state = DecoderState::Ground;
        self.sequence.clear();
        self.alt = false;
    }

    fn key(&mut self, code: KeyCode, modifiers: KeyModifiers) {
        self.events.push(TerminalInput::Key(KeyEvent::new(code, modifiers)));
    }

    fn byte(&mut self, byte: u8) {
        match self.state {
            DecoderState::Ground => self.plain(byte),
            DecoderState::Escape => self.after_escape(byte),
            DecoderState::Csi => self.in_csi(byte),
            DecoderState::Ss3 => match byte {
                b'0'..=b'9' | b';' => self.sequence.push(byte),
                _ => self.end_ss3(byte),
            },
            DecoderState::Console => self.ground(),
            DecoderState::OldMouse => {
                self.sequence.push(byte);
                if let [button, column, row] = self.sequence[..] {
                    let place = |byte: u8| u16::from(byte.saturating_sub(33));
                    self.mouse(u16::from(button.saturating_sub(32)), place(column), place(row), true);
                    self.ground();
                }
            }
            DecoderState::Text(introducer) => match byte {
                0x07 => self.end_text(introducer),
                0x1b => self.state = DecoderState::TextEscape(introducer),
                0x18 | 0x1a => self.ground(),
                _ => {
                    if self.sequence.len() < LOOKED_AT {
                        self.sequence.push(byte);
                    }
                }
            },
            DecoderState::TextEscape(introducer) if byte == b'\\' => self.end_text(introducer),
            DecoderState::TextEscape(_) => {
                // Another sequence has begun: the text was cut off.
                self.ground();
                self.state = DecoderState::Escape;
                self.after_escape(byte);
            }
            DecoderState::Paste => {
                self.sequence.push(byte);
                if byte == b'~' && self.sequence.ends_with(PASTE_END) {
                    let length = self.sequence.len() - PASTE_END.len();
                    let text = String::from_utf8_lossy(&self.sequence[..length]).into_owned();
                    self.events.push(TerminalInput::Paste(text));
                    self.ground();
                }
            }
        }
    }

    fn plain(&mut self, byte: u8) {
        let alt = if self.alt { KeyModifiers::ALT } else { KeyModifiers::NONE };
        if byte >= 0x80 {
            self.character.push(byte);
            match std::str::from_utf8(&self.character) {
                Ok(text) => {
                    let c = text.chars().next();
                    self.character.clear();
                    self.alt = false;
                    if let Some(c) = c {
                        self.key(KeyCode::Char(c), alt);
                    }
                }
                // More of it is to come, unless it cannot be one.
                Err(error) if error.error_len().is_some() => self.character.clear(),
                Err(_) => {}
            }
            return;
        }
        self.character.clear();
        self.alt = false;
        let ctrl = |c: u8| (KeyCode::Char(c.into()), KeyModifiers::CONTROL);
        let (code, modifiers) = match byte {
            0x1b => {
                self.state = DecoderState::Escape;
                return;
            }
            0x00 => ctrl(b' '),
            b'\r' => (KeyCode::Enter, KeyModifiers::NONE),
            b'\t' => (KeyCode::Tab, KeyModifiers::NONE),
            0x7f => (KeyCode::Backspace, KeyModifiers::NONE),
            0x01..=0x1a => ctrl(byte - 1 + b'a'),
            0x1c..=0x1f => ctrl(byte - 0x1c + b'4'),
            _ => (KeyCode::Char(byte.into()), KeyModifiers::NONE),
        };
        self.key(code, modifiers | alt);
    }

    fn after_escape(&mut self, byte: u8) {
        self.state = match byte {
            b'[' => DecoderState::Csi,
            b'O' => DecoderState::Ss3,
            b'P' | b'X' | b'^' | b'_' | b']' => DecoderState::Text(byte),
            0x1b => {
                self.key(KeyCode::Esc, KeyModifiers::NONE);
                DecoderState::Escape
            }
            _ => {
                self.ground();
                self.alt = true;
                self.plain(byte);
                return;
            }
        };
    }

    fn in_csi(&mut self, byte: u8) {
        match byte {
            b'[' if self.sequence.is_empty() => self.state = DecoderState::Console,
            0x20..=0x3f if self.sequence.len() < LOOKED_AT => self.sequence.push(byte),
            // The rest of a long one is read and dropped.
            0x20..=0x3f => {}
            0x40..=0x7e => self.end_csi(byte),
            0x1b => {
                self.ground();
                self.state = DecoderState::Escape;
            }
            0x18 | 0x1a | 0x80.. => self.ground(),
            // Other control characters mean nothing in here.
            _ => {}
        }
    }

    fn end_ss3(&mut self, byte: u8) {
        let sequence = std::mem::take(&mut self.sequence);
        self.ground();
        let numbers = numbers(&sequence);
        let code = match byte {
            b'M' => Some(KeyCode::Enter),
            b'I' => Some(KeyCode::Tab),
            b'P'..=b'S' => Some(KeyCode::F(byte - b'P' + 1)),
            b'j'..=b'y' => Some(KeyCode::Char((byte - b'j' + b'*').into())),
            _ => cursor_key(byte),
        };
        if let Some(code) = code {
            self.key(code, modifiers(numbers.last().copied().unwrap_or(1)));
        } else if byte == 0x1b {
            self.state = DecoderState::Escape;
        }
    }

    fn end_csi(&mut self, last: u8) {
        let sequence = std::mem::take(&mut self.sequence);
        self.ground();
        if sequence.is_empty() && last == b'M' {
            self.state = DecoderState::OldMouse;
            return;
        }
        if let Some((b'<', report)) = sequence.split_first() {
            if let (&[button, column, row], b'M' | b'm') = (&numbers(report)[..], last) {
                let place = |n: u32| u16::try_from(n.saturating_sub(1)).unwrap_or(u16::MAX);
                self.mouse(u16::try_from(button).unwrap_or(u16::MAX), place(column), place(row), last == b'M');
            }
            return;
        }
        // Reports have a prefix or an intermediate byte; keys have numbers alone.
        if !sequence.iter().all(|byte| matches!(byte, b'0'..=b'9' | b';' | b':')) {
            return;
        }
        let numbers = numbers(&sequence);
        let number = |at: usize, absent: u32| numbers.get(at).copied().filter(|n| *n > 0).unwrap_or(absent);
        let modifiers = modifiers(number(1, 1));
        match last {
            b'~' => match number(0, 0) {
                200 => self.state = DecoderState::Paste,
                27 => self.coded(number(2, 0), modifiers),
                code => {
                    if let Some(code) = numbered_key(code) {
                        self.key(code, modifiers);
                    }
                }
            },
            // Of kitty's protocol; the second part of the modifiers is 3 for a key that is let go.
            b'u' if !released(&sequence) => self.coded(number(0, 0), modifiers),
            b'I' if sequence.is_empty() => self.events.push(TerminalInput::Focus(true)),
            b'O' if sequence.is_empty() => self.events.push(TerminalInput::Focus(false)),
            b'P' | b'Q' | b'S' if number(0, 1) == 1 => self.key(KeyCode::F(last - b'P' + 1), modifiers),
            b'A'..=b'D' | b'F' | b'H' | b'Z' if number(0, 1) == 1 && !released(&sequence) => {
                if let Some(code) = cursor_key(last) {
                    self.key(code, modifiers);
                }
            }
            _ => {}
        }
    }

    /// A key by its code point.
    fn coded(&mut self, code: u32, modifiers: KeyModifiers) {
        let code = match code {
            13 | 57414 => KeyCode::Enter,
            27 => KeyCode::Esc,
            9 if modifiers.contains(KeyModifiers::SHIFT) => KeyCode::BackTab,
            9 => KeyCode::Tab,
            8 | 127 => KeyCode::Backspace,
            // Private use: modifiers and keys that have no character.
            0 | 57344..=63743 => return,
            _ => match char::from_u32(code) {
                Some(c) => KeyCode::Char(c),
                None => return,
            },
        };
        self.key(code, modifiers);
    }

    fn end_text(&mut self, introducer: u8) {
        let text = std::mem::take(&mut self.sequence);
        self.ground();
        if introducer == b']'
            && let Some(colour) = text.strip_prefix(b"11;").and_then(colour)
        {
            self.events.push(TerminalInput::Background(colour));
        }
    }

    fn mouse(&mut self, button: u16, column: u16, row: u16, pressed: bool) {
        let which = match button & 0b11 {
            0 => MouseButton::Left,
            1 => MouseButton::Middle,
            _ => MouseButton::Right,
        };
        let kind = match button {
            64.. if button & 0b11 == 0 => MouseEventKind::ScrollUp,
            64.. if button & 0b11 == 1 => MouseEventKind::ScrollDown,
            64.. if button & 0b11 == 2 => MouseEventKind::ScrollLeft,
            64.. => MouseEventKind::ScrollRight,
            _ if button & 32 != 0 && button & 0b11 == 3 => MouseEventKind::Moved,
            _ if button & 32 != 0 => MouseEventKind::Drag(which),
            _ if !pressed || button & 0b11 == 3 => MouseEventKind::Up(which),
            _ => MouseEventKind::Down(which),
        };
        let mut modifiers = KeyModifiers::NONE;
        for (bit, modifier) in [(4, KeyModifiers::SHIFT), (8, KeyModifiers::ALT), (16, KeyModifiers::CONTROL)] {
            if button & bit != 0 {
                modifiers |= modifier;
            }
        }
        self.events.push(TerminalInput::Mouse(MouseEvent { kind, column, row, modifiers }));
    }
}

/// The numbers of a sequence; of those with parts the first part.
fn numbers(sequence: &[u8]) -> Vec<u32> {
    if sequence.is_empty() {
        return Vec::new();
    }
    let first = |part: &[u8]| part.split(|b| *b == b':').next().map(<[u8]>::to_vec).unwrap_or_default();
    let number = |part: &[u8]| String::from_utf8(first(part)).ok().and_then(|text| text.parse().ok()).unwrap_or(0);
    sequence.split(|b| *b == b';').map(number).collect()
}

/// Returns whether kitty's protocol says that the key was let go.
fn released(sequence: &[u8]) -> bool {
    sequence.split(|b| *b == b';').nth(1).is_some_and(|modifiers| modifiers.ends_with(b":3"))
}

/// One more than the bits: shift, alt, control.
fn modifiers(number: u32) -> KeyModifiers {
    let bits = number.saturating_sub(1);
    let mut out = KeyModifiers::NONE;
    for (bit, modifier) in [(1, KeyModifiers::SHIFT), (2, KeyModifiers::ALT), (4, KeyModifiers::CONTROL)] {
        if bits & bit != 0 {
            out |= modifier;
        }
    }
    out
}

fn cursor_key(last: u8) -> Option<KeyCode> {
    Some(match last {
        b'A' => KeyCode::Up,
        b'B' => KeyCode::Down,
        b'C' => KeyCode::Right,
        b'D' => KeyCode::Left,
        b'F' => KeyCode::End,
        b'H' => KeyCode::Home,
        b'Z' => KeyCode::BackTab,
        _ => return None,
    })
}

fn numbered_key(number: u32) -> Option<KeyCode> {
    Some(match number {
        1 | 7 => KeyCode::Home,
        2 => KeyCode::Insert,
        3 => KeyCode::Delete,
        4 | 8 => KeyCode::End,
        5 => KeyCode::PageUp,
        6 => KeyCode::PageDown,
        11..=15 => KeyCode::F((number - 10) as u8),
        17..=21 => KeyCode::F((number - 11) as u8),
        23 | 24 => KeyCode::F((number - 12) as u8),
        _ => return None,
    })
}

/// `rgb:RRRR/GGGG/BBBB` or `rgba:…`, one to four hexadecimal digits each.
fn colour(text: &[u8]) -> Option<[u8; 3]> {
    let text = std::str::from_utf8(text).ok()?;
    let (_, parts) = text.split_once(':').filter(|(name, _)| matches!(*name, "rgb" | "rgba"))?;
    let mut out = [0; 3];
    let mut parts = parts.split('/');
    for part in &mut out {
        let digits = parts.next().filter(|digits| matches!(digits.len(), 1..=4))?;
        let value = u32::from_str_radix(digits, 16).ok()?;
        let most = (1_u32 << (4 * digits.len())) - 1;
        *part = (value * 255 / most) as u8;
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything that comes of these bytes, cut at every place, with silence only at the end.
    fn all(bytes: &[u8]) -> Vec<TerminalInput> {
        let now = Instant::now();
        let whole = {
            let mut decoder = Decoder::default();
            let mut out = decoder.feed(bytes, now);
            if decoder.patience().is_some() {
                out.extend(decoder.settle(now));
            }
            out
        };
        for cut in 0..=bytes.len() {
            let mut decoder = Decoder::default();
            let mut out = decoder.feed(&bytes[..cut], now);
            out.extend(decoder.feed(&bytes[cut..], now));
            if decoder.patience().is_some() {
                out.extend(decoder.settle(now));
            }
            assert_eq!(out, whole, "cut at {cut} of {:?}", String::from_utf8_lossy(bytes));
        }
        whole
    }

    fn key(code: KeyCode, modifiers: KeyModifiers) -> TerminalInput {
        TerminalInput::Key(KeyEvent::new(code, modifiers))
    }

    #[test]
    fn what_a_terminal_reports_by_itself_is_no_key() {
        let reports: [&[u8]; 22] = [
            b"\x1bP1$r0m\x1b\\", // DECRQSS
            b"\x1bP0$r\x1b\\",
            b"\x1bP>|xterm(370)\x1b\\",           // XTVERSION
            b"\x1bP1+r544e=787465726d\x1b\\",     // XTGETTCAP
            b"\x1bP!|00000000\x1b\\",             // DA3
            b"\x1b]10;rgb:ffff/ffff/ffff\x07",    // foreground
            b"\x1b]4;1;rgb:cdcd/0000/0000\x1b\\", // palette
            b"\x1b]52;c;cnFu\x07",                // clipboard
            b"\x1b]lwindow title\x1b\\",          // XTWINOPS 21
            b"\x1b_Gi=31;OK\x1b\\",               // kitty graphics
            b"\x1b[?64;1;2;6;22c",                // DA1
            b"\x1b[>41;370;0c",                   // DA2
            b"\x1b[?2026;2$y",                    // DECRPM
            b"\x1b[4;2$y",
            b"\x1b[24;80R", // CPR
            b"\x1b[?24;80;1R",
            b"\x1b[0n",                 // DSR
            b"\x1b[?997;1n",            // colour scheme
            b"\x1b[8;24;80t",           // size in characters
            b"\x1b[?1u",                // kitty flags
            b"\x1b[?1;0;256S",          // graphics
            b"\x1b[2;1;1;112;112;1;0x", // DECREQTPARM
        ];
        for report in reports {
            assert_eq!(all(report), [], "{:?}", String::from_utf8_lossy(report));
            let mut with_key = report.to_vec();
            with_key.push(b'q');
            let q = key(KeyCode::Char('q'), KeyModifiers::NONE);
            assert_eq!(all(&with_key), [q], "after {:?}", String::from_utf8_lossy(report));
        }
    }

    #[test]
    fn a_report_that_comes_after_its_escape_was_taken_for_the_key_is_still_none() {
        let now = Instant::now();
        let mut decoder = Decoder::default();
        assert_eq!(decoder.feed(b"\x1b", now), []);
        let later = now + ESCAPE;
        assert_eq!(decoder.settle(later), [key(KeyCode::Esc, KeyModifiers::NONE)]);
        assert_eq!(decoder.feed(b"P>|tmux 3.4\x1b\\", later + Duration::from_millis(50)), []);
        // What a person types after the escape key is what it is.
        decoder.feed(b"\x1b", now);
        decoder.settle(now);
        assert_eq!(decoder.feed(b"P", now), [key(KeyCode::Char('P'), KeyModifiers::NONE)]);
    }

    #[test]
    fn the_background_is_an_answer() {
        assert_eq!(all(b"\x1b]11;rgb:ffff/8080/0000\x1b\\"), [TerminalInput::Background([255, 128, 0])]);
        assert_eq!(all(b"\x1b]11;rgba:1e/1e/2e/ff\x07"), [TerminalInput::Background([0x1e, 0x1e, 0x2e])]);
        assert_eq!(all(b"\x1b]11;?\x07"), []);
    }

    #[test]
    fn keys_in_all_their_spellings() {
        use KeyCode::{BackTab, Backspace, Char, Delete, Down, End, Enter, Esc, F, Home, PageUp, Tab, Up};
        const NONE: KeyModifiers = KeyModifiers::NONE;
        const ALT: KeyModifiers = KeyModifiers::ALT;
        const CTRL: KeyModifiers = KeyModifiers::CONTROL;
        let cases: [(&[u8], KeyCode, KeyModifiers); 30] = [
            (b"a", Char('a'), NONE),
            ("é".as_bytes(), Char('é'), NONE),
            ("世".as_bytes(), Char('世'), NONE),
            (b"\x1b", Esc, NONE),
            (b"\x1bx", Char('x'), ALT),
            ("\x1bé".as_bytes(), Char('é'), ALT),
            (b"\x1b\r", Enter, ALT),
            (b"\x1b\x7f", Backspace, ALT),
            (b"\r", Enter, NONE),
            (b"\n", Char('j'), CTRL),
            (b"\t", Tab, NONE),
            (b"\x7f", Backspace, NONE),
            (b"\x03", Char('c'), CTRL),
            (b"\x00", Char(' '), CTRL),
            (b"\x1b[A", Up, NONE),
            (b"\x1bOB", Down, NONE),
            (b"\x1b[1;3A", Up, ALT),
            (b"\x1b[1;5B", Down, CTRL),
            (b"\x1b[H", Home, NONE),
            (b"\x1b[4~", End, NONE),
            (b"\x1b[3~", Delete, NONE),
            (b"\x1b[5~", PageUp, NONE),
            (b"\x1b[Z", BackTab, KeyModifiers::NONE),
            (b"\x1bOP", F(1), NONE),
            (b"\x1b[15~", F(5), NONE),
            (b"\x1b[99;5u", Char('c'), CTRL),
            (b"\x1b[13;1:1u", Enter, NONE),
            (b"\x1b[27;5;99~", Char('c'), CTRL),
            (b"\x1bOM", Enter, NONE),
            (b"\x1b[", Char('['), ALT),
        ];
        for (bytes, code, modifiers) in cases {
            assert_eq!(all(bytes), [key(code, modifiers)], "{:?}", String::from_utf8_lossy(bytes));
        }
        assert_eq!(all(b"\x1bP"), [key(Char('P'), ALT)], "alone it is a key");
        assert_eq!(all(b"\x1b[99;5:3u"), [], "let go");
        assert_eq!(all(b"\xff\xfe"), [], "no text");
    }

    #[test]
    fn a_paste_is_text_whatever_is_in_it() {
        assert_eq!(all(b"\x1b[200~a\x1b[A\rb~\x1b[201~"), [TerminalInput::Paste("a\x1b[A\rb~".into())]);
    }

    #[test]
    fn the_mouse_in_both_spellings() {
        let at =
            |kind, column, row| [TerminalInput::Mouse(MouseEvent { kind, column, row, modifiers: KeyModifiers::NONE })];
        assert_eq!(all(b"\x1b[<0;5;3M"), at(MouseEventKind::Down(MouseButton::Left), 4, 2));
        assert_eq!(all(b"\x1b[<0;5;3m"), at(MouseEventKind::Up(MouseButton::Left), 4, 2));
        assert_eq!(all(b"\x1b[<65;1;1M"), at(MouseEventKind::ScrollDown, 0, 0));
        assert_eq!(all(b"\x1b[<32;2;2M"), at(MouseEventKind::Drag(MouseButton::Left), 1, 1));
        assert_eq!(all(b"\x1b[M !!"), at(MouseEventKind::Down(MouseButton::Left), 0, 0));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_end_in_silence(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
            let now = Instant::now();
            let mut decoder = Decoder::default();
            decoder.feed(&bytes, now);
            if decoder.patience().is_some() {
                decoder.settle(now);
                proptest::prop_assert_eq!(decoder.patience(), None);
            }
        }
    }
}
