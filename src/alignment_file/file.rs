//! A path -> [`BamFile`]: a BAM or CRAM file with its header and its index, all checked.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rust_htslib::bam::{self, Read as _};

use super::bins::cover::Misfit;
use super::bins::{self, BinIndex};
use super::records::Records;
use super::slices::{self, SliceIndex};
use super::whole::{self, Format};
use super::{RegionReader, order};
use crate::error::{Error, Result};
use crate::files::input::regular_file;
use crate::genome::{Contig, ContigId, Contigs};

/// A checked BAM or CRAM file; opened once per thread with [`BamFile::open_regions`].
#[derive(Clone, Debug)]
pub struct BamFile {
    head: Arc<Head>,
    index_path: PathBuf,
    index: Index,
}

/// What is known about a file without its index.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) path: PathBuf,
    format: Format,
    /// The FASTA that a CRAM is decoded with.
    reference: PathBuf,
    pub(super) contigs: Contigs,
    pub(super) text: String,
}

/// Where reads lie in a file.
#[derive(Clone, Debug)]
pub(super) enum Index {
    Bins(Arc<BinIndex>),
    Slices(Arc<SliceIndex>),
}

impl BamFile {
    /// Checks that the file is whole, sorted and has an index of its own; reads its header.
    ///
    /// # Errors
    /// [`Error::Input`] saying what is wrong and what to do.
    pub fn new(path: &Path, reference: &Path) -> Result<Self> {
        let format = whole::format(path)?;
        let index_path = whole::find_index(path, format)?;
        if let Format::Cram(major, minor) = format {
            slices::ends_whole(path, major, minor)?;
        }
        let head = Head::new(path, format, reference)?;
        order::check(&head)?;
        let index = index(&head, &index_path)?;
        Ok(Self { head: Arc::new(head), index_path, index })
    }

    /// The file's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.head.path
    }

    /// The index's path.
    #[must_use]
    pub fn index(&self) -> &Path {
        &self.index_path
    }

    /// The contigs of its header.
    #[must_use]
    pub fn contigs(&self) -> &Contigs {
        &self.head.contigs
    }

    /// Its header as text.
    #[must_use]
    pub fn header(&self) -> &str {
        &self.head.text
    }

    /// True for CRAM, by its first bytes.
    #[must_use]
    pub fn is_cram(&self) -> bool {
        self.head.is_cram()
    }

    pub(super) fn head(&self) -> &Head {
        &self.head
    }

    pub(super) fn parsed_index(&self) -> &Index {
        &self.index
    }

    /// Opens the file for one thread.
    ///
    /// # Errors
    /// [`Error::Input`] where it cannot be opened.
    pub fn open_regions(&self) -> Result<RegionReader> {
        RegionReader::open(self)
    }

    /// The contigs that have reads, by the index.
    #[must_use]
    pub fn contigs_with_reads(&self) -> BTreeSet<ContigId> {
        match &self.index {
            Index::Bins(index) => {
                let contigs = (0..).zip(&index.contigs).filter(|(_, bins)| !bins.chunks.is_empty());
                contigs.map(|(contig, _)| ContigId(contig)).collect()
            }
            Index::Slices(index) => index.slices.iter().filter_map(|slice| slice.contig.map(ContigId)).collect(),
        }
    }

    /// The error for a failed read near a position.
    pub(crate) fn broken_at(&self, tid: i32, position: i64, error: &dyn std::fmt::Display) -> Error {
        self.head.broken_at(tid, position, error)
    }
}

impl Head {
    fn new(path: &Path, format: Format, reference: &Path) -> Result<Self> {
        let reader = bam::Reader::from_path(path)
            .map_err(|_| Error::input(path, "is not a readable BAM or CRAM file (no valid header)"))?;
        let view = reader.header();
        let contigs: Vec<Contig> = (0..)
            .zip(view.target_names())
            .map(|(tid, name)| Contig {
                name: String::from_utf8_lossy(name).into_owned(),
                length: view.target_len(tid).unwrap_or(0),
            })
            .collect();
        let mut names: Vec<&str> = contigs.iter().map(|contig| contig.name.as_str()).collect();
        names.sort_unstable();
        if let Some(twice) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            let name = twice[0];
            let problem = format!("lists contig {name} twice in its header; rename one (samtools reheader)");
            return Err(Error::input(path, problem));
        }
        let text = String::from_utf8_lossy(view.as_bytes()).into_owned();
        Ok(Self { path: path.into(), format, reference: reference.into(), contigs: Contigs::new(contigs), text })
    }

    fn is_cram(&self) -> bool {
        matches!(self.format, Format::Cram(..))
    }

    /// Lets an htslib reader of a CRAM know the reference.
    pub(super) fn give_reference(&self, set: impl FnOnce(&Path) -> rust_htslib::errors::Result<()>) -> Result<()> {
        if !self.is_cram() {
            return Ok(());
        }
        set(&self.reference).map_err(|e| {
            Error::input(&self.path, format!("cannot be decoded with the reference {}: {e}", self.reference.display()))
        })
    }

    /// A position on the file's own contigs as text.
    fn place(&self, tid: i32, position: i64) -> String {
        let contig = usize::try_from(tid).ok().filter(|&i| i < self.contigs.len());
        let contig = contig.map_or("*", |i| self.contigs.get(ContigId(i)).name.as_str());
        format!("{contig}:{}", position.saturating_add(1))
    }

    /// The error for records out of order.
    pub(super) fn unsorted(&self, tid: i32, position: i64) -> Error {
        let place = self.place(tid, position);
        Error::input(
            &self.path,
            format!(
                "is not sorted by position: a record at {place} follows a later one; sort it with samtools sort and index it"
            ),
        )
    }

    /// The error for a failed read near a position.
    pub(super) fn broken_at(&self, tid: i32, position: i64, error: &dyn std::fmt::Display) -> Error {
        let place = self.place(tid, position);
        let problem = if self.is_cram() {
            format!(
                "cannot decode the CRAM with this reference near {place}: {error}; give the reference that it was written with (blocks compressed with LZMA cannot be read)"
            )
        } else {
            format!(
                "cannot be read near {place}: {error}; the file is damaged (check it with samtools quickcheck), or its index belongs to another file"
            )
        };
        Error::input(&self.path, problem)
    }
}

/// Reads an index and compares it with its file.
fn index(head: &Head, index_path: &Path) -> Result<Index> {
    let (path, contigs) = (&head.path, &head.contigs);
    let again = format!("recreate it with 'samtools index {}'", path.display());
    let damaged = |why: String| Error::input(index_path, format!("is not a valid index ({why}); {again}"));
    let of_another = |why| Error::input(index_path, format!("is not the index of {} ({why}); {again}", path.display()));
    let misfit = |why| match why {
        Misfit::Index(why) => of_another(why),
        Misfit::File(e) => Error::input(path, format!("is damaged ({e}); copy or create it again")),
    };
    let source = unpacked(regular_file(index_path)?).map_err(|e| damaged(e.to_string()))?;
    match head.format {
        Format::Bam => {
            let index = bins::parse(source, contigs.len()).map_err(damaged)?;
            let mut records = Records::new(regular_file(path)?).map_err(Misfit::File).map_err(misfit)?;
            bins::cover::check(&index, &mut records, contigs).map_err(misfit)?;
            Ok(Index::Bins(Arc::new(index)))
        }
        Format::Cram(major, _) => {
            let index = slices::parse(source, contigs).map_err(damaged)?;
            let mixed = slices::cover::check(&index, regular_file(path)?, major, contigs).map_err(misfit)?;
            match slices::mixed::missing(head, &index, &mixed)? {
                Some(why) => Err(of_another(why)),
                None => Ok(Index::Slices(Arc::new(index))),
            }
        }
    }
}

/// The bytes of a file that may be gzipped.
fn unpacked(file: File) -> std::io::Result<Box<dyn BufRead>> {
    let mut file = BufReader::new(file);
    if file.fill_buf()?.starts_with(&[0x1f, 0x8b]) {
        return Ok(Box::new(BufReader::new(flate2::bufread::MultiGzDecoder::new(file))));
    }
    Ok(Box::new(file))
}
