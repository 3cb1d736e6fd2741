//! How evidence is gathered ([`EvidenceOptions`]); stored in `model.json`.

use serde::{Deserialize, Serialize};

use crate::candidates::CandidateOptions;
use crate::phase::PhasingOptions;
use crate::pileup::READ_MARGIN;
use crate::reads::ReadFilter;
use crate::reads::source::{DEFAULT_MAX_READS, ReadOptions};
use crate::realign::RealignOptions;
use crate::regions::DEFAULT_REGION_SIZE;

/// Reference bases kept on both sides of a region beyond half an image, in bp: the longest deletion that is counted.
pub(super) const LONGEST_DELETION: u64 = 5000;
/// Half of the widest image, in bp.
const WIDEST_HALF: u64 = 1000;

/// Length of a region of long reads in bp, and most of its reads that are kept.
const LONG_READ_REGION_SIZE: u64 = 25_000;
const LONG_READS: usize = 600;

/// How evidence is gathered; stored in a model.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub struct EvidenceOptions {
    /// Which reads are used.
    pub read_filter: ReadFilter,
    /// Most reads kept of one region.
    pub max_reads: usize,
    /// Template length of reads that have none (without mate, or TLEN 0), in bp. Where it is not set they have that of their file, as in
    /// DeepVariant; a network that has learned from pairs takes a length of 0 for a sign of a misplaced read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing_insert_size: Option<u32>,
    /// How reads are realigned; not at all where the model lacks this setting.
    #[serde(default)]
    pub realign: Option<RealignOptions>,
    /// What makes a candidate.
    pub candidates: CandidateOptions,
    /// Length of a region in bp.
    pub region_size: u64,
    /// How far around a region reads are used, in bp. With 0, an image has no reads that lie only beside its region, as in DeepVariant.
    #[serde(default = "usual_read_margin", skip_serializing_if = "is_usual_read_margin")]
    pub read_margin: u64,
    /// Most bases of all reads of a region together, for each of its positions; no limit where it is not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_bases_per_position: Option<u32>,
    /// Keep of long reads only what a region needs, so that memory does not grow with their length.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut_long_reads: bool,
    /// Read base modifications (MM and ML tags).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub methylation: bool,
    /// List the reads with the reference allele of each candidate, which phasing needs.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub track_reference_reads: bool,
    /// Keep all alleles of candidates, and the share of other alleles at each position, which a small model of DeepVariant's takes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allele_context: bool,
    /// How reads are phased; not at all where it is not set, and haplotypes are those of the file (HP tags).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phasing: Option<PhasingOptions>,
}

fn usual_read_margin() -> u64 {
    READ_MARGIN
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_usual_read_margin(margin: &u64) -> bool {
    *margin == READ_MARGIN
}

impl Default for EvidenceOptions {
    fn default() -> Self {
        Self {
            read_filter: ReadFilter::default(),
            max_reads: DEFAULT_MAX_READS,
            missing_insert_size: None,
            realign: Some(RealignOptions::default()),
            candidates: CandidateOptions::default(),
            region_size: DEFAULT_REGION_SIZE,
            read_margin: READ_MARGIN,
            max_bases_per_position: None,
            cut_long_reads: false,
            methylation: false,
            track_reference_reads: false,
            allele_context: false,
            phasing: None,
        }
    }
}

impl EvidenceOptions {
    /// For consensus reads of 10 kb and more: regions of 25 kb, reads phased by the candidates that they share and not realigned.
    #[must_use]
    pub fn long_reads() -> Self {
        Self {
            max_reads: LONG_READS,
            realign: None,
            region_size: LONG_READ_REGION_SIZE,
            // A consensus read errs at one in thousands of bases, so that at a low depth one read is evidence.
            candidates: CandidateOptions { min_count_snps: 1, ..CandidateOptions::default() },
            ..Self::default()
        }
        .phased(PhasingOptions::default())
    }

    /// With reads phased, and what goes with it: reads of the region alone, and no more of them than it needs.
    #[must_use]
    pub fn phased(self, phasing: PhasingOptions) -> Self {
        Self { phasing: Some(phasing), track_reference_reads: true, read_margin: 0, cut_long_reads: true, ..self }
    }

    /// What of it concerns the reads file.
    #[must_use]
    pub fn reads(&self) -> ReadOptions {
        let farthest = self.padding(self.region_size) + LONGEST_DELETION + WIDEST_HALF;
        ReadOptions {
            filter: self.read_filter,
            max_reads: self.max_reads,
            missing_insert_size: self.missing_insert_size,
            max_bases_per_position: self.max_bases_per_position,
            cut_margin: self.cut_long_reads.then_some(farthest),
            methylation: self.methylation,
        }
    }

    /// How far around a region of `length` bp alleles are counted for phasing, in bp.
    pub(super) fn padding(&self, length: u64) -> u64 {
        self.phasing.map_or(0, |phasing| phasing.padding(length))
    }
}
