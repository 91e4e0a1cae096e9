//! The control socket as a client sees it: JSON lines there and back.

use std::time::Duration;

use rustix::process::Pid;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};

use super::protocol::{ControlReply, ControlRequest};
use crate::state::SandboxPaths;
use workshop_base::problem::{Problem, Result};

/// Time that a process is waited for whose socket has closed.
const LAST_MOMENT: Duration = Duration::from_secs(5);

/// Says if a process runs. One that has ended and that nobody has waited for does not.
fn lives(process: Pid) -> bool {
    let path = format!("/proc/{}/stat", process.as_raw_nonzero());
    // "1234 (workshop) Z 1 …": the name may hold anything, also a parenthesis.
    let ended = std::fs::read_to_string(path)
        .is_ok_and(|stat| stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('Z')));
    !ended && rustix::process::test_kill_process(process).is_ok()
}

/// JSON lines over the control socket, seen from the client.
#[derive(Debug)]
pub(crate) struct ControlConnection {
    lines: Lines<BufReader<OwnedReadHalf>>,
    writer: OwnedWriteHalf,
}

impl ControlConnection {
    /// Connects to the sandbox of these places; None when nobody listens there.
    pub async fn open(places: &SandboxPaths) -> Option<ControlConnection> {
        // One whose state was deleted under it may still answer, and is of no use.
        if !places.lock().exists() {
            return None;
        }
        ControlConnection::open_any(places).await
    }

    /// Connects also to one whose state is gone.
    pub async fn open_any(places: &SandboxPaths) -> Option<ControlConnection> {
        let stream = match UnixStream::connect(places.control_socket()).await {
            Ok(stream) => stream,
            // It may have been started where temporary files lie elsewhere.
            Err(_) => UnixStream::connect(places.noted()?.control_socket()).await.ok()?,
        };
        let (reader, writer) = stream.into_split();
        Some(ControlConnection { lines: BufReader::new(reader).lines(), writer })
    }

    /// Sends one request. One that is going away is noticed by its silence.
    pub async fn send(&mut self, request: &ControlRequest) {
        let mut line = serde_json::to_vec(request).expect("a request is plain data");
        line.push(b'\n');
        let _ = self.writer.write_all(&line).await;
    }

    /// Returns the next answer; None when the sandbox has hung up.
    ///
    /// # Errors
    /// When it answers what this version does not know.
    pub async fn receive(&mut self) -> Result<Option<ControlReply>> {
        match self.lines.next_line().await {
            Ok(Some(line)) => serde_json::from_str(&line).map(Some).map_err(|_| unexpected(&ControlReply::Done)),
            Ok(None) | Err(_) => Ok(None),
        }
    }

    /// Asks it to stop and waits until its process is gone.
    pub async fn stop(mut self) {
        let stream: &UnixStream = self.writer.as_ref();
        let process = stream.peer_cred().ok().and_then(|peer| Pid::from_raw(peer.pid()?));
        let process = process.filter(|process| *process != rustix::process::getpid());
        self.send(&ControlRequest::Stop).await;
        while let Ok(Some(_)) = self.receive().await {}
        // The socket closes a moment before its process has ended.
        let deadline = tokio::time::Instant::now() + LAST_MOMENT;
        while process.is_some_and(lives) && tokio::time::Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// Says that nothing more is asked, and returns when the sandbox has hung up in turn.
    pub async fn hang_up(mut self) {
        let _ = self.writer.shutdown().await;
        while let Ok(Some(_)) = self.receive().await {}
    }

    /// Sends a request and returns its answer.
    ///
    /// # Errors
    /// When the sandbox refuses it, is of another version, or hangs up.
    pub async fn ask(&mut self, request: &ControlRequest) -> Result<ControlReply> {
        self.send(request).await;
        match self.receive().await? {
            Some(ControlReply::Problem(problem)) => Err(problem),
            Some(reply) => Ok(reply),
            None => Err(Problem::environment("the sandbox is stopping").hint("try again")),
        }
    }
}

/// Returns the problem in an answer, or the problem that this answer is.
pub(super) fn unexpected(reply: &ControlReply) -> Problem {
    match reply {
        ControlReply::Problem(problem) | ControlReply::Failed(problem) => problem.clone(),
        _ => Problem::environment("the sandbox is of another version").hint("stop it with `workshop sandbox stop`"),
    }
}
