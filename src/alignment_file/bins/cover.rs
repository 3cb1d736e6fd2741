//! A BAM file and its index -> whether the index leads to each record of the file.
//!
//! Chunks of a good index, put in order, tile the file from its first record to the unplaced reads: each begins where one before
//! it ended. Whatever breaks that lost records, or is of another file. Where chunks do not touch, the file is asked whether a record lies
//! between (indexers spell the border of two blocks in two ways). That and the order of bins and windows costs as much as reading the
//! index. Then records themselves are compared with it: all of a small file, and samples of a large one.

use std::io;

use super::BinIndex;
use crate::alignment_file::records::{Place, Records};
use crate::genome::{ContigId, Contigs};

/// Files of up to so many bytes are compared whole; of larger ones so many stretches of as many records.
const SMALL_FILE: u64 = 4 << 20;
const STRETCHES: usize = 32;
const STRETCH: usize = 500;
/// Records read between chunks that do not touch, in all of a file.
const MOST_BETWEEN: u32 = 100_000;

/// What does not fit.
#[derive(Debug)]
pub(in crate::alignment_file) enum Misfit {
    /// The index says so, or fails to.
    Index(String),
    /// The reads file itself.
    File(io::Error),
}

type Fits = Result<(), Misfit>;

/// A chunk with what it is of.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Listed {
    start: u64,
    end: u64,
    contig: usize,
    bin: u32,
}

/// Checks that the index is that of the file, whole.
pub(in crate::alignment_file) fn check(index: &BinIndex, records: &mut Records, contigs: &Contigs) -> Fits {
    let mut chunks: Vec<Listed> = Vec::new();
    for (contig, bins) in index.contigs.iter().enumerate() {
        let of_bin = |bin: &super::Bin| {
            let bin = *bin;
            bins.chunks_of(&bin).iter().map(move |c| Listed { start: c.start, end: c.end, contig, bin: bin.id })
        };
        chunks.extend(bins.bins.iter().flat_map(of_bin));
    }
    chunks.sort_unstable();
    let first = records.first().map_err(Misfit::File)?;
    let of_contig = |bins: &super::ContigBins| -> Vec<u64> {
        let of_bins = bins.bins.iter().map(|bin| bin.first_overlap);
        bins.linear.iter().copied().chain(of_bins).chain(bins.chunks.iter().map(|chunk| chunk.start)).collect()
    };
    let mut entries: Vec<u64> = index.contigs.iter().flat_map(of_contig).filter(|&at| at != 0).collect();
    entries.sort_unstable();
    entries.dedup();
    let check = Check { index, contigs, entries };
    check.counts()?;
    check.tiling(&chunks, first, records)?;
    check.order_of_bins(&chunks, records)?;
    check.first_overlaps(records)?;
    check.records(&chunks, first, records)
}

struct Check<'a> {
    index: &'a BinIndex,
    contigs: &'a Contigs,
    /// Virtual offsets from which the index has records read, in order.
    entries: Vec<u64>,
}

impl Check<'_> {
    fn name(&self, contig: usize) -> &str {
        &self.contigs.get(ContigId(contig)).name
    }

    /// A record's position as text.
    fn place(&self, place: &Place) -> String {
        let contig = usize::try_from(place.contig).ok().filter(|&contig| contig < self.contigs.len());
        contig.map_or_else(
            || format!("contig number {}", i64::from(place.contig) + 1),
            |contig| format!("{}:{}", self.name(contig), place.start + 1),
        )
    }

    /// Contigs with reads have bins, and no others.
    fn counts(&self) -> Fits {
        for (contig, bins) in self.index.contigs.iter().enumerate() {
            if let Some(counts) = bins.counts
                && bins.chunks.is_empty() != (counts == [0, 0])
            {
                let what = if bins.chunks.is_empty() { "lists none of them" } else { "lists some" };
                let reads = counts[0].saturating_add(counts[1]);
                return Err(Misfit::Index(format!("it counts {reads} reads on {} but {what}", self.name(contig))));
            }
        }
        Ok(())
    }

    fn tiling(&self, chunks: &[Listed], first: u64, records: &mut Records) -> Fits {
        let (mut reached, mut contig, mut between) = (first, 0, 0);
        for chunk in chunks {
            if chunk.end >> 16 > records.file_length() {
                return Err(Misfit::Index("it points past the end of the file".into()));
            }
            if chunk.contig < contig || (chunk.contig > contig && chunk.start < reached) {
                let name = self.name(chunk.contig);
                return Err(Misfit::Index(format!("it mixes reads of {name} with those of other contigs")));
            }
            if chunk.start < first && begins_before(chunk.start, first, records) {
                return Err(Misfit::Index("it points into the file's header".into()));
            }
            if chunk.start > reached {
                self.nothing_between(reached, chunk.start, records, &mut between)?;
            }
            reached = reached.max(chunk.end);
            contig = chunk.contig;
        }
        self.nothing_between(reached, u64::MAX, records, &mut between)
    }

    /// Checks that no aligned read begins between two virtual offsets.
    fn nothing_between(&self, from: u64, to: u64, records: &mut Records, seen: &mut u32) -> Fits {
        let led_astray = |_| Misfit::Index("it points to an offset where no read begins".into());
        records.seek(from).map_err(led_astray)?;
        while let Some(place) = records.next().map_err(led_astray)? {
            *seen += 1;
            if place.at >= to || (place.contig < 0 && to == u64::MAX) {
                break;
            }
            if !place.unmapped || *seen > MOST_BETWEEN {
                return Err(Misfit::Index(format!("it does not list the read at {}", self.place(&place))));
            }
        }
        Ok(())
    }

    /// Checks that the bins of chunks in order can hold reads in order: a chunk begins with a read of its bin.
    fn order_of_bins(&self, chunks: &[Listed], records: &mut Records) -> Fits {
        let (mut contig, mut latest) = (0, 0);
        for chunk in chunks {
            let (from, to) = self.index.span(chunk.bin);
            if chunk.contig != contig {
                (contig, latest) = (chunk.contig, 0);
            }
            let wrong = || {
                let (name, from) = (self.name(contig), from + 1);
                Misfit::Index(format!("it misplaces the reads at {name}:{from}-{to}"))
            };
            // Reads with a contig and no position are in the bin before the first of the smallest ones, which lies far off.
            if from >= self.contigs.get(ContigId(contig)).length {
                let there = records.seek(chunk.start).and_then(|()| records.next());
                if there.ok().flatten().is_none_or(|place| place.start >= 0) {
                    return Err(wrong());
                }
                continue;
            }
            if to <= latest {
                return Err(wrong());
            }
            latest = latest.max(from);
        }
        Ok(())
    }

    /// Checks that offsets of windows lie among the contig's chunks, in order, and not behind what they must lead to.
    fn first_overlaps(&self, records: &mut Records) -> Fits {
        for (contig, bins) in self.index.contigs.iter().enumerate() {
            let first = bins.chunks.iter().map(|chunk| chunk.start).min().unwrap_or(0);
            let end = bins.end().unwrap_or(0);
            let wrong = |position: u64| {
                let name = self.name(contig);
                Misfit::Index(format!("it misplaces the reads from {name}:{} onwards", position + 1))
            };
            let mut before = 0;
            let windows = (0_u64..).zip(&bins.linear).map(|(window, &at)| (window << self.index.min_shift, at));
            let of_bins = bins.bins.iter().map(|bin| (self.index.span(bin.id).0, bin.first_overlap));
            let mut offsets: Vec<(u64, u64)> = windows.chain(of_bins).filter(|&(_, at)| at != 0).collect();
            offsets.sort_unstable();
            for (position, at) in offsets {
                if at < before || at < first || at >= end {
                    return Err(wrong(position));
                }
                before = at;
            }
            for bin in &bins.bins {
                let position = self.index.span(bin.id).0;
                let start = bins.chunks_of(bin).iter().map(|chunk| chunk.start).min();
                let least = self.index.lower_bound(contig, position);
                // Some indexers do not count unmapped reads as records here.
                if let Some(start) = start.filter(|&start| start < least) {
                    self.stretch(start, least, STRETCH, records)?;
                }
            }
        }
        Ok(())
    }

    /// Compares records with what the index says of them.
    fn records(&self, chunks: &[Listed], first: u64, records: &mut Records) -> Fits {
        if records.file_length() <= SMALL_FILE {
            return self.stretch(first, u64::MAX, usize::MAX, records);
        }
        for i in 0..STRETCHES {
            if let Some(chunk) = chunks.get(i * chunks.len() / STRETCHES) {
                self.stretch(chunk.start, u64::MAX, STRETCH, records)?;
            }
        }
        Ok(())
    }

    /// Compares the records from one virtual offset to another, at most so many.
    fn stretch(&self, from: u64, to: u64, most: usize, records: &mut Records) -> Fits {
        let astray = || Misfit::Index("it points to an offset where no read begins".into());
        records.seek(from).map_err(|_| astray())?;
        let mut entries = self.entries[self.entries.partition_point(|&entry| entry < from)..].iter().peekable();
        // Entries that no record begins at, with where the next one does.
        let mut elsewhere = Vec::new();
        for _ in 0..most {
            let Some(place) = records.next().map_err(Misfit::File)?.filter(|place| place.at < to) else { break };
            while let Some(&entry) = entries.next_if(|&&entry| entry <= place.at) {
                elsewhere.extend((entry < place.at).then_some((entry, place.at)));
            }
            // Order and validity of the records are checked when they are read for calling.
            let (Ok(contig), Ok(start)) = (usize::try_from(place.contig), u64::try_from(place.start)) else { continue };
            let end = place.end.unsigned_abs();
            if place.unmapped || start >= self.length(contig) {
                continue;
            }
            if !self.index.lists(contig, start, end, place.at) || !self.index.leads_to(contig, start, end, place.at) {
                return Err(Misfit::Index(format!("it does not reach the read at {}", self.place(&place))));
            }
        }
        for (entry, at) in elsewhere {
            if begins_before(entry, at, records) {
                return Err(astray());
            }
        }
        Ok(())
    }

    fn length(&self, contig: usize) -> u64 {
        if contig < self.contigs.len() { self.contigs.get(ContigId(contig)).length } else { 0 }
    }
}

/// Whether what is at a virtual offset lies before another one, and is not just its other spelling.
fn begins_before(at: u64, other: u64, records: &mut Records) -> bool {
    let there = records.seek(at).and_then(|()| records.here());
    there.ok().is_none_or(|there| there < other)
}
