//! A path -> [`BamFile`]: a BAM or CRAM file with its header and its index, all checked.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::bins::cover::Misfit;
use super::bins::{self, BinIndex};
use super::head::Head;
use super::order;
use super::records::Records;
use super::slices::{self, SliceIndex};
use super::whole::{self, Format};
use crate::error::{Error, Result};
use crate::files::input::regular_file;
use crate::genome::{ContigId, Contigs};

/// A checked BAM or CRAM file; opened once per thread with [`RegionReader`](super::RegionReader).
#[derive(Clone, Debug)]
pub struct BamFile {
    head: Arc<Head>,
    index_path: PathBuf,
    index: Index,
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

/// Checks that a BAM or CRAM file ends as it should.
pub(crate) fn is_whole(path: &Path) -> Result<()> {
    match whole::format(path)? {
        // That was checked to tell the format.
        Format::Bam => Ok(()),
        Format::Cram(major, minor) => slices::ends_whole(path, major, minor),
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
