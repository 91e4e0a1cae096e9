//! The program: hands over to the command line and answers its exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    workshop::cli::main()
}
