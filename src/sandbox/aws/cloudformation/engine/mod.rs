//! The life of a stack, step by step: create, update, replacement, delete, and the way back.
//!
//! A state machine without I/O. [`pump`] hands out the jobs that can start now, [`finish`] takes their
//! results; in between, the whole operation is part of the stack's saved state, so that a restart can pick
//! it up. Life of an update:
//! 1. Apply: every wanted resource, as soon as what it needs is done, is created, updated or replaced.
//! 2. Cleanup: what is no longer wanted, and what was replaced, is deleted, dependents first.
//!
//! A failure in 1 cancels the jobs that run, and waits for them, then
//! 3. Rollback: what was changed gets its old properties back.
//! 4. Cleanup: what was created is deleted.
//!
//! Invariant: one operation at a time per stack; a failed one leaves the stack as it was before it.

mod apply;
mod cancel;
mod cleanup;
mod operation;
mod rollback;
mod run;
#[cfg(test)]
mod tests;

pub(crate) use cancel::{cancel_by_user, give_creation_up};
pub(crate) use operation::{Created, EngineContext, OperationOptions, begin_delete};
pub(crate) use run::{begin, begin_rollback, finish, give_up, initiated, pump, recover};
