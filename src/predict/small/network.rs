//! Features -> logits: the small model's networks, as a model's `small_model.json` stores them.

use std::collections::HashSet;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result};
use crate::files;
use crate::model::store::bytes;
use crate::predict::small::table::{FeatureId, Features};

/// Largest `small_model.json` that is read, in bytes; the shipped one has 600,000.
pub(super) const MOST_BYTES: u64 = 16 << 20;
/// Networks of an ensemble that is trained.
pub const MEMBERS: i64 = 5;
/// Widths of the two hidden layers of each.
pub const HIDDEN: [i64; 2] = [128, 64];

/// Candidates with a feature that many standard deviations from the mean of the training data are left to the CNN.
const STRANGE: f32 = 12.0;

/// Steps of the way from the mean along which gradients are integrated: the sum of contributions is right to 1 %.
const STEPS: u16 = 128;

/// How far beyond its range a feature is unlike any of the training data, as a share of the range's width.
const BEYOND: f32 = 0.25;

/// A layer: `bias + weights x`. `small_model.json` has a row of weights for each output; here one is for each input, so that all outputs are
/// summed side by side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layer {
    /// `[inputs][outputs]`.
    #[serde(with = "by_output")]
    pub weights: Vec<Vec<f32>>,
    /// `[outputs]`.
    pub bias: Vec<f32>,
}

/// An ensemble of small networks of one shape: standardised features, then layers with a rectifier between two of them; three
/// outputs, averaged over the members. These differ in their initial weights; the mean is more often right than each of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmallNetwork {
    /// Its inputs, stored by name.
    pub features: Vec<FeatureId>,
    /// Mean of each input in the training data, in the order of `features`.
    pub mean: Vec<f32>,
    /// Standard deviation of each, in the same order; positive.
    pub scale: Vec<f32>,
    /// Lowest and highest value of each in the training data, but for one in 10,000 candidates at either end; none in models of older versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ranges: Vec<[f32; 2]>,
    /// The layers of each member.
    pub members: Vec<Vec<Layer>>,
}

/// Weights as they are stored, `[outputs][inputs]`.
mod by_output {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    fn transposed(rows: &[Vec<f32>]) -> Option<Vec<Vec<f32>>> {
        let width = rows.first().map_or(0, Vec::len);
        let column = |i: usize| rows.iter().map(|row| row[i]).collect();
        rows.iter().all(|row| row.len() == width).then(|| (0..width).map(column).collect())
    }

    pub(super) fn serialize<S: Serializer>(weights: &[Vec<f32>], to: S) -> Result<S::Ok, S::Error> {
        transposed(weights).unwrap_or_default().serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Vec<f32>>, D::Error> {
        let rows: Vec<Vec<f32>> = Vec::deserialize(from)?;
        transposed(&rows).ok_or_else(|| D::Error::custom("rows of weights of different lengths"))
    }
}

impl Layer {
    /// Each output is summed in the order of the inputs, so that the result is the same on every processor.
    fn outputs(&self, inputs: &[f32]) -> Vec<f32> {
        let mut sums = self.bias.clone();
        // A rectifier leaves many inputs 0.
        for (&value, weights) in inputs.iter().zip(&self.weights).filter(|(value, _)| **value != 0.0) {
            sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += weight * value);
        }
        sums
    }

    /// An upper bound of its outputs' absolute values where no input exceeds `largest`; not finite where a number of the layer is not.
    fn largest_output(&self, largest: f64) -> f64 {
        let size = |number: &f32| f64::from(number.abs());
        let bounds = self.bias.iter().enumerate().map(|(output, bias)| {
            size(bias) + largest * self.weights.iter().map(|weights| size(&weights[output])).sum::<f64>()
        });
        // Unlike `max`, this keeps what is not a number.
        bounds.fold(0.0, |most: f64, bound| if most.is_nan() || bound <= most { most } else { bound })
    }
}

fn weighted(logits: [f32; 3], weights: [f64; 3]) -> f64 {
    logits.into_iter().zip(weights).map(|(logit, weight)| f64::from(logit) * weight).sum()
}

impl SmallNetwork {
    /// Its inputs among a candidate's features, in standard deviations from the mean.
    pub fn standardised<'a>(&'a self, features: &'a Features) -> impl Iterator<Item = f32> + 'a {
        let inputs = self.features.iter().map(|feature| feature.of(features));
        inputs.zip(self.mean.iter().zip(&self.scale)).map(|(x, (mean, scale))| (x - mean) / scale)
    }

    /// Logits of hom-ref, het and hom-alt.
    #[must_use]
    pub fn logits(&self, features: &Features) -> [f32; 3] {
        self.logits_of(&self.standardised(features).collect::<Vec<_>>())
    }

    /// Logits of standardised inputs.
    fn logits_of(&self, inputs: &[f32]) -> [f32; 3] {
        let share = 1.0 / f32::from(u16::try_from(self.members.len()).unwrap_or(u16::MAX));
        self.members.iter().fold([0.0; 3], |sums, layers| {
            let mut values = inputs.to_vec();
            for (i, layer) in layers.iter().enumerate() {
                values = layer.outputs(&values);
                if i + 1 < layers.len() {
                    values = values.into_iter().map(|value| value.max(0.0)).collect();
                }
            }
            std::array::from_fn(|class| sums[class] + share * values[class])
        })
    }

    /// What each feature contributes to a weighted sum of the logits, compared with a candidate whose features are all at the mean of the
    /// training data: integrated gradients (Sundararajan et al. 2017, arXiv:1703.01365), whose sum is the difference of the two sums.
    #[must_use]
    pub fn contributions(&self, features: &Features, weights: [f64; 3]) -> Vec<f64> {
        let inputs: Vec<f32> = self.standardised(features).collect();
        let mut sums = vec![0.0; inputs.len()];
        for step in 0..STEPS {
            // The middle of each step of the straight way from the mean.
            let way = (f64::from(step) + 0.5) / f64::from(STEPS);
            #[allow(clippy::cast_possible_truncation, reason = "the network's numbers have 32 bits")]
            let at: Vec<f32> = inputs.iter().map(|&z| (f64::from(z) * way) as f32).collect();
            for (sum, slope) in sums.iter_mut().zip(self.gradient(&at, weights)) {
                *sum += slope / f64::from(STEPS);
            }
        }
        sums.iter().zip(inputs).map(|(slope, z)| slope * f64::from(z)).collect()
    }

    /// What a weighted sum of the logits loses where one feature alone is set to its mean, for each feature.
    #[must_use]
    pub fn replacements(&self, features: &Features, weights: [f64; 3]) -> Vec<f64> {
        let inputs: Vec<f32> = self.standardised(features).collect();
        let all = weighted(self.logits_of(&inputs), weights);
        let without = |i: usize| {
            let mut inputs = inputs.clone();
            inputs[i] = 0.0;
            weighted(self.logits_of(&inputs), weights)
        };
        (0..inputs.len()).map(|i| all - without(i)).collect()
    }

    /// The weighted sum of the logits of a candidate whose features are all at the mean of the training data.
    #[must_use]
    pub fn at_the_mean(&self, weights: [f64; 3]) -> f64 {
        weighted(self.logits_of(&vec![0.0; self.features.len()]), weights)
    }

    /// How a weighted sum of the logits changes with each standardised input, averaged over the members.
    fn gradient(&self, inputs: &[f32], weights: [f64; 3]) -> Vec<f64> {
        let mut mean = vec![0.0; inputs.len()];
        #[allow(clippy::cast_precision_loss, reason = "some members")]
        let share = 1.0 / self.members.len() as f64;
        for layers in &self.members {
            let mut values = vec![inputs.to_vec()];
            for (i, layer) in layers.iter().enumerate() {
                let mut outputs = layer.outputs(values.last().map_or(&[][..], Vec::as_slice));
                if i + 1 < layers.len() {
                    for value in &mut outputs {
                        *value = value.max(0.0);
                    }
                }
                values.push(outputs);
            }
            let mut slopes: Vec<f64> = weights.to_vec();
            for (i, layer) in layers.iter().enumerate().rev() {
                if i + 1 < layers.len() {
                    // A rectifier passes what is above 0.
                    slopes
                        .iter_mut()
                        .zip(&values[i + 1])
                        .filter(|(_, value)| **value <= 0.0)
                        .for_each(|(slope, _)| *slope = 0.0);
                }
                let of_input = |weights: &Vec<f32>| {
                    weights.iter().zip(&slopes).map(|(&weight, slope)| slope * f64::from(weight)).sum()
                };
                slopes = layer.weights.iter().map(of_input).collect();
            }
            mean.iter_mut().zip(slopes).for_each(|(sum, slope)| *sum += share * slope);
        }
        mean
    }

    /// The first feature that lies far from all those of the training data, if any.
    #[must_use]
    pub fn strange(&self, features: &Features) -> Option<FeatureId> {
        let mut inputs = self.features.iter().zip(self.standardised(features));
        inputs.find(|(_, z)| z.abs() > STRANGE || z.is_nan()).map(|(&feature, _)| feature)
    }

    /// The first feature that lies clearly outside of its range, if any.
    #[must_use]
    pub fn beyond(&self, features: &Features) -> Option<FeatureId> {
        let mut inputs = self.features.iter().zip(&self.ranges);
        let found = inputs.find(|&(feature, &[lowest, highest])| {
            let (x, margin) = (feature.of(features), BEYOND * (highest - lowest));
            x < lowest - margin || x > highest + margin
        });
        found.map(|(&feature, _)| feature)
    }

    /// Whether it has learned from candidates like this one: no input lies far from all those of the training data.
    #[must_use]
    pub fn knows(&self, features: &Features) -> bool {
        self.strange(features).is_none()
    }

    /// SHA-256 of what [`SmallNetwork::write`] writes.
    #[must_use]
    pub fn checksum(&self) -> String {
        format!("{:x}", Sha256::digest(self.json().unwrap_or_default()))
    }

    fn json(&self) -> serde_json::Result<String> {
        serde_json::to_string(self).map(|text| text + "\n")
    }

    /// Writes it as a model's `small_model.json`.
    ///
    /// # Errors
    /// [`Error::Output`] where that fails.
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = self.json().map_err(|e| Error::Internal(format!("{}: {e}", path.display())))?;
        files::write(path, text.as_bytes())
    }

    /// Reads a model's `small_model.json`.
    ///
    /// # Errors
    /// [`Error::Model`] where it cannot be read, is damaged or does not fit.
    pub fn read(path: &Path) -> Result<Self> {
        Self::parse(&bytes(path, MOST_BYTES)?).map_err(|problem| Error::model(path, problem))
    }

    /// Reads the content of `small_model.json`.
    ///
    /// # Errors
    /// What is wrong with it; an unknown feature by its name.
    pub fn parse(json: &[u8]) -> Result<Self, String> {
        let network: Self = serde_json::from_slice(json).map_err(|e| format!("is not a small model: {e}"))?;
        network.validate()?;
        Ok(network)
    }

    /// Checks its shape, and that all its numbers and results are finite.
    fn validate(&self) -> Result<(), String> {
        let mut seen = HashSet::new();
        if let Some(twice) = self.features.iter().find(|feature| !seen.insert(**feature)) {
            return Err(format!("names the feature '{}' twice", twice.name()));
        }
        for (list, numbers) in [("mean", &self.mean), ("scale", &self.scale)] {
            if numbers.len() != self.features.len() {
                let (features, numbers) = (self.features.len(), numbers.len());
                return Err(format!("names {features} features, but '{list}' has {numbers} numbers"));
            }
        }
        if !self.ranges.is_empty() && self.ranges.len() != self.features.len() {
            let (features, ranges) = (self.features.len(), self.ranges.len());
            return Err(format!("names {features} features, but 'ranges' has {ranges} pairs"));
        }
        if self.ranges.iter().any(|[lowest, highest]| !(lowest.is_finite() && highest.is_finite() && lowest <= highest))
        {
            return Err("has a range that is not finite, or whose ends are swapped".into());
        }
        if self.members.is_empty() {
            return Err("holds no network".into());
        }
        if self.mean.iter().any(|mean| !mean.is_finite()) {
            return Err("has a mean that is not finite".into());
        }
        if self.scale.iter().any(|scale| !scale.is_normal() || scale.is_sign_negative()) {
            return Err("has a scale that is not positive and finite".into());
        }
        self.members.iter().try_for_each(|layers| self.validate_member(layers))
    }

    fn validate_member(&self, layers: &[Layer]) -> Result<(), String> {
        let mut width = self.features.len();
        // An upper bound of a layer's inputs, for candidates that the network knows.
        let mut largest = f64::from(STRANGE);
        for (number, layer) in (1..).zip(layers) {
            if layer.weights.len() != width || layer.weights.iter().any(|of_input| of_input.len() != layer.bias.len()) {
                return Err(format!("layer {number} does not fit the one before"));
            }
            width = layer.bias.len();
            largest = layer.largest_output(largest);
            if largest.is_nan() || largest > f64::from(f32::MAX) / 2.0 {
                return Err(format!("layer {number} has weights that are not finite, or too large for finite results"));
            }
        }
        if width == 3 { Ok(()) } else { Err(format!("has {width} outputs, not 3")) }
    }
}

#[cfg(test)]
pub(in crate::predict) mod tests {
    use super::*;
    use crate::predict::small::table::FEATURES;

    pub(in crate::predict) fn constant(logits: [f32; 3]) -> SmallNetwork {
        let layer = Layer { weights: vec![vec![0.0; 3]; FEATURES], bias: logits.to_vec() };
        SmallNetwork {
            features: FeatureId::all().collect(),
            mean: vec![0.0; FEATURES],
            scale: vec![1.0; FEATURES],
            ranges: Vec::new(),
            members: vec![vec![layer]],
        }
    }

    /// A network of so many members, whose layers have such widths behind the features, of numbers that look random, below `size`.
    pub(in crate::predict) fn random(members: i64, widths: &[usize], size: f32) -> SmallNetwork {
        let mut state = 1_u32;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            f32::from(u16::try_from(state >> 16).unwrap()) / 32768.0 * size - size
        };
        let mut layer = |inputs: usize, outputs: usize| Layer {
            weights: (0..inputs).map(|_| (0..outputs).map(|_| next()).collect()).collect(),
            bias: (0..outputs).map(|_| next()).collect(),
        };
        let inputs = || std::iter::once(FEATURES).chain(widths.iter().copied());
        let members = (0..members).map(|_| inputs().zip(widths).map(|(from, &to)| layer(from, to)).collect());
        SmallNetwork { members: members.collect(), ..constant([0.0; 3]) }
    }

    #[test]
    fn contributions_sum_to_the_difference_from_the_mean() {
        let network = random(2, &[8, 3], 1.0);
        let mut features = [0.0; FEATURES];
        features.iter_mut().zip(0_u8..).for_each(|(x, i)| *x = f32::from(i % 7) / 3.0 - 1.0);
        let weights = [-1.0, 1.0, 0.0];
        let contributions = network.contributions(&features, weights);
        let difference = weighted(network.logits(&features), weights) - network.at_the_mean(weights);
        let sum: f64 = contributions.iter().sum();
        assert!(difference.abs() > 0.5 && (sum - difference).abs() < 0.02 * difference.abs(), "{sum} for {difference}");
        // What lies at its mean contributes nothing.
        let at_mean = features.iter().position(|x| x.abs() < 1e-6).unwrap();
        assert_eq!(
            (contributions[at_mean].to_bits(), network.replacements(&features, weights)[at_mean].to_bits()),
            (0, 0)
        );
        // Of a linear network each contribution is what the feature's replacement takes away.
        let linear = SmallNetwork { members: vec![vec![network.members[0][1].clone()]], ..network };
        let linear =
            SmallNetwork { features: linear.features[..8].to_vec(), mean: vec![0.0; 8], scale: vec![1.0; 8], ..linear };
        let replaced = linear.replacements(&features, weights);
        for (a, b) in linear.contributions(&features, weights).into_iter().zip(replaced) {
            assert!((a - b).abs() < 1e-5, "{a} {b}");
        }
    }

    #[test]
    fn numbers_that_are_not_finite_are_refused() {
        let said = |change: fn(&mut SmallNetwork)| {
            let mut network = constant([0.0, 1.5, -2.0]);
            change(&mut network);
            network.validate().unwrap_err()
        };
        assert!(said(|network| network.mean[3] = f32::NAN).contains("mean"));
        for scale in [0.0, -1.0, f32::INFINITY, f32::NAN, 1e-40] {
            let mut network = constant([0.0; 3]);
            network.scale[7] = scale;
            assert!(network.validate().unwrap_err().contains("scale"), "{scale}");
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
        assert_eq!(constant([0.0; 3]).validate(), Ok(()));
        let fewer = SmallNetwork { mean: vec![0.0; 3], ..constant([0.0; 3]) };
        assert!(fewer.validate().unwrap_err().contains("'mean' has 3 numbers"));
        let mut uneven = constant([0.0; 3]);
        uneven.members[0].push(Layer { weights: vec![vec![0.0; 4]; 3], bias: vec![0.0; 3] });
        assert!(uneven.validate().unwrap_err().contains("layer 2"));
        let ranges = vec![[0.0, 1.0]; 2];
        assert!(SmallNetwork { ranges, ..constant([0.0; 3]) }.validate().unwrap_err().contains("'ranges' has 2 pairs"));
        let ranges = vec![[1.0, 0.0]; FEATURES];
        assert!(SmallNetwork { ranges, ..constant([0.0; 3]) }.validate().unwrap_err().contains("swapped"));
        let none = SmallNetwork { members: Vec::new(), ..constant([0.0; 3]) };
        assert!(none.validate().unwrap_err().contains("no network"));
    }

    #[test]
    fn outputs_are_sums_of_weighted_inputs() {
        let json = r#"{"weights": [[1, 2, 3], [-1, 0.5, 0]], "bias": [10, 20]}"#;
        let layer: Layer = serde_json::from_str(json).unwrap();
        assert_eq!(layer.outputs(&[1.0, 0.0, -2.0]), [5.0, 19.0]);
        let stored: serde_json::Value = serde_json::from_str(&serde_json::to_string(&layer).unwrap()).unwrap();
        assert_eq!(stored["weights"], serde_json::json!([[1.0, 2.0, 3.0], [-1.0, 0.5, 0.0]]));
        let uneven = json.replace("[-1, 0.5, 0]", "[-1, 0.5]");
        assert!(serde_json::from_str::<Layer>(&uneven).unwrap_err().to_string().contains("different lengths"));
    }

    #[test]
    fn features_are_stored_by_name() {
        let named = |names: &[&str]| {
            let n = names.len();
            let json = serde_json::json!({
                "features": names, "mean": vec![0.0; n], "scale": vec![1.0; n],
                "members": [[{"weights": vec![(1..=n).collect::<Vec<_>>(); 3], "bias": vec![0.0; 3]}]],
            });
            SmallNetwork::parse(json.to_string().as_bytes())
        };
        // A model of fewer features, in an order of its own.
        let network = named(&["depth_cv", "is_snp"]).unwrap();
        let mut features = [0.0; FEATURES];
        for (name, value) in [("is_snp", 1.0), ("depth_cv", 0.25)] {
            let at = FeatureId::all().position(|feature| feature.name() == name).unwrap();
            features[at] = value;
        }
        assert_eq!(network.standardised(&features).collect::<Vec<_>>(), [0.25, 1.0]);
        assert!((network.logits(&features)[0] - 2.25).abs() < 1e-6);
        assert!(named(&["is_snp", "moon_phase"]).unwrap_err().contains("feature 'moon_phase' is not known"));
        assert!(named(&["is_snp", "is_snp"]).unwrap_err().contains("'is_snp' twice"));
        let nameless = serde_json::to_string(&constant([0.0; 3])).unwrap().replace("features", "inputs");
        assert!(SmallNetwork::parse(nameless.as_bytes()).unwrap_err().contains("`inputs`"));
    }

    #[test]
    fn what_lies_beyond_the_training_data() {
        let network = SmallNetwork { ranges: vec![[-2.0, 3.0]; FEATURES], ..constant([0.0; 3]) };
        let beyond = |value: f32| {
            let mut features = [0.0; FEATURES];
            features[4] = value;
            network.beyond(&features).is_some()
        };
        assert_eq!([-3.3, -3.2, 0.0, 4.2, 4.3].map(beyond), [true, false, false, false, true]);
        assert_eq!(constant([0.0; 3]).beyond(&[9.0; FEATURES]), None, "it does not say");
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
