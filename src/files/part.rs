//! An output that outlives its run -> its name until it is whole, and how much of it is known to be on the disk.

use std::fs::File;
use std::io::{self, BufReader, Read as _};
use std::path::{Path, PathBuf};

use flate2::CrcReader;

use crate::files::input::with_suffix;

/// Bytes read at once.
const CHUNK: usize = 1 << 18;

/// How an output is stored until it has its final name.
#[derive(Clone, Debug, Default)]
pub enum Storage {
    /// Under a temporary name, removed however the run ends.
    #[default]
    Temporary,
    /// Under the name of [`part_of`], which stays where the run ends early: from the start, or from what an earlier run wrote.
    Part(Option<PartState>),
}

/// Where an output goes, and how it is stored until then.
#[derive(Clone, Debug)]
pub struct Destination<'a> {
    /// Its final name; `-` is standard output.
    pub path: &'a Path,
    /// How it is stored.
    pub storage: Storage,
}

impl<'a> From<&'a Path> for Destination<'a> {
    fn from(path: &'a Path) -> Self {
        Self { path, storage: Storage::Temporary }
    }
}

impl<'a> From<&'a PathBuf> for Destination<'a> {
    fn from(path: &'a PathBuf) -> Self {
        path.as_path().into()
    }
}

/// What of an unfinished output is final.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartState {
    /// Bytes in the file.
    pub bytes: u64,
    /// CRC-32 of these.
    pub crc32: u32,
    /// What follows them, uncompressed: the beginning of the next BGZF block. Empty in files that are not BGZF.
    pub staged: Vec<u8>,
}

impl PartState {
    /// True where a file begins with these bytes. What follows them is of no account.
    #[must_use]
    pub fn is_in(&self, path: &Path) -> bool {
        self.bytes == 0 || File::open(path).and_then(|file| crc32(file, self.bytes)).is_ok_and(|sum| sum == self.crc32)
    }
}

/// The CRC-32 of a file's first bytes.
fn crc32(file: File, bytes: u64) -> io::Result<u32> {
    let mut file = CrcReader::new(BufReader::with_capacity(CHUNK, file.take(bytes)));
    let read = io::copy(&mut file, &mut io::sink())?;
    if read < bytes { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(file.crc().sum()) }
}

/// The name of an output until it is whole, where its part is kept.
#[must_use]
pub fn part_of(path: &Path) -> PathBuf {
    with_suffix(path, ".varpix-part")
}

/// The name of the journal of the run that writes an output.
#[must_use]
pub fn journal_of(path: &Path) -> PathBuf {
    with_suffix(path, ".varpix-journal")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_known_by_its_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.part");
        let mut sum = flate2::Crc::new();
        sum.update(b"whole");
        let state = PartState { bytes: 5, crc32: sum.sum(), staged: Vec::new() };
        assert!(!state.is_in(&path));
        for (content, is_in) in [("whole", true), ("whole and more", true), ("whol", false), ("wh\0\0\0", false)] {
            std::fs::write(&path, content).unwrap();
            assert_eq!(state.is_in(&path), is_in, "{content}");
        }
        assert!(PartState::default().is_in(&folder.path().join("none")));
    }
}
