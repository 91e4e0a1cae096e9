//! The database as Aurora DSQL: a proxy in front of real PostgreSQL 16. It verifies tokens, refuses what
//! DSQL refuses with DSQL's words, and turns PostgreSQL's row locks into DSQL's optimistic concurrency.
//!
//! The life of a connection:
//! 1. `accept` negotiates TLS and reads the host name the client asks for.
//! 2. `access` verifies the token; the cluster's database knows the role and its mapping.
//! 3. A `backend` connection is made as that role; `session` takes over.
//! 4. `wire` finds messages, `classify` and `rules` say what a statement is, `txn` what it may do.
//! 5. `session` runs it; `cluster` holds what the sessions of a cluster share: `catalog_change` what has changed of what
//!    `uses` finds in statements, `table_order` which tables need no sorting for the order that `order` gives their rows.
//! 6. `jobs` does what DSQL does on its own time.
//! 7. `explain` turns PostgreSQL's plans into DSQL's.
//! 8. `texts` has every error that is DSQL's own, one row a rule.
//!
//! Whoever runs it answers what [`interfaces`] asks, and says in [`conditions`] what goes wrong for a while: of AWS's other
//! services it knows nothing.
//!
//! `fuzz` has what must hold for any bytes; it is compiled for tests and for the targets in `fuzz/` only.
//!
//! Invariant: `wire`, `classify`, `uses`, `catalog_change`, `order`, `rows_as_read`, `edits`, `rules`, `shadow`, `explain`, `token`, `access`,
//! `limits`, `shared_keys` and `txn` do no I/O and never ask for the time.

mod accept;
mod access;
mod backend;
mod catalog_change;
mod catalog_names;
mod classify;
mod client;
mod cluster;
pub mod conditions;
mod conflict_state;
mod edits;
mod explain;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
mod inbox;
pub mod interfaces;
mod job_queue;
pub mod jobs;
mod limits;
mod order;
mod own_names;
mod proxy;
mod rows_as_read;
mod rules;
mod serve;
mod session;
mod shadow;
mod shared_keys;
mod statement;
mod table_order;
mod texts;
pub mod token;
mod txn;
mod uses;
mod wire;
mod words;

pub use serve::serve;
