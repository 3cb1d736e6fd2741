//! Probabilities of a candidate's images -> one [`Call`] with genotype, qualities and filter.

pub mod call;
pub mod likelihoods;
pub mod merge;
pub mod overlaps;
pub mod ploidy;

pub use call::{Call, Filter, call};
pub use likelihoods::GenotypeProbabilities;
pub use overlaps::Resolver;
pub use ploidy::Ploidy;
