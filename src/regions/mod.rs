//! Contigs, literals and BED files -> the work [`Region`]s of a run, in genome order, each position once.

mod bed;
mod chunks;
mod list;
mod literal;
mod primary;

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::Result;
use crate::genome::{ContigId, Contigs, Interval};

pub use chunks::Chunk;
pub use list::{Iter, Regions};

/// Length of a region in bp. Cuts lie on multiples of it, so that a region is the same whatever else is called.
pub const DEFAULT_REGION_SIZE: u64 = 1000;

/// A unit of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// Its index in genome order, from 0 without gaps.
    pub sequence: usize,
    /// Its contig.
    pub contig: ContigId,
    /// The positions whose variants it owns.
    pub interval: Interval,
}

/// Intervals by contig, sorted, neither overlapping nor touching.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Targets {
    by_contig: BTreeMap<ContigId, Vec<Interval>>,
}

impl Targets {
    /// All contigs, whole.
    #[must_use]
    pub fn whole(contigs: &Contigs) -> Self {
        let mut targets = Self::default();
        contigs.iter().for_each(|(id, contig)| targets.add(id, Interval::new(0, contig.length)));
        targets
    }

    /// Reads what users give: `chr20`, `chr20:1,000-2,000` (1-based, inclusive), `chr20:1000-` (to the end), `chr20:1000` (one
    /// position), BED files, plain or gzipped, several of them in one string with blanks or commas between them. A contig comes
    /// before a file of its name.
    ///
    /// # Errors
    /// [`Error::Parameter`](crate::error::Error::Parameter) for a literal that is malformed or names an unknown contig;
    /// [`Error::Input`](crate::error::Error::Input) with file and line for a BED file, also for one without any position.
    pub fn parse(values: &[String], contigs: &Contigs) -> Result<Self> {
        let mut targets = Self::default();
        for value in values {
            for piece in literal::pieces(value, contigs)? {
                match piece {
                    literal::Piece::Place(id, interval) => {
                        let contig = contigs.get(id);
                        if interval.end() > contig.length {
                            let (name, start, end) = (&contig.name, interval.start() + 1, interval.end());
                            log::warn!("region {name}:{start}-{end} is clipped to the contig's end, {}", contig.length);
                        }
                        targets.add(id, interval.intersect(Interval::new(0, contig.length)));
                    }
                    literal::Piece::File(path) => bed::read(path, contigs, |id, interval| targets.add(id, interval))?,
                }
            }
        }
        targets.merge();
        Ok(targets)
    }

    /// Reads one BED file.
    ///
    /// # Errors
    /// As [`Targets::parse`].
    pub fn from_bed(path: &Path, contigs: &Contigs) -> Result<Self> {
        let mut targets = Self::default();
        bed::read(path, contigs, |id, interval| targets.add(id, interval))?;
        targets.merge();
        Ok(targets)
    }

    /// Adds an interval.
    pub fn insert(&mut self, contig: ContigId, interval: Interval) {
        self.add(contig, interval);
        self.merge();
    }

    fn add(&mut self, contig: ContigId, interval: Interval) {
        if !interval.is_empty() {
            self.by_contig.entry(contig).or_default().push(interval);
        }
    }

    fn merge(&mut self) {
        for intervals in self.by_contig.values_mut() {
            intervals.sort_unstable();
            let mut merged: Vec<Interval> = Vec::with_capacity(intervals.len());
            for &interval in intervals.iter() {
                match merged.last_mut() {
                    Some(last) if interval.start() <= last.end() => {
                        *last = Interval::new(last.start(), last.end().max(interval.end()));
                    }
                    _ => merged.push(interval),
                }
            }
            *intervals = merged;
        }
    }

    /// The intervals grown by `padding` bp on both sides, within their contigs.
    #[must_use]
    pub fn padded(&self, padding: u64, contigs: &Contigs) -> Self {
        let mut targets = Self::default();
        self.iter().for_each(|(id, interval)| targets.add(id, interval.padded(padding, contigs.get(id).length)));
        targets.merge();
        targets
    }

    /// What of `interval` is in the targets, in order.
    pub fn parts_in(&self, contig: ContigId, interval: Interval) -> impl Iterator<Item = Interval> {
        let intervals = self.by_contig.get(&contig).map_or(&[][..], Vec::as_slice);
        let first = intervals.partition_point(|other| other.end() <= interval.start());
        let touching = intervals[first..].iter().take_while(move |other| other.start() < interval.end());
        touching.map(move |other| other.intersect(interval))
    }

    /// True where the position (0-based) is in one of the intervals.
    #[must_use]
    pub fn contains(&self, contig: ContigId, position: u64) -> bool {
        self.by_contig.get(&contig).is_some_and(|intervals| {
            let after = intervals.partition_point(|interval| interval.start() <= position);
            after > 0 && intervals[after - 1].contains(position)
        })
    }

    /// The intervals with their contigs, in genome order.
    pub fn iter(&self) -> impl Iterator<Item = (ContigId, Interval)> {
        self.by_contig.iter().flat_map(|(&contig, intervals)| intervals.iter().map(move |&interval| (contig, interval)))
    }

    /// The contigs that hold a position, in genome order.
    #[must_use]
    pub fn contigs(&self) -> Vec<ContigId> {
        self.by_contig.keys().copied().collect()
    }

    /// Summed length in bp.
    #[must_use]
    pub fn bases(&self) -> u64 {
        self.iter().map(|(_, interval)| interval.len()).sum()
    }

    /// Single positions (0-based), sorted, of some contigs.
    #[must_use]
    pub fn of_positions(positions: impl Iterator<Item = (ContigId, Vec<u64>)>) -> Self {
        let single = |position| Interval::new(position, position + 1);
        let mut targets = Self::default();
        for (contig, positions) in positions {
            for position in positions {
                targets.add(contig, single(position));
            }
        }
        targets.merge();
        targets
    }

    /// The complete regions of `size` bp that contain a position of the intervals, as in a run on the whole genome: so that single sites
    /// have the same evidence as in such a run.
    #[must_use]
    pub fn whole_regions(&self, size: u64, contigs: &Contigs) -> Regions {
        let size = size.max(1);
        let mut wide = Self::default();
        for (contig, interval) in self.iter() {
            let (start, end) = (interval.start() / size * size, interval.end().div_ceil(size) * size);
            wide.add(contig, Interval::new(start, end.min(contigs.get(contig).length)));
        }
        wide.merge();
        wide.regions(size)
    }

    /// Cuts the intervals at multiples of `size` bp.
    ///
    /// ```
    /// use varpix::genome::{Contig, Contigs};
    /// use varpix::regions::Targets;
    ///
    /// # fn main() -> varpix::error::Result<()> {
    /// let contigs = Contigs::new(vec![Contig { name: "chr20".into(), length: 5_000 }]);
    /// let targets = Targets::parse(&["chr20:501-2,500".into()], &contigs)?;
    /// let starts: Vec<u64> = targets.regions(1000).iter().map(|region| region.interval.start()).collect();
    /// assert_eq!(starts, [500, 1000, 2000]);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn regions(&self, size: u64) -> Regions {
        Regions::new(self, size)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;
    use crate::genome::Contig;

    fn contigs() -> Contigs {
        let contig = |name: &str, length| Contig { name: name.into(), length };
        Contigs::new(vec![contig("chr1", 5000), contig("chr2", 2500), contig("HLA:1", 100)])
    }

    fn parse(values: &[&str]) -> Targets {
        Targets::parse(&values.iter().map(|&v| v.to_owned()).collect::<Vec<_>>(), &contigs()).unwrap()
    }

    #[test]
    fn whole_regions_hold_what_is_asked_for() {
        let contigs = Contigs::new(vec![Contig { name: "1".into(), length: 2500 }]);
        let targets = Targets::parse(&["1:995-1005".into(), "1:2450".into()], &contigs).unwrap();
        let found: Vec<_> =
            targets.whole_regions(1000, &contigs).iter().map(|r| (r.interval.start(), r.interval.end())).collect();
        assert_eq!(found, [(0, 1000), (1000, 2000), (2000, 2500)]);
    }

    #[test]
    fn what_is_given_is_put_together() {
        let targets = parse(&["chr1:1,001-2,000 chr2", "HLA:1,chr1:1990-2010"]);
        let got: Vec<_> = targets.iter().collect();
        assert_eq!(
            got,
            [
                (ContigId(0), Interval::new(1000, 2010)),
                (ContigId(1), Interval::new(0, 2500)),
                (ContigId(2), Interval::new(0, 100)),
            ]
        );
        assert_eq!(targets.contigs(), [ContigId(0), ContigId(1), ContigId(2)]);
    }

    fn bed(text: &str) -> Targets {
        let mut file = tempfile::Builder::new().suffix(".bed").tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        Targets::from_bed(file.path(), &contigs()).unwrap()
    }

    #[test]
    fn bed_intervals_are_sorted_and_merged() {
        let targets = bed("track x\nchr2\t2000\t9000\nchr1\t5\t10\textra\nchr1\t8\t20\n\n");
        let got: Vec<_> = targets.iter().collect();
        assert_eq!(got, [(ContigId(0), Interval::new(5, 20)), (ContigId(1), Interval::new(2000, 2500))]);
    }

    #[test]
    fn parts_are_those_inside() {
        let targets = bed("chr1\t5\t10\nchr1\t20\t30\nchr1\t40\t50\n");
        let parts = |start, end| targets.parts_in(ContigId(0), Interval::new(start, end)).collect::<Vec<_>>();
        assert_eq!(parts(7, 25), [Interval::new(7, 10), Interval::new(20, 25)]);
        assert!(parts(10, 20).is_empty() && targets.parts_in(ContigId(1), Interval::new(0, 9)).next().is_none());
    }

    #[test]
    fn contains_is_exact() {
        let targets = bed("chr1\t5\t10\nchr1\t20\t30\n");
        let inside: Vec<_> = (0..40).filter(|&p| targets.contains(ContigId(0), p)).collect();
        assert_eq!(inside, (5..10).chain(20..30).collect::<Vec<u64>>());
    }

    proptest! {
        #[test]
        fn regions_cover_each_base_once(start in 0_u64..4000, length in 1_u64..1000, size in 1_u64..700) {
            let mut targets = Targets::default();
            targets.add(ContigId(0), Interval::new(start, start + length));
            targets.add(ContigId(1), Interval::new(7, 8));
            let regions: Vec<Region> = targets.regions(size).iter().collect();
            let mut next = start;
            for (i, region) in regions[..regions.len() - 1].iter().enumerate() {
                prop_assert_eq!(region.sequence, i);
                prop_assert_eq!(region.interval.start(), next);
                prop_assert!(region.interval.len() <= size && !region.interval.is_empty());
                next = region.interval.end();
            }
            prop_assert_eq!(next, start + length);
        }
    }
}
