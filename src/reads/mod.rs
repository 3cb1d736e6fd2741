//! Records of a BAM or CRAM -> owned, filtered [`Read`]s of one region.

pub mod filter;
pub mod read;
pub mod reference_check;
pub mod repeats;
pub mod reservoir;
pub mod source;
pub mod trimmed;

pub use filter::{FilterReason, ReadFilter};
pub use read::{Cigar, CigarKind, Moved, Read};
pub use repeats::Repeats;
pub use source::{BamSource, FetchStats, MemorySource, OpenReads, ReadSource};
pub use trimmed::Trimmed;
