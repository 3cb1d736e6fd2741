//! A network's name -> the network with its variables.

use tch::nn;

use crate::error::{Error, Result};
use crate::model::Model;
use crate::predict::cnn::networks::{self, Network};
use crate::predict::cnn::torch::load_weights;
use crate::train::options::TrainOptions;

/// A network and its variables.
pub(in crate::train) struct Net {
    pub(in crate::train) variables: nn::VarStore,
    pub(in crate::train) network: Box<dyn Network>,
}

impl Net {
    /// With fresh variables.
    pub(in crate::train) fn new(options: &TrainOptions) -> Result<Self> {
        let variables = nn::VarStore::new(options.device);
        let network =
            networks::build(&options.network, &variables.root(), options.image.shape(), options.image_features.len());
        Ok(Self { network: network.map_err(Error::Usage)?, variables })
    }

    /// Takes a model's weights.
    pub(in crate::train) fn load(&mut self, model: &Model, options: &TrainOptions) -> Result<()> {
        model.checksum()?;
        load_weights(&mut self.variables, &model.weights(), &options.network)
    }
}
