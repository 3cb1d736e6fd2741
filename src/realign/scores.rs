//! What matches, mismatches and gaps count in an alignment ([`Scores`]).

/// Greater scores and penalties are cut to this, so that sums stay within 16 bits.
const LARGEST_SCORE: i32 = 4096;

/// Scores of matches, mismatches and gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scores {
    /// Of a matching base, positive.
    pub matching: i32,
    /// Taken off for a mismatch.
    pub mismatch: i32,
    /// Taken off for a gap's first base.
    pub gap_open: i32,
    /// Taken off for each further base of a gap.
    pub gap_extend: i32,
}

impl Scores {
    /// Of so many matches.
    pub(super) fn perfect(self, length: usize) -> i32 {
        i32::try_from(length).unwrap_or(i32::MAX).saturating_mul(self.matching)
    }

    /// Matching, mismatch, gap open, gap extend in 16 bits.
    pub(super) fn short(self) -> [i16; 4] {
        [self.matching, self.mismatch, self.gap_open, self.gap_extend]
            .map(|n| i16::try_from(n.min(LARGEST_SCORE)).unwrap_or_default())
    }

    /// Of two bases; N matches nothing.
    pub(super) fn pair(self, a: u8, b: u8) -> i32 {
        if a == b && a != b'N' { self.matching } else { -self.mismatch }
    }

    /// The score of two sequences of one length, base by base.
    #[allow(clippy::needless_bitwise_bool, reason = "branches are not turned into vectors")]
    pub(super) fn ungapped(self, query: &[u8], target: &[u8]) -> i32 {
        let differs = |(a, b): (&u8, &u8)| i32::from((a != b) | (*a == b'N'));
        let differences: i32 = query.iter().zip(target).map(differs).sum();
        self.perfect(query.len()) - differences * (self.matching + self.mismatch)
    }
}
