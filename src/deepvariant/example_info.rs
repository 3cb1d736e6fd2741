//! `model.example_info.json` of a DeepVariant model (`example_info.json` up to 1.9) -> what its images look like and how their evidence
//! is gathered. What the file does not say is as DeepVariant has it by default, for short reads.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::error::{Error, Result};
use crate::evidence::EvidenceOptions;
use crate::model::store;
use crate::pileup::{Channel, ImageSpec};

/// Most bytes of the file; they are some hundred.
const MOST_BYTES: u64 = 1 << 20;
/// DeepVariant's channels by number, with its names of those that varpix does not render.
const CHANNELS: [(u64, Result<Channel, &str>); 29] = [
    (1, Ok(Channel::ReadBase)),
    (2, Ok(Channel::BaseQuality)),
    (3, Ok(Channel::MappingQuality)),
    (4, Ok(Channel::Strand)),
    (5, Ok(Channel::ReadSupportsVariant)),
    (6, Ok(Channel::BaseDiffersFromRef)),
    (7, Ok(Channel::Haplotype)),
    (8, Err("allele_frequency")),
    (9, Err("diff_channels_alternate_allele_1")),
    (10, Err("diff_channels_alternate_allele_2")),
    (11, Err("read_mapping_percent")),
    (12, Err("avg_base_quality")),
    (13, Err("identity")),
    (14, Err("gap_compressed_identity")),
    (15, Err("gc_content")),
    (16, Err("is_homopolymer")),
    (17, Err("homopolymer_weighted")),
    (18, Err("blank")),
    (19, Ok(Channel::InsertSize)),
    (20, Err("base_channels_alternate_allele_1")),
    (21, Err("base_channels_alternate_allele_2")),
    (22, Err("mean_coverage")),
    (23, Err("base_methylation")),
    (24, Err("base_6ma")),
    (25, Err("read_supports_variant_fuzzy")),
    (26, Err("supplementary_alignment")),
    (27, Err("allele_sample_probability")),
    (28, Err("homopolymer_insertion_quality")),
    (29, Err("homopolymer_deletion_quality")),
];

/// Settings for calling that have no bearing on images and candidates here: those of the small model, which is not imported, and
/// what only it needs.
const WITHOUT_BEARING: [&str; 8] = [
    "call_small_model_examples",
    "small_model_snp_gq_threshold",
    "small_model_indel_gq_threshold",
    "small_model_vaf_context_window_size",
    "small_model_call_multiallelics",
    "trained_small_model_path",
    "track_ref_reads",
    "parse_sam_aux_fields",
];

/// What the file says, in our terms.
#[derive(Clone, Debug)]
pub struct ExampleInfo {
    /// The release that made the model, as the file has it.
    pub version: String,
    /// DeepVariant's numbers of the channels.
    pub channels: Vec<u64>,
    /// The images.
    pub image: ImageSpec,
    /// How their evidence is gathered.
    pub evidence: EvidenceOptions,
}

/// The file's own terms.
#[derive(Deserialize)]
struct Raw {
    #[serde(default)]
    version: String,
    shape: [usize; 3],
    channels: Vec<u64>,
    #[serde(default)]
    ablation_channels: Option<Vec<u64>>,
    #[serde(default)]
    flags_for_calling: Map<String, Value>,
}

impl ExampleInfo {
    /// Reads the file.
    ///
    /// # Errors
    /// [`Error::Model`] where it cannot be read, or asks for what varpix cannot do, by name.
    pub fn read(path: &Path) -> Result<Self> {
        let text = String::from_utf8(store::bytes(path, MOST_BYTES)?);
        let text = text.map_err(|_| Error::model(path, "does not describe images: it is not text"))?;
        Self::parse(&text).map_err(|problem| Error::model(path, problem))
    }

    fn parse(text: &str) -> Result<Self, String> {
        let raw: Raw = serde_json::from_str(text).map_err(|e| format!("does not describe images: {e}"))?;
        let [height, width, depth] = raw.shape;
        if depth != raw.channels.len() {
            return Err(format!("names {} channels for a shape of {depth}", raw.channels.len()));
        }
        if raw.ablation_channels.is_some_and(|channels| !channels.is_empty()) {
            return Err("leaves channels of its images out (ablation_channels), which varpix cannot do".into());
        }
        let channels = channels(&raw.channels)?;
        let mut info = Self {
            version: raw.version,
            channels: raw.channels,
            image: ImageSpec { height, width, channels, ..ImageSpec::default() },
            evidence: EvidenceOptions::default(),
        };
        for (name, value) in &raw.flags_for_calling {
            info.apply(name, value)?;
        }
        info.image.problem().map_or(Ok(info), Err)
    }

    /// Takes one setting over.
    fn apply(&mut self, name: &str, value: &Value) -> Result<(), String> {
        let number = || value.as_u64().ok_or_else(|| format!("sets {name} to {value}, a whole number is expected"));
        let share = || value.as_f64().ok_or_else(|| format!("sets {name} to {value}, a number is expected"));
        let switch = || value.as_bool().ok_or_else(|| format!("sets {name} to {value}, true or false is expected"));
        let quality = || u8::try_from(number()?).map_err(|_| format!("sets {name} to {value}, over 255"));
        let count = || u32::try_from(number()?).map_err(|_| format!("sets {name} to {value}, which is too many"));
        let cannot = || format!("sets {name} to {value}, which varpix cannot do");
        let evidence = &mut self.evidence;
        match name {
            "min_mapping_quality" => evidence.read_filter.min_mapping_quality = quality()?,
            "min_base_quality" => self.image.min_base_quality = quality()?,
            "keep_duplicates" => evidence.read_filter.keep_duplicates = switch()?,
            "keep_supplementary_alignments" => evidence.read_filter.keep_supplementary = switch()?,
            "keep_secondary_alignments" => evidence.read_filter.keep_secondary = switch()?,
            "max_reads_per_partition" => {
                // 0 stands for all there.
                evidence.max_reads = match number()? {
                    0 => return Err(cannot()),
                    n => usize::try_from(n).unwrap_or(usize::MAX),
                }
            }
            "partition_size" => evidence.region_size = number()?,
            "vsc_min_count_snps" => evidence.candidates.min_count_snps = count()?,
            "vsc_min_count_indels" => evidence.candidates.min_count_indels = count()?,
            "vsc_min_fraction_snps" => evidence.candidates.min_fraction_snps = share()?,
            "vsc_min_fraction_indels" => evidence.candidates.min_fraction_indels = share()?,
            "realign_reads" => {
                if !switch()? {
                    evidence.realign = None;
                }
            }
            "pileup_image_height" | "pileup_image_width" => {
                let side = if name.ends_with("height") { self.image.height } else { self.image.width };
                // 0 stands for the usual size there.
                if ![0, side as u64].contains(&number()?) {
                    return Err(format!("sets {name} to {value}, its shape says {side}"));
                }
            }
            _ if WITHOUT_BEARING.contains(&name) => {}
            // Off is what varpix does.
            _ if matches!(value, Value::Null | Value::Bool(false)) || value == "none" || value == "" => {}
            _ => return Err(cannot()),
        }
        Ok(())
    }
}

fn channels(numbers: &[u64]) -> Result<Vec<Channel>, String> {
    let mut found = Vec::new();
    let mut cannot = Vec::new();
    for &number in numbers {
        match CHANNELS.iter().find(|(known, _)| *known == number) {
            Some((_, Ok(channel))) => found.push(*channel),
            Some((_, Err(name))) => cannot.push(format!("{name} ({number})")),
            None => cannot.push(format!("number {number}, which is not known")),
        }
    }
    if cannot.is_empty() {
        Ok(found)
    } else {
        Err(format!("needs channels that varpix cannot render: {}", cannot.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        ExampleInfo::parse(text).unwrap_err()
    }

    #[test]
    fn a_wgs_model_is_what_varpix_does_by_default() {
        let info =
            ExampleInfo::parse(r#"{"version": "1.8.0", "shape": [100, 221, 7], "channels": [1, 2, 3, 4, 5, 6, 19]}"#);
        let info = info.unwrap();
        assert_eq!((info.image, info.version.as_str()), (ImageSpec::default(), "1.8.0"));
        assert_eq!(info.evidence, EvidenceOptions::default());
    }

    #[test]
    fn settings_are_taken_over() {
        let info = ExampleInfo::parse(
            r#"{"shape": [100, 199, 7], "channels": [1, 2, 3, 4, 5, 6, 7], "flags_for_calling": {
                "min_mapping_quality": 1, "realign_reads": false, "vsc_min_fraction_indels": 0.12, "partition_size": 25000,
                "max_reads_per_partition": 600, "keep_supplementary_alignments": true, "pileup_image_width": 199,
                "call_small_model_examples": true, "alt_aligned_pileup": "none", "phase_reads": false}}"#,
        )
        .unwrap();
        assert_eq!((info.image.width, info.image.channels[6]), (199, Channel::Haplotype));
        let evidence = info.evidence;
        assert!(evidence.realign.is_none() && evidence.read_filter.keep_supplementary);
        assert_eq!(
            (evidence.max_reads, evidence.region_size, evidence.read_filter.min_mapping_quality),
            (600, 25_000, 1)
        );
        assert!((evidence.candidates.min_fraction_indels - 0.12).abs() < 1e-9);
    }

    #[test]
    fn what_cannot_be_done_is_named() {
        // The channels of DeepVariant's PacBio model.
        let said = problem(r#"{"shape": [100, 147, 10], "channels": [1, 2, 3, 4, 5, 6, 7, 26, 9, 10]}"#);
        assert!(said.contains("supplementary_alignment (26), diff_channels_alternate_allele_1 (9)"), "{said}");
        assert!(problem(r#"{"shape": [100, 221, 1], "channels": [99]}"#).contains("number 99"));
        assert!(problem(r#"{"shape": [100, 221, 7], "channels": [1]}"#).contains("1 channels for a shape of 7"));
        assert!(problem(r#"{"shape": [100, 220, 1], "channels": [1]}"#).contains("width 220"));
        assert!(problem(r#"{"channels": [1]}"#).contains("shape"));
        let with = |flag: &str| {
            problem(&format!(r#"{{"shape": [100, 221, 1], "channels": [1], "flags_for_calling": {{{flag}}}}}"#))
        };
        assert!(with(r#""phase_reads": true"#).contains("phase_reads"));
        assert!(with(r#""some_new_flag": 3"#).contains("some_new_flag to 3"));
        assert!(with(r#""pileup_image_width": 147"#).contains("its shape says 221"));
    }
}
