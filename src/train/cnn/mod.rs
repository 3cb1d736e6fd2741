//! Labelled images -> the weights of a network.

mod checkpoint;
pub mod trainer;
