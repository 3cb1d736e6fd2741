//! An alignment and a window of the reference -> the part of the alignment in the window ([`Part`]).

use std::ops::Range;

use super::cigar::{Cigar, CigarKind};
use super::segments::segments;
use crate::genome::Interval;

/// A part of an alignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its first aligned position, 0-based.
    pub start: u64,
    /// Its operations; the last may have a length of 0.
    pub cigar: Vec<Cigar>,
    /// Its bases in the read.
    pub bases: Range<usize>,
}

impl Part {
    /// The part in a window of an alignment whose first aligned position is `start` (0-based), by DeepVariant's rules: operations that cross an
    /// edge are split. Insertions and clips before the left edge are dropped, those at it and those directly after the last base are kept. The
    /// first operation that does not fit is kept with what length is left, even if that is 0: so the anchor of a deletion after the window's last
    /// position is part of it.
    #[must_use]
    pub fn of(start: u64, cigar: &[Cigar], window: Interval) -> Self {
        let mut part = Self { start: start.max(window.start()), cigar: Vec::new(), bases: 0..0 };
        let mut is_empty = true;
        for segment in segments(start, cigar) {
            let span = segment.interval();
            let before = segment.position < window.start();
            if before && span.end() <= window.start() {
                continue;
            }
            let kept = span.intersect(window);
            let skipped = usize::try_from(window.start().saturating_sub(span.start())).unwrap_or(0);
            let kind = segment.kind;
            let (length, bases) = match (kind.consumes_reference(), kind.consumes_read()) {
                (true, true) => {
                    let first = segment.offset + skipped;
                    let length = usize::try_from(kept.len()).unwrap_or(0);
                    (u32::try_from(length).unwrap_or(u32::MAX), first..first + length)
                }
                (true, false) => (u32::try_from(kept.len()).unwrap_or(u32::MAX), segment.offset..segment.offset),
                (false, _) => (segment.length, segment.bases()),
            };
            if is_empty {
                part.bases = bases.clone();
                is_empty = false;
            }
            part.bases.end = bases.end;
            part.cigar.push(Cigar { kind, length });
            if span.end() > window.end() {
                break;
            }
        }
        part
    }

    /// The same without deletions and skips at its ends and without empty operations: an alignment as records have them. `None` where no base is
    /// aligned.
    #[must_use]
    pub fn whole(mut self) -> Option<Self> {
        self.cigar.retain(|op| op.length > 0);
        let is_gap = |op: &Cigar| matches!(op.kind, CigarKind::Deletion | CigarKind::Skip);
        while self.cigar.last().is_some_and(is_gap) {
            self.cigar.pop();
        }
        let head = self.cigar.iter().take_while(|op| is_gap(op)).count();
        self.start += self.cigar.drain(..head).map(|op| u64::from(op.length)).sum::<u64>();
        self.cigar.iter().any(|op| op.kind == CigarKind::Match).then_some(self)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::reads::consumed;
    use crate::testing::{cigar, cigar_text};

    /// Start, CIGAR and bases of the part in 10..20 of an alignment.
    fn part(start: u64, text: &str) -> (u64, String, Range<usize>) {
        let part = Part::of(start, &cigar(text), Interval::new(10, 20));
        (part.start, cigar_text(&part.cigar), part.bases)
    }

    #[test]
    fn operations_are_split_at_the_edges() {
        assert_eq!(part(12, "5M"), (12, "5M".into(), 0..5));
        assert_eq!(part(5, "30M"), (10, "10M".into(), 5..15));
        assert_eq!(part(5, "3M4D20M"), (10, "2D8M".into(), 3..11));
        assert_eq!(part(12, "5M9D5M"), (12, "5M3D".into(), 0..5));
        assert_eq!(part(5, "3M4N20M"), (10, "2N8M".into(), 3..11));
    }

    #[test]
    fn insertions_and_clips_at_the_edges() {
        // Before the left edge they are dropped, at it they are kept.
        assert_eq!(part(7, "2S2M2I20M"), (10, "10M".into(), 7..17));
        assert_eq!(part(8, "2M2I20M"), (10, "2I10M".into(), 2..14));
        assert_eq!(part(10, "3S4M"), (10, "3S4M".into(), 0..7));
        assert_eq!(part(8, "3S4M"), (10, "2M".into(), 5..7));
        // Directly after the last base they are kept.
        assert_eq!(part(10, "10M2I5M"), (10, "10M2I0M".into(), 0..12));
        assert_eq!(part(15, "5M3S"), (15, "5M3S".into(), 0..8));
        assert_eq!(part(10, "11M2I5M"), (10, "10M".into(), 0..10));
    }

    #[test]
    fn what_does_not_fit_is_kept_with_no_length() {
        assert_eq!(part(10, "10M4D5M"), (10, "10M0D".into(), 0..10));
        assert_eq!(part(10, "10M"), (10, "10M".into(), 0..10));
        assert_eq!(part(10, "12M"), (10, "10M".into(), 0..10));
        assert_eq!(part(10, "10M5M"), (10, "10M0M".into(), 0..10));
    }

    #[test]
    fn whole_alignments_have_no_gaps_at_their_ends() {
        let whole = |start, text| {
            let whole = Part::of(start, &cigar(text), Interval::new(10, 20)).whole()?;
            Some((whole.start, cigar_text(&whole.cigar), whole.bases))
        };
        assert_eq!(whole(5, "3M4D20M"), Some((12, "8M".into(), 3..11)));
        assert_eq!(whole(10, "10M4D5M"), Some((10, "10M".into(), 0..10)));
        assert_eq!(whole(5, "3M40D5M"), None);
    }

    proptest! {
        #[test]
        fn parts_fit_their_bases(start in 0_u64..25, text in "([1-9][MIDNS]){1,8}") {
            let part = Part::of(start, &cigar(&text), Interval::new(10, 20));
            let consumed = consumed(&part.cigar);
            prop_assert_eq!(consumed.bases, part.bases.len());
            prop_assert!(consumed.positions <= 10);
        }
    }
}
