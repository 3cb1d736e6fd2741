//! A downloaded DeepVariant model -> a model's folder that `varpix call --model` takes. No TensorFlow is needed.
//!
//! ```text
//! variables.index  -> keras::bundle: names, shapes, places     \
//! variables.data-* -> keras::bundle: numbers                    > variables: ours by Keras's names -> weights.safetensors
//! example_info.json -> model::deepvariant: image, evidence     -> model.json
//! model.keras, or a SavedModel -> keras: the small model       -> deepvariant_small_model.safetensors
//! ```

mod small_limits;
pub(crate) mod variables;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::json;
use tch::{Device, Tensor, nn};

use crate::error::{Error, Result};
use crate::files::leftovers;
use crate::keras;
use crate::keras::bundle::Bundle;
use crate::model::checksums::IMPORTED_SMALL_MODEL;
use crate::model::config::FORMAT;
pub use crate::model::deepvariant::ModelType;
use crate::model::deepvariant::{ExampleInfo, Settings};
use crate::model::{Checksums, Model, ModelConfig};
use crate::predict::cnn::networks::{self, inception_v3};
use crate::predict::cnn::torch::{first_line, unusable};
use crate::predict::imported::dense::DenseNetwork;
use crate::predict::imported::prepare;

/// The license under which Google publishes DeepVariant's models.
pub const DEEPVARIANT_LICENSE: &str = "BSD-3-Clause";

/// What is to be imported, and where to.
#[derive(Clone, Debug)]
pub struct ImportOptions {
    /// A `SavedModel`'s folder, a folder with one checkpoint, or a checkpoint's path without `.index`.
    pub model: PathBuf,
    /// The new model's folder; must not exist.
    pub out: PathBuf,
    /// The new model's name.
    pub name: String,
    /// Its type, which releases up to 1.9 do not write beside it; WGS where it is not given.
    pub model_type: Option<ModelType>,
    /// Its small model, if that is to be imported, too.
    pub small_model: Option<SmallModelSource>,
    /// The description of its images, where that does not lie beside it.
    pub model_json: Option<PathBuf>,
    /// Under what terms it may be used, for `model.json`.
    pub license: Option<String>,
}

/// A small model that is to be imported with a model.
#[derive(Clone, Debug)]
pub struct SmallModelSource {
    /// A Keras archive, a folder with one, or a `SavedModel`'s folder.
    pub path: PathBuf,
    /// Least GQ of substitutions and of other variants from which on it decides, Phred; where they are not given, those of the model.
    pub limits: [Option<f64>; 2],
}

/// Imports a `DeepVariant` model; its folder is there whole or not at all.
///
/// # Errors
/// [`Error::Model`] where the model is incomplete, damaged, or of a kind that cannot be run here; [`Error::Output`] where the
/// folder exists or cannot be written.
pub fn import(options: &ImportOptions) -> Result<Model> {
    if options.out.exists() {
        return Err(Error::output(&options.out, "exists already; remove it, or name another folder"));
    }
    let prefix = checkpoint(&options.model)?;
    let bundle = Bundle::open(&prefix)?;
    let info_path = match &options.model_json {
        Some(path) => path.clone(),
        None => example_info_path(&options.model, &prefix)?,
    };
    let info = ExampleInfo::read(&info_path, options.model_type)?;
    let Settings { image, mut evidence, multi_allelic, release } = info.settings;
    let mut training = json!({
        "imported_from": "DeepVariant", "version": info.version, "channels": info.channels,
        "model_type": options.model_type.map(ModelType::name), "index_sha256": bundle.checksum(),
    });
    let small_model = options.small_model.as_ref().map(|given| {
        let network = keras::read(&given.path)?;
        evidence.track_reference_reads |= info.small_model.tracks_reference;
        prepare(&network, &mut evidence).map_err(|problem| Error::model(&given.path, problem))?;
        let limits =
            small_limits::options(&info.small_model, given.limits, network.layout(), (release, options.model_type));
        training["small_model"] =
            json!({ "inputs": network.layout().inputs(), "layers": network.widths().collect::<Vec<_>>() });
        Ok((network, limits.map_err(|problem| Error::model(&info_path, problem))?))
    });
    let small_model = small_model.transpose()?;
    let mut store = nn::VarStore::new(Device::Cpu);
    let _network = networks::build(inception_v3::NAME, &store.root(), image.shape(), 0)
        .map_err(|why| Error::model(&options.model, why))?;
    fill(&mut store, &bundle)?;
    if let Some(problem) = unusable(&store) {
        return Err(Error::model(&prefix, format!("is damaged: {problem}")));
    }
    let config = ModelConfig {
        format: FORMAT,
        name: options.name.clone(),
        platform: options.model_type.and_then(ModelType::platform).map(String::from),
        network: inception_v3::NAME.into(),
        image,
        image_features: Vec::new(),
        evidence,
        temperature: 1.0,
        multi_allelic,
        rules: Some(release),
        small_model: None,
        imported_small_model: small_model.as_ref().map(|(_, options)| *options),
        license: options.license.clone(),
        checksums: Checksums::default(),
        training,
        measured: serde_json::Value::Null,
    };
    config
        .validate()
        .map_err(|problem| Error::model(&info_path, format!("asks for what varpix cannot do: {problem}")))?;
    write(&options.out, &store, small_model.as_ref().map(|(network, _)| network), &config)?;
    Model::open(&options.out)
}

/// The path of the checkpoint's files, without `.index` and `.data-00000-of-00001`.
fn checkpoint(model: &Path) -> Result<PathBuf> {
    let with_index = |prefix: &Path| {
        let mut path = prefix.as_os_str().to_owned();
        path.push(".index");
        PathBuf::from(path).is_file()
    };
    if with_index(model) {
        return Ok(model.to_owned());
    }
    if !model.is_dir() {
        return Err(Error::model(
            model,
            "is neither a folder nor a checkpoint (there is no such file ending in .index)",
        ));
    }
    let saved = model.join("variables/variables");
    if with_index(&saved) {
        return Ok(saved);
    }
    if model.join("saved_model.pb").is_file() {
        return Err(Error::model(
            model.join("variables/variables.index"),
            "is missing; download the model's folder variables/ as well, with its .index and .data files",
        ));
    }
    let cannot = |e: std::io::Error| Error::model(model, format!("cannot be read: {e}"));
    let mut found = Vec::new();
    for entry in std::fs::read_dir(model).map_err(cannot)? {
        let path = entry.map_err(cannot)?.path();
        if path.extension().is_some_and(|extension| extension == "index") {
            found.push(path.with_extension(""));
        }
    }
    found.sort();
    match found.as_slice() {
        [one] => Ok(one.clone()),
        [] => Err(Error::model(
            model,
            "holds neither a SavedModel (variables/variables.index) nor a checkpoint (a file ending in .index)",
        )),
        [first, ..] => Err(Error::model(
            model,
            format!("holds {} checkpoints; give the path of one, such as {}", found.len(), first.display()),
        )),
    }
}

/// The description of the images, beside the model or its checkpoint.
fn example_info_path(model: &Path, prefix: &Path) -> Result<PathBuf> {
    let folder = if model.is_dir() { model } else { prefix.parent().unwrap_or(Path::new(".")) };
    let prefixed = format!("{}.example_info.json", prefix.file_name().unwrap_or_default().to_string_lossy());
    let names = ["model.example_info.json", "example_info.json", &prefixed];
    names.iter().map(|name| folder.join(name)).find(|path| path.is_file()).ok_or_else(|| {
        Error::model(
            folder,
            format!("lacks the description of its images ({}); download it as well", names[..2].join(" or ")),
        )
    })
}

/// Gives the network's variables the checkpoint's numbers.
fn fill(store: &mut nn::VarStore, bundle: &Bundle) -> Result<()> {
    let mut ours = store.variables();
    for source in variables::sources(bundle)? {
        let Some(mut variable) = ours.remove(&source.ours) else {
            return Err(Error::Internal(format!("the network has no variable {}", source.ours)));
        };
        let order = source.order();
        let wanted: Vec<i64> = variables::theirs(&variable.size(), order);
        let shape = bundle.shape(&source.key)?;
        if shape != wanted {
            return Err(Error::model(
                bundle.index_path(),
                format!("variable {} has shape {shape:?}, the network needs {wanted:?}", source.key),
            ));
        }
        let numbers = bundle.floats(&source.key)?;
        let tensor = Tensor::from_slice(&numbers).reshape(shape).permute(order);
        tch::no_grad(|| variable.f_copy_(&tensor))
            .map_err(|e| Error::Internal(format!("variable {}: {}", source.ours, first_line(&e))))?;
    }
    match ours.keys().min() {
        None => Ok(()),
        Some(name) => Err(Error::Internal(format!("the network's variable {name} has no source"))),
    }
}

/// Writes the folder under another name, then gives it its own.
fn write(out: &Path, store: &nn::VarStore, small_model: Option<&DenseNetwork>, config: &ModelConfig) -> Result<()> {
    let cannot = |what: String| Error::output(out, format!("cannot be written: {what}"));
    let parent = match out.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(parent).map_err(|e| cannot(e.to_string()))?;
    let mut builder = tempfile::Builder::new();
    builder.prefix(".import.").permissions(std::fs::Permissions::from_mode(0o777));
    let made = leftovers::noted(|| builder.tempdir_in(parent), tempfile::TempDir::path);
    let folder = made.map_err(|e| cannot(e.to_string()))?;
    store.save(folder.path().join("weights.safetensors")).map_err(|e| cannot(first_line(&e)))?;
    if let Some(network) = small_model {
        let bytes = network.to_bytes()?;
        std::fs::write(folder.path().join(IMPORTED_SMALL_MODEL), bytes).map_err(|e| cannot(e.to_string()))?;
    }
    Model::write(config, folder.path())?;
    // From here on the folder is the model's; a failed renaming leaves it to be removed.
    let temporary = folder.keep();
    std::fs::rename(&temporary, out).map_err(|e| {
        let _ = std::fs::remove_dir_all(&temporary);
        cannot(e.to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pileup::PileupImage;
    use crate::predict::AnySmallModel;
    use crate::predict::cnn::torch::{Precision, TorchClassifier};
    use crate::predict::cnn::{Batch, Classifier};
    use crate::testing::checkpoint::{Checkpoint, Variable, inception_v3_names};
    use crate::testing::inception::{inception_v3, random_inception_v3};

    const INFO: &str = r#"{"version": "1.8.0", "shape": [100, 221, 7], "channels": [1, 2, 3, 4, 5, 6, 19]}"#;

    fn options(model: &Path, out: PathBuf) -> ImportOptions {
        let license = Some(DEEPVARIANT_LICENSE.into());
        let (model_type, small_model, model_json) = (None, None, None);
        ImportOptions { model: model.to_owned(), out, name: "dv".into(), model_type, small_model, model_json, license }
    }

    #[test]
    fn both_layouts_say_what_the_network_said() {
        let _alone = crate::testing::libtorch_random();
        let folder = tempfile::tempdir().unwrap();
        let (saved, plain) = (folder.path().join("saved"), folder.path().join("plain"));
        std::fs::create_dir_all(saved.join("variables")).unwrap();
        std::fs::create_dir(&plain).unwrap();
        let (network, store) = random_inception_v3(crate::pileup::ImageSpec::default().shape());
        inception_v3(&store, |i, _| format!("variables/{i}/.ATTRIBUTES/VARIABLE_VALUE"))
            .shards(2)
            .write(&saved.join("variables/variables"));
        std::fs::write(saved.join("saved_model.pb"), "").unwrap();
        std::fs::write(saved.join("model.example_info.json"), INFO).unwrap();
        inception_v3(&store, |i, name| format!("layer_with_weights-{i}/{name}/.ATTRIBUTES/VARIABLE_VALUE"))
            .write(&plain.join("weights-51.ckpt"));
        std::fs::write(plain.join("example_info.json"), INFO).unwrap();
        let shape = crate::pileup::ImageSpec::default().shape();
        let bytes: Vec<u8> = (0..shape.bytes()).map(|i| u8::try_from(i * i % 251).unwrap()).collect();
        let image = Tensor::from_data_size(&bytes, &[1, 100, 221, 7], tch::Kind::Uint8);
        let wanted = tch::no_grad(|| network.forward(&image.into(), false).softmax(-1, tch::Kind::Double));
        let mut batch = Batch::new(shape);
        batch.push(&PileupImage::from_bytes(shape, bytes.into()).unwrap(), None).unwrap();
        for (model, name) in [(&saved, "a"), (&plain, "b"), (&plain.join("weights-51.ckpt"), "c")] {
            let out = folder.path().join("models").join(name);
            let model = import(&options(model, out.clone())).unwrap();
            assert_eq!((model.config.name.as_str(), model.config.image.shape()), ("dv", shape));
            assert!(import(&options(&saved, out)).unwrap_err().to_string().contains("exists already"));
            let mut classifier = TorchClassifier::load(&model, Device::Cpu, Precision::F32, 2).unwrap();
            let found = classifier.classify(&batch).unwrap()[0];
            for (class, found) in found.0.iter().enumerate() {
                let wanted = wanted.double_value(&[0, i64::try_from(class).unwrap()]);
                assert!((wanted - found).abs() < 1e-5, "{wanted} and {found}");
            }
        }
        assert_eq!(std::fs::read_dir(folder.path().join("models")).unwrap().count(), 3, "something is left");
    }

    #[test]
    fn a_small_model_goes_with_it() {
        let _alone = crate::testing::libtorch_random();
        let folder = tempfile::tempdir().unwrap();
        let (_, store) = random_inception_v3(crate::pileup::ImageSpec::default().shape());
        inception_v3(&store, |_, name| format!("{name}/.ATTRIBUTES/VARIABLE_VALUE")).write(&folder.path().join("ckpt"));
        let info = |version: &str| {
            let text = INFO.replace("1.8.0", version);
            std::fs::write(folder.path().join("example_info.json"), text).unwrap();
        };
        let keras = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/keras/keras3.keras");
        let imported = |name: &str, limits| {
            let small_model = Some(SmallModelSource { path: keras.clone(), limits });
            import(&ImportOptions { small_model, ..options(folder.path(), folder.path().join(name)) })
        };
        info("1.9.0");
        let model = imported("a", [None, Some(30.0)]).unwrap();
        let limits = model.config.imported_small_model.unwrap();
        assert_eq!((limits.min_gq_snps, limits.min_gq_indels, limits.multi_allelic), (20.0, 30.0, true));
        let evidence = model.config.evidence;
        assert!(evidence.allele_context && evidence.track_reference_reads);
        let said = AnySmallModel::of(&model).unwrap();
        let Some(AnySmallModel::Imported(small_model)) = said else { panic!("it has a small model") };
        assert_eq!(model.config.checksums.imported_small_model, Some(small_model.checksum().unwrap()));
        // A release whose limits are in the model's own file, which lacks them.
        info("1.10.0");
        let said = imported("b", [None, Some(30.0)]).unwrap_err().to_string();
        assert!(said.contains("example_info.json") && said.contains("--small-model-snp-gq-threshold"), "{said}");
        assert!(imported("b", [Some(0.0), Some(30.0)]).is_ok());
        assert!(!folder.path().join("c").exists());
    }

    #[test]
    fn a_wrong_shape_is_named_and_nothing_is_left() {
        let _alone = crate::testing::libtorch_random();
        let folder = tempfile::tempdir().unwrap();
        let names = inception_v3_names(0);
        let empty =
            |name: &String| Variable::new(&format!("{name}/.ATTRIBUTES/VARIABLE_VALUE"), name, &[3, 3, 6, 32], &[]);
        let checkpoint = names.iter().map(empty).fold(Checkpoint::new(), Checkpoint::with);
        checkpoint.write(&folder.path().join("ckpt-1"));
        let out = folder.path().join("models/dv");
        let said = || import(&options(folder.path(), out.clone())).unwrap_err().to_string();
        assert!(said().contains("lacks the description of its images"), "{}", said());
        std::fs::write(folder.path().join("example_info.json"), INFO).unwrap();
        assert!(
            said().contains("conv2d/kernel") && said().contains("[3, 3, 6, 32]") && said().contains("[3, 3, 7, 32]")
        );
        assert!(!folder.path().join("models").exists());
        Checkpoint::new().write(&folder.path().join("ckpt-2"));
        assert!(said().contains("holds 2 checkpoints"), "{}", said());
    }

    #[test]
    fn what_is_no_model_is_said() {
        let _alone = crate::testing::libtorch_random();
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("out");
        let said = |model: &Path| import(&options(model, out.clone())).unwrap_err().to_string();
        assert!(said(&folder.path().join("nothing")).contains("neither a folder nor a checkpoint"));
        assert!(said(folder.path()).contains("holds neither a SavedModel"));
        std::fs::write(folder.path().join("saved_model.pb"), "").unwrap();
        assert!(said(folder.path()).contains("variables/variables.index: is missing"));
    }
}
