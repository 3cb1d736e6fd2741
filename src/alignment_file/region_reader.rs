//! An interval of a contig -> the file's records that overlap it, or an error: never silently fewer records ([`RegionReader`]).
//!
//! htslib's iterator takes a record of another contig or behind the interval for the end, and passes over one that lies before it.
//! In a BAM each record that is read on the way is checked here: its contig, its position, its order, and whether the index leads to it.
//! A CRAM is read with htslib's iterator; its index was compared with its containers.

use std::sync::Arc;

use rust_htslib::bam::ext::BamRecordExtensions as _;
use rust_htslib::bam::{self, Read as _};

use super::BamFile;
use super::bins::{BinIndex, Chunk};
use super::file::Index;
use crate::error::{Error, Result};
use crate::genome::ContigId;

/// Memory for unpacked BGZF blocks, in bytes for each open file. An index leads to the start of 16 kb of contig, so fetching these
/// 16 kb region by region unpacks most blocks many times; they take 1 MB at 30x.
const BLOCK_CACHE: i32 = 8 << 20;

/// One thread's reader of a file, interval by interval.
pub struct RegionReader {
    file: BamFile,
    source: Source,
    /// What is asked for.
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
    Cram(bam::IndexedReader),
    /// A CRAM of no reads has an index that htslib does not take.
    Empty,
}

struct BinReader {
    reader: bam::Reader,
    index: Arc<BinIndex>,
    /// Where records of the interval may lie, the next one last.
    chunks: Vec<Chunk>,
    /// Virtual offset behind the chunk that is read, where one is.
    until: Option<u64>,
    /// A record behind the interval was read; the one after it shows whether the file is sorted there.
    beyond: bool,
}

impl RegionReader {
    /// Opens a file for one thread.
    ///
    /// # Errors
    /// [`Error::Input`] where it cannot be opened.
    pub fn open(file: &BamFile) -> Result<Self> {
        let cannot = |_| Error::input(file.path(), "cannot be opened");
        let source = match file.parsed_index() {
            Index::Bins(index) => {
                let reader = bam::Reader::from_path(file.path()).map_err(cannot)?;
                keep_blocks(&reader);
                let index = Arc::clone(index);
                Source::Bam(BinReader { reader, index, chunks: Vec::new(), until: None, beyond: false })
            }
            Index::Slices(slices) if slices.is_empty() => Source::Empty,
            Index::Slices(_) => {
                let mut reader = bam::IndexedReader::from_path_and_index(file.path(), file.index()).map_err(cannot)?;
                file.head().give_reference(|reference| reader.set_reference(reference))?;
                Source::Cram(reader)
            }
        };
        Ok(Self { file: file.clone(), source, tid: -1, start: 0, end: 0, length: 0, last: 0 })
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
        self.length = signed(self.file.contigs().get(ContigId(contig)).length);
        (self.tid, self.start, self.end, self.last) = (tid, signed(start), signed(end), i64::MIN);
        match &mut self.source {
            Source::Bam(bam) => {
                bam.chunks = if start < end { bam.index.chunks(contig, start, end) } else { Vec::new() };
                bam.chunks.reverse();
                (bam.until, bam.beyond) = (None, false);
            }
            Source::Cram(reader) => {
                let fetched = reader.fetch((tid, self.start, self.end));
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
                Source::Cram(reader) => {
                    // Iterators end with the first record that does not belong here, and leave it in `record`.
                    record.set_tid(self.tid);
                    record.set_pos(self.last.max(0));
                    match reader.read(record) {
                        None => {
                            if record.tid() == self.tid {
                                self.in_place(record)?;
                            }
                            return Ok(false);
                        }
                        Some(outcome) => outcome.map_err(|e| self.broken(&e))?,
                    }
                    None
                }
                Source::Bam(bam) => {
                    let Some(at) =
                        bam.next_offset().map_err(|e| self.file.broken_at(self.tid, self.last.max(self.start), &e))?
                    else {
                        return Ok(false);
                    };
                    match bam.reader.read(record) {
                        // The last chunk may end behind the empty block that ends the file.
                        None => return Ok(false),
                        Some(outcome) => outcome.map_err(|e| self.broken(&e))?,
                    }
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
                if bam.beyond {
                    return Ok(false);
                }
                // Most records lie in the window of the one before.
                let shift = bam.index.min_shift;
                let (first, last) = (start.max(0) >> shift, (end - 1).max(0) >> shift);
                if (first != last || first != before.max(0) >> shift || before == i64::MIN)
                    && !record.is_unmapped()
                    && !bam.leads_to(self.tid, start.unsigned_abs(), end.unsigned_abs(), at)
                {
                    let (index, path) = (self.file.index(), self.file.path().display());
                    let place = format!("{}:{}", self.contig(), start + 1);
                    let problem = format!(
                        "is not the index of {path} (it does not reach the read at {place}); recreate it with 'samtools index {path}'"
                    );
                    return Err(Error::input(index, problem));
                }
                if start >= self.end {
                    bam.beyond = true;
                    bam.chunks.clear();
                    continue;
                }
            }
            if start < self.end && end > self.start {
                return Ok(true);
            }
        }
    }

    fn contig(&self) -> &str {
        let contig = usize::try_from(self.tid).unwrap_or(0);
        &self.file.contigs().get(ContigId(contig)).name
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

impl BinReader {
    fn leads_to(&self, tid: i32, start: u64, end: u64, at: u64) -> bool {
        usize::try_from(tid).is_ok_and(|contig| self.index.leads_to(contig, start, end, at))
    }

    /// Goes to where the next record begins; `None` behind the last chunk.
    fn next_offset(&mut self) -> rust_htslib::errors::Result<Option<u64>> {
        loop {
            let at = self.reader.tell().cast_unsigned();
            if self.until.is_some_and(|until| at < until) {
                return Ok(Some(at));
            }
            let Some(chunk) = self.chunks.pop() else { return Ok(None) };
            if self.until.is_none() || at < chunk.start {
                self.reader.seek(chunk.start.cast_signed())?;
            }
            self.until = Some(chunk.end);
        }
    }
}

/// Lets htslib keep the blocks it unpacked last; rust-htslib has no call for it.
#[allow(unsafe_code, reason = "one call of htslib's C interface on a file that is open")]
fn keep_blocks(reader: &bam::Reader) {
    // SAFETY: the reader owns an open htsFile, and nothing reads from it meanwhile.
    unsafe { rust_htslib::htslib::hts_set_cache_size(reader.htsfile(), BLOCK_CACHE) };
}
