//! Files of TensorFlow and Keras -> variables ([`bundle`]), and small models of DeepVariant's ([`read`]). No TensorFlow is needed.
//!
//! ```text
//! model.keras (1.9, 1.10): ZIP -> config.json -> config: layers            \
//!                              -> model.weights.h5 -> archive: matrices     > chained: DenseNetwork
//! SavedModel (1.8): variables.index, .data -> table -> bundle: variables
//!                                          -> saved_model: matrices        /
//!                   keras_metadata.pb, where it is there -> activations
//! ```

mod archive;
pub mod bundle;
mod config;
mod saved_model;
pub(crate) mod table;

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::predict::imported::dense::{Activation, DenseLayer, DenseNetwork};

/// A layer's numbers as they lie in a file.
#[derive(Clone, Debug, PartialEq)]
struct Matrix {
    /// The layer's name there.
    name: String,
    /// Inputs and outputs.
    shape: [usize; 2],
    /// `[input, output]`, the last index fastest.
    kernel: Vec<f32>,
    /// `[output]`.
    bias: Vec<f32>,
}

/// Reads a small model: a Keras archive, a folder with one, or a `SavedModel`'s folder.
///
/// # Errors
/// [`Error::Model`] or [`Error::Input`] where it is missing, damaged, or of a kind that cannot be run here.
pub fn read(path: &Path) -> Result<DenseNetwork> {
    if path.is_dir() {
        if path.join("variables/variables.index").is_file() {
            return saved_model::read(path);
        }
        return archive::read(&archive_in(path)?);
    }
    if path.exists() {
        return archive::read(path);
    }
    Err(Error::model(path, "does not exist; a small model is a Keras archive (model.keras) or a SavedModel's folder"))
}

/// The one archive in a folder.
fn archive_in(folder: &Path) -> Result<PathBuf> {
    let cannot = |e: std::io::Error| Error::model(folder, format!("cannot be read: {e}"));
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(cannot)? {
        let path = entry.map_err(cannot)?.path();
        if path.extension().is_some_and(|extension| extension == "keras") {
            found.push(path);
        }
    }
    match found.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(Error::model(
            folder,
            "holds neither a Keras archive (a file ending in .keras) nor a SavedModel (variables/variables.index)",
        )),
        several => Err(Error::model(folder, format!("holds {} Keras archives; give the path of one", several.len()))),
    }
}

/// A network of matrices in the order of its layers.
fn network(matrices: Vec<Matrix>, activations: &[Activation]) -> Result<DenseNetwork, String> {
    let layers = matrices.into_iter().zip(activations);
    DenseNetwork::new(
        layers
            .map(|(matrix, &activation)| DenseLayer { weights: matrix.kernel, bias: matrix.bias, activation })
            .collect(),
    )
}

/// Orders matrices by the numbers that Keras gives to layers as it makes them, and looks whether each takes what the one before it gives.
fn by_number(mut matrices: Vec<Matrix>) -> Result<Vec<Matrix>, String> {
    matrices.sort_by_key(|matrix| number(&matrix.name));
    for pair in matrices.windows(2) {
        let ([_, given], [taken, _]) = (pair[0].shape, pair[1].shape);
        if given != taken {
            let (before, after) = (&pair[0].name, &pair[1].name);
            return Err(format!(
                "has layers that do not follow each other: {before} gives {given} numbers, {after} takes {taken}"
            ));
        }
    }
    Ok(matrices)
}

/// The number of a layer: `dense_2` is 2, `dense` is 0.
fn number(name: &str) -> u64 {
    name.rsplit_once('_').and_then(|(_, number)| number.parse().ok()).unwrap_or(0)
}
