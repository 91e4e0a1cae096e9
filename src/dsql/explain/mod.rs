//! EXPLAIN as DSQL answers it, from PostgreSQL's plan and counts.
//!
//! The life of an EXPLAIN:
//! 1. `options` takes the statement apart; PostgreSQL is asked for the plan in JSON, in a few variants of
//!    its planner's settings.
//! 2. `tree` reads the answers, `scan` finds how DSQL would read each table, with the catalogue's `facts`.
//! 3. `cost` says what each variant would cost DSQL; the cheapest is the one that runs.
//! 4. `translate` makes DSQL's plan of it, `text` or `formats` write it, `dpu` adds the estimate.
//!
//! Invariant: no I/O, and the figures of rows and times are PostgreSQL's; the session asks the questions.

mod answer;
mod cost;
mod dpu;
mod facts;
mod filter;
mod formats;
pub mod options;
mod scan;
#[cfg(test)]
mod tests;
mod text;
mod translate;
mod tree;

pub use answer::{Explained, KnownFacts, PlanAnswer, PlanVariant, VARIANTS, chosen, estimated};
