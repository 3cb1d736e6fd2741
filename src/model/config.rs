//! `model.json` <-> [`ModelConfig`]: all settings that calling depends on, checked once.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::evidence::EvidenceOptions;
use crate::files;
use crate::model::checksums::Checksums;
use crate::model::limits::{self, within};
use crate::pileup::ImageSpec;

/// Version of `model.json` that this program writes and reads.
pub const FORMAT: u32 = 1;
/// Deepest candidates, in reads, that a small model may judge that has learned from 5 to 75 reads and from collapsed copies of some times
/// as many. Deeper ones are not among the strange ones below, since depths are looked at by their logarithms. On simulated heterozygous
/// variants its QUAL is above the images' up to 300 reads (median 38 and 33), as theirs at 400, and at 600 it begins to fail.
pub const DEFAULT_MAX_DEPTH: u32 = 300;

/// How sure the small model must be; stored in a model.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmallModelOptions {
    /// What its outputs are divided by before they become probabilities; positive.
    pub temperature: f64,
    /// Phred of the chance of error under which it settles a substitution.
    pub min_certainty_snps: f64,
    /// The same for what is not one base for one.
    pub min_certainty_indels: f64,
    /// What the images' word weighs where it has not settled a candidate, 0 to 1; its own weighs the rest.
    #[serde(default = "all")]
    pub image_weight: f64,
    /// Most reads of a candidate that it judges; deeper ones are left to the images alone. Any number where it is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_depth: Option<u32>,
}

impl SmallModelOptions {
    fn checked(&self) -> Result<(), String> {
        within("small_model.temperature", self.temperature, 0.01..=100.0)?;
        within("small_model.min_certainty_snps", self.min_certainty_snps, 3.0..=1000.0)?;
        within("small_model.min_certainty_indels", self.min_certainty_indels, 3.0..=1000.0)?;
        within("small_model.image_weight", self.image_weight, 0.0..=1.0)?;
        self.max_depth.map_or(Ok(()), |depth| within("small_model.max_depth", depth, 1..=1_000_000))
    }
}

fn all() -> f64 {
    1.0
}

/// The content of `model.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// Version of this file's format.
    pub format: u32,
    /// The model's name.
    pub name: String,
    /// The network's name: a file of `classify/networks/`.
    pub network: String,
    /// What its images look like.
    pub image: ImageSpec,
    /// How its evidence is gathered.
    pub evidence: EvidenceOptions,
    /// What the network's outputs are divided by before they become probabilities, so that these are right as often as they
    /// say (Guo et al. 2017, arXiv:1706.04599); positive.
    #[serde(default = "unchanged")]
    pub temperature: f64,
    /// How sure its small model must be; without it every candidate goes to the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub small_model: Option<SmallModelOptions>,
    /// Checksums of its other files; written by [`ModelConfig::write`].
    #[serde(default, skip_serializing_if = "Checksums::is_empty")]
    pub checksums: Checksums,
    /// How it was trained: data, seed, steps.
    pub training: serde_json::Value,
    /// What it reached on the tune split.
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
        config.problem().map_or(Ok(config), Err)
    }

    /// What of it is out of range, if anything.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        self.checked().err()
    }

    fn checked(&self) -> Result<(), String> {
        limits::text("name", &self.name)?;
        limits::text("network", &self.network)?;
        within("temperature", self.temperature, 0.01..=100.0)?;
        limits::image(&self.image)?;
        self.small_model.as_ref().map_or(Ok(()), SmallModelOptions::checked)?;
        limits::evidence(&self.evidence)
    }

    /// Writes it to `model.json` in `folder`, with the checksums of the files that lie there.
    ///
    /// # Errors
    /// [`Error::Output`] where that fails; [`Error::Input`] where a file of the model cannot be read.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let checked = Self { checksums: Checksums::of(folder, self.small_model.is_some())?, ..self.clone() };
        let path = folder.join("model.json");
        let text = serde_json::to_string_pretty(&checked).map_err(|e| Error::Internal(format!("model.json: {e}")))?;
        files::write(&path, (text + "\n").as_bytes())
    }
}

fn unchanged() -> f64 {
    1.0
}
