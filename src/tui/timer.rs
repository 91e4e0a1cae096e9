//! The wall clock, and waiting, by it and for what comes once: the loops' own, everything else is told the time.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::oneshot;

/// Returns the milliseconds since 1970.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

/// Waits this long; with None, for ever.
pub async fn sleep(for_a_while: Option<Duration>) {
    match for_a_while {
        Some(duration) => tokio::time::sleep(duration).await,
        None => std::future::pending().await,
    }
}

/// Waits until then; with None, for ever.
pub async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}

/// Waits for what comes once; for ever when it has come, or never will.
pub async fn received<T>(from: &mut Option<oneshot::Receiver<T>>) -> T {
    let coming = match from {
        Some(coming) => coming.await.ok(),
        None => None,
    };
    *from = None;
    match coming {
        Some(come) => come,
        None => std::future::pending().await,
    }
}
