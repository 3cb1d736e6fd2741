//! Images/s of Inception v3 with random weights (rates do not depend on weights), by precision and batch size, beside a plain matrix product.
//!
//! ```text
//! cargo run --release --features testing --example inception -- THREADS ROUNDS [BATCH...]
//! ```
//!
//! In each round every precision and size of batch has its turn, each beside a product of two matrices in the same precision, so that what
//! else the machine does slows all alike; medians are printed. Rates are of the process's CPU time, which other programs change less than
//! the time of the clock; with several threads it also counts how long one waits for another.

#![allow(clippy::cast_precision_loss, reason = "small numbers")]
#![allow(clippy::print_stdout, reason = "its results")]

use std::error::Error;

use tch::{Device, Kind, Tensor};
use varpix::pileup::ImageShape;
use varpix::pipeline::process::cpu_time;
use varpix::testing::inception::FrozenInceptionV3;

/// Side of the matrices that are multiplied.
const SIDE: i64 = 2048;
/// Of an image of 100 x 221 x 7 (docs/deepvariant-models.md).
const GFLOP: f64 = 2.01;
/// Sizes of batches that are tried by default.
const BATCHES: [i64; 5] = [8, 16, 32, 64, 128];

/// A precision and a size of batch, and what was measured of it.
struct Variant {
    numbers: &'static str,
    network: usize,
    images: Tensor,
    matrix: Tensor,
    /// Images and GFLOP of the matrices, both per second of CPU time.
    measured: Vec<(f64, f64)>,
}

impl Variant {
    fn batch(&self) -> i64 {
        self.images.size()[0]
    }

    fn measure(&self, network: &FrozenInceptionV3) -> (f64, f64) {
        let start = cpu_time().as_secs_f64();
        assert_eq!(network.logits(&self.images).size(), [self.batch(), 3]);
        let rate = self.batch() as f64 / (cpu_time().as_secs_f64() - start);
        let start = cpu_time().as_secs_f64();
        drop(self.matrix.matmul(&self.matrix));
        (rate, 2.0 * (SIDE as f64).powi(3) / 1e9 / (cpu_time().as_secs_f64() - start))
    }

    fn median(&self, of: impl Fn(&(f64, f64)) -> f64) -> f64 {
        let mut numbers: Vec<f64> = self.measured.iter().map(of).collect();
        numbers.sort_by(f64::total_cmp);
        numbers[numbers.len() / 2]
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [threads, rounds, batches @ ..] = args.as_slice() else {
        return Err("usage: inception THREADS ROUNDS [BATCH...]".into());
    };
    let rounds: usize = rounds.parse()?;
    let batches: Vec<i64> = batches.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
    let batches = if batches.is_empty() { BATCHES.to_vec() } else { batches };
    tch::set_num_threads(threads.parse()?);
    let mut networks = Vec::new();
    let mut variants = Vec::new();
    for (numbers, kind) in [("fp32", Kind::Float), ("bf16", Kind::BFloat16)] {
        let matrix = Tensor::randn([SIDE, SIDE], (Kind::Float, Device::Cpu)).to_kind(kind);
        for &batch in &batches {
            let images = Tensor::randint(255, [batch, 100, 221, 7], (Kind::Uint8, Device::Cpu));
            let matrix = matrix.shallow_clone();
            variants.push(Variant { numbers, network: networks.len(), images, matrix, measured: Vec::new() });
        }
        networks.push(FrozenInceptionV3::new(ImageShape { height: 100, width: 221, channels: 7 }, kind));
    }
    for round in 0..=rounds {
        for variant in &mut variants {
            let measured = variant.measure(&networks[variant.network]);
            // The first round makes kernels and takes memory.
            if round > 0 {
                variant.measured.push(measured);
            }
        }
    }
    println!("{threads} thread(s), medians of {rounds} rounds, per second of CPU time");
    println!("| numbers | batch | images/s | GFLOP/s | GFLOP/s of {SIDE} x {SIDE} matrices | share |");
    println!("|---|---|---|---|---|---|");
    for variant in &variants {
        let (rate, peak) = (variant.median(|m| m.0), variant.median(|m| m.1));
        let share = variant.median(|(rate, peak)| 100.0 * rate * GFLOP / peak);
        let (numbers, batch) = (variant.numbers, variant.batch());
        println!("| {numbers} | {batch} | {rate:.0} | {:.0} | {peak:.0} | {share:.0} % |", rate * GFLOP);
    }
    Ok(())
}
