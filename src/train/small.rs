//! Data sets -> the small model's network ([`learn`]); that and a CNN's probabilities -> when it is used ([`choose`]).
//!
//! Features come from the same augmented reads that images are made of; the network learns from all candidates in memory (about 230 bytes
//! each). On the tune sets its temperature is fitted, its probabilities are weighted against the CNN's, and the certainty is found from
//! which on it alone errs no more often than both together.

use rand::seq::SliceRandom;
use rand_pcg::Pcg64;
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};
use tch::nn::{self, Module};
use tch::{Device, Kind, TchError, Tensor};

use crate::error::{Error, Result};
use crate::model::{SeveralAllelesOptions, SmallModelOptions};
use crate::predict::Probabilities;
use crate::predict::small::{
    FeatureId, Features, HIDDEN, Layer, MEMBERS, SmallModel, SmallNetwork, certainty, is_snp, joined, needed_certainty,
};
use crate::train::calibrate::{best_temperature, lowest};
use crate::train::data::DataSet;
use crate::train::examples::{Described, ExampleMaker, ExampleOptions, jobs};
use crate::train::failed::failed;
use crate::train::moments::{Moments, ranges};
use crate::train::optimizer::AdamW;

/// Passes over the data, each with other changes to the reads.
const PASSES: u64 = 4;
const EPOCHS: usize = 12;
const BATCH: usize = 1024;
const LEARNING_RATE: f64 = 3e-3;
const WEIGHT_DECAY: f64 = 1e-2;
/// Certainties that are tried as limits, Phred.
const LIMITS: std::ops::RangeInclusive<u32> = 4..=60;
/// By what factor the loss of several alleles may grow where the small model decides alone.
const MOST_LOST: f64 = 1.01;
/// Fewest tune candidates over a limit: of fewer nothing can be said about errors.
const FEWEST: usize = 50;

/// What the small model learns from, and how.
pub(super) struct Training<'a> {
    pub(super) sets: &'a [DataSet],
    pub(super) examples: ExampleOptions,
    pub(super) augment: bool,
    pub(super) seed: u64,
    pub(super) threads: usize,
}

/// A small model as it was learned, that is never certain enough.
pub(super) const UNCALIBRATED: SmallModelOptions = SmallModelOptions {
    temperature: 1.0,
    min_certainty_snps: f64::MAX,
    min_certainty_indels: f64::MAX,
    image_weight: 0.0,
    several_alleles: None,
    max_depth: None,
};

/// The alleles of a tune image: their features, their class, and the CNN's probabilities.
#[derive(Clone, Copy, Debug)]
pub(super) struct Judged {
    pub(super) features: Features,
    pub(super) class: u8,
    /// Whether they are the only alternative allele of the site.
    pub(super) biallelic: bool,
    pub(super) by_image: Probabilities,
}

/// How a tune candidate is classified.
#[derive(Clone, Copy, Debug)]
struct Outcome {
    snp: bool,
    /// Of the small model, Phred.
    certainty: f64,
    /// Whether the small model is wrong, and whether both together are.
    wrong: bool,
    both_wrong: bool,
}

/// Learns the small model.
pub(super) fn learn(training: &Training) -> Result<SmallNetwork> {
    let known = candidates(training)?;
    log::info!("small model: {} candidates to learn from", known.len());
    train_network(&known, FeatureId::learned(training.examples.evidence.phasing.is_some()), training.seed)
        .map_err(failed)
}

/// The candidates of all passes over the data.
fn candidates(training: &Training) -> Result<Vec<Described>> {
    let pass = |pass: u64| -> Result<Vec<Described>> {
        let seed = training.seed.wrapping_add(1000 + pass);
        let options = ExampleOptions { augment: training.augment.then_some(seed), ..training.examples.clone() };
        let mut known = Vec::new();
        let jobs = jobs(training.sets, options.evidence.region_size, seed);
        let mut maker = ExampleMaker::new(training.sets, options)?;
        for job in &jobs {
            known.extend(maker.described(job)?);
        }
        log::info!("small model: {} candidates in pass {}", known.len(), pass + 1);
        Ok(known)
    };
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(training.threads)
        .build()
        .map_err(|e| Error::Internal(format!("threads cannot be started: {e}")))?;
    let passes: Vec<Vec<Described>> = pool.install(|| (0..PASSES).into_par_iter().map(pass).collect::<Result<_>>())?;
    Ok(passes.concat())
}

/// On the tune candidates: temperatures, the CNN's weights, and the certainties from which on the small model decides alone.
pub(super) fn choose(network: &SmallNetwork, tune: &[Judged]) -> SmallModelOptions {
    let (tune, several): (Vec<Judged>, Vec<Judged>) = tune.iter().partition(|t| t.biallelic);
    let several_alleles = (!several.is_empty()).then(|| {
        let (SmallModelOptions { temperature, image_weight, .. }, own) =
            calibrated(network, &several, "of several alleles");
        SeveralAllelesOptions { temperature, image_weight, min_certainty: limit_by_loss(&own, &several, image_weight) }
    });
    let (calibrated, own) = calibrated(network, &tune, "of one allele");
    let outcomes = outcomes(&own, &tune, calibrated.image_weight);
    let limit_of = |snp| {
        let of_kind: Vec<Outcome> = outcomes.iter().copied().filter(|outcome| outcome.snp == snp).collect();
        limit(&of_kind).unwrap_or(f64::from(u8::MAX))
    };
    let chosen = SmallModelOptions {
        min_certainty_snps: limit_of(true),
        min_certainty_indels: limit_of(false),
        several_alleles,
        ..calibrated
    };
    let (decided, open): (Vec<_>, Vec<_>) =
        outcomes.iter().zip(&tune).partition(|(o, t)| o.certainty >= needed_certainty(&chosen, &t.features));
    let wrong = decided.iter().filter(|(o, _)| o.wrong).count();
    let both_wrong = open.iter().filter(|(o, _)| o.both_wrong).count();
    log::info!(
        "small model: decides {} tune candidates, {wrong} of them wrongly; of {} others {both_wrong} are wrong with the CNN; {chosen:?}",
        decided.len(),
        open.len()
    );
    chosen
}

/// How tune candidates are classified by the small model's probabilities, and by both models' with that weight of the CNN.
fn outcomes(own: &[Probabilities], tune: &[Judged], image_weight: f64) -> Vec<Outcome> {
    let each = own.iter().zip(tune).map(|(&own, t)| Outcome {
        snp: is_snp(&t.features),
        certainty: certainty(own),
        wrong: most_probable(own) != t.class,
        both_wrong: most_probable(joined(own, t.by_image, image_weight)) != t.class,
    });
    each.collect()
}

/// On tune candidates of one kind: options with the temperature and the CNN's weight that suit them best, and the small model's probabilities at that
/// temperature.
fn calibrated(network: &SmallNetwork, tune: &[Judged], kind: &str) -> (SmallModelOptions, Vec<Probabilities>) {
    let logits: Vec<f64> = tune.iter().flat_map(|t| network.logits(&t.features).map(f64::from)).collect();
    let classes: Vec<i64> = tune.iter().map(|t| i64::from(t.class)).collect();
    let rounded = |x: f64| (x * 1000.0).round() / 1000.0;
    let temperature =
        rounded(best_temperature(&Tensor::from_slice(&logits).reshape([-1, 3]), &Tensor::from_slice(&classes)));
    let options = SmallModelOptions { temperature, ..UNCALIBRATED };
    let small_model = SmallModel::new(network.clone(), options);
    let own: Vec<Probabilities> = tune.iter().map(|t| small_model.probabilities(&t.features)).collect();
    let image_weight = rounded(best_image_weight(&own, tune));
    let [alone, of_images, both] = [0.0, 1.0, image_weight].map(|weight| mean_loss(&own, tune, |_| weight));
    let n = tune.len();
    log::info!("loss on the {n} tune images {kind}: small model {alone:.4}, CNN {of_images:.4}, both {both:.4}");
    (SmallModelOptions { image_weight, ..options }, own)
}

fn most_probable(Probabilities(p): Probabilities) -> u8 {
    (1..3_u8).fold(0, |best, i| if p[usize::from(i)] > p[usize::from(best)] { i } else { best })
}

/// The CNN's weight that makes the true classes most likely.
fn best_image_weight(own: &[Probabilities], tune: &[Judged]) -> f64 {
    lowest(|weight| mean_loss(own, tune, |_| weight), 0.0, 1.0)
}

/// Minus the mean logarithm of the probability of the true class, with the CNN at the weight that it has beside such probabilities of the small model.
#[allow(clippy::cast_precision_loss, reason = "a number of candidates")]
fn mean_loss(own: &[Probabilities], tune: &[Judged], weight: impl Fn(Probabilities) -> f64) -> f64 {
    let of_truth = own.iter().zip(tune).map(|(&own, t)| joined(own, t.by_image, weight(own)).0[usize::from(t.class)]);
    of_truth.map(|p| -p.ln()).sum::<f64>() / tune.len().max(1) as f64
}

/// The lowest certainty from which on, at every higher limit too, it is wrong no more often than together with the images; none where there is no such.
fn limit(outcomes: &[Outcome]) -> Option<f64> {
    let good = |limit: f64| {
        let over: Vec<_> = outcomes.iter().filter(|o| o.certainty >= limit).collect();
        let [wrong, both_wrong] =
            [over.iter().filter(|o| o.wrong).count(), over.iter().filter(|o| o.both_wrong).count()];
        over.len() >= FEWEST && wrong <= both_wrong
    };
    let limits = LIMITS.rev().map(f64::from).skip_while(|&limit| !good(limit));
    limits.take_while(|&limit| good(limit)).last()
}

/// Of several alternative alleles, whose genotypes follow from the probabilities of all images: the lowest certainty from which on, at every higher limit
/// too, the loss is hardly higher where the small model decides alone; none where there is no such.
fn limit_by_loss(own: &[Probabilities], tune: &[Judged], image_weight: f64) -> Option<f64> {
    let loss = |limit: f64| mean_loss(own, tune, |own| if certainty(own) >= limit { 0.0 } else { image_weight });
    let most = MOST_LOST * loss(f64::INFINITY);
    LIMITS.rev().map(f64::from).take_while(|&limit| loss(limit) <= most).last()
}

fn train_network(
    known: &[Described],
    features: Vec<FeatureId>,
    seed: u64,
) -> std::result::Result<SmallNetwork, TchError> {
    let Moments { mean, scale } = Moments::of(known, &features);
    let ranges = ranges(known, &features);
    let mut network = SmallNetwork { features, mean, scale, ranges, members: Vec::new() };
    for member in 0..MEMBERS {
        network.members.push(train_member(&network, known, seed.wrapping_add(member.unsigned_abs()))?);
    }
    Ok(network)
}

/// One of the networks, whose inputs are standardised as `network` says.
#[allow(clippy::cast_precision_loss, reason = "shares of the run")]
fn train_member(network: &SmallNetwork, known: &[Described], seed: u64) -> std::result::Result<Vec<Layer>, TchError> {
    tch::manual_seed(seed.cast_signed());
    let store = nn::VarStore::new(Device::Cpu);
    let root = store.root();
    let width = i64::try_from(network.features.len()).unwrap_or(i64::MAX);
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
    layers
        .iter()
        .map(|layer| {
            let bias = layer.bs.as_ref().map_or(Ok(Vec::new()), Vec::<f32>::try_from)?;
            Ok(Layer { weights: rows(&layer.ws.to_kind(Kind::Float).tr().contiguous())?, bias })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::predict::small::FEATURES;

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
        let _alone = crate::testing::libtorch_random();
        let known = known(20_000);
        let train = || train_network(&known, FeatureId::learned(false), 3).unwrap();
        let network = train();
        for example in &known[..15] {
            let logits = Probabilities(network.logits(&example.features).map(f64::from));
            assert_eq!(most_probable(logits), example.class, "{logits:?}");
        }
        assert_eq!(train(), network);
    }

    #[test]
    fn several_alleles_are_joined_by_themselves() {
        // The small model says het everywhere, which is right where there is one allele.
        let layer = Layer { weights: vec![vec![0.0; 3]; FEATURES], bias: vec![0.0, 4.0, 0.0] };
        let network = SmallNetwork {
            features: FeatureId::all().collect(),
            mean: vec![0.0; FEATURES],
            scale: vec![1.0; FEATURES],
            ranges: Vec::new(),
            members: vec![vec![layer]],
        };
        let tune = |biallelic: bool, class: u8, by_image: [f64; 3]| Judged {
            features: [0.0; FEATURES],
            class,
            biallelic,
            by_image: Probabilities(by_image),
        };
        let one = vec![tune(true, 1, [0.4, 0.3, 0.3]); 60];
        let several = vec![tune(false, 2, [0.1, 0.1, 0.8]); 60];
        let chosen = choose(&network, &[one.clone(), several].concat());
        let Some(SeveralAllelesOptions { image_weight, .. }) = chosen.several_alleles else { panic!("it learned") };
        assert!(chosen.image_weight < 0.01 && image_weight > 0.99, "{chosen:?}");
        assert_eq!(choose(&network, &one).several_alleles, None);
    }

    #[test]
    fn the_limit_is_where_it_errs_no_more_than_both_do() {
        let outcome = |certainty, wrong, both_wrong| Outcome { snp: true, certainty, wrong, both_wrong };
        let mut all = vec![outcome(40.0, false, false); 200];
        assert_eq!((limit(&all), limit(&all[..10])), (Some(4.0), None));
        all.push(outcome(24.5, true, false));
        assert_eq!(limit(&all), Some(25.0));
        all.push(outcome(31.0, false, true));
        assert_eq!(limit(&all), Some(4.0));
    }

    #[test]
    fn of_several_alleles_the_limit_is_where_hardly_any_loss_is_added() {
        let judged = |by_image: [f64; 3]| Judged {
            features: [0.0; FEATURES],
            class: 1,
            biallelic: false,
            by_image: Probabilities(by_image),
        };
        // Phred 20 and 10; the image helps the second only.
        let own = [[0.01, 0.99, 0.0], [0.1, 0.9, 0.0]].map(Probabilities);
        let tune = [judged([0.01, 0.99, 0.0]), judged([0.0, 1.0, 0.0])];
        assert_eq!(limit_by_loss(&own, &tune, 0.5), Some(11.0));
        assert_eq!(limit_by_loss(&own, &tune, 0.0), Some(4.0), "where images have no weight");
    }

    #[test]
    fn the_better_has_more_weight() {
        let (good, bad) = (Probabilities([0.05, 0.9, 0.05]), Probabilities([0.4, 0.3, 0.3]));
        let weight = |own, by_image| {
            best_image_weight(
                &[own; 9],
                &[Judged { features: [0.0; FEATURES], class: 1, biallelic: true, by_image }; 9],
            )
        };
        assert!(weight(good, bad) < 0.01 && weight(bad, good) > 0.99);
        // Each knows half of it.
        let (a, b) = (Probabilities([0.05, 0.475, 0.475]), Probabilities([0.475, 0.475, 0.05]));
        assert!((weight(a, b) - 0.5).abs() < 0.01);
    }
}
