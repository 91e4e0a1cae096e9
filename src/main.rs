use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1).peekable();
    if args.next_if(|arg| arg == "__child").is_some() {
        return workshop::sandbox::child::main(args);
    }
    ExitCode::SUCCESS
}
