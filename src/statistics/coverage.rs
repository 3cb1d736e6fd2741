//! Depths of regions ([`RegionDepths`]) -> how many positions have which depth: [`Coverage`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::histogram::Histogram;
use crate::alleles::Depths;
use crate::genome::{ContigId, ReferenceWindow};

/// Depths from here on are counted as this, in reads.
pub const DEEPEST: usize = 10_000;

/// Depths of one region, as far as they are counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegionDepths {
    contig: ContigId,
    /// Depths, ascending, each with its number of positions: few bytes, as many regions wait for their calls.
    counted: Vec<(u32, u32)>,
}

impl RegionDepths {
    /// The positions of a region for which `is_wanted` holds, but those of unknown reference.
    #[must_use]
    pub fn new(
        contig: ContigId,
        depths: &Depths,
        reference: &ReferenceWindow,
        is_wanted: impl Fn(u64) -> bool,
    ) -> Self {
        let known = |position: u64| reference.base(position.cast_signed()) != b'N';
        let all = (depths.interval.start()..).zip(&depths.positions);
        let wanted = all.filter(|(position, _)| known(*position) && is_wanted(*position));
        Self::counted(contig, wanted.map(|(_, at)| at.depth()).collect())
    }

    /// The same of a region without reads, whose reference bases are `bases`.
    #[must_use]
    pub fn uncovered(contig: ContigId, start: u64, bases: &[u8], is_wanted: impl Fn(u64) -> bool) -> Self {
        let all = (start..).zip(bases);
        let wanted = all.filter(|(position, base)| **base != b'N' && is_wanted(*position));
        Self::counted(contig, wanted.map(|_| 0).collect())
    }

    fn counted(contig: ContigId, mut depths: Vec<u32>) -> Self {
        depths.sort_unstable();
        let count = |same: &[u32]| (same[0], u32::try_from(same.len()).unwrap_or(u32::MAX));
        Self { contig, counted: depths.chunk_by(|a, b| a == b).map(count).collect() }
    }
}

/// Positions by their depth: reads that count, as in DP. Positions of unknown reference (N) are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Number of positions, by depth.
    counts: Vec<u64>,
    /// Positions and summed depth of each contig.
    contigs: BTreeMap<ContigId, (u64, u64)>,
}

impl Coverage {
    /// Adds the positions of a region.
    pub fn add(&mut self, of: &RegionDepths) {
        let (mut positions, mut sum) = (0, 0);
        for &(depth, n) in &of.counted {
            let slot = usize::try_from(depth).unwrap_or(DEEPEST).min(DEEPEST);
            if self.counts.len() <= slot {
                self.counts.resize(slot + 1, 0);
            }
            self.counts[slot] += u64::from(n);
            positions += u64::from(n);
            sum += u64::from(depth) * u64::from(n);
        }
        let of_contig = self.contigs.entry(of.contig).or_default();
        *of_contig = (of_contig.0 + positions, of_contig.1 + sum);
    }

    /// The number of positions.
    #[must_use]
    pub fn positions(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Mean depth; 0 without positions.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "sums below 2^52")]
    pub fn mean(&self) -> f64 {
        let depth: u64 = self.contigs.values().map(|(_, depth)| depth).sum();
        depth as f64 / self.positions().max(1) as f64
    }

    /// Median depth.
    #[must_use]
    pub fn median(&self) -> usize {
        let (half, mut below) = (self.positions() / 2, 0);
        let middle = self.counts.iter().position(|n| {
            below += n;
            below > half
        });
        middle.unwrap_or(0)
    }

    /// Share of the positions with at least this depth; 0 without positions.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "positions of a genome")]
    pub fn share_from(&self, depth: usize) -> f64 {
        let deep: u64 = self.counts.iter().skip(depth).sum();
        deep as f64 / self.positions().max(1) as f64
    }

    /// Positions by depth.
    #[must_use]
    pub fn histogram(&self) -> Histogram {
        Histogram::of_counts((0_u64..).zip(self.counts.iter().copied()))
    }

    /// Positions and mean depth of each contig.
    #[allow(clippy::cast_precision_loss, reason = "sums below 2^52")]
    pub fn contigs(&self) -> impl Iterator<Item = (ContigId, u64, f64)> {
        self.contigs.iter().map(|(&id, &(positions, depth))| (id, positions, depth as f64 / positions.max(1) as f64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alleles::{CountOptions, count};
    use crate::genome::Interval;
    use crate::testing::ReadBuilder;

    #[test]
    fn positions_are_counted_by_depth() {
        let reference = ReferenceWindow::new(0, b"NNACGTACGTACGTACGT".to_vec());
        let reads = [ReadBuilder::new(2, "ACGTACGT").copies(3), ReadBuilder::new(6, "ACGT").copies(2)].concat();
        let interval = Interval::new(0, 12);
        let counts = count(interval, &reads, &reference, CountOptions::default());
        let mut depths = Depths::new(interval, Vec::new());
        depths.add(&reads, &counts, CountOptions::default());
        let of = |is_wanted: fn(u64) -> bool| RegionDepths::new(ContigId(0), &depths, &reference, is_wanted);
        let mut coverage = Coverage::default();
        coverage.add(&of(|_| true));
        // Copies of one read differ in nothing and count once each, as separate names.
        let deep = depths.position(6).unwrap().depth();
        let shallow = depths.position(3).unwrap().depth();
        assert!(deep > shallow && shallow > 0);
        assert_eq!(coverage.positions(), 10, "N is left out");
        assert!((coverage.share_from(1) - 0.8).abs() < 1e-9);
        let mut halves = Coverage::default();
        halves.add(&of(|position| position >= 6));
        halves.add(&of(|position| position < 6));
        assert_eq!(halves, coverage);
        let mut empty = Coverage::default();
        empty.add(&RegionDepths::uncovered(ContigId(1), 100, b"NNACG", |position| position < 104));
        assert_eq!((empty.positions(), empty.mean().to_bits(), empty.median()), (2, 0, 0));
        // As a journal keeps it.
        let kept = serde_json::to_string(&coverage).unwrap();
        assert_eq!(serde_json::from_str::<Coverage>(&kept).unwrap(), coverage);
        assert_eq!(coverage.median(), usize::try_from(shallow).unwrap());
        let mean = f64::from(4 * shallow + 4 * deep) / 10.0;
        assert!((coverage.mean() - mean).abs() < 1e-9);
        assert_eq!(coverage.histogram().counts.iter().sum::<u64>(), 10);
    }
}
