//! `varpix import-deepvariant`.

use std::path::PathBuf;

use clap::Args;

use super::common;
use crate::deepvariant::{DEEPVARIANT_LICENSE, ImportOptions, ModelType, SmallModelSource, import};
use crate::error::{Error, Result};
use crate::model::Release;

#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    #[arg(
        help = "The downloaded model: a SavedModel's folder, a checkpoint's folder, or a checkpoint's path without .index"
    )]
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// Output folder for the model; must not exist
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Name of the model [default: the folder's]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    #[arg(
        help = "Type of the model, for releases up to 1.9, whose files do not say how reads are used: WGS, WES, PACBIO, ONT_R104, MASSEQ or HYBRID_PACBIO_ILLUMINA [default: WGS]"
    )]
    #[arg(long, value_name = "TYPE")]
    model_type: Option<String>,
    #[arg(
        help = "Also import its small model: model.keras, a folder with one (1.9, 1.10), or a SavedModel's folder (1.8)"
    )]
    #[arg(long, value_name = "PATH")]
    small_model: Option<PathBuf>,
    #[arg(
        help = "Least GQ from which on the small model decides a SNP without the network [default: that of the model's JSON file, or DeepVariant's for its type]"
    )]
    #[arg(long, value_name = "PHRED", requires = "small_model", value_parser = common::number(0.0..=1000.0))]
    small_model_snp_gq_threshold: Option<f64>,
    /// The same for insertions, deletions and others
    #[arg(long, value_name = "PHRED", requires = "small_model", value_parser = common::number(0.0..=1000.0))]
    small_model_indel_gq_threshold: Option<f64>,
    #[arg(help = "The model's model.example_info.json, if it is not beside the model")]
    #[arg(long, alias = "customized-model-json", value_name = "JSON")]
    model_json: Option<PathBuf>,
    /// License of the model, which 'varpix models' shows
    #[arg(long, default_value = DEEPVARIANT_LICENSE, value_name = "SPDX")]
    license: String,
}

pub(super) fn run(args: &ImportArgs) -> Result<()> {
    let folder = args.out.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = args.name.clone().or(folder);
    let name = name.ok_or_else(|| Error::Usage("--out: is not the name of a folder".into()))?;
    let model_type = args.model_type.as_deref().map(ModelType::parse).transpose()?;
    let limits = [args.small_model_snp_gq_threshold, args.small_model_indel_gq_threshold];
    let small_model = args.small_model.clone().map(|path| SmallModelSource { path, limits });
    let model = import(&ImportOptions {
        model: args.model.clone(),
        out: args.out.clone(),
        name,
        model_type,
        small_model,
        model_json: args.model_json.clone(),
        license: Some(args.license.clone()),
    })?;
    if let Some(options) = model.config.imported_small_model {
        let (snps, indels) = (options.min_gq_snps, options.min_gq_indels);
        log::info!("its small model decides from GQ {snps} (SNPs) and {indels} (others) on");
    }
    log::info!(
        "imported {} ({}, images {}, rules of {}); use it with --model {}",
        model.config.name,
        model.config.network,
        model.config.image.shape(),
        model.config.rules.map_or("varpix", Release::name),
        model.folder.display()
    );
    Ok(())
}
