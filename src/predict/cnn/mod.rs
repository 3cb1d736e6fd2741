//! Pileup images -> probabilities: the [`Classifier`] seam, batches, and the networks behind it.

pub(crate) mod batch;
pub mod fixed;
#[cfg(feature = "torch")]
pub(crate) mod networks;
#[cfg(feature = "torch")]
pub mod torch;

pub use batch::{BATCH_SIZE, Batch};

use crate::error::Result;
use crate::predict::Probabilities;

/// Turns images into probabilities. It has one owner thread.
pub trait Classifier: Send {
    /// One result for each image of the batch, in order; that of an image does not depend on the others.
    ///
    /// # Errors
    /// [`Error::Internal`](crate::error::Error::Internal) where the network fails.
    fn classify(&mut self, batch: &Batch) -> Result<Vec<Probabilities>>;

    /// How a weighted sum of the logits of the batch's first image changes with each of its pixels, `[height, width, channel]`; `None` of a
    /// classifier without gradients.
    ///
    /// # Errors
    /// [`Error::Internal`](crate::error::Error::Internal) where the network fails.
    fn gradient(&mut self, _batch: &Batch, _weights: [f32; 3]) -> Result<Option<Vec<f32>>> {
        Ok(None)
    }

    /// Whether it takes the features of candidates with their images.
    fn takes_features(&self) -> bool {
        false
    }

    /// Whether features of tracts are among these.
    fn takes_tracts(&self) -> bool {
        false
    }

    /// What it runs on, for people: `cpu (2 threads)`, `cuda:0`.
    fn device(&self) -> String;

    /// What its results may depend on: the kind of device and the precision, but not the number of threads.
    fn arithmetic(&self) -> String {
        self.device()
    }
}
