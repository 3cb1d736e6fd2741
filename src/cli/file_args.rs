//! A command's arguments -> the files that it reads and writes, checked against each other before any work.

use std::ffi::OsStr;
use std::path::Path;

use crate::files::Files;

/// The files of a model's folder.
pub(super) const MODEL: [&str; 4] =
    ["model.json", "weights.safetensors", "small_model.json", "deepvariant_small_model.safetensors"];

/// Reads files with the indexes they may have.
pub(super) fn reads<'a>(files: &mut Files, flag: &str, paths: impl IntoIterator<Item = &'a Path>) {
    paths.into_iter().for_each(|path| files.input_with_indexes(flag, path, &["bai", "csi", "crai"]));
}

/// A FASTA with its indexes.
pub(super) fn reference(files: &mut Files, flag: &str, path: &Path) {
    files.input_with_indexes(flag, path, &["fai", "gzi"]);
}

/// A VCF that is read.
pub(super) fn variants(files: &mut Files, flag: &str, path: &Path) {
    files.input_with_indexes(flag, path, &["tbi", "csi"]);
}

/// A model's folder.
pub(super) fn model(files: &mut Files, flag: &str, folder: &Path) {
    for name in MODEL {
        files.input(flag, &folder.join(name));
    }
}

/// Values that may be paths, as those of `--regions`, which may also hold several: each existing file is added.
pub(super) fn perhaps<'a>(files: &mut Files, flag: &str, values: impl IntoIterator<Item = &'a OsStr>) {
    for value in values {
        let words = value.to_str().unwrap_or_default().split([',', ' ', '\t', '\n']);
        let paths = std::iter::once(Path::new(value)).chain(words.map(Path::new).filter(|&word| word != value));
        paths.filter(|path| path.is_file()).for_each(|path| files.input(flag, path));
    }
}
