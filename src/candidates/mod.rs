//! [`AlleleCounts`] and [`Depths`] -> the [`Candidate`]s of a region: positions where enough reads support an alternative allele.

pub(crate) mod sites;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::alleles::{AlleleCount, AlleleCounts, AlleleKind, Depths, ObservedAllele, PositionDepth};
use crate::genome::{ContigId, Interval, ReferenceWindow};
use crate::variant::Allele;

/// Fewest reads that must support an allele.
pub const DEFAULT_MIN_COUNT: u32 = 2;
/// Least share of the depth that must support a substitution.
pub const DEFAULT_MIN_FRACTION_SNPS: f64 = 0.12;
/// Least share of the depth that must support an insertion or deletion.
pub const DEFAULT_MIN_FRACTION_INDELS: f64 = 0.06;

/// What makes an allele a candidate; stored in a model, since the model was trained on such candidates.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CandidateOptions {
    /// Fewest reads that must support a substitution.
    pub min_count_snps: u32,
    /// Fewest reads that must support an insertion or deletion.
    pub min_count_indels: u32,
    /// Least share of the depth that must support a substitution.
    pub min_fraction_snps: f64,
    /// Least share of the depth that must support an insertion or deletion.
    pub min_fraction_indels: f64,
}

impl Default for CandidateOptions {
    fn default() -> Self {
        Self {
            min_count_snps: DEFAULT_MIN_COUNT,
            min_count_indels: DEFAULT_MIN_COUNT,
            min_fraction_snps: DEFAULT_MIN_FRACTION_SNPS,
            min_fraction_indels: DEFAULT_MIN_FRACTION_INDELS,
        }
    }
}

impl CandidateOptions {
    fn accepts(&self, kind: AlleleKind, count: u32, depth: u32) -> bool {
        let (min_count, min_fraction) = match kind {
            AlleleKind::Substitution => (self.min_count_snps, self.min_fraction_snps),
            AlleleKind::Insertion | AlleleKind::Deletion => (self.min_count_indels, self.min_fraction_indels),
            AlleleKind::SoftClip => return false,
        };
        count >= min_count && f64::from(count) >= min_fraction * f64::from(depth)
    }
}

/// An alternative allele with its evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AltAllele {
    /// Its bases in VCF terms, that is, against the candidate's whole `reference`.
    pub bases: Vec<u8>,
    /// Reads that support it and count (AD).
    pub count: u32,
    /// Of these, those on the reverse strand (ADR).
    pub reverse_count: u32,
    /// Indexes of all reads that support it, of low quality too, ascending.
    pub support: Vec<u32>,
}

/// A site that may hold a variant, of whatever genotype.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Its contig.
    pub contig: ContigId,
    /// Position of the first base of `reference`, 0-based.
    pub position: u64,
    /// The reference allele: one base, then those that the longest deletion removes.
    pub reference: Vec<u8>,
    /// The alternatives, in lexicographic order of their bases; at least one.
    pub alts: Vec<AltAllele>,
    /// Reads that count and support the reference (AD).
    pub reference_count: u32,
    /// Of these, those on the reverse strand (ADR).
    pub reference_reverse_count: u32,
    /// Indexes of all reads with the reference's base at `position`, of low quality too, ascending; empty where they are not tracked.
    pub reference_support: Vec<u32>,
    /// Reads that count (DP).
    pub depth: u32,
    /// Root mean square of the mapping qualities of the reads that count (MQ), Phred.
    pub mapping_quality: f64,
    /// The record that asked for it, if any: all its alleles are genotyped then.
    pub asked: Option<Box<Asked>>,
}

/// A record that asked for a candidate, as it is written; the candidate's own alleles are in normal form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Its index among the records that ask, in the order of the output.
    pub rank: usize,
    /// Position of the first base of `reference`, 0-based.
    pub position: u64,
    /// REF.
    pub reference: Vec<u8>,
    /// ALT, one for each of the candidate's, in their order.
    pub alts: Vec<Vec<u8>>,
    /// Where the alternative alleles begin at different positions: each in normal form. Empty otherwise.
    pub apart: Vec<Allele>,
}

impl Candidate {
    /// The positions of the reference allele.
    #[must_use]
    pub fn interval(&self) -> Interval {
        Interval::new(self.position, self.position + self.reference.len() as u64)
    }

    /// One of its alternative alleles as a candidate of its own, at its own position, where they begin at different positions.
    #[must_use]
    pub fn part(&self, alt: usize) -> Option<Self> {
        let normal = self.asked.as_ref()?.apart.get(alt)?;
        let alt = AltAllele { bases: normal.alternative.clone(), ..self.alts.get(alt)?.clone() };
        let (position, reference) = (normal.position, normal.reference.clone());
        Some(Self { position, reference, alts: vec![alt], asked: None, ..self.clone() })
    }

    /// Whether its alternative alleles are one base for one.
    #[must_use]
    pub fn is_snp(&self) -> bool {
        self.reference.len() == 1 && self.alts.iter().all(|alt| alt.bases.len() == 1)
    }
}

/// The candidates of a region, by position. `counts`, of the reads at hand, decide which alleles are candidates; `depths`, of all reads, are
/// what is written.
#[must_use]
pub fn find(
    contig: ContigId,
    counts: &AlleleCounts,
    depths: &Depths,
    reference: &ReferenceWindow,
    options: &CandidateOptions,
) -> Vec<Candidate> {
    (counts.interval.start()..)
        .zip(counts.counts.iter().zip(&depths.positions))
        .filter(|(_, (count, _))| !count.observations.is_empty())
        .filter_map(|(position, (count, depth))| candidate(contig, position, count, depth, reference, options))
        .collect()
}

fn candidate(
    contig: ContigId,
    position: u64,
    count: &AlleleCount,
    all: &PositionDepth,
    reference: &ReferenceWindow,
    options: &CandidateOptions,
) -> Option<Candidate> {
    let start = position.cast_signed();
    let base = reference.base(start);
    if base == b'N' {
        return None;
    }
    let mut sampled = PositionDepth::default();
    sampled.add(count);
    let mut support: BTreeMap<&ObservedAllele, Vec<u32>> = BTreeMap::new();
    for observation in &count.observations {
        support.entry(&observation.allele).or_default().push(observation.read);
    }
    support.retain(|allele, _| options.accepts(allele.kind, sampled.of(allele).all, sampled.depth()));
    let longest = support.keys().filter(|a| a.kind == AlleleKind::Deletion).map(|a| a.bases.len()).max().unwrap_or(1);
    let whole = reference.slice(start, start + i64::try_from(longest).ok()?)?;
    let mut alts: Vec<AltAllele> = support
        .into_iter()
        .filter_map(|(allele, support)| {
            let depth = all.of(allele);
            let bases = allele.allele(position, reference)?.spelled_over(position, whole);
            Some(AltAllele { bases, count: depth.all, reverse_count: depth.reverse, support })
        })
        .collect();
    alts.sort_unstable_by(|a, b| a.bases.cmp(&b.bases));
    (!alts.is_empty()).then(|| Candidate {
        contig,
        position,
        reference: whole.to_vec(),
        alts,
        reference_count: all.reference.all,
        reference_reverse_count: all.reference.reverse,
        reference_support: Vec::new(),
        depth: all.depth(),
        mapping_quality: all.mapping_quality(),
        asked: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alleles::{CountOptions, count};
    use crate::reads::Read;
    use crate::testing::ReadBuilder;

    fn candidates(reads: &[Read]) -> Vec<Candidate> {
        let window = ReferenceWindow::new(0, b"ACGTACGTACGTACGTACGT".to_vec());
        let counts = count(Interval::new(0, 20), reads, &window, CountOptions::default());
        let mut depths = Depths::new(counts.interval, Vec::new());
        depths.add(reads, &counts, CountOptions::default());
        find(ContigId(0), &counts, &depths, &window, &CandidateOptions::default())
    }

    fn reads(bases: &str, cigar: &str, n: usize) -> Vec<Read> {
        ReadBuilder::new(2, bases).cigar(cigar).copies(n)
    }

    fn alts(candidate: &Candidate) -> Vec<(&str, u32)> {
        candidate.alts.iter().map(|a| (std::str::from_utf8(&a.bases).unwrap(), a.count)).collect()
    }

    #[test]
    fn two_reads_are_needed() {
        assert!(candidates(&reads("GTTC", "4M", 1)).is_empty());
        let found = candidates(&reads("GTTC", "4M", 2));
        assert_eq!((found.len(), found[0].position, alts(&found[0])), (1, 4, vec![("T", 2)]));
        assert_eq!((found[0].depth, found[0].reference_count), (2, 0));
    }

    #[test]
    fn thresholds_by_kind() {
        // 2 of 17: over 0.06 for the deletion, under 0.12 for the substitution.
        let base = reads("GTACG", "5M", 15);
        assert!(candidates(&[base.clone(), reads("GTTCG", "5M", 2)].concat()).is_empty());
        assert_eq!(candidates(&[base, reads("GTCGT", "2M1D3M", 2)].concat()).len(), 1);
    }

    #[test]
    fn alleles_of_one_anchor_share_a_reference() {
        let found = candidates(
            &[
                reads("GTGT", "2M2D2M", 3),
                reads("GTCGT", "2M1D3M", 2),
                reads("GTCAC", "2M1I2M", 2),
                reads("GAAC", "4M", 2),
            ]
            .concat(),
        );
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].reference, b"TAC");
        assert_eq!(alts(&found[0]), [("AAC", 2), ("T", 3), ("TC", 2), ("TCAC", 2)]);
        assert_eq!(found[0].depth, 9);
    }

    #[test]
    fn clips_count_in_the_depth_only() {
        let found = candidates(&[reads("GTTCAA", "4M2S", 2), reads("GTCCC", "2M3S", 2)].concat());
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].position, 4);
        assert!(candidates(&reads("GTCCC", "2M3S", 9)).is_empty());
    }

    #[test]
    fn low_quality_reads_support_without_counting() {
        let mut all = reads("GTTC", "4M", 2);
        all.push(ReadBuilder::new(2, "GTTC").cigar("4M").qualities(&[5; 4]).build());
        let found = candidates(&all);
        assert_eq!(
            (found[0].alts[0].count, found[0].alts[0].support.as_slice(), found[0].depth),
            (2, [0, 1, 2].as_slice(), 2)
        );
    }
}
