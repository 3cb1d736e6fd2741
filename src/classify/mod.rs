//! Images -> genotype probabilities: the [`Classifier`] seam, batches, and the models behind them.

pub mod batch;
pub mod checksums;
pub mod fast;
pub mod features;
pub mod fixed;
mod limits;
pub mod model_dir;
#[cfg(feature = "torch")]
pub mod networks;
#[cfg(feature = "torch")]
pub mod torch;

pub use batch::{BATCH_SIZE, Batch};
pub use fast::{FastTier, Opinion};
pub use model_dir::{Model, ModelConfig};

use crate::error::Result;

/// Probabilities that none, one or both of the sample's alleles at a place are among an image's alternative alleles.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Probabilities(pub [f64; 3]);

impl Probabilities {
    /// Of hom-ref, with respect to the image's alleles.
    #[must_use]
    pub fn none(self) -> f64 {
        self.0[0]
    }

    /// Of het.
    #[must_use]
    pub fn one(self) -> f64 {
        self.0[1]
    }

    /// Of hom-alt.
    #[must_use]
    pub fn both(self) -> f64 {
        self.0[2]
    }
}

/// Turns images into probabilities. It has one owner thread.
pub trait Classifier: Send {
    /// One result for each image of the batch, in order; the same for an image whatever else is in the batch.
    ///
    /// # Errors
    /// [`Error::Internal`](crate::error::Error::Internal) where the network fails.
    fn classify(&mut self, batch: &Batch) -> Result<Vec<Probabilities>>;

    /// What it runs on, for people: `cpu (2 threads)`, `cuda:0`.
    fn device(&self) -> String;
}
