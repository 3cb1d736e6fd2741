//! A Keras archive (`model.keras`) -> its dense layers.
//!
//! The archive is a ZIP file: `config.json` describes the layers, `model.weights.h5` (HDF5) has their numbers, those of a layer in a group
//! `…/LAYER/vars` as the data sets `0` (kernel) and `1` (bias). LAYER is the layer's name, or, as in Keras 3, the name of its kind with a number of
//! its own.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use hdf5_reader::group::Group;
use hdf5_reader::{Dataset, Hdf5File};
use zip::ZipArchive;
use zip::result::ZipError;

use super::config::{self, Described};
use super::{Matrix, by_number};
use crate::error::{Error, Result};
use crate::files::input::regular_file;
use crate::predict::imported::dense::{Activation, DenseNetwork};

/// Most bytes of the files within, unpacked: some thousand, and 3 or, with the state of an optimiser, 9 million.
const MOST_CONFIG_BYTES: u64 = 4 << 20;
const MOST_WEIGHT_BYTES: u64 = 128 << 20;
/// Most groups within groups.
const MOST_DEPTH: usize = 8;

/// Reads an archive.
///
/// # Errors
/// [`Error::Model`] or [`Error::Input`] where it is damaged, or holds what cannot be run here.
pub(super) fn read(path: &Path) -> Result<DenseNetwork> {
    let wrong = |problem: String| Error::model(path, problem);
    let file = regular_file(path)?;
    let no_archive = |e: ZipError| wrong(format!("is not a Keras archive (a ZIP file): {e}"));
    let mut archive = ZipArchive::new(std::io::BufReader::new(file)).map_err(no_archive)?;
    let described = config::layers(&member(&mut archive, "config.json", MOST_CONFIG_BYTES).map_err(wrong)?);
    let described = described.map_err(wrong)?;
    let weights = member(&mut archive, "model.weights.h5", MOST_WEIGHT_BYTES).map_err(wrong)?;
    let matrices = matrices(weights).map_err(wrong)?;
    let ordered = ordered(matrices, &described).map_err(wrong)?;
    let activations: Vec<Activation> = described.iter().map(|layer| layer.activation).collect();
    super::network(ordered, &activations).map_err(wrong)
}

/// A file of the archive.
fn member<R: std::io::Read + std::io::Seek>(
    archive: &mut ZipArchive<R>,
    name: &str,
    most: u64,
) -> Result<Vec<u8>, String> {
    let member = archive.by_name(name).map_err(|e| format!("lacks {name}, which a Keras archive has: {e}"))?;
    let mut content = Vec::new();
    member
        .take(most + 1)
        .read_to_end(&mut content)
        .map_err(|e| format!("is damaged: {name} cannot be unpacked: {e}"))?;
    if content.len() as u64 > most {
        return Err(format!("has a {name} of more than {} MiB, which no small model has", most >> 20));
    }
    Ok(content)
}

/// All kernels with a bias, by the names of their layers.
fn matrices(weights: Vec<u8>) -> Result<BTreeMap<String, Matrix>, String> {
    let damaged = |e: hdf5_reader::error::Error| format!("is damaged: its model.weights.h5 cannot be read: {e}");
    let file = Hdf5File::from_vec(weights).map_err(damaged)?;
    let mut found = BTreeMap::new();
    let root = file.root_group().map_err(damaged)?;
    for top in root.groups().map_err(damaged)? {
        // What training left.
        if top.name().trim_matches('/') != "optimizer" {
            collect(&top, MOST_DEPTH, &mut found).map_err(damaged)?;
        }
    }
    Ok(found)
}

fn collect(group: &Group, depth: usize, found: &mut BTreeMap<String, Matrix>) -> Result<(), hdf5_reader::error::Error> {
    // Keras 2 has a backslash in some names.
    let name = last_name(group.name());
    for inner in group.groups()? {
        if last_name(inner.name()) == "vars" {
            let sets = inner.datasets()?;
            let of = |wanted: &str| sets.iter().find(|set| last_name(set.name()) == wanted);
            if let (Some(kernel), Some(bias)) = (of("0"), of("1"))
                && let Some(matrix) = matrix(&name, kernel, bias)?
            {
                found.entry(name.clone()).or_insert(matrix);
            }
        } else if depth > 0 {
            collect(&inner, depth - 1, found)?;
        }
    }
    Ok(())
}

/// A kernel and its bias; `None` where they are not of that shape.
fn matrix(name: &str, kernel: &Dataset, bias: &Dataset) -> Result<Option<Matrix>, hdf5_reader::error::Error> {
    let sizes: Vec<usize> = kernel.shape().iter().filter_map(|&size| usize::try_from(size).ok()).collect();
    let ([inputs, outputs], [biases]) = (sizes.as_slice(), bias.shape()) else { return Ok(None) };
    if *outputs as u64 != *biases {
        return Ok(None);
    }
    let floats = |set: &Dataset| Ok::<_, hdf5_reader::error::Error>(set.read_array::<f32>()?.into_iter().collect());
    Ok(Some(Matrix { name: name.into(), shape: [*inputs, *outputs], kernel: floats(kernel)?, bias: floats(bias)? }))
}

fn last_name(path: &str) -> String {
    path.rsplit(['/', '\\']).next().unwrap_or(path).to_owned()
}

/// The matrices in the order of the layers: by the layers' names if these are all there, else by their numbers.
fn ordered(mut matrices: BTreeMap<String, Matrix>, described: &[Described]) -> Result<Vec<Matrix>, String> {
    if matrices.len() != described.len() {
        let (found, wanted) = (matrices.len(), described.len());
        return Err(format!("has {found} matrices in model.weights.h5, but {wanted} dense layers in config.json"));
    }
    let is_named = described.iter().all(|layer| matrices.contains_key(&layer.name));
    let ordered = if is_named {
        described.iter().filter_map(|layer| matrices.remove(&layer.name)).collect()
    } else {
        by_number(matrices.into_values().collect())?
    };
    match ordered.iter().zip(described).find(|(matrix, layer)| matrix.shape[1] != layer.units) {
        None => Ok(ordered),
        Some((matrix, layer)) => Err(format!(
            "has {} outputs in model.weights.h5 for layer {}, and {} in config.json",
            matrix.shape[1], layer.name, layer.units
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::predict::imported::layout::Layout;

    /// `tests/keras`: 70-5-4-3, made by `scripts/eval small-model-reference --fixtures`, with what Keras says of
    /// inputs 0, 1, 2, ...
    fn committed(name: &str) -> (std::path::PathBuf, [f64; 3]) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keras");
        let said = std::fs::read_to_string(folder.join(format!("{name}.txt"))).unwrap();
        let said: Vec<f64> = said.split_whitespace().map(|number| number.parse().unwrap()).collect();
        (folder.join(format!("{name}.keras")), said.try_into().unwrap())
    }

    #[test]
    fn archives_of_keras_2_and_3_say_what_keras_says() {
        for name in ["keras2", "keras3"] {
            let (path, wanted) = committed(name);
            let network = read(&path).unwrap();
            assert_eq!((network.layout(), network.widths().collect::<Vec<_>>()), (Layout::Short1_9, vec![5, 4, 3]));
            let inputs: Vec<f32> = (0_u8..70).map(|i| f32::from(i) / 10.0).collect();
            for (p, wanted) in network.probabilities(&inputs).unwrap().0.iter().zip(wanted) {
                assert!((p - wanted).abs() < 1e-6, "{name}: {p} {wanted}");
            }
        }
    }

    /// An archive with these members.
    fn zipped(members: &[(&str, &[u8])]) -> tempfile::NamedTempFile {
        let file = tempfile::Builder::new().suffix(".keras").tempfile().unwrap();
        let mut archive = zip::ZipWriter::new(file.reopen().unwrap());
        for (name, content) in members {
            archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            archive.write_all(content).unwrap();
        }
        archive.finish().unwrap();
        file
    }

    fn said(path: &Path) -> String {
        read(path).unwrap_err().to_string()
    }

    #[test]
    fn what_is_no_archive_is_said() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "no ZIP file").unwrap();
        assert!(said(file.path()).contains("not a Keras archive"), "{}", said(file.path()));
        assert!(said(zipped(&[("a", b"b")]).path()).contains("lacks config.json"));
        assert!(said(zipped(&[("config.json", b"{}")]).path()).contains("class_name"));
        let config: &[u8] = br#"{"class_name": "Sequential", "config": {"layers": [
            {"class_name": "Dense", "config": {"name": "a", "units": 3, "activation": "softmax"}}]}}"#;
        assert!(said(zipped(&[("config.json", config)]).path()).contains("lacks model.weights.h5"));
        let both = zipped(&[("config.json", config), ("model.weights.h5", b"no HDF5")]);
        assert!(said(both.path()).contains("model.weights.h5 cannot be read"), "{}", said(both.path()));
        // The weights of three layers, the description of one.
        let (path, _) = committed("keras3");
        let mut archive = ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
        let weights = member(&mut archive, "model.weights.h5", MOST_WEIGHT_BYTES).unwrap();
        let other = zipped(&[("config.json", config), ("model.weights.h5", &weights)]);
        assert!(said(other.path()).contains("3 matrices in model.weights.h5, but 1 dense layers"));
    }

    #[test]
    fn damaged_weights_are_refused_or_read() {
        let (path, _) = committed("keras2");
        let mut archive = ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
        let config = member(&mut archive, "config.json", MOST_CONFIG_BYTES).unwrap();
        let weights = member(&mut archive, "model.weights.h5", MOST_WEIGHT_BYTES).unwrap();
        let described = config::layers(&config).unwrap();
        // Neither panics nor hangs; most flips hit unused bytes of HDF5's tables.
        for at in (0..weights.len()).step_by(7) {
            let mut bad = weights.clone();
            bad[at] ^= 0x41;
            if let Ok(matrices) = matrices(bad) {
                let _ = ordered(matrices, &described);
            }
        }
        for length in (0..weights.len()).step_by(101) {
            let _ = matrices(weights[..length].to_vec());
        }
    }
}
