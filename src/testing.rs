//! Reads, references and checkpoints built in code, for tests and benchmarks.

// A builder that cannot build is a broken test.
#![allow(clippy::expect_used, clippy::missing_panics_doc)]

pub mod checkpoint;
#[cfg(feature = "torch")]
pub mod inception;

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::OnceLock;
#[cfg(feature = "torch")]
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::alleles::Depths;
use crate::candidates::{AltAllele, Candidate};
use crate::evidence::Evidence;
use crate::genome::{ContigId, Interval, Reference, ReferenceFile, ReferenceWindow};
use crate::genotype::{Call, Filter, GenotypeProbabilities};
use crate::reads::{Cigar, CigarKind, FetchStats, Read, consumed};
use crate::sample::SampleProfile;
use crate::variant::Genotype;

/// libtorch has one generator of random numbers for all threads: every test that draws from it, and be it for a network's first
/// weights, holds this, so that a test that compares what it drew is not disturbed.
#[cfg(feature = "torch")]
pub fn libtorch_random() -> MutexGuard<'static, ()> {
    static DRAWING: Mutex<()> = Mutex::new(());
    DRAWING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An alignment from SAM's notation.
#[must_use]
pub fn cigar(text: &str) -> Box<[Cigar]> {
    text.split_inclusive(|c: char| !c.is_ascii_digit())
        .map(|op| {
            let (length, letter) = op.split_at(op.len() - 1);
            let kind = match letter {
                "M" => CigarKind::Match,
                "I" => CigarKind::Insertion,
                "D" => CigarKind::Deletion,
                "N" => CigarKind::Skip,
                "S" => CigarKind::SoftClip,
                "H" => CigarKind::HardClip,
                _ => CigarKind::Padding,
            };
            Cigar { kind, length: length.parse().expect("a CIGAR length") }
        })
        .collect()
}

/// An alignment in SAM's notation.
#[must_use]
pub fn cigar_text(cigar: &[Cigar]) -> String {
    cigar.iter().map(ToString::to_string).collect()
}

/// A candidate of contig 0: its alternative alleles with the reads that count and those that support each.
#[must_use]
pub fn candidate(position: u64, reference: &str, alts: &[(&str, u32, &[u32])], reference_count: u32) -> Candidate {
    let alt = |&(bases, count, support): &(&str, u32, &[u32])| AltAllele {
        bases: bases.into(),
        count,
        reverse_count: count / 2,
        support: support.into(),
    };
    Candidate {
        contig: ContigId(0),
        position,
        reference: reference.into(),
        alts: alts.iter().map(alt).collect(),
        reference_count,
        reference_reverse_count: reference_count / 2,
        reference_support: Vec::new(),
        depth: reference_count + alts.iter().map(|alt| alt.1).sum::<u32>(),
        mapping_quality: 60.0,
        asked: None,
    }
}

/// A call of contig 0: A that is a G, heterozygous, 15 of 30 reads, quality 30.
#[must_use]
pub fn call(position: u64) -> Call {
    Call {
        contig: ContigId(0),
        position,
        reference: b"A".to_vec(),
        alts: vec![b"G".to_vec()],
        genotype: Some(Genotype::Diploid(0, 1)),
        genotype_quality: 30,
        quality: 30.0,
        filter: Filter::Pass,
        depth: 30,
        allele_depths: vec![15, 15],
        reverse_depths: vec![7, 7],
        mapping_quality: 60.0,
        haploid: false,
        phred_likelihoods: vec![30, 0, 30],
        probabilities: GenotypeProbabilities::normalised(vec![0.001, 0.998, 0.001]),
        by_images: true,
        asked: None,
        fragments: Vec::new(),
        phase_set: None,
    }
}

/// Evidence of reads and the reference around them, and of nothing else.
#[must_use]
pub fn evidence(reads: Vec<Read>, reference: ReferenceWindow) -> Evidence {
    Evidence {
        interval: Interval::new(0, 0),
        reads,
        depths: Depths::new(Interval::new(0, 0), Vec::new()),
        candidates: Vec::new(),
        reference,
        fetched: FetchStats::default(),
        realigned: 0,
        phases: Vec::new(),
        context: None,
        tracts: OnceLock::new(),
    }
}

/// A sample of median depth 10.
#[must_use]
pub fn sample_profile() -> SampleProfile {
    SampleProfile { median_depth: 10.0, ..SampleProfile::default() }
}

/// Builds a [`Read`]: bases matching end to end, quality 30, MAPQ 60, forward, unless told otherwise.
#[derive(Clone, Debug)]
pub struct ReadBuilder {
    read: Read,
    start: u64,
}

impl ReadBuilder {
    /// A read whose first aligned base lies at `start` (0-based).
    #[must_use]
    pub fn new(start: u64, bases: &str) -> Self {
        let read = Read {
            file: 0,
            flags: 0x1,
            read_group: Box::new([]),
            name: (*b"read").into(),
            number: 0,
            span: Interval::new(start, start),
            mapping_quality: 60,
            reverse: false,
            template_length: 300,
            haplotype: 0,
            bases: bases.as_bytes().into(),
            qualities: vec![30; bases.len()].into(),
            cigar: Box::new([]),
            written: None,
            moved_from: None,
            trimmed_ends: None,
            long_record: None,
            methylation: None,
        };
        Self { read, start }.cigar(&format!("{}M", bases.len()))
    }

    /// Sets the alignment, in SAM's notation.
    #[must_use]
    pub fn cigar(mut self, text: &str) -> Self {
        self.read.cigar = cigar(text);
        self.read.span = Interval::new(self.start, self.start + consumed(&self.read.cigar).positions);
        self
    }

    /// Sets the template's name.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        self.read.name = name.as_bytes().into();
        self
    }

    /// Sets the base qualities, Phred.
    #[must_use]
    pub fn qualities(mut self, qualities: &[u8]) -> Self {
        assert_eq!(qualities.len(), self.read.bases.len(), "one quality for each base");
        self.read.qualities = qualities.into();
        self
    }

    /// Sets the mapping quality, Phred.
    #[must_use]
    pub fn mapping_quality(mut self, quality: u8) -> Self {
        self.read.mapping_quality = quality;
        self
    }

    /// Sets the template length in bp.
    #[must_use]
    pub fn template_length(mut self, length: i64) -> Self {
        self.read.template_length = length;
        self
    }

    /// Sets the haplotype.
    #[must_use]
    pub fn haplotype(mut self, haplotype: u8) -> Self {
        self.read.haplotype = haplotype;
        self
    }

    /// Sets the alignment flags; those of the strand are set apart.
    #[must_use]
    pub fn flags(mut self, flags: u16) -> Self {
        self.read.flags = flags;
        self
    }

    /// Puts it on the reverse strand.
    #[must_use]
    pub fn reverse(mut self) -> Self {
        self.read.reverse = true;
        self.read.flags |= 0x10;
        self
    }

    /// `n` such reads of different templates.
    #[must_use]
    pub fn copies(&self, n: usize) -> Vec<Read> {
        let name = String::from_utf8_lossy(&self.read.name);
        (0..n).map(|i| self.clone().name(&format!("{name}-{i}-of-{n}")).build()).collect()
    }

    /// The read.
    #[must_use]
    pub fn build(self) -> Read {
        self.read
    }
}

/// Builds an indexed FASTA in a temporary folder.
#[derive(Clone, Debug, Default)]
pub struct ReferenceBuilder {
    contigs: Vec<(String, String)>,
}

/// A FASTA that lives as long as this value.
#[derive(Debug)]
pub struct BuiltReference {
    /// The folder it is in.
    pub folder: tempfile::TempDir,
    /// The checked file.
    pub file: ReferenceFile,
}

impl ReferenceBuilder {
    /// No contigs.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a contig.
    #[must_use]
    pub fn contig(mut self, name: &str, bases: &str) -> Self {
        self.contigs.push((name.into(), bases.into()));
        self
    }

    /// Writes the FASTA and its index, each contig on one line.
    #[must_use]
    pub fn build(self) -> BuiltReference {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("ref.fa");
        let mut fasta = std::fs::File::create(&path).expect("a FASTA");
        let mut index = String::new();
        let mut offset = 0;
        for (name, bases) in &self.contigs {
            writeln!(fasta, ">{name}\n{bases}").expect("space for a FASTA");
            offset += name.len() + 2;
            writeln!(index, "{name}\t{0}\t{offset}\t{0}\t{1}", bases.len(), bases.len() + 1).expect("room in a string");
            offset += bases.len() + 1;
        }
        std::fs::write(folder.path().join("ref.fa.fai"), index).expect("an index");
        let file = ReferenceFile::new(&path).expect("a valid FASTA");
        BuiltReference { folder, file }
    }
}

impl BuiltReference {
    /// A reader of it.
    #[must_use]
    pub fn open(&self) -> Reference {
        self.file.open().expect("a readable FASTA")
    }
}
