//! A CRAM file, read interval by interval ([`SliceReader`]).

use rust_htslib::bam::ext::BamRecordExtensions as _;
use rust_htslib::bam::{self, Read as _};

use super::NEAR_END;
use crate::alignment_file::BamFile;
use crate::error::{Error, Result};

/// How far an interval may begin behind the last record for reading to go on from there, in bp: records between are unpacked for nothing, but so is
/// a part of a slice where reading begins anew.
const MOST_SKIPPED: i64 = 32_768;
/// Most bytes of records that are kept for the next interval.
const MOST_KEPT: usize = if cfg!(test) { 16 << 10 } else { 16 << 20 };

/// A CRAM file with what is left to read of an interval.
///
/// A slice, some 10,000 reads, is unpacked as a whole, wherever in it an interval lies. So htslib is asked for all up to the contig's end, and an
/// interval that begins near the end of the one before is read on. Records that reach there are kept.
pub(super) struct SliceReader {
    reader: bam::IndexedReader,
    contig: i32,
    end: i64,
    /// Records that were read and reach beyond `kept_from`, in order.
    kept: Vec<bam::Record>,
    kept_from: i64,
    /// What they take, in bytes; `None` where there were too many, and not all are there.
    kept_bytes: Option<usize>,
    /// How many of them this interval has seen.
    seen: usize,
    /// Position of the last record that was read, and whether it was the last of the contig.
    last: i64,
    at_end: bool,
}

impl SliceReader {
    pub(super) fn open(file: &BamFile) -> Result<Self> {
        let mut reader = bam::IndexedReader::from_path_and_index(file.path(), file.index())
            .map_err(|_| Error::input(file.path(), "cannot be opened"))?;
        file.head().give_reference(|reference| reader.set_reference(reference))?;
        Ok(Self {
            reader,
            contig: -1,
            end: 0,
            kept: Vec::new(),
            kept_from: 0,
            kept_bytes: None,
            seen: 0,
            last: 0,
            at_end: false,
        })
    }

    /// Turns to an interval of a contig of `length` bp.
    pub(super) fn fetch(&mut self, contig: i32, start: i64, end: i64, length: i64) -> rust_htslib::errors::Result<()> {
        let is_near = start >= self.kept_from && start - self.last.max(self.kept_from) <= MOST_SKIPPED;
        (self.end, self.seen) = (end, 0);
        match &mut self.kept_bytes {
            Some(bytes) if contig == self.contig && is_near => {
                self.kept.retain(|record| record.reference_end() > start);
                *bytes = self.kept.iter().map(size).sum();
            }
            _ => {
                self.reader.fetch((contig, start, length.max(end)))?;
                self.contig = contig;
                self.kept.clear();
                (self.kept_bytes, self.last, self.at_end) = (Some(0), start, false);
            }
        }
        self.kept_from = start.max(end - NEAR_END);
        Ok(())
    }

    /// Reads the next record, which need not overlap the interval; `None` behind the last.
    pub(super) fn read(&mut self, record: &mut bam::Record) -> Option<rust_htslib::errors::Result<()>> {
        if let Some(kept) = self.kept.get(self.seen) {
            self.seen += 1;
            record.clone_from(kept);
        } else if self.at_end {
            return None;
        } else {
            let Some(outcome) = self.reader.read(record) else {
                self.at_end = true;
                return None;
            };
            if let Err(error) = outcome {
                self.kept_bytes = None;
                return Some(Err(error));
            }
            self.last = record.pos();
            self.keep(record);
        }
        (record.pos() < self.end).then_some(Ok(()))
    }

    /// Keeps a record that the next interval may need.
    fn keep(&mut self, record: &bam::Record) {
        let Some(bytes) = self.kept_bytes.filter(|_| record.reference_end() > self.kept_from) else { return };
        let bytes = bytes + size(record);
        if bytes > MOST_KEPT {
            self.kept.clear();
            (self.kept_bytes, self.seen) = (None, 0);
        } else {
            self.kept.push(record.clone());
            (self.kept_bytes, self.seen) = (Some(bytes), self.kept.len());
        }
    }
}

/// Memory of a record, in bytes.
fn size(record: &bam::Record) -> usize {
    size_of_val(record.inner()) + record.inner().m_data as usize
}
