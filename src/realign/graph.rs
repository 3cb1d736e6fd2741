//! A window's reference and the reads over it -> the haplotypes that the reads may come from: paths of a de Bruijn graph.
//!
//! Vertices are k-mers of the reference and of the reads; an edge joins two that follow each other; its weight is the number
//! of reads that have it. The smallest k is taken with which the graph has no cycle and the reference no k-mer twice, so that
//! every path from the reference's first k-mer to its last is a sequence. (Iqbal et al. 2012, doi:10.1038/ng.1028, and many
//! assemblers since.)

use std::collections::VecDeque;
use std::ops::RangeInclusive;

use rustc_hash::{FxBuildHasher, FxHashMap};
use serde::{Deserialize, Serialize};

use super::code;
use crate::reads::Read;
use crate::variant::allele::shared_prefix;

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
    /// Longest k-mer tried, in bp.
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
        self.min_k.max(1)..=self.max_k.min(window)
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
    let graph = Graph::smallest(reference, &stretches, options.tried(reference.len()))?;
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

/// Where a k-mer leads with one more base.
#[derive(Clone, Copy, Debug)]
struct Edge {
    /// The vertex of the k-mer that follows; [`NOWHERE`] where nothing has that base there.
    to: u32,
    /// Reads that have it.
    weight: u32,
    /// True where the reference has it.
    reference: bool,
}

/// No vertex.
const NOWHERE: u32 = u32::MAX;
/// Bases by the number that [`turn`] gives them.
const BASES: [u8; 4] = *b"ACTG";

/// The number of a base among a vertex's edges; A, C, G and T differ in these two bits.
fn turn(base: u8) -> usize {
    usize::from(base >> 1 & 3)
}

struct Graph<'a> {
    k: usize,
    reference: &'a [u8],
    /// The edges of each vertex, by [`turn`]; the first vertices are the reference's k-mers, in order.
    edges: Vec<[Edge; 4]>,
    /// The vertices, each after those that lead to it.
    order: Vec<u32>,
}

/// The vertices of a graph that is being built, by their k-mers. Only the first k-mer of a stretch and those behind a new edge are looked up: an
/// edge says where its base leads.
struct Vertices<'a> {
    by_kmer: FxHashMap<&'a [u8], u32>,
    edges: Vec<[Edge; 4]>,
    /// Of each vertex the last stretch that has its k-mer, and where.
    seen: Vec<(usize, usize)>,
}

impl<'a> Vertices<'a> {
    /// The vertex of a k-mer, a new one if need be.
    fn of(&mut self, kmer: &'a [u8]) -> u32 {
        let new = u32::try_from(self.edges.len()).unwrap_or(NOWHERE);
        let vertex = *self.by_kmer.entry(kmer).or_insert(new);
        if vertex == new {
            self.edges.push([Edge { to: NOWHERE, weight: 0, reference: false }; 4]);
            self.seen.push((usize::MAX, 0));
        }
        vertex
    }

    /// Adds a stretch, the how manieth it is; the length of a sequence that it has twice, `k` or more, where it has one.
    fn add(&mut self, stretch: &'a [u8], number: usize, k: usize) -> Result<(), usize> {
        let mut last: Option<u32> = None;
        for (start, kmer) in stretch.windows(k).enumerate() {
            let vertex = match last {
                None => self.of(kmer),
                Some(last) => {
                    let (last, turn) = (last as usize, turn(kmer[k - 1]));
                    if self.edges[last][turn].to == NOWHERE {
                        self.edges[last][turn].to = self.of(kmer);
                    }
                    self.edges[last][turn].weight += 1;
                    self.edges[last][turn].to
                }
            };
            let (stretch_before, start_before) = std::mem::replace(&mut self.seen[vertex as usize], (number, start));
            if stretch_before == number {
                return Err(shared_prefix(&stretch[start_before..], &stretch[start..]));
            }
            last = Some(vertex);
        }
        Ok(())
    }
}

impl<'a> Graph<'a> {
    /// The graph for the smallest of these `k` for which the reference has no k-mer twice, and the graph no cycle.
    fn smallest(reference: &'a [u8], stretches: &[&'a [u8]], tried: RangeInclusive<usize>) -> Option<Self> {
        let mut k = *tried.start();
        while tried.contains(&k) {
            match Self::build(reference, stretches, k) {
                Ok(graph) => return Some(graph),
                Err(next) => k = next,
            }
        }
        None
    }

    /// The graph for one `k`; where it cannot be used, the least greater `k` that may do.
    fn build(reference: &'a [u8], stretches: &[&'a [u8]], k: usize) -> Result<Self, usize> {
        // Room for the reference's k-mers, and as many others.
        let room = 2 * reference.len();
        let by_kmer = FxHashMap::with_capacity_and_hasher(room, FxBuildHasher);
        let (edges, seen) = (Vec::with_capacity(room), Vec::with_capacity(room));
        let mut vertices = Vertices { by_kmer, edges, seen };
        // A sequence that comes twice in one stretch is a cycle for every k up to its length.
        vertices.add(reference, 0, k).map_err(|repeated| repeated + 1)?;
        for edge in vertices.edges.iter_mut().flatten().filter(|edge| edge.to != NOWHERE) {
            *edge = Edge { weight: 0, reference: true, ..*edge };
        }
        for (number, stretch) in (1..).zip(stretches) {
            vertices.add(stretch, number, k).map_err(|repeated| repeated + 1)?;
        }
        let edges = vertices.edges;
        let order = sorted(&edges).ok_or(k + 1)?;
        Ok(Self { k, reference, edges, order })
    }

    /// The vertex of the reference's last k-mer; that of its first is 0.
    fn sink(&self) -> usize {
        self.reference.len() - self.k
    }

    /// Without edges that too few reads support, and without those that lie on no path from source to sink.
    fn pruned(mut self, min_weight: u32) -> Self {
        for edge in self.edges.iter_mut().flatten().filter(|edge| !edge.reference && edge.weight < min_weight) {
            edge.to = NOWHERE;
        }
        let (mut from_source, mut to_sink) = (vec![false; self.edges.len()], vec![false; self.edges.len()]);
        from_source[0] = true;
        to_sink[self.sink()] = true;
        for &vertex in &self.order {
            if from_source[vertex as usize] {
                targets(&self.edges[vertex as usize]).for_each(|to| from_source[to] = true);
            }
        }
        for &vertex in self.order.iter().rev() {
            let leads_there = targets(&self.edges[vertex as usize]).any(|to| to_sink[to]);
            to_sink[vertex as usize] |= leads_there;
        }
        let useful = |vertex: usize| from_source[vertex] && to_sink[vertex];
        for (from, edges) in self.edges.iter_mut().enumerate() {
            for edge in edges.iter_mut().filter(|edge| edge.to != NOWHERE) {
                if !(useful(from) && useful(edge.to as usize)) {
                    edge.to = NOWHERE;
                }
            }
        }
        self
    }

    /// The sequences of all paths from source to sink, breadth first; `None` where there are more than `most`.
    fn paths(&self, most: usize) -> Option<Vec<Vec<u8>>> {
        let mut open = VecDeque::from([(0, self.reference[..self.k].to_vec())]);
        let mut found = Vec::new();
        while let Some((vertex, mut bases)) = open.pop_front() {
            if found.len() + open.len() + 1 > most {
                return None;
            }
            if vertex == self.sink() {
                found.push(bases);
                continue;
            }
            let mut ways = BASES.iter().zip(&self.edges[vertex]).filter(|(_, edge)| edge.to != NOWHERE).peekable();
            while let Some((&base, edge)) = ways.next() {
                let mut longer = if ways.peek().is_some() { bases.clone() } else { std::mem::take(&mut bases) };
                longer.push(base);
                open.push_back((edge.to as usize, longer));
            }
        }
        Some(found)
    }
}

/// The vertices that a vertex's edges lead to.
fn targets(edges: &[Edge; 4]) -> impl Iterator<Item = usize> {
    edges.iter().filter(|edge| edge.to != NOWHERE).map(|edge| edge.to as usize)
}

/// The vertices, each after those that lead to it (Kahn 1962, doi:10.1145/368996.369025); `None` where there is a cycle.
fn sorted(edges: &[[Edge; 4]]) -> Option<Vec<u32>> {
    let mut leading = vec![0_u32; edges.len()];
    for to in edges.iter().flat_map(targets) {
        leading[to] += 1;
    }
    let mut order: Vec<u32> = (0_u32..).zip(&leading).filter(|(_, n)| **n == 0).map(|(vertex, _)| vertex).collect();
    let mut next = 0;
    while let Some(&vertex) = order.get(next) {
        next += 1;
        for to in targets(&edges[vertex as usize]) {
            leading[to] -= 1;
            if leading[to] == 0 {
                order.push(u32::try_from(to).unwrap_or(NOWHERE));
            }
        }
    }
    (order.len() == edges.len()).then_some(order)
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
        /// Reads with repeats of many lengths: no k that could be used is left out, and of the others none is used.
        #[test]
        fn the_smallest_k_is_taken(reference in "[AC]{40}", reads in prop::collection::vec("[AC]{0,30}", 0..4)) {
            let stretches: Vec<&[u8]> = reads.iter().map(String::as_bytes).collect();
            let repeats = |bases: &[u8], k: usize| {
                let mut seen = std::collections::HashSet::new();
                bases.windows(k).any(|kmer| !seen.insert(kmer))
            };
            let tried = 3..=30;
            let each = tried.clone().find(|&k| Graph::build(reference.as_bytes(), &stretches, k).is_ok());
            let found = Graph::smallest(reference.as_bytes(), &stretches, tried.clone()).map(|graph| graph.k);
            prop_assert_eq!(found, each);
            for k in tried.take_while(|&k| Some(k) != found) {
                let mut edges: Vec<(&[u8], &[u8])> = std::iter::once(reference.as_bytes())
                    .chain(stretches.iter().copied())
                    .flat_map(|bases| bases.windows(k + 1).map(|both| (&both[..k], &both[1..])))
                    .collect();
                // Without those that lead nowhere, again and again, until a cycle is all that is left.
                while let Some(end) = edges.iter().position(|(_, to)| edges.iter().all(|(from, _)| from != to)) {
                    edges.swap_remove(end);
                }
                prop_assert!(repeats(reference.as_bytes(), k) || !edges.is_empty(), "k = {}", k);
            }
        }
    }
}
