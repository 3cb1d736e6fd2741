//! A type of DeepVariant's models and a release -> the settings that its wrapper gives to models of that type.
//!
//! From 1.10 on the settings lie beside the model. Before, they were those of the wrapper, which knew the type from `--model_type`.

use crate::error::{Error, Result};
use crate::evidence::EvidenceOptions;
use crate::model::MultiAllelic;
use crate::phase::{PhasingOptions, PhasingRules};
use crate::pileup::ImageSpec;

/// Most reads of a region where DeepVariant has no such limit.
pub(super) const ALL_READS: usize = 1_000_000;

/// How images and their evidence are made.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The images.
    pub image: ImageSpec,
    /// How their evidence is gathered.
    pub evidence: EvidenceOptions,
    /// How the probabilities of a site's images are joined.
    pub multi_allelic: MultiAllelic,
}

impl Settings {
    /// Changes the settings of 1.8 to those that hold from a release on for all types, or all but exomes.
    pub(super) fn apply_release(&mut self, version: &str, model_type: Option<ModelType>) {
        let mut numbers = version.split('.').map(|number| number.parse::<u32>().unwrap_or(0));
        let release = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
        if release >= (1, 9)
            && let Some(realign) = &mut self.evidence.realign
        {
            realign.windows.min_allele_count = 2;
        }
        if release >= (1, 10) && model_type != Some(ModelType::Wes) {
            self.multi_allelic = MultiAllelic::Product;
        }
    }
}

/// A type of models, as DeepVariant's `--model_type` names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelType {
    /// Genomes of short reads.
    Wgs,
    /// Exomes of short reads.
    Wes,
    /// PacBio HiFi.
    PacBio,
    /// Oxford Nanopore R10.4.
    OntR104,
    /// Short and long reads together.
    Hybrid,
    /// PacBio MAS-Seq (Kinnex), RNA.
    MasSeq,
}

impl ModelType {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Wgs, Self::Wes, Self::PacBio, Self::OntR104, Self::Hybrid, Self::MasSeq];

    /// The name that `--model_type` takes.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Wgs => "WGS",
            Self::Wes => "WES",
            Self::PacBio => "PACBIO",
            Self::OntR104 => "ONT_R104",
            Self::Hybrid => "HYBRID_PACBIO_ILLUMINA",
            Self::MasSeq => "MASSEQ",
        }
    }

    /// The sequencing platform of its reads as read groups name it (PL), where it is for one alone.
    pub(super) fn platform(self) -> Option<&'static str> {
        match self {
            Self::PacBio | Self::MasSeq => Some("PACBIO"),
            Self::OntR104 => Some("ONT"),
            Self::Wgs | Self::Wes | Self::Hybrid => None,
        }
    }

    /// The type of that name.
    ///
    /// # Errors
    /// [`Error::Usage`] where there is none.
    pub fn parse(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|of| of.name() == name);
        found.ok_or_else(|| {
            let known = Self::ALL.map(Self::name).join(", ");
            Error::Usage(format!("--model-type {name}: no such type; DeepVariant's are {known}"))
        })
    }

    /// Changes the settings of short reads to those of this type in releases up to 1.9.
    pub(super) fn apply(self, settings: &mut Settings, version: &str) {
        let Settings { image, evidence, .. } = settings;
        // Reads are trimmed from 1.8 on.
        let trims = !["1.6", "1.7"].iter().any(|old| version.starts_with(old));
        if self == Self::Hybrid {
            image.trim_reads = trims;
        }
        if !matches!(self, Self::PacBio | Self::OntR104 | Self::MasSeq) {
            return;
        }
        image.trim_reads = trims;
        image.sort_by_haplotype = true;
        evidence.realign = None;
        evidence.region_size = 25_000;
        evidence.candidates.min_fraction_indels = 0.12;
        phased(settings, PhasingRules::DeepVariant1_8);
        let evidence = &mut settings.evidence;
        match self {
            Self::OntR104 => {
                evidence.max_reads = 600;
                evidence.candidates.min_fraction_snps = 0.08;
            }
            Self::MasSeq => {
                evidence.read_filter.min_mapping_quality = 1;
                evidence.max_reads = ALL_READS;
                evidence.max_bases_per_position = Some(1500);
            }
            _ => {
                evidence.read_filter.min_mapping_quality = 1;
                evidence.max_reads = 600;
            }
        }
    }
}

/// Makes reads be phased, and what goes with it: reads of the region alone, and no more of them than it needs.
pub(super) fn phased(settings: &mut Settings, rules: PhasingRules) {
    let evidence = &mut settings.evidence;
    let options = evidence.phasing.unwrap_or_default();
    evidence.phasing = Some(PhasingOptions { rules, ..options });
    evidence.track_reference_reads = true;
    evidence.read_margin = 0;
    evidence.cut_long_reads = true;
}
