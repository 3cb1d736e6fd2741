//! Data sets -> a model's folder: `AdamW` with warm-up and cosine decay, the best weights by F1 on the tune set.
//!
//! # Memory
//! A pool of [`FitOptions::pool`] images (155 kB each in the WGS shape) from which batches are drawn, and two batches on
//! their way. Images are made by one thread while the network learns.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crossbeam::channel::bounded;
use rand::Rng;
use rand_pcg::Pcg64;
use serde_json::json;
use tch::nn::OptimizerConfig;
use tch::{Device, Kind, Tensor, nn};

use super::evaluate::Confusion;
use super::stream::{DataSet, Example, examples};
use crate::classify::model_dir::{FORMAT, ModelConfig};
use crate::classify::networks::{self, Network};
use crate::classify::torch::first_line;
use crate::error::{Error, Result};
use crate::evidence::EvidenceOptions;
use crate::genome::ReferenceFile;
use crate::pileup::ImageSpec;

/// How a model is trained.
#[derive(Clone, Debug)]
pub struct FitOptions {
    /// The model's folder, made if missing.
    pub out: PathBuf,
    /// The model's name.
    pub name: String,
    /// The network.
    pub network: String,
    /// Its images.
    pub image: ImageSpec,
    /// Its evidence.
    pub evidence: EvidenceOptions,
    /// Passes over the training data.
    pub epochs: u32,
    /// Images in a batch.
    pub batch: usize,
    /// Images in the pool that batches are drawn from.
    pub pool: usize,
    /// Least share of a training region's reads that is kept; each region draws its own, up to all.
    pub least_kept: f64,
    /// Highest learning rate.
    pub learning_rate: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// Label smoothing.
    pub label_smoothing: f64,
    /// Most images of the tune set that are looked at.
    pub tune_images: usize,
    /// Seed of everything random.
    pub seed: u64,
    /// Where it runs.
    pub device: Device,
    /// Threads of libtorch.
    pub threads: usize,
}

/// Share of all steps in which the learning rate rises.
const WARM_UP: f64 = 0.03;
/// Steps between two lines of the log.
const LOG_STEPS: u64 = 50;

struct Trainer<'a> {
    options: &'a FitOptions,
    network: Box<dyn Network>,
    variables: nn::VarStore,
    optimizer: nn::Optimizer,
    log: File,
    step: u64,
}

/// Trains a model and writes its folder; returns the tune set's confusion under the weights kept.
///
/// # Errors
/// [`Error::Input`] for unreadable data, [`Error::Output`] where the folder cannot be written, [`Error::Internal`]
/// where libtorch fails.
pub fn fit(train: &[DataSet], tune: &[DataSet], reference: &ReferenceFile, options: &FitOptions) -> Result<Confusion> {
    let cannot = |e: std::io::Error| Error::output(&options.out, format!("cannot be written: {e}"));
    std::fs::create_dir_all(&options.out).map_err(cannot)?;
    let mut trainer = Trainer::new(options)?;
    let tune_examples = gather_tune(tune, reference, options)?;
    log::info!("{} tune images", tune_examples.len());
    let mut best: Option<(f64, Confusion)> = None;
    for epoch in 0..options.epochs {
        let started = Instant::now();
        let images = trainer.epoch(train, reference, epoch)?;
        let (loss, confusion) = trainer.evaluate(&tune_examples)?;
        let [snp, indel, both] = confusion.f1();
        log::info!(
            "epoch {} of {}: {images} images in {:.0} s, tune loss {loss:.4}, F1 {both:.4} (SNP {snp:.4}, indel {indel:.4})",
            epoch + 1,
            options.epochs,
            started.elapsed().as_secs_f64()
        );
        trainer.log_line(&format!("{},{},tune,{loss:.5},{both:.5},{snp:.5},{indel:.5}", trainer.step, epoch + 1))?;
        if best.as_ref().is_none_or(|(f1, _)| both > *f1) {
            best = Some((both, confusion));
            let training = json!({
                "command": "scripts/train", "seed": options.seed, "epochs": options.epochs, "kept_epoch": epoch + 1,
                "images_per_epoch": images, "batch": options.batch, "learning_rate": options.learning_rate,
                "weight_decay": options.weight_decay, "label_smoothing": options.label_smoothing, "least_kept": options.least_kept,
            });
            let measured = json!({
                "tune_images": tune_examples.len(), "tune_loss": loss, "image_f1": both, "image_f1_snp": snp,
                "image_f1_indel": indel, "confusion": confusion,
            });
            trainer.save(training, measured)?;
        }
    }
    best.map(|(_, confusion)| confusion).ok_or_else(|| Error::Usage("--epochs must be at least 1".into()))
}

fn gather_tune(tune: &[DataSet], reference: &ReferenceFile, options: &FitOptions) -> Result<Vec<Example>> {
    let mut kept = Vec::new();
    examples(tune, reference, options.evidence, &options.image, 1.0, options.seed, |example| {
        kept.push(example);
        kept.len() < options.tune_images
    })?;
    if kept.is_empty() {
        return Err(Error::Usage("the tune set gives no image; are its confident regions covered by reads?".into()));
    }
    Ok(kept)
}

impl<'a> Trainer<'a> {
    fn new(options: &'a FitOptions) -> Result<Self> {
        tch::manual_seed(options.seed.cast_signed());
        tch::set_num_threads(i32::try_from(options.threads.max(1)).unwrap_or(1));
        let variables = nn::VarStore::new(options.device);
        let network = networks::build(&options.network, &variables.root(), options.image.shape()).ok_or_else(|| {
            Error::Usage(format!("--network {}: known are {}", options.network, networks::NAMES.join(", ")))
        })?;
        let optimizer = nn::AdamW { wd: options.weight_decay, ..nn::AdamW::default() }
            .build(&variables, options.learning_rate)
            .map_err(|e| Error::Internal(first_line(&e)))?;
        let path = options.out.join("training.csv");
        let mut log = File::create(&path).map_err(|e| Error::output(&path, format!("cannot be written: {e}")))?;
        writeln!(log, "step,epoch,split,loss,f1_or_learning_rate,f1_snp,f1_indel")
            .map_err(|e| Error::output(&path, e.to_string()))?;
        Ok(Self { options, network, variables, optimizer, log, step: 0 })
    }

    fn log_line(&mut self, line: &str) -> Result<()> {
        writeln!(self.log, "{line}").map_err(|e| Error::output(self.options.out.join("training.csv"), e.to_string()))
    }

    /// One pass over the data; returns how many images were learned from.
    fn epoch(&mut self, train: &[DataSet], reference: &ReferenceFile, epoch: u32) -> Result<u64> {
        let options = self.options;
        let seed = options.seed.wrapping_add(1 + u64::from(epoch));
        let (sender, receiver) = bounded::<Example>(2 * options.batch);
        std::thread::scope(|scope| {
            let producer = scope.spawn(move || {
                examples(train, reference, options.evidence, &options.image, options.least_kept, seed, |example| {
                    sender.send(example).is_ok()
                })
            });
            let mut random = Pcg64::new(u128::from(seed), 2);
            let mut pool: Vec<Example> = Vec::with_capacity(options.pool);
            let mut drawn: Vec<Example> = Vec::with_capacity(options.batch);
            let (mut images, mut progress, mut open) = (0, 0.0, true);
            let mut recent = (0.0, 0_u32);
            while open || !pool.is_empty() {
                match receiver.recv() {
                    Ok(example) if open => {
                        progress = example.progress;
                        pool.push(example);
                    }
                    _ => open = false,
                }
                if open && pool.len() < options.pool || pool.is_empty() {
                    continue;
                }
                let slot = random.random_range(0..pool.len());
                drawn.push(pool.swap_remove(slot));
                if drawn.len() == options.batch {
                    let done = (f64::from(epoch) + progress) / f64::from(options.epochs);
                    let rate = learning_rate(options.learning_rate, done);
                    recent = (recent.0 + self.learn(&drawn, rate)?, recent.1 + 1);
                    images += drawn.len() as u64;
                    drawn.clear();
                    if self.step.is_multiple_of(LOG_STEPS) {
                        let loss = recent.0 / f64::from(recent.1);
                        log::info!(
                            "step {}, {:.1} %: loss {loss:.4}, learning rate {rate:.2e}",
                            self.step,
                            done * 100.0
                        );
                        self.log_line(&format!("{},{},train,{loss:.5},{rate:.3e},,", self.step, epoch + 1))?;
                        recent = (0.0, 0);
                    }
                }
            }
            producer.join().map_err(|_| Error::Internal("the thread that makes examples died".into()))??;
            Ok(images)
        })
    }

    /// One step on a batch; returns its loss.
    fn learn(&mut self, batch: &[Example], rate: f64) -> Result<f64> {
        let failed = |e: tch::TchError| Error::Internal(format!("training step failed: {}", first_line(&e)));
        let (images, classes) = self.tensors(batch)?;
        self.optimizer.set_lr(rate);
        let logits = self.network.forward(&images, true);
        let none: Option<&Tensor> = None;
        let loss = logits
            .f_cross_entropy_loss(&classes, none, tch::Reduction::Mean, -100, self.options.label_smoothing)
            .map_err(failed)?;
        self.optimizer.backward_step_clip_norm(&loss, 5.0);
        self.step += 1;
        f64::try_from(&loss).map_err(failed)
    }

    fn evaluate(&self, tune: &[Example]) -> Result<(f64, Confusion)> {
        let failed = |e: tch::TchError| Error::Internal(format!("evaluation failed: {}", first_line(&e)));
        let mut confusion = Confusion::default();
        let mut loss = 0.0;
        tch::no_grad(|| {
            for batch in tune.chunks(self.options.batch) {
                let (images, classes) = self.tensors(batch)?;
                let logits = self.network.forward(&images, false);
                let batch_loss = logits.cross_entropy_for_logits(&classes);
                #[allow(clippy::cast_precision_loss, reason = "a batch's size")]
                let weight = batch.len() as f64;
                loss += f64::try_from(&batch_loss).map_err(failed)? * weight;
                let predicted =
                    Vec::<i64>::try_from(logits.argmax(-1, false).to_device(Device::Cpu)).map_err(failed)?;
                for (example, class) in batch.iter().zip(predicted) {
                    confusion.add(example.snp, example.class, u8::try_from(class).unwrap_or(0));
                }
            }
            #[allow(clippy::cast_precision_loss, reason = "a number of images")]
            let n = tune.len() as f64;
            Ok((loss / n, confusion))
        })
    }

    /// Images `[n, height, width, channel]` u8 and classes `[n]` i64.
    fn tensors(&self, batch: &[Example]) -> Result<(Tensor, Tensor)> {
        let shape = self.options.image.shape();
        let size =
            [batch.len(), shape.height, shape.width, shape.channels].map(|n| i64::try_from(n).unwrap_or(i64::MAX));
        let bytes: Vec<u8> = batch.iter().flat_map(|example| example.image.bytes()).copied().collect();
        let images =
            Tensor::f_from_data_size(&bytes, &size, Kind::Uint8).map_err(|e| Error::Internal(first_line(&e)))?;
        let classes: Vec<i64> = batch.iter().map(|example| i64::from(example.class)).collect();
        Ok((images.to_device(self.options.device), Tensor::from_slice(&classes).to_device(self.options.device)))
    }

    fn save(&self, training: serde_json::Value, measured: serde_json::Value) -> Result<()> {
        let out = &self.options.out;
        let weights = out.join("weights.safetensors");
        self.variables.save(&weights).map_err(|e| Error::output(&weights, first_line(&e)))?;
        let config = ModelConfig {
            format: FORMAT,
            name: self.options.name.clone(),
            network: self.options.network.clone(),
            image: self.options.image.clone(),
            evidence: self.options.evidence,
            training,
            measured,
        };
        write_json(&out.join("model.json"), &config)
    }
}

fn write_json(path: &Path, config: &ModelConfig) -> Result<()> {
    let text = serde_json::to_string_pretty(config).map_err(|e| Error::Internal(format!("model.json: {e}")))?;
    std::fs::write(path, text + "\n").map_err(|e| Error::output(path, format!("cannot be written: {e}")))
}

/// Rises linearly, then falls as a cosine to a hundredth; `done` is 0 to 1.
fn learning_rate(highest: f64, done: f64) -> f64 {
    if done < WARM_UP {
        return highest * (0.01 + 0.99 * done / WARM_UP);
    }
    let rest = ((done - WARM_UP) / (1.0 - WARM_UP)).min(1.0);
    highest * (0.01 + 0.99 * 0.5 * (1.0 + (std::f64::consts::PI * rest).cos()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_learning_rate_rises_and_falls() {
        let at = |done| learning_rate(1.0, done);
        assert!(at(0.0) < 0.02 && at(1.0) < 0.02 && (at(WARM_UP) - 1.0).abs() < 1e-9);
        assert!(at(0.2) > at(0.5) && at(0.5) > at(0.9));
    }
}
