//! Indexes of reads files: each that leads to all reads is taken, and each that does not is refused by name.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rust_htslib::bam;
use varpix::alignment_file::{BamFile, RegionReader};
use varpix::error::Result;

use crate::world::{testdata, text, tool};

/// A reads file with its index, to be broken at will.
struct Reads {
    folder: tempfile::TempDir,
    file: PathBuf,
    index: PathBuf,
}

impl Reads {
    /// A tenth of the test data, in that format.
    fn new(suffix: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let cram = suffix == "crai";
        let file = folder.path().join(if cram { "reads.cram" } else { "reads.bam" });
        let index = folder.path().join(format!("{}.{suffix}", file.file_name().unwrap().to_str().unwrap()));
        let reference = text(&testdata("ref.fa"));
        let output = ["-s", "1.1", "-T", &reference, "-o", &text(&file)];
        // Slices of few reads, so that there are some, of several contigs each.
        let small = ["--output-fmt-option", "seqs_per_slice=400", "--output-fmt-option", "multi_seq_per_slice=1"];
        let format: &[&str] = if cram { &[&["-C"], &small[..]].concat() } else { &["-b"] };
        tool("samtools", &[&["view"], format, &output[..], &[&text(&testdata("reads.bam"))]].concat());
        let csi: &[&str] = if suffix == "csi" { &["-c"] } else { &[] };
        tool("samtools", &[&["index"], csi, &[&text(&file), &text(&index)]].concat());
        Self { folder, file, index }
    }

    /// The test data with its BAI.
    fn whole() -> Self {
        let reads = Self::new("bai");
        fs::copy(testdata("reads.bam"), &reads.file).unwrap();
        fs::copy(testdata("reads.bam.bai"), &reads.index).unwrap();
        reads
    }

    fn open(&self) -> Result<BamFile> {
        BamFile::new(&self.file, &testdata("ref.fa"))
    }

    /// Name, contig and position of each record, as windows of 10 kb show them.
    fn records(&self) -> Result<Vec<(Vec<u8>, i32, i64)>> {
        let mut found = Vec::new();
        let file = self.open()?;
        let mut reader = RegionReader::open(&file)?;
        let mut record = bam::Record::new();
        for (contig, tid) in file.contigs().iter().map(|(_, contig)| contig).zip(0..) {
            for start in (0..contig.length).step_by(10_000) {
                reader.fetch(tid, start, start + 10_000)?;
                while reader.read(&mut record)? {
                    if record.pos() >= i64::try_from(start).unwrap() {
                        found.push((record.qname().to_vec(), record.tid(), record.pos()));
                    }
                }
            }
        }
        Ok(found)
    }

    /// With these bytes as its index it is refused, and the sentence names the index and what to do.
    #[track_caller]
    fn refused(&self, index: &[u8], what: &str) {
        fs::write(&self.index, index).unwrap();
        let error = self.open().expect_err(what);
        let (sentence, name) = (error.to_string(), text(&self.index));
        assert!(sentence.starts_with(&name) && sentence.contains("samtools index"), "{what}: {sentence}");
        assert_eq!(error.exit_code(), 3);
    }

    fn index_bytes(&self) -> Vec<u8> {
        let bytes = fs::read(&self.index).unwrap();
        if bytes.starts_with(&[0x1f, 0x8b]) { unpacked(&bytes) } else { bytes }
    }
}

fn unpacked(bytes: &[u8]) -> Vec<u8> {
    use std::io::Read as _;
    let mut text = Vec::new();
    flate2::read::MultiGzDecoder::new(bytes).read_to_end(&mut text).unwrap();
    text
}

/// The index that samtools makes of a file.
fn index_of(file: &Path, option: &str) -> Vec<u8> {
    let index = file.with_extension("made");
    // samtools would take it for another file to be indexed.
    let _ = fs::remove_file(&index);
    tool("samtools", &["index", option, &text(file), &text(&index)]);
    fs::read(index).unwrap()
}

/// The index of the same reads, some left out, with the same header.
fn index_of_part(reads: &Reads, option: &str, keep: &str) -> Vec<u8> {
    let part = reads.folder.path().join(if option == "-b" { "part.bam" } else { "part.cram" });
    let format = if option == "-b" { "-b" } else { "-C" };
    let reference = text(&testdata("ref.fa"));
    tool("samtools", &["view", format, "-T", &reference, "-e", keep, "-o", &text(&part), &text(&reads.file)]);
    index_of(&part, "-b")
}

#[test]
fn whole_indexes_lead_to_all_reads() {
    let all = Reads::new("bai").records().unwrap();
    assert!(all.len() > 3000);
    assert_eq!(Reads::new("csi").records().unwrap(), all);
    let cram = Reads::new("crai");
    assert_eq!(cram.records().unwrap(), all);
    fs::write(&cram.index, cram.index_bytes()).unwrap();
    assert_eq!(cram.records().unwrap(), all, "a .crai may be plain");
    fs::rename(&cram.index, cram.file.with_extension("crai")).unwrap();
    assert_eq!(cram.records().unwrap(), all, "and have the file's name with another suffix");
}

#[test]
fn a_bai_cut_anywhere_is_refused() {
    let reads = Reads::new("bai");
    let whole = reads.index_bytes();
    // htslib frees what it has not set where an index ends at some of these.
    for length in (0..whole.len() - 8).step_by(2) {
        reads.refused(&whole[..length], &format!("{length} bytes"));
    }
    reads.refused(&[&whole[..6], &whole[7..]].concat(), "a byte is gone");
    let mut negative = whole.clone();
    negative[16..20].copy_from_slice(&(-5_i32).to_le_bytes());
    reads.refused(&negative, "a negative number of chunks");
}

#[test]
fn an_index_of_other_reads_is_refused() {
    for (suffix, option) in [("bai", "-b"), ("crai", "-c")] {
        let reads = Reads::new(suffix);
        reads.refused(&index_of_part(&reads, option, "mapq > 1000"), "of no reads");
        reads.refused(&index_of_part(&reads, option, "rname == \"chrA\""), "of an earlier file");
        reads.refused(&index_of_part(&reads, option, "pos < 30000"), "of other reads");
    }
}

/// Places of the parts of a BAI of two contigs.
struct Parts {
    /// First byte and end of each bin, with its number; without that of counts.
    bins: Vec<(usize, usize)>,
    /// First byte of the number of bins of each contig.
    counts: Vec<usize>,
    /// First byte and end of the windows of each contig.
    windows: Vec<(usize, usize)>,
}

fn parts(bai: &[u8]) -> Parts {
    let number = |at: usize| u32::from_le_bytes(bai[at..at + 4].try_into().unwrap()) as usize;
    let (mut at, mut parts) = (8, Parts { bins: Vec::new(), counts: Vec::new(), windows: Vec::new() });
    for _ in 0..number(4) {
        parts.counts.push(at);
        let bins = number(at);
        at += 4;
        for _ in 0..bins {
            let end = at + 8 + 16 * number(at + 4);
            if number(at) != 37_450 {
                parts.bins.push((at, end));
            }
            at = end;
        }
        let end = at + 4 + 8 * number(at);
        parts.windows.push((at + 4, end));
        at = end;
    }
    parts
}

#[test]
fn a_bai_without_a_bin_is_refused() {
    let reads = Reads::whole();
    let whole = reads.index_bytes();
    let Parts { bins, counts, .. } = parts(&whole);
    assert!(bins.len() > 2);
    for (start, end) in bins {
        let mut missing = whole.clone();
        let count = *counts.iter().rfind(|&&count| count < start).unwrap();
        missing[count] -= 1;
        missing.drain(start..end);
        reads.refused(&missing, &format!("bin at byte {start}"));
    }
}

#[test]
fn windows_that_lead_past_reads_are_refused() {
    let reads = Reads::whole();
    let whole = reads.index_bytes();
    for (start, end) in parts(&whole).windows {
        assert!(end - start > 24);
        let changed = |change: &dyn Fn(&mut [u8])| {
            let mut bytes = whole.clone();
            change(&mut bytes[start..end]);
            bytes
        };
        let beyond = (1_u64 << 40).to_le_bytes();
        reads.refused(&changed(&|windows| windows.chunks_mut(8).for_each(|w| w.copy_from_slice(&beyond))), "the end");
        reads.refused(&changed(&|windows| windows.copy_within(8.., 0)), "each that of the next");
        let last: [u8; 8] = whole[end - 8..end].try_into().unwrap();
        reads.refused(&changed(&|windows| windows[..8].copy_from_slice(&last)), "the first that of the last");
        reads.refused(&changed(&|windows| windows[8] ^= 1), "where no read begins");
    }
}

#[test]
fn a_bai_without_counts_or_windows_will_do() {
    let reads = Reads::whole();
    let all = reads.records().unwrap();
    let whole = reads.index_bytes();
    let Parts { windows, counts, .. } = parts(&whole);
    let mut bytes = whole.clone();
    for (&count, (start, end)) in counts.iter().zip(windows).rev() {
        bytes.splice(start - 4..end, [0; 4]);
        let pseudo = bytes.windows(4).skip(count).position(|w| w == 37_450_u32.to_le_bytes()).unwrap() + count;
        bytes.drain(pseudo..pseudo + 8 + 32);
        bytes[count] -= 1;
    }
    // Nor the number of reads without a place.
    fs::write(&reads.index, &bytes[..bytes.len() - 8]).unwrap();
    assert_eq!(reads.records().unwrap(), all);
}

#[test]
fn a_crai_without_a_line_is_refused() {
    let reads = Reads::new("crai");
    let text = String::from_utf8(reads.index_bytes()).unwrap();
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    assert!(lines.len() > 8);
    for i in 0..lines.len() {
        let without = [&lines[..i], &lines[i + 1..]].concat().concat();
        reads.refused(without.as_bytes(), &format!("without line {i}"));
    }
    reads.refused(lines[..lines.len() / 2].concat().as_bytes(), "without its second half");
    reads.refused(b"", "empty");
    reads.refused(b"\x1f\x8b", "no gzip");
}

#[test]
fn a_crai_of_another_cram_is_blamed_itself() {
    let (reads, other) = (Reads::new("crai"), Reads::new("crai"));
    let reference = text(&testdata("ref.fa"));
    tool("samtools", &["view", "-C", "-T", &reference, "-o", &text(&other.file), &text(&testdata("reads.bam"))]);
    reads.refused(&index_of(&other.file, "-b"), "of another CRAM");
    fs::remove_file(&reads.index).unwrap();
    fs::copy(testdata("reads.bam.bai"), reads.folder.path().join("reads.cram.bai")).unwrap();
    assert!(reads.open().unwrap_err().to_string().contains("not a .bai"));
}

/// A change of an index's bytes: cut there, put these there, replace by these, or append them.
fn change() -> impl Strategy<Value = (u8, prop::sample::Index, Vec<u8>)> {
    (0_u8..5, any::<prop::sample::Index>(), prop::collection::vec(any::<u8>(), 1..9))
}

fn changed(index: &[u8], (kind, place, new): &(u8, prop::sample::Index, Vec<u8>)) -> Vec<u8> {
    let mut bytes = index.to_vec();
    let at = place.index(bytes.len());
    let end = (at + new.len()).min(bytes.len());
    match kind {
        0 => bytes.truncate(at),
        1 => drop(bytes.splice(at..at, new.iter().copied())),
        2 => drop(bytes.drain(at..end)),
        3 => bytes.extend(new),
        // A single bit, or some bytes.
        _ if new.len() < 4 => bytes[at] ^= 1 << (new[0] % 8),
        _ => drop(bytes.splice(at..end, new.iter().copied())),
    }
    bytes
}

/// Changed at random, an index is refused or leads to the same reads. `VARPIX_FUZZ_CASES` sets how many changes are tried of each kind.
#[test]
fn changed_indexes_are_refused_or_lead_to_the_same_reads() {
    let cases = std::env::var("VARPIX_FUZZ_CASES").map_or(64, |n| n.parse().expect("VARPIX_FUZZ_CASES is a number"));
    for suffix in ["bai", "csi", "crai"] {
        let reads = Reads::new(suffix);
        let (index, all) = (reads.index_bytes(), reads.records().unwrap());
        let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
        let outcome = runner.run(&change(), |change| {
            fs::write(&reads.index, changed(&index, &change)).unwrap();
            match reads.records() {
                Ok(found) => prop_assert!(found == all, "{} of {} reads", found.len(), all.len()),
                Err(error) => prop_assert_eq!(error.exit_code(), 3),
            }
            Ok(())
        });
        outcome.unwrap_or_else(|e| panic!("{suffix}: {e}"));
    }
}
