//! Files of one sample with its truth -> a [`DataSet`]: checked, and surveyed as a whole and thinned.

use rand::Rng as _;
use rand_pcg::Pcg64;

use crate::alignment_file::BamFile;
use crate::error::{Error, Result};
use crate::evidence::{EvidenceOptions, Gatherer};
use crate::genome::ReferenceFile;
use crate::inputs::open_reads;
use crate::pileup::ImageSpec;
use crate::reads::{BamSource, Read};
use crate::regions::{Regions, Targets};
use crate::sample::{SampleProfile, SurveyOptions, survey_with};
use crate::train::augment::Thinned;
use crate::train::manifest::SetFiles;
use crate::variant::known::Truth;

/// Reads of one sample with its truth.
#[derive(Clone, Debug)]
pub struct DataSet {
    reference: ReferenceFile,
    reads: Vec<BamFile>,
    pub(super) truth: Truth,
    pub(super) confident: Targets,
    /// How often each of its regions is drawn in a pass over the data.
    pub(super) weight: f64,
    /// The sample's profile with each of [`SHARES`] of the reads; the last is that of all of them.
    profiles: [SampleProfile; SHARES.len()],
}

/// Shares of the reads at which a sample is surveyed; profiles between them are interpolated.
const SHARES: [f64; 4] = [0.2, 0.35, 0.6, 1.0];

impl DataSet {
    /// Opens a set's files, checks them against each other, and surveys the reads by `evidence`.
    ///
    /// # Errors
    /// [`Error::Input`] for a file that cannot be used.
    pub fn open(
        files: &SetFiles,
        reference: &ReferenceFile,
        confident: Targets,
        evidence: EvidenceOptions,
    ) -> Result<Self> {
        let reads =
            files.reads.iter().map(|path| open_reads(path, reference, &confident)).collect::<Result<Vec<_>>>()?;
        let truth = Truth::read(&files.truth, reference.contigs())?;
        if truth.is_empty() {
            return Err(Error::input(&files.truth, "holds no variant on the reference's contigs"));
        }
        truth.matches(&mut reference.open()?, &files.truth)?;
        let mut profiles = [SampleProfile::default(); SHARES.len()];
        for (profile, share) in profiles.iter_mut().zip(SHARES) {
            let mut random = Pcg64::new(3, 7);
            let mut thin = |reads: &mut Vec<Read>| reads.retain(|_| random.random_bool(share));
            // Thinned reads slip as all do.
            let options = SurveyOptions { evidence, slippage: share >= 1.0 };
            *profile = survey_with(&reads, reference, options, &mut thin)?;
        }
        Ok(Self { reference: reference.clone(), reads, truth, confident, weight: files.weight, profiles })
    }

    /// The profile of all reads.
    pub(super) fn profile(&self) -> SampleProfile {
        self.profiles[SHARES.len() - 1]
    }

    /// The profile that another survey, of other windows, might give of the sample with thinned reads.
    pub(super) fn thinned(&self, Thinned { left, spread }: Thinned, random: &mut Pcg64) -> SampleProfile {
        let above = SHARES.iter().position(|&share| share >= left).unwrap_or(SHARES.len() - 1);
        let below = above.saturating_sub(1);
        let step = SHARES[above] - SHARES[below];
        let weight = if step > 0.0 { ((left - SHARES[below]) / step).clamp(0.0, 1.0) } else { 1.0 };
        let artefact_rate =
            (1.0 - weight) * self.profiles[below].artefact_rate + weight * self.profiles[above].artefact_rate;
        let all = self.profile();
        let expected = SampleProfile {
            median_depth: all.median_depth * left,
            depth_cv: (all.depth_cv * all.depth_cv + spread * spread).sqrt(),
            artefact_rate,
            ..all
        };
        expected.resampled(random)
    }

    /// A reader of its regions.
    pub(super) fn gatherer(&self, options: EvidenceOptions, image: &ImageSpec) -> Result<Gatherer> {
        let source = BamSource::open(&self.reads, self.reference.contigs(), options.reads())?;
        Ok(Gatherer::new(Box::new(source), self.reference.open()?, options, image.clone()))
    }

    /// The regions of `size` bp that its confident regions are cut into.
    pub(super) fn regions(&self, size: u64) -> Regions {
        self.confident.regions(size)
    }
}
