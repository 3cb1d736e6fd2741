//! Arguments that commands share, resolved before any work.

use std::ops::RangeInclusive;
use std::path::PathBuf;

use clap::Args;

use super::file_args;
use crate::error::Result;
use crate::files::Files;
use crate::inputs::Inputs;

/// Headings of the help.
pub(super) const INPUT: &str = "Input";
pub(super) const OUTPUT: &str = "Output";
pub(super) const REPORTS: &str = "Reports";
pub(super) const MODEL: &str = "Model";
pub(super) const PERFORMANCE: &str = "Performance";
/// Options that all commands have.
pub(super) const GENERAL: &str = "General";

/// Names of `--regions` in other tools.
pub(super) const REGIONS_ALIASES: [&str; 9] =
    ["region", "intervals", "bed", "bed-file", "bed-fn", "targets", "targets-file", "regions-file", "ctg-name"];

/// The genome and the reads on it.
#[derive(Debug, Args)]
pub(super) struct InputArgs {
    /// Reference FASTA, plain or bgzipped, with its .fai (and .gzi)
    #[arg(short = 'f', long = "ref", value_name = "FASTA", help_heading = INPUT)]
    #[arg(short_alias = 'R', aliases = ["reference", "fasta", "fasta-ref", "fasta-reference", "ref-fn"])]
    reference: PathBuf,
    /// Aligned reads of one sample: sorted, indexed BAM or CRAM files, separated by commas or spaces
    #[arg(long, required = true, num_args = 1.., value_delimiter = ',', value_name = "BAM", help_heading = INPUT)]
    #[arg(short_aliases = ['I', 'b'], aliases = ["bam", "cram", "input", "bam-fn"])]
    reads: Vec<PathBuf>,
    #[arg(
        help = "Without --regions: take all contigs, also the unplaced, alternate, decoy and HLA contigs of GRCh37 and GRCh38"
    )]
    #[arg(long, help_heading = INPUT)]
    all_contigs: bool,
}

impl InputArgs {
    /// The files that are named here.
    pub(super) fn files(&self) -> Files {
        let mut files = Files::default();
        file_args::reference(&mut files, "--ref", &self.reference);
        file_args::reads(&mut files, "--reads", self.reads.iter().map(PathBuf::as_path));
        files
    }

    /// The inputs, checked, and the regions to call: the reference if none are given, without what lies beside the chromosomes of a human one.
    pub(super) fn open(&self, regions: &[String]) -> Result<Inputs> {
        if self.all_contigs {
            return self.open_all(regions);
        }
        let inputs = Inputs::open(&self.reference, &self.reads, regions)?;
        if let [first, ..] = inputs.left_out() {
            log::info!(
                "not called: {} contigs beside the chromosomes (unplaced, alternate, decoy, HLA), such as {first}; --all-contigs calls them",
                inputs.left_out().len()
            );
        }
        Ok(inputs)
    }

    /// As [`InputArgs::open`], with all contigs if no regions are given.
    pub(super) fn open_all(&self, regions: &[String]) -> Result<Inputs> {
        if regions.is_empty() {
            return Inputs::open_all(&self.reference, &self.reads);
        }
        if self.all_contigs {
            log::warn!("--all-contigs: has no effect with --regions");
        }
        Inputs::open(&self.reference, &self.reads, regions)
    }
}

/// A parser of whole numbers within a range.
pub(super) fn whole<T: TryFrom<u64>>(
    range: RangeInclusive<u64>,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static {
    move |text| {
        let number = text.parse::<u64>().ok().filter(|number| range.contains(number));
        let expected = || format!("expected a whole number from {} to {}", range.start(), range.end());
        number.and_then(|number| T::try_from(number).ok()).ok_or_else(expected)
    }
}

/// A parser of numbers within a range; NaN is rejected.
pub(super) fn number(
    range: RangeInclusive<f64>,
) -> impl Fn(&str) -> Result<f64, String> + Clone + Send + Sync + 'static {
    move |text| {
        let number = text.parse::<f64>().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| format!("expected a number from {} to {}", range.start(), range.end()))
    }
}

/// The command line as one text, for headers and model cards.
pub(super) fn command_line() -> String {
    std::env::args_os().map(|arg| arg.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
}

/// The number of threads that the process may use.
pub(super) fn available_threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// htslib logs to stderr by itself; our error messages report the same failures.
#[allow(unsafe_code, reason = "htslib's log level is a C global without a safe wrapper")]
pub(super) fn silence_htslib() {
    // SAFETY: sets an integer, before any thread is started.
    unsafe { rust_htslib::htslib::hts_set_log_level(rust_htslib::htslib::htsLogLevel_HTS_LOG_OFF) }
}
