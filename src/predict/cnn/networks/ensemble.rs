//! The small model's networks as tensors: standardised features `[n, features]` -> logits `[n, 3]`, the mean of the members.

use tch::{Tensor, nn};

use crate::predict::small::{HIDDEN, Layer, MEMBERS, SmallNetwork};

/// Standardised features beyond this are cut; the small model says nothing on such candidates.
const FARTHEST: f64 = 12.0;
/// Hom-ref, het, hom-alt.
const CLASSES: i64 = 3;

/// Networks of one shape, whose variables are not trained. All zeros, so logits of zero, until [`Ensemble::set`].
#[derive(Debug)]
pub(super) struct Ensemble {
    /// Weights `[members, inputs, outputs]` and biases `[members, 1, outputs]` of each layer.
    layers: Vec<(Tensor, Tensor)>,
}

impl Ensemble {
    /// Of the shape that training gives a small model with so many features.
    pub(super) fn new(path: &nn::Path, features: i64) -> Self {
        let [first, second] = HIDDEN;
        let layer = |(i, (from, to)): (u8, (i64, i64))| {
            let path = path / format!("layer{i}");
            let [weight, bias] =
                [("weight", from), ("bias", 1)].map(|(name, n)| path.zeros_no_train(name, &[MEMBERS, n, to]));
            (weight, bias)
        };
        Self { layers: (1..).zip([(features, first), (first, second), (second, CLASSES)]).map(layer).collect() }
    }

    /// Takes a small model's weights.
    ///
    /// # Errors
    /// A sentence, where it has another shape.
    pub(super) fn set(&mut self, small_model: &SmallNetwork) -> Result<(), String> {
        let other = |_| "the small model has another shape than this version gives it; train it anew".to_owned();
        for (i, (weight, bias)) in self.layers.iter_mut().enumerate() {
            let of_members = || small_model.members.iter().filter_map(|layers| layers.get(i));
            let weights: Vec<f32> = of_members().flat_map(|Layer { weights, .. }| weights.concat()).collect();
            let biases: Vec<f32> = of_members().flat_map(|Layer { bias, .. }| bias.clone()).collect();
            tch::no_grad(|| {
                weight.f_copy_(&Tensor::from_slice(&weights).f_view(&weight.size()[..])?)?;
                bias.f_copy_(&Tensor::from_slice(&biases).f_view(&bias.size()[..])?)
            })
            .map_err(other)?;
        }
        Ok(())
    }

    /// The mean of the members' logits.
    pub(super) fn forward(&self, standardised: &Tensor) -> Tensor {
        let [n, features] = standardised.size()[..] else { return standardised.shallow_clone() };
        let mut x = standardised.clamp(-FARTHEST, FARTHEST).expand([MEMBERS, n, features], false);
        for (i, (weight, bias)) in self.layers.iter().enumerate() {
            x = x.bmm(weight) + bias;
            if i + 1 < self.layers.len() {
                x = x.relu();
            }
        }
        x.mean_dim([0_i64].as_slice(), false, tch::Kind::Float)
    }
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;
    use crate::predict::small::FEATURES;
    use crate::predict::small::network::tests::random;

    /// A small model of the trained shape with weights that look random.
    fn small_model() -> SmallNetwork {
        let [first, second] = HIDDEN.map(|n| usize::try_from(n).unwrap());
        let network = random(MEMBERS, &[first, second, 3], 0.2);
        SmallNetwork { mean: vec![0.1; FEATURES], scale: vec![2.0; FEATURES], ..network }
    }

    #[test]
    fn logits_are_those_of_the_small_model() {
        let store = nn::VarStore::new(Device::Cpu);
        let mut ensemble = Ensemble::new(&store.root(), i64::try_from(FEATURES).unwrap());
        assert!(store.trainable_variables().is_empty());
        let small_model = small_model();
        ensemble.set(&small_model).unwrap();
        let mut features = [0.0; FEATURES];
        features.iter_mut().zip(0_u8..).for_each(|(x, i)| *x = f32::from(i % 7) / 3.0 - 1.0);
        let inputs: Vec<f32> = small_model.standardised(&features).collect();
        let logits = Vec::<f32>::try_from(ensemble.forward(&Tensor::from_slice(&inputs).view([1, -1])).get(0)).unwrap();
        let expected = small_model.logits(&features);
        assert!(expected.iter().any(|logit| logit.abs() > 0.1), "{expected:?}");
        assert!(logits.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5), "{logits:?} {expected:?}");
    }

    #[test]
    fn another_shape_is_refused() {
        let store = nn::VarStore::new(Device::Cpu);
        let mut ensemble = Ensemble::new(&store.root(), i64::try_from(FEATURES).unwrap());
        let mut fewer = small_model();
        fewer.members.pop();
        assert!(ensemble.set(&fewer).unwrap_err().contains("another shape"));
    }
}
