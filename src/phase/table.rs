//! A [`Graph`] -> the scores of the pairs of alleles of each position: how many reads agree with the best way to it, one allele being on one
//! haplotype and the other on the other.

use crate::phase::PhasingRules;
use crate::phase::graph::{Graph, Position, ReadSet, Vertex};

/// A pair of vertices of one position: the allele of phase 1 and that of phase 2.
pub(super) type Pair = (usize, usize);

/// The score of a pair, and the pair of the position before on the best way to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Score {
    pub(super) value: usize,
    pub(super) before: Option<Pair>,
}

/// The scores of the pairs of a position that have any.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    vertices: usize,
    scores: Vec<Option<Score>>,
}

impl Table {
    pub(super) fn new(vertices: usize) -> Self {
        Self { vertices, scores: vec![None; vertices * vertices] }
    }

    pub(super) fn vertices(&self) -> usize {
        self.vertices
    }

    pub(super) fn get(&self, (first, second): Pair) -> Option<Score> {
        self.scores.get(first * self.vertices + second).copied().flatten()
    }

    pub(super) fn set(&mut self, (first, second): Pair, score: Score) {
        self.scores[first * self.vertices + second] = Some(score);
    }

    /// The pairs with their scores, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Pair, Score)> {
        let n = self.vertices.max(1);
        self.scores.iter().enumerate().filter_map(move |(i, score)| score.map(|score| ((i / n, i % n), score)))
    }

    /// The least and the greatest score.
    pub(super) fn range(&self) -> Option<(usize, usize)> {
        let values = || self.iter().map(|(_, score)| score.value);
        values().min().zip(values().max())
    }
}

/// A table with the reads of each pair that agree with the way to it, by phase.
struct Open {
    table: Table,
    reads: Vec<[ReadSet; 2]>,
}

/// The tables of all positions.
pub(super) fn tables(graph: &Graph, rules: PhasingRules) -> Vec<Table> {
    let mut done = Vec::with_capacity(graph.positions.len());
    let mut open: Option<Open> = None;
    let mut skip = false;
    for (i, position) in graph.positions.iter().enumerate() {
        let is_last = i + 1 == graph.positions.len();
        let next = match &open {
            Some(before) if !skip && !position.edges.is_empty() => {
                let (next, raised) = step(before, &graph.positions[i - 1], position, graph.reads, rules);
                let (least, most) = next.table.range().unwrap_or((0, 0));
                skip = false;
                match rules {
                    // The position keeps its scores, the next one begins anew.
                    PhasingRules::DeepVariant1_8 => {
                        skip = least == most && !is_last;
                        next
                    }
                    PhasingRules::DeepVariant1_10 if !is_last && (!raised || most - least <= 1) => start(position),
                    PhasingRules::DeepVariant1_10 => next,
                }
            }
            _ => {
                skip = false;
                start(position)
            }
        };
        done.extend(open.replace(next).map(|open| open.table));
    }
    done.extend(open.map(|open| open.table));
    done
}

/// The scores of a position where a block begins.
fn start(position: &Position) -> Open {
    let vertices = &position.vertices;
    let mut table = Table::new(vertices.len());
    let mut reads = vec![<[ReadSet; 2]>::default(); vertices.len() * vertices.len()];
    for (i, first) in vertices.iter().enumerate() {
        for (j, second) in vertices.iter().enumerate().skip(i) {
            let value =
                if first.reads == second.reads { first.reads.len() } else { first.reads.len() + second.reads.len() };
            table.set((i, j), Score { value, before: None });
            reads[i * vertices.len() + j] = [first.reads.clone(), second.reads.clone()];
        }
    }
    Open { table, reads }
}

/// The scores of a position from those of the position before, and whether any is higher than the one it came from.
fn step(before: &Open, from: &Position, position: &Position, reads: usize, rules: PhasingRules) -> (Open, bool) {
    let n = position.vertices.len();
    let nothing = || [ReadSet::empty(reads), ReadSet::empty(reads)];
    let mut table = Table::new(n);
    let mut sets = vec![<[ReadSet; 2]>::default(); n * n];
    let mut raised = false;
    for &(first_from, first_to) in &position.edges {
        for &(second_from, second_to) in &position.edges {
            let source = (first_from, second_from);
            let pair = (first_to, second_to);
            let (score, agreeing) = match before.table.get(source) {
                None => (Score { value: 0, before: None }, None),
                Some(old) => {
                    let carried_before = &before.reads[source.0 * from.vertices.len() + source.1];
                    let to = [&position.vertices[pair.0], &position.vertices[pair.1]];
                    let (more, agreeing) = agreeing(to, carried_before, rules);
                    raised |= more > 0;
                    (Score { value: old.value + more, before: Some(source) }, Some(agreeing))
                }
            };
            if is_better(score, table.get(pair), &from.vertices, rules) {
                table.set(pair, score);
                sets[pair.0 * n + pair.1] = agreeing.unwrap_or_else(nothing);
            }
        }
    }
    (Open { table, reads: sets }, raised)
}

/// What a pair of alleles adds to the score of a way, and the reads that agree with the way so prolonged: those that already did, and those
/// that have no allele before.
fn agreeing(to: [&Vertex; 2], before: &[ReadSet; 2], rules: PhasingRules) -> (usize, [ReadSet; 2]) {
    let carried = [0, 1].map(|phase| to[phase].reads.intersection(&before[phase]));
    let sets = [0, 1].map(|phase| carried[phase].union(&to[phase].first));
    let more = match rules {
        PhasingRules::DeepVariant1_8 => sets[0].union_len(&sets[1]),
        PhasingRules::DeepVariant1_10 if carried.iter().all(|reads| reads.len() < 2) => 0,
        PhasingRules::DeepVariant1_10 => carried[0].union_len(&carried[1]) + to[0].first.union_len(&to[1].first) / 2,
    };
    (more, sets)
}

/// Whether a score replaces the one that a pair has. Of equals the one stays that comes from alleles with the greater names.
fn is_better(new: Score, stored: Option<Score>, from: &[Vertex], rules: PhasingRules) -> bool {
    let Some(stored) = stored else { return true };
    if new.value != stored.value {
        return new.value > stored.value;
    }
    match (new.before, stored.before) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(new), Some(stored)) => names(from, new, rules) > names(from, stored, rules),
    }
}

/// The names of a pair, as they are compared: joined up to 1.9, one after the other from 1.10 on.
pub(super) fn names(vertices: &[Vertex], (first, second): Pair, rules: PhasingRules) -> [Vec<u8>; 2] {
    let (first, second) = (&vertices[first].name, &vertices[second].name);
    match rules {
        PhasingRules::DeepVariant1_8 => [[first.as_slice(), second].concat(), Vec::new()],
        PhasingRules::DeepVariant1_10 => [first.clone(), second.clone()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phase::Site;
    use crate::phase::tests::site;

    const OLD: PhasingRules = PhasingRules::DeepVariant1_8;
    const NEW: PhasingRules = PhasingRules::DeepVariant1_10;

    /// The scores of each position: of a pair its value, and whether it comes from the position before.
    fn scores(sites: &[Site], reads: usize, rules: PhasingRules) -> Vec<Vec<(Pair, usize, bool)>> {
        let tables = tables(&Graph::new(sites, reads, rules), rules);
        let of = |table: &Table| table.iter().map(|(pair, s)| (pair, s.value, s.before.is_some())).collect();
        tables.iter().map(of).collect()
    }

    fn first() -> Site {
        site(10, &[], &[("A", &[0, 1, 2, 3]), ("C", &[4, 5, 6, 7])])
    }

    /// Says nothing of which allele goes with which of [`first`].
    fn undecided() -> Site {
        site(20, &[], &[("G", &[0, 1, 4, 5]), ("T", &[2, 3, 6, 7])])
    }

    #[test]
    fn a_block_begins_with_ordered_pairs() {
        for rules in [OLD, NEW] {
            assert_eq!(scores(&[first()], 8, rules), [[((0, 0), 4, false), ((0, 1), 8, false), ((1, 1), 4, false)]]);
        }
        // Alleles without a read of good quality have one empty set.
        let mut empty = first();
        empty.alleles.iter_mut().flat_map(|allele| &mut allele.reads).for_each(|read| read.is_good = false);
        assert_eq!(scores(&[empty], 8, OLD), [[((0, 0), 0, false), ((0, 1), 0, false), ((1, 1), 0, false)]]);
    }

    #[test]
    fn where_nothing_is_decided_a_block_begins() {
        let third = site(30, &[], &[("A", &[0, 1, 4, 5]), ("C", &[2, 3, 6, 7])]);
        let sites = [first(), undecided(), third];
        // Up to 1.9 the position keeps its scores, and the one after it begins anew.
        let old = scores(&sites, 8, OLD);
        assert_eq!(old[1], [((0, 0), 12, true), ((0, 1), 12, true), ((1, 0), 12, true), ((1, 1), 12, true)]);
        assert_eq!(old[2], [((0, 0), 4, false), ((0, 1), 8, false), ((1, 1), 4, false)]);
        // From 1.10 on it begins anew itself, and its scores are erased.
        let new = scores(&sites, 8, NEW);
        assert_eq!(new[1], [((0, 0), 4, false), ((0, 1), 8, false), ((1, 1), 4, false)]);
        assert!(new[2].contains(&((0, 1), 16, true)));
        // Not at the last position.
        assert!(scores(&sites[..2], 8, NEW)[1].iter().all(|(_, _, from_before)| *from_before));
    }

    #[test]
    fn where_little_is_decided_a_block_begins_from_1_10_on() {
        // Scores differ by one: read 8 and read 9 begin here.
        let second = site(20, &[], &[("G", &[0, 1, 4, 5, 8]), ("T", &[2, 3, 6, 7, 9])]);
        let sites = [first(), second, site(30, &[], &[("A", &[0, 1, 4, 5]), ("C", &[2, 3, 6, 7])])];
        let old = scores(&sites, 10, OLD);
        assert_eq!(old[1], [((0, 0), 13, true), ((0, 1), 14, true), ((1, 0), 14, true), ((1, 1), 13, true)]);
        assert!(old[2].iter().any(|(_, _, from_before)| *from_before));
        // Half of what begins: 13 and 12.
        let new = scores(&sites, 10, NEW);
        assert_eq!(new[1], [((0, 0), 5, false), ((0, 1), 10, false), ((1, 1), 5, false)]);
    }

    #[test]
    fn reads_that_begin_have_half_the_weight_from_1_10_on() {
        let sites = [
            site(10, &[], &[("A", &[0, 2, 3]), ("C", &[1, 4, 5])]),
            site(20, &[], &[("G", &[0, 2, 6, 7, 8]), ("T", &[1, 4, 9])]),
        ];
        let of =
            |rules| scores(&sites, 10, rules)[1].iter().find(|(pair, ..)| *pair == (0, 1)).map(|(_, value, _)| *value);
        // 6 before; 4 carried on and 4 that begin.
        assert_eq!((of(OLD), of(NEW)), (Some(6 + 8), Some(6 + 4 + 2)));
    }

    #[test]
    fn a_read_of_each_phase_is_not_enough_from_1_10_on() {
        let sites = [
            site(10, &[], &[("A", &[0, 2, 3]), ("C", &[1, 4, 5])]),
            site(20, &[], &[("G", &[0, 6, 7, 8]), ("T", &[1, 9, 10])]),
            site(30, &[], &[("G", &[6, 7, 8]), ("T", &[9, 10])]),
        ];
        let old = scores(&sites, 11, OLD);
        assert!(old[1].contains(&((0, 1), 6 + 7, true)), "{old:?}");
        // No score is raised, so a block begins.
        let new = scores(&sites, 11, NEW);
        assert_eq!(new[1], [((0, 0), 4, false), ((0, 1), 7, false), ((1, 1), 3, false)]);
        // At the last position there is no more block to begin; the score stays.
        assert!(scores(&sites[..2], 11, NEW)[1].contains(&((0, 1), 6, true)));
    }

    #[test]
    fn a_read_that_left_a_phase_does_not_come_back() {
        let sites = [
            first(),
            site(20, &[], &[("G", &[1, 2, 3]), ("T", &[0, 4, 5, 6, 7])]),
            site(30, &[], &[("A", &[0, 1, 2, 3]), ("C", &[4, 5, 6, 7])]),
        ];
        // Read 0 is of A and then T: it agrees neither with A, G nor with C, T.
        let last = &scores(&sites, 8, OLD)[2];
        assert!(last.contains(&((0, 1), 8 + 7 + 7, true)), "{last:?}");
    }

    #[test]
    fn of_equal_scores_the_one_from_greater_names_stays() {
        let vertex =
            |name: &str| Vertex { allele: 0, name: name.into(), reads: ReadSet::default(), first: ReadSet::default() };
        let from = ["A", "REF", "AC", "CA"].map(vertex);
        let score = |value, before| Score { value, before };
        let better = |new, stored, rules| is_better(score(7, new), Some(score(7, stored)), &from, rules);
        for rules in [OLD, NEW] {
            // REFA is greater than AREF.
            assert!(better(Some((1, 0)), Some((0, 1)), rules) && !better(Some((0, 1)), Some((1, 0)), rules));
            assert!(better(Some((0, 0)), None, rules), "any is better than none");
            assert!(!better(None, Some((0, 0)), rules) && !better(None, None, rules));
            assert!(is_better(score(8, None), Some(score(7, Some((1, 1)))), &from, rules));
            assert!(is_better(score(0, None), None, &from, rules));
        }
        // A, CA against AC, A: the same when joined, not one after the other.
        assert!(!better(Some((2, 0)), Some((0, 3)), OLD) && better(Some((2, 0)), Some((0, 3)), NEW));
    }
}
