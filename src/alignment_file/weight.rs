//! The index of a reads file -> compressed bytes by position, as a measure of the work.
//!
//! BAI: the linear index gives the file offset of each 16 kb window (SAM specification, section 5.1.3); CSI: its smallest bins do.
//! CRAM: a line of the `.crai` gives a slice's interval and its bytes (CRAM specification, section 12). Within a window bytes count as
//! spread evenly.

use super::BamFile;
use super::bins::BinIndex;
use super::file::Index;
use crate::genome::{ContigId, Interval};

/// Length of a window in bp.
const WINDOW: u64 = 1 << 14;

/// Compressed bytes of a reads file by position.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ByteCounts {
    /// For each contig of the file's header the bytes of its windows.
    windows: Vec<Vec<f64>>,
    /// Mean bytes of a slice of a CRAM, which is unpacked as a whole; 0 for a BAM.
    slice: f64,
}

impl ByteCounts {
    /// Counts from the file's index.
    #[must_use]
    pub fn of(file: &BamFile) -> Self {
        let mut counts = Self::new(file.contigs().iter().map(|(_, contig)| contig.length));
        match file.parsed_index() {
            Index::Bins(index) => counts.add_bins(index),
            Index::Slices(index) => {
                counts.slice = mean(index.slices.iter().map(|slice| slice.bytes));
                for slice in &index.slices {
                    let start = slice.start.saturating_sub(1);
                    if let Some(contig) = slice.contig {
                        counts.add(contig, Interval::new(start, start + slice.span), slice.bytes);
                    }
                }
            }
        }
        counts
    }

    fn new(lengths: impl Iterator<Item = u64>) -> Self {
        let windows = |length: u64| vec![0.0; usize::try_from(length.div_ceil(WINDOW)).unwrap_or(0)];
        Self { windows: lengths.map(windows).collect(), slice: 0.0 }
    }

    /// The windows that hold as much as others do, in order: a quarter at least of the window that half of all bytes lie in or below, by
    /// their windows' bytes. So neither a few stacks of reads (chrM, collapsed repeats) nor the thin rest beside targets decide, nor a slice
    /// of a CRAM with one stray read, which is spread thinly over all that lies between.
    pub fn full_windows(&self) -> impl Iterator<Item = (ContigId, Interval)> {
        let mut sorted: Vec<f64> = self.windows.iter().flatten().copied().filter(|bytes| *bytes > 0.0).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        let (all, mut below) = (sorted.iter().sum::<f64>(), 0.0);
        let mut reaches_half = |bytes: &f64| {
            below += bytes;
            below >= 0.5 * all
        };
        let typical = sorted.iter().copied().find(|bytes| reaches_half(bytes)).unwrap_or(0.0);
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

    /// Mean bytes of a slice of a CRAM, 0 for a BAM.
    #[must_use]
    pub fn slice(&self) -> f64 {
        self.slice
    }

    /// About how many bytes must be unpacked for the records of an interval: those from the start of its window on, or a slice at least.
    #[must_use]
    pub fn to_fetch(&self, contig: ContigId, interval: Interval) -> f64 {
        let from = interval.start() / WINDOW * WINDOW;
        let bytes = self.of_interval(contig, Interval::new(from, interval.end().max(from)));
        if bytes > 0.0 { bytes.max(self.slice) } else { 0.0 }
    }

    fn add_bins(&mut self, index: &BinIndex) {
        for (contig, bins) in index.contigs.iter().enumerate() {
            let length = 1 << index.min_shift;
            let windows = if bins.linear.is_empty() {
                index.smallest_bins(bins).collect()
            } else {
                (0..).zip(bins.linear.iter().copied()).collect()
            };
            self.add_offsets(contig, length, windows, bins.end());
        }
    }

    /// Adds what lies between the virtual offsets of a contig's windows of `length` bp; `end` is the offset behind its last record.
    fn add_offsets(&mut self, contig: usize, length: u64, windows: Vec<(u64, u64)>, end: Option<u64>) {
        let Some(end) = end else { return };
        let mut windows: Vec<(u64, u64)> = windows.into_iter().map(|(i, at)| (i, at >> 16)).collect();
        windows.sort_unstable();
        let mut next = end >> 16;
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

#[allow(clippy::cast_precision_loss, reason = "bytes of files, below 2^52")]
fn mean(bytes: impl Iterator<Item = u64>) -> f64 {
    let (count, sum) = bytes.fold((0_u64, 0_u64), |(count, sum), bytes| (count + 1, sum.saturating_add(bytes)));
    sum as f64 / count.max(1) as f64
}

/// The windows that an interval lies in, and how much of each it takes.
#[allow(clippy::cast_precision_loss, reason = "lengths up to that of a window")]
fn overlapped(interval: Interval) -> impl Iterator<Item = (usize, f64)> {
    (interval.start() / WINDOW..interval.end().div_ceil(WINDOW)).map(move |window| {
        let shared = interval.intersect(Interval::new(window * WINDOW, (window + 1) * WINDOW)).len();
        (usize::try_from(window).unwrap_or(usize::MAX), shared as f64 / WINDOW as f64)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offset(compressed: u64) -> u64 {
        compressed << 16
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
    fn a_stack_of_reads_hides_no_other_windows() {
        // A small chromosome, and chrM at 300 times its depth.
        let mut counts = ByteCounts::new([1000 * WINDOW, WINDOW].into_iter());
        counts.add(0, Interval::new(0, 1000 * WINDOW), 1_000_000);
        counts.add(1, Interval::new(0, WINDOW), 300_000);
        assert_eq!(counts.full_windows().count(), 1001);
    }

    #[test]
    fn what_is_unpacked_begins_with_a_window_and_is_a_slice_at_least() {
        let mut counts = ByteCounts::new([3 * WINDOW].into_iter());
        counts.add(0, Interval::new(WINDOW, 2 * WINDOW), 1600);
        let (eighth, half) = (WINDOW + WINDOW / 8, WINDOW + WINDOW / 2);
        let of = |counts: &ByteCounts, start, end| counts.to_fetch(ContigId(0), Interval::new(start, end));
        assert!((of(&counts, eighth, half) - 800.0).abs() < 1e-9);
        assert!(of(&counts, 0, WINDOW).abs() < 1e-9);
        counts.slice = mean([500, 1500].into_iter());
        assert!((of(&counts, eighth, half) - 1000.0).abs() < 1e-9);
        assert!(of(&counts, 0, WINDOW).abs() < 1e-9, "nothing is there");
        assert!(mean(std::iter::empty()).abs() < 1e-9);
    }

    #[test]
    fn slices_of_a_cram_are_spread() {
        let mut counts = ByteCounts::new([1, 4 * WINDOW].into_iter());
        counts.add(1, Interval::new(WINDOW, 3 * WINDOW), 8000);
        let of = |start, end| counts.of_interval(ContigId(1), Interval::new(start, end));
        assert!((of(0, WINDOW) - 0.0).abs() < 1e-9);
        assert!((of(WINDOW, 2 * WINDOW) - 4000.0).abs() < 1e-9);
        // An index that lies costs nothing.
        counts.add(1, Interval::new(0, 1 << 60), 1);
    }
}
