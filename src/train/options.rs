//! What is trained, and how: one struct for the command line and the library.

use std::path::{Path, PathBuf};

use tch::Device;

use crate::error::Result;
use crate::evidence::EvidenceOptions;
use crate::model::Model;
use crate::model::checksums::WEIGHTS;
use crate::pileup::ImageSpec;
use crate::predict::cnn::networks;
use crate::predict::small::{FeatureId, SmallNetwork};
use crate::train::examples::ExampleOptions;

/// What is trained; the rest is taken from the model in the output folder. Where it has a small model, the CNN learns from few of the
/// candidates of which that is certain. Where it then has both, temperatures, weights and limits are fitted in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Learn {
    /// The small model, then the CNN.
    All,
    /// The CNN.
    Network,
    /// The small model.
    SmallModel,
    /// Neither.
    Temperature,
}

/// How a model is trained.
#[derive(Clone, Debug)]
pub struct TrainOptions {
    /// The model's folder, made if missing.
    pub out: PathBuf,
    /// The model's name.
    pub name: String,
    /// The sequencing platform of its reads, as read groups name it (PL), where it is for one alone.
    pub platform: Option<String>,
    /// Under what terms it may be used, for `model.json`.
    pub license: Option<String>,
    /// The network's name.
    pub network: String,
    /// The model whose weights it begins with, in place of random ones. The means and variances of its batch norms then stay as
    /// they are: those of a few dozen images depend on depth, since empty rows count too.
    pub from: Option<Model>,
    /// Shape and channels of its images.
    pub image: ImageSpec,
    /// The features that the network takes with its images, as [`TrainOptions::image_features`] gives them.
    pub image_features: Vec<FeatureId>,
    /// How its evidence is gathered.
    pub evidence: EvidenceOptions,
    /// Passes over the training data.
    pub epochs: u32,
    /// Images in a batch.
    pub batch: usize,
    /// Images in the shuffle buffer that batches are drawn from.
    pub shuffle_buffer: usize,
    /// Regions between two checkpoints.
    pub checkpoint_interval: usize,
    /// Whether reads and images are augmented.
    pub augment: bool,
    /// Highest learning rate.
    pub learning_rate: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// Label smoothing.
    pub label_smoothing: f64,
    /// How far rare classes are weighted up: 0 not at all, 1 until all classes weigh the same.
    pub balance: f64,
    /// Evaluations on the tune sets in a pass over the data.
    pub evaluations: u32,
    /// Evaluations without a lower loss after which the CNN's training ends.
    pub patience: u32,
    /// Most images of the tune sets that are evaluated.
    pub tune_images: usize,
    /// Seed of everything random.
    pub seed: u64,
    /// Where the CNN runs.
    pub device: Device,
    /// Threads of libtorch.
    pub threads: usize,
    /// The command, for the model's card.
    pub command: String,
}

impl TrainOptions {
    /// Whether the network takes features with its images.
    pub(super) fn takes_features(&self) -> bool {
        networks::takes_features(&self.network)
    }

    /// The features that a CNN of that network takes: those that the one in the output folder takes where none is trained, those of the model `from` whose
    /// weights one begins with, or all that models learn from with that evidence; none where the network takes none.
    ///
    /// # Errors
    /// As [`Model::open`] and [`FeatureId::of_images`].
    pub fn image_features(
        network: &str,
        (out, from): (&Path, Option<&Model>),
        learn: Learn,
        evidence: &EvidenceOptions,
    ) -> Result<Vec<FeatureId>> {
        if !networks::takes_features(network) {
            return Ok(Vec::new());
        }
        let keeps = matches!(learn, Learn::SmallModel | Learn::Temperature) && out.join(WEIGHTS).exists();
        let kept = if keeps { Some(Model::open(out)?) } else { None };
        let learned = || Ok(FeatureId::learned(evidence.phasing.is_some()));
        kept.as_ref().or(from).map_or_else(learned, FeatureId::of_images)
    }

    /// How examples are made, augmented by that seed.
    pub(super) fn examples(&self, augment: Option<u64>) -> ExampleOptions {
        let (image, features) = (self.image.clone(), self.takes_features());
        ExampleOptions { evidence: self.evidence, image, augment, features, spare: None }
    }

    /// The seed of an epoch's order and augmentation.
    pub(super) fn epoch_seed(&self, epoch: u32) -> u64 {
        self.seed.wrapping_add(1 + u64::from(epoch))
    }

    /// All that decides the CNN's weights; `data` stands for the training data, and candidates of which the small model is certain are spared. A
    /// checkpoint of other settings is refused.
    pub(super) fn settings(&self, data: &str, small_model: Option<&SmallNetwork>) -> Result<String> {
        let from = self.from.as_ref().map(Model::checksum).transpose()?;
        let spare = small_model.map(SmallNetwork::checksum);
        Ok(format!(
            "{} from {from:?} data {data} small model {spare:?} {:?} {:?} epochs {} batch {} shuffle buffer {} checkpoint interval {} augment {} rate {} \
             decay {} smoothing {} balance {} seed {}",
            self.network,
            self.image,
            self.evidence,
            self.epochs,
            self.batch,
            self.shuffle_buffer,
            self.checkpoint_interval,
            self.augment,
            self.learning_rate,
            self.weight_decay,
            self.label_smoothing,
            self.balance,
            self.seed
        ))
    }
}
