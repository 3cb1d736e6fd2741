//! What a run writes beside its calls: a BAM of the realigned reads; a BAM or CRAM of the reads with their haplotypes.

mod haplotagged;
mod header;
mod mates;
pub(crate) mod realigned_bam;

pub use haplotagged::{HaplotaggedReads, Taken};
pub use realigned_bam::{Placement, RealignedBam};
