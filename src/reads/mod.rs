//! Records of a BAM or CRAM -> owned, filtered [`Read`]s of one region.

pub mod check;
pub mod filter;
pub mod read;
pub mod sampler;
pub mod source;

pub use filter::{FilterReason, ReadFilter};
pub use read::{Cigar, CigarKind, Moved, Read};
pub use source::{BamSource, FetchStats, ReadSource};
