//! Reads -> the alleles that they support at each position of a region, and how many do.

pub(crate) mod allele;
pub(crate) mod counter;
pub(crate) mod depths;
pub(crate) mod joint;

pub use allele::{AlleleCount, AlleleKind, Observation, ObservedAllele};
pub use counter::{AlleleCounts, CountOptions, count};
pub use depths::{AlleleDepths, Depth, Depths, PositionDepth};
pub use joint::JointAlleles;
