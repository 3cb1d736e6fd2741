//! Data sets -> labelled images, in an order that the seed alone decides.

use std::path::Path;

use rand::Rng;
use rand::seq::SliceRandom;
use rand_pcg::Pcg64;

use super::label::{class, label};
use crate::error::{Error, Result};
use crate::evidence::{EvidenceOptions, Gatherer};
use crate::genome::ReferenceFile;
use crate::pileup::{ImageSpec, PileupImage, alt_sets};
use crate::reads::BamFile;
use crate::regions::{Region, Targets};
use crate::truth::Truth;

/// Reads of one sample with its truth.
#[derive(Clone, Debug)]
pub struct DataSet {
    reads: BamFile,
    truth: Truth,
    confident: Targets,
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
            return Err(Error::input(truth_path, "holds no allele on the reference's contigs"));
        }
        Ok(Self { reads, truth, confident })
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
    /// Share of the pass over the data that was done when it was made, 0 to 1.
    pub progress: f64,
}

/// Sends the examples of one pass over all sets to `take`, regions shuffled by `seed`, until `take` says stop.
///
/// Each region keeps a share of its reads drawn from `least_kept` to 1, so that a model meets every depth and does not take
/// a deep pileup for a false one (copies that the reference lacks are deep, but so is much else in real data).
///
/// # Errors
/// As [`Gatherer::gather`].
pub fn examples(
    sets: &[DataSet],
    reference: &ReferenceFile,
    evidence: EvidenceOptions,
    image: &ImageSpec,
    least_kept: f64,
    seed: u64,
    mut take: impl FnMut(Example) -> bool,
) -> Result<()> {
    let mut gatherers = Vec::new();
    let mut jobs: Vec<(usize, Region)> = Vec::new();
    for (i, set) in sets.iter().enumerate() {
        let source = set.reads.open(reference.contigs(), evidence.reads())?;
        gatherers.push(Gatherer::new(Box::new(source), reference.open()?, evidence, image.clone()));
        jobs.extend(set.confident.regions(evidence.region_size).into_iter().map(|region| (i, region)));
    }
    let mut random = Pcg64::new(u128::from(seed), 1);
    jobs.shuffle(&mut random);
    #[allow(clippy::cast_precision_loss, reason = "a share of a few million regions")]
    let share = |n: usize| n as f64 / jobs.len() as f64;
    for (n, &(i, region)) in jobs.iter().enumerate() {
        let kept = if least_kept < 1.0 { random.random_range(least_kept..1.0) } else { 1.0 };
        let found = gatherers[i].gather_if(region, |_| kept >= 1.0 || random.random_bool(kept))?;
        let labels = label(region, &found, &sets[i].truth, &sets[i].confident);
        for (candidate, copies) in found.candidates.iter().zip(labels) {
            let Some(copies) = copies else { continue };
            let snp = candidate.alts.iter().all(|alt| alt.bases.len() == candidate.reference.len());
            for set in alt_sets(candidate.alts.len()) {
                let image = found.render(image, candidate, set);
                let example = Example { image, class: class(&copies, set), snp, progress: share(n) };
                if !take(example) {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}
