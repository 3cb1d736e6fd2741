//! Options that say of which contigs the sample has one copy -> [`Ploidy`].

use std::ffi::OsString;
use std::path::Path;

use clap::Args;

use super::file_args;
use crate::error::Result;
use crate::files::Files;
use crate::genome::Contigs;
use crate::genotype::Ploidy;
use crate::genotype::ploidy::pseudoautosomal_regions;
use crate::regions::Targets;

/// Heading of the help.
pub(super) const PLOIDY: &str = "Ploidy";

/// Copies of the sample's contigs.
#[derive(Debug, Args)]
pub(super) struct PloidyArgs {
    /// Haploid contigs of this sample, such as chrX,chrY
    #[arg(long, value_delimiter = ',', value_name = "CONTIG", help_heading = PLOIDY)]
    pub(super) haploid_contigs: Vec<String>,
    #[arg(help = "Diploid regions of these contigs: GRCh37 or GRCh38 for the pseudoautosomal regions, or a BED file")]
    #[arg(long, alias = "par-regions-bed", value_name = "BUILD|BED", help_heading = PLOIDY)]
    pub(super) par_regions: Option<OsString>,
}

impl PloidyArgs {
    /// Adds the BED file, if one is named.
    pub(super) fn files(&self, files: &mut Files) {
        file_args::perhaps(files, "--par-regions", self.par_regions.as_deref());
    }

    /// Resolves contigs and regions.
    ///
    /// # Errors
    /// As [`Ploidy::new`] and [`Targets::from_bed`].
    pub(super) fn ploidy(&self, contigs: &Contigs) -> Result<Ploidy> {
        let two_copies = match &self.par_regions {
            None => Targets::default(),
            Some(text) => match text.to_str().and_then(|build| pseudoautosomal_regions(build, contigs)) {
                Some(targets) => targets,
                None => Targets::from_bed(Path::new(text), contigs)?,
            },
        };
        if self.haploid_contigs.is_empty() && self.par_regions.is_some() {
            log::warn!("--par-regions: has no effect without --haploid-contigs");
        }
        let names: Vec<String> = self.haploid_contigs.iter().map(|name| name.trim().to_owned()).collect();
        Ploidy::new(&names, two_copies, contigs)
    }
}
