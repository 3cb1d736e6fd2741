//! Inception v3 with random weights, as varpix and as Keras has it.

use std::path::Path;

use tch::{Device, Kind, Tensor, nn};

use crate::pileup::ImageShape;
use crate::predict::cnn::networks::{self, Network};
use crate::testing::checkpoint::{Checkpoint, Variable, inception_v3_names};

/// Inception v3 with random weights for images of a shape.
#[must_use]
pub fn random_inception_v3(shape: ImageShape) -> (Box<dyn Network>, nn::VarStore) {
    let store = nn::VarStore::new(Device::Cpu);
    let network =
        networks::build(networks::inception_v3::NAME, &store.root(), shape, 0).expect("images are large enough");
    for (name, mut tensor) in store.variables() {
        if !name.ends_with("weight") {
            let (low, high) = if name.ends_with("running_var") { (0.5, 2.0) } else { (-0.3, 0.3) };
            tch::no_grad(|| drop(tensor.uniform_(low, high)));
        }
    }
    (network, store)
}

/// Inception v3 with random weights, prepared for inference.
#[derive(Debug)]
pub struct FrozenInceptionV3 {
    network: Box<dyn Network>,
    // Owns the variables that the network refers to.
    _variables: nn::VarStore,
}

impl FrozenInceptionV3 {
    /// For images of a shape, in a precision.
    #[must_use]
    pub fn new(shape: ImageShape, kind: Kind) -> Self {
        let (mut network, variables) = random_inception_v3(shape);
        network.freeze(kind);
        Self { network, _variables: variables }
    }

    /// Logits `[n, 3]`, fp32, of images `[n, height, width, channel]`, u8.
    pub fn logits(&self, images: &Tensor) -> Tensor {
        tch::no_grad(|| self.network.forward(&images.shallow_clone().into(), false))
    }
}

/// Its variables as Keras has them; `key` gives their keys.
#[must_use]
pub fn inception_v3(store: &nn::VarStore, key: impl Fn(usize, &str) -> String) -> Checkpoint {
    let ours = store.variables();
    inception_v3_names(0).iter().enumerate().fold(Checkpoint::new(), |checkpoint, (i, name)| {
        let (layer, variable) = name.split_once('/').expect("names have two parts");
        let number = layer.rsplit_once('_').and_then(|(_, n)| n.parse::<usize>().ok()).unwrap_or(0);
        let tensor = match (layer, variable) {
            ("classification", "kernel") => ours["classification.weight"].tr(),
            ("classification", _) => ours["classification.bias"].shallow_clone(),
            (_, "kernel") => ours[&format!("conv{number}.conv.weight")].permute([2, 3, 1, 0]),
            (_, "beta") => ours[&format!("conv{number}.norm.bias")].shallow_clone(),
            (_, "moving_mean") => ours[&format!("conv{number}.norm.running_mean")].shallow_clone(),
            (_, _) => ours[&format!("conv{number}.norm.running_var")].shallow_clone(),
        };
        let numbers = Vec::<f32>::try_from(tensor.contiguous().reshape([-1])).expect("numbers");
        checkpoint.with(Variable::new(&key(i, name), name, &tensor.size(), &numbers))
    })
}

/// Writes a `SavedModel` of `DeepVariant` with random weights as far as an import reads it, for short reads and with the settings of its small
/// model, which is to decide all substitutions: `version` is that of the release, 1.10 or newer. It never says hom-ref, so that there are calls.
pub fn write_saved_model(folder: &Path, version: &str) {
    let (_, store) = random_inception_v3(ImageShape { height: 100, width: 221, channels: 7 });
    let bias = &mut store.variables()["classification.bias"].shallow_clone();
    tch::no_grad(|| bias.copy_(&Tensor::from_slice(&[-1e6_f32, 0.0, 0.0])));
    std::fs::create_dir_all(folder.join("variables")).expect("the folder can be made");
    inception_v3(&store, |i, _| format!("variables/{i}/.ATTRIBUTES/VARIABLE_VALUE"))
        .write(&folder.join("variables/variables"));
    for name in ["saved_model.pb", "fingerprint.pb"] {
        std::fs::write(folder.join(name), "").expect("a file can be written");
    }
    let info = serde_json::json!({
        "version": version,
        "shape": [100, 221, 7],
        "channels": [1, 2, 3, 4, 5, 6, 19],
        "flags_for_calling": {
            "call_small_model_examples": true,
            "small_model_indel_gq_threshold": 28,
            "small_model_snp_gq_threshold": 0,
            "small_model_vaf_context_window_size": 51,
            "track_ref_reads": true,
            "trained_small_model_path": "/opt/smallmodels/wgs",
        },
    });
    std::fs::write(folder.join("model.example_info.json"), info.to_string()).expect("a file can be written");
}
