//! The folders of [`search_path`] -> the models that lie in them ([`Installed`]).

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::model::checksums::{SMALL_MODEL, WEIGHTS};
use crate::model::store::{CONFIG, Model, search_path};

/// A folder with a `model.json`.
#[derive(Debug)]
pub struct Installed {
    /// The folder's name, which [`Model::find`] takes.
    pub name: String,
    /// The folder.
    pub folder: PathBuf,
    /// Whether a folder that is searched before has a model of that name, so that this one is found by its path alone.
    pub is_hidden: bool,
    /// The model, or what is wrong with its settings.
    pub model: Result<Model>,
}

impl Installed {
    /// Size of the model's files, in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        bytes(&self.folder)
    }
}

/// Size of a model's files, in bytes.
#[must_use]
pub fn bytes(folder: &Path) -> u64 {
    let length = |name: &&str| folder.join(name).metadata().map_or(0, |found| found.len());
    [CONFIG, WEIGHTS, SMALL_MODEL].iter().map(length).sum()
}

/// All models in the folders of [`search_path`], by the order of these folders, then by name.
#[must_use]
pub fn installed() -> Vec<Installed> {
    in_folders(&search_path())
}

fn in_folders(places: &[PathBuf]) -> Vec<Installed> {
    let (mut searched, mut names) = (BTreeSet::new(), BTreeSet::new());
    let mut found = Vec::new();
    for place in places {
        // One folder may be reached by several paths; those that are not there have no models.
        let Ok(place) = place.canonicalize() else { continue };
        if !searched.insert(place.clone()) {
            continue;
        }
        let entries = place.read_dir().into_iter().flatten().flatten();
        let mut folders: Vec<PathBuf> =
            entries.map(|entry| entry.path()).filter(|path| path.join(CONFIG).is_file()).collect();
        folders.sort();
        for folder in folders {
            let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let is_hidden = !names.insert(name.clone());
            found.push(Installed { name, is_hidden, model: Model::open(&folder), folder });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::tests::config;

    #[test]
    fn models_are_found_once_and_in_order() {
        let root = tempfile::tempdir().unwrap();
        let model = |place: &str, name: &str| {
            let folder = root.path().join(place).join(name);
            std::fs::create_dir_all(&folder).unwrap();
            std::fs::write(folder.join(WEIGHTS), "weights").unwrap();
            std::fs::write(folder.join(SMALL_MODEL), "{}").unwrap();
            Model::write(&config(), &folder).unwrap();
        };
        for (place, name) in [("a", "wgs"), ("a", "pacbio"), ("b", "wgs")] {
            model(place, name);
        }
        std::fs::create_dir(root.path().join("b/no-model")).unwrap();
        std::fs::create_dir(root.path().join("b/broken")).unwrap();
        std::fs::write(root.path().join("b/broken/model.json"), "{").unwrap();
        let at = |name: &str| root.path().join(name);
        let found = in_folders(&[at("a"), at("none"), at("a/../b"), at("b")]);
        let said: Vec<_> = found.iter().map(|of| (of.name.as_str(), of.is_hidden, of.model.is_ok())).collect();
        let wanted = [("pacbio", false, true), ("wgs", false, true), ("broken", false, false), ("wgs", true, true)];
        assert_eq!(said, wanted);
        let json = std::fs::metadata(at("a/wgs/model.json")).unwrap().len();
        assert_eq!(found[1].bytes(), json + 7 + 2);
    }
}
