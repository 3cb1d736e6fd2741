//! Calls in genome order -> `.vcf`, or `.vcf.gz` with its index, by way of temporary files beside the final ones, or of parts that are kept.

use std::io;
use std::path::{Path, PathBuf};

use noodles_bcf as bcf;
use noodles_csi::binning_index::index::reference_sequence::bin::Chunk;
use noodles_vcf::variant::RecordBuf;
use noodles_vcf::variant::io::Write as _;
use noodles_vcf::{self as vcf, Header};

use super::header::{HeaderOptions, header};
use super::index::Indexer;
use super::record::{CallStyle, block_record, record};
use super::replay::replay;
use super::sink::Sink;
use crate::error::{Error, Result};
use crate::files::{Destination, PartState, Storage, Unplaced, Whole, part_of, stdout_error, vacant};
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

    /// Waits until the calls taken so far are on the disk, as far as they can be; `None` where they are not kept if the run ends early.
    ///
    /// # Errors
    /// [`Error::Output`] where they cannot be written.
    fn kept(&mut self) -> Result<Option<PartState>> {
        Ok(None)
    }
}

impl CallSink for Vec<Call> {
    fn write(&mut self, call: &Call) -> Result<()> {
        self.push(call.clone());
        Ok(())
    }
}

/// Writes a VCF or BCF file, by the name's end, or VCF to stdout. Dropped before [`VcfWriter::finish`], it leaves nothing
/// behind, unless its part is kept.
pub struct VcfWriter {
    path: PathBuf,
    contigs: Contigs,
    header: Header,
    style: CallStyle,
    file: Output,
    /// None where the file has none.
    index: Option<Indexer>,
    is_kept: bool,
}

enum Output {
    Vcf(vcf::io::Writer<Sink>),
    Bcf(bcf::io::Writer<Sink>),
}

impl Output {
    fn sink(&self) -> &Sink {
        match self {
            Self::Vcf(writer) => writer.get_ref(),
            Self::Bcf(writer) => writer.get_ref(),
        }
    }

    fn sink_mut(&mut self) -> &mut Sink {
        match self {
            Self::Vcf(writer) => writer.get_mut(),
            Self::Bcf(writer) => writer.get_mut(),
        }
    }

    fn write(&mut self, header: &Header, record: &RecordBuf) -> io::Result<()> {
        match self {
            Self::Vcf(writer) => writer.write_variant_record(header, record),
            Self::Bcf(writer) => writer.write_variant_record(header, record),
        }
    }

    /// Writes what is still in memory.
    fn finish(self) -> io::Result<Option<Unplaced>> {
        match self {
            Self::Vcf(writer) => writer.into_inner().finish(),
            Self::Bcf(writer) => writer.into_inner().finish(),
        }
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
    /// Opens a file beside the destination and writes the header, or goes on where an earlier run left it. `-` is stdout.
    ///
    /// # Errors
    /// [`Error::Usage`] for a name that ends in none of `.vcf`, `.vcf.gz` and `.bcf`; [`Error::Output`] where the folder is
    /// missing or cannot be written to, or where what an earlier run left cannot be read.
    pub fn create<'a>(
        destination: impl Into<Destination<'a>>,
        contigs: &Contigs,
        options: &HeaderOptions,
        style: CallStyle,
    ) -> Result<Self> {
        let Destination { path, storage } = destination.into();
        let Some(kind) = Kind::of(path) else {
            return Err(Error::Usage(format!(
                "output {}: the name must end in .vcf, .vcf.gz or .bcf, or be - for stdout",
                path.display()
            )));
        };
        let mut index = match kind {
            Kind::Bgzf => Some(Indexer::of_vcf(contigs)),
            Kind::Bcf => Some(Indexer::of_bcf(contigs)),
            Kind::Plain | Kind::Stdout => None,
        };
        let (is_kept, from) = match &storage {
            Storage::Part(from) => (true, from.clone()),
            Storage::Temporary => (false, None),
        };
        let sink = if kind == Kind::Stdout { Sink::stdout()? } else { Sink::create(path, storage, index.is_some())? };
        if let Some(index) = &index {
            vacant(&index.path(path))?;
        }
        let header = header(contigs, options, style.info)?;
        let is_bcf = kind == Kind::Bcf;
        let file = opened(sink, is_bcf, &header, from.is_none()).map_err(|e| failed(path, &e))?;
        if let (Some(index), Some(from)) = (&mut index, from) {
            let part = part_of(path);
            let add = |(contig, interval, chunk)| index.add(contig, &contigs.get(contig).name, interval, chunk);
            replay(&part, &from, is_bcf, contigs, add).map_err(|e| {
                Error::output(&part, format!("cannot be gone on from: {e}; remove it and its journal to start anew"))
            })?;
        }
        Ok(Self { path: path.into(), contigs: contigs.clone(), header, style, file, index, is_kept })
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
        let mut write = || {
            let Some(index) = &mut self.index else { return self.file.write(&self.header, record) };
            let start = self.file.sink().virtual_position()?;
            self.file.write(&self.header, record)?;
            index.add(contig, name, interval, Chunk::new(start, self.file.sink().virtual_position()?))
        };
        write().map_err(|e| failed(&self.path, &e))
    }

    /// Makes the file and its index whole, to be placed under their final names; `None` for stdout, which has all by now.
    ///
    /// # Errors
    /// [`Error::Output`] where that fails.
    pub fn finish(self) -> Result<Option<Whole>> {
        let Self { path, file, index, is_kept, .. } = self;
        let Some(unplaced) = file.finish().map_err(|e| failed(&path, &e))? else { return Ok(None) };
        let whole = Whole::new(unplaced, &path)?;
        let Some(index) = index else { return Ok(Some(whole)) };
        let (unplaced, index_path) = index.write(&path, is_kept)?;
        whole.with_index(unplaced, &index_path).map(Some)
    }
}

impl CallSink for VcfWriter {
    fn write(&mut self, call: &Call) -> Result<()> {
        let record = record(&self.contigs.get(call.contig).name, call, self.style)?;
        self.put(call.contig, call.interval(), &record)
    }

    fn kept(&mut self) -> Result<Option<PartState>> {
        if !self.is_kept {
            return Ok(None);
        }
        self.file.sink_mut().state().map(Some).map_err(|e| failed(&self.path, &e))
    }
}

/// A writer of records; without its header where that is in the file already.
fn opened(sink: Sink, is_bcf: bool, header: &Header, is_new: bool) -> io::Result<Output> {
    if !is_bcf {
        let mut writer = vcf::io::Writer::new(sink);
        if is_new {
            writer.write_header(header)?;
        }
        return Ok(Output::Vcf(writer));
    }
    let mut writer = bcf::io::Writer::from(sink);
    if is_new {
        writer.write_header(header)?;
    } else {
        // The writer of records learns the numbers of names from the header that it writes.
        writer.get_mut().discard(true);
        writer.write_header(header)?;
        writer.get_mut().discard(false);
    }
    Ok(Output::Bcf(writer))
}

fn failed(path: &Path, error: &io::Error) -> Error {
    if Kind::of(path) == Some(Kind::Stdout) {
        return stdout_error(error);
    }
    Error::output(path, format!("cannot be written: {error}"))
}
