//! `model.json` <-> [`ModelConfig`]: all settings that calling depends on, checked in one place ([`ModelConfig::validate`]).

mod limits;

use serde::{Deserialize, Serialize};

use crate::evidence::EvidenceOptions;
use crate::model::Checksums;
use crate::model::release::Release;
use crate::pileup::ImageSpec;

/// Version of `model.json` that this program writes and reads.
pub(crate) const FORMAT: u32 = 1;

/// When the small model's probabilities are used, and how; stored in a model.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmallModelOptions {
    /// Divisor of its logits; positive.
    pub temperature: f64,
    /// Phred of the error probability below which it decides a substitution without the CNN.
    pub min_certainty_snps: f64,
    /// The same for all other variants.
    pub min_certainty_indels: f64,
    /// Weight of the CNN's probabilities for a candidate that it does not decide, 0 to 1; its own have the rest.
    #[serde(default = "all")]
    pub image_weight: f64,
    /// How it is used at sites of several alternative alleles; where it is not set it has not learned from such, and the CNN alone decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub several_alleles: Option<SeveralAllelesOptions>,
    /// Greatest depth, in reads, of a candidate that it classifies; the CNN alone classifies deeper ones. No limit where it is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_depth: Option<u32>,
}

/// How a small model is used at sites of several alternative alleles, where each allele and each pair of them has an image.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeveralAllelesOptions {
    /// Divisor of its logits; positive.
    pub temperature: f64,
    /// Weight of the CNN's probabilities, 0 to 1; its own have the rest.
    pub image_weight: f64,
    /// Phred of the error probability below which it decides about an image's alleles without the CNN; never where it is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_certainty: Option<f64>,
}

/// When a small model of DeepVariant's decides without the CNN; stored in a model.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportedSmallModelOptions {
    /// Least Phred of the chance that its most probable genotype is wrong, for substitutions; a GQ, in DeepVariant's words.
    pub min_gq_snps: f64,
    /// The same for all other variants.
    pub min_gq_indels: f64,
    /// Whether it takes sites of several alternative alleles; one of 1.8 does not in any case.
    #[serde(default = "yes")]
    pub multi_allelic: bool,
}

fn yes() -> bool {
    true
}

fn all() -> f64 {
    1.0
}

/// How a site of several alternative alleles gets its genotype from the probabilities of its images.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MultiAllelic {
    /// A genotype is as probable as the image of its alleles says that makes it least so; DeepVariant's rule up to 1.9.
    #[default]
    Minimum,
    /// The product of what all images say of it; DeepVariant's rule from 1.10 on.
    Product,
}

impl MultiAllelic {
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// The content of `model.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// Version of this file's format.
    pub format: u32,
    /// The model's name.
    pub name: String,
    /// Sequencing platform of the reads that it is for, as read groups name it (PL); any where it is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<String>,
    /// The network's name: a module of `predict::cnn::networks`.
    pub network: String,
    /// Shape and channels of its images.
    pub image: ImageSpec,
    /// Names of the features that the CNN takes with each image, in the order of its inputs; none where it takes images alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub image_features: Vec<String>,
    /// How its evidence is gathered.
    pub evidence: EvidenceOptions,
    /// Divisor of the network's logits, which calibrates its probabilities (Guo et al. 2017, arXiv:1706.04599); positive.
    #[serde(default = "unchanged")]
    pub temperature: f64,
    /// How the probabilities of a site's images are joined.
    #[serde(default, skip_serializing_if = "MultiAllelic::is_default")]
    pub multi_allelic: MultiAllelic,
    /// The release of DeepVariant whose rules its settings are, where it was imported. For readers: each rule is a setting of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rules: Option<Release>,
    /// When its small model is used; without it the CNN classifies every candidate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub small_model: Option<SmallModelOptions>,
    /// When its small model is used, where that is one of DeepVariant's.
    #[serde(default, rename = "deepvariant_small_model", skip_serializing_if = "Option::is_none")]
    pub imported_small_model: Option<ImportedSmallModelOptions>,
    /// Under what terms it may be used, as an SPDX expression. For readers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// Checksums of its other files; set by [`Model::write`](crate::model::Model::write).
    #[serde(default, skip_serializing_if = "Checksums::is_empty")]
    pub checksums: Checksums,
    /// How it was trained: data, seed, steps. For readers; nothing depends on it.
    pub training: serde_json::Value,
    /// What it reached on the tune sets. For readers; nothing depends on it.
    pub measured: serde_json::Value,
}

impl ModelConfig {
    /// Reads what `model.json` holds.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(json: &[u8]) -> Result<Self, String> {
        let config: Self = serde_json::from_slice(json).map_err(|e| format!("is not a model description: {e}"))?;
        if config.format != FORMAT {
            return Err(format!("has format {}, this program reads format {FORMAT}", config.format));
        }
        config.validate()?;
        Ok(config)
    }

    /// Checks every setting against its range, so that no other code meets one that overflows, never ends or takes all memory.
    ///
    /// # Errors
    /// The first setting out of range, with its path in `model.json`.
    pub fn validate(&self) -> Result<(), String> {
        limits::check(self)
    }
}

fn unchanged() -> f64 {
    1.0
}
