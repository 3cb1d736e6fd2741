//! A model's network by itself: what it says of given images, and how fast it is beside a plain matrix product.
//!
//! ```text
//! cargo run --release --example network -- classify MODEL f32|bf16 IMAGES PROBABILITIES
//! cargo run --release --example network -- speed MODEL THREADS GFLOP_PER_IMAGE [IMAGES]
//! ```
//!
//! `IMAGES` holds u8 `[n, height, width, channel]`, `PROBABILITIES` gets f64 `[n, 3]`, little-endian. `IMAGES` of `speed` are those of a batch, by default as many as there is room for. Rates are medians of
//! batches in turn with matrix products, so that what else the machine does slows both.

#![allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "small numbers")]
#![allow(clippy::print_stdout, reason = "its results")]

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use tch::{Device, Kind, Tensor};
use varpix::model::Model;
use varpix::pileup::{ImageShape, PileupImage};
use varpix::predict::cnn::torch::{Precision, TorchClassifier};
use varpix::predict::cnn::{BATCH_SIZE, Batch, Classifier};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["classify", model, precision, images, out] => classify(Path::new(model), precision.parse()?, images, out),
        ["speed", model, threads, gflop] => speed(Path::new(model), threads.parse()?, gflop.parse()?, BATCH_SIZE),
        ["speed", model, threads, gflop, images] => {
            speed(Path::new(model), threads.parse()?, gflop.parse()?, images.parse()?)
        }
        _ => Err("usage: network classify MODEL f32|bf16 IMAGES PROBABILITIES, or speed MODEL THREADS GFLOP_PER_IMAGE [IMAGES]"
            .into()),
    }
}

/// Full batches of the images, the last one perhaps not full.
fn batches(shape: ImageShape, bytes: &[u8]) -> Result<Vec<Batch>, Box<dyn Error>> {
    let mut batches = Vec::new();
    for group in bytes.chunks(shape.bytes() * BATCH_SIZE) {
        let mut batch = Batch::new(shape);
        for image in group.chunks(shape.bytes()) {
            batch.push(&PileupImage::from_bytes(shape, image.into())?, None)?;
        }
        batches.push(batch);
    }
    Ok(batches)
}

fn classify(model: &Path, precision: Precision, images: &str, out: &str) -> Result<(), Box<dyn Error>> {
    let model = Model::open(model)?;
    let mut classifier = TorchClassifier::load(&model, Device::Cpu, precision, 2)?;
    let mut bytes = Vec::new();
    for batch in batches(model.config.image.shape(), &std::fs::read(images)?)? {
        let found = classifier.classify(&batch)?;
        bytes.extend(found.iter().flat_map(|p| p.0).flat_map(f64::to_le_bytes));
    }
    Ok(std::fs::write(out, bytes)?)
}

/// Side of the matrices that are multiplied.
const SIDE: i64 = 2048;
/// Batches, with a product after each.
const ROUNDS: usize = 60;

fn speed(model: &Path, threads: usize, gflop: f64, images: usize) -> Result<(), Box<dyn Error>> {
    let model = Model::open(model)?;
    let shape = model.config.image.shape();
    let noise: Vec<u8> = (0..shape.bytes() * images).map(|i| (i * i % 251) as u8).collect();
    let batch = batches(shape, &noise)?.remove(0);
    println!("network {}, images {shape}, batches of {images}, {threads} threads", model.config.network);
    println!("| numbers | images/s | GFLOP/s | GFLOP/s of {SIDE} x {SIDE} matrices | share |");
    println!("|---|---|---|---|---|");
    for (name, precision, kind) in [("fp32", Precision::F32, Kind::Float), ("bf16", Precision::Bf16, Kind::BFloat16)] {
        let mut classifier = TorchClassifier::load(&model, Device::Cpu, precision, threads)?;
        let matrix = Tensor::randn([SIDE, SIDE], (Kind::Float, Device::Cpu)).to_kind(kind);
        classifier.classify(&batch)?;
        drop(matrix.matmul(&matrix));
        let (mut rates, mut parts, mut peaks) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let start = Instant::now();
            classifier.classify(&batch)?;
            let rate = images as f64 / start.elapsed().as_secs_f64();
            let start = Instant::now();
            drop(matrix.matmul(&matrix));
            let peak = 2.0 * (SIDE as f64).powi(3) / 1e9 / start.elapsed().as_secs_f64();
            rates.push(rate);
            peaks.push(peak);
            parts.push(rate * gflop / peak);
        }
        let (rate, peak, part) = (median(rates), median(peaks), median(parts));
        println!("| {name} | {rate:.0} | {:.0} | {peak:.0} | {:.0} % |", rate * gflop, 100.0 * part);
    }
    Ok(())
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}
