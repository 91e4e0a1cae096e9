//! Sending statements and receiving what they answer.
//!
//! Invariants: a statement is sent once and never again by itself; a result passes through in bounded memory;
//! the transaction's state is the server's word, or unknown.

mod converse;
mod destructive;
mod loss;
pub(crate) mod options;
mod result;
mod send;
mod show;
