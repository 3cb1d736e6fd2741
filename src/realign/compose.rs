//! A read's alignment to a haplotype and the haplotype's to the reference -> the read's alignment to the reference.

use crate::genome::reference::to_usize;
use crate::reads::{Cigar, CigarKind, segments};

use super::local::LocalAlignment;

/// Where a base of a haplotype lies on the reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HaplotypeBase {
    /// At that base of the reference, 0-based.
    At(usize),
    /// Between two bases of it.
    Inserted,
    /// Nowhere: the haplotype's end was not aligned.
    Unaligned,
}

impl HaplotypeBase {
    /// The same, with reference positions counted from a base that lies `by` bases before.
    #[must_use]
    pub fn moved(self, by: usize) -> Self {
        match self {
            Self::At(at) => Self::At(at + by),
            other => other,
        }
    }
}

/// The projection of a haplotype of `length` bases that is the reference itself.
#[must_use]
pub fn identity(length: usize) -> Vec<HaplotypeBase> {
    (0..length).map(HaplotypeBase::At).collect()
}

/// For each base of a haplotype of `length` bases, where `alignment` puts it on the reference.
#[must_use]
pub fn projection(length: usize, alignment: &LocalAlignment) -> Vec<HaplotypeBase> {
    let mut projection = vec![HaplotypeBase::Unaligned; alignment.query.start];
    for segment in segments(alignment.target.start as u64, &alignment.cigar) {
        let (target, n) = (to_usize(segment.position), segment.length as usize);
        match segment.kind {
            CigarKind::Match => projection.extend((target..target + n).map(HaplotypeBase::At)),
            CigarKind::Insertion => projection.extend(std::iter::repeat_n(HaplotypeBase::Inserted, n)),
            _ => {}
        }
    }
    projection.resize(length, HaplotypeBase::Unaligned);
    projection
}

/// An alignment to the reference: where its first aligned base lies (0-based), and how it goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alignment {
    /// Base of the reference.
    pub start: usize,
    /// The operations.
    pub cigar: Vec<Cigar>,
}

/// Projects an alignment to a haplotype, which begins at its base `start`, to the reference. `None` where the haplotype is not aligned
/// there, or no base of the read would be.
#[must_use]
pub fn compose(start: usize, cigar: &[Cigar], haplotype: &[HaplotypeBase]) -> Option<Alignment> {
    let mut composer = Composer::default();
    for segment in segments(start as u64, cigar) {
        let first = to_usize(segment.position);
        for i in 0..segment.length as usize {
            match (segment.kind, haplotype.get(first + i)) {
                (CigarKind::Match, Some(HaplotypeBase::At(reference))) => {
                    composer.step_to(*reference, CigarKind::Match);
                }
                (CigarKind::Deletion, Some(HaplotypeBase::At(reference))) => {
                    composer.step_to(*reference, CigarKind::Deletion);
                }
                (CigarKind::Match, Some(HaplotypeBase::Inserted)) => composer.push(CigarKind::Insertion),
                (CigarKind::Deletion, Some(HaplotypeBase::Inserted)) => {}
                (CigarKind::Insertion | CigarKind::SoftClip, _) => composer.push(segment.kind),
                _ => return None,
            }
        }
    }
    composer.finish()
}

#[derive(Default)]
struct Composer {
    start: Option<usize>,
    /// The base of the reference after the last one that was aligned or deleted.
    next: usize,
    cigar: Vec<Cigar>,
}

impl Composer {
    fn step_to(&mut self, reference: usize, kind: CigarKind) {
        if self.start.is_none() {
            self.start = Some(reference);
            self.next = reference;
        }
        while self.next < reference {
            self.push(CigarKind::Deletion);
            self.next += 1;
        }
        self.push(kind);
        self.next += 1;
    }

    /// Adds one base. One inserted beside one deleted is one aligned, which comes before what is left of the gap.
    fn push(&mut self, kind: CigarKind) {
        match (self.cigar.last_mut(), kind) {
            (Some(Cigar { kind: CigarKind::Insertion, length }), CigarKind::Deletion)
            | (Some(Cigar { kind: CigarKind::Deletion, length }), CigarKind::Insertion) => {
                *length -= 1;
                let rest = self.cigar.pop().filter(|op| op.length > 0);
                self.push(CigarKind::Match);
                self.cigar.extend(rest);
            }
            (Some(last), kind) if last.kind == kind => last.length += 1,
            _ => self.cigar.push(Cigar { kind, length: 1 }),
        }
    }

    fn finish(self) -> Option<Alignment> {
        let aligned = self.cigar.iter().any(|op| op.kind == CigarKind::Match);
        aligned.then_some(Alignment { start: self.start?, cigar: self.cigar })
    }
}

/// True where an insertion or deletion is not left-aligned.
#[must_use]
pub fn can_shift_left(alignment: &Alignment, read: &[u8], reference: &[u8]) -> bool {
    let mut before = None;
    for segment in segments(alignment.start as u64, &alignment.cigar) {
        let (position, n) = (to_usize(segment.position), segment.length as usize);
        let after_match = before == Some(CigarKind::Match);
        let last = match segment.kind {
            CigarKind::Insertion => read.get(segment.offset + n - 1),
            CigarKind::Deletion => reference.get(position + n - 1),
            _ => None,
        };
        if after_match && last.is_some() && last == reference.get(position - 1) {
            return true;
        }
        before = Some(segment.kind);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reads::segments::{Consumed, consumed};
    use crate::testing::{cigar, cigar_text};

    /// The haplotype's projection by an alignment that spans it all.
    fn haplotype(text: &str) -> Vec<HaplotypeBase> {
        let cigar = cigar(text).into_vec();
        let Consumed { bases, positions } = consumed(&cigar);
        projection(bases, &LocalAlignment { score: 1, query: 0..bases, target: 0..to_usize(positions), cigar })
    }

    fn composed(start: usize, read: &str, haplotype: &[HaplotypeBase]) -> Option<(usize, String)> {
        compose(start, &cigar(read), haplotype).map(|a| (a.start, cigar_text(&a.cigar)))
    }

    #[test]
    fn the_haplotypes_gaps_become_the_reads() {
        assert_eq!(composed(2, "10M", &haplotype("6M3D20M")), Some((2, "4M3D6M".into())));
        assert_eq!(composed(2, "10M", &haplotype("6M3I20M")), Some((2, "4M3I3M".into())));
        assert_eq!(composed(2, "10M", &identity(20)), Some((2, "10M".into())));
    }

    #[test]
    fn the_reads_own_gaps_stay() {
        assert_eq!(composed(0, "2S3M1I4M2D3M1S", &identity(20)), Some((0, "2S3M1I4M2D3M1S".into())));
        assert_eq!(composed(0, "3M2D9M", &haplotype("10M4D10M")), Some((0, "3M2D5M4D4M".into())));
    }

    #[test]
    fn what_is_inserted_and_deleted_again_is_aligned() {
        // The read lacks what the haplotype inserted.
        assert_eq!(composed(0, "4M2D6M", &haplotype("4M2I10M")), Some((0, "10M".into())));
        // It inserts as much as the haplotype lacks.
        assert_eq!(composed(0, "4M2I6M", &haplotype("4M2D10M")), Some((0, "12M".into())));
        assert_eq!(composed(0, "4M1I6M", &haplotype("4M3D10M")), Some((0, "5M2D6M".into())));
    }

    #[test]
    fn a_read_may_begin_in_an_insertion_but_not_end_in_a_deletion() {
        assert_eq!(composed(5, "6M", &haplotype("4M3I10M")), Some((4, "2I4M".into())));
        assert_eq!(composed(0, "4M", &haplotype("4M3D10M")), Some((0, "4M".into())));
        assert_eq!(composed(4, "3M", &haplotype("4M3I10M")), None);
    }

    #[test]
    fn unaligned_ends_are_not_made_up() {
        let alignment = LocalAlignment { score: 1, query: 3..10, target: 5..12, cigar: cigar("7M").into_vec() };
        let projected = projection(12, &alignment);
        assert_eq!(composed(3, "7M", &projected), Some((5, "7M".into())));
        assert_eq!((composed(2, "7M", &projected), composed(4, "7M", &projected)), (None, None));
    }

    #[test]
    fn shiftable_gaps_are_found() {
        let shiftable = |text: &str, read: &[u8], reference: &[u8]| {
            can_shift_left(&Alignment { start: 0, cigar: cigar(text).into_vec() }, read, reference)
        };
        //                                        0123456789
        assert!(!shiftable("2M1D6M", b"GACCTTTT", b"GACCCTTTT"));
        assert!(shiftable("3M1D5M", b"GACCTTTT", b"GACCCTTTT"));
        assert!(!shiftable("2M1I7M", b"GACCCTTTTA", b"GACCTTTTA"));
        assert!(shiftable("3M1I6M", b"GACCCTTTTA", b"GACCTTTTA"));
        assert!(!shiftable("9M", b"GACCCTTTT", b"GACCCTTTT"));
        assert!(!shiftable("2I7M", b"AAAAAAAAA", b"AAAAAAA"));
    }
}
