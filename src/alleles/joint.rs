//! Reads -> which of some alleles over the same stretch each shows as a whole: neighbouring bases that change together, or alleles
//! of one record that lie apart.
//!
//! A read is asked for its bases from the stretch's first position to its last, however it is aligned in between; what it inserts at
//! either border belongs to them. It shows the allele that these bases are. A read that ends within shows none.

use crate::genome::Interval;
use crate::reads::{CigarKind, Read};

use super::counter::CountOptions;

/// Alleles over the same stretch of the reference; the first is the reference's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JointAlleles {
    interval: Interval,
    alleles: Vec<Vec<u8>>,
}

/// What one read shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JointObservation {
    /// Index of the read in its list.
    pub read: u32,
    /// Index of the allele, 0 for the reference.
    pub allele: usize,
    /// False where a base quality is under the limit, or where the record stands in the file a second time.
    pub counts: bool,
    /// True on the reverse strand.
    pub reverse: bool,
}

impl JointAlleles {
    /// The reference's bases from `start` on and what may be there in their place.
    #[must_use]
    pub fn new(start: u64, reference: &[u8], alternatives: &[Vec<u8>]) -> Self {
        let alleles = std::iter::once(reference.to_vec()).chain(alternatives.iter().cloned()).collect();
        Self { interval: Interval::new(start, start + reference.len() as u64), alleles }
    }

    /// The stretch.
    #[must_use]
    pub fn interval(&self) -> Interval {
        self.interval
    }

    /// The reference's bases.
    #[must_use]
    pub fn reference(&self) -> &[u8] {
        self.alleles.first().map_or(&[], Vec::as_slice)
    }

    /// What may be there in their place.
    #[must_use]
    pub fn alternatives(&self) -> &[Vec<u8>] {
        self.alleles.get(1..).unwrap_or_default()
    }

    /// How many alleles there are, the reference among them.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "there always is the reference")]
    pub fn len(&self) -> usize {
        self.alleles.len()
    }

    /// Those of the reads that show one of the alleles, in their order.
    pub fn shown_by(&self, reads: &[Read], options: CountOptions) -> impl Iterator<Item = JointObservation> {
        let usable = move |read: &Read| read.mapping_quality >= options.min_mapping_quality;
        (0_u32..).zip(reads).filter(move |(_, read)| usable(read)).filter_map(move |(i, read)| {
            let (bases, lowest) = bases_over(read, self.interval)?;
            let allele = self.alleles.iter().position(|allele| *allele == bases)?;
            let counts = lowest >= options.min_base_quality && !Read::is_repeated(reads, i as usize);
            Some(JointObservation { read: i, allele, counts, reverse: read.reverse })
        })
    }
}

/// The bases of a read over a stretch, and the lowest of their qualities; `None` where its alignment does not reach over it.
fn bases_over(read: &Read, stretch: Interval) -> Option<(Vec<u8>, u8)> {
    let (start, end) = (stretch.start(), stretch.end());
    if read.span.start() > start || read.span.end() < end {
        return None;
    }
    let (mut bases, mut lowest) = (Vec::new(), u8::MAX);
    for segment in read.segments() {
        let taken = match segment.kind {
            CigarKind::Match if segment.interval().overlaps(stretch) => {
                let shared = segment.interval().intersect(stretch);
                let first = segment.offset + usize::try_from(shared.start() - segment.position).ok()?;
                first..first + usize::try_from(shared.len()).ok()?
            }
            CigarKind::Insertion if (start..=end).contains(&segment.position) => segment.bases(),
            CigarKind::Skip if segment.interval().overlaps(stretch) => return None,
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

    /// The alleles that reads at position 2 show of AC at 4 -> GT or GTT, and whether they count.
    fn shown(reads: &[Read]) -> Vec<(u32, usize, bool)> {
        let joint = JointAlleles::new(4, b"AC", &[b"GT".to_vec(), b"GTT".to_vec()]);
        assert_eq!((joint.len(), joint.interval()), (3, Interval::new(4, 6)));
        joint.shown_by(reads, CountOptions::default()).map(|shown| (shown.read, shown.allele, shown.counts)).collect()
    }

    fn read(bases: &str, cigar: &str) -> ReadBuilder {
        ReadBuilder::new(2, bases).cigar(cigar).name(bases)
    }

    #[test]
    fn a_read_shows_all_of_an_allele_or_none_of_it() {
        let reads: Vec<Read> = [("GTACG", "5M"), ("GTGTG", "5M"), ("GTGCG", "5M"), ("GTGT", "4M"), ("GTG", "3M")]
            .map(|(bases, cigar)| read(bases, cigar).build())
            .to_vec();
        assert_eq!(shown(&reads), [(0, 0, true), (1, 1, true), (3, 1, true)]);
    }

    #[test]
    fn the_alignment_within_does_not_matter() {
        let cigars = ["4M1I1M", "2M1I3M", "3M1I2M", "2M3I2D1M", "2M2D3I1M"];
        let reads: Vec<Read> = cigars.map(|cigar| read("GTGTTG", cigar).name(cigar).build()).to_vec();
        assert_eq!(shown(&reads).iter().map(|seen| seen.1).collect::<Vec<_>>(), [2; 5]);
        assert!(shown(&[read("GTGTG", "2M2S1M").build(), read("GTAC", "3M20N1M").build()]).is_empty());
    }

    #[test]
    fn low_quality_and_repeated_records_do_not_count() {
        let low = read("GTGTG", "5M").qualities(&[30, 30, 9, 30, 30]).name("low").build();
        let twice = read("GTGTG", "5M").build();
        assert_eq!(shown(&[low, twice.clone(), twice]), [(0, 1, false), (1, 1, true), (2, 1, false)]);
        assert!(CountOptions::default().min_base_quality == 10);
    }
}
