//! Coordinates: intervals, the contigs that reads and reference share, and windows of reference bases.

pub(crate) mod agreement;
mod bytes;
pub(crate) mod called;
pub(crate) mod contigs;
pub(crate) mod fai;
mod gzi;
mod index_check;
pub(crate) mod interval;
pub(crate) mod names;
pub(crate) mod reference;

pub use contigs::{Contig, ContigId, Contigs};
pub use interval::Interval;
pub use reference::{Reference, ReferenceFile, ReferenceWindow};
