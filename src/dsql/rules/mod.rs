//! Which statements DSQL refuses, and which must be rewritten for PostgreSQL.
//!
//! Invariant: decided from the statement's tokens, and of a key's columns from the catalogue that is kept here; texts come
//! from the table in `texts`. What else needs the catalogue (is this index valid) is decided in the database, see `setup`.

mod alter;
mod analyze;
mod body;
mod everywhere;
mod index;
mod judge;
pub mod parameters;
mod parts;
mod privileges;
mod table;
#[cfg(test)]
mod tests;

pub use alter::dropped_key_column;
pub use body::function_body;
pub use judge::judge;
pub use parts::RuleVerdict;
pub use privileges::memberships;
