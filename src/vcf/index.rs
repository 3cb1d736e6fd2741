//! The records of a BGZF file and where each lies in it -> its index: TBI, or CSI for BCF and for long contigs.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use noodles_core::Position;
use noodles_csi as csi;
use noodles_csi::binning_index::index::reference_sequence::{bin::Chunk, index::BinnedIndex};
use noodles_csi::binning_index::index::{Header, header};
use noodles_tabix as tabix;

use crate::error::{Error, Result};
use crate::files::{Unplaced, part_of, temporary_beside};
use crate::genome::names::is_valid_in_vcf;
use crate::genome::reference::with_suffix;
use crate::genome::{ContigId, Contigs, Interval};

/// Contigs longer than this need a CSI index: TBI ends there (tabix specification, `min_shift` 14, depth 5).
const LONGEST_TABIX_CONTIG: u64 = 1 << 29;
/// Bits of a CSI index's smallest bins, as bcftools has them.
const MIN_SHIFT: u8 = 14;

/// Collects what the index is made of.
pub(super) enum Indexer {
    Tabix(tabix::index::Indexer),
    Csi {
        indexer: csi::binning_index::Indexer<BinnedIndex>,
        /// The number that the file gives each contig, and how many it numbers.
        numbers: Vec<usize>,
        contigs: usize,
    },
}

impl Indexer {
    pub(super) fn of_vcf(contigs: &Contigs) -> Self {
        let header = header::Builder::vcf();
        if longest(contigs) > LONGEST_TABIX_CONTIG {
            let names = contigs.iter().map(|(_, contig)| contig.name.as_str().into()).collect();
            let numbers = (0..contigs.len()).collect();
            return Self::csi(
                contigs,
                (numbers, contigs.len()),
                Some(header.set_reference_sequence_names(names).build()),
            );
        }
        let mut indexer = tabix::index::Indexer::default();
        indexer.set_header(header.build());
        Self::Tabix(indexer)
    }

    /// BCF's records name their contigs by their numbers in the header, so its index needs no names. Names that VCF forbids are not in the
    /// header; their contigs have no records, and get the number of the next.
    pub(super) fn of_bcf(contigs: &Contigs) -> Self {
        let mut numbered = 0;
        let mut numbers = Vec::with_capacity(contigs.len());
        for (_, contig) in contigs.iter() {
            numbers.push(numbered);
            numbered += usize::from(is_valid_in_vcf(&contig.name));
        }
        Self::csi(contigs, (numbers, numbered), None)
    }

    fn csi(contigs: &Contigs, (numbers, numbered): (Vec<usize>, usize), header: Option<Header>) -> Self {
        // The five levels of TBI, which cover 2^29 bp, and one more for each eight times the length.
        let depth = (5..10).find(|&depth| longest(contigs) <= 1 << (MIN_SHIFT + 3 * depth)).unwrap_or(5);
        let indexer = csi::binning_index::Indexer::new(MIN_SHIFT, depth).unwrap_or_default();
        let indexer = match header {
            Some(header) => indexer.set_header(header),
            None => indexer,
        };
        Self::Csi { indexer, numbers, contigs: numbered }
    }

    /// The index's final name, of that of its file.
    pub(super) fn path(&self, of: &Path) -> PathBuf {
        let suffix = match self {
            Self::Tabix(_) => ".tbi",
            Self::Csi { .. } => ".csi",
        };
        with_suffix(of, suffix)
    }

    /// Takes the next record and where it lies in the file.
    pub(super) fn add(&mut self, contig: ContigId, name: &str, interval: Interval, chunk: Chunk) -> io::Result<()> {
        let position =
            |p: u64| usize::try_from(p).ok().and_then(Position::new).ok_or_else(|| io::Error::other("no position"));
        let start = position(interval.start() + 1)?;
        let end = position(interval.end())?;
        match self {
            Self::Tabix(indexer) => indexer.add_record(name, start, end, chunk),
            Self::Csi { indexer, numbers, .. } => {
                let number = numbers.get(contig.0).copied().ok_or_else(|| io::Error::other("no contig"))?;
                indexer.add_record(Some((number, start, end, true)), chunk).map_err(io::Error::other)
            }
        }
    }

    /// Writes the index to a file beside the final name of the file `of`, which stays unless it is renamed where `is_kept`; gives its own
    /// final name along.
    pub(super) fn write(self, of: &Path, is_kept: bool) -> Result<(Unplaced, PathBuf)> {
        let path = self.path(of);
        let failed = |e: io::Error| Error::output(&path, format!("cannot be written: {e}"));
        // To memory first: the writers of indexes end their file when they are dropped, where no failure can be told.
        let bytes = self.bytes().map_err(failed)?;
        let (mut file, unplaced) = if is_kept {
            let part = part_of(&path);
            (File::create(&part).map_err(failed)?, Unplaced::Part(part))
        } else {
            let (file, temporary) = temporary_beside(&path)?.into_parts();
            (file, temporary.into())
        };
        file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(failed)?;
        Ok((unplaced, path))
    }

    fn bytes(self) -> io::Result<Vec<u8>> {
        match self {
            Self::Tabix(indexer) => {
                let mut writer = tabix::io::Writer::new(Vec::new());
                writer.write_index(&indexer.build())?;
                writer.into_inner().finish()
            }
            Self::Csi { indexer, contigs, .. } => {
                let mut writer = csi::io::Writer::new(Vec::new());
                writer.write_index(&indexer.build(contigs))?;
                writer.into_inner().finish()
            }
        }
    }
}

fn longest(contigs: &Contigs) -> u64 {
    contigs.iter().map(|(_, contig)| contig.length).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use noodles_bgzf::VirtualPosition;

    use super::*;
    use crate::genome::Contig;

    #[test]
    fn a_bcf_numbers_the_contigs_of_its_header() {
        let named = ["a(b)", "chr1", "chr2"].map(|name| Contig { name: name.into(), length: 1000 });
        let mut indexer = Indexer::of_bcf(&Contigs::new(named.to_vec()));
        let chunk = Chunk::new(VirtualPosition::from(100), VirtualPosition::from(200));
        indexer.add(ContigId(2), "chr2", Interval::new(10, 11), chunk).unwrap();
        let index = csi::io::Reader::new(indexer.bytes().unwrap().as_slice()).read_index().unwrap();
        let used: Vec<bool> = index.reference_sequences().iter().map(|contig| !contig.bins().is_empty()).collect();
        assert_eq!(used, [false, true]);
    }
}
