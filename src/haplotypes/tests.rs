//! Tests of phasing, on built calls.

use proptest::prelude::*;

use super::*;

/// A call of an A that is a G, with the alleles that fragments show, of quality 30; each may show more up to 1000 bp ahead.
pub(super) fn call(position: u64, genotype: Genotype, shown: &[(u64, u8)]) -> Call {
    let fragments =
        shown.iter().map(|&(fragment, allele)| FragmentAllele { fragment, ahead: 1000, allele, quality: 30 }).collect();
    Call { genotype: Some(genotype), fragments, ..crate::testing::call(position) }
}

const HET: Genotype = Genotype::Diploid(0, 1);

fn phased(calls: Vec<Call>, options: PhaseOptions) -> Phased {
    let mut phaser = Phaser::new(options);
    let mut all = Phased::default();
    let take = |all: &mut Phased, mut some: Phased| {
        all.calls.append(&mut some.calls);
        all.fragments.append(&mut some.fragments);
    };
    for call in calls {
        let some = phaser.push(call, true);
        take(&mut all, some);
    }
    let last = phaser.finish();
    take(&mut all, last);
    all
}

/// GT and phase set of each call.
fn written(calls: Vec<Call>) -> Vec<(String, Option<u64>)> {
    let of = |call: &Call| (call.genotype.unwrap().to_string(), call.phase_set);
    phased(calls, PhaseOptions::default()).calls.iter().map(of).collect()
}

fn is(genotype: &str, set: u64) -> (String, Option<u64>) {
    (genotype.into(), Some(set))
}

fn unphased() -> (String, Option<u64>) {
    ("0/1".into(), None)
}

#[test]
fn sites_are_phased_by_the_fragments_that_they_share() {
    let calls = vec![
        call(100, HET, &[(1, 0), (2, 1), (3, 0)]),
        call(200, HET, &[(1, 1), (2, 0), (3, 1)]),
        call(300, HET, &[(1, 0), (2, 1), (4, 1)]),
    ];
    assert_eq!(written(calls), [is("0/1", 100), is("1/0", 100), is("0/1", 100)]);
}

#[test]
fn a_phase_set_ends_where_no_fragment_is_shared() {
    let calls = vec![
        call(100, HET, &[(1, 0), (2, 1)]),
        call(200, HET, &[(1, 0), (2, 1)]),
        call(300, HET, &[(5, 0), (6, 1)]),
        call(400, HET, &[(5, 1), (6, 0)]),
        call(500, HET, &[(8, 1)]),
    ];
    assert_eq!(written(calls), [is("0/1", 100), is("0/1", 100), is("0/1", 300), is("1/0", 300), unphased()]);
}

#[test]
fn a_tie_is_no_phase() {
    let calls = vec![call(100, HET, &[(1, 0), (2, 0)]), call(200, HET, &[(1, 0), (2, 1)])];
    assert_eq!(written(calls), [unphased(), unphased()]);
    // Two against one are enough; but not where the one is as good as the two.
    let mut calls = vec![call(100, HET, &[(1, 0), (2, 0), (3, 0)]), call(200, HET, &[(1, 0), (2, 0), (3, 1)])];
    assert_eq!(written(calls.clone()), [is("0/1", 100), is("0/1", 100)]);
    calls[1].fragments[0].quality = 4;
    calls[1].fragments[1].quality = 4;
    assert_eq!(written(calls)[1], is("1/0", 100));
}

#[test]
fn most_fragments_decide() {
    let first: Vec<(u64, u8)> = (0..20).map(|i| (i, u8::from(i % 2 == 1))).collect();
    // Three in twenty show the wrong allele.
    let second: Vec<(u64, u8)> = (0..20).map(|i| (i, u8::from((i % 2 == 1) != (i % 7 == 3)))).collect();
    let calls = vec![call(100, HET, &first), call(200, HET, &second), call(300, HET, &first)];
    assert_eq!(written(calls), [is("0/1", 100), is("0/1", 100), is("0/1", 100)]);
}

#[test]
fn a_site_that_fits_neither_way_is_left_out() {
    // A homozygous site that was called heterozygous, in the midst of others.
    let good: Vec<(u64, u8)> = (0..20).map(|i| (i, u8::from(i % 2 == 1))).collect();
    let bad: Vec<(u64, u8)> = (0..20).map(|i| (i, u8::from(i > 1))).collect();
    let calls = vec![call(200, HET, &good), call(300, HET, &bad), call(400, HET, &good)];
    assert_eq!(written(calls), [is("0/1", 200), unphased(), is("0/1", 200)]);
    let calls = vec![call(100, HET, &bad), call(200, HET, &good), call(400, HET, &good)];
    assert_eq!(written(calls), [unphased(), is("0/1", 200), is("0/1", 200)]);
}

#[test]
fn one_fragment_binds_blocks() {
    // 1 binds the first and third site, 2 the second and fourth, 5 both pairs.
    let calls = vec![
        call(100, HET, &[(1, 0), (5, 0)]),
        call(200, HET, &[(2, 0), (5, 1)]),
        call(300, HET, &[(1, 0)]),
        call(400, HET, &[(2, 0), (5, 1)]),
    ];
    assert_eq!(written(calls), [is("0/1", 100), is("1/0", 100), is("0/1", 100), is("1/0", 100)]);
}

#[test]
fn uncertain_calls_bind_nothing() {
    let unsure = |position, shown: &[(u64, u8)]| Call { genotype_quality: 19, ..call(position, HET, shown) };
    let calls = vec![
        unsure(50, &[(1, 0), (2, 1)]),
        call(100, HET, &[(1, 0), (2, 1)]),
        call(200, HET, &[(1, 0), (2, 1)]),
        // Fragments of both sides share it alone.
        unsure(300, &[(1, 1), (2, 0), (3, 0), (4, 1)]),
        call(400, HET, &[(3, 0), (4, 1)]),
        call(500, HET, &[(3, 0), (4, 1)]),
    ];
    let done = written(calls);
    assert_eq!(done, [unphased(), is("0/1", 100), is("0/1", 100), is("1/0", 100), is("0/1", 400), is("0/1", 400)]);
}

#[test]
fn interleaved_phase_sets_stay_apart() {
    let calls = vec![
        call(100, HET, &[(1, 0), (2, 1)]),
        call(200, HET, &[(3, 0), (4, 1)]),
        call(300, HET, &[(1, 1), (2, 0)]),
        call(400, HET, &[(3, 1), (4, 0)]),
    ];
    assert_eq!(written(calls), [is("0/1", 100), is("0/1", 200), is("1/0", 100), is("1/0", 200)]);
}

#[test]
fn two_alternative_alleles_are_phased() {
    let two = |position, shown: &[(u64, u8)]| {
        let alts = vec![b"G".to_vec(), b"T".to_vec()];
        Call { alts, ..call(position, Genotype::Diploid(1, 2), shown) }
    };
    let calls = vec![call(100, HET, &[(1, 0), (2, 1), (3, 0)]), two(200, &[(1, 2), (2, 1), (3, 0)])];
    assert_eq!(written(calls), [is("0/1", 100), is("2/1", 100)]);
}

#[test]
fn what_is_not_heterozygous_keeps_its_place() {
    let hom = || call(150, Genotype::Diploid(1, 1), &[(1, 1), (2, 1)]);
    let haploid = || Call { haploid: true, ..call(160, HET, &[(1, 1), (2, 1)]) };
    let dropped = || Call { filter: Filter::RefCall, ..call(170, HET, &[(1, 1), (2, 1)]) };
    let pair = |position| call(position, HET, &[(1, 0), (2, 1)]);
    let calls = vec![hom(), pair(155), haploid(), dropped(), pair(200)];
    let positions: Vec<u64> = calls.iter().map(|call| call.position).collect();
    let done = phased(calls, PhaseOptions::default()).calls;
    assert_eq!(done.iter().map(|call| call.position).collect::<Vec<_>>(), positions);
    let sets: Vec<Option<u64>> = done.iter().map(|call| call.phase_set).collect();
    assert_eq!(sets, [None, Some(155), None, None, Some(155)]);
}

#[test]
fn calls_wait_only_as_long_as_fragments_reach() {
    let mut phaser = Phaser::new(PhaseOptions::default());
    let at = |position| (ContigId(0), position);
    assert_eq!(phaser.push(call(50, Genotype::Diploid(1, 1), &[]), true).calls.len(), 1);
    assert!(phaser.push(call(100, HET, &[(1, 0), (2, 1)]), true).calls.is_empty());
    assert_eq!(phaser.first_waiting().map(|call| call.position), Some(100));
    assert!(phaser.push(call(1099, HET, &[(1, 0)]), false).calls.is_empty(), "not to be phased");
    assert!(phaser.advance(at(1099)).calls.is_empty());
    let done = phaser.advance(at(1100)).calls;
    assert_eq!(done.iter().map(|call| call.phase_set).collect::<Vec<_>>(), [None, None]);
    assert!(phaser.first_waiting().is_none() && phaser.finish().calls.is_empty());
    phaser.push(call(2000, HET, &[(1, 0), (2, 1)]), true);
    assert_eq!(phaser.advance((ContigId(1), 0)).calls.len(), 1);
}

#[test]
fn phase_sets_end_at_cuts() {
    let calls = |positions: &[u64]| positions.iter().map(|&at| call(at, HET, &[(1, 0), (2, 1)])).collect::<Vec<_>>();
    let options = PhaseOptions { cut: 1000, ..PhaseOptions::default() };
    let sets = |calls| phased(calls, options).calls.iter().map(|call| call.phase_set).collect::<Vec<_>>();
    assert_eq!(sets(calls(&[800, 999, 1000, 1100])), [Some(800), Some(800), Some(1000), Some(1000)]);
    // What lies before the cut says nothing of what lies behind it.
    assert_eq!(sets(calls(&[1000, 1100])), [Some(1000), Some(1000)]);
}

#[test]
fn fragments_get_their_haplotype() {
    let calls = vec![
        call(100, HET, &[(1, 0), (2, 1), (3, 1)]),
        call(200, HET, &[(1, 1), (2, 0), (4, 0), (4, 1)]),
        call(900, HET, &[(5, 1)]),
    ];
    let found = phased(calls, PhaseOptions::default()).fragments;
    let tags: Vec<_> = found.iter().map(|tag| (tag.fragment, tag.haplotype, tag.phase_set, tag.end)).collect();
    // Mates that disagree (4) and fragments of sites without a phase (5) have none.
    assert_eq!(tags, [(1, 1, 100, 1200), (2, 2, 100, 1200), (3, 2, 100, 1100)]);
}

/// Sites of two haplotypes of random alleles, seen by fragments of neighbouring sites, of which some show a wrong allele.
fn simulated() -> impl Strategy<Value = (Vec<bool>, Vec<Call>)> {
    let fragment = (0_usize..30, 2_usize..8, any::<bool>(), prop::collection::vec(0_u16..1000, 8));
    (prop::collection::vec(any::<bool>(), 30), prop::collection::vec(fragment, 60..200)).prop_map(
        |(swapped, fragments)| {
            let mut shown: Vec<Vec<(u64, u8)>> = vec![Vec::new(); swapped.len()];
            for (number, (start, length, haplotype, chance)) in (0..).zip(fragments) {
                let sites = (start..(start + length).min(swapped.len())).zip(chance);
                sites.for_each(|(site, chance)| {
                    // One in a thousand is wrong.
                    let allele = haplotype != swapped[site] && chance > 0 || haplotype == swapped[site] && chance == 0;
                    shown[site].push((number, u8::from(allele)));
                });
            }
            let calls = (0..).zip(&shown).map(|(site, shown)| call(100 + site * 100, HET, shown)).collect();
            (swapped, calls)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Haplotypes are found again, but for the few places where wrong alleles outweigh the others.
    #[test]
    fn haplotypes_are_found((swapped, calls) in simulated()) {
        let done = phased(calls, PhaseOptions::default()).calls;
        let mut wrong = 0;
        for (i, a) in done.iter().enumerate() {
            let Some(b) = done[i + 1..].iter().position(|b| a.phase_set.is_some() && b.phase_set == a.phase_set) else { continue };
            let b = i + 1 + b;
            let same = a.genotype == done[b].genotype;
            wrong += usize::from(same != (swapped[i] == swapped[b]));
        }
        prop_assert!(wrong <= 4, "{wrong} switches");
        for call in &done {
            prop_assert!(call.phase_set.is_none_or(|set| done.iter().filter(|other| other.phase_set == Some(set)).count() > 1));
        }
    }

    /// Neither the order of fragments at a site nor what the caller knows of later calls changes anything.
    #[test]
    fn the_order_of_fragments_is_of_no_account((_, calls) in simulated()) {
        let result = |calls: Vec<Call>| {
            let done = phased(calls, PhaseOptions::default()).calls;
            done.iter().map(|call| (call.genotype, call.phase_set)).collect::<Vec<_>>()
        };
        let mut other = calls.clone();
        for call in &mut other {
            call.fragments.reverse();
        }
        prop_assert_eq!(result(other), result(calls));
    }
}

/// The same call, asked for by a record that is written at `position`.
fn asked(position: u64, of: Call) -> Call {
    use crate::candidates::Asked;
    let alts = of.alts.clone();
    Call { asked: Some(Box::new(Asked { position, reference: b"A".to_vec(), alts, ..Asked::default() })), ..of }
}

#[test]
fn sets_are_named_by_what_is_written() {
    let shown = [(1, 0), (2, 1)];
    let calls = vec![asked(95, call(100, HET, &shown)), call(200, HET, &shown)];
    assert_eq!(written(calls), [is("0/1", 95), is("0/1", 95)]);
    // Two sets whose first variants are written at one position.
    let other = [(3, 0), (4, 1)];
    let calls = vec![
        asked(95, call(100, HET, &shown)),
        asked(95, call(101, HET, &other)),
        call(200, HET, &shown),
        call(210, HET, &other),
    ];
    assert_eq!(written(calls), [is("0/1", 95), is("0/1", 210), is("0/1", 95), is("0/1", 210)]);
}
