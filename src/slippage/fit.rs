//! Observed tracts of a sample -> its [`SlippageModel`], by expectation maximisation.
//!
//! What slipped shows only against the sample's own alleles, which show only by what slipped. So in turn the probabilities of each tract's pairs of
//! alleles are taken from the curves, and the curves are fitted to the fragments as these pairs explain them.

use std::collections::BTreeMap;

use super::likelihoods::Likelihoods;
use super::model::{CLEAN, Curve, SlippageModel, logit, position, share};
use super::spans::Observed;
use super::tracts::{LONGEST_UNIT, Tract};

/// Rounds: enough to come from a clean library's rates to those of an amplified one, forty times as high (`rates_are_found_again`).
const ROUNDS: usize = 6;
/// Fragments at each anchor that are taken as seen in a clean library before any is: of few tracts little is known.
const EXPECTED: f64 = 60.0;
/// Fewest fragments of a tract that tell what its alleles are.
const LEAST_FRAGMENTS: u32 = 5;
/// A length may be an allele's if so many fragments show it, and that share of them.
const LEAST_OF_ALLELE: u32 = 2;
const LEAST_SHARE: f64 = 0.08;
/// Chance that an allele is no whole number of units away from the reference, among those of another length.
const NO_WHOLE_UNITS: f64 = 0.02;
/// Steps of Newton's method, and the most that a step moves a curve's end, in logarithms of odds.
const STEPS: usize = 40;
const LONGEST_STEP: f64 = 1.0;

/// Fits the curves to what the fragments of a sample show. Homopolymers of G and C, which slip at other rates, are left out.
#[must_use]
pub fn fit(observed: impl IntoIterator<Item = Observed>) -> SlippageModel {
    let told = |seen: &Observed| !seen.tract.is_strong() && seen.lengths.fragments() >= LEAST_FRAGMENTS;
    let with_alleles = |seen: Observed| (alleles(&seen), seen);
    let seen: Vec<(Vec<i32>, Observed)> = observed.into_iter().filter(told).map(with_alleles).collect();
    let mut model = SlippageModel::default();
    for _ in 0..ROUNDS {
        let mut counts = BTreeMap::new();
        for (alleles, seen) in &seen {
            count(seen, alleles, &model, &mut counts);
        }
        for (unit, curves) in (1..=LONGEST_UNIT).zip(&mut model.curves) {
            for (way, curve) in curves.iter_mut().enumerate() {
                let of_unit = counts.range((unit, 0)..(unit + 1, 0));
                let points = of_unit.map(|(&(unit, copies), count): (&Kind, &Count)| {
                    let (at, halved) = position(unit, copies);
                    Point { at, slipped: count.slipped[way], all: count.all * halved }
                });
                *curve = fitted(points, unit);
            }
        }
    }
    model
}

/// Lengths that may be those of the sample's alleles, in bp more than the reference's, the reference's first.
fn alleles(seen: &Observed) -> Vec<i32> {
    let least = LEAST_SHARE * f64::from(seen.lengths.fragments());
    let shown = seen.lengths.iter().filter(|&(_, n)| n >= LEAST_OF_ALLELE && f64::from(n) >= least);
    std::iter::once(0).chain(shown.map(|(gained, _)| gained).filter(|&gained| gained != 0)).collect()
}

/// Chance of a pair of alleles, before any read is looked at.
fn prior(tract: &Tract, [a, b]: [i32; 2]) -> f64 {
    let differs = match (tract.unit, tract.interval.len()) {
        (_, ..8) => 0.002,
        (1, 8..10) => 0.02,
        (1 | 2, _) => 0.1,
        _ => 0.05,
    };
    let whole = [a, b].map(|gained| if tract.units(gained).is_some() { 1.0 } else { NO_WHOLE_UNITS });
    let pair = match (a, b) {
        (0, 0) => 1.0 - differs,
        (a, b) if a == b => 0.3 * differs,
        (0, _) | (_, 0) => 0.6 * differs,
        _ => 0.1 * differs,
    };
    pair * whole[0] * whole[1]
}

/// Length of the unit and copies of an allele.
type Kind = (usize, usize);

/// Fragments of alleles of one kind.
#[derive(Default)]
struct Count {
    all: f64,
    /// Of these, those that show fewer units, and those that show more.
    slipped: [f64; 2],
}

/// Adds the fragments of a tract to the counts of the alleles that explain them, each genotype as far as it is probable.
fn count(seen: &Observed, alleles: &[i32], model: &SlippageModel, counts: &mut BTreeMap<Kind, Count>) {
    let tract = &seen.tract;
    let likelihoods = Likelihoods::of(seen, alleles, model);
    for (genotype, probability) in likelihoods.posterior(|pair| prior(tract, pair)) {
        for ((shown, fragments), row) in seen.lengths.iter().zip(likelihoods.of_lengths()) {
            let both: f64 = genotype.alleles().map(|allele| row[allele]).sum();
            for allele in genotype.alleles() {
                // What is no whole units away did not slip.
                let Some(units) = tract.units(shown - alleles[allele]) else { continue };
                let n = f64::from(fragments) * probability * row[allele] / both;
                let count = counts.entry((tract.unit, tract.copies_of(alleles[allele]))).or_default();
                count.all += n;
                if units != 0 {
                    count.slipped[usize::from(units > 0)] += n;
                }
            }
        }
    }
}

/// Fragments at one number of copies.
struct Point {
    /// Where that lies between the anchors.
    at: f64,
    slipped: f64,
    all: f64,
}

/// The likeliest curve, which does not fall: Newton's method for a logistic regression on its two ends.
fn fitted(points: impl Iterator<Item = Point>, unit: usize) -> Curve {
    let clean = CLEAN[unit - 1];
    let expected =
        [0.0, 1.0].into_iter().zip(clean).map(|(at, rate)| Point { at, slipped: rate * EXPECTED, all: EXPECTED });
    let points: Vec<Point> = expected.chain(points).collect();
    let mut ends = clean.map(logit);
    for _ in 0..STEPS {
        let (mut gradient, mut a, mut b, mut c) = ([0.0; 2], 0.0, 0.0, 0.0);
        for point in &points {
            let of_end = [1.0 - point.at, point.at];
            let p = 1.0 / (1.0 + (-(of_end[0] * ends[0] + of_end[1] * ends[1])).exp());
            let (left, weight) = (point.slipped - point.all * p, point.all * p * (1.0 - p));
            gradient = [gradient[0] + left * of_end[0], gradient[1] + left * of_end[1]];
            a += weight * of_end[0] * of_end[0];
            b += weight * of_end[0] * of_end[1];
            c += weight * of_end[1] * of_end[1];
        }
        let determinant = a * c - b * b;
        let step = [c * gradient[0] - b * gradient[1], a * gradient[1] - b * gradient[0]];
        for (end, step) in ends.iter_mut().zip(step) {
            *end += (step / determinant).clamp(-LONGEST_STEP, LONGEST_STEP);
        }
        if ends[1] < ends[0] {
            ends = [f64::midpoint(ends[0], ends[1]); 2];
        }
    }
    Curve { rates: ends.map(share) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::Rng as _;
    use rand_pcg::Pcg64;

    use super::*;
    use crate::genome::Interval;
    use crate::slippage::spans::Lengths;

    fn tract(unit: &[u8], copies: u64) -> Tract {
        let mut bases = [0; LONGEST_UNIT];
        bases[..unit.len()].copy_from_slice(unit);
        Tract { interval: Interval::new(1000, 1000 + copies * unit.len() as u64), unit: unit.len(), bases }
    }

    fn seen(tract: Tract, gained: Vec<i32>) -> Observed {
        Observed { tract, lengths: Lengths::of(gained), by_haplotype: Default::default() }
    }

    /// Tracts of T with 40 fragments each, of which so many slip as the model says; every fifth heterozygous, two units shorter.
    fn sample(model: &SlippageModel, tracts: u64) -> Vec<Observed> {
        let mut random = Pcg64::new(5, 1);
        let mut fragment = |tract: &Tract, allele: i32| {
            let rates = model.rates(1, tract.copies_of(allele));
            let mut left: f64 = random.random();
            let steps = [0, 1, -1, 2, -2, 3].into_iter().find(|&units| {
                left -= rates.share(units);
                left < 0.0
            });
            allele + steps.unwrap_or(-3)
        };
        let one = |i: u64| {
            let tract = tract(b"T", 6 + i % 12);
            let second = if i.is_multiple_of(5) && tract.copies() > 9 { -2 } else { 0 };
            let gained = (0..40).map(|n| fragment(&tract, if n % 2 == 0 { 0 } else { second })).collect();
            seen(tract, gained)
        };
        (0..tracts).map(one).collect()
    }

    fn amplified() -> SlippageModel {
        SlippageModel { curves: [[Curve { rates: [0.014, 0.15] }, Curve { rates: [0.035, 0.17] }]; LONGEST_UNIT] }
    }

    #[test]
    fn rates_are_found_again() {
        // A clean library's 4,000 fragments of 8 copies have four slips either way.
        for (model, tolerance) in [(amplified(), 0.2), (SlippageModel::default(), 0.5)] {
            let found = fit(sample(&model, 1200));
            for copies in 8..=17 {
                let (expected, found) = (model.rates(1, copies), found.rates(1, copies));
                for (expected, found) in [(expected.fewer, found.fewer), (expected.more, found.more)] {
                    assert!((found / expected).ln().abs() < tolerance, "{copies}: {found} for {expected}");
                }
            }
        }
    }

    #[test]
    fn the_order_does_not_show() {
        let mut observed = sample(&amplified(), 300);
        let one = fit(observed.clone());
        observed.reverse();
        assert_eq!(fit(observed), one);
    }

    #[test]
    fn of_little_a_library_is_taken_for_clean() {
        let near = |found: SlippageModel| {
            let (found, clean) = (found.rates(1, 12), SlippageModel::default().rates(1, 12));
            (found.total() / clean.total() - 1.0).abs() < 0.02
        };
        assert!(near(fit(Vec::new())));
        let dirty = || [vec![0; 30], vec![-1, 1, 1, 1]].concat();
        assert!(!near(fit(vec![seen(tract(b"T", 12), dirty()); 3])));
        // Nor do tracts of G or C, of too few fragments, or of other units tell anything of A and T.
        assert!(near(fit(vec![seen(tract(b"G", 12), dirty()); 3])));
        assert!(near(fit(vec![seen(tract(b"T", 12), vec![0, 0, 0, 1]); 9])));
        assert!(near(fit(vec![seen(tract(b"CA", 12), dirty()); 3])));
    }

    #[test]
    fn two_lengths_of_a_sample_are_no_slips() {
        let of = |gained: [Vec<i32>; 2]| fit(vec![seen(tract(b"T", 12), gained.concat()); 4]).rates(1, 12).fewer;
        assert!(of([vec![0; 15], vec![-2; 15]]) < 0.005);
        assert!(of([vec![0; 27], vec![-2; 3]]) > 0.02);
    }

    proptest! {
        #[test]
        fn curves_do_not_fall(points in prop::collection::vec((0.0..1.3, 0.0..1.0, 0.0..1e6), 0..20), unit in 1..=LONGEST_UNIT) {
            let points = points.into_iter().map(|(at, share, all)| Point { at, slipped: share * all, all });
            let [low, high] = fitted(points, unit).rates;
            prop_assert!(0.0 < low && low <= high && high < 1.0, "{low} {high}");
        }
    }
}
