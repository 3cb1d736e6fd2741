//! Labelled images -> the weights of a network.

mod checkpoint;
pub(super) mod optimizer;
pub mod trainer;
