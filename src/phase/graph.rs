//! [`Site`]s -> those that are phased, each allele a vertex, with edges between alleles of neighbouring sites that a read has both of.

use std::collections::BTreeSet;

use crate::phase::{PhasingRules, Site, UNCALLED_LENGTH};

/// Fewest reads with the reference allele for it to be a vertex, and for a site of one other allele to be phased.
const MIN_REFERENCE_READS: usize = 3;

/// A set of reads, by their numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ReadSet(Vec<u64>);

impl ReadSet {
    pub(super) fn empty(reads: usize) -> Self {
        Self(vec![0; reads.div_ceil(64)])
    }

    fn insert(&mut self, read: u32) {
        if let Some(word) = self.0.get_mut(read as usize / 64) {
            *word |= 1 << (read % 64);
        }
    }

    pub(super) fn contains(&self, read: u32) -> bool {
        self.0.get(read as usize / 64).is_some_and(|word| word >> (read % 64) & 1 == 1)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = usize> {
        let bits = |word: u64| (0..64).filter(move |bit| word >> bit & 1 == 1);
        self.0.iter().enumerate().flat_map(move |(i, &word)| bits(word).map(move |bit| 64 * i + bit))
    }

    pub(super) fn len(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    pub(super) fn union_len(&self, other: &Self) -> usize {
        self.0.iter().zip(&other.0).map(|(a, b)| (a | b).count_ones() as usize).sum()
    }

    pub(super) fn union(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| a | b).collect())
    }

    pub(super) fn intersection(&self, other: &Self) -> Self {
        Self(self.0.iter().zip(&other.0).map(|(a, b)| a & b).collect())
    }
}

/// An allele of a site that is phased.
#[derive(Clone, Debug)]
pub(super) struct Vertex {
    /// Its index among the site's alleles.
    pub(super) allele: usize,
    /// Its bases, or `REF`.
    pub(super) name: Vec<u8>,
    /// The reads that support it with good quality.
    pub(super) reads: ReadSet,
    /// Of these, those that support no allele of an earlier vertex.
    pub(super) first: ReadSet,
}

/// A site that is phased.
#[derive(Clone, Debug)]
pub(super) struct Position {
    /// Its index among the sites.
    pub(super) site: usize,
    /// Its alleles: the reference, if enough reads have it, then the others.
    pub(super) vertices: Vec<Vertex>,
    /// From a vertex of the position before to one of this, by the names of both; empty where no read has both.
    pub(super) edges: Vec<(usize, usize)>,
}

/// The sites that are phased, in order.
#[derive(Clone, Debug)]
pub(super) struct Graph {
    pub(super) positions: Vec<Position>,
    /// How many reads there are.
    pub(super) reads: usize,
}

impl Graph {
    pub(super) fn new(sites: &[Site], reads: usize, rules: PhasingRules) -> Self {
        let mut seen = ReadSet::empty(reads);
        // Of each read, the latest position that has it, and its vertex there.
        let mut latest: Vec<Option<(usize, usize)>> = vec![None; reads];
        let mut positions: Vec<Position> = Vec::new();
        for index in accepted(sites, rules) {
            let site = &sites[index];
            let this = positions.len();
            let mut vertices = Vec::new();
            let mut edges = BTreeSet::new();
            for (allele, of_site) in site.alleles.iter().enumerate() {
                if allele == 0 && of_site.reads.len() < MIN_REFERENCE_READS {
                    continue;
                }
                let (mut all, mut first) = (ReadSet::empty(reads), ReadSet::empty(reads));
                for read in of_site.good() {
                    all.insert(read);
                    if !seen.contains(read) {
                        seen.insert(read);
                        first.insert(read);
                    }
                    let Some(latest) = latest.get_mut(read as usize) else { continue };
                    if let Some((position, vertex)) = latest.replace((this, vertices.len()))
                        && position + 1 == this
                    {
                        edges.insert((vertex, vertices.len()));
                    }
                }
                vertices.push(Vertex { allele, name: of_site.name.clone(), reads: all, first });
            }
            let mut position = Position { site: index, vertices, edges: edges.into_iter().collect() };
            if let Some(before) = positions.last() {
                connect(before, &mut position);
            }
            positions.push(position);
        }
        Self { positions, reads }
    }
}

/// Where a position has edges, gives each vertex without one an edge from each vertex before; sorts them.
fn connect(before: &Position, position: &mut Position) {
    let Position { vertices, edges, .. } = position;
    if edges.is_empty() {
        return;
    }
    for to in 0..vertices.len() {
        if edges.iter().all(|edge| edge.1 != to) {
            edges.extend((0..before.vertices.len()).map(|from| (from, to)));
        }
    }
    let vertices = &*vertices;
    edges.sort_by(|a, b| {
        let names = |&(from, to): &(usize, usize)| (&before.vertices[from].name, &vertices[to].name);
        names(a).cmp(&names(b))
    });
}

/// The sites that are phased: those of one base, with two alleles, that no earlier site overlaps which is not phased.
fn accepted(sites: &[Site], rules: PhasingRules) -> Vec<usize> {
    // The reads with an allele that is not called count as one more allele up to 1.9, of the length of its name. So a single such read keeps a
    // site from being phased.
    let counts_others = rules == PhasingRules::DeepVariant1_8;
    let mut rejected_until = 0;
    let mut accepted = Vec::new();
    for (index, site) in sites.iter().enumerate() {
        let length = site.end - site.position;
        let others = counts_others && site.has_others;
        let alleles = site.alleles.len() - 1 + usize::from(others);
        if alleles <= 1 && site.alleles[0].reads.len() < MIN_REFERENCE_READS {
            continue;
        }
        let fits = |allele_length: u64| allele_length == length;
        let all_fit =
            site.alleles[1..].iter().all(|allele| fits(allele.name.len() as u64)) && (!others || fits(UNCALLED_LENGTH));
        if alleles > 0 && (site.end <= rejected_until || !all_fit) {
            rejected_until = rejected_until.max(site.end);
        } else {
            accepted.push(index);
        }
    }
    accepted
}
