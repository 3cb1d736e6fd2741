//! Calls in genome order -> `.vcf`, or `.vcf.gz` with its index, by way of temporary files beside the final ones.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use noodles_bcf as bcf;
use noodles_bgzf as bgzf;
use noodles_csi::binning_index::index::reference_sequence::bin::Chunk;
use noodles_vcf::variant::RecordBuf;
use noodles_vcf::variant::io::Write as _;
use noodles_vcf::{self as vcf, Header};
use tempfile::TempPath;

use super::header::{HeaderOptions, header};
use super::index::Indexer;
use super::record::{CallStyle, block_record, record};
use crate::error::{Error, Result};
use crate::files::{Whole, stdout, stdout_error, temporary_beside, vacant};
use crate::genome::{ContigId, Contigs, Interval};
use crate::genotype::Call;
use crate::vcf::ReferenceBlock;

/// Takes calls in genome order.
pub trait CallSink {
    /// Takes one call.
    ///
    /// # Errors
    /// [`Error::Output`] where it cannot be written.
    fn write(&mut self, call: &Call) -> Result<()>;
}

impl CallSink for Vec<Call> {
    fn write(&mut self, call: &Call) -> Result<()> {
        self.push(call.clone());
        Ok(())
    }
}

/// Writes a VCF or BCF file, by the name's end, or VCF to stdout. Dropped before [`VcfWriter::finish`], it leaves nothing
/// behind.
pub struct VcfWriter {
    path: PathBuf,
    contigs: Contigs,
    header: Header,
    style: CallStyle,
    file: Output,
    /// None where the file has none.
    index: Option<Indexer>,
    /// None for stdout.
    temporary: Option<TempPath>,
}

type Buffer = BufWriter<File>;

enum Output {
    Plain(vcf::io::Writer<Buffer>),
    Bgzf(Box<vcf::io::Writer<bgzf::io::Writer<Buffer>>>),
    Bcf(Box<bcf::io::Writer<bgzf::io::Writer<Buffer>>>),
}

impl Output {
    /// Where the next record begins in a BGZF file.
    fn virtual_position(&self) -> bgzf::VirtualPosition {
        match self {
            Self::Plain(_) => bgzf::VirtualPosition::MIN,
            Self::Bgzf(writer) => writer.get_ref().virtual_position(),
            Self::Bcf(writer) => writer.get_ref().virtual_position(),
        }
    }

    fn write(&mut self, header: &Header, record: &RecordBuf) -> io::Result<()> {
        match self {
            Self::Plain(writer) => writer.write_variant_record(header, record),
            Self::Bgzf(writer) => writer.write_variant_record(header, record),
            Self::Bcf(writer) => writer.write_variant_record(header, record),
        }
    }

    /// Writes what is still in memory.
    fn finish(self) -> io::Result<File> {
        let buffer = match self {
            Self::Plain(writer) => writer.into_inner(),
            Self::Bgzf(writer) => writer.into_inner().finish()?,
            Self::Bcf(writer) => writer.into_inner().finish()?,
        };
        buffer.into_inner().map_err(io::IntoInnerError::into_error)
    }
}

/// The format, by the end of a file's name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Stdout,
    Plain,
    Bgzf,
    Bcf,
}

impl Kind {
    fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_string_lossy();
        let ends = |suffixes: &[&str]| suffixes.iter().any(|suffix| name.ends_with(suffix));
        match path.to_str() {
            Some("-") => Some(Self::Stdout),
            _ if ends(&[".vcf.gz", ".vcf.bgz"]) => Some(Self::Bgzf),
            _ if ends(&[".bcf"]) => Some(Self::Bcf),
            _ if ends(&[".vcf"]) => Some(Self::Plain),
            _ => None,
        }
    }
}

impl VcfWriter {
    /// Opens temporary files beside `path` and writes the header. `-` is stdout.
    ///
    /// # Errors
    /// [`Error::Usage`] for a name that ends in none of `.vcf`, `.vcf.gz` and `.bcf`; [`Error::Output`] where the folder is
    /// missing or cannot be written to.
    pub fn create(path: &Path, contigs: &Contigs, options: &HeaderOptions, style: CallStyle) -> Result<Self> {
        let Some(kind) = Kind::of(path) else {
            return Err(Error::Usage(format!(
                "output {}: the name must end in .vcf, .vcf.gz or .bcf, or be - for stdout",
                path.display()
            )));
        };
        let (file, temporary) = if kind == Kind::Stdout {
            (stdout()?, None)
        } else {
            let (file, temporary) = temporary_beside(path)?.into_parts();
            (file, Some(temporary))
        };
        let index = match kind {
            Kind::Bgzf => Some(Indexer::of_vcf(contigs)),
            Kind::Bcf => Some(Indexer::of_bcf(contigs)),
            Kind::Plain | Kind::Stdout => None,
        };
        if let Some(index) = &index {
            vacant(&index.path(path))?;
        }
        let file = BufWriter::with_capacity(1 << 17, file);
        let header = header(contigs, options, style.info)?;
        let written = match kind {
            Kind::Bgzf => {
                let mut writer = vcf::io::Writer::new(bgzf::io::Writer::new(file));
                writer.write_header(&header).map(|()| Output::Bgzf(writer.into()))
            }
            Kind::Bcf => {
                let mut writer = bcf::io::Writer::from(bgzf::io::Writer::new(file));
                writer.write_header(&header).map(|()| Output::Bcf(writer.into()))
            }
            Kind::Plain | Kind::Stdout => {
                let mut writer = vcf::io::Writer::new(file);
                writer.write_header(&header).map(|()| Output::Plain(writer))
            }
        };
        let file = written.map_err(|e| failed(path, &e))?;
        Ok(Self { path: path.into(), contigs: contigs.clone(), header, style, file, index, temporary })
    }

    /// Writes a reference block whose first base is `base`; `unseen` is the allele of all that is not observed.
    ///
    /// # Errors
    /// [`Error::Output`] where it cannot be written.
    pub fn write_block(&mut self, block: &ReferenceBlock, base: u8, unseen: &str) -> Result<()> {
        let record = block_record(&self.contigs.get(block.contig).name, block, base, unseen, self.style)?;
        self.put(block.contig, block.interval, &record)
    }

    fn put(&mut self, contig: ContigId, interval: Interval, record: &RecordBuf) -> Result<()> {
        let name = &self.contigs.get(contig).name;
        let start = self.file.virtual_position();
        let written = self.file.write(&self.header, record).and_then(|()| {
            let chunk = Chunk::new(start, self.file.virtual_position());
            self.index.as_mut().map_or(Ok(()), |index| index.add(contig, name, interval, chunk))
        });
        written.map_err(|e| failed(&self.path, &e))
    }

    /// Makes the file and its index whole, to be placed under their final names; `None` for stdout, which has all by now.
    ///
    /// # Errors
    /// [`Error::Output`] where that fails.
    pub fn finish(self) -> Result<Option<Whole>> {
        let Self { path, file, index, temporary, .. } = self;
        let file = file.finish().map_err(|e| failed(&path, &e))?;
        let Some(temporary) = temporary else { return Ok(None) };
        file.sync_all().map_err(|e| failed(&path, &e))?;
        let whole = Whole::new(temporary, &path)?;
        let Some(index) = index else { return Ok(Some(whole)) };
        let (temporary, index_path) = index.write(&path)?;
        whole.with_index(temporary, &index_path).map(Some)
    }
}

impl CallSink for VcfWriter {
    fn write(&mut self, call: &Call) -> Result<()> {
        let record = record(&self.contigs.get(call.contig).name, call, self.style)?;
        self.put(call.contig, call.interval(), &record)
    }
}

fn failed(path: &Path, error: &io::Error) -> Error {
    if Kind::of(path) == Some(Kind::Stdout) {
        return stdout_error(error);
    }
    Error::output(path, format!("cannot be written: {error}"))
}
