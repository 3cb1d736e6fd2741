//! `varpix report`.

use std::path::PathBuf;

use clap::Args;

use super::common::{INPUT, REPORTS};
use super::report_args::ReportArgs;
use super::{file_args, logging};
use crate::error::{Error, Result};
use crate::files::{self, Files};
use crate::report::build;
use crate::report::records::{self, CallFile};
use crate::report::summary::{Inputs, SCHEMA_VERSION, Summary};

#[derive(Debug, Args)]
pub(super) struct FromVcfArgs {
    /// Calls of one sample: VCF or BCF
    #[arg(value_name = "VCF", help_heading = INPUT)]
    vcf: PathBuf,
    #[command(flatten)]
    reports: ReportArgs,
    /// Sample name in the files [default: that of the VCF]
    #[arg(long, value_name = "NAME", help_heading = REPORTS)]
    sample_name: Option<String>,
}

pub(super) fn run(args: &FromVcfArgs) -> Result<()> {
    let reports = args.reports.resolved(Vec::new());
    if !reports.is_wanted() {
        return Err(Error::Usage("nothing to write; give --report, --summary or --multiqc".into()));
    }
    let mut files = Files::default();
    file_args::variants(&mut files, "VCF", &args.vcf);
    reports.files(&mut files);
    files.check()?;
    reports.check()?;
    let found = records::read(&args.vcf)?;
    let CallFile { sample, model, contigs, calls, filtered, blocks, .. } = &found;
    if *filtered > 0 {
        log::warn!(
            "{}: {filtered} record(s) with filters that varpix does not set are not counted",
            args.vcf.display()
        );
    }
    if *blocks > 0 {
        log::info!("{}: {blocks} reference block(s) of a gVCF are not counted", args.vcf.display());
    }
    let names: Vec<&str> = contigs.iter().map(String::as_str).collect();
    let summary = Summary {
        schema_version: SCHEMA_VERSION,
        program: build::program(),
        command: "report",
        sample: args.sample_name.clone().unwrap_or_else(|| sample.clone()),
        model: model.clone(),
        inputs: Inputs { vcf: Some(build::input_file(&args.vcf)?), ..Inputs::default() },
        options: None,
        survey: None,
        reads: None,
        candidates: None,
        coverage: None,
        calls: build::calls(calls, &names),
        warnings: logging::warnings(),
        run: None,
    };
    let placed = files::place_last(reports.written(&summary, Vec::new())?)?;
    let placed: Vec<String> = placed.iter().map(|path| path.display().to_string()).collect();
    log::info!("written: {}", placed.join(", "));
    Ok(())
}
