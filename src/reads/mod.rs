//! Records of a BAM or CRAM -> owned, filtered [`Read`]s of one region.

pub(crate) mod cigar;
pub(crate) mod cut;
pub(crate) mod filter;
pub(crate) mod fragment;
pub(crate) mod methylation;
pub(crate) mod read;
pub(crate) mod reference_check;
pub(crate) mod repeats;
pub(crate) mod reservoir;
pub(crate) mod segments;
pub(crate) mod source;
pub(crate) mod trimmed;

pub use cigar::{Cigar, CigarKind};
pub use cut::Part;
pub use filter::{FilterReason, ReadFilter};
pub use fragment::{fragment, fragment_end, fragment_end_of_read, fragment_of_record};
pub use read::{Moved, Read, TrimmedEnds};
pub use repeats::Repeats;
pub use segments::{Segment, consumed, segments};
pub use source::{BamSource, FetchStats, MemorySource, OpenReads, ReadOptions, ReadSource};
pub use trimmed::Trimmed;
