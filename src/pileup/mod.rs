//! A [`Candidate`](crate::candidates::Candidate) and the reads around it -> a [`PileupImage`], the network's input.

mod alt_aligned;
pub(crate) mod alt_set;
pub(crate) mod channel;
mod colours;
mod encoding;
mod heat;
pub(crate) mod image;
pub(crate) mod png;
pub(crate) mod render;
pub(crate) mod rows;
pub(crate) mod spec;

pub use alt_set::{AltSet, alt_sets};
pub use channel::{Channel, Context, Pixel};
pub use heat::heat;
pub use image::{ImageShape, PileupImage};
pub use render::render;
pub use rows::READ_MARGIN;
pub use spec::{ImageSpec, REFERENCE_ROWS};
