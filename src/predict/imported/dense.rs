//! Numbers -> probabilities of hom-ref, het and hom-alt, by a network of dense layers; and its file (`safetensors`) in a model's folder.
//!
//! A layer is `activation(input x weights + bias)`, in 32 bits as in Keras. Sums run over the inputs in their order, whatever the width of the
//! processor's vectors, so that all processors give the same bits.

use std::collections::HashMap;
use std::path::Path;

use multiversion::multiversion;
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::model::checksums;
use crate::model::store::bytes;
use crate::predict::Probabilities;
use crate::predict::imported::layout::Layout;

/// Most bytes of the file; DeepVariant's have some 3 million.
const MOST_BYTES: u64 = 64 << 20;
/// The key under which the file names the activations, the first layer's first.
const ACTIVATIONS: &str = "activations";

/// What is done to a layer's sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// Nothing.
    Linear,
    /// Negative ones become 0.
    Relu,
    /// They become probabilities; in the last layer alone.
    Softmax,
}

impl Activation {
    const ALL: [(Self, &str); 3] = [(Self::Linear, "linear"), (Self::Relu, "relu"), (Self::Softmax, "softmax")];

    /// The activation that Keras calls so.
    ///
    /// # Errors
    /// Where there is none here.
    pub fn named(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|(_, known)| *known == name);
        found
            .map(|(activation, _)| activation)
            .ok_or_else(|| format!("has the activation '{name}'; linear, relu and softmax are supported"))
    }

    fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(known, _)| *known == self).map_or("linear", |(_, name)| name)
    }
}

/// A dense layer.
#[derive(Clone, Debug, PartialEq)]
pub struct DenseLayer {
    /// `[input, output]`, the last index fastest, as in Keras.
    pub weights: Vec<f32>,
    /// `[output]`.
    pub bias: Vec<f32>,
    /// What is done to its sums.
    pub activation: Activation,
}

impl DenseLayer {
    fn outputs(&self) -> usize {
        self.bias.len()
    }

    fn inputs(&self) -> usize {
        self.weights.len().checked_div(self.bias.len()).unwrap_or(0)
    }
}

/// A network of dense layers with three outputs.
#[derive(Clone, Debug, PartialEq)]
pub struct DenseNetwork {
    layers: Vec<DenseLayer>,
    layout: Layout,
}

impl DenseNetwork {
    /// Of these layers.
    ///
    /// # Errors
    /// What does not fit.
    pub fn new(layers: Vec<DenseLayer>) -> Result<Self, String> {
        let inputs = layers.first().map_or(0, DenseLayer::inputs);
        let layout = Layout::of_inputs(inputs).ok_or_else(|| {
            let known = Layout::ALL.map(|layout| format!("{} ({})", layout.inputs(), layout.about())).join(", ");
            format!("takes {inputs} inputs; small models of DeepVariant take {known}")
        })?;
        let mut width = inputs;
        let last = layers.len() - 1;
        for (i, layer) in layers.iter().enumerate() {
            let problem = |what: &str| Err(format!("layer {} of its network {what}", i + 1));
            if layer.outputs() == 0 || layer.weights.len() != width * layer.outputs() {
                return problem(&format!(
                    "has {} weights for {width} inputs and {} outputs",
                    layer.weights.len(),
                    layer.outputs()
                ));
            }
            if layer.weights.iter().chain(&layer.bias).any(|number| !number.is_finite()) {
                return problem("is damaged: a number is not finite");
            }
            if (layer.activation == Activation::Softmax) != (i == last) {
                return problem(if i == last {
                    "has no softmax, as the last must"
                } else {
                    "has a softmax before the last"
                });
            }
            width = layer.outputs();
        }
        if width == 3 { Ok(Self { layers, layout }) } else { Err(format!("has {width} outputs, not 3")) }
    }

    /// What its inputs are.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Outputs of each layer, the first's first.
    pub fn widths(&self) -> impl Iterator<Item = usize> {
        self.layers.iter().map(DenseLayer::outputs)
    }

    /// Probabilities for a row of inputs; `None` where numbers overflow, which those of a trained network do not.
    #[must_use]
    pub fn probabilities(&self, inputs: &[f32]) -> Option<Probabilities> {
        let mut values = inputs.to_vec();
        for layer in &self.layers {
            let mut sums = layer.bias.clone();
            add_products(&mut sums, &values, &layer.weights);
            if layer.activation == Activation::Relu {
                for sum in &mut sums {
                    *sum = sum.max(0.0);
                }
            }
            values = sums;
        }
        let logits: [f32; 3] = values.try_into().ok()?;
        let probabilities = softmax(logits);
        probabilities.iter().all(|p| p.is_finite()).then(|| Probabilities(probabilities.map(f64::from)))
    }

    /// Its file's content.
    ///
    /// # Errors
    /// [`Error::Internal`] where it cannot be made.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let bytes = |numbers: &[f32]| numbers.iter().flat_map(|number| number.to_le_bytes()).collect::<Vec<u8>>();
        let mut parts = Vec::new();
        for (i, layer) in (1..).zip(&self.layers) {
            parts.push((format!("layer{i}.weight"), vec![layer.inputs(), layer.outputs()], bytes(&layer.weights)));
            parts.push((format!("layer{i}.bias"), vec![layer.outputs()], bytes(&layer.bias)));
        }
        let failed = |e: safetensors::SafeTensorError| Error::Internal(format!("small model's file: {e:?}"));
        let views = parts.iter().map(|(name, shape, bytes)| {
            Ok((name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes).map_err(failed)?))
        });
        let views: Vec<(&str, TensorView)> = views.collect::<Result<_>>()?;
        let activations: Vec<&str> = self.layers.iter().map(|layer| layer.activation.name()).collect();
        let notes = HashMap::from([(ACTIVATIONS.to_owned(), activations.join(","))]);
        serialize(views, &Some(notes)).map_err(failed)
    }

    /// The SHA-256 of its file, in hexadecimal.
    ///
    /// # Errors
    /// As [`DenseNetwork::to_bytes`].
    pub fn checksum(&self) -> Result<String> {
        Ok(format!("{:x}", Sha256::digest(self.to_bytes()?)))
    }

    /// Reads a file, which has that SHA-256 where one is given.
    ///
    /// # Errors
    /// [`Error::Input`] or [`Error::Model`] where it cannot be read, is damaged, or is no such network.
    pub fn read(path: &Path, checksum: Option<&str>) -> Result<Self> {
        let content = bytes(path, MOST_BYTES)?;
        checksums::check(path, &format!("{:x}", Sha256::digest(&content)), checksum)?;
        Self::parse(&content).map_err(|problem| Error::model(path, problem))
    }

    fn parse(content: &[u8]) -> Result<Self, String> {
        let damaged = |e: safetensors::SafeTensorError| format!("is not a small model: {e:?}");
        let (_, header) = SafeTensors::read_metadata(content).map_err(damaged)?;
        let activations = header.metadata().as_ref().and_then(|notes| notes.get(ACTIVATIONS));
        let activations = activations.ok_or("is not a small model: it does not name the activations of its layers")?;
        let tensors = SafeTensors::deserialize(content).map_err(damaged)?;
        let floats = |name: String, rank: usize| {
            let tensor = tensors.tensor(&name).map_err(damaged)?;
            if tensor.dtype() != Dtype::F32 || tensor.shape().len() != rank {
                return Err(format!("is not a small model: {name} is not of 32-bit floats, or has another shape"));
            }
            Ok(tensor.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
        };
        let layers = (1..).zip(activations.split(',')).map(|(i, name)| {
            let (weights, bias) = (floats(format!("layer{i}.weight"), 2)?, floats(format!("layer{i}.bias"), 1)?);
            Ok(DenseLayer { weights, bias, activation: Activation::named(name)? })
        });
        let layers: Vec<DenseLayer> = layers.collect::<Result<_, String>>()?;
        if tensors.len() != 2 * layers.len() {
            return Err(format!(
                "is not a small model: it holds {} tensors for {} layers",
                tensors.len(),
                layers.len()
            ));
        }
        Self::new(layers)
    }
}

/// Adds each value times its row of weights to the sums. Half of the values behind a `ReLU` are 0 and cost nothing.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
fn add_products(sums: &mut [f32], values: &[f32], weights: &[f32]) {
    let rows = weights.chunks_exact(sums.len().max(1));
    for (&value, row) in values.iter().zip(rows).filter(|(value, _)| **value != 0.0) {
        for (sum, weight) in sums.iter_mut().zip(row) {
            *sum += value * weight;
        }
    }
}

fn softmax(logits: [f32; 3]) -> [f32; 3] {
    let highest = logits.into_iter().fold(f32::NEG_INFINITY, f32::max);
    let weights = logits.map(|logit| (logit - highest).exp());
    let sum: f32 = weights.iter().sum();
    weights.map(|weight| weight / sum)
}

#[cfg(test)]
pub(in crate::predict) mod tests {
    use super::*;

    /// A network of one layer that gives these logits, whatever its inputs.
    pub(in crate::predict) fn constant(layout: Layout, logits: [f32; 3]) -> DenseNetwork {
        let weights = vec![0.0; layout.inputs() * 3];
        DenseNetwork::new(vec![DenseLayer { weights, bias: logits.to_vec(), activation: Activation::Softmax }]).unwrap()
    }

    /// A layer whose numbers follow from their places.
    fn layer(inputs: usize, outputs: usize, activation: Activation) -> DenseLayer {
        let number = |i: usize| f32::from(u16::try_from(i * 7919 % 1000).unwrap()) / 1000.0 - 0.5;
        let weights = (0..inputs * outputs).map(number).collect();
        DenseLayer { weights, bias: (0..outputs).map(|i| number(i + 3)).collect(), activation }
    }

    fn three_layers() -> Vec<DenseLayer> {
        vec![layer(70, 9, Activation::Relu), layer(9, 5, Activation::Relu), layer(5, 3, Activation::Softmax)]
    }

    #[test]
    fn layers_are_products_and_sums() {
        let network = DenseNetwork::new(three_layers()).unwrap();
        assert_eq!((network.layout(), network.widths().collect::<Vec<_>>()), (Layout::Short1_9, vec![9, 5, 3]));
        let inputs: Vec<f32> = (0_u8..70).map(|i| f32::from(i % 11)).collect();
        // The same by definition, in 64 bits.
        let mut values: Vec<f64> = inputs.iter().map(|&x| f64::from(x)).collect();
        for layer in three_layers() {
            let width = layer.bias.len();
            values = (0..width)
                .map(|j| {
                    let products = values.iter().enumerate().map(|(i, x)| x * f64::from(layer.weights[i * width + j]));
                    let sum = products.sum::<f64>() + f64::from(layer.bias[j]);
                    if layer.activation == Activation::Relu { sum.max(0.0) } else { sum }
                })
                .collect();
        }
        let wanted = crate::predict::softmax(values.try_into().unwrap());
        assert!(wanted.iter().all(|&p| p > 1e-4 && p < 0.9), "{wanted:?}");
        for (p, wanted) in network.probabilities(&inputs).unwrap().0.iter().zip(wanted) {
            assert!((p - wanted).abs() < 1e-5, "{p} {wanted}");
        }
    }

    #[test]
    fn files_are_read_as_they_are_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("small.safetensors");
        let network = DenseNetwork::new(three_layers()).unwrap();
        let content = network.to_bytes().unwrap();
        std::fs::write(&path, &content).unwrap();
        assert_eq!(DenseNetwork::read(&path, Some(&network.checksum().unwrap())).unwrap(), network);
        let said = |content: &[u8]| {
            std::fs::write(&path, content).unwrap();
            DenseNetwork::read(&path, None).unwrap_err().to_string()
        };
        assert!(said(&content[..content.len() - 4]).contains("not a small model"));
        let mut nan = content.clone();
        let end = nan.len();
        nan[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
        assert!(said(&nan).contains("not finite"));
        let said = DenseNetwork::read(&path, Some("00")).unwrap_err().to_string();
        assert!(said.contains("SHA-256"), "{said}");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let said = |layers: Vec<DenseLayer>| DenseNetwork::new(layers).unwrap_err();
        let other = said(vec![layer(67, 3, Activation::Softmax)]);
        assert!(other.contains("67 inputs") && other.contains("66 (short reads, DeepVariant 1.8)"), "{other}");
        assert!(said(Vec::new()).contains("0 inputs"));
        assert!(said(vec![layer(66, 4, Activation::Softmax)]).contains("4 outputs"));
        assert!(said(vec![layer(66, 4, Activation::Relu), layer(5, 3, Activation::Softmax)]).contains("layer 2"));
        assert!(said(vec![layer(66, 3, Activation::Linear)]).contains("no softmax"));
        let twice = vec![layer(66, 3, Activation::Softmax), layer(3, 3, Activation::Softmax)];
        assert!(said(twice).contains("before the last"));
        assert!(Activation::named("gelu").unwrap_err().contains("'gelu'"));
    }

    #[test]
    fn what_overflows_has_no_probabilities() {
        let mut layers = three_layers();
        layers[0].weights.fill(1e38);
        layers[1].weights.fill(1e38);
        let network = DenseNetwork::new(layers).unwrap();
        assert_eq!(network.probabilities(&[1e6; 70]), None);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_a_network_or_refused(at in 0_usize..6000, with in proptest::collection::vec(0_u8..=255, 0..9)) {
            let mut content = DenseNetwork::new(three_layers()).unwrap().to_bytes().unwrap();
            let at = at % content.len();
            content.splice(at..(at + with.len()).min(content.len()), with);
            if let Ok(network) = DenseNetwork::parse(&content) {
                proptest::prop_assert!(network.probabilities(&[0.5; 70]).is_none_or(|p| p.0.iter().all(|p| p.is_finite())));
            }
        }
    }
}
