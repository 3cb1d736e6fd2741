//! Allele counts of a region and its candidates -> [`AlleleContext`]: what DeepVariant's small models take beside the reads, namely the share of
//! other alleles at each position, and all alleles at the positions of candidates.
//!
//! A position's share is 100 x entries / (reference + entries), rounded down, 0 without reads. Entries are the reads with any allele but the
//! reference's: soft clips and those of low quality too, a record that the file holds twice once. `reference` are the reads with the reference's base
//! and a good quality. Where reads with the reference's base are tracked, at candidates, DeepVariant takes these for entries, too, so that they
//! are in the sum twice; its models have learned so.

use std::collections::BTreeMap;

use super::allele::AlleleCount;
use super::counter::AlleleCounts;
use crate::reads::Read;

/// What is kept of a region's allele counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlleleContext {
    /// The first position counted, 0-based.
    start: u64,
    /// For each position counted, per cent.
    shares: Vec<u8>,
    /// The counts at candidates, by position.
    sites: BTreeMap<u64, AlleleCount>,
    /// Lowest base quality that counts, Phred.
    min_base_quality: u8,
}

/// How a context is made.
#[derive(Clone, Copy, Debug)]
pub struct ContextOptions {
    /// Whether reads with the reference's base are tracked at candidates.
    pub tracks_reference: bool,
    /// Lowest base quality that counts, Phred.
    pub min_base_quality: u8,
}

impl AlleleContext {
    /// Of the counts of `reads`, and the positions of the candidates among them.
    #[must_use]
    pub fn new(counts: &AlleleCounts, reads: &[Read], candidates: &[u64], options: ContextOptions) -> Self {
        let start = counts.interval.start();
        let mut shares: Vec<u8> =
            counts.counts.iter().map(|count| share(count.reference, entries(count, reads))).collect();
        let mut sites = BTreeMap::new();
        for &position in candidates {
            let slot = position.checked_sub(start).and_then(|slot| usize::try_from(slot).ok());
            let Some((slot, count)) = slot.and_then(|slot| Some((slot, counts.counts.get(slot)?))) else { continue };
            if options.tracks_reference {
                let tracked = count.reference + count.low_quality_reference;
                shares[slot] = share(count.reference, entries(count, reads) + tracked);
            }
            sites.insert(position, count.clone());
        }
        Self { start, shares, sites, min_base_quality: options.min_base_quality }
    }

    /// The share of other alleles at a position, per cent; 0 at positions that are not counted.
    #[must_use]
    pub fn share(&self, position: i64) -> u8 {
        let slot = usize::try_from(position - self.start.cast_signed()).ok();
        slot.and_then(|slot| self.shares.get(slot)).copied().unwrap_or(0)
    }

    /// The counts at a candidate's position (0-based).
    #[must_use]
    pub fn site(&self, position: u64) -> Option<&AlleleCount> {
        self.sites.get(&position)
    }

    /// Lowest base quality that counts, Phred.
    #[must_use]
    pub fn min_base_quality(&self) -> u8 {
        self.min_base_quality
    }
}

/// Reads with any allele but the reference's.
fn entries(count: &AlleleCount, reads: &[Read]) -> u32 {
    let is_entry = |read: u32, counts: bool| counts || !Read::is_repeated(reads, read as usize);
    let entries = count.observations.iter().filter(|seen| is_entry(seen.read, seen.counts)).count();
    u32::try_from(entries).unwrap_or(u32::MAX)
}

fn share(reference: u32, entries: u32) -> u8 {
    let all = u64::from(reference) + u64::from(entries);
    u8::try_from((100 * u64::from(entries)).checked_div(all).unwrap_or(0)).unwrap_or(100)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alleles::{CountOptions, count};
    use crate::genome::{Interval, ReferenceWindow};
    use crate::testing::ReadBuilder;

    /// Of reads over 10..20 of a reference of ACGT.
    fn context(reads: &[Read], candidates: &[u64], tracks_reference: bool) -> AlleleContext {
        let window = ReferenceWindow::new(0, b"ACGT".repeat(8));
        let counts = count(Interval::new(10, 20), reads, &window, CountOptions::default());
        AlleleContext::new(&counts, reads, candidates, ContextOptions { tracks_reference, min_base_quality: 10 })
    }

    fn read(name: &str, bases: &str) -> ReadBuilder {
        ReadBuilder::new(8, bases).name(name)
    }

    #[test]
    fn shares_are_of_all_entries_and_rounded_down() {
        // At 12 the reference has A. Two good reads with it, one of low quality; a G, a C of low quality, and the G's record again.
        let reads = [
            read("a", "ACGTACGT").build(),
            read("b", "ACGTACGT").build(),
            read("c", "ACGTACGT").qualities(&[30, 30, 30, 30, 5, 30, 30, 30]).build(),
            read("d", "ACGTGCGT").build(),
            read("d", "ACGTGCGT").build(),
            read("e", "ACGTCCGT").qualities(&[30, 30, 30, 30, 5, 30, 30, 30]).build(),
        ];
        // 2 entries and 2 reads that count for the reference.
        assert_eq!(context(&reads, &[], false).share(12), 50);
        assert_eq!(context(&reads, &[12], false).share(12), 50);
        // The 3 reads with the reference's base are entries, too: 5 of 7.
        assert_eq!(context(&reads, &[12], true).share(12), 71);
        assert_eq!(context(&reads, &[13], true).share(12), 50);
    }

    #[test]
    fn clips_are_entries_and_what_is_not_counted_has_no_share() {
        let reads = [
            read("a", "ACGTACTT").cigar("6M2S").build(),
            read("b", "ACGTACGT").build(),
            read("c", "ACGTACGT").build(),
            read("d", "GCGTACGT").build(),
        ];
        let context = context(&reads, &[], false);
        assert_eq!((context.share(13), context.share(14), context.share(19)), (25, 0, 0));
        // The read d differs at 8, before the first position that is counted.
        assert_eq!((context.share(8), context.share(-3), context.share(20)), (0, 0, 0));
        assert_eq!(context.site(13), None);
    }
}
