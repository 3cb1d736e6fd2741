//! Candidates of a region with the reads that support their alleles ([`Site`]) -> the haplotype of each read and the phase of each allele
//! ([`Phasing`]).
//!
//! ```text
//! Site -> graph: a vertex for each allele, edges along reads -> table: scores of pairs of alleles, left to right
//!      -> trace: phases of alleles, right to left -> votes: haplotypes of reads, phases of all sites
//! ```
//!
//! The rules are DeepVariant's, in two versions ([`PhasingRules`]). Phases 1 and 2 mean nothing beyond the region. Time grows with sites and,
//! for each site, with the reads of the region; nothing depends on how long reads are.

mod graph;
mod reads;
mod sites;
mod table;
mod trace;
mod votes;

use serde::{Deserialize, Serialize};

use graph::Graph;

pub use reads::ReadNumbers;
pub use sites::{Site, SiteAllele, SupportingRead, sites};

/// Most candidates of a region that are phased.
pub const DEFAULT_MAX_CANDIDATES: usize = 5000;
/// Padding of a region on each side, in percent of its length.
pub const DEFAULT_PADDING_PERCENT: u32 = 20;
/// Length of the name of the allele under which DeepVariant counts reads with an allele that is not called, in bases: up to 1.9 it passes
/// for an allele of that length.
const UNCALLED_LENGTH: u64 = 15;
/// The name of the reference allele, which takes part in comparisons of alleles.
const REFERENCE: &[u8] = b"REF";

/// Whose rules of phasing are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PhasingRules {
    /// DeepVariant 1.8 and 1.9.
    #[serde(rename = "deepvariant-1.8")]
    DeepVariant1_8,
    /// DeepVariant 1.10.
    #[serde(rename = "deepvariant-1.10")]
    DeepVariant1_10,
}

impl PhasingRules {
    /// Fewest alleles of one phase that a read must have to be of that haplotype.
    fn min_alleles(self) -> usize {
        match self {
            Self::DeepVariant1_8 => 2,
            Self::DeepVariant1_10 => 1,
        }
    }
}

/// How reads are phased; stored in a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PhasingOptions {
    /// Whose rules are followed.
    pub rules: PhasingRules,
    /// How far a region is padded on each side for phasing, in percent of its length.
    pub padding_percent: u32,
    /// Most candidates of a padded region that are phased; with more, no read has a haplotype.
    pub max_candidates: usize,
}

impl Default for PhasingOptions {
    fn default() -> Self {
        Self {
            rules: PhasingRules::DeepVariant1_10,
            padding_percent: DEFAULT_PADDING_PERCENT,
            max_candidates: DEFAULT_MAX_CANDIDATES,
        }
    }
}

impl PhasingOptions {
    /// Padding of a region of `length` bp on each side, in bp.
    #[must_use]
    pub fn padding(&self, length: u64) -> u64 {
        length * u64::from(self.padding_percent) / 100
    }
}

/// What phasing found of a site.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SitePhase {
    /// Phase of the reference allele and of each alternative allele: 1 or 2, 0 where it is not known or both.
    pub alleles: Vec<u8>,
    /// Whether it is the first of a block of sites whose phases belong together.
    pub starts_block: bool,
}

/// What phasing found of a region.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Phasing {
    /// Haplotype of each read, by its number: 1 or 2, 0 where it is not known.
    pub reads: Vec<u8>,
    /// The sites, in their order.
    pub sites: Vec<SitePhase>,
}

/// Phases the sites of a padded region, which are in order of their positions, and its reads, which have the numbers 0 to `reads`.
#[must_use]
pub fn phase(sites: &[Site], reads: usize, options: &PhasingOptions) -> Phasing {
    if sites.len() > options.max_candidates {
        let nothing = |site: &Site| SitePhase { alleles: vec![0; site.alleles.len()], starts_block: false };
        return Phasing { reads: vec![0; reads], sites: sites.iter().map(nothing).collect() };
    }
    let graph = Graph::new(sites, reads, options.rules);
    let tables = table::tables(&graph, options.rules);
    let traced = trace::trace(&graph, &tables, options.rules);
    let of_reads = votes::of_reads(&graph, &traced, reads, options.rules.min_alleles());
    Phasing { sites: votes::of_sites(sites, &graph, &traced, &of_reads, options.rules), reads: of_reads }
}

#[cfg(test)]
mod tests;
