//! The control socket: JSON lines with each client, and the count of those who use the sandbox.

use std::sync::Arc;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;

use super::daemon::{Daemon, StartPhase, Users};
use crate::control::protocol::{ControlReply, ControlRequest};
use workshop_base::problem::Problem;

/// The pause after a client that could not be taken.
const AGAIN: std::time::Duration = std::time::Duration::from_millis(100);

/// Serves the clients of the control socket until it is dropped.
pub(super) async fn accept(listener: UnixListener, daemon: Arc<Daemon>) {
    loop {
        match listener.accept().await {
            // Ends with its client, or with the process: a client sees the end in its connection's.
            Ok((stream, _)) => drop(tokio::spawn(connection(stream, daemon.clone()))),
            // Without descriptors, say: who waits is taken when there are some again.
            Err(error) => {
                tracing::warn!(%error, "a client could not be taken");
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}

/// Serves one client until it hangs up.
pub(super) async fn connection(stream: UnixStream, daemon: Arc<Daemon>) {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let reply = match serde_json::from_str(&line) {
            Ok(ControlRequest::Hold) => {
                let _user = User::new(&daemon);
                if until_ready_or_closed(&daemon, &mut writer, &mut lines).await {
                    until_closed(&mut lines).await;
                }
                return;
            }
            Ok(ControlRequest::Keep { port, database_port }) => {
                let _user = User::new(&daemon);
                if let Err(problem) = daemon.same_ports(port, database_port).await {
                    let _ = send(&mut writer, &ControlReply::Problem(problem)).await;
                } else if until_ready_or_closed(&daemon, &mut writer, &mut lines).await {
                    // Not before: who interrupts a start wants nothing to stay.
                    daemon.users.send_modify(|users| users.kept = true);
                }
                return;
            }
            Ok(ControlRequest::Simulate(conditions)) => {
                match daemon.simulate(&conditions).await {
                    Ok(_held) if send(&mut writer, &ControlReply::Done).await => until_closed(&mut lines).await,
                    Ok(_) => {}
                    Err(problem) => _ = send(&mut writer, &ControlReply::Problem(problem)).await,
                }
                return;
            }
            Ok(ControlRequest::Stop) => {
                daemon.stop.cancel();
                std::future::pending().await
            }
            Ok(request) => daemon.answer(request).await.unwrap_or_else(ControlReply::Problem),
            Err(error) => ControlReply::Problem(Problem::usage(format!("the sandbox does not understand: {error}"))),
        };
        if !send(&mut writer, &reply).await {
            return;
        }
    }
}

/// Counts one user for as long as it lives.
struct User {
    users: watch::Sender<Users>,
}

impl User {
    fn new(daemon: &Daemon) -> User {
        daemon.users.send_modify(|users| {
            users.now += 1;
            users.any = true;
        });
        User { users: daemon.users.clone() }
    }
}

impl Drop for User {
    fn drop(&mut self) {
        self.users.send_modify(|users| users.now -= 1);
    }
}

/// Passes progress on until the start is over; false when it failed or the client went away.
async fn until_ready(daemon: &Daemon, writer: &mut OwnedWriteHalf) -> bool {
    let mut phase = daemon.phase.subscribe();
    loop {
        let now = phase.borrow_and_update().clone();
        let (reply, over) = match now {
            StartPhase::Starting(None) => (None, None),
            StartPhase::Starting(Some(step)) => (Some(ControlReply::Progress(step)), None),
            StartPhase::Ready(variables) => (Some(ControlReply::Ready(variables)), Some(true)),
            StartPhase::Failed(problem) => (Some(ControlReply::Failed(problem)), Some(false)),
        };
        if let Some(reply) = reply
            && !send(writer, &reply).await
        {
            return false;
        }
        if let Some(over) = over {
            return over;
        }
        if phase.changed().await.is_err() {
            return false;
        }
    }
}

/// The same, and false as soon as the client goes away, which is when a person has interrupted it.
async fn until_ready_or_closed(
    daemon: &Daemon,
    writer: &mut OwnedWriteHalf,
    lines: &mut Lines<BufReader<OwnedReadHalf>>,
) -> bool {
    tokio::select! {
        ready = until_ready(daemon, writer) => ready,
        () = until_closed(lines) => false,
    }
}

async fn until_closed(lines: &mut Lines<BufReader<OwnedReadHalf>>) {
    while let Ok(Some(_)) = lines.next_line().await {}
}

async fn send(writer: &mut OwnedWriteHalf, reply: &ControlReply) -> bool {
    let mut line = serde_json::to_vec(reply).expect("a reply is plain data");
    line.push(b'\n');
    writer.write_all(&line).await.is_ok()
}
