//! Reads of a region -> the [`Interval`]s around positions where their alignments disagree with the reference.

use serde::{Deserialize, Serialize};

use crate::alleles::{self, AlleleCounts, AlleleKind, CountOptions, ObservedAllele};
use crate::genome::{Interval, ReferenceWindow};
use crate::reads::Read;

/// Which positions are realigned, and how much around them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WindowOptions {
    /// Lowest mapping quality (Phred) of a read that is counted.
    pub min_mapping_quality: u8,
    /// Lowest base quality (Phred) that is counted.
    pub min_base_quality: u8,
    /// Fewest reads with an allele at its place for it to count: 1 in DeepVariant up to 1.8, 2 from 1.9 on.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub min_allele_count: u32,
    /// Fewest reads that must disagree with the reference at a position.
    pub min_count: u32,
    /// Most reads that may disagree; more are a pile of mismapped reads.
    pub max_count: u32,
    /// Positions examined on both sides of the region, in bp.
    pub region_margin: u64,
    /// Positions added on both sides of those found, in bp; runs whose margins touch are joined.
    pub margin: u64,
    /// Longest window that is realigned, in bp.
    pub max_length: u64,
}

fn one() -> u32 {
    1
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_one(n: &u32) -> bool {
    *n == 1
}

impl Default for WindowOptions {
    fn default() -> Self {
        Self {
            min_mapping_quality: 20,
            min_base_quality: 20,
            min_allele_count: 1,
            min_count: 2,
            max_count: 300,
            region_margin: 20,
            margin: 80,
            max_length: 1000,
        }
    }
}

/// The windows of a region, in order and apart from each other. `reference` should hold the region and its margins.
#[must_use]
pub fn windows(
    region: Interval,
    reads: &[Read],
    reference: &ReferenceWindow,
    options: &WindowOptions,
) -> Vec<Interval> {
    let around = region.padded(options.region_margin, u64::MAX - options.region_margin);
    let rules =
        CountOptions { min_base_quality: options.min_base_quality, min_mapping_quality: options.min_mapping_quality };
    let disagreeing =
        disagreeing(&alleles::count_differences(around, reads, reference, rules), options.min_allele_count);
    let disputed = (around.start()..)
        .zip(disagreeing)
        .filter(|(_, n)| (options.min_count..=options.max_count).contains(n))
        .map(|(position, _)| position);
    let mut runs: Vec<Interval> = Vec::new();
    for position in disputed {
        match runs.last_mut() {
            Some(run) if position <= run.end() + 2 * options.margin => *run = Interval::new(run.start(), position + 1),
            _ => runs.push(Interval::new(position, position + 1)),
        }
    }
    runs.into_iter()
        .map(|run| on_contig(run.padded(options.margin, u64::MAX - options.margin), reference))
        .filter(|window| window.len() <= options.max_length)
        .collect()
}

/// Without the end that lies off the contig.
fn on_contig(window: Interval, reference: &ReferenceWindow) -> Interval {
    let known = |&position: &u64| reference.base(position.cast_signed()) != b'N';
    let last = (window.start()..window.end()).rev().find(known);
    Interval::new(window.start(), last.map_or(window.start(), |position| position + 1))
}

/// For each position, the number of reads that disagree with the reference. Insertions and soft clips count for as many positions on both
/// sides of their anchor's end as they are long: so far other alignments of them reach. Alleles that fewer than `min_allele_count` reads have at
/// their place are left out.
fn disagreeing(counts: &AlleleCounts, min_allele_count: u32) -> Vec<u32> {
    let mut disagreeing = vec![0; counts.counts.len()];
    for (anchor, count) in counts.counts.iter().enumerate() {
        let reads_with =
            |allele: &ObservedAllele| count.observations.iter().filter(|o| o.counts && o.allele == *allele).count();
        let is_seen =
            |allele: &ObservedAllele| min_allele_count <= 1 || reads_with(allele) >= min_allele_count as usize;
        for observation in count.observations.iter().filter(|o| o.counts && is_seen(&o.allele)) {
            let length = observation.allele.bases.len() - 1;
            let after = anchor + 1;
            let range = match observation.allele.kind {
                AlleleKind::Substitution => anchor..after,
                AlleleKind::Deletion => after..after + length,
                AlleleKind::Insertion | AlleleKind::SoftClip => after.saturating_sub(length)..after + length,
            };
            let end = range.end.min(disagreeing.len());
            disagreeing[range.start.min(end)..end].iter_mut().for_each(|n| *n += 1);
        }
    }
    disagreeing
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::ReadBuilder;

    const LENGTH: usize = 2000;

    fn found(reads: &[Read]) -> Vec<(u64, u64)> {
        let reference = ReferenceWindow::new(0, b"ACGT".repeat(LENGTH / 4));
        let region = Interval::new(500, 1500);
        windows(region, reads, &reference, &WindowOptions::default()).iter().map(|w| (w.start(), w.end())).collect()
    }

    /// A read of 40 bases that starts at `start` (a multiple of 4), with a T for the A at `start + 20`.
    fn with_substitution(start: u64) -> ReadBuilder {
        ReadBuilder::new(start, "ACGTACGTACGTACGTACGTTCGTACGTACGTACGTACGT")
    }

    #[test]
    fn two_reads_make_a_window() {
        assert!(found(&[with_substitution(980).build()]).is_empty());
        assert_eq!(found(&with_substitution(980).copies(2)), [(920, 1081)]);
    }

    #[test]
    fn alleles_of_too_few_reads_are_left_out() {
        // A T and a G at the same position: two reads, but each alone.
        let mut other = with_substitution(980).build();
        other.bases = other.bases.iter().enumerate().map(|(i, base)| if i == 20 { b'G' } else { *base }).collect();
        let reads = [with_substitution(980).build(), other];
        assert_eq!(found(&reads), [(920, 1081)]);
        let strict = WindowOptions { min_allele_count: 2, ..WindowOptions::default() };
        let reference = ReferenceWindow::new(0, b"ACGT".repeat(LENGTH / 4));
        assert!(windows(Interval::new(500, 1500), &reads, &reference, &strict).is_empty());
        assert_eq!(windows(Interval::new(500, 1500), &with_substitution(980).copies(2), &reference, &strict).len(), 1);
    }

    #[test]
    fn reads_and_bases_of_low_quality_do_not() {
        assert!(found(&with_substitution(980).mapping_quality(19).copies(2)).is_empty());
        assert!(found(&with_substitution(980).qualities(&[19; 40]).copies(2)).is_empty());
    }

    #[test]
    fn a_pile_of_disagreeing_reads_does_not() {
        assert_eq!(found(&with_substitution(980).copies(300)).len(), 1);
        assert!(found(&with_substitution(980).copies(301)).is_empty());
    }

    #[test]
    fn close_runs_are_joined_and_long_ones_left() {
        let at = |starts: &[u64]| -> Vec<_> {
            found(&starts.iter().flat_map(|&start| with_substitution(start).copies(2)).collect::<Vec<_>>())
        };
        assert_eq!(at(&[600, 760]), [(540, 861)]);
        assert_eq!(at(&[600, 764]), [(540, 701), (704, 865)]);
        assert!(at(&[600, 760, 920, 1080, 1240, 1400, 1480]).is_empty());
    }

    #[test]
    fn gaps_and_clips_count_for_their_surroundings() {
        // Two deleted bases, 1002 and 1003.
        let deletion = ReadBuilder::new(1000, "ACACGT").cigar("2M2D4M").copies(2);
        assert_eq!(found(&deletion), [(922, 1084)]);
        // Three inserted after 1001: 999 to 1004.
        let insertion = ReadBuilder::new(1000, "ACTTTGTAC").cigar("2M3I4M").copies(2);
        assert_eq!(found(&insertion), [(919, 1085)]);
        let clip = ReadBuilder::new(1000, "ACTTT").cigar("2M3S").copies(2);
        assert_eq!(found(&clip), [(919, 1085)]);
    }

    #[test]
    fn positions_beside_the_region_are_examined() {
        assert_eq!(found(&with_substitution(460).copies(2)), [(400, 561)]);
        assert!(found(&with_substitution(456).copies(2)).is_empty());
    }
}
