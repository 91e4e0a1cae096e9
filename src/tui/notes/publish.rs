//! The first terminal's side of the notes: a socket, and the newest state for whoever listens.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc::UnboundedSender, watch};
use tokio::task::JoinHandle;

use super::socket::Published;
use crate::tui::model::Msg;
use workshop_base::private_dir::{OURS, PrivateDir};
use workshop_engine::progress::Progress;

/// Between two lines to one listener at least.
const PACE: Duration = Duration::from_millis(200);

/// Publishes until it is dropped; costs nothing while nobody listens.
pub struct Publisher {
    state: Arc<watch::Sender<Option<Arc<Published>>>>,
    accepting: JoinHandle<()>,
    path: PathBuf,
    /// The last publication: number of the newest event, whether somebody presents, and for how many.
    last: (u64, bool, usize),
}

impl Publisher {
    /// For the notes of this working directory, which the engine has opened. Without them the workshop goes on: the log
    /// says why they are not there.
    pub fn of(workdir: &Path, wake: UnboundedSender<Msg>) -> Option<Publisher> {
        // In somebody else's project it may be a link to another place, and nothing is made there.
        if !matches!(PrivateDir::existing(workdir, OURS), Ok(Some(_))) {
            return None;
        }
        let path = super::socket::path_in(workdir);
        match Publisher::start(&path, wake) {
            Ok(publisher) => Some(publisher),
            Err(error) => {
                tracing::warn!("no notes for a second terminal at {}: {error}", path.display());
                None
            }
        }
    }

    /// Begins to listen. `wake` is told when somebody comes, so that the state is published at once.
    ///
    /// # Errors
    /// When somebody listens there already, or the socket cannot be made.
    pub fn start(path: &Path, wake: UnboundedSender<Msg>) -> io::Result<Publisher> {
        let listener = match UnixListener::bind(path) {
            Ok(listener) => listener,
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                // Left behind by a crash, unless somebody answers.
                if std::os::unix::net::UnixStream::connect(path).is_ok() {
                    return Err(error);
                }
                std::fs::remove_file(path)?;
                UnixListener::bind(path)?
            }
            Err(error) => return Err(error),
        };
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
        let state = Arc::new(watch::Sender::new(None));
        let publishing = state.clone();
        let accepting = tokio::spawn(async move {
            let mut talking = tokio::task::JoinSet::new();
            loop {
                while talking.try_join_next().is_some() {}
                let Ok((stream, _)) = listener.accept().await else {
                    // Out of descriptors: they come back by themselves.
                    tokio::time::sleep(PACE).await;
                    continue;
                };
                talking.spawn(talk(stream, publishing.subscribe()));
                // The screen may be gone by then.
                let _ = wake.send(Msg::Tick);
            }
        });
        Ok(Publisher { state, accepting, path: path.to_owned(), last: (0, false, 0) })
    }

    /// After every change: hands out the state, if anybody wants it and it is new to them.
    pub fn publish(&mut self, progress: &Progress, presents: bool) {
        let now = (progress.seq, presents, self.state.receiver_count());
        if now.2 > 0 && now != self.last {
            self.state.send_replace(Some(Arc::new(Published { progress: progress.clone(), presents })));
        }
        self.last = now;
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.accepting.abort();
        // It may be gone with its directory.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Writes the newest state, one line each time it changes, until the listener leaves.
async fn talk(mut stream: UnixStream, mut state: watch::Receiver<Option<Arc<Published>>>) {
    loop {
        let newest = state.borrow_and_update().clone();
        if let Some(published) = newest {
            let Ok(mut line) = serde_json::to_vec(&*published) else { return };
            line.push(b'\n');
            if stream.write_all(&line).await.is_err() {
                return;
            }
            tokio::time::sleep(PACE).await;
        }
        tokio::select! {
            changed = state.changed() => if changed.is_err() { return },
            // Nothing is ever said by the other side: readable means that it has left.
            _ = stream.readable() => {
                let mut byte = [0];
                match stream.try_read(&mut byte) {
                    Ok(0) => return,
                    Err(error) if error.kind() != io::ErrorKind::WouldBlock => return,
                    Ok(_) | Err(_) => {}
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncBufReadExt, BufReader};
    use tokio::sync::mpsc::unbounded_channel;

    #[tokio::test]
    async fn whoever_comes_late_knows_all_and_a_left_over_is_no_obstacle() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notes.sock");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let (wake, mut woken) = unbounded_channel();
        // A child of another test that is just being started holds a copy of the listener for a moment.
        let free = async {
            loop {
                match Publisher::start(&path, wake.clone()) {
                    Ok(publisher) => break publisher,
                    Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            }
        };
        let mut publisher = tokio::time::timeout(Duration::from_secs(10), free).await.unwrap();
        assert!(Publisher::start(&path, wake).is_err(), "a second one does not take over");
        let mut progress = Progress { seq: 7, title: "course".into(), ..Progress::default() };
        publisher.publish(&progress, true);
        let mut lines = BufReader::new(UnixStream::connect(&path).await.unwrap()).lines();
        woken.recv().await.unwrap();
        publisher.publish(&progress, true);
        let first: Published = serde_json::from_str(&lines.next_line().await.unwrap().unwrap()).unwrap();
        assert_eq!((first.progress.seq, first.progress.title.as_str(), first.presents), (7, "course", true));
        progress.seq = 8;
        publisher.publish(&progress, true);
        let second: Published = serde_json::from_str(&lines.next_line().await.unwrap().unwrap()).unwrap();
        assert_eq!(second.progress.seq, 8);
        drop(publisher);
        assert!(!path.exists());
    }
}
