//! A model and inputs -> predictions for single candidates, as a run would make them: for `show` and `explain`.

use super::backend;
use super::common;
use crate::candidates::Candidate;
use crate::error::Result;
use crate::evidence::Evidence;
use crate::inputs::Inputs;
use crate::model::Model;
use crate::pileup::AltSet;
use crate::predict::Prediction;
use crate::predict::decision::{Models, predict};
use crate::predict::small::SmallModel;
use crate::sample::{SampleProfile, survey};

/// All that predictions for a sample need.
pub(super) struct Classification {
    models: Models,
    profile: SampleProfile,
}

impl Classification {
    /// Loads the model's CNN and small model, and surveys the sample where there is one.
    pub(super) fn load(model: &Model, inputs: &Inputs) -> Result<Self> {
        let cnn = backend::device("auto", "auto")?.load(model, common::available_threads())?;
        let small = SmallModel::of(model)?;
        let profile = if small.is_some() {
            survey(inputs.reads(), inputs.reference(), model.config.evidence)?
        } else {
            SampleProfile::default()
        };
        Ok(Self { models: Models { small, cnn, image: model.config.image.clone() }, profile })
    }

    /// The predictions for a candidate.
    pub(super) fn predict(&mut self, candidate: &Candidate, evidence: &Evidence) -> Result<Vec<(AltSet, Prediction)>> {
        predict(candidate, evidence, self.profile, &mut self.models)
    }
}
