//! Two sequences -> their best local alignment with affine gaps (Smith and Waterman 1981; Gotoh 1982), gaps to the left.
//!
//! Three steps, as in the SSW library (Zhao et al. 2013, doi:10.1371/journal.pone.0082138): a sweep over all cells that keeps
//! scores only and finds the end; a second one backwards from there that finds the start; then a trace within a narrow band
//! around the diagonal between the two, which is widened until the score is reached.
//!
//! Of equally good alignments the one is taken that ends first, of these the one that starts last, then the one nearest to
//! the diagonal, and in it gaps lie as far left as they can: later steps compare CIGARs, and VCF wants indels left-aligned.

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

/// Where the best score of a cell came from, and whether its two gaps were opened there.
const DIAGONAL: u8 = 1;
const DELETION: u8 = 2;
const INSERTION: u8 = 3;
const SOURCE: u8 = 3;
const DELETION_OPENED: u8 = 4;
const INSERTION_OPENED: u8 = 8;
/// A score that no path has.
const NONE: i32 = i32::MIN / 2;

/// An aligner with its working memory, for use again and again.
#[derive(Debug)]
pub struct LocalAligner {
    scores: Scores,
    /// Scores of a column or row: best, and ending in a gap that goes on into the next one.
    best: Vec<i32>,
    gapped: Vec<i32>,
    /// One byte for each cell of the band, row (query base) by row.
    trace: Vec<u8>,
    reversed: [Vec<u8>; 2],
}

impl LocalAligner {
    /// An aligner by these scores.
    #[must_use]
    pub fn new(scores: Scores) -> Self {
        Self { scores, best: Vec::new(), gapped: Vec::new(), trace: Vec::new(), reversed: Default::default() }
    }

    /// The best local alignment, or `None` where no base matches. N matches nothing.
    pub fn align(&mut self, query: &[u8], target: &[u8]) -> Option<LocalAlignment> {
        let (score, query_end, target_end) = self.sweep(query, target, i32::MAX);
        if score == 0 {
            return None;
        }
        let [mut head, mut target_head] = std::mem::take(&mut self.reversed);
        head.clear();
        head.extend(query[..query_end].iter().rev());
        target_head.clear();
        target_head.extend(target[..target_end].iter().rev());
        let (_, query_length, target_length) = self.sweep(&head, &target_head, score);
        self.reversed = [head, target_head];
        let aligned = query_end - query_length..query_end;
        let place = target_end - target_length..target_end;
        let mut band = query_length.abs_diff(target_length) + 1;
        let widest = query_length.max(target_length);
        while self.fill(&query[aligned.clone()], &target[place.clone()], band) < score && band < widest {
            band *= 2;
        }
        let cigar = self.trace_back(query_length, target_length, band);
        Some(LocalAlignment { score, query: aligned, target: place, cigar })
    }

    fn pair(&self, a: u8, b: u8) -> i32 {
        if a == b && a != b'N' { self.scores.matching } else { -self.scores.mismatch }
    }

    /// The best score and after how many bases of both it is first reached, target base by target base; stops there where
    /// it is `enough`.
    fn sweep(&mut self, query: &[u8], target: &[u8], enough: i32) -> (i32, usize, usize) {
        let Scores { gap_open, gap_extend, .. } = self.scores;
        self.best.clear();
        self.best.resize(query.len() + 1, 0);
        self.gapped.clear();
        self.gapped.resize(query.len() + 1, NONE);
        let mut top = (0, 0, 0);
        for (column, &base) in target.iter().enumerate() {
            let mut diagonal = 0;
            let mut insertion = NONE;
            for (row, &letter) in query.iter().enumerate() {
                let before = self.best[row + 1];
                let deletion = (before - gap_open).max(self.gapped[row + 1] - gap_extend);
                // `best[row]` is this column's already.
                insertion = (self.best[row] - gap_open).max(insertion - gap_extend);
                let score = (diagonal + self.pair(letter, base)).max(deletion).max(insertion).max(0);
                diagonal = before;
                self.best[row + 1] = score;
                self.gapped[row + 1] = deletion;
                if score > top.0 {
                    top = (score, row + 1, column + 1);
                }
            }
            if top.0 >= enough {
                break;
            }
        }
        top
    }

    /// Fills the trace of the best alignment from end to end that stays within `band` cells of the diagonal; its score.
    fn fill(&mut self, query: &[u8], target: &[u8], band: usize) -> i32 {
        let Scores { gap_open, gap_extend, .. } = self.scores;
        let width = 2 * band + 1;
        self.trace.clear();
        self.trace.resize(query.len() * width, 0);
        // Of the row before, by column; the first entry stands for no base of the target.
        self.best.clear();
        self.best.resize(target.len() + 1, NONE);
        self.best[0] = 0;
        self.gapped.clear();
        self.gapped.resize(target.len() + 1, NONE);
        for (row, &letter) in query.iter().enumerate() {
            let columns = row.saturating_sub(band)..(row + band + 1).min(target.len());
            let mut diagonal = self.best[columns.start];
            let mut deletion = NONE;
            // Left of the band, and above the first row, there is nothing.
            self.best[columns.start] = NONE;
            for column in columns {
                let above = self.best[column + 1];
                let opened = above - gap_open;
                let extended = self.gapped[column + 1] - gap_extend;
                let insertion = opened.max(extended);
                let mut code = if opened > extended { INSERTION_OPENED } else { 0 };
                let opened = self.best[column] - gap_open;
                let extended = deletion - gap_extend;
                deletion = opened.max(extended);
                code |= if opened > extended { DELETION_OPENED } else { 0 };
                let paired = diagonal + self.pair(letter, target[column]);
                let score = paired.max(deletion).max(insertion);
                code |= match score {
                    s if s == paired => DIAGONAL,
                    s if s == deletion => DELETION,
                    _ => INSERTION,
                };
                self.trace[row * width + column + band - row] = code;
                diagonal = above;
                self.best[column + 1] = score;
                self.gapped[column + 1] = insertion;
            }
        }
        self.best[target.len()]
    }

    fn trace_back(&self, mut row: usize, mut column: usize, band: usize) -> Vec<Cigar> {
        let mut cigar: Vec<Cigar> = Vec::new();
        let mut push = |kind| match cigar.last_mut() {
            Some(op) if op.kind == kind => op.length += 1,
            _ => cigar.push(Cigar { kind, length: 1 }),
        };
        // The gap that is being followed, if any.
        let mut gap = None;
        while row > 0 && column > 0 {
            let code = self.trace[(row - 1) * (2 * band + 1) + column + band - row];
            match gap.unwrap_or(code & SOURCE) {
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
                _ => {
                    push(CigarKind::Match);
                    row -= 1;
                    column -= 1;
                }
            }
        }
        cigar.reverse();
        cigar
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
