//! Calls -> those of the lowest GQ.

use serde::Serialize;

use super::counted::CountedCall;
use crate::variant::Genotype;

/// Most calls that are listed.
pub const MOST_LISTED: usize = 20;

/// A call that is listed.
#[derive(Clone, Debug, PartialEq)]
pub struct UncertainCall {
    /// Index of its contig in the file's order.
    pub contig: usize,
    /// Position of the first reference base, 0-based.
    pub position: u64,
    /// What is written of it.
    pub alleles: Alleles,
    /// GQ, Phred.
    pub genotype_quality: i32,
    /// QUAL, Phred.
    pub quality: f64,
    /// Reads that count (DP).
    pub depth: u32,
    /// Of these, those of each allele, the reference first (AD).
    pub allele_depths: Vec<u32>,
    /// FILTER.
    pub filter: &'static str,
}

/// Alleles of a call as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Alleles {
    /// REF.
    pub reference: String,
    /// ALT.
    pub alternatives: Vec<String>,
    /// GT, with `|` where it is phased; `./.` where it is not known.
    pub genotype: String,
}

/// The calls of the lowest GQ, at most [`MOST_LISTED`], the least certain first; of equals those that come first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LeastCertain(Vec<UncertainCall>);

impl LeastCertain {
    pub(super) fn offer(&mut self, call: &CountedCall) {
        let quality = call.genotype_quality;
        if self.0.len() == MOST_LISTED && self.0.last().is_some_and(|last| last.genotype_quality <= quality) {
            return;
        }
        let text = |bases: &[u8]| String::from_utf8_lossy(bases).into_owned();
        let spelled = |genotype: Genotype| match call.haploid {
            true => genotype.haploid().to_string(),
            false if call.phased => genotype.to_string().replace('/', "|"),
            false => genotype.to_string(),
        };
        let listed = UncertainCall {
            contig: call.contig,
            position: call.position,
            alleles: Alleles {
                reference: text(call.reference),
                alternatives: call.alts.iter().map(|alt| text(alt)).collect(),
                genotype: call.genotype.map_or_else(|| "./.".into(), spelled),
            },
            genotype_quality: quality,
            quality: call.quality,
            depth: call.depth,
            allele_depths: call.allele_depths.to_vec(),
            filter: call.filter.name(),
        };
        let at = self.0.partition_point(|other| other.genotype_quality <= quality);
        self.0.insert(at, listed);
        self.0.truncate(MOST_LISTED);
    }

    /// The calls.
    #[must_use]
    pub fn calls(&self) -> &[UncertainCall] {
        &self.0
    }
}
