//! Features of candidates -> the mean and the scale of each, with which networks standardise them, and the range of each.

use crate::predict::small::FeatureId;
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
    /// Of these features of all of them.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "means of numbers near 1")]
    pub(super) fn of(known: &[Described], features: &[FeatureId]) -> Self {
        let n = known.len().max(1) as f64;
        let values = |feature: FeatureId| known.iter().map(move |example| feature.of(&example.features));
        let mean: Vec<f32> =
            features.iter().map(|&feature| (values(feature).map(f64::from).sum::<f64>() / n) as f32).collect();
        let scale = features
            .iter()
            .zip(&mean)
            .map(|(&feature, mean)| {
                let variance = values(feature).map(|value| f64::from(value - mean).powi(2)).sum::<f64>() / n;
                (variance.sqrt() as f32).max(LOWEST_SCALE)
            })
            .collect();
        Self { mean, scale }
    }
}

/// Lowest and highest value of each feature, but for the farthest few.
pub(super) fn ranges(known: &[Described], features: &[FeatureId]) -> Vec<[f32; 2]> {
    let few = known.len() / OUTSIDE;
    let mut values: Vec<f32> = Vec::with_capacity(known.len());
    features
        .iter()
        .map(|feature| {
            values.clear();
            values.extend(known.iter().map(|example| feature.of(&example.features)));
            values.sort_unstable_by(f32::total_cmp);
            [few, values.len().saturating_sub(1 + few)].map(|at| values.get(at).copied().unwrap_or(0.0))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::predict::small::FEATURES;

    #[test]
    fn ranges_leave_the_farthest_out() {
        let known = |n: u16| -> Vec<Described> {
            (0..n).rev().map(|i| Described { features: [f32::from(i); FEATURES], class: 0 }).collect()
        };
        let bits = |range: [f32; 2]| range.map(f32::to_bits);
        let all: Vec<FeatureId> = FeatureId::all().collect();
        assert_eq!(bits(ranges(&known(100), &all)[3]), bits([0.0, 99.0]));
        assert_eq!(bits(ranges(&known(20_001), &all)[64]), bits([2.0, 19_998.0]));
    }

    #[test]
    fn each_feature_has_its_own() {
        let of = |first: f32| {
            let mut features = [2.0; FEATURES];
            features[0] = first;
            Described { features, class: 0 }
        };
        let Moments { mean, scale } = Moments::of(&[of(1.0), of(5.0)], &FeatureId::learned(false));
        let near = |a: f32, b: f32| (a - b).abs() < 1e-6;
        assert!(near(mean[0], 3.0) && near(scale[0], 2.0) && near(mean[1], 2.0) && near(scale[1], LOWEST_SCALE));
    }
}
