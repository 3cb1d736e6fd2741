//! A model's folder: `model.json` (all that calling depends on), `weights.safetensors` and, where the model has a fast tier,
//! `fast.json`.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::fast::{FastOptions, FastTier};
use crate::error::{Error, Result};
use crate::evidence::EvidenceOptions;
use crate::pileup::ImageSpec;

/// Version of `model.json` that this program writes and reads.
pub const FORMAT: u32 = 1;
/// The fast tier's file in a model's folder.
pub const FAST_NETWORK: &str = "fast.json";
/// Model used where none is named.
pub const DEFAULT_MODEL: &str = "wgs";

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
    /// How sure its fast tier must be; without it every candidate goes to the network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fast: Option<FastOptions>,
    /// How it was trained: data, seed, steps.
    pub training: serde_json::Value,
    /// What it reached on the tune split.
    pub measured: serde_json::Value,
}

impl ModelConfig {
    /// Writes it to `model.json` in `folder`.
    ///
    /// # Errors
    /// [`Error::Output`] where that fails.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let path = folder.join("model.json");
        let text = serde_json::to_string_pretty(self).map_err(|e| Error::Internal(format!("model.json: {e}")))?;
        std::fs::write(&path, text + "\n").map_err(|e| Error::output(path, format!("cannot be written: {e}")))
    }
}

fn unchanged() -> f64 {
    1.0
}

/// A model found and read; its weights are not loaded yet.
#[derive(Clone, Debug)]
pub struct Model {
    /// Its folder.
    pub folder: PathBuf,
    /// Its settings.
    pub config: ModelConfig,
}

impl Model {
    /// The SHA-256 of its weights, in hexadecimal.
    ///
    /// # Errors
    /// [`Error::Model`] where they cannot be read.
    pub fn checksum(&self) -> Result<String> {
        let path = self.weights();
        let bytes = std::fs::read(&path).map_err(|e| Error::model(&path, format!("cannot be read: {e}")))?;
        Ok(format!("{:x}", Sha256::digest(&bytes)))
    }

    /// Finds a model by its folder, or by name in the folders of [`search_path`].
    ///
    /// # Errors
    /// [`Error::Model`] where there is none, or where its `model.json` cannot be used.
    pub fn find(given: &Path) -> Result<Self> {
        if given.is_dir() {
            return Self::open(given);
        }
        let folders = search_path();
        let found = folders.iter().map(|folder| folder.join(given)).find(|p| p.join("model.json").is_file());
        if let Some(folder) = found {
            Self::open(&folder)
        } else {
            let tried = folders.iter().map(|f| f.display().to_string()).collect::<Vec<_>>().join(", ");
            Err(Error::model(given, format!("is neither a folder nor a model in {tried}")))
        }
    }

    /// Reads the model in `folder`.
    ///
    /// # Errors
    /// [`Error::Model`] naming the file and what is wrong with it.
    pub fn open(folder: &Path) -> Result<Self> {
        let path = folder.join("model.json");
        let text = std::fs::read_to_string(&path).map_err(|e| Error::model(&path, format!("cannot be read: {e}")))?;
        let config: ModelConfig =
            serde_json::from_str(&text).map_err(|e| Error::model(&path, format!("is not a model description: {e}")))?;
        if config.format != FORMAT {
            return Err(Error::model(
                &path,
                format!("has format {}, this program reads format {FORMAT}", config.format),
            ));
        }
        if let Some(problem) = config.image.problem() {
            return Err(Error::model(&path, problem));
        }
        if !(0.01..=100.0).contains(&config.temperature) {
            return Err(Error::model(&path, format!("temperature {} is not within 0.01 to 100", config.temperature)));
        }
        if let Some(fast) = config.fast
            && !((0.01..=100.0).contains(&fast.temperature)
                && fast.min_certainty_snps.min(fast.min_certainty_indels) >= 3.0
                && (0.0..=1.0).contains(&fast.image_weight))
        {
            return Err(Error::model(
                &path,
                "fast: needs a temperature within 0.01 to 100, certainties of 3 or more and an image_weight within 0 to 1",
            ));
        }
        let evidence = config.evidence;
        if !(50..=100_000).contains(&evidence.region_size) || evidence.max_reads == 0 {
            return Err(Error::model(&path, "region_size must lie within 50 to 100000 and max_reads over 0"));
        }
        let model = Self { folder: folder.to_owned(), config };
        if !model.weights().is_file() {
            return Err(Error::model(model.weights(), "is missing; a model needs its weights beside model.json"));
        }
        Ok(model)
    }

    /// Its weights.
    #[must_use]
    pub fn weights(&self) -> PathBuf {
        self.folder.join("weights.safetensors")
    }

    /// Its fast tier, if it has one.
    ///
    /// # Errors
    /// As [`FastTier::read`].
    pub fn fast_tier(&self) -> Result<Option<FastTier>> {
        self.config.fast.map(|options| FastTier::read(&self.folder.join(FAST_NETWORK), options)).transpose()
    }
}

/// Folders searched for models by name: `$VARPIX_MODELS`, `share/varpix/models` beside an installed program's folder,
/// `models` of the checkout it was built in.
#[must_use]
pub fn search_path() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = std::env::var_os("VARPIX_MODELS").map(PathBuf::from).into_iter().collect();
    if let Ok(program) = std::env::current_exe().and_then(std::fs::canonicalize)
        && let Some(folder) = program.parent()
    {
        folders.push(folder.join("../share/varpix/models"));
        folders.push(folder.join("../../models"));
    }
    folders.push(Path::new(env!("CARGO_MANIFEST_DIR")).join("models"));
    folders
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> ModelConfig {
        ModelConfig {
            format: FORMAT,
            name: "test".into(),
            network: "pileup_net".into(),
            image: ImageSpec::default(),
            evidence: EvidenceOptions::default(),
            temperature: 1.0,
            fast: None,
            training: serde_json::Value::Null,
            measured: serde_json::Value::Null,
        }
    }

    fn open(config: &serde_json::Value) -> String {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("model.json"), config.to_string()).unwrap();
        Model::open(folder.path()).unwrap_err().to_string()
    }

    #[test]
    fn what_is_wrong_is_said() {
        let good = serde_json::to_value(config()).unwrap();
        assert!(open(&good).contains("weights.safetensors"));
        let mut other = good.clone();
        other["format"] = 9.into();
        assert!(open(&other).contains("format 9"));
        let mut other = good.clone();
        other["image"]["channels"][2] = "allele_frequency".into();
        assert!(open(&other).contains("allele_frequency"));
        let mut other = good;
        other["image"]["width"] = 220.into();
        assert!(open(&other).contains("width 220"));
    }

    #[test]
    fn unknown_names_say_where_was_looked() {
        assert!(Model::find(Path::new("no-such-model")).unwrap_err().to_string().contains("models"));
    }
}
