//! The program: parses, runs, and turns an error into one sentence and an exit code.

use std::io::Write as _;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let code = match varpix::cli::main(std::env::args_os().collect()) {
        Ok(()) => 0,
        Err(failure) => {
            if !failure.message.is_empty() {
                // If stderr is full or closed, the exit code remains.
                let _ = writeln!(std::io::stderr(), "{}", failure.message);
            }
            failure.code
        }
    };
    let _ = std::io::stdout().flush();
    // Without the destructors of libtorch's static tables, which take a third as long as the whole start of the program. All outputs have their
    // final names by now, and temporary files are gone.
    signal_hook::low_level::exit(code.into())
}
