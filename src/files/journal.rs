//! What a run has finished -> a small file that tells a later run where to go on; and back, as far as that file is whole.
//!
//! A line that names the format is followed by frames: a line with length and CRC-32 of the content (hexadecimal), the content, and the end
//! of the line. The first frame says what the run does, each later one where it stood. A frame is on the disk before the run goes on, so
//! that only the last one can be cut short or damaged when the machine stops; what follows the last whole frame is ignored.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use flate2::Crc;

use crate::error::{Error, Result};
use crate::files::input::with_suffix;
use crate::files::sync_folder;

/// The first line.
const FORMAT: &str = "varpix journal 1\n";
/// A journal longer than this is replaced by its first frame and the next one: earlier ones are of no use.
const LONGEST: u64 = 4 << 20;
/// Most bytes that are read: two frames are far below, whatever lies there.
const MOST_READ: u64 = LONGEST + (64 << 20);
/// Length of a line before a frame: two numbers of eight digits.
const FRAME_LINE: usize = 18;

/// The whole frames of a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frames {
    /// What the run does.
    pub first: Vec<u8>,
    /// Where it stood, from the earliest to the latest.
    pub marks: Vec<Vec<u8>>,
}

/// A journal to write to.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    length: u64,
    first: Vec<u8>,
}

/// Reads a journal; `None` where there is none, or not one whole frame.
///
/// # Errors
/// [`Error::Output`] for a file that cannot be read, or is no journal of this version.
pub fn read(path: &Path) -> Result<Option<Frames>> {
    let file = match File::open(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(|e| cannot(path, "read", &e))?,
    };
    let mut bytes = Vec::new();
    file.take(MOST_READ).read_to_end(&mut bytes).map_err(|e| cannot(path, "read", &e))?;
    let Some(mut rest) = bytes.strip_prefix(FORMAT.as_bytes()) else {
        // The beginning of a first line that was cut short.
        if FORMAT.as_bytes().starts_with(&bytes) {
            return Ok(None);
        }
        return Err(Error::output(path, "is not a journal of this version of varpix; remove it to start anew"));
    };
    let mut frames = std::iter::from_fn(|| {
        let (content, after) = frame(rest)?;
        rest = after;
        Some(content.to_vec())
    });
    let Some(first) = frames.next() else { return Ok(None) };
    Ok(Some(Frames { first, marks: frames.collect() }))
}

/// The content of the frame that `bytes` begin with, and what follows it; `None` where it is not whole.
fn frame(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (line, rest) = bytes.split_at_checked(FRAME_LINE)?;
    let line = std::str::from_utf8(line).ok()?.strip_suffix('\n')?;
    let (length, sum) = line.split_once(' ')?;
    let length = usize::try_from(u32::from_str_radix(length, 16).ok()?).ok()?;
    let (content, rest) = rest.split_at_checked(length)?;
    let rest = rest.strip_prefix(b"\n")?;
    (u32::from_str_radix(sum, 16).ok()? == sum_of(content)).then_some((content, rest))
}

fn framed(content: &[u8]) -> Vec<u8> {
    let line = format!("{:08x} {:08x}\n", content.len(), sum_of(content));
    [line.as_bytes(), content, b"\n"].concat()
}

fn sum_of(bytes: &[u8]) -> u32 {
    let mut sum = Crc::new();
    sum.update(bytes);
    sum.sum()
}

impl Journal {
    /// A new journal, or one that goes on after a mark; what was there is replaced once it is on the disk.
    ///
    /// # Errors
    /// [`Error::Output`] where it cannot be written.
    pub fn create(path: &Path, first: &[u8], mark: Option<&[u8]>) -> Result<Self> {
        let (file, length) = replaced(path, first, mark).map_err(|e| cannot(path, "written", &e))?;
        Ok(Self { path: path.to_owned(), file, length, first: first.to_owned() })
    }

    /// Adds a mark, and waits until it is on the disk.
    ///
    /// # Errors
    /// [`Error::Output`] where it cannot be written.
    pub fn mark(&mut self, content: &[u8]) -> Result<()> {
        self.put(content).map_err(|e| cannot(&self.path, "written", &e))
    }

    fn put(&mut self, content: &[u8]) -> io::Result<()> {
        if self.length > LONGEST {
            (self.file, self.length) = replaced(&self.path, &self.first, Some(content))?;
            return Ok(());
        }
        let frame = framed(content);
        self.file.write_all(&frame)?;
        self.length += frame.len() as u64;
        self.file.sync_data()
    }
}

/// Removes a journal, if there is one.
///
/// # Errors
/// [`Error::Output`] where that fails.
pub fn remove(path: &Path) -> Result<()> {
    for name in names(path) {
        match std::fs::remove_file(&name) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(cannot(&name, "removed", &e)),
            _ => {}
        }
    }
    Ok(())
}

/// The names that a journal has, or may have while it is written.
#[must_use]
pub fn names(path: &Path) -> [PathBuf; 2] {
    [path.to_owned(), beside(path)]
}

/// Writes a journal under another name, then renames it.
fn replaced(path: &Path, first: &[u8], mark: Option<&[u8]>) -> io::Result<(File, u64)> {
    let new = beside(path);
    let frames = std::iter::once(first).chain(mark).flat_map(framed);
    let bytes: Vec<u8> = FORMAT.bytes().chain(frames).collect();
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(&new)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    sync_folder(path);
    Ok((file, bytes.len() as u64))
}

/// The name of a journal that is being written.
fn beside(path: &Path) -> PathBuf {
    with_suffix(path, ".new")
}

fn cannot(path: &Path, be: &str, error: &io::Error) -> Error {
    Error::output(path, format!("cannot be {be}: {error}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    struct Scratch(tempfile::TempDir);

    impl Scratch {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn path(&self) -> PathBuf {
            self.0.path().join("journal")
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let scratch = Scratch::new();
        assert_eq!(read(&scratch.path()).unwrap(), None);
        let mut journal = Journal::create(&scratch.path(), b"first", None).unwrap();
        journal.mark(b"one\n").unwrap();
        journal.mark(b"").unwrap();
        let found = read(&scratch.path()).unwrap().unwrap();
        assert_eq!(found, Frames { first: b"first".to_vec(), marks: vec![b"one\n".to_vec(), Vec::new()] });
        // One that goes on has the mark it goes on from, and no other.
        let mut journal = Journal::create(&scratch.path(), b"first", Some(b"one\n")).unwrap();
        journal.mark(b"three").unwrap();
        let found = read(&scratch.path()).unwrap().unwrap();
        assert_eq!(found.marks, [b"one\n".to_vec(), b"three".to_vec()]);
        remove(&scratch.path()).unwrap();
        assert_eq!(std::fs::read_dir(scratch.0.path()).unwrap().count(), 0);
        remove(&scratch.path()).unwrap();
    }

    #[test]
    fn a_long_journal_is_replaced_by_its_last_mark() {
        let scratch = Scratch::new();
        let mut journal = Journal::create(&scratch.path(), b"first", None).unwrap();
        let mark = vec![b'x'; 1 << 20];
        for n in 0_u8..12 {
            journal.mark(&[&[n], mark.as_slice()].concat()).unwrap();
            let found = read(&scratch.path()).unwrap().unwrap();
            assert!(found.first == b"first" && found.marks.last().unwrap()[0] == n && found.marks.len() < 7);
        }
        assert!(std::fs::metadata(scratch.path()).unwrap().len() < 2 * LONGEST);
    }

    #[test]
    fn another_file_is_refused() {
        let scratch = Scratch::new();
        for (content, refused) in [("", false), ("varpix jour", false), ("varpix journal 2\n", true), ("text", true)] {
            std::fs::write(scratch.path(), content).unwrap();
            let outcome = read(&scratch.path());
            assert_eq!(outcome.is_err(), refused, "{content}");
            if let Ok(found) = outcome {
                assert_eq!(found, None);
            }
        }
    }

    proptest! {
        /// However a journal is cut short or damaged, marks before that are read, and no other.
        #[test]
        fn a_torn_tail_is_cut_back(
            marks in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..6),
            cut in 0.0_f64..1.0,
            damage in any::<bool>(),
        ) {
            let scratch = Scratch::new();
            let mut journal = Journal::create(&scratch.path(), b"first", None).unwrap();
            for mark in &marks {
                journal.mark(mark).unwrap();
            }
            let mut bytes = std::fs::read(scratch.path()).unwrap();
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
            let at = FORMAT.len() + ((bytes.len() - FORMAT.len()) as f64 * cut) as usize;
            // How many marks end before that place.
            let mut end = FORMAT.len() + framed(b"first").len();
            let first_is_whole = end <= at;
            let whole = marks.iter().take_while(|mark| { end += framed(mark).len(); end <= at }).count();
            if damage {
                bytes[at..].iter_mut().for_each(|byte| *byte = 0);
            } else {
                bytes.truncate(at);
            }
            std::fs::write(scratch.path(), &bytes).unwrap();
            match read(&scratch.path()).unwrap() {
                Some(found) => prop_assert!(first_is_whole && found.marks == marks[..whole]),
                None => prop_assert!(!first_is_whole),
            }
        }
    }
}
