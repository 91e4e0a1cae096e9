//! Every integration test, in one binary: they share what they build and start.

mod cli;
mod imports;
mod lambda;
mod postgres;
mod support;
