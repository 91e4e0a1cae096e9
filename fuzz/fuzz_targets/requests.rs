//! Any text, as a request to the endpoint: before its signature is looked at, and after.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| workshop_sandbox::aws::fuzz::requests(text));
