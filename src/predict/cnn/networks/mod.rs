//! The networks by name; one file each.

pub mod conv_norm;
pub mod inception_v3;
pub mod pileup_net;

use tch::{Kind, nn};

use inception_v3::InceptionV3;
use pileup_net::PileupNet;

use crate::pileup::ImageShape;

/// Names of all networks, as `model.json` gives them.
pub const NAMES: &[&str] = &[pileup_net::NAME, pileup_net::WIDE, inception_v3::NAME];

/// A network that maps `[n, height, width, channel]` (u8) to `[n, 3]` (logits of none, one, both).
pub trait Network: Send + std::fmt::Debug {
    /// Logits `[n, 3]`, fp32, of images `[n, height, width, channel]`, u8; `train` turns batch statistics on.
    fn forward(&self, images: &tch::Tensor, train: bool) -> tch::Tensor;

    /// Makes inference fast: from now on it uses the variables as they are at this moment, in `kind` where that pays.
    fn freeze(&mut self, kind: Kind);
}

/// The network of that name with fresh variables under `path`.
///
/// # Errors
/// A sentence, where there is no such network or it does not take such images.
pub fn build(name: &str, path: &nn::Path, shape: ImageShape) -> Result<Box<dyn Network>, String> {
    match name {
        pileup_net::NAME => Ok(Box::new(PileupNet::new(path, shape, pileup_net::WIDTHS))),
        pileup_net::WIDE => Ok(Box::new(PileupNet::new(path, shape, pileup_net::WIDER))),
        inception_v3::NAME => Ok(Box::new(InceptionV3::new(path, shape)?)),
        _ => Err(format!("there is no network '{name}'; known are {}", NAMES.join(", "))),
    }
}
