//! Paths of a reference and of a sample's reads -> [`Inputs`]: files that are complete and match their indexes and each other.

use std::path::{Path, PathBuf};

use crate::alignment_file::BamFile;
use crate::error::{Error, Parameter, Result};
use crate::files::input::same_file;
use crate::genome::{Contigs, ReferenceFile, agreement, called};
use crate::reads::reference_check;
use crate::reads::source::ReadOptions;
use crate::reads::{BamSource, OpenReads, ReadSource};
use crate::regions::Targets;

/// A reference, a sample's reads and the targets on it, all checked.
///
/// ```no_run
/// # fn main() -> varpix::error::Result<()> {
/// use varpix::inputs::Inputs;
/// let inputs = Inputs::open("ref.fa".as_ref(), &["reads.bam".into()], &["chr20:1-100,000".into()])?;
/// assert_eq!(inputs.targets().bases(), 100_000);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Inputs {
    reference: ReferenceFile,
    reads: Vec<BamFile>,
    targets: Targets,
    left_out: Vec<String>,
}

impl Inputs {
    /// Opens the files and checks them: indexes, that they are complete and sorted, that contigs agree, and that the reads are of this
    /// reference in the targets. `regions` are contigs, `contig:start-end` (1-based, inclusive) or BED files; none are the whole reference, of which
    /// contigs beside the chromosomes of a human genome are left out ([`Targets::primary`]).
    ///
    /// # Errors
    /// [`Error::Parameter`] for invalid regions and for a file that is given twice; [`Error::Input`] for a file that cannot be used.
    pub fn open(reference: &Path, reads: &[PathBuf], regions: &[String]) -> Result<Self> {
        Self::opened(reference, reads, |contigs| {
            if regions.is_empty() {
                Ok(Targets::primary(contigs))
            } else {
                Ok((Targets::parse(regions, contigs)?, Vec::new()))
            }
        })
    }

    /// As [`Inputs::open`], with all contigs of the reference.
    ///
    /// # Errors
    /// As [`Inputs::open`].
    pub fn open_all(reference: &Path, reads: &[PathBuf]) -> Result<Self> {
        Self::opened(reference, reads, |contigs| Ok((Targets::whole(contigs), Vec::new())))
    }

    fn opened(
        reference: &Path,
        reads: &[PathBuf],
        called: impl FnOnce(&Contigs) -> Result<(Targets, Vec<String>)>,
    ) -> Result<Self> {
        each_once(reads)?;
        let reference = ReferenceFile::new(reference)?;
        let (targets, left_out) = called(reference.contigs())?;
        if targets.bases() == 0 {
            return Err(Error::input(reference.path(), "the regions to call are empty"));
        }
        called::check(&reference, &targets.contigs())?;
        let reads = reads.iter().map(|path| open_reads(path, &reference, &targets)).collect::<Result<_>>()?;
        Ok(Self { reference, reads, targets, left_out })
    }

    /// The reference.
    #[must_use]
    pub fn reference(&self) -> &ReferenceFile {
        &self.reference
    }

    /// The files of the sample's reads.
    #[must_use]
    pub fn reads(&self) -> &[BamFile] {
        &self.reads
    }

    /// Contigs that are not called, since no regions were given and they lie beside the chromosomes.
    #[must_use]
    pub fn left_out(&self) -> &[String] {
        &self.left_out
    }

    /// The regions to call.
    #[must_use]
    pub fn targets(&self) -> &Targets {
        &self.targets
    }
}

impl OpenReads for Inputs {
    fn open(&self, reference: &Contigs, options: ReadOptions) -> Result<Box<dyn ReadSource>> {
        Ok(Box::new(BamSource::open(&self.reads, reference, options)?))
    }
}

/// Rejects a file that is given twice, as its reads would be counted twice.
fn each_once(paths: &[PathBuf]) -> Result<()> {
    for (i, path) in paths.iter().enumerate() {
        if let Some(same) = paths[..i].iter().find(|before| same_file(before, path)) {
            let problem = format!("is the same file as {}; give each file once", same.display());
            return Err(Error::parameter(Parameter::Reads, path.display().to_string(), problem));
        }
    }
    Ok(())
}

/// Opens a reads file and checks that its reads are of the reference in the targets.
///
/// # Errors
/// As [`Inputs::open`].
pub fn open_reads(path: &Path, reference: &ReferenceFile, targets: &Targets) -> Result<BamFile> {
    let reads = BamFile::new(path, reference.path())?;
    let contigs = targets.contigs();
    agreement::check_agreement(reads.contigs(), reads.path(), reference.contigs(), reference.path(), &contigs)?;
    reference_check::check(&reads, reference, targets.iter())?;
    Ok(reads)
}
