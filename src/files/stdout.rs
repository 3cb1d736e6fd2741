//! Standard output -> a file that reports every failed write, unlike [`std::io::stdout`], which ignores a closed descriptor.

use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, Result};

const NAME: &str = "standard output";

/// Standard output, unbuffered.
///
/// # Errors
/// [`Error::Output`] where it is closed.
pub fn stdout() -> Result<File> {
    let closed = || Error::output(NAME, "is closed; redirect it to a file or program");
    if CLOSED.load(Ordering::Relaxed) {
        return Err(closed());
    }
    io::stdout().as_fd().try_clone_to_owned().map(File::from).map_err(|_| closed())
}

/// The error of a failed write to standard output; a closed pipe is [`Error::ReaderGone`].
#[must_use]
pub fn stdout_error(error: &io::Error) -> Error {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Error::ReaderGone;
    }
    Error::output(NAME, format!("cannot be written: {error}"))
}

/// True where standard output was closed when the process began.
static CLOSED: AtomicBool = AtomicBool::new(false);

/// Runs before `main`: Rust's start-up replaces closed standard descriptors by /dev/null, which hides that they were closed.
#[cfg(target_os = "linux")]
#[used]
#[allow(unsafe_code, reason = "the only way to run before the standard library's start-up")]
// SAFETY: the loader calls functions of this section one after the other, on the only thread there is; this one asks the kernel for
// a descriptor's flags and stores one byte.
#[unsafe(link_section = ".init_array")]
static LOOK: extern "C" fn() = {
    extern "C" fn look() {
        CLOSED.store(rustix::io::fcntl_getfd(rustix::stdio::stdout()).is_err(), Ordering::Relaxed);
    }
    look
};
