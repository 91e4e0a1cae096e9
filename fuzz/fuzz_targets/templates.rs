//! Any text, as a CloudFormation template.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| workshop_sandbox::aws::fuzz::templates(text));
