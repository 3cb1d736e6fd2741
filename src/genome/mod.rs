//! Coordinates: intervals, the contigs that reads and reference share, and windows of reference bases.

pub mod agreement;
mod bytes;
pub mod called;
pub mod contigs;
pub mod fai;
mod gzi;
mod index_check;
pub mod interval;
pub mod names;
pub mod reference;

pub use contigs::{Contig, ContigId, Contigs};
pub use interval::Interval;
pub use reference::{Reference, ReferenceFile, ReferenceWindow};
