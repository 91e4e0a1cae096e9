//! What clients and a sandbox say to each other, and the command line that one is started with.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::progress::StartProgress;
use crate::state::SandboxKind;
use workshop_base::problem::Problem;
use workshop_dsql::conditions::SandboxConditions;

/// Asks something of a running sandbox: one JSON line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ControlRequest {
    /// Stay as long as this connection does; answers progress, then `Ready`.
    Hold,
    /// Stay until told to stop; answers like `Hold`, and ends.
    Keep {
        port: Option<u16>,
        #[serde(default)]
        database_port: Option<u16>,
    },
    /// Answers nothing: the connection ends with the process.
    Stop,
    Status,
    Env,
    /// Milliseconds to move the clock by.
    Advance(i64),
    /// Milliseconds ahead of the machine's clock.
    SetClock(i64),
    /// Puts the sandbox under conditions for as long as the connection lasts; answers `Done`, and ends.
    Simulate(SandboxConditions),
    Save(String),
    Restore(String),
    /// Delete all that it holds, and go on.
    Clear,
}

/// Answers a request: one JSON line each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ControlReply {
    Progress(StartProgress),
    Ready(BTreeMap<String, String>),
    Status(Box<SandboxStatus>),
    /// The clock's offset in milliseconds.
    Clock(i64),
    Done,
    /// The request is refused.
    Problem(Problem),
    /// The start failed; the process is about to end.
    Failed(Problem),
}

/// The first line on a starting sandbox's stdout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StartupReport {
    /// The control socket takes connections.
    Up,
    /// Another one of this directory is up already.
    Taken,
    Problem(Problem),
}

/// Describes a running sandbox. It holds no secrets.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SandboxStatus {
    pub pid: u32,
    /// RFC 3339, by the machine's clock.
    pub started: String,
    /// Of this program.
    pub version: String,
    pub endpoint: String,
    pub dsql_port: u16,
    pub region: String,
    pub account: String,
    pub postgres: String,
    pub node: String,
    /// The certificate authority.
    pub ca: PathBuf,
    /// The socket to connect to, to direct it.
    pub control: PathBuf,
    #[serde(default)]
    pub clusters: Vec<String>,
    /// Connections that keep it running.
    #[serde(default)]
    pub users: usize,
    /// Started by hand: stays without users.
    #[serde(default)]
    pub kept: bool,
    /// Milliseconds that its clock is ahead of the machine's.
    #[serde(default)]
    pub clock_offset_ms: i64,
    #[serde(default)]
    pub saved: Vec<String>,
    /// What of its state could not be read when it started, why, and where that is kept.
    #[serde(default)]
    pub unreadable: Option<String>,
}

/// Says which program is started, and how, by [`ensure`](super::ensure) and [`start`](super::start).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SandboxOptions {
    /// This program, which is started again as the sandbox: `std::env::current_exe`.
    pub exe: PathBuf,
    /// Shared by all sandboxes: [`cache_dir`](crate::state::cache_dir).
    pub cache: PathBuf,
    /// None: the one that the state has, else `us-east-1`.
    pub region: Option<String>,
    /// For AWS calls. None: the last one if it is free, else any.
    pub port: Option<u16>,
    /// For the database. None: the last one, or 5432, if it is free, else any.
    pub database_port: Option<u16>,
    pub kind: SandboxKind,
    /// It gets the processor when nobody else wants it. It stays so: no process may take back what it gave up.
    pub background: bool,
}

/// Says how one sandbox process is to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RunArguments {
    pub workdir: PathBuf,
    pub options: SandboxOptions,
    /// Stay without users from the first: one that runs in somebody's foreground.
    pub keep: bool,
}

/// The first argument of a process that is to become a sandbox.
pub const ARGUMENT: &str = "__sandbox";

impl RunArguments {
    /// Returns the arguments after [`ARGUMENT`].
    pub fn to_args(&self) -> Vec<OsString> {
        let mut args = vec![self.workdir.clone().into(), self.options.cache.clone().into()];
        if self.options.kind == SandboxKind::Database {
            args.push("--database".into());
        }
        if let Some(region) = &self.options.region {
            args.extend(["--region".into(), region.into()]);
        }
        for (name, port) in [("--port", self.options.port), ("--database-port", self.options.database_port)] {
            args.extend(port.map(|port| [name.into(), port.to_string().into()]).into_iter().flatten());
        }
        args
    }

    /// Reads them back; `exe` is this program. None when they are not what [`RunArguments::to_args`] wrote.
    pub fn parse(exe: PathBuf, args: impl IntoIterator<Item = OsString>) -> Option<RunArguments> {
        let mut args = args.into_iter();
        let (workdir, cache) = (args.next()?.into(), args.next()?.into());
        let options = SandboxOptions {
            exe,
            cache,
            region: None,
            port: None,
            database_port: None,
            kind: SandboxKind::Cloud,
            background: false,
        };
        let mut run = RunArguments { workdir, options, keep: false };
        while let Some(name) = args.next() {
            match name.to_str()? {
                "--database" => run.options.kind = SandboxKind::Database,
                "--region" => run.options.region = Some(args.next()?.into_string().ok()?),
                "--port" => run.options.port = Some(args.next()?.to_str()?.parse().ok()?),
                "--database-port" => run.options.database_port = Some(args.next()?.to_str()?.parse().ok()?),
                _ => return None,
            }
        }
        Some(run)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_survives_the_command_line() {
        let options = SandboxOptions {
            exe: "/x".into(),
            cache: "/c d".into(),
            region: Some("eu-west-1".into()),
            port: Some(8080),
            database_port: Some(5433),
            kind: SandboxKind::Database,
            background: false,
        };
        for options in [
            options.clone(),
            SandboxOptions { region: None, port: None, database_port: None, kind: SandboxKind::Cloud, ..options },
        ] {
            let run = RunArguments { workdir: "/w".into(), options, keep: false };
            assert_eq!(RunArguments::parse("/x".into(), run.to_args()), Some(run));
        }
        assert_eq!(RunArguments::parse("/x".into(), ["/w", "/c", "--port"].map(OsString::from)), None);
    }

    #[test]
    fn requests_and_replies_survive_the_wire() {
        for request in [
            ControlRequest::Hold,
            ControlRequest::Keep { port: Some(1), database_port: None },
            ControlRequest::Save("x".into()),
        ] {
            let line = serde_json::to_string(&request).expect("written");
            assert_eq!(serde_json::from_str::<ControlRequest>(&line).expect("read"), request);
        }
        let reply = ControlReply::Problem(Problem::usage("no").hint("yes"));
        let line = serde_json::to_string(&reply).expect("written");
        assert!(!line.contains('\n'));
        assert_eq!(serde_json::from_str::<ControlReply>(&line).expect("read"), reply);
    }
}
