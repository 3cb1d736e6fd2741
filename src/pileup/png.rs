//! A [`PileupImage`] -> a picture for people: its reads and its channels side by side under their names.

use font8x8::legacy::BASIC_LEGACY;
use image::{Rgb, RgbImage};

use super::AltSet;
use super::channel::Channel;
use super::colours::{
    BASES, HAPLOTYPES, INK, MARK, PAPER, ReadsPanel, STRANDS, SUPPORTS, haplotype, of_channel, of_haplotype,
};
use super::encoding::encode;
use super::image::PileupImage;
use super::spec::{ImageSpec, REFERENCE_ROWS};
use crate::candidates::Candidate;
use crate::error::{Error, Result};

/// Screen pixels for each image pixel.
const SCALE: u32 = 2;
/// Channels in a row of the picture.
const COLUMNS: usize = 4;
const GAP: u32 = 8;
/// Width and height of a letter: each line of its 8 x 8 dots is drawn twice, as terminals do, so that it can be read.
const GLYPH: u32 = 8;
const LINE: u32 = 2 * GLYPH;
const TITLE_HEIGHT: u32 = LINE + 12;
const LETTERS_HEIGHT: u32 = LINE + 8;
const LABEL_HEIGHT: u32 = LINE + 6;
const AXIS_HEIGHT: u32 = LINE + 6;
const LEGEND_HEIGHT: u32 = 2 * LINE + 14;
/// Letters of the reference on each side of the candidate.
const LETTERS: usize = 40;
/// Width of the marks of rows, left of a panel.
const ROW_MARK: u32 = 3;

/// Draws the image with `title` on top and the reference's letters around the candidate below it, then four panels in a row with the positions
/// under them, and a legend: the reads as a genome browser shows them, and each channel. `position` is that of the middle column, 0-based. Bases
/// and strands have IGV's colours, other channels are grey; red ticks mark the candidate's column. `haplotypes` are those of the image's
/// rows (0 for none), which are marked by them; it may be empty.
#[must_use]
pub fn picture(spec: &ImageSpec, image: &PileupImage, title: &str, position: u64, haplotypes: &[u8]) -> RgbImage {
    let shape = image.shape();
    let (panel_width, panel_height) = (size(shape.width) * SCALE, size(shape.height) * SCALE);
    let reads = ReadsPanel::of(&spec.channels);
    let panels: Vec<Panel> =
        reads.map(Panel::Reads).into_iter().chain((0..shape.channels).map(|i| Panel::channel(i, spec))).collect();
    let columns = panels.len().min(COLUMNS);
    let rows = size(panels.len().div_ceil(COLUMNS));
    let row_height = LABEL_HEIGHT + panel_height + AXIS_HEIGHT + GAP;
    let top_height = TITLE_HEIGHT + LETTERS_HEIGHT;
    let height = top_height + rows * row_height + LEGEND_HEIGHT;
    let mut canvas = RgbImage::new(GAP + size(columns) * (panel_width + GAP), height);
    // Of paper, which is white.
    canvas.as_flat_samples_mut().samples.fill(PAPER.0[0]);
    write(&mut canvas, GAP, GAP, title, INK);
    letters(&mut canvas, spec, image, position);
    for (i, panel) in panels.iter().enumerate() {
        let left = GAP + size(i % COLUMNS) * (panel_width + GAP);
        let top = top_height + size(i / COLUMNS) * row_height + LABEL_HEIGHT;
        write(&mut canvas, left, top - LABEL_HEIGHT, panel.name(spec), INK);
        for (y, row) in (0..).zip(0..shape.height) {
            let place = (left, top + y * SCALE);
            // Rows without reads, mostly.
            if row > REFERENCE_ROWS && image.row(row) == image.row(row - 1) {
                repeat_above(&mut canvas, place, panel_width, SCALE);
            } else {
                let colours = image.row(row).chunks_exact(shape.channels).map(|values| panel.colour(values, row));
                line(&mut canvas, place, colours);
                repeat_above(&mut canvas, (left, place.1 + 1), panel_width, SCALE - 1);
            }
        }
        for row in 0..shape.height {
            let marked = panel.mark(image, row).or_else(|| of_haplotype(haplotypes.get(row).copied().unwrap_or(0)));
            if let Some(colour) = marked {
                fill(&mut canvas, (left - ROW_MARK - 1, top + size(row) * SCALE), (ROW_MARK, SCALE), colour);
            }
        }
        let middle = left + size(spec.half_width()) * SCALE;
        for y in [top - 4, top + panel_height] {
            fill(&mut canvas, (middle, y), (SCALE, 4), MARK);
        }
        axis(&mut canvas, spec, (left, top + panel_height), position);
    }
    legend(&mut canvas, height - LEGEND_HEIGHT, !haplotypes.is_empty(), spec.channels.contains(&Channel::InsertSize));
    canvas
}

/// A part of a picture.
enum Panel {
    /// The reads as a genome browser shows them.
    Reads(ReadsPanel),
    /// A channel, with the colours of its values.
    Channel(usize, Box<[Rgb<u8>; 256]>),
}

impl Panel {
    fn channel(index: usize, spec: &ImageSpec) -> Self {
        let mut value = 0..=u8::MAX;
        Self::Channel(index, Box::new([(); 256].map(|()| of_channel(spec.channels[index], value.next().unwrap_or(0)))))
    }

    fn name(&self, spec: &ImageSpec) -> &'static str {
        match self {
            Self::Reads(_) => "reads",
            Self::Channel(channel, _) => spec.channels[*channel].name(),
        }
    }

    /// The colour of a pixel with these values of the channels.
    fn colour(&self, values: &[u8], row: usize) -> Rgb<u8> {
        match self {
            Self::Reads(reads) => reads.colour(values, row < REFERENCE_ROWS),
            Self::Channel(channel, colours) => colours[usize::from(values[*channel])],
        }
    }

    /// The colour of a row's mark, where the panel has its own.
    fn mark(&self, image: &PileupImage, row: usize) -> Option<Rgb<u8>> {
        let Self::Reads(reads) = self else { return None };
        (row >= REFERENCE_ROWS && reads.supports(image.row(row), image.shape().channels)).then_some(SUPPORTS.1)
    }
}

/// Pictures below each other.
#[must_use]
pub fn sheet(pictures: &[RgbImage]) -> RgbImage {
    let width = pictures.iter().map(RgbImage::width).max().unwrap_or(1);
    let height = pictures.iter().map(RgbImage::height).sum::<u32>().max(1);
    let mut canvas = RgbImage::from_pixel(width, height, PAPER);
    let mut top = 0;
    for picture in pictures {
        image::imageops::replace(&mut canvas, picture, 0, top);
        top += i64::from(picture.height());
    }
    canvas
}

/// The haplotypes of an image's rows (0 for none), if it has a channel of them; otherwise nothing.
#[must_use]
pub fn haplotypes(spec: &ImageSpec, image: &PileupImage) -> Vec<u8> {
    let Some(channel) = spec.channels.iter().position(|&channel| channel == Channel::Haplotype) else {
        return Vec::new();
    };
    let shape = image.shape();
    let highest = |row| image.row(row).iter().skip(channel).step_by(shape.channels).max().copied().unwrap_or(0);
    (0..shape.height).map(|row| haplotype(highest(row))).collect()
}

pub(super) fn size(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// Fills a rectangle, as far as it lies on the canvas.
pub(super) fn fill(canvas: &mut RgbImage, (left, top): (u32, u32), (width, height): (u32, u32), colour: Rgb<u8>) {
    let (right, bottom) = ((left + width).min(canvas.width()), (top + height).min(canvas.height()));
    for y in top..bottom {
        let bytes = line_bytes(canvas, (left, y), right.saturating_sub(left));
        canvas.as_flat_samples_mut().samples[bytes].as_chunks_mut::<3>().0.fill(colour.0);
    }
}

/// Where the bytes of a line lie that begins at that place and is on the canvas as a whole.
fn line_bytes(canvas: &RgbImage, (left, top): (u32, u32), width: u32) -> std::ops::Range<usize> {
    let start = (top as usize * canvas.width() as usize + left as usize) * 3;
    start..start + width as usize * 3
}

/// Draws a line of pixels, each [`SCALE`] wide.
fn line(canvas: &mut RgbImage, place: (u32, u32), colours: impl ExactSizeIterator<Item = Rgb<u8>>) {
    let bytes = line_bytes(canvas, place, size(colours.len()) * SCALE);
    let pixels = canvas.as_flat_samples_mut().samples[bytes].as_chunks_mut::<{ 3 * SCALE as usize }>().0;
    for (pixel, Rgb(colour)) in pixels.iter_mut().zip(colours) {
        pixel.as_chunks_mut::<3>().0.fill(colour);
    }
}

/// Repeats the line above a place so many times.
fn repeat_above(canvas: &mut RgbImage, (left, top): (u32, u32), width: u32, times: u32) {
    let above = line_bytes(canvas, (left, top - 1), width);
    for y in top..top + times {
        let start = line_bytes(canvas, (left, y), width).start;
        canvas.as_flat_samples_mut().samples.copy_within(above.clone(), start);
    }
}

/// The reference's bases around the candidate, which is red; capitals, as the image's first row has them.
fn letters(canvas: &mut RgbImage, spec: &ImageSpec, image: &PileupImage, position: u64) {
    let Some(channel) = spec.channels.iter().position(|&channel| channel == Channel::ReadBase) else { return };
    let half = spec.half_width().min(LETTERS);
    let first = spec.half_width() - half;
    let from = format!("reference {} ", (position + 1).saturating_sub(half as u64));
    write(canvas, GAP, TITLE_HEIGHT, &from, INK);
    let mut left = GAP + GLYPH * u32::try_from(from.len()).unwrap_or(0);
    for column in first..=(first + 2 * half) {
        let value = image.value(0, column, channel);
        let letter = BASES.iter().find(|(_, base, _)| *base == value).map_or("N", |(letter, ..)| letter);
        write(canvas, left, TITLE_HEIGHT, letter, if column == spec.half_width() { MARK } else { INK });
        left += GLYPH;
    }
    write(canvas, left, TITLE_HEIGHT, &format!(" {}", position + 1 + half as u64), INK);
}

/// Positions, 1-based, under a panel: of its first, middle and last column, as far as there is room.
fn axis(canvas: &mut RgbImage, spec: &ImageSpec, (left, bottom): (u32, u32), position: u64) {
    let half = spec.half_width() as u64;
    let width = u32::try_from(spec.width).unwrap_or(0) * SCALE;
    let texts = [(position + 1).saturating_sub(half), position + 1, position + 1 + half].map(|at| at.to_string());
    let wide = |text: &String| GLYPH * u32::try_from(text.len()).unwrap_or(0);
    let [first, middle, last] = &texts;
    let top = bottom + AXIS_HEIGHT - LINE;
    write(canvas, left + (width / 2).saturating_sub(wide(middle) / 2), top, middle, MARK);
    if wide(first) + wide(middle) + wide(last) + 2 * GLYPH <= width {
        write(canvas, left, top, first, INK);
        write(canvas, left + width - wide(last), top, last, INK);
    }
}

/// What colours and shades mean, in two lines.
fn legend(canvas: &mut RgbImage, top: u32, haplotypes: bool, templates: bool) {
    let mut left = GAP;
    let bases = BASES.map(|(letter, _, colour)| (letter, colour));
    let more = HAPLOTYPES.iter().filter(|_| haplotypes);
    for (name, colour) in bases.iter().chain(&STRANDS).chain([&SUPPORTS]).chain(more) {
        fill(canvas, (left, top + 3), (GLYPH, GLYPH + 2), *colour);
        write(canvas, left + GLYPH + 2, top, name, INK);
        left += GLYPH * (size(name.len()) + 3);
    }
    let longer = if templates { ", longer template" } else { "" };
    let shades = format!(
        "black: no base, or an indel's anchor (on white). Brighter: higher quality, supports the alleles, differs{longer}"
    );
    write(canvas, GAP, top + LINE + 4, &shades, INK);
}

/// The picture as a PNG file's content.
///
/// # Errors
/// [`Error::Internal`] where it cannot be encoded.
pub fn encoded(picture: &RgbImage) -> Result<Vec<u8>> {
    encode(picture).map_err(|e| Error::Internal(format!("picture: {e}")))
}

/// The alternative alleles that an image marks, with commas between them.
#[must_use]
pub fn alleles(candidate: &Candidate, set: AltSet) -> String {
    set.of(candidate).map(|alt| String::from_utf8_lossy(&alt.bases).into_owned()).collect::<Vec<_>>().join(",")
}

/// A title for a picture of a candidate: place (1-based), alleles and reads.
#[must_use]
pub fn title(contig: &str, candidate: &Candidate, set: AltSet) -> String {
    let depths: Vec<_> = set.of(candidate).map(|alt| alt.count.to_string()).collect();
    format!(
        "{contig}:{} {}>{}  depth {}, reference {}, alternative {}",
        candidate.position + 1,
        String::from_utf8_lossy(&candidate.reference),
        alleles(candidate, set),
        candidate.depth,
        candidate.reference_count,
        depths.join(",")
    )
}

fn write(canvas: &mut RgbImage, left: u32, top: u32, text: &str, colour: Rgb<u8>) {
    for (i, character) in (0..).zip(text.chars()) {
        let Some(glyph) = BASIC_LEGACY.get(character as usize) else { continue };
        for (y, mut dots) in (0..).zip(*glyph) {
            // Runs of dots from the left, which is the lowest bit.
            let mut x = left + i * GLYPH;
            while dots != 0 {
                let skipped = dots.trailing_zeros();
                let run = (dots >> skipped).trailing_ones();
                fill(canvas, (x + skipped, top + 2 * y), (run, 2), colour);
                dots = dots.checked_shr(skipped + run).unwrap_or(0);
                x += skipped + run;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_lie_side_by_side() {
        let spec = ImageSpec { height: 10, width: 31, ..ImageSpec::default() };
        let picture = picture(&spec, &PileupImage::empty(spec.shape()), "chr1:5 A>C", 4, &[0, 0, 0, 0, 0, 1]);
        assert_eq!(picture.dimensions(), (8 + 4 * (62 + 8), 52 + 2 * (22 + 20 + 22 + 8) + 46));
        // The panel of reads, then that of bases.
        assert_eq!((picture.get_pixel(8, 74), picture.get_pixel(8 + 70, 74)), (&PAPER, &Rgb([0, 0, 0])));
        let marks = [83, 84, 85].map(|y| *picture.get_pixel(70 + 5, y));
        assert_eq!(marks, [PAPER, HAPLOTYPES[0].1, HAPLOTYPES[0].1], "of the first read, left of a panel");
        assert!(picture.pixels().any(|p| *p == INK), "the title is written");
    }

    #[test]
    fn sheets_hold_all_pictures() {
        let of = |width, height, shade| RgbImage::from_pixel(width, height, Rgb([shade; 3]));
        let both = sheet(&[of(4, 3, 1), of(2, 5, 2)]);
        assert_eq!(
            (both.dimensions(), both[(0, 2)], both[(1, 3)], both[(2, 3)]),
            ((4, 8), Rgb([1; 3]), Rgb([2; 3]), PAPER)
        );
    }
}
