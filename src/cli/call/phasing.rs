//! `--phase`, and the options that need it.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::common;
use crate::error::{Error, Result};
use crate::files::Files;
use crate::genome::Contigs;
use crate::haplotypes::{DEFAULT_CUT, PhaseOptions};
use crate::inputs::Inputs;
use crate::model::Model;
use crate::output::{HaplotaggedReads, Taken};
use crate::regions::{Region, Regions, Targets};

/// Heading of the help.
const PHASING: &str = "Phasing";
/// Most bp between SNPs that are joined.
const FARTHEST_SNPS: u64 = 100;

#[derive(Debug, Args)]
pub(super) struct PhasingArgs {
    /// Phase heterozygous calls by the reads that they share (GT 0|1, PS)
    #[arg(long, help_heading = PHASING)]
    phase: bool,
    /// Write all reads of the called regions with their haplotypes (HP, PS) to this BAM or CRAM
    #[arg(long, value_name = "BAM", requires = "phase", help_heading = PHASING)]
    haplotagged_bam: Option<PathBuf>,
    #[arg(help = "Join SNPs of one haplotype at most this far from each other into one record [without a value: 1]")]
    #[arg(long, value_name = "BP", num_args = 0..=1, default_missing_value = "1", requires = "phase")]
    #[arg(conflicts_with = "genotype_sites")]
    #[arg(value_parser = common::whole::<u64>(1..=FARTHEST_SNPS), help_heading = PHASING)]
    join_mnps: Option<u64>,
    /// Phase sets end at multiples of this, in bp
    #[arg(long, default_value_t = DEFAULT_CUT, value_name = "BP", hide = true, requires = "phase")]
    #[arg(value_parser = common::whole::<u64>(10_000..=1_000_000_000), help_heading = PHASING)]
    phase_cut: u64,
}

impl PhasingArgs {
    pub(super) fn is_wanted(&self) -> bool {
        self.phase
    }

    /// How calls are phased, if they are.
    pub(super) fn options(&self) -> Option<PhaseOptions> {
        let join_snps_within = self.join_mnps.unwrap_or(0);
        self.phase.then(|| PhaseOptions { cut: self.phase_cut, join_snps_within, ..PhaseOptions::default() })
    }

    /// All that phases depend on, in a few words.
    pub(super) fn described(&self) -> String {
        let Some(PhaseOptions { cut, min_quality, join_snps_within }) = self.options() else { return "none".into() };
        format!("phased, sets end at {cut} bp, quality {min_quality}, SNPs joined within {join_snps_within} bp")
    }

    /// The file of reads, if one is wanted.
    pub(super) fn output(&self) -> Option<&PathBuf> {
        self.haplotagged_bam.as_ref()
    }

    pub(super) fn files(&self, files: &mut Files) {
        self.haplotagged_bam.iter().for_each(|bam| files.output("--haplotagged-bam", bam));
    }

    /// Opens the file of reads of these regions, or of a chunk of the inputs' regions, if one is wanted.
    ///
    /// # Errors
    /// [`Error::Usage`] for several files of reads; as [`HaplotaggedReads::create`].
    pub(super) fn haplotagged(
        &self,
        model: &Model,
        inputs: &Inputs,
        regions: &Regions,
        chunk: Option<&Targets>,
    ) -> Result<Option<HaplotaggedReads>> {
        let Some(path) = &self.haplotagged_bam else { return Ok(None) };
        let [reads] = inputs.reads() else {
            return Err(Error::Usage(
                "--haplotagged-bam: supports a single --reads file; merge the files with samtools merge".into(),
            ));
        };
        let reference = (inputs.reference().path(), inputs.reference().contigs());
        let evidence = &model.config.evidence;
        let all = chunk.map(|_| inputs.targets().regions(evidence.region_size));
        let regions = all.as_ref().unwrap_or(regions);
        let taken = Taken { regions, within: chunk, cut: self.phase_cut, filter: evidence.read_filter };
        HaplotaggedReads::create(path, reads, reference, taken).map(Some)
    }

    /// Rejects a chunk that ends where phase sets go on: `all` are the regions of a run without chunks.
    ///
    /// # Errors
    /// [`Error::Input`] saying where.
    pub(super) fn check_chunk(&self, bed: &Path, chunk: &Targets, all: &Regions, contigs: &Contigs) -> Result<()> {
        if !self.phase {
            return Ok(());
        }
        let is_inside = |region: &Region| chunk.contains(region.contig, region.interval.start());
        let apart = |a: &Region, b: &Region| {
            a.contig != b.contig || (a.interval.end() - 1) / self.phase_cut != b.interval.start() / self.phase_cut
        };
        let mut neighbours = all.iter().zip(all.iter().skip(1));
        let cut = neighbours.find(|(one, next)| is_inside(one) != is_inside(next) && !apart(one, next));
        cut.map_or(Ok(()), |(one, next)| {
            let name = &contigs.get(next.contig).name;
            let problem = format!(
                "ends at {name}:{}, where phase sets go on; create it with 'varpix regions --phase'",
                one.interval.end()
            );
            Err(Error::input(bed, problem))
        })
    }
}
