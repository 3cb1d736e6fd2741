//! Where things are: intervals, the contigs that reads and reference share, and windows of reference bases.

pub mod contigs;
pub mod interval;
pub mod reference;

pub use contigs::{Contig, ContigId, Contigs};
pub use interval::Interval;
pub use reference::{Reference, ReferenceFile, ReferenceWindow};
