//! Features of candidates -> the mean and the scale of each, with which networks standardise them.

use crate::predict::small::FEATURES;
use crate::train::examples::Described;

/// Lowest scale: a feature that hardly varies in the training data must not become large elsewhere.
const LOWEST_SCALE: f32 = 0.01;

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

#[cfg(test)]
mod tests {
    use super::*;

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
