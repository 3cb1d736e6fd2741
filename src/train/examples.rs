//! Data sets -> labelled images and labelled features, in an order that the seed alone decides.

use rand::Rng as _;
use rand::seq::SliceRandom;
use rand_pcg::Pcg64;

use crate::candidates::Candidate;
use crate::error::Result;
use crate::evidence::{Evidence, EvidenceOptions, Gatherer};
use crate::pileup::{AltSet, ImageSpec, PileupImage, alt_sets};
use crate::predict::small::features::features;
use crate::predict::small::{Features, SmallModel, certainty};
use crate::reads::Read;
use crate::regions::Region;
use crate::sample::SampleProfile;
use crate::train::augment::{self, Kind};
use crate::train::data::DataSet;
use crate::train::label::{class, label};
use crate::variant::Genotype;

/// An image with its class.
#[derive(Clone, Debug)]
pub struct Example {
    /// The image.
    pub image: PileupImage,
    /// Copies of its alleles: 0, 1 or 2.
    pub class: u8,
    /// True where all alleles are as long as the reference's.
    pub snp: bool,
    /// Its features, where they are wanted.
    pub features: Option<Features>,
    /// Whether its candidate has one alternative allele, so that the small model may decide it alone.
    pub biallelic: bool,
    /// For how many images of its kind it stands in the loss.
    pub weight: f32,
}

/// Phred of the certainty from which on a small model's candidates are spared, and how many of them one image then stands for.
const SPARED_FROM: f64 = 20.0;
const SPARED: u8 = 4;

/// The features of a candidate's alternative allele, or of one or two of several, with their class.
#[derive(Clone, Copy, Debug)]
pub struct Described {
    /// The features.
    pub features: Features,
    /// Copies of the alternative alleles that the features are of: 0, 1 or 2.
    pub class: u8,
}

/// A region of a set to take examples from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    /// The set's index.
    pub set: usize,
    /// The region.
    pub region: Region,
    /// 0 for the first time that it is drawn in a pass, 1 for the second: each time it is augmented differently.
    pub copy: u32,
}

/// How examples are made.
#[derive(Clone, Debug)]
pub struct ExampleOptions {
    /// How their evidence is gathered.
    pub evidence: EvidenceOptions,
    /// Shape and channels of their images.
    pub image: ImageSpec,
    /// The seed of all changes to reads and images, or `None` to leave them as they are.
    pub augment: Option<u64>,
    /// Whether images come with their features.
    pub features: bool,
    /// The small model whose certain candidates give few images: the CNN is to learn what that one cannot tell.
    pub spare: Option<SmallModel>,
}

/// The regions of all sets for one pass, each as often as its set's weight says, shuffled by `seed`.
#[must_use]
pub fn jobs(sets: &[DataSet], region_size: u64, seed: u64) -> Vec<Job> {
    let mut jobs = Vec::new();
    for (set, data) in sets.iter().enumerate() {
        let phase = phase(set, seed);
        for (index, region) in data.regions(region_size).iter().enumerate() {
            jobs.extend((0..times(data.weight, phase, index)).map(|copy| Job { set, region, copy }));
        }
    }
    jobs.shuffle(&mut Pcg64::new(u128::from(seed), 1));
    jobs
}

/// Where the counting of a set's regions begins, so that a weight of 0.5 draws other regions in another pass. A thousandth is fine enough,
/// and far enough from 1 for weights without a fraction to be exact.
fn phase(set: usize, seed: u64) -> f64 {
    f64::from(Pcg64::new(u128::from(seed), set as u128 + (1 << 64)).random_range(0..1000_u16)) / 1000.0
}

/// How often a set's region of that index is drawn: evenly spread, so that any run of `n` regions gives `n * weight` draws, plus or minus one.
#[allow(clippy::cast_precision_loss, reason = "indexes of regions, some millions")]
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "weights are between 0 and 1000")]
fn times(weight: f64, phase: f64, index: usize) -> u32 {
    let before = |index: usize| (index as f64 * weight + phase).floor();
    (before(index + 1) - before(index)) as u32
}

/// Makes the examples of regions, one after the other; holds a reader of each set.
pub struct ExampleMaker<'a> {
    sets: &'a [DataSet],
    options: ExampleOptions,
    gatherers: Vec<Gatherer>,
}

/// A candidate whose genotype is known.
struct Labelled<'a> {
    evidence: &'a Evidence,
    profile: SampleProfile,
    candidate: &'a Candidate,
    genotype: Genotype,
}

impl<'a> ExampleMaker<'a> {
    /// Opens the sets' reads.
    ///
    /// # Errors
    /// [`Error::Input`](crate::error::Error::Input) for a file that cannot be read.
    pub fn new(sets: &'a [DataSet], options: ExampleOptions) -> Result<Self> {
        let gatherers = sets.iter().map(|set| set.gatherer(options.evidence, &options.image));
        let gatherers = gatherers.collect::<Result<Vec<_>>>()?;
        Ok(Self { sets, options, gatherers })
    }

    /// The images of a region's candidates, with their classes.
    ///
    /// # Errors
    /// As [`Gatherer::gather`].
    pub fn examples(&mut self, job: &Job) -> Result<Vec<Example>> {
        let mut found = Vec::new();
        let Self { sets, options, gatherers } = self;
        let options = &*options;
        let wanted = options.features || options.spare.is_some();
        labelled(sets, options, gatherers, job, |Labelled { evidence, profile, candidate, genotype }, random| {
            let describe = |set| features((candidate, set), evidence, profile, true);
            // Of one alternative allele there is one image.
            let own = (wanted && candidate.alts.len() == 1).then(|| describe(AltSet::One(0)));
            let Some(weight) = weight(options, own.as_ref(), random) else { return };
            let snp = candidate.alts.iter().all(|alt| alt.bases.len() == candidate.reference.len());
            let biallelic = candidate.alts.len() == 1;
            for set in alt_sets(candidate.alts.len()) {
                let mut image = evidence.render(&options.image, candidate, set);
                if options.augment.is_some() {
                    augment::image(&mut image, &options.image, random);
                }
                let features = options.features.then(|| own.unwrap_or_else(|| describe(set)));
                found.push(Example { image, class: class(genotype, set), snp, features, biallelic, weight });
            }
        })?;
        Ok(found)
    }

    /// What a small model learns from a region's candidates: the features of each set of alternative alleles that an image would be of, with their
    /// classes; no image is rendered.
    ///
    /// # Errors
    /// As [`Gatherer::gather`].
    pub fn described(&mut self, job: &Job) -> Result<Vec<Described>> {
        let mut found = Vec::new();
        let Self { sets, options, gatherers } = self;
        labelled(sets, options, gatherers, job, |Labelled { evidence, profile, candidate, genotype }, _| {
            found.extend(alt_sets(candidate.alts.len()).map(|set| {
                let features = features((candidate, set), evidence, profile, true);
                Described { features, class: class(genotype, set) }
            }));
        })?;
        Ok(found)
    }
}

/// Sends a region's candidates whose genotype is known to `take`, with the region's generator.
fn labelled(
    sets: &[DataSet],
    options: &ExampleOptions,
    gatherers: &mut [Gatherer],
    job: &Job,
    mut take: impl FnMut(Labelled, &mut Pcg64),
) -> Result<()> {
    let &Job { set: index, region, copy } = job;
    let set = &sets[index];
    let state = u128::from(options.augment.unwrap_or(0)) << 64 | u128::from(region.interval.start());
    let stream = |offset: u128| (u128::from(copy) << 64) + index as u128 + offset;
    let mut random = Pcg64::new(state, stream(8));
    let mut profile = set.profile();
    let augmented = options.augment.is_some();
    let evidence = gatherers[index].gather_with(region, &mut |reads: &mut Vec<Read>| {
        if augmented {
            let kind = if options.evidence.cut_long_reads { Kind::Long } else { Kind::Short };
            let thinned = augment::reads(reads, kind, profile.median_depth, &mut random);
            profile = set.thinned(thinned, &mut Pcg64::new(state, stream(1000)));
        }
    })?;
    let labels = label(region, &evidence, &set.truth, &set.confident);
    for (candidate, genotype) in evidence.candidates.iter().zip(labels) {
        if let Some(genotype) = genotype {
            take(Labelled { evidence: &evidence, profile, candidate, genotype }, &mut random);
        }
    }
    Ok(())
}

/// For how many images one of a candidate with these features stands, or `None` where it is spared. Without a small model, or of several
/// alternative alleles, for itself.
fn weight(options: &ExampleOptions, features: Option<&Features>, random: &mut Pcg64) -> Option<f32> {
    let certain = options
        .spare
        .as_ref()
        .zip(features)
        .is_some_and(|(small_model, features)| certainty(small_model.probabilities(features)) >= SPARED_FROM);
    if !certain {
        return Some(1.0);
    }
    (random.random_range(0..SPARED) == 0).then_some(f32::from(SPARED))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(weight: f64, seed: u64) -> Vec<u32> {
        let phase = phase(3, seed);
        (0..1000).map(|index| times(weight, phase, index)).collect()
    }

    #[test]
    fn weights_are_how_often_regions_are_drawn() {
        for seed in 0..20 {
            assert_eq!(drawn(1.0, seed), [1; 1000]);
            assert_eq!(drawn(2.0, seed), [2; 1000]);
            // Every second region.
            let half = drawn(0.5, seed);
            assert!(half.chunks(2).all(|pair| pair.iter().sum::<u32>() == 1) && half[..998] == half[2..], "{half:?}");
            for weight in [0.1, 0.003, 1.25, 7.3] {
                let sum: u32 = drawn(weight, seed).iter().sum();
                assert!((f64::from(sum) - 1000.0 * weight).abs() <= 1.0, "{sum} at {weight}");
            }
        }
        assert_eq!(drawn(0.3, 4), drawn(0.3, 4));
        assert!((0..20).any(|seed| drawn(0.5, seed) != drawn(0.5, 0)), "passes draw the same half");
    }
}
