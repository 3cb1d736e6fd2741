//! What a DeepVariant model says, or its wrapper said for its type, of when its small model decides without the CNN.

use crate::deepvariant::ModelType;
use crate::model::deepvariant::SmallModelFlags;
use crate::model::{ImportedSmallModelOptions, Release};
use crate::predict::imported::layout::Layout;

/// The options of a small model: what is given, then what the model says, then what the wrapper has for its type and release.
///
/// # Errors
/// Where none of them says.
pub(super) fn options(
    said: &SmallModelFlags,
    given: [Option<f64>; 2],
    layout: Layout,
    (release, model_type): (Release, Option<ModelType>),
) -> Result<ImportedSmallModelOptions, String> {
    let usual = usual(layout, release, model_type);
    let limit = |i: usize| given[i].or(said.limits[i]).or(usual.map(|usual| usual[i]));
    let (Some(min_gq_snps), Some(min_gq_indels)) = (limit(0), limit(1)) else {
        let of = model_type.map_or("this type", ModelType::name);
        return Err(format!(
            "does not say from which GQ on its small model decides, and the limits for {of} with the rules of {} are not known; give \
             --small-model-snp-gq-threshold and --small-model-indel-gq-threshold",
            release.name()
        ));
    };
    Ok(ImportedSmallModelOptions { min_gq_snps, min_gq_indels, multi_allelic: !said.leaves_several_alleles })
}

/// The limits of DeepVariant's wrapper; from 1.10 on they are in the model's own file.
fn usual(layout: Layout, release: Release, model_type: Option<ModelType>) -> Option<[f64; 2]> {
    if release >= Release::V1_10 {
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
            let options = options(&flags, given, Layout::Long1_9, (version, Some(ModelType::PacBio)));
            options.map(|options| (options.min_gq_snps, options.min_gq_indels, options.multi_allelic))
        };
        assert_eq!(of(said, [None, None], Release::V1_10), Ok((15.0, 16.0, false)));
        assert_eq!(of(said, [Some(20.0), None], Release::V1_10), Ok((20.0, 16.0, false)));
        assert_eq!(of(flags("{}"), [None, None], Release::V1_9), Ok((15.0, 16.0, true)));
        assert!(
            of(flags("{}"), [None, Some(9.0)], Release::V1_10).unwrap_err().contains("--small-model-snp-gq-threshold")
        );
    }

    #[test]
    fn the_wrappers_limits_depend_on_type_and_release() {
        let of = |layout, model_type| usual(layout, Release::V1_8, model_type).map(|[snps, indels]| (snps, indels));
        assert_eq!(of(Layout::Short1_8, None), Some((25.0, 30.0)));
        assert_eq!(of(Layout::Short1_9, Some(ModelType::Wgs)), Some((20.0, 28.0)));
        assert_eq!(of(Layout::Long1_8, Some(ModelType::OntR104)), Some((20.0, 25.0)));
        assert_eq!(of(Layout::Long1_9, Some(ModelType::OntR104)), Some((9.0, 17.0)));
        assert_eq!(of(Layout::Short1_8, Some(ModelType::Wes)), None);
        assert_eq!(of(Layout::Short1_9, Some(ModelType::Hybrid)), None);
    }
}
