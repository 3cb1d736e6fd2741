//! [`Targets`] -> chunks of about equal work, and the context that a chunk needs to give the calls of a single run.
//!
//! Cuts lie on a grid, so that regions and reference blocks are cut there anyway. What crosses a cut all the same is a
//! deletion, and calls that overlap in a chain: [`Targets::context`] gives the regions beside a chunk that decide of these.

use super::{Region, Regions, Targets};
use crate::error::{Error, Parameter, Result};
use crate::genome::{ContigId, Interval};

/// Context of a chunk on both sides, in bp: longer than any chain of overlapping calls observed so far.
const CONTEXT: u64 = 3000;
/// How well the least weight of the heaviest chunk is found.
const PRECISION: f64 = 1e-6;

/// A part of the targets, and its weight.
#[derive(Clone, Debug, PartialEq)]
pub struct Chunk {
    /// The part.
    pub targets: Targets,
    /// Summed weight of its pieces.
    pub weight: f64,
}

impl Targets {
    /// Cuts the targets at multiples of `grid` bp into `count` chunks, in genome order, of about equal weight: the heaviest chunk is as light as it can be. Each
    /// holds something. `weigh` gives the weight of each piece of [`regions(grid)`](Targets::regions), none of them negative; a chunk's is their sum.
    ///
    /// # Errors
    /// [`Error::Parameter`] where there are fewer pieces than chunks, before anything is weighed; as `weigh`.
    pub fn chunks(
        &self,
        count: usize,
        grid: u64,
        weigh: impl FnOnce(&[Region]) -> Result<Vec<f64>>,
    ) -> Result<Vec<Chunk>> {
        let pieces: Vec<Region> = self.regions(grid).iter().collect();
        if count == 0 || count > pieces.len() {
            let n = pieces.len();
            let problem = format!("the regions consist of {n} piece(s) of {grid} bp; give 1 to {n} chunks");
            return Err(Error::parameter(Parameter::Chunks, count.to_string(), problem));
        }
        let weights = weigh(&pieces)?;
        if weights.len() != pieces.len() {
            return Err(Error::Internal(format!("{} pieces have {} weights", pieces.len(), weights.len())));
        }
        let mut first = 0;
        let chunk = |end| {
            let mut targets = Self::default();
            pieces[first..end].iter().for_each(|piece| targets.add(piece.contig, piece.interval));
            targets.merge();
            let weight = weights[first..end].iter().sum();
            first = end;
            Chunk { targets, weight }
        };
        Ok(even_ends(&weights, count).into_iter().map(chunk).collect())
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

/// Cuts a row of weights into `count` parts, each of one at least, and gives their ends. No part is heavier than the heaviest must be; within that, each is
/// about a fair share of what is left.
#[allow(clippy::cast_precision_loss, reason = "numbers of pieces, far below 2^52")]
fn even_ends(weights: &[f64], count: usize) -> Vec<usize> {
    let limit = least_limit(weights, count);
    let needed = parts_needed(weights, limit);
    let mut left: f64 = weights.iter().sum();
    let (mut ends, mut next) = (Vec::with_capacity(count), 0);
    for after in (0..count).rev() {
        let fair = left / (after + 1) as f64;
        let (first, mut done) = (next, 0.0);
        while next < weights.len() - after {
            let weight = weights[next];
            let must = next == first || after == 0 || needed[next] > after;
            // A piece goes where its middle is.
            if !must && (done + weight / 2.0 > fair || done + weight > limit) {
                break;
            }
            done += weight;
            next += 1;
        }
        left -= done;
        ends.push(next);
    }
    ends
}

/// The least weight of a part that `count` parts suffice with, to a millionth.
#[allow(clippy::cast_precision_loss, reason = "numbers of pieces, far below 2^52")]
fn least_limit(weights: &[f64], count: usize) -> f64 {
    let total: f64 = weights.iter().sum();
    let heaviest = weights.iter().copied().fold(0.0, f64::max);
    let (mut low, mut high) = (heaviest.max(total / count as f64), total.max(heaviest) * (1.0 + PRECISION));
    while high - low > PRECISION * high {
        let middle = f64::midpoint(low, high);
        if parts_needed(weights, middle)[0] <= count {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}

/// For each place the parts that are needed from there to the end, none of them above the limit, which no single weight exceeds.
fn parts_needed(weights: &[f64], limit: f64) -> Vec<usize> {
    let mut needed = vec![0; weights.len() + 1];
    let (mut end, mut sum) = (weights.len(), 0.0);
    for start in (0..weights.len()).rev() {
        sum += weights[start];
        while sum > limit && end > start + 1 {
            end -= 1;
            sum -= weights[end];
        }
        needed[start] = 1 + needed[end];
    }
    needed
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

    #[allow(clippy::cast_precision_loss, clippy::unnecessary_wraps, reason = "lengths of pieces; weights may fail")]
    fn bases(pieces: &[Region]) -> Result<Vec<f64>> {
        Ok(pieces.iter().map(|piece| piece.interval.len() as f64).collect())
    }

    fn sums(weights: &[f64], ends: &[usize]) -> Vec<f64> {
        let starts = std::iter::once(0).chain(ends.iter().copied());
        starts.zip(ends).map(|(start, &end)| weights[start..end].iter().sum()).collect()
    }

    #[test]
    fn the_heaviest_chunk_is_as_light_as_it_can_be() {
        // By shares of the sum alone the first chunk would have 6, since the middle of the second 3 is at the half.
        assert_eq!(even_ends(&[3.0, 3.0, 2.0, 1.0], 2), [2, 4]);
        assert_eq!(sums(&[1.0, 1.0, 9.0, 1.0, 1.0], &even_ends(&[1.0, 1.0, 9.0, 1.0, 1.0], 3)), [2.0, 9.0, 2.0]);
        // Four heavy pieces between light ones: pairs of them make 20, with which no light piece fits.
        let weights = [vec![1.0; 12], vec![10.0; 4], vec![1.0; 12]].concat();
        let of = sums(&weights, &even_ends(&weights, 4));
        assert!(of.iter().all(|&weight| weight <= 20.0), "{of:?}");
        assert_eq!(even_ends(&[0.0; 5], 3).len(), 3);
    }

    #[test]
    fn weight_counts_and_not_length() {
        let weight = |piece: &Region| if piece.interval.start() < 20_000 { 10.0 } else { 1.0 };
        let front_heavy = |pieces: &[Region]| Ok(pieces.iter().map(weight).collect());
        // 28 of the first contig and 10 of the second, of which the first two pieces have 20.
        let chunks = whole(100_000).chunks(2, 10_000, front_heavy).unwrap();
        assert_eq!(chunks.iter().map(|chunk| chunk.targets.bases()).collect::<Vec<_>>(), [20_000, 80_500]);
        assert_eq!(chunks.iter().map(|chunk| chunk.weight).collect::<Vec<_>>(), [20.0, 18.0]);
    }

    #[test]
    fn more_chunks_than_pieces_are_refused() {
        let unweighed = |_: &[Region]| -> Result<Vec<f64>> { panic!("it is too late") };
        assert_eq!(whole(15_000).chunks(3, 10_000, bases).unwrap().len(), 3);
        let message = whole(15_000).chunks(4, 10_000, unweighed).unwrap_err().to_string();
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

    /// The least weight of the heaviest of `count` parts, by trying all cuts.
    fn least(weights: &[f64], count: usize) -> f64 {
        let sum = |part: &[f64]| part.iter().sum::<f64>();
        if count == 1 {
            return sum(weights);
        }
        let rest = |cut: usize| sum(&weights[..cut]).max(least(&weights[cut..], count - 1));
        (1..=weights.len() - (count - 1)).map(rest).fold(f64::INFINITY, f64::min)
    }

    proptest! {
        #[test]
        fn no_chunk_is_heavier_than_the_heaviest_must_be(
            weights in prop::collection::vec(0.0_f64..9.0, 1..12), count in 1_usize..5,
        ) {
            prop_assume!(count <= weights.len());
            let heaviest = sums(&weights, &even_ends(&weights, count)).into_iter().fold(0.0, f64::max);
            prop_assert!(heaviest <= least(&weights, count) * (1.0 + 1e-5), "{} {}", heaviest, least(&weights, count));
        }

        /// Chunks hold each position once, in order, and none is empty, whatever the weights.
        #[test]
        fn chunks_tile(length in 1_u64..100_000, count in 1_usize..12, weights in prop::collection::vec(0.0_f64..9.0, 120)) {
            let targets = whole(length);
            let pieces = targets.regions(1000).len();
            prop_assume!(count <= pieces);
            let weight = |piece: &Region| {
                weights[piece.contig.0 * 100 + usize::try_from(piece.interval.start() / 1000).unwrap()]
            };
            let weigh = |pieces: &[Region]| Ok(pieces.iter().map(weight).collect());
            let chunks = targets.chunks(count, 1000, weigh).unwrap();
            prop_assert_eq!(chunks.len(), count);
            prop_assert!(chunks.iter().all(|chunk| chunk.targets.bases() > 0));
            let mut joined = Targets::default();
            let mut last = (ContigId(0), 0);
            for (contig, interval) in chunks.iter().flat_map(|chunk| chunk.targets.iter()) {
                prop_assert!((contig, interval.start()) >= last);
                last = (contig, interval.end());
                joined.add(contig, interval);
            }
            prop_assert_eq!(chunks.iter().map(|chunk| chunk.targets.bases()).sum::<u64>(), targets.bases());
            joined.merge();
            prop_assert_eq!(joined, targets);
        }
    }
}
