//! [`Depths`] -> [`ReferenceBlock`]s: intervals of positions with about the same confidence in hom-ref.
//!
//! Of `n` reads at a position, `r` support the reference. With an error rate of one in a thousand the likelihoods are
//! `0.999^r 0.001^(n-r)` (hom-ref), `0.5^n` (het) and `0.001^r 0.999^(n-r)` (hom-alt), normalised. The GQ of hom-ref ends at 50;
//! positions are joined while it stays in the same bin. Where the sample has one copy there is no het.

use rustc_hash::FxHashMap;

use crate::alleles::Depths;
use crate::genome::{ContigId, Interval, ReferenceWindow};
use crate::genotype::Ploidy;
use crate::genotype::likelihoods::IMPOSSIBLE;

/// Error rate of a read's bases.
const ERROR_RATE: f64 = 0.001;
/// Reads that count at most; of more, as many as that are taken in proportion.
const MOST_READS: u32 = 100;
/// Highest GQ of a reference block, Phred.
const MAX_QUALITY: i32 = 50;
/// GQ values in a bin: 0, then 1-5, 6-10 and so on.
pub const DEFAULT_QUALITY_BIN: i32 = 5;
/// Blocks end at multiples of this, in bp, so that runs cut there write the same blocks as one run.
pub const BLOCK_CUT: u64 = 10_000;

/// Positions without a called variant, with about the same confidence in hom-ref.
#[derive(Clone, Debug, PartialEq)]
pub struct ReferenceBlock {
    /// Its contig.
    pub contig: ContigId,
    /// Its positions.
    pub interval: Interval,
    /// True for `0/0`, false for `./.`: no reads, or hom-ref is not the most likely genotype.
    pub is_reference: bool,
    /// Least GQ of its positions, Phred.
    pub genotype_quality: i32,
    /// Least depth of its positions.
    pub min_depth: u32,
    /// Hom-ref, het and hom-alt, log10, of the first position with the least GQ.
    pub likelihoods: [f64; 3],
    /// True where the sample has one copy: het has no likelihood.
    pub haploid: bool,
}

impl ReferenceBlock {
    /// PL: Phred of each genotype relative to the most likely one, truncated.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, reason = "at most 100 reads of Phred 30")]
    pub fn phred_likelihoods(&self) -> [i32; 3] {
        let best = self.likelihoods.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        self.likelihoods.map(|l| if l.is_finite() { (-10.0 * (l - best)) as i32 } else { IMPOSSIBLE })
    }

    /// True where `next` begins at its end with the same genotype and a GQ of the same bin.
    fn goes_on_in(&self, next: &Self, bin: i32) -> bool {
        let joinable = |block: &Self| block.is_reference || block.min_depth == 0;
        self.contig == next.contig
            && self.interval.end() == next.interval.start()
            && joinable(self)
            && joinable(next)
            && self.is_reference == next.is_reference
            && self.haploid == next.haploid
            && quality_bin(self.genotype_quality, bin) == quality_bin(next.genotype_quality, bin)
    }

    fn join(&mut self, next: &Self) {
        self.interval = Interval::new(self.interval.start(), next.interval.end());
        if next.genotype_quality < self.genotype_quality {
            self.genotype_quality = next.genotype_quality;
            self.likelihoods = next.likelihoods;
        }
        self.min_depth = self.min_depth.min(next.min_depth);
    }
}

fn quality_bin(quality: i32, bin: i32) -> i32 {
    if quality == 0 { 0 } else { (quality - 1) / bin.max(1) + 1 }
}

/// Joins blocks that come in genome order, whatever regions they come from.
#[derive(Debug)]
pub struct Joiner {
    last: Option<ReferenceBlock>,
    bin: i32,
    cuts: bool,
}

impl Joiner {
    /// Joins while GQ stays in a bin of `bin` values.
    #[must_use]
    pub fn new(bin: i32) -> Self {
        Self { last: None, bin, cuts: false }
    }

    /// Never joins what meets at a multiple of [`BLOCK_CUT`].
    #[must_use]
    pub fn cutting(mut self) -> Self {
        self.cuts = true;
        self
    }

    /// Takes the next block; gives the one before where the two cannot be joined.
    pub fn push(&mut self, block: ReferenceBlock) -> Option<ReferenceBlock> {
        let cut = self.cuts && block.interval.start().is_multiple_of(BLOCK_CUT);
        match &mut self.last {
            Some(last) if !cut && last.goes_on_in(&block, self.bin) => {
                last.join(&block);
                None
            }
            _ => self.last.replace(block),
        }
    }

    /// True where blocks that end at `end` are joined with none that begins at `next` or later.
    #[must_use]
    pub fn parts(end: (ContigId, u64), next: (ContigId, u64)) -> bool {
        end != next || next.1.is_multiple_of(BLOCK_CUT)
    }

    /// Where the block begins that may still grow.
    #[must_use]
    pub fn waiting(&self) -> Option<(ContigId, u64)> {
        self.last.as_ref().map(|block| (block.contig, block.interval.start()))
    }

    /// Gives the last block.
    pub fn finish(&mut self) -> Option<ReferenceBlock> {
        self.last.take()
    }
}

/// The blocks of a region, in bins of `bin` values of GQ. Positions of unknown reference are in none.
#[must_use]
pub fn blocks(
    contig: ContigId,
    depths: &Depths,
    reference: &ReferenceWindow,
    ploidy: &Ploidy,
    bin: i32,
) -> Vec<ReferenceBlock> {
    let mut joiner = Joiner::new(bin).cutting();
    let mut blocks = Vec::new();
    let positions = (depths.interval.start()..).zip(&depths.positions);
    // Likelihoods are dear, and many positions have the same counts.
    let mut by_counts: FxHashMap<(u32, u32, bool), ReferenceBlock> = FxHashMap::default();
    for (position, at) in positions.filter(|(position, _)| reference.base(position.cast_signed()) != b'N') {
        let counts = (at.reference.all, at.depth(), ploidy.is_haploid(contig, position));
        let (of_reference, depth, haploid) = counts;
        let same = by_counts.entry(counts).or_insert_with(|| block(contig, position, of_reference, depth, haploid));
        blocks.extend(joiner.push(ReferenceBlock { interval: Interval::new(position, position + 1), ..same.clone() }));
    }
    blocks.extend(joiner.finish());
    blocks
}

fn block(contig: ContigId, position: u64, of_reference: u32, depth: u32, haploid: bool) -> ReferenceBlock {
    let likelihoods = likelihoods(of_reference, depth, haploid);
    let is_reference = depth > 0 && likelihoods[0] >= likelihoods[1] && likelihoods[0] >= likelihoods[2];
    ReferenceBlock {
        contig,
        interval: Interval::new(position, position + 1),
        is_reference,
        genotype_quality: reference_quality(likelihoods[0]),
        min_depth: depth,
        likelihoods,
        haploid,
    }
}

/// Hom-ref, het and hom-alt, log10, summing to 1.
fn likelihoods(of_reference: u32, depth: u32, haploid: bool) -> [f64; 3] {
    let total = depth.min(MOST_READS);
    let scaled = f64::from(of_reference) * f64::from(total) / f64::from(depth.max(1));
    let (n, r) = (f64::from(total), scaled.round());
    let (right, wrong) = ((1.0 - ERROR_RATE).log10(), ERROR_RATE.log10());
    let het = if haploid { f64::NEG_INFINITY } else { -n * 2.0_f64.log10() };
    let raw = [r * right + (n - r) * wrong, het, r * wrong + (n - r) * right];
    let best = raw.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum = best + raw.iter().map(|l| 10.0_f64.powf(l - best)).sum::<f64>().log10();
    raw.map(|likelihood| likelihood - sum)
}

/// Phred that hom-ref is wrong, rounded down.
#[allow(clippy::cast_possible_truncation, reason = "cut at 50")]
fn reference_quality(log10_reference: f64) -> i32 {
    let wrong = 1.0 - 10.0_f64.powf(log10_reference);
    if wrong <= 0.0 { MAX_QUALITY } else { ((-10.0 * wrong.log10()) as i32).clamp(0, MAX_QUALITY) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::alleles::{CountOptions, count};
    use crate::testing::ReadBuilder;

    fn at(of_reference: u32, depth: u32) -> ReferenceBlock {
        block(ContigId(0), 7, of_reference, depth, false)
    }

    #[test]
    fn blocks_part_at_gaps_and_cuts() {
        let place = |contig, position| (ContigId(contig), position);
        assert!(!Joiner::parts(place(0, 9_000), place(0, 9_000)));
        assert!(Joiner::parts(place(0, 10_000), place(0, 10_000)));
        assert!(Joiner::parts(place(0, 9_000), place(0, 9_001)));
        assert!(Joiner::parts(place(0, 9_000), place(1, 9_000)));
    }

    #[test]
    fn values_are_those_of_the_formula() {
        let sure = at(45, 45);
        assert_eq!((sure.is_reference, sure.genotype_quality, sure.phred_likelihoods()), (true, 50, [0, 135, 1349]));
        let less = at(24, 25);
        assert_eq!((less.is_reference, less.genotype_quality, less.phred_likelihoods()), (true, 45, [0, 45, 689]));
        let het = at(25, 55);
        assert_eq!((het.is_reference, het.genotype_quality), (false, 0));
        assert_eq!(
            (at(0, 0).is_reference, at(0, 0).phred_likelihoods(), at(0, 0).genotype_quality),
            (false, [0, 0, 0], 1)
        );
    }

    #[test]
    fn blocks_end_at_fixed_positions() {
        let mut joiner = Joiner::new(DEFAULT_QUALITY_BIN).cutting();
        let single = |position| block(ContigId(0), position, 30, 30, false);
        let mut found: Vec<_> = (BLOCK_CUT - 3..BLOCK_CUT + 2).filter_map(|at| joiner.push(single(at))).collect();
        found.extend(joiner.finish());
        let shape: Vec<_> = found.iter().map(|b| (b.interval.start(), b.interval.end())).collect();
        assert_eq!(shape, [(BLOCK_CUT - 3, BLOCK_CUT), (BLOCK_CUT, BLOCK_CUT + 2)]);
    }

    #[test]
    fn deep_positions_are_taken_in_proportion() {
        assert_eq!(at(5000, 5000).phred_likelihoods(), at(100, 100).phred_likelihoods());
        assert_eq!(at(2500, 5000).phred_likelihoods(), at(50, 100).phred_likelihoods());
    }

    #[test]
    fn blocks_break_where_the_bin_does() {
        let reference = ReferenceWindow::new(0, b"ACGTNACGTACGTACGTACG".to_vec());
        let reads = [ReadBuilder::new(0, "ACGTAACGTACG").copies(3), ReadBuilder::new(9, "ACG").copies(20)].concat();
        let counts = count(Interval::new(0, 16), &reads, &reference, CountOptions::default());
        let mut depths = Depths::new(counts.interval, Vec::new());
        depths.add(&reads, &counts, CountOptions::default());
        let found = blocks(ContigId(0), &depths, &reference, &Ploidy::default(), DEFAULT_QUALITY_BIN);
        let shape: Vec<_> = found
            .iter()
            .map(|b| (b.interval.start(), b.interval.end(), b.is_reference, b.genotype_quality, b.min_depth))
            .collect();
        // Three reads give 9; N is left out; nothing covers the end.
        assert_eq!(shape, [(0, 4, true, 9, 3), (5, 9, true, 9, 3), (9, 12, true, 50, 23), (12, 16, false, 1, 0)]);
    }

    #[test]
    fn of_one_copy_there_is_no_het() {
        let at = |of_reference, depth| block(ContigId(0), 7, of_reference, depth, true);
        // One of 24 reads has another base: 0.001^23 / 0.999^23 against it.
        let sure = at(24, 25);
        assert_eq!((sure.is_reference, sure.genotype_quality, sure.phred_likelihoods()), (true, 50, [0, 990, 689]));
        let one = at(1, 1);
        assert_eq!((one.is_reference, one.genotype_quality, one.phred_likelihoods()), (true, 29, [0, 990, 29]));
        // A position that would be het with two copies has with one copy the allele of most reads.
        let (more, less) = (at(15, 25), at(10, 25));
        assert!(more.is_reference && !less.is_reference);
        assert_eq!((at(0, 0).is_reference, at(0, 0).phred_likelihoods()), (false, [0, 990, 0]));
    }

    #[test]
    fn one_copy_and_two_are_not_joined() {
        let mut joiner = Joiner::new(DEFAULT_QUALITY_BIN);
        let found: Vec<_> = (0..4).filter_map(|at| joiner.push(block(ContigId(0), at, 30, 30, at >= 2))).collect();
        assert_eq!(found.iter().map(|b| (b.interval.end(), b.haploid)).collect::<Vec<_>>(), [(2, false)]);
    }

    proptest! {
        /// Blocks tile their region, and are the same wherever it is cut.
        #[test]
        fn cuts_do_not_show(depths in prop::collection::vec((0_u32..30, 0_u32..3), 2..60), cut in 1_usize..59) {
            prop_assume!(cut < depths.len());
            let singles: Vec<_> = depths
                .iter()
                .zip(0_u64..)
                .map(|(&(depth, others), position)| block(ContigId(0), position, depth.saturating_sub(others), depth, false))
                .collect();
            let joined = |parts: &[&[ReferenceBlock]]| {
                let mut whole = Joiner::new(DEFAULT_QUALITY_BIN);
                let mut out = Vec::new();
                for part in parts {
                    let mut local = Joiner::new(DEFAULT_QUALITY_BIN);
                    let mut of_part: Vec<_> = part.iter().filter_map(|block| local.push(block.clone())).collect();
                    of_part.extend(local.finish());
                    out.extend(of_part.into_iter().filter_map(|block| whole.push(block)));
                }
                out.extend(whole.finish());
                out
            };
            let whole = joined(&[&singles]);
            prop_assert_eq!(&whole, &joined(&[&singles[..cut], &singles[cut..]]));
            prop_assert!(whole.windows(2).all(|pair| pair[0].interval.end() == pair[1].interval.start()));
            prop_assert_eq!(whole.iter().map(|b| b.interval.len()).sum::<u64>(), depths.len() as u64);
        }
    }
}
