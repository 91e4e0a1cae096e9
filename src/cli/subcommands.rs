//! The commands that have commands of their own: installed courses, checkpoints, the sandbox.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub enum LibraryCommand {
    /// Fetch, unpack or copy a course; again for the newest of an address
    Install {
        /// An address that git fetches from (#TAG for a tag or branch), a .tar.gz or .zip file, or a directory
        #[arg(value_name = "URL|FILE|DIR")]
        source: String,
    },
    /// Show which there are: where from, which commit, which content
    List,
    /// Remove one
    Remove {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub enum CheckpointCommand {
    /// Show which there are, and whether they are of use here
    List,
    /// Write those of this course into a file, for another machine: a build server's next job, say
    Save {
        /// A .tar.gz file
        #[arg(value_name = "FILE")]
        file: PathBuf,
        /// Only the state after this chapter
        #[arg(long = "chapter", id = "kept", value_name = "N")]
        chapter: Option<u32>,
    },
    /// Take those from a file that `save` has written
    Restore {
        /// A .tar.gz file
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Remove all of them: the next run walks from the beginning
    Remove,
}

#[derive(Debug, Subcommand)]
pub enum SandboxCommand {
    /// Start it, and wait until it is ready
    Start {
        /// Listen on this port for AWS calls instead of a free one
        #[arg(long, value_name = "PORT")]
        port: Option<u16>,
        /// Listen on this port for the database instead of 5432 or a free one
        #[arg(long, value_name = "PORT")]
        database_port: Option<u16>,
    },
    /// Stop it; what it holds is kept
    Stop,
    /// Whether it runs, since when, and what it holds
    Status,
    /// Exports for your shell, so that your own psql, npx cdk, aws and node programs reach it
    Env {
        /// Whose language to write them in
        #[arg(long, value_enum, value_name = "SHELL", default_value = "posix")]
        shell: ExportSyntax,
        /// Lines for /etc/hosts instead: for clients that look up the cluster's name themselves, as asyncpg does
        #[arg(long, conflicts_with = "shell")]
        hosts: bool,
    },
    /// Stop it and delete all it holds
    Reset,
    /// Save its whole state under a name
    Save {
        /// Letters, digits, dots, dashes and underscores; what is saved under it is replaced
        name: String,
    },
    /// Bring back a saved state
    Restore {
        /// One that `workshop sandbox status` lists
        name: String,
    },
    /// Move its clock, as in +16m, so that tokens expire now; 0 sets it right again
    Clock {
        /// How far: +16m, -90s, +1h30m, +2d; 0 for the machine's own time
        #[arg(allow_hyphen_values = true)]
        by: String,
    },
    /// The process itself
    #[command(hide = true)]
    Serve,
}

/// A language that exports are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportSyntax {
    Posix,
    Fish,
    Powershell,
    Json,
}

/// The side whose lines stay where a learner's own meet the course's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EditsChoice {
    Own,
    Course,
}

/// Reads a chapter's number, `3`, also as its files are called, `ch03`.
pub fn chapter_number(text: &str) -> std::result::Result<u32, String> {
    let digits = text.strip_prefix("ch").unwrap_or(text);
    digits.parse().map_err(|_| "a chapter is a number from 0 on, such as 3 or ch03".to_owned())
}
