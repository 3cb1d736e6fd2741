//! Labelled images -> the weights of a CNN.

mod average;
mod batch;
pub(super) mod checkpoint;
pub(super) mod evaluate;
mod log_file;
pub(super) mod net;
mod save;
mod schedule;
pub(super) mod trainer;
