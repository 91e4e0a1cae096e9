//! Our own connection to a server, as its superuser, and the environment that its programs get.

use std::ffi::OsString;

use crate::interfaces::PgServer;

pub(super) type AdminConnection = tokio_postgres::Connection<tokio_postgres::Socket, tokio_postgres::tls::NoTlsStream>;

/// As the superuser.
///
/// # Errors
/// When the server does not run, or is still starting.
pub(super) async fn connect(
    address: &PgServer,
) -> Result<(tokio_postgres::Client, AdminConnection), tokio_postgres::Error> {
    tokio_postgres::Config::new()
        .host_path(&address.socket_dir)
        .port(address.port)
        .user(&address.superuser)
        .dbname(&address.database)
        .connect(tokio_postgres::NoTls)
        .await
}

/// An error with its cause, which alone says what happened.
pub(super) fn cause_of(error: &tokio_postgres::Error) -> String {
    use std::error::Error;
    error.source().map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}
/// The environment of PostgreSQL's programs: nothing of the user's.
pub(super) fn server_env() -> Vec<(OsString, OsString)> {
    let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into());
    vec![("PATH".into(), path), ("LC_ALL".into(), "C".into()), ("TZ".into(), "UTC".into())]
}
