//! Aligned reads: from BAM or CRAM to owned, filtered [`Read`]s of one region.

pub mod check;
pub mod filter;
pub mod read;
pub mod reference_check;
pub mod sample;
pub mod sampler;
pub mod source;
pub mod weight;

pub use filter::{FilterReason, ReadFilter};
pub use read::{Cigar, CigarKind, Moved, Read};
pub use source::{BamFile, BamSource, FetchStats, ReadSource};
