//! Data sets -> labelled images, in an order that the seed alone decides.

use std::path::Path;

use rand::seq::SliceRandom;
use rand_pcg::Pcg64;

use super::augment;
use super::label::{class, label};
use crate::candidates::Candidate;
use crate::classify::features::{Features, features};
use crate::error::{Error, Result};
use crate::evidence::{Evidence, EvidenceOptions, Gatherer};
use crate::genome::ReferenceFile;
use crate::pileup::{AltSet, ImageSpec, PileupImage, alt_sets};
use crate::reads::BamFile;
use crate::reads::depth::usual_depth;
use crate::reads::source::ReadOptions;
use crate::regions::{Region, Targets};
use crate::truth::Truth;

/// Reads of one sample with its truth.
#[derive(Clone, Debug)]
pub struct DataSet {
    reference: ReferenceFile,
    reads: BamFile,
    truth: Truth,
    confident: Targets,
    /// Reads over a place of two copies.
    usual_depth: f64,
}

impl DataSet {
    /// Joins checked reads with their truth VCF and confident regions.
    ///
    /// # Errors
    /// [`Error::Input`] for a file that cannot be used.
    pub fn open(reads: BamFile, truth_path: &Path, confident: &Path, reference: &ReferenceFile) -> Result<Self> {
        let confident = Targets::from_bed(confident, reference.contigs())?;
        let truth = Truth::read(truth_path, reference.contigs())?;
        if truth.is_empty() {
            return Err(Error::input(truth_path, "holds no variant on the reference's contigs"));
        }
        let usual_depth = usual_depth(std::slice::from_ref(&reads), reference.contigs(), ReadOptions::default())?;
        Ok(Self { reference: reference.clone(), reads, truth, confident, usual_depth })
    }
}

/// An image with its class.
#[derive(Clone, Debug)]
pub struct Example {
    /// The image.
    pub image: PileupImage,
    /// Copies of its alleles: 0, 1 or 2.
    pub class: u8,
    /// True where all alleles are as long as the reference's.
    pub snp: bool,
    /// Its candidate in numbers, where they are wanted and it has one alternative allele.
    pub features: Option<Features>,
}

/// A candidate in numbers, with its class.
#[derive(Clone, Copy, Debug)]
pub struct Described {
    /// The numbers.
    pub features: Features,
    /// Copies of its alternative allele: 0, 1 or 2.
    pub class: u8,
}

/// A region of a set, by the set's index.
pub type Job = (usize, Region);

/// The regions of all sets, shuffled by `seed`.
#[must_use]
pub fn jobs(sets: &[DataSet], region_size: u64, seed: u64) -> Vec<Job> {
    let mut jobs: Vec<Job> = sets
        .iter()
        .enumerate()
        .flat_map(|(i, set)| set.confident.regions(region_size).into_iter().map(move |region| (i, region)))
        .collect();
    jobs.shuffle(&mut Pcg64::new(u128::from(seed), 1));
    jobs
}

/// What examples are made like.
#[derive(Clone, Debug)]
pub struct ExampleOptions {
    /// Their evidence.
    pub evidence: EvidenceOptions,
    /// Their images.
    pub image: ImageSpec,
    /// The seed of what is changed in reads and images, or `None` to leave them as they are.
    pub augment: Option<u64>,
    /// Whether they come with their candidate in numbers.
    pub features: bool,
}

/// Sends the examples of some regions to `take`, in order, until `take` says stop.
///
/// # Errors
/// As [`Gatherer::gather`].
pub fn examples(
    sets: &[DataSet],
    jobs: &[Job],
    options: &ExampleOptions,
    mut take: impl FnMut(Example) -> bool,
) -> Result<()> {
    labelled(sets, jobs, options, |found, candidate, copies, random| {
        let snp = candidate.alts.iter().all(|alt| alt.bases.len() == candidate.reference.len());
        let wanted = options.features;
        let features = wanted.then(|| features(candidate, found)).flatten();
        for set in alt_sets(candidate.alts.len()) {
            let mut image = found.render(&options.image, candidate, set);
            if let Some(random) = random {
                augment::image(&mut image, &options.image, random);
            }
            if !take(Example { image, class: class(copies, set), snp, features }) {
                return false;
            }
        }
        true
    })
}

/// Sends the candidates of one alternative allele of some regions to `take`, in order; no image is drawn.
///
/// # Errors
/// As [`Gatherer::gather`].
pub fn described(
    sets: &[DataSet],
    jobs: &[Job],
    options: &ExampleOptions,
    mut take: impl FnMut(Described),
) -> Result<()> {
    labelled(sets, jobs, options, |found, candidate, copies, _| {
        if let Some(features) = features(candidate, found) {
            take(Described { features, class: class(copies, AltSet::One(0)) });
        }
        true
    })
}

/// Sends the candidates whose genotype is known to `take`, region by region, until `take` says stop.
fn labelled(
    sets: &[DataSet],
    jobs: &[Job],
    options: &ExampleOptions,
    mut take: impl FnMut(&Evidence, &Candidate, &[u8], &mut Option<Pcg64>) -> bool,
) -> Result<()> {
    let mut gatherers = Vec::new();
    for set in sets {
        let source = set.reads.open(set.reference.contigs(), options.evidence.reads())?;
        gatherers.push(
            Gatherer::new(Box::new(source), set.reference.open()?, options.evidence, options.image.clone())
                .of_depth(set.usual_depth),
        );
    }
    for &(i, region) in jobs {
        let start = u128::from(region.interval.start());
        let mut random = options.augment.map(|seed| Pcg64::new(u128::from(seed) << 64 | start, i as u128 + 8));
        let found = gatherers[i].gather_changed(region, |reads| {
            random.as_mut().map_or(1.0, |random| augment::reads(reads, sets[i].usual_depth, random))
        })?;
        let labels = label(region, &found, &sets[i].truth, &sets[i].confident);
        for (candidate, copies) in found.candidates.iter().zip(labels) {
            let Some(copies) = copies else { continue };
            if !take(&found, candidate, &copies, &mut random) {
                return Ok(());
            }
        }
    }
    Ok(())
}
