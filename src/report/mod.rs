//! A run, or a VCF of one -> what people and other programs read of it: a JSON [`Summary`], files for MultiQC, a page of HTML.

pub mod build;
pub mod multiqc;
pub mod page;
pub mod pictures;
pub mod records;
pub mod story_page;
pub mod summary;

pub use summary::Summary;
