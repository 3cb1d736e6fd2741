//! A candidate's evidence and images -> probabilities of its genotypes.

pub(crate) mod any_small;
pub mod cnn;
pub(crate) mod decision;
pub mod imported;
pub mod small;

pub use any_small::AnySmallModel;
pub use decision::{Account, Decider, Decision, ImageAccount, Models, Prediction, Predictor, account, decide};

/// Genotype probabilities with respect to an image's alternative alleles: that none of the sample's two alleles is among them, one, or both.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Probabilities(pub [f64; 3]);

impl Probabilities {
    /// Of hom-ref.
    #[must_use]
    pub fn hom_ref(self) -> f64 {
        self.0[0]
    }

    /// Of het.
    #[must_use]
    pub fn het(self) -> f64 {
        self.0[1]
    }

    /// Of hom-alt.
    #[must_use]
    pub fn hom_alt(self) -> f64 {
        self.0[2]
    }
}

/// Logits as probabilities.
fn softmax(logits: [f64; 3]) -> [f64; 3] {
    let highest = logits.into_iter().fold(f64::NEG_INFINITY, f64::max);
    let weights = logits.map(|logit| (logit - highest).exp());
    let sum: f64 = weights.iter().sum();
    weights.map(|weight| weight / sum)
}
