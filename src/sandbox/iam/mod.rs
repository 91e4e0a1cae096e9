//! Identities of the local target: one user, the roles that stacks make, their policies and the
//! credentials issued for them.
//!
//! Invariant: changes count from the next request on; there is no propagation delay as on AWS.

mod identities;
pub(crate) mod managed;
mod operators;
pub(crate) mod policy;

pub(crate) use identities::{Iam, ManagedPolicy, Role, USER, denied};
