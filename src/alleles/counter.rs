//! Reads of a region -> one [`AlleleCount`] per position, by the rules of DeepVariant's allele counter.
//!
//! * A base aligned to the reference is an allele of its own position. Bases other than A, C, G, T are skipped.
//! * An insertion, deletion or soft clip is an allele of the position before it, its anchor, and replaces the read's base there.
//! * The quality is that of the base, or the mean of the bases inserted or clipped; deletions have none.
//! * A record that the file holds twice counts once, except for the reference base, which DeepVariant counts without regard to the read
//!   (as its outputs show: HG001, hg19 chr20:10,006,291).
//! * Only the region's positions are counted; the rest of a read is ignored.

use crate::genome::{Interval, ReferenceWindow};
use crate::reads::{CigarKind, Read, Segment};

use super::allele::{AlleleCount, AlleleKind, Observation, ObservedAllele};

/// Lowest base quality that counts, Phred.
pub const DEFAULT_MIN_BASE_QUALITY: u8 = 10;

/// Rules of counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountOptions {
    /// Lowest base quality that counts, Phred.
    pub min_base_quality: u8,
    /// Lowest mapping quality of a read that is counted, Phred.
    pub min_mapping_quality: u8,
}

impl Default for CountOptions {
    fn default() -> Self {
        Self { min_base_quality: DEFAULT_MIN_BASE_QUALITY, min_mapping_quality: 0 }
    }
}

/// The counts of a region, position by position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlleleCounts {
    /// The positions counted.
    pub interval: Interval,
    /// One for each of them, in order.
    pub counts: Vec<AlleleCount>,
}

impl AlleleCounts {
    /// Those of a part of the interval.
    #[must_use]
    pub fn within(mut self, interval: Interval) -> Self {
        let interval = self.interval.intersect(interval);
        let slot = |position: u64| usize::try_from(position - self.interval.start()).unwrap_or(usize::MAX);
        let (start, end) = (slot(interval.start()), slot(interval.end()));
        self.counts.truncate(end);
        self.counts.drain(..start.min(self.counts.len()));
        Self { interval, counts: self.counts }
    }
}

/// Counts the alleles of `reads` over `interval`. `reference` should hold the region and the deletions that begin in
/// it; a deletion that runs off it is not counted.
#[must_use]
pub fn count(interval: Interval, reads: &[Read], reference: &ReferenceWindow, options: CountOptions) -> AlleleCounts {
    counted(interval, reads, reference, options, false)
}

/// Counts only the alleles that differ from the reference and are of good quality, for less work: [`AlleleCount::observations`], without
/// most of those that do not count. The other fields tell nothing.
#[must_use]
pub fn count_differences(
    interval: Interval,
    reads: &[Read],
    reference: &ReferenceWindow,
    options: CountOptions,
) -> AlleleCounts {
    counted(interval, reads, reference, options, true)
}

fn counted(
    interval: Interval,
    reads: &[Read],
    reference: &ReferenceWindow,
    options: CountOptions,
    only_differences: bool,
) -> AlleleCounts {
    let length = usize::try_from(interval.len()).unwrap_or(0);
    let mut counter = Counter {
        start: interval.start().cast_signed(),
        counts: vec![AlleleCount::default(); length],
        changes: vec![Change::default(); length + 1],
        reference,
        min_base_quality: options.min_base_quality,
        only_differences,
    };
    for (i, read) in reads.iter().enumerate().filter(|(_, read)| read.mapping_quality >= options.min_mapping_quality) {
        let repeated = Read::is_repeated(reads, i);
        counter.add(u32::try_from(i).unwrap_or(u32::MAX), read, repeated);
    }
    AlleleCounts { interval, counts: counter.finish() }
}

struct Counter<'a> {
    start: i64,
    counts: Vec<AlleleCount>,
    /// How the counts of the reference base change from position to position, of what is not in `counts` yet; one more than there are positions.
    changes: Vec<Change>,
    reference: &'a ReferenceWindow,
    min_base_quality: u8,
    only_differences: bool,
}

/// By how much a position has more reads with the reference base and a good quality than the one before, and what these add up to.
#[derive(Clone, Copy, Default)]
struct Change {
    reads: i32,
    reverse: i32,
    mapping_quality_squares: i64,
}

/// Bases that are compared at once.
const CHUNK: usize = 16;

/// The read that is being added.
#[derive(Clone, Copy)]
struct Who {
    index: u32,
    reverse: bool,
    mapping_quality_square: u64,
    /// True where an earlier read is the same record.
    repeated: bool,
}

impl Who {
    fn counts(self, low_quality: bool) -> bool {
        !self.repeated && !low_quality
    }

    fn observation(self, allele: ObservedAllele, low_quality: bool) -> Observation {
        Observation { read: self.index, counts: self.counts(low_quality), reverse: self.reverse, allele }
    }
}

/// A read's allele at a position, held back until it is known that no indel replaces it.
enum Pending {
    Nothing,
    Base { position: i64, base: u8, quality: u8 },
    Other { position: i64, low_quality: bool, allele: ObservedAllele },
}

impl Counter<'_> {
    fn add(&mut self, index: u32, read: &Read, repeated: bool) {
        let mapping_quality_square = u64::from(read.mapping_quality).pow(2);
        let who = Who { index, reverse: read.reverse, mapping_quality_square, repeated };
        let mut pending = Pending::Nothing;
        let end = self.start + i64::try_from(self.counts.len()).unwrap_or(0);
        for segment in read.segments() {
            let (start, length) = (segment.position.cast_signed(), segment.length as usize);
            match segment.kind {
                CigarKind::Match if length > 0 => {
                    self.flush(who, std::mem::replace(&mut pending, Pending::Nothing));
                    // All but the last base, as far as they lie in the region.
                    let last = start + i64::from(segment.length) - 1;
                    let from = start.max(self.start);
                    let to = last.min(end);
                    if from < to {
                        let offset = |position: i64| segment.offset + usize::try_from(position - start).unwrap_or(0);
                        let there = offset(from)..offset(to);
                        self.add_bases(who, from, &read.bases[there.clone()], &read.qualities[there]);
                    }
                    let i = segment.offset + length - 1;
                    pending = Pending::Base { position: last, base: read.bases[i], quality: read.qualities[i] };
                }
                CigarKind::Insertion | CigarKind::Deletion | CigarKind::SoftClip if length > 0 => {
                    if let Some(other) = self.gap_allele(read, segment) {
                        let replaced = std::mem::replace(&mut pending, other);
                        if !anchored_at(&replaced, start - 1) {
                            self.flush(who, replaced);
                        }
                    }
                }
                _ => {}
            }
        }
        self.flush(who, pending);
    }

    /// The allele of an insertion, deletion or soft clip, or `None` where its anchor lies outside of the region or a
    /// base of it is not A, C, G or T.
    fn gap_allele(&self, read: &Read, gap: Segment) -> Option<Pending> {
        let position = gap.position.cast_signed() - 1;
        self.slot(position)?;
        let kind = match gap.kind {
            CigarKind::Deletion => AlleleKind::Deletion,
            CigarKind::Insertion => AlleleKind::Insertion,
            _ => AlleleKind::SoftClip,
        };
        let qualities = &read.qualities[gap.bases()];
        let sum: usize = qualities.iter().map(|&q| usize::from(q)).sum();
        let low_quality = sum < usize::from(self.min_base_quality) * qualities.len();
        let bases = gap_bases(read, gap, self.reference)?;
        Some(Pending::Other { position, low_quality, allele: ObservedAllele { kind, bases } })
    }

    fn flush(&mut self, who: Who, pending: Pending) {
        match pending {
            Pending::Nothing => {}
            Pending::Base { position, base, quality } => self.add_base(who, position, base, quality),
            Pending::Other { position, low_quality, allele } => {
                if let Some(slot) = self.slot(position) {
                    self.observe(slot, who, allele, low_quality);
                }
            }
        }
    }

    /// Adds bases of a region's positions from `from` on. Nearly all are the reference's and of good quality; runs of these cost nothing for each
    /// position.
    fn add_bases(&mut self, who: Who, from: i64, bases: &[u8], qualities: &[u8]) {
        let window = self.reference;
        let expected = i64::try_from(bases.len()).ok().and_then(|length| window.slice(from, from + length));
        let mut run = from;
        for start in (0..bases.len()).step_by(CHUNK) {
            let end = bases.len().min(start + CHUNK);
            // The last chunk begins earlier, so that it is as long as the others.
            let chunk = (
                bases[..end].last_chunk(),
                qualities[..end].last_chunk(),
                expected.and_then(|expected| expected[..end].last_chunk()),
            );
            if let (Some(bases), Some(qualities), Some(expected)) = chunk
                && self.is_plain::<CHUNK>(bases, qualities, expected)
            {
                continue;
            }
            for i in start..end {
                let (position, base, quality) = (from + i64::try_from(i).unwrap_or(0), bases[i], qualities[i]);
                let expected = expected.map_or_else(|| window.base(position), |expected| expected[i]);
                if !self.is_plain(&[base], &[quality], &[expected]) {
                    self.add_run(who, run, position);
                    self.add_base(who, position, base, quality);
                    run = position + 1;
                }
            }
        }
        self.add_run(who, run, from + i64::try_from(bases.len()).unwrap_or(0));
    }

    /// Whether all bases are the reference's and of good quality; where only differences count, whether none is of these. Without an early end, so
    /// that it is turned into vectors.
    #[allow(clippy::needless_bitwise_bool, reason = "branches are not turned into vectors")]
    fn is_plain<const N: usize>(&self, bases: &[u8; N], qualities: &[u8; N], expected: &[u8; N]) -> bool {
        let (least, mut plain) = (self.min_base_quality, true);
        if self.only_differences {
            for i in 0..N {
                plain &= (bases[i] == expected[i]) | (qualities[i] < least);
            }
        } else {
            for i in 0..N {
                plain &= (bases[i] == expected[i]) & (qualities[i] >= least) & (bases[i] != b'N');
            }
        }
        plain
    }

    /// Adds a run of reference bases of good quality, which may be empty.
    fn add_run(&mut self, who: Who, from: i64, to: i64) {
        if self.only_differences {
            return;
        }
        let squares = who.mapping_quality_square.cast_signed();
        for (position, sign) in [(from, 1), (to, -1)] {
            let change = &mut self.changes[usize::try_from(position - self.start).unwrap_or(0)];
            change.reads += sign;
            change.reverse += if who.reverse { sign } else { 0 };
            change.mapping_quality_squares += i64::from(sign) * squares;
        }
    }

    /// The counts, complete.
    fn finish(mut self) -> Vec<AlleleCount> {
        let mut here = Change::default();
        for (count, change) in self.counts.iter_mut().zip(&self.changes) {
            here.reads += change.reads;
            here.reverse += change.reverse;
            here.mapping_quality_squares += change.mapping_quality_squares;
            count.reference += here.reads.cast_unsigned();
            count.reference_reverse += here.reverse.cast_unsigned();
            count.mapping_quality_squares += here.mapping_quality_squares.cast_unsigned();
        }
        self.counts
    }

    fn add_base(&mut self, who: Who, position: i64, base: u8, quality: u8) {
        let Some(slot) = self.slot(position) else { return };
        let low_quality = quality < self.min_base_quality;
        if base == self.reference.base(position) && base != b'N' {
            let count = &mut self.counts[slot];
            count.reference += u32::from(!low_quality);
            count.reference_reverse += u32::from(!low_quality && who.reverse);
            count.mapping_quality_squares += if low_quality { 0 } else { who.mapping_quality_square };
            count.low_quality_reference += u32::from(low_quality);
        } else if is_base(base) {
            let allele = ObservedAllele { kind: AlleleKind::Substitution, bases: Box::new([base]) };
            self.observe(slot, who, allele, low_quality);
        }
    }

    fn observe(&mut self, slot: usize, who: Who, allele: ObservedAllele, low_quality: bool) {
        let count = &mut self.counts[slot];
        count.mapping_quality_squares += if who.counts(low_quality) { who.mapping_quality_square } else { 0 };
        count.observations.push(who.observation(allele, low_quality));
    }

    fn slot(&self, position: i64) -> Option<usize> {
        usize::try_from(position - self.start).ok().filter(|&slot| slot < self.counts.len())
    }
}

/// The bases of an insertion, deletion or soft clip, its anchor first; `None` where one is not A, C, G or T, and for other operations.
pub(super) fn gap_bases(read: &Read, gap: Segment, reference: &ReferenceWindow) -> Option<Box<[u8]>> {
    let position = gap.position.cast_signed() - 1;
    let anchor = match gap.offset.checked_sub(1) {
        Some(before) => read.bases[before],
        None => reference.base(position),
    };
    let rest = match gap.kind {
        CigarKind::Deletion => reference.slice(position + 1, position + 1 + i64::from(gap.length))?,
        CigarKind::Insertion | CigarKind::SoftClip => &read.bases[gap.bases()],
        _ => return None,
    };
    let is_known = is_base(anchor) && !rest.is_empty() && rest.iter().all(|&base| is_base(base));
    is_known.then(|| std::iter::once(anchor).chain(rest.iter().copied()).collect())
}

fn anchored_at(pending: &Pending, anchor: i64) -> bool {
    match pending {
        Pending::Nothing => true,
        Pending::Base { position, .. } | Pending::Other { position, .. } => *position == anchor,
    }
}

fn is_base(base: u8) -> bool {
    matches!(base, b'A' | b'C' | b'G' | b'T')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::alleles::PositionDepth;
    use crate::testing::ReadBuilder;

    //                        0123456789
    const REFERENCE: &[u8] = b"ACGTACGTACGTACGTACGT";

    fn counts(reads: &[Read]) -> Vec<AlleleCount> {
        let window = ReferenceWindow::new(0, REFERENCE.to_vec());
        count(Interval::new(0, 20), reads, &window, CountOptions::default()).counts
    }

    fn depth(count: &AlleleCount) -> u32 {
        let mut depth = PositionDepth::default();
        depth.add(count);
        depth.depth()
    }

    fn only(count: &AlleleCount) -> (AlleleKind, &[u8], bool) {
        assert_eq!(count.observations.len(), 1, "{count:?}");
        let seen = &count.observations[0];
        (seen.allele.kind, &seen.allele.bases, seen.counts)
    }

    #[test]
    fn matches_and_substitutions() {
        let counts = counts(&[ReadBuilder::new(2, "GTTC").cigar("4M").build()]);
        assert_eq!((counts[2].reference, counts[3].reference, counts[5].reference), (1, 1, 1));
        assert_eq!(only(&counts[4]), (AlleleKind::Substitution, b"T".as_slice(), true));
        assert_eq!(counts[6], AlleleCount::default());
    }

    #[test]
    fn low_quality_counts_for_nothing_but_is_kept() {
        let counts = counts(&[ReadBuilder::new(2, "GA").cigar("2M").qualities(&[9, 9]).build()]);
        assert_eq!((counts[2].reference, counts[2].low_quality_reference, depth(&counts[2])), (0, 1, 0));
        assert_eq!(only(&counts[3]), (AlleleKind::Substitution, b"A".as_slice(), false));
    }

    #[test]
    fn reads_of_low_mapping_quality_are_not_counted() {
        let window = ReferenceWindow::new(0, REFERENCE.to_vec());
        let options = CountOptions { min_mapping_quality: 20, ..CountOptions::default() };
        let read = |quality| ReadBuilder::new(2, "GT").mapping_quality(quality).build();
        let counts = count(Interval::new(0, 20), &[read(19), read(20)], &window, options).counts;
        assert_eq!(counts[2].reference, 1);
    }

    #[test]
    fn a_repeated_record_counts_once() {
        let read = ReadBuilder::new(2, "GA").build();
        let counts = counts(&[read.clone(), read]);
        assert_eq!((counts[2].reference, depth(&counts[3])), (2, 1));
        let counted: Vec<_> = counts[3].observations.iter().map(|o| (o.read, o.counts)).collect();
        assert_eq!(counted, [(0, true), (1, false)]);
    }

    #[test]
    fn n_is_skipped() {
        assert_eq!(counts(&[ReadBuilder::new(2, "GNA").cigar("3M").build()])[3], AlleleCount::default());
    }

    #[test]
    fn an_insertion_replaces_its_anchor() {
        let counts = counts(&[ReadBuilder::new(2, "GTCCAC").cigar("2M2I2M").build()]);
        assert_eq!(only(&counts[3]), (AlleleKind::Insertion, b"TCC".as_slice(), true));
        assert_eq!((counts[2].reference, counts[3].reference, counts[4].reference), (1, 0, 1));
    }

    #[test]
    fn a_deletion_is_anchored_before_it_with_the_reads_base() {
        let counts = counts(&[ReadBuilder::new(2, "GAGT").cigar("2M2D2M").build()]);
        assert_eq!(only(&counts[3]), (AlleleKind::Deletion, b"AAC".as_slice(), true));
        assert_eq!(counts[4], AlleleCount::default());
        assert_eq!(counts[6].reference, 1);
    }

    #[test]
    fn insertion_quality_is_the_mean() {
        let read = ReadBuilder::new(2, "GTCCAC").cigar("2M2I2M");
        assert!(only(&counts(&[read.clone().qualities(&[30, 30, 2, 18, 30, 30]).build()])[3]).2);
        assert!(!only(&counts(&[read.qualities(&[30, 30, 2, 17, 30, 30]).build()])[3]).2);
    }

    #[test]
    fn clips_at_both_ends() {
        let counts = counts(&[ReadBuilder::new(2, "TTGTAA").cigar("2S2M2S").build()]);
        assert_eq!(only(&counts[1]), (AlleleKind::SoftClip, b"CTT".as_slice(), true));
        assert_eq!(only(&counts[3]), (AlleleKind::SoftClip, b"TAA".as_slice(), true));
        assert_eq!(counts[2].reference, 1);
    }

    #[test]
    fn an_indel_of_unknown_bases_leaves_the_anchors_base() {
        let counts = counts(&[ReadBuilder::new(2, "GTNCAC").cigar("2M2I2M").build()]);
        assert_eq!(counts[3].reference, 1);
    }

    #[test]
    fn other_operations_are_no_alleles() {
        let counts = counts(&[ReadBuilder::new(2, "GTGT").cigar("3H2M2N1P2M1H").build()]);
        let depths: Vec<_> = counts.iter().map(depth).collect();
        assert_eq!(depths[..9], [0, 0, 1, 1, 0, 0, 1, 1, 0]);
    }

    #[test]
    fn a_deletion_off_the_contig_is_not_counted() {
        let counts = counts(&[ReadBuilder::new(16, "ACG").cigar("3M9D").build()]);
        assert_eq!(counts[18].reference, 1);
    }

    proptest! {
        /// Whatever the alignment, a read counts for at most one allele at a position, and for exactly one at each aligned A, C, G, T.
        #[test]
        fn one_allele_for_each_aligned_base(ops in prop::collection::vec((0_u8..4, 1_u32..4), 1..6), start in 0_u64..8) {
            let letters = ['M', 'I', 'D', 'M'];
            let cigar = ops.iter().fold(String::new(), |text, &(kind, n)| format!("{text}{n}{}", letters[usize::from(kind)]));
            let bases: usize = ops.iter().filter(|(kind, _)| *kind != 2).map(|(_, n)| *n as usize).sum();
            prop_assume!(bases > 0 && ops.iter().any(|(kind, _)| kind % 3 == 0));
            let text: String = "TTGCA".chars().cycle().take(bases).collect();
            let read = ReadBuilder::new(start, &text).cigar(&cigar).build();
            let counts = counts(std::slice::from_ref(&read));
            let mut aligned = [false; 20];
            for segment in read.segments().filter(|segment| segment.kind == CigarKind::Match) {
                let first = usize::try_from(segment.position).unwrap();
                aligned.iter_mut().skip(first).take(segment.length as usize).for_each(|slot| *slot = true);
            }
            for (slot, count) in counts.iter().enumerate() {
                let alleles = count.reference + count.low_quality_reference + u32::try_from(count.observations.len()).unwrap();
                prop_assert!(alleles <= 1, "{cigar} has {alleles} alleles at {slot}");
                prop_assert!(!aligned[slot] || alleles == 1, "{cigar} has no allele at {slot}");
            }
        }

        /// Long matches are compared in chunks, differences are also counted alone: the counts are those of one base after the other.
        #[test]
        fn chunks_do_not_change_counts(
            bases in prop::collection::vec(prop::sample::select(b"AAAAAAAAAAAAAAAACGN".to_vec()), 1..90),
            qualities in prop::collection::vec(prop::sample::select(vec![40_u8, 40, 40, 40, 40, 40, 10, 9]), 90),
            unknown in 0_usize..90,
            start in 0_u64..10,
        ) {
            let mut expected = vec![b'A'; 100];
            expected[unknown] = b'N';
            let window = ReferenceWindow::new(0, expected.clone());
            let text = std::str::from_utf8(&bases).unwrap();
            let read = ReadBuilder::new(start, text).qualities(&qualities[..bases.len()]).build();
            let reads = std::slice::from_ref(&read);
            let interval = Interval::new(5, 70);
            let found = count(interval, reads, &window, CountOptions::default());
            let only = count_differences(interval, reads, &window, CountOptions::default());
            for (i, (count, only)) in found.counts.iter().zip(&only.counts).enumerate() {
                let at = (i + 5).checked_sub(usize::try_from(start).unwrap()).filter(|&at| at < bases.len());
                let (base, quality) = at.map_or((b'N', 0), |at| (bases[at], qualities[at]));
                let (is_reference, is_known) = (base == expected[i + 5] && base != b'N', base != b'N');
                let good = quality >= 10;
                prop_assert_eq!(count.reference, u32::from(is_reference && good));
                prop_assert_eq!(count.low_quality_reference, u32::from(is_reference && !good));
                prop_assert_eq!(count.observations.len(), usize::from(is_known && !is_reference));
                let counting: Vec<_> = count.observations.iter().filter(|seen| seen.counts).collect();
                prop_assert_eq!(counting, only.observations.iter().filter(|seen| seen.counts).collect::<Vec<_>>());
            }
        }
    }
}
