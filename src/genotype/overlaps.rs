//! Calls in genome order -> the same calls, so that no base has more than two alternative copies.
//!
//! Each site is rated by its own images, so a homozygous deletion and a heterozygous SNP inside of it may both be called: three copies of
//! a base of which a diploid sample has two. For such a group the most probable combination of genotypes is taken that is possible; each
//! call's genotype, GQ and PL are then those given the others. QUAL does not change: it is the images' for the site.

use itertools::Itertools as _;

use super::call::{Call, Filter};
use super::likelihoods::GenotypeProbabilities;
use crate::genome::{ContigId, Interval};
use crate::variant::{Allele, Genotype};

/// Most combinations of genotypes that are tried; of larger groups the calls of the highest GQ are kept first.
const MOST_COMBINATIONS: usize = 100_000;
/// Copies of a base that a diploid sample has.
const COPIES: usize = 2;

/// Holds calls back until none that follows can overlap them.
#[derive(Debug, Default)]
pub struct Resolver {
    waiting: Vec<Call>,
    /// Position after the last base of the variants that wait.
    end: u64,
}

impl Resolver {
    /// Takes the next call; gives those that are final.
    pub fn push(&mut self, call: Call) -> Vec<Call> {
        // Alleles to genotype are independent of each other: several may be one variant, spelled differently.
        if call.asked.is_some() {
            let mut done = self.finish();
            done.push(call);
            return done;
        }
        let apart = self.waiting.last().is_some_and(|last| last.contig != call.contig) || call.position >= self.end;
        let settled = if apart { self.finish() } else { Vec::new() };
        if is_variant(&call) {
            self.end = self.end.max(call.position + call.reference.len() as u64);
        }
        self.waiting.push(call);
        settled
    }

    /// Gives the calls that still wait.
    pub fn finish(&mut self) -> Vec<Call> {
        self.end = 0;
        let mut group = std::mem::take(&mut self.waiting);
        resolve(&mut group);
        group
    }

    /// True where no call that waits reaches the position `next` or overlaps one that begins there: the calls that wait are final.
    #[must_use]
    pub fn is_apart(&self, next: (ContigId, u64)) -> bool {
        self.waiting.last().is_none_or(|last| last.contig != next.0 || self.end <= next.1)
    }

    /// The first call that waits.
    #[must_use]
    pub fn first_waiting(&self) -> Option<&Call> {
        self.waiting.first()
    }
}

fn is_variant(call: &Call) -> bool {
    call.genotype.is_some_and(|genotype| genotype.alternative_copies() > 0)
}

/// The reference bases that each allele removes, none for the reference and for insertions.
fn occupied(call: &Call) -> Vec<Interval> {
    let of_alt = |alt: &Vec<u8>| {
        let mut allele = Allele::new(call.position, &call.reference, alt);
        allele.trim_prefix(0);
        allele.trim_suffix(0);
        allele.interval()
    };
    std::iter::once(Interval::new(call.position, call.position)).chain(call.alts.iter().map(of_alt)).collect()
}

fn resolve(group: &mut [Call]) {
    let variants: Vec<usize> = (0..group.len()).filter(|&i| is_variant(&group[i])).collect();
    resolve_variants(group, &variants);
}

fn resolve_variants(group: &mut [Call], variants: &[usize]) {
    let spans: Vec<Vec<Interval>> = variants.iter().map(|&i| occupied(&group[i])).collect();
    let options: Vec<Vec<Genotype>> =
        variants.iter().map(|&i| Genotype::all(group[i].alts.len() + 1).collect()).collect();
    let called: Vec<Genotype> = variants.iter().filter_map(|&i| group[i].genotype).collect();
    if is_possible(&spans, &called) {
        return;
    }
    let combinations = options.iter().try_fold(1_usize, |n, options| n.checked_mul(options.len()));
    if combinations.is_none_or(|n| n > MOST_COMBINATIONS) {
        keep_most_probable(group, variants, &spans);
        return;
    }
    // For each call and each of its genotypes the greatest probability of any possible combination that has it.
    let mut greatest: Vec<Vec<f64>> = options.iter().map(|options| vec![0.0; options.len()]).collect();
    for chosen in options.iter().map(|options| 0..options.len()).multi_cartesian_product() {
        let genotypes: Vec<Genotype> = chosen.iter().zip(&options).map(|(&i, options)| options[i]).collect();
        if !is_possible(&spans, &genotypes) {
            continue;
        }
        let probability: f64 =
            chosen.iter().zip(variants).map(|(&i, &call)| group[call].probabilities.values()[i].max(1e-12)).product();
        for (greatest, i) in greatest.iter_mut().zip(chosen) {
            greatest[i] = probability.max(greatest[i]);
        }
    }
    for (&call, weights) in variants.iter().zip(greatest) {
        group[call].set_probabilities(GenotypeProbabilities::normalised(weights));
    }
}

/// True where no base has more alternative copies than a diploid sample can have.
fn is_possible(spans: &[Vec<Interval>], genotypes: &[Genotype]) -> bool {
    let taken: Vec<Interval> = spans
        .iter()
        .zip(genotypes)
        .flat_map(|(spans, genotype)| genotype.alleles().map(|allele| spans[allele]))
        .filter(|span| !span.is_empty())
        .collect();
    // The most copies lie over the first base of one of them.
    taken.iter().all(|span| taken.iter().filter(|other| other.contains(span.start())).count() <= COPIES)
}

/// Of a large group: calls by falling GQ, each as called where that is possible beside those kept, else as hom-ref.
fn keep_most_probable(group: &mut [Call], variants: &[usize], spans: &[Vec<Interval>]) {
    let mut order: Vec<usize> = (0..variants.len()).collect();
    let sure = |i: usize| group[variants[i]].genotype_quality;
    order.sort_by_key(|&i| std::cmp::Reverse(sure(i)));
    let mut kept = vec![Genotype::HOM_REF; variants.len()];
    for i in order {
        kept[i] = group[variants[i]].genotype.unwrap_or(Genotype::HOM_REF);
        if !is_possible(spans, &kept) {
            kept[i] = Genotype::HOM_REF;
            let n = group[variants[i]].probabilities.values().len();
            let reference = (0..n).map(|genotype| f64::from(u8::from(genotype == 0))).collect();
            group[variants[i]].set_probabilities(GenotypeProbabilities::normalised(reference));
        }
    }
}

impl Call {
    /// Replaces the probabilities of its genotypes; QUAL does not change.
    fn set_probabilities(&mut self, probabilities: GenotypeProbabilities) {
        let best = probabilities.best();
        self.genotype = Genotype::all(self.alts.len() + 1).nth(best);
        self.genotype_quality = probabilities.genotype_quality();
        self.phred_likelihoods = probabilities.phred_likelihoods();
        if best == 0 {
            self.filter = Filter::RefCall;
        }
        self.probabilities = probabilities;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn called(position: u64, reference: &str, alts: &[&str], probabilities: &[f64]) -> Call {
        let probabilities = GenotypeProbabilities::normalised(probabilities.to_vec());
        let mut call = Call {
            reference: reference.into(),
            alts: alts.iter().map(|alt| alt.as_bytes().to_vec()).collect(),
            allele_depths: vec![15; alts.len() + 1],
            ..crate::testing::call(position)
        };
        call.set_probabilities(probabilities);
        call
    }

    const HOM: [f64; 3] = [0.001, 0.009, 0.99];
    const HET: [f64; 3] = [0.02, 0.95, 0.03];

    fn resolved(calls: Vec<Call>) -> Vec<String> {
        let mut resolver = Resolver::default();
        let mut out: Vec<Call> = calls.into_iter().flat_map(|call| resolver.push(call)).collect();
        out.extend(resolver.finish());
        out.iter().map(|call| call.genotype.unwrap().to_string()).collect()
    }

    #[test]
    fn possible_groups_do_not_change() {
        let deletion = called(10, "ACGT", &["A"], &HET);
        let inside = called(12, "G", &["T"], &HET);
        assert_eq!(resolved(vec![deletion, inside]), ["0/1", "0/1"]);
        // The anchor is not deleted; an insertion takes no base.
        let calls =
            vec![called(10, "A", &["T"], &HOM), called(10, "ACGT", &["A"], &HOM), called(11, "C", &["CA"], &HET)];
        assert_eq!(resolved(calls), ["1/1", "1/1", "0/1"]);
    }

    #[test]
    fn the_more_probable_call_is_kept() {
        let calls = vec![called(10, "ACGT", &["A"], &HOM), called(12, "G", &["T"], &HET)];
        assert_eq!(resolved(calls), ["1/1", "0/0"]);
        let calls = vec![called(10, "ACGT", &["A"], &[0.01, 0.45, 0.54]), called(12, "G", &["T"], &HET)];
        assert_eq!(resolved(calls), ["0/1", "0/1"]);
    }

    #[test]
    fn alleles_to_genotype_do_not_compete() {
        let asked = |call: Call| Call { asked: Some(Box::default()), ..call };
        let hom = || asked(called(10, "ACGT", &["A"], &HOM));
        let calls = vec![hom(), hom(), asked(called(12, "G", &["T"], &HET)), hom()];
        assert_eq!(resolved(calls), ["1/1", "1/1", "0/1", "1/1"]);
    }

    #[test]
    fn calls_that_reach_no_further_are_final() {
        let mut resolver = Resolver::default();
        let at = |position| (ContigId(0), position);
        assert!(resolver.is_apart(at(0)));
        resolver.push(called(10, "ACGT", &["A"], &HOM));
        assert!(!resolver.is_apart(at(13)) && resolver.is_apart(at(14)) && resolver.is_apart((ContigId(1), 0)));
        resolver.push(called(12, "GAAA", &["G"], &HET));
        assert!(!resolver.is_apart(at(15)) && resolver.is_apart(at(16)));
    }

    #[test]
    fn likelihoods_follow() {
        let mut resolver = Resolver::default();
        assert!(resolver.push(called(10, "ACGT", &["A"], &HOM)).is_empty());
        assert!(resolver.push(called(12, "G", &["T"], &HET)).is_empty());
        let settled = resolver.push(called(14, "G", &["T"], &HET));
        assert_eq!(settled.iter().map(|call| call.phred_likelihoods[0]).collect::<Vec<_>>()[1], 0);
        assert_eq!((settled[1].filter, settled[1].quality.to_bits()), (Filter::RefCall, 30.0_f64.to_bits()));
        assert_eq!(resolver.finish().len(), 1);
    }

    proptest! {
        #[test]
        fn never_more_than_two_copies(
            sites in prop::collection::vec((0_u64..6, 1_usize..5, prop::collection::vec(0.001_f64..1.0, 3)), 1..7)
        ) {
            let mut position = 0;
            let calls: Vec<Call> = sites
                .iter()
                .map(|(step, length, p)| {
                    position += 1 + step;
                    called(position, &"ACGTA"[..*length], &["A"], p)
                })
                .filter(|call| call.reference.len() > 1)
                .collect();
            let mut resolver = Resolver::default();
            let mut out: Vec<Call> = calls.iter().cloned().flat_map(|call| resolver.push(call)).collect();
            out.extend(resolver.finish());
            prop_assert_eq!(out.len(), calls.len());
            let spans: Vec<_> = out.iter().map(occupied).collect();
            let genotypes: Vec<_> = out.iter().map(|call| call.genotype.unwrap()).collect();
            prop_assert!(is_possible(&spans, &genotypes));
            for call in &out {
                prop_assert_eq!(call.phred_likelihoods[call.probabilities.best()], 0);
            }
        }
    }
}
