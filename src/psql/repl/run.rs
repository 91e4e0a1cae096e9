//! A whole run of `workshop sql`: settings, sources, exit code.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

use super::invocation::{ScriptAction, SqlInvocation};
use super::stdio::{ScriptLines, StdinLines, Stdio};
use super::{edit, editor};
use crate::console::{Console, ConsoleOptions, LineSource};
use crate::history::History;
use crate::meta::settings;
use crate::report::{Sink, SqlLine};
use crate::session::Connector;
use crate::table::{Expanded, TableFormat};

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
pub async fn run(connector: Connector, role: &str, invocation: SqlInvocation) -> u8 {
    let typed = invocation.actions.is_empty() && std::io::stdin().is_terminal();
    let options = ConsoleOptions {
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
fn prepare(console: &mut Console, invocation: &SqlInvocation) -> Result<(), String> {
    for assignment in &invocation.variables {
        match assignment.split_once('=') {
            Some((name, value)) => console.settings.vars.set(name, value)?,
            None => console.settings.vars.unset(assignment),
        }
    }
    if invocation.quiet {
        console.settings.vars.put("QUIET", "on");
    }
    if invocation.unaligned {
        console.settings.table.format = TableFormat::Unaligned;
    }
    if invocation.csv {
        console.settings.table.format = TableFormat::Csv;
    }
    console.settings.table.tuples_only |= invocation.tuples_only;
    if invocation.expanded {
        console.settings.table.expanded = Expanded::On;
    }
    for setting in &invocation.settings {
        let (name, value) = setting.split_once('=').map_or((setting.as_str(), None), |(n, v)| (n, Some(v)));
        settings::set(&mut console.settings.table, name, value)?;
    }
    if let Some(file) = &invocation.output {
        console.send_output_to(file)?;
    }
    Ok(())
}

/// `-c`, `-f` and a standard input that is no terminal.
async fn work(console: &mut Console, invocation: &SqlInvocation, sink: &mut Stdio) -> u8 {
    let standard = [ScriptAction::File(PathBuf::from("-"))];
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
            ScriptAction::Command(text) => {
                let outcome = console.run_command(text, &mut ScriptLines::command(text), sink).await;
                code = if outcome.error.is_some() || outcome.failed { exit::FAILED } else { exit::OK };
                outcome
            }
            ScriptAction::File(file) => match source(file) {
                Ok(mut source) => {
                    let name = if file.as_os_str() == "-" { "<stdin>".into() } else { file.to_string_lossy() };
                    let outcome = console.run_lines(&mut *source, sink, false, named.then_some(&*name)).await;
                    code = if outcome.stopped { exit::STOPPED } else { exit::OK };
                    outcome
                }
                Err(text) => {
                    sink.complain(&text);
                    code = exit::FAILED;
                    match console.settings.vars.on("ON_ERROR_STOP") {
                        true => break,
                        false => continue,
                    }
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
        if code != exit::OK && console.settings.vars.on("ON_ERROR_STOP") {
            break;
        }
    }
    if invocation.single_transaction {
        let failed = code != exit::OK && console.settings.vars.on("ON_ERROR_STOP");
        if !console.run_quietly(if failed { "ROLLBACK" } else { "COMMIT" }, sink).await {
            return exit::FAILED;
        }
    }
    code
}

fn source(file: &Path) -> Result<Box<dyn LineSource>, String> {
    if file.as_os_str() == "-" {
        return Ok(Box::<StdinLines>::default());
    }
    match std::fs::read(file) {
        Ok(text) => Ok(Box::new(ScriptLines::file(text))),
        Err(error) => Err(format!("{}: {}", file.display(), crate::wire::reason(&error))),
    }
}

/// A person at a terminal.
async fn talk(console: &mut Console, invocation: &SqlInvocation, sink: &mut Stdio) -> u8 {
    let named = console.settings.vars.get("HISTFILE").map(|file| console.settings.path(file));
    let file = named.or_else(|| invocation.history.clone());
    let history = file.map_or_else(History::in_memory, History::open);
    // As in psql, a number below nothing is no bound.
    let size = console.settings.vars.get("HISTSIZE").and_then(|size| size.parse::<usize>().ok()).unwrap_or(usize::MAX);
    let mut source = match editor::EditorLines::new(console.names(), history, size, invocation.vi) {
        Ok(source) => source,
        Err(error) => {
            sink.complain(&format!("the terminal cannot be used for editing: {error}"));
            return exit::FAILED;
        }
    };
    if !console.settings.vars.on("QUIET") {
        let version = console.settings.vars.get("SERVER_VERSION_NAME").unwrap_or_default().to_owned();
        sink.say(SqlLine::Status, &format!("workshop sql (server {version})\nType \"help\" for help.\n\n"));
    }
    loop {
        let outcome = console.run_lines(&mut source, sink, true, None).await;
        sink.flush();
        if console.canceller().is_wanted() {
            source.drop_waiting();
        }
        if let Some(edit) = outcome.edit {
            match edit::edit(&edit).await {
                Ok(Some(text)) => source.put_edited(&text),
                // As in psql, only what was being typed goes on; a file or the statement before is not run again.
                Ok(None) if edit.unfinished && edit.file.is_none() => source.put(&edit.text),
                Ok(None) => {}
                Err(text) => {
                    sink.complain(&text);
                    if edit.unfinished {
                        source.put(&edit.text);
                    }
                }
            }
            continue;
        }
        if outcome.quit {
            return exit::OK;
        }
        if source.is_over() {
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
