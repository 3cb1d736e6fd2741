//! [`AlleleCounts`] of any number of reads, in batches -> how many reads support each allele: [`Depths`].
//!
//! All depths come from here: those of candidates (DP, AD, ADF, ADR, MQ) and their thresholds, of given sites, of reference blocks
//! (`MIN_DP`), and of `varpix explain`. So they agree with each other: of an allele, ADF and ADR sum to AD; a position's depth is not
//! less than the sum of its AD. Reads are not kept: memory grows with the alleles, not with the reads.

use std::collections::BTreeMap;

use super::allele::{AlleleCount, ObservedAllele};
use super::counter::{AlleleCounts, CountOptions};
use super::joint::JointAlleles;
use crate::genome::{Interval, ReferenceWindow};
use crate::reads::Read;
use crate::variant::Allele;

/// Reads that count, on both strands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// All.
    pub all: u32,
    /// Of these, those on the reverse strand.
    pub reverse: u32,
}

impl Depth {
    /// Adds a read.
    pub fn add(&mut self, reverse: bool) {
        self.all += 1;
        self.reverse += u32::from(reverse);
    }

    fn plus(self, other: Self) -> Self {
        Self { all: self.all + other.all, reverse: self.reverse + other.reverse }
    }

    /// Less the reads of `other`, strand by strand, at least 0.
    fn minus(self, other: Self) -> Self {
        let reverse = self.reverse.saturating_sub(other.reverse);
        let forward = (self.all - self.reverse).saturating_sub(other.all - other.reverse);
        Self { all: forward + reverse, reverse }
    }
}

/// One position: the reads that count, by the allele they support.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PositionDepth {
    /// Those with the reference base.
    pub reference: Depth,
    /// Those with any other allele, soft clips included.
    alleles: BTreeMap<ObservedAllele, Depth>,
    mapping_quality_squares: u64,
}

impl PositionDepth {
    /// Adds the reads of a count.
    pub fn add(&mut self, count: &AlleleCount) {
        self.reference.all += count.reference;
        self.reference.reverse += count.reference_reverse;
        self.mapping_quality_squares += count.mapping_quality_squares;
        for seen in count.observations.iter().filter(|seen| seen.counts) {
            match self.alleles.get_mut(&seen.allele) {
                Some(depth) => depth.add(seen.reverse),
                None => {
                    self.alleles.insert(seen.allele.clone(), Depth { all: 1, reverse: u32::from(seen.reverse) });
                }
            }
        }
    }

    /// Reads that count: the depth that fractions are taken of. Soft clips are in it; low qualities and repeated records are not.
    #[must_use]
    pub fn depth(&self) -> u32 {
        self.reference.all + self.alleles.values().map(|depth| depth.all).sum::<u32>()
    }

    /// Reads that support an allele.
    #[must_use]
    pub fn of(&self, allele: &ObservedAllele) -> Depth {
        self.alleles.get(allele).copied().unwrap_or_default()
    }

    /// All alleles but the reference, with the reads that support them.
    pub fn alleles(&self) -> impl Iterator<Item = (&ObservedAllele, Depth)> {
        self.alleles.iter().map(|(allele, &depth)| (allele, depth))
    }

    /// Root mean square of the mapping qualities of the reads that count, Phred.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "sums below 2^52")]
    pub fn mapping_quality(&self) -> f64 {
        (self.mapping_quality_squares as f64 / f64::from(self.depth().max(1))).sqrt()
    }
}

/// How many reads support some alleles.
#[derive(Clone, Debug, PartialEq)]
pub struct AlleleDepths {
    /// Reads that count (DP).
    pub depth: u32,
    /// Of these, those with the reference (AD, ADR).
    pub reference: Depth,
    /// Those with each alternative allele (AD, ADR).
    pub alts: Vec<Depth>,
    /// Root mean square of the mapping qualities of the reads that count (MQ), Phred.
    pub mapping_quality: f64,
}

/// The depths of a region, position by position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Depths {
    /// The positions counted.
    pub interval: Interval,
    /// One for each of them, in order; empty where no read was counted.
    pub positions: Vec<PositionDepth>,
    /// Alleles that are counted as a whole: for each set, reads that support the reference, then each alternative.
    joint: Vec<(JointAlleles, Vec<Depth>)>,
}

impl Depths {
    /// Nothing counted yet.
    #[must_use]
    pub fn new(interval: Interval, joint: Vec<JointAlleles>) -> Self {
        let positions = vec![PositionDepth::default(); usize::try_from(interval.len()).unwrap_or(0)];
        let joint = joint.into_iter().map(|alleles| {
            let none = vec![Depth::default(); alleles.len()];
            (alleles, none)
        });
        Self { interval, positions, joint: joint.collect() }
    }

    /// Adds reads and their alleles, position by position; `counts` is of the same interval.
    pub fn add(&mut self, reads: &[Read], counts: &AlleleCounts, options: CountOptions) {
        for (depth, count) in self.positions.iter_mut().zip(&counts.counts) {
            depth.add(count);
        }
        for (alleles, depths) in &mut self.joint {
            for seen in alleles.observed_by(reads, options).filter(|seen| seen.counts) {
                depths[seen.allele].add(seen.reverse);
            }
        }
    }

    /// The depths of a position; `None` outside of the region.
    #[must_use]
    pub fn position(&self, position: u64) -> Option<&PositionDepth> {
        let slot = position.checked_sub(self.interval.start()).and_then(|slot| usize::try_from(slot).ok())?;
        self.positions.get(slot)
    }

    /// The observed alleles in normal form, with their depths.
    #[must_use]
    pub fn observed(&self, reference: &ReferenceWindow) -> BTreeMap<Allele, Depth> {
        let mut observed = BTreeMap::<Allele, Depth>::new();
        for (position, at) in (self.interval.start()..).zip(&self.positions) {
            for (allele, &depth) in &at.alleles {
                if let Some(normal) = allele.normal(position, reference) {
                    let sum = observed.entry(normal).or_default();
                    *sum = sum.plus(depth);
                }
            }
        }
        observed
    }

    /// Depths of alleles (in normal form) that begin at `position`. A read whose alignment has one of them elsewhere in the repeat supports
    /// it, and not the reference. `observed` is [`Depths::observed`].
    #[must_use]
    pub fn of_alleles(
        &self,
        position: u64,
        alleles: &[Allele],
        observed: &BTreeMap<Allele, Depth>,
        reference: &ReferenceWindow,
    ) -> AlleleDepths {
        let nothing = PositionDepth::default();
        let here = self.position(position).unwrap_or(&nothing);
        let alts: Vec<Depth> = alleles.iter().map(|allele| observed.get(allele).copied().unwrap_or_default()).collect();
        let observed_here = here
            .alleles
            .iter()
            .filter(|(allele, _)| allele.normal(position, reference).is_some_and(|normal| alleles.contains(&normal)));
        let observed_here = observed_here.fold(Depth::default(), |sum, (_, &depth)| sum.plus(depth));
        let all = alts.iter().fold(Depth::default(), |sum, &depth| sum.plus(depth));
        let of_reference = here.reference.minus(all.minus(observed_here));
        AlleleDepths {
            depth: here.depth().max(of_reference.all + all.all),
            reference: of_reference,
            alts,
            mapping_quality: here.mapping_quality(),
        }
    }

    /// Depths of alleles that are counted as a whole, or `None` where [`Depths::new`] was not given them.
    #[must_use]
    pub fn of_joint(&self, alleles: &JointAlleles) -> Option<AlleleDepths> {
        let (_, depths) = self.joint.iter().find(|(joint, _)| joint == alleles)?;
        let (&reference, alts) = depths.split_first()?;
        let nothing = PositionDepth::default();
        let here = self.position(alleles.interval().start()).unwrap_or(&nothing);
        Some(AlleleDepths {
            depth: here.depth().max(depths.iter().map(|depth| depth.all).sum()),
            reference,
            alts: alts.to_vec(),
            mapping_quality: here.mapping_quality(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alleles::count;
    use crate::testing::ReadBuilder;

    //                        0123456789
    const REFERENCE: &[u8] = b"GATTTTCAGTCCATGCAAGT";

    fn window() -> ReferenceWindow {
        ReferenceWindow::new(0, REFERENCE.to_vec())
    }

    fn depths(batches: &[Vec<Read>]) -> Depths {
        let interval = Interval::new(0, 20);
        let mut depths = Depths::new(interval, Vec::new());
        for reads in batches {
            let counts = count(interval, reads, &window(), CountOptions::default());
            depths.add(reads, &counts, CountOptions::default());
        }
        depths
    }

    fn reads(bases: &str, cigar: &str, n: usize) -> Vec<Read> {
        let read = ReadBuilder::new(0, bases).cigar(cigar);
        let (forward, reverse) = (read.clone().name("f").copies(n), read.reverse().name("r").copies(1));
        [forward, reverse].concat()
    }

    #[test]
    fn batches_sum_up() {
        let all = [reads("GATTTTCAGT", "10M", 3), reads("GATTTTCACT", "10M", 2), reads("GATTTTCACT", "10M", 4)];
        let (one, many) = (depths(&[all.concat()]), depths(&all));
        assert_eq!(one, many);
        let at = many.position(8).unwrap();
        assert_eq!((at.depth(), at.reference), (12, Depth { all: 4, reverse: 1 }));
        assert!((at.mapping_quality() - 60.0).abs() < 1e-9);
        assert_eq!(many.position(20), None);
    }

    #[test]
    fn an_allele_counts_wherever_in_its_repeat_it_is_aligned() {
        // One T less: at the left end of TTTT, and at its right end.
        let (left, right) = (reads("GATTTCAGT", "2M1D7M", 2), reads("GATTTCAGT", "5M1D4M", 4));
        let found = depths(&[left, right, reads("GATTTTCAGT", "10M", 1), reads("GATTTT", "6M", 0)]);
        let normal = Allele::new(4, b"TT", b"T").normal(&window());
        let observed = found.observed(&window());
        let of = found.of_alleles(normal.position, &[normal], &observed, &window());
        // Two reads of the last kind end before the deletion's end, and count as reference.
        assert_eq!(
            (of.depth, of.reference, of.alts),
            (11, Depth { all: 3, reverse: 2 }, vec![Depth { all: 8, reverse: 2 }])
        );
    }

    #[test]
    fn an_allele_without_reads_has_depth_0() {
        let found = depths(&[reads("GATTTTCAGT", "10M", 3)]);
        let normal = Allele::new(8, b"G", b"T").normal(&window());
        let of = found.of_alleles(8, &[normal], &found.observed(&window()), &window());
        assert_eq!((of.depth, of.reference.all, of.alts[0].all), (4, 4, 0));
        assert_eq!(depths(&[]).position(3), Some(&PositionDepth::default()));
    }
}
