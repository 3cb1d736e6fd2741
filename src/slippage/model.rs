//! Units and copies of a tract -> the share of fragments that show it too short or too long: [`SlippageModel`].
//!
//! The share is a logistic curve in the copies, one for fewer and one for more units, for each length of the unit. Steps of more
//! than one unit fall off geometrically. The stutter model of `HipSTR` and the parameters of `DRAGstr` are of this kind.

use rand::Rng as _;
use rand_distr::StandardNormal;
use rand_pcg::Pcg64;

use super::tracts::LONGEST_UNIT;

/// Copies at which a curve is given, by the length of its unit: about the shortest and the longest tracts of which a short read tells much.
pub(super) const ANCHORS: [[usize; 2]; LONGEST_UNIT] = [[8, 16], [5, 10], [5, 10], [5, 10]];
/// Copies below which the curves end. The rates halve with each copy less (docs/reads.md).
const SHORTEST: [usize; LONGEST_UNIT] = [7, 5, 3, 3];
/// Copies from which on the rates grow no more: few reads span longer tracts.
const LONGEST: [usize; LONGEST_UNIT] = [18, 12, 12, 12];
/// No rate is higher; both together leave most fragments to the true length.
const MOST: f64 = 0.3;
/// Share of fragments at the anchors in a library without amplification, in either direction (docs/slippage.md).
pub(super) const CLEAN: [[f64; 2]; LONGEST_UNIT] = [[0.001, 0.02], [0.002, 0.02], [0.002, 0.02], [0.002, 0.02]];
/// Spread of fits of one sample to other windows, as a standard deviation of the odds' logarithm (docs/slippage.md).
const SCATTER: f64 = 0.12;
/// Share of samples with reads of a few windows only, and how far the fit may then be drawn to a clean library's.
const SMALL: f64 = 0.3;
const DRAWN: std::ops::Range<f64> = 0.0..0.5;
/// Share of one unit among slips of one unit and more; measured 0.81 to 0.89 (docs/reads.md).
const ONE_UNIT: f64 = 0.8;
/// Likelihood of a length that slippage does not explain: no whole units away, or too many of them.
pub(super) const OTHER: f64 = 2e-4;

/// How often the molecules of a sample slip.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SlippageModel {
    /// By the length of the unit; fewer units, then more.
    pub(super) curves: [[Curve; 2]; LONGEST_UNIT],
}

impl Default for SlippageModel {
    /// That of a library without amplification.
    fn default() -> Self {
        Self { curves: CLEAN.map(|rates| [Curve { rates }; 2]) }
    }
}

impl SlippageModel {
    /// The rates of an allele of so many copies of a unit of so many bp (1 to `LONGEST_UNIT`).
    #[must_use]
    pub fn rates(&self, unit: usize, copies: usize) -> Rates {
        let [fewer, more] = self.curves[unit - 1].map(|curve| curve.rate(unit, copies));
        Rates { fewer, more }
    }

    /// The model that another survey of such a sample might find.
    #[must_use]
    pub fn resampled(self, random: &mut Pcg64) -> Self {
        let drawn = if random.random_bool(SMALL) { random.random_range(DRAWN) } else { 0.0 };
        let mut curves = self.curves;
        for (curves, clean) in curves.iter_mut().zip(CLEAN) {
            for (rate, clean) in curves.iter_mut().flat_map(|curve| curve.rates.iter_mut().zip(clean)) {
                let scatter = SCATTER * random.sample::<f64, _>(StandardNormal);
                *rate = share((1.0 - drawn) * logit(*rate) + drawn * logit(clean) + scatter);
            }
        }
        Self { curves }
    }
}

/// Share of fragments that show a tract too short, and too long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rates {
    /// With fewer units than the molecule's allele has.
    pub fewer: f64,
    /// With more.
    pub more: f64,
}

impl Rates {
    /// Share of fragments that show so many units more than the allele has. Over all numbers of units the shares sum to 1.
    #[must_use]
    pub fn share(self, units: i32) -> f64 {
        let slipped = if units < 0 { self.fewer } else { self.more };
        match units.unsigned_abs() {
            0 => 1.0 - self.fewer - self.more,
            steps => slipped * ONE_UNIT * (1.0 - ONE_UNIT).powi(steps.min(50).cast_signed() - 1),
        }
    }

    /// Either way.
    #[must_use]
    pub fn total(self) -> f64 {
        self.fewer + self.more
    }
}

/// A logistic curve through two points.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Curve {
    /// Share of fragments at the [`ANCHORS`]; neither is 0 or 1.
    pub(super) rates: [f64; 2],
}

impl Curve {
    fn rate(self, unit: usize, copies: usize) -> f64 {
        let (at, halved) = position(unit, copies);
        let [low, high] = self.rates.map(logit);
        (halved / (1.0 + (-(low + at * (high - low))).exp())).min(MOST)
    }
}

/// Where a number of copies lies between the anchors, 0 at the first and 1 at the second; and by what the rate there is to be multiplied,
/// below the shortest tracts that the curve is for.
#[allow(clippy::cast_precision_loss, reason = "some dozen copies")]
pub(super) fn position(unit: usize, copies: usize) -> (f64, f64) {
    let (inside, [low, high]) = (copies.clamp(SHORTEST[unit - 1], LONGEST[unit - 1]), ANCHORS[unit - 1]);
    let halvings = i32::try_from(inside.saturating_sub(copies)).unwrap_or(i32::MAX);
    ((inside as f64 - low as f64) / (high - low) as f64, 0.5_f64.powi(halvings))
}

pub(super) fn logit(share: f64) -> f64 {
    (share / (1.0 - share)).ln()
}

/// The share of a curve's end with these logarithmic odds, to two digits, so that a window more or less seldom shows.
pub(super) fn share(logit: f64) -> f64 {
    two_digits(1.0 / (1.0 + (-logit).exp())).clamp(1e-6, 0.9)
}

/// To two significant digits.
#[must_use]
pub fn two_digits(number: f64) -> f64 {
    let unit = 10.0_f64.powf(number.log10().floor() - 1.0);
    (number / unit).round() * unit
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn curves_pass_through_their_points() {
        let model = SlippageModel::default();
        let fewer = |unit, copies| model.rates(unit, copies).fewer;
        assert!(near(fewer(1, 8), 0.001) && near(fewer(1, 16), 0.02) && near(fewer(3, 5), 0.002));
        assert!(fewer(1, 12) > 0.003 && fewer(1, 12) < 0.006, "between them");
        assert!(near(fewer(1, 18), fewer(1, 40)) && fewer(1, 17) < fewer(1, 18), "they grow to 18 copies");
        assert!(near(fewer(1, 5), fewer(1, 7) / 4.0) && near(fewer(2, 3), fewer(2, 5) / 4.0), "and end at 7");
    }

    #[test]
    fn no_rate_is_too_high() {
        let model = SlippageModel { curves: [[Curve { rates: [0.2, 0.9] }; 2]; LONGEST_UNIT] };
        let rates = model.rates(1, 18);
        assert!(near(rates.fewer, MOST) && near(rates.share(0), 1.0 - 2.0 * MOST));
    }

    #[test]
    fn two_digits_stay() {
        let of = [29.62, 7.349, 148.0, 0.5, 0.001_26].map(two_digits);
        assert!(of.iter().zip([30.0, 7.3, 150.0, 0.5, 0.0013]).all(|(a, b)| (a - b).abs() < 1e-9), "{of:?}");
    }

    #[test]
    fn surveys_of_a_sample_scatter() {
        let dirty = SlippageModel { curves: [[Curve { rates: [0.02, 0.16] }; 2]; LONGEST_UNIT] };
        let mut random = Pcg64::new(3, 1);
        let again: Vec<f64> = (0..400).map(|_| dirty.resampled(&mut random).rates(1, 16).fewer).collect();
        let near = again.iter().filter(|&&rate| (0.12..0.21).contains(&rate)).count();
        let low = again.iter().filter(|&&rate| rate < 0.11).count();
        assert!((260..370).contains(&near) && (20..120).contains(&low), "{near} {low}");
        assert!(again.iter().all(|&rate| (0.03..0.25).contains(&rate)));
    }

    proptest! {
        #[test]
        fn shares_sum_to_one(unit in 1..=LONGEST_UNIT, copies in 1_usize..60, low in 1e-6..0.9, high in 1e-6..0.9) {
            let model = SlippageModel { curves: [[Curve { rates: [low, high] }, Curve { rates: [high, low] }]; LONGEST_UNIT] };
            let rates = model.rates(unit, copies);
            prop_assert!((-60..=60).all(|units| rates.share(units) >= 0.0));
            prop_assert!(near((-60..=60).map(|units| rates.share(units)).sum::<f64>(), 1.0));
        }
    }
}
