//! A reads file -> the reason it cannot be trusted, before any work is done on it.
//!
//! bcftools and freebayes return 0 with calls missing on a BAM that is cut short, unsorted, or beside another BAM's
//! index. Each of these is found here, by reading a few blocks of the file.

use std::fs::File;
use std::io::{Read as _, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use noodles_bam::bai;
use noodles_csi::{self as csi, BinningIndex as _};
use rust_htslib::bam::{self, Read as _};

use super::source::BamFile;
use crate::error::{Error, Result};
use crate::genome::reference::with_suffix;
use crate::genome::{ContigId, Contigs, Interval};

/// The empty BGZF block that ends a whole BAM file (SAM specification, section 4.1.2).
const BGZF_EOF: [u8; 28] =
    [0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, 6, 0, 0x42, 0x43, 2, 0, 0x1b, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];
/// Records read from the start of the file to check their order.
const SAMPLED_RECORDS: usize = 5000;
/// Places of the index that are looked up in the file.
const SAMPLED_BINS: usize = 32;

/// Checks that the file is there, whole by its end, and has an index; returns the index's path.
pub(super) fn file_and_index(path: &Path) -> Result<PathBuf> {
    let cannot = |e: std::io::Error| Error::input(path, format!("cannot be read: {e}"));
    let mut file = File::open(path).map_err(|e| Error::input(path, format!("cannot be opened: {e}")))?;
    let length = file.metadata().map_err(cannot)?.len();
    if length == 0 {
        return Err(Error::input(path, "is empty; give an aligned, sorted and indexed BAM or CRAM file"));
    }
    let mut head = [0; 4];
    file.read_exact(&mut head).map_err(|_| Error::input(path, "is not a BAM or CRAM file"))?;
    let cram = head == *b"CRAM";
    if head[..2] == [0x1f, 0x8b] {
        ends_whole(path)?;
    } else if !cram {
        return Err(Error::input(path, "is not a BAM or CRAM file"));
    }
    find_index(path, cram)
}

/// Checks that a BGZF file ends with the block that says so.
pub(crate) fn ends_whole(path: &Path) -> Result<()> {
    let mut tail = [0; BGZF_EOF.len()];
    let mut file = File::open(path).map_err(|e| Error::input(path, format!("cannot be opened: {e}")))?;
    let end = file.seek(SeekFrom::End(0)).unwrap_or(0);
    let start = end.checked_sub(tail.len() as u64);
    let read = start.is_some_and(|start| {
        file.seek(SeekFrom::Start(start)).and_then(|_| file.read_exact(&mut tail)).is_ok() && tail == BGZF_EOF
    });
    if read {
        return Ok(());
    }
    Err(Error::input(
        path,
        format!("is cut short: its end-of-file block is missing at byte {end}; copy or make it again"),
    ))
}

fn find_index(path: &Path, cram: bool) -> Result<PathBuf> {
    let suffixes: &[&str] = if cram { &["crai"] } else { &["bai", "csi"] };
    let mut candidates = Vec::new();
    for suffix in suffixes {
        candidates.push(with_suffix(path, &format!(".{suffix}")));
        candidates.push(path.with_extension(suffix));
    }
    let found = candidates
        .iter()
        .find(|p| p.exists())
        .ok_or_else(|| Error::input(path, format!("has no index; make it with 'samtools index {}'", path.display())))?;
    let age = |p: &Path| p.metadata().and_then(|m| m.modified()).ok();
    if age(found) < age(path) {
        log::warn!("{} is older than {}; it is checked against it", found.display(), path.display());
    }
    Ok(found.clone())
}

/// The sentence for records out of order.
pub(super) fn unsorted(path: &Path, contigs: &Contigs, tid: i32, position: i64) -> Error {
    let name = usize::try_from(tid).ok().filter(|&i| i < contigs.len());
    let name = name.map_or("*", |i| contigs.get(ContigId(i)).name.as_str());
    Error::input(
        path,
        format!(
            "is not sorted by position: a record at {name}:{} follows a later one; sort it with samtools sort and index it",
            position + 1
        ),
    )
}

/// Checks the header's sort order, and the order of the first records.
pub(super) fn sort_order(file: &BamFile) -> Result<()> {
    let order = header_tag(file.header(), "@HD", "SO");
    if let Some(order @ ("unsorted" | "queryname")) = order {
        return Err(Error::input(
            file.path(),
            format!("is not sorted by position (header: SO:{order}); sort it with samtools sort and index it"),
        ));
    }
    let mut last = (0, i64::MIN);
    for record in first_records(file)? {
        let place = (if record.tid() < 0 { i32::MAX } else { record.tid() }, record.pos());
        if place < last {
            return Err(unsorted(file.path(), file.contigs(), record.tid(), record.pos()));
        }
        last = place;
    }
    Ok(())
}

/// Checks that places which the index names hold the reads it says, so that another file's index is found out.
pub(super) fn index_matches(file: &BamFile) -> Result<()> {
    // htslib first: it refuses a damaged index where noodles would try to allocate what the damage says.
    drop(file.indexed_reader()?);
    let Some(places) = index_places(file)? else { return Ok(()) };
    let stale = || {
        Error::input(
            file.index(),
            format!("is not the index of {0}; make it again with 'samtools index {0}'", file.path().display()),
        )
    };
    let mut reader = bam::Reader::from_path(file.path()).map_err(|_| stale())?;
    let mut record = bam::Record::new();
    for (tid, interval, offset) in places {
        let read = reader
            .seek(offset)
            .and_then(|()| reader.read(&mut record).unwrap_or(Err(rust_htslib::errors::Error::FileSeek)));
        let there = u64::try_from(record.pos()).ok();
        if read.is_err() || record.tid() != tid || there.is_none_or(|start| start >= interval.end()) {
            return Err(stale());
        }
    }
    Ok(())
}

/// Contig, interval and virtual file offset of some bins of a BAI or CSI index; `None` for CRAM's.
fn index_places(file: &BamFile) -> Result<Option<Vec<(i32, Interval, i64)>>> {
    let path = file.index();
    let unusable = |e: std::io::Error| unusable_index(file, &e);
    match path.extension().and_then(|e| e.to_str()) {
        Some("bai") => {
            let index = bai::fs::read(path).map_err(unusable)?;
            let bins = index.reference_sequences().iter().map(|s| bins_of(s.bins()));
            Ok(Some(sample_places(bins.collect(), index.min_shift(), index.depth())))
        }
        Some("csi") => {
            let index = csi::fs::read(path).map_err(unusable)?;
            let bins = index.reference_sequences().iter().map(|s| bins_of(s.bins()));
            Ok(Some(sample_places(bins.collect(), index.min_shift(), index.depth())))
        }
        _ => Ok(None),
    }
}

/// The sentence for an index that cannot be read.
pub(super) fn unusable_index(file: &BamFile, why: &dyn std::fmt::Display) -> Error {
    let make = format!("make it again with 'samtools index {}'", file.path().display());
    Error::input(file.index(), format!("is not a usable index ({why}); {make}"))
}

type BinMap = indexmap::IndexMap<usize, csi::binning_index::index::reference_sequence::Bin>;

/// Bin number and virtual offset of its first record.
fn bins_of(bins: &BinMap) -> Vec<(usize, u64)> {
    bins.iter().filter_map(|(&id, bin)| Some((id, u64::from(bin.chunks().first()?.start())))).collect()
}

fn sample_places(contigs: Vec<Vec<(usize, u64)>>, min_shift: u8, depth: u8) -> Vec<(i32, Interval, i64)> {
    let mut all: Vec<(i32, Interval, i64)> = contigs
        .into_iter()
        .enumerate()
        .flat_map(|(contig, bins)| bins.into_iter().map(move |(bin, offset)| (contig, bin, offset)))
        .filter_map(|(contig, bin, offset)| {
            Some((i32::try_from(contig).ok()?, bin_interval(bin, min_shift, depth), i64::try_from(offset).ok()?))
        })
        .collect();
    all.sort_unstable_by_key(|&(_, _, offset)| offset);
    let step = all.len().div_ceil(SAMPLED_BINS).max(1);
    let last = all.last().copied();
    all.into_iter().step_by(step).chain(last).collect()
}

/// The positions that a bin covers (CSI specification, `bin` numbering).
fn bin_interval(bin: usize, min_shift: u8, depth: u8) -> Interval {
    let bin = bin as u64;
    let first_of = |level: u8| ((1_u64 << (3 * level)) - 1) / 7;
    let level = (0..=depth).rev().find(|&level| first_of(level) <= bin).unwrap_or(0);
    let shift = min_shift + 3 * (depth - level);
    let start = (bin - first_of(level)) << shift;
    Interval::new(start, start + (1 << shift))
}

fn first_records(file: &BamFile) -> Result<Vec<bam::Record>> {
    let mut reader = bam::Reader::from_path(file.path()).map_err(|_| Error::input(file.path(), "cannot be opened"))?;
    if file.is_cram() {
        reader.set_reference(file.reference()).map_err(|e| {
            Error::input(file.path(), format!("reference {} does not serve: {e}", file.reference().display()))
        })?;
    }
    let mut records = Vec::with_capacity(SAMPLED_RECORDS);
    let mut last = (-1, 0);
    for outcome in reader.records().take(SAMPLED_RECORDS) {
        let record = outcome.map_err(|e| file.broken_at(last.0, last.1, &e))?;
        last = (record.tid(), record.pos());
        records.push(record);
    }
    Ok(records)
}

/// The value of `tag` in the first header line of `kind`.
fn header_tag<'a>(header: &'a str, kind: &str, tag: &str) -> Option<&'a str> {
    let line = header.lines().find(|line| line.starts_with(kind))?;
    line.split('\t').find_map(|field| field.strip_prefix(tag)?.strip_prefix(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_of_the_specification() {
        assert_eq!(bin_interval(0, 14, 5), Interval::new(0, 1 << 29));
        assert_eq!(bin_interval(4681, 14, 5), Interval::new(0, 1 << 14));
        assert_eq!(bin_interval(4682, 14, 5), Interval::new(1 << 14, 2 << 14));
        assert_eq!(bin_interval(585, 14, 5), Interval::new(0, 1 << 17));
    }

    #[test]
    fn header_tags() {
        let header = "@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:1\tLN:10\n";
        assert_eq!(header_tag(header, "@HD", "SO"), Some("coordinate"));
        assert_eq!(header_tag(header, "@HD", "GO"), None);
    }
}
