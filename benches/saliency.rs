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

use std::path::Path;

use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_pcg::Pcg64;
use tch::Device;
use varpix::evidence::Gatherer;
use varpix::explain::relevance::by_pixel;
use varpix::inputs::Inputs;
use varpix::model::Model;
use varpix::pileup::{AltSet, Channel, ImageSpec, PileupImage, REFERENCE_ROWS};
use varpix::predict::cnn::torch::{Precision, TorchClassifier};
use varpix::predict::cnn::{BATCH_SIZE, Batch, Classifier};
use varpix::predict::small::Features;
use varpix::predict::{AnySmallModel, Decider, Decision, Probabilities, decide};
use varpix::reads::BamSource;

mod maps;

use self::maps::{MAPS, Outcome, gradient, held, of_ranks, ranked_maps, shuffled, spearman, without};

/// Layers of `rows_net` and `residual_rows_net` from the head to the image, which are shuffled one after another.
const CASCADE: [&[&str]; 8] = [
    &["head2"],
    &["head1", "numbers1", "numbers2"],
    &["layer2"],
    &["layer1"],
    &["to_row"],
    &["conv3"],
    &["conv2"],
    &["conv1"],
];
/// Networks that are shuffled as a whole, and as far as each layer.
const WHOLE: u64 = 8;
const PARTLY: u64 = 1;
/// Draws of random rows.
const DRAWS: usize = 5;
/// Fewest reads that support the allele, and that do not.
const FEWEST: usize = 4;
/// Value of reads that support the alleles of an image.
const SUPPORTS: u8 = 254;
const HET: usize = 1;

const COLUMNS: [&str; 16] = [
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
    "any_variant",
    "any_others",
    "image",
    "image_variant",
    "image_others",
    "rows",
];

fn main() -> Outcome<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [model, reference, reads, sites] = args.as_slice() else {
        return Err("usage: saliency MODEL REF READS SITES".into());
    };
    let model = Model::find(Path::new(model))?;
    let inputs = Inputs::open(Path::new(reference), &[reads.into()], &[])?;
    let mut judge = Judge::new(&model, &inputs)?;
    println!("{}\t{}", COLUMNS.join("\t"), judge.names().join("\t"));
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
    /// By their names: `whole`, or `to_LAYER`.
    shuffled: Vec<(String, Vec<TorchClassifier>)>,
    whole: Decider,
    images_only: Decider,
    random: Pcg64,
}

/// Networks with shuffled weights, by how far down they are shuffled.
fn all_shuffled(model: &Model) -> Outcome<Vec<(String, Vec<TorchClassifier>)>> {
    let whole = (1..=WHOLE).map(|seed| shuffled(model, seed, None)).collect::<Outcome<_>>()?;
    let mut all = vec![("whole".to_owned(), whole)];
    if ["rows_net", "residual_rows_net"].contains(&model.config.network.as_str()) {
        for last in 1..=CASCADE.len() {
            let layers = CASCADE[..last].concat();
            let networks = (1..=PARTLY).map(|seed| shuffled(model, seed, Some(&layers))).collect::<Outcome<_>>()?;
            all.push((format!("to_{}", CASCADE[last - 1][0]), networks));
        }
    }
    Ok(all)
}

impl Judge {
    fn new(model: &Model, inputs: &Inputs) -> Outcome<Self> {
        let trained = TorchClassifier::load(model, Device::Cpu, Precision::F32, 1)?;
        let whole = Decider::surveyed(AnySmallModel::of(model)?, &trained, inputs, model.config.evidence)?;
        Ok(Self {
            spec: model.config.image.clone(),
            trained,
            shuffled: all_shuffled(model)?,
            images_only: Decider { small_model: None, ..whole.clone() },
            whole,
            random: Pcg64::seed_from_u64(1),
        })
    }

    /// Names of the columns of maps: of each map its rank correlation with that of the same weights and one read fewer, and its values; by how far weights
    /// are shuffled the mean correlation, and that without its sign.
    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = MAPS.iter().map(|map| format!("same:{map}")).collect();
        names.extend(MAPS.iter().map(|map| format!("n:{map}")));
        for (stage, _) in &self.shuffled {
            names.extend(MAPS.iter().flat_map(|map| ["mean", "size"].map(|what| format!("{stage}:{map}:{what}"))));
        }
        names
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

        let fewer = without(image, &others[..1])?;
        let pixels = held(image, all.iter().copied().filter(|row| *row != others[0]));
        let own = ranked_maps(image, &slopes, &pixels);
        let same = ranked_maps(&fewer, &gradient(&mut self.trained, &fewer, features, weights)?, &pixels);
        let mut compared: Vec<f64> = own.iter().zip(&same).map(|(own, same)| of_ranks(own, same)).collect();
        compared.extend(own.iter().map(|map| map.len() as f64));
        for (_, networks) in &mut self.shuffled {
            let mut rhos = vec![Vec::new(); MAPS.len()];
            for network in networks {
                let theirs = ranked_maps(image, &gradient(network, image, features, weights)?, &pixels);
                for (rhos, (own, theirs)) in rhos.iter_mut().zip(own.iter().zip(&theirs)) {
                    rhos.push(of_ranks(own, theirs));
                }
            }
            for rhos in rhos {
                let n = rhos.len() as f64;
                compared.push(rhos.iter().sum::<f64>() / n);
                compared.push(rhos.iter().map(|rho| rho.abs()).sum::<f64>() / n);
            }
        }
        let any = |p: &Probabilities| 1.0 - p.hom_ref();
        let mut line = vec![masked as f64, p.0[best], variant, other, highest, random, lowest];
        line.extend([any(&found[0]), any(&found[1])]);
        line.extend(alone.iter().map(|p| p.0[best]));
        line.push(spearman(&told, &falls));
        line.extend(compared);
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

/// The most probable genotype and the second.
fn falling(p: Probabilities) -> [usize; 2] {
    let mut order = [0, 1, 2];
    order.sort_by(|&a: &usize, &b| p.0[b].total_cmp(&p.0[a]));
    [order[0], order[1]]
}
