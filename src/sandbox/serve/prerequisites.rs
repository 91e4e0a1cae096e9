//! What a sandbox needs of the machine: ports, Node.js, and the region that its state has.

use std::fs;
use std::io;

use tokio::net::TcpListener;

use crate::state::{SandboxPaths, path_problem};
use workshop_base::problem::{Problem, Result};
use workshop_base::process::is_missing;

const REGION: &str = "us-east-1";
/// The oldest Node.js that runs the course.
const OLDEST_NODE: u64 = 20;

/// The installed Node.js, which functions and the CDK need.
///
/// # Errors
/// When there is none, or it is older than the course needs.
pub(super) async fn node_version() -> Result<String> {
    let install = "install Node.js 20 or newer, with npm, from https://nodejs.org";
    let output = tokio::process::Command::new("node").arg("--version").output().await;
    let output = output.map_err(|error| match is_missing("node".as_ref(), &error) {
        true => Problem::environment("Node.js was not found on PATH").hint(install),
        false => Problem::environment(format!("Node.js cannot be run: {error}")).hint(install),
    })?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_string();
    let major = version.trim_start_matches('v').split('.').next().and_then(|major| major.parse::<u64>().ok());
    match major {
        Some(major) if major >= OLDEST_NODE => Ok(version),
        Some(_) => Err(Problem::environment(format!("Node.js {version} is too old")).hint(install)),
        None => Err(Problem::environment("`node --version` did not answer").hint(install)),
    }
}

/// The region of the state, which stays what it was first.
///
/// # Errors
/// When the state has another region, or `wanted` is none.
pub(super) fn region(places: &SandboxPaths, wanted: Option<&str>) -> Result<String> {
    let file = places.state.join("region");
    // A link there is not ours, and is replaced.
    match (fs::read_to_string(&file).ok().filter(|_| !file.is_symlink()), wanted) {
        (Some(given), Some(wanted)) if given.trim() != wanted => {
            Err(Problem::usage(format!("this sandbox is in {}, not in {wanted}", given.trim()))
                .hint("leave --region out, or start anew with `workshop sandbox reset`"))
        }
        (Some(given), _) => Ok(given.trim().to_string()),
        (None, wanted) => {
            let region = wanted.unwrap_or(REGION).to_string();
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            if region.is_empty() || !region.chars().all(plain) {
                return Err(Problem::usage(format!("`{region}` is no region")).hint("write it like us-east-1"));
            }
            workshop_base::files::replace(&file, region.as_bytes()).map_err(|error| path_problem(&file, &error))?;
            Ok(region)
        }
    }
}

/// Listens on a port of loopback; 0 is any.
///
/// # Errors
/// When the port is taken or not for ordinary programs.
pub(super) async fn bind(port: u16) -> io::Result<TcpListener> {
    TcpListener::bind(("127.0.0.1", port)).await
}

/// Listens on `last` if it is free, else on any port.
///
/// # Errors
/// When there is no free port at all.
pub(super) async fn bind_or_any(last: u16) -> Result<TcpListener> {
    match bind(last).await {
        Ok(listener) => Ok(listener),
        Err(_) => bind(0).await.map_err(|error| port_problem(0, &error)),
    }
}

/// Returns the port that is listened on.
///
/// # Errors
/// When the socket is gone.
pub(super) fn port_of(listener: &TcpListener) -> Result<u16> {
    listener.local_addr().map(|address| address.port()).map_err(|error| port_problem(0, &error))
}

/// Says why a port cannot be listened on, and what to do.
pub(super) fn port_problem(port: u16, error: &io::Error) -> Problem {
    match error.kind() {
        io::ErrorKind::AddrInUse => Problem::environment(format!("port {port} is taken"))
            .hint("stop what listens there, or leave --port out to get a free one"),
        io::ErrorKind::PermissionDenied => Problem::environment(format!("port {port} is not for ordinary programs"))
            .hint("use a port above 1023, or leave --port out"),
        _ => Problem::environment(format!("127.0.0.1:{port} cannot be listened on: {error}")).hint("try again"),
    }
}
