//! One pure function for each channel: a read, or one aligned base of it, to a pixel value.
//!
//! Values are those of DeepVariant's channels, so that its models can be run on these images. A channel sees a [`Context`] and, where it
//! changes along the read, a [`Pixel`]. Not implemented, and rejected by name in a model: `allele_frequency`, which needs population data.

use serde::{Deserialize, Serialize};

use crate::candidates::Candidate;
use crate::genome::ReferenceWindow;
use crate::reads::Read;

/// Brightest value; 0 is an empty pixel.
const MAX: f64 = 254.0;
/// Of a base that is the reference's, and of one that is not.
pub(super) const MATCH: u8 = 50;
pub(super) const MISMATCH: u8 = 254;
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
    /// Haplotype, phased or by its tag: 0, 127 and 254 for 0, 1 and 2.
    Haplotype,
    /// Probability that the base is 5-methylcytosine: 254 if it is certain, 0 without MM and ML tags.
    BaseMethylation,
    /// Supplementary alignments 254, others 152.
    SupplementaryAlignment,
    /// Mismatch or indel 254, match 50, of reads aligned to the image's first alternative allele; 0 for substitutions.
    #[serde(rename = "base_differs_from_alt1")]
    BaseDiffersFromAlt1,
    /// The same of its second one, or of the first if there is only one.
    #[serde(rename = "base_differs_from_alt2")]
    BaseDiffersFromAlt2,
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
    /// The base in the read whose quality this is, 0-based; none where a deletion comes before any base.
    pub offset: Option<usize>,
}

/// What a channel may look at to colour a read.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The read.
    pub read: &'a Read,
    /// Whether it supports an alternative allele of the image.
    pub supports: bool,
    /// The candidate in the middle.
    pub candidate: &'a Candidate,
    /// The reference around it.
    pub reference: &'a ReferenceWindow,
}

impl Channel {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::ReadBase,
        Self::BaseQuality,
        Self::MappingQuality,
        Self::Strand,
        Self::ReadSupportsVariant,
        Self::BaseDiffersFromRef,
        Self::InsertSize,
        Self::Haplotype,
        Self::BaseMethylation,
        Self::SupplementaryAlignment,
        Self::BaseDiffersFromAlt1,
        Self::BaseDiffersFromAlt2,
    ];

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
            Self::BaseMethylation => "base_methylation",
            Self::SupplementaryAlignment => "supplementary_alignment",
            Self::BaseDiffersFromAlt1 => "base_differs_from_alt1",
            Self::BaseDiffersFromAlt2 => "base_differs_from_alt2",
        }
    }

    /// Which of the image's alternative alleles reads are aligned to for this channel (0 or 1); `None` of channels of reads as they are
    /// aligned to the reference. These channels are drawn apart (`alt_aligned`).
    #[must_use]
    pub fn alt_aligned(self) -> Option<usize> {
        match self {
            Self::BaseDiffersFromAlt1 => Some(0),
            Self::BaseDiffersFromAlt2 => Some(1),
            _ => None,
        }
    }

    /// The value of every pixel of a read, or `None` where it changes along the read.
    #[must_use]
    pub fn of_read(self, context: &Context) -> Option<u8> {
        let Context { read, supports, .. } = *context;
        match self {
            Self::MappingQuality => Some(scaled(f64::from(read.mapping_quality), MAX_MAPPING_QUALITY)),
            Self::Strand => Some(if read.reverse { 240 } else { 70 }),
            Self::ReadSupportsVariant => Some(if supports { 254 } else { 152 }),
            // Template lengths are far below 2^52.
            #[allow(clippy::cast_precision_loss)]
            Self::InsertSize => Some(scaled(read.template_length.unsigned_abs() as f64, MAX_INSERT_SIZE)),
            Self::Haplotype => Some(scaled(f64::from(read.haplotype), 2.0)),
            Self::SupplementaryAlignment => Some(if read.is_supplementary() { 254 } else { 152 }),
            // Drawn apart.
            Self::BaseDiffersFromAlt1 | Self::BaseDiffersFromAlt2 => Some(0),
            Self::ReadBase | Self::BaseQuality | Self::BaseDiffersFromRef | Self::BaseMethylation => None,
        }
    }

    /// The value of one pixel, or `None` where all pixels of a read share one.
    #[must_use]
    pub fn of_pixel(self, context: &Context, pixel: Pixel) -> Option<u8> {
        match self {
            Self::ReadBase => Some(base_value(pixel.base)),
            Self::BaseQuality => Some(scaled(f64::from(pixel.quality), MAX_BASE_QUALITY)),
            Self::BaseDiffersFromRef => Some(if pixel.differs { MISMATCH } else { MATCH }),
            Self::BaseMethylation => {
                let of_base = |offset: usize| context.read.methylation.as_ref()?.get(offset).copied();
                let probability = pixel.offset.and_then(of_base).unwrap_or(0);
                Some(scaled(f64::from(probability), f64::from(u8::MAX)))
            }
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
            Self::BaseDiffersFromRef => MATCH,
            Self::Haplotype
            | Self::BaseMethylation
            | Self::SupplementaryAlignment
            | Self::BaseDiffersFromAlt1
            | Self::BaseDiffersFromAlt2 => 0,
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
    use crate::testing::{ReadBuilder, candidate};

    /// The value of a read, and of one pixel of it.
    fn values(channel: Channel, read: &Read, supports: bool, pixel: Pixel) -> (Option<u8>, Option<u8>) {
        let (candidate, reference) = (candidate(0, "A", &[("C", 1, &[0])], 0), ReferenceWindow::new(0, Vec::new()));
        let context = Context { read, supports, candidate: &candidate, reference: &reference };
        (channel.of_read(&context), channel.of_pixel(&context, pixel))
    }

    const PIXEL: Pixel = Pixel { base: b'*', quality: 3, differs: true, offset: Some(0) };

    #[test]
    fn qualities_are_truncated_and_capped() {
        let read = ReadBuilder::new(0, "A").build();
        let at = |quality| values(Channel::BaseQuality, &read, false, Pixel { quality, ..PIXEL }).1;
        assert_eq!((at(0), at(30), at(40), at(93)), (Some(0), Some(190), Some(254), Some(254)));
    }

    #[test]
    fn whole_read_channels() {
        let read = ReadBuilder::new(0, "A").mapping_quality(29).reverse().template_length(-333).haplotype(1).build();
        let of = |channel, supports| values(channel, &read, supports, PIXEL).0;
        assert_eq!(of(Channel::MappingQuality, false), Some(122));
        assert_eq!(of(Channel::Strand, false), Some(240));
        assert_eq!(of(Channel::InsertSize, false), Some(84));
        assert_eq!(of(Channel::ReadSupportsVariant, true), Some(254));
        assert_eq!(of(Channel::Haplotype, false), Some(127));
        assert_eq!(of(Channel::SupplementaryAlignment, false), Some(152));
        assert_eq!(of(Channel::ReadBase, true), None);
        let supplementary = ReadBuilder::new(0, "A").flags(0x800).build();
        assert_eq!(values(Channel::SupplementaryAlignment, &supplementary, false, PIXEL).0, Some(254));
    }

    #[test]
    fn methylation_is_that_of_the_base() {
        let mut read = ReadBuilder::new(0, "ACG").build();
        let of = |read: &Read, offset| values(Channel::BaseMethylation, read, false, Pixel { offset, ..PIXEL }).1;
        assert_eq!(of(&read, Some(1)), Some(0), "there are no tags");
        read.methylation = Some([0, 200, 255].into());
        assert_eq!((of(&read, Some(0)), of(&read, Some(1)), of(&read, Some(2))), (Some(0), Some(199), Some(254)));
        assert_eq!(of(&read, None), Some(0));
    }

    #[test]
    fn every_channel_is_of_reads_or_of_pixels() {
        let read = ReadBuilder::new(0, "A").build();
        for channel in Channel::ALL {
            let (of_read, of_pixel) = values(channel, &read, true, PIXEL);
            assert_ne!(of_read.is_some(), of_pixel.is_some(), "{channel:?}");
            let stored = serde_json::to_value(channel).unwrap();
            assert_eq!(stored, channel.name(), "its name in model.json");
        }
    }
}
