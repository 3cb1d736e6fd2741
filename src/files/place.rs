//! Complete files under temporary names -> the same files under their final names: all of them, or none, with everything as before.
//!
//! Indexes of earlier runs are moved away first, then the files are renamed, then their indexes. If the machine stops between
//! two of these steps, a file may lack its index, but never has the index of another file; what was moved away is kept next to it as
//! `.NAME.varpix-XXXXXX.old`, which no later run removes.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempPath};

use crate::error::{Error, Result};
use crate::files::{folder, hidden, index_names, leftovers, sync_folder, temporary_beside};

/// The name of a file until it has its final one.
#[derive(Debug)]
pub enum Unplaced {
    /// One that is removed unless the file is renamed.
    Temporary(TempPath),
    /// One that stays.
    Part(PathBuf),
}

impl Unplaced {
    fn path(&self) -> &Path {
        match self {
            Self::Temporary(path) => path,
            Self::Part(path) => path,
        }
    }

    /// Renames the file; gives the name that it had, where that is to be given back should a later step fail.
    fn renamed(self, name: &Path) -> io::Result<Option<PathBuf>> {
        match self {
            Self::Temporary(path) => path.persist(name).map(|()| None).map_err(|e| e.error),
            Self::Part(path) => std::fs::rename(&path, name).map(|()| Some(path)),
        }
    }
}

impl From<TempPath> for Unplaced {
    fn from(path: TempPath) -> Self {
        Self::Temporary(path)
    }
}

/// A file that is complete and on the disk, with its index if it has one; neither has its final name.
#[derive(Debug)]
pub struct Whole {
    file: (Unplaced, PathBuf),
    index: Option<(Unplaced, PathBuf)>,
}

impl Whole {
    /// Takes a complete file whose final name is `path`, and waits until it is on the disk.
    ///
    /// # Errors
    /// [`Error::Output`] if it cannot be written to the disk.
    pub fn new(unplaced: impl Into<Unplaced>, path: &Path) -> Result<Self> {
        Ok(Self { file: on_disk(unplaced.into(), path)?, index: None })
    }

    /// Adds its complete index, whose final name is `path`.
    ///
    /// # Errors
    /// As [`Whole::new`].
    pub fn with_index(self, unplaced: impl Into<Unplaced>, path: &Path) -> Result<Self> {
        Ok(Self { index: Some(on_disk(unplaced.into(), path)?), ..self })
    }

    /// Writes a file whose final name is `path`.
    ///
    /// # Errors
    /// [`Error::Output`] where that fails.
    pub fn of_bytes(path: &Path, bytes: &[u8]) -> Result<Self> {
        let (mut file, temporary) = temporary_beside(path)?.into_parts();
        file.write_all(bytes).map_err(|e| cannot(path, &e))?;
        Self::new(temporary, path)
    }
}

fn on_disk(unplaced: Unplaced, path: &Path) -> Result<(Unplaced, PathBuf)> {
    File::open(unplaced.path()).and_then(|file| file.sync_all()).map_err(|e| cannot(path, &e))?;
    Ok((unplaced, path.to_owned()))
}

/// Gives the files their final names; returns these, each file's before its index's.
///
/// # Errors
/// [`Error::Output`] where that fails; what was there before is there still.
pub fn place(files: Vec<Whole>) -> Result<Vec<PathBuf>> {
    place_before(files, || ())
}

/// As [`place`], for the last outputs of a run: a later signal does not fail it.
///
/// # Errors
/// As [`place`].
pub fn place_last(files: Vec<Whole>) -> Result<Vec<PathBuf>> {
    place_before(files, leftovers::all_is_done)
}

fn place_before(files: Vec<Whole>, then: impl FnOnce()) -> Result<Vec<PathBuf>> {
    let mut done = Vec::new();
    // A signal waits until all files are renamed.
    let _whole = leftovers::hold();
    match named(files, &mut done) {
        Ok(names) => {
            then();
            for name in &names {
                sync_folder(name);
            }
            Ok(names)
        }
        Err(e) => {
            done.into_iter().rev().for_each(Step::undo);
            Err(e)
        }
    }
}

/// A step that can be undone. Dropping it deletes what was there before.
enum Step {
    /// The file that had the name was moved.
    MovedAway { name: PathBuf, kept: TempPath },
    /// A new file has the name; the one that had it before, if any, was moved. `part` is the name to give back to the new file, if it is to stay.
    Named { name: PathBuf, before: Before, part: Option<PathBuf> },
}

enum Before {
    Nothing,
    Kept(TempPath),
    /// The file system has no hard links.
    Lost,
}

impl Step {
    /// Failures here are ignored: the original failure is reported.
    fn undo(self) {
        let (name, before) = match self {
            Self::MovedAway { name, kept } => (name, Before::Kept(kept)),
            Self::Named { name, before, part } => {
                if let Some(part) = part {
                    let _ = std::fs::rename(&name, part);
                }
                (name, before)
            }
        };
        match before {
            Before::Kept(kept) => drop(kept.persist(name)),
            Before::Nothing => drop(std::fs::remove_file(name)),
            Before::Lost => {}
        }
    }
}

fn named(files: Vec<Whole>, done: &mut Vec<Step>) -> Result<Vec<PathBuf>> {
    let is_there = |name: &Path| name.symlink_metadata().is_ok_and(|found| !found.is_dir());
    for (_, name) in files.iter().map(|whole| &whole.file) {
        for index in index_names(name).into_iter().filter(|index| is_there(index)) {
            let kept = beside(&index, |other| std::fs::rename(&index, other)).map_err(|e| cannot(&index, &e))?;
            done.push(Step::MovedAway { name: index, kept });
        }
    }
    let mut indexes = Vec::new();
    let mut names = Vec::new();
    for Whole { file: (unplaced, name), index } in files {
        let before = if is_there(&name) {
            beside(&name, |other| std::fs::hard_link(&name, other)).map_or(Before::Lost, Before::Kept)
        } else {
            Before::Nothing
        };
        let part = unplaced.renamed(&name).map_err(|e| cannot(&name, &e))?;
        names.push(name.clone());
        names.extend(index.as_ref().map(|(_, name)| name.clone()));
        done.push(Step::Named { name, before, part });
        indexes.extend(index);
    }
    for (unplaced, name) in indexes {
        let part = unplaced.renamed(&name).map_err(|e| cannot(&name, &e))?;
        done.push(Step::Named { name, before: Before::Nothing, part });
    }
    Ok(names)
}

/// Puts something under a free name beside `path`.
fn beside(path: &Path, put: impl FnMut(&Path) -> io::Result<()>) -> io::Result<TempPath> {
    tempfile::Builder::new()
        .prefix(&hidden(path))
        .suffix(".old")
        .make_in(folder(path), put)
        .map(NamedTempFile::into_temp_path)
}

fn cannot(path: &Path, error: &io::Error) -> Error {
    Error::output(path, format!("cannot be written: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new(files: &[(&str, &str)]) -> Self {
            let folder = Self(tempfile::tempdir().unwrap());
            for (name, content) in files {
                std::fs::write(folder.path(name), content).unwrap();
            }
            folder
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        fn whole(&self, name: &str, index: Option<&str>) -> Whole {
            let whole = Whole::of_bytes(&self.path(name), b"new").unwrap();
            let Some(index) = index else { return whole };
            let (mut file, temporary) = temporary_beside(&self.path(index)).unwrap().into_parts();
            file.write_all(b"new").unwrap();
            whole.with_index(temporary, &self.path(index)).unwrap()
        }

        /// All files, hidden ones too, with what they hold.
        fn content(&self) -> Vec<(String, String)> {
            let held = |path: &Path| std::fs::read_to_string(path).unwrap_or("folder".into());
            let entries = std::fs::read_dir(self.0.path()).unwrap().map(Result::unwrap);
            let mut found: Vec<_> =
                entries.map(|entry| (entry.file_name().into_string().unwrap(), held(&entry.path()))).collect();
            found.sort();
            found
        }
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|&(name, held)| (name.into(), held.into())).collect()
    }

    #[test]
    fn all_have_their_names_and_no_index_of_before_is_left() {
        let folder =
            Folder::new(&[("a.vcf.gz", "old"), ("a.vcf.gz.csi", "old"), ("b.bam", "old"), ("b.bam.bai", "old")]);
        let files = vec![folder.whole("a.vcf.gz", Some("a.vcf.gz.tbi")), folder.whole("b.bam", Some("b.bam.bai"))];
        let names = place(files).unwrap();
        let shown: Vec<_> = names.iter().map(|name| name.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(shown, ["a.vcf.gz", "a.vcf.gz.tbi", "b.bam", "b.bam.bai"]);
        let expected = pairs(&[("a.vcf.gz", "new"), ("a.vcf.gz.tbi", "new"), ("b.bam", "new"), ("b.bam.bai", "new")]);
        assert_eq!(folder.content(), expected);
    }

    #[test]
    fn where_one_fails_all_is_as_it_was() {
        let before = [("a.vcf.gz", "old"), ("a.vcf.gz.csi", "old"), ("a.vcf.gz.tbi", "old")];
        let folder = Folder::new(&before);
        let files = vec![
            folder.whole("a.vcf.gz", Some("a.vcf.gz.tbi")),
            folder.whole("b.vcf.gz", Some("b.vcf.gz.tbi")),
            folder.whole("c.vcf.gz", Some("c.vcf.gz.tbi")),
        ];
        // A folder that came while the files were written.
        std::fs::create_dir(folder.path("c.vcf.gz")).unwrap();
        let error = place(files).unwrap_err();
        assert!(error.exit_code() == 4 && error.to_string().contains("c.vcf.gz"), "{error}");
        let mut expected = pairs(&before);
        expected.push(("c.vcf.gz".into(), "folder".into()));
        assert_eq!(folder.content(), expected);
    }

    #[test]
    fn a_part_stays_where_a_later_file_fails() {
        let before = [("a.vcf.gz", "old"), ("a.vcf.gz.varpix-part", "part"), ("a.vcf.gz.tbi.varpix-part", "part")];
        let folder = Folder::new(&before);
        let part = |name: &str| Unplaced::Part(folder.path(&format!("{name}.varpix-part")));
        let a = || {
            let whole = Whole::new(part("a.vcf.gz"), &folder.path("a.vcf.gz")).unwrap();
            whole.with_index(part("a.vcf.gz.tbi"), &folder.path("a.vcf.gz.tbi")).unwrap()
        };
        let files = vec![a(), folder.whole("c.vcf.gz", None)];
        std::fs::create_dir(folder.path("c.vcf.gz")).unwrap();
        place(files).unwrap_err();
        let mut expected = pairs(&before);
        expected.push(("c.vcf.gz".into(), "folder".into()));
        expected.sort();
        assert_eq!(folder.content(), expected);
        std::fs::remove_dir(folder.path("c.vcf.gz")).unwrap();
        place(vec![a()]).unwrap();
        assert_eq!(folder.content(), pairs(&[("a.vcf.gz", "part"), ("a.vcf.gz.tbi", "part")]));
    }

    #[test]
    fn an_index_that_cannot_be_named_takes_its_file_along() {
        let folder = Folder::new(&[("a.bcf", "old")]);
        let files = vec![folder.whole("a.bcf", Some("a.idx"))];
        std::fs::create_dir(folder.path("a.idx")).unwrap();
        place(files).unwrap_err();
        assert_eq!(folder.content(), pairs(&[("a.bcf", "old"), ("a.idx", "folder")]));
    }
}
