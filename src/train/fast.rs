//! Data sets -> the fast tier of a trained model: its small network, and how sure it must be.
//!
//! Candidates are described in numbers on the same augmented reads that images are made of; the network learns from all of them at
//! once, in memory (about 200 bytes a candidate). Its outputs are then made honest on the tune set, and it is believed from that
//! certainty on at which it errs no more often than the network of images does on the same candidates.

use rand::seq::SliceRandom;
use rand_pcg::Pcg64;
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};
use tch::nn::{self, Module};
use tch::{Device, Kind, TchError, Tensor};

use super::fit::{best_temperature, failed};
use super::optimizer::AdamW;
use super::stream::{DataSet, Described, ExampleOptions, described, jobs};
use crate::classify::fast::{FastNetwork, FastOptions, FastTier, Layer, certainty};
use crate::classify::features::{FEATURES, Features};
use crate::error::{Error, Result};

/// Passes over the data, each with its own changes to the reads.
const PASSES: u64 = 4;
/// Widths of the two hidden layers.
const HIDDEN: [i64; 2] = [96, 48];
const EPOCHS: usize = 12;
const BATCH: usize = 1024;
const LEARNING_RATE: f64 = 3e-3;
const WEIGHT_DECAY: f64 = 1e-2;
/// Certainties that are tried as limits, Phred.
const LIMITS: std::ops::RangeInclusive<u32> = 4..=60;
/// Of a kind that is to be settled at all, so many candidates of the tune set must be over the limit.
const FEWEST: usize = 50;

/// A tune candidate: its numbers, its class, whether it is a substitution, and what the network of images takes it for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judged {
    pub(super) features: Features,
    pub(super) class: u8,
    pub(super) snp: bool,
    pub(super) by_image: u8,
}

/// Learns the fast tier.
pub(super) fn learn(
    train: &[DataSet],
    tune: &[Judged],
    options: &ExampleOptions,
    augment: bool,
    (seed, threads): (u64, usize),
) -> Result<(FastNetwork, FastOptions)> {
    let pass = |pass: u64| -> Result<Vec<Described>> {
        let seed = seed.wrapping_add(1000 + pass);
        let options = ExampleOptions { augment: augment.then_some(seed), ..options.clone() };
        let mut known = Vec::new();
        described(train, &jobs(train, options.evidence.region_size, seed), &options, |example| known.push(example))?;
        log::info!("fast tier: {} candidates in pass {}", known.len(), pass + 1);
        Ok(known)
    };
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .map_err(|e| Error::Internal(format!("threads cannot be started: {e}")))?;
    let passes: Vec<Vec<Described>> = pool.install(|| (0..PASSES).into_par_iter().map(pass).collect::<Result<_>>())?;
    let known = passes.concat();
    log::info!("fast tier: {} candidates to learn from, {} to choose by", known.len(), tune.len());
    let network = train_network(&known, seed).map_err(|e| failed(&e))?;
    let logits: Vec<f64> = tune.iter().flat_map(|t| network.logits(&t.features).map(f64::from)).collect();
    let classes: Vec<i64> = tune.iter().map(|t| i64::from(t.class)).collect();
    let temperature = best_temperature(&Tensor::from_slice(&logits).reshape([-1, 3]), &Tensor::from_slice(&classes));
    let temperature = (temperature * 1000.0).round() / 1000.0;
    let mut chosen = FastOptions { temperature, min_certainty_snps: 0.0, min_certainty_indels: 0.0 };
    let tier = FastTier::new(network.clone(), chosen);
    let judged: Vec<(f64, u8, Judged)> = tune
        .iter()
        .map(|t| {
            let probabilities = tier.probabilities(&t.features);
            (certainty(probabilities), most_probable(probabilities.0), *t)
        })
        .collect();
    chosen.min_certainty_snps = limit(&judged, true);
    chosen.min_certainty_indels = limit(&judged, false);
    let settled = judged
        .iter()
        .filter(|(sure, _, t)| *sure >= if t.snp { chosen.min_certainty_snps } else { chosen.min_certainty_indels });
    let (n, wrong) = settled.fold((0, 0), |(n, wrong), (_, class, t)| (n + 1, wrong + u32::from(*class != t.class)));
    log::info!("fast tier: settles {n} of {} tune candidates, {wrong} of them wrongly; {chosen:?}", tune.len());
    Ok((network, chosen))
}

fn most_probable(probabilities: [f64; 3]) -> u8 {
    (1..3_u8).fold(0, |best, i| if probabilities[usize::from(i)] > probabilities[usize::from(best)] { i } else { best })
}

/// The lowest certainty from which on, at every higher limit too, it is wrong no more often than the network of images.
fn limit(judged: &[(f64, u8, Judged)], snp: bool) -> f64 {
    let of_kind: Vec<_> = judged.iter().filter(|(_, _, t)| t.snp == snp).collect();
    let good = |limit: f64| {
        let over = of_kind.iter().filter(|(sure, _, _)| *sure >= limit);
        let (n, fast, images) = over.fold((0, 0, 0), |(n, fast, images), (_, class, t)| {
            (n + 1, fast + u32::from(*class != t.class), images + u32::from(t.by_image != t.class))
        });
        n >= FEWEST && fast <= images
    };
    let limits = LIMITS.rev().map(f64::from).skip_while(|&limit| !good(limit));
    limits.take_while(|&limit| good(limit)).last().unwrap_or(f64::from(u8::MAX))
}

#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "means of numbers near 1")]
fn train_network(known: &[Described], seed: u64) -> std::result::Result<FastNetwork, TchError> {
    let n = known.len().max(1) as f64;
    let mean: Vec<f32> =
        (0..FEATURES).map(|i| (known.iter().map(|e| f64::from(e.features[i])).sum::<f64>() / n) as f32).collect();
    let scale: Vec<f32> = (0..FEATURES)
        .map(|i| {
            let variance = known.iter().map(|e| f64::from(e.features[i] - mean[i]).powi(2)).sum::<f64>() / n;
            (variance.sqrt() as f32).max(0.01)
        })
        .collect();
    let mut network = FastNetwork { mean, scale, layers: Vec::new() };
    tch::manual_seed(seed.cast_signed());
    let store = nn::VarStore::new(Device::Cpu);
    let root = store.root();
    let width = i64::try_from(FEATURES).unwrap_or(i64::MAX);
    let [first, second] = HIDDEN;
    let layers: Vec<nn::Linear> = [(width, first), (first, second), (second, 3)]
        .into_iter()
        .enumerate()
        .map(|(i, (from, to))| nn::linear(&root / format!("layer{i}"), from, to, nn::LinearConfig::default()))
        .collect();
    let mut optimizer = AdamW::new(&store, WEIGHT_DECAY);
    let mut order: Vec<usize> = (0..known.len()).collect();
    let mut random = Pcg64::new(u128::from(seed), 5);
    let batches = known.len().div_ceil(BATCH);
    for epoch in 0..EPOCHS {
        order.shuffle(&mut random);
        for (i, batch) in order.chunks(BATCH).enumerate() {
            let done = (epoch * batches + i) as f64 / (EPOCHS * batches) as f64;
            let inputs: Vec<f32> = batch.iter().flat_map(|&at| network.standardised(&known[at].features)).collect();
            let classes: Vec<i64> = batch.iter().map(|&at| i64::from(known[at].class)).collect();
            let x = Tensor::from_slice(&inputs).f_reshape([-1, width])?;
            let hidden = layers[1].forward(&layers[0].forward(&x).relu()).relu();
            let loss = layers[2].forward(&hidden).cross_entropy_for_logits(&Tensor::from_slice(&classes));
            optimizer.step(&loss, LEARNING_RATE * (1.0 - done).max(0.01))?;
        }
    }
    let rows = |weights: &Tensor| -> std::result::Result<Vec<Vec<f32>>, TchError> { Vec::try_from(weights) };
    network.layers = layers
        .iter()
        .map(|layer| {
            let bias = layer.bs.as_ref().map_or(Ok(Vec::new()), Vec::<f32>::try_from)?;
            Ok(Layer { weights: rows(&layer.ws.to_kind(Kind::Float))?, bias })
        })
        .collect::<std::result::Result<_, TchError>>()?;
    Ok(network)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(n: usize) -> Vec<Described> {
        // The class follows the share of reads, the sixth number.
        (0..n)
            .map(|i| {
                let class = u8::try_from(i % 3).unwrap();
                let mut features = [0.0; FEATURES];
                features[5] = 0.5 * f32::from(class) + 0.05 * f32::from(u8::try_from(i % 5).unwrap());
                Described { features, class }
            })
            .collect()
    }

    #[test]
    fn it_learns_and_stays_the_same() {
        let known = known(20_000);
        let network = train_network(&known, 3).unwrap();
        for example in &known[..15] {
            let logits = network.logits(&example.features).map(f64::from);
            assert_eq!(most_probable(logits), example.class, "{logits:?}");
        }
        assert_eq!(train_network(&known, 3).unwrap(), network);
    }

    #[test]
    fn the_limit_is_where_it_errs_no_more_than_images_do() {
        let judged = |sure: f64, right: bool, image_right: bool| {
            let class = 1;
            let other = |right: bool| if right { class } else { 0 };
            let judged = Judged { features: [0.0; FEATURES], class, snp: true, by_image: other(image_right) };
            (sure, other(right), judged)
        };
        let mut all: Vec<_> = (0..200).map(|_| judged(40.0, true, true)).collect();
        assert!((limit(&all, true) - 4.0).abs() < 1e-9 && limit(&all, false) > 200.0);
        all.push(judged(24.5, false, true));
        assert!((limit(&all, true) - 25.0).abs() < 1e-9);
        all.push(judged(31.0, true, false));
        assert!((limit(&all, true) - 4.0).abs() < 1e-9);
    }
}
