//! Two sequences -> their best local alignment with affine gaps (Smith and Waterman 1981; Gotoh 1982), gaps to the left.
//!
//! Of equally good alignments the one that ends first is taken, and in it every gap lies as far left as it can: later
//! steps compare CIGARs, and VCF wants indels left-aligned.

use std::ops::Range;

use crate::reads::{Cigar, CigarKind};

/// What matches, mismatches and gaps are worth.
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

/// A local alignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalAlignment {
    /// Its score, positive.
    pub score: i32,
    /// The part of the query that is aligned.
    pub query: Range<usize>,
    /// The part of the target that it is aligned to.
    pub target: Range<usize>,
    /// How, in query terms (an insertion is in the query); begins and ends with a match.
    pub cigar: Vec<Cigar>,
}

/// Where the best score of a cell came from, and for the two gap matrices whether their gap was opened there.
const STOP: u8 = 0;
const DIAGONAL: u8 = 1;
const DELETION: u8 = 2;
const INSERTION: u8 = 3;
const SOURCE: u8 = 3;
const DELETION_OPENED: u8 = 4;
const INSERTION_OPENED: u8 = 8;

/// An aligner with its working memory, for use again and again.
#[derive(Debug)]
pub struct LocalAligner {
    scores: Scores,
    /// Scores of the column before: best, and ending in a deletion.
    best: Vec<i32>,
    deletion: Vec<i32>,
    /// One byte for each cell, column (target base) by column.
    trace: Vec<u8>,
}

impl LocalAligner {
    /// An aligner by these scores.
    #[must_use]
    pub fn new(scores: Scores) -> Self {
        Self { scores, best: Vec::new(), deletion: Vec::new(), trace: Vec::new() }
    }

    /// The best local alignment, or `None` where no base matches.
    pub fn align(&mut self, query: &[u8], target: &[u8]) -> Option<LocalAlignment> {
        const NONE: i32 = i32::MIN / 2;
        let Scores { matching, mismatch, gap_open, gap_extend } = self.scores;
        let rows = query.len();
        self.best.clear();
        self.best.resize(rows + 1, 0);
        self.deletion.clear();
        self.deletion.resize(rows + 1, NONE);
        self.trace.clear();
        self.trace.resize(rows * target.len(), STOP);
        let mut top = (0, 0, 0);
        for (column, &base) in target.iter().enumerate() {
            let trace = &mut self.trace[column * rows..(column + 1) * rows];
            let mut diagonal = 0;
            let mut insertion = NONE;
            for (row, (&letter, cell)) in query.iter().zip(trace).enumerate() {
                let before = self.best[row + 1];
                let opened = before - gap_open;
                let extended = self.deletion[row + 1] - gap_extend;
                let deletion = opened.max(extended);
                let mut code = if opened > extended { DELETION_OPENED } else { 0 };
                // `best[row]` is this column's already.
                let opened = self.best[row] - gap_open;
                let extended = insertion - gap_extend;
                insertion = opened.max(extended);
                code |= if opened > extended { INSERTION_OPENED } else { 0 };
                let paired = diagonal + if letter == base && letter != b'N' { matching } else { -mismatch };
                let score = paired.max(deletion).max(insertion).max(0);
                code |= match score {
                    0 => STOP,
                    s if s == paired => DIAGONAL,
                    s if s == deletion => DELETION,
                    _ => INSERTION,
                };
                *cell = code;
                diagonal = before;
                self.best[row + 1] = score;
                self.deletion[row + 1] = deletion;
                if score > top.0 {
                    top = (score, row + 1, column + 1);
                }
            }
        }
        (top.0 > 0).then(|| self.trace_back(top, rows))
    }

    fn trace_back(&self, (score, query_end, target_end): (i32, usize, usize), rows: usize) -> LocalAlignment {
        let (mut row, mut column) = (query_end, target_end);
        let mut cigar: Vec<Cigar> = Vec::new();
        let mut push = |kind| match cigar.last_mut() {
            Some(op) if op.kind == kind => op.length += 1,
            _ => cigar.push(Cigar { kind, length: 1 }),
        };
        // The gap that is being followed, if any.
        let mut gap = None;
        while row > 0 && column > 0 {
            let code = self.trace[(column - 1) * rows + row - 1];
            match gap.unwrap_or(code & SOURCE) {
                DIAGONAL => {
                    push(CigarKind::Match);
                    row -= 1;
                    column -= 1;
                }
                DELETION => {
                    push(CigarKind::Deletion);
                    gap = (code & DELETION_OPENED == 0).then_some(DELETION);
                    column -= 1;
                }
                INSERTION => {
                    push(CigarKind::Insertion);
                    gap = (code & INSERTION_OPENED == 0).then_some(INSERTION);
                    row -= 1;
                }
                _ => break,
            }
        }
        cigar.reverse();
        LocalAlignment { score, query: row..query_end, target: column..target_end, cigar }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::cigar_text;

    const SCORES: Scores = Scores { matching: 4, mismatch: 6, gap_open: 8, gap_extend: 2 };

    fn align(query: &str, target: &str) -> (i32, usize, usize, String) {
        let found = LocalAligner::new(SCORES).align(query.as_bytes(), target.as_bytes()).unwrap();
        (found.score, found.query.start, found.target.start, cigar_text(&found.cigar))
    }

    #[test]
    fn equal_sequences_match_end_to_end() {
        assert_eq!(align("ACGTTGCA", "ACGTTGCA"), (32, 0, 0, "8M".into()));
    }

    #[test]
    fn only_the_part_that_pays_is_aligned() {
        assert_eq!(align("GGACGTTTACCC", "ACGTTTA"), (28, 2, 0, "7M".into()));
        assert_eq!(LocalAligner::new(SCORES).align(b"AAAA", b"CCCC"), None);
    }

    #[test]
    fn gaps_lie_to_the_left() {
        assert_eq!(align("ACGTACCCGTTGCA", "ACGTACCCCGTTGCA").3, "5M1D9M");
        assert_eq!(align("ACGTACCCCGTTGCA", "ACGTACCCGTTGCA").3, "5M1I9M");
        assert_eq!(align("GATTACATGTGTGTCAGGATTC", "GATTACATGTGTGTGTCAGGATTC").3, "7M2D15M");
    }

    #[test]
    fn a_long_gap_costs_by_its_length() {
        // 24 matches less 8 + 4 * 2.
        assert_eq!(align("ACGGTCATTGCAGGCTAACTGATC", "ACGGTCATTGCAAAAAAGGCTAACTGATC").0, 96 - 16);
    }

    #[test]
    fn n_matches_nothing() {
        assert_eq!(align("ACGTNNACGTACGT", "ACGTNNACGTACGT").0, 12 * 4 - 2 * 6);
    }

    proptest! {
        /// The CIGAR spans what it says, and its score is the one that was claimed.
        #[test]
        fn the_score_is_that_of_the_cigar(query in "[ACG]{1,30}", target in "[ACG]{1,30}") {
            let Some(found) = LocalAligner::new(SCORES).align(query.as_bytes(), target.as_bytes()) else { return Ok(()) };
            let (mut i, mut j, mut score) = (found.query.start, found.target.start, 0);
            for op in &found.cigar {
                let n = i32::try_from(op.length).unwrap();
                if op.kind == CigarKind::Match {
                    for k in 0..op.length as usize {
                        score += if query.as_bytes()[i + k] == target.as_bytes()[j + k] { 4 } else { -6 };
                    }
                } else {
                    score -= 8 + 2 * (n - 1);
                }
                i += if op.kind.consumes_read() { op.length as usize } else { 0 };
                j += if op.kind.consumes_reference() { op.length as usize } else { 0 };
            }
            prop_assert_eq!((i, j, score), (found.query.end, found.target.end, found.score));
        }
    }
}
