//! The index of a reads file -> how many bytes of it are about each place, as a measure of the work there.
//!
//! BAI: the linear index gives the file offset of each 16 kb window (SAM specification, section 5.1.3); CSI: its smallest bins do.
//! CRAM: a line of the `.crai` gives a slice's place and its bytes (CRAM specification, section 12). Within a window bytes count as
//! spread evenly.

use std::fs::File;
use std::io::{BufRead as _, BufReader};

use noodles_bam::bai;
use noodles_bgzf::VirtualPosition;
use noodles_csi::binning_index::index::reference_sequence::{Bin, bin::Chunk};
use noodles_csi::{self as csi, BinningIndex as _};

use super::check::unusable_index;
use super::source::BamFile;
use crate::error::Result;
use crate::genome::{ContigId, Interval};

/// Length of a window in bp.
const WINDOW: u64 = 1 << 14;

/// Compressed bytes of a reads file by place.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ByteCounts {
    /// For each contig of the file's header the bytes of its windows.
    windows: Vec<Vec<f64>>,
}

impl ByteCounts {
    /// Reads the file's index.
    ///
    /// # Errors
    /// [`Error::Input`](crate::error::Error::Input) where it cannot be read.
    pub fn of(file: &BamFile) -> Result<Self> {
        let path = file.index();
        let failed = |e: std::io::Error| unusable_index(file, &e);
        let mut counts = Self::new(file.contigs().iter().map(|(_, contig)| contig.length));
        match path.extension().and_then(|e| e.to_str()) {
            Some("csi") => {
                let index = csi::fs::read(path).map_err(failed)?;
                // The smallest bins come last; bin `first` is the first window.
                let first = ((1_usize << (3 * index.depth())) - 1) / 7;
                for (contig, sequence) in index.reference_sequences().iter().enumerate() {
                    let windows =
                        sequence.index().iter().filter_map(|(&bin, &start)| Some((bin.checked_sub(first)?, start)));
                    let end = sequence.bins().values().flat_map(Bin::chunks).map(Chunk::end).max();
                    counts.add_offsets(contig, 1 << index.min_shift(), windows.collect(), end);
                }
            }
            Some("bai") => {
                let index = bai::fs::read(path).map_err(failed)?;
                for (contig, sequence) in index.reference_sequences().iter().enumerate() {
                    let windows = sequence.index().iter().copied().enumerate().collect();
                    let end = sequence.bins().values().flat_map(Bin::chunks).map(Chunk::end).max();
                    counts.add_offsets(contig, WINDOW, windows, end);
                }
            }
            _ => {
                let lines =
                    BufReader::new(flate2::read::MultiGzDecoder::new(File::open(path).map_err(failed)?)).lines();
                for line in lines {
                    let line = line.map_err(failed)?;
                    let slice = crai_line(&line).ok_or_else(|| unusable_index(file, &format!("line '{line}'")))?;
                    if let Slice { contig: Some(contig), span, bytes } = slice {
                        counts.add(contig, span, bytes);
                    }
                }
            }
        }
        Ok(counts)
    }

    fn new(lengths: impl Iterator<Item = u64>) -> Self {
        let windows = |length: u64| vec![0.0; usize::try_from(length.div_ceil(WINDOW)).unwrap_or(0)];
        Self { windows: lengths.map(windows).collect() }
    }

    /// The windows that hold as much as others do, in order: a quarter at least of what a byte finds about itself on average. A slice
    /// of a CRAM with one stray read is spread thinly over all that lies between.
    pub fn full_windows(&self) -> impl Iterator<Item = (ContigId, Interval)> {
        let all = || self.windows.iter().flatten();
        let typical = all().map(|bytes| bytes * bytes).sum::<f64>() / all().sum::<f64>().max(1.0);
        self.windows.iter().enumerate().flat_map(move |(contig, windows)| {
            (0_u64..)
                .zip(windows)
                .filter(move |(_, bytes)| **bytes > 0.25 * typical)
                .map(move |(i, _)| (ContigId(contig), Interval::new(i * WINDOW, (i + 1) * WINDOW)))
        })
    }

    /// Bytes about an interval of the contig, which is one of the file's header.
    #[must_use]
    pub fn of_interval(&self, contig: ContigId, interval: Interval) -> f64 {
        let Some(windows) = self.windows.get(contig.0) else { return 0.0 };
        let here = Interval::new(0, windows.len() as u64 * WINDOW);
        overlapped(interval.intersect(here)).map(|(window, share)| windows[window] * share).sum()
    }

    /// Adds what lies between the file offsets of a contig's windows of `length` bp; `end` is the offset behind its last record.
    fn add_offsets(
        &mut self,
        contig: usize,
        length: u64,
        windows: Vec<(usize, VirtualPosition)>,
        end: Option<VirtualPosition>,
    ) {
        let Some(end) = end else { return };
        let mut windows: Vec<(u64, u64)> = windows.into_iter().map(|(i, at)| (i as u64, at.compressed())).collect();
        windows.sort_unstable();
        let mut next = end.compressed();
        for (window, offset) in windows.into_iter().rev() {
            // Windows before the first read have offset 0.
            if offset == 0 || offset > next {
                continue;
            }
            self.add(contig, Interval::new(window * length, (window + 1) * length), next - offset);
            next = offset;
        }
    }

    /// Spreads bytes over an interval; what lies behind the contig's end is of nobody.
    #[allow(clippy::cast_precision_loss, reason = "bytes of files, below 2^52")]
    fn add(&mut self, contig: usize, interval: Interval, bytes: u64) {
        let Some(windows) = self.windows.get_mut(contig) else { return };
        let length = interval.len().max(1) as f64;
        let here = Interval::new(0, windows.len() as u64 * WINDOW);
        for (window, share) in overlapped(interval.intersect(here)) {
            windows[window] += bytes as f64 * share * WINDOW as f64 / length;
        }
    }
}

/// The windows that an interval lies in, and how much of each it takes.
#[allow(clippy::cast_precision_loss, reason = "lengths up to that of a window")]
fn overlapped(interval: Interval) -> impl Iterator<Item = (usize, f64)> {
    (interval.start() / WINDOW..interval.end().div_ceil(WINDOW)).map(move |window| {
        let shared = interval.intersect(Interval::new(window * WINDOW, (window + 1) * WINDOW)).len();
        (usize::try_from(window).unwrap_or(usize::MAX), shared as f64 / WINDOW as f64)
    })
}

/// A line of a CRAM index.
struct Slice {
    /// None for unplaced reads.
    contig: Option<usize>,
    span: Interval,
    bytes: u64,
}

/// Contig number, start (1-based), span, container offset, slice offset, slice bytes.
fn crai_line(line: &str) -> Option<Slice> {
    let numbers: Vec<i64> = line.split('\t').map(|field| field.parse().ok()).collect::<Option<_>>()?;
    let [contig, start, span, _, _, bytes] = numbers[..] else { return None };
    let start = u64::try_from(start - 1).unwrap_or(0);
    Some(Slice {
        contig: usize::try_from(contig).ok(),
        span: Interval::new(start, start + u64::try_from(span).ok()?),
        bytes: u64::try_from(bytes).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offset(compressed: u64) -> VirtualPosition {
        VirtualPosition::try_from((compressed, 0)).unwrap()
    }

    #[test]
    fn bytes_are_the_differences_of_offsets() {
        let mut counts = ByteCounts::new([3 * WINDOW].into_iter());
        // Nothing in the first window, 100 bytes in the second, 300 in the third.
        let windows = vec![(0, offset(0)), (1, offset(1000)), (2, offset(1100))];
        counts.add_offsets(0, WINDOW, windows, Some(offset(1400)));
        let of = |start, end| counts.of_interval(ContigId(0), Interval::new(start, end));
        assert!((of(0, WINDOW) - 0.0).abs() < 1e-9);
        assert!((of(WINDOW, 2 * WINDOW) - 100.0).abs() < 1e-9);
        assert!((of(2 * WINDOW, 2 * WINDOW + WINDOW / 2) - 150.0).abs() < 1e-9);
        assert!((of(0, 3 * WINDOW) - 400.0).abs() < 1e-9);
        // Behind the end there is nothing.
        assert!((of(2 * WINDOW, 1 << 60) - 300.0).abs() < 1e-9);
        assert!((counts.of_interval(ContigId(5), Interval::new(0, 9)) - 0.0).abs() < 1e-9);
    }

    #[test]
    fn thin_windows_are_left_out() {
        let mut counts = ByteCounts::new([1, 200 * WINDOW].into_iter());
        counts.add(1, Interval::new(0, 100 * WINDOW), 5000);
        counts.add(1, Interval::new(100 * WINDOW, 103 * WINDOW), 15_000);
        let starts: Vec<_> =
            counts.full_windows().map(|(contig, window)| (contig.0, window.start() / WINDOW)).collect();
        assert_eq!(starts, [(1, 100), (1, 101), (1, 102)]);
        assert_eq!(ByteCounts::new([5].into_iter()).full_windows().count(), 0);
    }

    #[test]
    fn slices_of_a_cram_are_spread() {
        let mut counts = ByteCounts::new([1, 4 * WINDOW].into_iter());
        let Slice { contig, span, bytes } = crai_line("1\t16385\t32768\t500\t30\t8000").unwrap();
        counts.add(contig.unwrap(), span, bytes);
        let of = |start, end| counts.of_interval(ContigId(1), Interval::new(start, end));
        assert!((of(0, WINDOW) - 0.0).abs() < 1e-9);
        assert!((of(WINDOW, 2 * WINDOW) - 4000.0).abs() < 1e-9);
        // An index that lies costs nothing.
        counts.add(1, Interval::new(0, 1 << 60), 1);
        assert!(crai_line("-1\t0\t0\t500\t30\t8000").unwrap().contig.is_none());
        assert!(crai_line("1\t2\t3").is_none() && crai_line("").is_none());
    }
}
