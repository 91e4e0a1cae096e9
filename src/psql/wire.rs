//! One connection to a PostgreSQL-speaking server: TLS, start-up, authentication and message frames.
//!
//! The messages come from `postgres-protocol`. We do not go through tokio-postgres here, because a console needs what
//! its simple protocol hides: command tags, column types, the transaction's state, COPY (README, "How it is put together").
//!
//! Invariant: a frame is lent, never copied, so a result of any size passes through one buffer.

mod connection;
mod error;
mod messages;
mod socket;

pub(crate) use connection::PgConnection;
pub use error::WireError;
pub(crate) use error::reason;
pub(crate) use messages::{broken, columns, int32, typed_columns, values};
pub(crate) use socket::{CancelKey, Socket, TlsPlan, cancel, open};
