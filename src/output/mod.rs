//! What a run writes beside its calls: a BAM of the realigned reads.

mod mates;
pub(crate) mod realigned_bam;

pub use realigned_bam::{Placement, RealignedBam};
