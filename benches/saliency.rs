//! Whether the maps of `varpix explain` tell what counts for a model's network: one line for each of SITES candidates called het.
//!
//! ```text
//! cargo run --release --example saliency -- MODEL REF READS SITES > sites.tsv
//! ```
//!
//! Rows of reads are masked (made empty), and the probability of the called genotype is taken again; maps are compared with those of networks whose
//! weights are shuffled within each layer (Adebayo et al., "Sanity checks for saliency maps", 2018). `scripts/eval check-saliency` judges the lines.

#![allow(clippy::cast_precision_loss, reason = "small numbers")]
#![allow(clippy::print_stdout, reason = "its results")]

use std::error::Error;
use std::path::Path;

use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_pcg::Pcg64;
use tch::{Device, Kind, Tensor};
use varpix::evidence::Gatherer;
use varpix::explain::relevance::{by_pixel, saliency};
use varpix::inputs::Inputs;
use varpix::model::{Model, ModelConfig};
use varpix::pileup::{AltSet, Channel, ImageSpec, PileupImage, REFERENCE_ROWS};
use varpix::predict::cnn::torch::{Precision, TorchClassifier};
use varpix::predict::cnn::{BATCH_SIZE, Batch, Classifier};
use varpix::predict::small::Features;
use varpix::predict::{AnySmallModel, Decider, Decision, Probabilities, decide};
use varpix::reads::BamSource;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Networks with shuffled weights.
const SHUFFLED: u64 = 3;
/// Draws of random rows.
const DRAWS: usize = 5;
/// Fewest reads that support the allele, and that do not.
const FEWEST: usize = 4;
/// Value of reads that support the alleles of an image.
const SUPPORTS: u8 = 254;
const HET: usize = 1;

const COLUMNS: [&str; 20] = [
    "place",
    "alleles",
    "certain",
    "masked",
    "p",
    "p_variant",
    "p_others",
    "p_highest",
    "p_random",
    "p_lowest",
    "image",
    "image_variant",
    "image_others",
    "rows",
    "shuffled_signed",
    "shuffled_size",
    "shuffled_saliency",
    "same_signed",
    "same_size",
    "same_saliency",
];

fn main() -> Outcome<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [model, reference, reads, sites] = args.as_slice() else {
        return Err("usage: saliency MODEL REF READS SITES".into());
    };
    let model = Model::find(Path::new(model))?;
    let inputs = Inputs::open(Path::new(reference), &[reads.into()], &[])?;
    let mut judge = Judge::new(&model, &inputs)?;
    println!("{}", COLUMNS.join("\t"));
    let (contigs, evidence) = (inputs.reference().contigs(), model.config.evidence);
    let source = BamSource::open(inputs.reads(), contigs, evidence.reads())?;
    let image = model.config.image.clone();
    let mut gatherer = Gatherer::new(Box::new(source), inputs.reference().open()?, evidence, image.clone());
    let mut left: usize = sites.parse()?;
    for region in &inputs.targets().regions(evidence.region_size) {
        let found = gatherer.gather(region)?;
        for candidate in found.candidates.iter().filter(|candidate| candidate.alts.len() == 1) {
            let set = AltSet::One(0);
            let certain = matches!(decide(candidate, &found, &judge.whole)[..], [(_, Decision::Decided(_))]);
            let [(_, Decision::NeedsImage(undecided))] = decide(candidate, &found, &judge.images_only)[..] else {
                continue;
            };
            let features = undecided.image_features(candidate, set, &found, &judge.images_only);
            let text = |bases: &[u8]| String::from_utf8_lossy(bases).into_owned();
            let place = format!("{}:{}", contigs.get(region.contig).name, candidate.position + 1);
            let alleles = format!("{}>{}", text(&candidate.reference), text(&candidate.alts[0].bases));
            let Some(line) = judge.line(&found.render(&image, candidate, set), features.as_ref())? else { continue };
            let line: Vec<String> = line.into_iter().map(|value| format!("{value:.6}")).collect();
            println!("{place}\t{alleles}\t{}\t{}", u8::from(certain), line.join("\t"));
            left -= 1;
            if left == 0 {
                return Ok(());
            }
        }
    }
    Err(format!("{left} candidates too few").into())
}

struct Judge {
    spec: ImageSpec,
    trained: TorchClassifier,
    shuffled: Vec<TorchClassifier>,
    whole: Decider,
    images_only: Decider,
    random: Pcg64,
}

/// The model with the weights of each layer in another order; what standardises the features stays.
fn shuffled(model: &Model, seed: u64) -> Outcome<TorchClassifier> {
    let folder = tempfile::tempdir()?;
    tch::manual_seed(i64::try_from(seed)?);
    let mut tensors = Tensor::read_safetensors(model.weights())?;
    for (name, tensor) in &mut tensors {
        if !name.starts_with("numbers_") {
            let order = Tensor::randperm(i64::try_from(tensor.numel())?, (Kind::Int64, Device::Cpu));
            *tensor = tensor.reshape([-1]).index_select(0, &order).reshape(tensor.size());
        }
    }
    Tensor::write_safetensors(&tensors, folder.path().join("weights.safetensors"))?;
    Model::write(&ModelConfig { small_model: None, ..model.config.clone() }, folder.path())?;
    Ok(TorchClassifier::load(&Model::open(folder.path())?, Device::Cpu, Precision::F32, 1)?)
}

impl Judge {
    fn new(model: &Model, inputs: &Inputs) -> Outcome<Self> {
        let trained = TorchClassifier::load(model, Device::Cpu, Precision::F32, 1)?;
        let whole = Decider::surveyed(AnySmallModel::of(model)?, &trained, inputs, model.config.evidence)?;
        Ok(Self {
            spec: model.config.image.clone(),
            trained,
            shuffled: (1..=SHUFFLED).map(|seed| shuffled(model, seed)).collect::<Outcome<_>>()?,
            images_only: Decider { small_model: None, ..whole.clone() },
            whole,
            random: Pcg64::seed_from_u64(1),
        })
    }

    /// The numbers of a site; none where it is not called het, or too few reads support the allele, or do not.
    fn line(&mut self, image: &PileupImage, features: Option<&Features>) -> Outcome<Option<Vec<f64>>> {
        let p = self.classified(std::slice::from_ref(image), features)?[0];
        let [best, second] = falling(p);
        let (mut supporting, mut others) = self.rows(image);
        let masked = supporting.len().min(others.len());
        if best != HET || masked < FEWEST {
            return Ok(None);
        }
        let mut all: Vec<usize> = supporting.iter().chain(&others).copied().collect();
        all.sort_unstable();
        supporting.shuffle(&mut self.random);
        others.shuffle(&mut self.random);
        let mut weights = [0.0; 3];
        (weights[best], weights[second]) = (1.0, -1.0);
        let slopes = gradient(&mut self.trained, image, features, weights)?;
        let width = self.spec.width;
        let map = by_pixel(image, &slopes);
        let of_row =
            |row: usize| map[row * width..(row + 1) * width].iter().map(|&value| f64::from(value)).sum::<f64>();
        let mut ranked = all.clone();
        ranked.sort_by(|a, b| of_row(*b).total_cmp(&of_row(*a)));

        let mut images = vec![
            without(image, &supporting[..masked])?,
            without(image, &others[..masked])?,
            without(image, &ranked[..masked])?,
            without(image, &ranked[ranked.len() - masked..])?,
        ];
        for _ in 0..DRAWS {
            let mut drawn = all.clone();
            drawn.shuffle(&mut self.random);
            images.push(without(image, &drawn[..masked])?);
        }
        for row in &all {
            images.push(without(image, &[*row])?);
        }
        let found = self.classified(&images, features)?;
        let [variant, other, highest, lowest] = [0, 1, 2, 3].map(|i| found[i].0[best]);
        let random = found[4..4 + DRAWS].iter().map(|p| p.0[best]).sum::<f64>() / DRAWS as f64;
        let margin = |p: &Probabilities| p.0[best].max(1e-12).ln() - p.0[second].max(1e-12).ln();
        let falls: Vec<f64> = found[4 + DRAWS..].iter().map(|without| margin(&p) - margin(without)).collect();
        let told: Vec<f64> = all.iter().map(|&row| of_row(row)).collect();
        let alone = self.classified(&[image.clone(), images[0].clone(), images[1].clone()], None)?;

        // Only pixels that hold a base: empty ones have no value in any map.
        let shape = image.shape();
        let holds = |row: usize, column: usize| {
            image.row(row)[column * shape.channels..(column + 1) * shape.channels].iter().any(|&value| value > 0)
        };
        let fewer = without(image, &others[..1])?;
        let pixels: Vec<usize> = all
            .iter()
            .filter(|row| **row != others[0])
            .flat_map(|&row| {
                (0..width).filter(move |&column| holds(row, column)).map(move |column| row * width + column)
            })
            .collect();
        let maps = |image: &PileupImage, slopes: &[f32]| Maps::of(image, slopes, &pixels);
        let own = maps(image, &slopes);
        let mut apart = [0.0; 3];
        for network in &mut self.shuffled {
            let theirs = maps(image, &gradient(network, image, features, weights)?);
            for (sum, rho) in apart.iter_mut().zip(own.correlations(&theirs)) {
                *sum += rho / SHUFFLED as f64;
            }
        }
        let same = own.correlations(&maps(&fewer, &gradient(&mut self.trained, &fewer, features, weights)?));
        let mut line = vec![masked as f64, p.0[best], variant, other, highest, random, lowest];
        line.extend(alone.iter().map(|p| p.0[best]));
        line.push(spearman(&told, &falls));
        line.extend(apart.into_iter().chain(same));
        Ok(Some(line))
    }

    fn classified(&mut self, images: &[PileupImage], features: Option<&Features>) -> Outcome<Vec<Probabilities>> {
        let mut found = Vec::new();
        for some in images.chunks(BATCH_SIZE) {
            let mut batch = Batch::new(self.spec.shape());
            for image in some {
                batch.push(image, features)?;
            }
            found.extend(self.trained.classify(&batch)?);
        }
        Ok(found)
    }

    /// Rows of reads that support the allele, and of others.
    fn rows(&self, image: &PileupImage) -> (Vec<usize>, Vec<usize>) {
        let shape = image.shape();
        let support = self.spec.channels.iter().position(|&channel| channel == Channel::ReadSupportsVariant);
        let supports = |row: &usize| {
            support.is_some_and(|at| image.row(*row).iter().skip(at).step_by(shape.channels).any(|&v| v == SUPPORTS))
        };
        let held = (REFERENCE_ROWS..shape.height).filter(|&row| image.row(row).iter().any(|&value| value > 0));
        held.partition(supports)
    }
}

/// The three maps of some pixels.
struct Maps {
    signed: Vec<f64>,
    size: Vec<f64>,
    saliency: Vec<f64>,
}

impl Maps {
    fn of(image: &PileupImage, slopes: &[f32], pixels: &[usize]) -> Self {
        let taken = |map: Vec<f32>| pixels.iter().map(|&pixel| f64::from(map[pixel])).collect::<Vec<f64>>();
        let signed = taken(by_pixel(image, slopes));
        let size = signed.iter().map(|value| value.abs()).collect();
        Self { signed, size, saliency: taken(saliency(image, slopes)) }
    }

    fn correlations(&self, other: &Self) -> [f64; 3] {
        [
            spearman(&self.signed, &other.signed),
            spearman(&self.size, &other.size),
            spearman(&self.saliency, &other.saliency),
        ]
    }
}

fn gradient(
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
fn without(image: &PileupImage, rows: &[usize]) -> Outcome<PileupImage> {
    let shape = image.shape();
    let length = shape.width * shape.channels;
    let mut bytes = image.bytes().to_vec();
    for row in rows {
        bytes[row * length..(row + 1) * length].fill(0);
    }
    Ok(PileupImage::from_bytes(shape, bytes.into())?)
}

/// The most probable genotype and the second.
fn falling(p: Probabilities) -> [usize; 2] {
    let mut order = [0, 1, 2];
    order.sort_by(|&a: &usize, &b| p.0[b].total_cmp(&p.0[a]));
    [order[0], order[1]]
}

/// Spearman's rank correlation; 0 where either has one value only.
fn spearman(a: &[f64], b: &[f64]) -> f64 {
    let (a, b) = (ranks(a), ranks(b));
    let mean = (a.len() as f64 - 1.0) / 2.0;
    let product = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| (x - mean) * (y - mean)).sum::<f64>();
    let spread = (product(&a, &a) * product(&b, &b)).sqrt();
    if spread > 0.0 { product(&a, &b) / spread } else { 0.0 }
}

/// Ranks from 0; equal values share the mean of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
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
