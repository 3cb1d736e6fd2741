//! Parts of reads and one haplotype -> their alignments to it, as an image of them beside that haplotype shows them.

use super::align::{AlignOptions, Fit, Seeds};
use super::compose::{Alignment, can_shift_left, compose, identity};
use super::local::LocalAligner;
use super::op;
use crate::reads::CigarKind;

/// How a part of a read lies on a haplotype.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OnHaplotype {
    /// As this alignment says, whose start is a base of the haplotype.
    Aligned(Alignment),
    /// With an insertion or deletion that could lie farther left: such alignments are not used.
    Shiftable,
    /// No base of it matches.
    Unaligned,
}

/// Aligns parts of reads to a haplotype: by a shared 32-mer where they fit without gaps and with few mismatches, else with gaps and clips.
/// Time grows with their lengths together, and for those with gaps with the product of theirs and the haplotype's.
#[must_use]
pub fn to_haplotype(reads: &[&[u8]], haplotype: &[u8], options: &AlignOptions) -> Vec<OnHaplotype> {
    let starts = Seeds::of(reads, options.max_mismatches).starts(haplotype, reads, options.max_mismatches);
    let projection = identity(haplotype.len());
    let mut aligner = LocalAligner::new(options.scores());
    let mut one = |read: &[u8], start: Option<(usize, usize)>| {
        let (start, cigar) = if let Some((start, _)) = start {
            (start, vec![op(CigarKind::Match, read.len())])
        } else {
            let fit = Fit::gapped(read, aligner.align(read, haplotype)?);
            (fit.start, fit.cigar)
        };
        // What is inserted and deleted again at one place is aligned.
        let alignment = compose(start, &cigar, &projection)?;
        let shiftable = can_shift_left(&alignment, read, haplotype);
        Some(if shiftable { OnHaplotype::Shiftable } else { OnHaplotype::Aligned(alignment) })
    };
    reads.iter().zip(starts).map(|(read, start)| one(read, start).unwrap_or(OnHaplotype::Unaligned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::cigar_text;

    const HAPLOTYPE: &str = "TTGACCATGCAAGTCGATTGCAACTGGATCCAGTTACGACGGATCTCCTAGAAGCTACGG";

    fn aligned(read: &str) -> Result<(usize, String), OnHaplotype> {
        let found = to_haplotype(&[read.as_bytes()], HAPLOTYPE.as_bytes(), &AlignOptions::default()).remove(0);
        match found {
            OnHaplotype::Aligned(alignment) => Ok((alignment.start, cigar_text(&alignment.cigar))),
            other => Err(other),
        }
    }

    #[test]
    fn few_mismatches_need_no_gaps() {
        assert_eq!(aligned(&HAPLOTYPE[3..]), Ok((3, "57M".into())));
        assert_eq!(aligned(&HAPLOTYPE[3..].replace("CTACGG", "CTAGGC")), Ok((3, "57M".into())));
    }

    #[test]
    fn others_have_gaps_and_clips() {
        assert_eq!(aligned(&HAPLOTYPE.replace("CAACTGG", "CATGG")), Ok((0, "22M2D36M".into())));
        assert_eq!(aligned(&[&HAPLOTYPE[20..], "AAAAAAAA"].concat()), Ok((20, "40M8S".into())));
        // Longer than the haplotype.
        assert_eq!(aligned(&["CC", HAPLOTYPE, "CC"].concat()), Ok((0, "2S60M2S".into())));
        assert_eq!(aligned("NNNNN"), Err(OnHaplotype::Unaligned));
    }
}
