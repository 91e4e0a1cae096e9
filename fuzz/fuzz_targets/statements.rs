//! Any text, as a query.
#![no_main]

libfuzzer_sys::fuzz_target!(|sql: &str| workshop_dsql::fuzz::statements(sql));
