//! Any text, as the password of a connection.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| workshop_dsql::fuzz::tokens(text));
