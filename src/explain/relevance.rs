//! The gradient of an image -> which channels, reads and columns counted: [`Relevance`].
//!
//! The relevance of a pixel is its value times the gradient of the difference between the logits of the two most probable genotypes with respect to
//! it (an input-masked gradient: empty pixels have none), in nats. Positive values speak for the most probable one, and sums keep the sign: sizes
//! without it are about the same for a network that has learned nothing, as they follow from where the image has bases and from which columns
//! the network reads at all (docs/reports.md has the figures).

use serde::Serialize;

use crate::pileup::spec::REFERENCE_ROWS;
use crate::pileup::{Channel, ImageSpec, PileupImage};

/// Columns on each side of the middle that are near, and those that are around it.
const NEAR: usize = 5;
const AROUND: usize = 20;
/// Columns that are named.
const MOST_COLUMNS: usize = 5;
/// Value of reads that support the alleles of an image.
const SUPPORTS: u8 = 254;

/// Sums of the relevance by channel, by rows and by columns, nats: positive for the most probable genotype, negative for the second. Each group sums to
/// the whole.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Relevance {
    /// The two genotypes that it is between: the most probable of the CNN and the second.
    pub between: [&'static str; 2],
    /// Of each channel.
    pub channels: Vec<(&'static str, f64)>,
    /// Of reads that support the alleles, of other reads, and of the reference's rows.
    pub rows: Vec<(&'static str, f64)>,
    /// Of columns within 5 bp, of those within 20 bp, and of those beyond.
    pub columns: Vec<(&'static str, f64)>,
    /// The columns with most of it in either direction, by their distance from the candidate in bp.
    pub most: Vec<(i64, f64)>,
}

/// Relevance by pixel, channels summed: `[height, width]`, signed.
#[must_use]
pub fn by_pixel(image: &PileupImage, gradient: &[f32]) -> Vec<f32> {
    let channels = image.shape().channels.max(1);
    let pixels = image.bytes().chunks_exact(channels).zip(gradient.chunks_exact(channels));
    pixels
        .map(|(values, slopes)| values.iter().zip(slopes).map(|(&value, slope)| f32::from(value) * slope).sum())
        .collect()
}

impl Relevance {
    /// Of an image and its gradient, `[height, width, channel]`.
    #[must_use]
    pub fn of(spec: &ImageSpec, image: &PileupImage, gradient: &[f32], between: [&'static str; 2]) -> Self {
        let shape = image.shape();
        let middle = spec.half_width();
        let mut channels = vec![0.0; shape.channels];
        let (mut rows, mut columns, mut single) = ([0.0; 3], [0.0; 3], vec![0.0; shape.width]);
        let support = spec.channels.iter().position(|&channel| channel == Channel::ReadSupportsVariant);
        for row in 0..shape.height {
            let supports = support.is_some_and(|channel| {
                image.row(row).iter().skip(channel).step_by(shape.channels).any(|&value| value == SUPPORTS)
            });
            let kind = if row < REFERENCE_ROWS { 2 } else { usize::from(!supports) };
            for (column, whole) in single.iter_mut().enumerate() {
                let distance = column.abs_diff(middle);
                let place = if distance <= NEAR { 0 } else { 1 + usize::from(distance > AROUND) };
                for (channel, sum) in channels.iter_mut().enumerate() {
                    let at = (row * shape.width + column) * shape.channels + channel;
                    let value = f64::from(image.value(row, column, channel));
                    let relevance = value * f64::from(gradient.get(at).copied().unwrap_or(0.0));
                    *sum += relevance;
                    rows[kind] += relevance;
                    columns[place] += relevance;
                    *whole += relevance;
                }
            }
        }
        let rounded = |sum: f64| (sum * 1e4).round() / 1e4;
        let offset = |column: usize| i64::try_from(column).unwrap_or(0) - i64::try_from(middle).unwrap_or(0);
        let mut most: Vec<(i64, f64)> = single.iter().enumerate().map(|(i, &sum)| (offset(i), rounded(sum))).collect();
        most.sort_by(|a, b| b.1.abs().total_cmp(&a.1.abs()).then(a.0.cmp(&b.0)));
        most.truncate(MOST_COLUMNS);
        let named = |names: [&'static str; 3], sums: [f64; 3]| names.into_iter().zip(sums.map(rounded)).collect();
        Self {
            between,
            channels: spec.channels.iter().zip(channels).map(|(channel, sum)| (channel.name(), rounded(sum))).collect(),
            rows: named(["supporting_reads", "other_reads", "reference"], rows),
            columns: named(["within_5_bp", "within_20_bp", "beyond"], columns),
            most,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pileup::ImageShape;

    #[test]
    fn sums_keep_their_sign() {
        let channels = vec![Channel::ReadBase, Channel::ReadSupportsVariant];
        let spec = ImageSpec { height: 7, width: 61, channels, ..ImageSpec::default() };
        let shape = ImageShape { height: 7, width: 61, channels: 2 };
        let mut bytes = vec![0_u8; shape.bytes()];
        let at = |row: usize, column: usize, channel: usize| (row * 61 + column) * 2 + channel;
        // A supporting read in row 5, another in row 6.
        for column in 20..40 {
            bytes[at(5, column, 1)] = 254;
            bytes[at(6, column, 1)] = 152;
            bytes[at(6, column, 0)] = 100;
        }
        let image = PileupImage::from_bytes(shape, bytes.into()).unwrap();
        let mut gradient = vec![0.0; shape.bytes()];
        gradient[at(5, 30, 1)] = 3.0 / 254.0;
        gradient[at(6, 20, 0)] = -1.0 / 100.0;
        // Empty pixels count for nothing.
        gradient[at(5, 60, 0)] = 99.0;
        let found = Relevance::of(&spec, &image, &gradient, ["het", "hom-ref"]);
        assert_eq!(found.channels, [("read_base", -1.0), ("read_supports_variant", 3.0)]);
        assert_eq!(found.rows, [("supporting_reads", 3.0), ("other_reads", -1.0), ("reference", 0.0)]);
        assert_eq!(found.columns, [("within_5_bp", 3.0), ("within_20_bp", -1.0), ("beyond", 0.0)]);
        assert_eq!(found.most[..2], [(0, 3.0), (-10, -1.0)]);
        let map = by_pixel(&image, &gradient);
        assert!((map[5 * 61 + 30] - 3.0).abs() < 1e-5 && (map[6 * 61 + 20] + 1.0).abs() < 1e-5);
    }
}
