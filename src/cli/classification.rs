//! A model and inputs -> predictions for single candidates, as a run would make them: for `show` and `explain`.

use super::backend;
use super::common;
use crate::candidates::Candidate;
use crate::error::Result;
use crate::evidence::Evidence;
use crate::explain::called;
use crate::genotype::{Call, CallOptions, Ploidy};
use crate::inputs::Inputs;
use crate::model::{Model, MultiAllelic};
use crate::pileup::AltSet;
use crate::predict::decision::{Models, predict};
use crate::predict::{AnySmallModel, Decider, Prediction, Predictor};

/// Loads a model's CNN and small model, and surveys the sample for them.
pub(super) fn models(model: &Model, inputs: &Inputs) -> Result<Models> {
    let cnn = backend::device("auto", "auto")?.load(model, common::available_threads())?;
    let decider = Decider::surveyed(AnySmallModel::of(model)?, cnn.as_ref(), inputs, model.config.evidence)?;
    Ok(Models { decider, cnn, image: model.config.image.clone() })
}

/// All that predictions for a sample need.
pub(super) struct Classification {
    models: Models,
    multi_allelic: MultiAllelic,
    ploidy: Ploidy,
}

impl Classification {
    /// Loads the model's CNN and small model, and surveys the sample for them.
    pub(super) fn load(model: &Model, inputs: &Inputs) -> Result<Self> {
        let (models, multi_allelic) = (models(model, inputs)?, model.config.multi_allelic);
        Ok(Self { models, multi_allelic, ploidy: Ploidy::default() })
    }

    /// With one copy of some contigs.
    pub(super) fn with(self, ploidy: Ploidy) -> Self {
        Self { ploidy, ..self }
    }

    /// The call of a candidate, and the model that decided; calls of overlapping sites do not change it.
    pub(super) fn call(&mut self, candidate: &Candidate, evidence: &Evidence) -> Result<(Call, Option<Predictor>)> {
        let predictions = self.predict(candidate, evidence)?;
        let predictor = predictions.first().map(|(_, prediction)| prediction.predictor);
        let haploid = self.ploidy.is_haploid(candidate.contig, candidate.position);
        let options = CallOptions { haploid, multi_allelic: self.multi_allelic };
        Ok((called(candidate, &predictions, options), predictor))
    }

    /// The predictions for a candidate.
    pub(super) fn predict(&mut self, candidate: &Candidate, evidence: &Evidence) -> Result<Vec<(AltSet, Prediction)>> {
        predict(candidate, evidence, &mut self.models)
    }
}
