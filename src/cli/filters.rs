//! Arguments that change which reads are used -> a model whose read filter is theirs.

use clap::Args;

use crate::model::Model;

/// Heading of the help.
const READS: &str = "Reads";

/// Overrides of the model's read filter.
#[derive(Debug, Default, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub(super) struct FilterArgs {
    /// Minimum mapping quality of reads [default: the model's, 5 in wgs]
    #[arg(long, aliases = ["minimum-mapping-quality", "min-MQ"], value_name = "PHRED", help_heading = READS)]
    min_mapping_quality: Option<u8>,
    /// Keep reads marked as duplicates
    #[arg(long, help_heading = READS)]
    keep_duplicates: bool,
    /// Keep secondary alignments
    #[arg(long, alias = "keep-secondary-alignments", help_heading = READS)]
    keep_secondary: bool,
    /// Keep supplementary alignments
    #[arg(long, alias = "keep-supplementary-alignments", help_heading = READS)]
    keep_supplementary: bool,
    /// Keep reads whose mate is mapped to another contig, as in assemblies of short contigs
    #[arg(long, help_heading = READS)]
    keep_mates_on_other_contigs: bool,
}

impl FilterArgs {
    /// The model with these settings in place of its own.
    pub(super) fn apply(&self, mut model: Model) -> Model {
        let filter = &mut model.config.evidence.read_filter;
        let switches = [
            (self.keep_duplicates, &mut filter.keep_duplicates, "--keep-duplicates"),
            (self.keep_secondary, &mut filter.keep_secondary, "--keep-secondary"),
            (self.keep_supplementary, &mut filter.keep_supplementary, "--keep-supplementary"),
            (
                self.keep_mates_on_other_contigs,
                &mut filter.keep_mates_on_other_contigs,
                "--keep-mates-on-other-contigs",
            ),
        ];
        for (_, keeps, flag) in switches.into_iter().filter(|(given, keeps, _)| *given && !**keeps) {
            *keeps = true;
            log::info!("{flag}: model {} was trained without such reads", model.config.name);
        }
        if let Some(limit) = self.min_mapping_quality.filter(|&limit| limit != filter.min_mapping_quality) {
            let own = std::mem::replace(&mut filter.min_mapping_quality, limit);
            log::info!(
                "--min-mapping-quality {limit}: model {} was trained on reads of MAPQ {own} or higher",
                model.config.name
            );
        }
        model
    }
}
