//! The networks by name; one file each.

pub(crate) mod conv_norm;
mod ensemble;
pub(crate) mod inception_v3;
pub(crate) mod pileup_net;
pub(crate) mod rows_net;

use tch::{Device, Kind, TchError, Tensor, nn};

use inception_v3::InceptionV3;
use pileup_net::PileupNet;
use rows_net::RowsNet;

use crate::pileup::ImageShape;
use crate::predict::cnn::BATCH_SIZE;
use crate::predict::small::{FeatureId, Features, SmallNetwork};

/// What a network is given.
#[derive(Debug)]
pub struct Input {
    /// Images `[n, height, width, channel]`, u8.
    pub images: Tensor,
    /// Features of their alleles `[n, k + 1]`, fp32, those that the model names; the last column is 1 where they are known, and where it is 0 the
    /// others are too. `k` is 0 for a network that takes none.
    pub features: Tensor,
}

impl Input {
    /// Images of one shape, as bytes, with the features of their candidates where they are known.
    ///
    /// # Errors
    /// What libtorch says of them.
    pub fn new(
        images: &[u8],
        size: [usize; 4],
        features: &[Option<Features>],
        taken: &[FeatureId],
        device: Device,
    ) -> Result<Self, TchError> {
        let width = taken.len() + 1;
        let mut numbers = vec![0.0_f32; size[0] * width];
        for (row, features) in numbers.chunks_exact_mut(width).zip(features) {
            let Some(features) = features else { continue };
            row.iter_mut().zip(taken).for_each(|(slot, feature)| *slot = feature.of(features));
            row[width - 1] = 1.0;
        }
        let [n, height, width_of_image, channels] = size.map(|n| i64::try_from(n).unwrap_or(i64::MAX));
        let images = Tensor::f_from_data_size(images, &[n, height, width_of_image, channels], Kind::Uint8)?;
        let features = Tensor::f_from_slice(&numbers)?.f_reshape([n, -1])?;
        Ok(Self { images: images.f_to_device(device)?, features: features.f_to_device(device)? })
    }
}

impl From<Tensor> for Input {
    /// Images without features.
    fn from(images: Tensor) -> Self {
        let features = Tensor::zeros([images.size()[0], 1], (Kind::Float, images.device()));
        Self { images, features }
    }
}

/// A network that maps images and features to `[n, 3]` (logits of hom-ref, het, hom-alt).
pub trait Network: Send + std::fmt::Debug {
    /// Logits `[n, 3]`, fp32; `train` turns batch statistics on.
    fn forward(&self, input: &Input, train: bool) -> Tensor;

    /// Images that it takes at once on a CPU: a batch is filled up to a multiple of so many, so that results do not depend on its other images.
    fn images_at_once(&self) -> usize {
        BATCH_SIZE
    }

    /// Tells a network that has just been made the mean and the scale of each feature in the training data.
    fn standardise(&mut self, _mean: &[f32], _scale: &[f32]) {}

    /// Gives a network that has just been made the small model of the same features, if there is one, whose logits it adds to, with its means and
    /// scales; false where it stands alone.
    ///
    /// # Errors
    /// A sentence, where it cannot do without that model, or that has another shape.
    fn add_to(&mut self, _small_model: Option<&SmallNetwork>) -> Result<bool, String> {
        Ok(false)
    }

    /// Prepares for inference: from now on the variables' present values are used, in `kind` where that is faster.
    fn freeze(&mut self, kind: Kind);
}

/// Makes a network with fresh variables for images of a shape and a number of features, or says why it cannot take such images.
type Build = fn(&nn::Path, ImageShape, usize) -> Result<Box<dyn Network>, String>;

/// All networks by their names in `model.json`, and whether they take features. A new one is a file in this folder and a line here.
const NETWORKS: &[(&str, bool, Build)] = &[
    (pileup_net::NAME, false, |path, shape, _| Ok(Box::new(PileupNet::new(path, shape, pileup_net::WIDTHS)))),
    (pileup_net::WIDE, false, |path, shape, _| Ok(Box::new(PileupNet::new(path, shape, pileup_net::WIDER)))),
    (inception_v3::NAME, false, |path, shape, _| Ok(Box::new(InceptionV3::new(path, shape)?))),
    (rows_net::NAME, true, |path, shape, features| Ok(Box::new(RowsNet::new(path, shape, features, false)?))),
    (rows_net::RESIDUAL, true, |path, shape, features| Ok(Box::new(RowsNet::new(path, shape, features, true)?))),
];

/// Whether the network of that name takes features with its images.
#[must_use]
pub fn takes_features(name: &str) -> bool {
    NETWORKS.iter().any(|(known, takes_features, _)| *known == name && *takes_features)
}

/// The network of that name with fresh variables under `path`, for images of `shape` and so many features.
///
/// # Errors
/// A sentence, where there is no such network or it does not take such images.
pub fn build(name: &str, path: &nn::Path, shape: ImageShape, features: usize) -> Result<Box<dyn Network>, String> {
    let Some((_, _, build)) = NETWORKS.iter().find(|(known, ..)| *known == name) else {
        let names: Vec<&str> = NETWORKS.iter().map(|(known, ..)| *known).collect();
        return Err(format!("there is no network '{name}'; known are {}", names.join(", ")));
    };
    build(path, shape, features)
}
