//! The pager of a person at a terminal: gets what is longer than the screen.

use std::process::Stdio;

use tokio::io::AsyncWriteExt;
use tokio::process::{Child, Command};

/// One output: held until it is known to be long, then written to the pager as it comes.
pub struct Page {
    held: String,
    lines: usize,
    /// Lines that are printed as they are.
    room: usize,
    state: State,
}

enum State {
    Short,
    Open(Box<Child>),
}

impl Page {
    pub fn new(room: usize) -> Page {
        Page { held: String::new(), lines: 0, room, state: State::Short }
    }

    /// Takes a text. An error says why there is no pager; the text then stands in [`rest`](Self::rest).
    pub async fn write(&mut self, text: &str, command: &str) -> std::io::Result<()> {
        match &mut self.state {
            State::Open(child) => {
                if let Some(stdin) = &mut child.stdin
                    && stdin.write_all(text.as_bytes()).await.is_err()
                {
                    // The person has left it: the rest is not wanted.
                    child.stdin = None;
                }
            }
            State::Short => {
                self.lines += text.matches('\n').count();
                self.held.push_str(text);
                if self.lines > self.room {
                    let child = Command::new("sh").args(["-c", command]).stdin(Stdio::piped()).spawn()?;
                    self.state = State::Open(Box::new(child));
                    let held = std::mem::take(&mut self.held);
                    return Box::pin(self.write(&held, command)).await;
                }
            }
        }
        Ok(())
    }

    /// Waits until the person leaves the pager, and gives what was too short for it.
    pub async fn rest(self) -> String {
        if let State::Open(mut child) = self.state {
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
        let mut short = Page::new(2);
        short.write("a\nb\n", &command).await.unwrap();
        assert_eq!(short.rest().await, "a\nb\n");
        assert!(!file.exists());
        let mut long = Page::new(2);
        for text in ["a\nb\n", "c\n", "d\n"] {
            long.write(text, &command).await.unwrap();
        }
        assert_eq!(long.rest().await, "");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "a\nb\nc\nd\n");
        // One who leaves it early has seen enough.
        let mut left = Page::new(0);
        for _ in 0..100 {
            left.write(&"x\n".repeat(10_000), "true").await.unwrap();
        }
        assert_eq!(left.rest().await, "");
    }
}
