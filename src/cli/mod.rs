//! The command line: what the user said, turned into calls of the parts. It may use everything; nothing uses it.

mod args;
mod course;
mod places;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::Parser;

use crate::problem::{Problem, Result};
use crate::text::sanitize;
use args::{Cli, Color, Command};

/// Runs the program with its command line, and answers its exit code.
pub fn main() -> ExitCode {
    // The sandbox's own processes: not for people, and their arguments are not the command line's.
    let mut args = std::env::args_os().skip(1);
    match args.next().as_deref().and_then(std::ffi::OsStr::to_str) {
        Some(crate::sandbox::child::ARGUMENT) => return crate::sandbox::child::main(args),
        Some(crate::sandbox::serve::ARGUMENT) => return crate::sandbox::serve::detached(args),
        _ => {}
    }
    let cli = Cli::parse();
    let color = wants_color(cli.common.color, std::io::stderr().is_terminal());
    match run(cli) {
        Ok(code) => ExitCode::from(code),
        Err(problem) => {
            complain(&problem, color);
            ExitCode::from(problem.kind.exit_code())
        }
    }
}

fn run(cli: Cli) -> Result<u8> {
    let common = &cli.common;
    match cli.command {
        Some(Command::Lint) => course::lint(common),
        Some(Command::Schema) => course::schema(),
        Some(Command::Diff { from, to }) => course::diff(common, from, to),
        _ => Err(Problem::usage("not yet")),
    }
}

/// Colour when asked for, or when the output is a terminal and `NO_COLOR` does not say otherwise (no-color.org).
pub(crate) fn wants_color(color: Color, terminal: bool) -> bool {
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            let no_color = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
            let dumb = std::env::var_os("TERM").is_some_and(|v| v == "dumb");
            terminal && !no_color && !dumb
        }
    }
}

/// Writes a problem to stderr: what, where, what to do.
fn complain(problem: &Problem, color: bool) {
    let (red, bold, off) = if color { ("\u{1b}[1;31m", "\u{1b}[1m", "\u{1b}[0m") } else { ("", "", "") };
    let mut text = format!("{red}error{off}: {}\n", sanitize(&problem.to_string()));
    if let Some(spot) = &problem.spot {
        text.push_str(&format!("  {} | {}\n", spot.line, sanitize(&spot.excerpt)));
    }
    if let Some(hint) = &problem.hint {
        text.push_str(&format!("{bold}hint{off}: {}\n", sanitize(hint)));
    }
    // stderr gone: there is nobody left to tell.
    let _ = std::io::stderr().write_all(text.as_bytes());
}

/// Writes to stdout; a reader that has gone away (`| head`) ends the program quietly.
fn say(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Problem::environment(format!("stdout cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}
