//! The proxy's own questions in the client's session.
//!
//! Invariant: they run as the client's role; what needs more is asked of functions that only the proxy can call.

use tokio::io::{AsyncRead, AsyncWrite};

use super::types::{ProxySession, SessionEnd};
use crate::backend::{BackendError, Rows};
use crate::own_names::OURS;

impl<S: AsyncRead + AsyncWrite + Unpin> ProxySession<S> {
    /// Runs one of our own statements on the session's backend.
    pub(super) async fn query_internal(&mut self, sql: &str) -> Result<Result<Rows, BackendError>, SessionEnd> {
        self.drain_unnamed_portal().await?;
        self.frontend.names.unnamed_live = false;
        match self.pipeline.server.query(sql).await {
            Err(BackendError::Io(e)) => Err(SessionEnd::Server(e)),
            other => Ok(other),
        }
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
        match self.pipeline.server.query_with(&sql, &params).await {
            Err(BackendError::Io(e)) => Err(SessionEnd::Server(e)),
            other => Ok(other),
        }
    }
}

/// Returns an array as PostgreSQL reads it from text.
pub(super) fn array<T: AsRef<str>>(items: impl IntoIterator<Item = T>) -> String {
    let quoted = |item: T| format!("\"{}\"", item.as_ref().replace('\\', "\\\\").replace('"', "\\\""));
    format!("{{{}}}", items.into_iter().map(quoted).collect::<Vec<_>>().join(","))
}
