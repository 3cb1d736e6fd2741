//! Features of candidates -> the mean and the scale of each, with which networks standardise them, and the range of each.

use crate::predict::small::FEATURES;
use crate::train::examples::Described;

/// Lowest scale: a feature that hardly varies in the training data must not become large elsewhere.
const LOWEST_SCALE: f32 = 0.01;

/// One of so many candidates may lie outside of a feature's range, at either end.
const OUTSIDE: usize = 10_000;

/// Mean and standard deviation of each feature.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Moments {
    pub(super) mean: Vec<f32>,
    pub(super) scale: Vec<f32>,
}

impl Moments {
    /// Of all of them.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "means of numbers near 1")]
    pub(super) fn of(known: &[Described]) -> Self {
        let n = known.len().max(1) as f64;
        let mean: Vec<f32> =
            (0..FEATURES).map(|i| (known.iter().map(|e| f64::from(e.features[i])).sum::<f64>() / n) as f32).collect();
        let scale = (0..FEATURES)
            .map(|i| {
                let variance = known.iter().map(|e| f64::from(e.features[i] - mean[i]).powi(2)).sum::<f64>() / n;
                (variance.sqrt() as f32).max(LOWEST_SCALE)
            })
            .collect();
        Self { mean, scale }
    }
}

/// Lowest and highest value of each feature, but for the farthest few.
pub(super) fn ranges(known: &[Described]) -> Vec<[f32; 2]> {
    let few = known.len() / OUTSIDE;
    let mut values: Vec<f32> = Vec::with_capacity(known.len());
    (0..FEATURES)
        .map(|i| {
            values.clear();
            values.extend(known.iter().map(|example| example.features[i]));
            values.sort_unstable_by(f32::total_cmp);
            [few, values.len().saturating_sub(1 + few)].map(|at| values.get(at).copied().unwrap_or(0.0))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_leave_the_farthest_out() {
        let known = |n: u16| -> Vec<Described> {
            (0..n).rev().map(|i| Described { features: [f32::from(i); FEATURES], class: 0 }).collect()
        };
        let bits = |range: [f32; 2]| range.map(f32::to_bits);
        assert_eq!(bits(ranges(&known(100))[3]), bits([0.0, 99.0]));
        assert_eq!(bits(ranges(&known(20_001))[64]), bits([2.0, 19_998.0]));
    }

    #[test]
    fn each_feature_has_its_own() {
        let of = |first: f32| {
            let mut features = [2.0; FEATURES];
            features[0] = first;
            Described { features, class: 0 }
        };
        let Moments { mean, scale } = Moments::of(&[of(1.0), of(5.0)]);
        let near = |a: f32, b: f32| (a - b).abs() < 1e-6;
        assert!(near(mean[0], 3.0) && near(scale[0], 2.0) && near(mean[1], 2.0) && near(scale[1], LOWEST_SCALE));
    }
}
