//! Rows of an image -> the channels of the same reads aligned to its alternative alleles, for insertions and deletions.
//!
//! An alternative allele's haplotype is the image's window with the allele in it. Reads are aligned to it anew and drawn beside it as an image
//! of their own, with its own choice and order of rows; of that image one channel is taken. Where the new alignment has an indel that could lie
//! farther left the read is drawn as it is aligned to the reference; reads that do not fit at all are left out.

use std::borrow::Cow;

use super::alt_set::AltSet;
use super::channel::{MATCH, MISMATCH};
use super::image::PileupImage;
use super::rows::{Row, chosen};
use super::spec::{ImageSpec, REFERENCE_ROWS};
use crate::candidates::Candidate;
use crate::genome::ReferenceWindow;
use crate::realign::{AlignOptions, OnHaplotype, to_haplotype};

/// One value for each pixel of an image, row by row.
type Layer = Vec<u8>;

/// A layer for each of the image's alternative alleles; none where the image needs none, or from the first one on whose haplotype would leave
/// the contig.
pub(super) fn layers(
    spec: &ImageSpec,
    candidate: &Candidate,
    set: AltSet,
    rows: &[Row],
    reference: &ReferenceWindow,
) -> Vec<Layer> {
    if !spec.aligns_to_alts(candidate) {
        return Vec::new();
    }
    let haplotypes = set.alleles().map_while(|alt| haplotype(spec, candidate, alt, reference));
    haplotypes.map(|haplotype| layer(spec, candidate, rows, haplotype)).collect()
}

/// Copies the layers to their channels; the first one to both where there is one.
pub(super) fn put(spec: &ImageSpec, image: &mut PileupImage, layers: &[Layer]) {
    let Some(last) = layers.len().checked_sub(1) else { return };
    for (i, which) in spec.channels.iter().enumerate().filter_map(|(i, channel)| Some((i, channel.alt_aligned()?))) {
        let rows = layers[which.min(last)].chunks_exact(spec.width);
        for (row, values) in rows.enumerate() {
            let pixels = image.row_mut(row).chunks_exact_mut(spec.channels.len());
            pixels.zip(values).for_each(|(pixel, &value)| pixel[i] = value);
        }
    }
}

/// The window with an alternative allele in place of the reference's.
fn haplotype(spec: &ImageSpec, candidate: &Candidate, alt: usize, reference: &ReferenceWindow) -> Option<Vec<u8>> {
    let half = spec.half_width().cast_signed() as i64;
    let (start, end) = (candidate.interval().start().cast_signed(), candidate.interval().end().cast_signed());
    let before = reference.slice_of_contig(start - half, start)?;
    let after = reference.slice_of_contig(end, end + half)?;
    Some([before, &candidate.alts.get(alt)?.bases, after].concat())
}

fn layer(spec: &ImageSpec, candidate: &Candidate, rows: &[Row], mut haplotype: Vec<u8>) -> Layer {
    let first_column = spec.first_column(candidate.position);
    let bases: Vec<&[u8]> = rows.iter().map(Row::bases).collect();
    let found = to_haplotype(&bases, &haplotype, &AlignOptions::default());
    let aligned = rows.iter().zip(found).filter_map(|(row, found)| match found {
        OnHaplotype::Aligned(alignment) => Some(Row {
            start: u64::try_from(first_column).ok()? + alignment.start as u64,
            cigar: Cow::Owned(alignment.cigar),
            ..row.clone()
        }),
        OnHaplotype::Shiftable => Some(row.clone()),
        OnHaplotype::Unaligned => None,
    });
    let aligned = aligned.collect();
    haplotype.truncate(spec.width);
    let beside = ReferenceWindow::new(first_column, haplotype);
    let mut layer = vec![0; spec.width * spec.height];
    let (of_reference, of_reads) = layer.split_at_mut(REFERENCE_ROWS * spec.width);
    for row in of_reference.chunks_exact_mut(spec.width) {
        for (position, value) in (first_column..).zip(row) {
            *value = if beside.base(position) == b'N' { 0 } else { MATCH };
        }
    }
    for (row, values) in chosen(spec, candidate, aligned).iter().zip(of_reads.chunks_exact_mut(spec.width)) {
        row.walk(&beside, |position, pixel| {
            let column = usize::try_from(position - first_column).ok();
            if let Some(value) = column.and_then(|column| values.get_mut(column)) {
                *value = if pixel.differs { MISMATCH } else { MATCH };
            }
        });
    }
    layer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pileup::{Channel, render};
    use crate::reads::Read;
    use crate::testing::ReadBuilder;

    const CONTIG: &str =
        "TTGACCATGCAAGTCGATTGCAACTGGATCCAGTTACGACGGATCTCCTAGAAGCTACGGTTTAACATGCGTATCGGCATCTTAGGCCAATCTGTGAACG";

    fn spec() -> ImageSpec {
        use Channel::{BaseDiffersFromAlt1, BaseDiffersFromAlt2, BaseDiffersFromRef};
        let channels = vec![BaseDiffersFromRef, BaseDiffersFromAlt1, BaseDiffersFromAlt2];
        ImageSpec { height: 9, width: 61, channels, ..ImageSpec::default() }
    }

    fn image(candidate: &Candidate, set: AltSet, reads: &[Read]) -> PileupImage {
        let window = ReferenceWindow::new(-50, [vec![b'N'; 50], CONTIG.into()].concat()).of_contig(CONTIG.len() as u64);
        render(&spec(), candidate, set, reads, &window)
    }

    /// How many pixels of a channel of a row match and differ.
    fn pixels(image: &PileupImage, row: usize, channel: usize) -> (usize, usize) {
        let values = || (0..61).map(|column| image.value(row, column, channel));
        (values().filter(|&value| value == MATCH).count(), values().filter(|&value| value == MISMATCH).count())
    }

    /// At 46: CCTAG without CTA, and with a C more.
    fn two_alts() -> Candidate {
        crate::testing::candidate(46, "CCTA", &[("C", 2, &[0]), ("CCCTA", 2, &[1])], 0)
    }

    fn reads() -> [Read; 2] {
        let deleted = CONTIG.replace("TCCTAGAAG", "TCGAAG");
        let inserted = CONTIG.replace("TCCTAGAAG", "TCCCTAGAAG");
        [
            ReadBuilder::new(10, &deleted[10..80]).cigar("37M3D33M").name("a").build(),
            ReadBuilder::new(10, &inserted[10..80]).cigar("36M1I33M").name("b").build(),
        ]
    }

    #[test]
    fn reads_match_their_own_allele() {
        let (candidate, reads) = (two_alts(), reads());
        let first = image(&candidate, AltSet::One(0), &reads);
        // The haplotype without three bases is covered to its end; the other read differs from it by an insertion of four.
        assert_eq!([pixels(&first, 0, 1), pixels(&first, 5, 1), pixels(&first, 6, 1)], [(61, 0), (61, 0), (59, 1)]);
        let second = image(&candidate, AltSet::One(1), &reads);
        assert_eq!((pixels(&second, 6, 1).1, pixels(&second, 5, 1).1), (0, 1));
        // One allele is in both channels, a pair has one each.
        let both = image(&candidate, AltSet::Two(0, 1), &reads);
        for (row, column) in [(0, 3), (5, 20), (6, 40), (6, 31)] {
            assert_eq!(first.value(row, column, 1), first.value(row, column, 2));
            assert_eq!(both.value(row, column, 1), first.value(row, column, 1));
            assert_eq!(both.value(row, column, 2), second.value(row, column, 1));
        }
    }

    #[test]
    fn substitutions_have_nothing() {
        let snp = crate::testing::candidate(46, "C", &[("A", 2, &[0])], 0);
        let image = image(&snp, AltSet::One(0), &reads());
        assert!((0..9).all(|row| pixels(&image, row, 1) == (0, 0) && pixels(&image, row, 2) == (0, 0)));
        assert_eq!(pixels(&image, 0, 0).0, 61);
    }

    #[test]
    fn off_the_contig_there_is_nothing() {
        for position in [25, 75] {
            let near_end = crate::testing::candidate(position, "CC", &[("A", 2, &[0])], 0);
            let image = image(&near_end, AltSet::One(0), &reads());
            assert_eq!(pixels(&image, 0, 1), (0, 0), "{position}");
        }
    }

    #[test]
    fn rows_are_not_those_of_the_other_channels() {
        // The first read matches nothing, so it has no row here, and the next one moves up.
        let odd = ReadBuilder::new(10, &"N".repeat(70)).qualities(&[30; 70]).name("0").build();
        let [deleted, _] = reads();
        let candidate = crate::testing::candidate(46, "CCTA", &[("C", 2, &[1])], 0);
        let image = image(&candidate, AltSet::One(0), &[odd, deleted]);
        assert_eq!((pixels(&image, 5, 0).0, pixels(&image, 5, 1)), (0, (61, 0)));
        assert!(pixels(&image, 6, 0).0 > 50 && pixels(&image, 6, 1) == (0, 0));
    }
}
