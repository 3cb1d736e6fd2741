//! `model.example_info.json` of a DeepVariant model (`example_info.json` up to 1.9) -> what its images look like and how their evidence
//! is gathered. What the file does not say is as DeepVariant has it by default, for short reads.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::model_type::{ALL_READS, ModelType, Settings};
use super::small_model::SmallModelFlags;
use crate::error::{Error, Result};
use crate::model::config::{ModelConfig, MultiAllelic};
use crate::model::release::Release;
use crate::model::store;
use crate::phase::PhasingOptions;
use crate::pileup::{Channel, ImageSpec};
use crate::realign::RealignOptions;

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
    (9, Ok(Channel::BaseDiffersFromAlt1)),
    (10, Ok(Channel::BaseDiffersFromAlt2)),
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
    (23, Ok(Channel::BaseMethylation)),
    (24, Err("base_6ma")),
    (25, Err("read_supports_variant_fuzzy")),
    (26, Ok(Channel::SupplementaryAlignment)),
    (27, Err("allele_sample_probability")),
    (28, Err("homopolymer_insertion_quality")),
    (29, Err("homopolymer_deletion_quality")),
];

/// Settings for calling that have no bearing on images and candidates here: those of the small model ([`SmallModelFlags`]), and what only it
/// needs.
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
    /// How images and their evidence are made.
    pub settings: Settings,
    /// What it says of a small model.
    pub small_model: SmallModelFlags,
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
    pub fn read(path: &Path, model_type: Option<ModelType>) -> Result<Self> {
        let text = String::from_utf8(store::bytes(path, MOST_BYTES)?);
        let text = text.map_err(|_| Error::model(path, "does not describe images: it is not text"))?;
        Self::parse(&text, model_type).map_err(|problem| Error::model(path, problem))
    }

    fn parse(text: &str, model_type: Option<ModelType>) -> Result<Self, String> {
        let raw: Raw = serde_json::from_str(text).map_err(|e| format!("does not describe images: {e}"))?;
        let [height, width, depth] = raw.shape;
        if depth != raw.channels.len() {
            return Err(format!("names {} channels for a shape of {depth}", raw.channels.len()));
        }
        if raw.ablation_channels.is_some_and(|channels| !channels.is_empty()) {
            return Err("leaves channels of its images out (ablation_channels), which varpix cannot do".into());
        }
        let channels = channels(&raw.channels)?;
        let methylation = channels.contains(&Channel::BaseMethylation);
        let image = ImageSpec { height, width, channels, ..ImageSpec::default() };
        let is_told = !raw.flags_for_calling.is_empty();
        // The settings are in the file from 1.10 on; such a file need not name its version.
        let of_no_version = if is_told { Release::V1_10 } else { Release::V1_8 };
        let release = Release::of_version(&raw.version).unwrap_or(of_no_version);
        if model_type.is_none() && !is_told && image.aligns() {
            // Only models for long reads have such channels, and their reads are phased.
            return Err(
                "does not say how its reads are used, as files of releases up to 1.9 do not; give --model-type \
                PACBIO, ONT_R104 or MASSEQ"
                    .into(),
            );
        }
        if is_told && !raw.flags_for_calling.contains_key("alt_aligned_pileup") && image.aligns() {
            return Err("names channels that do not fit its lack of a setting alt_aligned_pileup".into());
        }

        let mut settings = Settings::of(image, release, model_type);
        settings.evidence.methylation = methylation;
        settings.set_all(&raw.flags_for_calling)?;
        let small_model = SmallModelFlags::of(&raw.flags_for_calling)?;
        let info = Self { version: raw.version, channels: raw.channels, settings, small_model };
        info.settings.image.problem().map_or(Ok(info), Err)
    }

    /// Gives a model these settings in place of its own.
    ///
    /// # Errors
    /// A sentence, where its images are others.
    pub fn give(self, config: &mut ModelConfig) -> Result<(), String> {
        let Settings { image, evidence, multi_allelic, release } = self.settings;
        if image.shape() != config.image.shape() || image.channels != config.image.channels {
            let names = |of: &ImageSpec| of.channels.iter().map(|c| c.name()).collect::<Vec<_>>().join(", ");
            return Err(format!(
                "describes images of {} ({}), those of model {} are {} ({})",
                image.shape(),
                names(&image),
                config.name,
                config.image.shape(),
                names(&config.image)
            ));
        }
        (config.image, config.evidence) = (image, evidence);
        (config.multi_allelic, config.rules) = (multi_allelic, Some(release));
        config.validate()
    }
}

impl Settings {
    /// Takes flags of `make_examples` over, with their values.
    ///
    /// # Errors
    /// The first that asks for what varpix cannot do, by name.
    pub fn set_all(&mut self, flags: &Map<String, Value>) -> Result<(), String> {
        for (name, value) in flags {
            self.set(name, value)?;
        }
        match flags.get("phase_reads") {
            Some(Value::Bool(true)) => {
                let tracked = flags.get("track_ref_reads") == Some(&Value::Bool(true));
                if !tracked && !self.evidence.track_reference_reads {
                    return Err("sets phase_reads without track_ref_reads, which varpix cannot do".into());
                }
                self.phase();
            }
            Some(_) => self.evidence.phasing = None,
            // Numbers for a phasing that is not asked for.
            None if !self.evidence.track_reference_reads => self.evidence.phasing = None,
            None => {}
        }
        // What is not drawn of a long read need not be in memory.
        self.evidence.cut_long_reads |= self.image.trim_reads;
        // 0 stands for all reads; a limit of bases goes with it.
        if self.evidence.max_reads == 0 {
            if self.evidence.max_bases_per_position.is_none() {
                return Err("sets max_reads_per_partition to 0, which varpix cannot do".into());
            }
            self.evidence.max_reads = ALL_READS;
        }
        Ok(())
    }

    /// Takes one setting over.
    fn set(&mut self, name: &str, value: &Value) -> Result<(), String> {
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
                evidence.max_reads = usize::try_from(number()?).unwrap_or(usize::MAX);
            }
            "max_reads_for_dynamic_bases_per_region" => {
                evidence.max_bases_per_position = Some(count()?).filter(|&bases| bases > 0);
            }
            // Taken together with others.
            "phase_reads" => drop(switch()?),
            "sort_by_haplotypes" => self.image.sort_by_haplotype = switch()?,
            "trim_reads_for_pileup" => self.image.trim_reads = switch()?,
            "phase_max_candidates" => {
                let options = evidence.phasing.get_or_insert_with(PhasingOptions::default);
                options.max_candidates = usize::try_from(number()?).unwrap_or(usize::MAX);
            }
            "phase_reads_region_padding_pct" => {
                evidence.phasing.get_or_insert_with(PhasingOptions::default).padding_percent = count()?;
            }
            "max_read_length_to_realign" => {
                if let Some(realign) = &mut evidence.realign {
                    // 0 stands for reads of any length.
                    let most = usize::try_from(number()?).unwrap_or(usize::MAX);
                    realign.max_read_length = if most == 0 { 100_000 } else { most };
                }
            }
            "alt_aligned_pileup" if value == if self.image.aligns() { "diff_channels" } else { "none" } => {}
            "alt_aligned_pileup" => return Err(format!("sets {name} to {value}, which does not fit its channels")),
            "types_to_alt_align" if value == "indels" => {}
            "partition_size" => evidence.region_size = number()?,
            "vsc_min_count_snps" => evidence.candidates.min_count_snps = count()?,
            "vsc_min_count_indels" => evidence.candidates.min_count_indels = count()?,
            "vsc_min_fraction_snps" => evidence.candidates.min_fraction_snps = share()?,
            "vsc_min_fraction_indels" => evidence.candidates.min_fraction_indels = share()?,
            "realign_reads" => {
                let options = || {
                    let mut options = RealignOptions::default();
                    options.windows.min_allele_count = if self.release >= Release::V1_9 { 2 } else { 1 };
                    options
                };
                evidence.realign = switch()?.then(|| evidence.realign.unwrap_or_else(options));
            }
            "multiallelic_mode" if value == "product" => self.multi_allelic = MultiAllelic::Product,
            "multiallelic_mode" if value == "min" => self.multi_allelic = MultiAllelic::Minimum,
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
    use crate::evidence::EvidenceOptions;
    use crate::phase::PhasingRules;

    fn parse(text: &str, model_type: Option<ModelType>) -> ExampleInfo {
        ExampleInfo::parse(text, model_type).unwrap()
    }

    fn problem(text: &str) -> String {
        ExampleInfo::parse(text, None).unwrap_err()
    }

    #[test]
    fn a_wgs_model_is_what_varpix_does_by_default() {
        let info = parse(r#"{"version": "1.8.0", "shape": [100, 221, 7], "channels": [1, 2, 3, 4, 5, 6, 19]}"#, None);
        assert_eq!((info.settings.image, info.version.as_str()), (ImageSpec::default(), "1.8.0"));
        assert_eq!(info.settings.evidence, EvidenceOptions::default());
    }

    #[test]
    fn releases_have_rules_of_their_own() {
        let of = |version: &str, model_type| {
            let text =
                format!(r#"{{"version": "{version}", "shape": [100, 221, 7], "channels": [1, 2, 3, 4, 5, 6, 19]}}"#);
            let Settings { evidence, multi_allelic, .. } = parse(&text, model_type).settings;
            (evidence.realign.unwrap().windows.min_allele_count, multi_allelic)
        };
        assert_eq!(of("1.8.0", None), (1, MultiAllelic::Minimum));
        assert_eq!(of("1.9.0", None), (2, MultiAllelic::Minimum));
        assert_eq!(of("1.10.0-beta", Some(ModelType::Wgs)), (2, MultiAllelic::Product));
        assert_eq!(of("1.10.0", Some(ModelType::Wes)), (2, MultiAllelic::Minimum));
        assert_eq!(of("", None), (1, MultiAllelic::Minimum));
    }

    #[test]
    fn one_release_decides_all_rules() {
        let of = |version: &str, flags: &str| {
            let text = format!(
                r#"{{"version": "{version}", "shape": [100, 147, 9], "channels": [1, 2, 3, 4, 5, 6, 7, 9, 10],
                "flags_for_calling": {{{flags}}}}}"#
            );
            let Settings { image, evidence, multi_allelic, release } = parse(&text, Some(ModelType::PacBio)).settings;
            (release, image.trim_reads, evidence.phasing.map(|phasing| phasing.rules), multi_allelic)
        };
        let (old, new) = (Some(PhasingRules::DeepVariant1_8), Some(PhasingRules::DeepVariant1_10));
        assert_eq!(of("1.6.1", ""), (Release::V1_6, false, old, MultiAllelic::Minimum));
        assert_eq!(of("1.9.0", ""), (Release::V1_9, true, old, MultiAllelic::Minimum));
        assert_eq!(of("1.10.0", ""), (Release::V1_10, true, new, MultiAllelic::Product));
        // A file without a version is of 1.8, or of 1.10 where it has settings.
        assert_eq!(of("", ""), (Release::V1_8, true, old, MultiAllelic::Minimum));
        let told = r#""alt_aligned_pileup": "diff_channels", "phase_reads": true, "track_ref_reads": true"#;
        assert_eq!(of("UPDATE_ME", told), (Release::V1_10, true, new, MultiAllelic::Product));
        assert_eq!(of("1.9.0", told), (Release::V1_9, true, old, MultiAllelic::Minimum));
    }

    #[test]
    fn flags_may_turn_off_what_a_type_turns_on() {
        let text = |flags: &str| {
            format!(
                r#"{{"version": "1.9.0", "shape": [100, 147, 7], "channels": [1, 2, 3, 4, 5, 6, 7],
                "flags_for_calling": {{{flags}}}}}"#
            )
        };
        let flags = r#""phase_max_candidates": 9, "phase_reads": false, "realign_reads": true"#;
        let evidence = parse(&text(flags), Some(ModelType::PacBio)).settings.evidence;
        assert_eq!(
            (evidence.phasing, evidence.realign.map(|realign| realign.windows.min_allele_count)),
            (None, Some(2))
        );
        let evidence = parse(&text(r#""phase_max_candidates": 9"#), None).settings.evidence;
        assert_eq!(evidence.phasing, None);
    }

    #[test]
    fn a_model_takes_the_settings_of_a_file_with_its_images() {
        let mut config = crate::model::tests::config();
        let said = |text: &str, config: &mut ModelConfig| parse(text, None).give(config);
        let fits = r#"{"version": "1.9.0", "shape": [100, 221, 7], "channels": [1, 2, 3, 4, 5, 6, 19],
            "flags_for_calling": {"min_mapping_quality": 1}}"#;
        assert_eq!(said(fits, &mut config), Ok(()));
        assert_eq!((config.evidence.read_filter.min_mapping_quality, config.rules), (1, Some(Release::V1_9)));
        let other = r#"{"version": "1.9.0", "shape": [100, 221, 6], "channels": [1, 2, 3, 4, 5, 6]}"#;
        assert!(said(other, &mut config).unwrap_err().contains("describes images of [100, 221, 6] (read_base"));
    }

    #[test]
    fn settings_are_taken_over() {
        let Settings { image, evidence, .. } = parse(
            r#"{"shape": [100, 199, 7], "channels": [1, 2, 3, 4, 5, 6, 7], "flags_for_calling": {
                "min_mapping_quality": 1, "realign_reads": false, "vsc_min_fraction_indels": 0.12, "partition_size": 25000,
                "max_reads_per_partition": 600, "keep_supplementary_alignments": true, "pileup_image_width": 199,
                "call_small_model_examples": true, "alt_aligned_pileup": "none", "phase_reads": false}}"#,
            None,
        )
        .settings;
        assert_eq!((image.width, image.channels[6]), (199, Channel::Haplotype));
        assert_eq!((evidence.phasing, image.trim_reads, image.sort_by_haplotype), (None, false, false));
        assert!(evidence.realign.is_none() && evidence.read_filter.keep_supplementary);
        assert_eq!(
            (evidence.max_reads, evidence.region_size, evidence.read_filter.min_mapping_quality),
            (600, 25_000, 1)
        );
        assert!((evidence.candidates.min_fraction_indels - 0.12).abs() < 1e-9);
    }

    #[test]
    fn what_cannot_be_done_is_named() {
        let said = problem(r#"{"shape": [100, 147, 10], "channels": [1, 2, 3, 4, 5, 6, 7, 8, 24, 10]}"#);
        assert!(said.contains("allele_frequency (8), base_6ma (24)"), "{said}");
        assert!(problem(r#"{"shape": [100, 221, 1], "channels": [99]}"#).contains("number 99"));
        assert!(problem(r#"{"shape": [100, 221, 7], "channels": [1]}"#).contains("1 channels for a shape of 7"));
        assert!(problem(r#"{"shape": [100, 220, 1], "channels": [1]}"#).contains("width 220"));
        assert!(problem(r#"{"channels": [1]}"#).contains("shape"));
        let with = |flag: &str| {
            problem(&format!(r#"{{"shape": [100, 221, 1], "channels": [1], "flags_for_calling": {{{flag}}}}}"#))
        };
        assert!(with(r#""phase_reads": true"#).contains("phase_reads without track_ref_reads"));
        assert!(with(r#""max_reads_per_partition": 0"#).contains("max_reads_per_partition to 0"));
        assert!(with(r#""alt_aligned_pileup": "diff_channels""#).contains("alt_aligned_pileup"));
        assert!(with(r#""alt_aligned_pileup": "rows""#).contains("alt_aligned_pileup to"));
        assert!(with(r#""types_to_alt_align": "all""#).contains("types_to_alt_align"));
        assert!(with(r#""some_new_flag": 3"#).contains("some_new_flag to 3"));
        assert!(with(r#""pileup_image_width": 147"#).contains("its shape says 221"));
    }

    #[test]
    fn a_pacbio_model_of_1_10_says_how_its_reads_are_used() {
        // As DeepVariant writes it.
        let info = parse(
            r#"{"version": "UPDATE_ME", "shape": [100, 147, 10], "channels": [1, 2, 3, 4, 5, 6, 7, 26, 9, 10],
                "flags_for_calling": {"alt_aligned_pileup": "diff_channels", "call_small_model_examples": true,
                "keep_supplementary_alignments": true, "max_reads_per_partition": 600, "min_mapping_quality": 1,
                "parse_sam_aux_fields": true, "partition_size": 25000, "phase_reads": true, "pileup_image_height": 100,
                "pileup_image_width": 147, "realign_reads": false, "small_model_indel_gq_threshold": 16,
                "small_model_snp_gq_threshold": 15, "small_model_vaf_context_window_size": 51, "sort_by_haplotypes": true,
                "track_ref_reads": true, "trained_small_model_path": "/opt/smallmodels/pacbio",
                "trim_reads_for_pileup": true, "vsc_min_fraction_indels": 0.12}}"#,
            None,
        );
        let Settings { image, evidence, .. } = info.settings;
        assert_eq!(
            image.channels[6..],
            [
                Channel::Haplotype,
                Channel::SupplementaryAlignment,
                Channel::BaseDiffersFromAlt1,
                Channel::BaseDiffersFromAlt2
            ]
        );
        assert!(
            image.trim_reads && image.sort_by_haplotype && evidence.track_reference_reads && evidence.cut_long_reads
        );
        let rules = evidence.phasing.map(|phasing| (phasing.rules, phasing.padding_percent, phasing.max_candidates));
        assert_eq!(rules, Some((PhasingRules::DeepVariant1_10, 20, 5000)));
        assert_eq!((evidence.max_reads, evidence.read_margin, evidence.realign), (600, 0, None));
        assert!(evidence.read_filter.keep_supplementary);
    }

    #[test]
    fn types_of_models_have_the_settings_of_their_release() {
        let of = |model_type, version: &str, width: usize, channels: &str| {
            let text = format!(
                r#"{{"version": "{version}", "shape": [100, {width}, {}], "channels": [{channels}]}}"#,
                channels.split(',').count()
            );
            parse(&text, Some(model_type)).settings
        };
        let nine = "1,2,3,4,5,6,7,9,10";
        let pacbio = of(ModelType::PacBio, "1.8.0", 147, nine);
        let rules = |settings: &Settings| settings.evidence.phasing.map(|phasing| phasing.rules);
        assert_eq!((rules(&pacbio), pacbio.evidence.max_reads), (Some(PhasingRules::DeepVariant1_8), 600));
        assert_eq!((pacbio.evidence.read_filter.min_mapping_quality, pacbio.image.trim_reads), (1, true));
        assert!(!of(ModelType::PacBio, "1.6.1", 199, nine).image.trim_reads);
        let ont = of(ModelType::OntR104, "1.9.0", 99, nine).evidence;
        assert_eq!((ont.read_filter.min_mapping_quality, ont.max_reads, ont.region_size), (5, 600, 25_000));
        assert!((ont.candidates.min_fraction_snps - 0.08).abs() < 1e-9);
        let masseq = of(ModelType::MasSeq, "1.8.0", 199, nine).evidence;
        assert_eq!((masseq.max_reads, masseq.max_bases_per_position), (1_000_000, Some(1500)));
        let hybrid = of(ModelType::Hybrid, "1.8.0", 221, "1,2,3,4,5,6");
        assert!(
            hybrid.image.trim_reads
                && hybrid.evidence == EvidenceOptions { cut_long_reads: true, ..EvidenceOptions::default() }
        );
        assert_eq!(of(ModelType::Wgs, "1.8.0", 221, "1,2,3,4,5,6,19").evidence, EvidenceOptions::default());
        // Without a type the file does not tell.
        let said = problem(r#"{"version": "1.8.0", "shape": [100, 147, 9], "channels": [1, 2, 3, 4, 5, 6, 7, 9, 10]}"#);
        assert!(said.contains("--model-type PACBIO"), "{said}");
        assert!(
            ModelType::parse("PACBIO").is_ok()
                && ModelType::parse("pacbio").unwrap_err().to_string().contains("HYBRID_PACBIO_ILLUMINA")
        );
    }
}
