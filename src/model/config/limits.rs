//! A model's settings -> the first one out of range. The ranges are wide: they exclude what overflows, never ends or takes all memory,
//! not what calls badly.

use std::collections::HashSet;
use std::fmt::Debug;
use std::ops::RangeInclusive;

use crate::candidates::CandidateOptions;
use crate::evidence::EvidenceOptions;
use crate::model::ModelConfig;
use crate::model::{ImportedSmallModelOptions, SmallModelOptions};
use crate::pileup::{Channel, ImageSpec};
use crate::realign::RealignOptions;

/// Most bytes of an image; some hundred are in memory at once.
const MOST_IMAGE_BYTES: usize = 4 << 20;
/// Highest base quality that SAM can hold, Phred.
const MOST_BASE_QUALITY: u8 = 93;
/// Longest margin or window around a position, in bp.
const FARTHEST: u64 = 10_000;
/// Greatest score of an aligned base: sums over a read fit 32 bits by far.
const MOST_SCORE: i32 = 1000;

/// The part of [`ModelConfig::validate`] that is about ranges.
pub(super) fn check(config: &ModelConfig) -> Result<(), String> {
    // The first two are written to VCF headers.
    let texts = [("name", &config.name), ("network", &config.network)].into_iter();
    for (name, text) in texts.chain(config.license.iter().map(|license| ("license", license))) {
        if text.is_empty() || text.len() > 200 || text.chars().any(char::is_control) {
            return Err(format!("{name}: 1 to 200 characters without tabs and line breaks are expected"));
        }
    }
    within("temperature", config.temperature, 0.01..=100.0)?;
    image(&config.image)?;
    config.small_model.as_ref().map_or(Ok(()), small_model)?;
    config.imported_small_model.as_ref().map_or(Ok(()), imported_small_model)?;
    if config.imported_small_model.is_some() && config.small_model.is_some() {
        return Err("has both small_model and deepvariant_small_model; a model has one".into());
    }
    if config.image.channels.contains(&Channel::BaseMethylation) && !config.evidence.methylation {
        return Err("image.channels: base_methylation needs evidence.methylation".into());
    }
    evidence(&config.evidence)
}

fn image(image: &ImageSpec) -> Result<(), String> {
    // Height and width are bounded before they are multiplied.
    image.problem().map_or(Ok(()), Err)?;
    within("image.min_base_quality", image.min_base_quality, 0..=MOST_BASE_QUALITY)?;
    let mut seen = HashSet::new();
    if let Some(twice) = image.channels.iter().find(|channel| !seen.insert(**channel)) {
        return Err(format!("image.channels: {} is listed twice", twice.name()));
    }
    within("bytes of an image (height x width x channels)", image.shape().bytes(), 1..=MOST_IMAGE_BYTES)
}

fn small_model(options: &SmallModelOptions) -> Result<(), String> {
    within("small_model.temperature", options.temperature, 0.01..=100.0)?;
    within("small_model.min_certainty_snps", options.min_certainty_snps, 3.0..=1000.0)?;
    within("small_model.min_certainty_indels", options.min_certainty_indels, 3.0..=1000.0)?;
    within("small_model.image_weight", options.image_weight, 0.0..=1.0)?;
    if let Some(several) = options.several_alleles {
        within("small_model.several_alleles.temperature", several.temperature, 0.01..=100.0)?;
        within("small_model.several_alleles.image_weight", several.image_weight, 0.0..=1.0)?;
        if let Some(certainty) = several.min_certainty {
            within("small_model.several_alleles.min_certainty", certainty, 3.0..=1000.0)?;
        }
    }
    options.max_depth.map_or(Ok(()), |depth| within("small_model.max_depth", depth, 1..=1_000_000))
}

fn imported_small_model(options: &ImportedSmallModelOptions) -> Result<(), String> {
    within("deepvariant_small_model.min_gq_snps", options.min_gq_snps, 0.0..=1000.0)?;
    within("deepvariant_small_model.min_gq_indels", options.min_gq_indels, 0.0..=1000.0)
}

fn evidence(evidence: &EvidenceOptions) -> Result<(), String> {
    within("evidence.max_reads", evidence.max_reads, 1..=1_000_000)?;
    within("evidence.region_size", evidence.region_size, 50..=100_000)?;
    evidence
        .missing_insert_size
        .map_or(Ok(()), |length| within("evidence.missing_insert_size", length, 1..=1_000_000))?;
    within("evidence.read_margin", evidence.read_margin, 0..=FARTHEST)?;
    evidence
        .max_bases_per_position
        .map_or(Ok(()), |bases| within("evidence.max_bases_per_position", bases, 1..=1_000_000))?;
    if let Some(phasing) = &evidence.phasing {
        within("evidence.phasing.padding_percent", phasing.padding_percent, 0..=100)?;
        within("evidence.phasing.max_candidates", phasing.max_candidates, 1..=1_000_000)?;
        if !evidence.track_reference_reads {
            return Err("evidence.phasing needs evidence.track_reference_reads".into());
        }
    }
    candidates(&evidence.candidates)?;
    evidence.realign.as_ref().map_or(Ok(()), realign)
}

fn candidates(candidates: &CandidateOptions) -> Result<(), String> {
    within("evidence.candidates.min_count_snps", candidates.min_count_snps, 1..=100_000)?;
    within("evidence.candidates.min_count_indels", candidates.min_count_indels, 1..=100_000)?;
    within("evidence.candidates.min_fraction_snps", candidates.min_fraction_snps, 0.0..=1.0)?;
    within("evidence.candidates.min_fraction_indels", candidates.min_fraction_indels, 0.0..=1.0)
}

fn realign(options: &RealignOptions) -> Result<(), String> {
    let RealignOptions { max_read_length, windows, graph, align } = options;
    within("evidence.realign.max_read_length", *max_read_length, 1..=100_000)?;
    within("evidence.realign.windows.min_base_quality", windows.min_base_quality, 0..=MOST_BASE_QUALITY)?;
    within("evidence.realign.windows.min_allele_count", windows.min_allele_count, 1..=100_000)?;
    within("evidence.realign.windows.min_count", windows.min_count, 1..=100_000)?;
    within("evidence.realign.windows.max_count", windows.max_count, windows.min_count..=1_000_000)?;
    within("evidence.realign.windows.region_margin", windows.region_margin, 0..=FARTHEST)?;
    within("evidence.realign.windows.margin", windows.margin, 0..=FARTHEST)?;
    within("evidence.realign.windows.max_length", windows.max_length, 1..=FARTHEST)?;
    within("evidence.realign.graph.min_base_quality", graph.min_base_quality, 0..=MOST_BASE_QUALITY)?;
    within("evidence.realign.graph.min_k", graph.min_k, 1..=128)?;
    within("evidence.realign.graph.max_k", graph.max_k, graph.min_k..=128)?;
    within("evidence.realign.graph.min_edge_weight", graph.min_edge_weight, 1..=100_000)?;
    within("evidence.realign.graph.max_paths", graph.max_paths, 1..=100_000)?;
    within("evidence.realign.align.matching", align.matching, 1..=MOST_SCORE)?;
    within("evidence.realign.align.mismatch", align.mismatch, 0..=MOST_SCORE)?;
    within("evidence.realign.align.gap_open", align.gap_open, 0..=MOST_SCORE)?;
    within("evidence.realign.align.gap_extend", align.gap_extend, 0..=MOST_SCORE)?;
    within("evidence.realign.align.max_mismatches", align.max_mismatches, 0..=1000)?;
    within("evidence.realign.align.margin", align.margin, 0..=FARTHEST)?;
    within("evidence.realign.align.reach", align.reach, 0..=FARTHEST)
}

fn within<T: PartialOrd + Debug + Copy>(name: &str, value: T, range: RangeInclusive<T>) -> Result<(), String> {
    // NaN is in no range.
    if range.contains(&value) {
        Ok(())
    } else {
        Err(format!("{name} {value:?} is not within {:?} to {:?}", range.start(), range.end()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::model::tests::config;
    use crate::phase::PhasingOptions;

    /// What is wrong with a good description after one value is changed, by its path.
    fn with(path: &str, value: Value) -> String {
        let mut changed = serde_json::to_value(config()).unwrap();
        *changed.pointer_mut(path).unwrap() = value;
        ModelConfig::parse(changed.to_string().as_bytes()).unwrap_err()
    }

    #[test]
    fn the_shipped_settings_are_within() {
        assert_eq!(config().validate(), Ok(()));
    }

    /// Every number of a description, by its path.
    fn numbers(value: &Value, path: &str, found: &mut Vec<String>) {
        match value {
            Value::Number(_) => found.push(path.to_owned()),
            Value::Object(fields) => {
                fields.iter().for_each(|(name, value)| numbers(value, &format!("{path}/{name}"), found));
            }
            _ => {}
        }
    }

    #[test]
    fn no_number_may_be_anything() {
        let mut all = Vec::new();
        numbers(&serde_json::to_value(config()).unwrap(), "", &mut all);
        assert!(all.len() > 30, "{all:?}");
        for path in all {
            for value in [json!(u64::MAX), json!(1_u64 << 63), json!(-1), json!(1e300)] {
                let said = with(&path, value.clone());
                assert!(!said.is_empty() && said.len() < 300, "{path} {value}: {said}");
            }
        }
    }

    #[test]
    fn names_are_for_headers() {
        assert!(with("/name", json!("a\nb")).contains("name"));
        assert!(with("/network", json!("")).contains("network"));
    }

    #[test]
    fn images_are_of_some_size() {
        assert!(with("/image/height", json!(1_000_000_000)).contains("height 1000000000"));
        assert!(with("/image/width", json!(999_999_999)).contains("width 999999999"));
        assert!(with("/image/channels/1", json!("read_base")).contains("read_base is listed twice"));
        let mut large = config();
        (large.image.height, large.image.width) = (1000, 2001);
        assert!(large.validate().unwrap_err().contains("bytes of an image"));
    }

    #[test]
    fn settings_of_long_reads() {
        let mut long = config();
        long.evidence.phasing = Some(PhasingOptions::default());
        assert!(long.validate().unwrap_err().contains("needs evidence.track_reference_reads"));
        long.evidence.track_reference_reads = true;
        (long.evidence.read_margin, long.evidence.cut_long_reads, long.evidence.region_size) = (0, true, 25_000);
        long.image.trim_reads = true;
        assert_eq!(long.validate(), Ok(()));
        // They come back as they were, and those of short reads are not written.
        let text = serde_json::to_string(&long).unwrap();
        assert_eq!(ModelConfig::parse(text.as_bytes()).unwrap(), long);
        let short = serde_json::to_string(&config()).unwrap();
        assert!(["phasing", "read_margin", "cut_long_reads", "trim_reads"].iter().all(|name| !short.contains(name)));
        for change in [
            |evidence: &mut EvidenceOptions| evidence.read_margin = u64::MAX,
            |evidence: &mut EvidenceOptions| evidence.max_bases_per_position = Some(0),
            |evidence: &mut EvidenceOptions| {
                evidence.phasing = Some(PhasingOptions { padding_percent: 101, ..PhasingOptions::default() });
            },
            |evidence: &mut EvidenceOptions| {
                evidence.phasing = Some(PhasingOptions { max_candidates: usize::MAX, ..PhasingOptions::default() });
            },
        ] {
            let mut changed = long.clone();
            change(&mut changed.evidence);
            assert!(changed.validate().is_err());
        }
        long.image.channels.push(Channel::BaseMethylation);
        assert!(long.validate().unwrap_err().contains("needs evidence.methylation"));
    }

    #[test]
    fn limits_that_depend_on_each_other() {
        assert!(with("/evidence/realign/graph/max_k", json!(9)).contains("max_k 9 is not within 10 to 128"));
        assert!(with("/evidence/realign/windows/max_count", json!(1)).contains("max_count 1"));
    }
}
