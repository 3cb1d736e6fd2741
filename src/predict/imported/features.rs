//! A candidate, a set of its alternative alleles, and their evidence -> the inputs of a small model of DeepVariant's, in its order.
//!
//! All are whole numbers; means and shares are rounded down, and are 0 of no reads.
//!
//! 1. Of the reads: how many have the reference's base (where these are tracked), and one of the alleles; depth; share of the depth with the
//!    alleles, per cent; and of the two groups the mean mapping quality, the mean base quality, and the share on the reverse strand, per cent. From
//!    1.9 on there are two more: the sum of the two groups before the depth, and after the share that of the alleles in that sum.
//! 2. Of the alleles: whether they are a substitution, an insertion, a deletion; bases inserted, bases deleted; from 1.9 on, whether the site has
//!    several alternative alleles, and whether the set has.
//! 3. The share of other alleles at each position from 25 before to 25 after ([`AlleleContext`](crate::alleles::AlleleContext)).
//! 4. With long reads, the numbers of 1 for the reads without a haplotype, of the first, and of the second.
//!
//! This was written from a description, without DeepVariant's source. What the description leaves open is read so: *depth* and *share of the depth* are DP and VAF as they are written to the VCF, of reads of good quality, while the numbers of reads of a group, and
//! the share in their sum, are of all reads; those of a haplotype are of its reads alone. The kinds of the alleles are told by length, with the
//! other alternative alleles left out and the reference allele as it stands: beside a deletion, a substitution is none of the three.

use crate::alleles::AlleleCount;
use crate::candidates::Candidate;
use crate::evidence::Evidence;
use crate::pileup::AltSet;
use crate::predict::imported::layout::{HAPLOTYPES, Layout, WINDOW};
use crate::reads::{CigarKind, Read};

/// Half of the positions of [`WINDOW`].
const HALF: i64 = 25;
const _: () = assert!(WINDOW == 51, "25 to both sides");

/// The inputs for a set of a candidate's alternative alleles; `None` where the evidence lacks what they need: the candidate was asked for, or its
/// model does not keep the context of alleles.
#[must_use]
pub fn features(layout: Layout, candidate: &Candidate, set: AltSet, evidence: &Evidence) -> Option<Vec<f32>> {
    let context = evidence.context.as_ref()?;
    let site = context.site(candidate.position)?;
    let seen = Seen::new(layout, candidate, set, site, evidence, context.min_base_quality());
    let mut inputs = Vec::with_capacity(layout.inputs());
    inputs.extend(seen.numbers(layout, None));
    inputs.extend(of_alleles(layout, candidate, set));
    let position = candidate.position.cast_signed();
    inputs.extend((position - HALF..=position + HALF).map(|at| i64::from(context.share(at))));
    if layout.takes_haplotypes() {
        for haplotype in 0..HAPLOTYPES {
            inputs.extend(seen.numbers(layout, Some(haplotype)));
        }
    }
    #[allow(clippy::cast_precision_loss, reason = "counts, qualities and lengths: far below 2^24")]
    let inputs: Vec<f32> = inputs.into_iter().map(|number| number as f32).collect();
    debug_assert_eq!(inputs.len(), layout.inputs());
    Some(inputs)
}

/// Whether the alleles of a set are one base for one, with the others left out.
#[must_use]
pub fn is_snp(candidate: &Candidate, set: AltSet) -> bool {
    candidate.reference.len() == 1 && alts(candidate, set).all(|alt| candidate.alts[alt].bases.len() == 1)
}

fn alts(candidate: &Candidate, set: AltSet) -> impl Iterator<Item = usize> {
    (0..candidate.alts.len()).filter(move |&alt| set.contains(alt))
}

fn of_alleles(layout: Layout, candidate: &Candidate, set: AltSet) -> Vec<i64> {
    let reference = candidate.reference.len();
    let longest = |length: &dyn Fn(usize) -> usize| {
        let lengths = alts(candidate, set).map(|alt| length(candidate.alts[alt].bases.len()));
        i64::try_from(lengths.max().unwrap_or(0)).unwrap_or(i64::MAX)
    };
    let inserted = longest(&|length| length.saturating_sub(reference));
    let deleted = longest(&|length| reference.saturating_sub(length));
    let mut numbers =
        vec![i64::from(is_snp(candidate, set)), i64::from(inserted > 0), i64::from(deleted > 0), inserted, deleted];
    if !layout.is_of_1_8() {
        numbers.extend([i64::from(candidate.alts.len() > 1), i64::from(matches!(set, AltSet::Two(..)))]);
    }
    numbers
}

/// What a read shows of its allele.
struct Shown {
    mapping_quality: u8,
    base_quality: u8,
    reverse: bool,
    haplotype: usize,
}

/// The reads at a candidate.
struct Seen {
    reference: Vec<Shown>,
    alts: Vec<Shown>,
    /// Haplotypes of the reads that count for the set, and of all that count.
    good_alts: Vec<usize>,
    good: Vec<usize>,
    /// Reads that count for the set, and all reads that count.
    counts: [u32; 2],
}

impl Seen {
    fn new(
        layout: Layout,
        candidate: &Candidate,
        set: AltSet,
        site: &AlleleCount,
        evidence: &Evidence,
        min_base_quality: u8,
    ) -> Self {
        let reads = &evidence.reads;
        let (reference, alts) = (Vec::new(), Vec::new());
        let mut seen = Self { reference, alts, good_alts: Vec::new(), good: Vec::new(), counts: [0, site.reference] };
        for observation in &site.observations {
            let index = observation.read as usize;
            if !observation.counts && Read::is_repeated(reads, index) {
                continue;
            }
            let Some(read) = reads.get(index) else { continue };
            let of_set = self::alts(candidate, set)
                .find(|&alt| candidate.alts[alt].support.binary_search(&observation.read).is_ok());
            seen.counts[1] += u32::from(observation.counts);
            seen.good.extend(observation.counts.then(|| haplotype(read)));
            if let Some(alt) = of_set {
                let kind = Kind::of(candidate.alts[alt].bases.len(), candidate.reference.len());
                seen.counts[0] += u32::from(observation.counts);
                seen.good_alts.extend(observation.counts.then(|| haplotype(read)));
                seen.alts.push(shown(layout, read, candidate.position, kind));
            }
        }
        for &index in &candidate.reference_support {
            let Some(read) = reads.get(index as usize) else { continue };
            if Read::is_repeated(reads, index as usize) {
                continue;
            }
            let shown = shown(layout, read, candidate.position, Kind::Base);
            seen.good.extend((shown.base_quality >= min_base_quality).then_some(shown.haplotype));
            seen.reference.push(shown);
        }
        seen
    }

    /// The numbers of all reads, or of those of a haplotype.
    fn numbers(&self, layout: Layout, of: Option<usize>) -> Vec<i64> {
        let is_wanted = |haplotype: usize| of.is_none_or(|of| of == haplotype);
        let group = |all: &'_ [Shown]| Sums::of(all.iter().filter(|shown| is_wanted(shown.haplotype)));
        let (reference, alts) = (group(&self.reference), group(&self.alts));
        let count = |good: &[usize]| {
            i64::try_from(good.iter().filter(|&&haplotype| is_wanted(haplotype)).count()).unwrap_or(i64::MAX)
        };
        let (good_alts, depth) = match of {
            None => (i64::from(self.counts[0]), i64::from(self.counts[1])),
            Some(_) => (count(&self.good_alts), count(&self.good)),
        };
        let sum = reference.reads + alts.reads;
        let [share, share_of_sum] = [percent(good_alts, depth), percent(alts.reads, sum)];
        let mut numbers = vec![reference.reads, alts.reads];
        if layout.is_of_1_8() {
            numbers.extend([depth, share]);
        } else {
            numbers.extend([sum, depth, share, share_of_sum]);
        }
        for number in [Sums::mapping_quality, Sums::base_quality, Sums::reverse] {
            numbers.extend([number(&reference), number(&alts)]);
        }
        numbers
    }
}

/// Sums over a group of reads.
#[derive(Default)]
struct Sums {
    reads: i64,
    mapping_quality: i64,
    base_quality: i64,
    reverse: i64,
}

impl Sums {
    fn of<'a>(reads: impl Iterator<Item = &'a Shown>) -> Self {
        reads.fold(Self::default(), |sums, shown| Self {
            reads: sums.reads + 1,
            mapping_quality: sums.mapping_quality + i64::from(shown.mapping_quality),
            base_quality: sums.base_quality + i64::from(shown.base_quality),
            reverse: sums.reverse + i64::from(shown.reverse),
        })
    }

    fn mapping_quality(&self) -> i64 {
        self.mapping_quality.checked_div(self.reads).unwrap_or(0)
    }

    fn base_quality(&self) -> i64 {
        self.base_quality.checked_div(self.reads).unwrap_or(0)
    }

    fn reverse(&self) -> i64 {
        percent(self.reverse, self.reads)
    }
}

fn percent(part: i64, all: i64) -> i64 {
    (100 * part).checked_div(all).unwrap_or(0)
}

/// How an allele differs from the reference.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Base,
    Insertion,
    Deletion,
}

impl Kind {
    /// Of an allele and the reference, by their lengths: both are spelled over the longest deletion of the site.
    fn of(allele: usize, reference: usize) -> Self {
        match allele.cmp(&reference) {
            std::cmp::Ordering::Equal => Self::Base,
            std::cmp::Ordering::Greater => Self::Insertion,
            std::cmp::Ordering::Less => Self::Deletion,
        }
    }
}

/// The read's haplotype; what is neither the first nor the second is not known.
fn haplotype(read: &Read) -> usize {
    Some(usize::from(read.haplotype)).filter(|&haplotype| haplotype < HAPLOTYPES).unwrap_or(0)
}

fn shown(layout: Layout, read: &Read, position: u64, kind: Kind) -> Shown {
    Shown {
        mapping_quality: read.mapping_quality,
        base_quality: quality(layout, read, position, kind),
        // 1.8 does not note the strand of a base.
        reverse: read.reverse && !(layout.is_of_1_8() && kind == Kind::Base),
        haplotype: haplotype(read),
    }
}

/// The quality of a read's allele: of its base, or the mean of the bases inserted. A deletion has none in 1.8, and that of the base before it from
/// 1.9 on.
fn quality(layout: Layout, read: &Read, position: u64, kind: Kind) -> u8 {
    let anchored =
        |wanted: CigarKind| read.segments().find(|segment| segment.kind == wanted && segment.position == position + 1);
    let at = |offset: usize| read.qualities.get(offset).copied();
    let quality = match kind {
        Kind::Base => read.segments().find_map(|segment| {
            let is_there = segment.kind == CigarKind::Match && segment.interval().contains(position);
            let offset = is_there.then(|| usize::try_from(position - segment.position).ok()).flatten()?;
            at(segment.offset + offset)
        }),
        Kind::Insertion => anchored(CigarKind::Insertion).and_then(|segment| {
            let qualities = &read.qualities[segment.bases()];
            let sum: usize = qualities.iter().map(|&quality| usize::from(quality)).sum();
            u8::try_from(sum.checked_div(qualities.len())?).ok()
        }),
        Kind::Deletion if layout.is_of_1_8() => Some(0),
        Kind::Deletion => anchored(CigarKind::Deletion).and_then(|segment| at(segment.offset.checked_sub(1)?)),
    };
    quality.unwrap_or(0)
}

#[cfg(test)]
pub(in crate::predict) mod tests {
    use super::*;
    use crate::evidence::{EvidenceOptions, Gatherer};
    use crate::genome::{ContigId, Interval};
    use crate::phase::PhasingOptions;
    use crate::pileup::ImageSpec;
    use crate::reads::MemorySource;
    use crate::regions::Region;
    use crate::testing::{ReadBuilder, ReferenceBuilder};

    /// How evidence is gathered for a layout.
    pub(in crate::predict) fn options(layout: Layout) -> EvidenceOptions {
        let phasing = layout.takes_haplotypes().then(PhasingOptions::default);
        EvidenceOptions {
            realign: None,
            read_margin: if phasing.is_some() { 0 } else { 5 },
            allele_context: true,
            track_reference_reads: layout.needs_reference_reads(),
            phasing,
            ..EvidenceOptions::default()
        }
    }

    /// The evidence of 100..200 of a reference that is ACGT over and over.
    pub(in crate::predict) fn gathered(reads: Vec<Read>, layout: Layout) -> Evidence {
        let reference = ReferenceBuilder::new().contig("1", &"ACGT".repeat(500)).build();
        let source = Box::new(MemorySource::new(ContigId(0), reads));
        let region = Region { sequence: 0, contig: ContigId(0), interval: Interval::new(100, 200) };
        Gatherer::new(source, reference.open(), options(layout), ImageSpec::default()).gather(region).unwrap()
    }

    /// A read over 80..140 with these bases in place of the reference's.
    pub(in crate::predict) fn read(name: &str, changed: &[(usize, u8)]) -> ReadBuilder {
        let mut bases = "ACGT".repeat(15).into_bytes();
        for &(position, base) in changed {
            bases[position - 80] = base;
        }
        ReadBuilder::new(80, std::str::from_utf8(&bases).unwrap()).name(name)
    }

    /// Qualities of such a read: 30, but for one position.
    fn but(position: usize, quality: u8) -> Vec<u8> {
        let mut qualities = vec![30; 60];
        qualities[position - 80] = quality;
        qualities
    }

    fn of(layout: Layout, reads: &[Read], position: u64, set: AltSet) -> Vec<i64> {
        let evidence = gathered(reads.to_vec(), layout);
        let candidate = evidence.candidates.iter().find(|candidate| candidate.position == position).unwrap();
        let inputs = features(layout, candidate, set, &evidence).unwrap();
        assert_eq!(inputs.len(), layout.inputs());
        #[allow(clippy::cast_possible_truncation, reason = "whole numbers")]
        inputs.iter().map(|&input| input as i64).collect()
    }

    /// Reads over a substitution at 120: three with C, of qualities 30, 20 and 5 and mapping qualities 60, 50 and 41, the second on the reverse
    /// strand; five with the reference's A, the last of quality 7, the first on the reverse strand. The first C has other differences at 99, before
    /// the region, and at 100.
    fn substitution() -> Vec<Read> {
        vec![
            read("c1", &[(99, b'A'), (100, b'T'), (120, b'C')]).build(),
            read("c2", &[(120, b'C')]).qualities(&but(120, 20)).mapping_quality(50).reverse().build(),
            read("c3", &[(120, b'C')]).qualities(&but(120, 5)).mapping_quality(41).build(),
            read("r1", &[]).reverse().build(),
            read("r2", &[]).mapping_quality(20).build(),
            read("r3", &[]).build(),
            read("r4", &[]).build(),
            read("r5", &[]).qualities(&but(120, 7)).build(),
        ]
    }

    #[test]
    fn short_reads_of_1_8() {
        let found = of(Layout::Short1_8, &substitution(), 120, AltSet::One(0));
        // No reads of the reference are tracked. Depth: two good C and four good A; mean MAPQ 151 / 3, mean quality 55 / 3. The strand of a base
        // is not known.
        assert_eq!(found[..10], [0, 3, 6, 33, 0, 50, 0, 18, 0, 0]);
        assert_eq!(found[10..15], [1, 0, 0, 0, 0]);
        let mut window = [0; 51];
        // One of eight reads at 100; three beside four good ones at 120. 95 to 99 are before the region.
        (window[5], window[25]) = (12, 42);
        assert_eq!(found[15..], window);
    }

    #[test]
    fn short_reads_of_1_9() {
        let found = of(Layout::Short1_9, &substitution(), 120, AltSet::One(0));
        // Five A, three C; of these 8, 37 %. MAPQ of A (4 x 60 + 20) / 5, qualities (4 x 30 + 7) / 5; one of five reverse, one of three.
        assert_eq!(found[..12], [5, 3, 8, 6, 33, 37, 52, 50, 25, 18, 20, 33]);
        assert_eq!(found[12..19], [1, 0, 0, 0, 0, 0, 0]);
        let mut window = [0; 51];
        // At the candidate the five A are entries, too: 8 of 4 + 8. 100 is no candidate.
        (window[5], window[25]) = (12, 66);
        assert_eq!(found[19..], window);
    }

    #[test]
    fn a_record_that_is_there_twice_is_one_read() {
        let mut reads = substitution();
        reads.push(reads[0].clone());
        let found = of(Layout::Short1_9, &reads, 120, AltSet::One(0));
        assert_eq!(found[..12], [5, 3, 8, 6, 33, 37, 52, 50, 25, 18, 20, 33]);
    }

    /// Two reads with CC after 119, of qualities 20 and 25, one reverse; two without 120 and 121, one reverse, whose base before has quality 17;
    /// two of the reference.
    fn indels() -> Vec<Read> {
        let (bases, inserted) = ("ACGT".repeat(15), format!("{}CC{}", "ACGT".repeat(10), "ACGT".repeat(5)));
        let mut qualities = vec![30; 62];
        (qualities[40], qualities[41]) = (20, 25);
        let insertion = ReadBuilder::new(80, &inserted).cigar("40M2I20M").qualities(&qualities);
        let mut before = vec![30; 58];
        before[39] = 17;
        let deletion = format!("{}{}", &bases[..40], &bases[42..]);
        let deletion = ReadBuilder::new(80, &deletion).cigar("40M2D18M").qualities(&before);
        vec![
            insertion.clone().name("i1").build(),
            insertion.name("i2").reverse().build(),
            deletion.clone().name("d1").build(),
            deletion.name("d2").reverse().build(),
            read("r1", &[]).build(),
            read("r2", &[]).build(),
        ]
    }

    #[test]
    fn insertions_and_deletions() {
        let reads = indels();
        let (insertions, deletions) = ([&reads[..2], &reads[4..]].concat(), [&reads[2..4], &reads[4..]].concat());
        // Alleles: kind and length. Then the mean quality and the share of reverse reads of the alternative, which are known in 1.8, too.
        let told = |layout: Layout, reads: &[Read]| {
            let found = of(layout, reads, 119, AltSet::One(0));
            let of_reads = layout.of_reads();
            (found[of_reads..of_reads + 5].to_vec(), found[of_reads - 3], found[of_reads - 1])
        };
        for layout in [Layout::Short1_8, Layout::Short1_9] {
            assert_eq!(told(layout, &insertions), (vec![0, 1, 0, 2, 0], 22, 50));
        }
        // A deletion has no quality in 1.8, and that of the base before it from 1.9 on.
        assert_eq!(told(Layout::Short1_8, &deletions), (vec![0, 0, 1, 0, 2], 0, 50));
        assert_eq!(told(Layout::Short1_9, &deletions), (vec![0, 0, 1, 0, 2], 17, 50));
    }

    #[test]
    fn sets_of_several_alleles() {
        // REF TAC; T without AC is the first, TCCAC with CC the second.
        let told = |set| {
            let found = of(Layout::Short1_9, &indels(), 119, set);
            (found[..6].to_vec(), found[12..19].to_vec())
        };
        assert_eq!(told(AltSet::One(0)), (vec![2, 2, 4, 6, 33, 50], vec![0, 0, 1, 0, 2, 1, 0]));
        assert_eq!(told(AltSet::One(1)), (vec![2, 2, 4, 6, 33, 50], vec![0, 1, 0, 2, 0, 1, 0]));
        assert_eq!(told(AltSet::Two(0, 1)), (vec![2, 4, 6, 6, 66, 66], vec![0, 1, 1, 2, 2, 1, 1]));
    }

    #[test]
    fn substitutions_beside_deletions_are_none_of_the_kinds() {
        let mut reads = indels();
        reads.drain(..2);
        reads.extend([read("s1", &[(119, b'A')]).build(), read("s2", &[(119, b'A')]).build()]);
        let evidence = gathered(reads.clone(), Layout::Short1_9);
        let candidate = &evidence.candidates[0];
        assert_eq!((candidate.reference.as_slice(), candidate.alts[0].bases.as_slice()), (&b"TAC"[..], &b"AAC"[..]));
        assert!(!is_snp(candidate, AltSet::One(0)));
        assert_eq!(of(Layout::Short1_9, &reads, 119, AltSet::One(0))[12..19], [0, 0, 0, 0, 0, 1, 0]);
        // Its quality is that of its base all the same.
        assert_eq!(of(Layout::Short1_9, &reads, 119, AltSet::One(0))[9], 30);
    }

    /// Reads over 60..240 of two haplotypes that differ at 120, 150 and in the padding; one read of low quality at all three is of neither.
    fn long_reads() -> Vec<Read> {
        let read = |name: &str, second: bool| {
            let mut bases = "ACGT".repeat(45).into_bytes();
            if second {
                (bases[60], bases[90], bases[150]) = (b'C', b'T', b'T');
            }
            ReadBuilder::new(60, std::str::from_utf8(&bases).unwrap()).name(name)
        };
        let mut low = vec![30; 180];
        (low[60], low[90], low[150]) = (5, 5, 5);
        let mut reads: Vec<Read> = (0..4).map(|i| read(&format!("a{i}"), false).build()).collect();
        reads.extend((0..3).map(|i| read(&format!("b{i}"), true).reverse().mapping_quality(40).build()));
        reads.push(read("n", true).qualities(&low).build());
        reads
    }

    #[test]
    fn long_reads_have_numbers_for_each_haplotype() {
        let evidence = gathered(long_reads(), Layout::Long1_9);
        let haplotypes: Vec<u8> = evidence.reads.iter().map(|read| read.haplotype).collect();
        assert_eq!(haplotypes, [1, 1, 1, 1, 2, 2, 2, 0]);
        let found = of(Layout::Long1_9, &long_reads(), 120, AltSet::One(0));
        // Four of the reference; three good and one low. MAPQ (3 x 40 + 60) / 4, quality (3 x 30 + 5) / 4.
        assert_eq!(found[..12], [4, 4, 8, 7, 42, 50, 60, 45, 30, 23, 0, 75]);
        let of_haplotypes: Vec<&[i64]> = found[70..].chunks(12).collect();
        assert_eq!(of_haplotypes[0], [0, 1, 1, 0, 0, 100, 0, 60, 0, 5, 0, 0]);
        assert_eq!(of_haplotypes[1], [4, 0, 4, 4, 0, 0, 60, 0, 30, 0, 0, 0]);
        assert_eq!(of_haplotypes[2], [0, 3, 3, 3, 100, 100, 0, 40, 0, 30, 0, 100]);
        // The window: at candidates 4 + 4 entries beside 4.
        assert_eq!((found[19 + 25], found[19 + 24]), (66, 0));
        let of_1_8 = of(Layout::Long1_8, &long_reads(), 120, AltSet::One(0));
        assert_eq!(of_1_8[..10], [4, 4, 7, 42, 60, 45, 30, 23, 0, 0]);
        assert_eq!(of_1_8[66..76], [0, 1, 0, 0, 0, 60, 0, 5, 0, 0]);
        assert_eq!(of_1_8[86..], [0, 3, 3, 100, 0, 40, 0, 30, 0, 0]);
    }

    #[test]
    fn what_lacks_context_has_no_features() {
        let evidence = gathered(substitution(), Layout::Short1_8);
        let candidate = &evidence.candidates[0];
        assert!(features(Layout::Short1_8, candidate, AltSet::One(0), &evidence).is_some());
        let without = Evidence { context: None, ..evidence.clone() };
        assert_eq!(features(Layout::Short1_8, candidate, AltSet::One(0), &without), None);
        let elsewhere = Candidate { position: 121, ..candidate.clone() };
        assert_eq!(features(Layout::Short1_8, &elsewhere, AltSet::One(0), &evidence), None);
    }
}
