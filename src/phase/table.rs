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
    fn new(vertices: usize) -> Self {
        Self { vertices, scores: vec![None; vertices * vertices] }
    }

    pub(super) fn vertices(&self) -> usize {
        self.vertices
    }

    pub(super) fn get(&self, (first, second): Pair) -> Option<Score> {
        self.scores.get(first * self.vertices + second).copied().flatten()
    }

    fn set(&mut self, (first, second): Pair, score: Score) {
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
