//! The networks by name; one file each.

pub mod conv_norm;
pub mod inception_v3;
pub mod pileup_net;

use tch::{Kind, nn};

use inception_v3::InceptionV3;
use pileup_net::PileupNet;

use crate::pileup::ImageShape;

/// A network that maps `[n, height, width, channel]` (u8) to `[n, 3]` (logits of hom-ref, het, hom-alt).
pub trait Network: Send + std::fmt::Debug {
    /// Logits `[n, 3]`, fp32, of images `[n, height, width, channel]`, u8; `train` turns batch statistics on.
    fn forward(&self, images: &tch::Tensor, train: bool) -> tch::Tensor;

    /// Prepares for inference: from now on the variables' present values are used, in `kind` where that is faster.
    fn freeze(&mut self, kind: Kind);
}

/// Makes a network with fresh variables, or says why it cannot take such images.
type Build = fn(&nn::Path, ImageShape) -> Result<Box<dyn Network>, String>;

/// All networks by their names in `model.json`. A new one is a file in this folder and a line here.
const NETWORKS: &[(&str, Build)] = &[
    (pileup_net::NAME, |path, shape| Ok(Box::new(PileupNet::new(path, shape, pileup_net::WIDTHS)))),
    (pileup_net::WIDE, |path, shape| Ok(Box::new(PileupNet::new(path, shape, pileup_net::WIDER)))),
    (inception_v3::NAME, |path, shape| Ok(Box::new(InceptionV3::new(path, shape)?))),
];

/// The network of that name with fresh variables under `path`.
///
/// # Errors
/// A sentence, where there is no such network or it does not take such images.
pub fn build(name: &str, path: &nn::Path, shape: ImageShape) -> Result<Box<dyn Network>, String> {
    let Some((_, build)) = NETWORKS.iter().find(|(known, _)| *known == name) else {
        let names: Vec<&str> = NETWORKS.iter().map(|(known, _)| *known).collect();
        return Err(format!("there is no network '{name}'; known are {}", names.join(", ")));
    };
    build(path, shape)
}
