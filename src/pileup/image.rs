//! An image: u8 `[height, width, channel]`, row-major, channel innermost.

use crate::error::{Error, Result};

/// Height, width and channels of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImageShape {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Channels.
    pub channels: usize,
}

impl ImageShape {
    /// Bytes of one image.
    #[must_use]
    pub fn bytes(self) -> usize {
        self.height * self.width * self.channels
    }
}

impl std::fmt::Display for ImageShape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{}, {}, {}]", self.height, self.width, self.channels)
    }
}

/// A rendered pileup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PileupImage {
    shape: ImageShape,
    data: Box<[u8]>,
}

impl PileupImage {
    /// An empty (black) image.
    #[must_use]
    pub fn empty(shape: ImageShape) -> Self {
        Self { shape, data: vec![0; shape.bytes()].into() }
    }

    /// An image from bytes in `[height, width, channel]` order.
    ///
    /// # Errors
    /// [`Error::Internal`] where there are not as many as the shape wants.
    pub fn from_bytes(shape: ImageShape, data: Box<[u8]>) -> Result<Self> {
        if data.len() == shape.bytes() {
            Ok(Self { shape, data })
        } else {
            Err(Error::Internal(format!("{} bytes cannot be an image of shape {shape}", data.len())))
        }
    }

    /// Its shape.
    #[must_use]
    pub fn shape(&self) -> ImageShape {
        self.shape
    }

    /// Its bytes, `[height, width, channel]`.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.data
    }

    /// One row, `[width, channel]`.
    #[must_use]
    pub fn row(&self, row: usize) -> &[u8] {
        let length = self.shape.width * self.shape.channels;
        &self.data[row * length..(row + 1) * length]
    }

    /// One row, to be written.
    pub(crate) fn row_mut(&mut self, row: usize) -> &mut [u8] {
        let length = self.shape.width * self.shape.channels;
        &mut self.data[row * length..(row + 1) * length]
    }

    /// One value.
    #[must_use]
    pub fn value(&self, row: usize, column: usize, channel: usize) -> u8 {
        self.row(row)[column * self.shape.channels + channel]
    }
}
