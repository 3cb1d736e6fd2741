//! Features -> logits: the small model's networks, as a model's `small_model.json` holds them.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::files;
use crate::predict::small::features::{FEATURES, Features};

/// Candidates with a number that lies so many standard deviations from the mean of those learned from are left to the images.
const STRANGE: f32 = 12.0;

/// A layer: `bias + weights x`, one row of weights for each output.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// `[outputs][inputs]`.
    pub weights: Vec<Vec<f32>>,
    /// `[outputs]`.
    pub bias: Vec<f32>,
}

/// Some small networks of one shape and their mean: standardised features, then layers with a rectifier between two of them; three
/// outputs. They differ in what they began with; their mean is more often right than each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmallNetwork {
    /// What is taken from each feature.
    pub mean: Vec<f32>,
    /// What each is then divided by.
    pub scale: Vec<f32>,
    /// The layers of each.
    pub members: Vec<Vec<Layer>>,
}

impl Layer {
    fn outputs(&self, inputs: &[f32]) -> Vec<f32> {
        let sum =
            |row: &[f32], bias: f32| row.iter().zip(inputs).fold(bias, |sum, (weight, value)| sum + weight * value);
        self.weights.iter().zip(&self.bias).map(|(row, &bias)| sum(row, bias)).collect()
    }

    /// What no output exceeds in size where no input exceeds `largest`; not finite where a number of the layer is not.
    fn largest_output(&self, largest: f64) -> f64 {
        let size = |number: &f32| f64::from(number.abs());
        let bounds = self
            .weights
            .iter()
            .zip(&self.bias)
            .map(|(row, bias)| size(bias) + largest * row.iter().map(size).sum::<f64>());
        // Unlike `max`, this keeps what is not a number.
        bounds.fold(0.0, |most: f64, bound| if most.is_nan() || bound <= most { most } else { bound })
    }
}

impl SmallNetwork {
    /// The features as its first layer takes them: standard deviations from the mean.
    pub fn standardised<'a>(&'a self, features: &'a Features) -> impl Iterator<Item = f32> + 'a {
        features.iter().zip(self.mean.iter().zip(&self.scale)).map(|(x, (mean, scale))| (x - mean) / scale)
    }

    /// Logits of none, one and both copies.
    #[must_use]
    pub fn logits(&self, features: &Features) -> [f32; 3] {
        let inputs: Vec<f32> = self.standardised(features).collect();
        let share = 1.0 / f32::from(u16::try_from(self.members.len()).unwrap_or(u16::MAX));
        self.members.iter().fold([0.0; 3], |sums, layers| {
            let mut values = inputs.clone();
            for (i, layer) in layers.iter().enumerate() {
                values = layer.outputs(&values);
                if i + 1 < layers.len() {
                    values = values.into_iter().map(|value| value.max(0.0)).collect();
                }
            }
            std::array::from_fn(|class| sums[class] + share * values[class])
        })
    }

    /// Whether it has learned from candidates like this one: no number lies far from all it has seen.
    #[must_use]
    pub fn knows(&self, features: &Features) -> bool {
        self.standardised(features).all(|z| z.abs() <= STRANGE)
    }

    /// Writes it as a model's `small_model.json`.
    ///
    /// # Errors
    /// [`Error::Output`] where that fails.
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string(self).map_err(|e| Error::Internal(format!("{}: {e}", path.display())))?;
        files::write(path, (text + "\n").as_bytes())
    }

    /// Reads what `small_model.json` holds.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(json: &[u8]) -> Result<Self, String> {
        let network: Self = serde_json::from_slice(json).map_err(|e| format!("is not a small model: {e}"))?;
        network.problem().map_or(Ok(network), Err)
    }

    /// What is wrong with its shape or its numbers, if anything.
    fn problem(&self) -> Option<String> {
        if let Some(other) = [self.mean.len(), self.scale.len()].into_iter().find(|&n| n != FEATURES) {
            return Some(format!("describes candidates by {other} numbers, this program by {FEATURES}"));
        }
        if self.members.is_empty() {
            return Some("holds no network".into());
        }
        if self.mean.iter().any(|mean| !mean.is_finite()) {
            return Some("has a mean that is not finite".into());
        }
        if self.scale.iter().any(|scale| !scale.is_normal() || scale.is_sign_negative()) {
            return Some("has a scale that is not positive and finite".into());
        }
        self.members.iter().find_map(|layers| {
            let mut width = FEATURES;
            // What the inputs of a layer cannot exceed, for candidates that it knows.
            let mut largest = f64::from(STRANGE);
            for (i, layer) in layers.iter().enumerate() {
                if layer.weights.len() != layer.bias.len() || layer.weights.iter().any(|row| row.len() != width) {
                    return Some(format!("layer {} does not fit the one before", i + 1));
                }
                width = layer.bias.len();
                largest = layer.largest_output(largest);
                if largest.is_nan() || largest > f64::from(f32::MAX) / 2.0 {
                    return Some(format!(
                        "layer {} has weights that are not finite, or too large for finite results",
                        i + 1
                    ));
                }
            }
            (width != 3).then(|| format!("has {width} outputs, not 3"))
        })
    }
}

#[cfg(test)]
pub(in crate::predict) mod tests {
    use super::*;

    pub(in crate::predict) fn constant(logits: [f32; 3]) -> SmallNetwork {
        let layer = Layer { weights: vec![vec![0.0; FEATURES]; 3], bias: logits.to_vec() };
        SmallNetwork { mean: vec![0.0; FEATURES], scale: vec![1.0; FEATURES], members: vec![vec![layer]] }
    }

    #[test]
    fn numbers_that_are_not_finite_are_refused() {
        let said = |change: fn(&mut SmallNetwork)| {
            let mut network = constant([0.0, 1.5, -2.0]);
            change(&mut network);
            network.problem().unwrap_or_default()
        };
        assert!(said(|network| network.mean[3] = f32::NAN).contains("mean"));
        for scale in [0.0, -1.0, f32::INFINITY, f32::NAN, 1e-40] {
            let mut network = constant([0.0; 3]);
            network.scale[7] = scale;
            assert!(network.problem().unwrap().contains("scale"), "{scale}");
        }
        assert!(said(|network| network.members[0][0].bias[1] = f32::NEG_INFINITY).contains("layer 1"));
        assert!(said(|network| network.members[0][0].weights[0][0] = f32::NAN).contains("layer 1"));
        // Finite, but not what comes of it.
        assert!(said(|network| network.members[0][0].weights[0][0] = 1e38).contains("too large"));
        // Not finite once it is of 32 bits.
        let json = serde_json::to_string(&constant([0.0, 1.5, -2.0])).unwrap().replace("1.5", "1e39");
        assert!(SmallNetwork::parse(json.as_bytes()).unwrap_err().contains("not finite"));
    }

    #[test]
    fn a_network_of_another_shape_is_refused() {
        assert_eq!(constant([0.0; 3]).problem(), None);
        let fewer = SmallNetwork { mean: vec![0.0; 3], ..constant([0.0; 3]) };
        assert!(fewer.problem().unwrap().contains("by 3 numbers"));
        let mut uneven = constant([0.0; 3]);
        uneven.members[0].push(Layer { weights: vec![vec![0.0; 4]; 3], bias: vec![0.0; 3] });
        assert!(uneven.problem().unwrap().contains("layer 2"));
        let none = SmallNetwork { members: Vec::new(), ..constant([0.0; 3]) };
        assert!(none.problem().unwrap().contains("no network"));
    }

    #[test]
    fn networks_are_averaged() {
        let mut two = constant([0.0, 1.5, -2.0]);
        two.members.extend(constant([1.0, 0.5, -2.0]).members);
        assert!(two.logits(&[0.0; FEATURES]).iter().zip([0.5, 1.0, -2.0]).all(|(a, b)| (a - b).abs() < 1e-6));
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_a_network_or_refused(at in 0_usize..2000, with in proptest::collection::vec(0_u8..=255, 0..9)) {
            let mut json = serde_json::to_vec(&constant([0.0, 1.5, -2.0])).unwrap();
            let at = at % json.len();
            json.splice(at..(at + with.len()).min(json.len()), with);
            if let Ok(network) = SmallNetwork::parse(&json) {
                proptest::prop_assert!(network.logits(&[0.5; FEATURES]).iter().all(|logit| logit.is_finite()));
            }
        }
    }
}
