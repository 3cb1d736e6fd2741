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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phase::tests::{BOTH, site};
    use crate::phase::{SiteAllele, SupportingRead};

    const OLD: PhasingRules = PhasingRules::DeepVariant1_8;
    const NEW: PhasingRules = PhasingRules::DeepVariant1_10;

    fn positions(sites: &[Site], rules: PhasingRules) -> Vec<u64> {
        accepted(sites, rules).into_iter().map(|index| sites[index].position).collect()
    }

    /// A site at which alleles have other lengths than the reference.
    fn indel(position: u64, end: u64, alts: &[(&str, &[u32])]) -> Site {
        Site { end, ..site(position, &[0, 1, 2], alts) }
    }

    #[test]
    fn homozygous_sites_are_not_phased() {
        let of_reference = |reads: &[u32]| [site(10, reads, &[("A", &[3, 4])])];
        for rules in BOTH {
            assert_eq!(positions(&of_reference(&[0, 1]), rules), [0; 0]);
            assert_eq!(positions(&of_reference(&[0, 1, 2]), rules), [10]);
            assert_eq!(positions(&[site(10, &[0], &[("A", &[3, 4]), ("C", &[5, 6])])], rules), [10]);
        }
    }

    #[test]
    fn a_read_with_another_allele_keeps_a_site_out_up_to_1_9() {
        let other = Site { has_others: true, ..site(10, &[0, 1, 2], &[("A", &[3, 4])]) };
        // It bars the site at its own position only, as a rejected site of one base does.
        let sites = [other.clone(), site(11, &[0, 1, 2], &[("A", &[3, 4])])];
        assert_eq!((positions(&sites, OLD), positions(&sites, NEW)), (vec![11], vec![10, 11]));
        // It counts as an allele: with it a site that would be homozygous is rejected rather than passed over, and bars what it overlaps.
        let long = Site { has_others: true, alleles: other.alleles.clone(), ..indel(10, 14, &[]) };
        let few = Site { alleles: site(10, &[0], &[("A", &[3, 4])]).alleles, ..long };
        let sites = [few, site(12, &[0, 1, 2], &[("A", &[3, 4])])];
        assert_eq!((positions(&sites, OLD), positions(&sites, NEW)), (vec![], vec![12]));
        // The name that such reads go by has 15 letters.
        let fifteen = "ACGTACGTACGTACG";
        let as_long = Site { has_others: true, ..indel(10, 25, &[(fifteen, &[3, 4])]) };
        assert_eq!(
            (positions(std::slice::from_ref(&as_long), OLD), positions(std::slice::from_ref(&as_long), NEW)),
            (vec![10], vec![10])
        );
    }

    #[test]
    fn indels_bar_what_they_overlap() {
        let sites = [
            indel(10, 13, &[("A", &[3, 4])]),
            site(12, &[0, 1, 2], &[("A", &[3, 4])]),
            site(13, &[0, 1, 2], &[("A", &[3, 4])]),
            indel(20, 21, &[("AC", &[3, 4])]),
            site(21, &[0, 1, 2], &[("A", &[3, 4])]),
        ];
        for rules in BOTH {
            assert_eq!(positions(&sites, rules), [13, 21]);
        }
        // Passed over as homozygous, a deletion bars nothing.
        let mut homozygous = sites[0].clone();
        homozygous.alleles[0].reads.clear();
        for rules in BOTH {
            assert_eq!(positions(&[homozygous.clone(), sites[1].clone()], rules), [12]);
        }
    }

    fn reads(set: &ReadSet) -> Vec<usize> {
        set.iter().collect()
    }

    #[test]
    fn reads_of_low_quality_count_but_are_of_no_vertex() {
        let mut low = site(10, &[0, 1, 2], &[("A", &[3, 4])]);
        low.alleles[0].reads[1].is_good = false;
        low.alleles[1].reads[0].is_good = false;
        let graph = Graph::new(&[low], 5, NEW);
        let vertices = &graph.positions[0].vertices;
        assert_eq!((reads(&vertices[0].reads), reads(&vertices[1].reads)), (vec![0, 2], vec![4]));
    }

    #[test]
    fn the_reference_needs_three_reads() {
        let of = |reads: &[u32]| {
            let graph = Graph::new(&[site(10, reads, &[("A", &[3, 4]), ("C", &[5])])], 6, OLD);
            graph.positions[0].vertices.iter().map(|vertex| vertex.name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(of(&[0, 1]), [b"A", b"C"]);
        assert_eq!(of(&[0, 1, 2]), [b"REF".as_slice(), b"A", b"C"]);
    }

    #[test]
    fn reads_are_first_where_they_come_in() {
        let sites = [site(10, &[0, 1, 2], &[("A", &[3, 4])]), site(20, &[0, 3, 70], &[("C", &[1, 71])])];
        let graph = Graph::new(&sites, 72, OLD);
        let first =
            |position: usize| graph.positions[position].vertices.iter().map(|v| reads(&v.first)).collect::<Vec<_>>();
        assert_eq!(first(0), [vec![0, 1, 2], vec![3, 4]]);
        assert_eq!(first(1), [vec![70], vec![71]]);
    }

    #[test]
    fn edges_follow_reads_from_site_to_site() {
        let sites = [
            site(10, &[0, 1, 2], &[("A", &[3, 4])]),
            site(20, &[0, 1, 5], &[("C", &[2, 6])]),
            // Read 3 has no allele at 20.
            site(30, &[3, 7, 8], &[("C", &[9])]),
        ];
        let graph = Graph::new(&sites, 10, OLD);
        assert_eq!(graph.positions[1].edges, [(0, 1), (0, 0)], "by names: REF to C, REF to REF");
        assert_eq!(graph.positions[2].edges, [(0, 0); 0]);
    }

    #[test]
    fn a_vertex_without_edges_gets_one_from_each() {
        let sites = [site(10, &[0, 1, 2], &[("A", &[3, 4])]), site(20, &[0, 1, 2], &[("T", &[5, 6])])];
        let graph = Graph::new(&sites, 7, OLD);
        assert_eq!(graph.positions[1].edges, [(1, 1), (0, 0), (0, 1)], "A to T, REF to REF, REF to T");
    }

    #[test]
    fn alleles_of_low_quality_are_no_ends_of_edges() {
        let low = |read| SupportingRead { read, is_good: false };
        let mut second = site(20, &[], &[("C", &[2, 6])]);
        second.alleles[0] = SiteAllele { name: b"REF".to_vec(), reads: vec![low(0), low(1), low(5)] };
        let graph = Graph::new(&[site(10, &[0, 1, 2], &[("A", &[3, 4])]), second], 7, OLD);
        // Reads 0 and 1 give no edge to REF, which so gets one from each.
        assert_eq!(graph.positions[1].edges, [(1, 0), (0, 1), (0, 0)]);
    }
}
