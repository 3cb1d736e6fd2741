//! [`Targets`] and a size -> [`Regions`], the work of a run in genome order.
//!
//! Regions are computed when they are asked for: a human genome has three million of 1 kb, whose list would take 100 MB.

use super::{Region, Targets};
use crate::genome::{ContigId, Interval};

/// Intervals cut at multiples of a size, in genome order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Regions {
    /// Length of a region, bp.
    size: u64,
    intervals: Vec<Cut>,
    len: usize,
}

/// An interval and the number of its first region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cut {
    first: usize,
    contig: ContigId,
    interval: Interval,
}

impl Regions {
    /// Cuts the intervals at multiples of `size` bp.
    pub(super) fn new(targets: &Targets, size: u64) -> Self {
        let size = size.max(1);
        let mut first = 0;
        let cut = |(contig, interval): (ContigId, Interval)| {
            let cut = Cut { first, contig, interval };
            let regions = interval.end().div_ceil(size) - interval.start() / size;
            // Fewer than there are bases.
            first += usize::try_from(regions).unwrap_or(usize::MAX);
            cut
        };
        let intervals = targets.iter().map(cut).collect();
        Self { size, intervals, len: first }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// True where there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Length of all but those that an interval's end makes shorter, bp.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The region of that number, counted from 0.
    #[must_use]
    pub fn get(&self, sequence: usize) -> Option<Region> {
        if sequence >= self.len {
            return None;
        }
        let after = self.intervals.partition_point(|cut| cut.first <= sequence);
        let cut = self.intervals.get(after.checked_sub(1)?)?;
        let whole = self.size * (cut.interval.start() / self.size + (sequence - cut.first) as u64);
        let interval = Interval::new(whole, whole + self.size).intersect(cut.interval);
        Some(Region { sequence, contig: cut.contig, interval })
    }

    /// All of them, in genome order.
    #[must_use]
    pub fn iter(&self) -> Iter<'_> {
        Iter { regions: self, next: 0 }
    }

    /// What they cover, in genome order.
    pub fn intervals(&self) -> impl Iterator<Item = (ContigId, Interval)> {
        self.intervals_before(self.len)
    }

    /// What those before the one of that number cover, in genome order.
    pub fn intervals_before(&self, sequence: usize) -> impl Iterator<Item = (ContigId, Interval)> {
        let end = self.get(sequence).map(|region| (region.contig, region.interval.start()));
        self.intervals.iter().map(|cut| (cut.contig, cut.interval)).map_while(move |(contig, interval)| match end {
            Some((last, end)) if contig == last && interval.contains(end) => {
                (interval.start() < end).then(|| (contig, Interval::new(interval.start(), end)))
            }
            Some(end) if (contig, interval.start()) >= end => None,
            _ => Some((contig, interval)),
        })
    }
}

/// Regions in genome order.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    regions: &'a Regions,
    next: usize,
}

impl Iterator for Iter<'_> {
    type Item = Region;

    fn next(&mut self) -> Option<Region> {
        let region = self.regions.get(self.next)?;
        self.next += 1;
        Some(region)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.regions.len() - self.next;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Iter<'_> {}

impl<'a> IntoIterator for &'a Regions {
    type Item = Region;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Walks along the intervals from cut to cut.
    fn walked(targets: &Targets, size: u64) -> Vec<Region> {
        let mut regions = Vec::new();
        for (contig, interval) in targets.iter() {
            let mut start = interval.start();
            while start < interval.end() {
                let end = ((start / size + 1) * size).min(interval.end());
                regions.push(Region { sequence: regions.len(), contig, interval: Interval::new(start, end) });
                start = end;
            }
        }
        regions
    }

    #[test]
    fn of_nothing_there_is_none() {
        let none = Regions::new(&Targets::default(), 1000);
        assert!(none.is_empty() && none.get(0).is_none() && none.iter().next().is_none());
        assert_eq!(
            (bases(none.intervals()), bases(none.intervals_before(0)), bases(none.intervals_before(7))),
            (0, 0, 0)
        );
    }

    fn bases(intervals: impl Iterator<Item = (ContigId, Interval)>) -> u64 {
        intervals.map(|(_, interval)| interval.len()).sum()
    }

    #[test]
    fn a_genome_of_regions_takes_no_memory() {
        let mut targets = Targets::default();
        targets.insert(ContigId(0), Interval::new(0, 3_100_000_000));
        let regions = Regions::new(&targets, 1000);
        assert_eq!((regions.len(), regions.intervals.len()), (3_100_000, 1));
        let last = regions.get(3_099_999).unwrap();
        assert_eq!((last.sequence, last.interval), (3_099_999, Interval::new(3_099_999_000, 3_100_000_000)));
        assert_eq!(bases(regions.intervals_before(3_000_000)), 3_000_000_000);
    }

    proptest! {
        #[test]
        fn each_is_found_by_its_number(
            intervals in prop::collection::vec((0_usize..4, 0_u64..5000, 1_u64..2000), 0..8),
            size in 1_u64..700,
        ) {
            let mut targets = Targets::default();
            for (contig, start, length) in intervals {
                targets.insert(ContigId(contig), Interval::new(start, start + length));
            }
            let (regions, walked) = (Regions::new(&targets, size), walked(&targets, size));
            prop_assert_eq!(regions.iter().collect::<Vec<_>>(), walked.clone());
            prop_assert_eq!((regions.len(), regions.iter().len()), (walked.len(), walked.len()));
            prop_assert_eq!(bases(regions.intervals()), targets.bases());
            for i in 0..=walked.len() {
                prop_assert_eq!(regions.get(i), walked.get(i).copied());
                prop_assert_eq!(bases(regions.intervals_before(i)), walked[..i].iter().map(|r| r.interval.len()).sum::<u64>());
            }
        }
    }
}
