//! The README's pictures: frames of golden scripts as SVG, kept current by a test. `UPDATE_GOLDEN=1` draws them anew.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr as _;

use super::golden::Player;

/// Pictures by name: the script, and which of its frames of 120 columns is shown, from 0.
const PICTURES: [(&str, &str, usize); 6] = [
    ("deploy", "deploy.txt", 0),
    ("checks", "checks.txt", 0),
    ("diff", "diff.txt", 0),
    ("lanes", "lanes.txt", 0),
    ("load", "load.txt", 1),
    ("plan", "plan.txt", 1),
];

/// A cell, in pixels.
const CELL: (f64, f64) = (8.4, 18.0);
const FONT: f64 = 14.0;
const INK: &str = "#d8dee9";
const PAPER: &str = "#1b1f27";

/// The terminal's own colours, as a usual dark theme has them.
fn hex(color: Color) -> Option<&'static str> {
    Some(match color {
        Color::Black => "#3b4252",
        Color::Red => "#e06c75",
        Color::Green => "#98c379",
        Color::Yellow => "#e5c07b",
        Color::Blue => "#61afef",
        Color::Magenta => "#c678dd",
        Color::Cyan => "#56b6c2",
        Color::Gray => "#abb2bf",
        Color::DarkGray => "#7f8794",
        Color::LightRed => "#ff8a93",
        Color::LightGreen => "#b5e890",
        Color::LightYellow => "#ffd98f",
        Color::LightBlue => "#8cc8ff",
        Color::LightMagenta => "#e29bf5",
        Color::LightCyan => "#7fdbe6",
        Color::White => "#ffffff",
        Color::Reset | Color::Rgb(..) | Color::Indexed(_) => return None,
    })
}

/// A run of cells that look the same.
#[derive(PartialEq, Clone)]
struct CellLook {
    ink: &'static str,
    paper: Option<&'static str>,
    bold: bool,
    italic: bool,
    underlined: bool,
    dim: bool,
}

impl CellLook {
    fn of(cell: &Cell) -> CellLook {
        let has = |modifier| cell.modifier.contains(modifier);
        let (ink, paper) = (hex(cell.fg).unwrap_or(INK), hex(cell.bg));
        let (ink, paper) = if has(Modifier::REVERSED) { (paper.unwrap_or(PAPER), Some(ink)) } else { (ink, paper) };
        CellLook {
            ink,
            paper,
            bold: has(Modifier::BOLD),
            italic: has(Modifier::ITALIC),
            underlined: has(Modifier::UNDERLINED),
            dim: has(Modifier::DIM),
        }
    }
}

/// Draws a frame: a rectangle for each background and a text for each run, as wide as its cells whatever the font.
fn svg(frame: &Buffer) -> String {
    let (columns, rows) = (frame.area.width, frame.area.height);
    let (width, height) = (f64::from(columns) * CELL.0 + 16.0, f64::from(rows) * CELL.1 + 16.0);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" font-size=\"{FONT}\" font-family=\"ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace\">\n<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{PAPER}\"/>\n"
    );
    for y in 0..rows {
        let mut x = 0;
        while x < columns {
            let (look, from) = (CellLook::of(&frame[(x, y)]), x);
            let mut text = String::new();
            while x < columns && CellLook::of(&frame[(x, y)]) == look {
                let symbol = frame[(x, y)].symbol();
                text.push_str(symbol);
                x += symbol.width().clamp(1, 2) as u16;
            }
            run(&mut out, (from, y, x.min(columns) - from), &text, &look);
        }
    }
    out.push_str("</svg>\n");
    out
}

fn run(out: &mut String, (x, y, columns): (u16, u16, u16), text: &str, look: &CellLook) {
    let (left, top) = (f64::from(x) * CELL.0 + 8.0, f64::from(y) * CELL.1 + 8.0);
    if let Some(paper) = look.paper {
        let (width, height) = (f64::from(columns) * CELL.0, CELL.1);
        let _ = writeln!(
            out,
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{paper}\"/>"
        );
    }
    let (blank, text) = (text.len() - text.trim_start().len(), text.trim());
    if text.is_empty() {
        return;
    }
    let left = left + blank as f64 * CELL.0;
    let mut style = format!("fill=\"{}\"", look.ink);
    for (on, attribute) in [
        (look.bold, " font-weight=\"bold\""),
        (look.italic, " font-style=\"italic\""),
        (look.underlined, " text-decoration=\"underline\""),
        (look.dim, " opacity=\"0.65\""),
    ] {
        style.push_str(if on { attribute } else { "" });
    }
    let text_width = text.width() as f64 * CELL.0;
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let _ = writeln!(
        out,
        "<text x=\"{left:.1}\" y=\"{:.1}\" textLength=\"{text_width:.1}\" lengthAdjust=\"spacingAndGlyphs\" xml:space=\"preserve\" {style}>{text}</text>",
        top + CELL.1 - 4.5
    );
}

#[test]
fn golden_frames_are_the_pictures_of_the_readme() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    for (name, script, nth) in PICTURES {
        let script = fs::read_to_string(root.join("tests/golden/tui").join(script)).unwrap();
        let mut player = Player::new(120, 40);
        let mut frames = 0;
        for line in script.lines().filter(|line| !line.is_empty() && !line.starts_with(['=', '|', '#'])) {
            player.play(line);
            if line == "frame 120x40" {
                frames += 1;
                if frames > nth {
                    break;
                }
            }
        }
        assert_eq!(frames, nth + 1, "{name}: the script has fewer frames");
        let (path, now) = (root.join("docs").join(format!("{name}.svg")), svg(&player.frame()));
        if update {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, now).unwrap();
            continue;
        }
        let before = fs::read_to_string(&path).unwrap_or_default();
        assert!(before == now, "docs/{name}.svg is of another screen: UPDATE_GOLDEN=1 cargo test --lib golden");
    }
}
