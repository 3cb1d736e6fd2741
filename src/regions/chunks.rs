//! [`Targets`] -> chunks of about equal work, and the context that a chunk needs to give the calls of a single run.
//!
//! Cuts lie on a grid, so that regions and reference blocks are cut there anyway. What crosses a cut all the same is a
//! deletion, and calls that overlap in a chain: [`Targets::context`] gives the regions beside a chunk that decide of these.

use super::{Region, Regions, Targets};
use crate::error::{Error, Parameter, Result};
use crate::genome::{ContigId, Interval};

/// Context of a chunk on both sides, in bp: longer than any chain of overlapping calls observed so far.
const CONTEXT: u64 = 3000;

impl Targets {
    /// Cuts the targets at multiples of `grid` bp into `count` chunks, in genome order, whose summed `weight` is about equal. Each
    /// holds something.
    ///
    /// # Errors
    /// [`Error::Parameter`] where there are fewer pieces than chunks.
    pub fn chunks(&self, count: usize, grid: u64, weight: impl Fn(ContigId, Interval) -> f64) -> Result<Vec<Self>> {
        let pieces: Vec<Region> = self.regions(grid).iter().collect();
        if count == 0 || count > pieces.len() {
            let n = pieces.len();
            let problem = format!("the regions consist of {n} piece(s) of {grid} bp; give 1 to {n} chunks");
            return Err(Error::parameter(Parameter::Chunks, count.to_string(), problem));
        }
        let weights: Vec<f64> = pieces.iter().map(|piece| weight(piece.contig, piece.interval)).collect();
        let total: f64 = weights.iter().sum();
        let mut chunks = Vec::with_capacity(count);
        let (mut next, mut done) = (0, 0.0);
        for n in 1..=count {
            let mut chunk = Self::default();
            // Numbers of chunks, far below 2^52.
            #[allow(clippy::cast_precision_loss)]
            let goal = total * n as f64 / count as f64;
            let most = pieces.len() - (count - n);
            let first = next;
            // A piece goes where its middle is.
            while next < most && (next == first || n == count || done + weights[next] / 2.0 <= goal) {
                chunk.add(pieces[next].contig, pieces[next].interval);
                done += weights[next];
                next += 1;
            }
            chunk.merge();
            chunks.push(chunk);
        }
        Ok(chunks)
    }

    /// The regions of `all` that `chunk` lies in or that lie within some bp of it, numbered anew; `chunk` is made of whole
    /// regions.
    ///
    /// # Errors
    /// The first region (as [`Error::Internal`] would be unkind) that is only partly in the chunk, or the first place of the chunk
    /// that no region holds, as an interval.
    pub fn context(chunk: &Self, all: &Regions) -> Result<Regions, (ContigId, Interval)> {
        let mut kept = Self::default();
        let mut held = Self::default();
        for region in all {
            let inside = chunk.overlap(region.contig, region.interval);
            if inside > 0 && inside < region.interval.len() {
                return Err((region.contig, region.interval));
            }
            let interval = region.interval;
            let near = Interval::new(interval.start().saturating_sub(CONTEXT), interval.end() + CONTEXT);
            if inside > 0 {
                held.add(region.contig, interval);
            }
            if inside > 0 || chunk.overlap(region.contig, near) > 0 {
                kept.add(region.contig, interval);
            }
        }
        held.merge();
        kept.merge();
        let missing = chunk.iter().find(|&(contig, interval)| held.overlap(contig, interval) < interval.len());
        missing.map_or_else(|| Ok(kept.regions(all.size())), Err)
    }

    /// How many bp of an interval are in the targets.
    fn overlap(&self, contig: ContigId, interval: Interval) -> u64 {
        self.parts_in(contig, interval).map(Interval::len).sum()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn whole(length: u64) -> Targets {
        let mut targets = Targets::default();
        targets.insert(ContigId(0), Interval::new(0, length));
        targets.insert(ContigId(1), Interval::new(0, 500));
        targets
    }

    #[allow(clippy::cast_precision_loss)]
    fn bases(_: ContigId, interval: Interval) -> f64 {
        interval.len() as f64
    }

    #[test]
    fn weight_counts_and_not_length() {
        let front_heavy = |_: ContigId, interval: Interval| if interval.start() < 20_000 { 10.0 } else { 1.0 };
        // 28 of the first contig and 10 of the second, of which the first two pieces have 20.
        let chunks = whole(100_000).chunks(2, 10_000, front_heavy).unwrap();
        assert_eq!(chunks.iter().map(Targets::bases).collect::<Vec<_>>(), [20_000, 80_500]);
    }

    #[test]
    fn more_chunks_than_pieces_are_refused() {
        let message = whole(15_000).chunks(4, 10_000, bases).unwrap_err().to_string();
        assert!(message.contains("3 piece(s)") && message.contains("1 to 3 chunks"), "{message}");
    }

    #[test]
    fn context_is_of_the_targets_and_no_further() {
        let regions = whole(20_000).regions(1000);
        let mut chunk = Targets::default();
        chunk.insert(ContigId(0), Interval::new(10_000, 12_000));
        let kept = Targets::context(&chunk, &regions).unwrap();
        let places: Vec<_> = kept.iter().map(|r| (r.sequence, r.contig.0, r.interval.start())).collect();
        assert_eq!((places.first(), places.last(), places.len()), (Some(&(0, 0, 7000)), Some(&(7, 0, 14_000)), 8));
    }

    #[test]
    fn a_chunk_of_other_regions_is_found_out() {
        let regions = whole(20_000).regions(1000);
        for (interval, fault) in [((10_000, 12_500), (12_000, 13_000)), ((19_000, 30_000), (19_000, 30_000))] {
            let mut chunk = Targets::default();
            chunk.insert(ContigId(0), Interval::new(interval.0, interval.1));
            assert_eq!(Targets::context(&chunk, &regions).unwrap_err(), (ContigId(0), Interval::new(fault.0, fault.1)));
        }
    }

    proptest! {
        /// Chunks hold each position once, in order, and none is empty, whatever the weights.
        #[test]
        fn chunks_tile(length in 1_u64..100_000, count in 1_usize..12, weights in prop::collection::vec(0.0_f64..9.0, 120)) {
            let targets = whole(length);
            let pieces = targets.regions(1000).len();
            prop_assume!(count <= pieces);
            let weight = |contig: ContigId, interval: Interval| {
                weights[contig.0 * 100 + usize::try_from(interval.start() / 1000).unwrap()]
            };
            let chunks = targets.chunks(count, 1000, weight).unwrap();
            prop_assert_eq!(chunks.len(), count);
            prop_assert!(chunks.iter().all(|chunk| chunk.bases() > 0));
            let mut joined = Targets::default();
            let mut last = (ContigId(0), 0);
            for (contig, interval) in chunks.iter().flat_map(Targets::iter) {
                prop_assert!((contig, interval.start()) >= last);
                last = (contig, interval.end());
                joined.add(contig, interval);
            }
            prop_assert_eq!(chunks.iter().map(Targets::bases).sum::<u64>(), targets.bases());
            joined.merge();
            prop_assert_eq!(joined, targets);
        }
    }
}
