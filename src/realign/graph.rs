//! A window's reference and the reads over it -> the haplotypes that the reads may come from: paths of a de Bruijn graph.
//!
//! Vertices are k-mers of the reference and of the reads; an edge joins two that follow each other; its weight is the number
//! of reads that have it. The smallest k is taken with which the graph has no cycle and the reference no k-mer twice, so that
//! every path from the reference's first k-mer to its last is a sequence. (Iqbal et al. 2012, doi:10.1038/ng.1028, and many
//! assemblers since.)

use std::collections::VecDeque;
use std::ops::RangeInclusive;

use petgraph::Direction::Outgoing;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::{Dfs, EdgeRef, Reversed};
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::code;
use crate::reads::Read;

/// Longest k-mer that can be held: two bits a base.
const LONGEST_KMER: usize = 128;

/// How haplotypes are assembled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GraphOptions {
    /// Lowest mapping quality (Phred) of a read that is used.
    pub min_mapping_quality: u8,
    /// Lowest base quality (Phred); k-mers with a base under it are left out.
    pub min_base_quality: u8,
    /// Shortest k-mer tried, in bp.
    pub min_k: usize,
    /// Longest k-mer tried, in bp; at most 128.
    pub max_k: usize,
    /// Fewest reads that must support an edge that the reference lacks.
    pub min_edge_weight: u32,
    /// Most haplotypes; a window with more is not realigned.
    pub max_paths: usize,
}

impl Default for GraphOptions {
    fn default() -> Self {
        Self {
            min_mapping_quality: 14,
            min_base_quality: 15,
            min_k: 10,
            max_k: 101,
            min_edge_weight: 2,
            max_paths: 256,
        }
    }
}

impl GraphOptions {
    fn tried(&self, window: usize) -> RangeInclusive<usize> {
        self.min_k.max(1)..=self.max_k.min(LONGEST_KMER).min(window)
    }
}

/// The haplotypes of a window, sorted, the reference's among them; `None` where the reads support no other, or where no
/// graph can be used. `reference` is upper-case A, C, G, T.
#[must_use]
pub fn haplotypes<'a>(
    reference: &[u8],
    reads: impl Iterator<Item = &'a Read>,
    options: &GraphOptions,
) -> Option<Vec<Vec<u8>>> {
    if reference.iter().any(|&base| code(base).is_none()) {
        return None;
    }
    let stretches: Vec<&[u8]> = reads
        .filter(|read| read.mapping_quality >= options.min_mapping_quality)
        .flat_map(|read| good_stretches(read, options.min_base_quality))
        .collect();
    let graph = options.tried(reference.len()).find_map(|k| Graph::build(reference, &stretches, k))?;
    let mut found = graph.pruned(options.min_edge_weight).paths(options.max_paths)?;
    found.sort_unstable();
    (found.len() > 1 || found.iter().any(|haplotype| haplotype != reference)).then_some(found)
}

/// The stretches of a read without a base that is unknown or of low quality.
fn good_stretches(read: &Read, min_quality: u8) -> impl Iterator<Item = &[u8]> {
    let mut rest = 0..read.bases.len();
    let good = move |i: &usize| code(read.bases[*i]).is_some() && read.qualities[*i] >= min_quality;
    std::iter::from_fn(move || {
        let start = rest.find(good)?;
        let end = rest.find(|i| !good(i)).unwrap_or(read.bases.len());
        Some(&read.bases[start..end])
    })
}

/// A k-mer of up to 128 bases, two bits each, the last base lowest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Kmer {
    high: u128,
    low: u128,
}

impl Kmer {
    /// The k-mers of `bases`, in order; none where they hold anything but A, C, G, T.
    fn all(bases: &[u8], k: usize) -> impl Iterator<Item = Self> {
        let mut kmer = Self::default();
        bases.iter().map_while(|&base| code(base)).enumerate().filter_map(move |(i, code)| {
            kmer = kmer.push(code, k);
            (i + 1 >= k).then_some(kmer)
        })
    }

    fn push(self, code: u8, k: usize) -> Self {
        let mask = |bases: usize| if bases >= 64 { u128::MAX } else { (1 << (2 * bases)) - 1 };
        Self {
            high: ((self.high << 2) | (self.low >> 126)) & mask(k.saturating_sub(64)),
            low: ((self.low << 2) | u128::from(code)) & mask(k),
        }
    }

    fn last_base(self) -> u8 {
        b"ACGT"[(self.low & 3) as usize]
    }
}

/// Two k-mers that follow each other.
#[derive(Clone, Copy, Debug)]
struct Edge {
    /// Reads that have it.
    weight: u32,
    /// True where the reference has it.
    reference: bool,
}

struct Graph<'a> {
    k: usize,
    reference: &'a [u8],
    kmers: DiGraph<Kmer, Edge>,
    source: NodeIndex,
    sink: NodeIndex,
}

impl<'a> Graph<'a> {
    /// The graph for one `k`; `None` where the reference has a k-mer twice, or the graph a cycle.
    fn build(reference: &'a [u8], stretches: &[&[u8]], k: usize) -> Option<Self> {
        let mut graph = DiGraph::new();
        let mut nodes = FxHashMap::default();
        let mut path = Vec::with_capacity(reference.len());
        for kmer in Kmer::all(reference, k) {
            let node = graph.add_node(kmer);
            if nodes.insert(kmer, node).is_some() {
                return None;
            }
            path.push(node);
        }
        for pair in path.windows(2) {
            graph.add_edge(pair[0], pair[1], Edge { weight: 0, reference: true });
        }
        for stretch in stretches {
            let mut before = None;
            for kmer in Kmer::all(stretch, k) {
                let node = *nodes.entry(kmer).or_insert_with(|| graph.add_node(kmer));
                if let Some(before) = before {
                    match graph.find_edge(before, node) {
                        Some(edge) => graph[edge].weight += 1,
                        None => drop(graph.add_edge(before, node, Edge { weight: 1, reference: false })),
                    }
                }
                before = Some(node);
            }
        }
        let (source, sink) = (*path.first()?, *path.last()?);
        petgraph::algo::toposort(&graph, None).ok()?;
        Some(Self { k, reference, kmers: graph, source, sink })
    }

    /// Without edges that too few reads support, and without vertices that lie on no path from source to sink.
    fn pruned(mut self, min_weight: u32) -> Self {
        self.kmers.retain_edges(|graph, edge| graph[edge].reference || graph[edge].weight >= min_weight);
        let mut reached = vec![0_u8; self.kmers.node_count()];
        let mut forward = Dfs::new(&self.kmers, self.source);
        while let Some(node) = forward.next(&self.kmers) {
            reached[node.index()] += 1;
        }
        let mut backward = Dfs::new(Reversed(&self.kmers), self.sink);
        while let Some(node) = backward.next(Reversed(&self.kmers)) {
            reached[node.index()] += 1;
        }
        let useful = |node: NodeIndex| reached[node.index()] == 2;
        self.kmers.retain_edges(|graph, edge| {
            graph.edge_endpoints(edge).is_some_and(|(from, to)| useful(from) && useful(to))
        });
        self
    }

    /// The sequences of all paths from source to sink, breadth first; `None` where there are more than `most`.
    fn paths(&self, most: usize) -> Option<Vec<Vec<u8>>> {
        let mut open = VecDeque::from([(self.source, self.reference[..self.k].to_vec())]);
        let mut found = Vec::new();
        while let Some((node, mut bases)) = open.pop_front() {
            if found.len() + open.len() + 1 > most {
                return None;
            }
            if node == self.sink {
                found.push(bases);
                continue;
            }
            let mut edges = self.kmers.edges_directed(node, Outgoing).map(|edge| edge.target()).peekable();
            while let Some(next) = edges.next() {
                let mut longer = if edges.peek().is_some() { bases.clone() } else { std::mem::take(&mut bases) };
                longer.push(self.kmers[next].last_base());
                open.push_back((next, longer));
            }
        }
        Some(found)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::ReadBuilder;

    // No 10-mer twice.
    const REFERENCE: &str = "CCTAGTGCTGATTACAGGCTTAACCGTCAAGTCCATTGGACTTCGAAGCTCTGACATGT";

    fn found(reads: &[Read]) -> Option<Vec<String>> {
        let found = haplotypes(REFERENCE.as_bytes(), reads.iter(), &GraphOptions::default());
        found.map(|all| all.into_iter().map(|bases| String::from_utf8(bases).unwrap()).collect())
    }

    fn with(from: &str, to: &str) -> String {
        assert_eq!(REFERENCE.matches(from).count(), 1);
        REFERENCE.replace(from, to)
    }

    fn sorted(mut all: Vec<String>) -> Vec<String> {
        all.sort();
        all
    }

    #[test]
    fn the_reference_alone_gives_no_haplotypes() {
        assert_eq!(found(&[]), None);
        assert_eq!(found(&ReadBuilder::new(0, REFERENCE).copies(5)), None);
    }

    #[test]
    fn two_reads_make_a_haplotype() {
        let changed = with("GTCAAGTCC", "GTCATGTCC");
        let read = ReadBuilder::new(0, &changed).build();
        assert_eq!(found(std::slice::from_ref(&read)), None);
        assert_eq!(found(&[read.clone(), read]), Some(sorted(vec![REFERENCE.into(), changed])));
    }

    #[test]
    fn indels_too_and_all_combinations_that_reads_leave_open() {
        let deletion = with("GTCAAGTCC", "GTCGTCC");
        assert_eq!(
            found(&ReadBuilder::new(0, &deletion).copies(2)),
            Some(sorted(vec![REFERENCE.into(), deletion.clone()]))
        );
        // Two changes further apart than k: a read with one and a read with the other leave both together possible.
        let (first, second) = (with("ACAGGC", "ACTGGC"), with("TTCGAAG", "TTCCAAG"));
        let both = first.replace("TTCGAAG", "TTCCAAG");
        let reads: Vec<_> = [&first, &first, &second, &second].map(|bases| ReadBuilder::new(0, bases).build()).into();
        assert_eq!(found(&reads), Some(sorted(vec![REFERENCE.into(), first, second, both])));
    }

    #[test]
    fn bad_reads_and_bad_bases_are_left_out() {
        let changed = with("GTCAAGTCC", "GTCATGTCC");
        let read = ReadBuilder::new(0, &changed);
        assert_eq!(found(&read.clone().mapping_quality(13).copies(2)), None);
        let mut qualities = vec![30; changed.len()];
        qualities[changed.find("ATGTCC").unwrap() + 1] = 14;
        assert_eq!(found(&read.qualities(&qualities).copies(2)), None);
    }

    #[test]
    fn k_grows_until_the_reference_repeats_nothing() {
        // A 12-mer twice: k = 13.
        let reference = "GATTACAGGCTTACCGTCAAGTGATTACAGGCTTGGACTTC";
        let changed = reference.replace("ACCGTC", "ACTGTC");
        let reads = ReadBuilder::new(0, &changed).copies(2);
        let found = haplotypes(reference.as_bytes(), reads.iter(), &GraphOptions::default()).unwrap();
        assert_eq!(found, [reference.as_bytes(), changed.as_bytes()]);
        let short = GraphOptions { max_k: 12, ..GraphOptions::default() };
        assert_eq!(haplotypes(reference.as_bytes(), reads.iter(), &short), None);
    }

    #[test]
    fn too_many_haplotypes_are_dropped() {
        let changed = with("GTCAAGTCC", "GTCATGTCC");
        let reads = ReadBuilder::new(0, &changed).copies(2);
        let one = GraphOptions { max_paths: 1, ..GraphOptions::default() };
        assert_eq!(haplotypes(REFERENCE.as_bytes(), reads.iter(), &one), None);
    }

    #[test]
    fn an_unknown_reference_is_not_assembled() {
        let reference = with("GTCAAGTCC", "GTCANGTCC");
        let reads = ReadBuilder::new(0, REFERENCE).copies(2);
        assert_eq!(haplotypes(reference.as_bytes(), reads.iter(), &GraphOptions::default()), None);
    }

    proptest! {
        #[test]
        fn kmers_are_told_apart(bases in "[ACGT]{128}", k in 1_usize..=128) {
            let kmers: Vec<_> = Kmer::all(bases.as_bytes(), k).collect();
            prop_assert_eq!(kmers.len(), 129 - k);
            for (i, a) in kmers.iter().enumerate() {
                for (j, b) in kmers.iter().enumerate() {
                    prop_assert_eq!(a == b, bases[i..i + k] == bases[j..j + k]);
                }
            }
        }
    }
}
