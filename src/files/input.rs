//! A path of an input -> an open, seekable file, or an error that says why not.
//!
//! Inputs are read several times, out of order and by several threads. A pipe, a folder or a URL allows none of that, and opening
//! a pipe without a writer blocks, so the file type is checked before a file is opened.

use std::fs::{File, FileType};
use std::io::{self, BufRead, BufReader, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;

use crate::error::{Error, Result};

/// The empty block that ends a complete BGZF file (SAM specification, section 4.1.2).
const BGZF_EOF: [u8; 28] =
    [0x1f, 0x8b, 8, 4, 0, 0, 0, 0, 0, 0xff, 6, 0, 0x42, 0x43, 2, 0, 0x1b, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// Opens a regular file.
///
/// # Errors
/// [`Error::Input`] where there is none, where it is a folder, pipe, socket or device, or where the path stands for standard
/// input, an open descriptor or another machine's file.
pub fn regular_file(path: &Path) -> Result<File> {
    let opened = |e: std::io::Error| Error::input(path, format!("cannot be opened: {e}"));
    not_elsewhere(path)?;
    // Checked before opening, which blocks on a pipe.
    must_be_regular(path, path.metadata().map_err(opened)?.file_type())?;
    let file = File::open(path).map_err(opened)?;
    // Checked again on the open file: the path may have been replaced in between.
    must_be_regular(path, file.metadata().map_err(opened)?.file_type())?;
    Ok(file)
}

/// Whether two paths are the same file: in another spelling, through symbolic links, or as hard links.
///
/// A path that does not exist is compared by its folder and name.
#[must_use]
pub fn same_file(a: &Path, b: &Path) -> bool {
    if let (Ok(a), Ok(b)) = (a.metadata(), b.metadata())
        && (a.dev(), a.ino()) == (b.dev(), b.ino())
    {
        return true;
    }
    resolved(a) == resolved(b)
}

/// A path with a suffix appended, as in the names of indexes.
pub(crate) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Whether a BGZF file ends with its end-of-file block; moves the file's position.
pub(crate) fn ends_with_bgzf_eof(file: &mut File) -> io::Result<bool> {
    let mut tail = Vec::new();
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(length.saturating_sub(BGZF_EOF.len() as u64)))?;
    file.take(BGZF_EOF.len() as u64).read_to_end(&mut tail)?;
    Ok(tail == BGZF_EOF)
}

/// A file's content, unpacked where it is gzip, whatever its name; `None` for BGZF without its last block: cut between two blocks it would
/// still be whole gzip.
pub(crate) fn unpacked(mut file: File) -> io::Result<Option<Box<dyn BufRead + Send>>> {
    let mut head = Vec::new();
    (&mut file).take(16).read_to_end(&mut head)?;
    let is_gzip = head.starts_with(&BGZF_EOF[..2]);
    if is_gzip && head.get(12..14) == Some(b"BC") && !ends_with_bgzf_eof(&mut file)? {
        return Ok(None);
    }
    file.rewind()?;
    let file = BufReader::new(file);
    Ok(Some(if is_gzip { Box::new(BufReader::new(MultiGzDecoder::new(file))) } else { Box::new(file) }))
}

/// The path without links, `.` and `..`, as far as it exists.
fn resolved(path: &Path) -> PathBuf {
    if let Ok(path) = path.canonicalize() {
        return path;
    }
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else { return path.to_path_buf() };
    let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
    resolved(parent).join(name)
}

/// Rejects standard input, descriptors and URLs.
fn not_elsewhere(path: &Path) -> Result<()> {
    let name = path.to_string_lossy();
    let problem = if name.is_empty() {
        return Err(Error::input(path, "an empty path was given for an input; give the path of a file"));
    } else if name == "-" || name == "/dev/stdin" || name.starts_with("/dev/fd/") || name.starts_with("/proc/self/fd/")
    {
        "cannot be standard input or a pipe: inputs are read several times and out of order; give the path of a regular file"
    } else if is_url(&name) {
        "is a remote file; varpix reads nothing over the network: download it with its index and give the local path"
    } else {
        return Ok(());
    };
    Err(Error::input(path, problem))
}

fn is_url(name: &str) -> bool {
    name.split_once("://").is_some_and(|(scheme, _)| {
        scheme.len() > 1 && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    })
}

fn must_be_regular(path: &Path, kind: FileType) -> Result<()> {
    let what = match kind {
        kind if kind.is_file() => return Ok(()),
        kind if kind.is_dir() => "is a folder",
        kind if kind.is_fifo() => "is a pipe",
        kind if kind.is_socket() => "is a socket",
        _ => "is a device",
    };
    Err(Error::input(
        path,
        format!("{what}; inputs are read several times and out of order: give the path of a regular file"),
    ))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn problem(path: &Path) -> String {
        regular_file(path).map(drop).unwrap_err().to_string()
    }

    #[test]
    fn only_a_regular_file_is_opened() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.bam");
        std::fs::write(&file, "x").unwrap();
        let link = folder.path().join("link.bam");
        symlink(&file, &link).unwrap();
        assert!(regular_file(&file).is_ok());
        assert!(regular_file(&link).is_ok());
        assert!(problem(folder.path()).contains("is a folder"));
        assert!(problem(&folder.path().join("b.bam")).contains("cannot be opened"));
        assert!(problem(Path::new("/dev/null")).contains("is a device"));
        assert!(problem(Path::new("")).contains("empty path"));
    }

    #[test]
    fn a_pipe_without_a_writer_is_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert!(problem(&pipe).contains("is a pipe"));
    }

    #[test]
    fn what_is_no_file_of_this_machine_is_refused_by_its_name() {
        for name in ["-", "/dev/stdin", "/dev/fd/3", "/proc/self/fd/0"] {
            assert!(problem(Path::new(name)).contains("standard input"), "{name}");
        }
        for name in ["https://a.org/b.bam", "ftp://a/b.cram", "s3://a/b.bam", "gs://a/b.bam"] {
            assert!(problem(Path::new(name)).contains("remote file"), "{name}");
        }
    }

    #[test]
    fn one_file_by_several_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("a"), "x").unwrap();
        std::fs::write(path("b"), "x").unwrap();
        std::fs::create_dir(path("folder")).unwrap();
        std::fs::hard_link(path("a"), path("hard")).unwrap();
        symlink(path("a"), path("soft")).unwrap();
        symlink(path("folder"), path("other")).unwrap();
        for same in ["a", "./a", "folder/../a", "hard", "soft"] {
            assert!(same_file(&path("a"), &path(same)), "{same}");
        }
        assert!(!same_file(&path("a"), &path("b")));
        // Not there yet, as outputs are.
        assert!(same_file(&path("folder/new"), &path("other/new")));
        assert!(same_file(&path("new"), &path("./new")));
        assert!(!same_file(&path("new"), &path("newer")));
        assert!(!same_file(&path("new"), &path("a")));
        assert!(same_file(&path("missing/new"), &path("missing/new")));
    }
}
