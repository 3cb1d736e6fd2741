//! A folder, or a name -> the model that lies there, its files checked against their checksums; a new model -> its folder.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::error::{Error, Result};
use crate::files;
use crate::files::input::regular_file;
use crate::model::checksums::{self, WEIGHTS};
use crate::model::{Checksums, ModelConfig};

/// The settings' file in a model's folder.
pub(super) const CONFIG: &str = "model.json";
/// Most bytes of `model.json`, which has some thousand.
const MOST_BYTES: u64 = 4 << 20;
/// Model used where none is named.
pub const DEFAULT_MODEL: &str = "wgs";

/// The content of a file of a model, of at most `most` bytes.
///
/// # Errors
/// [`Error::Input`] or [`Error::Model`] where it cannot be read, or is larger.
pub(crate) fn bytes(path: &Path, most: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = regular_file(path)?;
    file.take(most + 1).read_to_end(&mut bytes).map_err(|e| Error::model(path, format!("cannot be read: {e}")))?;
    if bytes.len() as u64 > most {
        return Err(Error::model(path, format!("is larger than {} MiB, which no such file of a model is", most >> 20)));
    }
    Ok(bytes)
}

/// A model whose settings are read and checked; its weights are not loaded yet.
#[derive(Clone, Debug)]
pub struct Model {
    /// Its folder.
    pub folder: PathBuf,
    /// Its settings.
    pub config: ModelConfig,
    checksum: OnceLock<String>,
}

impl Model {
    /// The SHA-256 of its weights, in hexadecimal, checked against `model.json`.
    ///
    /// # Errors
    /// [`Error::Input`] where they cannot be read; [`Error::Model`] where `model.json` gives another checksum.
    pub fn checksum(&self) -> Result<String> {
        if let Some(known) = self.checksum.get() {
            return Ok(known.clone());
        }
        let path = self.weights();
        let found = checksums::of_file(&path)?;
        checksums::check(&path, &found, self.config.checksums.weights.as_deref())?;
        Ok(self.checksum.get_or_init(|| found).clone())
    }

    /// Finds a model by its folder, or by name in the folders of [`search_path`].
    ///
    /// # Errors
    /// [`Error::Model`] where there is none, or where its `model.json` cannot be used.
    pub fn find(given: &Path) -> Result<Self> {
        if given.is_dir() {
            return Self::open(given);
        }
        let folders = search_path();
        let found = folders.iter().map(|folder| folder.join(given)).find(|p| p.join(CONFIG).is_file());
        if let Some(folder) = found {
            Self::open(&folder)
        } else {
            let tried = folders.iter().map(|f| f.display().to_string()).collect::<Vec<_>>().join(", ");
            Err(Error::model(given, format!("is neither a folder nor a model in {tried}")))
        }
    }

    /// Whether there is a model of that name in the folders of [`search_path`].
    #[must_use]
    pub fn is_known(name: &str) -> bool {
        search_path().iter().any(|folder| folder.join(name).join(CONFIG).is_file())
    }

    /// Reads the model in `folder`.
    ///
    /// # Errors
    /// [`Error::Model`] naming the file and what is wrong with it.
    pub fn open(folder: &Path) -> Result<Self> {
        let path = folder.join(CONFIG);
        if !path.exists() && is_deepvariants(folder) {
            let said = format!(
                "is a model of DeepVariant; convert it with 'varpix import-deepvariant {} --out DIR' and give that folder",
                folder.display()
            );
            return Err(Error::model(folder, said));
        }
        let config = ModelConfig::parse(&bytes(&path, MOST_BYTES)?).map_err(|problem| Error::model(&path, problem))?;
        let model = Self { folder: folder.to_owned(), config, checksum: OnceLock::new() };
        let weights = model.weights();
        if !weights.exists() {
            return Err(Error::model(weights, "is missing; a model needs its weights beside model.json"));
        }
        regular_file(&weights)?;
        Ok(model)
    }

    /// Writes a model's settings to its folder, with the checksums of the files that are there already.
    ///
    /// # Errors
    /// [`Error::Output`] where that fails; [`Error::Input`] where a file of the model cannot be read.
    pub fn write(config: &ModelConfig, folder: &Path) -> Result<()> {
        let checksums = Checksums::of(folder, [config.small_model.is_some(), config.imported_small_model.is_some()])?;
        let text = serde_json::to_string_pretty(&ModelConfig { checksums, ..config.clone() })
            .map_err(|e| Error::Internal(format!("{CONFIG}: {e}")))?;
        files::write(&folder.join(CONFIG), (text + "\n").as_bytes())
    }

    /// The file of its weights.
    #[must_use]
    pub fn weights(&self) -> PathBuf {
        self.folder.join(WEIGHTS)
    }
}

/// Whether a folder holds a `SavedModel` or checkpoints of TensorFlow.
fn is_deepvariants(folder: &Path) -> bool {
    let is_index = |path: PathBuf| path.extension().is_some_and(|extension| extension == "index");
    let mut entries = folder.read_dir().into_iter().flatten().flatten();
    folder.join("saved_model.pb").is_file()
        || folder.join("variables/variables.index").is_file()
        || entries.any(|entry| is_index(entry.path()))
}

/// Folders searched for models by name: `$VARPIX_MODELS`, `share/varpix/models` beside an installed program's folder,
/// `models` of the checkout it was built in.
#[must_use]
pub fn search_path() -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = std::env::var_os("VARPIX_MODELS").map(PathBuf::from).into_iter().collect();
    if let Ok(program) = std::env::current_exe().and_then(std::fs::canonicalize)
        && let Some(folder) = program.parent()
    {
        folders.push(folder.join("../share/varpix/models"));
        folders.push(folder.join("../../models"));
    }
    folders.push(Path::new(env!("CARGO_MANIFEST_DIR")).join("models"));
    folders
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::checksums::SMALL_MODEL;
    use crate::model::tests::config;
    use crate::predict::small::SmallModel;

    fn open(config: &serde_json::Value) -> String {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("model.json"), config.to_string()).unwrap();
        Model::open(folder.path()).unwrap_err().to_string()
    }

    #[test]
    fn errors_name_what_is_wrong() {
        let good = serde_json::to_value(config()).unwrap();
        assert!(open(&good).contains("weights.safetensors"));
        let mut other = good.clone();
        other["format"] = 9.into();
        assert!(open(&other).contains("format 9"));
        let mut other = good.clone();
        other["image"]["channels"][2] = "allele_frequency".into();
        assert!(open(&other).contains("allele_frequency"));
        let mut other = good;
        other["image"]["width"] = 220.into();
        assert!(open(&other).contains("width 220"));
    }

    #[test]
    fn checksums_are_written_and_checked() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(WEIGHTS), "weights").unwrap();
        std::fs::write(folder.path().join(SMALL_MODEL), "{}").unwrap();
        Model::write(&config(), folder.path()).unwrap();
        let model = || Model::open(folder.path()).unwrap();
        assert_eq!(model().config.checksums.weights, Some(model().checksum().unwrap()));
        std::fs::write(folder.path().join(WEIGHTS), "weightS").unwrap();
        let said = model().checksum().unwrap_err().to_string();
        assert!(said.contains(WEIGHTS) && said.contains("SHA-256"), "{said}");
        std::fs::write(folder.path().join(SMALL_MODEL), "{ }").unwrap();
        let said = SmallModel::of(&model()).unwrap_err().to_string();
        assert!(said.contains(SMALL_MODEL) && said.contains("SHA-256"), "{said}");
        // A model of an earlier version has none.
        let json = std::fs::read_to_string(folder.path().join("model.json")).unwrap();
        let mut older: serde_json::Value = serde_json::from_str(&json).unwrap();
        older.as_object_mut().unwrap().remove("checksums").unwrap();
        std::fs::write(folder.path().join("model.json"), older.to_string()).unwrap();
        assert!(model().checksum().is_ok());
    }

    #[test]
    fn models_of_deepvariant_are_to_be_imported() {
        for file in ["saved_model.pb", "ckpt-1.index", "variables/variables.index"] {
            let folder = tempfile::tempdir().unwrap();
            std::fs::create_dir(folder.path().join("variables")).unwrap();
            std::fs::write(folder.path().join(file), "").unwrap();
            let said = Model::find(folder.path()).unwrap_err().to_string();
            assert!(said.contains("varpix import-deepvariant"), "{file}: {said}");
        }
    }

    #[test]
    fn only_files_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.json");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        let said = || Model::open(folder.path()).unwrap_err().to_string();
        assert!(said().contains("model.json: is a pipe"), "{}", said());
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert!(said().contains("is a folder"), "{}", said());
        std::fs::remove_dir(&path).unwrap();
        std::fs::File::create(&path).unwrap().set_len(MOST_BYTES + 1).unwrap();
        assert!(said().contains("larger than 4 MiB"), "{}", said());
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_a_description_or_refused(at in 0_usize..4000, with in proptest::collection::vec(0_u8..=255, 0..9)) {
            let mut json = serde_json::to_vec_pretty(&config()).unwrap();
            let at = at % json.len();
            json.splice(at..(at + with.len()).min(json.len()), with);
            if let Ok(config) = ModelConfig::parse(&json) {
                proptest::prop_assert_eq!(config.validate(), Ok(()));
            }
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_folders_searched() {
        assert!(Model::find(Path::new("no-such-model")).unwrap_err().to_string().contains("models"));
    }
}
