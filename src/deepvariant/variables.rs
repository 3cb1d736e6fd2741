//! Keras's names of a checkpoint's variables -> the names of ours.
//!
//! Keys differ between layouts (`layer_with_weights-3/kernel/…`, `model/layer_with_weights-0/layer_with_weights-3/kernel/…`,
//! `variables/7/…`), so names are taken from the graph of objects: `conv2d_5/kernel`, `batch_normalization_5/beta`,
//! `classification/bias`. Keras numbers layers as they are made, going on from earlier networks of the process
//! (`conv2d_94` may be the first); only the order counts.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Error, Result};
use crate::keras::bundle::{Bundle, OBJECT_GRAPH, of_training};
use crate::predict::cnn::networks::inception_v3::CONVOLUTIONS;

/// Parts of a norm: Keras's name and ours.
const NORM: [(&str, &str); 3] =
    [("beta", "norm.bias"), ("moving_mean", "norm.running_mean"), ("moving_variance", "norm.running_var")];

/// Where a variable of ours comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Our name: `conv5.conv.weight`.
    pub ours: String,
    /// The checkpoint's key.
    pub key: String,
    rank: usize,
}

impl Source {
    /// Which of the checkpoint's axes each of ours is: kernels lie as rows, columns, in, out there, matrices as in, out.
    #[must_use]
    pub fn order(&self) -> &'static [i64] {
        match self.rank {
            4 => &[3, 2, 0, 1],
            2 => &[1, 0],
            _ => &[0],
        }
    }
}

/// The checkpoint's shape of a variable of ours.
#[must_use]
pub fn theirs(ours: &[i64], order: &[i64]) -> Vec<i64> {
    let axes = 0..i64::try_from(order.len()).unwrap_or(0);
    let place = |axis: i64| order.iter().position(|&theirs| theirs == axis);
    axes.filter_map(|axis| place(axis).and_then(|at| ours.get(at).copied())).collect()
}

/// Where each variable of Inception v3 comes from.
///
/// # Errors
/// [`Error::Model`] naming a variable that is missing, there twice, or left over.
pub fn sources(bundle: &Bundle) -> Result<Vec<Source>> {
    let wrong = |problem: String| Error::model(bundle.index_path(), problem);
    // Layer kind and variable -> number of the layer -> key.
    let mut found: BTreeMap<(String, String), BTreeMap<u64, String>> = BTreeMap::new();
    let mut left: BTreeSet<String> =
        bundle.keys().filter(|key| *key != OBJECT_GRAPH && !of_training(key)).map(str::to_owned).collect();
    for (name, key) in bundle.names()?.into_iter().filter(|(_, key)| left.contains(key)) {
        let Some((layer, variable)) = name.rsplit_once('/') else { continue };
        let (kind, number) = numbered(layer);
        let known = match kind {
            "conv2d" => variable == "kernel",
            "batch_normalization" => NORM.iter().any(|(theirs, _)| *theirs == variable),
            "classification" => ["kernel", "bias"].contains(&variable),
            _ => false,
        };
        if !known {
            continue;
        }
        let of_kind = found.entry((kind.into(), variable.into())).or_default();
        if let Some(other) = of_kind.insert(number, key.clone())
            && other != key
        {
            return Err(wrong(format!("holds {name} twice, as {other} and as {key}; one network is expected")));
        }
    }
    let mut sources = Vec::new();
    let mut take = |kind: &str, variable: &str, wanted: usize, rank: usize, ours: &dyn Fn(usize) -> String| {
        let of_kind = found.remove(&(kind.into(), variable.into())).unwrap_or_default();
        if of_kind.len() != wanted {
            return Err(wrong(format!(
                "holds {} variables {kind}*/{variable}, Inception v3 has {wanted}; is it a model of DeepVariant's?",
                of_kind.len()
            )));
        }
        for (i, key) in of_kind.into_values().enumerate() {
            left.remove(&key);
            sources.push(Source { ours: ours(i), key, rank });
        }
        Ok(())
    };
    take("conv2d", "kernel", CONVOLUTIONS, 4, &|i| format!("conv{i}.conv.weight"))?;
    for (theirs, ours) in NORM {
        take("batch_normalization", theirs, CONVOLUTIONS, 1, &|i| format!("conv{i}.{ours}"))?;
    }
    take("classification", "kernel", 1, 2, &|_| "classification.weight".into())?;
    take("classification", "bias", 1, 1, &|_| "classification.bias".into())?;
    match left.first() {
        None => Ok(sources),
        Some(key) => Err(wrong(format!("holds {key}, which Inception v3 has no place for ({} such)", left.len()))),
    }
}

/// A layer's kind and number: `conv2d_5` is `conv2d` and 5, `conv2d` is `conv2d` and 0.
fn numbered(layer: &str) -> (&str, u64) {
    // Layers within named networks: only the last part counts.
    let layer = layer.rsplit('/').next().unwrap_or(layer);
    match layer.rsplit_once('_').and_then(|(kind, number)| Some((kind, number.parse().ok()?))) {
        Some(found) => found,
        None => (layer, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::checkpoint::{Checkpoint, Variable, inception_v3_names};

    /// All variables of an Inception v3 whose first convolution is number `first`, with no numbers in them.
    fn inception(first: usize, key: impl Fn(usize, &str) -> String) -> Checkpoint {
        let names = inception_v3_names(first);
        names.iter().enumerate().fold(Checkpoint::new(), |checkpoint, (i, name)| {
            checkpoint.with(Variable::new(&key(i, name), name, &[0], &[]))
        })
    }

    fn sources_of(checkpoint: Checkpoint) -> Result<Vec<Source>> {
        let folder = tempfile::tempdir().unwrap();
        checkpoint.write(&folder.path().join("ckpt"));
        sources(&Bundle::open(&folder.path().join("ckpt"))?)
    }

    fn problem(checkpoint: Checkpoint) -> String {
        sources_of(checkpoint).unwrap_err().to_string()
    }

    #[test]
    fn both_layouts_give_the_same_sources() {
        // A SavedModel of nested networks has keys without meaning; a checkpoint tells of layers.
        let saved = sources_of(inception(0, |i, _| format!("variables/{i:03}/.ATTRIBUTES/VARIABLE_VALUE"))).unwrap();
        let plain =
            sources_of(inception(94, |i, name| format!("model/layer-{i}/{name}/.ATTRIBUTES/VARIABLE_VALUE"))).unwrap();
        let ours = |sources: &[Source]| sources.iter().map(|s| s.ours.clone()).collect::<Vec<_>>();
        assert_eq!((saved.len(), ours(&saved)), (94 * 4 + 2, ours(&plain)));
        // conv2d_9 before conv2d_10; here the 10th.
        let tenth = saved.iter().find(|s| s.ours == "conv9.conv.weight").unwrap();
        assert_eq!(tenth.key, format!("variables/{:03}/.ATTRIBUTES/VARIABLE_VALUE", 9 * 4));
        let tenth = plain.iter().find(|s| s.ours == "conv9.norm.running_mean").unwrap();
        assert!(tenth.key.contains("batch_normalization_103/moving_mean"), "{}", tenth.key);
    }

    #[test]
    fn what_training_left_is_passed_over() {
        let empty = |key: &str| Variable::new(key, "Variable", &[0], &[]);
        let checkpoint = inception(0, |_, name| format!("{name}/.ATTRIBUTES/VARIABLE_VALUE"))
            .with(empty("optimizer/_variables/3/.ATTRIBUTES/VARIABLE_VALUE"))
            .with(empty("conv2d/kernel/.OPTIMIZER_SLOT/optimizer/momentum/.ATTRIBUTES/VARIABLE_VALUE"))
            .with(empty("save_counter/.ATTRIBUTES/VARIABLE_VALUE"));
        assert_eq!(sources_of(checkpoint).unwrap().len(), 94 * 4 + 2);
    }

    #[test]
    fn missing_and_left_over_variables_are_named() {
        let key = |_: usize, name: &str| format!("{name}/.ATTRIBUTES/VARIABLE_VALUE");
        let extra = Variable::new("other/.ATTRIBUTES/VARIABLE_VALUE", "dense/kernel", &[0], &[]);
        assert!(problem(inception(0, key).with(extra)).contains("holds other/.ATTRIBUTES/VARIABLE_VALUE"));
        let twin = Variable::new("ema/conv2d/kernel", "conv2d/kernel", &[0], &[]);
        assert!(problem(inception(0, key).with(twin)).contains("conv2d/kernel twice"));
        let less = inception(0, key).without("conv2d_40/kernel");
        assert!(problem(less).contains("holds 93 variables conv2d*/kernel"));
    }

    #[test]
    fn axes_are_turned() {
        let source = |rank| Source { ours: String::new(), key: String::new(), rank };
        assert_eq!(theirs(&[32, 7, 3, 5], source(4).order()), [3, 5, 7, 32]);
        assert_eq!(theirs(&[3, 2048], source(2).order()), [2048, 3]);
        assert_eq!(theirs(&[32], source(1).order()), [32]);
    }
}
