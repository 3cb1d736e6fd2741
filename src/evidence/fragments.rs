//! [`Evidence`] -> the alleles that fragments show at its candidates ([`FragmentAllele`]), from which calls are phased.

use super::Evidence;
use crate::alleles::{CountOptions, reference_reads};
use crate::candidates::Candidate;
use crate::genome::ReferenceWindow;
use crate::reads::{CigarKind, Read, fragment, fragment_end_of_read};
use crate::slippage::SlippageModel;

/// Highest quality of an allele, Phred: polymerases err too.
const HIGHEST_QUALITY: f64 = 40.0;
/// Error rate of an insertion or deletion outside of repeats.
const INDEL_ERROR: f64 = 0.01;
/// No allele is less certain than this.
const HIGHEST_ERROR: f64 = 0.4;
/// Mapping quality of a read that has none (255 in SAM), Phred.
const USUAL_MAPPING_QUALITY: u8 = 60;
/// How far an insertion or deletion is followed through a repeat, in bp.
const LONGEST_REPEAT: i64 = 300;
/// Longest unit of a repeat that slips, in bp.
const LONGEST_UNIT: usize = 4;

/// The allele that a fragment shows at a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FragmentAllele {
    /// The fragment's number ([`fragment`](fn@crate::reads::fragment)).
    pub fragment: u64,
    /// How far behind the candidate's position the fragment may show alleles, in bp.
    pub ahead: u32,
    /// The allele: 0 is the reference, `i` the `i`th alternative.
    pub allele: u8,
    /// Phred-scaled probability that it has another allele.
    pub quality: u8,
}

impl Evidence {
    /// For each candidate the alleles that fragments show there; one for each read, ordered by allele and read. Alleles of bases under a quality of `min_base_quality`
    /// are left out, as are reads that end before they tell an insertion or deletion from none.
    #[must_use]
    pub fn fragments(&self, min_base_quality: u8, slippage: &SlippageModel) -> Vec<Vec<FragmentAllele>> {
        let mut positions: Vec<u64> = self.candidates.iter().map(|candidate| candidate.position).collect();
        if positions.is_empty() {
            return Vec::new();
        }
        // Several records may ask for one position.
        positions.sort_unstable();
        positions.dedup();
        let options = CountOptions { min_base_quality, ..CountOptions::default() };
        let of_reference = reference_reads(&positions, &self.reads, &self.reference, options);
        let qualities = qualities(&positions, &self.reads);
        let numbers: Vec<(u64, u64)> =
            self.reads.iter().map(|read| (fragment(read), fragment_end_of_read(read))).collect();
        let of_candidate = |candidate: &Candidate| {
            let slot = positions.partition_point(|&position| position < candidate.position);
            let indel = Indel::of(candidate, &self.reference, slippage);
            let reference = of_reference[slot].iter().map(|read| (read.read, 0));
            let alternatives = (1_u8..)
                .zip(&candidate.alts)
                .flat_map(|(allele, alt)| alt.support.iter().map(move |&read| (read, allele)));
            let shown = reference.chain(alternatives).filter_map(|(index, allele)| {
                let (read, (fragment, end)) = (&self.reads[index as usize], numbers[index as usize]);
                let error = if let Some(indel) = &indel {
                    (read.span.end() > indel.told_at).then_some(indel.error)?
                } else {
                    let at = qualities[slot].binary_search_by_key(&index, |&(read, _)| read).ok()?;
                    let quality = qualities[slot][at].1;
                    (quality >= min_base_quality).then(|| error(quality))?
                };
                let mapping_quality = match read.mapping_quality {
                    u8::MAX => USUAL_MAPPING_QUALITY,
                    known => known,
                };
                let ahead = u32::try_from(end.saturating_sub(candidate.position)).unwrap_or(u32::MAX);
                let quality = phred(error + self::error(mapping_quality));
                Some(FragmentAllele { fragment, ahead, allele, quality })
            });
            shown.collect()
        };
        self.candidates.iter().map(of_candidate).collect()
    }
}

fn error(quality: u8) -> f64 {
    10.0_f64.powf(-f64::from(quality) / 10.0)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 4 to 40")]
fn phred(error: f64) -> u8 {
    (-10.0 * error.min(HIGHEST_ERROR).log10()).min(HIGHEST_QUALITY).round() as u8
}

/// For each position the reads with a base there, in their order, and its quality. `positions` ascend.
fn qualities(positions: &[u64], reads: &[Read]) -> Vec<Vec<(u32, u8)>> {
    let mut found: Vec<Vec<(u32, u8)>> = vec![Vec::new(); positions.len()];
    for (index, read) in (0..).zip(reads) {
        let mut next = positions.partition_point(|&position| position < read.span.start());
        for segment in read.segments().filter(|segment| segment.kind == CigarKind::Match) {
            let span = segment.interval();
            next += positions[next..].iter().take_while(|&&position| position < span.start()).count();
            for (slot, &position) in positions.iter().enumerate().skip(next).take_while(|(_, at)| **at < span.end()) {
                let offset = segment.offset + usize::try_from(position - span.start()).unwrap_or(0);
                found[slot].push((index, read.qualities[offset]));
                next = slot + 1;
            }
        }
    }
    found
}

/// What a candidate with an insertion or deletion asks of reads.
struct Indel {
    /// The last position at which all its alleles may look the same to a read that began before.
    told_at: u64,
    /// Chance that a read shows another allele than its molecule has.
    error: f64,
}

impl Indel {
    /// `None` for a candidate without any.
    fn of(candidate: &Candidate, reference: &ReferenceWindow, slippage: &SlippageModel) -> Option<Self> {
        let length = candidate.reference.len();
        let mut found: Option<Self> = None;
        for alt in candidate.alts.iter().filter(|alt| alt.bases.len() != length) {
            let shared = shared_behind(candidate, &alt.bases, reference);
            let changed = if alt.bases.len() > length { &alt.bases } else { &candidate.reference };
            let changed = &changed[1..=alt.bases.len().abs_diff(length).min(changed.len() - 1)];
            let tract = shared + if alt.bases.len() > length { 0 } else { changed.len() };
            let unit = (1..=LONGEST_UNIT).find(|&unit| changed.len() % unit == 0 && is_repeat(changed, unit));
            let slips = unit.map_or(0.0, |unit| slippage.rates(unit, (tract / unit).max(1)).total());
            let this = Self { told_at: candidate.position + shared as u64 + 1, error: INDEL_ERROR + slips };
            found = Some(match found {
                None => this,
                Some(other) => Self { told_at: other.told_at.max(this.told_at), error: other.error.max(this.error) },
            });
        }
        found
    }
}

/// How many bases behind its anchor the reference and an alternative allele have in common.
fn shared_behind(candidate: &Candidate, alt: &[u8], reference: &ReferenceWindow) -> usize {
    let start = candidate.position.cast_signed() + 1;
    let behind = candidate.interval().end().cast_signed();
    let of_reference = (start..start + LONGEST_REPEAT).map(|position| reference.base(position));
    let of_alt = alt[1..].iter().copied().chain((behind..).map(|position| reference.base(position)));
    of_reference.zip(of_alt).take_while(|(a, b)| a == b && *a != b'N').count()
}

fn is_repeat(bases: &[u8], unit: usize) -> bool {
    bases.iter().zip(&bases[unit.min(bases.len())..]).all(|(a, b)| a == b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{ReadBuilder, candidate, evidence};

    /// A homopolymer of five at 10..15.
    //                  0123456789012345678901234567
    const BASES: &str = "ACGTACGTACTTTTTGCATGCATGCATG";

    fn shown(reads: Vec<Read>, candidate: Candidate) -> Vec<(u64, u8, u8)> {
        let mut evidence = evidence(reads, ReferenceWindow::new(0, BASES.into()));
        evidence.candidates = vec![candidate];
        let found = evidence.fragments(10, &SlippageModel::default());
        assert_eq!(found.len(), 1);
        found[0].iter().map(|shown| (shown.fragment, shown.allele, shown.quality)).collect()
    }

    #[test]
    fn bases_count_by_their_quality_and_the_reads() {
        let read = |name: &str, bases: &str, quality: u8| {
            ReadBuilder::new(4, bases).name(name).qualities(&[quality; 4]).build()
        };
        let mut reads = vec![read("a", "ACGT", 30), read("b", "ATGT", 20), read("c", "ATGT", 9), read("d", "AGGT", 30)];
        reads.push(Read { mapping_quality: 10, ..read("e", "ACGT", 30) });
        let numbers: Vec<u64> = reads.iter().map(fragment).collect();
        let found = shown(reads, candidate(5, "C", &[("T", 2, &[1, 2])], 2));
        assert_eq!(found, [(numbers[0], 0, 30), (numbers[4], 0, 10), (numbers[1], 1, 20)]);
    }

    #[test]
    fn candidates_of_one_position_have_the_same_reads() {
        let read = |name: &str, cigar: &str, bases: &str| ReadBuilder::new(4, bases).cigar(cigar).name(name).build();
        let mut evidence = evidence(
            vec![read("a", "4M", "ATGT"), read("b", "2M1D6M", "ACTACTTT"), read("c", "4M", "ACGT")],
            ReferenceWindow::new(0, BASES.into()),
        );
        let of = |alt: &str, support: &[u32]| candidate(5, "C", &[(alt, 1, support)], 1);
        evidence.candidates = vec![of("T", &[0]), of("G", &[])];
        let found = evidence.fragments(10, &SlippageModel::default());
        let alleles = |shown: &[FragmentAllele]| shown.iter().map(|of| of.allele).collect::<Vec<_>>();
        // The deletion behind the base is no reference, in both.
        assert_eq!((alleles(&found[0]), alleles(&found[1])), (vec![0, 1], vec![0]));
    }

    #[test]
    fn a_read_that_ends_in_a_repeat_tells_nothing() {
        let read = |name: &str, cigar: &str, bases: &str| ReadBuilder::new(6, bases).cigar(cigar).name(name).build();
        let reads = vec![
            // One T of five deleted after 9; four Ts, which both have; five, which only the reference has.
            read("a", "4M1D6M", "GTACTTTTGC"),
            read("b", "8M", "GTACTTTT"),
            read("c", "9M", "GTACTTTTT"),
        ];
        let numbers: Vec<u64> = reads.iter().map(fragment).collect();
        let found = shown(reads, candidate(9, "CT", &[("C", 1, &[0])], 2));
        assert_eq!(
            found.iter().map(|shown| (shown.0, shown.1)).collect::<Vec<_>>(),
            [(numbers[2], 0), (numbers[0], 1)]
        );
        assert!(found.iter().all(|shown| (15..=20).contains(&shown.2)), "{found:?}");
    }

    #[test]
    fn repeats_slip() {
        let quality = |copies: usize| {
            let bases = format!("GC{}GACT", "T".repeat(copies));
            let window = ReferenceWindow::new(0, bases.into_bytes());
            let of = candidate(1, "CT", &[("C", 1, &[])], 1);
            let indel = Indel::of(&of, &window, &SlippageModel::default()).unwrap();
            assert_eq!(indel.told_at, copies as u64 + 1);
            indel.error
        };
        assert!(quality(18) > quality(10) && quality(10) > quality(4) && quality(18) > 0.05);
        // An insertion reaches through the repeat as well.
        let window = ReferenceWindow::new(0, b"GCTTTTTGACT".to_vec());
        let of = candidate(1, "C", &[("CT", 1, &[])], 1);
        assert_eq!(Indel::of(&of, &window, &SlippageModel::default()).unwrap().told_at, 7);
        assert!(Indel::of(&candidate(1, "C", &[("T", 1, &[])], 1), &window, &SlippageModel::default()).is_none());
    }
}
