//! What a DeepVariant model says of when its small model decides without the CNN.

use serde_json::{Map, Value};

/// DeepVariant's names of the settings.
const SNP_LIMIT: &str = "small_model_snp_gq_threshold";
const INDEL_LIMIT: &str = "small_model_indel_gq_threshold";
const SEVERAL_ALLELES: &str = "small_model_call_multiallelics";
const TRACKS_REFERENCE: &str = "track_ref_reads";

/// What the settings beside a model say.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SmallModelFlags {
    /// Least GQ of substitutions and of other variants, Phred.
    pub limits: [Option<f64>; 2],
    /// Whether sites of several alternative alleles are left to the CNN.
    pub leaves_several_alleles: bool,
    /// Whether reads with the reference's base are tracked.
    pub tracks_reference: bool,
}

impl SmallModelFlags {
    /// Of `flags_for_calling`.
    ///
    /// # Errors
    /// A value of another kind, by name.
    pub fn of(flags: &Map<String, Value>) -> Result<Self, String> {
        let limit = |name: &str| match flags.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => {
                let limit = value.as_f64().filter(|limit| (0.0..=1000.0).contains(limit));
                limit.map(Some).ok_or_else(|| format!("sets {name} to {value}, a number from 0 to 1000 is expected"))
            }
        };
        Ok(Self {
            limits: [limit(SNP_LIMIT)?, limit(INDEL_LIMIT)?],
            leaves_several_alleles: flags.get(SEVERAL_ALLELES) == Some(&Value::Bool(false)),
            tracks_reference: flags.get(TRACKS_REFERENCE) == Some(&Value::Bool(true)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_another_kind_are_named() {
        let flags = serde_json::from_str(r#"{"small_model_indel_gq_threshold": "high"}"#).unwrap();
        assert!(SmallModelFlags::of(&flags).unwrap_err().contains("small_model_indel_gq_threshold to \"high\""));
    }
}
