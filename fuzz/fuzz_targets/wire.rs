//! Any bytes, as a client's or PostgreSQL's messages.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| workshop_dsql::fuzz::wire(bytes));
