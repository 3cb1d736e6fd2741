//! An error of libtorch -> the library's error.

use tch::TchError;

use crate::error::Error;
use crate::predict::cnn::torch::first_line;

#[allow(clippy::needless_pass_by_value, reason = "for `map_err`")]
pub(super) fn failed(error: TchError) -> Error {
    Error::Internal(format!("training failed: {}", first_line(&error)))
}
