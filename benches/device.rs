//! A device and a model's network: whether its calls are those of the CPU, how fast it is, and how long it waits.
//!
//! ```text
//! cargo run --release --example device -- DEVICE MODEL REFERENCE READS REGION [BATCH...]
//! ```
//!
//! `scripts/check-gpu` runs it. Every candidate of the region is classified by the CNN, on the CPU in fp32 and on the device in each precision. Exit
//! code 0: the device's probabilities are within 1e-3 of the CPU's in fp32, and the genotypes are the same; 1: they are not, or something failed;
//! 77: there is no such device.

#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "small numbers")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "its results")]

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use tch::Device;
use varpix::genotype::Call;
use varpix::inputs::Inputs;
use varpix::model::Model;
use varpix::pileup::ImageShape;
use varpix::pipeline::{self, Outputs, RunInputs, RunOptions};
use varpix::predict::cnn::torch::{DeviceChoice, Precision, TorchClassifier};
use varpix::predict::cnn::{BATCH_SIZE, Batch, Classifier};
use varpix::predict::{Decider, Probabilities};

type Outcome<T> = Result<T, Box<dyn Error>>;
/// An image's bytes and what is said of it.
type Classified = (Vec<u8>, Probabilities);

/// Most difference of a probability in fp32.
const TOLERANCE: f64 = 1e-3;
/// Precisions by name; one that this build does not know is left out.
const PRECISIONS: [&str; 3] = ["f32", "bf16", "f16"];
/// Images in a batch, where none are given.
const BATCHES: [usize; 7] = [8, 32, 64, 128, 256, 512, 1024];
/// Exit code for a device that is not there.
const SKIPPED: u8 = 77;
/// How long a rate is measured, and how often, of which the median counts.
const MEASURED: Duration = Duration::from_millis(200);
const PARTS: usize = 3;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let [device, model, reference, reads, region, batches @ ..] = words.as_slice() else {
        eprintln!("usage: device DEVICE MODEL REFERENCE READS REGION [BATCH...]");
        return ExitCode::from(2);
    };
    let choice: DeviceChoice = match device.parse() {
        Ok(choice) => choice,
        Err(why) => {
            eprintln!("device: {device}: {why}");
            return ExitCode::from(2);
        }
    };
    let resolved = match choice.resolve() {
        Ok(resolved) => resolved,
        Err(why) => {
            println!("SKIPPED, nothing was checked: {why}");
            return ExitCode::from(SKIPPED);
        }
    };
    match check(resolved, Path::new(model), [reference, reads, region], batches) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("device: {why}");
            ExitCode::FAILURE
        }
    }
}

fn check(device: Device, model: &Path, [reference, reads, region]: [&str; 3], batches: &[&str]) -> Outcome<bool> {
    let cores = available_parallelism()?.get();
    let model = Model::find(model)?;
    let inputs = Inputs::open(reference.as_ref(), &[reads.into()], &[region.into()])?;
    let mut batches: Vec<usize> = batches.iter().map(|n| n.parse()).collect::<Result<_, _>>()?;
    if batches.is_empty() {
        batches = BATCHES.to_vec();
    }
    println!("device {device:?}, model {}, {region}, {cores} cores", model.config.name);

    let shape = model.config.image.shape();
    let run = Run { model: &model, inputs: &inputs, cores };
    let expected = run.calls(Device::Cpu, Precision::F32)?;
    let mut is_same = true;
    println!(
        "\n| precision | images | largest difference of a probability | other likeliest genotype | calls | other GT | wall (s) | device waits |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for (name, precision) in precisions() {
        let found = run.calls(device, precision)?;
        let images = || expected.images.iter().zip(&found.images);
        let difference = images().map(|(a, b)| largest_difference(a.1, b.1)).fold(0.0, f64::max);
        let others = images().filter(|(a, b)| likeliest(a.1) != likeliest(b.1)).count();
        let other_calls = differing(&expected.calls, &found.calls);
        let is_whole = !found.images.is_empty()
            && expected.images.len() == found.images.len()
            && images().all(|(a, b)| a.0 == b.0);
        let waits = found.waits.as_secs_f64() / found.wall.as_secs_f64();
        let (n, calls, wall) = (found.images.len(), found.calls.len(), found.wall.as_secs_f64());
        println!(
            "| {name} | {n} | {difference:.1e} | {others} | {calls} | {other_calls} | {wall:.2} | {:.0} % |",
            100.0 * waits
        );
        if name == "f32" {
            is_same = is_whole && difference <= TOLERANCE && others == 0 && other_calls == 0;
        }
    }

    println!("\nImages per second by images in a batch, copies to and from the device included:\n");
    println!("| precision | {} |", batches.iter().map(ToString::to_string).collect::<Vec<_>>().join(" | "));
    println!("|---{}|", "|---".repeat(batches.len()));
    for (name, precision) in precisions() {
        let mut classifier = TorchClassifier::load(&model, device, precision, cores)?;
        let mut rates = Vec::new();
        for &n in &batches {
            rates.push(rate(std::slice::from_mut(&mut classifier), shape, &many(&expected, n))?);
        }
        println!("| {name} | {} |", rates.iter().map(|rate| format!("{rate:.0}")).collect::<Vec<_>>().join(" | "));
    }

    println!("\nImages per second with one and with two batches in flight, each from a thread of its own:\n");
    println!("| precision | images in a batch | one | two | two / one |");
    println!("|---|---|---|---|---|");
    for (name, precision) in precisions() {
        let threads = if device == Device::Cpu { (cores / 2).max(1) } else { cores };
        let load = || TorchClassifier::load(&model, device, precision, threads);
        let mut classifiers = [load()?, load()?];
        for n in batches.iter().copied().filter(|&n| n == BATCH_SIZE || Some(n) == batches.iter().copied().max()) {
            let images = many(&expected, n);
            let (one, two) = (rate(&mut classifiers[..1], shape, &images)?, rate(&mut classifiers, shape, &images)?);
            println!("| {name} | {n} | {one:.0} | {two:.0} | {:.2} |", two / one);
        }
    }
    println!(
        "\n{}",
        if is_same { "PASSED: calls are those of the CPU" } else { "FAILED: calls differ from those of the CPU" }
    );
    Ok(is_same)
}

/// The precisions that this build knows.
fn precisions() -> impl Iterator<Item = (&'static str, Precision)> {
    PRECISIONS.into_iter().filter_map(|name| Some((name, name.parse().ok()?)))
}

/// What is called, by which model.
struct Run<'a> {
    model: &'a Model,
    inputs: &'a Inputs,
    cores: usize,
}

/// What a run gave.
struct Found {
    calls: Vec<Call>,
    /// Its images with their probabilities, sorted.
    images: Vec<Classified>,
    wall: Duration,
    waits: Duration,
}

impl Run<'_> {
    /// Calls with the CNN alone.
    fn calls(&self, device: Device, precision: Precision) -> Outcome<Found> {
        let classifier = TorchClassifier::load(self.model, device, precision, self.cores)?;
        let seen = Arc::default();
        let recorder = Recorder { inner: classifier, seen: Arc::clone(&seen) };
        let decider = Decider::surveyed(None, &recorder, self.inputs, self.model.config.evidence)?;
        let regions = self.inputs.targets().regions(self.model.config.evidence.region_size);
        let mut calls = Vec::new();
        let stats = pipeline::run(
            RunInputs::new(self.inputs, &decider, &regions, &self.model.config),
            Box::new(recorder),
            Outputs::calls_only(&mut calls),
            RunOptions { workers: self.cores, ..RunOptions::default() },
        )?;
        let mut seen = std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
        seen.sort_by(|a, b| a.0.cmp(&b.0));
        let waits = stats
            .times
            .stages()
            .find(|(name, _)| name.contains("wait for images"))
            .map_or(Duration::ZERO, |stage| stage.1);
        Ok(Found { calls, images: seen, wall: stats.wall, waits })
    }
}

/// Passes batches on, and keeps what is said of each image beside the image, since their order depends on timing.
struct Recorder {
    inner: TorchClassifier,
    seen: Arc<Mutex<Vec<Classified>>>,
}

impl Classifier for Recorder {
    fn classify(&mut self, batch: &Batch) -> varpix::error::Result<Vec<Probabilities>> {
        let found = self.inner.classify(batch)?;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.extend(batch.images().map(<[u8]>::to_vec).zip(found.iter().copied()));
        Ok(found)
    }

    fn takes_features(&self) -> bool {
        self.inner.takes_features()
    }

    fn takes_tracts(&self) -> bool {
        self.inner.takes_tracts()
    }

    fn device(&self) -> String {
        self.inner.device()
    }
}

fn largest_difference(a: Probabilities, b: Probabilities) -> f64 {
    a.0.iter().zip(b.0).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

fn likeliest(of: Probabilities) -> Option<usize> {
    (0..3).max_by(|&a, &b| of.0[a].total_cmp(&of.0[b]))
}

/// Calls of one that the other lacks or that have another genotype there.
fn differing(a: &[Call], b: &[Call]) -> usize {
    let key = |call: &Call| (call.contig, call.position, call.reference.clone(), call.alts.clone(), call.genotype);
    let lacks = |all: &[Call], call: &Call| !all.iter().any(|other| key(other) == key(call));
    a.iter().filter(|call| lacks(b, call)).count() + b.iter().filter(|call| lacks(a, call)).count()
}

/// So many images: those of a run, again and again.
fn many(found: &Found, images: usize) -> Vec<u8> {
    found.images.iter().cycle().take(images).flat_map(|(bytes, _)| bytes).copied().collect()
}

/// Images per second of classifiers that each classify a batch of these on a thread of its own.
fn rate(classifiers: &mut [TorchClassifier], shape: ImageShape, images: &[u8]) -> Outcome<f64> {
    let count = images.len() / shape.bytes();
    for classifier in &mut *classifiers {
        classifier.pass(shape, images)?;
    }
    let mut rates = Vec::new();
    for _ in 0..PARTS {
        let started = Instant::now();
        let passes = |classifier: &mut TorchClassifier| {
            let mut passes = 0;
            while passes == 0 || started.elapsed() < MEASURED {
                classifier.pass(shape, images)?;
                passes += 1;
            }
            Ok::<usize, varpix::error::Error>(passes)
        };
        let all = std::thread::scope(|scope| {
            let threads: Vec<_> =
                classifiers.iter_mut().map(|classifier| scope.spawn(move || passes(classifier))).collect();
            let mut all = 0;
            for thread in threads {
                all += thread.join().map_err(|_| "a thread failed")??;
            }
            Ok::<usize, Box<dyn Error>>(all)
        })?;
        rates.push((all * count) as f64 / started.elapsed().as_secs_f64());
    }
    rates.sort_by(f64::total_cmp);
    Ok(rates[PARTS / 2])
}
