//! A call of a run or of a file -> what is counted of it.

use crate::genotype::{Call, Filter};
use crate::variant::Genotype;

/// What is counted of a call, wherever it comes from.
#[derive(Clone, Copy, Debug)]
pub struct CountedCall<'a> {
    /// Index of its contig in the file's order.
    pub contig: usize,
    /// Position of the first reference base, 0-based.
    pub position: u64,
    /// REF.
    pub reference: &'a [u8],
    /// ALT.
    pub alts: &'a [Vec<u8>],
    /// GT, if it is known.
    pub genotype: Option<Genotype>,
    /// True where the order of the genotype's alleles is that of two haplotypes.
    pub phased: bool,
    /// True where the sample has one copy.
    pub haploid: bool,
    /// GQ, Phred.
    pub genotype_quality: i32,
    /// QUAL, Phred.
    pub quality: f64,
    /// FILTER.
    pub filter: Filter,
    /// Reads that count (DP).
    pub depth: u32,
    /// Of these, those of each allele, the reference first (AD).
    pub allele_depths: &'a [u32],
}

impl<'a> From<&'a Call> for CountedCall<'a> {
    fn from(call: &'a Call) -> Self {
        Self {
            contig: call.contig.0,
            position: call.position,
            reference: &call.reference,
            alts: &call.alts,
            genotype: call.genotype,
            phased: call.phase_set.is_some(),
            haploid: call.haploid,
            genotype_quality: call.genotype_quality,
            quality: call.quality,
            filter: call.filter,
            depth: call.depth,
            allele_depths: &call.allele_depths,
        }
    }
}
