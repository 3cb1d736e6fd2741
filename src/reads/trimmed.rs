//! Reads of a region and the reference -> the same reads without the ends that a trimmer soft clipped: [`Trimmed`].
//!
//! An aligner clips bases that differ from the reference, and realignment may align them elsewhere. A trimmer (of primers, of mates'
//! overlaps) clips bases that match but are not the sample's own; aligned again, they would count as reference. Its clips are recognised by
//! bases that match the reference. An aligner makes a few such clips too: so reads count as trimmed in a region where nearly all longer
//! clips match, or at one boundary where several do. (Of the HG001 reads behind DeepVariant's test outputs, some clips match, but at no
//! boundary and in no region so many; all its images and counts are reproduced.)
//!
//! The ends become hard clips: the bases are dropped, so that they count nowhere. Realignment has them back, since they say where the bases beside
//! them lie: an insertion three bases from a primer cannot be placed without it.

use std::borrow::Cow;

use rustc_hash::{FxHashMap, FxHashSet};

use super::cigar::{Cigar, CigarKind};
use super::read::{End, Read};
use super::segments::segments;
use crate::genome::ReferenceWindow;

/// Score of a clipped base that differs from the reference, subtracted; one that matches adds 1.
const MISMATCH: i64 = 4;
/// Least length and score, in matching bases, of a clip that shows what made it.
const TELLING: usize = 8;
/// Fewest such clips that match, and how many of ten, for a region to be trimmed.
const IN_REGION: usize = 8;
const OF_TEN_IN_REGION: usize = 8;
/// The same for one boundary.
const AT_BOUNDARY: usize = 3;
const OF_TEN_AT_BOUNDARY: usize = 6;

/// Where an alignment begins or ends: the position, and true for its end.
type Boundary = (u64, bool);

/// Clips, and those of them that match.
#[derive(Clone, Copy, Default)]
struct Tally {
    fit: usize,
    all: usize,
}

impl Tally {
    fn add(&mut self, fits: bool) {
        self.fit += usize::from(fits);
        self.all += 1;
    }

    fn is_trimmers(self, fewest: usize, of_ten: usize) -> bool {
        self.fit >= fewest && 10 * self.fit >= of_ten * self.all
    }
}

/// Which soft clips of a region are a trimmer's.
#[derive(Clone, Debug, Default)]
pub struct Trimmed {
    everywhere: bool,
    boundaries: FxHashSet<Boundary>,
}

impl Trimmed {
    /// Examines the clips of a region's reads.
    #[must_use]
    pub fn of(reads: &[Read], reference: &ReferenceWindow) -> Self {
        let mut all = Tally::default();
        let mut at: FxHashMap<Boundary, Tally> = FxHashMap::default();
        for read in reads {
            for end in [false, true] {
                let Some(length) = clip(read, end).filter(|&length| length >= TELLING) else { continue };
                let fits = fit(read, end, length, reference) >= TELLING.cast_signed() as i64;
                all.add(fits);
                at.entry(boundary(read, end)).or_default().add(fits);
            }
        }
        let trimmers = |tally: &Tally| tally.is_trimmers(AT_BOUNDARY, OF_TEN_AT_BOUNDARY);
        Self {
            everywhere: all.is_trimmers(IN_REGION, OF_TEN_IN_REGION),
            boundaries: at.into_iter().filter(|(_, tally)| trimmers(tally)).map(|(boundary, _)| boundary).collect(),
        }
    }

    /// Drops the trimmer's clips of these reads.
    pub fn drop_from(&self, reads: &mut [Read], reference: &ReferenceWindow) {
        if !self.everywhere && self.boundaries.is_empty() {
            return;
        }
        for read in reads {
            for end in [false, true] {
                let Some(length) = clip(read, end) else { continue };
                let is_trimmed = self.everywhere || self.boundaries.contains(&boundary(read, end));
                if is_trimmed && fit(read, end, length, reference) > 0 {
                    drop_end(read, end, length);
                }
            }
        }
    }
}

fn boundary(read: &Read, end: bool) -> Boundary {
    (if end { read.span.end() } else { read.span.start() }, end)
}

/// Length of the soft clip at an end, in bp.
fn clip(read: &Read, end: bool) -> Option<usize> {
    let is_hard = |op: &&Cigar| op.kind == CigarKind::HardClip;
    let op =
        if end { read.cigar.iter().rev().find(|op| !is_hard(op)) } else { read.cigar.iter().find(|op| !is_hard(op)) };
    op.filter(|op| op.kind == CigarKind::SoftClip).map(|op| op.length as usize)
}

/// Score of the clipped bases against the reference, aligned without a gap beside the alignment.
fn fit(read: &Read, end: bool, length: usize, reference: &ReferenceWindow) -> i64 {
    let (bases, start) = if end {
        (&read.bases[read.bases.len() - length..], read.span.end().cast_signed())
    } else {
        (&read.bases[..length], read.span.start().cast_signed() - length.cast_signed() as i64)
    };
    let one = |(position, &base): (i64, &u8)| if base == reference.base(position) { 1 } else { -MISMATCH };
    (start..).zip(bases).map(one).sum()
}

/// Makes the soft clip at an end a hard one.
fn drop_end(read: &mut Read, end: bool, length: usize) {
    let op = if end {
        read.cigar.iter_mut().rev().find(|op| op.kind != CigarKind::HardClip)
    } else {
        read.cigar.iter_mut().find(|op| op.kind != CigarKind::HardClip)
    };
    if let Some(op) = op {
        op.kind = CigarKind::HardClip;
    }
    let whole = read.bases.len();
    let (kept, dropped) = if end { (0..whole - length, whole - length..whole) } else { (length..whole, 0..length) };
    let ends = read.trimmed_ends.get_or_insert_default();
    let side = if end { &mut ends.tail } else { &mut ends.head };
    *side = End { bases: read.bases[dropped.clone()].into(), qualities: read.qualities[dropped].into() };
    read.keep_bases(kept);
}

/// The read with the ends that were dropped, as soft clips.
pub(crate) fn untrimmed(read: &Read) -> Cow<'_, Read> {
    let Some(ends) = &read.trimmed_ends else { return Cow::Borrowed(read) };
    let mut whole = Read { trimmed_ends: None, written: None, methylation: None, ..read.clone() };
    whole.bases = [&ends.head.bases[..], &read.bases, &ends.tail.bases].concat().into();
    whole.qualities = [&ends.head.qualities[..], &read.qualities, &ends.tail.qualities].concat().into();
    let soft = |end: &End| {
        let length = u32::try_from(end.bases.len()).unwrap_or(u32::MAX);
        (length > 0).then_some(Cigar { kind: CigarKind::SoftClip, length })
    };
    let aligned = read.cigar.iter().filter(|op| op.kind != CigarKind::HardClip).copied();
    whole.cigar = soft(&ends.head).into_iter().chain(aligned).chain(soft(&ends.tail)).collect();
    Cow::Owned(whole)
}

/// An alignment of the [`untrimmed`] read, which begins at `start` (0-based), as one of the read: without the ends that were dropped. `None` where
/// nothing of the read is aligned.
pub(crate) fn trim_alignment(read: &Read, start: u64, cigar: Vec<Cigar>) -> Option<(u64, Vec<Cigar>)> {
    let Some(ends) = &read.trimmed_ends else { return Some((start, cigar)) };
    let kept = ends.head.bases.len()..ends.head.bases.len() + read.bases.len();
    let mut first = None;
    let mut part: Vec<Cigar> = Vec::new();
    for segment in segments(start, &cigar) {
        // What a gap lies between is kept if the base before and the base after it are.
        let (skipped, length) = if segment.kind.consumes_read() {
            let bases = segment.bases();
            let inside = bases.start.max(kept.start)..bases.end.min(kept.end);
            (inside.start.saturating_sub(bases.start), inside.len())
        } else {
            let between = kept.start < segment.offset && segment.offset < kept.end;
            (0, if between { segment.length as usize } else { 0 })
        };
        if length == 0 {
            continue;
        }
        if segment.kind == CigarKind::Match {
            first.get_or_insert(segment.position + skipped as u64);
        }
        // Before the first base that is aligned there is nothing to delete from.
        if first.is_some() || segment.kind.consumes_read() {
            part.push(Cigar { kind: segment.kind, length: u32::try_from(length).unwrap_or(u32::MAX) });
        }
    }
    while part.last().is_some_and(|op| !op.kind.consumes_read()) {
        part.pop();
    }
    first.map(|first| (first, part))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{ReadBuilder, cigar, cigar_text};

    const REFERENCE: &str =
        "TTGACCATGCAAGTCGATTGCAACTGGATCCAGTTACGACGGATCTCCTAGAAGCTACGGTTTAACATGCGTATCGGCATCTTAGGCCAATCTGTGAACG";

    fn window() -> ReferenceWindow {
        ReferenceWindow::new(0, REFERENCE.as_bytes().to_vec())
    }

    /// A read of the reference from `start` on, `length` bp with its clips.
    fn read(start: usize, length: usize, cigar: &str, name: &str) -> Read {
        let clipped = cigar.split_once('S').map_or(0, |(head, _)| head.parse().unwrap_or(0));
        ReadBuilder::new((start + clipped) as u64, &REFERENCE[start..start + length]).cigar(cigar).name(name).build()
    }

    fn after(mut reads: Vec<Read>) -> Vec<(String, usize)> {
        Trimmed::of(&reads, &window()).drop_from(&mut reads, &window());
        reads.iter().map(|read| (cigar_text(&read.cigar), read.bases.len())).collect()
    }

    #[test]
    fn clips_of_one_boundary_that_fit_are_dropped() {
        // Two of the reads begin within the primer.
        let reads = [
            read(20, 60, "20S40M", "a"),
            read(20, 60, "20S40M", "b"),
            read(30, 50, "10S40M", "c"),
            read(36, 44, "4S40M", "d"),
        ];
        let dropped = after(reads.to_vec());
        assert_eq!(dropped, ["20H40M", "20H40M", "10H40M", "4H40M"].map(|cigar| (cigar.to_owned(), 40)));
        assert_eq!(after(reads[..2].to_vec())[0], ("20S40M".into(), 60));
    }

    #[test]
    fn a_wrong_base_does_not_matter_and_a_clip_that_does_not_fit_stays() {
        let mut reads: Vec<Read> = (0..4).map(|i| read(10, 60, "40M20S", &i.to_string())).collect();
        reads[0].bases[40] = if reads[0].bases[40] == b'A' { b'C' } else { b'A' };
        let other = b"GGGGGGGGGGGGGGGGGGGG";
        reads[3].bases[40..].copy_from_slice(other);
        let dropped: Vec<String> = after(reads).into_iter().map(|(cigar, _)| cigar).collect();
        assert_eq!(dropped, ["40M20H", "40M20H", "40M20H", "40M20S"]);
    }

    #[test]
    fn clips_all_over_the_region_that_fit_are_dropped() {
        let reads: Vec<Read> = (0..8).map(|i| read(i, 60, "45M15S", &i.to_string())).collect();
        assert!(after(reads.clone()).iter().all(|(cigar, length)| cigar == "45M15H" && *length == 45));
        assert!(after(reads[..7].to_vec()).iter().all(|(cigar, _)| cigar == "45M15S"));
    }

    #[test]
    fn an_untrimmed_read_has_its_ends_back() {
        let mut reads: Vec<Read> = (0..3).map(|i| read(20, 60, "10S40M10S", &i.to_string())).collect();
        let before = reads[0].clone();
        Trimmed::of(&reads, &window()).drop_from(&mut reads, &window());
        assert_eq!((reads[0].bases.len(), reads[0].span_with_trimmed_ends()), (40, before.span.padded(10, 100)));
        assert_eq!(*untrimmed(&reads[0]), before);
        assert!(matches!(untrimmed(&before), Cow::Borrowed(_)));
    }

    #[test]
    fn alignments_are_trimmed_where_the_read_is() {
        let mut reads: Vec<Read> = (0..3).map(|i| read(20, 60, "10S40M10S", &i.to_string())).collect();
        Trimmed::of(&reads, &window()).drop_from(&mut reads, &window());
        let of = |text: &str| {
            let (start, part) = trim_alignment(&reads[0], 15, cigar(text).into())?;
            Some((start, cigar_text(&part)))
        };
        assert_eq!(of("60M"), Some((25, "40M".into())));
        assert_eq!(of("5S50M5S"), Some((20, "40M".into())));
        assert_eq!(of("20M3I37M"), Some((25, "10M3I27M".into())));
        // A gap in an end moves what lies behind it; one at its edge is none of the read's.
        assert_eq!(of("5M2D55M"), Some((27, "40M".into())));
        assert_eq!(of("10M2D50M"), Some((27, "40M".into())));
        assert_eq!(of("50M2D10M"), Some((25, "40M".into())));
        assert_eq!(of("9M3I48M"), Some((24, "2I38M".into())));
        assert_eq!(of("12M2D48M"), Some((25, "2M2D38M".into())));
        assert_eq!(of("15S30M15S"), Some((15, "5S30M5S".into())));
        assert_eq!(of("10M50S"), None);
        assert_eq!(trim_alignment(&read(20, 60, "60M", "a"), 15, cigar("60M").into()).unwrap().0, 15);
    }

    #[test]
    fn an_aligners_clips_stay() {
        let bases = [&REFERENCE[20..60], "GGGGGGGGGGGGGGG"].concat();
        let mut reads = ReadBuilder::new(20, &bases).cigar("40M15S").copies(12);
        reads.extend((0..5).map(|i| read(20, 55, "40M15S", &i.to_string())));
        assert!(after(reads).iter().all(|(cigar, _)| cigar == "40M15S"));
    }

    #[test]
    fn both_ends_and_real_hard_clips() {
        let reads: Vec<Read> = (0..3).map(|i| read(20, 60, "10S40M10S", &i.to_string())).collect();
        assert_eq!(after(reads)[0], ("10H40M10H".into(), 40));
        let hard: Vec<Read> = (0..3)
            .map(|i| ReadBuilder::new(30, &REFERENCE[20..60]).cigar("5H10S30M3H").name(&i.to_string()).build())
            .collect();
        assert_eq!(after(hard)[0], ("5H10H30M3H".into(), 30));
    }
}
