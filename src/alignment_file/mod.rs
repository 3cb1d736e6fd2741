//! A path -> a BAM or CRAM file that is complete, sorted and matches its index ([`BamFile`]); records of an interval ([`RegionReader`]).
//!
//! bcftools and freebayes exit with 0 and lose calls on a BAM that is truncated, unsorted, or has another BAM's index. Each of these
//! is detected before any work, at the cost of reading the index and a few blocks of the file. A damaged record is detected when it
//! is read.

mod bins;
mod file;
mod head;
mod order;
mod records;
mod region_reader;
pub(crate) mod sample;
mod slices;
pub(crate) mod weight;
mod whole;

pub use file::BamFile;
pub(crate) use file::is_whole;
pub use region_reader::RegionReader;
pub(crate) use whole::ends_whole;
