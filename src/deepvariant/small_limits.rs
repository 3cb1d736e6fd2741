//! What a DeepVariant model says, or its wrapper said for its type, of when its small model decides without the CNN.

use serde_json::{Map, Value};

use crate::deepvariant::model_type::ModelType;
use crate::model::ImportedSmallModelOptions;
use crate::predict::imported::layout::Layout;

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
    pub(super) fn of(flags: &Map<String, Value>) -> Result<Self, String> {
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

    /// The options of a small model: what is given, then what the model says, then what the wrapper has for its type and release.
    ///
    /// # Errors
    /// Where none of them says.
    pub(super) fn options(
        &self,
        given: [Option<f64>; 2],
        layout: Layout,
        (version, model_type): (&str, Option<ModelType>),
    ) -> Result<ImportedSmallModelOptions, String> {
        let usual = usual(layout, version, model_type);
        let limit = |i: usize| given[i].or(self.limits[i]).or(usual.map(|usual| usual[i]));
        let (Some(min_gq_snps), Some(min_gq_indels)) = (limit(0), limit(1)) else {
            let of = model_type.map_or("this type", ModelType::name);
            return Err(format!(
                "does not say from which GQ on its small model decides, and DeepVariant's limits for {of} in release '{version}' are not known; give \
                --small-model-snp-gq-threshold and --small-model-indel-gq-threshold"
            ));
        };
        Ok(ImportedSmallModelOptions { min_gq_snps, min_gq_indels, multi_allelic: !self.leaves_several_alleles })
    }
}

/// The limits of DeepVariant's wrapper; from 1.10 on they are in the model's own file.
fn usual(layout: Layout, version: &str, model_type: Option<ModelType>) -> Option<[f64; 2]> {
    let minor = version.strip_prefix("1.").and_then(|rest| rest.split('.').next()?.parse::<u32>().ok());
    if minor.is_some_and(|minor| minor >= 10) {
        return None;
    }
    match (layout.is_of_1_8(), model_type.unwrap_or(ModelType::Wgs)) {
        (true, ModelType::Wgs | ModelType::PacBio | ModelType::Hybrid) => Some([25.0, 30.0]),
        (true, ModelType::OntR104) => Some([20.0, 25.0]),
        (false, ModelType::Wgs) => Some([20.0, 28.0]),
        (false, ModelType::PacBio) => Some([15.0, 16.0]),
        (false, ModelType::OntR104) => Some([9.0, 17.0]),
        (_, ModelType::Wes | ModelType::MasSeq) | (false, ModelType::Hybrid) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags(json: &str) -> SmallModelFlags {
        SmallModelFlags::of(&serde_json::from_str(json).unwrap()).unwrap()
    }

    #[test]
    fn what_is_given_comes_before_what_the_model_says() {
        let said = flags(
            r#"{"small_model_snp_gq_threshold": 15, "small_model_indel_gq_threshold": 16, "track_ref_reads": true,
                "small_model_call_multiallelics": false}"#,
        );
        assert!(said.tracks_reference);
        let of = |flags: SmallModelFlags, given, version| {
            let options = flags.options(given, Layout::Long1_9, (version, Some(ModelType::PacBio)));
            options.map(|options| (options.min_gq_snps, options.min_gq_indels, options.multi_allelic))
        };
        assert_eq!(of(said, [None, None], "1.10.0"), Ok((15.0, 16.0, false)));
        assert_eq!(of(said, [Some(20.0), None], "1.10.0"), Ok((20.0, 16.0, false)));
        assert_eq!(of(flags("{}"), [None, None], "1.9.0"), Ok((15.0, 16.0, true)));
        assert!(of(flags("{}"), [None, Some(9.0)], "1.10.0").unwrap_err().contains("--small-model-snp-gq-threshold"));
    }

    #[test]
    fn the_wrappers_limits_depend_on_type_and_release() {
        let of = |layout, model_type| usual(layout, "", model_type).map(|[snps, indels]| (snps, indels));
        assert_eq!(of(Layout::Short1_8, None), Some((25.0, 30.0)));
        assert_eq!(of(Layout::Short1_9, Some(ModelType::Wgs)), Some((20.0, 28.0)));
        assert_eq!(of(Layout::Long1_8, Some(ModelType::OntR104)), Some((20.0, 25.0)));
        assert_eq!(of(Layout::Long1_9, Some(ModelType::OntR104)), Some((9.0, 17.0)));
        assert_eq!(of(Layout::Short1_8, Some(ModelType::Wes)), None);
        assert_eq!(of(Layout::Short1_9, Some(ModelType::Hybrid)), None);
    }

    #[test]
    fn values_of_another_kind_are_named() {
        let flags = serde_json::from_str(r#"{"small_model_indel_gq_threshold": "high"}"#).unwrap();
        assert!(SmallModelFlags::of(&flags).unwrap_err().contains("small_model_indel_gq_threshold to \"high\""));
    }
}
