//! Reads over homopolymers and short tandem repeats -> how often the sample's molecules slip there ([`SlippageModel`]), and what its fragments
//! say of a candidate's alleles under that ([`TractNumbers`]).
//!
//! Polymerases slip on repeats: of a tract of c units some molecules show fewer, some more. How many depends on c, on the unit's length and,
//! up to forty times, on the library (docs/slippage.md). So the rates are fitted to the sample itself.

pub(crate) mod fit;
pub(crate) mod likelihoods;
pub(crate) mod model;
pub(crate) mod spans;
pub(crate) mod tracts;

pub use fit::fit;
pub use likelihoods::{RegionTracts, TractNumbers};
pub use model::SlippageModel;
pub use spans::{Observed, observe};
pub use tracts::{Tract, tracts};
