//! A type of DeepVariant's models and a release -> the settings that its wrapper gives to models of that type.
//!
//! From 1.10 on the settings lie beside the model. Before, they were those of the wrapper, which knew the type from `--model_type`.

use crate::error::{Error, Result};
use crate::evidence::EvidenceOptions;
use crate::model::config::{ModelConfig, MultiAllelic};
use crate::model::release::Release;
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
    /// The release whose rules these are.
    pub release: Release,
}

impl Settings {
    /// Those of a release, for images and a type of models.
    pub(super) fn of(image: ImageSpec, release: Release, model_type: Option<ModelType>) -> Self {
        let mut evidence = EvidenceOptions::default();
        if release >= Release::V1_9
            && let Some(realign) = &mut evidence.realign
        {
            realign.windows.min_allele_count = 2;
        }
        // The wrapper asks for the minimum with models of exomes.
        let multiplied = release >= Release::V1_10 && model_type != Some(ModelType::Wes);
        let multi_allelic = if multiplied { MultiAllelic::Product } else { MultiAllelic::Minimum };
        let mut settings = Self { image, evidence, multi_allelic, release };
        if let Some(model_type) = model_type {
            model_type.apply(&mut settings);
        }
        settings
    }

    /// Those of a model; its rules are the newest where it names none.
    #[must_use]
    pub fn of_model(config: &ModelConfig) -> Self {
        Self {
            image: config.image.clone(),
            evidence: config.evidence,
            multi_allelic: config.multi_allelic,
            release: config.rules.unwrap_or(Release::V1_10),
        }
    }

    /// Makes reads be phased, and what goes with it: reads of the region alone, and no more of them than it needs.
    pub(super) fn phase(&mut self) {
        let rules =
            if self.release >= Release::V1_10 { PhasingRules::DeepVariant1_10 } else { PhasingRules::DeepVariant1_8 };
        let options = self.evidence.phasing.unwrap_or_default();
        self.evidence = self.evidence.phased(PhasingOptions { rules, ..options });
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
    #[must_use]
    pub fn platform(self) -> Option<&'static str> {
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
    fn apply(self, settings: &mut Settings) {
        // Parts of reads are cut off from 1.8 on.
        let trims = settings.release >= Release::V1_8;
        if self == Self::Hybrid {
            settings.image.trim_reads = trims;
        }
        if !matches!(self, Self::PacBio | Self::OntR104 | Self::MasSeq) {
            return;
        }
        settings.phase();
        let Settings { image, evidence, .. } = settings;
        image.trim_reads = trims;
        image.sort_by_haplotype = true;
        evidence.realign = None;
        evidence.region_size = 25_000;
        evidence.candidates.min_fraction_indels = 0.12;
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
