//! Probabilities of a candidate's images -> one [`Call`] with genotype, qualities and filter.

pub(crate) mod call;
pub(crate) mod likelihoods;
pub(crate) mod merge;
pub(crate) mod overlaps;
pub(crate) mod ploidy;

pub use call::{Call, CallOptions, Filter, call, of_call};
pub use likelihoods::{GenotypeProbabilities, of_copies};
pub use merge::BySet;
pub use overlaps::Resolver;
pub use ploidy::Ploidy;
