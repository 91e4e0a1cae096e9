//! Images on the terminal, for those that show any: kitty's graphics protocol and iTerm's inline images.

use std::collections::VecDeque;
use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio::sync::mpsc::UnboundedSender;

use super::model::{LessonImage, Msg};
use super::terminal::{self, Screen};

/// The way by which a terminal takes images.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageProtocol {
    /// APC G: kitty, Ghostty, Konsole, WezTerm.
    Kitty,
    /// OSC 1337: iTerm2, mintty.
    Iterm,
}

impl ImageProtocol {
    /// Decides from the values of `TERM_PROGRAM`, `TERM`, `KITTY_WINDOW_ID`, `KONSOLE_VERSION` and `LC_TERMINAL`. Inside
    /// tmux and screen images do not reach the terminal.
    pub fn from_environment(get: impl Fn(&str) -> Option<String>) -> Option<ImageProtocol> {
        let value = |name: &str| get(name).unwrap_or_default().to_ascii_lowercase();
        if !value("TMUX").is_empty() || !value("STY").is_empty() {
            return None;
        }
        let (program, term) = (value("TERM_PROGRAM"), value("TERM"));
        let kitty = term.contains("kitty") || term.contains("ghostty") || !value("KITTY_WINDOW_ID").is_empty();
        if kitty || matches!(program.as_str(), "ghostty" | "wezterm") || !value("KONSOLE_VERSION").is_empty() {
            return Some(ImageProtocol::Kitty);
        }
        let iterm = matches!(program.as_str(), "iterm.app" | "mintty") || value("LC_TERMINAL") == "iterm2";
        iterm.then_some(ImageProtocol::Iterm)
    }

    /// Returns the bytes that clear a screen of `width` by `height` cells and show a PNG file on it, with what it shows
    /// above and what goes on below. None when the bytes are no PNG.
    pub fn show(self, png: &[u8], alt: &str, (width, height): (u16, u16)) -> Option<Vec<u8>> {
        let (columns, rows) = fitted(size(png)?, (width, height.saturating_sub(4)));
        let alt: String =
            workshop_base::text::sanitize(alt).chars().filter(|c| !c.is_control()).take(width.into()).collect();
        let mut out = format!("\x1b[0m\x1b[2J\x1b[1;1H {alt}\x1b[3;2H").into_bytes();
        let data = STANDARD.encode(png);
        match self {
            ImageProtocol::Kitty => {
                let mut pieces = data.as_bytes().chunks(CHUNK).peekable();
                let mut keys = format!("f=100,a=T,q=2,C=1,c={columns},r={rows},");
                while let Some(piece) = pieces.next() {
                    let more = u8::from(pieces.peek().is_some());
                    out.extend(format!("\x1b_G{keys}m={more};").into_bytes());
                    out.extend(piece);
                    out.extend(b"\x1b\\");
                    keys.clear();
                }
            }
            ImageProtocol::Iterm => {
                let head = format!(
                    "\x1b]1337;File=inline=1;size={};width={columns};height={rows};preserveAspectRatio=1:",
                    png.len()
                );
                out.extend(head.into_bytes());
                out.extend(data.into_bytes());
                out.push(7);
            }
        }
        out.extend(format!("\x1b[{height};1H any key goes on").into_bytes());
        Some(out)
    }

    /// Returns the bytes that take away what was shown.
    pub fn clear(self) -> &'static [u8] {
        match self {
            ImageProtocol::Kitty => b"\x1b_Ga=d,d=A,q=2\x1b\\\x1b[2J",
            ImageProtocol::Iterm => b"\x1b[2J",
        }
    }
}

/// Images that get the screen one after the other, each until a key is pressed.
#[derive(Debug, Default)]
pub struct ImageShow {
    /// None: this terminal shows none.
    protocol: Option<ImageProtocol>,
    queue: VecDeque<LessonImage>,
    shown: bool,
}

/// A step of it, for who owns the terminal.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ImageStep {
    /// To be written to the terminal.
    pub bytes: Vec<u8>,
    /// A word for the person.
    pub told: Option<String>,
    /// The screen is free to be drawn again.
    pub over: bool,
}

impl ImageShow {
    /// Makes the show of a terminal, in which nothing is shown yet.
    pub fn new(protocol: Option<ImageProtocol>) -> ImageShow {
        ImageShow { protocol, ..ImageShow::default() }
    }

    /// Takes images to be shown.
    pub fn begin(&mut self, images: Vec<LessonImage>) {
        self.queue = images.into();
    }

    /// Tells whether an image has the screen.
    pub fn has_screen(&self) -> bool {
        self.shown
    }

    /// Shows the next image on a screen, or gives it back after the last.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn go_on(&mut self, screen: &mut Screen, messages: &UnboundedSender<Msg>) -> io::Result<()> {
        let step = self.next(screen.size());
        terminal::say(&step.bytes)?;
        if let Some(text) = step.told {
            let _ = messages.send(Msg::Told { text, bad: true });
        }
        if step.over {
            screen.draw_anew();
        }
        Ok(())
    }

    /// Goes on to the next image; after the last the screen is free.
    fn next(&mut self, screen: (u16, u16)) -> ImageStep {
        let Some(protocol) = self.protocol else {
            let shows = |image: &LessonImage| format!("{} ({})", image.alt, image.path.display());
            let all: Vec<String> = self.queue.drain(..).map(|image| shows(&image)).collect();
            let told = format!("This terminal shows no pictures. They show: {}", all.join("; "));
            return ImageStep { told: Some(told), ..ImageStep::default() };
        };
        let mut step = ImageStep::default();
        while let Some(LessonImage { path, alt }) = self.queue.pop_front() {
            match std::fs::read(&path).ok().and_then(|png| protocol.show(&png, &alt, screen)) {
                Some(bytes) => {
                    self.shown = true;
                    step.bytes = [protocol.clear(), &bytes].concat();
                    return step;
                }
                None => step.told = Some(format!("{} cannot be shown: it is no PNG file", path.display())),
            }
        }
        step.over = std::mem::take(&mut self.shown);
        step.bytes = if step.over { protocol.clear().to_vec() } else { Vec::new() };
        step
    }
}

/// Kitty takes so many bytes of base64 at a time.
const CHUNK: usize = 4096;
/// A cell, in pixels, where the terminal has not said: what most fonts come to.
const CELL: (u32, u32) = (8, 16);

/// Width and height of a PNG file in pixels, from its first chunk.
fn size(png: &[u8]) -> Option<(u32, u32)> {
    let number = |at: usize| Some(u32::from_be_bytes(png.get(at..at + 4)?.try_into().ok()?));
    let is_png = png.starts_with(b"\x89PNG\r\n\x1a\n") && png.get(12..16)? == b"IHDR";
    Some((number(16)?, number(20)?)).filter(|(width, height)| is_png && *width > 0 && *height > 0)
}

/// Cells that an image takes: no more than there are, in its own proportions, and not larger than it is.
fn fitted((width, height): (u32, u32), (columns, rows): (u16, u16)) -> (u16, u16) {
    let (wide, high) = (f64::from(width) / f64::from(CELL.0), f64::from(height) / f64::from(CELL.1));
    let room = (f64::from(columns.saturating_sub(2).max(1)), f64::from(rows.max(1)));
    let scale = (room.0 / wide).min(room.1 / high).min(1.0);
    let cells = |n: f64| (n * scale).round().max(1.0) as u16;
    (cells(wide), cells(high))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
        bytes.extend(width.to_be_bytes());
        bytes.extend(height.to_be_bytes());
        bytes.extend([0; 5000]);
        bytes
    }

    #[test]
    fn a_terminal_is_known_by_what_it_says_of_itself() {
        let of = |vars: &'static [(&str, &str)]| {
            ImageProtocol::from_environment(|name| {
                vars.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
            })
        };
        assert_eq!(of(&[("TERM", "xterm-kitty")]), Some(ImageProtocol::Kitty));
        assert_eq!(of(&[("TERM_PROGRAM", "WezTerm")]), Some(ImageProtocol::Kitty));
        assert_eq!(of(&[("TERM_PROGRAM", "iTerm.app")]), Some(ImageProtocol::Iterm));
        assert_eq!(of(&[("TERM", "xterm-256color")]), None);
        assert_eq!(of(&[("TERM", "xterm-kitty"), ("TMUX", "/tmp/x")]), None);
    }

    #[test]
    fn images_have_the_screen_one_after_the_other_and_a_terminal_without_is_told_what_they_show() {
        let dir = tempfile::tempdir().unwrap();
        let image = |name: &str| LessonImage { path: dir.path().join(name), alt: format!("the {name}") };
        std::fs::write(dir.path().join("a.png"), png(80, 40)).unwrap();
        let images = vec![image("a.png"), image("gone.png"), image("a.png")];
        let mut show = ImageShow::new(Some(ImageProtocol::Kitty));
        show.begin(images.clone());
        let first = show.next((80, 24));
        assert!(!first.bytes.is_empty() && show.has_screen() && !first.over);
        let second = show.next((80, 24));
        assert!(!second.bytes.is_empty() && second.told.unwrap().contains("gone.png cannot be shown"));
        let last = show.next((80, 24));
        assert!(last.over && !show.has_screen());
        assert_eq!(last.bytes, ImageProtocol::Kitty.clear());
        let mut show = ImageShow::new(None);
        show.begin(images);
        let told = show.next((80, 24));
        assert!(!show.has_screen() && !told.over && told.bytes.is_empty());
        assert!(told.told.unwrap().contains("They show: the a.png ("));
    }

    #[test]
    fn an_image_keeps_its_proportions_and_its_size() {
        assert_eq!(size(&png(800, 400)), Some((800, 400)));
        assert_eq!(size(b"GIF89a"), None);
        assert_eq!(fitted((80, 160), (80, 20)), (10, 10), "not larger than it is");
        assert_eq!(fitted((8000, 1600), (82, 20)), (80, 8), "as wide as there is room");
        assert_eq!(fitted((800, 16000), (82, 20)), (2, 20), "as high as there is room");
    }

    #[test]
    fn kitty_gets_its_pieces_and_iterm_all_at_once() {
        let image = png(800, 400);
        let shown = String::from_utf8(ImageProtocol::Kitty.show(&image, "The\x1b flow", (82, 24)).unwrap()).unwrap();
        assert_eq!(shown.matches("\x1b_G").count(), 2, "two pieces of base64");
        assert!(shown.contains("\x1b_Gf=100,a=T,q=2,C=1,c=80,r=20,m=1;"), "{shown:.200}");
        assert!(shown.contains("\x1b_Gm=0;") && shown.ends_with("any key goes on"));
        assert!(!shown.contains("The\x1b flow"));
        let shown = String::from_utf8(ImageProtocol::Iterm.show(&image, "", (82, 24)).unwrap()).unwrap();
        assert!(shown.contains("\x1b]1337;File=inline=1;size=5024;width=80;height=20;preserveAspectRatio=1:"));
    }
}
