//! An interval of a contig -> the file's records that overlap it, or an error: never silently fewer records ([`RegionReader`]).
//!
//! Each record that is read on the way is checked here: its contig, its position and its order. Of a BAM also whether the index leads to it; a CRAM
//! is read with htslib's iterator, and its index was compared with its containers.

mod bin_reader;
mod slice_reader;

use rust_htslib::bam;
use rust_htslib::bam::ext::BamRecordExtensions as _;

use super::BamFile;
use super::file::Index;
use crate::error::{Error, Result};
use crate::genome::ContigId;

use bin_reader::BinReader;
use slice_reader::SliceReader;

/// How far before the end of an interval the next one may begin for reading to go on where it stopped, in bp. Regions are fetched with 5 bp on both sides.
const NEAR_END: i64 = 100;

/// One thread's reader of a file, interval by interval; cheapest where each follows the one before.
pub struct RegionReader {
    file: BamFile,
    source: Source,
    /// What is asked for.
    tid: i32,
    start: i64,
    end: i64,
    /// Length of the contig in bp.
    length: i64,
    /// Position of the last record that was read.
    last: i64,
}

enum Source {
    Bam(BinReader),
    Cram(SliceReader),
    /// A CRAM of no reads has an index that htslib does not take.
    Empty,
}

impl RegionReader {
    /// Opens a file for one thread.
    ///
    /// # Errors
    /// [`Error::Input`] where it cannot be opened.
    pub fn open(file: &BamFile) -> Result<Self> {
        let source = match file.parsed_index() {
            Index::Bins(index) => {
                Source::Bam(BinReader::open(file, index).map_err(|_| Error::input(file.path(), "cannot be opened"))?)
            }
            Index::Slices(slices) if slices.is_empty() => Source::Empty,
            Index::Slices(_) => Source::Cram(SliceReader::open(file)?),
        };
        Ok(Self { file: file.clone(), source, tid: -1, start: 0, end: 0, length: 0, last: 0 })
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> &BamFile {
        &self.file
    }

    /// Turns to the records of contig `tid` of the file that overlap `start..end` (0-based).
    ///
    /// # Errors
    /// [`Error::Input`] where the file cannot be read there.
    pub fn fetch(&mut self, tid: i32, start: u64, end: u64) -> Result<()> {
        let contig = usize::try_from(tid).ok().filter(|&contig| contig < self.file.contigs().len());
        let contig =
            contig.ok_or_else(|| Error::Internal(format!("contig {tid} of {}", self.file.path().display())))?;
        let signed = |p: u64| i64::try_from(p).unwrap_or(i64::MAX);
        self.length = signed(self.file.contigs().get(ContigId(contig)).length);
        (self.tid, self.start, self.end, self.last) = (tid, signed(start), signed(end), i64::MIN);
        match &mut self.source {
            Source::Bam(bam) => bam.fetch(contig, self.start, self.end),
            Source::Cram(cram) => {
                let fetched = cram.fetch(tid, self.start, self.end, self.length);
                fetched.map_err(|e| self.file.broken_at(tid, self.start, &e))?;
            }
            Source::Empty => {}
        }
        Ok(())
    }

    /// Reads the next record that overlaps the interval; false behind the last.
    ///
    /// # Errors
    /// [`Error::Input`] where the file cannot be read, or a record cannot be where it is.
    pub fn read(&mut self, record: &mut bam::Record) -> Result<bool> {
        loop {
            let at = match &mut self.source {
                Source::Empty => return Ok(false),
                Source::Cram(cram) => {
                    let Some(outcome) = cram.read(record) else { return Ok(false) };
                    outcome.map_err(|e| self.broken(&e))?;
                    None
                }
                Source::Bam(bam) => {
                    let Some(at) =
                        bam.next_offset().map_err(|e| self.file.broken_at(self.tid, self.last.max(self.start), &e))?
                    else {
                        return Ok(false);
                    };
                    let Some(outcome) = bam.read(record) else { return Ok(false) };
                    outcome.map_err(|e| self.broken(&e))?;
                    // A record cut within its first bytes is no error to rust-htslib.
                    if record.inner().l_data == 0 {
                        return Err(self.broken(&"a record is cut short"));
                    }
                    Some(at)
                }
            };
            let before = self.last;
            self.in_place(record)?;
            let (start, end) = (record.pos(), record.reference_end());
            if let (Some(at), Source::Bam(bam)) = (at, &mut self.source) {
                if bam.is_done() {
                    return Ok(false);
                }
                if !record.is_unmapped() && !bam.leads_to(before, start, end, at) {
                    let (index, path) = (self.file.index(), self.file.path().display());
                    let place = format!("{}:{}", self.contig(), start + 1);
                    let problem = format!(
                        "is not the index of {path} (it does not reach the read at {place}); recreate it with 'samtools index {path}'"
                    );
                    return Err(Error::input(index, problem));
                }
                if start >= self.end {
                    bam.end_here();
                    continue;
                }
                bam.note(end, at);
            }
            if start < self.end && end > self.start {
                return Ok(true);
            }
        }
    }

    fn contig(&self) -> &str {
        let contig = usize::try_from(self.tid).unwrap_or(0);
        &self.file.contigs().get(ContigId(contig)).name
    }

    fn broken(&self, error: &dyn std::fmt::Display) -> Error {
        self.file.broken_at(self.tid, self.last.max(self.start), error)
    }

    /// Checks that a record can be here, behind the one before.
    fn in_place(&mut self, record: &bam::Record) -> Result<()> {
        let (tid, position) = (record.tid(), record.pos());
        // -1 is no position.
        let absurd = position < -1 || (position >= self.length && !record.is_unmapped());
        if tid != self.tid || absurd {
            let contigs = self.file.contigs().len();
            let known = usize::try_from(tid).ok().filter(|&contig| contig < contigs);
            let there = match known {
                Some(contig) => {
                    format!("{}:{}", self.file.contigs().get(ContigId(contig)).name, position.saturating_add(1))
                }
                None if tid == -1 => "no place".into(),
                None => format!("contig number {} of {contigs}", i64::from(tid) + 1),
            };
            return Err(self.broken(&format!("the next record claims to be at {there}")));
        }
        if position < self.last {
            return Err(self.file.head().unsorted(tid, position));
        }
        self.last = position;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use rand::Rng as _;
    use rand::SeedableRng as _;
    use rand_pcg::Pcg64Mcg;
    use rust_htslib::bam::{CompressionLevel, Format, Header, HeaderView, Writer, index};

    use super::*;
    use crate::testing::{BuiltReference, ReferenceBuilder};

    /// Lengths of the contigs; no record lies on the second.
    const CONTIGS: [(&str, usize); 3] = [("1", 200_000), ("2", 1000), ("3", 60_000)];

    fn reference() -> BuiltReference {
        let add = |all: ReferenceBuilder, (name, length)| all.contig(name, &"ACGT".repeat(length / 4));
        CONTIGS.into_iter().fold(ReferenceBuilder::new(), add).build()
    }

    /// Lines of SAM in order: reads of 40 bp, some with a deletion of up to 20 kb, unmapped ones at their mates' places, and a pile.
    fn records(random: &mut Pcg64Mcg) -> Vec<String> {
        let mut lines = Vec::new();
        for (name, length) in CONTIGS.into_iter().filter(|(_, length)| *length > 1000) {
            let last = length - 40;
            let everywhere = std::iter::repeat_n(0..last, 3000).chain(std::iter::repeat_n(20_000..21_200, 300));
            let mut starts: Vec<usize> = everywhere.map(|range| random.random_range(range)).collect();
            starts.sort_unstable();
            for start in starts {
                let gap = random.random_range(0..40_000);
                let (flags, cigar) = match random.random_range(0..40) {
                    0 => (5, "*".to_owned()),
                    1 if start + gap < last => (0, format!("20M{gap}D20M")),
                    _ => (0, "40M".to_owned()),
                };
                let cigar = cigar.replace("M0D20M", "M20M");
                let number = lines.len();
                let bases = "ACGT".repeat(10);
                lines.push(format!("{number}\t{flags}\t{name}\t{}\t60\t{cigar}\t*\t0\t0\t{bases}\t*", start + 1));
            }
        }
        lines
    }

    fn write(path: &Path, lines: &[String], reference: &Path, format: Format) {
        let mut text = b"@HD\tVN:1.6\tSO:coordinate\n".to_vec();
        for (name, length) in CONTIGS {
            text.extend(format!("@SQ\tSN:{name}\tLN:{length}\n").into_bytes());
        }
        let view = HeaderView::from_bytes(&text);
        let mut writer = Writer::from_path(path, &Header::from_template(&view), format).unwrap();
        writer.set_reference(reference).unwrap();
        if format == Format::Bam {
            // Blocks of another size than records.
            writer.set_compression_level(CompressionLevel::Fastest).unwrap();
        }
        for line in lines {
            writer.write(&bam::Record::from_sam(&view, line.as_bytes()).unwrap()).unwrap();
        }
    }

    /// Names of the records of an interval, at most `most`.
    fn names(reader: &mut RegionReader, tid: i32, start: u64, end: u64, most: usize) -> Vec<usize> {
        reader.fetch(tid, start, end).unwrap();
        let (mut record, mut names) = (bam::Record::new(), Vec::new());
        while names.len() < most && reader.read(&mut record).unwrap() {
            names.push(std::str::from_utf8(record.qname()).unwrap().parse().unwrap());
        }
        names
    }

    /// Intervals as a run asks for them, and as nobody does.
    fn next(random: &mut Pcg64Mcg, (tid, start, end): (i32, u64, u64)) -> (i32, u64, u64) {
        let length = CONTIGS[usize::try_from(tid).unwrap()].1 as u64;
        let (tid, start) = match random.random_range(0..20) {
            0 => (random.random_range(0..3), 0),
            1 => (tid, random.random_range(0..length)),
            2 => (tid, start),
            3 => (tid, end + random.random_range(0..40_000)),
            4 => (tid, start.saturating_sub(3000)),
            _ => (tid, end.saturating_sub(random.random_range(0..120))),
        };
        (tid, start, start + random.random_range(1..2000))
    }

    fn files(folder: &Path, lines: &[String], reference: &Path) -> Vec<PathBuf> {
        let [bai, csi, cram] = ["bai.bam", "csi.bam", "x.cram"].map(|name| folder.join(name));
        write(&bai, lines, reference, Format::Bam);
        write(&csi, lines, reference, Format::Bam);
        write(&cram, lines, reference, Format::Cram);
        index::build(&bai, None, index::Type::Bai, 1).unwrap();
        index::build(&csi, None, index::Type::Csi(12), 1).unwrap();
        index::build(&cram, None, index::Type::Bai, 1).unwrap();
        vec![bai, csi, cram]
    }

    /// Whatever was asked for before, an interval has the records that overlap it.
    #[test]
    fn intervals_in_any_order_have_all_of_their_records() {
        let mut random = Pcg64Mcg::seed_from_u64(1);
        let reference = reference();
        let lines = records(&mut random);
        for path in files(reference.folder.path(), &lines, reference.file.path()) {
            let file = BamFile::new(&path, reference.file.path()).unwrap();
            let mut reader = RegionReader::open(&file).unwrap();
            let mut all: Vec<(i32, u64, u64)> = Vec::new();
            let mut every = RegionReader::open(&file).unwrap();
            for (tid, (_, length)) in (0..).zip(CONTIGS) {
                every.fetch(tid, 0, length as u64).unwrap();
                let mut record = bam::Record::new();
                while every.read(&mut record).unwrap() {
                    all.push((tid, record.pos().unsigned_abs(), record.reference_end().unsigned_abs()));
                }
            }
            assert_eq!(all.len(), lines.len());
            let mut asked = (0, 0, 1000);
            for _ in 0..4000 {
                asked = next(&mut random, asked);
                let (tid, start, end) = asked;
                let overlaps =
                    |&(_, &(of, first, last)): &(usize, &(i32, u64, u64))| of == tid && first < end && last > start;
                let expected: Vec<usize> = all.iter().enumerate().filter(overlaps).map(|(name, _)| name).collect();
                let most = if random.random_range(0..8) == 0 { expected.len() / 2 } else { usize::MAX };
                let found = names(&mut reader, tid, start, end, most);
                assert_eq!(found, expected[..expected.len().min(most)], "{} {asked:?}", path.display());
            }
        }
    }
}
