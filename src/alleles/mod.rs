//! Reads -> what they say at each position of a region.

pub mod allele;
pub mod counter;
pub mod depths;
pub mod joint;

pub use allele::{AlleleCount, AlleleKind, Observation, ObservedAllele};
pub use counter::{AlleleCounts, CountOptions, count};
pub use depths::{AlleleDepths, Depth, Depths, PositionDepth};
pub use joint::JointAlleles;
