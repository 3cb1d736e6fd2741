//! An interval of a contig -> the file's records that overlap it, or an error: never silently fewer records ([`RegionReader`]).
//!
//! Each record that is read on the way is checked here: its contig, its position and its order. Of a BAM also whether the index leads to it; a CRAM
//! is read with htslib's iterator, and its index was compared with its containers.

mod bin_reader;
mod slice_reader;

use rust_htslib::bam;
use rust_htslib::bam::ext::BamRecordExtensions as _;

use super::BamFile;
use super::file::Index;
use crate::error::{Error, Result};
use crate::genome::ContigId;

use bin_reader::BinReader;
use slice_reader::SliceReader;

/// How far before the end of an interval the next one may begin for reading to go on where it stopped, in bp. Regions are fetched with 5 bp on both sides.
const NEAR_END: i64 = 100;

/// One thread's reader of a file, interval by interval; cheapest where each follows the one before.
pub struct RegionReader {
    file: BamFile,
    source: Source,
    /// What is asked for.
    contig: ContigId,
    tid: i32,
    start: i64,
    end: i64,
    /// Length of the contig in bp.
    length: i64,
    /// Position of the last record that was read.
    last: i64,
}

enum Source {
    Bam(BinReader),
    Cram(SliceReader),
    /// A CRAM of no reads has an index that htslib does not take.
    Empty,
}

impl RegionReader {
    /// Opens a file for one thread.
    ///
    /// # Errors
    /// [`Error::Input`] where it cannot be opened.
    pub fn open(file: &BamFile) -> Result<Self> {
        let source = match file.parsed_index() {
            Index::Bins(index) => Source::Bam(
                BinReader::open(file, index).map_err(|_| Error::input(file.path(), "cannot be opened"))?,
            ),
            Index::Slices(slices) if slices.is_empty() => Source::Empty,
            Index::Slices(_) => Source::Cram(SliceReader::open(file)?),
        };
        Ok(Self { file: file.clone(), source, contig: ContigId(0), tid: -1, start: 0, end: 0, length: 0, last: 0 })
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> &BamFile {
        &self.file
    }

    /// Turns to the records of contig `tid` of the file that overlap `start..end` (0-based).
    ///
    /// # Errors
    /// [`Error::Input`] where the file cannot be read there.
    pub fn fetch(&mut self, tid: i32, start: u64, end: u64) -> Result<()> {
        let contig = usize::try_from(tid).ok().filter(|&contig| contig < self.file.contigs().len());
        let contig =
            contig.ok_or_else(|| Error::Internal(format!("contig {tid} of {}", self.file.path().display())))?;
        let signed = |p: u64| i64::try_from(p).unwrap_or(i64::MAX);
        self.contig = ContigId(contig);
        self.length = signed(self.file.contigs().get(self.contig).length);
        (self.tid, self.start, self.end, self.last) = (tid, signed(start), signed(end), i64::MIN);
        match &mut self.source {
            Source::Bam(bam) => bam.fetch(contig, self.start, self.end),
            Source::Cram(cram) => {
                let fetched = cram.fetch(tid, self.start, self.end, self.length);
                fetched.map_err(|e| self.file.broken_at(tid, self.start, &e))?;
            }
            Source::Empty => {}
        }
        Ok(())
    }

    /// Reads the next record that overlaps the interval; false behind the last.
    ///
    /// # Errors
    /// [`Error::Input`] where the file cannot be read, or a record cannot be where it is.
    pub fn read(&mut self, record: &mut bam::Record) -> Result<bool> {
        loop {
            let at = match &mut self.source {
                Source::Empty => return Ok(false),
                Source::Cram(cram) => {
                    let Some(outcome) = cram.read(record) else { return Ok(false) };
                    outcome.map_err(|e| self.broken(&e))?;
                    None
                }
                Source::Bam(bam) => {
                    let Some(at) =
                        bam.next_offset().map_err(|e| self.file.broken_at(self.tid, self.last.max(self.start), &e))?
                    else {
                        return Ok(false);
                    };
                    let Some(outcome) = bam.read(record) else { return Ok(false) };
                    outcome.map_err(|e| self.broken(&e))?;
                    // A record cut within its first bytes is no error to rust-htslib.
                    if record.inner().l_data == 0 {
                        return Err(self.broken(&"a record is cut short"));
                    }
                    Some(at)
                }
            };
            let before = self.last;
            self.in_place(record)?;
            let (start, end) = (record.pos(), record.reference_end());
            if let (Some(at), Source::Bam(bam)) = (at, &mut self.source) {
                if bam.is_done() {
                    return Ok(false);
                }
                // Most records lie in the window of the one before.
                let shift = bam.min_shift();
                let (first, last) = (start.max(0) >> shift, (end - 1).max(0) >> shift);
                if (first != last || first != before.max(0) >> shift || before == i64::MIN)
                    && !record.is_unmapped()
                    && !bam.leads_to(self.contig.0, start.unsigned_abs(), end.unsigned_abs(), at)
                {
                    let (index, path) = (self.file.index(), self.file.path().display());
                    let place = format!("{}:{}", self.contig(), start + 1);
                    let problem = format!(
                        "is not the index of {path} (it does not reach the read at {place}); recreate it with 'samtools index {path}'"
                    );
                    return Err(Error::input(index, problem));
                }
                if start >= self.end {
                    bam.end_here();
                    continue;
                }
                bam.note(self.contig.0, end, at);
            }
            if start < self.end && end > self.start {
                return Ok(true);
            }
        }
    }

    fn contig(&self) -> &str {
        &self.file.contigs().get(self.contig).name
    }

    fn broken(&self, error: &dyn std::fmt::Display) -> Error {
        self.file.broken_at(self.tid, self.last.max(self.start), error)
    }

    /// Checks that a record can be here, behind the one before.
    fn in_place(&mut self, record: &bam::Record) -> Result<()> {
        let (tid, position) = (record.tid(), record.pos());
        // -1 is no position.
        let absurd = position < -1 || (position >= self.length && !record.is_unmapped());
        if tid != self.tid || absurd {
            let contigs = self.file.contigs().len();
            let known = usize::try_from(tid).ok().filter(|&contig| contig < contigs);
            let there = match known {
                Some(contig) => {
                    format!("{}:{}", self.file.contigs().get(ContigId(contig)).name, position.saturating_add(1))
                }
                None if tid == -1 => "no place".into(),
                None => format!("contig number {} of {contigs}", i64::from(tid) + 1),
            };
            return Err(self.broken(&format!("the next record claims to be at {there}")));
        }
        if position < self.last {
            return Err(self.file.head().unsorted(tid, position));
        }
        self.last = position;
        Ok(())
    }
}
