//! A [`Candidate`](crate::candidates::Candidate) and the reads around it -> a [`PileupImage`], the network's input.

pub mod channel;
pub mod image;
pub mod png;
pub mod render;
pub mod spec;

pub use channel::Channel;
pub use image::{ImageShape, PileupImage};
pub use render::{AltSet, alt_sets, render};
pub use spec::ImageSpec;
