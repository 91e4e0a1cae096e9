//! What a child process of the sandbox runs before it becomes PostgreSQL or Node: `workshop __child`.
//!
//! A child must never outlive the sandbox, not even when that is killed with `kill -9`. Linux can tie a
//! process to its parent, but the tie is lost when the user id changes and must be made by the child
//! itself; between `fork` and `exec` safe Rust runs nothing. So the sandbox starts this program again,
//! which drops its privileges, ties itself, and then becomes the program wanted. Where there is no such
//! tie (macOS) it stays as a guardian that watches a pipe held open by the sandbox.
//!
//! Invariant: it prints nothing of its own except why it could not start the program.

use std::ffi::OsString;
use std::io::Read;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Command, ExitCode, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::sweep;

/// The first argument of a process that is to become a child.
pub const ARGUMENT: &str = "__child";
/// The argument that makes a sweeper instead of a child: see [`crate::sweep`].
pub(super) const SWEEP: &str = "--sweep";
/// Exit code when the program could not be started, as shells have it.
const CANNOT_RUN: u8 = 127;

/// Says how a child is to be run; made into arguments by the parent and parsed back here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ChildPlan {
    /// Numeric user and group to become first.
    pub user: Option<(u32, u32)>,
    /// The signal that the death of the parent sends.
    pub signal: DeathSignal,
    /// Process id of the sandbox.
    pub parent: u32,
    /// Watch a pipe on stdin instead of asking the kernel for the tie.
    pub guard: bool,
    pub program: OsString,
    pub args: Vec<OsString>,
}

/// Names the signal that the death of the sandbox sends to a child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeathSignal {
    /// PostgreSQL's immediate shutdown: its own children go, shared memory is released.
    Quit,
    Kill,
}

impl DeathSignal {
    fn name(self) -> &'static str {
        match self {
            DeathSignal::Quit => "quit",
            DeathSignal::Kill => "kill",
        }
    }

    fn signal(self) -> Signal {
        match self {
            DeathSignal::Quit => Signal::QUIT,
            DeathSignal::Kill => Signal::KILL,
        }
    }
}

impl ChildPlan {
    /// The arguments after `__child`.
    pub fn to_args(&self) -> Vec<OsString> {
        let mut out: Vec<OsString> = Vec::with_capacity(self.args.len() + 8);
        if let Some((uid, gid)) = self.user {
            out.extend(["--user".into(), format!("{uid}:{gid}").into()]);
        }
        out.extend(["--signal".into(), self.signal.name().into()]);
        out.extend(["--parent".into(), self.parent.to_string().into()]);
        if self.guard {
            out.push("--guard".into());
        }
        out.push("--".into());
        out.push(self.program.clone());
        out.extend(self.args.iter().cloned());
        out
    }

    fn parse(args: impl IntoIterator<Item = OsString>) -> Option<ChildPlan> {
        let mut args = args.into_iter();
        let mut plan = ChildPlan {
            user: None,
            signal: DeathSignal::Kill,
            parent: 0,
            guard: false,
            program: OsString::new(),
            args: Vec::new(),
        };
        loop {
            match args.next()?.to_str()? {
                "--user" => {
                    let value = args.next()?;
                    let (uid, gid) = value.to_str()?.split_once(':')?;
                    plan.user = Some((uid.parse().ok()?, gid.parse().ok()?));
                }
                "--signal" => {
                    plan.signal = match args.next()?.to_str()? {
                        "quit" => DeathSignal::Quit,
                        "kill" => DeathSignal::Kill,
                        _ => return None,
                    };
                }
                "--parent" => plan.parent = args.next()?.to_str()?.parse().ok()?,
                "--guard" => plan.guard = true,
                "--" => break,
                _ => return None,
            }
        }
        plan.program = args.next()?;
        plan.args = args.collect();
        Some(plan)
    }
}

/// Runs `workshop __child …`; `args` are those after `__child`. Returns only when the program could
/// not be started, or as its guardian with its exit code.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut args = args.into_iter().peekable();
    if args.next_if(|first| first == SWEEP).is_some() {
        return sweep::main(args);
    }
    let Some(plan) = ChildPlan::parse(args) else {
        eprintln!("__child is for the sandbox's own use");
        return ExitCode::from(2);
    };
    let error = match plan {
        ChildPlan { user: Some(user), .. } => become_user(plan, user),
        ChildPlan { guard: true, .. } => return guard(plan),
        plan => tie_and_exec(plan),
    };
    eprintln!("{error}");
    ExitCode::from(CANNOT_RUN)
}

/// Starts this program once more as another user. Through the kernel's own link to it: the new user
/// may not be able to enter the directory that it lies in.
fn become_user(plan: ChildPlan, (uid, gid): (u32, u32)) -> std::io::Error {
    let this = if cfg!(target_os = "linux") {
        "/proc/self/exe".into()
    } else {
        match std::env::current_exe() {
            Ok(path) => path,
            Err(error) => return error,
        }
    };
    let rest = ChildPlan { user: None, ..plan };
    Command::new(this).arg(ARGUMENT).args(rest.to_args()).uid(uid).gid(gid).exec()
}

#[cfg(target_os = "linux")]
fn tie_and_exec(plan: ChildPlan) -> std::io::Error {
    if let Err(error) = rustix::process::set_parent_process_death_signal(Some(plan.signal.signal())) {
        return error.into();
    }
    // The parent may have died before the tie was made.
    if rustix::process::getppid().map(|pid| pid.as_raw_nonzero().get().unsigned_abs()) != Some(plan.parent) {
        return std::io::Error::other("the sandbox is gone");
    }
    // A crashing function must not fill the disk with core files.
    let none = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
    if let Err(error) = rustix::process::setrlimit(rustix::process::Resource::Core, none) {
        return error.into();
    }
    Command::new(&plan.program).args(&plan.args).exec()
}

#[cfg(not(target_os = "linux"))]
fn tie_and_exec(plan: ChildPlan) -> std::io::Error {
    Command::new(&plan.program).args(&plan.args).exec()
}

/// Runs the program as a child and stays: end of file on stdin is the sandbox's death.
fn guard(plan: ChildPlan) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(CANNOT_RUN);
        }
    };
    let code = runtime.block_on(async {
        use tokio::signal::unix::{SignalKind, signal};
        let forwarded = [
            (SignalKind::terminate(), Signal::TERM),
            (SignalKind::interrupt(), Signal::INT),
            (SignalKind::quit(), Signal::QUIT),
        ];
        let (send, mut received) = tokio::sync::mpsc::unbounded_channel();
        for (kind, name) in forwarded {
            let Ok(mut stream) = signal(kind) else { continue };
            let send = send.clone();
            tokio::spawn(async move { while stream.recv().await.is_some() && send.send(name).is_ok() {} });
        }
        let death = plan.signal.signal();
        // A plain thread: a blocked read of stdin must not keep the runtime from ending.
        std::thread::spawn(move || {
            let mut sink = [0_u8; 64];
            let mut stdin = std::io::stdin();
            while matches!(stdin.read(&mut sink), Ok(read) if read > 0) {}
            let _ = send.send(death);
        });
        let mut child = match tokio::process::Command::new(&plan.program).args(&plan.args).stdin(Stdio::null()).spawn()
        {
            Ok(child) => child,
            Err(error) => {
                eprintln!("{error}");
                return CANNOT_RUN;
            }
        };
        loop {
            tokio::select! {
                status = child.wait() => return match status {
                    Ok(status) => exit_code(status),
                    Err(_) => CANNOT_RUN,
                },
                Some(name) = received.recv() => {
                    if let Some(pid) = child.id().and_then(|pid| Pid::from_raw(pid.cast_signed())) {
                        let _ = kill_process(pid, name);
                    }
                }
            }
        }
    });
    runtime.shutdown_background();
    ExitCode::from(code)
}

fn exit_code(status: std::process::ExitStatus) -> u8 {
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    u8::try_from(code).unwrap_or(CANNOT_RUN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_survives_the_command_line() {
        let plan = ChildPlan {
            user: Some((101, 104)),
            signal: DeathSignal::Quit,
            parent: 4711,
            guard: true,
            program: "/bin/echo".into(),
            args: vec!["--user".into(), "-- --".into()],
        };
        assert_eq!(ChildPlan::parse(plan.to_args()), Some(plan));
    }

    #[test]
    fn anything_else_is_refused() {
        for args in [vec![], vec!["--"], vec!["--signal", "hup", "--", "x"], vec!["--user", "root", "--", "x"]] {
            assert_eq!(ChildPlan::parse(args.iter().map(OsString::from)), None, "{args:?}");
        }
    }
}
