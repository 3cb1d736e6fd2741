//! Inception v3 with random weights, as varpix and as Keras has it.

use tch::{Device, nn};

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
