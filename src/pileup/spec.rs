//! Shape, channels and read rule of an image ([`ImageSpec`]): the contract between rendering and a model, stored in `model.json`.

use serde::{Deserialize, Serialize};

use super::channel::Channel;
use super::image::ImageShape;
use crate::alleles::counter::DEFAULT_MIN_BASE_QUALITY;
use crate::candidates::Candidate;

/// Rows of the reference, on top.
pub const REFERENCE_ROWS: usize = 5;

/// Size, channels and read rule of an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageSpec {
    /// Rows: `REFERENCE_ROWS` and one for each read.
    pub height: usize,
    /// Columns, one for each reference position; odd, so that the variant's first base has the middle one.
    pub width: usize,
    /// Channels in order.
    pub channels: Vec<Channel>,
    /// Lowest base quality (Phred) at the variant's first base; reads under it get no row.
    pub min_base_quality: u8,
    /// Rows are sorted by haplotype first: reads of none, then those of 1 and 2.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sort_by_haplotype: bool,
    /// Only the part of a read around the variant is used; reads of which that is too short get no row. So it is in any case where reads are
    /// aligned to alternative alleles.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub trim_reads: bool,
}

impl Default for ImageSpec {
    /// DeepVariant's WGS image: 100 x 221 x 7.
    fn default() -> Self {
        Self {
            height: 100,
            width: 221,
            channels: vec![
                Channel::ReadBase,
                Channel::BaseQuality,
                Channel::MappingQuality,
                Channel::Strand,
                Channel::ReadSupportsVariant,
                Channel::BaseDiffersFromRef,
                Channel::InsertSize,
            ],
            min_base_quality: DEFAULT_MIN_BASE_QUALITY,
            sort_by_haplotype: false,
            trim_reads: false,
        }
    }
}

impl ImageSpec {
    /// For long reads: no template length; rows by haplotype, of the part of each read around the variant.
    #[must_use]
    pub fn long_reads() -> Self {
        let channels = Self::default().channels.into_iter().filter(|&channel| channel != Channel::InsertSize);
        Self {
            channels: channels.chain([Channel::Haplotype]).collect(),
            sort_by_haplotype: true,
            trim_reads: true,
            ..Self::default()
        }
    }

    /// Height, width and channels.
    #[must_use]
    pub fn shape(&self) -> ImageShape {
        ImageShape { height: self.height, width: self.width, channels: self.channels.len() }
    }

    /// Columns on each side of the middle one.
    #[must_use]
    pub fn half_width(&self) -> usize {
        (self.width - 1) / 2
    }

    /// Position of the first column of an image whose middle one is `position` (0-based); negative where that is off the contig.
    #[must_use]
    pub fn first_column(&self, position: u64) -> i64 {
        position.cast_signed() - self.half_width().cast_signed() as i64
    }

    /// Whether it has a channel of reads aligned to alternative alleles.
    #[must_use]
    pub fn aligns(&self) -> bool {
        self.channels.iter().any(|channel| channel.alt_aligned().is_some())
    }

    /// Whether the reads of a candidate are aligned to its alternative alleles: if it has an insertion or deletion, and the image such a channel.
    #[must_use]
    pub fn aligns_to_alts(&self, candidate: &Candidate) -> bool {
        self.aligns() && !candidate.is_snp()
    }

    /// Whether the reads of a candidate are trimmed.
    #[must_use]
    pub fn trims(&self, candidate: &Candidate) -> bool {
        self.trim_reads || self.aligns_to_alts(candidate)
    }

    /// Rows for reads.
    #[must_use]
    pub fn read_rows(&self) -> usize {
        self.height.saturating_sub(REFERENCE_ROWS)
    }

    /// Why such an image cannot be rendered, or `None`.
    #[must_use]
    pub fn problem(&self) -> Option<String> {
        if self.height <= REFERENCE_ROWS || self.height > 1000 {
            return Some(format!("image height {} is not within {} to 1000", self.height, REFERENCE_ROWS + 1));
        }
        if self.width.is_multiple_of(2) || self.width > 2001 {
            return Some(format!("image width {} is not an odd number up to 2001", self.width));
        }
        if self.channels.is_empty() {
            return Some("the image has no channels".into());
        }
        None
    }
}
