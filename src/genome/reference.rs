//! A FASTA file (plain or BGZF, indexed) -> windows of upper-case reference bases, N where the contig ends.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

use noodles_bgzf as bgzf;
use noodles_core::{Position, Region};
use noodles_fasta::{self as fasta, fai};

use super::{Contig, ContigId, Contigs, Interval};
use crate::error::{Error, Result};
pub(crate) use crate::input::with_suffix;

/// Bases read from the file at once, in bp: one BGZF block inflates to 65,280 bytes, so fewer would be read twice.
const CHUNK: u64 = 1 << 18;

/// The checked path of a FASTA file with its contigs; opened once per thread with [`ReferenceFile::open`].
#[derive(Clone, Debug)]
pub struct ReferenceFile {
    path: PathBuf,
    index: fai::Index,
    bgzf_index: Option<bgzf::gzi::Index>,
    contigs: Contigs,
}

impl ReferenceFile {
    /// Reads the indexes beside `path`.
    ///
    /// # Errors
    /// [`Error::Input`] where the file or an index is missing or unreadable, or where it is gzip but not BGZF.
    pub fn new(path: &Path) -> Result<Self> {
        let bgzipped = is_bgzf(path)?;
        let fai_path = with_suffix(path, ".fai");
        let how = format!("make it with 'samtools faidx {}'", path.display());
        if !fai_path.exists() {
            return Err(Error::input(path, format!("its index {} is missing; {how}", fai_path.display())));
        }
        let index =
            fai::fs::read(&fai_path).map_err(|e| Error::input(&fai_path, format!("not a FASTA index ({e}); {how}")))?;
        let bgzf_index = if bgzipped {
            let gzi_path = with_suffix(path, ".gzi");
            if !gzi_path.exists() {
                return Err(Error::input(path, format!("its index {} is missing; {how}", gzi_path.display())));
            }
            let index = bgzf::gzi::fs::read(&gzi_path)
                .map_err(|e| Error::input(&gzi_path, format!("not a BGZF index ({e}); {how}")))?;
            Some(index)
        } else {
            None
        };
        let contigs = index
            .as_ref()
            .iter()
            .map(|r| Contig { name: String::from_utf8_lossy(r.name()).into_owned(), length: r.length() })
            .collect::<Vec<_>>();
        if contigs.is_empty() {
            return Err(Error::input(&fai_path, format!("names no contig; {how}")));
        }
        Ok(Self { path: path.to_owned(), index, bgzf_index, contigs: Contigs::new(contigs) })
    }

    /// The contigs, in file order.
    #[must_use]
    pub fn contigs(&self) -> &Contigs {
        &self.contigs
    }

    /// The FASTA's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the file for one thread.
    ///
    /// # Errors
    /// [`Error::Input`] where it cannot be opened.
    pub fn open(&self) -> Result<Reference> {
        let file = File::open(&self.path).map_err(|e| Error::input(&self.path, format!("cannot be opened: {e}")))?;
        let reader = match &self.bgzf_index {
            Some(index) => Box::new(bgzf::io::IndexedReader::new(file, index.clone())) as Box<dyn Seekable>,
            None => Box::new(BufReader::new(file)),
        };
        Ok(Reference {
            path: self.path.clone(),
            contigs: self.contigs.clone(),
            reader: fasta::io::IndexedReader::new(reader, self.index.clone()),
            chunk: None,
        })
    }
}

/// What a FASTA reader needs of its file.
trait Seekable: std::io::BufRead + std::io::Seek + Send {}
impl<T: std::io::BufRead + std::io::Seek + Send> Seekable for T {}

/// One thread's reader of reference bases, with the last chunk kept.
pub struct Reference {
    path: PathBuf,
    contigs: Contigs,
    reader: fasta::io::IndexedReader<Box<dyn Seekable>>,
    chunk: Option<(ContigId, Interval, Vec<u8>)>,
}

impl Reference {
    /// The contigs, in file order.
    #[must_use]
    pub fn contigs(&self) -> &Contigs {
        &self.contigs
    }

    /// The bases of `interval` (0-based, half-open, within the contig): upper case, everything but A, C, G, T as N.
    ///
    /// # Errors
    /// [`Error::Input`] where the file is shorter than its index says or cannot be read.
    pub fn bases(&mut self, contig: ContigId, interval: Interval) -> Result<Vec<u8>> {
        let covered = self.chunk.as_ref().is_some_and(|(id, have, _)| {
            *id == contig && have.start() <= interval.start() && interval.end() <= have.end()
        });
        if !covered {
            let length = self.contigs.get(contig).length;
            let end = interval.end().max(interval.start() + CHUNK).min(length);
            let wanted = Interval::new(interval.start(), end);
            let bases = self.fetch(contig, wanted)?;
            self.chunk = Some((contig, wanted, bases));
        }
        let Some((_, have, bases)) = &self.chunk else {
            return Err(Error::Internal("reference chunk was not kept".into()));
        };
        let offset = to_usize(interval.start() - have.start());
        Ok(bases[offset..offset + to_usize(interval.len())].to_vec())
    }

    /// Like [`Reference::bases`], for any signed interval: positions off the contig are N.
    ///
    /// # Errors
    /// As [`Reference::bases`].
    pub fn window(&mut self, contig: ContigId, start: i64, end: i64) -> Result<Vec<u8>> {
        let length = i64::try_from(self.contigs.get(contig).length).unwrap_or(i64::MAX);
        let from = start.clamp(0, length);
        let to = end.clamp(from, length);
        let mut window = vec![b'N'; usize::try_from(from - start).unwrap_or(0).min(to_usize_i(end - start))];
        window.extend(self.bases(contig, Interval::new(from.unsigned_abs(), to.unsigned_abs()))?);
        window.resize(to_usize_i(end - start), b'N');
        Ok(window)
    }

    fn fetch(&mut self, contig: ContigId, interval: Interval) -> Result<Vec<u8>> {
        if interval.is_empty() {
            return Ok(Vec::new());
        }
        let name = self.contigs.get(contig).name.clone();
        let position = |p: u64| Position::new(to_usize(p));
        let (Some(start), Some(end)) = (position(interval.start() + 1), position(interval.end())) else {
            return Err(Error::Internal(format!("empty reference interval on {name}")));
        };
        let record = self.reader.query(&Region::new(name.clone(), start..=end)).map_err(|e| {
            Error::input(
                &self.path,
                format!("contig '{name}' cannot be read at {start}-{end}: {e}; is its index of this file?"),
            )
        })?;
        let mut bases = record.sequence().as_ref().to_vec();
        if bases.len() != to_usize(interval.len()) {
            return Err(Error::input(
                &self.path,
                format!(
                    "contig '{name}' ends before {end}; the file is cut short or its index is of another file (run samtools faidx)"
                ),
            ));
        }
        for base in &mut bases {
            *base = match base.to_ascii_uppercase() {
                known @ (b'A' | b'C' | b'G' | b'T') => known,
                _ => b'N',
            };
        }
        Ok(bases)
    }
}

/// Reference bases around a place, kept while a region is worked on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferenceWindow {
    /// Position of the first base, 0-based; negative where the window begins before the contig does.
    start: i64,
    bases: Vec<u8>,
}

impl ReferenceWindow {
    /// `bases` (upper-case A, C, G, T, N) from position `start`, 0-based.
    #[must_use]
    pub fn new(start: i64, bases: Vec<u8>) -> Self {
        Self { start, bases }
    }

    /// The base at `position` (0-based); N outside of the window.
    #[must_use]
    pub fn base(&self, position: i64) -> u8 {
        usize::try_from(position - self.start).ok().and_then(|i| self.bases.get(i)).copied().unwrap_or(b'N')
    }

    /// The bases `start..end` (0-based, half-open), or `None` where the window does not hold them all.
    #[must_use]
    pub fn slice(&self, start: i64, end: i64) -> Option<&[u8]> {
        let from = usize::try_from(start - self.start).ok()?;
        let to = usize::try_from(end - self.start).ok()?;
        self.bases.get(from..to)
    }
}

/// A genome coordinate as an index. Contigs are far shorter than the address space of the 64-bit machines we build for.
pub(crate) fn to_usize(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

fn to_usize_i(n: i64) -> usize {
    usize::try_from(n).unwrap_or(0)
}

/// True for BGZF, false for plain text.
fn is_bgzf(path: &Path) -> Result<bool> {
    let mut head = [0; 16];
    let mut file = File::open(path).map_err(|e| Error::input(path, format!("cannot be opened: {e}")))?;
    let n = file.read(&mut head).map_err(|e| Error::input(path, format!("cannot be read: {e}")))?;
    if n < 2 {
        return Err(Error::input(path, "is empty; give a FASTA file"));
    }
    if head[..2] != [0x1f, 0x8b] {
        return if head[0] == b'>' {
            Ok(false)
        } else {
            Err(Error::input(path, "is not a FASTA file: it does not begin with '>'"))
        };
    }
    // RFC 1952 FEXTRA with the subfield `BC` (SAM specification, section 4.1).
    if head[3] & 4 != 0 && head[12..14] == *b"BC" {
        Ok(true)
    } else {
        Err(Error::input(
            path,
            "is compressed with gzip, which cannot be read at random; unpack it or compress it with bgzip, then run samtools faidx",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::ReferenceBuilder;

    #[test]
    fn windows_are_padded_with_n_and_upper_case() {
        let made = ReferenceBuilder::new().contig("1", "acgtRACGT").build();
        let mut reference = made.open();
        assert_eq!(reference.window(ContigId(0), -2, 6).unwrap(), b"NNACGTNA");
        assert_eq!(reference.window(ContigId(0), 7, 12).unwrap(), b"GTNNN");
        assert_eq!(reference.window(ContigId(0), 20, 22).unwrap(), b"NN");
    }

    #[test]
    fn a_second_contig_and_long_windows() {
        let long: String = "ACGTTGCA".repeat(50_000);
        let made = ReferenceBuilder::new().contig("1", "AC").contig("2", &long).build();
        let mut reference = made.open();
        assert_eq!(reference.bases(ContigId(1), Interval::new(0, 400_000)).unwrap(), long.as_bytes());
        assert_eq!(reference.bases(ContigId(0), Interval::new(1, 2)).unwrap(), b"C");
        assert_eq!(reference.bases(ContigId(1), Interval::new(399_996, 400_000)).unwrap(), b"TGCA");
    }

    #[test]
    fn plain_gzip_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.fa.gz");
        std::fs::write(&path, [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0]).unwrap();
        let message = ReferenceFile::new(&path).unwrap_err().to_string();
        assert!(message.contains("bgzip"), "{message}");
    }
}
