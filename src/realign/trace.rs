//! Two sequences that are aligned end to end -> the CIGAR of a best path, within a narrow band around the diagonal.

use super::op;
use super::scores::Scores;
use crate::reads::{Cigar, CigarKind};

/// Where the best score of a cell came from, and whether its two gaps were opened there.
const DIAGONAL: u8 = 1;
const DELETION: u8 = 2;
const INSERTION: u8 = 3;
const SOURCE: u8 = 3;
const DELETION_OPENED: u8 = 4;
const INSERTION_OPENED: u8 = 8;
/// A score that no path has.
const NONE: i32 = i32::MIN / 2;

/// The working memory of a trace, for use again and again.
#[derive(Debug, Default)]
pub(super) struct Trace {
    /// Scores of a row: best, and ending in an insertion.
    best: Vec<i32>,
    gapped: Vec<i32>,
    /// One byte for each cell of the band, row (query base) by row.
    cells: Vec<u8>,
}

impl Trace {
    /// The path with this score, the best there is, that is nearest to the diagonal; in it gaps lie as far left as they can.
    pub(super) fn cigar(&mut self, query: &[u8], target: &[u8], score: i32, scores: Scores) -> Vec<Cigar> {
        if query.len() == target.len() && scores.ungapped(query, target) == score {
            return vec![op(CigarKind::Match, query.len())];
        }
        let mut band = query.len().abs_diff(target.len()) + 1;
        let widest = query.len().max(target.len());
        while self.fill(query, target, band, scores) < score && band < widest {
            band *= 2;
        }
        self.back(query.len(), target.len(), band)
    }

    /// Fills the trace of the best alignment from end to end that stays within `band` cells of the diagonal; its score.
    pub(super) fn fill(&mut self, query: &[u8], target: &[u8], band: usize, scores: Scores) -> i32 {
        let Scores { gap_open, gap_extend, .. } = scores;
        let width = 2 * band + 1;
        self.cells.clear();
        self.cells.resize(query.len() * width, 0);
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
                let paired = diagonal + scores.pair(letter, target[column]);
                let score = paired.max(deletion).max(insertion);
                code |= match score {
                    s if s == paired => DIAGONAL,
                    s if s == deletion => DELETION,
                    _ => INSERTION,
                };
                self.cells[row * width + column + band - row] = code;
                diagonal = above;
                self.best[column + 1] = score;
                self.gapped[column + 1] = insertion;
            }
        }
        self.best[target.len()]
    }

    /// The path that was filled last, from its end.
    pub(super) fn back(&self, mut row: usize, mut column: usize, band: usize) -> Vec<Cigar> {
        let mut cigar: Vec<Cigar> = Vec::new();
        let mut push = |kind| match cigar.last_mut() {
            Some(op) if op.kind == kind => op.length += 1,
            _ => cigar.push(Cigar { kind, length: 1 }),
        };
        // The gap that is being followed, if any.
        let mut gap = None;
        while row > 0 && column > 0 {
            let code = self.cells[(row - 1) * (2 * band + 1) + column + band - row];
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
