//! A path -> a BAM or CRAM file that is whole, sorted and goes with its index ([`BamFile`]); records of an interval ([`RegionReader`]).
//!
//! bcftools and freebayes return 0 with calls missing on a BAM that is cut short, unsorted, or beside another BAM's index. Each of these
//! is found before any work, at the cost of reading the index and a few blocks of the file. What a damaged record does to a
//! visit is found when it is visited.

mod bins;
mod file;
mod head;
mod order;
mod records;
mod region_reader;
pub mod sample;
mod slices;
pub mod weight;
mod whole;

pub use file::BamFile;
pub use region_reader::RegionReader;
pub(crate) use whole::ends_whole;
