//! From the arguments to the command that they name, and from its end to an exit code.

use std::process::ExitCode;

use clap::builder::{OsStr, Resettable};
use clap::{Arg, ArgMatches, CommandFactory as _, FromArgMatches as _};
use clap_mangen::Man;

use super::args::{Cli, CliCommand};
use super::output::{colors_stderr, complain};
use super::proof::{self, RunRequest};
use super::shipped::ShippedFile;
use super::{
    begin_again, checkpoint, course, doctor, library, places, propagate, rehearse, sandbox, scaffold, screen, shipped,
    sql, teardown,
};
use workshop_base::problem::{Problem, Result};

/// Runs the program with its command line, and returns its exit code. `course` is the course that it ships: paths below
/// `lessons/` and `snapshots/`.
pub fn main(course: &'static [ShippedFile]) -> ExitCode {
    // The sandbox's own processes: not for people, and their arguments are not the command line's.
    let mut args = std::env::args_os().skip(1);
    match args.next().as_deref().and_then(std::ffi::OsStr::to_str) {
        Some(workshop_sandbox::child::ARGUMENT) => return workshop_sandbox::child::main(args),
        Some(workshop_sandbox::serve::ARGUMENT) => return workshop_sandbox::serve::detached(args),
        _ => {}
    }
    shipped::register(course);
    let matches = command().get_matches();
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => error.exit(),
    };
    let color = colors_stderr(cli.common.color);
    match run(cli, &matches) {
        Ok(code) => ExitCode::from(code),
        Err(problem) => {
            complain(&problem, color);
            ExitCode::from(problem.kind.exit_code())
        }
    }
}

/// The command line as it is read. A variable that is empty is not set, as everywhere: a build server gives those that nobody has
/// filled in.
fn command() -> clap::Command {
    let is_empty = |arg: &Arg| arg.get_env().and_then(std::env::var_os).is_some_and(|value| value.is_empty());
    Cli::command().mut_args(|arg| if is_empty(&arg) { arg.env(Resettable::<OsStr>::Reset) } else { arg })
}

fn run(cli: Cli, matches: &ArgMatches) -> Result<u8> {
    cli.refuse()?;
    let opens = cli.command.is_none() && !cli.check;
    let common = &match &cli.command {
        Some(
            CliCommand::Schema
            | CliCommand::New { .. }
            | CliCommand::Completions { .. }
            | CliCommand::Man
            | CliCommand::Course { .. },
        ) => cli.common,
        Some(_) | None => places::chosen(cli.common, opens)?,
    };
    match cli.command {
        None if cli.check => proof::run(common, RunRequest::Check(cli.chapter), cli.fresh),
        None => screen::run(common, cli.chapter),
        Some(CliCommand::Lint { synth }) => course::lint(common, synth),
        Some(CliCommand::Schema) => course::schema(),
        Some(CliCommand::New { dir, title, cloud }) => scaffold::run(&dir, title.as_deref(), cloud),
        Some(CliCommand::Rehearse { write }) => rehearse::run(common, write),
        Some(CliCommand::BeginAgain { chapter, edits }) => begin_again::run(common, chapter.or(cli.chapter), edits),
        Some(CliCommand::Diff { from, to }) => course::diff(common, &from, &to),
        Some(CliCommand::Propagate { chapter, old, edit }) => propagate::run(common, &chapter, old.as_deref(), edit),
        Some(CliCommand::Prove { chapter, fresh }) => {
            proof::run(common, RunRequest::Prove(chapter.or(cli.chapter)), fresh)
        }
        Some(CliCommand::Course { command }) => library::run(&command),
        Some(CliCommand::Checkpoint { command }) => checkpoint::run(common, command),
        Some(CliCommand::Sandbox { command }) => sandbox::run(common, command),
        Some(CliCommand::Sql(args)) => {
            let actions = matches.subcommand().map(|(_, m)| args.actions(m)).unwrap_or_default();
            sql::run(common, *args, actions)
        }
        Some(CliCommand::Teardown) => teardown::run(common),
        Some(CliCommand::Doctor) => doctor::run(common),
        Some(CliCommand::Notes) => screen::notes(common),
        Some(CliCommand::Completions { shell }) => completions(shell),
        Some(CliCommand::Man) => manual(),
    }
}

/// Writes the script by which a shell completes the command line.
fn completions(shell: clap_complete::Shell) -> Result<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "workshop", &mut script);
    super::output::say(&String::from_utf8_lossy(&script))?;
    Ok(0)
}

/// Writes the manual page: the program's, then each command's as a section of it.
fn manual() -> Result<u8> {
    let page = manual_page().map_err(|e| Problem::environment(format!("the manual page cannot be made: {e}")))?;
    super::output::say(&page)?;
    Ok(0)
}

fn manual_page() -> std::io::Result<String> {
    let mut command = Cli::command();
    command.build();
    let mut page = Vec::new();
    let program = Man::new(command.clone());
    program.render_title(&mut page)?;
    program.render_name_section(&mut page)?;
    program.render_synopsis_section(&mut page)?;
    program.render_description_section(&mut page)?;
    program.render_options_section(&mut page)?;
    program.render_subcommands_section(&mut page)?;
    for command in command.get_subcommands() {
        command_section(command, &mut page)?;
    }
    program.render_extra_section(&mut page)?;
    program.render_version_section(&mut page)?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

/// Writes what is a command's own, and its commands after it: the options that every command understands stand with the program.
fn command_section(command: &clap::Command, page: &mut Vec<u8>) -> std::io::Result<()> {
    if command.is_hide_set() || command.get_name() == "help" {
        return Ok(());
    }
    let own = command.clone().mut_args(|arg| if arg.is_global_set() { arg.hide(true) } else { arg });
    let (man, mut section) = (Man::new(own), Vec::new());
    man.render_synopsis_section(&mut section)?;
    man.render_description_section(&mut section)?;
    man.render_options_section(&mut section)?;
    let name = command.get_bin_name().unwrap_or(command.get_name()).to_uppercase();
    page.extend(format!(".SH \"{name}\"\n").bytes());
    let section = String::from_utf8_lossy(&section).into_owned();
    page.extend(section.lines().flat_map(|line| format!("{}\n", line.replacen(".SH ", ".SS ", 1)).into_bytes()));
    command.get_subcommands().try_for_each(|command| command_section(command, page))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manual_has_each_command_with_its_own_options() {
        let page = manual_page().unwrap();
        let section = |name: &str| {
            let (_, rest) = page.split_once(&format!(".SH \"{name}\"\n")).unwrap_or_else(|| panic!("{name}"));
            rest.split(".SH ").next().unwrap_or_default().to_owned()
        };
        assert!(section("WORKSHOP SANDBOX START").contains("database\\-port"));
        assert!(section("WORKSHOP BEGIN-AGAIN").contains("\\-\\-edits"));
        assert!(!section("WORKSHOP BEGIN-AGAIN").contains("profile"), "what every command has stands once");
        assert!(!page.contains("WORKSHOP SANDBOX SERVE") && page.contains("Exit codes: 0 all passed"));
    }
}
