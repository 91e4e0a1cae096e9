//! Backslash commands: parsed first (`parse`, pure), then done (`act`, and a file for each larger one).
//!
//! Adding one: a variant of [`parse::Command`] with its line in [`parse::parse`], its arm in [`act::act`], its
//! line in [`help`], its name in [`parse::NAMES`] for completion.

pub mod act;
pub mod args;
pub mod condition;
pub mod copy;
pub mod describe;
mod footers;
pub mod help;
pub mod list;
pub mod parse;
pub mod pattern;
pub mod settings;
pub mod watch;

use super::console::{Console, Feed};
use super::out::Io;
use super::scan::ScanLine;
use args::Args;
use parse::Command;
use workshop_base::sql::quote_literal;

/// How the reading of input goes on behind a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum After {
    Go,
    Failed,
    /// `\q`
    Quit,
    /// `\e`: the front end has a text to edit first.
    Edit,
}

/// Runs a statement that prints nothing but its error, and says whether it went well.
pub(super) async fn quietly(console: &mut Console, sql: &str, io: &mut Io<'_>) -> bool {
    let done = console.ask(sql, io).await.map(|_| ());
    act::show(console, done, io).await == After::Go
}

/// Reads a command, its backslash already passed, and does it.
pub(super) async fn command(console: &mut Console, line: &mut ScanLine, feed: &mut dyn Feed, io: &mut Io<'_>) -> After {
    let (parsed, name, extra) = read(console, line);
    if !console.conditions.active()
        // A name that is no command is told in any branch, as psql does.
        && !matches!(&parsed, Err(text) if text.starts_with("invalid command"))
        && !matches!(parsed, Ok(Command::If(_) | Command::Elif(_) | Command::Else | Command::Endif))
    {
        return After::Go;
    }
    match parsed {
        Ok(command) => {
            let after = act::act(console, command, &name, feed, io).await;
            if after == After::Go {
                for word in extra {
                    io.warn(&format!("\\{name}: extra argument \"{word}\" ignored")).await;
                }
            }
            after
        }
        Err(text) => {
            let help = if io.interactive && text.starts_with("invalid command") { "\nTry \\? for help." } else { "" };
            io.complain(&format!("{text}{help}")).await;
            After::Failed
        }
    }
}

/// The command at the line's position, its name and the arguments that it has no use for; the line goes on behind it. The arguments are owned, because what
/// follows waits for a server.
fn read(console: &mut Console, line: &mut ScanLine) -> (Result<Command, String>, String, Vec<String>) {
    let (name, rest) = args::command_name(line.rest());
    let name = name.to_owned();
    let at = line.text.len() - rest.len();
    let active = console.conditions.active();
    let vars = &console.vars;
    let lookup = |name: &str, quoting| match quoting {
        // In a command's arguments a value is taken as it is, unless quotes are asked for.
        super::scan::VariableQuoting::Literal => vars.get(name).map(quote_literal),
        quoting => vars.quoted(name, quoting),
    };
    let directory = &console.directory;
    let shell = |command: &str| act::shell_output(command, directory);
    let mut args = Args::new(&line.text, at, if active { Some(&lookup) } else { None });
    if active && console.options.shell {
        args = args.with_shell(Some(&shell));
    }
    let parsed = parse::parse(&name, &mut args);
    let extra = args.left();
    let error = args.error.take();
    let end = args.end();
    line.at = end;
    (error.map_or(parsed, Err), name, extra)
}
