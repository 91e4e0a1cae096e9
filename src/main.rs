//! The program: hands over to the command line, with the course that it ships, and answers its exit code.

use std::process::ExitCode;

use workshop::cli::ShippedFile;

/// Made by `build.rs`: every file of `lessons/` and `snapshots/`.
const SHIPPED: &[ShippedFile] = include!(concat!(env!("OUT_DIR"), "/shipped.rs"));

fn main() -> ExitCode {
    workshop::cli::main(SHIPPED)
}
