//! A small model as a `SavedModel`'s folder (release 1.8) -> its dense layers.
//!
//! The numbers are variables of a checkpoint (`variables/variables`). What each layer does to its sums is in `keras_metadata.pb`, if Keras 2 wrote
//! the folder; without it all layers but the last are taken to have a `ReLU`, and the last a softmax, as DeepVariant's have.

use std::collections::BTreeMap;
use std::path::Path;

use prost::Message;
use serde_json::Value;

use super::{Matrix, by_number};
use crate::error::{Error, Result};
use crate::keras::bundle::{Bundle, OBJECT_GRAPH, of_training};
use crate::model::store;
use crate::predict::imported::dense::{Activation, DenseNetwork};

/// Most bytes of Keras's description; some ten thousand.
const MOST_BYTES: u64 = 16 << 20;
/// Where Keras 3 may list the network's own variables, as those that the optimiser trains.
const TRAINED: &str = "optimizer/_trainable_variables/";
/// Most numbers of a layer.
const MOST_NUMBERS: i64 = 1 << 24;

/// Keras's description of the saved objects (`saved_metadata.proto`); the fields that are needed.
#[derive(Clone, PartialEq, Message)]
struct SavedMetadata {
    #[prost(message, repeated, tag = "1")]
    nodes: Vec<SavedObject>,
}

/// An object: a layer, for one.
#[derive(Clone, PartialEq, Message)]
struct SavedObject {
    #[prost(string, tag = "5")]
    metadata: String,
}

/// Reads a folder.
///
/// # Errors
/// [`Error::Model`] or [`Error::Input`] where it is damaged, or holds what cannot be run here.
pub(super) fn read(folder: &Path) -> Result<DenseNetwork> {
    let bundle = Bundle::open(&folder.join("variables/variables"))?;
    let wrong = |problem: String| Error::model(bundle.index_path(), problem);
    let matrices = by_number(matrices(&bundle)?).map_err(wrong)?;
    let known = activations(folder)?;
    let last = matrices.len().saturating_sub(1);
    let usual = |i: usize| if i == last { Activation::Softmax } else { Activation::Relu };
    let of = |(i, matrix): (usize, &Matrix)| known.get(&matrix.name).copied().unwrap_or_else(|| usual(i));
    let activations: Vec<Activation> = matrices.iter().enumerate().map(of).collect();
    super::network(matrices, &activations).map_err(wrong)
}

/// The kernels of the checkpoint with their biases.
fn matrices(bundle: &Bundle) -> Result<Vec<Matrix>> {
    let wrong = |problem: String| Error::model(bundle.index_path(), problem);
    let mut found: BTreeMap<String, [Option<String>; 2]> = BTreeMap::new();
    let is_own = |key: &str| key != OBJECT_GRAPH && (!of_training(key) || key.starts_with(TRAINED));
    let mut left: Vec<&str> = bundle.keys().filter(|key| is_own(key)).collect();
    for (name, key) in bundle.names()?.into_iter().filter(|(_, key)| left.contains(&key.as_str())) {
        let Some((layer, variable)) = name.rsplit_once('/') else { continue };
        let Some(part) = ["kernel", "bias"].iter().position(|known| *known == variable) else { continue };
        let layer = layer.rsplit('/').next().unwrap_or(layer);
        if let Some(other) = found.entry(layer.into()).or_default()[part].replace(key.clone())
            && other != key
        {
            return Err(wrong(format!("holds {name} twice, as {other} and as {key}; one network is expected")));
        }
    }
    let mut matrices = Vec::new();
    for (name, keys) in found {
        let [Some(kernel), Some(bias)] = &keys else {
            return Err(wrong(format!("lacks the kernel or the bias of layer {name}")));
        };
        let (shape, biases) = (bundle.shape(kernel)?, bundle.shape(bias)?);
        let ([inputs, outputs], [of_bias]) = (shape.as_slice(), biases.as_slice()) else {
            return Err(wrong(format!("has a layer {name} that is not dense: its kernel has the shape {shape:?}")));
        };
        let numbers = inputs.checked_mul(*outputs).filter(|&numbers| (1..=MOST_NUMBERS).contains(&numbers));
        if numbers.is_none() || outputs != of_bias {
            return Err(wrong(format!("has a kernel of {shape:?} and a bias of {biases:?} in layer {name}")));
        }
        let size = |size: i64| usize::try_from(size).unwrap_or(0);
        let shape = [size(*inputs), size(*outputs)];
        matrices.push(Matrix { name, shape, kernel: bundle.floats(kernel)?, bias: bundle.floats(bias)? });
        left.retain(|key| key != kernel && key != bias);
    }
    match left.first() {
        None => Ok(matrices),
        Some(key) => Err(wrong(format!(
            "holds {key}, which a small model of dense layers has no place for ({} such); is it a small model of DeepVariant's?",
            left.len()
        ))),
    }
}

/// The activations of dense layers by their names, where Keras's description is there.
fn activations(folder: &Path) -> Result<BTreeMap<String, Activation>> {
    let path = folder.join("keras_metadata.pb");
    if !path.exists() {
        return Ok(BTreeMap::new());
    }
    let wrong = |problem: String| Error::model(&path, problem);
    let content = store::bytes(&path, MOST_BYTES)?;
    let saved = SavedMetadata::decode(content.as_slice()).map_err(|e| wrong(format!("is damaged: {e}")))?;
    let mut found = BTreeMap::new();
    for node in saved.nodes {
        let Ok(layer) = serde_json::from_str::<Value>(&node.metadata) else { continue };
        if layer["class_name"] != "Dense" {
            continue;
        }
        if let (Some(name), Some(activation)) =
            (layer["config"]["name"].as_str(), layer["config"]["activation"].as_str())
        {
            found.insert(
                name.to_owned(),
                Activation::named(activation).map_err(|problem| wrong(format!("layer {name} {problem}")))?,
            );
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::predict::imported::layout::Layout;
    use crate::testing::checkpoint::{Checkpoint, Variable};

    /// A folder with layers of these names and shapes, all numbers 0.01.
    fn folder(layers: &[(&str, [i64; 2])], more: Option<Variable>) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("variables")).unwrap();
        let mut checkpoint = Checkpoint::new();
        for (i, (name, [inputs, outputs])) in layers.iter().enumerate() {
            let numbers = |n: i64| vec![0.01; usize::try_from(n).unwrap()];
            let variable = |part: &str, shape: &[i64]| {
                let key = format!("layer_with_weights-{i}/{part}/.ATTRIBUTES/VARIABLE_VALUE");
                Variable::new(&key, &format!("{name}/{part}"), shape, &numbers(shape.iter().product()))
            };
            checkpoint = checkpoint.with(variable("kernel", &[*inputs, *outputs])).with(variable("bias", &[*outputs]));
        }
        if let Some(more) = more {
            checkpoint = checkpoint.with(more);
        }
        checkpoint.write(&folder.path().join("variables/variables"));
        folder
    }

    fn said(folder: &tempfile::TempDir) -> String {
        read(folder.path()).unwrap_err().to_string()
    }

    #[test]
    fn layers_follow_their_numbers() {
        let counter = Variable::new("optimizer/iterations/.ATTRIBUTES/VARIABLE_VALUE", "Adam/iter", &[1], &[7.0]);
        let layers = [("dense_9", [96, 7]), ("dense_11", [5, 3]), ("dense_10", [7, 5])];
        let network = read(folder(&layers, Some(counter)).path()).unwrap();
        assert_eq!((network.layout(), network.widths().collect::<Vec<_>>()), (Layout::Long1_8, vec![7, 5, 3]));
        // (1 x 0.96 + 0.01) x 7 x 0.01 + 0.01 and so on: all outputs are equal.
        let p = network.probabilities(&[1.0; 96]).unwrap();
        assert!(p.0.iter().all(|p| (p - 1.0 / 3.0).abs() < 1e-6), "{p:?}");
    }

    #[test]
    fn what_training_left_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("variables")).unwrap();
        // As Keras 3 saves a list of layers with its optimiser: the optimiser has both its own variables and the network's.
        let variable = |key: &str, name: &str, shape: &[i64]| {
            let numbers = vec![0.5; usize::try_from(shape.iter().product::<i64>()).unwrap()];
            Variable::new(&format!("optimizer/{key}/.ATTRIBUTES/VARIABLE_VALUE"), name, shape, &numbers)
        };
        Checkpoint::new()
            .with(variable("_trainable_variables/0", "sequential/dense/kernel", &[66, 3]))
            .with(variable("_trainable_variables/1", "sequential/dense/bias", &[3]))
            .with(variable("_variables/2", "Adam/m/dense/kernel", &[66, 3]))
            .write(&folder.path().join("variables/variables"));
        assert_eq!(read(folder.path()).unwrap().widths().collect::<Vec<_>>(), [3]);
    }

    #[test]
    fn what_keras_says_of_activations_counts() {
        let layers = [("dense", [66, 4]), ("dense_1", [4, 3])];
        let folder = folder(&layers, None);
        let described = |activation: &str| {
            let node = |name: &str, activation: &str| SavedObject {
                metadata: format!(
                    r#"{{"class_name": "Dense", "config": {{"name": "{name}", "activation": "{activation}"}}}}"#
                ),
            };
            let other = SavedObject { metadata: "{}".into() };
            let saved = SavedMetadata { nodes: vec![other, node("dense", activation), node("dense_1", "softmax")] };
            std::fs::write(folder.path().join("keras_metadata.pb"), saved.encode_to_vec()).unwrap();
        };
        described("relu");
        let with = read(folder.path()).unwrap();
        described("linear");
        assert_ne!(read(folder.path()).unwrap(), with);
        described("gelu");
        assert!(said(&folder).contains("layer dense has the activation 'gelu'"), "{}", said(&folder));
        std::fs::remove_file(folder.path().join("keras_metadata.pb")).unwrap();
        assert_eq!(read(folder.path()).unwrap(), with);
    }

    #[test]
    fn other_networks_are_refused() {
        let said_of = |layers: &[(&str, [i64; 2])]| said(&folder(layers, None));
        assert!(said_of(&[("dense", [67, 3])]).contains("takes 67 inputs"));
        assert!(said_of(&[("dense", [66, 4]), ("dense_1", [5, 3])]).contains("dense gives 4 numbers, dense_1 takes 5"));
        assert!(said_of(&[]).contains("takes 0 inputs"));
        let more = Variable::new("x/.ATTRIBUTES/VARIABLE_VALUE", "norm/gamma", &[1], &[1.0]);
        assert!(said(&folder(&[("dense", [66, 3])], Some(more))).contains("holds x/.ATTRIBUTES"));
        let kernel = Variable::new("c/.ATTRIBUTES/VARIABLE_VALUE", "conv/kernel", &[1], &[1.0]);
        assert!(
            said(&folder(&[("dense", [66, 3])], Some(kernel))).contains("lacks the kernel or the bias of layer conv")
        );
    }
}
