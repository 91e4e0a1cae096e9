//! Doing what a backslash command says.

use std::path::{Path, PathBuf};

use super::super::console::{Console, Edit, End, Feed, TextFeed};
use super::super::exec::NO_SHELL;
use super::super::out::Io;
use super::super::report::{Loss, SqlLine};
use super::super::session::collect;
use super::super::vars::boolean;
use super::super::wire::{WireError, reason};
use super::parse::{Command, EchoTo, What};
use super::{After, copy, describe, help, list, settings, watch};

/// Files that include files, at most so deep.
const DEEPEST: u32 = 32;

pub(super) async fn act(c: &mut Console, command: Command, name: &str, feed: &mut dyn Feed, io: &mut Io<'_>) -> After {
    match command {
        Command::If(condition) => {
            let holds = c.conditions.active() && holds(condition.as_deref(), "\\if", io).await;
            c.conditions.open(holds, &c.buffer);
            After::Go
        }
        Command::Elif(condition) => {
            let holds = c.conditions.wants_condition() && holds(condition.as_deref(), "\\elif", io).await;
            let done = c.conditions.elif(holds, &mut c.buffer);
            judge(done, io).await
        }
        Command::Else => {
            let done = c.conditions.otherwise(&mut c.buffer);
            judge(done, io).await
        }
        Command::Endif => {
            let done = c.conditions.close(&mut c.buffer);
            judge(done, io).await
        }
        Command::Send(shape) => {
            if c.buffer.trim().is_empty() {
                c.buffer.clone_from(&c.previous);
            }
            let ok = c.send_buffer(&shape, feed, io).await;
            if ok { After::Go } else { After::Failed }
        }
        Command::Watch(parsed) => {
            let watch = match parsed {
                Ok(watch) => watch,
                Err(text) => return failed(&text, io).await,
            };
            let mut sql = std::mem::take(&mut c.buffer);
            c.scanner.reset();
            if sql.trim().is_empty() {
                sql.clone_from(&c.previous);
            }
            if sql.trim().is_empty() {
                return failed("\\watch cannot be used with an empty query", io).await;
            }
            let ok = watch::watch(c, &sql, &watch, io).await;
            c.previous = sql;
            if ok { After::Go } else { After::Failed }
        }
        Command::Describe { what, pattern, more, system } => {
            let done = match (what, &pattern) {
                (What::Any, Some(pattern)) => describe::describe(c, pattern, more, system, io).await,
                _ => list::list(c, what, pattern.as_deref(), more, system, io).await,
            };
            show(c, done, io).await
        }
        Command::Copy(text) => {
            let done = copy::copy(c, &text, feed, io).await;
            if done { After::Go } else { After::Failed }
        }
        Command::Include { file: None, .. } => failed(&format!("\\{name}: missing required argument"), io).await,
        Command::Include { file: Some(file), relative } => include(c, &file, relative, io).await,
        Command::Connect { database, user, host, port } => connect(c, [database, user, host, port], io).await,
        Command::Quit => After::Quit,
        Command::Edit { file, line } => {
            let unfinished = !c.buffer.trim().is_empty();
            let text = if unfinished { c.buffer.clone() } else { c.previous.clone() };
            c.edit = Some(Edit { text, unfinished, file: file.map(|f| c.directory.join(f)), line });
            c.forget_input();
            After::Edit
        }
        Command::ShowFunction { name: target, more } => {
            let done = describe::definition(c, target.as_deref(), describe::Definition::Function, more, io).await;
            show(c, done, io).await
        }
        Command::ShowView { name: target, more } => {
            let done = describe::definition(c, target.as_deref(), describe::Definition::View, more, io).await;
            show(c, done, io).await
        }
        Command::Configuration { pattern, more } => {
            let done = list::configuration(c, pattern.as_deref(), more, io).await;
            show(c, done, io).await
        }
        Command::GDesc => {
            let sql = std::mem::take(&mut c.buffer);
            c.scanner.reset();
            let sql = if sql.trim().is_empty() { c.previous.clone() } else { sql };
            let done = describe::result_columns(c, &sql, io).await;
            c.previous = sql;
            show(c, done, io).await
        }
        Command::Output(file) => output(c, file, io).await,
        Command::Write(file) => write(c, file, io).await,
        Command::Shell(command) => shell(c, command, io).await,
        Command::Prompt { text, name: variable } => prompt(c, text, variable, feed, io).await,
        other => simple(c, other, name, feed, io).await,
    }
}

/// Shows a text that may be longer than the screen; gives back what remains to be said.
async fn to_read(c: &mut Console, text: String, io: &mut Io<'_>) -> String {
    if c.output.is_some() {
        return text;
    }
    c.page(false, io);
    io.say(SqlLine::Status, &text).await;
    io.sink.end_page().await;
    String::new()
}

/// The commands that wait for nobody.
async fn simple(c: &mut Console, command: Command, name: &str, feed: &mut dyn Feed, io: &mut Io<'_>) -> After {
    let quiet = c.vars.on("QUIET");
    let pset = |c: &mut Console, name: &str, value: Option<&str>| -> Result<String, String> {
        settings::set(&mut c.table, name, value)?;
        // psql confirms these only when they are switched, not when they are set.
        let silent = value.is_some() && matches!(name, "t" | "tuples_only" | "footer" | "numericlocale");
        Ok(settings::say(&c.table, name).filter(|_| !quiet && !silent).map(|s| s + "\n").unwrap_or_default())
    };
    let said = match command {
        Command::Aligned => {
            let next = if c.table.format == super::super::table::Format::Aligned { "unaligned" } else { "aligned" };
            pset(c, "format", Some(next))
        }
        Command::Title(title) => pset(c, "title", title.as_deref()),
        Command::FieldSeparator(value) => pset(c, "fieldsep", value.as_deref()),
        Command::Tuples(value) => pset(c, "tuples_only", value.as_deref()),
        Command::Expanded(value) => pset(c, "expanded", value.as_deref()),
        Command::Pset { name: None, .. } => Ok(settings::all(&c.looks())),
        Command::Pset { name: Some(setting), value } => pset(c, &setting, value.as_deref()),
        Command::Timing(value) => match value.as_deref().map(boolean) {
            Some(None) => {
                Err(format!("unrecognized value \"{}\" for \"\\timing\": Boolean expected", value.unwrap_or_default()))
            }
            wanted => {
                c.timing = wanted.flatten().unwrap_or(!c.timing);
                let state = if c.timing { "on" } else { "off" };
                Ok(if quiet { String::new() } else { format!("Timing is {state}.\n") })
            }
        },
        Command::Echo { to, text, newline } => {
            let text = if newline { format!("{text}\n") } else { text };
            match to {
                EchoTo::Output => io.say(SqlLine::Status, &text).await,
                EchoTo::Results => c.print_status(&text, io).await,
                EchoTo::Errors => io.say(SqlLine::Notice, &text).await,
            }
            return After::Go;
        }
        Command::Set { name: None, .. } => {
            Ok(c.vars.iter().map(|(name, value)| format!("{name} = '{value}'\n")).collect())
        }
        Command::Set { name: Some(variable), value } => {
            c.vars.set(&variable, &value.unwrap_or_default()).map(|()| String::new())
        }
        Command::Unset(Some(variable)) => {
            c.vars.unset(&variable);
            Ok(String::new())
        }
        Command::Unset(None) => Err("\\unset: missing required argument".to_owned()),
        Command::Getenv { name: Some(variable), variable: Some(from) } => match std::env::var(&from) {
            Ok(value) => c.vars.set(&variable, &value).map(|()| String::new()),
            Err(_) => Ok(String::new()),
        },
        Command::Getenv { .. } => Err("\\getenv: missing required argument".to_owned()),
        Command::Setenv { .. } => Err("\\setenv is not here: set it before the workshop is started".to_owned()),
        Command::Cd(directory) => {
            let home = || std::env::var("HOME").unwrap_or_else(|_| ".".to_owned());
            let directory = directory.unwrap_or_else(home);
            let to = c.directory.join(&directory);
            match std::fs::read_dir(&to) {
                Ok(_) => {
                    c.directory = to;
                    Ok(String::new())
                }
                Err(error) => Err(format!("\\cd: could not change directory to \"{directory}\": {}", reason(&error))),
            }
        }
        Command::ConnInfo => Ok(conninfo(c)),
        Command::Encoding(None) => Ok("UTF8\n".to_owned()),
        Command::Encoding(Some(encoding)) => match encoding.to_ascii_uppercase().as_str() {
            "UTF8" | "UTF-8" | "UNICODE" => Ok(String::new()),
            _ => Err(format!("{encoding}: the console speaks UTF8 only, as Aurora DSQL does")),
        },
        Command::ErrVerbose => match c.error_in_full() {
            Some(text) => {
                io.complain(&text).await;
                Ok(String::new())
            }
            None => Ok("There is no previous error.\n".to_owned()),
        },
        Command::Help(topic) => Ok(to_read(c, help::slash(topic.as_deref()), io).await),
        Command::SqlHelp(topic) => Ok(to_read(c, help::sql(topic.as_deref()), io).await),
        Command::Print => {
            let text = if c.buffer.trim().is_empty() { &c.previous } else { &c.buffer };
            match text.trim().is_empty() {
                true if !quiet => Ok("Query buffer is empty.\n".to_owned()),
                _ => Ok(format!("{text}\n")),
            }
        }
        Command::Reset => {
            c.forget_input();
            Ok(if quiet { String::new() } else { "Query buffer reset (cleared).\n".to_owned() })
        }
        Command::History(file) => {
            let text: String = feed.history().iter().map(|entry| format!("{entry}\n")).collect();
            match file {
                None => Ok(text),
                Some(file) => match std::fs::write(c.directory.join(&file), text) {
                    Ok(()) if quiet => Ok(String::new()),
                    Ok(()) => Ok(format!("Wrote history to file \"{file}\".\n")),
                    Err(error) => Err(format!("could not save history to file \"{file}\": {error}")),
                },
            }
        }
        Command::Refused(why) => Err(why.to_owned()),
        // Everything that waits has been done by `act`.
        other => Err(format!("\\{name} cannot be done here: {other:?}")),
    };
    match said {
        Ok(text) => {
            io.say(SqlLine::Status, &text).await;
            After::Go
        }
        Err(text) => failed(&text, io).await,
    }
}

async fn failed(text: &str, io: &mut Io<'_>) -> After {
    io.complain(text).await;
    After::Failed
}

async fn judge(done: Result<(), &'static str>, io: &mut Io<'_>) -> After {
    match done {
        Ok(()) => After::Go,
        Err(text) => failed(text, io).await,
    }
}

async fn holds(condition: Option<&str>, name: &str, io: &mut Io<'_>) -> bool {
    let text = condition.unwrap_or_default();
    match boolean(text).filter(|_| !text.is_empty()) {
        Some(holds) => holds,
        None => {
            let text = format!("unrecognized value \"{text}\" for \"{name} expression\": Boolean expected");
            io.complain(&text).await;
            false
        }
    }
}

/// What a listing came to: nothing to add, a sentence that nothing was found, or an error.
pub(super) async fn show(c: &mut Console, done: Result<(), list::ListError>, io: &mut Io<'_>) -> After {
    match done {
        Ok(()) => After::Go,
        Err(list::ListError::Nothing(text)) => {
            if !c.vars.on("QUIET") {
                io.complain(&text).await;
            }
            After::Failed
        }
        Err(list::ListError::Server(message, sql)) => {
            c.fail(*message, &sql, io).await;
            After::Failed
        }
    }
}

/// Reads a file as if it were typed.
async fn include(c: &mut Console, file: &str, relative: bool, io: &mut Io<'_>) -> After {
    // `\ir` begins where the file stands that says it.
    let here = io.place.as_ref().and_then(|(f, _)| Path::new(f).parent()).filter(|_| relative);
    let name = here.map_or_else(|| PathBuf::from(file), |here| here.join(file));
    let path = c.directory.join(&name);
    let text = match tokio::fs::read_to_string(&path).await {
        Ok(text) => text,
        Err(error) => return failed(&format!("{file}: {}", reason(&error)), io).await,
    };
    if c.depth >= DEEPEST {
        return failed(&format!("{file}: files include each other more than {DEEPEST} deep"), io).await;
    }
    c.depth += 1;
    let open = c.conditions.depth();
    let outer = (io.place.take(), io.interactive);
    io.place = Some((name.to_string_lossy().into_owned(), 0));
    io.interactive = false;
    let mut lines = TextFeed::new(&text);
    let end = Box::pin(c.read(&mut lines, io)).await;
    (io.place, io.interactive) = outer;
    c.conditions.truncate(open);
    c.depth -= 1;
    match end {
        End::Over | End::Quit => After::Go,
        End::Failed => After::Go,
        End::Stopped | End::Cancelled | End::Unreachable => After::Failed,
    }
}

async fn connect(c: &mut Console, to: [Option<String>; 4], io: &mut Io<'_>) -> After {
    let [database, user, host, port] = to.map(|v| v.filter(|v| v != "-"));
    let mut connector = c.connector.clone();
    if let Some(database) = database {
        connector.database = database;
    }
    if let Some(host) = host
        && host != connector.host
    {
        connector.host = host;
    }
    if let Some(port) = port {
        match port.parse() {
            Ok(port) => connector.port = port,
            Err(_) => return failed(&format!("invalid port number: \"{port}\""), io).await,
        }
    }
    let role = user.unwrap_or_else(|| c.role.clone());
    let moved = connector.address() != c.connector.address() || connector.port != c.connector.port;
    match connector.connect(&role).await {
        Ok((link, notices)) => {
            if let Some(old) = c.link.take() {
                old.close().await;
            }
            c.connector = connector;
            c.role = role;
            c.log.clear();
            c.conflict = None;
            c.names_stale = true;
            c.lost = Loss::Nothing;
            c.take_over(link, notices, io).await;
            if !c.vars.on("QUIET") {
                let place = match moved {
                    true => format!(" on host \"{}\" at port \"{}\"", c.connector.host, c.connector.port),
                    false => String::new(),
                };
                let text = format!(
                    "You are now connected to database \"{}\" as user \"{}\"{place}.\n",
                    c.connector.database, c.role
                );
                io.say(SqlLine::Status, &text).await;
            }
            After::Go
        }
        Err(error) => {
            c.fail(error.to_message(), "", io).await;
            // A person keeps what there is; a script must not go on where it did not want to be.
            match c.link.take() {
                Some(link) if io.interactive => {
                    c.link = Some(link);
                    c.down = false;
                    io.complain("Previous connection kept").await;
                }
                Some(link) => link.close().await,
                None => {}
            }
            After::Failed
        }
    }
}

fn conninfo(c: &Console) -> String {
    let Some(link) = &c.link else { return "You are currently not connected to a database.\n".to_owned() };
    let at = &c.connector;
    let place = match at.address() {
        directory if directory.starts_with('/') => format!(" via socket in \"{directory}\""),
        _ => format!(" on host \"{}\"", at.host),
    };
    let address =
        at.hostaddr.as_ref().filter(|a| !a.starts_with('/')).map(|a| format!(" (address \"{a}\")")).unwrap_or_default();
    let mut text = format!(
        "You are connected to database \"{}\" as user \"{}\"{place}{address} at port \"{}\".\n",
        at.database, c.role, at.port
    );
    if let Some(tls) = &link.tls {
        let bits = if tls.cipher.contains("128") { 128 } else { 256 };
        text.push_str(&format!(
            "SSL connection (protocol: {}, cipher: {}, bits: {bits}, compression: off)\n",
            tls.protocol, tls.cipher
        ));
    }
    text
}

async fn output(c: &mut Console, file: Option<String>, io: &mut Io<'_>) -> After {
    if let Some(old) = c.output.take()
        && let Err(error) = old.close().await
    {
        io.complain(&format!("could not write the output: {error}")).await;
    }
    let Some(file) = file else { return After::Go };
    match c.open_target(&file, io) {
        Ok(target) => {
            c.output = Some(target);
            After::Go
        }
        Err(error) => failed(&format!("{file}: {}", reason(&error)), io).await,
    }
}

async fn write(c: &mut Console, file: Option<String>, io: &mut Io<'_>) -> After {
    let Some(file) = file else { return failed("\\w: missing required argument", io).await };
    let text = if c.buffer.trim().is_empty() { c.previous.clone() } else { c.buffer.clone() };
    let target = c.open_target(&file, io);
    let written = async {
        let mut target = target?;
        target.write(format!("{text}\n").as_bytes()).await?;
        target.close().await
    };
    match written.await {
        Ok(()) => After::Go,
        Err(error) => failed(&format!("{file}: {}", reason(&error)), io).await,
    }
}

async fn shell(c: &mut Console, command: Option<String>, io: &mut Io<'_>) -> After {
    if !c.options.shell {
        return failed(NO_SHELL, io).await;
    }
    let Some(command) = command else { return failed("\\!: give the command to run", io).await };
    let output = tokio::process::Command::new("sh")
        .args(["-c", &command])
        .current_dir(&c.directory)
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true)
        .output();
    let canceller = c.canceller();
    let output = tokio::select! {
        output = output => output,
        () = canceller.wanted() => return After::Failed,
    };
    match output {
        Ok(output) => {
            io.say(SqlLine::Status, &String::from_utf8_lossy(&output.stdout)).await;
            io.say(SqlLine::Notice, &String::from_utf8_lossy(&output.stderr)).await;
            c.vars.put("SHELL_ERROR", if output.status.success() { "false" } else { "true" });
            c.vars.put("SHELL_EXIT_CODE", exit_code(output.status).to_string());
            if output.status.success() { After::Go } else { After::Failed }
        }
        Err(error) => failed(&format!("\\!: {error}"), io).await,
    }
}

/// The exit code as a shell tells it: 128 and the signal for a program that was killed.
fn exit_code(status: std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0))
}

/// What a command between backticks says. It is short by its nature, and its words are needed at once.
pub(super) fn shell_output(command: &str, directory: &Path) -> Option<String> {
    let output = std::process::Command::new("sh")
        .args(["-c", command])
        .current_dir(directory)
        .stdin(std::process::Stdio::null())
        .output()
        .ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

async fn prompt(
    c: &mut Console,
    text: Option<String>,
    variable: Option<String>,
    feed: &mut dyn Feed,
    io: &mut Io<'_>,
) -> After {
    let Some(variable) = variable else { return failed("\\prompt: missing required argument", io).await };
    let answer = match feed.line(text.as_deref().unwrap_or_default()).await {
        super::super::console::Fed::Line(answer) => answer,
        super::super::console::Fed::Interrupted | super::super::console::Fed::End => return After::Failed,
    };
    match c.vars.set(&variable, &answer) {
        Ok(()) => After::Go,
        Err(text) => failed(&text, io).await,
    }
}

impl Console {
    /// Asks the server on the console's own behalf; nothing is printed and nothing is logged for a retry.
    pub(crate) async fn ask(
        &mut self,
        sql: &str,
        io: &mut Io<'_>,
    ) -> Result<Vec<Vec<Option<String>>>, list::ListError> {
        if matches!(self.vars.get("ECHO_HIDDEN"), Some("on" | "noexec")) {
            let text = format!("********* QUERY **********\n{sql}\n**************************\n\n");
            io.say(SqlLine::Status, &text).await;
        }
        self.reach(io).await.map_err(|m| list::ListError::Server(Box::new(m), String::new()))?;
        let Some(link) = &mut self.link else { return Ok(Vec::new()) };
        self.canceller.running(Some((self.connector.clone(), link.key)));
        let asked = collect(link, sql, usize::MAX).await;
        self.canceller.running(None);
        match asked {
            Ok(result) => Ok(result.rows),
            Err(WireError::Lost(error)) => {
                let loss = Loss::of(link.tx);
                self.lose(&error, loss, io).await;
                Err(list::ListError::Server(Box::new(WireError::Lost(error).to_message()), sql.to_owned()))
            }
            Err(error) => Err(list::ListError::Server(Box::new(error.to_message()), sql.to_owned())),
        }
    }
}

/// A file name as the person gave it, from the console's directory.
pub(super) fn path(c: &Console, file: &str) -> PathBuf {
    c.directory.join(file)
}
