//! `workshop sandbox …`: the local cloud by hand.

use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::time::Instant;

use super::args::CommonOptions;
use super::output::say;
use super::runtime::block_on;
use super::subcommands::{ExportSyntax, SandboxCommand};
use super::{places, target};
use workshop_base::problem::{Problem, Result};
use workshop_base::text::{sanitize, shell_word};
use workshop_sandbox::control::{self, SandboxKind, SandboxOptions, SandboxStatus};
use workshop_sandbox::progress::StartProgress;
use workshop_sandbox::{env, serve};

/// Without it psql says "host name must be specified for a verified SSL connection", and no more.
const NO_CLUSTER: &str =
    "note: there is no cluster yet, so psql has none to reach; after the deploy that creates it, run this again";

/// Carries out a command on the sandbox of the working directory, and returns the exit code.
///
/// # Errors
/// When the working directory or the cache cannot be used, and what the sandbox itself says.
pub fn run(common: &CommonOptions, command: SandboxCommand) -> Result<u8> {
    let workdir = places::workdir(common)?;
    let (port, database_port) = match &command {
        SandboxCommand::Start { port, database_port } => (*port, *database_port),
        _ => (None, None),
    };
    let options = SandboxOptions { database_port, ..target::sandbox(common, port)? };
    // A database that a course has of its own.
    let plain = SandboxOptions { kind: SandboxKind::Database, region: None, ..options.clone() };
    block_on(async {
        match command {
            SandboxCommand::Start { .. } => start(common, &workdir, &options).await,
            SandboxCommand::Stop => {
                let stopped = control::stop(&workdir, &options).await? | control::stop(&workdir, &plain).await?;
                say(if stopped { "stopped\n" } else { "it was not running\n" })?;
                Ok(0)
            }
            SandboxCommand::Status => status(&workdir, &options, &plain).await,
            SandboxCommand::Env { hosts: true, .. } => hosts(&workdir, &options).await,
            SandboxCommand::Env { shell, .. } => {
                let variables = variables(&workdir, &options, &plain).await?;
                let ours = std::env::vars_os()
                    .filter_map(|(name, value)| Some((name.into_string().ok()?, value.to_string_lossy().into_owned())));
                say(&env::render(shell.into(), &variables, ours))?;
                if !variables.contains_key("PGHOST") {
                    // Beside the exports, for whoever evaluates them. stderr gone: there is nobody to tell.
                    let _ = writeln!(std::io::stderr(), "{NO_CLUSTER}");
                }
                Ok(0)
            }
            SandboxCommand::Reset => {
                control::reset(&workdir, &options).await?;
                control::reset(&workdir, &plain).await?;
                say("reset: the next start begins with nothing\n")?;
                Ok(0)
            }
            SandboxCommand::Save { name } => {
                let begun = Instant::now();
                control::save(&workdir, &options, &name).await?;
                say(&format!("saved {} in {:.2} s\n", sanitize(&name), begun.elapsed().as_secs_f64()))?;
                Ok(0)
            }
            SandboxCommand::Restore { name } => {
                let begun = Instant::now();
                control::restore(&workdir, &options, &name).await?;
                say(&format!("restored {} in {:.2} s\n", sanitize(&name), begun.elapsed().as_secs_f64()))?;
                Ok(0)
            }
            SandboxCommand::Clock { by } => {
                let offset = control::clock(&workdir, &options, &by).await?;
                say(&format!("the sandbox's clock is {} s ahead\n", offset / 1000))?;
                Ok(0)
            }
            SandboxCommand::Serve => serve::main(&workdir, &options).await,
        }
    })
}

impl From<ExportSyntax> for env::ShellSyntax {
    fn from(syntax: ExportSyntax) -> env::ShellSyntax {
        match syntax {
            ExportSyntax::Posix => env::ShellSyntax::Posix,
            ExportSyntax::Fish => env::ShellSyntax::Fish,
            ExportSyntax::Powershell => env::ShellSyntax::Powershell,
            ExportSyntax::Json => env::ShellSyntax::Json,
        }
    }
}

async fn start(common: &CommonOptions, workdir: &std::path::Path, options: &SandboxOptions) -> Result<u8> {
    let begun = Instant::now();
    let mut waiting = ProgressLine::new();
    let status = control::start(workdir, options, |now| waiting.show(&now)).await?;
    waiting.clear();
    let there = |dir: &PathBuf| format!(" --workdir {}", shell_word(&dir.to_string_lossy()));
    let there = common.workdir.as_ref().map(there).unwrap_or_default();
    say(&format!(
        "ready in {:.2} s\nendpoint {}\ndatabase port {}\nto use it: eval \"$(workshop sandbox env{})\"\n",
        begun.elapsed().as_secs_f64(),
        status.endpoint,
        status.dsql_port,
        sanitize(&there),
    ))?;
    Ok(0)
}

/// Prints lines for /etc/hosts, for clients that look up the cluster's name themselves.
async fn hosts(workdir: &std::path::Path, options: &SandboxOptions) -> Result<u8> {
    let Some(status) = control::status(workdir, options).await? else {
        return Err(Problem::environment("the sandbox is not running").hint("start it with `workshop sandbox start`"));
    };
    say(&env::hosts(&status.clusters))?;
    // Beside the lines, for whoever appends them. stderr gone: there is nobody to tell.
    let note = match status.clusters.is_empty() {
        true => "note: there is no cluster yet; after the deploy that creates it, run this again".to_owned(),
        false => format!(
            "note: append these to /etc/hosts (`workshop sandbox env --hosts | sudo tee -a /etc/hosts`); such clients connect to port {}",
            status.dsql_port
        ),
    };
    let _ = writeln!(std::io::stderr(), "{note}");
    Ok(0)
}

/// Returns the variables of what runs: the sandbox's, and those of a database of the course's own.
async fn variables(
    workdir: &std::path::Path,
    options: &SandboxOptions,
    plain: &SandboxOptions,
) -> Result<BTreeMap<String, String>> {
    match (control::env(workdir, options).await, control::env(workdir, plain).await) {
        (Ok(mut variables), Ok(own)) => {
            variables.retain(|name, _| !name.starts_with("PG"));
            variables.extend(own);
            Ok(variables)
        }
        (Err(_), Ok(own)) => Ok(own),
        (cloud, Err(_)) => cloud,
    }
}

async fn status(workdir: &std::path::Path, options: &SandboxOptions, plain: &SandboxOptions) -> Result<u8> {
    if let Some(own) = control::status(workdir, plain).await? {
        say(&format!("PostgreSQL {} of the course's own, on port {}\n", own.postgres, own.dsql_port))?;
        if control::status(workdir, options).await?.is_none() {
            return Ok(0);
        }
    }
    let Some(status) = control::status(workdir, options).await? else {
        let crashed = control::crashed(workdir, options);
        say(if crashed { "not running; the last one crashed, the next start recovers\n" } else { "not running\n" })?;
        return Ok(0);
    };
    say(&describe(&status))?;
    Ok(0)
}

fn describe(status: &SandboxStatus) -> String {
    let mut text = format!(
        "running since {} (process {})\nendpoint {}\ndatabase port {}\nregion {}, account {}\nPostgreSQL {}\nNode.js {}\n",
        status.started,
        status.pid,
        status.endpoint,
        status.dsql_port,
        status.region,
        status.account,
        status.postgres,
        status.node,
    );
    let list = |names: &[String]| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    text.push_str(&format!("clusters: {}\nsaved states: {}\n", list(&status.clusters), list(&status.saved)));
    let stays = if status.kept { "until it is stopped" } else { "with its users" };
    text.push_str(&format!("users: {}, it runs {stays}\n", status.users));
    if let Some(aside) = &status.unreadable {
        text.push_str(&format!("its account was {aside}\n"));
    }
    if status.clock_offset_ms != 0 {
        text.push_str(&format!("its clock is {} s ahead\n", status.clock_offset_ms / 1000));
    }
    sanitize(&text).into_owned()
}

/// Shows progress on stderr: one line that changes on a terminal, a line for each thing elsewhere.
pub struct ProgressLine {
    terminal: bool,
    said: String,
}

impl ProgressLine {
    /// Begins without a line.
    pub fn new() -> ProgressLine {
        ProgressLine { terminal: std::io::stderr().is_terminal(), said: String::new() }
    }

    /// Shows what goes on now, in megabytes where their number is known.
    pub fn show(&mut self, now: &StartProgress) {
        let what = sanitize(&now.what);
        let text = match (self.terminal, now.megabytes()) {
            (true, Some((done, Some(total)))) => format!("{what}: {done} of {total} MB"),
            (true, Some((done, None))) => format!("{what}: {done} MB"),
            _ => what.into_owned(),
        };
        if text != self.said {
            // stderr gone: there is nobody to tell.
            let _ = match self.terminal {
                true => write!(std::io::stderr(), "\r\u{1b}[K{text} …"),
                false => writeln!(std::io::stderr(), "{text} …"),
            };
            self.said = text;
        }
    }

    /// Takes the line away.
    pub fn clear(&mut self) {
        if self.terminal && !self.said.is_empty() {
            let _ = write!(std::io::stderr(), "\r\u{1b}[K");
            self.said.clear();
        }
    }
}
