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

    /// The same without the empty rows behind the last read; at least one row.
    #[must_use]
    pub fn without_empty_rows(mut self) -> Self {
        let row = self.shape.width * self.shape.channels;
        let filled =
            self.data.iter().rposition(|&value| value != 0).map_or(1, |last| last / row + 1).min(self.shape.height);
        self.shape.height = filled;
        self.data = self.data[..filled * row].into();
        self
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_rows_behind_the_last_read_are_cut() {
        let of = |data: [u8; 8]| {
            let shape = ImageShape { height: 4, width: 1, channels: 2 };
            PileupImage::from_bytes(shape, data.into()).unwrap().without_empty_rows()
        };
        let cut = of([1, 0, 0, 0, 0, 7, 0, 0]);
        assert_eq!((cut.shape().height, cut.bytes()), (3, &[1, 0, 0, 0, 0, 7][..]));
        assert_eq!([of([0; 8]), of([9; 8])].map(|image| image.shape().height), [1, 4]);
    }
}
