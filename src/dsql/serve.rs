//! The listener of a proxy.

use std::sync::{Arc, Mutex};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::accept;
use super::jobs::Pace;
use super::proxy::Proxy;
use crate::interfaces::{Authority, Databases, Time};

/// Serves clients on this listener until `shutdown`, and then waits until the last session has ended.
/// `tls` must hold a certificate for every cluster's host name, and one for clients that send none;
/// for direct TLS its ALPN protocols must be `postgresql` alone. Asynchronous jobs take as long as `pace`
/// says.
pub async fn serve(
    listener: TcpListener,
    tls: Arc<rustls::ServerConfig>,
    authority: Arc<dyn Authority>,
    databases: Arc<dyn Databases>,
    time: Time,
    pace: Pace,
    shutdown: CancellationToken,
) {
    let proxy = Arc::new(Proxy {
        tls,
        authority,
        databases,
        time,
        pace,
        shutdown: shutdown.clone(),
        clusters: tokio::sync::Mutex::default(),
        doors: Mutex::default(),
        tasks: TaskTracker::new(),
    });
    loop {
        tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) => {
                    proxy.tasks.spawn(accept::connection(proxy.clone(), socket));
                }
                Err(error) => {
                    // Out of file descriptors, most likely: some will come free.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                }
            },
        }
    }
    drop(listener);
    proxy.tasks.close();
    proxy.tasks.wait().await;
}
