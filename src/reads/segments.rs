//! An alignment's start and CIGAR -> its [`Segment`]s: the operations, each with its reference position and its offset in the read. All
//! code that goes along an alignment uses this iterator.

use std::borrow::Borrow;
use std::ops::Range;

use super::cigar::{Cigar, CigarKind};
use crate::genome::Interval;

/// One CIGAR operation and where it lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The operation.
    pub kind: CigarKind,
    /// Its length, bp.
    pub length: u32,
    /// Its first reference position, 0-based; the next position, where the operation consumes none.
    pub position: u64,
    /// Its first base in the read, 0-based; the next base, where the operation consumes none.
    pub offset: usize,
}

impl Segment {
    /// The reference positions that it consumes; empty where it consumes none.
    #[inline]
    #[must_use]
    pub fn interval(&self) -> Interval {
        let length = if self.kind.consumes_reference() { u64::from(self.length) } else { 0 };
        Interval::new(self.position, self.position + length)
    }

    /// The bases of the read that it consumes; empty where it consumes none.
    #[inline]
    #[must_use]
    pub fn bases(&self) -> Range<usize> {
        let length = if self.kind.consumes_read() { self.length as usize } else { 0 };
        self.offset..self.offset + length
    }
}

/// The segments of an alignment whose first aligned position is `start` (0-based).
///
/// ```
/// use varpix::reads::{Cigar, CigarKind, segments};
///
/// // 5M2D3M at position 100: three more bases at 107.
/// let cigar = [(CigarKind::Match, 5), (CigarKind::Deletion, 2), (CigarKind::Match, 3)];
/// let cigar = cigar.map(|(kind, length)| Cigar { kind, length });
/// let last = segments(100, &cigar).last().unwrap();
/// assert_eq!((last.position, last.offset), (107, 5));
/// ```
#[inline]
pub fn segments<C: Borrow<Cigar>>(start: u64, cigar: impl IntoIterator<Item = C>) -> impl Iterator<Item = Segment> {
    cigar.into_iter().scan((start, 0), |(position, offset), op| {
        let &Cigar { kind, length } = op.borrow();
        let segment = Segment { kind, length, position: *position, offset: *offset };
        (*position, *offset) = (segment.interval().end(), segment.bases().end);
        Some(segment)
    })
}

/// What the operations of a CIGAR consume together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consumed {
    /// Bases of the read.
    pub bases: usize,
    /// Reference positions, bp.
    pub positions: u64,
}

/// How many bases and reference positions a CIGAR consumes.
#[must_use]
pub fn consumed<C: Borrow<Cigar>>(cigar: impl IntoIterator<Item = C>) -> Consumed {
    let last = segments(0, cigar).last();
    last.map_or(Consumed { bases: 0, positions: 0 }, |last| Consumed {
        bases: last.bases().end,
        positions: last.interval().end(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::cigar;

    #[test]
    fn each_operation_lies_behind_the_one_before() {
        let at = |text: &str| -> Vec<(u64, u64, Range<usize>)> {
            let of = |segment: Segment| (segment.interval().start(), segment.interval().end(), segment.bases());
            segments(10, cigar(text)).map(of).collect()
        };
        assert_eq!(
            at("1H2S3M1I2D4N1M1P2S"),
            [
                (10, 10, 0..0),
                (10, 10, 0..2),
                (10, 13, 2..5),
                (13, 13, 5..6),
                (13, 15, 6..6),
                (15, 19, 6..6),
                (19, 20, 6..7),
                (20, 20, 7..7),
                (20, 20, 7..9),
            ]
        );
        assert!(at("").is_empty());
    }

    proptest! {
        /// The lengths of the operations that consume each add up to what is consumed.
        #[test]
        fn what_is_consumed_is_the_sum_of_lengths(text in "([1-9][MIDNSHP]){0,8}") {
            let cigar = cigar(&text);
            let sum = |consumes: fn(CigarKind) -> bool| -> u32 {
                cigar.iter().filter(|op| consumes(op.kind)).map(|op| op.length).sum()
            };
            let (bases, positions) = (sum(CigarKind::consumes_read), sum(CigarKind::consumes_reference));
            prop_assert_eq!(consumed(&cigar), Consumed { bases: bases as usize, positions: positions.into() });
        }
    }
}
