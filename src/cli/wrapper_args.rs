//! Flags of DeepVariant's `run_deepvariant` that `varpix call` takes -> a model's name, or why they are refused.

use std::path::{Path, PathBuf};

use clap::Args;

use super::common;
use super::extra_args::{ExtraArgs, Given};
use super::report_args::made;
use crate::error::{Error, Result};
use crate::keras;
use crate::model::deepvariant::{ExampleInfo, ModelType};
use crate::model::{ImportedSmallModelOptions, Model, ModelConfig};
use crate::predict::AnySmallModel;
use crate::predict::imported::{ImportedSmallModel, prepare};

/// Types of DeepVariant's models without one of varpix's own, and the names under which imported ones are looked for.
const IMPORTED: [(&str, &str); 4] = [
    ("PACBIO", "pacbio"),
    ("ONT_R104", "ont_r104"),
    ("MASSEQ", "masseq"),
    ("HYBRID_PACBIO_ILLUMINA", "hybrid_pacbio_illumina"),
];

/// Options of the small model, and the same as flags of a stage.
const SMALL_MODEL_FLAGS: [&str; 3] =
    ["--customized-small-model", "--small-model-snp-gq-threshold", "--small-model-indel-gq-threshold"];
const SMALL_MODEL_STAGE_FLAGS: [&str; 3] = [
    "--make-examples-extra-args: trained_small_model_path",
    "--make-examples-extra-args: small_model_snp_gq_threshold",
    "--make-examples-extra-args: small_model_indel_gq_threshold",
];

/// Flags of DeepVariant's wrapper: understood, refused with a reason, or not needed.
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(super) struct WrapperArgs {
    #[arg(long, hide = true)]
    model_type: Option<String>,
    #[arg(long, hide = true)]
    make_examples_extra_args: Option<String>,
    #[arg(long, hide = true)]
    call_variants_extra_args: Option<String>,
    #[arg(long, hide = true)]
    postprocess_variants_extra_args: Option<String>,
    #[arg(long, hide = true)]
    use_hp_information: bool,
    #[arg(long, hide = true)]
    vcf_stats_report: bool,
    #[arg(long, hide = true)]
    runtime_report: bool,
    #[arg(long, hide = true)]
    intermediate_results_dir: Option<PathBuf>,
    #[arg(long, hide = true)]
    logging_dir: Option<PathBuf>,
    #[arg(long, hide = true)]
    postprocess_cpus: Option<String>,
    #[arg(long, hide = true)]
    customized_small_model: Option<PathBuf>,
    #[arg(long, hide = true, value_parser = common::number(0.0..=1000.0))]
    small_model_snp_gq_threshold: Option<f64>,
    #[arg(long, hide = true, value_parser = common::number(0.0..=1000.0))]
    small_model_indel_gq_threshold: Option<f64>,
    /// Whether the small model decides sites of several alternative alleles; a flag of a stage only.
    #[arg(skip)]
    several_alleles: Option<bool>,
    /// Which of the small model, its limit for SNPs and that for all else were given to a stage, for messages.
    #[arg(skip)]
    given_to_stage: [bool; 3],
    #[arg(long, hide = true)]
    customized_model_json: Option<PathBuf>,
    #[arg(long, hide = true)]
    phase_vcf: bool,
}

/// Reads a small model of DeepVariant's, and makes evidence be gathered for it.
fn given_small_model(
    path: &Path,
    config: &mut ModelConfig,
    options: ImportedSmallModelOptions,
) -> Result<ImportedSmallModel> {
    let network = keras::read(path)?;
    prepare(&network, &mut config.evidence).map_err(|problem| Error::model(path, problem))?;
    Ok(ImportedSmallModel::new(network, options))
}

impl WrapperArgs {
    /// Rejects unsupported options that would change the result; lists ignored ones in one log line. Returns what is passed to DeepVariant's
    /// stages.
    pub(super) fn check(&self) -> Result<ExtraArgs> {
        let refused = [
            (self.phase_vcf, "--phase-vcf: varpix writes no phases to the VCF; leave the flag out"),
            (
                self.use_hp_information,
                "--use-hp-information: the model does not use haplotype tags; leave the flag out",
            ),
        ];
        if let Some((_, sentence)) = refused.into_iter().find(|(given, _)| *given) {
            return Err(Error::Usage(sentence.into()));
        }
        let unneeded = [
            (self.intermediate_results_dir.is_some(), "--intermediate-results-dir"),
            (self.logging_dir.is_some() && !self.runtime_report, "--logging-dir"),
            (self.postprocess_cpus.is_some(), "--postprocess-cpus"),
        ];
        let given: Vec<_> = unneeded.into_iter().filter(|(given, _)| *given).map(|(_, flag)| flag).collect();
        if !given.is_empty() {
            log::info!("ignored options, not needed by varpix: {}", given.join(", "));
        }
        ExtraArgs::parse(
            self.make_examples_extra_args.as_deref(),
            self.call_variants_extra_args.as_deref(),
            self.postprocess_variants_extra_args.as_deref(),
        )
    }

    /// Takes over what flags of stages say of the small model.
    pub(super) fn take(&mut self, extra: &ExtraArgs) {
        self.several_alleles = extra.several_alleles;
        for given in &extra.given {
            match given {
                Given::SmallModel(path) => {
                    self.customized_small_model = Some(path.clone());
                    self.given_to_stage[0] = true;
                }
                Given::SmallModelSnpLimit(limit) => {
                    self.small_model_snp_gq_threshold = Some(*limit);
                    self.given_to_stage[1] = true;
                }
                Given::SmallModelIndelLimit(limit) => {
                    self.small_model_indel_gq_threshold = Some(*limit);
                    self.given_to_stage[2] = true;
                }
                _ => (),
            }
        }
    }

    /// Rejects a small model that cannot decide sites of several alternative alleles where it is asked to.
    pub(super) fn check_several_alleles(&self, small_model: Option<&AnySmallModel>) -> Result<()> {
        let takes = match small_model {
            Some(AnySmallModel::Imported(imported)) => imported.takes_several_alleles(),
            Some(AnySmallModel::Own(own)) => own.takes_several_alleles(),
            None => false,
        };
        if self.several_alleles == Some(true) && !takes {
            return Err(Error::Usage(
                "--make-examples-extra-args: small_model_call_multiallelics=true: there is no small model that can decide sites of several \
                 alternative alleles (DeepVariant's of 1.9 and newer do); leave the flag out"
                    .into(),
            ));
        }
        Ok(())
    }

    /// The file of `--customized-model-json`.
    pub(super) fn model_json(&self) -> Option<&Path> {
        self.customized_model_json.as_deref()
    }

    /// Gives the model the settings of `--customized-model-json`.
    pub(super) fn give_settings(&self, model: &mut Model) -> Result<()> {
        let Some(path) = self.model_json() else { return Ok(()) };
        let of_type = self.model_type.as_deref().and_then(|name| ModelType::parse(name).ok());
        let info = ExampleInfo::read(path, of_type)?;
        info.give(&mut model.config).map_err(|problem| Error::input(path, problem))
    }

    /// A small model of DeepVariant's that is given by its own path, and limits of certainty; the model's settings are those that it needs then.
    ///
    /// # Errors
    /// [`Error::Usage`] for a model with a small model of varpix's own, or with none where only limits are given; as `keras::read`.
    pub(super) fn small_model(&self, config: &mut ModelConfig) -> Result<Option<ImportedSmallModel>> {
        if let (Some(on), Some(known)) = (self.several_alleles, &mut config.imported_small_model) {
            known.multi_allelic = on;
        }
        if let (Some(false), Some(own)) = (self.several_alleles, &mut config.small_model) {
            own.several_alleles = None;
        }
        let limits = [self.small_model_snp_gq_threshold, self.small_model_indel_gq_threshold];
        let first = match (&self.customized_small_model, limits) {
            (Some(_), _) => 0,
            (None, [Some(_), _]) => 1,
            (None, [_, Some(_)]) => 2,
            _ => return Ok(None),
        };
        let flag = if self.given_to_stage[first] { SMALL_MODEL_STAGE_FLAGS[first] } else { SMALL_MODEL_FLAGS[first] };
        let name = &config.name;
        if config.small_model.is_some() {
            return Err(Error::Usage(format!(
                "{flag}: is for models imported from DeepVariant (--customized-model), and model {name} has a small model of its own; leave the flag out"
            )));
        }
        let known = config.imported_small_model;
        if self.customized_small_model.is_none() && known.is_none() {
            return Err(Error::Usage(format!("{flag}: model {name} has no small model; leave the flag out")));
        }
        let [snps, indels] = limits;
        let (snps, indels) =
            (snps.or(known.map(|known| known.min_gq_snps)), indels.or(known.map(|known| known.min_gq_indels)));
        let (Some(min_gq_snps), Some(min_gq_indels)) = (snps, indels) else {
            return Err(Error::Usage(format!(
                "{flag}: model {name} does not say from which GQ on it decides; give --small-model-snp-gq-threshold and --small-model-indel-gq-threshold"
            )));
        };
        let multi_allelic = self.several_alleles.unwrap_or_else(|| known.is_none_or(|known| known.multi_allelic));
        let options = ImportedSmallModelOptions { min_gq_snps, min_gq_indels, multi_allelic };
        config.imported_small_model = Some(options);
        self.customized_small_model.as_ref().map(|path| given_small_model(path, config, options)).transpose()
    }

    /// Pages that are asked for by DeepVariant's flags, under the names that it gives them, beside these calls or in the folder of its logs.
    ///
    /// # Errors
    /// [`Error::Usage`] where the calls go to stdout, which gives no name; [`Error::Output`] where the folder cannot be made.
    pub(super) fn pages(&self, calls: &Path) -> Result<Vec<(&'static str, PathBuf)>> {
        let beside = |flag: &str, suffix: &str| {
            let name = calls.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            if name == "-" {
                return Err(Error::Usage(format!("{flag}: the calls go to stdout; give --report the name of a file")));
            }
            let stem = [".vcf.gz", ".vcf.bgz", ".vcf", ".bcf"].iter().find_map(|end| name.strip_suffix(end));
            Ok(calls.with_file_name(format!("{}{suffix}", stem.unwrap_or(&name))))
        };
        let mut pages = Vec::new();
        if self.vcf_stats_report {
            let flag = "--vcf-stats-report";
            pages.push((flag, beside(flag, ".visual_report.html")?));
        }
        if self.runtime_report {
            let flag = "--runtime-report";
            let path = match &self.logging_dir {
                Some(folder) => {
                    made(folder)?;
                    folder.join("make_examples_runtime_by_region_report.html")
                }
                None => beside(flag, ".runtime_by_region_report.html")?,
            };
            pages.push((flag, path));
        }
        Ok(pages)
    }

    /// The model that a `--model-type` stands for.
    pub(super) fn model(&self) -> Result<Option<&'static str>> {
        match self.model_type.as_deref() {
            None => Ok(None),
            // Targets and amplicons are among what models/wgs has learned from.
            Some("WGS" | "WES") => Ok(Some("wgs")),
            Some(other) => {
                let Some((_, name)) = IMPORTED.into_iter().find(|(of_type, _)| *of_type == other) else {
                    let known = IMPORTED.map(|(of_type, _)| of_type).join(", ");
                    return Err(Error::Usage(format!(
                        "--model-type {other}: no such model; supported types are WGS, WES, {known}"
                    )));
                };
                if Model::is_known(name) {
                    return Ok(Some(name));
                }
                if other == "PACBIO" {
                    log::info!("--model-type PACBIO: no model {name} is imported; taking varpix's own, hifi");
                    return Ok(Some("hifi"));
                }
                Err(Error::Usage(format!(
                    "--model-type {other}: there is no model {name} yet; import DeepVariant's with 'varpix import-deepvariant \
                     MODEL_DIR --model-type {other} --out DIR/{name}' and set VARPIX_MODELS to DIR"
                )))
            }
        }
    }
}
