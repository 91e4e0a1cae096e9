//! `workshop sql`: the console at a terminal, in a pipe, with `-c` and `-f`.
//!
//! rustyline edits the line: it is small (one new crate to our set), keeps emacs and vi keys, Ctrl-R and
//! bracketed paste, and gives the line back between statements, as psql does. Exit codes are psql's.

mod edit;
mod editor;
mod pager;
mod stdio;

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

pub use stdio::Stdio;

use super::console::{Console, Feed, Options, TextFeed};
use super::history::History;
use super::meta::settings;
use super::report::{Sink, SqlLine};
use super::session::Connector;
use super::table::Format;

/// What `workshop sql` was asked to do, in psql's terms.
#[derive(Debug, Clone, Default)]
pub struct Invocation {
    /// `-c` and `-f`, in their order. Without any, the standard input is read.
    pub actions: Vec<Action>,
    /// `-v name=value`
    pub variables: Vec<String>,
    /// `-P name=value`
    pub settings: Vec<String>,
    /// `-A`
    pub unaligned: bool,
    /// `--csv`
    pub csv: bool,
    /// `-t`
    pub tuples_only: bool,
    /// `-x`
    pub expanded: bool,
    /// `-q`
    pub quiet: bool,
    /// `-1`
    pub single_transaction: bool,
    /// `-o file`
    pub output: Option<PathBuf>,
    /// Where the history is kept; without it, it is forgotten at the end.
    pub history: Option<PathBuf>,
    /// The shell's command for reading long output, where a person types and reads.
    pub pager: Option<String>,
    /// Explain errors that have an explanation.
    pub hints: bool,
    /// Whether errors and hints may be coloured; the caller knows NO_COLOR and the terminal.
    pub color: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// `-c`
    Command(String),
    /// `-f`; `-` is the standard input.
    File(PathBuf),
}

/// psql's exit codes.
mod exit {
    pub const OK: u8 = 0;
    /// A `-c` failed, or a file cannot be read.
    pub const FAILED: u8 = 1;
    /// There is no connection.
    pub const NO_CONNECTION: u8 = 2;
    /// A script ended at an error, ON_ERROR_STOP being on.
    pub const STOPPED: u8 = 3;
    pub const INTERRUPTED: u8 = 130;
}

/// Runs `workshop sql` and gives its exit code.
pub async fn run(connector: Connector, role: &str, invocation: Invocation) -> u8 {
    let typed = invocation.actions.is_empty() && std::io::stdin().is_terminal();
    let options = Options {
        interactive: typed,
        hints: invocation.hints,
        shell: true,
        directory: PathBuf::from("."),
        columns: std::io::stdout().is_terminal().then(screen_columns).flatten(),
        keep_rows: false,
        names: typed,
    };
    let mut console = Console::new(connector, role, options);
    let mut sink = Stdio::new(console.canceller(), invocation.color);
    if typed {
        sink.page_through(invocation.pager.clone());
    }
    if let Err(text) = prepare(&mut console, &invocation) {
        sink.complain(&text);
        return exit::FAILED;
    }
    let keys = interrupts(&console);
    // psql connects before it looks at anything else, so that a wrong host shows at once.
    let code = match console.connect(&mut sink).await {
        Err(_) => exit::NO_CONNECTION,
        Ok(()) if typed => talk(&mut console, &invocation, &mut sink).await,
        Ok(()) => work(&mut console, &invocation, &mut sink).await,
    };
    sink.flush();
    keys.abort();
    console.close().await;
    code
}

/// Puts the command line's wishes into the console.
fn prepare(console: &mut Console, invocation: &Invocation) -> Result<(), String> {
    for assignment in &invocation.variables {
        match assignment.split_once('=') {
            Some((name, value)) => console.vars.set(name, value)?,
            None => console.vars.unset(assignment),
        }
    }
    if invocation.quiet {
        console.vars.put("QUIET", "on");
    }
    if invocation.unaligned {
        console.table.format = Format::Unaligned;
    }
    if invocation.csv {
        console.table.format = Format::Csv;
    }
    console.table.tuples_only |= invocation.tuples_only;
    if invocation.expanded {
        console.table.expanded = super::table::Expanded::On;
    }
    for setting in &invocation.settings {
        let (name, value) = setting.split_once('=').map_or((setting.as_str(), None), |(n, v)| (n, Some(v)));
        settings::set(&mut console.table, name, value)?;
    }
    if let Some(file) = &invocation.output {
        console.send_output_to(file)?;
    }
    Ok(())
}

/// `-c`, `-f` and a standard input that is no terminal.
async fn work(console: &mut Console, invocation: &Invocation, sink: &mut Stdio) -> u8 {
    let standard = [Action::File(PathBuf::from("-"))];
    // Data in a pipe has no name, as psql has it; with -f it has one.
    let (actions, named) = match invocation.actions.is_empty() {
        true => (&standard[..], false),
        false => (&invocation.actions[..], true),
    };
    let mut code = exit::OK;
    if invocation.single_transaction && !console.run_quietly("BEGIN", sink).await {
        return exit::FAILED;
    }
    for action in actions {
        let outcome = match action {
            Action::Command(text) => {
                let outcome = console.run_command(text, sink).await;
                code = if outcome.error.is_some() || outcome.failed { exit::FAILED } else { exit::OK };
                outcome
            }
            Action::File(file) => match feed(file) {
                Ok(mut feed) => {
                    let name = if file.as_os_str() == "-" { "<stdin>".into() } else { file.to_string_lossy() };
                    let outcome = console.run_feed(&mut *feed, sink, false, named.then_some(&*name)).await;
                    code = if outcome.stopped { exit::STOPPED } else { exit::OK };
                    outcome
                }
                Err(text) => {
                    sink.complain(&text);
                    return exit::FAILED;
                }
            },
        };
        if outcome.unreachable {
            return exit::NO_CONNECTION;
        }
        if console.canceller().is_wanted() {
            return if sink.is_closed() { exit::OK } else { exit::INTERRUPTED };
        }
        // `\q` ends its own action only, as in psql.
        if code != exit::OK && console.vars.on("ON_ERROR_STOP") {
            break;
        }
    }
    if invocation.single_transaction {
        let failed = code != exit::OK && console.vars.on("ON_ERROR_STOP");
        if !console.run_quietly(if failed { "ROLLBACK" } else { "COMMIT" }, sink).await {
            return exit::FAILED;
        }
    }
    code
}

fn feed(file: &Path) -> Result<Box<dyn Feed>, String> {
    if file.as_os_str() == "-" {
        return Ok(Box::new(stdio::StdinFeed));
    }
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(Box::new(TextFeed::new(&text))),
        Err(error) => Err(format!("{}: {}", file.display(), super::wire::reason(&error))),
    }
}

/// A person at a terminal.
async fn talk(console: &mut Console, invocation: &Invocation, sink: &mut Stdio) -> u8 {
    let file = console.vars.get("HISTFILE").map(PathBuf::from).or_else(|| invocation.history.clone());
    let history = file.map_or_else(History::in_memory, History::open);
    // As in psql, a number below nothing is no bound.
    let size = console.vars.get("HISTSIZE").and_then(|size| size.parse::<usize>().ok()).unwrap_or(usize::MAX);
    let mut feed = match editor::EditorFeed::new(console.names(), history, size) {
        Ok(feed) => feed,
        Err(error) => {
            sink.complain(&format!("the terminal cannot be used for editing: {error}"));
            return exit::FAILED;
        }
    };
    if !console.vars.on("QUIET") {
        let version = console.vars.get("SERVER_VERSION_NAME").unwrap_or_default().to_owned();
        sink.say(SqlLine::Status, &format!("workshop sql (server {version})\nType \"help\" for help.\n\n"));
    }
    loop {
        let outcome = console.run_feed(&mut feed, sink, true, None).await;
        sink.flush();
        if console.canceller().is_wanted() {
            feed.drop_waiting();
        }
        if let Some(edit) = outcome.edit {
            match edit::edit(&edit).await {
                Ok(Some(text)) => feed.put_edited(&text),
                // As in psql, only what was being typed goes on; a file or the statement before is not run again.
                Ok(None) if edit.unfinished && edit.file.is_none() => feed.put(&edit.text),
                Ok(None) => {}
                Err(text) => {
                    sink.complain(&text);
                    if edit.unfinished {
                        feed.put(&edit.text);
                    }
                }
            }
            continue;
        }
        if outcome.quit {
            return exit::OK;
        }
        if feed.is_over() {
            // Ctrl-D shows as what it means.
            sink.say(SqlLine::Status, "\\q\n");
            return exit::OK;
        }
    }
}

/// Ctrl-C cancels what runs. While a line is edited the terminal is raw and the editor sees the key itself.
fn interrupts(console: &Console) -> tokio::task::JoinHandle<()> {
    let canceller = console.canceller();
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            // As psql says it, where the person sees it.
            let said = match canceller.cancel().await {
                Ok(true) => "Cancel request sent\n".to_owned(),
                Ok(false) => continue,
                Err(error) => format!("Could not send cancel request: {error}\n"),
            };
            std::io::stderr().write_all(workshop_base::text::sanitize(&said).as_bytes()).ok();
        }
    })
}

fn screen_columns() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
    (size.ws_col > 0).then_some(usize::from(size.ws_col))
}

/// The words that psql takes without a backslash at an empty prompt.
fn bare_word(line: &str) -> Option<&'static str> {
    match line.trim().trim_end_matches(';').trim_end() {
        "quit" | "exit" => Some("\\q"),
        "help" => Some("\\?"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_newcomer_are_understood() {
        assert_eq!(bare_word("quit;"), Some("\\q"));
        assert_eq!(bare_word(" help "), Some("\\?"));
        assert_eq!(bare_word("select 1;"), None);
    }
}
