//! The command line: what the user said, turned into calls of the parts. It may use everything; nothing uses it.

mod args;
mod check;
mod course;
mod doctor;
mod log;
mod places;
mod sandbox;
mod screen;
mod sql;
mod target;
mod visit;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use clap::{ArgMatches, CommandFactory, FromArgMatches};
use tokio_util::sync::CancellationToken;

use args::{Cli, Color, Command};
use workshop_base::problem::{Kind, Problem, Result};
use workshop_base::text::sanitize;

/// Runs the program with its command line, and answers its exit code.
pub fn main() -> ExitCode {
    // The sandbox's own processes: not for people, and their arguments are not the command line's.
    let mut args = std::env::args_os().skip(1);
    match args.next().as_deref().and_then(std::ffi::OsStr::to_str) {
        Some(workshop_sandbox::child::ARGUMENT) => return workshop_sandbox::child::main(args),
        Some(workshop_sandbox::serve::ARGUMENT) => return workshop_sandbox::serve::detached(args),
        _ => {}
    }
    let matches = Cli::command().get_matches();
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    let color = wants_color(cli.common.color, std::io::stderr().is_terminal());
    match run(cli, &matches) {
        Ok(code) => ExitCode::from(code),
        Err(problem) => {
            complain(&problem, color);
            ExitCode::from(problem.kind.exit_code())
        }
    }
}

fn run(cli: Cli, matches: &ArgMatches) -> Result<u8> {
    let common = &cli.common;
    match cli.command {
        None if cli.check => check::run(common, check::Ask::Check(cli.chapter)),
        None => screen::run(common, cli.chapter),
        Some(Command::Lint) => course::lint(common),
        Some(Command::Schema) => course::schema(),
        Some(Command::Diff { from, to }) => course::diff(common, &from, &to),
        Some(Command::Prove) => check::run(common, check::Ask::Prove),
        Some(Command::Sandbox { command }) => sandbox::run(common, command),
        Some(Command::Sql(args)) => {
            let actions = matches.subcommand().map(|(_, m)| args.actions(m)).unwrap_or_default();
            sql::run(common, *args, actions)
        }
        Some(Command::Doctor) => doctor::run(common),
        Some(Command::Notes) => screen::notes(common),
    }
}

/// Runs async work to its end on a runtime of its own.
fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|e| {
        Problem::environment(format!("no threads can be started: {e}")).hint("close other programs and try again")
    })?;
    let result = runtime.block_on(work);
    // A blocking read that will never end must not hold the program.
    runtime.shutdown_timeout(std::time::Duration::from_secs(1));
    result
}

/// Runs work that can be stopped. The first INT, TERM or HUP cancels its token: what runs ends in order. The second
/// drops the work where it stands; children are groups that die with their guards.
///
/// # Errors
/// When it was dropped, and those of the work.
async fn until_stopped<T>(work: impl AsyncFnOnce(CancellationToken) -> Result<T>) -> Result<T> {
    let (stop, now) = (CancellationToken::new(), CancellationToken::new());
    let (stopped, at_once) = (stop.clone(), now.clone());
    tokio::spawn(async move {
        use tokio::signal::unix::{SignalKind, signal};
        let streams = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()].map(signal);
        let mut streams: Vec<_> = streams.into_iter().flatten().collect();
        while !streams.is_empty() {
            futures::future::select_all(streams.iter_mut().map(|s| Box::pin(s.recv()))).await;
            if stopped.is_cancelled() {
                break;
            }
            stopped.cancel();
            let _ = writeln!(std::io::stderr(), "stopping; once more to stop at once");
        }
        at_once.cancel();
    });
    now.run_until_cancelled(work(stop)).await.unwrap_or_else(|| Err(Problem::new(Kind::Interrupted, "stopped at once")))
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
