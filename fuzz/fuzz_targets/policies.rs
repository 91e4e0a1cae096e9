//! Any text, as a policy document, or as a pattern and a text.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| workshop_sandbox::fuzz::policies(text));
