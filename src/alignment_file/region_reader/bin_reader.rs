//! A BAM file, read interval by interval ([`BinReader`]).

use std::sync::Arc;

use rust_htslib::bam::{self, Read as _};

use super::NEAR_END;
use crate::alignment_file::BamFile;
use crate::alignment_file::bins::{BinIndex, Chunk};

/// Memory for unpacked BGZF blocks, in bytes for each open file. An index leads to the start of 16 kb of contig, so that a place in it is often in
/// a block that was read before.
const BLOCK_CACHE: i32 = 8 << 20;

/// A BAM file with what is left to read of an interval.
pub(super) struct BinReader {
    reader: bam::Reader,
    index: Arc<BinIndex>,
    /// The interval's contig.
    contig: usize,
    /// Where records of the interval may lie, the next one last.
    chunks: Vec<Chunk>,
    /// Virtual offset behind the chunk that is read, where one is.
    until: Option<u64>,
    /// A record behind the interval was read; the one after it shows whether the file is sorted there.
    beyond: bool,
    /// Where the records begin that reach beyond the start and to the end of an interval that was read.
    landmarks: [Option<Landmark>; 2],
    /// For which positions of this interval there is no landmark yet.
    wanted: [Option<i64>; 2],
}

/// A place in a file: the records of a contig before it end at or before a position.
#[derive(Clone, Copy)]
struct Landmark {
    contig: usize,
    position: i64,
    offset: u64,
}

impl BinReader {
    pub(super) fn open(file: &BamFile, index: &Arc<BinIndex>) -> rust_htslib::errors::Result<Self> {
        let reader = bam::Reader::from_path(file.path())?;
        keep_blocks(&reader);
        let index = Arc::clone(index);
        let (landmarks, wanted) = ([None; 2], [None; 2]);
        Ok(Self { reader, index, contig: 0, chunks: Vec::new(), until: None, beyond: false, landmarks, wanted })
    }

    /// Turns to an interval. An index leads to the start of 16 kb of contig; an interval that was read before may lead nearer.
    pub(super) fn fetch(&mut self, contig: usize, start: i64, end: i64) {
        (self.contig, self.until, self.beyond) = (contig, None, false);
        self.chunks.clear();
        if start >= end {
            return;
        }
        self.wanted = [Some(start), Some(start.max(end - NEAR_END))];
        self.chunks = self.index.chunks(contig, start.unsigned_abs(), end.unsigned_abs());
        let leads_here = |landmark: &&Landmark| landmark.contig == contig && landmark.position <= start;
        let nearest = self.landmarks.iter().flatten().filter(leads_here).map(|landmark| landmark.offset).max();
        if let Some(offset) = nearest {
            self.chunks.retain(|chunk| chunk.end > offset);
            for chunk in &mut self.chunks {
                chunk.start = chunk.start.max(offset);
            }
        }
        self.chunks.reverse();
    }

    /// Goes to where the next record begins; `None` behind the last chunk.
    pub(super) fn next_offset(&mut self) -> rust_htslib::errors::Result<Option<u64>> {
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

    /// Reads the record there; `None` at the end of the file, where the last chunk may end behind the empty block that ends it.
    pub(super) fn read(&mut self, record: &mut bam::Record) -> Option<rust_htslib::errors::Result<()>> {
        self.reader.read(record)
    }

    /// Whether the record that was read is behind one that lies behind the interval.
    pub(super) fn is_done(&self) -> bool {
        self.beyond
    }

    /// The record that was read lies behind the interval: only one more is read.
    pub(super) fn end_here(&mut self) {
        self.beyond = true;
        self.chunks.clear();
    }

    /// Takes a note of the place of a record that starts before the interval's end and ends at `end`.
    pub(super) fn note(&mut self, end: i64, offset: u64) {
        for (landmark, wanted) in self.landmarks.iter_mut().zip(&mut self.wanted) {
            if let Some(position) = wanted.take_if(|position| end > *position) {
                *landmark = Some(Landmark { contig: self.contig, position, offset });
            }
        }
    }

    /// Whether the index leads to a record over `start..end` at an offset. `before` is the start of the record before, where there is one: most
    /// records lie in its window.
    pub(super) fn leads_to(&self, before: i64, start: i64, end: i64, at: u64) -> bool {
        let window = |position: i64| position.max(0) >> self.index.min_shift;
        let is_there = before != i64::MIN && window(before) == window(start) && window(end - 1) == window(start);
        is_there || self.index.leads_to(self.contig, start.unsigned_abs(), end.unsigned_abs(), at)
    }
}

/// Lets htslib keep the blocks it unpacked last; rust-htslib has no call for it.
#[allow(unsafe_code, reason = "one call of htslib's C interface on a file that is open")]
fn keep_blocks(reader: &bam::Reader) {
    // SAFETY: the reader owns an open htsFile, and nothing reads from it meanwhile.
    unsafe { rust_htslib::htslib::hts_set_cache_size(reader.htsfile(), BLOCK_CACHE) };
}
