//! Every integration test, in one binary: they share what they build and start.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops where it is")]

mod actor;
mod anywhere;
mod checkpoint;
mod cli;
mod cloud;
mod console;
mod course;
mod courses;
mod documents;
mod dsql;
mod ending;
mod imports;
mod kept;
mod lambda;
mod lessons;
mod lifecycle;
mod locales;
mod postgres;
mod propagate;
mod pty;
mod schema;
mod standby;
mod support;
mod wrong;
