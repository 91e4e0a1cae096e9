//! The clipboard: through the terminal, or through the multiplexer that stands before it.

use std::io::{self, Write};
use std::process::Stdio;

use base64::Engine as _;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// The way to the clipboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clipboard {
    /// OSC 52: the terminal takes it, through ssh as well.
    Terminal,
    /// tmux keeps OSC 52 neither for itself nor for its terminal, as it is set at first; `load-buffer -w` does both.
    Tmux,
    /// screen hands on what stands in its own brackets.
    Screen,
}

/// Bytes that screen hands on in one piece.
const PIECE: usize = 500;

impl Clipboard {
    /// Decides from the values of `TMUX` and `STY`.
    pub fn from_environment(get: impl Fn(&str) -> Option<String>) -> Clipboard {
        let set = |name: &str| get(name).is_some_and(|value| !value.is_empty());
        match (set("TMUX"), set("STY")) {
            (true, _) => Clipboard::Tmux,
            (false, true) => Clipboard::Screen,
            (false, false) => Clipboard::Terminal,
        }
    }

    /// Returns the bytes that put a text on the clipboard, for those that take it through the terminal.
    pub fn sequence(self, text: &str) -> Vec<u8> {
        let whole = format!("\x1b]52;c;{}\x07", base64::engine::general_purpose::STANDARD.encode(text));
        match self {
            Clipboard::Terminal | Clipboard::Tmux => whole.into_bytes(),
            Clipboard::Screen => {
                let pieces = whole.as_bytes().chunks(PIECE);
                pieces.flat_map(|piece| [b"\x1bP".as_slice(), piece, b"\x1b\\"].concat()).collect()
            }
        }
    }

    /// Writes a text to the clipboard through the terminal.
    ///
    /// # Errors
    /// When the terminal is gone.
    pub fn write(self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        out.write_all(&self.sequence(text))?;
        out.flush()
    }
}

/// Hands a text to tmux, which hands it to the terminal.
///
/// # Errors
/// When tmux is not there or refuses, in its words.
pub async fn to_tmux(text: String) -> io::Result<()> {
    let mut child = Command::new("tmux")
        .args(["load-buffer", "-w", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(text.as_bytes()).await?;
    }
    let output = child.wait_with_output().await?;
    match output.status.success() {
        true => Ok(()),
        false => Err(io::Error::other(String::from_utf8_lossy(&output.stderr).trim().to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_is_that_of_whoever_stands_before_the_terminal() {
        let of = |name: &'static str| Clipboard::from_environment(move |asked| (asked == name).then(|| "x".to_owned()));
        assert_eq!((of("TMUX"), of("STY"), of("TERM")), (Clipboard::Tmux, Clipboard::Screen, Clipboard::Terminal));
        assert_eq!(Clipboard::Terminal.sequence("hi"), b"\x1b]52;c;aGk=\x07");
        let long = "x".repeat(3000);
        let wrapped = Clipboard::Screen.sequence(&long);
        let pieces: Vec<&[u8]> = wrapped.split(|b| *b == 0x1b).filter(|piece| piece.starts_with(b"P")).collect();
        assert_eq!(pieces.len(), 9, "each piece is short enough");
    }
}
