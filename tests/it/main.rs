//! Every integration test, in one binary: they share what they build and start.

mod imports;
mod postgres;
mod support;
