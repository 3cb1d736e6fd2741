//! A [`Candidate`](crate::candidates::Candidate) and the reads around it -> a [`PileupImage`], the network's input.

pub(crate) mod channel;
pub(crate) mod image;
pub(crate) mod png;
pub(crate) mod render;
pub(crate) mod spec;

pub use channel::Channel;
pub use image::{ImageShape, PileupImage};
pub use render::{AltSet, READ_MARGIN, alt_sets, render};
pub use spec::ImageSpec;
