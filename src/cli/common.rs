//! Arguments that commands share, resolved before any work.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use clap::Args;

use super::file_args;
use crate::alignment_file::BamFile;
use crate::error::{Error, Result};
use crate::files::Files;
use crate::files::input::same_file;
use crate::genome::{ReferenceFile, agreement, called};
use crate::reads::reference_check;
use crate::regions::Targets;

/// Headings of the help.
pub(super) const INPUT: &str = "Input";
pub(super) const OUTPUT: &str = "Output";
pub(super) const MODEL: &str = "Model";
pub(super) const PERFORMANCE: &str = "Performance";
/// Under this one stand options that all commands have.
pub(super) const GENERAL: &str = "General";

/// What other tools call `--regions`.
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
}

/// Reference and reads, checked against each other.
pub(super) struct Inputs {
    pub(super) reference: ReferenceFile,
    pub(super) reads: Vec<BamFile>,
}

impl InputArgs {
    /// The files that are named here.
    pub(super) fn files(&self) -> Files {
        let mut files = Files::default();
        file_args::reference(&mut files, "--ref", &self.reference);
        file_args::reads(&mut files, "--reads", self.reads.iter().map(PathBuf::as_path));
        files
    }

    /// The inputs, and the regions that are asked for: the whole reference where there are none.
    pub(super) fn resolve(&self, regions: &[String]) -> Result<(Inputs, Targets)> {
        each_once(&self.reads)?;
        let reference = ReferenceFile::new(&self.reference)?;
        let targets = if regions.is_empty() {
            Targets::whole(reference.contigs())
        } else {
            Targets::parse(regions, reference.contigs())?
        };
        if targets.bases() == 0 {
            return Err(Error::input(reference.path(), "what is to be called holds no position"));
        }
        called::check(&reference, &targets.contigs())?;
        let reads = self.reads.iter().map(|path| open_reads(path, &reference, &targets)).collect::<Result<_>>()?;
        Ok((Inputs { reference, reads }, targets))
    }
}

/// Refuses a file that is given twice, whose reads would count twice.
fn each_once(paths: &[PathBuf]) -> Result<()> {
    for (i, path) in paths.iter().enumerate() {
        if let Some(same) = paths[..i].iter().find(|before| same_file(before, path)) {
            let (a, b) = (same.display(), path.display());
            return Err(Error::Usage(format!("--reads {a} and {b} are the same file; give each file once")));
        }
    }
    Ok(())
}

/// Opens a reads file and checks that it belongs to the reference on what is to be looked at.
pub(super) fn open_reads(path: &Path, reference: &ReferenceFile, targets: &Targets) -> Result<BamFile> {
    let reads = BamFile::new(path, reference.path())?;
    let contigs = targets.contigs();
    agreement::check_agreement(reads.contigs(), reads.path(), reference.contigs(), reference.path(), &contigs)?;
    reference_check::check(&reads, reference, targets.iter())?;
    Ok(reads)
}

/// Takes a whole number of a range.
pub(super) fn whole<T: TryFrom<u64>>(
    range: RangeInclusive<u64>,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static {
    move |text| {
        let number = text.parse::<u64>().ok().filter(|number| range.contains(number));
        let expected = || format!("expected a whole number from {} to {}", range.start(), range.end());
        number.and_then(|number| T::try_from(number).ok()).ok_or_else(expected)
    }
}

/// Takes a number of a range; not a number is none.
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

/// As many threads as the process may use.
pub(super) fn available_threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// htslib writes its own lines to stderr; ours say the same in one sentence.
#[allow(unsafe_code, reason = "htslib's log level is a C global without a safe wrapper")]
pub(super) fn silence_htslib() {
    // SAFETY: sets an integer, before any thread is started.
    unsafe { rust_htslib::htslib::hts_set_log_level(rust_htslib::htslib::htsLogLevel_HTS_LOG_OFF) }
}
