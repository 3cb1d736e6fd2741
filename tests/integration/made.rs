//! Reads made in code, as a file: a reference of one contig, haplotypes of it, and reads of these as a careless mapper places them.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::world::{Outcome, text, tool, varpix};

pub const READ: usize = 150;

/// `length` bases without long repeats, the same every time.
pub fn random_bases(length: usize, seed: u64) -> String {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b"ACGT"[usize::try_from(state >> 62).unwrap()])
    };
    (0..length).map(|_| next()).collect()
}

/// A change of the reference: position (0-based), the bases there, and those in their place.
#[derive(Clone, Copy)]
pub struct Change<'a>(pub usize, pub &'a str, pub &'a str);

/// A file of reads beside its reference, in a folder of its own.
pub struct Made {
    folder: tempfile::TempDir,
    pub reference: String,
    sam: Vec<(usize, String)>,
}

impl Made {
    pub fn new(reference: &str) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), reference: reference.into(), sam: Vec::new() }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Adds a read as it is.
    pub fn read(&mut self, name: &str, reverse: bool, start: usize, cigar: &str, bases: &str) {
        let flags = if reverse { 16 } else { 0 };
        let qualities = "F".repeat(bases.len());
        let line = format!("{name}\t{flags}\tc1\t{}\t60\t{cigar}\t*\t0\t0\t{bases}\t{qualities}\n", start + 1);
        self.sam.push((start, line));
    }

    /// Adds reads of a haplotype, one every `step` bases of it for each of `copies`. They are placed without gaps: what does not fit
    /// beside an insertion or deletion is clipped.
    pub fn reads_of(&mut self, name: &str, changes: &[Change], step: usize, copies: usize) {
        let (mut haplotype, mut places) = (String::new(), Vec::new());
        let mut at = 0;
        for &Change(position, from, to) in changes {
            assert_eq!(&self.reference[position..position + from.len()], from, "at {position}");
            let same = from.len().min(to.len());
            haplotype += &self.reference[at..position];
            haplotype += to;
            places.extend((at..position + same).map(Some));
            places.extend(std::iter::repeat_n(None, to.len() - same));
            at = position + from.len();
        }
        haplotype += &self.reference[at..];
        places.extend((at..self.reference.len()).map(Some));
        for start in (0..haplotype.len() - READ).step_by(step) {
            // The longest stretch of the read that lies on the reference without a gap.
            let of_read = &places[start..start + READ];
            let diagonal = |i: usize| of_read[i].map(|place| place + READ - i);
            let (mut best, mut from) = (0..0, 0);
            for i in 1..=READ {
                if i == READ || diagonal(i) != diagonal(from) {
                    if diagonal(from).is_some() && i - from > best.len() {
                        best = from..i;
                    }
                    from = i;
                }
            }
            let clip = |n: usize| if n > 0 { format!("{n}S") } else { String::new() };
            let cigar = format!("{}{}M{}", clip(best.start), best.len(), clip(READ - best.end));
            let bases = haplotype[start..start + READ].to_owned();
            for copy in 0..copies {
                let reverse = (start / step + copy).is_multiple_of(3);
                self.read(&format!("{name}-{start}-{copy}"), reverse, of_read[best.start].unwrap(), &cigar, &bases);
            }
        }
    }

    /// Writes reference and reads with their indexes.
    pub fn finish(&mut self) {
        std::fs::write(self.path("ref.fa"), format!(">c1\n{}\n", self.reference)).unwrap();
        tool("samtools", &["faidx", &text(&self.path("ref.fa"))]);
        self.sam.sort();
        let mut sam =
            format!("@HD\tVN:1.6\tSO:coordinate\n@SQ\tSN:c1\tLN:{}\n@RG\tID:1\tSM:made\n", self.reference.len());
        self.sam.iter().for_each(|(_, line)| sam.push_str(line));
        let bam = text(&self.path("reads.bam"));
        let mut samtools =
            Command::new("samtools").args(["view", "-b", "-o", &bam]).stdin(Stdio::piped()).spawn().unwrap();
        samtools.stdin.take().unwrap().write_all(sam.as_bytes()).unwrap();
        assert!(samtools.wait().unwrap().success());
        tool("samtools", &["index", &bam]);
    }

    /// Calls with extra arguments; the records as columns.
    pub fn call(&self, out: &str, extra: &[&str]) -> Vec<Vec<String>> {
        self.run(out, extra).succeeds();
        records(&self.path(out))
    }

    pub fn run(&self, out: &str, extra: &[&str]) -> Outcome {
        let [reference, reads, vcf] = ["ref.fa", "reads.bam", out].map(|name| text(&self.path(name)));
        let inputs = ["call", "--ref", &reference, "--reads", &reads, "--output-vcf", &vcf];
        varpix(&[&inputs, extra].concat())
    }

    /// Writes a VCF of sites: positions (0-based) with their alleles.
    pub fn sites(&self, name: &str, sites: &[(usize, String, String)]) -> String {
        let mut vcf = format!("##fileformat=VCFv4.2\n##contig=<ID=c1,length={}>\n", self.reference.len());
        vcf += "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n";
        for (position, from, to) in sites {
            writeln!(vcf, "c1\t{}\t.\t{from}\t{to}\t.\t.\t.", position + 1).unwrap();
        }
        std::fs::write(self.path(name), vcf).unwrap();
        text(&self.path(name))
    }
}

/// The records of a VCF as columns.
pub fn records(vcf: &std::path::Path) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(vcf).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

/// A field of the sample.
pub fn field<'a>(record: &'a [String], name: &str) -> &'a str {
    let at = record[8].split(':').position(|field| field == name).unwrap();
    record[9].split(':').nth(at).unwrap()
}

/// The numbers of a field.
pub fn numbers(record: &[String], name: &str) -> Vec<u32> {
    field(record, name).split(',').map(|n| n.parse().unwrap()).collect()
}
