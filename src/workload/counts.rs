//! Draws -> what is in them that takes time ([`Counts`]).

use super::draws::Draw;
use crate::error::Result;
use crate::evidence::{Evidence, EvidenceOptions, Gatherer};
use crate::genome::Interval;
use crate::inputs::Inputs;
use crate::model::Model;
use crate::reads::BamSource;
use crate::regions::Region;

/// What is in a draw.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Counts {
    /// Usable reads that were kept, and the share of all usable ones that they are.
    pub(super) reads: f64,
    pub(super) kept: f64,
    /// Bases of the kept reads that are aligned in the draw, and bases that they are aligned to in all.
    pub(super) bases_inside: f64,
    pub(super) bases_aligned: f64,
    /// Candidates.
    pub(super) candidates: f64,
    /// Kept reads whose alignment was changed.
    pub(super) realigned: f64,
}

/// Gathers the evidence of each draw and counts.
pub(super) fn counts(inputs: &Inputs, model: &Model, draws: &[Draw]) -> Result<Vec<Counts>> {
    // A margin before a draw would lead to what the index counts as one before it, all of whose reads would be unpacked.
    let options = EvidenceOptions { read_margin: 0, ..model.config.evidence };
    let source = BamSource::open(inputs.reads(), inputs.reference().contigs(), options.reads())?;
    let mut gatherer = Gatherer::new(Box::new(source), inputs.reference().open()?, options, model.config.image.clone());
    let of_draw = |draw: &Draw| {
        let region = Region { sequence: draw.piece, contig: draw.contig, interval: draw.interval };
        gatherer.gather(region).map(|evidence| count(&evidence))
    };
    draws.iter().map(of_draw).collect()
}

#[allow(clippy::cast_precision_loss, reason = "counts of a region")]
fn count(evidence: &Evidence) -> Counts {
    let spans = || evidence.reads.iter().map(|read| read.long_record.unwrap_or(read.span));
    Counts {
        reads: evidence.reads.len() as f64,
        kept: evidence.fetched.kept_share(),
        bases_inside: spans().map(|span| span.intersect(evidence.interval).len()).sum::<u64>() as f64,
        bases_aligned: spans().map(Interval::len).sum::<u64>() as f64,
        candidates: evidence.candidates.len() as f64,
        realigned: evidence.realigned as f64,
    }
}
