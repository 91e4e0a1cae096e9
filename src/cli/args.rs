//! The command line, as clap reads it.

use std::path::PathBuf;

use clap::{ArgMatches, Args, Parser, Subcommand, ValueEnum};

use crate::headless::report::Wanted;
use crate::lesson::model::Target;
use crate::sql::repl::Action;

/// Run a hands-on technical workshop from a terminal.
///
/// Without a command it opens the workshop where you left off; the first time, at chapter 0.
#[derive(Debug, Parser)]
#[command(name = "workshop", version, max_term_width = 100, after_help = EXIT_CODES)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Open at this chapter; with --check, prove it
    #[arg(long, value_name = "N")]
    pub chapter: Option<u32>,
    /// Without a screen: prove the chapter (or, without --chapter, all of them) and exit 0 or not
    #[arg(long)]
    pub check: bool,
    #[command(flatten)]
    pub common: Common,
}

const EXIT_CODES: &str = "\
Exit codes: 0 all passed; 1 a check failed; 2 wrong use or an invalid course; 3 the environment
(no credentials, no network, a prerequisite is missing): worth another try; 124 timed out; 130 interrupted";

/// What every command understands.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// Where the work runs: the sandbox on this machine, or your AWS account [default: the course's, local]
    #[arg(long, global = true, value_enum, env = "WORKSHOP_TARGET")]
    pub target: Option<TargetArg>,
    /// AWS profile (target aws)
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// AWS region
    #[arg(long, global = true, value_name = "REGION")]
    pub region: Option<String>,
    /// The directory you work in [default: this one if it holds a workshop, else my-dsql-app]
    #[arg(long, global = true, value_name = "DIR")]
    pub workdir: Option<PathBuf>,
    /// The course's lesson files [default: lessons, here or beside the program]
    #[arg(long, global = true, value_name = "DIR", env = "WORKSHOP_LESSONS")]
    pub lessons: Option<PathBuf>,
    /// The chapters' snapshots [default: snapshots, beside the lessons]
    #[arg(long, global = true, value_name = "DIR", env = "WORKSHOP_SNAPSHOTS")]
    pub snapshots: Option<PathBuf>,
    /// Append-only lines instead of a screen: for logs, dumb terminals and screen readers
    #[arg(long, global = true)]
    pub plain: bool,
    /// Report as human, plain, json, junit, tap or github; repeatable; FORMAT:FILE writes to a file
    #[arg(long, global = true, value_name = "FORMAT[:FILE]")]
    pub format: Vec<Wanted>,
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TargetArg {
    Local,
    Aws,
}

impl From<TargetArg> for Target {
    fn from(target: TargetArg) -> Target {
        match target {
            TargetArg::Local => Target::Local,
            TargetArg::Aws => Target::Aws,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check lessons and snapshots without running anything; every problem with file:line:column
    Lint,
    /// Prove the course: checks fail before and pass after, expected failures fail as declared
    Prove,
    /// The difference between two chapters' snapshots
    Diff { from: u32, to: u32 },
    /// The SQL console without the screen
    Sql(SqlArgs),
    /// The local cloud on its own
    Sandbox {
        #[command(subcommand)]
        command: SandboxCommand,
    },
    /// Look at each prerequisite, one line each, with the fix
    Doctor,
    /// The JSON Schema of the lesson files, for editors
    Schema,
    /// Speaker notes in a second terminal, following the workshop that runs in the same directory
    Notes,
}

#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub struct SqlArgs {
    /// Print help
    #[arg(long, action = clap::ArgAction::HelpLong)]
    pub help: Option<bool>,
    /// Run this and exit; repeatable
    #[arg(short = 'c', long = "command", value_name = "SQL")]
    pub commands: Vec<String>,
    /// Run this file and exit; repeatable; - is standard input
    #[arg(short = 'f', long = "file", value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Connect as this database role
    #[arg(short = 'U', long = "username", value_name = "ROLE", default_value = "admin")]
    pub role: String,
    /// The cluster's endpoint [default: PGHOST, or the cluster of the course's stack]
    #[arg(short = 'h', long = "host", value_name = "ENDPOINT")]
    pub host: Option<String>,
    /// Set a variable, NAME=VALUE; repeatable
    #[arg(short = 'v', long = "set", value_name = "NAME=VALUE")]
    pub variables: Vec<String>,
    /// Set a printing option, as \pset does; repeatable
    #[arg(short = 'P', long = "pset", value_name = "NAME=VALUE")]
    pub settings: Vec<String>,
    /// Unaligned output
    #[arg(short = 'A', long)]
    pub no_align: bool,
    /// Rows only
    #[arg(short = 't', long)]
    pub tuples_only: bool,
    /// Expanded output
    #[arg(short = 'x', long)]
    pub expanded: bool,
    /// CSV output
    #[arg(long)]
    pub csv: bool,
    /// No messages, only query output
    #[arg(short = 'q', long)]
    pub quiet: bool,
    /// Write output to a file
    #[arg(short = 'o', long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

impl SqlArgs {
    /// `-c` and `-f` in the order they were written in, which the fields alone have lost.
    pub fn actions(&self, matches: &ArgMatches) -> Vec<Action> {
        let of = |id: &str| matches.indices_of(id).into_iter().flatten();
        let commands = of("commands").zip(self.commands.iter().cloned().map(Action::Command));
        let files = of("files").zip(self.files.iter().cloned().map(Action::File));
        let mut all: Vec<(usize, Action)> = commands.chain(files).collect();
        all.sort_by_key(|(index, _)| *index);
        all.into_iter().map(|(_, action)| action).collect()
    }
}

#[derive(Debug, Subcommand)]
pub enum SandboxCommand {
    /// Start it, and wait until it is ready
    Start {
        /// Listen on this port for AWS calls instead of a free one
        #[arg(long, value_name = "PORT")]
        port: Option<u16>,
    },
    Stop,
    /// Whether it runs, since when, and what it holds
    Status,
    /// Exports for your shell, so that your own psql, npx cdk, aws and node programs reach it
    Env {
        #[arg(long, value_enum, value_name = "SHELL", default_value = "posix")]
        shell: Shell,
    },
    /// Stop it and delete all it holds
    Reset,
    /// Save its whole state under a name
    Save {
        name: String,
    },
    /// Bring back a saved state
    Restore {
        name: String,
    },
    /// Move its clock, as in +16m, so that tokens expire now; 0 sets it right again
    Clock {
        #[arg(allow_hyphen_values = true)]
        by: String,
    },
    /// The process itself
    #[command(hide = true)]
    Serve,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    Posix,
    Fish,
    Powershell,
    Json,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_main_job_reads_as_documented() {
        let cli =
            Cli::parse_from(["workshop", "--chapter", "3", "--check", "--format", "junit:x.xml", "--format", "human"]);
        assert_eq!((cli.chapter, cli.check, cli.common.format.len()), (Some(3), true, 2));
    }

    #[test]
    fn sql_commands_and_files_keep_their_order() {
        let matches = Cli::command().get_matches_from(["workshop", "sql", "-c", "a", "-f", "b.sql", "-c", "c"]);
        let cli = <Cli as clap::FromArgMatches>::from_arg_matches(&matches).unwrap();
        let Some(Command::Sql(sql)) = cli.command else { panic!() };
        let (_, matches) = matches.subcommand().unwrap();
        let command = |text: &str| Action::Command(text.into());
        assert_eq!(sql.actions(matches), [command("a"), Action::File("b.sql".into()), command("c")]);
    }
}
