//! The phases of vertices -> the haplotype of each read, by what most of its alleles say, and the phase of each allele of all sites.

use crate::phase::graph::Graph;
use crate::phase::trace::Traced;
use crate::phase::{PhasingRules, Site, SiteAllele, SitePhase};

/// The haplotype of each read: that of more of its alleles, if they are at least `min_alleles`.
pub(super) fn of_reads(graph: &Graph, traced: &[Traced], reads: usize, min_alleles: usize) -> Vec<u8> {
    let mut votes = vec![[0_usize; 2]; reads];
    for (position, traced) in graph.positions.iter().zip(traced) {
        for (vertex, &phase) in position.vertices.iter().zip(&traced.phases) {
            let Some(phase) = usize::from(phase).checked_sub(1) else { continue };
            vertex.reads.iter().for_each(|read| votes[read][phase] += 1);
        }
    }
    let haplotype = |[one, two]: [usize; 2]| match one.cmp(&two) {
        std::cmp::Ordering::Greater if one >= min_alleles => 1,
        std::cmp::Ordering::Less if two >= min_alleles => 2,
        _ => 0,
    };
    votes.into_iter().map(haplotype).collect()
}

/// The phases of each site's alleles: as traced, where both phases are; elsewhere by the haplotypes of its reads.
pub(super) fn of_sites(
    sites: &[Site],
    graph: &Graph,
    traced: &[Traced],
    of_reads: &[u8],
    rules: PhasingRules,
) -> Vec<SitePhase> {
    let voted = |allele: &SiteAllele| {
        let with = |phase| allele.reads.iter().filter(|read| of_reads.get(read.read as usize) == Some(&phase)).count();
        let (one, two) = (with(1), with(2));
        let wins = |more: usize, fewer: usize| match rules {
            PhasingRules::DeepVariant1_8 => more > fewer + 1,
            PhasingRules::DeepVariant1_10 => more > fewer + 3 && fewer <= 2,
        };
        if wins(one, two) { 1 } else { 2 * u8::from(wins(two, one)) }
    };
    let mut phases: Vec<Option<SitePhase>> = vec![None; sites.len()];
    for (position, traced) in graph.positions.iter().zip(traced) {
        if traced.phases.contains(&1) && traced.phases.contains(&2) {
            let mut alleles = vec![0; sites[position.site].alleles.len()];
            for (vertex, &phase) in position.vertices.iter().zip(&traced.phases) {
                alleles[vertex.allele] = phase;
            }
            phases[position.site] = Some(SitePhase { alleles, starts_block: traced.starts_block });
        }
    }
    let by_votes = |site: &Site| SitePhase { alleles: site.alleles.iter().map(voted).collect(), starts_block: false };
    phases.into_iter().zip(sites).map(|(traced, site)| traced.unwrap_or_else(|| by_votes(site))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phase::tests::site;

    const OLD: PhasingRules = PhasingRules::DeepVariant1_8;
    const NEW: PhasingRules = PhasingRules::DeepVariant1_10;

    /// The phase of an allele with so many reads of each haplotype, at a site that is not phased.
    fn voted(one: usize, two: usize, rules: PhasingRules) -> u8 {
        let reads: Vec<u32> = (0..20).collect();
        let of_reads: Vec<u8> = (0..20).map(|i| if i < one { 1 } else { 2 * u8::from(i < one + two) }).collect();
        let mut sites = [site(10, &[], &[("A", &reads)])];
        // Those of low quality vote too.
        sites[0].alleles[1].reads[0].is_good = false;
        let graph = Graph::new(&[], 20, rules);
        of_sites(&sites, &graph, &[], &of_reads, rules)[0].alleles[1]
    }

    #[test]
    fn votes_need_a_margin() {
        assert_eq!([(1, 0), (2, 0), (3, 2), (4, 2), (0, 2), (2, 3)].map(|(a, b)| voted(a, b, OLD)), [0, 1, 0, 1, 2, 0]);
        assert_eq!([(3, 0), (4, 0), (6, 2), (7, 3), (2, 6), (5, 2)].map(|(a, b)| voted(a, b, NEW)), [0, 1, 1, 0, 2, 0]);
    }
}
