//! The best score of a local alignment that keeps to a few neighbouring diagonals: those of one or two vectors.
//!
//! The cells of an anti-diagonal lie on every second diagonal, so that two anti-diagonals in turn fill a vector each, whose lanes stay with their
//! diagonals. A cell's neighbours are in its own lane or in the next one, and nothing but letters is loaded.

use std::ops::Range;

use multiversion::multiversion;

/// A score that no path has; two of it do not overflow.
pub(super) const NONE_SHORT: i16 = i16::MIN / 2;
/// Cells that are filled at once: a vector of 512 bits, or two of 256. Anti-diagonals are filled up to a multiple of it, so that there is no
/// remainder to fill one by one; the cells past their end match nothing and no path leads back from them.
pub(super) const LANES: usize = 32;
/// Letters past the end of the query and of the target: equal to no other.
pub(super) const PAST_QUERY: i16 = -3;
pub(super) const PAST_TARGET: i16 = -4;

/// A base as a letter; N is another one in the target than in the query, so that it does not match itself.
pub(super) fn letter(base: u8, unknown: i16) -> i16 {
    if base == b'N' { unknown } else { i16::from(base) }
}

/// Letters, kept for use again.
#[derive(Debug, Default)]
pub(super) struct NarrowSweep {
    /// Backwards, so that both run upwards along an anti-diagonal; with as many letters past both ends as there are lanes.
    query: Vec<i16>,
    target: Vec<i16>,
}

impl NarrowSweep {
    /// The best score on the diagonals of `band`, at most two a lane, and after how many bases of both it is reached: fewest of
    /// the target, then fewest of the query. With `known`, that score, it is looked for from the first cell on and no farther than it can lie.
    pub(super) fn sweep<const N: usize>(
        &mut self,
        query: &[u8],
        target: &[u8],
        band: Range<isize>,
        known: Option<i16>,
        scores: [i16; 4],
    ) -> (i16, usize, usize) {
        let past = |letter| std::iter::repeat_n(letter, N);
        self.query.clear();
        self.query
            .extend(past(PAST_QUERY).chain(query.iter().rev().map(|&base| letter(base, -1))).chain(past(PAST_QUERY)));
        self.target.clear();
        self.target
            .extend(past(PAST_TARGET).chain(target.iter().map(|&base| letter(base, -2))).chain(past(PAST_TARGET)));
        let mut best: Best<N> = Best { top: known.unwrap_or(0), cell: None, first: None };
        fill(&self.query, &self.target, band, known.is_some(), scores, &mut best);
        best.settle();
        let (target, query) = best.cell.unwrap_or((usize::MAX, usize::MAX));
        (best.top, query, target)
    }
}

/// The best score so far.
struct Best<const N: usize> {
    top: i16,
    /// Bases of the target and of the query before the end of the first cell that has it; see `first` where that is none.
    cell: Option<(usize, usize)>,
    /// The first anti-diagonal that reached it, which is not searched yet: along a good alignment each has a better one than the last.
    first: Option<AntiDiagonal<N>>,
}

/// Scores, and the row and the column of the first lane's cell; the next lane's is a row less and a column more.
#[derive(Clone, Copy)]
struct AntiDiagonal<const N: usize> {
    scores: [i16; N],
    row: isize,
    column: isize,
    rows: usize,
}

impl<const N: usize> Best<N> {
    fn settle(&mut self) {
        if let Some(first) = self.first.take() {
            self.cell = None;
            self.search(first);
        }
    }

    fn search(&mut self, of: AntiDiagonal<N>) {
        // Fewest columns: the first lane.
        let is_end = |lane: &usize| {
            let row = of.row - lane.cast_signed();
            of.scores[*lane] == self.top && (0..of.rows.cast_signed()).contains(&row)
        };
        if let Some(lane) = (0..N).find(is_end) {
            let before = |cell: isize| usize::try_from(cell + 1).unwrap_or(0);
            let cell = (before(of.column + lane.cast_signed()), before(of.row - lane.cast_signed()));
            self.cell = Some(self.cell.map_or(cell, |other| other.min(cell)));
        }
    }
}

/// Goes along all anti-diagonals of the band.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512vl", "x86_64+avx2"))]
#[inline(never)]
fn fill<const N: usize>(
    query: &[i16],
    target: &[i16],
    band: Range<isize>,
    known: bool,
    [matching, mismatch, gap_open, gap_extend]: [i16; 4],
    result: &mut Best<N>,
) {
    let [rows, columns] = [query, target].map(|letters| (letters.len() - 2 * N).cast_signed());
    let (lowest, highest) = (band.start, band.end - 1);
    let begin = lowest.max(-highest).max(0);
    let end = (rows + columns - 1).min(2 * rows - 1 + highest).min(2 * columns - 1 - lowest);
    // Of the newest anti-diagonal and the one before it.
    let (mut newest, mut earlier) = ([0_i16; N], [0_i16; N]);
    let (mut deletions, mut insertions) = ([NONE_SHORT; N], [NONE_SHORT; N]);
    for diagonal in begin..end {
        let odd = (diagonal - lowest) & 1;
        let (row, column) = ((diagonal - lowest - odd) / 2, (diagonal + lowest + odd) / 2);
        if known && result.cell.is_some_and(|cell| diagonal + 1 >= cell.0.cast_signed() + rows) {
            break;
        }
        let at = |first: isize| usize::try_from(first + N.cast_signed()).unwrap_or(0);
        let letters = (query.get(at(rows - 1 - row)..), target.get(at(column)..));
        let (Some((query, _)), Some((target, _))) = (
            letters.0.and_then(|all| all.split_first_chunk::<N>()),
            letters.1.and_then(|all| all.split_first_chunk::<N>()),
        ) else {
            break;
        };
        // The cells to the left and above, on the diagonals below and above: one is in its own lane, the other in a neighbouring one.
        let (left, deleted, above, inserted) = if odd == 0 {
            (down(&newest, 0), down(&deletions, NONE_SHORT), newest, insertions)
        } else {
            (newest, deletions, up(&newest, 0), up(&insertions, NONE_SHORT))
        };
        let (mut scores, mut top) = ([0_i16; N], 0_i16);
        for i in 0..N {
            let deletion = (left[i] - gap_open).max(deleted[i] - gap_extend);
            let insertion = (above[i] - gap_open).max(inserted[i] - gap_extend);
            let paired = earlier[i] + if query[i] == target[i] { matching } else { -mismatch };
            let score = paired.max(deletion).max(insertion).max(0);
            deletions[i] = deletion.max(NONE_SHORT);
            insertions[i] = insertion.max(NONE_SHORT);
            scores[i] = score;
            top = top.max(score);
        }
        (earlier, newest) = (newest, scores);
        if top >= result.top && top > 0 {
            let here = AntiDiagonal { scores, row, column, rows: rows.unsigned_abs() };
            if top > result.top {
                (result.top, result.first) = (top, Some(here));
            } else {
                result.settle();
                result.search(here);
            }
        }
    }
}

/// Each lane's neighbour below.
#[inline(always)]
#[allow(clippy::inline_always, reason = "it must be compiled for the vectors of its caller")]
fn down<const N: usize>(lanes: &[i16; N], first: i16) -> [i16; N] {
    let mut moved = [first; N];
    moved[1..].copy_from_slice(&lanes[..N - 1]);
    moved
}

/// Each lane's neighbour above.
#[inline(always)]
#[allow(clippy::inline_always, reason = "it must be compiled for the vectors of its caller")]
fn up<const N: usize>(lanes: &[i16; N], last: i16) -> [i16; N] {
    let mut moved = [last; N];
    moved[..N - 1].copy_from_slice(&lanes[1..]);
    moved
}
