//! Calls in genome order -> `.vcf`, or `.vcf.gz` with its index, by way of temporary files beside the final ones.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use noodles_bgzf as bgzf;
use noodles_core::Position;
use noodles_csi as csi;
use noodles_csi::binning_index::index::{Header as IndexHeader, header, reference_sequence::bin::Chunk};
use noodles_tabix as tabix;
use noodles_vcf::variant::io::Write as _;
use noodles_vcf::{self as vcf, Header};
use tempfile::TempPath;

use super::header::{HeaderOptions, header};
use super::record::record;
use crate::error::{Error, Result};
use crate::genome::Contigs;
use crate::genotype::Call;
use crate::output::temporary_beside;

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

/// Writes a VCF file. Dropped before [`VcfWriter::finish`], it leaves nothing behind.
pub struct VcfWriter {
    path: PathBuf,
    contigs: Contigs,
    header: Header,
    file: Output,
    temporary: TempPath,
}

type Temporary = BufWriter<File>;

enum Output {
    Plain(vcf::io::Writer<Temporary>),
    Bgzf { writer: Box<vcf::io::Writer<bgzf::io::Writer<Temporary>>>, index: Box<Indexer> },
}

enum Indexer {
    Tabix(tabix::index::Indexer),
    Csi {
        indexer: csi::binning_index::Indexer<csi::binning_index::index::reference_sequence::index::BinnedIndex>,
        names: Vec<String>,
    },
}

impl VcfWriter {
    /// Opens temporary files beside `path` and writes the header.
    ///
    /// # Errors
    /// [`Error::Usage`] for a name that ends in neither `.vcf` nor `.vcf.gz`; [`Error::Output`] where the folder is
    /// missing or cannot be written to.
    pub fn create(path: &Path, contigs: &Contigs, options: &HeaderOptions) -> Result<Self> {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let bgzipped = [".vcf.gz", ".vcf.bgz"].iter().any(|suffix| name.ends_with(suffix));
        if !bgzipped && path.extension().is_none_or(|extension| extension != "vcf") {
            return Err(Error::Usage(format!("--output-vcf {}: the name must end in .vcf or .vcf.gz", path.display())));
        }
        if path.is_dir() {
            return Err(Error::output(path, "is a folder; give a file's name"));
        }
        let (file, temporary) = temporary_beside(path)?.into_parts();
        let file = BufWriter::with_capacity(1 << 17, file);
        let header = header(contigs, options)?;
        let failed = |e: io::Error| Error::output(path, format!("cannot be written: {e}"));
        let file = if bgzipped {
            let mut writer = vcf::io::Writer::new(bgzf::io::Writer::new(file));
            writer.write_header(&header).map_err(failed)?;
            Output::Bgzf { writer: Box::new(writer), index: Box::new(Indexer::new(contigs)) }
        } else {
            let mut writer = vcf::io::Writer::new(file);
            writer.write_header(&header).map_err(failed)?;
            Output::Plain(writer)
        };
        Ok(Self { path: path.into(), contigs: contigs.clone(), header, file, temporary })
    }

    /// Makes the file and its index whole and gives them their final names; returns the index's path, if any.
    ///
    /// # Errors
    /// [`Error::Output`] where that fails; nothing is left under the final names then.
    pub fn finish(self) -> Result<Option<PathBuf>> {
        let Self { path, file, temporary, .. } = self;
        let failed = |e: io::Error| Error::output(&path, format!("cannot be written: {e}"));
        let (buffer, index) = match file {
            Output::Plain(writer) => (writer.into_inner(), None),
            Output::Bgzf { writer, index } => (writer.into_inner().finish().map_err(failed)?, Some(index)),
        };
        let file = buffer.into_inner().map_err(|e| failed(e.into_error()))?;
        file.sync_all().map_err(failed)?;
        let index = index.map(|index| index.write(&path)).transpose()?;
        temporary.persist(&path).map_err(|e| failed(e.error))?;
        match index {
            None => Ok(None),
            Some((temporary, index_path)) => {
                let placed = temporary
                    .persist(&index_path)
                    .map_err(|e| Error::output(&index_path, format!("cannot be written: {}", e.error)));
                if placed.is_err() {
                    // A VCF without its index looks whole to no pipeline that asks for both.
                    let _ = std::fs::remove_file(&path);
                }
                placed?;
                Ok(Some(index_path))
            }
        }
    }
}

impl CallSink for VcfWriter {
    fn write(&mut self, call: &Call) -> Result<()> {
        let name = &self.contigs.get(call.contig).name;
        let record = record(name, call)?;
        let path = &self.path;
        let failed = |e: io::Error| Error::output(path, format!("cannot be written: {e}"));
        match &mut self.file {
            Output::Plain(writer) => writer.write_variant_record(&self.header, &record).map_err(failed),
            Output::Bgzf { writer, index } => {
                let start = writer.get_ref().virtual_position();
                writer.write_variant_record(&self.header, &record).map_err(failed)?;
                let end = writer.get_ref().virtual_position();
                index.add(call, name, Chunk::new(start, end)).map_err(failed)
            }
        }
    }
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

    fn add(&mut self, call: &Call, name: &str, chunk: Chunk) -> io::Result<()> {
        let position =
            |p: u64| usize::try_from(p).ok().and_then(Position::new).ok_or_else(|| io::Error::other("no position"));
        let start = position(call.position + 1)?;
        let end = position(call.position + call.reference.len() as u64)?;
        match self {
            Self::Tabix(indexer) => indexer.add_record(name, start, end, chunk),
            Self::Csi { indexer, .. } => {
                indexer.add_record(Some((call.contig.0, start, end, true)), chunk).map_err(io::Error::other)
            }
        }
    }

    /// Writes the index to a temporary file beside the VCF's final name; gives its own final name along.
    fn write(self, vcf: &Path) -> Result<(TempPath, PathBuf)> {
        let suffix = match self {
            Self::Tabix(_) => ".tbi",
            Self::Csi { .. } => ".csi",
        };
        let mut path = vcf.as_os_str().to_owned();
        path.push(suffix);
        let path = PathBuf::from(path);
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
