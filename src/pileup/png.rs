//! A [`PileupImage`] -> a picture for people: its channels side by side under their names.

use font8x8::legacy::BASIC_LEGACY;
use image::{Rgb, RgbImage};

use super::channel::Channel;
use super::image::PileupImage;
use super::spec::ImageSpec;

/// Screen pixels for each image pixel.
const SCALE: u32 = 2;
/// Channels in a row of the picture.
const COLUMNS: usize = 4;
const GAP: u32 = 8;
const GLYPH: u32 = 8;
const TITLE_HEIGHT: u32 = 3 * GLYPH;
const LABEL_HEIGHT: u32 = 2 * GLYPH;
const PAPER: Rgb<u8> = Rgb([255, 255, 255]);
const INK: Rgb<u8> = Rgb([20, 20, 20]);
const MARK: Rgb<u8> = Rgb([220, 40, 40]);

/// Draws the image with `title` on top, four channels in a row. Bases have IGV's colours, every other channel is grey; red
/// ticks mark the candidate's column.
#[must_use]
pub fn picture(spec: &ImageSpec, image: &PileupImage, title: &str) -> RgbImage {
    let shape = image.shape();
    let size = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let (panel_width, panel_height) = (size(shape.width) * SCALE, size(shape.height) * SCALE);
    let columns = shape.channels.min(COLUMNS);
    let rows = shape.channels.div_ceil(COLUMNS);
    let row_height = LABEL_HEIGHT + panel_height + GAP;
    let mut canvas =
        RgbImage::from_pixel(GAP + size(columns) * (panel_width + GAP), TITLE_HEIGHT + size(rows) * row_height, PAPER);
    write(&mut canvas, GAP, GLYPH, title);
    for (i, channel) in spec.channels.iter().enumerate() {
        let left = GAP + size(i % COLUMNS) * (panel_width + GAP);
        let top = TITLE_HEIGHT + size(i / COLUMNS) * row_height + LABEL_HEIGHT;
        write(&mut canvas, left, top - LABEL_HEIGHT, channel.name());
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
    }
    canvas
}

fn colour(channel: Channel, value: u8) -> Rgb<u8> {
    if channel != Channel::ReadBase {
        return Rgb([value; 3]);
    }
    match value {
        250 => Rgb([0, 150, 0]),
        180 => Rgb([209, 113, 5]),
        100 => Rgb([230, 40, 40]),
        30 => Rgb([40, 80, 230]),
        other => Rgb([other; 3]),
    }
}

fn write(canvas: &mut RgbImage, left: u32, top: u32, text: &str) {
    for (i, character) in (0..).zip(text.chars()) {
        let Some(glyph) = BASIC_LEGACY.get(character as usize) else { continue };
        for (y, line) in (0..).zip(glyph) {
            for x in (0..GLYPH).filter(|x| line >> x & 1 == 1) {
                let (x, y) = (left + i * GLYPH + x, top + y);
                if x < canvas.width() && y < canvas.height() {
                    canvas.put_pixel(x, y, INK);
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
        let picture = picture(&spec, &PileupImage::empty(spec.shape()), "chr1:5 A>C");
        assert_eq!(picture.dimensions(), (8 + 4 * (62 + 8), 24 + 2 * (16 + 20 + 8)));
        assert_eq!(picture.get_pixel(8, 40), &Rgb([0, 0, 0]));
        assert!(picture.pixels().any(|p| *p == INK), "the title is written");
    }
}
