//! Results as text -> stdout. A reader that has seen enough (`head`) is no fault; a full device is one.

use std::io::{ErrorKind, Write as _};

use crate::error::{Error, Result};

/// Writes text, all of it; `false` where nobody reads it any more.
///
/// # Errors
/// [`Error::Output`] where stdout cannot be written.
pub(super) fn write(text: &[u8]) -> Result<bool> {
    let mut stdout = std::io::stdout().lock();
    taken(stdout.write_all(text).and_then(|()| stdout.flush()))
}

/// Writes a line; `false` where nobody reads it any more.
///
/// # Errors
/// As [`write`].
pub(super) fn line(text: &str) -> Result<bool> {
    write(format!("{text}\n").as_bytes())
}

/// What the outcome of writing to stdout means.
pub(super) fn taken(outcome: std::io::Result<()>) -> Result<bool> {
    match outcome {
        Ok(()) => Ok(true),
        Err(e) if e.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(e) => Err(Error::output("stdout", format!("cannot be written: {e}"))),
    }
}
