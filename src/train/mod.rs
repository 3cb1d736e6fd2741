//! Reads with known variants -> a model.
//!
//! Examples come from the very code that calls: evidence is gathered and rendered region by region, labelled by the
//! truth and fed to the optimiser. No example is ever stored.

mod augment;
mod calibrate;
pub mod cnn;
pub mod confusion;
pub mod data;
pub mod label;
mod optimizer;
mod small;

pub use cnn::trainer::{FitOptions, Rest, finish, fit};
pub use data::DataSet;

use tch::TchError;

use crate::error::Error;
use crate::predict::cnn::torch::first_line;

fn failed(error: &TchError) -> Error {
    Error::Internal(format!("training failed: {}", first_line(error)))
}
