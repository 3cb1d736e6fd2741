//! Phasing as a whole, on sites made by hand: what each rule is for.

use super::*;

/// A site of one base: the reads with the reference and with each alternative allele, of good quality.
pub(super) fn site(position: u64, reference: &[u32], alts: &[(&str, &[u32])]) -> Site {
    let allele = |name: &[u8], reads: &[u32]| SiteAllele {
        name: name.to_vec(),
        reads: reads.iter().map(|&read| SupportingRead { read, is_good: true }).collect(),
    };
    let others = alts.iter().map(|(bases, reads)| allele(bases.as_bytes(), reads));
    let alleles = std::iter::once(allele(REFERENCE, reference)).chain(others).collect();
    Site { position, end: position + 1, alleles, has_others: false }
}

pub(super) const BOTH: [PhasingRules; 2] = [PhasingRules::DeepVariant1_8, PhasingRules::DeepVariant1_10];

fn phased(sites: &[Site], reads: usize, rules: PhasingRules) -> (Vec<Vec<u8>>, Vec<u8>) {
    let phasing = phase(sites, reads, &PhasingOptions { rules, ..PhasingOptions::default() });
    (phasing.sites.into_iter().map(|site| site.alleles).collect(), phasing.reads)
}

#[test]
fn reads_are_of_the_haplotype_of_their_alleles() {
    let sites = [site(10, &[0, 1, 2, 3], &[("A", &[4, 5, 6, 7, 8])]), site(20, &[4, 5, 6, 7], &[("C", &[0, 1, 2, 3])])];
    for rules in BOTH {
        let (of_sites, of_reads) = phased(&sites, 10, rules);
        assert_eq!(of_sites, [[1, 2], [2, 1]]);
        assert_eq!(of_reads[..8], [1, 1, 1, 1, 2, 2, 2, 2]);
        // One allele is enough from 1.10 on; none is not.
        assert_eq!(of_reads[8..], [if rules == PhasingRules::DeepVariant1_8 { 0 } else { 2 }, 0]);
    }
}

#[test]
fn the_first_allele_of_a_block_is_of_phase_1() {
    // The other way round would be as good, and its last pair has the greater names.
    let sites = [
        site(10, &[], &[("A", &[0, 1, 2, 3]), ("C", &[4, 5, 6, 7])]),
        site(20, &[], &[("G", &[0, 1, 2, 3]), ("T", &[4, 5, 6, 7])]),
    ];
    for rules in BOTH {
        assert_eq!(phased(&sites, 8, rules).0, [[0, 1, 2], [0, 1, 2]]);
    }
}

#[test]
fn of_equal_pairs_the_greater_names_win() {
    let sites = [
        site(10, &[], &[("A", &[0, 1, 2, 3]), ("C", &[4, 5, 6, 7])]),
        site(20, &[], &[("G", &[0, 1, 4, 5, 8]), ("T", &[2, 3, 6, 7, 9])]),
    ];
    let (of_sites, of_reads) = phased(&sites, 10, PhasingRules::DeepVariant1_8);
    assert_eq!(of_sites, [[0, 1, 2], [0, 2, 1]]);
    // Their alleles contradict each other, or are too few.
    assert_eq!(of_reads, [0, 0, 1, 1, 2, 2, 0, 0, 0, 0]);
}

#[test]
fn a_single_site_is_no_block_from_1_10_on() {
    let sites = [site(10, &[0, 1, 2, 3], &[("A", &[4, 5, 6, 7])])];
    assert_eq!(phased(&sites, 8, PhasingRules::DeepVariant1_8), (vec![vec![1, 2]], vec![0; 8]));
    assert_eq!(phased(&sites, 8, PhasingRules::DeepVariant1_10), (vec![vec![0, 0]], vec![0; 8]));
}

#[test]
fn blocks_are_marked_where_they_begin() {
    // No read spans the second gap.
    let sites = [
        site(10, &[0, 1, 2, 3], &[("A", &[4, 5, 6, 7])]),
        site(20, &[4, 5, 6, 7], &[("C", &[0, 1, 2, 3])]),
        site(90, &[8, 9, 10], &[("A", &[11, 12, 13])]),
        site(95, &[8, 9, 10], &[("A", &[11, 12, 13])]),
    ];
    for rules in BOTH {
        let phasing = phase(&sites, 14, &PhasingOptions { rules, ..PhasingOptions::default() });
        let begins: Vec<bool> = phasing.sites.iter().map(|site| site.starts_block).collect();
        assert_eq!(begins, [true, false, true, false]);
        assert_eq!(phasing.sites[3].alleles, [1, 2]);
    }
}

#[test]
fn too_many_candidates_are_not_phased() {
    let sites = [site(10, &[0, 1, 2, 3], &[("A", &[4, 5, 6, 7])]), site(20, &[4, 5, 6, 7], &[("C", &[0, 1, 2, 3])])];
    let with = |max_candidates| phase(&sites, 8, &PhasingOptions { max_candidates, ..PhasingOptions::default() });
    assert_eq!(with(2).reads, [1, 1, 1, 1, 2, 2, 2, 2]);
    assert_eq!((with(1).reads, with(1).sites[0].alleles.clone()), (vec![0; 8], vec![0, 0]));
}

#[test]
fn nothing_is_phased_without_sites() {
    for rules in BOTH {
        assert_eq!(phased(&[], 3, rules), (vec![], vec![0, 0, 0]));
    }
}

#[test]
fn padding_is_a_share_of_the_region() {
    let options = PhasingOptions::default();
    assert_eq!((options.padding(25_000), options.padding(1), options.padding(14)), (5000, 0, 2));
}
