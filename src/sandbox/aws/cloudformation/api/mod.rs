//! CloudFormation's operations.

mod changesets;
mod describe;
mod dispatch;
mod drift;
mod imports;
mod lookup;
mod operate;
mod submitted;

pub(crate) use describe::described;
pub(crate) use dispatch::call;
pub(crate) use lookup::with_engine;
