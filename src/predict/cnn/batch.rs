//! Images side by side: u8 `[BATCH_SIZE, height, width, channel]`; beside them their candidates' features.

use crate::error::{Error, Result};
use crate::pileup::{ImageShape, PileupImage};
use crate::predict::small::Features;

/// Images that a network gets at once. Always that many, with empty ones behind the last: libtorch chooses its kernels
/// by the batch's size, so only equal sizes give equal results. 32 to 64 is where CPUs are fastest.
pub const BATCH_SIZE: usize = 32;

/// Up to [`BATCH_SIZE`] images of one shape.
#[derive(Clone, Debug)]
pub struct Batch {
    shape: ImageShape,
    data: Vec<u8>,
    features: Vec<Option<Features>>,
    filled: usize,
}

impl Batch {
    /// Without images yet.
    #[must_use]
    pub fn new(shape: ImageShape) -> Self {
        Self { shape, data: vec![0; shape.bytes() * BATCH_SIZE], features: Vec::new(), filled: 0 }
    }

    /// Adds an image, and its candidate's features where they are known.
    ///
    /// # Errors
    /// [`Error::Internal`] where it has another shape, or the batch is full.
    pub fn push(&mut self, image: &PileupImage, features: Option<&Features>) -> Result<()> {
        if image.shape() != self.shape || self.is_full() {
            return Err(Error::Internal(format!(
                "an image of shape {} does not go into a batch of {} images of shape {}",
                image.shape(),
                self.filled,
                self.shape
            )));
        }
        let at = self.filled * self.shape.bytes();
        self.data[at..at + self.shape.bytes()].copy_from_slice(image.bytes());
        self.features.push(features.copied());
        self.filled += 1;
        Ok(())
    }

    /// Takes all images out.
    pub fn clear(&mut self) {
        self.data[..self.filled * self.shape.bytes()].fill(0);
        self.features.clear();
        self.filled = 0;
    }

    /// Images in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.filled
    }

    /// True without images.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.filled == 0
    }

    /// True where no more fit.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.filled == BATCH_SIZE
    }

    /// Shape of each image.
    #[must_use]
    pub fn shape(&self) -> ImageShape {
        self.shape
    }

    /// All bytes, `[BATCH_SIZE, height, width, channel]`, those of missing images 0.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.data
    }

    /// The features of each image in it.
    #[must_use]
    pub fn features(&self) -> &[Option<Features>] {
        &self.features
    }

    /// The bytes of each image in it.
    pub fn images(&self) -> impl Iterator<Item = &[u8]> {
        self.data.chunks_exact(self.shape.bytes()).take(self.filled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_must_agree() {
        let shape = ImageShape { height: 2, width: 3, channels: 1 };
        let mut batch = Batch::new(shape);
        let other = PileupImage::empty(ImageShape { width: 4, ..shape });
        assert!(batch.push(&other, None).unwrap_err().to_string().contains("[2, 4, 1]"));
        assert!(batch.push(&PileupImage::empty(shape), None).is_ok());
        assert_eq!((batch.len(), batch.images().count()), (1, 1));
    }

    #[test]
    fn clearing_leaves_no_trace() {
        let shape = ImageShape { height: 1, width: 1, channels: 2 };
        let mut batch = Batch::new(shape);
        batch.push(&PileupImage::from_bytes(shape, Box::new([7, 8])).unwrap(), None).unwrap();
        batch.clear();
        assert!(batch.is_empty() && batch.bytes().iter().all(|&b| b == 0));
    }
}
