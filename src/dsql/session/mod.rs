//! One client's session: takes its messages one by one, decides with `classify` and `txn` what each may
//! do, and has the backend do it.
//!
//! 0. `types` has its parts, `serve` its life.
//! 1. `simple` and `extended` turn messages into statements to run, `plain` passes on what needs nothing from us.
//! 2. `names` knows the client's prepared statements and portals, `portals` takes results in slices.
//! 3. `gate` decides whether a statement may run now.
//! 4. `run` runs it, directly or on private copies, and keeps the log; `wording` says what PostgreSQL is given for it.
//! 5. `transaction` begins, replays and rolls back, `park` gives locks up, `commit` commits.
//! 6. `explain` answers EXPLAIN, `steps` does what else a statement of DSQL's own needs.
//! 7. `receive` reads what the backend answers and shows it, holds it, or drops it.
//!
//! What is rare is awaited in a box: a future holds everything that it may come to wait for, and is moved whole for
//! each message.
//!
//! Invariant: no client message is answered out of order, and the client's view of the transaction
//! (`phase`) is the only truth about it; the backend may be elsewhere, but it is never in a transaction
//! that goes on while the client's has failed.

mod commit;
mod copy;
mod explain;
mod extended;
mod gate;
mod internal;
mod names;
mod park;
mod plain;
mod portals;
mod receive;
mod run;
mod serve;
mod simple;
mod steps;
mod transaction;
mod types;
mod wording;

pub use types::{ProxySession, SessionEnd, SessionSetup};
