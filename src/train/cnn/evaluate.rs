//! A network and labelled images -> its outputs, its loss and its confusion on them.

use tch::{Device, Kind, TchError, Tensor};

use super::batch::Batch;
use crate::error::Result;
use crate::predict::Probabilities;
use crate::predict::cnn::networks::Network;
use crate::train::confusion::Confusion;
use crate::train::examples::Example;
use crate::train::failed::failed;
use crate::train::options::TrainOptions;

/// Outputs of a network, on the CPU.
pub(in crate::train) struct Outputs {
    /// `[n, 3]`, f64.
    pub(in crate::train) logits: Tensor,
    /// The true classes: `[n]`, i64.
    pub(in crate::train) classes: Tensor,
}

/// How good a network is on the tune images.
pub(super) struct Evaluation {
    pub(super) loss: f64,
    pub(super) confusion: Confusion,
}

pub(super) fn evaluate(options: &TrainOptions, network: &dyn Network, examples: &[Example]) -> Result<Evaluation> {
    let Outputs { logits, classes } = outputs(options, network, examples)?;
    let loss = f64::try_from(logits.cross_entropy_for_logits(&classes)).map_err(failed)?;
    Ok(Evaluation { loss, confusion: confusion(&logits, examples)? })
}

/// What a network gives for examples.
pub(in crate::train) fn outputs(
    options: &TrainOptions,
    network: &dyn Network,
    examples: &[Example],
) -> Result<Outputs> {
    let all = || -> Result<Outputs, TchError> {
        let (mut logits, mut classes) = (Vec::new(), Vec::new());
        for examples in examples.chunks(options.batch) {
            let batch = Batch::of(options, examples)?;
            logits.push(network.forward(&batch.input, false).to_kind(Kind::Double).to_device(Device::Cpu));
            classes.push(batch.classes.to_device(Device::Cpu));
        }
        Ok(Outputs { logits: Tensor::f_cat(&logits, 0)?, classes: Tensor::f_cat(&classes, 0)? })
    };
    tch::no_grad(all).map_err(failed)
}

/// The probabilities of logits `[n, 3]` at a temperature.
pub(in crate::train) fn probabilities(logits: &Tensor, temperature: f64) -> Result<Vec<Probabilities>> {
    let rows = (logits / temperature).softmax(-1, Kind::Double);
    let rows = Vec::<Vec<f64>>::try_from(rows).map_err(failed)?;
    Ok(rows.into_iter().map(|p| Probabilities([p[0], p[1], p[2]])).collect())
}

/// True classes against the most probable ones of logits `[n, 3]`.
pub(in crate::train) fn confusion(logits: &Tensor, examples: &[Example]) -> Result<Confusion> {
    let predicted = Vec::<i64>::try_from(logits.argmax(-1, false)).map_err(failed)?;
    let mut confusion = Confusion::default();
    for (example, class) in examples.iter().zip(predicted) {
        confusion.add(example.snp, example.class, u8::try_from(class).unwrap_or(0));
    }
    Ok(confusion)
}
