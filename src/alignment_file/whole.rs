//! A path -> its format, checked for its end-of-file marker, and the index beside it.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::files::input::{ends_with_bgzf_eof, regular_file};
use crate::genome::reference::with_suffix;

/// How reads are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Bam,
    /// With major and minor version.
    Cram(u8, u8),
}

/// Checks that the file is there and not empty, and tells its format by its first bytes.
pub(super) fn format(path: &Path) -> Result<Format> {
    let mut file = regular_file(path)?;
    let length = file.metadata().map_err(|e| Error::input(path, format!("cannot be read: {e}")))?.len();
    if length == 0 {
        return Err(Error::input(path, "is empty; give an aligned, sorted and indexed BAM or CRAM file"));
    }
    let mut head = [0; 6];
    let neither = || Error::input(path, "is not a BAM or CRAM file");
    file.read_exact(&mut head).map_err(|_| neither())?;
    if head[..4] == *b"CRAM" {
        return Ok(Format::Cram(head[4], head[5]));
    }
    if head[..2] != [0x1f, 0x8b] {
        return Err(neither());
    }
    ends_whole(path)?;
    Ok(Format::Bam)
}

/// Checks that a BGZF file ends with the block that says so.
pub(crate) fn ends_whole(path: &Path) -> Result<()> {
    let mut file = File::open(path).map_err(|e| Error::input(path, format!("cannot be opened: {e}")))?;
    if ends_with_bgzf_eof(&mut file).unwrap_or(false) {
        return Ok(());
    }
    let end = file.metadata().map_or(0, |metadata| metadata.len());
    Err(Error::input(
        path,
        format!("is cut short: its end-of-file block is missing at byte {end}; copy or create it again"),
    ))
}

/// The index beside a reads file: its name with a suffix added, or with its own suffix replaced.
pub(super) fn find_index(path: &Path, format: Format) -> Result<PathBuf> {
    let suffixes: &[&str] = match format {
        Format::Bam => &["bai", "csi"],
        Format::Cram(..) => &["crai"],
    };
    let candidates =
        suffixes.iter().flat_map(|suffix| [with_suffix(path, &format!(".{suffix}")), path.with_extension(suffix)]);
    let Some(found) = candidates.into_iter().find(|candidate| candidate.exists()) else {
        let problem = match (format, with_suffix(path, ".bai").exists()) {
            (Format::Cram(..), true) => {
                format!(
                    "is a CRAM, which needs a .crai index, not a .bai; create it with 'samtools index {}'",
                    path.display()
                )
            }
            _ => format!("has no index; create it with 'samtools index {}'", path.display()),
        };
        return Err(Error::input(path, problem));
    };
    let age = |p: &Path| p.metadata().and_then(|m| m.modified()).ok();
    if age(&found) < age(path) {
        log::warn!("{} is older than {}; checking that they match", found.display(), path.display());
    }
    Ok(found)
}
