//! One pure function for each channel: a read, or one aligned base of it, to a pixel value.
//!
//! Values are those of DeepVariant's channels, so that its models can be run on these images. Not implemented, and
//! rejected by name in a model: `allele_frequency` (needs population data), `diff_channels_alternate_allele_1` and
//! `_2` (need the reads aligned to each alternative allele); all three become variants of [`Channel`].

use serde::{Deserialize, Serialize};

use crate::reads::Read;

/// Brightest value; 0 is an empty pixel.
const MAX: f64 = 254.0;
const MAX_BASE_QUALITY: f64 = 40.0;
const MAX_MAPPING_QUALITY: f64 = 60.0;
const MAX_INSERT_SIZE: f64 = 1000.0;

/// A channel of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// The base: A 250, G 180, T 100, C 30; 0 where an indel is anchored.
    ReadBase,
    /// Base quality, 40 and more are brightest.
    BaseQuality,
    /// Mapping quality, 60 and more are brightest.
    MappingQuality,
    /// Forward 70, reverse 240.
    Strand,
    /// Reads that support the image's alternative alleles 254, others 152.
    ReadSupportsVariant,
    /// Mismatch or indel 254, match 50.
    BaseDiffersFromRef,
    /// Template length, 1000 bp and more are brightest.
    InsertSize,
    /// Haplotype tag: 0, 127 and 254 for 0, 1 and 2.
    Haplotype,
}

/// One aligned base of a read, or an indel's anchor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pixel {
    /// The base as upper-case ASCII; `*` at an indel's anchor.
    pub base: u8,
    /// Base quality, Phred.
    pub quality: u8,
    /// True where it is not the reference's base.
    pub differs: bool,
}

impl Channel {
    /// The name used in `model.json` and on pictures.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ReadBase => "read_base",
            Self::BaseQuality => "base_quality",
            Self::MappingQuality => "mapping_quality",
            Self::Strand => "strand",
            Self::ReadSupportsVariant => "read_supports_variant",
            Self::BaseDiffersFromRef => "base_differs_from_ref",
            Self::InsertSize => "insert_size",
            Self::Haplotype => "haplotype",
        }
    }

    /// The value of every pixel of a read, or `None` where it changes along the read.
    #[must_use]
    pub fn of_read(self, read: &Read, supports: bool) -> Option<u8> {
        match self {
            Self::MappingQuality => Some(scaled(f64::from(read.mapping_quality), MAX_MAPPING_QUALITY)),
            Self::Strand => Some(if read.reverse { 240 } else { 70 }),
            Self::ReadSupportsVariant => Some(if supports { 254 } else { 152 }),
            // Template lengths are far below 2^52.
            #[allow(clippy::cast_precision_loss)]
            Self::InsertSize => Some(scaled(read.template_length.unsigned_abs() as f64, MAX_INSERT_SIZE)),
            Self::Haplotype => Some(scaled(f64::from(read.haplotype), 2.0)),
            Self::ReadBase | Self::BaseQuality | Self::BaseDiffersFromRef => None,
        }
    }

    /// The value of one pixel, or `None` where all pixels of a read share one.
    #[must_use]
    pub fn of_pixel(self, pixel: Pixel) -> Option<u8> {
        match self {
            Self::ReadBase => Some(base_value(pixel.base)),
            Self::BaseQuality => Some(scaled(f64::from(pixel.quality), MAX_BASE_QUALITY)),
            Self::BaseDiffersFromRef => Some(if pixel.differs { 254 } else { 50 }),
            _ => None,
        }
    }

    /// The value in the reference's rows.
    #[must_use]
    pub fn of_reference(self, base: u8) -> u8 {
        match self {
            Self::ReadBase => base_value(base),
            Self::BaseQuality | Self::MappingQuality | Self::InsertSize => 254,
            Self::Strand => 70,
            Self::ReadSupportsVariant => 152,
            Self::BaseDiffersFromRef => 50,
            Self::Haplotype => 0,
        }
    }
}

fn base_value(base: u8) -> u8 {
    match base {
        b'A' => 250,
        b'G' => 180,
        b'T' => 100,
        b'C' => 30,
        _ => 0,
    }
}

/// `value` over `max`, cut at 1, to 0..=254, truncated.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0..=254 by construction")]
fn scaled(value: f64, max: f64) -> u8 {
    (MAX * value.min(max) / max) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::ReadBuilder;

    #[test]
    fn qualities_are_truncated_and_capped() {
        let at = |quality| Channel::BaseQuality.of_pixel(Pixel { base: b'A', quality, differs: false });
        assert_eq!((at(0), at(30), at(40), at(93)), (Some(0), Some(190), Some(254), Some(254)));
    }

    #[test]
    fn whole_read_channels() {
        let read = ReadBuilder::new(0, "A").mapping_quality(29).reverse().template_length(-333).build();
        assert_eq!(Channel::MappingQuality.of_read(&read, false), Some(122));
        assert_eq!(Channel::Strand.of_read(&read, false), Some(240));
        assert_eq!(Channel::InsertSize.of_read(&read, false), Some(84));
        assert_eq!(Channel::ReadSupportsVariant.of_read(&read, true), Some(254));
        assert_eq!(Channel::ReadBase.of_read(&read, true), None);
    }

    #[test]
    fn every_channel_is_of_reads_or_of_pixels() {
        let read = ReadBuilder::new(0, "A").build();
        let pixel = Pixel { base: b'*', quality: 3, differs: true };
        for channel in [
            Channel::ReadBase,
            Channel::BaseQuality,
            Channel::MappingQuality,
            Channel::Strand,
            Channel::ReadSupportsVariant,
            Channel::BaseDiffersFromRef,
            Channel::InsertSize,
            Channel::Haplotype,
        ] {
            assert_ne!(channel.of_read(&read, true).is_some(), channel.of_pixel(pixel).is_some(), "{channel:?}");
        }
    }
}
