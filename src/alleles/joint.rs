//! Reads -> which of several alleles of one interval each read supports as a whole: neighbouring bases that change together, or alleles
//! of one record at different positions.
//!
//! A read's bases from the interval's first position to its last are compared with the alleles, however they are aligned in between;
//! insertions at either border belong to them. A read that ends within the interval supports none.

use crate::genome::Interval;
use crate::reads::{CigarKind, Read};

use super::counter::CountOptions;

/// Alleles of one interval of the reference; the first is the reference itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JointAlleles {
    interval: Interval,
    alleles: Vec<Vec<u8>>,
}

/// The allele that one read supports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JointObservation {
    /// Index of the read in its list.
    pub read: u32,
    /// Index of the allele, 0 for the reference.
    pub allele: usize,
    /// False where a base quality is under the limit, or where the record is a repetition of another.
    pub counts: bool,
    /// True on the reverse strand.
    pub reverse: bool,
}

impl JointAlleles {
    /// The reference's bases from `start` on, and alternatives to them.
    #[must_use]
    pub fn new(start: u64, reference: &[u8], alternatives: &[Vec<u8>]) -> Self {
        let alleles = std::iter::once(reference.to_vec()).chain(alternatives.iter().cloned()).collect();
        Self { interval: Interval::new(start, start + reference.len() as u64), alleles }
    }

    /// The interval.
    #[must_use]
    pub fn interval(&self) -> Interval {
        self.interval
    }

    /// The reference's bases.
    #[must_use]
    pub fn reference(&self) -> &[u8] {
        self.alleles.first().map_or(&[], Vec::as_slice)
    }

    /// The alternative alleles.
    #[must_use]
    pub fn alternatives(&self) -> &[Vec<u8>] {
        self.alleles.get(1..).unwrap_or_default()
    }

    /// Number of alleles, the reference included.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "there always is the reference")]
    pub fn len(&self) -> usize {
        self.alleles.len()
    }

    /// The reads that support one of the alleles, in their order.
    pub fn observed_by(&self, reads: &[Read], options: CountOptions) -> impl Iterator<Item = JointObservation> {
        let usable = move |read: &Read| read.mapping_quality >= options.min_mapping_quality;
        (0_u32..).zip(reads).filter(move |(_, read)| usable(read)).filter_map(move |(i, read)| {
            let (bases, lowest) = bases_over(read, self.interval)?;
            let allele = self.alleles.iter().position(|allele| *allele == bases)?;
            let counts = lowest >= options.min_base_quality && !Read::is_repeated(reads, i as usize);
            Some(JointObservation { read: i, allele, counts, reverse: read.reverse })
        })
    }
}

/// The bases of a read over an interval, and the lowest of their qualities; `None` where its alignment does not span it.
fn bases_over(read: &Read, interval: Interval) -> Option<(Vec<u8>, u8)> {
    let (start, end) = (interval.start(), interval.end());
    if read.span.start() > start || read.span.end() < end {
        return None;
    }
    let (mut bases, mut lowest) = (Vec::new(), u8::MAX);
    for segment in read.segments() {
        let taken = match segment.kind {
            CigarKind::Match if segment.interval().overlaps(interval) => {
                let shared = segment.interval().intersect(interval);
                let first = segment.offset + usize::try_from(shared.start() - segment.position).ok()?;
                first..first + usize::try_from(shared.len()).ok()?
            }
            CigarKind::Insertion if (start..=end).contains(&segment.position) => segment.bases(),
            CigarKind::Skip if segment.interval().overlaps(interval) => return None,
            _ => 0..0,
        };
        bases.extend_from_slice(&read.bases[taken.clone()]);
        lowest = read.qualities[taken].iter().copied().fold(lowest, u8::min);
    }
    Some((bases, lowest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::ReadBuilder;

    /// Which of AC at 4, GT and GTT each read at position 2 supports, and whether it counts.
    fn observed(reads: &[Read]) -> Vec<(u32, usize, bool)> {
        let joint = JointAlleles::new(4, b"AC", &[b"GT".to_vec(), b"GTT".to_vec()]);
        assert_eq!((joint.len(), joint.interval()), (3, Interval::new(4, 6)));
        joint.observed_by(reads, CountOptions::default()).map(|seen| (seen.read, seen.allele, seen.counts)).collect()
    }

    fn read(bases: &str, cigar: &str) -> ReadBuilder {
        ReadBuilder::new(2, bases).cigar(cigar).name(bases)
    }

    #[test]
    fn a_read_supports_an_allele_as_a_whole() {
        let reads: Vec<Read> = [("GTACG", "5M"), ("GTGTG", "5M"), ("GTGCG", "5M"), ("GTGT", "4M"), ("GTG", "3M")]
            .map(|(bases, cigar)| read(bases, cigar).build())
            .to_vec();
        assert_eq!(observed(&reads), [(0, 0, true), (1, 1, true), (3, 1, true)]);
    }

    #[test]
    fn the_alignment_within_is_ignored() {
        let cigars = ["4M1I1M", "2M1I3M", "3M1I2M", "2M3I2D1M", "2M2D3I1M"];
        let reads: Vec<Read> = cigars.map(|cigar| read("GTGTTG", cigar).name(cigar).build()).to_vec();
        assert_eq!(observed(&reads).iter().map(|seen| seen.1).collect::<Vec<_>>(), [2; 5]);
        assert!(observed(&[read("GTGTG", "2M2S1M").build(), read("GTAC", "3M20N1M").build()]).is_empty());
    }

    #[test]
    fn low_quality_and_repeated_records_do_not_count() {
        let low = read("GTGTG", "5M").qualities(&[30, 30, 9, 30, 30]).name("low").build();
        let twice = read("GTGTG", "5M").build();
        assert_eq!(observed(&[low, twice.clone(), twice]), [(0, 1, false), (1, 1, true), (2, 1, false)]);
        assert!(CountOptions::default().min_base_quality == 10);
    }
}
