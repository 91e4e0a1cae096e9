//! Reading a command at its place in the input, and having it done.

use std::cell::RefCell;
use std::time::Duration;

use workshop_base::sql::quote_literal;

use super::act::act;
use super::args::{Args, command_name};
use super::ask;
use super::model::{Control, MetaCommand, StatementCommand};
use super::parse;
use super::settings;
use super::shell::{self, ProgramEnd};
use crate::console::{Console, LineSource};
use crate::out::{NO_SHELL, RunContext};
use crate::report::SqlLine;
use crate::scan::{ScanLine, VariableQuoting};

/// Time for a command between backticks: its words are needed before anything else goes on.
const BACKTICK_DEADLINE: Duration = Duration::from_secs(60);

/// Runs a statement that prints nothing but its error, and says whether it went well.
pub(crate) async fn quietly(console: &mut Console, sql: &str, cx: &mut RunContext<'_>) -> bool {
    let done = console.ask(sql, cx).await.map(|_| ());
    ask::show(console, done, cx).await == Control::Continue
}

/// A command as it was read.
struct ReadCommand {
    name: String,
    parsed: Result<MetaCommand, String>,
    /// What is wrong with an argument, which then counts as none.
    complaint: Option<String>,
    /// The arguments that it has no use for.
    extra: Vec<String>,
}

/// Reads a command, its backslash already passed, and does it.
pub(crate) async fn command(
    console: &mut Console,
    line: &mut ScanLine,
    source: &mut dyn LineSource,
    cx: &mut RunContext<'_>,
) -> Control {
    let restricted = console.input.restricted.is_some() && command_name(line.rest()).0 != "unrestrict";
    if restricted && console.input.conditions.active() {
        line.at = line.text.len();
        cx.complain("backslash commands are restricted; only \\unrestrict is allowed").await;
        return Control::Failed;
    }
    let outputs = match backticks(console, line, cx).await {
        Some(outputs) => outputs,
        None => {
            line.at = line.text.len();
            return Control::Failed;
        }
    };
    let ReadCommand { name, parsed, complaint, extra } = read(console, line, outputs);
    if !console.input.conditions.active()
        // A name that is no command is told in any branch, as psql does.
        && !matches!(&parsed, Err(text) if text.starts_with(parse::UNKNOWN))
        && !matches!(parsed, Ok(MetaCommand::Condition(_)))
    {
        if cx.interactive {
            cx.complain(&format!("\\{name} command ignored; use \\endif to exit current \\if block")).await;
        }
        return Control::Continue;
    }
    if let Some(text) = complaint {
        cx.complain(&text).await;
    }
    // What stands behind a command that failed was meant to follow it.
    let sends = matches!(parsed, Ok(MetaCommand::Statement(StatementCommand::Send(_))));
    let control = match parsed {
        Ok(command) => {
            let control = act(console, command, &name, source, cx).await;
            if control == Control::Continue {
                for word in extra {
                    cx.warn(&format!("\\{name}: extra argument \"{word}\" ignored")).await;
                }
            }
            control
        }
        Err(text) => {
            let help = if cx.interactive && text.starts_with(parse::UNKNOWN) { "\nTry \\? for help." } else { "" };
            cx.complain(&format!("{text}{help}")).await;
            Control::Failed
        }
    };
    if control == Control::Failed && !sends {
        line.at = line.text.len();
    }
    control
}

/// Runs the commands between backticks that the line's command holds, in their order, and returns what they said.
/// None when one cannot be run, or was cancelled: then nothing that needs its words is done.
async fn backticks(console: &mut Console, line: &ScanLine, cx: &mut RunContext<'_>) -> Option<Vec<String>> {
    if !line.rest().contains('`') || !console.input.conditions.active() {
        return Some(Vec::new());
    }
    let mut outputs = Vec::new();
    for command in commands_in(console, line) {
        outputs.push(backtick(console, &command, cx).await?);
    }
    Some(outputs)
}

/// Returns the commands between backticks that the line's command holds. Which they are shows when the arguments are
/// read; reading them once more gives them in the same order.
fn commands_in(console: &Console, line: &ScanLine) -> Vec<String> {
    let commands = RefCell::new(Vec::new());
    let collect = |command: &str| {
        commands.borrow_mut().push(command.to_owned());
        String::new()
    };
    parsed(console, line, &collect);
    commands.into_inner()
}

/// Runs one command between backticks. As psql has it, what it wrote is taken whether it failed or not.
async fn backtick(console: &mut Console, command: &str, cx: &mut RunContext<'_>) -> Option<String> {
    if !console.settings.options.shell {
        cx.complain(NO_SHELL).await;
        return None;
    }
    let canceller = console.canceller();
    match shell::run(command, &console.settings.directory, BACKTICK_DEADLINE, &canceller).await {
        Ok(ProgramEnd::Ended { code, stdout, stderr }) => {
            cx.say(SqlLine::Notice, &String::from_utf8_lossy(&stderr)).await;
            console.settings.note_program(code);
            if stdout.contains(&0) {
                cx.complain(&format!("{command}: contains zero byte")).await;
                return None;
            }
            Some(String::from_utf8_lossy(&stdout).into_owned())
        }
        Ok(ProgramEnd::Cancelled) => None,
        Ok(ProgramEnd::TimedOut) => {
            let seconds = BACKTICK_DEADLINE.as_secs();
            cx.complain(&format!("{command}: stopped after {seconds} s; \\! runs what takes longer")).await;
            None
        }
        Err(error) => {
            cx.complain(&format!("{command}: {error}")).await;
            None
        }
    }
}

/// Reads the command at the line's position; the line goes on behind it.
fn read(console: &Console, line: &mut ScanLine, outputs: Vec<String>) -> ReadCommand {
    let outputs = RefCell::new(outputs.into_iter());
    let (command, end) = parsed(console, line, &|_| outputs.borrow_mut().next().unwrap_or_default());
    line.at = end;
    command
}

/// Reads the command at the line's position, and returns where the line goes on behind it. The arguments are owned,
/// because what follows waits for a server.
fn parsed(console: &Console, line: &ScanLine, shell: &dyn Fn(&str) -> String) -> (ReadCommand, usize) {
    let (name, rest) = command_name(line.rest());
    let at = line.text.len() - rest.len();
    let vars = &console.settings.vars;
    let lookup = |name: &str, quoting| match quoting {
        // In a command's arguments a value is taken as it is, unless quotes are asked for.
        VariableQuoting::Literal => vars.get(name).map(quote_literal),
        quoting => vars.quoted(name, quoting),
    };
    let mut args = match console.input.conditions.active() {
        true => Args::new(&line.text, at, Some(&lookup)).with_shell(shell),
        false => Args::new(&line.text, at, None),
    };
    let parsed = parse::parse(name, &mut args, console.settings.psql_version()).and_then(|it| proved(console, it));
    let extra = match parsed {
        Ok(_) => args.extra(),
        // In a branch that is passed over only an unknown name takes the rest of the line along.
        Err(ref problem) if !console.input.conditions.active() && !problem.starts_with(parse::UNKNOWN) => args.extra(),
        // What follows is thrown away as it stands.
        Err(_) => {
            args.whole_line();
            Vec::new()
        }
    };
    let complaint = args.error.take();
    (ReadCommand { name: name.to_owned(), parsed, complaint, extra }, args.end())
}

/// Looks at the settings of a `\g`: with one that there is not, its statement is not sent and stays to be finished.
fn proved(console: &Console, command: MetaCommand) -> Result<MetaCommand, String> {
    if let MetaCommand::Statement(StatementCommand::Send(how)) = &command {
        let mut options = console.settings.table.clone();
        how.settings.iter().try_for_each(|(name, value)| settings::set(&mut options, name, value.as_deref()))?;
    }
    Ok(command)
}
