//! The indexes of the reads files -> how much of a run's work lies in an interval.

use crate::alignment_file::BamFile;
use crate::alignment_file::weight::ByteCounts;
use crate::genome::{ContigId, Interval};
use crate::inputs::Inputs;

/// Weight of a base without reads, in bytes of reads: small, but not zero, so that gaps count too.
const BYTES_PER_BASE: f64 = 0.01;

/// Work by place.
pub(super) struct Work<'a> {
    inputs: &'a Inputs,
    counts: Vec<ByteCounts>,
}

impl<'a> Work<'a> {
    /// Of all reads files.
    pub(super) fn of(inputs: &'a Inputs) -> Self {
        Self { inputs, counts: inputs.reads().iter().map(ByteCounts::of).collect() }
    }

    /// The work in an interval of the reference, in bytes of all reads files.
    pub(super) fn within(&self, contig: ContigId, interval: Interval) -> f64 {
        let name = &self.inputs.reference().contigs().get(contig).name;
        let in_file = |(file, counts): (&BamFile, &ByteCounts)| {
            file.contigs().id(name).map_or(0.0, |contig| counts.of_interval(contig, interval))
        };
        #[allow(clippy::cast_precision_loss, reason = "lengths of contigs, far below 2^52")]
        let bases = interval.len() as f64;
        self.inputs.reads().iter().zip(&self.counts).map(in_file).sum::<f64>() + bases * BYTES_PER_BASE
    }
}
