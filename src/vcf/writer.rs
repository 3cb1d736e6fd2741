//! Calls in genome order -> `.vcf`, or `.vcf.gz` with its index, by way of temporary files beside the final ones.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use noodles_bcf as bcf;
use noodles_bgzf as bgzf;
use noodles_core::Position;
use noodles_csi as csi;
use noodles_csi::binning_index::index::{Header as IndexHeader, header, reference_sequence::bin::Chunk};
use noodles_tabix as tabix;
use noodles_vcf::variant::RecordBuf;
use noodles_vcf::variant::io::Write as _;
use noodles_vcf::{self as vcf, Header};
use tempfile::TempPath;

use super::header::{HeaderOptions, header};
use super::record::{CallStyle, block_record, record};
use crate::error::{Error, Result};
use crate::genome::reference::with_suffix;
use crate::genome::{ContigId, Contigs, Interval};
use crate::genotype::{Call, ReferenceBlock};
use crate::output::{place, temporary_beside};

/// Contigs longer than this need a CSI index: TBI ends there (tabix specification, `min_shift` 14, depth 5).
const LONGEST_TABIX_CONTIG: u64 = 1 << 29;

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
    /// None for stdout.
    temporary: Option<TempPath>,
}

type Temporary = BufWriter<File>;

enum Output {
    Stdout(vcf::io::Writer<BufWriter<io::Stdout>>),
    Plain(vcf::io::Writer<Temporary>),
    Bgzf { writer: Box<vcf::io::Writer<bgzf::io::Writer<Temporary>>>, index: Box<Indexer> },
    Bcf(Box<bcf::io::Writer<bgzf::io::Writer<Temporary>>>),
}

/// What a name's end says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Stdout,
    Plain,
    Bgzf,
    Bcf,
}

impl Kind {
    fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        let ends = |suffixes: &[&str]| suffixes.iter().any(|suffix| name.ends_with(suffix));
        match name {
            "-" => Some(Self::Stdout),
            _ if ends(&[".vcf.gz", ".vcf.bgz"]) => Some(Self::Bgzf),
            _ if ends(&[".bcf"]) => Some(Self::Bcf),
            _ if ends(&[".vcf"]) => Some(Self::Plain),
            _ => None,
        }
    }
}

enum Indexer {
    Tabix(tabix::index::Indexer),
    Csi {
        indexer: csi::binning_index::Indexer<csi::binning_index::index::reference_sequence::index::BinnedIndex>,
        names: Vec<String>,
    },
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
        if path.is_dir() {
            return Err(Error::output(path, "is a folder; give a file's name"));
        }
        let header = header(contigs, options)?;
        let failed = |e: io::Error| Error::output(path, format!("cannot be written: {e}"));
        let started = |file, temporary| Self {
            path: path.into(),
            contigs: contigs.clone(),
            header: header.clone(),
            style,
            file,
            temporary,
        };
        if kind == Kind::Stdout {
            let mut writer = vcf::io::Writer::new(BufWriter::new(io::stdout()));
            writer.write_header(&header).map_err(failed)?;
            return Ok(started(Output::Stdout(writer), None));
        }
        let (file, temporary) = temporary_beside(path)?.into_parts();
        let file = BufWriter::with_capacity(1 << 17, file);
        let file = match kind {
            Kind::Bgzf => {
                let mut writer = vcf::io::Writer::new(bgzf::io::Writer::new(file));
                writer.write_header(&header).map_err(failed)?;
                Output::Bgzf { writer: Box::new(writer), index: Box::new(Indexer::new(contigs)) }
            }
            Kind::Bcf => {
                let mut writer = bcf::io::Writer::from(bgzf::io::Writer::new(file));
                writer.write_header(&header).map_err(failed)?;
                Output::Bcf(Box::new(writer))
            }
            Kind::Plain | Kind::Stdout => {
                let mut writer = vcf::io::Writer::new(file);
                writer.write_header(&header).map_err(failed)?;
                Output::Plain(writer)
            }
        };
        Ok(started(file, Some(temporary)))
    }

    /// Writes a reference block whose first base is `base`; `unseen` is the allele of all else.
    ///
    /// # Errors
    /// [`Error::Output`] where it cannot be written.
    pub fn write_block(&mut self, block: &ReferenceBlock, base: u8, unseen: &str) -> Result<()> {
        let record = block_record(&self.contigs.get(block.contig).name, block, base, unseen)?;
        self.put(block.contig, block.interval, &record)
    }

    fn put(&mut self, contig: ContigId, interval: Interval, record: &RecordBuf) -> Result<()> {
        let name = &self.contigs.get(contig).name;
        let (path, header) = (&self.path, &self.header);
        let written = match &mut self.file {
            Output::Stdout(writer) => writer.write_variant_record(header, record),
            Output::Plain(writer) => writer.write_variant_record(header, record),
            Output::Bcf(writer) => writer.write_variant_record(header, record),
            Output::Bgzf { writer, index } => {
                let start = writer.get_ref().virtual_position();
                writer.write_variant_record(header, record).and_then(|()| {
                    let end = writer.get_ref().virtual_position();
                    index.add(contig, name, interval, Chunk::new(start, end))
                })
            }
        };
        written.map_err(|e| Error::output(path, format!("cannot be written: {e}")))
    }

    /// Makes the file and its index whole and gives them their final names; returns the index's path, if any.
    ///
    /// # Errors
    /// [`Error::Output`] where that fails; nothing is left under the final names then.
    pub fn finish(self) -> Result<Option<PathBuf>> {
        let Self { path, file, temporary, .. } = self;
        let failed = |e: io::Error| Error::output(&path, format!("cannot be written: {e}"));
        let (buffer, index) = match file {
            Output::Stdout(mut writer) => return writer.get_mut().flush().map(|()| None).map_err(failed),
            Output::Plain(writer) => (writer.into_inner(), None),
            Output::Bcf(writer) => (writer.into_inner().finish().map_err(failed)?, None),
            Output::Bgzf { writer, index } => (writer.into_inner().finish().map_err(failed)?, Some(index)),
        };
        let file = buffer.into_inner().map_err(|e| failed(e.into_error()))?;
        file.sync_all().map_err(failed)?;
        let Some(temporary) = temporary else { return Ok(None) };
        let index = match index {
            Some(index) => Some(index.write(&path)?),
            None if Kind::of(&path) == Some(Kind::Bcf) => Some(bcf_index(&temporary, &path)?),
            None => None,
        };
        place(temporary, &path, index)
    }
}

impl CallSink for VcfWriter {
    fn write(&mut self, call: &Call) -> Result<()> {
        let record = record(&self.contigs.get(call.contig).name, call, self.style)?;
        self.put(call.contig, call.interval(), &record)
    }
}

/// The CSI index of a BCF file that is written but not named yet; its own final name along.
fn bcf_index(written: &Path, path: &Path) -> Result<(TempPath, PathBuf)> {
    let name = with_suffix(path, ".csi");
    let (_, temporary) = temporary_beside(&name)?.into_parts();
    rust_htslib::bcf::index::build(written, Some(&*temporary), 1, rust_htslib::bcf::index::Type::Csi(14))
        .map_err(|e| Error::output(&name, format!("cannot be made: {e:?}")))?;
    Ok((temporary, name))
}

impl Indexer {
    fn new(contigs: &Contigs) -> Self {
        let long = contigs.iter().any(|(_, contig)| contig.length > LONGEST_TABIX_CONTIG);
        // Depth 6 covers 2^32 bp.
        if let Some(indexer) = csi::binning_index::Indexer::new(14, 6).filter(|_| long) {
            return Self::Csi { indexer, names: contigs.iter().map(|(_, contig)| contig.name.clone()).collect() };
        }
        let mut indexer = tabix::index::Indexer::default();
        indexer.set_header(header::Builder::vcf().build());
        Self::Tabix(indexer)
    }

    fn add(&mut self, contig: ContigId, name: &str, interval: Interval, chunk: Chunk) -> io::Result<()> {
        let position =
            |p: u64| usize::try_from(p).ok().and_then(Position::new).ok_or_else(|| io::Error::other("no position"));
        let start = position(interval.start() + 1)?;
        let end = position(interval.end())?;
        match self {
            Self::Tabix(indexer) => indexer.add_record(name, start, end, chunk),
            Self::Csi { indexer, .. } => {
                indexer.add_record(Some((contig.0, start, end, true)), chunk).map_err(io::Error::other)
            }
        }
    }

    /// Writes the index to a temporary file beside the VCF's final name; gives its own final name along.
    fn write(self, vcf: &Path) -> Result<(TempPath, PathBuf)> {
        let suffix = match self {
            Self::Tabix(_) => ".tbi",
            Self::Csi { .. } => ".csi",
        };
        let path = with_suffix(vcf, suffix);
        let failed = |e: io::Error| Error::output(&path, format!("cannot be written: {e}"));
        let (mut file, temporary) = temporary_beside(&path)?.into_parts();
        match self {
            Self::Tabix(indexer) => {
                let mut writer = tabix::io::Writer::new(&mut file);
                writer.write_index(&indexer.build()).map_err(failed)?;
            }
            Self::Csi { indexer, names } => {
                let header: IndexHeader = header::Builder::vcf()
                    .set_reference_sequence_names(names.iter().map(|n| n.as_str().into()).collect())
                    .build();
                let mut writer = csi::io::Writer::new(&mut file);
                writer.write_index(&indexer.set_header(header).build(names.len())).map_err(failed)?;
            }
        }
        file.flush().and_then(|()| file.sync_all()).map_err(failed)?;
        Ok((temporary, path))
    }
}
