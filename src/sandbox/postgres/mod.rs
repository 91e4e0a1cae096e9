//! A PostgreSQL server for each cluster, with a spare one ready so that a new cluster is up at once.
//!
//! [`install`] finds the binaries, [`template`] an initialised server made with them, [`account`] says whom they run as,
//! [`server`] runs one, [`index`] knows whose data is where, [`servers`] holds them all, [`plain`] is one that has no cluster in front of it, [`snapshot`] saves and restores.
//!
//! Invariants: no server of a cluster listens on a network; none outlives the sandbox; the data of a cluster is in
//! one numbered directory, named by the index, and nothing in the directory that the index does not
//! name is worth keeping.

pub mod account;
mod admin;
mod index;
mod install;
mod plain;
mod server;
mod servers;
mod snapshot;
mod template;
mod types;

pub use self::plain::PlainDatabase;
pub use self::servers::{Servers, wipe};
pub use self::snapshot::seed;
pub use self::types::{DATABASE, PORT, PgError, PostgresConfig, SUPERUSER};
