//! A candidate and its region's reads -> the reads that have a row in its images, with the part of each that is drawn ([`Row`]).

use std::borrow::Cow;
use std::ops::Range;

use rand::seq::SliceRandom;

use super::channel::Pixel;
use super::spec::ImageSpec;
use crate::candidates::Candidate;
use crate::genome::{Interval, ReferenceWindow};
use crate::reads::reservoir::locus_random;
use crate::reads::{Cigar, CigarKind, Part, Read, Segment, consumed, segments};

/// Reads within this many bp of the reference allele get a row.
pub const READ_MARGIN: u64 = 5;
/// Fewest reference positions over which the part of a trimmed read must be aligned, in bp.
const SHORTEST_PART: u64 = 15;

/// A read, or a part of it, as it is aligned in an image.
#[derive(Clone, Debug)]
pub(super) struct Row<'a> {
    /// The read's index among those of its region.
    pub(super) index: usize,
    pub(super) read: &'a Read,
    /// First aligned position, 0-based.
    pub(super) start: u64,
    pub(super) cigar: Cow<'a, [Cigar]>,
    /// The part's bases in the read.
    pub(super) part: Range<usize>,
}

/// The rows of the reads around a candidate, in [`Read::order`].
pub(super) fn rows<'a>(spec: &ImageSpec, candidate: &Candidate, reads: &'a [Read]) -> Vec<Row<'a>> {
    let around = candidate.interval().padded(READ_MARGIN, u64::MAX - READ_MARGIN);
    let near = reads.iter().enumerate().filter(|(_, read)| read.span.overlaps(around));
    if !spec.trims(candidate) {
        let whole = |(index, read): (usize, &'a Read)| {
            let part = 0..read.bases.len();
            Row { index, read, start: read.span.start(), cigar: Cow::Borrowed(&*read.cigar), part }
        };
        return near.map(whole).collect();
    }
    let half = spec.half_width() as u64;
    let window = candidate.interval().padded(half, u64::MAX - half);
    near.filter_map(|(index, read)| Row::trimmed(index, read, window)).collect()
}

/// Those of the rows that an image has, in its order; too many are sampled, seeded by the locus. Reads of low quality at the candidate have none.
pub(super) fn chosen<'a>(spec: &ImageSpec, candidate: &Candidate, mut rows: Vec<Row<'a>>) -> Vec<Row<'a>> {
    let start = candidate.position;
    rows.retain(|row| row.quality_at(start).is_none_or(|quality| quality >= spec.min_base_quality));
    let most = spec.read_rows();
    if rows.len() > most {
        rows.partial_shuffle(&mut locus_random(candidate.contig.0, start), most);
        // The shuffled part is the slice's end.
        rows.drain(..rows.len() - most);
        rows.sort_unstable_by_key(|row| row.index);
    }
    if spec.sort_by_haplotype {
        rows.sort_by_key(|row| row.read.haplotype);
    }
    rows
}

impl<'a> Row<'a> {
    /// The part of a read in a window; none where it is too short.
    fn trimmed(index: usize, read: &'a Read, window: Interval) -> Option<Self> {
        let Part { start, cigar, bases } = Part::of(read.span.start(), &read.cigar, window);
        let is_enough = consumed(&cigar).positions >= SHORTEST_PART && !bases.is_empty();
        is_enough.then_some(Self { index, read, start, cigar: Cow::Owned(cigar), part: bases })
    }

    /// The bases that are drawn.
    pub(super) fn bases(&self) -> &'a [u8] {
        &self.read.bases[self.part.clone()]
    }

    fn segments(&self) -> impl Iterator<Item = Segment> {
        let first = self.part.start;
        segments(self.start, &*self.cigar).map(move |segment| Segment { offset: segment.offset + first, ..segment })
    }

    /// The lowest quality that the read would paint at `position`: of the base it aligns there, and of the first base of an
    /// insertion after it; `None` where it paints nothing there.
    fn quality_at(&self, position: u64) -> Option<u8> {
        let mut lowest = None;
        for segment in self.segments().take_while(|segment| segment.position <= position + 1) {
            let painted = match segment.kind {
                CigarKind::Match if segment.interval().contains(position) => {
                    Some(segment.offset + usize::try_from(position - segment.position).ok()?)
                }
                CigarKind::Insertion if segment.position == position + 1 && segment.length > 0 => Some(segment.offset),
                _ => None,
            };
            let quality = painted.and_then(|i| self.read.qualities.get(i)).copied();
            lowest = lowest.into_iter().chain(quality).min();
        }
        lowest
    }

    /// Calls `paint` with the position of each aligned base and of each indel's anchor, in alignment order.
    pub(super) fn walk(&self, reference: &ReferenceWindow, mut paint: impl FnMut(i64, Pixel)) {
        let read = self.read;
        for segment in self.segments() {
            let (position, offset) = (segment.position.cast_signed(), segment.offset);
            match segment.kind {
                CigarKind::Match => {
                    let aligned = read.bases[segment.bases()].iter().zip(&read.qualities[segment.bases()]);
                    for ((position, offset), (&base, &quality)) in (position..).zip(offset..).zip(aligned) {
                        let differs = base != reference.base(position);
                        paint(position, Pixel { base, quality, differs, offset: Some(offset) });
                    }
                }
                CigarKind::Insertion if segment.length > 0 => {
                    let quality = read.qualities[offset];
                    paint(position - 1, Pixel { base: b'*', quality, differs: true, offset: Some(offset) });
                }
                CigarKind::Deletion | CigarKind::Skip => {
                    let offset = offset.checked_sub(1).filter(|&before| before >= self.part.start);
                    let quality = offset.map_or(0, |before| read.qualities[before]);
                    paint(position - 1, Pixel { base: b'*', quality, differs: true, offset });
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{ReadBuilder, candidate};

    /// A substitution at 50; images have columns 40 to 60.
    fn snp() -> Candidate {
        candidate(50, "A", &[("C", 2, &[0])], 0)
    }

    fn trimming() -> ImageSpec {
        ImageSpec { width: 21, trim_reads: true, ..ImageSpec::default() }
    }

    fn drawn(spec: &ImageSpec, candidate: &Candidate, reads: &[Read]) -> Vec<usize> {
        chosen(spec, candidate, rows(spec, candidate, reads)).iter().map(|row| row.index).collect()
    }

    #[test]
    fn parts_of_less_than_15_positions_have_no_row() {
        let bases = "A".repeat(30);
        let of = |start, cigar: &str| {
            let length = consumed(crate::testing::cigar(cigar)).bases;
            ReadBuilder::new(start, &bases[..length]).cigar(cigar).build()
        };
        // Two that begin and end at the edges, each with 15 and with 14 positions in the window; deletions count.
        let reads = [of(25, "30M"), of(24, "30M"), of(46, "30M"), of(47, "30M"), of(46, "2M12D10M"), of(50, "2M1I1M")];
        assert_eq!(drawn(&trimming(), &snp(), &reads), [0, 2, 4]);
        let whole = ImageSpec { trim_reads: false, ..trimming() };
        assert_eq!(drawn(&whole, &snp(), &reads), [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn rows_of_deletions_reach_half_an_image_beyond_them() {
        let reads = [ReadBuilder::new(0, &"A".repeat(200)).build()];
        let long = candidate(50, &"A".repeat(31), &[("A", 2, &[0])], 0);
        let of = |candidate: &Candidate| rows(&trimming(), candidate, &reads).remove(0).part;
        assert_eq!((of(&snp()), of(&long)), (40..61, 40..91));
    }

    #[test]
    fn rows_are_sorted_by_haplotype_first() {
        let bases = "A".repeat(40);
        let of = |start, haplotype| ReadBuilder::new(start, &bases).haplotype(haplotype).build();
        let reads = [of(20, 2), of(21, 1), of(22, 0), of(23, 2), of(24, 0)];
        let spec = ImageSpec { sort_by_haplotype: true, ..trimming() };
        assert_eq!(drawn(&spec, &snp(), &reads), [2, 4, 1, 0, 3]);
        assert_eq!(drawn(&trimming(), &snp(), &reads), [0, 1, 2, 3, 4]);
        // Too many are sampled before they are sorted.
        let few = ImageSpec { height: 8, ..spec };
        let sampled = drawn(&few, &snp(), &reads);
        let haplotypes: Vec<u8> = sampled.iter().map(|&i| reads[i].haplotype).collect();
        assert!(haplotypes.len() == 3 && haplotypes.is_sorted(), "{sampled:?}");
    }

    #[test]
    fn the_quality_in_the_middle_is_that_of_the_trimmed_part() {
        let mut qualities = [30; 40];
        qualities[30] = 9;
        let read = ReadBuilder::new(20, &"A".repeat(40)).qualities(&qualities).build();
        assert_eq!(drawn(&trimming(), &snp(), &[read]), [0; 0]);
    }
}
