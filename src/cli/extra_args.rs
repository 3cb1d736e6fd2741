//! `--make-examples-extra-args` and the like, with which DeepVariant's wrapper passes flags to its stages -> options of `varpix call` and
//! settings of the model in their place.

use std::ffi::OsString;
use std::path::PathBuf;

use serde_json::{Map, Value};

use self::Meaning::{Instead, NoEffect, Only, Option as Alias, Setting, SeveralAlleles};
use super::common;
use crate::error::{Error, Result};
use crate::model::Model;
use crate::model::deepvariant::Settings;

const MAKE_EXAMPLES: &str = "--make-examples-extra-args";
const CALL_VARIANTS: &str = "--call-variants-extra-args";
const POSTPROCESS_VARIANTS: &str = "--postprocess-variants-extra-args";
const SEVERAL_ALLELES: &str = "small_model_call_multiallelics";

/// What becomes of a flag.
#[derive(Clone, Copy, Debug)]
enum Meaning {
    /// A setting of the model, under DeepVariant's name.
    Setting,
    /// An option of varpix.
    Option(fn(&str) -> Result<Given, String>),
    /// Whether a small model of DeepVariant's decides sites of several alternative alleles.
    SeveralAlleles,
    /// Nothing here depends on it.
    NoEffect,
    /// What varpix does is one of these values.
    Only(&'static [&'static str]),
    /// Cannot be done; what to do in its place.
    Instead(&'static str),
}

/// An option of `varpix call` that a flag stands for, with its value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Given {
    SampleName(String),
    OnlyPass(bool),
    Device(&'static str),
    GvcfGqBin(i32),
    NoSmallModel(bool),
    HaploidContigs(Vec<String>),
    ParRegions(OsString),
    SmallModel(PathBuf),
    SmallModelSnpLimit(f64),
    SmallModelIndelLimit(f64),
}

impl Given {
    /// As it is given to varpix.
    fn spelling(&self) -> String {
        match self {
            Self::SampleName(name) => format!("--sample-name {name}"),
            Self::OnlyPass(on) => format!("--only-pass={on}"),
            Self::Device(name) => format!("--device {name}"),
            Self::GvcfGqBin(width) => format!("--gvcf-gq-bin {width}"),
            Self::NoSmallModel(on) => format!("--no-small-model={on}"),
            Self::HaploidContigs(names) => format!("--haploid-contigs {}", names.join(",")),
            Self::ParRegions(bed) => format!("--par-regions {}", bed.display()),
            Self::SmallModel(path) => format!("--customized-small-model {}", path.display()),
            Self::SmallModelSnpLimit(limit) => format!("--small-model-snp-gq-threshold {limit}"),
            Self::SmallModelIndelLimit(limit) => format!("--small-model-indel-gq-threshold {limit}"),
        }
    }
}

/// Flags of each stage, by their names there.
const FLAGS: [(&str, &[&str], Meaning); 31] = [
    (
        MAKE_EXAMPLES,
        &[
            "min_mapping_quality",
            "min_base_quality",
            "keep_duplicates",
            "keep_secondary_alignments",
            "keep_supplementary_alignments",
            "max_reads_per_partition",
            "max_reads_for_dynamic_bases_per_region",
            "partition_size",
            "vsc_min_count_snps",
            "vsc_min_count_indels",
            "vsc_min_fraction_snps",
            "vsc_min_fraction_indels",
            "realign_reads",
            "max_read_length_to_realign",
            "phase_reads",
            "phase_max_candidates",
            "phase_reads_region_padding_pct",
            "track_ref_reads",
            "parse_sam_aux_fields",
            "sort_by_haplotypes",
            "trim_reads_for_pileup",
            "alt_aligned_pileup",
            "types_to_alt_align",
            "pileup_image_width",
            "pileup_image_height",
            // Off is all that can be done.
            "normalize_reads",
            "keep_legacy_allele_counter_behavior",
            "add_hp_channel",
            "add_supporting_other_alt_color",
            "use_original_quality_scores",
            "split_skip_reads",
            "reverse_haplotypes",
            "include_med_dp",
            "use_allele_frequency",
            "keep_only_window_spanning_reads",
            "ws_use_window_selector_model",
            "create_complex_alleles",
            "enable_methylation_calling",
            "enable_methylation_aware_phasing",
            "enable_strict_insertion_filter",
            "realign_all",
        ],
        Setting,
    ),
    (MAKE_EXAMPLES, &["sample_name"], Alias(|value| Ok(Given::SampleName(value.to_owned())))),
    (MAKE_EXAMPLES, &["gvcf_gq_binsize"], Alias(|value| common::whole::<i32>(1..=50)(value).map(Given::GvcfGqBin))),
    (MAKE_EXAMPLES, &["call_small_model_examples"], Alias(|value| switch(value).map(|on| Given::NoSmallModel(!on)))),
    (MAKE_EXAMPLES, &["haploid_contigs"], Alias(|value| Ok(contigs(value)))),
    (MAKE_EXAMPLES, &["par_regions_bed"], Alias(|value| Ok(Given::ParRegions(value.into())))),
    (
        MAKE_EXAMPLES,
        &[
            "logging_level",
            "logging_every_n_candidates",
            "hts_logging_level",
            "hts_block_size",
            "runtime_by_region",
            "write_run_info",
            "discard_non_dna_regions",
            "verbosity",
        ],
        NoEffect,
    ),
    (MAKE_EXAMPLES, &["use_ref_for_cram", "group_variants"], Only(&["true"])),
    (MAKE_EXAMPLES, &["mode"], Only(&["calling"])),
    (MAKE_EXAMPLES, &["variant_caller"], Only(&["very_sensitive_caller"])),
    (MAKE_EXAMPLES, &["multi_allelic_mode"], Only(&["add_het_alt_images"])),
    (MAKE_EXAMPLES, &["p_error"], Only(&["0.001"])),
    (MAKE_EXAMPLES, &["downsample_fraction", "hp_tag_for_assembly_polishing"], Only(&["0", "0.0"])),
    (MAKE_EXAMPLES, &["trained_small_model_path"], Alias(|value| Ok(Given::SmallModel(value.into())))),
    (MAKE_EXAMPLES, &["small_model_snp_gq_threshold"], Alias(|value| limit(value).map(Given::SmallModelSnpLimit))),
    (MAKE_EXAMPLES, &["small_model_indel_gq_threshold"], Alias(|value| limit(value).map(Given::SmallModelIndelLimit))),
    (MAKE_EXAMPLES, &[SEVERAL_ALLELES], SeveralAlleles),
    (MAKE_EXAMPLES, &["small_model_vaf_context_window_size"], Only(&["51"])),
    (MAKE_EXAMPLES, &["small_model_inference_batch_size"], NoEffect),
    (MAKE_EXAMPLES, &["write_small_model_examples", "skip_pileup_image_generation"], Only(&["false"])),
    (MAKE_EXAMPLES, &["channels", "channel_list"], Instead("the channels are those of the model")),
    (MAKE_EXAMPLES, &["regions", "exclude_regions"], Instead("give what is to be called to --regions")),
    (MAKE_EXAMPLES, &["proposed_variants"], Instead("give the VCF to --genotype-sites")),
    (MAKE_EXAMPLES, &["emit_realigned_reads", "realigner_diagnostics"], Instead("use --realigned-bam BAM")),
    (CALL_VARIANTS, &["execution_hardware"], Alias(device)),
    (
        CALL_VARIANTS,
        &[
            "batch_size",
            "num_readers",
            "num_mappers",
            "writer_threads",
            "kmp_blocktime",
            "config_string",
            "include_debug_info",
            "allow_empty_examples",
            "verbosity",
        ],
        NoEffect,
    ),
    (POSTPROCESS_VARIANTS, &["only_keep_pass"], Alias(|value| switch(value).map(Given::OnlyPass))),
    (POSTPROCESS_VARIANTS, &["multiallelic_mode"], Setting),
    (POSTPROCESS_VARIANTS, &["cpus", "num_partitions", "verbosity"], NoEffect),
    (POSTPROCESS_VARIANTS, &["qual_filter"], Instead("--min-qual PHRED leaves calls of low quality out")),
    (POSTPROCESS_VARIANTS, &["vcf_stats_report"], Instead("use --vcf-stats-report")),
];

/// More flags of the last stage; those of the sample are as in the first.
const LAST: [(&[&str], Meaning); 5] = [
    (&["sample_name"], Alias(|value| Ok(Given::SampleName(value.to_owned())))),
    (&["haploid_contigs"], Alias(|value| Ok(contigs(value)))),
    (&["par_regions_bed"], Alias(|value| Ok(Given::ParRegions(value.into())))),
    (&["group_variants"], Only(&["true"])),
    (&["use_multiallelic_model", "process_somatic", "debug_output_all_candidates"], Only(&["false"])),
];

fn switch(value: &str) -> Result<bool, String> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "t" | "1" => Ok(true),
        "false" | "f" | "0" => Ok(false),
        _ => Err("expected true or false".into()),
    }
}

/// Least GQ at which the small model decides; -1, which stands for none in DeepVariant, is more than it ever gives.
fn limit(value: &str) -> Result<f64, String> {
    if value == "-1" { Ok(1000.0) } else { common::number(0.0..=1000.0)(value) }
}

fn contigs(value: &str) -> Given {
    Given::HaploidContigs(value.split([',', ' ']).filter(|name| !name.is_empty()).map(str::to_owned).collect())
}

fn device(value: &str) -> Result<Given, String> {
    match value {
        "auto" => Ok(Given::Device("auto")),
        "cpu" => Ok(Given::Device("cpu")),
        "accelerator" => Ok(Given::Device("cuda")),
        _ => Err("expected auto, cpu or accelerator".into()),
    }
}

/// What the flags of all stages say.
#[derive(Clone, Debug, Default)]
pub(super) struct ExtraArgs {
    /// For the command, in the order of the flags.
    pub(super) given: Vec<Given>,
    /// Whether the small model decides sites of several alternative alleles.
    pub(super) several_alleles: Option<bool>,
    /// For the model, by DeepVariant's names.
    settings: Map<String, Value>,
    without_effect: Vec<String>,
}

impl ExtraArgs {
    /// Reads the three arguments.
    ///
    /// # Errors
    /// [`Error::Usage`] naming the flag that varpix does not know or cannot follow.
    pub(super) fn parse(make: Option<&str>, call: Option<&str>, postprocess: Option<&str>) -> Result<Self> {
        let mut all = Self::default();
        for (stage, text) in [(MAKE_EXAMPLES, make), (CALL_VARIANTS, call), (POSTPROCESS_VARIANTS, postprocess)] {
            for (name, value) in pairs(text.unwrap_or_default()).map_err(|item| {
                Error::Usage(format!("{stage}: '{item}': expected flags of that stage as NAME=VALUE,NAME=VALUE"))
            })? {
                all.add(stage, &name, value)?;
            }
        }
        Ok(all)
    }

    fn add(&mut self, stage: &str, name: &str, value: &str) -> Result<()> {
        let refused = |why: &str| Error::Usage(format!("{stage}: {name}={value}: {why}; leave the flag out"));
        match meaning(stage, name) {
            Some(Setting) => drop(self.settings.insert(name.to_owned(), number_or_text(value))),
            Some(Alias(read)) => self.given.push(read(value).map_err(|why| refused(&why))?),
            Some(SeveralAlleles) => self.several_alleles = Some(switch(value).map_err(|why| refused(&why))?),
            Some(NoEffect) => self.without_effect.push(name.to_owned()),
            Some(Only(values)) if values.contains(&value.to_ascii_lowercase().as_str()) => {
                self.without_effect.push(name.to_owned());
            }
            Some(Only(values)) => {
                return Err(refused(&format!("varpix cannot do that, only {}", values.first().unwrap_or(&""))));
            }
            Some(Instead(what)) => return Err(refused(what)),
            None => {
                return Err(refused("varpix does not know it (docs/from-deepvariant.md lists those that it knows)"));
            }
        }
        Ok(())
    }

    /// Logs which options the flags stand for.
    pub(super) fn log(&self) {
        if !self.given.is_empty() {
            let all: Vec<String> = self.given.iter().map(Given::spelling).collect();
            log::info!("flags for DeepVariant's stages, taken as {}", all.join(" "));
        }
    }

    /// Changes a model's settings as the flags say; logs which of all flags do so, and which have no effect.
    ///
    /// # Errors
    /// [`Error::Usage`] where the model cannot be run with them.
    pub(super) fn apply(&self, model: &mut Model) -> Result<()> {
        let own = Settings::of_model(&model.config);
        let with = |flags: &Map<String, Value>| {
            let mut settings = own.clone();
            settings.set_all(flags).map(|()| settings)
        };
        let refused = |why: String| {
            // The only setting of another stage.
            let stage = if why.contains("multiallelic_mode") { POSTPROCESS_VARIANTS } else { MAKE_EXAMPLES };
            Error::Usage(format!("{stage}: {why}; leave the flag out"))
        };
        let (mut effective, mut without) = (Vec::new(), self.without_effect.clone());
        if let Some(on) = self.several_alleles {
            // What is given by its path takes such sites, unless told otherwise; one of varpix's own does where it has learned from some.
            let is_given = self.given.iter().any(|given| matches!(given, Given::SmallModel(_)));
            let (own, imported) = (model.config.small_model, model.config.imported_small_model);
            let before = imported.map(|small| small.multi_allelic).or(own.map(|small| small.several_alleles.is_some()));
            if on == before.unwrap_or(is_given) {
                without.push(SEVERAL_ALLELES.to_owned());
            } else {
                effective.push(format!("{SEVERAL_ALLELES}={on}"));
            }
        }
        if !self.settings.is_empty() {
            let all = with(&self.settings).map_err(refused)?;
            for (name, value) in &self.settings {
                // What the others do without it.
                let mut others = self.settings.clone();
                others.remove(name);
                if with(&others).as_ref() == Ok(&all) {
                    without.push(name.clone());
                } else {
                    effective
                        .push(format!("{name}={}", value.as_str().map_or_else(|| value.to_string(), str::to_owned)));
                }
            }
            let config = &mut model.config;
            (config.image, config.evidence, config.multi_allelic) = (all.image, all.evidence, all.multi_allelic);
            config.validate().map_err(refused)?;
        }
        if !effective.is_empty() {
            let model = &model.config.name;
            log::info!(
                "flags for DeepVariant's stages: {}; model {model} was made with other settings",
                effective.join(", ")
            );
        }
        if !without.is_empty() {
            log::info!("flags for DeepVariant's stages without effect here: {}", without.join(", "));
        }
        Ok(())
    }
}

fn meaning(stage: &str, name: &str) -> Option<Meaning> {
    let of_stage = FLAGS.iter().filter(|(of, ..)| *of == stage).map(|(_, names, meaning)| (*names, *meaning));
    let last = LAST.iter().filter(|_| stage == POSTPROCESS_VARIANTS).copied();
    of_stage.chain(last).find(|(names, _)| names.contains(&name)).map(|(_, meaning)| meaning)
}

/// The names and values of a list such as `a=1,--b="x,y"`: commas within quotes do not end a value. The item that is none, otherwise.
fn pairs(list: &str) -> Result<Vec<(String, &str)>, String> {
    let mut quote = None;
    let items = list.split(|letter| match (quote, letter) {
        (Some(open), _) if open == letter => {
            quote = None;
            false
        }
        (None, '"' | '\'') => {
            quote = Some(letter);
            false
        }
        (None, ',') => true,
        _ => false,
    });
    items
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .map(|item| {
            let (name, value) = item.split_once('=').ok_or(item)?;
            let name = name.trim_matches('-').replace('-', "_");
            let value = ['"', '\''].iter().find_map(|&quote| value.strip_prefix(quote)?.strip_suffix(quote));
            let value = value.unwrap_or_else(|| item.split_once('=').map_or("", |(_, value)| value));
            if name.is_empty() { Err(item) } else { Ok((name, value)) }
        })
        .collect::<Result<_, &str>>()
        .map_err(str::to_owned)
}

/// A value as JSON has it.
fn number_or_text(value: &str) -> Value {
    match value.to_ascii_lowercase().as_str() {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ => serde_json::from_str::<serde_json::Number>(value).map_or_else(|_| value.into(), Value::Number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(make: &str, call: &str, postprocess: &str) -> String {
        ExtraArgs::parse(Some(make), Some(call), Some(postprocess)).unwrap_err().to_string()
    }

    #[test]
    fn lists_are_read_as_deepvariant_reads_them() {
        let read = pairs("a=1,--b=true, haploid_contigs=\"chrX,chrY\",c='x=y',").unwrap();
        let wanted = [("a", "1"), ("b", "true"), ("haploid_contigs", "chrX,chrY"), ("c", "x=y")];
        assert_eq!(read, wanted.map(|(name, value)| (name.to_owned(), value)));
        assert_eq!(pairs("a=1,only_keep_pass"), Err("only_keep_pass".into()));
        assert_eq!(pairs("=1"), Err("=1".into()));
        assert_eq!(pairs(""), Ok(Vec::new()));
    }

    #[test]
    fn flags_are_options() {
        let all = ExtraArgs::parse(
            Some("sample_name=x,gvcf_gq_binsize=3,call_small_model_examples=false"),
            Some("execution_hardware=accelerator,batch_size=64"),
            Some("only_keep_pass=true,haploid_contigs=\"chrX,chrY\",par_regions_bed=par.bed,cpus=0"),
        )
        .unwrap();
        let spelled: Vec<String> = all.given.iter().map(Given::spelling).collect();
        assert_eq!(
            spelled.join(" "),
            "--sample-name x --gvcf-gq-bin 3 --no-small-model=true --device cuda --only-pass=true --haploid-contigs chrX,chrY \
             --par-regions par.bed"
        );
        assert_eq!(all.without_effect, ["batch_size", "cpus"]);
        assert!(all.settings.is_empty());
    }

    #[test]
    fn flags_are_settings_of_the_model() {
        let mut model = Model::find("wgs".as_ref()).unwrap();
        let before = model.config.clone();
        let flags = "min_mapping_quality=1,vsc_min_fraction_snps=0.2,partition_size=1000,normalize_reads=false,phase_reads=false";
        let all = ExtraArgs::parse(Some(flags), None, Some("multiallelic_mode=product")).unwrap();
        all.apply(&mut model).unwrap();
        let evidence = &model.config.evidence;
        assert_eq!(evidence.read_filter.min_mapping_quality, 1);
        assert!((evidence.candidates.min_fraction_snps - 0.2).abs() < 1e-9);
        assert_eq!(model.config.multi_allelic, crate::model::MultiAllelic::Product);
        let mut restored = model.config.clone();
        restored.multi_allelic = before.multi_allelic;
        restored.evidence.read_filter = before.evidence.read_filter;
        restored.evidence.candidates = before.evidence.candidates;
        assert_eq!(restored, before);
    }

    #[test]
    fn what_the_model_cannot_do_is_named() {
        let with = |flags: &str| {
            let mut model = Model::find("wgs".as_ref()).unwrap();
            let all = ExtraArgs::parse(Some(flags), None, None).unwrap();
            all.apply(&mut model).unwrap_err().to_string()
        };
        assert!(with("normalize_reads=true").contains("normalize_reads to true"));
        assert!(with("phase_reads=true").contains("phase_reads without track_ref_reads"));
        assert!(with("alt_aligned_pileup=diff_channels").contains("alt_aligned_pileup"));
        assert!(with("min_mapping_quality=high").contains("min_mapping_quality"));
        assert!(with("partition_size=1").contains("evidence.region_size"));
        assert!(with("pileup_image_width=221").contains("pileup_image_width"));
    }

    #[test]
    fn other_flags_are_refused_by_name() {
        assert!(
            said("moon_phase=1", "", "").contains("--make-examples-extra-args: moon_phase=1: varpix does not know it")
        );
        assert!(said("", "only_keep_pass=true", "").contains("--call-variants-extra-args: only_keep_pass"));
        assert!(said("", "", "qual_filter=2").contains("--min-qual"));
        assert!(said("exclude_regions=chr1", "", "").contains("--regions"));
        assert!(said("downsample_fraction=0.5", "", "").contains("downsample_fraction=0.5"));
        assert!(said("mode=training", "", "").contains("only calling"));
        assert!(said("a", "", "").contains("NAME=VALUE"));
        assert!(said("gvcf_gq_binsize=0", "", "").contains("from 1 to 50"));
    }

    #[test]
    fn no_flag_has_two_meanings() {
        for stage in [MAKE_EXAMPLES, CALL_VARIANTS, POSTPROCESS_VARIANTS] {
            let mut names: Vec<&str> =
                FLAGS.iter().filter(|(of, ..)| *of == stage).flat_map(|(_, names, _)| names.iter().copied()).collect();
            if stage == POSTPROCESS_VARIANTS {
                names.extend(LAST.iter().flat_map(|(names, _)| names.iter().copied()));
            }
            let count = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), count);
        }
    }
}
