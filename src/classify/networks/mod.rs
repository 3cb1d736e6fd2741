//! The networks by name; one file each.

pub mod pileup_net;

use tch::nn;

use pileup_net::PileupNet;

use crate::pileup::ImageShape;

/// Names of all networks, as `model.json` gives them.
pub const NAMES: &[&str] = &[pileup_net::NAME];

/// A network that maps `[n, height, width, channel]` (u8) to `[n, 3]` (logits of none, one, both).
pub trait Network: Send + std::fmt::Debug {
    /// Logits `[n, 3]`, fp32, of images `[n, height, width, channel]`, u8; `train` turns batch statistics on.
    fn forward(&self, images: &tch::Tensor, train: bool) -> tch::Tensor;
}

/// The network of that name with fresh variables under `path`, or `None`.
#[must_use]
pub fn build(name: &str, path: &nn::Path, shape: ImageShape) -> Option<Box<dyn Network>> {
    match name {
        pileup_net::NAME => Some(Box::new(PileupNet::new(path, shape))),
        _ => None,
    }
}
