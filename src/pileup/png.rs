//! A [`PileupImage`] -> a picture for people: its channels side by side under their names.

use std::io::Cursor;

use font8x8::legacy::BASIC_LEGACY;
use image::{ImageFormat, Rgb, RgbImage};

use super::AltSet;
use super::channel::Channel;
use super::image::{ImageShape, PileupImage};
use super::spec::ImageSpec;
use crate::candidates::Candidate;
use crate::error::{Error, Result};

/// Screen pixels for each image pixel.
const SCALE: u32 = 2;
/// The same of a map of one channel.
const HEAT_SCALE: u32 = 5;
/// Channels in a row of the picture.
const COLUMNS: usize = 4;
const GAP: u32 = 8;
const GLYPH: u32 = 8;
const TITLE_HEIGHT: u32 = 3 * GLYPH;
const LETTERS_HEIGHT: u32 = 2 * GLYPH;
const LABEL_HEIGHT: u32 = 2 * GLYPH;
const AXIS_HEIGHT: u32 = GLYPH + 6;
const LEGEND_HEIGHT: u32 = 2 * GLYPH;
/// Letters of the reference on each side of the candidate.
const LETTERS: usize = 40;
const PAPER: Rgb<u8> = Rgb([255, 255, 255]);
const INK: Rgb<u8> = Rgb([20, 20, 20]);
const MARK: Rgb<u8> = Rgb([220, 40, 40]);
/// Bases, their values in the channel of bases, and IGV's colours of them.
const BASES: [(&str, u8, Rgb<u8>); 4] = [
    ("A", 250, Rgb([0, 150, 0])),
    ("C", 30, Rgb([40, 80, 230])),
    ("G", 180, Rgb([209, 113, 5])),
    ("T", 100, Rgb([230, 40, 40])),
];

/// Draws the image with `title` on top and the reference's letters around the candidate below it, four channels in a row with the
/// positions under them, and a legend. `position` is that of the middle column, 0-based. Bases have IGV's colours, every other channel is grey; red
/// ticks mark the candidate's column.
#[must_use]
pub fn picture(spec: &ImageSpec, image: &PileupImage, title: &str, position: u64) -> RgbImage {
    let shape = image.shape();
    let size = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let (panel_width, panel_height) = (size(shape.width) * SCALE, size(shape.height) * SCALE);
    let columns = shape.channels.min(COLUMNS);
    let rows = size(shape.channels.div_ceil(COLUMNS));
    let row_height = LABEL_HEIGHT + panel_height + AXIS_HEIGHT + GAP;
    let top_height = TITLE_HEIGHT + LETTERS_HEIGHT;
    let height = top_height + rows * row_height + LEGEND_HEIGHT;
    let mut canvas = RgbImage::from_pixel(GAP + size(columns) * (panel_width + GAP), height, PAPER);
    write(&mut canvas, GAP, GLYPH, title, INK);
    letters(&mut canvas, spec, image, position);
    for (i, channel) in spec.channels.iter().enumerate() {
        let left = GAP + size(i % COLUMNS) * (panel_width + GAP);
        let top = top_height + size(i / COLUMNS) * row_height + LABEL_HEIGHT;
        write(&mut canvas, left, top - LABEL_HEIGHT, channel.name(), INK);
        for y in 0..panel_height {
            for x in 0..panel_width {
                let value = image.value((y / SCALE) as usize, (x / SCALE) as usize, i);
                canvas.put_pixel(left + x, top + y, colour(*channel, value));
            }
        }
        let middle = left + size(spec.half_width()) * SCALE;
        for (x, y) in (0..SCALE).flat_map(|x| (1..5).map(move |y| (x, y))) {
            canvas.put_pixel(middle + x, top - y, MARK);
            canvas.put_pixel(middle + x, top + panel_height - 1 + y, MARK);
        }
        axis(&mut canvas, spec, (left, top + panel_height), position);
    }
    legend(&mut canvas, height - LEGEND_HEIGHT);
    canvas
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
    let top = bottom + AXIS_HEIGHT - GLYPH;
    write(canvas, left + (width / 2).saturating_sub(wide(middle) / 2), top, middle, MARK);
    if wide(first) + wide(middle) + wide(last) + 2 * GLYPH <= width {
        write(canvas, left, top, first, INK);
        write(canvas, left + width - wide(last), top, last, INK);
    }
}

/// What colours and shades mean.
fn legend(canvas: &mut RgbImage, top: u32) {
    let mut left = GAP;
    for (letter, _, colour) in BASES {
        for (x, y) in (0..GLYPH).flat_map(|x| (0..GLYPH).map(move |y| (x, y))) {
            if left + x < canvas.width() {
                canvas.put_pixel(left + x, top + y, colour);
            }
        }
        write(canvas, left + GLYPH + 2, top, letter, INK);
        left += 3 * GLYPH;
    }
    let shades = "black: no base, or an indel's anchor. Brighter: higher quality, reverse strand, supports the alleles, differs, longer template";
    write(canvas, left, top, shades, INK);
}

/// A map of an image's pixels, `[height, width]`: positive values red, negative ones blue, the strongest one of a hundred as dark as can be.
#[must_use]
pub fn heat(shape: ImageShape, values: &[f32]) -> RgbImage {
    let size = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let mut sizes: Vec<f32> = values.iter().map(|value| value.abs()).filter(|&value| value > 0.0).collect();
    sizes.sort_by(f32::total_cmp);
    let strongest = sizes.get(sizes.len() - sizes.len().div_ceil(100)).copied().unwrap_or(1.0);
    RgbImage::from_fn(size(shape.width) * HEAT_SCALE, size(shape.height) * HEAT_SCALE, |x, y| {
        let at = (y / HEAT_SCALE) as usize * shape.width + (x / HEAT_SCALE) as usize;
        let value = (values.get(at).copied().unwrap_or(0.0) / strongest).clamp(-1.0, 1.0);
        let faded = |channel: u8| {
            let channel = f32::from(channel);
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between a colour and white")]
            let mixed = (255.0 + value.abs() * (channel - 255.0)) as u8;
            mixed
        };
        Rgb(if value >= 0.0 { [178, 24, 43].map(faded) } else { [33, 102, 172].map(faded) })
    })
}

/// The picture as a PNG file's content.
///
/// # Errors
/// [`Error::Internal`] where it cannot be encoded.
pub fn encoded(picture: &RgbImage) -> Result<Vec<u8>> {
    let mut png = Cursor::new(Vec::new());
    picture.write_to(&mut png, ImageFormat::Png).map_err(|e| Error::Internal(format!("picture: {e}")))?;
    Ok(png.into_inner())
}

/// The alternative alleles that an image marks, with commas between them.
#[must_use]
pub fn alleles(candidate: &Candidate, set: AltSet) -> String {
    let shown = candidate.alts.iter().enumerate().filter(|(i, _)| set.contains(*i));
    shown.map(|(_, alt)| String::from_utf8_lossy(&alt.bases).into_owned()).collect::<Vec<_>>().join(",")
}

/// A title for a picture of a candidate: place (1-based), alleles and reads.
#[must_use]
pub fn title(contig: &str, candidate: &Candidate, set: AltSet) -> String {
    let depths: Vec<_> =
        candidate.alts.iter().enumerate().filter(|(i, _)| set.contains(*i)).map(|(_, a)| a.count.to_string()).collect();
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

fn colour(channel: Channel, value: u8) -> Rgb<u8> {
    if channel != Channel::ReadBase {
        return Rgb([value; 3]);
    }
    BASES.iter().find(|(_, base, _)| *base == value).map_or(Rgb([value; 3]), |(.., colour)| *colour)
}

fn write(canvas: &mut RgbImage, left: u32, top: u32, text: &str, colour: Rgb<u8>) {
    for (i, character) in (0..).zip(text.chars()) {
        let Some(glyph) = BASIC_LEGACY.get(character as usize) else { continue };
        for (y, line) in (0..).zip(glyph) {
            for x in (0..GLYPH).filter(|x| line >> x & 1 == 1) {
                let (x, y) = (left + i * GLYPH + x, top + y);
                if x < canvas.width() && y < canvas.height() {
                    canvas.put_pixel(x, y, colour);
                }
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
        let picture = picture(&spec, &PileupImage::empty(spec.shape()), "chr1:5 A>C", 4);
        assert_eq!(picture.dimensions(), (8 + 4 * (62 + 8), 40 + 2 * (16 + 20 + 14 + 8) + 16));
        assert_eq!(picture.get_pixel(8, 56), &Rgb([0, 0, 0]));
        assert!(picture.pixels().any(|p| *p == INK), "the title is written");
    }

    #[test]
    fn maps_are_white_where_nothing_counts() {
        let shape = ImageShape { height: 1, width: 3, channels: 1 };
        let map = heat(shape, &[2.0, 0.0, -2.0]);
        let colours = [0, 5, 10].map(|x| map.get_pixel(x, 0).0);
        assert_eq!(colours, [[178, 24, 43], [255, 255, 255], [33, 102, 172]]);
        assert!(heat(shape, &[0.0; 3]).pixels().all(|pixel| pixel.0 == [255; 3]));
    }
}
