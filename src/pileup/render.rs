//! A candidate, its region's reads and the reference -> one [`PileupImage`] for a set of its alternative alleles.
//!
//! Five rows of reference, then a row for each read around the candidate, by start, name and number. The column in the
//! middle is the candidate's first base; columns off the contig stay empty.

use super::alt_aligned;
use super::alt_set::AltSet;
use super::channel::{Channel, Context, Pixel};
use super::image::PileupImage;
use super::rows::{chosen, rows};
use super::spec::{ImageSpec, REFERENCE_ROWS};
use crate::candidates::Candidate;
use crate::genome::ReferenceWindow;
use crate::reads::Read;

/// Renders `candidate`. `reads` are its region's, in [`Read::order`], as the candidate's support indexes them;
/// `reference` should reach half an image to both sides, N off the contig.
#[must_use]
pub fn render(
    spec: &ImageSpec,
    candidate: &Candidate,
    set: AltSet,
    reads: &[Read],
    reference: &ReferenceWindow,
) -> PileupImage {
    let mut image = PileupImage::empty(spec.shape());
    let first_column = spec.first_column(candidate.position);
    draw_reference(spec, &mut image, first_column, reference);
    let supports = supporting(candidate, set, reads.len());
    let rows = rows(spec, candidate, reads);
    let layers = alt_aligned::layers(spec, candidate, set, &rows, reference);
    for (i, row) in chosen(spec, candidate, rows).into_iter().enumerate() {
        let context = Context { read: row.read, supports: supports[row.index], candidate, reference };
        let mut painter = Painter::new(spec, context, image.row_mut(REFERENCE_ROWS + i));
        row.walk(reference, |position, pixel| painter.paint(position - first_column, pixel));
    }
    alt_aligned::put(spec, &mut image, &layers);
    image
}

fn draw_reference(spec: &ImageSpec, image: &mut PileupImage, first_column: i64, reference: &ReferenceWindow) {
    let channels = spec.channels.len();
    let mut row = vec![0; spec.width * channels];
    for (position, pixel) in (first_column..).zip(row.chunks_exact_mut(channels)) {
        let base = reference.base(position);
        if base != b'N' {
            spec.channels.iter().zip(pixel).for_each(|(channel, value)| *value = channel.of_reference(base));
        }
    }
    (0..REFERENCE_ROWS).for_each(|r| image.row_mut(r).copy_from_slice(&row));
}

fn supporting(candidate: &Candidate, set: AltSet, reads: usize) -> Vec<bool> {
    let mut supports = vec![false; reads];
    for alt in set.of(candidate) {
        for &read in &alt.support {
            supports[read as usize] = true;
        }
    }
    supports
}

/// Paints one read into its row.
struct Painter<'a> {
    row: &'a mut [u8],
    context: Context<'a>,
    /// A pixel with the values that all of the read's pixels share.
    template: Vec<u8>,
    /// The channels that change along the read, with their indexes in a pixel.
    changing: Vec<(usize, Channel)>,
}

impl<'a> Painter<'a> {
    fn new(spec: &ImageSpec, context: Context<'a>, row: &'a mut [u8]) -> Self {
        let of_read: Vec<_> = spec.channels.iter().map(|channel| channel.of_read(&context)).collect();
        let changing = spec.channels.iter().copied().enumerate().filter(|(i, _)| of_read[*i].is_none()).collect();
        Self { row, context, template: of_read.into_iter().map(Option::unwrap_or_default).collect(), changing }
    }

    fn paint(&mut self, column: i64, pixel: Pixel) {
        let Ok(column) = usize::try_from(column) else { return };
        let channels = self.template.len();
        let Some(values) = self.row.get_mut(column * channels..(column + 1) * channels) else { return };
        values.copy_from_slice(&self.template);
        for &(i, channel) in &self.changing {
            values[i] = channel.of_pixel(&self.context, pixel).unwrap_or_default();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::pileup::alt_sets;
    use crate::testing::ReadBuilder;

    fn candidate(position: u64, support: &[u32]) -> Candidate {
        crate::testing::candidate(position, "A", &[("C", 2, support), ("G", 2, &[0])], 0)
    }

    fn spec() -> ImageSpec {
        ImageSpec { height: 9, width: 11, ..ImageSpec::default() }
    }

    fn window() -> ReferenceWindow {
        ReferenceWindow::new(0, b"ACGTACGTACGTACGTACGT".to_vec())
    }

    /// Values of one channel along a row.
    fn values(image: &PileupImage, row: usize, channel: usize) -> Vec<u8> {
        (0..image.shape().width).map(|column| image.value(row, column, channel)).collect()
    }

    #[test]
    fn reference_rows_and_a_read() {
        let read = ReadBuilder::new(6, "GTCC").cigar("4M").build();
        let image = render(&spec(), &candidate(8, &[0]), AltSet::One(0), &[read], &window());
        // Columns are positions 3 to 13.
        assert_eq!(values(&image, 0, 0), [100, 250, 30, 180, 100, 250, 30, 180, 100, 250, 30]);
        assert_eq!(values(&image, 5, 0), [0, 0, 0, 180, 100, 30, 30, 0, 0, 0, 0]);
        assert_eq!(values(&image, 5, 5), [0, 0, 0, 50, 50, 254, 50, 0, 0, 0, 0]);
        assert_eq!(image.value(5, 5, 4), 254);
        assert_eq!(values(&image, 6, 3), [0; 11]);
    }

    #[test]
    fn support_follows_the_set() {
        let reads = [ReadBuilder::new(6, "GTCC").name("a").build(), ReadBuilder::new(6, "GTAC").name("b").build()];
        let support = |set| {
            let image = render(&spec(), &candidate(8, &[1]), set, &reads, &window());
            (image.value(5, 5, 4), image.value(6, 5, 4))
        };
        assert_eq!(support(AltSet::One(0)), (152, 254));
        assert_eq!(support(AltSet::One(1)), (254, 152));
        assert_eq!(support(AltSet::Two(0, 1)), (254, 254));
    }

    #[test]
    fn indels_mark_their_anchor() {
        let reads = [
            ReadBuilder::new(6, "GTATTCG").cigar("3M2I2M").name("a").build(),
            ReadBuilder::new(6, "GTAT").cigar("3M2D1M").name("b").build(),
        ];
        let image = render(&spec(), &candidate(8, &[]), AltSet::One(0), &reads, &window());
        assert_eq!(values(&image, 5, 0), [0, 0, 0, 180, 100, 0, 30, 180, 0, 0, 0]);
        assert_eq!(values(&image, 6, 0), [0, 0, 0, 180, 100, 0, 0, 0, 100, 0, 0]);
        assert_eq!((image.value(5, 5, 5), image.value(6, 5, 5)), (254, 254));
    }

    #[test]
    fn low_quality_at_the_candidate_costs_the_row() {
        let reads = [ReadBuilder::new(6, "GTAC").qualities(&[30, 30, 9, 30]).build()];
        let image = render(&spec(), &candidate(8, &[]), AltSet::One(0), &reads, &window());
        assert_eq!(values(&image, 5, 0), [0; 11]);
    }

    #[test]
    fn the_contigs_end_is_padded() {
        let image = render(&spec(), &candidate(1, &[]), AltSet::One(0), &[], &window());
        assert_eq!(values(&image, 0, 0)[..6], [0, 0, 0, 0, 250, 30]);
    }

    #[test]
    fn too_many_reads_are_sampled_in_order() {
        let reads: Vec<_> = (0..40)
            .map(|i| {
                ReadBuilder::new(i / 10, "ACGTACGTACGT")
                    .name(&format!("{i:02}"))
                    .mapping_quality(u8::try_from(i).unwrap() + 10)
                    .build()
            })
            .collect();
        let draw = || render(&spec(), &candidate(8, &[]), AltSet::One(0), &reads, &window());
        let image = draw();
        let mapping: Vec<_> = (5..9).map(|row| image.value(row, 5, 2)).collect();
        assert!(mapping.windows(2).all(|pair| pair[0] < pair[1]) && mapping[0] > 0, "{mapping:?}");
        assert_eq!(image, draw());
    }

    #[test]
    fn sets_of_three_alleles() {
        use AltSet::{One, Two};
        assert_eq!(alt_sets(3).collect::<Vec<_>>(), [One(0), One(1), One(2), Two(0, 1), Two(0, 2), Two(1, 2)]);
    }

    proptest! {
        #[test]
        fn reference_rows_are_equal(position in 0_u64..20, starts in prop::collection::vec(0_u64..15, 0..6)) {
            let reads: Vec<_> = starts.iter().map(|&start| ReadBuilder::new(start, "ACGTA").build()).collect();
            let image = render(&spec(), &candidate(position, &[]), AltSet::One(0), &reads, &window());
            for row in 1..REFERENCE_ROWS {
                prop_assert_eq!(image.row(row), image.row(0));
            }
        }
    }
}
