//! Maps of what counted in an image, and how much they owe to what the network has learned: compared with those of networks whose weights are shuffled
//! (Adebayo et al., "Sanity checks for saliency maps", 2018). Shared by `benches/saliency.rs` and a test.

#![allow(clippy::cast_precision_loss, reason = "small numbers")]

use std::collections::BTreeMap;
use std::error::Error;

use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_pcg::Pcg64;
use tch::{Device, Tensor};
use varpix::explain::relevance::by_pixel;
use varpix::model::{Model, ModelConfig};
use varpix::pileup::PileupImage;
use varpix::predict::cnn::torch::{Precision, TorchClassifier};
use varpix::predict::cnn::{Batch, Classifier};
use varpix::predict::small::Features;

pub type Outcome<T> = Result<T, Box<dyn Error>>;

/// The maps that users see, then others that are compared with them.
pub const MAPS: [&str; 9] =
    ["pixels", "reads", "columns", "channels", "size", "size_by_value", "size_levelled", "size_of_columns", "saliency"];

/// The model with the weights of some layers, each by itself, in another order; of all where none are named. What standardises the features stays.
pub fn shuffled(model: &Model, seed: u64, layers: Option<&[&str]>) -> Outcome<TorchClassifier> {
    let folder = tempfile::tempdir()?;
    let mut random = Pcg64::seed_from_u64(seed);
    let mut tensors = Tensor::read_safetensors(model.weights())?;
    tensors.sort_by(|a, b| a.0.cmp(&b.0));
    for (name, tensor) in &mut tensors {
        let layer = name.split('.').next().unwrap_or_default();
        // Drawn in any case, so that a layer gets the same order whatever others are shuffled with it.
        let mut order: Vec<i64> = (0..i64::try_from(tensor.numel())?).collect();
        order.shuffle(&mut random);
        if layers.map_or(!name.starts_with("numbers_"), |layers| layers.contains(&layer)) {
            *tensor = tensor.reshape([-1]).index_select(0, &Tensor::from_slice(&order)).reshape(tensor.size());
        }
    }
    Tensor::write_safetensors(&tensors, folder.path().join("weights.safetensors"))?;
    Model::write(&ModelConfig { small_model: None, ..model.config.clone() }, folder.path())?;
    Ok(TorchClassifier::load(&Model::open(folder.path())?, Device::Cpu, Precision::F32, 1)?)
}

/// How a weighted sum of the network's logits changes with each pixel.
pub fn gradient(
    network: &mut TorchClassifier,
    image: &PileupImage,
    features: Option<&Features>,
    weights: [f32; 3],
) -> Outcome<Vec<f32>> {
    let mut batch = Batch::new(image.shape());
    batch.push(image, features)?;
    network.gradient(&batch, weights)?.ok_or_else(|| "the network has no gradients".into())
}

/// The image with some rows empty.
pub fn without(image: &PileupImage, rows: &[usize]) -> Outcome<PileupImage> {
    let shape = image.shape();
    let length = shape.width * shape.channels;
    let mut bytes = image.bytes().to_vec();
    for row in rows {
        bytes[row * length..(row + 1) * length].fill(0);
    }
    Ok(PileupImage::from_bytes(shape, bytes.into())?)
}

/// The pixels of some rows that hold a base, as row * width + column: others have no value in any map.
pub fn held(image: &PileupImage, rows: impl Iterator<Item = usize>) -> Vec<usize> {
    let shape = image.shape();
    let of_row = |row: usize| {
        let pixels = image.row(row).chunks_exact(shape.channels).enumerate();
        pixels.filter(|(_, values)| values.iter().any(|&value| value > 0)).map(move |(column, _)| (row, column))
    };
    rows.flat_map(of_row).map(|(row, column)| row * shape.width + column).collect()
}

/// The maps of some pixels, in the order of [`MAPS`], as ranks.
pub fn ranked_maps(image: &PileupImage, slopes: &[f32], pixels: &[usize]) -> Vec<Vec<f64>> {
    maps(image, slopes, pixels).iter().map(|map| ranks(map)).collect()
}

/// The maps of some pixels, in the order of [`MAPS`].
fn maps(image: &PileupImage, slopes: &[f32], pixels: &[usize]) -> Vec<Vec<f64>> {
    let shape = image.shape();
    let (width, channels) = (shape.width, shape.channels);
    let map = by_pixel(image, slopes);
    let signed: Vec<f64> = pixels.iter().map(|&pixel| f64::from(map[pixel])).collect();
    let size: Vec<f64> = signed.iter().map(|value| value.abs()).collect();
    let of_pixel = |pixel: usize| pixel * channels..(pixel + 1) * channels;
    let by_channel = (0..channels).map(|channel| {
        let one = |&pixel: &usize| {
            let at = pixel * channels + channel;
            f64::from(image.bytes()[at]) * f64::from(slopes[at])
        };
        pixels.iter().map(one).sum()
    });
    let value = |pixel: usize| image.bytes()[of_pixel(pixel)].iter().map(|&value| f64::from(value)).sum::<f64>();
    let steepest =
        |pixel: usize| slopes[of_pixel(pixel)].iter().fold(0.0, |most: f64, &slope| most.max(f64::from(slope).abs()));
    vec![
        signed.clone(),
        sums(pixels, &signed, |pixel| pixel / width),
        sums(pixels, &signed, |pixel| pixel % width),
        by_channel.collect(),
        size.clone(),
        pixels.iter().zip(&size).map(|(&pixel, size)| size / value(pixel)).collect(),
        levelled(pixels, &size, width),
        sums(pixels, &size, |pixel| pixel % width),
        pixels.iter().map(|&pixel| steepest(pixel)).collect(),
    ]
}

/// Sums of the pixels' values by a key.
fn sums(pixels: &[usize], values: &[f64], key: impl Fn(usize) -> usize) -> Vec<f64> {
    let mut by: BTreeMap<usize, f64> = BTreeMap::new();
    for (&pixel, value) in pixels.iter().zip(values) {
        *by.entry(key(pixel)).or_default() += value;
    }
    by.into_values().collect()
}

/// Logarithms of the values, less what their rows and columns have on average.
fn levelled(pixels: &[usize], values: &[f64], width: usize) -> Vec<f64> {
    let mut left: Vec<f64> = values.iter().map(|value| value.max(1e-12).ln()).collect();
    for turn in 0..6 {
        let key = |pixel: usize| if turn % 2 == 0 { pixel / width } else { pixel % width };
        let mut by: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
        for (&pixel, value) in pixels.iter().zip(&left) {
            let (sum, n) = by.entry(key(pixel)).or_default();
            *sum += value;
            *n += 1.0;
        }
        for (&pixel, value) in pixels.iter().zip(&mut left) {
            let (sum, n) = by[&key(pixel)];
            *value -= sum / n;
        }
    }
    left
}

/// Spearman's rank correlation; 0 where either has one value only.
pub fn spearman(a: &[f64], b: &[f64]) -> f64 {
    of_ranks(&ranks(a), &ranks(b))
}

/// The correlation of ranks.
pub fn of_ranks(a: &[f64], b: &[f64]) -> f64 {
    let mean = (a.len() as f64 - 1.0) / 2.0;
    let product = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| (x - mean) * (y - mean)).sum::<f64>();
    let spread = (product(a, a) * product(b, b)).sqrt();
    if spread > 0.0 { product(a, b) / spread } else { 0.0 }
}

/// Ranks from 0; equal values share the mean of theirs.
pub fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&i, &j| values[i].total_cmp(&values[j]));
    let mut ranks = vec![0.0; values.len()];
    let mut from = 0;
    for tied in order.chunk_by(|&i, &j| values[i].total_cmp(&values[j]).is_eq()) {
        let rank = from as f64 + (tied.len() as f64 - 1.0) / 2.0;
        for &i in tied {
            ranks[i] = rank;
        }
        from += tied.len();
    }
    ranks
}
