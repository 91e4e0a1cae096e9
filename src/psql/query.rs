//! One query on a connection of its own, through tokio-postgres: what checks ask.
//!
//! The console is not made of this: it needs command tags, column types, the transaction's state and COPY, which
//! tokio-postgres keeps to itself.

use tokio_postgres::config::SslMode;
use tokio_postgres::error::ErrorPosition;
use tokio_postgres::{Config, NoTls, SimpleQueryMessage};

use futures::TryStreamExt;

use crate::report::{ROWS_KEPT, SqlError, StatementResult};
use crate::session::Connector;
use crate::wire::WireError;

/// Runs one text and gives the last statement's result. Rows past [`ROWS_KEPT`] are counted, not kept; there is
/// no command tag.
///
/// # Errors
/// The server's error, or one of class 08 when there is no connection.
pub async fn rows(connector: &Connector, role: &str, query: &str) -> Result<StatementResult, SqlError> {
    let connecting = async {
        let password = connector.password(role).await.map_err(|e| e.to_report())?;
        let socket = connector.socket().await.map_err(|e| e.to_report())?;
        let mut config = Config::new();
        // The socket has its TLS already, with the server's name and our own authorities.
        config.ssl_mode(SslMode::Disable).user(role).dbname(&connector.database).application_name("workshop");
        if let Some(password) = &password {
            config.password(password.expose());
        }
        config.connect_raw(socket, NoTls).await.map_err(|e| report(&e))
    };
    let connected = tokio::time::timeout(connector.timeout, connecting).await;
    let (client, connection) = connected.map_err(|_| connector.late().to_report())??;
    let carried = tokio::spawn(connection);
    let result = ask(&client, query).await.map_err(|e| report(&e));
    // Without its client the connection says goodbye and ends.
    drop(client);
    let _ = carried.await;
    result
}

async fn ask(client: &tokio_postgres::Client, query: &str) -> Result<StatementResult, tokio_postgres::Error> {
    let mut result = StatementResult::default();
    let mut messages = std::pin::pin!(client.simple_query_raw(query).await?);
    while let Some(message) = messages.try_next().await? {
        match message {
            SimpleQueryMessage::RowDescription(columns) => {
                let columns = columns.iter().map(|c| c.name().to_owned()).collect();
                result = StatementResult { columns, ..StatementResult::default() };
            }
            SimpleQueryMessage::Row(row) => {
                result.row_count += 1;
                if result.rows.len() < ROWS_KEPT {
                    result.rows.push((0..row.len()).map(|i| row.get(i).map(str::to_owned)).collect());
                }
            }
            SimpleQueryMessage::CommandComplete(count) if result.columns.is_empty() => result.row_count = count,
            _ => {}
        }
    }
    Ok(result)
}

/// The server's error, or the connection's in its shape.
fn report(error: &tokio_postgres::Error) -> SqlError {
    let Some(error) = error.as_db_error() else {
        let cause = std::error::Error::source(error).map_or_else(|| error.to_string(), |c| format!("{error}: {c}"));
        return WireError::Lost(std::io::Error::other(cause)).to_report();
    };
    SqlError {
        severity: error.severity().to_owned(),
        sqlstate: error.code().code().to_owned(),
        message: error.message().to_owned(),
        detail: error.detail().map(str::to_owned),
        hint: error.hint().map(str::to_owned),
        position: match error.position() {
            Some(ErrorPosition::Original(at)) => Some(*at),
            _ => None,
        },
    }
}
