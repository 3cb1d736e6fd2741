//! Reads and some positions -> the reads that have the reference's base at each.
//!
//! [`count`](super::count) only counts them, since they are most of all reads; where phasing needs them, they are found in a second pass, at
//! the positions of candidates alone.

use super::allele::ReferenceRead;
use super::counter::{CountOptions, gap_bases};
use crate::genome::ReferenceWindow;
use crate::reads::{CigarKind, Read};

/// The reads with the reference's base at each of some positions, in read order: those that [`count`](super::count) counts for the reference,
/// and those of low quality. `positions` ascend.
#[must_use]
pub fn reference_reads(
    positions: &[u64],
    reads: &[Read],
    reference: &ReferenceWindow,
    options: CountOptions,
) -> Vec<Vec<ReferenceRead>> {
    let mut found: Vec<Vec<ReferenceRead>> = vec![Vec::new(); positions.len()];
    for (index, read) in (0..).zip(reads).filter(|(_, read)| read.mapping_quality >= options.min_mapping_quality) {
        let mut next = positions.partition_point(|&position| position < read.span.start());
        // What the last base of a match supports, until it is known that no indel replaces it.
        let mut last: Option<(usize, ReferenceRead)> = None;
        for segment in read.segments() {
            if segment.kind != CigarKind::Match {
                let is_replaced = last.is_some_and(|(slot, _)| positions[slot] + 1 == segment.position)
                    && gap_bases(read, segment, reference).is_some();
                last = last.filter(|_| !is_replaced);
                continue;
            }
            found_at(&mut found, last.take());
            let span = segment.interval();
            while next < positions.len() && positions[next] < span.start() {
                next += 1;
            }
            while next < positions.len() && span.contains(positions[next]) {
                let position = positions[next];
                let i = segment.offset + usize::try_from(position - span.start()).unwrap_or(0);
                if read.bases[i] == reference.base(position.cast_signed()) && read.bases[i] != b'N' {
                    let is_good = read.qualities[i] >= options.min_base_quality;
                    found_at(&mut found, last.replace((next, ReferenceRead { read: index, is_good })));
                }
                next += 1;
            }
        }
        found_at(&mut found, last);
    }
    found
}

fn found_at(found: &mut [Vec<ReferenceRead>], seen: Option<(usize, ReferenceRead)>) {
    if let Some((slot, read)) = seen {
        found[slot].push(read);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::alleles::count;
    use crate::genome::Interval;
    use crate::testing::ReadBuilder;

    const REFERENCE: &[u8] = b"ACGTACGTACGTACGTACGT";

    fn of(positions: &[u64], reads: &[Read]) -> Vec<Vec<(u32, bool)>> {
        let window = ReferenceWindow::new(0, REFERENCE.to_vec());
        let found = reference_reads(positions, reads, &window, CountOptions::default());
        found.into_iter().map(|at| at.into_iter().map(|read| (read.read, read.is_good)).collect()).collect()
    }

    #[test]
    fn low_quality_is_kept_and_other_bases_are_not() {
        let reads = [
            ReadBuilder::new(2, "GTACG").qualities(&[30, 9, 30, 30, 30]).build(),
            ReadBuilder::new(3, "TTC").build(),
            ReadBuilder::new(4, "ACN").build(),
        ];
        assert_eq!(of(&[3, 4, 6], &reads), [vec![(0, false), (1, true)], vec![(0, true), (2, true)], vec![(0, true)]]);
    }

    #[test]
    fn an_indel_or_clip_replaces_its_anchor() {
        let reads = [
            ReadBuilder::new(2, "GTCCAC").cigar("2M2I2M").name("a").build(),
            ReadBuilder::new(2, "GTGT").cigar("2M2D2M").name("b").build(),
            ReadBuilder::new(2, "GTCC").cigar("2M2S").name("c").build(),
            // An insertion with a base that is not known is none; a deletion after it is one.
            ReadBuilder::new(2, "GTCNAC").cigar("2M2I2M").name("d").build(),
            ReadBuilder::new(2, "GTNCAC").cigar("2M2I1D2M").name("e").build(),
        ];
        assert_eq!(of(&[2, 3], &reads), [(0..5).map(|read| (read, true)).collect(), vec![(3, true)]]);
    }

    proptest! {
        /// They are as many as are counted, whatever the alignments.
        #[test]
        fn as_many_as_counted(
            reads in prop::collection::vec((0_u64..8, "[1-3]M([1-2][IDS])?[1-3]M", "[ACGTN]{8}", 5_u8..15), 1..6)
        ) {
            let read = |(start, text, bases, quality): (u64, String, String, u8)| {
                let needed = crate::reads::consumed(crate::testing::cigar(&text)).bases;
                ReadBuilder::new(start, &bases[..needed]).cigar(&text).qualities(&vec![quality; needed]).build()
            };
            let reads: Vec<Read> = reads.into_iter().map(read).collect();
            let window = ReferenceWindow::new(0, REFERENCE.to_vec());
            let counts = count(Interval::new(0, 20), &reads, &window, CountOptions::default());
            let positions: Vec<u64> = (0..20).collect();
            let found = reference_reads(&positions, &reads, &window, CountOptions::default());
            for (count, found) in counts.counts.iter().zip(found) {
                let good = found.iter().filter(|read| read.is_good).count();
                prop_assert_eq!((count.reference as usize, count.low_quality_reference as usize), (good, found.len() - good));
            }
        }
    }
}
