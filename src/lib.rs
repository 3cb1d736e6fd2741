//! varpix: a germline small-variant caller that looks at pileup images.

pub mod error;
pub mod genome;
pub mod reads;
pub mod regions;
pub mod alleles;
pub mod candidates;
pub mod pileup;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
