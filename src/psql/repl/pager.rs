//! The pager of a person at a terminal: gets what is longer than the screen.

use std::process::Stdio;

use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

use workshop_base::text::width;

/// One output: held until it is known to be long, then written to the pager as it comes.
pub struct PagerText {
    held: String,
    lines: usize,
    /// Lines that are printed as they are.
    room: usize,
    /// Columns that are, where a line must not wrap.
    columns: Option<usize>,
    state: PagerState,
}

enum PagerState {
    Short,
    Open(Box<Child>),
}

impl PagerText {
    /// Begins an output that goes to a pager once it has more than `room` lines, or one wider than `columns`.
    pub fn new(room: usize, columns: Option<usize>) -> PagerText {
        PagerText { held: String::new(), lines: 0, room, columns, state: PagerState::Short }
    }

    /// Takes a text. An error says why there is no pager; the text then stands in [`rest`](Self::rest).
    /// Takes more of the output, and starts the pager where it no longer fits.
    ///
    /// # Errors
    /// When the pager cannot be started.
    pub async fn write(&mut self, text: &str, command: &str) -> std::io::Result<()> {
        match &mut self.state {
            PagerState::Open(child) => {
                if let Some(stdin) = &mut child.stdin
                    && stdin.write_all(text.as_bytes()).await.is_err()
                {
                    // The person has left it: the rest is not wanted.
                    child.stdin = None;
                }
            }
            PagerState::Short => {
                self.lines += text.matches('\n').count();
                self.held.push_str(text);
                // A table's lines are all alike: the first tell.
                let wide = self.columns.is_some_and(|most| text.lines().take(3).any(|line| width(line) > most));
                if self.lines > self.room || wide {
                    let mut pager = Command::new("sh");
                    pager.args(["-c", command]).stdin(Stdio::piped());
                    if std::env::var_os("LESS").is_none() {
                        // Long lines are cut and scrolled, not folded.
                        pager.env("LESS", "S");
                    }
                    let child = pager.spawn()?;
                    self.state = PagerState::Open(Box::new(child));
                    let held = std::mem::take(&mut self.held);
                    return Box::pin(self.write(&held, command)).await;
                }
            }
        }
        Ok(())
    }

    /// Waits until the person leaves the pager, and gives what was too short for it.
    pub async fn rest(self) -> String {
        if let PagerState::Open(mut child) = self.state {
            drop(child.stdin.take());
            child.wait().await.ok();
        }
        self.held
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_fits_is_printed_and_what_does_not_is_read_in_the_pager() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("read");
        let command = format!("cat > '{}'", file.display());
        let mut short = PagerText::new(2, None);
        short.write("a\nb\n", &command).await.unwrap();
        assert_eq!(short.rest().await, "a\nb\n");
        assert!(!file.exists());
        let mut long = PagerText::new(2, None);
        for text in ["a\nb\n", "c\n", "d\n"] {
            long.write(text, &command).await.unwrap();
        }
        assert_eq!(long.rest().await, "");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "a\nb\nc\nd\n");
        // What is too wide would be folded.
        let mut narrow = PagerText::new(2, Some(4));
        narrow.write("abcd\n", &command).await.unwrap();
        assert_eq!(narrow.rest().await, "abcd\n");
        let mut wide = PagerText::new(2, Some(4));
        wide.write("abcde\n", &format!("echo $LESS > '{}'; cat > /dev/null", file.display())).await.unwrap();
        assert_eq!(wide.rest().await, "");
        assert_eq!(
            std::fs::read_to_string(&file).unwrap(),
            format!("{}\n", std::env::var("LESS").unwrap_or("S".into()))
        );
        // One who leaves it early has seen enough.
        let mut left = PagerText::new(0, None);
        for _ in 0..100 {
            left.write(&"x\n".repeat(10_000), "true").await.unwrap();
        }
        assert_eq!(left.rest().await, "");
    }
}
