//! Data sets -> a model's folder: `AdamW` with warm-up and cosine decay, averaged weights, the best of them by F1 on the tune set.
//!
//! A pass over the data is cut into intervals of some hundred regions. Between two of them nothing is in flight, so there a run stores
//! its state; killed and begun again with the same settings, it goes on from there to the same weights.
//!
//! # Memory
//! A pool of [`FitOptions::pool`] images (155 kB each in the WGS shape) from which batches are drawn, two batches on their
//! way, and the tune set's images. Images are made by one thread while the network learns.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::time::Instant;

use crossbeam::channel::bounded;
use rand::Rng;
use rand_pcg::Pcg64;
use serde_json::json;
use tch::{Device, Kind, TchError, Tensor, nn};

use crate::error::{Error, Result};
use crate::evidence::EvidenceOptions;
use crate::files;
use crate::model::Checksums;
use crate::model::Model;
use crate::model::ModelConfig;
use crate::model::checksums::SMALL_MODEL;
use crate::model::config::FORMAT;
use crate::pileup::ImageSpec;
use crate::predict::Probabilities;
use crate::predict::cnn::networks::{self, Network};
use crate::predict::cnn::torch::{first_line, load_weights};
use crate::train::calibrate::best_temperature;
use crate::train::cnn::checkpoint::{Checkpoint, Progress, find};
use crate::train::confusion::Confusion;
use crate::train::data::{DataSet, Example, ExampleOptions, Job, examples, jobs};
use crate::train::optimizer::{AdamW, follow, sorted};
use crate::train::{failed, small};

/// How a model is trained.
#[derive(Clone, Debug)]
pub struct FitOptions {
    /// The model's folder, made if missing.
    pub out: PathBuf,
    /// The model's name.
    pub name: String,
    /// The network.
    pub network: String,
    /// The model whose weights it begins with, in place of random ones. The means and variances of its batch norms then stay as
    /// they are: those of a few dozen images depend on depth, since empty rows count too.
    pub from: Option<Model>,
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
    /// Evaluations on the tune set in a pass over the data.
    pub evaluations: u32,
    /// Evaluations on the tune set without a better F1 after which the run ends.
    pub patience: u32,
    /// Most images of the tune set that are evaluated.
    pub tune_images: usize,
    /// Seed of everything random.
    pub seed: u64,
    /// Where it runs.
    pub device: Device,
    /// Threads of libtorch.
    pub threads: usize,
    /// The command, for the model's card.
    pub command: String,
}

impl FitOptions {
    /// Examples as these options want them, changed by that seed.
    fn examples(&self, augment: Option<u64>) -> ExampleOptions {
        ExampleOptions { evidence: self.evidence, image: self.image.clone(), augment, features: false }
    }
}

/// Share of all steps in which the learning rate rises.
const WARM_UP: f64 = 0.03;
/// Steps between two lines of the log.
const LOG_STEPS: u64 = 50;

struct Trainer<'a> {
    options: &'a FitOptions,
    variables: nn::VarStore,
    network: Box<dyn Network>,
    averaged: nn::VarStore,
    averaged_network: Box<dyn Network>,
    optimizer: AdamW,
    checkpoint: Checkpoint,
    log: File,
    progress: Progress,
    /// Images seen of each class, for balance.
    classes: [u64; 3],
}

/// Trains a model, does the rest and writes its folder; returns the tune set's confusion under the weights kept.
///
/// # Errors
/// [`Error::Input`] for unreadable data or another run's checkpoint, [`Error::Output`] where the folder cannot be written,
/// [`Error::Internal`] where libtorch fails.
pub fn fit(train: &[DataSet], tune: &[DataSet], options: &FitOptions, rest: Rest) -> Result<Confusion> {
    let cannot = |e: std::io::Error| Error::output(&options.out, format!("cannot be written: {e}"));
    std::fs::create_dir_all(&options.out).map_err(cannot)?;
    let mut trainer = Trainer::new(options)?;
    let tune_examples = gather_tune(tune, options)?;
    log::info!("{} tune images", tune_examples.len());
    while trainer.progress.epoch < options.epochs && trainer.progress.since_best < options.patience {
        let epoch = trainer.progress.epoch;
        let all = jobs(train, options.evidence.region_size, options.seed.wrapping_add(1 + u64::from(epoch)));
        let intervals: Vec<&[Job]> = all.chunks(options.checkpoint_interval.max(1)).collect();
        let started = Instant::now();
        while let Some(jobs) = intervals.get(trainer.progress.interval) {
            trainer.interval(train, jobs, intervals.len())?;
            trainer.progress.interval += 1;
            let evaluations = |done: usize| done * options.evaluations.max(1) as usize / intervals.len();
            if trainer.progress.images > 0
                && evaluations(trainer.progress.interval) > evaluations(trainer.progress.interval - 1)
            {
                trainer.evaluate_averaged(&tune_examples)?;
            }
            trainer.save_state()?;
            if trainer.progress.since_best >= options.patience {
                log::info!("no better F1 in {} evaluations on the tune set; stopping", options.patience);
                break;
            }
        }
        log::info!("epoch {} of {}: {:.0} s", epoch + 1, options.epochs, started.elapsed().as_secs_f64());
        if trainer.progress.images == 0 {
            trainer.checkpoint.remove()?;
            let what =
                "its confident regions hold no candidate that reads show; check --confident, --truth and --reads";
            return Err(Error::input(train.first().map_or(&*options.out, |set| set.reads.path()), what));
        }
        if trainer.progress.since_best < options.patience {
            trainer.progress.epoch += 1;
            trainer.progress.interval = 0;
            trainer.save_state()?;
        }
    }
    let confusion = finish_with(train, &tune_examples, options, rest)?;
    trainer.checkpoint.remove()?;
    Ok(confusion)
}

/// What is done to a model once its network is learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// Its temperature is fitted.
    Temperature,
    /// That, and its small model is learned.
    SmallModel,
}

/// Does the rest for the model in the folder, whose network is learned; returns the confusion on the tune set.
///
/// # Errors
/// As [`fit`].
pub fn finish(train: &[DataSet], tune: &[DataSet], options: &FitOptions, rest: Rest) -> Result<Confusion> {
    finish_with(train, &gather_tune(tune, options)?, options, rest)
}

fn finish_with(train: &[DataSet], tune: &[Example], options: &FitOptions, rest: Rest) -> Result<Confusion> {
    let mut variables = nn::VarStore::new(options.device);
    let network = networks::build(&options.network, &variables.root(), options.image.shape(), 0)
        .map_err(|why| Error::Usage(format!("--network: {why}")))?;
    let model = Model::open(&options.out)?;
    model.checksum()?;
    load_weights(&mut variables, &model.weights(), &options.network)?;
    let (logits, classes) = outputs(options, network.as_ref(), tune)?;
    let temperature = best_temperature(&logits, &classes);
    log::info!("temperature {temperature:.3}");
    let mut config = model.config;
    config.temperature = (temperature * 1000.0).round() / 1000.0;
    if rest == Rest::SmallModel {
        let by_image = (&logits / config.temperature).softmax(-1, Kind::Double);
        let by_image = Vec::<Vec<f64>>::try_from(by_image).map_err(|e| failed(&e))?;
        let judged: Vec<small::Judged> = tune
            .iter()
            .zip(by_image)
            .filter_map(|(example, p)| {
                let by_image = Probabilities([p[0], p[1], p[2]]);
                Some(small::Judged { features: example.features?, class: example.class, by_image })
            })
            .collect();
        let made = options.examples(None);
        let (network, chosen) = small::learn(train, &judged, &made, options.augment, (options.seed, options.threads))?;
        network.write(&options.out.join(SMALL_MODEL))?;
        config.small_model = Some(chosen);
    }
    Model::write(&config, &options.out)?;
    confusion(&logits, tune)
}

fn gather_tune(tune: &[DataSet], options: &FitOptions) -> Result<Vec<Example>> {
    let mut kept = Vec::new();
    let made = ExampleOptions { features: true, ..options.examples(None) };
    examples(tune, &jobs(tune, options.evidence.region_size, options.seed), &made, |example| {
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
        let build = || {
            let variables = nn::VarStore::new(options.device);
            let network = networks::build(&options.network, &variables.root(), options.image.shape(), 0);
            network.map(|network| (variables, network)).map_err(|why| Error::Usage(format!("--network: {why}")))
        };
        let (mut variables, network) = build()?;
        if let Some(from) = &options.from {
            from.checksum()?;
            load_weights(&mut variables, &from.weights(), &options.network)?;
        }
        let (mut averaged, averaged_network) = build()?;
        averaged.copy(&variables).map_err(|e| failed(&e))?;
        averaged.freeze();
        let path = options.out.join("training.csv");
        let cannot = |e: std::io::Error| Error::output(&path, format!("cannot be written: {e}"));
        let settings = settings(options)?;
        let checkpoint = Checkpoint::of(&options.out);
        let progress = Progress {
            settings: settings.clone(),
            epoch: 0,
            interval: 0,
            step: 0,
            images: 0,
            best: None,
            since_best: 0,
            log_bytes: 0,
        };
        let mut optimizer = AdamW::new(&variables, options.weight_decay);
        let mut log = OpenOptions::new().create(true).write(true).truncate(false).open(&path).map_err(cannot)?;
        let mut classes = [0; 3];
        let progress = match checkpoint.load()? {
            None => progress,
            Some((found, tensors)) => {
                if found.settings != settings {
                    return Err(Error::input(
                        options.out.join("checkpoint"),
                        "is of a run with other settings; remove it to begin anew, or give the settings it had",
                    ));
                }
                restore(&variables, &averaged, &mut optimizer, &tensors).map_err(|e| failed(&e))?;
                let seen = find(&tensors, "classes").and_then(|t| Vec::<i64>::try_from(&t)).map_err(|e| failed(&e))?;
                classes.iter_mut().zip(seen).for_each(|(class, n)| *class = n.unsigned_abs());
                log::info!(
                    "resuming at step {}, epoch {}, checkpoint interval {}",
                    found.step,
                    found.epoch + 1,
                    found.interval + 1
                );
                found
            }
        };
        log.set_len(progress.log_bytes).and_then(|()| log.seek(SeekFrom::End(0))).map_err(cannot)?;
        if progress.log_bytes == 0 {
            writeln!(log, "step,epoch,split,loss,f1_or_learning_rate,f1_snp,f1_indel").map_err(cannot)?;
        }
        Ok(Self {
            options,
            variables,
            network,
            averaged,
            averaged_network,
            optimizer,
            checkpoint,
            log,
            progress,
            classes,
        })
    }

    fn log_line(&mut self, line: &str) -> Result<()> {
        writeln!(self.log, "{line}").map_err(|e| Error::output(self.options.out.join("training.csv"), e.to_string()))
    }

    fn save_state(&mut self) -> Result<()> {
        self.progress.log_bytes = self
            .log
            .stream_position()
            .map_err(|e| Error::output(self.options.out.join("training.csv"), e.to_string()))?;
        let named = |prefix: &'static str, variables: &nn::VarStore| {
            sorted(variables).into_iter().map(move |(name, tensor)| (format!("{prefix}.{name}"), tensor))
        };
        let mut tensors: Vec<(String, Tensor)> =
            named("weights", &self.variables).chain(named("average", &self.averaged)).collect();
        tensors.extend(self.optimizer.state());
        tensors.push(("classes".into(), Tensor::from_slice(&self.classes.map(u64::cast_signed))));
        self.checkpoint.save(&self.progress, &tensors)
    }

    /// Learns from the examples of some regions.
    fn interval(&mut self, train: &[DataSet], jobs: &[Job], intervals: usize) -> Result<()> {
        let options = self.options;
        let (epoch, interval) = (self.progress.epoch, self.progress.interval);
        let seed = options.seed.wrapping_add(1 + u64::from(epoch));
        let made = options.examples(options.augment.then_some(seed));
        #[allow(clippy::cast_precision_loss, reason = "some thousand intervals")]
        let done = (f64::from(epoch) + interval as f64 / intervals as f64) / f64::from(options.epochs);
        let rate = learning_rate(options.learning_rate, done);
        let (sender, receiver) = bounded::<Example>(2 * options.batch);
        std::thread::scope(|scope| {
            let producer = scope.spawn(move || examples(train, jobs, &made, |example| sender.send(example).is_ok()));
            let mut random = Pcg64::new(u128::from(seed) << 64 | interval as u128, 2);
            let mut pool: Vec<Example> = Vec::with_capacity(options.pool);
            let mut drawn: Vec<Example> = Vec::with_capacity(options.batch);
            let mut open = true;
            let mut recent = (0.0, 0_u32);
            while open || !pool.is_empty() {
                match receiver.recv() {
                    Ok(example) if open => pool.push(example),
                    _ => open = false,
                }
                if open && pool.len() < options.pool || pool.is_empty() {
                    continue;
                }
                let slot = random.random_range(0..pool.len());
                drawn.push(pool.swap_remove(slot));
                // A batch norm needs more than one image.
                if drawn.len() == options.batch || (pool.is_empty() && !open && drawn.len() > 1) {
                    recent = (recent.0 + self.learn(&drawn, rate)?, recent.1 + 1);
                    drawn.clear();
                    if self.progress.step.is_multiple_of(LOG_STEPS) {
                        let (step, loss) = (self.progress.step, recent.0 / f64::from(recent.1));
                        log::info!("step {step}, {:.1} %: loss {loss:.4}, learning rate {rate:.2e}", done * 100.0);
                        self.log_line(&format!("{step},{},train,{loss:.5},{rate:.3e},,", epoch + 1))?;
                        recent = (0.0, 0);
                    }
                }
            }
            producer.join().map_err(|_| Error::Internal("the thread that makes examples died".into()))?
        })
    }

    /// One step on a batch; returns its loss.
    fn learn(&mut self, batch: &[Example], rate: f64) -> Result<f64> {
        let (images, classes) = tensors(self.options, batch)?;
        for example in batch {
            self.classes[usize::from(example.class.min(2))] += 1;
        }
        let weights = class_weights(self.classes, self.options.balance);
        let weights = Tensor::from_slice(&weights).to_device(self.options.device);
        let step = || {
            let logits = self.network.forward(&images.into(), self.options.from.is_none());
            let mean = tch::Reduction::Mean;
            let smoothing = self.options.label_smoothing;
            let loss = logits.f_cross_entropy_loss(&classes, Some(&weights), mean, -100, smoothing)?;
            self.optimizer.step(&loss, rate)?;
            f64::try_from(&loss)
        };
        let loss = step().map_err(|e| failed(&e))?;
        if !loss.is_finite() {
            return Err(Error::Internal(format!(
                "training diverged at step {} (loss {loss}); lower --learning-rate",
                self.progress.step
            )));
        }
        self.progress.step += 1;
        self.progress.images += batch.len() as u64;
        follow(&self.averaged, &self.variables, self.progress.step).map_err(|e| failed(&e))?;
        Ok(loss)
    }

    /// Evaluates the averaged weights on the tune set; keeps the averaged weights if they are the best so far.
    fn evaluate_averaged(&mut self, tune: &[Example]) -> Result<()> {
        let (loss, confusion) = self.evaluate(tune)?;
        let [snp, indel, both] = confusion.f1();
        let Progress { step, epoch, images, .. } = self.progress;
        log::info!(
            "epoch {}, {images} images: tune loss {loss:.4}, F1 {both:.4} (SNP {snp:.4}, indel {indel:.4})",
            epoch + 1
        );
        self.log_line(&format!("{step},{},tune,{loss:.5},{both:.5},{snp:.5},{indel:.5}", epoch + 1))?;
        if self.progress.best.is_some_and(|best| both <= best) {
            self.progress.since_best += 1;
            return Ok(());
        }
        self.progress.best = Some(both);
        self.progress.since_best = 0;
        let options = self.options;
        let training = json!({
            "command": options.command, "seed": options.seed, "epochs": options.epochs, "kept_step": step,
            "kept_images": images, "batch": options.batch, "learning_rate": options.learning_rate,
            "weight_decay": options.weight_decay, "label_smoothing": options.label_smoothing,
            "balance": options.balance, "augment": options.augment,
        });
        let measured = json!({
            "tune_images": tune.len(), "tune_loss": loss, "image_f1": both, "image_f1_snp": snp,
            "image_f1_indel": indel, "confusion": confusion,
        });
        self.save(training, measured)
    }

    fn evaluate(&self, tune: &[Example]) -> Result<(f64, Confusion)> {
        let (logits, classes) = outputs(self.options, self.averaged_network.as_ref(), tune)?;
        let loss = f64::try_from(logits.cross_entropy_for_logits(&classes)).map_err(|e| failed(&e))?;
        Ok((loss, confusion(&logits, tune)?))
    }

    fn save(&self, training: serde_json::Value, measured: serde_json::Value) -> Result<()> {
        let out = &self.options.out;
        let weights = out.join("weights.safetensors");
        files::write_with(&weights, |temporary| {
            // Not by the store, which chooses the format by the name's end.
            let tensors: Vec<(String, Tensor)> = self.averaged.variables().into_iter().collect();
            Tensor::write_safetensors(&tensors, temporary).map_err(|e| Error::output(&weights, first_line(&e)))
        })?;
        let config = ModelConfig {
            format: FORMAT,
            name: self.options.name.clone(),
            network: self.options.network.clone(),
            image: self.options.image.clone(),
            image_features: Vec::new(),
            evidence: self.options.evidence,
            temperature: 1.0,
            small_model: None,
            checksums: Checksums::default(),
            training,
            measured,
        };
        Model::write(&config, out)
    }
}

/// All that decides a run, but for the data.
fn settings(options: &FitOptions) -> Result<String> {
    let from = options.from.as_ref().map(Model::checksum).transpose()?;
    Ok(format!(
        "{} from {from:?} {:?} {:?} epochs {} batch {} pool {} checkpoint interval {} augment {} rate {} decay {} smoothing {} balance {} seed {}",
        options.network,
        options.image,
        options.evidence,
        options.epochs,
        options.batch,
        options.pool,
        options.checkpoint_interval,
        options.augment,
        options.learning_rate,
        options.weight_decay,
        options.label_smoothing,
        options.balance,
        options.seed
    ))
}

fn restore(
    variables: &nn::VarStore,
    averaged: &nn::VarStore,
    optimizer: &mut AdamW,
    tensors: &HashMap<String, Tensor>,
) -> std::result::Result<(), TchError> {
    tch::no_grad(|| {
        for (prefix, variables) in [("weights", variables), ("average", averaged)] {
            for (name, mut tensor) in sorted(variables) {
                tensor.f_copy_(&find(tensors, &format!("{prefix}.{name}"))?)?;
            }
        }
        optimizer.restore(|name| find(tensors, name))
    })
}

/// What a network says of examples, `[n, 3]` f64, and their classes `[n]` i64, on the CPU.
fn outputs(options: &FitOptions, network: &dyn Network, examples: &[Example]) -> Result<(Tensor, Tensor)> {
    tch::no_grad(|| {
        let (mut logits, mut classes) = (Vec::new(), Vec::new());
        for batch in examples.chunks(options.batch) {
            let (images, of_batch) = tensors(options, batch)?;
            logits.push(network.forward(&images.into(), false).to_kind(Kind::Double).to_device(Device::Cpu));
            classes.push(of_batch.to_device(Device::Cpu));
        }
        Ok((Tensor::cat(&logits, 0), Tensor::cat(&classes, 0)))
    })
}

/// Images `[n, height, width, channel]` u8 and classes `[n]` i64.
fn tensors(options: &FitOptions, batch: &[Example]) -> Result<(Tensor, Tensor)> {
    let shape = options.image.shape();
    let size = [batch.len(), shape.height, shape.width, shape.channels].map(|n| i64::try_from(n).unwrap_or(i64::MAX));
    let bytes: Vec<u8> = batch.iter().flat_map(|example| example.image.bytes()).copied().collect();
    let images = Tensor::f_from_data_size(&bytes, &size, Kind::Uint8).map_err(|e| failed(&e))?;
    let classes: Vec<i64> = batch.iter().map(|example| i64::from(example.class)).collect();
    Ok((images.to_device(options.device), Tensor::from_slice(&classes).to_device(options.device)))
}

/// Predicted against true classes.
fn confusion(logits: &Tensor, examples: &[Example]) -> Result<Confusion> {
    let mut confusion = Confusion::default();
    for (example, class) in examples.iter().zip(predicted(logits)?) {
        confusion.add(example.snp, example.class, class);
    }
    Ok(confusion)
}

/// The most probable class of each row.
fn predicted(logits: &Tensor) -> Result<Vec<u8>> {
    let classes = Vec::<i64>::try_from(logits.argmax(-1, false)).map_err(|e| failed(&e))?;
    Ok(classes.into_iter().map(|class| u8::try_from(class).unwrap_or(0)).collect())
}

/// Weights of the classes, 1 on average over the images seen.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "counts of images; weights near 1")]
fn class_weights(seen: [u64; 3], balance: f64) -> [f32; 3] {
    let all = seen.iter().sum::<u64>().max(1) as f64;
    let raw = seen.map(|n| ((n + 1) as f64 / all).powf(-balance));
    let mean = raw.iter().zip(seen).map(|(weight, n)| weight * n as f64).sum::<f64>() / all;
    raw.map(|weight| (weight / mean) as f32)
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

    #[test]
    fn balance_raises_rare_classes() {
        assert!(class_weights([10, 20, 70], 0.0).iter().all(|weight| (weight - 1.0).abs() < 1e-6));
        let [a, b, c] = class_weights([999, 1999, 6999], 1.0);
        assert!(a > b && b > c && (a / c - 7.0).abs() < 0.01);
        assert!((0.1 * a + 0.2 * b + 0.7 * c - 1.0).abs() < 0.01);
    }
}
