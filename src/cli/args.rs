//! The command line, as clap reads it.

use std::path::PathBuf;

use clap::{ArgMatches, Args, Parser, Subcommand, ValueEnum};

use super::subcommands::{CheckpointCommand, EditsChoice, LibraryCommand, SandboxCommand, chapter_number};
use super::values::{TargetArg, TimeLimit};
use crate::headless::types::ReportRequest;
use workshop_base::problem::{Problem, Result};
use workshop_psql::repl::ScriptAction;

/// Run a hands-on technical workshop from a terminal.
///
/// Without a command it opens the workshop where you left off; the first time, at chapter 0.
#[derive(Debug, Parser)]
#[command(name = "workshop", version, max_term_width = 100, after_help = EXIT_CODES)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<CliCommand>,
    /// Open at this chapter; with --check, prove it
    #[arg(long, value_name = "N", value_parser = chapter_number)]
    pub chapter: Option<u32>,
    /// Without a screen: prove the chapter (or, without --chapter, all of them) and exit 0 or not
    #[arg(long)]
    pub check: bool,
    /// With --check: walk from the first chapter on, whatever checkpoints there are
    #[arg(long, requires = "check")]
    pub fresh: bool,
    #[command(flatten)]
    pub common: CommonOptions,
}

const EXIT_CODES: &str = "\
Exit codes: 0 all passed; 1 a check failed; 2 wrong use or an invalid course; 3 the environment
(no credentials, no network, a prerequisite is missing): worth another try; 124 timed out; 130 interrupted";

/// The options that every command understands.
#[derive(Debug, Clone, Args)]
pub struct CommonOptions {
    /// Choose an option of the course: --choose language=python; repeatable [default: as chosen before, else the first]
    #[arg(long, global = true, value_name = "NAME=OPTION")]
    pub choose: Vec<String>,
    /// Where the work runs: this machine's sandbox, or your AWS account [default: as begun here, else the course's: local]
    #[arg(long, global = true, value_enum, env = "WORKSHOP_TARGET")]
    pub target: Option<TargetArg>,
    /// AWS profile (target aws)
    #[arg(long, global = true, value_name = "NAME")]
    pub profile: Option<String>,
    /// AWS region
    #[arg(long, global = true, value_name = "REGION")]
    pub region: Option<String>,
    /// Let no sandbox follow a talk in an account (target aws): there is nothing to fail over to then
    #[arg(long, global = true, env = "WORKSHOP_NO_STANDBY", value_parser = clap::builder::FalseyValueParser::new())]
    pub no_standby: bool,
    /// The directory you work in [default: the one that you are in, if a workshop lives there, else the one that the course names]
    #[arg(long, global = true, value_name = "DIR")]
    pub workdir: Option<PathBuf>,
    /// The course's lesson files [default: lessons, here or in a directory above, else the course that is built in]
    #[arg(long, global = true, value_name = "DIR", env = "WORKSHOP_LESSONS")]
    pub lessons: Option<PathBuf>,
    /// A course: its directory, course.yaml or archive, an address for git (#TAG for a tag), or an installed one's name
    #[arg(long, global = true, value_name = "DIR|FILE|URL|NAME", env = "WORKSHOP_COURSE", conflicts_with = "lessons")]
    pub course: Option<String>,
    /// Where the course was fetched from, once it was: then `course` is its directory.
    #[arg(skip)]
    pub fetched: Option<String>,
    /// The course's language: `de`, `pt-BR` [default: the shell's, else the course's own]; lint then tells what it lacks
    #[arg(long, global = true, value_name = "LANGUAGE", env = "WORKSHOP_LOCALE")]
    pub locale: Option<String>,
    /// Agree to what a course from elsewhere runs on this machine, without being asked
    #[arg(long, global = true)]
    pub agree: bool,
    /// The chapters' snapshots [default: snapshots, beside the lessons]
    #[arg(long, global = true, value_name = "DIR", env = "WORKSHOP_SNAPSHOTS")]
    pub snapshots: Option<PathBuf>,
    /// Record the screen in this file, as an asciicast (version 2): asciinema plays it
    #[arg(long, global = true, value_name = "FILE.cast")]
    pub record: Option<PathBuf>,
    /// Append-only lines instead of a screen: for logs, dumb terminals and screen readers
    #[arg(long, global = true)]
    pub plain: bool,
    /// Hide account ids, ARNs, endpoints and tokens from the first frame on
    #[arg(long, global = true)]
    pub redact: bool,
    /// Report as human, plain, json, junit, tap or github; repeatable; FORMAT:FILE writes to a file
    #[arg(long, global = true, value_name = "FORMAT[:FILE]")]
    pub format: Vec<ReportRequest>,
    /// How long a run by itself (--check, prove) may take in all, before it is ended: a duration like 30m, or none
    #[arg(long, global = true, value_name = "DURATION", default_value = "2h", env = "WORKSHOP_TIME_LIMIT")]
    pub time_limit: TimeLimit,
    /// Colours: auto asks the terminal and NO_COLOR
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value = "auto")]
    pub color: ColorChoice,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    Auto,
    Always,
    Never,
}

/// The commands; without one the workshop opens, or with `--check` proves.
#[derive(Debug, Subcommand)]
pub enum CliCommand {
    /// Check lessons and snapshots without running anything; every problem with file:line:column
    Lint {
        /// Synthesise each chapter with its CDK, too, and tell what of it the sandbox does not have
        #[arg(long)]
        synth: bool,
    },
    /// Begin a course of your own: two chapters that lint, prove and can be presented as they are
    New {
        /// The directory to make
        #[arg(value_name = "DIR")]
        dir: PathBuf,
        /// What it is called [default: from the directory's name]
        #[arg(long, value_name = "TEXT")]
        title: Option<String>,
        /// With a stack and a Lambda function, deployed with the AWS CDK; else it needs Node alone
        #[arg(long)]
        cloud: bool,
    },
    /// Prove the course: checks fail before and pass after, expected failures fail as declared
    Prove {
        /// Only this chapter, after the steps that lead to it
        #[arg(long = "chapter", id = "proved", value_name = "N", value_parser = chapter_number)]
        chapter: Option<u32>,
        /// Walk from the first chapter on, whatever checkpoints there are
        #[arg(long = "fresh", id = "proved_fresh")]
        fresh: bool,
    },
    /// Courses kept on this machine: installed once, then there without a network
    Course {
        #[command(subcommand)]
        command: LibraryCommand,
    },
    /// The states after chapters that earlier runs have kept, from which --check and prove go on
    Checkpoint {
        #[command(subcommand)]
        command: CheckpointCommand,
    },
    /// The minutes that each step took when it was last given here, beside those that are planned
    Rehearse {
        /// Plan from now on what it took: write it into the lesson files
        #[arg(long)]
        write: bool,
    },
    /// Begin again: ticks, clock, files and the sandbox as they were when a chapter was begun first
    BeginAgain {
        /// This chapter [default: the first one on stage]
        #[arg(long = "chapter", id = "begun", value_name = "N", value_parser = chapter_number)]
        chapter: Option<u32>,
        /// Where own edits meet the course's: keep yours, or put yours aside and take the course's [default: ask]
        #[arg(long, value_name = "WHOSE")]
        edits: Option<EditsChoice>,
    },
    /// The difference between two chapters' snapshots
    Diff {
        /// A chapter: 0, or ch00
        #[arg(value_name = "A")]
        from: String,
        /// Another
        #[arg(value_name = "B")]
        to: String,
    },
    /// Carry what you changed in one chapter's snapshot through all later ones
    Propagate {
        /// The chapter that was changed: 0, or ch00
        chapter: String,
        /// The snapshots as they were before [default: git's last commit]
        #[arg(long, value_name = "DIR")]
        old: Option<PathBuf>,
        /// Where it meets a change of a later chapter's own, open that in your editor, and go on with what you leave there
        #[arg(long)]
        edit: bool,
    },
    /// The SQL console without the screen
    Sql(Box<SqlArgs>),
    /// The local cloud on its own
    Sandbox {
        #[command(subcommand)]
        command: SandboxCommand,
    },
    /// Run the commands that end the course: what its setup has made goes
    Teardown,
    /// Look at each prerequisite, one line each, with the fix
    Doctor,
    /// The JSON Schema of the lesson files, for editors
    Schema,
    /// Speaker notes in a second terminal, following the workshop that runs in the same directory
    Notes,
    /// Write a script that completes this command line, for your shell to read
    Completions {
        /// Whose script
        #[arg(value_enum, value_name = "SHELL")]
        shell: clap_complete::Shell,
    },
    /// Write the manual page: `workshop man > workshop.1`, or `workshop man | man -l -`
    Man,
}

#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub struct SqlArgs {
    /// Print help
    #[arg(long, action = clap::ArgAction::HelpLong)]
    pub help: Option<bool>,
    /// Run this and exit; repeatable
    #[arg(short = 'c', long = "command", value_name = "SQL", allow_hyphen_values = true)]
    pub commands: Vec<String>,
    /// Run this file and exit; repeatable; - is standard input
    #[arg(short = 'f', long = "file", value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Connect as this database role [default: admin of a cluster, postgres of the course's own database, else PGUSER]
    #[arg(short = 'U', long = "username", value_name = "ROLE")]
    pub role: Option<String>,
    /// A cluster's endpoint, or the host of any PostgreSQL server [default: the course's database, or the cluster in PGHOST]
    #[arg(short = 'h', long = "host", value_name = "HOST")]
    pub host: Option<String>,
    /// The port [default: PGPORT, or 5432]
    #[arg(short = 'p', long, value_name = "PORT")]
    pub port: Option<u16>,
    /// The database, or the address of one: postgres://ROLE@HOST:5432/NAME. A cluster has one [default: postgres]
    #[arg(short = 'd', long = "dbname", value_name = "NAME|URL")]
    pub database: Option<String>,
    /// Run all of -c and -f as one transaction
    #[arg(short = '1', long)]
    pub single_transaction: bool,
    /// List the databases and exit
    #[arg(short = 'l', long)]
    pub list: bool,
    /// Set a variable, NAME=VALUE; repeatable
    #[arg(short = 'v', long = "set", alias = "variable", value_name = "NAME=VALUE")]
    pub variables: Vec<String>,
    /// Set a printing option, as \pset does; repeatable
    #[arg(short = 'P', long = "pset", value_name = "NAME=VALUE")]
    pub settings: Vec<String>,
    /// Unaligned output
    #[arg(short = 'A', long)]
    pub no_align: bool,
    /// The separator of fields, unaligned
    #[arg(short = 'F', long, value_name = "TEXT", allow_hyphen_values = true)]
    pub field_separator: Option<String>,
    /// The separator of records, unaligned
    #[arg(short = 'R', long, value_name = "TEXT", allow_hyphen_values = true)]
    pub record_separator: Option<String>,
    /// Fields end with a zero byte, unaligned
    #[arg(short = 'z', long)]
    pub field_separator_zero: bool,
    /// Records end with a zero byte, unaligned
    #[arg(short = '0', long)]
    pub record_separator_zero: bool,
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
    /// Show each line of the input
    #[arg(short = 'a', long)]
    pub echo_all: bool,
    /// Show each statement that is sent
    #[arg(short = 'e', long)]
    pub echo_queries: bool,
    /// Show statements that failed
    #[arg(short = 'b', long)]
    pub echo_errors: bool,
    /// Show the queries behind the backslash commands
    #[arg(short = 'E', long)]
    pub echo_hidden: bool,
    /// The end of a line ends a statement
    #[arg(short = 'S', long)]
    pub single_line: bool,
    /// As in psql; no start-up file is ever read
    #[arg(short = 'X', long)]
    pub no_psqlrc: bool,
    /// As in psql; a password is never asked for
    #[arg(short = 'w', long)]
    pub no_password: bool,
    /// Refused: a token is made for each connection
    #[arg(short = 'W', long, hide = true)]
    pub password: bool,
    /// Refused: -o, or a pipe to tee, keeps the output
    #[arg(short = 'L', long, value_name = "FILE", hide = true)]
    pub log_file: Option<PathBuf>,
    /// Refused: statements are not confirmed one by one
    #[arg(short = 's', long, hide = true)]
    pub single_step: bool,
    /// Refused: HTML is not among the formats
    #[arg(short = 'H', long, hide = true)]
    pub html: bool,
    /// Write output to a file
    #[arg(short = 'o', long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

impl Cli {
    /// Refuses options that the command would pass over in silence.
    ///
    /// # Errors
    /// When `--chapter` or `--check` stands before a command of its own.
    pub fn refuse(&self) -> Result<()> {
        let opens = self.command.is_none() && !self.check;
        let proves = matches!(self.command, Some(CliCommand::Prove { .. }));
        let reports = self.check || proves || matches!(self.command, Some(CliCommand::Lint { .. }));
        if !reports && !self.common.format.is_empty() {
            let does = if opens { "would open the course" } else { "reports nothing" };
            return Err(Problem::usage(format!("--format is how a run by itself reports, and this {does}"))
                .hint("add --check, or use `workshop prove`; the plain lines of a course are those of --plain"));
        }
        if !opens && self.common.record.is_some() {
            return Err(Problem::usage("--record records the screen, and this opens none")
                .hint("leave it out, or open the course with it"));
        }
        if self.command.is_none() || (self.chapter.is_none() || proves) && !self.check {
            return Ok(());
        }
        let flag = if self.check { "--check" } else { "--chapter" };
        Err(Problem::usage(format!("{flag} goes with no command")).hint(
            "leave the command out: `workshop --chapter 3` opens a chapter, `workshop --chapter 3 --check` proves it",
        ))
    }
}

impl SqlArgs {
    /// Returns `-c` and `-f` in the order they were written in, which the fields alone have lost.
    pub fn actions(&self, matches: &ArgMatches) -> Vec<ScriptAction> {
        let of = |id: &str| matches.indices_of(id).into_iter().flatten();
        let commands = of("commands").zip(self.commands.iter().cloned().map(ScriptAction::Command));
        let files = of("files").zip(self.files.iter().cloned().map(ScriptAction::File));
        let mut all: Vec<(usize, ScriptAction)> = commands.chain(files).collect();
        all.sort_by_key(|(index, _)| *index);
        let listed = self.list.then(|| ScriptAction::Command("\\l".to_owned()));
        all.into_iter().map(|(_, action)| action).chain(listed).collect()
    }

    /// Returns the variables to set: those that have a flag of their own, then `-v`.
    pub fn variables(&self) -> Vec<String> {
        let flags = [
            (self.echo_all, "ECHO=all"),
            (self.echo_queries, "ECHO=queries"),
            (self.echo_errors, "ECHO=errors"),
            (self.echo_hidden, "ECHO_HIDDEN=on"),
            (self.single_line, "SINGLELINE=on"),
        ];
        let flags = flags.iter().filter(|(on, _)| *on).map(|(_, set)| (*set).to_owned());
        flags.chain(self.variables.iter().cloned()).collect()
    }

    /// Returns the printing options to set: those that have a flag of their own, then `-P`.
    pub fn settings(&self) -> Vec<String> {
        let texts = [("fieldsep", &self.field_separator), ("recordsep", &self.record_separator)];
        let texts = texts.into_iter().filter_map(|(name, text)| Some(format!("{name}={}", text.as_ref()?)));
        let zeros = [(self.field_separator_zero, "fieldsep_zero"), (self.record_separator_zero, "recordsep_zero")];
        let zeros = zeros.iter().filter(|(on, _)| *on).map(|(_, set)| (*set).to_owned());
        texts.chain(zeros).chain(self.settings.iter().cloned()).collect()
    }

    /// Refuses what a flag of psql's asks for that there is not here.
    ///
    /// # Errors
    /// Says so, and what to do instead.
    pub fn refuse(&self) -> Result<()> {
        let no =
            |flag: &str, why: &str, hint: &str| Err(Problem::usage(format!("{flag} is not here: {why}")).hint(hint));
        match () {
            () if self.password => {
                no("-W", "no password is asked for", "a token is made for each connection by itself")
            }
            () if self.log_file.is_some() => {
                no("-L", "no second copy of the output is kept", "use -o FILE, or pipe the output to tee FILE")
            }
            () if self.single_step => {
                no("-s", "statements are not confirmed one by one", "leave it out and type them, or use -e to see them")
            }
            () if self.html => no("-H", "HTML is not among the formats", "use --csv, -A or the aligned format"),
            () if self.database.as_ref().is_some_and(|name| !name.contains("://") && name.contains(['=', '/'])) => {
                no("-d with a connection string", "an address is a URL", "use -d postgres://ROLE@HOST:5432/NAME")
            }
            () if self.single_transaction && self.commands.is_empty() && self.files.is_empty() => {
                no("-1 without -c or -f", "there is no end of what is typed", "type BEGIN and COMMIT, or use -f -")
            }
            () => Ok(()),
        }
    }
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
    fn a_report_of_what_reports_nothing_is_refused() {
        let refused = |args: &[&str]| Cli::parse_from(args).refuse().is_err();
        assert!(refused(&["workshop", "--plain", "--format", "junit:x.xml"]));
        assert!(refused(&["workshop", "course", "list", "--format", "json"]));
        assert!(refused(&["workshop", "--check", "--record", "x.cast"]));
        assert!(!refused(&["workshop", "--record", "x.cast"]));
        assert!(!refused(&["workshop", "--check", "--format", "junit:x.xml"]));
        assert!(!refused(&["workshop", "prove", "--format", "human"]));
    }

    #[test]
    fn the_main_job_reads_as_documented() {
        let cli =
            Cli::parse_from(["workshop", "--chapter", "3", "--check", "--format", "junit:x.xml", "--format", "human"]);
        assert_eq!((cli.chapter, cli.check, cli.common.format.len()), (Some(3), true, 2));
    }

    fn sql(line: &str) -> SqlArgs {
        match Cli::parse_from(["workshop", "sql"].into_iter().chain(line.split(' '))).command {
            Some(CliCommand::Sql(sql)) => *sql,
            _ => panic!("{line}"),
        }
    }

    #[test]
    fn psql_s_flags_mean_what_they_mean_there() {
        let args = sql("-XAtqeE -F ; -R / -d postgres -p 5433 -h host -U me -P null=x -v a=b -1 -c select");
        assert_eq!(args.variables(), ["ECHO=queries", "ECHO_HIDDEN=on", "a=b"]);
        assert_eq!(args.settings(), ["fieldsep=;", "recordsep=/", "null=x"]);
        assert_eq!((args.port, args.single_transaction, args.role.as_deref()), (Some(5433), true, Some("me")));
        assert!(args.refuse().is_ok());
        for refused in ["-W", "-L file", "-s", "-H", "-1", "-d host=h"] {
            let problem = sql(refused).refuse().unwrap_err().to_string();
            assert!(problem.starts_with(refused.split(' ').next().unwrap()), "{problem}");
        }
    }

    #[test]
    fn sql_commands_and_files_keep_their_order() {
        let matches = Cli::command().get_matches_from(["workshop", "sql", "-c", "a", "-f", "b.sql", "-c", "c"]);
        let cli = <Cli as clap::FromArgMatches>::from_arg_matches(&matches).unwrap();
        let Some(CliCommand::Sql(sql)) = cli.command else { panic!() };
        let (_, matches) = matches.subcommand().unwrap();
        let command = |text: &str| ScriptAction::Command(text.into());
        assert_eq!(sql.actions(matches), [command("a"), ScriptAction::File("b.sql".into()), command("c")]);
    }
}
