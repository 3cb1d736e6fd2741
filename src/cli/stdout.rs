//! Results as text -> stdout. A reader that has seen enough (`head`) is no fault; a full device is one.

use std::io::Write as _;

use crate::error::{Error, Result};
use crate::files;

/// Writes text, all of it; `false` where nobody reads it any more.
///
/// # Errors
/// [`Error::Output`] where stdout cannot be written.
pub(super) fn write(text: &[u8]) -> Result<bool> {
    taken(files::stdout()?.write_all(text))
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
        Err(e) => match files::stdout_error(&e) {
            Error::ReaderGone => Ok(false),
            error => Err(error),
        },
    }
}
