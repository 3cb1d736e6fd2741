//! The [`Table`]s of a [`Graph`] -> the phase of each vertex: the best pairs, followed from right to left.

use crate::phase::PhasingRules;
use crate::phase::graph::Graph;
use crate::phase::table::{Pair, Score, Table, names};

/// What is known of a position in the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Traced {
    /// Phase of each vertex: 1 or 2, 0 where it is not known.
    pub(super) phases: Vec<u8>,
    /// Whether a block begins here.
    pub(super) starts_block: bool,
}

/// The phases of all positions.
pub(super) fn trace(graph: &Graph, tables: &[Table], rules: PhasingRules) -> Vec<Traced> {
    let unknown = |table: &Table| Traced { phases: vec![0; table.vertices()], starts_block: false };
    let mut traced: Vec<Traced> = tables.iter().map(unknown).collect();
    let mut end = tables.len();
    while let Some(last) = end.checked_sub(1) {
        let Some(pair) = best(graph, tables, last, rules) else {
            end = last;
            continue;
        };
        let block = block(tables, last, pair, rules);
        end = last + 1 - block.visited;
        // From 1.10 on a single position is no block.
        if rules == PhasingRules::DeepVariant1_10 && block.pairs.len() == 1 {
            continue;
        }
        for (i, &(first, second)) in block.pairs.iter().enumerate() {
            let phases = &mut traced[last - i].phases;
            if first != second {
                (phases[first], phases[second]) = (1, 2);
            }
        }
        if let Some(first) = (last + 1).checked_sub(block.pairs.len()) {
            traced[first].starts_block = true;
        }
    }
    traced
}

/// A block of positions whose phases belong together.
struct Block {
    /// The pairs of its positions, from right to left.
    pairs: Vec<Pair>,
    /// How many positions were looked at.
    visited: usize,
}

/// The block that ends at a position, with a pair there.
fn block(tables: &[Table], last: usize, pair: Pair, rules: PhasingRules) -> Block {
    let mut pairs = vec![pair];
    let mut score = tables[last].get(pair);
    for i in (0..last).rev() {
        let Some(Score { value, before: Some(before) }) = score else { break };
        let earlier = tables[i].get(before);
        // From 1.10 on a position from which nothing was added to the score is of no block.
        if rules == PhasingRules::DeepVariant1_10 && earlier.is_some_and(|earlier| earlier.value == value) {
            return Block { visited: pairs.len() + 1, pairs };
        }
        pairs.push(before);
        score = earlier;
    }
    Block { visited: pairs.len(), pairs }
}

/// The pair of a position with the highest score; none where all are equal. Of equals that with the greater names.
fn best(graph: &Graph, tables: &[Table], position: usize, rules: PhasingRules) -> Option<Pair> {
    let table = &tables[position];
    let (least, most) = table.range()?;
    let vertices = &graph.positions[position].vertices;
    let with_most = table.iter().filter(|(_, score)| score.value == most).map(|(pair, _)| pair);
    (least < most).then(|| with_most.max_by_key(|&pair| names(vertices, pair, rules)))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phase::tests::site;

    const OLD: PhasingRules = PhasingRules::DeepVariant1_8;
    const NEW: PhasingRules = PhasingRules::DeepVariant1_10;

    /// Traces tables of positions with two alleles; each a list of pairs, scores and where these come from.
    fn traced(positions: &[&[(Pair, usize, Option<Pair>)]], rules: PhasingRules) -> Vec<(Vec<u8>, bool)> {
        let sites: Vec<_> = (0..positions.len() as u64).map(|i| site(10 * i, &[0, 1, 2], &[("A", &[3, 4])])).collect();
        let graph = Graph::new(&sites, 5, rules);
        let table = |scores: &&[(Pair, usize, Option<Pair>)]| {
            let mut table = Table::new(2);
            scores.iter().for_each(|&(pair, value, before)| table.set(pair, Score { value, before }));
            table
        };
        let tables: Vec<Table> = positions.iter().map(table).collect();
        trace(&graph, &tables, rules).into_iter().map(|traced| (traced.phases, traced.starts_block)).collect()
    }

    #[test]
    fn a_position_whose_scores_are_equal_has_no_best_pair() {
        let start: &[_] = &[((0, 0), 4, None), ((0, 1), 8, None)];
        let step: &[_] = &[((0, 1), 5, Some((0, 0))), ((1, 0), 12, Some((0, 1)))];
        let equal: &[_] = &[((0, 1), 9, Some((0, 1))), ((1, 0), 9, Some((1, 0)))];
        let single: &[_] = &[((0, 1), 9, None)];
        for rules in [OLD, NEW] {
            let found = traced(&[start, step, equal, single], rules);
            let phases: Vec<_> = found.iter().map(|(phases, _)| phases.clone()).collect();
            assert_eq!(phases, [[1, 2], [2, 1], [0, 0], [0, 0]]);
            assert!(found[0].1 && !found[1].1);
        }
    }

    #[test]
    fn a_position_that_adds_nothing_ends_its_block_from_1_10_on() {
        let start: &[_] = &[((0, 0), 4, None), ((0, 1), 8, None)];
        let nothing_added: &[_] = &[((0, 0), 5, Some((0, 0))), ((0, 1), 8, Some((0, 1)))];
        let step: &[_] = &[((0, 0), 5, Some((0, 0))), ((0, 1), 12, Some((0, 1)))];
        assert_eq!(
            traced(&[start, nothing_added, step], OLD),
            [(vec![1, 2], true), (vec![1, 2], false), (vec![1, 2], false)]
        );
        assert_eq!(
            traced(&[start, nothing_added, step], NEW),
            [(vec![0, 0], false), (vec![1, 2], true), (vec![1, 2], false)]
        );
    }

    #[test]
    fn a_homozygous_pair_has_no_phase() {
        let start: &[_] = &[((0, 0), 4, None), ((0, 1), 8, None)];
        let same: &[_] = &[((0, 0), 20, Some((0, 1))), ((0, 1), 12, Some((0, 1)))];
        for rules in [OLD, NEW] {
            assert_eq!(traced(&[start, same], rules), [(vec![1, 2], true), (vec![0, 0], false)]);
        }
    }
}
