//! Standard output and error: what is said there, in which colours, and behind which fence.

use std::borrow::Cow;
use std::io::{BufRead as _, IsTerminal as _, Write as _};

use super::args::ColorChoice;
use crate::headless::github::{self, FenceWord};
use workshop_base::problem::{Problem, Result};
use workshop_base::text::sanitize;

/// Returns true when there is to be colour: asked for, or the output is a terminal and `NO_COLOR` does not say otherwise
/// (no-color.org).
pub fn wants_color(color: ColorChoice, terminal: bool) -> bool {
    match color {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto => {
            let no_color = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
            let dumb = std::env::var_os("TERM").is_some_and(|v| v == "dumb");
            terminal && !no_color && !dumb
        }
    }
}

/// Returns true for colour on standard output.
pub fn colors_stdout(color: ColorChoice) -> bool {
    wants_color(color, std::io::stdout().is_terminal())
}

/// Returns true for colour on standard error.
pub fn colors_stderr(color: ColorChoice) -> bool {
    wants_color(color, std::io::stderr().is_terminal())
}

/// Writes to standard output; a reader that has gone away (`| head`) ends the program quietly.
///
/// # Errors
/// When it cannot be written for another reason.
pub fn say(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Problem::environment(format!("stdout cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}

/// Returns true where a person can be asked: who reads standard error types the answer.
pub fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks a question on standard error that `y` answers; false where nobody can be asked.
///
/// # Errors
/// When the answer cannot be read.
pub fn yes(question: &str) -> Result<bool> {
    if !can_ask() {
        return Ok(false);
    }
    let unread = |e: std::io::Error| Problem::environment(format!("the answer cannot be read: {e}")).hint("try again");
    write!(std::io::stderr(), "{} [y/N] ", sanitize(question)).map_err(unread)?;
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(unread)?;
    Ok(matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

/// Writes to standard error, of which GitHub's runner obeys nothing.
pub fn warn(text: &str) {
    let text = if under_actions() { github::inert(text) } else { Cow::Borrowed(text) };
    // stderr gone: there is nobody left to tell.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Writes a problem to standard error: what, where, what to do.
pub fn complain(problem: &Problem, color: bool) {
    let (red, bold, off) = if color { ("\u{1b}[1;31m", "\u{1b}[1m", "\u{1b}[0m") } else { ("", "", "") };
    let mut text = format!("{red}error{off}: {}\n", sanitize(&problem.to_string()));
    if let Some(spot) = &problem.spot {
        text.push_str(&format!("  {} | {}\n", spot.line, sanitize(&spot.excerpt)));
    }
    if let Some(hint) = &problem.hint {
        text.push_str(&format!("{bold}hint{off}: {}\n", sanitize(hint)));
    }
    warn(&text);
}

/// Returns true on a runner of GitHub Actions, which reads standard output and error for commands.
pub fn under_actions() -> bool {
    std::env::var_os("GITHUB_ACTIONS").is_some_and(|v| v == "true")
}

/// Keeps GitHub's runner from obeying anything on standard output or error, from its making until it is dropped.
pub struct ActionsFence(FenceWord);

impl ActionsFence {
    /// Opens the fence; none elsewhere than under GitHub Actions.
    pub fn open() -> Option<ActionsFence> {
        under_actions().then(|| {
            let word = FenceWord::new(rand::random());
            let _ = say(&word.opening());
            ActionsFence(word)
        })
    }

    /// Returns the word that closes it, for annotations to stand outside.
    pub fn word(&self) -> &FenceWord {
        &self.0
    }
}

impl Drop for ActionsFence {
    fn drop(&mut self) {
        let _ = say(&self.0.closing());
    }
}
