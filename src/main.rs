//! The program: parses, runs, and turns an error into one sentence and an exit code.

use std::io::Write as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    match varpix::cli::main(std::env::args_os().collect()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.message.is_empty() {
                // If stderr is full or closed, the exit code remains.
                let _ = writeln!(std::io::stderr(), "{}", failure.message);
            }
            ExitCode::from(failure.code)
        }
    }
}
