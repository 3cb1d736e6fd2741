//! Aligned reads: from BAM or CRAM to owned, filtered [`Read`]s of one region.

pub mod check;
pub mod filter;
pub mod read;
pub mod repeats;
pub mod sample;
pub mod sampler;
pub mod source;
pub mod trimmed;
pub mod weight;

pub use filter::{FilterReason, ReadFilter};
pub use read::{Cigar, CigarKind, Moved, Read};
pub use repeats::Repeats;
pub use source::{BamFile, BamSource, FetchStats, ReadSource};
pub use trimmed::Trimmed;
