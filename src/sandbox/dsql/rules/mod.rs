//! Which statements DSQL refuses, and which must be rewritten for PostgreSQL.
//!
//! Invariant: decided from the statement's tokens alone; texts come from the table in `texts`. What needs
//! the catalogue (is this index valid, is this column a key) is decided in the database, see `setup`.

mod alter;
mod body;
mod index;
mod judge;
pub mod parameters;
mod parts;
mod table;
#[cfg(test)]
mod tests;

pub use body::function_body;
pub use judge::{judge, memberships};
pub use parts::RuleVerdict;
