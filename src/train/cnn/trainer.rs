//! Data sets -> the weights of a CNN: `AdamW` on shuffled batches, averaged weights, the best of them by loss on the tune images.
//!
//! A pass over the data is cut into checkpoint intervals of some hundred regions. Between two of them nothing is in flight, so there a run
//! stores its state; killed and started again with the same settings, it resumes there and reaches the same weights.
//!
//! # Memory
//! A shuffle buffer of [`TrainOptions::shuffle_buffer`] images (66 kB each of 64 x 147), those of some regions on their way, and the tune images.
//! Two threads make images while the network learns.

use std::time::Instant;

use crossbeam_channel::bounded;
use rand_pcg::Pcg64;
use tch::{Kind, TchError, Tensor};

use super::average::follow;
use super::batch::{Batch, ShuffleBuffer};
use super::checkpoint::{Checkpoint, Progress, Saved};
use super::evaluate::evaluate;
use super::log_file::LogFile;
use super::net::Net;
use super::save;
use super::schedule::{class_weights, learning_rate};
use crate::error::{Error, Result};
use crate::predict::small::{SmallModel, SmallNetwork};
use crate::train::examples::{Example, ExampleMaker, ExampleOptions, Job, jobs};
use crate::train::failed::failed;
use crate::train::moments::Moments;
use crate::train::optimizer::{AdamW, sorted};
use crate::train::options::TrainOptions;
use crate::train::sets::Sets;
use crate::train::small::UNCALIBRATED;

/// Regions that the means of features are taken from: some thousand candidates.
const STANDARDISED_REGIONS: usize = 3000;
/// Threads that make images, and regions whose images each has ready at most.
const PRODUCERS: usize = 2;
const MADE_AHEAD: usize = 16;
/// Steps between two lines of the log.
const LOG_STEPS: u64 = 50;

/// The state of a run.
pub(in crate::train) struct Trainer<'a> {
    sets: &'a Sets,
    options: &'a TrainOptions,
    /// The small model whose certain candidates give few images, if there is one.
    spare: Option<SmallModel>,
    net: Net,
    averaged: Net,
    optimizer: AdamW,
    pub(in crate::train) checkpoint: Checkpoint,
    log: LogFile,
    progress: Progress,
    /// Images seen of each class, for balance.
    classes: [u64; 3],
}

/// Part of an epoch.
struct Interval<'a> {
    jobs: &'a [Job],
    /// Share of the whole run that lies before it.
    done: f64,
}

/// The mean loss since the last line of the log.
#[derive(Default)]
struct MeanLoss {
    sum: f64,
    steps: u32,
}

/// Tells a new network the small model that it adds to, or else the mean and the scale of each feature in the first regions of the training data.
fn standardise(net: &mut Net, sets: &Sets, options: &TrainOptions, small_model: Option<&SmallNetwork>) -> Result<()> {
    let of_same_features = small_model.filter(|known| known.features == options.image_features);
    if net.network.add_to(of_same_features).map_err(Error::Usage)? {
        return Ok(());
    }
    let seed = options.epoch_seed(0);
    let jobs = jobs(&sets.train, options.evidence.region_size, seed);
    let mut known = Vec::new();
    let made = options.examples(options.augment.then_some(seed));
    let mut maker = ExampleMaker::new(&sets.train, made)?;
    for job in &jobs[..jobs.len().min(STANDARDISED_REGIONS)] {
        known.extend(maker.described(job)?);
    }
    let Moments { mean, scale } = Moments::of(&known, &options.image_features);
    net.network.standardise(&mean, &scale);
    Ok(())
}

impl<'a> Trainer<'a> {
    /// Begins a run, or resumes the one whose checkpoint lies in the model's folder.
    pub(in crate::train) fn new(
        sets: &'a Sets,
        options: &'a TrainOptions,
        small_model: Option<&SmallNetwork>,
    ) -> Result<Self> {
        std::fs::create_dir_all(&options.out)
            .map_err(|e| Error::output(&options.out, format!("cannot be written: {e}")))?;
        tch::manual_seed(options.seed.cast_signed());
        tch::set_num_threads(i32::try_from(options.threads.max(1)).unwrap_or(1));
        let progress = Progress::begin(options.settings(&sets.manifest.checksum(), small_model)?);
        let spare = small_model.map(|network| SmallModel::new(network.clone(), UNCALIBRATED));
        let checkpoint = Checkpoint::of(&options.out);
        let saved = checkpoint.load(&progress.settings)?;
        let mut net = Net::new(options)?;
        match &options.from {
            Some(from) => net.load(from, options)?,
            // A checkpoint has them.
            None if options.takes_features() && saved.is_none() => standardise(&mut net, sets, options, small_model)?,
            None => {}
        }
        let mut averaged = Net::new(options)?;
        averaged.variables.copy(&net.variables).map_err(failed)?;
        averaged.variables.freeze();
        let log = LogFile::open(&options.out, saved.as_ref().map_or(0, |saved| saved.progress.log_bytes))?;
        let optimizer = AdamW::new(&net.variables, options.weight_decay);
        let mut trainer =
            Self { sets, options, spare, net, averaged, optimizer, checkpoint, log, progress, classes: [0; 3] };
        if let Some(saved) = saved {
            trainer.restore(&saved).map_err(failed)?;
            let Progress { step, epoch, interval, .. } = trainer.progress;
            log::info!("resuming at step {step}, epoch {}, checkpoint interval {}", epoch + 1, interval + 1);
        }
        Ok(trainer)
    }

    /// Trains to the end; the best weights are then in the model's folder.
    pub(in crate::train) fn run(&mut self, tune: &[Example]) -> Result<()> {
        let options = self.options;
        while self.progress.epoch < options.epochs && !self.is_over() {
            let epoch = self.progress.epoch;
            let started = Instant::now();
            self.epoch(tune)?;
            log::info!("epoch {} of {}: {:.0} s", epoch + 1, options.epochs, started.elapsed().as_secs_f64());
            if self.progress.images == 0 {
                self.checkpoint.remove()?;
                let problem = "its training sets give no image; do reads with variants cover their confident regions?";
                return Err(Error::input(self.sets.manifest.path(), problem));
            }
            if !self.is_over() {
                self.progress.epoch += 1;
                self.progress.interval = 0;
                self.save_state()?;
            }
        }
        Ok(())
    }

    /// Whether there is nothing to gain: no lower loss for a while.
    fn is_over(&self) -> bool {
        self.progress.since_best >= self.options.patience
    }

    /// The rest of an epoch.
    fn epoch(&mut self, tune: &[Example]) -> Result<()> {
        let options = self.options;
        let epoch = self.progress.epoch;
        let all = jobs(&self.sets.train, options.evidence.region_size, options.epoch_seed(epoch));
        let intervals: Vec<&[Job]> = all.chunks(options.checkpoint_interval.max(1)).collect();
        while let Some(&jobs) = intervals.get(self.progress.interval) {
            #[allow(clippy::cast_precision_loss, reason = "some thousand intervals")]
            let of_epoch = self.progress.interval as f64 / intervals.len() as f64;
            self.interval(&Interval { jobs, done: (f64::from(epoch) + of_epoch) / f64::from(options.epochs) })?;
            self.progress.interval += 1;
            let due = |done: usize| done * options.evaluations.max(1) as usize / intervals.len();
            let is_due = due(self.progress.interval) > due(self.progress.interval - 1);
            if self.progress.images > 0 && is_due {
                self.evaluate_averaged(tune)?;
            }
            self.save_state()?;
            if self.is_over() {
                log::info!("no lower loss in {} evaluations on the tune sets; stopping", options.patience);
                break;
            }
        }
        Ok(())
    }

    /// Learns from the examples of a checkpoint interval.
    fn interval(&mut self, interval: &Interval) -> Result<()> {
        let (sets, options) = (self.sets, self.options);
        let seed = options.epoch_seed(self.progress.epoch);
        let spare = self.spare.clone();
        let made = ExampleOptions { spare, ..options.examples(options.augment.then_some(seed)) };
        let random = Pcg64::new(u128::from(seed) << 64 | self.progress.interval as u128, 2);
        let rate = learning_rate(options.learning_rate, interval.done);
        std::thread::scope(|scope| {
            let (mut made_by, mut producers) = (Vec::new(), Vec::new());
            for first in 0..PRODUCERS {
                let (sender, receiver) = bounded(MADE_AHEAD);
                let (made, jobs) = (made.clone(), interval.jobs);
                producers.push(scope.spawn(move || -> Result<()> {
                    let mut maker = ExampleMaker::new(&sets.train, made)?;
                    for job in jobs.iter().skip(first).step_by(PRODUCERS) {
                        if sender.send(maker.examples(job)?).is_err() {
                            break;
                        }
                    }
                    Ok(())
                }));
                made_by.push(receiver);
            }
            // In the order of the regions, whichever thread is faster. Where a step fails the channels are dropped, which ends the producers.
            let in_order = (0..interval.jobs.len()).map_while(move |i| made_by[i % PRODUCERS].recv().ok()).flatten();
            let shuffled = ShuffleBuffer::new(in_order, options.shuffle_buffer, random);
            let mut batch: Vec<Example> = Vec::with_capacity(options.batch);
            let mut recent = MeanLoss::default();
            for example in shuffled {
                batch.push(example);
                if batch.len() == options.batch {
                    self.learn(&batch, rate, &mut recent, interval.done)?;
                    batch.clear();
                }
            }
            // A batch norm needs more than one image.
            if batch.len() > 1 {
                self.learn(&batch, rate, &mut recent, interval.done)?;
            }
            producers.into_iter().try_for_each(|producer| {
                producer.join().map_err(|_| Error::Internal("a thread that makes examples died".into()))?
            })
        })
    }

    /// One step on a batch, logged now and then.
    fn learn(&mut self, batch: &[Example], rate: f64, recent: &mut MeanLoss, done: f64) -> Result<()> {
        recent.sum += self.step(batch, rate)?;
        recent.steps += 1;
        let Progress { step, epoch, .. } = self.progress;
        if step.is_multiple_of(LOG_STEPS) {
            let loss = recent.sum / f64::from(recent.steps);
            log::info!("step {step}, {:.1} %: loss {loss:.4}, learning rate {rate:.2e}", done * 100.0);
            self.log.line(&format!("{step},{},train,{loss:.5},{rate:.3e},,", epoch + 1))?;
            *recent = MeanLoss::default();
        }
        Ok(())
    }

    /// One step on a batch; returns its loss.
    fn step(&mut self, examples: &[Example], rate: f64) -> Result<f64> {
        let options = self.options;
        for example in examples {
            self.classes[usize::from(example.class.min(2))] += 1;
        }
        let weights = Tensor::from_slice(&class_weights(self.classes, options.balance)).to_device(options.device);
        let mut step = || {
            let batch = Batch::of(options, examples)?;
            let logits = self.net.network.forward(&batch.input, options.from.is_none());
            let (each, smoothing) = (tch::Reduction::None, options.label_smoothing);
            let losses = logits.f_cross_entropy_loss(&batch.classes, Some(&weights), each, -100, smoothing)?;
            let counted = weights.f_index_select(0, &batch.classes)? * &batch.weights;
            let loss = (losses * &batch.weights).f_sum(Kind::Float)? / counted.f_sum(Kind::Float)?;
            self.optimizer.step(&loss, rate)?;
            f64::try_from(&loss)
        };
        let loss = step().map_err(failed)?;
        if !loss.is_finite() {
            let step = self.progress.step;
            return Err(Error::Internal(format!(
                "training diverged at step {step} (loss {loss}); lower the learning rate"
            )));
        }
        self.progress.step += 1;
        self.progress.images += examples.len() as u64;
        follow(&self.averaged.variables, &self.net.variables, self.progress.step).map_err(failed)?;
        Ok(loss)
    }

    /// Evaluates the averaged weights on the tune images and keeps them if they are the best so far.
    fn evaluate_averaged(&mut self, tune: &[Example]) -> Result<()> {
        let evaluation = evaluate(self.options, self.averaged.network.as_ref(), tune)?;
        let ([snp, indel, both], loss) = (evaluation.confusion.f1(), evaluation.loss);
        let Progress { step, epoch, images, .. } = self.progress;
        log::info!(
            "epoch {}, {images} images: tune loss {loss:.4}, F1 {both:.4} (SNP {snp:.4}, indel {indel:.4})",
            epoch + 1
        );
        self.log.line(&format!("{step},{},tune,{loss:.5},{both:.5},{snp:.5},{indel:.5}", epoch + 1))?;
        if self.progress.best.is_some_and(|best| loss >= best) {
            self.progress.since_best += 1;
            return Ok(());
        }
        self.progress.best = Some(loss);
        self.progress.since_best = 0;
        let training = save::training(self.options, &self.progress, &self.sets.manifest.written());
        save::model(self.options, &self.averaged.variables, training, save::measured(&evaluation, tune.len()))
    }

    fn save_state(&mut self) -> Result<()> {
        self.progress.log_bytes = self.log.length()?;
        let stores = [("weights", &self.net), ("average", &self.averaged)];
        let mut tensors: Vec<(String, Tensor)> = stores
            .into_iter()
            .flat_map(|(prefix, net)| {
                let named = move |(name, tensor)| (format!("{prefix}.{name}"), tensor);
                sorted(&net.variables).into_iter().map(named)
            })
            .collect();
        tensors.extend(self.optimizer.state());
        tensors.push(("classes".into(), Tensor::from_slice(&self.classes.map(u64::cast_signed))));
        self.checkpoint.save(&self.progress, &tensors)
    }

    /// Takes up a checkpoint's state.
    fn restore(&mut self, saved: &Saved) -> Result<(), TchError> {
        tch::no_grad(|| {
            for (prefix, net) in [("weights", &self.net), ("average", &self.averaged)] {
                for (name, mut tensor) in sorted(&net.variables) {
                    tensor.f_copy_(&saved.tensor(&format!("{prefix}.{name}"))?)?;
                }
            }
            self.optimizer.restore(|name| saved.tensor(name))
        })?;
        let seen = Vec::<i64>::try_from(&saved.tensor("classes")?)?;
        self.classes.iter_mut().zip(seen).for_each(|(class, n)| *class = n.unsigned_abs());
        self.progress = saved.progress.clone();
        Ok(())
    }
}
