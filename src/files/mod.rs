//! A final name -> a file that is complete or absent: written under a temporary name in the same folder, then renamed.
//!
//! The temporary name is `.NAME.varpix-BOOT-PROCESS-XXXXXX.tmp`. It is removed however the run ends, except by SIGKILL or a crash of
//! the machine; then the next run of the same outputs removes it where it can be certain that nobody writes it (`abandoned`). A run that can be resumed writes to `NAME.varpix-part` ([`part_of`]) and keeps a
//! [`journal`] beside it; both stay where it ends early.

mod abandoned;
mod apart;
pub(crate) mod input;
pub mod journal;
pub(crate) mod leftovers;
mod part;
mod place;
mod stdout;

use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

pub use abandoned::remove_abandoned;
pub use apart::Files;
pub use part::{Destination, PartState, Storage, journal_of, part_of};
pub use place::{Unplaced, Whole, place, place_last};
pub use stdout::{stdout, stdout_error};

use crate::error::{Error, Result};
use crate::files::input::with_suffix;

/// Bytes of the final name that the temporary name repeats: with prefix and suffix it stays below the limit of 255 of most file systems.
const NAME_BYTES: usize = 200;

/// A hidden temporary file in the folder of `path`, removed when dropped, with the permissions of a new file.
///
/// # Errors
/// [`Error::Output`] where the folder is missing or cannot be written to, or where `path` cannot become a file: it is too long, or
/// a folder, pipe or device.
pub fn temporary_beside(path: &Path) -> Result<NamedTempFile> {
    let folder = folder(path);
    if !folder.is_dir() {
        return Err(Error::output(path, format!("its folder {} does not exist; create it first", folder.display())));
    }
    vacant(path)?;
    let prefix = format!("{}{}", hidden(path), abandoned::maker());
    let mut builder = tempfile::Builder::new();
    // The permissions of a new file, which the umask restricts.
    builder.prefix(&prefix).suffix(abandoned::SUFFIX).permissions(std::fs::Permissions::from_mode(0o666));
    let made = leftovers::noted(|| builder.tempfile_in(folder), NamedTempFile::path)
        .map_err(|e| Error::output(path, format!("cannot be written to {}: {e}", folder.display())))?;
    abandoned::hold(made.path(), made.as_file());
    Ok(made)
}

/// Writes `bytes` to a file atomically.
///
/// # Errors
/// [`Error::Output`] where that fails; what was there before is there still.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    place(vec![Whole::of_bytes(path, bytes)?]).map(drop)
}

/// Lets `make` write a file under a temporary path, which is then renamed.
///
/// # Errors
/// That of `make`, or [`Error::Output`]; what was there before is there still.
pub fn write_with(path: &Path, make: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let (_, temporary) = temporary_beside(path)?.into_parts();
    make(&temporary)?;
    place(vec![Whole::new(temporary, path)?]).map(drop)
}

/// The possible names of the index of a file; none if files of its kind have no index.
#[must_use]
pub fn index_names(path: &Path) -> Vec<PathBuf> {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let ends = |suffixes: &[&str]| suffixes.iter().any(|suffix| name.ends_with(suffix));
    let suffixes: &[&str] = if ends(&[".vcf.gz", ".vcf.bgz", ".bcf"]) {
        &[".tbi", ".csi"]
    } else if ends(&[".bam"]) {
        &[".bai", ".csi"]
    } else {
        &[]
    };
    suffixes.iter().map(|suffix| with_suffix(path, suffix)).collect()
}

/// Checks that `path` does not exist or is a file, so that it can be replaced.
///
/// # Errors
/// [`Error::Output`] for a folder, pipe or device, or an invalid name.
pub fn vacant(path: &Path) -> Result<()> {
    let kind = match path.metadata() {
        Ok(found) => found.file_type(),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(Error::output(path, format!("cannot be written: {e}"))),
    };
    let what = match kind {
        kind if kind.is_file() => return Ok(()),
        kind if kind.is_dir() => "folder",
        kind if kind.is_fifo() => "pipe",
        kind if kind.is_socket() => "socket",
        _ => "device",
    };
    Err(Error::output(path, format!("is a {what}; give the name of a file")))
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Waits until the names in the folder of `path` are on the disk. Best effort: some file systems cannot synchronise folders.
pub(crate) fn sync_folder(path: &Path) {
    let _ = std::fs::File::open(folder(path)).and_then(|folder| folder.sync_all());
}

/// The prefix of temporary names for `path`.
fn hidden(path: &Path) -> String {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    format!(".{}.varpix-", &name[..name.floor_char_boundary(NAME_BYTES)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_name_fits_where_its_final_name_does() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a".repeat(255), "ä".repeat(127), "a".into()] {
            let path = folder.path().join(&name);
            let file = temporary_beside(&path).unwrap();
            let temporary = file.path().file_name().unwrap().to_string_lossy().into_owned();
            assert!(
                temporary.starts_with(&format!(".{}", name.chars().next().unwrap())) && temporary.contains(".varpix-"),
                "{temporary}"
            );
            write(&path, b"x").unwrap();
            assert_eq!(std::fs::read(&path).unwrap(), b"x");
        }
        let long = folder.path().join("a".repeat(256));
        assert!(temporary_beside(&long).unwrap_err().to_string().contains("too long"));
    }

    #[test]
    fn what_is_no_file_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::create_dir(path("folder")).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(path("pipe")).status().unwrap().success());
        std::os::unix::fs::symlink("/dev/full", path("device")).unwrap();
        for (name, word) in [("folder", "is a folder"), ("pipe", "is a pipe"), ("device", "is a device")] {
            let error = write(&path(name), b"x").unwrap_err();
            assert!(error.exit_code() == 4 && error.to_string().contains(word), "{error}");
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);
        // A link that leads nowhere is a free name.
        std::os::unix::fs::symlink(path("nowhere"), path("link")).unwrap();
        write(&path("link"), b"x").unwrap();
        assert_eq!(std::fs::read(path("link")).unwrap(), b"x");
        assert!(write(&path("none/x"), b"x").unwrap_err().to_string().contains("does not exist"));
    }

    #[test]
    fn indexes_are_named_as_tools_look_for_them() {
        let names = |path: &str| -> Vec<String> {
            index_names(Path::new(path)).iter().map(|name| name.display().to_string()).collect()
        };
        assert_eq!(names("d/a.g.vcf.gz"), ["d/a.g.vcf.gz.tbi", "d/a.g.vcf.gz.csi"]);
        assert_eq!(names("a.bam"), ["a.bam.bai", "a.bam.csi"]);
        assert!(names("a.vcf").is_empty() && names("-").is_empty());
    }
}
