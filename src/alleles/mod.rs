//! Reads -> what they say at each position of a region.

pub mod allele;
pub mod counter;

pub use allele::{Allele, AlleleCount, AlleleKind, Observation};
pub use counter::{AlleleCounts, CountOptions, count};
