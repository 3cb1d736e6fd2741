//! Signed values of an image's pixels -> a map for people, with the sums of rows and columns beside it.

use image::{Rgb, RgbImage};

use super::colours::PAPER;
use super::image::ImageShape;
use super::png::{fill, size};

/// Screen pixels for each image pixel.
const SCALE: u32 = 5;
/// Length of the longest bar, and the room between the map and the bars.
const BAR: u32 = 120;
const GAP: u32 = 6;
/// Of the strongest values.
const POSITIVE: [u8; 3] = [178, 24, 43];
const NEGATIVE: [u8; 3] = [33, 102, 172];

/// A map of an image's pixels, `[height, width]`: positive values red, negative ones blue, the strongest one of a hundred as dark as can be. Bars on the
/// right have the colour and the size of the rows' sums, bars below those of the columns'.
#[must_use]
pub fn heat(shape: ImageShape, values: &[f32]) -> RgbImage {
    let mut sizes: Vec<f32> = values.iter().map(|value| value.abs()).filter(|&value| value > 0.0).collect();
    sizes.sort_by(f32::total_cmp);
    let strongest = sizes.get(sizes.len() - sizes.len().div_ceil(100)).copied().unwrap_or(1.0);
    let (width, height) = (size(shape.width) * SCALE, size(shape.height) * SCALE);
    let mut canvas = RgbImage::from_pixel(width + GAP + BAR, height + GAP + BAR, PAPER);
    let (mut rows, mut columns) = (vec![0.0_f32; shape.height], vec![0.0_f32; shape.width]);
    for (row, sum) in rows.iter_mut().enumerate() {
        for (column, other) in columns.iter_mut().enumerate() {
            let value = values.get(row * shape.width + column).copied().unwrap_or(0.0);
            *sum += value;
            *other += value;
            let place = (size(column) * SCALE, size(row) * SCALE);
            fill(&mut canvas, place, (SCALE, SCALE), shade(value / strongest));
        }
    }
    for (row, (length, colour)) in bars(&rows).enumerate() {
        fill(&mut canvas, (width + GAP, size(row) * SCALE), (length, SCALE - 1), colour);
    }
    for (column, (length, colour)) in bars(&columns).enumerate() {
        fill(&mut canvas, (size(column) * SCALE, height + GAP), (SCALE - 1, length), colour);
    }
    canvas
}

/// A colour between white and that of the strongest values of its sign.
fn shade(value: f32) -> Rgb<u8> {
    let strength = value.abs().min(1.0);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between a colour and white")]
    let faded = |channel: u8| (255.0 + strength * (f32::from(channel) - 255.0)) as u8;
    Rgb(if value >= 0.0 { POSITIVE.map(faded) } else { NEGATIVE.map(faded) })
}

/// Lengths and colours of bars.
fn bars(sums: &[f32]) -> impl Iterator<Item = (u32, Rgb<u8>)> {
    let longest = sums.iter().fold(f32::MIN_POSITIVE, |longest, sum| longest.max(sum.abs()));
    sums.iter().map(move |&sum| {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of BAR")]
        #[allow(clippy::cast_precision_loss, reason = "a small number")]
        let length = (sum.abs() / longest * BAR as f32).round() as u32;
        (length, Rgb(if sum >= 0.0 { POSITIVE } else { NEGATIVE }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_are_white_where_nothing_counts() {
        let shape = ImageShape { height: 1, width: 3, channels: 1 };
        let map = heat(shape, &[2.0, 0.0, -2.0]);
        let colours = [0, 5, 10].map(|x| map.get_pixel(x, 0).0);
        assert_eq!(colours, [POSITIVE, [255, 255, 255], NEGATIVE]);
        assert!(heat(shape, &[0.0; 3]).pixels().all(|pixel| pixel.0 == [255; 3]));
    }

    #[test]
    fn bars_are_sums_of_rows_and_columns() {
        let shape = ImageShape { height: 2, width: 2, channels: 1 };
        let map = heat(shape, &[3.0, -1.0, 1.0, -5.0]);
        let bar = |x: u32, y: u32, step: (u32, u32)| {
            let along = (0..BAR).map(|i| map.get_pixel(x + i * step.0, y + i * step.1).0);
            let colours: Vec<_> = along.filter(|colour| *colour != [255; 3]).collect();
            (colours.len(), colours.first().copied())
        };
        assert_eq!([0, 5].map(|y| bar(16, y, (1, 0))), [(60, Some(POSITIVE)), (120, Some(NEGATIVE))]);
        assert_eq!([0, 5].map(|x| bar(x, 16, (0, 1))), [(80, Some(POSITIVE)), (120, Some(NEGATIVE))]);
    }
}
