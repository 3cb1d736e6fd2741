//! The indexes of the reads files -> how many compressed bytes of reads lie in an interval ([`ReadBytes`]).

use crate::alignment_file::BamFile;
use crate::alignment_file::weight::ByteCounts;
use crate::genome::{ContigId, Interval};
use crate::inputs::Inputs;

/// Weight of a base without reads, in bytes of reads: small, but not zero, so that gaps count too.
const BYTES_PER_BASE: f64 = 0.01;

/// Compressed bytes of all reads by place.
pub struct ReadBytes<'a> {
    inputs: &'a Inputs,
    counts: Vec<ByteCounts>,
}

impl<'a> ReadBytes<'a> {
    /// Of all reads files.
    #[must_use]
    pub fn of(inputs: &'a Inputs) -> Self {
        Self { inputs, counts: inputs.reads().iter().map(ByteCounts::of).collect() }
    }

    /// The work in an interval of the reference, in bytes of reads: those that lie there, and a hundredth of a byte for each base.
    #[must_use]
    pub fn work(&self, contig: ContigId, interval: Interval) -> f64 {
        #[allow(clippy::cast_precision_loss, reason = "lengths of contigs, far below 2^52")]
        let bases = interval.len() as f64;
        self.within(contig, interval) + bases * BYTES_PER_BASE
    }

    /// The bytes of reads in an interval of the reference.
    #[must_use]
    pub fn within(&self, contig: ContigId, interval: Interval) -> f64 {
        self.each(contig).map(|(contig, counts)| counts.of_interval(contig, interval)).sum()
    }

    /// About how many bytes are unpacked to fetch an interval by itself: an index leads to the start of what it counts as one.
    #[must_use]
    pub fn to_fetch(&self, contig: ContigId, interval: Interval) -> f64 {
        self.each(contig).map(|(contig, counts)| counts.to_fetch(contig, interval)).sum()
    }

    /// The least that is unpacked where there is anything: a slice of each CRAM.
    #[must_use]
    pub fn least_to_fetch(&self) -> f64 {
        self.counts.iter().map(ByteCounts::slice).sum()
    }

    /// Each file's contig of this name with the file's counts.
    fn each(&self, contig: ContigId) -> impl Iterator<Item = (ContigId, &ByteCounts)> {
        let name = &self.inputs.reference().contigs().get(contig).name;
        let files: &[BamFile] = self.inputs.reads();
        files.iter().zip(&self.counts).filter_map(move |(file, counts)| Some((file.contigs().id(name)?, counts)))
    }
}
