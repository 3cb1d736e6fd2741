//! Files that are there whole or not at all: written under another name in the same folder, then renamed.

pub(crate) mod leftovers;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempPath};

use crate::error::{Error, Result};

/// A hidden temporary file in the folder of `path`, removed when dropped, with the rights of any new file.
///
/// # Errors
/// [`Error::Output`] where the folder is missing or cannot be written to.
pub fn temporary_beside(path: &Path) -> Result<NamedTempFile> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if !folder.is_dir() {
        return Err(Error::output(path, format!("its folder {} does not exist; make it first", folder.display())));
    }
    let prefix = format!(".{}.", path.file_name().map(|n| n.to_string_lossy()).unwrap_or_default());
    let mut builder = tempfile::Builder::new();
    // The rights of any new file, which the umask then narrows.
    builder.prefix(&prefix).suffix(".tmp").permissions(std::fs::Permissions::from_mode(0o666));
    leftovers::noted(|| builder.tempfile_in(folder), NamedTempFile::path)
        .map_err(|e| Error::output(path, format!("cannot be written to {}: {e}", folder.display())))
}

/// Gives a finished file, and its index where it has one, their final names; returns the index's path.
///
/// # Errors
/// [`Error::Output`] where that fails; nothing is left under the final names then.
pub fn place(file: TempPath, path: &Path, index: Option<(TempPath, PathBuf)>) -> Result<Option<PathBuf>> {
    let named = |file: TempPath, path: &Path| {
        file.persist(path).map_err(|e| Error::output(path, format!("cannot be written: {}", e.error)))
    };
    let _whole = leftovers::hold();
    named(file, path)?;
    let Some((index, index_path)) = index else { return Ok(None) };
    // A file without its index looks whole to no pipeline that asks for both.
    named(index, &index_path).inspect_err(|_| drop(std::fs::remove_file(path)))?;
    Ok(Some(index_path))
}
