//! Results as text -> stdout. A closed pipe (`head`) is not an error; a full device is.

use std::io::Write as _;

use crate::error::{Error, Result};
use crate::files;

/// Writes all of a text; `false` if the reader has gone.
///
/// # Errors
/// [`Error::Output`] where stdout cannot be written.
pub(super) fn write(text: &[u8]) -> Result<bool> {
    taken(files::stdout()?.write_all(text))
}

/// Writes a line; `false` if the reader has gone.
///
/// # Errors
/// As [`write`].
pub(super) fn line(text: &str) -> Result<bool> {
    write(format!("{text}\n").as_bytes())
}

/// Maps a closed pipe to `false`, and other errors to [`Error::Output`].
pub(super) fn taken(outcome: std::io::Result<()>) -> Result<bool> {
    match outcome {
        Ok(()) => Ok(true),
        Err(e) => match files::stdout_error(&e) {
            Error::ReaderGone => Ok(false),
            error => Err(error),
        },
    }
}
