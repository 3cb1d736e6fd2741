//! Data sets -> labelled images, in an order that the seed alone decides.

use std::path::Path;

use rand::Rng as _;
use rand::seq::SliceRandom;
use rand_pcg::Pcg64;

use crate::alignment_file::BamFile;
use crate::candidates::Candidate;
use crate::error::{Error, Result};
use crate::evidence::{Evidence, EvidenceOptions, Gatherer};
use crate::genome::ReferenceFile;
use crate::pileup::{AltSet, ImageSpec, PileupImage, alt_sets};
use crate::predict::small::Features;
use crate::predict::small::features::features;
use crate::reads::{BamSource, Read};
use crate::regions::{Region, Targets};
use crate::sample::{SampleProfile, survey_with};
use crate::train::augment::{self, Thinned};
use crate::train::label::{class, label};
use crate::variant::Genotype;
use crate::variant::known::Truth;

/// Reads of one sample with its truth.
#[derive(Clone, Debug)]
pub struct DataSet {
    reference: ReferenceFile,
    pub(super) reads: BamFile,
    truth: Truth,
    confident: Targets,
    /// What the reads are like with each of [`SHARES`] left; the last is all of them.
    with_share: [SampleProfile; SHARES.len()],
}

/// Shares of the reads for which it is known what a sample would be like.
const SHARES: [f64; 4] = [0.2, 0.35, 0.6, 1.0];

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
        truth.matches(&mut reference.open()?, truth_path)?;
        let mut with_share = [SampleProfile::default(); SHARES.len()];
        for (found, share) in with_share.iter_mut().zip(SHARES) {
            let mut random = Pcg64::new(3, 7);
            *found = survey_with(
                std::slice::from_ref(&reads),
                reference,
                EvidenceOptions::default(),
                &mut |reads: &mut Vec<Read>| {
                    reads.retain(|_| random.random_bool(share));
                },
            )?;
        }
        Ok(Self { reference: reference.clone(), reads, truth, confident, with_share })
    }

    /// What the reads are like.
    fn sample(&self) -> SampleProfile {
        self.with_share[SHARES.len() - 1]
    }

    /// What the sample of thinned reads would be like: another survey, of other places.
    fn thinned(&self, Thinned { left, spread }: Thinned, random: &mut Pcg64) -> SampleProfile {
        let above = SHARES.iter().position(|&share| share >= left).unwrap_or(SHARES.len() - 1);
        let below = above.saturating_sub(1);
        let step = SHARES[above] - SHARES[below];
        let weight = if step > 0.0 { ((left - SHARES[below]) / step).clamp(0.0, 1.0) } else { 1.0 };
        let artefact_rate =
            (1.0 - weight) * self.with_share[below].artefact_rate + weight * self.with_share[above].artefact_rate;
        let expected = SampleProfile {
            median_depth: self.sample().median_depth * left,
            depth_cv: self.sample().depth_cv.hypot(spread),
            artefact_rate,
            slippage: self.sample().slippage,
        };
        expected.found_again(random)
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
    labelled(sets, jobs, options, |(found, sample), candidate, genotype, random| {
        let snp = candidate.alts.iter().all(|alt| alt.bases.len() == candidate.reference.len());
        let wanted = options.features;
        let wanted = wanted && candidate.alts.len() == 1;
        let features = wanted.then(|| features((candidate, AltSet::One(0)), found, sample, true));
        for set in alt_sets(candidate.alts.len()) {
            let mut image = found.render(&options.image, candidate, set);
            if let Some(random) = random {
                augment::image(&mut image, &options.image, random);
            }
            if !take(Example { image, class: class(genotype, set), snp, features }) {
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
    labelled(sets, jobs, options, |(found, sample), candidate, genotype, _| {
        if candidate.alts.len() == 1 {
            let features = features((candidate, AltSet::One(0)), found, sample, true);
            take(Described { features, class: class(genotype, AltSet::One(0)) });
        }
        true
    })
}

/// Sends the candidates whose genotype is known to `take`, region by region, until `take` says stop.
fn labelled(
    sets: &[DataSet],
    jobs: &[Job],
    options: &ExampleOptions,
    mut take: impl FnMut((&Evidence, SampleProfile), &Candidate, Genotype, &mut Option<Pcg64>) -> bool,
) -> Result<()> {
    let mut gatherers = Vec::new();
    for set in sets {
        let source =
            BamSource::open(std::slice::from_ref(&set.reads), set.reference.contigs(), options.evidence.reads())?;
        gatherers.push(Gatherer::new(Box::new(source), set.reference.open()?, options.evidence, options.image.clone()));
    }
    for &(i, region) in jobs {
        let start = u128::from(region.interval.start());
        let state = options.augment.map(|seed| u128::from(seed) << 64 | start);
        let mut random = state.map(|state| Pcg64::new(state, i as u128 + 8));
        let mut sample = sets[i].sample();
        let found = gatherers[i].gather_with(region, &mut |reads: &mut Vec<Read>| {
            let (Some(state), Some(random)) = (state, &mut random) else { return };
            let thinned = augment::reads(reads, sample.median_depth, random);
            sample = sets[i].thinned(thinned, &mut Pcg64::new(state, i as u128 + 1000));
        })?;
        let labels = label(region, &found, &sets[i].truth, &sets[i].confident);
        for (candidate, genotype) in found.candidates.iter().zip(labels) {
            let Some(genotype) = genotype else { continue };
            if !take((&found, sample), candidate, genotype, &mut random) {
                return Ok(());
            }
        }
    }
    Ok(())
}
