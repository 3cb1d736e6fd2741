//! A FASTA file (plain or BGZF, indexed) -> windows of upper-case reference bases, N where the contig ends.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use md5::{Digest as _, Md5};

use super::bytes::Bytes;
use super::fai::{self, Entry};
use super::gzi::Blocks;
use super::{Contig, ContigId, Contigs, Interval, index_check};
use crate::error::{Error, Result};
use crate::files::input::regular_file;
pub(crate) use crate::files::input::with_suffix;

/// Bases read from the file at once, in bp: one BGZF block inflates to 65,280 bytes, so fewer would be read twice.
const CHUNK: u64 = 1 << 18;
/// The same at a place that does not follow the one before.
const FIRST_CHUNK: u64 = 1 << 13;

/// The checked path of a FASTA file with its contigs; opened once per thread with [`ReferenceFile::open`].
#[derive(Clone, Debug)]
pub struct ReferenceFile {
    path: PathBuf,
    contigs: Contigs,
    /// Where each contig lies, in the order of `contigs`.
    entries: Arc<[Entry]>,
    /// None for a plain file.
    blocks: Option<Arc<Blocks>>,
    /// Names that the FASTA has twice.
    doubled: Arc<HashSet<String>>,
}

impl ReferenceFile {
    /// Reads the indexes beside `path` and checks them against the file.
    ///
    /// # Errors
    /// [`Error::Input`] where the file or an index is missing, unreadable or of another file, or where it is gzip but not BGZF.
    pub fn new(path: &Path) -> Result<Self> {
        let bgzipped = is_bgzf(path)?;
        let fai_path = with_suffix(path, ".fai");
        let how = |make: &str| format!("{make} with 'samtools faidx {}'", path.display());
        let there = |index: &Path| {
            let missing =
                || Error::input(path, format!("its index {} is missing; {}", index.display(), how("create it")));
            if index.exists() { Ok(()) } else { Err(missing()) }
        };
        there(&fai_path)?;
        let cannot = |e: std::io::Error| Error::input(&fai_path, format!("cannot be read: {e}"));
        let mut text = Vec::new();
        regular_file(&fai_path)?.read_to_end(&mut text).map_err(cannot)?;
        let mut entries = fai::parse(&text)
            .map_err(|e| Error::input(&fai_path, format!("not a FASTA index ({e}); {}", how("create it"))))?;
        if entries.is_empty() {
            return Err(Error::input(&fai_path, format!("lists no contigs; {}", how("create it"))));
        }
        let gzi_path = with_suffix(path, ".gzi");
        if bgzipped {
            there(&gzi_path)?;
        }
        let blocks = bgzipped.then(|| Blocks::read(&gzi_path, path).map(Arc::new)).transpose()?;
        let mut bytes = Bytes::new(regular_file(path)?, blocks.clone()).map_err(|e| unreadable(path, &e))?;
        let doubled = index_check::check(&entries, &mut bytes).map_err(|problem| {
            let problem = format!("does not match {}: {problem}; {}", path.display(), how("recreate it"));
            Error::input(&fai_path, problem)
        })?;
        let mut seen = HashSet::new();
        entries.retain(|entry| doubled.is_empty() || seen.insert(entry.name.clone()));
        let contigs = entries.iter().map(|entry| Contig { name: entry.name.clone(), length: entry.length }).collect();
        Ok(Self {
            path: path.to_owned(),
            contigs: Contigs::new(contigs),
            entries: entries.into(),
            blocks,
            doubled: Arc::new(doubled),
        })
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

    /// Whether the FASTA has two sequences of that name, of which the first is used.
    #[must_use]
    pub fn is_doubled(&self, name: &str) -> bool {
        self.doubled.contains(name)
    }

    /// Opens the file for one thread.
    ///
    /// # Errors
    /// [`Error::Input`] where it cannot be opened.
    pub fn open(&self) -> Result<Reference> {
        let bytes =
            Bytes::new(regular_file(&self.path)?, self.blocks.clone()).map_err(|e| unreadable(&self.path, &e))?;
        Ok(Reference {
            path: self.path.clone(),
            contigs: self.contigs.clone(),
            entries: Arc::clone(&self.entries),
            bytes,
            chunk: None,
        })
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Error {
    Error::input(path, format!("cannot be read: {error}"))
}

/// One thread's reader of reference bases, with the last chunk kept.
pub struct Reference {
    path: PathBuf,
    contigs: Contigs,
    entries: Arc<[Entry]>,
    bytes: Bytes,
    chunk: Option<(ContigId, Interval, Vec<u8>)>,
}

impl Reference {
    /// The contigs, in file order.
    #[must_use]
    pub fn contigs(&self) -> &Contigs {
        &self.contigs
    }

    /// The bases of `interval` (0-based, half-open, within the contig): upper case, U as T, everything but A, C, G, T as N.
    ///
    /// # Errors
    /// [`Error::Input`] where the file is not as its index says or cannot be read.
    pub fn bases(&mut self, contig: ContigId, interval: Interval) -> Result<Vec<u8>> {
        let have = self.chunk.as_ref().filter(|(id, ..)| *id == contig).map(|(_, have, _)| *have);
        if !have.is_some_and(|have| have.start() <= interval.start() && interval.end() <= have.end()) {
            let length = self.contigs.get(contig).length;
            // Reading ahead pays for what comes in order, not for places far from each other.
            let goes_on = have.is_some_and(|have| (have.start()..=have.end()).contains(&interval.start()));
            let ahead = if goes_on { CHUNK } else { FIRST_CHUNK };
            let end = interval.end().max(interval.start() + ahead).min(length);
            let wanted = Interval::new(interval.start(), end);
            let bases = self.few_bases(contig, wanted)?;
            self.chunk = Some((contig, wanted, bases));
        }
        let Some((_, have, bases)) = &self.chunk else {
            return Err(Error::Internal("reference chunk is missing".into()));
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

    /// Like [`Reference::bases`], without reading ahead: for single lookups.
    ///
    /// # Errors
    /// As [`Reference::bases`].
    pub fn few_bases(&mut self, contig: ContigId, interval: Interval) -> Result<Vec<u8>> {
        let mut bases = self.letters(contig, interval)?;
        for base in &mut bases {
            *base = match base.to_ascii_uppercase() {
                known @ (b'A' | b'C' | b'G' | b'T') => known,
                b'U' => b'T',
                _ => b'N',
            };
        }
        Ok(bases)
    }

    /// The letters of `interval` (0-based, half-open, within the contig) as the file has them.
    ///
    /// # Errors
    /// As [`Reference::bases`].
    pub fn letters(&mut self, contig: ContigId, interval: Interval) -> Result<Vec<u8>> {
        let (entry, name) = (&self.entries[contig.0], &self.contigs.get(contig).name);
        if interval.is_empty() {
            return Ok(Vec::new());
        }
        let wrong = |problem: &str| {
            let place = format!("contig '{name}' cannot be read at {}-{}", interval.start() + 1, interval.end());
            Error::input(
                &self.path,
                format!("{place}: {problem}; its index may belong to another file (run samtools faidx)"),
            )
        };
        if interval.end() > entry.length {
            return Err(wrong("it ends before that"));
        }
        let bytes = self
            .bytes
            .read(entry.byte_of(interval.start()), entry.byte_of(interval.end() - 1) + 1)
            .map_err(|e| wrong(&e.to_string()))?;
        let mut letters = Vec::with_capacity(to_usize(interval.len()));
        let mut rest = bytes.as_slice();
        let mut here = to_usize(entry.line_bases - interval.start() % entry.line_bases);
        while !rest.is_empty() {
            let (line, behind) = rest.split_at(here.min(rest.len()));
            let (line_end, next) = behind.split_at(to_usize(entry.line_width - entry.line_bases).min(behind.len()));
            // If a line ends elsewhere than the index says, all bases after it would be shifted.
            if line.iter().any(|byte| !byte.is_ascii_graphic() || *byte == b'>')
                || !line_end.iter().all(u8::is_ascii_whitespace)
            {
                return Err(wrong("its lines differ in length"));
            }
            letters.extend_from_slice(line);
            (rest, here) = (next, to_usize(entry.line_bases));
        }
        Ok(letters)
    }

    /// The MD5 of a contig, as `@SQ` has it in M5 (SAM specification, section 1.3.2): of its letters in upper case.
    ///
    /// # Errors
    /// As [`Reference::bases`].
    pub fn md5(&mut self, contig: ContigId) -> Result<String> {
        let length = self.contigs.get(contig).length;
        let mut digest = Md5::new();
        for start in (0..length).step_by(to_usize(CHUNK)) {
            let mut letters = self.letters(contig, Interval::new(start, (start + CHUNK).min(length)))?;
            letters.make_ascii_uppercase();
            digest.update(&letters);
        }
        Ok(digest.finalize().iter().fold(String::new(), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        }))
    }
}

/// Reference bases around a region, kept while it is processed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferenceWindow {
    /// Position of the first base, 0-based; negative where the window begins before the contig does.
    start: i64,
    bases: Vec<u8>,
    /// The contig's length, in bp, where it is known.
    contig_length: Option<i64>,
}

impl ReferenceWindow {
    /// `bases` (upper-case A, C, G, T, N) from position `start`, 0-based.
    #[must_use]
    pub fn new(start: i64, bases: Vec<u8>) -> Self {
        Self { start, bases, contig_length: None }
    }

    /// With the length of its contig, in bp.
    #[must_use]
    pub fn of_contig(self, length: u64) -> Self {
        Self { contig_length: i64::try_from(length).ok(), ..self }
    }

    /// The bases `start..end` (0-based, half-open), or `None` where the window does not hold them all or the contig does not.
    #[must_use]
    pub fn slice_of_contig(&self, start: i64, end: i64) -> Option<&[u8]> {
        let is_inside = start >= 0 && self.contig_length.is_none_or(|length| end <= length);
        self.slice(start, end).filter(|_| is_inside)
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

/// A genome coordinate as an index. Contigs are far shorter than a 64-bit address space.
pub(crate) fn to_usize(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

fn to_usize_i(n: i64) -> usize {
    usize::try_from(n).unwrap_or(0)
}

/// True for BGZF, false for plain text.
fn is_bgzf(path: &Path) -> Result<bool> {
    let mut head = Vec::new();
    regular_file(path)?.take(16).read_to_end(&mut head).map_err(|e| unreadable(path, &e))?;
    if head.len() < 2 {
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
    if head.len() == 16 && head[3] & 4 != 0 && head[12..14] == *b"BC" {
        Ok(true)
    } else {
        Err(Error::input(
            path,
            "is compressed with gzip, which does not allow random access; decompress it or compress it with bgzip, then run samtools faidx",
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
    fn the_order_of_windows_makes_no_difference() {
        let long: String =
            (0..700_000_u32).map(|i| char::from(b"ACGT"[(i.wrapping_mul(2_654_435_761) >> 29) as usize % 4])).collect();
        let made = ReferenceBuilder::new().contig("1", &long).build();
        let mut reference = made.open();
        let neighbours = (0..60).map(|i| 1000 + 9000 * i);
        for start in neighbours.chain([690_000, 3, 650_000, 300_000, 309_000, 300_500, 100]) {
            let window = Interval::new(start, start + 9500);
            let expected = &long.as_bytes()[to_usize(window.start())..to_usize(window.end())];
            assert_eq!(reference.bases(ContigId(0), window).unwrap(), expected, "{start}");
        }
    }

    #[test]
    fn md5_as_samtools_dict_has_it() {
        let made = ReferenceBuilder::new().contig("1", "acgtRACGT").build();
        // printf ACGTRACGT | md5sum
        assert_eq!(made.open().md5(ContigId(0)).unwrap(), "8f7a1c60d9f4971c31f2db9df0c68404");
    }

    #[test]
    fn uracil_is_thymine() {
        let made = ReferenceBuilder::new().contig("1", "ACGUacgu").build();
        assert_eq!(made.open().window(ContigId(0), 0, 8).unwrap(), b"ACGTACGT");
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
