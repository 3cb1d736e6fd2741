//! Calls and depths, one by one -> what is counted of them: variants by type, genotypes, histograms of QUAL, GQ, DP and VAF, coverage.
//!
//! Sums do not depend on the order in which parts of them are merged, and calls come in genome order: the figures of a run are the same at
//! any number of threads.

mod calls;
mod counted;
mod coverage;
mod histogram;
mod least_certain;

pub use calls::{ALLELE_FRACTION_BIN, CallClass, CallStats, FractionClass, QUALITY_BIN, VariantType, Zygosity};
pub use counted::CountedCall;
pub use coverage::{Coverage, DEEPEST, RegionDepths};
pub use histogram::Histogram;
pub use least_certain::{LeastCertain, MOST_LISTED, UncertainCall};
