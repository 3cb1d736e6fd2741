//! A trained network -> a model's folder without a small model: `weights.safetensors`, `model.json`.

use serde_json::{Value, json};
use tch::{Tensor, nn};

use super::checkpoint::Progress;
use super::evaluate::Evaluation;
use crate::error::{Error, Result};
use crate::files;
use crate::model::checksums::WEIGHTS;
use crate::model::config::FORMAT;
use crate::model::{Checksums, Model, ModelConfig, MultiAllelic};
use crate::predict::cnn::torch::first_line;
use crate::train::options::TrainOptions;

/// What the model's card says of the training.
pub(super) fn training(options: &TrainOptions, progress: &Progress, data: &Value) -> Value {
    json!({
        "command": options.command, "data": data, "seed": options.seed, "epochs": options.epochs,
        "kept_step": progress.step, "kept_images": progress.images, "batch": options.batch,
        "learning_rate": options.learning_rate, "weight_decay": options.weight_decay,
        "label_smoothing": options.label_smoothing, "balance": options.balance, "augment": options.augment,
    })
}

/// What it says of the evaluation on the tune images.
pub(super) fn measured(evaluation: &Evaluation, tune_images: usize) -> Value {
    let [snp, indel, both] = evaluation.confusion.f1();
    json!({
        "tune_images": tune_images, "tune_loss": evaluation.loss, "image_f1": both, "image_f1_snp": snp,
        "image_f1_indel": indel, "confusion": evaluation.confusion,
    })
}

/// Writes the model.
pub(super) fn model(options: &TrainOptions, variables: &nn::VarStore, training: Value, measured: Value) -> Result<()> {
    let weights = options.out.join(WEIGHTS);
    files::write_with(&weights, |temporary| {
        // Not by the store, which chooses the format by the name's end.
        let tensors: Vec<(String, Tensor)> = variables.variables().into_iter().collect();
        Tensor::write_safetensors(&tensors, temporary).map_err(|e| Error::output(&weights, first_line(&e)))
    })?;
    let config = ModelConfig {
        format: FORMAT,
        name: options.name.clone(),
        platform: options.platform.clone(),
        network: options.network.clone(),
        image: options.image.clone(),
        evidence: options.evidence,
        temperature: 1.0,
        multi_allelic: MultiAllelic::Product,
        rules: None,
        small_model: None,
        imported_small_model: None,
        license: options.license.clone(),
        checksums: Checksums::default(),
        training,
        measured,
        image_features: options.image_features.iter().copied().map(String::from).collect(),
    };
    Model::write(&config, &options.out)
}
