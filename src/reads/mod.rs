//! Records of a BAM or CRAM -> owned, filtered [`Read`]s of one region.

pub mod cigar;
pub mod filter;
pub mod read;
pub mod reference_check;
pub mod repeats;
pub mod reservoir;
pub mod segments;
pub mod source;
pub mod trimmed;

pub use cigar::{Cigar, CigarKind};
pub use filter::{FilterReason, ReadFilter};
pub use read::{Moved, Read};
pub use repeats::Repeats;
pub use segments::{Segment, consumed, segments};
pub use source::{BamSource, FetchStats, MemorySource, OpenReads, ReadSource};
pub use trimmed::Trimmed;
