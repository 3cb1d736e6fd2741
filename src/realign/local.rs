//! Two sequences -> their best local alignment with affine gaps (Smith and Waterman 1981; Gotoh 1982), gaps to the left.
//!
//! Three steps, as in the SSW library (Zhao et al. 2013, doi:10.1371/journal.pone.0082138): a sweep over all cells that may be of the
//! best alignment, which keeps scores only and finds the end; a second one backwards from there that finds the start; then a trace within a narrow band
//! around the diagonal between the two, which is widened until the score is reached.
//!
//! Of equally good alignments the one is taken that ends first, of these the one that starts last, then the one nearest to
//! the diagonal, and in it gaps lie as far left as they can: later steps compare CIGARs, and VCF wants indels left-aligned.

use std::ops::Range;

use multiversion::multiversion;

use super::narrow::{LANES, NONE_SHORT, NarrowSweep, PAST_QUERY, PAST_TARGET, letter};
use super::op;
use super::scores::Scores;
use super::shared_kmers::SharedKmers;
use super::trace::Trace;
use crate::reads::{Cigar, CigarKind};

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

/// The score of a best local alignment and where it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// Its score, positive.
    pub score: i16,
    /// Bases of the query and of the target before its end.
    query: usize,
    target: usize,
}

/// How much less than a perfect one an alignment is first taken to score at most.
const FIRST_LOSS: i32 = 64;
/// All diagonals.
const EVERYWHERE: Range<isize> = isize::MIN / 4..isize::MAX / 4;

/// The scores of three neighbouring anti-diagonals, by query base. The entry before the first base is that of no base.
#[derive(Debug, Default)]
struct Sweep {
    query: Vec<i16>,
    /// Backwards, so that both run upwards along an anti-diagonal.
    target: Vec<i16>,
    /// Of the newest anti-diagonal, the one before, and the one before that.
    best: Vec<i16>,
    best_before: Vec<i16>,
    best_earlier: Vec<i16>,
    /// Ending in a deletion, by the query's base; updated in place.
    deletion: Vec<i16>,
    insertion: Vec<i16>,
    insertion_before: Vec<i16>,
    /// The scores of the anti-diagonal that has the highest so far.
    top: Vec<i16>,
}

impl Sweep {
    fn begin(&mut self, query: &[u8], target: &[u8]) {
        self.query.clear();
        self.query.extend(query.iter().map(|&base| letter(base, -1)));
        self.query.resize(query.len() + LANES, PAST_QUERY);
        self.target.clear();
        self.target.extend(target.iter().rev().map(|&base| letter(base, -2)));
        self.target.resize(target.len() + LANES, PAST_TARGET);
        for scores in [&mut self.best, &mut self.best_before, &mut self.best_earlier] {
            scores.clear();
            scores.resize(query.len() + 1 + LANES, 0);
        }
        for scores in [&mut self.deletion, &mut self.insertion, &mut self.insertion_before] {
            scores.clear();
            scores.resize(query.len() + 1 + LANES, NONE_SHORT);
        }
    }

    /// Computes `n` cells of one anti-diagonal from row `first` on, or up to [`LANES`] less one more; their highest score, or a lower one of
    /// cells past the query's end. Rows may begin later than on the one before, by one at most, and may not end earlier within the query; from
    /// the row before them no path leads on.
    fn step(&mut self, diagonal: usize, first: usize, n: usize, columns: usize, scores: [i16; 4]) -> i16 {
        std::mem::swap(&mut self.best_earlier, &mut self.best_before);
        std::mem::swap(&mut self.best_before, &mut self.best);
        std::mem::swap(&mut self.insertion_before, &mut self.insertion);
        let n = n.next_multiple_of(LANES);
        self.best[first] = 0;
        self.insertion[first] = NONE_SHORT;
        cells(
            Before {
                query: &self.query[first..][..n],
                target: &self.target[columns - 1 + first - diagonal..][..n],
                earlier: &self.best_earlier[first..][..n],
                above: &self.best_before[first..][..n],
                left: &self.best_before[first + 1..][..n],
                insertion_above: &self.insertion_before[first..][..n],
            },
            &mut self.deletion[first + 1..][..n],
            &mut self.insertion[first + 1..][..n],
            &mut self.best[first + 1..][..n],
            scores,
        )
    }
}

/// What the cells of an anti-diagonal depend on; all of one length.
#[derive(Clone, Copy)]
struct Before<'a> {
    query: &'a [i16],
    target: &'a [i16],
    earlier: &'a [i16],
    above: &'a [i16],
    left: &'a [i16],
    insertion_above: &'a [i16],
}

/// Fills the cells of an anti-diagonal; their highest score. Half of a realigner's time on real reads is spent here, so there is a
/// version for each width of vectors, and the processor's own is taken when the program runs.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512vl", "x86_64+avx2"))]
fn cells(
    before: Before,
    deletions: &mut [i16],
    insertions: &mut [i16],
    best: &mut [i16],
    [matching, mismatch, gap_open, gap_extend]: [i16; 4],
) -> i16 {
    let chunks = |scores| <[i16]>::as_chunks::<LANES>(scores).0;
    let [query, target, earlier] = [before.query, before.target, before.earlier].map(chunks);
    let [above, left, insertion_above] = [before.above, before.left, before.insertion_above].map(chunks);
    let (deletions, insertions, best) =
        (deletions.as_chunks_mut().0, insertions.as_chunks_mut().0, best.as_chunks_mut().0);
    let mut highest = [0; LANES];
    let inputs = query.iter().zip(target).zip(earlier).zip(above).zip(left).zip(insertion_above);
    let outputs = deletions.iter_mut().zip(insertions).zip(best);
    for ((((((query, target), earlier), above), left), insertion_above), ((deletions, insertions), best)) in
        inputs.zip(outputs)
    {
        let (deletions, insertions, best): (&mut [i16; LANES], &mut [i16; LANES], &mut [i16; LANES]) =
            (deletions, insertions, best);
        // Arrays of one length: the form that is turned into vectors.
        for i in 0..LANES {
            let deletion = (left[i] - gap_open).max(deletions[i] - gap_extend);
            let insertion = (above[i] - gap_open).max(insertion_above[i] - gap_extend);
            let paired = earlier[i] + if query[i] == target[i] { matching } else { -mismatch };
            let score = paired.max(deletion).max(insertion).max(0);
            deletions[i] = deletion.max(NONE_SHORT);
            insertions[i] = insertion.max(NONE_SHORT);
            best[i] = score;
            highest[i] = highest[i].max(score);
        }
    }
    highest.into_iter().max().unwrap_or(0)
}

/// An aligner with its working memory, for use again and again.
#[derive(Debug)]
pub struct LocalAligner {
    scores: Scores,
    sweep: Sweep,
    narrow: NarrowSweep,
    shared: SharedKmers,
    trace: Trace,
    reversed: [Vec<u8>; 2],
}

impl LocalAligner {
    /// An aligner by these scores.
    #[must_use]
    pub fn new(scores: Scores) -> Self {
        let (sweep, narrow, shared) = (Sweep::default(), NarrowSweep::default(), SharedKmers::default());
        Self { scores, sweep, narrow, shared, trace: Trace::default(), reversed: Default::default() }
    }

    /// The best local alignment, or `None` where no base matches, or where both are too long for 16-bit scores. N matches
    /// nothing.
    pub fn align(&mut self, query: &[u8], target: &[u8]) -> Option<LocalAlignment> {
        let end = self.end(query, target, 1)?;
        Some(self.align_to(end, query, target))
    }

    /// The score of the best local alignment and where it ends, for less than half the work; `None` as for [`LocalAligner::align`], and where the
    /// score is lower than `least`.
    pub fn end(&mut self, query: &[u8], target: &[u8], least: i16) -> Option<End> {
        let longest = i32::try_from(query.len().min(target.len())).ok()?;
        if longest == 0 || longest.saturating_mul(self.scores.matching) > i32::from(i16::MAX) {
            return None;
        }
        // First as if the score were nearly perfect, since then few cells can be part of the alignment. What is found is a bound for the next
        // attempt.
        let mut bound = self.scores.perfect(query.len()) - FIRST_LOSS;
        let least = least.max(1);
        loop {
            bound = bound.max(i32::from(least));
            let band = self.band(query, target, bound);
            let is_all = band.is_none() || bound == i32::from(least);
            let (score, query, target) = match band {
                Some(band) => self.highest(query, target, band, None),
                None => self.highest(query, target, EVERYWHERE, None),
            };
            if is_all || i32::from(score) >= bound {
                return (score >= least).then_some(End { score, query, target });
            }
            bound = i32::from(score);
        }
    }

    /// Diagonals (a cell's column less its row) that all alignments with this score or a higher one keep to; `None` where nothing is known of them.
    /// Such an alignment has few differences, so that one of the runs of matches between these is long, and it strays from there by few gaps.
    fn band(&mut self, query: &[u8], target: &[u8], bound: i32) -> Option<Range<isize>> {
        let [matching, mismatch, gap_open, gap_extend] = self.scores.short().map(i32::from);
        let loss = self.scores.perfect(query.len()) - bound;
        if loss < 0 {
            return Some(0..0);
        }
        // What divides runs costs a gap or a mismatch and may take a base; any other base that is not matched costs as much as a match. Runs are
        // shortest where all is paid for divisions, as long as there are more bases than those would take.
        let [matching, division] = [matching, gap_open.min(matching + mismatch)].map(|n| n.max(1));
        let unmatched = |paid: i32| usize::try_from(paid / matching).ok();
        query.len().checked_sub(unmatched(loss)? + unmatched(division)? + 1)?;
        let divisions = usize::try_from(loss / division).ok()?;
        let matches = query.len().checked_sub(divisions + unmatched(loss % division)?)?;
        let shared = self.shared.diagonals(query, target, matches.div_ceil(divisions + 1))?;
        let gaps = (loss - (gap_open - gap_extend).max(0)).max(0) / gap_open.min(gap_extend).max(1);
        let gaps = isize::try_from(gaps).ok()?;
        Some(if shared.is_empty() { shared } else { shared.start - gaps..shared.end + gaps })
    }

    /// The best local alignment of the same two, whose end is known.
    pub fn align_to(&mut self, end: End, query: &[u8], target: &[u8]) -> LocalAlignment {
        let End { score, query: query_end, target: target_end } = end;
        let backwards = query[..query_end].iter().rev().zip(target[..target_end].iter().rev());
        let matches = backwards.take_while(|(a, b)| self.scores.pair(**a, **b) > 0).count();
        // Where the score is that of matches alone, any other alignment with it is longer.
        if self.scores.perfect(matches) == i32::from(score) {
            let (query, target) = (query_end - matches..query_end, target_end - matches..target_end);
            return LocalAlignment { score: score.into(), query, target, cigar: vec![op(CigarKind::Match, matches)] };
        }
        let [mut head, mut target_head] = std::mem::take(&mut self.reversed);
        head.clear();
        head.extend(query[..query_end].iter().rev());
        target_head.clear();
        target_head.extend(target[..target_end].iter().rev());
        // It ends with the first cells, and has no more gaps than its matches can pay for.
        let paid = self.scores.perfect(query_end) - i32::from(score);
        let gaps =
            isize::try_from(paid / self.scores.gap_open.min(self.scores.gap_extend).max(1)).unwrap_or(isize::MAX / 4);
        let (_, query_length, target_length) = self.highest(&head, &target_head, -gaps..gaps + 1, Some(score));
        let score = i32::from(score);
        self.reversed = [head, target_head];
        let aligned = query_end - query_length..query_end;
        let span = target_end - target_length..target_end;
        let cigar = self.trace.cigar(&query[aligned.clone()], &target[span.clone()], score, self.scores);
        LocalAlignment { score, query: aligned, target: span, cigar }
    }

    /// The best score on the diagonals of `band` and after how many bases of both it is reached: fewest of the target, then fewest of the query.
    /// `known` is that score, where it is known already. Where the best score lies on other diagonals, it may be that.
    fn highest(&mut self, query: &[u8], target: &[u8], band: Range<isize>, known: Option<i16>) -> (i16, usize, usize) {
        let (rows, columns) = (query.len().cast_signed(), target.len().cast_signed());
        let band = band.start.max(1 - rows)..band.end.min(columns);
        if band.is_empty() {
            (0, 0, 0)
        } else if band.len() <= 2 * LANES {
            self.narrow.sweep::<LANES>(query, target, band, known, self.scores.short())
        } else if band.len() <= 4 * LANES {
            self.narrow.sweep::<{ 2 * LANES }>(query, target, band, known, self.scores.short())
        } else {
            self.sweep(query, target, band, known)
        }
    }

    /// The same for bands of any width.
    ///
    /// Goes along the anti-diagonals, whose cells do not depend on each other, so that the compiler makes vectors of them. Scores must fit 16 bits,
    /// which [`LocalAligner::end`] sees to.
    fn sweep(&mut self, query: &[u8], target: &[u8], band: Range<isize>, known: Option<i16>) -> (i16, usize, usize) {
        let scores = self.scores.short();
        let (rows, columns) = (query.len(), target.len());
        let (lowest, highest) = (band.start, band.end - 1);
        let sweep = &mut self.sweep;
        sweep.begin(query, target);
        // As many rows on each anti-diagonal, so that none ends earlier than the one before.
        let widest = (usize::try_from(highest - lowest).unwrap_or(0) / 2 + 2).min(rows);
        let mut top = known.unwrap_or(0);
        // Columns and rows of the best cell; not known yet of an anti-diagonal that is the first to reach the top, since along a good
        // alignment each has a better one than the last.
        let mut found = (usize::MAX, usize::MAX);
        let mut first_to_reach = None;
        let best_cell = |best: &[i16], diagonal: usize, rows: Range<usize>, top: i16| {
            let cells = rows.filter(|&row| best[row + 1] == top);
            cells.map(|row| (diagonal - row + 1, row + 1)).min().unwrap_or((usize::MAX, usize::MAX))
        };
        let begin = usize::try_from(lowest.max(-highest)).unwrap_or(0);
        for diagonal in begin..rows + columns - 1 {
            let half = |twice: isize| usize::try_from(twice.div_euclid(2)).unwrap_or(0);
            let first = (diagonal + 1).saturating_sub(columns).max(half(diagonal.cast_signed() - highest + 1));
            let rows_here = first..rows.min(diagonal + 1).min(half(diagonal.cast_signed() - lowest + 2)).max(first);
            if first >= rows {
                break;
            }
            if known.is_some() && found.0 != usize::MAX && diagonal + 1 >= found.0 + rows {
                break;
            }
            let n = widest.min(rows.min(diagonal + 1).saturating_sub(first));
            let highest = sweep.step(diagonal, first, n, columns, scores);
            if highest > top {
                top = highest;
                sweep.top.clone_from(&sweep.best);
                first_to_reach = Some((diagonal, rows_here));
            } else if highest == top && top > 0 {
                if let Some((diagonal, rows)) = first_to_reach.take() {
                    found = best_cell(&sweep.top, diagonal, rows, top);
                }
                found = found.min(best_cell(&sweep.best, diagonal, rows_here, top));
            }
        }
        if let Some((diagonal, rows)) = first_to_reach {
            found = best_cell(&sweep.top, diagonal, rows, top);
        }
        (top, found.1, found.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::reads::segments::{Consumed, consumed, segments};
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

    /// The best score and where it is first reached, cell by cell.
    fn plain(query: &[u8], target: &[u8]) -> (i32, usize, usize) {
        let mut best = vec![vec![0; target.len() + 1]; query.len() + 1];
        let (mut insertion, mut deletion) = (vec![vec![-99; target.len() + 1]; query.len() + 1], best.clone());
        let mut top = (0, 0, 0);
        for j in 1..=target.len() {
            for i in 1..=query.len() {
                insertion[i][j] = (best[i - 1][j] - 8).max(insertion[i - 1][j] - 2);
                deletion[i][j] = (best[i][j - 1] - 8).max(deletion[i][j - 1] - 2);
                let pair = if query[i - 1] == target[j - 1] { 4 } else { -6 };
                best[i][j] = (best[i - 1][j - 1] + pair).max(insertion[i][j]).max(deletion[i][j]).max(0);
                if best[i][j] > top.0 {
                    top = (best[i][j], i, j);
                }
            }
        }
        top
    }

    proptest! {
        /// Score and end are those of the textbook's recurrence.
        #[test]
        fn the_best_is_found(query in "[ACG]{1,40}", target in "[ACG]{1,40}") {
            let found = LocalAligner::new(SCORES).align(query.as_bytes(), target.as_bytes());
            let end = found.map_or((0, 0, 0), |found| (found.score, found.query.end, found.target.end));
            prop_assert_eq!(end, plain(query.as_bytes(), target.as_bytes()));
        }

        /// So they are of sequences long and alike enough that most cells are left out, whatever is asked of the score.
        #[test]
        fn what_is_left_out_is_not_of_the_best(
            target in "[ACGT]{60,240}",
            (from, length) in (0_usize..40, 20_usize..200),
            changes in proptest::collection::vec((0_usize..200, 0_u8..4, "[ACGTN]{0,6}"), 0..9),
            (deleted, junk) in (0_usize..70, "[ACGT]{0,60}"),
            less in 0_i16..300,
        ) {
            let mut query = target[from..target.len().min(from + length)].to_owned();
            query.replace_range(query.len() / 3..(query.len() / 3 + deleted / 3).min(query.len() - 1), "");
            for (at, deleted, inserted) in changes {
                let at = at % query.len();
                query.replace_range(at..query.len().min(at + usize::from(deleted)), &inserted);
                query.push('A');
            }
            query.push_str(&junk);
            let (query, target) = (query.as_bytes(), target.as_bytes());
            let best = plain(query, target);
            let of = |end: End| (i32::from(end.score), end.query, end.target);
            let mut aligner = LocalAligner::new(SCORES);
            let score = i16::try_from(best.0).unwrap();
            prop_assert_eq!(aligner.end(query, target, score - less).map(of), Some(best));
            prop_assert_eq!(aligner.end(query, target, score + 1), None);
            // The start is the end of the best of both backwards.
            let backwards = |part: &[u8]| part.iter().rev().copied().collect::<Vec<u8>>();
            let start = plain(&backwards(&query[..best.1]), &backwards(&target[..best.2]));
            let found = aligner.align(query, target).unwrap();
            prop_assert_eq!((found.score, found.query.len(), found.target.len()), start);
            // Those without gaps are what the trace gives.
            if let [Cigar { kind: CigarKind::Match, .. }] = *found.cigar {
                let (query, target) = (&query[found.query.clone()], &target[found.target.clone()]);
                prop_assert_eq!(aligner.trace.fill(query, target, 1, SCORES), found.score);
                prop_assert_eq!(aligner.trace.back(query.len(), target.len(), 1), found.cigar);
            }
        }

        /// The CIGAR spans the aligned parts, and its score is the one that is given.
        #[test]
        fn the_score_is_that_of_the_cigar(query in "[ACG]{1,30}", target in "[ACG]{1,30}") {
            let Some(found) = LocalAligner::new(SCORES).align(query.as_bytes(), target.as_bytes()) else { return Ok(()) };
            let (query, target) = (&query.as_bytes()[found.query.clone()], &target.as_bytes()[found.target.clone()]);
            let mut score = 0;
            for segment in segments(0, &found.cigar) {
                if segment.kind == CigarKind::Match {
                    let aligned = query[segment.bases()].iter().zip(&target[usize::try_from(segment.position).unwrap()..]);
                    score += aligned.map(|(a, b)| if a == b { 4 } else { -6 }).sum::<i32>();
                } else {
                    score -= 8 + 2 * (i32::try_from(segment.length).unwrap() - 1);
                }
            }
            let Consumed { bases, positions } = consumed(&found.cigar);
            prop_assert_eq!((bases, positions, score), (query.len(), target.len() as u64, found.score));
        }
    }
}
