//! Reads -> the alleles that they support at each position of a region, and how many do.

pub(crate) mod allele;
pub(crate) mod context;
pub(crate) mod counter;
pub(crate) mod depths;
pub(crate) mod joint;
pub(crate) mod reference_reads;

pub use allele::{AlleleCount, AlleleKind, Observation, ObservedAllele, ReferenceRead};
pub use context::{AlleleContext, ContextOptions};
pub use counter::{AlleleCounts, CountOptions, count, count_differences};
pub use depths::{AlleleDepths, Depth, Depths, PositionDepth};
pub use joint::JointAlleles;
pub use reference_reads::reference_reads;
