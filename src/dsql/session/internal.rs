//! The proxy's own questions in the client's session.
//!
//! Invariant: they run as the client's role; what needs more is asked of functions that only the proxy can call.

use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;

use super::types::{BackendPipeline, ProxySession, SessionEnd};
use crate::backend::{Backend, BackendError, Rows};
use crate::cluster::{DatabaseCluster, PATIENCE};
use crate::own_names::OURS;

/// How often something is done again that a client's cancel has hit: it was meant for a statement of the client's.
pub(super) const CANCELS: usize = 100;

impl<S: AsyncRead + AsyncWrite + Unpin> ProxySession<S> {
    /// Runs one of our own statements on the session's backend.
    pub(super) async fn query_internal(&mut self, sql: &str) -> Result<Result<Rows, BackendError>, SessionEnd> {
        self.drain_unnamed_portal().await?;
        self.frontend.names.unnamed_live = false;
        let asked = patiently(&self.cluster, &mut self.pipeline, async |server| server.query(sql).await).await;
        match asked {
            Err(BackendError::Io(e)) => Err(SessionEnd::Server(e)),
            other => Ok(other),
        }
    }

    /// Ends the backend's transaction, whatever a client's cancel hits meanwhile.
    ///
    /// # Errors
    /// When the session ends with it: client or server has gone.
    pub(super) async fn roll_back(&mut self) -> Result<(), SessionEnd> {
        for _ in 0..CANCELS {
            match self.query_internal("ROLLBACK").await? {
                Err(error) if error.code() == "57014" => {}
                Ok(_) | Err(_) => break,
            }
        }
        Ok(())
    }

    /// Calls one of our own functions that only the proxy can call, in the client's session. `arguments` follow the
    /// key, `$2` and so on; `{path}` stands for where the session looks for names.
    pub(super) async fn call_internal(
        &mut self,
        name: &str,
        arguments: &str,
        params: &[&str],
    ) -> Result<Result<Rows, BackendError>, SessionEnd> {
        self.drain_unnamed_portal().await?;
        self.frontend.names.unnamed_live = false;
        let arguments = arguments.replace("{path}", "pg_catalog.current_schemas(false)");
        let comma = if arguments.is_empty() { "" } else { ", " };
        let sql = format!("SELECT * FROM pg_catalog.{OURS}{name}($1{comma}{arguments})");
        let params: Vec<&str> = std::iter::once(self.cluster.key.as_str()).chain(params.iter().copied()).collect();
        let asked =
            patiently(&self.cluster, &mut self.pipeline, async |server| server.query_with(&sql, &params).await).await;
        match asked {
            Err(BackendError::Io(e)) => Err(SessionEnd::Server(e)),
            other => Ok(other),
        }
    }
}

/// Asks the backend something. When that takes long the monitor is told, as for a statement of the client's: a COMMIT can
/// wait for rows, too, where constraints are deferred, and whatever looks at a table for its definition.
async fn patiently<T>(
    cluster: &Arc<DatabaseCluster>,
    pipeline: &mut BackendPipeline,
    ask: impl AsyncFnOnce(&mut Backend) -> T,
) -> T {
    let BackendPipeline { server, patience, .. } = pipeline;
    let mut asked = std::pin::pin!(ask(server));
    let due = Instant::now() + PATIENCE;
    loop {
        tokio::select! {
            biased;
            answer = &mut asked => return answer,
            () = &mut *patience => match Instant::now() < due {
                true => patience.as_mut().reset(due),
                false => break,
            },
        }
    }
    let _watch = cluster.watch();
    asked.await
}

/// Returns an array as PostgreSQL reads it from text.
pub(super) fn array<T: AsRef<str>>(items: impl IntoIterator<Item = T>) -> String {
    let quoted = |item: T| format!("\"{}\"", item.as_ref().replace('\\', "\\\\").replace('"', "\\\""));
    format!("{{{}}}", items.into_iter().map(quoted).collect::<Vec<_>>().join(","))
}
