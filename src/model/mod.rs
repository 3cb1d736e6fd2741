//! A model's folder -> its checked settings ([`ModelConfig`]) and its files ([`Model`]); and back, with their checksums.
//!
//! A folder holds `model.json` (all that calling depends on), `weights.safetensors` (the CNN) and, where the model has a small model,
//! `small_model.json`, or `deepvariant_small_model.safetensors`.

pub(crate) mod checksums;
pub(crate) mod config;
pub mod deepvariant;
pub mod installed;
pub(crate) mod release;
pub(crate) mod store;

pub use checksums::Checksums;
pub use config::{ImportedSmallModelOptions, ModelConfig, MultiAllelic, SeveralAllelesOptions, SmallModelOptions};
pub use release::Release;
pub use store::{DEFAULT_MODEL, Model, search_path};

#[cfg(test)]
pub(crate) mod tests {
    use super::config::FORMAT;
    use super::*;
    use crate::evidence::EvidenceOptions;
    use crate::pileup::ImageSpec;

    pub(crate) fn config() -> ModelConfig {
        ModelConfig {
            format: FORMAT,
            name: "test".into(),
            platform: None,
            network: "pileup_net".into(),
            image: ImageSpec::default(),
            image_features: Vec::new(),
            evidence: EvidenceOptions::default(),
            temperature: 1.0,
            multi_allelic: MultiAllelic::default(),
            rules: None,
            license: None,
            small_model: Some(SmallModelOptions {
                temperature: 1.0,
                min_certainty_snps: 9.0,
                min_certainty_indels: 9.0,
                image_weight: 0.5,
                several_alleles: None,
                max_depth: Some(300),
            }),
            imported_small_model: None,
            checksums: Checksums::default(),
            training: serde_json::Value::Null,
            measured: serde_json::Value::Null,
        }
    }
}
