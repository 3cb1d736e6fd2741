//! Flags of DeepVariant's `run_deepvariant` that `varpix call` takes -> a model's name, or why they are refused.

use std::path::PathBuf;

use clap::Args;

use crate::error::{Error, Result};
use crate::model::Model;

/// Types of DeepVariant's models without one of varpix's own, and the names under which imported ones are looked for.
const IMPORTED: [(&str, &str); 4] = [
    ("PACBIO", "pacbio"),
    ("ONT_R104", "ont_r104"),
    ("MASSEQ", "masseq"),
    ("HYBRID_PACBIO_ILLUMINA", "hybrid_pacbio_illumina"),
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
    report_title: Option<String>,
    #[arg(long, hide = true)]
    postprocess_cpus: Option<String>,
    #[arg(long, hide = true)]
    customized_small_model: Option<PathBuf>,
}

impl WrapperArgs {
    /// Rejects unsupported options that would change the result; lists ignored ones in one log line.
    pub(super) fn check(&self) -> Result<()> {
        let refused = [
            (
                self.make_examples_extra_args.is_some(),
                "--make-examples-extra-args: these settings are part of the model; leave the flag out",
            ),
            (
                self.call_variants_extra_args.is_some(),
                "--call-variants-extra-args: varpix has no such stage; leave the flag out",
            ),
            (
                self.postprocess_variants_extra_args.is_some(),
                "--postprocess-variants-extra-args: varpix has no such stage; leave the flag out",
            ),
            (
                self.use_hp_information,
                "--use-hp-information: the model does not use haplotype tags; leave the flag out",
            ),
            (
                self.customized_small_model.is_some(),
                "--customized-small-model: the small model is part of the model; leave the flag out",
            ),
        ];
        if let Some((_, sentence)) = refused.into_iter().find(|(given, _)| *given) {
            return Err(Error::Usage(sentence.into()));
        }
        let unneeded = [
            (self.vcf_stats_report, "--vcf-stats-report"),
            (self.runtime_report, "--runtime-report"),
            (self.intermediate_results_dir.is_some(), "--intermediate-results-dir"),
            (self.logging_dir.is_some(), "--logging-dir"),
            (self.report_title.is_some(), "--report-title"),
            (self.postprocess_cpus.is_some(), "--postprocess-cpus"),
        ];
        let given: Vec<_> = unneeded.into_iter().filter(|(given, _)| *given).map(|(_, flag)| flag).collect();
        if !given.is_empty() {
            log::info!("ignored options, not needed by varpix: {}", given.join(", "));
        }
        Ok(())
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
                Err(Error::Usage(format!(
                    "--model-type {other}: there is no model {name} yet; import DeepVariant's with 'varpix import-deepvariant \
                     MODEL_DIR --model-type {other} --out DIR/{name}' and set VARPIX_MODELS to DIR"
                )))
            }
        }
    }
}
