//! Fragments over a tract and a candidate's alleles -> log-likelihoods of pairs of alleles, and the [`TractNumbers`] of an image.

use super::model::{OTHER, SlippageModel};
use super::spans::{Observed, observe};
use super::tracts::{Indel, tracts};
use crate::candidates::Candidate;
use crate::genome::{Interval, ReferenceWindow};
use crate::pileup::AltSet;
use crate::reads::Read;
use crate::variant::Genotype;
use crate::variant::allele::{shared_prefix, shared_suffix};

/// Fragments are not quite independent, since amplification copies one slip to several: their log-likelihoods are scaled by this.
const SCALE: f64 = 0.8;
/// Lowest of the three log-likelihoods of an image: what is less likely is as good as impossible.
const LOWEST: f64 = -40.0;

/// Log-likelihoods of the genotypes of some alleles of a tract.
pub(super) struct Likelihoods {
    /// In bp more than the reference has.
    alleles: Vec<i32>,
    /// Of each shown length, that a molecule of each allele shows it.
    of_lengths: Vec<Vec<f64>>,
    /// Each genotype with its log-likelihood, a natural logarithm; in VCF's order.
    of_genotypes: Vec<(Genotype, f64)>,
    /// The same with haplotypes known: the fragments of one are all of the same allele. Empty where none is known.
    of_phased: Vec<(Genotype, f64)>,
}

impl Likelihoods {
    /// Of alleles given in bp more than the reference has; each fragment is of either by half.
    pub(super) fn of(seen: &Observed, alleles: &[i32], model: &SlippageModel) -> Self {
        let tract = &seen.tract;
        let rates: Vec<_> = alleles.iter().map(|&allele| model.rates(tract.unit, tract.copies_of(allele))).collect();
        let likelihood = |shown: i32, allele: usize| {
            let units = tract.units(shown - alleles[allele]);
            units.map_or(OTHER, |units| rates[allele].share(units).max(OTHER))
        };
        let of_alleles = |shown: i32| (0..alleles.len()).map(|allele| likelihood(shown, allele)).collect();
        let of_lengths: Vec<Vec<f64>> = seen.lengths.iter().map(|(shown, _)| of_alleles(shown)).collect();
        // By haplotype: fragments with the likelihoods of what they show.
        let phased = seen
            .by_haplotype
            .each_ref()
            .map(|lengths| lengths.iter().map(|(shown, n)| (f64::from(n), of_alleles(shown))).collect::<Vec<_>>());
        let is_phased = phased.iter().any(|rows| !rows.is_empty());
        let of_haplotype = |rows: &[(f64, Vec<f64>)], [a, b]: [usize; 2]| -> f64 {
            rows.iter().map(|(n, row)| n * (0.5 * row[a] + 0.5 * row[b]).ln()).sum()
        };
        let with_haplotypes = |genotype: Genotype| {
            let mut alleles = genotype.alleles();
            let a = alleles.next().unwrap_or_default();
            let b = alleles.next().unwrap_or(a);
            let [unknown, one, two] = &phased;
            let either = |a, b| of_haplotype(one, [a, a]) + of_haplotype(two, [b, b]);
            (genotype, SCALE * (of_haplotype(unknown, [a, b]) + f64::max(either(a, b), either(b, a))))
        };
        let of = |genotype: Genotype| {
            let of_fragment = |row: &[f64]| genotype.alleles().map(|allele| 0.5 * row[allele]).sum::<f64>().ln();
            let rows = of_lengths.iter().zip(seen.lengths.iter());
            (genotype, SCALE * rows.map(|(row, (_, n))| f64::from(n) * of_fragment(row)).sum::<f64>())
        };
        let of_genotypes = Genotype::all(alleles.len()).map(of).collect();
        let of_phased = Genotype::all(alleles.len()).filter(|_| is_phased).map(with_haplotypes).collect();
        Self { alleles: alleles.to_vec(), of_lengths, of_genotypes, of_phased }
    }

    /// For each length, in the order of [`Lengths`](super::spans::Lengths), and each allele that one of its molecules shows it.
    pub(super) fn of_lengths(&self) -> &[Vec<f64>] {
        &self.of_lengths
    }

    /// Probability of each genotype, given what chance a pair of alleles has before; they sum to 1.
    pub(super) fn posterior(&self, prior: impl Fn([i32; 2]) -> f64) -> Vec<(Genotype, f64)> {
        let joint = |&(genotype, value): &(Genotype, f64)| {
            let mut alleles = genotype.alleles().map(|allele| self.alleles[allele]);
            let first = alleles.next().unwrap_or_default();
            (genotype, value + prior([first, alleles.next().unwrap_or(first)]).ln())
        };
        let joint: Vec<_> = self.of_genotypes.iter().map(joint).collect();
        let best = joint.iter().map(|&(_, value)| value).fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = joint.iter().map(|&(_, value)| (value - best).exp()).sum();
        joint.into_iter().map(|(genotype, value)| (genotype, (value - best).exp() / sum)).collect()
    }

    /// The best log-likelihood with none, one and two copies of an image's alleles, less the best of the three. Alternative allele i of the
    /// site is allele i + 1 here.
    fn of_set(&self, set: AltSet) -> [f64; 3] {
        Self::best(&self.of_genotypes, set)
    }

    /// The same with haplotypes; as without them where none is known.
    fn of_set_phased(&self, set: AltSet) -> [f64; 3] {
        Self::best(if self.of_phased.is_empty() { &self.of_genotypes } else { &self.of_phased }, set)
    }

    fn best(of_genotypes: &[(Genotype, f64)], set: AltSet) -> [f64; 3] {
        let mut best = [f64::NEG_INFINITY; 3];
        for &(genotype, value) in of_genotypes {
            let copies = genotype.alleles().filter(|&allele| allele > 0 && set.contains(allele - 1)).count();
            best[copies] = best[copies].max(value);
        }
        let most = best.into_iter().fold(f64::NEG_INFINITY, f64::max);
        best.map(|value| (value - most).max(LOWEST))
    }
}

/// What the slippage of its tract says of an image: a candidate's alternative allele, or two of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TractNumbers {
    /// Whether the candidate lies in a tract. All else is 0 where not, but for the rates, which are as low as they can be.
    pub in_tract: bool,
    /// Natural log-likelihoods of hom-ref, het and hom-alt of the image's alleles, less the best, at least -40.
    pub log_likelihoods: [f64; 3],
    /// The same with the fragments of a haplotype all of one allele; equal where no haplotypes are known.
    pub phased_log_likelihoods: [f64; 3],
    /// Length of the tract's unit, in bp.
    pub unit: usize,
    /// Whole units in the reference.
    pub copies: usize,
    /// Natural logarithm of the share of fragments that show fewer units than the reference's, in this sample.
    pub log_fewer: f64,
    /// The same of more units.
    pub log_more: f64,
    /// Natural logarithm of one more than the fragments that span the tract.
    pub log_fragments: f64,
    /// Whether the image's alleles are whole units away from the reference.
    pub whole_units: bool,
    /// Shares of the fragments that are as long as the image's first allele, a unit shorter, a unit longer, and as long as the reference.
    pub shares: [f64; 4],
}

impl Default for TractNumbers {
    fn default() -> Self {
        let (log_fewer, log_more) = (OTHER.ln(), OTHER.ln());
        let log_likelihoods = [0.0; 3];
        Self {
            in_tract: false,
            log_likelihoods,
            phased_log_likelihoods: log_likelihoods,
            unit: 0,
            copies: 0,
            log_fewer,
            log_more,
            log_fragments: 0.0,
            whole_units: false,
            shares: [0.0; 4],
        }
    }
}

/// The tracts of a region and what its fragments show of them.
#[derive(Clone, Debug, Default)]
pub struct RegionTracts {
    observed: Vec<Observed>,
}

/// A tract with the alleles of a candidate that lies in it.
struct Site<'a> {
    seen: &'a Observed,
    /// Bp more than the reference has: 0 for the reference, then each alternative allele.
    alleles: Vec<i32>,
}

impl RegionTracts {
    /// Of the reads of a region, in [`Read::order`] and finally aligned, and the reference around it.
    #[must_use]
    pub fn new(reads: &[Read], reference: &ReferenceWindow, region: Interval) -> Self {
        Self { observed: observe(reads, tracts(reference, region)) }
    }

    /// The tracts.
    #[must_use]
    pub fn observed(&self) -> &[Observed] {
        &self.observed
    }

    /// The numbers of an image of a candidate of the region.
    #[must_use]
    pub fn numbers(&self, candidate: &Candidate, set: AltSet, model: &SlippageModel) -> TractNumbers {
        let Some(Site { seen, alleles }) = self.site(candidate) else { return TractNumbers::default() };
        let tract = &seen.tract;
        let rates = model.rates(tract.unit, tract.copies());
        let unit = i32::try_from(tract.unit).unwrap_or(0);
        let own = alleles[1 + set.first()];
        let all = f64::from(seen.lengths.fragments().max(1));
        let share = |gained: i32| {
            let of_length = seen.lengths.iter().find_map(|(length, n)| (length == gained).then_some(n));
            f64::from(of_length.unwrap_or(0)) / all
        };
        let in_set = alleles[1..].iter().enumerate().filter(|&(alt, _)| set.contains(alt));
        let likelihoods = Likelihoods::of(seen, &alleles, model);
        TractNumbers {
            in_tract: true,
            log_likelihoods: likelihoods.of_set(set),
            phased_log_likelihoods: likelihoods.of_set_phased(set),
            unit: tract.unit,
            copies: tract.copies(),
            log_fewer: rates.fewer.ln(),
            log_more: rates.more.ln(),
            log_fragments: f64::from(seen.lengths.fragments()).ln_1p(),
            shares: [own, own - unit, own + unit, 0].map(share),
            whole_units: in_set.map(|(_, &gained)| tract.units(gained)).all(|units| units.is_some()),
        }
    }

    /// The tract that an alternative allele changes, if only by a substitution: of several the one whose length most of them change, and
    /// of these the longest.
    fn site(&self, candidate: &Candidate) -> Option<Site<'_>> {
        let changes: Vec<Indel> = candidate.alts.iter().map(|alt| change(candidate, &alt.bases)).collect();
        let how_many = |seen: &Observed, least: i32| {
            let of_tract = changes.iter().filter(|change| seen.tract.is_changed_by(change));
            of_tract.filter(|change| change.gained().abs() >= least).count()
        };
        let sites = self.observed.iter().filter(|seen| how_many(seen, 0) > 0);
        let seen = sites.max_by_key(|seen| (how_many(seen, 1), seen.tract.interval.len()))?;
        // An allele that leaves the tract alone is as long as the reference there, as its reads are.
        let gained = changes.iter().map(|change| if seen.tract.is_changed_by(change) { change.gained() } else { 0 });
        Some(Site { seen, alleles: std::iter::once(0).chain(gained).collect() })
    }
}

/// What an alternative allele changes, without the bases that it shares with the reference.
fn change<'a>(candidate: &Candidate, alt: &'a [u8]) -> Indel<'a> {
    let reference = candidate.reference.as_slice();
    // The base before an indel stays in front of it, though it be the repeat's.
    let anchor = usize::from(reference.first() == alt.first());
    let (rest, other) = (&reference[anchor..], &alt[anchor..]);
    let behind = shared_suffix(rest, [other]);
    let (rest, other) = (&rest[..rest.len() - behind], &other[..other.len() - behind]);
    let before = shared_prefix(rest, other);
    let start = candidate.position + (anchor + before) as u64;
    Indel { replaced: Interval::new(start, start + (rest.len() - before) as u64), inserted: &other[before..] }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::slippage::model::Curve;
    use crate::slippage::spans::Lengths;
    use crate::slippage::tracts::{LONGEST_UNIT, Tract};
    use crate::testing::candidate;

    const AMPLIFIED: SlippageModel =
        SlippageModel { curves: [[Curve { rates: [0.014, 0.15] }, Curve { rates: [0.035, 0.17] }]; LONGEST_UNIT] };
    const HOM_REF: usize = 0;
    const HET: usize = 1;
    const HOM_ALT: usize = 2;

    fn seen(bases: [u8; LONGEST_UNIT], unit: usize, length: u64, gained: &[(i32, usize)]) -> Observed {
        let tract = Tract { interval: Interval::new(100, 100 + length), unit, bases };
        let lengths = Lengths::of(gained.iter().flat_map(|&(gained, n)| vec![gained; n]).collect());
        Observed { tract, lengths, by_haplotype: Default::default() }
    }

    /// Twelve T at 100..112.
    fn homopolymer(gained: &[(i32, usize)]) -> RegionTracts {
        RegionTracts { observed: vec![seen([b'T', 0, 0, 0], 1, 12, gained)] }
    }

    /// The genotype of the image, and by how much it is likelier than the next.
    fn genotype(numbers: &TractNumbers) -> (usize, f64) {
        let of = numbers.log_likelihoods;
        let mut order = [HOM_REF, HET, HOM_ALT];
        order.sort_by(|&a, &b| of[b].total_cmp(&of[a]));
        assert!(of[order[0]].abs() < 1e-9, "the best is 0");
        (order[0], -of[order[1]])
    }

    #[test]
    fn the_library_decides_what_a_few_short_reads_are() {
        let shorter = candidate(99, "GT", &[("G", 6, &[])], 24);
        let tracts = homopolymer(&[(0, 24), (-1, 6)]);
        let of = |model: &SlippageModel| genotype(&tracts.numbers(&shorter, AltSet::One(0), model)).0;
        assert_eq!((of(&SlippageModel::default()), of(&AMPLIFIED)), (HET, HOM_REF));
        let of =
            |gained: &[(i32, usize)]| genotype(&homopolymer(gained).numbers(&shorter, AltSet::One(0), &AMPLIFIED)).0;
        assert_eq!(of(&[(0, 15), (-1, 15)]), HET);
        assert_eq!(of(&[(0, 3), (-1, 24), (-2, 2)]), HOM_ALT);
    }

    #[test]
    fn pairs_of_alternative_alleles() {
        let both = candidate(99, "GTT", &[("G", 14, &[]), ("GT", 12, &[]), ("GTTT", 2, &[])], 2);
        let tracts = homopolymer(&[(0, 2), (-1, 12), (-2, 14), (1, 2)]);
        let of = |set| genotype(&tracts.numbers(&both, set, &AMPLIFIED)).0;
        assert_eq!([0, 1, 2].map(|alt| of(AltSet::One(alt))), [HET, HET, HOM_REF]);
        assert_eq!((of(AltSet::Two(0, 1)), of(AltSet::Two(0, 2)), of(AltSet::Two(1, 2))), (HOM_ALT, HET, HET));
    }

    #[test]
    fn haplotypes_tell_slips_from_alleles() {
        let shorter = candidate(99, "GT", &[("G", 8, &[])], 22);
        let with = |by_haplotype: [&[(i32, usize)]; 3]| {
            let of =
                |gained: &[(i32, usize)]| Lengths::of(gained.iter().flat_map(|&(gained, n)| vec![gained; n]).collect());
            let mut tracts = homopolymer(&by_haplotype.concat());
            tracts.observed[0].by_haplotype = by_haplotype.map(of);
            let numbers = tracts.numbers(&shorter, AltSet::One(0), &AMPLIFIED);
            let phased = TractNumbers { log_likelihoods: numbers.phased_log_likelihoods, ..numbers };
            (genotype(&numbers).0, genotype(&phased).0)
        };
        // Of one haplotype: a slip of some reads of each, or an allele of one of the two.
        assert_eq!(with([&[], &[(0, 11), (-1, 4)], &[(0, 11), (-1, 4)]]).1, HOM_REF);
        assert_eq!(with([&[], &[(0, 14), (-1, 1)], &[(0, 5), (-1, 10)]]).1, HET);
        let (unphased, phased) = with([&[(0, 20), (-1, 12)], &[], &[]]);
        assert_eq!(unphased, phased, "reads without haplotypes");
    }

    #[test]
    fn numbers_of_a_tract() {
        let tracts = RegionTracts { observed: vec![seen(*b"CA\0\0", 2, 17, &[(0, 10), (2, 3)])] };
        let of = |alt: &str| tracts.numbers(&candidate(99, "G", &[(alt, 3, &[])], 10), AltSet::One(0), &AMPLIFIED);
        let numbers = of("GCA");
        assert!(numbers.in_tract && numbers.whole_units);
        assert_eq!((numbers.unit, numbers.copies), (2, 8));
        let rates = AMPLIFIED.rates(2, 8);
        assert!(
            (numbers.log_fewer.exp() - rates.fewer).abs() < 1e-9 && (numbers.log_more.exp() - rates.more).abs() < 1e-9
        );
        assert!((numbers.log_fragments - 14_f64.ln()).abs() < 1e-9);
        let shares = [3.0, 10.0, 0.0, 10.0].map(|fragments| fragments / 13.0);
        assert!(numbers.shares.iter().zip(shares).all(|(a, b)| (a - b).abs() < 1e-9), "{:?}", numbers.shares);
        let numbers = of("GCAA");
        assert!(numbers.in_tract && !numbers.whole_units, "three bases");
    }

    #[test]
    fn candidates_beside_a_tract_are_in_none() {
        let tracts = homopolymer(&[(0, 30)]);
        let of = |position, reference, alt| {
            tracts.numbers(&candidate(position, reference, &[(alt, 3, &[])], 10), AltSet::One(0), &AMPLIFIED)
        };
        for (position, reference, alt) in [
            (99, "G", "GC"),
            (98, "AG", "A"),
            (99, "G", "A"),
            (111, "T", "TC"),
            (111, "TC", "T"),
            (112, "C", "A"),
            (112, "CT", "C"),
        ] {
            assert_eq!(of(position, reference, alt), TractNumbers::default(), "{position} {reference} {alt}");
        }
        // A substitution in it is as long as the reference: the lengths are for neither.
        let substitution = of(105, "T", "C");
        assert!(substitution.in_tract && substitution.whole_units);
        assert!(substitution.log_likelihoods.iter().all(|value| value.abs() < 1e-9));
        for (position, reference, alt) in
            [(99, "G", "GT"), (99, "GT", "G"), (105, "TT", "T"), (111, "T", "TT"), (98, "AGT", "A")]
        {
            assert!(of(position, reference, alt).in_tract, "{position} {reference} {alt}");
        }
    }

    #[test]
    fn of_two_tracts_the_one_that_changes() {
        let mut tracts = homopolymer(&[(0, 30)]);
        let mut second = seen([b'A', 0, 0, 0], 1, 8, &[(0, 15), (1, 15)]);
        second.tract.interval = Interval::new(112, 120);
        tracts.observed.push(second);
        let of = |reference, alt| {
            tracts.numbers(&candidate(111, reference, &[(alt, 15, &[])], 15), AltSet::One(0), &AMPLIFIED)
        };
        assert_eq!((of("T", "TA").copies, of("T", "TT").copies, of("T", "C").copies), (8, 12, 12));
        assert_eq!(genotype(&of("T", "TA")).0, HET);
    }

    proptest! {
        #[test]
        fn probabilities_sum_to_one(
            gained in prop::collection::vec((-9..9_i32, 1..99_usize), 0..6),
            alleles in prop::collection::btree_set(-9..9_i32, 1..5),
            unit in 1..=LONGEST_UNIT,
        ) {
            let seen = seen(*b"CAGT", unit, 16, &gained);
            let alleles: Vec<i32> = alleles.into_iter().collect();
            let likelihoods = Likelihoods::of(&seen, &alleles, &AMPLIFIED);
            let posterior = likelihoods.posterior(|_| 0.1);
            prop_assert_eq!(posterior.len(), alleles.len() * (alleles.len() + 1) / 2);
            let sum: f64 = posterior.iter().map(|&(_, probability)| probability).sum();
            prop_assert!((sum - 1.0).abs() < 1e-9, "{}", sum);
            for alt in 0..alleles.len() - 1 {
                let values = likelihoods.of_set(AltSet::One(alt));
                prop_assert!(values.iter().all(|value| (LOWEST..=0.0).contains(value)) && values.contains(&0.0));
            }
        }
    }
}
